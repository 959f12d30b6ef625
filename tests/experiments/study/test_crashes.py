"""Studies survive what happens to computers: kills, Ctrl-C, two processes at once, a full disk, a damaged file.

Whatever happened, a study that was gone on with until it is complete is, byte for byte, the one nobody disturbed.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passaat.errors import StudyError
from passaat.experiments.analyses.studies import study_info
from passaat.experiments.analyses.sweep import load_table, simulator_for, sweep
from passaat.experiments.analyses.verify import verify
from passaat.experiments.reports.export import export, runs_csv
from passaat.experiments.run.crew import RUNS_PER_CHUNK, Threads
from passaat.experiments.run.runner import _chunks, _tasks, run_planned
from passaat.experiments.study.keys import digest_of
from passaat.experiments.study.locks import is_being_run
from passaat.experiments.study.records import ALL
from passaat.experiments.study.study import Study
from passaat.experiments.study.sweeps import plan_of, register_plan

CHILDREN = Path(__file__).parents[2] / "children"
if str(CHILDREN) not in sys.path:
    sys.path.append(str(CHILDREN))
toy_model: Any = importlib.import_module("toy_model")
TOY = toy_model.SIMULATOR

unix = pytest.mark.skipif(os.name == "nt", reason="needs fork and SIGKILL")

KILLS = 28
"""Times that one study is killed: of each kind of moment a quarter."""

Run = tuple[int, int, int]
"""Draw, world and arm."""


def undisturbed(path: Path, size: int) -> str:
    sweep(toy_model.a_plan(size), study_path=path, crew=Threads(1), simulator=TOY)
    return csv_of(path)


def csv_of(path: Path) -> str:
    with Study.read(path) as study:
        return runs_csv(study)


def resume(path: Path, size: int) -> None:
    sweep(toy_model.a_plan(size), study_path=path, crew=Threads(2), simulator=TOY)


def rows_of(path: Path) -> dict[Run, tuple[str, str, str, list[float | None]]]:
    """Every run of a study: its key, status, digest and outcomes."""
    with Study.read(path) as study:
        columns = ", ".join(study.outcome_names)
        return {
            (draw, world, arm): (key, status, digest, values)
            for draw, world, arm, key, status, digest, *values in study.rows(
                f"SELECT draw, world, arm, key, status, digest, {columns} FROM runs"
            )
        }


def chunks_to_do(path: Path) -> list[set[Run]]:
    """The chunks in which a study's missing runs will be written."""
    with Study.read(path) as study:
        found = []
        for chunk in _chunks(_tasks(study, ALL), RUNS_PER_CHUNK):
            runs = {(task.draw, task.world, arm) for task in chunk for arm, _ in task.arms}
            found.append(
                runs | {(task.draw, task.world, task.twin.arm) for task in chunk if task.twin.missing}
            )
        return found


def environment(**more: str) -> dict[str, str]:
    places = [str(CHILDREN), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places)), **more}


