"""Check a study: the file, every key and digest, its whole design, and a sample of runs made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from passaat.errors import EvidenceError, PassaatError, ScenarioError, StudyError
from passaat.experiments.analyses.sweep import simulator_for
from passaat.experiments.analyses.verify_design import (
    Asked,
    asked_of,
    named,
    not_checked,
    wrong_design,
    wrong_types,
)
from passaat.experiments.design.comparison_plan import ComparisonPlan
from passaat.experiments.design.plan import Plan
from passaat.experiments.design.policies import InputsOf
from passaat.experiments.design.simulator import Simulator, the_model
from passaat.experiments.run.crew import Crew, Task, Threads, Twin
from passaat.experiments.study.keys import parameters_digest, run_key
from passaat.experiments.study.study import Study
from passaat.scenarios.loading import scenario_from_text
from passaat.scenarios.reading import shown_name, shown_value


@dataclass(frozen=True)
class Verification:
    """Whether a study file tells the truth.

    Attributes:
        runs: number of runs in the file. results: of which have a result, whose digest was checked.
        repeated: number of runs that were made again. differing: keys of those of them whose bits differ.
        problems: everything that is wrong, one sentence each; empty for a sound study.
        not_repeated: why no run could be made again; empty where it could. A file of another version of the model is
            no worse for it, and less is known of it.
        not_checked: what else could not be checked, and why, one sentence each.
    """

    runs: int
    results: int
    repeated: int
    differing: tuple[str, ...]
    problems: tuple[str, ...]
    not_repeated: str
    not_checked: tuple[str, ...] = ()

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
            lines.append(f"No run was made again: {self.not_repeated}.")
        else:
            equal = self.repeated - len(self.differing)
            lines.append(f"{self.repeated:,} runs made again: {equal:,} equal in every bit.")
        lines += [f"Not checked: {what}." for what in self.not_checked]
        lines += [f"Problem: {problem}" for problem in self.problems]
        if self.runs > self.results:
            lines.append(f"{self.runs - self.results:,} runs are still missing: `passaat resume` makes them.")
        if not self.sound:
            lines.append("The study is NOT sound.")
        elif self.not_repeated:
            lines.append(
                "Nothing is wrong with the file; whether this model gives the same results was not tried."
            )
        else:
            lines.append("The study is sound.")
        return lines


def verify(
    path: Path, *, sample: int = 20, crew: Crew | None = None, simulator: Simulator | None = None
) -> Verification:
    """Check a study file: the database itself, its whole design, every key and digest, and a sample of runs that are
    made again. Of a study of another version it is checked whether the file contradicts itself.

    Args:
        sample: how many runs to make again: those with the smallest keys, which is a random sample, since keys are
            hashes, and the same one each time. A study that has fewer results has them all made again.
        crew: who makes them; threads of this process by default.
        simulator: the model; by default the one that ships, as it was used for this study.

    Raises:
        StudyError: no study of this format, or damaged beyond reading.
    """
    with Study.read(path) as study, study.snapshot():
        problems = [*_integrity(study), *wrong_types(study)]
        if problems:  # nothing else can be worked out with it
            (runs,) = study.row("SELECT count(*) FROM runs")
            return Verification(runs, 0, 0, (), tuple(problems), "the file is damaged")
        asked = asked_of(study)
        problems = [*_wrong_scenarios(study)]
        checked = _check_runs(study, asked)
        why_not, differing, repeated = "", tuple[str, ...](), 0
        model: Simulator | None = None
        try:
            model = simulator or _model_of(study, asked)
        except PassaatError as error:
            why_not = "; ".join(error.problems)
        else:
            if model.behaviour != study.meta("model behaviour"):
                why_not = (
                    f"the study was made by version {shown_name(study.meta('model version'))} with behaviour"
                    f" {shown_name(study.meta('model behaviour'))}; this is {model.version} with {model.behaviour}"
                )
                model = None
                if checked.runs and len(checked.bad_keys) == checked.runs:
                    # A version with more levers works out other keys; damage would not reach every single one.
                    why_not += ", which works out other keys, so that these were not checked either"
                    checked.bad_keys.clear()
            else:
                repeated, differing = _repeat(study, model, crew or Threads(), sample)
        problems += [*wrong_design(study, asked, model), *checked.problems()]
        if differing:
            problems.append(f"results that come out otherwise when run again: {named(differing)}")
        unknown = tuple(not_checked(study, asked, model))
    return Verification(
        checked.runs, checked.results, repeated, differing, tuple(dict.fromkeys(problems)), why_not, unknown
    )


def _model_of(study: Study, asked: Asked) -> Simulator:
    """The model that ships, with the draws that the study says it has, where they are here."""
    plan, prior = asked.plan, not study.meta("source of parameter draws").startswith("posterior")
    if isinstance(plan, Plan) and plan.rest == "defaults":
        return simulator_for(plan)
    if plan is not None:  # draws of prior ranges, asked for or not, differ in what is said of them
        prior = plan.prior if isinstance(plan, ComparisonPlan) else plan.rest != "posterior"
    found = study.row(
        "SELECT scenario FROM scenarios JOIN arms USING (scenario_hash) WHERE role = 'reference' ORDER BY arm LIMIT 1"
    )
    if found is None:
        raise StudyError("the study holds no reference")
    reference = scenario_from_text(found[0], "the study's reference")
    if not prior:
        # Where the posterior that ships is another one, runs are made again all the same: parameters are in the file.
        with suppress(EvidenceError):
            return the_model(reference)
    return the_model(reference, prior=True)


def _integrity(study: Study) -> Iterator[str]:
    found = [row[0] for row in study.rows("PRAGMA integrity_check(5)")]
    if found != ["ok"]:
        told = "; ".join(shown_name(" ".join(str(one).split())) for one in found)
        yield f"the database is damaged: {told}"


def _wrong_scenarios(study: Study) -> Iterator[str]:
    of_policies = {key for (key,) in study.rows("SELECT DISTINCT scenario_hash FROM arms")}
    texts = dict(study.rows("SELECT scenario_hash, scenario FROM scenarios ORDER BY scenario_hash"))
    for stored in sorted(of_policies - texts.keys()):
        yield f"scenario {shown_value(stored)} is missing"
    for stored, text in texts.items():
        if stored not in of_policies:
            yield f"scenario {shown_value(stored)} belongs to no policy"
        try:
            found = scenario_from_text(text, "a stored scenario").hash
        except ScenarioError as error:
            yield f"scenario {shown_value(stored)} cannot be read: {error.problems[0]}"
            continue
        if found != stored:
            yield f"scenario {shown_value(stored)} has changed: its text now has the fingerprint {found}"


@dataclass(frozen=True)
class _Checked:
    """Numbers of runs and of results, and those with a wrong key or a wrong result."""

    runs: int
    results: int
    bad_keys: list[str]
    bad_seeds: list[str]
    bad_results: list[str]

    def problems(self) -> Iterator[str]:
        if self.bad_keys:
            yield f"keys that do not belong to their policy, parameters and world: {named(self.bad_keys)}"
        if self.bad_seeds:
            yield f"worlds that are not those of the study's seed: {named(self.bad_seeds)}"
        if self.bad_results:
            yield f"results that were changed after they were written: {named(self.bad_results)}"


def _check_runs(study: Study, asked: Asked) -> _Checked:
    """Work out every key, world and digest anew."""
    arm_fingerprint = lru_cache(maxsize=1024)(study.arm_fingerprint)
    draw_digest = lru_cache(maxsize=1024)(lambda draw: parameters_digest(study.parameters(draw)))
    seed_of = lru_cache(maxsize=1024)(lambda draw, world: asked.seed_of(study, draw, world))
    runs = results = 0
    bad_keys, bad_seeds, bad_results = list[str](), list[str](), list[str]()
    for run in study.written(("draw", "world", "arm", "world_seed", "key"), "ORDER BY draw, world, arm"):
        runs += 1
        draw, world, arm, seed, key = run.asked
        name = f"{shown_name(key)} (draw {draw}, world {world}, arm {arm})"
        try:
            belongs = key == run_key(arm_fingerprint(arm), draw_digest(draw), seed)
        except PassaatError:  # its policy or its parameters cannot be read
            belongs = False
        if not belongs:
            bad_keys.append(name)
        if seed_of(draw, world) not in (seed, None):
            bad_seeds.append(name)
        is_planned = run.status == "planned"
        results += not is_planned
        empty = not (run.reason or run.digest or any(value is not None for value in run.values))
        if not (empty if is_planned else run.whole):
            bad_results.append(name)
    return _Checked(runs, results, bad_keys, bad_seeds, bad_results)


def _repeat(study: Study, model: Simulator, crew: Crew, sample: int) -> tuple[int, tuple[str, ...]]:
    """Make runs again; how many, and the keys of those that differ in any bit."""
    some = study.written(
        ("draw", "world", "arm", "world_seed", "key"), "WHERE status = 'done' ORDER BY key LIMIT ?", (sample,)
    )
    inputs_of = InputsOf()
    stored, tasks = {}, []
    for run in some:
        draw, world, arm, seed, key = run.asked
        try:
            parameters = study.parameters(draw)
            policy, twin = study.arm(arm)
            against = policy if twin is None else study.arm(twin)[0]
            arms = () if twin is None else ((arm, inputs_of(policy, parameters)),)
            held_against = Twin(arm if twin is None else twin, inputs_of(against, parameters), twin is None)
        except PassaatError:  # cannot be read, which its key has told already
            continue
        stored[draw, world, arm] = (key, run.values)
        tasks.append(Task(draw, world, seed, held_against, arms))
    try:
        futures = [crew.submit(model, [task]) for task in tasks]
        records = [record for future in futures for record in future.result()]
    finally:
        crew.stop()
    differing = []
    for record in records:
        key, values = stored[record.draw, record.world, record.arm]
        if record.values is None or not _same_bits(record.values.tolist(), values):
            differing.append(key)
    return len(records), tuple(sorted(differing))


def _same_bits(found: Sequence[float], stored: Sequence[float | None]) -> bool:
    """Whether two rows of outcomes are equal in every bit; a missing value is as good as another."""
    return [None if value != value else value.hex() for value in found] == [
        value.hex() if isinstance(value, float) else value for value in stored
    ]
