"""What an option looks like at the reference's total public money.

An option that costs more or less than the reference is compared twice: as it stands, and with its amount
per covenant multiplied by the factor at which mean public cost is the reference's. The factor is searched
on a pilot, the first worlds of every draw, and then checked on all cells. The pilot's cost differs a little
from that of all cells; the search aims off by that difference (a control variate), which is first measured
at factor 1, where both are known.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from itertools import pairwise
from typing import Final

PILOT_TOLERANCE: Final = 0.003
"""The search on the pilot is stricter, to leave room for what the pilot does not show."""

MAX_EVALUATIONS: Final = 9
"""Pilot evaluations in one search; a smooth cost needs two or three, one that jumps may need more."""

MAX_CORRECTIONS: Final = 4
"""Steps of the search on all cells, where these disagree with the pilot; mostly none or one."""

FACTOR_DECIMALS: Final = 4

Search = Generator[float, float, float]
"""Yields a factor, is sent the relative excess of public cost at that factor, returns the best factor
seen.
"""


def search_factor(known: Mapping[float, float], low: float, high: float, aim: float = 0.0) -> Search:
    """Search the factor in [low, high] at which the relative excess of public cost is ``aim``.

    Cost is taken to rise with the factor, in jumps perhaps. Outside a bracket the search extrapolates,
    cautiously; inside it takes the secant's point and every fourth time the middle (regula falsi with
    bisection; Press et al. 2007, Numerical Recipes, 3rd ed., s. 9.2). It stops at ``PILOT_TOLERANCE``, at a
    bound, when factors no longer differ in the fourth decimal, or after ``MAX_EVALUATIONS``. Nothing in it
    is random.

    Args:
        known: excess at factors already evaluated, at least one.
        low: smallest factor allowed, at least 0.
        high: largest factor allowed.
        aim: excess to reach; 0 is the reference's cost.
    """
    excess = {factor: value - aim for factor, value in known.items() if math.isfinite(value)}
    for attempt in range(MAX_EVALUATIONS):
        if not excess or abs(excess[_best(excess)]) <= PILOT_TOLERANCE:
            break
        bracket = _bracket(excess)
        if bracket is None:
            proposal = _outward(excess)
        elif attempt % 4 == 3:
            proposal = 0.5 * (bracket[0] + bracket[1])
        else:
            proposal = _secant(excess, *bracket)
        proposal = round(min(max(proposal, low), high), FACTOR_DECIMALS)
        if proposal in excess:
            break
        value = yield proposal
        if not math.isfinite(value):
            break
        excess[proposal] = value - aim
    return _best(excess) if excess else 1.0


def _best(excess: Mapping[float, float]) -> float:
    """Factor with the smallest excess; of equals the one nearest to 1, that is to the option as it stands."""
    return min(excess, key=lambda factor: (abs(excess[factor]), abs(factor - 1.0)))


def _bracket(excess: Mapping[float, float]) -> tuple[float, float] | None:
    """Neighbouring factors between which the excess turns from negative to positive, the pair closest to
    the aim.
    """
    factors = sorted(excess)
    pairs = [pair for pair in pairwise(factors) if excess[pair[0]] < 0.0 <= excess[pair[1]]]
    return min(pairs, key=lambda pair: abs(excess[pair[0]]) + abs(excess[pair[1]]), default=None)


def _secant(excess: Mapping[float, float], left: float, right: float) -> float:
    """Where the straight line through both ends crosses the aim, kept a little inside the bracket."""
    share = -excess[left] / (excess[right] - excess[left])
    return left + min(max(share, 0.02), 0.98) * (right - left)


def _outward(excess: Mapping[float, float]) -> float:
    """Next factor where all those tried are too dear, or all too cheap."""
    up = excess[_best(excess)] < 0.0
    edge = max(excess) if up else min(excess)
    nearest = [f for f in sorted(excess, key=lambda f: abs(f - edge)) if f != edge][:1]
    slope = (excess[edge] - excess[nearest[0]]) / (edge - nearest[0]) if nearest else 0.0
    if slope > 0.0:
        step = -1.1 * excess[edge] / slope
    elif nearest:
        step = edge if up else -edge / 2
    else:
        step = edge / max(1.0 + excess[edge], 0.05) - edge
    return edge + step
