"""Decisions as plain arithmetic: pure functions of the rules at values worked out by hand, and what always holds."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import passaat.model
from passaat.model.agency import assessor_noise, is_call, mean_score, term_quarters, towards_hundred
from passaat.model.cluster import (
    beyond_own_effort,
    capacity_bought,
    cohesion_at_start,
    due_now,
    freedom_to_act,
    grip,
    guided,
    relevance,
)
from passaat.model.coordinator import coloured, learned, reported, towards_pay, weighted_mean
from passaat.model.embassy import time_share
from passaat.model.firm import (
    active_part,
    attention_since,
    contract_value_eur,
    demand_effect,
    enough_chance,
    enough_contacts,
    experience_lent,
    fee_burden,
    hurdle_alone,
    informed_share,
    lasting,
    mean_of_four,
    own_activity_eur_year,
    own_contact_rate,
    product_fit,
    step_chance,
    step_result,
    weakest,
    weighed,
)
from passaat.model.groups import mass
from passaat.model.kernel.counting import gini, part_of, sort_up, take_largest
from passaat.model.kernel.draws import log_odds
from passaat.model.kernel.rules import between, clip, larger, smaller, towards_one, whole, whole_cents
from passaat.model.ledger import offered_cents, within_cents
from passaat.model.liaison import knows_too_little, match_strength, tied_help, travel_stop_felt
from passaat.model.offer import drawn_by, expected, share_started
from passaat.model.outcomes import eur
from passaat.model.parameter_table import Parameters
from passaat.model.parameters import default_parameters
from passaat.model.status import (
    EXTENDED,
    FOLLOW_UP,
    FULL,
    INFORMAL,
    LAPSED,
    PARTLY,
    RUNNING,
    is_at_work,
    is_covenant,
)

P = Parameters(**default_parameters())
"""The defaults: a hand calculation below takes coefficients from them, and says which where it moves one."""
HARMFUL = P._replace(breadth_harm=0.5, unrelated_harm=0.4)
EAGER = P._replace(effort_of_all=0.5)
SMALL_DEALS = P._replace(contract_turnover_share=0.02, contract_sigma=1.5)
MODEL = Path(str(passaat.model.__file__)).parent
EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True)

shares = st.floats(0.0, 1.0)
amounts = st.floats(0.0, 1e8)
positive = st.floats(1.0, 1e9)


def never_falls(function: Callable[[float], float], low: float, high: float, slack: float = 1e-12) -> bool:
    """Whether the function of one number does not fall between two points, rounding apart."""
    low, high = sorted((low, high))
    return function(high) >= function(low) - slack * max(1.0, abs(function(low)))


def test_every_pure_function_of_the_rules_is_tested_here() -> None:
    sources = [ast.parse(path.read_text(encoding="utf-8")) for path in MODEL.rglob("*.py")]
    functions = [node for source in sources for node in source.body if isinstance(node, ast.FunctionDef)]
    rules = [node for node in functions if any(ast.unparse(mark) == "rule" for mark in node.decorator_list)]
    pure = {node.name for node in rules if all(argument.arg != "world" for argument in node.args.args)}
    assert len(pure) > 15
    elsewhere = {
        "normal",
        "inverse_normal",
        "exp",
        "log",
        "_power_of_two",
    }  # test_draws.py, test_elementary.py
    assert pure - set(globals()) == elsewhere


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # arithmetic
        (clip(1.5, 0.0, 1.0), 1.0),
        (clip(-0.5, 0.0, 1.0), 0.0),
        (clip(0.25, 0.0, 1.0), 0.25),
        (larger(2.0, 3.0), 3.0),
        (smaller(2.0, 3.0), 2.0),
        (towards_one(0.2, 0.5), 0.6),
        (towards_one(0.2, 7.0), 1.0),
        (towards_one(0.2, -1.0), 0.2),
        (between(0.25, 10.0, 20.0), 12.5),
        (log_odds(0.5), 0.0),
        (log_odds(0.75), math.log(3.0)),
        # a fee of 3,000 EUR weighs half for a firm of 300,000 where 1 % of turnover is felt half
        (fee_burden(3_000.0, 300_000.0, 0.01), 0.5),
        (fee_burden(0.0, 300_000.0, 0.01), 0.0),
        (fee_burden(9_000.0, 300_000.0, 0.01), 0.75),
        # made for the most developed markets, sold in a middling one
        (product_fit(1.0, 0.5), 0.5),
        (product_fit(0.3, 0.3), 1.0),
        # all is heard if the coordinator loses nothing and works well; with weight 0 it does not matter
        (informed_share(P._replace(information_weight=0.8), 1.0, 1.0), 1.0),
        (informed_share(P._replace(information_weight=1.0), 0.5, 0.0), 0.25),
        (informed_share(P._replace(information_weight=0.0), 0.1, 0.0), 1.0),
        # one contact is half of enough, four are four fifths
        (enough_contacts(1.0), 0.5),
        (enough_contacts(4.0), 0.8),
        (enough_contacts(0.0), 0.0),
        # average demand changes nothing, none leaves nothing, three times as much helps by half
        (demand_effect(1.0), 1.0),
        (demand_effect(0.0), 0.0),
        (demand_effect(3.0), 1.5),
        (enough_chance(P, 0.02), 0.5),
        (enough_chance(P, 0.18), 0.9),
        (enough_chance(P, 0.0), 0.0),
        (whole(2.5), 3),
        (whole(2.49), 2),
        (whole(-0.5), 0),
        # one unsolved bottleneck decides (FC17)
        (weakest(0.9, 0.8, 0.7, 0.1), 0.1),
        (weakest(0.9, 0.05, 0.7, 0.1), 0.05),
        # 0.5 x 0.8 x (1 + 0.5 x 0.4) x (1 - 0.5 x 0.5) x 0.9
        (step_chance(0.5, 0.8, 0.4, 0.5, 0.9, 1.0, 0.5, 0.5), 0.324),
        (step_chance(1.0, 1.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.5), 1.0),
        (step_chance(0.0, 1.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.5), 0.0),
        # 20,000 EUR buys half of the missing capacity where 20,000 has half the effect, 60,000 three quarters
        (capacity_bought(20_000.0, 20_000.0), 0.5),
        (capacity_bought(60_000.0, 20_000.0), 0.75),
        (capacity_bought(0.0, 20_000.0), 0.0),
        # 80 % of the truth, for the rest hope (0.9) that is blurred by -0.1
        (reported(0.4, 0.8, 0.9, -0.1), 0.48),
        (reported(0.4, 1.0, 0.9, -0.1), 0.4),
        (reported(0.4, 0.0, 0.9, 0.3), 1.0),
        (towards_pay(0.8, 0.5, 0.4), 0.64),
        (towards_pay(0.8, 0.0, 0.4), 0.8),
        (towards_hundred(60.0, 0.25), 70.0),
        (
            [is_covenant(status) for status in (RUNNING, EXTENDED, INFORMAL, FOLLOW_UP)],
            [True, True, False, False],
        ),
        (
            [is_at_work(status) for status in (RUNNING, EXTENDED, INFORMAL, FOLLOW_UP)],
            [True, True, True, False],
        ),
        # one call closes in the first quarter, two half a year apart, four in every quarter
        ([is_call(quarter, 1) for quarter in range(4)], [True, False, False, False]),
        ([is_call(quarter, 2) for quarter in range(4)], [True, False, True, False]),
        ([is_call(quarter, 4) for quarter in range(4)], [True] * 4),
        # half as many outsiders see a group of five where five is half of the mass
        (mass(5.0, 5.0), 0.5),
        (mass(0.0, 5.0), 0.0),
        # weights of practice: 4, 5, 4 and 2 of 15
        (weighted_mean(1.0, 0.0, 0.0, 0.0, 4.0, 5.0, 4.0, 2.0), 4.0 / 15.0),
        (weighted_mean(0.5, 0.5, 0.5, 0.5, 1.0, 0.0, 0.0, 9.0), 0.5),
        (weighted_mean(1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0), 0.0),
        # all alike and linked: everything concerns everybody; a quarter apart, half unrelated: 0.75 x 0.8
        (relevance(HARMFUL, 0.0, 0.0), 1.0),
        (relevance(HARMFUL, 0.25, 0.5), 0.6),
        (relevance(HARMFUL, 0.9, 0.0), 0.5),
        # without guidance by bottleneck; with it half of the plan moves
        (guided(0.3, False, 0.0, 0.5), 0.3),
        (guided(0.3, True, 2.0, 0.5), 0.65),
        (guided(0.3, False, 2.0, 0.5), 0.15),
        # uncommitted members take no part; without capacity three tenths are left
        (active_part(P, 0.0, 1.0, 1.0, 1.0), 0.0),
        (active_part(P, 1.0, 1.0, 0.0, 1.0), 0.3),
        (active_part(P, 0.5, 0.8, 1.0, 0.5), 0.2),
        # the smallest firm before a full barrier where fairs are dearest; the largest needs nobody
        (hurdle_alone(1.0, 1.0, 0.0), 1.0),
        (hurdle_alone(0.5, 0.0, 0.5), 0.125),
        (hurdle_alone(1.0, 1.0, 1.0), 0.0),
        # 390,000 EUR over four years and 9.75 members: 10,000 a year, of which the programme pays three quarters
        (own_activity_eur_year(97_500.0, 9.75, 0.75), 2_500.0),
        (own_activity_eur_year(97_500.0, 9.75, 1.0), 0.0),
        (mean_of_four(0.1, 0.2, 0.3, 0.4), 0.25),
        # 60 days for clusters that ask 80; nobody asks; nobody is there
        (time_share(60.0, 80.0), 0.75),
        (time_share(60.0, 0.0), 1.0),
        (time_share(0.0, 80.0), 0.0),
        # a firm with half the capacity and no experience, where nobody has heard of it: 0.1 x 0.5 x 0.2 x 0.5
        (attention_since(P._replace(attention_after_covenant=0.6), 0.5, 40.0), 0.8),
        (attention_since(P._replace(attention_fade=0.25, attention_alone=0.3), 0.0, 400.0), 0.3),
        (lasting(P, 0.6, 10.0, 1e6), 0.6),
        (lasting(P._replace(repeat_by_age=0.5, repeat_highest=0.9), 0.5, 3.0, 0.0), 0.6),
        (lasting(P._replace(repeat_by_value=1.0, repeat_highest=0.9), 0.5, 1.0, 150_000.0), 0.7),
        (expected(P, 9.0, 4.0, 1.0, 4.0), 0.6),
        (expected(P._replace(waiting_discount=0.2), 0.0, 0.0, 3.0, 1.0), 1.5 * math.exp(-0.3)),
        (drawn_by(P._replace(support_elasticity=0.5), 0.25), 0.5),
        (share_started(P._replace(support_elasticity=1.0, informal_group_share=0.2), 0.5), 0.6),
        (term_quarters(P._replace(term_spread_quarters=4.0), 12.0, 0.75), 14),
        (beyond_own_effort(P._replace(follow_up_deadweight=0.5), 0.4, 0.5), 0.3),
        (coloured(P._replace(checkpoint_gaming=0.5), 0.4, 0.6, 0.5), 0.6),
        (coloured(P._replace(checkpoint_gaming=0.5), 0.3, 0.6, 0.5), 0.3),
        (learned(P._replace(lesson_of_refusal=0.25), 60.0, 1.0), 70.0),
        (own_contact_rate(P._replace(own_contact_rate=0.1), 0.5, 0.0, 0.0), 0.005),
        # three tenths hang on something that is half there; on nothing; on all of it
        (weighed(0.3, 0.5), 0.85),
        (weighed(0.0, 0.5), 1.0),
        (weighed(1.0, 0.0), 0.0),
        # full network, fit, effort and input; no network and no fit leave 0.2 x 0.2
        (match_strength(P, 1.0, 1.0, 1.0, 1.0), 1.0),
        (match_strength(P, 0.0, 0.0, 1.0, 1.0), 0.04),
        (match_strength(P, 1.0, 1.0, 0.5, 0.0), 0.25),
        # a tied liaison works half as much again for its employer, and half as much for the others
        (tied_help(0.6, True, 1.5, 0.5), 0.9),
        (tied_help(0.6, False, 1.5, 0.5), 0.3),
        ([knows_too_little(fit, 0.4) for fit in (0.0, 0.39, 0.4, 1.0)], [True, True, False, False]),
        # half of a stop is carried on locally by a liaison who does all that can be done, none without one
        (travel_stop_felt(0.8, 0.5, 1.0), 0.4),
        (travel_stop_felt(0.8, 0.5, 0.0), 0.8),
        # an average coordinator whose members do as usual gets three quarters done; the best 1 + 0.5 x 0.2 times all
        (grip(EAGER, 0.5, P.usual_commitment), 0.75),
        (grip(EAGER, 1.0, P.usual_commitment + 0.2), 1.1),
        # war leaves nothing; a state that leads closes the door to those without backing, not to those who have it all
        (freedom_to_act(1.0, 0.5, 1.0, 0.5), 0.0),
        (freedom_to_act(0.0, 1.0, 0.0, 0.5), 0.5),
        (freedom_to_act(0.5, 1.0, 1.0, 0.5), 0.5),
        # twelve units planned, four done, four quarters to go; more done than planned
        (due_now(12.0, 4.0, 4.0), 2.0),
        (due_now(12.0, 13.0, 4.0), 0.0),
        # all linked under the best coordinator; all rivals; half of the pairs linked, a tenth rivals
        (cohesion_at_start(P, 1.0, 1.0, 0.0), 1.0),
        (cohesion_at_start(P, 0.0, 0.0, 1.0), 0.05),
        (cohesion_at_start(P, 0.5, 0.5, 0.1), 0.55),
        # a newcomer among members who know 0.6 and trust each other half; nothing to borrow for those who know more
        (experience_lent(0.6, 0.1, 0.5, 0.8), 0.2),
        (experience_lent(0.6, 0.7, 0.5, 0.8), 0.0),
        # a quarter of the harmless number of criteria doubles the error; more than that number does not lessen it
        (assessor_noise(8.0, 12.0, 3.0), 16.0),
        (assessor_noise(8.0, 12.0, 24.0), 8.0),
        # two assessors who err by 1 and by 2 of 8 points each
        (mean_score(60.0, 8.0, 3.0, 2), 72.0),
        (mean_score(95.0, 8.0, 3.0, 2), 100.0),
        (mean_score(60.0, 8.0, 0.0, 2), 60.0),
        ([within_cents(*cents) for cents in ((5, 9), (9, 5), (5, -1), (-5, 9))], [5, 5, 0, 0]),
        (eur(12_345), 123.45),
        (eur(-1), -0.01),
        (part_of(1.0, 4.0), 0.25),
        (part_of(0.0, 4.0), 0.0),
        # of two, one has all; equal; one, two and three: (2 x (3 - 1)) / (3 x 6)
        (gini([0, 5], 2), 0.5),
        (gini([7, 7, 7], 3), 0.0),
        (gini([1, 2, 3, 99], 3), 2.0 / 9.0),
        # a firm of the reference turnover (5 million), an average market, median luck
        (contract_value_eur(SMALL_DEALS, 5.0e6, 1.0, 0.0), 100_000.0),
        (contract_value_eur(SMALL_DEALS, 20.0e6, 4.0, 0.0), 400_000.0),
        (contract_value_eur(SMALL_DEALS, 5.0e6, 1.0, 2.0), 100_000.0 * math.exp(3.0)),
    ],
)
def test_worked_by_hand(value: float, expected: float) -> None:
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("amount", "quarters", "members", "half", "cents"),
    [
        (350_000.0, 16.0, 10.0, 10.0, 17_500_000),  # half of the amount at the size that earns half
        (350_000.0, 8.0, 10.0, 10.0, 8_750_000),  # and half of that for half of the term
        (350_000.0, 16.0, 0.0, 10.0, 0),
        (0.0, 16.0, 10.0, 10.0, 0),
    ],
)
def test_an_offer_by_hand(amount: float, quarters: float, members: float, half: float, cents: int) -> None:
    assert offered_cents(amount, quarters, members, half) == cents


@pytest.mark.parametrize(
    ("eur", "cents"), [(0.0, 0), (1.0, 100), (0.005, 1), (12.344, 1234), (-0.01, -1), (0.004, 0)]
)
def test_amounts_are_rounded_to_whole_cents(eur: float, cents: int) -> None:
    assert whole_cents(eur) == cents
    assert type(whole_cents(eur)) is int


@pytest.mark.parametrize(
    ("u", "result"),
    [(0.1, FULL), (0.1999, FULL), (0.2, PARTLY), (0.4908, PARTLY), (0.4911, LAPSED), (0.9, LAPSED)],
)
def test_a_step_ends_fully_partly_or_not(u: float, result: int) -> None:
    """With chance 0.2 fully; of the other 0.8 the share 0.4 x 0.2 / 0.22 partly, so up to 0.2 + 0.2909."""
    assert step_result(P._replace(partly_share=0.4), u, 0.2) == result


@pytest.mark.parametrize(("part", "whole"), [(0.0, 0.0), (1.0, 0.0), (1.0, -1.0)])
def test_without_a_whole_there_is_no_part(part: float, whole: float) -> None:
    assert math.isnan(part_of(part, whole))


def test_the_largest_are_taken_and_leave_zero() -> None:
    values = [3, 9, 0, 9, 4, 1, 100]
    assert take_largest(values, 6, 3) == 22
    assert values == [3, 0, 0, 0, 0, 1, 100]
    assert take_largest(values, 6, 5) == 4
    assert take_largest([], 0, 5) == 0


# --- always -----------------------------------------------------------------------------------------------------------


@given(st.floats(-10, 10), st.floats(-5, 5), st.floats(-5, 5))
@EXAMPLES
def test_clip_larger_and_smaller_are_what_python_means(x: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert clip(x, low, high) == min(max(x, low), high)
    assert larger(a, b) == max(a, b)
    assert smaller(a, b) == min(a, b)


@given(shares, st.floats(-2, 2), st.floats(-2, 2))
@EXAMPLES
def test_closing_a_gap_stays_between_where_it_was_and_one(x: float, one: float, other: float) -> None:
    assert x <= towards_one(x, one) <= 1.0 + 1e-15
    assert never_falls(lambda step: towards_one(x, step), one, other)


@given(shares, st.floats(-1e6, 1e6), st.floats(0.0, 1e6))
@EXAMPLES
def test_a_number_between_two_lies_between_them(u: float, low: float, width: float) -> None:
    slack = 1e-9 * (1.0 + abs(low) + width)
    assert low - slack <= between(u, low, low + width) <= low + width + slack


@given(st.floats(1e-9, 1 - 1e-9), st.floats(1e-9, 1 - 1e-9))
@EXAMPLES
def test_log_odds_rise_and_mirror(u: float, other: float) -> None:
    assert never_falls(log_odds, u, other)
    assert log_odds(1.0 - u) == pytest.approx(-log_odds(u), rel=1e-5, abs=1e-6)


@given(st.integers(-(10**12), 10**12))
@EXAMPLES
def test_whole_cents_survive_the_way_through_euros(cents: int) -> None:
    assert whole_cents(cents / 100.0) == cents


@given(amounts, amounts, positive, positive, st.floats(1e-4, 1.0))
@EXAMPLES
def test_a_fee_weighs_more_the_higher_it_is_and_less_on_a_larger_firm(
    fee: float, other: float, turnover: float, larger_turnover: float, felt: float
) -> None:
    assert 0.0 <= fee_burden(fee, turnover, felt) <= 1.0
    assert never_falls(lambda x: fee_burden(x, turnover, felt), fee, other)
    assert never_falls(lambda x: -fee_burden(fee, x, felt), turnover, larger_turnover)


@given(shares, shares)
@EXAMPLES
def test_fit_is_a_share_and_symmetric(made_for: float, level: float) -> None:
    assert 0.0 <= product_fit(made_for, level) <= 1.0
    assert product_fit(made_for, level) == product_fit(level, made_for)


@given(shares, shares, shares, shares)
@EXAMPLES
def test_more_is_heard_through_a_better_coordinator(
    fidelity: float, quality: float, weight: float, more: float
) -> None:
    p = P._replace(information_weight=weight)
    assert -1e-12 <= informed_share(p, fidelity, quality) <= 1.0 + 1e-12
    assert never_falls(lambda x: informed_share(p, x, quality), fidelity, more)
    assert never_falls(lambda x: informed_share(p, fidelity, x), quality, more)
    assert never_falls(
        lambda x: -informed_share(P._replace(information_weight=x), fidelity, quality), weight, more
    )


@given(shares, shares, st.floats(0.0, 50.0), st.floats(0.0, 50.0))
@EXAMPLES
def test_more_contacts_demand_and_chance_help_with_less_and_less_to_gain(
    chance: float, better: float, few: float, many: float
) -> None:
    assert 0.0 <= enough_chance(P, chance) < 1.0
    assert 0.0 <= enough_contacts(few) < 1.0
    assert 0.0 <= demand_effect(few) < 2.0
    assert never_falls(lambda x: enough_chance(P, x), chance, better)
    assert never_falls(enough_contacts, few, many)
    assert never_falls(demand_effect, few, many)
    assert abs(whole(few) - few) <= 0.5


@given(st.lists(shares, min_size=4, max_size=4), shares)
@EXAMPLES
def test_the_weakest_link_is_the_smallest_and_nothing_else_helps(links: list[float], better: float) -> None:
    assert weakest(links[0], links[1], links[2], links[3]) == min(links)
    strongest = links.index(max(links))
    stronger = [max(link, better) if place == strongest else link for place, link in enumerate(links)]
    assert weakest(stronger[0], stronger[1], stronger[2], stronger[3]) == min(stronger)


chances = st.fixed_dictionaries(
    {
        "link": shares,
        "fit": shares,
        "support": shares,
        "rivalry": shares,
        "demand": shares,
        "scale": st.floats(0.0, 3.0),
        "gain": st.floats(0.0, 3.0),
        "harm": shares,
    }
)


@given(chances, shares)
@EXAMPLES
def test_what_helps_a_step_helps_and_what_harms_it_harms(values: dict[str, float], other: float) -> None:
    assert 0.0 <= step_chance(**values) <= 1.0
    for name in ("link", "fit", "support", "demand", "rivalry", "harm"):
        low, high = sorted((values[name], other))
        change = step_chance(**{**values, name: high}) - step_chance(**{**values, name: low})
        assert (-change if name in ("rivalry", "harm") else change) >= -1e-12


@given(shares, shares, shares, shares)
@EXAMPLES
def test_a_better_chance_never_makes_a_result_worse(
    u: float, chance: float, better: float, partly: float
) -> None:
    """The same luck: pairs of worlds stay coupled."""
    p = P._replace(partly_share=partly)
    assert step_result(p, u, chance) in (LAPSED, PARTLY, FULL)
    assert never_falls(lambda x: step_result(p, u, x), chance, better)
    assert never_falls(lambda x: step_result(P._replace(partly_share=x), u, chance), partly, better)
    assert never_falls(lambda x: -step_result(p, x, chance), u, better)


@given(amounts, amounts, positive)
@EXAMPLES
def test_more_follow_up_money_buys_more_capacity_and_never_all(eur: float, more: float, half: float) -> None:
    assert 0.0 <= capacity_bought(eur, half) <= 1.0
    assert never_falls(lambda x: capacity_bought(x, half), eur, more)


@given(shares, shares, shares, shares, st.floats(-3, 3))
@EXAMPLES
def test_a_report_rises_with_progress_and_with_hope(
    progress: float, better: float, truth: float, hope: float, blur: float
) -> None:
    assert 0.0 <= reported(progress, truth, hope, blur) <= 1.0
    assert never_falls(lambda x: reported(x, truth, hope, blur), progress, better)
    assert never_falls(lambda x: reported(progress, truth, x, blur), hope, better)
    assert reported(progress, 1.0, hope, blur) == progress


@given(shares, shares, shares, shares)
@EXAMPLES
def test_underpay_never_improves_coordination(
    quality: float, underpaid: float, more: float, loss: float
) -> None:
    assert 0.0 <= towards_pay(quality, underpaid, loss) <= quality
    assert never_falls(lambda x: -towards_pay(quality, x, loss), underpaid, more)


@given(st.floats(0, 100), shares, shares)
@EXAMPLES
def test_feedback_brings_a_plan_closer_to_a_hundred_points(points: float, gain: float, more: float) -> None:
    assert points <= towards_hundred(points, gain) + 1e-12
    assert towards_hundred(points, gain) <= 100.0 + 1e-12
    assert never_falls(lambda x: towards_hundred(points, x), gain, more)


@given(st.floats(0, 500), st.floats(0, 500), st.floats(0, 500), st.floats(0, 500))
@EXAMPLES
def test_an_embassy_never_gives_more_time_than_it_has(
    staff: float, more: float, asked: float, busier: float
) -> None:
    given_share = time_share(staff, asked)
    assert 0.0 <= given_share <= 1.0
    assert given_share * asked <= staff + 1e-9
    assert never_falls(lambda x: time_share(x, asked), staff, more)
    assert never_falls(lambda x: -time_share(staff, x), asked, busier)


@given(st.lists(shares, min_size=4, max_size=4), st.integers(0, 3), shares)
@EXAMPLES
def test_a_better_liaison_makes_better_matches(traits: list[float], which: int, better: float) -> None:
    def strength(value: float) -> float:
        changed = [value if place == which else trait for place, trait in enumerate(traits)]
        return match_strength(P, changed[0], changed[1], changed[2], changed[3])

    assert 0.0 <= strength(traits[which]) <= 1.0
    assert never_falls(strength, traits[which], better)


@given(shares, shares, shares, shares)
@EXAMPLES
def test_a_tied_liaison_never_helps_others_more_than_one_who_is_free(
    helped: float, more: float, extra: float, others: float
) -> None:
    assert (
        tied_help(helped, False, 1.0 + extra, others)
        <= helped
        <= tied_help(helped, True, 1.0 + extra, others)
    )
    assert never_falls(lambda x: tied_help(x, False, 1.0 + extra, others), helped, more)


@given(shares, shares, shares, shares)
@EXAMPLES
def test_a_liaison_never_makes_a_travel_stop_worse(
    stop: float, takeover: float, support: float, more: float
) -> None:
    assert 0.0 <= travel_stop_felt(stop, takeover, support) <= stop
    assert never_falls(lambda x: -travel_stop_felt(stop, takeover, x), support, more)
    assert travel_stop_felt(0.0, takeover, support) == 0.0


@given(shares, shares, shares, shares, shares)
@EXAMPLES
def test_war_and_state_take_freedom_and_backing_gives_it_back(
    war: float, state: float, backed: float, gate: float, more: float
) -> None:
    assert 0.0 <= freedom_to_act(war, state, backed, gate) <= 1.0
    assert never_falls(lambda x: -freedom_to_act(x, state, backed, gate), war, more)
    assert never_falls(lambda x: -freedom_to_act(war, x, backed, gate), state, more)
    assert never_falls(lambda x: freedom_to_act(war, state, x, gate), backed, more)
    assert freedom_to_act(0.0, state, backed, 0.0) == 1.0


@given(shares, shares, shares, shares)
@EXAMPLES
def test_better_coordinators_and_keener_members_get_more_done(
    quality: float, commitment: float, effort: float, more: float
) -> None:
    p, without = P._replace(effort_of_all=effort), P._replace(effort_of_all=0.0)
    assert grip(p, quality, commitment) > 0.0
    assert never_falls(lambda x: grip(p, x, commitment), quality, more)
    assert never_falls(lambda x: grip(p, quality, x), commitment, more)
    assert grip(without, quality, commitment) == grip(without, quality, more)


@given(shares, shares, shares, shares)
@EXAMPLES
def test_cohesion_rises_with_linked_members_and_falls_with_rivals(
    linked: float, quality: float, rivals: float, more: float
) -> None:
    assert 0.05 <= cohesion_at_start(P, linked, quality, rivals) <= 1.0
    assert never_falls(lambda x: cohesion_at_start(P, x, quality, rivals), linked, more)
    assert never_falls(lambda x: -cohesion_at_start(P, linked, quality, x), rivals, more)


@given(st.floats(0, 100), st.floats(0, 30), st.integers(1, 8), st.floats(-9, 9), st.floats(-9, 9))
@EXAMPLES
def test_a_score_stays_on_the_scale_and_rises_with_the_errors(
    standing: float, noise: float, assessors: int, error: float, more: float
) -> None:
    assert 0.0 <= mean_score(standing, noise, error, assessors) <= 100.0
    assert never_falls(lambda x: mean_score(standing, noise, x, assessors), error, more)
    assert mean_score(standing, 0.0, error, assessors) == standing


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
@EXAMPLES
def test_nothing_is_paid_that_is_not_wanted_and_not_there(wanted: int, left: int) -> None:
    paid = within_cents(wanted, left)
    assert paid >= 0
    assert paid in (0, wanted, left)
    assert paid == 0 or (paid <= wanted and paid <= left)


@given(amounts, st.integers(4, 32), st.integers(0, 24), st.integers(0, 24), st.floats(0.5, 50))
@EXAMPLES
def test_an_offer_grows_with_members_and_never_exceeds_the_amount_pro_rata(
    amount: float, quarters: int, members: int, more: int, half: float
) -> None:
    assert 0 <= offered_cents(amount, quarters, members, half) <= amount * quarters / 16.0 * 100.0 + 1.0
    assert never_falls(lambda x: offered_cents(amount, quarters, x, half), members, more)


@given(positive, positive, st.floats(0.01, 20), st.floats(0.01, 20), st.floats(-6, 6), st.floats(-6, 6))
@EXAMPLES
def test_contracts_grow_with_turnover_demand_and_luck_but_less_than_turnover(
    turnover: float, larger_turnover: float, demand: float, more: float, z: float, luckier: float
) -> None:
    assert contract_value_eur(SMALL_DEALS, turnover, demand, z) > 0.0
    assert never_falls(lambda x: contract_value_eur(SMALL_DEALS, x, demand, z), turnover, larger_turnover)
    assert never_falls(lambda x: contract_value_eur(SMALL_DEALS, turnover, x, z), demand, more)
    assert never_falls(lambda x: contract_value_eur(SMALL_DEALS, turnover, demand, x), z, luckier)
    assert never_falls(
        lambda x: -contract_value_eur(SMALL_DEALS, x, demand, z) / x, turnover, larger_turnover
    )


@given(st.lists(st.integers(0, 2**60), max_size=200), st.integers(0, 200))
@EXAMPLES
def test_sorting_sorts_the_first_values_and_leaves_the_rest(values: list[int], n: int) -> None:
    n = min(n, len(values))
    sorted_here = list(values)
    sort_up(sorted_here, n)
    assert sorted_here == sorted(values[:n]) + values[n:]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=60), st.integers(2, 9))
@EXAMPLES
def test_inequality_is_that_of_all_pairs_and_knows_no_unit(values: list[int], factor: int) -> None:
    """Half of the mean difference of all pairs over the mean; copying everyone changes nothing."""
    values.sort()
    n, total = len(values), sum(values)
    found = gini(values, n)
    if total == 0:
        assert math.isnan(found)
        return
    pairs = sum(abs(one - other) for one in values for other in values)
    assert found == pytest.approx(pairs / (2 * n * total), rel=1e-12, abs=1e-15)
    assert 0.0 <= found < 1.0
    assert gini([factor * value for value in values], n) == pytest.approx(found, rel=1e-12, abs=1e-15)
    assert gini(sorted(values * factor), factor * n) == pytest.approx(found, rel=1e-12, abs=1e-15)


@given(st.lists(st.integers(0, 10**12), max_size=40), st.integers(0, 9))
@EXAMPLES
def test_the_largest_few_are_the_end_of_the_sorted(values: list[int], few: int) -> None:
    expected = sum(sorted(values, reverse=True)[:few])
    assert take_largest(values, len(values), few) == expected
