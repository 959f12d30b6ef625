"""Figures of scenario discovery and trade-offs, ready to print, in the style of ``figures``.

A corner shows where cases lie on the two factors that restrict it most, how density was bought with coverage, and every
restriction on the range that was studied. A front shows cost against effect; regret, what choosing wrongly would cost.
"""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from passaat.experiments.analyses.discover import HALF_SAMPLES, Corner, Discovery, Restriction
from passaat.experiments.analyses.tradeoffs import Front, Position, RegretTable
from passaat.experiments.analyses.tree import Condition, shown_limit, shown_unit, unit_named
from passaat.experiments.design.factors import Factor
from passaat.experiments.reports.discover import (
    LUCK,
    corner_sentence,
    drawn,
    front_scales,
    regret_scale,
    sentence,
    share_of_draws,
)
from passaat.experiments.reports.figures import (
    ACCENT,
    INK,
    LIGHT,
    QUIET,
    REFERENCE,
    RULE,
    WARM,
    headline,
    legend_below,
    new_figure,
    own_style,
    printed,
    quiet_axis,
    save_figure,
)
from passaat.experiments.results.numbers import Scale
from passaat.experiments.results.outcomes import label
from passaat.experiments.stats.pairing import Floats

SPREAD: Final = (0.7548776662466927, 0.5698402909980532)
"""Steps, across and up, that spread the points of one category evenly and without chance: 1/p and 1/p^2 with p^3 = p
+ 1 (Roberts 2018, The unreasonable effectiveness of quasirandom sequences).
"""

MOST_NAMED: Final = 6
"""Policies that a figure of the front names; beyond, those on the front bear their number in the table."""

MOST_BARS: Final = 15


def save_discovery(found: Discovery, stem: Path) -> tuple[Path, ...]:
    """Write one figure for each corner, ``<stem>-corner-1`` and so on, as PNG and SVG; none where none stands out.

    Raises:
        StudyError: a file cannot be written.
    """
    written: list[Path] = []
    for place in range(len(found.corners)):
        figure = corner_figure(found, place)
        written += save_figure(figure, stem.with_name(f"{stem.name}-corner-{place + 1}"), found.version)
    return tuple(written)


def save_tradeoffs(front: Front, regret: RegretTable, stem: Path) -> tuple[Path, ...]:
    """Write the front and the regrets as ``<stem>-front`` and ``<stem>-regret``, PNG and SVG each.

    Raises:
        StudyError: a file cannot be written.
    """
    written: list[Path] = []
    for name, figure in (("front", front_figure(front)), ("regret", regret_figure(regret))):
        written += save_figure(figure, stem.with_name(f"{stem.name}-{name}"), front.version)
    return tuple(written)


# --- a corner -----------------------------------------------------------------------------------------------


def corner_figure(found: Discovery, place: int = 0) -> Figure:
    """One corner: cases on its two main factors, the way of peeling, and its restrictions.

    Raises:
        IndexError: there is no such corner.
    """
    corner = found.corners[place]
    lines = textwrap.wrap(f"Where {found.question}", 64)
    words = textwrap.wrap(f"{sentence(found)} {corner_sentence(found, corner)}", 124)
    rows = len(corner.restrictions)
    top, plots, per_row, bottom = 0.3 + 0.2 * len(lines) + 0.15 * len(words), 2.75, 0.5, 0.6
    height = top + plots + 0.9 + per_row * rows + bottom
    with own_style():
        figure = new_figure(height)
        low, tall = (height - top - plots) / height, (plots - 0.22) / height
        left = figure.add_axes((0.095, low, 0.47, tall))
        right = figure.add_axes((0.675, low, 0.295, tall))
        _cases(left, found, corner)
        _path(right, found, corner)
        below = figure.add_axes((0.03, bottom / height, 0.94, per_row * rows / height))
        _restrictions(below, corner)
        _titled(figure, below, "What the corner is: the part kept of the range that was studied", 0.2)
        headline(figure, height, "\n".join(lines), "")
        figure.text(
            0.03,
            1 - (0.2 + 0.2 * len(lines)) / height,
            "\n".join(words),
            fontsize=8,
            color=INK,
            va="top",
            linespacing=1.3,
        )
        _foot(figure, height, _points_words(found), found.drawn_from, found.version)
    return figure


