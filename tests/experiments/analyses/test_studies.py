"""What can be done with study files: listed, verified, taken over, planned again, made larger."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passaat.errors import ModelError, StudyError
from passaat.experiments.analyses.compare import compare
from passaat.experiments.analyses.studies import list_studies, study_info
from passaat.experiments.analyses.sweep import sweep
from passaat.experiments.analyses.verify import Verification, verify
from passaat.experiments.analyses.verify_design import MOST_NAMED
from passaat.experiments.design.comparison_plan import ComparisonPlan
from passaat.experiments.design.factors import Factor, counted_factor, factor_of
from passaat.experiments.design.plan import Plan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.export import runs_csv
from passaat.experiments.run.crew import Threads
from passaat.experiments.run.runner import Progress
from passaat.experiments.study.comparisons import comparison_plan_of, earlier_plans_of
from passaat.experiments.study.keys import digest_of
from passaat.experiments.study.study import Study
from passaat.model.inputs import RunInputs
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

GO_NO_GO = load_scenario("go-no-go", "option")
FOLLOW_UP = load_scenario("follow-up", "option")


def a_plan(pib: Scenario, size: int = 6, **changes: Any) -> Plan:
    """Two levers, a parameter and two draws; six points in two worlds: 60 runs or so."""
    factors: tuple[Factor, ...] = (
        factor_of("covenant_amount_eur", {"low": 200_000, "high": 500_000}),
        factor_of("follow_up_years", [0, 2, 4]),
        factor_of("support_gain", [0.3, 0.6]),
        counted_factor("draw", 2),
    )
    plan = Plan(
        name="toy-study",
        question="What helps?",
        reference=pib,
        options=(GO_NO_GO,),
        factors=factors,
        method="latin-hypercube",
        size=size,
        block=6,
        worlds=2,
        luck="common",
        rest="prior",
        draws=2,
        seed=1,
    )
    return replace(plan, **changes)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, toy: Simulator, pib: Scenario) -> Path:
    """A folder with a finished sweep and a finished comparison, of which every test has copies."""
    folder = tmp_path_factory.mktemp("made")
    sweep(a_plan(pib), study_path=folder / "swept.db", crew=Threads(1), simulator=toy)
    path = folder / "compared.db"
    compare(pib, [FOLLOW_UP], draws=3, worlds_per_draw=2, study_path=path, simulator=toy)
    return folder


@pytest.fixture
def swept(made: Path, tmp_path: Path) -> Path:
    """The file of a finished sweep."""
    return Path(shutil.copy(made / "swept.db", tmp_path))


@pytest.fixture
def compared(made: Path, tmp_path: Path) -> Path:
    """The file of a finished comparison."""
    return Path(shutil.copy(made / "compared.db", tmp_path))


def change(path: Path, *statements: str) -> int:
    """Change a file behind passaat's back; how many rows the last statement changed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        return [db.execute(statement).rowcount for statement in statements][-1]


def ask(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def csv_of(path: Path) -> str:
    with Study.read(path) as study:
        return runs_csv(study)


# Listing


def test_studies_are_listed_by_name_with_what_they_are_about(swept: Path, compared: Path) -> None:
    first, second = list_studies(swept.parent)
    assert (first.path, first.kind, first.title) == (compared, "comparison", "follow-up")
    assert (second.path, second.kind, second.title) == (swept, "sweep", "toy-study: What helps?")
    for info in (first, second):
        (runs,) = ask(info.path, "SELECT count(*) FROM runs")[0]
        assert (info.planned, info.done, info.failed) == (0, runs, 0)
        assert (info.state, info.reference) == ("complete", "pib")
        assert (info.version, info.behaviour) == ("0.0-toy", "toy")
        assert info.megabytes == info.path.stat().st_size / 1e6


def test_a_study_is_known_by_what_it_is_and_not_by_its_name(swept: Path) -> None:
    swept.rename(swept.with_name("my study.sqlite"))
    assert [info.path.name for info in list_studies(swept.parent)] == ["my study.sqlite"]


def test_other_files_are_passed_over_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "notes.db").write_text("my notes " * 50, encoding="utf-8")
    (tmp_path / "folder.db").mkdir()
    change(tmp_path / "foreign.db", "CREATE TABLE mine (x)")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert list_studies(tmp_path) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="there is no folder"):
        list_studies(tmp_path / "gone")


