"""What an outcome is: name, label, unit, meaning, better direction; which ones are shown first, which are ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from passaat.errors import StudyError, unknown_name
from passaat.experiments.stats.pairing import Direction
from passaat.model.outcomes import OUTCOMES

PUBLIC_COST: Final = "public_cost_eur"

UNTIL_EVALUATION: Final = "additional_exports_net_until_evaluation_eur"
"""The main outcome as far as an evaluation sees it."""


HEADLINES: Final = (
    "additional_exports_net_eur",
    "additional_exports_smes_eur",
    "net_exports_per_public_euro",
    "contracts",
    "covenants",
)
"""The handful of outcomes of the main table and figure, and of decisions, most important first."""


RATIOS: Final = {"net_exports_per_public_euro": ("additional_exports_net_eur", PUBLIC_COST)}
"""Outcomes that are compared as a ratio of means over the worlds of a draw: numerator and denominator. The study
file holds the ratio of each single world, whose mean would let worlds that spend little count as much as others.
"""


@dataclass(frozen=True)
class OutcomeInfo:
    """An outcome as a reader needs it. ``better`` says which direction is favourable, if any."""

    name: str
    unit: str
    meaning: str
    better: Direction

    @property
    def label(self) -> str:
        """Its name for people."""
        return label(self.name)


def outcome_named(outcomes: Sequence[OutcomeInfo], name: str) -> OutcomeInfo:
    """The outcome of this name.

    Raises:
        StudyError: there is none.
    """
    known = {one.name: one for one in outcomes}
    if name not in known:
        raise StudyError(unknown_name("outcome", name, list(known)), "Take one of these.")
    return known[name]


_LABELS: Final = {outcome.name: outcome.label for outcome in OUTCOMES if outcome.label}


def label(name: str) -> str:
    """Name of an outcome for people: as the model has it, in words where the model has none.

    Study files hold names alone, so that an outcome is called the same whichever version wrote it.

    >>> label("public_cost_support_eur")
    'Public cost support'
    """
    return _LABELS.get(name) or name.removesuffix("_eur").replace("_", " ").capitalize()
