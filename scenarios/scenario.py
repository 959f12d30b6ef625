"""A scenario: one world, one policy, said in full, frozen and checked.

A *reference* describes a world (sizes, calendar, mix of sectors, shocks) and the policy in force in it; an
*option* only moves levers and says why. `reference.with_option(option)` is a new reference in which the
option's levers count from the first year of the decision window on; what came before is common history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError

from passaat.errors import ScenarioError, unknown_name
from passaat.identity import scenario_fingerprint
from passaat.scenarios.levers import LEVERS, LeverSetting, LeverValue, value_in
from passaat.scenarios.reading import shown, shown_name

if TYPE_CHECKING:
    from passaat.model.inputs import RunInputs

__all__ = [
    "LONGEST_DEAL_CYCLE_YEARS",
    "SHOCK_KINDS",
    "Agents",
    "Scenario",
    "Shock",
    "World",
]

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


def _thaw(value: Any) -> Any:
    """Plain dicts and lists, for writing."""
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
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
            written = year if isinstance(year, str) else shown(year)
            if year is not None and not re.fullmatch(r"[12]\d{3}", written, re.ASCII):
                problems.append(f"lever {name}: {shown(year)} is not a calendar year such as 2019")
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
            problems.append(f"parameter {name} = {shown(value)} is not allowed; it must be {allowed}")
    if problems:
        raise ValueError("\n".join(problems))
    return FrozenDict({name: float(value) for name, value in raw.items()})


def _check_weights(raw: object) -> FrozenDict:
    if not isinstance(raw, Mapping) or not 1 <= len(raw) <= 40:
        raise ValueError("must be a table of 1 to 40 lines sector = weight")
    problems = [
        f"the weight of sector {shown_name(str(name))} = {shown(weight)} is not allowed; it must be above 0, at most"
        " 1000000"
        for name, weight in raw.items()
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1e6
    ]
    if problems:
        raise ValueError("\n".join(problems))
    return FrozenDict({str(name): float(weight) for name, weight in raw.items()})


def _table(check: Callable[[object], FrozenDict]) -> Any:
    return (PlainValidator(check), PlainSerializer(_thaw))


_Levers = Annotated[Mapping[str, LeverSetting], *_table(_check_levers)]
_Texts = Annotated[Mapping[str, str], *_table(_check_texts)]
_Parameters = Annotated[Mapping[str, float], *_table(_check_parameters)]
_Weights = Annotated[Mapping[str, float], *_table(_check_weights)]
_Quarter = Annotated[str, Field(pattern=r"^[12][0-9]{3}Q[1-4]$")]
_Text = Annotated[str, Field(min_length=1)]


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
    sector_weights: _Weights = Field(description="how firms and markets spread over sectors, any scale")

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
    note: _Text
    source: _Text

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


class Scenario(BaseModel):
    """One scenario file. Making one, or a changed copy, checks everything and names all problems at once.

    Raises
    ------
    ScenarioError : any value is missing, unknown, of the wrong type or out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+=._-]{0,99}$")]
    title: _Text
    kind: Literal["reference", "option"]
    description: _Text
    based_on: str = ""
    levers: _Levers = FrozenDict()
    levers_why: _Texts = FrozenDict()
    world: World | None = None
    parameters: _Parameters = FrozenDict()
    shocks: tuple[Shock, ...] = ()
    agents: Agents = Agents()
    structure: Switches = Switches()

    def __init__(self, /, **data: Any) -> None:
        problems = list(_cross_problems(data))
        try:
            super().__init__(**data)
        except ValidationError as error:
            problems = [*_field_problems(error), *problems]
        if problems:
            hint = "correct the values above; `passaat new my.toml --from pib` writes a complete example."
            name = shown_name(str(data.get("name", "without a name")))
            raise ScenarioError([f"scenario {name}: {text}" for text in problems], hint)

    # What is in force

    @property
    def the_world(self) -> World:
        """The world of a reference.

        Raises
        ------
        ScenarioError : this is an option, which has no world of its own.
        """
        if self.world is None:
            raise ScenarioError(
                f"{self.name} is an option: it moves levers and has no world of its own to run in",
                "apply it to a reference: `passaat compare pib --options follow-up` does so with follow-up.",
            )
        return self.world

    def lever(self, name: str, year: int) -> LeverValue:
        """Value of a lever for groups that apply in `year`; before the first year set, practice."""
        setting = self.levers.get(name)
        practice = LEVERS[name].default_in(year)
        if setting is None:
            return practice
        if not isinstance(setting, Mapping):
            return setting
        return value_in(tuple(setting.items()), year) if year >= min(setting) else practice

    def levers_in(self, year: int) -> dict[str, float]:
        """All levers of one year as the model reads them, in the order of the schema."""
        return {name: LEVERS[name].code(self.lever(name, year)) for name in LEVERS}

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that change with whatever acts on a run, and with no text or note."""
        quiet = {"note", "source"}
        acting = {
            "world": None if self.world is None else _thaw(self.world.model_dump()),
            "levers": self._acting_levers(),
            "parameters": dict(self.parameters),
            "shocks": [shock.model_dump(exclude=quiet) for shock in self.shocks],
            "agents": self.agents.model_dump(mode="json"),
            "structure": self.structure.model_dump(),
        }
        text = json.dumps(acting, sort_keys=True, separators=(",", ":"))
        return scenario_fingerprint(text)

    def _acting_levers(self) -> Any:
        if self.world is None:
            return _thaw(self.levers)
        return [list(self.levers_in(year).values()) for year in self.world.years]

    # Changed copies

    def with_levers(self, levers: Mapping[str, LeverSetting]) -> Scenario:
        """A copy with other lever values.

        In a reference they count from the first year of the decision window on, and what was in force before
        stays: the warm-up is common history. In an option they replace the option's own values.
        """
        return self._moved(_checked_levers(levers), {})

    def with_option(self, option: Scenario) -> Scenario:
        """This reference under an option's policy, from the first year of the decision window on.

        Raises
        ------
        ScenarioError : `option` is itself a reference, or this is an option.
        """
        if option.kind != "option":
            raise ScenarioError(
                f"{option.name} is a reference, not an option",
                'an option is a scenario file with kind = "option" that only moves levers.',
            )
        _ = self.the_world
        combined = self._moved(option.levers, option.levers_why)
        return combined._replaced(name=f"{self.name}+{option.name}", title=f"{self.title}, {option.title}")

    def without_programme(self) -> Scenario:
        """The no-programme twin: same world, no applications from the decision window's first year on."""
        return self.with_levers({"programme_on": False})

    def with_parameters(self, parameters: Mapping[str, float]) -> Scenario:
        """A copy in which these parameters have fixed values; others are drawn, or at default, as before."""
        return self._replaced(parameters={**self.parameters, **parameters})

    def with_world(self, sizes: Mapping[str, Any]) -> Scenario:
        """A copy with another size, calendar or mix."""
        return self._replaced(world={**_thaw(self.the_world.model_dump()), **sizes})

    def with_shocks(self, shocks: Sequence[Shock]) -> Scenario:
        """A copy with these dated shocks instead of its own; an empty list leaves history uneventful."""
        return self._replaced(shocks=tuple(shocks))

    def with_agents(self, *, absent: Sequence[str] = (), random: Sequence[str] = ()) -> Scenario:
        """A copy in which the named agents are absent or decide at random, for example "liaison:3"."""
        return self._replaced(agents={"absent": tuple(absent), "random": tuple(random)})

    def with_structure(self, **switches: str) -> Scenario:
        """A copy in which rival structures hold, for example ``bottlenecks="sum"``; other switches stay."""
        return self._replaced(structure={**self.structure.model_dump(), **switches})

    def _moved(self, levers: Mapping[str, LeverSetting], why: Mapping[str, str]) -> Scenario:
        merged: dict[str, Any] = dict(self.levers)
        whys = dict(self.levers_why)
        for name, setting in levers.items():
            merged[name] = setting if self.world is None else self._from_window_on(name, setting, self.world)
            if self.world is None:
                whys[name] = why.get(name, whys.get(name, "Set by hand."))
            elif name in why:
                whys[name] = why[name]
        return self._replaced(levers=merged, levers_why=whys)

    def _from_window_on(self, name: str, setting: LeverSetting, world: World) -> dict[int, LeverValue]:
        """The lever's history up to the window, or up to the first year that is set, then the new setting."""
        start = world.window_first_year
        if not isinstance(setting, Mapping):
            setting = {start: setting}
        since = max(start, min(setting))
        before = {year: self.lever(name, year) for year in range(world.first_year, since)}
        later = {year: value for year, value in setting.items() if year > since}
        return _changes({**before, since: value_in(tuple(setting.items()), since), **later})

    def _replaced(self, **changes: Any) -> Scenario:
        return Scenario(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})

    # Files and runs

    def to_toml(self) -> str:
        """The scenario as a commented file that reads back as this very scenario."""
        from passaat.scenarios.writing import scenario_text

        return scenario_text(self)

    def inputs(self, parameters: Mapping[str, float] | None = None) -> RunInputs:
        """What one run needs: sizes, calendar, levers by year, shocks, and a full set of parameters.

        Parameters
        ----------
        parameters : a draw of the uncertain parameters; names left out are at their default. Values fixed by
            the scenario itself win over the draw.
        """
        from passaat.scenarios.running import run_inputs

        return run_inputs(self, parameters or {})


