"""Figures of a comparison, ready to print: differences as dots that can be counted, and the funnel by option.

Readers tell how likely one thing is better than another from some fifty dots within a few points, and misjudge it from
bars and means (Kay et al. 2016; Fernandes et al. 2018; Hullman 2015; Kale et al. 2020). Own style: two marks, each with
a contrast of three to one against the page and against each other, in colour and in grey; no boxes; units, period,
reference, uncertainty and version on every figure. The same comparison gives the same bytes, as PNG and SVG.
"""

from __future__ import annotations

import contextlib
import math
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from passaat.experiments.analyses.bench import Money
from passaat.experiments.analyses.compare import AT_EQUAL_COVENANTS, Comparison, OptionResult, Variant
from passaat.experiments.reports.files import figure_paths, figures_of_comparison, save
from passaat.experiments.reports.money import NOT_REACHED, scale_of
from passaat.experiments.results.numbers import NOTHING, Scale, share_and_range
from passaat.experiments.results.outcomes import HEADLINES, PUBLIC_COST, label
from passaat.experiments.stats.pairing import Floats
from passaat.experiments.stats.shares import Shares
from passaat.experiments.stats.words import verdict_of
from passaat.shown import shown

INK: Final = "#1d2a38"
QUIET: Final = "#6b7683"
RULE: Final = "#d5dae0"
ACCENT: Final = "#0a5f8a"
LIGHT: Final = "#bcd8e6"
REFERENCE: Final = "#e3e7eb"
WARM: Final = "#c8581a"
DARK: Final = "#084a6c"
MIDDLE: Final = "#8d9499"
"""Dark and middle marks: three to one against white and against each other, also in grey."""

WIDTH_INCHES: Final = 7.5
"""Fits between the margins of an A4 page."""

LONGEST_TITLE: Final = 60
"""Letters of a title for which there is room on the line that holds it; a longer one is cut off there."""

MAIN: Final = HEADLINES[0]

FUNNEL: Final = ("members", "relations", "partnerships", "firms_with_contract")
"""Stages, each a part of the one before: members of covenants, by what they ever reached in a covenant's market. A
contract is signed at a relation at least and makes the firm a partner, so that no stage can hold more than the last.
"""

FUNNEL_END: Final = "exports_members_eur"

TITLE_LETTERS: Final = 66
MOST_TITLE_LINES: Final = 3

MARGIN: Final = 0.03
"""Left and right margin, as a part of the width."""

LABEL_INCHES: Final = 1.8
WORDS_INCHES: Final = 1.15
NUMBER_INCHES: Final = 0.44
HEADER: Final = 0.19
"""Room for the name of an option, above its rows."""

DOT: Final = 0.036
"""Width of a dot, in inches: fifty of them can be told apart and counted on paper."""

DOT_ROW: Final = 0.33
FUNNEL_ROW: Final = 0.19
FUNNEL_TALL: Final = 0.75

ROUND_STEPS: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)

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


