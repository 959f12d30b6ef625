"""What a comparison was asked for, kept in its study file so that it can go on without any other file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from passaat.errors import PassaatError, StudyError
from passaat.experiments.design.cells import PILOT_WORLDS, Design
from passaat.experiments.stats.equal_money import MAX_CORRECTIONS, MAX_EVALUATIONS
from passaat.scenarios.loading import scenario_from_text
from passaat.scenarios.reading import shown_value
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
                raise TypeError(
                    f"it has the parts {', '.join(_STORED_AS)}, and {shown_value(stored)} has not"
                )
            mistyped = [name for name, kind in _STORED_AS.items() if type(stored[name]) is not kind]
            if mistyped:
                raise TypeError(
                    ", ".join(f"{name} cannot be {shown_value(stored[name])}" for name in mistyped)
                )
            if not all(isinstance(one, str) for one in stored["options"]):
                raise TypeError(f"options cannot be {shown_value(stored['options'])}")
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
