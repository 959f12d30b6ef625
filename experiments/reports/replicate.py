"""A study that ran until it was known, as text: differences, the order of policies, and what runs were saved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from passaat.experiments.analyses.replicate import OptionRow, PairRow, Replication, Stop
from passaat.experiments.reports.blocks import (
    Block,
    Cell,
    Column,
    Gap,
    Group,
    Heading,
    Note,
    Report,
    Row,
    Section,
    Sentence,
    Table,
)
from passaat.experiments.results.numbers import NOTHING, Scale, scale_for
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.stats.pairing import Interval
from passaat.experiments.stats.sequential import FEWEST_DIFFERING, Bounds, RunsNeeded
from passaat.shown import shown

_STOPPED: Final[dict[Stop, str]] = {
    "order settled": "its order is clear",
    "precision met": "precise enough",
    "budget ended": "budget ended",
    "last look": "no look beyond",
}


def replication_report(result: Replication) -> Report:
    """Heading, differences of options, order of policies, runs, and how to read them."""
    scale = _scale(result)
    title = (
        f"{result.outcome.label}, run until known: options against {result.reference},"
        f" {shown(result.reference_title)}"
    )
    blocks: list[Block] = [Heading(title), *_heading(result, scale), Gap(), *_options(result, scale)]
    if result.pairs:
        blocks += [Gap(), *_pairs(result, scale)]
    blocks += [Gap(), *_runs(result), Gap(), *_reading(result)]
    return Report(title, tuple(blocks), {"passaat": result.version, "parameters": result.drawn_from})


def _scale(result: Replication) -> Scale:
    """One scale for the whole text, fine enough to show the precision asked for."""
    errors = [result.precision, *(row.error for row in result.options)]
    return scale_for(result.outcome.unit, [result.level, *(row.mean for row in result.options)], errors)


def _unit(scale: Scale) -> str:
    return f" {scale.difference_unit}" if scale.difference_unit else ""


def _heading(result: Replication, scale: Scale) -> Iterator[Block]:
    share = (
        ""
        if result.precision_share is None
        else f", {100.0 * result.precision_share:g} % of the reference's level in the first draws"
    )
    yield Sentence(f"Precision asked for: ± {scale.level(result.precision)}{_unit(scale)}{share}.")
    yield Sentence(
        f"Looked at after {', '.join(map(str, result.looks))} parameter draws of {result.worlds} worlds each,"
        f" seed {result.seed}; budget {result.budget_runs:,} runs."
    )
    yield Sentence(f"Parameters: {result.drawn_from}.")


def _options(result: Replication, scale: Scale) -> Iterator[Block]:
    title = f"Differences from {result.reference}{',' if _unit(scale) else ''}{_unit(scale)}, options as they stand"
    yield Section(title)
    yield _table(
        ("option", "difference", "95 % interval", "± at most", "draws", "precise", "got no more runs"),
        (
            (
                row.name,
                _mean(row, scale),
                _between(row.bounds, scale),
                scale.level(row.reach) if row.bounds.known else NOTHING,
                str(row.draws),
                "yes" if row.met else "no",
                _STOPPED[row.stopped],
            )
            for row in result.options
        ),
    )


def _mean(row: OptionRow, scale: Scale) -> str:
    if row.bounds == Bounds(0.0, 0.0):
        return "no difference"
    return scale.signed(row.mean)


def _between(bounds: Bounds, scale: Scale) -> str:
    return scale.between(Interval(bounds.low, bounds.high)) if bounds.known else "too few differ"


def _pairs(result: Replication, scale: Scale) -> Iterator[Block]:
    yield Section("Order of policies")
    count = len(result.pairs)
    settled = count - len(result.open_pairs)
    yield Sentence(
        f"On average {_order(result)}. Of {count} {'pairs' if count > 1 else 'pair'}, {settled}"
        f" {'are' if settled != 1 else 'is'} settled and {count - settled} open."
    )
    yield _table(
        ("ahead > behind", "by", "interval", "draws", "order"),
        (
            (
                f"{pair.ahead} {'=' if pair.says == 'equal' else '>'} {pair.behind}",
                scale.level(pair.mean),
                _between(pair.bounds, scale),
                str(pair.draws),
                Cell(_verdict(pair, scale), "warning" if pair in result.open_pairs else "plain"),
            )
            for pair in result.pairs
        ),
    )


def _order(result: Replication) -> str:
    equal = {frozenset((pair.ahead, pair.behind)) for pair in result.pairs if pair.says == "equal"}
    text = result.order[0]
    for one, other in pairwise(result.order):
        text += f" {'=' if frozenset((one, other)) in equal else '>'} {other}"
    return text


def _verdict(pair: PairRow, scale: Scale) -> str:
    if pair.says == "ordered":
        return "clear"
    if pair.says == "equal":
        return "no difference in any world"
    if pair.says == "tie":
        most = max(-pair.bounds.low, pair.bounds.high)
        return f"a tie: {scale.level(most)} apart at most"
    if pair.more_draws is None:
        return "open"
    return f"open: some {_about(pair.more_draws)} draws more"


def _runs(result: Replication) -> Iterator[Block]:
    totals = result.totals
    yield Section("Runs")
    held = totals.runs - totals.new_runs
    new = f", {totals.new_runs:,} of them new" if held else ""
    yield Sentence(f"{totals.runs:,} runs{new}; the world without programme is counted.")
    if result.complete:
        yield Sentence(
            f"The same {totals.even_draws:,} draws for every policy, as the one that needed most got, would be"
            f" {totals.even_runs:,} runs: {_saved(totals.saved_to_even, totals.even_runs)}."
        )
    else:
        what = (
            "The budget ended"
            if any(row.stopped == "budget ended" for row in result.options)
            else "Looks ended"
        )
        more = "how many more runs that takes cannot be told yet"
        if totals.more_runs is not None:
            more = f"that would take some {_about(totals.more_runs)} runs more, if all goes on as it was"
        yield Sentence(f"{what} before all was known; {more}.", "warning")
        yield Sentence(
            f"The same {totals.even_draws:,} draws for every policy would be {totals.even_runs:,} runs:"
            f" {_saved(totals.saved_to_even, totals.even_runs)} by going where it was open."
        )
    if totals.fixed_draws is not None and totals.fixed_runs is not None and totals.saved_to_fixed is not None:
        every = "every difference between two policies" if result.decide else "every option's difference"
        yield Sentence(
            f"A plan made beforehand, to bring {every} within the precision at one look, would need some"
            f" {_about(totals.fixed_draws)} draws of every policy, {_about(totals.fixed_runs)} runs (projected from the"
            f" scatter seen here)"
            + (f": {_saved(totals.saved_to_fixed, totals.fixed_runs, _about)}." if result.complete else ".")
        )
    costs = [
        f"{cost:.1f} with {w}" for w, cost in result.worlds_cost.items() if w > 1 and math.isfinite(cost)
    ]
    if costs:
        yield Note(
            f"Worlds per draw: the same precision takes {', '.join(costs)} times the runs it takes with one; two at"
            " least are needed to tell luck from parameters."
        )


def _saved(runs: int, of: int, written: Callable[[int], str] = "{:,}".format) -> str:
    if runs > 0:
        return f"{written(runs)} saved ({100.0 * runs / of:.0f} %)"
    return (
        "nothing saved"
        if runs == 0
        else f"{written(-runs)} fewer than were run: looking on the way has its price"
    )


def _about(number: int) -> str:
    """A number of which only the first two digits mean something."""
    digits = max(len(str(number)) - 2, 0)
    return f"{round(number, -digits):,}"


def _reading(result: Replication) -> Iterator[Block]:
    yield Note(
        "95 % interval: of that difference by itself; it holds however often the results were looked at. ± at most: the"
        " distance to its farther end, which the precision asked for is compared with."
    )
    if result.pairs:
        goes = "Runs go to policies in an open pair." if result.decide else "Runs went by precision alone."
        yield Note(
            "clear: zero lies outside the interval; the intervals of all pairs hold together with 95 %. a tie: zero"
            f" lies inside, and its farther end is within the precision of the mean. open: neither. {goes}"
        )
    yield Note(
        "Long tails of which these draws show nothing can make any interval too narrow. Where fewer than"
        f" {FEWEST_DIFFERING} draws differ from the others none is given. All is about the mean over what parameters"
        " are drawn from."
    )
    if result.failures:
        first = result.failures[0]
        yield Sentence(
            f"{len(result.failures)} runs failed and are left out of their pairs; the first: {first.option},"
            f" draw {first.draw}, world {first.world}: {shown(first.reason)}",
            "failure",
        )


def needed_report(rows: Sequence[RunsNeeded], outcome: OutcomeInfo, worlds: int) -> Report:
    """How many runs fixed plans need, one line per precision."""
    scale = scale_for(outcome.unit, [row.precision for row in rows], [row.precision for row in rows])
    title = f"Runs needed for a precision: {outcome.label}, {worlds} worlds per draw"
    table = _table(
        (f"±{_unit(scale)}", "draws", "to be safe", "runs", "minutes on one core", "needs most"),
        (
            (
                scale.level(row.precision),
                f"{row.draws:,}",
                f"{row.cautious_draws:,}",
                f"{row.runs:,}",
                f"{row.core_minutes:,.1f}" if math.isfinite(row.core_minutes) else NOTHING,
                row.widest,
            )
            for row in rows
        ),
    )
    note = Note(
        "For a plan that gives every policy the same draws and looks once, at the end; every option's difference is"
        " then within ± of the truth in 19 of 20 studies. To be safe: enough for 4 of 5 pilots, which know the"
        " scatter only roughly. Runs and minutes are those of draws, the world without programme counted."
    )
    return Report(title, (Section(title), table, note))


def _table(labels: Sequence[str], rows: Iterable[Row]) -> Table:
    """Numbers to the right; the first and the last column, which are words, to the left."""
    ends = (0, len(labels) - 1)
    columns = tuple(Column(one, "left" if place in ends else "right") for place, one in enumerate(labels))
    return Table(columns, (Group(tuple(rows)),), gap=2)
