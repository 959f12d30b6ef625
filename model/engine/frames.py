"""The tables of a finished run for people: used rows only, words for codes, dates for counts of quarters.

A run holds its tables as the rules need them: rows reserved for groups that never formed, stages as numbers, quarters
counted from the start. ``frames_of`` gives each table as a plain dictionary of NumPy arrays, one per column, which
``pandas.DataFrame`` takes as it is. Numbers stay in the units of ``model/world.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.errors import ModelError
from passaat.model.inputs import STRUCTURES
from passaat.model.kernel.columns import declared_columns
from passaat.model.shocks import SHOCK_KINDS
from passaat.model.status import STAGE_NAMES, STATUS_NAMES
from passaat.model.units import QUARTERS_PER_YEAR
from passaat.model.world import MEMBERS_PER_CLUSTER, TABLES

if TYPE_CHECKING:
    from passaat.model.engine.compiled import Run

Frame = dict[str, NDArray[Any]]

WORDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = MappingProxyType(
    {
        ("firms", "size_class"): ("micro", "small", "medium", "large"),
        ("coordinators", "profession"): ("consultant", "trade organisation", "member firm"),
        ("clusters", "status"): STATUS_NAMES,
        ("clusters", "demonstration"): ("none", "planned", "open"),
        ("shocks", "kind"): SHOCK_KINDS,
        **{("structure", switch): values for switch, values in STRUCTURES.items()},
    }
)
"""Words of coded columns, by table and column; stages have theirs in ``STAGE_NAMES``."""


def frames_of(run: Run, sector_names: Sequence[str] = ()) -> dict[str, Frame]:
    """Every table of a run by name: its used rows, with words and dates.

    The column ``row`` is the row's number in the run's own table, to which columns of other tables point (-1 none).
    Columns of quarters read like ``2016Q3``, empty where there is none; yes and no are True and False. ``history`` says
    the quarter of each row, and ``levers`` the year.

    Args:
        run: a finished run, or one in mid life.
        sector_names: names of the sectors, in order, which a run does not know: those of the scenario,
            ``tuple(scenario.the_world.sector_weights)``. Without them sectors stay numbers.

    Raises:
        ModelError: another number of names than of sectors.
    """
    size = run.inputs.size
    if sector_names and len(sector_names) != size.n_sectors:
        raise ModelError(
            f"{len(sector_names)} sector_names; the run has {size.n_sectors} sectors",
            hint="Give one name for each: tuple(scenario.the_world.sector_weights).",
        )
    found = {}
    for name, table in TABLES.items():
        rows = _used_rows(run, name)
        frame: Frame = {"row": rows}
        for column in declared_columns(table):
            values = getattr(getattr(run.world, name), column.name)[rows]
            frame[column.name] = _readable(
                name, column.name, column.unit, values, size.first_year, sector_names
            )
        found[name] = frame
    quarters = found["history"]["row"]
    found["history"] = {"quarter": _dates(quarters, size.first_year), **found["history"]}
    years = np.arange(size.first_year, size.last_year + 1)
    levers = {name: np.array(values) for name, values in run.world.levers._asdict().items()}
    found["levers"] = {"year": years, **levers}
    return found


def _used_rows(run: Run, table: str) -> NDArray[np.int64]:
    """Numbers of the rows that stand for something."""
    world, calendar = run.world, run.world.calendar
    n_clusters = int(calendar.n_clusters[0])
    if table in ("clusters", "accounts"):
        return np.arange(n_clusters)
    if table == "memberships":
        joined = np.repeat(world.clusters.n_joined[:n_clusters], MEMBERS_PER_CLUSTER)
        place = np.tile(np.arange(MEMBERS_PER_CLUSTER), n_clusters)
        return np.flatnonzero(place < joined)
    if table == "engagements":
        return np.flatnonzero(world.engagements.market >= 0)
    if table == "history":
        return np.arange(min(int(calendar.quarter[0]) + 1, run.inputs.size.n_quarters))
    return np.arange(len(getattr(world, table)[0]))


def _readable(
    table: str,
    column: str,
    unit: str,
    values: NDArray[Any],
    first_year: int,
    sector_names: Sequence[str],
) -> NDArray[Any]:
    if (table, column) in WORDS:
        return np.array(WORDS[table, column])[values]
    if unit == "stage":
        return np.array(STAGE_NAMES)[values]
    if unit == "quarter":
        return _dates(values, first_year)
    if unit == "yes/no":
        return values != 0
    if column == "sector" and sector_names:
        return np.array([*sector_names, ""])[values]  # -1, outside every sector, is the empty name at the end
    return np.array(values)


def _dates(quarters: NDArray[Any], first_year: int) -> NDArray[Any]:
    """Quarters since the start as text, 2016Q3; empty where negative, which stands for none."""
    texts = [
        f"{first_year + quarter // QUARTERS_PER_YEAR}Q{quarter % QUARTERS_PER_YEAR + 1}"
        if quarter >= 0
        else ""
        for quarter in quarters.tolist()
    ]
    return np.array(texts, dtype=np.str_)