class Nursery:
    """The process in which children run the sweep and die as ordered."""

    def __init__(self, path: Path, size: int, pause: float) -> None:
        self._size = size
        self._process = subprocess.Popen(
            [sys.executable, str(CHILDREN / "crash_child.py"), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(PASSAAT_TOY_PAUSE=str(pause)),
        )
        self._answer()

    def _answer(self) -> dict[str, int]:
        assert self._process.stdout is not None
        answer: dict[str, int] = json.loads(self._process.stdout.readline())
        return answer

    def child(self, **order: float | str) -> int:
        """Exit code of a child that carried out this order; -9 where it was killed."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"size": self._size, **order}) + "\n")
        self._process.stdin.flush()
        return self._answer()["ended"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Callable[[int, float], Nursery]]:
    started: list[Nursery] = []

    def start(size: int, pause: float) -> Nursery:
        started.append(Nursery(tmp_path / "study.db", size, pause))
        return started[-1]

    yield start
    for one in started:
        one.close()


def orders(rng: np.random.Generator) -> Iterator[dict[str, float]]:
    """How the kills are timed: in turn by the clock, at a statement, as a COMMIT begins, and within one.

    A study of this size is registered by some 500 statements, and each chunk is some 20 statements and one COMMIT.
    """
    while True:
        yield {"after": float(rng.uniform(0.0, 0.15))}
        yield {"statement": int(rng.integers(1, 900))}
        yield {"commit": int(rng.integers(1, 6)), "inside": 0.0}
        yield {"commit": int(rng.integers(1, 6)), "inside": float(rng.uniform(0.0, 0.002))}


@unix
def test_a_study_killed_again_and_again_is_the_undisturbed_one(
    tmp_path: Path, nursery: Callable[[int, float], Nursery]
) -> None:
    size, path = 100, tmp_path / "study.db"
    whole = undisturbed(tmp_path / "undisturbed.db", size)
    expected = rows_of(tmp_path / "undisturbed.db")
    with Study.open(tmp_path / "registered.db", TOY, toy_model.a_plan(size).reference, 1, "sweep") as study:
        register_plan(study, toy_model.a_plan(size), TOY)
    all_chunks = chunks_to_do(tmp_path / "registered.db")
    run = nursery(size, 0.002)
    killed, moments, done = 0, orders(np.random.default_rng(20)), set[Run]()
    registered, halfway = False, 0
    while killed < KILLS:
        chunks = chunks_to_do(path) if registered else all_chunks
        order = next(moments)
        ended = run.child(**order)
        assert ended in (-signal.SIGKILL, 0), f"{order} ended with {ended}"
        killed += ended == -signal.SIGKILL
        if not path.exists() or not _is_registered(path):
            assert not registered, "a plan that was there is gone"
            continue
        registered = True
        rows = rows_of(path)
        assert {place: row[0] for place, row in rows.items()} == {
            place: row[0] for place, row in expected.items()
        }
        now = {place for place, row in rows.items() if row[1] == "done"}
        for place, (_, status, digest, values) in rows.items():
            if status == "done":
                assert rows[place] == expected[place]
                assert digest == digest_of(status, "", values)
            else:
                assert (status, digest, values) == ("planned", "", [None] * len(values))
        new = now - done
        assert done <= now
        for chunk in chunks:
            assert chunk <= new or not chunk & new, f"half a chunk after {order}"
        halfway += 0 < len(now) < len(rows)
        done = now
        if ended == 0:
            # The whole study is there before all kills are: begin again, so that kills go on meeting work.
            assert csv_of(path) == whole
            path.unlink()
            registered, done = False, set()
    assert halfway >= 5, "too few kills fell in the middle to say anything"
    while (ended := run.child()) != 0:
        pytest.fail(f"an undisturbed child ended with {ended}")
    assert csv_of(path) == whole
    assert verify(path, sample=50, simulator=TOY).problems == ()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["registered.db", "study.db", "undisturbed.db"]


@unix
@pytest.mark.slow
def test_a_study_of_the_model_that_ships_survives_kills(
    tmp_path: Path, nursery: Callable[[int, float], Nursery]
) -> None:
    plan, alone = toy_model.a_plan(8), tmp_path / "undisturbed.db"
    model = simulator_for(plan)
    sweep(plan, study_path=alone, crew=Threads(1), simulator=model)
    run = nursery(8, 0.0)
    for commit in (2, 4, 5, 5):
        run.child(real=1, commit=commit, inside=0.0005)
    assert sum(row[1] == "done" for row in rows_of(tmp_path / "study.db").values()) > 0
    assert run.child(real=1) == 0
    assert csv_of(tmp_path / "study.db") == csv_of(alone)
    assert verify(tmp_path / "study.db", sample=5, simulator=model).sound


@unix
@pytest.mark.slow
def test_a_study_that_is_killed_while_it_takes_over_runs_is_the_undisturbed_one(
    tmp_path: Path, nursery: Callable[[int, float], Nursery]
) -> None:
    """Kills before, within and after the one transaction in which runs of another study are taken over."""
    size, smaller, path = 40, tmp_path / "smaller.db", tmp_path / "study.db"
    undisturbed(smaller, 20)
    source = smaller.read_bytes()
    larger = toy_model.a_plan(size, block=20)
    sweep(larger, study_path=tmp_path / "undisturbed.db", crew=Threads(1), simulator=TOY)
    whole = csv_of(tmp_path / "undisturbed.db")
    expected = rows_of(tmp_path / "undisturbed.db")
    run, rng = nursery(size, 0.002), np.random.default_rng(22)
    taken_at, killed, begun_at = set[int](), 0, set[int]()
    for attempt in range(24):
        path.unlink(missing_ok=True)
        for side in ("-wal", "-shm"):
            path.with_name(f"{path.name}{side}").unlink(missing_ok=True)
        order: dict[str, float] = (
            {"statement": int(rng.integers(200, 1500))}
            if attempt % 2
            else {"commit": attempt // 2 % 6 + 1, "inside": float(rng.uniform(0.0, 0.002))}
        )
        ended = run.child(**order, block=20, reuse=str(smaller))
        assert ended in (-signal.SIGKILL, 0), f"{order} ended with {ended}"
        killed += ended == -signal.SIGKILL
        assert smaller.read_bytes() == source
        if path.exists() and _is_registered(path):
            rows = rows_of(path)
            assert all(row == expected[place] for place, row in rows.items() if row[1] == "done")
            (taken_at if any(row[1] == "done" for row in rows.values()) else begun_at).add(attempt)
        # Gone on with in two ways: with the runs of the other study, and without.
        again: dict[str, str] = {"reuse": str(smaller)} if attempt % 3 else {}
        assert run.child(block=20, **again) == 0
        assert csv_of(path) == whole
    assert killed >= 12, "too few kills to say anything"
    assert taken_at, "no kill fell after runs were taken over"
    assert begun_at, "no kill fell while runs were taken over"
    assert verify(path, sample=50, simulator=TOY).problems == ()


@unix
@pytest.mark.slow
def test_what_is_taken_over_is_not_run(tmp_path: Path) -> None:
    """Else the kills above say nothing."""
    undisturbed(tmp_path / "smaller.db", 20)
    made = 0

    def counted(inputs: Any, seed: int) -> Any:
        nonlocal made
        made += 1
        return toy_model.simulate(inputs, seed)

    model = replace(TOY, simulate=counted)
    counts = []
    for name, reuse in (("alone.db", []), ("with.db", [tmp_path / "smaller.db"])):
        made = 0
        plan = toy_model.a_plan(40, block=20)
        sweep(plan, study_path=tmp_path / name, crew=Threads(1), simulator=model, reuse=reuse)
        counts.append(made)
    assert counts[1] < 0.8 * counts[0]


def _is_registered(path: Path) -> bool:
    """Whether the plan is in the file; if not, the file may be empty, or half made and rolled back when opened."""
    with closing(sqlite3.connect(path)) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        assert tables in (set(), tables | {"meta", "runs", "to_do", "progress"}), tables
        return "meta" in tables and db.execute("SELECT 1 FROM meta WHERE key = 'plan'").fetchone() is not None


# --- exports that are killed ------------------------------------------------------------------------------------

EXPORT_KILLS = 12


def content_of(target: Path) -> object:
    """What an export holds: its bytes, or every row of every table; an error where it is not whole."""
    if target.suffix == ".csv":
        return target.read_bytes()
    duckdb = importlib.import_module("duckdb")
    if target.suffix == ".parquet":
        return duckdb.sql(f"SELECT * FROM read_parquet('{target}')").fetchall()
    with duckdb.connect(str(target), read_only=True) as db:
        tables = [
            name for (name,) in db.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        ]
        return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}


@unix
@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv", ".parquet", ".duckdb"])
def test_an_export_that_is_killed_leaves_the_whole_table_or_the_one_before(
    ending: str, tmp_path: Path
) -> None:
    """Kills at random moments of ``passaat export`` while a table of earlier is there, and while none is."""
    if ending != ".csv":
        pytest.importorskip("duckdb")
    study, target = tmp_path / "study.db", tmp_path / "out" / f"table{ending}"
    target.parent.mkdir()
    undisturbed(study, 250)
    before = study.read_bytes()
    with subprocess.Popen(
        [sys.executable, str(CHILDREN / "guard_child.py"), "export", str(study), str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:

        def child(**order: float) -> dict[str, float]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            answer: dict[str, float] = json.loads(process.stdout.readline())
            return answer

        child()
        seconds = child()["seconds"]  # the first has done what is done once
        whole = content_of(target)
        assert isinstance(whole, bytes | list | dict)
        assert len(whole["runs"] if isinstance(whole, dict) else whole) > 500
        rng, killed, left = np.random.default_rng(21), 0, set[str]()
        while killed < EXPORT_KILLS:
            earlier = b"a table of earlier\n" if killed % 2 else None
            target.unlink(missing_ok=True)
            if earlier is not None:
                target.write_bytes(earlier)
            answer = child(after=float(rng.uniform(0.0, seconds)))
            killed += answer["ended"] == -signal.SIGKILL
            found = target.read_bytes() if target.exists() else None
            assert found == earlier or content_of(target) == whole, "a part of a table"
            left |= {one.name for one in target.parent.iterdir()} - {target.name}
        assert left, "no kill fell while the table was written"
        # What a kill leaves hides behind a point, is no table, and is in nobody's way.
        assert all(name.startswith(".passaat-") for name in left)
        assert child()["ended"] == 0
        assert content_of(target) == whole
        assert study.read_bytes() == before
        assert process.stdin is not None
        process.stdin.close()


# --- Ctrl-C, and two processes at once --------------------------------------------------------------------------


@contextmanager
def sweeping(path: Path, size: int, pause: float) -> Iterator[subprocess.Popen[str]]:
    """A process that sweeps and has written its first runs."""
    process = subprocess.Popen(
        [sys.executable, str(CHILDREN / "sweep_child.py"), str(path), str(size)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PASSAAT_TOY_PAUSE=str(pause)),
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "running\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@unix
def test_ctrl_c_ends_at_once_keeps_whole_chunks_and_resumes(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with sweeping(path, 80, 0.01) as process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert process.returncode != 0
        assert "KeyboardInterrupt" in errors
    assert os.listdir(tmp_path) == ["study.db"], "a side file or a lock stayed behind"
    statuses = [status for _, status, _, _ in rows_of(path).values()]
    assert 0 < statuses.count("done") < len(statuses)
    resume(path, 80)
    assert csv_of(path) == undisturbed(tmp_path / "undisturbed.db", 80)


@unix
def test_a_second_process_is_refused_while_the_first_runs_and_may_read(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with sweeping(path, 80, 0.01) as first:
        with pytest.raises(StudyError, match="is being run by another process") as caught:
            resume(path, 80)
        assert "Wait for it" in caught.value.hint
        assert is_being_run(path)
        assert study_info(path).state == "being run"  # type: ignore[union-attr]
        seen = []
        for _ in range(3):
            table = load_table(path, ["cost_eur"])
            seen.append(table.n_missing)
            assert np.isnan(table.values).sum() > 0
            with closing(sqlite3.connect(path)) as plain:
                n_runs = plain.execute("SELECT sum(runs) FROM progress").fetchone()[0]
                assert n_runs == len(rows_of(path))
                done = plain.execute("SELECT count(*) FROM results WHERE cost_eur IS NOT NULL").fetchone()[0]
                assert done > 0
            runs_csv_of(path)
        assert seen == sorted(seen, reverse=True)
        assert first.poll() is None, "the first process was disturbed"
        first.kill()
        first.wait(10)
    # The lock went with its holder: the file beside the study says nothing by itself.
    assert (tmp_path / "study.db-running").exists()
    assert not is_being_run(path)
    assert study_info(path).state == "incomplete"  # type: ignore[union-attr]
    resume(path, 80)
    assert os.listdir(tmp_path) == ["study.db"]
    assert csv_of(path) == undisturbed(tmp_path / "undisturbed.db", 80)


@unix
@pytest.mark.slow
def test_of_two_processes_that_start_a_study_at_once_one_runs_and_one_is_told(tmp_path: Path) -> None:
    whole = undisturbed(tmp_path / "undisturbed.db", 80)
    for number in range(6):
        path = tmp_path / f"study-{number}.db"
        ended = subprocess.run(
            [sys.executable, str(CHILDREN / "guard_child.py"), "race", str(path), "80"],
            capture_output=True,
            text=True,
            env=environment(PASSAAT_TOY_PAUSE="0.004"),
            timeout=120,
            check=True,
        )
        assert ended.stderr == ""
        nothing, told = sorted(json.loads(ended.stdout))
        assert nothing == ""
        assert told.splitlines()[0] == f"{path} is being run by another process"
        assert told.splitlines()[1].startswith("Way out: Wait for it")
        assert csv_of(path) == whole
    names = ["undisturbed.db", *(f"study-{number}.db" for number in range(6))]
    assert sorted(os.listdir(tmp_path)) == sorted(names)


def runs_csv_of(path: Path) -> None:
    export(path, path.with_name("read-meanwhile.csv"), "runs")
    path.with_name("read-meanwhile.csv").unlink()


@unix
def test_of_many_processes_that_want_a_study_one_at_a_time_has_it(tmp_path: Path) -> None:
    """Processes that take and give back the lock as fast as they can never hold it two at a time."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from passaat.errors import StudyError\n"
        "from passaat.experiments.study import locks\n"
        "locks.BEING_RUN_SECONDS = 0.0\n"
        "path, held, end = Path(sys.argv[1]), 0, time.monotonic() + 2.0\n"
        "while time.monotonic() < end:\n"
        "    try:\n"
        "        lock = locks.take_lock(path)\n"
        "    except StudyError:\n"
        "        continue\n"
        "    mark = path.with_name('held')\n"
        "    mark.mkdir()\n"  # fails where another process holds the lock, too
        "    mark.rmdir()\n"
        "    held += 1\n"
        "    locks.give_back_lock(lock, str(path))\n"
        "print(held)\n"
    )
    many = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "study.db")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    answers = [one.communicate(timeout=60) for one in many]
    assert [errors for _, errors in answers] == ["", "", ""]
    assert all(int(held) > 0 for held, _ in answers)
    assert os.listdir(tmp_path) == []


