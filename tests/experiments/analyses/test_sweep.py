"""What a sweep stores is what runs by hand give; what is asked for later adds, and changes nothing that is there."""

from __future__ import annotations

import importlib
import sys
import tracemalloc
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passaat.errors import StudyError
from passaat.experiments.analyses.sweep import load_table, simulator_for, sweep
from passaat.experiments.design.cells import world_seed
from passaat.experiments.design.factors import factor_of
from passaat.experiments.design.plan import Plan, n_runs
from passaat.experiments.design.policies import Arm, InputsOf
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.export import runs_csv
from passaat.experiments.run.crew import Task, Threads, carry_out
from passaat.experiments.run.runner import RUNS_PER_TASK, _tasks, run_planned
from passaat.experiments.study.records import ALL, RunRecord
from passaat.experiments.study.study import Study
from passaat.experiments.study.sweeps import register_plan
from passaat.model.inputs import RunInputs
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

CHILDREN = Path(__file__).parents[2] / "children"
if str(CHILDREN) not in sys.path:
    sys.path.append(str(CHILDREN))
toy_model: Any = importlib.import_module("toy_model")
TOY: Simulator = toy_model.SIMULATOR


def csv_of(path: Path) -> str:
    with Study.read(path) as study:
        return runs_csv(study)


def by_hand(plan: Plan, simulator: Simulator, point: Mapping[str, Any], policy: str, seed: int) -> Any:
    """Outcomes of a policy at a point, from scenarios alone: no arm, no store, no cached inputs."""
    levers = {one.name: point[one.name] for one in plan.factors if one.kind == "lever"}
    swept = {one.name: float(point[one.name]) for one in plan.factors if one.kind == "uncertainty"}
    base = simulator.draw_parameters(plan.draws, plan.seed)[int(point.get("draw", 0))]
    parameters = {**base, **swept}
    chosen: dict[str, Scenario] = {
        "reference": plan.reference,
        "no programme": plan.reference.without_programme(),
    }
    for option in plan.options:
        chosen[option.name] = plan.reference.with_option(option).with_levers(levers)
    chosen["levers"] = plan.reference.with_levers(levers)
    run = simulator.simulate(chosen[policy].inputs(parameters), seed)
    if policy == "no programme":
        return simulator.outcomes_of(run, None)
    twin = simulator.simulate(plan.reference.without_programme().inputs(parameters), seed)
    return simulator.outcomes_of(run, twin)


def assert_as_by_hand(plan: Plan, simulator: Simulator, cells: Sequence[tuple[int, int]]) -> None:
    table = sweep(plan, simulator=simulator)
    assert table.n_failed == table.n_missing == 0
    assert not np.isnan(table.values[:, 0]).any() or simulator is not TOY
    for point, world in cells:
        settings_there = table.points[point]
        number = int(settings_there.get("luck", world))
        draw = _draw_number(table.points, point, plan) if plan.luck == "own" else 0
        seed = world_seed(plan.seed, draw, number)
        for place, policy in enumerate(table.policies):
            expected = by_hand(plan, simulator, settings_there, policy, seed) + 0.0
            found = table.values[place, :, point, 0 if plan.luck == "factor" else world]
            assert found.tobytes() == expected.tobytes(), (policy, point, world)


def _draw_number(points: Sequence[Mapping[str, Any]], point: int, plan: Plan) -> int:
    """Parameter sets are numbered in the order in which points mention them first."""
    names = [one.name for one in plan.factors if one.kind in ("uncertainty", "draw")]
    sets = list(dict.fromkeys(tuple(one[name] for name in names) for one in points))
    return sets.index(tuple(points[point][name] for name in names))


@pytest.mark.parametrize("luck", ["common", "own", "factor"])
@pytest.mark.parametrize(
    ("method", "size"),
    [("latin-hypercube", 10), ("sobol", 8), ("factorial", 0), ("morris", 3), ("saltelli", 2)],
)
def test_every_method_stores_what_runs_by_hand_give(method: Any, size: int, luck: Any) -> None:
    plan = toy_model.a_plan(size or 4, method=method, luck=luck, draws=2, worlds=2)
    rng = np.random.default_rng(3)
    cells = [(int(rng.integers(plan.n_points)), int(rng.integers(plan.worlds_per_point))) for _ in range(5)]
    assert_as_by_hand(plan, TOY, cells)


