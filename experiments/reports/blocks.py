"""What a report says, as plain data: headings, sentences, tables and figures, written once and shown in several ways.

A report knows no screen and no file format. ``terminal`` shows its blocks on a screen of any width, ``markdown`` as a
text to hand over, ``data`` as JSON and CSV; another form is one more file that goes through the same blocks. All text
is meant as it is written: nothing in it is markup, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Tone = Literal["plain", "strong", "faint", "aside", "warning", "failure"]
"""How something is said: as it is, as what matters, in passing, as a remark of another kind, or as what is wrong."""


@dataclass(frozen=True)
class Heading:
    """The line under which all that follows stands."""

    text: str


@dataclass(frozen=True)
class Section:
    """The title of a part."""

    title: str


@dataclass(frozen=True)
class Sentence:
    """One or more sentences; ``lead`` stands before them and is said strongly.

    An ``item`` is one of a list; what is ``inset`` belongs to the block above it.
    """

    text: str
    tone: Tone = "plain"
    lead: str = ""
    item: bool = False
    inset: bool = False


@dataclass(frozen=True)
class Note:
    """What helps to read the rest: definitions, and what is not shown."""

    text: str
    inset: bool = False


@dataclass(frozen=True)
class Gap:
    """An empty line on a screen; other forms keep their blocks apart by themselves."""


@dataclass(frozen=True)
class Cell:
    """Text of a table that is not said in the plain tone."""

    text: str
    tone: Tone


Row = tuple[str | Cell, ...]


@dataclass(frozen=True)
class Column:
    """A column: numbers stand to the right, words to the left.

    ``least`` and ``most`` are the letters a line that it takes on a screen with room for them; ``most`` breaks words
    into lines.
    """

    label: str
    align: Literal["left", "right"] = "right"
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Group:
    """Rows of a table under a heading: its ``title``, what is to be known of it, and a remark in passing."""

    rows: tuple[Row, ...]
    title: str = ""
    detail: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Stack:
    """Two columns, ``first`` and the one behind it, whose cells go below one another where there is little room.

    ``least`` is the width of what they become.
    """

    first: int
    least: int


@dataclass(frozen=True)
class Table:
    """Rows of text cells, in one group without a heading or in several with headings.

    Attributes:
        columns: without any label no row of headings is shown.
        groups: the rows; those under a heading are inset.
        title: said above it.
        gap: letters between columns on a screen.
        ruled: whether a line goes below the headings.
        inset: whether it belongs to the block above it.
        stacks: columns that go below one another where there is little room.
        missable: labels of columns that a screen without room for all leaves out, the first one first, and says so.
    """

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    title: str = ""
    gap: int = 1
    ruled: bool = False
    inset: bool = False
    stacks: tuple[Stack, ...] = ()
    missable: tuple[str, ...] = ()

    @property
    def has_headings(self) -> bool:
        """Whether its rows stand under headings of their own."""
        return any(group.title for group in self.groups)


@dataclass(frozen=True)
class Figure:
    """A figure: what it shows, and the files that hold it, the one to be shown first."""

    name: str
    files: tuple[str, ...]


Block = Heading | Section | Sentence | Note | Gap | Table | Figure

BLOCKS: Final = (Heading, Section, Sentence, Note, Gap, Table, Figure)
"""Every kind of block: a form of a report has to know them all."""


@dataclass(frozen=True)
class Report:
    """What is said, in order.

    Attributes:
        title: what it is about, in one line.
        blocks: what it says.
        facts: what it rests on, such as the version and what parameters were drawn from, by name.
    """

    title: str
    blocks: tuple[Block, ...]
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> Iterator[Table]:
        """Its tables, in order."""
        return (block for block in self.blocks if isinstance(block, Table))


def text_of(cell: str | Cell) -> str:
    """What a cell says."""
    return cell if isinstance(cell, str) else cell.text


def stacked(table: Table) -> Table:
    """The table in fewer columns: those that may be stacked have their cells, and labels, below one another."""
    below = {stack.first + 1 for stack in table.stacks}
    columns = []
    for place, column in enumerate(table.columns):
        stack = next((one for one in table.stacks if one.first == place), None)
        if stack is not None:
            under = table.columns[place + 1]
            columns.append(Column(f"{column.label}\n{under.label}", column.align, stack.least))
        elif place not in below:
            columns.append(column)

    def row(cells: Row) -> Row:
        return tuple(
            f"{text_of(cell)}\n{text_of(cells[place + 1])}" if place + 1 in below else cell
            for place, cell in enumerate(cells)
            if place not in below
        )

    groups = tuple(
        Group(tuple(map(row, one.rows)), one.title, one.detail, one.remark) for one in table.groups
    )
    return Table(tuple(columns), groups, table.title, table.gap, table.ruled, table.inset)
