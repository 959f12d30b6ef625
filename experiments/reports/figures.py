"""Figures of a comparison, ready to print: differences with both intervals, and the funnel by option.

Own style: one ink, one accent, one warm mark, all distinct in greyscale and for colour-blind readers; no
boxes; units, period, reference, uncertainty and version on every figure. The same comparison gives the same
bytes, as PNG and SVG.
"""

from __future__ import annotations

import contextlib
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from passaat.experiments.analyses.compare import Comparison, OptionResult, Variant
from passaat.experiments.reports.files import figure_paths, figures_of_comparison, save
from passaat.experiments.reports.money import NOT_REACHED, scale_of, variants_shown
from passaat.experiments.results.numbers import Scale, percent
from passaat.experiments.results.outcomes import HEADLINES, PUBLIC_COST, label
from passaat.experiments.stats.pairing import Interval
from passaat.shown import shown

INK: Final = "#1d2a38"
QUIET: Final = "#6b7683"
RULE: Final = "#d5dae0"
ACCENT: Final = "#0a5f8a"
LIGHT: Final = "#bcd8e6"
REFERENCE: Final = "#e3e7eb"
WARM: Final = "#c8581a"

WIDTH_INCHES: Final = 7.5
"""Fits between the margins of an A4 page."""

LONGEST_TITLE: Final = 60
"""Letters of a title for which there is room on the line that holds it; a longer one is cut off there."""

FUNNEL: Final = ("firms_with_contacts", "relations", "partnerships", "firms_with_contract")
FUNNEL_END: Final = "exports_members_eur"

STYLE: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "text.parse_math": False,
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
    "lines.solid_capstyle": "butt",
    "svg.hashsalt": "passaat",
    "path.simplify": False,
}
"""Settings of matplotlib; ``Any`` because their type in matplotlib's stubs is a list of all setting names."""


def save_figures(comparison: Comparison, stem: Path) -> tuple[Path, ...]:
    """Write ``<stem>-differences`` and ``<stem>-funnel`` as PNG and SVG and return the four paths.

    Raises:
        StudyError: a file cannot be written.
    """
    written: list[Path] = []
    drawings: tuple[Callable[[Comparison], Figure], ...] = (differences_figure, funnel_figure)
    for place, draw in zip(figures_of_comparison(stem), drawings, strict=True):
        written += save_figure(draw(comparison), place, comparison.version)
    return tuple(written)


class FontWarning(UserWarning):
    """A figure holds characters that its font lacks; boxes stand in their places."""


@contextlib.contextmanager
def own_style() -> Iterator[None]:
    """Our own settings of matplotlib for a while: none of the user's, and text as it is written, never mathematics.

    What matplotlib says of each missing glyph at each drawing is left to ``save_figure``, which says it once.
    """
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def save_figure(figure: Figure, stem: Path, version: str) -> tuple[Path, Path]:
    """Write a figure as ``<stem>.png`` (200 dots per inch) and ``<stem>.svg``, without dates or random names.

    Each is drawn first and written in one move. A ``FontWarning`` names the characters that the font lacks.

    Raises:
        StudyError: a file cannot be written.
    """
    png, svg = figure_paths(stem)
    maker = f"passaat {version}"
    drawn_png, drawn_svg = BytesIO(), BytesIO()
    with own_style():
        for text in figure.findobj(Text):
            if (words := text.get_text()) != shown(words, lines=True):
                text.set_text(shown(words, lines=True))
        figure.savefig(drawn_png, format="png", dpi=200, metadata={"Software": maker})
        figure.savefig(drawn_svg, format="svg", metadata={"Creator": maker, "Date": None})
        lacking = _lacking(figure)
    save(png, drawn_png.getvalue())
    save(svg, drawn_svg.getvalue())
    if lacking:
        warnings.warn(f"the font of figures lacks {' '.join(lacking)}", FontWarning, stacklevel=2)
    return png, svg


