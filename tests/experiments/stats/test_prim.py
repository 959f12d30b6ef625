"""PRIM: boxes worked out by hand, ways of peeling that another program took as well, and noise in which nothing is."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from passaat.experiments.stats.pairing import Floats
from passaat.experiments.stats.prim import (
    OPEN,
    PATIENCE,
    PERMUTATIONS,
    Box,
    Dimension,
    Flags,
    Ground,
    Limits,
    chance_of_as_clear,
    clearest,
    counted_in,
    drop_weak,
    held_out,
    inside,
    paste,
    peel,
    quasi_p,
    restricted,
    restricted_again,
    slice_size,
    suggest,
)

NUMBERS = tuple(Dimension(name, "continuous") for name in "abc")


def spread(n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Four columns spread evenly over 0 to 1, without a generator."""
    k = np.arange(1, n + 1)
    steps = (0.7548776662466927, 0.5698402909980532, 0.6180339887498949, 0.8191725133961645)
    a, b, c, u = (np.asarray((k * step) % 1.0, dtype=np.float64) for step in steps)
    return a, b, c, u


def corner_points(n: int, seed: int, *, high: float, low: float) -> tuple[Ground, Flags]:
    """Points in six dimensions; cases are frequent where the first is below 0.4 and the category is not 1."""
    random = np.random.default_rng(seed)
    x = random.random((n, 6))
    x[:, 5] = random.integers(0, 3, n)
    there = (x[:, 0] < 0.4) & (x[:, 5] != 1)
    dimensions = [*(Dimension(f"d{i}", "continuous") for i in range(5)), Dimension("kind", "categories")]
    return Ground(x, dimensions), random.random(n) < np.where(there, high, low)


# --- an independent program ---------------------------------------------------------------------------------

WAYS = {
    "numbers": [
        (400, 200), (380, 199), (361, 197), (342, 195), (324, 192), (307, 189), (291, 184), (276, 179), (262, 175),
        (248, 169), (235, 165), (223, 159), (211, 155), (200, 152), (190, 146), (180, 140), (171, 134), (162, 130),
        (153, 126), (145, 121), (137, 115), (130, 110), (123, 105),
    ],
    "whole numbers": [
        (400, 84), (362, 84), (322, 84), (280, 84), (240, 84), (202, 84), (160, 84), (152, 84), (144, 84), (136, 84),
        (129, 84), (122, 84), (115, 84), (109, 84), (103, 84), (97, 84), (92, 81), (87, 77), (82, 73), (60, 55),
        (57, 53), (54, 51), (37, 35),
    ],
    "categories": [
        (400, 114), (298, 114), (198, 114), (188, 114), (178, 114), (169, 114), (160, 114), (152, 114), (144, 114),
        (136, 114), (129, 109), (107, 93), (87, 77), (82, 73), (77, 69), (38, 35),
    ],
}  # fmt: skip
"""Points and cases of each box as ema_workbench 2.5.3 peels these data (alpha and least mass 0.05), before pasting."""

LAST: dict[str, Box] = {
    "numbers": (Limits(low=0.4785523834572274), Limits(high=0.6212832132108979), Limits(low=0.04604466123749518)),
    "whole numbers": (
        Limits(0.05729297354163876, 0.5846220194658116), Limits(6.0, 7.0), Limits(low=0.09962682058595362),
    ),
    "categories": (Limits(0.29993726445760416, 0.8902132997354197), Limits(1.0, 4.0), Limits(without=(0, 1, 2))),
}  # fmt: skip
"""The last of these boxes; where it cuts half way between whole numbers, the whole number inside."""

QUASI_P = {
    "numbers": {0: 2.4734292456107157e-05, 1: 1.2767776799198446e-06, 2: 0.46937263258059014},
    "categories": {0: 0.21978960808866435, 1: 0.431200167479329, 2: 2.2142095307593606e-10},
}
"""Quasi-p of the last box there: of the only side, or the larger of two."""


