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

from passaat.model import schedule, seeding
from passaat.model.build import Store, build_world, check_faults
from passaat.model.inputs import RunInputs
from passaat.model.schedule import Step
from passaat.model.world import TABLES, World

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
    rules = rules_of([*founding, *quarter])
    names = names_of_rules(rules)
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


def rules_of(steps: Sequence[Step]) -> list[Callable[..., Any]]:
    """The rules of these steps, each once, in their order."""
    return list(dict.fromkeys(step.rule for step in steps))


def names_of_rules(rules: Sequence[Callable[..., Any]]) -> dict[Callable[..., Any], str]:
    """Names of rules in a generated module, where two of different modules may be called the same."""
    return {rule: f"rule_{place}_{rule.__name__}" for place, rule in enumerate(rules)}


def fingerprint(quarter: Sequence[Step]) -> str:
    """A short name for all that decides the machine code of a driver."""
    return fingerprint_of(driver_source(quarter), rules_of([*schedule.FOUNDING, *quarter]))


def fingerprint_of(source: str, rules: Sequence[Callable[..., Any]]) -> str:
    """A short name for all that decides the machine code of a generated module that calls these rules.

    That is the module itself, the source of every rule and of every function a rule calls, the constants they read, the
    order of tables and columns, and the versions of Python and of the compiler. (Column types are part of the compiled
    function's own signature; the order of columns of one type is not, and would go unnoticed.)
    """
    columns = [(table.__name__, list(table.__annotations__)) for table in (World, *TABLES.values())]
    parts = {source, repr(columns)}
    seen: set[object] = set()
    for rule in rules:
        _collect_sources(rule, seen, parts)
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
            # As written by NumPy, numbers of an array are shortened.
            constant = value.tolist() if isinstance(value, np.ndarray) else value
            parts.add(f"{function.__module__}.{name} = {constant!r}")


def cache_folder() -> Path:
    """Where compiled drivers are kept: ``PASSAAT_CACHE_DIR`` if set, else the user's cache folder."""
    chosen = os.environ.get("PASSAAT_CACHE_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("passaat", appauthor=False))


def driver_for(quarter: Sequence[Step] = schedule.QUARTER) -> Callable[[World], None]:
    """The compiled driver of a schedule; from memory, from disk, or newly written."""
    name = fingerprint_cached(tuple(quarter))
    with _lock:
        if name not in _drivers:
            rules = rules_of([*schedule.FOUNDING, *quarter])
            _drivers[name] = load(name, driver_source(quarter), rules)
        return _drivers[name]


_fingerprints: dict[tuple[Step, ...], str] = {}


def fingerprint_cached(quarter: tuple[Step, ...]) -> str:
    """``fingerprint``, computed once per process and schedule."""
    if quarter not in _fingerprints:
        _fingerprints[quarter] = fingerprint(quarter)
    return _fingerprints[quarter]


def load(name: str, source: str, rules: Sequence[Callable[..., Any]]) -> Callable[..., None]:
    """The function ``run`` of a generated module, kept in the cache folder under its fingerprint ``name``."""
    if any(rule.__module__ == "__main__" for rule in rules):
        return _load_in_memory(source, rules)
    folder = cache_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "driver.py"
        if not path.exists():
            unfinished = folder / f"driver.{os.getpid()}.tmp"
            unfinished.write_text(source, encoding="utf-8")
            unfinished.replace(path)
    except OSError:
        return _load_in_memory(source, rules)
    module = _import(f"passaat_driver_{name}", path)
    run: Callable[..., None] = module.run
    return run


def _load_in_memory(source: str, rules: Sequence[Callable[..., Any]]) -> Callable[..., None]:
    """A generated module without cache, for rules typed into a notebook or where no cache folder can be written."""
    uncached = source.replace("cache=True, ", "")
    lines = [line for line in uncached.splitlines() if not line.startswith("from __main__ ")]
    names: dict[str, Any] = {name: rule for rule, name in names_of_rules(rules).items()}
    exec(compile("\n".join(lines), "<driver>", "exec"), names)
    run: Callable[..., None] = names["run"]
    return run


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
    return is_on_disk(fingerprint_cached(tuple(quarter)))


def is_on_disk(name: str) -> bool:
    """Whether machine code of the generated module of this fingerprint lies on disk."""
    folder = cache_folder() / name / "__pycache__"
    return folder.is_dir() and any(folder.glob("*.nbc"))


def warm_up(say: Callable[[str], None], quarter: Sequence[Step] = schedule.QUARTER) -> None:
    """Make driver and judge ready: load their machine code, or compile it after saying so through ``say``."""
    from passaat.model import judging, outcomes

    if not (is_compiled(quarter) and judging.is_compiled(outcomes.judge)):
        say("Compiling the model, once per version; this takes about half a minute.")
    run = _smallest_run()
    driver_for(quarter)(run.store.compiled_world())
    outcomes.outcomes_of(run)


def _smallest_run() -> Run:
    """A run of two firms and no quarters: enough for the compiler to see all types."""
    from passaat.model.inputs import WorldSize
    from passaat.model.lever_table import LEVER_NAMES

    size = WorldSize(2000, 2000, 2000, 2000, 2, 1, 1, 1, 1, 1, 1, 1, (1.0,))
    inputs = RunInputs(size, {name: np.zeros(1) for name in LEVER_NAMES})
    store = build_world(inputs, 0)
    store.tables["calendar"]["until"] = 0
    return Run(inputs, 0, store.column_world(), store)
