"""The ledger: what everything costs, and every cent booked to one group and purpose.

Only rules of this file write money: totals into ``agency``, amounts by group into ``accounts``, and the same by year
into ``money_by_year_cents``, in whole cents, so that no order of booking matters. Who spends, and on what, is decided
in the files of those who decide.
"""

from __future__ import annotations

from passaat.model.groups import mass
from passaat.model.kernel.rules import larger, rule, whole_cents
from passaat.model.ordinary_levers import (
    ORDINARY_ASSESSORS,
    ORDINARY_COVENANTS_PER_MANAGER,
    ORDINARY_KNOWLEDGE_HANDOVER_SHARE,
    ORDINARY_PROGRESS_INFORMATION_SHARE,
)
from passaat.model.status import (
    COMMITTED,
    FOLLOW_UP,
    FOR_ACTIVITIES,
    FOR_ADMINISTRATION,
    FOR_BRANDING,
    FOR_FOLLOW_UP,
    FOR_LIAISON,
    FOR_SUPPORT,
    LET_GO,
    PRIVATE,
)
from passaat.model.units import CENTS_PER_EUR, QUARTERS_PER_YEAR, TERM_QUARTERS
from passaat.model.world import World

# --- the books --------------------------------------------------------------------------------------------------------


@rule
def _enter(world: World, c: int, entry: int, cents: int) -> None:
    """Enter a sum in the books of a group for the current year."""
    world.money_by_year_cents[c, entry, world.calendar.year[0]] += cents


# --- the year's budget ------------------------------------------------------------------------------------------------


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
def budget_for_cents(world: World, c: int) -> int:
    """Money of this year that an application can draw on: all that is left if its market is a named priority."""
    agency = world.agency
    if world.markets.priority[world.clusters.market[c]] == 1:
        return int(agency.budget_left_cents[0])
    less = agency.unreserved_cents[0] < agency.budget_left_cents[0]
    return int(agency.unreserved_cents[0] if less else agency.budget_left_cents[0])


@rule
def draw_on_budget(world: World, c: int, cents: int) -> None:
    """Take an award from this year's budget; for a market that is no priority, from its open part as well."""
    world.agency.budget_left_cents[0] -= cents
    if world.markets.priority[world.clusters.market[c]] == 0:
        world.agency.unreserved_cents[0] -= cents


# --- money of a covenant ----------------------------------------------------------------------------------------------


@rule
def offered_cents(amount_eur: float, quarters: float, members: float, half_members: float) -> int:
    """Public money offered: the reference amount for four years, pro rata to the term, rising with what members match.

    The cluster has to match the amount, mostly in kind, so a small group is offered less: half of the amount at
    ``half_members`` members (technopolis2023 s2.4.3: 40 to 420 thousand EUR around a reference of 350 thousand).
    """
    return whole_cents(amount_eur * (quarters / TERM_QUARTERS) * mass(members, half_members))


@rule
def commit(world: World, c: int, cents: int) -> None:
    """Commit public money to a group."""
    world.accounts.committed_cents[c] += cents
    _enter(world, c, COMMITTED, cents)
    world.agency.committed_cents[0] += cents


@rule
def money_left_cents(world: World, c: int) -> int:
    """Committed money not yet spent, set aside or released, in cents."""
    a = world.accounts
    spent = a.activities_cents[c] + a.liaison_cents[c] + a.branding_cents[c] + a.support_cents[c]
    return int(a.committed_cents[c] - spent - a.released_cents[c] - a.follow_up_reserve_cents[c])


@rule
def covenant_eur(world: World, c: int) -> float:
    """Money of the covenant in EUR, without the support of SMEs and coordinators that comes on top of it."""
    accounts = world.accounts
    return float((accounts.committed_cents[c] - accounts.support_cents[c]) / CENTS_PER_EUR)


@rule
def within_cents(wanted: int, left: int) -> int:
    """What can be paid of ``wanted`` cents: as much as is left, and never less than nothing."""
    paid = wanted if wanted < left else left
    return paid if paid > 0 else 0


