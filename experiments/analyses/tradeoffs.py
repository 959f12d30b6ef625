"""Trade-offs: which policies are worth their cost, and how much would be lost by choosing one and being wrong.

Pure statistics of values by policy, each of shape (n_draws, n_worlds): the draws are what is not known, parameter draws
of a comparison or the states of a sweep; the worlds are luck. Policies are compared within a draw, on its worlds, so
that what all of them share drops out.

A policy is dominated where another costs no more and does no less, one of them strictly; the others are the Pareto
front. The regret of a policy in a draw is what the best policy of that draw would have brought more (Savage 1951).

The best of several noisy means is on average too good, so that regrets counted from means over few worlds are too
large, their maximum most of all. Shares and regrets are therefore taken over what is known of the true difference of
every draw (``pairing.draw_effects``), sampled ``SAMPLES`` times; what is counted from plain means stands beside them.
That works on each policy's difference from the mean of all policies, which is less noisy than any one of them. Where
all draws share their worlds (``common_worlds``), what these worlds do to all draws alike is not averaged out by more
draws: it is sampled once for all of them, and only the rest counts as noise of single draws. With a single draw, whole
worlds are resampled instead (bootstrap); with a single world per draw nothing but counting is left.

Sources:
    Savage (1951), Journal of the American Statistical Association 46, 55-67: regret.
    Smith and Winkler (2006), Management Science 52(3), 311-322: the best of noisy estimates is too good.
    Lempert, Popper and Bankes (2003), Shaping the Next One Hundred Years, RAND: regret over many futures.
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from passaat.errors import StudyError
from passaat.experiments.analyses.bench import Money, Values
from passaat.experiments.analyses.compare import plain
from passaat.experiments.design.factors import Factor, Setting
from passaat.experiments.design.plan import NO_PROGRAMME, REFERENCE
from passaat.experiments.results.cells import csv_text
from passaat.experiments.results.outcomes import RATIOS, OutcomeInfo
from passaat.experiments.stats.common_worlds import level_on_common_worlds, two_ways
from passaat.experiments.stats.pairing import (
    HIGH,
    LOW,
    Floats,
    Interval,
    Level,
    draw_effects,
    level_of,
    ratio_values,
    split_variance,
)
from passaat.json_text import json_text

if TYPE_CHECKING:
    from passaat.experiments.analyses.sweep import SweepTable

SAMPLES: Final = 500
SEED: Final = 19510101
"""Samples of the true differences of every draw, and their seed: the same study gives the same answer."""

HIGH_REGRET: Final = 0.9
"""Share of draws for the regret that is exceeded in one draw of ten."""

BETWEEN: Final = " · "
"""Between the values that name a policy."""

Noise = Literal["removed", "shared", "resampled", "not told"]
"""What is done about luck: removed (several draws with worlds of their own), shared (several draws on common worlds:
that of single draws is removed, what all draws share counts as not known), resampled (one draw), or not told (one
world).
"""


# --- values by policy ---------------------------------------------------------------------------------------


def of_comparison(values: Values, outcome: str, money: Money = "as it stands") -> dict[str, Floats]:
    """Values of one outcome by policy from those of a comparison, of policies that have this money variant.

    A ratio is one of means over the worlds in which every policy has both its parts.
    """
    found = {policy: of[money] for policy, of in values.items() if money in of}
    parts = RATIOS.get(outcome, ())
    if parts and all(part in of for of in found.values() for part in parts):
        return _ratios(*({policy: of[part] for policy, of in found.items()} for part in parts))
    return {policy: of[outcome] for policy, of in found.items()}


def of_sweep(table: SweepTable, outcome: str) -> dict[str, Floats]:
    """Values of one outcome of a sweep by policy, shape (n_states, n_worlds).

    A policy is the reference, or an option under one setting of the plan's levers; a state is one setting of everything
    else that varies, luck apart, whose values are the worlds. So a sweep over levers has one policy for each point, and
    a sweep over uncertainties one state for each. Only states, and worlds in them, that the plan gives to all policies
    are kept. A ratio is one of means over the worlds of a state in which every policy has both its parts.

    Raises:
        StudyError: no such outcome, or no state that the plan gives to all policies.
    """
    _ = table.outcome(outcome)
    crossed = _crossed(table)
    parts = RATIOS.get(outcome, ())
    if parts and {*parts} <= {one.name for one in table.outcomes}:
        return _ratios(*(_by_policy(table, part, crossed) for part in parts))
    return _by_policy(table, outcome, crossed)


def has_common_worlds(table: SweepTable) -> bool:
    """Whether the states of a sweep share their worlds, rather than having worlds of their own."""
    return table.plan.luck != "own"


def _ratios(above: Mapping[str, Floats], below: Mapping[str, Floats]) -> dict[str, Floats]:
    """Ratios of means by policy, all over the same worlds: those in which every policy that has any value has both."""
    whole = {name: np.isfinite(one) & np.isfinite(below[name]) for name, one in above.items()}
    valid = np.logical_and.reduce([one for one in whole.values() if one.any()] or [*whole.values()])
    return {name: ratio_values(np.where(valid, one, np.nan), below[name]) for name, one in above.items()}


@dataclass(frozen=True)
class _Crossed:
    """Which points of a sweep are crossed: states, and worlds in them, that meet every setting of the levers.

    ``places`` says of each such point which (state, luck) it is; ``shape`` is how many there are of either;
    ``settings`` holds the setting of each point of the table.
    """

    levers: tuple[Factor, ...]
    settings: tuple[tuple[Setting, ...], ...]
    places: Mapping[int, tuple[int, int]]
    shape: tuple[int, int]


def _crossed(table: SweepTable) -> _Crossed:
    """Where policies can be compared, found before any array is made: of a design that is not crossed, arrays of every
    setting in every state would need memory by the square of the points.

    Raises:
        StudyError: no state meets every setting of the levers.
    """
    factors = table.plan.factors
    levers = tuple(one for one in factors if one.kind == "lever")
    rest = [one.name for one in factors if one.kind in ("uncertainty", "draw")]
    lucks = [one.name for one in factors if one.kind == "luck"]
    settings = tuple(tuple(point[one.name] for one in levers) for point in table.points)
    keys = [
        (tuple(point[name] for name in rest), tuple(point[name] for name in lucks)) for point in table.points
    ]
    met: dict[tuple[tuple[Setting, ...], tuple[Setting, ...]], set[tuple[Setting, ...]]] = {}
    for key, setting in zip(keys, settings, strict=True):
        met.setdefault(key, set()).add(setting)
    n_settings = len(set(settings))
    kept = [place for place, key in enumerate(keys) if len(met[key]) == n_settings]
    if not kept:
        options = [one for one in table.policies if one not in (REFERENCE, NO_PROGRAMME)]
        raise StudyError(
            f"no state of the world was met by all {1 + n_settings * len(options)} policies, so that they cannot be"
            " compared within it",
            hint="Cross levers and uncertainties (method factorial), or vary only one of the two.",
        )
    states, worlds = (_numbered([keys[place][side] for place in kept]) for side in (0, 1))
    places = dict(zip(kept, zip(states, worlds, strict=True), strict=True))
    return _Crossed(levers, settings, places, (max(states) + 1, max(worlds) + 1))


def _by_policy(table: SweepTable, outcome: str, crossed: _Crossed) -> dict[str, Floats]:
    """Values of an outcome of single runs by policy, shape (n_states, n_worlds), nan where a run is missing."""
    place_of = next(place for place, one in enumerate(table.outcomes) if one.name == outcome)
    found: dict[str, Floats] = {}
    for number, policy in enumerate(table.policies):
        if policy == NO_PROGRAMME:
            continue
        levels = table.values[number, place_of]
        for point, cell in crossed.places.items():
            setting = crossed.settings[point]
            name = (
                policy
                if policy == REFERENCE
                else _policy_name(policy, crossed.levers, setting, table.policies)
            )
            if name not in found:
                found[name] = np.full((*crossed.shape, levels.shape[1]), np.nan)
            # The reference does not feel the levers: it runs anew, with equal result, at every one of their settings.
            known = found[name][cell]
            found[name][cell] = np.where(np.isfinite(known), known, levels[point])
    return {name: array.reshape(len(array), -1) for name, array in found.items()}


def _numbered(keys: Sequence[tuple[Setting, ...]]) -> list[int]:
    """Each key's place in the order of first appearance."""
    places: dict[tuple[Setting, ...], int] = {}
    return [places.setdefault(key, len(places)) for key in keys]


