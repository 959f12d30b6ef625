"""A study may come from anyone: it is data, and nothing in it is carried out, nor anything beside it destroyed."""

from __future__ import annotations

import csv
import errno
import importlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from passaat import cli
from passaat.errors import PassaatError, StudyError
from passaat.experiments.analyses.compare import compare
from passaat.experiments.analyses.replicate import replicate
from passaat.experiments.analyses.stored import comparison_values, stored_comparison
from passaat.experiments.analyses.structures import compare_structures
from passaat.experiments.analyses.studies import list_studies, study_info
from passaat.experiments.analyses.sweep import load_table, sweep
from passaat.experiments.analyses.verify import verify
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.cells import Design
from passaat.experiments.design.policies import Arm
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.export import export, runs_csv
from passaat.experiments.results.cells import csv_value, no_formula
from passaat.experiments.run.crew import Threads
from passaat.experiments.study import connection, locks
from passaat.experiments.study.connection import APPLICATION_ID, EMPTY, is_study
from passaat.experiments.study.keys import digest_of
from passaat.experiments.study.locks import is_being_run
from passaat.experiments.study.messages import explain
from passaat.experiments.study.records import RunRecord
from passaat.experiments.study.study import SEAL, Study
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

CHILDREN = Path(__file__).parents[2] / "children"
if str(CHILDREN) not in sys.path:
    sys.path.append(str(CHILDREN))
toy_model: Any = importlib.import_module("toy_model")
TOY: Simulator = toy_model.SIMULATOR

unix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and locks")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep, of which every test has a copy."""
    path = tmp_path_factory.mktemp("made") / "study.db"
    sweep(toy_model.a_plan(6), study_path=path, crew=Threads(1), simulator=TOY)
    return path


