"""The agency: its desks signal chances and help with plans, its assessors select, its budget is shared out."""

from __future__ import annotations

import math

from passaat.model import purposes
from passaat.model.coordinator import counted_members, mass
from passaat.model.draws import combine, normal, uniform
from passaat.model.plans import plan_more
from passaat.model.rules import between, clip, larger, rule, smaller, towards_one, whole_cents
from passaat.model.status import (
    APPLIED,
    FOLLOW_UP,
    FORMING,
    INCEPTION,
    INFORMAL,
    REJECTED,
    RUNNING,
    is_covenant,
)
from passaat.model.world import World

RETURNED = 0.0
TO_BEST_PERFORMERS = 1.0
TO_FOLLOW_UP = 2.0
"""Codes of the lever ``freed_money_use``."""

LARGEST_PART = 1.2
"""The largest covenant was 420 thousand EUR, 1.2 times the reference amount of 350 (technopolis2023 s2.4.3)."""

ORDINARY_INFORMATION = 0.6
"""Share of true progress known with ordinary reporting, as in the years with a baseline measurement (lever
``progress_information_share``); knowing more costs money."""

ORDINARY_HANDOVER = 0.3
"""Share of a manager's experience that survives a change without a system for it (default of the lever
``knowledge_handover_share``); keeping more costs money."""

USUAL_COVENANTS = 10.0
"""Covenants per programme manager in practice (default of the lever ``covenants_per_manager``)."""

ASSESSOR_TICKS = 1000
"""Assessor n draws at tick quarter + n x 1000, so that a further assessor leaves the others' judgement as it is."""


@rule
def open_agency(world: World, _row: int) -> None:
    """Agency: take its key; its budget comes with the first year."""
    world.agency.key[0] = combine(world.calendar.key[0], purposes.AGENCY)


@rule
def open_desk(world: World, s: int) -> None:
    """Desk: programme managers for one sector, with the experience they start with (PM01)."""
    desks = world.desks
    desks.key[s] = combine(combine(world.calendar.key[0], purposes.DESK), s)
    desks.experience[s] = 0.5 * uniform(desks.key[s], 0, purposes.DESK_EXPERIENCE)
    desks.signalled_market[s] = -1


@rule
def name_priority(world: World, m: int) -> None:
    """Ministry, through the agency: name markets as a priority, promising ones more often, in a blurred view (L21)."""
    markets = world.markets
    promise = markets.demand[m] * markets.receptivity[m]
    chance = clip(world.parameters.priority_markets_share * 2.6 * promise / (1.0 + promise), 0.0, 1.0)
    markets.priority[m] = 1 if uniform(markets.key[m], 0, purposes.MARKET_PRIORITY) < chance else 0


@rule
def signal_chance(world: World, s: int) -> None:
    """Desk: now and then, tell coordinators of the sector's best market (CF20); experience sees more (PM01)."""
    desks, markets, calendar = world.desks, world.markets, world.calendar
    desks.signalled_market[s] = -1
    if world.levers.programme_on[calendar.year[0]] == 0.0:
        return
    rate = world.parameters.desk_signal_rate * (0.5 + 0.5 * desks.experience[s])
    if uniform(desks.key[s], calendar.quarter[0], purposes.DESK_SIGNALS) >= rate:
        return
    best, best_promise = -1, 0.0
    for m in range(markets.key.shape[0]):
        promise = markets.demand_now[m] * markets.receptivity[m]
        if markets.sector[m] == s and promise > best_promise:
            best, best_promise = m, promise
    desks.signalled_market[s] = best


@rule
def open_groups(world: World, _row: int) -> None:
    """World: give each winning bid of this quarter a row for its group and a block for its members.

    Bookkeeping, not a choice of the agency: who leads and where was settled by coordinators' bids.
    """
    for m in range(world.markets.key.shape[0]):
        if world.markets.bid_winner[m] >= 0 and open_group(world, m, world.markets.bid_winner[m]) < 0:
            return