def test_listed_points_and_plans_without_options_store_what_runs_by_hand_give() -> None:
    plan = toy_model.a_plan(6, options=(), draws=1)
    assert plan.policies == ("reference", "levers", "no programme")
    assert_as_by_hand(plan, TOY, [(0, 0), (5, 2)])
    rows = tuple(plan.points()[:3])
    assert_as_by_hand(replace(plan, method="list", listed=rows, size=3), TOY, [(0, 0), (2, 1)])


@pytest.mark.slow
def test_the_model_that_ships_stores_what_runs_by_hand_give() -> None:
    plan = toy_model.a_plan(2, worlds=1, draws=2)
    assert_as_by_hand(plan, simulator_for(plan), [(0, 0), (1, 0)])


def test_levers_of_a_point_win_over_those_of_the_option() -> None:
    option = load_scenario("follow-up", "option")
    name, _ = next(iter(option.levers.items()))
    plan = replace(
        toy_model.a_plan(4, options=("follow-up",), draws=1),
        factors=(factor_of(name),),
        size=3,
        block=3,
    )
    for point in plan.points():
        arm = Arm.of(plan.reference.with_option(option), "option", "x").with_settings({name: point[name]})
        assert InputsOf()(arm, {}).levers[name][-1] == LEVERS[name].code(point[name])
    assert_as_by_hand(plan, TOY, [(0, 0), (1, 0), (2, 0)])


# --- each run once, whatever is added ---------------------------------------------------------------------------


class Counting:
    """A simulator that counts its runs."""

    def __init__(self) -> None:
        self.runs: list[tuple[bytes, int]] = []
        self.simulator = replace(TOY, simulate=self._simulate)

    def _simulate(self, inputs: RunInputs, seed: int) -> Any:
        levers = b"".join(inputs.levers[name].tobytes() for name in sorted(inputs.levers))
        self.runs.append((levers + repr(sorted(inputs.parameters.items())).encode(), seed))
        return toy_model.simulate(inputs, seed)

    def made(self, plan: Plan, path: Path) -> int:
        """How many runs it takes to bring a study up to a plan."""
        before = len(self.runs)
        sweep(plan, study_path=path, crew=Threads(1), simulator=self.simulator)
        return len(self.runs) - before


def test_a_run_that_points_share_is_made_once(tmp_path: Path) -> None:
    """In a factorial of levers the reference and its twin are the same at every point of a parameter set."""
    plan, counting = toy_model.a_plan(4, method="factorial", draws=2, worlds=2), Counting()
    made = counting.made(plan, tmp_path / "study.db")
    assert len(set(counting.runs)) == n_runs(plan)
    # Only the world without programme is run again, for each further part of a world that very many policies share.
    assert n_runs(plan) <= made <= n_runs(plan) * (1 + 1 / RUNS_PER_TASK)
    assert counting.made(plan, tmp_path / "study.db") == 0


def test_a_world_that_very_many_policies_share_is_done_in_parts(tmp_path: Path) -> None:
    """However few draws and worlds there are, work can be shared, and a crash costs little."""
    plan = toy_model.a_plan(100, options=(), draws=1, worlds=1)
    with Study.open(tmp_path / "study.db", TOY, plan.reference, plan.seed, "sweep") as study:
        register_plan(study, plan, TOY)
        tasks = list(_tasks(study, ALL))
        assert sum(task.runs for task in tasks) == study.count_to_do() == n_runs(plan)
        assert max(task.runs for task in tasks) <= RUNS_PER_TASK + 1
        made = [(task.draw, task.world, arm) for task in tasks for arm, _ in task.arms]
        made += [(task.draw, task.world, task.twin.arm) for task in tasks if task.twin.missing]
        assert len(set(made)) == len(made) == n_runs(plan)


