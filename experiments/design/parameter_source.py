"""Draws of parameters that somebody else makes, such as a calibration: who makes them registers where they come from.

Experiments know of no calibration. Whoever has draws that belong to the model registers them once; ``passaat`` itself
registers the shipped posterior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from passaat.errors import EvidenceError

if TYPE_CHECKING:
    from passaat.experiments.design.basis import Basis

Draw = Callable[[int, int], Sequence[Mapping[str, float]]]
"""(n, seed) -> n draws of all uncertain parameters; the first do not depend on n."""


@dataclass(frozen=True)
class ParameterSource:
    """Draws that somebody else makes.

    Attributes:
        basis: what they rest on; raises ``EvidenceError`` where they do not belong to the model as it is.
        draw: makes them.
    """

    basis: Callable[[], Basis]
    draw: Draw


_found: list[Callable[[], ParameterSource]] = []


def register(find: Callable[[], ParameterSource]) -> None:
    """Let draws that belong to the model come from here; ``find`` is asked when needed. The last one counts."""
    _found.append(find)


def registered() -> ParameterSource:
    """The source that counts.

    Raises:
        EvidenceError: nobody registered one.
    """
    if not _found:
        raise EvidenceError(
            "no source of calibrated draws is registered",
            "Register one: passaat.experiments.design.parameter_source.register; or take prior ranges: prior=True.",
        )
    return _found[-1]()
