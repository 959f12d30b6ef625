"""The comparison as text for policy designers: what each option costs and changes, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from passaat.experiments.analyses.bench import Money
from passaat.experiments.analyses.compare import AT_EQUAL_MONEY, Comparison, OptionResult
from passaat.experiments.analyses.equal_money import AMOUNT, CEILING, EqualMoney
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
from passaat.experiments.results.numbers import NOTHING, Scale, three_shares, times
from passaat.experiments.results.outcomes import HEADLINES, PUBLIC_COST, UNTIL_EVALUATION, label
from passaat.experiments.stats.pairing import HIGH, LOW, Difference, Interval, Level
from passaat.scenarios.levers import LEVERS
from passaat.shown import shown

_WIDTHS: Final = (20, 18, 18, 18, 13, 8)
_STACKS: Final = (Stack(2, 22), Stack(4, 9))
"""Widths of the six columns of every table here, so that they line up; where there is little room the two ranges stand
below one another, and the last two columns, so that they fit 80 characters.
"""

_THREE: Final = "shares, %"

_PART_WIDTHS: Final = (33, 16, 17, 17, 13)
"""The same where names of parts stand first, which are longer."""

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
    blocks += _horizons(comparison)
    for money in comparison.monies:
        blocks += [*_differences(comparison, names, money), Gap()]
    blocks += _parts(comparison)
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
        _row(comparison, option.name, option.as_it_stands.differences[PUBLIC_COST], scale)
        for option in comparison.options
    )
    yield _table(
        ("option", f"difference, {scale.unit}", "over draws", "over worlds", _THREE, "pairing"),
        Group(rows),
    )
    for money in comparison.monies[1:]:
        yield Note(f"To cost what the reference costs in each draw ({money}, below):")
        for option in comparison.options:
            yield _paid(option, option.equal(money))
        if money == AT_EQUAL_MONEY:
            yield Note(
                "What more money buys is an assumption: amounts pay for the difference, and take it back."
            )


def _paid(option: OptionResult, equal: EqualMoney) -> Sentence:
    """What an option is paid for with, and in how many draws money is then equal."""
    if not equal.reached:
        return Sentence(f"{option.name}: {equal.note}.", "warning")
    moved = []
    for moves in dict.fromkeys(payment.moves for payment in equal.payments if payment.moves):
        values = equal.values(moves)
        if values:
            low, middle, high = (float(one) for one in np.quantile(values, (LOW, 0.5, HIGH)))
            what = "every public amount times" if moves == AMOUNT else f"{LEVERS[moves].label_en} at"
            digits = {AMOUNT: ",.2f", CEILING: ",.0f"}.get(moves, ",.1f")
            unit = "" if moves == AMOUNT else f" {LEVERS[moves].unit}"
            moved.append(
                f"{what} {middle:{digits}} ({low:{digits}} to {high:{digits}}){unit} in {len(values)} draws"
            )
    draws = len(equal.payments)
    missed = draws - equal.n_reached
    return Sentence(
        f"{option.name}: {'; '.join(moved) or 'nothing needs to be moved'}."
        + (f" Not reached, and left out, in {missed} of {draws} draws." if missed else "")
    )


# --- differences --------------------------------------------------------------------------------------------


def _differences(comparison: Comparison, names: Sequence[str], money: Money) -> Iterator[Block]:
    how = "options as they stand" if money == "as it stands" else money
    yield Section(f"Differences from the reference, {how}")
    yield _table(
        ("", "difference ± error", "over draws", "over worlds", _THREE, "pairing"),
        *(_group(comparison, name, money) for name in names),
    )


def _group(comparison: Comparison, name: str, money: Money) -> Group:
    """An outcome, and one row for each option."""
    outcome, scale, level = comparison.outcome(name), scale_of(comparison, name), comparison.levels[name]
    unit = "" if scale.difference_unit in ("", label(name).lower()) else f", {scale.difference_unit}"
    sign = " %" if scale.unit == "%" else ""
    rows: list[Row] = []
    for option in comparison.options:
        variant = option.variant(money)
        if variant is not None:
            rows.append(_row(comparison, option.name, variant.differences[name], scale))
        else:
            rows.append((option.name, NOT_REACHED, NOTHING, NOTHING, NOTHING, NOTHING))
    return Group(
        tuple(rows),
        label(name),
        f"{unit}; reference {scale.level(level.mean)} ± {scale.level(level.error)}{sign}",
        " (neither direction is better)" if outcome.better == "neither" else "",
    )


def _row(
    comparison: Comparison, name: str, found: Difference, scale: Scale, worlds: int = 0
) -> tuple[str, ...]:
    planned = comparison.design.draws * (worlds or comparison.design.worlds)
    named = name + (f" ({found.pairs} pairs)" if found.pairs < planned else "")
    if found.pairs and not found.error and not found.mean and found.worlds == Interval(0.0, 0.0):
        return named, "no difference", NOTHING, NOTHING, three_shares(found.shares), NOTHING
    return (
        named,
        f"{scale.signed(found.mean)} ± {scale.level(found.error)}",
        _over_draws(found, scale),
        scale.between(found.worlds),
        three_shares(found.shares),
        times(found.variance_reduction),
    )


def _horizons(comparison: Comparison) -> Iterator[Block]:
    """The main outcome until an evaluation would look and until the end: mean, median, and what lies between."""
    until, end = UNTIL_EVALUATION, HEADLINES[0]
    if not {until, end} <= comparison.levels.keys():
        return
    scale = scale_of(comparison, end)
    year, last = comparison.evaluation_year, comparison.last_year
    yield Section(f"{label(end)}, until {year} and until {last}, {scale.unit}")
    rows = [("the reference", *_horizon(scale.level, comparison.levels[until], comparison.levels[end]))]
    rows += [
        (
            option.name,
            *_horizon(
                scale.signed, option.as_it_stands.differences[until], option.as_it_stands.differences[end]
            ),
        )
        for option in comparison.options
    ]
    labels = ("", f"until {year}: mean", "median", f"until {last}: mean", "median", f"after {year}")
    yield _table(labels, Group(tuple(rows)))
    yield Note(
        f"Until {year}: two years after the window, as far as the evaluation of PIB 2016-2020 looked. Nothing observed"
        f" bears on what comes after {year}."
    )
    yield Gap()


def _horizon(
    write: Callable[[float], str], until: Level | Difference, end: Level | Difference
) -> tuple[str, ...]:
    beyond = 1.0 - until.mean / end.mean if end.mean and until.mean / end.mean >= 0.0 else math.nan
    shown = f"{100.0 * beyond:.0f} %" if 0.0 <= beyond <= 1.0 else NOTHING
    return write(until.mean), write(until.median), write(end.mean), write(end.median), shown


def _parts(comparison: Comparison) -> Iterator[Block]:
    """What each part of an option changes alone, by the main outcome and in public money."""
    taken_apart = [option for option in comparison.options if option.parts]
    if not taken_apart:
        return
    yield Section(f"Parts of options, each alone, on {comparison.part_worlds} worlds of each draw")
    groups = []
    for name in (HEADLINES[0], PUBLIC_COST):
        if name not in taken_apart[0].parts[0].differences:
            continue
        scale = scale_of(comparison, name)
        for option in taken_apart:
            rows = tuple(
                _row(comparison, part.name, part.differences[name], scale, comparison.part_worlds)[:-1]
                for part in option.parts
            )
            groups.append(Group(rows, f"{option.name}: {label(name)}", f", {scale.difference_unit}"))
    yield _table(
        ("", "difference ± error", "over draws", "over worlds", _THREE), *groups, widths=_PART_WIDTHS
    )
    if comparison.part_worlds < comparison.design.worlds:
        yield Note("--parts runs them in every world.")
    yield Gap()


def _over_draws(found: Difference, scale: Scale) -> str:
    """Range over draws; a range of no width under noise is not certainty, and is not printed as such."""
    if found.error and found.draws.low == found.draws.high:
        return "too few worlds"
    return scale.between(found.draws)


def _table(labels: Sequence[str], *groups: Group, widths: Sequence[int] = _WIDTHS) -> Table:
    """A table of common column widths, so that tables under one another line up."""
    columns = tuple(
        Column(one, "left" if place == 0 else "right", width)
        for place, (one, width) in enumerate(zip(labels, widths, strict=True))
    )
    return Table(columns, groups, stacks=_STACKS[: len(labels) - 4])


# --- how to read it -----------------------------------------------------------------------------------------


def _reading(comparison: Comparison) -> Iterator[Block]:
    design = comparison.design
    yield Sentence(
        "± Monte Carlo error of the mean. over draws: 5–95 % of the mean difference over parameter draws,"
        " simulation noise removed: what we do not know. over worlds: 5–95 % of single worlds: luck."
    )
    yield Sentence(
        "shares: better / same / worse, of parameter draws whose mean difference is favourable, exactly nothing, and"
        " unfavourable; of public cost, cheaper is better. ~ before them: mostly luck, which then draws shares"
        " towards one half; more worlds (--worlds) would tell. pairing: how many times as many worlds unpaired runs"
        f" would need. {design.draws * design.worlds} paired worlds, model {comparison.version}."
    )
    if design.draws < FEW_DRAWS:
        yield Sentence(
            f"{design.draws} draws are too few to read ranges over draws or shares; take at least {FEW_DRAWS}."
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
