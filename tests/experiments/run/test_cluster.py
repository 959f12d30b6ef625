"""Sweeps on the workers of a Dask cluster: a real scheduler and real workers, each a process of its own.

Whatever happens to workers, the study is bit for bit the one of a single core.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from passaat.errors import PassaatError, StudyError
from passaat.experiments.analyses.sweep import simulator_for, sweep
from passaat.experiments.design.plan import Plan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.export import runs_csv
from passaat.experiments.run import dask as crews
from passaat.experiments.run.crew import Task, Threads, Twin
from passaat.experiments.run.dask import DaskWorkers
from passaat.experiments.run.runner import Progress
from passaat.experiments.study.records import RunRecord
from passaat.experiments.study.study import Study
from passaat.scenarios.loading import load_scenario
from passaat.testing import check_crew

pytest.importorskip("distributed", reason="the extra cluster is not installed")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills processes by signals")

CHILDREN = Path(__file__).parents[2] / "children"
if str(CHILDREN) not in sys.path:
    sys.path.append(str(CHILDREN))
toy_model: Any = importlib.import_module("toy_model")
TOY: Simulator = toy_model.SIMULATOR


@dataclass(frozen=True)
class Processes:
    """A cluster on this machine."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def a_cluster(folder: Path, workers: int = 2, **more: str) -> Iterator[Processes]:
    """A scheduler and workers of one thread, which listen to nobody but this machine."""
    where = folder / "scheduler.json"
    paths = filter(None, (str(CHILDREN), os.environ.get("PYTHONPATH")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> subprocess.Popen[bytes]:
        log = (folder / f"log-{len(started)}.txt").open("wb")
        with log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", *command, "--host", "127.0.0.1", "--no-dashboard"],
                    env=environment,
                    cwd=folder,
                    stdout=log,
                    stderr=log,
                )
            )
        return started[-1]

    try:
        scheduler = start("distributed.cli.dask_scheduler", "--port", "0", "--scheduler-file", str(where))
        address = wait_for_address(where, scheduler)
        command = ("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny")
        yield Processes(address, scheduler, [start(*command) for _ in range(workers)])
    finally:
        for process in reversed(started):
            process.kill()
            process.wait(10)


