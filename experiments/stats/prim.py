"""The patient rule induction method: boxes in the space of factors in which cases of interest are frequent.

A box restricts some dimensions, each to a range or to some of its categories, so that it reads as a sentence. It is
found by peeling: starting from all points, a thin slice of points at one face is removed again and again, the one whose
removal raises the share of cases most per point removed. Pure statistics, without model, files or clock.

A case is a point of interest. Of a box it is said (Bryant and Lempert 2010):

    density    share of the points in the box that are cases;
    coverage   share of all cases that lie in the box;
    mass       share of all points that lie in the box;
    quasi-p    for each restriction, the chance of at least as many cases in the box if that restriction told nothing.

Sources:
    Friedman and Fisher (1999), Statistics and Computing 9, 123-143: peeling, pasting, covering.
    Bryant and Lempert (2010), Technological Forecasting and Social Change 77, 34-49: coverage, density, quasi-p,
    resampling.
    Kwakkel and Jaxa-Rozen (2016), Environmental Modelling and Software 79, 311-321: gain per point removed, so that
    slices of unequal size (whole numbers, categories) compete fairly.
    Matthews (1975), Biochimica et Biophysica Acta 405, 442-451: the correlation of two yes-or-no answers, phi.
    Besag and Clifford (1991), Biometrika 78(2), 301-304: permutation tests that stop early.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from passaat.experiments.stats.pairing import Floats

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]
DimensionScale = Literal["continuous", "discrete", "categories"]

PATIENCE: Final = (0.05, 0.1, 0.2)
"""Shares of the points of a box that one slice removes. 0.05 is the usual patience. Where points are few or cases
noisy, so thin a slice holds a handful of points, and peeling wanders off along dimensions that tell nothing; thicker
ones then find the corner. All are tried, and the clearest box is taken.
"""

PASTED: Final = 0.05
"""Share of the points of a box that pasting adds at a time."""

SMALLEST_MASS: Final = 0.05
"""Peeling ends before a box holds a smaller share of all points than this, or fewer points than ``SMALLEST_BOX``."""

SMALLEST_BOX: Final = 10

WEAK: Final = 0.05
"""A restriction whose quasi-p is larger is taken back (Bryant and Lempert 2010)."""

PERMUTATIONS: Final = 199
ENOUGH_EXCEEDANCES: Final = 10
"""A permutation test stops when chance has done as well as the data this many times: the answer is then clear."""


@dataclass(frozen=True)
class Dimension:
    """One dimension of the space of points.

    ``continuous`` values are cut between two points; ``discrete`` ones (whole numbers, ordered lists) keep values as
    limits; ``categories`` are codes without an order, taken away one at a time.
    """

    name: str
    scale: DimensionScale


@dataclass(frozen=True)
class Limits:
    """What a box allows on one dimension, ends included; minus and plus infinity where a side is open.

    ``without`` are codes of categories that are taken away; empty unless the dimension has categories.
    """

    low: float = -math.inf
    high: float = math.inf
    without: tuple[int, ...] = ()

    @property
    def restricts(self) -> bool:
        """Whether anything is left out."""
        return math.isfinite(self.low) or math.isfinite(self.high) or bool(self.without)

    def holds(self, column: Floats) -> Flags:
        """Which values are allowed."""
        inside = (column >= self.low) & (column <= self.high)
        return inside & ~np.isin(column, self.without) if self.without else inside


OPEN: Final = Limits()

Box = tuple[Limits, ...]
"""One ``Limits`` for each dimension, in their order."""


def inside(box: Box, x: Floats) -> Flags:
    """Which points lie in a box; ``x`` of shape (n_points, n_dimensions)."""
    found = np.ones(len(x), dtype=np.bool_)
    for place, limits in enumerate(box):
        if limits.restricts:
            found &= limits.holds(x[:, place])
    return found


def restricted(box: Box) -> tuple[int, ...]:
    """Places of the dimensions that a box restricts."""
    return tuple(place for place, limits in enumerate(box) if limits.restricts)


@dataclass(frozen=True)
class Counted:
    """A box, and what was counted in it.

    Attributes:
        box: the box.
        points: number of points in it; cases: those of interest.
        coverage, density, mass: as in the module's docstring; density is nan in an empty box.
        phi: correlation between lying in the box and being a case, -1 to 1; 0 where either does not vary.
    """

    box: Box
    points: int
    cases: int
    coverage: float
    density: float
    mass: float
    phi: float


def counted_in(box: Box, x: Floats, y: Flags) -> Counted:
    """What a box holds of points ``x`` of which ``y`` says whether they are cases."""
    hit = inside(box, x)
    return _counted(box, int(hit.sum()), int((hit & y).sum()), len(y), int(y.sum()))


def _counted(box: Box, points: int, cases: int, all_points: int, all_cases: int) -> Counted:
    return Counted(
        box=box,
        points=points,
        cases=cases,
        coverage=cases / all_cases if all_cases else math.nan,
        density=cases / points if points else math.nan,
        mass=points / all_points if all_points else math.nan,
        phi=_phi(points, cases, all_points, all_cases),
    )


def _phi(points: int, cases: int, all_points: int, all_cases: int) -> float:
    spread = points * (all_points - points) * all_cases * (all_points - all_cases)
    return (all_points * cases - points * all_cases) / math.sqrt(spread) if spread > 0 else 0.0


# --- peeling ------------------------------------------------------------------------------------------------


class Ground:
    """Points sorted once along every dimension, so that many peelings on them are quick.

    Args:
        x: values, shape (n_points, n_dimensions), all finite; categories as codes 0, 1, ...
        dimensions: what each column is.

    Raises:
        ValueError: shapes do not fit, or a value is not finite.
    """

    def __init__(self, x: Floats, dimensions: Sequence[Dimension]) -> None:
        if x.ndim != 2 or x.shape[1] != len(dimensions):
            raise ValueError(f"x has shape {x.shape}, not (n_points, {len(dimensions)})")
        if not np.isfinite(x).all():
            raise ValueError("x holds values that are not finite")
        self.x = x
        self.dimensions = tuple(dimensions)
        self.ordered = tuple(
            place
            for place, one in enumerate(dimensions)
            if one.scale != "categories" and _varies(x[:, place])
        )
        self.unordered = tuple(
            place
            for place, one in enumerate(dimensions)
            if one.scale == "categories" and _varies(x[:, place])
        )
        columns = x[:, self.ordered].T
        self.order: Places = np.argsort(columns, axis=1, kind="stable")
        self.sorted: Floats = np.take_along_axis(columns, self.order, axis=1)

    def without(self, place: int) -> Ground:
        """The same points, but this dimension is never cut."""
        fewer = copy(self)
        fewer.unordered = tuple(one for one in self.unordered if one != place)
        rows = [row for row, one in enumerate(self.ordered) if one != place]
        fewer.ordered = tuple(self.ordered[row] for row in rows)
        fewer.order, fewer.sorted = self.order[rows], self.sorted[rows]
        return fewer

    def some(self, rows: Places | Flags) -> Ground:
        """The same dimensions with some of the points."""
        return Ground(self.x[rows], self.dimensions)


def _varies(column: Floats) -> bool:
    return bool(column.size) and bool((column != column[0]).any())


def peel(ground: Ground, y: Flags, alpha: float) -> tuple[Counted, ...]:
    """All boxes on the way from all points to a small box, each within the one before.

    From a box of m points with share p of cases, slices are tried at either end of every ordered dimension, of the
    outermost ceil(alpha m) points and those equal to the last of them, and every single category. Removing r points so
    that share q of the rest are cases gains (q - p) / r; the largest gain is taken, the first of equal ones. It goes
    on when the largest gain is a loss, for a slice that is in the way of a corner, and ends when only cases are left or
    every slice would leave too few points.
    """
    n, total = len(y), int(y.sum())
    least = max(SMALLEST_BOX, math.ceil(SMALLEST_MASS * n - 1e-9))
    order, values = ground.order, ground.sorted
    alive = np.ones(n, dtype=np.bool_)
    box: Box = (OPEN,) * len(ground.dimensions)
    points, cases = n, total
    peeled = [_counted(box, points, cases, n, total)]
    while True:
        slices = _Slices.of(ground, order, values, y, alive, slice_size(points, alpha))
        best = slices.best(points, cases, least)
        if best is None:
            return tuple(peeled)
        place, limits, gone = slices.cut(best, ground, box)
        box = (*box[:place], limits, *box[place + 1 :])
        alive = alive & ~gone
        points, cases = int(alive.sum()), int((alive & y).sum())
        kept = alive[order]
        shape = (len(order), points)
        order, values = order[kept].reshape(shape), values[kept].reshape(shape)
        peeled.append(_counted(box, points, cases, n, total))


@dataclass(frozen=True)
class _Slices:
    """Slices that could be peeled off: the upper and the lower end of each ordered dimension, then categories."""

    removed: Floats
    cases: Floats
    values: Floats
    categories: tuple[tuple[int, int], ...]
    alive: Flags

    @classmethod
    def of(cls, ground: Ground, order: Places, values: Floats, y: Flags, alive: Flags, size: int) -> _Slices:
        points = values.shape[1]
        sums = np.zeros((len(order), points + 1))
        np.cumsum(y[order], axis=1, out=sums[:, 1:])
        rows = np.arange(len(order))
        from_below = (values <= values[:, size - 1 : size]).sum(axis=1)
        from_above = (values >= values[:, points - size : points - size + 1]).sum(axis=1)
        removed = [np.stack([from_above, from_below], axis=1).ravel()]
        cases_below = sums[rows, from_below]
        cases_above = sums[:, points] - sums[rows, points - from_above]
        cases = [np.stack([cases_above, cases_below], axis=1).ravel()]
        categories: list[tuple[int, int]] = []
        for place in ground.unordered:
            codes = ground.x[alive, place].astype(np.intp)
            counts, of_cases = np.bincount(codes), np.bincount(codes, weights=y[alive])
            present = np.flatnonzero(counts)
            categories += [(place, int(code)) for code in present]
            removed.append(counts[present])
            cases.append(of_cases[present])
        return cls(
            np.concatenate(removed).astype(np.float64),
            np.concatenate(cases),
            values,
            tuple(categories),
            alive,
        )

    def best(self, points: int, cases: int, least: int) -> int | None:
        left = points - self.removed
        allowed = left >= least
        density = np.divide(cases - self.cases, left, out=np.zeros_like(left), where=allowed)
        gains = np.where(allowed, (density - cases / points) / self.removed, -np.inf)
        highest = float(gains.max(initial=-np.inf))
        if not math.isfinite(highest) or cases == points:
            return None
        # Gains of equal worth may differ in the last bit: the first within rounding of the largest is taken.
        return int(np.flatnonzero(gains >= highest - 1e-12 * abs(highest))[0])

    def cut(self, chosen: int, ground: Ground, box: Box) -> tuple[int, Limits, Flags]:
        """Dimension that is cut, its new limits, and the points that go."""
        n_ordered, size = len(ground.ordered), int(self.removed[chosen])
        if chosen >= 2 * n_ordered:
            place, code = self.categories[chosen - 2 * n_ordered]
            without = tuple(sorted({*box[place].without, code}))
            return place, replace(box[place], without=without), self.alive & (ground.x[:, place] == code)
        row, below = divmod(chosen, 2)
        place, column, line = ground.ordered[row], ground.x[:, ground.ordered[row]], self.values[row]
        scale = ground.dimensions[place].scale
        if below:
            low = _between(line[size - 1], line[size], scale, inner=float(line[size]))
            return place, replace(box[place], low=low), self.alive & (column < low)
        inner = float(line[len(line) - size - 1])
        high = _between(inner, line[len(line) - size], scale, inner=inner)
        return place, replace(box[place], high=high), self.alive & (column > high)


def slice_size(points: int, alpha: float) -> int:
    """Number of points of a slice: share ``alpha`` of the points of a box, rounded up."""
    return max(1, math.ceil(alpha * points - 1e-9))


def _between(low: float, high: float, scale: DimensionScale, inner: float) -> float:
    """A limit between two neighbouring values: half way, or the inner one where only values themselves make sense."""
    middle = 0.5 * (float(low) + float(high))
    # Half way between neighbouring floats may be the outer one, which must not be let in.
    return middle if scale == "continuous" and low < middle < high else inner


# --- from the way to one box --------------------------------------------------------------------------------


def clearest(peeled: Sequence[Counted]) -> int:
    """Place of the box that goes best with the cases: largest phi, the first of equal ones.

    Density rises and coverage falls along the way, and a rule has to weigh one against the other. The largest density
    with a given coverage always ends at that very coverage, chasing luck inside a corner that is found already. Phi
    falls as soon as slices of the corner itself are cut away, treats rare and frequent cases alike, and n phi^2 is the
    chi-square of box against cases: the box suggested is the one in which cases differ most clearly from chance.
    """
    return int(np.argmax([one.phi for one in peeled]))


@dataclass(frozen=True)
class QuasiP:
    """Quasi-p of the restrictions on one dimension; nan on a side that is open or does not apply."""

    low: float
    high: float
    categories: float


def quasi_p(box: Box, x: Floats, y: Flags) -> dict[int, QuasiP]:
    """For each restricted dimension the quasi-p of each of its restrictions (Bryant and Lempert 2010).

    With T points and H cases in the box, and T' and H' in the box without that restriction, it is the chance of H or
    more successes in T trials of probability H' / T'. Small values say that the restriction matters; they are no
    chances of error, because the box was picked to make them small.
    """
    here = counted_in(box, x, y)
    found: dict[int, QuasiP] = {}
    for place in restricted(box):
        limits = box[place]
        chances = [
            _quasi_p(here, counted_in(_with(box, place, looser), x, y)) if looser != limits else math.nan
            for looser in (_opened(limits, side) for side in range(3))
        ]
        found[place] = QuasiP(*chances)
    return found


def _quasi_p(here: Counted, without: Counted) -> float:
    if not here.points or not without.points:
        return 1.0
    return float(stats.binom.sf(here.cases - 1, here.points, without.cases / without.points))


def drop_weak(box: Box, x: Floats, y: Flags) -> Box:
    """The box without restrictions whose quasi-p exceeds ``WEAK``: the weakest goes first, then all are asked again."""
    while True:
        asked = [
            (value, place, side)
            for place, p in quasi_p(box, x, y).items()
            for side, value in enumerate((p.low, p.high, p.categories))
            if value > WEAK
        ]
        if not asked:
            return box
        _, place, side = max(asked)
        box = _with(box, place, _opened(box[place], side))


def paste(box: Box, x: Floats, y: Flags, dimensions: Sequence[Dimension]) -> Box:
    """The box widened as long as its density does not fall: the counterpart of peeling.

    Tried are, for every restricted side, the nearest ceil(PASTED m) points beyond it that satisfy all other
    restrictions, with those equal to the last of them, and every category taken away. The densest is taken, the larger
    of equal ones, the first of the same size.
    """
    here = counted_in(box, x, y)
    while True:
        wider = [counted_in(one, x, y) for one in _widened(box, here, x, dimensions)]
        wider = [one for one in wider if one.cases * here.points >= here.cases * one.points]
        if not wider:
            return box
        here = max(wider, key=lambda one: (one.density, one.points))
        box = here.box


def _widened(box: Box, here: Counted, x: Floats, dimensions: Sequence[Dimension]) -> Iterator[Box]:
    size = slice_size(here.points, PASTED)
    for place in restricted(box):
        limits, scale = box[place], dimensions[place].scale
        column = x[inside(_with(box, place, OPEN), x), place]
        if math.isfinite(limits.low):
            below = np.sort(column[column < limits.low])[::-1]
            yield _with(box, place, replace(limits, low=-_reach(-below, size, scale)))
        if math.isfinite(limits.high):
            above = np.sort(column[column > limits.high])
            yield _with(box, place, replace(limits, high=_reach(above, size, scale)))
        for code in limits.without:
            yield _with(box, place, replace(limits, without=tuple(c for c in limits.without if c != code)))


def _reach(beyond: Floats, size: int, scale: DimensionScale) -> float:
    """The limit that lets in the first ``size`` values of an ascending array; infinite when it lets in all."""
    if len(beyond) <= size:
        return math.inf
    last = beyond[size - 1]
    rest = beyond[beyond > last]
    return _between(float(last), float(rest[0]), scale, inner=float(last)) if rest.size else math.inf


def _with(box: Box, place: int, limits: Limits) -> Box:
    return (*box[:place], limits, *box[place + 1 :])


def _opened(limits: Limits, side: int) -> Limits:
    """Limits without the restriction on one side: 0 the lower end, 1 the upper one, 2 the categories taken away."""
    if side == 2:
        return replace(limits, without=())
    return replace(limits, low=-math.inf) if side == 0 else replace(limits, high=math.inf)


@dataclass(frozen=True)
class Suggestion:
    """The way of peeling, which of its boxes was taken, and the box that came of it.

    ``alpha`` is the patience; ``chosen`` is the place of the box taken in ``peeled``; ``found`` is that box after weak
    restrictions were dropped and it was pasted.
    """

    alpha: float
    peeled: tuple[Counted, ...]
    chosen: int
    found: Counted


def suggest(ground: Ground, y: Flags) -> Suggestion:
    """Peel with each patience, drop what is weak, paste, and take the box with the largest phi.

    Peeling is greedy: a first slice off one dimension may lead away from the clearest box, where another dimension has
    cases at both of its ends, say. So each dimension of the box found is closed in turn and all is tried again without
    it, as long as phi grows.
    """
    best = _most_patient(ground, y)
    while True:
        fewer = [ground.without(place) for place in restricted(best.found.box)]
        tried = [_most_patient(one, y) for one in fewer]
        places = [place for place, one in enumerate(tried) if one.found.phi > best.found.phi + 1e-12]
        if not places:
            return best
        chosen = max(places, key=lambda place: tried[place].found.phi)
        best, ground = tried[chosen], fewer[chosen]


def _most_patient(ground: Ground, y: Flags) -> Suggestion:
    return max((_suggest(ground, y, alpha) for alpha in PATIENCE), key=lambda one: one.found.phi)


def _suggest(ground: Ground, y: Flags, alpha: float) -> Suggestion:
    """Peel and take the clearest box; while a dimension of it is weak, peel again without the weakest one; then paste.

    A dimension is weak when the quasi-p of all its restrictions together exceeds ``WEAK``. To peel again, rather than
    to take its restrictions back only, gives the slices that went to a dimension that tells nothing to those that do.
    """
    asked = ground
    while True:
        peeled = peel(asked, y, alpha)
        chosen = clearest(peeled)
        here = peeled[chosen]
        weakest, place = max(
            (
                (_quasi_p(here, counted_in(_with(here.box, place, OPEN), ground.x, y)), place)
                for place in restricted(here.box)
            ),
            default=(0.0, 0),
        )
        if weakest <= WEAK:
            break
        asked = asked.without(place)
    box = paste(drop_weak(here.box, ground.x, y), ground.x, y, ground.dimensions)
    return Suggestion(alpha, peeled, chosen, counted_in(box, ground.x, y))


# --- is it more than chance? --------------------------------------------------------------------------------


def chance_of_as_clear(ground: Ground, y: Flags, seed: int) -> float:
    """Chance that peeling finds a box of as large a phi where the factors tell nothing of the cases: a p-value.

    Cases are dealt out to points at random, up to ``PERMUTATIONS`` times, and peeled in the same way; that the box is
    picked to fit is thereby accounted for. After ``ENOUGH_EXCEEDANCES`` permutations that do as well, it stops (Besag
    and Clifford 1991).
    """
    generator = np.random.default_rng(seed)
    observed = _largest_phi(ground, y)
    exceed = 0
    for done in range(1, PERMUTATIONS + 1):
        exceed += _largest_phi(ground, generator.permutation(y)) >= observed - 1e-12
        if exceed == ENOUGH_EXCEEDANCES:
            return exceed / done
    return (1 + exceed) / (1 + PERMUTATIONS)


def _largest_phi(ground: Ground, y: Flags) -> float:
    return max(one.phi for alpha in PATIENCE for one in peel(ground, y, alpha))


@dataclass(frozen=True)
class HeldOut:
    """What boxes hold of points that were not used to find them.

    Attributes:
        density: share of cases among such points in the box, to set beside the density in the points used; nan
            where none lies in it.
        coverage: share of such cases that lie in the box.
        points: number of such points in the box, counted once for each repetition.
    """

    density: float
    coverage: float
    points: int


def held_out(ground: Ground, y: Flags, seed: int, *, folds: int, repeats: int) -> HeldOut:
    """Density and coverage by cross-validation: each part of the points is judged by the box found in the others."""
    generator = np.random.default_rng(seed)
    points = cases = 0
    for _ in range(repeats):
        part = generator.permutation(np.arange(len(y)) % folds)
        for fold in range(folds):
            used, left = part != fold, part == fold
            hit = inside(suggest(ground.some(used), y[used]).found.box, ground.x[left])
            points += int(hit.sum())
            cases += int((hit & y[left]).sum())
    total = repeats * int(y.sum())
    return HeldOut(cases / points if points else math.nan, cases / total if total else math.nan, points)


def restricted_again(ground: Ground, y: Flags, seed: int, *, samples: int) -> Floats:
    """For each dimension the share of half samples in whose box it is restricted, too (Bryant and Lempert 2010)."""
    generator = np.random.default_rng(seed)
    counts = np.zeros(len(ground.dimensions))
    for _ in range(samples):
        rows = np.sort(generator.permutation(len(y))[: len(y) // 2])
        counts[list(restricted(suggest(ground.some(rows), y[rows]).found.box))] += 1.0
    return counts / samples
