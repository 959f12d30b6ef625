"""Decisions that hold: which orders of options the draws bear, and what turns the others.

Pure statistics of values by policy, each of shape (n_draws, n_worlds), without model, files or clock. Shares of draws
come from ``stats.shares``, as those of tables do, for any two policies instead of an option and the reference. A pair
is said where the lower end of its share is likely, an order where all its neighbours are.

All that one page says is one family. Signs of which nothing is true are alike on both sides, and the lower end of a
share has to pass two thirds before anything is said: a word or pair is said in fewer than one in a hundred pages in
which nothing matters (benchmarks/shares.py). Which parameter turns a pair is asked of every parameter that varies, some
190, and of every pair of every ranking of the page; the largest of so many rank correlations is large by chance. A
correlation's p is therefore the share of permutations of the draws in which the largest of all, over parameters, pairs
and rankings, is at least as large (max-T; Westfall and Young 1993, Resampling-Based Multiple Testing, s. 2.3).
The value of learning a parameter is the expected value of partial perfect information (Raiffa and Schlaifer
1961), counted in draws on the right side, for the coarsest thing to be learned: whether it lies in the lower or the
upper half of the draws. Its p is taken over all parameters and rankings, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from passaat.experiments.results.cells import csv_text
from passaat.experiments.stats.pairing import (
    NAN,
    Direction,
    Floats,
    over_draws,
    paired_differences,
    split_variance,
)
from passaat.experiments.stats.shares import NOTHING_TO_SAY, Shares, shares_of
from passaat.experiments.stats.words import verdict_of

SIGNIFICANT: Final = 0.02
"""A parameter is named as what turns an order, or as the one to learn, when its corrected p is at most this: of the 5
per cent for all that a page says, 2 are for each of the two and 1 is for words and pairs."""

TIE_DECIMALS: Final = 9
"""Decimals to which correlations and gains are alike: of equal ones the first is named, on every processor."""

PERMUTATIONS: Final = 1999

SEED: Final = 20160101
"""Seed of permutations: the same study gives the same answer."""

SMALLEST_HALF: Final = 0.25
"""A parameter is split at its median only where either side keeps this part of the draws."""


@dataclass(frozen=True)
class Pull:
    """The parameter that goes most with the order of two policies.

    Attributes:
        parameter: its name.
        correlation: rank correlation over draws with the probability that the one ahead on average is ahead.
        corrected_p: chance of so large a correlation, of either sign, in any pair of any ranking of the page and any
            of the parameters looked at.
        split: median of the parameter over draws, in its unit.
        share_below: share of draws with the parameter up to the split in which the one ahead on average is ahead;
            nan where the median does not split the draws.
        share_above: the same above it.
    """

    parameter: str
    correlation: float
    corrected_p: float
    split: float
    share_below: float
    share_above: float

    @property
    def stands_out(self) -> bool:
        """Whether so large a correlation is more than looking at many parameters would show by chance."""
        return self.corrected_p <= SIGNIFICANT


@dataclass(frozen=True)
class PairOrder:
    """Two policies, the one that is ahead in more draws first.

    Attributes:
        shares: of draws in which it is ahead, level and behind; all level where nothing differs.
        word: for how likely it is ahead, at the lower end of its share.
        holds: whether that is at least likely, so that the pair can be said.
        turns_on: the parameter that goes most with the order; None where nothing is known or varies.
    """

    ahead: str
    behind: str
    shares: Shares
    word: str
    holds: bool
    turns_on: Pull | None

    @property
    def equal(self) -> bool:
        """Whether nothing differs in any world."""
        return self.shares.same == 1.0


@dataclass(frozen=True)
class Learning:
    """The parameter whose learning would help most with the pairs that do not hold.

    Attributes:
        parameter: its name.
        right_now: share of draws on the right side when every pair is decided by its present share, mean over pairs.
        right_then: the same when it were known in which half of its draws the parameter lies.
        corrected_p: chance of so large a gain from any of the parameters looked at, if none mattered.
    """

    parameter: str
    right_now: float
    right_then: float
    corrected_p: float

    @property
    def stands_out(self) -> bool:
        """Whether so large a gain is more than looking at many parameters would show by chance."""
        return self.corrected_p <= SIGNIFICANT


@dataclass(frozen=True)
class Decision:
    """The order of policies by one outcome, in one money variant, as far as it holds.

    Attributes:
        order: policies by the share of draws in which they are ahead, best first; those without a value are left out.
        ordered: whether that order can be said: each one is at least likely ahead of the next.
        whole: share of draws in which the whole order holds, at least; nan where it cannot be said.
        pairs: every two policies of the order.
        learn: what to learn to tell those pairs that do not hold; None where all do, or no parameter varies.
        parameters_looked_at: how many parameters vary over the draws and were looked at.
        draws: parameter draws that have a value.
    """

    outcome: str
    money: str
    order: tuple[str, ...]
    ordered: bool
    whole: float
    pairs: tuple[PairOrder, ...]
    learn: Learning | None
    parameters_looked_at: int
    draws: int

    @property
    def holding(self) -> tuple[PairOrder, ...]:
        """The pairs that can be said, the surest first."""
        return tuple(sorted((one for one in self.pairs if one.holds), key=lambda one: -one.shares.ahead))


@dataclass(frozen=True)
class Ranked:
    """What is to be ranked: values of each policy by one outcome in one money variant, all (n_draws, n_worlds).

    ``better`` is the direction that is favourable; it must be one of the two.
    """

    outcome: str
    money: str
    better: Direction
    values: Mapping[str, Floats]


def decide(asked: Sequence[Ranked], parameters: Sequence[Mapping[str, float]]) -> tuple[Decision, ...]:
    """Rank policies by each outcome and money variant of a page, say what holds, and what turns the rest.

    Args:
        asked: all that the page ranks: one family.
        parameters: parameters of each draw.

    Raises:
        ValueError: an outcome has no favourable direction.
    """
    neither = [one.outcome for one in asked if one.better == "neither"]
    if neither:
        raise ValueError(f"policies cannot be ranked by {', '.join(neither)}: neither direction is better")
    rankings = [_ranking(one) for one in asked]
    looked = _halves(parameters)
    turned = _what_turns([duels for _, duels in rankings], looked)
    return tuple(
        _decision(one, order, duels, pulls, learn, len(looked.names))
        for one, (order, duels), (pulls, learn) in zip(asked, rankings, turned, strict=True)
    )


def _ranking(asked: Ranked) -> tuple[tuple[str, ...], list[_Duel]]:
    """Policies in order, and every two of them, the one ahead first.

    They are ordered by the share of draws in which they are ahead of another one, mean over the others; then by mean.
    Not by mean first: outcomes have heavy tails, and a policy may owe its mean to a few draws and lose all others.
    """
    sign = -1.0 if asked.better == "lower" else 1.0
    signed = {name: sign * one for name, one in asked.values.items()}
    means = {name: split_variance(one).mean for name, one in signed.items()}
    known = [name for name in signed if math.isfinite(means[name])]
    duels = [_Duel.of(one, other, signed[one], signed[other]) for one, other in combinations(known, 2)]
    wins = dict.fromkeys(known, 0.0)
    for duel in duels:
        share = duel.shares.ahead if duel.shares.known else 0.5
        wins[duel.ahead] += share
        wins[duel.behind] += 1.0 - share
    order = tuple(sorted(known, key=lambda name: (-wins[name], -means[name])))
    found = {frozenset((one.ahead, one.behind)): one for one in duels}
    pairs = (found[frozenset(pair)] for pair in combinations(order, 2))
    return order, [one if _is_ahead(one, order) else one.turned() for one in pairs]


def _is_ahead(duel: _Duel, order: Sequence[str]) -> bool:
    """Whether a duel names the one ahead first; of two that are level the one that stands first in the order."""
    share = duel.shares.ahead
    if math.isnan(share) or share == 0.5:
        return order.index(duel.ahead) < order.index(duel.behind)
    return share > 0.5


def _decision(
    asked: Ranked,
    order: tuple[str, ...],
    duels: Sequence[_Duel],
    pulls: Mapping[int, Pull],
    learn: Learning | None,
    n_parameters: int,
) -> Decision:
    by_name = {(duel.ahead, duel.behind): duel for duel in duels}
    neighbours = [by_name.get(pair) for pair in pairwise(order)]
    told = [one for one in neighbours if one is not None and one.holds]
    ordered = bool(told) and len(told) == len(neighbours)
    return Decision(
        outcome=asked.outcome,
        money=asked.money,
        order=order,
        ordered=ordered,
        whole=_share_of_all(told) if ordered else NAN,
        pairs=tuple(
            PairOrder(duel.ahead, duel.behind, duel.shares, duel.word, duel.holds, pulls.get(place))
            for place, duel in enumerate(duels)
        ),
        learn=learn,
        parameters_looked_at=n_parameters,
        draws=max((duel.shares.draws for duel in duels), default=0),
    )


# --- two policies -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Duel:
    """Two policies, and for each draw of the study the chance that the first is truly ahead: a half where they are
    level, nan where it is unknown.
    """

    ahead: str
    behind: str
    shares: Shares
    sides: Floats

    @classmethod
    def of(cls, ahead: str, behind: str, one: Floats, other: Floats) -> _Duel:
        differences = paired_differences(one, other)
        rows = np.isfinite(differences).any(axis=1)
        sides = np.full(len(differences), NAN)
        found = over_draws(split_variance(differences))
        if found is None:
            return cls(ahead, behind, NOTHING_TO_SAY, sides)
        sides[rows] = found.above + 0.5 * (1.0 - found.above - found.below)
        return cls(ahead, behind, shares_of(found, higher_is_better=True), sides)

    def turned(self) -> _Duel:
        """The same, the other one first."""
        return _Duel(self.behind, self.ahead, self.shares.turned(), 1.0 - self.sides)

    @property
    def word(self) -> str:
        return verdict_of(self.shares).word

    @property
    def holds(self) -> bool:
        return verdict_of(self.shares).side == "better"


def _share_of_all(duels: Sequence[_Duel]) -> float:
    """Share of draws in which the first of each of these pairs is ahead, all at once: at least, as if what is not known
    of one pair had nothing to do with what is not known of another.
    """
    together = np.prod([duel.sides for duel in duels], axis=0)
    return float(np.nanmean(together)) if np.isfinite(together).any() else NAN


# --- what turns them ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Looked:
    """Parameters that vary, over distinct draws.

    ``first`` is the group of each draw of the study: draws with the same parameters, which a resample may hold several
    times, count once, because they would make their parameters look telling. ``ranks`` are standardised, shape
    (n_parameters, n_groups); ``below`` says which groups lie in the lower half, all False where there is none.
    """

    names: tuple[str, ...]
    group: NDArray[np.intp]
    ranks: Floats
    below: NDArray[np.bool_]
    split: Floats


def _halves(parameters: Sequence[Mapping[str, float]]) -> _Looked:
    names = list(parameters[0]) if parameters else []
    table = np.array([[draw[name] for name in names] for draw in parameters], dtype=np.float64)
    table = table.reshape(len(parameters), len(names))
    _, places, group = np.unique(table, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(places)  # groups in the order of the draws, whatever their values
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    distinct = table[places[order]]
    varies = (distinct != distinct[:1]).any(axis=0)
    kept = tuple(name for name, moves in zip(names, varies, strict=True) if moves)
    columns = distinct[:, varies].T
    split = np.median(columns, axis=1) if kept else np.empty(0)
    below = columns <= split[:, None]
    part = below.mean(axis=1) if kept else np.empty(0)
    below[(part < SMALLEST_HALF) | (part > 1.0 - SMALLEST_HALF)] = False
    return _Looked(kept, position[group.reshape(-1)], _standard_ranks(columns), below, split)


def _standard_ranks(rows: Floats) -> Floats:
    """Ranks along the last axis with mean 0 and length 1; zeros where all are alike."""
    if not rows.size:
        return np.zeros_like(rows)
    ranks = stats.rankdata(rows, axis=-1)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    length = np.sqrt(np.square(ranks).sum(axis=-1, keepdims=True))
    return np.asarray(ranks / np.where(length > 0.0, length, 1.0), dtype=np.float64)


Turning = tuple[dict[int, Pull], Learning | None]
"""For one ranking: by place of a pair the parameter that goes most with it, and the one to learn."""


def _what_turns(rankings: Sequence[Sequence[_Duel]], looked: _Looked) -> list[Turning]:
    """The parameter that goes most with each pair, and the one to learn for the pairs that do not hold."""
    n_groups = looked.ranks.shape[1] if looked.names else 0
    asked = [
        [place for place, duel in enumerate(duels) if np.isfinite(duel.sides).sum() > 2]
        if n_groups > 2
        else []
        for duels in rankings
    ]
    if not any(asked):
        return [({}, None) for _ in rankings]
    sides = [
        np.array([_by_group(duels[place].sides, looked.group, n_groups) for place in places]).reshape(
            len(places), n_groups
        )
        for duels, places in zip(rankings, asked, strict=True)
    ]
    unsettled = [
        one[[not duels[place].holds and duels[place].shares.same < 1.0 for place in places]]
        for one, duels, places in zip(sides, rankings, asked, strict=True)
    ]
    ranks = _standard_ranks(np.concatenate(sides))
    correlations = looked.ranks @ ranks.T
    gains = [_gains(looked.below, one) for one in unsettled]
    exceed, exceed_gain = _exceeding(looked, ranks, unsettled, np.abs(correlations).max(axis=0), gains)
    found: list[Turning] = []
    column = 0
    for ranking, places in enumerate(asked):
        pulls = {}
        for row, place in enumerate(places):
            strongest = int(np.abs(correlations[:, column]).round(TIE_DECIMALS).argmax())
            below, above = _shares(looked.below[strongest], sides[ranking][row])
            pulls[place] = Pull(
                looked.names[strongest], float(correlations[strongest, column]), float(exceed[column]),
                float(looked.split[strongest]), below, above,
            )  # fmt: skip
            column += 1
        found.append((pulls, _learning(looked, unsettled[ranking], gains[ranking], exceed_gain[ranking])))
    return found


def _exceeding(
    looked: _Looked, ranks: Floats, unsettled: Sequence[Floats], largest: Floats, gains: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Share of permutations of the draws in which the largest correlation, and the largest gain, of the whole page is
    at least that of each pair, and of each ranking.
    """
    best = np.array([one.max(initial=0.0) for one in gains])
    exceed, exceed_gain = np.ones(len(largest)), np.ones(len(best))
    generator = np.random.default_rng(SEED)
    for _ in range(PERMUTATIONS):
        mixed = generator.permutation(looked.ranks.shape[1])
        exceed += float(np.abs(looked.ranks @ ranks[:, mixed].T).max()) >= largest - 1e-12
        if best.any():
            permuted = [_gains(looked.below, one[:, mixed]).max(initial=0.0) for one in unsettled]
            exceed_gain += max(permuted) >= best - 1e-12
    return exceed / (PERMUTATIONS + 1), exceed_gain / (PERMUTATIONS + 1)