def _cases(axes: Axes, found: Discovery, corner: Corner) -> None:
    """Cases and other points on the two factors that restrict most; points that another restriction leaves out pale."""
    across, up = _two_factors(found, corner)
    settings = np.array(found.settings)
    cases = np.array(found.cases)
    inside_rest = np.ones(len(cases), dtype=np.bool_)
    for one in corner.restrictions:
        if one.condition.factor.name not in (across.name, up.name):
            place = found.factors.index(one.condition.factor)
            inside_rest &= _kept(one.condition, settings[:, place])
    x, y = (
        _places(factor, settings[:, found.factors.index(factor)], turn)
        for turn, factor in enumerate((across, up))
    )
    looks = ((~cases, REFERENCE, QUIET, 15.0), (cases, WARM, WARM, 17.0))
    for which, face, edge, size in looks:
        for shown, alpha in ((which & ~inside_rest, 0.22), (which & inside_rest, 0.95)):
            axes.scatter(
                x[shown],
                y[shown],
                s=size,
                facecolor=face,
                edgecolor=edge,
                linewidth=0.6,
                alpha=alpha,
                zorder=3,
            )
    _scaled(axes, across, "x")
    _scaled(axes, up, "y")
    for horizontal in _spans(across, _condition_on(corner, across)):
        for vertical in _spans(up, _condition_on(corner, up)):
            axes.add_patch(
                Rectangle(
                    (horizontal[0], vertical[0]), horizontal[1] - horizontal[0], vertical[1] - vertical[0],
                    facecolor=LIGHT, edgecolor=ACCENT, linewidth=1.4, alpha=0.45, zorder=1,
                )
            )  # fmt: skip
            axes.add_patch(
                Rectangle(
                    (horizontal[0], vertical[0]), horizontal[1] - horizontal[0], vertical[1] - vertical[0],
                    fill=False, edgecolor=ACCENT, linewidth=1.4, zorder=4,
                )
            )  # fmt: skip
    not_so, so = ("it is so", "it is not so") if found.side == "no" else ("it is not so", "it is so")
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=4.2, color=WARM, label=so),
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            markersize=4.2,
            markerfacecolor=REFERENCE,
            color=QUIET,
            label=not_so,
        ),
        Patch(facecolor=LIGHT, edgecolor=ACCENT, label="corner"),
    ]
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, frameon=False, fontsize=7,
        handletextpad=0.4, columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip


def _two_factors(found: Discovery, corner: Corner) -> tuple[Factor, Factor]:
    """The two factors of the smallest quasi-p; beside a single one, a range that is not restricted."""
    named = [one.condition.factor for one in corner.restrictions]
    others = [one for one in found.factors if one not in named]
    others.sort(key=lambda one: one.scale != "continuous")
    pair = (named + others)[:2] if len(named + others) > 1 else [named[0], named[0]]
    # A range lies better along the longer side.
    pair.sort(key=lambda one: one.scale != "continuous")
    return pair[0], pair[1]


def _condition_on(corner: Corner, factor: Factor) -> Condition:
    for one in corner.restrictions:
        if one.condition.factor == factor:
            return one.condition
    return Condition(factor, -math.inf, math.inf, () if factor.ordered else factor.categories)


