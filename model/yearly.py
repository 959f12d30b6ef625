"""Outcomes by calendar year, and by years since a covenant ended: when things happen, and how long they last.

What is counted is what ``outcomes.py`` counts, year by year: added over the years from the first of the window on,
every row here gives the outcome of the same name there. Before the window nothing is counted, but for exports of all
firms. What happens until a horizon is the sum up to its year. ``judge_by_year`` is the table of contents.
"""

from __future__ import annotations

import math
from typing import Any, Final

from passaat.model.judged import Judged, Twin, Work
from passaat.model.kernel.rules import rule
from passaat.model.outcomes import Outcome, eur, mark_covenants, mark_members, never_started
from passaat.model.status import (
    COMMITTED,
    FOR_ACTIVITIES,
    FOR_ADMINISTRATION,
    FOR_BRANDING,
    FOR_FOLLOW_UP,
    FOR_LIAISON,
    FOR_SUPPORT,
    LET_GO,
    PRIVATE,
)
from passaat.model.units import QUARTERS_PER_YEAR

OUTCOMES_BY_YEAR: Final[tuple[Outcome, ...]] = (
    Outcome("covenants_started", "covenants", "covenants of the window that started in the year", "neither"),
    Outcome("covenants_ended", "covenants", "covenants of the window that ended in the year", "neither"),
    Outcome(
        "exports_members_eur",
        "EUR",
        "exports of members to their covenant's market, before and after joining",
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
        "additional_exports_net_eur",
        "EUR",
        "additional exports of all firms, net of displacement",
        "higher",
        True,
        label="Additional exports, net",
    ),
    Outcome(
        "public_committed_eur",
        "EUR",
        "public money committed to covenants and their follow-up",
        "neither",
        label="Public money committed",
    ),
    Outcome(
        "public_let_go_eur",
        "EUR",
        "of commitments, what will not be spent",
        "neither",
        label="Commitments let go",
    ),
    Outcome(
        "public_cost_eur",
        "EUR",
        "public money paid, all purposes",
        "lower",
        label="Public money paid",
    ),
    Outcome("public_cost_activities_eur", "EUR", "of which activities", "neither"),
    Outcome("public_cost_liaison_eur", "EUR", "of which liaisons", "neither"),
    Outcome("public_cost_branding_eur", "EUR", "of which branding", "neither"),
    Outcome("public_cost_follow_up_eur", "EUR", "of which follow-up", "neither"),
    Outcome(
        "public_cost_administration_eur",
        "EUR",
        "of which administration, which is not committed beforehand",
        "neither",
    ),
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
        "memberships_since_end",
        "memberships",
        "members of covenants that ended so many years before; the first column is the year of the end",
        "neither",
    ),
    Outcome(
        "additional_exports_since_end_eur",
        "EUR",
        "additional exports of those members to the covenant's market in that year",
        "higher",
        True,
        label="Additional exports since the covenant's end",
    ),
)
"""Every outcome by year, in the order of the rows that ``outcomes_by_year`` returns; the last two are by years since
the end of a covenant."""

ROW: Final = {outcome.name: row for row, outcome in enumerate(OUTCOMES_BY_YEAR)}
"""The row of each."""

STARTED: Final = ROW["covenants_started"]
ENDED: Final = ROW["covenants_ended"]
EXPORTS_MEMBERS: Final = ROW["exports_members_eur"]
EXPORTS_ALL: Final = ROW["exports_all_eur"]
ADDITIONAL_MEMBERS: Final = ROW["additional_exports_members_eur"]
ADDITIONAL_NET: Final = ROW["additional_exports_net_eur"]
PUBLIC_COMMITTED: Final = ROW["public_committed_eur"]
PUBLIC_LET_GO: Final = ROW["public_let_go_eur"]
PUBLIC_COST: Final = ROW["public_cost_eur"]
COST_ACTIVITIES: Final = ROW["public_cost_activities_eur"]
COST_LIAISON: Final = ROW["public_cost_liaison_eur"]
COST_BRANDING: Final = ROW["public_cost_branding_eur"]
COST_FOLLOW_UP: Final = ROW["public_cost_follow_up_eur"]
COST_ADMINISTRATION: Final = ROW["public_cost_administration_eur"]
COST_SUPPORT: Final = ROW["public_cost_support_eur"]
PRIVATE_COST: Final = ROW["private_cost_eur"]
MEMBERSHIPS_SINCE_END: Final = ROW["memberships_since_end"]
ADDITIONAL_SINCE_END: Final = ROW["additional_exports_since_end_eur"]

Years = Any
"""An array with one row per outcome by year and one column per calendar year of the run."""


@rule
def judge_by_year(world: Judged, twin: Twin, work: Work, years: Years) -> None:
    """Every outcome by year, group by group: the table of contents."""
    mark_covenants(world, work)
    mark_members(world, work)
    for row in range(years.shape[0]):
        for year in range(years.shape[1]):
            years[row, year] = 0.0
    count_covenants(world, work, years)
    add_exports(world, work, years)
    add_money(world, work, years)
    add_gains(world, twin, work, years)
    add_gains_since_end(world, twin, work, years)


