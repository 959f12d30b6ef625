"""The compiled driver: the whole schedule of a run as one compiled function, for ensembles.

The driver is generated from the schedule: a short module with one loop per step. Its machine code is kept under a name
made of all that decides it (code of the model and of added rules, versions of Python, NumPy and Numba), because Numba
does not notice changes in functions of other files; ``model/kernel/machine_code.py`` keeps it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from passaat.errors import ModelError
from passaat.model import schedule
from passaat.model.engine import frames, seeding
from passaat.model.engine.build import Store, build_world, check_faults
from passaat.model.inputs import RunInputs
from passaat.model.kernel import machine_code
from passaat.model.kernel.code_identity import CodeIdentity
from passaat.model.kernel.machine_code import Compiled, cache_folder
from passaat.model.kernel.rules import rule
from passaat.model.schedule import Step
from passaat.model.world import World

__all__ = [
    "Run",
    "cache_folder",
    "driver_for",
    "driver_source",
    "fingerprint",
]
__all__ += ["simulate"]

_ROWS = {
    **{kind: f"world.{table}.key.shape[0]" for kind, table in schedule.TABLE_OF_KIND.items()},
    "agency": "1",
    "cluster": "world.calendar.n_clusters[0]",
    "world": "1",
}

_drivers: dict[tuple[Step, ...], tuple[CodeIdentity, Compiled]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Run:
    """One finished run.

    Attributes:
        inputs: what it was given.
        seed: the world seed.
        world: the final tables, as NumPy columns.
        store: the memory behind them.
    """

    inputs: RunInputs
    seed: int
    world: World
    store: Store

    def frames(self, sector_names: Sequence[str] = ()) -> dict[str, frames.Frame]:
        """Every table for people: used rows only, words for codes, dates for quarters; see ``frames.frames_of``."""
        return frames.frames_of(self, sector_names)

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: the memory, not the views on it."""
        return {"inputs": self.inputs, "seed": self.seed, "store": self.store}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, world=state["store"].column_world())


def simulate(
    inputs: RunInputs,
    world_seed: int,
    *,
    quarter: Sequence[Step] = schedule.QUARTER,
    extra: Any = None,
) -> Run:
    """Run the model once, compiled; other threads go on meanwhile.

    Args:
        inputs: sizes, policy, parameters and shocks.
        world_seed: the world's luck.
        quarter: the schedule; the model's own by default.
        extra: tables of an extension that added rules read as ``world.extra``.

    Raises:
        ModelError: inputs that the model cannot take, or a table that ran full.
    """
    driver = driver_for(quarter)
    store = build_world(inputs, world_seed, extra)
    world, calendar = store.compiled_world(), store.tables["calendar"]
    for stop in seeding.stops(inputs):
        calendar["until"] = stop
        driver(world)
        calendar["quarter"] = stop
        seeding.apply_due(store, inputs, stop)
    calendar["until"] = inputs.size.n_quarters
    driver(world)
    check_faults(store)
    return Run(inputs, world_seed, store.column_world(), store)


def driver_source(
    quarter: Sequence[Step], *, founding: Sequence[Step] = schedule.FOUNDING, clocked: bool = False
) -> str:
    """Python source of the driver of a schedule: imports, then one loop per step.

    The driver founds the world unless that is done, and goes on from the quarter at which the calendar stands until the
    one at which it is to stop. Benchmarks leave ``founding`` empty to go on with
    a world in mid run, and set ``clocked`` for a ``run(world, ticks)`` that writes ``cycles()``, which they supply,
    into ``ticks[quarter, place]`` before the first step and after each.
    """
    names = _names_of([*founding, *quarter])
    lines = ['"""Generated from the schedule; not meant to be edited."""', "", "from numba import njit", ""]
    lines += [
        f"from {rule.__module__} import {rule.__name__} as {name}"
        for rule, name in names.items()
        if _can_be_imported(rule)
    ]
    lines += ["", "", '@njit(nogil=True, error_model="numpy", _nrt=False)']
    lines += ["def run(world, ticks):" if clocked else "def run(world):"]
    if founding:
        lines += ["    if world.calendar.founded[0] == 0:", "        world.calendar.founded[0] = 1"]
    for step in founding:
        lines += [
            f"        for row in range({_ROWS[step.kind]}):",
            f"            {names[step.rule]}(world, row)",
        ]
    lines += [
        "    for quarter in range(world.calendar.quarter[0], world.calendar.until[0]):",
        "        world.calendar.quarter[0] = quarter",
        "        world.calendar.year[0] = quarter // 4 if quarter > 0 else 0",
        "        world.calendar.quarter_of_year[0] = quarter % 4",
    ]
    lines += ["        ticks[quarter, 0] = cycles()"] if clocked else []
    for place, step in enumerate(quarter):
        deeper = "" if step.in_the_past else "    "
        lines += [] if step.in_the_past else ["        if quarter >= 0:"]
        lines += [
            f"        {deeper}for row in range({_ROWS[step.kind]}):",
            f"        {deeper}    {names[step.rule]}(world, row)",
        ]
        lines += [f"        ticks[quarter, {place + 1}] = cycles()"] if clocked else []
    lines += ["        if world.calendar.fault[0] != 0:", "            return"]
    return "\n".join(lines) + "\n"


def _names_of(steps: Sequence[Step]) -> dict[schedule.Rule, str]:
    """The name of each rule in the driver; ``driver_for`` starts with the founding."""
    rules = dict.fromkeys(step.rule for step in steps)
    return {rule: f"rule_{place}_{rule.__name__}" for place, rule in enumerate(rules)}


def _can_be_imported(rule: schedule.Rule) -> bool:
    """Whether a rule is found under its name; one made by a function, or typed into a notebook, is handed over."""
    return (
        getattr(sys.modules.get(rule.__module__), rule.__name__, None) is rule
        and rule.__module__ != "__main__"
    )


def fingerprint(quarter: Sequence[Step]) -> str:
    """A short name for all that decides the machine code of a driver.

    That is the driver itself, the code of every rule and of all it calls, the constants they read, and the versions of
    Python and of the compiler. (Kinds of columns, and the processor, are part of the name of each file.)
    """
    return _identity(quarter).digest()


def _identity(quarter: Sequence[Step]) -> CodeIdentity:
    rules = [step.rule for step in (*schedule.FOUNDING, *quarter)]
    return machine_code.identity_of(driver_source(quarter), rule, *rules)


def driver_for(quarter: Sequence[Step] = schedule.QUARTER) -> Compiled:
    """The compiled driver of a schedule; from memory, from disk, or compiled when it is first called.

    Raises:
        ModelError: the compiler is turned off, or what a rule calls was defined anew since the rule was.
    """
    machine_code.require_compiler()
    steps = tuple(quarter)
    with _lock:
        if steps not in _drivers:
            identity = _identity(steps)
            given = {name: rule for rule, name in _names_of((*schedule.FOUNDING, *steps)).items()}
            _drivers[steps] = identity, machine_code.load(driver_source(steps), identity, given)
        identity, driver = _drivers[steps]
    changed = identity.redefined()
    if changed:
        raise ModelError(
            f"{changed} was defined anew since a rule that uses it was compiled",
            hint="Define that rule anew too (importlib.reload of its module) and make the schedule with it; or start"
            " Python again.",
        )
    return driver
