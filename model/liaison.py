"""Liaisons: local representatives paid by the programme, who offer their service, make matches, and may do harm.

Whom a liaison helps, whom it passes over and what it knows too little of is all found here. Who appoints and dismisses
liaisons decides that in ``market.py`` and ``cluster.py``.
"""

from __future__ import annotations

from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, uniform
from passaat.model.kernel.rules import between, clip, rule
from passaat.model.parameter_table import Parameters
from passaat.model.status import is_covenant
from passaat.model.world import World


@rule
def set_up_as_liaison(world: World, n: int) -> None:
    """Liaison: draw network, fit, effort, price and whether a member employs the liaison (LI02-LI05).

    In the rival structure without support people all are average, affordable and independent.
    """
    liaisons, p = world.liaisons, world.parameters
    market = n // world.calendar.liaisons_per_market[0]
    key = combine(combine(world.calendar.key[0], purposes.LIAISON), n)
    liaisons.key[n] = key
    liaisons.market[n] = market
    liaisons.network[n] = uniform(key, 0, purposes.LIAISON_NETWORK)
    liaisons.fit[n] = uniform(key, 0, purposes.LIAISON_FIT)
    liaisons.effort[n] = between(uniform(key, 0, purposes.LIAISON_EFFORT), p.liaison_effort_lowest, 1.0)
    luck = uniform(key, 0, purposes.LIAISON_PRICE)
    quality = between(liaisons.network[n], p.liaison_price_lowest, 1.0) + p.liaison_price_spread * luck
    price_level = world.countries.price_level[world.markets.country[market]]
    liaisons.price_eur_year[n] = p.liaison_price_eur_year * quality * price_level
    liaisons.tied[n] = 1 if uniform(key, 0, purposes.LIAISON_TIED) < p.liaison_tied_share else 0
    liaisons.cluster[n] = -1
    liaisons.dismissed_by[n] = -1
    if world.structure.support[0] == 1:
        liaisons.network[n], liaisons.fit[n] = 0.5, 0.5
        liaisons.effort[n] = 0.5 * (p.liaison_effort_lowest + 1.0)
        average = between(0.5, p.liaison_price_lowest, 1.0) + p.liaison_price_spread * 0.5
        liaisons.price_eur_year[n] = average * p.liaison_price_eur_year
        liaisons.tied[n] = 0


@rule
def offer_service(world: World, n: int) -> None:
    """Liaison: offer when free and when a covenant here has a budget that meets the price asked (LI05)."""
    liaisons, clusters = world.liaisons, world.clusters
    liaisons.offer[n] = 0
    if liaisons.present[n] == 0 or liaisons.cluster[n] >= 0:
        return
    c = world.markets.latest_cluster[liaisons.market[n]]
    while c >= 0:
        if is_covenant(clusters.status[c]) and clusters.liaison[c] < 0:
            if liaison_budget_eur(world, c) >= liaisons.price_eur_year[n]:
                liaisons.offer[n] = 1
        c = clusters.earlier_in_market[c]


@rule
def liaison_budget_eur(world: World, c: int) -> float:
    """What a covenant may pay a liaison a year; it follows the country's prices where the rules index it (LI05)."""
    year = world.clusters.rule_year[c]
    budget = world.levers.liaison_budget_eur_year[year]
    if world.levers.liaison_budget_indexed[year] == 1.0:
        return float(budget * world.countries.price_level[world.markets.country[world.clusters.market[c]]])
    return float(budget)


@rule
def make_matches(world: World, n: int) -> None:
    """Liaison: work for the cluster served; network, fit and effort together (LI01, LI03, LI04).

    Members who give little input leave the liaison without the right contacts (LI10).
    """
    liaisons, clusters = world.liaisons, world.clusters
    c = liaisons.cluster[n]
    liaisons.matchmaking[n] = 0.0
    if c < 0:
        return
    if not is_covenant(clusters.status[c]):
        liaisons.cluster[n] = -1
        return
    if liaisons.at_random[n] == 1:
        liaisons.matchmaking[n] = uniform(
            liaisons.key[n], world.calendar.quarter[0], purposes.LIAISON_AT_RANDOM
        )
    else:
        liaisons.matchmaking[n] = match_strength(
            world.parameters,
            liaisons.network[n],
            liaisons.fit[n],
            liaisons.effort[n],
            clusters.mean_commitment[c],
        )


@rule
def match_strength(
    p: Parameters, network: float, fit: float, effort: float, input_of_members: float
) -> float:
    """Strength of matchmaking, 0 to 1: a good network is of use only where the theme fits and effort is made."""
    contacts = between(network, p.match_without_network, 1.0) * between(fit, p.match_without_fit, 1.0)
    return clip(contacts * effort * between(input_of_members, p.match_without_input, 1.0), 0.0, 1.0)


# --- appointment and dismissal ----------------------------------------------------------------------------------------


@rule
def appoint(world: World, n: int, c: int) -> None:
    """Write that liaison ``n`` works for covenant ``c`` from now on, and for whom there above all."""
    clusters, liaisons = world.clusters, world.liaisons
    liaisons.offer[n] = 0
    liaisons.cluster[n] = c
    clusters.liaison[c] = n
    clusters.liaisons_tried[c] += 1
    clusters.favoured_firm[c] = employer_among_members(world, n, c)


@rule
def employer_among_members(world: World, n: int, c: int) -> int:
    """The member that employs liaison ``n``, -1 if the liaison is independent (LI02)."""
    clusters, memberships = world.clusters, world.memberships
    if world.liaisons.tied[n] == 0 or clusters.n_members[c] == 0:
        return -1
    pair = combine(world.liaisons.key[n], clusters.key[c])
    wanted = int(uniform(pair, 0, purposes.LIAISON_TIE) * clusters.n_members[c])
    seen = 0
    for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
        if memberships.left_quarter[j] < 0:
            if seen == wanted:
                return int(world.engagements.firm[memberships.engagement[j]])
            seen += 1
    return -1


@rule
def let_go(world: World, c: int) -> None:
    """Write that the liaison of group ``c``, if it has one, works there no longer."""
    n = world.clusters.liaison[c]
    if n >= 0:
        world.liaisons.cluster[n] = -1
        world.clusters.liaison[c] = -1


# --- whom a liaison helps, and whom not -------------------------------------------------------------------------------


@rule
def help_to_member(world: World, c: int, i: int) -> float:
    """Help of the liaison that reaches firm ``i``, 0 to 1: all of it, unless a member employs the liaison (LI02)."""
    clusters, p = world.clusters, world.parameters
    helped = clusters.liaison_support[c]
    if clusters.favoured_firm[c] >= 0:
        employed_here = clusters.favoured_firm[c] == i
        helped = tied_help(helped, employed_here, p.tied_liaison_own, p.tied_liaison_others)
    return clip(helped, 0.0, 1.0)


@rule
def tied_help(helped: float, is_employer: bool, own: float, others: float) -> float:
    """Help of a tied liaison: more for the member that employs it, at the cost of the others (LI02)."""
    return helped * (own if is_employer else others)


@rule
def knows_too_little(fit: float, wanted: float) -> bool:
    """Whether a generalist's knowledge fits the theme too little to be of use to members (LI03)."""
    return fit < wanted


@rule
def travel_stop_felt(travel_stop: float, local_takeover: float, support: float) -> float:
    """What a travel stop keeps from happening, 0 to 1: less where a good liaison carries on locally (LI11, SH04)."""
    return travel_stop * (1.0 - local_takeover * support)
