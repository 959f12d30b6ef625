"""A scenario as a commented TOML file that reads back as the same scenario."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel

from passaat.scenarios.levers import LEVERS, LeverSetting, LeverValue
from passaat.scenarios.parts import SHOCK_KINDS, Switches, World, limits
from passaat.scenarios.reading import unmistakable

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario

__all__ = ["scenario_text"]

_WIDTH = 100


def scenario_text(scenario: Scenario, *, guide: bool = False) -> str:
    """The file of a scenario.

    Parameters
    ----------
    scenario : what to write.
    guide : also list, as comments, every lever that is left at its default, ready to be switched on by hand.
    """
    lines = [
        f"name = {_text(scenario.name)}",
        f"title = {_text(scenario.title)}",
        f"kind = {_text(scenario.kind)}",
        f"description = {_text(scenario.description)}",
    ]
    if scenario.based_on:
        lines.append(f"based_on = {_text(scenario.based_on)}")
    if scenario.world is not None:
        lines += _world_lines(scenario.world)
    if scenario.levers or guide:
        lines += ["", *_comment(_lever_head(scenario)), "[levers]"]
        for name, setting in scenario.levers.items():
            lever = LEVERS[name]
            lines += [*_comment(f"{lever.label_en}: {lever.allowed}; practice {lever.default_text}")]
            lines.append(f"{name} = {_setting(setting)}")
        if guide:
            lines += _guide_lines(scenario)
    if scenario.levers_why:
        lines += ["", *_comment("Why each lever moves, with the evidence."), "[levers_why]"]
        lines += [f"{name} = {_text(why)}" for name, why in scenario.levers_why.items()]
    if scenario.parts:
        lines += ["", *_comment("Levers that only make sense together; a comparison shows each part alone.")]
        lines.append("[parts]")
        lines += [f"{_key(name)} = {json.dumps(list(of))}" for name, of in scenario.parts.items()]
    if scenario.parameters:
        lines += ["", *_comment("Parameters held at one value instead of being drawn."), "[parameters]"]
        lines += [f"{name} = {_number(value)}" for name, value in scenario.parameters.items()]
    if scenario.agents.absent or scenario.agents.random:
        lines += ["", *_comment("Agents taken out, or left to chance, to see who matters."), "[agents]"]
        lines.append(f"absent = {json.dumps(list(scenario.agents.absent))}")
        lines.append(f"random = {json.dumps(list(scenario.agents.random))}")
    if scenario.structure != Switches():
        lines += ["", *_comment("Rival structures that hold here instead of the model's own."), "[structure]"]
        lines += [f'{name} = "{value}"' for name, value in scenario.structure.model_dump().items()]
    for shock in scenario.shocks:
        lines += ["", *_comment(f"Strength is the {SHOCK_KINDS[shock.kind]}."), "[[shocks]]"]
        for name, value in shock.model_dump().items():
            lines.append(f"{name} = {_number(value) if isinstance(value, int | float) else _text(value)}")
    return "\n".join([*lines, ""])


def _lever_head(scenario: Scenario) -> str:
    if scenario.kind == "option":
        return "Levers this option moves, from the first year of the decision window on."
    return (
        "Levers that differ from the practice of each year. One value counts in every year; a table such as "
        "{ 2016 = 1, 2019 = 2 } counts from each year on."
    )


def _world_lines(world: World) -> Iterator[str]:
    yield ""
    yield "[world]"
    for name, field in World.model_fields.items():
        value = getattr(world, name)
        if isinstance(value, Mapping):
            continue
        allowed = "true or false" if isinstance(value, bool) else _allowed(World, name)
        yield from _comment(f"{field.description} ({allowed})")
        yield f"{name} = {_number(value)}"
    yield ""
    yield from _comment(World.model_fields["sector_weights"].description or "")
    yield "[world.sector_weights]"
    for sector, weight in world.sector_weights.items():
        yield f"{_key(sector)} = {_number(weight)}"


def _guide_lines(scenario: Scenario) -> Iterator[str]:
    world = scenario.world
    advice = "To move one, take away the # before its name"
    advice += (
        ", and give the reason under [levers_why]." if world is None else "; values count from the year on."
    )
    yield "#"
    yield from _comment(f"Levers at their practice. {advice}")
    for name, lever in LEVERS.items():
        if name not in scenario.levers:
            yield from _comment(f"{lever.label_en}: {lever.allowed}; practice {lever.default_text}")
            if world is None:
                yield f"# {name} = {_value(lever.default_by_year[-1][1])}"
            else:
                first = world.window_first_year
                later = {year: value for year, value in lever.default_by_year if year > first}
                yield f"# {name} = {_setting({first: lever.default_in(first), **later})}"


def _allowed(record: type[BaseModel], name: str) -> str:
    low, high = limits(record, name)
    return f"{low:.0f} to {high:.0f}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ")


def _setting(setting: LeverSetting) -> str:
    if isinstance(setting, Mapping):
        return "{ " + ", ".join(f"{year} = {_value(value)}" for year, value in setting.items()) + " }"
    return _value(setting)


def _value(value: LeverValue) -> str:
    return _text(value) if isinstance(value, str) else _number(value)


def _number(value: bool | int | float) -> str:
    """A number that reads back exactly, and in one way only; true and false stay words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return unmistakable(value)


def _text(text: str) -> str:
    """A TOML basic string; JSON escapes are a subset, apart from the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else _text(name)
