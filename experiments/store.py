"""The study file: one SQLite database that holds a whole study and can be read while it grows.

Tables, for anyone with an SQL prompt:

    meta(key, value)                           what the study is about, versions, and whether it is complete
    outcomes(position, name, unit, better, meaning)
    parameters(draw, name, value)              the uncertain parameters of each draw
    arms(arm, role, name, amount_factor, ...)  the policies, with the text of their scenario files
    runs(arm, draw, world, world_seed, status, reason, one column per outcome)

The design is registered first: a run starts as ``planned`` and becomes ``done`` or ``failed``; a failed run
keeps its reason. Runs are written in chunks, each in one transaction, so that stopping at any moment loses
the chunk in hand and nothing else. A run is found again by policy, parameters and world seed: repeating a
command computes what is missing, and more options, draws or worlds can be added later.
"""

from __future__ import annotations

import math
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np

from passaat.errors import StudyError
from passaat.experiments.design import Cell, Design
from passaat.experiments.pairing import Floats
from passaat.experiments.simulator import Arm, OutcomeLike, Policy, Simulator

FORMAT: Final = "1"
APPLICATION_ID: Final = 0x70617373
"""Marks a database as a study ("pass" in ASCII), so that another program's file is never written to."""

LOCK_WAIT_SECONDS: Final = 10.0
"""How long to wait for another process that is writing a chunk into the same file."""

Status = Literal["done", "failed"]

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE outcomes (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,
                       better TEXT NOT NULL, meaning TEXT NOT NULL);
CREATE TABLE parameters (draw INTEGER, name TEXT, value REAL NOT NULL, PRIMARY KEY (draw, name)) WITHOUT
ROWID; CREATE TABLE arms (arm INTEGER PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL, amount_factor
REAL NOT NULL,
                   scenario_hash TEXT NOT NULL, scenario TEXT NOT NULL, UNIQUE (scenario_hash,
                   amount_factor));
CREATE TABLE runs (arm INTEGER NOT NULL REFERENCES arms, draw INTEGER NOT NULL, world INTEGER NOT NULL,
                   world_seed INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'planned'
                   CHECK (status IN ('planned', 'done', 'failed')), reason TEXT NOT NULL DEFAULT ''{columns},
                   PRIMARY KEY (arm, draw, world)) WITHOUT ROWID;
CREATE VIEW progress AS SELECT role, name, amount_factor, status, count(*) AS runs
    FROM runs JOIN arms USING (arm) GROUP BY arm, status;
