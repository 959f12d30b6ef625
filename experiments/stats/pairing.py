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
    Gelman (2006), Bayesian Analysis 1(3), 515-534: priors for the deviation between groups.
    Satterthwaite (1946), Biometrics Bulletin 2(6), 110-114: the distribution of a sum of unequal variances.
    Smyth (2004), Statistical Applications in Genetics and Molecular Biology 3(1), article 3, s. 6: the
    variance of each of many small groups, moderated by that of all.
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., s. 5.4: what is known of a row's true mean.
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, s. 5.6: a ratio of means.
    Law (2015), Simulation Modeling and Analysis, 5th ed., s. 11.2: common random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from passaat.experiments.stats.shares import (
    NOTHING_TO_SAY,
    Shares,
    TrueDifferences,
    shares_of,
    true_differences,
)

Floats = NDArray[np.float64]
Direction = Literal["higher", "lower", "neither"]

LOW: Final = 0.05
HIGH: Final = 0.95
"""Every range is the central 90 per cent: 5 to 95 per cent."""

DOTS: Final = tuple((k + 0.5) / 50 for k in range(50))
"""Shares whose quantiles stand for a distribution: each of the fifty is as likely as any other."""

NAN: Final = float("nan")

PRIOR_SCALE: Final = 2.0
"""Scale of the half-Cauchy prior on the deviation between draws, in deviations of the draws' means."""

PRIOR_VALUES: Final = 64
"""Values of that deviation that are tried, at equal steps of the prior's probability."""

NEGLIGIBLE: Final = 1e-9
"""Values with less than this part of the largest weight are left out."""


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
        between: variance between the true means of parameter draws, its best single estimate; zero says that
            more worlds are needed to see it, not that there is none. nan with one draw or one world per draw.
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


def ratio_values(numerator: Floats, denominator: Floats) -> Floats:
    """A ratio of means, as one value per world whose mean in each draw is exactly that draw's ratio.

    With R_i = sum_j y_ij / sum_j x_ij over the worlds of draw i that have both, and x_i the mean of x_ij,

        value_ij = R_i + (y_ij - R_i x_ij) / x_i

    (linearised values, or infinitesimal jackknife; Särndal, Swensson and Wretman 1992, s. 5.6). Their
    scatter within a draw is the luck of the ratio of means, so that they can be paired and split like any
    other outcome. A world in which nothing is spent counts with what it has; only a draw in which no world
    spends anything has no ratio.

    Raises:
        ValueError: the two have different shapes or are not (n_draws, n_worlds).
    """
    if numerator.shape != denominator.shape or numerator.ndim != 2:
        raise ValueError(
            f"ratios need equal shapes (n_draws, n_worlds), not {numerator.shape} and {denominator.shape}"
        )
    valid = np.isfinite(numerator) & np.isfinite(denominator)
    above, below = (np.where(valid, values, 0.0) for values in (numerator, denominator))
    total = below.sum(axis=1, keepdims=True)
    valid &= total != 0.0
    total = np.where(total != 0.0, total, 1.0)
    ratio = above.sum(axis=1, keepdims=True) / total
    mean = total / np.maximum(valid.sum(axis=1, keepdims=True), 1)
    return np.where(valid, ratio + (above - ratio * below) / mean, np.nan)


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


@dataclass(frozen=True)
class DrawEffects:
    """What is known of the true mean difference of each parameter draw: a mixture of normals.

    Attributes:
        weight: of each value of the variance between draws that was tried, shape (n_values,); sums to one.
        centre: mean of each draw's true difference at each value, shape (n_values, n_draws).
        deviation: its standard deviation, same shape; 0 where a draw is known without noise.
    """

    weight: Floats
    centre: Floats
    deviation: Floats

    def share_below(self, value: float) -> float:
        """Share of draws whose true difference lies below ``value``; one that is known and equal counts."""
        return float(self.weight @ self._below(value).mean(axis=1))

    def _below(self, value: float) -> Floats:
        gap = value - self.centre
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.where(
                self.deviation > 0.0, gap / self.deviation, np.where(gap >= 0.0, np.inf, -np.inf)
            )
        return np.asarray(special.ndtr(score), dtype=np.float64)

    def quantile(self, share: float) -> float:
        """The value below which this share of draws lies."""
        reach = 8.0 * self.deviation
        low, high = float((self.centre - reach).min()), float((self.centre + reach).max())
        if low == high:
            return low
        step = 1e-12 * (high - low)
        found = optimize.brentq(lambda x: self.share_below(x) - share, low - step, high + step, xtol=step)
        return float(found)

    def between_tried(self, shares: Floats) -> Floats:
        """The values below which these shares of draws lie, read off between values tried where many draws are."""
        reach = 8.0 * self.deviation
        ends = [(self.centre - reach).min(), 0.0, (self.centre + reach).max()]
        tried = np.unique(np.concatenate([ends, np.quantile(self.centre, np.linspace(0.0, 1.0, 300))]))
        reached = np.array([self.share_below(float(value)) for value in tried])
        return np.asarray(np.interp(shares, reached, tried), dtype=np.float64)


