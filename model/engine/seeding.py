"""What a run is given besides its policy: dated edits of the world and groups that exist by assumption.

Cases and controlled trials need a world in which some things are as they were, or as a trial wants them: a liaison who
is tied, a market that is blocked, five members and a coordinator without a fixed fee. Both drivers make these edits
between two quarters, by the rules of the model where there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passaat.errors import unknown_name
from passaat.model import world
from passaat.model.agency import start_covenant
from passaat.model.cluster import enrol, judge_fit
from passaat.model.groups import open_group
from passaat.model.inputs import RunInputs, SeededGroup
from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, uniform
from passaat.model.kernel.rules import whole_cents
from passaat.model.status import DISSOLVED, FILLING, FORMING, INFORMAL, READY
from passaat.model.world import MEMBERS_PER_CLUSTER

if TYPE_CHECKING:
    from passaat.model.engine.build import Store


def stops(inputs: RunInputs) -> list[int]:
    """Quarters before which a run pauses for edits, in order."""
    return sorted({*(s.quarter for s in inputs.settings), *(g.quarter for g in inputs.groups)})


def apply_due(store: Store, inputs: RunInputs, quarter: int) -> None:
    """Seed the groups and make the settings of ``quarter``, in the order in which they are given."""
    groups = [group for group in inputs.groups if group.quarter == quarter]
    settings = [setting for setting in inputs.settings if setting.quarter == quarter]
    if not groups and not settings:
        return
    the_world = store.interpreted_world()
    the_world.calendar.quarter[0], the_world.calendar.year[0] = quarter, quarter // 4
    for group in groups:
        _seed(the_world, group)
    for setting in settings:
        column = getattr(getattr(the_world, setting.table), setting.column)
        exact = type(column[0])
        for row in range(len(column)) if setting.rows is None else setting.rows:
            column[row] = exact(setting.value)


def _seed(the_world: world.World, group: SeededGroup) -> None:
    """Open the group, enrol its members and start it as a covenant with the rules of this year.

    Without a programme that year it works as an informal group.
    """
    clusters = the_world.clusters
    _dissolve_forming(the_world, group)
    c = open_group(the_world, group.market, group.coordinator)
    if c < 0:
        return
    if group.agreement is not None:
        clusters.agreement[c] = int(group.agreement)
    chosen: list[int] = []
    for kind, wanted in _wanted(group):
        chosen += _by_lot(the_world, c, kind)[:wanted]
    others = [
        e for kind in ("sme", "large", "institute") for e in _by_lot(the_world, c, kind) if e not in chosen
    ]
    chosen += others[: group.n_members - len(chosen)]
    for place, e in enumerate(chosen):
        the_world.engagements.wish_as_filler[e] = int(place >= group.n_members - group.n_fillers)
        enrol(the_world, c, e)
    clusters.status[c] = READY
    the_world.markets.forming_cluster[group.market] = -1
    judge_fit(the_world, c)
    if the_world.levers.programme_on[the_world.calendar.year[0]] == 0.0:
        clusters.status[c] = INFORMAL
        clusters.start_quarter[c] = group.quarter
        clusters.planned_end_quarter[c] = group.quarter + group.covenant_quarters
        return
    clusters.applied_quarter[c] = group.quarter
    the_world.agency.applications[0] += 1
    start_covenant(the_world, c, whole_cents(group.committed_eur), group.covenant_quarters)


def _dissolve_forming(the_world: world.World, group: SeededGroup) -> None:
    """Let go of groups that gather in the same market or around the same coordinator: there can be one only."""
    clusters = the_world.clusters
    for c in range(the_world.calendar.n_clusters[0]):
        same = clusters.market[c] == group.market or clusters.coordinator[c] == group.coordinator
        if same and clusters.status[c] in (FORMING, FILLING, READY):
            clusters.status[c] = DISSOLVED


def _wanted(group: SeededGroup) -> tuple[tuple[str, int], ...]:
    smes = group.n_members - group.n_institutes - group.n_large
    return (("institute", group.n_institutes), ("large", group.n_large), ("sme", smes))


def _by_lot(the_world: world.World, c: int, kind: str) -> list[int]:
    """Engagements of one kind of firm in the market of group ``c`` that are free, in the order of their lots."""
    firms, engagements, m = the_world.firms, the_world.engagements, the_world.clusters.market[c]
    first = the_world.markets.first_engagement[m]
    lots = []
    for place in range(first, first + the_world.markets.n_engagements[m]):
        e = the_world.engagements_by_market[place]
        i = engagements.firm[e]
        is_kind = {
            "institute": firms.institute[i] == 1,
            "large": firms.size_class[i] == 3 and firms.institute[i] == 0,
            "sme": firms.sme[i] == 1,
        }[kind]
        if is_kind and engagements.cluster[e] < 0:
            lots.append((uniform(combine(engagements.key[e], 0), 0, purposes.SEEDING), e))
    return [e for _, e in sorted(lots)]


def problems_of(inputs: RunInputs) -> list[str]:
    """What is wrong with the settings and groups of a run, one sentence each."""
    problems = []
    for setting in inputs.settings:
        where = f"setting {setting.table}.{setting.column} in quarter {setting.quarter}"
        if setting.table not in world.TABLES:
            problems.append(unknown_name("table", setting.table, list(world.TABLES)))
        elif setting.column not in world.TABLES[setting.table].__annotations__:
            known = list(world.TABLES[setting.table].__annotations__)
            problems.append(unknown_name(f"column of {setting.table}", setting.column, known))
        else:
            rows = world.rows_of_tables(inputs)[setting.table]
            outside = [row for row in setting.rows or () if not 0 <= row < rows]
            if outside:
                listed = ", ".join(str(row) for row in outside)
                problems.append(f"{where}: no rows {listed}; {setting.table} has 0 to {rows - 1}")
        if not 0 <= setting.quarter < inputs.size.n_quarters:
            problems.append(f"{where}: the run has quarters 0 to {inputs.size.n_quarters - 1}")
    for group in inputs.groups:
        where = f"group in market {group.market} from quarter {group.quarter}"
        special = group.n_institutes + group.n_large
        if not 0 <= group.market < inputs.size.n_markets:
            problems.append(f"{where}: there are markets 0 to {inputs.size.n_markets - 1}")
        if not 0 <= group.coordinator < inputs.size.n_coordinators:
            problems.append(
                f"{where}: no coordinator {group.coordinator}; there are 0 to {inputs.size.n_coordinators - 1}"
            )
        if not 0 <= group.quarter < inputs.size.n_quarters:
            problems.append(f"{where}: the run has quarters 0 to {inputs.size.n_quarters - 1}")
        if not 1 <= group.n_members <= MEMBERS_PER_CLUSTER:
            problems.append(f"{where}: {group.n_members} members; it may have 1 to {MEMBERS_PER_CLUSTER}")
        if min(group.n_institutes, group.n_large, group.n_fillers) < 0 or special > group.n_members:
            problems.append(
                f"{where}: {special} institutes and large firms do not fit in {group.n_members} members"
            )
        if group.committed_eur < 0.0 or group.covenant_quarters < 1:
            problems.append(
                f"{where}: {group.committed_eur} EUR for {group.covenant_quarters} quarters cannot be"
            )
    return problems
