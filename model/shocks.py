"""Countries and the events that hit them: travel stops, wars, changes of officials, booms, export controls."""

from __future__ import annotations

from passaat.model import purposes
from passaat.model.draws import combine, uniform
from passaat.model.rules import between, larger, rule
from passaat.model.world import World

TRAVEL_STOP, WAR, OFFICIALS, DEMAND_BOOM, DEMAND_SLUMP, EXPORT_CONTROL, MINISTERIAL_VISIT = range(7)
"""Codes of the kinds of shocks: their places in ``inputs.SHOCK_KINDS`` (a test compares them)."""

PANDEMIC_QUARTERS = 8
"""Length of a random travel stop: that of 2020-2022, rounded (technopolis2023 s2.4, SH01)."""
WAR_QUARTERS = 20
"""Length of a random war; an assumption: longer than any covenant still running (SH05)."""


@rule
def found_country(world: World, i: int) -> None:
    """Country: draw what all its markets share; sources: EM02, EM06 (state), LI05 (price), FC13 (development)."""
    countries = world.countries
    key = combine(combine(world.calendar.key[0], purposes.COUNTRY), i)
    countries.key[i] = key
    countries.development[i] = uniform(key, 0, purposes.COUNTRY_DEVELOPMENT)
    countries.state_involvement[i] = uniform(key, 0, purposes.COUNTRY_STATE)
    spread = world.parameters.price_level_spread
    countries.price_level[i] = between(uniform(key, 0, purposes.COUNTRY_PRICE), 1.0 - spread, 1.0 + spread)
    countries.distance[i] = uniform(key, 0, purposes.COUNTRY_DISTANCE)


@rule
def meet_shocks(world: World, i: int) -> None:
    """Country: take over the events of this quarter, dated or random (SH01, SH02, SH05-SH10, R310).

    Ministers lead a mission now and then, which no stop or war allows (EM10).
    """
    countries, shocks, calendar = world.countries, world.shocks, world.calendar
    quarter = calendar.quarter[0]
    travel_stop, war, officials, demand_shift, sales_ban, visit = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for s in range(shocks.kind.shape[0]):
        here = shocks.country[s] == -1 or shocks.country[s] == i
        if here and shocks.first_quarter[s] <= quarter and quarter <= shocks.last_quarter[s]:
            kind, strength = shocks.kind[s], shocks.strength[s]
            if kind == TRAVEL_STOP:
                travel_stop = larger(travel_stop, strength)
            elif kind == WAR:
                war = larger(war, strength)
            elif kind == OFFICIALS:
                officials = larger(officials, strength)
            elif kind == DEMAND_BOOM:
                demand_shift = demand_shift + strength
            elif kind == DEMAND_SLUMP:
                demand_shift = demand_shift - strength
            elif kind == EXPORT_CONTROL:
                sales_ban = larger(sales_ban, strength)
            elif kind == MINISTERIAL_VISIT:
                visit = larger(visit, strength)
    if uniform(countries.key[i], quarter, purposes.MINISTERIAL_VISIT) < world.parameters.visit_rate:
        visit = 1.0
    if calendar.random_shocks[0] == 1:
        p = world.parameters
        for back in range(PANDEMIC_QUARTERS):
            if uniform(calendar.key[0], quarter - back, purposes.PANDEMIC) < p.travel_stop_rate:
                travel_stop = larger(travel_stop, p.random_shock_strength)
        for back in range(WAR_QUARTERS):
            if uniform(countries.key[i], quarter - back, purposes.WAR) < p.war_rate:
                war = larger(war, p.random_shock_strength)
    countries.travel_stop[i] = travel_stop
    countries.war[i] = war
    countries.officials[i] = officials
    countries.demand_shift[i] = larger(demand_shift, -0.9)
    countries.sales_ban[i] = sales_ban
    countries.visit[i] = visit * (1.0 - larger(travel_stop, war))