def _kept(condition: Condition, column: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    if condition.values:
        codes = [condition.factor.categories.index(value) for value in condition.values]
        return np.asarray(np.isin(column, codes), dtype=np.bool_)
    return np.asarray((column >= condition.low) & (column <= condition.high), dtype=np.bool_)


def _places(factor: Factor, column: Floats, turn: int) -> Floats:
    """Where points are drawn: a range as it is, single values spread a little so that points do not hide each other."""
    if factor.scale == "continuous":
        return column
    steps = (np.arange(len(column)) * SPREAD[turn]) % 1.0
    return np.asarray(_ranks(factor, column) + 0.6 * (steps - 0.5), dtype=np.float64)


def _values(factor: Factor) -> list[float]:
    """All values of a factor that is no range, as numbers in order."""
    if factor.scale == "integer":
        return [float(one) for one in range(int(factor.low), int(factor.high) + 1)]
    if factor.ordered:
        return sorted(factor.number(value) for value in factor.categories)
    return [float(code) for code in range(len(factor.categories))]


def _ranks(factor: Factor, column: Floats) -> Floats:
    return np.asarray(np.searchsorted(np.array(_values(factor)), column), dtype=np.float64)


def _names(factor: Factor) -> list[str]:
    if factor.ordered:
        return [factor.show(value) for value in _values(factor)]
    return [factor.show(value) for value in factor.categories]


def _spans(factor: Factor, condition: Condition) -> list[tuple[float, float]]:
    """Stretches of an axis that a condition keeps; neighbouring values are one stretch."""
    if factor.scale == "continuous":
        return [(max(condition.low, factor.low), min(condition.high, factor.high))]
    values = _values(factor)
    kept = _kept(condition, np.array(values))
    spans: list[tuple[float, float]] = []
    for rank in np.flatnonzero(kept).tolist():
        if spans and spans[-1][1] == rank - 0.5:
            spans[-1] = (spans[-1][0], rank + 0.5)
        else:
            spans.append((rank - 0.5, rank + 0.5))
    return spans


def _scaled(axes: Axes, factor: Factor, side: str) -> None:
    axis = axes.xaxis if side == "x" else axes.yaxis
    if factor.scale == "continuous":
        ends = (factor.low, factor.high)
        if factor.shape == "loguniform":
            (axes.set_xscale if side == "x" else axes.set_yscale)("log")
        else:
            axis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(_plain_tick))
    else:
        names = _names(factor)
        every = max(1, math.ceil(len(names) / 8))
        axis.set_ticks(list(range(0, len(names), every)), names[::every])
        ends = (-0.5, len(names) - 0.5)
    (axes.set_xlim if side == "x" else axes.set_ylim)(*ends)
    text = "\n".join(textwrap.wrap(f"{factor.label}{shown_unit(factor)}", 46 if side == "x" else 34))
    (axes.set_xlabel if side == "x" else axes.set_ylabel)(text, fontsize=7.5, color=INK, labelpad=3)
    axis.set_tick_params(labelsize=7, colors=QUIET, pad=2)


def _path(axes: Axes, found: Discovery, corner: Corner) -> None:
    """Share of cases in the box against the part of all cases it covers, from all points to the smallest box."""
    coverage = [100.0 * one.coverage for one in corner.path]
    density = [100.0 * one.density for one in corner.path]
    axes.axhline(100.0 * corner.base, color=QUIET, linewidth=0.7, linestyle=(0, (3, 3)), zorder=1)
    axes.plot(
        coverage,
        density,
        color=ACCENT,
        linewidth=1.0,
        marker="o",
        markersize=2.6,
        zorder=2,
        label="boxes peeled",
    )
    axes.plot(
        [100.0 * corner.held_out.coverage], [100.0 * corner.held_out.density], marker="D", markersize=4.6, linestyle="",
        markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.9, zorder=4, label="in points not used",
    )  # fmt: skip
    axes.plot(
        [100.0 * corner.coverage], [100.0 * corner.density], marker="o", markersize=6.4, linestyle="",
        markerfacecolor="white", markeredgecolor=WARM, markeredgewidth=1.6, zorder=3, label="the corner",
    )  # fmt: skip
    axes.set_xlim(-3, 103)
    axes.set_ylim(0, 103)
    quiet_axis(axes)
    axes.grid(visible=True, axis="both", color=RULE, linewidth=0.6)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, 25, 50, 75, 100])
        axis.set_tick_params(labelsize=7, colors=QUIET, pad=2)
    so = "so" if found.side == "yes" else "not so"
    axes.set_xlabel(f"of all points where it is {so}, % covered", fontsize=7.5, labelpad=3)
    axes.set_ylabel(f"of points in the box, % {so}", fontsize=7.5, labelpad=2)
    axes.annotate(
        f"all points: {100.0 * corner.base:.0f} %", (0, 100.0 * corner.base), xytext=(2, -3),
        textcoords="offset points", fontsize=6.5, color=QUIET, va="top",
    )  # fmt: skip
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.14, 1.0), ncols=3, frameon=False, fontsize=6.5, handletextpad=0.3,
        columnspacing=0.8, borderaxespad=0.2, handlelength=1.2,
    )  # fmt: skip


