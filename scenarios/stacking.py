"""Options made of others: ``a+b`` is b on top of a, and levers set on a command line are an option of their own.

Where two of them set the same lever to different values the later one counts, and is said to override the earlier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from passaat.errors import ScenarioError
from passaat.identity import scenario_fingerprint
from passaat.scenarios.levers import LEVERS, LeverSetting
from passaat.scenarios.loading import file_exists, load_scenario, shipped_names
from passaat.scenarios.parts import World, limits
from passaat.scenarios.scenario import Scenario

__all__ = ["load_option", "option_of_levers", "option_parts", "overridden", "require_once", "stack"]

LONGEST_NAME: Final = 100

FIRST_YEAR: Final = int(limits(World, "first_year")[0])
"""No run starts earlier: what counts from this year on counts in every year of a decision window."""


def load_option(text: str, folder: Path | None = None) -> Scenario:
    """An option by name or path, or several on top of each other: ``follow-up+mine.toml``.

    Paths are looked up from ``folder``, by default the working folder.

    Raises:
        ScenarioError: as ``option_parts`` and ``stack``.
    """
    return stack(option_parts(text, folder))


def option_parts(text: str, folder: Path | None = None) -> tuple[Scenario, ...]:
    """The options that a text names, the lowest first; one where it is a name or path itself, plus signs included.

    Raises:
        ScenarioError: as ``loading.load_scenario``.
    """
    whole = text in shipped_names() or file_exists(_from(folder, text))
    names = [text] if whole or "+" not in text else text.split("+")
    return tuple(load_scenario(_from(folder, name), "option") for name in names)


def _from(folder: Path | None, name: str) -> str:
    """A path as seen from a folder; a name stays a name."""
    path = Path(name)
    is_path = path.suffix != "" or len(path.parts) > 1
    return str(folder / name) if folder is not None and is_path else name


_ONCE: Final = "name each option once, like follow-up+go-no-go."


def require_once(options: Iterable[Scenario]) -> None:
    """Refuse options of which two have the same name: what they change could not be told apart.

    Raises:
        ScenarioError: there are such.
    """
    named = Counter(option.name for option in options)
    twice = [f"option {name} is named {times} times" for name, times in named.items() if times > 1]
    if twice:
        raise ScenarioError(twice, _ONCE)


def stack(options: Sequence[Scenario]) -> Scenario:
    """One option that does to any reference what these do one after the other.

    Raises:
        ScenarioError: none given, or one of them twice.
    """
    if not options:
        raise ScenarioError("no option to stack", _ONCE)
    require_once(options)
    if len(options) == 1:
        return options[0]
    names = [option.name for option in options]
    levers: dict[str, LeverSetting] = {}
    whys: dict[str, str] = {}
    for option in options:
        for name, setting in option.levers.items():
            levers[name] = _on_top(levers.get(name), setting)
            whys[name] = option.levers_why[name]
    told = overridden([(option.name, option.levers) for option in options])
    return Scenario(
        name=_short("+".join(names)),
        title=", ".join(option.title for option in options),
        kind="option",
        description=". ".join([f"{', with '.join(names)} on top", *told]) + ".",
        levers=levers,
        levers_why=whys,
        parts={name: of for name, of in _who_sets(options).items() if of},
    )


def _who_sets(options: Sequence[Scenario]) -> dict[str, tuple[str, ...]]:
    """The levers of each option of a stack that no later one sets."""
    last = {lever: option.name for option in options for lever in option.levers}
    return {
        option.name: tuple(lever for lever in option.levers if last[lever] == option.name)
        for option in options
    }


def _on_top(below: LeverSetting | None, above: LeverSetting) -> LeverSetting:
    """A setting on top of another: years before its first stay as they were below."""
    if below is None or not isinstance(above, Mapping):
        return above
    first = min(above)
    earlier = below if isinstance(below, Mapping) else {FIRST_YEAR: below}
    return {**{year: value for year, value in earlier.items() if year < first}, **above}


def overridden(layers: Iterable[tuple[str, Mapping[str, LeverSetting]]]) -> list[str]:
    """A sentence, without its full stop, for every lever that one layer of settings overrides of an earlier one.

    Args:
        layers: names and settings, the lowest first. What is set to the same value again is not told.
    """
    told: list[str] = []
    latest: dict[str, tuple[str, LeverSetting]] = {}
    for layer, levers in layers:
        for name, setting in levers.items():
            if name in latest and latest[name][1] != setting:
                below, old = latest[name]
                entry = LEVERS[name]
                told.append(
                    f"{layer} overrides {name} of {below}: {entry.show_setting(setting)} instead of"
                    f" {entry.show_setting(old)}"
                )
            latest[name] = layer, setting
    return told


def option_of_levers(levers: Mapping[str, LeverSetting]) -> Scenario:
    """The option that sets these levers and nothing else, named by them: ``assessors=3+follow_up_years=2``.

    Raises:
        ScenarioError: no lever, or a value that is not allowed.
    """
    names = [f"{name}={_in_a_name(name, setting)}" for name, setting in levers.items()]
    titles = [
        f"{LEVERS[name].label_en}: {LEVERS[name].show_setting(setting)}" for name, setting in levers.items()
    ]
    return Scenario(
        name=_short("+".join(names)),
        title=", ".join(titles),
        kind="option",
        description=f"Levers set by hand: {'; '.join(titles)}.",
        levers=dict(levers),
        levers_why=dict.fromkeys(levers, "Set by hand."),
    )


def _in_a_name(name: str, setting: LeverSetting) -> str:
    """A setting in the characters that a name may have: ``3`` or ``4200000-from-2019``."""
    entry = LEVERS[name]
    if isinstance(setting, Mapping):
        return "-".join(f"{entry.show(value)}-from-{year}" for year, value in setting.items())
    return entry.show(setting)


def _short(name: str) -> str:
    """A name that is too long, cut; what is cut off tells it apart by eight digits."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 9]}-{scenario_fingerprint(name, 8)}"
