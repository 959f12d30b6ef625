"""Tables written beside a study file."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

from passaat.errors import StudyError

FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Text that begins like this is a formula to a spreadsheet, which carries it out."""


def csv_value(value: object) -> object:
    """A value for a table: ten significant digits, nothing where a number does not exist, no text that is a formula."""
    if isinstance(value, float):
        return f"{value:.10g}" if math.isfinite(value) else ""
    return no_formula(value) if isinstance(value, str) else value


def no_formula(text: str) -> str:
    """Text for a cell: with an apostrophe before it where a spreadsheet would take it for a formula.

    >>> no_formula("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def save_beside(text: str, study_path: Path, name: str) -> Path:
    """Write a table beside a study, as ``<study>-<name>.csv``.

    Raises:
        StudyError: the file cannot be written.
    """
    path = study_path.with_name(f"{study_path.stem}-{name}.csv")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StudyError(
            f"{path} cannot be written ({error.strerror or error})",
            hint="Give a folder that exists and that you may write to.",
        ) from error
    return path
