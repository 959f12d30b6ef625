"""Figures of what outcomes follow, ready to print: Morris plane, shares of variance, interactions, tornado, growth of
the sample.

In the style of ``figures``; every figure names outcome, unit, reference, period, sample and version, shows 95 %
intervals and sets luck apart. The same report gives the same bytes.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from passaat.errors import StudyError
from passaat.experiments.analyses.sensitivity import Ends, Finding, SensitivityReport, by_rank, share
from passaat.experiments.reports.figures import (
    ACCENT,
    INK,
    LIGHT,
    QUIET,
    RULE,
    WARM,
    new_figure,
    own_style,
    printed,
    quiet_axis,
    save_figure,
    short,
)
from passaat.experiments.results.numbers import Scale
from passaat.experiments.stats.sensitivity import BLOCKS, NOTABLE, Estimate, Morris, Sobol

MOST_BARS: Final = 12
"""Factors in a figure of bars, largest first; the rest are counted below."""

MOST_CELLS: Final = 10
"""Factors in the map of interactions."""

MOST_NAMES: Final = 9
"""Factors named in the Morris plane."""

MOST_LINES: Final = 5
"""Factors in the figure of a growing sample."""

WARM_LIGHT: Final = "#f1cbb2"
LINES: Final = (ACCENT, INK, "#4d94b8", QUIET, "#8fbdd4")
DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

LABEL_WIDTH: Final = 26
"""Letters of a factor's label on one line."""


def save_sensitivity_figures(
    report: SensitivityReport, stem: Path, finding: Finding | None = None
) -> tuple[Path, ...]:
    """Write the figures that this report's method has, of one finding, as ``<stem>-<figure>`` PNG and SVG.

    Raises:
        StudyError: the finding has no indices, or a file cannot be written.
    """
    one = finding or report.first
    written: list[Path] = []
    for name, draw in drawings(one):
        written += save_figure(draw(report, one), stem.with_name(f"{stem.name}-{name}"), report.version)
    return tuple(written)


Drawing = Callable[[SensitivityReport, Finding], Figure]


def drawings(finding: Finding) -> list[tuple[str, Drawing]]:
    """Names and functions of the figures that a finding has."""
    found: list[tuple[str, Drawing]] = []
    if isinstance(finding.indices, Morris):
        found.append(("plane", plane_figure))
    else:
        found.append(("shares", shares_figure))
    if isinstance(finding.indices, Sobol) and finding.indices.pairs:
        found.append(("interactions", interactions_figure))
    if any(end is not None for end in finding.ends):
        found.append(("tornado", tornado_figure))
    if finding.convergence is not None:
        found.append(("convergence", convergence_figure))
    return found


# --- Morris plane -------------------------------------------------------------------------------------------


