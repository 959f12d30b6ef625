"""From a scenario to what one run of the model is given."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from passaat.model.inputs import RunInputs, Structure, WorldSize
from passaat.model.shocks import ShockEvent
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.parts import Shock, World

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario

__all__ = ["run_inputs"]


def run_inputs(scenario: Scenario, parameters: Mapping[str, float]) -> RunInputs:
    """The inputs of a run of `scenario` under one draw of parameters.

    Parameters
    ----------
    scenario : a reference, or a reference with options applied.
    parameters : values by name; those the scenario fixes itself win, those left out are at their default.

    Raises
    ------
    ScenarioError : the scenario is an option and has no world.
    """
    world = scenario.the_world
    rows = [scenario.levers_in(year) for year in world.years]
    levers = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in LEVERS}
    return RunInputs(
        size=_size(world),
        levers=MappingProxyType(levers),
        parameters=MappingProxyType({**parameters, **scenario.parameters}),
        shocks=tuple(_event(shock, 4 * world.first_year) for shock in scenario.shocks),
        absent=tuple(_agent(text) for text in scenario.agents.absent),
        random_agents=tuple(_agent(text) for text in scenario.agents.random),
        structure=Structure(**scenario.structure.model_dump()),
    )


def _size(world: World) -> WorldSize:
    fields = {name: getattr(world, name) for name in World.model_fields if name != "sector_weights"}
    return WorldSize(**fields, n_sectors=world.n_sectors, sector_weights=tuple(world.sector_weights.values()))


def _event(shock: Shock, first_quarter_of_run: int) -> ShockEvent:
    return ShockEvent(
        kind=shock.kind,
        country=-1 if shock.country == "all" else shock.country,
        first_quarter=shock.first_quarter - first_quarter_of_run,
        last_quarter=shock.last_quarter - first_quarter_of_run,
        strength=shock.strength,
    )


def _agent(text: str) -> tuple[str, int]:
    kind, _, index = text.partition(":")
    return kind, int(index)