def test_a_file_is_free_and_alone_after_every_normal_end(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    for _ in range(2):
        undisturbed(path, 4)
        load_table(path)
        assert os.listdir(tmp_path) == ["study.db"]
        assert path.read_bytes()[18:20] == b"\1\1", "a finished study needs no side file to be read"


# --- no room, no right to write ---------------------------------------------------------------------------------


def test_a_full_database_says_so_keeps_what_it_has_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same message as of a full disk, without one: SQLite may use no more pages than the plan took."""
    size, path, plan = 40, tmp_path / "study.db", toy_model.a_plan(40)
    whole = undisturbed(tmp_path / "undisturbed.db", size)
    with Study.open(path, TOY, plan.reference, plan.seed, "sweep") as study:
        register_plan(study, plan, TOY)
        study._db.execute(f"PRAGMA max_page_count = {study.row('PRAGMA page_count')[0] + 2}")
        with pytest.raises(StudyError, match="the disk is full") as caught:
            run_planned(study, TOY, Threads(1), stage="toy")
        assert "Make space" in caught.value.hint
        assert "is kept" in caught.value.problems[0]
        kept = study.row("SELECT count(*) FROM runs WHERE status = 'done'")[0]
        assert 0 < kept < study.row("SELECT count(*) FROM runs")[0]
        # The very same connection can go on once there is room.
        study._db.execute("PRAGMA max_page_count = 1000000")
        study.set_meta("tried", "again")
    assert sum(status == "done" for _, status, _, _ in rows_of(path).values()) == kept
    resume(path, size)
    assert csv_of(path) == whole


@unix
def test_a_file_that_may_not_grow_is_one_clear_error_and_resumes(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    whole = undisturbed(tmp_path / "undisturbed.db", 60)
    said = []
    for limit in (30_000, 120_000, 180_000):
        found = subprocess.run(
            [sys.executable, str(CHILDREN / "sweep_child.py"), str(path), "60", str(limit)],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        assert found.returncode == 2, (limit, found)
        assert "Way out" in found.stdout
        assert found.stderr == ""
        said.append(found.stdout)
        if path.exists() and _is_registered(path):
            for _, status, digest, values in rows_of(path).values():
                assert status == "planned" or digest == digest_of(status, "", values)
    assert all(str(path) in text for text in said)
    resume(path, 60)
    assert csv_of(path) == whole


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[Callable[[str], None]]:
    """A disk of this size, mounted at ``place``, with a function that mounts it anew; skipped where nobody may."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")

    def remount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)

    try:
        yield remount
    finally:
        subprocess.run(["umount", str(place)], check=True)