@rule
def open_group(world: World, m: int, k: int) -> int:
    """Write the first row of a group that coordinator ``k`` gathers for market ``m``; -1 if the table is full."""
    markets, clusters, calendar = world.markets, world.clusters, world.calendar
    c = calendar.n_clusters[0]
    if c >= len(clusters.key):
        calendar.fault[0] = 1
        return -1
    calendar.n_clusters[0] = c + 1
    quarter = calendar.quarter[0]
    key = combine(combine(world.coordinators.key[k], markets.key[m]), quarter)
    clusters.key[c] = key
    clusters.coordinator[c] = k
    clusters.coordinator_quality[c] = 0.3 + 0.7 * world.coordinators.skill[k]
    clusters.span[c] = world.parameters.coordinator_span_members * (0.5 + world.coordinators.skill[k])
    clusters.fidelity[c] = world.coordinators.fidelity[k]
    clusters.market[c] = m
    clusters.earlier_of_coordinator[c] = world.coordinators.latest_cluster[k]
    clusters.earlier_in_market[c] = markets.latest_cluster[m]
    clusters.status[c] = FORMING
    clusters.met_quarter[c] = quarter
    clusters.rule_year[c] = calendar.year[0]
    clusters.applied_quarter[c] = -1
    clusters.start_quarter[c] = -1
    clusters.end_quarter[c] = -1
    clusters.follow_up_end_quarter[c] = -1
    clusters.first_membership[c] = c * calendar.block[0]
    clusters.liaison[c] = -1
    clusters.favoured_firm[c] = -1
    agreed = 0.5 * world.coordinators.skill[k] + 0.5 * world.coordinators.experience[k]
    clusters.agreement[c] = 1 if uniform(key, 0, purposes.AGREEMENT) < agreed else 0
    world.coordinators.latest_cluster[k] = c
    world.coordinators.clusters_led[k] += 1
    markets.latest_cluster[m] = c
    markets.forming_cluster[m] = c
    return int(c)


@rule
def open_budget_year(world: World, _row: int) -> None:
    """Agency: at the start of each year, receive that year's budget; what was left returns to the treasury.

    A part of it may be kept for markets named as a priority (L21).
    """
    calendar = world.calendar
    if calendar.quarter_of_year[0] == 0:
        budget_eur = world.levers.programme_budget_eur_year[calendar.year[0]]
        open_share = 1.0 - world.levers.priority_budget_share[calendar.year[0]]
        world.agency.budget_left_cents[0] = whole_cents(budget_eur)
        world.agency.unreserved_cents[0] = whole_cents(budget_eur * open_share)


@rule
def assess(world: World, _row: int) -> None:
    """Agency: score what was applied for last quarter, then award from the best score down while money lasts.

    An application below the threshold is rejected, or, where the rules have an inception phase and the gap is
    small, waits for a second look (SE04). Some groups that are turned down go on without a covenant. Feedback by an
    experienced desk improves the plan first (SE01, PM01).
    """
    clusters, calendar = world.clusters, world.calendar
    for c in range(calendar.n_clusters[0]):
        due = clusters.status[c] == APPLIED and clusters.applied_quarter[c] + 1 == calendar.quarter[0]
        due_again = clusters.status[c] == INCEPTION and clusters.planned_end_quarter[c] <= calendar.quarter[0]
        if due or due_again:
            if due:
                world.agency.applications[0] += 1
                _give_feedback(world, c)
            else:
                clusters.quality[c] = towards_hundred(clusters.quality[c], world.parameters.inception_gain)
            clusters.score[c] = _score(world, c)
    while True:
        best, best_score = -1, -1.0
        for c in range(calendar.n_clusters[0]):
            if _awaits_decision(world, c) and clusters.score[c] > best_score:
                best, best_score = c, clusters.score[c]
        if best < 0:
            return
        _decide(world, best)


@rule
def towards_hundred(points: float, share: float) -> float:
    """Close a share of the gap between ``points`` and 100."""
    return points + share * (100.0 - points)


@rule
def _awaits_decision(world: World, c: int) -> bool:
    """Whether the group's application is decided now: at the next call after it came in, or after its inception."""
    clusters, quarter = world.clusters, world.calendar.quarter[0]
    if clusters.status[c] == APPLIED:
        calls = int(world.levers.selection_calls_per_year[clusters.rule_year[c]])
        return bool(
            clusters.applied_quarter[c] < quarter and is_call(world.calendar.quarter_of_year[0], calls)
        )
    return bool(clusters.status[c] == INCEPTION and clusters.planned_end_quarter[c] <= quarter)


