"""Reading scenario files, shipped ones by name and a user's own by path."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from passaat.errors import PassaatError, ScenarioError, command, unknown_name
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.parts import Shock, World, limits
from passaat.scenarios.reading import (
    Place,
    Quantity,
    UnitOf,
    neighbour,
    no_file,
    read_text,
    shown_name,
    toml_data,
)
from passaat.scenarios.scenario import Scenario

__all__ = [
    "file_called",
    "file_exists",
    "load_scenario",
    "parameter_quantity",
    "quantity_at",
    "read_scenario",
    "scenario_from_text",
    "shipped_names",
]

_SHIPPED = Path(__file__).with_name("shipped")


@lru_cache(maxsize=1)
def shipped_names() -> tuple[str, ...]:
    """Names of the scenarios that come with passaat, references and options, in alphabetical order."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def load_scenario(name_or_path: str | Path, kind: str | None = None) -> Scenario:
    """Load a shipped scenario by name, or a file by path.

    Parameters
    ----------
    name_or_path : a name such as "pib", or the path of a .toml file.
    kind : "reference" or "option" if only that kind is of use here.

    Raises
    ------
    ScenarioError : no such name or file, not TOML, a value that is not allowed, or another kind.
    """
    text = str(name_or_path)
    if text in shipped_names():
        scenario = read_scenario(_SHIPPED / f"{text}.toml")
    else:
        scenario = read_scenario(file_called(text, ScenarioError, "scenario", shipped_names()))
    if kind is not None and scenario.kind != kind:
        examples = [name for name in shipped_names() if _kind_of(name) == kind]
        raise ScenarioError(
            f"{scenario.name} is a{'n option' if scenario.kind == 'option' else ' reference'}, "
            f"where a{'n option' if kind == 'option' else ' reference'} is needed",
            f'choose one of: {", ".join(examples)}; or a file of your own with kind = "{kind}".',
        )
    return scenario


def file_called(text: str, error: type[PassaatError], what: str, names: Sequence[str]) -> Path:
    """The path of a user's own file.

    Args:
        error: the kind of error to raise.
        what: what the file is: "scenario" or "plan".
        names: the shipped ones, which go by name.

    Raises:
        PassaatError: of the kind ``error``: no file of that name, or one whose name does not end in .toml; the
            message names what is there under a name near it.
    """
    path = Path(text)
    plain_path = len(path.parts) > 1 and not path.suffix  # such as a pipe of the shell
    there = file_exists(path) or plain_path
    if there and (path.suffix.lower() == ".toml" or plain_path):
        return path
    strange = no_file(path)
    if strange and (path.suffix or len(path.parts) > 1):
        raise error(
            f"{text} is {strange}, and a {what} is a file that ends in .toml",
            f"name a file; shipped {what}s go by name: {', '.join(names)}.",
        )
    near = neighbour(path)
    if there or near is not None:
        raise error(*_misnamed(path, near or path, what))
    if path.suffix.lower() == ".toml" or len(path.parts) > 1:
        start = " `passaat new my.toml --from pib` writes a file to start from." if what == "scenario" else ""
        raise error(
            f"cannot read {shown_name(text)}: there is no such file",
            f"check the path; shipped {what}s go by name: {', '.join(names)}.{start}",
        )
    raise error(
        unknown_name(what, shown_name(text), names),
        "use one of these names or a path; `passaat new my.toml --from pib` writes a file to start from."
        if what == "scenario"
        else "use one of these names, or the path of a file that ends in .toml.",
    )


def file_exists(path: str | Path) -> bool:
    """Whether there is a file of this name, also where no file can have it."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long, or with a null character
        return False


def _misnamed(path: Path, there: Path, what: str) -> tuple[str, str]:
    """The problem and the way out where a file is there, but under another name than a scenario or plan has."""
    if there.suffix.lower() == ".toml":
        return f"there is no {path}, but there is {there}", f"name that one: {there}."
    if there.suffix.lower() == ".db":
        return (
            f"{there} is there, but it is a study that was run, no {what}: a {what} ends in .toml",
            f"list what studies are about: {command('passaat', 'studies', there)}",
        )
    renamed = there.with_name(there.stem) if there.stem.endswith(".toml") else there.with_suffix(".toml")
    return (
        f"{there} is there, but a {what} is a file that ends in .toml",
        f"if it is one, give it that ending: {command('mv', there, renamed)}",
    )


def read_scenario(path: Path) -> Scenario:
    """Read one scenario file.

    Raises
    ------
    ScenarioError : the file cannot be read, is not TOML, or holds values that are not allowed, or an option of a
        name that means something else.
    """
    scenario = scenario_from_text(read_text(path, ScenarioError, "a scenario"), str(path), quantity_at)
    if scenario.kind == "option" and (scenario.name == "reference" or set("+=") & set(scenario.name)):
        plain = "-".join(filter(None, re.split("[+=]", scenario.name)))
        raise ScenarioError(
            f"{path}: an option cannot be called {scenario.name}, "
            + (
                "which is what it is compared with"
                if scenario.name == "reference"
                else "as a+b is b on top of a, and lever=value a lever set by hand"
            ),
            f'name it otherwise, such as name = "{"my-reference" if plain == "reference" else plain or "mine"}".',
        )
    return scenario


def scenario_from_text(text: str, place: str, unit_of: UnitOf | None = None) -> Scenario:
    """Read a scenario from the text of a file; ``place`` says where it came from.

    ``unit_of`` says what numbers are for, where a person wrote them; without it they count as written by a program.

    Raises
    ------
    ScenarioError : the text is not TOML, or holds values that are not allowed.
    """
    data = toml_data(text, place, ScenarioError, unit_of)
    if isinstance(data.get("shocks"), list):
        data["shocks"] = tuple(data["shocks"])
    agents = data.get("agents")
    if isinstance(agents, dict):
        data["agents"] = {key: tuple(v) if isinstance(v, list) else v for key, v in agents.items()}
    return Scenario(**data)


def quantity_at(place: Place) -> Quantity | None:
    """What a number at a place of a scenario file is for."""
    match place:
        case ("levers", name, *_) if name in LEVERS:
            return LEVERS[name].quantity
        case ("parameters", name):
            return parameter_quantity(name)
        case ("world", field) if field in World.model_fields and World.model_fields[field].annotation is int:
            return Quantity("count", *limits(World, field), whole=True)
        case ("shocks", "strength"):
            return Quantity("share", *limits(Shock, "strength"))
    return None


def parameter_quantity(name: str) -> Quantity | None:
    """What a number for a parameter of the model is for; None where there is no such parameter."""
    from passaat.model.parameters import PARAMETERS

    if name not in PARAMETERS:
        return None
    record = PARAMETERS[name]
    return Quantity(record.unit, record.minimum, record.maximum)


@lru_cache(maxsize=64)
def _kind_of(name: str) -> str:
    return str(tomllib.loads((_SHIPPED / f"{name}.toml").read_text(encoding="utf-8")).get("kind"))