def wait_for_address(where: Path, scheduler: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        assert scheduler.poll() is None, "the scheduler did not start"
        try:
            return str(json.loads(where.read_text())["address"])
        except (FileNotFoundError, ValueError, KeyError):
            time.sleep(0.1)
    raise AssertionError("the scheduler never said where it is")


def csv_of(path: Path) -> str:
    with Study.read(path) as study:
        return runs_csv(study)


def one_core(path: Path, plan: Plan, simulator: Simulator = TOY) -> str:
    sweep(plan, study_path=path, crew=Threads(1), simulator=simulator)
    return csv_of(path)


def statuses(path: Path) -> dict[str, int]:
    with Study.read(path) as study:
        return dict(study.rows("SELECT status, count(*) FROM runs GROUP BY status"))


def test_a_cluster_keeps_the_promises_of_every_crew(tmp_path: Path) -> None:
    with a_cluster(tmp_path) as there, DaskWorkers(there.address) as crew:
        check_crew(crew, TOY, toy_model.a_plan(12, worlds=2))


def test_a_worker_killed_in_the_middle_changes_no_bit(tmp_path: Path) -> None:
    plan, path = toy_model.a_plan(100), tmp_path / "study.db"
    with a_cluster(tmp_path, PASSAAT_TOY_PAUSE="0.003") as there, DaskWorkers(there.address) as crew:

        def on_progress(state: Progress) -> None:
            if state.done and there.workers[0].poll() is None:
                there.workers[0].send_signal(signal.SIGKILL)
                there.workers[0].wait(10)

        table = sweep(plan, study_path=path, crew=crew, progress=on_progress, simulator=TOY)
        assert there.workers[0].returncode == -signal.SIGKILL
        assert (table.n_failed, table.n_missing) == (0, 0)
        # The cluster stays up for others, and the same crew can be used again.
        more = replace(plan, size=110)
        sweep(more, study_path=path, crew=crew, simulator=TOY)
        assert there.workers[1].poll() is None
    assert csv_of(path) == one_core(tmp_path / "alone.db", more)


def test_a_scheduler_that_dies_is_one_clear_error_and_the_study_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, path = toy_model.a_plan(100), tmp_path / "study.db"
    monkeypatch.setattr(crews, "DASK_WAIT_SECONDS", 20)
    with a_cluster(tmp_path, PASSAAT_TOY_PAUSE="0.003") as there, DaskWorkers(there.address) as crew:

        def on_progress(state: Progress) -> None:
            if state.done:
                there.scheduler.kill()

        with pytest.raises(StudyError, match="the Dask workers were lost on the way") as caught:
            sweep(plan, study_path=path, crew=crew, progress=on_progress, simulator=TOY)
        assert "passaat resume" in caught.value.hint
    found = statuses(path)
    assert found["done"] > 0
    assert found["planned"] > 0
    assert "failed" not in found
    sweep(plan, study_path=path, crew=Threads(2), simulator=TOY)
    assert csv_of(path) == one_core(tmp_path / "alone.db", plan)


def test_a_cluster_that_all_workers_leave_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, path = toy_model.a_plan(100), tmp_path / "study.db"
    with a_cluster(tmp_path, PASSAAT_TOY_PAUSE="0.003") as there, DaskWorkers(there.address) as crew:
        monkeypatch.setattr(crews, "DASK_WAIT_SECONDS", 1)
        monkeypatch.setattr(crews, "DASK_LOOK_SECONDS", 0.2)

        def on_progress(state: Progress) -> None:
            if state.done:
                for worker in there.workers:
                    worker.send_signal(signal.SIGKILL)

        with pytest.raises(StudyError, match="the Dask workers were lost on the way"):
            sweep(plan, study_path=path, crew=crew, progress=on_progress, simulator=TOY)
    found = statuses(path)
    assert found["done"] > 0
    assert found["planned"] > 0
    assert "failed" not in found


def test_a_worker_with_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with a_cluster(tmp_path, 1, PASSAAT_TOY_BEHAVIOUR="another") as there, DaskWorkers(there.address) as crew:
        with pytest.raises(PassaatError, match="behaviour another, the study's model has toy") as caught:
            sweep(toy_model.a_plan(12), study_path=path, crew=crew, simulator=TOY)
        assert "same version" in caught.value.hint
        assert not path.exists(), "a study without any result stayed behind"
        # What a worker cannot even read is no failed run: nothing is wrong with the run.
        stranger = replace(TOY, simulate=lambda inputs, seed: statuses(tmp_path), fingerprint=None)
        with pytest.raises(StudyError, match="cannot take part"):
            sweep(toy_model.a_plan(12), study_path=path, crew=crew, simulator=stranger)
        assert not path.exists()


class KilledWorker(Exception):  # noqa: N818 - Dask's name, by which it is known
    """Named as the error by which Dask says that every worker which tried something died."""


class Deadly:
    """An executor whose workers die of some runs, and with them of every message that holds one."""

    def __init__(self, deadly: set[int]) -> None:
        self.deadly = deadly

    def submit(self, carry_out: object, *arguments: Any) -> Future[list[RunRecord]]:
        future: Future[list[RunRecord]] = Future()
        chunk: tuple[Task, ...] = arguments[-1]
        inside = {number for task in chunk for number, _ in task.arms}
        inside |= {task.twin.arm for task in chunk if task.twin.missing}
        if inside & self.deadly:
            future.set_exception(KilledWorker())
        else:
            places = [(task, number) for task in chunk for number in sorted(inside)]
            future.set_result([RunRecord(task.draw, task.world, number, "done") for task, number in places])
        return future


def test_of_a_message_that_kills_its_workers_only_the_deadly_run_fails() -> None:
    crew = DaskWorkers.__new__(DaskWorkers)
    crew._executor, crew._running = Deadly({3}), set()
    inputs = load_scenario("pib").inputs({})
    chunk = [Task(0, 0, 7, Twin(1, inputs, True), ((2, inputs), (3, inputs), (4, inputs)))]
    records = {record.arm: record for record in crew.submit(TOY, chunk).result(10)}
    assert {arm: record.status for arm, record in records.items()} == {
        1: "done",
        2: "done",
        3: "failed",
        4: "done",
    }
    assert records[3].reason == "every worker that tried it died"


class Stumbling(Deadly):
    """An executor that fails so many times in a way of its own, and then works."""

    def __init__(self, times: int) -> None:
        super().__init__(set())
        self.times = times

    def submit(self, carry_out: object, *arguments: Any) -> Future[list[RunRecord]]:
        if self.times > 0:
            self.times -= 1
            future: Future[list[RunRecord]] = Future()
            future.set_exception(ValueError("not enough values to unpack"))
            return future
        return super().submit(carry_out, *arguments)


@pytest.mark.parametrize(("times", "ends_well"), [(0, True), (1, True), (2, False)])
def test_a_message_at_which_dask_stumbles_is_sent_once_more(times: int, ends_well: bool) -> None:
    crew = DaskWorkers.__new__(DaskWorkers)
    crew._executor, crew._running = Stumbling(times), set()
    inputs = load_scenario("pib").inputs({})
    found = crew.submit(TOY, [Task(0, 0, 7, Twin(1, inputs, True), ())])
    if ends_well:
        assert [record.status for record in found.result(10)] == ["done"]
    else:
        with pytest.raises(StudyError, match="cannot take part: not enough values to unpack"):
            found.result(10)


def test_runs_that_kill_their_worker_fail_and_the_others_are_there(tmp_path: Path) -> None:
    plan, path = toy_model.a_plan(40, worlds=1), tmp_path / "study.db"
    whole = one_core(tmp_path / "alone.db", plan)
    deadly = replace(TOY, simulate=toy_model.simulate_dying)
    with (
        a_cluster(tmp_path, 4, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as there,
        DaskWorkers(there.address) as crew,
    ):
        table = sweep(plan, study_path=path, crew=crew, simulator=deadly)
        assert {one.poll() is None for one in there.workers} == {False, True}
    assert 0 < table.n_failed < plan.n_points * plan.worlds * len(plan.policies)
    assert table.n_missing == 0
    assert {one.reason for one in table.failures} == {"every worker that tried it died"}
    rows = set(whole.splitlines())
    assert all(line in rows for line in csv_of(path).splitlines() if ",failed," not in line)
    with Study.open(path, TOY, plan.reference, plan.seed, "sweep") as study:
        assert study.plan_failed_again() == table.n_failed
        study.set_meta("state", "incomplete")
    sweep(plan, study_path=path, crew=Threads(2), simulator=TOY)
    assert csv_of(path) == whole


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense://x", "tcp://127.0.0.1", "nonsense", ""])
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(StudyError, match="is no address of a Dask scheduler") as caught:
        DaskWorkers(address)
    assert "tcp://HOST:8786" in caught.value.hint


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x:1"])
def test_an_address_where_nobody_answers_is_refused_soon(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "DASK_WAIT_SECONDS", 0.3)
    with pytest.raises(StudyError, match="no Dask scheduler with a worker answers at") as caught:
        DaskWorkers(address)
    assert "dask scheduler" in caught.value.hint


def test_a_scheduler_without_workers_is_refused_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "DASK_WAIT_SECONDS", 3)
    with a_cluster(tmp_path, 0) as there, pytest.raises(StudyError, match="no Dask scheduler with a worker"):
        DaskWorkers(there.address)


def test_without_dask_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(StudyError, match="needs Dask") as caught:
        DaskWorkers("tcp://127.0.0.1:1")
    assert ".[cluster]" in caught.value.hint


@pytest.mark.slow
def test_the_model_that_ships_gives_the_same_bits_on_a_cluster(tmp_path: Path) -> None:
    plan = toy_model.a_plan(4, worlds=2, draws=2)
    simulator = simulator_for(plan)
    whole = one_core(tmp_path / "alone.db", plan, simulator)
    with a_cluster(tmp_path) as there, DaskWorkers(there.address) as crew:
        sweep(plan, study_path=tmp_path / "study.db", crew=crew, simulator=simulator)
    assert csv_of(tmp_path / "study.db") == whole
