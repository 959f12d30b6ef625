"""What an option looks like at the reference's public money: the search for how far to move what pays for it.

Money is equal when it is equal in each parameter draw: on the mean over draws alone an option costs more in some and
less in others, and what it seems to change is then what more money buys. So the search runs in every draw by itself,
on all worlds of the draw.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from itertools import pairwise
from typing import Final

NEAR_ENOUGH: Final = 0.002
"""The search stops within 0.2 per cent of the reference's cost: a fifth of what counts as equal."""

MAX_EVALUATIONS: Final = 6
"""Evaluations in one draw; a smooth cost needs one or two, one that jumps with covenants may need more."""

Search = Generator[float, float, float]
"""Yields a value, is sent the relative excess of public cost there, returns the best value seen."""


def search_value(
    known: Mapping[float, float], slope: float, low: float, high: float, decimals: int
) -> Search:
    """Search the value in [low, high] at which public cost is the reference's.

    Cost is taken to rise or fall with the value throughout, in jumps perhaps. Outside a bracket the search goes along
    the slope; inside it takes the secant's point and every third time the middle (regula falsi with bisection; Press et
    al. 2007, Numerical Recipes, 3rd ed., s. 9.2). It stops when cost is near enough, at a bound, when values no longer
    differ in the last decimal kept, or after ``MAX_EVALUATIONS``. Nothing in it is random.

    Args:
        known: relative excess of public cost at values already evaluated, at least one.
        slope: rise of the excess per unit of the value, a first guess; its sign is believed throughout.
        low: smallest value allowed.
        high: largest value allowed.
        decimals: decimals of the values tried.
    """
    excess = {value: one for value, one in known.items() if math.isfinite(one)}
    for attempt in range(MAX_EVALUATIONS):
        if not excess or not slope or abs(excess[best_of(excess)]) <= NEAR_ENOUGH:
            break
        bracket = _bracket(excess)
        if bracket is None:
            proposal = _outward(excess, slope)
        elif attempt % 3 == 2:
            proposal = 0.5 * (bracket[0] + bracket[1])
        else:
            proposal = _secant(excess, *bracket)
        proposal = round(min(max(proposal, low), high), decimals)
        if proposal in excess:
            break
        found = yield proposal
        if not math.isfinite(found):
            break
        excess[proposal] = found
    return best_of(excess) if excess else math.nan


def best_of(excess: Mapping[float, float]) -> float:
    """Value with the smallest excess; of equals the first that was tried."""
    return min(excess, key=lambda value: abs(excess[value]))


def _bracket(excess: Mapping[float, float]) -> tuple[float, float] | None:
    """Neighbouring values between which the excess changes its sign, the pair closest to zero."""
    pairs = [pair for pair in pairwise(sorted(excess)) if excess[pair[0]] * excess[pair[1]] < 0.0]
    return min(pairs, key=lambda pair: abs(excess[pair[0]]) + abs(excess[pair[1]]), default=None)


def _secant(excess: Mapping[float, float], left: float, right: float) -> float:
    """Where the straight line through both ends crosses zero, kept a little inside the bracket."""
    share = -excess[left] / (excess[right] - excess[left])
    return left + min(max(share, 0.02), 0.98) * (right - left)


def _outward(excess: Mapping[float, float], slope: float) -> float:
    """Next value where all those tried are too dear, or all too cheap: along the slope that the two nearest show, where
    it has the sign believed in, and along the first guess where it has not.
    """
    nearest = sorted(excess, key=lambda value: abs(excess[value]))
    if len(nearest) > 1:
        seen = (excess[nearest[1]] - excess[nearest[0]]) / (nearest[1] - nearest[0])
        slope = seen if seen * slope > 0.0 else slope / 2.0 ** len(nearest)
    return nearest[0] - excess[nearest[0]] / slope