@rule
def pay_activities(world: World, c: int, units: float, unit_eur: float, public_share: float) -> float:
    """Units that the money left can pay, of ``units`` wanted; books the public share, and the rest to the members."""
    cost = whole_cents(units * unit_eur)
    left = money_left_cents(world, c)
    due = whole_cents(units * unit_eur * public_share)
    if cost <= 0 or (due > 0 and left <= 0):
        return 0.0
    if due > left:
        units = units * left / due
        cost = whole_cents(cost / CENTS_PER_EUR * left / due)
        due = left
    world.accounts.activities_cents[c] += due
    world.accounts.own_activity_cents[c] += cost - due
    _enter(world, c, FOR_ACTIVITIES, due)
    _enter(world, c, PRIVATE, cost - due)
    world.agency.paid_cents[0] += due
    return units


@rule
def pay_branding(world: World, c: int, quarters_left: float) -> float:
    """Pay this quarter's part of the branding budget, spread over what is left of the term; what was paid, in EUR."""
    accounts = world.accounts
    budget = whole_cents(covenant_eur(world, c) * world.parameters.branding_share)
    due = int((budget - accounts.branding_cents[c]) / quarters_left)
    paid = within_cents(due, money_left_cents(world, c))
    accounts.branding_cents[c] += paid
    _enter(world, c, FOR_BRANDING, paid)
    world.agency.paid_cents[0] += paid
    return paid / CENTS_PER_EUR


@rule
def pay_liaison(world: World, c: int, price_eur_year: float) -> None:
    """Pay a liaison for a quarter, up to the largest part of a covenant that may go there and to what is left."""
    accounts = world.accounts
    price = whole_cents(price_eur_year / QUARTERS_PER_YEAR)
    most = whole_cents(covenant_eur(world, c) * world.parameters.liaison_share_highest)
    most -= accounts.liaison_cents[c]
    left = money_left_cents(world, c)
    paid = within_cents(price, left if left < most else most)
    accounts.liaison_cents[c] += paid
    _enter(world, c, FOR_LIAISON, paid)
    world.agency.paid_cents[0] += paid


@rule
def pay_support(world: World, c: int, eur: float) -> None:
    """Pay support of members and coordinator, which comes on top of what the covenant was committed."""
    cents = whole_cents(eur)
    commit(world, c, cents)
    world.accounts.support_cents[c] += cents
    _enter(world, c, FOR_SUPPORT, cents)
    world.agency.paid_cents[0] += cents


@rule
def book_fees(world: World, c: int, paid_eur: float, unpaid_eur: float) -> None:
    """Book what members pay the coordinator, and what is missing of the fee that the coordinator expected."""
    paid = whole_cents(paid_eur)
    world.accounts.fees_cents[c] += paid
    _enter(world, c, PRIVATE, paid)
    world.accounts.unpaid_cents[c] += whole_cents(unpaid_eur)


@rule
def book_own_time(world: World, c: int, eur: float) -> None:
    """Book the worth of members' own time."""
    cents = whole_cents(eur)
    world.accounts.in_kind_cents[c] += cents
    _enter(world, c, PRIVATE, cents)


# --- money that comes free, and follow-up -----------------------------------------------------------------------------


@rule
def release(world: World, c: int, cents: int) -> None:
    """Let go of committed money that will not be spent."""
    world.accounts.released_cents[c] += cents
    _enter(world, c, LET_GO, cents)


@rule
def release_reserve(world: World, c: int) -> int:
    """Let go of what was set aside for the group's follow-up; how much that was."""
    cents = world.accounts.follow_up_reserve_cents[c]
    release(world, c, cents)
    world.accounts.follow_up_reserve_cents[c] = 0
    return int(cents)


@rule
def make_reusable(world: World, cents: int) -> None:
    """Keep released money for another covenant instead of returning it to the treasury."""
    world.agency.freed_cents[0] += cents


