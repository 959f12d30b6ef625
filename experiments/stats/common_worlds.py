"""Values whose worlds all draws share: what a world does to every draw alike, kept apart from the rest.

Where world j has one seed in all draws, its luck enters all of them,

    d[i, j] = mu + a[i] + b[j] + e[i, j],

with a[i] what draw i adds, b[j] what world j does to all draws alike, and e[i, j] what it does to draw i alone. The
mean of the b[j] shifts every draw by the same amount. More draws do not average it out, and draws do not differ by
it: taken for noise of single draws it would move all of them towards their mean, and the shift would pass for
knowledge. So draws are compared by the noise of e alone, and the shift is counted once, with variance Var(b) / W.

Pure statistics of arrays of shape (n_draws, n_worlds), nan where a cell is missing.

Sources:
    Searle, Casella and McCulloch (1992), Variance Components, ch. 4: two ways without replication.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from passaat.experiments.stats.pairing import (
    HIGH,
    LOW,
    NAN,
    Floats,
    Interval,
    Level,
    VarianceSplit,
    level_of,
    moderated_variances,
    over_draws,
    quantiles_over_draws,
    range_over_worlds,
    split_variance,
)

ROUNDING: Final = 1e-12
"""Parts smaller than this, measured by the largest value, are rounding and count as nothing."""


@dataclass(frozen=True)
class TwoWays:
    """Values taken apart into draws, worlds and a rest.

    Attributes:
        split: of the values without what worlds do to all draws alike; its ``noise`` is that of the rest.
        worlds: what each world does to all draws alike, shape (n_worlds,), sum zero, scaled such that the sum of
            squares over W - 1 is the estimate of Var(b); zeros where the rest explains all of it.
        rest: what is left of every cell, shape (n_draws, n_worlds).
        shift_error: standard error of the shift common to all draws; nan where no draw has two worlds.
    """

    split: VarianceSplit
    worlds: Floats
    rest: Floats
    shift_error: float

    def shifts(self, waves: Floats) -> Floats:
        """Samples of the common shift, shape (n_samples,), from standard normal ``waves`` (n_samples, n_worlds).

        The same waves for several outcomes give shifts correlated as what worlds do to them is.
        """
        size = float(np.sqrt(np.square(self.worlds).sum()))
        along = self.worlds / size if size > 0.0 else self.worlds
        return np.asarray(waves @ along * self.shift_error, dtype=np.float64)


def two_ways(values: Floats) -> TwoWays:
    """Take values of shape (n_draws, n_worlds) apart, every draw with a value in some world.

    Least squares, so that missing cells are allowed for: with all cells there, b[j] is the mean of world j less the
    mean of all. With R the sum of squares of the rest and f = N - A - (W - 1) its degrees of freedom (N cells, A draws,
    W worlds), Var(e) = R / f; Var(b) is the variance of the b[j] less what Var(e) makes of it, and not below zero.
    Where nothing tells world and rest apart (f = 0), all is the world's.
    """
    valid = np.isfinite(values)
    cells, filled = valid.astype(np.float64), np.where(valid, values, 0.0)
    per_draw, per_world = cells.sum(axis=1, keepdims=True), cells.sum(axis=0)
    n_draws, n_worlds = len(values), int((per_world > 0.0).sum())
    centred = np.where(valid, values - filled.sum(axis=1, keepdims=True) / per_draw, 0.0)
    tiny = ROUNDING * float(np.abs(filled).max(initial=0.0))
    inverse = np.linalg.pinv(np.diag(per_world) - cells.T @ (cells / per_draw), hermitian=True)
    worlds = inverse @ centred.sum(axis=0)
    worlds[np.abs(worlds) <= tiny] = 0.0
    rest = values - worlds
    rest = rest - np.nanmean(rest, axis=1, keepdims=True)
    rest[np.abs(rest) <= tiny] = 0.0
    split = split_variance(values - worlds)

    freedom = float(cells.sum()) - n_draws - (n_worlds - 1)
    squares = np.where(valid, np.square(rest), 0.0).sum(axis=1)
    luck = float(per_draw.max()) > 1.0
    variance = float(squares.sum()) / freedom if freedom > 0 else 0.0
    found = float(np.square(worlds).sum())
    kept = max(1.0 - variance * float(np.trace(inverse)) / found, 0.0) if found > 0.0 else 0.0
    worlds = worlds * math.sqrt(kept)
    shift_error = math.sqrt(kept * found / (n_worlds - 1) / n_worlds) if n_worlds > 1 else 0.0
    if not luck:
        return TwoWays(split, worlds, rest, NAN)
    noise = np.zeros(n_draws)
    if freedom > 0:
        # The worlds' W - 1 are taken from the draws' degrees of freedom in equal parts.
        own = (per_draw[:, 0] - 1.0) * freedom / (float(cells.sum()) - n_draws)
        noise = moderated_variances(squares, own) / per_draw[:, 0]
    between = max(0.0, n_draws * split.error**2 - float(noise.mean())) if n_draws > 1 else NAN
    return TwoWays(replace(split, between=between, within=variance, noise=noise), worlds, rest, shift_error)


def level_on_common_worlds(values: Floats) -> Level:
    """Level of an outcome whose worlds all draws share: its error holds the shift common to all draws, too.

    Its range over draws is about how draws differ, and does not hold the shift. With one world per draw the error
    cannot be known.
    """
    kept = values[np.isfinite(values).any(axis=1)]
    if len(kept) < 2:
        return level_of(values)
    found = two_ways(kept)
    split = found.split
    error = math.hypot(split.error, found.shift_error)
    low, median, high = quantiles_over_draws(split, over_draws(split), (LOW, 0.5, HIGH))
    return Level(split.mean, error, Interval(low, high), range_over_worlds(kept, split), median)
