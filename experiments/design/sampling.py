"""Where the points of a sweep lie: space-filling designs in the unit cube, and all combinations of levels.

Every design can be added to: the first points never depend on how many are asked for.

Sources:
    McKay, Beckman and Conover (1979), Technometrics 21(2), 239-245: the Latin hypercube.
    Owen (1998), Journal of Complexity 14(4), 466-489: Sobol points that are scrambled.
    Joe and Kuo (2008), SIAM Journal on Scientific Computing 30(5), 2635-2654: the direction numbers used.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from passaat.errors import StudyError
from passaat.experiments.design.cells import block_seed
from passaat.experiments.design.factors import Factor, Setting
from passaat.experiments.stats.pairing import Floats

__all__ = ["factorial", "unit_points"]

_BELOW_ONE: Final = float(np.nextafter(1.0, 0.0))
_SLOWEST: Final = ("draw", "luck")
"""Kinds of factor that change last in a factorial: with more draws, points are added behind those there are."""


def unit_points(
    method: Literal["latin-hypercube", "sobol"], n_factors: int, n: int, seed: int, block: int
) -> Floats:
    """Points that fill the unit cube evenly, shape (n, n_factors), each coordinate in [0, 1).

    A Latin hypercube is made in blocks of ``block`` points, each with a seed of its own: every factor is spread evenly
    within a block, and more blocks leave the first as they are. Sobol points are one scrambled sequence; they
    are most even when ``n`` is a power of two.

    Raises:
        StudyError: fewer than one factor, point or point in a block.
    """
    wrong = {"n_factors": n_factors, "n": n, "block": block}
    problems = [f"{name} = {value}: at least 1 is needed" for name, value in wrong.items() if value < 1]
    if problems:
        raise StudyError(problems, "a sweep needs something that varies, and a number of points from 1 on.")
    if method == "sobol":
        return _sobol(n_factors, n, seed)
    blocks = range(-(-n // block))
    return np.concatenate([_latin(n_factors, block, block_seed(seed, number)) for number in blocks])[:n]


def _latin(n_factors: int, n: int, seed: int) -> Floats:
    """One Latin hypercube: each of n equal slices of every factor holds one point."""
    generator = np.random.default_rng(seed)
    points = np.empty((n, n_factors))
    for factor in range(n_factors):
        points[:, factor] = (generator.permutation(n) + generator.random(n)) / n
    return np.minimum(points, _BELOW_ONE)


def _sobol(n_factors: int, n: int, seed: int) -> Floats:
    from scipy.stats import qmc

    sequence = qmc.Sobol(n_factors, scramble=True, rng=np.random.default_rng(seed))
    # Asked for in two parts, the largest power of two first: the sequence is the same, and complete as far as it is.
    first = 1 << (n.bit_length() - 1)
    points = [sequence.random(first)]
    if n > first:
        points.append(sequence.random(n - first))
    return np.minimum(np.concatenate(points), _BELOW_ONE)


def factorial(factors: Sequence[Factor], levels: Sequence[Sequence[Setting]]) -> list[dict[str, Setting]]:
    """All combinations of levels, one point for each, with keys in the order of ``factors``.

    The last factor changes fastest; draw and luck change slowest, so that more draws add points behind those
    there are.

    Args:
        levels: of each factor, in the order of ``factors``.
    """
    places = sorted(range(len(factors)), key=lambda place: _pace(factors[place]))
    points = []
    for row in itertools.product(*(levels[place] for place in places)):
        setting = dict(zip(places, row, strict=True))
        points.append({factor.name: setting[place] for place, factor in enumerate(factors)})
    return points


def _pace(factor: Factor) -> int:
    return _SLOWEST.index(factor.kind) if factor.kind in _SLOWEST else len(_SLOWEST)
