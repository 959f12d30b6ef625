"""What a study takes in time and memory, said before work starts.

The time of a run is in proportion to firms and quarters (docs/performance.md), and what a machine makes of it differs:
read hours, not minutes. The memory of a run is that of its tables, which is known to the byte.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from passaat.errors import StudyError
from passaat.model.kernel.columns import record_type
from passaat.model.status import N_ENTRIES
from passaat.model.world import TABLES, rows_of_tables
from passaat.scenarios.scenario import Scenario

__all__ = ["LONG_SECONDS", "Workload", "machine_memory_mb", "workload"]

SECONDS_PER_FIRM_AND_QUARTER: Final = 0.0277 / (2_000 * 92)
"""From 27.7 ms for a run of pib: 2,000 firms over 92 quarters (docs/performance.md)."""

LONG_SECONDS: Final = 600.0
LARGE_MB: Final = 1_000.0
"""Work that is expected to take longer than this, or more memory, is said before it starts."""


@dataclass(frozen=True)
class Workload:
    """Runs of one world, and what they take on so many threads.

    Attributes:
        seconds: expected for all runs together. memory_mb: of all runs that go on at the same time.
    """

    runs: int
    threads: int
    seconds: float
    memory_mb: float

    @property
    def is_large(self) -> bool:
        """Whether it should be said before it starts."""
        return self.seconds > LONG_SECONDS or self.memory_mb > LARGE_MB

    def in_words(self) -> str:
        """One sentence: "About 48,000 runs: some 11 minutes and 9 MB of memory on 2 threads." """
        memory = f"{self.memory_mb / 1000:,.1f} GB" if self.memory_mb >= 1000 else f"{self.memory_mb:,.0f} MB"
        threads = f"{self.threads} thread{'s' if self.threads != 1 else ''}"
        runs = f"{self.runs:,} run{'s' if self.runs != 1 else ''}"
        return f"About {runs}: some {duration(self.seconds)} and {memory} of memory on {threads}."

    def require_memory(self) -> None:
        """Refuse what cannot fit into this machine.

        Raises:
            StudyError: the runs that go on at the same time need more memory than there is.
        """
        there = machine_memory_mb()
        if there is not None and self.memory_mb > there:
            raise StudyError(
                f"the tables of {self.threads} runs at a time need {self.memory_mb / 1000:,.1f} GB of memory, and this"
                f" machine has {there / 1000:,.1f} GB",
                "Make n_firms, markets_per_firm or cluster_rows in [world] smaller, or take fewer --workers.",
            )


def workload(reference: Scenario, runs: int, workers: int | None = None) -> Workload:
    """What so many runs of a reference's world take; ``workers`` threads, by default as many as there are cores."""
    threads = max(1, min(runs, workers or os.cpu_count() or 1))
    world = reference.the_world
    each = SECONDS_PER_FIRM_AND_QUARTER * world.n_firms * world.n_quarters
    return Workload(runs, threads, runs * each / threads, threads * tables_mb(reference))


def tables_mb(reference: Scenario) -> float:
    """Megabytes of the tables of one run."""

    inputs = reference.inputs()
    rows = rows_of_tables(inputs)
    bytes_ = sum(rows[name] * record_type(table).itemsize for name, table in TABLES.items())
    numbers = rows["engagements"] * (1 + inputs.size.n_years)
    numbers += rows["clusters"] * N_ENTRIES * inputs.size.n_years
    return (bytes_ + 8 * numbers) / 1e6


def machine_memory_mb() -> float | None:
    """Megabytes of memory of this machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def duration(seconds: float) -> str:
    """A time as people say it: "1 second", "3 hours", "12 days"."""
    for unit, size in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    whole = f"{max(1.0, seconds):,.0f}"
    return f"{whole} second{'' if whole == '1' else 's'}"
