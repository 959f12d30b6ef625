"""A study goes out as CSV, Parquet and DuckDB with the same values in each, or not at all."""

from __future__ import annotations

import csv
import importlib
import io
import math
import os
import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passaat.errors import StudyError
from passaat.experiments.analyses.sweep import sweep
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.export import export, rows_of, runs_csv
from passaat.experiments.study.study import Study
from passaat.model.inputs import RunInputs

CHILDREN = Path(__file__).parents[2] / "children"
if str(CHILDREN) not in sys.path:
    sys.path.append(str(CHILDREN))
toy_model: Any = importlib.import_module("toy_model")
TOY: Simulator = toy_model.SIMULATOR

ODD = (
    0.1 + 0.2,
    math.inf,
    -math.inf,
    5e-324,
    -1e-310,
    1.7976931348623157e308,
    1 / 3,
    1e16,
    -0.0,
    0.0,
    math.nan,
    2.0,
)
AWKWARD = "comma, \"quote\", semicolon; tab\t and a 'single' one, naïve € 漢字, =1+1"


def odd_outcomes(run: Any, twin: Any) -> Any:
    """Every value that may trip a format, spread over runs by their luck."""
    start = int(run["luck"] * 1e6) % len(ODD)
    return np.array([ODD[(start + step) % len(ODD)] for step in range(4)])


def odd_simulate(inputs: RunInputs, seed: int) -> Any:
    if seed % 5 == 0:
        raise ValueError(AWKWARD + "\nand a second line")
    return toy_model.simulate(inputs, seed)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "it's a study.db"
    odd = replace(TOY, simulate=odd_simulate, outcomes_of=odd_outcomes)
    table = sweep(toy_model.a_plan(12, worlds=12), study_path=path, simulator=odd)
    assert table.n_failed > 0
    return path


@pytest.fixture(scope="module")
def in_one_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with luck as a factor, whose points name their world."""
    path = tmp_path_factory.mktemp("luck") / "study.db"
    sweep(toy_model.a_plan(8, luck="factor", method="sobol"), study_path=path, simulator=TOY)
    return path


def stored(path: Path, table: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    with Study.read(path) as study:
        names, rows = rows_of(study, table)
        return names, list(rows)


def bits(value: Any) -> Any:
    """A value such that two that differ in any bit differ; whole numbers are the same as float or int."""
    if isinstance(value, bool | int) and abs(value) < 2**53:
        value = float(value)
    return struct.pack("<d", value) if isinstance(value, float) else value


def same(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> bool:
    return [tuple(map(bits, row)) for row in found] == [tuple(map(bits, row)) for row in expected]


def from_csv(path: Path, like: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows of a CSV, each cell read as what stands in its place in ``like``."""
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = list(csv.reader(file))

    def read(text: str, kind: Any) -> Any:
        if kind is None:
            assert text == ""
            return None
        return type(kind)(text)

    return [
        tuple(read(text, kind) for text, kind in zip(row, kinds, strict=True))
        for row, kinds in zip(rows, like, strict=True)
    ]


@pytest.mark.parametrize("table", ["runs", "results"])
@pytest.mark.parametrize("which", ["study", "in_one_world"])
def test_every_format_holds_the_same_values_bit_for_bit(
    table: str, which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = request.getfixturevalue(which)
    names, rows = stored(path, table)
    targets = {ending: tmp_path / f"o'ut{ending}" for ending in (".csv", ".parquet", ".duckdb")}
    for target in targets.values():
        written = export(path, target, table)
        assert written == len(rows) or target.suffix == ".duckdb"
    assert sorted(os.listdir(tmp_path)) == sorted(target.name for target in targets.values())
    with targets[".csv"].open(encoding="utf-8", newline="") as file:
        assert tuple(next(csv.reader(file))) == names
    assert same(from_csv(targets[".csv"], rows), rows)
    with duckdb.connect() as db:
        place = str(targets[".parquet"]).replace("'", "''")
        found = db.execute(f"SELECT * FROM '{place}'")
        assert tuple(one[0] for one in found.description) == names
        assert same(found.fetchall(), rows)
    with duckdb.connect(str(targets[".duckdb"]), read_only=True) as db:
        found = db.execute(f"SELECT * FROM {table}")
        if table == "results":
            assert tuple(one[0] for one in found.description) == names
            assert same(found.fetchall(), rows)
        tables = {name for (name,) in db.execute("SHOW TABLES").fetchall()}
        assert {"meta", "outcomes", "parameters", "draws", "scenarios", "arms", "runs", "points"} <= tables


def test_what_is_odd_is_in_it(study: Path) -> None:
    """The study of the other tests holds what may trip a format, so that they can fail."""
    _, rows = stored(study, "results")
    values = [value for row in rows for value in row]
    for one in (math.inf, -math.inf, 5e-324, -1e-310, 0.1 + 0.2, None):
        assert one in values
    reasons = {value for value in values if isinstance(value, str) and "comma" in value}
    assert f"ValueError: {' '.join(AWKWARD.split())} and a second line" in reasons
    # SQLite keeps no minus zero; a zero is a zero in every format and digest.
    assert not any(
        isinstance(value, float) and value == 0 and math.copysign(1, value) < 0 for value in values
    )


def test_a_csv_is_the_text_of_the_runs_and_the_same_bytes_each_time(study: Path, tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        export(study, tmp_path / name, "runs")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    with Study.read(study) as opened:
        assert (tmp_path / "one.csv").read_text(encoding="utf-8") == runs_csv(opened)
    keys = [row["key"] for row in csv.DictReader(io.StringIO((tmp_path / "one.csv").read_text("utf-8")))]
    assert keys == sorted(keys)


def test_plain_sql_reads_the_study_itself(study: Path) -> None:
    names, rows = stored(study, "results")
    with closing(sqlite3.connect(study)) as db:
        found = db.execute("SELECT * FROM results ORDER BY point, policy, world")
        assert tuple(one[0] for one in found.description) == names
        assert same(found.fetchall(), rows)
        n_points, n_policies = db.execute(
            "SELECT count(DISTINCT point), count(DISTINCT policy) FROM results"
        ).fetchone()
        assert (n_points, n_policies) == (12, 3)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".duckdb"])