def _learning(looked: _Looked, sides: Floats, gains: Floats, corrected_p: float) -> Learning | None:
    """The parameter to learn for these pairs; None where learning one helps with none."""
    best = float(gains.max(initial=0.0))
    if best <= 0.0:
        return None
    shares = sides.mean(axis=1)
    now = float(np.maximum(shares, 1.0 - shares).mean())
    name = looked.names[int(gains.round(TIE_DECIMALS).argmax())]
    return Learning(name, now, now + best, float(corrected_p))


def _by_group(sides: Floats, group: NDArray[np.intp], n_groups: int) -> Floats:
    """Mean of each group of equal draws; the mean of all, which pulls neither way, where a group has none."""
    known = np.isfinite(sides)
    counts = np.bincount(group[known], minlength=n_groups)
    sums = np.bincount(group[known], weights=sides[known], minlength=n_groups)
    overall = float(sides[known].mean())
    return np.where(counts > 0, sums / np.maximum(counts, 1), overall)


def _gains(below: NDArray[np.bool_], sides: Floats) -> Floats:
    """By parameter: how much the share of draws on the right side would rise, mean over pairs, if its half were
    known.
    """
    if not sides.size:
        return np.zeros(len(below))
    n_groups = sides.shape[1]
    in_lower = below.sum(axis=1)[:, None]
    total = sides.sum(axis=1)
    lower = below.astype(np.float64) @ sides.T
    upper, in_upper = total - lower, n_groups - in_lower
    right = np.maximum(lower, in_lower - lower) + np.maximum(upper, in_upper - upper)
    found = (right - np.maximum(total, n_groups - total)) / n_groups
    return np.asarray(np.where(in_lower[:, 0] > 0, found.mean(axis=1), 0.0), dtype=np.float64)


