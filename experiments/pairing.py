"""What a paired, two-level comparison says: pure statistics of differences, without model, files or clock.

Every function takes differences (option minus reference) as an array of shape (n_draws, n_worlds): one row
per parameter draw, one column per world seed of that draw. A cell that is missing (a run failed, or the
outcome does not exist in that world) is nan; it drops out on both sides of its pair.

The three uncertainties are kept apart, as a one-way random-effects model does it,

    d[i, j] = mu + a[i] + e[i, j],    Var(a) = between (parameters),    Var(e) = within (luck),

with mu the mean difference, a[i] what parameter draw i adds and e[i, j] the luck of world j under draw i.
Luck may be larger under some parameters than under others: what is said of a single draw uses the luck of
that draw.

Sources:
    Searle, Casella and McCulloch (1992), Variance Components, ch. 3: the split for unequal numbers per row.
    Louis (1984), Journal of the American Statistical Association 79, 393-398: shrunken values whose spread
    is the spread of the true values, and not less, as with ordinary shrinkage.
    Smyth (2004), Statistical Applications in Genetics and Molecular Biology 3(1), article 3, s. 6: the
    variance of each of many small groups, moderated by that of all.
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., s. 5.4: what is known of a row's true mean.
    Law (2015), Simulation Modeling and Analysis, 5th ed., s. 11.2: common random numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Direction = Literal["higher", "lower", "neither"]

LOW: Final = 0.05
HIGH: Final = 0.95
"""Every range is the central 90 per cent: 5 to 95 per cent."""

NAN: Final = float("nan")


@dataclass(frozen=True)
class Interval:
    """A range from 5 to 95 per cent, in the outcome's unit; nan at both ends where the data cannot tell."""

    low: float
    high: float


UNKNOWN: Final = Interval(NAN, NAN)


@dataclass(frozen=True)
class VarianceSplit:
    """Differences taken apart into parameters and luck.

    Attributes:
        mean: mean over draws of the draws' means, each draw counting once.
        error: Monte Carlo standard error of ``mean``.
        between: variance between the true means of parameter draws; nan with one draw or one world per draw.
        within: variance between worlds of one draw (luck); nan with one world per draw.
        draw_means: mean difference of each draw that has a valid pair.
        worlds: number of valid pairs of each of those draws.
        noise: variance of each draw's mean that is simulation noise, its own luck moderated by that of all
            draws.
    """

    mean: float
    error: float
    between: float
    within: float
    draw_means: Floats
    worlds: Floats
    noise: Floats

    @property
    def pairs(self) -> int:
        """Number of valid pairs."""
        return int(self.worlds.sum())


def paired_differences(option: Floats, reference: Floats) -> Floats:
    """Option minus reference, cell by cell; nan where either side is missing or not finite.

    Raises:
        ValueError: the two have different shapes or are not (n_draws, n_worlds).
    """
    if option.shape != reference.shape or option.ndim != 2:
        raise ValueError(
            f"pairs need equal shapes (n_draws, n_worlds), not {option.shape} and {reference.shape}"
        )
    valid = np.isfinite(option) & np.isfinite(reference)
    return np.where(valid, np.where(valid, option, 0.0) - np.where(valid, reference, 0.0), np.nan)


def split_variance(differences: Floats) -> VarianceSplit:
    """Split the variance of differences into parameters (between draws) and luck (within draws).

    With n_i valid pairs in draw i, m_i their mean, N = sum n_i over A draws:

        within  = sum_ij (d_ij - m_i)^2 / (N - A)
        between = max(0, sum_i (m_i - mean)^2 / (A - 1) - sum_i s_i^2 / n_i / A)
        mean    = sum_i m_i / A,   error^2 = sum_i (m_i - mean)^2 / (A (A - 1))

    with s_i^2 the variance within draw i (unweighted analysis-of-variance estimators, unbiased also where
    luck differs between draws; Searle, Casella and McCulloch 1992, ch. 3; with equal n_i the usual ones).
    Worlds of one draw share its parameters and are not independent evidence on the mean: the error
    therefore comes from the draws' means. With a single draw only luck is left, and the error is that of a
    plain mean under these parameters.
    """
    rows = [row[np.isfinite(row)] for row in differences]
    rows = [row for row in rows if row.size]
    if not rows:
        nothing = np.empty(0)
        return VarianceSplit(NAN, NAN, NAN, NAN, nothing, nothing, nothing)
    worlds = np.array([row.size for row in rows], dtype=np.float64)
    means = np.array([float(row.mean()) for row in rows])
    n_draws, n_pairs = len(rows), float(worlds.sum())
    mean = float(means.mean())

    freedom = n_pairs - n_draws
    squares = np.array([float(np.square(row - m).sum()) for row, m in zip(rows, means, strict=True)])
    within = float(squares.sum()) / freedom if freedom > 0 else NAN
    noise = moderated_variances(squares, worlds - 1.0) / worlds if freedom > 0 else np.full(n_draws, NAN)
    if n_draws == 1:
        return VarianceSplit(mean, math.sqrt(within / n_pairs), NAN, within, means, worlds, noise)

    spread = float(np.square(means - mean).sum()) / (n_draws - 1)
    own = np.divide(squares, worlds - 1.0, out=np.full(n_draws, within), where=worlds > 1.0) / worlds
    between = max(0.0, spread - float(own.mean())) if freedom > 0 else NAN
    return VarianceSplit(mean, math.sqrt(spread / n_draws), between, within, means, worlds, noise)


