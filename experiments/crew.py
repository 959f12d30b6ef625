"""Who carries out runs: threads on this machine, or the workers of a Dask cluster.

Both take chunks of runs and hand back records. Runs share nothing, so neither the kind of crew, nor the number of
workers, nor the order in which they finish can change a result.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Event, Lock
from time import monotonic
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np

from passaat.errors import ModelError, PassaatError, StudyError
from passaat.experiments.pairing import Floats
from passaat.experiments.simulator import Simulator
from passaat.experiments.store import RunRecord
from passaat.model.inputs import RunInputs

RUNS_PER_CHUNK: Final = 16
"""Runs written in one transaction: about a quarter of a second of work on two cores, which a crash can cost."""

RUNS_PER_MESSAGE: Final = 64
"""Runs sent to a cluster at a time: two seconds of work, against some milliseconds to send it."""

LONGEST_REASON: Final = 1_000
"""Characters kept of what an error says."""

CLUSTER_WAIT_SECONDS: Final = 30
"""How long to wait for the scheduler of a cluster, and for a worker where there is none."""

CLUSTER_LOOK_SECONDS: Final = 5
"""How often to look whether any worker is left while nothing comes back."""


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


class Crew(Protocol):
    """Whoever carries out chunks of tasks."""

    @property
    def runs_per_chunk(self) -> int:
        """Runs that are handed over at a time."""

    @property
    def in_flight(self) -> int:
        """Chunks to hand over before the first must be back."""

    def submit(self, simulator: Simulator, chunk: Sequence[Task]) -> Future[list[RunRecord]]:
        """Carry out a chunk in the background."""

    def check(self) -> None:
        """Asked now and then while nothing comes back.

        Raises:
            StudyError: nobody is left to carry anything out.
        """

    def stop(self) -> None:
        """Drop what has not begun, wait for what has; afterwards the crew can be used again."""


def default_workers() -> int:
    """As many threads as this process may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Threads:
    """Threads of this process: the compiled model runs in them side by side.

    Raises:
        StudyError: fewer than one worker.
    """

    runs_per_chunk = RUNS_PER_CHUNK

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise StudyError(f"workers = {workers}: at least 1 is needed", "Leave it out to use every core.")
        self.workers = workers or default_workers()
        self._stopped = Event()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def in_flight(self) -> int:
        return 2 * self.workers

    def submit(self, simulator: Simulator, chunk: Sequence[Task]) -> Future[list[RunRecord]]:
        if self._pool is None:
            self._stopped = Event()
            self._pool = ThreadPoolExecutor(max_workers=self.workers, thread_name_prefix="passaat")
        return self._pool.submit(
            carry_out,
            simulator.simulate,
            simulator.outcomes_of,
            len(simulator.outcomes),
            chunk,
            self._stopped.is_set,
        )

    def check(self) -> None:
        """Threads of this process do not leave."""

    def stop(self) -> None:
        if self._pool is not None:
            self._stopped.set()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


