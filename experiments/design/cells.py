"""The design of a study: which parameter draws meet which worlds. Nothing here depends on the options
compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from passaat.errors import StudyError
from passaat.identity import whole_number

DEFAULT_DRAWS: Final = 40
DEFAULT_WORLDS: Final = 8
"""Draws are many because the range over draws and the chance of being better rest on them; eight worlds a draw show
most of the variance between draws through the luck. How long runs take: docs/performance.md."""

LARGEST_SEED: Final = 2**63 - 1
"""Largest seed of a study or a world: what fits into a signed integer of 64 bits."""

MOST_CELLS: Final = 5_000_000
"""More cells than this are taken for a slip of the pen: each policy takes weeks on a core."""

PILOT_WORLDS: Final = 2
"""Worlds of each draw on which the equal-money search works before it is checked on all."""


@dataclass(frozen=True)
class Cell:
    """One parameter draw in one world: everything compared meets in a cell."""

    draw: int
    world: int
    world_seed: int


@dataclass(frozen=True)
class Design:
    """A two-level design: ``draws`` sets of parameters, each in ``worlds`` worlds of its own.

    Raises:
        StudyError: fewer than one draw, fewer than two worlds per draw, more cells than anyone runs, or a seed out of
            range; all are listed.
    """

    draws: int = DEFAULT_DRAWS
    worlds: int = DEFAULT_WORLDS
    seed: int = 1

    def __post_init__(self) -> None:
        problems = []
        if self.draws < 1:
            problems.append(f"draws = {self.draws}: at least 1 parameter draw is needed")
        if self.worlds < 2:
            problems.append(
                f"worlds per draw = {self.worlds}: at least 2 are needed to tell luck from parameters"
            )
        if self.draws * self.worlds > MOST_CELLS:
            days = self.draws * self.worlds * 0.03 / 86_400
            problems.append(
                f"draws = {self.draws:,} of {self.worlds:,} worlds are {self.draws * self.worlds:,} cells, more than"
                f" anyone runs; at most {MOST_CELLS:,} are allowed (one run in each takes a core some {days:,.0f} days)"
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            problems.append(f"seed = {self.seed}: a whole number from 0 to {LARGEST_SEED} is needed")
        if problems:
            raise StudyError(
                problems, hint=f"The defaults are {DEFAULT_DRAWS} draws of {DEFAULT_WORLDS} worlds, seed 1."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(n_draws, n_worlds)."""
        return self.draws, self.worlds

    def cells(self) -> Iterator[Cell]:
        """All cells, draw by draw."""
        for draw in range(self.draws):
            for world in range(self.worlds):
                yield Cell(draw, world, world_seed(self.seed, draw, world))

    def pilot(self) -> Iterator[Cell]:
        """The first worlds of every draw: a part of ``cells`` on which all parameters are represented."""
        return (cell for cell in self.cells() if cell.world < PILOT_WORLDS)


def world_seed(seed: int, draw: int, world: int) -> int:
    """Seed of one world, a whole number in [0, 2^63): a hash of what the world is, not of when it was asked
    for.

    More draws, worlds or options later leave every seed as it was, and no two cells share a stream of luck.
    """
    return whole_number(f"passaat world {seed} {draw} {world}")


def block_seed(seed: int, block: int) -> int:
    """Seed of one block of parameter draws, a whole number in [0, 2^63)."""
    return whole_number(f"passaat parameters {seed} {block}")
