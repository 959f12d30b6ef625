"""Which parameters the reported figures feel at all: Morris screening of all of them, with common random numbers.

Along a trajectory one parameter after another is moved, in the same world: the same seeds of luck before and after, so
that what changes is the parameter's doing. An effect is the change of a term over the whole range of the parameter, on
the variance-stabilised scale, in units of the term's total blur: its reporting standard deviation together with the
spread between worlds (the latter because a report cannot tell apart what luck would also do).

The rule of choice, fixed beforehand: a parameter's *strength* is the root of the sum, over terms, of its squared mean
effect less the square of that mean's own error (what chance alone would give). The dozen with the largest strength is
calibrated; all others keep being drawn from their priors in every run.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.calibration.likelihood import Term, shown_by
from passaat.calibration.priors import Priors
from passaat.calibration.table import Batch, Evaluator, OnProgress, RunStore, run_batch, world_seeds
from passaat.errors import StudyError
from passaat.writing import write_whole

Floats = NDArray[np.float64]

LEVELS: Final = 4
CHOSEN: Final = 12
COLUMNS: Final = (
    "rank",
    "parameter",
    "part",
    "identified",
    "chosen",
    "strength",
    "most_moved",
    "mean_effect",
    "mean_absolute_effect",
    "sd_of_effects",
)


@dataclass(frozen=True)
class Screened:
    """One parameter.

    Attributes:
        strength: as the rule says, in units of blur.
        most_moved: the term with the largest mean effect, in size.
        mean_effect, mean_absolute_effect, sd_of_effects: Morris's mu, mu* and sigma on that term.
    """

    parameter: str
    strength: float
    most_moved: str
    mean_effect: float
    mean_absolute_effect: float
    sd_of_effects: float


def trajectories(known: Priors, n: int, seed: int) -> Batch:
    """Morris trajectories over all parameters; every run of a trajectory in the same world.

    Raises:
        StudyError: fewer than two trajectories.
    """
    from SALib.sample import morris as morris_sample

    if n < 2:
        raise StudyError(
            f"trajectories = {n}: at least 2 are needed to tell an effect from luck", "10 are usual."
        )
    places = morris_sample.sample(_problem(known), n, num_levels=LEVELS, seed=seed % 2**32)
    worlds = world_seeds(seed, n, "screening")
    # Levels are 0, 1/3, 2/3 and 1; the ends are a little inside, as a place never is 0 or 1.
    return Batch("screening", np.clip(places, 1e-6, 1.0 - 1e-6), np.repeat(worlds, len(known) + 1))


def _problem(known: Priors) -> dict[str, Any]:
    return {"num_vars": len(known), "names": list(known.names), "bounds": [[0.0, 1.0]] * len(known)}


def screen(
    evaluator: Evaluator,
    store: RunStore,
    terms: Sequence[Term],
    *,
    n: int,
    seed: int,
    workers: int,
    progress: OnProgress | None = None,
) -> tuple[Screened, ...]:
    """Screen all parameters; the strongest first."""
    known = evaluator.priors
    batch = trajectories(known, n, seed)
    seen = run_batch(batch, evaluator, store, workers=workers, progress=progress)
    return screened(known, batch, shown_by(terms, seen.values, evaluator.names), terms, n)


def screened(
    known: Priors, batch: Batch, scaled: Floats, terms: Sequence[Term], n: int
) -> tuple[Screened, ...]:
    """Effects and strength of every parameter, from what the runs of the trajectories show."""
    d = len(known)
    scaled = scaled.reshape(n, d + 1, len(terms))
    places = batch.places.reshape(n, d + 1, d)
    between = np.nanvar(scaled[:, 0], axis=0, ddof=1)
    blur = np.sqrt(np.square([term.blur for term in terms]) + np.nan_to_num(between))
    step = np.diff(places, axis=1)
    moved = np.abs(step).argmax(axis=2)
    size = np.take_along_axis(step, moved[..., None], axis=2)[..., 0]
    effects = np.full((n, d, len(terms)), np.nan)
    change = np.diff(scaled, axis=1) / size[..., None] / blur
    for k in range(n):
        effects[k, moved[k]] = change[k]
    heard = (~np.isnan(effects)).sum(axis=0)
    filled = np.where(np.isnan(effects), 0.0, effects)
    mean = filled.sum(axis=0) / np.maximum(heard, 1)
    absolute = np.abs(filled).sum(axis=0) / np.maximum(heard, 1)
    rest = np.where(np.isnan(effects), 0.0, effects - mean)
    sd = np.sqrt(np.square(rest).sum(axis=0) / np.maximum(heard - 1, 1))
    error = np.square(sd) / np.maximum(heard, 1)
    strength = np.sqrt(np.maximum((np.square(mean) - error).sum(axis=1), 0.0))
    top = np.abs(mean).argmax(axis=1)
    found = [
        Screened(
            name,
            float(strength[i]),
            terms[top[i]].name,
            float(mean[i, top[i]]),
            float(absolute[i, top[i]]),
            float(sd[i, top[i]]),
        )
        for i, name in enumerate(known.names)
    ]
    return tuple(sorted(found, key=lambda one: (-one.strength, one.parameter)))


def choose(found: Sequence[Screened], n: int = CHOSEN) -> tuple[str, ...]:
    """The parameters to calibrate: the ``n`` strongest, and none without any effect."""
    return tuple(one.parameter for one in found[:n] if one.strength > 0.0)


def strength_kept(found: Sequence[Screened], chosen: Sequence[str]) -> float:
    """Share of the summed squared strength that the chosen carry."""
    total = math.fsum(one.strength * one.strength for one in found)
    kept = math.fsum(one.strength * one.strength for one in found if one.parameter in chosen)
    return kept / total if total else 0.0


def write_screening(found: Sequence[Screened], chosen: Sequence[str], known: Priors, path: Path) -> None:
    """Write the screening as a table, the strongest first."""
    prior = {one.name: one for one in known.all}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rank, one in enumerate(found, start=1):
        numbers = (one.mean_effect, one.mean_absolute_effect, one.sd_of_effects)
        writer.writerow(
            [
                rank,
                one.parameter,
                prior[one.parameter].part,
                "yes" if prior[one.parameter].identified else "no",
                "yes" if one.parameter in chosen else "no",
                f"{one.strength:.4g}",
                one.most_moved,
                *(f"{number:.4g}" for number in numbers),
            ]
        )
    write_whole(path, text.getvalue())
