"""Calibration from end to end: screen, simulate the prior, learn an emulator, sample, correct by real runs, write.

Each stage is one function here, and all of them ask for runs in the same way (``passaat.calibration.table``), so an
interrupted calibration goes on where it stopped and a second one with the same model reads what the first has run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from passaat.calibration.emulator import Fit, fit
from passaat.calibration.inference import (
    DISCREPANCY_SCALE,
    Corrected,
    Effort,
    Others,
    Posterior,
    Report,
    effective_size,
    emulated_log_likelihood,
    exact_log_likelihood,
    learn_others,
    propose_others,
    real_log_likelihood,
    sample,
    smoothed_log_weights,
)
from passaat.calibration.likelihood import Term, shown_by, terms_of
from passaat.calibration.posterior import (
    COMMAND,
    NAME,
    Sample,
    description,
    sample_text,
    write_sample,
)
from passaat.calibration.screening import Screened, choose, screen, strength_kept, write_screening
from passaat.calibration.table import (
    Batch,
    Evaluator,
    OnProgress,
    Reference,
    RunStore,
    Seen,
    default_store,
    evaluator_of,
    prior_batch,
    run_batch,
    world_seeds,
)
from passaat.calibration.targets import Figure, figures
from passaat.errors import StudyError
from passaat.experiments.design.factors import parameter_label
from passaat.experiments.run.pump import default_workers
from passaat.identity import fingerprint_of_text
from passaat.json_text import json_text, plain
from passaat.writing import write_whole

Floats = NDArray[np.float64]

SIGNIFICANT: Final = 5
RANGE: Final = (5.0, 50.0, 95.0)


@dataclass(frozen=True)
class Budget:
    """What a calibration may spend.

    Attributes:
        trajectories: of the screening; each takes one run more than there are parameters.
        table: prior simulations.
        proposals: draws of the emulated posterior that are run for the correction, each in ``worlds`` worlds.
        kept: draws of the sample that is written.
    """

    trajectories: int = 16
    table: int = 8192
    proposals: int = 400
    worlds: int = 6
    kept: int = 300
    effort: Effort = field(default_factory=Effort)

    def runs(self, parameters: int) -> int:
        """Runs of the model that this takes."""
        return self.trajectories * (parameters + 1) + self.table + self.proposals * self.worlds


FULL: Final = Budget()
QUICK: Final = Budget(2, 512, 100, 2, 60, Effort(40, 150, 200, 5))
FEATURES_OF_OTHERS: Final = 12
"""So many of the other parameters may tilt the weights: those with the largest effects on the terms."""


@dataclass(frozen=True)
class Work:
    """What all posteriors of one calibration share: the runs of the prior and what was learnt from them."""

    evaluator: Evaluator
    store: RunStore
    budget: Budget
    seed: int
    workers: int
    progress: OnProgress | None
    figures: tuple[Figure, ...]
    terms: tuple[Term, ...]
    screening: tuple[Screened, ...]
    chosen: tuple[str, ...]
    table: Batch
    seen: Seen
    scaled: Floats
    fit: Fit
    others: Others

    @property
    def report(self) -> Report:
        """What was really reported."""
        return Report(self.terms, np.array([term.reported for term in self.terms]))


@dataclass(frozen=True)
class Calibration:
    """A finished calibration."""

    work: Work
    emulated: Posterior
    corrected: Corrected
    sample: Sample
    metadata: Mapping[str, Any]

    def write(self, folder: Path, name: str = NAME) -> tuple[Path, ...]:
        """Write sample, description and screening to a folder, which is made where it is not there; each file whole or
        not at all.
        """
        folder.mkdir(parents=True, exist_ok=True)
        paths = (folder / f"{name}.csv", folder / f"{name}.json", folder / "screening.csv")
        write_sample(self.sample, paths[0])
        write_json(self.metadata, paths[1])
        write_screening(self.work.screening, self.work.chosen, self.work.evaluator.priors, paths[2])
        return paths

    def summary(self) -> tuple[str, ...]:
        """What was found, in sentences."""
        said = self.metadata
        budget, correction = said["budget"], said["correction"]
        records = said["parameters"]
        narrowed = sorted(
            (name for name in records if records[name]["contraction"] > 2 * said["contraction_error"]),
            key=lambda name: -records[name]["contraction"],
        )
        used = [f for f in said["figures"].values() if "inside" in f and f["used"]]
        held = [f for f in said["figures"].values() if "inside" in f and f["role"] == "validation"]
        shown = ", ".join(
            f"{parameter_label(name)} {records[name]['contraction']:.0%}" for name in narrowed[:12]
        )
        return (
            f"{budget['runs']:,} runs; {len(said['chosen'])} of {said['parameters_in_all']} parameters calibrated, "
            f"the others drawn from what is left of their priors",
            f"effective sample size {said['effective_sample_size']:.0f} of {correction['draws']}; emulator: "
            f"{said['emulator']['taken']}",
            f"model discrepancy: {said['discrepancy']['corrected'][1]:.2f} reporting standard deviations (median)",
            f"narrowed beyond chance: {shown or 'none'}" + (" and others" if len(narrowed) > 12 else ""),
            f"inside 90 % of predicted reports: {sum(f['inside'] for f in used)} of {len(used)} figures used, "
            f"{sum(f['inside'] for f in held)} of {len(held)} held back",
        )


def calibrate(
    reference: Reference,
    *,
    budget: Budget = FULL,
    seed: int = 1,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: OnProgress | None = None,
) -> Calibration:
    """Calibrate the model against the reported outcomes of the programme.

    Args:
        workers: threads; by default as many as the process may use cores. The result does not depend on it.
        store: where runs are kept; by default in the user's cache folder.
        progress: told (stage, runs done, runs in all) now and then.

    Raises:
        StudyError: an impossible budget or seed; all problems are listed.
        EvidenceError: a prior, a figure or a row of evidence that cannot be used.
        ModelError: too many runs failed.
    """
    work = prepare(
        evaluator_of(reference), budget=budget, seed=seed, workers=workers, store=store, progress=progress
    )
    emulated = emulated_posterior(work, work.report)
    corrected = correct(work, work.report, emulated, budget.proposals, budget.worlds)
    kept = keep(work, corrected, budget.kept)
    return Calibration(
        work, emulated, corrected, kept, describe(work, reference.name, emulated, corrected, kept)
    )


def prepare(
    evaluator: Evaluator,
    *,
    budget: Budget,
    seed: int,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: OnProgress | None = None,
    known: Sequence[Figure] | None = None,
) -> Work:
    """Screen, simulate the prior and learn from it.

    Raises:
        StudyError: an impossible budget or seed; all problems are listed.
        EvidenceError: a figure that has no statistical form.
    """

    require_budget(budget, seed)
    everything = figures() if known is None else tuple(known)
    terms = terms_of([figure for figure in everything if figure.role == "target"])
    place = default_store() if store is None else store
    threads = default_workers() if workers is None else workers
    screening = screen(
        evaluator, place, terms, n=budget.trajectories, seed=seed, workers=threads, progress=progress
    )
    chosen = choose(screening)
    table = prior_batch(evaluator.priors, budget.table, seed)
    seen = run_batch(table, evaluator, place, workers=threads, progress=progress)
    table, seen = _heard(table, seen)
    scaled = shown_by(terms, seen.values, evaluator.names)
    learnt = fit(table.places, scaled, evaluator.priors.positions(chosen), seed)
    others = learn_others(learnt.emulator, table.places, scaled)
    return Work(
        evaluator, place, budget, seed, threads, progress, everything, terms, screening, chosen, table, seen, scaled,
        learnt, others,
    )  # fmt: skip


def _heard(batch: Batch, seen: Seen) -> tuple[Batch, Seen]:
    """The runs that did not fail."""
    ok = ~seen.failed
    return replace(batch, places=batch.places[ok], seeds=batch.seeds[ok]), Seen(
        seen.values[ok], seen.failed[ok]
    )


def require_budget(budget: Budget, seed: int) -> None:
    """Refuse impossible numbers before anything is run.

    Raises:
        StudyError: all problems are listed.
    """
    least = {"trajectories": 2, "table": 200, "proposals": 50, "worlds": 2, "kept": 10}
    problems = [
        f"{name} = {getattr(budget, name)}: at least {n} are needed"
        for name, n in least.items()
        if getattr(budget, name) < n
    ]
    if not 0 <= seed < 2**63:
        problems.append(f"seed = {seed}: a whole number from 0 to {2**63 - 1} is needed")
    if problems:
        raise StudyError(
            problems, hint=f"The usual budget is {FULL.table} prior runs, {FULL.proposals} proposals."
        )


def emulated_posterior(
    work: Work, report: Report, use: Sequence[int] | None = None, effort: Effort | None = None, seed: int = 0
) -> Posterior:
    """The posterior of the dozen and the discrepancy by the emulator alone."""
    likelihood = emulated_log_likelihood(work.fit.emulator, report, use)
    return sample(likelihood, len(work.chosen), work.seed + 1000 * seed, effort or work.budget.effort)


def proposals(
    work: Work, report: Report, emulated: Posterior, n: int, use: Sequence[int] | None = None
) -> tuple[Floats, Posterior, Floats]:
    """``n`` draws over all parameters: their places, the emulated draws, log of proposal density over prior density."""
    luck = np.random.default_rng([work.seed, 31])
    picked = luck.choice(len(emulated.places), n, replace=n > len(emulated.places))
    draws = replace(
        emulated,
        places=emulated.places[picked],
        discrepancy=emulated.discrepancy[picked],
        log_likelihood=emulated.log_likelihood[picked],
    )
    others, log_ratio = propose_others(work.others, work.fit.emulator, report, draws, luck, use)
    places = np.empty((n, len(work.evaluator.priors)))
    places[:, work.fit.emulator.chosen] = draws.places
    places[:, work.others.positions] = others
    return places, draws, draws.log_likelihood + log_ratio


def run_draws(work: Work, places: Floats, worlds: int, title: str) -> tuple[Floats, NDArray[np.bool_]]:
    """What runs of these draws show, (n_draws, worlds, n_names), and which draws lack no run."""
    n = len(places)
    batch = Batch(title, np.repeat(places, worlds, axis=0), world_seeds(work.seed, n * worlds, title))
    seen = run_batch(batch, work.evaluator, work.store, workers=work.workers, progress=work.progress)
    return seen.values.reshape(n, worlds, -1), np.asarray(~seen.failed.reshape(n, worlds).any(axis=1))


def correct(work: Work, report: Report, emulated: Posterior, n: int, worlds: int) -> Corrected:
    """Run ``n`` draws of an emulated posterior in some worlds each, and weigh them by what the runs show."""
    places, draws, log_proposed = proposals(work, report, emulated, n)
    seen, whole = run_draws(work, places, worlds, "correction")
    places, seen, log_proposed = places[whole], seen[whole], log_proposed[whole]
    discrepancy = draws.discrepancy[whole]
    names = work.evaluator.names
    scaled = shown_by(work.terms, seen.reshape(-1, len(names)), names).reshape(len(seen), worlds, -1)
    raw = real_log_likelihood(report, scaled, discrepancy) - log_proposed
    strongest = np.argsort(-np.square(work.others.slopes).sum(axis=1), kind="stable")[:FEATURES_OF_OTHERS]
    features = np.column_stack(
        [
            ndtri(np.clip(draws.places[whole], 1e-4, 1.0 - 1e-4)),
            discrepancy,
            ndtri(places[:, work.others.positions[strongest]]),
        ]
    )
    smooth, explained = smoothed_log_weights(features, raw)
    weights = np.exp(smooth - smooth.max())
    believed = np.exp(raw - raw.max())
    exact = exact_log_likelihood(report, scaled, discrepancy) - log_proposed
    return Corrected(
        places,
        discrepancy,
        weights / weights.sum(),
        seen,
        effective_size(believed),
        effective_size(weights),
        explained,
        float(raw.std()),
        effective_size(np.exp(exact - exact.max())),
    )


def keep(work: Work, corrected: Corrected, n: int) -> Sample:
    """``n`` resampled draws, each once with its number as weight."""
    edges = np.cumsum(corrected.weights)
    edges[-1] = 1.0
    place = (np.arange(n) + np.random.default_rng([work.seed, 41]).random()) / n
    drawn, number = np.unique(np.searchsorted(edges, place), return_counts=True)
    values = work.evaluator.priors.values(corrected.places[drawn])
    kept = Sample(number / n, corrected.discrepancy[drawn], values, work.evaluator.priors)
    return kept


# --- what is said of it ------------------------------------------------------------------------------------


def describe(
    work: Work, reference: str, emulated: Posterior, corrected: Corrected, kept: Sample
) -> dict[str, Any]:
    """All about a posterior as plain data: no clock times, no paths."""
    known, budget = work.evaluator.priors, work.budget
    said = _said_of(reference, budget, corrected)
    return {
        "status": said["status"],
        "provisional": said["provisional"],
        "reference": reference,
        "command": COMMAND,
        "seed": work.seed,
        "draws": len(kept),
        "fingerprints": work.evaluator.fingerprints,
        "rests_on": {
            **work.evaluator.rests_on,
            "sample": {"digest": fingerprint_of_text(sample_text(kept)), **description(said)},
        },
        "budget": {**asdict(budget), "runs": budget.runs(len(known))},
        "parameters_in_all": len(known),
        "chosen": list(work.chosen),
        "strength_kept": strength_kept(work.screening, work.chosen),
        "emulator": {
            "taken": work.fit.emulator.kind,
            "score": work.fit.score,
            "runs": work.fit.runs,
            "test_runs": work.fit.test_runs,
            "coverage_of_90": work.fit.coverage,
            "explained": {
                term.name: share for term, share in zip(work.terms, work.fit.explained.tolist(), strict=True)
            },
        },
        "sampler": {
            "acceptance": emulated.acceptance,
            "longest_autocorrelation": emulated.autocorrelation,
            "draws": len(emulated.places),
        },
        "effective_sample_size": said["effective_sample_size"],
        "correction": {
            "draws": len(corrected.places),
            "worlds_each": budget.worlds,
            "log_weight_sd": corrected.log_weight_sd,
            "effective_if_noise_is_believed": corrected.raw_effective,
            "effective_if_exact_forms_are_believed": corrected.exact_effective,
            "explained_in_draws_left_out": corrected.explained,
        },
        "discrepancy": {
            "prior_scale": DISCREPANCY_SCALE,
            "emulated": percentiles(emulated.discrepancy),
            "corrected": percentiles(corrected.discrepancy, corrected.weights),
        },
        "parameters": parameters_said(work, emulated, corrected),
        "contraction_error": 0.447 / math.sqrt(corrected.effective),
        "figures": figures_said(work, corrected),
    }


def _said_of(reference: str, budget: Budget, corrected: Corrected) -> dict[str, Any]:
    """What is said of a sample wherever it is used, as it is written."""
    return {
        "status": "calibrated" if budget == FULL else "made with a reduced budget, to try things out",
        "provisional": budget != FULL,
        "reference": reference,
        "effective_sample_size": plain(corrected.effective, SIGNIFICANT),
    }


def parameters_said(work: Work, emulated: Posterior, corrected: Corrected) -> dict[str, Any]:
    """Of every parameter: prior and posterior range, and its contraction (1 - posterior sd / prior sd, of places)."""
    said = {}
    strength = {one.parameter: one.strength for one in work.screening}
    by_emulator = dict(zip(work.chosen, emulated.places.T, strict=True))
    for i, prior in enumerate(work.evaluator.priors.all):
        places = corrected.places[:, i]
        mean = float(corrected.weights @ places)
        record = {
            "part": prior.part,
            "identified": prior.identified,
            "grade": prior.grade,
            "unit": prior.unit,
            "calibrated": prior.name in work.chosen,
            "strength": strength[prior.name],
            "default": prior.value,
            "prior": prior.at(np.array(RANGE) / 100.0).tolist(),
            "posterior": prior.at(np.array(percentiles(places, corrected.weights))).tolist(),
            "mean_place": mean,
            "contraction": contraction(places, corrected.weights),
        }
        if prior.name in by_emulator:
            record["contraction_emulated"] = contraction(by_emulator[prior.name])
            record["mean_place_emulated"] = float(by_emulator[prior.name].mean())
        said[prior.name] = record
    return said


def contraction(places: Floats, weights: Floats | None = None) -> float:
    """One less the standard deviation of places over that of the prior: 0 nothing learnt, 1 known exactly."""
    w = np.full(len(places), 1.0 / len(places)) if weights is None else weights
    mean = float(w @ places)
    return 1.0 - math.sqrt(float(w @ np.square(places - mean)) * 12.0)


def percentiles(values: Floats, weights: Floats | None = None, at: Sequence[float] = RANGE) -> list[float]:
    """Weighted percentiles of values that are not nan."""
    heard = ~np.isnan(values)
    if not heard.any():
        return [math.nan] * len(at)
    v = values[heard]
    w = np.full(len(v), 1.0) if weights is None else weights[heard]
    order = np.argsort(v, kind="stable")
    edges = np.cumsum(w[order])
    edges = (edges - 0.5 * w[order]) / edges[-1]
    return [float(np.interp(q / 100.0, edges, v[order])) for q in at]


def figures_said(work: Work, corrected: Corrected) -> dict[str, Any]:
    """Of every figure: what was reported, and 5, 50 and 95 % of what is simulated and of what would be reported."""
    names = work.evaluator.names
    luck = np.random.default_rng([work.seed, 51])
    worlds = corrected.seen.shape[1]
    after = corrected.seen.reshape(-1, len(names))
    weights_after = np.repeat(corrected.weights, worlds) / worlds
    discrepancy_after = np.repeat(corrected.discrepancy, worlds)
    prior_discrepancy = np.abs(luck.standard_normal(len(work.scaled))) * DISCREPANCY_SCALE
    said = {}
    for figure in work.figures:
        column = names.index(figure.name)
        record: dict[str, Any] = {
            "role": figure.role,
            "form": figure.form,
            "pattern": figure.pattern,
            "unit": figure.unit,
            "n": figure.n,
            "reported": figure.reported,
            "used": any(term.name == figure.name for term in work.terms),
            "prior": percentiles(work.seen.values[:, column]),
            "posterior": percentiles(after[:, column], weights_after),
        }
        (term,) = terms_of([figure]) or (None,)
        if term is not None and term.form != "words":
            for key, values, discrepancy, weights in (
                ("prior_report", work.seen.values, prior_discrepancy, None),
                ("posterior_report", after, discrepancy_after, weights_after),
            ):
                shown = term.simulated(values, names)
                reports = term.report(shown, discrepancy, luck)
                record[key] = percentiles(reports, weights)
                if key == "posterior_report":
                    w = weights_after * ~np.isnan(reports)
                    below = float(w @ (reports < term.reported)) + 0.5 * float(w @ (reports == term.reported))
                    record["reported_at"] = below / float(w.sum())
                    record["inside"] = bool(0.05 <= record["reported_at"] <= 0.95)
        said[figure.name] = record
    return said


def write_json(value: Mapping[str, Any], path: Path) -> None:
    """Write plain data with five significant digits, nan as null: equal bytes for equal results."""
    write_whole(path, json_text(plain(value, SIGNIFICANT), indent=1))
