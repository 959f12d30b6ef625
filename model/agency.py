"""The agency: its desks signal chances and help with plans, its assessors select, its budget is shared out.

What it decides is here; what it costs and pays is booked in ``ledger.py``.
"""

from __future__ import annotations

import math

from passaat.model.groups import counted_members
from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, normal, uniform
from passaat.model.kernel.elementary import log
from passaat.model.kernel.rules import between, clip, larger, rule, smaller, towards_one, whole
from passaat.model.ledger import (
    book_assessment,
    book_hearing,
    book_looking_after,
    budget_for_cents,
    commit,
    draw_on_budget,
    hand_on_freed_money,
    offered_cents,
)
from passaat.model.offer import grants
from passaat.model.parameter_table import Parameters
from passaat.model.plans import plan_more
from passaat.model.status import (
    APPLIED,
    FOLLOW_UP,
    INCEPTION,
    INFORMAL,
    ONE_STAGE,
    READY,
    REJECTED,
    RETURNED,
    RUNNING,
    TO_FOLLOW_UP,
    is_covenant,
)
from passaat.model.units import CENTS_PER_EUR, FULL_POINTS, QUARTERS_PER_YEAR
from passaat.model.world import World


@rule
def open_agency(world: World, _row: int) -> None:
    """Agency: take its key; its budget comes with the first year."""
    world.agency.key[0] = combine(world.calendar.key[0], purposes.AGENCY)


@rule
def open_desk(world: World, s: int) -> None:
    """Desk: programme managers for one sector, with the experience they start with (PM01)."""
    desks = world.desks
    desks.key[s] = combine(combine(world.calendar.key[0], purposes.DESK), s)
    highest = world.parameters.desk_experience_at_start_highest
    desks.experience[s] = highest * uniform(desks.key[s], 0, purposes.DESK_EXPERIENCE)
    desks.signalled_market[s] = -1


@rule
def name_priority(world: World, m: int) -> None:
    """Ministry, through the agency: name markets as a priority, promising ones more often, in a blurred view (L21)."""
    markets, p = world.markets, world.parameters
    promise = markets.demand[m] * markets.receptivity[m]
    chance = clip(p.priority_markets_share * p.priority_promise_scale * promise / (1.0 + promise), 0.0, 1.0)
    markets.priority[m] = 1 if uniform(markets.key[m], 0, purposes.MARKET_PRIORITY) < chance else 0


@rule
def signal_chance(world: World, s: int) -> None:
    """Desk: now and then, tell coordinators of the sector's best market (CF20); experience sees more (PM01)."""
    desks, markets, calendar = world.desks, world.markets, world.calendar
    desks.signalled_market[s] = -1
    if not grants(world, calendar.year[0]):
        return
    p = world.parameters
    rate = p.desk_signal_rate * between(desks.experience[s], p.desk_signals_without_experience, 1.0)
    if uniform(desks.key[s], calendar.quarter[0], purposes.DESK_SIGNALS) >= rate:
        return
    best, best_promise = -1, 0.0
    for m in range(markets.key.shape[0]):
        promise = markets.demand_now[m] * markets.receptivity[m]
        if markets.sector[m] == s and promise > best_promise:
            best, best_promise = m, promise
    desks.signalled_market[s] = best


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
    return points + share * (FULL_POINTS - points)


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
    return (quarter_of_year * calls) % QUARTERS_PER_YEAR < calls


@rule
def _give_feedback(world: World, c: int) -> None:
    """Each round of feedback closes a part of the gap to a perfect plan; experienced managers close more."""
    clusters, p = world.clusters, world.parameters
    rounds = int(world.levers.feedback_rounds[clusters.rule_year[c]])
    help_given = desk_help(world, world.markets.sector[clusters.market[c]], clusters.rule_year[c])
    for _ in range(rounds):
        gain = p.feedback_gain * between(help_given, p.feedback_without_help, 1.0)
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
    """Mean of the assessors' scores: merit and a bonus, plus each assessor's error.

    Markets named as a priority may count extra. Where there is a second stage, a jury hears those near or above the
    threshold and errs less. In the rival structure of selection by lot the score says nothing about the plan.
    """
    levers, p, year = world.levers, world.parameters, world.clusters.rule_year[c]
    if world.structure.selection[0] == 1:
        return _score_by_lot(world, c)
    bonus = levers.priority_bonus_points[year] * world.markets.priority[world.clusters.market[c]]
    standing = _merit(world, c) + bonus
    noise = assessor_noise(
        p.assessor_noise_points, p.criteria_without_burden, levers.selection_criteria[year]
    )
    error = _sum_of_errors(world, c)
    first = mean_score(standing, noise, error, int(levers.assessors[year]))
    near = levers.selection_threshold_points[year] - p.inception_margin_points
    if levers.selection_stages[year] == ONE_STAGE or first < near:
        return first
    book_hearing(world, c)
    return mean_score(standing, p.jury_noise_ratio * noise, error, int(levers.assessors[year]))


