"""Intervals that hold however often one looks, and how many draws a precision needs: statistics without model or files.

Who looks often and stops at the first clear answer is fooled often: with ordinary 95 % intervals, of two policies that
are equal more than one study in four would end with a wrong order. The intervals given here hold at all looks together
(repeated confidence intervals; Jennison and Turnbull 1989):

    looks       after 20, 30, 50, 70, 110, ... draws, each half as many again, whatever the budget is: a study that is
                continued later with a larger one goes on with the very same looks;
    draws       are the independent evidence. Worlds of one draw share its parameters; each draw counts with its mean;
    boundary    one constant c for all looks (Pocock 1977), such that a mean of normal draws leaves +-c standard errors
                at any of them with probability 5 %, by recursive integration (Armitage, McPherson and Rowe 1969); that
                deviations are estimated is made up for by Student's quantile at the level that c has under the normal;
    skewness    the same quantiles are also taken through Hall's (1992) transformation, which undoes the skewness seen
                in the draws, and each end of the interval is the farther one of the two;
    rare        fewer than ten draws that differ from the others do not tell how much they vary: no interval yet.

What is guaranteed: for draws whose mean is near enough to normal, that an interval holds with 95 %, whenever and why
ever one stopped. It is conservative where precision is the reason to stop. What is not: exports have long tails, of
which the few draws of early looks may show nothing; no rule that sees only those draws can know.

Of 2,000 simulated studies each, stopped when the order was clear or the precision met, the last interval held in (in
brackets: of ordinary intervals looked at as often; `tests/experiments/analyses/test_replication.py`)

    normal draws                                                       97 to 100 %    (76 to 96)
    lognormal, deviation of the logarithm 0.5 (skewness 1.8)           96 to 100 %    (74 to 97)
    lognormal, 1.0 (skewness 6)                                        94 to  99 %    (64 to 95)
    lognormal, 1.5 (skewness 33)                                       88 to  97 %    (48 to 75)
    Student's t with 3 degrees of freedom                              97 to 100 %    (76 to 98)

the lowest each where two policies are equal and one goes on until an order seems clear. Differences in exports between
shipped options have a skewness of 1 to 2.5. The price is about twice as many draws as ordinary intervals of the same
precision take, and more under skewness.

Sources:
    Armitage, McPherson and Rowe (1969), J. Royal Statistical Society A 132, 235-244: repeated looks, and the recursion.
    Pocock (1977), Biometrika 64, 191-199: one constant for all looks.
    Jennison and Turnbull (1989), J. Royal Statistical Society B 51, 305-361: repeated confidence intervals.
    Jennison and Turnbull (2000), Group Sequential Methods, ch. 3, 9 and 19: Student's t, intervals, computation.
    Hall (1992), J. Royal Statistical Society B 54, 221-228: removing skewness by a cubic transformation.
    Cochran (1977), Sampling Techniques, 3rd ed., s. 10.6: how many units within each sampled unit.
    Law (2015), Simulation Modeling and Analysis, 5th ed., s. 9.4: runs for a precision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from scipy import optimize, special

from passaat.errors import StudyError
from passaat.experiments.stats.pairing import NAN, Floats, VarianceSplit, split_variance

CONFIDENCE: Final = 0.95
"""Chance with which intervals hold, at all looks together."""

GROWTH: Final = 0.5
"""Each look has half as many draws again as the one before: some ten looks up to a thousand draws. Looking more often
stops a little sooner after enough is known, but every look widens all intervals; from 1.2 to 2 times as many draws
the two cancel out within 5 per cent."""

MOST_DRAWS: Final = 5_000
"""No look lies beyond: the boundary needs an end, and one ten times as far would cost 5 per cent more draws."""

FIRST_DRAWS: Final = 20
"""Draws of the first look, at least: fewer show too little of a long tail."""

DEFAULT_WORLDS: Final = 2
"""As few worlds per draw as show luck apart from parameters: see ``cost_of_worlds``."""

FEWEST_DIFFERING: Final = 10
"""With fewer draws whose difference is not simply the commonest one, their scatter is not known at all."""

ALL_ALIKE: Final = 60
"""After so many draws without any difference they count as equal: an effect in one draw of twenty would have shown
in 95 of 100 studies (1 - 0.95^60)."""

WORLDS_SHOWN: Final = (1, 2, 4, 8)
"""Worlds per draw for which the cost of the same precision is given."""

ASSURED: Final = 0.8
"""Share of pilots whose cautious number of draws is enough, for normal draws."""


# --- intervals that hold at all looks -----------------------------------------------------------------------


def looks(first: int, block: int) -> tuple[int, ...]:
    """Numbers of draws after which a study looks at its results: each half as many again, in steps of ``block``.

    >>> looks(20, 10)[:6]
    (20, 30, 50, 70, 110, 170)
    """
    found = [first]
    while True:
        following = found[-1] + block * max(1, round(GROWTH * found[-1] / block))
        if following > MOST_DRAWS:
            return tuple(found)
        found.append(following)


@lru_cache(maxsize=64)
def boundary(at: tuple[int, ...], alpha: float) -> float:
    """The number of standard errors that a normal mean leaves at any of these looks with probability ``alpha``.

    >>> round(boundary((1, 2, 3, 4, 5), 0.05), 3)  # Pocock (1977), table 1
    2.413
    """
    found = optimize.brentq(lambda c: _leaves(c, at) - alpha, 0.5, 40.0, xtol=1e-10)
    return float(found)


def _leaves(c: float, at: Sequence[int]) -> float:
    """Probability that |mean| exceeds c standard errors at any look: the density of the standardised mean that has
    stayed inside so far is carried from look to look, by Gauss-Legendre quadrature.
    """
    nodes, weights = np.polynomial.legendre.leggauss(201)
    z, weights = c * nodes, c * weights
    inside = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) * weights
    for before, now in pairwise(at):
        kept, fresh = math.sqrt(before / now), math.sqrt(1.0 - before / now)
        step = np.exp(-0.5 * np.square((z[:, None] - kept * z) / fresh)) / (math.sqrt(2.0 * math.pi) * fresh)
        inside = (step @ inside) * weights
    return 1.0 - float(inside.sum())


@lru_cache(maxsize=64)
def level_at_each_look(at: tuple[int, ...], alpha: float) -> float:
    """Two-sided level to use at each of these looks so that all of them together have level ``alpha``."""
    return float(2.0 * special.ndtr(-boundary(at, alpha)))


@dataclass(frozen=True)
class Bounds:
    """A confidence interval, in the outcome's unit; nan at both ends while the draws cannot tell."""

    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether the draws can tell."""
        return math.isfinite(self.low)

    @property
    def one_side(self) -> bool:
        """Whether it leaves out zero."""
        return self.low > 0.0 or self.high < 0.0

    def reach(self, mean: float) -> float:
        """How far the mean may be off: the distance to the farther end; nan while unknown."""
        return max(mean - self.low, self.high - mean)


@dataclass(frozen=True)
class Spread:
    """Differences of draws as far as an interval of their mean needs them.

    Attributes:
        mean: mean over draws of the draws' mean differences; nan without any.
        deviation: standard deviation of those draws' means; nan with fewer than two.
        skewness: their skewness; 0 where nothing varies.
        draws: draws with a valid pair.
        differing: draws whose difference is not the commonest one.
    """

    mean: float
    deviation: float
    skewness: float
    draws: int
    differing: int

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the mean."""
        return self.deviation / math.sqrt(self.draws) if self.draws else NAN


