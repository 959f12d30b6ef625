"""What a sampler promises: points of the unit cube, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from passaat.testing.promises import require

Sampler = Callable[[int, int], NDArray[np.float64]]
"""(n, seed) to an array of shape (at least n, n_factors); n counts points, trajectories or base points."""


def check_sampler(sample: Sampler, n_factors: int, *, n: int = 8, closed: bool = False) -> None:
    """Try the promises of a sampler.

    Args:
        n: how many to ask for; twice as many are asked for, too.
        closed: whether 1 belongs to the cube, as for designs on a grid.

    Raises:
        AssertionError: names the promise that is broken.
    """
    points = sample(n, 1)
    require(points.ndim == 2 and points.shape[1] == n_factors, "every point has a place in every factor")
    require(len(points) >= n, "as many points come as were asked for")
    require(bool(np.isfinite(points).all()), "places are numbers")
    below = points <= 1.0 if closed else points < 1.0
    require(bool((points >= 0.0).all() and below.all()), "places lie in the unit cube")
    require(sample(n, 1).tobytes() == points.tobytes(), "the same seed gives the same bits")
    require(sample(n, 2).tobytes() != points.tobytes(), "another seed gives other points")
    require(
        sample(2 * n, 1)[: len(points)].tobytes() == points.tobytes(),
        "more points leave the first as they are",
    )
    require(bool((np.ptp(points, axis=0) > 0.0).all()), "every factor moves")