def _lacking(figure: Figure) -> list[str]:
    """Characters of the figure that its font has no glyph for."""
    font = get_font(findfont(STYLE["font.family"]))
    texts = (text.get_text() for text in figure.findobj(Text))
    return sorted(
        {letter for text in texts for letter in text if not font.get_char_index(ord(letter))} - {"\n"}
    )


# --- differences --------------------------------------------------------------------------------------------


def differences_figure(comparison: Comparison) -> Figure:
    """Forest plot: for public cost and each headline outcome the options' differences, as they stand and at
    equal public money.
    """
    names = [name for name in (PUBLIC_COST, *HEADLINES) if name in comparison.levels]
    rows, options = len(names), comparison.options
    top, bottom, per_row = 1.14, 1.24, 0.44 + 0.2 * max(len(options), 2)
    height = top + bottom + rows * per_row
    with own_style():
        figure = new_figure(height)
        grid = GridSpec(
            rows, 2, figure=figure, left=0.19, right=0.945, top=1 - top / height, bottom=bottom / height,
            hspace=0.62, wspace=0.2,
        )  # fmt: skip
        for row, name in enumerate(names):
            scale = scale_of(comparison, name)
            pair = [figure.add_subplot(grid[row, column]) for column in (0, 1)]
            variants: tuple[list[Variant | None], list[Variant | None]] = (
                [option.as_it_stands for option in options],
                [option.at_equal_money if option.equal_money.reached else None for option in options],
            )
            shown = [v for side in variants for v in side if v is not None]
            limits = _limits([i for v in shown for i in _intervals_of(v, name)], scale)
            for axes, side in zip(pair, variants, strict=True):
                axes.set_xlim(*limits)
                _forest(axes, side, name, scale, comparison.design.draws)
            pair[0].set_yticks(range(len(options)), [option.name for option in options])
            pair[1].set_yticks([])
            _outcome_title(figure, pair[0], comparison, name, scale)
        _column_heads(figure, grid, height, top)
        headline(figure, height, "What each option would change", _subtitle(comparison))
        _forest_legend(figure, height)
        _footer(figure, height, comparison)
    return figure


def _forest(axes: Axes, variants: Sequence[Variant | None], name: str, scale: Scale, draws: int) -> None:
    """One panel: luck as a broad pale bar, parameters as a narrow dark one, the mean with its Monte Carlo
    error on top. An option without variant did not reach equal public money, and says so.
    """
    axes.set_ylim(len(variants) - 0.5, -0.5)
    axes.axvline(0.0, color=INK, linewidth=0.8, zorder=1)
    for place, variant in enumerate(variants):
        if variant is None:
            axes.annotate(
                NOT_REACHED, (0.0, place), xytext=(5, 0), textcoords="offset points", va="center",
                fontsize=7, fontstyle="italic", color=QUIET,
            )  # fmt: skip
            continue
        found = variant.differences[name]
        for interval, color, width, layer in ((found.worlds, LIGHT, 9.0, 2), (found.draws, ACCENT, 3.6, 3)):
            ends = [interval.low / scale.divisor, interval.high / scale.divisor]
            axes.plot(ends, [place, place], color=color, linewidth=width, solid_capstyle="butt", zorder=layer)
        mean, error = found.mean / scale.divisor, found.error / scale.divisor
        axes.plot([mean - error, mean + error], [place, place], color=WARM, linewidth=1.6, zorder=5)
        axes.plot([mean], [place], marker="o", markersize=4.6, color="white", markeredgecolor=WARM,
                  markeredgewidth=1.3, zorder=6)  # fmt: skip
        axes.annotate(
            percent(found.shares.better, draws), (1.0, place), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=7, color=INK,
        )  # fmt: skip
    quiet_axis(axes)
    axes.xaxis.set_major_formatter(FuncFormatter(_signed_tick))


