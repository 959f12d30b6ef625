"""Tables of a sweep: numbers that can be worked out by hand, and nothing missing without a word."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from passaat.experiments.analyses.sweep import SweepTable, sweep
from passaat.experiments.design.factors import Factor, Setting, counted_factor, factor_of
from passaat.experiments.design.plan import Luck, Plan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.sweep import bands, mean_error, spreads, sweep_json, sweep_report
from passaat.experiments.reports.terminal import print_report
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.study.records import FailedRun
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

GO_NO_GO = load_scenario("go-no-go", "option")
FOLLOW_UP = load_scenario("follow-up", "option")
NET = OutcomeInfo("additional_exports_net_eur", "EUR", "exports the programme adds, net", "higher")
COST = OutcomeInfo("public_cost_eur", "EUR", "public cost", "lower")
COVENANTS = OutcomeInfo("covenants", "covenants", "covenants started", "neither")
YEARS = factor_of("follow_up_years", [0, 2, 4])


def table_of(
    values: Any,
    rows: Sequence[dict[str, Setting]],
    factors: Sequence[Factor] = (YEARS,),
    options: Sequence[str] = ("go-no-go",),
    outcomes: Sequence[OutcomeInfo] = (NET,),
) -> SweepTable:
    """A table with given numbers, shape (reference and options, outcomes, points, worlds); no programme is nought."""
    numbers = np.asarray(values, dtype=np.float64)
    plan = Plan(
        name="by-hand",
        question="What is one and one?",
        reference=load_scenario("pib", "reference"),
        options=tuple(load_scenario(name, "option") for name in options),
        factors=tuple(factors),
        method="list",
        size=len(rows),
        block=1,
        worlds=numbers.shape[3],
        luck="common",
        rest="prior",
        draws=1,
        seed=1,
        listed=tuple(rows),
    )
    return SweepTable(
        plan=plan,
        policies=plan.policies,
        outcomes=tuple(outcomes),
        points=tuple(rows),
        values=np.concatenate([numbers, np.zeros((1, *numbers.shape[1:]))]),
        failures=(),
        n_failed=0,
        n_missing=0,
        version="0.0-toy",
        behaviour="toy",
        drawn_from="prior ranges",
    )


def years(*values: int) -> list[dict[str, Setting]]:
    return [{"follow_up_years": value} for value in values]


def text_of(table: SweepTable, width: int = 160) -> str:
    out = io.StringIO()
    print_report(sweep_report(table), Console(file=out, width=width))
    return out.getvalue()


# Four points in two worlds. Differences: 1 and 3, 4 and 4, -2 and -4, 6 and 6; of the points 2, 4, -3 and 6.
REFERENCE = [[10, 20], [10, 20], [10, 20], [10, 20]]
OPTION = [[11, 23], [14, 24], [8, 16], [16, 26]]


def by_hand() -> SweepTable:
    return table_of([[REFERENCE], [OPTION]], years(0, 0, 4, 4))


def test_a_spread_is_of_the_means_of_points() -> None:
    (found,) = spreads(by_hand())
    assert (found.policy, found.outcome, found.n_points) == ("go-no-go", "additional_exports_net_eur", 4)
    assert found.mean == 2.25
    assert found.better == 0.75
    # Of -3, 2, 4, 6 the quantiles 0.05 and 0.95 lie 0.15 of the way from an end to its neighbour.
    assert found.points.low == pytest.approx(-3 + 0.15 * 5)
    assert found.points.high == pytest.approx(6 - 0.15 * 2)


def test_less_cost_is_better_and_what_has_no_direction_is_neither() -> None:
    outcomes = (NET, COST, COVENANTS)
    values = [[REFERENCE] * 3, [OPTION] * 3]
    found = {
        one.outcome: one.better for one in spreads(table_of(values, years(0, 0, 4, 4), outcomes=outcomes))
    }
    assert found["additional_exports_net_eur"] == 0.75
    assert found["public_cost_eur"] == 0.25
    assert np.isnan(found["covenants"])


def test_bands_are_means_at_each_value_with_their_standard_error() -> None:
    first, second = bands(by_hand())
    # 2 and 4: mean 3, deviation sqrt 2, over sqrt 2 points; -3 and 6: mean 1.5, deviation sqrt 40.5.
    assert (first.values, first.mean, first.n_points) == ("0", 3.0, 2)
    assert first.error == pytest.approx(1.0)
    assert (second.values, second.mean, second.n_points) == ("4", 1.5, 2)
    assert second.error == pytest.approx(4.5)


def test_without_options_levels_of_the_reference_are_shown() -> None:
    table = table_of(
        [[OPTION]],
        [{"step_success": value} for value in (1.0, 1.5, 1.0, 1.5)],
        factors=[factor_of("step_success", [1.0, 1.5])],
        options=(),
    )
    (found,) = spreads(table)
    assert (found.policy, found.mean) == ("reference", 17.25)
    assert np.isnan(found.better)
    assert [band.mean for band in bands(table)] == [14.5, 20.0]
    text = text_of(table)
    assert "Levels over all points" in text
    assert "changes" not in text


def test_a_lonely_point_is_shown_without_an_error() -> None:
    table = table_of([[REFERENCE[:3]], [OPTION[:3]]], years(0, 0, 4))
    found = {band.values: band for band in bands(table)}
    assert sum(band.n_points for band in found.values()) == 3
    assert found["4"].mean == -3.0
    assert np.isnan(found["4"].error)
    assert json.loads(sweep_json(table))["by_factor"][-1]["error"] is None
    assert "± –" in text_of(table)


# Errors of means


def drawn(
    rng: np.random.Generator,
    draws: int,
    each: int,
    worlds: int,
    *,
    luck: Luck,
    by_draw: float,
    by_world: float,
) -> SweepTable:
    """A table with the true mean 0 and its points in one band: what draws, worlds, points and runs add is random."""
    rows: list[dict[str, Setting]] = [
        {"follow_up_years": 0, "draw": draw} for draw in range(draws) for _ in range(each)
    ]
    if luck == "factor":
        rows = [row | {"luck": int(rng.integers(worlds))} for row in rows]
    rows.append({**rows[0], "follow_up_years": 4})
    n = len(rows)
    draw = np.array([row["draw"] for row in rows], dtype=np.int64)
    columns = 1 if luck == "factor" else worlds
    values = rng.normal(0.0, by_draw, draws)[draw][:, None] + rng.normal(0.0, 0.3, (n, 1))
    values = values + rng.normal(0.0, 1.0, (n, columns))
    if luck == "own":
        values += rng.normal(0.0, by_world, (draws, worlds))[draw]
    elif luck == "common":
        values += rng.normal(0.0, by_world, (1, worlds))
    else:
        values += rng.normal(0.0, by_world, worlds)[[int(row["luck"]) for row in rows]][:, None]
    factors = [
        YEARS,
        counted_factor("draw", draws),
        *([counted_factor("luck", worlds)] if luck == "factor" else []),
    ]
    table = table_of(np.zeros((2, 1, 2, 1)), years(0, 4))
    plan = replace(
        table.plan, factors=tuple(factors), draws=draws, worlds=worlds, luck=luck, listed=tuple(rows), size=n
    )
    both = np.stack([np.zeros_like(values), values, np.zeros_like(values)])[:, None]
    return replace(table, plan=plan, points=tuple(rows), values=both)


@pytest.mark.parametrize("luck", ["common", "own", "factor"])
def test_twice_the_error_covers_the_truth_in_95_of_100_studies(luck: Luck) -> None:
    """Counting points of one draw, or runs of one world, as independent covers it in 45 to 75 of 100."""
    hits, naive = [], []
    for seed in range(250):
        table = drawn(np.random.default_rng(seed), 20, 4, 12, luck=luck, by_draw=1.0, by_world=1.0)
        band = bands(table)[0]
        assert band.n_points == 80
        hits.append(abs(band.mean) <= 2.0 * band.error)
        means = table.differences("go-no-go", NET.name)[:80].mean(axis=1)
        naive.append(abs(band.mean) <= 2.0 * means.std(ddof=1) / 80**0.5)
    assert 0.90 <= np.mean(hits) <= 0.98
    assert np.mean(naive) < 0.80


@pytest.mark.slow
@pytest.mark.parametrize("luck", ["common", "own", "factor"])
@pytest.mark.parametrize(("draws", "each", "worlds"), [(40, 1, 12), (20, 12, 20), (30, 3, 20)])
@pytest.mark.parametrize(("by_draw", "by_world"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_errors_are_right_whatever_makes_means_uncertain(
    luck: Luck, draws: int, each: int, worlds: int, by_draw: float, by_world: float
) -> None:
    """The variance that is claimed is the variance that is; a little more where neither way adds any."""
    rng = np.random.default_rng(5)
    found = [
        bands(drawn(rng, draws, each, worlds, luck=luck, by_draw=by_draw, by_world=by_world))[0]
        for _ in range(300)
    ]
    claimed = np.mean([band.error**2 for band in found])
    true = np.mean([band.mean**2 for band in found])
    assert 0.80 <= claimed / true <= 1.4
    assert np.mean([abs(band.mean) <= 2.0 * band.error for band in found]) >= 0.90


def test_points_of_one_draw_are_one_observation() -> None:
    """Draws' means 1, 3 and 8: mean 4, deviation sqrt 13, over sqrt 3; each draw's four points say the same."""
    runs = np.repeat([1.0, 3.0, 8.0], 4)[:, None]
    draw = np.repeat([0, 1, 2], 4)
    assert mean_error(runs, draw, None) == pytest.approx((13 / 3) ** 0.5)
    assert mean_error(runs[::4], np.arange(3), None) == pytest.approx((13 / 3) ** 0.5)


def test_luck_that_is_common_to_all_points_is_in_the_error() -> None:
    """Points do not differ, worlds add -3, 0 and 3: the mean's variance is 9/3; with own worlds nothing is common."""
    runs = np.tile([-3.0, 0.0, 3.0], (5, 1))
    world = np.broadcast_to(np.arange(3), runs.shape)
    assert mean_error(runs, np.arange(5), world) == pytest.approx(3.0**0.5)
    assert mean_error(runs, np.arange(5), None) == pytest.approx(0.0)
    more = runs + np.array([-2.0, -1.0, 0.0, 1.0, 2.0])[:, None]
    assert mean_error(more, np.arange(5), world) == pytest.approx((3.0 + 2.5 / 5) ** 0.5)


