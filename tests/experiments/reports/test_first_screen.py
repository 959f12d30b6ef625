"""The first screen of a comparison: it fits, says what the numbers bear, and leaves nothing out in silence."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from passaat.experiments.analyses.compare import Comparison, OptionResult, compare
from passaat.experiments.analyses.equal_money import as_it_is
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.first_screen import (
    MAIN,
    MOST_OPTIONS,
    first_screen,
    in_words,
    largest_doubt,
    what_is_said,
)
from passaat.experiments.reports.terminal import plain_text, print_report
from passaat.experiments.results.outcomes import UNTIL_EVALUATION
from passaat.experiments.stats.pairing import difference_of
from passaat.experiments.stats.shares import Shares
from passaat.scenarios.scenario import Scenario


@pytest.fixture(scope="module")
def comparison(request: pytest.FixtureRequest) -> Comparison:
    toy, pib, options = (request.getfixturevalue(name) for name in ("toy", "pib", "two_options"))
    made = compare(pib, options, draws=30, worlds_per_draw=4, workers=1, simulator=toy)
    return with_horizon(made, 0.25)


def with_horizon(made: Comparison, share: float) -> Comparison:
    """The comparison, had this share of the main outcome come until the evaluation."""

    def early(option: OptionResult) -> OptionResult:
        found = dict(option.as_it_stands.differences)
        found[UNTIL_EVALUATION] = replace(found[MAIN], mean=share * found[MAIN].mean)
        return replace(option, as_it_stands=replace(option.as_it_stands, differences=found))

    levels = {
        **made.levels,
        UNTIL_EVALUATION: replace(made.levels[MAIN], mean=share * made.levels[MAIN].mean),
    }
    return replace(made, levels=levels, options=tuple(map(early, made.options)))


def at_80(made: Comparison, most: int | None = None) -> list[str]:
    out = StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None)
    print_report(first_screen(made, most), console)
    return out.getvalue().splitlines()


def flat(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def shares(*means: float) -> Shares:
    table = np.repeat(np.array(means)[:, None], 3, axis=1)
    return difference_of(table, np.zeros_like(table), "higher").shares


def test_four_options_fit_on_24_lines_of_80_letters(comparison: Comparison) -> None:
    names = ("stricter-selection", "go-no-go", "follow-up", "sme-focus")
    four = tuple(replace(comparison.options[k % 2], name=name) for k, name in enumerate(names))
    made = replace(comparison, options=four, basis=Basis("posterior", "PIB 2016-2020", "abc", 99.0))
    lines = at_80(made, MOST_OPTIONS)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert all(name in flat(lines) for name in names)


def test_more_options_than_fit_are_counted_and_a_file_has_them_all(comparison: Comparison) -> None:
    many = tuple(replace(comparison.options[k % 2], name=f"option-{k}") for k in range(7))
    made = replace(comparison, options=many)
    brief = flat(at_80(made, MOST_OPTIONS))
    assert sum(f"option-{k}" in brief for k in range(7)) == MOST_OPTIONS
    assert "3 more options" in brief
    whole = plain_text(first_screen(made))
    assert all(f"option-{k}" in whole for k in range(7))
    assert "more options" not in whole


def test_the_clearest_options_come_first_where_not_all_fit(comparison: Comparison) -> None:
    found = {"clear": shares(*[1.0] * 30), "open": shares(*[1.0, -1.0] * 15)}
    options = tuple(
        replace(
            comparison.options[0],
            name=name,
            as_it_stands=replace(
                comparison.options[0].as_it_stands,
                differences={
                    **comparison.options[0].as_it_stands.differences,
                    MAIN: replace(comparison.options[0].as_it_stands.differences[MAIN], shares=one),
                },
            ),
        )
        for name, one in found.items()
    )
    text = flat(at_80(replace(comparison, options=(options[1], options[0])), 1))
    assert "clear " in text
    assert "open " not in text


def test_every_word_stands_with_its_number(comparison: Comparison) -> None:
    text = flat(at_80(comparison))
    words = re.findall(r"(?:likely|certain) (?:more|less)", text)
    assert words
    assert len(words) == len(
        re.findall(r"(?:likely|certain) (?:more|less) \([<>]?\d+ %, \d+ or more\)", text)
    )


@pytest.mark.parametrize(
    ("means", "says"),
    [
        ([1.0] * 40, "very likely more (>97 %, 94 or more)"),
        ([-1.0] * 40, "very likely less (>97 %, 94 or more)"),
        ([0.0] * 17 + [1.0] * 3, "no difference in 17 of 20 draws"),
        ([1.0] * 12 + [-1.0] * 8, "cannot tell, more in 60 % (42 to 76)"),
        ([1.0] * 8 + [-1.0] * 8 + [0.0] * 4, "cannot tell, more in 40 % (24 to 58), the same in 20 %"),
        ([1.0], "cannot be told from one draw or one world a draw"),
    ],
)
def test_what_shares_are_in_words(means: list[float], says: str) -> None:
    assert in_words(shares(*means), 3) == says


def test_what_is_mostly_luck_is_said_to_be_with_the_worlds_that_would_tell() -> None:
    table = np.random.default_rng(4).normal(0.3, 4.0, (40, 8))
    text = in_words(difference_of(table, np.zeros_like(table), "higher").shares, 8)
    assert re.search(r"mostly luck(: --worlds \d+ would tell)?$", text)


def test_equal_money_that_is_not_reached_prints_no_share(comparison: Comparison) -> None:
    option = comparison.options[0]
    missed = replace(option, equal_money=replace(option.equal_money, cost_ratios=(0.5,) * 30))
    assert "at equal money: not reached in 30 of 30 draws" in what_is_said(comparison, missed)
    only = replace(comparison, pay=("none",))
    alone = replace(option, equal_money=as_it_is("amount", 30))
    assert "equal money" not in what_is_said(only, alone)


def test_a_sign_that_turns_is_said(comparison: Comparison) -> None:
    for turns in (True, False):
        text = what_is_said(comparison, replace(comparison.options[0], sign_turns=turns))
        assert ("the sign turns on how it is paid" in text) == turns


def test_the_largest_doubt_is_the_one_that_touches_most(comparison: Comparison) -> None:
    calibrated = replace(comparison, basis=Basis("posterior", "PIB 2016-2020", "abc", 99.0))
    assert largest_doubt(with_horizon(calibrated, 0.05)).startswith(
        "95 % of what the programme adds comes after"
    )
    assert "not observed" in largest_doubt(with_horizon(calibrated, 0.9))
    assert "prior ranges" in largest_doubt(with_horizon(replace(comparison, basis=Basis("prior")), 0.05))


def test_one_draw_and_a_study_without_the_main_outcome_have_a_first_screen(
    comparison: Comparison, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    alone = compare(pib, two_options, draws=1, worlds_per_draw=2, workers=1, simulator=toy)
    assert "cannot be told from one draw" in flat(at_80(alone))
    without = replace(comparison, levels={"contracts": comparison.levels["contracts"]})
    assert "Largest doubt" in flat(at_80(without))
