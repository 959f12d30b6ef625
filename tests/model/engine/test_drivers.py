"""The compiled and the Mesa driver run the same rules to the last bit, in any order, on any number of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passaat.model import schedule
from passaat.model.engine.build import build_world
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.programme import Programme
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import golden_inputs, golden_text, run_hash, small_inputs
from passaat.model.shocks import ShockEvent
from passaat.model.world import TABLES, World
from passaat.scenarios.levers import LEVERS

HERE = Path(__file__).resolve().parents[2]
Differing = Callable[[Run, Run], list[str]]

COMPANIONS: Mapping[str, Mapping[str, float]] = {
    "checkpoint_quarter": {"checkpoint_minimum_progress": 0.8},
    "checkpoint_repeat_quarters": {"checkpoint_quarter": 3.0, "checkpoint_minimum_progress": 0.8},
    "checkpoint_minimum_progress": {"checkpoint_quarter": 4.0},
    "freed_money_use": {"checkpoint_quarter": 4.0, "checkpoint_minimum_progress": 0.8},
    "progress_information_share": {"checkpoint_quarter": 4.0, "checkpoint_minimum_progress": 0.8},
    "follow_up_years": {"follow_up_eur_per_firm_year": 8000.0},
    "follow_up_eur_per_firm_year": {"follow_up_years": 3.0},
    "follow_up_eligibility": {"follow_up_years": 3.0, "follow_up_eur_per_firm_year": 8000.0},
    "follow_up_private_share": {"follow_up_years": 3.0, "follow_up_eur_per_firm_year": 8000.0},
}
"""What else has to be in force for a lever to act at all."""


def away_from_practice(name: str) -> float:
    """A value of a lever that differs from the practice of every year, halfway to the farther end of its range."""
    lever = LEVERS[name]
    practice = lever.code(lever.default_in(2020))
    farther = lever.maximum if lever.maximum - practice >= practice - lever.minimum else lever.minimum
    if lever.kind == "number":
        return (practice + farther) / 2.0
    return float(round((practice + farther) / 2.0 + 0.01)) if lever.kind == "integer" else farther


def assert_same(one: Run, other: Run, differing: Differing) -> None:
    """Fail with the columns that differ."""
    assert differing(one, other) == []


@pytest.mark.parametrize("seed", [1, 2, 2**62 + 12345])
def test_both_drivers_agree_in_several_worlds(seed: int, differing: Differing) -> None:
    inputs = small_inputs(size=replace(golden_inputs()["practice"][0].size, random_shocks=seed == 2))
    compiled = simulate(inputs, seed)
    assert compiled.world.agency.applications[0] > 0, "nothing happened in this world"
    assert_same(compiled, Programme(inputs, seed).run().result(), differing)


@pytest.mark.parametrize("name", LEVERS)
def test_both_drivers_agree_with_each_lever_moved(name: str, tiny: WorldSize, differing: Differing) -> None:
    value = away_from_practice(name)
    assert value != LEVERS[name].code(LEVERS[name].default_in(2020))
    inputs = small_inputs({**COMPANIONS.get(name, {}), name: value}, size=tiny)
    assert_same(simulate(inputs, 5), Programme(inputs, 5).run().result(), differing)


def any_levers() -> st.SearchStrategy[dict[str, float]]:
    """Any setting of all levers within their ranges."""

    def values(name: str) -> st.SearchStrategy[float]:
        lever = LEVERS[name]
        if lever.kind == "number":
            return st.floats(lever.minimum, lever.maximum)
        return st.integers(int(lever.minimum), int(lever.maximum)).map(float)

    return st.fixed_dictionaries({name: values(name) for name in LEVERS})


def any_parameters() -> st.SearchStrategy[dict[str, float]]:
    """Any values of all parameters within their ranges."""
    ranges = {n: st.floats(p.minimum, p.maximum) for n, p in PARAMETERS.items() if p.shape != "fixed"}
    return st.fixed_dictionaries(ranges)


@given(any_levers(), any_parameters(), st.integers(0, 2**63 - 1))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_both_drivers_agree_under_any_policy_and_parameters(
    tiny: WorldSize, differing: Differing, levers: dict[str, float], parameters: dict[str, float], seed: int
) -> None:
    event = ShockEvent("travel_stop", -1, 10, 14, 0.9)
    inputs = small_inputs({**levers, "programme_on": 1.0}, parameters, size=tiny, shocks=(event,))
    assert_same(simulate(inputs, seed), Programme(inputs, seed).run().result(), differing)


@pytest.mark.parametrize("name", ["practice", "checkpoints, money to follow-up", "agents at random"])
def test_the_order_of_agents_inside_a_step_changes_nothing(name: str, differing: Differing) -> None:
    inputs, seed = golden_inputs()[name]
    shuffled = Programme(inputs, seed, shuffle=True)
    shuffled.random.seed(20260101)
    assert_same(simulate(inputs, seed), shuffled.run().result(), differing)


def test_shuffling_does_change_the_order(tiny: WorldSize) -> None:
    programme = Programme(small_inputs(size=tiny), 1, shuffle=True)
    order = [agent.row for agent in programme._in_order(programme.firms)]
    assert order != sorted(order)
    assert sorted(order) == list(range(tiny.n_firms))


# --- a third driver, that trusts no index -----------------------------------------------------------------------------


class CheckedColumn:
    """A column that refuses indices outside its rows, negative ones too, and numbers that are not finite."""

    def __init__(self, name: str, column: Any) -> None:
        self.name, self.column = name, column
        self.shape = column.shape

    def _check(self, index: Any) -> None:
        for place, length in zip(index if isinstance(index, tuple) else (index,), self.shape, strict=True):
            if type(place) is not int or not 0 <= place < length:
                raise IndexError(f"{self.name}[{place!r}] of {length} rows")

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, index: Any) -> Any:
        self._check(index)
        return self.column[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._check(index)
        if not np.isfinite(value):
            raise FloatingPointError(f"{self.name}[{index}] = {value}")
        self.column[index] = value


def checked(world: World) -> World:
    """The same world behind columns that check."""

    def wrapped(name: str, table: Any) -> Any:
        if hasattr(table, "_fields"):
            return type(table)(
                *(CheckedColumn(f"{name}.{n}", c) for n, c in zip(table._fields, table, strict=True))
            )
        return CheckedColumn(name, table)

    lists = ("levers", "engagements_by_market", "exports_by_year_cents")
    return world._replace(**{name: wrapped(name, getattr(world, name)) for name in (*TABLES, *lists)})


def run_checked(inputs: RunInputs, seed: int) -> Run:
    """The schedule by hand, on checked columns."""
    store = build_world(inputs, seed)
    world = checked(store.interpreted_world())
    owners: dict[str, Any] = {
        "firm": world.firms,
        "engagement": world.engagements,
        "market": world.markets,
        "country": world.countries,
        "embassy": world.embassies,
        "coordinator": world.coordinators,
        "liaison": world.liaisons,
        "desk": world.desks,
    }

    def rows(kind: str) -> int:
        if kind == "cluster":
            return int(world.calendar.n_clusters[0])
        return 1 if kind in ("agency", "world") else len(owners[kind].key)

    world.calendar.founded[0] = 1
    for step in schedule.FOUNDING:
        for row in range(rows(step.kind)):
            step.rule(world, row)
    for quarter in range(inputs.size.n_quarters):
        world.calendar.quarter[0] = quarter
        world.calendar.year[0], world.calendar.quarter_of_year[0] = quarter // 4, quarter % 4
        for step in schedule.QUARTER:
            for row in range(rows(step.kind)):
                step.rule(world, row)
    return Run(inputs, seed, store.column_world(), store)


def test_a_checked_column_refuses_what_it_should() -> None:
    column = CheckedColumn("firms.capacity", np.zeros(3))
    for wrong in (-1, 3, 1.0):
        with pytest.raises(IndexError, match=r"firms\.capacity"):
            _ = column[wrong]
    with pytest.raises(FloatingPointError):
        column[0] = float("nan")
    column[2] = 1.0
    assert column[2] == 1.0


def test_no_rule_reads_or_writes_outside_a_table(tiny: WorldSize, differing: Differing) -> None:
    """Compiled code does not check indices: one that is wrong would read another agent's state, or worse."""
    for levers in (
        {},
        {"checkpoint_quarter": 3.0, "checkpoint_minimum_progress": 0.9, "freed_money_use": 2.0},
        {"follow_up_years": 2.0, "follow_up_eur_per_firm_year": 9000.0, "liaison_independent": 0.0},
    ):
        inputs = small_inputs(levers, size=tiny)
        assert_same(simulate(inputs, 5), run_checked(inputs, 5), differing)


