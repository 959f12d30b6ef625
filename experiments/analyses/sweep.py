"""Sweeps: run a plan of points over levers, uncertainties, draws and luck, and read the results back as a table.

At every point the world without programme, the reference as it is, and every option run with the same parameters in
the same worlds. The levers of a point are set on the options, on top of what these say themselves; the reference is
what differences are from. A run that several points share (the reference under the same parameters) is made once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from passaat.errors import StudyError, unknown_name
from passaat.experiments.design.basis import DEFAULTS, PRIOR
from passaat.experiments.design.factors import Setting
from passaat.experiments.design.plan import REFERENCE, Plan
from passaat.experiments.design.simulator import Simulator, the_model
from passaat.experiments.results.outcomes import RATIOS, OutcomeInfo, outcome_named
from passaat.experiments.run.crew import Crew, Threads
from passaat.experiments.run.runner import OnProgress, run_planned
from passaat.experiments.stats.pairing import Floats, paired_differences, ratio_values
from passaat.experiments.study.connection import require_writable
from passaat.experiments.study.messages import damaged
from passaat.experiments.study.records import FailedRun
from passaat.experiments.study.study import Study, require_workable
from passaat.experiments.study.sweeps import _moved_words, first_moved, plan_of, register_plan, stored_points
from passaat.model.parameters import default_parameters
from passaat.scenarios.reading import shown_name, shown_value

MOST_REPORTED: Final = 1_000
"""Failed runs that a table names one by one; all are in the file."""


@dataclass(frozen=True)
class SweepTable:
    """What a sweep found, for analysis.

    Attributes:
        policies: the reference, the options, and the world without programme.
        outcomes: those that were read.
        points: a value of every factor for each point.
        values: shape (n_policies, n_outcomes, n_points, n_worlds); nan where a run failed, is missing or has no such
            outcome. With luck as a factor there is one world for each point.
        failures: failed runs, at most a thousand of them. n_failed: how many there are.
        n_missing: runs that are planned and not there yet.
        drawn_from: what the parameters that are not swept rest on, in words.
        uncalibrated: why results are not calibrated; empty where they are.
    """

    plan: Plan
    policies: tuple[str, ...]
    outcomes: tuple[OutcomeInfo, ...]
    points: tuple[Mapping[str, Setting], ...]
    values: Floats
    failures: tuple[FailedRun, ...]
    n_failed: int
    n_missing: int
    version: str
    behaviour: str
    drawn_from: str
    uncalibrated: str = ""

    def outcome(self, name: str) -> OutcomeInfo:
        """The outcome of this name.

        Raises:
            StudyError: there is none, or it was not read.
        """
        return outcome_named(self.outcomes, name)

    def levels(self, policy: str, outcome: str) -> Floats:
        """Values of an outcome under a policy, shape (n_points, n_worlds).

        A ratio, such as exports per public euro, is one of means over the worlds of a point.

        Raises:
            StudyError: no such policy or outcome, or results that are too large to be worked with.
        """
        return self._of(policy, outcome)

    def differences(self, option: str, outcome: str) -> Floats:
        """Option minus reference in the same world, shape (n_points, n_worlds).

        A ratio is one of means over the worlds that both have: where a run of one failed, the other's ratio must not
        rest on luck that the first did not meet.

        Raises:
            StudyError: no such policy or outcome, or results that are too large to be worked with.
        """
        return paired_differences(
            self._of(option, outcome, beside=REFERENCE), self._of(REFERENCE, outcome, beside=option)
        )

    def _of(self, policy: str, outcome: str, beside: str | None = None) -> Floats:
        """Levels; a ratio only from worlds in which ``beside`` has both of its parts, too."""
        _ = self.outcome(outcome)
        places = {one.name: place for place, one in enumerate(self.outcomes)}
        is_ratio = outcome in RATIOS and {*RATIOS[outcome]} <= places.keys()
        names = RATIOS[outcome] if is_ratio else (outcome,)
        parts = [places[name] for name in names]
        require_workable(self.plan.name, self._runs(policy)[parts], names)
        if not is_ratio:
            return np.asarray(self._runs(policy)[places[outcome]], dtype=np.float64)
        above, below = self._runs(policy)[parts]
        if beside is not None:
            both = np.isfinite(self._runs(beside)[parts]).all(axis=0)
            above, below = np.where(both, above, np.nan), np.where(both, below, np.nan)
        return ratio_values(above, below)

    def _runs(self, policy: str) -> Floats:
        """Every outcome under a policy, shape (n_outcomes, n_points, n_worlds)."""
        if policy not in self.policies:
            raise StudyError(unknown_name("policy", policy, self.policies), "Take one of these.")
        runs: Floats = self.values[self.policies.index(policy)]
        return runs


def sweep(
    plan: Plan,
    *,
    study_path: Path | None = None,
    workers: int | None = None,
    crew: Crew | None = None,
    progress: OnProgress | None = None,
    simulator: Simulator | None = None,
    outcomes: Sequence[str] | None = None,
    reuse: Sequence[Path] = (),
) -> SweepTable:
    """Run what a plan asks for and the study file does not hold yet, and return the table of results.

    Args:
        plan: what to run. In a study file that exists it must be the plan of that study, or an extension of it.
        study_path: file to keep the study in; without one it is kept in memory and lost.
        workers: threads; by default as many as there are cores. It changes nothing but the time.
        crew: who carries out the runs instead of threads of this process.
        progress: called with the stage and the number of runs done.
        simulator: what runs the worlds and draws parameters; by default the compiled model.
        outcomes: names of the outcomes to read back; all by default.
        reuse: other study files, whose runs are taken over where they are runs of this study, too: for example those
            of a sweep over fewer levers.

    Raises:
        StudyError: an unusable study file, another plan in it, or no run that succeeded. A new study file in which no
            run at all succeeded is removed again.
    """
    if study_path is not None:
        require_writable(study_path)
    model = simulator_for(plan) if simulator is None else simulator
    with (
        Study.open(study_path, model, plan.reference, plan.seed, "sweep") as study,
        study.removed_if_empty(),
    ):
        register_plan(study, plan, model)
        for other in reuse:
            study.take_over(other)
        run_planned(study, model, crew or Threads(workers), stage=plan.name, progress=progress)
        _require_some_success(study)
        study.finish()
        return read_table(study, outcomes)


def simulator_for(plan: Plan) -> Simulator:
    """The model that ships, with draws of its parameters as the plan says."""
    model = the_model(plan.reference, prior=plan.rest != "posterior")
    if plan.rest != "defaults":
        return model
    return replace(model, basis=DEFAULTS, draw_parameters=lambda n, seed: [default_parameters()] * n)


def load_table(study_path: Path, outcomes: Sequence[str] | None = None) -> SweepTable:
    """The table of a sweep's study file, also while the study is being run.

    Raises:
        StudyError: no such file, no study, not a sweep, or an outcome that it does not have.
    """
    with Study.read(study_path) as study:
        table = read_table(study, outcomes)
        study.require_as_written()
        return table


# --- registering ------------------------------------------------------------------------------------------------


def _require_some_success(study: Study) -> None:
    if study.row("SELECT 1 FROM runs WHERE status = 'done' LIMIT 1") is not None:
        return
    failed, reason = study.row("SELECT count(*), min(reason) FROM runs WHERE status = 'failed'")
    raise StudyError(
        f"all {failed} runs failed; one of the reasons: {reason}",
        "Mend what the reason names; `passaat run` tries one scenario.",
    )


# --- reading ----------------------------------------------------------------------------------------------------


def read_table(study: Study, outcomes: Sequence[str] | None = None) -> SweepTable:
    """The table of an open study, as far as it is.

    Raises:
        StudyError: the study is not a sweep, has no outcome of such a name, or its design cannot be analysed here,
            because libraries of other versions placed its points.
    """
    with study.snapshot():
        return _read_table(study, outcomes)


def _read_table(study: Study, outcomes: Sequence[str] | None) -> SweepTable:
    plan = plan_of(study)
    if plan.method in ("morris", "saltelli"):
        moved = first_moved(study, plan)
        if moved is not None:
            raise StudyError(
                f"{study.place}: {_moved_words(study, moved)}; indices of {plan.method} need its very design",
                "Analyse it with those versions, or export its runs: `passaat export`.",
            )
    infos = _outcomes_read(study, outcomes)
    policies = tuple(name for (name,) in study.rows("SELECT policy FROM policies ORDER BY position"))
    ordered = tuple(name for name in plan.policies if name in policies)
    for what, planned, (there,) in (
        ("policies", len(plan.policies), (len(ordered),)),
        ("points", plan.n_points, study.row("SELECT count(*) FROM points")),
        ("worlds", plan.worlds, study.row("SELECT count(*) FROM worlds")),
    ):
        if there != planned:
            raise damaged(study.place, f"its plan has {planned:,} {what}, and {there:,} are there")
    points = tuple(stored_points(study, plan))
    values = np.full((len(ordered), len(infos), len(points), plan.worlds_per_point), np.nan)
    places = {name: place for place, name in enumerate(ordered)}
    columns = "".join(f', "{info.name}"' for info in infos)
    query = f"SELECT policy, point, world{columns} FROM results WHERE status = 'done'"
    for policy, point, world, *found in study.rows(query):
        column = world if plan.luck != "factor" else 0
        where = f"policy {shown_name(policy)}, point {shown_value(point)}, world {shown_value(world)}"
        numbers = study.numbers_in(found, where)
        try:
            values[places[policy], :, point, column] = numbers
        except (KeyError, IndexError, TypeError):
            raise damaged(study.place, f"there is no {where}") from None
    counts = dict(study.rows("SELECT status, count(*) FROM runs GROUP BY status"))
    return SweepTable(
        plan=plan,
        policies=ordered,
        outcomes=infos,
        points=points,
        values=values,
        failures=tuple(_failures(study)),
        n_failed=counts.get("failed", 0),
        n_missing=counts.get("planned", 0),
        version=study.meta("model version"),
        behaviour=study.meta("model behaviour"),
        drawn_from=study.meta("drawn from"),
        uncalibrated=study.meta("uncalibrated") or _uncalibrated(study.meta("source of parameter draws")),
    )


def _uncalibrated(source: str) -> str:
    """Why results are uncalibrated by where their draws come from: studies of 0.1.0 do not say it."""
    return next((one.uncalibrated for one in (PRIOR, DEFAULTS) if one.key == source), "")


def _outcomes_read(study: Study, wanted: Iterable[str] | None) -> tuple[OutcomeInfo, ...]:
    """The outcomes asked for, and those that ratios among them are made of."""
    known = {
        name: OutcomeInfo(name, unit, meaning, better)
        for name, unit, meaning, better in study.rows(
            "SELECT name, unit, meaning, better FROM outcomes ORDER BY position"
        )
    }
    if wanted is None:
        return tuple(known.values())
    unknown = [unknown_name("outcome", name, list(known)) for name in wanted if name not in known]
    if unknown:
        raise StudyError(unknown, "Take outcomes of these names.")
    needed = {part for name in wanted for part in (name, *RATIOS.get(name, ()))}
    return tuple(info for name, info in known.items() if name in needed)


def _failures(study: Study) -> Iterator[FailedRun]:
    query = (
        "SELECT name, amount_factor, draw, world, world_seed, reason FROM runs JOIN arms USING (arm)"
        f" WHERE status = 'failed' ORDER BY draw, world, arm LIMIT {MOST_REPORTED}"
    )
    for row in study.rows(query):
        yield study.failed_run(*row)
