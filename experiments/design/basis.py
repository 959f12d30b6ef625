"""Where parameter draws come from: the shipped posterior where it applies, the stated ranges where there is none.

Three cases are kept apart. The posterior belongs to the reference: it is used, and where it is out of date, damaged or
edited that is an error, never a reason to go on with something else. There is none for this reference or structure: the
run goes on with prior ranges and says *uncalibrated*, and why, wherever results are shown. Prior ranges were asked for:
they are used without another word.

A study belongs to one basis. Its key is stored with the study, so that runs of posterior draws are never mixed with
runs of prior ones, nor with those of another calibration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from passaat.experiments.design.cells import block_seed
from passaat.experiments.design.parameter_source import Draw, registered

DRAWS_PER_BLOCK: Final = 10
"""Prior draws that are spread evenly together."""

CALIBRATED: Final = ("pib", "pib-next")
"""References that the posterior belongs to: the one it was calibrated to, and the one that shares its parameters. A
copy that says it is based on one of them counts, too."""

WAYS_OUT: Final = (
    'take prior ranges (compare, validate, replicate: --prior; a plan: rest = "prior"; Python: prior=True), or make the'
    " posterior anew: {command}"
)

UNCALIBRATED: Final = "Uncalibrated: "
"""How a notice begins that says why results are uncalibrated though nobody asked for that."""

TO_PRIOR: Final = "parameters are drawn from their prior ranges"

BasisKind = Literal["posterior", "prior", "defaults"]


@dataclass(frozen=True)
class Basis:
    """What parameter draws rest on.

    Attributes:
        kind: posterior or prior; or defaults, where nothing is drawn.
        calibrated_to: title of the programme whose figures the posterior was calibrated to; empty for prior draws.
        sample: fingerprint of the posterior sample that is drawn from; empty for prior draws.
        effective_sample_size: how many independent draws that sample is worth; nan for prior draws.
        provisional: what is provisional about the posterior; empty for a finished one and for prior draws.
        notice: why results are uncalibrated although nobody asked for that; empty otherwise.
    """

    kind: BasisKind
    calibrated_to: str = ""
    sample: str = ""
    effective_sample_size: float = math.nan
    provisional: str = ""
    notice: str = ""

    @property
    def key(self) -> str:
        """What makes a study of these draws another study: the kind, and of a posterior its very sample."""
        fixed = {"prior": "prior ranges", "defaults": "defaults"}
        return fixed.get(self.kind, f"posterior {self.sample}")

    @property
    def uncalibrated(self) -> str:
        """Why results on this basis are not calibrated; empty where they are."""
        asked = {"prior": "prior ranges were asked for", "defaults": "parameters were left at their defaults"}
        return self.notice or asked.get(self.kind, self.provisional)

    def in_words(self, draws: int) -> str:
        """What a reader must know of the draws, for tables and figures."""
        if self.kind == "prior":
            why = self.notice.removeprefix(UNCALIBRATED).partition(";")[0]
            return "prior ranges, uncalibrated" + (f": {why}" if why else "")
        if self.kind == "defaults":
            return "all at their defaults, uncalibrated"
        state = self.provisional or f"calibrated to {self.calibrated_to}"
        taken = "1 draw" if draws == 1 else f"{draws} draws"
        return f"posterior, {state}, {taken}, effective sample size {self.effective_sample_size:,.0f}"


PRIOR: Final = Basis("prior")
DEFAULTS: Final = Basis("defaults")


class Reference(Protocol):
    """What is asked of a reference to tell whether the posterior belongs to it."""

    @property
    def name(self) -> str: ...
    @property
    def based_on(self) -> str: ...
    @property
    def structure(self) -> Any: ...


def basis_for(reference: Reference, *, prior: bool = False) -> tuple[Basis, Draw]:
    """What to draw the parameters of a comparison from, and how.

    The first draws do not depend on how many are asked for. Prior draws are taken when asked for, and with a notice
    where no posterior exists for the reference or its structure.

    Raises:
        EvidenceError: the posterior that belongs to the reference is out of date, damaged or was edited: what changed,
            and from which value to which.
    """
    if prior:
        return PRIOR, prior_draws
    notice = does_not_belong(reference)
    if notice:
        return Basis("prior", notice=notice), prior_draws
    source = registered()
    return source.basis(), source.draw


def prior_draws(n: int, seed: int) -> Sequence[Mapping[str, float]]:
    """Draws from the stated ranges, spread evenly in blocks."""
    from passaat.model.parameters import draw_parameters

    return in_blocks(draw_parameters)(n, seed)


def does_not_belong(reference: Reference) -> str:
    """Why the posterior says nothing about this reference; empty where it does."""
    from passaat.model.inputs import STRUCTURES

    if not {reference.name, reference.based_on} & set(CALIBRATED):
        belongs = " and ".join(CALIBRATED)
        return (
            f"{UNCALIBRATED}the shipped posterior belongs to {belongs}, not to {reference.name}; {TO_PRIOR}."
        )
    rival = [
        f"{switch} = {getattr(reference.structure, switch)}"
        for switch, values in STRUCTURES.items()
        if getattr(reference.structure, switch) != values[0]
    ]
    if rival:
        return (
            f"{UNCALIBRATED}the shipped posterior belongs to the model's own structure, not to"
            f" {', '.join(rival)} as in {reference.name}; {TO_PRIOR}."
        )
    return ""


def in_blocks(draw: Draw) -> Draw:
    """Make draws that can be added to, out of draws that depend on how many were asked for.

    A Latin hypercube spreads n draws evenly, and every draw changes with n. Here each block of ten is a
    Latin hypercube of its own seed (replicated Latin hypercube sampling; McKay, Beckman and Conover 1979,
    Technometrics 21, 239-245, for one block): the first draws stay what they are when more are asked for.
    Draws of one block are slightly more even than independent ones, so Monte Carlo errors that take them as
    independent err on the safe side.
    """

    def drawn(n: int, seed: int) -> Sequence[Mapping[str, float]]:
        blocks = range(-(-n // DRAWS_PER_BLOCK))
        draws = [one for block in blocks for one in draw(DRAWS_PER_BLOCK, block_seed(seed, block))]
        return draws[:n]

    return drawn
