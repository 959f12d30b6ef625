"""Coordinators: notice opportunities, gather groups, write applications, report, and leave when underpaid."""

from __future__ import annotations

import math

from passaat.model.groups import checkpoint_due, counted_members, mass
from passaat.model.kernel import purposes
from passaat.model.kernel.draws import GOLDEN_RATIO, combine, normal, uniform
from passaat.model.kernel.elementary import log
from passaat.model.kernel.rules import between, clip, larger, rule, towards_one, whole
from passaat.model.ledger import book_own_time
from passaat.model.offer import grants, share_started, support_expected
from passaat.model.ordinary_levers import ORDINARY_SELECTION_CRITERIA
from passaat.model.parameter_table import Parameters
from passaat.model.status import (
    APPLIED,
    CLOSED,
    CONSULTANT,
    DISSOLVED,
    EXTENDED,
    FILLING,
    FOLLOW_UP,
    INFORMAL,
    MEMBER_FIRM,
    READY,
    RUNNING,
    TRADE_ORGANISATION,
    is_covenant,
)
from passaat.model.units import FULL_POINTS, OUTSIDE_BOTTLENECKS
from passaat.model.world import World


@rule
def set_up_practice(world: World, k: int) -> None:
    """Coordinator: draw kind, reach of the network, skill, experience, fidelity and fee (RV08-RV10, CO05, CO11).

    In the rival structure without support people all are average.
    """
    coordinators, p = world.coordinators, world.parameters
    key = combine(combine(world.calendar.key[0], purposes.COORDINATOR), k)
    coordinators.key[k] = key
    coordinators.sector[k] = _sector_of(world, k)
    u = uniform(key, 0, purposes.COORDINATOR_KIND)
    coordinators.profession[k] = CONSULTANT
    if u < p.trade_organisation_share:
        coordinators.profession[k] = TRADE_ORGANISATION
    elif u < p.trade_organisation_share + p.member_firm_share:
        coordinators.profession[k] = MEMBER_FIRM
    spread = p.network_reach_spread
    reach = p.network_reach * between(uniform(key, 0, purposes.COORDINATOR_REACH), 1.0 - spread, 1.0 + spread)
    if coordinators.profession[k] == TRADE_ORGANISATION:
        reach = reach * p.trade_organisation_reach_factor
    coordinators.reach[k] = clip(reach, 0.0, 1.0)
    coordinators.skill[k] = uniform(key, 0, purposes.COORDINATOR_SKILL)
    highest = p.coordinator_experience_at_start_highest
    coordinators.experience[k] = highest * uniform(key, 0, purposes.COORDINATOR_EXPERIENCE)
    coordinators.fidelity[k] = between(uniform(key, 0, purposes.COORDINATOR_FIDELITY), p.fidelity_lowest, 1.0)
    spread = p.coordinator_fee_spread
    fee = between(uniform(key, 0, purposes.COORDINATOR_FEE), 1.0 - spread, 1.0 + spread)
    coordinators.expected_fee_eur[k] = p.coordinator_fee_expected_eur_year * fee
    coordinators.bid_market[k] = -1
    coordinators.latest_cluster[k] = -1
    if world.structure.support[0] == 1:
        coordinators.reach[k] = p.network_reach
        coordinators.skill[k] = 0.5
        coordinators.experience[k] = 0.5 * highest
        coordinators.fidelity[k] = 0.5 * (1.0 + p.fidelity_lowest)
        coordinators.expected_fee_eur[k] = p.coordinator_fee_expected_eur_year


@rule
def _sector_of(world: World, k: int) -> int:
    """Coordinators are spread evenly over the sectors by weight (golden-ratio sequence), whatever their number."""
    place = (k + 0.5) * GOLDEN_RATIO
    share = place - math.floor(place)
    for s in range(world.desks.key.shape[0]):
        if share < world.desks.share_up_to[s]:
            return s
    return int(world.desks.key.shape[0] - 1)


@rule
def notice_opportunity(world: World, k: int) -> None:
    """Coordinator: find the most promising market of the sector and, now and then, offer to form a group (CF20)."""
    coordinators, quarter = world.coordinators, world.calendar.quarter[0]
    coordinators.bid_market[k] = -1
    coordinators.bid_strength[k] = 0.0
    if not _free_to_start(world, k):
        return
    if uniform(coordinators.key[k], quarter, purposes.COORDINATOR_STARTS) >= _start_rate(world, k):
        return
    m = _most_promising_market(world, k)
    coordinators.bid_market[k] = m
    if m >= 0:
        coordinators.bid_strength[k] = 1.0 + coordinators.skill[k] + coordinators.experience[k]


