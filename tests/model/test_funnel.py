"""A toy world whose funnel can be computed by hand: the rule of next steps against a Markov chain.

All firms are alike, nothing fades and no relation grows, so that the chance of a next step never changes. How many
firms stand at which stage after some quarters then follows from matrix powers, written here from the rule's
description: a firm at contact, relation or partnership opens a next step by chance; an open step
ends by chance of the deal cycle; fully taken it leads to a partnership, or to a contract from a relation on; partly
taken, to the next stage up to partnership; otherwise all stays as it was.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from passaat.model import firm, status
from passaat.model.engine.build import Store, build_world
from passaat.model.inputs import WorldSize
from passaat.model.kernel.draws import combine
from passaat.model.provenance.golden import small_inputs

N = 20_000
QUARTERS = 16

PARAMETERS = {
    "step_start_rate": 0.5,
    "attention_alone": 0.6,
    "steps_per_deal_cycle": 2.0,
    "partly_share": 0.4,
    "step_success": 1.0,
    "support_gain": 0.4,
    "rivalry_harm": 0.4,
    "step_relation_gain": 0.0,
    "staying_out_share": 0.0,
    "growth_share": 0.0,
    "delivery_quarters": 4.0,
    "repeat_share": 0.5,
    "local_presence_share": 0.0,
    "contract_limit_turnovers": 1.0,
}
# By hand. Weakest of relation 0.8, trust 0.6 + 0.4 x 0, opening 1 - 0.5 x (1 - 0), capacity 0.9: the barrier, 0.5.
# Fit: 1 - |0.7 - 0.5| = 0.8; offer 0.5 + 0.5 x 0.6 = 0.8; knowledge 0.7 + 0.3 x 0.5 = 0.85; together 0.544.
# Help 1 + 0.4 x 0.5 = 1.2; rivalry 1 - 0.4 x 0.25 = 0.9; demand 0.6, felt as 2 x 0.6 / 1.6 = 0.75.
FULL = 0.5 * 0.544 * 1.2 * 0.9 * 0.75
# Of the rest 0.4 in part, less where the chance is small: times chance / (chance + 2 %).
PARTLY = (1 - FULL) * 0.4 * FULL / (FULL + 0.02)
# Opens: 0.5 x attention 0.6 x (capacity 0.9 + 0.2, at most 1) x 4 contacts of 1 + 4. Ends: one of 8 / 2 quarters.
OPENS = 0.24
ENDS = 0.25


def toy_world(stage: int) -> Store:
    """Firms that are all alike, each at ``stage`` in the one market."""
    size = WorldSize(2012, 2012, 2012, 2020, N, 1, 1, 1, 1, 1, 0, 1, (1.0,))
    store = build_world(small_inputs(parameters=PARAMETERS, size=size, beyond_range=tuple(PARAMETERS)), 0)
    world = store.column_world()
    world.engagements.key[:] = [combine(2026, e) for e in range(N)]
    world.engagements.firm[:] = np.arange(N)
    world.engagements.cluster[:] = -1
    world.engagements.membership[:] = -1
    world.engagements.first_contract_quarter[:] = -1
    world.engagements.contacts[:] = 4.0
    world.engagements.relation[:] = 0.8
    world.engagements.trust[:] = 0.6
    world.engagements.knowledge[:] = 0.5
    world.engagements.support[:] = 0.5
    world.engagements.stage[:] = stage
    world.firms.free_capacity[:] = 0.9
    world.firms.development[:] = 0.7
    world.firms.distinctiveness[:] = 0.6
    world.firms.turnover_eur[:] = 5.0e6
    world.firms.interrupted_until[:] = -1
    world.countries.development[:] = 0.5
    world.markets.barrier[:] = 0.5
    world.markets.rivalry[:] = 0.25
    world.markets.demand[:] = 0.9
    world.markets.demand_now[:] = 0.6
    world.markets.deal_cycle_quarters[:] = 8.0
    return store


@cache
def stages_in_the_model(start: int, quarters: int = QUARTERS) -> tuple[tuple[int, ...], ...]:
    """Engagements by stage (0 to 5) at the end of each quarter, by the rule of next steps alone."""
    store = toy_world(start)
    world = store.interpreted_world()
    counts = []
    for quarter in range(quarters):
        world.calendar.quarter[0] = quarter
        for e in range(N):
            firm.follow_up(world, e)
        counts.append(tuple(int(n) for n in np.bincount(store.column_world().engagements.stage, minlength=6)))
    return tuple(counts)


def transition() -> NDArray[np.float64]:
    """One quarter: states are contact, relation, partnership, each idle or with an open step, and contract."""
    idle = {"contact": 0, "relation": 1, "partnership": 2}
    n = 7
    contract = 6
    move = np.zeros((n, n))
    fully = {"contact": "partnership", "relation": "contract", "partnership": "contract"}
    partly = {"contact": "relation", "relation": "partnership", "partnership": "partnership"}
    for name, place in idle.items():
        open_place = place + 3
        move[place, open_place] = OPENS
        move[place, place] = 1 - OPENS
        move[open_place, open_place] = 1 - ENDS
        target = contract if fully[name] == "contract" else idle[fully[name]]
        move[open_place, target] += ENDS * FULL
        move[open_place, idle[partly[name]]] += ENDS * PARTLY
        move[open_place, place] += ENDS * (1 - FULL - PARTLY)
    move[contract, contract] = 1.0
    return move


def stages_by_hand(start: int, quarters: int) -> NDArray[np.float64]:
    """Shares of firms by stage, 0 to 5, after so many quarters."""
    state = np.zeros(7)
    state[start - 1] = 1.0
    state = state @ np.linalg.matrix_power(transition(), quarters)
    return np.array([0.0, state[0] + state[3], state[1] + state[4], state[2] + state[5], state[6], 0.0])


def test_the_chance_of_a_next_step_is_the_one_computed_by_hand() -> None:
    assert pytest.approx(0.22032) == FULL
    world = toy_world(status.CONTACT).interpreted_world()
    assert firm._chance_of_step(world, 0, 0.9) == pytest.approx(0.22032)


def test_the_chain_by_hand_is_a_chain() -> None:
    assert transition().sum(axis=1) == pytest.approx(np.ones(7))
    # two quarters: opened in the first, fully taken in the second
    assert stages_by_hand(status.RELATION, 2)[status.CONTRACT] == pytest.approx(0.24 * 0.25 * 0.22032)


@pytest.mark.parametrize("start", [status.CONTACT, status.RELATION, status.PARTNERSHIP])
def test_the_funnel_follows_the_chain_computed_by_hand(start: int) -> None:
    """Each share within four standard errors, after 2, 8 and 16 quarters; false alarm below one in 400."""
    counts = stages_in_the_model(start)
    for quarters in (2, 8, 16):
        expected = stages_by_hand(start, quarters)
        found = np.array(counts[quarters - 1]) / N
        error = np.sqrt(expected * (1 - expected) / N)
        assert (np.abs(found - expected) <= 4 * error + 1e-12).all(), f"after {quarters} quarters"


def test_the_comparison_would_notice_a_chance_that_is_off_by_a_tenth() -> None:
    """The test above has teeth: with 20,000 firms a chance a tenth higher lies far outside four standard errors."""
    expected = stages_by_hand(status.CONTACT, 16)[status.CONTRACT]
    slightly_more = expected * 1.1
    assert slightly_more - expected > 4 * math.sqrt(expected * (1 - expected) / N)


def test_a_blocked_market_lets_hardly_anybody_through() -> None:
    """One unsolved bottleneck blocks the effect of all others (FC17)."""
    store = toy_world(status.RELATION)
    store.tables["markets"]["blocking"] = 1
    world = store.interpreted_world()
    blocked = float(world.parameters.openness_when_blocked)
    assert firm._chance_of_step(world, 0, 0.9) == pytest.approx(FULL * blocked / 0.5)


def test_delivery_and_repeat_orders_follow_the_hand_computation() -> None:
    """All sign in quarter 0, deliver for four quarters; then the share repeat x (0.8 + 0.2 x relation) goes on."""
    store = toy_world(status.CONTRACT)
    columns = store.column_world()
    columns.engagements.delivery_quarters_left[:] = 4
    columns.engagements.delivery_cents_per_quarter[:] = 1_000_000
    world = store.interpreted_world()
    for quarter in range(4):
        world.calendar.quarter[0] = quarter
        for e in range(N):
            firm.trade(world, e)
    assert (columns.exports_by_year_cents[:, 0] == 4_000_000).all()
    stages = np.bincount(columns.engagements.stage, minlength=6)
    goes_on = 0.5 * (0.8 + 0.2 * 0.8)
    assert stages[status.SUSTAINED] + stages[status.RELATION] == N
    assert abs(stages[status.SUSTAINED] / N - goes_on) < 4 * math.sqrt(goes_on * (1 - goes_on) / N)
    ended = columns.engagements.stage == status.RELATION
    assert (columns.engagements.delivery_cents_per_quarter[ended] == 0).all()


def test_contract_values_have_the_median_and_the_spread_of_the_parameters() -> None:
    """Log-normal: median share x turnover of the reference firm x root of demand; its log has sd ``sigma``.

    Four standard errors of a median and of a standard deviation of 20,000 draws.
    """
    world = toy_world(status.CONTRACT).interpreted_world()
    parameters = world.parameters._replace(contract_limit_turnovers=1e9)
    world = world._replace(parameters=parameters)
    values = np.array([firm._contract_value_cents(world, e, 256) for e in range(N)]) / 100.0
    logs = np.log(values / (parameters.contract_turnover_share * 5.0e6 * math.sqrt(0.9)))
    sigma = parameters.contract_sigma
    assert abs(np.median(logs)) < 4 * sigma * math.sqrt(math.pi / 2 / N)
    assert abs(logs.std() / sigma - 1) < 4 / math.sqrt(2 * N)
