"""Trade-offs: fronts and regrets worked out by hand, and luck that must not look like knowledge."""

from __future__ import annotations

import csv
import io
import json
import math
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from typer.testing import CliRunner

from passaat import cli
from passaat.errors import StudyError
from passaat.experiments.analyses.compare import compare
from passaat.experiments.analyses.sweep import sweep
from passaat.experiments.analyses.tradeoffs import (
    Noise,
    front_csv,
    has_common_worlds,
    non_dominated,
    of_comparison,
    of_sweep,
    pareto_front,
    regret_csv,
    regret_table,
)
from passaat.experiments.design.plan_files import read_plan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.discover import LUCK, front_report, regret_report
from passaat.experiments.reports.discover_figures import front_figure, regret_figure
from passaat.experiments.reports.files import save_beside
from passaat.experiments.reports.terminal import plain_text
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.stats.pairing import Floats
from passaat.model.inputs import RunInputs
from passaat.scenarios.scenario import Scenario

COST = OutcomeInfo("public_cost_eur", "EUR", "public cost", "lower")
EFFECT = OutcomeInfo("additional_exports_net_eur", "EUR", "exports the programme adds, net", "higher")
PER_EURO = OutcomeInfo("net_exports_per_public_euro", "ratio", "net exports per public euro", "higher")
COVENANTS = OutcomeInfo("covenants", "covenants", "covenants started", "neither")


def rows(*means: float, worlds: int = 2) -> Floats:
    """One draw for each mean, all its worlds alike."""
    return np.repeat(np.array(means, dtype=np.float64)[:, None], worlds, axis=1)


# --- the front ----------------------------------------------------------------------------------------------


