"""Decisions that hold: in what share of parameter draws options keep their order, and what turns it.

Pure statistics of values by policy, each of shape (n_draws, n_worlds), without model, files or clock. What is true of a
draw is taken from ``pairing.draw_effects``, so that every share given here is the chance of being better that tables
show, for any two policies instead of an option and the reference.

Which parameter turns a pair is asked of every parameter that varies, some 190, and of every pair of a ranking; the
largest of so many rank correlations is large by chance. A correlation's p is therefore the share of permutations of the
draws in which the largest of all, over parameters and pairs, is at least as large (max-T; Westfall and Young 1993,
Resampling-Based Multiple Testing, s. 2.3).
The value of learning a parameter is the expected value of partial perfect information (Raiffa and Schlaifer
1961), counted in draws on the right side, for the coarsest thing to be learned: whether it lies in the lower or the
upper half of the draws.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from passaat.experiments.results.cells import csv_value
from passaat.experiments.stats.pairing import (
    NAN,
    Direction,
    DrawEffects,
    Floats,
    draw_effects,
    paired_differences,
    split_variance,
    surest,
)

HOLDS: Final = 0.95
"""An order holds when it is so in this share of draws: its range over draws then lies on one side of zero."""

LIKELY: Final = 0.80
"""Below this share of draws it is said that the data cannot tell; an assumption of presentation, as is ``HOLDS``."""

SIGNIFICANT: Final = 0.05
"""A parameter is named as what turns an order when its corrected p is at most this."""

TIE_DECIMALS: Final = 9
"""Decimals to which correlations and gains are alike: of equal ones the first is named, on every processor."""

PERMUTATIONS: Final = 1999
SAMPLES: Final = 2000
"""Samples of the true differences of every draw, for the share of draws in which a whole order holds."""

SEED: Final = 20160101
"""Seed of permutations and samples: the same study gives the same answer."""

SMALLEST_HALF: Final = 0.25
"""A parameter is split at its median only where either side keeps this part of the draws."""

Says = Literal["holds", "likely", "cannot tell", "equal", "unknown"]


@dataclass(frozen=True)
class Pull:
    """The parameter that goes most with the order of two policies.

    Attributes:
        parameter: its name.
        correlation: rank correlation over draws with the probability that the one ahead on average is ahead.
        corrected_p: chance of so large a correlation, of either sign, in any pair of the ranking and any of the
            parameters looked at.
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
    """Two policies, the one that is ahead on average first.

    Attributes:
        share: share of draws in which it is ahead, simulation noise removed; nan where nothing differs or is known.
        signal: part of the scatter between draws that parameters make; the rest is simulation noise.
        turns_on: the parameter that goes most with the order; None where the pair is equal or nothing varies.
    """

    ahead: str
    behind: str
    share: float
    says: Says
    signal: float
    turns_on: Pull | None


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
    """The order of policies by one outcome, in one money variant, and whether it holds.

    Attributes:
        order: policies by the share of draws in which they are ahead, best first; those without a value are left out.
        whole: share of draws in which that whole order holds.
        first: share of draws in which its first policy is the best of all.
        pairs: every two policies of the order.
        learn: what to learn to tell those pairs that do not hold; None where all do, or no parameter varies.
        parameters_looked_at: how many parameters vary over the draws and were looked at.
        draws: parameter draws that have a value.
    """

    outcome: str
    money: str
    order: tuple[str, ...]
    whole: float
    first: float
    pairs: tuple[PairOrder, ...]
    learn: Learning | None
    parameters_looked_at: int
    draws: int

    def of(self, says: Says) -> tuple[PairOrder, ...]:
        """The pairs of which this is said."""
        return tuple(pair for pair in self.pairs if pair.says == says)


def decide(
    outcome: str,
    money: str,
    better: Direction,
    values: Mapping[str, Floats],
    parameters: Sequence[Mapping[str, float]],
) -> Decision:
    """Rank policies by one outcome and say in what share of draws the ranking holds, and what turns it.

    Args:
        outcome: name of the outcome; money: name of the money variant.
        better: direction that is favourable; it must be one of the two.
        values: values of each policy, all of shape (n_draws, n_worlds).
        parameters: parameters of each draw.

    Raises:
        ValueError: the outcome has no favourable direction.
    """
    if better == "neither":
        raise ValueError(f"policies cannot be ranked by {outcome}: neither direction is better")
    sign = -1.0 if better == "lower" else 1.0
    signed = {
        name: sign * one for name, one in values.items() if math.isfinite(split_variance(sign * one).mean)
    }
    order = _order_by_wins(signed)
    duels = [_Duel.of(one, other, signed[one], signed[other]) for one, other in combinations(order, 2)]
    shares, kept = _halves(parameters)
    pulls, learn = _what_turns(duels, shares)
    pairs = tuple(
        PairOrder(duel.ahead, duel.behind, duel.share, duel.says, duel.signal, pulls.get(place))
        for place, duel in enumerate(duels)
    )
    by_name = {(duel.ahead, duel.behind): duel for duel in duels}
    return Decision(
        outcome=outcome,
        money=money,
        order=order,
        whole=_share_of_all([by_name[pair] for pair in pairwise(order)]),
        first=_share_of_all([by_name[order[0], other] for other in order[1:]]) if order else NAN,
        pairs=pairs,
        learn=learn,
        parameters_looked_at=len(kept),
        draws=max((len(duel.sides[np.isfinite(duel.sides)]) for duel in duels), default=0),
    )


