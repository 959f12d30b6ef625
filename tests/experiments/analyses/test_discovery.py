"""Scenario discovery: corners that are there, noise in which there is none, and words that say what was found."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from passaat.errors import StudyError
from passaat.experiments.analyses.discover import (
    CLEAR,
    Discovery,
    Question,
    discover,
    discover_in,
    question_of,
    to_csv,
)
from passaat.experiments.analyses.sweep import SweepTable, sweep
from passaat.experiments.analyses.tree import Condition, condition, grow_tree
from passaat.experiments.design.factors import Factor, Setting, counted_factor
from passaat.experiments.design.plan_files import read_plan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.discover import discovery_report, sentence
from passaat.experiments.reports.discover_figures import corner_figure, save_discovery
from passaat.experiments.reports.files import save_beside
from passaat.experiments.reports.terminal import plain_text
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.stats.pairing import Floats
from passaat.experiments.stats.prim import Limits

NAN = math.nan
EXPORTS = OutcomeInfo("additional_exports_net_eur", "EUR", "exports the programme adds, net", "higher")
QUARTERS = OutcomeInfo("quarters_to_first_contract", "quarters", "time to the first contract", "lower")
COVENANTS = OutcomeInfo("covenants", "covenants", "covenants started", "neither")
Point = Mapping[str, Setting]


def number(name: str, low: float, high: float, unit: str = "share", *, ratios: bool = False) -> Factor:
    words = name.replace("_", " ")
    shape: Literal["uniform", "loguniform"] = "loguniform" if ratios else "uniform"
    return Factor(
        name, "uncertainty", "continuous", low, high, shape, (), True, unit, f"how large {words} is", words.capitalize()
    )  # fmt: skip


def listed(name: str, values: tuple[Setting, ...], *, ordered: bool = False) -> Factor:
    words = name.replace("_", " ")
    return Factor(
        name, "lever", "categories", NAN, NAN, "uniform", values, ordered, "", f"which {words}", words.capitalize()
    )  # fmt: skip


FACTORS = (
    number("covenant_effect", 0.0, 1.0),
    listed("market_start", ("slow", "steady", "quick")),
    number("decay", 0.05, 0.5, "per year"),
    listed("follow_up_years", (0, 1, 2, 4), ordered=True),
    number("spillover", 0.001, 0.1, ratios=True),
)


def sampled(n: int, seed: int, factors: tuple[Factor, ...] = FACTORS) -> list[dict[str, Setting]]:
    shares = np.random.default_rng(seed).random((n, len(factors)))
    return [{f.name: f.at(float(u)) for f, u in zip(factors, row, strict=True)} for row in shares]


def defeated(point: Point) -> bool:
    return float(point["covenant_effect"]) < 0.35 and point["market_start"] != "quick"


def margins_of(points: list[dict[str, Setting]], seed: int, luck: float = 2e6, worlds: int = 3) -> Floats:
    """The option wins by 8 million, but loses by 6 million in one corner."""
    random = np.random.default_rng((seed, 1))
    true = np.array([-6e6 if defeated(point) else 8e6 for point in points])
    return np.asarray(true[:, None] + random.normal(0.0, luck, (len(points), worlds)), dtype=np.float64)


BEATS = Question("beats", "follow-up", "reference", EXPORTS)


@pytest.fixture(scope="module")
def found() -> Discovery:
    points = sampled(250, 5)
    return discover(
        BEATS, FACTORS, points, margins_of(points, 5), version="0.0-toy", drawn_from="prior ranges"
    )


@pytest.fixture(scope="module")
def nothing() -> Discovery:
    noise = np.random.default_rng(8).normal(0.2, 1.0, (200, 3))
    return discover(BEATS, FACTORS, sampled(200, 8), noise)


# --- questions ----------------------------------------------------------------------------------------------


def test_margins_of_beating_and_failing_by_hand() -> None:
    """The option brings 12 and 7 where the reference brings 10."""
    option, reference = np.array([[12.0], [7.0]]), np.array([[10.0], [10.0]])

    def margins(question: Question) -> list[float]:
        against = None if question.against is None else reference
        return [float(one) for one in question.margins(option, against)[:, 0]]

    assert margins(Question("beats", "a", "reference", EXPORTS)) == [2.0, -3.0]
    assert margins(Question("beats", "a", "reference", EXPORTS, 1.5)) == [0.5, -4.5]
    assert margins(Question("beats", "a", "reference", QUARTERS)) == [-2.0, 3.0]
    assert margins(Question("beats", "a", "reference", QUARTERS, 1.0)) == [-3.0, 2.0]
    assert margins(Question("fails", "a", None, EXPORTS, 8.0)) == [-4.0, 1.0]
    assert margins(Question("fails", "a", None, QUARTERS, 8.0)) == [4.0, -1.0]
    assert margins(Question("fails", "a", "reference", EXPORTS, -1.0)) == [-3.0, 2.0]
    assert margins(Question("fails", "a", "reference", QUARTERS, 1.0)) == [1.0, -4.0]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (BEATS, "follow-up beats the reference in additional exports, net"),
        (
            replace(BEATS, threshold=1.5e6),
            "follow-up beats the reference in additional exports, net by more than 1.5 M EUR",
        ),
        (replace(BEATS, kind="fails"), "follow-up does worse than the reference in additional exports, net"),
        (Question("fails", "a", None, EXPORTS, 2e7), "under a additional exports, net is below 20 M EUR"),
        (Question("fails", "a", None, QUARTERS, 9), "under a quarters to first contract is above 9 quarters"),
        (
            Question("fails", "a", "b", QUARTERS, 2),
            "the difference of a from b in quarters to first contract is above 2 quarters",
        ),
    ],
)  # fmt: skip
def test_questions_in_words(question: Question, words: str) -> None:
    assert question.words() == words


def test_impossible_questions_are_refused_with_all_that_is_wrong() -> None:
    with pytest.raises(StudyError) as error:
        Question("beats", "a", "a", COVENANTS, -1.0)
    assert error.value.problems == (
        "covenants: neither direction is better, so no policy can beat or fail",
        "threshold = -1: to beat by less than nothing is not to beat",
        "a is compared with itself",
    )
    with pytest.raises(StudyError, match="threshold = nan is no number"):
        Question("fails", "a", None, EXPORTS, NAN)
    with pytest.raises(StudyError, match="a beats nothing"):
        Question("beats", "a", None, EXPORTS)


# --- corners ------------------------------------------------------------------------------------------------


def test_the_corner_of_defeats_is_found(found: Discovery) -> None:
    truth = np.mean([defeated(point) for point in sampled(250, 5)])
    assert found.side == "no", "defeats are rarer"
    assert found.share == pytest.approx(1.0 - truth, abs=0.02)
    (corner,) = found.corners
    by_name = {one.condition.factor.name: one for one in corner.restrictions}
    assert set(by_name) == {"covenant_effect", "market_start"}
    effect, start = by_name["covenant_effect"].condition, by_name["market_start"].condition
    assert effect.high == pytest.approx(0.35, abs=0.03)
    assert effect.low == -math.inf
    assert start.values == ("slow", "steady")
    assert corner.density > 0.9
    assert corner.coverage > 0.9
    assert corner.held_out.density > 0.85
    assert corner.corrected_p <= CLEAR
    assert all(one.again == 1.0 for one in corner.restrictions)
    assert corner.cases == sum(found.cases[place] for place in corner.inside)
    assert len(corner.inside) == corner.points
    assert "fewer than 10" in found.nothing


def test_the_other_side_can_be_asked_for() -> None:
    points = sampled(250, 5)
    found = discover(BEATS, FACTORS, points, margins_of(points, 5), side="yes")
    assert found.side == "yes"
    assert found.base == found.share > 0.5
    assert found.corners[0].density > found.base
    assert found.corners[0].restrictions[0].condition.factor.name == "covenant_effect"


def test_two_corners_are_found_one_after_the_other() -> None:
    factors = (number("a", 0.0, 1.0), number("b", 0.0, 1.0), number("c", 0.0, 1.0))
    points = sampled(400, 1, factors)
    there = np.array([float(p["a"]) < 0.25 or (float(p["a"]) > 0.7 and float(p["b"]) > 0.6) for p in points])
    margins = np.where(there, 1.0, -1.0)[:, None] + np.random.default_rng(2).normal(0.0, 0.4, (400, 2))
    found = discover(BEATS, factors, points, margins)
    assert len(found.corners) == 2
    first, second = ({one.condition.factor.name for one in corner.restrictions} for corner in found.corners)
    assert sorted((sorted(first), sorted(second))) == [["a"], ["a", "b"]]
    assert not set(found.corners[0].inside) & set(found.corners[1].inside)
    assert sum(corner.coverage for corner in found.corners) > 0.9
    assert found.corners[1].base < found.corners[0].base, "the first corner's cases are gone"


def test_noise_has_no_corner_and_says_so(nothing: Discovery) -> None:
    assert nothing.corners == ()
    assert len(nothing.leaves) == 1
    assert nothing.chance > CLEAR
    text = plain_text(discovery_report(nothing))
    assert "No corner of the 5 factors stands out: luck alone gives as clear a corner in" in text
    assert "no question on the factors is worth asking" in text


@pytest.mark.slow
def test_noise_hardly_ever_has_a_corner() -> None:
    named = split = 0
    for seed in range(20):
        noise = np.random.default_rng((seed, 9)).normal(0.3, 1.0, (250, 2))
        found = discover(BEATS, FACTORS, sampled(250, seed), noise)
        named += bool(found.corners)
        split += len(found.leaves) > 1
    assert named <= 1
    assert split <= 2


def test_points_that_lack_a_world_are_left_out_and_counted() -> None:
    points = sampled(250, 5)
    margins = margins_of(points, 5)
    margins[3, 0] = margins[7] = NAN
    found = discover(BEATS, FACTORS, points, margins)
    assert (found.points, found.left_out) == (248, 2)
    assert "2 more are left out because a run of theirs failed or is missing" in sentence(found)


def test_draw_luck_and_what_does_not_vary_are_left_aside() -> None:
    still = number("still", 0.0, 1.0)
    points = [
        {**point, "draw": place % 20, "luck": place % 2, "still": 0.5}
        for place, point in enumerate(sampled(120, 2))
    ]
    found = discover(
        BEATS,
        (*FACTORS, still, counted_factor("draw", 20), counted_factor("luck", 2)),
        points,
        margins_of(points, 2),
    )
    assert found.factors == FACTORS


def test_luck_is_counted_and_unknown_with_one_world(found: Discovery) -> None:
    assert found.unsure == 0, "a margin of six millions against an error of little more than one"
    points = sampled(120, 3)
    lucky = discover(BEATS, FACTORS, points, margins_of(points, 3, luck=12e6))
    assert lucky.unsure is not None
    assert lucky.unsure > 40
    single = discover(BEATS, FACTORS, points, margins_of(points, 3, worlds=1))
    assert single.unsure is None
    assert "how many answers are luck cannot be told" in plain_text(discovery_report(single))


def test_too_little_to_look_at_is_refused() -> None:
    points = sampled(19, 1)
    with pytest.raises(
        StudyError, match=r"19 of 19 points have a value of additional_exports_net_eur.*20 or more"
    ):
        discover(BEATS, FACTORS, points, margins_of(points, 1))
    still = [{"still": 0.5}] * 30
    with pytest.raises(StudyError, match="no lever and no parameter varies"):
        discover(BEATS, (number("still", 0.0, 1.0),), still, np.ones((30, 2)))
    with pytest.raises(ValueError, match=r"margins have shape \(3, 2\), not \(19, n_worlds\)"):
        discover(BEATS, FACTORS, points, np.ones((3, 2)))


def test_the_same_points_give_the_same_answer(found: Discovery) -> None:
    points = sampled(250, 5)
    again = discover(
        BEATS, FACTORS, points, margins_of(points, 5), version="0.0-toy", drawn_from="prior ranges"
    )
    assert again.to_json() == found.to_json()


# --- the tree -----------------------------------------------------------------------------------------------


def test_the_tree_asks_the_two_questions_that_matter(found: Discovery) -> None:
    assert sum(leaf.points for leaf in found.leaves) == found.points
    last = found.leaves[-1]
    assert last.share < 0.1
    assert {one.factor.name for one in last.conditions} == {"covenant_effect", "market_start"}
    assert re.fullmatch(r"Covenant effect is below 0\.3\d and Market start is not quick", last.words())
    total = sum(leaf.points * leaf.share for leaf in found.leaves)
    assert total == pytest.approx(found.true_in)


def test_leaves_hold_the_points_that_their_conditions_say() -> None:
    points = sampled(300, 4)
    x = np.array([[f.number(p[f.name]) for f in FACTORS] for p in points])
    years, start = x[:, 3], x[:, 1]
    y = (years >= 2) & (start == 1)
    leaves = grow_tree(x, y, FACTORS, 1)
    best = leaves[0]
    assert best.share == 1.0
    said = {one.factor.name: one for one in best.conditions}
    assert said["follow_up_years"].low == 2.0
    assert said["market_start"].values == ("steady",)
    assert best.points == int(((years >= said["follow_up_years"].low) & (start == 1)).sum())


def test_a_tree_of_one_answer_is_one_leaf() -> None:
    x = np.random.default_rng(1).random((50, 1))
    for y in (np.ones(50, dtype=np.bool_), np.zeros(50, dtype=np.bool_)):
        (leaf,) = grow_tree(x, y, FACTORS[:1], 1)
        assert (leaf.points, leaf.share, leaf.words()) == (50, float(y[0]), "everywhere")


# --- words, tables, files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "limits", "words"),
    [
        (0, Limits(high=0.30149), "Covenant effect is below 0.3"),
        (0, Limits(low=0.25571), "Covenant effect is above 0.26"),
        (2, Limits(0.1, 0.25), "Decay is between 0.1 and 0.25 per year"),
        (1, Limits(without=(2,)), "Market start is not quick"),
        (1, Limits(without=(0, 1)), "Market start is quick"),
        (3, Limits(low=1.0), "Follow up years is at least 1"),
        (3, Limits(1.0, 2.0), "Follow up years is from 1 to 2"),
        (3, Limits(2.0, 2.0), "Follow up years is 2"),
        (4, Limits(high=0.012345), "Spillover is below 0.0123"),
    ],
)
def test_conditions_in_words(place: int, limits: Limits, words: str) -> None:
    column = np.array([FACTORS[place].number(FACTORS[place].at(u)) for u in np.linspace(0.0, 1.0, 20)])
    assert condition(FACTORS[place], limits, column).words() == words


def test_large_numbers_in_words() -> None:
    amount = replace(number("amount", 200_000.0, 500_000.0, "EUR"), label="Amount")
    assert Condition(amount, 312_345.6, math.inf).words() == "Amount is above 312,000 EUR"


def test_the_report_says_what_was_found(found: Discovery) -> None:
    text = " ".join(plain_text(discovery_report(found)).split())
    corner = found.corners[0]
    assert f"This is so in {100 * found.share:.0f} % of 250 points (mean of 3 worlds each)." in text
    assert (
        f"it is so in only {100 * (1 - corner.density):.0f} % of {corner.points} points, rather than in"
        f" {100 * found.share:.0f} %; this covers {100 * corner.coverage:.0f} % of the points where it is not so."
        in text
    )
    for part in (
        "20 of 20",
        "covenant_effect: how large covenant effect is",
        "0 to 1",
        "prior ranges",
        "quasi-p",
    ):
        assert part in text, part


def test_json_holds_everything_and_no_infinity(found: Discovery) -> None:
    data = json.loads(found.to_json())
    corner = data["corners"][0]
    assert data["base"] == pytest.approx(found.base)
    assert len(corner["path"]) == len(found.corners[0].path)
    conditions = {one["condition"]["factor"]["name"]: one["condition"] for one in corner["restrictions"]}
    assert conditions["covenant_effect"]["low"] is None
    assert conditions["market_start"]["values"] == ["slow", "steady"]


def test_csv_has_a_line_for_each_restriction_and_one_where_nothing_is(
    tmp_path: Path, found: Discovery, nothing: Discovery
) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv([found, nothing]))))
    assert [row["factor"] for row in rows] == ["covenant_effect", "market_start", ""]
    assert rows[1]["values"] == "slow | steady"
    assert float(rows[0]["corner_share"]) == pytest.approx(found.corners[0].density)
    assert save_beside(to_csv([found]), tmp_path / "study.db", "discovery").name == "study-discovery.csv"
    with pytest.raises(StudyError, match="cannot be written"):
        save_beside(to_csv([found]), tmp_path / "nowhere" / "study.db", "discovery")


# --- figures ------------------------------------------------------------------------------------------------


def words_of(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_figures_are_the_same_bytes_and_say_what_they_show(tmp_path: Path, found: Discovery) -> None:
    first, second = save_discovery(found, tmp_path / "first"), save_discovery(found, tmp_path / "second")
    assert [path.name for path in first] == ["first-corner-1.png", "first-corner-1.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    text = " ".join(words_of(corner_figure(found)).split())
    for part in ("follow-up beats the reference", "250 points × 3 worlds", "passaat 0.0-toy", "Parameters: prior",
                 "Covenant effect", "Market start", "20 of 20", "in points not used"):  # fmt: skip
        assert part in text, part


def test_no_corner_no_figure(tmp_path: Path, nothing: Discovery) -> None:
    assert save_discovery(nothing, tmp_path / "none") == ()


def test_a_single_restriction_and_any_kind_of_factor_can_be_drawn() -> None:
    whole = replace(number("staff", 1.0, 9.0, "people"), scale="integer")
    switch = listed("go_no_go", (False, True))
    cases: list[tuple[tuple[Factor, ...], Callable[[Point], bool]]] = [
        ((FACTORS[4],), lambda p: float(p["spillover"]) < 0.01),
        ((FACTORS[4], whole), lambda p: float(p["staff"]) > 4),
        ((whole, switch), lambda p: bool(p["go_no_go"]) and float(p["staff"]) <= 5),
        (
            (FACTORS[3], FACTORS[1], FACTORS[0]),
            lambda p: float(p["follow_up_years"]) >= 2 and p["market_start"] == "steady",
        ),
    ]
    for factors, there in cases:
        points = sampled(150, 6, factors)
        margins = np.array([[1.0, 1.0] if there(point) else [-1.0, -1.0] for point in points])
        found = discover(BEATS, factors, points, margins)
        assert found.corners[0].density == 1.0
        assert words_of(corner_figure(found))


# --- from a sweep -------------------------------------------------------------------------------------------

PLAN = """
name = "levers"
question = "Which levers matter?"
reference = "pib"
[design]
method = "latin-hypercube"
points = 80
worlds = 3
rest = "prior"
[levers]
covenant_amount_eur = { low = 200_000, high = 500_000 }
follow_up_years = [0, 2, 4]
"""


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SweepTable:
    toy: Simulator = request.getfixturevalue("toy")
    path = tmp_path_factory.mktemp("plans") / "levers.toml"
    path.write_text(PLAN, encoding="utf-8")
    return sweep(read_plan(path), workers=1, simulator=toy)


def test_a_sweep_answers_a_question(table: SweepTable) -> None:
    """In the toy world more money per covenant brings more contacts, whatever else holds."""
    found = discover_in(table, question_of(table, "beats", "levers", "firms_with_contacts"))
    (corner,) = found.corners
    restriction = corner.restrictions[0].condition
    assert restriction.factor.name == "covenant_amount_eur"
    limit = restriction.high if math.isfinite(restriction.high) else restriction.low
    assert limit == pytest.approx(350_000, rel=0.03)
    assert corner.density > 0.95
    assert found.version == "0.0-toy"


def test_unknown_names_are_all_told_at_once(table: SweepTable) -> None:
    with pytest.raises(StudyError) as error:
        question_of(table, "beats", "lever", "exports", against="none")
    assert len(error.value.problems) == 3
    assert "did you mean 'levers'?" in error.value.problems[0]
    assert question_of(table, "beats", "levers", "contracts").against == "reference"
    assert question_of(table, "fails", "levers", "contracts", threshold=3.0).against is None
