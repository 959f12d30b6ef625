"""Tables and text on a screen of any width: no number is ever cut, and nothing a user wrote is obeyed.

A table of rich that does not fit cuts its cells; numbers then read "10…" or vanish. ``Whole`` and ``Blocks`` break
cells between words only and move columns together, then leave out those that may be missed, saying which, and put
cells below one another where that is not enough.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from passaat.shown import shown

__all__ = ["Blocks", "Cell", "Screen", "Section", "Whole"]

Cell = str | Text

_PLAIN: Final[dict[str, Any]] = {"color_system": None, "force_terminal": False, "legacy_windows": False}
_LEAST_OF_WORDS: Final = 9
"""Letters a line that a column of words keeps, where it has so many."""

_TIGHT: Final = (0, 0, 0, 0)
"""Padding of cells where there is little room; a column's width then holds its gap."""


_BLANKS_AT_END = re.compile(r"[ \t]+(?=\n)")


class Screen(Console):
    """A console for which text is text: no markup, no codes for emoji, no control sequences but its own.

    With ``plain`` it is none that could show colours, whatever it writes to.
    """

    def __init__(self, width: int | None = None, file: TextIO | None = None, *, plain: bool = False) -> None:
        super().__init__(
            file=file, width=width, markup=False, emoji=False, highlight=False, **(_PLAIN if plain else {})
        )

    def on_broken_pipe(self) -> None:
        """Leave a closed output to the program, which has to say what was saved; rich would end it here."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """What is written; in a file or a pipe without the blanks with which tables fill their lines."""
        text = super()._render_buffer(buffer)
        return text if self.is_terminal else _BLANKS_AT_END.sub("", text)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else shown(segment.text, lines=True)
            yield segment if text == segment.text else Segment(text, segment.style)


class Section:
    """A heading with a rule behind it; without one where it takes the line for itself."""

    def __init__(self, title: str) -> None:
        self._title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = Text(self._title, style="bold")
        fits = "\n" not in self._title and cell_len(self._title) + 2 <= options.max_width
        yield Rule(title, align="left", style="dim") if fits else title


class Whole:
    """A table none of whose cells is ever cut.

    Args:
        table: of text; columns justified to the right hold numbers.
        missable: headings of columns that may be left out, the first one first.
    """

    def __init__(self, table: Table, *, missable: Sequence[str] = ()) -> None:
        self.table = table
        self._missable = missable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self.table
        rows = [
            _Line(tuple(cells), row.style or "") for row, cells in zip(table.rows, _rows(table), strict=True)
        ]
        columns = [_fit(column, cells) for column, cells in _by_column(table, rows)]
        missed: list[str] = []
        for heading in ("", *self._missable):
            if heading:
                missed.append(heading)
            kept = [place for place, column in enumerate(columns) if column.heading not in missed]
            sheet = _sheet(console, options, table, [columns[place] for place in kept])
            if sheet is not None:
                lines = [_Line(tuple(row.cells[place] for place in kept), row.style) for row in rows]
                yield sheet.of(lines, title=table.title)
                if missed:
                    yield Text(f"Not shown in {options.max_width} columns: {', '.join(missed)}.", style="dim")
                return
        if table.title is not None:
            yield table.title
        yield from _below_one_another(columns, rows)


class Blocks:
    """Tables under one row of headings, each with a heading of its own; their columns line up and no cell is cut.

    Args:
        grid: the columns, without rows.
        blocks: heading and rows of each table.
        otherwise: what to show where there is no room for these columns.
    """

    def __init__(
        self,
        grid: Table,
        blocks: Iterable[tuple[RenderableType, Sequence[Sequence[Cell]]]],
        otherwise: RenderableType | None = None,
    ) -> None:
        self._grid = grid
        self._blocks = [(heading, [_Line(tuple(cells)) for cells in rows]) for heading, rows in blocks]
        self._otherwise = otherwise

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        everything = [line for _, lines in self._blocks for line in lines]
        columns = [_fit(column, cells) for column, cells in _by_column(self._grid, everything)]
        sheet = _sheet(console, options, self._grid, columns, break_numbers=self._otherwise is None)
        if sheet is not None:
            yield sheet.of([])
            for heading, lines in self._blocks:
                yield heading
                yield sheet.of(lines, show_header=False)
        elif self._otherwise is not None:
            yield self._otherwise
        else:
            for heading, lines in self._blocks:
                yield heading
                yield from _below_one_another(columns, lines)


@dataclass(frozen=True)
class _Line:
    """A row of a table."""

    cells: tuple[Cell, ...]
    style: Any = ""


@dataclass(frozen=True)
class _Fit:
    """A column with its widths: as it would like, with words broken into lines, and with numbers, too."""

    column: Column
    heading: str
    natural: int
    least: int
    broken: int


@dataclass(frozen=True)
class _Sheet:
    """Columns with widths at which all their cells are whole, in the manner of a table."""

    table: Table
    columns: Sequence[Column]
    widths: Sequence[int]
    tight: bool = False

    def of(self, lines: Sequence[_Line], *, title: Any = None, show_header: bool | None = None) -> Table:
        """A table of these lines."""
        made = Table(
            title=title,
            title_justify=self.table.title_justify,
            box=self.table.box,
            padding=_TIGHT if self.tight and self.table.box is not None else self.table.padding,
            pad_edge=self.table.pad_edge,
            header_style=self.table.header_style,
            show_header=self.table.show_header if show_header is None else show_header,
        )
        for column, width in zip(self.columns, self.widths, strict=True):
            made.add_column(
                column.header, justify=column.justify, style=column.style, width=width, overflow="fold"
            )
        for line in lines:
            made.add_row(*line.cells, style=line.style)
        return made


def _rows(table: Table) -> Iterable[tuple[Any, ...]]:
    return zip(*(column.cells for column in table.columns), strict=True)


def _by_column(table: Table, lines: Sequence[_Line]) -> Iterator[tuple[Column, list[Cell]]]:
    for place, column in enumerate(table.columns):
        yield column, [line.cells[place] for line in lines]


def _fit(column: Column, cells: Sequence[Cell]) -> _Fit:
    """Numbers keep their lines whole as long as possible; words, headings and single numbers always."""
    heading = str(column.header)
    body = [str(cell) for cell in cells]
    lines = [cell_len(line) for text in body for line in text.split("\n")]
    words = [cell_len(word) for text in (*body, heading) for word in text.split()]
    natural = max([*lines, *map(cell_len, heading.split("\n")), column.min_width or 0])
    if column.max_width is not None:
        natural = min(natural, column.max_width)
    broken = max([*words, min(natural, _LEAST_OF_WORDS)])
    least = max([*lines, broken]) if column.justify == "right" else broken
    return _Fit(column, heading.replace("\n", " "), max(natural, least), least, broken)


def _sheet(
    console: Console,
    options: ConsoleOptions,
    table: Table,
    fits: Sequence[_Fit],
    *,
    break_numbers: bool = True,
) -> _Sheet | None:
    """How these columns fit on the screen with every cell whole; None where they do not."""
    columns, natural = [fit.column for fit in fits], [fit.natural for fit in fits]
    boundless = options.update(width=sum(natural) + 1_000)
    tries = [(False, [fit.least for fit in fits]), (True, [fit.least for fit in fits])]
    if break_numbers:
        tries.append((True, [fit.broken for fit in fits]))
    for tight, least in tries:
        needed = Measurement.get(console, boundless, _Sheet(table, columns, natural, tight).of([])).maximum
        widths = _shrunk(natural, least, needed - options.max_width)
        if widths is not None:
            return _Sheet(table, columns, widths, tight)
    return None


def _shrunk(natural: Sequence[int], least: Sequence[int], by: int) -> list[int] | None:
    """Widths that are less by so much in all, the widest first; None where they cannot be."""
    widths = list(natural)
    for _ in range(by):
        wider = [place for place, width in enumerate(widths) if width > least[place]]
        if not wider:
            return None
        widths[max(wider, key=lambda place: widths[place])] -= 1
    return widths


def _below_one_another(columns: Sequence[_Fit], lines: Sequence[_Line]) -> Iterator[RenderableType]:
    """Every row as its first cell and, indented below it, the others behind their headings."""
    labels = [column.heading for column in columns]
    for line in lines:
        told = [
            f"{label} {' '.join(str(cell).split())}".strip()
            for label, cell in zip(labels, line.cells, strict=True)
            if str(cell).strip()
        ]
        yield Text(told[0] if told else "", style=line.style)
        yield Padding(Text("; ".join(told[1:]), style=line.style), (0, 0, 0, 2))