def policies_in_words(table: SweepTable) -> str:
    """What the policies of ``of_sweep`` are named by; empty where they are the sweep's own options."""
    levers = [one for one in table.plan.factors if one.kind == "lever"]
    if not levers:
        return ""
    names = BETWEEN.join(f"{one.name} ({one.unit})" if one.unit else one.name for one in levers)
    return f"Policies are named by {names}."


def _policy_name(
    option: str, levers: Sequence[Factor], setting: tuple[Setting, ...], policies: Sequence[str]
) -> str:
    if not levers:
        return option
    shown = BETWEEN.join(one.show(value) for one, value in zip(levers, setting, strict=True))
    others = [one for one in policies if one not in (REFERENCE, NO_PROGRAMME, option)]
    return f"{option}: {shown}" if others else shown


# --- what is known of true differences ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """Samples of the true values of every policy in every draw, less the mean of all policies.

    ``samples`` has shape (n_samples, n_draws, n_policies) for each outcome; ``counted`` is the plain mean of each draw,
    shape (n_draws, n_policies) for each outcome.
    """

    samples: tuple[Floats, ...]
    counted: tuple[Floats, ...]
    noise: Noise


def _known(*outcomes: Sequence[Floats], common_worlds: bool) -> _Known:
    """What is known of all policies' true differences from their mean, for all outcomes together.

    Each outcome has one array of shape (n_draws, n_worlds) for each policy, with the same cells missing in all and no
    draw wholly missing. ``common_worlds``: a column is one world for all draws.
    """
    shape = outcomes[0][0].shape
    flat = np.array([(one - np.mean(policies, axis=0)).ravel() for policies in outcomes for one in policies])
    # Differences that are alike in every world, zero among them, stay alike in every sample.
    unlike, place_of = np.unique(flat, axis=0, return_inverse=True, equal_nan=True)
    differences = [one.reshape(shape) for one in unlike]
    samples, noise = _sampled(differences, common_worlds)
    counted = np.stack([np.nanmean(one, axis=1) for one in differences], axis=1)
    ends = np.cumsum([len(policies) for policies in outcomes])[:-1]
    groups = np.split(place_of.reshape(-1), ends)
    return _Known(
        tuple(samples[..., group] for group in groups), tuple(counted[..., group] for group in groups), noise
    )


def _sampled(differences: Sequence[Floats], common_worlds: bool) -> tuple[Floats, Noise]:
    """Samples of true differences, shape (n_samples, n_draws, n_differences), and how luck is dealt with."""
    valid = np.isfinite(differences[0])
    n_draws, generator = len(valid), np.random.default_rng(SEED)
    if valid.sum(axis=1).max() < 2:
        return np.stack([np.nanmean(one, axis=1) for one in differences], axis=1)[None], "not told"
    if n_draws == 1:
        worlds = np.flatnonzero(valid[0])
        chosen = generator.choice(worlds, (SAMPLES, len(worlds)))
        resampled = np.stack([one[0, chosen].mean(axis=1) for one in differences], axis=1)
        return resampled[:, None, :], "resampled"
    samples = np.zeros((SAMPLES, n_draws, len(differences)))
    moving = [place for place, one in enumerate(differences) if np.nansum(np.abs(one)) > 0.0]
    if moving:
        parts = [two_ways(differences[place]) for place in moving] if common_worlds else []
        noises = [part.rest for part in parts] or [differences[place] for place in moving]
        splits = [part.split for part in parts] or [split_variance(one) for one in noises]
        root = _root_of(_correlation_within(noises))
        luck = generator.standard_normal((SAMPLES, n_draws, len(moving))) @ root.T
        at = generator.random(SAMPLES)
        for row, (place, split) in enumerate(zip(moving, splits, strict=True)):
            effects = draw_effects(split)
            chosen = np.searchsorted(np.cumsum(effects.weight)[:-1], at)
            samples[:, :, place] = effects.centre[chosen] + effects.deviation[chosen] * luck[:, :, row]
        # One shift for all draws of a sample, made by the same worlds in all differences.
        waves = generator.standard_normal((SAMPLES, valid.shape[1]))
        for place, part in zip(moving, parts, strict=False):
            samples[:, :, place] -= part.shifts(waves)[:, None]
    return samples, "shared" if common_worlds else "removed"


def _correlation_within(differences: Sequence[Floats]) -> Floats:
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


def _root_of(correlation: Floats) -> Floats:
    """A matrix whose product with its transpose is the correlation, which may be singular."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), dtype=np.float64)


