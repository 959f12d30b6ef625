"""Take a study out of its file: as CSV, as Parquet, or as a DuckDB database.

Two tables can be had: ``runs``, each run once, sorted by its key; and, of a sweep, ``results``, every point with every
policy and world. The same study gives the same rows in the same order, whatever happened while it was run.

Nothing that stands in a study decides which file is written, which statement DuckDB carries out, or what a spreadsheet
works out: tables have fixed names, columns are names of outcomes and factors, and text is never a formula.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import numpy as np

from passaat.errors import StudyError
from passaat.experiments.results.cells import no_formula
from passaat.experiments.study.messages import damaged
from passaat.experiments.study.schema import quoted
from passaat.experiments.study.study import Study
from passaat.experiments.study.sweeps import plan_of

Table = Literal["runs", "results"]

ENDINGS: Final = (".csv", ".parquet", ".duckdb")
BATCH: Final = 20_000
"""Rows handed to DuckDB at a time: enough to be quick, few enough to keep memory flat."""

MEMORY_LIMIT: Final = "512MB"
"""Memory that DuckDB may take while it makes a Parquet file."""

_TABLES: Final = ("arms", "draws", "meta", "outcomes", "parameters", "runs", "scenarios")
_TABLES_OF_POINTS: Final = ("factors", "points", "policies", "worlds")

_RUNS: Final = (
    "key",
    "role",
    "name",
    "amount_factor",
    "settings",
    "draw",
    "world",
    "world_seed",
    "status",
    "reason",
)


def export(study_path: Path, target: Path, table: str | None = None) -> int:
    """Write a table of a study to a file whose ending says the format; returns the number of rows.

    Args:
        table: by default the results of a sweep and the runs of a comparison. A DuckDB file holds every table.

    Raises:
        StudyError: no study, an unknown ending, a table that the study does not have, DuckDB missing, or a file that
            cannot be written. Nothing is left half-written.
    """
    if target.suffix not in ENDINGS:
        raise StudyError(
            f"{target.name} ends in {target.suffix or 'nothing'!r}; a study goes out as {', '.join(ENDINGS)}",
            f"Name the file like {target.with_suffix('.csv').name}.",
        )
    if table not in (None, "runs", "results"):
        raise StudyError(f"there is no table {table!r}", "Take runs, or results (of a sweep).")
    with Study.read(study_path) as study:
        sweep = study.meta("kind") == "sweep"
        if sweep:
            plan_of(study)  # a file that was stopped before its design was written holds nothing to export
        if table == "results" and not sweep:
            raise StudyError(
                f"{study_path} is a {study.meta('kind')}, which has no points and so no table of results",
                "Take its runs: --table runs.",
            )
        study.require_as_written()
        chosen: Table = "results" if table == "results" or (table is None and sweep) else "runs"
        match target.suffix:
            case ".csv":
                return _whole(target, lambda path: _write_csv(study, chosen, path))
            case ".parquet":
                return _whole(target, lambda path: _write_parquet(study, chosen, path))
            case _:
                return _whole(target, lambda path: _write_duckdb(study, path))


def runs_csv(study: Study) -> str:
    """All runs as text, sorted by key: the same study gives the same bytes."""
    text = io.StringIO()
    _write_rows(study, "runs", text)
    return text.getvalue()


def rows_of(study: Study, table: str) -> tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]:
    """Column names and rows of a table, in a fixed order."""
    if table == "runs":
        names = (*_RUNS, *study.outcome_names)
        columns = ", ".join(map(quoted, names))
        return names, study.rows(
            f"SELECT {columns} FROM runs JOIN arms USING (arm) ORDER BY key, arm, draw, world"
        )
    if table not in (*_TABLES, *_TABLES_OF_POINTS, "results"):
        raise StudyError(f"there is no table {table!r}", "Take runs, or results (of a sweep).")
    names = tuple(name for _, name, *_ in study.rows(f"PRAGMA table_info({table})"))
    order = "point, policy, world" if table == "results" else ", ".join("12"[: len(names)])
    return names, study.rows(f"SELECT * FROM {table} ORDER BY {order}")


def _whole(target: Path, write: Callable[[Path], int]) -> int:
    """Write beside the target and move it there in one step."""
    try:
        folder = tempfile.mkdtemp(dir=target.parent, prefix=".passaat-")
    except OSError as error:
        raise StudyError(
            f"{target} cannot be written: {error.strerror or error}",
            "Give a folder that exists and may be written to.",
        ) from None
    beside = Path(folder) / target.name
    try:
        rows = write(beside)
        os.replace(beside, target)
        return rows
    except OSError as error:
        raise StudyError(
            f"{target} cannot be written: {error.strerror or error}", "Give a file on a disk with space."
        ) from None
    finally:
        # DuckDB writes files of its own beside the one it is asked for.
        shutil.rmtree(folder, ignore_errors=True)


def _write_csv(study: Study, table: Table, path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        return _write_rows(study, table, file)


class _Lines:
    """A file that csv writes rows to. Python before 3.13 puts text with a carriage return into quotes only where rows
    end in one, too; so they do, until they get here.
    """

    END: Final = "\r\n"

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(f"{row.removesuffix(self.END)}\n")


def _write_rows(study: Study, table: Table, file: TextIO) -> int:
    names, rows = rows_of(study, table)
    writer = csv.writer(_Lines(file), lineterminator=_Lines.END)
    writer.writerow(names)
    written = 0
    for row in rows:
        writer.writerow([_text(value) for value in row])
        written += 1
    return written


def _text(value: object) -> str:
    """A value in full: a float with every digit that it takes to read it back; text that is no formula."""
    if isinstance(value, str):
        return no_formula(value)
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _write_parquet(study: Study, table: Table, path: Path) -> int:
    # Staged on disk, so that a study of a million runs takes no more memory than a small one.
    with _connected(str(path.with_suffix(".staging"))) as db:
        db.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        rows = _fill(db, study, table)
        db.execute(f"COPY {table} TO '{_quoted(path)}' (FORMAT parquet)")
    return rows


def _write_duckdb(study: Study, path: Path) -> int:
    tables = (*_TABLES, *_TABLES_OF_POINTS, "results") if study.has_points else _TABLES
    with _connected(str(path)) as db:
        db.execute(
            "SET enable_external_access = false"
        )  # but for the database itself, no file is read or written
        rows = {table: _fill(db, study, table) for table in tables}
    return rows["runs"]


@contextmanager
def _connected(place: str) -> Iterator[Any]:
    """A connection of DuckDB, whose errors of the disk become those of any other file."""
    duckdb = _duckdb()
    try:
        with duckdb.connect(place) as db:
            yield db
    except duckdb.Error as error:
        raise OSError(" ".join(str(error).split())) from None


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise StudyError(
            "Parquet and DuckDB need the package duckdb, which is not installed",
            "Install it: pip install duckdb; or write CSV, which needs nothing.",
        ) from None
    return duckdb


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _fill(db: Any, study: Study, table: str) -> int:
    """Copy a table, batch by batch; every column has the type of its SQLite declaration."""
    names, rows = rows_of(study, table)
    kinds = _kinds(study, table, names)
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in zip(names, kinds, strict=True))
    db.execute(f"CREATE TABLE {table} ({columns})")
    written = 0
    while batch := list(islice(rows, BATCH)):
        try:
            arrays = {
                f"c{place}": _array(column, kind)
                for place, (column, kind) in enumerate(zip(zip(*batch, strict=True), kinds, strict=True))
            }
        except (TypeError, ValueError, OverflowError) as error:
            raise damaged(study.place, f"table {table} holds what its columns cannot: {error}") from None
        # No study holds a value that is not a number: what is missing is NULL there, and becomes NULL here.
        read = ", ".join(
            f"CASE WHEN isnan(c{place}) THEN NULL ELSE c{place} END" if kind == "DOUBLE" else f"c{place}"
            for place, kind in enumerate(kinds)
        )
        db.register("batch", arrays)
        db.execute(f"INSERT INTO {table} SELECT {read} FROM batch")
        db.unregister("batch")
        written += len(batch)
    return written


def _kinds(study: Study, table: str, names: tuple[str, ...]) -> list[str]:
    declared: dict[str, str] = {}
    for source in (table, "runs", "arms", "points") if table in ("runs", "results") else (table,):
        for _, name, kind, *_ in study.rows(f"PRAGMA table_info({source})"):
            declared.setdefault(name, kind)
    known = {"INTEGER": "BIGINT", "REAL": "DOUBLE", "NUMERIC": "DOUBLE"}
    return [known.get(declared.get(name, ""), "VARCHAR") for name in names]


def _array(column: tuple[Any, ...], kind: str) -> Any:
    if kind == "DOUBLE":
        return np.array([np.nan if value is None else value for value in column], dtype=np.float64)
    if kind == "BIGINT" and None not in column:
        return np.array(column, dtype=np.int64)
    return np.array(column, dtype=object)