@rule
def _free_to_start(world: World, k: int) -> bool:
    """Whether the coordinator is there, has no group that forms and few enough others, and the window is open."""
    coordinators, calendar = world.coordinators, world.calendar
    if coordinators.present[k] == 0 or _is_forming(world, k):
        return False
    full = coordinators.load[k] >= whole(world.parameters.coordinator_clusters_at_once)
    return bool(not full and calendar.quarter[0] <= calendar.window_last_quarter[0])


@rule
def _start_rate(world: World, k: int) -> float:
    """Rate at which a coordinator starts: experience makes openings easier to see (CO11).

    Few groups form where there is nothing to be had (``offer.py``). A good earlier group may re-form.
    """
    p, experience = world.parameters, world.coordinators.experience[k]
    rate = (
        p.coordinator_start_rate
        * (p.start_without_experience + experience)
        * (1.0 + _wish_to_re_form(world, k))
    )
    year = world.calendar.year[0]
    if not grants(world, year):
        return float(rate * p.informal_group_share)
    return float(rate * share_started(p, support_expected(world, year)))


@rule
def _most_promising_market(world: World, k: int) -> int:
    """The market of the coordinator's sector that promises most, of those where no group forms and it leads none."""
    coordinators, markets = world.coordinators, world.markets
    best, best_promise = -1, -math.inf
    for m in range(markets.key.shape[0]):
        if markets.sector[m] == coordinators.sector[k] and markets.forming_cluster[m] < 0:
            if not _leads_here(world, k, m):
                promise = _promise(world, k, m)
                if coordinators.at_random[k] == 1:
                    promise = uniform(
                        combine(coordinators.key[k], m),
                        world.calendar.quarter[0],
                        purposes.COORDINATOR_AT_RANDOM,
                    )
                if promise > best_promise:
                    best, best_promise = m, promise
    return best


@rule
def _wish_to_re_form(world: World, k: int) -> float:
    """How much sooner a coordinator starts again: by the cohesion of the last group, once that has closed (CF22)."""
    c = world.coordinators.latest_cluster[k]
    if c < 0 or (world.clusters.status[c] != CLOSED and world.clusters.status[c] != FOLLOW_UP):
        return 0.0
    return world.parameters.re_forming_gain * world.clusters.cohesion[c]


@rule
def _promise(world: World, k: int, m: int) -> float:
    """What a market promises to a coordinator: demand and receptivity, signals (CF20), and a taste of its own."""
    markets, p = world.markets, world.parameters
    country = markets.country[m]
    promise = log(p.market_promise_lowest + markets.demand_now[m] * markets.receptivity[m])
    if world.embassies.signalled_market[country] == m:
        promise += p.signal_weight * world.embassies.signal_strength[country]
    if world.desks.signalled_market[markets.sector[m]] == m:
        promise += p.signal_weight * p.desk_signal_strength
    return promise + p.coordinator_taste_sd * normal(
        combine(world.coordinators.key[k], markets.key[m]), 0, purposes.COORDINATOR_TASTE
    )


@rule
def _is_forming(world: World, k: int) -> bool:
    """Whether the coordinator has a group that has not yet been decided on."""
    c = world.coordinators.latest_cluster[k]
    return bool(c >= 0 and world.clusters.status[c] < RUNNING)


@rule
def _leads_here(world: World, k: int, m: int) -> bool:
    """Whether the coordinator leads a living group in market ``m``."""
    clusters = world.clusters
    c = world.coordinators.latest_cluster[k]
    while c >= 0:
        status = clusters.status[c]
        alive = status <= EXTENDED or status == INFORMAL
        if alive and clusters.market[c] == m and clusters.coordinator[c] == k:
            return True
        c = clusters.earlier_of_coordinator[c]
    return False


@rule
def write_application(world: World, k: int) -> None:
    """Coordinator: turn a group that is large enough into an application, or an informal one if nothing is to be had.

    The rules of that year hold for it from then on. The quality of the plan follows the assessors' four groups of
    criteria with the weights of their number: opportunity 4, organisation and capacity 5, strategy and role of
    government 4, impact 2 (technopolis2023 Table 3).
    """
    clusters, levers = world.clusters, world.levers
    c = world.coordinators.latest_cluster[k]
    if c < 0 or clusters.coordinator[c] != k or clusters.status[c] != READY:
        return
    year = world.calendar.year[0]
    clusters.rule_year[c] = year
    if world.calendar.quarter[0] > world.calendar.window_last_quarter[0]:
        clusters.status[c] = DISSOLVED  # too late to apply; in the world without programme as well
        return
    if not grants(world, year):
        clusters.status[c] = INFORMAL
        clusters.start_quarter[c] = world.calendar.quarter[0]
        clusters.planned_end_quarter[c] = clusters.start_quarter[c] + int(levers.covenant_quarters[year])
        return
    p = world.parameters
    clusters.path_covered[c] = _path_covered(world, c)
    clusters.quality[c] = learned(p, _quality_of_plan(world, k, c), 1.0 * clusters.refusals[c])
    clusters.status[c] = APPLIED
    clusters.applied_quarter[c] = world.calendar.quarter[0]
    paper = levers.selection_criteria[year] + p.path_criteria * levers.bottleneck_path_required[year]
    book_own_time(world, c, p.plan_cost_eur * paper / ORDINARY_SELECTION_CRITERIA)