def quarter_number(text: str) -> int:
    """ "2020Q2" as a count of quarters since year 0."""
    return 4 * int(text[:4]) + int(text[5]) - 1


def _checked_levers(levers: Mapping[str, LeverSetting]) -> FrozenDict:
    try:
        return _check_levers(levers)
    except ValueError as error:
        raise ScenarioError(
            str(error).split("\n"), "`passaat levers` lists every lever with its range."
        ) from None


def _changes(by_year: Mapping[int, LeverValue]) -> dict[int, LeverValue]:
    """Only the years in which the value differs from the year before."""
    kept: dict[int, LeverValue] = {}
    last: LeverValue | None = None
    for year, value in sorted(by_year.items()):
        if last is None or value != last:
            kept[year] = value
        last = value
    return kept


def _cross_problems(data: Mapping[str, Any]) -> Iterator[str]:
    """Problems between fields, found on the raw data so that they are told beside those of single fields."""
    kind, levers, whys = data.get("kind"), data.get("levers", {}), data.get("levers_why", {})
    if isinstance(levers, Mapping) and isinstance(whys, Mapping):
        if kind == "option":
            for name in levers:
                if name not in whys:
                    yield f"lever {shown_name(str(name))} moves without a reason; add it under [levers_why]"
        for name in whys:
            if name not in levers:
                yield f"[levers_why] explains {shown_name(str(name))}, which does not move under [levers]"
    if kind == "option":
        if levers == {}:
            yield "an option must move at least one lever under [levers]"
        for part in ("world", "parameters", "shocks", "agents", "structure"):
            if _says_something(data.get(part)):
                yield f"an option moves levers only; [{part}] belongs in a reference"
    if kind == "reference":
        if data.get("world") is None:
            yield "a reference needs a [world] with sizes and calendar"
        else:
            yield from _world_problems(_plain_dict(data["world"]), data)