@pytest.fixture
def swept(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def change(path: Path, *statements: str) -> None:
    """Change a file behind passaat's back, as its sender may have."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            db.execute(statement)


def csv_of(path: Path) -> str:
    with Study.read(path) as study:
        return runs_csv(study)


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


# --- what a file brings along is refused before it is used --------------------------------------------------------

ORDER = "INT); COPY (SELECT 42) TO '{folder}/written-by-the-study.csv'; --"
"""For DuckDB, which carried it out when it stood in the name of a column."""

HOSTILE = {
    "a table": ("CREATE TABLE mine (x)", "table mine is none of its own"),
    "a column that is an order to DuckDB": (
        f'CREATE TABLE x ("a"" {ORDER}" INT)',
        "table x is none of its own",
    ),
    "a table that is an order to DuckDB": (f'CREATE TABLE "x (a {ORDER}" (a)', "is none of its own"),
    "a view": ("CREATE VIEW more AS SELECT * FROM runs", "view more is none of its own"),
    "a view in place of another": (
        "UPDATE sqlite_master SET sql = 'CREATE VIEW progress AS SELECT 1 AS role' WHERE name = 'progress'",
        "view progress has been changed",
    ),
    "an endless view": (
        "UPDATE sqlite_master SET sql = 'CREATE VIEW results AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
        " SELECT i + 1 FROM n) SELECT max(i) AS point FROM n' WHERE name = 'results'",
        "view results has been changed",
    ),
    "a trigger": (
        "CREATE TRIGGER t AFTER UPDATE ON runs BEGIN DELETE FROM runs; END",
        "trigger t is none of its own",
    ),
    "an index": ("CREATE INDEX fast ON runs (key)", "index fast is none of its own"),
    "an index on an expression": ("CREATE INDEX fast ON runs (hex(key))", "index fast is none of its own"),
    "a column": ("ALTER TABLE runs ADD COLUMN more REAL DEFAULT 1", "table runs has been changed"),
    "a generated column": (
        "ALTER TABLE runs ADD COLUMN more REAL GENERATED ALWAYS AS (world * 2) VIRTUAL",
        "table runs has been changed",
    ),
    "a column whose name is an order": (
        'ALTER TABLE runs ADD COLUMN "x REAL); DROP TABLE runs; --" REAL',
        "table runs has been changed",
    ),
    "a factor that the sender made up": (
        'ALTER TABLE points ADD COLUMN "a"" ; b" REAL',
        "table points has been changed",
    ),
    "a virtual table": ("CREATE VIRTUAL TABLE v USING fts5(x)", "table v is none of its own"),
    "a rule": (
        "UPDATE sqlite_master SET sql = replace(sql, 'world INTEGER NOT NULL,',"
        " 'world INTEGER NOT NULL CHECK (random()),') WHERE name = 'runs'",
        "table runs has been changed",
    ),
    "a value by default": (
        "UPDATE sqlite_master SET sql = replace(sql, 'value TEXT NOT NULL',"
        " 'value TEXT NOT NULL DEFAULT (hex(1))') WHERE name = 'meta'",
        "table meta has been changed",
    ),
    "a table that is gone": ("DROP TABLE worlds", "table worlds is missing"),
    "an index that is gone": ("DROP INDEX to_do", "index to_do is missing"),
    "a control sequence": ('CREATE TABLE "\x1b[2J" (x)', r"table \\x1b\[2J is none of its own"),
}


def every_use(path: Path, folder: Path) -> Iterator[Callable[[], object]]:
    """Whatever can be done with a study file."""
    plan = toy_model.a_plan(6)
    yield lambda: Study.read(path).close()
    yield lambda: Study.edit(path).close()
    yield lambda: Study.open(path, TOY, plan.reference, 1, "sweep").close()
    yield lambda: sweep(plan, study_path=path, simulator=TOY)
    yield lambda: sweep(plan, study_path=folder / "new.db", simulator=TOY, reuse=[path])
    yield lambda: load_table(path)
    yield lambda: verify(path, simulator=TOY)
    yield lambda: comparison_values(path)
    yield lambda: stored_comparison(path)
    for ending in (".csv", ".duckdb", ".parquet"):
        yield lambda ending=ending: export(path, folder / f"out{ending}")  # type: ignore[misc]


@pytest.mark.parametrize("what", HOSTILE)
def test_what_no_study_has_is_refused_by_every_use_and_named(what: str, swept: Path, tmp_path: Path) -> None:
    statement, words = HOSTILE[what]
    try:
        change(swept, statement.replace("{folder}", str(tmp_path)))
    except sqlite3.OperationalError as error:  # this SQLite has no such modules
        pytest.skip(str(error))
    before = contents(tmp_path)
    for use in every_use(swept, tmp_path):
        with pytest.raises(StudyError, match=words) as caught:
            use()
        assert "is no study as passaat writes it, and was not used" in caught.value.problems[0]
        assert len(caught.value.problems) == 1
        assert "Take a copy that nobody has changed" in caught.value.hint
        assert "\x1b" not in str(caught.value)
        assert contents(tmp_path) == before
    (info,) = list_studies(tmp_path)
    assert info.state.startswith("not readable: ")
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "command", ["studies", "resume", "verify", "tradeoffs", "sensitivity", "export", "extend", "compare"]
)
def test_every_command_says_one_error_of_a_hostile_study(command: str, swept: Path, tmp_path: Path) -> None:
    change(swept, HOSTILE["a trigger"][0])
    more = {
        "export": ["--to", str(tmp_path / "out.csv")],
        "extend": ["--worlds", "9"],
        "compare": ["--study", str(swept), "--draws", "2"],
    }
    words = ["pib"] if command == "compare" else [str(swept)]
    before = contents(tmp_path)
    more["studies"] = ["--json"]
    result = CliRunner().invoke(cli.app, [command, *words, *more.get(command, [])])
    assert result.exit_code == (0 if command == "studies" else 2), result.output
    assert "trigger t is none of its own" in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert contents(tmp_path) == before


def test_names_that_belong_together_but_do_not_are_damage(swept: Path) -> None:
    for statement, words in (
        ("UPDATE outcomes SET name = 'other' WHERE position = 0", "its outcomes are not the columns"),
        ("UPDATE meta SET value = 'a b c d' WHERE key = 'outcomes'", "its outcomes are not the columns"),
        ("UPDATE factors SET name = 'assessors' WHERE position = 0", "its factors are not the columns"),
        (
            "UPDATE policies SET policy = hex(zeroblob(9000)) WHERE position = 1",
            "policies.policy holds .* 10,000 characters",
        ),
        ("UPDATE outcomes SET meaning = CAST('x' AS BLOB)", r"outcomes.meaning holds b'x'"),
    ):
        copy = Path(shutil.copy(swept, swept.with_name("copy.db")))
        change(copy, statement)
        with pytest.raises(StudyError, match=words):
            Study.read(copy)


def test_a_plan_over_other_factors_is_damage(swept: Path) -> None:
    """Its names would otherwise stand in a query."""
    with Study.read(swept) as study:
        stored = json.loads(study.meta("plan"))
    stored["factors"][0]["name"] = 'x" FROM points UNION SELECT key --'
    with closing(sqlite3.connect(swept, isolation_level=None)) as db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'plan'", (json.dumps(stored),))
    with pytest.raises(StudyError, match="its points are not those of its plan"):
        load_table(swept)
    assert any("its points are not those of its plan" in one for one in verify(swept, simulator=TOY).problems)


def test_outcomes_that_cannot_be_columns_are_refused_before_a_file_is_made(
    tmp_path: Path, pib: Scenario
) -> None:
    for name in ("Big", 'a"b', "a b", "", "a" * 101, "1st"):
        odd = replace(TOY, outcomes=[replace(TOY.outcomes[0], name=name), *TOY.outcomes[1:]])  # type: ignore[type-var]
        with pytest.raises(StudyError, match="cannot be columns"):
            Study.open(tmp_path / "study.db", odd, pib, 1)
    assert contents(tmp_path) == {}


# --- exports ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_of_an_export_is_a_formula_and_numbers_stay_numbers(
    sign: str, swept: Path, tmp_path: Path
) -> None:
    text = f"{sign}HYPERLINK(1)"
    with closing(sqlite3.connect(swept, isolation_level=None)) as db:
        db.execute("UPDATE runs SET reason = ?, cost_eur = -5.5 WHERE world = 0", (text,))
        db.execute("UPDATE arms SET name = ? WHERE role = 'option'", (text,))
    written_anew(swept)
    export(swept, tmp_path / "out.csv", "runs")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    reasons, names = ({row[column] for row in rows} for column in ("reason", "name"))
    assert f"'{text}" in reasons & names
    assert text not in reasons | names
    assert "-5.5" in {row["cost_eur"] for row in rows}
    assert (csv_value(text), csv_value(-1.5), csv_value(-2), no_formula("a=b")) == (
        f"'{text}",
        "-1.5",
        -2,
        "a=b",
    )


# --- logs: reading never writes, and a log of another file is named -------------------------------------------------


def recorded(study: Study, worlds: range) -> None:
    """Record a run in each of these worlds, each in a transaction of its own."""
    for world in worlds:
        study.record([RunRecord(0, world, 1, "done", values=np.full(4, float(world)))])


def begun(path: Path, worlds: int = 12) -> Study:
    """An open study with so many planned runs of the reference."""
    reference = load_scenario("pib", "reference")
    study = Study.open(path, TOY, reference, 1)
    arm = Arm.of(reference, "reference", "pib")
    study.register_parameters(TOY.draw_parameters(1, 1))
    study.register([arm], list(Design(1, worlds).cells()))
    return study


def done_in(path: Path) -> int:
    with Study.read(path) as study:
        return int(study.row("SELECT count(*) FROM runs WHERE status = 'done'")[0])


def as_killed(study: Study, folder: Path) -> Path:
    """The files of an open study as they would be left if its process were killed now."""
    folder.mkdir(exist_ok=True)
    place = Path(study.place)
    for ending in ("", "-wal"):
        shutil.copy(f"{place}{ending}", folder)
    return folder / place.name


def kept_apart(folder: Path) -> dict[str, bytes]:
    """What lies in a folder but the index of a log, which SQLite makes anew from the log."""
    return {name: data for name, data in contents(folder).items() if not name.endswith("-shm")}


def test_what_was_left_by_a_kill_is_read_with_its_log_and_left_as_it_was(tmp_path: Path) -> None:
    with begun(tmp_path / "study.db") as study:
        recorded(study, range(5))
        path = as_killed(study, tmp_path / "killed")
    before = kept_apart(path.parent)
    assert done_in(path) == 5
    (info,) = list_studies(path.parent)
    assert (info.done, info.planned, info.state) == (5, 7, "incomplete")
    export(path, tmp_path / "out.csv", "runs")
    assert kept_apart(path.parent) == before
    Study.edit(path).close()
    assert [one.name for one in path.parent.iterdir()] == ["study.db"]
    assert done_in(path) == 5


def restored(which: str, tmp_path: Path) -> Path:
    """A copy of a study that was put back beside the log of a later state of it, or of another study."""
    path, copy = tmp_path / "study.db", tmp_path / "copy.db"
    if which == "closed":
        begun(path).close()
        shutil.copy(path, copy)
    with begun(path) as study:
        recorded(study, range(2))
        if which == "emptied":  # a copy of the file alone, while it was run
            study._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(path, copy)
            recorded(study, range(2, 4))
            study._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        recorded(study, range(4, 6))
        if which == "newer":
            ahead = as_killed(study, tmp_path / "ahead")
            recorded(study, range(6, 12))
            study._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(path, copy)
            found = ahead
        else:
            found = as_killed(study, tmp_path / "killed")
    if which == "another study":
        other = Study.open(tmp_path / "other.db", TOY, load_scenario("pib", "reference"), 2)
        for _ in range(9):
            other.set_meta("again", "and again")
        shutil.copy(tmp_path / "other.db", copy)
        other.close()
    shutil.copy(copy, found)
    return found


@pytest.mark.parametrize("which", ["closed", "emptied", "newer", "another study"])
def test_a_log_of_another_file_is_named_and_nothing_is_touched(which: str, tmp_path: Path) -> None:
    path = restored(which, tmp_path)
    before = contents(path.parent)
    reference = load_scenario("pib", "reference")
    uses: tuple[Callable[[], object], ...] = (
        lambda: Study.read(path),
        lambda: Study.edit(path),
        lambda: Study.open(path, TOY, reference, 1),
        lambda: export(path, tmp_path / "out.csv"),
        lambda: verify(path, simulator=TOY),
    )
    hint = ""
    for use in uses:
        with pytest.raises(
            StudyError, match=r"lies study\.db-wal, a log that does not belong to it"
        ) as caught:
            use()
        hint = caught.value.hint
        assert contents(path.parent) == before
    (info,) = list_studies(path.parent)
    assert "study.db-wal, a log that does not belong to it" in info.state
    assert contents(path.parent) == before
    command = hint.split("`")[1]
    if os.name != "nt":
        subprocess.run(["sh", "-c", command], check=True)
        assert sorted(one.name for one in path.parent.iterdir()) == ["study.db", "study.db-wal.aside"]
        assert path.read_bytes() == before["study.db"]
        Study.read(path).close()


def test_a_log_beside_no_study_is_not_swept_away_by_a_new_one(tmp_path: Path) -> None:
    path = restored("closed", tmp_path)
    path.unlink()
    before = contents(path.parent)
    with pytest.raises(StudyError, match="the study itself is not there"):
        begun(path)
    assert contents(path.parent) == before


def half_written(path: Path, folder: Path) -> Path:
    """A study in the middle of a write without a log of WAL kind, as a power cut would leave it."""
    folder.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 2")  # so that pages reach the file before the end
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE runs SET reason = hex(randomblob(500))")
        for ending in ("", "-journal"):
            shutil.copy(f"{path}{ending}", folder)
        db.execute("ROLLBACK")
    assert path.read_bytes() != (folder / path.name).read_bytes()
    return folder / path.name


def test_a_half_written_study_is_read_as_it_was_and_left_as_it_is(swept: Path, tmp_path: Path) -> None:
    whole = csv_of(swept)
    path = half_written(swept, tmp_path / "cut")
    before = contents(path.parent)
    assert csv_of(path) == whole
    assert study_info(path).state == "complete"  # type: ignore[union-attr]
    assert contents(path.parent) == before
    assert not [one for one in Path(tempfile.gettempdir()).glob("passaat-*") if (one / path.name).exists()]
    Study.edit(path).close()
    assert csv_of(path) == whole
    assert os.listdir(path.parent) == ["study.db"]


def test_a_journal_of_another_file_is_named_and_nothing_is_touched(swept: Path, tmp_path: Path) -> None:
    path = half_written(swept, tmp_path / "cut")
    with Study.edit(swept) as study:
        for _ in range(3):
            study.set_meta("tried", "again")
    shutil.copy(swept, path)
    before = contents(path.parent)
    for use in (Study.read, Study.edit):
        with pytest.raises(StudyError, match=r"lies study\.db-journal, a log that does not belong to it"):
            use(path)
    (info,) = list_studies(path.parent)
    assert "study.db-journal" in info.state
    assert contents(path.parent) == before


def test_of_a_study_that_was_just_being_made_its_journal_is_known(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    begun(path).close()
    # Magic, pages that were saved, a random number, pages before, size of a sector and of a page.
    numbers = b"".join(number.to_bytes(4, "big") for number in (0, 7, 0, 512, 4096))
    Path(f"{path}-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + numbers + bytes(512))
    before = path.read_bytes()
    with pytest.raises(StudyError, match="it is of a file that was just being made, and this one is older"):
        begun(path)
    assert path.read_bytes() == before
    path.write_bytes(b"")
    begun(path).close()


@unix
@pytest.mark.slow
def test_after_every_kill_the_log_is_known_as_its_own_and_reading_changes_nothing(tmp_path: Path) -> None:
    path, rng = tmp_path / "study.db", np.random.default_rng(3)
    child = subprocess.Popen(
        [sys.executable, str(CHILDREN / "crash_child.py"), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(CHILDREN), *sys.path]),
            "PASSAAT_TOY_PAUSE": "0.001",
        },
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()
    logs = 0
    for number in range(40):
        orders = (
            {"statement": int(rng.integers(1, 900))},
            {"commit": int(rng.integers(1, 6)), "inside": 0.0005},
        )
        child.stdin.write(json.dumps({"size": 100, **orders[number % 2]}) + "\n")
        child.stdin.flush()
        child.stdout.readline()
        logs += any(Path(f"{path}-{kind}").exists() for kind in ("wal", "journal"))
        before = kept_apart(tmp_path)
        info = study_info(path)
        assert info is None or info.state in ("incomplete", "complete", EMPTY), info.state
        assert kept_apart(tmp_path) == before
        if info is not None and info.state == "complete":
            for ending in ("", "-wal", "-shm", "-journal"):
                Path(f"{path}{ending}").unlink(missing_ok=True)
    child.stdin.close()
    child.stdout.close()
    child.wait(10)
    assert logs > 20
    sweep(toy_model.a_plan(100), study_path=path, simulator=TOY)
    assert verify(path, sample=10, simulator=TOY).sound


def test_a_reader_leaves_a_study_that_is_run_alone(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with begun(path) as study:
        recorded(study, range(3))
        with Study.read(path) as reader, reader.snapshot():
            (before,) = reader.row("SELECT count(*) FROM runs WHERE status = 'done'")
            recorded(study, range(3, 6))
            assert reader.row("SELECT count(*) FROM runs WHERE status = 'done'") == (before,)
        reader = Study.read(path)
    reader.close()
    # The reader was in the way of tidying up: what was recorded is in the file, and reading writes nothing.
    alone = Path(shutil.copy(path, tmp_path / "alone.db"))
    assert done_in(alone) == done_in(path) == 6
    assert not Path(f"{alone}-wal").exists()


def test_a_study_in_wal_mode_is_read_where_nobody_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begun(tmp_path / "study.db") as study:
        recorded(study, range(5))
        path = as_killed(study, tmp_path / "killed")
    monkeypatch.setattr("passaat.experiments.study.study.os.access", lambda place, mode: mode != os.W_OK)
    before = contents(path.parent)
    assert done_in(path) == 5
    assert contents(path.parent) == before


# --- one process at a time, and what it holds -----------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="needs flock")
def test_only_a_lock_that_somebody_has_is_told_as_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "BEING_RUN_SECONDS", 0.0)
    path = tmp_path / "study.db"
    (tmp_path / "study.db-running").touch()
    found: list[int] = []

    def refuse(*_: object) -> None:
        raise OSError(found[-1], os.strerror(found[-1]))

    monkeypatch.setattr("passaat.experiments.study.locks.fcntl.flock", refuse)
    for number in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
        found.append(number)
        assert is_being_run(path)
        with pytest.raises(StudyError, match="is being run by another process"):
            begun(path)
    for number in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO):
        found.append(number)
        assert not is_being_run(path)
        with pytest.raises(StudyError, match="cannot be locked against other processes") as caught:
            begun(path)
        assert os.strerror(number) in caught.value.problems[0]
        assert "on a disk of this machine" in caught.value.hint
    assert not path.exists()


def asked_elsewhere(path: Path) -> str:
    """What another process says of a study: "held" or "free"."""
    code = (
        "import sys; from pathlib import Path; from passaat.experiments.study.locks import is_being_run;"
        " print('held' if is_being_run(Path(sys.argv[1])) else 'free')"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return found.stdout.strip()


def test_a_study_is_removed_while_its_lock_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen, unlink = tmp_path / "study.db", [], Path.unlink

    def watched(one: Path, missing_ok: bool = False) -> None:
        if one == path:
            seen.append(asked_elsewhere(path))
        unlink(one, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    with pytest.raises(KeyboardInterrupt), begun(path) as study, study.removed_if_empty():
        raise KeyboardInterrupt
    assert seen == ["held"]
    assert os.listdir(tmp_path) == []
    assert asked_elsewhere(path) == "free"


@unix
def test_a_study_that_took_the_place_of_an_empty_one_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with begun(tmp_path / "mine.db") as mine:
        recorded(mine, range(3))

    def replaced() -> None:
        os.replace(tmp_path / "mine.db", path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), begun(path) as study, study.removed_if_empty():
        replaced()
    assert done_in(path) == 3


@unix
def test_of_two_processes_neither_removes_what_the_other_has_begun(tmp_path: Path) -> None:
    """One begins and is stopped at once, again and again; the other begins, records a run, and looks for its file."""
    common = (
        "import sys, time\n"
        "from contextlib import suppress\n"
        "from pathlib import Path\n"
        "import test_hostile_studies as t\n"
        "from passaat.experiments.study import study as store\n"
        "from passaat.errors import StudyError\n"
        "path, times, end = Path(sys.argv[1]), 0, time.monotonic() + 3.0\n"
        "store.BEING_RUN_SECONDS = 0.2\n"
        "while time.monotonic() < end:\n"
    )
    stopped = (  # as on a slow disk: what is removed goes a little later than it is asked for
        "    unlink = Path.unlink\n"
        "    Path.unlink = lambda *one, **how: (time.sleep(0.02), unlink(*one, **how))\n"
        "    with suppress(KeyboardInterrupt, StudyError), t.begun(path, 2) as study, study.removed_if_empty():\n"
        "        times += 1\n"
        "        raise KeyboardInterrupt\n"
        "    Path.unlink = unlink\n"
    )
    working = (
        "    with suppress(StudyError), t.begun(path, 2) as study:\n"
        "        t.recorded(study, range(1))\n"
        "        time.sleep(0.005)\n"
        "        assert store.os.path.samestat(study._file, path.stat())\n"
        "        times += 1\n"
        "        path.unlink()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", f"{common}{what}print(times)", str(tmp_path / "study.db")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for what in (stopped, working)
    ]
    answers = [one.communicate(timeout=60) for one in both]
    assert [errors for _, errors in answers] == ["", ""]
    assert all(int(times) > 3 for times, _ in answers)


def test_a_program_that_holds_the_study_costs_a_wait_and_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LOCK_WAIT_SECONDS", 0.05)
    path, said = tmp_path / "study.db", list[str]()
    with begun(path) as study:
        study.say = said.append
        holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.6, holder.close)  # more than ten times as long as one waits
        release.start()
        recorded(study, range(3))
        release.join()
        assert [one.split(":")[0] for one in said] == [f"Another program holds {path}"]
    assert done_in(path) == 3


def test_ctrl_c_ends_the_wait_for_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOCK_WAIT_SECONDS", 0.05)
    path = tmp_path / "study.db"

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with begun(path) as study:
        recorded(study, range(1))
        study.say = stop
        with closing(sqlite3.connect(path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(KeyboardInterrupt):
                recorded(study, range(1, 3))
    assert done_in(path) == 1


@pytest.mark.parametrize("word", [":memory:"])
def test_a_study_in_memory_is_refused_by_name(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match="every run would be lost") as caught:
        begun(Path(word))
    assert "study.db" in caught.value.hint
    result = CliRunner().invoke(cli.app, ["compare", "pib", "--study", word, "--draws", "2"])
    assert result.exit_code == 2
    assert os.listdir(tmp_path) == []


@unix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_end_ends_like_ctrl_c(name: str) -> None:
    code = (
        # Under nohup, or behind a shell that has gone, a child is born deaf to it.
        f"import signal, time; signal.signal(signal.{name}, signal.SIG_DFL); from passaat import cli\n"
        "def work(): print('ready', flush=True); time.sleep(60)\n"
        "cli.app = work; cli.main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(getattr(signal, name))
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == f"{name}: stopping as after Ctrl-C.\nStopped.\n"


@unix
def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from passaat import cli; cli.app = lambda: (signal.raise_signal(signal.SIGHUP), print('went on')); cli.main()"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert found.stdout == "went on\n"


# --- verify: the whole design, not only its runs --------------------------------------------------------------------

FOLLOW_UP, GO_NO_GO = (load_scenario(name, "option") for name in ("follow-up", "go-no-go"))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, toy: Simulator, pib: Scenario) -> Path:
    """A folder with a finished comparison and a finished sweep of two options."""
    folder = tmp_path_factory.mktemp("both")
    compare(
        pib,
        [FOLLOW_UP, GO_NO_GO],
        draws=3,
        worlds_per_draw=3,
        study_path=folder / "compared.db",
        simulator=toy,
    )
    plan = toy_model.a_plan(5, options=("go-no-go", "follow-up"))
    sweep(plan, study_path=folder / "swept.db", crew=Threads(1), simulator=TOY)
    return folder


SWAP = (
    "UPDATE {0} SET {1} = '~' WHERE {1} = 'go-no-go'",
    "UPDATE {0} SET {1} = 'go-no-go' WHERE {1} = 'follow-up'",
    "UPDATE {0} SET {1} = 'follow-up' WHERE {1} = '~'",
)
SWAP_NAMES, SWAP_POLICIES = (
    tuple(one.format(*place) for one in SWAP) for place in (("arms", "name"), ("policies", "policy"))
)
SWAPPED = {
    "names of options": (*SWAP_NAMES,),
    "names of options and of their scenarios": (
        *SWAP_NAMES,
        "UPDATE scenarios SET scenario = replace(replace(replace(scenario, 'pib+follow-up', '~'), 'pib+go-no-go',"
        " 'pib+follow-up'), '~', 'pib+go-no-go')",
    ),
    "a name": ("UPDATE arms SET name = 'better' WHERE name = 'follow-up'",),
    "a role": ("UPDATE arms SET role = 'reference' WHERE name = 'follow-up'",),
    "reference and option": (
        "UPDATE arms SET role = CASE role WHEN 'reference' THEN 'option' ELSE 'reference' END"
        " WHERE name IN ('pib', 'follow-up') AND amount_factor = 1.0",
    ),
    "a twin": ("UPDATE arms SET twin = 2 WHERE name = 'follow-up'",),
    "better": ("UPDATE outcomes SET better = 'higher' WHERE better = 'lower'",),
    "units": ("UPDATE outcomes SET unit = 'M EUR' WHERE unit = 'EUR'",),
    "a meaning": ("UPDATE outcomes SET meaning = 'all that is good' WHERE position = 1",),
    "the seed": ("UPDATE meta SET value = '2' WHERE key = 'seed'",),
    "a seed that is none": ("UPDATE meta SET value = 'x' WHERE key = 'seed'",),
    "the reference's name": ("UPDATE meta SET value = 'pib-next' WHERE key = 'reference'",),
    "the reference's hash": ("UPDATE meta SET value = 'abc' WHERE key = 'reference hash'",),
    "the words for draws": ("UPDATE meta SET value = 'posterior, calibrated' WHERE key = 'drawn from'",),
    "the state": ("UPDATE meta SET value = 'perfect' WHERE key = 'state'",),
    "the kind": ("UPDATE meta SET value = 'proof' WHERE key = 'kind'",),
    "a digest of parameters": ("UPDATE draws SET digest = 'abc' WHERE draw = 1",),
    "a world taken out": ("DELETE FROM runs WHERE world = (SELECT max(world) FROM runs)",),
    "a draw taken out": ("DELETE FROM runs WHERE draw = (SELECT max(draw) FROM runs)",),
    "worlds without programme taken out": ("DELETE FROM runs WHERE arm = 1",),
    "all but one run taken out": ("DELETE FROM runs WHERE draw > 0 OR world > 0 OR arm > 1",),
    "planned though complete": ("UPDATE runs SET status = 'planned' WHERE draw = 1",),
    "a run that was never registered": (
        "INSERT INTO runs SELECT draw, world + 100, arm, world_seed, key, status, reason, digest{columns} FROM runs"
        " WHERE draw = 0 AND world = 0 AND arm = 1",
    ),
    "base draws under other numbers": ("UPDATE parameters SET base = base + 1000 WHERE base > 0",),
}
OF_A_SWEEP = {
    "policies": (*SWAP_POLICIES,),
    "who takes levers": ("UPDATE policies SET takes_levers = 1 - takes_levers",),
    "a factor's kind": ("UPDATE factors SET kind = 'uncertainty' WHERE position = 0",),
    "a factor's unit": ("UPDATE factors SET unit = 'M EUR' WHERE position = 0",),
    "a point more": (
        "INSERT INTO points SELECT 77, parameter_set, in_world, levers{factors} FROM points LIMIT 1",
    ),
    "a world more": ("INSERT INTO worlds VALUES (77)",),
}
OF_A_COMPARISON = {
    "an amount": ("UPDATE arms SET amount_factor = amount_factor + 7 WHERE amount_factor != 1.0",),
    "equal public money": ("UPDATE meta SET value = '{\"follow-up\": 0.5}' WHERE key = 'equal money'",),
    "equal public money, beyond reading": ("UPDATE meta SET value = '{' WHERE key = 'equal money'",),
    "settings": ("UPDATE arms SET settings = '{\"assessors\":3}' WHERE name = 'follow-up'",),
    "a policy taken out": (
        "DELETE FROM runs WHERE arm = (SELECT arm FROM arms WHERE name = 'go-no-go')",
        "DELETE FROM arms WHERE name = 'go-no-go'",
        "UPDATE meta SET value = (SELECT count(*) FROM runs) WHERE key = 'runs registered'",
    ),
    "a larger plan": (
        "UPDATE meta SET value = replace(value, '\"draws\": 3', '\"draws\": 4') WHERE key = 'plan'",
    ),
}


def written_anew(path: Path) -> None:
    """Digests of all results and of the description made anew, as somebody would who knows how."""
    with Study.read(path) as study:
        columns = "".join(f', "{name}"' for name in study.outcome_names)
        runs = list(
            study.rows(f"SELECT draw, world, arm, status, reason{columns} FROM runs WHERE digest <> ''")
        )
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for draw, world, arm, status, reason, *values in runs:
            db.execute(
                "UPDATE runs SET digest = ? WHERE (draw, world, arm) = (?, ?, ?)",
                (digest_of(status, reason, values), draw, world, arm),
            )
    with Study.edit(path) as study:
        study.set_meta("state", study.meta("state"))


def altered(path: Path, statements: Sequence[str]) -> None:
    """Change a study, and see that this changes something. Its seal is made anew, so that the change has to be found
    by itself.
    """
    with Study.read(path) as study:
        columns = "".join(f', "{name}"' for name in study.outcome_names)
        factors = "".join(f', "{name}"' for name in study.factor_names)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            done = db.execute(statement.replace("{columns}", columns).replace("{factors}", factors))
            assert done.rowcount, statement
    with Study.edit(path) as study:
        study.set_meta("state", study.meta("state"))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        *(("compared", what) for what in (SWAPPED | OF_A_COMPARISON)),
        *(("swept", what) for what in (SWAPPED | OF_A_SWEEP)),
    ],
)
def test_a_design_that_was_changed_is_not_sound(
    what: str, kind: str, both: Path, tmp_path: Path, toy: Simulator
) -> None:
    path, model = Path(shutil.copy(both / f"{kind}.db", tmp_path)), toy if kind == "compared" else TOY
    assert verify(path, sample=0, simulator=model).summary()[-1] == "The study is sound."
    altered(path, (SWAPPED | OF_A_SWEEP | OF_A_COMPARISON)[what])
    found = verify(path, sample=3, simulator=model)
    assert not found.sound, what
    assert found.summary()[-1] == "The study is NOT sound."


def test_what_is_wrong_with_a_design_is_said_in_words(both: Path, tmp_path: Path, toy: Simulator) -> None:
    path = tmp_path / "compared.db"
    for what, words in (
        ("names of options", "option go-no-go has the runs of pib+follow-up"),
        ("names of options", "is called go-no-go (option); it is follow-up (option)"),
        ("better", "its better direction is 'higher', and in the model 'lower'"),
        ("units", "its unit is 'M EUR', and in the model 'EUR'"),
        ("a world taken out", "runs were registered, and"),
        ("a draw taken out", "was asked for in 9 worlds; 6 are there"),
        ("the words for draws", "its draws are said to be 'posterior, calibrated'; they are 'prior ranges"),
        (
            "equal public money",
            "follow-up at equal public money through amount was asked for in 9 worlds; 0 are",
        ),
    ):
        shutil.copy(both / "compared.db", path)
        altered(path, (SWAPPED | OF_A_COMPARISON)[what])
        problems = verify(path, sample=0, simulator=toy).problems
        assert any(words in problem for problem in problems), (what, problems)


def test_parameters_and_worlds_of_another_seed_are_found_though_every_digest_fits(
    both: Path, tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    """A study of seed 2 that says it is one of seed 1: each key and digest is right."""
    path = tmp_path / "study.db"
    compare(pib, [FOLLOW_UP], draws=3, worlds_per_draw=2, seed=2, study_path=path, simulator=toy)
    assert verify(path, sample=0, simulator=toy).sound
    altered(
        path,
        [
            "UPDATE meta SET value = '1' WHERE key = 'seed'",
            "UPDATE meta SET value = replace(value, '\"seed\": 2', '\"seed\": 1') WHERE key = 'plan'",
        ],
    )
    problems = verify(path, sample=100, simulator=toy).problems
    assert [one.split(":")[0] for one in problems] == [
        "base draws that seed 1 does not make of prior ranges",
        "worlds that are not those of the study's seed",
    ]


def test_draws_of_a_posterior_that_is_not_here_are_said_not_to_be_checked(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path, basis = tmp_path / "study.db", Basis("posterior", "PIB", "abc", 99.0)
    compare(
        pib, [FOLLOW_UP], draws=2, worlds_per_draw=2, study_path=path, simulator=replace(toy, basis=basis)
    )
    found = verify(path, sample=3, simulator=toy)
    assert (found.problems, found.repeated) == ((), 3)
    assert found.not_checked == (
        "its parameters were drawn from posterior abc; here is prior ranges, so their origin cannot be told",
    )
    assert f"Not checked: {found.not_checked[0]}." in found.summary()
    assert verify(path, simulator=replace(toy, basis=basis)).not_checked == ()
    # Under its own name another sample is found out.
    altered(path, ["UPDATE parameters SET value = value + 1 WHERE base = 0"])
    problems = verify(path, simulator=replace(toy, basis=basis)).problems
    assert "base draws that seed 1 does not make of posterior abc: 0" in problems


def test_a_study_that_grew_was_asked_less_or_was_stopped_is_sound(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "study.db"
    same = FOLLOW_UP.model_copy(update={"name": "the-same"})

    def stop_soon(step: Any) -> None:
        if step.done:
            raise KeyboardInterrupt

    for draws, worlds, options in (
        (2, 2, [FOLLOW_UP]),
        (4, 3, [FOLLOW_UP, GO_NO_GO]),
        (3, 2, [GO_NO_GO]),
        (4, 3, [same, GO_NO_GO]),
        (5, 4, [FOLLOW_UP, same, GO_NO_GO]),
    ):
        compare(pib, options, draws=draws, worlds_per_draw=worlds, study_path=path, simulator=toy)
        assert verify(path, sample=3, simulator=toy).problems == ()
    with pytest.raises(KeyboardInterrupt):
        compare(
            pib, [FOLLOW_UP], draws=9, worlds_per_draw=5, study_path=path, simulator=toy, progress=stop_soon
        )
    found = verify(path, sample=3, simulator=toy)
    assert found.problems == ()
    assert found.results < found.runs
    grown = tmp_path / "grown.db"
    for size, options_named in ((4, ("go-no-go",)), (8, ("go-no-go", "follow-up"))):
        plan = toy_model.a_plan(size, options=options_named, block=4)
        sweep(plan, study_path=grown, simulator=TOY)
        assert verify(grown, sample=3, simulator=TOY).problems == ()


@pytest.mark.parametrize("luck", ["common", "own", "factor"])
@pytest.mark.parametrize("options", [(), ("go-no-go",)])
def test_sweeps_of_every_kind_of_luck_are_sound(luck: Any, options: tuple[str, ...], tmp_path: Path) -> None:
    plan = toy_model.a_plan(4, luck=luck, options=options, method="sobol")
    sweep(plan, study_path=tmp_path / "study.db", simulator=TOY)
    assert verify(tmp_path / "study.db", sample=3, simulator=TOY).problems == ()


def test_a_study_without_its_plan_is_checked_as_far_as_that_goes(
    both: Path, tmp_path: Path, toy: Simulator
) -> None:
    path = Path(shutil.copy(both / "compared.db", tmp_path))
    altered(path, ["DELETE FROM meta WHERE key = 'plan'"])
    found = verify(path, sample=0, simulator=toy)
    assert found.problems == ()
    assert found.not_checked == (
        "the file does not hold what it was asked for: whether runs or policies are missing cannot be told",
    )
    for what in ("names of options", "better", "a world taken out", "the seed", "a role", "a twin"):
        copy = Path(shutil.copy(path, tmp_path / "copy.db"))
        altered(copy, SWAPPED[what])
        assert not verify(copy, sample=0, simulator=toy).sound, what


@pytest.mark.parametrize("name", ["compared-0.1.0.study", "swept-0.1.0.study"])
def test_of_an_old_study_it_is_said_what_was_not_checked_and_swaps_are_found(
    name: str, tmp_path: Path
) -> None:
    old = Path(__file__).parents[2] / "studies" / name
    found = verify(old, simulator=replace(TOY, behaviour="other"))
    assert found.problems == ()
    assert "the model that made it (passaat 0.1.0) is not here" in found.not_checked[0]
    table, column = ("arms", "name") if name.startswith("compared") else ("policies", "policy")
    path = Path(shutil.copy(old, tmp_path))
    altered(path, [f"UPDATE {table} SET {column} = 'go-no-go' WHERE {column} = 'follow-up'"])
    assert not verify(path, simulator=replace(TOY, behaviour="other")).sound


@pytest.mark.parametrize("made_by", ["replicate", "structures"])
def test_studies_that_hold_no_plan_are_sound(
    made_by: str, tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "study.db"
    if made_by == "replicate":
        replicate(pib, [FOLLOW_UP, GO_NO_GO], precision_share=0.3, simulator=toy, study_path=path)
    else:
        compare_structures(pib, [FOLLOW_UP], draws=2, worlds_per_draw=2, simulator=toy, study_path=path)
    found = verify(path, sample=5, simulator=toy)
    assert found.problems == ()
    assert "whether runs or policies are missing cannot be told" in found.not_checked[0]


# --- values that nobody would write -----------------------------------------------------------------------------------

NASTY: tuple[object, ...] = (
    None,
    "",
    "x",
    b"\xff\x00",
    -1,
    2**62,
    0.5,
    float("inf"),
    "[" * 100_000,
    "{}",
    "[1]",
    '{"draws": [], "worlds": {}, "options": 3}',
    '"text"',
    "null",
    "9" * 5_000,
    '{"follow-up": "much", "go-no-go": null, "support_gain": [], "no_such_lever": 1}',
    "\x1b[31m\u202e=1+1",
)
"""Each is put into each column of each table, and into each entry of the description."""


def uses_of(path: Path, model: Simulator) -> Iterator[Callable[[], object]]:
    yield lambda: study_info(path)
    yield lambda: load_table(path)
    yield lambda: comparison_values(path)
    yield lambda: stored_comparison(path)
    yield lambda: export(path, path.with_name("out.csv"))
    yield lambda: verify(path, sample=2, crew=Threads(1), simulator=model)


def places_in(path: Path) -> list[tuple[str, str]]:
    """A statement for each column of the first rows of each table, and for each entry of the description."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = [
            (
                f"{table}.{name}",
                f'UPDATE {table} SET "{name}" = ? WHERE "{name}" = (SELECT min("{name}") FROM {table})',
            )
            for table in tables
            for _, name, *_ in db.execute(f"PRAGMA table_info({table})")
        ]
        keys = [key for (key,) in db.execute("SELECT key FROM meta")]
    return found + [(f"meta: {key}", f"UPDATE meta SET value = ? WHERE key = '{key}'") for key in keys]


