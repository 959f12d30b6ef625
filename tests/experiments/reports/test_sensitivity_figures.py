"""Figures of what outcomes follow: reproducible, labelled, on the page, and showing the numbers of the report."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from passaat.errors import StudyError
from passaat.experiments.analyses.sensitivity import SensitivityReport, sensitivity
from passaat.experiments.design.factors import counted_factor, factor_of
from passaat.experiments.design.plan import Plan
from passaat.experiments.reports.sensitivity_figures import (
    drawings,
    interactions_figure,
    plane_figure,
    save_sensitivity_figures,
    shares_figure,
    tornado_figure,
)
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.stats.sensitivity import Floats, GivenData, Morris, Sobol
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

PARAMETERS = ("step_success", "support_gain", "relation_fade", "displacement_share", "rivalry_harm")


class StandIn:
    """A table of runs: what follow-up adds follows each parameter a little less than the one before, the amount least,
    the first two also together, and luck.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outcomes = (
            OutcomeInfo("additional_exports_net_eur", "EUR", "net additional exports", "higher"),
        )
        self.n_failed = self.n_missing = 0
        self.version, self.behaviour, self.drawn_from = "0.0-toy", "toy", "default values"
        self.uncalibrated = "parameters were left at their defaults"
        points = self.points = plan.points()
        x = np.zeros((len(points), len(plan.factors)))
        luck = np.zeros((len(points), plan.worlds_per_point))
        levels = np.random.default_rng(1).normal(0.0, 0.8, 64)
        for i, factor in enumerate(plan.factors):
            seen = np.array([factor.number(point[factor.name]) for point in points])
            if factor.kind == "luck":
                luck[:] = levels[seen.astype(int)][:, None]
            else:
                x[:, i - 1] = (seen - seen.min()) / (seen.max() - seen.min())
        if plan.luck != "factor":
            luck[:] = levels[: luck.shape[1]]
        gain = x @ (3.0 / (1.0 + np.arange(x.shape[1]))) + 6.0 * (x[:, 0] - 0.5) * (x[:, 1] - 0.5)
        self._gain = 1e6 * (gain[:, None] + luck)

    def levels(self, policy: str, outcome: str) -> Floats:
        return self._gain if policy == "follow-up" else np.zeros_like(self._gain)


def a_plan(pib: Scenario, method: str, size: int, luck: str) -> Plan:
    factors = [factor_of("covenant_amount_eur", {"low": 200_000, "high": 500_000})]
    factors += [factor_of(name) for name in PARAMETERS]
    factors += [counted_factor("luck", 16)] if luck == "factor" else []
    return Plan(
        name="toy-sweep",
        question="What matters?",
        reference=pib,
        options=(load_scenario("follow-up", "option"),),
        factors=tuple(factors),
        method=method,  # type: ignore[arg-type]
        size=size,
        block=size,
        worlds=16 if luck == "factor" else 2,
        luck=luck,  # type: ignore[arg-type]
        rest="defaults",
        draws=1,
        seed=1,
        second_order=method == "saltelli",
    )


CASES = {
    "morris": ("morris", 16, "common"),
    "morris with luck": ("morris", 16, "factor"),
    "sobol": ("saltelli", 1024, "factor"),
    "given data": ("latin-hypercube", 120, "common"),
}

FIGURES = {
    "morris": ["plane", "tornado", "convergence"],
    "morris with luck": ["plane", "tornado", "convergence"],
    "sobol": ["shares", "interactions", "tornado", "convergence"],
    "given data": ["shares", "tornado", "convergence"],
}


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest) -> dict[str, SensitivityReport]:
    pib = request.getfixturevalue("pib")
    return {case: sensitivity(StandIn(a_plan(pib, *design))) for case, design in CASES.items()}


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def drawn(report: SensitivityReport) -> dict[str, Figure]:
    return {name: draw(report, report.first) for name, draw in drawings(report.first)}


@pytest.mark.parametrize("case", CASES)
def test_every_method_has_its_figures_and_each_says_what_it_shows(
    reports: dict[str, SensitivityReport], case: str
) -> None:
    figures = drawn(reports[case])
    assert list(figures) == FIGURES[case]
    for name, figure in figures.items():
        text = " ".join(words(figure).split())
        for part in (
            "Additional exports, net, follow-up minus reference",
            "PIB 2016-2020 (pib)",
            "starts 2016-2020, followed to 2034",
            "95 % interval",
            "passaat 0.0-toy",
            "seed 1",
            "Parameters not varied: default values.",
        ):
            assert part in text, (name, part)
        assert not re.search(r"\bnan\b", text)
        assert ("M EUR" in text) or ("share of the variance" in text) or ("Share of the variance" in text)


@pytest.mark.parametrize("case", CASES)
def test_same_report_gives_the_same_bytes(
    reports: dict[str, SensitivityReport], case: str, tmp_path: Path
) -> None:
    first = save_sensitivity_figures(reports[case], tmp_path / "first")
    second = save_sensitivity_figures(reports[case], tmp_path / "second")
    assert [path.name for path in first] == [
        f"first-{name}.{kind}" for name in FIGURES[case] for kind in ("png", "svg")
    ]
    for one, other in zip(first, second, strict=True):
        content = one.read_bytes()
        assert content == other.read_bytes()
        assert len(content) > 10_000
        assert str(tmp_path).encode() not in content
        if one.suffix == ".svg":
            assert not re.search(rb"<dc:date>|20\d\d-\d\d-\d\dT", content)


