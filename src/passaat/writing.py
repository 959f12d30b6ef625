"""The one way in which files are written: whole or not at all, never through a link, under names nobody can guess.

And how a part of a page is replaced that is made from something else.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["with_part", "write_whole"]

_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""A file that was not there, links included; Windows alone has O_BINARY."""

_TEMPORARY: Final = re.compile(r"\.passaat-[0-9a-f]{16}\.tmp")
"""Names under which files are written before they take their place."""

LEFT_OVER_SECONDS: Final = 3600.0
"""A temporary file that nobody has written to for so long is what a killed process left: writing takes a moment."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one move: whoever looks at ``path``, also after a kill, finds the old file or the whole new one.

    The content goes to a new file of an unguessable name in the same folder, which then takes the place of ``path``. A
    link at ``path`` is replaced, and what it points to is left alone. Text is written as UTF-8, with the line ends that
    it has. What writers that were killed left in the folder, longer than an hour ago, is removed.

    Raises:
        OSError: the folder or the file cannot be written; what was begun is removed.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    # Of a length of its own, so that there is room for it beside the longest name that a folder takes.
    temporary = path.with_name(f".passaat-{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, _NEW_FILE, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _remove_left_over(path.parent)


def with_part(page: str, begin: str, end: str, made: str) -> str:
    """The text of a page with what stands between two markers replaced, an empty line before and after it.

    Raises:
        ValueError: the markers do not both stand there once, in this order.
    """
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"a page must hold once, in this order: {begin} and {end}")
    before, after = page.split(begin)[0], page.split(end)[1]
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"


def _remove_left_over(folder: Path) -> None:
    """Remove temporary files of this user's own killed writers; links and what is no plain file stay."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name) and _is_left_over(entry.stat(follow_symlinks=False)):
                os.unlink(entry.path)


def _is_left_over(found: os.stat_result) -> bool:
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return stat.S_ISREG(found.st_mode) and mine and time.time() - found.st_mtime > LEFT_OVER_SECONDS
