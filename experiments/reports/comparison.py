"""The comparison as text for policy designers: what each option costs and changes, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from passaat.experiments.analyses.bench import Money
from passaat.experiments.analyses.compare import Comparison, OptionResult, Variant
from passaat.experiments.reports.money import NOT_REACHED, scale_of
from passaat.experiments.results.numbers import NOTHING, Scale, label, percent, times
from passaat.experiments.results.outcomes import HEADLINES, PUBLIC_COST
from passaat.experiments.stats.pairing import Difference, Interval
from passaat.screen import Blocks, Screen, Section, Whole
from passaat.shown import shown

PLAIN_WIDTH: Final = 104
"""Columns used where there is no terminal to ask."""

_WIDE: Final = (20, 19, 20, 20, 8, 8)
_NARROW: Final = (20, 19, 22, 9)
"""Column widths: six columns, or four of which the last two hold two lines each, to fit 80 characters."""


FEW_DRAWS: Final = 20
"""Below this many parameter draws a 5-95 % range is little more than the two most extreme draws."""


def print_comparison(
    comparison: Comparison, console: Console, *, all_outcomes: bool = False, noticed: bool = False
) -> None:
    """Print the comparison; with ``all_outcomes`` every outcome instead of the headlines, with ``noticed`` without the
    line that says why it is uncalibrated.
    """
    width = min(console.width, PLAIN_WIDTH) if console.is_terminal else PLAIN_WIDTH
    view = comparison_view(comparison, all_outcomes=all_outcomes, narrow=width < PLAIN_WIDTH, noticed=noticed)
    before, console.width = console.width, width
    try:
        console.print(view)
    finally:
        console.width = before


def plain_text(view: RenderableType) -> str:
    """A view as plain text, 104 columns wide; the same bytes for the same view."""
    out = StringIO()
    Screen(PLAIN_WIDTH, out, plain=True).print(view)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def comparison_text(comparison: Comparison, *, all_outcomes: bool = False) -> str:
    """The same as plain text, 104 columns wide; the same bytes for the same study."""
    return plain_text(comparison_view(comparison, all_outcomes=all_outcomes))


def comparison_view(
    comparison: Comparison, *, all_outcomes: bool = False, narrow: bool = False, noticed: bool = False
) -> RenderableType:
    """Heading, money, differences as options stand and at equal public money, and how to read them.

    ``narrow`` stacks the ranges, and the last two columns, to fit 80 characters; ``noticed`` leaves out the line that
    says why results are uncalibrated, where it was said before.
    """
    present = [outcome.name for outcome in comparison.outcomes]
    shown = present if all_outcomes else [name for name in HEADLINES if name in present]
    parts: list[RenderableType] = [
        *_heading(comparison, noticed),
        Text(),
        *_money(comparison, narrow),
        Text(),
    ]
    for money in ("as it stands", "at equal public money"):
        parts += [*_differences(comparison, shown, money, narrow), Text()]
    parts += _reading(comparison)
    if not all_outcomes and len(shown) < len(present):
        parts.append(
            Text(f"Shown: {len(shown)} of {len(present)} outcomes; --all shows every one.", style="dim")
        )
    return Group(*parts)


def _heading(comparison: Comparison, noticed: bool) -> Iterator[RenderableType]:
    design = comparison.design
    if comparison.basis.notice and not noticed:
        yield Text(comparison.basis.notice, style="yellow")
    yield Text(f"Compared with {comparison.reference}: {shown(comparison.reference_title)}", style="bold")
    yield Text(
        f"{comparison.period}; {design.draws * design.worlds} paired worlds:"
        f" {design.draws} parameter draws × {design.worlds} worlds each, seed {design.seed}"
    )
    yield Text(f"Parameters: {comparison.drawn_from}.")
    for option in comparison.options:
        yield Text(f"{option.name}: {shown(option.description)}")


# --- money --------------------------------------------------------------------------------------------------


def _money(comparison: Comparison, narrow: bool) -> Iterator[RenderableType]:
    scale = scale_of(comparison, PUBLIC_COST)
    level = comparison.levels[PUBLIC_COST]
    yield Section("Public cost")
    yield Text(
        f"Reference: {scale.level(level.mean)} ± {scale.level(level.error)} {scale.unit};"
        f" over parameter draws {scale.between(level.draws, signed=False)}"
    )
    table = _grid(
        narrow, ("option", f"difference, {scale.unit}", "over draws", "over worlds", "cheaper", "pairing")
    )
    for option in comparison.options:
        name, *cells = _row(comparison, option, option.as_it_stands, PUBLIC_COST, scale)
        table.add_row(*_stacked(narrow, (name.strip(), *cells)))
    yield Whole(table)
    yield Text("To cost what the reference costs (used below, at equal public money):", style="dim")
    for option in comparison.options:
        equal = option.equal_money
        if equal.reached:
            yield Text(
                f"{option.name}: {equal.factor:.2f} times its own amount per covenant; its public cost is then"
                f" {100 * equal.cost_ratio:.1f} % of the reference's."
            )
        else:
            yield Text(f"{option.name}: equal public money {equal.note}.", style="yellow")


# --- differences --------------------------------------------------------------------------------------------


def _differences(
    comparison: Comparison, names: Sequence[str], money: Money, narrow: bool
) -> Iterator[RenderableType]:
    title = {
        "as it stands": "Differences from the reference, options as they stand",
        "at equal public money": "Differences from the reference, at equal public money",
    }[money]
    yield Section(title)
    titles = ("", "difference ± error", "over draws", "over worlds", "better", "pairing")
    yield Blocks(
        _grid(narrow, titles),
        _blocks(comparison, names, money, narrow),
        otherwise=None if narrow else Blocks(_grid(True, titles), _blocks(comparison, names, money, True)),
    )


def _blocks(
    comparison: Comparison, names: Sequence[str], money: Money, narrow: bool
) -> Iterator[tuple[Text, list[tuple[str, ...]]]]:
    """Outcome by outcome, its heading and one row for each option."""
    for name in names:
        outcome, scale, level = comparison.outcome(name), scale_of(comparison, name), comparison.levels[name]
        heading = Text(label(name), style="bold")
        unit = "" if scale.difference_unit in ("", label(name).lower()) else f", {scale.difference_unit}"
        sign = " %" if scale.unit == "%" else ""
        heading.append(
            f"{unit}; reference {scale.level(level.mean)} ± {scale.level(level.error)}{sign}",
            style="not bold",
        )
        if outcome.better == "neither":
            heading.append(" (neither direction is better)", style="dim not bold")
        rows = []
        for option in comparison.options:
            if money == "as it stands":
                cells = _row(comparison, option, option.as_it_stands, name, scale)
            elif option.equal_money.reached:
                cells = _row(comparison, option, option.at_equal_money, name, scale)
            else:
                cells = (f"  {option.name}", NOT_REACHED, NOTHING, NOTHING, NOTHING, NOTHING)
            rows.append(_stacked(narrow, cells))
        yield heading, rows


def _row(
    comparison: Comparison, option: OptionResult, variant: Variant, name: str, scale: Scale
) -> tuple[str, ...]:
    found = variant.differences[name]
    planned = comparison.design.draws * comparison.design.worlds
    name_shown = f"  {option.name}" + (f" ({found.pairs} pairs)" if found.pairs < planned else "")
    if found.pairs and not found.error and not found.mean and found.worlds == Interval(0.0, 0.0):
        return name_shown, "no difference", NOTHING, NOTHING, NOTHING, NOTHING
    return (
        name_shown,
        f"{scale.signed(found.mean)} ± {scale.level(found.error)}",
        _over_draws(found, scale),
        scale.between(found.worlds),
        percent(found.chance_better, comparison.design.draws),
        times(found.variance_reduction),
    )


def _over_draws(found: Difference, scale: Scale) -> str:
    """Range over draws; a range of no width under noise is not certainty, and is not printed as such."""
    if found.error and found.draws.low == found.draws.high:
        return "too few worlds"
    return scale.between(found.draws)


def _stacked(narrow: bool, cells: Sequence[str]) -> tuple[str, ...]:
    """Six cells as they are, or as four: ranges over draws and worlds, and the last two, one above the
    other.
    """
    if not narrow:
        return tuple(cells)
    name, difference, draws, worlds, fifth, sixth = cells
    return name, difference, f"{draws}\n{worlds}", f"{fifth}\n{sixth}"


def _grid(narrow: bool, header: Sequence[str]) -> Table:
    """A table of the common column widths, so that tables under one another line up."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    titles = _stacked(narrow, header)
    for place, (title, width) in enumerate(zip(titles, _NARROW if narrow else _WIDE, strict=True)):
        table.add_column(title, justify="left" if place == 0 else "right", min_width=width)
    return table


