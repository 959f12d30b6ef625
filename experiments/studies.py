"""What can be done with study files: list them, go on with one, make it larger, and verify that it tells the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from passaat.errors import PassaatError, ScenarioError, StudyError
from passaat.experiments.crew import Crew, Task, Threads, Twin
from passaat.experiments.simulator import InputsOf, Simulator, the_model
from passaat.experiments.store import (
    APPLICATION_ID,
    Study,
    digest_of,
    is_being_run,
    parameters_digest,
    run_key,
)
from passaat.scenarios.loading import scenario_from_text

MOST_NAMED: Final = 10
"""Damaged runs that are named one by one."""


# --- listing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StudyInfo:
    """One study file, as it is listed.

    Attributes:
        title: the question of a sweep, the options of a comparison.
        state: complete, incomplete, being run, or damaged with what is wrong.
        planned, done, failed: numbers of runs.
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
    behaviour: str
    megabytes: float


def list_studies(folder: Path) -> list[StudyInfo]:
    """The study files of a folder, by name; other files are passed over.

    Raises:
        StudyError: there is no such folder.
    """
    if not folder.is_dir():
        raise StudyError(
            f"there is no folder {folder}", "Name a folder with study files, or none for this one."
        )
    return [info for path in sorted(folder.glob("*.db")) if (info := study_info(path)) is not None]


def study_info(path: Path) -> StudyInfo | None:
    """What a study file is about and how far it is; None where the file is no study at all."""
    if not _is_marked(path):
        return None
    megabytes = path.stat().st_size / 1e6
    try:
        with Study.read(path) as study:
            counts = dict(study.rows("SELECT status, count(*) FROM runs GROUP BY status"))
            state = study.meta("state")
            return StudyInfo(
                path=path,
                kind=study.meta("kind"),
                reference=study.meta("reference"),
                title=_title(study),
                state="being run" if is_being_run(path) else state,
                planned=counts.get("planned", 0),
                done=counts.get("done", 0),
                failed=counts.get("failed", 0),
                version=study.meta("model version"),
                behaviour=study.meta("model behaviour"),
                megabytes=megabytes,
            )
    except StudyError as error:
        return StudyInfo(path, "", "", "", f"not readable: {error.problems[0]}", 0, 0, 0, "", "", megabytes)


