"""A report in a file: as Markdown, JSON or CSV, whichever the ending of its name says."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Final

from passaat.errors import StudyError
from passaat.experiments.reports.blocks import Block, Figure, Report, Section
from passaat.experiments.reports.data import report_json, tables_csv
from passaat.experiments.reports.files import ReadOnlyPlaceError, save
from passaat.experiments.reports.markdown import markdown

FORMS: Final[dict[str, Callable[[Report], str]]] = {
    ".md": markdown,
    ".json": report_json,
    ".csv": tables_csv,
}
"""What writes a report, by the ending of the file."""


def require_form(path: Path | None, *, force: bool) -> None:
    """Refuse, before anything is run, a file that a report cannot be written to; None where none is wished for.

    Raises:
        StudyError: no such form; a folder that is not there; or, without ``force``, a file that is there already.
    """
    if path is None:
        return
    if path.suffix.lower() not in FORMS:
        raise StudyError(
            f"--to {path}: a report is written as {', '.join(FORMS)}, and {path.name} ends in none of these",
            f"Name it for example {PurePath(path.with_suffix('.md'))}.",
        )
    if not path.parent.is_dir():
        raise StudyError(f"--to {path}: there is no folder {path.parent}", "Make it, or name another one.")
    if path.exists() and not force:
        raise StudyError(f"{path} exists already", "Choose another name, or overwrite it with --force.")


def save_report(report: Report, path: Path) -> Path:
    """Write a report in one move, and give its path.

    Raises:
        StudyError: it cannot be written.
    """
    try:
        return save(path, FORMS[path.suffix.lower()](report))
    except (
        ReadOnlyPlaceError
    ) as error:  # of the study's own place that is no fault, but this one was asked for
        raise StudyError(error.problems, error.hint) from error


def joined(
    reports: Sequence[Report], before: Sequence[Block] = (), after: Sequence[Block] = (), title: str = ""
) -> Report:
    """Reports as one: it rests on what the first of them rests on, whose title it has unless another is given."""
    blocks = (*before, *(block for report in reports for block in report.blocks), *after)
    return Report(title or reports[0].title, blocks, reports[0].facts)


def figures_in(report: Path, stem: Path, files: Sequence[Path]) -> list[Block]:
    """The figures that are there, as a report of that path names them: by the way from there to their files.

    Args:
        stem: how the names of the figures begin; what follows is what they are called.
        files: each figure as PNG, the same as SVG behind it.
    """
    drawn = [
        Figure(
            png.stem.removeprefix(f"{stem.name}-").replace("-", " ").capitalize(),
            (_way(report.parent, png), _way(report.parent, svg)),
        )
        for png, svg in zip(files[::2], files[1::2], strict=True)
        if png.exists()
    ]
    return [Section("Figures"), *drawn] if drawn else []


def _way(folder: Path, file: Path) -> str:
    try:
        return PurePath(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # Windows: no way leads from one drive to another
        return file.name