def test_a_missing_run_hardly_moves_the_error() -> None:
    rng = np.random.default_rng(8)
    runs = rng.normal(size=(60, 1)) + rng.normal(size=(1, 6)) + rng.normal(size=(60, 6))
    world = np.broadcast_to(np.arange(6), runs.shape)
    whole = mean_error(runs, np.arange(60), world)
    runs[3, 2] = np.nan
    assert mean_error(runs, np.arange(60), world) == pytest.approx(whole, rel=0.05)


def test_no_error_is_made_up_where_nothing_tells_it() -> None:
    """One world for all points, or one draw of several."""
    table = table_of([[[[1.0]] * 4], [[[2.0], [3.0], [4.0], [5.0]]]], years(0, 0, 4, 4))
    assert all(np.isnan(band.error) for band in bands(table))
    text = " ".join(text_of(table).split())
    assert "No error is given: all points ran in one and the same world" in text
    assert "It rests on" not in text
    assert "4 points in one world each" in text
    rng = np.random.default_rng(1)
    alone = drawn(rng, 3, 2, 4, luck="common", by_draw=1.0, by_world=1.0)
    rows = tuple({**row, "follow_up_years": row["draw"] if row["draw"] != 1 else 0} for row in alone.points)
    alone = replace(alone, points=rows, plan=replace(alone.plan, listed=rows))
    errors = {band.values: (band.n_points, band.error) for band in bands(alone)}
    assert errors["2"][0] == 2
    assert np.isnan(errors["2"][1])
    assert np.isfinite(errors["0"][1])