def _restrictions(axes: Axes, corner: Corner) -> None:
    """One bar for each restricted factor: its studied range pale, what the corner keeps of it dark."""
    rows = corner.restrictions
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.axis("off")
    start, stop = 0.36, 0.8
    for x, words in ((0.815, "quasi-p"), (0.9, "in half samples")):
        axes.annotate(words, (x, 1.0), xycoords="axes fraction", xytext=(0, 3), textcoords="offset points", fontsize=7,
                      color=QUIET, va="bottom")  # fmt: skip
    for place, one in enumerate(rows):
        factor = one.condition.factor
        name = textwrap.shorten(f"{factor.label}{unit_named(factor)}", 52, placeholder=" …")
        axes.text(0.0, place - 0.08, name, fontsize=8, fontweight="bold", va="center")
        axes.text(0.0, place + 0.24, textwrap.shorten(factor.meaning, 66, placeholder=" …"), fontsize=6.5, color=QUIET,
                  va="center")  # fmt: skip
        _bar(axes, place, one, start, stop)
        axes.text(0.815, place, _p(one.p), fontsize=7.5, va="center")
        axes.text(
            0.9, place, f"{round(one.again * HALF_SAMPLES)} of {HALF_SAMPLES}", fontsize=7.5, va="center"
        )


def _bar(axes: Axes, place: int, one: Restriction, start: float, stop: float) -> None:
    factor, width = one.condition.factor, stop - start
    high = 0.26
    if factor.scale == "continuous":
        axes.add_patch(Rectangle((start, place - high / 2), width, high, color=REFERENCE, zorder=1))
        (low, top) = _spans(factor, one.condition)[0]
        left, right = (start + width * _share(factor, value) for value in (low, top))
        axes.add_patch(Rectangle((left, place - high / 2), right - left, high, color=ACCENT, zorder=2))
        for x, value, side in ((start, factor.low, "left"), (stop, factor.high, "right")):
            axes.text(
                x, place + 0.31, shown_limit(factor, value), fontsize=6.5, color=QUIET, ha=side, va="center"
            )
        for x, value in ((left, one.condition.low), (right, one.condition.high)):
            if math.isfinite(value):
                axes.text(x, place - 0.28, shown_limit(factor, value), fontsize=7.5, color=ACCENT, ha="center",
                          va="center", fontweight="bold")  # fmt: skip
        return
    names, kept = _names(factor), _kept(one.condition, np.array(_values(factor)))
    each = width / len(names)
    for rank, (name, inside) in enumerate(zip(names, kept, strict=True)):
        axes.add_patch(
            Rectangle(
                (start + rank * each, place - high / 2),
                0.97 * each,
                high,
                color=ACCENT if inside else REFERENCE,
            )
        )
        if len(names) <= 12:
            axes.text(start + (rank + 0.485) * each, place + 0.31, textwrap.shorten(name, 20, placeholder="…"),
                      fontsize=6.5, color=ACCENT if inside else QUIET, ha="center", va="center")  # fmt: skip


def _share(factor: Factor, value: float) -> float:
    """Where a value lies on its range, 0 to 1; by ratios where the range is spread by ratios."""
    if factor.shape == "loguniform":
        return math.log(value / factor.low) / math.log(factor.high / factor.low)
    return (value - factor.low) / (factor.high - factor.low) if factor.high > factor.low else 0.5


# --- the front ----------------------------------------------------------------------------------------------


