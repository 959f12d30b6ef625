"""Logs that SQLite keeps beside a study file: NAME-wal and NAME-journal.

A program that was killed leaves its log behind, and SQLite completes the file from it at the next opening. It does so,
too, where the file has been replaced meanwhile, for example by a copy from a backup: then the log belongs to another
file, and completing would destroy the copy. So each transaction of a study counts up a number in the file's header
(``user_version``), logs hold that number before and after, and a log that does not fit is told before anything is
opened. Layouts: "Database File Format" and "WAL-mode File Format" of sqlite.org.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, Final, Literal

from passaat.errors import StudyError, command

_HEADER: Final = 100
_MAGIC: Final = b"SQLite format 3\0"
_JOURNAL_MAGIC: Final = bytes.fromhex("d9d505f920a163d7")
_WAL_MAGIC: Final = (0x377F0682, 0x377F0683)

FIRST_COUNT: Final = 1
SPAN: Final = 10_000_000
"""Transactions of one study that are told apart by their count."""

STARTS: Final = 200
"""A study begins to count at one of so many multiples of ``SPAN``: two of the same name rarely count alike."""


@dataclass(frozen=True)
class Header:
    """The first bytes of a database: its size, whether it was last written with a log of WAL kind, its count."""

    size: int
    page_size: int
    in_wal_mode: bool
    count: int


@dataclass(frozen=True)
class Log:
    """A log beside a file, which SQLite would complete the file from.

    Attributes:
        why_foreign: why it is not the log of this file; empty where it is.
    """

    path: Path
    kind: Literal["wal", "journal"]
    why_foreign: str


def header_of(path: Path) -> Header:
    """Header of a database. Read past SQLite: closing the file ends the locks that this process may hold on it, so ask
    only while nobody writes.
    """
    with path.open("rb") as file:
        start = file.read(_HEADER)
    if len(start) < _HEADER or not start.startswith(_MAGIC):
        return Header(path.stat().st_size, 0, False, 0)
    return Header(path.stat().st_size, _page_size(start[16:18]), start[19] == 2, _number(start[60:64]))


def log_of(path: Path) -> Log | None:
    """The log that lies beside a study which nobody is running; None where there is none that SQLite would use."""
    header = header_of(path) if path.is_file() else Header(0, 0, False, 0)
    wal, journal = (Path(f"{path.resolve()}-{kind}") for kind in ("wal", "journal"))
    if wal.is_file() and wal.stat().st_size:
        counts = _counts_in_wal(wal)
        if counts is not None:
            return Log(wal, "wal", _why_foreign_wal(header, *counts))
    if journal.is_file() and journal.stat().st_size:
        begun = _begun_by(journal)
        if begun is not None:
            return Log(journal, "journal", _why_foreign_journal(header, *begun))
    return None


def require_own_log(path: Path) -> Log | None:
    """The log beside a study, as ``log_of``.

    Raises:
        StudyError: it is the log of another file.
    """
    log = log_of(path)
    if log is not None and log.why_foreign:
        name = log.path.name
        aside = PurePath(log.path).with_name(f"{name}.aside")
        raise StudyError(
            f"beside {path} lies {name}, a log that does not belong to it: {log.why_foreign}; nothing was read or"
            " changed",
            f"Move the log away first: `{command('mv', PurePath(log.path), aside)}`. A restored copy is whole without"
            " it; what only the log holds needs the file that it belongs to.",
        )
    return log


def _why_foreign_wal(header: Header, page_size: int, counts: list[int]) -> str:
    if not header.size:
        return "the study itself is not there"
    if not header.in_wal_mode:
        return "the study was closed without a log"
    if header.page_size != page_size:
        return "its pages have another size"
    known = [count for count in counts if count]
    if known and not known[0] - 1 <= header.count <= known[-1]:
        return (
            f"it goes from write {known[0] - 1:,} to {known[-1]:,}, and the file stands at {header.count:,}"
        )
    return ""


def _why_foreign_journal(header: Header, page_size: int, first_pages: int, count: int | None) -> str:
    if not first_pages:
        begun = not header.size or header.count % SPAN == FIRST_COUNT
        return "" if begun else "it is of a file that was just being made, and this one is older"
    if not header.size:
        return "the study itself is not there"
    if header.page_size != page_size:
        return "its pages have another size"
    if count is not None and header.count not in (count, count + 1):
        return f"it is of write {count:,}, and the file stands at {header.count:,}"
    return ""


def _counts_in_wal(path: Path) -> tuple[int, list[int]] | None:
    """Page size and the counts that transactions left in a log of WAL kind; None where it holds none that is whole."""
    with path.open("rb") as file:
        start = file.read(32)
        if len(start) < 32 or _number(start[:4]) not in _WAL_MAGIC:
            return None
        page_size, salt = _number(start[8:12]), start[16:24]
        counts, committed = list[int](), False
        for page, ends, place in _frames(file, page_size, salt):
            committed |= ends
            if page == 1:
                file.seek(place + 60)
                counts.append(_number(file.read(4)))
    return (page_size, counts) if committed else None


def _frames(file: BinaryIO, page_size: int, salt: bytes) -> Iterator[tuple[int, bool, int]]:
    """Page, whether a transaction ends, and place of each page in a log of WAL kind."""
    place = 32
    while True:
        file.seek(place)
        head = file.read(24)
        if len(head) < 24 or head[8:16] != salt or page_size < 512:
            return
        yield _number(head[:4]), _number(head[4:8]) != 0, place + 24
        place += 24 + page_size


def _begun_by(path: Path) -> tuple[int, int, int | None] | None:
    """Page size, size in pages and count of a file before the transaction of a journal; None where there is none."""
    with path.open("rb") as file:
        start = file.read(28)
        if len(start) < 28 or start[:8] != _JOURNAL_MAGIC:
            return None
        first_pages, sector, page_size = (_number(start[place : place + 4]) for place in (16, 20, 24))
        count, place = None, max(sector, 28)
        while page_size >= 512:
            file.seek(place)
            head = file.read(4)
            if len(head) < 4:
                break
            if _number(head) == 1:
                file.seek(place + 4 + 60)
                count = _number(file.read(4))
                break
            place += page_size + 8
    return page_size, first_pages, count


def _page_size(two: bytes) -> int:
    size = int.from_bytes(two, "big")
    return 65_536 if size == 1 else size


def _number(four: bytes) -> int:
    return int.from_bytes(four, "big")
