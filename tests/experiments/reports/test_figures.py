"""Figures and tables of a comparison: reproducible, labelled, and readable where there is little to show."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from rich.console import Console

from passaat.errors import StudyError
from passaat.experiments.analyses.compare import Comparison, Variant, compare, plain
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.comparison import comparison_report, comparison_text
from passaat.experiments.reports.figures import (
    DOT,
    FUNNEL,
    WIDTH_INCHES,
    common_ticks,
    differences_figure,
    funnel_figure,
    printed,
    save_figures,
)
from passaat.experiments.reports.terminal import print_report
from passaat.experiments.results.numbers import percent, scale_for, three_shares, times
from passaat.experiments.stats.pairing import Interval
from passaat.experiments.stats.shares import NOTHING_TO_SAY, Shares, share_interval
from passaat.model.engine.compiled import simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.outcomes import OUTCOME_NAMES
from passaat.model.provenance.golden import golden_inputs
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
            "at equal public money",
            "passaat 0.0-toy",
            "Parameters: prior ranges, uncalibrated.",
            "M EUR",
            *(option.title for option in comparison.options),
        ):
            assert part in text, part
    assert "luck: 5–95 % over single worlds" in words(differences_figure(comparison))
    assert "5–95 % over parameter draws" in words(funnel_figure(comparison))


def test_all_text_lies_on_the_page(comparison: Comparison) -> None:
    long = [replace(option, title=f"{option.title} " * 9) for option in comparison.options]
    for changed in (comparison, out_of_reach(comparison), replace(comparison, options=tuple(long))):
        for draw in (differences_figure, funnel_figure):
            figure = draw(changed)
            figure.canvas.draw()
            for text in figure.findobj(Text):
                box = text.get_window_extent()
                if text.get_text() and text.get_visible():
                    assert box.x0 >= 0, text.get_text()
                    assert box.y0 >= 0, text.get_text()
                    assert box.x1 <= figure.bbox.width, text.get_text()
                    assert box.y1 <= figure.bbox.height, text.get_text()


def with_found(comparison: Comparison, name: str, **found: Any) -> Comparison:
    """The comparison, had its first option as it stands this difference in an outcome."""
    first = comparison.options[0]
    changed = replace(first.as_it_stands.differences[name], **found)
    stands = replace(first.as_it_stands, differences={**first.as_it_stands.differences, name: changed})
    return replace(comparison, options=(replace(first, as_it_stands=stands), *comparison.options[1:]))


def far_off(comparison: Comparison) -> Comparison:
    """The comparison, had its first option two draws of contracts far off on either side."""
    dots = comparison.options[0].as_it_stands.differences["contracts"].dots
    far = (-9e3, -8e3, *dots[2:-2], 8e3, 9e3)
    return with_found(comparison, "contracts", dots=far)


def no_change(comparison: Comparison) -> Comparison:
    """The comparison, had no option changed anything."""
    nowhere = Interval(0.0, 0.0)
    same = Shares(0.0, 1.0, 0.0, 0.0, 0.3, 0.0, 0.3, 0.7, 1.0, comparison.design.draws)

    def unmoved(variant: Variant) -> Variant:
        found = {
            name: replace(
                one, mean=0.0, error=0.0, draws=nowhere, worlds=nowhere, median=0.0, shares=same,
                dots=(0.0,) * len(one.dots),
            )
            for name, one in variant.differences.items()
        }  # fmt: skip
        return replace(variant, differences=found)

    options = [
        replace(one, as_it_stands=unmoved(one.as_it_stands), at_equal_money=unmoved(one.at_equal_money))
        for one in comparison.options
    ]
    return replace(comparison, options=tuple(options))


def of_one_way(comparison: Comparison) -> Comparison:
    return replace(comparison, pay=("none",))


def of_three_rows(comparison: Comparison) -> Comparison:
    """The comparison, had equal money been asked for through the number of covenants too."""
    options = [
        replace(one, equal_covenants=one.equal_money, at_equal_covenants=one.at_equal_money)
        for one in comparison.options
    ]
    return replace(comparison, pay=("amount", "covenants", "none"), options=tuple(options))


def of_many_options(comparison: Comparison) -> Comparison:
    options = [
        replace(comparison.options[place % 2], name=f"option-{place}", title=f"option of number {place}")
        for place in range(12)
    ]
    return replace(comparison, options=tuple(options))


def of_one_option(comparison: Comparison) -> Comparison:
    return replace(comparison, options=comparison.options[:1])


CASES = [no_change, far_off, of_one_way, of_three_rows, of_many_options, of_one_option]


@pytest.mark.parametrize("changed", CASES)
def test_every_mark_lies_inside_its_panel_and_no_two_texts_on_one_another(
    comparison: Comparison, changed: Callable[[Comparison], Comparison]
) -> None:
    """With their widths, on the drawn page; ticks stand at both ends."""
    for draw in (differences_figure, funnel_figure):
        figure = draw(changed(comparison))
        figure.canvas.draw()
        for axes in figure.axes:
            for line in axes.lines:
                box, room = line.get_window_extent(), axes.get_window_extent()
                if (
                    np.size(np.asarray(line.get_xdata()))
                    and np.isfinite(np.asarray(line.get_xdata(), dtype=float)).all()
                ):
                    assert room.x0 - 0.5 <= box.x0, (axes.get_label(), line.get_label())
                    assert box.x1 <= room.x1 + 0.5, (axes.get_label(), line.get_label())
                    assert room.y0 - 0.5 <= box.y0, (axes.get_label(), line.get_label())
                    assert box.y1 <= room.y1 + 0.5, (axes.get_label(), line.get_label())
        drawn = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
        boxes = [(text.get_text(), text.get_window_extent()) for text in drawn]
        for place, (one, box) in enumerate(boxes):
            for other, beside in boxes[:place]:
                assert not box.padded(-1.0).overlaps(beside.padded(-1.0)), (one, other)


# --- differences --------------------------------------------------------------------------------------------


DIRECTED = (
    "additional_exports_net_eur",
    "additional_exports_smes_eur",
    "net_exports_per_public_euro",
    "contracts",
)


def panels(figure: Figure) -> dict[str, Axes]:
    return {str(axes.get_label()): axes for axes in figure.axes}


def marks(axes: Axes, kind: str) -> list[Line2D]:
    return [line for line in axes.lines if line.get_label() == kind and np.size(np.asarray(line.get_xdata()))]


def values(lines: Sequence[Line2D]) -> list[float]:
    return [float(x) for line in lines for x in np.asarray(line.get_xdata(), dtype=float)]


def in_rows(axes: Axes) -> list[list[float]]:
    """Where the dots of each row lie; a row has three lines, of dots and of the arrows beside them."""
    lines = [line for line in axes.lines if line.get_label() == "dots"]
    return [values(lines[place : place + 3]) for place in range(0, len(lines), 3)]


def test_dots_are_fifty_equally_likely_differences_over_draws(comparison: Comparison) -> None:
    """Their middle is the median, and those above zero are the share of draws that are."""
    for option in comparison.options:
        for name, found in option.as_it_stands.differences.items():
            if name not in DIRECTED:
                assert found.dots == ()
                continue
            assert len(found.dots) == 50
            assert list(found.dots) == sorted(found.dots)
            assert found.dots[24] <= found.median <= found.dots[25]
            above = sum(one > 0.0 for one in found.dots) / 50
            assert above == pytest.approx(found.shares.better, abs=0.021)


def test_dots_are_in_the_answer_of_the_main_outcomes_only_and_as_short_as_its_other_numbers(
    comparison: Comparison,
) -> None:
    for name, found in comparison.to_dict()["options"][0]["as_it_stands"]["differences"].items():
        assert len(found["dots"]) == (50 if name in DIRECTED else 0)
        assert all(one == float(f"{one:.9g}") for one in found["dots"])
    residue = replace(comparison.options[0].as_it_stands.differences["contracts"], dots=(4.4e-17,) * 50)
    assert plain(residue)["dots"] == [0.0] * 50


def test_each_main_outcome_with_a_direction_has_a_panel_and_each_row_fifty_dots(
    comparison: Comparison,
) -> None:
    """Dots lie within half their width of the differences, in the panel's unit, on the same side of zero."""
    found = panels(differences_figure(comparison))
    assert tuple(found) == DIRECTED
    for name, axes in found.items():
        divisor = 1e6 if name.endswith("_eur") else 1.0
        low, high = axes.get_xlim()
        width = (high - low) * DOT / (axes.get_position().width * WIDTH_INCHES)
        variants = [
            one for option in comparison.options for one in (option.as_it_stands, option.at_equal_money)
        ]
        for drawn, variant in zip(in_rows(axes), variants, strict=True):
            wanted = [dot / divisor for dot in variant.differences[name].dots]
            assert len(drawn) == 50
            inside = [one for one in wanted if low + 2.1 * width < one < high - 2.1 * width]
            assert len(inside) >= 40
            assert [np.sign(one) for one in sorted(drawn)] == [np.sign(one) for one in wanted]
            for one in inside:
                assert min(abs(one - other) for other in drawn) <= 0.51 * width


