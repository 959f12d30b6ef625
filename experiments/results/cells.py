"""Values as cells of a table that other programs read."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Text that begins like this is a formula to a spreadsheet, which carries it out."""


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV, every cell as ``csv_value``; the same bytes for the same values."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(map(csv_value, row) for row in (header, *rows))
    return out.getvalue()


def csv_value(value: object) -> object:
    """A value for a table: nine significant digits, nothing where there is no number, no text that is a formula."""
    if isinstance(value, float):
        return f"{value:.9g}" if math.isfinite(value) else ""
    return no_formula(value) if isinstance(value, str) else value


def no_formula(text: str) -> str:
    """Text for a cell: with an apostrophe before it where a spreadsheet would take it for a formula.

    >>> no_formula("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text