@rule
def is_call(quarter_of_year: int, calls: int) -> bool:
    """Whether a call closes this quarter, of ``calls`` spread over the year; the first is in the first quarter."""
    return (quarter_of_year * calls) % 4 < calls


@rule
def _give_feedback(world: World, c: int) -> None:
    """Each round of feedback closes a part of the gap to a perfect plan; experienced managers close more."""
    clusters = world.clusters
    rounds = int(world.levers.feedback_rounds[clusters.rule_year[c]])
    help_given = desk_help(world, world.markets.sector[clusters.market[c]], clusters.rule_year[c])
    for _ in range(rounds):
        gain = world.parameters.feedback_gain * (0.5 + 0.5 * help_given)
        clusters.quality[c] = towards_hundred(clusters.quality[c], gain)
        if world.markets.blocking[clusters.market[c]] == 0:
            clusters.path_covered[c] = towards_one(clusters.path_covered[c], gain)
    clusters.feedback_given[c] = rounds


@rule
def desk_help(world: World, s: int, year: int) -> float:
    """Help of a desk, 0 to 1: experience, as far as its managers have time for each covenant (PM01, PM05, PM06)."""
    time = clip(world.parameters.covenants_well_served / world.levers.covenants_per_manager[year], 0.0, 1.0)
    return float(world.desks.experience[s] * time)


@rule
def change_managers(world: World, s: int) -> None:
    """Desk: now and then a manager leaves, and takes along what was not written down (PM02, L13)."""
    desks, calendar = world.desks, world.calendar
    leaves = uniform(desks.key[s], calendar.quarter[0], purposes.MANAGER_LEAVES)
    if leaves < world.parameters.manager_turnover_rate:
        desks.managers_left[s] += 1
        kept = world.levers.knowledge_handover_share[calendar.year[0]]
        desks.experience[s] = desks.experience[s] * kept


@rule
def _score(world: World, c: int) -> float:
    """Mean of the assessors' scores: the plan's quality, screened capacity mixed in, plus each assessor's error.

    With very few criteria an assessor sees less of a plan and errs more. SMEs and markets named as a priority may count
    extra. Where there is a second stage, a jury hears those near or above the threshold and errs less. In the rival
    structure of selection by lot the score says nothing about the plan.
    """
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    weight = levers.capacity_screening_weight[year]
    capacity = clip(world.parameters.capacity_score_offset + clusters.mean_capacity[c], 0.0, 1.0)
    merit = (1.0 - weight) * clusters.quality[c] + weight * 100.0 * capacity
    smes = levers.sme_score_weight[year]
    merit = (1.0 - smes) * merit + smes * 100.0 * clusters.n_smes[c] / larger(
        1.0 * clusters.n_companies[c], 1.0
    )
    if world.structure.selection[0] == 1:
        p = world.parameters
        lot = normal(clusters.key[c], world.calendar.quarter[0], purposes.LOTTERY)
        return clip(p.lottery_mean_points + p.lottery_sd_points * lot, 0.0, 100.0)
    assessors = int(levers.assessors[year])
    error = 0.0
    for n in range(assessors):
        error += normal(clusters.key[c], world.calendar.quarter[0] + n * ASSESSOR_TICKS, purposes.ASSESSOR)
    fewer = larger(world.parameters.criteria_without_burden / levers.selection_criteria[year], 1.0)
    noise = world.parameters.assessor_noise_points * math.sqrt(fewer)
    bonus = levers.priority_bonus_points[year] * world.markets.priority[clusters.market[c]]
    first = clip(merit + bonus + noise * error / assessors, 0.0, 100.0)
    near = levers.selection_threshold_points[year] - world.parameters.inception_margin_points
    if levers.selection_stages[year] < 2.0 or first < near:
        return first
    _book_administration(world, c, world.parameters.jury_cost_eur)
    return clip(merit + bonus + world.parameters.jury_noise_ratio * noise * error / assessors, 0.0, 100.0)