@rule
def first_year_of_window(world: Judged) -> int:
    """Place of the window's first year in the calendar of the run."""
    return int(world.calendar.window_first_quarter[0] // QUARTERS_PER_YEAR)


@rule
def count_covenants(world: Judged, work: Work, years: Years) -> None:
    """Counted covenants by the year in which they started, and ended."""
    clusters = world.clusters
    for c in range(world.calendar.n_clusters[0]):
        if work.counted[c] == 1:
            years[STARTED, clusters.start_quarter[c] // QUARTERS_PER_YEAR] += 1.0
            ended = clusters.end_quarter[c] // QUARTERS_PER_YEAR
            if ended >= 0 and ended < years.shape[1]:
                years[ENDED, ended] += 1.0


@rule
def add_exports(world: Judged, work: Work, years: Years) -> None:
    """Exports of everyone, and from the window on those of members to the markets of their covenants."""
    exports, first_year = world.exports_by_year_cents, first_year_of_window(world)
    for year in range(years.shape[1]):
        of_all, of_members = 0, 0
        for e in range(exports.shape[0]):
            of_all += exports[e, year]
            if work.member_engagement[e] == 1 and year >= first_year:
                of_members += exports[e, year]
        years[EXPORTS_ALL, year] = eur(of_all)
        years[EXPORTS_MEMBERS, year] = eur(of_members)


@rule
def add_money(world: Judged, work: Work, years: Years) -> None:
    """Money of counted covenants, and of applications of the window that were turned down or lapsed."""
    for year in range(years.shape[1]):
        years[PUBLIC_COMMITTED, year] = entered(world, work, COMMITTED, year)
        years[PUBLIC_LET_GO, year] = entered(world, work, LET_GO, year)
        years[COST_ACTIVITIES, year] = entered(world, work, FOR_ACTIVITIES, year)
        years[COST_LIAISON, year] = entered(world, work, FOR_LIAISON, year)
        years[COST_BRANDING, year] = entered(world, work, FOR_BRANDING, year)
        years[COST_FOLLOW_UP, year] = entered(world, work, FOR_FOLLOW_UP, year)
        years[COST_ADMINISTRATION, year] = entered(world, work, FOR_ADMINISTRATION, year)
        years[COST_SUPPORT, year] = entered(world, work, FOR_SUPPORT, year)
        years[PRIVATE_COST, year] = entered(world, work, PRIVATE, year)
        paid = years[COST_ACTIVITIES, year] + years[COST_LIAISON, year] + years[COST_BRANDING, year]
        paid += years[COST_FOLLOW_UP, year] + years[COST_ADMINISTRATION, year] + years[COST_SUPPORT, year]
        years[PUBLIC_COST, year] = paid


@rule
def entered(world: Judged, work: Work, entry: int, year: int) -> float:
    """Sum of one kind of entry in the books of all groups whose money counts, in EUR."""
    total = 0
    for c in range(world.calendar.n_clusters[0]):
        if work.counted[c] == 1 or never_started(world, c):
            total += world.money_by_year_cents[c, entry, year]
    return eur(total)


@rule
def add_gains(world: Judged, twin: Twin, work: Work, years: Years) -> None:
    """What the programme added, year by year from the window on: this run minus the twin; nan without a twin."""
    exports, first_year = world.exports_by_year_cents, first_year_of_window(world)
    kept = 1.0 - world.parameters.displacement_share
    for year in range(years.shape[1]):
        of_all, of_members = 0, 0
        if twin.known == 1 and year >= first_year:
            for e in range(exports.shape[0]):
                gain = exports[e, year] - twin.exports_by_year_cents[e, year]
                of_all += gain
                if work.member[world.engagements.firm[e]] == 1:
                    of_members += gain
        years[ADDITIONAL_MEMBERS, year] = eur(of_members) if twin.known == 1 else math.nan
        years[ADDITIONAL_NET, year] = eur(of_all) * kept if twin.known == 1 else math.nan


@rule
def add_gains_since_end(world: Judged, twin: Twin, work: Work, years: Years) -> None:
    """Memberships of counted covenants and their gains, by years since the covenant ended, as far as the run goes."""
    clusters, memberships, last = world.clusters, world.memberships, years.shape[1]
    for c in range(world.calendar.n_clusters[0]):
        ended = clusters.end_quarter[c] // QUARTERS_PER_YEAR
        if work.counted[c] == 1 and ended >= 0:
            for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
                e = memberships.engagement[j]
                for year in range(ended, last):
                    years[MEMBERSHIPS_SINCE_END, year - ended] += 1.0
                    if twin.known == 1:
                        gain = world.exports_by_year_cents[e, year] - twin.exports_by_year_cents[e, year]
                        years[ADDITIONAL_SINCE_END, year - ended] += eur(gain)
    if twin.known == 0:
        for year in range(last):
            years[ADDITIONAL_SINCE_END, year] = math.nan
