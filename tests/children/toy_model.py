"""A toy model and plans of sweeps for processes that tests start: imported by its name, so that a worker elsewhere
finds the same functions. ``PASSAAT_TOY_PAUSE`` makes every run take so many seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from passaat.experiments.design.factors import Factor, counted_factor, factor_of
from passaat.experiments.design.plan import Luck, Method, Plan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.stats.pairing import Direction
from passaat.model.inputs import RunInputs
from passaat.scenarios.loading import load_scenario

PAUSE = float(os.environ.get("PASSAAT_TOY_PAUSE", "0"))


@dataclass(frozen=True)
class ToyOutcome:
    name: str
    unit: str
    meaning: str
    better: Direction


OUTCOMES = (
    ToyOutcome("effect_eur", "EUR", "what the programme adds", "higher"),
    ToyOutcome("cost_eur", "EUR", "what it costs", "lower"),
    ToyOutcome("luck_share", "share", "luck of the world, the same under every policy", "neither"),
    ToyOutcome("quarters_to_first", "quarters", "missing in unlucky worlds", "lower"),
)


def simulate(inputs: RunInputs, world_seed: int) -> dict[str, float]:
    """Sums and products of levers, parameters and luck, in which every lever and parameter leaves its trace."""
    if PAUSE:
        time.sleep(PAUSE)
    luck = float(np.random.default_rng(world_seed).random())
    year = inputs.size.window_first_year - inputs.size.first_year
    levers = sum(
        (place + 1) * float(np.sin(values[year:]).sum())
        for place, (_, values) in enumerate(sorted(inputs.levers.items()))
    )
    parameters = sum(
        (place + 1) * float(np.cos(value))
        for place, (_, value) in enumerate(sorted(inputs.parameters.items()))
    )
    on = float(inputs.levers["programme_on"][year])
    return {"levers": levers, "parameters": parameters, "luck": luck, "on": on}


def outcomes_of(run: Mapping[str, float], twin: Mapping[str, float] | None) -> NDArray[np.float64]:
    against = 0.0 if twin is None else twin["levers"] * twin["luck"]
    effect = 1e6 * (run["levers"] * run["luck"] - against) + 1e-3 * run["parameters"]
    cost = run["on"] * (1.0 + run["parameters"] ** 2)
    return np.array(
        [effect, cost, run["luck"], np.nan if run["luck"] < 0.3 else 40.0 * run["luck"]], dtype=np.float64
    )


def draw_parameters(n: int, seed: int) -> Sequence[Mapping[str, float]]:
    return [
        {
            "support_gain": 0.2 + float(np.random.default_rng((seed, i)).random()),
            "another": float(np.random.default_rng((seed, i, 1)).normal()),
        }
        for i in range(n)
    ]


def behaviour() -> str:
    """What this model calls itself; another one where the environment says so, as on a wrongly installed worker."""
    return os.environ.get("PASSAAT_TOY_BEHAVIOUR", "toy")


SIMULATOR = Simulator(
    outcomes=OUTCOMES,
    simulate=simulate,
    outcomes_of=outcomes_of,
    draw_parameters=draw_parameters,
    version="0.0-toy",
    behaviour="toy",
    fingerprint=behaviour,
)


def simulate_dying(inputs: RunInputs, world_seed: int) -> dict[str, float]:
    """A run that takes its process with it at the largest amounts: the top fortieth of the range of ``levers``."""
    if inputs.levers["covenant_amount_eur"][-1] > 492_500.0 and inputs.levers["programme_on"][-1] == 1.0:
        os._exit(9)
    return simulate(inputs, world_seed)


def levers() -> tuple[Factor, ...]:
    return (
        factor_of("covenant_amount_eur", {"low": 200_000, "high": 500_000}),
        factor_of("follow_up_years", [0, 2, 4]),
        factor_of("selection_criteria"),
    )


def a_plan(
    size: int = 12,
    *,
    options: Sequence[str] = ("go-no-go",),
    worlds: int = 3,
    draws: int = 4,
    luck: Luck = "common",
    method: Method = "latin-hypercube",
    block: int | None = None,
    seed: int = 1,
) -> Plan:
    """Three levers, an uncertain parameter and, above one, draws: a small sweep of any method but list."""
    factors = [*levers(), factor_of("support_gain", [0.3, 0.6, 0.9])]
    if draws > 1:
        factors.append(counted_factor("draw", draws))
    if luck == "factor":
        factors.append(counted_factor("luck", worlds))
    plan = Plan(
        name="toy-sweep",
        question="What does the toy say?",
        reference=load_scenario("pib", "reference"),
        options=tuple(load_scenario(name, "option") for name in options),
        factors=tuple(factors),
        method="latin-hypercube",
        size=size,
        block=block or size,
        worlds=worlds,
        luck=luck,
        rest="prior",
        draws=draws,
        seed=seed,
    )
    if method == "factorial":
        levels = tuple(factor.categories or (factor.at(0.0), factor.at(1.0)) for factor in plan.factors)
        return replace(
            plan, method="factorial", levels=levels, size=int(np.prod([len(one) for one in levels]))
        )
    return replace(plan, method=method)
