"""The case studies as files: what was known of a group at its start, dated events, and its own goals; read and checked.

``scenarios/cases/*.toml`` hold them and ``scenarios/cases/CODING.md`` says how they were coded. What became of a group
is in none of them; the evaluators' verdicts lie apart, in ``evidence/case_verdicts.csv``.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passaat.errors import EvidenceError, ScenarioError, unknown_name
from passaat.evidence import EVIDENCE_FOLDER
from passaat.model.units import QUARTERS_PER_YEAR
from passaat.model.world import MEMBERS_PER_CLUSTER

CASES_FOLDER: Final = Path(__file__).resolve().parent.parent / "scenarios" / "cases"

LEVELS: Final = ("low", "middle", "high")
VERDICTS: Final = ("not", "partly", "partly to success", "success")
"""Evaluators' verdicts, from worst to best."""

Level = Literal["low", "middle", "high"]
ShockKind = Literal["travel_stop", "war", "officials", "demand_boom", "demand_slump", "export_control"]
StaffingKind = Literal[
    "coordinator_leaves", "liaison_replaced", "liaison_missing", "members_join", "members_leave"
]
GoalKind = Literal[
    "turnover",
    "contracts",
    "relations",
    "network",
    "awareness",
    "knowledge",
    "memorandum",
    "barrier",
    "presence",
    "demonstration",
    "investment",
]
UNSCORED: Final = ("investment",)
"""Kinds of goals that the model cannot show: they stay out of the share of goals reached."""

_QUARTER: Final = re.compile(r"[12]\d{3}-Q[1-4]")
_Quarter = Annotated[str, Field(pattern=rf"^{_QUARTER.pattern}$")]
_Text = Annotated[str, Field(min_length=1)]
_Members = Annotated[int, Field(ge=0, le=MEMBERS_PER_CLUSTER)]


def quarters_since_year_0(text: str) -> int:
    """ "2018-Q3" as a count of quarters since year 0."""
    return QUARTERS_PER_YEAR * int(text[:4]) + int(text[-1]) - 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Country(_Record):
    """What all markets of the country share."""

    development: Level | None = None
    state_involvement: Level | None = None
    price_level: Level | None = None
    distance: Level | None = None


class Market(_Record):
    """The market: levels, a barrier that cannot fall, and the deal cycle where it is stated."""

    demand: Level | None = None
    growth: Level | None = None
    receptivity: Level | None = None
    barrier: Level | None = None
    rivalry: Level | None = None
    awareness: Level | None = None
    blocking: bool | None = None
    deal_cycle_years: Annotated[float, Field(gt=0, le=20)] | None = None


class Coordinator(_Record):
    """Who gathers and leads the group."""

    kind: Literal["consultant", "trade_organisation", "member_firm"] | None = None
    experience: Level | None = None
    reach: Level | None = None
    fee_agreed: bool | None = None


class Members(_Record):
    """Participants, institutes included."""

    n_members: Annotated[int, Field(ge=1, le=MEMBERS_PER_CLUSTER)]
    n_institutes: _Members | None = None
    n_large: _Members | None = None
    n_partners: Annotated[int, Field(ge=0, le=200)] | None = None
    chain: Literal["whole", "linked", "similar", "two_groups"] | None = None
    agreement: bool | None = None
    experience: Level | None = None
    know_each_other: Level | None = None


class Liaison(_Record):
    """The local representative."""

    engaged: bool | None = None
    tied: bool | None = None
    fit: Level | None = None
    network: Level | None = None


class Embassy(_Record):
    """The post in the country, as it was known at the start."""

    standing: Level | None = None
    expertise: Level | None = None
    staff: Level | None = None


class Event(_Record):
    """A dated shock, from ``first`` to ``last``, or a staffing event in the quarter ``first``."""

    kind: ShockKind | StaffingKind
    first: _Quarter
    last: _Quarter | None = None
    strength: Level | None = None
    n: Annotated[int, Field(ge=1, le=MEMBERS_PER_CLUSTER)] | None = None
    why: _Text

    @property
    def is_shock(self) -> bool:
        """Whether this is a shock to the country, and not a change of staff or members."""
        return self.kind in get_args(ShockKind)


