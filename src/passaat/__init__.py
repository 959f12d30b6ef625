"""passaat: compare policy options for programmes that help firms enter foreign markets together.

The parts, each a folder at the top of the repository:

- ``passaat.model``        the simulated world: firms, coordinators, liaisons, embassies, agency, clusters
- ``passaat.scenarios``    what a user edits: references, options, policy levers
- ``passaat.calibration``  the evidence, and how the model is held against it
- ``passaat.experiments``  paired comparisons, the study file, tables and figures

Beside them lie the command line, ``passaat.cli``, and what all share: errors, texts, fingerprints, evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from passaat.experiments.design import parameter_source

if TYPE_CHECKING:
    from passaat.model.inputs import RunInputs

__version__ = "0.2.0.dev0"


def _shipped_posterior() -> parameter_source.ParameterSource:
    from passaat.calibration.source import shipped_posterior

    return shipped_posterior()


parameter_source.register(_shipped_posterior)


def batch_parameters(
    inputs: RunInputs | Sequence[RunInputs], *, seeds: Iterable[int], **others: Any
) -> dict[str, list[Any]]:
    """Parameters for Mesa's ``batch_run``, one run for each world seed; see ``passaat.model.engine.programme``."""
    from passaat.model.engine import programme

    return programme.batch_parameters(inputs, seeds=seeds, **others)
