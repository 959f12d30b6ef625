"""Plans: money turned into planned units of activity, at the market's prices and by the weights of the routes."""

from __future__ import annotations

from passaat.model.kernel.rules import rule
from passaat.model.world import World


@rule
def plan_more(world: World, c: int, eur: float) -> None:
    """Add what ``eur`` buys to the plan of cluster ``c``, divided over the three routes by usual weights (A16)."""
    clusters, p = world.clusters, world.parameters
    price = world.countries.price_level[world.markets.country[clusters.market[c]]]
    total = p.route_1_share + p.route_2_share + p.route_3_share
    clusters.plan_promotion[c] += eur * p.route_1_share / total / (p.promotion_unit_eur * price)
    clusters.plan_knowledge[c] += eur * p.route_2_share / total / (p.knowledge_unit_eur * price)
    clusters.plan_diplomacy[c] += eur * p.route_3_share / total / p.diplomacy_unit_eur