def test_dots_on_the_good_side_are_the_share_of_draws_that_are_better(comparison: Comparison) -> None:
    axes = panels(differences_figure(comparison))["contracts"]
    variants = [one for option in comparison.options for one in (option.as_it_stands, option.at_equal_money)]
    for drawn, variant in zip(in_rows(axes), variants, strict=True):
        better = variant.differences["contracts"].shares.better
        assert sum(one > 0.0 for one in drawn) / 50 == pytest.approx(better, abs=0.021)


def test_luck_is_drawn_from_5_to_95_per_cent_over_worlds(comparison: Comparison) -> None:
    for name, axes in panels(differences_figure(comparison)).items():
        divisor = 1e6 if name.endswith("_eur") else 1.0
        variants = [
            one for option in comparison.options for one in (option.as_it_stands, option.at_equal_money)
        ]
        for line, variant in zip(marks(axes, "luck"), variants, strict=True):
            worlds = variant.differences[name].worlds
            assert values([line]) == pytest.approx([worlds.low / divisor, worlds.high / divisor])


@pytest.mark.parametrize("changed", [no_change, far_off, of_one_option])
def test_zero_is_at_the_same_place_in_every_panel_and_ticks_enclose_what_is_likely(
    comparison: Comparison, changed: Callable[[Comparison], Comparison]
) -> None:
    found = panels(differences_figure(changed(comparison)))
    places = {round(-low / (high - low), 9) for low, high in (axes.get_xlim() for axes in found.values())}
    assert len(places) == 1
    for axes in found.values():
        ticks = axes.get_xticks()
        assert 0.0 in ticks
        luck = values(marks(axes, "luck"))
        assert min(ticks) <= min(luck)
        assert max(luck) <= max(ticks)


