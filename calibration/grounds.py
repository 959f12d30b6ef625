"""What a posterior rests on, said in texts and rounded numbers, and what of it has changed since it was made.

A posterior rests on what went into it and on nothing else: the runs of practice, the priors of the parameters that are
drawn, what evaluators see of a run, the reported figures, its reference, and the code that infers. A lever that
practice leaves alone, a parameter that is fixed, a column in which nobody writes are no part of it: a posterior is as
good as it was when one is added.

The grounds are kept in words beside the sample. When they change, an error can therefore say what changed, from which
value to which, instead of that "something" did.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Protocol

from passaat.calibration.priors import Priors, priors, statement
from passaat.calibration.targets import Figure, figures
from passaat.identity import fingerprint, number_text, text_of

Grounds = Mapping[str, Mapping[str, str]]
"""Part of the grounds, item in it, and the item's value as text."""

INFERENCE_VERSION: Final = 1
"""Version of the code that turns figures and runs into a posterior. Raised by hand with a change that alters the
posterior made of the same runs; a test (``tests/inference_code.json``) asks about every change of that code."""

PARTS: Final = {
    "practice": "the model under the rules of practice",
    "observation": "what evaluators see of a run",
    "priors": "priors",
    "figures": "reported figures",
    "reference": "the reference",
    "inference": "the inference",
    "sample": "the sample",
}
"""Parts of the grounds, and their names for people."""

EXAMPLES: Final = 3
"""Changed items that are named of each part."""

LUCK: Final = (0.1, 0.5, 0.9)
"""Places in the ranges of the observation's unknowns at which runs are looked at."""

_ACTING: Final = ("role", "form", "unit", "reported", "low", "high", "n", "census")
"""Fields of a figure that act on a posterior; its label, its reasons and the names of its rows do not."""


class Reference(Protocol):
    """What is asked of a scenario: its name, and the inputs of a run."""

    @property
    def name(self) -> str: ...
    def inputs(self, parameters: Mapping[str, float] | None = None) -> Any: ...


def grounds(reference: Reference, known: Priors | None = None) -> dict[str, dict[str, str]]:
    """What a posterior for this reference rests on today."""
    drawn = priors() if known is None else known
    return {
        "practice": dict(_practice()),
        "observation": dict(_observation()),
        "priors": statement(drawn.all),
        "figures": figures_statement(figures()),
        "reference": dict(_reference(reference)),
        "inference": {"version": str(INFERENCE_VERSION)},
    }


def fingerprints(of: Grounds) -> dict[str, str]:
    """Sixteen digits for each part of the grounds."""
    return {part: fingerprint(items) for part, items in of.items()}


def changes(stored: Grounds, now: Grounds) -> list[str]:
    """What changed between two grounds, one sentence for each part: from which value to which, examples of many."""
    said = []
    for part in dict.fromkeys([*PARTS, *stored, *now]):
        before, after = stored.get(part, {}), now.get(part, {})
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        if not names:
            continue
        shown = [
            f"{n} was {before.get(n, 'not there')} and is {after.get(n, 'gone')}" for n in names[:EXAMPLES]
        ]
        more = f", and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
        said.append(f"{PARTS.get(part, part)} changed: {'; '.join(shown)}{more}")
    return said


def figures_statement(known: Sequence[Figure]) -> dict[str, str]:
    """Each reported figure by name: all of it that acts on a posterior."""
    return {f.name: text_of({field: getattr(f, field) for field in _ACTING}) for f in known}


@cache
def _practice() -> Mapping[str, str]:
    """Totals of the runs under practice, by run and column."""
    from passaat.model.provenance.golden import practice_runs, run_figures

    return {
        f"{column} ({name})": figure
        for name, run in practice_runs().items()
        for column, figure in run_figures(run).items()
    }


@cache
def _observation() -> Mapping[str, str]:
    """What evaluators see of the runs under practice, at three places of the observation's unknowns."""
    from passaat.calibration.observation import observation_parameters, observe
    from passaat.model.provenance.golden import practice_runs

    seen = {}
    for name, run in practice_runs().items():
        for luck in LUCK:
            unknowns = {record.name: record.at(luck) for record in observation_parameters().values()}
            for what, value in observe(run, unknowns).items():
                seen[f"{what} ({name}, unknowns at {luck:g})"] = number_text(value)
    return seen


def _reference(reference: Reference) -> Iterator[tuple[str, str]]:
    """Item by item: sizes, events, structure, and the levers that do not stay at one value of practice.

    A lever whose practice never changes acts, if it does, in the runs of practice; one that does nothing there is
    not part of the reference.
    """
    from passaat.scenarios.levers import LEVERS

    inputs = reference.inputs()
    yield "name", reference.name
    for name, value in dataclasses.asdict(inputs.size).items():
        yield name, text_of(value)
    first = inputs.size.first_year
    for name, values in inputs.levers.items():
        lever = LEVERS[name]
        practice = [lever.code(lever.default_in(first + year)) for year in range(len(values))]
        if len(set(practice)) > 1 or text_of(values) != text_of(practice):
            yield f"lever {name}", text_of(values)
    for name, value in inputs.parameters.items():
        yield f"parameter {name}", number_text(value)
    for name, value in dataclasses.asdict(inputs.structure).items():
        yield f"structure {name}", value
    for what in ("shocks", "settings", "groups"):
        for number, event in enumerate(getattr(inputs, what)):
            yield f"{what} {number + 1}", text_of(dataclasses.asdict(event))
    for what in ("absent", "random_agents"):
        for kind, index in getattr(inputs, what):
            yield f"{what} {kind}", str(index)
