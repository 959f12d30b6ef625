"""The posterior sample that ships with the project: read, draw from, and check against what it was made for.

``posterior/pib.csv`` holds weighted draws over *all* uncertain parameters, of the world and of its observation; those
that the reported figures do not move are in it as their priors left them. ``posterior/pib.json`` says from what it was
made: what it rests on (``passaat.calibration.grounds``), budget, effective sample size, how much each parameter was
narrowed, and what the posterior predicts for each figure.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from passaat.calibration.grounds import Grounds, changes, grounds
from passaat.calibration.priors import Priors, priors
from passaat.errors import EvidenceError
from passaat.identity import fingerprint_of_text, text_of
from passaat.scenarios.loading import load_scenario
from passaat.writing import write_whole

Floats = NDArray[np.float64]

FOLDER: Final = Path(__file__).resolve().parent / "posterior"
NAME: Final = "pib"
COMMAND: Final = "passaat calibrate pib --proof --out calibration/posterior"
"""What makes the shipped sample anew."""
DISCREPANCY: Final = "model_discrepancy"
"""Column of the sample: the discrepancy term, in reporting standard deviations."""
WEIGHT: Final = "weight"
DIGITS: Final = 5
LARGEST_SEED: Final = 2**63 - 1


@dataclass(frozen=True)
class Sample:
    """A weighted posterior sample.

    Attributes:
        weights: of each draw; they sum to one.
        discrepancy: the discrepancy term of each draw.
        values: shape (n_draws, n_parameters), in the order of ``priors``.
    """

    weights: Floats
    discrepancy: Floats
    values: Floats
    priors: Priors

    def __len__(self) -> int:
        return len(self.weights)

    def parameters(self, draw: int, part: Literal["model", "observation"]) -> dict[str, float]:
        """The parameters of one draw."""
        model, observation = self.priors.split(self.values[draw])
        return model if part == "model" else observation


def posterior_draws(
    n: int, seed: int, part: Literal["model", "observation"] = "model"
) -> list[dict[str, float]]:
    """``n`` draws of every parameter of the model from the shipped posterior sample; the first do not depend on n.

    Draws are taken without replacement until the sample is used up, each as often as its weight says, then again in
    another order. The same seed gives the same draws for the model and for the observation.

    Args:
        part: "observation" for the unknowns of the observation that belong to the same draws.

    Raises:
        EvidenceError: n below one, a seed out of range, or no readable sample.
    """
    problems = []
    if n < 1:
        problems.append(f"n = {n}: at least 1 draw is needed")
    if not 0 <= seed <= LARGEST_SEED:
        problems.append(f"seed = {seed}: a whole number from 0 to {LARGEST_SEED} is needed")
    if problems:
        raise EvidenceError(problems, hint="For example posterior_draws(40, seed=1).")
    sample = shipped_sample()
    deck = _deck(sample.weights)
    rounds = -(-n // len(deck))
    order = np.concatenate([np.random.default_rng([seed, k]).permutation(deck) for k in range(rounds)])[:n]
    return [sample.parameters(int(draw), part) for draw in order]


def _deck(weights: Floats, size: int = 300) -> NDArray[np.int64]:
    """Numbers of draws, each as often as its weight says, ``size`` in all (systematic resampling)."""
    edges = np.cumsum(weights / weights.sum())
    edges[-1] = 1.0
    return np.searchsorted(edges, (np.arange(size) + 0.5) / size)


def shipped() -> Mapping[str, Any]:
    """What the shipped posterior was made from and what it says, as stored in ``posterior/pib.json``.

    Raises:
        EvidenceError: no such file, or not readable.
    """
    return read_metadata(FOLDER / f"{NAME}.json")


def read_metadata(path: Path) -> Mapping[str, Any]:
    """Read the description of a posterior.

    Raises:
        EvidenceError: no such file, or not readable.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvidenceError(
            f"{path.name}: cannot be read ({error})", hint=f"Make it with: {COMMAND}"
        ) from None
    wrong = list(_misshapen(found))
    if wrong:
        raise EvidenceError([f"{path.name}: {one}" for one in wrong], hint=f"Make it with: {COMMAND}")
    return found


def _misshapen(found: Any) -> Iterator[str]:
    """What of a description is not as it is written, in a file that was damaged or edited."""
    if not isinstance(found, dict):
        yield "is no table"
        return
    rests_on = found.get("rests_on", {})
    parts = rests_on.values() if isinstance(rests_on, dict) else [None]
    if not all(isinstance(part, dict) and all(isinstance(v, str) for v in part.values()) for part in parts):
        yield "rests_on is no table of texts"
    if not isinstance(found.get("reference", ""), str):
        yield f"reference = {found['reference']!r} is no name"
    size = found.get("effective_sample_size", 1.0)
    if isinstance(size, bool) or not isinstance(size, int | float) or not size > 0.0:
        yield f"effective_sample_size = {size!r} is no number above 0"