# --- threads, processes, interpreters ---------------------------------------------------------------------------------


def test_runs_in_threads_give_the_bits_of_runs_in_turn() -> None:
    cells = [(inputs, seed) for inputs, _ in golden_inputs().values() for seed in (1, 2)]
    in_turn = [run_hash(simulate(*cell)) for cell in cells]
    assert len(set(in_turn)) > len(cells) // 2
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda cell: run_hash(simulate(*cell)), reversed(cells))) == in_turn[::-1]


MESA_HASH = """
from passaat.model.provenance.golden import small_inputs, run_hash, SMALL_WORLD
from passaat.model.engine.programme import Programme
from dataclasses import replace
print(run_hash(Programme(small_inputs(size=replace(SMALL_WORLD, n_firms=100)), 1).run().result()))
"""


EXACT = ["-m", "tests.exact_bits"]


def stored_bits() -> Any:
    """Hashes of every bit as they are stored."""
    return json.loads((HERE / "exact_bits.json").read_text(encoding="utf-8"))


def _printed(python: str, arguments: list[str], **environment: str) -> str:
    done = subprocess.run(
        [python, *arguments],
        cwd=HERE.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=550,
    )
    return done.stdout


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_results_do_not_depend_on_pythons_hash_seed(hash_seed: str) -> None:
    """Likely causes of a failure: a set or hash() of text that decides an order."""
    assert json.loads(_printed(sys.executable, EXACT, PYTHONHASHSEED=hash_seed)) == stored_bits()
    inputs = small_inputs(size=replace(golden_inputs()["practice"][0].size, n_firms=100))
    mesa_hash = _printed(sys.executable, ["-c", MESA_HASH], PYTHONHASHSEED=hash_seed).strip()
    assert mesa_hash == run_hash(simulate(inputs, 1))


