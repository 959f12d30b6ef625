"""What the model rests on: evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from passaat.cli.parts import JsonOption, make_table, print_json, print_lines, print_table


def evidence(
    id: Annotated[str | None, typer.Argument(help="Explain this row, claim or reconciliation.")] = None,
    use: Annotated[
        str | None, typer.Option("--use", help="Only rows with this use, such as target or input.")
    ] = None,
    find: Annotated[str | None, typer.Option("--find", help="Only what contains this text.")] = None,
    claims: Annotated[bool, typer.Option("--claims", help="List causal claims instead of figures.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the evidence the model rests on: every figure and claim with source and place."""
    from dataclasses import asdict

    from passaat.calibration.listing import explain_row, list_claims, list_evidence, value_text

    if id is not None:
        explanation = explain_row(id)
        if as_json:
            print_json(asdict(explanation))
        else:
            print_lines(explanation.lines)
    elif claims:
        found = list_claims(find)
        if as_json:
            print_json([asdict(claim) for claim in found])
        else:
            table = make_table("id", "cause", "effect", "sign", "source")
            for claim in found:
                table.add_row(
                    claim.id, claim.cause, claim.effect, claim.sign, f"{claim.source} {claim.place}"
                )
            print_table(table)
    else:
        rows = list_evidence(use, find)
        if as_json:
            print_json([asdict(row) for row in rows])
        else:
            table = make_table("id", "quantity", "value", "use", "source")
            for row in rows:
                table.add_row(row.id, row.quantity, value_text(row), row.use, f"{row.source} {row.place}")
            print_table(table)
            print_lines(
                [f"{len(rows)} rows; `passaat evidence ID` explains one, --claims lists the causal claims."]
            )


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command()(evidence)