def plane_figure(report: SensitivityReport, finding: Finding) -> Figure:
    """Mean size of the effect of each factor against its spread. To the right: large; high up: uneven.

    Raises:
        StudyError: the finding is not by Morris, or has no indices.
    """
    found = finding.indices
    if not isinstance(found, Morris) or not found.varies:
        raise _nothing_to_draw(finding, "the Morris plane")
    order, luck = by_rank(report, finding)
    scale = finding.scale
    height, top, bottom = 5.9, 0.84, 1.24
    with own_style():
        figure = new_figure(height)
        axes = figure.add_axes((0.09, bottom / height, 0.87, 1 - (top + bottom) / height))
        points = [(i, found.effects[i]) for i in (*order, *([] if luck is None else [luck]))]
        sizes = [effect.size.high / scale.divisor for _, effect in points]
        spreads = [effect.spread.high / scale.divisor for _, effect in points]
        right, ceiling = 1.16 * max(sizes), 1.12 * max(max(spreads), 0.35 * max(sizes))
        axes.set_xlim(-0.02 * right, right)
        axes.set_ylim(-0.02 * ceiling, ceiling)
        for slope, words in ((1.0, "spread = size"), (0.5, "spread = half the size")):
            _ray(axes, slope, words, right, ceiling)
        largest = found.effects[order[0]].size.value if order else 0.0
        to_name = [i for i in order if found.effects[i].size.value >= NOTABLE * largest][:MOST_NAMES]
        whiskers: list[Bbox] = []
        named: list[tuple[float, float, str, str]] = []
        small = drowned = 0
        for i, effect in points:
            x, y = effect.size.value / scale.divisor, effect.spread.value / scale.divisor
            color, marker = (WARM, "D") if i == luck else (ACCENT, "o")
            notable = i == luck or i in to_name
            if not notable:
                color, small = LIGHT, small + 1
            else:
                named.append((x, y, _label(report, i, 30), WARM if i == luck else INK))
            for across, up in ((_ends(effect.size, scale), [y, y]), ([x, x], _ends(effect.spread, scale))):
                axes.plot(across, up, color=color, linewidth=0.9, zorder=3, alpha=0.75)
                (x0, y0), (x1, y1) = axes.transData.transform([*zip(across, up, strict=True)])
                whiskers.append(Bbox.from_extents(x0, y0, x1, y1).padded(1.5))
            hollow = not effect.beyond_luck
            drowned += hollow
            axes.plot([x], [y], marker=marker, markersize=5.2 if notable else 3.6, zorder=4,
                      color="white" if hollow else color, markeredgecolor=color if hollow else "white",
                      markeredgewidth=1.1 if hollow else 0.6)  # fmt: skip
        unit = f", {scale.difference_unit}" if scale.difference_unit else ""
        axes.set_xlabel(f"mean size of the change{unit}")
        axes.set_ylabel(f"spread of the change (standard deviation){unit}")
        _both_axes(axes)
        _head(figure, height, "How far each factor moves the outcome, and how evenly", report, finding)
        _place_labels(figure, axes, named, whiskers)
        handles = [
            Line2D(
                [],
                [],
                color=ACCENT,
                marker="o",
                markersize=5,
                linewidth=0.9,
                label="factor with 95 % intervals",
            )
        ]
        if drowned:
            handles.append(
                Line2D([], [], color=ACCENT, marker="o", markersize=5, linewidth=0.0, markerfacecolor="white",
                       label="may be luck only")
            )  # fmt: skip
        if luck is not None:
            handles.append(
                Line2D(
                    [], [], color=WARM, marker="D", markersize=5, linewidth=0.9, label="luck: another world"
                )
            )
        if small:
            handles.append(
                Line2D([], [], color=LIGHT, marker="o", markersize=4, linewidth=0.9,
                       label=f"{small} factors with smaller effects")
            )  # fmt: skip
        _legend(figure, height, handles, 0.62)
        _note(
            figure, height,
            "Change of the outcome when one factor moves by one step (two thirds of a range, or to another value of a"
            " list) and the others stay. High up: the effect is curved or depends on the others.",
        )  # fmt: skip
        _foot(figure, height, report, finding)
    return figure


def _ray(axes: Axes, slope: float, words: str, right: float, ceiling: float) -> None:
    reach = min(right, ceiling / slope)
    axes.plot([0.0, reach], [0.0, slope * reach], color=RULE, linewidth=0.8, zorder=1)
    x = 0.985 * reach
    axes.annotate(
        words, (x, slope * x), xytext=(-2, 3), textcoords="offset points", ha="right", va="bottom", fontsize=6.5,
        color=QUIET, zorder=2, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        rotation=math.degrees(math.atan(slope * _aspect(axes))), rotation_mode="anchor",
    )  # fmt: skip


def _aspect(axes: Axes) -> float:
    """Height over width on paper of a step of one unit each way."""
    box = axes.get_window_extent()
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    aspect: float = (box.height / (high - low)) / (box.width / (right - left))
    return aspect


