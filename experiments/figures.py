"""Figures of a comparison, ready to print: differences with both intervals, and the funnel by option.

Own style: one ink, one accent, one warm mark, all distinct in greyscale and for colour-blind readers; no
boxes; units, period, reference, uncertainty and version on every figure. The same comparison gives the same
bytes, as PNG and SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from passaat.errors import StudyError
from passaat.experiments.compare import Comparison, OptionResult, Variant
from passaat.experiments.numbers import HEADLINES, Scale, label, percent, scale_of
from passaat.experiments.pairing import Interval

INK: Final = "#1d2a38"
QUIET: Final = "#6b7683"
RULE: Final = "#d5dae0"
ACCENT: Final = "#0a5f8a"
LIGHT: Final = "#a9cbdd"
REFERENCE: Final = "#e3e7eb"
WARM: Final = "#c8581a"

WIDTH_INCHES: Final = 7.5
"""Fits between the margins of an A4 page."""

FUNNEL: Final = ("firms_with_contacts", "relations", "partnerships", "contracts")
FUNNEL_END: Final = "exports_members_eur"

STYLE: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "xtick.color": QUIET,
    "ytick.color": INK,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 8.0,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "passaat",
    "path.simplify": False,
}


def save_figures(comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Write ``<stem>-differences`` and ``<stem>-funnel`` as PNG and SVG and return the four paths.

    Raises:
        StudyError: a file cannot be written.
    """
    written: list[Path] = []
    drawings: tuple[tuple[str, Callable[[Comparison], Figure]], ...] = (
        ("differences", differences_figure),
        ("funnel", funnel_figure),
    )
    for name, draw in drawings:
        written += save_figure(draw(comparison), stem.with_name(f"{stem.name}-{name}"), comparison.version)
    return tuple(written)


def save_figure(figure: Figure, stem: Path, version: str) -> tuple[Path, Path]:
    """Write a figure as ``<stem>.png`` (200 dots per inch) and ``<stem>.svg``, without dates or random names.

    Raises:
        StudyError: a file cannot be written.
    """
    png, svg = stem.with_name(stem.name + ".png"), stem.with_name(stem.name + ".svg")
    maker = f"passaat {version}"
    try:
        with mpl.rc_context(STYLE):
            figure.savefig(png, dpi=200, metadata={"Software": maker})
            figure.savefig(svg, metadata={"Creator": maker, "Date": None})
    except OSError as error:
        raise StudyError(
            f"the figure {error.filename or png} cannot be written ({error.strerror or error})",
            hint="Give a folder that exists and that you may write to.",
        ) from error
    return png, svg


# --- differences --------------------------------------------------------------------------------------------


def differences_figure(comparison: Comparison) -> Figure:
    """Forest plot: for each headline outcome the options' differences, as they stand and at equal public
    money.
    """
    names = [name for name in HEADLINES if name in comparison.levels]
    rows, options = len(names), comparison.options
    top, bottom, per_row = 1.0, 0.95, 0.44 + 0.2 * len(options)
    height = top + bottom + rows * per_row
    with mpl.rc_context(STYLE):
        figure = _figure(height)
        grid = GridSpec(
            rows, 2, figure=figure, left=0.19, right=0.945, top=1 - top / height, bottom=bottom / height,
            hspace=0.62, wspace=0.2,
        )  # fmt: skip
        for row, name in enumerate(names):
            scale = scale_of(comparison, name)
            pair = [figure.add_subplot(grid[row, column]) for column in (0, 1)]
            variants = (
                [option.as_it_stands for option in options],
                [option.at_equal_money for option in options],
            )
            limits = _limits([v.differences[name].worlds for side in variants for v in side], scale)
            for axes, side in zip(pair, variants, strict=True):
                axes.set_xlim(*limits)
                _forest(axes, side, name, scale)
            pair[0].set_yticks(range(len(options)), [option.name for option in options])
            pair[1].set_yticks([])
            _outcome_title(figure, pair[0], comparison, name, scale)
        _column_heads(figure, grid, height, top)
        _headline(figure, height, "What each option would change", _subtitle(comparison))
        _forest_legend(figure, height)
        _footer(figure, height, comparison)
    return figure