@rule
def _merit(world: World, c: int) -> float:
    """What a group deserves in points, 0 to 100: the plan's quality, with capacity and SMEs mixed in by the rules."""
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    weight = levers.capacity_screening_weight[year]
    capacity = clip(world.parameters.capacity_score_offset + clusters.mean_capacity[c], 0.0, 1.0)
    merit = (1.0 - weight) * clusters.quality[c] + weight * FULL_POINTS * capacity
    smes = levers.sme_score_weight[year]
    return (1.0 - smes) * merit + smes * FULL_POINTS * clusters.n_smes[c] / larger(
        1.0 * clusters.n_companies[c], 1.0
    )


@rule
def _score_by_lot(world: World, c: int) -> float:
    """Rival structure: a score drawn by lot, with the mean and spread of ordinary ones."""
    p = world.parameters
    lot = normal(world.clusters.key[c], world.calendar.quarter[0], purposes.LOTTERY)
    return clip(p.lottery_mean_points + p.lottery_sd_points * lot, 0.0, FULL_POINTS)


@rule
def assessor_noise(points: float, criteria_without_burden: float, criteria: float) -> float:
    """How far one assessor errs, in points: with very few criteria an assessor sees less of a plan and errs more."""
    return points * math.sqrt(larger(criteria_without_burden / criteria, 1.0))


@rule
def _sum_of_errors(world: World, c: int) -> float:
    """The assessors' errors on one application, added up, each in units of ``assessor_noise``."""
    error = 0.0
    key, quarter = world.clusters.key[c], world.calendar.quarter[0]
    for assessor in range(int(world.levers.assessors[world.clusters.rule_year[c]])):
        error += normal(key, quarter + assessor * purposes.ASSESSOR_TICKS, purposes.ASSESSOR)
    return error


@rule
def mean_score(standing: float, noise: float, error: float, assessors: int) -> float:
    """Mean of the assessors' scores, 0 to 100: what a plan deserves, and the mean of their errors."""
    return clip(standing + noise * error / assessors, 0.0, FULL_POINTS)


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
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    book_assessment(world, c)
    quarters = _term_quarters(world, c)
    committed = _offer_cents(world, c, quarters)
    eligible = _is_eligible(world, c)
    good_enough = clusters.score[c] >= levers.selection_threshold_points[year]
    if eligible and good_enough and committed <= budget_for_cents(world, c):
        draw_on_budget(world, c, committed)
        start_covenant(world, c, committed, quarters)
    elif eligible and _gets_second_look(world, c):
        clusters.status[c] = INCEPTION
        clusters.planned_end_quarter[c] = world.calendar.quarter[0] + int(levers.inception_quarters[year])
    else:
        _turn_down(world, c)


@rule
def _term_quarters(world: World, c: int) -> int:
    """Term that a group asks for: shorter than usual where deals in its market come soon, longer where they do not."""
    p, usual = world.parameters, world.levers.covenant_quarters[world.clusters.rule_year[c]]
    shortest, longest = p.deal_cycle_shortest_quarters, p.deal_cycle_longest_quarters
    cycle = world.markets.deal_cycle_quarters[world.clusters.market[c]]
    return term_quarters(p, usual, log(cycle / shortest) / log(longest / shortest))


@rule
def term_quarters(p: Parameters, usual: float, place: float) -> int:
    """A covenant's term: the usual one in a market whose deals take as long as most; ``place`` is 0 to 1 of all."""
    quarters = whole(usual + p.term_spread_quarters * (2.0 * place - 1.0))
    return quarters if quarters > 1 else 1


