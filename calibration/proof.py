"""Checks of the posterior that do not trust it: coverage on known truths, a second method, held-out figures, width.

* ``simulation_based``: reports are drawn from runs of the prior table, whose parameters are known, and the posterior of
  each is made in the same way as the real one. Ranks of the truth must be uniform and intervals must cover as they say
  (Talts and others 2018), else the intervals of the real posterior mean nothing.
* ``by_regression``: approximate Bayesian computation on the same table, which goes the other way round, from reports to
  parameters, and knows nothing of the emulator (semi-automatic summaries, Fearnhead and Prangle 2012; regression
  adjustment, Beaumont and others 2002).
* ``held_out``: fit on some figures, predict the others with real runs.
* ``what_stays_open``: what prior and posterior say of additional exports and of a lever that was never seen to act.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from passaat.calibration.calibrate import (
    Calibration,
    Work,
    contraction,
    emulated_posterior,
    percentiles,
    proposals,
    run_draws,
    write_json,
)
from passaat.calibration.emulator import fit, ridge
from passaat.calibration.inference import (
    DISCREPANCY_SCALE,
    LARGEST_DISCREPANCY,
    Effort,
    Posterior,
    Report,
    learn_others,
    propose_others,
)
from passaat.calibration.likelihood import Term, shown_by
from passaat.calibration.table import Batch, OnProgress, run_batch, world_seeds
from passaat.calibration.targets import figures
from passaat.errors import StudyError
from passaat.experiments.run.pump import in_threads
from passaat.model.outcomes import OUTCOME_NAMES

Floats = NDArray[np.float64]

LEVELS: Final = (0.5, 0.8, 0.95)
BINS: Final = 10
SBC_EFFORT: Final = Effort(32, 200, 300, 6)
DISCREPANCY_NAME: Final = "model_discrepancy"
NEVER_SEEN: Final = (
    "own_contact_rate",
    "own_relation_gain",
    "attention_alone",
    "attention_follow_up",
    "displacement_share",
    "follow_up_eur_for_half_effect",
    "follow_up_plan_quarters",
    "jury_noise_ratio",
)
"""Parameters behind additionality and behind levers that no observed case had: figures cannot tell of them."""


def simulation_based(
    work: Work, n: int = 120, *, effort: Effort = SBC_EFFORT, progress: OnProgress | None = None
) -> dict[str, Any]:
    """Ranks and coverage over ``n`` synthetic reports whose truth is known.

    The truths are runs of the prior table; the emulator is learnt anew without them. Reports are drawn around what such
    a run shows, with a discrepancy drawn from its prior.

    Raises:
        StudyError: fewer than 20 reports, or more than a quarter of the table.
    """
    if not 20 <= n <= len(work.scaled) // 4:
        raise StudyError(
            f"synthetic reports = {n}: from 20 to a quarter of the table, {len(work.scaled) // 4}, are possible",
            hint="100 are enough to see a coverage that is wrong by a tenth.",
        )
    luck = np.random.default_rng([work.seed, 71])
    whole = np.flatnonzero(~np.isnan(work.scaled).any(axis=1))
    truths = np.sort(luck.choice(whole, n, replace=False))
    rest = np.setdiff1d(np.arange(len(work.scaled)), truths)
    kind = work.fit.emulator.kind
    learnt = fit(work.table.places[rest], work.scaled[rest], work.fit.emulator.chosen, work.seed, (kind,))
    others = learn_others(learnt.emulator, work.table.places[rest], work.scaled[rest])
    tried = replace(work, fit=learnt, others=others)
    names = [*work.chosen, DISCREPANCY_NAME]
    ranks = np.empty((n, len(names)))
    narrowed = np.empty((n, len(names) - 1))
    other_ranks = np.empty((n, len(others.positions)))
    gaps = np.empty((n, len(names) - 1))
    for i, row in enumerate(truths):
        discrepancy = min(abs(float(luck.standard_normal())) * DISCREPANCY_SCALE, LARGEST_DISCREPANCY)
        report = drawn_report(work.terms, work.scaled[row], discrepancy, luck)
        found = emulated_posterior(tried, report, effort=effort, seed=i + 1)
        truth = work.table.places[row]
        for j, position in enumerate(learnt.emulator.chosen):
            ranks[i, j] = _rank(found.places[:, j], float(truth[position]), luck)
            narrowed[i, j] = contraction(found.places[:, j])
            gaps[i, j] = (found.places[:, j].mean() - truth[position]) / found.places[:, j].std()
        ranks[i, -1] = _rank(found.discrepancy, discrepancy, luck)
        few = _thinned(found, 200)
        places, _ = propose_others(others, learnt.emulator, report, few, luck)
        for j, position in enumerate(others.positions):
            other_ranks[i, j] = _rank(places[:, j], float(truth[position]), luck)
        if progress is not None:
            progress("synthetic reports", i + 1, n)
    said = {
        name: {**_coverage(ranks[:, j]), "histogram": np.histogram(ranks[:, j], BINS, (0.0, 1.0))[0].tolist()}
        for j, name in enumerate(names)
    }
    for j, name in enumerate(work.chosen):
        said[name]["contraction_mean"] = float(narrowed[:, j].mean())
        said[name]["z_mean"], said[name]["z_sd"] = float(gaps[:, j].mean()), float(gaps[:, j].std())
    return {
        "fingerprints": work.evaluator.fingerprints,
        "seed": work.seed,
        "reports": n,
        "emulator": kind,
        "table": len(work.scaled),
        "parameters": said,
        "all_calibrated": _coverage(ranks[:, :-1].ravel()),
        "all_others": _coverage(other_ranks.ravel()),
        "coverage_error": {str(level): float(np.sqrt(level * (1 - level) / n)) for level in LEVELS},
    }


def drawn_report(
    terms: Sequence[Term], scaled: Floats, discrepancy: float, luck: np.random.Generator
) -> Report:
    """A report as it could have been written of the world of one run."""
    drawn = [
        float(term.report(np.array([value]), discrepancy, luck)[0])
        for term, value in zip(terms, scaled, strict=True)
    ]
    return Report(tuple(terms), np.array(drawn))


def _rank(draws: Floats, truth: float, luck: np.random.Generator) -> float:
    """Share of draws below the truth, made continuous by a coin within the step."""
    return (float((draws < truth).sum()) + luck.random()) / (len(draws) + 1)


def _coverage(ranks: Floats) -> dict[str, Any]:
    """How often central intervals hold the truth, and the chance of so uneven a histogram were ranks uniform."""
    counts = np.histogram(ranks, BINS, (0.0, 1.0))[0]
    uneven = float(np.square(counts - len(ranks) / BINS).sum() / (len(ranks) / BINS))
    covered = {str(level): float((np.abs(ranks - 0.5) <= level / 2).mean()) for level in LEVELS}
    return {"coverage": covered, "uniform_p": float(chi2.sf(uneven, BINS - 1))}


def _thinned(found: Posterior, n: int) -> Posterior:
    step = max(1, len(found.places) // n)
    return replace(
        found,
        places=found.places[::step][:n],
        discrepancy=found.discrepancy[::step][:n],
        log_likelihood=found.log_likelihood[::step][:n],
    )


# --- a second method -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ByRegression:
    """What regression-adjusted rejection finds: places of the chosen parameters, weighted."""

    places: Floats
    weights: Floats


def by_regression(
    work: Work, report: Report, seed: int = 0, accept: float = 0.1, copies: int = 2
) -> ByRegression:
    """Approximate Bayesian computation on the prior table, without emulator or likelihood.

    Reports are drawn around every run; a ridge regression of each parameter (logit of its place) on the stabilised
    reports and their squares gives one summary for each parameter; the runs whose summaries lie nearest are accepted,
    weighted by distance (Epanechnikov) and adjusted by a local linear regression.
    """
    luck = np.random.default_rng([work.seed, 81, seed])
    heard = np.flatnonzero(~np.isnan(work.scaled).any(axis=1))
    rows = np.tile(heard, copies)
    discrepancy = np.abs(luck.standard_normal(len(rows))) * DISCREPANCY_SCALE
    told = np.stack(
        [
            term.stabilised(term.report(work.scaled[rows, j], discrepancy, luck))
            for j, term in enumerate(work.terms)
        ],
        axis=1,
    )
    centre, scale = told.mean(axis=0), told.std(axis=0) + 1e-12
    x, y = (told - centre) / scale, (report.scaled() - centre) / scale
    target = np.log(p := work.table.places[np.ix_(rows, work.fit.emulator.chosen)]) - np.log1p(-p)

    def features(z: Floats) -> Floats:
        clipped = np.clip(z, -4.0, 4.0)
        return np.column_stack([np.ones(len(z)), clipped, np.square(clipped)])

    slopes = ridge(features(x), target, 20.0)
    summaries, own = features(x) @ slopes, (features(y[None]) @ slopes)[0]
    spread = summaries.std(axis=0) + 1e-12
    distance = np.sqrt(np.square((summaries - own) / spread).sum(axis=1))
    near = np.argsort(distance, kind="stable")[: max(50, round(accept * len(rows)))]
    weights = 1.0 - np.square(distance[near] / distance[near].max())
    weights = np.maximum(weights, 1e-9)
    gap = (summaries[near] - own) / spread
    design = np.column_stack([np.ones(len(near)), gap]) * np.sqrt(weights)[:, None]
    local = ridge(design, target[near] * np.sqrt(weights)[:, None], 1.0)
    adjusted = target[near] - gap @ local[1:]
    return ByRegression(1.0 / (1.0 + np.exp(-adjusted)), weights / weights.sum())


def second_method(calibration: Calibration, n: int = 40) -> dict[str, Any]:
    """The second method beside the shipped posterior, and how it covers known truths itself."""
    work = calibration.work
    found = by_regression(work, work.report)
    luck = np.random.default_rng([work.seed, 82])
    whole = np.flatnonzero(~np.isnan(work.scaled).any(axis=1))
    truths = luck.choice(whole, min(n, len(whole) // 4), replace=False)
    ranks = []
    for i, row in enumerate(truths):
        kept = np.delete(np.arange(len(work.scaled)), row)
        without = replace(
            work, scaled=work.scaled[kept], table=replace(work.table, places=work.table.places[kept])
        )
        discrepancy = abs(float(luck.standard_normal())) * DISCREPANCY_SCALE
        one = by_regression(
            without, drawn_report(work.terms, work.scaled[row], discrepancy, luck), i + 1, copies=1
        )
        truth = work.table.places[row, work.fit.emulator.chosen]
        ranks.append([float(one.weights @ (one.places[:, j] < truth[j])) for j in range(len(work.chosen))])
    said = {}
    for j, (name, position) in enumerate(zip(work.chosen, work.fit.emulator.chosen, strict=True)):
        mean, sd = _moments(found.places[:, j], found.weights)
        emulated_mean, emulated_sd = _moments(calibration.emulated.places[:, j])
        real_mean, real_sd = _moments(
            calibration.corrected.places[:, position], calibration.corrected.weights
        )
        said[name] = {
            "mean_place": mean,
            "contraction": 1.0 - sd * np.sqrt(12.0),
            "mean_place_emulated": emulated_mean,
            "mean_place_corrected": real_mean,
            "difference_in_prior_sd": (mean - real_mean) * np.sqrt(12.0),
            "difference_in_prior_sd_emulated": (mean - emulated_mean) * np.sqrt(12.0),
            "sd_ratio": sd / real_sd,
            "sd_ratio_emulated": sd / emulated_sd,
        }
    differences = np.array([abs(one["difference_in_prior_sd"]) for one in said.values()])
    return {
        "method": "regression-adjusted rejection on the prior table",
        "fingerprints": work.evaluator.fingerprints,
        "accepted": len(found.weights),
        "reports_for_coverage": len(truths),
        "all_calibrated": _coverage(np.array(ranks).ravel()),
        "parameters": said,
        "mean_difference_in_prior_sd": float(differences.mean()),
        "largest_difference_in_prior_sd": float(differences.max()),
    }


def _moments(places: Floats, weights: Floats | None = None) -> tuple[float, float]:
    w = np.full(len(places), 1.0 / len(places)) if weights is None else weights
    mean = float(w @ places)
    return mean, float(np.sqrt(w @ np.square(places - mean)))


# --- held-out figures ------------------------------------------------------------------------------------


def splits(terms: Sequence[Term]) -> dict[str, tuple[list[int], list[int]]]:
    """What is fitted and what is predicted in each hold-out: numbers of terms."""
    pattern = {figure.name: figure.pattern for figure in figures()}
    everything = range(len(terms))

    def cohort(i: int, number: int) -> bool:
        return terms[i].name.endswith(f"_cohort_{number}")

    found = {
        "2016 cohort alone, predicting 2017": (
            [i for i in everything if cohort(i, 1)],
            [i for i in everything if cohort(i, 2)],
        ),
        "all but the 2017 cohort, predicting it": (
            [i for i in everything if not cohort(i, 2)],
            [i for i in everything if cohort(i, 2)],
        ),
    }
    for group, title in (("P1", "portfolio"), ("P2", "outputs and outcomes"), ("P3", "winners")):
        inside = [i for i in everything if pattern[terms[i].name] == group]
        found[f"all but {group} {title}, predicting it"] = (
            [i for i in everything if i not in inside],
            inside,
        )
    return found


def held_out(work: Work, n: int = 300) -> dict[str, Any]:
    """Fit on some figures (by the emulated posterior, not corrected), predict the others with real runs."""
    luck = np.random.default_rng([work.seed, 91])
    said: dict[str, Any] = {}
    for title, (use, predicted) in splits(work.terms).items():
        emulated = emulated_posterior(work, work.report, use)
        places, draws, _ = proposals(work, work.report, emulated, n, use)
        seen, whole = run_draws(work, places, 1, "hold-out")
        runs, discrepancy = seen[whole, 0], draws.discrepancy[whole]
        lines = {
            work.terms[i].name: predicted_figure(work.terms[i], runs, discrepancy, work, luck)
            for i in predicted
        }
        inside = [line["inside"] for line in lines.values()]
        better = [line["log_score"] > line["log_score_prior"] for line in lines.values()]
        said[title] = {
            "fitted": [work.terms[i].name for i in use],
            "inside": sum(inside),
            "better_than_prior": sum(better),
            "of": len(lines),
            "log_score_gain": math.fsum(
                line["log_score"] - line["log_score_prior"] for line in lines.values()
            ),
            "figures": lines,
        }
    return {
        "fingerprints": work.evaluator.fingerprints,
        "seed": work.seed,
        "runs_each": n,
        "splits": said,
    }


def predicted_figure(
    term: Term, runs: Floats, discrepancies: Floats, work: Work, luck: np.random.Generator
) -> dict[str, Any]:
    """One predicted figure beside the reported one, and the log probability given to it, against the prior's."""
    shown = term.simulated(runs, work.evaluator.names)
    before = term.simulated(work.seen.values, work.evaluator.names)
    discrepancy = np.abs(luck.standard_normal(len(before))) * DISCREPANCY_SCALE
    reports = term.report(shown, discrepancies, luck)
    low, middle, high = percentiles(reports)
    score = np.log(np.mean(np.exp(term.log_likelihood(shown, discrepancies))))
    prior_score = np.log(np.mean(np.exp(term.log_likelihood(before, discrepancy))))
    words = term.form == "words"
    return {
        "reported": term.reported,
        "predicted": [low, middle, high],
        "prior": percentiles(term.report(before, discrepancy, luck)),
        "inside": bool(low <= term.reported <= high) if not words else bool(np.exp(score) >= 0.05),
        "log_score": float(score),
        "log_score_prior": float(prior_score),
    }


