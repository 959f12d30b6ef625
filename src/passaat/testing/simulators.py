"""What a simulator promises to whoever compares policies with it."""

from __future__ import annotations

import numpy as np

from passaat.experiments.design.policies import Policy
from passaat.experiments.design.simulator import Simulator
from passaat.testing.promises import require


def check_simulator(simulator: Simulator, policy: Policy, *, seed: int = 1, draws: int = 3) -> None:
    """Try the promises of a simulator on one policy.

    Raises:
        AssertionError: names the promise that is broken.
    """
    few, more = simulator.draw_parameters(draws, seed), simulator.draw_parameters(draws + 2, seed)
    require(len(few) == draws, "as many draws come as were asked for")
    require(
        [dict(one) for one in few] == [dict(one) for one in more[:draws]],
        "the first draws do not hang on how many",
    )
    names = [outcome.name for outcome in simulator.outcomes]
    require(len(set(names)) == len(names) > 0, "outcomes have names, each its own")
    inputs = policy.inputs(few[0])
    run, again = simulator.simulate(inputs, seed), simulator.simulate(inputs, seed)
    values, repeated = (np.asarray(simulator.outcomes_of(one, run), dtype=np.float64) for one in (run, again))
    require(values.shape == (len(names),), "a run has one number for each outcome")
    require(values.tobytes() == repeated.tobytes(), "the same inputs and seed give the same outcomes")
    require(bool(simulator.version and simulator.behaviour), "version and behaviour are said")