def moderated_variances(squares: Floats, freedom: Floats) -> Floats:
    """Variance within each draw, from its own few worlds and from what the other draws show.

    Variances of draws are taken to scatter around a common one as a scaled inverse chi-square with d0
    degrees of freedom,

        s~_i^2 = (d0 s0^2 + squares_i) / (d0 + freedom_i),

    with d0 and s0 from mean and variance of log s_i^2 (Smyth 2004, s. 6.2). Where the s_i^2 scatter no more
    than chance has them, all get the pooled variance; a draw in which nothing varies at all is known
    without noise.

    Args:
        squares: sum of squared deviations of each draw from its own mean, not all without freedom.
        freedom: their degrees of freedom, worlds less one; 0 for a draw of one world.
    """
    pooled = float(squares.sum() / freedom.sum())
    usable = (freedom > 0.0) & (squares > 0.0)
    moderated = np.where((freedom > 0.0) & (squares == 0.0), 0.0, pooled)
    if np.count_nonzero(usable) < 3:
        return moderated
    own_squares, own_freedom = squares[usable], freedom[usable]
    logs = np.log(own_squares / own_freedom) - special.digamma(own_freedom / 2) + np.log(own_freedom / 2)
    excess = float(np.var(logs, ddof=1) - np.mean(special.polygamma(1, own_freedom / 2)))
    if excess <= 0.0:
        return moderated
    d0 = 2.0 * _inverse_trigamma(excess)
    common = math.exp(float(np.mean(logs)) + float(special.digamma(d0 / 2)) - math.log(d0 / 2))
    moderated[usable] = (d0 * common + own_squares) / (d0 + own_freedom)
    return moderated


def _inverse_trigamma(value: float) -> float:
    """x > 0 with trigamma(x) = value, by Newton steps on 1 / trigamma, which is convex (Smyth 2004,
    appendix).
    """
    x = 0.5 + 1.0 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1.0 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x


def _reliability(split: VarianceSplit) -> Floats:
    """Share of each draw mean's variance that is not simulation noise: between / (between + noise_i)."""
    total = split.between + split.noise
    return np.divide(split.between, total, out=np.zeros_like(total), where=total > 0.0)


def range_over_draws(split: VarianceSplit) -> Interval:
    """5 to 95 per cent of the true mean differences over parameter draws, simulation noise removed.

    Draw means scatter more than the truth, by noise_i. Each is drawn towards the mean by the root of its
    reliability, mean + sqrt(B_i) (m_i - mean) with B_i = between / (between + noise_i): the shrunken
    values then have the variance ``between`` (Louis 1984). Without any variance between draws the range is
    a point; it is unknown with one draw, or one world per draw.
    """
    if math.isnan(split.between):
        return UNKNOWN
    shrunken = split.mean + np.sqrt(_reliability(split)) * (split.draw_means - split.mean)
    return _range_of(shrunken)


def range_over_worlds(differences: Floats, split: VarianceSplit) -> Interval:
    """5 to 95 per cent of the difference in a single world, parameters aside: luck around the mean.

    Quantiles of mean + (d_ij - m_i) sqrt(n_i / (n_i - 1)); the factor makes up for taking m_i from the same
    worlds. Draws with one valid world say nothing about luck and are left out; unknown if none is left.
    """
    values = [
        split.mean + (row - row.mean()) * math.sqrt(row.size / (row.size - 1))
        for row in (line[np.isfinite(line)] for line in differences)
        if row.size > 1
    ]
    return _range_of(np.concatenate(values)) if values else UNKNOWN


