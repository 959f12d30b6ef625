"""The comparison as text for policy designers: what each option costs and changes, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from passaat.experiments.analyses.bench import Money
from passaat.experiments.analyses.compare import Comparison, OptionResult, Variant
from passaat.experiments.reports.blocks import (
    Block,
    Column,
    Gap,
    Group,
    Heading,
    Note,
    Report,
    Row,
    Section,
    Sentence,
    Stack,
    Table,
)
from passaat.experiments.reports.money import NOT_REACHED, scale_of
from passaat.experiments.reports.terminal import plain_text
from passaat.experiments.results.numbers import NOTHING, Scale, percent, times
from passaat.experiments.results.outcomes import HEADLINES, PUBLIC_COST, label
from passaat.experiments.stats.pairing import Difference, Interval
from passaat.shown import shown

_WIDTHS: Final = (20, 19, 20, 20, 8, 8)
_STACKS: Final = (Stack(2, 22), Stack(4, 9))
"""Widths of the six columns of every table here, so that they line up; where there is little room the two ranges stand
below one another, and the last two columns, so that they fit 80 characters.
"""

FEW_DRAWS: Final = 20
"""Below this many parameter draws a 5-95 % range is little more than the two most extreme draws."""


def comparison_text(comparison: Comparison, *, all_outcomes: bool = False) -> str:
    """The same as plain text, 104 columns wide; the same bytes for the same study."""
    return plain_text(comparison_report(comparison, all_outcomes=all_outcomes))


def comparison_report(comparison: Comparison, *, all_outcomes: bool = False, noticed: bool = False) -> Report:
    """Heading, money, differences as options stand and at equal public money, and how to read them.

    With ``all_outcomes`` every outcome instead of the headlines; ``noticed`` leaves out the line that says why results
    are uncalibrated, where it was said before.
    """
    present = [outcome.name for outcome in comparison.outcomes]
    names = present if all_outcomes else [name for name in HEADLINES if name in present]
    blocks: list[Block] = [*_heading(comparison, noticed), Gap(), *_money(comparison), Gap()]
    for money in ("as it stands", "at equal public money"):
        blocks += [*_differences(comparison, names, money), Gap()]
    blocks += _reading(comparison)
    if len(names) < len(present) and not all_outcomes:
        blocks.append(Note(f"Shown: {len(names)} of {len(present)} outcomes; --all shows every one."))
    return Report(_title(comparison), tuple(blocks), facts_of(comparison))


def facts_of(comparison: Comparison) -> dict[str, str]:
    """What a comparison rests on."""
    design = comparison.design
    return {
        "passaat": comparison.version,
        "behaviour of the model": comparison.behaviour,
        "reference": comparison.reference_hash,
        "parameters": comparison.drawn_from,
        "uncalibrated": comparison.basis.uncalibrated,
        "draws": str(design.draws),
        "worlds per draw": str(design.worlds),
        "seed": str(design.seed),
    }


def _title(comparison: Comparison) -> str:
    return f"Compared with {comparison.reference}: {shown(comparison.reference_title)}"


def _heading(comparison: Comparison, noticed: bool) -> Iterator[Block]:
    design = comparison.design
    if comparison.basis.notice and not noticed:
        yield Sentence(comparison.basis.notice, "warning")
    yield Heading(_title(comparison))
    yield Sentence(
        f"{comparison.period}; {design.draws * design.worlds} paired worlds:"
        f" {design.draws} parameter draws × {design.worlds} worlds each, seed {design.seed}"
    )
    yield Sentence(f"Parameters: {comparison.drawn_from}.")
    for option in comparison.options:
        yield Sentence(f"{option.name}: {shown(option.description)}")


# --- money --------------------------------------------------------------------------------------------------


def _money(comparison: Comparison) -> Iterator[Block]:
    scale = scale_of(comparison, PUBLIC_COST)
    level = comparison.levels[PUBLIC_COST]
    yield Section("Public cost")
    yield Sentence(
        f"Reference: {scale.level(level.mean)} ± {scale.level(level.error)} {scale.unit};"
        f" over parameter draws {scale.between(level.draws, signed=False)}"
    )
    rows = tuple(
        _row(comparison, option, option.as_it_stands, PUBLIC_COST, scale) for option in comparison.options
    )
    yield _table(
        ("option", f"difference, {scale.unit}", "over draws", "over worlds", "cheaper", "pairing"),
        Group(rows),
    )
    yield Note("To cost what the reference costs (used below, at equal public money):")
    for option in comparison.options:
        equal = option.equal_money
        if equal.reached:
            yield Sentence(
                f"{option.name}: {equal.factor:.2f} times its own amount per covenant; its public cost is then"
                f" {100 * equal.cost_ratio:.1f} % of the reference's."
            )
        else:
            yield Sentence(f"{option.name}: equal public money {equal.note}.", "warning")


# --- differences --------------------------------------------------------------------------------------------


def _differences(comparison: Comparison, names: Sequence[str], money: Money) -> Iterator[Block]:
    title = {
        "as it stands": "Differences from the reference, options as they stand",
        "at equal public money": "Differences from the reference, at equal public money",
    }[money]
    yield Section(title)
    yield _table(
        ("", "difference ± error", "over draws", "over worlds", "better", "pairing"),
        *(_group(comparison, name, money) for name in names),
    )


def _group(comparison: Comparison, name: str, money: Money) -> Group:
    """An outcome, and one row for each option."""
    outcome, scale, level = comparison.outcome(name), scale_of(comparison, name), comparison.levels[name]
    unit = "" if scale.difference_unit in ("", label(name).lower()) else f", {scale.difference_unit}"
    sign = " %" if scale.unit == "%" else ""
    rows: list[Row] = []
    for option in comparison.options:
        if money == "as it stands":
            rows.append(_row(comparison, option, option.as_it_stands, name, scale))
        elif option.equal_money.reached:
            rows.append(_row(comparison, option, option.at_equal_money, name, scale))
        else:
            rows.append((option.name, NOT_REACHED, NOTHING, NOTHING, NOTHING, NOTHING))
    return Group(
        tuple(rows),
        label(name),
        f"{unit}; reference {scale.level(level.mean)} ± {scale.level(level.error)}{sign}",
        " (neither direction is better)" if outcome.better == "neither" else "",
    )


def _row(
    comparison: Comparison, option: OptionResult, variant: Variant, name: str, scale: Scale
) -> tuple[str, ...]:
    found = variant.differences[name]
    planned = comparison.design.draws * comparison.design.worlds
    named = option.name + (f" ({found.pairs} pairs)" if found.pairs < planned else "")
    if found.pairs and not found.error and not found.mean and found.worlds == Interval(0.0, 0.0):
        return named, "no difference", NOTHING, NOTHING, NOTHING, NOTHING
    return (
        named,
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


def _table(labels: Sequence[str], *groups: Group) -> Table:
    """A table of the common column widths, so that tables under one another line up."""
    columns = tuple(
        Column(one, "left" if place == 0 else "right", width)
        for place, (one, width) in enumerate(zip(labels, _WIDTHS, strict=True))
    )
    return Table(columns, groups, stacks=_STACKS)


# --- how to read it -----------------------------------------------------------------------------------------


def _reading(comparison: Comparison) -> Iterator[Block]:
    design = comparison.design
    yield Sentence(
        "± Monte Carlo error of the mean. over draws: 5–95 % of the mean difference over parameter draws,"
        " simulation noise removed: what we do not know. over worlds: 5–95 % of single worlds: luck."
    )
    yield Sentence(
        "better: share of parameter draws whose mean difference is favourable; cheaper: the same of public cost. Never"
        f" given as surer than 1 in {design.draws + 1}, which is what {design.draws} draws can show."
        " pairing: how many times as many worlds unpaired runs would need."
        f" {design.draws * design.worlds} paired worlds, model {comparison.version}."
    )
    if design.draws < FEW_DRAWS:
        yield Sentence(
            f"{design.draws} draws are too few to read ranges over draws or better; take at least {FEW_DRAWS}."
        )
    for option in comparison.options:
        if option.assumed_levers:
            yield Note(
                f"{option.name} rests on assumptions, not on data, for: {', '.join(option.assumed_levers)}."
            )
    if comparison.failures:
        first = comparison.failures[0]
        yield Sentence(
            f"{len(comparison.failures)} runs failed and are left out of their pairs; the first: {first.option},"
            f" draw {first.draw}, world {first.world}: {shown(first.reason)}",
            "failure",
        )
