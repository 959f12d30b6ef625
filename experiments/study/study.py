"""The study file: one SQLite database that holds a whole study and can be read while it grows.

Tables, for anyone with an SQL prompt:

    meta(key, value)                             what the study is about, what made it, plan, and whether it is complete
    outcomes(position, name, unit, better, meaning)
    parameters(base, name, value)                the uncertain parameters of each base draw
    draws(draw, base, settings, digest)          the parameter sets that runs have: a base draw, some values replaced
    scenarios(scenario_hash, scenario)           the policies' scenario files
    arms(arm, role, name, amount_factor, settings, scenario_hash, twin)    policies, and the world each is held against
    runs(draw, world, arm, world_seed, key, status, reason, digest, one column per outcome)
    factors, policies, points                    of a sweep: what it varies, what it compares, its design row by row
    progress, results                            views: how far it is; every point with every policy and outcome

The design is registered first: a run starts as ``planned`` and becomes ``done`` or ``failed``; a failed run
keeps its reason. Runs are written in chunks, each in one transaction, so that stopping at any moment loses
the chunk in hand and nothing else. A run's ``key`` is a fingerprint of all that decides it (behaviour of the model,
policy and its twin, parameters, world seed), however it is written: repeating a command computes what is missing,
more options, draws, worlds or points can be added later, and a study can take over what another one holds
already. Its ``digest`` stands for its outcomes, so that damage is noticed; an entry of ``meta`` is one of all that the
file says in words.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from itertools import groupby
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Final, Literal, Self, cast

import numpy as np

from passaat import provenance
from passaat.errors import ScenarioError, StudyError, command
from passaat.experiments.design.cells import Cell, Design
from passaat.experiments.design.policies import Arm, InputsOf, Policy, settings_text
from passaat.experiments.design.simulator import OutcomeLike, Simulator
from passaat.experiments.stats.pairing import Floats
from passaat.experiments.study.connection import (
    APPLICATION_ID,
    EMPTY,
    MEMORY,
    EmptyStudyError,
    connect,
    holds_nothing,
    is_study,
    require_writable,
)
from passaat.experiments.study.keys import digest, digest_of, parameters_digest, run_key
from passaat.experiments.study.locks import give_back_lock, take_lock
from passaat.experiments.study.log import SPAN, STARTS
from passaat.experiments.study.messages import (
    ANOTHER_FILE,
    REPEAT,
    SQLITE_ERRORS,
    damaged,
    explain,
    shortened,
)
from passaat.experiments.study.records import ALL, FailedRun, Kind, PlannedCell, RunRecord, Scope, Written
from passaat.experiments.study.schema import (
    Tables,
    basis_statements,
    design_statements,
    quoted,
    tables_of,
)
from passaat.identity import fingerprint, number_text
from passaat.scenarios.levers import LEVERS, LeverValue
from passaat.scenarios.loading import scenario_from_text
from passaat.scenarios.reading import no_file, shown_name, shown_value

MADE_WITH: Final = "made with"
"""Entry of ``meta``: what made the study, as JSON (``provenance.Provenance``). Studies of 0.1.0 have none."""

CONTINUED_WITH: Final = "continued with"
"""Entry of ``meta``: a JSON list of all else that added runs to it; there is none where nothing did."""

REGISTERED: Final = "runs registered"
"""Entry of ``meta``: how many runs the design has, as they were registered; studies of 0.1.0 have none."""

SEAL: Final = "digest of the description"
"""Entry of ``meta``, a digest of all that is said in words, by which damage to what decides no run is noticed, such
as a title, the version of the model or what the study was made with; studies of 0.1.0 have none."""

_SEALED: Final = {
    "meta": "SELECT key, value FROM meta WHERE key != ? ORDER BY key",
    "outcomes": "SELECT * FROM outcomes ORDER BY position",
    "scenarios": "SELECT * FROM scenarios ORDER BY scenario_hash",
    "arms": "SELECT role, name, amount_factor, scenario_hash FROM arms WHERE settings = '{}' ORDER BY arm",
    "factors": "SELECT * FROM factors ORDER BY position",
    "policies": "SELECT * FROM policies ORDER BY position",
}
"""What the seal covers, by table: policies as they stand, and not those that move levers at each point of a sweep."""

FORMAT: Final = "2"


MOST_PARTS: Final = 1_000
"""Tables, views and indices of a file that are looked at; a study has some twenty."""

LONGEST_NAME: Final = 10_000
"""Longest name or sentence of a description, in characters; plans and scenarios may be longer."""

_NAMES_IN: Final = (
    *(("outcomes", column) for column in ("name", "unit", "better", "meaning")),
    *(("factors", column) for column in ("name", "kind", "unit", "label", "meaning")),
    ("policies", "policy"),
)
"""Tables and columns of names and sentences, which are short."""

_TYPES: Final = {"INTEGER": "integer", "REAL": "real", "TEXT": "text"}
"""What SQLite calls a value that belongs into a column of each type."""

_OR_NULL: Final = dict.fromkeys((("arms", "twin"), ("points", "in_world")), ", 'null'")

_SMALL: Final = ("meta", "outcomes", "scenarios", "arms")
_SMALL_OF_A_SWEEP: Final = ("factors", "policies", "worlds")
"""Tables whose types are looked at whenever a file is opened; the others are looked at where they are read."""


LARGEST_RESULT: Final = 1e60
"""Largest result that statistics can work with: a variance of variances is its fourth power."""

PAGE: Final = 2_000
"""Planned runs read at a time: enough to keep reading cheap, few enough to keep memory flat."""


class Study:
    """An open study file. Use ``Study.open`` or ``Study.read`` in a ``with`` statement; written from one thread
    only, and by one process at a time.
    """

    def __init__(self, connection: sqlite3.Connection, place: str, lock: int | None = None) -> None:
        self._db = connection
        self._place = place
        self._lock = lock
        self._started_here = False
        self._made_here = ""
        self._tables = Tables(())
        self._file: os.stat_result | None = None
        self._patient = False
        self._unsealed = False
        self._count_from = 0
        self._added = 0
        self.say: Callable[[str], None] = _say
        self._policies: dict[str, Policy] = {}
        self._bases: dict[int, dict[str, float]] = {}
        self._contents: dict[tuple[str, float, str], str] = {}
        self._inputs_of = InputsOf()

    @classmethod
    def open(
        cls, path: Path | None, simulator: Simulator, reference: Policy, seed: int, kind: Kind = "comparison"
    ) -> Self:
        """Open a study for writing, or start it; without a path it lives in memory.

        Raises:
            StudyError: the path cannot be written, is no study, is being run by another process, or is a study of
                another kind, model, reference, seed or source of parameter draws. It is left as it was.
        """
        place = MEMORY if path is None else str(path)
        if path is not None:
            require_writable(path)
            require_same_model(path, simulator)
            if is_study(path):
                with suppress(EmptyStudyError):  # its log takes back what was just being made: it begins anew
                    cls.read(path).close()  # refuses what is foreign before anything is opened for writing
        names = [outcome.name for outcome in simulator.outcomes]
        basis_statements(names)
        identity = {
            "format": FORMAT,
            "kind": kind,
            "model version": simulator.version,
            "model behaviour": simulator.behaviour,
            "reference": reference.name,
            "reference hash": reference.hash,
            "seed": str(seed),
            "source of parameter draws": simulator.basis.key,
            "outcomes": " ".join(names),
        }
        lock = None if path is None else take_lock(path)
        try:
            study = cls(connect(place), place, lock)
        except BaseException:
            give_back_lock(lock, place)
            raise
        try:
            study._made_here = made_here(simulator).to_json()
            with study._writing():
                if study._is_new():
                    study._create(simulator.outcomes, identity)
                    study.put_meta(MADE_WITH, study._made_here)
                    study._started_here = path is not None
                else:
                    study._require_same(identity)
                study._read_tables()
            if path is not None:
                study._db.execute("PRAGMA journal_mode = WAL")
                study._db.execute("PRAGMA synchronous = FULL")
                study._file = path.stat()
            study._patient = True
        except SQLITE_ERRORS as error:
            study.close()
            raise StudyError(*explain(place, error)) from error
        except BaseException:
            study.close()
            raise
        return study

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open a study for reading, also while it is being run.

        Raises:
            StudyError: there is no such file, or it is no study or one of another format.
        """
        if not path.is_file():
            strange = no_file(path)
            raise StudyError(
                f"{path} is {strange}, no study" if strange else f"there is no study {path}",
                hint="`passaat studies` lists those of this folder.",
            )
        return cls(connect(str(path), read_only=True), str(path))._known()

    @classmethod
    def edit(cls, path: Path) -> Self:
        """Open a study that exists for writing, whatever it is about.

        Raises:
            StudyError: as ``read``, or it cannot be written or is being run by another process.
        """
        require_writable(path)
        cls.read(path).close()
        lock = take_lock(path)
        try:
            study = cls(connect(str(path)), str(path), lock)
        except BaseException:
            give_back_lock(lock, str(path))
            raise
        study._known()
        study._patient = True
        return study

    def _known(self) -> Self:
        """This study, if its tables are those of a study of this format; otherwise it is closed.

        Raises:
            StudyError: they are not.
        """
        try:
            self._require_known()
        except SQLITE_ERRORS as error:
            self.close()
            raise StudyError(*explain(self._place, error)) from error
        except BaseException:
            self.close()
            raise
        return self

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
        self._close_file()
        give_back_lock(self._lock, self._place)
        self._lock = None

    def _close_file(self) -> None:
        """Close the file and keep the right to run it."""
        if self._lock is not None and self._tables.outcomes:
            # A finished study is one plain file, which can be read from a folder or disk that nobody may write to.
            # Where someone is reading, the log is emptied into the file; it goes when the study is next written to.
            with suppress(*SQLITE_ERRORS):
                self._db.execute("PRAGMA busy_timeout = 0")
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()

    @contextmanager
    def removed_if_empty(self) -> Iterator[None]:
        """Remove the file when the block ends in an error or Ctrl-C, the file was started by this very object
        and no run in it has succeeded: nothing would be lost, and nothing useful stays behind. After Ctrl-C runs that
        failed are kept, too: their reasons have not been told yet.
        """
        try:
            yield
        except BaseException as error:
            if self._started_here and not self._holds_anything(isinstance(error, KeyboardInterrupt)):
                # The lock is given back only afterwards: another process may begin a study of this name at once.
                self._close_file()
                if self._is_still_there():
                    for ending in ("", "-wal", "-shm"):
                        Path(self._place + ending).unlink(missing_ok=True)
                self.close()
            raise

    def _is_still_there(self) -> bool:
        """Whether the file of this name is the one that was started here; it may have been moved or replaced."""
        try:
            return self._file is not None and os.path.samestat(self._file, os.stat(self._place))
        except OSError:
            return False

    def _holds_anything(self, failures_too: bool) -> bool:
        """Whether any run has succeeded, or failed; a file that cannot be read any more is taken to hold something."""
        wanted = "status IN ('done', 'failed')" if failures_too else "status = 'done'"
        try:
            return self.row(f"SELECT 1 FROM runs WHERE {wanted} LIMIT 1") is not None
        except StudyError:
            return True

    @property
    def place(self) -> str:
        """The file, for messages."""
        return self._place

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """Names of the outcomes, in the order of values."""
        return self._tables.outcomes

    @property
    def factor_names(self) -> tuple[str, ...]:
        """Columns of the table of points; empty where there is none."""
        return tuple(name for name, _ in self._tables.factors or ())

    @property
    def has_points(self) -> bool:
        """Whether the tables of a sweep's points are there."""
        return self._tables.factors is not None

    # --- what the study is about ----------------------------------------------------------------------------

    def meta(self, key: str) -> str:
        """One entry of the description; empty where there is none."""
        row = self.row("SELECT value FROM meta WHERE key = ?", (key,))
        return "" if row is None else str(row[0])

    def made_with(self) -> dict[str, Any]:
        """What made the study, as ``Provenance.to_dict``; empty where it does not say, as in version 0.1.0.

        Raises:
            StudyError: what it says cannot be read.
        """
        found: dict[str, Any] = self.read_json(MADE_WITH, dict, f"what it was {MADE_WITH}")
        if found and not _is_provenance(found):
            raise damaged(self._place, f"what it was {MADE_WITH} cannot be read")
        return found

    def continued_with(self) -> list[dict[str, Any]]:
        """What else added runs to it, such as another commit or other libraries, the first first; errors as
        ``made_with``.
        """
        found: list[dict[str, Any]] = self.read_json(CONTINUED_WITH, list, f"what it was {CONTINUED_WITH}")
        if not all(map(_is_provenance, found)):
            raise damaged(self._place, f"what it was {CONTINUED_WITH} cannot be read")
        return found

    def read_json(self, key: str, kind: type, what: str = "") -> Any:
        """An entry of the description that is JSON of this kind, a dictionary or a list; an empty one where there is
        none.

        Args:
            what: the entry in words, for the error.

        Raises:
            StudyError: it cannot be read, or is of another kind.
        """
        stored = self.meta(key)
        try:
            found = json.loads(stored) if stored else kind()
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, kind):
            raise damaged(self._place, f"{what or f'its {key}'} cannot be read")
        return found

    def _add_provenance(self, made: str) -> None:
        """Add what makes the runs that are being written, unless the study says so already."""
        if not made or made == self.meta(MADE_WITH):
            return
        known = [_as_json(one) for one in self.continued_with()]
        if made not in known:
            self.put_meta(CONTINUED_WITH, f"[{', '.join([*known, made])}]")

    def set_meta(self, key: str, value: str) -> None:
        """Write one entry of the description."""
        with self._writing():
            self.put_meta(key, value)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read in the block belongs to one moment, whatever is written meanwhile.

        Raises:
            StudyError: the file is damaged or cannot be read.
        """
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute("BEGIN")
        except SQLITE_ERRORS as error:
            raise StudyError(*explain(self._place, error)) from error
        try:
            yield
        finally:
            with suppress(*SQLITE_ERRORS):
                self._db.execute("ROLLBACK")

    def rows(self, query: str, arguments: Sequence[object] = ()) -> Iterator[Any]:
        """Rows that answer an SQL query on the tables above, read as they are asked for.

        Raises:
            StudyError: the file is damaged or cannot be read.
        """
        try:
            # Not `yield from`: that would close the cursor of a reader who stopped halfway, at a time when the
            # database may be closed already.
            for row in self._db.execute(query, arguments):  # noqa: UP028
                yield row
        except SQLITE_ERRORS as error:
            raise StudyError(*explain(self._place, error)) from error

    def row(self, query: str, arguments: Sequence[object] = ()) -> Any:
        """The first row that answers an SQL query, None where there is none; errors as ``rows``."""
        return next(self.rows(query, arguments), None)

    # --- the design -----------------------------------------------------------------------------------------

    def register_parameters(self, draws: Sequence[Mapping[str, float]]) -> None:
        """Store base draws; draw i of the study is base draw i as it is.

        Raises:
            StudyError: the file holds other values for a draw: its runs belong to other parameters.
        """
        self.register_bases(draws)
        with self._writing():
            for i in range(len(draws)):
                self.add_draw(i, {})

    def register_bases(self, draws: Sequence[Mapping[str, float]]) -> None:
        """Store base draws of all uncertain parameters.

        Raises:
            StudyError: the file holds other values for a draw: its runs belong to other parameters.
        """
        stored: dict[int, dict[str, str]] = {}
        for base, name, value in self.rows("SELECT base, name, value FROM parameters"):
            stored.setdefault(base, {})[name] = number_text(value)
        differing = [
            i
            for i, values in enumerate(draws)
            if i in stored and stored[i] != {name: number_text(value) for name, value in values.items()}
        ]
        if differing:
            raise StudyError(
                f"{self._place}: the parameters of {len(differing)} stored draws (first: draw {differing[0]}) "
                "are not those of this study",
                hint=ANOTHER_FILE,
            )
        rows = (
            (i, name, float(value))
            for i, values in enumerate(draws)
            if i not in stored
            for name, value in values.items()
        )
        with self._writing():
            self._db.executemany("INSERT INTO parameters VALUES (?, ?, ?)", rows)

    @contextmanager
    def registering(self) -> Iterator[None]:
        """One transaction in which ``create_points``, ``put_meta`` and all that begins with ``add_`` may be called: all
        is planned, or nothing. The study counts as incomplete.
        """
        with self._writing():
            self._set_state("incomplete")
            stored, self._added = self.meta(REGISTERED), 0
            known = int(stored) if stored.isdigit() else int(self.row("SELECT count(*) FROM runs")[0])
            yield
            self.put_meta(REGISTERED, str(known + self._added))

    def add_draw(self, base: int, settings: Mapping[str, float]) -> int:
        """Number of a parameter set, which is added where it is new: numbers are given in order of first mention."""
        text = settings_text(settings)
        found = self.row("SELECT draw FROM draws WHERE base = ? AND settings = ?", (base, text))
        if found is not None:
            return int(found[0])
        number = int(self.row("SELECT coalesce(max(draw), -1) + 1 FROM draws")[0])
        self._db.execute(
            "INSERT INTO draws VALUES (?, ?, ?, ?)",
            (number, base, text, parameters_digest({**self._base(base), **settings})),
        )
        return number

    def parameters(self, draw: int) -> dict[str, float]:
        """All parameters of one draw, by name."""
        base, text = self._found("SELECT base, settings FROM draws WHERE draw = ?", (draw,), f"draw {draw}")
        settings = self._settings(text, f"draw {draw}")
        if not all(isinstance(value, float | int) for value in settings.values()):
            raise damaged(self._place, f"parameters of draw {draw} are no numbers")
        return {**self._base(base), **settings}

    def _found(self, query: str, arguments: Sequence[object], what: str) -> Any:
        """A row that other rows refer to."""
        found = self.row(query, arguments)
        if found is None:
            raise damaged(self._place, f"{what} is missing")
        return found

    def _settings(self, text: str, of: str) -> dict[str, Any]:
        try:
            settings: dict[str, Any] = json.loads(text)
            if not all(isinstance(value, bool | int | float | str) for value in settings.values()):
                raise TypeError
            if settings_text(settings) != text:  # rows are found by it
                raise ValueError
        except (TypeError, ValueError, AttributeError, RecursionError):
            raise damaged(self._place, f"the settings of {of} cannot be read") from None
        return settings

    def _base(self, base: int) -> dict[str, float]:
        """Parameters of a base draw: each has those of the first, and no others.

        Raises:
            StudyError: it has not, or what it has are no numbers.
        """
        if base not in self._bases:
            found = dict(
                self.rows("SELECT name, value FROM parameters WHERE base = ? ORDER BY name", (base,))
            )
            names = [
                name
                for (name,) in self.rows(
                    "SELECT name FROM parameters WHERE base = (SELECT min(base) FROM parameters) ORDER BY name"
                )
            ]
            if list(found) != names:
                differing = sorted({repr(name) for name in found.keys() ^ set(names)})
                raise damaged(
                    self._place,
                    f"base draw {shown_value(base)} has other parameters than the first:"
                    f" {shown_name(', '.join(differing))}",
                )
            if not all(isinstance(value, float) for value in found.values()):
                raise damaged(self._place, f"parameters of base draw {shown_value(base)} are no numbers")
            self._bases[base] = found
        return self._bases[base]

    def register(self, arms: Iterable[Arm], cells: Sequence[Cell], twin: Arm | None = None) -> None:
        """Plan every arm in every cell; what is planned or known already stays. The study counts as
        incomplete. ``twin`` is the world without programme that outcomes of these arms are held against.
        """
        with self.registering():
            for arm in arms:
                self.add_runs(arm, cells, twin)

    def add_runs(self, arm: Arm, cells: Iterable[Cell], twin: Arm | None) -> None:
        """Plan an arm in some cells, held against its twin, as ``register``."""
        against = None if twin is None or arm.key == twin.key else twin
        number = self._add(arm, None if against is None else self._add(against, None))
        arm_fingerprint = self._arm_fingerprint(arm, against)
        rows = (
            (
                c.draw,
                c.world,
                number,
                c.world_seed,
                run_key(arm_fingerprint, self._draw_digest(c.draw), c.world_seed),
            )
            for c in cells
        )
        new = self._db.executemany(
            "INSERT OR IGNORE INTO runs (draw, world, arm, world_seed, key) VALUES (?, ?, ?, ?, ?)", rows
        )
        self._added += max(new.rowcount, 0)

    def create_points(self, factors: Sequence[tuple[str, str]]) -> None:
        """Make the tables of points with a column for each factor, of this type, where they are not there yet."""
        if self._tables.factors is not None:
            return
        tables = Tables(self._tables.outcomes, tuple(factors))
        for statement in design_statements(tables):
            self._db.execute(statement)
        self._tables = tables

    def put_meta(self, key: str, value: str) -> None:
        """Write one entry of the description as part of a transaction."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
        self._unsealed = True

    def add_rows(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Add rows to a table of the design, in the order of its columns."""
        for row in rows:
            self._db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", tuple(row))
            self._unsealed |= table in _SEALED

    def arm_fingerprint(self, number: int) -> str:
        """Fingerprint of what a registered arm and its twin bring to a run, worked out anew from what is stored."""
        arm, twin = self.arm(number)
        return self._arm_fingerprint(arm, None if twin is None else self.arm(twin)[0])

    def _arm_fingerprint(self, arm: Arm, against: Arm | None) -> str:
        twin = "" if against is None else self._content(against)
        return digest(self.meta("model behaviour"), self._content(arm), twin)

    def _content(self, arm: Arm) -> str:
        """Fingerprint of what an arm brings to a run; kept for those that many runs share."""
        if arm.settings:
            return self._inputs_of.content(arm)
        if arm.key not in self._contents:
            self._contents[arm.key] = self._inputs_of.content(arm)
        return self._contents[arm.key]

    def _draw_digest(self, draw: int) -> str:
        row = self.row("SELECT digest FROM draws WHERE draw = ?", (draw,))
        return "" if row is None else str(row[0])

    def _add(self, arm: Arm, twin: int | None) -> int:
        """Number of an arm, which is added where it is new."""
        if arm.scenario_hash not in self._policies:
            self._policies[arm.scenario_hash] = arm.policy
            self._db.execute(
                "INSERT OR IGNORE INTO scenarios VALUES (?, ?)", (arm.scenario_hash, arm.policy.to_toml())
            )
        self._db.execute(
            "INSERT OR IGNORE INTO arms (role, name, amount_factor, settings, scenario_hash, twin)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (arm.role, arm.name, arm.amount_factor, arm.settings_text, arm.scenario_hash, twin),
        )
        self._unsealed |= not arm.settings
        return self.number(arm)

    def number(self, arm: Arm) -> int:
        """Number of a registered arm."""
        query = "SELECT arm FROM arms WHERE scenario_hash = ? AND amount_factor = ? AND settings = ?"
        what = (
            arm.name if arm.amount_factor == 1.0 else f"{arm.name} at {arm.amount_factor:g} times its amount"
        )
        (number,) = self._found(query, arm.key, f"the policy {shown_name(what)}")
        return int(number)

    def has(self, arm: Arm) -> bool:
        """Whether an arm is registered."""
        query = "SELECT 1 FROM arms WHERE scenario_hash = ? AND amount_factor = ? AND settings = ?"
        return self.row(query, arm.key) is not None

    def arm(self, number: int) -> tuple[Arm, int | None]:
        """A registered arm by its number, and the number of its twin."""
        role, name, factor, settings, scenario_hash, twin = self._found(
            "SELECT role, name, amount_factor, settings, scenario_hash, twin FROM arms WHERE arm = ?",
            (number,),
            f"arm {number}",
        )
        levers: dict[str, LeverValue] = self._settings(settings, f"arm {number}")
        if not levers.keys() <= LEVERS.keys():
            unknown = ", ".join(shown_name(name) for name in levers.keys() - LEVERS.keys())
            raise damaged(self._place, f"arm {number} moves what is no lever: {unknown}")
        try:
            for lever, value in levers.items():
                LEVERS[lever].normalise(value)
        except ValueError as error:
            raise damaged(self._place, f"arm {number} moves a lever to what it cannot be: {error}") from None
        arm = Arm(
            self._policy(scenario_hash), role, name, scenario_hash, factor, tuple(sorted(levers.items()))
        )
        return arm, twin

    def _policy(self, scenario_hash: str) -> Policy:
        """A policy by its hash: the object registered here, or read from the text that is stored."""
        if scenario_hash not in self._policies:
            what = f"scenario {scenario_hash}"
            (text,) = self._found(
                "SELECT scenario FROM scenarios WHERE scenario_hash = ?", (scenario_hash,), what
            )
            if not isinstance(text, str):
                raise damaged(self._place, f"{what} is no text")
            try:
                self._policies[scenario_hash] = scenario_from_text(text, what)
            except ScenarioError as error:
                raise damaged(self._place, "; ".join(error.problems)) from None
        return self._policies[scenario_hash]

    def planned(self, arm: Arm) -> set[tuple[int, int]]:
        """(draw, world) of the runs of an arm that are planned and not yet there."""
        return set(
            self.rows(
                "SELECT draw, world FROM runs WHERE arm = ? AND status = 'planned'", (self.number(arm),)
            )
        )

    def count_to_do(self, scope: Scope = ALL) -> int:
        """Number of planned runs in a part of the study."""
        where, arguments = scope.where()
        return int(self.row(f"SELECT count(*) FROM runs WHERE {where}", arguments)[0])

    def to_do(self, scope: Scope = ALL) -> Iterator[PlannedCell]:
        """Planned runs, cell by cell, each once, in order; recording results meanwhile does not disturb it."""
        for (draw, world, seed), runs in groupby(self._planned_runs(scope), key=lambda run: run[:3]):
            yield PlannedCell(draw, world, seed, tuple(run[3] for run in runs))

    def _planned_runs(self, scope: Scope) -> Iterator[tuple[int, int, int, int]]:
        """(draw, world, world seed, arm) of planned runs, a page at a time."""
        where, arguments = scope.where()
        last = (-1, -1, -1)
        while True:
            query = (
                f"SELECT draw, world, world_seed, arm FROM runs WHERE {where} AND (draw, world, arm) > (?, ?, ?)"
                f" ORDER BY draw, world, arm LIMIT {PAGE}"
            )
            page = list(self.rows(query, (*arguments, *last)))
            yield from page
            if len(page) < PAGE:
                return
            draw, world, _, arm = page[-1]
            last = (draw, world, arm)

    def plan_failed_again(self) -> int:
        """Plan every failed run once more; returns how many."""
        with self._writing():
            done = self._db.execute(
                "UPDATE runs SET status = 'planned', reason = '', digest = '' WHERE status = 'failed'"
            )
            if done.rowcount:
                self._set_state("incomplete")
            return done.rowcount

    def finish(self) -> None:
        """Mark the study as complete, unless something that was asked of it earlier is still missing."""
        with self._writing():
            if self.count_to_do() == 0:
                self._set_state("complete")

    # --- results --------------------------------------------------------------------------------------------

    def record(self, records: Iterable[RunRecord]) -> None:
        """Write finished runs in one transaction: all of them or, when interrupted, none."""
        settings = self._settings_of_a_result
        statement = f"UPDATE runs SET {settings} WHERE draw = ? AND world = ? AND arm = ?"
        absent = [None] * len(self.outcome_names)
        with self._writing():
            self._add_provenance(self._made_here)
            for one in records:
                values = absent if one.values is None else _with_nulls(one.values)
                digest = digest_of(one.status, one.reason, values)
                self._db.execute(
                    statement, (one.status, one.reason, digest, *values, one.draw, one.world, one.arm)
                )

    @property
    def _settings_of_a_result(self) -> str:
        """What SQL sets in a run with its result: status, reason, digest, then the outcomes."""
        return ", ".join(
            f"{one} = ?" for one in ("status", "reason", "digest", *map(quoted, self.outcome_names))
        )

    def written(self, asked: Sequence[str], rest: str, arguments: Sequence[object] = ()) -> Iterator[Written]:
        """Runs as they stand in the file, with these columns; ``rest`` says in SQL which, and in which order."""
        columns = ", ".join((*asked, "status", "reason", "digest", *map(quoted, self.outcome_names)))
        n = len(asked)
        for row in self.rows(f"SELECT {columns} FROM runs {rest}", arguments):
            yield Written(row[:n], row[n], row[n + 1], row[n + 2], row[n + 3 :])

    def broken_seal(self) -> str:
        """Digest of what the file says in words where it is not the one written with it; else empty."""
        stored = self.meta(SEAL)
        found = self.description_digest() if stored else ""
        return found if found != stored else ""

    def require_as_written(self) -> None:
        """Refuse a file in which what it says of itself, or a result, is not as it was written.

        Studies of 0.1.0 have no digest of what they say; their results have.

        Raises:
            StudyError: something was changed.
        """
        with self.snapshot():
            changed = ["what it says of itself"] if self.broken_seal() else []
            results = sum(not run.whole for run in self.written((), "WHERE status <> 'planned'"))
        changed += [f"{results:,} of its results"] if results else []
        if changed:
            raise StudyError(
                f"{self._place} was changed after it was written: {' and '.join(changed)}",
                f"`{command('passaat', 'verify', PurePath(self._place))}` says what. {REPEAT}",
            )

    def take_over(self, other: Path) -> int:
        """Copy results that another study holds under the same key, so that they need not be run; returns how many.

        Raises:
            StudyError: no such study, or one of another model, which can have no run in common with this one.
        """
        with Study.read(other) as source:
            theirs, ours = (
                (study.meta("model version"), study.meta("model behaviour")) for study in (source, self)
            )
            if theirs[1] != ours[1]:
                raise StudyError(other_model(other, theirs, ours), "Leave it out of --reuse.")
            return self._take_from(source)

    def _take_from(self, source: Study) -> int:
        """Copy what another study holds under the keys that are planned here; all of it, or nothing."""
        settings = self._settings_of_a_result
        taken, changed = 0, list[str]()
        with self._writing():
            self._db.execute(
                "CREATE TEMP TABLE wanted AS SELECT DISTINCT key FROM runs WHERE status = 'planned'"
            )
            self._db.execute("CREATE INDEX temp.wanted_key ON wanted (key)")
            self._db.execute("CREATE INDEX key_of_planned ON runs (key) WHERE status = 'planned'")
            for run in source.written(("key",), "WHERE status = 'done'"):
                (key,) = run.asked
                if self.row("SELECT 1 FROM temp.wanted WHERE key = ?", (key,)) is None:
                    continue
                if not run.whole:
                    changed.append(key)
                done = self._db.execute(
                    f"UPDATE runs SET {settings} WHERE key = ? AND status = 'planned'",
                    (run.status, run.reason, run.digest, *run.values, key),
                )
                taken += done.rowcount
            if taken:
                for made in (source.made_with(), *source.continued_with()):
                    self._add_provenance(_as_json(made) if made else "")
            self._db.execute("DROP INDEX key_of_planned")
            self._db.execute("DROP TABLE temp.wanted")
            if changed:
                raise StudyError(
                    f"{source.place} holds {len(changed)} results that were changed after they were written (first:"
                    f" {changed[0]}); nothing was taken over",
                    f"Check it with `{command('passaat', 'verify', PurePath(source.place))}`, and leave it out.",
                )
        return taken

    def values(self, arm: Arm, design: Design) -> Floats:
        """Outcomes of an arm, shape (n_outcomes, n_draws, n_worlds); nan where there is no value."""
        return self._values(arm, design.shape, "draw < ?", design.draws, 0)

    def values_in(self, arm: Arm, draw: int, worlds: int) -> Floats:
        """Outcomes of an arm in one draw, shape (n_outcomes, n_worlds); nan where there is no value."""
        return self._values(arm, (1, worlds), "draw = ?", draw, draw)[:, 0]

    def _values(self, arm: Arm, shape: tuple[int, int], where: str, limit: int, first_draw: int) -> Floats:
        columns = "".join(f', "{name}"' for name in self.outcome_names)
        result = np.full((len(self.outcome_names), *shape), np.nan)
        rows = self.rows(
            f"SELECT draw, world{columns} FROM runs WHERE {where} AND world < ? AND arm = ? AND status = 'done'",
            (limit, shape[1], self.number(arm)),
        )
        for draw, world, *values in rows:
            numbers = self.numbers_in(values, f"draw {shown_value(draw)}, world {shown_value(world)}")
            try:
                result[:, draw - first_draw, world] = numbers
            except (IndexError, TypeError):
                raise damaged(
                    self._place, f"there is no draw {shown_value(draw)} with a world {shown_value(world)}"
                ) from None
        return result

    def numbers_in(self, values: Sequence[object], where: str) -> list[float]:
        """Outcomes of a run as numbers; nan where there is no value.

        Raises:
            StudyError: they are none.
        """
        numbers = [math.nan if value is None else value for value in values]
        for number in numbers:
            if not isinstance(number, float):
                raise damaged(self._place, f"{where} holds {shown_value(number)}, which is no result")
        return cast(list[float], numbers)

    def failures(self, arms: Iterable[Arm], design: Design) -> tuple[FailedRun, ...]:
        """Failed runs of these arms within the design, in order."""
        found = []
        for arm in arms:
            rows = self.rows(
                "SELECT draw, world, world_seed, reason FROM runs"
                " WHERE arm = ? AND status = 'failed' AND draw < ? AND world < ? ORDER BY draw, world",
                (self.number(arm), *design.shape),
            )
            found += [self.failed_run(arm.name, arm.amount_factor, *row) for row in rows]
        return tuple(found)

    def failed_run(
        self, option: str, amount_factor: float, draw: Any, world: Any, world_seed: Any, reason: Any
    ) -> FailedRun:
        """A failed run, from draw, world, world seed and reason as they stand in the file.

        Raises:
            StudyError: they are no whole numbers and a text.
        """
        place = (draw, world, world_seed)
        if not all(isinstance(one, int) for one in place) or not isinstance(reason, str):
            raise damaged(
                self._place, f"a failed run of {shown_name(option)} is {shown_value((*place, reason))}"
            )
        return FailedRun(option, amount_factor, draw, world, world_seed, reason)

    # --- inside ---------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: kept when the block ends, undone when it is left by an error or Ctrl-C."""
        try:
            self._until_free("BEGIN IMMEDIATE")
            try:
                yield
                if self._unsealed:
                    self._seal()
                self._count_up()
                self._until_free("COMMIT")
                self._unsealed = False
            except BaseException:
                if self._db.in_transaction:  # a full disk makes SQLite undo it by itself
                    self._db.execute("ROLLBACK")
                raise
        except SQLITE_ERRORS as error:
            raise StudyError(*explain(self._place, error)) from error

    def _seal(self) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (SEAL, self.description_digest()))

    def description_digest(self) -> str:
        """Digest of all that the file says in words, worked out anew."""
        return fingerprint(
            {
                table: [
                    [one.hex() if isinstance(one, float) else one for one in row]
                    for row in self.rows(query, (SEAL,) if table == "meta" else ())
                ]
                for table, query in _SEALED.items()
                if self.has_points or table not in ("factors", "policies")
            },
            24,
        )

    def _until_free(self, statement: str) -> None:
        """Begin or end a transaction; while another program holds the file, wait for it, which is said once."""
        said = False
        while True:
            try:
                self._db.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if not self._patient or error.sqlite_errorcode & 0xFF not in (
                    sqlite3.SQLITE_BUSY,
                    sqlite3.SQLITE_LOCKED,
                ):
                    raise
            if not said:
                self.say(
                    f"Another program holds {self._place}: waiting for it to let go. Nothing is lost; Ctrl-C stops."
                )
                said = True

    def _count_up(self) -> None:
        """Count this transaction in the file's header, by which a log that belongs to another file is known."""
        (count,) = self._db.execute("PRAGMA user_version").fetchone()
        begin, number = divmod(count or self._count_from, SPAN)
        self._db.execute(f"PRAGMA user_version = {begin * SPAN + number % (SPAN - 1) + 1}")

    def _is_new(self) -> bool:
        if holds_nothing(self._db):
            return True
        self._require_study()
        return False

    def _require_study(self) -> None:
        if self._db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
            return
        if holds_nothing(self._db):
            raise EmptyStudyError(
                f"{self._place} is {EMPTY}",
                "A command that was killed as it began leaves such a file: repeat it, or remove the file.",
            )
        raise StudyError(f"{self._place} is a database, but not a study", hint=ANOTHER_FILE)

    def _require_known(self) -> None:
        """Refuse a file whose tables are not those of a study of this format."""
        self._require_study()
        if self._has_own_meta():
            made = self.meta("format")
            if made != FORMAT:
                raise StudyError(
                    f"{self._place} has format {shown_name(made)}, and this version reads format {FORMAT}",
                    hint="Read it with the version that wrote it, or repeat the study.",
                )
        self._read_tables()

    def _has_own_meta(self) -> bool:
        """Whether the description is a plain table, which can be asked for the format before all else is known."""
        text = self.row("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'meta'")
        return text is not None and text[0] == basis_statements(())[0]

    def _read_tables(self) -> None:
        """Read what the tables are.

        Raises:
            StudyError: they are not those of a study, or what they hold says something else.
        """
        entries = self._db.execute(f"SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT {MOST_PARTS}")
        tables = tables_of(self._place, entries)
        for table, column in (("meta", "key"), *_NAMES_IN):
            if table in ("factors", "policies") and tables.factors is None:
                continue
            long = self.row(
                f"SELECT substr({column}, 1, 40) FROM {table} WHERE length({column}) > {LONGEST_NAME}"
                f" OR typeof({column}) != 'text' LIMIT 1"
            )
            if long is not None:
                raise damaged(
                    self._place,
                    f"{table}.{column} holds {shown_value(long[0])}, and no text of at most {LONGEST_NAME:,}"
                    " characters",
                )
        wrong = list(self.wrong_types(_SMALL if tables.factors is None else (*_SMALL, *_SMALL_OF_A_SWEEP)))
        if wrong:
            raise damaged(self._place, "; ".join(wrong))
        named = [name for (name,) in self.rows("SELECT name FROM outcomes ORDER BY position")]
        if not tuple(named) == tables.outcomes == tuple(self.meta("outcomes").split()):
            raise damaged(self._place, "its outcomes are not the columns of its runs")
        if tables.factors is not None:
            named = [name for (name,) in self.rows("SELECT name FROM factors ORDER BY position")]
            if named != [name for name, _ in tables.factors]:
                raise damaged(self._place, "its factors are not the columns of its points")
        self._tables = tables

    def wrong_types(self, tables: Iterable[str]) -> Iterator[str]:
        """Columns of these tables that hold what SQLite lets in and passaat never writes, such as text among numbers.
        Results are left out: they have digests.
        """
        for table in tables:
            columns = [
                (name, _TYPES[kind])
                for _, name, kind, *_ in list(self.rows(f"PRAGMA table_info({table})"))
                if kind in _TYPES and not (table == "runs" and name in self.outcome_names)
            ]
            counts = ", ".join(
                f"total(typeof({quoted(name)}) NOT IN ('{kind}'{_OR_NULL.get((table, name), '')}))"
                for name, kind in columns
            )
            for (name, kind), wrong in zip(columns, self.row(f"SELECT {counts} FROM {table}"), strict=True):
                if wrong:
                    yield f"{table}.{name} holds {int(wrong):,} values that are no {kind}"

    def _create(self, outcomes: Sequence[OutcomeLike], identity: Mapping[str, str]) -> None:
        for statement in basis_statements([outcome.name for outcome in outcomes]):
            self._db.execute(statement)
        self._count_from = int(fingerprint(dict(identity)), 16) % STARTS * SPAN
        self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._db.executemany("INSERT INTO meta VALUES (?, ?)", identity.items())
        self._db.executemany(
            "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)",
            ((i, o.name, o.unit, o.better, o.meaning) for i, o in enumerate(outcomes)),
        )
        self._unsealed = True
        self._set_state("incomplete")

    def _require_same(self, identity: Mapping[str, str]) -> None:
        stored = dict(self._db.execute("SELECT key, value FROM meta"))
        problems = [
            f"{self._place}: {key} of the study is {shortened(stored.get(key, 'missing'))},"
            f" now it is {shortened(value)}"
            for key, value in identity.items()
            if stored.get(key) != value
        ]
        if problems:
            raise StudyError(problems, hint=ANOTHER_FILE)

    def _set_state(self, state: Literal["complete", "incomplete"]) -> None:
        self.put_meta("state", state)


