"""What outcomes follow: designs, indices with known answers, luck kept apart, failed runs, intervals, words."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SALib.analyze import morris as salib_morris
from SALib.analyze import sobol as salib_sobol
from SALib.test_functions import Ishigami

from passaat.errors import StudyError
from passaat.experiments.analyses.compare import plain
from passaat.experiments.analyses.sensitivity import COLUMNS, SensitivityReport, sensitivity, share
from passaat.experiments.analyses.sweep import sweep
from passaat.experiments.design.factors import Factor, counted_factor, factor_of
from passaat.experiments.design.plan import Luck, Method, Plan
from passaat.experiments.design.sensitivity_points import morris_points, saltelli_points
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.sensitivity import sensitivity_report
from passaat.experiments.reports.terminal import plain_text
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.stats import sensitivity as module
from passaat.experiments.stats.sensitivity import (
    STEP,
    Convergence,
    Floats,
    GivenData,
    Indices,
    Morris,
    Sobol,
    classes,
    convergence,
    elementary_effects,
    given_data,
    kept_blocks,
    morris,
    problem_of,
    ranking,
    sobol,
    swings,
    world_noise,
)
from passaat.experiments.study.study import Study
from passaat.model.inputs import RunInputs
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

# --- designs ------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 7), st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**62))
def test_more_trajectories_leave_the_first_as_they_are(d: int, few: int, more: int, seed: int) -> None:
    kinds = [None, 3, 9, None, 2, 5, 4][:d]
    short, long = morris_points(d, few, seed, kinds), morris_points(d, few + more, seed, kinds)
    assert short.shape == (few * (d + 1), d)
    assert (long[: len(short)] == short).all()
    assert short.min() >= 0.0
    assert short.max() <= 1.0


def test_each_step_of_a_trajectory_moves_one_factor_and_each_factor_once() -> None:
    points = morris_points(6, 50, 3, [None, 3, None, 20, 2, None]).reshape(50, 7, 6)
    moved = np.diff(points, axis=1) != 0.0
    assert (moved.sum(axis=2) == 1).all()
    assert (moved.sum(axis=1) == 1).all()
    steps = np.abs(np.diff(points, axis=1)).max(axis=1)[:, [0, 2, 4, 5]]
    assert steps == pytest.approx(STEP)


def test_trajectories_differ_from_each_other_and_between_seeds() -> None:
    one = morris_points(5, 30, 1).reshape(30, -1)
    assert len(np.unique(one, axis=0)) == 30
    assert (morris_points(5, 30, 2).reshape(30, -1) != one).any(axis=1).all()


def test_trajectories_move_between_all_categories() -> None:
    """On four levels three categories would never show the first beside the second, nor twenty more than four."""
    points = morris_points(2, 400, 1, [3, 20]).reshape(400, 3, 2)
    three, twenty = (np.floor(points[..., i] * n).astype(int) for i, n in enumerate((3, 20)))
    pairs = {(int(row.min()), int(row.max())) for row in three}
    assert pairs == {(0, 1), (0, 2), (1, 2)}
    assert np.unique(twenty).size == 20


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(0, 5), st.booleans(), st.integers(0, 2**62))
def test_saltelli_design_is_made_of_two_samples_and_their_mixtures(
    d: int, power: int, second: bool, seed: int
) -> None:
    n = 2**power
    points = saltelli_points(d, n, seed, second)
    rows = 2 * d + 2 if second else d + 2
    assert points.shape == (n * rows, d)
    assert (saltelli_points(d, 2 * n, seed, second)[: len(points)] == points).all()
    blocks = points.reshape(n, rows, d)
    for j in range(d):
        mixed = blocks[:, 0].copy()
        mixed[:, j] = blocks[:, -1, j]
        assert (blocks[:, 1 + j] == mixed).all()
    if n >= 2:
        assert (saltelli_points(d, n, seed + 1, second) != points).any()


def test_impossible_designs_are_refused_in_words() -> None:
    with pytest.raises(StudyError, match="100 base points: a Saltelli design needs a power of two") as caught:
        saltelli_points(3, 100, 1, True)
    assert caught.value.hint == "Take 64 or 128."
    with pytest.raises(StudyError) as caught:
        morris_points(0, 0, 1)
    assert len(caught.value.problems) == 2


# --- Sobol --------------------------------------------------------------------------------------------------

A, B = 7.0, 0.1
_VARIANCE = A**2 / 8 + B * math.pi**4 / 5 + B**2 * math.pi**8 / 18 + 0.5
_ONE = 0.5 * (1 + B * math.pi**4 / 5) ** 2 / _VARIANCE
_TWO = A**2 / 8 / _VARIANCE
_BOTH = B**2 * math.pi**8 * (1 / 18 - 1 / 50) / _VARIANCE
"""Shares of the Ishigami function, by hand (Ishigami and Homma 1990): x1, x2, and x1 with x3."""


def test_ishigami_gets_its_known_shares() -> None:
    points = saltelli_points(3, 2048, 1, True)
    found = sobol(Ishigami.evaluate(points * 2 * np.pi - np.pi), 3, second_order=True)
    first = [index.first.value for index in found.indices]
    total = [index.total.value for index in found.indices]
    assert first == pytest.approx([_ONE, _TWO, 0.0], abs=0.02)
    assert total == pytest.approx([_ONE + _BOTH, _TWO, _BOTH], abs=0.02)
    pairs = {(pair.one, pair.other): pair.share for pair in found.pairs}
    assert pairs[0, 2].value == pytest.approx(_BOTH, abs=0.03)
    assert pairs[0, 2].low > 0.0
    for dead in ((0, 1), (1, 2)):
        assert pairs[dead].low < 0.0 < pairs[dead].high
    for index, one, two in zip(found.indices, (_ONE, _TWO, 0.0), (_ONE + _BOTH, _TWO, _BOTH), strict=True):
        assert index.first.low <= one <= index.first.high
        assert index.total.low <= two <= index.total.high
        assert index.expected == index.first


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 5), st.booleans(), st.integers(0, 10_000))
def test_resampled_indices_are_what_salib_gives_on_resampled_data(d: int, second: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, rows = 40, 2 * d + 2 if second else d + 2
    y = rng.normal(size=(n, rows)) + 3.0 * rng.normal(size=(n, 1))
    both = [(i, j) for i in range(d) for j in range(i + 1, d)] if second else []
    first, total, pairs = module._sobol_resampled(y, d, both, seed)
    counts = np.rint(module._weights(n, seed) * n).astype(int)
    z = (y - y.mean()) / y.std()
    for r in (0, 7, 199):
        again = np.repeat(z, counts[r], axis=0)
        a, b, ab, ba = again[:, 0], again[:, -1], again[:, 1 : d + 1], again[:, d + 1 : 2 * d + 1]
        for j in range(d):
            assert first[r, j] == pytest.approx(salib_sobol.first_order(a, ab[:, j], b), abs=1e-10)
            assert total[r, j] == pytest.approx(salib_sobol.total_order(a, ab[:, j], b), abs=1e-10)
        for place, (i, j) in enumerate(both):
            wanted = salib_sobol.second_order(a, ab[:, i], ab[:, j], ba[:, i], b)
            assert pairs[r, place] == pytest.approx(wanted, abs=1e-10)


def linear(x: Floats) -> Floats:
    """Two factors act, the others do not. Variance 1/3 + 1/12."""
    return 2.0 * x[:, 0] + x[:, 1]


def luck_of(world: Floats) -> Floats:
    """Luck of 64 worlds, by number."""
    levels = np.random.default_rng(8).normal(0.0, 0.5, 64)
    return np.asarray(levels[np.minimum((world * 64).astype(int), 63)], dtype=np.float64)


def test_with_common_luck_dead_factors_have_no_total_share() -> None:
    points = saltelli_points(5, 256, 1, False)
    found = sobol(linear(points) + 0.7, 5, second_order=False)
    for index in found.indices[2:]:
        assert index.total.value == 0.0
        assert abs(index.first.value) < 0.02
    assert found.indices[0].total.value == pytest.approx(0.8, abs=0.02)


def test_fresh_luck_in_every_row_gives_dead_factors_a_share_and_luck_as_factor_does_not() -> None:
    """The same model and the same size of luck; only where the luck comes from differs."""
    points = saltelli_points(6, 512, 1, False)
    rng = np.random.default_rng(2)
    spread = float(np.std(luck_of(np.linspace(0.0, 0.999, 64))))
    fresh = sobol(linear(points) + rng.normal(0.0, spread, len(points)), 6, second_order=False)
    factor = sobol(linear(points) + luck_of(points[:, 5]), 6, second_order=False, luck=5)
    noise = spread**2 / (5.0 / 12.0 + spread**2)
    for dead in (2, 3, 4):
        assert fresh.indices[dead].total.value == pytest.approx(noise, abs=0.08)
        assert factor.indices[dead].total.value == 0.0
    assert factor.indices[5].total.value == pytest.approx(noise, abs=0.03)
    assert factor.indices[5].first.value == pytest.approx(noise, abs=0.05)
    assert sum(index.total.value for index in fresh.indices) > 2.0
    assert sum(index.total.value for index in factor.indices) == pytest.approx(1.0, abs=0.05)


def test_shares_of_the_expected_outcome_are_those_without_luck() -> None:
    """Also where luck acts more strongly at some values of a factor, which makes the two interact."""
    points = saltelli_points(4, 4096, 1, True)
    y = linear(points) + luck_of(points[:, 3]) * 2.0 * points[:, 0]
    found = sobol(y, 4, second_order=True, luck=3)
    worlds = luck_of(np.linspace(0.0, 0.999, 64))
    slope = 2.0 + 2.0 * float(worlds.mean())  # E[y | x] = (2 + 2 mean luck) x0 + x1
    wanted = slope**2 / (slope**2 + 1.0)
    for i, share_of_g in enumerate((wanted, 1.0 - wanted)):
        assert found.indices[i].expected.value == pytest.approx(share_of_g, abs=0.03)
        assert found.indices[i].expected.low <= share_of_g <= found.indices[i].expected.high
    assert found.indices[0].first.value < wanted - 0.1
    assert math.isnan(found.indices[3].expected.value)
    by_pair = {(pair.one, pair.other): pair for pair in found.pairs}
    assert by_pair[0, 3].share.low > 0.0
    assert math.isnan(by_pair[0, 3].expected.value)


def test_luck_that_is_all_leaves_no_expected_outcome_to_share() -> None:
    points = saltelli_points(3, 128, 1, False)
    found = sobol(luck_of(points[:, 2]), 3, second_order=False, luck=2)
    assert all(math.isnan(index.expected.value) for index in found.indices)
    assert found.indices[2].total.value == pytest.approx(1.0, abs=0.1)


# --- several worlds per point -------------------------------------------------------------------------------


def test_worlds_of_their_own_are_taken_out_and_common_worlds_leave_no_trace() -> None:
    """Four worlds per point. The same luck, common or of each row: corrected, both give the shares without luck."""
    totals: dict[str, list[list[float]]] = {"plain": [], "fixed": [], "shared": []}
    for seed in range(12):
        points = saltelli_points(4, 512, seed, False)
        rng = np.random.default_rng(seed)
        own = linear(points)[:, None] + rng.normal(0.0, 1.0, (len(points), 4))
        common = linear(points)[:, None] + rng.normal(0.0, 1.0, (1, 4))
        rows = np.arange(len(points))
        for name, runs, noise in (
            ("plain", own, None),
            ("fixed", own, world_noise(own, rows)),
            ("shared", common, world_noise(common)),
        ):
            found = sobol(runs.mean(axis=1), 4, second_order=False, worlds=noise)
            totals[name].append([index.total.value for index in found.indices])
    mean = {name: np.mean(values, axis=0) for name, values in totals.items()}
    assert mean["plain"][2] > 0.3
    assert mean["fixed"] == pytest.approx([0.8, 0.2, 0.0, 0.0], abs=0.06)
    assert mean["shared"] == pytest.approx([0.8, 0.2, 0.0, 0.0], abs=0.02)


def test_worlds_of_each_draw_are_taken_out_of_the_draw() -> None:
    """Worlds go with the draw, so without correction their luck would pass for an effect of the draw."""
    plain: list[list[float]] = []
    fixed: list[list[float]] = []
    points = saltelli_points(3, 256, 1, False)
    draw = np.minimum((points[:, 2] * 20).astype(int), 19)
    for seed in range(30):
        luck = np.random.default_rng(seed).normal(0.0, 0.4, (20, 2))
        runs = linear(points)[:, None] + luck[draw]
        noise = world_noise(runs, draw)
        assert noise is not None
        assert noise.corrected
        for into, worlds in ((plain, None), (fixed, noise)):
            found = sobol(runs.mean(axis=1), 3, second_order=False, worlds=worlds)
            into.append([index.total.value for index in found.indices])
    assert np.mean(plain, axis=0)[2] > 0.12
    assert np.mean(fixed, axis=0) == pytest.approx([0.8, 0.2, 0.0], abs=0.04)


def test_luck_too_uncertain_to_take_out_is_left_in_and_said() -> None:
    draw = np.repeat(np.arange(5), 40)
    luck = np.random.default_rng(3).normal(0.0, 2.0, (5, 2))
    noise = world_noise(np.random.default_rng(4).random((200, 1)) + luck[draw], draw)
    assert noise is not None
    assert noise.own
    assert not noise.corrected
    assert noise.as_noise().of_mean > 0.3


def test_luck_is_taken_apart_into_what_worlds_do_to_all_and_the_rest() -> None:
    rng = np.random.default_rng(6)
    base, world, rest = (
        rng.normal(0, 2, (600, 1)),
        rng.normal(0, 1.0, (1, 400)),
        rng.normal(0, 0.5, (600, 400)),
    )
    found = world_noise(base + world + rest)
    assert found is not None
    assert found.own_mean * 400 == pytest.approx(1.0, rel=0.15)
    assert found.with_factors * 400 == pytest.approx(0.25, rel=0.02)
    assert found.of_one_run == pytest.approx(1.25 / 5.25, rel=0.15)
    seen = found.as_noise()
    assert not seen.corrected
    assert seen.of_mean == pytest.approx(0.25 / 400 / 4.0, rel=0.1)
    assert world_noise(base) is None


def test_noise_looks_only_at_points_with_all_their_worlds() -> None:
    rng = np.random.default_rng(7)
    runs = rng.normal(size=(50, 3)) + np.arange(50)[:, None]
    holed = np.vstack([runs, [[1e9, np.nan, 3.0]]])
    assert world_noise(holed) == world_noise(runs)


def by_groups(values: Floats, owners: Any) -> tuple[float, float]:
    """Variance of the mean by what worlds do to a whole group, and by the rest: group by group."""
    worlds = values.shape[1]
    rest, freedom, of_means, inverse = 0.0, 0, 0.0, 0.0
    groups = sorted(set(owners.tolist()))
    for label in groups:
        block = values[owners == label] - values[owners == label].mean(axis=1, keepdims=True)
        means = block.mean(axis=0)
        rest += float(((block - means) ** 2).sum())
        freedom += (len(block) - 1) * (worlds - 1)
        of_means += float((means**2).sum()) / (worlds - 1) / len(groups)
        inverse += 1.0 / len(block) / len(groups)
    rest = rest / freedom if freedom else 0.0
    return max(of_means - rest * inverse, 0.0) / worlds, rest / worlds


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.lists(st.integers(0, 6), min_size=3, max_size=30), st.integers(0, 10_000))
def test_luck_of_many_groups_is_that_of_each_group(worlds: int, labels: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    owners = np.array(labels, dtype=np.int64)
    values = rng.normal(size=(len(labels), worlds)) + 2.0 * rng.normal(size=(7, worlds))[owners]
    found = world_noise(values, owners)
    assert found is not None
    assert (found.own_mean, found.with_factors) == pytest.approx(by_groups(values, owners), abs=1e-12)


@pytest.mark.parametrize("own", ["points", "both factors", "first factor"])
def test_worlds_of_sets_of_parameters_are_taken_out_of_given_data(own: str) -> None:
    """Worlds that go with points, with two factors together or with one: what they add is in no share."""
    plain: list[list[float]] = []
    fixed: list[list[float]] = []
    x = np.array([(a, b, c) for a in range(12) for b in range(12) for c in range(3)], dtype=float)
    place = x.astype(np.int64)
    owners = {
        "points": np.arange(len(x)),
        "both factors": place[:, 0] * 12 + place[:, 1],
        "first factor": place[:, 0],
    }[own]
    for seed in range(60):
        luck = np.random.default_rng(seed).normal(0.0, 1.0, (int(owners.max()) + 1, 8))[owners]
        runs = x[:, :1] / 5.0 + luck
        noise = world_noise(runs, owners)
        assert noise is not None
        noise = replace(noise, own_mean=1.0 / 8.0)
        for into, worlds in ((plain, None), (fixed, noise)):
            found = given_data(x, runs.mean(axis=1), [False] * 3, worlds=worlds)
            into.append([one.value for one in found.first])
    assert np.mean(fixed, axis=0) == pytest.approx([1.0, 0.0, 0.0], abs=0.02)
    assert np.abs(np.mean(plain, axis=0) - [1.0, 0.0, 0.0]).max() > (0.1 if own == "points" else -1.0)


# --- Morris -------------------------------------------------------------------------------------------------


def test_effects_are_changes_by_one_step_in_the_unit_of_the_outcome() -> None:
    """Two thirds of the range for a number; the whole difference for yes and no, not one and a half of it."""
    points = morris_points(4, 12, 1)
    y = 3.0 * points[:, 0] - 6.0 * points[:, 1] + 5.0 * (points[:, 2] >= 0.5)
    found = morris(points, y)
    assert [effect.mean.value for effect in found.effects] == pytest.approx([2.0, -4.0, 5.0, 0.0])
    assert [effect.size.value for effect in found.effects] == pytest.approx([2.0, 4.0, 5.0, 0.0])
    assert [effect.spread.value for effect in found.effects] == pytest.approx([0.0] * 4, abs=1e-12)
    assert [effect.size.width for effect in found.effects] == pytest.approx([0.0] * 4, abs=1e-6)
    assert ranking(found.importance) == [2, 1, 0, 3]


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(4, 12), st.integers(0, 10_000))
def test_effects_agree_with_salib_also_for_categories(d: int, n: int, seed: int) -> None:
    points = morris_points(d, n, seed, [3 if i == 1 else None for i in range(d)])
    y = np.random.default_rng(seed).normal(size=len(points))
    found = morris(points, y)
    problem = problem_of(d)
    wanted = salib_morris.analyze(problem, points, y, num_resamples=2, num_levels=4, seed=1)
    assert [e.mean.value for e in found.effects] == pytest.approx([STEP * v for v in wanted["mu"]])
    effects = elementary_effects(points.reshape(n, d + 1, d), y.reshape(n, d + 1))
    assert effects.mean(axis=0) == pytest.approx([e.mean.value for e in found.effects])
    assert np.abs(effects).mean(axis=0) == pytest.approx([e.size.value for e in found.effects])
    assert effects.std(axis=0, ddof=1) == pytest.approx([e.spread.value for e in found.effects])


@pytest.mark.parametrize("values", [[0, 2], [0, 2, 4], [0, 1, 2, 4, 6]])
def test_a_step_of_a_list_is_to_another_value_and_upwards(values: list[int]) -> None:
    """Not two thirds of the range: of 0, 2 and 4 it is from 0 to 4 or from 2 to 4."""
    factor = factor_of("follow_up_years", values)
    for low, high in ((0.0, 2 / 3), (1 / 3, 1.0)):
        assert factor.number(factor.at(low)) < factor.number(factor.at(high))


def test_an_interaction_shows_as_spread() -> None:
    points = morris_points(3, 40, 1)
    found = morris(points, 4.0 * (points[:, 0] - 0.5) * (points[:, 1] - 0.5) + points[:, 2])
    for i in (0, 1):
        assert abs(found.effects[i].mean.value) < found.effects[i].size.value
        assert found.effects[i].spread.low > 0.5
    assert found.effects[2].spread.value == pytest.approx(0.0, abs=1e-12)


def test_luck_alone_gives_effects_of_the_size_it_says() -> None:
    """The second factor only deals luck anew; the third does nothing at all."""
    points = morris_points(3, 200, 1)
    rng = np.random.default_rng(2)
    deals = rng.normal(size=(2, 200, 3))
    moved = (points[:, 1].reshape(200, 4) > 0.5).astype(int)
    luck = deals[moved, np.arange(200)[:, None]]
    runs = 5.0 * points[:, :1] + luck.reshape(-1, 3)
    found = morris(points, runs.mean(axis=1), runs=runs)
    first, second, third = found.effects
    wanted = math.sqrt(2.0 / math.pi * 2.0 / 3.0)
    assert second.by_luck == pytest.approx(wanted, rel=0.1)
    assert second.size.low <= second.by_luck <= second.size.high
    assert first.beyond_luck
    assert not second.beyond_luck
    assert not third.beyond_luck
    assert first.by_luck == pytest.approx(0.0, abs=1e-12)
    assert third.by_luck == pytest.approx(0.0, abs=1e-12)
    alone = morris(points, runs.mean(axis=1)).effects[1]
    assert math.isnan(alone.by_luck)
    assert alone.beyond_luck


# --- given data ---------------------------------------------------------------------------------------------


def mixed(n: int, seed: int) -> tuple[Floats, Floats]:
    """A yes/no factor, four categories whose order says nothing, two numbers, three dead factors; with noise."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, 7))
    x[:, 0] = x[:, 0] < 0.5
    x[:, 1] = np.floor(4 * x[:, 1])
    effect = np.array([0.0, 3.0, 0.5, 2.5])[x[:, 1].astype(int)]
    return x, 2.0 * x[:, 0] + effect + 3.0 * x[:, 2] + x[:, 3] + rng.normal(0.0, 0.5, n)


