"""Points at which sensitivity studies look: Morris's trajectories and Saltelli's crossed samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from passaat.errors import StudyError
from passaat.experiments.stats.sensitivity import LEVELS, Floats, problem_of


def morris_points(
    n_factors: int, trajectories: int, seed: int, n_categories: Sequence[int | None] | None = None
) -> Floats:
    """Trajectories of Morris: shape (trajectories * (n_factors + 1), n_factors), places in [0, 1].

    Each trajectory has a seed of its own, so that more trajectories leave the first ones as they are. SALib 1.5
    draws them otherwise than 1.6.

    Args:
        n_factors: number of factors.
        trajectories: number of trajectories.
        seed: seed of the design.
        n_categories: for factors that are lists of categories without an order, how many there are; None for
            others. Four levels would visit no more than four categories, and of three never the first together
            with the second. Here each trajectory moves such a factor between two categories drawn from all.

    Raises:
        StudyError: no factor, or no trajectory.
    """
    _require_positive(factors=n_factors, trajectories=trajectories)
    from SALib.sample import morris as morris_sampler

    problem = problem_of(n_factors)
    unordered = [(i, n) for i, n in enumerate(n_categories or ()) if n is not None and n > 2]
    points = np.empty((trajectories, n_factors + 1, n_factors))
    for k in range(trajectories):
        place = points[k]
        place[:] = morris_sampler.sample(problem, 1, num_levels=LEVELS, seed=_seed(seed, k, 0))
        if unordered:
            rng = np.random.default_rng(_seed(seed, k, 1))
            for i, n in unordered:
                first, second = rng.choice(n, size=2, replace=False)
                moved = place[:, i] != place[0, i]
                place[:, i] = (np.where(moved, second, first) + 0.5) / n
    return points.reshape(-1, n_factors)


def saltelli_points(n_factors: int, n: int, seed: int, second_order: bool) -> Floats:
    """Saltelli's design on a scrambled Sobol sequence: shape (n * (2d + 2), d), or (n * (d + 2), d) without second
    order, for d factors; places in [0, 1).

    Base points come from one endless sequence: more of them leave the first ones as they are.

    Raises:
        StudyError: no factor, or ``n`` is no power of two (only these fill the cube evenly).
    """
    _require_positive(factors=n_factors, base_points=n)
    if n & (n - 1):
        lower = 1 << (n.bit_length() - 1)
        raise StudyError(
            f"{n} base points: a Saltelli design needs a power of two",
            hint=f"Take {lower} or {2 * lower}.",
        )
    from SALib.sample import sobol as sobol_sampler

    points: Floats = sobol_sampler.sample(
        problem_of(n_factors), n, calc_second_order=second_order, seed=_seed(seed, 0, 2)
    )
    return points


def _seed(seed: int, block: int, purpose: int) -> int:
    """A seed in [1, 2^31]: SALib takes zero for none."""
    return int(np.random.SeedSequence((seed, block, purpose)).generate_state(1)[0] >> 1) + 1


def _require_positive(**numbers: int) -> None:
    problems = [
        f"{name.replace('_', ' ')} = {value}: at least 1 is needed"
        for name, value in numbers.items()
        if value < 1
    ]
    if problems:
        raise StudyError(problems, hint="Vary at least one factor and ask for at least one point.")
