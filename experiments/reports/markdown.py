"""A report as Markdown: a text to hand over, in which nothing anybody wrote becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, assert_never
from urllib.parse import quote

from passaat.experiments.reports.blocks import (
    Block,
    Figure,
    Gap,
    Group,
    Heading,
    Note,
    Report,
    Section,
    Sentence,
    Table,
    text_of,
)
from passaat.shown import shown

_MARKS: Final = re.compile(r"[\\`*_{}\[\]<>|~$&@#]|:(?=\S)")
"""Letters that begin markup, a formula, or an address that becomes a link, wherever they stand."""

_WWW: Final = re.compile(r"(?i)\b(www)\.")

_AT_START: Final = re.compile(r"^(\d*)([+=.)-])")
"""What begins a list or a rule at the start of a line."""


def markdown(report: Report) -> str:
    """The report, with its title first and what it rests on last; the same bytes for the same report."""
    parts = [f"# {_text(report.title)}"]
    for block in report.blocks:
        if block != Heading(report.title):
            parts += _parts(block)
    facts = [f"- {_text(name)}: {_text(value)}" for name, value in report.facts.items() if value]
    if facts:
        parts += ["## What this rests on", "\n".join(facts)]
    return "\n\n".join(parts) + "\n"


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Heading(text) | Section(text):
            yield f"## {_text(text)}"
        case Sentence():
            yield ("- " if block.item else "") + _sentence(block)
        case Note(text):
            yield _line(text)
        case Gap():
            pass
        case Table():
            yield from _table(block)
        case Figure(name, files):
            yield f"![{_text(name)}]({quote(files[0])})"
        case _:
            assert_never(block)


def _sentence(said: Sentence) -> str:
    if said.tone == "strong":
        return _strong(said.text)
    return f"{_strong(said.lead)} {_text(said.text)}" if said.lead else _line(said.text)


def _table(table: Table) -> Iterator[str]:
    """Each group of rows as a table of its own below its heading."""
    if table.title:
        yield _strong(table.title)
    for group in table.groups:
        if group.title:
            yield _strong(group.title) + _text(group.detail) + _text(group.remark)
        yield _rows(table, group)


def _rows(table: Table, group: Group) -> str:
    lines = [
        [_text(column.label) for column in table.columns],
        ["---" if column.align == "left" else "---:" for column in table.columns],
        *([_text(text_of(cell)) for cell in row] for row in group.rows),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _strong(text: str) -> str:
    return f"**{_text(text.strip())}**"


def _line(text: str) -> str:
    """Text that stands at the start of a line."""
    return _AT_START.sub(r"\1\\\2", _text(text).lstrip())


def _text(text: str) -> str:
    r"""Text in one line that reads as it is.

    >>> _text("a|b *c*")
    'a\\|b \\*c\\*'
    """
    return _WWW.sub(r"\1\\.", _MARKS.sub(r"\\\g<0>", shown(text.replace("\n", " "))))
