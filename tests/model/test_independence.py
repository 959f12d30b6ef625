"""Nobody is changed by those with whom they have nothing in common; those who are served are.

The world of these tests has two blocks, each a sector with its own markets, countries, coordinators and liaisons, and
more public money than anybody asks for. What happens in one block may leave no trace in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from passaat.model.engine.compiled import Run, simulate
from passaat.model.inputs import RunInputs, WorldSize, allot_markets
from passaat.model.kernel.columns import declared_columns
from passaat.model.provenance.golden import columns_of, small_inputs
from passaat.model.world import TABLES

Differing = Callable[[Run, Run], list[str]]

BLOCKS = WorldSize(
    first_year=2012,
    window_first_year=2014,
    window_last_year=2017,
    last_year=2023,
    n_firms=160,
    n_sectors=2,
    n_countries=6,
    n_markets=4,
    markets_per_firm=2,
    n_coordinators=16,
    liaisons_per_market=2,
    cluster_rows=150,
    sector_weights=(1.0, 1.0),
)
SECTOR, COUNTRY = allot_markets(BLOCKS)
PLENTY = {"programme_budget_eur_year": 50_000_000.0, "liaison_budget_eur_year": 60_000.0}
SEEDS = range(1, 7)

CLUSTER_POINTERS = {
    "engagements.cluster",
    "engagements.wish",
    "markets.forming_cluster",
    "markets.latest_cluster",
    "markets.inviting_cluster",
    "coordinators.latest_cluster",
    "liaisons.cluster",
    "liaisons.dismissed_by",
    "clusters.earlier_of_coordinator",
    "clusters.earlier_in_market",
    "memberships.cluster",
}
MEMBERSHIP_POINTERS = {"engagements.membership", "clusters.first_membership"}
POINTERS_TO_WHAT_STAYS = {
    "firms.sector",
    "firms.last_coordinator",
    "engagements.firm",
    "engagements.market",
    "markets.sector",
    "markets.country",
    "markets.bid_winner",
    "markets.first_engagement",
    "embassies.signalled_market",
    "coordinators.sector",
    "coordinators.bid_market",
    "liaisons.market",
    "desks.signalled_market",
    "clusters.coordinator",
    "clusters.market",
    "clusters.liaison",
    "clusters.favoured_firm",
    "memberships.engagement",
    "shocks.country",
}
"""Columns that point to rows. Rows of clusters and memberships are handed out in order of need, so that they differ
between runs although the cluster is the same: these pointers are compared by the key of what they point to."""


def test_every_pointer_is_known_to_these_tests() -> None:
    pointers = {
        f"{name}.{column.name}"
        for name, table in TABLES.items()
        for column in declared_columns(table)
        if column.unit == "index"
    }
    assert pointers == CLUSTER_POINTERS | MEMBERSHIP_POINTERS | POINTERS_TO_WHAT_STAYS


def test_the_blocks_share_neither_sector_nor_country() -> None:
    assert set(COUNTRY[SECTOR == 0]).isdisjoint(COUNTRY[SECTOR == 1])
    assert set(SECTOR) == {0, 1}


def block(run: Run, sector: int) -> dict[str, NDArray[Any]]:
    """All that happened in one block: columns of its rows, with pointers that do not depend on the rest."""
    world = run.world
    of_market = np.equal(SECTOR, sector)
    here = np.isin(np.arange(BLOCKS.n_countries), COUNTRY[of_market])
    firm = world.firms.sector == sector
    n = int(world.calendar.n_clusters[0])
    clusters = np.array([c for c in range(n) if SECTOR[world.clusters.market[c]] == sector], dtype=np.int64)
    clusters = clusters[np.argsort(world.clusters.key[clusters])]
    first = world.clusters.first_membership[clusters]
    joined = [np.arange(f, f + k) for f, k in zip(first, world.clusters.n_joined[clusters], strict=True)]
    rows: dict[str, NDArray[Any]] = {
        "firms": firm,
        "engagements": firm[world.engagements.firm],
        "markets": of_market,
        "countries": here,
        "embassies": here,
        "coordinators": world.coordinators.sector == sector,
        "liaisons": of_market[world.liaisons.market],
        "desks": np.arange(BLOCKS.n_sectors) == sector,
        "clusters": clusters,
        "accounts": clusters,
        "memberships": np.concatenate([*joined, np.zeros(0, dtype=np.int64)]),
    }
    keys = np.append(world.clusters.key, -1)
    block_size = int(world.calendar.block[0])
    found: dict[str, NDArray[Any]] = {}
    for name, column in columns_of(run):
        table = name.partition(".")[0]
        if table in rows:
            values = np.array(column[rows[table]])
            if name in CLUSTER_POINTERS:
                values = keys[values]
            elif name in MEMBERSHIP_POINTERS:
                values = np.stack([keys[np.where(values < 0, -1, values // block_size)], values % block_size])
            found[name] = values
    found["exports by year"] = world.exports_by_year_cents[rows["engagements"]]
    return found


def changed(one: Run, other: Run, sector: int) -> set[str]:
    """Columns of one block that differ between two runs."""
    mine, theirs = block(one, sector), block(other, sector)
    return {name for name in mine if mine[name].tobytes() != theirs[name].tobytes()}


def two_blocks(**others: Any) -> RunInputs:
    return small_inputs(PLENTY, size=BLOCKS, **others)


# --- an added firm ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_firm_with_nothing_in_common_with_others_changes_nothing(seed: int) -> None:
    inputs = small_inputs()
    size = inputs.size
    added = replace(inputs, size=replace(size, n_firms=size.n_firms + 3, isolated_firms=3))
    before, after = dict(columns_of(simulate(inputs, seed))), dict(columns_of(simulate(added, seed)))
    assert (after["firms.sector"][-3:] == -1).all()
    for name, column in before.items():
        if name != "calendar.isolated_firms":
            assert column.tobytes() == after[name][: len(column)].tobytes(), name


def test_a_firm_with_a_market_in_common_is_noticed() -> None:
    """The counterpart of the test above: in some world an added competitor or partner does change others."""
    inputs = small_inputs()
    added = replace(inputs, size=replace(inputs.size, n_firms=inputs.size.n_firms + 3))
    rows = inputs.size.n_firms * inputs.size.markets_per_firm
    changes = 0
    for seed in SEEDS:
        before, after = simulate(inputs, seed).world.engagements, simulate(added, seed).world.engagements
        changes += not np.array_equal(before.contacts, after.contacts[:rows])
    assert changes > 0


# --- an agent taken out, or deciding at random ------------------------------------------------------------------------


def agents_of_block(kind: str, run: Run, sector: int) -> Iterator[int]:
    """Agents of a kind that work in a block."""
    world = run.world
    if kind == "embassy":
        yield from sorted({int(country) for country in COUNTRY[sector == SECTOR]})
    elif kind == "coordinator":
        yield from (int(k) for k in np.flatnonzero(world.coordinators.sector == sector))
    else:
        yield from (int(n) for n in np.flatnonzero(SECTOR[world.liaisons.market] == sector))


def served_by(kind: str, index: int, run: Run) -> NDArray[np.bool_]:
    """Engagements of members whom the agent can have served: in its country, its market, or groups that it led."""
    world = run.world
    market = world.engagements.market
    if kind == "embassy":
        return np.asarray((market >= 0) & (COUNTRY[market] == index))
    if kind == "liaison":
        return np.asarray(market == world.liaisons.market[index])
    served = np.zeros(len(market), dtype=bool)
    c = int(world.coordinators.latest_cluster[index])
    while c >= 0:
        first = int(world.clusters.first_membership[c])
        served[world.memberships.engagement[first : first + int(world.clusters.n_joined[c])]] = True
        c = int(world.clusters.earlier_of_coordinator[c])
    return served


def history_of(run: Run, engagements: NDArray[np.bool_]) -> bytes:
    """What became of these engagements, whatever row their cluster had."""
    e = run.world.engagements
    columns = (e.contacts, e.relation, e.trust, e.permits, e.knowledge, e.stage, e.contracts, e.exports_cents)
    return b"".join(np.ascontiguousarray(column[engagements]).tobytes() for column in columns)


@pytest.mark.parametrize("how", ["absent", "random_agents"])
@pytest.mark.parametrize("kind", ["embassy", "coordinator", "liaison"])
def test_an_agent_matters_to_those_it_serves_and_to_nobody_unconnected(kind: str, how: str) -> None:
    changes_for_the_served = 0
    for seed in SEEDS:
        reference = simulate(two_blocks(), seed)
        for index in agents_of_block(kind, reference, sector=0):
            other = simulate(two_blocks(**{how: ((kind, index),)}), seed)
            assert changed(reference, other, sector=1) == set(), f"{kind} {index} in world {seed}"
            served = served_by(kind, index, reference)
            changes_for_the_served += history_of(reference, served) != history_of(other, served)
    assert changes_for_the_served > 0


def test_both_blocks_are_alive() -> None:
    started = np.zeros(2, dtype=np.int64)
    for seed in SEEDS:
        clusters = simulate(two_blocks(), seed).world.clusters
        started += np.bincount(SECTOR[clusters.market[clusters.start_quarter > 0]], minlength=2)
    assert (started >= len(SEEDS)).all()


@pytest.mark.parametrize("how", ["absent", "random_agents"])
def test_an_embassy_in_a_country_without_markets_matters_to_nobody(how: str, differing: Differing) -> None:
    idle = next(i for i in range(BLOCKS.n_countries) if i not in set(COUNTRY))
    one, other = simulate(two_blocks(), 1), simulate(two_blocks(**{how: (("embassy", idle),)}), 1)
    assert {name.partition(".")[0] for name in differing(one, other)} == {"embassies"}
    rows = np.arange(BLOCKS.n_countries) != idle
    for name in one.world.embassies._fields:
        mine, theirs = getattr(one.world.embassies, name), getattr(other.world.embassies, name)
        assert np.array_equal(mine[rows], theirs[rows]), name


def test_an_absent_agent_does_nothing() -> None:
    everyone = tuple(("coordinator", k) for k in range(BLOCKS.n_coordinators))
    run = simulate(two_blocks(absent=everyone), 1)
    assert run.world.calendar.n_clusters[0] == 0
    every_liaison = tuple(("liaison", n) for n in range(BLOCKS.n_markets * BLOCKS.liaisons_per_market))
    run = simulate(two_blocks(absent=every_liaison), 1)
    assert run.world.accounts.liaison_cents.sum() == 0
    assert run.world.clusters.liaisons_tried.sum() == 0
    every_embassy = tuple(("embassy", i) for i in range(BLOCKS.n_countries))
    run = simulate(two_blocks(absent=every_embassy), 1)
    assert not run.world.embassies.time_share.any()
    assert not run.world.clusters.embassy_support.any()


# --- policy and luck --------------------------------------------------------------------------------------------------


def test_a_policy_that_concerns_one_block_leaves_the_other() -> None:
    """Blocked markets are excluded: the block that has none is as it was. Luck is the same under both policies."""
    tried = 0
    for seed in range(1, 30):
        reference = simulate(two_blocks(), seed)
        blocked = [bool(reference.world.markets.blocking[sector == SECTOR].any()) for sector in (0, 1)]
        if sorted(blocked) == [False, True]:
            policy = small_inputs({**PLENTY, "blocked_markets_excluded": 1.0}, size=BLOCKS)
            assert changed(reference, simulate(policy, seed), sector=blocked.index(False)) == set()
            tried += 1
    assert tried > 3
