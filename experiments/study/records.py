"""What a study file gives and takes: results of runs, cells to run, parts of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from passaat.experiments.stats.pairing import Floats
from passaat.experiments.study.keys import digest_of

Status = Literal["done", "failed"]


Kind = Literal["comparison", "sweep"]


@dataclass(frozen=True)
class RunRecord:
    """Result of one run, by its place in the study: its outcomes, or the reason why there are none."""

    draw: int
    world: int
    arm: int
    status: Status
    reason: str = ""
    values: Floats | None = None


class Written(NamedTuple):
    """A run as it stands in a file, in which anything may have been changed; ``asked`` are the columns asked for."""

    asked: tuple[Any, ...]
    status: str
    reason: str
    digest: str
    values: tuple[Any, ...]

    @property
    def whole(self) -> bool:
        """Whether its result is as it was written: the digest is that of status, reason and values."""
        return self.digest == digest_of(self.status, self.reason, self.values)


@dataclass(frozen=True)
class PlannedCell:
    """One world under one draw of parameters, and the numbers of the arms that are still to be run in it."""

    draw: int
    world: int
    world_seed: int
    arms: tuple[int, ...]


@dataclass(frozen=True)
class Scope:
    """A part of a study: some arms, the first draws, the first worlds of each; None for all."""

    arms: tuple[int, ...] | None = None
    draws: int | None = None
    worlds: int | None = None

    def where(self) -> tuple[str, tuple[int, ...]]:
        """The part as an SQL condition on runs, with its arguments."""
        parts, arguments = ["status = 'planned'"], list[int]()
        if self.arms is not None:
            parts.append(f"arm IN ({', '.join('?' * len(self.arms))})")
            arguments += self.arms
        if self.draws is not None:
            parts.append("draw < ?")
            arguments.append(self.draws)
        if self.worlds is not None:
            parts.append("world < ?")
            arguments.append(self.worlds)
        return " AND ".join(parts), tuple(arguments)


ALL: Final = Scope()


@dataclass(frozen=True)
class FailedRun:
    """A run that failed, as it is reported."""

    option: str
    amount_factor: float
    draw: int
    world: int
    world_seed: int
    reason: str
