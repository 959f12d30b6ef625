"""What a run writes down at the end of each quarter, and from when on it counts."""

from __future__ import annotations

from passaat.model.kernel.rules import rule, whole
from passaat.model.status import INCEPTION, NO_STAGE, is_covenant
from passaat.model.units import QUARTERS_PER_YEAR
from passaat.model.world import World


@rule
def go_back_in_time(world: World, _row: int) -> None:
    """World: set the clock to the first quarter of the past; where there is none, to that of the run."""
    world.calendar.quarter[0] = -QUARTERS_PER_YEAR * whole(world.parameters.past_years)


@rule
def begin_to_count(world: World, _row: int) -> None:
    """World: forget at the start of the first year what was counted in the past; what firms have built stays theirs."""
    if world.calendar.quarter[0] != 0:
        return
    engagements = world.engagements
    for i in range(world.firms.key.shape[0]):
        world.firms.strategy_changes[i] = 0
    for e in range(engagements.key.shape[0]):
        engagements.steps_full[e] = 0
        engagements.steps_partly[e] = 0
        engagements.steps_lapsed[e] = 0
        engagements.contracts[e] = 0
        engagements.best_stage[e] = NO_STAGE
        engagements.first_contract_quarter[e] = -1
        world.exports_by_year_cents[e, 0] = 0


@rule
def record_quarter(world: World, _row: int) -> None:
    """World: write running covenants, groups on their way, exports and mean awareness of this quarter."""
    history, clusters, quarter = world.history, world.clusters, world.calendar.quarter[0]
    running, on_their_way = 0, 0
    for c in range(world.calendar.n_clusters[0]):
        status = clusters.status[c]
        if is_covenant(status) or status == INCEPTION:
            running += 1
        elif status < INCEPTION:
            on_their_way += 1
    exports = 0
    for e in range(world.engagements.exports_cents.shape[0]):
        exports += world.engagements.exports_cents[e]
    awareness = 0.0
    for m in range(world.markets.awareness.shape[0]):
        awareness += world.markets.awareness[m]
    history.covenants_running[quarter] = running
    history.groups_forming[quarter] = on_their_way
    history.exports_cents[quarter] = exports
    history.awareness[quarter] = awareness / world.markets.awareness.shape[0]