def made_here(simulator: Simulator) -> provenance.Provenance:
    """What makes the runs of a study here and now, with the fingerprints that decide them."""
    return provenance.here(
        {"behaviour": simulator.behaviour, "source of parameter draws": simulator.basis.key}
    )


def _is_provenance(found: object) -> bool:
    """Whether something read from a file has the parts of ``provenance.Provenance``, and no others."""
    if not isinstance(found, dict) or set(found) != {field.name for field in fields(provenance.Provenance)}:
        return False
    parts = [found[name] for name in ("fingerprints", "libraries")]
    texts = [value for name, value in found.items() if name not in ("fingerprints", "libraries")]
    texts += [text for part in parts if isinstance(part, dict) for text in part.values()]
    return all(isinstance(part, dict) for part in parts) and all(isinstance(text, str) for text in texts)


def _as_json(made: Mapping[str, Any]) -> str:
    """As ``Provenance.to_json``."""
    return json.dumps(made, sort_keys=True, ensure_ascii=False)


def require_same_model(path: Path, simulator: Simulator) -> None:
    """Refuse a study of another model before anything is written beside or into it; whatever else the path may be.

    Raises:
        StudyError: a study of another version or behaviour.
    """
    if not path.is_file():
        return
    try:
        with Study.read(path) as study:
            theirs = (study.meta("model version"), study.meta("model behaviour"))
    except StudyError:  # told by whoever opens it
        return
    if all(theirs) and theirs != (simulator.version, simulator.behaviour):
        raise StudyError(
            other_model(path, theirs, (simulator.version, simulator.behaviour)),
            f"To run it anew, give another file. What {path} holds can be read"
            f" (`{command('passaat', 'studies', PurePath(path))}`, export, tradeoffs, discover, sensitivity; resume"
            f" prints a finished one); passaat {theirs[0]} goes on with it.",
        )


