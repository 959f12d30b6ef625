"""Keyed draws: the right numbers by an independent computation, and no pattern that statistics can see.

Statistical tests run on fixed keys, so they give the same verdict every time. Each states the chance at which a
perfect generator would fail it on fresh keys; together it is below one in a thousand.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray
from scipy import stats

from passaat.model.engine.compiled import simulate
from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, inverse_normal, normal, uniform
from passaat.model.provenance.golden import columns_of, small_inputs

WORD = 2**64
SPLITMIX_STEP = 0x9E3779B97F4A7C15
ALPHA = 1e-5
"""Chance at which a perfect generator fails one test statistic."""

whole = st.integers(-(2**63), 2**63 - 1)
ticks = st.integers(-100, 2**31 - 1)
purpose_numbers = st.integers(0, 2**31 - 1)


# --- an independent computation with Python's unlimited integers, from Steele, Lea and Flood (2014) -------------------


def finalised(z: int) -> int:
    """SplitMix64's finaliser: variant 13 of Stafford's mixers."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % WORD
    return z ^ (z >> 31)


def hashed(key: int, tick: int, purpose: int) -> int:
    """Tick in the upper and purpose in the lower half, mixed; a step of SplitMix64 per unit of that, from the key."""
    when_and_why = ((tick % WORD) << 32) % WORD ^ purpose
    step = finalised((when_and_why + SPLITMIX_STEP) % WORD)
    return finalised((key % WORD + SPLITMIX_STEP * step) % WORD)


def signed(z: int) -> int:
    """A 64-bit pattern as a number with sign."""
    return z - WORD if z >= WORD // 2 else z


def test_the_finaliser_is_that_of_splitmix64() -> None:
    # The first numbers of SplitMix64 from seed 1234567, as published with the reference implementation.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [finalised((1234567 + n * SPLITMIX_STEP) % WORD) for n in (1, 2, 3)] == published


@given(whole, ticks, purpose_numbers)
@settings(max_examples=300, deadline=None)
def test_uniform_draws_are_the_hash_in_52_bits_and_a_half(key: int, tick: int, purpose: int) -> None:
    assert uniform(key, tick, purpose) == ((hashed(key, tick, purpose) >> 12) + 0.5) / 2**52


@given(whole, whole)
@settings(max_examples=300, deadline=None)
def test_keys_of_pairs_follow_the_finaliser_twice(key: int, other: int) -> None:
    first = finalised((key % WORD + SPLITMIX_STEP) % WORD)
    assert combine(key, other) == signed(finalised((first + other % WORD) % WORD))


@given(whole, ticks, purpose_numbers)
@settings(max_examples=200, deadline=None)
def test_uniform_draws_are_never_zero_or_one(key: int, tick: int, purpose: int) -> None:
    assert 0.0 < uniform(key, tick, purpose) < 1.0


@given(st.floats(1e-307, 1.0, exclude_max=True))
@settings(max_examples=500, deadline=None)
def test_normal_quantiles_agree_with_scipy(p: float) -> None:
    assert inverse_normal(p) == pytest.approx(stats.norm.ppf(p), rel=2e-14, abs=1e-15)


@pytest.mark.parametrize("p", [2.0**-53, 1e-300, 0.075, 0.0750001, 0.5, 0.925, 0.9249999, 1 - 2.0**-53])
def test_normal_quantiles_agree_with_scipy_where_the_pieces_meet_and_in_the_tails(p: float) -> None:
    assert inverse_normal(p) == pytest.approx(stats.norm.ppf(p), rel=2e-14)


@given(st.lists(st.floats(1e-12, 1 - 1e-12), min_size=2, max_size=2, unique=True))
@settings(max_examples=300, deadline=None)
def test_normal_quantiles_never_fall(pair: list[float]) -> None:
    low, high = sorted(pair)
    assert inverse_normal(low) <= inverse_normal(high)


@given(whole, ticks, purpose_numbers)
@settings(max_examples=200, deadline=None)
def test_a_normal_draw_is_the_quantile_of_the_uniform_draw_with_the_same_name(
    key: int, tick: int, why: int
) -> None:
    """Monotone coupling: whoever has more luck in one world has more luck in every world."""
    assert normal(key, tick, why) == inverse_normal(uniform(key, tick, why))


# --- statistics over the keys, ticks and purposes of a realistic world ------------------------------------------------


@njit(cache=False)
def _keys(n: int, seed: int) -> Any:
    keys = np.empty(n, np.int64)
    kind = combine(seed, 1)
    for i in range(n):
        keys[i] = combine(kind, i)
    return keys