def test_front_by_hand() -> None:
    """b costs as much as a and does less; c does more for more; d is a once more."""
    one, other = np.array([[-1.0, -1.0, -2.0, -1.0]]), np.array([[5.0, 4.0, 6.0, 5.0]])
    assert non_dominated(one, other).tolist() == [[True, False, True, True]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_front_is_what_pairwise_comparison_says(pairs: list[tuple[int, int]]) -> None:
    one, other = (np.array([column], dtype=np.float64) for column in zip(*pairs, strict=True))
    expected = [
        not any(x >= a and y >= b and (x > a or y > b) for x, y in pairs) for a, b in pairs
    ]  # fmt: skip
    assert non_dominated(one, other)[0].tolist() == expected


def test_shares_of_draws_on_the_front_by_hand() -> None:
    """Without luck they are counts: the dear option does more in three draws of four."""
    costs = {"reference": rows(10, 10, 10, 10), "dear": rows(12, 12, 12, 12), "worse": rows(11, 11, 11, 11)}
    effects = {"reference": rows(5, 6, 7, 8), "dear": rows(6, 7, 8, 7), "worse": rows(4, 5, 6, 7)}
    front = pareto_front(COST, EFFECT, costs, effects, common_worlds=False)
    found = {one.policy: one for one in front.positions}
    assert list(found) == ["reference", "worse", "dear"], "cheapest first"
    assert [one.on_front for one in found.values()] == [1.0, 0.0, 0.75]
    assert [one.counted for one in found.values()] == [1.0, 0.0, 0.75]
    assert found["dear"].best_by_means
    assert not found["worse"].best_by_means
    assert [(by.by, by.share) for by in found["worse"].dominated_by] == [("reference", 1.0)]
    assert (front.draws, front.worlds, front.left_out, front.noise) == (4, 2, 0, "removed")
    assert found["dear"].cost.mean == 12.0


def test_equal_policies_do_not_dominate_each_other_even_in_luck() -> None:
    random = np.random.default_rng(1)
    effect, cost = random.normal(5.0, 1.0, (20, 4)), random.normal(9.0, 1.0, (20, 4))
    costs = {"a": cost, "b": cost.copy(), "c": cost + random.normal(1.0, 1.0, (20, 4))}
    effects = {"a": effect, "b": effect.copy(), "c": effect + random.normal(0.0, 2.0, (20, 4))}
    found = {
        one.policy: one for one in pareto_front(COST, EFFECT, costs, effects, common_worlds=False).positions
    }
    assert found["a"].on_front == found["b"].on_front
    assert found["a"].best_by_means
    assert found["b"].best_by_means


def test_luck_does_not_put_a_dominated_option_on_the_front() -> None:
    """The option costs more and does nothing in any draw; two noisy worlds say in half of the draws that it does."""
    random = np.random.default_rng(2)
    base = random.normal(0.0, 5.0, (300, 2))
    costs = {"reference": rows(*[10.0] * 300), "idle": rows(*[11.0] * 300), "good": rows(*[12.0] * 300)}
    effects = {
        "reference": base, "idle": base + random.normal(-1.0, 3.0, (300, 2)), "good": base + 20.0,
    }  # fmt: skip
    found = {
        one.policy: one for one in pareto_front(COST, EFFECT, costs, effects, common_worlds=False).positions
    }
    assert found["idle"].counted > 0.25
    assert found["idle"].on_front < 0.15
    assert found["good"].on_front == 1.0


def test_one_draw_resamples_worlds_and_one_world_only_counts() -> None:
    random = np.random.default_rng(3)
    luck = random.normal(0.0, 5.0, (1, 12))
    costs = {"a": np.full((1, 12), 1.0), "b": np.full((1, 12), 2.0)}
    effects = {"a": luck, "b": luck + random.normal(0.3, 1.0, (1, 12))}
    front = pareto_front(COST, EFFECT, costs, effects, common_worlds=False)
    assert front.noise == "resampled"
    assert 0.0 < front.positions[1].on_front < 1.0
    single = pareto_front(
        COST,
        EFFECT,
        {k: v[:, :1] for k, v in costs.items()},
        {k: v[:, :1] for k, v in effects.items()},
        common_worlds=False,
    )
    assert single.noise == "not told"
    assert single.positions[1].on_front in (0.0, 1.0)


# --- regret -------------------------------------------------------------------------------------------------


def test_regret_by_hand() -> None:
    """Best in turn: a, b, b, a. a loses 3 and 1 where b is best, b loses 2 and 4 where a is."""
    values = {"a": rows(5, 2, 6, 9), "b": rows(3, 5, 7, 5), "never": rows(0, 0, 0, 0)}
    table = regret_table(EFFECT, values, common_worlds=False)
    found = {one.policy: one for one in table.policies}
    assert list(found) == ["a", "b", "never"]
    assert (found["a"].regret.mean, found["a"].regret.largest) == pytest.approx((1.0, 3.0))
    assert (found["b"].regret.mean, found["b"].regret.largest) == pytest.approx((1.5, 4.0))
    assert found["a"].regret.high == pytest.approx(np.quantile([0, 3, 1, 0], 0.9))
    assert found["a"].regret.mean == pytest.approx(found["a"].counted.mean), "no luck, nothing to remove"
    assert [one.best for one in table.policies] == [0.5, 0.5, 0.0]
    assert table.safest == "a"


def test_where_lower_is_better_regret_is_what_was_paid_too_much() -> None:
    values = {"a": rows(5, 2), "b": rows(3, 5)}
    found = {one.policy: one.regret for one in regret_table(COST, values, common_worlds=False).policies}
    assert (found["a"].mean, found["a"].largest) == pytest.approx((1.0, 2.0))
    assert (found["b"].mean, found["b"].largest) == pytest.approx((1.5, 3.0))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-100, 100), scale=st.floats(0.1, 50))
def test_regret_does_not_feel_what_all_share_and_scales_with_the_unit(
    seed: int, shift: float, scale: float
) -> None:
    random = np.random.default_rng(seed)
    values = {name: random.normal(0.0, 1.0, (12, 3)) for name in "abc"}
    common = random.normal(0.0, 10.0, (12, 3)) + shift
    first = {one.policy: one for one in regret_table(EFFECT, values, common_worlds=False).policies}
    moved = {
        one.policy: one
        for one in regret_table(
            EFFECT, {k: scale * (v + common) for k, v in values.items()}, common_worlds=False
        ).policies
    }
    for name, one in first.items():
        assert moved[name].regret.mean == pytest.approx(scale * one.regret.mean, rel=1e-3, abs=1e-3 * scale)
        assert moved[name].counted.largest == pytest.approx(scale * one.counted.largest, rel=1e-6)


