"""Which factors an outcome follows: designs and indices, on arrays alone; without model, files or clock.

Three methods, all by SALib, all for continuous, whole-number and category factors, ordered or not:

Morris: one factor after another is moved along a trajectory. Few runs; tells large from small, and steady effects
    from those that depend on the rest.
Sobol: shares of the variance of the outcome: of a factor alone (first order), with all its interactions (total),
    and of pairs (second order). Many runs.
given data: first-order shares from any sample, such as a Latin hypercube or a factorial that was run for something
    else. Interactions stay in one remainder.

Designs live in the unit cube: a factor turns a share of its range, or of its list of categories, into a value. A
run that failed is nan and takes its whole *block* with it: the trajectory, the base point, or the row. Every index
has a 95 % interval by bootstrap over blocks. Points of a Saltelli design are spread more evenly than chance would,
so its intervals are a little too wide rather than too narrow.

Why class means for given data: on a toy of eleven factors (a yes/no, three unordered categories, twenty draws, curves,
a pair that only interacts, four factors without effect) and 128 to 1,024 points of a Latin hypercube, the shares had a
root mean square error of .030 to .008, factors without effect got .00, and 95 % intervals held 97 % of the true
shares (92 % with 64 points). RBD-FAST was as unbiased but half as precise (.059 to .015). The delta index gave factors
without effect .07 to .05, PAWN .21 to .08. HDMR refuses fewer than 300 points, and its splines gave the twenty draws
.02 in place of .07. So: SALib's class-based share, with classes laid on categories where a factor has them. In
a Sobol sequence some pairs of factors are ill spread at some sizes, which can lend a factor without effect a few per
cent; Latin hypercubes do not.

Nothing here starts threads: sums over resamples are taken by ``einsum``, which does not call BLAS.

Sources:
    Morris (1991), Technometrics 33(2), 161-174; Campolongo, Cariboni and Saltelli (2007), Environmental Modelling
    & Software 22, 1509-1518: trajectories, mu, mu* and sigma.
    Saltelli et al. (2010), Computer Physics Communications 181, 259-270; Saltelli (2002), same journal 145,
    280-297: the design, first and total order, second order.
    Plischke, Borgonovo and Smith (2013), European Journal of Operational Research 226, 536-550: classes.
    Ezekiel (1930), Methods of Correlation Analysis: a squared correlation adjusted for its degrees of freedom.
    Sarrazin, Pianosi and Wagener (2016), Environmental Modelling & Software 79, 135-152: convergence.
    Iwanaga, Usher and Herman (2022), Socio-Environmental Systems Modelling 4, 18155: SALib.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from passaat.errors import StudyError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method = Literal["morris", "sobol", "given data"]

NAN: Final = float("nan")

LEVELS: Final = 4
STEP: Final = LEVELS / (2.0 * (LEVELS - 1))
"""A Morris step: two thirds of a factor's range, from 0 or 1/3 to 2/3 or 1, or back. Of a list, or of whole numbers
that are few, the value at either place: of 0, 2 and 4 from 0 or 2 to 4."""

RESAMPLES: Final = 200
CONFIDENCE: Final = 0.95

LOST_AT_MOST: Final = 0.2
"""Largest share of blocks that may be dropped: beyond it, what is left need not stand for the whole."""

FEWEST: Final = {"morris": 4, "sobol": 32, "given data": 30}
"""Fewest blocks from which indices are computed. Below these the bootstrap has too little to draw from."""

BLOCKS: Final = {"morris": "trajectories", "sobol": "base points", "given data": "points"}

SHARP: Final = 0.1
"""Widest 95 % interval, from end to end, of an index that counts as known; a share of the variance."""

MORRIS_SHARP: Final = 0.5
"""The same for Morris, as a part of the largest mean effect: it tells large from small and no more."""

NOTABLE: Final = 0.05
"""Below this share, or this part of the largest effect, the place of a factor in the ranking is of no matter."""

TOP: Final = 3
"""How many factors count as the largest."""

CORRECTED_BELOW: Final = 0.25
"""Largest relative error of what is left of the variance, with which luck is still taken out of shares."""

END: Final = 0.2
"""The low end of a range is its lowest fifth, the high end its highest."""

MOST_CLASSES: Final = 48
SEVEN_FROM: Final = 128
"""From so many points on at least seven classes: K classes hide 1/K^2 of a straight effect, 2 % with seven. Seven is
no power of two, with which the points of a Sobol sequence would line up."""

CLEARED_FROM: Final = 0.02
TURNS: Final = 3
"""Effects that make less of the variance are not taken out; and how often fits are repeated."""

FEW_VALUES: Final = 20
"""A factor of at most this many values has a class for each, also where it could have had others."""


# --- what is found ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; nan throughout where it does not exist."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """From end to end of the interval."""
        return self.high - self.low

    def times(self, factor: float) -> Estimate:
        """The same in another unit."""
        ends = sorted((self.low * factor, self.high * factor))
        return Estimate(self.value * factor, ends[0], ends[1])


UNKNOWN: Final = Estimate(NAN, NAN, NAN)


@dataclass(frozen=True)
class Blocks:
    """How many blocks there were and how many were dropped because a run in them failed."""

    kind: str
    total: int
    dropped: int

    @property
    def kept(self) -> int:
        return self.total - self.dropped


@dataclass(frozen=True)
class MorrisEffect:
    """Mean change of the outcome, in its unit, when a factor moves by one Morris step: two thirds of its range; of a
    list, yes and no, or a few whole numbers to another one of them. Per step and not, as often printed, per whole
    range: by that, the effect of a yes/no factor, which is all there is, would be overstated by half.

    Attributes:
        mean: mu, upwards; where effects of both signs cancel it is small. Without meaning for categories that have
            no order.
        size: mu*, mean size of the change.
        spread: sigma, standard deviation of the change: large where the effect is curved or depends on the others.
        by_luck: the mean size that a factor without effect would show if moving it did no more than deal luck anew, as
            it does where one event more or less sets off others; from how far worlds differ in the change. nan with
            one world per point.
    """

    mean: Estimate
    size: Estimate
    spread: Estimate
    by_luck: float = NAN

    @property
    def beyond_luck(self) -> bool:
        """Whether more than luck is seen: moves larger than luck makes, or, as luck favours no side, a mean that is not
        zero. True where luck is not known.
        """
        seen = self.size.low > self.by_luck or self.mean.low > 0.0 or self.mean.high < 0.0
        return seen or math.isnan(self.by_luck)


@dataclass(frozen=True)
class SobolIndex:
    """Shares of the variance of the outcome.

    Attributes:
        first: by the factor alone.
        total: with all interactions it takes part in.
        expected: first-order share in the variance of the *expected* outcome, luck averaged out; equal to ``first``
            where luck is no part of the outcome, nan for luck itself.
    """

    first: Estimate
    total: Estimate
    expected: Estimate


@dataclass(frozen=True)
class Pair:
    """Share of the variance that two factors make only together, above what each does alone. ``expected`` as of
    :class:`SobolIndex`.
    """

    one: int
    other: int
    share: Estimate
    expected: Estimate


@dataclass(frozen=True)
class Swing:
    """Mean outcome with a factor at its low and at its high end, all other factors as they come, and the change from
    low to high.

    The low end is the lowest fifth of the range (or the lowest value, of at most five), the high end the highest. Of
    categories without an order, "low" is the one with the lowest mean and "high" the one with the highest, chosen
    after looking, so that the change is never negative and a little too large. With Morris only the change is known:
    that of one step upwards.

    Attributes:
        low_rows, high_rows: which values of the factor make the ends, as (smallest, largest) coordinate.
    """

    low: Estimate
    high: Estimate
    change: Estimate
    low_rows: tuple[float, float]
    high_rows: tuple[float, float]


@dataclass(frozen=True)
class Noise:
    """Luck in an outcome of which every point has several worlds.

    Attributes:
        worlds: worlds per point.
        of_one_run: share of the variance of single runs that is luck, alone and with factors.
        of_mean: share of the variance of the points' means that is luck.
        own: whether points have different worlds, those of their set of parameters.
        corrected: whether their luck is taken out of shares.
    """

    worlds: int
    of_one_run: float
    of_mean: float
    own: bool
    corrected: bool


@dataclass(frozen=True)
class Morris:
    """Effects by factor."""

    blocks: Blocks
    varies: bool
    effects: tuple[MorrisEffect, ...]

    @property
    def importance(self) -> tuple[Estimate, ...]:
        """What factors are ranked by."""
        return tuple(effect.size for effect in self.effects)


@dataclass(frozen=True)
class Sobol:
    """Indices by factor, and pairs if asked for (else none)."""

    blocks: Blocks
    varies: bool
    indices: tuple[SobolIndex, ...]
    pairs: tuple[Pair, ...]
    luck: int | None

    @property
    def importance(self) -> tuple[Estimate, ...]:
        """What factors are ranked by."""
        return tuple(index.total for index in self.indices)


@dataclass(frozen=True)
class GivenData:
    """First-order shares by factor, and what is left: interactions, and luck that is not itself a factor."""

    blocks: Blocks
    varies: bool
    first: tuple[Estimate, ...]
    rest: Estimate

    @property
    def importance(self) -> tuple[Estimate, ...]:
        """What factors are ranked by."""
        return self.first


Indices = Morris | Sobol | GivenData


# --- blocks and intervals -----------------------------------------------------------------------------------


def kept_blocks(values: Floats, per_block: int, method: Method) -> tuple[NDArray[np.bool_], Blocks]:
    """Which blocks of ``per_block`` consecutive rows are whole, and the count.

    Raises:
        StudyError: more than a fifth of the blocks is lost, or too few are left.
        ValueError: the number of rows is no multiple of ``per_block``.
    """
    if values.ndim != 1 or values.size % per_block:
        raise ValueError(f"{values.shape} values are no whole blocks of {per_block}")
    whole: NDArray[np.bool_] = np.all(np.isfinite(values).reshape(-1, per_block), axis=1)
    blocks = Blocks(BLOCKS[method], whole.size, int(whole.size - whole.sum()))
    problems = []
    if blocks.dropped > LOST_AT_MOST * blocks.total:
        problems.append(
            f"{blocks.dropped} of {blocks.total} {blocks.kind} hold a run that failed, is missing or has no such"
            f" outcome; at most {100 * LOST_AT_MOST:.0f} % may be dropped"
        )
    if blocks.kept < FEWEST[method]:
        problems.append(f"{blocks.kept} {blocks.kind} are whole; at least {FEWEST[method]} are needed")
    if problems:
        raise StudyError(
            problems,
            hint="Let the sweep finish, mend what makes runs fail, narrow the ranges to where they succeed, take an"
            f" outcome that every run has, or ask for more {blocks.kind}."
            if blocks.dropped
            else f"Ask for more {blocks.kind}.",
        )
    return whole, blocks


def _weights(n: int, seed: int) -> Floats:
    """How often each of ``n`` blocks is drawn in each resample, over ``n``; shape (RESAMPLES, n)."""
    rng = np.random.default_rng((seed, n, 3))
    drawn = rng.integers(n, size=(RESAMPLES, n))
    counts = np.zeros((RESAMPLES, n))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], drawn), 1.0)
    return counts / n


def _means(weights: Floats, columns: Floats) -> Floats:
    """Means of columns (n, k) in every resample: (RESAMPLES, k). ``einsum`` so that no threads are started."""
    means: Floats = np.einsum("rn,nk->rk", weights, columns)
    return means


def _estimates(
    values: Floats, resampled: Floats, n: int, low: float = -math.inf, high: float = math.inf
) -> list[Estimate]:
    """Estimates (k,) with intervals from resamples (RESAMPLES, k): Student's t with n - 1 degrees of freedom times
    the standard deviation over resamples, which a bootstrap of n blocks understates by the root of (n - 1)/n.
    Intervals end where the index cannot go on.
    """
    reach = float(special.stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0)) * math.sqrt(n / (n - 1))
    half = reach * resampled.std(axis=0, ddof=1)
    return [
        Estimate(float(v), float(max(v - h, min(low, v))), float(min(v + h, max(high, v))))
        for v, h in zip(values, half, strict=True)
    ]


def _constant(values: Floats) -> bool:
    return bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


# --- Morris -------------------------------------------------------------------------------------------------


def morris(unit: Floats, values: Floats, *, runs: Floats | None = None, seed: int = 1) -> Morris:
    """Effects of every factor from trajectories.

    Args:
        unit: the design, shape (trajectories * (d + 1), d), as :func:`morris_points` gives it.
        values: outcome at each of its rows; nan where the run failed.
        runs: the outcomes (n_points, n_worlds) of which ``values`` are means, to tell what luck makes of effects.
        seed: seed of the bootstrap.

    Raises:
        StudyError: too many or too few trajectories are left (:func:`kept_blocks`).
    """
    from SALib.analyze import morris as morris_analyzer

    d = unit.shape[1]
    whole, blocks = kept_blocks(values, d + 1, "morris")
    x = unit.reshape(-1, d + 1, d)[whole]
    y = values.reshape(-1, d + 1)[whole]
    if _constant(y):
        nothing = MorrisEffect(UNKNOWN, UNKNOWN, UNKNOWN)
        return Morris(blocks, False, (nothing,) * d)
    found = morris_analyzer.analyze(
        problem_of(d), x.reshape(-1, d), y.ravel(), num_resamples=2, num_levels=LEVELS, seed=1
    )
    mu, size, spread = (STEP * np.asarray(found[key], dtype=float) for key in ("mu", "mu_star", "sigma"))
    effects = elementary_effects(x, y)
    n = blocks.kept
    weights = _weights(n, seed)
    mean, absolute, square = (_means(weights, part) for part in (effects, np.abs(effects), effects**2))
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0) * n / (n - 1))
    luck = np.full(d, np.nan)
    if runs is not None and runs.shape[1] > 1:
        luck = _by_luck(x, runs.reshape(-1, d + 1, runs.shape[1])[whole])
    return Morris(
        blocks,
        True,
        tuple(
            MorrisEffect(upwards, far, uneven, float(chance))
            for upwards, far, uneven, chance in zip(
                _estimates(mu, mean, n),
                _estimates(size, absolute, n, low=0.0),
                _estimates(spread, deviation, n, low=0.0),
                luck,
                strict=True,
            )
        ),
    )


def _by_luck(x: Floats, runs: Floats) -> Floats:
    """Mean size of a change that is nothing but luck: a normal one of the variance between worlds, over their number.

    Args:
        x: trajectories (n, d + 1, d).
        runs: outcomes (n, d + 1, n_worlds).
    """
    worlds = runs.shape[2]
    by_world = np.stack([elementary_effects(x, runs[..., w]) for w in range(worlds)])
    variance = by_world.var(axis=0, ddof=1).mean(axis=0) / worlds
    luck: Floats = np.sqrt(2.0 / math.pi * variance)
    return luck


def elementary_effects(x: Floats, y: Floats) -> Floats:
    """Change of the outcome by the step of each factor, signed as if upwards; shape (trajectories, d).

    Args:
        x: trajectories (n, d + 1, d), one factor moved from row to row.
        y: outcomes (n, d + 1).
    """
    step = np.diff(x, axis=1)
    moved = np.abs(step).argmax(axis=2)
    sign = np.sign(np.take_along_axis(step, moved[..., None], axis=2)[..., 0])
    effects = np.empty((x.shape[0], x.shape[2]))
    np.put_along_axis(effects, moved, np.diff(y, axis=1) * sign, axis=1)
    return effects


# --- Sobol --------------------------------------------------------------------------------------------------


def sobol(
    values: Floats,
    n_factors: int,
    *,
    second_order: bool,
    luck: int | None = None,
    worlds: WorldNoise | None = None,
    seed: int = 1,
) -> Sobol:
    """First, total and second order shares from a Saltelli design.

    With luck as a factor L among the others, independent of all x, write Y = f(x, L). Luck's total share is
    ST_L = E[Var(Y | x)] / Var(Y), so the expected outcome g(x) = E[Y | x] has the variance (1 - ST_L) Var(Y). As
    E[g | x_i] = E[Y | x_i], a factor's share in the variance of the expected outcome is exactly

        Var(E[g | x_i]) / Var(g) = S_i / (1 - ST_L),

    and in the same way S_ij / (1 - ST_L) for a pair without L. (A *total* share of g cannot be had so: ST_i holds
    the interactions of x_i with luck. It is at most ST_i / (1 - ST_L).)

    With several worlds per point, ``values`` are means over worlds and ``worlds`` tells their noise. Worlds common
    to all points shift all of them alike, which leaves no trace in any index; what remains of luck is where it
    interacts with factors, and its share of the variance of means is reported, not removed. Worlds that differ
    between points add the variance v of their mean effect. It is removed: from the variance of the means, from the
    first-order sum of a factor where a base point and its moved partner share worlds more often than two base points
    do, and from the total sum where moving the factor changes the worlds.

    Args:
        values: outcome at each row of :func:`saltelli_points`; nan where the run failed.
        n_factors: number of factors d.
        second_order: whether the design has rows for it, 2d + 2 per base point and not d + 2.
        luck: which factor is luck, if any.
        worlds: noise of the means over worlds, if there are several.
        seed: seed of the bootstrap.

    Raises:
        StudyError: too many or too few base points are left (:func:`kept_blocks`).
    """
    from SALib.analyze import sobol as sobol_analyzer

    d = n_factors
    per_block = 2 * d + 2 if second_order else d + 2
    whole, blocks = kept_blocks(values, per_block, "sobol")
    y = values.reshape(-1, per_block)[whole]
    both = [(i, j) for i in range(d) for j in range(i + 1, d)] if second_order else []
    if _constant(y):
        none = SobolIndex(UNKNOWN, UNKNOWN, UNKNOWN)
        pairs = tuple(Pair(i, j, UNKNOWN, UNKNOWN) for i, j in both)
        return Sobol(blocks, False, (none,) * d, pairs, luck)
    # SALib's estimators one by one: its `analyze` also resamples, and that of 1.5 does not work beside pandas 3.
    z = (y - y.mean()) / y.std()
    a, b = z[:, 0], z[:, -1]
    ab, ba = z[:, 1 : d + 1].T, z[:, d + 1 : 2 * d + 1].T
    point = [
        np.array([float(sobol_analyzer.first_order(a, ab[i], b)) for i in range(d)]),
        np.array([float(sobol_analyzer.total_order(a, ab[i], b)) for i in range(d)]),
        np.array([float(sobol_analyzer.second_order(a, ab[i], ab[j], ba[i], b)) for i, j in both]),
    ]
    resampled = _sobol_resampled(y, d, both, seed)
    if worlds is not None:
        owners = None if worlds.owners is None else worlds.owners.reshape(-1, per_block)[whole]
        noise_first, noise_total, noise_all = _world_shares(y, d, worlds, owners)
        for shares in (point, resampled):
            shares[0] = (shares[0] - noise_first) / (1.0 - noise_all)
            shares[1] = (shares[1] - noise_total) / (1.0 - noise_all)
            shares[2] = shares[2] / (1.0 - noise_all)
    n = blocks.kept
    first, total, pair = (_estimates(p, r, n) for p, r in zip(point, resampled, strict=True))
    total = [Estimate(one.value, max(one.low, min(0.0, one.value)), one.high) for one in total]
    if luck is None:
        expected, pair_expected = first, pair
    else:
        steady = 1.0 - point[1][luck]
        steadies = 1.0 - resampled[1][:, [luck]]
        expected, pair_expected = (
            _estimates(p / steady, r / np.maximum(steadies, 0.1 * steady), n)
            if steady > SHARP / 2
            else [UNKNOWN] * len(p)
            for p, r in ((point[0], resampled[0]), (point[2], resampled[2]))
        )
        expected = [UNKNOWN if i == luck else one for i, one in enumerate(expected)]
        pair_expected = [UNKNOWN if luck in ij else e for ij, e in zip(both, pair_expected, strict=True)]
    return Sobol(
        blocks,
        True,
        tuple(SobolIndex(*three) for three in zip(first, total, expected, strict=True)),
        tuple(Pair(i, j, s, e) for (i, j), s, e in zip(both, pair, pair_expected, strict=True)),
        luck,
    )


def _sobol_resampled(y: Floats, d: int, both: Sequence[tuple[int, int]], seed: int) -> list[Floats]:
    """First, total and second order in every resample of blocks, each (RESAMPLES, number).

    SALib's estimators, written as means of products, so that all resamples are one sum: by calling SALib on every
    resample, second order of a dozen factors takes seconds for each outcome. A test holds the two equal.
    """
    z = (y - y.mean()) / y.std()
    a, b, ab = z[:, :1], z[:, -1:], z[:, 1 : d + 1]
    one, other = [i for i, _ in both], [j for _, j in both]
    together = z[:, d + 1 : 2 * d + 1][:, one] * ab[:, other] - a * b if both else np.empty((len(z), 0))
    means = _means(
        _weights(len(z), seed),
        np.hstack([a + b, a**2 + b**2, b * (ab - a), 0.5 * (a - ab) ** 2, together]),
    )
    variance = np.maximum(means[:, [1]] / 2.0 - (means[:, [0]] / 2.0) ** 2, 1e-12)
    first, total, second = np.split(means[:, 2:] / variance, [d, 2 * d], axis=1)
    return [first, total, second - first[:, one] - first[:, other] if both else second]


def _world_shares(y: Floats, d: int, worlds: WorldNoise, owners: Ints | None) -> tuple[Floats, Floats, float]:
    """What worlds of their own add to the first-order and total shares of each factor and to the variance, all as
    shares of the variance of the means. Zeros where worlds are common.
    """
    if owners is None or not worlds.corrected:
        return np.zeros(d), np.zeros(d), 0.0
    a, b, ab = owners[:, :1], owners[:, -1:], owners[:, 1 : d + 1]
    added = worlds.own_mean / y[:, [0, -1]].var()
    apart = 1.0 - float((a == b).mean())
    in_all = min(added * apart, 0.95)
    return added * ((b == ab).mean(axis=0) - (1.0 - apart)), added * (a != ab).mean(axis=0), in_all


# --- given data ---------------------------------------------------------------------------------------------


def given_data(
    coordinates: Floats,
    values: Floats,
    unordered: Sequence[bool],
    *,
    worlds: WorldNoise | None = None,
    seed: int = 1,
) -> GivenData:
    """First-order shares from any sample in which factors are independent: how far the class means of a factor lie
    apart.

    A factor of few values has a class for each, another one classes of equal numbers of points. SALib's share of
    K classes among n points is too large by about (K - 1)/n where nothing acts; it is adjusted for that,
    1 - (1 - share)(n - 1)/(n - K), so that a factor without effect gets zero on average, and now and then a
    little less. What the other factors do on their own is taken out first, as it only blurs.

    Args:
        coordinates: (n, d), a number for every factor at every point; of a category its place in the list.
        values: outcome at each point; nan where the run failed.
        unordered: of each factor, whether its numbers have no order.
        worlds: noise of the means over worlds, if there are several; that of worlds of their own is removed.
        seed: seed of the bootstrap.

    Raises:
        StudyError: too many or too few points are left (:func:`kept_blocks`).
    """
    from SALib.analyze import delta

    d = coordinates.shape[1]
    whole, blocks = kept_blocks(values, 1, "given data")
    x, y = coordinates[whole], values[whole]
    if _constant(y):
        return GivenData(blocks, False, (UNKNOWN,) * d, UNKNOWN)
    n = blocks.kept
    weights = _weights(n, seed)
    z = (y - y.mean()) / y.std()
    labels = [classes(x[:, i], unordered[i]) for i in range(d)]
    cleared = _cleared(z, labels)
    variance = _variances(weights, z)
    owners = None if worlds is None or worlds.owners is None else worlds.owners[whole]
    point, resampled = np.full(d, np.nan), np.full((RESAMPLES, d), np.nan)
    for i, own in enumerate(labels):
        if own is None:
            continue
        left = cleared[:, i]
        size = np.bincount(own)
        k = size.size
        raw = delta.sobol_first(left, own, np.concatenate(([0], np.cumsum(size))))
        point[i] = _adjusted(np.asarray(raw), n, k) * left.var()
        drawn, sums = _class_sums(weights, own, left, k)
        middle = sums.sum(axis=1)
        of_left = _variances(weights, left)
        spread = (np.square(sums) / np.maximum(drawn, 1e-12)).sum(axis=1) - middle**2
        resampled[:, i] = _adjusted(spread / of_left, n, k) * of_left / variance
        if worlds is not None and owners is not None and worlds.corrected:
            added = worlds.own_mean / y.var()
            all_of_it, inside = _worlds_apart(owners, own)
            taken = added * (all_of_it - inside * (n - 1) / max(n - k, 1))
            for shares in (point, resampled):
                shares[..., i] = (shares[..., i] - taken) / (1.0 - min(added * all_of_it, 0.95))
    known = np.isfinite(point)
    estimates = iter(_estimates(point[known], resampled[:, known], n))
    first = tuple(next(estimates) if here else UNKNOWN for here in known)
    rest = _estimates(
        1.0 - point[known].sum(keepdims=True), 1.0 - resampled[:, known].sum(axis=1, keepdims=True), n
    )[0]
    return GivenData(blocks, True, first, rest if known.all() else UNKNOWN)


def _variances(weights: Floats, z: Floats) -> Floats:
    """Variance of one column in every resample."""
    moments = _means(weights, np.stack([z, z**2], axis=1))
    return np.maximum(moments[:, 1] - moments[:, 0] ** 2, 1e-12)


def _cleared(z: Floats, labels: Sequence[Ints | None]) -> Floats:
    """For every factor the values less what the *other* factors do on their own, shape (n, d).

    As factors are independent, the expected class means of a factor are the same without the effects of others, which
    only blur them; and in a factorial or a Sobol sequence, where others are balanced within each class, the adjustment
    for chance would take away too much. Effects are class means, fitted in turns to what the others leave; only of
    factors that explain more than chance does, so as not to fit noise.
    """
    n, d = z.size, len(labels)
    left = np.repeat(z[:, None], d, axis=1)
    for _ in range(TURNS):
        effects: dict[int, Floats] = {}
        for i, own in enumerate(labels):
            if own is None:
                continue
            size = np.bincount(own)
            means = np.bincount(own, weights=left[:, i]) / size
            explained = float((size * (means - left[:, i].mean()) ** 2).sum() / n)
            share = 1.0 - (1.0 - explained / left[:, i].var()) * (n - 1) / max(n - size.size, 1)
            if share * left[:, i].var() > max(CLEARED_FROM, 2.0 * (size.size - 1) / n):
                effects[i] = means[own] - z.mean()
        fitted = _in_turns(z, effects, labels)
        total = sum(fitted.values(), np.zeros(n))
        left = np.stack([z - total + fitted.get(i, 0.0) for i in range(d)], axis=1)
    return left


def _in_turns(z: Floats, effects: dict[int, Floats], labels: Sequence[Ints | None]) -> dict[int, Floats]:
    """Class means of each of these factors, fitted in turns to what the others leave."""
    for _ in range(TURNS):
        for i in effects:
            own = labels[i]
            assert own is not None
            rest = z - sum((effect for j, effect in effects.items() if j != i), np.zeros(z.size))
            effects[i] = (np.bincount(own, weights=rest) / np.bincount(own))[own]
    return effects


def _adjusted(share: Floats, n: int, k: int) -> Floats:
    """A share explained by ``k`` classes of ``n`` points, less what they explain by chance."""
    adjusted: Floats = 1.0 - (1.0 - share) * (n - 1) / max(n - k, 1)
    return adjusted


def _class_sums(weights: Floats, labels: Ints, z: Floats, k: int) -> tuple[Floats, Floats]:
    """Share of points and sum of values of each class in every resample, each (RESAMPLES, k)."""
    member = (labels[:, None] == np.arange(k)).astype(float)
    return _means(weights, member), _means(weights, member * z[:, None])


def _worlds_apart(owners: Ints, labels: Ints) -> tuple[float, float]:
    """Expected variance of the luck of own worlds in a sample, in all and within classes, if each owner's luck has
    variance 1. Nothing is within where the class of a point tells whose worlds it has; where every point has worlds
    of its own, what is between classes is what chance makes, (K - 1)/n.
    """
    n = owners.size
    in_all = 1.0 - float(np.square(np.unique(owners, return_counts=True)[1] / n).sum())
    both, together = np.unique(np.stack([labels, owners]), axis=1, return_counts=True)
    inside = 1.0 - float((np.square(together) / (n * np.bincount(labels)[both[0]])).sum())
    return in_all, inside


def classes(x: Floats, unordered: bool) -> Ints | None:
    """Class of every point, 0 to K - 1, none empty; None where categories without an order are too many to have
    two points each.

    Values themselves where there are few; else classes of about equal numbers of points, never parting equal values.
    How many classes: SALib's rule, but no fewer than seven from 128 points on.
    """
    n = x.size
    seen, labels = np.unique(x, return_inverse=True)
    found: Ints = labels.astype(np.int64)
    if unordered:
        return found if 2 * seen.size <= n else None
    if seen.size <= FEW_VALUES and 4 * seen.size <= n:
        return found
    power = 2.0 / (7.0 + math.tanh((1500.0 - n) / 500.0))
    number = min(max(math.ceil(n**power), 7 if n >= SEVEN_FROM else 1), MOST_CLASSES)
    edges = np.unique(np.quantile(x, np.arange(1, number) / number, method="lower"))
    _, tight = np.unique(np.searchsorted(edges, x, side="left"), return_inverse=True)
    return tight.astype(np.int64)


# --- from low to high ---------------------------------------------------------------------------------------


def swings(
    coordinates: Floats, values: Floats, unordered: Sequence[bool], *, per_block: int = 1, seed: int = 1
) -> tuple[Swing | None, ...]:
    """Mean outcome at the low and at the high end of every factor; None for factors that have no such ends here (one
    value, or more than a dozen categories without an order).

    Args:
        coordinates: (n, d), a number for every factor at every point.
        values: outcome at each point; nan where the run failed.
        unordered: of each factor, whether its numbers have no order.
        per_block: rows that belong together, for the bootstrap: those of a base point of a Saltelli design.
        seed: seed of the bootstrap.

    Raises:
        StudyError: too many or too few blocks are left.
    """
    whole, blocks = kept_blocks(values, per_block, "given data" if per_block == 1 else "sobol")
    d = coordinates.shape[1]
    x = coordinates.reshape(-1, per_block, d)[whole]
    y = values.reshape(-1, per_block)[whole]
    weights = _weights(blocks.kept, seed)
    return tuple(_swing(x[..., i], y, unordered[i], weights) for i in range(d))


def _swing(x: Floats, y: Floats, unordered: bool, weights: Floats) -> Swing | None:
    ends = _ends(x, y, unordered)
    if ends is None:
        return None
    n = x.shape[0]
    masks = [member.astype(float) for member in ends]
    columns = np.stack([part for m in masks for part in (m.mean(axis=1), (m * y).mean(axis=1))], axis=1)
    means = _means(weights, columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = means[:, 1] / means[:, 0], means[:, 3] / means[:, 2]
    point = columns.mean(axis=0)
    at = np.array([point[1] / point[0], point[3] / point[2]])
    drawn = np.stack([low, high, high - low], axis=1)
    drawn = np.where(np.isfinite(drawn), drawn, np.nanmean(drawn, axis=0))
    three = _estimates(np.array([at[0], at[1], at[1] - at[0]]), drawn, n)
    rows = [(float(x[member].min()), float(x[member].max())) for member in ends]
    return Swing(three[0], three[1], three[2], rows[0], rows[1])


def _ends(x: Floats, y: Floats, unordered: bool) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Which rows are at the low and at the high end."""
    seen = np.unique(x)
    if seen.size < 2 or (unordered and seen.size > 12):
        return None
    if unordered and seen.size > 2:
        means = [float(y[x == value].mean()) for value in seen]
        return x == seen[int(np.argmin(means))], x == seen[int(np.argmax(means))]
    if seen.size <= 1.0 / END:
        return x == seen[0], x == seen[-1]
    return x <= np.quantile(x, END, method="lower"), x >= np.quantile(x, 1.0 - END, method="higher")