def front_figure(front: Front) -> Figure:
    """Policies by cost and effect, the front as a line; the fuller a mark, the surer a policy is on the front."""
    scales = front_scales(front)
    height = 4.9
    with own_style():
        figure = new_figure(height)
        axes = figure.add_axes((0.1, 1.12 / height, 0.87, (height - 1.12 - 0.72) / height))
        line = [
            (one.cost.mean / scales[0].divisor, one.effect.mean / scales[1].divisor)
            for one in front.positions
            if one.best_by_means
        ]
        axes.plot(*zip(*line, strict=True), color=ACCENT, linewidth=1.0, alpha=0.6, zorder=1)
        few = len(front.positions) <= MOST_NAMED
        for number, one in enumerate(front.positions, 1):
            _position(axes, front, one, scales, few=few, number=number)
        quiet_axis(axes)
        axes.grid(visible=True, axis="both", color=RULE, linewidth=0.6)
        axes.margins(x=0.1, y=0.1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
            axis.set_major_formatter(FuncFormatter(_plain_tick))
            axis.set_tick_params(labelsize=7, colors=QUIET)
        axes.set_xlabel(_axis_words(front.cost.name, scales[0].unit), fontsize=8, labelpad=4)
        axes.set_ylabel(_axis_words(front.effect.name, scales[1].unit), fontsize=8, labelpad=4)
        over = "draws" if front.draws > 1 else "resamples"
        headline(
            figure, height, "Worth its cost?",
            "On the line: no other policy costs no more and does no less. The fuller a mark, the larger the share of"
            f" {over} where that holds.",
        )  # fmt: skip
        handles = [
            Line2D([], [], color=ACCENT, marker="o", markersize=5, linewidth=1.0, label="front of the means"),
            Line2D([], [], color=QUIET, marker="o", markersize=5, markerfacecolor="white", linestyle="",
                   label="dominated on average"),
        ]  # fmt: skip
        if front.noise != "not told":
            handles.append(
                Line2D([], [], color=LIGHT, linewidth=2.8,
                       label=f"5–95 % over {over} of what sets a policy apart from the mean of all")
            )  # fmt: skip
        legend_below(figure, height, handles, 0.58)
        numbers = " Numbers: places in the table, cheapest first." if not few else ""
        _foot(
            figure, height, _luck_words(front), front.drawn_from, front.version, f"{front.named_by}{numbers}"
        )
    return figure


def _position(
    axes: Axes, front: Front, one: Position, scales: tuple[Scale, Scale], *, few: bool, number: int
) -> None:
    """One policy: its mean, what sets it apart as a cross, and its name. Of many, only those on the front have a cross,
    and their number in the table instead of a name.
    """
    x, y = one.cost.mean / scales[0].divisor, one.effect.mean / scales[1].divisor
    if (few or one.best_by_means) and front.noise != "not told":
        middle = [math.fsum(level) / len(front.positions) for level in zip(
            *((other.cost.mean, other.effect.mean) for other in front.positions), strict=True)]  # fmt: skip
        color, width = (LIGHT if one.best_by_means else RULE), (2.8 if few else 1.6)
        flat, tall = (
            [(centre + end) / scale.divisor for end in (apart.low, apart.high)]
            for centre, apart, scale in zip(middle, (one.cost_apart, one.effect_apart), scales, strict=True)
        )
        axes.plot(flat, [y, y], color=color, linewidth=width, zorder=0.5)
        axes.plot([x, x], tall, color=color, linewidth=width, zorder=0.5)
    size, color = (42 if few else 18), (ACCENT if one.best_by_means else QUIET)
    axes.scatter([x], [y], s=size, facecolor="white", edgecolor=color, linewidth=1.2, zorder=3)
    axes.scatter([x], [y], s=size, facecolor=color, edgecolor="none", alpha=one.on_front, zorder=4)
    if not few and one.best_by_means:
        axes.annotate(
            str(number), (x, y), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=7.5, color=INK,
            zorder=5,
        )  # fmt: skip
    if few:
        costs = [other.cost.mean / scales[0].divisor for other in front.positions]
        right = x > min(costs) + 0.75 * (max(costs) - min(costs))
        axes.annotate(
            f"{one.policy}  {share_of_draws(one.on_front, front.draws, front.noise)}", (x, y),
            xytext=(-7, 7) if right else (7, -10 if one.best_by_means else 7), textcoords="offset points",
            ha="right" if right else "left", fontsize=7.5, color=INK if one.best_by_means else QUIET, zorder=5,
        )  # fmt: skip


# --- regret -------------------------------------------------------------------------------------------------


def regret_figure(table: RegretTable) -> Figure:
    """Bars of mean regret, the regret of one draw in ten and the largest; the share of draws in which each is best."""
    scale = regret_scale(table)
    shown = table.policies[:MOST_BARS]
    top, bottom, per_row = 0.86, 1.0, 0.3
    height = top + bottom + per_row * len(shown)
    with own_style():
        figure = new_figure(height)
        axes = figure.add_axes((0.22, bottom / height, 0.68, per_row * len(shown) / height))
        axes.set_ylim(len(shown) - 0.5, -0.5)
        widest = max((one.regret.largest for one in shown), default=0.0) / scale.divisor
        axes.set_xlim(0.0, 1.06 * widest or 1.0)
        for place, one in enumerate(shown):
            mean, high, largest = (
                value / scale.divisor for value in (one.regret.mean, one.regret.high, one.regret.largest)
            )
            axes.plot([0.0, largest], [place, place], color=RULE, linewidth=1.2, zorder=1)
            axes.barh(place, high, height=0.5, color=LIGHT, zorder=2)
            axes.barh(place, mean, height=0.5, color=ACCENT, zorder=3)
            axes.plot([largest], [place], marker="|", markersize=9, markeredgewidth=1.6, color=WARM, zorder=4)
            axes.annotate(
                share_of_draws(one.best, table.draws, table.noise), (1.0, place), xycoords=("axes fraction", "data"),
                xytext=(6, 0), textcoords="offset points", va="center", fontsize=7.5,
            )  # fmt: skip
        names = [textwrap.shorten(one.policy, 28, placeholder=" …") for one in shown]
        axes.set_yticks(range(len(shown)), names)
        quiet_axis(axes)
        axes.xaxis.set_major_formatter(FuncFormatter(_plain_tick))
        axes.annotate("best in", (1.0, 1.0), xycoords="axes fraction", xytext=(6, 2), textcoords="offset points",
                      fontsize=7, color=QUIET, va="bottom")  # fmt: skip
        unit = f", {scale.unit}" if scale.unit else ""
        headline(
            figure, height, f"What a wrong choice would cost: {table.outcome.label.lower()}{unit}",
            "Regret: what the best policy of each draw would have brought more.",
        )  # fmt: skip
        handles = [
            Line2D([], [], color=ACCENT, linewidth=6, label="mean over draws"),
            Line2D([], [], color=LIGHT, linewidth=6, label="exceeded in one draw of ten"),
            Line2D(
                [],
                [],
                color=WARM,
                marker="|",
                markersize=9,
                markeredgewidth=1.6,
                linestyle="",
                label="largest",
            ),
        ]
        legend_below(figure, height, handles, 0.58)
        _foot(figure, height, _luck_words(table), table.drawn_from, table.version, table.named_by)
    return figure


# --- what they share ----------------------------------------------------------------------------------------


def _titled(figure: Figure, axes: Axes, words: str, inches: float) -> None:
    box = axes.get_position()
    figure.text(
        box.x0, box.y1 + inches / figure.get_figheight(), words, fontsize=8.5, fontweight="bold", va="bottom"
    )


def _foot(
    figure: Figure, height: float, size: str, drawn_from: str, version: str, named_by: str = ""
) -> None:
    """What the figure rests on: what names mean, parameters, then numbers of points or draws, version and caution."""
    below = f"{size} passaat {version}. Simulated: options that no data identify rest on assumptions."
    lines = [below, *([f"Parameters: {drawn_from}."] if drawn_from else []), named_by.strip()]
    for place, words in enumerate(lines):
        figure.text(0.03, (0.14 + 0.13 * place) / height, words, fontsize=6.5, color=QUIET)


def _points_words(found: Discovery) -> str:
    luck = "" if found.unsure is None else f" {found.unsure} within luck of the threshold."
    return f"{found.points} points × {found.worlds} worlds, seed {found.seed}.{luck}"


def _luck_words(one: Front | RegretTable) -> str:
    return f"{drawn(one.draws, one.worlds)}; {LUCK[one.noise]}."


def _axis_words(name: str, unit: str) -> str:
    return f"{label(name)}, {unit}" if unit else label(name)


def _plain_tick(value: float, _place: int | None = None) -> str:
    return printed(f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}")


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"