def oracle_data(kind: str) -> tuple[Ground, Flags]:
    a, b, c, u = spread(400)
    if kind == "numbers":
        return Ground(np.c_[a, b, c], NUMBERS), u < 1 / (1 + np.exp(-(4 * a - 6 * b + 1)))
    if kind == "whole numbers":
        whole = np.floor(10 * b)
        dimensions = (NUMBERS[0], Dimension("b", "discrete"), NUMBERS[2])
        return Ground(np.c_[a, whole, c], dimensions), (a < 0.6) & (whole >= 6) & (u < 0.9)
    group = np.floor(4 * c)
    dimensions = (NUMBERS[0], Dimension("b", "discrete"), Dimension("c", "categories"))
    cases = ((group == 1) | (group == 3)) & (a > 0.3) & (u < 0.85)
    return Ground(np.c_[a, np.floor(6 * b), group], dimensions), cases


@pytest.mark.parametrize("kind", WAYS)
def test_peels_as_an_independent_program_does(kind: str) -> None:
    ground, cases = oracle_data(kind)
    # The other program ends where no slice gains; here peeling goes on to the smallest box.
    steps = peel(ground, cases, 0.05)[: len(WAYS[kind])]
    assert [(step.points, step.cases) for step in steps] == WAYS[kind]
    for limits, expected in zip(steps[-1].box, LAST[kind], strict=True):
        assert (limits.low, limits.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert limits.without == expected.without
    for place, p in QUASI_P.get(kind, {}).items():
        sides = quasi_p(steps[-1].box, ground.x, cases)[place]
        assert max(one for one in (sides.low, sides.high, sides.categories) if one == one) == pytest.approx(p)


# --- by hand ------------------------------------------------------------------------------------------------


def test_density_coverage_mass_and_phi_by_hand() -> None:
    """Of 8 points 4 are cases; the box holds 3 points, 2 of them cases."""
    x = np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0], [8.0]])
    y = np.array([True, True, False, True, False, True, False, False])
    step = counted_in((Limits(high=3.0),), x, y)
    assert (step.points, step.cases) == (3, 2)
    assert (step.coverage, step.density, step.mass) == (2 / 4, 2 / 3, 3 / 8)
    assert step.phi == pytest.approx(np.corrcoef(x[:, 0] <= 3.0, y)[0, 1])
    assert counted_in((OPEN,), x, y).phi == 0.0


def test_first_slice_by_hand() -> None:
    """Of 40 points a slice of 5 per cent is two: none is a case at the lower end of ``a`` and at the upper of ``b``."""
    x = np.c_[np.arange(40.0), np.arange(40.0)[::-1]]
    y = np.zeros(40, dtype=np.bool_)
    y[5:] = True
    steps = peel(Ground(x, NUMBERS[:2]), y, 0.05)
    assert slice_size(40, 0.05) == 2
    assert steps[1].box == (Limits(low=1.5), OPEN), "the first of two equal slices"
    assert steps[1].density == 35 / 38
    assert steps[-1].density == 1.0
    assert steps[-1].coverage >= 33 / 35


@pytest.mark.parametrize(("points", "size"), [(1, 1), (20, 1), (21, 2), (100, 5), (101, 6), (400, 20)])
def test_a_slice_is_rounded_up(points: int, size: int) -> None:
    assert slice_size(points, 0.05) == size


def test_equal_values_go_together_and_whole_numbers_stay_whole() -> None:
    x = np.repeat(np.arange(5.0), 20)[:, None]
    y = x[:, 0] >= 3.0
    steps = peel(Ground(x, (Dimension("years", "discrete"),)), y, 0.05)
    assert [step.box[0].low for step in steps] == [-math.inf, 1.0, 2.0, 3.0]
    assert steps[-1].density == steps[-1].coverage == 1.0
    halves = peel(Ground(x, (Dimension("years", "continuous"),)), y, 0.05)
    assert [step.box[0].low for step in halves] == [-math.inf, 0.5, 1.5, 2.5]


