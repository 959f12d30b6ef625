"""Who carries out runs: threads on this machine, or the workers of a Dask cluster.

Both take chunks of runs and hand back records. Runs share nothing, so neither the kind of crew, nor the number of
workers, nor the order in which they finish can change a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from passaat.errors import ModelError, PassaatError
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.run.pump import Hands, Pool, StoppedError
from passaat.experiments.stats.pairing import Floats
from passaat.experiments.study.records import RunRecord
from passaat.model.inputs import RunInputs

RUNS_PER_CHUNK: Final = 16
"""Runs written in one transaction: about a quarter of a second of work on two cores, which a crash can cost."""


LONGEST_REASON: Final = 1_000
"""Characters kept of what an error says."""


@dataclass(frozen=True)
class Twin:
    """The world without programme of a cell, run whenever anything else is; ``missing`` where its own run is, too."""

    arm: int
    inputs: RunInputs
    missing: bool


@dataclass(frozen=True)
class Task:
    """Runs missing in one world under one draw of parameters, by the number of their arm."""

    draw: int
    world: int
    world_seed: int
    twin: Twin
    arms: tuple[tuple[int, RunInputs], ...]

    @property
    def runs(self) -> int:
        """Number of runs whose results are missing."""
        return len(self.arms) + self.twin.missing


class Crew(Hands, Protocol):
    """Whoever carries out chunks of tasks; ``in_flight`` counts chunks."""

    @property
    def runs_per_chunk(self) -> int:
        """Runs that are handed over at a time."""

    def submit(self, simulator: Simulator, chunk: Sequence[Task]) -> Future[list[RunRecord]]:
        """Carry out a chunk in the background."""


class Threads:
    """Threads of this process: the compiled model runs in them side by side.

    Raises:
        StudyError: fewer than one worker.
    """

    runs_per_chunk = RUNS_PER_CHUNK

    def __init__(self, workers: int | None = None) -> None:
        self._pool = Pool(workers)

    @property
    def workers(self) -> int:
        return self._pool.workers

    @property
    def in_flight(self) -> int:
        return self._pool.in_flight

    def submit(self, simulator: Simulator, chunk: Sequence[Task]) -> Future[list[RunRecord]]:
        given = (simulator.simulate, simulator.outcomes_of, len(simulator.outcomes), chunk)
        return self._pool.submit(lambda stopped: carry_out(*given, stopped))

    def check(self) -> None:
        """Threads of this process do not leave."""

    def stop(self) -> None:
        self._pool.stop()


# --- one chunk, wherever it is carried out ---------------------------------------------------------------------


Simulate = Callable[[RunInputs, int], Any]
OutcomesOf = Callable[[Any, Any], Any]


def carry_out(
    simulate: Simulate,
    outcomes_of: OutcomesOf,
    n_outcomes: int,
    chunk: Sequence[Task],
    stopped: Callable[[], bool],
) -> list[RunRecord]:
    """Run every task of a chunk; a run that fails, or has not one number for each outcome, becomes a record with its
    reason.
    """

    def judge(run: Any, twin_run: Any) -> Floats:
        return _checked(outcomes_of(run, twin_run), n_outcomes)

    return [record for task in chunk for record in _run_task(simulate, judge, task, stopped)]


def _run_task(
    simulate: Simulate, outcomes_of: OutcomesOf, task: Task, stopped: Callable[[], bool]
) -> Iterator[RunRecord]:
    """First the world without programme, then every policy in the same world."""
    place = (task.draw, task.world)
    twin_run, reason = _attempt(simulate, task.twin.inputs, task.world_seed, stopped)
    if task.twin.missing:
        yield _judge(outcomes_of, *place, task.twin.arm, twin_run, None, reason)
    for arm, inputs in task.arms:
        if twin_run is None:
            yield RunRecord(*place, arm, "failed", f"its world without programme failed: {reason}")
            continue
        run, why = _attempt(simulate, inputs, task.world_seed, stopped)
        yield _judge(outcomes_of, *place, arm, run, twin_run, why)


def _attempt(
    simulate: Simulate, inputs: RunInputs, world_seed: int, stopped: Callable[[], bool]
) -> tuple[Any, str]:
    """A run, or None and the reason why it failed."""
    if stopped():
        raise StoppedError
    try:
        run = simulate(inputs, world_seed)
    except Exception as error:
        return None, _reason(error)
    return run, "" if run is not None else "the simulator gave no run"


def _judge(
    outcomes_of: OutcomesOf, draw: int, world: int, arm: int, run: Any, twin_run: Any, reason: str
) -> RunRecord:
    if run is None:
        return RunRecord(draw, world, arm, "failed", reason)
    try:
        return RunRecord(draw, world, arm, "done", values=outcomes_of(run, twin_run))
    except Exception as error:
        return RunRecord(draw, world, arm, "failed", _reason(error))


def _checked(values: Any, n_outcomes: int) -> Floats:
    """Outcomes of a run as they are kept: one number each, and zero without a sign, which no file would keep."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (n_outcomes,):
        raise ModelError(
            f"the outcomes of a run have shape {numbers.shape}, where {n_outcomes} numbers in a row are needed"
        )
    return numbers + 0.0


def _reason(error: Exception) -> str:
    """Why a run failed, on one line: what is wrong and, of our own errors, the way out in brackets."""
    if isinstance(error, PassaatError):
        way_out = f" ({error.hint})" if error.hint else ""
        text = f"{'; '.join(error.problems)}{way_out}"
    else:
        text = str(error)
    line = " ".join(f"{type(error).__name__}: {text}".split())
    # What an error says comes from anywhere: a file holds no half characters, and a table no whole logs.
    return line.encode("utf-8", "replace").decode("utf-8")[:LONGEST_REASON]