def _together(values: Sequence[Mapping[str, Floats]]) -> tuple[list[str], list[list[Floats]], int]:
    """Policies that every mapping has a value of, their values on cells that all have, and draws left out.

    Raises:
        ValueError: shapes differ or are not (n_draws, n_worlds).
        StudyError: fewer than two policies, or no draw in which all have a value.
    """
    names = [
        name for name in values[0] if all(name in one and np.isfinite(one[name]).any() for one in values)
    ]
    if len(names) < 2:
        raise StudyError(
            f"{len(names)} policies have values, and a trade-off needs two or more",
            hint="Add an option, or ask of an outcome that every policy has.",
        )
    shapes = {one[name].shape for one in values for name in names}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise ValueError(f"values need one shape (n_draws, n_worlds), not {sorted(shapes)}")
    valid = np.logical_and.reduce([np.isfinite(one[name]) for one in values for name in names])
    rows = valid.any(axis=1)
    if not rows.any():
        raise StudyError(
            f"no draw has a world in which all of {', '.join(names)} have a value",
            hint="Leave out a policy whose runs failed, or take more worlds.",
        )
    kept = [[np.where(valid, one[name], np.nan)[rows] for name in names] for one in values]
    return names, kept, int((~rows).sum())


def _favourable(outcome: OutcomeInfo) -> float:
    """1 where more of an outcome is better, -1 where less is.

    Raises:
        StudyError: neither is.
    """
    if outcome.better == "neither":
        raise StudyError(
            f"{outcome.name}: neither direction is better, so that no policy is best",
            hint="Choose an outcome with a favourable direction.",
        )
    return -1.0 if outcome.better == "lower" else 1.0