def _place_labels(
    figure: Figure, axes: Axes, named: Sequence[tuple[float, float, str, str]], lines: Sequence[Bbox]
) -> None:
    """Put each name beside its point, where it covers no other name, point or whisker if there is such a place; far
    ones get a thin line.
    """
    pixels = figure.dpi / 72.0
    dots = [axes.transData.transform((x, y)) for x, y, _, _ in named]
    taken = [Bbox.from_extents(px - 4, py - 4, px + 4, py + 4) for px, py in dots]
    taken += lines
    inside = axes.get_window_extent()
    for x, y, words, color in named:
        best: tuple[float, tuple[float, float], str, str, Bbox] | None = None
        for distance in (6.0, 13.0, 22.0, 34.0, 48.0, 64.0, 82.0):
            for angle in range(0, 360, 20):
                dx, dy = distance * math.cos(math.radians(angle)), distance * math.sin(math.radians(angle))
                ha = "left" if dx > 2 else "right" if dx < -2 else "center"
                va = "center" if abs(dy) < 0.6 * distance else "bottom" if dy > 0 else "top"
                text = axes.annotate(
                    words, (x, y), xytext=(dx, dy), textcoords="offset points", ha=ha, va=va, fontsize=7.0
                )
                box = text.get_window_extent()
                text.remove()
                cost = math.fsum(_overlap(box, other) for other in taken) + distance * pixels
                cost += 50.0 * max(box.x1 - inside.x1, inside.x0 - box.x0, 0.0)
                cost += 50.0 * max(box.y1 - inside.y1, inside.y0 - box.y0, 0.0)
                if best is None or cost < best[0]:
                    best = cost, (dx, dy), ha, va, box
        assert best is not None
        _, offset, ha, va, box = best
        far = math.hypot(*offset) > 10.0
        line = {"arrowstyle": "-", "color": RULE, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 3}
        axes.annotate(
            words, (x, y), xytext=offset, textcoords="offset points", ha=ha, va=va, fontsize=7.0, color=color, zorder=6,
            arrowprops=line if far else None,
        )  # fmt: skip
        taken.append(box.padded(2))


def _overlap(one: Bbox, other: Bbox) -> float:
    """Shared area, in square pixels."""
    width: float = min(one.x1, other.x1) - max(one.x0, other.x0)
    height: float = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)


# --- shares of variance -------------------------------------------------------------------------------------


