"""What a user edits: new, check."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from passaat.cli.parts import (
    JsonOption,
    load,
    print_json,
    print_lines,
    say_each,
    warm_up,
)
from passaat.errors import ScenarioError, command
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.reading import shown_name
from passaat.writing import write_whole

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario


def new(
    path: Annotated[Path, typer.Argument(help="File to write, ending in .toml.")],
    source: Annotated[str, typer.Option("--from", help="Shipped name or path to start from.")] = "pib",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented scenario file to edit."""
    from passaat.scenarios.loading import file_exists
    from passaat.scenarios.reading import no_file
    from passaat.scenarios.scenario import Scenario
    from passaat.scenarios.stacking import LONGEST_NAME
    from passaat.scenarios.writing import scenario_text

    start = load(source)
    if path.suffix.lower() != ".toml":
        raise ScenarioError(f"{shown_name(str(path))} does not end in .toml", "name the file like my.toml.")
    if not path.name.isprintable():
        raise ScenarioError(
            f"{shown_name(str(path))} holds a character that cannot be shown", "name the file like my.toml."
        )
    strange = no_file(path)
    if strange:
        raise ScenarioError(f"{path} is {strange}", "name the file like my.toml.")
    if file_exists(path) and not force:
        raise ScenarioError(f"{path} exists already", "choose another name, or overwrite it with --force.")
    slug = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")[:LONGEST_NAME] or "my-scenario"
    fields = {name: getattr(start, name) for name in Scenario.model_fields}
    mine = Scenario(**{**fields, "name": slug, "based_on": start.name})
    name = PurePath(path.name)
    then = (
        ("passaat", "run", name)
        if start.kind == "reference"
        else ("passaat", "compare", "pib", "--options", name)
    )
    head = [
        f"# {'A' if start.kind == 'reference' else 'An'} {start.kind} to edit, started from {start.name}. When done:",
        f"#   {command('passaat', 'check', name)}",
        f"#   {command(*then)}",
        "",
        "",
    ]
    _write("\n".join(head) + scenario_text(mine, guide=True), path)
    print_lines([f"Wrote {path}. Edit it, then: {command('passaat', 'check', path)}"])


def _write(text: str, path: Path) -> None:
    """Write a scenario in one move.

    Raises
    ------
    ScenarioError : the folder or file cannot be written.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        raise ScenarioError(
            f"cannot write {shown_name(str(path))}: {error.strerror or error}",
            "choose a shorter name, or a folder that exists and that you may write to.",
        ) from None


def check(
    path: Annotated[str, typer.Argument(help="Scenario file, or shipped name; a+b is option b on top of a.")],
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="Reference to hold an option against; default what it is based on."),
    ] = None,
    attempt: Annotated[
        bool, typer.Option("--try", help="Also run an option in eight pairs of small worlds.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a scenario file and say what it does; without --try nothing is run."""
    from passaat.scenarios.effects import idle_settings, reported_ceilings, shipped_twin
    from passaat.scenarios.loading import file_exists
    from passaat.scenarios.stacking import option_parts, overridden, stack

    if "+" in path and not file_exists(path):
        parts = option_parts(path)
        say_each(overridden([(part.name, part.levers) for part in parts]))
        scenario = stack(parts)
    else:
        scenario = load(path)
    base = None if scenario.kind == "reference" else load(reference or _based_on(scenario), "reference")
    if base is None and (attempt or reference is not None):
        raise ScenarioError(
            f"{scenario.name} is a reference: it is not held against another one",
            f"show one run of it: {command('passaat', 'run', PurePath(path))}",
        )
    notes = [] if base is None else [*idle_settings(base, scenario), *reported_ceilings(base, scenario)]
    twin = shipped_twin(scenario)
    trial = None
    if attempt and base is not None:
        from passaat.experiments.analyses.trial import try_option

        warm_up()
        trial = try_option(base, scenario)
    if as_json:
        moved = {name: _moved_text(scenario, name) for name in scenario.levers}
        print_json(
            {
                **{"name": scenario.name, "kind": scenario.kind, "hash": scenario.hash, "levers": moved},
                **{"reference": base.name if base else None, "notes": notes, "same_as": twin or None},
                "pairs_unchanged": None if trial is None else trial.unchanged,
            }
        )
        return
    lines = _scenario_lines(scenario)
    if twin:
        lines.append(f"  the same content as {twin}, under another name")
    if base is not None:
        lines.append(f"Held against {base.name} (--reference chooses another):")
        lines += [f"  {note}" for note in notes] or ["  every lever changes in some year of the run"]
    if trial is not None:
        lines += trial.summary()
    print_lines(lines)


def _based_on(option: Scenario) -> str:
    """The shipped reference that an option goes back to; pib where it names none."""
    from passaat.scenarios.loading import shipped_names

    name = option.based_on
    while name in shipped_names():
        start = load(name)
        if start.kind == "reference":
            return name
        name = start.based_on if start.based_on != name else ""
    return "pib"


def _scenario_lines(scenario: Scenario) -> list[str]:
    """What a scenario says, a fact a line."""
    lines = [f"{scenario.name} is a valid {scenario.kind}: {scenario.title}"]
    if scenario.world is not None:
        world = scenario.world
        lines.append(
            f"  {world.n_firms} firms, {world.n_markets} markets in {world.n_countries} countries; covenants start "
            f"in {world.window_first_year}-{world.window_last_year}, the run ends in {world.last_year}"
        )
    for name in scenario.levers:
        lines.append(f"  {name}: {_moved_text(scenario, name)}")
        if name in scenario.levers_why:
            lines.append(f"      {scenario.levers_why[name]}")
    if not scenario.levers:
        lines.append("  all levers follow the practice of each year")
    lines += [f"  parameter {name} is fixed at {value:g}" for name, value in scenario.parameters.items()]
    for name, value in scenario.structure.model_dump().items():
        if value != type(scenario.structure).model_fields[name].default:
            lines.append(f"  rival structure: {name} = {value}")
    for kind, agents in scenario.agents.model_dump().items():
        if agents:
            lines.append(f"  agents {kind}: {', '.join(agents)}")
    return [*lines, f"  fingerprint {scenario.hash}"]


def _moved_text(scenario: Scenario, name: str) -> str:
    entry = LEVERS[name]
    return f"{entry.show_setting(scenario.levers[name])} (practice {entry.default_text})"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command()(new)
    app.command()(check)
