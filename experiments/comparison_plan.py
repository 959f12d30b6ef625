"""What a comparison was asked for, kept in its study file so that it can go on without any other file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from passaat.errors import ScenarioError, StudyError
from passaat.experiments.store import Study
from passaat.scenarios.loading import scenario_from_text
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
            stored: dict[str, Any] = json.loads(text)
            return cls(
                reference=scenario_from_text(stored["reference"], "the study's reference"),
                options=tuple(scenario_from_text(one, "an option of the study") for one in stored["options"]),
                draws=int(stored["draws"]),
                worlds=int(stored["worlds"]),
                seed=int(stored["seed"]),
                prior=bool(stored["prior"]),
            )
        except (ScenarioError, KeyError, TypeError, ValueError) as error:
            raise StudyError(
                f"what the study was asked for cannot be read: {type(error).__name__}: {error}",
                "Repeat the command that made it; it computes what is missing.",
            ) from None

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


def remembered(study: Study, asked: ComparisonPlan) -> ComparisonPlan:
    """All that was ever asked of a comparison, with what is asked now: its options, and the most draws and worlds.

    An option of the same name that says something else now takes the place of the earlier one.
    """
    if not study.meta("plan"):
        return asked
    stored = ComparisonPlan.from_json(study.meta("plan"))
    now = {option.name: option for option in asked.options}
    before = tuple(now.pop(option.name, option) for option in stored.options)
    return replace(
        asked,
        options=(*before, *now.values()),
        draws=max(stored.draws, asked.draws),
        worlds=max(stored.worlds, asked.worlds),
    )


def comparison_plan_of(study: Study) -> ComparisonPlan:
    """What the comparison in this file was asked for.

    Raises:
        StudyError: the study is not a comparison, or does not say.
    """
    if study.meta("kind") != "comparison":
        raise StudyError(
            f"{study.place} is a {study.meta('kind')}, not a comparison",
            f"`passaat resume {study.place}` shows a sweep and goes on with it.",
        )
    if not study.meta("plan"):
        raise StudyError(
            f"{study.place} does not hold what it was asked for",
            "Repeat the command that made it; it computes what is missing.",
        )
    return ComparisonPlan.from_json(study.meta("plan"))