# --- options and ways of paying -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """One row of a figure: an option in one money variant.

    Attributes:
        option: the option. money: the variant.
        name: what the option is called.
        top: inches from the upper edge of the panel to that of the row.
    """

    option: OptionResult
    money: Money
    name: str
    top: float

    @property
    def variant(self) -> Variant | None:
        """What was found; None where equal public money was not reached."""
        return self.option.variant(self.money)

    @property
    def stands(self) -> bool:
        """Whether the option is shown as it stands."""
        return self.money == "as it stands"

    @property
    def left_out(self) -> int:
        """Draws that did not come to equal public money."""
        equal = self.option.equal(self.money)
        return 0 if self.stands else len(equal.payments) - equal.n_reached


def _rows(comparison: Comparison, tall: float) -> list[_Row]:
    """Every option as it stands and in each way of paying that was asked for, in rows so tall, in inches."""
    names, rows, top = _names(comparison.options), list[_Row](), 0.0
    for option in comparison.options:
        top += HEADER
        for money in comparison.monies:
            rows.append(_Row(option, money, names[option.name], top))
            top += tall
    return rows


def _names(options: Sequence[OptionResult]) -> dict[str, str]:
    """What each option is called in a figure: its title; its name where titles would not tell all of them apart."""
    titles = {option.name: short(option.title or option.name) for option in options}
    distinct = len(set(titles.values())) == len(titles)
    return titles if distinct else {name: short(name) for name in titles}


def _label_rows(axes: Axes, comparison: Comparison, rows: Sequence[_Row], tall: float) -> None:
    """At the left of the page: what each option is called, and below it each way of paying, with its public cost."""
    at: dict[str, Any] = {"xycoords": ("figure fraction", "data"), "va": "center", "annotation_clip": False}
    for row in rows:
        if row.stands:
            axes.annotate(
                row.name, (MARGIN, row.top - 0.4 * HEADER), fontweight="bold", **at,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
        words = "at equal public money"
        if row.money == AT_EQUAL_COVENANTS:
            words = "at equal public money,\nby number of covenants"
        if row.stands:
            words = "as it stands"
            if row.variant is not None and PUBLIC_COST in comparison.levels:
                cost = scale_of(comparison, PUBLIC_COST)
                more = cost.signed(row.variant.differences[PUBLIC_COST].mean)
                words += f", cost {printed(more)} {cost.unit}"
        elif row.variant is not None and row.left_out:
            words += f",\nwithout {row.left_out} of {comparison.design.draws} draws"
        axes.annotate(words, (MARGIN + 0.008, row.top + 0.5 * tall), fontsize=6.8, linespacing=1.05, **at)


def _say_not_reached(axes: Axes, row: _Row, y: float) -> None:
    axes.annotate(
        f"{NOT_REACHED} in {row.left_out} of {len(row.option.equal(row.money).payments)} draws", (0.0, y),
        xycoords=("axes fraction", "data"), va="center", fontsize=7, fontstyle="italic",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6}, zorder=5,
    )  # fmt: skip


# --- ticks --------------------------------------------------------------------------------------------------


def common_ticks(extents: Sequence[tuple[float, float]], most: int = 5) -> list[tuple[float, ...]]:
    """Round ticks for several panels that enclose what each shows, with zero at the same place in all of them.

    Every panel has as many steps left of zero as any other, and as many right of it; of all such pairs with at most
    ``most`` steps that is taken which leaves least empty space; of those that leave the same, the most even one.

    Args:
        extents: lowest and highest value of each panel, zero between them.
    """
    pairs = [(left, steps - left) for steps in range(2, most + 1) for left in range(1, steps)]

    def taken_up(pair: tuple[int, int]) -> float:
        return sum(
            sum(pair) * _round_step(*ends, *pair) / (ends[1] - ends[0]) for ends in extents if any(ends)
        )

    left, right = min(pairs, key=lambda pair: (round(taken_up(pair), 6), abs(pair[0] - pair[1]), -sum(pair)))
    return [
        tuple(place * _round_step(*ends, left, right) for place in range(-left, right + 1))
        for ends in extents
    ]


def _round_step(low: float, high: float, left: int, right: int) -> float:
    """The smallest round step of which so many left and right of zero enclose a range; 1 where it is zero alone."""
    least = max(-low / left, high / right)
    if least <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in ROUND_STEPS if step * power >= least), 100.0 * power)


def _ruled(axes: Axes, ticks: Sequence[float], tall: float, plot: float) -> float:
    """Give a panel so many inches wide its ticks, with air beside them, two dots wide; the value of a dot's width."""
    width = DOT * (ticks[-1] - ticks[0]) / (plot - 4.0 * DOT)
    axes.set_xlim(ticks[0] - 2.0 * width, ticks[-1] + 2.0 * width)
    axes.set_ylim(tall, 0.0)
    quiet_axis(axes)
    axes.set_xticks(ticks)
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(FuncFormatter(_signed_tick))
    axes.axvline(0.0, color=INK, linewidth=0.8, zorder=1)
    return width


# --- differences --------------------------------------------------------------------------------------------


