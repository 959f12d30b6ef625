"""A small tree of yes-or-no questions on factors, its leaves as conditions that people can read.

Sources:
    Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees, s. 3.4: pruning by cost and
    complexity, and the smallest tree within one standard error.
    Brier (1950), Monthly Weather Review 78, 1-3: the score by which trees are compared, proper for shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from passaat.experiments.design.factors import Factor, Setting
from passaat.experiments.stats.pairing import Floats
from passaat.experiments.stats.prim import OPEN, Box, Flags, Limits, restricted

DEEPEST: Final = 4
SMALLEST_LEAF: Final = 0.05
FEWEST_IN_LEAF: Final = 5
"""A tree asks at most ``DEEPEST`` questions in a row, and no leaf holds a smaller share of the points than
``SMALLEST_LEAF``, nor fewer points than ``FEWEST_IN_LEAF``.
"""

FOLDS: Final = 5
REPEATS: Final = 4


@dataclass(frozen=True)
class Condition:
    """What is allowed of one factor: a range whose ends are included, or some of its values.

    ``low`` and ``high`` are minus and plus infinity where a side is open; ``values`` is empty for a range.
    """

    factor: Factor
    low: float
    high: float
    values: tuple[Setting, ...] = ()

    def words(self) -> str:
        """As people read it: "Follow-up years is at most 2", "Start is slow or late"."""
        name, unit = self.factor.label, shown_unit(self.factor)
        if self.values:
            left_out = [one for one in self.factor.categories if one not in self.values]
            if len(left_out) == 1 < len(self.values):
                return f"{name} is not {self.factor.show(left_out[0])}"
            return f"{name} is {_or([self.factor.show(one) for one in self.values])}"
        between = self.factor.scale == "continuous"
        low, high = shown_limit(self.factor, self.low), shown_limit(self.factor, self.high)
        if math.isinf(self.low):
            return f"{name} is {'below' if between else 'at most'} {high}{unit}"
        if math.isinf(self.high):
            return f"{name} is {'above' if between else 'at least'} {low}{unit}"
        if self.low == self.high:
            return f"{name} is {low}{unit}"
        return f"{name} is {'between' if between else 'from'} {low} {'and' if between else 'to'} {high}{unit}"


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def shown_unit(factor: Factor) -> str:
    """The unit with a blank before it; none for plain numbers, shares among them, nor where the label has it."""
    plain = factor.unit in ("", "share", "ratio") or factor.unit.lower() in factor.label.lower()
    return "" if plain else f" {factor.unit}"


def unit_named(factor: Factor) -> str:
    """The unit as it stands behind the label: ``shown_unit`` after a comma."""
    return f", {shown_unit(factor).strip()}" if shown_unit(factor) else ""


def shown_limit(factor: Factor, value: float) -> str:
    """A limit as people read it, to a hundredth of the factor's range: a cut is known no better."""
    if math.isinf(value):
        return ""
    if factor.scale != "continuous":
        return factor.show(value)
    if factor.shape == "loguniform" and abs(value) < 1000.0:
        return f"{value:.3g}"
    width = factor.high - factor.low
    digits = 2 - math.floor(math.log10(width)) if width > 0.0 else 3
    shown = f"{round(value, digits):,.{max(digits, 0)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def condition(factor: Factor, limits: Limits, column: Floats) -> Condition:
    """Limits in the factor's own terms; of a list without order, the values that are kept and occur in ``column``."""
    if factor.ordered:
        return Condition(factor, limits.low, limits.high)
    occurring = {int(code) for code in np.unique(column)} - set(limits.without)
    return Condition(
        factor, -math.inf, math.inf, tuple(factor.categories[code] for code in sorted(occurring))
    )


def conditions(box: Box, factors: Sequence[Factor], x: Floats) -> tuple[Condition, ...]:
    """One condition for each factor that a box restricts."""
    return tuple(condition(factors[place], box[place], x[:, place]) for place in restricted(box))


@dataclass(frozen=True)
class Leaf:
    """A leaf of the tree: its conditions, its points, and the share of them where the statement is true."""

    conditions: tuple[Condition, ...]
    points: int
    share: float

    def words(self) -> str:
        """Its conditions joined; "everywhere" without any."""
        return " and ".join(one.words() for one in self.conditions) or "everywhere"