def _forest(axes: Axes, variants: Sequence[Variant], name: str, scale: Scale) -> None:
    """One panel: luck as a thin line, parameters as a thick one, the mean with its Monte Carlo error on
    top.
    """
    axes.set_ylim(len(variants) - 0.5, -0.5)
    axes.axvline(0.0, color=INK, linewidth=0.8, zorder=1)
    for place, variant in enumerate(variants):
        found = variant.differences[name]
        for interval, color, width, layer in ((found.worlds, LIGHT, 1.6, 2), (found.draws, ACCENT, 4.2, 3)):
            ends = [interval.low / scale.divisor, interval.high / scale.divisor]
            axes.plot(ends, [place, place], color=color, linewidth=width, solid_capstyle="butt", zorder=layer)
        mean, error = found.mean / scale.divisor, found.error / scale.divisor
        axes.plot([mean - error, mean + error], [place, place], color=WARM, linewidth=1.6, zorder=5)
        axes.plot([mean], [place], marker="o", markersize=4.6, color="white", markeredgecolor=WARM,
                  markeredgewidth=1.3, zorder=6)  # fmt: skip
        axes.annotate(
            percent(found.chance_better), (1.0, place), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=7, color=INK,
        )  # fmt: skip
    _quiet_axis(axes)
    axes.xaxis.set_major_formatter(FuncFormatter(_signed_tick))


def _outcome_title(figure: Figure, axes: Axes, comparison: Comparison, name: str, scale: Scale) -> None:
    level = comparison.levels[name]
    unit = "" if scale.difference_unit == label(name).lower() else f", {scale.difference_unit}"
    sign = " %" if scale.unit == "%" else ""
    box = axes.get_position()
    y = box.y1 + 0.055 / figure.get_figheight()
    text = figure.text(0.03, y, f"{label(name)}{unit}", fontsize=8.5, fontweight="bold", va="bottom")
    box_of_text = text.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    right = box_of_text.x1 / figure.bbox.width
    figure.text(
        right + 0.012, y, f"reference {scale.level(level.mean)}{sign}", color=QUIET, fontsize=7.5, va="bottom"
    )


def _column_heads(figure: Figure, grid: GridSpec, height: float, top: float) -> None:
    for column, words in enumerate(("as they stand", "at equal public money")):
        box = grid[0, column].get_position(figure)
        y = 1 - (top - 0.3) / height
        figure.text(box.x0, y, words, fontsize=8.5, color=ACCENT, fontweight="bold", va="bottom")
        figure.text(box.x1 + 0.008, y, "better", fontsize=7, color=QUIET, va="bottom")


def _forest_legend(figure: Figure, height: float) -> None:
    handles = [
        Line2D([], [], color=WARM, marker="o", markerfacecolor="white", markersize=4.6, linewidth=1.6,
               label="mean difference ± Monte Carlo error"),
        Line2D([], [], color=ACCENT, linewidth=4.2, label="5–95 % over parameter draws (what we do not know)"),
        Line2D([], [], color=LIGHT, linewidth=1.6, label="5–95 % over single worlds (luck)"),
    ]  # fmt: skip
    _legend(figure, height, handles, 0.62)
    figure.text(
        0.03,
        0.36 / height,
        "better: share of parameter draws whose mean difference is favourable, simulation noise removed.",
        fontsize=7,
        color=QUIET,
    )


def _limits(intervals: Sequence[Interval], scale: Scale) -> tuple[float, float]:
    """Axis limits that hold all intervals and zero, with a little air; symmetric where there is nothing."""
    ends = [end / scale.divisor for i in intervals for end in (i.low, i.high) if end == end]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    air = 0.06 * (high - low) or 1.0
    return low - air, high + air


# --- funnel -------------------------------------------------------------------------------------------------