def draw_effects(split: VarianceSplit) -> DrawEffects:
    """True mean differences of the draws, averaged over what the variance between draws may be.

    Few worlds leave the variance between draws, t^2, uncertain: the estimate ``between`` is often zero where
    the truth is not, and to build on it would make every draw alike and every answer sure. So t takes values
    over its whole range, each weighted by its posterior probability:

        prior       half-Cauchy on t (Gelman 2006), with scale twice the deviation of the draws' means: almost
                    flat where the data have a say, proper with two draws;
        likelihood  of the observed variance of the draws' means, S = sum (m_i - mean)^2 / (A - 1): with
                    w_i = t^2 + noise_i, f S / mean(w) is chi-square with f = (A - 1) mean(w)^2 / mean(w^2)
                    degrees of freedom (Satterthwaite 1946; exact for equal noise). It treats draws alike, as
                    the mean does, so that draws of little luck do not outweigh the others.

    Given t, the true difference of draw i is normal with B_i = t^2 / w_i (Gelman et al. 2013, s. 5.4),

        mean B_i m_i + (1 - B_i) mean,    variance B_i noise_i + (1 - B_i)^2 mean(w) / A.

    All draws together then scatter by t, not by t plus noise. Needs at least two draws and, in some draw, two
    worlds.
    """
    means, noise, n_draws = split.draw_means, split.noise, len(split.draw_means)
    observed, luck = n_draws * split.error**2, float(noise.mean())
    if luck == 0.0:
        return DrawEffects(np.ones(1), means[None, :], np.zeros((1, n_draws)))
    total = max(observed, luck)
    observed = max(observed, 1e-9 * luck)
    places = (np.arange(PRIOR_VALUES) + 0.5) / PRIOR_VALUES
    between = total * np.square(PRIOR_SCALE * np.tan(0.5 * math.pi * places))
    variance = between[:, None] + noise
    expected = variance.mean(axis=1)
    freedom = (n_draws - 1) * np.square(expected) / np.square(variance).mean(axis=1)
    half, score = 0.5 * freedom, 0.5 * freedom * observed / expected
    log_weight = half * np.log(score) - score - special.gammaln(half)
    weight = np.exp(log_weight - log_weight.max())
    trust = between[:, None] / variance
    deviation = np.sqrt(trust * noise + np.square(1.0 - trust) * (expected / n_draws)[:, None])
    centre = split.mean + trust * (means - split.mean)
    kept = weight > NEGLIGIBLE
    return DrawEffects(weight[kept] / weight[kept].sum(), centre[kept], deviation[kept])


def over_draws(split: VarianceSplit) -> TrueDifferences | None:
    """What is known of the true mean difference of each draw; None with one draw, or one world per draw."""
    return None if math.isnan(split.between) else true_differences(split.draw_means, split.noise)


def quantiles_over_draws(
    split: VarianceSplit, known: TrueDifferences | None, shares: Sequence[float]
) -> tuple[float, ...]:
    """Values below which these shares of the draws' true mean differences lie, luck taken out.

    Those of ``draw_effects``, plain quantiles of the draws' means where there is no luck; unknown with one draw, or one
    world per draw. They never contradict the shares of draws above and below zero, ``known``, which are estimated
    apart: a value on the other side of zero than the shares have it is zero.
    """
    if known is None:
        return (NAN,) * len(shares)
    if split.noise.any():
        effects = draw_effects(split)
        found = [effects.quantile(share) for share in shares]
    else:
        found = [float(one) for one in np.quantile(split.draw_means, shares)]
    below, up_to = float(known.below.mean()), 1.0 - float(known.above.mean())
    return tuple(
        min(value, 0.0)
        if share < below
        else max(value, 0.0)
        if share > up_to
        else 0.0
        if below < up_to
        else value
        for value, share in zip(found, shares, strict=True)
    )