@rule
def learned(p: Parameters, quality: float, refusals: float) -> float:
    """Quality of a plan in points, after the refusals from which the group learned."""
    return quality + clip(p.lesson_of_refusal * refusals, 0.0, 1.0) * (FULL_POINTS - quality)


@rule
def _path_covered(world: World, c: int) -> float:
    """Share of the three outside bottlenecks for which the plan has a path; a blocking barrier has none (R311, L10)."""
    barrier_path = 0.0 if world.markets.blocking[world.clusters.market[c]] == 1 else 1.0
    skill = world.coordinators.skill[world.clusters.coordinator[c]]
    found = between(skill, world.parameters.path_without_skill, 1.0)
    return ((OUTSIDE_BOTTLENECKS - 1.0) * found + barrier_path) / OUTSIDE_BOTTLENECKS


@rule
def _quality_of_plan(world: World, k: int, c: int) -> float:
    """Quality of an application in points, 0 to 100, before assessors' noise.

    A market that is large at the time outweighs doubts about a small group (SE08, CF16).
    """
    clusters, coordinators, m = world.clusters, world.coordinators, world.clusters.market[c]
    p, demand = world.parameters, world.markets.demand_now[m]
    opportunity = 0.5 * demand / (1.0 + demand) + 0.5 * world.markets.receptivity[m]
    experience = 0.5 * coordinators.experience[k] + 0.5 * clusters.mean_experience[c]
    other = 0.5 * (1.0 - p.organisation_by_experience)
    organisation = other * clusters.mean_capacity[c] + other * coordinators.skill[k]
    organisation += p.organisation_by_experience * experience
    country = world.markets.country[m]
    backing = world.embassies.standing[country] * world.embassies.present[country]
    strategy = (1.0 - p.strategy_by_backing) * clusters.path_covered[c] + p.strategy_by_backing * backing
    critical_mass = mass(clusters.n_members[c], p.critical_mass_members)
    impact = 0.5 * critical_mass + 0.5 * clusters.complementarity[c]
    levers, year = world.levers, clusters.rule_year[c]
    plan = weighted_mean(
        opportunity,
        organisation,
        strategy,
        impact,
        levers.weight_opportunity[year],
        levers.weight_organisation[year],
        levers.weight_strategy[year],
        levers.weight_impact[year],
    )
    return clip(
        p.quality_floor_points + plan * (FULL_POINTS - p.quality_floor_points),
        0.0,
        FULL_POINTS,
    )


@rule
def weighted_mean(
    a: float, b: float, c: float, d: float, weight_a: float, weight_b: float, weight_c: float, weight_d: float
) -> float:
    """Mean of four shares with weights; 0 where all weights are."""
    total = weight_a + weight_b + weight_c + weight_d
    if total <= 0.0:
        return 0.0
    return (weight_a * a + weight_b * b + weight_c * c + weight_d * d) / total


@rule
def inform_members(world: World, k: int) -> None:
    """Coordinator: let members know how each group fares; what is lost or late leaves them with the old picture (CO09).

    Reads true progress. Members' picture differs from what the steering group sees (``report_progress``), from what
    evaluators find out afterwards (``calibration/observation.py``) and from the truth.
    """
    clusters, c = world.clusters, world.coordinators.latest_cluster[k]
    while c >= 0:
        running = is_covenant(clusters.status[c])
        if running and clusters.coordinator[c] == k:
            told = clusters.progress_told[c]
            clusters.progress_told[c] = told + clusters.fidelity[c] * (clusters.progress_true[c] - told)
        c = clusters.earlier_of_coordinator[c]


@rule
def report_progress(world: World, k: int) -> None:
    """Coordinator: report progress of each cluster led; part truth, for the rest blurred hope (MO05, CO08)."""
    clusters, p = world.clusters, world.parameters
    c = world.coordinators.latest_cluster[k]
    while c >= 0:
        if is_covenant(clusters.status[c]) and clusters.coordinator[c] == k:
            truth_share = world.levers.progress_information_share[clusters.rule_year[c]]
            blur = p.report_noise_sd * normal(clusters.key[c], world.calendar.quarter[0], purposes.REPORT)
            report = reported(clusters.progress_tested[c], truth_share, p.report_hope, blur)
            if checkpoint_due(world, c):
                least = world.levers.checkpoint_minimum_progress[clusters.rule_year[c]]
                report = coloured(p, report, least, truth_share)
            clusters.progress_reported[c] = report
        c = clusters.earlier_of_coordinator[c]


