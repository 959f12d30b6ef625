"""What every rule is made with: the decorator, and arithmetic that gives the same bits compiled and interpreted.

A rule is a plain function ``rule(world, row) -> None`` of scalar Python. ``@rule`` leaves it a plain function for the
Mesa driver and makes it callable from compiled code. Rules use only ``+ - * /``, ``math.sqrt``, ``math.floor`` and
``math.fabs``, which the standard of floating-point arithmetic fixes to the last bit, ``exp`` and ``log`` of
``model/kernel/elementary.py``, and the helpers below: no other function of ``math``, no powers, no NumPy functions on
scalars, no ``min`` or ``max`` (they differ between drivers for signed zeros).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar

from numba.extending import register_jitable

RuleFunction = TypeVar("RuleFunction", bound=Callable[..., Any])


def rule(function: RuleFunction) -> RuleFunction:
    """Mark a function of scalars, or of (world, row), as callable from compiled code."""
    marked: RuleFunction = register_jitable(error_model="numpy", _nrt=False, forceinline=True)(function)
    return marked


SMALLEST_DIVISOR: Final = 1.0e-9
"""A guard: what is smaller is divided by this."""


@rule
def clip(x: float, low: float, high: float) -> float:
    """``x``, or the bound that it passes."""
    if x < low:
        return low
    if x > high:
        return high
    return x


@rule
def larger(a: float, b: float) -> float:
    """The larger of two numbers; the first if equal."""
    return b if b > a else a


@rule
def smaller(a: float, b: float) -> float:
    """The smaller of two numbers; the first if equal."""
    return b if b < a else a


@rule
def towards_one(x: float, step: float) -> float:
    """Close the share ``step`` (0 to 1) of the distance between ``x`` and one."""
    return x + clip(step, 0.0, 1.0) * (1.0 - x)


@rule
def between(u: float, low: float, high: float) -> float:
    """The number at share ``u`` of the way from ``low`` to ``high``."""
    return low + u * (high - low)


@rule
def whole(x: float) -> int:
    """The nearest whole number (halves up); for counts of quarters and members that are drawn as real numbers."""
    return int(math.floor(x + 0.5))


@rule
def whole_cents(eur: float) -> int:
    """An amount in euros, rounded to whole cents (halves up)."""
    return int(math.floor(eur * 100.0 + 0.5))