def test_regret_counted_over_noisy_means_is_too_large_and_luck_is_taken_out() -> None:
    random = np.random.default_rng(4)
    true = {name: random.normal(mean, 1.0, (400, 1)) for name, mean in (("a", 0.0), ("b", 0.5), ("c", -0.5))}
    best = np.max(list(true.values()), axis=0)
    noisy = {name: one + random.normal(0.0, 3.0, (400, 4)) for name, one in true.items()}
    for one in regret_table(EFFECT, noisy, common_worlds=False).policies:
        truth = float((best - true[one.policy]).mean())
        assert one.counted.mean > truth + 0.3
        assert one.regret.mean == pytest.approx(truth, abs=0.2)
        assert one.regret.largest < one.counted.largest
        assert one.best == pytest.approx(float((true[one.policy] == best).mean()), abs=0.08)


# --- worlds that all draws share ----------------------------------------------------------------------------


def toy_study(random: np.random.Generator, mean: float, *, common: bool) -> tuple[dict[str, Floats], Floats]:
    """One policy that does nothing, and one that adds ``mean`` give or take 1 between thirty draws; luck is three times
    as large, and either the same four worlds' in all draws, or every draw's own. Values, and the truth by draw.
    """
    true = mean + random.normal(0.0, 1.0, (30, 1))
    luck = random.normal(0.0, 3.0, (1 if common else 30, 4))
    return {"none": np.zeros((30, 4)), "some": true + luck + random.normal(0.0, 0.5, (30, 4))}, true[:, 0]


def best_and_regret(values: Mapping[str, Floats], *, common_worlds: bool) -> tuple[float, float, float]:
    """How often "some" is best; regret of "none" and of "some"."""
    found = {one.policy: one for one in regret_table(EFFECT, values, common_worlds=common_worlds).policies}
    return found["some"].best, found["none"].regret.mean, found["some"].regret.mean


def test_luck_that_all_draws_share_does_not_pass_for_knowledge() -> None:
    """Worlds that differ by 3 were kinder by 2 on average: with four of them that is little evidence."""
    random = np.random.default_rng(6)
    values = {
        "none": np.zeros((60, 4)),
        "some": random.normal(0.0, 1.0, (60, 1)) + np.array([6.0, -0.5, 0.5, 2.0]),
    }
    best, _, regret = best_and_regret(values, common_worlds=True)
    assert 0.75 < best < 0.95
    assert 0.05 < regret < 0.4
    blind, _, none = best_and_regret(values, common_worlds=False)
    assert blind > 0.97, "as if every draw had met four worlds of its own"
    assert none < 0.02


