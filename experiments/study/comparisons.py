"""What a comparison was asked for, kept in its study file so that it can go on without any other file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from passaat.errors import StudyError, command
from passaat.experiments.design.comparison_plan import ComparisonPlan
from passaat.experiments.study.messages import damaged
from passaat.experiments.study.study import LARGEST_RESULT, Study
from passaat.scenarios.reading import shown_name, shown_value


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


Payments = Mapping[str, Mapping[str, Sequence[tuple[str, float]]]]
"""By option and way of paying: for each draw what was moved to come to equal public money, and its value."""


def remember_equal_money(study: Study, payments: Payments) -> None:
    """Keep what each option was brought to equal public money by."""
    study.set_meta("equal money", json.dumps(payments, sort_keys=True))


def equal_money_of(study: Study) -> Payments:
    """What each option was brought to equal public money by; empty where there is none yet.

    Studies of 0.1.0 hold one factor of the amount per covenant for all draws.

    Raises:
        StudyError: what it says cannot be read, or a value is none that a lever or factor can have.
    """
    stored: dict[str, Any] = study.read_json("equal money", dict)
    found: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for name, by_way in stored.items():
        if isinstance(by_way, float | int) and not isinstance(by_way, bool):
            draws = study.row("SELECT count(*) FROM draws")[0]
            by_way = {"amount": [["amount factor", by_way]] * draws}
        wrong = not isinstance(by_way, dict) or not all(
            isinstance(one, list)
            and len(one) == 2
            and isinstance(one[0], str)
            and isinstance(one[1], float | int)
            and not isinstance(one[1], bool)
            and 0 <= one[1] <= LARGEST_RESULT
            for payments in by_way.values()
            for one in (payments if isinstance(payments, list) else [payments])
        )
        if wrong:
            raise damaged(
                study.place,
                f"what brings {shown_name(name)} to equal public money is {shown_value(by_way)}",
            )
        found[name] = {
            way: [(moves, float(value)) for moves, value in payments] for way, payments in by_way.items()
        }
    return found


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


def require_not_answered_from_more(study_path: Path, asked: ComparisonPlan) -> None:
    """Refuse a comparison that this study last held from more draws or worlds: its tables and figures have the same
    names.

    Raises:
        StudyError: it did.
    """
    with Study.read(study_path) as study:
        held = [comparison_plan_of(study), *reversed(earlier_plans_of(study))]
    hashes = [option.hash for option in asked.options]
    there = next((one for one in held if [option.hash for option in one.options] == hashes), asked)
    if asked.is_part_of(there) and (there.draws, there.worlds) != (asked.draws, asked.worlds):
        raise StudyError(
            f"{study_path} holds this comparison from {there.draws:,} draws of {there.worlds:,} worlds, and one from"
            f" {asked.draws:,} of {asked.worlds:,} would replace its tables and figures",
            f"Ask with --draws {there.draws} --worlds {there.worlds} for what is there; for less, name another file"
            " behind --study, or replace them with --force.",
        )