def other_model(path: Path, theirs: tuple[str, str], ours: tuple[str, str]) -> str:
    """That a study is of another model, in words; each model by its version and behaviour."""
    return (
        f"{path} was made by passaat {theirs[0]} (behaviour {theirs[1]}), and this is passaat {ours[0]} (behaviour"
        f" {ours[1]}): runs of two models are never mixed"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def require_workable(of: str, values: Floats, names: Sequence[str]) -> None:
    """Refuse results that are too large for statistics.

    Args:
        of: the study, for the message.
        values: along their first axis the outcomes of these names.

    Raises:
        StudyError: names the outcomes, with the largest result of each.
    """
    sizes = (
        np.abs(np.where(np.isfinite(values), values, 0.0)).reshape(len(names), -1).max(axis=1, initial=0.0)
    )
    problems = [
        f"{of}: {name} reaches {size:g} in some run; beyond {LARGEST_RESULT:g} it cannot be worked with"
        for name, size in zip(names, sizes.tolist(), strict=True)
        if size > LARGEST_RESULT
    ]
    if problems:
        raise StudyError(
            problems,
            "`passaat verify` tells whether it was changed after it was written; if not, mend the model that gave it.",
        )


def _with_nulls(values: Floats) -> list[float | None]:
    # The file knows no minus zero: it would come back as zero, and no longer fit its digest.
    return [None if math.isnan(value) else value + 0.0 for value in values.tolist()]