def shares_figure(report: SensitivityReport, finding: Finding) -> Figure:
    """Share of the variance that each factor makes: alone, and with Sobol also with all interactions.

    Raises:
        StudyError: the finding is by Morris, or has no indices.
    """
    found = finding.indices
    if found is None or isinstance(found, Morris) or not found.varies:
        raise _nothing_to_draw(finding, "shares of the variance")
    order, luck = by_rank(report, finding)
    shown = order[:MOST_BARS]
    gap = 0.0 if luck is None else 0.6
    rows = len(shown) + (0 if luck is None else 1) + gap
    top, bottom, per_row = 0.98, 1.22, 0.3
    height = top + bottom + per_row * max(rows, 3)
    with own_style():
        figure = new_figure(height)
        axes = figure.add_axes((0.27, bottom / height, 0.58, 1 - (top + bottom) / height))
        places = {i: float(row) for row, i in enumerate(shown)}
        if luck is not None:
            places[luck] = len(shown) + gap
            axes.axhline(len(shown) - 0.5 + gap / 2, color=RULE, linewidth=0.8)
        ends = [0.1]
        for i, y in places.items():
            dark, pale = (WARM, WARM_LIGHT) if i == luck else (ACCENT, LIGHT)
            if isinstance(found, Sobol):
                first, total = found.indices[i].first, found.indices[i].total
                axes.barh(y, max(total.value, 0.0), height=0.66, color=pale, zorder=2)
                axes.barh(y, max(first.value, 0.0), height=0.28, color=dark, zorder=3)
                _whisker(axes, total, y - 0.24, INK)
                _whisker(axes, first, y, INK)
                ends += [total.high, first.high]
                words = f"{share(total.value)} / {share(first.value)}"
            else:
                first = found.importance[i]
                axes.barh(y, max(first.value, 0.0), height=0.5, color=dark, zorder=3)
                _whisker(axes, first, y, INK)
                ends.append(first.high)
                words = share(first.value)
            axes.annotate(
                words, (1.0, y), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
                va="center", fontsize=7.5, color=dark if i == luck else INK,
            )  # fmt: skip
        axes.set_xlim(0.0, 1.04 * max(end for end in ends if math.isfinite(end)))
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_yticks(list(places.values()), [_label(report, i) for i in places])
        for tick, i in zip(axes.get_yticklabels(), places, strict=True):
            tick.set_color(WARM if i == luck else INK)
        _share_axis(axes)
        axes.set_xlabel(f"share of the variance of the {'difference' if finding.minus else 'outcome'}")
        whisker = Line2D([], [], color=INK, linewidth=0.9, label="95 % interval")
        if isinstance(found, Sobol):
            handles: list[Line2D | Patch] = [
                Patch(color=LIGHT, label="with all interactions (total)"),
                Patch(color=ACCENT, label="alone (first order)"),
                whisker,
            ]
            title, heads = "What makes the results differ", "total / alone"
            note = "Totals count an interaction once for each factor in it and may add up to more than 100 %."
            if luck is not None:
                note += " Luck: chance in single runs; a mean over many worlds would be without it."
        else:
            handles = [Patch(color=ACCENT, label="alone (first order)"), whisker]
            title, heads = "What makes the results differ, factor by factor", "alone"
            note = (
                "Interactions are in no bar: a factor that acts only through others looks smaller than it is."
            )
        hidden = len(order) - len(shown)
        note += f" {hidden} factors with smaller shares are not shown." if hidden > 0 else ""
        figure.text(0.862, 1 - (top - 0.06) / height, heads, fontsize=7, color=QUIET, va="bottom")
        _head(figure, height, title, report, finding)
        _legend(figure, height, handles, 0.62)
        _note(figure, height, note)
        _foot(figure, height, report, finding)
    return figure


def _whisker(axes: Axes, estimate: Estimate, y: float, color: str) -> None:
    if math.isfinite(estimate.low):
        axes.plot(
            [max(estimate.low, 0.0), max(estimate.high, 0.0)], [y, y], color=color, linewidth=0.9, zorder=5
        )


# --- interactions -------------------------------------------------------------------------------------------


def interactions_figure(report: SensitivityReport, finding: Finding) -> Figure:
    """Share of the variance that two factors make only together, for each pair of the largest factors, and luck.

    Raises:
        StudyError: the finding has no second order.
    """
    found = finding.indices
    if not isinstance(found, Sobol) or not found.pairs or not found.varies:
        raise _nothing_to_draw(finding, "interactions")
    order, luck = by_rank(report, finding)
    shown = [*order[: MOST_CELLS - (luck is not None)], *([] if luck is None else [luck])]
    shares = {frozenset((pair.one, pair.other)): pair.share for pair in found.pairs}
    n = len(shown)
    top, bottom, cell = 0.86, 1.3, min(0.5, 4.6 / n)
    height = top + bottom + cell * max(n - 1, 2)
    colors = LinearSegmentedColormap.from_list("shares", ["#eef4f8", LIGHT, "#4d94b8", ACCENT])
    largest = max(max(pair.share.value for pair in found.pairs), NOTABLE)
    with own_style():
        figure = new_figure(height)
        axes = figure.add_axes((0.27, bottom / height, 0.7, 1 - (top + bottom) / height))
        axes.set_xlim(-0.5, n - 1.5)
        axes.set_ylim(n - 0.5, 0.5)
        for row in range(1, n):
            for column in range(row):
                one = shares[frozenset((shown[row], shown[column]))]
                sure = one.low > 0.0
                depth = min(max(one.value / largest, 0.0), 1.0)
                axes.add_patch(
                    Rectangle((column - 0.48, row - 0.47), 0.96, 0.94, linewidth=0.0,
                              facecolor=colors(depth) if sure else "#f6f7f9")
                )  # fmt: skip
                dark = sure and depth > 0.55
                words = _percent(one.value) if sure else f"≤ {_percent(max(one.high, 0.0))}"
                axes.text(
                    column, row - 0.12 if sure else row, words, ha="center", va="center",
                    fontsize=8.0 if sure else 7.0, fontweight="bold" if sure else "normal",
                    color="white" if dark else INK if sure else "#9aa3ad",
                )  # fmt: skip
                if sure:
                    axes.text(
                        column, row + 0.24, f"{_percent(one.low)} to {_percent(one.high)}", ha="center", va="center",
                        fontsize=6.0, color="white" if dark else QUIET,
                    )  # fmt: skip
        axes.set_yticks(range(1, n), [_label(report, i) for i in shown[1:]])
        axes.set_xticks(range(n - 1), [_label(report, i, 13) for i in shown[:-1]])
        axes.tick_params(axis="x", labelsize=7.0, labelcolor=INK)
        for tick, i in zip(axes.get_yticklabels(), shown[1:], strict=True):
            tick.set_color(WARM if i == luck else INK)
        for side in ("top", "left", "right", "bottom"):
            axes.spines[side].set_visible(False)
        _head(figure, height, "What acts only together", report, finding)
        hidden = len(order) + (luck is not None) - n
        _note(
            figure, height,
            "Share of the variance in % that the pair makes together, above what each makes alone, with 95 % interval."
            " Pale grey: cannot be told from zero; upper end of the interval."
            + (f" {hidden} factors with smaller totals are not shown." if hidden > 0 else ""),
        )  # fmt: skip
        _foot(figure, height, report, finding)
    return figure