"""


@dataclass(frozen=True)
class RunRecord:
    """Result of one run: its outcomes, or the reason why there are none."""

    arm: Arm
    cell: Cell
    status: Status
    reason: str = ""
    values: Floats | None = None


@dataclass(frozen=True)
class FailedRun:
    """A run that failed, as it is reported."""

    option: str
    amount_factor: float
    draw: int
    world: int
    world_seed: int
    reason: str


class Study:
    """An open study file. Use ``Study.open`` in a ``with`` statement; written from one thread only."""

    def __init__(self, connection: sqlite3.Connection, outcome_names: Sequence[str], place: str) -> None:
        self._started_here = False
        self._db = connection
        self._names = tuple(outcome_names)
        self._place = place

    @classmethod
    def open(cls, path: Path | None, simulator: Simulator, reference: Policy, seed: int) -> Self:
        """Open a study for writing, or start it; without a path it lives in memory.

        Raises:
            StudyError: the path cannot be written, is no study, or is a study of another model, reference,
                seed or source of parameter draws.
        """
        place = ":memory:" if path is None else str(path)
        if path is not None:
            require_writable(path)
        names = [outcome.name for outcome in simulator.outcomes]
        identity = {
            "format": FORMAT,
            "model version": simulator.version,
            "model behaviour": simulator.behaviour,
            "reference": reference.name,
            "reference hash": reference.hash,
            "seed": str(seed),
            "source of parameter draws": simulator.basis.key,
            "outcomes": " ".join(names),
        }
        study = cls(_connect(place), names, place)
        try:
            with study._writing():
                if study._is_new():
                    study._create(simulator.outcomes, identity)
                    study._started_here = path is not None
                else:
                    study._require_same(identity)
            if path is not None:
                study._db.execute("PRAGMA journal_mode = WAL")
                study._db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            study._db.close()
            raise
        return study

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything recorded is in it, and no side file stays behind unless someone is
        reading.
        """
        self._db.close()

    @contextmanager
    def removed_if_empty(self) -> Iterator[None]:
        """Remove the file when the block ends in an error or Ctrl-C, the file was started by this very object
        and no run in it has succeeded: nothing would be lost, and nothing useful stays behind.
        """
        try:
            yield
        except BaseException:
            if self._started_here and not self._has_results():
                self.close()
                for ending in ("", "-wal", "-shm"):
                    Path(self._place + ending).unlink(missing_ok=True)
            raise

    def _has_results(self) -> bool:
        return self._db.execute("SELECT 1 FROM runs WHERE status = 'done' LIMIT 1").fetchone() is not None

    # --- the design -----------------------------------------------------------------------------------------

    def register_parameters(self, draws: Sequence[Mapping[str, float]]) -> None:
        """Store the parameters of each draw.

        Raises:
            StudyError: the file holds other values for a draw: its runs belong to other parameters.
        """
        stored: dict[int, dict[str, float]] = {}
        for draw, name, value in self._db.execute("SELECT draw, name, value FROM parameters"):
            stored.setdefault(draw, {})[name] = value
        differing = [i for i, values in enumerate(draws) if i in stored and stored[i] != dict(values)]
        if differing:
            raise StudyError(
                f"{self._place}: the parameters of {len(differing)} stored draws (first: draw {differing[0]}) "
                "are not those of this study",
                hint=_ANOTHER_FILE,
            )
        rows = (
            (i, name, float(value))
            for i, values in enumerate(draws)
            if i not in stored
            for name, value in values.items()
        )
        with self._writing():
            self._db.executemany("INSERT INTO parameters VALUES (?, ?, ?)", rows)

    def register(self, arms: Iterable[Arm], cells: Sequence[Cell]) -> None:
        """Plan every arm in every cell; what is planned or known already stays. The study counts as
        incomplete.
        """
        with self._writing():
            self._set_state("incomplete")
            for arm in arms:
                self._db.execute(
                    "INSERT OR IGNORE INTO arms (role, name, amount_factor, scenario_hash, scenario)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (arm.role, arm.name, arm.amount_factor, arm.scenario_hash, arm.policy.to_toml()),
                )
                number = self._number(arm)
                self._db.executemany(
                    "INSERT OR IGNORE INTO runs (arm, draw, world, world_seed) VALUES (?, ?, ?, ?)",
                    ((number, cell.draw, cell.world, cell.world_seed) for cell in cells),
                )

    def planned(self, arm: Arm) -> set[tuple[int, int]]:
        """(draw, world) of the runs of an arm that are planned and not yet there."""
        rows = self._db.execute(
            "SELECT draw, world FROM runs WHERE arm = ? AND status = 'planned'", (self._number(arm),)
        )
        return set(rows)

    def finish(self) -> None:
        """Mark the study as complete: all that was asked of it is in it."""
        with self._writing():
            self._set_state("complete")

    # --- results --------------------------------------------------------------------------------------------

    def record(self, records: Iterable[RunRecord]) -> None:
        """Write finished runs in one transaction: all of them or, when interrupted, none."""
        settings = "".join(f', "{name}" = ?' for name in self._names)
        statement = f"UPDATE runs SET status=?, reason=?{settings} WHERE arm=? AND draw=? AND world=?"
        absent = [None] * len(self._names)
        with self._writing():
            for one in records:
                values = absent if one.values is None else _with_nulls(one.values)
                self._db.execute(
                    statement,
                    (one.status, one.reason, *values, self._number(one.arm), one.cell.draw, one.cell.world),
                )

    def values(self, arm: Arm, design: Design) -> Floats:
        """Outcomes of an arm, shape (n_outcomes, n_draws, n_worlds); nan where there is no value."""
        columns = "".join(f', "{name}"' for name in self._names)
        result = np.full((len(self._names), *design.shape), np.nan)
        rows = self._db.execute(
            f"SELECT draw, world{columns} FROM runs"
            " WHERE arm = ? AND status = 'done' AND draw < ? AND world < ?",
            (self._number(arm), *design.shape),
        )
        for draw, world, *values in rows:
            result[:, draw, world] = [np.nan if v is None else v for v in values]
        return result

    def failures(self, arms: Iterable[Arm], design: Design) -> tuple[FailedRun, ...]:
        """Failed runs of these arms within the design, in order."""
        found = []
        for arm in arms:
            rows = self._db.execute(
                "SELECT draw, world, world_seed, reason FROM runs"
                " WHERE arm = ? AND status = 'failed' AND draw < ? AND world < ? ORDER BY draw, world",
                (self._number(arm), *design.shape),
            )
            found += [FailedRun(arm.name, arm.amount_factor, *row) for row in rows]
        return tuple(found)

    def export_csv(self) -> str:
        """All runs as text, one line each, in a fixed order: the same study gives the same bytes."""
        columns = "".join(f', "{name}"' for name in self._names)
        rows = self._db.execute(
            f"SELECT name, amount_factor, draw, world, world_seed, status, reason{columns}"
            " FROM runs JOIN arms USING (arm) ORDER BY role, name, amount_factor, draw, world"
        )
        header = ("option", "amount_factor", "draw", "world", "world_seed", "status", "reason", *self._names)
        return "".join(",".join(_csv_field(value) for value in row) + "\n" for row in (header, *rows))

    # --- inside ---------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: kept when the block ends, undone when it is left by an error or Ctrl-C."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise StudyError(*_explain(self._place, error)) from error

    def _is_new(self) -> bool:
        if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            return True
        if self._db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StudyError(f"{self._place} is a database, but not a study", hint=_ANOTHER_FILE)
        return False

    def _create(self, outcomes: Sequence[OutcomeLike], identity: Mapping[str, str]) -> None:
        bad = [o.name for o in outcomes if not re.fullmatch(r"[a-z][a-z0-9_]*", o.name)]
        if bad:
            raise StudyError(f"outcome names {bad} cannot be columns; use small letters, digits and _")
        columns = "".join(f', "{outcome.name}" REAL' for outcome in outcomes)
        for statement in _SCHEMA.format(columns=columns).split(";"):
            self._db.execute(statement)
        self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._db.executemany("INSERT INTO meta VALUES (?, ?)", identity.items())
        self._db.executemany(
            "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)",
            ((i, o.name, o.unit, o.better, o.meaning) for i, o in enumerate(outcomes)),
        )
        self._set_state("incomplete")

    def _require_same(self, identity: Mapping[str, str]) -> None:
        stored = dict(self._db.execute("SELECT key, value FROM meta"))
        problems = [
            f"{self._place}: {key} of the study is {_short(stored.get(key, 'missing'))},"
            f" now it is {_short(value)}"
            for key, value in identity.items()
            if stored.get(key) != value
        ]
        if problems:
            raise StudyError(problems, hint=_ANOTHER_FILE)

    def _set_state(self, state: Literal["complete", "incomplete"]) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (state,))

    def _number(self, arm: Arm) -> int:
        row = self._db.execute("SELECT arm FROM arms WHERE scenario_hash = ? AND amount_factor = ?", arm.key)
        return int(row.fetchone()[0])