@rule
def reported(progress: float, truth_share: float, hope: float, blur: float) -> float:
    """Progress as reported, 0 to 1: the share ``truth_share`` of the truth, for the rest hope, and blur with it."""
    return clip(truth_share * progress + (1.0 - truth_share) * (hope + blur), 0.0, 1.0)


@rule
def coloured(p: Parameters, report: float, least: float, truth_share: float) -> float:
    """A report at a checkpoint of known threshold: what lacks little is made to reach it, less where more is seen."""
    lacks = least - report
    return least if lacks > 0.0 and lacks <= p.checkpoint_gaming * (1.0 - truth_share) else report


@rule
def decide_to_stay(world: World, k: int) -> None:
    """Coordinator: leave a cluster that does not pay (CO01-CO03); a successor takes over with less grip.

    Also keeps the count of clusters led, and gains experience with each quarter of running one.
    """
    coordinators, clusters, p = world.coordinators, world.clusters, world.parameters
    quarter = world.calendar.quarter[0]
    load = 0
    c = coordinators.latest_cluster[k]
    while c >= 0:
        if clusters.coordinator[c] == k and (
            clusters.status[c] <= EXTENDED or clusters.status[c] == INFORMAL
        ):
            load += 1
        if clusters.coordinator[c] == k and is_covenant(clusters.status[c]):
            coordinators.experience[k] = towards_one(coordinators.experience[k], p.coordinator_learning)
            underpaid = _underpaid_share(world, c) if world.structure.support[0] == 0 else 0.0
            clusters.coordinator_quality[c] = towards_pay(
                clusters.coordinator_quality[c], underpaid, p.effort_loss_underpaid
            )
            leaves = p.coordinator_leave_rate * underpaid * underpaid
            if uniform(clusters.key[c], quarter, purposes.COORDINATOR_LEAVES) < leaves:
                clusters.coordinator[c] = -1
                clusters.coordinator_quality[c] = clusters.coordinator_quality[c] * p.successor_quality
                coordinators.resignations[k] += 1
                load -= 1
        c = clusters.earlier_of_coordinator[c]
    coordinators.load[k] = load


@rule
def towards_pay(quality: float, underpaid: float, loss: float) -> float:
    """Quality of coordination slips while the coordinator is underpaid: too little time for all visits (CO02, CO03)."""
    return quality * (1.0 - loss * underpaid)


@rule
def _underpaid_share(world: World, c: int) -> float:
    """Part of the expected fee that does not come in, 0 to 1: members' fees plus the programme's share."""
    clusters, k = world.clusters, world.clusters.coordinator[c]
    expected = world.coordinators.expected_fee_eur[k]
    public = expected * world.levers.coordinator_public_share[clusters.rule_year[c]]
    fee = world.parameters.member_fee_eur_year * (
        1.0 - world.levers.coordinator_public_share[clusters.rule_year[c]]
    )
    received = public + fee * clusters.n_members[c] * clusters.mean_commitment[c]
    return clip(1.0 - received / larger(expected, 1.0), 0.0, 1.0)


@rule
def hears_of(world: World, k: int, firm: int, c: int) -> bool:
    """Whether a firm is in the coordinator's own network (CO05, CF21): same sector, and by chance of the reach.

    In the rival structure without networks, every group ``c`` reaches any firms of the sector by lot.
    """
    if world.firms.sector[firm] != world.coordinators.sector[k]:
        return False
    if world.structure.network[0] == 1:
        lot = uniform(combine(world.clusters.key[c], world.firms.key[firm]), 0, purposes.NETWORK)
        return bool(lot < world.parameters.network_reach)
    pair = combine(world.coordinators.key[k], world.firms.key[firm])
    return bool(uniform(pair, 0, purposes.NETWORK) < world.coordinators.reach[k])


@rule
def give_up(world: World, k: int) -> None:
    """Coordinator: let go of a group that stayed too small."""
    c = world.coordinators.latest_cluster[k]
    if c >= 0 and world.clusters.status[c] == FILLING:
        too_small = counted_members(world, c) < world.levers.minimum_members[world.clusters.rule_year[c]]
        waited = world.calendar.quarter[0] - world.clusters.met_quarter[c]
        if too_small and waited >= whole(world.parameters.patience_quarters):
            world.clusters.status[c] = DISSOLVED
