"""Work handed out, results taken back as they finish: one loop for threads of this process and for Dask.

So many pieces of work are out at a time, and one more goes out for each that comes back: memory stays flat however
much there is to do. Who carries it out ("hands") says how many, and is looked after while nothing comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice
from threading import Event
from typing import Final, Protocol, TypeVar

from passaat.errors import StudyError

__all__ = ["Hands", "Pool", "StoppedError", "default_workers", "in_threads", "pump"]

Work = TypeVar("Work")
Result = TypeVar("Result")

LOOK_SECONDS: Final = 0.2
"""How long to wait before looking up. It lets Ctrl-C through on Windows, where an unlimited wait cannot be
interrupted."""


class Hands(Protocol):
    """Whoever carries work out."""

    @property
    def in_flight(self) -> int:
        """Pieces of work to hand over before the first must be back."""

    def check(self) -> None:
        """Asked now and then while nothing comes back.

        Raises:
            StudyError: nobody is left to carry anything out.
        """

    def stop(self) -> None:
        """Drop what has not begun, wait for what has; afterwards more can be handed over."""


def pump(
    work: Iterable[Work], submit: Callable[[Work], Future[Result]], hands: Hands
) -> Generator[Result, None, None]:
    """Results in the order in which they finish. Close it (``contextlib.closing``) when not all are taken.

    However it ends, what has not begun is dropped: the work is done, one failed, Ctrl-C, or it was closed.

    Raises:
        StudyError: the hands are lost. Whatever a piece of work raises comes through as it is.
    """
    waiting = iter(work)
    try:
        pending = {submit(one) for one in islice(waiting, hands.in_flight)}
        while pending:
            finished, pending = wait(pending, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            if not finished:
                hands.check()
                continue
            # Asked first: hands that are lost are not given more.
            results = [future.result() for future in finished]
            free = max(hands.in_flight - len(pending), 0)
            pending |= {submit(one) for one in islice(waiting, free)}
            yield from results
    finally:
        hands.stop()


class StoppedError(Exception):
    """Raised inside a worker when its hands were stopped; what it was at is dropped."""


def default_workers() -> int:
    """As many threads as this process may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Threads of this process, from the first work on until they are stopped.

    Raises:
        StudyError: fewer than one worker.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise StudyError(f"workers = {workers}: at least 1 is needed", "Leave it out to use every core.")
        self.workers = workers or default_workers()
        self._stopped = Event()
        self._threads: ThreadPoolExecutor | None = None

    @property
    def in_flight(self) -> int:
        return 2 * self.workers

    def submit(self, run: Callable[[Callable[[], bool]], Result]) -> Future[Result]:
        """Call ``run`` in a thread; what it is given tells whether to drop what it is at (``StoppedError``)."""
        if self._threads is None:
            self._stopped = Event()  # a thread of an earlier round that would not end stays stopped
            self._threads = ThreadPoolExecutor(max_workers=self.workers, thread_name_prefix="passaat")
        return self._threads.submit(run, self._stopped.is_set)

    def check(self) -> None:
        """Threads of this process do not leave."""

    def stop(self) -> None:
        if self._threads is not None:
            self._stopped.set()
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None


def in_threads(
    run: Callable[[Work], Result],
    tasks: Sequence[Work],
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """The result of every task, in order. Ctrl-C drops what has not begun."""

    def placed(place: int) -> tuple[int, Result]:
        return place, run(tasks[place])

    pool = Pool(workers)
    results: dict[int, Result] = {}
    found = pump(range(len(tasks)), lambda place: pool.submit(lambda _: placed(place)), pool)
    with closing(found):
        for place, result in found:
            results[place] = result
            if progress is not None:
                progress(len(results), len(tasks))
    return [results[place] for place in range(len(tasks))]
