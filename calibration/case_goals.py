"""How far a group got with its own goals in one simulated world: what is measured, and when a goal counts as met."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args

import numpy as np

from passaat.calibration.case_files import UNSCORED, Goal, GoalKind
from passaat.calibration.cases import GROUP, MARKET, Walk, start_quarter
from passaat.errors import EvidenceError
from passaat.model.inputs import RunInputs
from passaat.model.status import CONTRACT, OPEN, RELATION
from passaat.model.units import QUARTERS_PER_YEAR
from passaat.model.world import World

GOALS_FILE: Final = Path(__file__).with_name("case_goals.toml")


@dataclass(frozen=True)
class Moment:
    """What can be seen of the group before the first step of one quarter.

    Attributes:
        members: members so far, those who left included.
        moved: members that took a next step, or came as far as a relation, since they joined.
        present: members that came to sell in the market, or opened a branch, since they joined.
        contacts, contracts: gained by members so far.
        visibility, barrier: of the group and of its market now.
        knowledge_done: knowledge exchange carried out, as part of what was planned.
        memoranda: signed so far; ``demonstrations``: objects that are open.
    """

    members: int
    moved: int
    present: int
    contacts: float
    contracts: int
    visibility: float
    barrier: float
    knowledge_done: float
    memoranda: float
    demonstrations: float


@dataclass(frozen=True)
class Course:
    """The course of one group: what could be seen at the start of each quarter, and its turnover in the market.

    Attributes:
        moments: from the start on, one a quarter; the last is the end of the run.
        turnover_eur: of all who were ever members, by calendar year from the year before the start on.
    """

    moments: tuple[Moment, ...]
    turnover_eur: tuple[float, ...]


def follow(inputs: RunInputs, world_seed: int) -> Course:
    """Run one world of a case and see the group quarter by quarter."""
    walk, start = Walk(inputs, world_seed), start_quarter(inputs)
    moments = [_moment(walk.to(quarter)) for quarter in range(start, inputs.size.n_quarters + 1)]
    world = walk.to(inputs.size.n_quarters)
    exports = world.exports_by_year_cents[_rows(world)[1]].sum(axis=0) / 100.0
    return Course(tuple(moments), tuple(map(float, exports[start // QUARTERS_PER_YEAR - 1 :])))


def _rows(world: World) -> tuple[slice, Any]:
    """Rows of memberships and of engagements of all who were ever members."""
    first = int(world.clusters.first_membership[GROUP])
    memberships = slice(first, first + int(world.clusters.n_joined[GROUP]))
    return memberships, np.unique(world.memberships.engagement[memberships])


def _moment(world: World) -> Moment:
    clusters, memberships, engagements = world.clusters, world.memberships, world.engagements
    rows, _ = _rows(world)
    of = memberships.engagement[rows]
    before, stage = memberships.stage_at_joining[rows], engagements.stage[of]
    steps = memberships.steps_full[rows] + memberships.steps_partly[rows]
    moved = (steps > 0) | ((stage >= RELATION) & (stage > before))
    present = (before < CONTRACT) & ((stage >= CONTRACT) | (engagements.presence[of] == 1))

    planned = float(clusters.plan_knowledge[GROUP])
    taught = float(clusters.done_knowledge[GROUP])
    return Moment(
        members=len(of),
        moved=int(moved.sum()),
        present=int(present.sum()),
        contacts=float(memberships.contacts_gained[rows].sum()),
        contracts=int(memberships.contracts[rows].sum()),
        visibility=float(clusters.visibility[GROUP]),
        barrier=float(world.markets.barrier[MARKET]),
        knowledge_done=taught / planned if planned > 0.0 else 0.0,
        memoranda=float(clusters.memoranda[GROUP]),
        demonstrations=float(clusters.demonstration[GROUP] == OPEN),
    )


# --- measures ---------------------------------------------------------------------------------------------------------


def _extra_turnover(course: Course, until: int) -> float:
    """Turnover from the year of the start until the horizon, above that of the year before."""
    years = max(until // QUARTERS_PER_YEAR, 1)
    before, after = course.turnover_eur[0], course.turnover_eur[1 : 1 + years]
    return math.fsum(after) - before * len(after)


def _best(measure: Callable[[Moment], float]) -> Callable[[Course, int], float]:
    """The highest value until the horizon: what was reached counts, even if it faded."""
    return lambda course, until: max(measure(moment) for moment in course.moments[: until + 1])


def _barrier_fall(course: Course, until: int) -> float:
    first, last = course.moments[0].barrier, course.moments[: until + 1][-1].barrier
    return 1.0 - last / first if first > 0.0 else 0.0


MEASURES: Final[Mapping[str, Callable[[Course, int], float]]] = MappingProxyType(
    {
        "extra_turnover_per_amount": _extra_turnover,
        "contracts": _best(lambda moment: moment.contracts),
        "contacts": _best(lambda moment: moment.contacts),
        "share_moved": _best(lambda moment: moment.moved / max(moment.members, 1)),
        "contacts_per_member": _best(lambda moment: moment.contacts / max(moment.members, 1)),
        "visibility": _best(lambda moment: moment.visibility),
        "knowledge_done": _best(lambda moment: moment.knowledge_done),
        "memoranda": _best(lambda moment: moment.memoranda),
        "barrier_fall": _barrier_fall,
        "share_present": _best(lambda moment: moment.present / max(moment.members, 1)),
        "demonstrations": _best(lambda moment: moment.demonstrations),
    }
)
"""What is measured of a course until a quarter after the start, by the names that case_goals.toml uses."""


# --- thresholds -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Threshold:
    """When one kind of goal is met, and when partly.

    Attributes:
        met: the least value of the measure; ``minimum`` and ``maximum`` its range.
        partly_share: the part of ``met`` that counts as partly met, with its range.
        measure_with_amount: measured instead where the goal names an amount, by which it is divided.
    """

    measure: str
    met: float
    minimum: float
    maximum: float
    partly_share: float
    partly_minimum: float
    partly_maximum: float
    unit: str
    meaning: str
    grade: str
    source: str
    measure_with_amount: str = ""


@dataclass(frozen=True)
class JudgedYears:
    """Years after the start at which goals without a horizon of their own are judged."""

    value: float
    minimum: float
    maximum: float
    unit: str
    meaning: str
    grade: str
    source: str


@dataclass(frozen=True)
class Yardstick:
    """One reading of all thresholds: least value when met, least when partly met, by kind; and when to judge."""

    met: Mapping[str, float]
    partly: Mapping[str, float]
    judged_quarters: int


@cache
def thresholds() -> tuple[JudgedYears, Mapping[str, Threshold]]:
    """The records of ``case_goals.toml``.

    Raises:
        EvidenceError: see ``read_thresholds``.
    """
    return read_thresholds(GOALS_FILE.read_text(encoding="utf-8"))


def read_thresholds(text: str) -> tuple[JudgedYears, Mapping[str, Threshold]]:
    """Read the records of thresholds from TOML.

    Raises:
        EvidenceError: a kind without record, a record without kind, an unknown measure, a field too many or too few, or
            a value outside its range; all are listed.
    """
    records: dict[str, dict[str, Any]] = tomllib.loads(text)
    wanted = {"judged_years", *(kind for kind in get_args(GoalKind) if kind not in UNSCORED)}
    problems = [f"{name} has no record" for name in sorted(wanted - set(records))]
    problems += [f"{name} is no kind of goal that is scored" for name in sorted(set(records) - wanted)]
    read: dict[str, Any] = {}
    for name in sorted(wanted & set(records)):
        made = JudgedYears if name == "judged_years" else Threshold
        try:
            record = read[name] = made(**records[name])
        except TypeError as error:
            problems.append(f"{name}: {str(error).partition('() ')[2]}")
            continue
        ranges = [(record.minimum, getattr(record, "met", getattr(record, "value", 0.0)), record.maximum)]
        if isinstance(record, Threshold):
            ranges.append((record.partly_minimum, record.partly_share, record.partly_maximum))
            problems += [
                f"{name}: measure {measure!r} is none of {', '.join(MEASURES)}"
                for measure in (record.measure, record.measure_with_amount or record.measure)
                if measure not in MEASURES
            ]
        problems += [
            f"{name}: {value:g} is outside {low:g} to {high:g}"
            for low, value, high in ranges
            if not low <= value <= high
        ]
    if problems:
        raise EvidenceError(problems, "correct these records of case_goals.toml.")
    return read.pop("judged_years"), MappingProxyType(read)


def default_yardstick() -> Yardstick:
    """The thresholds as they stand in the file."""
    years, kinds = thresholds()
    return Yardstick(
        {name: kind.met for name, kind in kinds.items()},
        {name: kind.met * kind.partly_share for name, kind in kinds.items()},
        round(years.value * QUARTERS_PER_YEAR),
    )


def draw_yardstick(seed: int, draw: int) -> Yardstick:
    """Thresholds drawn uniformly over their ranges; each by its name, seed and draw alone."""
    years, kinds = thresholds()

    def between(name: str, low: float, high: float) -> float:
        return low + (high - low) * float(np.random.default_rng([seed, draw, *name.encode()]).random())

    met = {name: between(name, kind.minimum, kind.maximum) for name, kind in kinds.items()}
    partly = {
        name: met[name] * between(f"{name} partly", kind.partly_minimum, kind.partly_maximum)
        for name, kind in kinds.items()
    }
    return Yardstick(
        met, partly, round(between("judged_years", years.minimum, years.maximum) * QUARTERS_PER_YEAR)
    )


# --- scores -----------------------------------------------------------------------------------------------------------


def score(goal: Goal, course: Course, yardstick: Yardstick) -> float:
    """1 for a goal met, 0.5 for one partly met, 0 for one missed."""
    record = thresholds()[1][goal.kind]
    until = yardstick.judged_quarters
    if goal.within_years is not None:
        until = goal.within_years * QUARTERS_PER_YEAR
    name, met = record.measure, yardstick.met[goal.kind]
    partly = yardstick.partly[goal.kind]
    counts_amount = goal.amount is not None and (record.measure_with_amount or record.unit == "ratio")
    if counts_amount and record.measure_with_amount:
        partly, met, name = partly / met, 1.0, record.measure_with_amount
    value = MEASURES[name](course, until) / (goal.amount if counts_amount and goal.amount else 1.0)
    return 1.0 if value >= met else 0.5 if value >= partly else 0.0