def _shares(below: NDArray[np.bool_], sides: Floats) -> tuple[float, float]:
    if not below.any():
        return NAN, NAN
    return float(sides[below].mean()), float(sides[~below].mean())


# --- as a table ---------------------------------------------------------------------------------------------

_COLUMNS: Final = (
    "outcome", "money", "ahead", "behind", "share_ahead", "share_level", "share_behind", "low", "high", "word", "holds",
    "turns_on", "correlation", "corrected_p", "split", "share_below", "share_above", "order", "order_holds",
    "order_share", "learn", "right_now", "right_then", "learn_corrected_p",
)  # fmt: skip


def to_csv(decisions: Sequence[Decision]) -> str:
    """One line per outcome, money variant and pair; the same bytes for the same study."""
    return csv_text(_COLUMNS, _rows(decisions))


def _rows(decisions: Sequence[Decision]) -> Iterator[tuple[object, ...]]:
    for one in decisions:
        learn = one.learn
        learned: tuple[object, ...] = ("", "", "", "")
        if learn is not None:
            learned = (learn.parameter, learn.right_now, learn.right_then, learn.corrected_p)
        for pair in one.pairs:
            pull, shares = pair.turns_on, pair.shares
            turned: tuple[object, ...] = ("", "", "", "", "", "")
            if pull is not None:
                turned = (
                    pull.parameter, pull.correlation, pull.corrected_p, pull.split, pull.share_below, pull.share_above,
                )  # fmt: skip
            yield (
                one.outcome, one.money, pair.ahead, pair.behind, shares.better, shares.same, shares.worse, shares.low,
                shares.high, pair.word, pair.holds, *turned, " > ".join(one.order), one.ordered, one.whole, *learned,
            )  # fmt: skip
