"""Names for coded states of clusters and stages of firms."""

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

STAGE_NAMES: Final = ("none", "contact", "relation", "partnership", "contract", "sustained export")


@rule
def is_covenant(status: int) -> bool:
    """Whether a group of this status has a covenant that runs, extended or not."""
    return status == RUNNING or status == EXTENDED


@rule
def is_at_work(status: int) -> bool:
    """Whether a group of this status acts: a covenant that runs, or an informal group."""
    return status == RUNNING or status == EXTENDED or status == INFORMAL