def test_a_damaged_study_is_listed_with_what_is_wrong(swept: Path, compared: Path) -> None:
    data = bytearray(swept.read_bytes())
    data[100:] = b"\x07" * (len(data) - 100)
    swept.write_bytes(data)
    good, bad = list_studies(swept.parent)
    assert good.state == "complete"
    assert bad.path == swept
    assert bad.state.startswith("not readable: ")
    assert "damaged" in bad.state


def test_a_study_of_another_format_is_listed_with_its_format(swept: Path) -> None:
    change(swept, "UPDATE meta SET value = '1' WHERE key = 'format'")
    info = study_info(swept)
    assert info is not None
    assert "has format 1" in info.state


def test_a_study_is_shown_while_it_is_run(tmp_path: Path, toy: Simulator, pib: Scenario) -> None:
    path, seen = tmp_path / "now.db", []

    def look(_: object) -> None:
        info = study_info(path)
        assert info is not None
        seen.append((info.state, info.planned, info.done))

    sweep(a_plan(pib), study_path=path, crew=Threads(1), simulator=toy, progress=look)
    assert {state for state, _, _ in seen} == {"being run"}
    first, last = seen[0], seen[-1]
    assert first[2] == 0
    assert last[1] == 0
    assert all(planned + done == first[1] for _, planned, done in seen)
    info = study_info(path)
    assert info is not None
    assert info.state == "complete"


# Verifying


def test_a_study_is_sound_and_its_runs_come_out_again(swept: Path, compared: Path, toy: Simulator) -> None:
    for path in (swept, compared):
        before = path.read_bytes()
        found = verify(path, sample=10_000, simulator=toy)
        (runs,) = ask(path, "SELECT count(*) FROM runs")[0]
        assert found == Verification(runs, runs, runs, (), (), "")
        assert found.summary()[-1] == "The study is sound."
        assert path.read_bytes() == before


def test_as_many_runs_are_made_again_as_asked_for(swept: Path, toy: Simulator) -> None:
    for sample in (0, 1, 7):
        found = verify(swept, sample=sample, simulator=toy)
        assert (found.repeated, found.sound) == (sample, True)


CHANGES = {
    "an outcome": ("UPDATE runs SET contracts = contracts + 1e-9 WHERE {one}", "results that were changed"),
    "an outcome taken out": ("UPDATE runs SET contracts = NULL WHERE {one}", "results that were changed"),
    "an outcome that is text": (
        "UPDATE runs SET contracts = 'many' WHERE {one}",
        "results that were changed",
    ),
    "a world seed": ("UPDATE runs SET world_seed = world_seed + 1 WHERE {one}", "keys that do not belong"),
    "a key": ("UPDATE runs SET key = 'abc' WHERE {one}", "keys that do not belong"),
    "a parameter": (
        "UPDATE parameters SET value = value * 1.000001 WHERE base = 0 AND name = 'gain'",
        "keys that do not belong",
    ),
    "a status, failed": ("UPDATE runs SET status = 'failed' WHERE {one}", "results that were changed"),
    "a status, planned": ("UPDATE runs SET status = 'planned' WHERE {one}", "results that were changed"),
    "a reason": ("UPDATE runs SET reason = 'x' WHERE {one}", "results that were changed"),
    "a digest": ("UPDATE runs SET digest = 'abc' WHERE {one}", "results that were changed"),
    "a scenario": (
        "UPDATE scenarios SET scenario = replace(scenario, 'n_firms = 2000', 'n_firms = 1900')",
        "has changed: its text now has the fingerprint",
    ),
    "a scenario that is no text any more": ("UPDATE scenarios SET scenario = 'x y'", "cannot be read"),
    "a scenario that is gone": ("DELETE FROM scenarios", "is missing"),
    "a twin": ("UPDATE arms SET twin = NULL WHERE role = 'option'", "keys that do not belong"),
    "an amount": (
        "UPDATE arms SET amount_factor = amount_factor + 7 WHERE role = 'option'",
        "keys that do not belong",
    ),
    "a draw that is gone": ("DELETE FROM draws WHERE draw = 0", "keys that do not belong"),
}
SWEEP_CHANGES = {
    "a lever that was set": (
        "UPDATE arms SET settings = replace(settings, '}', ',\"assessors\":6}') WHERE role = 'option'",
        "keys that do not belong",
    ),
    "a parameter that was set": (
        "UPDATE draws SET settings = '{\"support_gain\":0.9}' WHERE draw = 0",
        "keys that do not belong",
    ),
    "a factor of a point": (
        "UPDATE points SET covenant_amount_eur = 1 WHERE point = 3",
        "points that are not those of the plan: 3",
    ),
    "a point that is gone": (
        "DELETE FROM points WHERE point = 5",
        "points that are not those of the plan: 5",
    ),
    "runs that are gone": ("DELETE FROM runs WHERE {one}", "results; the file has"),
    "the plan": (
        "UPDATE meta SET value = replace(value, '\"seed\": 1', '\"seed\": 2') WHERE key = 'plan'",
        "points that are not those of the plan",
    ),
    "the plan, beyond reading": ("UPDATE meta SET value = '{' WHERE key = 'plan'", "plan cannot be read"),
    "a policy": ("UPDATE policies SET policy = 'better' WHERE position = 1", "policies are"),
}


