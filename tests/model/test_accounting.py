"""Nothing is lost and nothing comes from nowhere: money, firms, members, applications and exports in every run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passaat.model import status
from passaat.model.engine.build import build_world
from passaat.model.engine.compiled import Run, driver_for, simulate
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.kernel.columns import declared_columns
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import SMALL_WORLD, columns_of, golden_inputs, run_hash, small_inputs
from passaat.model.world import TABLES
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.scenario import Scenario

Differing = Callable[[Run, Run], list[str]]

PUBLIC_PURPOSES = ("activities", "liaison", "branding", "follow_up", "administration", "support")
"""Columns ``<purpose>_cents`` of the accounts that hold public money."""

BEYOND_A_SHARE = {"countries.demand_shift"}
"""Columns in shares that may lie outside 0 to 1: a change, up or down."""


def in_use(run: Run, table: str, column: str) -> Any:
    """A column of clusters or accounts, rows in use only."""
    return getattr(getattr(run.world, table), column)[: int(run.world.calendar.n_clusters[0])]


# --- identities, in words ---------------------------------------------------------------------------------------------


def check_each_ledger_balances(run: Run) -> None:
    """What was committed is spent by purpose, released, set aside for follow-up, or still there while it runs."""
    a = {name: in_use(run, "accounts", name) for name in run.world.accounts._fields}
    used = sum(a[f"{name}_cents"] for name in ("activities", "liaison", "branding", "support", "follow_up"))
    left = a["committed_cents"] - used - a["released_cents"] - a["follow_up_reserve_cents"]
    state = in_use(run, "clusters", "status")
    running = np.isin(state, (status.RUNNING, status.EXTENDED))
    assert (left[~running] == 0).all(), "money of a covenant that ended is neither spent nor released"
    assert (left >= 0).all(), "a covenant spent more than was committed"
    for name, column in a.items():
        assert (column >= 0).all(), name
    waiting = np.isin(state, (status.RUNNING, status.EXTENDED, status.FOLLOW_UP))
    assert (a["follow_up_reserve_cents"][~waiting] == 0).all(), "money set aside for a follow-up that is over"
    never_started = in_use(run, "clusters", "start_quarter") < 0
    assert (a["committed_cents"][never_started] == 0).all(), "money for a group that never started"


def check_the_agency_adds_up(run: Run) -> None:
    """The agency's totals are the sums of the accounts."""
    agency = run.world.agency
    paid = sum(int(in_use(run, "accounts", f"{name}_cents").sum()) for name in PUBLIC_PURPOSES)
    assert int(agency.paid_cents[0]) == paid
    assert int(agency.committed_cents[0]) == int(in_use(run, "accounts", "committed_cents").sum())
    assert int(agency.budget_left_cents[0]) >= 0
    released_by_stops = int(
        in_use(run, "accounts", "released_cents")[in_use(run, "clusters", "stopped") == 1].sum()
    )
    assert 0 <= int(agency.freed_cents[0]) <= released_by_stops


def check_applications_in_are_applications_out(run: Run) -> None:
    """Every application was awarded, rejected, lapsed after the window, or waits."""
    applied = in_use(run, "clusters", "applied_quarter") >= 0
    state, start = in_use(run, "clusters", "status"), in_use(run, "clusters", "start_quarter")
    rejected = in_use(run, "clusters", "turned_down") == 1
    assert not (rejected & ~applied).any()
    assert (in_use(run, "accounts", "committed_cents")[rejected] == 0).all()
    assert not (rejected & np.isin(state, (status.RUNNING, status.EXTENDED, status.STOPPED))).any()
    awarded = applied & (start >= 0) & ~rejected
    lapsed = applied & (state == status.DISSOLVED) & ~rejected
    waiting = applied & np.isin(state, (status.APPLIED, status.INCEPTION))
    assert int(applied.sum()) == int(awarded.sum() + rejected.sum() + lapsed.sum() + waiting.sum())
    assert int(run.world.agency.rejections[0]) == int(rejected.sum())
    last_quarter = int(run.world.calendar.quarter[0])
    assessed = applied & (in_use(run, "clusters", "applied_quarter") < last_quarter)
    assert int(run.world.agency.applications[0]) == int(assessed.sum())


