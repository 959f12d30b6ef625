"""The right to run a study: one process at a time, on a file beside it, which the system ends with the process."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from passaat.errors import StudyError
from passaat.experiments.study.messages import WRITABLE

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

BEING_RUN_SECONDS: Final = 0.5
"""How long to wait for another process that runs the same study: long enough for one that is just ending."""


def take_lock(path: Path) -> int:
    """Hold the right to run a study: a lock on a file beside it, which the operating system ends with the process.

    Returns:
        The open lock file, for ``give_back_lock``.

    Raises:
        StudyError: another process holds it, or the file cannot be made.
    """
    place = _lock_file(str(path))
    patience = monotonic() + BEING_RUN_SECONDS
    while True:
        try:
            lock = os.open(place, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise StudyError(
                f"{path} cannot be written ({error.strerror or error}): no lock file can be made beside it",
                "Give a shorter name." if error.errno == errno.ENAMETOOLONG else WRITABLE,
            ) from error
        try:
            if _taken(lock) and _is_named(lock, place):
                return lock
        except OSError as error:
            os.close(lock)
            raise StudyError(
                f"{path} cannot be locked against other processes ({error.strerror or error})",
                "Give a file on a disk of this machine, or on one that knows locks.",
            ) from error
        # Held by another, or removed by it between opening and locking: what would be locked then is a file without a
        # name, which nobody else would ever see.
        os.close(lock)
        if monotonic() >= patience and is_being_run(path):
            raise StudyError(
                f"{path} is being run by another process",
                hint="Wait for it, or give another file; `passaat studies` shows how far it is, and it can be read.",
            )
        sleep(0.001)


def give_back_lock(lock: int | None, place: str) -> None:
    if lock is None:
        return
    with suppress(OSError):  # Windows removes no open file
        os.unlink(_lock_file(place))
    os.close(lock)
    if os.name == "nt":
        with suppress(OSError):  # someone else has it by now
            os.unlink(_lock_file(place))


def _taken(lock: int) -> bool:
    """Take the lock of an open file, if nobody has it.

    Raises:
        OSError: whether somebody has it cannot be told, as on a disk of a network that knows no locks.
    """
    try:
        if sys.platform == "win32":
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _is_named(lock: int, place: str) -> bool:
    """Whether an open file is the one that its name leads to now."""
    try:
        return os.path.samestat(os.fstat(lock), os.stat(place))
    except FileNotFoundError:
        return False


def is_being_run(path: Path) -> bool:
    """Whether some process holds the right to run this study just now. Nobody does on a disk that knows no locks."""
    try:
        asked = os.open(_lock_file(str(path)), os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    except OSError:
        return False
    # Closing gives back at once what is taken here; who wants to run the study meanwhile tries again.
    try:
        return not _taken(asked)
    except OSError:
        return False
    finally:
        os.close(asked)


def _lock_file(place: str) -> str:
    # By the real path: a link to a study is the same study.
    return f"{Path(place).resolve()}-running"