MIXED = np.array([1.0, 1.625, 0.75, 1 / 12, 0.0, 0.0, 0.0])
"""Variances of its parts, by hand: 2^2/4, variance of the four effects, 9/12, 1/12."""

LOOSE = [False, True, False, False, False, False, False]


def test_given_data_finds_the_shares_of_mixed_factors() -> None:
    x, y = mixed(600, 1)
    found = given_data(x, y, LOOSE)
    wanted = MIXED / (MIXED.sum() + 0.25)
    assert [one.value for one in found.first] == pytest.approx(wanted, abs=0.04)
    for one, true in zip(found.first, wanted, strict=True):
        assert one.low - 0.01 <= true <= one.high + 0.01
    assert found.rest.value == pytest.approx(0.25 / (MIXED.sum() + 0.25), abs=0.05)


def test_a_complete_factorial_gives_exact_shares() -> None:
    levels = np.array([[a, b, c] for a in range(3) for b in range(4) for c in range(5)], dtype=float)
    y = 2.0 * levels[:, 0] + levels[:, 1]
    found = given_data(levels, y, [False, True, False])
    variances = np.array([4.0 * 2.0 / 3.0, 1.25, 0.0])
    assert [one.value for one in found.first] == pytest.approx(variances / variances.sum(), abs=1e-9)
    assert found.rest.value == pytest.approx(0.0, abs=1e-9)