def spread_of(draw_means: Floats) -> Spread:
    """Mean, scatter and skewness of the differences of draws, shape (n_draws,)."""
    n = len(draw_means)
    if n == 0:
        return Spread(NAN, NAN, 0.0, 0, 0)
    differing = n - int(np.unique(draw_means, return_counts=True)[1].max())
    mean = float(draw_means.mean()) if differing else float(draw_means[0])
    if n == 1 or not differing:
        return Spread(mean, NAN if n == 1 else 0.0, 0.0, n, differing)
    apart = draw_means - mean
    apart_scale = float(np.abs(apart).max())
    scaled = apart / apart_scale  # cubes of euros are beyond what a float keeps apart
    variance = float(np.square(scaled).mean())
    skewness = float((scaled**3).mean()) / variance**1.5
    return Spread(mean, apart_scale * math.sqrt(variance * n / (n - 1)), skewness, n, differing)


def bounds_of(spread: Spread, level: float) -> Bounds:
    """Interval of the mean at a two-sided ``level``: Student's, and through Hall's transformation; the farther ends.

    With T the mean's error over its estimated standard error, g the skewness and t Student's quantile, Hall's
    quantiles are h(t) and h(-t) with, for k = g / sqrt(n),

        h(y) = 3 / k ((1 + k (y - k / 6))^(1/3) - 1),

    and the interval is mean - s / sqrt(n) max(t, h(t)) to mean + s / sqrt(n) max(t, -h(-t)). It is unknown while fewer
    than ``FEWEST_DIFFERING`` draws differ; draws that are all alike are a point once there are ``ALL_ALIKE``.
    """
    if spread.differing == 0 and spread.draws >= ALL_ALIKE:
        return Bounds(spread.mean, spread.mean)
    if spread.differing < FEWEST_DIFFERING:
        return Bounds(NAN, NAN)
    below, above = _factors(spread.draws, spread.skewness, level)
    error = spread.error
    return Bounds(spread.mean - below * error, spread.mean + above * error)


def _factors(draws: int, skewness: float, level: float) -> tuple[float, float]:
    """How many standard errors the interval reaches below and above the mean."""
    student = float(special.stdtrit(draws - 1, 1.0 - 0.5 * level))
    k = skewness / math.sqrt(draws)
    if abs(k) < 1e-6:
        return student, student
    low, high = (3.0 / k * (float(np.cbrt(1.0 + k * (y - k / 6.0))) - 1.0) for y in (-student, student))
    return max(student, high), max(student, -low)


# --- how many draws -----------------------------------------------------------------------------------------