def morris_swings(found: Morris, unordered: Sequence[bool]) -> tuple[Swing | None, ...]:
    """The change of one step upwards; None for categories without an order."""
    return tuple(
        None if loose else Swing(UNKNOWN, UNKNOWN, effect.mean, (NAN, NAN), (NAN, NAN))
        for effect, loose in zip(found.effects, unordered, strict=True)
    )


# --- luck in means over worlds ------------------------------------------------------------------------------


@dataclass(frozen=True)
class WorldNoise:
    """Luck as seen in points of several worlds.

    Attributes:
        worlds: worlds per point.
        owners: of each point a number that points with the same world seeds share; None where all do.
        own_mean: variance of the mean, over the worlds of a point, of what a world does to all points alike.
        with_factors: variance of that mean from worlds that act differently on different points.
        between: variance between the points' means.
        of_one_run: as :class:`Noise`.
    """

    worlds: int
    owners: Ints | None
    own_mean: float
    with_factors: float
    between: float
    of_one_run: float

    @property
    def own(self) -> bool:
        """Whether points have different worlds."""
        return self.owners is not None and np.unique(self.owners).size > 1

    @property
    def corrected(self) -> bool:
        """Whether the luck of worlds of their own is removed from indices: not where so few groups of points make so
        much luck that what is left of the variance would be known to no better than a quarter. The luck of G groups
        of W worlds is estimated with G (W - 1) degrees of freedom, and what these G groups happened to get has G - 1.
        """
        if self.owners is None or not self.own or not self.own_mean < self.between:
            return False
        groups = np.unique(self.owners).size
        error = math.sqrt(2.0 / (groups * (self.worlds - 1)) + 2.0 / (groups - 1))
        return error * self.own_mean / (self.between - self.own_mean) < CORRECTED_BELOW

    def as_noise(self) -> Noise:
        """For the report. Common worlds shift all points alike: that part of luck is not in the variance of means."""
        part = self.with_factors + (self.own_mean if self.own else 0.0)
        share = min(part / self.between, 1.0) if self.between > 0.0 else NAN
        return Noise(self.worlds, self.of_one_run, share, self.own, self.corrected)


