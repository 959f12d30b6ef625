"""Directions: what is changed, what is read, and what the claims say must happen."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from tests.directions.lab import OUTCOMES, Situation

Kind = Literal["raises", "lowers", "no effect", "later"]
KINDS: Final = ("raises", "lowers", "no effect", "later")
MODULES: Final = ("formation", "plan_people", "support", "market")
"""Modules of this package; each holds a tuple ``DIRECTIONS``."""


@dataclass(frozen=True)
class Direction:
    """One paired experiment.

    Attributes:
        name: a sentence that says what must hold.
        claims: ids of the claims that say so.
        kind: ``changed`` against ``base`` raises the outcome, lowers it, or has no effect beyond ``margin``;
            ``later``: it raises the outcome, and most of that rise comes from quarter ``after`` on (an outcome
            per quarter).
        base, changed: the two situations; they differ in who is paid, tied, absent, experienced, at war, never in
            a parameter.
        outcome: name of what is read (``lab.OUTCOMES``).
        carried_by, read_at: the rule that carries the claim, and the later rule whose result is read.
        margin: for ``no effect``, the largest difference that counts as none, in standard deviations of the
            outcome over the base worlds.
        after: for ``later``, the quarter after which more than half of the effect must fall.
    """

    name: str
    claims: tuple[str, ...]
    kind: Kind
    base: Situation
    changed: Situation
    outcome: str
    carried_by: str
    read_at: str
    margin: float = 0.2
    after: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.kind not in KINDS:
            problems.append(f"kind {self.kind!r} is none of {', '.join(KINDS)}")
        if self.outcome not in OUTCOMES:
            problems.append(f"there is no outcome {self.outcome!r}")
        elif OUTCOMES[self.outcome].per_quarter != (self.kind == "later"):
            problems.append(
                f"{self.kind} cannot be read from {self.outcome!r}: 'later' needs one per quarter"
            )
        if self.base == self.changed:
            problems.append("nothing is changed")
        if self.carried_by == self.read_at:
            problems.append(f"{self.read_at} carries the claim itself; read a later rule")
        if problems:
            raise ValueError(f"direction {self.name!r}: {'; '.join(problems)}")

    def definition(self) -> str:
        """Eight digits that change with the experiment: situations, kind and what is read."""
        read = inspect.getsource(OUTCOMES[self.outcome].read)
        return hashlib.blake2b(f"{self!r}\n{read}".encode(), digest_size=4).hexdigest()


@lru_cache(maxsize=1)
def directions() -> tuple[Direction, ...]:
    """Every direction, module by module.

    Raises:
        ValueError: two directions of one name.
    """
    found: list[Direction] = []
    for name in MODULES:
        try:
            module = importlib.import_module(f"tests.directions.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"tests.directions.{name}":
                raise
            continue
        found.extend(module.DIRECTIONS)
    names = [direction.name for direction in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"directions of the same name: {'; '.join(twice)}")
    return tuple(found)
