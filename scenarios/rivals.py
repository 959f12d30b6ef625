"""The rival structures of a reference: each switch of ``model.inputs.Structure`` moved alone, all else as it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from passaat.model.inputs import STRUCTURES, Structure
from passaat.scenarios.scenario import Scenario

OWN: Final = "own"
"""Name of the structure that a reference has; rivals are named like ``bottlenecks=sum``."""

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bottlenecks=weakest": "the weakest of a firm's four bottlenecks decides its chance of a next step",
        "bottlenecks=sum": "the mean of a firm's four bottlenecks decides its chance of a next step, not the weakest",
        "network=own": "coordinators find members in their own network",
        "network=none": "coordinators reach every firm of the sector alike, without a network of their own",
        "selection=scored": "applications are scored on their quality",
        "selection=random": "the score of an application is a lottery ticket",
        "support=people": "liaisons, embassies and coordinators are people who differ",
        "support=none": "liaisons, embassies and coordinators are all alike and average",
    }
)
"""What holds under each value of each switch, in words."""


def structures_of(reference: Scenario) -> dict[str, Scenario]:
    """The reference as it is, under the name ``own``, and one copy per switch that is moved to its other value.

    A reference with a rival structure of its own is the start like any other: the switch concerned then moves back to
    the model's.
    """
    found = {OWN: reference}
    for switch, values in STRUCTURES.items():
        for value in values:
            if value != getattr(reference.structure, switch):
                found[f"{switch}={value}"] = reference.with_structure(**{switch: value})
    return found


def own_in_words(reference: Scenario) -> str:
    """How the structure of the reference itself is called in sentences."""
    if reference.structure.model_dump() == vars(Structure()):
        return "the model's own structure"
    return f"the structure of {reference.name}"
