"""What can be done with study files: list them, go on with one, make it larger, and verify that it tells the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passaat.errors import StudyError
from passaat.experiments.study.connection import EMPTY, EmptyStudyError, is_empty, is_study
from passaat.experiments.study.locks import is_being_run
from passaat.experiments.study.study import Study
from passaat.scenarios.reading import shown_name

# --- listing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StudyInfo:
    """One study file, as it is listed.

    Attributes:
        title: name and question of a sweep, the options of a comparison.
        state: complete, incomplete, being run, empty where its process was killed before its tables were made, or not
            readable with the reason.
        planned, done, failed: numbers of runs.
        version, commit, behaviour: of the model that made it; commit is empty where the file does not say.
        made_with: what made it, as ``Provenance.to_dict``; empty where the file does not say.
        continued_with: what else added runs to it.
    """

    path: Path
    kind: str
    reference: str
    title: str
    state: str
    planned: int
    done: int
    failed: int
    version: str
    commit: str
    behaviour: str
    megabytes: float
    made_with: Mapping[str, Any]
    continued_with: tuple[Mapping[str, Any], ...]


def list_studies(folder: Path) -> list[StudyInfo]:
    """The study files of a folder, by name, whatever their ending; other files are passed over. Of a study file, it
    alone.

    Raises:
        StudyError: there is no such folder.
    """
    if is_study(folder) or is_empty(folder):
        files = [folder]
    elif not folder.is_dir():
        raise StudyError(
            f"there is no folder {folder}", "Name a folder with study files, or none for this one."
        )
    else:
        try:
            files = sorted(path for path in folder.iterdir() if path.is_file())
        except OSError as error:
            raise StudyError(
                f"the folder {folder} cannot be read ({error.strerror or error})",
                "Name a folder that you may read, or one study file.",
            ) from None
    return [info for path in files if (info := study_info(path)) is not None]


def study_info(path: Path) -> StudyInfo | None:
    """What a study file is about and how far it is, also of one that is still empty; None where the file is no study at
    all.
    """
    megabytes = 0.0
    try:
        if not is_study(path):
            return _only_said(path, EMPTY, megabytes) if is_empty(path) else None
        megabytes = path.stat().st_size / 1e6
        with Study.read(path) as study, study.snapshot():
            counts = dict(study.rows("SELECT status, count(*) FROM runs GROUP BY status"))
            planned = counts.get("planned", 0)
            # One that was finished, and then had runs planned again, is not complete any more.
            state = "incomplete" if planned else shown_name(study.meta("state"))
            made_with = study.made_with()
            return StudyInfo(
                path=path,
                kind=shown_name(study.meta("kind")),
                reference=shown_name(study.meta("reference")),
                title=_title(study),
                state="being run" if is_being_run(path) else state,
                planned=planned,
                done=counts.get("done", 0),
                failed=counts.get("failed", 0),
                version=shown_name(study.meta("model version")),
                commit=str(made_with.get("commit", "")),
                behaviour=shown_name(study.meta("model behaviour")),
                megabytes=megabytes,
                made_with=made_with,
                continued_with=tuple(study.continued_with()),
            )
    except EmptyStudyError:
        return _only_said(path, EMPTY, megabytes)
    except (StudyError, OSError) as error:  # one that cannot be read is one line, and the others are listed
        state = (
            f"not readable: {error.problems[0] if isinstance(error, StudyError) else error.strerror or error}"
        )
        return _only_said(path, state, megabytes)


def _only_said(path: Path, state: str, megabytes: float) -> StudyInfo:
    """A file of which no more can be said than why."""
    return StudyInfo(path, "", "", "", state, 0, 0, 0, "", "", "", megabytes, {}, ())


def _title(study: Study) -> str:
    stored = study.meta("plan")
    if stored and study.meta("kind") == "sweep":
        try:
            plan: dict[str, Any] = json.loads(stored)
            return shown_name(f"{plan['name']}: {plan['question']}")
        except (ValueError, KeyError, TypeError, RecursionError):
            return "its plan cannot be read: see `passaat verify`"
    names = [
        name for (name,) in study.rows("SELECT DISTINCT name FROM arms WHERE role = 'option' ORDER BY arm")
    ]
    return ", ".join(shown_name(str(name)) for name in names)


# --- verifying --------------------------------------------------------------------------------------------------
