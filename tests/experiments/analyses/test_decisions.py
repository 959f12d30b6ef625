"""Decisions that hold: shares of draws worked out by hand or simulated, and parameters that turn a pair or do not."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from passaat.errors import StudyError
from passaat.experiments.analyses.bench import REFERENCE
from passaat.experiments.analyses.compare import Comparison, compare
from passaat.experiments.analyses.decisions import Decision, PairOrder, Ranked, decide, to_csv
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.decisions import decisions_text, what_holds
from passaat.experiments.reports.files import save_beside
from passaat.experiments.stats.pairing import Direction, Floats, difference_of
from passaat.scenarios.scenario import Scenario

DRAWS, WORLDS = 60, 4
generator = np.random.default_rng(7)
MANY = [{f"p{k}": float(v) for k, v in enumerate(row)} for row in generator.random((DRAWS, 100))]
"""A hundred parameters that vary over the draws."""


def column(name: str) -> Floats:
    return np.array([draw[name] for draw in MANY])


def worlds_of(true: Floats, luck: float = 0.0, seed: int = 1) -> Floats:
    """Worlds around the true value of each draw."""
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (len(true), WORLDS))
    return true[:, None] + luck * noise


def decided(
    values: Mapping[str, Floats],
    better: Direction = "higher",
    parameters: Sequence[Mapping[str, float]] = MANY,
) -> Decision:
    (found,) = decide([Ranked("x", "as it stands", better, values)], parameters)
    return found


def pair_of(found: Decision, one: str, other: str) -> PairOrder:
    (pair,) = (pair for pair in found.pairs if {pair.ahead, pair.behind} == {one, other})
    return pair


# --- shares -------------------------------------------------------------------------------------------------


def test_without_luck_shares_are_counts_and_no_pair_stands_below_one_half() -> None:
    """a is ahead of the reference in 45 draws of 60 and of b in 30; b of the reference in 30."""
    ones = np.arange(DRAWS)
    values = {
        REFERENCE: worlds_of(np.zeros(DRAWS)),
        "a": worlds_of(np.where(ones < 45, 2.0, -1.0)),
        "b": worlds_of(np.where((ones >= 15) & (ones < 45), 4.0, -2.5)),
    }
    found = decided(values)
    assert found.order == ("a", "b", REFERENCE)
    shares = {(pair.ahead, pair.behind): pair.shares.better for pair in found.pairs}
    assert shares["a", REFERENCE] == pytest.approx(45 / 60)
    assert shares["a", "b"] == pytest.approx(30 / 60)
    assert shares["b", REFERENCE] == pytest.approx(30 / 60)
    assert not found.ordered
    assert math.isnan(found.whole)
    assert found.holding == ()
    assert what_holds(found).startswith("no order can be given")


def test_a_pair_stands_the_way_round_that_its_draws_have_it_whatever_the_order() -> None:
    """Rock, scissors and paper: each is ahead of one other in two draws of three."""
    third = np.arange(DRAWS) % 3
    values = {name: worlds_of(((third + shift) % 3).astype(np.float64)) for shift, name in enumerate("abc")}
    found = decided(values)
    assert [pair.shares.ahead for pair in found.pairs] == pytest.approx([2 / 3] * 3)
    assert {(pair.ahead, pair.behind) for pair in found.pairs} == {("b", "a"), ("c", "b"), ("a", "c")}
    assert not found.ordered


def test_a_share_is_the_one_that_tables_show() -> None:
    base = worlds_of(np.zeros(DRAWS), 0.2, seed=3)
    option = worlds_of(column("p0") - 0.3, 0.2, seed=4)
    directions: tuple[Direction, ...] = ("higher", "lower")
    for better in directions:
        (pair,) = decided({REFERENCE: base, "a": option}, better).pairs
        shares = difference_of(option, base, better).shares
        assert pair.shares.better == pytest.approx(shares.better if pair.ahead == "a" else shares.worse)
        assert pair.ahead == ("a" if better == "higher" else REFERENCE)


def test_an_order_is_said_where_every_neighbour_is_likely_and_holds_in_fewer_draws_than_a_pair() -> None:
    random = np.random.default_rng(5)
    first, second = (random.normal(1.5, 1.0, DRAWS) for _ in range(2))
    values = {
        "c": worlds_of(np.zeros(DRAWS), 0.1, seed=1),
        "b": worlds_of(first, 0.1, seed=2),
        "a": worlds_of(first + second, 0.1, seed=3),
    }
    found = decided(values)
    truth = float(((first > 0.0) & (second > 0.0)).mean())
    assert found.ordered
    assert found.order == ("a", "b", "c")
    assert found.whole == pytest.approx(truth, abs=0.03)
    assert found.whole < min(
        pair.shares.better for pair in found.pairs if pair.behind != "c" or pair.ahead != "a"
    )
    assert what_holds(found).startswith("a before b before c (the whole order in ")


def test_words_follow_the_lower_end_and_equal_policies_are_said_to_be_equal() -> None:
    found = decided({
        REFERENCE: worlds_of(np.zeros(DRAWS)),
        "idle": worlds_of(np.zeros(DRAWS)),
        "always": worlds_of(np.full(DRAWS, 5.0) + column("p0")),
        "mostly": worlds_of(np.where(np.arange(DRAWS) < 51, 1.0, -1.0)),
        "half": worlds_of(np.where(np.arange(DRAWS) % 2 == 0, 1.0, -0.9)),
    })  # fmt: skip
    said = {name: pair_of(found, REFERENCE, name) for name in ("idle", "always", "mostly", "half")}
    assert (said["always"].word, said["always"].holds) == ("extremely likely", True)
    assert (said["mostly"].word, said["mostly"].holds) == ("likely", True)
    assert not said["half"].holds
    assert said["idle"].equal
    assert not said["idle"].holds
    assert found.order[0] == "always"
    assert {(pair.ahead, pair.behind) for pair in found.holding[:1]} <= {
        ("always", name) for name in found.order
    }
    assert not found.ordered, "the reference and the idle option are level"


def test_an_option_equal_to_the_reference_ranks_level_with_it() -> None:
    """A tie in most draws is half a win each, not a loss."""
    mostly_level = np.where(np.arange(DRAWS) < 51, 0.0, 1.0)
    found = decided({REFERENCE: worlds_of(np.zeros(DRAWS)), "a": worlds_of(mostly_level)})
    (pair,) = found.pairs
    assert (pair.ahead, pair.behind) == ("a", REFERENCE)
    assert pair.shares.ahead == pytest.approx(0.575)
    assert pair.shares.same == pytest.approx(0.85)
    assert not pair.holds


def test_policies_without_a_value_are_left_out_and_one_world_a_draw_tells_nothing() -> None:
    found = decided({REFERENCE: worlds_of(np.zeros(DRAWS)), "a": np.full((DRAWS, WORLDS), np.nan)})
    assert (found.order, found.pairs) == ((REFERENCE,), ())
    alone = {"b": worlds_of(column("p0"))[:, :1], "a": worlds_of(column("p1"))[:, :1]}
    assert not decided(alone).pairs[0].shares.known
    with pytest.raises(ValueError, match="neither direction is better"):
        decided(alone, "neither")


def test_missing_draws_of_one_policy_leave_the_others_whole() -> None:
    some = worlds_of(np.full(DRAWS, 1.0))
    some[:20] = np.nan
    found = decided({REFERENCE: worlds_of(np.zeros(DRAWS)), "a": some, "b": worlds_of(np.full(DRAWS, 2.0))})
    assert pair_of(found, REFERENCE, "a").shares.draws == DRAWS - 20
    assert pair_of(found, REFERENCE, "b").shares.draws == DRAWS


# --- what turns them ----------------------------------------------------------------------------------------


def test_the_parameter_that_turns_a_pair_is_found_among_a_hundred() -> None:
    """a is ahead where p17 is above one half: its halves are told apart, and learning it settles the pair."""
    values = {
        REFERENCE: worlds_of(np.zeros(DRAWS), 0.2),
        "a": worlds_of(4.0 * (column("p17") - np.median(column("p17"))), 0.2, seed=2),
    }
    found = decided(values)
    pull, learn = found.pairs[0].turns_on, found.learn
    assert pull is not None
    assert learn is not None
    ahead = 1.0 if found.pairs[0].ahead == "a" else -1.0
    assert (pull.parameter, learn.parameter) == ("p17", "p17")
    assert ahead * pull.correlation > 0.9
    assert pull.stands_out
    assert pull.corrected_p == pytest.approx(1 / 2000)
    assert learn.stands_out
    assert pull.split == pytest.approx(float(np.median(column("p17"))))
    assert sorted((pull.share_below, pull.share_above)) == pytest.approx([0.03, 0.97], abs=0.05)
    assert learn.right_now == pytest.approx(0.5, abs=0.05)
    assert learn.right_then == pytest.approx(0.97, abs=0.05)
    assert found.parameters_looked_at == 100


def test_the_correlation_is_spearmans_where_nothing_is_noise() -> None:
    true = column("p3") + 0.5 * column("p4") - 0.7
    found = decided({REFERENCE: worlds_of(np.zeros(DRAWS), 1e-9), "a": worlds_of(true, 1.0)})
    pull = found.pairs[0].turns_on
    assert pull is not None
    sign = 1.0 if found.pairs[0].ahead == "a" else -1.0
    means = worlds_of(true, 1.0).mean(axis=1)
    assert sign * pull.correlation == pytest.approx(
        stats.spearmanr(column(pull.parameter), means).statistic, abs=0.1
    )


def test_chance_alone_seldom_names_a_parameter() -> None:
    """Of forty studies in which no parameter matters, about one may name one; the largest of a hundred correlations
    by itself would be called significant in nearly all.
    """
    named = 0
    for study in range(40):
        true = np.random.default_rng(study).normal(0.0, 1.0, DRAWS)
        found = decided({REFERENCE: worlds_of(np.zeros(DRAWS)), "a": worlds_of(true, 0.3, seed=study)})
        pull = found.pairs[0].turns_on
        assert pull is not None
        named += pull.stands_out
    assert named <= 4


def test_draws_that_a_resample_holds_twice_count_once() -> None:
    """Five distinct draws, twelve times each: what they have in common proves nothing."""
    few = [MANY[i % 5] for i in range(DRAWS)]
    true = np.array([draw["p0"] - 0.5 for draw in few])
    found = decided({REFERENCE: worlds_of(np.zeros(DRAWS)), "a": worlds_of(true)}, "higher", few)
    pull = found.pairs[0].turns_on
    assert pull is not None
    assert not pull.stands_out


def test_parameters_that_do_not_vary_are_not_looked_at() -> None:
    fixed = [{**draw, "fixed": 1.0} for draw in MANY]
    values = {REFERENCE: worlds_of(np.zeros(DRAWS)), "a": worlds_of(column("p0") - 0.5)}
    assert decided(values, "higher", fixed).parameters_looked_at == 100
    none = decided(values, "higher", [{"fixed": 1.0}] * DRAWS)
    assert (none.parameters_looked_at, none.learn, none.pairs[0].turns_on) == (0, None, None)


def test_two_values_are_split_between_them_and_a_rare_one_is_not_split() -> None:
    half = [{"switch": float(i % 2)} for i in range(DRAWS)]
    assert decided(
        {REFERENCE: worlds_of(np.zeros(DRAWS)), "a": worlds_of(np.array([i % 2 - 0.4 for i in range(DRAWS)]))},
        "higher",
        half,
    ).pairs[0].turns_on is None, "two distinct draws are too few to look at"  # fmt: skip
    rare = [{**draw, "rare": float(i % 10 == 0)} for i, draw in enumerate(MANY)]
    true = np.where(np.arange(DRAWS) % 10 == 0, -9.0, 0.1) + 0.1 * np.random.default_rng(1).random(DRAWS)
    pull = decided(
        {REFERENCE: worlds_of(np.zeros(DRAWS)), "a": worlds_of(true)}, "higher", rare
    ).pairs[0].turns_on  # fmt: skip
    assert pull is None or pull.parameter != "rare" or math.isnan(pull.share_below)


def test_the_more_a_page_asks_the_less_it_takes_for_a_finding() -> None:
    """The p of a pair counts all rankings of the page: beside others it is never smaller than alone."""
    ranked = [
        Ranked(
            f"x{k}", "-", "higher",
            {REFERENCE: worlds_of(np.zeros(DRAWS)), "a": worlds_of(column(f"p{k}") + column("p9") - 1.0, 0.3, seed=k)},
        )
        for k in range(4)
    ]  # fmt: skip
    (alone,) = decide(ranked[:1], MANY)
    beside = decide(ranked, MANY)[0]
    assert alone.pairs[0].turns_on is not None
    assert beside.pairs[0].turns_on is not None
    assert beside.pairs[0].turns_on.parameter == alone.pairs[0].turns_on.parameter
    assert beside.pairs[0].turns_on.corrected_p >= alone.pairs[0].turns_on.corrected_p


# --- in a comparison ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def comparison(request: pytest.FixtureRequest) -> Comparison:
    toy, pib, options = (request.getfixturevalue(name) for name in ("toy", "pib", "two_options"))
    return compare(pib, options, draws=30, worlds_per_draw=4, workers=1, simulator=toy)


def test_a_comparison_decides_every_main_outcome_in_both_money_variants(comparison: Comparison) -> None:
    assert {(one.outcome, one.money) for one in comparison.decisions} == {
        (name, money)
        for name in (
            "additional_exports_net_eur", "additional_exports_smes_eur", "net_exports_per_public_euro", "contracts",
        )
        for money in ("as it stands", "at equal public money")
    }  # fmt: skip
    for one in comparison.decisions:
        assert set(one.order) == {REFERENCE, "stricter-selection", "follow-up"}
        assert len(one.pairs) == 3


def test_the_toys_only_parameter_turns_follow_up(comparison: Comparison) -> None:
    (contracts,) = [
        one for one in comparison.decisions if (one.outcome, one.money) == ("contracts", "as it stands")
    ]
    (pair,) = [one for one in contracts.pairs if {one.ahead, one.behind} == {REFERENCE, "follow-up"}]
    assert pair.turns_on is not None
    assert pair.turns_on.parameter == "gain"
    assert pair.turns_on.stands_out
    text = " ".join(decisions_text(comparison).split())
    assert "turns on gain: follow-up is before the reference in" in text


def test_text_json_and_csv_agree_and_are_the_same_again(
    comparison: Comparison, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    again = compare(pib, two_options, draws=30, worlds_per_draw=4, workers=2, simulator=toy)
    assert decisions_text(again) == decisions_text(comparison)
    assert max(map(len, decisions_text(comparison).splitlines())) <= 104
    assert not any(word in decisions_text(comparison).split() for word in ("nan", "None"))
    rows = list(csv.DictReader(io.StringIO(to_csv(comparison.decisions))))
    pairs = [pair for one in json.loads(comparison.to_json())["decisions"] for pair in one["pairs"]]
    assert [row["ahead"] for row in rows] == [pair["ahead"] for pair in pairs]
    assert [float(row["share_ahead"]) for row in rows] == [pair["shares"]["better"] for pair in pairs]
    assert to_csv(again.decisions) == to_csv(comparison.decisions)


def test_one_draw_decides_nothing(pib: Scenario, two_options: list[Scenario], toy: Simulator) -> None:
    alone = compare(pib, two_options, draws=1, worlds_per_draw=2, workers=1, simulator=toy)
    assert alone.decisions == ()
    assert "Decisions" in decisions_text(alone)


def test_an_option_that_does_not_reach_equal_money_is_in_no_ranking_there(comparison: Comparison) -> None:
    missing = replace(comparison.decisions[0], order=(REFERENCE,), pairs=(), learn=None)
    text = decisions_text(replace(comparison, decisions=(missing,)))
    assert "fewer than two policies have a value here" in " ".join(text.split())


def test_a_csv_that_cannot_be_written_is_refused(comparison: Comparison, tmp_path: Path) -> None:
    assert save_beside(to_csv(comparison.decisions), tmp_path / "a.db", "decisions").name == "a-decisions.csv"
    with pytest.raises(StudyError, match="cannot be written"):
        save_beside(to_csv(comparison.decisions), tmp_path / "nowhere" / "a.db", "decisions")
