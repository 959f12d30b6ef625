"""Decisions that hold as text: the order of options, in what share of draws it is so, and what turns it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from passaat.experiments.analyses.compare import Comparison
from passaat.experiments.analyses.decisions import (
    HOLDS,
    LIKELY,
    SIGNIFICANT,
    Decision,
    Learning,
    PairOrder,
    Pull,
    Says,
)
from passaat.experiments.reports.blocks import Block, Gap, Note, Report, Section, Sentence
from passaat.experiments.reports.comparison import facts_of
from passaat.experiments.reports.terminal import plain_text
from passaat.experiments.results.numbers import percent
from passaat.experiments.results.outcomes import label
from passaat.model.parameters import PARAMETERS

MOST_NOISE: Final = 0.5
"""Where parameters make less than this part of the scatter between draws, more worlds come before more knowledge."""

LEAST_RISE: Final = 0.01
"""What would raise the share on the right side by less is not printed as a guess."""

MOST_PAIRS: Final = 3
"""Pairs whose turning parameter is printed for one order; JSON and CSV hold all."""

_SAID: Final[dict[Says, str]] = {"holds": "hold", "likely": "likely", "equal": "no difference in any world"}

MOST_DRAWS: Final = 100
"""Below this many draws more of them may show a parameter that does not stand out yet."""


def decisions_text(comparison: Comparison) -> str:
    """The same as plain text, 104 columns wide; the same bytes for the same study."""
    return plain_text(decisions_report(comparison))


def decisions_report(comparison: Comparison, *, every_pair: bool = False) -> Report:
    """One paragraph for each outcome and money variant, then how to read it."""
    title = "Decisions that hold, and what turns them"
    blocks: list[Block] = [Gap(), Section(title)]
    for decision in comparison.decisions:
        blocks.append(Sentence(f"{label(decision.outcome)}, {decision.money}", "strong"))
        blocks += [replace(line, inset=True) for line in _lines(decision, every_pair)]
    return Report(title, (*blocks, _reading(comparison)), facts_of(comparison))


def _lines(decision: Decision, every_pair: bool) -> Iterator[Sentence | Note]:
    if len(decision.order) < 2:
        yield Sentence("nothing to rank: fewer than two policies have a value here")
        return
    if decision.of("unknown"):
        yield Sentence("cannot be told: fewer than two draws, or than two worlds a draw, have a value here")
        return
    draws = decision.draws
    yield Sentence(
        f"{' > '.join(decision.order)}: whole order in {percent(decision.whole, draws)} of draws,"
        f" {decision.order[0]} first in {percent(decision.first, draws)}"
    )
    said = {words: decision.of(says) for says, words in _SAID.items() if decision.of(says)}
    if every_pair:
        for words, pairs in said.items():
            yield Sentence(f"{words}: {_listed(pairs, draws)}")
    elif said:
        counts = ", ".join(f"{len(pairs)} {words}" for words, pairs in said.items())
        yield Sentence(f"of {len(decision.pairs)} pairs: {counts}")
    doubtful = decision.of("cannot tell")
    if doubtful:
        yield Sentence(f"cannot tell from these data: {_listed(doubtful, draws)}", "warning")
    yield from _turning(decision)


def _listed(pairs: Sequence[PairOrder], draws: int) -> str:
    return ", ".join(
        f"{pair.ahead} > {pair.behind}" + ("" if math.isnan(pair.share) else f" {percent(pair.share, draws)}")
        for pair in pairs
    )


def _turning(decision: Decision) -> Iterator[Sentence | Note]:
    """What turns the pairs that do not hold, what to learn, or why nothing can be named."""
    open_pairs = [*decision.of("cannot tell"), *decision.of("likely")]
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


def _nothing_stands_out(decision: Decision, open_pairs: Sequence[PairOrder]) -> Iterator[Sentence | Note]:
    noisy = [pair for pair in open_pairs if not pair.signal >= MOST_NOISE]
    if 2 * len(noisy) >= len(open_pairs):
        yield Note("mostly simulation noise: more worlds (--worlds) come before more knowledge")
        return
    nearest = min(
        (pair.turns_on for pair in open_pairs if pair.turns_on), key=lambda one: one.corrected_p, default=None
    )
    if nearest is None:
        return
    learn, fewer = decision.learn, decision.draws < MOST_DRAWS
    text = (
        f"no single one of {decision.parameters_looked_at} parameters stands out"
        f"{f' in {decision.draws} draws, take more' if fewer else ''};"
        f" nearest: {nearest.parameter} (p {_p(nearest.corrected_p)})"
    )
    if learn is not None and learn.right_then - learn.right_now >= LEAST_RISE:
        text += (
            f"; best guess of what to learn: {learn.parameter} ({_rise(learn)}, p {_p(learn.corrected_p)})"
        )
    yield Note(text)


def _rise(learn: Learning) -> str:
    return f"from {100 * learn.right_now:.0f} to {100 * learn.right_then:.0f} %"


def _pull(pair: PairOrder, pull: Pull, draws: int) -> str:
    if math.isnan(pull.share_below):
        direction = "more" if pull.correlation > 0.0 else "less"
        return (
            f"{pull.parameter}: the higher it is, the {direction} often {pair.ahead} > {pair.behind}"
            f" (p {_p(pull.corrected_p)})"
        )
    unit = PARAMETERS[pull.parameter].unit if pull.parameter in PARAMETERS else ""
    return (
        f"{pull.parameter}: {pair.ahead} > {pair.behind} in {percent(pull.share_below, draws)} of draws up to"
        f" {pull.split:.3g}{' ' + unit if unit else ''}, in {percent(pull.share_above, draws)} above"
        f" (p {_p(pull.corrected_p)})"
    )


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _reading(comparison: Comparison) -> Note:
    looked = max((one.parameters_looked_at for one in comparison.decisions), default=0)
    return Note(
        f"Share of parameter draws ({comparison.drawn_from}), simulation noise removed. An order holds in"
        f" {100 * HOLDS:.0f} % of draws or more, is likely in {100 * LIKELY:.0f} % or more; below that these data"
        f" cannot tell. p: chance of so strong a link of any pair of a ranking with any of {looked} parameters by luck"
        f" alone; a parameter turns an order where it is {SIGNIFICANT:g} or less. What the model leaves out is in"
        " no share: see --structures."
    )