@rule
def _is_eligible(world: World, c: int) -> bool:
    """Rules that no score can make up for: size, SME share, blocked markets, a path for every bottleneck."""
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    if counted_members(world, c) < levers.minimum_members[year]:
        return False
    if clusters.n_smes[c] < levers.minimum_sme_share[year] * clusters.n_companies[c]:
        return False
    if levers.blocked_markets_excluded[year] == 1.0 and world.markets.blocking[clusters.market[c]] == 1:
        return False
    wanted = world.parameters.path_required_share
    return bool(levers.bottleneck_path_required[year] == 0.0 or clusters.path_covered[c] >= wanted)


@rule
def _decide(world: World, c: int) -> None:
    """Award, defer or reject one application; an award commits money from this year's budget."""
    clusters, levers, agency, p = world.clusters, world.levers, world.agency, world.parameters
    year, quarter = clusters.rule_year[c], world.calendar.quarter[0]
    threshold = levers.selection_threshold_points[year]
    _book_administration(world, c, _assessment_cost_eur(world, year))
    ambition = between(
        uniform(clusters.key[c], 0, purposes.AMBITION), 1.0 - p.ambition_spread, 1.0 + p.ambition_spread
    )
    amount = smaller(
        levers.covenant_amount_eur[year] * ambition, LARGEST_PART * levers.covenant_amount_eur[year]
    )
    half_members = p.members_for_half_amount * levers.co_funding_ratio[year]
    committed = offered_cents(
        amount, levers.covenant_quarters[year], 1.0 * counted_members(world, c), half_members
    )
    eligible = _is_eligible(world, c)
    if eligible and clusters.score[c] >= threshold and committed <= _money_for(world, c):
        agency.budget_left_cents[0] -= committed
        if world.markets.priority[clusters.market[c]] == 0:
            agency.unreserved_cents[0] -= committed
        start_covenant(world, c, committed, int(levers.covenant_quarters[year]))
        return
    waits = int(levers.inception_quarters[year])
    near = clusters.score[c] < threshold and clusters.score[c] >= threshold - p.inception_margin_points
    if eligible and waits > 0 and clusters.status[c] == APPLIED and near and threshold <= 100.0:
        clusters.status[c] = INCEPTION
        clusters.planned_end_quarter[c] = quarter + waits
        return
    clusters.turned_down[c] = 1
    agency.rejections[0] += 1
    goes_on = uniform(clusters.key[c], 0, purposes.GOING_ON_ALONE) < p.informal_group_share
    clusters.status[c] = INFORMAL if goes_on else REJECTED
    clusters.end_quarter[c] = -1 if goes_on else quarter
    if goes_on:
        clusters.planned_end_quarter[c] = quarter + int(levers.covenant_quarters[year])


@rule
def _money_for(world: World, c: int) -> int:
    """Money of this year that an application can draw on: all that is left if its market is a named priority."""
    agency = world.agency
    if world.markets.priority[world.clusters.market[c]] == 1:
        return int(agency.budget_left_cents[0])
    less = agency.unreserved_cents[0] < agency.budget_left_cents[0]
    return int(agency.unreserved_cents[0] if less else agency.budget_left_cents[0])


@rule
def start_covenant(world: World, c: int, committed_cents: int, quarters: int) -> None:
    """Commit the money and start the clock; the desk learns from every covenant it handles (PM01)."""
    clusters, quarter = world.clusters, world.calendar.quarter[0]
    world.agency.committed_cents[0] += committed_cents
    world.accounts.committed_cents[c] += committed_cents
    clusters.status[c] = RUNNING
    clusters.start_quarter[c] = quarter
    clusters.planned_end_quarter[c] = quarter + quarters
    desk = world.markets.sector[clusters.market[c]]
    world.desks.experience[desk] = towards_one(world.desks.experience[desk], world.parameters.desk_learning)


@rule
def _assessment_cost_eur(world: World, year: int) -> float:
    """What one assessment costs the agency: half of it grows with the assessors, screening and feedback come on top."""
    levers, p = world.levers, world.parameters
    screening = p.screening_cost_eur if levers.capacity_screening_weight[year] > 0.0 else 0.0
    feedback = p.feedback_cost_eur * levers.feedback_rounds[year]
    return p.application_cost_eur * (0.5 + 0.25 * levers.assessors[year]) + screening + feedback