def test_dead_factors_get_nothing_on_average() -> None:
    shares = [[one.value for one in given_data(*mixed(128, seed), LOOSE).first[4:]] for seed in range(40)]
    assert abs(np.mean(shares)) < 0.004


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(4)), st.floats(0.1, 50.0), st.floats(-100.0, 100.0))
def test_shares_do_not_hang_on_units_or_names(
    seed: int, order: list[int], factor: float, shift: float
) -> None:
    """Another unit of the outcome, another scale of a number, other numbers for categories: the same shares."""
    x, y = mixed(120, seed)
    other = x.copy()
    other[:, 1] = np.array(order, dtype=float)[x[:, 1].astype(int)]
    other[:, 2] = np.exp(3.0 * x[:, 2])
    one, two = given_data(x, y, LOOSE), given_data(other, factor * y + shift, LOOSE)
    for a, b in zip(one.first, two.first, strict=True):
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-7)


def test_classes_keep_values_together_and_refuse_too_many_categories() -> None:
    rng = np.random.default_rng(1)
    few = rng.integers(0, 3, 100).astype(float)
    found_classes = classes(few, False)
    assert found_classes is not None
    assert np.array_equal(found_classes, few.astype(int))
    many = rng.integers(0, 60, 400).astype(float)
    labels = classes(many, False)
    assert labels is not None
    assert np.unique(labels).size == 7
    for value in np.unique(many):
        assert np.unique(labels[many == value]).size == 1
    assert np.bincount(labels).min() > 20
    assert classes(np.arange(50.0), True) is None
    found = given_data(np.column_stack([np.arange(50.0), rng.random(50)]), rng.random(50), [True, False])
    assert math.isnan(found.first[0].value)
    assert math.isfinite(found.first[1].value)
    assert math.isnan(found.rest.value)