@unix
def test_a_full_disk_is_one_clear_error_and_resumes_once_there_is_room(tmp_path: Path) -> None:
    whole = undisturbed(tmp_path / "undisturbed.db", 60)
    with small_disk(tmp_path / "disk", 340) as remount:
        path = tmp_path / "disk" / "study.db"
        with pytest.raises(StudyError, match="the disk is full") as caught:
            resume(path, 60)
        assert "Make space" in caught.value.hint
        rows = rows_of(path)
        assert 0 < sum(status == "done" for _, status, _, _ in rows.values()) < len(rows)
        with pytest.raises(StudyError):
            export(path, tmp_path / "disk" / "out.csv")
        assert "out.csv" not in os.listdir(tmp_path / "disk")
        with pytest.raises(StudyError, match="the disk is full"):
            resume(path, 60)
        remount("size=8m")
        resume(path, 60)
        assert csv_of(path) == whole
        assert os.listdir(tmp_path / "disk") == ["study.db"]


@unix
def test_a_disk_that_may_only_be_read_is_said_to_be_so_and_can_be_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8_000) as remount:
        path = tmp_path / "disk" / "study.db"
        whole = undisturbed(path, 12)
        remount("ro")
        try:
            for size in (12, 20):
                with pytest.raises(StudyError, match="cannot be written") as caught:
                    resume(path, size)
                assert caught.value.hint
            with pytest.raises(StudyError, match="cannot be written"):
                resume(tmp_path / "disk" / "new.db", 12)
            assert csv_of(path) == whole
            assert load_table(path).n_missing == 0
            assert not is_being_run(path)
            with pytest.raises(StudyError, match="cannot be written"):
                export(path, tmp_path / "disk" / "out.csv")
        finally:
            remount("rw")


