"""What a comparison was asked for, kept in its study file so that it can go on without any other file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from passaat.errors import PassaatError, StudyError, command
from passaat.experiments.design import PILOT_WORLDS, Design
from passaat.experiments.equal_money import MAX_CORRECTIONS, MAX_EVALUATIONS
from passaat.experiments.store import LARGEST_RESULT, Study, damaged
from passaat.scenarios.loading import scenario_from_text
from passaat.scenarios.reading import shown, shown_name
from passaat.scenarios.scenario import Scenario


@dataclass(frozen=True)
class ComparisonPlan:
    """Reference, options and size of a comparison; ``prior`` says that parameters come from their prior ranges."""

    reference: Scenario
    options: tuple[Scenario, ...]
    draws: int
    worlds: int
    seed: int
    prior: bool

    def to_json(self) -> str:
        """All of it as text, scenario files inside."""
        return json.dumps(
            {
                "reference": self.reference.to_toml(),
                "options": [option.to_toml() for option in self.options],
                "draws": self.draws,
                "worlds": self.worlds,
                "seed": self.seed,
                "prior": self.prior,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> ComparisonPlan:
        """The plan that ``to_json`` wrote.

        Raises:
            StudyError: the text is no such plan.
        """
        try:
            stored: Any = json.loads(text)
            if not isinstance(stored, dict) or set(stored) != set(_STORED_AS):
                raise TypeError(f"it has the parts {', '.join(_STORED_AS)}, and {shown(stored)} has not")
            mistyped = [name for name, kind in _STORED_AS.items() if type(stored[name]) is not kind]
            if mistyped:
                raise TypeError(", ".join(f"{name} cannot be {shown(stored[name])}" for name in mistyped))
            if not all(isinstance(one, str) for one in stored["options"]):
                raise TypeError(f"options cannot be {shown(stored['options'])}")
            return cls(
                reference=scenario_from_text(stored["reference"], "the study's reference"),
                options=tuple(scenario_from_text(one, "an option of the study") for one in stored["options"]),
                draws=stored["draws"],
                worlds=stored["worlds"],
                seed=stored["seed"],
                prior=stored["prior"],
            )
        except (PassaatError, TypeError, ValueError, RecursionError) as error:
            told = "; ".join(error.problems) if isinstance(error, PassaatError) else str(error)
            raise StudyError(
                f"what the study was asked for cannot be read: {told}",
                "Repeat the command that made it; it computes what is missing.",
            ) from None

    def is_part_of(self, other: ComparisonPlan) -> bool:
        """Whether all runs of this comparison are runs of the other, too."""
        hashes = {option.hash for option in other.options}
        smaller = self.draws <= other.draws and self.worlds <= other.worlds
        return smaller and all(option.hash in hashes for option in self.options)

    def extended(
        self, *, draws: int | None = None, worlds: int | None = None, options: Sequence[Scenario] = ()
    ) -> ComparisonPlan:
        """The same comparison with more draws, worlds or options.

        Raises:
            StudyError: fewer than there are, or an option that is there already or named twice; all problems at once.
        """
        problems = [
            f"{what} = {asked}: the study has {has}, and what is there stays"
            for what, asked, has in (("draws", draws, self.draws), ("worlds", worlds, self.worlds))
            if asked is not None and asked < has
        ]
        known = {option.name for option in self.options}
        asked_for = Counter(one.name for one in options)
        problems += [f"option {name} is in the study already" for name in asked_for if name in known]
        problems += [
            f"option {name} is named {times} times" for name, times in asked_for.items() if times > 1
        ]
        if problems:
            raise StudyError(problems, "Ask for more than there is; start another study for less.")
        return ComparisonPlan(
            self.reference,
            (*self.options, *options),
            draws or self.draws,
            worlds or self.worlds,
            self.seed,
            self.prior,
        )


_STORED_AS: Final[Mapping[str, type]] = {
    "reference": str,
    "options": list,
    **dict.fromkeys(("draws", "worlds", "seed"), int),
    "prior": bool,
}
"""Parts of a stored plan, with the type that JSON gives them."""


def remember(study: Study, asked: ComparisonPlan) -> None:
    """Keep what is asked of a comparison now, and what was asked before and is no part of it."""
    before = [*earlier_plans_of(study)]
    if study.meta("plan"):
        before.append(ComparisonPlan.from_json(study.meta("plan")))
    study.set_meta("equal money", "")  # belongs to what was asked before, until it is found again
    kept = [one.to_json() for one in before if not one.is_part_of(asked)]
    study.set_meta("earlier plans", json.dumps(kept))
    study.set_meta("plan", asked.to_json())


def earlier_plans_of(study: Study) -> list[ComparisonPlan]:
    """What a comparison was asked for before its last plan, the first first; without what that plan covers.

    Raises:
        StudyError: what it says cannot be read.
    """
    texts: list[str] = study.read_json("earlier plans", list)
    if not all(isinstance(text, str) for text in texts):
        raise damaged(study.place, "its earlier plans cannot be read")
    return [ComparisonPlan.from_json(text) for text in texts]


def equal_money_of(study: Study) -> dict[str, float]:
    """The factor at which each option was brought to equal public money, by its name; empty where there is none yet.

    Raises:
        StudyError: what it says cannot be read, or a factor is none that an amount can be multiplied by.
    """
    found: dict[str, Any] = study.read_json("equal money", dict)
    for name, factor in found.items():
        is_number = isinstance(factor, float | int) and not isinstance(factor, bool)
        if not is_number or not 0 <= factor <= LARGEST_RESULT:
            raise damaged(
                study.place, f"its factor of equal public money for {shown_name(name)} is {shown(factor)}"
            )
    return {name: float(factor) for name, factor in found.items()}


def comparison_plan_of(study: Study) -> ComparisonPlan:
    """What the comparison in this file was asked for.

    Raises:
        StudyError: the study is not a comparison, or does not say.
    """
    if study.meta("kind") != "comparison":
        raise StudyError(
            f"{study.place} is a {shown_name(study.meta('kind'))}, not a comparison",
            f"`{command('passaat', 'resume', PurePath(study.place))}` shows a sweep and goes on with it.",
        )
    if not study.meta("plan"):
        raise StudyError(
            f"{study.place} does not hold what it was asked for",
            "If `passaat replicate` made it, run `passaat compare` with the same reference, options and --study: it"
            " reuses these runs. Otherwise repeat the command that made it; it computes what is missing.",
        )
    return ComparisonPlan.from_json(study.meta("plan"))


@dataclass(frozen=True)
class Runs:
    """How many runs a comparison takes: at least, as a rule, and at most."""

    least: int
    expected: int
    most: int

    @property
    def parts(self) -> tuple[int, int, int]:
        """(least, expected, most)."""
        return self.least, self.expected, self.most


USUAL_PILOTS: Final = 3
"""Rounds on the pilot's worlds that the search for equal public money takes as a rule: two, or a few more."""


def runs_of_comparison(design: Design, n_options: int) -> Runs:
    """Runs of the world without programme, the reference and each option; then each option at equal public money, which
    is searched for on the pilot's worlds and checked on all.

    An option that costs what the reference costs needs no search; one whose cost jumps needs all its rounds.
    """
    cells, pilot = design.draws * design.worlds, design.draws * min(PILOT_WORLDS, design.worlds)
    least = cells * (2 + n_options)
    expected = least + n_options * (cells + USUAL_PILOTS * pilot)
    most = least + n_options * ((1 + MAX_CORRECTIONS) * cells + MAX_EVALUATIONS * pilot)
    return Runs(least, expected, most)