# --- from low to high ---------------------------------------------------------------------------------------


def test_swings_are_means_at_the_ends() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((5000, 4))
    x[:, 1] = np.floor(3 * x[:, 1])
    x[:, 2] = np.floor(3 * x[:, 2])
    y = 10.0 * x[:, 0] + 4.0 * x[:, 1] + np.array([0.0, 9.0, 3.0])[x[:, 2].astype(int)]
    number, ordered, loose, dead = swings(x, y, [False, False, True, False])
    assert number is not None
    assert ordered is not None
    assert loose is not None
    assert dead is not None
    assert number.change.value == pytest.approx(8.0, abs=0.6)  # 10 x (0.9 - 0.1)
    assert number.low_rows[1] == pytest.approx(0.2, abs=0.02)
    assert ordered.change.value == pytest.approx(8.0, abs=0.4)
    assert (ordered.low_rows, ordered.high_rows) == ((0.0, 0.0), (2.0, 2.0))
    assert loose.change.value == pytest.approx(9.0, abs=0.4)
    assert loose.high_rows == (1.0, 1.0)
    assert dead.change.low < 0.0 < dead.change.high
    assert number.change.value == pytest.approx(number.high.value - number.low.value)


def test_rows_of_a_base_point_are_resampled_together() -> None:
    """Rows of a base point are nearly alike: taken for independent, intervals would be far too narrow."""
    points = saltelli_points(4, 64, 1, True)
    y = 10.0 * points[:, 0]
    apart = swings(points, y, [False] * 4)[1]
    together = swings(points, y, [False] * 4, per_block=10)[1]
    assert apart is not None
    assert together is not None
    assert together.change.value == apart.change.value
    assert together.change.width > 1.3 * apart.change.width