# --- what stays open -------------------------------------------------------------------------------------


def what_stays_open(
    calibration: Calibration, reference: Any, options: Mapping[str, Any], n: int = 150
) -> dict[str, Any]:
    """Additional exports and the effects of options, over draws of the prior and of the posterior.

    One world for each draw, the same in every policy; so the spread holds luck as well as what is not known.

    Args:
        reference: the reference scenario.
        options: scenarios to compare with it, by name; one of them may be the world without programme.
    """
    from passaat.model.engine.compiled import simulate
    from passaat.model.engine.judging import outcomes_of

    work = calibration.work
    known = work.evaluator.priors
    column = OUTCOME_NAMES.index("additional_exports_net_eur")
    nothing = reference.with_levers({"programme_on": False})
    deck = np.repeat(
        np.arange(len(calibration.sample)), np.rint(calibration.sample.weights * 300).astype(int)
    )
    luck = np.random.default_rng([work.seed, 95])
    after = calibration.sample.values[luck.permutation(deck)[:n]]
    before = known.values(luck.random((len(after), len(known))))
    seeds = world_seeds(work.seed, len(after), "what stays open")

    def look(task: tuple[Floats, int]) -> list[float]:
        model, _ = known.split(task[0])
        twin = simulate(nothing.inputs(model), task[1])
        runs = [simulate(one.inputs(model), task[1]) for one in (reference, *options.values())]
        return [float(outcomes_of(run, twin)[column]) for run in runs]

    found: dict[str, Floats] = {}
    for title, values in (("prior", before), ("posterior", after)):
        found[title] = np.array(
            in_threads(look, list(zip(values, seeds.tolist(), strict=True)), work.workers)
        )
        if work.progress is not None:
            work.progress("what stays open", 1 if title == "prior" else 2, 2)
    said = {}
    for title, values in found.items():
        effects = {name: values[:, k + 1] - values[:, 0] for k, name in enumerate(options)}
        said[title] = {
            "additional_exports_net_eur": _width(values[:, 0]),
            "effects": {name: _width(effect) for name, effect in effects.items()},
        }
    contracted = {
        name: {
            "contraction": record["contraction"],
            "identified": record["identified"],
        }
        for name, record in calibration.metadata["parameters"].items()
        if name in NEVER_SEEN
    }
    return {
        "fingerprints": work.evaluator.fingerprints,
        "draws": len(after),
        "outcomes": said,
        "never_seen": contracted,
        "contraction_error": calibration.metadata["contraction_error"],
    }


