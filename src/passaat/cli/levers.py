"""What policy can choose: levers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from passaat.cli.parts import JsonOption, make_table, print_json, print_lines, print_table
from passaat.scenarios.levers import LEVERS, Lever, lever


def levers(
    name: Annotated[str | None, typer.Argument(help="Explain this lever; without it, list all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what policy can choose, with range, practice and evidence."""
    if as_json:
        chosen = [lever(name)] if name else list(LEVERS.values())
        print_json([_lever_record(entry) for entry in chosen])
    elif name:
        print_lines(_lever_lines(lever(name)))
    else:
        table = make_table("lever", "label", "allowed", "practice", "effect")
        for entry in LEVERS.values():
            table.add_row(entry.name, entry.label_en, entry.allowed, entry.default_text, entry.identified)
        print_table(table)
        print_lines(["`passaat levers NAME` explains one; move it with --set NAME=VALUE."])


def _lever_lines(entry: Lever) -> list[str]:
    return [
        f"{entry.name}: {entry.label_en} (Dutch: {entry.label_nl})",
        f"  meaning   {entry.meaning}",
        f"  allowed   {entry.allowed}",
        f"  practice  {entry.default_text}",
        f"  effect    {entry.effect} ({entry.identified})",
        f"  cost      {entry.cost}",
        f"  evidence  {'; '.join(str(reference) for reference in entry.evidence)}",
    ]


def _lever_record(entry: Lever) -> dict[str, Any]:
    record = dict(vars(entry))
    record["default_by_year"] = {str(year): value for year, value in entry.default_by_year}
    record["evidence"] = [vars(reference) for reference in entry.evidence]
    record["allowed"] = entry.allowed
    return record


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command()(levers)