def test_points_with_the_same_own_worlds_share_their_luck() -> None:
    """Own worlds go with the parameters: points that differ in levers only have the same, as if they were common."""
    table = by_hand()
    own = replace(table, plan=replace(table.plan, luck="own"))
    assert bands(own) == bands(table)
    one = [[0.0, 6.0]] * 4
    same = table_of([[np.zeros((4, 2))], [one]], years(0, 0, 4, 4))
    same = replace(same, plan=replace(same.plan, luck="own"))
    assert [band.error for band in bands(same)] == [pytest.approx(3.0)] * 2


# Ratios


def test_the_difference_of_a_ratio_rests_on_the_worlds_that_both_have() -> None:
    """Both add the same per euro in each world; a run that failed on one side must not make them differ."""
    ratio = OutcomeInfo("net_exports_per_public_euro", "ratio", "net exports per public euro", "higher")
    added, cost = np.array([2.0, 30.0, 400.0, 5.0]), np.array([1.0, 2.0, 4.0, 5.0])
    runs = np.stack([added, cost, added / cost])[:, None]
    values = np.tile(np.stack([runs, runs]), (1, 1, 2, 1))
    values[1, :, 0, 2] = np.nan
    values[0, :, 1, 0] = np.nan
    table = table_of(values, years(0, 4), outcomes=(NET, COST, ratio))
    found = table.differences("go-no-go", ratio.name)
    assert np.isfinite(found).tolist() == [[True, True, False, True], [False, True, True, True]]
    assert found[np.isfinite(found)] == pytest.approx(0.0, abs=1e-12)
    # A level rests on all worlds that its own policy has.
    assert np.nanmean(table.levels("reference", ratio.name)[0]) == pytest.approx(added.sum() / cost.sum())
    better = values.copy()
    better[1, 0] += 12.0
    found = table_of(better, years(0, 4), outcomes=(NET, COST, ratio)).differences("go-no-go", ratio.name)
    assert np.nanmean(found[0]) == pytest.approx(3 * 12.0 / (1.0 + 2.0 + 5.0))


