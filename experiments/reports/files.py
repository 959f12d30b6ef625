"""Tables and figures written beside a study file, under names that say what they hold."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Final

from passaat.errors import StudyError
from passaat.identity import fingerprint_of_text
from passaat.writing import write_whole

LONGEST_NAME: Final = 90
"""Letters that the names in a file name may take together; beyond, a fingerprint stands for them."""

_READ_ONLY: Final = (errno.EROFS, errno.EACCES, errno.EPERM)


class ReadOnlyPlaceError(StudyError):
    """A file cannot be written because its folder may only be read."""


def stem_of(study_path: Path, *parts: str) -> Path:
    """How the names of files beside a study begin: its whole name but for the ending .db, then the parts there are.

    >>> stem_of(Path("results/pib.v2.db"), "front", "contracts").as_posix()
    'results/pib.v2-front-contracts'
    """
    return study_path.with_name("-".join([study_path.name.removesuffix(".db"), *filter(None, parts)]))


def named(*names: str) -> str:
    """Names as a part of a file name; where they are too long together, how many they are and a fingerprint.

    >>> named("follow-up", "go-no-go")
    'follow-up,go-no-go'
    """
    joined = ",".join(names)  # a plus sign stands in names of options that are stacked
    plain = re.sub(r"[^\w.+=,-]", "_", joined)
    if plain == joined and len(joined) <= LONGEST_NAME:
        return joined
    digest = fingerprint_of_text("\0".join(names), 8)
    return f"{f'{len(names)}-' if len(names) > 1 else ''}{plain[:40].rstrip(',')}-{digest}"


def table_path(study_path: Path, *parts: str) -> Path:
    """Where a table beside a study goes: ``<study>-<part>-<part>.csv``."""
    stem = stem_of(study_path, *parts)
    return stem.with_name(f"{stem.name}.csv")


def figure_paths(stem: Path) -> tuple[Path, Path]:
    """Where a figure goes: ``<stem>.png`` and ``<stem>.svg``."""
    return stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")


def figures_of_comparison(stem: Path) -> tuple[Path, Path]:
    """How the names of a comparison's two figures begin: that of its differences, and its funnel."""
    return stem.with_name(f"{stem.name}-differences"), stem.with_name(f"{stem.name}-funnel")


def save_beside(text: str, study_path: Path, name: str) -> Path:
    """Write a table beside a study, as ``<study>-<name>.csv``.

    Raises:
        StudyError: the file cannot be written.
    """
    return save(table_path(study_path, name), text)


def save(path: Path, content: str | bytes) -> Path:
    """Write a file in one move, and give its path.

    Raises:
        ReadOnlyPlaceError: its folder may only be read.
        StudyError: it cannot be written for another reason.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        kind = ReadOnlyPlaceError if error.errno in _READ_ONLY else StudyError
        raise kind(
            f"{path} cannot be written ({error.strerror or error})",
            hint="Give a folder that exists and that you may write to.",
        ) from error
    return path