def _outcome_title(figure: Figure, axes: Axes, comparison: Comparison, name: str, scale: Scale) -> None:
    level = comparison.levels[name]
    unit = "" if scale.difference_unit in ("", label(name).lower()) else f", {scale.difference_unit}"
    sign = " %" if scale.unit == "%" else ""
    box = axes.get_position()
    y = box.y1 + 0.055 / figure.get_figheight()
    text = figure.text(0.03, y, f"{label(name)}{unit}", fontsize=8.5, fontweight="bold", va="bottom")
    box_of_text = text.get_window_extent()
    right = box_of_text.x1 / figure.bbox.width
    figure.text(
        right + 0.012, y, f"reference {scale.level(level.mean)}{sign}", color=QUIET, fontsize=7.5, va="bottom"
    )


def _column_heads(figure: Figure, grid: GridSpec, height: float, top: float) -> None:
    for column, words in enumerate(("as they stand", "at equal public money")):
        box = grid[0, column].get_position(figure)
        y = 1 - (top - 0.32) / height
        figure.text(box.x0, y, words, fontsize=8.5, color=ACCENT, fontweight="bold", va="bottom")
        figure.text(box.x1 + 0.008, y, "better", fontsize=7, color=QUIET, va="bottom")


def _forest_legend(figure: Figure, height: float) -> None:
    handles = [
        Line2D([], [], color=WARM, marker="o", markerfacecolor="white", markersize=4.6, linewidth=1.6,
               label="mean difference ± Monte Carlo error"),
        Line2D([], [], color=ACCENT, linewidth=3.6, label="5–95 % over parameter draws (what we do not know)"),
        Line2D([], [], color=LIGHT, linewidth=9.0, label="5–95 % over single worlds (luck)"),
    ]  # fmt: skip
    legend_below(figure, height, handles, 0.68)
    figure.text(
        0.03,
        0.48 / height,
        "better: share of parameter draws whose mean difference is favourable (of public cost: lower), simulation noise"
        " removed.",
        fontsize=7,
        color=QUIET,
    )


def _intervals_of(variant: Variant, name: str) -> tuple[Interval, Interval]:
    found = variant.differences[name]
    return found.worlds, found.draws


def _limits(intervals: Sequence[Interval], scale: Scale) -> tuple[float, float]:
    """Axis limits that hold all intervals and zero, with a little air; symmetric where there is nothing."""
    ends = [end / scale.divisor for i in intervals for end in (i.low, i.high) if end == end]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    air = 0.06 * (high - low) or 1.0
    return low - air, high + air


# --- funnel -------------------------------------------------------------------------------------------------


def funnel_figure(comparison: Comparison) -> Figure:
    """From contacts to contracts and exports: the reference's funnel, and what each option changes at each
    stage.

    Read down a column to see where in the funnel an option acts, and along a row to compare options at a
    stage.
    """
    stages = [name for name in (*FUNNEL, FUNNEL_END) if name in comparison.levels]
    options = comparison.options
    top, bottom, per_stage = 1.02, 1.12, 0.5
    height = top + bottom + per_stage * len(stages)
    with own_style():
        figure = new_figure(height)
        grid = GridSpec(
            1, 1 + len(options), figure=figure, left=0.2, right=0.98, top=1 - top / height, bottom=bottom / height,
            wspace=0.16, width_ratios=(1.15, *(1.0 for _ in options)),
        )  # fmt: skip
        first = figure.add_subplot(grid[0, 0])
        _reference_funnel(first, comparison, stages)
        limits = _change_limits(comparison, stages)
        for place, option in enumerate(options):
            axes = figure.add_subplot(grid[0, place + 1])
            axes.set_xlim(*limits)
            _stage_changes(axes, comparison, option, stages)
        headline(figure, height, "From contacts to exports: where each option acts", _subtitle(comparison))
        legend_below(
            figure,
            height,
            [
                Line2D([], [], color=ACCENT, linewidth=3.6, marker="o", markerfacecolor="white", markersize=4.6,
                       markeredgecolor=WARM, markeredgewidth=1.3,
                       label="change in % of the reference, option as it stands, with 5–95 % over parameter draws"),
                Line2D([], [], color=QUIET, linewidth=1.0, marker="D", markerfacecolor="white", markersize=3.4,
                       markeredgecolor=INK, markeredgewidth=0.8, label="the same at equal public money"),
            ],
            0.6,
        )  # fmt: skip
        figure.text(
            0.03, 0.44 / height,
            "Firms gaining contacts made them through a covenant; the stages below count the best a firm ever"
            " reached, some before joining.",
            fontsize=7, color=QUIET,
        )  # fmt: skip
        _footer(figure, height, comparison)
    return figure


