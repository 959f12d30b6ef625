"""Outcomes of a run: what a comparison reports, per run and against the no-programme twin.

All outcomes count what covenants applied for in the window, and their members, do from the window's first
year to the end of the run; exports are in constant prices. A twin is the run of the same world seed and parameters in
which the programme ends before the window. Member firms are those of this run, in both worlds: the same firms are
compared.

What is counted is written as rules, so that it gives the same bits compiled and interpreted, on every machine: money
is added in whole cents and divided once, other numbers are added in the order of their rows. ``judge`` is the table of
contents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from passaat.model.judged import Judged, Twin, Work
from passaat.model.kernel.counting import gini, part_of, sort_up, take_largest
from passaat.model.kernel.rules import rule
from passaat.model.status import CONTACT, OPEN, PARTNERSHIP, RELATION, STILL_CONSIDERED
from passaat.model.units import CENTS_PER_EUR, LARGEST_FEW, QUARTERS_PER_YEAR, YEARS_TO_EVALUATION
from passaat.model.world import World

if TYPE_CHECKING:
    from passaat.model.engine.compiled import Run

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Outcome:
    """One outcome: name, unit, meaning, which direction is better, and whether the no-programme twin is needed.

    ``label`` is its name for people; left out where the name itself, in words, will do.
    """

    name: str
    unit: str
    meaning: str
    better: Better
    twin: bool = False
    label: str = ""


OUTCOMES: Final[tuple[Outcome, ...]] = (
    Outcome("covenants", "covenants", "covenants applied for in the window", "neither"),
    Outcome("members", "firms", "firms that were member of such a covenant", "higher"),
    Outcome("smes", "firms", "SMEs among them", "higher", label="SMEs"),
    Outcome("sme_share", "share", "SMEs among companies that were members", "neither", label="Share of SMEs"),
    Outcome(
        "members_per_covenant", "participants", "participants at the start of a covenant, mean", "neither"
    ),
    Outcome("applications", "applications", "applications in the window", "neither"),
    Outcome("rejections", "applications", "applications rejected", "neither"),
    Outcome("extension_requests", "covenants", "covenants that asked for an extension", "neither"),
    Outcome("mean_duration_years", "years", "length of a covenant, mean", "neither"),
    Outcome("covenants_stopped", "covenants", "covenants stopped at a checkpoint", "neither"),
    Outcome(
        "covenants_stopped_wrongly",
        "covenants",
        "covenants stopped that would have passed by what was true",
        "lower",
        label="Covenants stopped wrongly",
    ),
    Outcome(
        "covenants_kept_wrongly",
        "covenants",
        "covenants that passed a checkpoint that they would have failed by what was true",
        "lower",
        label="Covenants kept wrongly",
    ),
    Outcome("activities_realised_share", "share", "planned activities that took place", "higher"),
    Outcome(
        "firms_with_contacts",
        "firms",
        "members that gained at least one contact",
        "higher",
        label="Firms gaining contacts",
    ),
    Outcome(
        "relations",
        "firms",
        "members that ever reached a relation or more in a covenant's market",
        "higher",
        label="Firms with a relation",
    ),
    Outcome(
        "partnerships",
        "firms",
        "members that ever reached a partnership or more",
        "higher",
        label="Firms with a partnership",
    ),
    Outcome(
        "firms_with_contract",
        "firms",
        "members that won a contract in the covenant's market",
        "higher",
        label="Firms with a contract",
    ),
    Outcome("contracts", "contracts", "contracts won by members in the covenant's market", "higher"),
    Outcome(
        "local_presence",
        "firms",
        "members with a local branch in a covenant's market",
        "higher",
        label="Firms with a local branch",
    ),
    Outcome("memoranda", "memoranda", "memoranda of understanding signed by covenants", "higher"),
    Outcome("demonstrations", "objects", "demonstration objects opened by covenants", "higher"),
    Outcome(
        "barriers_passed_share",
        "share",
        "part of the trade barrier that members had passed at the end of the run, mean over their markets",
        "higher",
    ),
    Outcome(
        "exports_members_eur",
        "EUR",
        "exports of members to the covenant's market since the window began, before and after joining",
        "higher",
        label="Exports of members",
    ),
    Outcome(
        "exports_all_eur",
        "EUR",
        "exports of all firms to all markets",
        "higher",
        label="Exports of all firms",
    ),
    Outcome(
        "additional_exports_members_eur",
        "EUR",
        "exports of members beyond those of the same firms without programme",
        "higher",
        True,
        label="Additional exports of members",
    ),
    Outcome(
        "additional_exports_smes_eur",
        "EUR",
        "the same for SMEs among the members",
        "higher",
        True,
        label="Additional exports of SMEs",
    ),
    Outcome(
        "additional_exports_others_eur",
        "EUR",
        "the same for other Dutch firms, displaced sales taken off",
        "higher",
        True,
        label="Additional exports of other firms",
    ),
    Outcome(
        "additional_exports_net_eur",
        "EUR",
        "additional exports of all firms, net of displacement",
        "higher",
        True,
        label="Additional exports, net",
    ),
    Outcome(
        "net_exports_per_public_euro",
        "ratio",
        "additional net exports of this world per euro of its public money",
        "higher",
        True,
        label="Net exports per public euro",
    ),
    Outcome(
        "top_five_share",
        "share",
        "share of the five best covenants in members' exports",
        "lower",
        label="Share of the top five",
    ),
    Outcome(
        "export_gini",
        "share",
        "inequality of members' exports (Gini)",
        "lower",
        label="Concentration of exports (Gini)",
    ),
    Outcome(
        "awareness",
        "share",
        "awareness of Dutch solutions, mean over markets from the window's first year to the end",
        "higher",
    ),
    Outcome(
        "firms_learned_out", "firms", "members that concluded that the market is not worth it", "neither"
    ),
    Outcome(
        "quarters_to_first_contract",
        "quarters",
        "from joining to the first contract, mean over members that won one",
        "lower",
    ),
    Outcome(
        "cooperation_survival_share",
        "share",
        "members' markets in which there is at least a contact at the end of the run",
        "higher",
    ),
    Outcome(
        "public_cost_eur",
        "EUR",
        "public money spent on covenants and applications of the window",
        "lower",
        label="Public cost",
    ),
    Outcome("public_cost_activities_eur", "EUR", "of which activities", "neither"),
    Outcome("public_cost_liaison_eur", "EUR", "of which liaisons", "neither"),
    Outcome("public_cost_branding_eur", "EUR", "of which branding", "neither"),
    Outcome("public_cost_follow_up_eur", "EUR", "of which follow-up", "neither"),
    Outcome("public_cost_administration_eur", "EUR", "of which administration", "neither"),
    Outcome(
        "public_cost_support_eur",
        "EUR",
        "of which fee and travel support to SMEs and the coordinator's public share",
        "neither",
    ),
    Outcome(
        "private_cost_eur", "EUR", "members' fees, own time, and shares in activities and follow-up", "lower"
    ),
    Outcome(
        "additional_exports_net_discounted_eur",
        "EUR",
        "additional net exports, discounted to the window's first year",
        "higher",
        True,
        label="Additional exports, net and discounted",
    ),
    Outcome(
        "additional_exports_net_until_evaluation_eur",
        "EUR",
        "additional net exports until two years after the window",
        "higher",
        True,
        label="Additional exports, net, until the evaluation",
    ),
)
"""Every outcome, in the order of the array that ``outcomes_of`` returns."""

OUTCOME_NAMES: Final = tuple(outcome.name for outcome in OUTCOMES)

Found = Any
"""A record with one number per outcome, in the order of ``OUTCOMES``: rules write ``found.contracts``."""


def window_covenants(run: Run) -> NDArray[np.int64]:
    """Rows of the covenants that were applied for in the window, in the order of first meeting."""
    n = int(run.world.calendar.n_clusters[0])
    return np.array([c for c in range(n) if is_counted(run.world, c)], dtype=np.int64)


# --- rules ------------------------------------------------------------------------------------------------------------


@rule
def judge(world: Judged, twin: Twin, work: Work, found: Found) -> None:
    """Every outcome, group by group: the table of contents."""
    mark_covenants(world, work)
    mark_members(world, work)
    mark_what_firms_reached(world, work)
    judge_applications(world, found)
    judge_covenants(world, work, found)
    judge_awareness(world, found)
    judge_firms(world, work, found)
    judge_contracts(world, work, found)
    judge_cooperation(world, work, found)
    judge_exports(world, work, found)
    judge_concentration(world, work, found)
    judge_costs(world, work, found)
    judge_additional_exports(world, twin, work, found)
    add_up_years(world, twin, work)
    judge_discounted_exports(world, twin, work, found)
    judge_exports_until_evaluation(world, twin, work, found)


@rule
def is_counted(world: Judged | World, c: int) -> bool:
    """Whether a group is a covenant that was applied for in the window.

    Those applied for before the window follow earlier rules in every option and in the twin, though what is decided on
    in the window draws on its budget. Nobody applies after it; who waited for a call or an inception may start later.
    """
    clusters = world.clusters
    return (
        clusters.applied_quarter[c] >= world.calendar.window_first_quarter[0]
        and clusters.start_quarter[c] >= 0
        and clusters.turned_down[c] == 0
    )


@rule
def never_started(world: Judged, c: int) -> bool:
    """Whether an application of the window never became a covenant: turned down, or lapsed."""
    clusters = world.clusters
    return (
        clusters.start_quarter[c] < 0
        and clusters.applied_quarter[c] >= world.calendar.window_first_quarter[0]
    )


# what is marked first, because several groups of outcomes ask it


@rule
def mark_covenants(world: Judged, work: Work) -> None:
    """Clusters: which are counted."""
    for c in range(world.calendar.n_clusters[0]):
        work.counted[c] = 1 if is_counted(world, c) else 0


@rule
def mark_members(world: Judged, work: Work) -> None:
    """Firms and engagements: which belonged to a counted covenant, and which gained contacts or contracts in it."""
    clusters, memberships = world.clusters, world.memberships
    for e in range(work.member_engagement.shape[0]):
        work.member_engagement[e] = 0
    for f in range(work.member.shape[0]):
        work.member[f] = 0
        work.with_contacts[f] = 0
        work.with_contract[f] = 0
    for c in range(world.calendar.n_clusters[0]):
        if work.counted[c] == 1:
            for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
                e = memberships.engagement[j]
                f = world.engagements.firm[e]
                work.member_engagement[e] = 1
                work.member[f] = 1
                if memberships.contacts_gained[j] >= 1.0:
                    work.with_contacts[f] = 1
                if memberships.contracts[j] > 0:
                    work.with_contract[f] = 1


@rule
def mark_what_firms_reached(world: Judged, work: Work) -> None:
    """Firms: what they reached in the markets of their counted covenants, one market being enough."""
    engagements = world.engagements
    for f in range(work.member.shape[0]):
        work.with_relation[f] = 0
        work.with_partnership[f] = 0
        work.with_presence[f] = 0
        work.learned_out[f] = 0
    for e in range(work.member_engagement.shape[0]):
        if work.member_engagement[e] == 1:
            f = engagements.firm[e]
            if engagements.best_stage[e] >= RELATION:
                work.with_relation[f] = 1
            if engagements.best_stage[e] >= PARTNERSHIP:
                work.with_partnership[f] = 1
            if engagements.presence[e] == 1:
                work.with_presence[f] = 1
            if engagements.stayed_out[e] != STILL_CONSIDERED:
                work.learned_out[f] = 1


# the portfolio


@rule
def judge_applications(world: Judged, found: Found) -> None:
    """Applications of the window and how many were rejected."""
    clusters, calendar = world.clusters, world.calendar
    applications, rejections = 0, 0
    for c in range(calendar.n_clusters[0]):
        applied = clusters.applied_quarter[c]
        if applied >= calendar.window_first_quarter[0] and applied <= calendar.window_last_quarter[0]:
            applications += 1 + clusters.refusals[c]
            rejections += clusters.refusals[c]
            if clusters.turned_down[c] == 1:
                rejections += 1
    found.applications = float(applications)
    found.rejections = float(rejections)


@rule
def judge_covenants(world: Judged, work: Work, found: Found) -> None:
    """Counted covenants: number, size at the start, length, and what they did."""
    clusters, memberships = world.clusters, world.memberships
    covenants, at_start, asked, stopped, quarters = 0, 0, 0, 0, 0
    stopped_wrongly, kept_wrongly = 0, 0
    memoranda, demonstrations = 0, 0
    planned, done = 0.0, 0.0
    for c in range(world.calendar.n_clusters[0]):
        if work.counted[c] == 1:
            covenants += 1
            for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
                if memberships.joined_quarter[j] <= clusters.start_quarter[c]:
                    at_start += 1
            asked += clusters.extension_asked[c]
            stopped += clusters.stopped[c]
            stopped_wrongly += clusters.stopped_wrongly[c]
            kept_wrongly += 1 if clusters.kept_wrongly[c] > 0 else 0
            end = clusters.end_quarter[c]
            quarters += (end if end >= 0 else world.calendar.n_quarters[0]) - clusters.start_quarter[c]
            memoranda += clusters.memoranda[c]
            if clusters.demonstration[c] == OPEN:
                demonstrations += 1
            planned += clusters.plan_promotion[c] + clusters.plan_knowledge[c] + clusters.plan_diplomacy[c]
            done += clusters.done_promotion[c] + clusters.done_knowledge[c] + clusters.done_diplomacy[c]
    found.covenants = float(covenants)
    found.members_per_covenant = part_of(float(at_start), float(covenants))
    found.extension_requests = float(asked)
    found.covenants_stopped = float(stopped)
    found.covenants_stopped_wrongly = float(stopped_wrongly)
    found.covenants_kept_wrongly = float(kept_wrongly)
    found.mean_duration_years = part_of(float(quarters) / QUARTERS_PER_YEAR, float(covenants))
    found.memoranda = float(memoranda)
    found.demonstrations = float(demonstrations)
    found.activities_realised_share = part_of(done, planned)


@rule
def judge_awareness(world: Judged, found: Found) -> None:
    """Awareness of Dutch solutions from the window on, mean over quarters."""
    history, first = world.history, world.calendar.window_first_quarter[0]
    awareness = 0.0
    for quarter in range(first, history.awareness.shape[0]):
        awareness += history.awareness[quarter]
    found.awareness = part_of(awareness, float(history.awareness.shape[0] - first))


# the members


@rule
def judge_firms(world: Judged, work: Work, found: Found) -> None:
    """Member firms, each once: how many, and how many reached something."""
    firms = world.firms
    members, smes, companies = 0, 0, 0
    contacts, relations, partnerships, contract, presence, learned = 0, 0, 0, 0, 0, 0
    for f in range(work.member.shape[0]):
        if work.member[f] == 1:
            members += 1
            smes += firms.sme[f]
            if firms.institute[f] == 0:
                companies += 1
        contacts += work.with_contacts[f]
        relations += work.with_relation[f]
        partnerships += work.with_partnership[f]
        contract += work.with_contract[f]
        presence += work.with_presence[f]
        learned += work.learned_out[f]
    found.members = float(members)
    found.smes = float(smes)
    found.sme_share = part_of(float(smes), float(companies))
    found.firms_with_contacts = float(contacts)
    found.relations = float(relations)
    found.partnerships = float(partnerships)
    found.firms_with_contract = float(contract)
    found.local_presence = float(presence)
    found.firms_learned_out = float(learned)


@rule
def judge_contracts(world: Judged, work: Work, found: Found) -> None:
    """Memberships of counted covenants: contracts, and how long the first one took."""
    clusters, memberships = world.clusters, world.memberships
    contracts, quarters, waited = 0, 0, 0
    for c in range(world.calendar.n_clusters[0]):
        if work.counted[c] == 1:
            for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
                contracts += memberships.contracts[j]
                first = world.engagements.first_contract_quarter[memberships.engagement[j]]
                if first >= memberships.joined_quarter[j]:
                    quarters += first - memberships.joined_quarter[j]
                    waited += 1
    found.contracts = float(contracts)
    found.quarters_to_first_contract = part_of(float(quarters), float(waited))


@rule
def judge_cooperation(world: Judged, work: Work, found: Found) -> None:
    """Markets of members, each once: barriers passed, and where there is still a contact."""
    engagements = world.engagements
    markets, in_touch, permits = 0, 0, 0.0
    for e in range(work.member_engagement.shape[0]):
        if work.member_engagement[e] == 1:
            markets += 1
            permits += engagements.permits[e]
            if engagements.stage[e] >= CONTACT:
                in_touch += 1
    found.barriers_passed_share = part_of(permits, float(markets))
    found.cooperation_survival_share = part_of(float(in_touch), float(markets))


# exports


@rule
def judge_exports(world: Judged, work: Work, found: Found) -> None:
    """Exports of members in the markets of their covenants, each market once, and of everyone everywhere."""
    exports, of_members, of_all = world.engagements.exports_since_window_cents, 0, 0
    for e in range(work.member_engagement.shape[0]):
        of_all += exports[e]
        if work.member_engagement[e] == 1:
            of_members += exports[e]
    found.exports_members_eur = eur(of_members)
    found.exports_all_eur = eur(of_all)


@rule
def judge_concentration(world: Judged, work: Work, found: Found) -> None:
    """How exports are spread over covenants (a market that two covenants share counts in both) and over members."""
    clusters, exports = world.clusters, world.engagements.exports_since_window_cents
    total = 0
    for c in range(world.calendar.n_clusters[0]):
        work.cluster_exports_cents[c] = 0
        if work.counted[c] == 1:
            for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
                work.cluster_exports_cents[c] += exports[world.memberships.engagement[j]]
            total += work.cluster_exports_cents[c]
    top_five = take_largest(work.cluster_exports_cents, world.calendar.n_clusters[0], LARGEST_FEW)
    found.top_five_share = part_of(float(top_five), float(total))
    members = 0
    for e in range(work.member_engagement.shape[0]):
        if work.member_engagement[e] == 1:
            work.ascending_cents[members] = exports[e]
            members += 1
    sort_up(work.ascending_cents, members)
    found.export_gini = gini(work.ascending_cents, members)


# money


@rule
def judge_costs(world: Judged, work: Work, found: Found) -> None:
    """Cost of counted covenants, and of applications of the window that were turned down or lapsed."""
    accounts = world.accounts
    activities, liaison, branding, follow_up, administration, support = 0, 0, 0, 0, 0, 0
    private = 0
    for c in range(world.calendar.n_clusters[0]):
        if work.counted[c] == 1 or never_started(world, c):
            activities += accounts.activities_cents[c]
            liaison += accounts.liaison_cents[c]
            branding += accounts.branding_cents[c]
            follow_up += accounts.follow_up_cents[c]
            administration += accounts.administration_cents[c]
            support += accounts.support_cents[c]
            private += accounts.fees_cents[c] + accounts.in_kind_cents[c]
            private += accounts.own_activity_cents[c] + accounts.private_follow_up_cents[c]
    found.public_cost_activities_eur = eur(activities)
    found.public_cost_liaison_eur = eur(liaison)
    found.public_cost_branding_eur = eur(branding)
    found.public_cost_follow_up_eur = eur(follow_up)
    found.public_cost_administration_eur = eur(administration)
    found.public_cost_support_eur = eur(support)
    found.public_cost_eur = eur(activities + liaison + branding + follow_up + administration + support)
    found.private_cost_eur = eur(private)


# against the twin


@rule
def judge_additional_exports(world: Judged, twin: Twin, work: Work, found: Found) -> None:
    """What the programme added: this run minus the twin; displaced sales are booked to other Dutch firms."""
    exports, firm = world.engagements.exports_since_window_cents, world.engagements.firm
    found.additional_exports_members_eur = math.nan
    found.additional_exports_smes_eur = math.nan
    found.additional_exports_others_eur = math.nan
    found.additional_exports_net_eur = math.nan
    found.net_exports_per_public_euro = math.nan
    if twin.known == 1:
        of_members, of_smes, of_all = 0, 0, 0
        for e in range(exports.shape[0]):
            gain = exports[e] - twin.exports_since_window_cents[e]
            of_all += gain
            if work.member[firm[e]] == 1:
                of_members += gain
                if world.firms.sme[firm[e]] == 1:
                    of_smes += gain
        net_eur = eur(of_all) * (1.0 - world.parameters.displacement_share)
        found.additional_exports_members_eur = eur(of_members)
        found.additional_exports_smes_eur = eur(of_smes)
        found.additional_exports_others_eur = net_eur - eur(of_members)
        found.additional_exports_net_eur = net_eur
        found.net_exports_per_public_euro = part_of(net_eur, found.public_cost_eur)


@rule
def add_up_years(world: Judged, twin: Twin, work: Work) -> None:
    """Years from the first of the window on: exports of all firms beyond those of the twin."""
    exports, first_year = (
        world.exports_by_year_cents,
        world.calendar.window_first_quarter[0] // QUARTERS_PER_YEAR,
    )
    for year in range(work.yearly_cents.shape[0]):
        work.yearly_cents[year] = 0
    if twin.known == 1:
        for e in range(exports.shape[0]):
            for year in range(first_year, exports.shape[1]):
                work.yearly_cents[year] += exports[e, year] - twin.exports_by_year_cents[e, year]


@rule
def judge_discounted_exports(world: Judged, twin: Twin, work: Work, found: Found) -> None:
    """Net additional exports, each year discounted to the first of the window."""
    found.additional_exports_net_discounted_eur = math.nan
    if twin.known == 1:
        total_eur, growth = 0.0, 1.0
        for year in range(
            world.calendar.window_first_quarter[0] // QUARTERS_PER_YEAR, work.yearly_cents.shape[0]
        ):
            total_eur += eur(work.yearly_cents[year]) / growth
            growth = growth * (1.0 + world.parameters.discount_rate)
        net = 1.0 - world.parameters.displacement_share
        found.additional_exports_net_discounted_eur = total_eur * net


@rule
def judge_exports_until_evaluation(world: Judged, twin: Twin, work: Work, found: Found) -> None:
    """Net additional exports as far as an evaluation sees them; all of them where the run ends before."""
    found.additional_exports_net_until_evaluation_eur = math.nan
    if twin.known == 1:
        last_year = world.calendar.window_last_quarter[0] // QUARTERS_PER_YEAR + YEARS_TO_EVALUATION
        total = 0
        for year in range(work.yearly_cents.shape[0]):
            if year <= last_year:
                total += work.yearly_cents[year]
        net = 1.0 - world.parameters.displacement_share
        found.additional_exports_net_until_evaluation_eur = eur(total) * net


# arithmetic


@rule
def eur(cents: int) -> float:
    """Whole cents in euros."""
    return float(cents) / CENTS_PER_EUR