def test_categories_go_one_at_a_time_the_emptiest_of_cases_first() -> None:
    codes = np.repeat(np.arange(4.0), 25)
    y = np.concatenate([np.arange(25) < share * 25 for share in (0.2, 0.0, 1.0, 0.6)])
    steps = peel(Ground(codes[:, None], (Dimension("kind", "categories"),)), y, 0.05)
    assert [step.box[0].without for step in steps] == [(), (1,), (0, 1), (0, 1, 3)]


def test_no_box_is_smaller_than_the_least() -> None:
    a, b, c, _ = spread(300)
    for n, least in ((300, 15), (120, 10)):
        steps = peel(Ground(np.c_[a, b, c][:n], NUMBERS), (a > 0.99)[:n] | (b > 0.99)[:n], 0.05)
        assert steps[-1].points >= least


def test_pasting_gives_back_what_peeling_took_in_vain() -> None:
    a, b, c, _ = spread(500)
    x, y = np.c_[a, b, c], (a > 0.3) & (a < 0.8)
    narrow = (Limits(0.4, 0.7), Limits(0.1, 0.9), OPEN)
    wide = paste(narrow, x, y, NUMBERS)
    assert (wide[1], wide[2]) == (OPEN, OPEN)
    assert wide[0].low == pytest.approx(0.3, abs=0.01)
    assert wide[0].high == pytest.approx(0.8, abs=0.01)
    found = counted_in(wide, x, y)
    assert found.density == 1.0
    assert found.coverage > 0.95, "no more than a slice short"


def test_pasting_gives_categories_back() -> None:
    codes = np.repeat(np.arange(3.0), 30)[:, None]
    y = codes[:, 0] != 1.0
    assert paste((Limits(without=(0, 1)),), codes, y, (Dimension("kind", "categories"),)) == (
        Limits(without=(1,)),
    )


def test_quasi_p_by_hand_and_weak_restrictions_are_dropped() -> None:
    a, b, c, u = spread(400)
    x, y = np.c_[a, b, c], (a < 0.3) & (u < 0.9)
    box = (Limits(high=0.3), Limits(low=0.2), OPEN)
    here, without = counted_in(box, x, y), counted_in((OPEN, box[1], OPEN), x, y)
    p = quasi_p(box, x, y)
    trials = stats.binomtest(here.cases, here.points, without.cases / without.points, alternative="greater")
    assert p[0].high == pytest.approx(trials.pvalue)
    assert math.isnan(p[0].low)
    assert math.isnan(p[0].categories)
    assert p[1].low > 0.05
    assert drop_weak(box, x, y) == (Limits(high=0.3), OPEN, OPEN)


def test_limits_between_neighbouring_floats_keep_the_inner_one() -> None:
    low = 1.0
    high = np.nextafter(low, 2.0)
    x = np.array([low] * 10 + [high] * 10)[:, None]
    y = x[:, 0] > low
    steps = peel(Ground(x, NUMBERS[:1]), y, 0.05)
    assert (steps[-1].points, steps[-1].density) == (10, 1.0)


def test_shapes_and_values_are_checked() -> None:
    with pytest.raises(ValueError, match=r"shape \(4, 2\), not \(n_points, 1\)"):
        Ground(np.zeros((4, 2)), NUMBERS[:1])
    with pytest.raises(ValueError, match="not finite"):
        Ground(np.array([[1.0], [np.nan]]), NUMBERS[:1])


def test_a_slice_that_is_in_the_way_is_peeled_at_a_loss() -> None:
    """Cases lie at both ends of ``a``, at one of them only where ``b`` is high: no first slice of ``a`` gains."""
    a, b, c, _ = spread(600)
    y = (a < 0.25) | ((a > 0.7) & (b > 0.6))
    found = suggest(Ground(np.c_[a, b, c], NUMBERS), y).found
    assert restricted(found.box) == (0,)
    assert found.box[0].high == pytest.approx(0.25, abs=0.01)
    assert found.density > 0.99