def test_an_export_that_fails_leaves_nothing_and_keeps_what_was_there(
    study: Path, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ending != ".csv":
        pytest.importorskip("duckdb")
    target = tmp_path / f"out{ending}"
    target.write_text("what was there before")

    def broken(self: Study, query: str, arguments: Any = ()) -> Any:
        for number, row in enumerate(rows(self, query, arguments)):
            if number == 20 and "FROM results" in query:
                raise errors[-1]
            yield row

    rows = Study.rows
    monkeypatch.setattr(Study, "rows", broken)
    errors = [OSError(28, "No space left on device"), KeyboardInterrupt(), StudyError("damaged")]
    while errors:
        with pytest.raises((StudyError, KeyboardInterrupt)):
            export(study, target)
        assert os.listdir(tmp_path) == [target.name]
        assert target.read_text() == "what was there before"
        errors.pop()


def test_an_error_of_duckdb_is_one_of_the_file(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    duckdb = pytest.importorskip("duckdb")

    def refuse(place: str = "") -> Any:
        raise duckdb.IOException("Could not write:\n no space")

    monkeypatch.setattr(duckdb, "connect", refuse)
    for ending in (".parquet", ".duckdb"):
        with pytest.raises(StudyError, match="cannot be written: Could not write: no space") as caught:
            export(study, tmp_path / f"out{ending}")
        assert "disk with space" in caught.value.hint
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda study, folder: export(study, folder / "out.xlsx"), r"out\.xlsx ends in '\.xlsx'"),
        (lambda study, folder: export(study, folder / "out"), "ends in 'nothing'"),
        (lambda study, folder: export(study, folder / "no" / "out.csv"), "cannot be written"),
        (lambda study, folder: export(study, folder / "out.csv", "rums"), "there is no table 'rums'"),
        (lambda study, folder: export(folder / "no.db", folder / "out.csv"), "there is no study"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    study: Path, tmp_path: Path, act: Callable[[Path, Path], int], words: str
) -> None:
    with pytest.raises(StudyError, match=words) as caught:
        act(study, tmp_path)
    assert caught.value.hint
    assert os.listdir(tmp_path) == []


def test_a_target_that_is_a_folder_is_refused(study: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(StudyError, match="cannot be written"):
        export(study, tmp_path / "out.csv")
    assert os.listdir(tmp_path) == ["out.csv"]


def test_results_of_a_comparison_are_refused_and_its_runs_go_out(tmp_path: Path) -> None:
    plan = toy_model.a_plan(3)
    path = tmp_path / "comparison.db"
    Study.open(path, TOY, plan.reference, 1, "comparison").close()
    with pytest.raises(StudyError, match="no points and so no table of results") as caught:
        export(path, tmp_path / "out.csv", "results")
    assert "runs" in caught.value.hint
    assert export(path, tmp_path / "out.csv") == 0
    assert (tmp_path / "out.csv").read_text().startswith("key,")


def test_without_duckdb_the_way_out_is_said_and_csv_needs_nothing(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    for ending in (".parquet", ".duckdb"):
        with pytest.raises(StudyError, match="duckdb, which is not installed") as caught:
            export(study, tmp_path / f"out{ending}")
        assert "pip install duckdb" in caught.value.hint
    assert os.listdir(tmp_path) == []
    assert export(study, tmp_path / "out.csv") > 0