def test_one_draw_far_off_is_an_arrow_and_does_not_press_the_others_together(comparison: Comparison) -> None:
    before, after = (
        panels(differences_figure(one))["contracts"] for one in (comparison, far_off(comparison))
    )
    assert after.get_xlim() == before.get_xlim()
    arrows = {
        marker: sum(
            np.size(np.asarray(line.get_xdata()))
            for line in marks(after, "dots")[:3]
            if line.get_marker() == marker
        )
        for marker in ("<", ">")
    }
    assert arrows["<"] >= 2
    assert arrows[">"] >= 2
    assert len(in_rows(after)[0]) == 50


@given(
    extents=st.lists(
        st.tuples(st.floats(-1e12, 0.0), st.floats(0.0, 1e12)).map(
            lambda ends: tuple(0.0 if abs(end) < 1e-6 else end for end in ends)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_ticks_enclose_and_have_zero_at_the_same_place(extents: list[tuple[float, float]]) -> None:
    found = common_ticks(extents)
    assert len({(ticks.index(0.0), len(ticks)) for ticks in found}) == 1
    for (low, high), ticks in zip(extents, found, strict=True):
        assert 3 <= len(ticks) <= 6
        assert ticks[0] <= low <= high <= ticks[-1]
        assert ticks[0] < 0.0 < ticks[-1]


def test_ticks_of_a_single_panel_fit_it() -> None:
    """Nothing but the rounding of steps is left empty."""
    assert common_ticks([(-30.0, 10.0)]) == [(-30.0, -20.0, -10.0, 0.0, 10.0)]
    assert common_ticks([(-0.2, 0.2)]) == [pytest.approx((-0.2, -0.1, 0.0, 0.1, 0.2))]
    assert common_ticks([(0.0, 0.0)]) == [(-2.0, -1.0, 0.0, 1.0, 2.0)]


def test_the_good_direction_is_named_in_words(comparison: Comparison) -> None:
    texts = [text.get_text() for text in panels(differences_figure(comparison))["contracts"].texts]
    assert "better →" in texts
    assert "← worse" in texts
    outcomes = [
        replace(one, better="lower") if one.name == "contracts" else one for one in comparison.outcomes
    ]
    turned = panels(differences_figure(replace(comparison, outcomes=tuple(outcomes))))
    texts = [text.get_text() for text in turned["contracts"].texts]
    assert "← better" in texts
    assert "worse →" in texts


def shares(better: float, same: float, worse: float, told: float = 1.0, draws: int = 40) -> Shares:
    ends = (*share_interval(better, draws), *share_interval(worse, draws), share_interval(same, draws)[0])
    return Shares(better, same, worse, *ends, told, draws)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (shares(0.97, 0.0, 0.03), "likely better\n97 %, 89–99"),
        (shares(0.0, 0.0, 1.0), "very likely worse\n>97 %, 94–100"),
        (shares(0.5, 0.0, 0.5), "cannot tell, better:\n50 %, 37–63"),
        (shares(0.7, 0.0, 0.3, told=0.2), "cannot tell, better:\n~70 %, 57–80"),
        (shares(0.05, 0.95, 0.0), "no difference\nin 38 of 40 draws"),
        (NOTHING_TO_SAY, "too little was run\nto tell how surely"),
    ],
)
def test_the_word_stands_beside_the_dots_with_its_number(
    comparison: Comparison, found: Shares, said: str
) -> None:
    changed = with_found(comparison, "contracts", shares=found)
    axes = panels(differences_figure(changed))
    assert said in [text.get_text() for text in axes["contracts"].texts]
    assert said not in [text.get_text() for text in axes["additional_exports_net_eur"].texts]


def test_no_difference_is_fifty_dots_on_zero(comparison: Comparison) -> None:
    figure = differences_figure(no_change(comparison))
    for axes in panels(figure).values():
        assert in_rows(axes) == [[0.0] * 50] * 4
        said = [text.get_text() for text in axes.texts]
        assert said.count("no difference\nin 6 of 6 draws") == 4


def test_a_study_of_one_draw_can_be_shown(
    pib: Scenario, two_options: list[Scenario], toy: Simulator, tmp_path: Path
) -> None:
    """Unknown ranges are left out of figures and are dashes in tables; nothing warns or fails; means are diamonds."""
    alone = compare(pib, two_options, draws=1, worlds_per_draw=2, workers=1, simulator=toy)
    save_figures(alone, tmp_path / "alone")
    assert not re.search(r"\bnan\b", comparison_text(alone, all_outcomes=True))
    figure = differences_figure(alone)
    assert figure.texts[0].get_text() == "What each option would change"
    assert "too little was run" in words(figure)
    for name, axes in panels(figure).items():
        divisor = 1e6 if name.endswith("_eur") else 1.0
        (mean, *_) = in_rows(axes)
        width = (axes.get_xlim()[1] - axes.get_xlim()[0]) * DOT / (axes.get_position().width * WIDTH_INCHES)
        wanted = alone.options[0].as_it_stands.differences[name].mean / divisor
        assert mean == [pytest.approx(wanted, abs=0.51 * width)]
        assert {line.get_marker() for line in marks(axes, "dots")} == {"D"}


def test_titles_say_the_message_in_labels(comparison: Comparison) -> None:
    """What is likely better, by its title, in each way of paying; counted where there is no room for all."""
    main, draws = comparison.options[0].as_it_stands.differences[DIRECTED[0]], comparison.design.draws
    surely = replace(main, shares=shares(1.0, 0.0, 0.0, draws=40))
    never = replace(main, shares=shares(0.5, 0.0, 0.5, draws=40))
    assert draws == 6

    def said(*, stands: bool, equal: bool, number: int = 2) -> str:
        options = []
        for place in range(number):
            one = comparison.options[0]
            variants = [
                replace(one.as_it_stands, differences={**one.as_it_stands.differences, DIRECTED[0]: found})
                for found in (surely if stands else never, surely if equal else never)
            ]
            options.append(
                replace(
                    one,
                    name=f"code-name-{place}",
                    title=f"Title of {place}",
                    as_it_stands=variants[0],
                    at_equal_money=variants[1],
                )
            )
        figure = differences_figure(replace(comparison, options=tuple(options)))
        assert "code-name" not in words(figure) + words(
            funnel_figure(replace(comparison, options=tuple(options)))
        )
        return figure.texts[0].get_text().replace("\n", " ")

    both, head = "Title of 0, Title of 1", "Likely better in additional exports, net:"
    assert said(stands=True, equal=False) == f"{head} {both} as they stand; no option at equal public money"
    assert said(stands=False, equal=True) == f"{head} no option as it stands; {both} at equal public money"
    assert said(stands=True, equal=False, number=1).startswith(f"{head} Title of 0 as it stands;")
    many = said(stands=True, equal=True, number=12)
    assert many == f"{head} 12 of 12 options as they stand; 12 of 12 options at equal public money"


def test_options_of_one_title_are_told_apart_by_their_names(comparison: Comparison) -> None:
    options = tuple(replace(option, title="the same") for option in comparison.options)
    text = words(differences_figure(replace(comparison, options=options)))
    assert "the same" not in text.splitlines()
    assert all(option.name in text.splitlines() for option in options)


def out_of_reach(comparison: Comparison) -> Comparison:
    """The comparison, had its first option not reached equal public money."""
    first = comparison.options[0]
    missed = replace(first.equal_money, cost_ratios=(0.8,) * comparison.design.draws)
    return replace(comparison, options=(replace(first, equal_money=missed), *comparison.options[1:]))


def test_no_difference_is_shown_as_at_equal_money_where_that_was_not_reached(comparison: Comparison) -> None:
    """Neither in a table nor in a figure, and the option as it stands is still there."""
    missed = out_of_reach(comparison)
    stands, equal = comparison_text(missed).split("at equal public money ─")
    rows = [line for line in equal.splitlines() if "not reached" in line]
    assert len(rows) == 5
    assert not any(re.search(r"\d", row) for row in rows)
    draws = missed.design.draws
    assert f"not reached in {draws} of {draws} draws" in stands
    assert "still 20.0%" in stands
    assert stands.count("+") > 5
    for axes in panels(differences_figure(missed)).values():
        assert len(in_rows(axes)) == len(marks(axes, "luck")) == 3
        assert [text.get_text() for text in axes.texts].count("not reached in 6 of 6 draws") == 1
    funnel = funnel_figure(missed)
    assert all(len(marks(axes, "mean")) in (0, 3) for axes in funnel.axes)
    assert words(funnel).count("not reached in 6 of 6 draws") == 1
    assert "not reached" not in words(funnel_figure(comparison)) + comparison_text(comparison)
    assert "not reached" not in words(differences_figure(comparison))


def test_draws_left_out_at_equal_money_are_counted_beside_the_row(comparison: Comparison) -> None:
    first = comparison.options[0]
    equal = replace(
        first.equal_money, payments=first.equal_money.payments[:1] * 40, cost_ratios=(1.0,) * 38 + (0.8, 0.9)
    )
    design = replace(comparison.design, draws=40)
    most = replace(
        comparison, design=design, options=(replace(first, equal_money=equal), *comparison.options[1:])
    )
    for draw in (differences_figure, funnel_figure):
        assert "without 2 of 40 draws" in words(draw(most))
        assert "without" not in words(draw(comparison))


# --- funnel -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", golden_inputs())
def test_each_stage_is_a_part_of_the_one_before(name: str) -> None:
    """In every run of the model, by one definition: what member firms ever reached in a covenant's market."""
    inputs, seed = golden_inputs()[name]
    found = dict(zip(OUTCOME_NAMES, outcomes_of(simulate(inputs, seed)).tolist(), strict=True))
    counts = [found[stage] for stage in FUNNEL]
    assert counts == sorted(counts, reverse=True)


def test_the_funnel_says_the_change_of_every_stage_in_both_ways_of_paying(comparison: Comparison) -> None:
    found = panels(funnel_figure(comparison))
    stages = [name for name in (*FUNNEL, "exports_members_eur") if name in comparison.levels]
    assert [name for name in found if name.startswith("change ")] == [f"change {name}" for name in stages]
    variants = [one for option in comparison.options for one in (option.as_it_stands, option.at_equal_money)]
    for name in stages:
        per_cent = 100.0 / comparison.levels[name].mean
        wanted = [one.differences[name].mean * per_cent for one in variants]
        axes = found[f"change {name}"]
        assert values(marks(axes, "mean")) == pytest.approx(wanted)
        numbers = [text.get_text() for text in axes.texts if re.fullmatch(r"\W?\d+ %", text.get_text())]
        assert numbers == [printed(f"{one:+.0f} %") if abs(one) >= 0.5 else "0 %" for one in wanted]
        heights = [bar.get_height() for bar in found[f"level {name}"].patches if isinstance(bar, Rectangle)]
        assert heights == ([comparison.levels[name].mean] if name in FUNNEL else [])


def test_the_axis_of_the_funnel_fits_its_effects(comparison: Comparison) -> None:
    """The same for all stages; marks take up half of it or more, and lie between its ticks."""
    changes = [axes for name, axes in panels(funnel_figure(comparison)).items() if name.startswith("change ")]
    drawn = [x for axes in changes for x in values([*marks(axes, "draws"), *marks(axes, "mean")])]
    (limits,) = {axes.get_xlim() for axes in changes}
    ticks = changes[0].get_xticks()
    assert min(ticks) <= min(drawn) < max(drawn) <= max(ticks)
    assert max(drawn) - min(drawn) >= 0.5 * (limits[1] - limits[0])


def test_a_funnel_without_a_level_or_a_stage_is_still_drawn(comparison: Comparison) -> None:
    level = replace(comparison.levels["relations"], mean=0.0)
    none = replace(comparison, levels={**comparison.levels, "relations": level})
    axes = panels(funnel_figure(none))["change relations"]
    assert [text.get_text() for text in axes.texts].count("–") == 4
    few = {name: comparison.levels[name] for name in ("relations", *DIRECTED)}
    headed = [text.get_text() for text in funnel_figure(replace(comparison, levels=few)).texts]
    assert "Where each option acts" in headed


# --- contrast -----------------------------------------------------------------------------------------------


def luminance(color: Any) -> float:
    """Relative luminance of a colour (WCAG 2.2)."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))


def contrast(one: Any, other: Any) -> float:
    lower, upper = sorted((luminance(one), luminance(other)))
    return (upper + 0.05) / (lower + 0.05)


def grey(color: Any) -> tuple[float, float, float]:
    """The colour as a printer without colours has it (ITU-R BT.601)."""
    value = float(np.dot(to_rgb(color), (0.299, 0.587, 0.114)))
    return value, value, value


def color_of(line: Line2D) -> Any:
    if line.get_marker() in ("None", None, ""):
        return line.get_color()
    face = line.get_markerfacecolor()
    return line.get_markeredgecolor() if to_rgb(face) == (1.0, 1.0, 1.0) else face


def test_every_mark_stands_out_from_its_ground_and_from_marks_that_mean_something_else(
    comparison: Comparison,
) -> None:
    """Three to one (WCAG 2.2, 1.4.11), in colour and in grey."""
    for draw in (differences_figure, funnel_figure):
        figure = draw(comparison)
        lines = [line for axes in figure.axes for line in axes.lines]
        (legend,) = figure.legends
        bars = [patch.get_facecolor() for axes in figure.axes for patch in axes.patches]
        drawn = [*map(color_of, (*lines, *legend.get_lines())), *bars]
        texts = [text.get_color() for text in figure.findobj(Text)]
        assert len(drawn) > 20
        for color in (*drawn, *texts):
            assert contrast(color, "white") >= 3.0, color
            assert contrast(grey(color), "white") >= 3.0, color
        of = {kind: {str(color_of(line)) for line in lines if line.get_label() == kind} for kind in KINDS}
        for dot in of["dots"] | of["mean"]:
            for range_ in of["luck"] | of["draws"]:
                assert contrast(dot, range_) >= 3.0
                assert contrast(grey(dot), grey(range_)) >= 3.0


KINDS = ("dots", "mean", "luck", "draws")


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
    assert three_shares(found.shares) in line
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
