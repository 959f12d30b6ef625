"""Embassies: signal opportunities, share their time over the clusters in the country, remember who can do what."""

from __future__ import annotations

from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, uniform
from passaat.model.kernel.rules import between, clip, larger, rule, towards_one
from passaat.model.status import is_at_work
from passaat.model.world import World


@rule
def open_post(world: World, i: int) -> None:
    """Embassy: draw staff time, standing and expertise at the start (EM01, EM05, EM07: posts differ).

    In the rival structure without support people all are average.
    """
    embassies, p = world.embassies, world.parameters
    key = combine(combine(world.calendar.key[0], purposes.EMBASSY), i)
    embassies.key[i] = key
    spread = p.embassy_days_spread
    staff = between(uniform(key, 0, purposes.EMBASSY_CAPACITY), 1.0 - spread, 1.0 + spread)
    embassies.capacity_days[i] = p.embassy_days_per_quarter * staff
    embassies.standing[i] = uniform(key, 0, purposes.EMBASSY_STANDING)
    embassies.expertise[i] = uniform(key, 0, purposes.EMBASSY_EXPERTISE)
    embassies.signalled_market[i] = -1
    if world.structure.support[0] == 1:
        embassies.capacity_days[i] = p.embassy_days_per_quarter
        embassies.standing[i], embassies.expertise[i] = 0.5, 0.5


@rule
def signal_opportunity(world: World, i: int) -> None:
    """Embassy: now and then, point coordinators to the most promising market of the country (CF20).

    Reads demand and receptivity of its markets and its own expertise; a busy post signals less.
    """
    embassies, markets, p = world.embassies, world.markets, world.parameters
    embassies.signalled_market[i] = -1
    embassies.signal_strength[i] = 0.0
    if embassies.present[i] == 0:
        return
    quarter = world.calendar.quarter[0]
    rate = p.embassy_signal_rate * between(embassies.time_share[i], p.embassy_signals_when_busy, 1.0)
    if uniform(embassies.key[i], quarter, purposes.EMBASSY_SIGNALS) >= rate:
        return
    best, best_promise = -1, 0.0
    for m in range(markets.key.shape[0]):
        if markets.country[m] == i:
            promise = markets.demand_now[m] * markets.receptivity[m]
            if embassies.at_random[i] == 1:
                promise = uniform(combine(embassies.key[i], m), quarter, purposes.EMBASSY_PICKS)
            if promise > best_promise:
                best, best_promise = m, promise
    embassies.signalled_market[i] = best
    embassies.signal_strength[i] = between(embassies.expertise[i], p.embassy_signal_strength_lowest, 1.0)


@rule
def share_time(world: World, i: int) -> None:
    """Embassy: divide staff time over the clusters in the country (EM01, EM04, EM05); a full post helps each less.

    Sets ``time_share``, the part of the time asked that each cluster gets.
    """
    embassies = world.embassies
    served = _clusters_at_work(world, i)
    embassies.clusters_served[i] = served
    if embassies.present[i] == 0:
        embassies.time_share[i] = 0.0
    elif embassies.at_random[i] == 1:
        embassies.time_share[i] = uniform(
            embassies.key[i], world.calendar.quarter[0], purposes.EMBASSY_AT_RANDOM
        )
    else:
        asked_days = world.parameters.embassy_days_asked_per_cluster * served
        embassies.time_share[i] = time_share(embassies.capacity_days[i], asked_days)
    _remember_members(world, i, served)


@rule
def _clusters_at_work(world: World, i: int) -> int:
    """Clusters at work in the country, informal groups included."""
    markets, clusters = world.markets, world.clusters
    found = 0
    for m in range(markets.key.shape[0]):
        if markets.country[m] == i:
            c = markets.latest_cluster[m]
            while c >= 0:
                if is_at_work(clusters.status[c]):
                    found += 1
                c = clusters.earlier_in_market[c]
    return found


@rule
def _remember_members(world: World, i: int, served: int) -> None:
    """Memory of what members can do grows while clusters are served and fades otherwise (EM13)."""
    embassies, p = world.embassies, world.parameters
    embassies.memory[i] = embassies.memory[i] * (1.0 - p.embassy_memory_fade)
    if served > 0 and embassies.present[i] == 1:
        embassies.memory[i] = towards_one(
            embassies.memory[i], p.embassy_memory_gain * embassies.time_share[i]
        )


@rule
def time_share(staff_days: float, asked_days: float) -> float:
    """Part of the time asked that can be given: all of it while the staff's days last."""
    if asked_days <= staff_days:
        return 1.0
    return clip(staff_days / asked_days, 0.0, 1.0)


@rule
def embassy_help(world: World, i: int, state_involvement: float, given: float) -> float:
    """Help of embassy ``i`` to one cluster this quarter, 0 to 1: time given x standing, more if the state matters.

    Where the state has a large part, a post opens what firms cannot (EM02); one of standing has access to strategic
    talks (EM08).

    Changes of officials cost contacts with the host government (R310, SH06); a minister's visit opens doors (EM03,
    EM10).
    """
    embassies, p = world.embassies, world.parameters
    if embassies.present[i] == 0:
        return 0.0
    standing = embassies.standing[i] * (1.0 - world.countries.officials[i])
    door = (
        standing * between(state_involvement, p.door_without_state, 1.0)
        + p.door_by_expertise * embassies.expertise[i]
        + p.door_by_memory * embassies.memory[i]
    )
    door = door * (1.0 + p.visit_gain * world.countries.visit[i])
    return clip(given * larger(door, 0.0), 0.0, 1.0)
