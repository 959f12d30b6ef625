"""Numbers as people read them: one scale and one number of decimals for an outcome, wherever it is shown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from passaat.experiments.stats.pairing import Interval, surest
from passaat.experiments.stats.shares import Shares

NOTHING: Final = "–"
"""Shown where a number does not exist."""


@dataclass(frozen=True)
class Scale:
    """How numbers of one outcome are written.

    Attributes:
        divisor: what a raw value is divided by, for example 1e6 for millions.
        unit: unit after division, as written, for example "M EUR".
        decimals: digits after the point.
        difference_unit: unit of a difference: percentage points where the level is a percentage.
    """

    divisor: float
    unit: str
    decimals: int
    difference_unit: str

    def level(self, value: float) -> str:
        """A level, with thousands separated; a dash where there is none."""
        if not math.isfinite(value):
            return NOTHING
        text = f"{value / self.divisor:,.{self.decimals}f}"
        return text if text.strip("-0.,") else text.removeprefix("-")

    def signed(self, value: float) -> str:
        """A difference, with its sign; a plain zero where it rounds to nothing."""
        text = self.level(value)
        positive = math.isfinite(value) and value > 0.0 and text.strip("0.,") != ""
        return f"+{text}" if positive else text

    def between(self, interval: Interval, *, signed: bool = True) -> str:
        """A range, "low to high"; a dash where it is unknown."""
        if not math.isfinite(interval.low):
            return NOTHING
        write = self.signed if signed else self.level
        return f"{write(interval.low)} to {write(interval.high)}"


def scale_for(unit: str, levels: Iterable[float], errors: Iterable[float]) -> Scale:
    """Scale for an outcome: by the size of its levels; decimals by the size of its Monte Carlo errors.

    The smallest error shows a digit, unless it is far smaller than the largest; never more than three
    decimals.
    """
    largest = max((abs(v) for v in levels if math.isfinite(v)), default=0.0)
    if unit == "EUR":
        divisor, shown = next(
            ((size, name) for size, name in ((1e6, "M EUR"), (1e3, "k EUR")) if largest >= size), (1.0, "EUR")
        )
        difference_unit = shown
    elif unit == "share":
        divisor, shown, difference_unit = 0.01, "%", "percentage points"
    else:
        shown = "" if unit == "ratio" else unit
        divisor, difference_unit = 1.0, shown
    nonzero = sorted(abs(e) / divisor for e in errors if math.isfinite(e) and e != 0.0)
    if nonzero:
        decimals = min(-math.floor(math.log10(nonzero[0])), 1 - math.floor(math.log10(nonzero[-1])))
    else:
        decimals = 0 if largest / divisor >= 100.0 else 1
    return Scale(divisor, shown, min(max(decimals, 0), 3), difference_unit)


def percent(share: float, draws: int) -> str:
    """A share of parameter draws as a whole percentage; never surer than this number of draws can show.

    With 40 draws, 1 in 41 is the limit: "<3 %" and ">97 %".
    """
    if not math.isfinite(share):
        return NOTHING
    least = surest(draws)
    if share <= least:
        return f"<{math.ceil(100.0 * least)} %"
    if share >= 1.0 - least:
        return f">{math.floor(100.0 * (1.0 - least))} %"
    return f"{100.0 * share:.0f} %"


def three_shares(shares: Shares) -> str:
    """Shares of draws that are better, the same and worse, in whole per cent; "~" before what is mostly luck."""
    if not shares.known:
        return NOTHING
    better, same, worse = _whole_percent((shares.better, shares.same, shares.worse))
    return f"{'~' if shares.mostly_luck else ''}{better} / {same} / {worse}"


def share_and_range(shares: Shares, share: float) -> str:
    """A share with 5 to 95 per cent of it: "81 %, 66-91"."""
    ends = (shares.low, shares.high) if share == shares.better else (shares.worse_low, shares.worse_high)
    return f"{percent(share, shares.draws)}, {100.0 * ends[0]:.0f}–{100.0 * ends[1]:.0f}"


def _whole_percent(shares: tuple[float, ...]) -> tuple[int, ...]:
    """Whole percentages that sum to a hundred: what is left over goes to the largest remainders."""
    exact = [100.0 * one for one in shares]
    whole = [math.floor(round(one, 6)) for one in exact]
    order = sorted(range(len(exact)), key=lambda place: whole[place] - round(exact[place], 6))
    for place in order[: 100 - sum(whole)]:
        whole[place] += 1
    return tuple(whole)


def times(ratio: float) -> str:
    """A variance ratio: "12×"; a dash where it does not exist."""
    if math.isnan(ratio):
        return NOTHING
    if math.isinf(ratio):
        return "exact"
    return f"{ratio:,.0f}×" if ratio >= 10.0 else f"{ratio:.1f}×"