def check_members_add_up(run: Run) -> None:
    """Counts of members are the open rows; a firm is in one cluster per market at a time; pointers agree."""
    world, n = run.world, int(run.world.calendar.n_clusters[0])
    memberships, clusters, engagements = world.memberships, world.clusters, world.engagements
    size = int(world.calendar.block[0])
    rows_of = []
    for c in range(n):
        first = int(clusters.first_membership[c])
        assert first == c * size, "blocks of two clusters overlap"
        assert 0 <= clusters.n_joined[c] <= size
        rows = np.arange(first, first + int(clusters.n_joined[c]))
        rows_of.append(rows)
        assert (memberships.cluster[rows] == c).all()
        assert (world.engagements.market[memberships.engagement[rows]] == clusters.market[c]).all()
        still_in = rows[memberships.left_quarter[rows] < 0]
        if clusters.status[c] <= status.EXTENDED or clusters.status[c] == status.INFORMAL:
            assert clusters.n_members[c] == len(still_in)
            firm = engagements.firm[memberships.engagement[still_in]]
            assert clusters.n_smes[c] == world.firms.sme[firm].sum()
            assert clusters.n_companies[c] == (world.firms.institute[firm] == 0).sum()
        elif clusters.status[c] != status.FOLLOW_UP:
            assert len(still_in) == 0, (
                f"cluster {c} is {status.STATUS_NAMES[clusters.status[c]]} and has members"
            )
        assert (engagements.cluster[memberships.engagement[still_in]] == c).all()
        assert (engagements.membership[memberships.engagement[still_in]] == still_in).all()
    rows = np.concatenate([*rows_of, np.zeros(0, dtype=np.int64)])
    still_in = rows[memberships.left_quarter[rows] < 0]
    assert len(still_in) == int((engagements.cluster >= 0).sum()), (
        "a firm is bound to a cluster without membership"
    )
    joined, left = memberships.joined_quarter[rows], memberships.left_quarter[rows]
    ended = np.where(left < 0, np.iinfo(np.int64).max, left)
    assert (joined < ended).all()
    order = np.lexsort((joined, memberships.engagement[rows]))
    same = np.diff(memberships.engagement[rows][order]) == 0
    assert (ended[order][:-1][same] <= joined[order][1:][same]).all(), (
        "two memberships of one engagement overlap"
    )


def check_firms_stay(run: Run) -> None:
    """Firms and the markets they consider are what they were at the start."""
    size, engagements = run.inputs.size, run.world.engagements
    assert len(np.unique(run.world.firms.key)) == size.n_firms
    assert np.array_equal(
        engagements.firm, np.arange(size.n_firms * size.markets_per_firm) // size.markets_per_firm
    )
    listed = run.world.engagements_by_market[: int(run.world.markets.n_engagements.sum())]
    assert np.array_equal(np.sort(listed), np.flatnonzero(engagements.market >= 0))


def check_exports_add_up(run: Run) -> None:
    """Exports by year, since the window, and of all firms by quarter are the same money."""
    world, size = run.world, run.inputs.size
    window = size.window_first_year - size.first_year
    since = world.exports_by_year_cents[:, window:].sum(axis=1)
    assert np.array_equal(since, world.engagements.exports_since_window_cents)
    by_year = world.history.exports_cents.reshape(size.n_years, 4).sum(axis=1)
    assert np.array_equal(by_year, world.exports_by_year_cents.sum(axis=0))
    never = (world.engagements.contracts == 0) & (world.engagements.first_contract_quarter >= 0)
    assert not never.any()


def check_numbers_are_sane(run: Run) -> None:
    """No number is missing or infinite; shares lie between nothing and all; yes is 1 and no is 0."""
    kinds = {f"{name}.{c.name}": c.unit for name, table in TABLES.items() for c in declared_columns(table)}
    for name, column in columns_of(run):
        assert np.isfinite(column).all(), f"{name} is not finite"
        if kinds.get(name) == "share" and name not in BEYOND_A_SHARE:
            assert (column >= 0.0).all(), f"{name} = {column.min()}"
            assert (column <= 1.0).all(), f"{name} = {column.max()}"
        if kinds.get(name) == "yes/no":
            assert np.isin(column, (0, 1)).all(), name
        if kinds.get(name) == "count":
            assert (column >= 0).all(), name


CHECKS = (
    check_each_ledger_balances,
    check_the_agency_adds_up,
    check_applications_in_are_applications_out,
    check_members_add_up,
    check_firms_stay,
    check_exports_add_up,
    check_numbers_are_sane,
)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", golden_inputs())
def test_golden_runs_add_up(name: str, check: Callable[[Run], None]) -> None:
    check(simulate(*golden_inputs()[name]))


@pytest.mark.parametrize("check", CHECKS)
def test_the_reference_adds_up(pib: Scenario, check: Callable[[Run], None]) -> None:
    check(simulate(pib.inputs(), 1))


def lever_values(name: str) -> st.SearchStrategy[float]:
    """Any value of a lever, its ends more often than chance would."""
    lever = LEVERS[name]
    ends = st.sampled_from([lever.minimum, lever.maximum])
    if lever.kind == "number":
        return ends | st.floats(lever.minimum, lever.maximum)
    return st.integers(int(lever.minimum), int(lever.maximum)).map(float)


