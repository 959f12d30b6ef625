"""What may be wrong with a study file, in words."""

from __future__ import annotations

import sqlite3
from typing import Final

from passaat.errors import StudyError
from passaat.scenarios.reading import harmless

ANOTHER_FILE: Final = (
    "Give another file for the study, or move this one away; results of different studies are never mixed."
)


SQLITE_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What may come of a damaged file: messages of SQLite may quote bytes that are no text."""


def explain(place: str, error: Exception) -> tuple[str, str]:
    """Problem and way out for what SQLite may say about a file."""
    # What SQLite quotes is of the file, and may be anything: damage is asked for first, so that no word of it counts.
    text = shortened(harmless(str(error).partition(" with text ")[0]), 200)
    if any(
        sign in text for sign in ("malformed", "no such table", "no such column", "decode", "not supported")
    ):
        return f"{place} is damaged ({text})", REPEAT
    if "locked" in text or "busy" in text:
        return f"{place} is being written by another process ({text})", "Wait for it, or give another file."
    if "not a database" in text:
        return f"{place} is not a study file ({text})", ANOTHER_FILE
    if "full" in text:
        return (
            f"{place}: the disk is full ({text}); every chunk that was finished before is kept",
            "Make space, then go on with `passaat resume` or the same command.",
        )
    if "readonly" in text or "read-only" in text:
        return f"{place} cannot be written: it is read-only ({text})", WRITABLE
    if "unable to open" in text:
        return f"{place} cannot be opened, or no file can be written beside it ({text})", WRITABLE
    return (
        f"{place} cannot be written or read ({text}); every chunk that was finished before is kept",
        WRITABLE,
    )


def damaged(place: str, what: str) -> StudyError:
    """The error of a study in which something cannot be as it was written."""
    return StudyError(f"{place} is damaged: {what}", REPEAT)


REPEAT: Final = (
    "Restore a copy, or repeat the study in another file: the same command gives the same results."
)


WRITABLE: Final = "Give a file in a folder that you may write to, on a disk with space."


def shortened(value: str, length: int = 60) -> str:
    return value if len(value) <= length else value[: length - 1] + "…"
