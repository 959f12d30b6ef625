"""Groups: the row that a group gets when it forms, and how its members count.

A group is a row of ``clusters`` from its first meeting to its after-life. What it does stands in ``cluster.py``; here
is its bookkeeping, and what all who deal with it reckon with.
"""

from __future__ import annotations

from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, uniform
from passaat.model.kernel.rules import between, rule
from passaat.model.status import FORMING, LOCOMOTIVES
from passaat.model.world import World


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
    markets, clusters, calendar, p = world.markets, world.clusters, world.calendar, world.parameters
    c = calendar.n_clusters[0]
    if c >= len(clusters.key):
        calendar.fault[0] = 1
        return -1
    calendar.n_clusters[0] = c + 1
    quarter = calendar.quarter[0]
    key = combine(combine(world.coordinators.key[k], markets.key[m]), quarter)
    clusters.key[c] = key
    clusters.coordinator[c] = k
    skill = world.coordinators.skill[k]
    clusters.coordinator_quality[c] = between(skill, p.coordination_quality_lowest, 1.0)
    clusters.span[c] = p.coordinator_span_members * (p.span_without_skill + skill)
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
def counted_members(world: World, c: int) -> int:
    """Members that count towards the minimum: all of them, without large firms where those are only locomotives."""
    clusters = world.clusters
    if world.levers.large_firms_role[clusters.rule_year[c]] == LOCOMOTIVES:
        return int(clusters.n_members[c] - clusters.n_companies[c] + clusters.n_smes[c])
    return int(clusters.n_members[c])


@rule
def mass(members: float, half_members: float) -> float:
    """Weight of a group as seen from outside, 0 to 1: critical mass (CF05, CF16), half at ``half_members``."""
    if members <= 0.0:
        return 0.0
    return members / (members + half_members)


@rule
def checkpoint_due(world: World, c: int) -> bool:
    """Whether the rules of this covenant foresee a checkpoint this quarter."""
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    first = int(levers.checkpoint_quarter[year])
    since = world.calendar.quarter[0] + 1 - clusters.start_quarter[c]
    if first == 0 or since < first:
        return False
    repeat = int(levers.checkpoint_repeat_quarters[year])
    if repeat == 0:
        return bool(since == first)
    return bool((since - first) % repeat == 0)


@rule
def checkpoint_ahead(world: World, c: int) -> bool:
    """Whether the covenant has a checkpoint before it, this quarter or later."""
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    first = int(levers.checkpoint_quarter[year])
    since = world.calendar.quarter[0] + 1 - clusters.start_quarter[c]
    return bool(first > 0 and (since <= first or int(levers.checkpoint_repeat_quarters[year]) > 0))
