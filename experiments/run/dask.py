"""Runs on the workers of Dask, beyond one machine: they check that they have the same model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from passaat.errors import ModelError, PassaatError, StudyError
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.run.crew import OutcomesOf, Simulate, Task, carry_out
from passaat.experiments.study.records import RunRecord

RUNS_PER_MESSAGE: Final = 64
"""Runs sent to Dask at a time: two seconds of work, against some milliseconds to send it."""


DASK_WAIT_SECONDS: Final = 30
"""How long to wait for the scheduler, and for a worker where there is none."""


DASK_LOOK_SECONDS: Final = 5
"""How often to look whether any worker is left while nothing comes back."""


class DaskWorkers:
    """The workers of Dask, by the address of their scheduler. Use it in a ``with`` statement.

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
        """Leave the workers; they stay up for others."""
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
        self._look_again = now + DASK_LOOK_SECONDS
        if self._threads() > 0:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since >= DASK_WAIT_SECONDS:
            raise _lost()

    def submit(self, simulator: Simulator, chunk: Sequence[Task]) -> Future[list[RunRecord]]:
        return self._submit(simulator, chunk, again=False)

    def _submit(self, simulator: Simulator, chunk: Sequence[Task], *, again: bool) -> Future[list[RunRecord]]:
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
        there.add_done_callback(lambda done: self._hand_over(done, here, simulator, chunk, again=again))
        return here

    def _hand_over(
        self,
        there: Future[list[RunRecord]],
        here: Future[list[RunRecord]],
        simulator: Simulator,
        chunk: Sequence[Task],
        *,
        again: bool,
    ) -> None:
        """Pass on what a worker made of a chunk, in terms of the study."""
        error = None if there.cancelled() else there.exception()
        alone = sum(task.runs for task in chunk) == 1
        if type(error).__name__ != "KilledWorker":
            if error is None or again or isinstance(error, PassaatError | OSError):
                _pass_on(there, here)
            else:
                # Dask may stumble over a worker that dies while its result is fetched: it is asked for once more.
                _gather([self._submit(simulator, chunk, again=True)], here)
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
                f"a Dask worker cannot take part: {' '.join(str(error).split())}",
                "Install the same version of passaat, and all that the model needs, on every worker.",
            )
        )


def _lost() -> StudyError:
    return StudyError(
        "the Dask workers were lost on the way; every chunk that was finished before is kept",
        "Start them again and go on with `passaat resume` or the same command.",
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
            "--dask needs Dask, which is not installed",
            'Install passaat with its extra: pip install ".[cluster]" in the folder of the project.',
        ) from None
    client: Any = None
    if not re.fullmatch(r"[a-z]+://[^/\s]+:\d+", address):
        raise StudyError(
            f"{address!r} is no address of a Dask scheduler",
            "It looks like tcp://HOST:8786; the scheduler says it at its start.",
        )
    try:
        connect: Any = distributed.Client  # carries no types
        client = connect(address, timeout=DASK_WAIT_SECONDS, set_as_default=False)
        client.wait_for_workers(1, timeout=DASK_WAIT_SECONDS)
    except (OSError, ValueError, TypeError, TimeoutError) as error:
        if client is not None:
            client.close()
        raise StudyError(
            f"no Dask scheduler with a worker answers at {address} within {DASK_WAIT_SECONDS} seconds ({error})",
            "Start one, for example `dask scheduler` and, on each machine, `dask worker tcp://HOST:8786`; the address"
            " looks like tcp://HOST:8786.",
        ) from None
    return client


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