_ANOTHER_FILE: Final = (
    "Give another file for the study, or move this one away; results of different studies are never mixed."
)


def _connect(place: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(place, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
    except sqlite3.Error as error:
        raise StudyError(*_explain(place, error)) from error


def _explain(place: str, error: sqlite3.Error) -> tuple[str, str]:
    """Problem and way out for what SQLite may say about a file."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return f"{place} is being written by another process ({text})", "Wait for it, or give another file."
    if "not a database" in text or "malformed" in text:
        return f"{place} is not a study file ({text})", _ANOTHER_FILE
    way_out = "Give a file in a folder that you may write to, on a disk with space."
    return f"{place} cannot be written ({text})", way_out


def require_writable(path: Path) -> None:
    """Refuse a path that cannot become a study, before anything is computed.

    Raises:
        StudyError: the folder does not exist or may not be written to, or the path is a folder.
    """
    if path.is_dir():
        raise StudyError(f"{path} is a folder", hint="Give the name of a file, for example study.db.")
    if not path.parent.is_dir():
        raise StudyError(
            f"the folder {path.parent} does not exist, so {path.name} cannot be written there",
            hint="Make the folder first, or give a file in a folder that exists.",
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise StudyError(
            f"{path} cannot be written: no permission",
            hint="Give a file in a folder that you may write to.",
        )


def _short(value: str, length: int = 60) -> str:
    return value if len(value) <= length else value[: length - 1] + "…"


def _with_nulls(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _csv_field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if re.search('[",\n\r]', text) else text
