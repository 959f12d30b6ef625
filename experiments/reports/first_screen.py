"""The first screen of a comparison: what a reader who reads nothing else should take away, in 24 lines of 80 letters.

The question and what the answer rests on; the largest doubt; two lines for each option, what it changes and how sure
that is; what can be said of their order; where the rest is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from passaat.experiments.analyses.compare import AT_EQUAL_COVENANTS, AT_EQUAL_MONEY, Comparison, OptionResult
from passaat.experiments.analyses.decisions import Decision
from passaat.experiments.reports.blocks import Block, Column, Group, Heading, Note, Report, Sentence, Table
from passaat.experiments.reports.comparison import facts_of
from passaat.experiments.reports.money import scale_of
from passaat.experiments.results.numbers import NOTHING, Scale, percent
from passaat.experiments.results.outcomes import HEADLINES, PUBLIC_COST, UNTIL_EVALUATION
from passaat.experiments.stats.pairing import Difference
from passaat.experiments.stats.shares import Shares, worlds_needed
from passaat.experiments.stats.words import verdict_of
from passaat.model.parameters import PARAMETERS
from passaat.shown import shown

MOST_OPTIONS: Final = 4
"""Options that fit on the first screen."""

MAIN: Final = HEADLINES[0]

_WIDTHS: Final = (19, 21, 21, 12)


def first_screen(comparison: Comparison, most_options: int | None = None) -> Report:
    """The first screen; with ``most_options`` the clearest options only, and the others are counted."""
    shown_options = comparison.options
    if most_options is not None and len(shown_options) > most_options:
        shown_options = tuple(sorted(shown_options, key=_clearness, reverse=True)[:most_options])
    left_out = len(comparison.options) - len(shown_options)
    blocks: list[Block] = [
        Heading(f"Would {shown(comparison.reference_title)} add more exports under other rules?"),
        Sentence(_basis(comparison)),
        *_reference(comparison),
        Sentence(largest_doubt(comparison), lead="Largest doubt: "),
    ]
    if MAIN in comparison.levels:
        headed = True
        for option in shown_options:
            blocks.append(_line(comparison, option, headed))
            blocks.append(Sentence(what_is_said(comparison, option), inset=True))
            headed = False
    if left_out:
        blocks.append(Note(f"{left_out} more options, less clear: --details shows them all."))
    blocks += _order(comparison)
    blocks.append(Note("In brackets: % of parameter draws and how many surely. All tables: --details."))
    return Report("The answer in brief", tuple(blocks), facts_of(comparison))


def _reference(comparison: Comparison) -> Iterator[Sentence]:
    """What the reference adds and costs: all below are differences from it."""
    if {MAIN, PUBLIC_COST} <= comparison.levels.keys():
        added, cost = (
            f"{scale_of(comparison, name).level(comparison.levels[name].mean)} {scale_of(comparison, name).unit}"
            for name in (MAIN, PUBLIC_COST)
        )
        yield Sentence(f"The reference adds {added} of net exports at {cost} of public cost.")


def _basis(comparison: Comparison) -> str:
    design, basis = comparison.design, comparison.basis
    state = basis.provisional or f"calibrated to {basis.calibrated_to}"
    rests_on = "uncalibrated" if basis.uncalibrated else state
    return (
        f"{comparison.reference}, {comparison.period}; {rests_on}; {design.draws} parameter draws × {design.worlds}"
        f" worlds; passaat {comparison.version}."
    )


def largest_doubt(comparison: Comparison) -> str:
    """The largest of what no range holds, by the part of the answer that it touches, in one sentence."""
    drawn = [record for record in PARAMETERS.values() if record.shape != "fixed"]
    assumed = sum(record.grade == "assumed" for record in drawn) / len(drawn)
    doubts = [
        (
            assumed,
            f"what firms would have exported anyway was not observed; {100.0 * assumed:.0f} % of the parameters that"
            " are drawn are assumptions.",
        )
    ]
    if comparison.basis.uncalibrated:
        doubts.append(
            (1.0, "nothing observed ties these parameters to what happened; they are prior ranges.")
        )
    if {UNTIL_EVALUATION, MAIN} <= comparison.levels.keys():
        until, end = (comparison.levels[name].mean for name in (UNTIL_EVALUATION, MAIN))
        beyond = 1.0 - until / end if end > 0.0 else math.nan
        if 0.0 <= beyond <= 1.0:
            doubts.append(
                (
                    beyond,
                    f"{100.0 * beyond:.0f} % of what the programme adds comes after {comparison.evaluation_year}, later"
                    " than any evaluation has looked.",
                )
            )
    return max(doubts, key=lambda one: one[0])[1]


def _clearness(option: OptionResult) -> float:
    shares = option.as_it_stands.differences[MAIN].shares
    ends = (shares.low, shares.worse_low, shares.same_low)
    return max(ends) if shares.known else -1.0


def _line(comparison: Comparison, option: OptionResult, headed: bool) -> Table:
    """What an option changes: the main outcome until two years, and its public cost."""
    main, cost = scale_of(comparison, MAIN), scale_of(comparison, PUBLIC_COST)
    found = option.as_it_stands.differences
    year, last = comparison.evaluation_year, comparison.last_year
    labels = ("", "", "", "")
    if headed:
        labels = (
            f"difference, {main.unit}",
            f"until {year} (5–95 %)",
            f"until {last} (5–95 %)",
            "public cost",
        )
    until = _effect(found[UNTIL_EVALUATION], main) if UNTIL_EVALUATION in found else NOTHING
    row = (option.name, until, _effect(found[MAIN], main), cost.signed(found[PUBLIC_COST].mean))
    columns = tuple(
        Column(text, "left" if place == 0 else "right", width)
        for place, (text, width) in enumerate(zip(labels, _WIDTHS, strict=True))
    )
    return Table(columns, (Group((row,)),))


def _effect(found: Difference, scale: Scale) -> str:
    if math.isnan(found.draws.low):
        return scale.signed(found.mean)
    return f"{scale.signed(found.mean)} ({scale.between(found.draws)})"


def what_is_said(comparison: Comparison, option: OptionResult) -> str:
    """How sure it is that an option adds to the main outcome, as it stands and in each other way of paying."""
    said = [in_words(option.as_it_stands.differences[MAIN].shares, comparison.design.worlds)]
    names = {AT_EQUAL_MONEY: "at equal money", AT_EQUAL_COVENANTS: "at equal money by number of covenants"}
    for money in comparison.monies[1:]:
        variant = option.variant(money)
        if variant is None:
            equal = option.equal(money)
            missed = len(equal.payments) - equal.n_reached
            said.append(f"{names[money]}: not reached in {missed} of {len(equal.payments)} draws")
        else:
            said.append(
                f"{names[money]} {in_words(variant.differences[MAIN].shares, comparison.design.worlds)}"
            )
    if option.sign_turns:
        said.append("the sign turns on how it is paid")
    return "; ".join(said)


def in_words(shares: Shares, worlds: int) -> str:
    """Shares in words with the number, and the end of its range that the word is of: likely more (81 %, 67 or more)."""
    said = verdict_of(shares)
    if said.side == "unknown":
        return "cannot be told from one draw or one world a draw"
    if said.side == "the same":
        return f"no difference in {round(shares.same * shares.draws)} of {shares.draws} draws"
    if said.side in ("better", "worse"):
        side, low = ("more", shares.low) if said.side == "better" else ("less", shares.worse_low)
        text = f"{said.word} {side} ({percent(said.share, shares.draws)}, {100.0 * low:.0f} or more)"
    else:
        ends = f"{100.0 * shares.low:.0f} to {100.0 * shares.high:.0f}"
        text = f"cannot tell, more in {percent(shares.better, shares.draws)} ({ends})"
        if shares.same > 0.0:
            text += f", the same in {percent(shares.same, shares.draws)}"
    if not shares.mostly_luck:
        return text
    needed = worlds_needed(shares, worlds)
    return f"{text}, mostly luck" + ("" if needed is None else f": --worlds {needed} would tell")


def _order(comparison: Comparison) -> Iterator[Sentence]:
    """What can be said of the order of policies by the main outcome, in each way of paying."""
    for decision in comparison.decisions:
        if decision.outcome == MAIN and len(decision.order) > 1:
            yield Sentence(_what_holds(decision), lead=f"Order, {decision.money}: ")


def _what_holds(decision: Decision) -> str:
    if decision.ordered:
        return f"{' before '.join(decision.order)}, in {percent(decision.whole, decision.draws)} of draws."
    holding = decision.holding
    if not holding:
        return "no order can be given, and no pair is clear."
    first = f"{holding[0].ahead} before {holding[0].behind}"
    several = (
        f"{len(holding)} of {len(decision.pairs)} pairs are clear, {first} most"
        if len(holding) > 1
        else first
    )
    return f"{several}; no order of all."
