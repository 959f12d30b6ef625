"""The shipped posterior as a source of draws, as long as it belongs to the model, evidence and sample as they are."""

from __future__ import annotations

from passaat.calibration import posterior
from passaat.errors import EvidenceError, command
from passaat.experiments.design.basis import WAYS_OUT, Basis
from passaat.experiments.design.parameter_source import ParameterSource
from passaat.scenarios.loading import load_scenario


def shipped_basis() -> Basis:
    """The shipped posterior as a basis.

    Raises:
        EvidenceError: it cannot be read, or does not belong to the model, evidence and sample as they are.
    """
    anew = command("passaat", "calibrate", "pib", "--proof", "--out", posterior.FOLDER)
    hint = WAYS_OUT.format(command=anew)
    try:
        made = posterior.shipped()
        changed = posterior.stale(made)
        sample = posterior.shipped_sample()
        digest = posterior.shipped_digest()
    except EvidenceError as error:
        raise EvidenceError(
            [f"the shipped posterior is damaged: {one}" for one in error.problems], hint
        ) from None
    if changed:
        raise EvidenceError(
            [f"the shipped posterior does not belong to what is here: {one}" for one in changed], hint
        )
    return Basis(
        "posterior",
        calibrated_to=load_scenario(made["reference"]).title,
        sample=digest,
        effective_sample_size=min(
            float(made["effective_sample_size"]), 1.0 / float((sample.weights**2).sum())
        ),
        provisional=str(made.get("status", "provisional")) if made.get("provisional") else "",
    )


def shipped_posterior() -> ParameterSource:
    """The posterior that ships."""
    return ParameterSource(shipped_basis, posterior.posterior_draws)