@pytest.mark.parametrize("what", [*CHANGES, *SWEEP_CHANGES])
def test_what_was_changed_in_a_sweep_is_found(what: str, swept: Path, toy: Simulator) -> None:
    statement, words = (CHANGES | SWEEP_CHANGES)[what]
    one = "key = (SELECT min(key) FROM runs WHERE contracts IS NOT NULL)"
    assert change(swept, "PRAGMA foreign_keys = OFF", statement.replace("{one}", one)) > 0
    found = verify(swept, sample=5, simulator=toy)
    assert not found.sound
    assert any(words in problem for problem in found.problems), found.problems
    assert found.summary()[-1] == "The study is NOT sound."


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_in_a_comparison_is_found(what: str, compared: Path, toy: Simulator) -> None:
    statement, words = CHANGES[what]
    one = "key = (SELECT max(key) FROM runs WHERE contracts IS NOT NULL)"
    assert change(compared, "PRAGMA foreign_keys = OFF", statement.replace("{one}", one)) > 0
    found = verify(compared, sample=0, simulator=toy)
    assert any(words in problem for problem in found.problems), found.problems


def test_a_lie_that_fits_its_digest_is_found_by_running_again(swept: Path, toy: Simulator) -> None:
    with Study.read(swept) as study:
        columns = ", ".join(study.outcome_names)
        (key, *values) = study.row(f"SELECT key, {columns} FROM runs ORDER BY key LIMIT 1")
        values[study.outcome_names.index("contracts")] = 99.0
    digest = digest_of("done", "", values)
    change(swept, f"UPDATE runs SET contracts = 99.0, digest = '{digest}' WHERE key = '{key}'")
    assert verify(swept, sample=0, simulator=toy).sound
    found = verify(swept, sample=1, simulator=toy)
    assert found.differing == (key,)
    assert found.problems == (f"results that come out otherwise when run again: {key}",)
    assert "1 runs made again: 0 equal in every bit." in found.summary()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), column=st.integers(0, 11), shift=st.sampled_from([1e-12, -3.0, 1e9]))
def test_any_changed_cell_is_found_and_its_run_is_named(
    place: int, column: int, shift: float, swept: Path, toy: Simulator
) -> None:
    name = toy.outcomes[column].name
    keys = ask(swept, f"SELECT key, {name} FROM runs WHERE {name} IS NOT NULL ORDER BY key")
    key, value = keys[place % len(keys)]
    changed = value * (1.0 + shift) + shift
    change(swept, f"UPDATE runs SET {name} = {changed!r} WHERE key = '{key}'")
    problems = verify(swept, sample=0, simulator=toy).problems
    change(swept, f"UPDATE runs SET {name} = {value!r} WHERE key = '{key}'")
    if changed == value:
        assert problems == ()
    else:
        assert len(problems) == 1
        assert f": {key} (draw " in problems[0]


def test_of_many_damaged_runs_the_first_are_named_and_all_are_counted(swept: Path, toy: Simulator) -> None:
    changed = change(swept, "UPDATE runs SET digest = 'abc'")
    (problem,) = verify(swept, sample=0, simulator=toy).problems
    assert problem.endswith(f" and {changed - MOST_NAMED} more")
    assert problem.count("(draw ") == MOST_NAMED


