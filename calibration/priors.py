"""The prior of every uncertain parameter, of the world and of its observation, in one order.

A prior is the record of a parameter read as a distribution: its range, its shape over the range, and the source that
says why. ``identified`` keeps apart what the reported figures can be expected to move from what stays an assumption;
parameters of the observation are never expected to be learnt and are only ever averaged over.

Calibration works on two scales besides that of the parameter: its *place*, the share of its range below it (0 to 1, in
which every prior is uniform), and the *unconstrained* scale, the logit of the place, on which samplers walk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from passaat.calibration.observation import ObservationParameter, observation_parameters
from passaat.errors import EvidenceError, unknown_name
from passaat.identity import number_text
from passaat.model.kernel.elementary import exp_of_each, log, log_of_each
from passaat.model.parameters import PARAMETERS, Parameter

Floats = NDArray[np.float64]
Part = Literal["model", "observation"]

SHAPES: Final = ("uniform", "loguniform", "switch")
EDGE: Final = 1e-9
"""Places are kept this far from 0 and 1, so that their logit is finite."""


@dataclass(frozen=True)
class Prior:
    """What is held possible of one parameter before any figure is looked at.

    Attributes:
        part: whether it is a parameter of the simulated world or of how evaluators saw it.
        value: the default, in ``unit``.
        shape: uniform or loguniform over the range; a switch is at either end with equal chance.
        reason: where the range comes from.
        grade: measured, inferred or assumed.
        identified: whether the reported figures can be expected to move it.
    """

    name: str
    part: Part
    value: float
    minimum: float
    maximum: float
    shape: str
    unit: str
    meaning: str
    reason: str
    grade: str
    identified: bool

    def at(self, place: Floats) -> Floats:
        """The values at these places (0 to 1) of the range."""
        if self.shape == "switch":
            return np.where(place < 0.5, self.minimum, self.maximum)
        if self.shape == "loguniform":
            return self.minimum * exp_of_each(place * log(self.maximum / self.minimum))
        return self.minimum + (self.maximum - self.minimum) * place

    def place_of(self, value: Floats) -> Floats:
        """The places of these values in the range; a switch gives the middle of its half."""
        if self.shape == "switch":
            return np.where(value == self.minimum, 0.25, 0.75)
        if self.shape == "loguniform":
            return log_of_each(value / self.minimum) / log(self.maximum / self.minimum)
        return (value - self.minimum) / (self.maximum - self.minimum)


@dataclass(frozen=True)
class Priors:
    """The priors of all uncertain parameters, in one order.

    Raises:
        EvidenceError: a prior that is none, named with the reason; all are listed.
    """

    all: tuple[Prior, ...]

    def __post_init__(self) -> None:
        problems = [problem for prior in self.all for problem in _problems_of(prior)]
        seen: set[str] = set()
        for prior in self.all:
            if prior.name in seen:
                problems.append(f"{prior.name}: has two priors")
            seen.add(prior.name)
        if problems:
            raise EvidenceError(
                problems,
                hint="Correct these records in model/parameters.toml or calibration/observation_parameters.toml.",
            )

    def __len__(self) -> int:
        return len(self.all)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(prior.name for prior in self.all)

    def positions(self, names: Iterable[str]) -> NDArray[np.int64]:
        """Where these parameters stand in the order.

        Raises:
            EvidenceError: a name without a prior; all are listed.
        """
        known = {name: position for position, name in enumerate(self.names)}
        wanted = list(names)
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise EvidenceError(
                [unknown_name("uncertain parameter", name, self.names, listing=False) for name in unknown],
                hint="passaat.calibration.priors.priors().names lists them all.",
            )
        return np.array([known[name] for name in wanted], dtype=np.int64)

    def values(self, places: Floats) -> Floats:
        """Values at places, both of shape (n, n_parameters)."""
        return np.stack([prior.at(places[:, i]) for i, prior in enumerate(self.all)], axis=1)

    def places(self, values: Floats) -> Floats:
        """Places of values, both of shape (n, n_parameters); outside the range they lie outside 0 to 1."""
        return np.stack([prior.place_of(values[:, i]) for i, prior in enumerate(self.all)], axis=1)

    def split(self, values: Sequence[float] | Floats) -> tuple[dict[str, float], dict[str, float]]:
        """One row of values as parameters of the model and unknowns of the observation, by name."""
        parts: dict[Part, dict[str, float]] = {"model": {}, "observation": {}}
        for prior, value in zip(self.all, values, strict=True):
            parts[prior.part][prior.name] = float(value)
        return parts["model"], parts["observation"]


def statement(some: Iterable[Prior]) -> dict[str, str]:
    """Each prior as a text, by the name of its parameter: all of it that acts on a draw."""
    return {p.name: f"{p.part} {p.shape} {number_text(p.minimum)} to {number_text(p.maximum)}" for p in some}


def unconstrained(places: Floats) -> Floats:
    """Places on the scale on which a sampler may walk anywhere: their logit."""
    inner = np.clip(places, EDGE, 1.0 - EDGE)
    return np.asarray(np.log(inner) - np.log1p(-inner))


def constrained(walked: Floats) -> Floats:
    """The way back: places from the unconstrained scale."""
    return np.asarray(1.0 / (1.0 + np.exp(-walked)))


def log_jacobian(walked: Floats) -> Floats:
    """Logarithm of d place / d walked: the log density of a uniform place on the unconstrained scale."""
    return np.asarray(-np.logaddexp(0.0, walked) - np.logaddexp(0.0, -walked))


def priors_of(model: Mapping[str, Parameter], observation: Mapping[str, ObservationParameter]) -> Priors:
    """The priors in these records; what is fixed has none.

    Raises:
        EvidenceError: a record that is no prior; all are listed.
    """
    found = [
        Prior(
            p.name,
            "model",
            p.value,
            p.minimum,
            p.maximum,
            p.shape,
            p.unit,
            p.meaning,
            p.source,
            p.grade,
            p.identified,
        )
        for p in model.values()
        if p.shape != "fixed"
    ]
    found += [
        Prior(
            o.name,
            "observation",
            o.value,
            o.minimum,
            o.maximum,
            o.shape,
            o.unit,
            o.meaning,
            o.source,
            o.grade,
            False,
        )
        for o in observation.values()
        if o.shape != "fixed"
    ]
    return Priors(tuple(found))


@cache
def priors() -> Priors:
    """The priors of the records that ship with the project, read once."""
    return priors_of(PARAMETERS, observation_parameters())


def _problems_of(prior: Prior) -> list[str]:
    name, low, high = prior.name, prior.minimum, prior.maximum
    if not all(math.isfinite(number) for number in (prior.value, low, high)):
        return [f"{name}: value, minimum and maximum must be finite numbers"]
    problems = []
    if prior.shape not in SHAPES:
        problems.append(f"{name}: {unknown_name('shape', prior.shape, SHAPES)}")
    if low > high:
        problems.append(f"{name}: minimum {low:g} lies above maximum {high:g}")
    elif low == high:
        problems.append(
            f"{name}: minimum and maximum are both {low:g}; a parameter that is known has shape fixed"
        )
    elif not low <= prior.value <= high:
        problems.append(f"{name}: value {prior.value:g} lies outside its range {low:g} to {high:g}")
    if prior.shape == "loguniform" and low <= 0:
        problems.append(f"{name}: minimum {low:g} of a loguniform range must be above 0")
    if not prior.reason.strip():
        problems.append(f"{name}: no source says why its range is as it is")
    return problems
