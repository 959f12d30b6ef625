"""Tables written beside a study file."""

from __future__ import annotations

import math
import os
from pathlib import Path

from passaat.errors import StudyError


def csv_value(value: object) -> object:
    """A value for a table: ten significant digits, and nothing where a number does not exist."""
    if isinstance(value, float):
        return f"{value:.10g}" if math.isfinite(value) else ""
    return value


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