def _percent(value: float) -> str:
    rounded = f"{100.0 * value:.0f}"
    return "0" if rounded == "-0" else printed(rounded)


# --- tornado ------------------------------------------------------------------------------------------------


def tornado_figure(report: SensitivityReport, finding: Finding) -> Figure:
    """What the outcome is with each factor at its low and at its high end; with Morris, what one step upwards changes.

    Raises:
        StudyError: no factor of the finding has ends.
    """
    found = finding.indices
    places = [i for i, ends in enumerate(finding.ends) if ends is not None]
    if found is None or not found.varies or not places:
        raise _nothing_to_draw(finding, "a tornado")
    swings = {i: _of(finding.ends[i]) for i in places}
    order = sorted(places, key=lambda i: (-abs(swings[i].swing.change.value), i))
    shown, scale = order[:MOST_BARS], finding.scale
    by_step = isinstance(found, Morris)
    top, bottom, per_row = 1.06, 1.24, 0.4 if not by_step else 0.3
    height = top + bottom + per_row * max(len(shown), 3)
    with own_style():
        figure = new_figure(height)
        axes = figure.add_axes((0.335, bottom / height, 0.465, 1 - (top + bottom) / height))
        middle = 0.0 if by_step else finding.mean / scale.divisor
        reach = [middle]
        for row, i in enumerate(shown):
            ends = swings[i]
            if by_step:
                reach += _bar(axes, middle, ends.swing.change, row, 0.5, ACCENT, scale)
            else:
                reach += _bar(axes, middle, ends.swing.low, row + 0.17, 0.3, LIGHT, scale)
                reach += _bar(axes, middle, ends.swing.high, row - 0.17, 0.3, ACCENT, scale)
            change = ends.swing.change
            words = (
                f"{scale.signed(change.value)} ({scale.signed(change.low)} to {scale.signed(change.high)})"
            )
            axes.annotate(
                printed(words), (1.0, row), xycoords=("axes fraction", "data"), xytext=(8, 0),
                textcoords="offset points", va="center", fontsize=7.0,
            )  # fmt: skip
        low, high = min(reach), max(reach)
        air = 0.04 * (high - low) or 1.0
        axes.set_xlim(low - air, high + air)
        axes.set_ylim(len(shown) - 0.45, -0.55)
        axes.axvline(middle, color=INK, linewidth=0.8, zorder=4)
        names = [_label(report, i) for i in shown]
        if not by_step:
            names = [
                f"{name}\n{swings[i].low_at}  \N{RIGHTWARDS ARROW}  {swings[i].high_at} {_unit(report, i)}".rstrip()
                for name, i in zip(names, shown, strict=True)
            ]
        axes.set_yticks(range(len(shown)), [""] * len(shown))
        for row, name in enumerate(names):
            _two_lines(axes, row, name)
        quiet_axis(axes, bins=5)
        axes.xaxis.set_major_formatter(
            FuncFormatter(_signed_tick if finding.minus or by_step else _plain_tick)
        )
        unit = f", {scale.difference_unit}" if scale.difference_unit else ""
        axes.set_xlabel(f"{'change' if by_step else 'mean difference' if finding.minus else 'mean'}{unit}")
        head = "one step up" if by_step else "low to high"
        title = (
            "What one step of each factor changes"
            if by_step
            else "From the low to the high end of each factor"
        )
        figure.text(0.812, 1 - (top - 0.06) / height, f"{head}{unit}", fontsize=7, color=QUIET, va="bottom")
        _head(figure, height, title, report, finding)
        whisker = Line2D([], [], color=INK, linewidth=0.9, label="95 % interval")
        if by_step:
            handles: list[Line2D | Patch] = [Patch(color=ACCENT, label="mean change, one step up"), whisker]
            note = (
                "One step up: by two thirds of a range, to a higher value of a list, from no to yes. Factors without an"
                " order have no up and are left out."
            )
        else:
            handles = [
                Patch(color=ACCENT, label="factor high"),
                Patch(color=LIGHT, label="factor low"),
                whisker,
                Line2D(
                    [], [], color=INK, linewidth=0.0, marker="|", markersize=9, label="mean over all points"
                ),
            ]
            note = (
                "Low and high: lowest and highest fifth of the range, all else as it comes; of values without an order,"
                " those with the lowest and highest mean."
            )
        hidden = len(order) - len(shown)
        note += f" {hidden} factors with smaller changes are not shown." if hidden > 0 else ""
        _legend(figure, height, handles, 0.62)
        _note(figure, height, note)
        _foot(figure, height, report, finding)
    return figure