@pytest.mark.parametrize(("common", "most"), [(True, 0.17), (False, 0.0)])
def test_studies_of_equal_policies_are_seldom_sure_that_one_is_best(common: bool, most: float) -> None:
    """Common luck taken for every draw's own is sure in half of the studies."""
    random = np.random.default_rng(7)
    shares = []
    for _ in range(80):
        values, _ = toy_study(random, 0.0, common=common)
        shares.append(best_and_regret(values, common_worlds=common)[0])
    best = np.array(shares)
    assert float(((best < 0.05) | (best > 0.95)).mean()) <= most
    assert float(best.mean()) == pytest.approx(0.5, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("common", [True, False])
def test_what_is_said_of_best_and_regret_is_so_on_average(common: bool) -> None:
    """Of policies of all kinds, those that seem alike: where one is said to be best in x per cent of draws, it is so on
    average, and so are regrets. Those that seem alike are chosen by what was seen, which is all a reader has.
    """
    random = np.random.default_rng(8)
    said: list[tuple[float, float, float]] = []
    true: list[tuple[float, float, float]] = []
    while len(said) < 1500:
        values, truth = toy_study(random, float(random.uniform(-9.0, 9.0)), common=common)
        if abs(float(values["some"].mean())) < 3.0:
            said.append(best_and_regret(values, common_worlds=common))
            shares = (truth > 0.0, np.maximum(truth, 0.0), np.maximum(-truth, 0.0))
            true.append((float(shares[0].mean()), float(shares[1].mean()), float(shares[2].mean())))
    found, known = np.array(said), np.array(true)
    for low, high in ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        here = (found[:, 0] >= low) & (found[:, 0] < high)
        assert here.sum() > 100
        assert found[here, 0].mean() == pytest.approx(known[here, 0].mean(), abs=0.06)
    assert found[:, 1:].mean(axis=0) == pytest.approx(known[:, 1:].mean(axis=0), rel=0.1)


def test_own_luck_called_common_changes_little() -> None:
    """Draws with worlds of their own share nothing, and next to nothing is found that they share."""
    values, _ = toy_study(np.random.default_rng(9), 0.5, common=False)
    as_own, as_common = (best_and_regret(values, common_worlds=common) for common in (False, True))
    assert as_common == pytest.approx(as_own, abs=0.1)


def test_common_luck_shifts_cost_and_effect_of_a_policy_together() -> None:
    """In each world the option's effect is exactly its cost: it does more by what it is dearer, so none dominates."""
    random = np.random.default_rng(10)
    values = {"a": np.zeros((20, 4)), "b": random.normal(2.0, 6.0, (1, 4)) + random.normal(0.0, 1.0, (20, 1))}
    front = pareto_front(COST, EFFECT, values, values, common_worlds=True)
    assert front.noise == "shared"
    assert [one.on_front for one in front.positions] == [1.0, 1.0]


def test_errors_on_the_front_hold_what_common_worlds_do() -> None:
    values = {name: rows(*range(20), worlds=4) + np.array([3.0, -5.0, 4.0, -2.0]) for name in "ab"}
    common, own = (
        pareto_front(COST, EFFECT, values, values, common_worlds=shared).positions[0].cost
        for shared in (True, False)
    )
    assert common.mean == own.mean == pytest.approx(9.5)
    assert common.error**2 == pytest.approx(own.error**2 + 18.0 / 4), "the four worlds vary by 54 / 3"


# --- what cannot be done ------------------------------------------------------------------------------------


def test_draws_that_lack_a_policy_are_left_out_and_counted() -> None:
    a, b = rows(1, 2, 3), rows(3, 2, 1)
    b[1] = np.nan
    table = regret_table(EFFECT, {"a": a, "b": b, "none": np.full((3, 2), np.nan)}, common_worlds=False)
    assert (table.draws, table.left_out) == (2, 1)
    assert {one.policy for one in table.policies} == {"a", "b"}


def test_refusals_name_the_way_out() -> None:
    with pytest.raises(StudyError, match="covenants: neither direction is better"):
        regret_table(COVENANTS, {"a": rows(1), "b": rows(2)}, common_worlds=False)
    with pytest.raises(StudyError, match="1 policies have values"):
        regret_table(EFFECT, {"a": rows(1)}, common_worlds=False)
    half, other = rows(1, 2), rows(1, 2)
    half[0], other[1] = np.nan, np.nan
    with pytest.raises(StudyError, match="no draw has a world in which all of a, b"):
        regret_table(EFFECT, {"a": half, "b": other}, common_worlds=False)
    with pytest.raises(ValueError, match="one shape"):
        regret_table(EFFECT, {"a": rows(1), "b": rows(1, 2)}, common_worlds=False)


# --- from a comparison and a sweep --------------------------------------------------------------------------


def test_values_of_a_comparison_by_money_variant() -> None:
    values: Mapping[str, Mapping[str, Mapping[str, Floats]]] = {
        "the reference": {"as it stands": {"x": rows(1)}, "at equal public money": {"x": rows(1)}},
        "a": {"as it stands": {"x": rows(2)}},
    }
    assert list(of_comparison(values, "x")) == ["the reference", "a"]  # type: ignore[arg-type]
    assert list(of_comparison(values, "x", "at equal public money")) == ["the reference"]  # type: ignore[arg-type]


def test_ratios_of_a_comparison_rest_on_the_worlds_that_all_policies_have() -> None:
    """Run by run a ratio of means differs from a mean of ratios; one policy's failed world is left out of all."""
    cost, gain = np.array([[1.0, 3.0, 4.0]]), np.array([[5.0, 6.0, 40.0]])
    broken = gain.copy()
    broken[0, 2] = np.nan
    part, whole = "additional_exports_net_eur", "public_cost_eur"
    values: Mapping[str, Mapping[str, Mapping[str, Floats]]] = {
        name: {"as it stands": {part: one, whole: cost, PER_EURO.name: one / cost}}
        for name, one in (("the reference", gain), ("a", broken), ("never ran", np.full((1, 3), np.nan)))
    }
    found = of_comparison(values, PER_EURO.name)  # type: ignore[arg-type]
    assert np.nanmean(found["the reference"]) == np.nanmean(found["a"]) == pytest.approx(11.0 / 4.0)
    assert np.isfinite(found["the reference"]).tolist() == [[True, True, False]]


PLAN = """
name = "levers"
question = "Which amount?"
reference = "pib"
[design]
method = "{method}"
{size}
worlds = 3
luck = "{luck}"
rest = "prior"
draws = {draws}
[levers]
covenant_amount_eur = {amount}
follow_up_years = [0, 4]
"""


def plan_text(tmp_path: Path, **parts: object) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN.format(**{"luck": "common", **parts}), encoding="utf-8")
    return path