@njit(cache=False)
def _draw_over_agents(n: int, seed: int) -> NDArray[np.float64]:
    keys = _keys(n, seed)
    return np.array([uniform(keys[i], 17, 252) for i in range(n)])


@njit(cache=False)
def _draw_over_ticks(n: int, seed: int) -> NDArray[np.float64]:
    key = combine(seed, 3)
    return np.array([uniform(key, t, 252) for t in range(n)])


@njit(cache=False)
def _draw_over_purposes(n: int, seed: int) -> NDArray[np.float64]:
    key = combine(seed, 3)
    return np.array([uniform(key, 17, p) for p in range(n)])


@njit(cache=False)
def _draw_over_world_seeds(n: int, seed: int) -> NDArray[np.float64]:
    return np.array([uniform(combine(combine(seed + s, 1), 5), 17, 252) for s in range(n)])


WAYS: dict[str, Callable[[int, int], NDArray[np.float64]]] = {
    "agents": _draw_over_agents,
    "ticks": _draw_over_ticks,
    "purposes": _draw_over_purposes,
    "world seeds": _draw_over_world_seeds,
}
N = 200_000


@pytest.mark.parametrize("way", WAYS)
def test_draws_are_uniform(way: str) -> None:
    """Chance of a false alarm: 3e-5."""
    u = WAYS[way](N, 2026)
    assert stats.kstest(u, "uniform").pvalue > ALPHA
    counts, _ = np.histogram(u, bins=1000, range=(0.0, 1.0))
    assert stats.chisquare(counts).pvalue > ALPHA
    last_bits = (u * 2**52).astype(np.uint64) & np.uint64(255)
    assert stats.chisquare(np.bincount(last_bits.astype(np.int64), minlength=256)).pvalue > ALPHA


@pytest.mark.parametrize("way", WAYS)
def test_neighbours_are_independent(way: str) -> None:
    """Pairs at distance 1 to 8 by correlation and on a 16 x 16 grid. Chance of a false alarm: 1.6e-4."""
    u = WAYS[way](N, 2027)
    for lag in range(1, 9):
        a, b = u[:-lag], u[lag:]
        correlation = float(np.corrcoef(a, b)[0, 1])
        assert abs(correlation) * math.sqrt(len(a)) < -stats.norm.ppf(ALPHA / 2), (
            f"correlation at distance {lag}"
        )
        # every pair once: of overlapping pairs the counts would not be independent
        start = np.arange(len(a))[(np.arange(len(a)) // lag) % 2 == 0]
        grid, _, _ = np.histogram2d(a[start], b[start], bins=16, range=((0, 1), (0, 1)))
        assert stats.chisquare(grid.ravel()).pvalue > ALPHA, f"grid at distance {lag}"


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(WAYS, 2)))
def test_draws_that_differ_in_one_part_of_their_name_are_independent_of_those_that_differ_in_another(
    one: str, other: str
) -> None:
    """Chance of a false alarm: 6e-5 over all pairs."""
    a, b = WAYS[one](N, 5), WAYS[other](N, 6)
    assert abs(float(np.corrcoef(a, b)[0, 1])) * math.sqrt(N) < -stats.norm.ppf(ALPHA / 2)


def _purposes_of_draws() -> list[int]:
    return [value for name, value in vars(purposes).items() if name.isupper()]


def test_purposes_differ() -> None:
    numbers = _purposes_of_draws()
    assert len(numbers) > 50
    assert len(set(numbers)) == len(numbers)


def test_no_two_purposes_of_one_agent_go_together() -> None:
    """Every pair of purposes over 20,000 firms; the largest of so many correlations has a known bound.

    Chance of a false alarm: 1e-4 (Bonferroni).
    """
    n, used = 20_000, _purposes_of_draws()
    keys = _keys(n, 7)
    draws = np.array([[uniform(int(key), 3, purpose) for key in keys] for purpose in used[:40]])
    correlations = np.corrcoef(draws)[np.triu_indices(len(draws), 1)]
    assert np.abs(correlations).max() * math.sqrt(n) < -stats.norm.ppf(1e-4 / 2 / len(correlations))


def test_sums_over_ticks_of_one_agent_have_the_spread_of_independent_draws() -> None:
    """A defect common to all ticks of an agent would widen the spread. Chance of a false alarm: 1e-5."""
    keys: list[int] = _keys(4000, 11).tolist()
    sums = np.array([[uniform(key, t, 252) for t in range(48)] for key in keys]).sum(axis=1)
    scaled = (sums - 24.0) / math.sqrt(48.0 / 12.0)
    spread = float((scaled**2).sum())
    low, high = (float(stats.chi2.ppf(p, len(sums))) for p in (ALPHA / 2, 1 - ALPHA / 2))
    assert low < spread < high


