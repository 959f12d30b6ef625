"""Time in the world: what may fade does, and the world without programme stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.engine.programme import Programme
from passaat.model.firm import attention_since, lasting
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.outcomes import OUTCOMES
from passaat.model.parameter_table import Parameters
from passaat.model.parameters import PARAMETERS, default_parameters
from passaat.model.provenance.golden import golden_inputs, small_inputs, without_programme
from passaat.model.status import LOOKS_AGAIN, STAYS_OUT
from passaat.scenarios.scenario import Scenario

P = Parameters(**default_parameters())

NO_EFFECT = {
    "past_years": 0.0,
    "second_look_share": 0.0,
    "first_order_share": 1.0,
    "survivor_growth": 0.0,
    "repeat_by_age": 0.0,
    "repeat_by_value": 0.0,
    "knowledge_by_trade": 0.0,
    "attention_fade": 0.0,
    "knowledge_fade": 0.0,
    "permit_fade": 0.0,
    "barrier_return": 0.0,
    "branch_closes_share": 0.0,
    "trade_takes_capacity": 0.0,
    "contract_size_tilt": 0.0,
}
"""What each channel of time is without any effect."""

FAR_OUT = {
    name: PARAMETERS[name].minimum if PARAMETERS[name].minimum != value else PARAMETERS[name].maximum
    for name, value in NO_EFFECT.items()
}
"""The other end of each range."""

ENTERING = {"own_contact_rate": 0.12, "second_look_share": 1.0, "branch_closes_share": 1.0}
"""Firms that find markets on their own as often as the range allows, and no branch that outlives its customers."""

Differing = Callable[[Run, Run], list[str]]


def with_parameters(inputs: RunInputs, **values: float) -> RunInputs:
    return replace(inputs, parameters={**inputs.parameters, **values})


# --- channels, as arithmetic ------------------------------------------------------------------------------------------


def test_every_channel_of_time_has_its_value_of_no_effect_within_its_range() -> None:
    outside = [n for n, v in NO_EFFECT.items() if not PARAMETERS[n].minimum <= v <= PARAMETERS[n].maximum]
    assert outside == []
    assert all(FAR_OUT[name] != value for name, value in NO_EFFECT.items())


@given(held=st.floats(0.0, 1.0), quarters=st.floats(0.0, 80.0))
def test_attention_that_does_not_fade_is_what_it_was_when_the_covenant_ended(
    held: float, quarters: float
) -> None:
    unfading = P._replace(attention_fade=0.0)
    assert attention_since(unfading, held, quarters) == attention_since(unfading, held, 0.0)


def test_attention_halves_its_distance_to_that_of_a_firm_alone_in_each_half_life() -> None:
    p = P._replace(attention_fade=np.log(2.0) / 6.0, attention_after_covenant=0.8, attention_alone=0.4)
    quarters = (0.0, 6.0, 12.0, 600.0)
    assert [attention_since(p, 0.0, quarter) for quarter in quarters] == pytest.approx([0.8, 0.6, 0.5, 0.4])


@given(chance=st.floats(0.0, 0.9), years=st.floats(0.25, 60.0), yearly_eur=st.floats(0.0, 1e9))
def test_survival_that_knows_neither_age_nor_size_is_the_chance_of_a_new_relation(
    chance: float, years: float, yearly_eur: float
) -> None:
    assert lasting(P._replace(repeat_by_age=0.0, repeat_by_value=0.0), chance, years, yearly_eur) == chance


@given(
    chance=st.floats(0.0, 0.98),
    years=st.floats(0.25, 30.0),
    yearly_eur=st.floats(0.0, 1e7),
    by_age=st.floats(0.0, 1.0),
    by_value=st.floats(0.0, 1.0),
)
def test_old_and_large_relations_last_longer_and_none_for_certain(
    chance: float, years: float, yearly_eur: float, by_age: float, by_value: float
) -> None:
    p = P._replace(repeat_by_age=by_age, repeat_by_value=by_value)
    now = lasting(p, chance, years, yearly_eur)
    assert chance <= now <= max(chance, p.repeat_highest) + 1e-12
    assert lasting(p, chance, years + 5.0, yearly_eur) >= now - 1e-12
    assert lasting(p, chance, years, yearly_eur + 1e6) >= now - 1e-12


# --- the past ---------------------------------------------------------------------------------------------------------


def test_both_drivers_live_the_same_past_with_all_channels_open(
    tiny: WorldSize, differing: Differing
) -> None:
    inputs = with_parameters(small_inputs(size=tiny), **{**FAR_OUT, "past_years": 3.0})
    compiled = simulate(inputs, 5)
    assert compiled.world.agency.applications[0] > 0, "nothing happened in this world"
    assert differing(compiled, Programme(inputs, 5).run().result()) == []


def test_what_happened_in_the_past_is_not_counted(tiny: WorldSize) -> None:
    lived = Programme(with_parameters(small_inputs(size=tiny), past_years=10.0), 5)
    engagements = lived.world.engagements
    assert lived.quarter == 0
    assert lived.world.calendar.quarter[0] == 0
    assert min(engagements.selling_since_quarter) < -8, "nobody sold in the past"
    lived.step()
    deals = sum(engagements.contracts) + sum(engagements.steps_full) + sum(engagements.steps_lapsed)
    assert deals < len(engagements.key) / 10
    assert max(lived.world.agency.applications) == 0


def test_no_group_forms_and_no_money_is_spent_in_the_past(tiny: WorldSize) -> None:
    lived = Programme(with_parameters(small_inputs(size=tiny), past_years=10.0), 5)
    assert lived.clusters == []
    assert lived.world.agency.paid_cents[0] == 0
    assert lived.world.agency.budget_left_cents[0] == 0


def test_the_past_forgets_how_it_began(pib: Scenario) -> None:
    """With a long past, the number of sellers in the first year hardly depends on the state from which it set out."""

    def sellers(past_years: float, share: float) -> float:
        set_out = {"past_years": past_years, "already_active_share": share}
        parameters = {**ENTERING, "knowledge_fade": 0.05, "knowledge_by_trade": 0.1, **set_out}
        runs = [simulate(without_programme(pib.inputs(parameters)), seed) for seed in range(6)]
        return float(np.mean([np.sum(run.world.exports_by_year_cents[:, 0] > 0) for run in runs]))

    at_once = sellers(0.0, 0.75) / sellers(0.0, 0.25)
    later = sellers(30.0, 0.75) / sellers(30.0, 0.25)
    assert at_once > 2.0
    assert later < 1.1


def _without_programme(pib: Scenario, worlds: int, **parameters: float) -> Iterator[NDArray[np.int64]]:
    """Exports by engagement and year in worlds that never had a programme, in markets that do not grow."""
    still = {"market_growth_mean": 0.0, "market_growth_sd": 0.005, **parameters}
    for seed in range(worlds):
        yield simulate(without_programme(pib.inputs(still)), seed).world.exports_by_year_cents


def test_the_world_without_programme_stands_still_behind_a_past(pib: Scenario) -> None:
    """Number of trade relations and value of exports at the end are within a tenth of those at the start, in the mean.

    Nothing is solved for balance: the start is what the same rules brought about. Without a past both fall by half.
    """

    def at_the_end(**parameters: float) -> tuple[float, float]:
        runs = list(_without_programme(pib, 60, **ENTERING, **parameters))
        sellers = np.mean([(run > 0).sum(axis=0) for run in runs], axis=0)
        cents = np.mean([run.sum(axis=0) for run in runs], axis=0)
        return sellers[-5:].mean() / sellers[:5].mean(), cents[-5:].mean() / cents[:5].mean()

    sellers, cents = at_the_end(past_years=12.0, already_active_share=0.25)
    assert 0.9 < sellers < 1.1
    assert 0.9 < cents < 1.1
    assert max(at_the_end(past_years=0.0)) < 0.6


# --- channels, in worlds ----------------------------------------------------------------------------------------------


def test_a_market_once_given_up_is_looked_at_again_only_where_a_second_look_exists() -> None:
    inputs, seed = golden_inputs()["practice"]
    never = simulate(inputs, seed).world.engagements.stayed_out
    again = simulate(with_parameters(inputs, second_look_share=1.0), seed).world.engagements.stayed_out
    assert set(np.unique(never)) == {0, STAYS_OUT}
    assert LOOKS_AGAIN in again


def test_a_barrier_that_nobody_wore_down_does_not_move() -> None:
    inputs, seed = golden_inputs()["no programme"]
    off = with_parameters(inputs, informal_group_share=PARAMETERS["informal_group_share"].minimum)
    stays = simulate(off, seed).world.markets.barrier
    back = simulate(with_parameters(off, barrier_return=0.05), seed).world.markets.barrier
    assert np.all(back >= stays)


def test_trade_takes_capacity_from_other_markets_and_from_nobody_who_sells_nothing() -> None:
    inputs, seed = golden_inputs()["no programme"]
    free = Programme(inputs, seed)
    busy = Programme(with_parameters(inputs, trade_takes_capacity=1.0), seed)
    due = free.world.engagements.delivery_quarters_left
    selling = {free.world.engagements.firm[e] for e, quarters in enumerate(due) if quarters > 0}
    free.step()
    busy.step()
    for i, (before, after) in enumerate(
        zip(free.world.firms.free_capacity, busy.world.firms.free_capacity, strict=True)
    ):
        if before > 0.0:
            assert after <= before
            assert i in selling or after == before
    assert any(
        after < before
        for before, after in zip(free.world.firms.free_capacity, busy.world.firms.free_capacity, strict=True)
    )


@pytest.mark.parametrize("name", sorted(NO_EFFECT))
def test_each_channel_at_its_extreme_leaves_a_sane_world(name: str) -> None:
    inputs, seed = golden_inputs()["follow-up"]
    run = simulate(with_parameters(inputs, **{name: FAR_OUT[name]}), seed)
    assert run.world.exports_by_year_cents.min() >= 0
    limit = PARAMETERS["contract_limit_turnovers"].value * run.world.firms.turnover_eur.max() * 100.0
    assert run.world.exports_by_year_cents.max() <= 4.0 * limit
    twin = simulate(with_parameters(without_programme(inputs), **{name: FAR_OUT[name]}), seed)
    found = dict(zip((outcome.name for outcome in OUTCOMES), outcomes_of(run, twin), strict=True))
    assert all(np.isfinite(value) for key, value in found.items() if key != "quarters_to_first_contract")