@pytest.mark.parametrize("added", ["points", "worlds", "draws", "option"])
def test_an_extension_makes_what_is_missing_and_leaves_every_earlier_row(tmp_path: Path, added: str) -> None:
    path = tmp_path / "study.db"
    if added == "draws":
        plan = toy_model.a_plan(4, method="factorial", draws=2, worlds=2)
        larger = plan.extended(draws=3)
    else:
        plan = toy_model.a_plan(8, worlds=2)
        larger = {
            "points": lambda: plan.extended(size=20),
            "worlds": lambda: plan.extended(worlds=3),
            "option": lambda: plan.extended(options=[load_scenario("follow-up", "option")]),
        }[added]()
    counting = Counting()
    first = counting.made(plan, path)
    before = csv_of(path).splitlines()
    again = counting.made(larger, path)
    after = csv_of(path).splitlines()
    assert set(before) <= set(after)
    fresh = counting.made(larger, tmp_path / "fresh.db")
    assert csv_of(path) == csv_of(tmp_path / "fresh.db")
    # Of what was there, at most the worlds without programme are made again, to hold new runs against.
    twins = larger.n_points * larger.worlds
    assert fresh - first <= again <= fresh - first + twins
    assert again < fresh
    table = load_table(path)
    assert table.values.tobytes() == load_table(tmp_path / "fresh.db").values.tobytes()
    assert table.n_missing == 0