def _flips(change: Callable[[int, int], tuple[int, int, int]], bits: int) -> NDArray[np.float64]:
    """Share of trials in which each of 52 output bits flips when one input bit does, shape (bits, 52)."""
    trials = 400
    rng = np.random.default_rng(1)
    flips = np.zeros((bits, 52))
    for key in rng.integers(-(2**63), 2**63, trials):
        before = int(uniform(int(key), 20, 252) * 2**52)
        for bit in range(bits):
            after = int(uniform(*change(int(key), bit)) * 2**52)
            flips[bit] += [((before ^ after) >> place) & 1 for place in range(52)]
    return flips / trials


@pytest.mark.parametrize("part", ["key", "tick", "purpose"])
def test_each_bit_of_the_name_flips_each_bit_of_the_draw_half_of_the_time(part: str) -> None:
    """Avalanche. Chance of a false alarm: 1e-4 (Bonferroni over all pairs of bits)."""
    changes: dict[str, tuple[Callable[[int, int], tuple[int, int, int]], int]] = {
        "key": (lambda key, bit: (signed((key % WORD) ^ (1 << bit)), 20, 252), 64),
        "tick": (lambda key, bit: (key, 20 ^ (1 << bit), 252), 12),
        "purpose": (lambda key, bit: (key, 20, 252 ^ (1 << bit)), 12),
    }
    share = _flips(*changes[part])
    bound = -stats.norm.ppf(1e-4 / 2 / share.size) * 0.5 / math.sqrt(400)
    assert np.abs(share - 0.5).max() < bound


# --- keys -------------------------------------------------------------------------------------------------------------


@given(whole, whole)
@settings(max_examples=200, deadline=None)
def test_the_key_of_a_pair_depends_on_its_order(a: int, b: int) -> None:
    assert (combine(a, b) == combine(b, a)) == (a == b)


@njit(cache=False)
def _all_keys_of_a_world(
    seed: int, firms: int, markets: int, coordinators: int, quarters: int
) -> NDArray[np.int64]:
    """Keys of firms, engagements, network pairs and clusters, as the model makes them."""
    n = firms + firms * markets + firms * coordinators + coordinators * markets * quarters
    keys = np.empty(n, np.int64)
    at = 0
    for i in range(firms):
        firm = combine(combine(seed, 1), i)
        keys[at] = firm
        at += 1
        for m in range(markets):
            keys[at] = combine(firm, combine(combine(seed, 2), m))
            at += 1
        for k in range(coordinators):
            keys[at] = combine(combine(combine(seed, 5), k), firm)
            at += 1
    for k in range(coordinators):
        for m in range(markets):
            for q in range(quarters):
                keys[at] = combine(combine(combine(combine(seed, 5), k), combine(combine(seed, 2), m)), q)
                at += 1
    return keys


def test_no_two_keys_of_a_world_of_the_reference_size_are_equal() -> None:
    """One and a half million keys; chance of a false alarm: 6e-8."""
    keys = _all_keys_of_a_world(1, 8000, 60, 90, 60)
    assert len(keys) > 1_500_000
    assert len(np.unique(keys)) == len(keys)


def test_worlds_of_neighbouring_seeds_share_no_key() -> None:
    keys = np.concatenate([_keys(1000, seed) for seed in range(300)])
    assert len(np.unique(keys)) == len(keys)


# --- what keys are for ------------------------------------------------------------------------------------------------


def test_a_draw_is_the_same_however_many_are_made_between() -> None:
    first = uniform(99, 3, purposes.STEP_STARTS)
    for tick in range(50):
        uniform(99, tick, 9999)
        normal(98, 3, purposes.STEP_STARTS)
    assert uniform(99, 3, purposes.STEP_STARTS) == first


def test_a_larger_world_has_the_same_first_firms() -> None:
    """Firms are named by their number, not by how many there are."""
    from dataclasses import replace

    inputs = small_inputs({"programme_on": 0.0})
    larger = replace(inputs, size=replace(inputs.size, n_firms=260))
    small, large = dict(columns_of(simulate(inputs, 3))), dict(columns_of(simulate(larger, 3)))
    for name in ("key", "sector", "turnover_eur", "capacity", "chain_position", "development"):
        assert np.array_equal(small[f"firms.{name}"], large[f"firms.{name}"][:200]), name
