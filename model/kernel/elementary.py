"""``exp`` and ``log`` in the rules' own arithmetic, so that every machine computes the same bits.

The functions of a C library differ in the last digit from system to system, and within one library from processor to
processor. These use + - * /, comparisons and whole numbers only, which IEEE 754 fixes to the last bit; results are at
most one unit in the last place from the correctly rounded ones, at both ends of the range too
(``tests/model/kernel/test_elementary.py``). The methods are those of Tang, ACM Transactions on Mathematical Software 15
(1989), 144-157, and 16 (1990), 378-400; ``model/kernel/elementary_tables.py`` holds the constants and is generated.

``exp(inf)`` is inf, ``exp(-inf)`` 0, ``log(0)`` -inf, ``log(inf)`` inf, the logarithm of a negative number nan, as is
each function of nan. Nothing is raised.

They are rules like others, compiled or interpreted. Only what reads and sets the bits of a number is compiled always:
Python has no access to them.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from passaat.model.kernel import elementary_tables as tables
from passaat.model.kernel.machine_code import kept_njit
from passaat.model.kernel.rules import rule

EXP_LARGEST: Final = 710.0
"""Above this the result is inf; the product of powers overflows by itself from 709.79 on."""
EXP_SMALLEST: Final = -746.0
"""Below this the result is 0; the product of powers vanishes by itself from -745.14 down."""
NEAR_ONE: Final = 0.0625
"""Closer to one than this, the logarithm is a series in the distance: a sum with a table would lose digits."""
SMALLEST_NORMAL: Final = 2.0**-1022
LARGEST: Final = 2.0**1023 * (2.0 - 2.0**-52)
SMALLEST_EXPONENT: Final = -1022
LARGEST_EXPONENT: Final = 1023
"""The exponents of normal numbers. A power of two that is none is made in two steps, since the result may be one."""

_STEPS_PER_ONE: Final = tables.EXP_STEPS_PER_ONE
_STEP_HIGH: Final = tables.EXP_STEP_HIGH
_STEP_LOW: Final = tables.EXP_STEP_LOW
_POWERS: Final = np.array(tables.POWERS)
_LN2_HIGH: Final = tables.LN2_HIGH
_LN2_LOW: Final = tables.LN2_LOW
_LOGARITHMS: Final = np.array(tables.LOGARITHMS)

_TWO_TO_54: Final = 2.0**54
_FRACTION_BITS: Final = 52
_FRACTION: Final = (1 << _FRACTION_BITS) - 1
_BIAS: Final = 1023
_ONE: Final = _BIAS << _FRACTION_BITS
"""The bits of 1.0."""
_ROUNDER: Final = 1.5 * 2.0**52
"""A number below 2^51 added to this one is rounded to a whole number, which then stands in the last bits of the sum."""
_ROUNDER_BITS: Final = ((_BIAS + 52) << _FRACTION_BITS) | (1 << (_FRACTION_BITS - 1))


@kept_njit
def _bits_of(x: float) -> int:
    """The 64 bits of a number, read as a whole one."""
    return int(np.float64(x).view(np.int64))


@kept_njit
def _with_bits(bits: int) -> float:
    """The number that has these 64 bits."""
    return np.int64(bits).view(np.float64)


@rule
def _power_of_two(k: int) -> float:
    """2^k for k from -1022 to 1023, made from its bits."""
    return _with_bits((k + _BIAS) << _FRACTION_BITS)


@rule
def exp(x: float) -> float:
    """e to the power of ``x``.

    x = (32 m + j) ln 2 / 32 + r with a whole m, j from 0 to 31 and |r| below 0.011, so that the result is 2^m times
    2^(j/32), from a table, times a short series in r.
    """
    x = float(x)
    if not EXP_SMALLEST <= x <= EXP_LARGEST:
        if x > EXP_LARGEST:
            return math.inf
        return 0.0 if x < EXP_SMALLEST else math.nan
    shifted = x * _STEPS_PER_ONE + _ROUNDER
    steps = shifted - _ROUNDER
    n = _bits_of(shifted) - _ROUNDER_BITS
    j, m = n & 31, n >> 5
    # The rest is kept as two numbers; the first product is exact, and so is the difference.
    high = x - steps * _STEP_HIGH
    low = -steps * _STEP_LOW
    r = high + low
    t = r * r
    tail = t * ((1 / 2 + r * (1 / 6)) + t * ((1 / 24 + r * (1 / 120)) + t * (1 / 720)))
    power = float(_POWERS[j, 0])
    scaled = power + (float(_POWERS[j, 1]) + power * (high + (low + tail)))
    if SMALLEST_EXPONENT <= m <= LARGEST_EXPONENT:
        return scaled * _power_of_two(m)
    half = m >> 1
    return scaled * _power_of_two(half) * _power_of_two(m - half)


@rule
def log(x: float) -> float:
    """The natural logarithm of ``x``.

    Near one, a series in the distance from one. Elsewhere x = 2^m z with z from 1 to 2, and z is compared with the
    nearest F = 1 + j/128: log x = m ln 2 + log F, from a table, + log(1 + r), a short series in r = (z - F) / F.
    """
    x = float(x)
    m = -_BIAS
    if not SMALLEST_NORMAL <= x <= LARGEST:
        if not x > 0.0:
            return -math.inf if x == 0.0 else math.nan
        if x > LARGEST:
            return x
        x = x * _TWO_TO_54
        m = -_BIAS - 54
    distance = x - 1.0
    if math.fabs(distance) < NEAR_ONE:
        s = distance / (2.0 + distance)
        t = s * s
        rest = 2.0 * s * t * (1 / 3 + t * (1 / 5 + t * (1 / 7 + t * (1 / 9 + t * (1 / 11)))))
        # The first term of the series is 2 s = distance - s * distance; written so, its large part is not rounded.
        return distance - (s * distance - rest)
    bits = _bits_of(x)
    m += bits >> _FRACTION_BITS
    fraction = bits & _FRACTION
    j = ((fraction >> (_FRACTION_BITS - 8)) + 1) >> 1
    # Exact: F has eight binary digits, and z lies close by.
    difference = _with_bits(fraction | _ONE) - _with_bits((j << (_FRACTION_BITS - 7)) + _ONE)
    r = difference * float(_LOGARITHMS[j, 0])
    t = r * r
    rest = t * ((r * (1 / 3) - 1 / 2) + t * ((r * (1 / 5) - 1 / 4) + t * (r * (1 / 7) - 1 / 6)))
    # The sum of the first parts is exact.
    return (m * _LN2_HIGH + float(_LOGARITHMS[j, 1])) + (
        r + (rest + (float(_LOGARITHMS[j, 2]) + m * _LN2_LOW))
    )


@kept_njit
def _exp_of_each(values: NDArray[np.float64], results: NDArray[np.float64]) -> None:
    for i in range(values.shape[0]):
        results[i] = exp(values[i])


@kept_njit
def _log_of_each(values: NDArray[np.float64], results: NDArray[np.float64]) -> None:
    for i in range(values.shape[0]):
        results[i] = log(values[i])


def exp_of_each(values: ArrayLike) -> NDArray[np.float64]:
    """``exp`` of each number, in an array of the same shape; the same bits as one by one."""
    return _of_each(_exp_of_each, values)


def log_of_each(values: ArrayLike) -> NDArray[np.float64]:
    """``log`` of each number, in an array of the same shape; the same bits as one by one."""
    return _of_each(_log_of_each, values)


def _of_each(function: Any, values: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(values, dtype=np.float64)
    results = np.empty(given.size)
    function(np.ascontiguousarray(given).ravel(), results)
    return results.reshape(given.shape)
