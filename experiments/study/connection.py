"""Open a study file so that nothing in it is obeyed and reading writes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from passaat.errors import StudyError
from passaat.experiments.study.locks import is_being_run
from passaat.experiments.study.log import header_of, require_own_log
from passaat.experiments.study.messages import explain
from passaat.scenarios.reading import no_file

APPLICATION_ID: Final = 0x70617373
"""Marks a database as a study ("pass" in ASCII), so that another program's file is never written to."""


EMPTY: Final = "empty: it holds no study yet"
"""What is said of a file that a study left behind whose process was killed before its tables were made."""


LOCK_WAIT_SECONDS: Final = 10.0
"""How long to wait for another program that is writing into the same file."""


MEMORY: Final = ":memory:"
"""Where a study is kept that has no file."""


class EmptyStudyError(StudyError):
    """A file holds nothing: the process that began a study in it was killed before its tables were made."""


class _Connection(sqlite3.Connection):
    """A connection, and the private copy that it reads, if it does."""

    copied: Path | None = None

    def close(self) -> None:
        super().close()
        _remove_copy(self.copied)


def _remove_copy(copied: Path | None) -> None:
    if copied is not None:
        shutil.rmtree(copied, ignore_errors=True)


def _to_read(path: Path) -> tuple[str, Path | None]:
    """How to open a study so that reading writes nothing into it and takes no log away; and the folder of a private
    copy, where there has to be one.

    Raises:
        StudyError: a log lies beside it that belongs to another file.
    """
    place = path.resolve()
    if is_being_run(path):
        return f"{place.as_uri()}?mode=ro", None
    log = require_own_log(path)
    if log is None:
        # Of a file that was last written with a log, SQLite would make a new one, and leave it there. A program that
        # begins to write at this very moment would not be noticed; what a study holds is checked when it is read.
        return f"{place.as_uri()}?{'immutable=1' if header_of(place).in_wal_mode else 'mode=ro'}", None
    if log.kind == "wal" and os.access(place.parent, os.W_OK):
        return f"{place.as_uri()}?mode=ro", None
    # To read it, SQLite has to undo what was half written, or to keep an index beside it.
    copied = Path(tempfile.mkdtemp(prefix="passaat-"))
    try:
        for one in (place, log.path):
            shutil.copyfile(one, copied / one.name)
    except BaseException:
        _remove_copy(copied)
        raise
    return f"{(copied / place.name).as_uri()}?mode=rw", copied


def connect(place: str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection that takes nothing from the file for an order.

    Raises:
        StudyError: the file cannot be opened, or a log beside it belongs to another file.
    """
    copied: Path | None = None
    try:
        if place == MEMORY:
            target = place
        elif read_only:
            target, copied = _to_read(Path(place))
        else:
            require_own_log(Path(place))
            target = f"{Path(place).resolve().as_uri()}?mode=rwc"
        connection = sqlite3.connect(
            target, timeout=LOCK_WAIT_SECONDS, isolation_level=None, uri=place != MEMORY, factory=_Connection
        )
    except (sqlite3.Error, OSError) as error:
        _remove_copy(copied)
        raise StudyError(*explain(place, error)) from error
    connection.copied = copied
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise StudyError(*explain(place, error)) from error
        raise
    return connection


def is_study(path: Path) -> bool:
    """Whether a file says of itself that it is a study, of whatever format.

    Asked through SQLite: to open and close the file beside it would end the locks that this very process may hold on it
    (POSIX locks belong to process and file). Logs are left alone, and no side file is made.
    """
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as database:
            return bool(database.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)
    except sqlite3.Error:
        return False


def is_empty(path: Path) -> bool:
    """Whether a file is what a study leaves whose process was killed before its tables were made: a database without
    any, or no byte at all under a name that ends in ``.db``. Asked as ``is_study``.
    """
    if not path.is_file() or not (path.stat().st_size or path.suffix.lower() == ".db"):
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as database:
            return holds_nothing(database)
    except sqlite3.Error:
        return False


def holds_nothing(database: sqlite3.Connection) -> bool:
    """Whether a database has no table and bears no program's mark."""
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (mark,) = database.execute("PRAGMA application_id").fetchone()
    return not tables and not mark


def require_writable(path: Path) -> None:
    """Refuse a path that cannot become a study, before anything is computed.

    Raises:
        StudyError: the folder does not exist or may not be written to, or the path is a folder.
    """
    if str(path) == MEMORY:
        raise StudyError(
            f"{path} is no name for a study: databases take it for memory, and every run would be lost",
            hint="Give the name of a file, for example study.db.",
        )
    strange = no_file(path)
    if strange:
        raise StudyError(f"{path} is {strange}", hint="Give the name of a file, for example study.db.")
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
