"""Results as one frozen record: numbers along named axes, each outcome with its unit.

The record itself needs NumPy alone. Those who work with pandas or xarray have it in their own form by one call, which
imports the library then: printing a comparison waits for neither.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from passaat.errors import StudyError, unknown_name
from passaat.experiments.results.outcomes import OutcomeInfo, outcome_named
from passaat.experiments.stats.pairing import Floats

AXES: Final = {
    "policy": "the reference and the options",
    "money": "options as they stand, or at the public cost of the reference",
    "draw": "number of the parameter draw, from 0",
    "world": "number of the world of a draw, from 0: same luck under every policy",
}
"""Axes that a record may have, and what lies along each."""


@dataclass(frozen=True)
class Axis:
    """A direction in which values lie: its name, one of ``AXES``, and what stands at each place."""

    name: str
    labels: tuple[str | int, ...]


@dataclass(frozen=True)
class Record:
    """Values of outcomes along axes.

    Attributes:
        axes: in the order of the array's dimensions.
        outcomes: name, label, unit and better direction of each, in the order of the array's last dimension.
        values: shape (the length of each axis, n_outcomes), read-only; nan where there is no value.
        facts: what they rest on, such as the version and what parameters were drawn from, by name.

    Raises:
        StudyError: an axis that is not known or stands twice, or values of another shape.
    """

    axes: tuple[Axis, ...]
    outcomes: tuple[OutcomeInfo, ...]
    values: Floats
    facts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        wrong = [unknown_name("axis", name, list(AXES)) for name in names if name not in AXES]
        wrong += [f"axis {name} stands {names.count(name)} times" for name in AXES if names.count(name) > 1]
        shape = (*(len(axis.labels) for axis in self.axes), len(self.outcomes))
        if self.values.shape != shape:
            wrong.append(f"the values are of shape {self.values.shape}, and axes and outcomes say {shape}")
        if wrong:
            raise StudyError(wrong, "Give one dimension for each axis, and a last one for the outcomes.")
        values = self.values.copy()
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def of(self, outcome: str) -> Floats:
        """Values of one outcome, in the shape of the axes.

        Raises:
            StudyError: there is none of this name.
        """
        found: Floats = self.values[..., self.outcomes.index(outcome_named(self.outcomes, outcome))]
        return found

    def to_pandas(self) -> Any:
        """A pandas ``DataFrame``: a row for each place along the axes, a column for each outcome.

        Its ``attrs`` hold the facts, and unit and label of each column.

        Raises:
            StudyError: pandas is not installed.
        """
        pandas = _library("pandas")
        index = pandas.MultiIndex.from_product(
            [axis.labels for axis in self.axes], names=[axis.name for axis in self.axes]
        )
        names = [one.name for one in self.outcomes]
        frame = pandas.DataFrame(self.values.reshape(-1, len(names)).copy(), index=index, columns=names)
        frame.attrs = {
            **self.facts,
            "units": {one.name: one.unit for one in self.outcomes},
            "labels": {one.name: one.label for one in self.outcomes},
        }
        return frame

    def to_xarray(self) -> Any:
        """An xarray ``Dataset``: an array for each outcome, with its unit and label, along the axes.

        Raises:
            StudyError: xarray is not installed.
        """
        xarray = _library("xarray")
        dims = [axis.name for axis in self.axes]
        arrays = {
            one.name: (
                dims,
                self.of(one.name).copy(),
                {"units": one.unit, "long_name": one.label, "meaning": one.meaning, "better": one.better},
            )
            for one in self.outcomes
        }
        places = {axis.name: list(axis.labels) for axis in self.axes}
        return xarray.Dataset(arrays, coords=places, attrs=dict(self.facts))


def _library(name: str) -> Any:
    """A library that passaat does not bring along.

    Raises:
        StudyError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StudyError(
            f"{name} is not installed, and to_{name} needs it",
            f"Install it, for example by `python -m pip install {name}`, or take the runs out as a table:"
            " `passaat export STUDY --to runs.csv`.",
        ) from error