def _unit(report: SensitivityReport, i: int) -> str:
    """Unit of a factor where it is short enough to stand behind its values."""
    unit = report.factors[i].unit
    return unit if len(unit) <= 8 and unit not in ("share", "ratio") else ""


def _of(ends: Ends | None) -> Ends:
    assert ends is not None
    return ends


def _bar(
    axes: Axes, middle: float, end: Estimate, y: float, thick: float, color: str, scale: Scale
) -> list[float]:
    value, low, high = (v / scale.divisor for v in (end.value, end.low, end.high))
    axes.barh(y, value - middle, left=middle, height=thick, color=color, zorder=2)
    axes.plot([low, high], [y, y], color=INK, linewidth=0.9, zorder=5)
    return [v for v in (value, low, high) if math.isfinite(v)]


def _two_lines(axes: Axes, row: int, name: str) -> None:
    """A factor's name, and below it, smaller, what its ends are."""
    first, _, second = name.rpartition("\n") if "\N{RIGHTWARDS ARROW}" in name else (name, "", "")
    axes.annotate(
        first.replace("\n", " ") if second else first, (0.0, row), xycoords=("axes fraction", "data"),
        xytext=(-6, 4.5 if second else 0), textcoords="offset points", ha="right", va="center", fontsize=7.8,
    )  # fmt: skip
    if second:
        axes.annotate(
            second, (0.0, row), xycoords=("axes fraction", "data"), xytext=(-6, -5.5), textcoords="offset points",
            ha="right", va="center", fontsize=6.2, color=QUIET,
        )  # fmt: skip


# --- growth of the sample -----------------------------------------------------------------------------------