def needed_draws(spread: Spread, precision: float, level: float = 1.0 - CONFIDENCE) -> int:
    """Draws after which the interval of one look reaches no further than ``precision``, if draws go on to scatter so.

    Args:
        spread: what some draws have shown.
        precision: how far the mean may be off, in the outcome's unit, above 0.
        level: two-sided level of the interval: 0.05 for a fixed plan that looks once, at the end.
    """

    def enough(n: int) -> bool:
        return max(_factors(n, spread.skewness, level)) * spread.deviation <= precision * math.sqrt(n)

    if spread.differing == 0:
        return ALL_ALIKE
    least = max(2, math.ceil(FEWEST_DIFFERING * spread.draws / spread.differing))
    if enough(least):
        return least
    low, high = least, 2 * least
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def with_worlds(split: VarianceSplit, worlds: int) -> Spread:
    """The scatter that draws would show with this many worlds each: between + within / worlds.

    The skewness is that of the draws at hand; more worlds would make it smaller, fewer larger.
    """
    seen = spread_of(split.draw_means)
    if math.isnan(split.between) or math.isnan(split.within) or not seen.differing:
        return seen
    deviation = math.sqrt(split.between + split.within / worlds)
    return Spread(seen.mean, deviation, seen.skewness, seen.draws, seen.differing)


def cost_of_worlds(split: VarianceSplit, worlds: Sequence[int] = WORLDS_SHOWN) -> dict[int, float]:
    """Runs needed for the same precision with this many worlds per draw, as a multiple of those with one world.

    The mean of n draws of w worlds has variance (between + within / w) / n and costs n w runs, so that the runs for
    the same precision go with w between + within: fewest with one world, always, because a draw costs no more than a
    world. It matters little where luck is most of the scatter, and one world cannot show what is luck.
    nan where the split is unknown or nothing varies.
    """
    total = split.between + split.within
    return {w: (w * split.between + split.within) / total if total > 0.0 else NAN for w in worlds}


def positive(value: float) -> bool:
    """Whether this is a number above 0, and not an infinite one."""
    return math.isfinite(value) and value > 0.0


@dataclass(frozen=True)
class RunsNeeded:
    """What a fixed plan of one precision costs.

    Attributes:
        precision: how far the mean difference of any option may be off, in the outcome's unit.
        widest: the option that needs most draws.
        draws: draws that are needed if all scatter as those of the pilot.
        cautious_draws: draws that are enough for 4 of 5 pilots, since a pilot knows the scatter only roughly.
        runs: runs of ``draws``: every policy and the world without programme in every world.
        core_minutes: what they take on one core; nan where the time of a run is unknown.
    """

    precision: float
    widest: str
    draws: int
    cautious_draws: int
    runs: int
    core_minutes: float


def runs_needed(
    pilot: Mapping[str, Floats],
    precisions: Sequence[float],
    *,
    worlds: int = DEFAULT_WORLDS,
    seconds_per_run: float = NAN,
) -> tuple[RunsNeeded, ...]:
    """How many runs a fixed plan needs for each precision, on paper, from a pilot.

    Args:
        pilot: by option its differences from the reference, shape (n_draws, n_worlds).
        precisions: how far the mean difference may be off in 19 of 20 studies, in the outcome's unit.
        worlds: worlds per draw of the plan.
        seconds_per_run: time of one run on one core.

    Raises:
        StudyError: no option or precision, a precision not above 0, no world, or a pilot with too few draws; all are
            listed.
    """
    splits = {name: split_variance(differences) for name, differences in pilot.items()}
    problems = [f"precision = {one:g}: it must be above 0" for one in precisions if not positive(one)]
    problems += [f"worlds per draw = {worlds}: at least 1 is needed"] if worlds < 1 else []
    problems += [] if precisions else ["no precision given"]
    problems += [] if pilot else ["no option in the pilot"]
    for name, split in splits.items():
        seen = spread_of(split.draw_means)
        if seen.draws < FIRST_DRAWS or 0 < seen.differing < FEWEST_DIFFERING:
            problems.append(
                f"the pilot of {name} has {seen.draws} draws with a value, of which {seen.differing} differ:"
                f" at least {FIRST_DRAWS} are needed, of which {FEWEST_DIFFERING} differ or none does"
            )
    if problems:
        raise StudyError(
            problems, hint="Take a pilot of more draws, and precisions in the outcome's own unit."
        )

    rows = []
    for precision in precisions:
        need = {name: _draws_and_cautious(split, precision, worlds) for name, split in splits.items()}
        widest = max(need, key=lambda name: need[name])
        runs = need[widest][0] * worlds * (len(pilot) + 2)
        rows.append(RunsNeeded(precision, widest, *need[widest], runs, runs * seconds_per_run / 60.0))
    return tuple(rows)


def _draws_and_cautious(split: VarianceSplit, precision: float, worlds: int) -> tuple[int, int]:
    seen = with_worlds(split, worlds)
    freedom = max(seen.draws - 1, 1)
    factor = math.sqrt(freedom / float(special.chdtri(freedom, ASSURED)))
    wider = Spread(seen.mean, seen.deviation * factor, seen.skewness, seen.draws, seen.differing)
    return needed_draws(seen, precision), needed_draws(wider, precision)
