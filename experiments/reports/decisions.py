"""Decisions that hold as text: what can be said of the order of options, and what turns the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from passaat.experiments.analyses.compare import Comparison
from passaat.experiments.analyses.decisions import SIGNIFICANT, Decision, Learning, PairOrder, Pull
from passaat.experiments.reports.blocks import Block, Gap, Note, Report, Section, Sentence
from passaat.experiments.reports.comparison import facts_of
from passaat.experiments.reports.terminal import plain_text
from passaat.experiments.results.numbers import percent, share_and_range
from passaat.experiments.results.outcomes import label
from passaat.experiments.stats.words import LIKELY
from passaat.model.parameters import PARAMETERS

MOST_PAIRS: Final = 3
"""Pairs whose turning parameter is printed for one order; JSON and CSV hold all."""

MOST_DRAWS: Final = 100
"""Below this many draws more of them may show a parameter that does not stand out yet."""


def decisions_text(comparison: Comparison) -> str:
    """The same as plain text, 104 columns wide; the same bytes for the same study."""
    return plain_text(decisions_report(comparison))


def decisions_report(comparison: Comparison, *, every_pair: bool = False) -> Report:
    """One paragraph for each outcome and money variant, then how to read it."""
    title = "Decisions that hold, and what turns the others"
    blocks: list[Block] = [Gap(), Section(title)]
    for decision in comparison.decisions:
        blocks.append(Sentence(f"{label(decision.outcome)}, {decision.money}", "strong"))
        blocks += [replace(line, inset=True) for line in _lines(decision, every_pair)]
    return Report(title, (*blocks, _reading(comparison)), facts_of(comparison))


def what_holds(decision: Decision) -> str:
    """What can be said of the order of policies, in one sentence: the order, the pairs that hold, or that none does."""
    if decision.ordered:
        return (
            f"{' before '.join(decision.order)} (the whole order in {percent(decision.whole, decision.draws)} of draws"
            " or more)."
        )
    holding = decision.holding
    if not holding:
        return "no order can be given, and no pair of policies holds."
    several = "these pairs hold" if len(holding) > 1 else "one pair holds"
    return f"no order of all can be given; {several}: {_listed(holding)}."


def _lines(decision: Decision, every_pair: bool) -> Iterator[Sentence | Note]:
    if len(decision.order) < 2:
        yield Sentence("nothing to rank: fewer than two policies have a value here")
        return
    if not any(pair.shares.known for pair in decision.pairs):
        yield Sentence("cannot be told: fewer than two draws, or than two worlds a draw, have a value here")
        return
    yield Sentence(what_holds(decision))
    level = [pair for pair in decision.pairs if pair.equal]
    if level:
        pairs = ", ".join(f"{pair.ahead} and {pair.behind}" for pair in level)
        yield Sentence(f"no difference in any world: {pairs}")
    open_pairs = [pair for pair in decision.pairs if not pair.holds and not pair.equal]
    if every_pair and open_pairs:
        yield Sentence(f"cannot be told: {_listed(open_pairs)}", "warning")
    elif open_pairs:
        yield Sentence(f"pairs that cannot be told: {len(open_pairs)} of {len(decision.pairs)}")
    yield from _turning(decision, open_pairs)


def _listed(pairs: Sequence[PairOrder]) -> str:
    return ", ".join(
        f"{pair.ahead} before {pair.behind} ({pair.word}, {share_and_range(pair.shares, pair.shares.better)})"
        for pair in pairs
    )


def _turning(decision: Decision, open_pairs: Sequence[PairOrder]) -> Iterator[Sentence | Note]:
    """What turns the pairs that do not hold, what to learn, or why nothing can be named."""
    if not open_pairs:
        return
    turned = [(pair, pair.turns_on) for pair in open_pairs if pair.turns_on and pair.turns_on.stands_out]
    turned.sort(key=lambda one: (one[1].corrected_p, -abs(one[1].correlation)))
    for pair, pull in turned[:MOST_PAIRS]:
        yield Sentence(f"turns on {_pull(pair, pull, decision.draws)}")
    if len(turned) > MOST_PAIRS:
        yield Sentence(
            f"pairs that turn on a parameter beside these: {len(turned) - MOST_PAIRS}; JSON and CSV name it"
        )
    learn = decision.learn
    if learn is not None and learn.stands_out:
        yield Sentence(
            f"most helpful to learn: {learn.parameter}; knowing which half of its draws is right would raise the share"
            f" on the right side {_rise(learn)}, mean of the {len(open_pairs)} pairs that do not hold"
            f" (p {_p(learn.corrected_p)})"
        )
    if not turned and not (learn is not None and learn.stands_out):
        yield from _nothing_stands_out(decision, open_pairs)


def _nothing_stands_out(decision: Decision, open_pairs: Sequence[PairOrder]) -> Iterator[Note]:
    lucky = [pair for pair in open_pairs if pair.shares.mostly_luck]
    if 2 * len(lucky) >= len(open_pairs):
        yield Note("mostly luck: more worlds (--worlds) come before more knowledge")
        return
    fewer = decision.draws < MOST_DRAWS
    yield Note(
        f"no single one of {decision.parameters_looked_at} parameters stands out"
        f"{f' in {decision.draws} draws; more draws may show one' if fewer else ''}"
    )


def _rise(learn: Learning) -> str:
    return f"from {100 * learn.right_now:.0f} to {100 * learn.right_then:.0f} %"


def _pull(pair: PairOrder, pull: Pull, draws: int) -> str:
    if math.isnan(pull.share_below):
        direction = "more" if pull.correlation > 0.0 else "less"
        return (
            f"{pull.parameter}: the higher it is, the {direction} often {pair.ahead} is before {pair.behind}"
            f" (p {_p(pull.corrected_p)})"
        )
    unit = PARAMETERS[pull.parameter].unit if pull.parameter in PARAMETERS else ""
    return (
        f"{pull.parameter}: {pair.ahead} is before {pair.behind} in {percent(pull.share_below, draws)} of draws up to"
        f" {pull.split:.3g}{' ' + unit if unit else ''}, in {percent(pull.share_above, draws)} above"
        f" (p {_p(pull.corrected_p)})"
    )


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _reading(comparison: Comparison) -> Note:
    looked = max((one.parameters_looked_at for one in comparison.decisions), default=0)
    return Note(
        f"Shares of parameter draws ({comparison.drawn_from}), with 5-95 % of each. A pair is said where the lower end"
        f" of its share is above {100 * LIKELY:.0f} %: likely on the scale of the IPCC, very likely above 90 %,"
        " virtually certain above 99 %. An order is given where each one is at least likely before the next. p: chance"
        f" of so strong a link of any pair on this page with any of {looked} parameters by luck alone; a parameter is"
        f" named where it is {SIGNIFICANT:g} or less. Where nothing matters, fewer than one page in twenty says"
        " anything. What the model leaves out is in no share: see --structures."
    )
