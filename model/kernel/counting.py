"""Counting in whole numbers, for outcomes: parts, the largest few, order, and inequality."""

from __future__ import annotations

import math
from typing import Any

from passaat.model.kernel.rules import rule


@rule
def part_of(part: float, whole: float) -> float:
    """A part of a whole; no number where there is no whole."""
    return part / whole if whole > 0.0 else math.nan


@rule
def take_largest(values: Any, n: int, how_many: int) -> int:
    """Sum of so many largest of the first ``n`` whole numbers, none negative; each one taken is left as zero."""
    total = 0
    for _ in range(how_many):
        largest, place = 0, 0
        for i in range(n):
            if values[i] > largest:
                largest, place = values[i], i
        if largest > 0:
            total += largest
            values[place] = 0
    return total


@rule
def sort_up(values: Any, n: int) -> None:
    """Sort the first ``n`` values in place, smallest first: those far apart at first, then ever closer ones."""
    distance = 1
    while distance < n:
        distance = 3 * distance + 1
    while distance > 1:
        distance = distance // 3
        for i in range(distance, n):
            value, place = values[i], i
            while place >= distance and values[place - distance] > value:
                values[place] = values[place - distance]
                place -= distance
            values[place] = value


@rule
def gini(ascending: Any, n: int) -> float:
    """Gini coefficient of ``n`` sorted amounts, none negative: 0 if all are equal, near 1 if one has everything.

    It adds up the differences of all pairs: the largest and the smallest, the next two, and so on, each with its
    weight. No number without any amount.
    """
    total, apart = 0, 0.0
    for i in range(n):
        total += ascending[i]
    for i in range(n // 2):
        apart += float(n - 1 - 2 * i) * float(ascending[n - 1 - i] - ascending[i])
    return part_of(apart, float(n) * float(total))