@rule
def hand_on_freed_money(world: World, c: int, to_follow_up: bool) -> int:
    """Commit all money kept for re-use to one group, set aside for its follow-up if so; how much that was, in cents."""
    freed = world.agency.freed_cents[0]
    world.agency.freed_cents[0] = 0
    commit(world, c, freed)
    if to_follow_up:
        world.accounts.follow_up_reserve_cents[c] += freed
    return int(freed)


@rule
def book_follow_up_plan(world: World, c: int, eur: float) -> None:
    """Book members' time for a plan of the follow-up phase."""
    cents = whole_cents(eur)
    world.accounts.private_follow_up_cents[c] += cents
    _enter(world, c, PRIVATE, cents)


@rule
def pay_follow_up(
    world: World, c: int, rate_eur_year: float, private_share: float, from_budget: bool
) -> bool:
    """Pay one member a quarter of follow-up, its own share apart; whether anything was paid.

    The reserve of the group pays first. Where there is no follow-up budget it has to pay all.
    """
    accounts = world.accounts
    reserve = accounts.follow_up_reserve_cents[c]
    private = whole_cents(rate_eur_year / QUARTERS_PER_YEAR * private_share)
    public = whole_cents(rate_eur_year / QUARTERS_PER_YEAR) - private
    from_reserve = public if public < reserve else reserve
    if not from_budget and from_reserve < public:
        return False
    if public + private <= 0:
        return False
    accounts.follow_up_reserve_cents[c] -= from_reserve
    commit(world, c, public - from_reserve)
    accounts.follow_up_cents[c] += public
    accounts.private_follow_up_cents[c] += private
    _enter(world, c, FOR_FOLLOW_UP, public)
    _enter(world, c, PRIVATE, private)
    world.agency.paid_cents[0] += public
    return True


# --- what the agency itself costs -------------------------------------------------------------------------------------


@rule
def _book_administration(world: World, c: int, eur: float) -> None:
    """Book cost of the agency itself to a group."""
    cents = whole_cents(eur)
    world.accounts.administration_cents[c] += cents
    _enter(world, c, FOR_ADMINISTRATION, cents)
    world.agency.paid_cents[0] += cents


@rule
def book_assessment(world: World, c: int) -> None:
    """Book one assessment: a part of its cost grows with the assessors, screening and feedback come on top."""
    levers, p, year = world.levers, world.parameters, world.clusters.rule_year[c]
    screening = p.screening_cost_eur if levers.capacity_screening_weight[year] > 0.0 else 0.0
    feedback = p.feedback_cost_eur * levers.feedback_rounds[year]
    assessing = 1.0 + p.assessor_cost_share * (levers.assessors[year] - ORDINARY_ASSESSORS)
    _book_administration(world, c, p.application_cost_eur * assessing + screening + feedback)


@rule
def book_hearing(world: World, c: int) -> None:
    """Book one hearing by a jury."""
    _book_administration(world, c, world.parameters.jury_cost_eur)


@rule
def book_looking_after(world: World, c: int) -> None:
    """Book one quarter of looking after a covenant, or after a group in its follow-up phase."""
    _book_administration(world, c, _administration_eur(world, c))


@rule
def _administration_eur(world: World, c: int) -> float:
    """Cost of one covenant this quarter: administration and better information; less of it in a follow-up phase."""
    levers, p, year = world.levers, world.parameters, world.clusters.rule_year[c]
    extra_information = larger(
        levers.progress_information_share[year] - ORDINARY_PROGRESS_INFORMATION_SHARE, 0.0
    )
    monitoring = p.monitoring_eur_quarter * extra_information
    kept = larger(levers.knowledge_handover_share[year] - ORDINARY_KNOWLEDGE_HANDOVER_SHARE, 0.0)
    monitoring += p.knowledge_system_eur_year / QUARTERS_PER_YEAR * kept
    more_staff = ORDINARY_COVENANTS_PER_MANAGER / levers.covenants_per_manager[year] - 1.0
    staff = 1.0 + p.manager_cost_share * more_staff
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
