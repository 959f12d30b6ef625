"""Words for shares of draws: the scale of the Intergovernmental Panel on Climate Change, always beside the number.

A word is that of the lower end of the interval of its share, so that it is not taken back by the next forty draws.
Mastrandrea et al. (2010), Guidance Note for Lead Authors of the IPCC Fifth Assessment Report, table 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from passaat.experiments.stats.shares import Shares

LIKELY: Final = 0.66
ABOUT_AS_LIKELY: Final = 0.33

SCALE: Final = (
    (0.99, "virtually certain"),
    (0.95, "extremely likely"),
    (0.90, "very likely"),
    (LIKELY, "likely"),
    (ABOUT_AS_LIKELY, "about as likely as not"),
    (0.10, "unlikely"),
    (0.01, "very unlikely"),
)
"""Chances above which each word stands."""

Side = Literal["better", "the same", "worse", "cannot tell", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What can be said of an option: on which side it is, the word for it, and the share that it is said of."""

    side: Side
    word: str
    share: float


def word_for(chance: float) -> str:
    """The word for a chance between 0 and 1.

    >>> word_for(0.7), word_for(0.5), word_for(0.92)
    ('likely', 'about as likely as not', 'very likely')
    """
    return next((word for least, word in SCALE if chance > least), "exceptionally unlikely")


def verdict_of(shares: Shares) -> Verdict:
    """What the shares bear: a side that is at least likely at the lower end of its interval; or nobody can tell."""
    if not shares.known:
        return Verdict("unknown", "", shares.better)
    sides: tuple[tuple[Side, float, float], ...] = (
        ("better", shares.low, shares.better),
        ("worse", shares.worse_low, shares.worse),
        ("the same", shares.same_low, shares.same),
    )
    for side, low, share in sides:
        if low > LIKELY:
            return Verdict(side, word_for(low), share)
    return Verdict("cannot tell", "about as likely as not", shares.better)
