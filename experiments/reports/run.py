"""One run in plain words: which clusters formed, with whom, and what became of them.

`describe_run` turns the final tables of a run into plain data (what `passaat run --json` prints); the reports
say that data. Exports are those of members in the cluster's own market since the first year of the decision
window, whether or not the cluster brought them about. Shown are covenants that start in the decision window and
groups without covenant that first met in it. A firm that was in two clusters of one market is shown with
both; totals count it once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from passaat import __version__
from passaat.errors import PassaatError
from passaat.experiments.reports.blocks import Block, Column, Group, Report, Row, Sentence, Table
from passaat.model.outcomes import window_covenants
from passaat.model.status import STAGE_NAMES, STATUS_NAMES
from passaat.model.units import QUARTERS_PER_YEAR
from passaat.shown import shown

if TYPE_CHECKING:
    from passaat.model.engine.compiled import Run
    from passaat.scenarios.scenario import Scenario

__all__ = ["cluster_report", "describe_run", "require_cluster", "run_report"]

CENTS = 100
MISSABLE = ("extended", "contacts", "SMEs", "status", "country", "joined", "left", "members")
"""Columns that a narrow screen leaves out, the first one first; ``--cluster`` and ``--json`` have them."""

_GROUP = (
    *("cluster", "sector", "country", "status", "covenant", "extended", "members", "SMEs", "contacts"),
    *("contracts", "exports M EUR", "public k EUR", "private k EUR"),
)
_MEMBER = ("firm", "kind", "joined", "left", "stage", "contacts", "contracts", "exports M EUR")
_WORDS = ("sector", "status", "covenant", "extended", "kind", "joined", "left", "stage")
"""Columns of a group, those of a member, and which of them are words."""

_PUBLIC = ("activities", "liaison", "branding", "administration", "support", "follow_up")
_PRIVATE = ("fees", "in_kind", "own_activity", "private_follow_up")


def describe_run(scenario: Scenario, run: Run) -> dict[str, Any]:
    """Everything the plain view shows, as data: one record per group with its members, and totals.

    Parameters
    ----------
    scenario : the reference, or a reference with options, that was run.
    run : its run.
    """
    world, size = run.world, run.inputs.size
    sectors = tuple(scenario.the_world.sector_weights)
    n_clusters = int(world.calendar.n_clusters[0])
    groups = [_group(world, row, sectors, size.first_year) for row in range(n_clusters)]
    window = range(
        QUARTERS_PER_YEAR * (size.window_first_year - size.first_year),
        QUARTERS_PER_YEAR * (size.window_last_year + 1 - size.first_year),
    )
    covenant_rows = {int(row) for row in window_covenants(run)}
    for row, group in enumerate(groups):
        met_in_window = int(world.clusters.met_quarter[row]) in window
        never_a_covenant = group["covenant_start"] is None
        group["in_window"] = row in covenant_rows or (met_in_window and never_a_covenant)
    shown = [group for group in groups if group["in_window"]]
    covenants = [group for group in shown if group["covenant_start"] is not None]
    exports = {
        (member["firm"], group["sector"], group["country"]): member["exports_eur"]
        for group in covenants
        for member in group["members"]
    }
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "hash": scenario.hash,
        "seed": int(run.seed),
        "period": f"covenants starting in {size.window_first_year}-{size.window_last_year}, to {size.last_year}",
        "clusters": groups,
        "totals": {
            "groups": len(shown),
            "by_status": dict(sorted(Counter(group["status"] for group in shown).items())),
            "covenants": len(covenants),
            "informal_groups": sum(group["informal"] for group in shown),
            "members": sum(len(group["members"]) for group in covenants),
            "firms": len({member["firm"] for group in covenants for member in group["members"]}),
            "contracts": sum(group["contracts"] for group in covenants),
            "exports_eur": round(math.fsum(exports.values()), 2),
            "public_eur": round(math.fsum(group["public_eur"] for group in shown), 2),
            "private_eur": round(math.fsum(group["private_eur"] for group in shown), 2),
        },
    }


def _group(world: Any, row: int, sectors: tuple[str, ...], first_year: int) -> dict[str, Any]:
    """One group, from first meeting to after-life."""
    clusters, accounts = world.clusters, world.accounts
    market = int(clusters.market[row])
    members = [_member(world, place, first_year) for place in _membership_rows(world, row)]
    covenant = int(clusters.applied_quarter[row]) >= 0 and not clusters.turned_down[row]
    return {
        "cluster": row,
        "sector": sectors[int(world.markets.sector[market])],
        "country": int(world.markets.country[market]),
        "coordinator": int(clusters.coordinator[row]),
        "status": STATUS_NAMES[int(clusters.status[row])],
        "met": _quarter_text(int(clusters.met_quarter[row]), first_year),
        "applied": _quarter_text(int(clusters.applied_quarter[row]), first_year),
        "covenant_start": _quarter_text(int(clusters.start_quarter[row]), first_year) if covenant else None,
        "covenant_end": _quarter_text(int(clusters.end_quarter[row]), first_year) if covenant else None,
        "informal": not covenant and int(clusters.planned_end_quarter[row]) > 0,
        "extended": bool(clusters.extended[row]),
        "members": members,
        "smes": sum(member["sme"] for member in members),
        "contacts": math.fsum(member["contacts_gained"] for member in members),
        "contracts": sum(member["contracts"] for member in members),
        "exports_eur": round(math.fsum(member["exports_eur"] for member in members), 2),
        "public_eur": _euro(accounts, row, _PUBLIC),
        "private_eur": _euro(accounts, row, _PRIVATE),
    }


def _membership_rows(world: Any, cluster: int) -> range:
    first = int(world.clusters.first_membership[cluster])
    return range(first, first + int(world.clusters.n_joined[cluster])) if first >= 0 else range(0)


def _member(world: Any, place: int, first_year: int) -> dict[str, Any]:
    memberships, engagements = world.memberships, world.engagements
    engagement = int(memberships.engagement[place])
    firm = int(engagements.firm[engagement])
    return {
        "firm": firm,
        "sme": bool(world.firms.sme[firm]),
        "institute": bool(world.firms.institute[firm]),
        "joined": _quarter_text(int(memberships.joined_quarter[place]), first_year),
        "left": _quarter_text(int(memberships.left_quarter[place]), first_year),
        "stage": STAGE_NAMES[int(engagements.stage[engagement])],
        "contacts_gained": float(memberships.contacts_gained[place]),
        "contracts": int(memberships.contracts[place]),
        "exports_eur": float(engagements.exports_since_window_cents[engagement]) / CENTS,
    }


def _euro(accounts: Any, row: int, purposes: tuple[str, ...]) -> float:
    return float(sum(int(np.asarray(getattr(accounts, f"{name}_cents"))[row]) for name in purposes)) / CENTS


def _quarter_text(quarter: int, first_year: int) -> str | None:
    """A quarter of the run as "2016Q2"; None where there is none."""
    if quarter < 0:
        return None
    return f"{first_year + quarter // QUARTERS_PER_YEAR}Q{quarter % QUARTERS_PER_YEAR + 1}"


def require_cluster(report: Mapping[str, Any], cluster: int) -> None:
    """Refuse a cluster number that the run does not have.

    Raises
    ------
    PassaatError : names the numbers there are.
    """
    last = len(report["clusters"]) - 1
    if cluster > last:
        raise PassaatError(
            f"there is no cluster {cluster} in this run; clusters run from 0 to {last}",
            "`passaat run NAME --all` lists them.",
        )


def run_report(report: Mapping[str, Any], *, everything: bool = False) -> Report:
    """The covenants of the decision window; with `everything`, every group that ever met."""
    groups = [
        group
        for group in report["clusters"]
        if everything or (group["in_window"] and group["covenant_start"] is not None)
    ]
    totals = report["totals"]
    states = ", ".join(f"{count} {status}" for status, count in totals["by_status"].items())
    return _report(
        report,
        f"{report['title']}: {report['period']}; world seed {report['seed']}",
        _table(_GROUP, map(_cells, groups)),
        f"{totals['groups']} groups of these years: {states or 'none'}.",
        f"{totals['informal_groups']} of them worked together without a covenant.",
        f"{totals['covenants']} covenants with {totals['members']} members ({totals['firms']} different firms): "
        f"{totals['contracts']} contracts, and {totals['exports_eur'] / 1e6:,.1f} M EUR of exports to their markets "
        "since the window began, with or without thanks to the programme.",
        f"Public cost {totals['public_eur'] / 1e6:,.2f} M EUR, private cost {totals['private_eur'] / 1e6:,.2f} M EUR "
        "for all these groups.",
        "One run is one throw of the dice: `passaat compare` shows what a policy changes.",
    )


def _cells(group: Mapping[str, Any]) -> Row:
    return (
        str(group["cluster"]),
        _sector(group),
        str(group["country"]),
        group["status"],
        _covenant_text(group),
        "yes" if group["extended"] else "",
        str(len(group["members"])),
        str(group["smes"]),
        f"{group['contacts']:.0f}",
        str(group["contracts"]),
        f"{group['exports_eur'] / 1e6:.2f}",
        f"{group['public_eur'] / 1e3:.0f}",
        f"{group['private_eur'] / 1e3:.0f}",
    )


def _sector(group: Mapping[str, Any]) -> str:
    """A sector in words: names in scenario files have no blanks."""
    return shown(group["sector"]).replace("_", " ")


def _covenant_text(group: Mapping[str, Any]) -> str:
    if group["covenant_start"] is None:
        return "none"
    return f"{group['covenant_start']} to {group['covenant_end'] or 'end of run'}"


def cluster_report(report: Mapping[str, Any], cluster: int) -> Report:
    """One cluster and each of its members.

    Raises
    ------
    PassaatError : as ``require_cluster``.
    """
    require_cluster(report, cluster)
    group = report["clusters"][cluster]
    coordinator = "gone" if group["coordinator"] < 0 else str(group["coordinator"])
    rows = (
        (
            str(member["firm"]),
            "institute" if member["institute"] else "SME" if member["sme"] else "large firm",
            member["joined"],
            member["left"] or "",
            member["stage"],
            f"{member['contacts_gained']:.1f}",
            str(member["contracts"]),
            f"{member['exports_eur'] / 1e6:.3f}",
        )
        for member in group["members"]
    )
    return _report(
        report,
        f"Cluster {cluster}: {_sector(group)} in country {group['country']}, coordinator {coordinator}, first "
        f"met {group['met']}, {group['status']}; covenant {_covenant_text(group)}",
        _table(_MEMBER, rows),
    )


def _report(report: Mapping[str, Any], first: str, table: Table, *after: str) -> Report:
    facts = {
        "passaat": __version__,
        "scenario": f"{report['scenario']}, fingerprint {report['hash']}",
        "world seed": str(report["seed"]),
    }
    blocks: list[Block] = [Sentence(shown(first)), table, *map(Sentence, after)]
    return Report(f"One run: {shown(report['title'])}", tuple(blocks), facts)


def _table(labels: tuple[str, ...], rows: Iterable[Row]) -> Table:
    columns = tuple(Column(one, "left" if one in _WORDS else "right") for one in labels)
    return Table(columns, (Group(tuple(rows)),), ruled=True, missable=MISSABLE)
