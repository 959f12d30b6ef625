"""A changed simulator is another model: it has an identity of its own, and no claim on what belongs to the shipped one.

``dataclasses.replace(the_model(reference), simulate=mine)`` would carry the shipped model's fingerprint along, so that
a study would hand out the shipped model's results for it, and with it the posterior that was calibrated to that model.
So a simulator that borrows a fingerprint, but runs or counts otherwise than the model it was given to, gets one made of
what its functions do, and draws from prior ranges. Whoever gives ``behaviour`` a name of their own keeps that name.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from passaat.errors import StudyError
from passaat.experiments.design.basis import TO_PRIOR, UNCALIBRATED, Basis, prior_draws
from passaat.experiments.design.parameter_source import registered
from passaat.identity import fingerprint_of_text
from passaat.model.kernel.code_identity import CodeIdentity, known_by_version

if TYPE_CHECKING:
    from passaat.experiments.design.simulator import Simulator

NOT_FOR_CHANGED: Final = (
    f"{UNCALIBRATED}the shipped posterior belongs to the model as it ships, not to a changed one; {TO_PRIOR}."
)


@dataclass(frozen=True)
class Shipped:
    """A model that ships: its fingerprint, how that is worked out, and what it runs and counts with."""

    behaviour: str
    fingerprint: Callable[[], str]
    simulate: Callable[..., Any]
    outcomes_of: Callable[..., Any]
    outcomes: Sequence[Any]

    def is_that_of(self, model: Simulator) -> bool:
        """Whether a simulator runs and counts as this model does."""
        same = model.simulate is self.simulate and model.outcomes_of is self.outcomes_of
        return same and tuple(model.outcomes) == tuple(self.outcomes)


_owners: dict[str, Shipped] = {}
"""The model that each fingerprint was given to, or is derived from."""


def ship(model: Shipped) -> str:
    """Note whom a fingerprint belongs to, and give it back."""
    _owners[model.behaviour] = model
    return model.behaviour


def corrections(model: Simulator) -> dict[str, Any]:
    """What a simulator borrowed and may not keep, by field, with what it must be; nothing for one that is its own.

    Raises:
        StudyError: what its functions do cannot be told, so that it needs a name of its own.
    """
    changes: dict[str, Any] = {}
    owner = _owners.get(model.behaviour)
    if owner is not None and owner.is_that_of(model):
        changes = {"behaviour": owner.behaviour, "fingerprint": owner.fingerprint}
    elif owner is not None:
        derived = OwnBehaviour(owner.fingerprint, model.simulate, model.outcomes_of, tuple(model.outcomes))
        name = derived.derived_from(owner.behaviour)
        _owners[name] = owner
        changes = {"behaviour": name, "fingerprint": derived}
    own = any(shipped.is_that_of(model) for shipped in _owners.values())
    if model.basis.kind == "posterior" and not own and _draws_from_shipped_posterior(model):
        changes |= {"basis": Basis("prior", notice=NOT_FOR_CHANGED), "draw_parameters": prior_draws}
    return changes


def _draws_from_shipped_posterior(model: Simulator) -> bool:
    return model.draw_parameters is registered().draw


@dataclass(frozen=True)
class OwnBehaviour:
    """Works out the fingerprint of a changed model anew, also on another machine: that of the model it changes, and
    what its own functions do.
    """

    shipped: Callable[[], str]
    simulate: Callable[..., Any]
    outcomes_of: Callable[..., Any]
    outcomes: tuple[Any, ...]

    def __call__(self) -> str:
        return self.derived_from(self.shipped())

    def derived_from(self, behaviour: str) -> str:
        """The fingerprint, given that of the model that was changed.

        Raises:
            StudyError: the functions read what cannot be told apart from another of its kind.
        """
        identity = CodeIdentity(known=_known)
        identity.add(self.simulate, self.outcomes_of, self.outcomes)
        if identity.unclear:
            raise StudyError(
                f"this changed model cannot be told from another one: it reads {', '.join(identity.unclear)}",
                'Give it a name of its own, a new one after each change: replace(model, ..., behaviour="mine-1").',
            )
        text = f"{behaviour}\0{identity.digest()}"
        return fingerprint_of_text(text)


def _known(module: str) -> bool:
    """Whether a module is known without looking into it: by a version, or by the shipped model's fingerprint."""
    if known_by_version(module) or module.partition(".")[0] == "passaat":
        return True
    file = getattr(sys.modules.get(module.partition(".")[0]), "__file__", None)
    installed = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    return bool(file) and str(file).startswith(installed)