def _reference_funnel(axes: Axes, comparison: Comparison, stages: Sequence[str]) -> None:
    """Mean level of each stage under the reference; exports, in another unit, are a number without a bar."""
    counts = [name for name in stages if name != FUNNEL_END]
    widest = max((comparison.levels[name].mean for name in counts), default=1.0)
    axes.set_xlim(0.0, 1.75 * widest)
    axes.set_ylim(len(stages) - 0.5, -0.5)
    for place, name in enumerate(stages):
        mean, scale = comparison.levels[name].mean, scale_of(comparison, name)
        reach = mean if name in counts else 0.0
        if name in counts:
            axes.barh(place, mean, height=0.56, color=REFERENCE)
        text = (
            f"{mean / scale.divisor:,.0f}"
            if abs(mean) >= 100.0 * scale.divisor
            else f"{mean / scale.divisor:,.1f}"
        )
        text += f" {scale.unit}" if scale.unit != name else ""
        axes.annotate(
            text, (reach, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5
        )
    axes.set_yticks(range(len(stages)), [label(name) for name in stages])
    axes.set_title(f"reference {comparison.reference}", loc="left", fontsize=8.5, fontweight="bold", pad=5)
    quiet_axis(axes)
    axes.grid(visible=False)
    axes.set_xticks([])


def _stage_changes(axes: Axes, comparison: Comparison, option: OptionResult, stages: Sequence[str]) -> None:
    """Change at each stage in per cent of the reference: as the option stands above, at equal money below."""
    axes.set_ylim(len(stages) - 0.5, -0.5)
    axes.axvline(0.0, color=INK, linewidth=0.8, zorder=1)
    looks = (
        (option.as_it_stands, -0.13, ACCENT, 3.6, "o", 4.6, WARM, 1.3),
        (option.at_equal_money, 0.19, QUIET, 1.0, "D", 3.4, INK, 0.8),
    )
    for place, name in enumerate(stages):
        for variant, shift, color, width, marker, size, edge, edge_width in looks:
            if variant is option.at_equal_money and not option.equal_money.reached:
                continue
            low, mean, high = _change(comparison, variant, name)
            y = place + shift
            axes.plot([low, high], [y, y], color=color, linewidth=width, solid_capstyle="butt", zorder=3)
            axes.plot([mean], [y], marker=marker, markersize=size, color="white", markeredgecolor=edge,
                      markeredgewidth=edge_width, zorder=4)  # fmt: skip
            if variant is option.as_it_stands:
                words = f"{mean:+.0f} %" if abs(mean) >= 0.5 else "0 %"
                axes.annotate(
                    printed(words), (max(v for v in (mean, high) if v == v) if mean == mean else 0.0, y),
                    xytext=(5, 0), textcoords="offset points", va="center", fontsize=7,
                    color=QUIET if words == "0 %" else INK,
                )  # fmt: skip
    if not option.equal_money.reached:
        axes.annotate(
            f"equal money\n{NOT_REACHED}", (1.0, len(stages) - 0.72), xycoords=("axes fraction", "data"),
            ha="right", va="center", fontsize=6.5, fontstyle="italic", color=QUIET,
        )  # fmt: skip
    title = "\n".join(textwrap.wrap(option.name, 13))
    axes.set_title(title, loc="left", fontsize=8.5, fontweight="bold", color=ACCENT, pad=5)
    axes.set_yticks([])
    quiet_axis(axes)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(_signed_tick))


