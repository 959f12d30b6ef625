"""The statistics of a comparison against synthetic data whose truth is known.

Statistical tests run on fixed seeds, so they cannot fail by chance today; each states the error rate with
which a correct implementation would fail on a seed drawn afresh.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from passaat.experiments.stats.pairing import (
    Interval,
    VarianceSplit,
    difference_of,
    draw_effects,
    moderated_variances,
    over_draws,
    paired_differences,
    quantiles_over_draws,
    range_over_worlds,
    ratio_values,
    split_variance,
    variance_reduction,
)

Floats = NDArray[np.float64]
Z95 = 1.6448536269514722


def range_over_draws(split: VarianceSplit) -> Interval:
    """5 to 95 per cent over draws, as levels and differences have it."""
    return Interval(*quantiles_over_draws(split, over_draws(split), (0.05, 0.95)))


def synthetic(
    rng: np.random.Generator, draws: int, worlds: int, mean: float, tau: float, sigma: float
) -> tuple[Floats, Floats]:
    """True mean difference per draw, shape (draws,), and noisy differences, shape (draws, worlds)."""
    truth = mean + tau * rng.standard_normal(draws)
    return truth, truth[:, None] + sigma * rng.standard_normal((draws, worlds))


# --- the split into parameters and luck ---------------------------------------------------------------------


def test_split_by_hand() -> None:
    """Two draws of two worlds, worked out on paper: means 2 and 6, within (2 + 8) / 2 = 5."""
    split = split_variance(np.array([[1.0, 3.0], [4.0, 8.0]]))
    assert split.mean == 4.0
    assert split.error == 2.0  # sqrt(((2-4)^2 + (6-4)^2) / (2 * 1))
    assert split.within == 5.0
    assert split.between == 5.5  # (16 - 5) / 2, with 16 = (2 * 4 + 2 * 4) / 1
    assert split.pairs == 4


def test_split_by_hand_with_a_missing_world() -> None:
    """Rows of 3 and 1: means 2 and 6, within 2 / 2 = 1, n0 = 4 - 10/4 = 1.5, grand mean 3, MSB = 3 + 9 =
    12.
    """
    split = split_variance(np.array([[1.0, 2.0, 3.0], [6.0, np.nan, np.nan]]))
    assert split.mean == 4.0
    assert split.within == 1.0
    assert split.between == pytest.approx((12.0 - 1.0) / 1.5)
    assert list(split.worlds) == [3.0, 1.0]


def test_split_is_unbiased() -> None:
    """Averaged over 400 studies both variances come out within four standard errors (error rate 1 in
    8,000).
    """
    rng = np.random.default_rng(11)
    between, within = [], []
    for _ in range(400):
        split = split_variance(synthetic(rng, 30, 6, 5.0, 2.0, 3.0)[1])
        between.append(split.between)
        within.append(split.within)
    for values, truth in ((between, 4.0), (within, 9.0)):
        error = np.std(values) / math.sqrt(len(values))
        assert abs(np.mean(values) - truth) < 4 * error


@pytest.mark.parametrize(("tau", "sigma"), [(0.0, 3.0), (2.0, 3.0), (2.0, 0.0), (5.0, 0.5)])
def test_interval_covers_the_truth(tau: float, sigma: float) -> None:
    """mean +- 1.68 errors (t with 39 degrees of freedom, 90 %) covers the truth in 90 % of 800 studies.

    Binomial error rate of the bounds below 1 in 10,000. Ignoring the two levels covers far less where tau >
    0.
    """
    rng = np.random.default_rng(12)
    covered = naive = 0
    for _ in range(800):
        differences = synthetic(rng, 40, 8, 1.0, tau, sigma)[1]
        split = split_variance(differences)
        covered += abs(split.mean - 1.0) < 1.685 * split.error
        naive += abs(split.mean - 1.0) < 1.65 * differences.std() / math.sqrt(differences.size)
    assert 0.855 < covered / 800 < 0.945
    if tau > sigma:
        assert naive / 800 < 0.6


# --- ranges -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tau", "sigma"), [(2.0, 6.0), (3.0, 1.0), (1.0, 0.0)])
def test_range_over_draws_has_the_width_of_the_truth(tau: float, sigma: float) -> None:
    """Average width over 300 studies within 8 % of 2 x 1.645 tau; draw means as they are would be too wide.

    The width of one study scatters by about a fifth to a third of the truth: 8 % is over four standard
    errors.
    """
    rng = np.random.default_rng(13)
    widths, raw = [], []
    for _ in range(300):
        differences = synthetic(rng, 60, 8, 0.0, tau, sigma)[1]
        interval = range_over_draws(split_variance(differences))
        widths.append(interval.high - interval.low)
        raw.append(float(np.subtract(*np.quantile(differences.mean(axis=1), (0.95, 0.05)))))
    truth = 2 * Z95 * tau
    assert np.mean(widths) == pytest.approx(truth, rel=0.08)
    if sigma > tau:
        assert np.mean(raw) > 1.3 * truth


def test_range_over_worlds_has_the_width_of_luck() -> None:
    """Average width over 200 studies within 4 % of 2 x 1.645 sigma, whatever the parameters do (> 5
    standard errors).
    """
    rng = np.random.default_rng(14)
    widths = []
    for _ in range(200):
        differences = synthetic(rng, 40, 8, 7.0, 20.0, 3.0)[1]
        interval = range_over_worlds(differences, split_variance(differences))
        widths.append(interval.high - interval.low)
    assert np.mean(widths) == pytest.approx(2 * Z95 * 3.0, rel=0.04)


def test_ranges_by_hand() -> None:
    """Without luck the range over draws is that of the draws; residuals +-1 of two worlds are stretched to
    +-sqrt(2).
    """
    still = np.repeat(np.arange(21.0)[:, None], 3, axis=1)
    assert range_over_draws(split_variance(still)) == Interval(1.0, 19.0)
    lucky = np.array([[9.0, 11.0]] * 10)
    interval = range_over_worlds(lucky, split_variance(lucky))
    assert interval.low == pytest.approx(10 - math.sqrt(2))
    assert interval.high == pytest.approx(10 + math.sqrt(2))


# --- what is known of each draw ----


def test_the_weights_are_the_posterior_by_hand() -> None:
    """Equal noise of 1 in five draws: weights proportional to w^-2 exp(-2 S / w), with w = t^2 + 1."""
    split = VarianceSplit(
        0.0, math.sqrt(2.5 / 5), 1.5, 8.0, np.arange(-2.0, 3.0), np.full(5, 8.0), np.ones(5)
    )
    effects = draw_effects(split)
    t = 2.0 * math.sqrt(2.5) * np.tan(0.5 * math.pi * (np.arange(64) + 0.5) / 64)
    by_hand = (t**2 + 1) ** -2.0 * np.exp(-2.0 * 2.5 / (t**2 + 1))
    assert effects.weight == pytest.approx(by_hand[: effects.weight.size] / by_hand.sum(), abs=1e-8)
    assert effects.centre[:, 4] == pytest.approx((2.0 * t**2 / (t**2 + 1))[: effects.weight.size])
    total = float(effects.weight @ (effects.centre**2 + effects.deviation**2).mean(axis=1))
    given_t = (t**2 / (t**2 + 1)) ** 2 * 2.0 + t**2 / (t**2 + 1) + 1 / (t**2 + 1) / 5
    assert total == pytest.approx(float(by_hand @ given_t / by_hand.sum()), rel=1e-6)


# --- luck that depends on the parameters --------------------------------------------------------------------


def test_moderated_variances_by_limits() -> None:
    """Equal luck: the pooled variance for all. Very unequal luck: each draw keeps its own, within a third."""
    rng = np.random.default_rng(18)
    freedom = np.full(400, 7.0)
    equal = rng.chisquare(7.0, 400)
    moderated = moderated_variances(equal, freedom)
    assert np.std(moderated) < 0.1 * np.std(equal / 7.0)
    assert moderated.mean() == pytest.approx(1.0, abs=0.1)
    scales = np.geomspace(1e-4, 1e4, 400)
    unequal = moderated_variances(scales * equal, freedom)
    assert np.median(np.abs(np.log(unequal / (scales * equal / 7.0)))) < 0.33


def test_moderated_variances_beat_both_extremes() -> None:
    """Luck spread as inverse chi-square with 6 degrees of freedom: nearer to the truth than own or pooled
    ones.
    """
    rng = np.random.default_rng(19)
    truth = 6.0 / rng.chisquare(6.0, 2000)
    squares, freedom = truth * rng.chisquare(5.0, 2000), np.full(2000, 5.0)
    pooled = squares.sum() / freedom.sum()

    def loss(estimate: Floats) -> float:
        return float(np.square(np.log(estimate / truth)).mean())

    moderated = loss(moderated_variances(squares, freedom))
    assert moderated < 0.8 * loss(squares / freedom)
    assert moderated < 0.8 * loss(np.full(2000, pooled))


def test_draws_in_which_nothing_varies_are_known_without_noise() -> None:
    squares = np.array([0.0, 1.0, 8.0, 60.0, 500.0])
    moderated = moderated_variances(squares, np.array([3.0, 3.0, 3.0, 3.0, 0.0]))
    assert moderated[0] == 0.0
    assert (moderated[1:] > 0.0).all()


def test_range_over_draws_keeps_its_width_under_unequal_luck() -> None:
    """Luck between 0.5 and 8 times the spread of draws: average width over 300 studies within 10 % of the
    truth.
    """
    rng = np.random.default_rng(21)
    widths = []
    for _ in range(300):
        sigma = np.exp(rng.uniform(math.log(0.5), math.log(8.0), (60, 1)))
        differences = rng.standard_normal((60, 1)) + sigma * rng.standard_normal((60, 8))
        interval = range_over_draws(split_variance(differences))
        widths.append(interval.high - interval.low)
    assert np.mean(widths) == pytest.approx(2 * Z95, rel=0.1)


# --- ratios -------------------------------------------------------------------------------------------------


def test_a_ratio_of_means_by_hand_counts_worlds_without_cost() -> None:
    """Gains 8, 1, 0 for costs 2, 1, 0: 9 / 3 = 3, where the mean of the ratios would be (4 + 1) / 2 = 2.5."""
    values = ratio_values(np.array([[8.0, 1.0, 0.0]]), np.array([[2.0, 1.0, 0.0]]))
    assert values.tolist() == [[5.0, 1.0, 3.0]]  # 3 + (8 - 3 * 2) / 1, 3 + (1 - 3) / 1, 3 + 0
    assert values.mean() == 3.0


def test_a_ratio_without_any_cost_does_not_exist() -> None:
    values = ratio_values(np.array([[8.0, 1.0], [2.0, np.nan]]), np.array([[0.0, 0.0], [4.0, 1.0]]))
    assert np.isnan(values).tolist() == [[True, True], [False, True]]
    assert values[1, 0] == 0.5
    with pytest.raises(ValueError, match="equal shapes"):
        ratio_values(np.zeros((2, 3)), np.zeros((3, 2)))


def test_the_luck_of_a_ratio_of_means_is_that_of_the_jackknife() -> None:
    """Error of the ratio from its values within 10 % of leaving out each of 30 worlds in turn."""
    rng = np.random.default_rng(24)
    cost = rng.lognormal(0.0, 0.3, 30)
    gain = 5.0 * cost + rng.standard_normal(30)
    without = [np.delete(gain, j).sum() / np.delete(cost, j).sum() for j in range(30)]
    jackknife = math.sqrt(29 / 30 * np.square(without - np.mean(without)).sum())
    assert split_variance(ratio_values(gain[None], cost[None])).error == pytest.approx(jackknife, rel=0.1)


# --- degenerate cases ---------------------------------------------------------------------------------------


def test_one_draw_knows_luck_only() -> None:
    differences = np.array([[1.0, 2.0, 3.0, 4.0]])
    result = difference_of(differences, np.zeros_like(differences), "higher")
    assert result.mean == 2.5
    assert result.error == pytest.approx(math.sqrt(5 / 3 / 4))
    assert math.isnan(result.draws.low)
    assert not result.shares.known
    assert result.worlds.low < 2.5 < result.worlds.high


def test_nothing_moves() -> None:
    same = np.arange(12.0).reshape(4, 3)
    result = difference_of(same, same, "higher")
    assert (result.mean, result.error, result.pairs) == (0.0, 0.0, 12)
    assert result.draws == result.worlds == Interval(0.0, 0.0)
    assert (result.shares.better, result.shares.same, result.shares.worse) == (0.0, 1.0, 0.0)
    assert result.variance_reduction == math.inf


def test_constant_outcome_has_no_variance_reduction() -> None:
    result = difference_of(np.full((3, 4), 5.0), np.full((3, 4), 3.0), "lower")
    assert (result.mean, result.error, result.shares.better, result.shares.worse) == (2.0, 0.0, 0.0, 1.0)
    assert math.isnan(result.variance_reduction)


def test_missing_cells_drop_out_on_both_sides() -> None:
    reference = np.array([[1.0, np.nan, 3.0], [1.0, 1.0, 1.0]])
    option = np.array([[2.0, 9.0, np.inf], [1.5, 2.5, np.nan]])
    differences = paired_differences(option, reference)
    assert differences[0, 0] == 1.0
    assert int(np.isfinite(differences).sum()) == 3
    assert difference_of(option, reference, "higher").pairs == 3


def test_nothing_valid_is_unknown() -> None:
    nothing = np.full((3, 4), np.nan)
    result = difference_of(nothing, nothing, "higher")
    assert result.pairs == 0
    assert all(math.isnan(x) for x in (result.mean, result.error, result.shares.better, result.worlds.low))


def test_one_world_per_draw_cannot_tell_luck_from_parameters() -> None:
    split = split_variance(np.array([[1.0], [2.0], [4.0]]))
    assert split.mean == pytest.approx(7 / 3)
    assert math.isnan(split.between)
    assert over_draws(split) is None
    assert math.isnan(range_over_draws(split).low)


def test_unequal_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        paired_differences(np.zeros((2, 3)), np.zeros((3, 2)))


# --- variance reduction -------------------------------------------------------------------------------------


def test_variance_reduction_of_shared_luck() -> None:
    """Shared luck of variance 9 and own luck of 1 on each side: (10 + 10) / 2 = 10, within 15 % of 4,000
    worlds.
    """
    rng = np.random.default_rng(17)
    shared = 3.0 * rng.standard_normal((500, 8))
    option = shared + rng.standard_normal((500, 8))
    reference = shared + rng.standard_normal((500, 8))
    assert variance_reduction(option, reference) == pytest.approx(10.0, rel=0.15)
    assert variance_reduction(option, -reference) < 1.0


# --- properties ---------------------------------------------------------------------------------------------

tables = st.tuples(st.integers(2, 6), st.integers(2, 5), st.integers(0, 10_000)).map(
    lambda t: np.round(np.random.default_rng(t[2]).normal(0.0, 3.0, (t[0], t[1])), 2)
)


@settings(max_examples=60, deadline=None)
@given(tables, st.floats(-50, 50), st.floats(0.1, 20))
def test_shift_and_scale(table: Floats, shift: float, scale: float) -> None:
    """A change of unit changes every number as it should; a shift moves ranges without widening them, but where an end
    is held at zero because the shares say so.
    """
    first = difference_of(table, np.zeros_like(table), "higher")
    moved = difference_of(scale * table + shift, np.zeros_like(table), "higher")
    assert moved.mean == pytest.approx(scale * first.mean + shift, abs=1e-9)
    assert moved.error == pytest.approx(scale * first.error, abs=1e-9)
    assert moved.worlds.high - moved.worlds.low == pytest.approx(
        scale * (first.worlds.high - first.worlds.low), abs=1e-6
    )
    if 0.0 not in (first.draws.low, first.draws.high, moved.draws.low, moved.draws.high):
        assert moved.draws.high - moved.draws.low == pytest.approx(
            scale * (first.draws.high - first.draws.low), abs=1e-6
        )


@settings(max_examples=60, deadline=None)
@given(tables)
def test_order_of_draws_and_worlds_is_no_matter(table: Floats) -> None:
    rng = np.random.default_rng(5)
    shuffled = rng.permuted(table, axis=1)[rng.permutation(len(table))]
    first, second = (difference_of(t, np.zeros_like(t), "higher") for t in (table, shuffled))
    assert first.mean == pytest.approx(second.mean, abs=1e-12)
    assert first.draws.high == pytest.approx(second.draws.high, abs=1e-9)
    assert first.shares.better == pytest.approx(second.shares.better, abs=1e-9)
    assert first.shares.low == pytest.approx(second.shares.low, abs=1e-9)