# --- what is told with every result --------------------------------------------------------------------------


class Said(TypedDict, total=False):
    """Version of the model, what draws rest on, why results are not calibrated (empty where they are), and what
    policies are named by.
    """

    version: str
    drawn_from: str
    uncalibrated: str
    named_by: str


@dataclass(frozen=True, kw_only=True)
class _Told:
    """Draws and worlds that were used, draws left out because some policy has no value there, and as ``Said``."""

    draws: int
    worlds: int
    left_out: int
    noise: Noise
    version: str = ""
    drawn_from: str = ""
    uncalibrated: str = ""
    named_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data; a number that does not exist is None."""
        found: dict[str, Any] = plain(self)
        told = {field.name: found.pop(field.name) for field in fields(_Told)}
        return {**found, **told}

    def to_json(self) -> str:
        """All of it as JSON, the same bytes for the same study."""
        return json_text(self.to_dict())


# --- the Pareto front ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Domination:
    """A policy on the front that dominates another one by its means, and in what share of draws it does."""

    by: str
    share: float


@dataclass(frozen=True)
class Position:
    """Where a policy lies between cost and effect.

    Attributes:
        cost, effect: levels, with Monte Carlo error and range over draws; much of both is common to all policies.
        cost_apart, effect_apart: 5 to 95 per cent, over draws, of what sets the policy apart: its difference from the
            mean of all policies, luck dealt with as ``Front.noise`` says.
        on_front: share of draws in which no other policy dominates it, luck dealt with as ``Front.noise`` says.
        counted: the same counted from the draws' plain means.
        best_by_means: whether no other dominates it by mean cost and mean effect.
        dominated_by: where one does: which of those on the front, most often dominating first.
    """

    policy: str
    cost: Level
    effect: Level
    cost_apart: Interval
    effect_apart: Interval
    on_front: float
    counted: float
    best_by_means: bool
    dominated_by: tuple[Domination, ...]


@dataclass(frozen=True)
class Front(_Told):
    """Policies by cost and effect, cheapest first."""

    cost: OutcomeInfo
    effect: OutcomeInfo
    positions: tuple[Position, ...]


def pareto_front(
    cost: OutcomeInfo,
    effect: OutcomeInfo,
    costs: Mapping[str, Floats],
    effects: Mapping[str, Floats],
    *,
    common_worlds: bool,
    **said: Unpack[Said],
) -> Front:
    """Which policies are worth their cost, and how sure that is.

    Args:
        cost: what is to be paid, mostly public cost; effect: what is to be had for it.
        costs, effects: values of each policy, all of shape (n_draws, n_worlds).
        common_worlds: whether a column is one world for all draws, as in most sweeps (``has_common_worlds``); in a
            comparison every draw has worlds of its own.
        said: what is told with it.

    Raises:
        ValueError: shapes differ.
        StudyError: an outcome without a favourable direction, fewer than two policies, or no draw that all have.
    """
    signs = _favourable(cost), _favourable(effect)
    names, (cost_values, effect_values), left_out = _together([costs, effects])
    signed = [
        sign * one for sign, side in zip(signs, (cost_values, effect_values), strict=True) for one in side
    ]
    known = _known(signed[: len(names)], signed[len(names) :], common_worlds=common_worlds)
    front = non_dominated(*known.samples)
    counted = non_dominated(*known.counted)
    level = level_on_common_worlds if common_worlds else level_of
    levels = [(level(one), level(other)) for one, other in zip(cost_values, effect_values, strict=True)]
    mean_cost = np.array([signs[0] * one.mean for one, _ in levels])
    mean_effect = np.array([signs[1] * one.mean for _, one in levels])
    by_means = non_dominated(mean_cost[None, :], mean_effect[None, :])[0]
    positions = [
        Position(
            policy=name,
            cost=levels[place][0],
            effect=levels[place][1],
            cost_apart=_apart(known.samples[0][..., place], signs[0]),
            effect_apart=_apart(known.samples[1][..., place], signs[1]),
            on_front=float(front[..., place].mean()),
            counted=float(counted[:, place].mean()),
            best_by_means=bool(by_means[place]),
            dominated_by=_dominators(place, names, by_means, mean_cost, mean_effect, known),
        )
        for place, name in enumerate(names)
    ]
    order = sorted(
        range(len(names)), key=lambda place: (-mean_cost[place], -mean_effect[place], names[place])
    )
    return Front(
        cost=cost,
        effect=effect,
        positions=tuple(positions[place] for place in order),
        draws=len(cost_values[0]),
        worlds=cost_values[0].shape[1],
        left_out=left_out,
        noise=known.noise,
        **said,
    )


def _apart(samples: Floats, sign: float) -> Interval:
    low, high = sorted(sign * float(one) for one in np.quantile(samples, (LOW, HIGH)))
    return Interval(low, high)


def non_dominated(one: Floats, other: Floats) -> NDArray[np.bool_]:
    """Which entries along the last axis no other dominates; in both arrays more is better.

    An entry is dominated by one that is at least as large in both and larger in one; equal entries do not dominate each
    other. Shapes are equal, (..., n_policies).
    """
    order = np.lexsort((-other, -one), axis=-1)
    first, second = np.take_along_axis(one, order, axis=-1), np.take_along_axis(other, order, axis=-1)
    before = np.full_like(second, -np.inf)
    before[..., 1:] = np.maximum.accumulate(second, axis=-1)[..., :-1]
    stands = second > before
    # Entries equal to the one before them in the order fare as the first of their kind does.
    starts = np.ones(first.shape, dtype=np.bool_)
    starts[..., 1:] = (first[..., 1:] != first[..., :-1]) | (second[..., 1:] != second[..., :-1])
    places = np.where(starts, np.arange(first.shape[-1]), 0)
    stands = np.take_along_axis(stands, np.maximum.accumulate(places, axis=-1), axis=-1)
    found = np.empty_like(stands)
    np.put_along_axis(found, order, stands, axis=-1)
    return found


def _dominators(
    place: int,
    names: Sequence[str],
    by_means: NDArray[np.bool_],
    mean_cost: Floats,
    mean_effect: Floats,
    known: _Known,
) -> tuple[Domination, ...]:
    if by_means[place]:
        return ()
    found = []
    for other in np.flatnonzero(by_means).tolist():
        if mean_cost[other] >= mean_cost[place] and mean_effect[other] >= mean_effect[place]:
            cost, effect = (side[..., other] - side[..., place] for side in known.samples)
            dominates = (cost >= 0.0) & (effect >= 0.0) & ((cost > 0.0) | (effect > 0.0))
            found.append(Domination(names[other], float(dominates.mean())))
    return tuple(sorted(found, key=lambda one: (-one.share, one.by)))


# --- regret -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spread:
    """Regret over draws, in the outcome's unit: its mean, what one draw in ten exceeds, and the largest."""

    mean: float
    high: float
    largest: float


