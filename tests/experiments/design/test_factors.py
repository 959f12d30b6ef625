"""Factors and designs: what a share of a range means, and points that stay when more are asked for."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passaat.errors import StudyError
from passaat.experiments.design.factors import Factor, Setting, counted_factor, factor_of, read_factor
from passaat.experiments.design.sampling import factorial, unit_points
from passaat.model.parameters import PARAMETERS, Parameter
from passaat.scenarios.levers import LEVERS

SHARES = st.floats(0.0, 1.0)


def varied(record: Parameter) -> Parameter:
    """A record as a study that names it varies it: one that no draw moves, evenly over its range."""
    return replace(record, shape="uniform") if record.shape == "fixed" else record


@st.composite
def factors(draw: st.DrawFn) -> Factor:
    """Any factor that a study file can name."""
    kind = draw(st.sampled_from(["lever", "parameter", "range", "list", "draw", "luck"]))
    if kind == "draw":
        return counted_factor("draw", draw(st.integers(2, 50)))
    if kind == "luck":
        return counted_factor("luck", draw(st.integers(2, 50)))
    if kind == "lever":
        return factor_of(draw(st.sampled_from(sorted(LEVERS))))
    record = varied(PARAMETERS[draw(st.sampled_from(sorted(PARAMETERS)))])
    if kind == "parameter":
        return factor_of(record.name)
    shares = sorted(draw(st.sets(st.integers(0, 1000), min_size=2, max_size=6)))
    values = sorted({min(record.at(share / 1000), record.maximum) for share in shares})
    if kind == "list":
        return factor_of(record.name, values)
    return factor_of(record.name, {"low": values[0], "high": values[-1]})


# --- what a share of the range means ------------------------------------------------------------------------


def test_a_number_runs_evenly_from_low_to_high() -> None:
    factor = factor_of("covenant_amount_eur", {"low": 200_000, "high": 500_000})
    assert (factor.scale, factor.n_values, factor.unit) == ("continuous", None, "EUR")
    assert [factor.at(u) for u in (0.0, 0.5, 1.0)] == [200_000.0, 350_000.0, 500_000.0]


def test_a_parameter_keeps_the_shape_of_its_record_over_a_narrower_range() -> None:
    record = next(one for one in PARAMETERS.values() if one.shape == "loguniform")
    middle = math.sqrt(record.minimum * record.maximum)
    factor = factor_of(record.name, {"high": middle})
    assert factor.shape == "loguniform"
    assert factor.at(0.5) == pytest.approx(math.sqrt(record.minimum * middle))
    assert factor.at(1.0) == middle


def test_without_a_range_a_parameter_is_drawn_as_its_record_says() -> None:
    for record in PARAMETERS.values():
        factor, drawn = factor_of(record.name, {}), varied(record)
        assert [factor.at(u) for u in (0.0, 0.3)] == [drawn.at(0.0), pytest.approx(drawn.at(0.3))]


@pytest.mark.parametrize(("low", "high"), [(0.65, 0.79), (0.28, 0.37), (0.39, 0.4)])
def test_rounding_never_leaves_the_range(low: float, high: float) -> None:
    almost = 1.0 - 2.0**-53
    assert low * math.exp(almost * math.log(high / low)) > high
    factor = replace(factor_of("covenant_amount_eur"), low=low, high=high, shape="loguniform")
    assert [factor.at(u) for u in (0.0, almost, 1.0)] == [low, high, high]


def test_whole_numbers_get_equal_shares() -> None:
    factor = factor_of("follow_up_years", {"low": 2, "high": 4})
    assert [factor.at(u) for u in (0.0, 0.33, 1 / 3, 0.66, 2 / 3, 0.99, 1.0)] == [2, 2, 3, 3, 4, 4, 4]
    assert all(isinstance(factor.at(u), int) for u in (0.0, 1.0))
    assert factor.n_values == 3


def test_all_values_of_a_choice_and_of_a_switch() -> None:
    choice = factor_of("large_firms_role", "all")
    assert choice.categories == ("members", "locomotives", "excluded")
    assert [choice.at(u) for u in (0.0, 0.34, 1.0)] == ["members", "locomotives", "excluded"]
    assert [choice.number(value) for value in choice.categories] == [0.0, 1.0, 2.0]
    assert not choice.ordered
    switch = factor_of("extension_allowed", [True, False])
    assert [switch.number(switch.at(u)) for u in (0.0, 1.0)] == [0.0, 1.0]
    assert not switch.ordered


def test_a_list_of_numbers_is_put_in_order_and_counts_as_numbers() -> None:
    factor = factor_of("follow_up_years", [4, 0, 2])
    assert factor.categories == (0, 2, 4)
    assert factor.ordered
    assert factor.number(4) == 4.0


def test_draw_and_luck_have_no_order() -> None:
    assert [counted_factor("draw", 4).at(u) for u in (0.0, 0.25, 0.5, 1.0)] == [0, 1, 2, 3]
    assert (counted_factor("draw", 4).kind, counted_factor("luck", 4).kind) == ("draw", "luck")
    assert not counted_factor("draw", 4).ordered
    assert not counted_factor("luck", 4).ordered


@given(factors(), SHARES)
def test_every_share_is_a_value_that_is_allowed(factor: Factor, u: float) -> None:
    value = factor.at(u)
    if factor.kind == "lever":
        assert LEVERS[factor.name].normalise(value) == value
    if factor.kind == "uncertainty":
        assert isinstance(value, float)
        assert PARAMETERS[factor.name].minimum <= value <= PARAMETERS[factor.name].maximum
    if factor.categories:
        assert value in factor.categories


@given(factors(), SHARES, SHARES)
def test_a_larger_share_is_never_a_smaller_number(factor: Factor, u: float, v: float) -> None:
    low, high = sorted((u, v))
    assert factor.number(factor.at(low)) <= factor.number(factor.at(high))


@given(factors())
def test_a_range_starts_and_ends_where_it_says(factor: Factor) -> None:
    ends = [factor.at(0.0), factor.at(1.0)]
    assert ends == ([*factor.categories[:1], *factor.categories[-1:]] or [factor.low, factor.high])


@given(factors().filter(lambda factor: factor.n_values is not None))
def test_equal_steps_through_the_unit_interval_meet_each_value_equally_often(factor: Factor) -> None:
    n = factor.n_values
    assert n is not None
    met = Counter(factor.at((place + 0.5) / (3 * n)) for place in range(3 * n))
    assert len(met) == n
    assert set(met.values()) == {3}


@given(factors())
def test_a_factor_survives_the_trip_through_json(factor: Factor) -> None:
    read = Factor.from_dict(json.loads(json.dumps(factor.to_dict(), allow_nan=False)))
    assert read == factor
    assert hash(read) == hash(factor)
    assert [type(value) for value in read.categories] == [type(value) for value in factor.categories]
    assert replace(read, label="another") != factor


@pytest.mark.parametrize("u", [-0.01, 1.01, math.nan])
def test_a_share_outside_the_unit_interval_is_refused(u: float) -> None:
    with pytest.raises(ValueError, match="a share of the range is from 0 to 1"):
        counted_factor("draw", 3).at(u)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (350_000.0, "350,000"),
        (0.125, "0.125"),
        (1 / 3, "0.3333"),
        (123_456.7, "123,457"),
        (True, "true"),
        (False, "false"),
        (4, "4"),
        ("sme", "sme"),
    ],
)
def test_values_are_shown_as_people_write_them(value: Setting, shown: str) -> None:
    assert counted_factor("draw", 2).show(value) == shown


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 2.0, "high": 1.0}, "is no range"),
        ({"low": math.nan}, "is no range"),
        ({"high": math.inf}, "is no range"),
        ({"low": 0.5, "scale": "integer"}, "must be whole"),
        ({"low": 0.0, "shape": "loguniform"}, "must be positive"),
        ({"categories": (1, 2)}, "a range has no list of values"),
        ({"scale": "categories"}, "has no ends"),
        ({"scale": "categories", "low": math.nan, "high": math.nan}, "needs values, each once"),
        (
            {"scale": "categories", "low": math.nan, "high": math.nan, "categories": (1, 1)},
            "needs values, each once",
        ),
    ],
)
def test_a_factor_that_makes_no_sense_cannot_be_made(changes: dict[str, Any], message: str) -> None:
    sound = factor_of("covenant_amount_eur")
    with pytest.raises(ValueError, match=message):
        replace(sound, **changes)


def test_stored_data_with_other_fields_are_refused() -> None:
    data = counted_factor("draw", 3).to_dict()
    with pytest.raises(ValueError, match="a factor has the fields"):
        Factor.from_dict({key: value for key, value in data.items() if key != "unit"})


# --- what a study file may say of a factor ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "spec", "problems"),
    [
        ("lever", "folow_up_years", "all", ["did you mean 'follow_up_years'"]),
        ("uncertainty", "suport_gain", {}, ["did you mean 'support_gain'"]),
        ("lever", "follow_up_years", 4, ["follow_up_years = 4 does not vary"]),
        ("lever", "follow_up_years", "every", ["follow_up_years = 'every' does not vary"]),
        ("lever", "follow_up_years", [4], ["follow_up_years = [4] does not vary"]),
        ("lever", "follow_up_years", [], ["follow_up_years = [] does not vary"]),
        ("lever", "follow_up_years", [2, 2.0, 9], ["= 9 is not allowed", "2 is listed 2 times"]),
        ("lever", "follow_up_years", {"low": 4, "high": 2}, ["low = 4 must be below high = 2"]),
        ("lever", "follow_up_years", {"low": 3, "high": 3}, ["low = 3 must be below high = 3"]),
        ("lever", "follow_up_years", {"low": 0.5, "high": 9}, ["low = 0.5 is not", "high = 9 is not"]),
        ("lever", "follow_up_years", {"high": 2, "steps": 4}, ["steps = 4 is more than the 3 whole"]),
        ("lever", "covenant_amount_eur", {"steps": 1}, ["steps = 1 is not allowed"]),
        ("lever", "covenant_amount_eur", {"high": 2_000_001}, ["high = 2,000,001 is not allowed"]),
        ("lever", "covenant_amount_eur", {"low": -1, "hgih": 2}, ["did you mean 'high'", "low = -1 is not"]),
        ("lever", "covenant_amount_eur", {"low": math.nan}, ["low = nan is not allowed"]),
        ("lever", "covenant_amount_eur", {"low": "1"}, ["low = '1' is not allowed"]),
        ("lever", "covenant_amount_eur", {"low": True}, ["low = true is not allowed"]),
        ("lever", "route_guidance", {"low": 1}, ["route_guidance has no range"]),
        ("lever", "route_guidance", ["contacts", "contact"], ["'contact' is not allowed"]),
        ("lever", "extension_allowed", [True, "maybe"], ["'maybe' is not allowed"]),
        ("uncertainty", "support_gain", [0.1, 0.5], ["support_gain = 0.1 is not allowed"]),
        ("uncertainty", "support_gain", [True, 0.5], ["support_gain = true is not allowed"]),
    ],
)
def test_what_a_factor_cannot_be_is_said_at_once(
    kind: Literal["lever", "uncertainty"], name: str, spec: object, problems: list[str]
) -> None:
    with pytest.raises(StudyError) as caught:
        read_factor(kind, name, spec)
    assert len(caught.value.problems) == len(problems)
    for expected in problems:
        assert any(expected in told for told in caught.value.problems), caught.value.problems
    assert caught.value.hint


def test_steps_are_read_beside_the_range() -> None:
    factor, steps = read_factor("lever", "covenant_amount_eur", {"low": 1_000, "steps": 5})
    assert (factor.low, factor.high, steps) == (1_000.0, 2_000_000.0, 5)


# --- points in the unit cube --------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["latin-hypercube", "sobol"]),
    st.integers(1, 6),
    st.integers(1, 70),
    st.integers(0, 70),
    st.integers(0, 2**63 - 1),
    st.integers(1, 40),
)
def test_the_first_points_do_not_depend_on_how_many_there_are(
    method: Literal["latin-hypercube", "sobol"], n_factors: int, n: int, more: int, seed: int, block: int
) -> None:
    points = unit_points(method, n_factors, n + more, seed, block)
    assert points.shape == (n + more, n_factors)
    assert ((points >= 0.0) & (points < 1.0)).all()
    np.testing.assert_array_equal(unit_points(method, n_factors, n, seed, block), points[:n])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 30), st.integers(1, 4), st.integers(0, 2**63 - 1))
def test_each_block_of_a_latin_hypercube_is_spread_evenly_over_every_factor(
    n_factors: int, block: int, blocks: int, seed: int
) -> None:
    points = unit_points("latin-hypercube", n_factors, block * blocks, seed, block)
    for part in np.split(points, blocks):
        slices = np.sort(np.floor(part * block), axis=0)
        np.testing.assert_array_equal(slices, np.repeat(np.arange(block)[:, None], n_factors, axis=1))


@pytest.mark.parametrize("method", ["latin-hypercube", "sobol"])
def test_blocks_factors_and_seeds_differ(method: Literal["latin-hypercube", "sobol"]) -> None:
    points = unit_points(method, 2, 64, seed=1, block=32)
    assert len(np.unique(points)) == points.size
    assert not np.array_equal(points, unit_points(method, 2, 64, seed=2, block=32))
    np.testing.assert_array_equal(points, unit_points(method, 2, 64, seed=1, block=32))


def test_sobol_points_fill_a_square_more_evenly_than_chance() -> None:
    points = unit_points("sobol", 2, 256, seed=3, block=1)
    boxes = Counter(map(tuple, np.floor(points * 16).astype(int).tolist()))
    assert set(boxes.values()) == {1}
    assert len(boxes) == 256


def test_a_design_without_points_or_factors_is_refused() -> None:
    with pytest.raises(StudyError) as caught:
        unit_points("sobol", 0, 0, 1, 0)
    assert len(caught.value.problems) == 3


# --- all combinations ---------------------------------------------------------------------------------------


def test_a_factorial_holds_every_combination_once_with_draws_last_to_change() -> None:
    varied = [factor_of("follow_up_years", [0, 2]), factor_of("support_gain"), counted_factor("draw", 2)]
    points = factorial(varied, [(0, 2), (0.5, 0.7, 0.9), (0, 1)])
    expected = [
        {"follow_up_years": years, "support_gain": gain, "draw": draw}
        for draw, years, gain in itertools.product((0, 1), (0, 2), (0.5, 0.7, 0.9))
    ]
    assert points == expected
    assert all(list(point) == ["follow_up_years", "support_gain", "draw"] for point in points)


@given(st.integers(2, 5), st.integers(2, 4), st.integers(1, 3))
def test_more_draws_add_points_behind_those_there_are(draws: int, worlds: int, more: int) -> None:
    def points(n: int) -> list[dict[str, Setting]]:
        varied = [
            factor_of("follow_up_years", [0, 2]),
            counted_factor("draw", n),
            counted_factor("luck", worlds),
        ]
        return factorial(varied, [(0, 2), range(n), range(worlds)])

    assert points(draws + more)[: len(points(draws))] == points(draws)
