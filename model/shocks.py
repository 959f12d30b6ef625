"""Countries and the events that hit them: travel stops, wars, changes of officials, booms, export controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, uniform
from passaat.model.kernel.rules import between, larger, rule, whole
from passaat.model.world import World

SHOCK_KINDS: Final = (
    "travel_stop",
    "war",
    "officials",
    "demand_boom",
    "demand_slump",
    "export_control",
    "ministerial_visit",
)
"""Kinds of dated events that a scenario may contain; coded by their place in this tuple."""
TRAVEL_STOP, WAR, OFFICIALS, DEMAND_BOOM, DEMAND_SLUMP, EXPORT_CONTROL, MINISTERIAL_VISIT = range(
    len(SHOCK_KINDS)
)


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
    """Country: take over the events of this quarter, dated or random (SH01, SH02, SH05-SH10, R310)."""
    countries = world.countries
    travel_stop, war = _strongest(world, i, TRAVEL_STOP), _strongest(world, i, WAR)
    if world.calendar.random_shocks[0] == 1:
        travel_stop = larger(travel_stop, _random_travel_stop(world))
        war = larger(war, _random_war(world, i))
    countries.travel_stop[i] = travel_stop
    countries.war[i] = war
    countries.officials[i] = _strongest(world, i, OFFICIALS)
    countries.demand_shift[i] = larger(_demand_shift(world, i), -world.parameters.demand_loss_highest)
    countries.sales_ban[i] = _strongest(world, i, EXPORT_CONTROL)
    countries.visit[i] = _visit(world, i) * (1.0 - larger(travel_stop, war))


@rule
def _happens(world: World, i: int, event: int) -> bool:
    """Whether a dated event goes on this quarter in country ``i``."""
    shocks, quarter = world.shocks, world.calendar.quarter[0]
    here = shocks.country[event] == -1 or shocks.country[event] == i
    return bool(here and shocks.first_quarter[event] <= quarter and quarter <= shocks.last_quarter[event])


@rule
def _strongest(world: World, i: int, kind: int) -> float:
    """Strength of the strongest dated event of one kind that goes on in country ``i``; 0 without one."""
    strongest = 0.0
    for event in range(world.shocks.kind.shape[0]):
        if world.shocks.kind[event] == kind and _happens(world, i, event):
            strongest = larger(strongest, world.shocks.strength[event])
    return strongest


@rule
def _demand_shift(world: World, i: int) -> float:
    """Shift of demand by all booms and slumps that go on in country ``i``, as a share of ordinary demand."""
    shift = 0.0
    for event in range(world.shocks.kind.shape[0]):
        if _happens(world, i, event):
            if world.shocks.kind[event] == DEMAND_BOOM:
                shift = shift + world.shocks.strength[event]
            elif world.shocks.kind[event] == DEMAND_SLUMP:
                shift = shift - world.shocks.strength[event]
    return shift


@rule
def _visit(world: World, i: int) -> float:
    """Strength of a minister's mission, dated or at a stated rate; none goes on through a stop or war (EM10)."""
    drawn = uniform(world.countries.key[i], world.calendar.quarter[0], purposes.MINISTERIAL_VISIT)
    if drawn < world.parameters.visit_rate:
        return 1.0
    return _strongest(world, i, MINISTERIAL_VISIT)


@rule
def _random_travel_stop(world: World) -> float:
    """Strength of a travel stop that began by chance now or before and still lasts; it hits all countries."""
    calendar, p = world.calendar, world.parameters
    for back in range(whole(p.travel_stop_quarters)):
        if uniform(calendar.key[0], calendar.quarter[0] - back, purposes.PANDEMIC) < p.travel_stop_rate:
            return p.random_shock_strength
    return 0.0


@rule
def _random_war(world: World, i: int) -> float:
    """Strength of a war in country ``i`` that began by chance now or before and still lasts."""
    quarter, p = world.calendar.quarter[0], world.parameters
    for back in range(whole(p.war_quarters)):
        if uniform(world.countries.key[i], quarter - back, purposes.WAR) < p.war_rate:
            return p.random_shock_strength
    return 0.0


@dataclass(frozen=True)
class ShockEvent:
    """One dated event. ``country`` is an index, or -1 for all countries; quarters count from the run's start.

    ``strength`` is a share: of travel that stops (travel_stop), of activity that ends (war), of standing with the
    host government that is lost (officials), of demand gained or lost (demand_boom, demand_slump), of sales
    that are forbidden (export_control), of attention that a minister's visit draws (ministerial_visit). The event acts
    from ``first_quarter`` to ``last_quarter``, both included.
    """

    kind: str
    country: int
    first_quarter: int
    last_quarter: int
    strength: float