def _width(values: Floats) -> dict[str, float]:
    low, middle, high = percentiles(values)
    return {
        "low": low,
        "median": middle,
        "high": high,
        "share_above_zero": float((values > 0).mean()),
    }


def emulator_error(work: Work, places: int = 24, worlds: int = 24) -> dict[str, Any]:
    """Error of the emulated mean, in reporting standard deviations, at places never learnt from.

    At each place the chosen parameters are held and the others drawn anew for each world; the noise of these means
    is taken off.
    """
    known, chosen = work.evaluator.priors, work.fit.emulator.chosen
    luck = np.random.default_rng([work.seed, 97])
    all_places = luck.random((places * worlds, len(known)))
    held = luck.random((places, len(chosen)))
    all_places[:, chosen] = np.repeat(held, worlds, axis=0)
    batch = Batch("emulator check", all_places, world_seeds(work.seed, places * worlds, "emulator check"))
    seen = run_checked(work, batch)
    shown = seen.reshape(places, worlds, -1)
    mean = np.nanmean(shown, axis=1)
    noise = np.nanvar(shown, axis=1, ddof=1) / worlds
    blur = np.array([term.blur for term in work.terms])
    said = {}
    for kind, emulator in {**work.fit.kinds, "taken": work.fit.emulator}.items():
        error = np.square(emulator.mean(held) - mean) - noise
        said[kind] = float((np.sqrt(np.maximum(error.mean(axis=0), 0.0)) / blur).mean())
    return {
        "fingerprints": work.evaluator.fingerprints,
        "places": places,
        "worlds_each": worlds,
        "error_in_reporting_sd": said,
    }


