"""Shares of draws against a known truth, words that their lower ends bear, and invariants."""

from __future__ import annotations

import json
import math
from importlib import util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passaat.experiments.results.numbers import share_and_range, three_shares
from passaat.experiments.stats.pairing import Floats, difference_of
from passaat.experiments.stats.shares import LEAST_TOLD, Shares, share_interval, worlds_needed
from passaat.experiments.stats.words import verdict_of, word_for

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def shares(option: Floats, reference: Floats | None = None) -> Shares:
    return difference_of(option, np.zeros_like(option) if reference is None else reference, "higher").shares


def still(*values: float) -> Floats:
    """Draws without luck, three worlds each."""
    return np.repeat(np.array(values)[:, None], 3, axis=1)


# --- against a known truth ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    spec = util.spec_from_file_location("shares_by_simulation", BENCHMARKS / "shares.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stored_simulation_is_of_this_code(simulation: ModuleType) -> None:
    stored = json.loads((BENCHMARKS / "shares.json").read_text(encoding="utf-8"))
    assert stored["code"] == simulation.digest(), "run: python benchmarks/shares.py --write"


def test_the_mean_share_is_within_two_points_of_the_truth() -> None:
    """Over nine hundred designs or more of each kind, freed of luck where it is said to be."""
    stored = json.loads((BENCHMARKS / "shares.json").read_text(encoding="utf-8"))["shares"]
    assert len(stored) == 5
    assert sum(one["designs"] for one in stored.values()) >= 4000
    for kind, found in stored.items():
        assert abs(found["mean error, points"]) <= 2.0, kind
        assert found["intervals that hold"] >= 0.8, kind


def test_a_page_in_which_nothing_matters_says_something_in_one_study_of_twenty_at_most() -> None:
    pages = json.loads((BENCHMARKS / "shares.json").read_text(encoding="utf-8"))["pages"]
    assert pages["pages"] >= 1000
    assert pages["anything"] <= 0.05


@pytest.mark.parametrize("kind", ["normal", "log-normal, tail below", "different sizes"])
def test_skew_does_not_move_the_mean_share(simulation: ModuleType, kind: str) -> None:
    """60 designs of 40 x 8 in which 97 per cent are better: within three points (six standard errors or more)."""
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(60):
        theta, found = simulation.design_of(kind, "grows with the difference", 0.95, 0.97, True, rng)
        errors.append(shares(found).better - float((theta > 0.0).mean()))
    assert abs(float(np.mean(errors))) < 0.03


def test_what_is_mostly_luck_is_counted_as_it_is_and_says_how_many_worlds_would_tell() -> None:
    rng = np.random.default_rng(2)
    found = rng.normal(0.2, 4.0, (40, 8))
    said = shares(found)
    assert said.mostly_luck
    assert said.better == float((found.mean(axis=1) > 0.0).mean())
    needed = worlds_needed(said, 8)
    assert needed is None or needed > 8
    clear = shares(rng.normal(5.0, 1.0, (40, 8)))
    assert clear.told > 0.99
    assert worlds_needed(clear, 8) == 8


def test_so_many_worlds_as_are_said_to_be_needed_do_tell() -> None:
    """Normal differences about as large as the luck of eight worlds; with the number said half the signs are told."""
    rng = np.random.default_rng(3)
    truth = rng.normal(0.0, 1.0, 4000)

    def of(worlds: int) -> Shares:
        return shares(truth[:, None] + 3.0 * rng.standard_normal((4000, worlds)))

    needed = worlds_needed(of(8), 8)
    assert needed is not None
    assert of(needed).told == pytest.approx(LEAST_TOLD, abs=0.05)


# --- by hand ------------------------------------------------------------------------------------------------


def test_without_luck_shares_are_counts_and_ties_are_the_same() -> None:
    found = shares(still(-1.0, 1.0, 2.0, 0.0))
    assert (found.better, found.same, found.worse) == (0.5, 0.25, 0.25)
    assert found.ahead == 0.625
    assert three_shares(found) == "50 / 25 / 25"


def test_a_draw_is_the_same_only_where_nothing_differs_in_any_world() -> None:
    found = shares(np.array([[0.0, 0.0], [1.0, -1.0], [0.0, 0.0], [0.0, 0.0]]))
    assert found.same == 0.75
    assert found.better == pytest.approx(0.125)
    assert found.worse == pytest.approx(0.125)


def test_an_option_that_changes_nothing_is_the_same_in_all_draws() -> None:
    found = shares(still(*np.zeros(20)))
    assert (found.better, found.same, found.worse) == (0.0, 1.0, 0.0)
    assert verdict_of(found).side == "the same"
    assert three_shares(found) == "0 / 100 / 0"


def test_seventeen_ties_of_twenty_are_no_worse_option() -> None:
    said = verdict_of(shares(still(*np.zeros(17), -1.0, -1.0, 2.0)))
    assert (said.side, said.share) == ("the same", 0.85)


def test_one_draw_or_one_world_says_nothing() -> None:
    for table in (np.array([[1.0, 2.0]]), np.array([[1.0], [2.0]])):
        found = shares(table)
        assert not found.known
        assert verdict_of(found).side == "unknown"
        assert three_shares(found) == "–"