def counted_over_draws(
    split: VarianceSplit, known: TrueDifferences, *, dots: bool
) -> tuple[float, tuple[float, ...]]:
    """Median of the true mean differences over draws, luck taken out, and with ``dots`` fifty equally likely ones.

    As many lie above and below zero as the shares of draws have it, so that they can be counted; how far from zero they
    lie is what ``draw_effects`` knows of the draws on that side.
    """
    asked = DOTS if dots else ()
    if not split.noise.any():
        found = np.quantile(split.draw_means, asked, method="inverted_cdf")
        return float(np.median(split.draw_means)), tuple(found.tolist())
    effects = draw_effects(split)
    below, above = float(known.below.mean()), float(known.above.mean())
    mass_below, mass_above = effects.share_below(-math.ulp(0.0)), 1.0 - effects.share_below(0.0)

    def on_its_side(share: float) -> float:
        """The share of ``effects`` that stands for this one; nan where the draw is at zero."""
        if share < below:
            return share / below * mass_below
        return 1.0 - (1.0 - share) / above * mass_above if share > 1.0 - above else NAN

    middle = on_its_side(0.5)
    median = 0.0 if math.isnan(middle) else effects.quantile(middle)
    if not asked:
        return median, ()
    sides = np.array([on_its_side(share) for share in asked])
    values = np.where(np.isnan(sides), 0.0, effects.between_tried(np.nan_to_num(sides)))
    return median, tuple(values.tolist())


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


def surest(draws: int) -> float:
    """The smallest share that this number of parameter draws can show, 1 / (draws + 1)."""
    return 1.0 / (draws + 1)


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
    """Level of one outcome under one policy, with Monte Carlo error, both ranges, and the median over draws."""

    mean: float
    error: float
    draws: Interval
    worlds: Interval
    median: float


def level_of(values: Floats) -> Level:
    """Level of an outcome, ``values`` of shape (n_draws, n_worlds), with its three uncertainties."""
    split = split_variance(values)
    low, median, high = quantiles_over_draws(split, over_draws(split), (LOW, 0.5, HIGH))
    return Level(split.mean, split.error, Interval(low, high), range_over_worlds(values, split), median)


@dataclass(frozen=True)
class Difference:
    """Everything said about one outcome of one option against the reference.

    Attributes:
        mean: mean paired difference, in the outcome's unit.
        error: its Monte Carlo standard error.
        draws: range over parameter draws, simulation noise removed.
        worlds: range over single worlds.
        median: middle of the differences over parameter draws, luck taken out.
        shares: shares of draws in which the option is better, the same and worse.
        variance_reduction: unpaired over paired variance.
        pairs: number of worlds in which both sides have a value.
        dots: fifty equally likely differences over parameter draws, luck taken out; empty where unknown or not asked.
    """

    mean: float
    error: float
    draws: Interval
    worlds: Interval
    median: float
    shares: Shares
    variance_reduction: float
    pairs: int
    dots: tuple[float, ...] = ()


def difference_of(
    option: Floats, reference: Floats, direction: Direction, *, dots: bool = False
) -> Difference:
    """Compare one outcome under an option with the reference, cell by cell, both (n_draws, n_worlds).

    ``dots`` asks for the fifty differences that a figure shows.
    """
    differences = paired_differences(option, reference)
    split = split_variance(differences)
    found = over_draws(split)
    low, high = quantiles_over_draws(split, found, (LOW, HIGH))
    median, fifty = (NAN, ()) if found is None else counted_over_draws(split, found, dots=dots)
    shares = NOTHING_TO_SAY
    if found is not None and direction != "neither":
        shares = shares_of(found, higher_is_better=direction == "higher")
    return Difference(
        mean=split.mean,
        error=split.error,
        draws=Interval(low, high),
        worlds=range_over_worlds(differences, split),
        median=median,
        shares=shares,
        variance_reduction=variance_reduction(option, reference),
        pairs=split.pairs,
        dots=fifty,
    )