@dataclass(frozen=True)
class Regret:
    """What choosing one policy would cost where another is better.

    Attributes:
        regret: over draws, luck dealt with as ``RegretTable.noise`` says.
        counted: the same from the draws' plain means: too large where worlds are few, and where draws share them with
            the luck that all draws had in it.
        best: share of draws in which no policy is better; best_counted: from plain means.
    """

    policy: str
    regret: Spread
    counted: Spread
    best: float
    best_counted: float


@dataclass(frozen=True)
class RegretTable(_Told):
    """Regret of every policy by one outcome, the smallest mean regret first."""

    outcome: OutcomeInfo
    policies: tuple[Regret, ...]

    @property
    def safest(self) -> str:
        """The policy whose largest regret is smallest (minimax regret)."""
        return min(self.policies, key=lambda one: one.regret.largest).policy

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data; a number that does not exist is None."""
        return {**super().to_dict(), "safest": self.safest}


def regret_table(
    outcome: OutcomeInfo,
    values: Mapping[str, Floats],
    *,
    common_worlds: bool,
    **said: Unpack[Said],
) -> RegretTable:
    """How much is lost by choosing each policy, over draws.

    Args:
        outcome: what policies are judged by; values: of each policy, all of shape (n_draws, n_worlds).
        common_worlds: whether a column is one world for all draws, as for ``pareto_front``.
        said: what is told with it.

    Raises:
        ValueError: shapes differ.
        StudyError: an outcome without a favourable direction, fewer than two policies, or no draw that all have.
    """
    sign = _favourable(outcome)
    names, (kept,), left_out = _together([values])
    known = _known([sign * one for one in kept], common_worlds=common_worlds)
    samples, counted = known.samples[0], known.counted[0][None]
    found = [
        Regret(
            policy=name,
            regret=_spread(samples, place),
            counted=_spread(counted, place),
            best=_best(samples, place),
            best_counted=_best(counted, place),
        )
        for place, name in enumerate(names)
    ]
    return RegretTable(
        outcome=outcome,
        policies=tuple(sorted(found, key=lambda one: (one.regret.mean, one.policy))),
        draws=len(kept[0]),
        worlds=kept[0].shape[1],
        left_out=left_out,
        noise=known.noise,
        **said,
    )


def _spread(samples: Floats, place: int) -> Spread:
    """Mean, high and largest regret over draws, averaged over samples of shape (n_samples, n_draws, n_policies)."""
    regret = samples.max(axis=2) - samples[:, :, place]
    high = np.quantile(regret, HIGH_REGRET, axis=1)
    return Spread(float(regret.mean()), float(high.mean()), float(regret.max(axis=1).mean()))


def _best(samples: Floats, place: int) -> float:
    return float((samples[:, :, place] == samples.max(axis=2)).mean())


# --- as tables ----------------------------------------------------------------------------------------------

_FRONT_COLUMNS: Final = (
    "cost_outcome", "effect_outcome", "policy", "cost", "cost_error", "cost_low", "cost_high", "effect",
    "effect_error", "effect_low", "effect_high", "on_front", "on_front_counted", "best_by_means", "dominated_by",
)  # fmt: skip
_REGRET_COLUMNS: Final = (
    "outcome", "policy", "mean_regret", "high_regret", "largest_regret", "best", "mean_counted", "high_counted",
    "largest_counted", "best_counted",
)  # fmt: skip


def front_csv(front: Front) -> str:
    """One line per policy; the same bytes for the same study."""
    rows = (
        (
            front.cost.name, front.effect.name, one.policy, one.cost.mean, one.cost.error, one.cost.draws.low,
            one.cost.draws.high, one.effect.mean, one.effect.error, one.effect.draws.low, one.effect.draws.high,
            one.on_front, one.counted, one.best_by_means, " | ".join(by.by for by in one.dominated_by),
        )
        for one in front.positions
    )  # fmt: skip
    return csv_text(_FRONT_COLUMNS, rows)


def regret_csv(tables: Sequence[RegretTable]) -> str:
    """One line per outcome and policy; the same bytes for the same study."""
    rows = (
        (
            table.outcome.name, one.policy, one.regret.mean, one.regret.high, one.regret.largest, one.best,
            one.counted.mean, one.counted.high, one.counted.largest, one.best_counted,
        )
        for table in tables
        for one in table.policies
    )  # fmt: skip
    return csv_text(_REGRET_COLUMNS, rows)
