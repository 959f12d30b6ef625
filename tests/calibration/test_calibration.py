"""Calibration: priors and figures are checked, known truths are found, interruptions change nothing.

Most tests calibrate a toy whose answer is known, with the very functions that calibrate the model.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, multinomial, poisson
from typer.testing import CliRunner

from passaat.calibration import posterior
from passaat.calibration.calibrate import (
    QUICK,
    Budget,
    Calibration,
    Work,
    calibrate,
    contraction,
    correct,
    describe,
    emulated_posterior,
    keep,
    percentiles,
    prepare,
)
from passaat.calibration.emulator import fit
from passaat.calibration.grounds import changes
from passaat.calibration.inference import Effort, effective_size, smoothed_log_weights
from passaat.calibration.likelihood import Term, shown_by, terms_of
from passaat.calibration.posterior import posterior_draws, read_sample, shipped, stale, write_sample
from passaat.calibration.priors import Prior, Priors, constrained, priors, unconstrained
from passaat.calibration.proof import by_regression, drawn_report, simulation_based
from passaat.calibration.screening import choose, screen
from passaat.calibration.table import Evaluator, RunStore, default_store, prior_batch, run_batch
from passaat.calibration.targets import Figure, figures
from passaat.errors import EvidenceError, ModelError, StudyError
from passaat.evidence import load_evidence
from passaat.experiments.design.factors import parameter_label
from passaat.identity import fingerprint_of_text
from passaat.model.engine import compiled
from passaat.model.parameters import PARAMETERS
from passaat.scenarios.loading import load_scenario

Floats = NDArray[np.float64]


def prior(name: str, **changed: object) -> Prior:
    fields: dict[str, object] = {
        "name": name,
        "part": "model",
        "value": 0.5,
        "minimum": 0.0,
        "maximum": 1.0,
        "shape": "uniform",
        "unit": "share",
        "meaning": "for a test",
        "reason": "assumption",
        "grade": "assumed",
        "identified": True,
    }
    return Prior(**{**fields, **changed})  # type: ignore[arg-type]


def figure(name: str, form: str, reported: float, **changed: object) -> Figure:
    fields: dict[str, object] = {
        "name": name,
        "label": name,
        "pattern": "P1",
        "role": "target",
        "form": form,
        "unit": "",
        "rows": (f"row_of_{name}",),
        "reported": reported,
        "low": reported / 1.2,
        "high": reported * 1.2,
        "n": 100,
        "census": True,
        "inferred": False,
        "set_by": (),
        "why": "",
    }
    return Figure(**{**fields, **changed})  # type: ignore[arg-type]


# --- a toy with a known answer ---------------------------------------------------------------------------

TOY_PRIORS = Priors((prior("rate"), prior("share"), prior("size"), prior("dead"), prior("faint")))
TRUTH = {"rate": 0.7, "share": 0.3, "size": 0.6}
TOY_FIGURES = (
    figure("count", "count", 34.0),
    figure("count_again", "count", 36.0),
    figure("part", "binomial", 0.30, n=300),
    figure("part_again", "binomial", 0.31, n=300),
    figure("mean", "mean", 100.0 * math.exp(0.6), low=150.0, high=222.0),
)
TOY_BUDGET = Budget(4, 400, 60, 3, 50, Effort(24, 100, 200, 4))


def toy_look(values: Floats, seed: int) -> Mapping[str, float]:
    rate, share, size, _, faint = values
    luck = np.random.default_rng(seed).standard_normal(5)
    return {
        "count": max(20.0 + 20.0 * rate + luck[0] + 0.1 * faint, 0.0),
        "count_again": max(20.0 + 20.0 * rate + luck[1], 0.0),
        "part": float(np.clip(share + 0.02 * luck[2], 0.0, 1.0)),
        "part_again": float(np.clip(share + 0.02 * luck[3], 0.0, 1.0)),
        "mean": 100.0 * math.exp(size + 0.05 * luck[4]),
    }


TOY = Evaluator("toy", tuple(one.name for one in TOY_FIGURES), TOY_PRIORS, toy_look)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("runs") / "runs.db")


@pytest.fixture(scope="module")
def work(store: RunStore) -> Work:
    return prepare(TOY, budget=TOY_BUDGET, seed=3, workers=2, store=store, known=TOY_FIGURES)


# --- priors ----------------------------------------------------------------------------------------------


def test_a_calibration_without_a_place_for_its_runs_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "cache_folder", lambda: None)
    with pytest.raises(StudyError, match="no home folder") as refused:
        default_store()
    assert "PASSAAT_CACHE_DIR" in refused.value.hint


def test_every_uncertain_parameter_has_a_prior_with_its_reason() -> None:
    known = priors()
    assert {one.name for one in known.all if one.part == "model"} == {
        name for name, record in PARAMETERS.items() if record.shape != "fixed"
    }
    assert {one.part for one in known.all} == {"model", "observation"}
    assert all(one.reason for one in known.all)
    assert {one.name for one in known.all if one.identified} == {
        name for name, record in PARAMETERS.items() if record.identified
    }


def test_priors_and_their_two_scales_go_there_and_back() -> None:
    known = priors()
    places = np.random.default_rng(1).random((20, len(known)))
    values = known.values(places)
    low, high = np.array([[one.minimum, one.maximum] for one in known.all]).T
    assert ((values >= low * (1 - 1e-12)) & (values <= high * (1 + 1e-12))).all()
    smooth = [i for i, one in enumerate(known.all) if one.shape != "switch"]
    assert np.allclose(known.places(values)[:, smooth], places[:, smooth])
    assert np.allclose(known.values(known.places(values)), values)
    assert np.allclose(constrained(unconstrained(places)), places)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"value": 1.5}, "value 1.5 lies outside its range 0 to 1"),
        ({"minimum": 2.0}, "minimum 2 lies above maximum 1"),
        ({"minimum": 1.0, "value": 1.0}, "a parameter that is known has shape fixed"),
        ({"shape": "loguniform"}, "minimum 0 of a loguniform range must be above 0"),
        ({"shape": "normal"}, "unknown shape 'normal'"),
        ({"maximum": math.inf}, "must be finite numbers"),
        ({"reason": " "}, "no source says why"),
    ],
)
def test_a_bad_prior_is_refused_by_name(changed: dict[str, object], reason: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        Priors((prior("good"), prior("bad_one", **changed)))
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("bad_one: ")
    assert reason in caught.value.problems[0]


def test_two_priors_of_one_parameter_and_an_unknown_name_are_refused() -> None:
    with pytest.raises(EvidenceError, match="twice: has two priors"):
        Priors((prior("twice"), prior("twice")))
    with pytest.raises(EvidenceError, match="did you mean 'rate'"):
        TOY_PRIORS.positions(["rat"])


# --- the likelihood --------------------------------------------------------------------------------------


def test_forms_are_the_exact_ones() -> None:
    count, part = terms_of([figure("count", "count", 14.0), figure("part", "binomial", 0.25, n=40)])
    shown = np.array([11.0, 14.0, 30.0])
    assert np.allclose(count.log_likelihood(count.stabilised(shown), 0.0), poisson.logpmf(14, shown))
    shares = np.array([0.1, 0.25, 0.6])
    assert np.allclose(part.log_likelihood(part.stabilised(shares), 0.0), binom.logpmf(10, 40, shares))


def test_three_shares_that_sum_to_one_count_once() -> None:
    names = ("activities_full_share", "activities_partly_share", "activities_not_share")
    terms = terms_of(
        [figure(name, "binomial", y, n=64) for name, y in zip(names, (0.5, 0.25, 0.25), strict=True)]
    )
    assert [term.name for term in terms] == list(names[:2])
    shown = np.array([[0.6, 0.3, 0.1]])
    scaled = shown_by(terms, shown, names)
    found = sum(float(term.log_likelihood(scaled[:, i], 0.0)[0]) for i, term in enumerate(terms))
    assert found == pytest.approx(multinomial.logpmf([32, 16, 16], 64, shown[0]))


def test_a_figure_from_few_cases_weighs_little_and_a_discrepancy_makes_any_weigh_less() -> None:
    few, many = (terms_of([figure("part", "binomial", 0.5, n=n)])[0] for n in (10, 1000))

    def weight(term: Term, discrepancy: float) -> float:
        at, off = term.log_likelihood(term.stabilised(np.array([0.5, 0.6])), discrepancy)
        return float(at - off)

    assert weight(many, 0.0) > 50 * weight(few, 0.0)
    assert 0 < weight(few, 2.0) < weight(few, 0.0)
    assert weight(many, 2.0) < weight(many, 0.0) / 3


@pytest.mark.parametrize("form", ["binomial", "mean", "sum", "top_share"])
def test_a_figure_with_n_of_zero_is_refused_with_its_row(form: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        terms_of([figure("part", form, 0.5, n=0)])
    assert "part (row row_of_part): " in str(caught.value)
    assert "needs n, the number of cases, of at least 1, not 0" in str(caught.value)


def test_a_figure_without_spread_is_refused_with_its_row() -> None:
    with pytest.raises(EvidenceError, match=r"mean \(row row_of_mean\): its interval 5 to 5 has no width"):
        terms_of([figure("mean", "mean", 5.0, low=5.0, high=5.0)])


def test_every_target_of_the_project_has_a_form() -> None:
    targets = [one for one in figures() if one.role == "target"]
    terms = terms_of(targets)
    left_out = {one.name for one in targets} - {term.name for term in terms}
    assert left_out == {
        *(one.name for one in targets if one.form == "range_end"),
        "activities_not_share",
        "next_steps_lapsed_share",
    }
    luck = np.random.default_rng(1)
    for term in terms:
        scaled = term.stabilised(np.full(4000, term.reported))
        drawn = term.stabilised(term.report(scaled, 0.0, luck))
        if term.form != "words":
            # One covenant of 52: a share near its end varies less than the scale says.
            assert 0.65 * term.blur < drawn.std() < 1.2 * term.blur, term.name


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [("unit", "bananas", "unknown unit 'bananas'"), ("source", "", "unknown source ''")],
)
def test_evidence_with_an_unknown_unit_or_no_source_is_refused_with_row_and_reason(
    column: str, value: str, reason: str, tmp_path: Path
) -> None:
    folder = Path(posterior.FOLDER).parent / "evidence"
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = (tmp_path / "pib.csv").read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index(column)
    row = next(i for i, line in enumerate(lines) if '"' not in line and i > 0)
    cells = lines[row].split(",")
    cells[place] = value
    lines[row] = ",".join(cells)
    (tmp_path / "pib.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(EvidenceError) as caught:
        load_evidence(tmp_path)
    assert f"pib.csv row {row + 1}, {cells[0]}: " in str(caught.value)
    assert reason in str(caught.value)


# --- runs ------------------------------------------------------------------------------------------------


def test_an_interrupted_batch_goes_on_and_gives_the_same(tmp_path: Path) -> None:
    batch = prior_batch(TOY_PRIORS, 200, 5)
    whole = run_batch(batch, TOY, RunStore(tmp_path / "whole.db"), workers=1)
    calls: list[int] = []

    def stops(values: Floats, seed: int) -> Mapping[str, float]:
        calls.append(seed)
        return toy_look(values, seed)

    def interrupt(stage: str, done: int, total: int) -> None:
        if done >= 80:
            raise KeyboardInterrupt

    store = RunStore(tmp_path / "broken.db")
    with pytest.raises(KeyboardInterrupt):
        run_batch(batch, replace(TOY, look=stops), store, workers=2, progress=interrupt)
    done = len(store.read(batch.key(TOY)))
    assert 80 <= done < 200
    calls.clear()
    resumed = run_batch(batch, replace(TOY, look=stops), store, workers=2)
    assert len(calls) == 200 - done
    assert np.array_equal(whole.values, resumed.values)


def test_runs_of_another_model_or_seed_are_never_mixed() -> None:
    batch = prior_batch(TOY_PRIORS, 64, 5)
    keys = {
        batch.key(TOY),
        batch.key(replace(TOY, key="toy, changed")),
        prior_batch(TOY_PRIORS, 64, 6).key(TOY),
        replace(batch, seeds=batch.seeds + 1).key(TOY),
    }
    assert len(keys) == 4


def test_failed_runs_are_left_out_and_too_many_are_refused_with_the_reason(tmp_path: Path) -> None:
    batch = prior_batch(TOY_PRIORS, 256, 5)
    bad = set(batch.seeds[:3].tolist())

    def fails(values: Floats, seed: int) -> Mapping[str, float]:
        if seed in bad:
            raise ModelError("the table is full")
        return toy_look(values, seed)

    seen = run_batch(batch, replace(TOY, look=fails), RunStore(tmp_path / "a.db"), workers=1)
    assert seen.failed.sum() == 3
    assert np.isnan(seen.values[seen.failed]).all()
    bad.update(batch.seeds.tolist())
    with pytest.raises(
        ModelError, match=r"256 of 256 runs of the prior table failed(.|\n)*the table is full"
    ):
        run_batch(batch, replace(TOY, key="bad", look=fails), RunStore(tmp_path / "a.db"), workers=1)


def test_a_store_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("not a database, but long enough to look at\n" * 20, encoding="utf-8")
    with pytest.raises(StudyError, match="cannot be used as a store of runs"):
        RunStore(tmp_path / "runs.db")


def test_the_design_covers_every_parameter_evenly() -> None:
    places = prior_batch(priors(), 256, 1).places
    counts = np.array([np.histogram(column, 8, (0, 1))[0] for column in places.T])
    assert (np.abs(counts - 32) <= 1).all()


# --- screening, emulator, posterior on the toy -----------------------------------------------------------


def test_screening_finds_what_matters_and_gives_the_dead_nothing(store: RunStore) -> None:
    found = screen(TOY, store, terms_of(TOY_FIGURES), n=6, seed=1, workers=1)
    assert {one.parameter for one in found[:3]} == set(TRUTH)
    assert {one.parameter: one.strength for one in found}["dead"] == 0.0
    assert choose(found, 3) == tuple(one.parameter for one in found[:3])
    assert "dead" not in choose(found, 5)


def test_the_emulator_predicts_runs_it_has_not_seen(work: Work) -> None:
    assert 0.84 < work.fit.coverage < 0.96
    assert set(work.fit.score) == {"ridge", "networks"}
    assert work.fit.emulator.kind == max(work.fit.score, key=lambda kind: work.fit.score[kind])
    assert (work.fit.explained > 0.7).all()
    again = fit(work.table.places, work.scaled, work.fit.emulator.chosen, work.seed)
    places = work.table.places[:5, work.fit.emulator.chosen]
    assert np.array_equal(again.emulator.mean(places), work.fit.emulator.mean(places))


def test_a_known_truth_is_found_and_the_dead_stays_as_it_was(work: Work) -> None:
    emulated = emulated_posterior(work, work.report)
    corrected = correct(work, work.report, emulated, 120, 4)
    again = correct(work, work.report, emulated_posterior(work, work.report), 120, 4)
    assert np.array_equal(corrected.weights, again.weights)
    for name, truth in TRUTH.items():
        places = corrected.places[:, TOY_PRIORS.names.index(name)]
        low, _, high = percentiles(places, corrected.weights, (1.0, 50.0, 99.0))
        assert low < truth < high, name
        assert contraction(places, corrected.weights) > 0.15
    dead = corrected.places[:, TOY_PRIORS.names.index("dead")]
    assert abs(contraction(dead, corrected.weights)) < 0.15
    kept = keep(work, corrected, 50)
    said = describe(work, "toy", emulated, corrected, kept)
    assert set(said["parameters"]) == set(TOY_PRIORS.names)
    assert said["figures"]["count"]["inside"]
    json.dumps(said)


def test_intervals_hold_known_truths_as_often_as_they_say(work: Work) -> None:
    said = simulation_based(work, 25, effort=Effort(20, 60, 80, 4))
    assert said["reports"] == 25
    covered = said["all_calibrated"]["coverage"]
    assert covered["0.5"] == pytest.approx(0.5, abs=0.2)
    assert covered["0.95"] == pytest.approx(0.95, abs=0.1)
    assert sum(said["parameters"]["rate"]["histogram"]) == 25
    with pytest.raises(StudyError, match="from 20 to a quarter of the table"):
        simulation_based(work, 5)


def test_the_second_method_agrees_on_the_toy(work: Work) -> None:
    found = by_regression(work, work.report)
    emulated = emulated_posterior(work, work.report)
    for j, name in enumerate(work.chosen):
        if name in TRUTH:
            mean = float(found.weights @ found.places[:, j])
            assert mean == pytest.approx(float(emulated.places[:, j].mean()), abs=0.12), name


def test_a_drawn_report_has_every_term_of_the_report(work: Work) -> None:
    report = drawn_report(work.terms, work.scaled[0], 0.5, np.random.default_rng(1))
    assert report.terms == work.terms
    assert np.isfinite(report.reported).all()


def test_noise_in_weights_is_not_believed_but_a_slope_is() -> None:
    luck = np.random.default_rng(1)
    x, noise = luck.standard_normal((300, 8)), luck.standard_normal(300)
    smooth, explained = smoothed_log_weights(x, 2.0 * noise)
    assert explained < 0.05
    assert smooth.std() < 0.5
    smooth, explained = smoothed_log_weights(x, 1.5 * x[:, 0] + noise)
    assert explained > 0.5
    assert np.corrcoef(smooth, x[:, 0])[0, 1] > 0.95
    assert effective_size(np.exp(smooth)) >= 150


@pytest.mark.parametrize(
    ("budget", "seed", "reason"),
    [
        (replace(QUICK, table=10), 1, "table = 10: at least 200"),
        (replace(QUICK, worlds=1), 1, "worlds = 1: at least 2"),
        (QUICK, -1, "seed = -1"),
    ],
)
def test_an_impossible_calibration_is_refused_before_anything_is_run(
    budget: Budget, seed: int, reason: str, tmp_path: Path
) -> None:
    store = RunStore(tmp_path / "runs.db")
    with pytest.raises(StudyError, match=reason):
        prepare(TOY, budget=budget, seed=seed, store=store, known=TOY_FIGURES)


# --- the shipped posterior -------------------------------------------------------------------------------


def test_draws_hold_every_parameter_and_the_first_do_not_depend_on_how_many() -> None:
    few, many = posterior_draws(5, seed=2), posterior_draws(700, seed=2)
    assert many[:5] == few
    assert posterior_draws(5, seed=3) != few
    assert all(set(one) == {p.name for p in priors().all if p.part == "model"} for one in few)
    observation = posterior_draws(2, seed=2, part="observation")
    assert set(observation[0]) == {p.name for p in priors().all if p.part == "observation"}
    with pytest.raises(EvidenceError, match="n = 0: at least 1"):
        posterior_draws(0, seed=1)
    with pytest.raises(EvidenceError, match="seed = -1"):
        posterior_draws(1, seed=-1)


def test_the_shipped_posterior_belongs_to_this_model_and_this_evidence() -> None:
    """When this fails, the posterior must be made anew: `passaat calibrate pib --proof --out calibration/posterior`."""
    assert stale(shipped()) == ()
    assert not shipped()["provisional"]
    for name in ("sbc", "second", "hold_out", "open", "emulator"):
        check = posterior.read_metadata(posterior.FOLDER / f"{name}.json")
        assert check["fingerprints"] == shipped()["fingerprints"], name


def test_the_shipped_checks_hold() -> None:
    sbc = posterior.read_metadata(posterior.FOLDER / "sbc.json")
    assert sbc["reports"] >= 100
    for level, error in sbc["coverage_error"].items():
        assert abs(sbc["all_calibrated"]["coverage"][level] - float(level)) < 2.5 * error
        assert abs(sbc["all_others"]["coverage"][level] - float(level)) < 2.5 * error
    open_ones = posterior.read_metadata(posterior.FOLDER / "open.json")
    for name, one in open_ones["never_seen"].items():
        assert abs(one["contraction"]) < 4 * open_ones["contraction_error"] + 0.02, name


def test_a_broken_sample_is_refused_with_row_and_reason(tmp_path: Path) -> None:
    sample = posterior.Sample(
        np.full(3, 1 / 3), np.full(3, 0.2), TOY_PRIORS.values(np.full((3, 5), 0.4)), TOY_PRIORS
    )
    path = tmp_path / "sample.csv"
    write_sample(sample, path)
    assert np.array_equal(read_sample(path, TOY_PRIORS).values, sample.values)
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("0.4", "7", 1), encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"sample\.csv row 2: rate = 7 lies outside its prior, 0 to 1"):
        read_sample(path, TOY_PRIORS)
    path.write_text(good.replace("rate", "rats"), encoding="utf-8")
    with pytest.raises(
        EvidenceError, match=r"column rate is missing(.|\n)*column rats belongs to no parameter"
    ):
        read_sample(path, TOY_PRIORS)
    path.write_text(good.replace("0.33333", "-1", 1), encoding="utf-8")
    with pytest.raises(EvidenceError, match="row 2: weight -1 is below 0"):
        read_sample(path, TOY_PRIORS)
    with pytest.raises(EvidenceError, match="Make it"):
        read_sample(tmp_path / "none.csv", TOY_PRIORS)
    with pytest.raises(EvidenceError, match="Make it with: passaat calibrate"):
        posterior.read_metadata(tmp_path / "none.json")


def test_what_was_narrowed_is_named_in_words() -> None:
    made = shipped()
    found = cast(Calibration, SimpleNamespace(metadata=made))
    (line,) = [one for one in Calibration.summary(found) if one.startswith("narrowed beyond chance: ")]
    named = re.findall(r"[:,] ([^,:]+) \d+%", line)
    assert len(named) > 5
    assert not any("_" in name for name in named)
    assert set(named) <= set(map(parameter_label, made["parameters"]))


def test_an_impossible_seed_on_the_command_line_ends_with_2() -> None:
    from passaat.cli import app

    assert CliRunner().invoke(app, ["calibrate", "--seed", "-1"]).exit_code == 2
    assert CliRunner().invoke(app, ["calibrate", "no-such-scenario"]).exit_code == 2


@pytest.mark.slow
def test_a_quick_calibration_of_the_model_writes_a_sample_that_can_be_read(tmp_path: Path) -> None:
    found = calibrate(
        load_scenario("pib", "reference"), budget=QUICK, seed=2, store=RunStore(tmp_path / "runs.db")
    )
    sample_path, metadata_path, screening_path = found.write(tmp_path, "pib")
    sample = read_sample(sample_path)
    assert 10 <= len(sample) <= QUICK.kept
    made = posterior.read_metadata(metadata_path)
    digest = fingerprint_of_text(sample_path.read_text(encoding="utf-8"))
    assert made["rests_on"]["sample"]["digest"] == digest
    here = posterior.shipped_grounds()
    assert changes(made["rests_on"], {**here, "sample": made["rests_on"]["sample"]}) == []
    assert len(screening_path.read_text(encoding="utf-8").splitlines()) == len(priors()) + 1
    assert any("effective sample size" in line for line in found.summary())
    again = calibrate(
        load_scenario("pib", "reference"),
        budget=QUICK,
        seed=2,
        workers=1,
        store=RunStore(tmp_path / "runs.db"),
    )
    again.write(tmp_path / "again", "pib")
    for path in (sample_path, metadata_path, screening_path):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