def test_a_connection_that_may_not_write_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    undisturbed(path, 4)
    with Study.read(path) as study, pytest.raises(StudyError, match="read-only"):
        study.set_meta("state", "mine")
    assert load_table(path).n_missing == 0


# --- damage -----------------------------------------------------------------------------------------------------


def look(path: Path) -> list[str]:
    """Do everything that can be done with a study file; what each of it says is wrong."""
    said = []
    for act in (
        lambda: load_table(path),
        lambda: export(path, path.with_name("out.csv")),
        lambda: export(path, path.with_name("out.csv"), "runs"),
        lambda: plan_of_file(path),
        lambda: resume(path, 12),
    ):
        try:
            act()
        except StudyError as error:
            said.append(str(error))
    assert all("Way out" in text for text in said)
    try:
        said += verify(path, sample=0, simulator=TOY).problems
    except StudyError as error:
        said.append(str(error))
    return said


def plan_of_file(path: Path) -> None:
    with Study.read(path) as study:
        plan_of(study)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "study.db"
    undisturbed(path, 12)
    return path


def damaged(sound: Path, tmp_path: Path, damage: Callable[[bytearray], bytes | bytearray]) -> Path:
    path = tmp_path / "study.db"
    path.write_bytes(bytes(damage(bytearray(sound.read_bytes()))))
    return path


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_off_is_one_clear_error(sound: Path, tmp_path: Path, share: float) -> None:
    path = damaged(sound, tmp_path, lambda data: data[: int(share * len(data))])
    with pytest.raises(StudyError, match="is damaged") as caught:
        load_table(path)
    assert len(caught.value.problems) == 1
    assert "copy" in caught.value.hint
    assert look(path)


