"""The parts of a scenario: its world, shocks, agents and switches, and tables of levers and parameters, checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

from passaat.errors import ScenarioError, unknown_name
from passaat.scenarios.levers import LEVERS, LeverSetting, LeverValue
from passaat.scenarios.reading import shown_name, shown_value

LONGEST_DEAL_CYCLE_YEARS = 8
"""Years from first contact to a first contract in the slowest market (TI04 technopolis2023 annex C.5)."""


LONGEST_RUN_YEARS = 60
"""A run over more years than this is taken for a slip of the pen."""


SHOCK_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "travel_stop": "share of physical activities that cannot take place and move online or lapse",
        "war": "share of all activity and trade in the country that stops",
        "officials": "share of contacts with the host government that is lost when officials change",
        "demand_boom": "rise of demand in the country, as a share of normal demand",
        "demand_slump": "fall of demand in the country, as a share of normal demand",
        "export_control": "share of exports to the country that is held back",
        "ministerial_visit": "share of the attention that a minister's mission can draw",
    }
)
"""The closed list of shocks, with the meaning of strength (0 nothing, 1 all)."""


ShockKind = Literal[
    "travel_stop",
    "war",
    "officials",
    "demand_boom",
    "demand_slump",
    "export_control",
    "ministerial_visit",
]


class FrozenDict(dict[Any, Any]):
    """A dict that cannot be changed, so that a frozen scenario is frozen all the way down."""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "a scenario is frozen; make a changed copy with with_levers, with_world or with_parameters"
        )

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[Any, Any]]]:
        return FrozenDict, (dict(self),)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def thaw(value: Any) -> Any:
    """Plain dicts and lists, for writing."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    return value


def _check_levers(raw: object) -> FrozenDict:
    """Normalise the table of levers; raise ValueError with one line per problem."""
    if not isinstance(raw, Mapping):
        raise ValueError("[levers] must be a table of lever = value")
    problems: list[str] = []
    settings: dict[str, Any] = {}
    for name, setting in raw.items():
        if name not in LEVERS:
            problems.append(unknown_name("lever", str(name), list(LEVERS), listing=False))
            continue
        by_year = setting if isinstance(setting, Mapping) else {None: setting}
        values: dict[int | None, LeverValue] = {}
        if not by_year:
            problems.append(f"lever {name}: the table of years is empty")
        for year, value in by_year.items():
            written = year if isinstance(year, str) else shown_value(year)
            if year is not None and not re.fullmatch(r"[12]\d{3}", written, re.ASCII):
                problems.append(f"lever {name}: {shown_value(year)} is not a calendar year such as 2019")
                continue
            try:
                values[None if year is None else int(year)] = LEVERS[name].normalise(value)
            except ValueError as error:
                problems.append(f"lever {error}" + ("" if year is None else f" (from {year})"))
        if None in values:
            settings[name] = values[None]
        else:
            settings[name] = FrozenDict(sorted((year, v) for year, v in values.items() if year is not None))
    if problems:
        raise ValueError("\n".join(problems))
    return FrozenDict(settings)


def _check_texts(raw: object) -> FrozenDict:
    if not isinstance(raw, Mapping):
        raise ValueError("must be a table of lever = text")
    problems = [
        f"the text for {shown_name(name)} must be a sentence"
        for name, text in raw.items()
        if not _is_text(text)
    ]
    if problems:
        raise ValueError("\n".join(problems))
    return FrozenDict(raw)


def _is_text(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip())


def _check_parts(raw: object) -> FrozenDict:
    """Check the shape of a table of parts; which levers there are is checked beside the levers."""
    if not isinstance(raw, Mapping):
        raise ValueError('[parts] must be a table of "name of the part" = ["lever", "lever"]')
    problems = [
        f"part {shown_name(str(name))} must be a list of levers, and is {shown_value(levers)}"
        for name, levers in raw.items()
        if not _is_text(name)
        or not isinstance(levers, list | tuple)
        or not levers
        or not all(isinstance(one, str) for one in levers)
    ]
    if problems:
        raise ValueError("\n".join(problems))
    return FrozenDict({name: tuple(levers) for name, levers in raw.items()})