def _says_something(part: object) -> bool:
    if _plain_dict(part) == Switches().model_dump():
        return False
    if isinstance(part, Mapping | BaseModel):
        return any(value not in ((), []) for value in _plain_dict(part).values())
    return bool(part)


def _plain_dict(value: object) -> dict[str, Any]:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return dict(value) if isinstance(value, Mapping) else {}


def _world_problems(world: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[str]:
    number = {
        name: value for name, value in world.items() if isinstance(value, int) and not isinstance(value, bool)
    }
    names = ("first_year", "window_first_year", "window_last_year", "last_year")
    if all(name in number for name in names):
        first, window_first, window_last, last = (number[name] for name in names)
        if not first <= window_first <= window_last <= last:
            yield (
                f"the years must be in order: first_year {first}, window_first_year {window_first}, "
                f"window_last_year {window_last}, last_year {last}"
            )
        else:
            follow_up = int(LEVERS["follow_up_years"].maximum)
            needed = window_last + follow_up + LONGEST_DEAL_CYCLE_YEARS
            if last < needed:
                yield (
                    f"last_year = {last} is too early: with window_last_year = {window_last} it must be "
                    f"{needed} or later, so that the longest follow-up ({follow_up} years) and the longest "
                    f"deal cycle ({LONGEST_DEAL_CYCLE_YEARS} years) fit"
                )
            if last - first + 1 > LONGEST_RUN_YEARS:
                yield (
                    f"first_year = {first} to last_year = {last} is a run of {last - first + 1} years; "
                    f"at most {LONGEST_RUN_YEARS} are allowed"
                )
    weights = world.get("sector_weights")
    sectors = len(weights) if isinstance(weights, Mapping) else 0
    if sectors and {"n_markets", "n_countries"} <= set(number):
        most = sectors * number["n_countries"]
        if number["n_markets"] > most:
            yield (
                f"n_markets = {number['n_markets']} is too many: {sectors} sectors in "
                f"{number['n_countries']} countries allow at most {most}"
            )
    if {"n_markets", "markets_per_firm"} <= set(number):
        considered, on_offer = number["markets_per_firm"], number["n_markets"]
        if considered > on_offer:
            yield f"markets_per_firm = {considered} is more than n_markets = {on_offer}"
    in_order = all(name in number for name in names) and number["first_year"] <= number["last_year"]
    if in_order and "n_countries" in number:
        yield from _shock_problems(data, number)
    if {"n_coordinators", "n_markets", "liaisons_per_market", "n_countries"} <= set(number):
        yield from _agent_problems(_plain_dict(data.get("agents")), number)


def _shock_problems(data: Mapping[str, Any], number: Mapping[str, int]) -> Iterator[str]:
    shocks = data.get("shocks", ())
    for place, raw in enumerate(shocks if isinstance(shocks, Sequence) else (), start=1):
        shock = _plain_dict(raw)
        start, end, country = shock.get("start"), shock.get("end"), shock.get("country")
        if _is_quarter(start) and _is_quarter(end):
            if not number["first_year"] <= int(start[:4]) <= number["last_year"]:
                run = f"{number['first_year']}Q1 to {number['last_year']}Q4"
                yield f"shock {place} starts ({start}) outside the run, {run}"
            if quarter_number(end) < quarter_number(start):
                yield f"shock {place} ends ({end}) before it starts ({start})"
        if isinstance(country, int) and not 0 <= country < number["n_countries"]:
            yield f'shock {place}: country = {shown(country)}; it must be "all" or 0 to {number["n_countries"] - 1}'


def _is_quarter(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and re.fullmatch(r"[12][0-9]{3}Q[1-4]", text) is not None


def _agent_problems(agents: Mapping[str, Any], number: Mapping[str, int]) -> Iterator[str]:
    sizes = {
        "coordinator": number["n_coordinators"],
        "liaison": number["n_markets"] * number["liaisons_per_market"],
        "embassy": number["n_countries"],
    }
    for how in ("absent", "random"):
        texts = agents.get(how, ())
        # A single text is no list of agents, which its type tells.
        for text in texts if isinstance(texts, list | tuple) else ():
            kind, _, index = str(text).partition(":")
            if kind not in sizes or not re.fullmatch("[0-9]{1,9}", index):
                yield f'agents.{how}: {shown(text)} must read like "liaison:3", with {", ".join(AGENT_KINDS)}'
            elif int(index) >= sizes[kind]:
                yield f"agents.{how}: {shown(text)} does not exist; {kind} runs from 0 to {sizes[kind] - 1}"


_VALID_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "": tuple(Scenario.model_fields),
        "world": tuple(World.model_fields),
        "shocks": tuple(Shock.model_fields),
        "agents": tuple(Agents.model_fields),
        "structure": tuple(Switches.model_fields),
    }
)