def other_interpreters() -> Iterator[str]:
    """Environments of ``make test-all`` beside this one, and those named in PASSAAT_TEST_PYTHONS."""
    named = os.environ.get("PASSAAT_TEST_PYTHONS", "").split(os.pathsep)
    found = [*HERE.parent.glob(".venv-3.*/bin/python"), *(Path(name) for name in named if name)]
    yield from (str(path) for path in found if path.exists() and Path(sys.executable) != path)


@pytest.mark.slow
def test_every_interpreter_gives_the_same_bits() -> None:
    others = list(other_interpreters())
    if not others:
        pytest.skip("no other environment: `make test-all` makes them")
    for python in others:
        assert json.loads(_printed(python, EXACT)) == stored_bits(), python


PROCESSORS = {
    "code for any processor of this kind": {"NUMBA_CPU_NAME": "generic"},
    "NumPy and the C library without the newer instructions": {
        "NPY_DISABLE_CPU_FEATURES": "",  # those of .ci/numpy-features
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4",
    },
}
"""Settings under which a process computes as on another processor; ``.ci/run`` runs all tests under them."""


@pytest.mark.slow
@pytest.mark.parametrize("setting", PROCESSORS)
def test_every_processor_gives_the_same_bits(setting: str) -> None:
    chosen = dict(PROCESSORS[setting])
    if "NPY_DISABLE_CPU_FEATURES" in chosen:
        chosen["NPY_DISABLE_CPU_FEATURES"] = _printed(sys.executable, [".ci/numpy-features"]).strip()
        assert _printed(sys.executable, [".ci/numpy-features"], **chosen).strip() == ""
    assert json.loads(_printed(sys.executable, EXACT, **chosen)) == stored_bits()


def test_every_bit_of_the_golden_runs_is_as_stored() -> None:
    """The same bits on every processor, system and Python; no tolerance.

    If results were meant to change: ``python -m tests.exact_bits --write``. If they were not, some arithmetic is not
    the model's own: a function of the C library, a fused operation, a sum whose order a library chooses.
    """
    assert json.loads(_printed(sys.executable, EXACT)) == stored_bits()


def test_the_stored_behaviour_is_that_of_the_model() -> None:
    """Golden runs give what they gave when ``golden.json`` was written, on this Python as on any.

    If results were meant to change: write it again (``python -m passaat.model.provenance.golden --write
    tests/golden.json``) and say in CHANGELOG.md what changed and why; studies of before are then of another model
    version. If they were not meant to change, one of the runs named differs because of the last edit of a
    rule, parameter or lever default.
    """
    assert json.loads(golden_text()) == json.loads((HERE / "golden.json").read_text(encoding="utf-8"))


def test_golden_runs_all_differ_and_are_not_empty() -> None:
    runs = {name: simulate(inputs, seed) for name, (inputs, seed) in golden_inputs().items()}
    assert len(set(map(run_hash, runs.values()))) == len(runs)
    for name, run in runs.items():
        started = int((run.world.clusters.start_quarter >= 0).sum())
        assert started > 0, f"in {name} no group ever started"