def _check_parameters(raw: object) -> FrozenDict:
    """Check names and ranges of parameter overrides against the model's parameter records."""
    if not isinstance(raw, Mapping):
        raise ValueError("[parameters] must be a table of parameter = number")
    if not raw:
        return FrozenDict()
    from passaat.model.parameters import PARAMETERS

    problems: list[str] = []
    for name, value in raw.items():
        if name not in PARAMETERS:
            problems.append(unknown_name("parameter", str(name), list(PARAMETERS), listing=False))
            continue
        record = PARAMETERS[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not record.minimum <= value <= record.maximum:
            allowed = f"{record.minimum:g} to {record.maximum:g} {record.unit}"
            problems.append(f"parameter {name} = {shown_value(value)} is not allowed; it must be {allowed}")
    if problems:
        raise ValueError("\n".join(problems))
    return FrozenDict({name: float(value) for name, value in raw.items()})


def _check_weights(raw: object) -> FrozenDict:
    if not isinstance(raw, Mapping) or not 1 <= len(raw) <= 40:
        raise ValueError("must be a table of 1 to 40 lines sector = weight")
    problems = [
        f"the weight of sector {shown_name(str(name))} = {shown_value(weight)} is not allowed; it must be above 0, at"
        " most 1000000"
        for name, weight in raw.items()
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1e6
    ]
    if problems:
        raise ValueError("\n".join(problems))
    return FrozenDict({str(name): float(weight) for name, weight in raw.items()})


def _table(check: Callable[[object], FrozenDict]) -> Any:
    return (PlainValidator(check), PlainSerializer(thaw))


LeverTable = Annotated[Mapping[str, LeverSetting], *_table(_check_levers)]


TextTable = Annotated[Mapping[str, str], *_table(_check_texts)]


PartTable = Annotated[Mapping[str, tuple[str, ...]], *_table(_check_parts)]


ParameterTable = Annotated[Mapping[str, float], *_table(_check_parameters)]


WeightTable = Annotated[Mapping[str, float], *_table(_check_weights)]


_Quarter = Annotated[str, Field(pattern=r"^[12][0-9]{3}Q[1-4]$")]


Sentence = Annotated[str, Field(min_length=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class World(_Record):
    """Sizes, calendar and mix of one world. Chances and values of the world are parameters."""

    first_year: Annotated[int, Field(ge=2012, le=2100, description="first calendar year of the run")]
    window_first_year: Annotated[
        int, Field(ge=2012, le=2100, description="first year in which options count")
    ]
    window_last_year: Annotated[
        int, Field(ge=2012, le=2100, description="last year in which covenants start")
    ]
    last_year: Annotated[int, Field(ge=2012, le=2160, description="last calendar year of the run")]
    n_firms: Annotated[int, Field(ge=10, le=1_000_000, description="candidate firms, institutes included")]
    n_countries: Annotated[int, Field(ge=1, le=200, description="target countries, each with one embassy")]
    n_markets: Annotated[
        int, Field(ge=1, le=5_000, description="markets: combinations of country and sector")
    ]
    markets_per_firm: Annotated[int, Field(ge=1, le=20, description="markets a firm considers")]
    n_coordinators: Annotated[
        int, Field(ge=1, le=50_000, description="people or bodies that can set up a cluster")
    ]
    liaisons_per_market: Annotated[
        int, Field(ge=0, le=10, description="local representatives on offer in a market")
    ]
    cluster_rows: Annotated[
        int, Field(ge=10, le=500_000, description="most clusters a run can hold, formed or not")
    ]
    random_shocks: bool = Field(
        default=False, description="whether shocks also come at random, at the rates given by the parameters"
    )
    isolated_firms: Annotated[int, Field(ge=0, le=1_000)] = Field(
        default=0, description="extra firms without sector, market or network, for tests only"
    )
    sector_weights: WeightTable = Field(description="how firms and markets spread over sectors, any scale")

    @property
    def n_sectors(self) -> int:
        """Number of sectors: one for each weight."""
        return len(self.sector_weights)

    @property
    def years(self) -> range:
        """All calendar years of the run."""
        return range(self.first_year, self.last_year + 1)

    @property
    def n_quarters(self) -> int:
        """Length of the run in ticks."""
        return 4 * len(self.years)


class Shock(_Record):
    """Something that happens to one country, or to all, from one quarter up to and including another."""

    kind: ShockKind
    country: int | Literal["all"]
    start: _Quarter
    end: _Quarter
    strength: Annotated[float, Field(ge=0, le=1)]
    note: Sentence
    source: Sentence

    @property
    def first_quarter(self) -> int:
        """Start, as quarters counted from year 0."""
        return quarter_number(self.start)

    @property
    def last_quarter(self) -> int:
        """Last quarter that is still affected, as quarters counted from year 0."""
        return quarter_number(self.end)


class Agents(_Record):
    """Agents that are absent or decide at random, to see who matters; written like "liaison:3"."""

    absent: tuple[str, ...] = ()
    random: tuple[str, ...] = ()


class Switches(_Record):
    """Which of two rival structures holds, by switch; the model's own is the default (``model.inputs.Structure``)."""

    bottlenecks: Literal["weakest", "sum"] = "weakest"
    network: Literal["own", "none"] = "own"
    selection: Literal["scored", "random"] = "scored"
    support: Literal["people", "none"] = "people"


AGENT_KINDS = ("embassy", "coordinator", "liaison")


def quarter_number(text: str) -> int:
    """ "2020Q2" as a count of quarters since year 0."""
    return 4 * int(text[:4]) + int(text[5]) - 1


def checked_levers(levers: Mapping[str, LeverSetting]) -> FrozenDict:
    try:
        return _check_levers(levers)
    except ValueError as error:
        raise ScenarioError(
            str(error).split("\n"), "`passaat levers` lists every lever with its range."
        ) from None


def limits(record: type[BaseModel], field: str) -> tuple[float, float]:
    """Smallest and largest value a numeric field of a record may have."""
    rules = record.model_fields[field].metadata
    low = next(rule.ge for rule in rules if getattr(rule, "ge", None) is not None)
    high = next(rule.le for rule in rules if getattr(rule, "le", None) is not None)
    return float(low), float(high)