# Factors with many values


def test_many_values_are_shown_in_thirds_that_name_values_and_not_places() -> None:
    factor = factor_of("covenant_amount_eur", [100_000 * i for i in range(1, 10)])
    rows: list[dict[str, Setting]] = [{"covenant_amount_eur": 100_000 * i} for i in range(1, 10)]
    table = table_of([[[[0.0]] * 9], [[[float(i)] for i in range(9)]]], rows, factors=[factor])
    found = bands(table)
    assert [band.values for band in found] == [
        "100,000 to 300,000",
        "400,000 to 600,000",
        "700,000 to 900,000",
    ]
    assert [band.mean for band in found] == [1.0, 4.0, 7.0]
    assert [band.n_points for band in found] == [3, 3, 3]


amounts = st.lists(st.integers(1, 12), min_size=2, max_size=40).filter(lambda found: len(set(found)) > 1)


@settings(max_examples=60, deadline=None)
@given(chosen=amounts)
def test_every_point_is_in_one_band_and_equal_values_are_in_the_same(chosen: list[int]) -> None:
    factor = factor_of("covenant_amount_eur", {"low": 100_000, "high": 1_200_000})
    rows: list[dict[str, Setting]] = [{"covenant_amount_eur": 100_000.0 * i} for i in chosen]
    table = table_of([[[[0.0]] * len(chosen)], [[[float(i)] for i in chosen]]], rows, factors=[factor])
    found = bands(table)
    assert sum(band.n_points for band in found) == len(chosen)
    assert sum(band.n_points * band.mean for band in found) == pytest.approx(sum(chosen))
    ends = [[float(end.replace(",", "")) / 1e5 for end in band.values.split(" to ")] for band in found]
    for before, after in pairwise(ends):
        assert before[-1] < after[0]
    for band, end in zip(found, ends, strict=True):
        inside = [i for i in chosen if end[0] <= i <= end[-1]]
        assert band.n_points == len(inside)
        assert band.mean == pytest.approx(sum(inside) / len(inside))


