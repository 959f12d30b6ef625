"""What a comparison was asked for, kept in its study file so that it can go on without any other file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from passaat.errors import PassaatError, StudyError
from passaat.experiments.design.cells import Design
from passaat.experiments.stats.equal_money import MAX_EVALUATIONS
from passaat.scenarios.loading import scenario_from_text
from passaat.scenarios.reading import shown_name, shown_value
from passaat.scenarios.scenario import Scenario

PAY: Final = ("amount", "none", "covenants")
"""Ways in which the difference in public money between an option and the reference is met: every public amount by one
factor, not at all (cost stands beside effect), or the number of covenants.
"""

USUAL_PAY: Final = ("amount", "none")


def ways_in_order(pay: Sequence[str]) -> tuple[str, ...]:
    """Ways of paying in their usual order, each once.

    Raises:
        StudyError: none, or one that does not exist.
    """
    wrong = [one for one in pay if one not in PAY]
    if wrong or not pay:
        named = [f"there is no way of paying called {shown_name(one)}" for one in wrong]
        raise StudyError(named or "no way of paying", f"The ways are {', '.join(PAY)}.")
    return tuple(one for one in PAY if one in pay)


@dataclass(frozen=True)
class ComparisonPlan:
    """Reference, options and size of a comparison.

    Attributes:
        prior: parameters come from their prior ranges.
        pay: ways of meeting the difference in public money, of ``PAY`` and in its order.
        parts_in_full: parts of options meet every world, not only the first of each draw.
    """

    reference: Scenario
    options: tuple[Scenario, ...]
    draws: int
    worlds: int
    seed: int
    prior: bool
    pay: tuple[str, ...] = USUAL_PAY
    parts_in_full: bool = False

    @property
    def ways(self) -> tuple[str, ...]:
        """Ways in which options are brought to the reference's public money."""
        return tuple(way for way in self.pay if way != "none")

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
                "pay": list(self.pay),
                "parts_in_full": self.parts_in_full,
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
            if isinstance(stored, dict):
                stored = {**_BEFORE_PAY, **stored} if not _BEFORE_PAY.keys() & stored.keys() else stored
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
            if not stored["pay"] or stored["pay"] != [one for one in PAY if one in stored["pay"]]:
                raise TypeError(f"pay cannot be {shown_value(stored['pay'])}")
            return cls(
                reference=scenario_from_text(stored["reference"], "the study's reference"),
                options=tuple(scenario_from_text(one, "an option of the study") for one in stored["options"]),
                draws=stored["draws"],
                worlds=stored["worlds"],
                seed=stored["seed"],
                prior=stored["prior"],
                pay=tuple(stored["pay"]),
                parts_in_full=stored["parts_in_full"],
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
        less = {*self.pay} <= {*other.pay} and self.parts_in_full <= other.parts_in_full
        return smaller and less and all(option.hash in hashes for option in self.options)

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
        return replace(
            self,
            options=(*self.options, *options),
            draws=draws or self.draws,
            worlds=worlds or self.worlds,
        )


_STORED_AS: Final[Mapping[str, type]] = {
    "reference": str,
    "options": list,
    **dict.fromkeys(("draws", "worlds", "seed"), int),
    "prior": bool,
    "pay": list,
    "parts_in_full": bool,
}
"""Parts of a stored plan, with the type that JSON gives them."""

_BEFORE_PAY: Final[Mapping[str, Any]] = {"pay": list(USUAL_PAY), "parts_in_full": False}
"""What studies of 0.1.0, which do not say, were asked for."""


@dataclass(frozen=True)
class Runs:
    """How many runs a comparison takes: at least, as a rule, and at most; ``of_parts`` are those of parts of options,
    in each of the three.
    """

    least: int
    expected: int
    most: int
    of_parts: int = 0

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """(least, expected, most, of parts)."""
        return self.least, self.expected, self.most, self.of_parts

    @property
    def without_parts(self) -> Runs:
        """The same where options are not taken apart."""
        return Runs(*(count - self.of_parts for count in self.counts))


USUAL_EVALUATIONS: Final = {"amount": 2, "covenants": 4}
"""Steps that the search for equal public money takes in a draw as a rule."""


def runs_of_comparison(plan: ComparisonPlan) -> Runs:
    """Runs of the world without programme, the reference and each option; then each option at equal public money, which
    is searched for in every draw; then each part of the options that have several.

    An option that costs what the reference costs needs no search; one whose cost jumps needs all its steps.
    """
    design = Design(plan.draws, plan.worlds, plan.seed)
    cells = design.draws * design.worlds
    of_parts = (cells if plan.parts_in_full else len([*design.pilot()])) * sum(
        len(option.all_parts) for option in plan.options if len(option.all_parts) > 1
    )
    least = cells * (2 + len(plan.options)) + of_parts
    usual = sum(USUAL_EVALUATIONS[way] for way in plan.ways)
    expected = least + len(plan.options) * usual * cells
    most = least + len(plan.options) * len(plan.ways) * MAX_EVALUATIONS * cells
    return Runs(least, expected, most, of_parts)