def edits(path: Path, model: Simulator, folder: Path, share: float) -> tuple[int, list[str]]:
    """Make edits one by one; how many were made, and what came out that is neither an answer nor an error in words."""
    rng, n_edits, wrong = np.random.default_rng(5), 0, list[str]()
    for place, statement in places_in(path):
        for value in NASTY:
            if rng.random() > share:
                continue
            copy = Path(shutil.copy(path, folder / "copy.db"))
            if not put(copy, statement, value):
                continue
            n_edits += 1
            for number, use in enumerate(uses_of(copy, model)):
                try:
                    use()
                except PassaatError as error:
                    if "\x1b" in str(error):
                        wrong.append(f"{place} = {value!r:.40}, use {number}: a control sequence")
                except Exception as error:
                    wrong.append(
                        f"{place} = {value!r:.40}, use {number}: {type(error).__name__}: {error}"[:300]
                    )
    return n_edits, wrong


def put(path: Path, statement: str, value: object) -> bool:
    """Carry out an edit, if SQLite lets one."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db, suppress(sqlite3.Error, OverflowError):
        db.execute("PRAGMA ignore_check_constraints = ON")
        return db.execute(statement, (value,)).rowcount > 0
    return False


@pytest.mark.parametrize("share", [0.02, pytest.param(1.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["compared", "swept"])
def test_a_value_that_nobody_would_write_is_an_error_in_words_or_does_no_harm(
    kind: str, share: float, both: Path, tmp_path: Path, toy: Simulator
) -> None:
    n_edits, wrong = edits(both / f"{kind}.db", toy if kind == "compared" else TOY, tmp_path, share)
    assert wrong == []
    assert n_edits > 200 * share


# --- values of the wrong kind, of the wrong size, or missing, in the place where they are read ------------------------

LATER = "(SELECT max(base) FROM parameters)"
UNREADABLE = {
    "text for an amount": (
        "UPDATE arms SET amount_factor = 'much' WHERE arm = 2",
        "arms.amount_factor holds 1 values that are no real",
    ),
    "bytes in the description": (
        "UPDATE meta SET value = CAST('complete' AS BLOB) WHERE key = 'state'",
        "meta.value holds 1 values that are no text",
    ),
    "bytes for a scenario": (
        "UPDATE scenarios SET scenario = CAST(scenario AS BLOB)",
        "scenarios.scenario holds [46] values that are no text",
    ),
    "text that is none": (
        "UPDATE meta SET value = CAST(x'1b5b324aff' AS TEXT) WHERE key = 'outcomes'",
        "is damaged .Could not decode to UTF-8 column 'value'",
    ),
}
"""Refused whenever the file is opened."""

UNREADABLE_COMPARISON = {
    "a parameter that is gone": (
        f"DELETE FROM parameters WHERE base = {LATER}",
        "base draw 2 has other parameters than the first: 'gain'",
    ),
    "a parameter of another name": (
        f"UPDATE parameters SET name = 'loss' WHERE base = {LATER}",
        "base draw 2 has other parameters than the first: 'gain', 'loss'",
    ),
    "text for a parameter": (
        "UPDATE parameters SET value = 'much' WHERE base = 0",
        "parameters of base draw 0 are no numbers",
    ),
    "a draw of no base": (
        "UPDATE draws SET base = '../x' WHERE draw = 1",
        r"base draw '\.\./x' has other parameters than the first: 'gain'",
    ),
    "settings in another hand": (
        "UPDATE draws SET settings = '{ }' WHERE draw = 1",
        "the settings of draw 1 cannot be read",
    ),
    "settings that are a list": (
        "UPDATE draws SET settings = '[1]' WHERE draw = 1",
        "the settings of draw 1 cannot be read",
    ),
    "a policy that is not there at its factor": (
        "UPDATE arms SET amount_factor = amount_factor + 7 WHERE name = 'follow-up' AND amount_factor != 1.0",
        "the policy follow-up at .* times its amount is missing",
    ),
    "text for a result": (
        "UPDATE runs SET contracts = 'nan' WHERE draw = 0 AND world = 1",
        "draw 0, world 1 holds 'nan', which is no result",
    ),
    "a result beyond all measure": (
        "UPDATE runs SET contracts = -1e300 WHERE draw = 0 AND world = 1",
        r"contracts reaches 1e\+300 in some run; beyond 1e\+60 it cannot be worked with",
    ),
    "equal public money that is a list": (
        "UPDATE meta SET value = '[]' WHERE key = 'equal money'",
        "its equal money cannot be read",
    ),
    "a factor that is a word": (
        "UPDATE meta SET value = '{\"follow-up\": \"much\"}' WHERE key = 'equal money'",
        "what brings follow-up to equal public money is 'much'",
    ),
    "a basis of another kind": (
        "UPDATE meta SET value = '{\"kind\": \"guess\"}' WHERE key = 'basis'",
        "its basis is .*guess",
    ),
    "a basis with a number for a text": (
        "UPDATE meta SET value = replace(value, '\"notice\": \"\"', '\"notice\": 3') WHERE key = 'basis'",
        "of its basis, notice is 3",
    ),
    "a plan without a part": (
        "UPDATE meta SET value = replace(value, '\"prior\"', '\"later\"') WHERE key = 'plan'",
        "it has the parts reference, options, draws, worlds, seed, prior",
    ),
    "a plan with a text for a number": (
        "UPDATE meta SET value = replace(value, '\"draws\": 3', '\"draws\": \"3\"') WHERE key = 'plan'",
        "draws cannot be '3'",
    ),
}
UNREADABLE_SWEEP = {
    "a world that is gone": (
        "DELETE FROM worlds WHERE world = 2",
        "its plan has 3 worlds, and 2 are there",
    ),
    "a point that is gone": (
        "DELETE FROM points WHERE point = 1",
        "its plan has 5 points, and 4 are there",
    ),
    "a policy that is gone": (
        "DELETE FROM policies WHERE policy = 'go-no-go'",
        "its plan has 4 policies, and 3 are there",
    ),
    "bytes for a reason": (
        "UPDATE runs SET status = 'failed', reason = CAST('x' AS BLOB) WHERE world = 0 AND arm = 1 AND draw = 0",
        "a failed run of .* is .*b'x'",
    ),
    "text for a result": (
        "UPDATE runs SET cost_eur = 'nan' WHERE draw = 0 AND world = 1 AND arm = 1",
        "policy .*, point .*, world 1 holds 'nan', which is no result",
    ),
}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        *(("compared", what) for what in (UNREADABLE | UNREADABLE_COMPARISON)),
        *(("swept", what) for what in (UNREADABLE | UNREADABLE_SWEEP)),
    ],
)
def test_what_no_study_holds_is_damage_where_it_is_read(
    kind: str, what: str, both: Path, tmp_path: Path, toy: Simulator
) -> None:
    path, model = Path(shutil.copy(both / f"{kind}.db", tmp_path)), toy if kind == "compared" else TOY
    of_its_kind = UNREADABLE_COMPARISON if kind == "compared" else UNREADABLE_SWEEP
    statement, words = (UNREADABLE | of_its_kind)[what]
    change(path, statement)
    with pytest.raises(StudyError, match=words) as caught:
        stored_comparison(path) if kind == "compared" else load_table(path)
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)
    if what in UNREADABLE:
        with pytest.raises(StudyError, match=words):
            verify(path, simulator=model)
    else:
        assert not verify(path, sample=0, simulator=model).sound


def test_a_plan_that_asks_for_more_than_is_planned_takes_no_memory(
    both: Path, tmp_path: Path, toy: Simulator
) -> None:
    path = Path(shutil.copy(both / "compared.db", tmp_path))
    altered(
        path,
        ["UPDATE meta SET value = replace(value, '\"worlds\": 3', '\"worlds\": 1000000') WHERE key = 'plan'"],
    )
    with pytest.raises(
        StudyError, match="3 draws of 1,000,000 worlds were asked for, and 3 of 3 are planned"
    ):
        comparison_values(path)
    with pytest.raises(StudyError, match="is not finished"):
        stored_comparison(path)
    swept = Path(shutil.copy(both / "swept.db", tmp_path))
    altered(
        swept,
        [
            "UPDATE meta SET value = replace(replace(value, '\"size\": 5', '\"size\": 4000000'), '\"block\": 5',"
            " '\"block\": 4000000') WHERE key = 'plan'"
        ],
    )
    with pytest.raises(StudyError, match="its plan has 4,000,000 points, and 5 are there"):
        load_table(swept)
    problems = verify(swept, sample=0, simulator=TOY).problems
    assert "points that are not those of the plan: it has 4,000,000, and 5 are there" in problems


def test_a_sweep_holds_results_beyond_all_measure_and_counts_with_none(both: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(both / "swept.db", tmp_path))
    change(path, "UPDATE runs SET cost_eur = 1e300 WHERE draw = 0 AND world = 1 AND arm = 2")
    with pytest.raises(StudyError, match="was changed after it was written: 1 of its results"):
        load_table(path)
    written_anew(path)
    table = load_table(path)
    assert np.nanmax(table.values) == 1e300
    reads: tuple[Callable[[], object], ...] = (
        lambda: table.levels("reference", "cost_eur"),
        lambda: table.differences("go-no-go", "cost_eur"),
    )
    for read in reads:
        with pytest.raises(StudyError, match=r"toy-sweep: cost_eur reaches 1e\+300 in some run") as caught:
            read()
        assert "passaat verify" in caught.value.hint
    assert np.isfinite(table.levels("reference", "effect_eur")).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('{"no_such_lever":1}', "arm 4 moves what is no lever: no_such_lever"),
        ('{"selection_criteria":"charm"}', "selection_criteria = 'charm' is not allowed; it must be"),
        ('{"follow_up_years":[]}', "the settings of arm 4 cannot be read"),
        ('{"follow_up_years": 2}', "the settings of arm 4 cannot be read"),
        ("[]", "the settings of arm 4 cannot be read"),
    ],
)
def test_levers_that_no_policy_can_move_are_damage(
    settings: str, words: str, both: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(both / "swept.db", tmp_path))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE arms SET settings = ? WHERE arm = 4", (settings,))
    with Study.read(path) as study, pytest.raises(StudyError) as caught:
        study.arm(4)
    assert words in caught.value.problems[0]
    assert not verify(path, sample=3, simulator=TOY).sound


# --- what a study says in words ---------------------------------------------------------------------------------------

SAID = {
    "the model's version": "UPDATE meta SET value = '0.0-boy' WHERE key = 'model version'",
    "what made it": "UPDATE meta SET value = replace(value, 'commit', 'comet') WHERE key = 'made with'",
    "an entry that is gone": "DELETE FROM meta WHERE key = 'drawn from'",
    "an entry more": "INSERT INTO meta VALUES ('approved', 'yes')",
    "a title": "UPDATE scenarios SET scenario = replace(scenario, 'PIB 2016-2020', 'PIB 2017-2020')",
    "an end of line": "UPDATE scenarios SET scenario = scenario || char(10)",
    "a scenario more": "INSERT INTO scenarios VALUES ('99', 'name = \"x\"')",
    "a digit of a name": "UPDATE arms SET name = 'pib7' WHERE name = 'pib'",
    "a scenario of the plan": (
        "UPDATE meta SET value = replace(value, 'PIB 2016-2020', 'PIB 2017-2020') WHERE key = 'plan'"
    ),
}
OF_A_COMPARISON_SAID = {
    "no programme": "UPDATE arms SET name = 'nothing' WHERE role = 'no-programme'",
    "earlier plans": "DELETE FROM meta WHERE key = 'earlier plans'",
    "the basis": "UPDATE meta SET value = replace(value, '\"prior\"', '\"defaults\"') WHERE key = 'basis'",
}
OF_A_SWEEP_SAID = {
    "its libraries": "UPDATE meta SET value = 'none' WHERE key = 'libraries'",
    "why it is not calibrated": "UPDATE meta SET value = '' WHERE key = 'uncalibrated'",
    "its question": "UPDATE meta SET value = replace(value, 'What does', 'Why does') WHERE key = 'plan'",
    "the label of a factor": "UPDATE factors SET label = label || 's'",
}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        *(("compared", what) for what in (SAID | OF_A_COMPARISON_SAID)),
        *(("swept", what) for what in (SAID | OF_A_SWEEP_SAID)),
    ],
)
def test_what_a_study_says_in_words_cannot_change_unnoticed(
    kind: str, what: str, both: Path, tmp_path: Path, toy: Simulator
) -> None:
    path, model = Path(shutil.copy(both / f"{kind}.db", tmp_path)), toy if kind == "compared" else TOY
    statement = (SAID | OF_A_COMPARISON_SAID | OF_A_SWEEP_SAID)[what]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute(statement).rowcount
    problems = verify(path, sample=0, simulator=model).problems
    assert any("what it says of itself was changed after it was written" in one for one in problems), problems


def test_a_study_without_its_seal_is_not_sound_but_one_of_an_older_version_is(
    both: Path, tmp_path: Path, toy: Simulator
) -> None:
    path = Path(shutil.copy(both / "compared.db", tmp_path))
    change(path, f"DELETE FROM meta WHERE key = '{SEAL}'")
    assert verify(path, sample=0, simulator=toy).problems == (f"its {SEAL} is missing",)
    change(path, "DELETE FROM meta WHERE key = 'made with'")  # as in studies of 0.1.0
    assert verify(path, sample=0, simulator=toy).problems == ()


@pytest.mark.parametrize(
    ("kind", "statement", "words"),
    [
        (
            "compared",
            "UPDATE meta SET value = replace(value, '\"prior\"', '\"defaults\"') WHERE key = 'basis'",
            "its draws are said to rest on",
        ),
        ("compared", "UPDATE meta SET value = '{' WHERE key = 'basis'", "its basis cannot be read"),
        (
            "compared",
            "UPDATE meta SET value = '[1]' WHERE key = 'earlier plans'",
            "its earlier plans cannot be read",
        ),
        (
            "swept",
            "UPDATE meta SET value = '' WHERE key = 'uncalibrated'",
            "why its results are not calibrated is said to be ''; it is 'prior ranges were asked for'",
        ),
        ("swept", "INSERT INTO scenarios VALUES ('99', 'x')", "scenario '99' belongs to no policy"),
        (
            "swept",
            "UPDATE runs SET status = 'planned', reason = 'x' WHERE draw = 0",
            "results that were changed after they were written",
        ),
    ],
)
def test_what_can_be_worked_out_anew_is_found_though_the_seal_fits(
    kind: str, statement: str, words: str, both: Path, tmp_path: Path, toy: Simulator
) -> None:
    path, model = Path(shutil.copy(both / f"{kind}.db", tmp_path)), toy if kind == "compared" else TOY
    altered(path, [statement])
    problems = verify(path, sample=0, simulator=model).problems
    assert any(words in one for one in problems), problems
    assert not any("what it says of itself" in one for one in problems)


def test_every_release_may_say_in_its_own_words_what_draws_rest_on(
    both: Path, tmp_path: Path, toy: Simulator
) -> None:
    path = Path(shutil.copy(both / "compared.db", tmp_path))
    newer = replace(toy, version="0.0-later", basis=replace(toy.basis, provisional="no more"))
    assert verify(path, sample=2, simulator=newer).problems == ()


def test_prior_ranges_for_want_of_a_posterior_are_those_of_the_study(
    tmp_path: Path, toy: Simulator, pib: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asked for them, which the study says, and so does the model that it is held against."""
    asked: list[bool] = []
    fallen_back = replace(toy, basis=Basis("prior", notice="Uncalibrated: there is none; so it is."))

    def the_model(_: object, *, prior: bool = False) -> Simulator:
        asked.append(prior)
        return toy if prior else fallen_back

    monkeypatch.setattr("passaat.experiments.analyses.verify.the_model", the_model)
    for model in (fallen_back, toy):
        path = tmp_path / f"{len(asked)}.db"
        compare(pib, [FOLLOW_UP], draws=2, worlds_per_draw=2, study_path=path, simulator=model)
        assert verify(path, sample=2).problems == ()
    assert asked == [False, True]


