"""A scenario: one world, one policy, said in full, frozen and checked.

A *reference* describes a world (sizes, calendar, mix of sectors, shocks) and the policy in force in it; an
*option* only moves levers and says why. `reference.with_option(option)` is a new reference in which the
option's levers count from the first year of the decision window on; what came before is common history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passaat.errors import ScenarioError, unknown_name
from passaat.identity import scenario_fingerprint
from passaat.scenarios.levers import LEVERS, LeverSetting, LeverValue, value_in
from passaat.scenarios.parts import (
    AGENT_KINDS,
    LONGEST_DEAL_CYCLE_YEARS,
    LONGEST_RUN_YEARS,
    Agents,
    FrozenDict,
    LeverTable,
    ParameterTable,
    PartTable,
    Sentence,
    Shock,
    Switches,
    TextTable,
    World,
    checked_levers,
    limits,
    quarter_number,
    thaw,
)
from passaat.scenarios.reading import shown_name, shown_value

if TYPE_CHECKING:
    from passaat.model.inputs import RunInputs

__all__ = ["LONGEST_DEAL_CYCLE_YEARS", "Agents", "Scenario"]


_LAST_OF_FIRST: Final = "concentration_share"
"""The last lever that 0.1.0 had. Those behind it count in a scenario's hash only where they leave their default, so
that a lever more leaves the scenarios of earlier studies what they were.
"""


class Scenario(BaseModel):
    """One scenario file. Making one, or a changed copy, checks everything and names all problems at once.

    Raises
    ------
    ScenarioError : any value is missing, unknown, of the wrong type or out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+=._-]{0,99}$")]
    title: Sentence
    kind: Literal["reference", "option"]
    description: Sentence
    based_on: str = ""
    levers: LeverTable = FrozenDict()
    levers_why: TextTable = FrozenDict()
    parts: PartTable = FrozenDict()
    world: World | None = None
    parameters: ParameterTable = FrozenDict()
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
            "world": None if self.world is None else thaw(self.world.model_dump()),
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
            return thaw(self.levers)
        by_year = {year: self.levers_in(year) for year in self.world.years}
        names = list(LEVERS)
        n_first = names.index(_LAST_OF_FIRST) + 1
        first = [list(values.values())[:n_first] for values in by_year.values()]
        later = {
            name: [values[name] for values in by_year.values()]
            for name in names[n_first:]
            if any(
                values[name] != LEVERS[name].code(LEVERS[name].default_in(year))
                for year, values in by_year.items()
            )
        }
        return [first, later] if later else first

    @property
    def all_parts(self) -> dict[str, tuple[str, ...]]:
        """Levers of each part of an option: those it names, and each other lever by itself, under its label."""
        named = {lever for levers in self.parts.values() for lever in levers}
        return {
            **self.parts,
            **{LEVERS[lever].label_en: (lever,) for lever in self.levers if lever not in named},
        }

    def part(self, name: str) -> Scenario:
        """An option that is one part of this one and nothing else.

        Raises
        ------
        KeyError : it has no part of this name.
        """
        levers = self.all_parts[name]
        return self._replaced(
            name=f"{self.name[:60]}.{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')[:39]}",
            title=f"{self.title}: {name}",
            levers={lever: self.levers[lever] for lever in levers},
            levers_why={lever: self.levers_why[lever] for lever in levers},
            parts={},
        )

    # Changed copies

    def with_levers(self, levers: Mapping[str, LeverSetting]) -> Scenario:
        """A copy with other lever values.

        In a reference they count from the first year of the decision window on, and what was in force before
        stays: the warm-up is common history. In an option they replace the option's own values.
        """
        return self._moved(checked_levers(levers), {})

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
        return self._replaced(world={**thaw(self.the_world.model_dump()), **sizes})

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
                if name not in whys and name in LEVERS:
                    yield f"lever {shown_name(str(name))} moves without a reason; add it under [levers_why]"
        for name in whys:
            if name not in LEVERS:
                yield unknown_name("lever in [levers_why]", str(name), list(LEVERS), listing=False)
            elif name not in levers and set(levers) <= set(LEVERS):
                yield f"[levers_why] explains {shown_name(str(name))}, which does not move under [levers]"
    if kind == "option":
        if levers == {}:
            yield "an option must move at least one lever under [levers]"
        yield from _part_problems(data.get("parts"), levers)
        for part in ("world", "parameters", "shocks", "agents", "structure"):
            if _says_something(data.get(part)):
                yield f"an option moves levers only; [{part}] belongs in a reference"
    if kind == "reference":
        if data.get("parts"):
            yield "[parts] belongs in an option: a reference is compared as a whole"
        if data.get("world") is None:
            yield "a reference needs a [world] with sizes and calendar"
        else:
            yield from _world_problems(_plain_dict(data["world"]), data)


def _part_problems(parts: object, levers: object) -> Iterator[str]:
    """Levers of parts that the option does not move, or that stand in two parts."""
    if not isinstance(parts, Mapping) or not isinstance(levers, Mapping):
        return
    named = [
        (str(part), lever)
        for part, of in parts.items()
        if isinstance(of, list | tuple)
        for lever in of
        if isinstance(lever, str)
    ]
    for part, lever in named:
        if lever not in levers:
            yield f"part {shown_name(part)} has {shown_name(lever)}, which does not move under [levers]"
    for lever in dict.fromkeys(lever for _, lever in named):
        if sum(one == lever for _, one in named) > 1:
            yield f"lever {shown_name(lever)} stands in more than one part under [parts]"


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
            allowed = f'"all" or 0 to {number["n_countries"] - 1}'
            yield f"shock {place}: country = {shown_value(country)}; it must be {allowed}"


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
                yield f'agents.{how}: {shown_value(text)} must read like "liaison:3", with {", ".join(AGENT_KINDS)}'
            elif int(index) >= sizes[kind]:
                yield f"agents.{how}: {shown_value(text)} does not exist; {kind} runs from 0 to {sizes[kind] - 1}"


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
                yield f'{place} = {shown_value(value)} is not allowed; it must be "all" or the number of a country'
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
                yield f"{place} = {shown_value(value)} is not allowed; it must be {_range_of(found['loc'])}"
            case "string_pattern_mismatch":
                yield f"{place} = {shown_value(value)} is not allowed; {_pattern_words(place)}"
            case "literal_error":
                yield f"{place} = {shown_value(value)} is not allowed; it must be {context['expected']}"
            case "int_type" | "float_type" if found["loc"][0] in _LIMITED:
                number = "a whole number" if found["type"] == "int_type" else "a number"
                allowed = f"{number}, {_range_of(found['loc'])}"
                yield f"{place} = {shown_value(value)} is of the wrong type; it must be {allowed}"
            case _:
                wanted = found["msg"].removeprefix("Input should be ")
                yield f"{place} = {shown_value(value)} is of the wrong type; it must be {wanted}"


def _range_of(loc: tuple[int | str, ...]) -> str:
    low, high = limits(_LIMITED[str(loc[0])], str(loc[-1]))
    return f"{low:g} to {high:g}" if high < 1e6 else f"{low:g} to {high:,.0f}".replace(",", " ")


def _pattern_words(place: str) -> str:
    if place.endswith(("start", "end")):
        return "it must read like 2020Q2"
    return "use small letters, digits, - and _ only, starting with a letter or digit"