def test_a_factorial_over_levers_has_one_policy_for_each_setting(tmp_path: Path, toy: Simulator) -> None:
    path = plan_text(
        tmp_path, method="factorial", size="", draws=8, amount="{ low = 200_000, high = 500_000, steps = 3 }"
    )
    table = sweep(read_plan(path), workers=1, simulator=toy)
    costs, exports = of_sweep(table, "public_cost_eur"), of_sweep(table, "additional_exports_net_eur")
    assert len(costs) == 1 + 3 * 2
    assert {one.shape for one in costs.values()} == {(8, 3)}
    name = "350,000 · 4"
    place = [dict(point) for point in table.points].index(
        {"covenant_amount_eur": 350_000.0, "follow_up_years": 4, "draw": 2}
    )
    assert (costs[name][2] == table.levels("levers", "public_cost_eur")[place]).all()
    assert has_common_worlds(table)
    front = pareto_front(COST, EFFECT, costs, exports, version=table.version, common_worlds=True)
    assert front.positions[0].policy == "200,000 · 0"
    assert front.positions[0].on_front == 1.0, "the cheapest"
    assert sum(
        one.best for one in regret_table(EFFECT, exports, common_worlds=True).policies
    ) == pytest.approx(1.0)


def test_levers_over_ranges_have_one_state_and_mixed_designs_none(tmp_path: Path, toy: Simulator) -> None:
    amount = "{ low = 200_000, high = 500_000 }"
    path = plan_text(tmp_path, method="latin-hypercube", size="points = 12", draws=1, amount=amount)
    costs = of_sweep(sweep(read_plan(path), workers=1, simulator=toy), "public_cost_eur")
    assert len(costs) == 13
    assert {one.shape for one in costs.values()} == {(1, 3)}
    mixed = plan_text(tmp_path, method="latin-hypercube", size="points = 12", draws=6, amount=amount)
    table = sweep(read_plan(mixed), workers=1, simulator=toy)
    with pytest.raises(StudyError, match="no state of the world was met by all 13 policies"):
        of_sweep(table, "public_cost_eur")


def test_a_design_that_is_not_crossed_is_refused_before_any_array_is_made(
    tmp_path: Path, toy: Simulator
) -> None:
    """Arrays of every setting in every state would need 8 x 301 x 300 x 3 bytes, 2 MB, and more with more points."""
    amount = "{ low = 200_000, high = 500_000 }"
    path = plan_text(tmp_path, method="latin-hypercube", size="points = 300", draws=300, amount=amount)
    table = sweep(read_plan(path), workers=1, simulator=toy)
    tracemalloc.start()
    try:
        with pytest.raises(StudyError, match="no state of the world was met by all 301 policies"):
            of_sweep(table, "public_cost_eur")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000


def test_whether_worlds_are_common_is_read_from_the_plan(tmp_path: Path) -> None:
    amount = "[200_000, 500_000]"
    for luck, common in (("common", True), ("factor", True), ("own", False)):
        path = plan_text(tmp_path, method="factorial", size="", draws=2, amount=amount, luck=luck)
        assert has_common_worlds(SimpleNamespace(plan=read_plan(path))) == common  # type: ignore[arg-type]