def grow_tree(x: Floats, y: Flags, factors: Sequence[Factor], seed: int) -> tuple[Leaf, ...]:
    """Leaves of a small tree, the one with the largest share first.

    Grown to ``DEEPEST`` questions in a row and cut back by cost and complexity: among the cuts the smallest tree whose
    Brier score in cross-validation lies within one standard error of the best (Breiman et al. 1984, s. 3.4.3). A single
    leaf says that no question is worth asking. Of a list without order, each value is a question of its own.

    Args:
        x: values, shape (n_points, n_factors), lists without order as places of their values.
        y: whether the statement is true at each point.
        factors: what the columns are.
        seed: seed of the folds and of the order in which equal questions are tried.
    """
    from sklearn.tree import DecisionTreeClassifier

    if not y.any() or y.all():
        return (Leaf((), len(y), float(y.mean())),)
    columns = list(_columns(x, factors))
    table = np.column_stack([_column(x, place, code) for place, code in columns])
    least = max(FEWEST_IN_LEAF, math.ceil(SMALLEST_LEAF * len(y)))

    def grown(pruning: float, rows: Flags) -> Any:
        tree = DecisionTreeClassifier(
            max_depth=DEEPEST, min_samples_leaf=least, ccp_alpha=pruning, random_state=seed
        )
        return tree.fit(table[rows], y[rows])

    everything = np.ones(len(y), dtype=np.bool_)
    steps = grown(0.0, everything).cost_complexity_pruning_path(table, y).ccp_alphas
    tree = grown(_pruning(np.unique(np.maximum(steps, 0.0)), table, y, grown, seed), everything)
    return tuple(sorted(_leaves(tree, x, table, y, factors, columns), key=lambda one: -one.share))


def _pruning(
    steps: Floats, table: Floats, y: Flags, grown: Callable[[float, Flags], Any], seed: int
) -> float:
    """The strongest pruning within one standard error of the best, by Brier score in cross-validation."""
    # Between two steps every pruning gives the same tree; beyond the last the root is left alone.
    tried = np.sqrt(steps * np.append(steps[1:], 4.0 * steps[-1]))
    tried[-1] = max(tried[-1], np.finfo(np.float64).tiny)
    generator = np.random.default_rng(seed)
    scores = []
    for _ in range(REPEATS):
        part = np.empty(len(y), dtype=np.intp)
        for side in (y, ~y):  # so that each fold has its share of either side
            part[generator.permutation(np.flatnonzero(side))] = np.arange(int(side.sum())) % FOLDS
        for fold in range(FOLDS):
            used, left = part != fold, part == fold
            if left.any() and y[used].any() and not y[used].all():
                shares = [grown(one, used).predict_proba(table[left])[:, 1] for one in tried]
                scores.append([float(np.square(share - y[left]).mean()) for share in shares])
    if not scores:
        return float(tried[-1])
    mean, error = np.mean(scores, axis=0), np.std(scores, axis=0) / math.sqrt(FOLDS)
    best = int(mean.argmin())
    return float(tried[np.flatnonzero(mean <= mean[best] + error[best])[-1]])


def _columns(x: Floats, factors: Sequence[Factor]) -> Iterator[tuple[int, int | None]]:
    """Place of a factor, and the value asked for where it is a list without order."""
    for place, factor in enumerate(factors):
        if factor.ordered:
            yield place, None
        else:
            codes = [int(code) for code in np.unique(x[:, place])]
            yield from ((place, code) for code in (codes[1:] if len(codes) == 2 else codes))


def _column(x: Floats, place: int, code: int | None) -> Floats:
    return x[:, place] if code is None else np.asarray(x[:, place] == code, dtype=np.float64)


def _leaves(
    tree: Any,
    x: Floats,
    table: Floats,
    y: Flags,
    factors: Sequence[Factor],
    columns: Sequence[tuple[int, int | None]],
) -> Iterator[Leaf]:
    """Every leaf with the box that its questions make and the points that fall into it."""
    inner, falls = tree.tree_, tree.apply(table)
    waiting: list[tuple[int, Box]] = [(0, (OPEN,) * len(factors))]
    while waiting:
        node, box = waiting.pop()
        if inner.children_left[node] == inner.children_right[node]:  # both -1: a leaf
            here = falls == node
            yield Leaf(conditions(box, factors, x), int(here.sum()), float(y[here].mean()))
            continue
        place, code = columns[inner.feature[node]]
        cut = float(inner.threshold[node])
        for child, at_most in ((inner.children_left[node], True), (inner.children_right[node], False)):
            limits = _narrowed(box[place], code, cut, at_most, factors[place], x[:, place])
            waiting.append((int(child), (*box[:place], limits, *box[place + 1 :])))


def _narrowed(
    limits: Limits, code: int | None, cut: float, at_most: bool, factor: Factor, column: Floats
) -> Limits:
    if code is not None:
        gone = {code} if at_most else {int(one) for one in np.unique(column)} - {code}
        return Limits(without=tuple(sorted({*limits.without, *gone})))
    if factor.scale != "continuous":  # a value that occurs, rather than the middle between two
        cut = float(column[column <= cut].max() if at_most else column[column > cut].min())
    return Limits(low=limits.low, high=cut) if at_most else Limits(low=cut, high=limits.high)
