"""The compiled driver: the whole schedule of a run as one compiled function, for ensembles.

The driver is generated from the schedule: a short module with one loop per step, written to a cache folder that is
named by a fingerprint of all that decides the machine code (sources of the model and of added rules, versions of
Python, NumPy and Numba). Numba does not notice changes in functions of other files, so a stale driver can only be
avoided by name.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import platform
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import platformdirs

from passaat.errors import ModelError
from passaat.model import frames, input_checks, schedule, seeding
from passaat.model.build import Store, build_world, check_faults
from passaat.model.inputs import RunInputs
from passaat.model.schedule import Step
from passaat.model.world import World

_ROWS = {
    **{kind: f"world.{table}.key.shape[0]" for kind, table in schedule.TABLE_OF_KIND.items()},
    "agency": "1",
    "cluster": "world.calendar.n_clusters[0]",
    "world": "1",
}

_drivers: dict[str, Callable[[World], None]] = {}
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


def require_same_world(run: Run, twin: Run) -> None:
    """Refuse a twin that is not the same world under another policy: their difference would mean nothing.

    Raises:
        ModelError: names what differs: seed, sizes, shocks, agents, structure or parameters.
    """
    differing = [f"seed ({run.seed} and {twin.seed})"] if run.seed != twin.seed else []
    differing += input_checks.differing(run.inputs, twin.inputs)
    if differing:
        raise ModelError(
            f"the twin is another world; it differs in {', '.join(differing)}",
            hint="Run the twin with the same seed, on the same inputs with other levers.",
        )


def driver_source(
    quarter: Sequence[Step], *, founding: Sequence[Step] = schedule.FOUNDING, clocked: bool = False
) -> str:
    """Python source of the driver of a schedule: imports, then one loop per step.

    The driver founds the world unless that is done, and goes on from the quarter at which the calendar stands until the
    one at which it is to stop. Benchmarks leave ``founding`` empty to go on with
    a world in mid run, and set ``clocked`` for a ``run(world, ticks)`` that writes ``cycles()``, which they supply,
    into ``ticks[quarter, place]`` before the first step and after each.
    """
    rules = list(dict.fromkeys(step.rule for step in [*founding, *quarter]))
    names = {rule: f"rule_{place}_{rule.__name__}" for place, rule in enumerate(rules)}
    lines = ['"""Generated from the schedule; not meant to be edited."""', "", "from numba import njit", ""]
    lines += [f"from {rule.__module__} import {rule.__name__} as {names[rule]}" for rule in rules]
    lines += ["", "", '@njit(nogil=True, cache=True, error_model="numpy", _nrt=False)']
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
        "        world.calendar.year[0] = quarter // 4",
        "        world.calendar.quarter_of_year[0] = quarter % 4",
    ]
    lines += ["        ticks[quarter, 0] = cycles()"] if clocked else []
    for place, step in enumerate(quarter):
        lines += [
            f"        for row in range({_ROWS[step.kind]}):",
            f"            {names[step.rule]}(world, row)",
        ]
        lines += [f"        ticks[quarter, {place + 1}] = cycles()"] if clocked else []
    lines += ["        if world.calendar.fault[0] != 0:", "            return"]
    return "\n".join(lines) + "\n"


def fingerprint(quarter: Sequence[Step]) -> str:
    """A short name for all that decides the machine code of a driver.

    That is the driver itself, the source of every rule and of every function a rule calls, the constants they read, and
    the versions of Python and of the compiler. (Column types are part of the compiled function's own signature.)
    """
    parts = {driver_source(quarter)}
    seen: set[object] = set()
    for step in (*schedule.FOUNDING, *quarter):
        _collect_sources(step.rule, seen, parts)
    parts.add(
        repr((sys.version, numba.__version__, np.__version__, platform.machine(), platform.processor()))
    )
    return hashlib.sha256("\0".join(sorted(parts)).encode()).hexdigest()[:16]


def _collect_sources(function: Any, seen: set[object], parts: set[str]) -> None:
    """Add the source of a function, and of all that its code names, to ``parts``."""
    function = getattr(function, "py_func", function)
    if function in seen:
        return
    seen.add(function)
    parts.add(f"{function.__module__}.{function.__qualname__}\n{inspect.getsource(function)}")
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if inspect.ismodule(value):
            constants = {n: v for n, v in vars(value).items() if isinstance(v, (int, float))}
            parts.add(f"{value.__name__}: {sorted(constants.items())!r}")
        elif callable(value):
            if hasattr(getattr(value, "py_func", value), "__code__"):
                _collect_sources(value, seen, parts)
        elif value is not None:
            parts.add(f"{function.__module__}.{name} = {value!r}")


def cache_folder() -> Path:
    """Where compiled drivers are kept: ``PASSAAT_CACHE_DIR`` if set, else the user's cache folder."""
    chosen = os.environ.get("PASSAAT_CACHE_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("passaat", appauthor=False))


def driver_for(quarter: Sequence[Step] = schedule.QUARTER) -> Callable[[World], None]:
    """The compiled driver of a schedule; from memory, from disk, or newly written."""
    name = fingerprint_cached(tuple(quarter))
    with _lock:
        if name not in _drivers:
            _drivers[name] = _load(name, quarter)
        return _drivers[name]


_fingerprints: dict[tuple[Step, ...], str] = {}


def fingerprint_cached(quarter: tuple[Step, ...]) -> str:
    """``fingerprint``, computed once per process and schedule."""
    if quarter not in _fingerprints:
        _fingerprints[quarter] = fingerprint(quarter)
    return _fingerprints[quarter]


def _load(name: str, quarter: Sequence[Step]) -> Callable[[World], None]:
    source = driver_source(quarter)
    if any(step.rule.__module__ == "__main__" for step in quarter):
        return _load_in_memory(source, quarter)
    folder = cache_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "driver.py"
        if not path.exists():
            unfinished = folder / f"driver.{os.getpid()}.tmp"
            unfinished.write_text(source, encoding="utf-8")
            unfinished.replace(path)
    except OSError:
        return _load_in_memory(source, quarter)
    module = _import(f"passaat_driver_{name}", path)
    driver: Callable[[World], None] = module.run
    return driver


def _load_in_memory(source: str, quarter: Sequence[Step]) -> Callable[[World], None]:
    """A driver without cache, for rules typed into a notebook or where no cache folder can be written."""
    uncached = source.replace("cache=True, ", "")
    lines = [line for line in uncached.splitlines() if not line.startswith("from __main__ ")]
    steps = [*schedule.FOUNDING, *quarter]
    rules = list(dict.fromkeys(step.rule for step in steps))
    names: dict[str, Any] = {f"rule_{place}_{rule.__name__}": rule for place, rule in enumerate(rules)}
    exec(compile("\n".join(lines), "<driver>", "exec"), names)
    driver: Callable[[World], None] = names["run"]
    return driver


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module can be read from {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def is_compiled(quarter: Sequence[Step] = schedule.QUARTER) -> bool:
    """Whether machine code for this schedule lies on disk, so that starting takes no compilation."""
    folder = cache_folder() / fingerprint_cached(tuple(quarter)) / "__pycache__"
    return folder.is_dir() and any(folder.glob("*.nbc"))


def warm_up(say: Callable[[str], None], quarter: Sequence[Step] = schedule.QUARTER) -> None:
    """Make the driver ready: load its machine code, or compile it after saying so through ``say``."""
    if not is_compiled(quarter):
        say("Compiling the model, once per version; this takes about half a minute.")
    driver_for(quarter)(_smallest_world())


def _smallest_world() -> World:
    """A world of two firms and no quarters: enough for the compiler to see all types."""
    from passaat.model.inputs import WorldSize
    from passaat.model.lever_table import LEVER_RANGES

    size = WorldSize(2000, 2000, 2000, 2000, 2, 1, 1, 1, 1, 1, 1, 1, (1.0,))
    inputs = RunInputs(size, {name: np.array([lever.minimum]) for name, lever in LEVER_RANGES.items()})
    store = build_world(inputs, 0)
    store.tables["calendar"]["until"] = 0
    return store.compiled_world()