_LIMITED: Mapping[str, type[BaseModel]] = MappingProxyType({"world": World, "shocks": Shock})


def _field_problems(error: ValidationError) -> Iterator[str]:
    """Pydantic's findings in our words: place, value, what is allowed."""
    for found in error.errors(include_url=False):
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in found["loc"])
        context, value = found.get("ctx", {}), found.get("input")
        if found["loc"][0] == "shocks" and "country" in found["loc"]:
            # A country is a number or "all", and pydantic has a finding for each.
            if found["type"] != "literal_error":
                place = ".".join(place.split(".")[:3])
                yield f'{place} = {shown(value)} is not allowed; it must be "all" or the number of a country'
            continue
        match found["type"]:
            case "extra_forbidden":
                section = str(found["loc"][0]) if len(found["loc"]) > 1 else ""
                what = f"key in [{section}]" if section else "key"
                yield unknown_name(what, str(found["loc"][-1]), _VALID_KEYS.get(section, ()))
            case "missing":
                yield f"{place} is missing"
            case "value_error":
                prefix = "" if place in ("levers", "parameters") else f"{place}: "
                yield from (prefix + line for line in str(context["error"]).split("\n"))
            case "greater_than_equal" | "less_than_equal":
                yield f"{place} = {shown(value)} is not allowed; it must be {_range_of(found['loc'])}"
            case "string_pattern_mismatch":
                yield f"{place} = {shown(value)} is not allowed; {_pattern_words(place)}"
            case "literal_error":
                yield f"{place} = {shown(value)} is not allowed; it must be {context['expected']}"
            case "int_type" | "float_type" if found["loc"][0] in _LIMITED:
                number = "a whole number" if found["type"] == "int_type" else "a number"
                allowed = f"{number}, {_range_of(found['loc'])}"
                yield f"{place} = {shown(value)} is of the wrong type; it must be {allowed}"
            case _:
                wanted = found["msg"].removeprefix("Input should be ")
                yield f"{place} = {shown(value)} is of the wrong type; it must be {wanted}"


def _range_of(loc: tuple[int | str, ...]) -> str:
    low, high = limits(_LIMITED[str(loc[0])], str(loc[-1]))
    return f"{low:g} to {high:g}" if high < 1e6 else f"{low:g} to {high:,.0f}".replace(",", " ")


def limits(record: type[BaseModel], field: str) -> tuple[float, float]:
    """Smallest and largest value a numeric field of a record may have."""
    rules = record.model_fields[field].metadata
    low = next(rule.ge for rule in rules if getattr(rule, "ge", None) is not None)
    high = next(rule.le for rule in rules if getattr(rule, "le", None) is not None)
    return float(low), float(high)


def _pattern_words(place: str) -> str:
    if place.endswith(("start", "end")):
        return "it must read like 2020Q2"
    return "use small letters, digits, - and _ only, starting with a letter or digit"
