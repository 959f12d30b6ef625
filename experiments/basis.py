"""Where parameter draws come from: the shipped posterior where it applies, the stated ranges where it does not.

A study belongs to one basis. Its key is stored with the study, so that runs of posterior draws are never mixed with
runs of prior ones, nor with those of another calibration.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from passaat.errors import EvidenceError
from passaat.experiments.design import block_seed

DRAWS_PER_BLOCK: Final = 10
"""Prior draws that are spread evenly together."""

CALIBRATED: Final = ("pib", "pib-next")
"""References that the posterior belongs to: the one it was calibrated to, and the one that shares its parameters. A
copy that says it is based on one of them counts, too."""

WAY_OUT: Final = "`passaat calibrate` makes a new one, `--prior` asks for prior ranges and silences this"

TO_PRIOR: Final = "parameters are drawn from their prior ranges, uncalibrated"

Draw = Callable[[int, int], Sequence[Mapping[str, float]]]
"""(n, seed) -> n draws of all uncertain parameters."""


@dataclass(frozen=True)
class Basis:
    """What parameter draws rest on.

    Attributes:
        kind: posterior or prior; or defaults, where nothing is drawn.
        calibrated_to: title of the programme whose figures the posterior was calibrated to; empty for prior draws.
        sample: fingerprint of the posterior sample that is drawn from; empty for prior draws.
        effective_sample_size: how many independent draws that sample is worth; nan for prior draws.
        provisional: what is provisional about the posterior; empty for a finished one and for prior draws.
        notice: why prior draws are used although the posterior was asked for; empty otherwise.
    """

    kind: Literal["posterior", "prior", "defaults"]
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

    def in_words(self, draws: int) -> str:
        """What a reader must know of the draws, for tables and figures."""
        if self.kind == "prior":
            return "prior ranges, uncalibrated"
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
    where the posterior does not belong to the reference, cannot be read or is out of date.
    """
    if prior:
        return PRIOR, prior_draws
    notice = does_not_belong(reference)
    if not notice:
        try:
            found = _shipped()
        except EvidenceError as error:
            notice = (
                f"The shipped posterior cannot be used ({'; '.join(error.problems)}): {TO_PRIOR} ({WAY_OUT})."
            )
        else:
            if isinstance(found, Basis):
                from passaat.calibration.posterior import posterior_draws

                return found, posterior_draws
            notice = found
    return Basis("prior", notice=notice), prior_draws


def prior_draws(n: int, seed: int) -> Sequence[Mapping[str, float]]:
    """Draws from the stated ranges, spread evenly in blocks."""
    from passaat.model.parameters import draw_parameters

    return in_blocks(draw_parameters)(n, seed)


def does_not_belong(reference: Reference) -> str:
    """Why the posterior says nothing about this reference; empty where it does."""
    from passaat.model.inputs import STRUCTURES

    if not {reference.name, reference.based_on} & set(CALIBRATED):
        return f"The shipped posterior belongs to {' and '.join(CALIBRATED)}, not to {reference.name}: {TO_PRIOR}."
    rival = [
        f"{switch} = {getattr(reference.structure, switch)}"
        for switch, values in STRUCTURES.items()
        if getattr(reference.structure, switch) != values[0]
    ]
    if rival:
        return (
            "The shipped posterior belongs to the model's own structure, not to"
            f" {', '.join(rival)} as in {reference.name}: {TO_PRIOR}."
        )
    return ""


def _shipped() -> Basis | str:
    """The shipped posterior, or one sentence on why it is out of date.

    Raises:
        EvidenceError: it cannot be read.
    """
    from passaat.calibration import posterior
    from passaat.scenarios.loading import load_scenario

    made = posterior.shipped()
    stored = made.get("fingerprints", {})
    changed = [what for what, now in posterior.fingerprints().items() if stored.get(what) != now]
    if changed:
        return (
            f"The shipped posterior is out of date, because {_listed(changed)} changed since it was made:"
            f" {TO_PRIOR} ({WAY_OUT})."
        )
    sample = posterior.shipped_sample()
    digest = hashlib.blake2b(sample.weights.tobytes() + sample.values.tobytes(), digest_size=8)
    return Basis(
        "posterior",
        calibrated_to=load_scenario(made["reference"]).title,
        sample=digest.hexdigest(),
        effective_sample_size=min(
            float(made["effective_sample_size"]), 1.0 / float((sample.weights**2).sum())
        ),
        provisional=str(made.get("status", "provisional")) if made.get("provisional") else "",
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


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
