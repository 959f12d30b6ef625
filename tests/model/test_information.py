"""Four layers of information: the truth, what members are told, what the steering group sees, what evaluators see.

They differ, each is connected with the truth as its rule says, and each is used by those who have it and nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from passaat.calibration.observation import default_observation, observation_parameters, observe
from passaat.calibration.records import keyed_uniform, read_run
from passaat.model.engine import compiled, seeding
from passaat.model.engine.build import build_world
from passaat.model.engine.compiled import Run, simulate
from passaat.model.inputs import RunInputs, SeededGroup, Setting
from passaat.model.provenance.golden import run_hash, small_inputs
from passaat.model.status import EXTENDED, RUNNING

Clusters = NDArray[Any]
"""The table of clusters at one moment: a structured array, read by column name."""

CHECKED = {"checkpoint_quarter": 4.0, "checkpoint_repeat_quarters": 2.0, "checkpoint_minimum_progress": 0.6}
UNSTEERED = {"checkpoint_quarter": 0.0, "concentration_share": 0.0}
"""No decision rests on reports: no checkpoints, and no money moves to the covenant that reports most."""
ALL_SEEING = {
    "contract_report_rate": 1.0,
    "cases_studied": 1_000.0,
    "members_interviewed": 10_000.0,
    "steps_per_member": 1_000.0,
    "steps_told_in_all": 1_000_000.0,
    "activity_scatter": 0.0,
    "coordinator_colour": 0.0,
    "turnover_report_rate": 1.0,
    "turnover_report_minimum_eur": 1.0,
    "turnover_report_noise": 0.0,
    "turnover_range_ratio": 1.0,
}
"""Evaluators who speak with everybody, and reports that are complete and exact."""
FIGURES_OF_CASES = ("next_steps_full_share", "firms_with_contacts_share", "activities_full_share")


def film(inputs: RunInputs, seed: int) -> list[Clusters]:
    """The table of clusters at the end of each quarter of a run."""
    driver, store = compiled.driver_for(), build_world(inputs, seed)
    world, calendar = store.compiled_world(), store.tables["calendar"]
    stops = set(seeding.stops(inputs))
    stills: list[Clusters] = []
    calendar["until"] = 0
    driver(world)
    for quarter in range(inputs.size.n_quarters):
        calendar["quarter"] = quarter
        if quarter in stops:
            seeding.apply_due(store, inputs, quarter)
        calendar["until"] = quarter + 1
        driver(world)
        stills.append(store.tables["clusters"].copy())
    return stills


def led(clusters: Clusters) -> NDArray[np.bool_]:
    """Covenants that run and have their coordinator."""
    runs = (clusters["status"] == RUNNING) | (clusters["status"] == EXTENDED)
    led_now: NDArray[np.bool_] = runs & (clusters["coordinator"] >= 0)
    return led_now


def of_all_quarters(stills: list[Clusters], column: str) -> NDArray[np.float64]:
    """A column of the covenants that run and have their coordinator, quarter after quarter."""
    return np.concatenate([still[column][led(still)] for still in stills])


def one_group(*settings: Setting, seed_quarter: int = 0, **levers: float) -> RunInputs:
    """A covenant of ten firms for five years from the first quarter on, as row 0."""
    group = SeededGroup(3, 2, seed_quarter, 10, covenant_quarters=20)
    return small_inputs({**UNSTEERED, **levers}, groups=(group,), settings=settings)


# --- members: what the coordinator tells them -------------------------------------------------------------


def test_members_of_a_faithful_coordinator_know_the_truth_after_a_quarter() -> None:
    stills = film(small_inputs(parameters={"fidelity_lowest": 1.0}, beyond_range=("fidelity_lowest",)), 1)
    told, true = of_all_quarters(stills, "progress_told"), of_all_quarters(stills, "progress_true")
    assert len(told) > 50
    assert told == pytest.approx(true, abs=1e-12)


def test_members_of_a_careless_coordinator_lag_behind_the_truth() -> None:
    stills = film(one_group(Setting("clusters", "fidelity", 0.15, (0,), 0)), 1)
    running = [still for still in stills if led(still)[0]]
    told = [float(still["progress_told"][0]) for still in running]
    true = [float(still["progress_true"][0]) for still in running]
    assert len(told) > 6
    for before, now, truth in zip(told[:-1], told[1:], true[1:], strict=True):
        assert now - before == pytest.approx(0.15 * (truth - before)), "a seventh of the way, not more"
    assert max(abs(np.subtract(told, true))) > 0.1


def test_the_less_faithful_a_coordinator_the_more_its_members_are_mistaken() -> None:
    def mistake(fidelity: float) -> float:
        stills = film(one_group(Setting("clusters", "fidelity", fidelity, (0,), 0)), 1)
        errors = [abs(s["progress_told"][0] - s["progress_true"][0]) for s in stills if led(s)[0]]
        return float(np.mean(errors))

    assert mistake(1.0) == pytest.approx(0.0, abs=1e-12)
    assert mistake(1.0) < mistake(0.5) < mistake(0.1)


def test_members_leave_by_what_they_are_told() -> None:
    """With fidelity 0 what is told stays as set, so two groups differ in their picture and in nothing else."""

    def left_early(told: float, seed: int) -> int:
        silent = Setting("clusters", "fidelity", 0.0, (0,), 0)
        run = simulate(one_group(silent, Setting("clusters", "progress_told", told, (0,), 0)), seed)
        rows = slice(0, int(run.world.clusters.n_joined[0]))
        left = np.asarray(run.world.memberships.left_quarter)[rows]
        return int(np.count_nonzero((left >= 0) & (left <= 8)))

    seeds = range(40)
    discouraged = [left_early(0.0, seed) for seed in seeds]
    confident = [left_early(1.0, seed) for seed in seeds]
    assert sum(discouraged) > 1.2 * sum(confident) > 0


# --- the steering group: what is reported -----------------------------------------------------------------


def test_what_is_reported_moves_nobody_where_nothing_is_decided_by_it(
    differing: Callable[[Run, Run], list[str]],
) -> None:
    gloom = {"report_hope": 0.2, "report_noise_sd": 0.0}
    glum = simulate(small_inputs(UNSTEERED, gloom, beyond_range=tuple(gloom)), 3)
    rosy = simulate(small_inputs(UNSTEERED, {"report_hope": 0.9, "report_noise_sd": 0.3}), 3)
    assert differing(glum, rosy) == ["clusters.progress_reported"], "members leave, and all else, as before"


def test_full_information_shows_the_steering_group_the_truth() -> None:
    stills = film(small_inputs({**UNSTEERED, "progress_information_share": 1.0}), 1)
    reported, true = of_all_quarters(stills, "progress_reported"), of_all_quarters(stills, "progress_true")
    assert len(true) > 50
    assert reported == pytest.approx(true, abs=1e-12)


def test_poor_information_changes_who_is_stopped_but_no_progress_before_a_stop() -> None:
    # Both below what is ordinary, so that neither costs more than the other.
    clear = film(small_inputs({**CHECKED, "progress_information_share": 0.5}), 1)
    vague = film(small_inputs({**CHECKED, "progress_information_share": 0.1}), 1)
    assert not np.array_equal(clear[-1]["stopped"], vague[-1]["stopped"])
    parting = next(
        quarter
        for quarter, (one, other) in enumerate(zip(clear, vague, strict=True))
        if not np.array_equal(one["stopped"], other["stopped"])
    )
    assert parting > 4
    for one, other in zip(clear[:parting], vague[:parting], strict=True):
        differ = [name for name in one.dtype.names or () if one[name].tobytes() != other[name].tobytes()]
        assert set(differ) <= {"progress_reported"}
    # In the quarter of the first stop progress was measured before the steering group met.
    assert np.array_equal(clear[parting]["progress_true"], vague[parting]["progress_true"])
    assert np.array_equal(clear[parting]["progress_told"], vague[parting]["progress_told"])
    assert any(led(still).any() for still in clear[:parting])
    assert any(
        not np.array_equal(one["progress_reported"], other["progress_reported"])
        for one, other in zip(clear[:parting], vague[:parting], strict=True)
    )


# --- evaluators: what statistics, reports and interviews show ---------------------------------------------


def test_looking_at_a_run_changes_nothing_of_it() -> None:
    run = simulate(small_inputs(), 1)
    before = run_hash(run)
    first = observe(run)
    for extreme in ("minimum", "maximum"):
        observe(run, {name: getattr(r, extreme) for name, r in observation_parameters().items()})
    assert run_hash(run) == before
    np.testing.assert_equal(observe(run), first)
    np.testing.assert_equal(observe(simulate(small_inputs(), 1)), first)


def test_evaluators_who_see_worse_see_otherwise() -> None:
    run = simulate(small_inputs(), 1)
    plain = observe(run)
    hidden = observe(
        run, {"export_data_coverage": 0.5, "turnover_report_rate": 0.3, "members_interviewed": 3.0}
    )
    assert hidden["export_smes_cohort_1"] < plain["export_smes_cohort_1"]
    assert hidden["growth_reported_share"] <= plain["growth_reported_share"]
    assert (hidden["interviews_held"], plain["interviews_held"]) == (3.0, 13.0)
    # Administration is complete.
    assert all(hidden[name] == plain[name] for name in ("starts", "mean_participants", "total_public_eur"))


def test_with_everybody_interviewed_the_truth_is_left() -> None:
    run = simulate(small_inputs(), 1)
    records = read_run(run)
    seen = observe(run, {**default_observation(), **ALL_SEEING})
    steps = records.steps.sum(axis=0)
    assert steps.sum() > 20
    shares = [seen[f"next_steps_{name}_share"] for name in ("full", "partly", "lapsed")]
    assert shares == pytest.approx(steps / steps.sum())
    assert seen["firms_with_contacts_share"] == pytest.approx((records.contacts[records.company] >= 1).mean())
    assert seen["next_steps_told"] == steps.sum()


def test_evaluators_report_no_export_rise_that_was_not_exported() -> None:
    run = simulate(small_inputs(), 1)
    records, seen = read_run(run), observe(run, {"export_data_coverage": 1.0, "services_share": 0.0})
    exported = records.exports_country_eur[records.sme].sum()
    risen = np.nansum([seen[f"export_rise_sum_eur_cohort_{cohort}"] for cohort in (1, 2)])
    assert 0.0 < risen <= exported


def test_evaluators_luck_is_the_runs_own() -> None:
    """Another world is seen with other luck; the figures of few cases scatter more than those of all."""
    few, everybody = [], []
    for seed in range(12):
        run = simulate(small_inputs(), seed)
        few.append([observe(run)[name] for name in FIGURES_OF_CASES])
        everybody.append([observe(run, ALL_SEEING)[name] for name in FIGURES_OF_CASES])
    off = np.array(few) - np.array(everybody)
    assert (np.abs(off).max(axis=0) > 0.02).all()
    assert len({tuple(row) for row in few}) == 12
    draws = [
        keyed_uniform(read_run(simulate(small_inputs(), seed)).firm_key[:1], 8, 9009)[0] for seed in (1, 2)
    ]
    assert draws[0] != draws[1]


# --- all four together ------------------------------------------------------------------------------------


def test_the_layers_differ_from_each_other_and_from_the_truth() -> None:
    stills = film(small_inputs(), 1)
    true, told, reported = (
        of_all_quarters(stills, f"progress_{layer}") for layer in ("true", "told", "reported")
    )
    assert len(true) > 50
    for one, other in ((true, told), (true, reported), (told, reported)):
        assert (np.abs(one - other) > 0.01).mean() > 0.25
    for layer in (told, reported):
        assert np.corrcoef(true, layer)[0, 1] > 0.2, "but each is a picture of the truth"


def test_evaluators_do_not_read_what_members_or_the_steering_group_were_told() -> None:
    run = simulate(small_inputs(), 1)
    plain = observe(run)
    clusters = run.world.clusters
    blank = clusters._replace(
        progress_told=np.full_like(clusters.progress_told, np.nan),
        progress_reported=np.full_like(clusters.progress_reported, np.nan),
    )
    other = replace(run, world=run.world._replace(clusters=blank))
    np.testing.assert_equal(observe(other), plain)