def test_yes_and_no_and_names_are_shown_as_such() -> None:
    rows: list[dict[str, Setting]] = [
        {"checkpoint_on_context": flag, "freed_money_use": name}
        for flag in (True, False)
        for name in factor_of("freed_money_use").categories[:2]
    ]
    factors = [factor_of("checkpoint_on_context"), factor_of("freed_money_use")]
    found = bands(table_of([[REFERENCE], [OPTION]], rows, factors=factors))
    assert {(band.factor, band.values) for band in found} == {
        ("checkpoint_on_context", "true"),
        ("checkpoint_on_context", "false"),
        *(("freed_money_use", str(name)) for name in factors[1].categories[:2]),
    }
    assert {band.values: band.mean for band in found}["true"] == 3.0


def test_draws_and_luck_are_no_factors_of_the_table(pib: Scenario, toy: Simulator) -> None:
    plan = plan_for(pib, [GO_NO_GO], factors=(YEARS, counted_factor("draw", 2)), draws=2)
    assert {band.factor for band in bands(sweep(plan, simulator=toy))} == {"follow_up_years"}


# What failed or is missing


def test_failed_worlds_are_left_out_pair_by_pair() -> None:
    option = [[np.nan, 23], [14, 24], [np.nan, np.nan], [16, 26]]
    (found,) = spreads(table_of([[REFERENCE], [option]], years(0, 0, 4, 4)))
    assert found.n_points == 3
    assert found.mean == pytest.approx((3 + 4 + 6) / 3)
    reference = [[np.nan, 20], [10, 20], [10, 20], [10, 20]]
    (found,) = spreads(table_of([[reference], [OPTION]], years(0, 0, 4, 4)))
    assert found.n_points == 4
    assert found.mean == pytest.approx((3 + 4 - 3 + 6) / 4)


def test_an_option_of_which_nothing_is_there_yet_makes_no_numbers_up() -> None:
    table = table_of([[REFERENCE], [np.full((4, 2), np.nan)]], years(0, 0, 4, 4))
    assert spreads(table) == []
    assert bands(table) == []
    text = text_of(replace(table, n_missing=8))
    assert "8 runs are still missing" in text
    assert "nan" not in text


def test_failed_and_missing_runs_are_said_and_counted() -> None:
    failed = FailedRun("go-no-go", 1.0, 0, 1, 4711, "ModelError: the table of clusters is full")
    table = replace(by_hand(), failures=(failed,), n_failed=1_234, n_missing=56)
    text = " ".join(text_of(table).split())
    assert "56 runs are still missing: `passaat resume` makes them." in text
    assert "1,234 runs failed and are left out" in text
    assert "go-no-go in the world of seed 4711: ModelError: the table of clusters is full" in text
    data = json.loads(sweep_json(table))
    assert (data["failed_runs"], data["missing_runs"]) == (1234, 56)
    assert "failed" not in text_of(by_hand())
    assert "missing" not in text_of(by_hand())


def test_one_failed_run_is_one_run() -> None:
    failed = FailedRun("go-no-go", 1.0, 0, 1, 4711, "ModelError: full")
    text = " ".join(text_of(replace(by_hand(), failures=(failed,), n_failed=1, n_missing=1)).split())
    assert "1 run failed and is left out: go-no-go in the world of seed 4711" in text
    assert "1 run is still missing" in text


# More of something leaves the rest as it was