# --- what SQLite says of a damaged file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Could not decode to UTF-8 column 'a' with text 'the disk is full and locked'", "is damaged"),
        ("malformed database schema (locked) - near \x1b[2J", "is damaged"),
        ("no such table: " + "full" * 90_000, "is damaged"),
        ("database is locked", "is being written by another process"),
        ("database or disk is full", "the disk is full"),
    ],
)
def test_no_word_that_sqlite_quotes_is_taken_for_its_own(said: str, words: str) -> None:
    problem, hint = explain("study.db", sqlite3.OperationalError(said))
    assert words in problem
    assert hint
    assert len(problem) < 400
    assert "\x1b" not in problem


def test_a_database_that_is_damaged_is_told_in_one_line(both: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(both / "swept.db", tmp_path))
    (root,) = root_of(path, "to_do")
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096 + 1)
        file.write(b"\xff\xff")  # where the first free block of the page begins
    (problem,) = verify(path, simulator=TOY).problems
    assert problem.startswith("the database is damaged: ")
    assert problem.isprintable()


def root_of(path: Path, name: str) -> tuple[int]:
    """Number of the first page of a table or an index."""
    with closing(sqlite3.connect(path)) as db:
        found: tuple[int] = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)
        ).fetchone()
        return found


# --- a study that was stopped before it began -------------------------------------------------------------------------