def _is_marked(path: Path) -> bool:
    """Whether a file says in its first bytes that it is a study (bytes 68 to 71 of an SQLite file)."""
    try:
        with path.open("rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return head[:15] == b"SQLite format 3" and head[68:72] == APPLICATION_ID.to_bytes(4, "big")


def _title(study: Study) -> str:
    stored = study.meta("plan")
    if stored and study.meta("kind") == "sweep":
        plan: dict[str, Any] = json.loads(stored)
        return f"{plan['name']}: {plan['question']}"
    names = [
        name for (name,) in study.rows("SELECT DISTINCT name FROM arms WHERE role = 'option' ORDER BY arm")
    ]
    return ", ".join(names)


# --- verifying --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verification:
    """Whether a study file tells the truth.

    Attributes:
        runs: number of runs in the file. results: of which have a result, whose digest was checked.
        repeated: number of runs that were made again. differing: keys of those of them whose bits differ.
        problems: everything that is wrong, one sentence each; empty for a sound study.
        not_repeated: why no run could be made again; empty where it could.
    """

    runs: int
    results: int
    repeated: int
    differing: tuple[str, ...]
    problems: tuple[str, ...]
    not_repeated: str

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def summary(self) -> list[str]:
        """What was found, in words."""
        lines = [
            f"{self.runs:,} runs: keys worked out anew; {self.results:,} results: digests worked out anew."
        ]
        if self.not_repeated:
            lines.append(f"No run was made again: {self.not_repeated}")
        elif self.repeated:
            equal = self.repeated - len(self.differing)
            lines.append(f"{self.repeated:,} runs made again: {equal:,} equal in every bit.")
        lines += [f"Problem: {problem}" for problem in self.problems]
        lines.append("The study is sound." if self.sound else "The study is NOT sound.")
        return lines


def verify(
    path: Path, *, sample: int = 20, crew: Crew | None = None, simulator: Simulator | None = None
) -> Verification:
    """Check a study file: the database itself, every key and digest, and a sample of runs that are made again.

    Args:
        sample: how many runs to make again: those with the smallest keys, which is a random sample, since keys are
            hashes, and the same one each time. A study that has fewer results has them all made again.
        crew: who makes them; threads of this process by default.
        simulator: the model; by default the one that ships, as it was used for this study.

    Raises:
        StudyError: no study of this format, or damaged beyond reading.
    """
    with Study.read(path) as study:
        problems = [*_integrity(study), *_wrong_scenarios(study)]
        runs, results, wrong = _check_runs(study)
        problems += wrong
        why_not, differing, repeated = "", tuple[str, ...](), 0
        try:
            model = simulator or _model_of(study)
        except PassaatError as error:
            why_not = "; ".join(error.problems)
        else:
            if model.behaviour != study.meta("model behaviour"):
                why_not = (
                    f"the study was made by version {study.meta('model version')} with behaviour"
                    f" {study.meta('model behaviour')}; this is {model.version} with {model.behaviour}"
                )
            else:
                repeated, differing = _repeat(study, model, crew or Threads(), sample)
        if differing:
            problems.append(f"runs made again differ: {_named(differing)}")
    return Verification(runs, results, repeated, differing, tuple(problems), why_not)


def _model_of(study: Study) -> Simulator:
    """The model that ships, for repeating runs: parameters are read from the file, nothing is drawn."""
    (text,) = study.row(
        "SELECT scenario FROM scenarios JOIN arms USING (scenario_hash) WHERE role = 'reference' ORDER BY arm LIMIT 1"
    )
    return the_model(scenario_from_text(text, "the study's reference"), prior=True)


def _integrity(study: Study) -> Iterator[str]:
    found = [row[0] for row in study.rows("PRAGMA integrity_check(5)")]
    if found != ["ok"]:
        yield f"the database is damaged: {'; '.join(found)}"


def _wrong_scenarios(study: Study) -> Iterator[str]:
    for stored, text in study.rows("SELECT scenario_hash, scenario FROM scenarios"):
        try:
            found = scenario_from_text(text, "a stored scenario").hash
        except ScenarioError as error:
            yield f"scenario {stored} cannot be read: {error.problems[0]}"
            continue
        if found != stored:
            yield f"scenario {stored} has changed: its text now has the hash {found}"


def _check_runs(study: Study) -> tuple[int, int, list[str]]:
    """Number of runs and of results, and what is wrong with keys and digests."""
    arm_digest = lru_cache(maxsize=1024)(study.arm_digest)
    draw_digest = lru_cache(maxsize=1024)(lambda draw: parameters_digest(study.parameters(draw)))
    columns = "".join(f', "{name}"' for name in study.outcome_names)
    runs = results = 0
    bad_keys, bad_digests = list[str](), list[str]()
    query = (
        f"SELECT draw, world, arm, world_seed, key, status, reason, digest{columns} FROM runs"
        " ORDER BY draw, world, arm"
    )
    for draw, world, arm, seed, key, status, reason, digest, *values in study.rows(query):
        runs += 1
        if key != run_key(arm_digest(arm), draw_digest(draw), seed):
            bad_keys.append(f"{key} (draw {draw}, world {world}, arm {arm})")
        if status != "planned":
            results += 1
            if digest != digest_of(status, reason, values):
                bad_digests.append(f"{key} (draw {draw}, world {world}, arm {arm})")
    problems = []
    if bad_keys:
        problems.append(f"keys that do not belong to their policy, parameters and world: {_named(bad_keys)}")
    if bad_digests:
        problems.append(f"results that were changed after they were written: {_named(bad_digests)}")
    return runs, results, problems


def _named(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - MOST_NAMED:,} more" if len(keys) > MOST_NAMED else ""
    return f"{', '.join(keys[:MOST_NAMED])}{more}"


def _repeat(study: Study, model: Simulator, crew: Crew, sample: int) -> tuple[int, tuple[str, ...]]:
    """Make runs again; how many, and the keys of those that differ in any bit."""
    columns = "".join(f', "{name}"' for name in study.outcome_names)
    query = f"SELECT draw, world, arm, world_seed, key{columns} FROM runs WHERE status = 'done' ORDER BY key LIMIT ?"
    inputs_of = InputsOf()
    stored, tasks = {}, []
    for draw, world, arm, seed, key, *values in study.rows(query, (sample,)):
        stored[draw, world, arm] = (key, np.array([np.nan if v is None else v for v in values]))
        parameters = study.parameters(draw)
        policy, twin = study.arm(arm)
        against = policy if twin is None else study.arm(twin)[0]
        arms = () if twin is None else ((arm, inputs_of(policy, parameters)),)
        held_against = Twin(arm if twin is None else twin, inputs_of(against, parameters), twin is None)
        tasks.append(Task(draw, world, seed, held_against, arms))
    try:
        futures = [crew.submit(model, [task]) for task in tasks]
        records = [record for future in futures for record in future.result()]
    finally:
        crew.stop()
    differing = []
    for record in records:
        key, values = stored[record.draw, record.world, record.arm]
        if record.values is None or not _same_bits(record.values, values):
            differing.append(key)
    return len(records), tuple(sorted(differing))


def _same_bits(one: Any, other: Any) -> bool:
    """Whether two rows of outcomes are equal in every bit; one missing value is as good as another."""
    missing = np.isnan(one)
    return bool((missing == np.isnan(other)).all() and one[~missing].tobytes() == other[~missing].tobytes())