def plan_for(pib: Scenario, options: Sequence[Scenario], **changes: Any) -> Plan:
    plan = Plan(
        name="toy-study",
        question="What helps?",
        reference=pib,
        options=tuple(options),
        factors=(factor_of("covenant_amount_eur", {"low": 200_000, "high": 500_000}), YEARS),
        method="latin-hypercube",
        size=9,
        block=9,
        worlds=2,
        luck="common",
        rest="prior",
        draws=1,
        seed=1,
    )
    return replace(plan, **changes)


def test_another_option_leaves_the_lines_of_the_others(pib: Scenario, toy: Simulator) -> None:
    one = sweep(plan_for(pib, [GO_NO_GO]), simulator=toy)
    two = sweep(plan_for(pib, [GO_NO_GO, FOLLOW_UP]), simulator=toy)
    assert [band for band in bands(two) if band.option == "go-no-go"] == bands(one)
    for mine, theirs in zip(
        [spread for spread in spreads(two) if spread.policy == "go-no-go"], spreads(one), strict=True
    ):
        assert repr(mine) == repr(theirs)
    lines = text_of(two).splitlines()
    for line in text_of(one).splitlines():
        if "─" not in line:
            assert line.split() in [other.split() for other in lines]
    assert {spread.policy for spread in spreads(two)} == {"go-no-go", "follow-up"}


def test_the_order_of_points_changes_nothing() -> None:
    table = by_hand()
    order = [2, 0, 3, 1]
    rows = [table.points[i] for i in order]
    turned = replace(
        table,
        points=tuple(rows),
        values=table.values[:, :, order],
        plan=replace(table.plan, listed=tuple(rows)),
    )
    assert bands(turned) == bands(table)
    assert spreads(turned) == spreads(table)


def test_money_in_another_size_changes_the_unit_and_not_the_answer() -> None:
    table = by_hand()
    small, large = spreads(table)[0], spreads(replace(table, values=table.values * 1e6))[0]
    assert large.mean == pytest.approx(1e6 * small.mean)
    assert large.better == small.better
    assert "M EUR" in text_of(replace(table, values=table.values * 1e6))


# As text and JSON


def test_text_says_what_was_asked_and_fits(pib: Scenario, toy: Simulator) -> None:
    text = text_of(sweep(plan_for(pib, [GO_NO_GO, FOLLOW_UP]), simulator=toy), width=400)
    assert text.startswith("toy-study: What helps?")
    assert "9 points in 2 worlds each; reference pib" in text
    assert "What follow-up changes on average at each value of each factor" in text
    assert "It rests on the points and 2 worlds, and is itself rough" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 120


def test_factors_are_named_by_label_and_unit_in_text_and_by_name_in_json() -> None:
    amount = factor_of("covenant_amount_eur", {"low": 100_000, "high": 1_200_000})
    fade = factor_of("relation_fade")
    table = by_hand()
    rows = tuple({"covenant_amount_eur": 1e5 * i, "relation_fade": 0.02 * i} for i in range(1, 5))
    table = replace(table, points=rows, plan=replace(table.plan, factors=(amount, fade), listed=rows))
    text = text_of(table)
    assert "Amount per covenant, EUR" in text
    assert re.search("Relation fade(, [^ ]|  )", text)
    assert not re.search("covenant_amount|relation_fade", text)
    assert {one["factor"] for one in json.loads(sweep_json(table))["by_factor"]} == {amount.name, fade.name}


def test_json_is_the_same_bytes_and_knows_no_nan(pib: Scenario, toy: Simulator) -> None:
    plan = plan_for(pib, [GO_NO_GO])
    first, second = (sweep_json(sweep(plan, simulator=toy, workers=n)) for n in (1, 2))
    assert first == second
    assert "NaN" not in first
    data = json.loads(first)
    assert (data["points"], data["worlds_per_point"], data["name"]) == (9, 2, "toy-study")
    assert {one["policy"] for one in data["over_points"]} == {"go-no-go"}
