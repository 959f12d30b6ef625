"""Keyed random draws: who draws, when and for which decision fix the number, so that no draw disturbs another.

Every draw is a hash of (key, tick, purpose). The key says what an entity *is* (it holds the world seed), the tick
is the quarter, the purpose is the decision (``model/kernel/purposes.py``). Adding an agent, an option or an unused
draw leaves every other draw untouched, and two policies give the same firm the same luck wherever its situation is
the same.

The mixing function is the finaliser of SplitMix64 (Steele, Lea and Flood 2014), applied twice; one application over
a packed counter fails statistical batteries, two do not (``tests/model/kernel/test_draws.py``). Normals come from
the inverse of the normal distribution (algorithm AS 241, Wichura 1988), which is monotone: paired worlds stay coupled.

What works on 64 bits is compiled also when rules are interpreted, because Python has no wrap-around of its own. It
calls nothing from other files: Numba, which keeps it on disk, would not notice that they changed.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from passaat.model.kernel.elementary import log
from passaat.model.kernel.machine_code import kept_njit
from passaat.model.kernel.rules import rule

GOLDEN_RATIO: Final = 0.6180339887498949
"""Steps of this length, wrapped at one, spread any number of points evenly."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_SHIFT_30 = np.uint64(30)
_SHIFT_27 = np.uint64(27)
_SHIFT_31 = np.uint64(31)
_SHIFT_32 = np.uint64(32)
_SHIFT_12 = np.uint64(12)
_TWO_TO_MINUS_52 = 1.0 / 4503599627370496.0


@kept_njit
def _finalise(z: np.uint64) -> np.uint64:
    z = (z ^ (z >> _SHIFT_30)) * _MIX_A
    z = (z ^ (z >> _SHIFT_27)) * _MIX_B
    return z ^ (z >> _SHIFT_31)


@kept_njit
def _hash(key: int, tick: int, purpose: int) -> np.uint64:
    when_and_why = (np.uint64(tick) << _SHIFT_32) ^ np.uint64(purpose)
    return _finalise(np.uint64(key) + _GOLDEN * _finalise(when_and_why + _GOLDEN))


@kept_njit
def combine(key: int, other: int) -> Any:
    """The key of a pair, or of an entity numbered ``other`` within ``key``; order matters. Returns an int64."""
    return np.int64(_finalise(_finalise(np.uint64(key) + _GOLDEN) + np.uint64(other)))


@kept_njit
def uniform(key: int, tick: int, purpose: int) -> float:
    """A number in the open interval (0, 1), from 52 bits plus a half."""
    return (np.float64(_hash(key, tick, purpose) >> _SHIFT_12) + 0.5) * _TWO_TO_MINUS_52


@rule
def log_odds(u: float) -> float:
    """A standard logistic number from a uniform one in (0, 1)."""
    return log(u / (1.0 - u))


@rule
def normal(key: int, tick: int, purpose: int) -> float:
    """A standard normal number, monotone in the uniform draw of the same key, tick and purpose."""
    return inverse_normal(uniform(key, tick, purpose))


@rule
def inverse_normal(p: float) -> float:
    """The standard normal quantile of ``p`` in (0, 1), relative error about 1e-16 (AS 241, routine PPND16)."""
    q = p - 0.5
    if math.fabs(q) <= 0.425:
        r = 0.180625 - q * q
        return (
            q
            * (
                (
                    (
                        (
                            (
                                (
                                    (2509.0809287301226727 * r + 33430.575583588128105) * r
                                    + 67265.770927008700853
                                )
                                * r
                                + 45921.953931549871457
                            )
                            * r
                            + 13731.693765509461125
                        )
                        * r
                        + 1971.5909503065514427
                    )
                    * r
                    + 133.14166789178437745
                )
                * r
                + 3.387132872796366608
            )
            / (
                (
                    (
                        (
                            (
                                (
                                    (5226.495278852545925 * r + 28729.085735721942674) * r
                                    + 39307.89580009271061
                                )
                                * r
                                + 21213.794301586595867
                            )
                            * r
                            + 5394.1960214247511077
                        )
                        * r
                        + 687.1870074920579083
                    )
                    * r
                    + 42.313330701600911252
                )
                * r
                + 1.0
            )
        )
    r = p if q < 0.0 else 1.0 - p
    r = math.sqrt(-log(r))
    if r <= 5.0:
        r -= 1.6
        value = (
            (
                (
                    (
                        (
                            (
                                (7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r
                                + 0.24178072517745061177
                            )
                            * r
                            + 1.27045825245236838258
                        )
                        * r
                        + 3.64784832476320460504
                    )
                    * r
                    + 5.7694972214606914055
                )
                * r
                + 4.6303378461565452959
            )
            * r
            + 1.42343711074968357734
        ) / (
            (
                (
                    (
                        (
                            (
                                (1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r
                                + 0.0151986665636164571966
                            )
                            * r
                            + 0.14810397642748007459
                        )
                        * r
                        + 0.68976733498510000455
                    )
                    * r
                    + 1.6763848301838038494
                )
                * r
                + 2.05319162663775882187
            )
            * r
            + 1.0
        )
    else:
        r -= 5.0
        value = (
            (
                (
                    (
                        (
                            (
                                (2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                                + 0.0012426609473880784386
                            )
                            * r
                            + 0.026532189526576123093
                        )
                        * r
                        + 0.29656057182850489123
                    )
                    * r
                    + 1.7848265399172913358
                )
                * r
                + 5.4637849111641143699
            )
            * r
            + 6.6579046435011037772
        ) / (
            (
                (
                    (
                        (
                            (
                                (2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r
                                + 1.8463183175100546818e-5
                            )
                            * r
                            + 7.868691311456132591e-4
                        )
                        * r
                        + 0.0148753612908506148525
                    )
                    * r
                    + 0.13692988092273580531
                )
                * r
                + 0.59983220655588793769
            )
            * r
            + 1.0
        )
    return -value if q < 0.0 else value