class Goal(_Record):
    """One goal that the group set itself."""

    text: _Text
    kind: GoalKind
    amount: Annotated[float, Field(gt=0)] | None = None
    within_years: Annotated[int, Field(ge=1, le=15)] | None = None

    @property
    def scored(self) -> bool:
        """Whether the model can show it."""
        return self.kind not in UNSCORED


class Case(_Record):
    """One case study. Making one checks everything and names all problems at once.

    Raises:
        ScenarioError: a value is missing, unknown, of the wrong type, out of range or at odds with another.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title_en: _Text
    title_nl: _Text
    source: Annotated[str, Field(pattern=r"^\w+ annex C\.\d+$")]
    start: _Quarter
    covenant_quarters: Annotated[int, Field(ge=1, le=40)] | None = None
    public_money_eur: Annotated[float, Field(ge=0, le=2_000_000)] | None = None
    country: Country = Country()
    market: Market = Market()
    coordinator: Coordinator = Coordinator()
    members: Members
    liaison: Liaison = Liaison()
    embassy: Embassy = Embassy()
    events: tuple[Event, ...] = ()
    goals: Annotated[tuple[Goal, ...], Field(min_length=1)]

    def __init__(self, /, **data: Any) -> None:
        problems: list[str] = []
        try:
            super().__init__(**data)
        except ValidationError as error:
            problems = list(_field_problems(error))
        problems += _cross_problems(data)
        if problems:
            name = data.get("id", "without a name")
            raise ScenarioError(
                [f"case {name}: {problem}" for problem in problems],
                "docs/cases.md lists the fields of a case; leave out what is not known at the start.",
            )

    @property
    def start_year(self) -> int:
        """Calendar year of the start."""
        return int(self.start[:4])

    @property
    def shocks(self) -> tuple[Event, ...]:
        """Dated shocks to the country."""
        return tuple(event for event in self.events if event.is_shock)

    @property
    def staffing(self) -> tuple[Event, ...]:
        """Changes of staff and members, in order of their dates."""
        found = [event for event in self.events if not event.is_shock]
        return tuple(sorted(found, key=lambda event: event.first))

    @property
    def scored_goals(self) -> tuple[Goal, ...]:
        """Goals that count for the share reached."""
        return tuple(goal for goal in self.goals if goal.scored)


def load_cases(folder: Path = CASES_FOLDER) -> Mapping[str, Case]:
    """All case files of a folder by id, the name of the file.

    Raises:
        ScenarioError: no file, a file that is no TOML, or values that are not allowed; all files' problems are listed.
    """
    cases: dict[str, Case] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            cases[path.stem] = read_case(path)
        except ScenarioError as error:
            problems += error.problems
    if not cases and not problems:
        problems = [f"{folder.name} holds no case files"]
    if problems:
        raise ScenarioError(
            problems, "docs/cases.md lists the fields of a case; leave out what is not known at the start."
        )
    return MappingProxyType(cases)


def read_case(path: Path) -> Case:
    """Read one case file.

    Raises:
        ScenarioError: the file is not TOML, or holds values that are not allowed.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(
            f"case {path.stem}: not valid TOML: {error}", "correct that line; text needs quotes."
        ) from None
    for name in ("events", "goals"):
        if isinstance(data.get(name), list):
            data[name] = tuple(data[name])
    return Case(**{**data, "id": path.stem})


_PARTS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        "country": Country,
        "market": Market,
        "coordinator": Coordinator,
        "members": Members,
        "liaison": Liaison,
        "embassy": Embassy,
        "events": Event,
        "goals": Goal,
    }
)


def _field_problems(error: ValidationError) -> Iterator[str]:
    """Pydantic's findings in our words: place, value, what is allowed."""
    for found in error.errors(include_url=False):
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in found["loc"])
        value, context = found.get("input"), found.get("ctx", {})
        match found["type"]:
            case "extra_forbidden":
                section = str(found["loc"][0]) if len(found["loc"]) > 1 else ""
                valid = list((_PARTS[section] if section else Case).model_fields)
                where = f"key in [{section}]" if section else "key"
                yield unknown_name(where, str(found["loc"][-1]), [name for name in valid if name != "id"])
            case "missing":
                yield f"{place} is missing"
            case "literal_error":
                yield f"{place} = {value!r} is not allowed; it must be {context['expected']}"
            case "string_pattern_mismatch":
                wanted = {"source": "like 'technopolis2023 annex C.2'", "id": "small letters and digits"}
                last = str(found["loc"][-1])
                yield f"{place} = {value!r} is not allowed; it must read {wanted.get(last, 'like 2018-Q1')}"
            case _:
                yield f"{place} = {value!r} is not allowed; {found['msg'].replace('Input', 'it')}"


