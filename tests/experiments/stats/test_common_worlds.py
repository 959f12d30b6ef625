"""Worlds that all draws share: what they do to all draws alike is told from the rest, and counted once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passaat.experiments.stats.common_worlds import level_on_common_worlds, two_ways
from passaat.experiments.stats.pairing import level_of


def test_two_ways_by_hand() -> None:
    """Worlds add -1 and +1; what is left is 0.5 in either direction, with (2 - 1)(2 - 1) = 1 degree of freedom."""
    found = two_ways(np.array([[0.5, 1.5], [3.5, 6.5]]))
    assert found.split.draw_means.tolist() == pytest.approx([1.0, 5.0])
    assert found.rest.tolist() == [pytest.approx([0.5, -0.5]), pytest.approx([-0.5, 0.5])]
    assert found.split.within == pytest.approx(1.0)
    assert found.split.noise.tolist() == pytest.approx([0.5, 0.5])
    # Worlds vary by 2, of which the rest makes 1 / 2 draws.
    assert np.square(found.worlds).sum() == pytest.approx(2.0 - 0.5)
    assert found.shift_error == pytest.approx(math.sqrt(1.5 / 2))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), n_draws=st.integers(2, 9), n_worlds=st.integers(3, 6))
def test_a_table_without_rest_is_taken_apart_exactly_also_with_holes(
    seed: int, n_draws: int, n_worlds: int
) -> None:
    """First row and first column stay whole, so that every draw can be compared with every other."""
    random = np.random.default_rng(seed)
    draws, worlds = random.normal(0.0, 1.0, n_draws), random.normal(0.0, 5.0, n_worlds)
    worlds -= worlds.mean()
    table = draws[:, None] + worlds
    holes = random.random(table.shape) < 0.3
    holes[0], holes[:, 0] = False, False
    found = two_ways(np.where(holes, np.nan, table))
    assert found.split.draw_means == pytest.approx(draws, abs=1e-9)
    assert found.worlds == pytest.approx(worlds, abs=1e-9)
    assert not found.split.noise.any()
    assert found.shift_error == pytest.approx(float(np.std(worlds, ddof=1)) / math.sqrt(n_worlds))


def test_worlds_that_do_nothing_to_all_draws_alike_get_next_to_nothing() -> None:
    random = np.random.default_rng(1)
    errors = [two_ways(random.normal(0.0, 1.0, (40, 5))).shift_error for _ in range(200)]
    assert float(np.mean(np.square(errors))) < 1.0 / 40 / 5


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_both_variances_are_estimated_without_bias(holes: float) -> None:
    """Worlds have a variance of 4, the rest of 1: the means over many tables are these."""
    random = np.random.default_rng(2)
    shift, within, noise = [], [], []
    for _ in range(1500):
        table = (
            random.normal(0.0, 3.0, (6, 1))
            + random.normal(0.0, 2.0, (1, 4))
            + random.normal(0.0, 1.0, (6, 4))
        )
        missing = random.random(table.shape) < holes
        missing[:, 0] = False
        found = two_ways(np.where(missing, np.nan, table))
        shift.append(4 * found.shift_error**2)
        within.append(found.split.within)
        noise.append(float(np.mean(found.split.noise * found.split.worlds)))
    assert np.mean(shift) == pytest.approx(4.0, rel=0.08)
    assert np.mean(within) == pytest.approx(1.0, rel=0.04)
    assert np.mean(noise) == pytest.approx(1.0, rel=0.06)


def test_the_same_waves_shift_outcomes_as_their_worlds_go_together() -> None:
    random = np.random.default_rng(3)
    one = random.normal(0.0, 1.0, (8, 1)) + random.normal(0.0, 2.0, (1, 4))
    waves = random.standard_normal((4000, 4))
    first = two_ways(one).shifts(waves)
    assert two_ways(-3.0 * one).shifts(waves) == pytest.approx(-3.0 * first)
    assert float(first.std()) == pytest.approx(two_ways(one).shift_error, rel=0.05)


def test_errors_of_levels_are_as_large_as_levels_scatter() -> None:
    """Twenty draws on four common worlds: the error holds the worlds, that for worlds of one's own would not."""
    random = np.random.default_rng(4)
    means, errors, blind = [], [], []
    for _ in range(500):
        luck = random.normal(0.0, 3.0, (1, 4))
        table = random.normal(0.0, 1.0, (20, 1)) + luck + random.normal(0.0, 1.0, (20, 4))
        level = level_on_common_worlds(table)
        means.append(level.mean)
        errors.append(level.error)
        blind.append(level_of(table).error)
    assert math.sqrt(np.mean(np.square(errors))) == pytest.approx(float(np.std(means)), rel=0.08)
    assert np.mean(blind) < 0.3 * np.std(means)


def test_what_cannot_be_told_is_not_a_number() -> None:
    """One world per draw says nothing of luck; draws that share a single world leave no rest: all is the world's."""
    assert math.isnan(level_on_common_worlds(np.array([[1.0], [2.0], [4.0]])).error)
    one_draw = np.array([[1.0, 3.0, 2.0]])
    assert level_on_common_worlds(one_draw) == level_of(one_draw)
    saturated = two_ways(np.array([[1.0, 5.0], [2.0, np.nan]]))
    assert not saturated.split.noise.any()
    assert saturated.shift_error == pytest.approx(2.0)