@rule
def offered_cents(amount_eur: float, quarters: float, members: float, half_members: float) -> int:
    """Public money offered: the reference amount for four years, pro rata to the term, rising with what members match.

    The cluster has to match the amount, mostly in kind, so a small group is offered less: half of the amount at
    ``half_members`` members (technopolis2023 s2.4.3: 40 to 420 thousand EUR around a reference of 350 thousand).
    """
    return whole_cents(amount_eur * (quarters / 16.0) * mass(members, half_members))


@rule
def _book_administration(world: World, c: int, eur: float) -> None:
    """Book cost of the agency itself to a group."""
    cents = whole_cents(eur)
    world.accounts.administration_cents[c] += cents
    world.agency.paid_cents[0] += cents


@rule
def look_after(world: World, _row: int) -> None:
    """Agency: run the covenants; every one costs administration each quarter and occupies its desk (PM02)."""
    clusters, desks = world.clusters, world.desks
    for s in range(desks.key.shape[0]):
        desks.load[s] = 0
    for c in range(world.calendar.n_clusters[0]):
        status = clusters.status[c]
        if is_covenant(status) or status == FOLLOW_UP:
            _book_administration(world, c, _administration_eur(world, c))
        if is_covenant(status):
            desks.load[world.markets.sector[clusters.market[c]]] += 1


@rule
def _administration_eur(world: World, c: int) -> float:
    """Cost of one covenant this quarter: administration and better information; less of it in a follow-up phase."""
    levers, p, year = world.levers, world.parameters, world.clusters.rule_year[c]
    extra_information = larger(levers.progress_information_share[year] - ORDINARY_INFORMATION, 0.0)
    monitoring = p.monitoring_eur_quarter * extra_information
    kept = larger(levers.knowledge_handover_share[year] - ORDINARY_HANDOVER, 0.0)
    monitoring += p.knowledge_system_eur_year / 4.0 * kept
    staff = 1.0 + p.manager_cost_share * (USUAL_COVENANTS / levers.covenants_per_manager[year] - 1.0)
    if world.clusters.status[c] == FOLLOW_UP:
        return p.administration_eur_quarter * p.follow_up_administration_share
    return p.administration_eur_quarter * staff + monitoring


@rule
def book_embassy_days(world: World, c: int, extra_share: float) -> None:
    """Book embassy time that the lever ``embassy_time_factor`` bought; ordinary embassy time is counted in no world."""
    days = extra_share * world.parameters.embassy_days_asked_per_cluster
    if days > 0.0:
        _book_administration(world, c, days * world.parameters.embassy_day_eur)


@rule
def book_liaison_screening(world: World, c: int) -> None:
    """Book what looking into a liaison's fit before appointment costs the agency (L02, K02)."""
    _book_administration(world, c, world.parameters.liaison_screening_cost_eur)


@rule
def book_checkpoint(world: World, c: int) -> None:
    """Book what one go/no-go decision costs the agency."""
    _book_administration(world, c, world.parameters.checkpoint_cost_eur)


@rule
def reuse_freed_money(world: World, _row: int) -> None:
    """Agency: give money of stopped and lagging covenants to the one that reports most, or to its follow-up (L09).

    Where the rules say so (levers ``freed_money_use``, ``concentration_share``); otherwise it has gone back to the
    treasury already.
    """
    agency, clusters, accounts = world.agency, world.clusters, world.accounts
    if agency.freed_cents[0] == 0:
        return
    best, best_progress = -1, -1.0
    for c in range(world.calendar.n_clusters[0]):
        running = is_covenant(clusters.status[c])
        year = clusters.rule_year[c]
        takes = world.levers.freed_money_use[year] != RETURNED or world.levers.concentration_share[year] > 0.0
        if running and takes and clusters.progress_reported[c] > best_progress:
            best, best_progress = c, clusters.progress_reported[c]
    if best < 0:
        return
    freed = agency.freed_cents[0]
    agency.freed_cents[0] = 0
    agency.committed_cents[0] += freed
    accounts.committed_cents[best] += freed
    if world.levers.freed_money_use[clusters.rule_year[best]] == TO_FOLLOW_UP:
        accounts.follow_up_reserve_cents[best] += freed
    else:
        plan_more(world, best, freed / 100.0)
