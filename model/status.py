"""Names for codes: states of clusters, stages and sizes of firms, kinds of coordinators, choices of levers."""

from __future__ import annotations

from typing import Final

from passaat.model.kernel.rules import rule

FORMING: Final = 0
FILLING: Final = 1
READY: Final = 2
APPLIED: Final = 3
INCEPTION: Final = 4
RUNNING: Final = 5
EXTENDED: Final = 6
STOPPED: Final = 7
REJECTED: Final = 8
CLOSED: Final = 9
FOLLOW_UP: Final = 10
DISSOLVED: Final = 11
INFORMAL: Final = 12

STATUS_NAMES: Final = (
    "forming",
    "asking fillers",
    "writing application",
    "applied",
    "inception",
    "running",
    "extended",
    "stopped",
    "rejected",
    "closed",
    "follow-up",
    "dissolved",
    "informal",
)
"""``rejected`` and ``dissolved`` never became a covenant; ``informal`` groups work without one."""

NO_STAGE: Final = 0
CONTACT: Final = 1
RELATION: Final = 2
PARTNERSHIP: Final = 3
CONTRACT: Final = 4
SUSTAINED: Final = 5

STILL_CONSIDERED: Final = 0
STAYS_OUT: Final = 1
LOOKS_AGAIN: Final = 2
"""Whether a firm has concluded that a market is not worth it; who once did so may look again."""

STAGE_NAMES: Final = ("none", "contact", "relation", "partnership", "contract", "sustained export")


MICRO: Final = 0
SMALL: Final = 1
MEDIUM: Final = 2
LARGE: Final = 3
"""Size classes of firms."""

LAPSED: Final = 0
PARTLY: Final = 1
FULL: Final = 2
"""How a next step ends: not, partly or fully taken (technopolis2023 s4.1.2: 49, 36 and 15 %)."""

CONSULTANT: Final = 0
TRADE_ORGANISATION: Final = 1
MEMBER_FIRM: Final = 2
"""A coordinator's profession (RV09)."""

NO_DEMONSTRATION: Final = 0
PLANNED: Final = 1
OPEN: Final = 2
"""State of a group's demonstration object."""

ONE_STAGE: Final = 1.0
"""Lever ``selection_stages`` without a jury."""

AS_MEMBERS: Final = 0.0
LOCOMOTIVES: Final = 1.0
EXCLUDED: Final = 2.0
"""Choices of the lever ``large_firms_role``."""

ALL_MEMBERS: Final = 0.0
WITH_TRACTION: Final = 1.0
ONLY_SMES: Final = 2.0
"""Choices of the lever ``follow_up_eligibility``."""

BY_BOTTLENECK: Final = 0.0
TO_CONTACTS: Final = 1.0
TO_AWARENESS: Final = 2.0
TO_BARRIERS: Final = 3.0
"""Choices of the lever ``route_guidance``."""

BOTH_MEASURES: Final = 0.0
ACTIVITIES_ONLY: Final = 1.0
MEMBERS_ONLY: Final = 2.0
"""Choices of the lever ``checkpoint_measure``."""

RETURNED: Final = 0.0
TO_BEST_PERFORMERS: Final = 1.0
TO_FOLLOW_UP: Final = 2.0
"""Choices of the lever ``freed_money_use``."""


@rule
def is_covenant(status: int) -> bool:
    """Whether a group of this status has a covenant that runs, extended or not."""
    return status == RUNNING or status == EXTENDED


@rule
def is_at_work(status: int) -> bool:
    """Whether a group of this status acts: a covenant that runs, or an informal group."""
    return status == RUNNING or status == EXTENDED or status == INFORMAL


COMMITTED: Final = 0
LET_GO: Final = 1
FOR_ACTIVITIES: Final = 2
FOR_LIAISON: Final = 3
FOR_BRANDING: Final = 4
FOR_FOLLOW_UP: Final = 5
FOR_ADMINISTRATION: Final = 6
FOR_SUPPORT: Final = 7
PRIVATE: Final = 8
N_ENTRIES: Final = 9
"""What a sum in the books of a group is: public money committed, or let go of it again; public money paid, by purpose;
and what members and others bear."""