def funnel_figure(comparison: Comparison) -> Figure:
    """From contacts to contracts and exports: each option against the reference, stage by stage."""
    stages = [name for name in FUNNEL if name in comparison.levels]
    end = [FUNNEL_END] if FUNNEL_END in comparison.levels else []
    columns = min(2, len(comparison.options))
    rows = -(-len(comparison.options) // columns)
    top, bottom, per_row = 0.95, 0.8, 2.0
    height = top + bottom + rows * per_row
    with mpl.rc_context(STYLE):
        figure = _figure(height)
        grid = GridSpec(
            rows, columns, figure=figure, left=0.17, right=0.97, top=1 - top / height, bottom=bottom / height,
            hspace=0.38, wspace=0.1,
        )  # fmt: skip
        for place, option in enumerate(comparison.options):
            row, column = divmod(place, columns)
            cell = grid[row, column].subgridspec(2, 1, height_ratios=(len(stages), 1.1), hspace=0.12)
            for part, names in enumerate((stages, end)):
                if names:
                    axes = figure.add_subplot(cell[part])
                    _funnel_bars(axes, comparison, option, names)
                    axes.set_yticks(
                        range(len(names)), [_stage_label(comparison, n) for n in names] if column == 0 else []
                    )
                    if part == 0:
                        axes.set_title(option.name, loc="left", fontsize=9, fontweight="bold", pad=4)
        _headline(figure, height, "From contacts to exports, by option", _subtitle(comparison))
        handles = [
            Patch(color=REFERENCE, label=f"reference {comparison.reference}"),
            Patch(color=ACCENT, label="option as it stands"),
            Line2D([], [], color=WARM, linewidth=1.6, label="5–95 % over parameter draws, of the difference"),
            Line2D([], [], color=INK, marker="D", linestyle="", markersize=3.4, markerfacecolor="white",
                   label="at equal public money"),
        ]  # fmt: skip
        _legend(figure, height, handles, 0.42)
        _footer(figure, height, comparison)
    return figure


def _stage_label(comparison: Comparison, name: str) -> str:
    return f"{label(name)}, {scale_of(comparison, name).unit}" if name == FUNNEL_END else label(name)


def _funnel_bars(axes: Axes, comparison: Comparison, option: OptionResult, names: Sequence[str]) -> None:
    """Bars of one option over those of the reference; what differs is written at the right."""
    widest = 0.0
    for name in names:
        scale = scale_of(comparison, name)
        for other in comparison.options:
            reach = comparison.levels[name].mean + max(
                0.0, other.as_it_stands.differences[name].draws.high or 0.0
            )
            widest = max(widest, reach / scale.divisor)
    axes.set_xlim(0.0, 1.5 * widest or 1.0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    for place, name in enumerate(names):
        scale = scale_of(comparison, name)
        reference = comparison.levels[name].mean / scale.divisor
        found = option.as_it_stands.differences[name]
        level = reference + found.mean / scale.divisor
        equal = reference + option.at_equal_money.differences[name].mean / scale.divisor
        axes.barh(place, reference, height=0.74, color=REFERENCE, zorder=1)
        axes.barh(place, level, height=0.36, color=ACCENT, zorder=2)
        ends = [reference + end / scale.divisor for end in (found.draws.low, found.draws.high)]
        axes.plot(ends, [place, place], color=WARM, linewidth=1.6, solid_capstyle="butt", zorder=4)
        axes.plot([equal], [place], marker="D", markersize=3.4, color="white", markeredgecolor=INK,
                  markeredgewidth=0.8, zorder=5)  # fmt: skip
        change = f"{100 * found.mean / scale.divisor / reference:+.0f} %" if reference else ""
        change = "no change" if change in ("+0 %", "-0 %") else change.replace("-", "−")
        axes.annotate(
            f"{scale.level(scale.divisor * level)}", (1.0, place), xycoords=("axes fraction", "data"),
            xytext=(-46, 0), textcoords="offset points", ha="right", va="center", fontsize=7.5,
        )  # fmt: skip
        axes.annotate(
            change, (1.0, place), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=7.5,
            color=QUIET if change == "no change" else WARM,
        )  # fmt: skip
    _quiet_axis(axes)
    axes.set_xticks([])
    axes.grid(visible=False)


# --- what all figures share ---------------------------------------------------------------------------------


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(WIDTH_INCHES, height))
    FigureCanvasAgg(figure)
    return figure


def _quiet_axis(axes: Axes) -> None:
    for side in ("top", "left", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(pad=2)


def _signed_tick(value: float, _place: int | None = None) -> str:
    return "0" if value == 0 else f"{value:+,.10g}".replace("-", "−")


def _subtitle(comparison: Comparison) -> str:
    return f"Compared with {comparison.reference_title} ({comparison.reference}), {comparison.period}."


def _headline(figure: Figure, height: float, title: str, subtitle: str) -> None:
    figure.text(0.03, 1 - 0.16 / height, title, fontsize=12.5, fontweight="bold", va="top")
    figure.text(0.03, 1 - 0.42 / height, subtitle, fontsize=8, color=QUIET, va="top")


def _legend(figure: Figure, height: float, handles: Sequence[Line2D | Patch], inches: float) -> None:
    figure.legend(
        handles=list(handles), loc="lower left", bbox_to_anchor=(0.02, inches / height - 0.06 / height),
        ncols=len(handles), frameon=False, fontsize=7, handlelength=1.8, columnspacing=1.4, borderpad=0.0,
    )  # fmt: skip


def _footer(figure: Figure, height: float, comparison: Comparison) -> None:
    design = comparison.design
    figure.text(
        0.03, 0.14 / height,
        f"{design.draws * design.worlds} paired worlds: {design.draws} parameter draws × {design.worlds} worlds each,"
        f" seed {design.seed}. passaat {comparison.version}. Simulated: options that no data identify rest on"
        " assumptions.",
        fontsize=6.5, color=QUIET,
    )  # fmt: skip
