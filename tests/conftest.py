"""A toy simulator with a known answer, for tests of what is done with runs rather than of the model
itself; and small worlds, for tests of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from passaat.experiments.design.simulator import Simulator
from passaat.experiments.stats.pairing import Direction
from passaat.model.engine.compiled import Run
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.provenance.golden import SMALL_WORLD
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario
from passaat.testing.drivers import differing as columns_that_differ


@dataclass(frozen=True)
class ToyOutcome:
    name: str
    unit: str
    meaning: str
    better: Direction


TOY_OUTCOMES = (
    ToyOutcome("covenants", "covenants", "covenants started", "neither"),
    ToyOutcome("firms_with_contacts", "firms", "firms with at least one contact", "higher"),
    ToyOutcome("relations", "relations", "relations", "higher"),
    ToyOutcome("partnerships", "partnerships", "partnerships", "higher"),
    ToyOutcome("firms_with_contract", "firms", "firms with a first contract", "higher"),
    ToyOutcome("contracts", "contracts", "first contracts", "higher"),
    ToyOutcome("exports_members_eur", "EUR", "exports by members", "higher"),
    ToyOutcome("additional_exports_net_eur", "EUR", "exports the programme adds, net", "higher"),
    ToyOutcome("additional_exports_smes_eur", "EUR", "exports the programme adds, by SMEs", "higher"),
    ToyOutcome("net_exports_per_public_euro", "ratio", "net additional exports per public euro", "higher"),
    ToyOutcome("public_cost_eur", "EUR", "public cost", "lower"),
    ToyOutcome("quarters_to_first_contract", "quarters", "time to the first contract", "lower"),
)


def toy_simulate(inputs: RunInputs, world_seed: int) -> dict[str, float]:
    """Firms of equal luck in every policy; a higher threshold starts fewer but better covenants.

    cost = covenants x amount + follow-up; contracts = share of relations, larger with follow-up and with
    ``gain``.
    """
    luck = np.random.default_rng(world_seed).lognormal(0.0, 0.3, 4)
    year = inputs.size.window_first_year - inputs.size.first_year
    policy = {name: float(values[year]) for name, values in inputs.levers.items()}
    gain = inputs.parameters["gain"]
    strict = (policy["selection_threshold_points"] - 55.0) / 100.0
    covenants = policy["programme_on"] * np.floor(50.0 * luck[0] * (1.0 - 2.0 * strict))
    money = policy["covenant_amount_eur"] / 350_000.0
    contacts = 400.0 * luck[1] + 6.0 * covenants * money
    relations = 0.5 * contacts
    partnerships = 0.2 * relations * (1.0 + strict)
    supported = gain * policy["follow_up_years"] * policy["programme_on"]
    contracts = 0.3 * partnerships * luck[2] * (1.0 + 0.1 * supported)
    exports = contracts * 400_000.0 * luck[3]
    return {
        "covenants": covenants,
        "firms_with_contacts": contacts,
        "relations": relations,
        "partnerships": partnerships,
        "firms_with_contract": contracts,
        "contracts": contracts,
        "exports_members_eur": exports,
        "public_cost_eur": covenants * (policy["covenant_amount_eur"] + 30_000.0 * policy["follow_up_years"]),
        "quarters_to_first_contract": 12.0 if contracts > 5.0 else np.nan,
    }


def toy_outcomes_of(run: dict[str, float], twin: dict[str, float] | None) -> NDArray[np.float64]:
    added = np.nan if twin is None else run["exports_members_eur"] - twin["exports_members_eur"]
    cost = run["public_cost_eur"]
    full = {
        **run,
        "additional_exports_net_eur": added,
        "additional_exports_smes_eur": 0.6 * added,
        "net_exports_per_public_euro": added / cost if cost else np.nan,
    }
    return np.array([full[outcome.name] for outcome in TOY_OUTCOMES])


def toy_draw_parameters(n: int, seed: int) -> Sequence[Mapping[str, float]]:
    return [{"gain": float(np.random.default_rng((seed, i)).normal(0.5, 0.5))} for i in range(n)]


@pytest.fixture(scope="session")
def toy() -> Simulator:
    """A simulator that takes a few microseconds and knows every lever the named options move in spirit."""
    return Simulator(
        outcomes=TOY_OUTCOMES,
        simulate=toy_simulate,
        outcomes_of=toy_outcomes_of,
        draw_parameters=toy_draw_parameters,
        version="0.0-toy",
        behaviour="toy",
    )


@pytest.fixture(scope="session")
def pib() -> Scenario:
    """The reference world of the shipped comparison."""
    return load_scenario("pib", "reference")


@pytest.fixture(scope="session")
def two_options() -> list[Scenario]:
    """One option that saves money and one that spends more."""
    return [load_scenario("stricter-selection", "option"), load_scenario("follow-up", "option")]


# --- small runs of the model itself -------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tiny() -> WorldSize:
    """A world so small that the Mesa driver runs it in a quarter of a second, in which covenants still
    form.
    """
    return replace(
        SMALL_WORLD, n_firms=120, n_sectors=3, n_markets=9, sector_weights=(3.0, 2.0, 1.0), last_year=2021
    )


@pytest.fixture(scope="session")
def differing() -> Callable[[Run, Run], list[str]]:
    """Function that names every column in which two runs differ in any bit."""
    return columns_that_differ
