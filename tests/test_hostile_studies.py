"""A study may come from anyone: it is data, and nothing in it is carried out, nor anything beside it destroyed."""

from __future__ import annotations

import csv
import importlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from passaat import cli
from passaat.errors import PassaatError, StudyError
from passaat.experiments import store
from passaat.experiments.compare import compare
from passaat.experiments.crew import Threads
from passaat.experiments.export import export, runs_csv
from passaat.experiments.files import csv_value, no_formula
from passaat.experiments.simulator import Simulator
from passaat.experiments.store import RunRecord, Study, is_being_run, is_study
from passaat.experiments.stored import comparison_values, stored_comparison
from passaat.experiments.studies import list_studies, study_info, verify
from passaat.experiments.sweep import load_table, plan_of, sweep
from passaat.model.inputs import RunInputs
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

CHILDREN = Path(__file__).parent / "children"
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

TAKES_OTHER_FILE = "x (a INT); COPY (SELECT 42) TO '{folder}/written-by-the-study.csv'; --"
HOSTILE = {
    "a table": ("CREATE TABLE mine (x)", "table mine is none of its own"),
    "a table whose name is an order to DuckDB": (
        f'CREATE TABLE "{TAKES_OTHER_FILE}" (a)',
        "is none of its own",
    ),
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
