"""What a crew promises: whoever carries runs out, in whatever order, the same results come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from passaat.experiments.analyses.sweep import sweep
from passaat.experiments.design.plan import Plan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.run.crew import Crew, Threads
from passaat.model.inputs import RunInputs
from passaat.testing.promises import require


def check_crew(crew: Crew, simulator: Simulator, plan: Plan) -> None:
    """Try the promises of a crew with a small plan and a simulator that it can reach; a toy will do.

    The crew is used three times.

    Raises:
        AssertionError: names the promise that is broken.
    """

    def answer(by: Crew, with_model: Simulator) -> tuple[bytes, object]:
        found = sweep(plan, simulator=with_model, crew=by)
        return found.values.tobytes(), found.failures

    alone = answer(Threads(1), simulator)
    require(answer(crew, simulator) == alone, "one thread and a crew give the same bits")
    require(answer(crew, simulator) == alone, "a crew that has stopped can be used again")
    failing = replace(simulator, simulate=_Failing(simulator.simulate))
    require(
        answer(crew, failing) == answer(Threads(1), failing),
        "runs that fail are recorded, and the others are there",
    )
    require(crew.in_flight > 0 and crew.runs_per_chunk > 0, "a crew says how much it takes")


class _Failing:
    """A simulator's ``simulate`` that fails in one world of five; it can travel to other processes."""

    def __init__(self, simulate: Callable[[RunInputs, int], Any]) -> None:
        self._simulate = simulate

    def __call__(self, inputs: RunInputs, seed: int) -> Any:
        if seed % 5 == 0:
            raise ValueError("this world fails on purpose")
        return self._simulate(inputs, seed)
