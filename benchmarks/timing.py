"""Timing that holds on a shared machine: cases take turns, and both the least and the median time are kept."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Timing:
    """Milliseconds of repeated runs. The least tells the cost; the median also how busy the machine was."""

    least: float
    median: float
    repeats: int


Case = Callable[[], Callable[[], object]]
"""Prepares a fresh state, untimed, and returns what is timed."""


def interleaved(cases: Mapping[str, Case], repeats: Mapping[str, int]) -> dict[str, Timing]:
    """Time every case as often as ``repeats`` says, in turns, so that a busy moment strikes all alike."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(max(repeats[name] for name in cases)):
        for name, case in cases.items():
            if turn < repeats[name]:
                times[name].append(once(case))
    return {name: summary(spent) for name, spent in times.items()}


def once(case: Case) -> float:
    """Milliseconds of one run, without garbage collection in it."""
    timed = case()
    gc.collect()
    gc.disable()
    try:
        begun = time.perf_counter()
        timed()
        return 1000.0 * (time.perf_counter() - begun)
    finally:
        gc.enable()


def summary(times_ms: list[float]) -> Timing:
    """Least and median."""
    return Timing(min(times_ms), statistics.median(times_ms), len(times_ms))


def machine() -> dict[str, str]:
    """Processor, cores, system and versions."""
    used = {name: version(name) for name in ("mesa", "numba", "llvmlite", "numpy")}
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "passaat": version("passaat"),
        **used,
    }


def _processor() -> str:
    """Name of the processor; family and model too, where the name says little, as in virtual machines."""
    listing = Path("/proc/cpuinfo")
    if sys.platform != "linux" or not listing.exists():
        return platform.processor() or platform.machine()
    facts: dict[str, str] = {}
    for line in listing.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    named = facts.get("model name", platform.machine())
    if "cpu family" in facts:
        named += f", family {facts['cpu family']} model {facts.get('model', '?')}"
    return named
