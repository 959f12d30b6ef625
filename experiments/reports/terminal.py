"""A report on a screen of any width, and as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Final, assert_never

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from passaat import screen
from passaat.experiments.reports.blocks import (
    Block,
    Cell,
    Figure,
    Gap,
    Group,
    Heading,
    Note,
    Report,
    Row,
    Section,
    Sentence,
    Table,
    Tone,
    stacked,
)

PLAIN_WIDTH: Final = 104
"""Columns used where there is no terminal to ask, and at most, unless a report asks for more."""

_STYLES: Final[dict[Tone, str]] = {
    "plain": "",
    "strong": "bold",
    "faint": "dim",
    "aside": "italic",
    "warning": "yellow",
    "failure": "red",
}
_INSET: Final = (0, 0, 0, 2)


def print_report(report: Report, console: Console, *, most: int = PLAIN_WIDTH) -> None:
    """Print a report in ``most`` columns, or as many as a terminal has; the same where there is none."""
    width = min(console.width, most) if console.is_terminal else most
    before, console.width = console.width, width
    try:
        for block in report.blocks:
            for part in _shown(block, narrow=width < PLAIN_WIDTH):
                console.print(part)
    finally:
        console.width = before


def plain_text(report: Report) -> str:
    """A report as plain text, 104 columns wide; the same bytes for the same report."""
    out = StringIO()
    print_report(report, screen.Screen(PLAIN_WIDTH, out, plain=True))
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def _shown(block: Block, *, narrow: bool) -> Iterator[RenderableType]:
    match block:
        case Heading(text):
            yield Text(text, style="bold")
        case Section(title):
            yield screen.Section(title)
        case Sentence():
            yield _inset(_sentence(block), block.inset)
        case Note(text):
            yield _inset(Text(text, style="dim"), block.inset)
        case Gap():
            yield Text()
        case Table():
            yield _inset(_table(block, narrow), block.inset)
        case Figure():
            pass  # where its files lie is said when they are written
        case _:
            assert_never(block)


def _inset(part: RenderableType, inset: bool) -> RenderableType:
    return Padding(part, _INSET) if inset else part


def _sentence(said: Sentence) -> Text:
    text = f"- {said.text}" if said.item else said.text
    if said.lead:
        return Text(said.lead, style="bold").append(text, style="not bold")
    return Text(text, style=_STYLES[said.tone])


def _table(table: Table, narrow: bool) -> RenderableType:
    """A table; where there is little room, or none for its headings, with columns stacked that may be."""
    if narrow and table.stacks:
        return _table(stacked(table), narrow)
    grid = _grid(table)
    if table.has_headings:
        groups = ((_heading(group), [_inset_row(row) for row in group.rows]) for group in table.groups)
        return screen.Blocks(grid, groups, _table(stacked(table), narrow) if table.stacks else None)
    for group in table.groups:
        for row in group.rows:
            tones = {cell.tone if isinstance(cell, Cell) else "plain" for cell in row}
            style = _STYLES[tones.pop()] if len(tones) == 1 else ""
            grid.add_row(*map(_cell, row), style=style)
    return screen.Whole(grid, missable=table.missable)


def _grid(table: Table) -> Grid:
    """The columns, without rows."""
    grid = Grid(title=table.title or None, title_justify="left", box=box.SIMPLE, pad_edge=False)
    if not table.ruled:
        grid.box, grid.padding, grid.pad_edge = None, (0, table.gap, 0, 0), True
        grid.header_style, grid.show_header = "dim", any(column.label for column in table.columns)
    for column in table.columns:
        grid.add_column(column.label, justify=column.align, min_width=column.least, max_width=column.most)
    return grid


def _heading(group: Group) -> Text:
    heading = Text(group.title, style="bold").append(group.detail, style="not bold")
    return heading.append(group.remark, style="dim not bold")


def _inset_row(row: Row) -> tuple[screen.Cell, ...]:
    first, *others = map(_cell, row)
    return (Text("  ").append_text(first) if isinstance(first, Text) else f"  {first}", *others)


def _cell(cell: str | Cell) -> screen.Cell:
    return cell if isinstance(cell, str) else Text(cell.text, style=_STYLES[cell.tone])