@pytest.mark.parametrize(("luck", "noise"), [("common", "shared"), ("own", "removed")])
def test_the_command_says_whether_worlds_are_common(
    tmp_path: Path, toy: Simulator, luck: str, noise: str
) -> None:
    amount, study = "[200_000, 500_000]", tmp_path / "study.db"
    path = plan_text(tmp_path, method="factorial", size="", draws=3, amount=amount, luck=luck)
    sweep(read_plan(path), study_path=study, workers=1, simulator=toy)
    result = CliRunner().invoke(cli.app, ["tradeoffs", str(study), "--json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["front"]["noise"], told["regret"]["noise"]) == (noise, noise)


def test_the_command_takes_worlds_of_a_comparison_for_every_draws_own(
    tmp_path: Path, toy: Simulator, pib: Scenario, two_options: list[Scenario]
) -> None:
    study = tmp_path / "study.db"
    compare(pib, two_options, draws=3, worlds_per_draw=2, workers=1, study_path=study, simulator=toy)
    result = CliRunner().invoke(cli.app, ["tradeoffs", str(study), "--json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["regret"]["noise"] == "removed"


def test_luck_as_a_factor_gives_what_common_worlds_give(tmp_path: Path, toy: Simulator) -> None:
    """The same runs, laid out otherwise: levels and ratios are the same in every world."""
    tables = [
        sweep(
            read_plan(
                plan_text(
                    tmp_path, method="factorial", size="", draws=2, amount="[200_000, 500_000]", luck=luck
                )
            ),
            workers=1,
            simulator=toy,
        )
        for luck in ("common", "factor")
    ]
    for outcome in ("public_cost_eur", PER_EURO.name):
        one, other = (of_sweep(table, outcome) for table in tables)
        assert list(one) == list(other)
        for policy, values in one.items():
            assert values == pytest.approx(other[policy], rel=1e-12), (outcome, policy)


def test_ratios_of_a_sweep_rest_on_the_worlds_that_all_policies_have(tmp_path: Path, toy: Simulator) -> None:
    """Two settings of the levers do the same in this toy but for cost; where one fails, neither counts."""

    def simulate(inputs: RunInputs, seed: int) -> dict[str, float]:
        dear = inputs.levers["covenant_amount_eur"][-1] > 400_000.0 and inputs.levers["programme_on"][-1]
        if dear and seed % 2:
            raise ValueError("this world fails")
        return dict(toy.simulate(inputs, seed))

    path = plan_text(tmp_path, method="factorial", size="", draws=6, amount="[200_000, 500_000]")
    broken = sweep(read_plan(path), workers=1, simulator=replace(toy, simulate=simulate))
    whole = sweep(read_plan(path), workers=1, simulator=toy)
    assert broken.n_failed
    found = of_sweep(broken, PER_EURO.name)
    above, below = (of_sweep(whole, name) for name in ("additional_exports_net_eur", "public_cost_eur"))
    ran = np.isfinite(of_sweep(broken, "public_cost_eur")["500,000 · 0"])
    assert 0 < ran.sum() < ran.size
    for policy, values in found.items():
        for draw in np.flatnonzero(ran.any(axis=1)):
            here = ran[draw]
            ratio = above[policy][draw, here].sum() / below[policy][draw, here].sum()
            assert np.nanmean(values[draw]) == pytest.approx(ratio), policy
    left = int((~ran.any(axis=1)).sum())
    assert regret_table(PER_EURO, found, common_worlds=True).left_out == left


# --- words, tables, figures ---------------------------------------------------------------------------------


def toy_values() -> tuple[dict[str, Floats], dict[str, Floats]]:
    random = np.random.default_rng(5)
    luck = random.normal(0.0, 4e6, (30, 4))
    effects = {
        name: luck + random.normal(mean * 1e6, 2e6, (30, 1)) + random.normal(0.0, 1e6, (30, 4))
        for name, mean in (("reference", 0.0), ("follow-up", 6.0), ("go-no-go", 2.0))
    }
    costs = {
        name: np.full((30, 4), cost * 1e6)
        for name, cost in (("reference", 9), ("follow-up", 11), ("go-no-go", 12))
    }
    return costs, effects


def words_of(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_tables_and_figures_say_what_they_show() -> None:
    costs, effects = toy_values()
    front = pareto_front(
        COST, EFFECT, costs, effects, version="0.0-toy", drawn_from="prior ranges", common_worlds=False
    )
    table = regret_table(EFFECT, effects, version="0.0-toy", drawn_from="prior ranges", common_worlds=False)
    said = " ".join(plain_text(front_report(front)).split())
    assert "30 draws × 4 worlds; simulation noise removed." in said
    assert "follow-up (" in said, "what dominates go-no-go"
    said = " ".join(plain_text(regret_report(table)).split())
    assert f"Smallest largest regret: {table.safest}." in said
    for figure in (front_figure(front), regret_figure(table)):
        text = words_of(figure)
        for part in ("M EUR", "30 draws × 4 worlds", "Parameters: prior ranges", "passaat 0.0-toy"):
            assert part in text, part


def test_what_common_worlds_leave_open_is_said() -> None:
    costs, effects = toy_values()
    front = pareto_front(COST, EFFECT, costs, effects, common_worlds=True)
    table = regret_table(EFFECT, effects, common_worlds=True)
    luck = "30 draws × 4 worlds; luck removed, except what draws share."
    assert luck in " ".join(plain_text(front_report(front)).split())
    said = " ".join(plain_text(regret_report(table)).split())
    assert luck in said
    assert "what few worlds brought to all draws alike passes for knowledge" in said
    assert "too large" not in said
    for figure in (front_figure(front), regret_figure(table)):
        assert luck in words_of(figure)


@pytest.mark.parametrize("noise", list(LUCK))
def test_what_is_said_of_luck_fits_below_a_figure(noise: Noise) -> None:
    costs, effects = toy_values()
    front = pareto_front(COST, EFFECT, costs, effects, common_worlds=True, version="0.10.0")
    figure = front_figure(replace(front, noise=noise, draws=100, worlds=10))
    figure.canvas.draw()
    assert max(text.get_window_extent().x1 for text in figure.texts) < figure.bbox.width


def test_many_policies_fit_table_and_figure() -> None:
    values = {f"policy {i}": rows(*(float(i + j) for j in range(3))) for i in range(40)}
    front = pareto_front(
        COST, EFFECT, values, {k: v * (1 + int(k[7:]) % 2) for k, v in values.items()}, common_worlds=False
    )
    assert "more policies are not shown" in plain_text(front_report(front))
    assert "policies of more regret are not shown" in plain_text(
        regret_report(regret_table(EFFECT, values, common_worlds=False))
    )
    assert words_of(front_figure(front))
    assert words_of(regret_figure(regret_table(EFFECT, values, common_worlds=False)))


def test_json_and_csv(tmp_path: Path) -> None:
    costs, effects = toy_values()
    front, table = (
        pareto_front(COST, EFFECT, costs, effects, common_worlds=False),
        regret_table(EFFECT, effects, common_worlds=False),
    )
    assert json.loads(front.to_json())["positions"][0]["policy"] == "reference"
    assert json.loads(table.to_json())["safest"] == table.safest
    lines = list(csv.DictReader(io.StringIO(front_csv(front))))
    assert [line["policy"] for line in lines] == ["reference", "follow-up", "go-no-go"]
    assert lines[2]["dominated_by"].startswith("follow-up")
    assert float(lines[0]["cost"]) == 9e6
    regrets = list(csv.DictReader(io.StringIO(regret_csv([table]))))
    assert math.isclose(float(regrets[0]["mean_regret"]), table.policies[0].regret.mean, rel_tol=1e-9)
    assert save_beside(front_csv(front), tmp_path / "study.db", "front").name == "study-front.csv"
    with pytest.raises(StudyError, match="cannot be written"):
        save_beside("", tmp_path / "nowhere" / "study.db", "regret")
    assert pareto_front(COST, EFFECT, costs, effects, common_worlds=False).to_json() == front.to_json()