@cache
def shipped_sample() -> Sample:
    """The shipped sample, read once."""
    return read_sample(FOLDER / f"{NAME}.csv")


def read_sample(path: Path, known: Priors | None = None) -> Sample:
    """Read a stored sample.

    Raises:
        EvidenceError: a file that cannot be read, other parameters than those with a prior, a value outside its prior
            or a weight below zero; each with its row, the first twenty are listed.
    """
    order = priors() if known is None else known
    hint = f"The sample belongs to other parameters or was edited. Make it anew with: {COMMAND}"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = list(csv.reader(file, strict=True))
        table = np.array(lines, dtype=np.float64)
    except (OSError, ValueError, csv.Error) as error:
        raise EvidenceError(f"{path.name}: cannot be read ({error})", hint=hint) from None
    expected = {WEIGHT, DISCREPANCY, *order.names}
    problems = [f"{path.name}: column {name} is missing" for name in sorted(expected - set(header))]
    problems += [
        f"{path.name}: column {name} belongs to no parameter" for name in sorted(set(header) - expected)
    ]
    if problems or not len(table):
        raise EvidenceError(problems or [f"{path.name}: no draws"], hint=hint)
    column = {name: table[:, i] for i, name in enumerate(header)}
    values = np.stack([column[name] for name in order.names], axis=1)
    slack = 10.0 ** (1 - DIGITS)
    for prior, found in zip(order.all, values.T, strict=True):
        margin = slack * max(abs(prior.minimum), abs(prior.maximum))
        outside = np.flatnonzero(~((found >= prior.minimum - margin) & (found <= prior.maximum + margin)))
        problems += [
            f"{path.name} row {row + 2}: {prior.name} = {found[row]:g} lies outside its prior, "
            f"{prior.minimum:g} to {prior.maximum:g}"
            for row in outside[:3]
        ]
        np.clip(found, prior.minimum, prior.maximum, out=found)
    for row in np.flatnonzero(~(column[WEIGHT] >= 0.0))[:3]:
        problems.append(f"{path.name} row {row + 2}: weight {column[WEIGHT][row]:g} is below 0")
    if problems:
        raise EvidenceError(problems[:20], hint=hint)
    total = float(column[WEIGHT].sum())
    if total <= 0:
        raise EvidenceError(f"{path.name}: the weights sum to {total:g}", hint=hint)
    return Sample(column[WEIGHT] / total, column[DISCREPANCY], values, order)


def sample_text(sample: Sample) -> str:
    """A sample as it is written: one draw a line, five significant digits."""
    lines = [",".join([WEIGHT, DISCREPANCY, *sample.priors.names])]
    for weight, discrepancy, values in zip(sample.weights, sample.discrepancy, sample.values, strict=True):
        lines.append(",".join(f"{value:.{DIGITS}g}" for value in (weight, discrepancy, *values)))
    return "\n".join(lines) + "\n"


def write_sample(sample: Sample, path: Path) -> None:
    """Write a sample, whole or not at all."""
    write_whole(path, sample_text(sample))


@cache
def shipped_digest() -> str:
    """Fingerprint of the shipped sample, of its text as it lies in the file.

    Raises:
        EvidenceError: the file cannot be read.
    """
    path = FOLDER / f"{NAME}.csv"
    try:
        return fingerprint_of_text(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvidenceError(
            f"{path.name}: cannot be read ({error})", hint=f"Make it with: {COMMAND}"
        ) from None


# --- freshness -------------------------------------------------------------------------------------------


def shipped_grounds() -> dict[str, dict[str, str]]:
    """What the shipped posterior would rest on if it were made today, its sample included.

    Raises:
        EvidenceError: the sample cannot be read.
    """

    return {**grounds(load_scenario(NAME, "reference")), "sample": {"digest": shipped_digest()}}


def stale(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """What has changed since the shipped posterior was made, in sentences; empty when it is fresh.

    Raises:
        EvidenceError: the sample cannot be read.
    """
    stored: Grounds = metadata.get("rests_on", {})
    if not stored:
        return ("it does not say what it rests on",)
    now = shipped_grounds()
    now["sample"] |= description(metadata)
    return tuple(changes(stored, now))


def description(metadata: Mapping[str, Any]) -> dict[str, str]:
    """What is said of a sample wherever it is used, as texts: kept with its digest, so that an edit is noticed."""
    said = ("reference", "effective_sample_size", "provisional", "status")
    return {name: text_of(metadata.get(name)) for name in said}
