"""Work is handed out so much at a time, comes back as it finishes, and stops however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from threading import Event, Lock
from time import sleep

import pytest

from passaat.errors import StudyError
from passaat.experiments.run.pump import Pool, StoppedError, in_threads, pump


class ByHand:
    """Hands whose work is done where ``finish`` says so, at the next look at what they have."""

    def __init__(self, in_flight: int = 2, finish: tuple[int, ...] = ()) -> None:
        self.in_flight = in_flight
        self.finish = list(finish)
        self.out: dict[int, Future[int]] = {}
        self.stopped = 0

    def submit(self, work: int) -> Future[int]:
        self.out[work] = Future()
        return self.out[work]

    def check(self) -> None:
        if not self.finish:
            raise StudyError("nobody is left", "Start again.")
        work = self.finish.pop(0)
        self.out[work].set_result(10 * work)

    def stop(self) -> None:
        self.stopped += 1


def test_results_come_as_they_finish_and_one_more_goes_out_for_each() -> None:
    hands = ByHand(in_flight=2, finish=(1, 2, 0))
    found = pump(iter(range(4)), hands.submit, hands)
    assert [(next(found), sorted(hands.out)) for _ in range(3)] == [
        (10, [0, 1, 2]),
        (20, [0, 1, 2, 3]),
        (0, [0, 1, 2, 3]),
    ]
    assert hands.stopped == 0
    with pytest.raises(StudyError, match="nobody is left"):
        next(found)
    assert hands.stopped == 1


def test_nothing_to_do_is_done_at_once() -> None:
    hands = ByHand()
    assert list(pump([], hands.submit, hands)) == []
    assert (hands.out, hands.stopped) == ({}, 1)


def test_hands_stop_when_not_all_results_are_taken() -> None:
    hands = ByHand(in_flight=1, finish=(0,))
    with closing(pump(range(9), hands.submit, hands)) as found:
        assert next(found) == 0
    assert (sorted(hands.out), hands.stopped) == ([0, 1], 1)


def test_after_work_that_raises_nothing_more_is_handed_over() -> None:
    hands = ByHand(in_flight=2)
    found = pump(range(9), hands.submit, hands)

    def fail() -> None:
        hands.out[0].set_exception(ValueError("broken"))

    hands.check = fail  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="broken"):
        next(found)
    assert (sorted(hands.out), hands.stopped) == ([0, 1], 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, StudyError("the disk is full", "")])
def test_what_ends_the_loop_around_it_stops_the_hands(error: BaseException | type[BaseException]) -> None:
    hands = ByHand(in_flight=1, finish=(0,))

    def take_one() -> None:
        with closing(pump(range(9), hands.submit, hands)) as found:
            next(found)
            raise error

    with pytest.raises((KeyboardInterrupt, StudyError)):
        take_one()
    assert hands.stopped == 1


def test_a_pool_that_is_stopped_drops_what_has_not_begun_and_can_be_used_again() -> None:
    pool, begun = Pool(1), Event()

    def until_stopped(stopped: Callable[[], bool]) -> None:
        begun.set()
        while not stopped():
            sleep(0.001)
        raise StoppedError

    first, second = pool.submit(until_stopped), pool.submit(until_stopped)
    assert begun.wait(30)
    pool.stop()
    assert isinstance(first.exception(), StoppedError)
    assert second.cancelled() or isinstance(second.exception(), StoppedError)
    assert pool.submit(lambda stopped: stopped()).result(30) is False
    pool.stop()


def test_results_of_threads_keep_the_order_of_their_tasks_and_progress_counts_each() -> None:
    told: list[tuple[int, int]] = []
    tasks = list(range(40))
    assert in_threads(lambda one: one * one, tasks, 3, lambda *now: told.append(now)) == [
        one * one for one in tasks
    ]
    assert told == [(n, 40) for n in range(1, 41)]
    assert in_threads(lambda one: one, [], 2) == []


def test_no_more_threads_work_at_once_than_were_asked_for() -> None:
    lock, busy, most = Lock(), [0], [0]

    def work(_: int) -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        with lock:
            busy[0] -= 1

    in_threads(work, range(200), 2)
    assert 1 <= most[0] <= 2


def test_fewer_than_one_thread_is_refused() -> None:
    with pytest.raises(StudyError, match="workers = 0: at least 1 is needed"):
        in_threads(abs, [1], 0)


def endless() -> Iterator[int]:
    n = 0
    while True:
        yield n
        n += 1


def test_work_without_end_is_taken_only_as_results_are() -> None:
    pool = Pool(2)
    with closing(pump(endless(), lambda n: pool.submit(lambda _: n), pool)) as found:
        first = sorted(next(found) for _ in range(50))
    assert len(set(first)) == 50
    assert max(first) < 50 + pool.in_flight + 2