some_levers = st.dictionaries(st.sampled_from(sorted(LEVERS)), st.none(), max_size=6).flatmap(
    lambda names: st.fixed_dictionaries({name: lever_values(name) for name in names})
)
some_parameters = st.dictionaries(st.sampled_from(sorted(PARAMETERS)), st.floats(0.0, 1.0), max_size=8).map(
    lambda shares: {name: PARAMETERS[name].at(share) for name, share in shares.items()}
)


def run_until(inputs: RunInputs, seed: int, quarter: int) -> Run:
    """A compiled run that stops before ``quarter``."""
    store = build_world(inputs, seed)
    store.tables["calendar"]["until"] = quarter
    driver_for()(store.compiled_world())
    return Run(inputs, seed, store.column_world(), store)


@given(some_levers, some_parameters, st.integers(0, 2**63 - 1), st.integers(1, SMALL_WORLD.n_quarters))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_every_run_adds_up_at_any_moment(
    levers: dict[str, float], parameters: dict[str, float], seed: int, quarter: int
) -> None:
    inputs = small_inputs(levers, parameters)
    for run in (run_until(inputs, seed, quarter), simulate(inputs, seed)):
        for check in CHECKS:
            check(run)


STOPPING = {
    "checkpoint_quarter": 3.0,
    "checkpoint_repeat_quarters": 1.0,
    "checkpoint_minimum_progress": 0.55,
    "progress_information_share": 0.3,
}
"""Checkpoints each quarter on reports that are mostly noise: stops before and after freed money arrives."""


@pytest.mark.parametrize("use", LEVERS["freed_money_use"].choices)
@pytest.mark.parametrize("seed", range(1, 9))
def test_freed_money_goes_where_the_rules_say_and_adds_up(use: str, seed: int) -> None:
    code = LEVERS["freed_money_use"].code(use)
    run = simulate(small_inputs({**STOPPING, "freed_money_use": code}), seed)
    for check in CHECKS:
        check(run)
    followed_up = int(in_use(run, "accounts", "follow_up_cents").sum())
    if use == "returned":
        assert run.world.agency.freed_cents[0] == 0
    if use != "follow_up":
        assert followed_up == 0


def test_some_freed_money_is_used() -> None:
    used = {}
    for use in ("returned", "best_performers", "follow_up"):
        levers = {**STOPPING, "freed_money_use": LEVERS["freed_money_use"].code(use)}
        runs = [simulate(small_inputs(levers), seed) for seed in range(1, 6)]
        stopped = sum(
            int(in_use(r, "accounts", "released_cents")[in_use(r, "clusters", "stopped") == 1].sum())
            for r in runs
        )
        assert stopped > 0, "no covenant was stopped with money left"
        if use == "returned":
            continue
        used[use] = stopped - sum(int(run.world.agency.freed_cents[0]) for run in runs)
        if use == "follow_up":
            assert sum(int(in_use(run, "accounts", "follow_up_cents").sum()) for run in runs) > 0
    assert min(used.values()) > 0


# --- extreme policies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(1, 6))
def test_without_programme_there_is_no_covenant_and_no_public_cost(seed: int) -> None:
    run = simulate(small_inputs({"programme_on": 0.0}), seed)
    assert run.world.agency.paid_cents[0] == 0
    assert run.world.agency.committed_cents[0] == 0
    assert run.world.agency.applications[0] == 0
    assert (in_use(run, "clusters", "applied_quarter") < 0).all()
    assert not np.isin(
        in_use(run, "clusters", "status"), (status.RUNNING, status.EXTENDED, status.STOPPED)
    ).any()
    assert all((getattr(run.world.accounts, name) == 0).all() for name in run.world.accounts._fields)


@pytest.mark.parametrize("seed", range(1, 4))
def test_from_the_window_on_the_no_programme_twin_applies_for_nothing_and_costs_nothing(
    seed: int, pib: Scenario
) -> None:
    """What was decided before the window is common history and goes on; nothing is decided in it."""
    twin, reference = (simulate(scenario.inputs(), seed) for scenario in (pib.without_programme(), pib))
    window = int(twin.world.calendar.window_first_quarter[0])
    assert in_use(twin, "clusters", "applied_quarter").max() < window
    assert in_use(reference, "clusters", "applied_quarter").max() > window
    later = in_use(twin, "clusters", "met_quarter") >= window
    for name in PUBLIC_PURPOSES:
        assert (in_use(twin, "accounts", f"{name}_cents")[later] == 0).all(), name
    assert (in_use(twin, "accounts", "committed_cents")[later] == 0).all()