def convergence_figure(report: SensitivityReport, finding: Finding) -> Figure:
    """Indices of the largest factors as the sample grows, with intervals: whether more would still change them.

    Raises:
        StudyError: the finding's sample is too small to be taken apart.
    """
    growth, found = finding.convergence, finding.indices
    if growth is None or found is None:
        raise _nothing_to_draw(finding, "the growth of the sample")
    order, _ = by_rank(report, finding)
    shown = order[:MOST_LINES]
    scale = finding.scale
    divisor = scale.divisor if isinstance(found, Morris) else 1.0
    height, top, bottom = 4.1, 0.92, 1.16
    with own_style():
        figure = new_figure(height)
        axes = figure.add_axes((0.09, bottom / height, 0.63, 1 - (top + bottom) / height))
        blocks = [step.blocks for step in growth.steps]
        last: list[tuple[float, str, str]] = []
        for line, i in enumerate(shown):
            values = [step.importance[i] for step in growth.steps]
            middle = [one.value / divisor for one in values]
            shift = 1.0 + 0.012 * (line - len(shown) / 2)
            for x, one in zip(blocks, values, strict=True):
                axes.plot(
                    [x * shift] * 2, [one.low / divisor, one.high / divisor], color=LINES[line], linewidth=0.8
                )
            axes.plot([x * shift for x in blocks], middle, color=LINES[line], linestyle=DASHES[line], linewidth=1.5,
                      marker="o", markersize=3.6, markeredgecolor="white", markeredgewidth=0.5)  # fmt: skip
            last.append((middle[-1], _label(report, i, 30).replace("\n", " "), LINES[line]))
        axes.set_xscale("log", base=2)
        axes.set_xlim(blocks[0] * 0.93, blocks[-1] * 1.05)
        axes.set_xticks(blocks, [f"{b:,}" for b in blocks])
        axes.xaxis.set_minor_locator(NullLocator())
        # Shares of very small samples can be far below zero, which says nothing and would flatten the rest.
        floor = min(axes.get_ylim()[0], 0.0) if isinstance(found, Morris) else max(axes.get_ylim()[0], -0.06)
        axes.set_ylim(bottom=floor)
        _end_labels(axes, last)
        _both_axes(axes, x=False)
        kind = BLOCKS[report.method]
        axes.set_xlabel(f"{kind} used")
        if isinstance(found, Morris):
            unit = f", {scale.difference_unit}" if scale.difference_unit else ""
            axes.set_ylabel(f"mean size of the change{unit}")
        else:
            total = "total" if isinstance(found, Sobol) else "alone"
            axes.set_ylabel(f"share of the variance, {total}")
            axes.yaxis.set_major_formatter(FuncFormatter(_percent_tick))
        _head(figure, height, "Is the sample large enough?", report, finding)
        unit = "% of the largest effect" if isinstance(found, Morris) else "percentage points"
        limit = f"{100 * growth.limit:.0f} {unit}"
        verdict = "Large enough" if growth.enough else "Not yet large enough"
        alike = "the same" if growth.stable else "another"
        _note(
            figure, height,
            f"{verdict}: half of the {kind} ranks the largest factors in {alike} order; the widest of their 95 %"
            f" intervals is {100 * growth.widest:.0f}, and is to be below {limit}. Lines up and down: 95 % intervals.",
            color=INK,
        )  # fmt: skip
        _foot(figure, height, report, finding)
    return figure


def _end_labels(axes: Axes, last: Sequence[tuple[float, str, str]]) -> None:
    """Names at the right end of lines, pushed apart where lines end close together."""
    low, high = axes.get_ylim()
    step = 0.062 * (high - low)
    ranked = sorted(last, key=lambda one: -one[0])
    ys: list[float] = []
    for value, _, _ in ranked:
        ys.append(min(value, ys[-1] - step) if ys else value)
    lowest = low + 0.4 * step
    for place in range(len(ys) - 1, -1, -1):
        floor = lowest if place == len(ys) - 1 else ys[place + 1] + step
        ys[place] = max(ys[place], floor)
    for (value, words, color), y in zip(ranked, ys, strict=True):
        axes.annotate(
            words, (1.0, value), xycoords=("axes fraction", "data"), xytext=(1.03, y),
            textcoords=("axes fraction", "data"), va="center", fontsize=7.2, color=color,
            arrowprops={"arrowstyle": "-", "color": RULE, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0},
        )  # fmt: skip


