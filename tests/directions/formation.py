"""Directions of forming a group and of selection (claims CF and SE)."""

from __future__ import annotations

from typing import Final

from tests.directions.lab import FOCAL
from tests.directions.registry import Direction

DIRECTIONS: Final = (
    Direction(
        name="More members who trust each other's offers do more together",
        claims=("CF03",),
        kind="raises",
        base=FOCAL.with_edit("firms", "chain_position", 0.0),
        changed=FOCAL.with_edit("firms", "chain_position", 0.1, 0.4, 0.7, 1.0),
        outcome="knowledge of members at the end of the covenant",
        carried_by="cluster.judge_fit",
        read_at="firm.take_part",
    ),
)