def _change(comparison: Comparison, variant: Variant, name: str) -> tuple[float, float, float]:
    """(low, mean, high) of a difference in per cent of the reference's mean; nan where that is zero."""
    found, reference = variant.differences[name], comparison.levels[name].mean
    per_cent = 100.0 / abs(reference) if reference else float("nan")
    return found.draws.low * per_cent, found.mean * per_cent, found.draws.high * per_cent


def _change_limits(comparison: Comparison, stages: Sequence[str]) -> tuple[float, float]:
    """Common limits of all options' changes in per cent, with room for a number at the right."""
    ends = [
        end
        for option in comparison.options
        for variant in variants_shown(option)
        for name in stages
        for end in _change(comparison, variant, name)
        if end == end
    ]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    span = high - low or 10.0
    return low - 0.08 * span, high + 0.5 * span


# --- what all figures share ---------------------------------------------------------------------------------


def new_figure(height: float) -> Figure:
    """An empty figure of the common width and this height, in inches."""
    figure = Figure(figsize=(WIDTH_INCHES, height))
    FigureCanvasAgg(figure)
    return figure


def quiet_axis(axes: Axes, bins: int = 4) -> None:
    """Axes for horizontal bars and ranges: no frame, a light grid, about so many ticks."""
    for side in ("top", "left", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=bins, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.patch.set_visible(False)  # so that no number is cut off by the panel beside it
    axes.tick_params(pad=2)


def _signed_tick(value: float, _place: int | None = None) -> str:
    return "0" if value == 0 else printed(f"{value:+,.10g}")


def printed(text: str) -> str:
    """With the minus sign that printers use."""
    return text.replace("-", "\N{MINUS SIGN}")


def short(title: str) -> str:
    """A title that users wrote, on one line that the page has room for."""
    words = shown(title)
    return words if len(words) <= LONGEST_TITLE else f"{words[: LONGEST_TITLE - 1]}…"


def _subtitle(comparison: Comparison) -> str:
    return f"Compared with {short(comparison.reference_title)} ({comparison.reference}), {comparison.period}."


def headline(figure: Figure, height: float, title: str, subtitle: str) -> None:
    """Title and subtitle at the top of a figure."""
    figure.text(0.03, 1 - 0.16 / height, title, fontsize=12.5, fontweight="bold", va="top")
    figure.text(0.03, 1 - 0.42 / height, subtitle, fontsize=8, color=QUIET, va="top")


def legend_below(figure: Figure, height: float, handles: Sequence[Line2D], inches: float) -> None:
    """A legend in one row, so many inches above the lower edge."""
    figure.legend(
        handles=list(handles), loc="lower left", bbox_to_anchor=(0.02, inches / height - 0.06 / height),
        ncols=len(handles), frameon=False, fontsize=7, handlelength=2.0, handletextpad=0.9,
        columnspacing=1.4, borderpad=0.0,
    )  # fmt: skip


def _footer(figure: Figure, height: float, comparison: Comparison) -> None:
    design = comparison.design
    figure.text(
        0.03, 0.27 / height, f"Parameters: {comparison.drawn_from}.", fontsize=6.5,
        color=INK if comparison.basis.kind == "posterior" else WARM,
    )  # fmt: skip
    figure.text(
        0.03, 0.14 / height,
        f"{design.draws * design.worlds} paired worlds: {design.draws} parameter draws × {design.worlds} worlds each,"
        f" seed {design.seed}. passaat {comparison.version}. Simulated: options that no data identify rest on"
        " assumptions.",
        fontsize=6.5, color=QUIET,
    )  # fmt: skip