def test_an_overwritten_header_is_one_clear_error(sound: Path, tmp_path: Path) -> None:
    path = damaged(sound, tmp_path, lambda data: bytes(100) + data[100:])
    for act in (load_table, lambda path: resume(path, 12)):
        with pytest.raises(StudyError, match="is not a study file"):
            act(path)
    assert path.read_bytes()[100:] == sound.read_bytes()[100:], "someone's file was written to"


def test_an_empty_file_is_no_study_and_can_become_one(sound: Path, tmp_path: Path) -> None:
    path = damaged(sound, tmp_path, lambda data: b"")
    with pytest.raises(StudyError, match="is empty: it holds no study yet"):
        load_table(path)
    resume(path, 12)
    assert csv_of(path) == csv_of(sound)


def test_bytes_overwritten_anywhere_are_an_error_or_change_nothing(sound: Path, tmp_path: Path) -> None:
    """Whatever bytes are lost, nothing but clear errors comes out, and no other number is passed off as sound."""
    rng = np.random.default_rng(7)
    whole, silent = csv_of(sound), 0
    for _ in range(60):
        length = int(rng.choice([1, 8, 64, 2_000]))

        def overwrite(data: bytearray, length: int = length) -> bytearray:
            place = int(rng.integers(0, len(data) - length))
            data[place : place + length] = rng.bytes(length)
            return data

        path = damaged(sound, tmp_path, overwrite)
        before = path.read_bytes()
        said = look(path)
        if not said:
            silent += 1
            assert csv_of(path) == whole, "other numbers were passed off as sound"
        for one in tmp_path.iterdir():
            one.unlink()
        del before
    assert silent < 50, "hardly any damage met anything"