@pytest.mark.parametrize("inception", [0.0, 4.0])
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_threshold_above_the_maximum_selects_nobody(seed: int, inception: float) -> None:
    levers = {"selection_threshold_points": 101.0, "inception_quarters": inception}
    wide = "inception_margin_points"
    run = simulate(small_inputs(levers, {wide: 90.0}, beyond_range=(wide,)), seed)
    assert len(in_use(run, "clusters", "applied_quarter")) > 0, "no group met"
    assert (in_use(run, "clusters", "applied_quarter") < 0).all(), "some applied though nothing can be had"
    assert not run.world.history.covenants_running.any(), "some were let into an inception phase"
    assert run.world.agency.committed_cents[0] == 0


def test_without_money_nobody_is_selected() -> None:
    run = simulate(small_inputs({"programme_budget_eur_year": 0.0}), 1)
    assert run.world.agency.applications[0] == 0, "some applied though nothing can be had"
    assert not run.world.history.covenants_running.any()


def test_with_too_little_money_for_any_award_many_apply_and_nobody_is_selected() -> None:
    run = simulate(small_inputs({"programme_budget_eur_year": 1.0}), 1)
    assert run.world.agency.applications[0] > 0
    assert (in_use(run, "clusters", "start_quarter") < 0).all()


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_years_awards_stay_within_its_budget(seed: int) -> None:
    levers = {
        "programme_budget_eur_year": 300_000.0,
        "covenant_amount_eur": 350_000.0,
        "extension_allowed": 0.0,
    }
    run = simulate(small_inputs(levers), seed)
    start = in_use(run, "clusters", "start_quarter")
    committed = in_use(run, "accounts", "committed_cents") - in_use(run, "accounts", "support_cents")
    covenant = in_use(run, "clusters", "applied_quarter") >= 0
    by_year = np.bincount(start[covenant & (start >= 0)] // 4, committed[covenant & (start >= 0)])
    assert by_year.max() <= 30_000_000
    assert by_year.max() > 0


# --- neutral levers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEVERS)
def test_a_lever_at_its_practice_reproduces_the_reference_bit_for_bit(name: str, pib: Scenario) -> None:
    size = {"n_firms": 150, "n_coordinators": 20, "n_markets": 20, "cluster_rows": 200}
    small = pib.with_world(size)
    same = small.with_levers({name: dict(LEVERS[name].default_by_year)})
    assert run_hash(simulate(same.inputs(), 4)) == run_hash(simulate(small.inputs(), 4))


NEUTRAL = {
    "a strict checkpoint that never comes": (
        {},
        {"checkpoint_minimum_progress": 1.0, "checkpoint_repeat_quarters": 3.0},
    ),
    "a use for freed money that nobody frees": ({}, {"freed_money_use": 1.0}),
    "follow-up money for no years": (
        {},
        {
            "follow_up_eur_per_firm_year": 50_000.0,
            "follow_up_eligibility": 1.0,
            "follow_up_private_share": 0.0,
        },
    ),
    "a longer extension that is never granted": (
        {"extension_allowed": 0.0},
        {"extension_allowed": 0.0, "extension_quarters": 12.0},
    ),
    "a programme without budget, whatever it would offer": (
        {"programme_on": 0.0},
        {"programme_on": 0.0, "covenant_amount_eur": 1.0, "selection_threshold_points": 101.0},
    ),
}
"""Name -> (policy, policy that should come to the same)."""


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_checkpoint_that_asks_for_nothing_only_costs_what_it_costs_to_hold(
    seed: int, differing: Differing
) -> None:
    held = small_inputs({"checkpoint_quarter": 4.0, "checkpoint_repeat_quarters": 2.0})
    found = differing(simulate(small_inputs(), seed), simulate(held, seed))
    assert set(found) <= {"agency.paid_cents", "accounts.administration_cents", "money_by_year_cents"}


@pytest.mark.parametrize("name", NEUTRAL)
@pytest.mark.parametrize("seed", range(1, 4))
def test_a_lever_that_is_switched_off_leaves_no_trace(name: str, seed: int, differing: Differing) -> None:
    one, other = NEUTRAL[name]
    found = differing(simulate(small_inputs(one), seed), simulate(small_inputs(other), seed))
    assert found == []


@pytest.mark.parametrize("name", LEVERS)
def test_what_comes_before_the_window_is_common_history(name: str, differing: Differing) -> None:
    """An option's levers count from the window on: not one bit differs before."""
    size: WorldSize = SMALL_WORLD
    first = size.window_first_year - size.first_year
    reference, option = small_inputs(), small_inputs()
    values = option.levers[name]
    lever = LEVERS[name]
    values[first:] = np.where(values[first:] == lever.maximum, lever.minimum, lever.maximum)
    for seed in (1, 2):
        one, other = run_until(reference, seed, first * 4), run_until(option, seed, first * 4)
        assert differing(one, other) == []
        assert one.world.calendar.n_clusters[0] > 0
