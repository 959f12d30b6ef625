"""A report for programs: its blocks as JSON, and its tables as CSV."""

from __future__ import annotations

from passaat.experiments.reports.blocks import Gap, Report, Table, text_of
from passaat.experiments.results.cells import csv_text
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
    labels = ["", *(column.label for column in table.columns)]
    rows = [
        [f"{group.title}{group.detail}", *map(text_of, row)] for group in table.groups for row in group.rows
    ]
    first = 0 if table.has_headings else 1
    header, *told = ([shown(one.replace("\n", " ")) for one in row[first:]] for row in (labels, *rows))
    return csv_text(header, told)