def test_one_changed_cell_is_named_by_its_key(sound: Path, tmp_path: Path) -> None:
    path = damaged(sound, tmp_path, lambda data: data)
    with closing(sqlite3.connect(path)) as db, db:
        (key,) = db.execute("SELECT key FROM runs WHERE cost_eur > 0 ORDER BY key LIMIT 1").fetchone()
        db.execute("UPDATE runs SET cost_eur = cost_eur * (1 + 1e-15) WHERE key = ?", (key,))
    found = verify(path, sample=0, simulator=TOY)
    assert not found.sound
    assert key in found.problems[0]


@unix
def test_a_study_whose_journal_was_lost_goes_on_from_what_is_left(
    tmp_path: Path, nursery: Callable[[int, float], Nursery]
) -> None:
    """A kill leaves the newest runs in the journal beside the file; a copy of the file alone lacks them, no more."""
    path = tmp_path / "study.db"
    whole = undisturbed(tmp_path / "undisturbed.db", 60)
    run = nursery(60, 0.002)
    for commit in (3, 6, 9):
        assert run.child(commit=commit, inside=0.0) == -signal.SIGKILL
        assert Path(f"{path}-wal").stat().st_size > 0
        copy = tmp_path / f"copy-{commit}.db"
        shutil.copy(path, copy)
        resume(copy, 60)
        assert csv_of(copy) == whole


def test_an_error_in_the_middle_of_reading_is_a_study_error(sound: Path, tmp_path: Path) -> None:
    path = damaged(sound, tmp_path, lambda data: data)
    with Study.read(path) as study:
        rows = study.rows("SELECT key, cost_eur FROM runs ORDER BY draw, world, arm")
        assert next(rows)
        # Pages that SQLite has not read yet are gone when it comes to them.
        with path.open("r+b") as file:
            file.truncate(3 * 4096)
        with pytest.raises(StudyError, match="damaged"):
            list(rows)