def _cross_problems(data: Mapping[str, Any]) -> Iterator[str]:
    """Problems between fields, found on the raw data so that they are told beside those of single fields."""
    members, events, start = data.get("members"), data.get("events", ()), data.get("start")
    if isinstance(members, Mapping):
        counts = [members.get(name) for name in ("n_institutes", "n_large")]
        special = sum(n for n in counts if isinstance(n, int))
        total = members.get("n_members")
        if isinstance(total, int) and special > total:
            yield f"members: {special} institutes and large firms do not fit in {total} members"
    for place, event in enumerate(events if isinstance(events, tuple) else (), start=1):
        if isinstance(event, Mapping):
            yield from (f"events.{place}: {problem}" for problem in _event_problems(event, start))
    goals = data.get("goals", ())
    kinds = [goal.get("kind") for goal in goals if isinstance(goal, Mapping)]
    if kinds and all(kind in UNSCORED for kind in kinds):
        yield f"goals: only {', '.join(map(str, kinds))}, which the model cannot show; state another goal"
    for place, goal in enumerate(goals, start=1):
        if isinstance(goal, Mapping) and goal.get("kind") == "turnover" and goal.get("amount") is None:
            yield f"goals.{place}: a turnover goal needs an amount"


def _event_problems(event: Mapping[str, Any], start: object) -> Iterator[str]:
    kind, first, last = event.get("kind"), event.get("first"), event.get("last")
    if kind in get_args(ShockKind):
        for name in ("last", "strength"):
            if event.get(name) is None:
                yield f"a {kind} needs {name}"
        if event.get("n") is not None:
            yield f"a {kind} has no n"
    elif kind in get_args(StaffingKind):
        for name in ("last", "strength"):
            if event.get(name) is not None:
                yield f"{kind} has no {name}: it happens in the quarter named first"
        if kind in ("members_join", "members_leave") and event.get("n") is None:
            yield f"{kind} needs n, the number of members"
    if _is_quarter(first) and _is_quarter(last) and str(last) < str(first):
        yield f"it ends ({last}) before it starts ({first})"
    if _is_quarter(first) and _is_quarter(start) and str(first) < str(start):
        yield f"it starts ({first}) before the group does ({start})"


def _is_quarter(text: object) -> bool:
    return isinstance(text, str) and _QUARTER.fullmatch(text) is not None


# --- verdicts, kept apart ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What the evaluators concluded of one case.

    Attributes:
        verdict: one of ``VERDICTS``.
        provisional: said while the group still ran.
        goals_set: goals that the evaluators counted.
        goals_met: which of them were met, restated.
    """

    case: str
    verdict: str
    provisional: bool
    goals_set: int
    goals_met: str
    source: str
    place: str

    @property
    def rank(self) -> int:
        """Place among ``VERDICTS``, 0 the worst."""
        return VERDICTS.index(self.verdict)


def load_verdicts(path: Path = EVIDENCE_FOLDER / "case_verdicts.csv") -> Mapping[str, Verdict]:
    """Evaluators' verdicts by case.

    Raises:
        EvidenceError: a verdict that is not on the scale, a word other than yes or no, or a number that is none; all
            are listed.
    """
    verdicts: dict[str, Verdict] = {}
    problems: list[str] = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            where = f"case {row['case']}"
            if row["verdict"] not in VERDICTS:
                problems.append(f"{where}: verdict {row['verdict']!r} is none of {', '.join(VERDICTS)}")
            if row["provisional"] not in ("yes", "no"):
                problems.append(f"{where}: provisional is {row['provisional']!r}; write yes or no")
            if not row["goals_set"].isdecimal():
                problems.append(f"{where}: goals_set is {row['goals_set']!r}; write a whole number")
            if not problems:
                given = {
                    **row,
                    "provisional": row["provisional"] == "yes",
                    "goals_set": int(row["goals_set"]),
                }
                verdicts[row["case"]] = Verdict(**given)  # type: ignore[arg-type]
    if problems:
        raise EvidenceError(problems, "correct these rows of case_verdicts.csv.")
    return MappingProxyType(verdicts)
