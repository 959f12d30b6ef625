"""Column tables: how the state of many agents is declared, stored and read.

A table is declared once, as a ``NamedTuple`` class whose fields carry unit and meaning. It is stored as one
structured NumPy array (one record per agent), because compiled code then receives a dozen arrays instead of
hundreds: compiling 40 rules over 192 columns took 10 s against 65 s with an array per column, at equal speed.

The same declaration is read in two ways:

* compiled rules receive the structured arrays and read ``world.firms.turnover_eur[i]``;
* interpreted rules and analysts receive the declared ``NamedTuple`` of column views on the same memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """Unit and meaning of one column of a table."""

    unit: str
    meaning: str


class ValueRange(NamedTuple):
    """What a lever or a parameter may be: from ``minimum`` to ``maximum`` in ``unit``, and whether in whole numbers."""

    minimum: float
    maximum: float
    unit: str
    whole: bool = False


class DeclaredColumn(NamedTuple):
    """One column as declared: name, NumPy type, unit and meaning."""

    name: str
    dtype: np.dtype[Any]
    unit: str
    meaning: str


@lru_cache
def declared_columns(table: type) -> tuple[DeclaredColumn, ...]:
    """Read the columns of a table class, in order.

    Raises:
        TypeError: a field without unit and meaning.
    """
    columns = []
    for name, hint in get_type_hints(table, include_extras=True).items():
        notes = [note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Column)]
        if not notes:
            raise TypeError(f"{table.__name__}.{name} is declared without unit and meaning")
        array_type = get_args(hint)[0]
        dtype = np.dtype(np.int64) if array_type == IntColumn else np.dtype(np.float64)
        columns.append(DeclaredColumn(name, dtype, notes[0].unit, notes[0].meaning))
    return tuple(columns)


@lru_cache
def record_type(table: type) -> np.dtype[Any]:
    """The structured NumPy type in which rows of a table are stored."""
    return np.dtype([(column.name, column.dtype) for column in declared_columns(table)])


def allocate(table: type, rows: int) -> NDArray[Any]:
    """A table of ``rows`` records, all zero."""
    return np.zeros(rows, dtype=record_type(table))


def column_views(table: type, records: NDArray[Any]) -> Any:
    """The declared ``NamedTuple`` whose columns are views on ``records``: writing to one writes to the other."""
    return table(*(records[name] for name in records.dtype.names or ()))


def memory_views(table: type, records: NDArray[Any]) -> Any:
    """As ``column_views``, but of plain Python numbers: what interpreted rules read four times faster."""
    columns: list[Any] = [records[name] for name in records.dtype.names or ()]
    return table(*(memoryview(column) for column in columns))


def contiguous_columns(table: type, rows: int) -> Any:
    """A table stored column by column, all zero: dearer to compile than records, faster to scan."""
    declared = declared_columns(table)
    block = np.zeros((len(declared), rows), dtype=np.int64)
    return table(*(block[place].view(column.dtype) for place, column in enumerate(declared)))
