"""A report for programs: its blocks as JSON, and its tables as CSV."""

from __future__ import annotations

import csv
from io import StringIO

from passaat.experiments.reports.blocks import Gap, Report, Row, Table, text_of
from passaat.experiments.results.cells import no_formula
from passaat.json_text import json_text, plain
from passaat.shown import shown


def report_json(report: Report) -> str:
    """Title, facts, and every block with its kind; the same bytes for the same report."""
    return json_text(
        {
            "title": report.title,
            "facts": dict(report.facts),
            "blocks": [
                {"kind": type(block).__name__.lower(), **plain(block)}
                for block in report.blocks
                if not isinstance(block, Gap)
            ],
        }
    )


def tables_csv(report: Report) -> str:
    """Its tables below one another, an empty line between them; the first column names the group of a row."""
    return "\n".join(map(table_csv, report.tables))


def table_csv(table: Table) -> str:
    """One table: labels, then rows; of one with headings the first column names what a row stands under."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    named = [""] if table.has_headings else []
    writer.writerow([*named, *(_cell(column.label) for column in table.columns)])
    for group in table.groups:
        title = [f"{group.title}{group.detail}"] if table.has_headings else []
        writer.writerows([*map(_cell, title), *_cells(row)] for row in group.rows)
    return out.getvalue()


def _cells(row: Row) -> list[str]:
    return [_cell(text_of(cell)) for cell in row]


def _cell(text: str) -> str:
    return no_formula(shown(text.replace("\n", " ")))
