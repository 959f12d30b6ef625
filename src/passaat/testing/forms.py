"""What a form of a report promises, whatever it writes: all that a report says is there, once and in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count, pairwise
from typing import Final

from passaat.experiments.reports.blocks import (
    BLOCKS,
    Block,
    Cell,
    Column,
    Figure,
    Gap,
    Group,
    Heading,
    Note,
    Report,
    Row,
    Section,
    Sentence,
    Stack,
    Table,
)
from passaat.testing.promises import require

Form = Callable[[Report], str]
"""A report to its text."""

_NUMBER: Final = re.compile(r"\d{7}")
_FOREIGN: Final = "Čeština, ελληνικά, 日本語"
_OBEYED: Final = "\x1b"


def check_form(form: Form, *, leaves_out: Collection[type[Block]] = (), bare: bool = False) -> None:
    """Try the promises of a form with reports that have every kind of block.

    Args:
        leaves_out: kinds of blocks that it has no place for, such as figures on a screen; tables have to be there.
        bare: whether it leaves out the title of the report and what it rests on.

    Raises:
        AssertionError: names the promise that is broken.
    """
    report = _report()
    text = form(report)
    require(form(report) == text, "the same report gives the same text")
    require(report == _report(), "a report stays as it was given")
    require(text.endswith("\n") and not text.endswith("\n\n"), "a text ends with one line end")
    require({type(block) for block in report.blocks} == set(BLOCKS), "every kind of block was tried")
    found = _numbers(text)
    said = [numbers for block in report.blocks if (numbers := list(_said(block, leaves_out)))]
    framed = [] if bare else _numbers(f"{report.title} {dict(report.facts)}")
    lost = [
        number for number in (*framed, *(one for numbers in said for one in numbers)) if number not in found
    ]
    require(not lost, f"no number is lost; these are: {', '.join(lost)}")
    places = [min(map(found.index, numbers)) for numbers in said]
    require(_ascend(places), "blocks stand in their order")
    for table in report.tables:
        rows = [[_numbers(cell) for cell in row] for group in table.groups for row in group.rows]
        require(
            all(found.count(one) == 1 for row in rows for cell in row for one in cell),
            "no cell is said twice",
        )
        require(_ascend([found.index(row[0][0]) for row in rows]), "rows stand in their order")
    require(_FOREIGN in text, "letters of every alphabet stay as they are")
    require(_OBEYED not in text, "nothing that a screen would obey is written as it is")
    form(Report("without blocks", ()))


def _numbers(part: object) -> list[str]:
    return _NUMBER.findall(str(part))


def _ascend(places: Sequence[int]) -> bool:
    return all(one < other for one, other in pairwise(places))


def _said(block: Block, leaves_out: Collection[type[Block]]) -> Iterator[str]:
    """The numbers of a block that a form has to say."""
    if type(block) in leaves_out:
        return
    match block:
        case Figure(name, files):
            yield from _numbers(f"{name} {files[0]}")
        case Table() if Sentence in leaves_out:
            groups = [(group.title, group.detail, group.rows) for group in block.groups]
            yield from _numbers(f"{block.columns} {groups}")
        case _:
            yield from _numbers(block)


def _report() -> Report:
    numbers = count(1_000_001)

    def said(*before: str) -> str:
        return " ".join((*before, f"{next(numbers)}"))

    def rows(n_columns: int) -> tuple[Row, ...]:
        return tuple((*(said() for _ in range(n_columns - 1)), Cell(said(), "faint")) for _ in range(3))

    def columns(number: int) -> tuple[Column, ...]:
        return tuple(Column(said("label"), "right" if place else "left") for place in range(number))

    title, fact = said("Report"), said("version")
    blocks: tuple[Block, ...] = (
        Heading(said("heading")),
        Section(said("section")),
        *(Sentence(said("sentence"), tone) for tone in ("plain", "strong", "faint", "aside", "warning", "failure")),
        Sentence(said("text"), lead=said("lead") + "."),
        Sentence(said("item"), item=True, inset=True),
        Gap(),
        Note(said("note"), inset=True),
        Table(columns(3), (Group(rows(3)),), said("table"), gap=2, inset=True, missable=("none of these",)),
        Table(
            columns(4),
            tuple(Group(rows(4), said("group"), said(", detail"), said(", remark")) for _ in range(2)),
            ruled=True,
            stacks=(Stack(1, 12),),
        ),
        Table(columns(40), (Group(rows(40)),)),  # on no screen is there room for all of them beside one another
        Table((Column("words", "left"),), (Group(((said(_FOREIGN),), (said(_OBEYED),))),)),
        Figure(said("figure"), (f"{next(numbers)}.png", f"{next(numbers)}.svg")),
    )  # fmt: skip
    return Report(title, blocks, {"version": fact})
