"""Units: how many of one thing make another, and scales that are agreed. They mean nothing about the world."""

from __future__ import annotations

from typing import Final

QUARTERS_PER_YEAR: Final = 4
CENTS_PER_EUR: Final = 100.0
FULL_POINTS: Final = 100.0
"""Highest score of an application."""

BONUS_POINTS: Final = 10.0
"""Points of bonus in which the parameter ``distraction_share`` is given."""

TERM_YEARS: Final = 4.0
TERM_QUARTERS: Final = 16.0
"""Term to which the lever ``covenant_amount_eur`` refers (technopolis2023 s2.4.3)."""

OUTSIDE_BOTTLENECKS: Final = 3.0
"""Bottlenecks that lie outside a firm: relation, trust and barriers; its own capacity is the fourth."""

LARGEST_FEW: Final = 5
"""Clusters whose share of all exports tells how concentrated these are."""

YEARS_TO_EVALUATION: Final = 2
"""Years from the end of the window, 2020, to the last that the evaluation of PIB saw, 2022 (technopolis2023)."""
