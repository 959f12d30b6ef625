"""An open study, what it holds in the cells of a design, and all that is needed to run what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, Self

import numpy as np

from passaat.errors import StudyError
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.cells import Cell, Design
from passaat.experiments.design.policies import Arm, Role
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.results.outcomes import RATIOS, OutcomeInfo
from passaat.experiments.run.crew import Crew
from passaat.experiments.run.runner import OnProgress, run_missing, run_planned
from passaat.experiments.stats.pairing import Floats, ratio_values
from passaat.experiments.study.records import Scope
from passaat.experiments.study.study import Study, require_workable

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario


Money = Literal[
    "as it stands", "at equal public money", "at equal public money through the number of covenants"
]


ArmByDraw = Arm | Sequence[Arm | None]
"""A policy that is the same in every draw, or one for each draw; None where a draw has none."""


Values = Mapping[str, Mapping[Money, Mapping[str, Floats]]]
"""Values by policy, money variant and outcome, each (n_draws, n_worlds)."""


MOST_AT_ONCE: Final = 10_000
"""Policies run in one go: a database takes some thirty thousand values in a question."""


REFERENCE: Final = "the reference"
"""Name of the reference among the policies whose values ``compare_on`` gives; no option can be called so."""


def outcome_values(study: Study, arm: Arm, design: Design) -> dict[str, Floats]:
    """Outcomes of an arm by name, each (n_draws, n_worlds); a ratio is one of means over the worlds of a draw."""
    stored = study.values(arm, design)
    require_workable(study.place, stored, study.outcome_names)
    values = dict(zip(study.outcome_names, stored, strict=True))
    return values | _ratios(values)


def _ratios(values: Mapping[str, Floats]) -> dict[str, Floats]:
    parts = {name: pair for name, pair in RATIOS.items() if {name, *pair} <= values.keys()}
    return {name: ratio_values(values[y], values[x]) for name, (y, x) in parts.items()}


def parts_of(outcome: str, names: Sequence[str]) -> list[int]:
    """Places of the stored outcomes that one is made of: two where it is a ratio, numerator first, else its own."""
    parts = RATIOS.get(outcome, ())
    made = parts if parts and {*parts} <= {*names} else (outcome,)
    return [names.index(one) for one in made]


@dataclass(frozen=True)
class Policies:
    """What is compared, and the arms of it: the world without programme, the reference, each option as it stands, and
    for each option that has several parts each of these alone, by its name.
    """

    reference: Scenario
    options: tuple[Scenario, ...]
    twin: Arm
    base: Arm
    arms: tuple[Arm, ...]
    parts: tuple[Mapping[str, Arm], ...]

    @classmethod
    def of(
        cls,
        reference: Scenario,
        options: Sequence[Scenario],
        structure: str = "",
        *,
        taken_apart: bool = True,
    ) -> Self:
        """Policies and their arms; those under a rival structure have names that say so."""
        named = f" [{structure}]" if structure else ""
        role: Role = "rival-reference" if structure else "reference"
        return cls(
            reference,
            tuple(options),
            Arm.of(reference.without_programme(), "no-programme", f"no programme{named}"),
            Arm.of(reference, role, f"{reference.name}{named}"),
            tuple(Arm.of(reference.with_option(one), "option", f"{one.name}{named}") for one in options),
            tuple(parts_of_option(reference, one) if taken_apart else {} for one in options),
        )


def parts_of_option(reference: Scenario, option: Scenario) -> dict[str, Arm]:
    """Each part of an option alone, by its name; none where the option is one part."""
    parts = [(name, option.part(name)) for name in option.all_parts]
    if len(parts) < 2:
        return {}
    return {name: Arm.of(reference.with_option(part), "part", part.name) for name, part in parts}


@dataclass(frozen=True)
class Model:
    """What a comparison says of the model whose runs it rests on.

    Attributes:
        outcomes: what runs are judged by, in the order of a study's values.
        version, behaviour: of the model.
        basis: what parameter draws rest on. drawn_from: the same in words.
    """

    outcomes: tuple[OutcomeInfo, ...]
    version: str
    behaviour: str
    basis: Basis
    drawn_from: str


class Held:
    """What an open study holds in the cells of a design; nothing is run."""

    def __init__(
        self, study: Study, model: Model, design: Design, parameters: Sequence[Mapping[str, float]]
    ) -> None:
        self.study = study
        self.model = model
        self.design = design
        self.parameters = parameters
        self.names = [outcome.name for outcome in model.outcomes]

    def values(self, arm: ArmByDraw, beside: ArmByDraw | None = None) -> dict[str, Floats]:
        """Outcomes of an arm by name, each (n_draws, n_worlds); only in cells where ``beside`` has run, too."""
        stored = self.stored(arm)
        if beside is not None:
            done = np.isfinite(self.stored(beside)).any(axis=0)
            stored = np.where(done, stored, np.nan)
        values = dict(zip(self.names, stored, strict=True))
        return values | _ratios(values)

    def in_first_worlds(self, worlds: int) -> Held:
        """The same where each draw has at most so many worlds: a ratio of means is then one of these."""
        design = replace(self.design, worlds=min(worlds, self.design.worlds))
        return Held(self.study, self.model, design, self.parameters)

    def stored(self, arm: ArmByDraw) -> Floats:
        """What is stored of an arm, shape (n_outcomes, n_draws, n_worlds); nan where it has not run."""
        if not isinstance(arm, Arm):
            missing = np.full((len(self.names), self.design.worlds), np.nan)
            found = [missing if one is None else self.stored_in(one, draw) for draw, one in enumerate(arm)]
            return np.stack(found, axis=1)
        values = self.study.values(arm, self.design)
        require_workable(self.study.place, values, self.names)
        return values

    def stored_in(self, arm: Arm, draw: int) -> Floats:
        """What is stored of an arm in one draw, shape (n_outcomes, n_worlds)."""
        values = self.study.values_in(arm, draw, self.design.worlds)
        require_workable(self.study.place, values[:, None, :], self.names)
        return values

    def nothing_but_failures(self, arms: Sequence[Arm]) -> list[str]:
        """A line on the policies of which every run failed, for each reason of their first failure."""
        cells = self.design.draws * self.design.worlds
        failures = [(arm, self.study.failures([arm], self.design)) for arm in arms]
        by_reason: dict[str, list[str]] = {}
        for arm, failed in failures:
            if len(failed) == cells:
                by_reason.setdefault(failed[0].reason, []).append(arm.name)
        return [
            f"all {cells} runs of {' and of '.join(names)} failed; the first: {reason}"
            for reason, names in by_reason.items()
        ]

    def require_some_success(self, arms: Sequence[Arm]) -> None:
        """Refuse to compare a policy of which every run failed.

        Raises:
            StudyError: names each such policy with the reason of its first failure.
        """
        problems = self.nothing_but_failures(arms)
        if problems:
            raise StudyError(
                problems,
                hint="Mend what the reasons name; `passaat check` and `passaat run` try one scenario.",
            )


class Bench(Held):
    """An open study with all that is needed to run arms in its cells, too; the parameters of its draws are
    registered."""

    def __init__(
        self,
        study: Study,
        simulator: Simulator,
        design: Design,
        parameters: Sequence[Mapping[str, float]],
        crew: Crew,
        progress: OnProgress | None,
    ) -> None:
        basis = simulator.basis
        model = Model(
            outcomes=tuple(OutcomeInfo(o.name, o.unit, o.meaning, o.better) for o in simulator.outcomes),
            version=simulator.version,
            behaviour=simulator.behaviour,
            basis=basis,
            drawn_from=basis.in_words(design.draws),
        )
        study.register_parameters(parameters)
        super().__init__(study, model, design, parameters)
        self.simulator = simulator
        self.crew = crew
        self.progress = progress

    def with_draws(self, draws: int) -> Bench:
        """The same study and hands, with so many draws."""
        design = replace(self.design, draws=draws)
        parameters = self.simulator.draw_parameters(draws, design.seed)
        return Bench(self.study, self.simulator, design, parameters, self.crew, self.progress)

    def run(
        self, twin: Arm, arms: Sequence[Arm], stage: str, *, pilot: bool = False, first_draw: int = 0
    ) -> int:
        """Run what is missing of these arms, in all cells or in the pilot's, from one draw on; returns how many runs
        that were.
        """
        cells = self.design.pilot() if pilot else self.design.cells()
        return run_missing(
            self.study,
            self.simulator,
            [cell for cell in cells if cell.draw >= first_draw],
            twin,
            arms,
            crew=self.crew,
            stage=stage,
            progress=self.progress,
        )

    def run_in_draws(self, twin: Arm, asked: Sequence[tuple[Arm, int]], stage: str) -> None:
        """Run each of these arms in all worlds of the draw beside it, where that is missing."""
        cells: dict[int, list[Cell]] = {}
        for cell in self.design.cells():
            cells.setdefault(cell.draw, []).append(cell)
        with self.study.registering():
            for arm, draw in asked:
                self.study.add_runs(arm, cells[draw], twin)
        numbers = tuple(dict.fromkeys(self.study.number(arm) for arm, _ in asked))
        for first in range(0, len(numbers), MOST_AT_ONCE):
            some = numbers[first : first + MOST_AT_ONCE]
            run_planned(
                self.study, self.simulator, self.crew, scope=Scope(some), stage=stage, progress=self.progress
            )


def require_options(options: Sequence[Scenario]) -> None:
    names = [option.name for option in options]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names:
        raise StudyError("no option given to compare with the reference", hint="Name at least one option.")
    if twice:
        raise StudyError(
            [f"option {name} is given {names.count(name)} times" for name in twice],
            hint="Name each option once; give a changed copy a name of its own.",
        )