def world_noise(values: Floats, owners: Ints | None = None) -> WorldNoise | None:
    """Take luck apart, from outcomes (n_points, n_worlds); None with one world per point.

    Points that share world seeds form a group; in it a value is the point's mean, plus what the world does to all
    points of the group, plus a rest, as in an analysis of variance with two ways and no replication (Searle,
    Casella and McCulloch 1992, Variance Components, ch. 4). Only points with all their worlds count. Groups of
    a single point cannot tell the rest from the world: all is then the world's.
    """
    worlds = values.shape[1]
    full = np.isfinite(values).all(axis=1)
    if worlds < 2 or full.sum() < 2:
        return None
    labels = np.zeros(len(values), dtype=np.int64) if owners is None else owners
    y, group = values[full], labels[full]
    _, place, size = np.unique(group, return_inverse=True, return_counts=True)
    groups = size.size
    centred = y - y.mean(axis=1, keepdims=True)
    means = np.stack([np.bincount(place, weights=column) for column in centred.T], axis=1) / size[:, None]
    rest_freedom = (len(y) - groups) * (worlds - 1)
    rest = float(np.square(centred - means[place]).sum()) / rest_freedom if rest_freedom else 0.0
    in_means = float(np.square(means).sum()) / (groups * (worlds - 1))
    world = max(in_means - rest * float((1.0 / size).mean()), 0.0)
    between = float(y.mean(axis=1).var(ddof=1))
    luck = rest + world
    moved = rest / worlds + (world / worlds if groups > 1 else 0.0)
    all_of_one = max(between - moved, 0.0) + luck
    return WorldNoise(
        worlds, owners, world / worlds, rest / worlds, between, luck / all_of_one if all_of_one else NAN
    )


