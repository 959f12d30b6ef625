"""What is judged of a run: the compiled rules against plain NumPy, by hand, at the ends, and bit for bit."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from passaat.errors import ModelError
from passaat.model import outcomes
from passaat.model.engine import judging
from passaat.model.engine.build import build_world
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.engine.programme import Programme
from passaat.model.inputs import WorldSize
from passaat.model.judged import Work
from passaat.model.outcomes import OUTCOME_NAMES, OUTCOMES, window_covenants
from passaat.model.provenance.golden import (
    golden_inputs,
    run_hash,
    small_inputs,
    without_programme,
)
from passaat.model.status import CONTACT, CONTRACT, OPEN, PARTNERSHIP, PLANNED, RELATION

Floats = NDArray[np.float64]


def named(values: Floats) -> dict[str, float]:
    """Outcomes by name."""
    return dict(zip(OUTCOME_NAMES, values.tolist(), strict=True))


def pair(name: str) -> tuple[Run, Run]:
    """A golden run and its twin."""
    inputs, seed = golden_inputs()[name]
    return simulate(inputs, seed), simulate(without_programme(inputs), seed)


def interpreted(run: Run, twin: Run | None = None, *, columns: bool = False) -> Floats:
    """Outcomes by the same rules without the compiler: on plain Python numbers, or on NumPy columns."""

    def tables(of: Run) -> Any:
        return of.store.column_world() if columns else of.store.interpreted_world()

    found = np.full(1, 12345.0, dtype=[(name, np.float64) for name in OUTCOME_NAMES])
    against = judging.twin_tables(tables(run if twin is None else twin), known=twin is not None)
    record = found.view(np.recarray)[0]
    outcomes.judge(judging.judged_tables(tables(run)), against, judging.room_for(run.world), record)
    return found.view(np.float64)


# --- the outcomes once more, in plain NumPy: sets of rows instead of loops, euros instead of cents --------------------

CENTS: Final = 100.0
PUBLIC_PURPOSES: Final = ("activities", "liaison", "branding", "follow_up", "administration", "support")
PRIVATE_PURPOSES: Final = ("fees", "in_kind", "own_activity", "private_follow_up")


def plain_outcomes(run: Run, twin: Run | None = None) -> NDArray[np.float64]:
    """All outcomes of one run, in the order of ``OUTCOMES``; those that need a twin are nan without one."""
    found = {**_portfolio(run), **_members(run), **_exports(run), **_money(run)}
    if twin is not None:
        found.update(_additional(run, twin, found["public_cost_eur"]))
    return np.array([found.get(name, np.nan) for name in OUTCOME_NAMES], dtype=np.float64)


def counted_rows(run: Run) -> NDArray[np.int64]:
    """Rows of the covenants that were applied for in the window."""
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
    world, covenants = run.world, counted_rows(run)
    clusters, calendar = world.clusters, world.calendar
    applied = clusters.applied_quarter[: int(calendar.n_clusters[0])]
    asked = (applied >= calendar.window_first_quarter[0]) & (applied <= calendar.window_last_quarter[0])
    rejected = asked & (clusters.turned_down[: len(applied)] == 1)
    again = clusters.refusals[: len(applied)][asked].sum()
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
        "applications": float(asked.sum() + again),
        "rejections": float(rejected.sum() + again),
        "extension_requests": float(clusters.extension_asked[covenants].sum()),
        "mean_duration_years": _mean((ends - clusters.start_quarter[covenants]) / 4.0),
        "covenants_stopped": float(clusters.stopped[covenants].sum()),
        "covenants_stopped_wrongly": float(clusters.stopped_wrongly[covenants].sum()),
        "covenants_kept_wrongly": float((clusters.kept_wrongly[covenants] > 0).sum()),
        "activities_realised_share": _share(done[covenants].sum(), planned[covenants].sum()),
        "memoranda": float(clusters.memoranda[covenants].sum()),
        "demonstrations": float((clusters.demonstration[covenants] == OPEN).sum()),
        "awareness": float(world.history.awareness[int(calendar.window_first_quarter[0]) :].mean()),
    }


def _members(run: Run) -> dict[str, float]:
    world = run.world
    rows = membership_rows(run, counted_rows(run))
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
        "firms_learned_out": _firms_that(run, engagement[engagements.stayed_out[engagement] > 0]),
        "quarters_to_first_contract": _mean(waited),
        "cooperation_survival_share": _share(float((stage >= CONTACT).sum()), float(len(engagement))),
    }


def _firms_that(run: Run, engagement: NDArray[np.int64]) -> float:
    """Number of different firms behind these engagements."""
    return float(len(np.unique(run.world.engagements.firm[engagement])))


def _exports(run: Run) -> dict[str, float]:
    world, covenants = run.world, counted_rows(run)
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
        "export_gini": plain_gini(exports[e]),
    }


def plain_gini(values: NDArray[np.float64]) -> float:
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
    start = clusters.start_quarter[:n]
    counted = np.zeros(n, dtype=bool)
    counted[counted_rows(run)] = True
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


def _additional(run: Run, twin: Run, public_cost_eur: float) -> dict[str, float]:
    """What the programme added, by firm: this run minus the twin; displaced sales are booked to other Dutch firms."""
    world, parameters = run.world, run.world.parameters
    gain = (
        world.engagements.exports_since_window_cents - twin.world.engagements.exports_since_window_cents
    ) / CENTS
    by_firm = np.bincount(world.engagements.firm, gain, minlength=len(world.firms.key))
    e = world.memberships.engagement[membership_rows(run, counted_rows(run))]
    member = np.zeros(len(world.firms.key), dtype=bool)
    member[world.engagements.firm[e]] = True
    members, everyone = float(by_firm[member].sum()), float(by_firm.sum())
    net = everyone * (1.0 - parameters.displacement_share)
    first = run.inputs.size.window_first_year - run.inputs.size.first_year
    seen = run.inputs.size.window_last_year - run.inputs.size.first_year + 1 + 2
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
        "additional_exports_net_until_evaluation_eur": float(yearly[: seen - first].sum())
        * (1.0 - parameters.displacement_share),
    }


def assert_close(found: Floats, expected: Floats) -> None:
    """Equal but for rounding: what others export is a difference and is held to the size of what it is taken from."""
    a, b = named(found), named(expected)
    largest = max(abs(b["exports_all_eur"]), abs(b["additional_exports_members_eur"]), 1.0)
    for name in OUTCOME_NAMES:
        slack = 1e-12 * largest if name.startswith("additional") else 1e-14
        assert a[name] == pytest.approx(b[name], rel=1e-12, abs=slack, nan_ok=True), name


@pytest.mark.parametrize("name", golden_inputs())
def test_the_rules_count_what_plain_numpy_counts(name: str) -> None:
    run, twin = pair(name)
    assert_close(outcomes_of(run, twin), plain_outcomes(run, twin))
    assert np.array_equal(outcomes_of(run)[no_twin], outcomes_of(run, twin)[no_twin], equal_nan=True)
    assert np.isnan(outcomes_of(run)[~no_twin]).all()


no_twin = np.array([not outcome.twin for outcome in OUTCOMES])


# --- tables filled by hand and by chance ------------------------------------------------------------------------------

HAND: Final = WorldSize(
    first_year=2000,
    window_first_year=2001,
    window_last_year=2002,
    last_year=2004,
    n_firms=6,
    n_sectors=1,
    n_countries=2,
    n_markets=2,
    markets_per_firm=2,
    n_coordinators=1,
    liaisons_per_market=1,
    cluster_rows=4,
    sector_weights=(1.0,),
)


def empty_run(size: WorldSize = HAND, **parameters: float) -> Run:
    """A run in which nothing happened; its columns can be written."""
    inputs = small_inputs(parameters=parameters, size=size, beyond_range=tuple(parameters))
    store = build_world(inputs, 0)
    world = store.column_world()
    world.engagements.firm[:] = np.arange(len(world.engagements.firm)) // size.markets_per_firm
    world.engagements.first_contract_quarter[:] = -1
    for column in (world.clusters.applied_quarter, world.clusters.start_quarter, world.clusters.end_quarter):
        column[:] = -1
    world.clusters.first_membership[:] = np.arange(size.cluster_rows) * world.calendar.block[0]
    return Run(inputs, 0, world, store)


def let_join(run: Run, cluster: int, engagement: int, joined_quarter: int) -> int:
    """A membership more; its row."""
    clusters, memberships = run.world.clusters, run.world.memberships
    row = int(clusters.first_membership[cluster] + clusters.n_joined[cluster])
    clusters.n_joined[cluster] += 1
    memberships.cluster[row], memberships.engagement[row] = cluster, engagement
    memberships.joined_quarter[row] = joined_quarter
    return row


def by_hand() -> tuple[Run, Run]:
    """Six firms in two markets, rows 2 x firm and 2 x firm + 1; the window is quarters 4 to 11 of 20."""
    run, twin = (empty_run(displacement_share=0.5, discount_rate=0.25) for _ in range(2))
    firms, engagements, clusters = run.world.firms, run.world.engagements, run.world.clusters
    firms.sme[[0, 2]] = 1
    firms.institute[3] = 1
    run.world.calendar.n_clusters[0] = 4
    # cluster 0 applied before the window, 3 was rejected; 1 lasted two years, 2 goes on to the end
    clusters.applied_quarter[:] = [3, 4, 8, 11]
    clusters.start_quarter[:] = [5, 6, 10, -1]
    clusters.end_quarter[:] = [9, 14, -1, -1]
    clusters.turned_down[:] = [0, 0, 0, 1]
    clusters.extension_asked[:] = [1, 0, 1, 0]
    clusters.stopped[:] = [1, 1, 0, 0]
    clusters.stopped_wrongly[:] = [1, 1, 0, 0]
    clusters.kept_wrongly[:] = [3, 0, 2, 0]
    clusters.refusals[:] = [1, 0, 1, 0]
    clusters.memoranda[:] = [5, 1, 2, 0]
    clusters.demonstration[:] = [OPEN, OPEN, PLANNED, 0]
    clusters.plan_promotion[:] = [9.0, 2.0, 4.0, 9.0]
    clusters.plan_knowledge[1] = clusters.plan_diplomacy[1] = 1.0
    clusters.done_promotion[:] = [9.0, 1.0, 2.5, 0.0]
    clusters.done_knowledge[1] = 1.0
    # firm 5 was in cluster 0; firm 1 was in clusters 1 and 2 in the same market, firm 0 in two markets
    rows = {
        (0, 10): let_join(run, 0, 10, 5),
        (1, 0): let_join(run, 1, 0, 6),
        (1, 2): let_join(run, 1, 2, 6),
        (1, 4): let_join(run, 1, 4, 8),
        (2, 1): let_join(run, 2, 1, 10),
        (2, 6): let_join(run, 2, 6, 10),
        (2, 2): let_join(run, 2, 2, 12),
    }
    for place, contacts, contracts in (
        ((0, 10), 9.0, 9),
        ((1, 0), 1.0, 0),
        ((1, 2), 0.5, 1),
        ((1, 4), 0.99, 0),
        ((2, 1), 0.0, 2),
        ((2, 6), 2.0, 0),
        ((2, 2), 1.5, 1),
    ):
        run.world.memberships.contacts_gained[rows[place]] = contacts
        run.world.memberships.contracts[rows[place]] = contracts
    markets = [0, 1, 2, 4, 6, 10]
    engagements.best_stage[markets] = [RELATION, CONTRACT, CONTACT, RELATION, PARTNERSHIP, CONTRACT]
    engagements.stage[markets] = [CONTACT, CONTRACT, 0, 0, RELATION, CONTRACT]
    engagements.presence[[0, 1, 10]] = 1
    engagements.stayed_out[[4, 10]] = 1
    engagements.permits[markets] = [0.5, 0.25, 0.0, 0.75, 1.0, 1.0]
    engagements.first_contract_quarter[[1, 2, 10]] = [12, 11, 7]
    run.world.history.awareness[:] = np.arange(20) / 100.0
    engagements.exports_since_window_cents[[0, 1, 2, 3, 6, 10]] = [10000, 30000, 20000, 5000, 40000, 70000]
    twin.world.engagements.exports_since_window_cents[[0, 2, 6, 10]] = [4000, 20000, 10000, 80000]
    run.world.exports_by_year_cents[0] = [100000, 20000, 0, 0, 0]
    run.world.exports_by_year_cents[1, 2] = 25000
    run.world.exports_by_year_cents[6, 4] = 17000
    twin.world.exports_by_year_cents[6, 4] = 1000
    accounts = run.world.accounts
    accounts.activities_cents[:] = [99900, 10000, 20000, 0]
    accounts.liaison_cents[1], accounts.branding_cents[2] = 2000, 700
    accounts.administration_cents[:] = [100, 500, 0, 300]
    accounts.follow_up_cents[2], accounts.support_cents[2] = 3000, 1000
    accounts.fees_cents[1], accounts.own_activity_cents[2] = 5000, 600
    accounts.in_kind_cents[:] = [700, 400, 0, 100]
    accounts.private_follow_up_cents[2] = 200
    return run, twin


WORKED_OUT: Final = {
    "covenants": 2.0,
    "members": 4.0,  # firms 0 to 3
    "smes": 2.0,
    "sme_share": 2.0 / 3.0,
    "members_per_covenant": 2.0,  # firms 0 and 1, then 0 and 3; the others joined later
    "applications": 4.0,  # cluster 2 applied twice
    "rejections": 2.0,
    "extension_requests": 1.0,
    "mean_duration_years": 2.25,  # 8 and 10 quarters
    "covenants_stopped": 1.0,
    "covenants_stopped_wrongly": 1.0,
    "covenants_kept_wrongly": 1.0,  # at two checkpoints, still one
    "activities_realised_share": 0.5625,  # 2 of 4 and 2.5 of 4
    "firms_with_contacts": 3.0,  # all but firm 2
    "relations": 3.0,  # all but firm 1
    "partnerships": 2.0,  # firms 0 and 3
    "firms_with_contract": 2.0,  # firms 0 and 1
    "contracts": 4.0,
    "local_presence": 1.0,
    "memoranda": 3.0,
    "demonstrations": 1.0,
    "barriers_passed_share": 0.5,  # 0.5, 0.25, 0, 0.75 and 1
    "exports_members_eur": 1000.0,  # 100, 300, 200, 0 and 400
    "exports_all_eur": 1750.0,
    "additional_exports_members_eur": 710.0,  # firm 0: 360, firm 1: 50, firm 3: 300
    "additional_exports_smes_eur": 360.0,
    "additional_exports_others_eur": -405.0,  # 305 - 710
    "additional_exports_net_eur": 305.0,  # half of 710 - 100
    "net_exports_per_public_euro": 305.0 / 375.0,
    "top_five_share": 1.0,
    "export_gini": 0.4,  # (4 x 400 + 2 x (300 - 100)) / (5 x 1000)
    "awareness": 0.115,  # 4 to 19 per cent
    "firms_learned_out": 1.0,
    "quarters_to_first_contract": 3.5,  # 2 and 5; the second contract of firm 1 came before it joined again
    "cooperation_survival_share": 0.6,
    "public_cost_eur": 375.0,
    "public_cost_activities_eur": 300.0,
    "public_cost_liaison_eur": 20.0,
    "public_cost_branding_eur": 7.0,
    "public_cost_follow_up_eur": 30.0,
    "public_cost_administration_eur": 8.0,  # that of the rejected application is counted
    "public_cost_support_eur": 10.0,
    "private_cost_eur": 63.0,
    "additional_exports_net_discounted_eur": 240.96,  # half of 200 + 250 / 1.25 + 160 / 1.953125
    "additional_exports_net_until_evaluation_eur": 305.0,  # half of 200 + 250 + 160: the run ends with 2004
}


def test_a_small_world_by_hand() -> None:
    run, twin = by_hand()
    assert set(WORKED_OUT) == set(OUTCOME_NAMES)
    assert named(outcomes_of(run, twin)) == pytest.approx(WORKED_OUT, rel=1e-14)
    assert window_covenants(run).tolist() == [1, 2]


def test_what_comes_after_the_evaluation_is_not_seen_by_it() -> None:
    run, twin = by_hand()
    run.world.calendar.window_last_quarter[0] -= 4  # 2001: it looks until 2003
    found = named(outcomes_of(run, twin))
    assert found["additional_exports_net_until_evaluation_eur"] == 225.0
    run.world.exports_by_year_cents[6, 4] = 99900
    after = named(outcomes_of(run, twin))
    assert after["additional_exports_net_until_evaluation_eur"] == 225.0
    assert after["additional_exports_net_discounted_eur"] > found["additional_exports_net_discounted_eur"]


def by_chance(seed: int) -> tuple[Run, Run]:
    """A run and a twin with any contents that tables can have, with more overlap and more zeros than usual."""
    luck = np.random.default_rng(seed)
    size = replace(HAND, n_firms=int(luck.integers(1, 30)), cluster_rows=int(luck.integers(1, 20)))
    chosen = {"displacement_share": luck.random(), "discount_rate": 0.1 * luck.random()}
    run, twin = (empty_run(size, **chosen) for _ in range(2))
    world, n = run.world, size.cluster_rows
    world.calendar.n_clusters[0] = n if luck.random() < 0.8 else luck.integers(0, n)
    clusters, engagements = world.clusters, world.engagements
    clusters.applied_quarter[:] = luck.integers(2, 12, n)
    clusters.start_quarter[:] = np.where(luck.random(n) < 0.8, clusters.applied_quarter + 2, -1)
    clusters.end_quarter[:] = np.where(luck.random(n) < 0.5, clusters.start_quarter + 4, -1)
    clusters.turned_down[:] = luck.random(n) < 0.1
    for c in range(n):
        for e in luck.choice(len(engagements.firm), luck.integers(0, min(12, len(engagements.firm)) + 1)):
            row = let_join(run, c, int(e), int(luck.integers(0, 20)))
            world.memberships.contacts_gained[row] = luck.random() * 2.0
            world.memberships.contracts[row] = luck.integers(0, 3)
    for name in ("extension_asked", "stopped", "memoranda", "demonstration"):
        getattr(clusters, name)[:] = luck.integers(0, 2, n)
    for name in ("plan_promotion", "plan_knowledge", "done_promotion", "done_diplomacy"):
        getattr(clusters, name)[:] = luck.random(n)
    for name in world.accounts._fields:
        getattr(world.accounts, name)[:] = luck.integers(0, 10**9, n) * luck.integers(0, 2)
    world.firms.sme[:], world.firms.institute[:] = luck.integers(0, 2, (2, size.n_firms))
    rows, years = world.exports_by_year_cents.shape
    for name, most in (("best_stage", 6), ("stage", 6), ("presence", 2), ("stayed_out", 2)):
        getattr(engagements, name)[:] = luck.integers(0, most, rows)
    engagements.permits[:] = luck.random(rows)
    engagements.first_contract_quarter[:] = luck.integers(-1, 20, rows)
    world.history.awareness[:] = luck.random(20)
    for one in (run, twin):
        some = luck.random((rows, 1)) < luck.random()
        one.world.exports_by_year_cents[:] = luck.integers(0, 10**10, (rows, years)) * some
        one.world.engagements.exports_since_window_cents[:] = one.world.exports_by_year_cents[:, 1:].sum(1)
    for name in ("stopped_wrongly", "kept_wrongly", "refusals"):
        getattr(clusters, name)[:] = luck.integers(0, 2, n)
    return run, twin


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_tables_are_counted_as_plain_numpy_counts_them(seed: int) -> None:
    run, twin = by_chance(seed)
    found = outcomes_of(run, twin)
    assert_close(found, plain_outcomes(run, twin))
    assert found.tobytes() == interpreted(run, twin).tobytes()
    assert window_covenants(run).tolist() == counted_rows(run).tolist()


def test_chance_reaches_all_kinds_of_tables() -> None:
    found = [by_chance(seed) for seed in range(60)]
    values = np.array([outcomes_of(run, twin) for run, twin in found])
    assert max(len(counted_rows(run)) for run, _ in found) > 5, "never more than five covenants"
    assert (values[:, OUTCOME_NAMES.index("covenants")] == 0.0).any(), "never none"
    for name in ("net_exports_per_public_euro", "export_gini", "top_five_share", "sme_share"):
        column = values[:, OUTCOME_NAMES.index(name)]
        assert np.isnan(column).any(), f"{name} always exists"
        assert len(np.unique(column[np.isfinite(column)])) > 20, f"{name} hardly varies"


# --- at the ends ------------------------------------------------------------------------------------------------------


def test_a_twin_that_is_the_same_world_leaves_nothing_added() -> None:
    run, _ = pair("practice")
    found = named(outcomes_of(run, run))
    assert [found[outcome.name] for outcome in OUTCOMES if outcome.twin] == [0.0] * int((~no_twin).sum())
    assert found["public_cost_eur"] > 0.0


def test_where_nothing_happened_counts_are_zero_and_means_do_not_exist() -> None:
    found = named(outcomes_of(empty_run(), empty_run()))
    no_number = {name for name, value in found.items() if np.isnan(value)}
    assert no_number == {
        "sme_share",
        "members_per_covenant",
        "mean_duration_years",
        "activities_realised_share",
        "barriers_passed_share",
        "net_exports_per_public_euro",
        "top_five_share",
        "export_gini",
        "quarters_to_first_contract",
        "cooperation_survival_share",
    }
    assert {value for name, value in found.items() if name not in no_number} == {0.0}


def test_without_public_money_there_are_no_exports_per_euro() -> None:
    run, twin = by_hand()
    for name in PUBLIC_PURPOSES:
        getattr(run.world.accounts, f"{name}_cents")[:] = 0
    found = named(outcomes_of(run, twin))
    assert found["public_cost_eur"] == 0.0
    assert np.isnan(found["net_exports_per_public_euro"])
    assert found["additional_exports_net_eur"] == WORKED_OUT["additional_exports_net_eur"]


def test_without_exports_nothing_is_concentrated() -> None:
    run, _ = by_hand()
    run.world.engagements.exports_since_window_cents[:] = 0
    found = named(outcomes_of(run))
    assert found["exports_members_eur"] == 0.0
    assert np.isnan([found["export_gini"], found["top_five_share"]]).all()


def test_if_everyone_exports_as_much_nothing_is_unequal_and_if_one_has_all_nearly_everything() -> None:
    run, _ = by_hand()
    run.world.engagements.exports_since_window_cents[:] = 333_333_333_333
    assert named(outcomes_of(run))["export_gini"] == 0.0
    run.world.engagements.exports_since_window_cents[:] = 0
    run.world.engagements.exports_since_window_cents[6] = 1
    assert named(outcomes_of(run))["export_gini"] == 0.8


@pytest.mark.parametrize(("displacement", "net", "others"), [(0.0, 610.0, -100.0), (1.0, 0.0, -710.0)])
def test_displaced_sales_are_taken_from_others(displacement: float, net: float, others: float) -> None:
    run, twin = by_hand()
    run.store.parameters["displacement_share"] = displacement
    found = named(outcomes_of(run, twin))
    assert (found["additional_exports_net_eur"], found["additional_exports_others_eur"]) == (net, others)
    assert found["additional_exports_members_eur"] == 710.0


def test_at_no_discount_the_years_add_up_to_the_exports_since_the_window() -> None:
    run, twin = pair("practice")
    run.store.parameters["discount_rate"] = 0.0
    found = named(outcomes_of(run, twin))
    assert found["additional_exports_net_discounted_eur"] == pytest.approx(
        found["additional_exports_net_eur"], rel=1e-12
    )


@pytest.mark.parametrize("name", ["practice", "smes", "a given group"])
def test_twice_the_money_is_twice_the_euros_and_the_same_shares(name: str) -> None:
    """Powers of two change no rounding: every bit is as expected."""
    run, twin = pair(name)
    before = outcomes_of(run, twin)
    for one in (run, twin):
        one.world.exports_by_year_cents[:] *= 2
        one.world.engagements.exports_since_window_cents[:] *= 2
        for column in one.world.accounts:
            column[:] *= 2
    factor = np.array([2.0 if outcome.unit == "EUR" else 1.0 for outcome in OUTCOMES])
    assert outcomes_of(run, twin).tobytes() == (factor * before).tobytes()


@pytest.mark.parametrize("name", golden_inputs())
def test_parts_do_not_exceed_the_whole(name: str) -> None:
    found = named(outcomes_of(*pair(name)))
    assert found["partnerships"] <= found["relations"] <= found["members"]
    for part in ("smes", "firms_with_contacts", "firms_with_contract", "local_presence", "firms_learned_out"):
        assert 0.0 <= found[part] <= found["members"]
    assert found["firms_with_contract"] <= found["contracts"]
    assert found["rejections"] <= found["applications"]
    assert found["exports_members_eur"] <= found["exports_all_eur"]
    cents = {purpose: round(100.0 * found[f"public_cost_{purpose}_eur"]) for purpose in PUBLIC_PURPOSES}
    assert sum(cents.values()) == round(100.0 * found["public_cost_eur"])
    for outcome in OUTCOMES:
        if outcome.unit == "share" and not np.isnan(found[outcome.name]):
            assert 0.0 <= found[outcome.name] <= 1.0, outcome.name


def test_a_twin_of_another_world_is_refused() -> None:
    run, twin = empty_run(), empty_run(replace(HAND, n_firms=5, last_year=2005))
    with pytest.raises(ModelError, match=r"the twin is another world; it differs in size"):
        outcomes_of(run, twin)


# --- bit for bit ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", golden_inputs())
def test_compiled_and_interpreted_rules_give_the_same_bits(name: str) -> None:
    run, twin = pair(name)
    expected = outcomes_of(run, twin).tobytes()
    assert interpreted(run, twin).tobytes() == expected
    assert interpreted(run, twin, columns=True).tobytes() == expected
    assert interpreted(run).tobytes() == outcomes_of(run).tobytes()


def test_a_run_of_the_mesa_driver_is_judged_alike(tiny: WorldSize) -> None:
    inputs = small_inputs(size=tiny)
    both = (inputs, without_programme(inputs))
    run, twin = (simulate(one, 3) for one in both)
    mesa_run, mesa_twin = (Programme(one, 3).run().result() for one in both)
    assert outcomes_of(mesa_run, mesa_twin).tobytes() == outcomes_of(run, twin).tobytes()
    assert named(outcomes_of(run, twin))["covenants"] > 0.0


def test_runs_judged_in_threads_are_judged_as_in_turn() -> None:
    pairs = [pair(name) for name in golden_inputs()]
    in_turn = [outcomes_of(*one).tobytes() for one in pairs]
    assert len(set(in_turn)) == len(pairs)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda one: outcomes_of(*one).tobytes(), pairs * 20)) == in_turn * 20


@pytest.mark.parametrize("contents", [-1, 1, 2**62])
def test_what_stood_in_the_room_before_does_not_matter(
    contents: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, twin = pair("practice")
    expected = outcomes_of(run, twin).tobytes()
    clean = judging.room_for

    def used(world: Any) -> Work:
        room = clean(world)
        for column in room:
            column[:] = contents
        return room

    monkeypatch.setattr(judging, "room_for", used)
    assert outcomes_of(run, twin).tobytes() == expected


def test_judging_writes_nothing_into_the_run() -> None:
    run, twin = pair("follow-up")
    before = run_hash(run), run_hash(twin)
    outcomes_of(run, twin)
    assert (run_hash(run), run_hash(twin)) == before


def test_every_golden_run_has_outcomes_of_its_own_compiled_and_interpreted_to_the_last_bit() -> None:
    found = {name: outcomes_of(*pair(name)).tobytes() for name in golden_inputs()}
    assert len(set(found.values())) == len(found)
    for name, bits in found.items():
        assert interpreted(*pair(name)).tobytes() == bits, name


# --- the compiled judge -----------------------------------------------------------------------------------------------


def judge_arguments(run: Run, twin: Run) -> tuple[Any, ...]:
    """What the compiled judge takes, but for the record of outcomes."""
    tables = judging.judged_tables(run.store.compiled_world())
    against = judging.twin_tables(twin.store.compiled_world(), known=True)
    return tables, against, judging.room_for(run.world)


class WithExtra(NamedTuple):
    """The tables of an extension."""

    numbers: Floats


def test_an_extended_world_is_judged_by_the_same_machine_code() -> None:
    judge: Any = judging.compiled_judge(outcomes.judge)
    run, twin = pair("practice")
    expected = outcomes_of(run, twin).tobytes()
    extended = replace(run, store=replace(run.store, extra=WithExtra(np.zeros(3))))
    assert outcomes_of(extended, twin).tobytes() == expected
    assert len(judge.function.signatures) == 1


@pytest.mark.slow
def test_the_compiled_judge_calls_no_function_of_a_c_library() -> None:
    source = judging.judge_source(outcomes.judge)
    names: dict[str, Any] = {}
    exec(compile(source, "<judge>", "exec"), names)
    fresh = names["run"]
    run, twin = pair("practice")
    found = np.zeros(1, dtype=[(name, np.float64) for name in OUTCOME_NAMES])
    fresh(*judge_arguments(run, twin), found[0])
    assert found.tobytes() == outcomes_of(run, twin).tobytes()
    (text,) = fresh.inspect_llvm().values()
    called = set(re.findall(r'^declare (?:double|float) @"?([^"(]+)', text, re.MULTILINE))
    assert called == set(), "floating-point functions from outside"
    assert "fmuladd" not in text
    assert " fast " not in text