# --- how to read it -----------------------------------------------------------------------------------------


def _reading(comparison: Comparison) -> Iterator[RenderableType]:
    design = comparison.design
    yield Text(
        "± Monte Carlo error of the mean. over draws: 5–95 % of the mean difference over parameter draws,"
        " simulation noise removed: what we do not know. over worlds: 5–95 % of single worlds: luck."
    )
    yield Text(
        "better: share of parameter draws whose mean difference is favourable; cheaper: the same of public cost. Never"
        f" given as surer than 1 in {design.draws + 1}, which is what {design.draws} draws can show."
        " pairing: how many times as many worlds unpaired runs would need."
        f" {design.draws * design.worlds} paired worlds, model {comparison.version}."
    )
    if design.draws < FEW_DRAWS:
        yield Text(
            f"{design.draws} draws are too few to read ranges over draws or better; take at least {FEW_DRAWS}."
        )
    for option in comparison.options:
        if option.assumed_levers:
            yield Text(
                f"{option.name} rests on assumptions, not on data, for: {', '.join(option.assumed_levers)}.",
                style="dim",
            )
    if comparison.failures:
        first = comparison.failures[0]
        yield Text(
            f"{len(comparison.failures)} runs failed and are left out of their pairs; the first: {first.option},"
            f" draw {first.draw}, world {first.world}: {shown(first.reason)}",
            style="red",
        )
