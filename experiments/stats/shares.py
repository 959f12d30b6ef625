"""In what share of parameter draws an option is better, the same, or worse, with the luck of worlds taken out.

Each draw's mean difference, in units of its own standard error, is a true difference d_i plus luck of about one. The
distribution of the d_i over draws is estimated as it is, with no shape believed in, by the maximum of its likelihood on
a grid, stopped early (Kiefer and Wolfowitz 1956; Laird 1978: steps of expectation and maximisation); what is known of a
single draw follows by Bayes (Efron 2010, Large-Scale Inference, ch. 1). A normal form, which is what is believed in
where only mean and variance are used, turned a true 97 per cent into 80 to 93 where effects are skewed. In units of its
own error a draw of much luck, mostly one of large effects, does not stand for the others.

Where luck hides the sign of most draws no method finds the share: signs of the draws' means are then counted as they
are, which draws every share towards one half, and it is said that more worlds are needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

LEAST_TOLD: Final = 0.5
"""Luck is taken out where at least so much of the draws' signs is told: over simulated studies the mean share is then
within two points of the truth, and below it is not (benchmarks/shares.py)."""

STEPS: Final = 50
"""Steps of the estimate. More fit the luck of the draws: the spread of a share rises, its bias falls no further."""

FREEDOM: Final = 30.0
"""Degrees of freedom of a draw's mean over its error, which is moderated by that of all draws."""

FARTHEST: Final = 60.0
"""Differences of more standard errors are as sure as this."""

_INSIDE: Final = np.arange(-6.0, 6.01, 0.1) + 0.05
_OUTSIDE: Final = np.geomspace(6.3, FARTHEST, 20)
GRID: Final[Floats] = np.concatenate([-_OUTSIDE[::-1], _INSIDE[:-1], _OUTSIDE])
"""Standard errors that a true difference may be from zero; zero itself is not among them."""

SPREAD_OF_SIGNS: Final = 3.0
"""A share rests on as many draws as draws / (1 + 3 x what is not told): fitted to the spread over simulated studies."""

SCORE: Final = 1.6448536269514722
"""Standard normal deviate that leaves 5 per cent above it: intervals of shares are the central 90 per cent."""

NAN: Final = float("nan")


@dataclass(frozen=True)
class Shares:
    """Shares of parameter draws in which an option is better, the same and worse than the reference (0 to 1).

    They sum to one; all are nan where there is nothing to say: no favourable direction, one draw, or one world a draw.

    Attributes:
        low, high: 5 to 95 per cent of ``better``; what few draws and luck leave open.
        worse_low, worse_high: of ``worse``. same_low: lower end of ``same``.
        told: part of the draws' signs that luck leaves to be seen, 0 to 1. Below ``LEAST_TOLD`` luck is not taken out.
        draws: number of draws that have a value.
    """

    better: float
    same: float
    worse: float
    low: float
    high: float
    worse_low: float
    worse_high: float
    same_low: float
    told: float
    draws: int

    @property
    def known(self) -> bool:
        """Whether there is anything to say."""
        return math.isfinite(self.better)

    @property
    def ahead(self) -> float:
        """Share of draws in which the option is ahead, those in which the two are alike counting half."""
        return self.better + 0.5 * self.same

    def turned(self) -> Shares:
        """The same with better and worse exchanged."""
        return Shares(
            self.worse, self.same, self.better, self.worse_low, self.worse_high,
            self.low, self.high, self.same_low, self.told, self.draws,
        )  # fmt: skip

    @property
    def mostly_luck(self) -> bool:
        """Whether luck hides so much that it is not taken out."""
        return self.known and self.told < LEAST_TOLD


NOTHING_TO_SAY: Final = Shares(*(NAN,) * 9, 0)


@dataclass(frozen=True)
class TrueDifferences:
    """What is known of the true difference of each draw.

    Attributes:
        above, below: probability that the true difference is above and below zero; they leave what is exactly zero.
        told: part of the signs that is told.
    """

    above: Floats
    below: Floats
    told: float