def differences_figure(comparison: Comparison) -> Figure:
    """Quantile dotplots: a panel for each main outcome, a row for each option in each way of paying, fifty dots a row.

    A dot stands for 2 per cent of the parameter draws, luck taken out, so that those on the good side of zero can be
    counted; zero is at the same place in every panel. A line below the dots is luck, over single worlds.
    """
    names, rows = _shown_as_dots(comparison), _rows(comparison, DOT_ROW)
    across = 1 if len(names) < 2 else 2
    title = _title(comparison, names, rows)
    tall = rows[-1].top + DOT_ROW
    top, block, bottom = 0.42 + 0.2 * (title.count("\n") + 1), tall + 0.74, 1.06
    height = top + math.ceil(len(names) / across) * block + bottom
    wide = (WIDTH_INCHES - LABEL_INCHES) / across
    plot = wide - WORDS_INCHES
    with own_style():
        figure = new_figure(height)
        scales = {name: scale_of(comparison, name) for name in names}
        ticks = common_ticks([_extent(rows, name, scales[name]) for name in names])
        for place, (name, marks) in enumerate(zip(names, ticks, strict=True)):
            left, low = (
                LABEL_INCHES + place % across * wide,
                height - top - (place // across + 1) * block + 0.24,
            )
            axes = figure.add_axes(
                (left / WIDTH_INCHES, low / height, plot / WIDTH_INCHES, tall / height), label=name
            )
            width = _ruled(axes, marks, tall, plot)
            for row in rows:
                _dotplot(axes, row, name, scales[name], marks, width)
            if place % across == 0:
                _label_rows(axes, comparison, rows, DOT_ROW)
            _panel_title(axes, comparison, name, scales[name])
        headline(figure, height, title, _subtitle(comparison))
        _explain_dots(figure, height, rows)
        _footer(figure, height, comparison)
    return figure


def _shown_as_dots(comparison: Comparison) -> list[str]:
    """The main outcomes that have a favourable direction, most important first."""
    known = [name for name in HEADLINES if name in comparison.levels]
    return [name for name in known if comparison.outcome(name).better != "neither"]


def _title(comparison: Comparison, names: Sequence[str], rows: Sequence[_Row]) -> str:
    """What the figure says in one sentence: with which options the main outcome is likely better, and when."""
    plain = "What each option would change"
    if MAIN not in names:
        return plain
    better: dict[Money, list[str]] = {money: [] for money in comparison.monies}
    known = False
    for row in rows:
        if row.variant is not None:
            side = verdict_of(row.variant.differences[MAIN].shares).side
            known = known or side != "unknown"
            better[row.money] += [row.name] if side == "better" else []
    if not known:
        return plain
    outcome = label(MAIN)[0].lower() + label(MAIN)[1:]

    def lines(named: bool) -> list[str]:
        said = []
        for money, found in better.items():
            which = ", ".join(found) if named else f"{len(found)} of {len(comparison.options)} options"
            several = money == "as it stands" and len(found) > 1
            said.append(f"{which if found else 'no option'} {'as they stand' if several else money}")
        return textwrap.wrap(f"Likely better in {outcome}: {'; '.join(said)}", TITLE_LETTERS)

    return "\n".join(lines(named=len(lines(named=True)) <= MOST_TITLE_LINES))


def _extent(rows: Sequence[_Row], name: str, scale: Scale) -> tuple[float, float]:
    """What the ticks of a panel enclose: forty-six of fifty dots, 5 to 95 per cent over worlds, and zero.

    Where all dots were enclosed, a single one could press the others into a line.
    """
    found = [row.variant.differences[name] for row in rows if row.variant is not None]
    drawn = [v for one in found for v in (*(one.dots[2:-2] or (one.mean,)), one.worlds.low, one.worlds.high)]
    ends = [0.0, *(value / scale.divisor for value in drawn if math.isfinite(value))]
    return min(ends), max(ends)


def _dotplot(axes: Axes, row: _Row, name: str, scale: Scale, ticks: Sequence[float], width: float) -> None:
    """Fifty dots on the base of their row, below it the line of luck, beside it in words how sure it is.

    Dots beyond the last tick on a side are arrows at the edge. Where parameters and luck cannot be told apart there are
    no dots, and a diamond is the mean.
    """
    if row.variant is None:
        _say_not_reached(axes, row, row.top + 0.5 * DOT_ROW)
        return
    found, base = row.variant.differences[name], row.top + 0.84 * DOT_ROW
    luck = [found.worlds.low / scale.divisor, found.worlds.high / scale.divisor]
    axes.plot(luck, [base + 0.033] * 2, color=MIDDLE, linewidth=2.2, zorder=2, label="luck")
    values = np.array(found.dots or (found.mean,)) / scale.divisor
    left, right = values < ticks[0] - 0.01 * width, values > ticks[-1] + 0.01 * width
    middles = width * np.where(
        values == 0.0, 0.0, np.copysign(np.floor(np.abs(values) / width) + 0.5, values)
    )
    middles[left], middles[right] = ticks[0] - 1.25 * width, ticks[-1] + 1.25 * width
    up = _stacked(middles, 0.8 * DOT_ROW)
    looks = ((left, "<"), (~left & ~right, "o" if found.dots else "D"), (right, ">"))
    for which, marker in looks:
        axes.plot(
            middles[which], base - up[which], **_mark(row.stands), marker=marker, zorder=3, label="dots"
        )
    axes.annotate(
        _how_sure(found.shares), (1.0, row.top + 0.5 * DOT_ROW), xycoords=("axes fraction", "data"), xytext=(5, 0),
        textcoords="offset points", va="center", fontsize=6.8, linespacing=1.1,
    )  # fmt: skip


def _mark(filled: bool) -> dict[str, Any]:
    """A dot: filled for an option as it stands, hollow at equal public money; a thin edge where two overlap."""
    return {
        "linestyle": "", "markersize": 72.0 * DOT if filled else 72.0 * DOT - 0.7,
        "markerfacecolor": DARK if filled else "white", "markeredgecolor": "white" if filled else DARK,
        "markeredgewidth": 0.25 if filled else 0.7, "snap": False,
    }  # fmt: skip


def _stacked(columns: Floats, room: float) -> Floats:
    """Inches above the base of dots in columns: one above another, overlapping where there is too little room."""
    below = np.array([np.count_nonzero(columns[:place] == one) for place, one in enumerate(columns)])
    return 0.5 * DOT + min(DOT, (room - DOT) / max(int(below.max()), 1)) * below


def _how_sure(shares: Shares) -> str:
    """The word that shares of draws bear, above the share that it is said of, with 5 to 95 per cent of that share."""
    said = verdict_of(shares)
    luck = "~" if shares.mostly_luck else ""
    if said.side == "unknown":
        return "too little was run\nto tell how surely"
    if said.side == "the same":
        return f"no difference\nin {round(shares.same * shares.draws)} of {shares.draws} draws"
    if said.side == "cannot tell":
        return f"cannot tell, better:\n{luck}{share_and_range(shares, shares.better)}"
    return f"{said.word} {said.side}\n{luck}{share_and_range(shares, said.share)}"


def _panel_title(axes: Axes, comparison: Comparison, name: str, scale: Scale) -> None:
    """Above a panel: its outcome, the reference's level, and in words which direction is good."""
    level = scale.level(comparison.levels[name].mean)
    unit = "" if scale.unit in ("", label(name).lower()) else f" {scale.unit}"
    above: dict[str, Any] = {
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "annotation_clip": False,
    }
    axes.annotate(label(name), (0.0, 1.0), xytext=(0, 22), fontsize=8.8, fontweight="bold", **above)
    axes.annotate(
        f"change from the reference's {level}{unit}",
        (0.0, 1.0),
        xytext=(0, 12),
        fontsize=7,
        color=QUIET,
        **above,
    )
    sides = (
        ("← worse", "better →") if comparison.outcome(name).better == "higher" else ("← better", "worse →")
    )
    for words, x, ha in zip(sides, (0.0, 1.0), ("left", "right"), strict=True):
        axes.annotate(words, (x, 1.0), xytext=(0, 1), fontsize=7.2, ha=ha, **above)


def _explain_dots(figure: Figure, height: float, rows: Sequence[_Row]) -> None:
    dot = "a dot: 2 % of the parameter draws (what we do not know)"
    handles = [Line2D([], [], marker="o", label=f"{dot}, as it stands", **_mark(True))]
    if not all(row.stands for row in rows):
        handles.append(Line2D([], [], marker="o", label="at equal public money", **_mark(False)))
    handles.append(Line2D([], [], color=MIDDLE, linewidth=2.2, label="luck: 5–95 % over single worlds"))
    legend_below(figure, height, handles, 0.74)
    figure.text(
        MARGIN, 0.44 / height,
        "Dots right and left of zero can be counted; an arrow is one beyond the axis. Beside them: the share of draws,"
        " 5–95 % of that share, and the\nword that its lower end bears; ~ is mostly luck, which more worlds would tell."
        " Draws that do not come to equal public money are left out.",
        fontsize=6.8, color=QUIET, linespacing=1.2,
    )  # fmt: skip


# --- funnel -------------------------------------------------------------------------------------------------


def funnel_figure(comparison: Comparison) -> Figure:
    """From members to contracts and exports: above the reference's funnel, below what options change at each stage.

    Read down a column to compare options at a stage, and along a row to see where in the funnel an option acts.
    """
    stages = [name for name in (*FUNNEL, FUNNEL_END) if name in comparison.levels]
    rows = _rows(comparison, FUNNEL_ROW)
    title = _funnel_title(comparison, stages)
    tall = rows[-1].top + FUNNEL_ROW
    top, bottom = 0.56 + 0.2 * (title.count("\n") + 1), 1.2
    height = top + FUNNEL_TALL + 0.42 + tall + bottom
    wide = (WIDTH_INCHES * (1.0 - MARGIN) - LABEL_INCHES) / max(len(stages), 1)
    plot = wide - NUMBER_INCHES
    (ticks,) = common_ticks([_change_extent(comparison, rows, stages)], most=4)
    with own_style():
        figure = new_figure(height)
        for place, name in enumerate(stages):
            left, share = (LABEL_INCHES + place * wide) / WIDTH_INCHES, plot / WIDTH_INCHES
            above = figure.add_axes(
                (left, (height - top - FUNNEL_TALL) / height, share, FUNNEL_TALL / height),
                label=f"level {name}",
            )
            _reference_level(above, comparison, name, stages)
            axes = figure.add_axes((left, bottom / height, share, tall / height), label=f"change {name}")
            _ruled(axes, ticks, tall, plot)
            axes.set_xticks([ticks[0], 0.0, ticks[-1]])
            for row in rows:
                if row.variant is not None:
                    _stage_change(axes, row, _change(comparison, row.variant, name))
                elif place == 0:
                    _say_not_reached(axes, row, row.top + 0.5 * FUNNEL_ROW)
            if place == 0:
                _label_rows(axes, comparison, rows, FUNNEL_ROW)
        figure.text(
            MARGIN,
            (bottom + tall + 0.05) / height,
            "Change, % of the reference",
            fontsize=8.5,
            fontweight="bold",
        )
        headline(figure, height, title, _subtitle(comparison))
        figure.text(
            MARGIN, (height - top - FUNNEL_TALL) / height, textwrap.fill(short(comparison.reference_title), 24),
            fontsize=8.5, fontweight="bold",
        )  # fmt: skip
        ranged = {"linestyle": "-", "linewidth": 2.2, "color": MIDDLE, "marker": "o"}
        words = "change of the mean, with 5–95 % over parameter draws, as it stands"
        handles = [Line2D([], [], **{**_mark(True), **ranged}, label=words)]
        if not all(row.stands for row in rows):
            handles.append(
                Line2D([], [], **{**_mark(False), **ranged}, label="the same at equal public money")
            )
        legend_below(figure, height, handles, 0.66)
        figure.text(
            MARGIN, 0.44 / height,
            "Every stage counts members of covenants, each once, by what they ever reached in a covenant's market: each"
            " is a part of the one before.",
            fontsize=6.8, color=QUIET,
        )  # fmt: skip
        _footer(figure, height, comparison)
    return figure


def _funnel_title(comparison: Comparison, stages: Sequence[str]) -> str:
    """How much of the reference's funnel is left at its end, and by how much the options change that."""
    counts = [name for name in stages if name in FUNNEL]
    if len(counts) < 2:
        return "Where each option acts"
    first, last = counts[0], counts[-1]
    changes = [
        change
        for option in comparison.options
        if math.isfinite(change := _change(comparison, option.as_it_stands, last)[1])
    ]
    words = [
        f"{comparison.levels[name].mean:,.0f}{become} {label(name).lower()}"
        for name, become in ((first, ""), (last, " become"))
    ]
    text = f"Of {words[0]}, {words[1]}"
    if changes:
        ends = [_whole_percent(change) for change in (min(changes), max(changes))]
        text += f"; the options change that by {ends[0] if ends[0] == ends[1] else ' to '.join(ends)}"
    return "\n".join(textwrap.wrap(text, TITLE_LETTERS))


def _reference_level(axes: Axes, comparison: Comparison, name: str, stages: Sequence[str]) -> None:
    """One stage of the reference's funnel: a bar as tall as its mean; exports, in another unit, are a number."""
    counts = [comparison.levels[one].mean for one in stages if one in FUNNEL]
    mean, scale = comparison.levels[name].mean, scale_of(comparison, name)
    counted = name in FUNNEL and math.isfinite(mean)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.3 * max((one for one in counts if math.isfinite(one)), default=0.0) or 1.0)
    quiet_axis(axes)
    axes.set_xticks([])
    axes.set_yticks([])
    if counted:
        axes.bar(0.5, mean, width=0.86, color=MIDDLE)
    decimals = 0 if abs(mean) >= 100.0 * scale.divisor else 1
    number = f"{mean / scale.divisor:,.{decimals}f}" if math.isfinite(mean) else NOTHING
    axes.annotate(
        number if counted else f"{number}\n{scale.unit}", (0.5, mean if counted else 0.0), xytext=(0, 2),
        textcoords="offset points", ha="center", fontsize=8, fontweight="bold",
    )  # fmt: skip
    axes.annotate(
        textwrap.fill(label(name), 16), (0.5, 0.0), xytext=(0, -3), textcoords="offset points", ha="center", va="top",
        fontsize=7.2, linespacing=1.05, annotation_clip=False,
    )  # fmt: skip