# --- is the sample large enough? ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Indices from the first ``blocks`` blocks alone, as given by :attr:`Morris.importance` and its likes."""

    blocks: int
    importance: tuple[Estimate, ...]


@dataclass(frozen=True)
class Convergence:
    """Indices of growing samples and a verdict.

    Attributes:
        steps: smallest sample first; the last is the whole.
        top: the largest factors, largest first.
        stable: whether half of the sample shows the same largest factors in the same order, but for neighbours of
            which the intervals overlap by more than half.
        widest: widest interval of the largest factors, from end to end; for Morris a part of the largest effect.
        limit: what that must be below.
    """

    steps: tuple[Step, ...]
    top: tuple[int, ...]
    stable: bool
    widest: float
    limit: float

    @property
    def enough(self) -> bool:
        """Whether the sample is large enough for ranks and sizes."""
        return self.stable and self.widest < self.limit


def convergence(
    analyse: Callable[[int], Indices], total: int, method: Method, leave_out: Sequence[int] = ()
) -> Convergence | None:
    """Indices from 1/8, 1/4, 1/2 and all of the blocks; None where fewer than two of these can be computed.

    Args:
        analyse: indices from the first so many blocks.
        total: number of blocks of the design.
        method: of ``analyse``.
        leave_out: factors that are not ranked: luck.
    """
    sizes = sorted({max(total // part, 1) for part in (8, 4, 2, 1)})
    steps = []
    for size in sizes:
        try:
            found = analyse(size)
        except StudyError:  # too few in so small a part; the whole has been analysed before
            continue
        if found.varies:
            steps.append(Step(found.blocks.kept, found.importance))
    if len(steps) < 2:
        return None
    last, before = steps[-1].importance, steps[-2].importance
    ranked = [i for i in ranking(last) if i not in leave_out]
    largest = last[ranked[0]].value if ranked else NAN
    unit = largest if method == "morris" else 1.0
    top = tuple(i for i in ranked[:TOP] if last[i].value > NOTABLE * unit) or tuple(ranked[:1])
    if not top or not unit > 0.0:
        return None
    widest = max(last[i].width for i in top) / unit
    earlier = [i for i in ranking(before) if i not in leave_out][: len(top)]
    stable = all(
        one == other or _alike(last[one], last[other]) for one, other in zip(top, earlier, strict=True)
    )
    return Convergence(tuple(steps), top, stable, widest, MORRIS_SHARP if method == "morris" else SHARP)


def ranking(importance: Sequence[Estimate]) -> list[int]:
    """Factors, the largest first; those without a number last."""
    return sorted(
        range(len(importance)),
        key=lambda i: (-importance[i].value if math.isfinite(importance[i].value) else math.inf, i),
    )


def _alike(one: Estimate, other: Estimate) -> bool:
    """Whether two intervals overlap by more than half of the shorter: the order of such two is open in any sample."""
    overlap = min(one.high, other.high) - max(one.low, other.low)
    return overlap > 0.5 * min(one.width, other.width)


def problem_of(n_factors: int) -> dict[str, Any]:
    return {
        "num_vars": n_factors,
        "names": [f"x{i}" for i in range(n_factors)],
        "bounds": [[0.0, 1.0]] * n_factors,
    }