class Cluster:
    """The workers of a Dask cluster, by the address of its scheduler. Use it in a ``with`` statement.

    A worker that is lost on the way costs its chunk, which another one does again. Each worker works out the
    behaviour of its own model before its first run: results of different models are never mixed.

    Raises:
        StudyError: the extra ``cluster`` is not installed, or no scheduler or no worker answers at this address.
    """

    runs_per_chunk = RUNS_PER_MESSAGE

    def __init__(self, address: str) -> None:
        self._client = _connect(address)
        self._executor = self._client.get_executor(pure=False)
        self._running: set[Future[list[RunRecord]]] = set()
        self._look_again = 0.0
        self._alone_since: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster; it stays up for others."""
        self.stop()
        self._client.close()

    @property
    def in_flight(self) -> int:
        return 2 * max(self._threads(), 1)

    def _threads(self) -> int:
        try:
            return int(sum(self._client.nthreads().values()))
        except OSError:
            raise _lost() from None

    def check(self) -> None:
        now = monotonic()
        if now < self._look_again:
            return
        self._look_again = now + CLUSTER_LOOK_SECONDS
        if self._threads() > 0:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since >= CLUSTER_WAIT_SECONDS:
            raise _lost()

    def submit(self, simulator: Simulator, chunk: Sequence[Task]) -> Future[list[RunRecord]]:
        there: Future[list[RunRecord]] = self._executor.submit(
            _carry_out_there,
            simulator.simulate,
            simulator.outcomes_of,
            len(simulator.outcomes),
            simulator.fingerprint,
            simulator.behaviour,
            tuple(chunk),
        )
        here: Future[list[RunRecord]] = Future()
        self._running.add(there)
        there.add_done_callback(self._running.discard)
        there.add_done_callback(lambda done: self._hand_over(done, here, simulator, chunk))
        return here

    def _hand_over(
        self,
        there: Future[list[RunRecord]],
        here: Future[list[RunRecord]],
        simulator: Simulator,
        chunk: Sequence[Task],
    ) -> None:
        """Pass on what a cluster made of a chunk, in terms of the study."""
        error = None if there.cancelled() else there.exception()
        alone = sum(task.runs for task in chunk) == 1
        if type(error).__name__ != "KilledWorker":
            _pass_on(there, here)
        elif alone:
            here.set_result(list(_all_failed(chunk, "every worker that tried it died")))
        else:  # one run may have killed the worker, or somebody took it away: each run for itself tells
            _gather([self.submit(simulator, [part]) for task in chunk for part in _single_runs(task)], here)

    def stop(self) -> None:
        for future in tuple(self._running):
            future.cancel()
        self._running.clear()


def _single_runs(task: Task) -> Iterator[Task]:
    """A task in parts of one result each."""
    if task.twin.missing:
        yield replace(task, arms=())
    for arm in task.arms:
        yield replace(task, twin=replace(task.twin, missing=False), arms=(arm,))


def _gather(parts: Sequence[Future[list[RunRecord]]], whole: Future[list[RunRecord]]) -> None:
    """Complete ``whole`` when the last part is there: with all records, or with the first error."""
    open_parts = set(parts)
    lock = Lock()

    def arrived(part: Future[list[RunRecord]]) -> None:
        with lock:
            open_parts.discard(part)
            last = not open_parts
        if last:
            errors = [error for one in parts if (error := one.exception()) is not None]
            if errors:
                whole.set_exception(errors[0])
            else:
                whole.set_result([record for one in parts for record in one.result()])

    for part in parts:
        part.add_done_callback(arrived)


def _pass_on(there: Future[list[RunRecord]], here: Future[list[RunRecord]]) -> None:
    """Pass on a result or an error, in terms of the study."""
    if there.cancelled():
        here.set_exception(_lost())
        return
    error = there.exception()
    if error is None:
        here.set_result(there.result())
    elif isinstance(error, PassaatError):
        here.set_exception(error)
    elif isinstance(error, OSError):
        here.set_exception(_lost())
    else:
        # A run that fails is a record: this is a worker that could not even begin.
        here.set_exception(
            StudyError(
                f"a worker of the cluster cannot take part: {' '.join(str(error).split())}",
                "Install the same version of passaat, and all that the model needs, on every worker.",
            )
        )


def _lost() -> StudyError:
    return StudyError(
        "the cluster was lost on the way; every chunk that was finished before is kept",
        "Start it again and go on with `passaat resume` or the same command.",
    )


def _all_failed(chunk: Sequence[Task], reason: str) -> Iterator[RunRecord]:
    for task in chunk:
        missing = [task.twin.arm] if task.twin.missing else []
        for arm in (*missing, *(number for number, _ in task.arms)):
            yield RunRecord(task.draw, task.world, arm, "failed", reason)


def _connect(address: str) -> Any:
    try:
        import distributed
    except ImportError:
        raise StudyError(
            "a cluster needs Dask, which is not installed",
            'Install passaat with its extra: pip install ".[cluster]" in the folder of the project.',
        ) from None
    client: Any = None
    if not re.fullmatch(r"[a-z]+://[^/\s]+:\d+", address):
        raise StudyError(
            f"{address!r} is no address of a cluster",
            "It looks like tcp://HOST:8786; the scheduler says it at its start.",
        )
    try:
        connect: Any = distributed.Client  # carries no types
        client = connect(address, timeout=CLUSTER_WAIT_SECONDS, set_as_default=False)
        client.wait_for_workers(1, timeout=CLUSTER_WAIT_SECONDS)
    except (OSError, ValueError, TypeError, TimeoutError) as error:
        if client is not None:
            client.close()
        raise StudyError(
            f"no cluster with a worker answers at {address} within {CLUSTER_WAIT_SECONDS} seconds ({error})",
            "Start one, for example `dask scheduler` and, on each machine, `dask worker tcp://HOST:8786`; the address"
            " looks like tcp://HOST:8786.",
        ) from None
    return client


# --- one chunk, wherever it is carried out ---------------------------------------------------------------------


class _StoppedError(Exception):
    """Raised inside a worker when the study was interrupted; its chunk is dropped."""


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


def _carry_out_there(
    simulate: Simulate,
    outcomes_of: OutcomesOf,
    n_outcomes: int,
    fingerprint: Callable[[], str] | None,
    behaviour: str,
    chunk: Sequence[Task],
) -> list[RunRecord]:
    """A chunk on another machine, whose model must be the same one."""
    if fingerprint is not None and _once(fingerprint) != behaviour:
        raise ModelError(
            f"a worker's model has behaviour {_once(fingerprint)}, the study's model has {behaviour}",
            "Install the same version of passaat on every worker.",
        )
    return carry_out(simulate, outcomes_of, n_outcomes, chunk, _never)


@lru_cache(maxsize=4)
def _once(fingerprint: Callable[[], str]) -> str:
    """The behaviour of the model here, worked out once per process."""
    return fingerprint()


def _never() -> bool:
    return False


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
        raise _StoppedError
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