def _stage_change(axes: Axes, row: _Row, change: tuple[float, float, float]) -> None:
    """Change of one option at one stage in per cent of the reference: mean, 5 to 95 per cent, and the number."""
    low, mean, high = change
    y = row.top + 0.5 * FUNNEL_ROW
    axes.plot([low, high], [y, y], color=MIDDLE, linewidth=2.2, zorder=2, label="draws")
    axes.plot([mean], [y], **_mark(row.stands), marker="o", zorder=3, label="mean")
    axes.annotate(
        _whole_percent(mean), (1.0, y), xycoords=("axes fraction", "data"), xytext=(27, 0),
        textcoords="offset points", ha="right", va="center", fontsize=7,
    )  # fmt: skip


def _whole_percent(change: float) -> str:
    """A change in whole per cent, with its sign; a plain zero where it rounds to nothing."""
    if not math.isfinite(change):
        return NOTHING
    return printed(f"{change:+.0f} %") if abs(change) >= 0.5 else "0 %"


def _change(comparison: Comparison, variant: Variant, name: str) -> tuple[float, float, float]:
    """(low, mean, high) of a difference in per cent of the reference's mean; nan where that is zero."""
    found, reference = variant.differences[name], comparison.levels[name].mean
    per_cent = 100.0 / abs(reference) if reference else math.nan
    return found.draws.low * per_cent, found.mean * per_cent, found.draws.high * per_cent


def _change_extent(
    comparison: Comparison, rows: Sequence[_Row], stages: Sequence[str]
) -> tuple[float, float]:
    """Lowest and highest change that is drawn, zero among them."""
    drawn = [
        end
        for row in rows
        for name in stages
        if row.variant is not None
        for end in _change(comparison, row.variant, name)
    ]
    ends = [0.0, *(end for end in drawn if math.isfinite(end))]
    return min(ends), max(ends)


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
    return f"Compared with {short(comparison.reference_title)}, {comparison.period}."


def headline(figure: Figure, height: float, title: str, subtitle: str) -> None:
    """Title, of one line or more, and subtitle at the top of a figure."""
    below = 0.22 + 0.2 * (title.count("\n") + 1)
    figure.text(MARGIN, 1 - 0.16 / height, title, fontsize=12.5, fontweight="bold", va="top")
    figure.text(MARGIN, 1 - below / height, subtitle, fontsize=8, color=QUIET, va="top")


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
