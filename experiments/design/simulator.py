"""The border to the model: what a comparison needs of a simulator, and the one that ships.

Anything that turns inputs and a world seed into a run, and a run into outcomes, can be compared: another
driver, a subclassed model, a toy in a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from passaat.experiments.design import own_model
from passaat.experiments.design.basis import PRIOR, Basis, Reference, basis_for
from passaat.experiments.stats.pairing import Direction
from passaat.identity import fingerprint, number_text
from passaat.model.inputs import RunInputs


class OutcomeLike(Protocol):
    """What is asked of an outcome of the model."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def better(self) -> Direction: ...


@dataclass(frozen=True)
class Simulator:
    """A model as a comparison sees it. ``Any`` is the simulator's own kind of run, which nobody here looks
    into.

    Attributes:
        outcomes: what a run is judged by, in the order of the arrays of ``outcomes_of``.
        simulate: one run of these inputs in the world of this seed; may be called from several threads at
            once.
        outcomes_of: outcomes of a run, given the run of the same world without the programme; nan where an
            outcome does not exist in that world.
        draw_parameters: (n, seed) -> n draws of the uncertain parameters; the first of them do not depend
            on n.
        version: version of the model, for people.
        behaviour: fingerprint that changes when results may change; a study belongs to one. A copy of the shipped model
            with other functions or outcomes gets one of its own, and prior draws (``experiments/design/own_model.py``).
        basis: what ``draw_parameters`` rests on; a study belongs to one of these, too.
        fingerprint: works out ``behaviour`` anew, which other machines do before they take part; None where that
            cannot be asked.
    """

    outcomes: Sequence[OutcomeLike]
    simulate: Callable[[RunInputs, int], Any]
    outcomes_of: Callable[[Any, Any], NDArray[np.float64]]
    draw_parameters: Callable[[int, int], Sequence[Mapping[str, float]]]
    version: str
    behaviour: str
    basis: Basis = PRIOR
    fingerprint: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        for name, value in own_model.corrections(self).items():
            object.__setattr__(self, name, value)


def the_model(reference: Reference, *, prior: bool = False) -> Simulator:
    """The model that ships, compiled, with draws of its parameters for this reference: of the shipped posterior where
    that applies, of the prior ranges otherwise and where ``prior`` asks for them.
    """
    import passaat
    from passaat.model import outcomes
    from passaat.model.engine import compiled, judging

    basis, draw = basis_for(reference, prior=prior)
    shipped = own_model.Shipped(
        behaviour_of_model(), behaviour_of_model, compiled.simulate, judging.outcomes_of, outcomes.OUTCOMES
    )
    return Simulator(
        outcomes=shipped.outcomes,
        simulate=shipped.simulate,
        outcomes_of=shipped.outcomes_of,
        draw_parameters=draw,
        version=passaat.__version__,
        behaviour=own_model.ship(shipped),
        basis=basis,
        fingerprint=shipped.fingerprint,
    )


_OUTCOME_RUNS: Final = ("no programme", "practice", "follow-up")
"""Golden runs, all of one world, whose outcomes enter the fingerprint."""


def behaviour_of_model() -> str:
    """Fingerprint that changes when results of the model may change: its golden runs, and their outcomes.

    The outcomes of golden runs against the one without programme are added, because a run can stay the same
    while what is counted in it changes.
    """
    from passaat.model import outcomes
    from passaat.model.engine import compiled, judging
    from passaat.model.provenance import golden

    runs = {name: compiled.simulate(*golden.golden_inputs()[name]) for name in _OUTCOME_RUNS}
    twin = runs["no programme"]
    names = [outcome.name for outcome in outcomes.OUTCOMES]
    judged = {
        name: dict(zip(names, map(number_text, judging.outcomes_of(run, twin).tolist()), strict=True))
        for name, run in runs.items()
    }
    return fingerprint({"behaviour": golden.behaviour(), "outcomes": judged})