def chance_better(split: VarianceSplit, direction: Direction) -> float:
    """Share of parameter draws whose true mean difference is favourable, simulation noise removed (0 to 1).

    The true mean difference of draw i, given what was simulated, is normal with

        mean B_i m_i + (1 - B_i) mean    and variance B_i noise_i + (1 - B_i)^2 error^2

    (Gelman et al. 2013, s. 5.4, flat prior on the mean). The answer is the average over draws of the
    probability that it lies on the favourable side. Where draws do not differ (between = 0) this is the
    probability that the one common difference is favourable; without noise it is a plain count, in which a
    difference of exactly zero is not favourable.

    Returns nan where there is nothing to say: no favourable direction, one draw, one world per draw, or no
    difference in any world.
    """
    nothing_moves = split.within == 0.0 and not split.draw_means.any()
    if direction == "neither" or math.isnan(split.between) or nothing_moves:
        return NAN
    sign = 1.0 if direction == "higher" else -1.0
    trust = _reliability(split)
    centre = sign * (trust * split.draw_means + (1.0 - trust) * split.mean)
    spread = np.sqrt(trust * split.noise + np.square((1.0 - trust) * split.error))
    chances = [_chance_positive(float(c), float(s)) for c, s in zip(centre, spread, strict=True)]
    return math.fsum(chances) / len(chances)


def _chance_positive(mean: float, deviation: float) -> float:
    """P(X > 0) for X normal; a plain verdict where there is no spread."""
    if deviation == 0.0:
        return 1.0 if mean > 0.0 else 0.0
    return 0.5 * math.erfc(-mean / (deviation * math.sqrt(2.0)))


def variance_reduction(option: Floats, reference: Floats) -> float:
    """How many times as many worlds unpaired runs would need for the same precision.

    Under one draw of parameters, worlds with seeds of their own would give a difference of variance
    Var(option) + Var(reference); on shared seeds it is Var(option - reference). The ratio of the two, each
    pooled within draws over the cells valid on both sides (Law 2015, s. 11.2). Below one, pairing harms.
    Infinite where every world of a draw shows the same difference; nan where nothing varies at all, or with
    one world per draw.
    """
    differences = paired_differences(option, reference)
    valid = np.isfinite(differences)
    paired = split_variance(differences).within
    unpaired = (
        split_variance(np.where(valid, option, np.nan)).within
        + split_variance(np.where(valid, reference, np.nan)).within
    )
    if math.isnan(paired) or unpaired == 0.0:
        return NAN
    return unpaired / paired if paired > 0.0 else math.inf


def _range_of(values: Floats) -> Interval:
    low, high = np.quantile(values, (LOW, HIGH))
    return Interval(float(low), float(high))


@dataclass(frozen=True)
class Level:
    """Level of one outcome under one policy, with Monte Carlo error and both ranges."""

    mean: float
    error: float
    draws: Interval
    worlds: Interval


def level_of(values: Floats) -> Level:
    """Level of an outcome, ``values`` of shape (n_draws, n_worlds), with its three uncertainties."""
    split = split_variance(values)
    return Level(split.mean, split.error, range_over_draws(split), range_over_worlds(values, split))


@dataclass(frozen=True)
class Difference:
    """Everything said about one outcome of one option against the reference.

    Attributes:
        mean: mean paired difference, in the outcome's unit.
        error: its Monte Carlo standard error.
        draws: range over parameter draws, simulation noise removed.
        worlds: range over single worlds.
        chance_better: share of draws with a favourable mean difference, simulation noise removed; nan where
            none is.
        variance_reduction: unpaired over paired variance.
        pairs: number of worlds in which both sides have a value.
    """

    mean: float
    error: float
    draws: Interval
    worlds: Interval
    chance_better: float
    variance_reduction: float
    pairs: int


def difference_of(option: Floats, reference: Floats, direction: Direction) -> Difference:
    """Compare one outcome under an option with the reference, cell by cell, both (n_draws, n_worlds)."""
    differences = paired_differences(option, reference)
    split = split_variance(differences)
    return Difference(
        mean=split.mean,
        error=split.error,
        draws=range_over_draws(split),
        worlds=range_over_worlds(differences, split),
        chance_better=chance_better(split, direction),
        variance_reduction=variance_reduction(option, reference),
        pairs=split.pairs,
    )
