"""Outcomes of a run: what a comparison reports, per run and against the no-programme twin.

All outcomes count what covenants applied for in the window, and their members, do from the window's first
year to the end of the run; exports are in constant prices. A twin is the run of the same world seed and parameters in
which the programme ends before the window. Member firms are those of this run, in both worlds: the same firms are
compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from passaat.model.cluster import OPEN
from passaat.model.compiled import Run
from passaat.model.status import CONTACT, PARTNERSHIP, RELATION

CENTS: Final = 100.0
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Outcome:
    """One outcome: name, unit, meaning, which direction is better, and whether the no-programme twin is needed."""

    name: str
    unit: str
    meaning: str
    better: Better
    twin: bool = False


OUTCOMES: Final[tuple[Outcome, ...]] = (
    Outcome("covenants", "covenants", "covenants applied for in the window", "neither"),
    Outcome("members", "firms", "firms that were member of such a covenant", "higher"),
    Outcome("smes", "firms", "SMEs among them", "higher"),
    Outcome("sme_share", "share", "SMEs among companies that were members", "neither"),
    Outcome(
        "members_per_covenant", "participants", "participants at the start of a covenant, mean", "neither"
    ),
    Outcome("applications", "applications", "applications in the window", "neither"),
    Outcome("rejections", "applications", "applications rejected", "neither"),
    Outcome("extension_requests", "covenants", "covenants that asked for an extension", "neither"),
    Outcome("mean_duration_years", "years", "length of a covenant, mean", "neither"),
    Outcome("covenants_stopped", "covenants", "covenants stopped at a checkpoint", "neither"),
    Outcome("activities_realised_share", "share", "planned activities that took place", "higher"),
    Outcome("firms_with_contacts", "firms", "members that gained at least one contact", "higher"),
    Outcome(
        "relations",
        "firms",
        "members that ever reached a relation or more in a covenant's market",
        "higher",
    ),
    Outcome("partnerships", "firms", "members that ever reached a partnership or more", "higher"),
    Outcome("firms_with_contract", "firms", "members that won a contract in the covenant's market", "higher"),
    Outcome("contracts", "contracts", "contracts won by members in the covenant's market", "higher"),
    Outcome("local_presence", "firms", "members with a local branch in a covenant's market", "higher"),
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
    ),
    Outcome("exports_all_eur", "EUR", "exports of all firms to all markets", "higher"),
    Outcome(
        "additional_exports_members_eur",
        "EUR",
        "exports of members beyond those of the same firms without programme",
        "higher",
        True,
    ),
    Outcome("additional_exports_smes_eur", "EUR", "the same for SMEs among the members", "higher", True),
    Outcome(
        "additional_exports_others_eur",
        "EUR",
        "the same for other Dutch firms, displaced sales taken off",
        "higher",
        True,
    ),
    Outcome(
        "additional_exports_net_eur",
        "EUR",
        "additional exports of all firms, net of displacement",
        "higher",
        True,
    ),
    Outcome(
        "net_exports_per_public_euro",
        "ratio",
        "additional net exports of this world per euro of its public money",
        "higher",
        True,
    ),
    Outcome("top_five_share", "share", "share of the five best covenants in members' exports", "lower"),
    Outcome("export_gini", "share", "inequality of members' exports (Gini)", "lower"),
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
        "public_cost_eur", "EUR", "public money spent on covenants and applications of the window", "lower"
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
    ),
)
"""Every outcome, in the order of the array that ``outcomes_of`` returns."""

OUTCOME_NAMES: Final = tuple(outcome.name for outcome in OUTCOMES)


def outcomes_of(run: Run, twin: Run | None = None) -> NDArray[np.float64]:
    """All outcomes of one run, aligned with ``OUTCOMES``; those that need a twin are nan without one.

    Args:
        run: the run.
        twin: the run of the same world without programme.
    """
    found = {**_portfolio(run), **_members(run), **_exports(run), **_money(run)}
    if twin is not None:
        found.update(_additional(run, twin, found["public_cost_eur"]))
    return np.array([found.get(name, np.nan) for name in OUTCOME_NAMES], dtype=np.float64)


def window_covenants(run: Run) -> NDArray[np.int64]:
    """Rows of the covenants that were applied for in the window, in the order of first meeting.

    Those applied for before the window follow earlier rules in every option and in the twin, though what is decided on
    in the window draws on its budget. Nobody applies after it; who waited for a call or an inception may start later.
    """
    clusters, calendar = run.world.clusters, run.world.calendar
    n = int(calendar.n_clusters[0])
    applied = clusters.applied_quarter[:n] >= calendar.window_first_quarter[0]
    return np.flatnonzero(
        applied & (clusters.start_quarter[:n] >= 0) & (clusters.turned_down[:n] == 0)
    ).astype(np.int64)


def membership_rows(run: Run, covenants: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of all memberships of these covenants, past and present."""
    clusters = run.world.clusters
    if not len(covenants):
        return np.zeros(0, dtype=np.int64)
    counts, first = clusters.n_joined[covenants], clusters.first_membership[covenants]
    starts = np.repeat(first - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
    return (starts + np.arange(counts.sum())).astype(np.int64)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _portfolio(run: Run) -> dict[str, float]:
    world, covenants = run.world, window_covenants(run)
    clusters, calendar = world.clusters, world.calendar
    applied = clusters.applied_quarter[: int(calendar.n_clusters[0])]
    asked = (applied >= calendar.window_first_quarter[0]) & (applied <= calendar.window_last_quarter[0])
    rejected = asked & (clusters.turned_down[: len(applied)] == 1)
    planned = clusters.plan_promotion + clusters.plan_knowledge + clusters.plan_diplomacy
    done = clusters.done_promotion + clusters.done_knowledge + clusters.done_diplomacy
    rows = membership_rows(run, covenants)
    at_start = (
        world.memberships.joined_quarter[rows] <= clusters.start_quarter[world.memberships.cluster[rows]]
    )
    ends = np.where(
        clusters.end_quarter[covenants] < 0, calendar.n_quarters[0], clusters.end_quarter[covenants]
    )
    return {
        "covenants": float(len(covenants)),
        "members_per_covenant": _share(float(at_start.sum()), float(len(covenants))),
        "applications": float(asked.sum()),
        "rejections": float(rejected.sum()),
        "extension_requests": float(clusters.extension_asked[covenants].sum()),
        "mean_duration_years": _mean((ends - clusters.start_quarter[covenants]) / 4.0),
        "covenants_stopped": float(clusters.stopped[covenants].sum()),
        "activities_realised_share": _share(done[covenants].sum(), planned[covenants].sum()),
        "memoranda": float(clusters.memoranda[covenants].sum()),
        "demonstrations": float((clusters.demonstration[covenants] == OPEN).sum()),
        "awareness": float(world.history.awareness[int(calendar.window_first_quarter[0]) :].mean()),
    }


def _members(run: Run) -> dict[str, float]:
    world = run.world
    rows = membership_rows(run, window_covenants(run))
    memberships, engagements, firms = world.memberships, world.engagements, world.firms
    e = memberships.engagement[rows]
    firm = np.unique(engagements.firm[e])
    engagement = np.unique(e)
    stage, best = engagements.stage[engagement], engagements.best_stage[engagement]
    gained = memberships.contacts_gained[rows] >= 1.0
    companies = firms.institute[firm] == 0
    first = engagements.first_contract_quarter[e]
    waited = (first - memberships.joined_quarter[rows])[first >= memberships.joined_quarter[rows]]
    return {
        "members": float(len(firm)),
        "smes": float(firms.sme[firm].sum()),
        "sme_share": _share(float(firms.sme[firm].sum()), float(companies.sum())),
        "firms_with_contacts": _firms_that(run, e[gained]),
        "relations": _firms_that(run, engagement[best >= RELATION]),
        "partnerships": _firms_that(run, engagement[best >= PARTNERSHIP]),
        "firms_with_contract": _firms_that(run, e[memberships.contracts[rows] > 0]),
        "contracts": float(memberships.contracts[rows].sum()),
        "local_presence": _firms_that(run, engagement[engagements.presence[engagement] == 1]),
        "barriers_passed_share": _mean(engagements.permits[engagement]),
        "firms_learned_out": _firms_that(run, engagement[engagements.stayed_out[engagement] == 1]),
        "quarters_to_first_contract": _mean(waited),
        "cooperation_survival_share": _share(float((stage >= CONTACT).sum()), float(len(engagement))),
    }


def _firms_that(run: Run, engagement: NDArray[np.int64]) -> float:
    """Number of different firms behind these engagements."""
    return float(len(np.unique(run.world.engagements.firm[engagement])))


def _exports(run: Run) -> dict[str, float]:
    world, covenants = run.world, window_covenants(run)
    rows = membership_rows(run, covenants)
    e = np.unique(world.memberships.engagement[rows])
    exports = world.engagements.exports_since_window_cents / CENTS
    by_cluster = np.bincount(
        world.memberships.cluster[rows],
        exports[world.memberships.engagement[rows]],
        minlength=int(world.calendar.n_clusters[0]),
    )
    top = np.sort(by_cluster)[::-1]
    return {
        "exports_members_eur": float(exports[e].sum()),
        "exports_all_eur": float(exports.sum()),
        "top_five_share": _share(top[:5].sum(), top.sum()),
        "export_gini": gini(exports[e]),
    }


def gini(values: NDArray[np.float64]) -> float:
    """Gini coefficient of non-negative values: 0 if all are equal, near 1 if one has everything; nan without any."""
    total = values.sum()
    n = len(values)
    if n == 0 or total <= 0.0:
        return float("nan")
    ranks = np.arange(1, n + 1)
    return float(2.0 * (ranks * np.sort(values)).sum() / (n * total) - (n + 1) / n)


def _money(run: Run) -> dict[str, float]:
    """Cost of the window's covenants and of applications turned down or lapsed, in EUR."""
    accounts, clusters, calendar = run.world.accounts, run.world.clusters, run.world.calendar
    n = int(calendar.n_clusters[0])
    # the cost of covenants that start in the window, and of applications turned down in it
    start = clusters.start_quarter[:n]
    counted = np.zeros(n, dtype=bool)
    counted[window_covenants(run)] = True
    turned_down = (start < 0) & (clusters.applied_quarter[:n] >= calendar.window_first_quarter[0])
    counted |= turned_down
    eur = {
        name: float(getattr(accounts, f"{name}_cents")[:n][counted].sum()) / CENTS for name in PUBLIC_PURPOSES
    }
    private = sum(
        float(getattr(accounts, f"{name}_cents")[:n][counted].sum()) / CENTS for name in PRIVATE_PURPOSES
    )
    costs = {f"public_cost_{name}_eur": value for name, value in eur.items()}
    return {**costs, "public_cost_eur": sum(eur.values()), "private_cost_eur": private}


PUBLIC_PURPOSES: Final = ("activities", "liaison", "branding", "follow_up", "administration", "support")
PRIVATE_PURPOSES: Final = ("fees", "in_kind", "own_activity", "private_follow_up")
"""Purposes of the ledger: columns ``<purpose>_cents`` of the accounts."""


def _additional(run: Run, twin: Run, public_cost_eur: float) -> dict[str, float]:
    """What the programme added, by firm: this run minus the twin; displaced sales are booked to other Dutch firms."""
    world, parameters = run.world, run.world.parameters
    gain = (
        world.engagements.exports_since_window_cents - twin.world.engagements.exports_since_window_cents
    ) / CENTS
    by_firm = np.bincount(world.engagements.firm, gain, minlength=len(world.firms.key))
    e = world.memberships.engagement[membership_rows(run, window_covenants(run))]
    member = np.zeros(len(world.firms.key), dtype=bool)
    member[world.engagements.firm[e]] = True
    members, everyone = float(by_firm[member].sum()), float(by_firm.sum())
    net = everyone * (1.0 - parameters.displacement_share)
    first = run.inputs.size.window_first_year - run.inputs.size.first_year
    yearly = (world.exports_by_year_cents - twin.world.exports_by_year_cents)[:, first:].sum(axis=0) / CENTS
    factors = (1.0 + parameters.discount_rate) ** -np.arange(len(yearly))
    return {
        "additional_exports_members_eur": members,
        "additional_exports_smes_eur": float(by_firm[member & (world.firms.sme == 1)].sum()),
        "additional_exports_others_eur": net - members,
        "additional_exports_net_eur": net,
        "net_exports_per_public_euro": _share(net, public_cost_eur),
        "additional_exports_net_discounted_eur": float((yearly * factors).sum())
        * (1.0 - parameters.displacement_share),
    }
