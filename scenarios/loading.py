"""Reading scenario files, shipped ones by name and a user's own by path."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from passaat.errors import ScenarioError, unknown_name
from passaat.scenarios.scenario import Scenario

__all__ = ["load_scenario", "read_scenario", "scenario_from_text", "shipped_names"]

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
    elif Path(text).suffix == ".toml" or len(Path(text).parts) > 1:
        scenario = read_scenario(Path(text))
    else:
        raise ScenarioError(
            unknown_name("scenario", text, shipped_names()),
            "use one of these names or a path; `passaat new my.toml --from pib` writes a file to start from.",
        )
    if kind is not None and scenario.kind != kind:
        examples = [name for name in shipped_names() if _kind_of(name) == kind]
        raise ScenarioError(
            f"{scenario.name} is a{'n option' if scenario.kind == 'option' else ' reference'}, "
            f"where a{'n option' if kind == 'option' else ' reference'} is needed",
            f'choose one of: {", ".join(examples)}; or a file of your own with kind = "{kind}".',
        )
    return scenario


def read_scenario(path: Path) -> Scenario:
    """Read one scenario file.

    Raises
    ------
    ScenarioError : the file cannot be read, is not TOML, or holds values that are not allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(
            f"cannot read {path}: {error.strerror or error}",
            f"check the path; shipped scenarios go by name: {', '.join(shipped_names())}.",
        ) from None
    except UnicodeDecodeError:
        raise ScenarioError(
            f"{path} is not a text file in UTF-8", "a scenario is a TOML text file."
        ) from None
    return scenario_from_text(text, str(path))


def scenario_from_text(text: str, place: str) -> Scenario:
    """Read a scenario from the text of a file; ``place`` says where it came from.

    Raises
    ------
    ScenarioError : the text is not TOML, or holds values that are not allowed.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(
            f"{place} is not valid TOML: {error}",
            "correct that line; text needs quotes, tables look like [levers], values like name = 1.",
        ) from None
    if isinstance(data.get("shocks"), list):
        data["shocks"] = tuple(data["shocks"])
    agents = data.get("agents")
    if isinstance(agents, dict):
        data["agents"] = {key: tuple(v) if isinstance(v, list) else v for key, v in agents.items()}
    return Scenario(**data)


@lru_cache(maxsize=64)
def _kind_of(name: str) -> str:
    return str(tomllib.loads((_SHIPPED / f"{name}.toml").read_text(encoding="utf-8")).get("kind"))