@pytest.mark.parametrize("case", CASES)
def test_all_text_lies_on_the_page(reports: dict[str, SensitivityReport], case: str) -> None:
    for name, figure in drawn(reports[case]).items():
        figure.canvas.draw()
        shown = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
        for axes in figure.axes:
            shown += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
            for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
                ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
                shown += [label for at, label in ticks if min(limits) <= at <= max(limits)]
        shown = [text for text in shown if text.get_text().strip()]
        assert len(shown) > 8
        for text in shown:
            box = text.get_window_extent()
            assert box.x0 >= 0, (name, text.get_text())
            assert box.x1 <= figure.bbox.width, (name, text.get_text())
            assert box.y0 >= 0, (name, text.get_text())
            assert box.y1 <= figure.bbox.height, (name, text.get_text())


def test_names_in_the_plane_do_not_cover_each_other(reports: dict[str, SensitivityReport]) -> None:
    for case in ("morris", "morris with luck"):
        report = reports[case]
        figure = plane_figure(report, report.first)
        figure.canvas.draw()
        labels = [note.label for note in report.factors]
        boxes = [
            Text.get_window_extent(text)  # without the thin line to the point
            for text in figure.axes[0].texts
            if text.get_text().replace("\n", " ") in labels
        ]
        assert len(boxes) >= 5
        for i, one in enumerate(boxes):
            for other in boxes[:i]:
                assert not one.overlaps(other)


def test_the_plane_shows_the_effects_of_the_report(reports: dict[str, SensitivityReport]) -> None:
    report = reports["morris with luck"]
    found = report.first.indices
    assert isinstance(found, Morris)
    figure = plane_figure(report, report.first)
    dots = {
        (round(float(line.get_xdata()[0]), 9), round(float(line.get_ydata()[0]), 9))  # type: ignore[index, arg-type]
        for line in figure.axes[0].lines
        if line.get_marker() in ("o", "D")
    }
    wanted = {(round(e.size.value / 1e6, 9), round(e.spread.value / 1e6, 9)) for e in found.effects}
    assert dots == wanted
    assert "luck: another world" in words(figure)
    assert "luck" not in words(plane_figure(reports["morris"], reports["morris"].first))


def test_bars_are_the_shares_of_the_report_and_luck_stands_apart(
    reports: dict[str, SensitivityReport],
) -> None:
    report = reports["sobol"]
    found = report.first.indices
    assert isinstance(found, Sobol)
    axes = shares_figure(report, report.first).axes[0]
    widths = sorted(round(bar.get_width(), 9) for bar in axes.patches if isinstance(bar, Rectangle))
    wanted = [max(one.value, 0.0) for index in found.indices for one in (index.first, index.total)]
    assert widths == pytest.approx(sorted(wanted), abs=1e-8)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[-1] == "Luck"
    ticks = axes.get_yticks()
    assert ticks[-1] - ticks[-2] > 1.3
    given = reports["given data"]
    assert isinstance(given.first.indices, GivenData)
    bars = [bar for bar in shares_figure(given, given.first).axes[0].patches if isinstance(bar, Rectangle)]
    assert len(bars) == len(given.factors)


def test_the_map_of_interactions_is_a_lower_triangle_with_the_pair_that_interacts(
    reports: dict[str, SensitivityReport],
) -> None:
    report = reports["sobol"]
    axes = interactions_figure(report, report.first).axes[0]
    cells = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(cells) == 7 * 6 // 2
    assert all(cell.get_y() > cell.get_x() for cell in cells)
    bold = [text for text in axes.texts if text.get_fontweight() == "bold"]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    columns = [label.get_text().replace("\n", " ") for label in axes.get_xticklabels()]
    strongest = max(bold, key=lambda text: float(text.get_text()))
    x, y = strongest.get_position()
    assert {columns[round(x)], rows[round(y + 0.12) - 1]} == {"Step success", "Support gain"}


def test_tornado_bars_end_at_the_means_of_the_ends(reports: dict[str, SensitivityReport]) -> None:
    report = reports["given data"]
    axes = tornado_figure(report, report.first).axes[0]
    middle = report.first.mean / 1e6
    ends = sorted(
        round(bar.get_x() + bar.get_width() if abs(bar.get_x() - middle) < 1e-9 else bar.get_x(), 6)
        for bar in axes.patches
        if isinstance(bar, Rectangle)
    )
    swings = [end.swing for end in report.first.ends if end is not None]
    wanted = sorted(round(one.value / 1e6, 6) for swing in swings for one in (swing.low, swing.high))
    assert ends == pytest.approx(wanted, abs=1e-5)
    text = words(tornado_figure(report, report.first))
    assert re.search(r"\d+,\d+ to \d+,\d+ +→ +\d+,\d+ to \d+,\d+ EUR", text)


def test_what_cannot_be_drawn_is_refused_in_words(reports: dict[str, SensitivityReport]) -> None:
    morris, given = reports["morris"], reports["given data"]
    with pytest.raises(StudyError, match="nothing to draw of interactions"):
        interactions_figure(given, given.first)
    with pytest.raises(StudyError, match="nothing to draw of shares of the variance"):
        shares_figure(morris, morris.first)
    with pytest.raises(StudyError, match="nothing to draw of the Morris plane"):
        plane_figure(given, given.first)
    bare = replace(given.first, ends=(None,) * len(given.factors))
    with pytest.raises(StudyError, match="nothing to draw of a tornado"):
        tornado_figure(given, bare)
    refused = replace(given.first, indices=None, refused=("9 of 10 points hold a run that failed",))
    with pytest.raises(StudyError, match="9 of 10 points hold a run that failed"):
        save_sensitivity_figures(given, Path("never"), refused)


def test_an_unwritable_folder_is_refused_in_words(
    reports: dict[str, SensitivityReport], tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match="cannot be written"):
        save_sensitivity_figures(reports["morris"], tmp_path / "nowhere" / "study")