# --- properties ---------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.1, 0.9), alpha=st.sampled_from(PATIENCE))
def test_each_box_lies_in_the_one_before(seed: int, share: float, alpha: float) -> None:
    ground, cases = corner_points(150, seed, high=share, low=share / 3)
    steps = peel(ground, cases, alpha)
    for one, other in pairwise(steps):
        assert other.points < one.points
        assert not (inside(other.box, ground.x) & ~inside(one.box, ground.x)).any()
    for step in steps:
        assert step == counted_in(step.box, ground.x, cases), (
            "what is counted on the way is what the box holds"
        )
    assert steps[clearest(steps)].phi == max(step.phi for step in steps)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_suggestion_keeps_only_what_matters_and_is_no_worse_for_pasting(seed: int) -> None:
    ground, cases = corner_points(200, seed, high=0.8, low=0.1)
    found = suggest(ground, cases)
    for p in quasi_p(found.found.box, ground.x, cases).values():
        assert any(one <= 0.05 for one in (p.low, p.high, p.categories) if one == one)
    assert found.found.points >= 10
    assert found.alpha in PATIENCE


def test_order_of_points_and_scale_of_dimensions_do_not_matter() -> None:
    ground, cases = corner_points(250, 3, high=0.9, low=0.1)
    mixed = np.random.default_rng(1).permutation(250)
    again = suggest(ground.some(mixed), cases[mixed])
    first = suggest(ground, cases)
    assert again.found == first.found
    stretched = ground.x.copy()
    stretched[:, 0] = 1000.0 * stretched[:, 0] - 7.0
    other = suggest(Ground(stretched, ground.dimensions), cases)
    assert other.found.box[0].high == pytest.approx(1000.0 * first.found.box[0].high - 7.0)
    assert (other.found.points, other.found.cases) == (first.found.points, first.found.cases)


# --- found, and not found -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_corner_is_found_in_noise(seed: int) -> None:
    ground, cases = corner_points(300, seed, high=0.9, low=0.1)
    box = suggest(ground, cases).found.box
    assert restricted(box) == (0, 5)
    assert box[0].high == pytest.approx(0.4, abs=0.07)
    assert box[0].low == -math.inf
    assert box[5].without == (1,)
    assert chance_of_as_clear(ground, cases, 1) == 1 / (1 + PERMUTATIONS)


@pytest.mark.slow
def test_without_a_corner_chance_does_as_well_and_its_p_is_uniform() -> None:
    ps = []
    for seed in range(60):
        ground, cases = corner_points(120, seed, high=0.3, low=0.3)
        ps.append(chance_of_as_clear(ground, cases, 1))
    assert sum(p <= 0.01 for p in ps) <= 2
    assert stats.kstest(ps, "uniform").pvalue > 0.01


@pytest.mark.slow
def test_points_not_used_correct_a_density_that_was_picked_to_fit() -> None:
    fitted, corrected = [], []
    for seed in range(40):
        ground, cases = corner_points(150, seed, high=0.3, low=0.3)
        step = suggest(ground, cases).found
        if not restricted(step.box):
            continue
        fitted.append(step.density - cases.mean())
        corrected.append(held_out(ground, cases, 1, folds=5, repeats=2).density - cases.mean())
    assert len(fitted) >= 5, "in noise, too, peeling finds something"
    assert np.mean(fitted) > 0.1
    assert np.mean(corrected) < 0.05


def test_held_out_points_of_a_true_corner_confirm_it() -> None:
    ground, cases = corner_points(400, 2, high=1.0, low=0.0)
    found = held_out(ground, cases, 1, folds=5, repeats=2)
    assert found.density > 0.93
    assert found.coverage > 0.93
    assert found.points == pytest.approx(2 * cases.sum(), rel=0.1)


def test_half_samples_find_the_dimensions_that_matter_again() -> None:
    ground, cases = corner_points(400, 4, high=0.9, low=0.05)
    again = restricted_again(ground, cases, 1, samples=10)
    assert again[0] == again[5] == 1.0
    assert max(again[1:5]) <= 0.3
    assert (again == restricted_again(ground, cases, 1, samples=10)).all(), "the same seed, the same samples"
