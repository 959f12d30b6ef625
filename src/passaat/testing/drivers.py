"""What a driver promises: whatever runs the rules, the same inputs and seed give the same bits."""

from __future__ import annotations

import copy
from collections.abc import Callable

from passaat.errors import ModelError
from passaat.model.engine.compiled import Run, simulate
from passaat.model.inputs import RunInputs
from passaat.model.provenance.golden import columns_of
from passaat.testing.promises import require

Driver = Callable[[RunInputs, int], Run]
"""Inputs and a world seed to a finished run."""


def check_driver(driver: Driver, inputs: RunInputs, *, seeds: tuple[int, int] = (1, 2)) -> None:
    """Try the promises of a driver on small inputs; each seed is run twice.

    Raises:
        AssertionError: names the promise that is broken, and the columns in which runs differ.
    """
    before = copy.deepcopy(inputs)
    one, other = (driver(inputs, seed) for seed in seeds)
    require(
        not differing(one, driver(inputs, seeds[0])),
        "the same seed gives the same bits, whatever ran between",
    )
    require(bool(differing(one, other)), "another seed is another world")
    require(_text(inputs) == _text(before), "inputs stay as they were given")
    require(one.inputs is inputs and one.seed == seeds[0], "a run says what it was given")
    require(
        int(one.world.calendar.quarter[0]) >= inputs.size.n_quarters - 1, "a run goes to its last quarter"
    )
    ours = differing(one, simulate(inputs, seeds[0]))
    require(
        not ours, f"every driver gives the bits of the compiled one; these columns differ: {', '.join(ours)}"
    )
    try:
        driver(inputs, -1)
    except ModelError:
        return
    raise AssertionError("broken: a seed below zero is refused")


def differing(one: Run, other: Run) -> list[str]:
    """Names of the columns in which two runs differ in any bit."""
    mine, theirs = dict(columns_of(one)), dict(columns_of(other))
    names = [name for name in mine if name in theirs and mine[name].tobytes() != theirs[name].tobytes()]
    return names + sorted(mine.keys() ^ theirs.keys())


def _text(inputs: RunInputs) -> str:
    levers = {name: values.tolist() for name, values in inputs.levers.items()}
    rest = {name: value for name, value in vars(inputs).items() if name not in ("levers", "parameters")}
    return repr((sorted(levers.items()), sorted(inputs.parameters.items()), sorted(rest.items())))