# --- what all figures share ---------------------------------------------------------------------------------


def _nothing_to_draw(finding: Finding, what: str) -> StudyError:
    reason = "; ".join(finding.refused) or "the sample has no such numbers, or the outcome does not vary"
    return StudyError(
        f"{finding.subject}: there is nothing to draw of {what} ({reason})",
        hint="`drawings` names the figures that a finding has.",
    )


def _label(report: SensitivityReport, i: int, width: int = LABEL_WIDTH) -> str:
    return "\n".join(textwrap.wrap(report.factors[i].label, width))


def _ends(estimate: Estimate, scale: Scale) -> list[float]:
    return [estimate.low / scale.divisor, estimate.high / scale.divisor]


def _both_axes(axes: Axes, *, x: bool = True) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if x:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(_plain_tick))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain_tick))
    axes.grid(visible=True, color=RULE, linewidth=0.4, alpha=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", labelsize=7.0, labelcolor=QUIET)


def _share_axis(axes: Axes) -> None:
    quiet_axis(axes, bins=5)
    axes.xaxis.set_major_formatter(FuncFormatter(_percent_tick))


def _percent_tick(value: float, _place: int | None = None) -> str:
    return f"{_percent(value)} %"


def _signed_tick(value: float, _place: int | None = None) -> str:
    return "0" if abs(value) < 1e-12 else printed(f"{value:+,.10g}")


def _plain_tick(value: float, _place: int | None = None) -> str:
    return "0" if abs(value) < 1e-12 else printed(f"{value:,.10g}")


def _head(figure: Figure, height: float, title: str, report: SensitivityReport, finding: Finding) -> None:
    scale = finding.scale
    unit = scale.difference_unit if finding.minus else scale.unit
    mean = (scale.signed if finding.minus else scale.level)(finding.mean)
    of_mean = f"; mean over all points {printed(mean)} {unit}".rstrip()
    figure.text(0.03, 1 - 0.16 / height, title, fontsize=12.5, fontweight="bold", va="top")
    figure.text(0.03, 1 - 0.42 / height, f"{finding.subject}{of_mean}.", fontsize=8.5, color=ACCENT, va="top")
    figure.text(
        0.03, 1 - 0.6 / height, f"Reference {short(report.reference_title)} ({report.reference}), {report.period}.",
        fontsize=8, color=QUIET, va="top",
    )  # fmt: skip


def _legend(figure: Figure, height: float, handles: Sequence[Line2D | Patch], inches: float) -> None:
    figure.legend(
        handles=list(handles), loc="lower left", bbox_to_anchor=(0.02, inches / height), ncols=len(handles),
        frameon=False, fontsize=7, handlelength=2.0, handletextpad=0.7, columnspacing=1.6, borderpad=0.0,
    )  # fmt: skip


def _note(figure: Figure, height: float, words: str, color: str = QUIET) -> None:
    text = "\n".join(textwrap.wrap(words, 142))
    figure.text(0.03, 0.58 / height, text, fontsize=7, color=color, va="top", linespacing=1.25)


def _foot(figure: Figure, height: float, report: SensitivityReport, finding: Finding) -> None:
    found = finding.indices
    dropped = ""
    if found is not None and found.blocks.dropped:
        dropped = (
            f" {found.blocks.dropped} of {found.blocks.total} {found.blocks.kind} dropped (failed runs)."
        )
    figure.text(
        0.03, 0.22 / height,
        f"Parameters not varied: {report.drawn_from}. Simulated: this holds for the ranges varied.{dropped}",
        fontsize=6.5, color=QUIET,
    )  # fmt: skip
    figure.text(
        0.03, 0.1 / height, f"{report.design}; seed {report.seed}. passaat {report.version}.", fontsize=6.5, color=QUIET
    )  # fmt: skip