def true_differences(means: Floats, noise: Floats) -> TrueDifferences:
    """What is known of each draw's true difference.

    Args:
        means: mean difference of each draw, shape (n_draws,).
        noise: variance of each that is luck; 0 where the mean is known, as where nothing differs in any world.
    """
    errors = np.sqrt(noise)
    lucky = errors > 0.0
    ratio = np.divide(means, errors, out=np.zeros_like(means), where=lucky)
    ratio = np.clip(ratio, -FARTHEST, FARTHEST)
    hidden = np.where(lucky, special.ndtr(-np.abs(ratio)), 0.0)
    told = float(1.0 - 4.0 * np.minimum(hidden, 0.25).mean())
    above, below = (means > 0.0).astype(np.float64), (means < 0.0).astype(np.float64)
    if told < LEAST_TOLD or not lucky.any():
        undecided = lucky & (means == 0.0)
        above[undecided] = below[undecided] = 0.5
        return TrueDifferences(above, below, told)
    above[lucky] = _of_each_draw(ratio[lucky])[:, GRID > 0.0].sum(axis=1)
    below[lucky] = 1.0 - above[lucky]
    return TrueDifferences(above, below, told)


def _of_each_draw(ratio: Floats) -> Floats:
    """Weight of each value of the grid for each draw, shape (n_draws, n_values); rows sum to one."""
    gap = ratio[:, None] - GRID
    likelihood = (1.0 + np.square(gap) / FREEDOM) ** (-0.5 * (FREEDOM + 1.0))
    scale = math.sqrt(max(1.0, float(np.square(ratio).mean())))
    spread = np.exp(-0.5 * np.square(GRID / scale)) * np.gradient(GRID)
    spread /= spread.sum()
    for _ in range(STEPS):
        weights = likelihood * spread
        weights /= weights.sum(axis=1, keepdims=True)
        spread = weights.mean(axis=0)
    weights = likelihood * spread
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def shares_of(found: TrueDifferences, *, higher_is_better: bool) -> Shares:
    """Shares of draws, with their intervals, of two draws or more."""
    draws = len(found.above)
    above, below = float(found.above.mean()), float(found.below.mean())
    better, worse = (above, below) if higher_is_better else (below, above)
    same = max(0.0, 1.0 - better - worse)
    resting_on = draws / (1.0 + SPREAD_OF_SIGNS * (1.0 - found.told))
    return Shares(
        better, same, worse, *share_interval(better, resting_on), *share_interval(worse, resting_on),
        share_interval(same, draws)[0], found.told, draws,
    )  # fmt: skip


def share_interval(share: float, draws: float) -> tuple[float, float]:
    """5 to 95 per cent of a share found in so many draws (Wilson 1927; see Brown, Cai and DasGupta 2001)."""
    square = SCORE**2
    middle = (share + 0.5 * square / draws) / (1.0 + square / draws)
    reach = (
        SCORE / (1.0 + square / draws) * math.sqrt(share * (1.0 - share) / draws + 0.25 * square / draws**2)
    )
    return max(0.0, min(middle - reach, share)), min(1.0, max(middle + reach, share))


def worlds_needed(found: Shares, worlds: int) -> int | None:
    """Worlds a draw with which enough signs would be told; None where so few are told that it cannot be worked out.

    Of normal true differences with a standard deviation of s errors, 4 arctan(sqrt(1 + s^2)) / pi - 1 of the signs are
    told, and s^2 grows with the number of worlds.
    """
    if not found.mostly_luck or found.told < 0.03:
        return None if found.mostly_luck else worlds
    now, wanted = (math.tan(0.25 * math.pi * (1.0 + told)) ** 2 - 1.0 for told in (found.told, LEAST_TOLD))
    return math.ceil(worlds * wanted / now)
