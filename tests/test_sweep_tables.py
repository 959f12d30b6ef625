"""Tables of a sweep: numbers that can be worked out by hand, and nothing missing without a word."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from passaat.experiments.compare import OutcomeInfo
from passaat.experiments.factors import Factor, Setting, draw_factor, lever_factor, uncertainty_factor
from passaat.experiments.plan import Plan
from passaat.experiments.simulator import Simulator
from passaat.experiments.store import FailedRun
from passaat.experiments.sweep import SweepTable, sweep
from passaat.experiments.sweep_tables import bands, points_csv, print_sweep, spreads, sweep_json
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

GO_NO_GO = load_scenario("go-no-go", "option")
FOLLOW_UP = load_scenario("follow-up", "option")
NET = OutcomeInfo("additional_exports_net_eur", "EUR", "exports the programme adds, net", "higher")
COST = OutcomeInfo("public_cost_eur", "EUR", "public cost", "lower")
COVENANTS = OutcomeInfo("covenants", "covenants", "covenants started", "neither")
YEARS = lever_factor("follow_up_years", [0, 2, 4])


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
    print_sweep(table, Console(file=out, width=width))
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
        factors=[uncertainty_factor("step_success", [1.0, 1.5])],
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


# Factors with many values


def test_many_values_are_shown_in_thirds_that_name_values_and_not_places() -> None:
    factor = lever_factor("covenant_amount_eur", [100_000 * i for i in range(1, 10)])
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
    factor = lever_factor("covenant_amount_eur", {"low": 100_000, "high": 1_200_000})
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
        for name in lever_factor("freed_money_use").categories[:2]
    ]
    factors = [lever_factor("checkpoint_on_context"), lever_factor("freed_money_use")]
    found = bands(table_of([[REFERENCE], [OPTION]], rows, factors=factors))
    assert {(band.factor, band.values) for band in found} == {
        ("checkpoint_on_context", "true"),
        ("checkpoint_on_context", "false"),
        *(("freed_money_use", str(name)) for name in factors[1].categories[:2]),
    }
    assert {band.values: band.mean for band in found}["true"] == 3.0


def test_draws_and_luck_are_no_factors_of_the_table(pib: Scenario, toy: Simulator) -> None:
    plan = plan_for(pib, [GO_NO_GO], factors=(YEARS, draw_factor(2)), draws=2)
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
        factors=(lever_factor("covenant_amount_eur", {"low": 200_000, "high": 500_000}), YEARS),
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


# As text, JSON and CSV


def test_text_says_what_was_asked_and_fits(pib: Scenario, toy: Simulator) -> None:
    text = text_of(sweep(plan_for(pib, [GO_NO_GO, FOLLOW_UP]), simulator=toy), width=400)
    assert text.startswith("toy-study: What helps?")
    assert "9 points in 2 worlds each; reference pib" in text
    assert "What follow-up changes on average at each value of each factor" in text
    assert max(map(len, text.splitlines())) <= 120


def test_json_is_the_same_bytes_and_knows_no_nan(pib: Scenario, toy: Simulator) -> None:
    plan = plan_for(pib, [GO_NO_GO])
    first, second = (sweep_json(sweep(plan, simulator=toy, workers=n)) for n in (1, 2))
    assert first == second
    assert "NaN" not in first
    data = json.loads(first)
    assert (data["points"], data["worlds_per_point"], data["name"]) == (9, 2, "toy-study")
    assert {one["policy"] for one in data["over_points"]} == {"go-no-go"}


def test_points_as_csv_hold_every_point_policy_and_mean() -> None:
    rows = list(csv.DictReader(io.StringIO(points_csv(by_hand()))))
    assert [row["policy"] for row in rows] == ["reference", "go-no-go", "no programme"] * 4
    assert [row["point"] for row in rows[::3]] == ["0", "1", "2", "3"]
    options = [row for row in rows if row["policy"] == "go-no-go"]
    assert [float(row["additional_exports_net_eur"]) for row in options] == [17.0, 19.0, 12.0, 21.0]
    assert [row["follow_up_years"] for row in options] == ["0", "0", "4", "4"]
    assert {row["worlds"] for row in rows} == {"2"}
