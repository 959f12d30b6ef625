"""The offer: what a programme has to give by its published rules, and what a group may expect of it.

Environment, not an agent: coordinators, firms and the agency's desks read it. A programme that can grant nothing is no
programme to them.
"""

from __future__ import annotations

from passaat.model.kernel.elementary import exp, log
from passaat.model.kernel.rules import clip, rule
from passaat.model.ordinary_levers import ORDINARY_COVENANT_AMOUNT_EUR
from passaat.model.parameter_table import Parameters
from passaat.model.units import FULL_POINTS, QUARTERS_PER_YEAR
from passaat.model.world import World


@rule
def grants(world: World, year: int) -> bool:
    """Whether the rules of a year can give a group anything: there is a programme, and money or support to be reached.

    Nothing is to be had without a programme, behind a threshold above all points, of an amount of nothing that nothing
    comes on top of, or of an amount that no budget can pay.
    """
    levers = world.levers
    if levers.programme_on[year] == 0.0 or levers.selection_threshold_points[year] > FULL_POINTS:
        return False
    if levers.covenant_amount_eur[year] > 0.0:
        return bool(levers.programme_budget_eur_year[year] > 0.0)
    return _supports_beyond_the_amount(world, year)


@rule
def _supports_beyond_the_amount(world: World, year: int) -> bool:
    """Whether support comes on top of a covenant's amount: fees, travel, the coordinator's pay or follow-up."""
    levers = world.levers
    members = levers.sme_fee_support_share[year] + levers.sme_travel_support_eur_year[year]
    afterwards = levers.follow_up_eur_per_firm_year[year] + levers.follow_up_eur_per_cluster_year[year]
    follow_up = levers.follow_up_years[year] * afterwards
    return bool(members + levers.coordinator_public_share[year] + follow_up > 0.0)


@rule
def support_expected(world: World, year: int) -> float:
    """What a group may expect of the programme, 0 to 2: 1 is the ordinary amount, for certain and at once.

    By the share of applications that were not turned down so far, the amount, and the wait for a call.
    """
    if not grants(world, year):
        return 0.0
    levers, agency = world.levers, world.agency
    return expected(
        world.parameters,
        1.0 * agency.applications[0],
        1.0 * agency.rejections[0],
        levers.covenant_amount_eur[year] / ORDINARY_COVENANT_AMOUNT_EUR,
        levers.selection_calls_per_year[year],
    )


@rule
def expected(p: Parameters, applications: float, rejections: float, amount: float, calls: float) -> float:
    """Support that a group expects; ``amount`` is in ordinary ones, ``calls`` close in a year.

    Nobody knows the chance before the first decisions: it counts as certain, and what is seen weighs more with every
    application. A larger amount draws, though less and less. Who just missed a call waits for the next one.
    """
    chance = (1.0 + applications - rejections) / (1.0 + applications)
    worth = 2.0 * amount / (1.0 + amount)
    quarters = 0.5 * (QUARTERS_PER_YEAR / calls - 1.0)
    return chance * worth * exp(-p.waiting_discount * quarters)


@rule
def drawn_by(p: Parameters, support: float) -> float:
    """How many groups the support draws, relative to the ordinary offer: none by nothing, however little it weighs."""
    if support <= 0.0:
        return 0.0
    return exp(p.support_elasticity * log(support))


@rule
def share_started(p: Parameters, support: float) -> float:
    """Rate at which groups start under a programme, 1 in ordinary times: those that form anyway, and those drawn.

    Without a programme, few groups form (a rate that no source reports).
    """
    return clip(1.0 - (1.0 - p.informal_group_share) * (1.0 - drawn_by(p, support)), 0.0, 2.0)
