"""Markets: environment, and the meeting places where bids and liaisons are settled in key order."""

from __future__ import annotations

from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, normal, uniform
from passaat.model.kernel.elementary import exp, log
from passaat.model.kernel.rules import between, clip, larger, rule, smaller, towards_one
from passaat.model.ledger import book_liaison_screening
from passaat.model.liaison import appoint, liaison_budget_eur
from passaat.model.status import FILLING, is_at_work, is_covenant
from passaat.model.units import QUARTERS_PER_YEAR
from passaat.model.world import World


@rule
def found_market(world: World, m: int) -> None:
    """Market: draw demand, growth, receptivity, barriers, deal cycle, rivalry and awareness (R209) at the start."""
    markets, p = world.markets, world.parameters
    key = combine(combine(world.calendar.key[0], purposes.MARKET), m)
    markets.key[m] = key
    markets.demand[m] = exp(p.market_demand_sigma * normal(key, 0, purposes.MARKET_DEMAND))
    markets.growth[m] = p.market_growth_mean + p.market_growth_sd * normal(key, 0, purposes.MARKET_GROWTH)
    markets.receptivity[m] = between(uniform(key, 0, purposes.MARKET_RECEPTIVITY), p.receptivity_lowest, 1.0)
    markets.barrier[m] = _barrier_at_start(world, m)
    markets.blocking[m] = 1 if uniform(key, 0, purposes.MARKET_BLOCKING) < p.blocking_barrier_share else 0
    shortest, longest = p.deal_cycle_shortest_quarters, p.deal_cycle_longest_quarters
    stretch = uniform(key, 0, purposes.MARKET_CYCLE) * log(longest / shortest)
    markets.deal_cycle_quarters[m] = shortest * exp(stretch)
    markets.rivalry[m] = uniform(key, 0, purposes.MARKET_RIVALRY)
    markets.ordinary_awareness[m] = uniform(key, 0, purposes.MARKET_AWARENESS) * p.awareness_at_start
    markets.awareness[m] = markets.ordinary_awareness[m]
    markets.bid_winner[m] = -1
    markets.forming_cluster[m] = -1
    markets.latest_cluster[m] = -1
    markets.inviting_cluster[m] = -1


@rule
def _barrier_at_start(world: World, m: int) -> float:
    """The market's barrier before any diplomacy, as drawn at the start."""
    drawn = uniform(world.markets.key[m], 0, purposes.MARKET_BARRIER)
    return drawn * world.parameters.barrier_highest


@rule
def index_engagements(world: World, _row: int) -> None:
    """World: list the engagements by market, so that a market finds the firms that consider it."""
    markets, engagements, listed = world.markets, world.engagements, world.engagements_by_market
    for e in range(engagements.market.shape[0]):
        if engagements.market[e] >= 0:
            markets.n_engagements[engagements.market[e]] += 1
    place = 0
    for m in range(markets.key.shape[0]):
        markets.first_engagement[m] = place
        place += markets.n_engagements[m]
        markets.n_engagements[m] = 0
    for e in range(engagements.market.shape[0]):
        m = engagements.market[e]
        if m >= 0:
            listed[markets.first_engagement[m] + markets.n_engagements[m]] = e
            markets.n_engagements[m] += 1


@rule
def drift(world: World, m: int) -> None:
    """Market: demand grows, awareness that clusters built fades (R204, FU07), shocks act on demand.

    In the past demand stands still. A barrier that diplomacy wore down comes back as rules change and officials go.
    """
    markets, country, p = world.markets, world.markets.country[m], world.parameters
    growth = markets.growth[m] if world.calendar.quarter[0] >= 0 else 0.0
    grown = markets.demand[m] * (1.0 + growth / QUARTERS_PER_YEAR)
    markets.demand[m] = smaller(grown, p.market_demand_highest)
    ordinary = markets.ordinary_awareness[m]
    built = markets.awareness[m] - ordinary
    markets.awareness[m] = ordinary + built * (1.0 - p.awareness_fade)
    worn_down = _barrier_at_start(world, m) - markets.barrier[m]
    markets.barrier[m] = markets.barrier[m] + p.barrier_return * worn_down
    shift, war = world.countries.demand_shift[country], world.countries.war[country]
    markets.demand_now[m] = markets.demand[m] * (1.0 + shift) * (1.0 - war)


@rule
def settle_bids(world: World, m: int) -> None:
    """Market: of the coordinators that offer to form a group here, the strongest offer wins; ties to the first."""
    markets, coordinators = world.markets, world.coordinators
    winner, best = -1, 0.0
    if markets.forming_cluster[m] < 0:
        for k in range(coordinators.key.shape[0]):
            if coordinators.bid_market[k] == m and coordinators.bid_strength[k] > best:
                winner, best = k, coordinators.bid_strength[k]
    markets.bid_winner[m] = winner