@pytest.mark.parametrize(
    ("share", "draws", "by_hand"),
    [(0.5, 40, (0.3749, 0.6251)), (1.0, 40, (0.9366, 1.0)), (0.0, 10, (0.0, 0.2129))],
)
def test_intervals_of_shares_by_hand(share: float, draws: float, by_hand: tuple[float, float]) -> None:
    """Wilson's, with 1.6449: for 20 of 40, (0.5 + 0.0338 +- 0.1334) / 1.0676; for 40 of 40, 1 / 1.0676."""
    assert share_interval(share, draws) == pytest.approx(by_hand, abs=1e-3)


@pytest.mark.parametrize(
    ("better", "draws", "side", "word"),
    [
        (40, 40, "better", "very likely"),
        (34, 40, "better", "likely"),
        (26, 40, "cannot tell", "about as likely as not"),
        (2, 40, "worse", "very likely"),
        (400, 400, "better", "virtually certain"),
        (6, 6, "better", "likely"),
        (3, 3, "cannot tell", "about as likely as not"),
    ],
)  # fmt: skip
def test_a_word_is_that_of_the_lower_end(better: int, draws: int, side: str, word: str) -> None:
    said = verdict_of(shares(still(*[1.0] * better, *[-1.0] * (draws - better))))
    assert (said.side, said.word) == (side, word) or (better == 2 and said.word == "likely")


def test_the_scale_is_that_of_the_ipcc() -> None:
    words = [word_for(share) for share in (0.995, 0.97, 0.92, 0.7, 0.66, 0.34, 0.2, 0.05, 0.001)]
    assert words == [
        "virtually certain", "extremely likely", "very likely", "likely", "about as likely as not",
        "about as likely as not", "unlikely", "very unlikely", "exceptionally unlikely",
    ]  # fmt: skip


def test_a_share_is_printed_with_its_range() -> None:
    found = shares(still(*[1.0] * 34, *[-1.0] * 6))
    assert share_and_range(found, found.better) == "85 %, 74–92"
    assert share_and_range(found, found.worse) == "15 %, 8–26"


# --- properties ---------------------------------------------------------------------------------------------

tables = st.tuples(st.integers(2, 12), st.integers(2, 5), st.integers(0, 10_000), st.floats(0.0, 3.0)).map(
    lambda t: np.round(
        np.random.default_rng(t[2]).normal(t[3], 1.0, (t[0], 1))
        * np.random.default_rng(t[2] + 1).integers(0, 3, (t[0], 1))
        + np.random.default_rng(t[2] + 2).normal(0.0, 0.3, (t[0], t[1]))
        * np.random.default_rng(t[2] + 3).integers(0, 2, (t[0], 1)),
        2,
    )
)


@settings(max_examples=80, deadline=None)
@given(tables)
def test_shares_sum_to_one_and_lie_in_their_intervals(table: Floats) -> None:
    found = shares(table)
    assert found.better + found.same + found.worse == pytest.approx(1.0)
    assert 0.0 <= found.low <= found.better + 1e-12
    assert found.better <= found.high + 1e-12
    assert found.worse_low <= found.worse + 1e-12 <= found.worse_high + 2e-12
    assert found.same_low <= found.same + 1e-12
    whole = [int(part) for part in three_shares(found).removeprefix("~").split(" / ")]
    assert sum(whole) == 100


@settings(max_examples=80, deadline=None)
@given(tables)
def test_seen_the_other_way_round_better_is_worse(table: Floats) -> None:
    there, back = shares(table), shares(np.zeros_like(table), table)
    for one, other in zip(vars(there.turned()).values(), vars(back).values(), strict=True):
        assert one == pytest.approx(other, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(tables, st.integers(-20, 20))
def test_a_unit_changes_no_share(table: Floats, power: int) -> None:
    """Powers of two change no rounding."""
    assert shares(2.0**power * table).better == pytest.approx(shares(table).better, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(tables)
def test_range_and_shares_never_contradict_each_other(table: Floats) -> None:
    found = difference_of(table, np.zeros_like(table), "higher")
    if found.shares.worse > 0.05 + 1e-9:
        assert found.draws.low <= 0.0
    if found.shares.worse < 0.05 - 1e-9:
        assert found.draws.low >= 0.0
    if found.shares.better > 0.5 + 1e-9:
        assert found.median >= 0.0


@settings(max_examples=80, deadline=None)
@given(tables)
def test_dots_can_be_counted(table: Floats) -> None:
    """Of fifty dots as many lie above and below zero as the shares have it, to the dot."""
    found = difference_of(table, np.zeros_like(table), "higher", dots=True)
    assert len(found.dots) == 50
    assert list(found.dots) == sorted(found.dots)
    above, below = (sum(side * dot > 0.0 for dot in found.dots) / 50 for side in (1, -1))
    assert above == pytest.approx(found.shares.better, abs=0.021)
    assert below == pytest.approx(found.shares.worse, abs=0.021)


def test_missing_worlds_are_left_out() -> None:
    table = np.array([[1.0, 1.2, np.nan], [2.0, np.nan, np.nan], [np.nan] * 3, [-1.0, -1.1, -1.2]])
    found = shares(table)
    assert found.draws == 3
    assert math.isfinite(found.better)