def test_a_factor_with_one_value_or_too_many_names_has_no_ends() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(60), np.arange(60) % 13, rng.random(60)])
    one, many, number = swings(x, rng.random(60), [False, True, False])
    assert one is None
    assert many is None
    assert number is not None


# --- failed runs --------------------------------------------------------------------------------------------

Analyse = Callable[[Floats, Floats], Indices]
DESIGNS: dict[str, tuple[Callable[[], Floats], int, Analyse]] = {
    "trajectories": (lambda: morris_points(3, 40, 1), 4, lambda x, y: morris(x, y)),
    "base points": (lambda: saltelli_points(3, 64, 1, True), 8, lambda x, y: sobol(y, 3, second_order=True)),
    "points": (
        lambda: np.random.default_rng(1).random((100, 3)),
        1,
        lambda x, y: given_data(x, y, [False] * 3),
    ),
}


@pytest.mark.parametrize("kind", DESIGNS)
def test_a_failed_run_drops_its_block_and_no_more(kind: str) -> None:
    """What is left is analysed as if the block had never been there."""
    make, size, analyse = DESIGNS[kind]
    x = make()
    y = x[:, 0] + x[:, 1] ** 2
    holed = y.copy()
    holed[[2 * size, 9 * size + size - 1]] = np.nan
    found = analyse(x, holed)
    assert (found.blocks.kind, found.blocks.dropped) == (kind, 2)
    keep = ~np.isin(np.arange(len(y)) // size, (2, 9))
    without = analyse(x[keep], y[keep])
    same = replace(found, blocks=without.blocks)
    assert json.dumps(plain(same)) == json.dumps(plain(without))


@pytest.mark.parametrize("kind", DESIGNS)
def test_too_many_failed_runs_are_refused_in_words(kind: str) -> None:
    make, size, analyse = DESIGNS[kind]
    x = make()
    y = x[:, 0].copy()
    total = len(y) // size
    lost = total // 5 + 1
    y[: lost * size : size] = np.inf
    with pytest.raises(StudyError, match=f"{lost} of {total} {kind} hold a run that failed") as caught:
        analyse(x, y)
    assert "at most 20 % may be dropped" in str(caught.value)
    assert f"ask for more {kind}" in caught.value.hint


def test_too_few_blocks_are_refused_together_with_too_many_failures() -> None:
    values = np.ones(35)
    values[:10] = np.nan
    with pytest.raises(StudyError) as caught:
        kept_blocks(values, 1, "given data")
    assert len(caught.value.problems) == 2
    assert "25 points are whole; at least 30 are needed" in str(caught.value)
    with pytest.raises(StudyError, match="20 points are whole; at least 30 are needed") as caught:
        kept_blocks(np.ones(20), 1, "given data")
    assert caught.value.hint == "Ask for more points."
    with pytest.raises(ValueError, match="no whole blocks"):
        kept_blocks(np.ones(7), 2, "morris")


@pytest.mark.parametrize("kind", DESIGNS)
def test_an_outcome_that_never_varies_has_no_indices_and_no_warning(kind: str) -> None:
    make, _, analyse = DESIGNS[kind]
    x = make()
    for value in (0.0, 3e9):
        found = analyse(x, np.full(len(x), value))
        assert not found.varies
        assert all(math.isnan(one.value) for one in found.importance)


# --- intervals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DESIGNS)
def test_intervals_hold_their_estimate_are_reproducible_and_shrink(kind: str) -> None:
    make, size, analyse = DESIGNS[kind]
    x = make()
    y = x[:, 0] + x[:, 1] ** 2 + 3 * x[:, 0] * x[:, 2]
    whole, again = analyse(x, y), analyse(x, y)
    assert plain(whole) == plain(again)
    part = len(y) // size // 2 * size
    half = analyse(x[:part], y[:part])
    for one in whole.importance:
        assert one.low <= one.value <= one.high
    assert sum(one.width for one in whole.importance) < sum(one.width for one in half.importance)


def hit_rate(truth: Floats, draw: Callable[[int], list[tuple[float, float]]], repeats: int) -> Floats:
    hits = [[low <= t <= high for t, (low, high) in zip(truth, draw(r), strict=True)] for r in range(repeats)]
    return np.asarray(np.mean(hits, axis=0), dtype=np.float64)


def _morris_intervals(seed: int) -> list[tuple[float, float]]:
    points = morris_points(3, 20, seed)
    rng = np.random.default_rng(seed)
    found = morris(points, points[:, 0] * (1 + 2 * points[:, 1]) + rng.normal(0, 0.2, len(points)))
    return [(e.mean.low, e.mean.high) for e in found.effects]


def test_intervals_of_mean_effects_hold_the_truth_mostly() -> None:
    """Mean change by a step, by hand: x0 (1 + 2 x1) at mean x1 = 1/2 and back."""
    truth = np.array([STEP * 2.0, STEP * 1.0, 0.0])
    assert (hit_rate(truth, _morris_intervals, 30) >= 0.8).all()


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Nominal 0.95. Of 300 samples each; Morris with 20 trajectories, given data with 256 points. Sobol with 256
    base points is too careful, as its points are spread more evenly than by chance.
    """
    truth = np.array([STEP * 2.0, STEP * 1.0, 0.0])
    rates = {"morris": hit_rate(truth, _morris_intervals, 300)}

    def of_sobol(seed: int) -> list[tuple[float, float]]:
        points = saltelli_points(3, 256, seed, False)
        found = sobol(Ishigami.evaluate(points * 2 * np.pi - np.pi), 3, second_order=False)
        return [(e.low, e.high) for i in found.indices for e in (i.first, i.total)]

    known = np.array([_ONE, _ONE + _BOTH, _TWO, _TWO, 0.0, _BOTH])
    rates["sobol"] = hit_rate(known, of_sobol, 150)

    def of_data(seed: int) -> list[tuple[float, float]]:
        found = given_data(*mixed(256, seed), LOOSE)
        return [(e.low, e.high) for e in found.first]

    rates["given data"] = hit_rate(MIXED / (MIXED.sum() + 0.25), of_data, 300)
    for name, rate in rates.items():
        assert rate.mean() > 0.9, (name, rate)
        assert rate.min() > 0.8, (name, rate)


# --- is the sample large enough? ----------------------------------------------------------------------------


def grown(n: int) -> Convergence | None:
    points = saltelli_points(4, n, 1, False)
    y = 3.0 * points[:, 0] + 2.0 * points[:, 1] + points[:, 2]
    return convergence(lambda blocks: sobol(y[: blocks * 6], 4, second_order=False), n, "sobol")


def test_a_large_sample_is_enough_and_a_small_one_is_not() -> None:
    large, small = grown(4096), grown(64)
    assert large is not None
    assert small is not None
    assert [step.blocks for step in large.steps] == [512, 1024, 2048, 4096]
    assert [step.blocks for step in small.steps] == [32, 64]
    assert large.enough
    assert large.top == (0, 1, 2)
    assert not small.enough
    assert small.widest > 0.1 > large.widest
    assert grown(32) is None


def test_luck_is_not_ranked() -> None:
    points = saltelli_points(3, 128, 1, False)
    y = points[:, 0] + 5.0 * luck_of(points[:, 2])
    found = convergence(lambda b: sobol(y[: b * 5], 3, second_order=False, luck=2), 128, "sobol", (2,))
    assert found is not None
    assert found.top == (0,)


def test_factors_that_change_places_are_said_to() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((400, 2))
    y = np.where(np.arange(400) < 200, x[:, 0], 3.0 * x[:, 1])
    found = convergence(lambda b: given_data(x[:b], y[:b], [False, False]), 400, "given data")
    assert found is not None
    assert found.top[0] == 1
    assert not found.stable
    assert not found.enough


# --- from a sweep -------------------------------------------------------------------------------------------

OUTCOMES = (
    OutcomeInfo("additional_exports_net_eur", "EUR", "net additional exports", "higher"),
    OutcomeInfo("contracts", "contracts", "first contracts", "higher"),
    OutcomeInfo("public_cost_eur", "EUR", "public cost", "lower"),
)


class StandIn:
    """A table of runs with a known answer: exports follow ``step_success`` and, of options, ``support_gain``; public
    cost never varies; luck shifts exports.
    """

    def __init__(self, plan: Plan, spoiled: float = 0.0, luck: float = 1.0) -> None:
        self.plan = plan
        self.outcomes = OUTCOMES
        self.n_failed = 3 if spoiled else 0
        self.n_missing = 0
        self.version, self.behaviour, self.drawn_from = "0.0-toy", "toy", "default values"
        self.uncalibrated = "parameters were left at their defaults"
        self.points = plan.points()
        points, worlds = self.points, plan.worlds_per_point
        place = {f.name: [_unit(f, f.number(p[f.name])) for p in points] for f in plan.factors}
        zero = [0.0] * len(points)
        x = {
            name: np.array(place.get(name, zero))
            for name in ("step_success", "support_gain", "relation_fade")
        }
        levels = np.random.default_rng(1).normal(0.0, luck, 64)
        if "luck" in place:
            chance = levels[[int(p["luck"]) for p in points]][:, None]
        else:
            chance = np.tile(levels[:worlds], (len(points), 1))
        self.values: dict[tuple[str, str], Floats] = {}
        for k, policy in enumerate(plan.policies):
            gain = 4.0 * x["support_gain"] * (policy in plan.option_names)
            exports = 1e6 * (10.0 + 3.0 * x["step_success"] + gain)[:, None] + 1e6 * chance * (1.0 + 0.2 * k)
            order = np.random.default_rng(2).permutation(len(points))
            broken = order[: math.ceil(spoiled * len(points))]
            exports[broken] = np.nan
            self.values[policy, "additional_exports_net_eur"] = exports
            self.values[policy, "contracts"] = exports / 4e5
            self.values[policy, "public_cost_eur"] = np.full_like(exports, 5e6)

    def levels(self, policy: str, outcome: str) -> Floats:
        return self.values[policy, outcome]


def _unit(factor: Factor, value: float) -> float:
    return value if factor.categories else (value - factor.low) / (factor.high - factor.low)


def a_plan(
    pib: Scenario, method: str, size: int, *, luck: str = "common", worlds: int = 1, draws: int = 1
) -> Plan:
    names = ("step_success", "support_gain", "relation_fade")
    factors = [factor_of(name) for name in names]
    factors += [counted_factor("draw", draws)] if draws > 1 else []
    factors += [counted_factor("luck", worlds)] if luck == "factor" else []
    return Plan(
        name="toy-sweep",
        question="What matters?",
        reference=pib,
        options=(load_scenario("follow-up", "option"),),
        factors=tuple(factors),
        method=method,  # type: ignore[arg-type]
        size=size,
        block=size,
        worlds=worlds,
        luck=luck,  # type: ignore[arg-type]
        rest="prior" if draws > 1 else "defaults",
        draws=draws,
        seed=1,
    )


CASES = {
    "morris": ("morris", 16, "common", 2),
    "sobol": ("saltelli", 64, "factor", 16),
    "given data": ("latin-hypercube", 120, "common", 2),
}


SPOILED = {"morris": 0.02, "sobol": 0.01, "given data": 0.02}
"""Share of points without exports, small enough that less than a fifth of the blocks is lost."""


def report_of(pib: Scenario, case: str, *, levels: bool = False, broken: bool = False) -> SensitivityReport:
    spoiled = SPOILED[case] if broken else 0.0
    method, size, luck, worlds = CASES[case]
    return sensitivity(StandIn(a_plan(pib, method, size, luck=luck, worlds=worlds), spoiled), levels=levels)


@pytest.mark.parametrize("case", CASES)
def test_a_difference_follows_other_factors_than_the_outcome_itself(pib: Scenario, case: str) -> None:
    report = report_of(pib, case, levels=True)
    assert report.method == case
    assert len(report.findings) == 3 * 3
    names = [note.name for note in report.factors]
    for minus, policy, wanted in (
        (True, "follow-up", "support_gain"),
        (False, "reference", "step_success"),
    ):
        finding = report.finding("additional_exports_net_eur", policy, minus=minus)
        assert finding.indices is not None
        order = [i for i in ranking(finding.indices.importance) if i != report.luck_place]
        assert names[order[0]] == wanted
    difference = report.finding("additional_exports_net_eur", "follow-up", minus=True)
    assert difference.indices is not None
    assert difference.indices.importance[names.index("step_success")].value == pytest.approx(0.0, abs=0.05)
    assert difference.subject == "Additional exports, net, follow-up minus reference"


@pytest.mark.parametrize("case", CASES)
def test_every_finding_has_three_to_six_plain_sentences(pib: Scenario, case: str) -> None:
    report = report_of(pib, case, levels=True, broken=True)
    for finding in report.findings:
        sentences = report.summary(finding)
        if finding.indices is not None and finding.indices.varies:
            assert 3 <= len(sentences) <= 6
        text = " ".join(sentences)
        assert "nan" not in text.replace("finan", "")
        assert all(sentence.endswith(".") for sentence in sentences)
    text = " ".join(report.summary())
    assert "What matters most for additional exports, net, follow-up minus reference is " in text
    assert "were dropped, because a run in them failed" in text
    assert "large enough" in text
    cost = report.summary(report.finding("public_cost_eur"))
    assert cost == (
        "Public cost, follow-up minus reference does not vary: it is 0.0 EUR at every point, so that no factor matters"
        " for it.",
    )


def test_luck_is_said_by_each_way_it_can_enter(pib: Scenario) -> None:
    assert "Luck makes" in " ".join(report_of(pib, "sobol").summary())
    assert "of the means over 2 worlds" in " ".join(report_of(pib, "given data").summary())
    alone = sensitivity(StandIn(a_plan(pib, "latin-hypercube", 60)))
    assert "Every point ran in one world, the same for all" in " ".join(alone.summary())


def gain_and_luck(pib: Scenario, method: str, size: int, luck: Luck, worlds: int, draws: int) -> Plan:
    factors = [
        factor_of("covenant_amount_eur", {"low": 200_000, "high": 500_000}),
        factor_of("support_gain", {"low": 0.3, "high": 0.9}),
    ]
    factors += [counted_factor("draw", draws)] if draws > 1 else []
    return replace(
        a_plan(pib, method, size, worlds=worlds), factors=tuple(factors), luck=luck, draws=draws, rest="prior"
    )


def gain_of(inputs: RunInputs, seed: int) -> dict[str, float]:
    return {"y": 10.0 * inputs.parameters["support_gain"] + np.random.default_rng(seed).normal(0.0, 3.0)}


def the_gain(run: Mapping[str, float], twin: Mapping[str, float] | None) -> Floats:
    return np.array([run["y"]])


def any_draws(n: int, seed: int) -> Sequence[Mapping[str, float]]:
    return [{"support_gain": 0.5, "another": float(i)} for i in range(n)]


GAIN = Simulator(
    (OutcomeInfo("gain", "", "gain and luck", "higher"),), gain_of, the_gain, any_draws, "0", "gain"
)


@pytest.mark.parametrize("draws", [1, 5])
@pytest.mark.parametrize(
    ("method", "size", "within"), [("latin-hypercube", 240, 0.12), ("saltelli", 256, 0.3)]
)
def test_own_worlds_are_those_of_a_set_of_parameters(
    pib: Scenario, method: str, size: int, within: float, draws: int
) -> None:
    """Of the expected outcome all is support gain; luck of its own at each set of parameters, four fifths of the
    variance of runs, is taken out, with a draw among the factors or without.
    """
    table = sweep(gain_and_luck(pib, method, size, "own", 4, draws), simulator=GAIN)
    report = sensitivity(table, ["gain"], levels=True)
    finding = report.finding("gain", "reference")
    assert finding.noise is not None
    assert finding.noise.own
    assert finding.noise.corrected
    assert finding.indices is not None
    gain = finding.indices.importance[1]
    assert gain.value == pytest.approx(1.0, abs=within)
    assert gain.low < 1.0 < gain.high
    words = " ".join(report.summary(finding))
    assert "which is taken out of the shares" in words
    assert "points share their worlds" not in words


def test_common_worlds_and_one_world_are_said_as_they_are(pib: Scenario) -> None:
    def said(luck: Luck, worlds: int, method: str = "latin-hypercube", size: int = 60) -> str:
        table = sweep(gain_and_luck(pib, method, size, luck, worlds, 1), simulator=GAIN)
        report = sensitivity(table, ["gain"], levels=True)
        return " ".join(report.summary(report.finding("gain", "reference")))

    assert "points share their worlds" in said("common", 4)
    assert "one world, the same for all" in said("common", 1)
    assert "in one world of its own" in said("own", 1)
    assert "the same for all" not in said("own", 1)
    assert "passes for effects of parameters" in said("own", 4, "morris", 20)


def test_levers_alone_have_common_worlds_whatever_luck_is_called(pib: Scenario) -> None:
    plan = gain_and_luck(pib, "latin-hypercube", 60, "own", 2, 1)
    table = sweep(replace(plan, factors=plan.factors[:1]), simulator=GAIN)
    assert len(set(plan.parameter_sets(plan.points()).tolist())) == 60
    assert set(table.plan.parameter_sets(table.points).tolist()) == {0}
    report = sensitivity(table, ["gain"], levels=True)
    assert not report.own_luck
    assert not report.finding("gain", "reference").noise.own  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("method", "size", "draws"),
    [("latin-hypercube", 12, 4), ("saltelli", 4, 3), ("morris", 5, 1), ("factorial", 18, 3)],
)
def test_the_plan_numbers_sets_of_parameters_as_the_study_file_does(
    pib: Scenario, tmp_path: Path, method: Method, size: int, draws: int
) -> None:
    plan = gain_and_luck(pib, "latin-hypercube", 12, "own", 2, draws)
    if method == "factorial":
        levels = ((200_000.0, 300_000.0, 500_000.0), (0.9, 0.3), tuple(range(draws)))
        plan = replace(plan, method="factorial", size=size, levels=levels)
    else:
        plan = replace(plan, method=method, size=size, block=size)
    path = tmp_path / "sets.db"
    sweep(plan, simulator=GAIN, study_path=path)
    more = plan.extended(draws=draws + 2) if method == "factorial" else plan.extended(size=2 * size)
    for one in (plan, more):
        sweep(one, simulator=GAIN, study_path=path)
        with Study.read(path) as study:
            stored = [number for (number,) in study.rows("SELECT parameter_set FROM points ORDER BY point")]
        assert one.parameter_sets(one.points()).tolist() == stored
        assert len(set(stored)) > 1


def test_draws_that_were_not_met_are_said(pib: Scenario) -> None:
    """A Morris design on four levels meets four of twenty draws, whatever the plan says."""
    plan = a_plan(pib, "morris", 16, draws=20)
    table = StandIn(plan)
    met = {point["draw"] for point in plan.points()}
    text = " ".join(sensitivity(table).summary())
    assert (f"only {len(met)} of 20 draws were met" in text) == (len(met) < 20)


def test_a_factorial_is_taken_apart_by_chance_and_not_by_rows(pib: Scenario) -> None:
    """The first half of a factorial holds only half of the levels of its first factor."""
    plan = a_plan(pib, "latin-hypercube", 10)
    levels = tuple(tuple(np.linspace(f.low, f.high, 5).tolist()) for f in plan.factors)
    full = replace(plan, method="factorial", size=125, block=125, levels=levels)
    finding = sensitivity(StandIn(full), ["additional_exports_net_eur"], levels=True).findings[1]
    assert finding.policy == "reference"
    assert finding.convergence is not None
    for step in finding.convergence.steps:
        assert step.importance[0].value == pytest.approx(1.0, abs=0.02)
    assert finding.indices is not None
    assert finding.indices.importance[0].value == pytest.approx(1.0, abs=1e-6)


def test_points_are_analysed_as_they_were_run(pib: Scenario) -> None:
    """A table whose points lie elsewhere than the plan would place them here: outcomes belong to the table's."""
    table = StandIn(a_plan(pib, "latin-hypercube", 120))
    order = np.random.default_rng(5).permutation(120)
    moved = StandIn(table.plan)
    moved.points = [table.points[i] for i in order]
    moved.values = {name: runs[order] for name, runs in table.values.items()}
    found, wanted = (sensitivity(one, levels=True).findings[0].indices for one in (moved, table))
    assert found is not None
    assert wanted is not None
    for mine, other in zip(found.importance, wanted.importance, strict=True):
        assert mine.value == pytest.approx(other.value, abs=1e-9)


def test_unknown_outcomes_are_named_with_a_guess(pib: Scenario) -> None:
    table = StandIn(a_plan(pib, "latin-hypercube", 40))
    with pytest.raises(StudyError, match="did you mean 'contracts'"):
        sensitivity(table, ["contract", "contracts"])
    with pytest.raises(StudyError, match="no outcome was asked for"):
        sensitivity(table, [])
    with pytest.raises(StudyError, match="no finding on covenants"):
        sensitivity(table).finding("covenants")


def test_what_cannot_be_analysed_says_why_and_stops_only_if_it_is_all(pib: Scenario) -> None:
    plan = a_plan(pib, "latin-hypercube", 60)
    table = StandIn(plan, spoiled=0.5)
    report = sensitivity(table)
    exports = report.findings[0]
    assert exports.indices is None
    assert "hold a run that failed" in " ".join(report.summary(exports))
    assert report.first is exports
    cost = report.finding("public_cost_eur").indices
    assert cost is not None
    assert not cost.varies
    with pytest.raises(
        StudyError, match="Additional exports, net, follow-up minus reference and 1 more: "
    ) as caught:
        sensitivity(table, ["additional_exports_net_eur", "contracts"])
    assert len(caught.value.problems) == 1, "one reason is said once"
    assert caught.value.hint


@pytest.mark.parametrize("case", CASES)
def test_output_is_plain_complete_and_the_same_each_time(pib: Scenario, case: str) -> None:
    report, again = report_of(pib, case, broken=True), report_of(pib, case, broken=True)
    assert report.to_json() == again.to_json()
    assert report.to_csv() == again.to_csv()
    data = json.loads(report.to_json())
    assert data["summary"] == list(report.summary())
    assert len(data["findings"]) == len(report.findings)
    assert data["findings"][0]["indices"]["blocks"]["dropped"] >= 1
    assert data["findings"][2]["indices"]["varies"] is False
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert tuple(rows[0]) == COLUMNS
    measures = {row["measure"] for row in rows}
    assert {
        "morris": "mean_absolute_effect",
        "sobol": "first_order_of_expected_outcome",
        "given data": "interactions_and_luck",
    }[case] in measures
    assert not any("nan" in row.values() for row in rows)
    cost = [row for row in rows if row["outcome"] == "public_cost_eur"]
    assert cost
    assert all(row["value"] == "" for row in cost)


@pytest.mark.parametrize("case", CASES)
def test_tables_fit_the_page_and_hold_no_nan(pib: Scenario, case: str) -> None:
    report = report_of(pib, case, levels=True, broken=True)
    text = plain_text(sensitivity_report(report))
    assert max(len(line) for line in text.splitlines()) <= 104
    assert " nan" not in text
    for part in ("toy-sweep", "Support gain", "passaat 0.0-toy", "95 % intervals", "3 runs failed"):
        assert part in " ".join(text.split())
    assert text == plain_text(sensitivity_report(report))
    one = plain_text(sensitivity_report(report, findings=report.findings[:1]))
    assert one.count("minus reference ─") == 1


def test_shares_are_written_as_people_read_them() -> None:
    assert [share(v) for v in (0.314, 0.001, 0.0, -0.02, 1.0, math.nan)] == [
        "31 %",
        "<1 %",
        "0 %",
        "0 %",
        "100 %",
        "–",
    ]


def test_a_real_sweep_can_be_analysed(pib: Scenario, toy: Simulator) -> None:
    """The toy's contracts follow the amount per covenant and, with follow-up, nothing that is random in it."""
    from passaat.experiments.design.factors import factor_of

    plan = a_plan(pib, "latin-hypercube", 40, worlds=2)
    factors = (
        factor_of("covenant_amount_eur", {"low": 200_000, "high": 500_000}),
        factor_of("follow_up_years", [0, 2, 4]),
        factor_of("assessors", "all"),
    )
    report = sensitivity(sweep(replace(plan, factors=factors), workers=1, simulator=toy))
    finding = report.finding("public_cost_eur")
    assert isinstance(finding.indices, GivenData)
    amount, years, dead = finding.indices.first
    assert amount.value > years.value > dead.high
    assert finding.ends[0] is not None
    assert finding.ends[0].swing.change.low > 0.0


def test_types_say_which_method_found_what(pib: Scenario) -> None:
    kinds = {case: type(report_of(pib, case).findings[0].indices) for case in CASES}
    assert kinds == {"morris": Morris, "sobol": Sobol, "given data": GivenData}