def left_empty(how: str, folder: Path) -> Path:
    """A file as a process leaves it that is killed before the tables of its study are made."""
    path, folder = folder / "making.db", folder / "left"
    folder.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        if how == "no byte":
            path.touch()
        elif how == "no table":
            db.executescript("CREATE TABLE gone (x); DROP TABLE gone")
        else:
            db.execute("PRAGMA cache_size = 2")  # so that pages reach the file before the end
            db.execute("BEGIN IMMEDIATE")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute("PRAGMA user_version = 1")  # the first write
            db.execute("CREATE TABLE meta (key, value)")
            db.executemany("INSERT INTO meta VALUES (?, hex(zeroblob(3000)))", [(key,) for key in range(50)])
            shutil.copy(f"{path}-journal", folder / "study.db-journal")
            db.execute("COMMIT")
        shutil.copy(path, folder / "study.db")
    return folder / "study.db"


@pytest.mark.parametrize("how", ["no byte", "no table", "a journal"])
def test_a_file_that_was_left_empty_is_told_and_begun_anew(how: str, tmp_path: Path) -> None:
    path = left_empty(how, tmp_path)
    before = contents(path.parent)
    for place in (path.parent, path):
        (info,) = list_studies(place)
        assert (info.path, info.state, info.planned) == (path, "empty: it holds no study yet", 0)
    for use in (Study.read, Study.edit, load_table, stored_comparison, verify):
        with pytest.raises(StudyError, match=r"study\.db is empty: it holds no study yet") as caught:
            use(path)
        assert "repeat it, or remove the file" in caught.value.hint
    assert contents(path.parent) == before
    begun(path).close()
    assert os.listdir(path.parent) == ["study.db"]
    (info,) = list_studies(path)
    assert (info.state, info.planned) == ("incomplete", 12)