def _order_by_wins(signed: Mapping[str, Floats]) -> tuple[str, ...]:
    """Policies by the share of draws in which they are ahead of another one, mean over the others; then by mean.

    Not by mean first: outcomes have heavy tails, and a policy may owe its mean to a few draws and lose all others.
    """
    wins = dict.fromkeys(signed, 0.0)
    for one, other in combinations(signed, 2):
        duel = _Duel.of(one, other, signed[one], signed[other])
        share = 0.5 if duel.equal or math.isnan(duel.share) else duel.share
        wins[one] += share
        wins[other] += 1.0 - share
    return tuple(sorted(signed, key=lambda name: (-wins[name], -split_variance(signed[name]).mean)))


# --- two policies -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Duel:
    """Differences of two policies, and what is known of every draw's true one.

    ``rows`` are the draws with a valid pair; ``sides`` is, for each draw of the study, the probability that the first
    is truly ahead, nan where unknown.
    """

    ahead: str
    behind: str
    differences: Floats
    rows: NDArray[np.bool_]
    effects: DrawEffects | None
    sides: Floats
    share: float
    signal: float
    equal: bool

    @classmethod
    def of(cls, ahead: str, behind: str, one: Floats, other: Floats) -> _Duel:
        differences = paired_differences(one, other)
        rows: NDArray[np.bool_] = np.asarray(np.isfinite(differences).any(axis=1), dtype=np.bool_)
        split = split_variance(differences)
        sides = np.full(len(differences), NAN)
        equal = bool(rows.any()) and not np.nansum(np.abs(differences))
        if equal or math.isnan(split.between):
            return cls(ahead, behind, differences, rows, None, sides, NAN, NAN, equal)
        effects = draw_effects(split)
        sides[rows] = effects.chances_above(0.0)
        least = surest(int(rows.sum()))
        share = min(max(float(np.nanmean(sides)), least), 1.0 - least)
        scatter = split.between + float(split.noise.mean())
        signal = split.between / scatter if scatter else NAN
        return cls(ahead, behind, differences, rows, effects, sides, share, signal, False)

    @property
    def says(self) -> Says:
        if self.equal:
            return "equal"
        if math.isnan(self.share):
            return "unknown"
        if self.share >= HOLDS:
            return "holds"
        return "likely" if self.share >= LIKELY else "cannot tell"


def _share_of_all(duels: Sequence[_Duel]) -> float:
    """Share of draws in which the first of each of these pairs is ahead, all at once, simulation noise removed.

    True differences of a draw are sampled from what ``draw_effects`` knows of each, with the noise of the pairs
    correlated as their luck is within draws; the variance between draws is sampled for each pair by itself. Equal
    policies are in no order that could break.
    """
    asked = [duel for duel in duels if not duel.equal]
    if not asked:
        return NAN
    rows = np.logical_and.reduce([duel.rows for duel in asked])
    if not rows.any() or any(duel.effects is None for duel in asked):
        return NAN
    generator = np.random.default_rng(SEED)
    root = root_of(correlation_within([duel.differences for duel in asked]))
    n_draws = int(rows.sum())
    luck = generator.standard_normal((SAMPLES, n_draws, len(asked))) @ root.T
    ahead = np.ones((SAMPLES, n_draws), dtype=np.bool_)
    for place, duel in enumerate(asked):
        assert duel.effects is not None
        chosen = generator.choice(len(duel.effects.weight), SAMPLES, p=duel.effects.weight)
        inside = rows[duel.rows]
        centre, deviation = (of[:, inside][chosen] for of in (duel.effects.centre, duel.effects.deviation))
        ahead &= centre + deviation * luck[:, :, place] > 0.0
    least = surest(n_draws)
    return min(max(float(ahead.mean()), least), 1.0 - least)


def correlation_within(differences: Sequence[Floats]) -> Floats:
    """Correlation of several differences over the worlds of a draw, pooled over draws; 0 where one does not vary."""
    residuals = np.array([_residuals(one) for one in differences])
    valid = np.isfinite(residuals).all(axis=0)
    inside = residuals[:, valid]
    size = np.sqrt(np.square(inside).sum(axis=1))
    scaled = inside / np.where(size > 0.0, size, 1.0)[:, None]
    found = scaled @ scaled.T
    np.fill_diagonal(found, 1.0)
    return np.asarray(found, dtype=np.float64)


