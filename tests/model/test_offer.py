"""Money matters to those who ask for it, and a programme that can grant nothing is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passaat.model.engine.compiled import simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.offer import drawn_by, expected, share_started
from passaat.model.outcomes import OUTCOME_NAMES
from passaat.model.parameter_table import Parameters
from passaat.model.parameters import PARAMETERS, default_parameters
from passaat.scenarios.levers import LeverSetting
from passaat.scenarios.scenario import Scenario

P = Parameters(**default_parameters())

NOTHING: dict[str, dict[str, LeverSetting]] = {
    "no programme": {"programme_on": False},
    "a threshold above all points": {"selection_threshold_points": 101},
    "an amount of nothing": {"covenant_amount_eur": 0},
    "no budget": {"programme_budget_eur_year": 0},
    "no budget for support either": {
        "programme_budget_eur_year": 0,
        "sme_fee_support_share": 0.5,
        "follow_up_years": 2,
        "follow_up_eur_per_firm_year": 3000,
    },
}
"""Ways of granting nothing."""

shares = st.floats(0.0, 1.0)
amounts = st.floats(0.0, 6.0)
counts = st.integers(0, 300)


def outcomes(policy: Scenario, seed: int, **parameters: float) -> dict[str, float]:
    run = simulate(policy.inputs(parameters), seed)
    twin = simulate(policy.without_programme().inputs(parameters), seed)
    return dict(zip(OUTCOME_NAMES, outcomes_of(run, twin).tolist(), strict=True))


@pytest.mark.parametrize("way", NOTHING)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_programme_that_grants_nothing_is_no_programme(pib: Scenario, way: str, seed: int) -> None:
    """Exports of every firm in every year are those of the twin, to the bit, and no public money is spent."""
    policy = pib.with_levers(NOTHING[way])
    for parameters in ({}, {"support_elasticity": 1.0, "join_support": 1.5, "waiting_discount": 0.3}):
        run = simulate(policy.inputs(parameters), seed)
        twin = simulate(policy.without_programme().inputs(parameters), seed)
        assert np.array_equal(run.world.exports_by_year_cents, twin.world.exports_by_year_cents)
        found = outcomes(policy, seed, **parameters)
        spent = {name: value for name, value in found.items() if "public_cost" in name}
        assert len(spent) == 7
        assert set(spent.values()) == {0.0}
        assert found["applications"] == 0.0


def test_support_on_top_of_an_amount_of_nothing_is_something(pib: Scenario) -> None:
    policy = pib.with_levers({"covenant_amount_eur": 0, "coordinator_public_share": 0.5})
    assert outcomes(policy, 1)["covenants"] > 0.0


@given(applications=counts, refused=shares, amount=amounts, calls=st.integers(1, 4))
def test_expected_support_is_something_between_nothing_and_twice_the_ordinary_one(
    applications: int, refused: float, amount: float, calls: int
) -> None:
    support = expected(P, applications, refused * applications, amount, calls)
    assert 0.0 <= support <= 2.0
    assert (support == 0.0) == (amount == 0.0)


@given(applications=counts, refused=shares, amount=amounts, discount=shares)
def test_expected_support_rises_with_money_and_calls_and_falls_with_refusals(
    applications: int, refused: float, amount: float, discount: float
) -> None:
    p = P._replace(waiting_discount=discount)
    rejections = refused * applications
    here = expected(p, applications, rejections, amount, 2.0)
    assert expected(p, applications, rejections, amount + 0.5, 2.0) > here
    assert expected(p, applications, rejections, amount, 4.0) >= here
    assert expected(p, applications + 5, rejections + 5.0, amount, 2.0) <= here


def test_waiting_costs_nothing_where_it_is_not_felt() -> None:
    assert expected(P._replace(waiting_discount=0.0), 10.0, 1.0, 1.0, 1.0) == expected(P, 10.0, 1.0, 1.0, 4.0)


@given(support=st.floats(1e-6, 2.0), elasticity=shares)
def test_groups_start_as_ordinary_where_demand_ignores_support_and_as_without_programme_at_none(
    support: float, elasticity: float
) -> None:
    assert share_started(P._replace(support_elasticity=0.0), support) == 1.0
    felt = P._replace(support_elasticity=elasticity)
    assert share_started(felt, 1.0) == 1.0
    assert share_started(felt, 0.0) == pytest.approx(P.informal_group_share)
    assert drawn_by(felt, 0.0) == 0.0
    assert share_started(felt, support) <= share_started(felt, 2.0 * support) + 1e-12


def applications_in_the_mean(policy: Scenario, **parameters: float) -> float:
    return float(np.mean([outcomes(policy, seed, **parameters)["applications"] for seed in range(12)]))


@pytest.mark.parametrize("channel", ["support_elasticity", "join_support"])
def test_more_money_draws_more_applications_and_ignored_money_none(pib: Scenario, channel: str) -> None:
    def by_amount(**parameters: float) -> list[float]:
        return [
            applications_in_the_mean(pib.with_levers({"covenant_amount_eur": amount}), **parameters)
            for amount in (100_000, 350_000, 2_000_000)
        ]

    least, usual, most = by_amount(**{channel: PARAMETERS[channel].maximum})
    assert least < usual < most
    assert max(ignored := by_amount()) - min(ignored) < 0.1 * min(ignored)


def test_longer_waiting_draws_no_more_applications(pib: Scenario) -> None:
    felt = {"support_elasticity": 1.0, "waiting_discount": 0.3}
    once, at_once = (
        applications_in_the_mean(pib.with_levers({"selection_calls_per_year": calls}), **felt)
        for calls in (1, 4)
    )
    assert once < at_once