def test_a_plan_that_is_no_extension_is_refused_with_all_reasons(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    plan = toy_model.a_plan(8, luck="own")
    sweep(plan, study_path=path, simulator=TOY)
    before = csv_of(path)
    other = toy_model.a_plan(6, options=("follow-up",), worlds=2, draws=3, method="sobol")
    with pytest.raises(StudyError) as caught:
        sweep(other, study_path=path, simulator=TOY)
    text = str(caught.value)
    for word in ("method", "luck", "first options", "options' levers", "points", "worlds", "draws"):
        assert f"{word} of the study" in text or word in text, word
    assert len(caught.value.problems) == 7
    assert "passaat extend" in caught.value.hint
    for smaller in ({"size": 7, "block": 8}, {"worlds": 2}):
        with pytest.raises(StudyError, match=r"now only|another one now"):
            sweep(replace(plan, **smaller), study_path=path, simulator=TOY)
    moved = replace(plan, factors=(factor_of("covenant_amount_eur"), *plan.factors[1:]))
    with pytest.raises(StudyError, match="point 0 of the study is another one now"):
        sweep(moved, study_path=path, simulator=TOY)
    assert csv_of(path) == before
    assert load_table(path).plan == plan


# --- whoever does the work --------------------------------------------------------------------------------------


class Shuffled:
    """A crew that finishes its chunks in any order, some of them long after they were handed over."""

    runs_per_chunk = 5
    in_flight = 7

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._open: list[tuple[Future[list[RunRecord]], Simulator, list[Task]]] = []

    def submit(self, simulator: Simulator, chunk: Sequence[Task]) -> Future[list[RunRecord]]:
        future: Future[list[RunRecord]] = Future()
        self._open.append((future, simulator, list(chunk)))
        if len(self._open) == self.in_flight or simulator is not self._open[0][1]:
            self.stop()
        return future

    def check(self) -> None:
        """Nobody leaves."""

    def stop(self) -> None:
        for place in self._rng.permutation(len(self._open)):
            future, simulator, chunk = self._open[place]
            records = carry_out(
                simulator.simulate, simulator.outcomes_of, len(simulator.outcomes), chunk, lambda: False
            )
            future.set_result([records[i] for i in self._rng.permutation(len(records))])
        self._open.clear()


def test_one_worker_four_workers_and_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    plan = toy_model.a_plan(21)
    found = []
    crews = (Threads(1), Threads(4), Threads(13))
    for number, crew in enumerate(crews):
        sweep(plan, study_path=tmp_path / f"{number}.db", crew=crew, simulator=TOY)
        found.append(csv_of(tmp_path / f"{number}.db"))
    for seed in range(3):
        path = tmp_path / f"shuffled-{seed}.db"
        shuffled = Shuffled(seed)
        shuffled.in_flight = n_runs(plan)
        with Study.open(path, TOY, plan.reference, plan.seed, "sweep") as study:
            register_plan(study, plan, TOY)
            in_any_order(study, shuffled)
        found.append(csv_of(path))
    assert len(set(found)) == 1
    assert ",planned," not in found[0]


def in_any_order(study: Study, crew: Shuffled) -> None:
    """Hand over all chunks, and have them come back shuffled."""
    crew.in_flight = sum(1 for _ in study.to_do())
    held: list[Future[list[RunRecord]]] = []
    submit = crew.submit

    def hold(simulator: Simulator, chunk: Sequence[Task]) -> Future[list[RunRecord]]:
        held.append(submit(simulator, chunk))
        if sum(task.runs for task in chunk) < crew.runs_per_chunk or study.count_to_do() == counted(chunk):
            crew.stop()
        return held[-1]

    total = [0]

    def counted(chunk: Sequence[Task]) -> int:
        total[0] += sum(task.runs for task in chunk)
        return total[0]

    crew.submit = hold  # type: ignore[method-assign]
    run_planned(study, TOY, crew, stage="any order")


@pytest.mark.parametrize("workers", [0, -3])
def test_fewer_than_one_worker_is_refused(workers: int) -> None:
    with pytest.raises(StudyError, match="at least 1 is needed"):
        sweep(toy_model.a_plan(3), workers=workers, simulator=TOY)


# --- what fails -------------------------------------------------------------------------------------------------


UNLUCKY = (world_seed(1, 0, 1), world_seed(1, 0, 4))
"""Worlds 1 and 4 of six, in which runs go wrong."""


@dataclass(frozen=True)
class Bad:
    """A way in which runs of some worlds go wrong."""

    name: str
    words: str

    def simulate(self, inputs: RunInputs, seed: int) -> Any:
        run = toy_model.simulate(inputs, seed)
        if seed in UNLUCKY:
            if self.name == "raises":
                raise ValueError("a world\nthat cannot be, \udc80 and more " + "x" * 5_000)
            if self.name == "nothing":
                return None
            run["bad"] = 1.0
        return run

    def outcomes_of(self, run: Any, twin: Any) -> Any:
        values = toy_model.outcomes_of(run, twin)
        if "bad" in run:
            if self.name == "too few":
                return values[:2]
            if self.name == "too many":
                return np.append(values, 1.0)
            if self.name == "table":
                return np.array([values, values])
            if self.name == "text":
                return ["much", "more", "than", "before"]
            if self.name == "judging":
                raise KeyError("no such column")
        return values


@pytest.mark.parametrize(
    "bad",
    [
        Bad("raises", "ValueError: a world that cannot be, ? and more"),
        Bad("nothing", "no run"),
        Bad("too few", "shape (2,)"),
        Bad("too many", "shape (5,)"),
        Bad("table", "shape (2, 4)"),
        Bad("text", "ValueError"),
        Bad("judging", "KeyError"),
    ],
    ids=lambda bad: bad.name,
)
def test_runs_that_fail_are_recorded_and_no_other_is_touched(tmp_path: Path, bad: Bad) -> None:
    plan, path = toy_model.a_plan(10, worlds=6), tmp_path / "study.db"
    sound = sweep(plan, study_path=tmp_path / "sound.db", simulator=TOY)
    broken = replace(TOY, simulate=bad.simulate, outcomes_of=bad.outcomes_of)
    table = sweep(plan, study_path=path, simulator=broken)
    unlucky, kept = [1, 4], [0, 2, 3, 5]
    assert np.isnan(table.values[:, :, :, unlucky]).all()
    assert table.values[:, :, :, kept].tobytes() == sound.values[:, :, :, kept].tobytes()
    assert table.n_missing == 0
    assert table.n_failed == len(table.failures) > 0
    for failed in table.failures:
        assert failed.world_seed in UNLUCKY
        assert bad.words in failed.reason or "its world without programme failed" in failed.reason
        assert "\n" not in failed.reason
        assert len(failed.reason) < 1_200
    # Repeating the command does not repeat what failed, unless that is asked for.
    assert sweep(plan, study_path=path, simulator=TOY).n_failed == table.n_failed
    with Study.open(path, TOY, plan.reference, plan.seed, "sweep") as study:
        assert study.plan_failed_again() == table.n_failed
        run_planned(study, TOY, Threads(2), stage="again")
    assert csv_of(path) == csv_of(tmp_path / "sound.db")


def test_a_sweep_in_which_nothing_succeeds_leaves_no_file_and_says_why(tmp_path: Path) -> None:
    def fail(inputs: RunInputs, seed: int) -> Any:
        raise ValueError("never")

    with pytest.raises(StudyError, match=r"all \d+ runs failed; one of the reasons: ValueError: never"):
        sweep(toy_model.a_plan(3), study_path=tmp_path / "s.db", simulator=replace(TOY, simulate=fail))
    assert list(tmp_path.iterdir()) == []


# --- memory, inputs, names --------------------------------------------------------------------------------------


def peak_of(plan: Plan, path: Path) -> int:
    """Largest number of bytes in use while a sweep is registered and run."""
    plan_text = plan.to_json()
    tracemalloc.start()
    try:
        with Study.open(path, TOY, plan.reference, plan.seed, "sweep") as study:
            register_plan(study, plan, TOY)
            run_planned(study, TOY, Threads(1), stage="toy")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert plan.to_json() == plan_text


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_runs(tmp_path: Path) -> None:
    """Ten times the runs, 20,000 instead of 2,000, take less than 1 MB more; each run alone has 1 kB in the file."""
    small = toy_model.a_plan(330, draws=1, worlds=6, options=())
    large = replace(small, size=3_300, block=330)
    assert 1_500 < n_runs(small) < 3_000
    peak_of(toy_model.a_plan(5), tmp_path / "warm.db")
    first = peak_of(small, tmp_path / "small.db")
    second = peak_of(large, tmp_path / "large.db")
    assert second - first < 1_000_000, (first, second)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_inputs_kept_ready_are_those_of_the_scenario(data: st.DataObject) -> None:
    """Whatever levers are moved, singly or together, on the reference or an option."""
    reference = load_scenario("pib", "reference")
    scenario = data.draw(
        st.sampled_from(
            [
                reference,
                reference.with_option(load_scenario("go-no-go", "option")),
                reference.without_programme(),
            ]
        )
    )
    names = data.draw(st.lists(st.sampled_from(sorted(LEVERS)), unique=True, max_size=5))
    levers = {
        name: factor_of(name).at(data.draw(st.floats(0.0, 1.0))) for name in names if name != "programme_on"
    }
    inputs_of = InputsOf()
    arm = Arm.of(scenario, "option", "x")
    for one in (arm.with_settings(levers), arm):
        expected = (scenario.with_levers(levers) if one is not arm and levers else scenario).inputs({})
        found = inputs_of(one, expected.parameters)
        assert sorted(found.levers) == sorted(expected.levers)
        for name in LEVERS:
            assert found.levers[name].tobytes() == expected.levers[name].tobytes(), name
        assert dict(found.parameters) == dict(expected.parameters)
        assert (found.size, found.shocks) == (expected.size, expected.shocks)


def test_columns_of_results_have_names_of_their_own() -> None:
    """Levers, parameters, outcomes and the columns of the design stand side by side in one table."""
    from passaat.model.outcomes import OUTCOMES
    from passaat.model.parameters import PARAMETERS

    names = [
        *(outcome.name for outcome in OUTCOMES),
        *LEVERS,
        *PARAMETERS,
        *("draw", "luck", "point", "policy", "world", "world_seed", "key", "status", "reason"),
        *("parameter_set", "in_world", "levers"),
    ]
    assert len(set(names)) == len(names)