def _residuals(differences: Floats) -> Floats:
    valid = np.isfinite(differences)
    counts = np.maximum(valid.sum(axis=1, keepdims=True), 1)
    means = np.where(valid, differences, 0.0).sum(axis=1, keepdims=True) / counts
    return np.asarray((differences - means).ravel(), dtype=np.float64)


def root_of(correlation: Floats) -> Floats:
    """A matrix whose product with its transpose is the correlation, which may be singular."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), dtype=np.float64)


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


def _halves(parameters: Sequence[Mapping[str, float]]) -> tuple[_Looked, tuple[str, ...]]:
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
    looked = _Looked(kept, position[group.reshape(-1)], _standard_ranks(columns), below, split)
    return looked, kept


def _standard_ranks(rows: Floats) -> Floats:
    """Ranks along the last axis with mean 0 and length 1; zeros where all are alike."""
    if not rows.size:
        return np.zeros_like(rows)
    ranks = stats.rankdata(rows, axis=-1)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    length = np.sqrt(np.square(ranks).sum(axis=-1, keepdims=True))
    return np.asarray(ranks / np.where(length > 0.0, length, 1.0), dtype=np.float64)


def _what_turns(duels: Sequence[_Duel], looked: _Looked) -> tuple[dict[int, Pull], Learning | None]:
    """The parameter that goes most with each pair, and the one to learn for the pairs that do not hold."""
    places = [place for place, duel in enumerate(duels) if np.isfinite(duel.sides).sum() > 2]
    n_groups = looked.ranks.shape[1] if looked.names else 0
    if not places or n_groups < 3:
        return {}, None
    sides = np.array([_by_group(duels[place].sides, looked.group, n_groups) for place in places])
    ranks = _standard_ranks(sides)
    open_pairs = np.array([duels[place].says in ("likely", "cannot tell") for place in places])

    correlations = looked.ranks @ ranks.T
    gains = _gains(looked.below, sides[open_pairs])
    largest, best_gain = np.abs(correlations).max(axis=0), float(gains.max(initial=0.0))
    exceed, exceed_gain = np.ones(len(places)), 1.0
    generator = np.random.default_rng(SEED)
    for _ in range(PERMUTATIONS):
        mixed = generator.permutation(n_groups)
        exceed += float(np.abs(looked.ranks @ ranks[:, mixed].T).max()) >= largest - 1e-12
        if best_gain > 0.0:
            permuted = _gains(looked.below, sides[open_pairs][:, mixed])
            exceed_gain += float(permuted.max(initial=0.0)) >= best_gain - 1e-12
    pulls = {}
    for column, place in enumerate(places):
        strongest = int(np.abs(correlations[:, column]).round(TIE_DECIMALS).argmax())
        below, above = _shares(looked.below[strongest], sides[column])
        pulls[place] = Pull(
            looked.names[strongest], float(correlations[strongest, column]),
            float(exceed[column]) / (PERMUTATIONS + 1), float(looked.split[strongest]), below, above,
        )  # fmt: skip
    if best_gain <= 0.0:
        return pulls, None
    shares = sides[open_pairs].mean(axis=1)
    now = float(np.maximum(shares, 1.0 - shares).mean())
    learn = Learning(
        looked.names[int(gains.round(TIE_DECIMALS).argmax())],
        now,
        now + best_gain,
        exceed_gain / (PERMUTATIONS + 1),
    )
    return pulls, learn


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
    "outcome", "money", "ahead", "behind", "share_of_draws", "says", "signal", "turns_on", "correlation", "corrected_p",
    "split", "share_below", "share_above", "whole_order", "whole_order_share", "first_share", "learn", "right_now",
    "right_then", "learn_corrected_p",
)  # fmt: skip


def to_csv(decisions: Sequence[Decision]) -> str:
    """One line per outcome, money variant and pair; the same bytes for the same study."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in _rows(decisions):
        writer.writerow(csv_value(value) for value in row)
    return out.getvalue()


def _rows(decisions: Sequence[Decision]) -> Iterator[tuple[object, ...]]:
    for one in decisions:
        learn = one.learn
        learned: tuple[object, ...] = ("", "", "", "")
        if learn is not None:
            learned = (learn.parameter, learn.right_now, learn.right_then, learn.corrected_p)
        for pair in one.pairs:
            pull = pair.turns_on
            turned: tuple[object, ...] = ("", "", "", "", "", "")
            if pull is not None:
                turned = (
                    pull.parameter, pull.correlation, pull.corrected_p, pull.split, pull.share_below, pull.share_above,
                )  # fmt: skip
            yield (
                one.outcome, one.money, pair.ahead, pair.behind, pair.share, pair.says, pair.signal, *turned,
                " > ".join(one.order), one.whole, one.first, *learned,
            )  # fmt: skip