def test_an_empty_file_that_is_no_study_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    change(tmp_path / "another.db", "PRAGMA application_id = 7")
    before = contents(tmp_path)
    assert list_studies(tmp_path) == []
    with pytest.raises(StudyError, match="is a database, but not a study"):
        begun(tmp_path / "another.db")
    assert contents(tmp_path) == before


def test_one_bad_file_is_one_line_of_a_listing(
    both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.db", "b.db", "c.db", "d.db"):
        shutil.copy(both / "compared.db", tmp_path / name)
    altered(tmp_path / "b.db", ["UPDATE meta SET value = '{\"version\": 1}' WHERE key = 'made with'"])
    change(tmp_path / "c.db", HOSTILE["a trigger"][0])

    def asked(path: Path) -> bool:
        if path.name == "d.db":
            raise OSError(errno.EIO, "Input/output error")
        return is_study(path)

    monkeypatch.setattr("passaat.experiments.analyses.studies.is_study", asked)
    found = {info.path.name: info.state for info in list_studies(tmp_path)}
    assert list(found) == ["a.db", "b.db", "c.db", "d.db"]
    assert found["a.db"] == "complete"
    assert "what it was made with cannot be read" in found["b.db"]
    assert "trigger t" in found["c.db"]
    assert found["d.db"] == "not readable: Input/output error"


@pytest.mark.parametrize(
    "made",
    ["[]", "{}x", '{"version": 1}', '{"version": {}, "commit": [], "fingerprints": 1, "libraries": 2}'],
)
def test_what_made_a_study_is_shown_or_said_to_be_damaged(made: str, both: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(both / "compared.db", tmp_path))
    for key in ("made with", "continued with"):
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            value = f"[{made}]" if key == "continued with" else made
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
        result = CliRunner().invoke(cli.app, ["studies", str(path), "--json"])
        assert result.exit_code == 0
        assert "cannot be read" in result.stdout
