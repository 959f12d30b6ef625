"""Run what a study still lacks: threads over cells, written chunk by chunk by one hand.

A cell is run as a whole in one thread: first the world without programme, then every policy in the same
world. Cells share nothing, so neither the number of workers nor the order in which they finish can change a
result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from threading import Event
from typing import Any, Final, TypeVar

from passaat.errors import PassaatError
from passaat.experiments.design import Cell
from passaat.experiments.simulator import Arm, Simulator
from passaat.experiments.store import RunRecord, Study
from passaat.model.inputs import RunInputs

Work = TypeVar("Work")
Result = TypeVar("Result")

CELLS_PER_CHUNK: Final = 4
"""Cells written in one transaction: about half a second of work, which is what a crash can cost."""


@dataclass(frozen=True)
class Progress:
    """How far a stage of a study is, in runs."""

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class _Task:
    """Runs missing in one cell. ``twin`` is the world without programme, run again whenever anything else
    is.
    """

    cell: Cell
    twin: Arm
    twin_inputs: RunInputs
    twin_missing: bool
    arms: tuple[tuple[Arm, RunInputs], ...]

    @property
    def runs(self) -> int:
        return len(self.arms) + self.twin_missing


class _StoppedError(Exception):
    """Raised inside a worker when the study was interrupted; its cell is dropped."""


def default_workers() -> int:
    """As many threads as this process may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(
    run: Callable[[Work], Result],
    tasks: Sequence[Work],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """The result of every task, in order. Ctrl-C drops what has not begun."""
    results: dict[int, Result] = {}
    waiting = iter(enumerate(tasks))
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="passaat")
    try:
        pending: dict[Future[Result], int] = {
            pool.submit(run, task): place for place, task in islice(waiting, 2 * workers)
        }
        while pending:
            # The timeout lets Ctrl-C through on Windows, where an unlimited wait cannot be interrupted.
            finished, _ = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in finished:
                results[pending.pop(future)] = future.result()
            pending |= {pool.submit(run, task): place for place, task in islice(waiting, len(finished))}
            if finished and progress is not None:
                progress(len(results), len(tasks))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [results[place] for place in range(len(tasks))]


def run_missing(
    study: Study,
    simulator: Simulator,
    cells: Sequence[Cell],
    twin: Arm,
    arms: Sequence[Arm],
    parameters: Sequence[Mapping[str, float]],
    *,
    workers: int,
    stage: str,
    progress: OnProgress | None = None,
) -> None:
    """Register ``arms`` and their twin in ``cells``, and run and record whatever the study does not hold yet.

    A run that fails is recorded with its reason; so are the other runs of its cell when the twin fails.
    Ctrl-C stops after the runs in hand: finished chunks are in the study, and nothing of the others.
    """
    study.register([twin, *arms], cells)
    tasks = list(_tasks(study, cells, twin, arms, parameters))
    total, done = sum(task.runs for task in tasks), 0
    chunks = iter([tasks[i : i + CELLS_PER_CHUNK] for i in range(0, len(tasks), CELLS_PER_CHUNK)])
    if progress is not None:
        progress(Progress(stage, 0, total))

    stop = Event()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="passaat")
    try:
        pending: set[Future[list[RunRecord]]] = {
            pool.submit(_run_chunk, simulator, chunk, stop) for chunk in islice(chunks, 2 * workers)
        }
        while pending:
            # The timeout lets Ctrl-C through on Windows, where an unlimited wait cannot be interrupted.
            finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            pending |= {
                pool.submit(_run_chunk, simulator, chunk, stop) for chunk in islice(chunks, len(finished))
            }
            for future in finished:
                records = future.result()
                study.record(records)
                done += len(records)
            if finished and progress is not None:
                progress(Progress(stage, done, total))
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _tasks(
    study: Study,
    cells: Sequence[Cell],
    twin: Arm,
    arms: Sequence[Arm],
    parameters: Sequence[Mapping[str, float]],
) -> Iterator[_Task]:
    planned = {arm.key: study.planned(arm) for arm in (twin, *arms)}
    inputs: dict[tuple[tuple[str, float], int], RunInputs] = {}

    def inputs_of(arm: Arm, draw: int) -> RunInputs:
        if (arm.key, draw) not in inputs:
            inputs[arm.key, draw] = arm.inputs(parameters[draw])
        return inputs[arm.key, draw]

    for cell in cells:
        place = (cell.draw, cell.world)
        missing = tuple((arm, inputs_of(arm, cell.draw)) for arm in arms if place in planned[arm.key])
        twin_missing = place in planned[twin.key]
        if missing or twin_missing:
            yield _Task(cell, twin, inputs_of(twin, cell.draw), twin_missing, missing)


def _run_chunk(simulator: Simulator, chunk: Sequence[_Task], stop: Event) -> list[RunRecord]:
    return [record for task in chunk for record in _run_cell(simulator, task, stop)]


def _run_cell(simulator: Simulator, task: _Task, stop: Event) -> Iterator[RunRecord]:
    twin_run, reason = _attempt(simulator, task.twin_inputs, task.cell, stop)
    if task.twin_missing:
        yield _judge(simulator, task.twin, task.cell, twin_run, None, reason)
    for arm, inputs in task.arms:
        if twin_run is None:
            yield RunRecord(arm, task.cell, "failed", f"its world without programme failed: {reason}")
            continue
        run, why = _attempt(simulator, inputs, task.cell, stop)
        yield _judge(simulator, arm, task.cell, run, twin_run, why)


def _attempt(simulator: Simulator, inputs: RunInputs, cell: Cell, stop: Event) -> tuple[Any, str]:
    """A run, or None and the reason why it failed."""
    if stop.is_set():
        raise _StoppedError
    try:
        return simulator.simulate(inputs, cell.world_seed), ""
    except Exception as error:
        return None, _reason(error)


def _judge(simulator: Simulator, arm: Arm, cell: Cell, run: Any, twin_run: Any, reason: str) -> RunRecord:
    if run is None:
        return RunRecord(arm, cell, "failed", reason)
    try:
        return RunRecord(arm, cell, "done", values=simulator.outcomes_of(run, twin_run))
    except Exception as error:
        return RunRecord(arm, cell, "failed", _reason(error))


def _reason(error: Exception) -> str:
    """Why a run failed, on one line: what is wrong and, of our own errors, the way out in brackets."""
    if isinstance(error, PassaatError):
        way_out = f" ({error.hint})" if error.hint else ""
        return f"{type(error).__name__}: {'; '.join(error.problems)}{way_out}"
    return f"{type(error).__name__}: {error}"
