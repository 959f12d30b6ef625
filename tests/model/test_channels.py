"""Channels of checkpoints, refusals, follow-up and terms: nothing at zero, the right way and sane when open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passaat.model.agency import term_quarters
from passaat.model.cluster import beyond_own_effort
from passaat.model.coordinator import coloured, learned
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.engine.programme import Programme
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.outcomes import OUTCOME_NAMES
from passaat.model.parameter_table import Parameters
from passaat.model.parameters import PARAMETERS, default_parameters
from passaat.model.provenance.golden import golden_inputs, small_inputs
from passaat.scenarios.levers import LeverSetting
from passaat.scenarios.scenario import Scenario
from passaat.testing.drivers import differing

P = Parameters(**default_parameters())

CHANNELS = (
    "checkpoint_gaming",
    "checkpoint_discipline",
    "reapplication_share",
    "lesson_of_refusal",
    "follow_up_deadweight",
    "follow_up_dependence",
    "term_spread_quarters",
    "support_elasticity",
    "waiting_discount",
    "join_support",
)
"""Each has no effect at zero, where it stands."""

STRICT: dict[str, LeverSetting] = {"checkpoint_quarter": 4, "checkpoint_minimum_progress": 0.6}
SEEDS = range(8)

shares = st.floats(0.0, 1.0)


def outcomes(policy: Scenario, seed: int, **parameters: float) -> dict[str, float]:
    return named(simulate(policy.inputs(parameters), seed))


def named(run: Run) -> dict[str, float]:
    return dict(zip(OUTCOME_NAMES, outcomes_of(run).tolist(), strict=True))


def mean(policy: Scenario, name: str, **parameters: float) -> float:
    return float(np.mean([outcomes(policy, seed, **parameters)[name] for seed in SEEDS]))


def opened(inputs: RunInputs, *names: str) -> RunInputs:
    """The inputs with these channels as far open as their ranges go."""
    return replace(inputs, parameters={**inputs.parameters, **{n: PARAMETERS[n].maximum for n in names}})


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_stands_at_no_effect(name: str) -> None:
    assert (PARAMETERS[name].value, PARAMETERS[name].minimum) == (0.0, 0.0)
    assert PARAMETERS[name].maximum > 0.0


def test_both_drivers_agree_with_all_channels_open(tiny: WorldSize) -> None:
    levers = {
        "checkpoint_quarter": 4.0,
        "checkpoint_minimum_progress": 0.6,
        "selection_threshold_points": 60.0,
    }
    follow_up = {"follow_up_years": 2.0, "follow_up_eur_per_firm_year": 8000.0}
    inputs = opened(small_inputs({**levers, **follow_up}, size=tiny), *CHANNELS)
    assert not differing(simulate(inputs, 5), Programme(inputs, 5).run().result())


@pytest.mark.parametrize("world", ["strict selection", "checkpoints, money to the best", "follow-up", "smes"])
@pytest.mark.parametrize("name", CHANNELS)
def test_each_channel_wide_open_leaves_a_sane_world(name: str, world: str) -> None:
    inputs, seed = golden_inputs()[world]
    found = named(simulate(opened(inputs, name), seed))
    assert 0.0 <= found["covenants"] <= found["applications"] - found["rejections"] + 1e-9
    assert 0.0 <= found["covenants_stopped_wrongly"] <= found["covenants_stopped"] <= found["covenants"]
    assert 0.0 <= found["covenants_kept_wrongly"] <= found["covenants"]
    assert found["public_cost_eur"] >= 0.0


# --- checkpoints ------------------------------------------------------------------------------------------------------


@given(report=shares, least=shares, known=shares, gaming=shares)
def test_a_coloured_report_lies_between_the_plain_one_and_the_threshold(
    report: float, least: float, known: float, gaming: float
) -> None:
    seen = coloured(P._replace(checkpoint_gaming=gaming), report, least, known)
    assert report <= seen <= max(report, least) + 1e-12
    assert coloured(P._replace(checkpoint_gaming=0.0), report, least, known) == report
    assert coloured(P._replace(checkpoint_gaming=gaming), report, least, 1.0) == report


def test_gaming_keeps_covenants_that_should_be_stopped(pib: Scenario) -> None:
    policy = pib.with_levers(STRICT)
    honest, gamed = ({"checkpoint_gaming": share} for share in (0.0, 0.5))
    assert mean(policy, "covenants_stopped", **gamed) < mean(policy, "covenants_stopped", **honest)
    assert mean(policy, "covenants_kept_wrongly", **gamed) > mean(policy, "covenants_kept_wrongly", **honest)


def test_where_progress_is_known_nobody_is_stopped_or_kept_wrongly(pib: Scenario) -> None:
    policy = pib.with_levers({**STRICT, "progress_information_share": 1})
    assert mean(policy, "covenants_stopped") > 0.0
    assert mean(policy, "covenants_stopped_wrongly") == 0.0
    assert mean(policy, "covenants_kept_wrongly") == 0.0


def test_without_checkpoints_nobody_is_stopped_kept_or_disciplined(pib: Scenario) -> None:
    usual, disciplined = (outcomes(pib, 1, checkpoint_discipline=share) for share in (0.0, 0.5))
    assert usual["covenants_stopped"] == usual["covenants_kept_wrongly"] == 0.0
    np.testing.assert_equal(usual, disciplined)


def test_a_checkpoint_that_stops_no_one_disciplines(pib: Scenario) -> None:
    """With discipline, members gain more contacts though the threshold is zero; without it, nothing changes."""
    harmless = pib.with_levers({"checkpoint_quarter": 8, "checkpoint_minimum_progress": 0.0})
    assert mean(harmless, "covenants_stopped") == 0.0
    gained = [mean(policy, "firms_with_contacts", checkpoint_discipline=0.5) for policy in (pib, harmless)]
    assert gained[1] > gained[0]
    assert mean(harmless, "firms_with_contacts") == mean(pib, "firms_with_contacts")


# --- refusals ---------------------------------------------------------------------------------------------------------


@given(quality=st.floats(0.0, 100.0), lesson=shares)
def test_a_lesson_closes_a_part_of_the_gap_to_a_perfect_plan(quality: float, lesson: float) -> None:
    p = P._replace(lesson_of_refusal=lesson)
    assert learned(p, quality, 0.0) == quality
    assert quality <= learned(p, quality, 1.0) <= 100.0 + 1e-9
    assert learned(P._replace(lesson_of_refusal=0.0), quality, 1.0) == quality


def test_those_who_try_again_count_twice_and_learning_lets_more_of_them_in(pib: Scenario) -> None:
    policy = pib.with_levers({"selection_threshold_points": 60})
    again, taught = {"reapplication_share": 1.0}, {"reapplication_share": 1.0, "lesson_of_refusal": 0.6}
    assert mean(policy, "rejections") > 3.0, "nobody was refused"
    assert mean(policy, "applications", **again) > mean(policy, "applications")
    assert mean(policy, "covenants", **taught) > mean(policy, "covenants", **again)
    assert mean(policy, "covenants", **again) >= mean(policy, "covenants")
    assert mean(policy, "rejections", **taught) < mean(policy, "rejections", **again)


def test_the_agencys_count_of_rejections_is_that_of_the_groups(pib: Scenario) -> None:
    inputs = pib.with_levers({"selection_threshold_points": 65}).inputs()
    run = simulate(opened(inputs, "reapplication_share"), 1)
    clusters, agency = run.world.clusters, run.world.agency
    used = slice(int(run.world.calendar.n_clusters[0]))
    refused = clusters.refusals[used].sum() + clusters.turned_down[used].sum()
    assert clusters.refusals.sum() > 0
    assert clusters.refusals.max() == 1
    assert agency.rejections[0] == refused


# --- follow-up --------------------------------------------------------------------------------------------------------


@given(bought=shares, own=shares, deadweight=shares)
def test_deadweight_takes_most_from_able_firms_and_nothing_from_those_without_capacity(
    bought: float, own: float, deadweight: float
) -> None:
    p = P._replace(follow_up_deadweight=deadweight)
    assert 0.0 <= beyond_own_effort(p, bought, own) <= bought
    assert beyond_own_effort(p, bought, 0.0) == bought
    assert beyond_own_effort(P._replace(follow_up_deadweight=0.0), bought, own) == bought


@pytest.mark.parametrize("name", ["follow_up_deadweight", "follow_up_dependence"])
def test_what_harms_follow_up_money_lowers_contracts_and_only_where_money_is_paid(
    pib: Scenario, name: str
) -> None:
    worst = {name: PARAMETERS[name].maximum}
    paid = pib.with_levers({"follow_up_years": 3, "follow_up_eur_per_firm_year": 20_000})
    unpaid = pib.with_levers({"follow_up_years": 3})
    assert mean(paid, "contracts", **worst) < mean(paid, "contracts")
    np.testing.assert_equal(outcomes(unpaid, 1, **worst), outcomes(unpaid, 1))
    np.testing.assert_equal(outcomes(pib, 1, **worst), outcomes(pib, 1))


# --- terms ------------------------------------------------------------------------------------------------------------


@given(place=shares, spread=st.floats(0.0, 8.0), usual=st.integers(8, 20))
def test_terms_are_the_usual_one_in_the_middle_and_never_nothing(
    place: float, spread: float, usual: int
) -> None:
    p = P._replace(term_spread_quarters=spread)
    assert term_quarters(P._replace(term_spread_quarters=0.0), usual, place) == usual
    assert term_quarters(p, usual, 0.5) == usual
    assert term_quarters(p, usual, place) >= 1
    assert abs(term_quarters(p, usual, place) - usual) <= spread + 0.5


def test_terms_spread_without_a_change_of_the_mean(pib: Scenario) -> None:
    def first_terms(spread: float) -> list[int]:
        found: list[int] = []
        for seed in SEEDS:
            world = simulate(pib.inputs({"term_spread_quarters": spread}), seed).world
            clusters, accounts = world.clusters, world.accounts
            awarded = (clusters.extended == 0) & (accounts.committed_cents > 0)
            found += (clusters.planned_end_quarter - clusters.start_quarter)[awarded].tolist()
        return found

    usual, spread = first_terms(0.0), first_terms(8.0)
    assert len(set(usual)) <= 2, "the usual term is one, or one by year"
    assert max(spread) - min(spread) > 10
    assert np.mean(spread) == pytest.approx(np.mean(usual), abs=0.75)
