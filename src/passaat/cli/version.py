"""Fingerprints of the model that ships and of its posterior, for a report of a fault."""

from __future__ import annotations

from typing import Final

from passaat.provenance import or_why_not

NOT_COMPILED: Final = "not compiled yet: `passaat run pib` compiles the model, then ask again"


def fingerprints() -> dict[str, str]:
    """Fingerprints of the model that ships and of its posterior; those that need runs only where it is compiled.

    Whatever goes wrong is said in place of the fingerprint: a report of a fault must not fail for that fault.
    """
    from passaat.model.engine import ready

    found = {"driver": or_why_not(_driver)}
    for name, work in (
        ("behaviour", _behaviour),
        ("posterior", _posterior),
        ("posterior rests on", _rests_on),
    ):
        found[name] = or_why_not(work) if ready.is_compiled() else NOT_COMPILED
    return found


def _driver() -> str:
    """Of the sources that are compiled, and what compiles them."""
    from passaat.model import schedule
    from passaat.model.engine import compiled

    return compiled.fingerprint(schedule.QUARTER)


def _behaviour() -> str:
    """Of the model's results."""
    from passaat.experiments.design.simulator import behaviour_of_model

    return behaviour_of_model()


def _posterior() -> str:
    """Of the sample that parameters are drawn from, or why they are not."""
    from passaat.calibration.posterior import NAME
    from passaat.experiments.design.basis import basis_for
    from passaat.scenarios.loading import load_scenario

    basis, _ = basis_for(load_scenario(NAME))
    return basis.sample or basis.notice


def _rests_on() -> str:
    """Of all that a posterior depends on, as it is here and now."""
    from passaat.calibration.grounds import fingerprints
    from passaat.calibration.posterior import shipped_grounds

    return ", ".join(f"{what} {value}" for what, value in fingerprints(shipped_grounds()).items())
