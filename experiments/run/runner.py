"""Run what a study still lacks: read from its file, carried out by a crew, written chunk by chunk by one hand.

A cell (one world under one draw of parameters) is run as a whole: first the world without programme, then every
policy in the same world. What is to be done is read from the file a page at a time, so that memory stays flat
however large the study is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from passaat.experiments.design.cells import Cell
from passaat.experiments.design.policies import Arm, InputsOf
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.run.crew import Crew, Task, Twin
from passaat.experiments.run.pump import pump
from passaat.experiments.study.records import ALL, PlannedCell, Scope
from passaat.experiments.study.study import Study

__all__ = ["OnProgress", "Progress", "run_missing", "run_planned"]

RUNS_PER_TASK: Final = 32
"""Policies run at a time in one world. Each part of a larger cell needs the world without programme once more, which
is then three runs in a hundred; but work is shared evenly, and a crash costs a second, however many points share a
world."""

KEPT: Final = 256
"""Arms and parameter sets kept at hand; a sweep goes through them in order and rarely comes back."""


@dataclass(frozen=True)
class Progress:
    """How far a stage of a study is, in runs."""

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]


def run_missing(
    study: Study,
    simulator: Simulator,
    cells: Sequence[Cell],
    twin: Arm,
    arms: Sequence[Arm],
    *,
    crew: Crew,
    stage: str,
    progress: OnProgress | None = None,
) -> int:
    """Register ``arms`` and their twin in ``cells``; run, record and count whatever the study does not hold yet."""
    study.register([twin, *arms], cells, twin)
    scope = Scope(
        tuple(study.number(arm) for arm in (twin, *arms)),
        max((cell.draw for cell in cells), default=-1) + 1,
        max((cell.world for cell in cells), default=-1) + 1,
    )
    return run_planned(study, simulator, crew, scope=scope, stage=stage, progress=progress)


def run_planned(
    study: Study,
    simulator: Simulator,
    crew: Crew,
    *,
    stage: str,
    scope: Scope = ALL,
    progress: OnProgress | None = None,
) -> int:
    """Run and record what is planned in a part of a study; returns how many runs that were.

    A run that fails is recorded with its reason; so are the other runs of its cell when the twin fails.
    Ctrl-C stops after the runs in hand: finished chunks are in the study, and nothing of the others.

    Raises:
        StudyError: the file cannot be written, or the crew is lost; what was finished before is kept.
    """
    total, done = study.count_to_do(scope), 0
    chunks = _chunks(_tasks(study, scope), crew.runs_per_chunk)
    if progress is not None:
        progress(Progress(stage, 0, total))
    finished = pump(chunks, lambda chunk: crew.submit(simulator, chunk), crew)
    with closing(finished):
        for records in finished:
            study.record(records)
            done += len(records)
            if progress is not None:
                progress(Progress(stage, done, total))
    return total


def _chunks(tasks: Iterator[Task], runs_per_chunk: int) -> Iterator[list[Task]]:
    """Tasks in portions of about so many runs."""
    chunk: list[Task] = []
    runs = 0
    for task in tasks:
        chunk.append(task)
        runs += task.runs
        if runs >= runs_per_chunk:
            yield chunk
            chunk, runs = [], 0
    if chunk:
        yield chunk


def _tasks(study: Study, scope: Scope) -> Iterator[Task]:
    """What is planned, with all that a worker needs; a task for each cell and world without programme, or several where
    a cell holds very many policies, as in a sweep of levers alone.
    """
    inputs_of = InputsOf()
    arm_of = lru_cache(maxsize=KEPT)(study.arm)
    parameters_of = lru_cache(maxsize=KEPT)(study.parameters)

    def task_of(cell: PlannedCell, twin: int, numbers: Sequence[int], missing: bool) -> Task:
        parameters = parameters_of(cell.draw)
        return Task(
            cell.draw,
            cell.world,
            cell.world_seed,
            Twin(twin, inputs_of(arm_of(twin)[0], parameters), missing),
            tuple((number, inputs_of(arm_of(number)[0], parameters)) for number in numbers),
        )

    for cell in study.to_do(scope):
        missing = set(cell.arms)
        waiting: dict[int, list[int]] = {}
        for number in cell.arms:
            # A world without programme has no twin: it is the one that its own group is held against.
            twin = arm_of(number)[1]
            against = number if twin is None else twin
            group = waiting.setdefault(against, [])
            if number != against:
                group.append(number)
            if len(group) == RUNS_PER_TASK:
                yield task_of(cell, against, group, against in missing)
                missing.discard(against)
                waiting[against] = []
        for against, group in waiting.items():
            if group or against in missing:
                yield task_of(cell, against, group, against in missing)