@rule
def invite_late_members(world: World, m: int) -> None:
    """Market: now and then the newest running covenant here looks for further members."""
    c = world.markets.latest_cluster[m]
    world.markets.inviting_cluster[m] = -1
    if c < 0 or not is_covenant(world.clusters.status[c]):
        return
    drawn = uniform(world.markets.key[m], world.calendar.quarter[0], purposes.LATE_JOINING)
    if drawn < world.parameters.late_invitation_rate:
        world.markets.inviting_cluster[m] = c


@rule
def settle_liaisons(world: World, m: int) -> None:
    """Market: each covenant without liaison appoints the best one on offer that it may take; the newest chooses first.

    Where the rules have liaisons screened, the look into their fit is paid.
    """
    clusters = world.clusters
    c = world.markets.latest_cluster[m]
    while c >= 0:
        if is_covenant(clusters.status[c]) and clusters.liaison[c] < 0:
            n = _best_liaison(world, m, c)
            if n >= 0:
                appoint(world, n, c)
                if world.levers.liaison_fit_screened[clusters.rule_year[c]] == 1.0:
                    book_liaison_screening(world, c)
        c = clusters.earlier_in_market[c]


@rule
def _best_liaison(world: World, m: int, c: int) -> int:
    """The liaison on offer that impresses covenant ``c`` most, of those it may take; -1 if there is none."""
    per_market = world.calendar.liaisons_per_market[0]
    best, best_impression = -1, 0.0
    for n in range(m * per_market, (m + 1) * per_market):
        if world.liaisons.offer[n] == 1 and _may_take(world, c, n):
            impression = _impression(world, c, n)
            if impression > best_impression:
                best, best_impression = n, impression
    return best


@rule
def _may_take(world: World, c: int, n: int) -> bool:
    """Whether price, independence and earlier dismissal let a covenant take a liaison (LI02, LI05, SE06)."""
    liaisons = world.liaisons
    tied_ones_allowed = world.levers.liaison_independent[world.clusters.rule_year[c]] == 0.0
    if liaisons.tied[n] == 1 and not tied_ones_allowed:
        return False
    affordable = liaisons.price_eur_year[n] <= liaison_budget_eur(world, c)
    return bool(affordable and liaisons.dismissed_by[n] != c)


@rule
def _impression(world: World, c: int, n: int) -> float:
    """What a covenant sees of a liaison: its network and effort, blurred (LI01, LI04).

    Whether its knowledge fits the theme shows only at work (LI03), unless the rules have it screened before (L02).
    """
    liaisons, clusters = world.liaisons, world.clusters
    blur = uniform(combine(liaisons.key[n], clusters.key[c]), 0, purposes.LIAISON_IMPRESSION)
    impression = liaisons.network[n] + liaisons.effort[n] + blur
    if world.levers.liaison_fit_screened[clusters.rule_year[c]] == 1.0:
        impression += world.parameters.screened_fit_weight * liaisons.fit[n]
    return float(impression)


@rule
def gain_awareness(world: World, m: int) -> None:
    """Market: visibility of clusters raises awareness (R203, R207), diplomacy wears down barriers (R301, R302, R311).

    Awareness helps every Dutch firm there (R212), a lower barrier the whole sector (R309). Barriers fall slowly (TI07),
    only where the host government listens, and not at all where they block.
    """
    markets, clusters, p = world.markets, world.clusters, world.parameters
    visibility, diplomacy = 0.0, 0.0
    c = markets.latest_cluster[m]
    while c >= 0:
        status = clusters.status[c]
        if is_at_work(status):
            visibility += clusters.visibility[c]
            diplomacy += clusters.diplomacy_now[c] * clusters.embassy_support[c]
        c = clusters.earlier_in_market[c]
    markets.awareness[m] = towards_one(markets.awareness[m], p.awareness_gain * visibility)
    if markets.blocking[m] == 0:
        fall = clip(p.barrier_fall * diplomacy * markets.receptivity[m], 0.0, 1.0)
        markets.barrier[m] = markets.barrier[m] * (1.0 - fall)


@rule
def release_forming(world: World, m: int) -> None:
    """Market: once a group has formed, or failed to, another may gather here."""
    markets = world.markets
    c = markets.forming_cluster[m]
    if c >= 0 and world.clusters.status[c] > FILLING:
        markets.forming_cluster[m] = -1


@rule
def openness(world: World, m: int, permits: float) -> float:
    """How passable the market's barrier is for a firm that holds ``permits`` (0 to 1); near zero where it blocks."""
    if world.markets.blocking[m] == 1:
        return world.parameters.openness_when_blocked
    return larger(1.0 - world.markets.barrier[m] * (1.0 - permits), 0.0)
