"""Figures and tables of a comparison: reproducible, labelled, and readable where there is little to show."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.console import Console

from passaat.errors import StudyError
from passaat.experiments.analyses.compare import Comparison, compare
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.comparison import comparison_report, comparison_text
from passaat.experiments.reports.figures import differences_figure, funnel_figure, save_figures
from passaat.experiments.reports.terminal import print_report
from passaat.experiments.results.numbers import percent, scale_for, times
from passaat.experiments.stats.pairing import Interval
from passaat.scenarios.scenario import Scenario


@pytest.fixture(scope="module")
def comparison(request: pytest.FixtureRequest) -> Comparison:
    toy, pib, options = (request.getfixturevalue(name) for name in ("toy", "pib", "two_options"))
    return compare(pib, options, draws=6, worlds_per_draw=4, workers=1, simulator=toy)


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


# --- figures ------------------------------------------------------------------------------------------------


def test_same_comparison_gives_the_same_bytes(tmp_path: Path, comparison: Comparison) -> None:
    first = save_figures(comparison, tmp_path / "first")
    second = save_figures(comparison, tmp_path / "second")
    assert [path.name for path in first] == [
        "first-differences.png",
        "first-differences.svg",
        "first-funnel.png",
        "first-funnel.svg",
    ]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert one.stat().st_size > 10_000


def test_files_hold_no_date_and_no_path(tmp_path: Path, comparison: Comparison) -> None:
    for path in save_figures(comparison, tmp_path / "study"):
        content = path.read_bytes()
        assert str(tmp_path).encode() not in content
        if path.suffix == ".svg":
            assert not re.search(rb"<dc:date>|20\d\d-\d\d-\d\dT", content)
            assert b"passaat 0.0-toy" in content


def test_figures_say_what_they_show(comparison: Comparison) -> None:
    for draw in (differences_figure, funnel_figure):
        text = words(draw(comparison))
        for part in (
            comparison.reference_title,
            "starts 2016-2020, followed to 2034",
            "24 paired worlds: 6 parameter draws × 4 worlds",
            "5–95 % over parameter draws",
            "at equal public money",
            "passaat 0.0-toy",
            "Parameters: prior ranges, uncalibrated.",
            "M EUR",
        ):
            assert part in text, part
    assert "Monte Carlo error" in words(differences_figure(comparison))


def test_figure_shows_the_numbers_of_the_comparison(comparison: Comparison) -> None:
    """The white dots of public cost and of net exports lie at the mean differences, in millions."""
    panels = differences_figure(comparison).axes
    for place, name in ((0, "public_cost_eur"), (2, "additional_exports_net_eur")):
        dots = [line for line in panels[place].lines if line.get_marker() == "o"]
        wanted = [option.as_it_stands.differences[name].mean / 1e6 for option in comparison.options]
        assert [float(line.get_xdata()[0]) for line in dots] == pytest.approx(wanted)  # type: ignore[index, arg-type]


def test_all_text_lies_on_the_page(comparison: Comparison) -> None:
    for draw in (differences_figure, funnel_figure):
        figure = draw(comparison)
        figure.canvas.draw()
        fixed = [text for axes in figure.axes for text in (*axes.texts, *axes.get_yticklabels())]
        for text in (*figure.texts, *fixed, *figure.legends[0].get_texts()):
            box = text.get_window_extent()
            assert box.x0 >= 0, text.get_text()
            assert box.x1 <= figure.bbox.width, text.get_text()


@pytest.mark.parametrize("number", [1, 5])
def test_any_number_of_options_can_be_drawn(comparison: Comparison, number: int) -> None:
    options = [replace(comparison.options[i % 2], name=f"option-{i}") for i in range(number)]
    changed = replace(comparison, options=tuple(options))
    for draw in (differences_figure, funnel_figure):
        draw(changed).canvas.draw()


def test_a_study_of_one_draw_can_be_shown(
    pib: Scenario, two_options: list[Scenario], toy: Simulator, tmp_path: Path
) -> None:
    """Unknown ranges are left out of figures and are dashes in tables; nothing warns or fails."""
    alone = compare(pib, two_options, draws=1, worlds_per_draw=2, workers=1, simulator=toy)
    save_figures(alone, tmp_path / "alone")
    assert not re.search(r"\bnan\b", comparison_text(alone, all_outcomes=True))


def out_of_reach(comparison: Comparison) -> Comparison:
    """The comparison, had its first option not reached equal public money."""
    first = comparison.options[0]
    missed = replace(first.equal_money, cost_ratios=(0.8,) * comparison.design.draws)
    return replace(comparison, options=(replace(first, equal_money=missed), *comparison.options[1:]))


def test_no_difference_is_shown_as_at_equal_money_where_that_was_not_reached(comparison: Comparison) -> None:
    """Neither in a table nor in a figure, and the option as it stands is still there."""
    missed = out_of_reach(comparison)
    stands, equal = comparison_text(missed).split("at equal public money ─")
    rows = [line.split() for line in equal.splitlines() if line.strip().startswith("stricter-selection  ")]
    assert len(rows) == 5
    assert all(row[1:] == ["not", "reached", *4 * ["–"]] for row in rows)
    draws = missed.design.draws
    assert f"not reached in {draws} of {draws} draws" in stands
    assert "still 20.0%" in stands
    assert stands.count("+") > 5
    axes = differences_figure(missed).axes
    dots = [sum(line.get_marker() == "o" for line in one.lines) for one in axes[:2]]
    assert dots == [2, 1]
    assert words(differences_figure(missed)).count("not reached") == 6
    diamonds = [sum(line.get_marker() == "D" for line in one.lines) for one in funnel_figure(missed).axes]
    assert diamonds == [0, 0, 5]
    assert "not reached" in words(funnel_figure(missed))
    assert "not reached" not in words(funnel_figure(comparison)) + comparison_text(comparison)


def test_an_unwritable_folder_is_refused_in_words(tmp_path: Path, comparison: Comparison) -> None:
    with pytest.raises(StudyError, match="cannot be written"):
        save_figures(comparison, tmp_path / "nowhere" / "study")


# --- table --------------------------------------------------------------------------------------------------


def test_table_is_short_and_full_on_request(comparison: Comparison) -> None:
    short, full = comparison_text(comparison), comparison_text(comparison, all_outcomes=True)
    assert "Firms with a partnership" not in short
    assert "5 of 12 outcomes" in short
    for outcome in (
        "Firms with a partnership",
        "Firms with a relation",
        "Quarters to first contract",
        "Exports of members",
    ):
        assert outcome in full
    for text in (short, full):
        assert max(len(line) for line in text.splitlines()) <= 104
        assert "as they stand" in text
        assert "at equal public money" in text
        assert "24 paired worlds" in text


def test_table_shows_the_numbers_of_the_comparison(comparison: Comparison) -> None:
    found = comparison.options[1].as_it_stands.differences["contracts"]
    (line, *_) = [
        line
        for line in comparison_text(comparison).split("Contracts")[1].splitlines()
        if line.strip().startswith("follow-up")
    ]
    numbers = [float(n) for n in re.findall(r"[+-]?\d+\.\d+", line)]
    wanted = [found.mean, found.error, found.draws.low, found.draws.high, found.worlds.low, found.worlds.high]
    assert numbers[:6] == pytest.approx(wanted, abs=0.051)
    assert percent(found.chance_better, 6) in line
    assert times(found.variance_reduction) in line


def test_table_says_which_effects_are_assumed_and_how_many_runs_failed(
    comparison: Comparison,
) -> None:
    text = " ".join(comparison_text(comparison).split())
    assert "follow-up rests on assumptions, not on data, for:" in text
    assert "failed" not in text


def test_a_narrow_terminal_loses_nothing(comparison: Comparison) -> None:
    """At 80 characters ranges are stacked; every number of the wide table is still there, unbroken."""
    out = StringIO()
    print_report(
        comparison_report(comparison), Console(file=out, width=80, force_terminal=True, color_system=None)
    )
    narrow, wide = out.getvalue(), comparison_text(comparison)
    assert max(len(line) for line in narrow.splitlines()) <= 80
    number = r"[+-]?[\d,]+\.\d+(?: to [+-]?[\d,]+\.\d+)?|\d+ %"
    assert sorted(re.findall(number, narrow)) == sorted(re.findall(number, wide))


def test_piped_output_does_not_depend_on_the_terminal(comparison: Comparison) -> None:
    texts = []
    for width in (40, 200):
        out = StringIO()
        print_report(
            comparison_report(comparison),
            Console(file=out, width=width, force_terminal=False, color_system=None),
        )
        texts.append(out.getvalue())
    assert texts[0] == texts[1]


def test_draws_that_differ_by_chance_only_are_not_shown_as_certain(comparison: Comparison) -> None:
    option = comparison.options[1]
    found = replace(option.as_it_stands.differences["contracts"], draws=Interval(7.0, 7.0))
    variant = replace(
        option.as_it_stands, differences={**option.as_it_stands.differences, "contracts": found}
    )
    changed = replace(comparison, options=(comparison.options[0], replace(option, as_it_stands=variant)))
    assert "too few worlds  " in comparison_text(changed)


def test_table_fits_a_narrow_code_page(comparison: Comparison) -> None:
    """Windows consoles may know no more than cp1252; rules are drawn by rich, which looks after itself."""
    comparison_text(comparison, all_outcomes=True).replace("─", "-").encode("cp1252")


# --- numbers ------------------------------------------------------------------------------------------------


def test_scale_follows_the_size_of_levels_and_errors() -> None:
    euros = scale_for("EUR", [17.9e6, 27e6], [0.318e6, 0.063e6])
    assert (euros.unit, euros.level(17.9e6), euros.signed(-3.61e6)) == ("M EUR", "17.90", "-3.61")
    assert scale_for("EUR", [25_000.0], [400.0]).level(25_000.0) == "25.0"
    shares = scale_for("share", [0.42], [0.011])
    assert (shares.level(0.42), shares.unit, shares.difference_unit) == ("42", "%", "percentage points")
    assert scale_for("firms", [1234.0], [0.0]).level(1234.0) == "1,234"
    assert scale_for("firms", [3.0], []).signed(0.0) == "0.0"


def test_small_and_missing_numbers_are_honest() -> None:
    scale = scale_for("firms", [10.0], [0.5])
    assert scale.signed(-0.001) == "0.0"
    assert scale.level(float("nan")) == "–"
    assert scale.between(Interval(float("nan"), float("nan"))) == "–"
    shares = (0.997, 40 / 41, 0.0, 1 / 41, 0.5, float("nan"))
    assert [percent(share, 40) for share in shares] == [">97 %", ">97 %", "<3 %", "<3 %", "50 %", "–"]
    assert [percent(share, 3) for share in (1.0, 0.6)] == [">75 %", "60 %"]
    assert (times(float("inf")), times(float("nan")), times(3.14), times(1234.5)) == (
        "exact",
        "–",
        "3.1×",
        "1,234×",
    )
