"""The record step: what a run writes down at the end of each quarter."""

from __future__ import annotations

from passaat.model.kernel.rules import rule
from passaat.model.status import INCEPTION, is_covenant
from passaat.model.world import World


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