def run_checked(work: Work, batch: Batch) -> Floats:
    """What the runs of a batch show of the terms."""

    seen = run_batch(batch, work.evaluator, work.store, workers=work.workers, progress=work.progress)
    return shown_by(work.terms, seen.values, work.evaluator.names)


def prove(
    calibration: Calibration,
    reference: Any,
    options: Mapping[str, Any],
    *,
    quick: bool = False,
    progress: OnProgress | None = None,
) -> dict[str, dict[str, Any]]:
    """All checks, by the name of the file in which each is stored."""
    work = calibration.work
    few = SBC_EFFORT if not quick else Effort(32, 80, 100, 5)
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "open": lambda: what_stays_open(calibration, reference, options, 20 if quick else 100),
        "emulator": lambda: emulator_error(work, *((4, 6) if quick else (16, 20))),
        "hold_out": lambda: held_out(work, 40 if quick else 150),
        "second": lambda: second_method(calibration, 10 if quick else 60),
        "sbc": lambda: simulation_based(work, 20 if quick else 110, effort=few, progress=progress),
    }
    return {name: step() for name, step in steps.items()}


def write_proof(checks: Mapping[str, Mapping[str, Any]], folder: Path) -> tuple[Path, ...]:
    """Write each check to a file of its name, in a folder that is made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{name}.json" for name in checks)
    for path, check in zip(paths, checks.values(), strict=True):
        write_json(check, path)
    return paths