def test_another_model_is_said_and_is_no_fault_of_the_file(swept: Path, toy: Simulator) -> None:
    newer = replace(toy, version="9.9", behaviour="other")
    found = verify(swept, simulator=newer)
    assert found.sound
    assert found.repeated == 0
    assert "version 0.0-toy with behaviour toy; this is 9.9 with other" in found.not_repeated
    said = found.summary()
    assert said[1].startswith("No run was made again: ")
    assert said[-1].endswith("whether this model gives the same results was not tried.")
    change(swept, "UPDATE runs SET contracts = 1.0 WHERE world = 0")
    assert not verify(swept, simulator=newer).sound


def test_keys_that_another_version_works_out_otherwise_are_not_judged(swept: Path, toy: Simulator) -> None:
    """A version with more levers has other keys for the same runs: all of them, or none."""
    change(swept, "UPDATE runs SET key = key || 'x'")
    newer = replace(toy, behaviour="other")
    found = verify(swept, simulator=newer)
    assert found.sound
    assert "these were not checked either" in found.not_repeated
    assert not verify(swept, simulator=toy).sound
    change(swept, "UPDATE runs SET key = rtrim(key, 'x') WHERE world = 0")
    assert not verify(swept, simulator=newer).sound


def test_a_failed_run_is_verified_and_an_unfinished_study_too(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "failing.db"
    sweep(a_plan(pib), study_path=path, simulator=failing(toy, "follow_up_years", 4.0))
    found = verify(path, sample=1_000, simulator=toy)
    (failed,) = ask(path, "SELECT count(*) FROM runs WHERE status = 'failed'")[0]
    assert found.sound
    assert failed > 0
    assert (found.results, found.repeated) == (found.runs, found.runs - failed)
    change(path, "UPDATE runs SET reason = 'it was nothing' WHERE status = 'failed'")
    assert not verify(path, sample=0, simulator=toy).sound
    with Study.edit(path) as study:
        assert study.plan_failed_again() == failed
    found = verify(path, sample=0, simulator=toy)
    assert (found.sound, found.runs - found.results) == (True, failed)


def failing(toy: Simulator, lever: str, value: float) -> Simulator:
    """The toy, which cannot run where a lever has some value while the programme is on."""

    def simulate(inputs: RunInputs, world_seed: int) -> Any:
        if inputs.levers[lever][-1] == value and inputs.levers["programme_on"][-1]:
            raise ModelError("the toy is broken here", "take it to the smith")
        return toy.simulate(inputs, world_seed)

    return replace(toy, simulate=simulate)


def counting(toy: Simulator) -> tuple[Simulator, list[int]]:
    """The toy, and a list that grows by one with each run it makes."""
    made: list[int] = []

    def simulate(inputs: RunInputs, world_seed: int) -> Any:
        made.append(world_seed)
        return toy.simulate(inputs, world_seed)

    return replace(toy, simulate=simulate), made


# Editing, and failed runs


def test_failed_runs_that_are_planned_again_give_the_undisturbed_study(
    tmp_path: Path, toy: Simulator, pib: Scenario, swept: Path
) -> None:
    path = tmp_path / "failing.db"
    sweep(a_plan(pib), study_path=path, simulator=failing(toy, "follow_up_years", 4.0))
    assert csv_of(path) != csv_of(swept)
    info = study_info(path)
    assert info is not None
    assert (info.state, info.failed > 0) == ("complete", True)
    with Study.edit(path) as study:
        study.plan_failed_again()
        assert study.plan_failed_again() == 0
    waiting = study_info(path)
    assert waiting is not None
    assert (waiting.state, waiting.planned, waiting.failed) == ("incomplete", info.failed, 0)
    model, made = counting(toy)
    sweep(a_plan(pib), study_path=path, crew=Threads(1), simulator=model)
    assert csv_of(path) == csv_of(swept)
    assert info.failed <= len(made) <= 2 * info.failed  # a twin is made again for what is held against it


def test_only_a_study_can_be_edited_and_only_by_one(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passaat.experiments.study.locks.BEING_RUN_SECONDS", 0.0)
    with pytest.raises(StudyError, match="there is no study"):
        Study.edit(tmp_path / "none.db")
    change(tmp_path / "foreign.db", "CREATE TABLE mine (x)")
    with pytest.raises(StudyError, match="is a database, but not a study"):
        Study.edit(tmp_path / "foreign.db")
    with Study.edit(swept), pytest.raises(StudyError, match="is being run by another process"):
        Study.edit(swept)
    Study.edit(swept).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foreign.db", "swept.db"]


# Taking over


def test_a_larger_study_takes_over_what_a_smaller_one_holds(
    swept: Path, tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    larger = replace(a_plan(pib, 12), options=(GO_NO_GO, FOLLOW_UP))
    alone, helped = tmp_path / "alone.db", tmp_path / "helped.db"
    model, made_alone = counting(toy)
    sweep(larger, study_path=alone, crew=Threads(1), simulator=model)
    model, made = counting(toy)
    sweep(larger, study_path=helped, crew=Threads(1), simulator=model, reuse=[swept])
    assert csv_of(helped) == csv_of(alone)
    mine, theirs = ({key for (key,) in ask(path, "SELECT key FROM runs")} for path in (alone, swept))
    assert mine & theirs == theirs
    missing = len(mine - theirs)
    assert len(made_alone) == len(mine)
    assert missing <= len(made) < len(made_alone)
    assert verify(helped, simulator=toy).sound


def test_nothing_is_taken_over_twice_nor_failed_runs(
    swept: Path, tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    failed = tmp_path / "failed.db"
    sweep(a_plan(pib), study_path=failed, simulator=failing(toy, "follow_up_years", 4.0))
    (lost,) = ask(failed, "SELECT count(*) FROM runs WHERE status = 'failed'")[0]
    change(swept, "UPDATE runs SET status = 'planned', digest = '', contracts = NULL")
    with Study.edit(swept) as study:
        (planned,) = study.row("SELECT count(*) FROM runs WHERE status = 'planned'")
        assert study.take_over(failed) == planned - lost
        assert study.take_over(failed) == 0


def test_a_study_of_another_model_is_not_taken_over(
    swept: Path, tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    other = replace(toy, behaviour="other")
    with pytest.raises(StudyError, match=r"\(behaviour toy\), and this is .* \(behaviour other\)"):
        sweep(a_plan(pib), study_path=tmp_path / "new.db", simulator=other, reuse=[swept])
    assert not (tmp_path / "new.db").exists()


def test_runs_of_a_comparison_serve_a_sweep(tmp_path: Path, toy: Simulator, pib: Scenario) -> None:
    """Worlds are its own for each draw in a comparison, so a sweep with luck "own" shares its first draws."""
    compared = tmp_path / "compared.db"
    compare(pib, [FOLLOW_UP], draws=2, worlds_per_draw=2, study_path=compared, simulator=toy)
    plan = replace(
        a_plan(pib, luck="own", options=(FOLLOW_UP,)),
        method="list",
        factors=(factor_of("assessors"), counted_factor("draw", 2)),
        listed=({"assessors": 2, "draw": 0}, {"assessors": 3, "draw": 1}),
        size=2,
    )
    sweep(plan, study_path=tmp_path / "new.db", simulator=toy, reuse=[compared])
    keys = [{key for (key,) in ask(path, "SELECT key FROM runs")} for path in (compared, tmp_path / "new.db")]
    assert len(keys[0] & keys[1]) >= 8  # reference and no programme, two draws, two worlds


# What a comparison was asked for

SIZES = st.integers(1, 40)


@settings(max_examples=20, deadline=None)
@given(draws=SIZES, worlds=SIZES, seed=st.integers(0, 2**62), prior=st.booleans())
def test_a_comparison_plan_comes_back_from_its_text(draws: int, worlds: int, seed: int, prior: bool) -> None:
    plan = ComparisonPlan(load_scenario("pib"), (FOLLOW_UP, GO_NO_GO), draws, worlds, seed, prior)
    back = ComparisonPlan.from_json(plan.to_json())
    assert back.reference.hash == plan.reference.hash
    assert [one.hash for one in back.options] == [one.hash for one in plan.options]
    assert (back.draws, back.worlds, back.seed, back.prior) == (draws, worlds, seed, prior)
    assert back.to_json() == plan.to_json()


@settings(max_examples=40, deadline=None)
@given(old=st.tuples(SIZES, SIZES), new=st.tuples(SIZES, SIZES))
def test_a_comparison_grows_and_never_shrinks(old: tuple[int, int], new: tuple[int, int]) -> None:
    plan = ComparisonPlan(load_scenario("pib"), (FOLLOW_UP,), *old, 1, prior=False)
    smaller = [now < before for now, before in zip(new, old, strict=True)]
    if any(smaller):
        with pytest.raises(StudyError) as caught:
            plan.extended(draws=new[0], worlds=new[1])
        assert len(caught.value.problems) == sum(smaller)
    else:
        larger = plan.extended(draws=new[0], worlds=new[1])
        assert (larger.draws, larger.worlds) == new
        assert plan.extended() == plan


def test_an_option_is_added_once() -> None:
    plan = ComparisonPlan(load_scenario("pib"), (FOLLOW_UP,), 2, 2, 1, prior=False)
    assert [one.name for one in plan.extended(options=[GO_NO_GO]).options] == ["follow-up", "go-no-go"]
    with pytest.raises(StudyError, match="option follow-up is in the study already"):
        plan.extended(options=[FOLLOW_UP])
    with pytest.raises(StudyError, match="option go-no-go is named 2 times"):
        plan.extended(options=[GO_NO_GO, GO_NO_GO])


def test_a_comparison_holds_what_it_was_asked_for(compared: Path, pib: Scenario, swept: Path) -> None:
    with Study.read(compared) as study:
        asked = comparison_plan_of(study)
        assert study.meta("kind") == "comparison"
        assert study.meta("drawn from")
    assert asked.reference.hash == pib.hash
    assert [one.name for one in asked.options] == ["follow-up"]
    assert (asked.draws, asked.worlds, asked.seed, asked.prior) == (3, 2, 1, True)
    with Study.read(swept) as study, pytest.raises(StudyError, match="is a sweep, not a comparison"):
        comparison_plan_of(study)
    change(compared, "DELETE FROM meta WHERE key = 'plan'")
    with Study.read(compared) as study, pytest.raises(StudyError, match="does not hold what it was asked"):
        comparison_plan_of(study)


def test_a_plan_of_a_comparison_that_cannot_be_read_is_said(compared: Path) -> None:
    for text in ("{", "[]", '{"draws": 3}'):
        with closing(sqlite3.connect(compared, isolation_level=None)) as db:
            db.execute("UPDATE meta SET value = ? WHERE key = 'plan'", (text,))
        with Study.read(compared) as study, pytest.raises(StudyError, match="cannot be read"):
            comparison_plan_of(study)


def test_values_of_a_study_are_those_of_the_model(swept: Path, toy: Simulator) -> None:
    """Every stored run, made by hand from what the file holds of it."""
    with Study.read(swept) as study:
        columns = ", ".join(study.outcome_names)
        found = study.rows(f"SELECT draw, arm, world_seed, {columns} FROM runs")
        for draw, number, seed, *values in list(found):
            parameters, (arm, twin) = study.parameters(draw), study.arm(number)
            run = toy.simulate(arm.inputs(parameters), seed)
            against = None if twin is None else toy.simulate(study.arm(twin)[0].inputs(parameters), seed)
            expected = toy.outcomes_of(run, against)
            stored = np.array([np.nan if value is None else value for value in values])
            assert np.array_equal(stored, expected, equal_nan=True)


def test_a_comparison_remembers_all_that_was_asked_of_it(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    """A smaller question to the same file neither hides nor completes a larger one that was stopped."""
    path = tmp_path / "study.db"
    other = load_scenario("go-no-go", "option")

    def stop_soon(step: Progress) -> None:
        if step.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(
            pib, [FOLLOW_UP], draws=6, worlds_per_draw=3, study_path=path, simulator=toy, progress=stop_soon
        )
    compare(pib, [other], draws=2, worlds_per_draw=2, study_path=path, simulator=toy)
    with Study.read(path) as study:
        asked = comparison_plan_of(study)
        (earlier,) = earlier_plans_of(study)
        assert study.meta("state") == "incomplete"
    assert ([option.name for option in asked.options], asked.draws, asked.worlds) == ([other.name], 2, 2)
    assert ([option.name for option in earlier.options], earlier.draws) == ([FOLLOW_UP.name], 6)
    compare(pib, [FOLLOW_UP], draws=6, worlds_per_draw=3, study_path=path, simulator=toy)
    with Study.read(path) as study:
        assert study.meta("state") == "complete"
        assert [one.options for one in earlier_plans_of(study)] == [asked.options]
    # What covers the earlier questions takes their place.
    compare(pib, [other, FOLLOW_UP], draws=6, worlds_per_draw=3, study_path=path, simulator=toy)
    with Study.read(path) as study:
        assert earlier_plans_of(study) == []
