"""Simulated case studies: a few covenants looked at closely, and talks with a few of their members and coordinators.

Evaluators choose cases for variety, mark in a table what came of the activities planned, speak with the coordinator
and with one or two members of each, and hear from them of the steps that members intended. So figures from cases
carry the chance of few cases (eight covenants, 64 activities, 13 members, about 39 steps; A15), and their colour:
coordinators speak for themselves (MO05), and members who got nowhere are harder to reach (MO02).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from passaat.calibration.records import (
    CHOSEN_AS_CASE,
    REACHED_FOR_TALK,
    SCATTER_OF_ACTIVITY,
    STEP_TOLD,
    Bools,
    Evaluation,
    Ints,
    Records,
    keyed_uniform,
    mean,
)

MODULES: Final = ("promotion", "knowledge", "diplomacy")
ROWS_OF_MODULE: Final = (4, 2, 2)
"""Rows of a case's table of activities: eight of each case (64 of eight cases, technopolis2023 Tables 17-24), of which
Table 16 gives promotion 27, knowledge exchange 14 and diplomacy 14 of 55."""
STEPS: Final = ("full", "partly", "lapsed")
A_CONTACT: Final = 1.0
"""From so many contacts on, a member says that it gained contacts."""


def case_studies(records: Records, evaluation: Evaluation, values: Mapping[str, float]) -> dict[str, float]:
    """What the case studies tell: activities carried out, next steps, contacts and trade."""
    cases = choose_cases(records, evaluation, int(values["cases_studied"]))
    talks = hold_talks(records, evaluation, cases, values)
    return {
        **_activities(records, cases, values),
        **_next_steps(records, talks, values),
        **_contacts_and_trade(records, evaluation, talks.members),
    }


def choose_cases(records: Records, evaluation: Evaluation, n: int) -> Ints:
    """Covenants of the window by lot, in the order of choice; a second one in a country only when all have one."""
    eligible = np.flatnonzero(evaluation.in_window)
    luck = keyed_uniform(records.key[eligible], records.start_quarter[eligible], CHOSEN_AS_CASE)
    country = np.full(len(records.key), -1)
    country[records.covenant] = records.country
    firsts: list[int] = []
    others: list[int] = []
    covered: set[int] = set()
    for place in eligible[np.argsort(luck, kind="stable")]:
        (others if country[place] in covered else firsts).append(place)
        covered.add(country[place])
    return np.array([*firsts, *others][:n], dtype=np.int64)


@dataclass(frozen=True)
class Talks:
    """Places of members in the records.

    Attributes:
        members: those with whom evaluators speak.
        heard_of: other members of cases, of whose steps the coordinator can tell, in the order told.
    """

    members: Ints
    heard_of: Ints


def hold_talks(records: Records, evaluation: Evaluation, cases: Ints, values: Mapping[str, float]) -> Talks:
    """Talks with members, spread evenly over the cases, and with coordinators; members who left may be among them.

    Who has nothing to show, no next step that succeeded even in part and no contract, is harder to reach. Members are
    drawn in turn without putting back, with these chances; coordinators tell of the others in the same order.
    """
    first = records.first_contract_quarter
    start = records.start_quarter[records.covenant]
    traded = (first >= start) & (first <= evaluation.quarter)
    has_something = traded | (records.steps[:, :2].sum(axis=1) > 0)
    ease = np.where(has_something, 1.0, values["reach_without_results"])
    turn = -np.log(keyed_uniform(records.firm_key, start, REACHED_FOR_TALK)) / ease
    n, n_coordinators = int(values["members_interviewed"]), int(values["coordinators_interviewed"])
    spoken: list[int] = []
    others: list[int] = []
    for place, case in enumerate(cases):
        talks = n // len(cases) + (place < n % len(cases))
        members = np.flatnonzero(records.covenant == case)
        members = members[np.argsort(turn[members], kind="stable")]
        spoken.extend(members[:talks])
        others.extend(members[talks:] if place < n_coordinators else ())
    heard_of = np.array(others, dtype=np.int64)
    return Talks(np.array(spoken, dtype=np.int64), heard_of[np.argsort(turn[heard_of], kind="stable")])


def _activities(records: Records, cases: Ints, values: Mapping[str, float]) -> dict[str, float]:
    """Marks in the tables of activities: rows scatter around their module, and coordinators speak well of it."""
    planned, done = records.planned[cases], records.done[cases]
    exists = planned > 0.0
    realised = np.divide(done, planned, out=np.zeros_like(planned), where=exists)
    spoken_with = np.arange(len(cases)) < int(values["coordinators_interviewed"])
    colour = np.where(spoken_with, values["coordinator_colour"], 0.0)[:, None]
    module = np.repeat(np.arange(len(MODULES)), ROWS_OF_MODULE)
    row = np.broadcast_to(np.arange(len(module)), (len(cases), len(module)))
    key = np.repeat(records.key[cases], len(module))
    luck = keyed_uniform(key, row.ravel(), SCATTER_OF_ACTIVITY).reshape(row.shape)
    told = (realised + colour * np.maximum(1.0 - realised, 0.0))[:, module]
    told = told + values["activity_scatter"] * ndtri(luck)
    marked: Bools = exists[:, module]
    full = told >= values["fully_realised_from"]
    partly = ~full & (told >= values["partly_realised_from"])
    seen = {
        "activities_marked": float(np.count_nonzero(marked)),
        "activities_full_share": mean(full[marked]),
        "activities_partly_share": mean(partly[marked]),
        "activities_not_share": mean(~(full | partly)[marked]),
    }
    for place, name in enumerate(MODULES):
        seen[f"{name}_full_share"] = mean(full[marked & (module == place)])
    return seen


def _next_steps(records: Records, talks: Talks, values: Mapping[str, float]) -> dict[str, float]:
    """Shares of the steps told of: by interviewed members, then by coordinators of others, up to a number in all."""
    each, left = int(values["steps_per_member"]), int(values["steps_told_in_all"])
    told = np.zeros(len(STEPS), dtype=np.int64)
    for member in (*talks.members, *talks.heard_of):
        start = int(records.start_quarter[records.covenant[member]])
        found = _told(records.steps[member], min(each, left), int(records.firm_key[member]), start)
        told += found
        left -= int(found.sum())
    n = int(told.sum())
    seen = {"interviews_held": float(len(talks.members)), "next_steps_told": float(n)}
    for place, name in enumerate(STEPS):
        seen[f"next_steps_{name}_share"] = float(told[place] / n) if n else math.nan
    return seen


def _told(steps: Ints, n: int, key: int, tick: int) -> Ints:
    """``n`` of a member's steps by kind, drawn without putting back; all of them if there are no more."""
    if steps.sum() <= n:
        return steps
    left, told = steps.copy(), np.zeros_like(steps)
    for i in range(n):
        luck = keyed_uniform(np.array([key]), tick, STEP_TOLD + i)[0]
        kind = int(np.searchsorted(np.cumsum(left), luck * left.sum(), side="right"))
        left[kind] -= 1
        told[kind] += 1
    return told


def _contacts_and_trade(records: Records, evaluation: Evaluation, interviewed: Ints) -> dict[str, float]:
    """Shares of the interviewed companies that gained contacts, and that have a first contract by the evaluation."""
    companies = interviewed[records.company[interviewed]]
    first = records.first_contract_quarter[companies]
    start = records.start_quarter[records.covenant[companies]]
    return {
        "firms_with_contacts_share": mean(records.contacts[companies] >= A_CONTACT),
        "firms_with_trade_share": mean((first >= start) & (first <= evaluation.quarter)),
    }