@rule
def _offer_cents(world: World, c: int, quarters: int) -> int:
    """What a group would get for its term: the amount of the rules, larger or smaller with the ambition of its plan."""
    clusters, levers, p, year = world.clusters, world.levers, world.parameters, world.clusters.rule_year[c]
    ambition = between(
        uniform(clusters.key[c], 0, purposes.AMBITION), 1.0 - p.ambition_spread, 1.0 + p.ambition_spread
    )
    amount = smaller(
        levers.covenant_amount_eur[year] * ambition, p.largest_amount_ratio * levers.covenant_amount_eur[year]
    )
    half_members = p.members_for_half_amount * levers.co_funding_ratio[year]
    return offered_cents(amount, 1.0 * quarters, 1.0 * counted_members(world, c), half_members)


@rule
def _gets_second_look(world: World, c: int) -> bool:
    """Whether an application just below the threshold waits for a second look, where the rules foresee one (SE04)."""
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    threshold = levers.selection_threshold_points[year]
    margin = world.parameters.inception_margin_points
    near = clusters.score[c] < threshold and clusters.score[c] >= threshold - margin
    foreseen = int(levers.inception_quarters[year]) > 0 and threshold <= FULL_POINTS
    return bool(foreseen and near and clusters.status[c] == APPLIED)


@rule
def _turn_down(world: World, c: int) -> None:
    """Reject an application; the group may try once more, or go on informally, for as long as a covenant would have."""
    clusters, quarter = world.clusters, world.calendar.quarter[0]
    world.agency.rejections[0] += 1
    if _tries_again(world, c):
        clusters.refusals[c] += 1
        clusters.status[c] = READY
        return
    clusters.turned_down[c] = 1
    drawn = uniform(clusters.key[c], 0, purposes.GOING_ON_ALONE)
    goes_on = drawn < world.parameters.informal_group_share
    clusters.status[c] = INFORMAL if goes_on else REJECTED
    clusters.end_quarter[c] = -1 if goes_on else quarter
    if goes_on:
        term = int(world.levers.covenant_quarters[clusters.rule_year[c]])
        clusters.planned_end_quarter[c] = quarter + term


@rule
def _tries_again(world: World, c: int) -> bool:
    """Whether a group that was turned down applies once more; its coordinator must have started no other group."""
    clusters, k = world.clusters, world.clusters.coordinator[c]
    if k < 0 or clusters.refusals[c] > 0 or world.coordinators.latest_cluster[k] != c:
        return False
    drawn = uniform(clusters.key[c], 0, purposes.TRYING_AGAIN)
    return bool(drawn < world.parameters.reapplication_share)


@rule
def start_covenant(world: World, c: int, committed_cents: int, quarters: int) -> None:
    """Commit the money and start the clock; the desk learns from every covenant it handles (PM01)."""
    clusters, quarter = world.clusters, world.calendar.quarter[0]
    commit(world, c, committed_cents)
    clusters.status[c] = RUNNING
    clusters.start_quarter[c] = quarter
    clusters.planned_end_quarter[c] = quarter + quarters
    desk = world.markets.sector[clusters.market[c]]
    world.desks.experience[desk] = towards_one(world.desks.experience[desk], world.parameters.desk_learning)


@rule
def look_after(world: World, _row: int) -> None:
    """Agency: run the covenants; every one costs administration each quarter and occupies its desk (PM02)."""
    clusters, desks = world.clusters, world.desks
    for s in range(desks.key.shape[0]):
        desks.load[s] = 0
    for c in range(world.calendar.n_clusters[0]):
        status = clusters.status[c]
        if is_covenant(status) or status == FOLLOW_UP:
            book_looking_after(world, c)
        if is_covenant(status):
            desks.load[world.markets.sector[clusters.market[c]]] += 1


@rule
def reuse_freed_money(world: World, _row: int) -> None:
    """Agency: give money of stopped and lagging covenants to the one that reports most, or to its follow-up (L09).

    Where the rules say so (levers ``freed_money_use``, ``concentration_share``); otherwise it has gone back to the
    treasury already.
    """
    clusters = world.clusters
    if world.agency.freed_cents[0] == 0:
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
    to_follow_up = world.levers.freed_money_use[clusters.rule_year[best]] == TO_FOLLOW_UP
    freed = hand_on_freed_money(world, best, to_follow_up)
    if not to_follow_up:
        plan_more(world, best, freed / CENTS_PER_EUR)
