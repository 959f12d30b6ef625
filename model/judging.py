"""The compiled judge: what is judged of a run as one compiled function of tables, for ensembles.

The judge is loaded as the driver is, under an identity of its own: a schedule or an
extension of one's own leaves it as it is. It knows tables and numbers only, so that another target can take it over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from passaat.model import machine_code
from passaat.model.code_identity import CodeIdentity
from passaat.model.columns import IntColumn
from passaat.model.machine_code import Compiled
from passaat.model.parameter_table import Parameters
from passaat.model.rules import rule
from passaat.model.world import (
    Accounts,
    Calendar,
    Clusters,
    Engagements,
    Firms,
    History,
    Memberships,
    World,
)


class Judged(NamedTuple):
    """The tables of a run from which outcomes are read."""

    firms: Firms
    engagements: Engagements
    clusters: Clusters
    accounts: Accounts
    memberships: Memberships
    calendar: Calendar
    history: History
    parameters: Parameters
    exports_by_year_cents: NDArray[np.int64]


class Twin(NamedTuple):
    """What is read of the run of the same world without programme."""

    known: int
    """1, or 0 where no twin was run; its tables are then not read."""
    exports_since_window_cents: IntColumn
    exports_by_year_cents: NDArray[np.int64]


class Work(NamedTuple):
    """Room to count in. The judge clears what it uses: what stood there before does not matter."""

    counted: IntColumn
    """One row per cluster: 1 for a covenant of the window."""
    cluster_exports_cents: IntColumn
    """One row per cluster: exports of its members to its market."""
    member_engagement: IntColumn
    """One row per engagement: 1 where the firm was member of a covenant of the window in this market."""
    ascending_cents: IntColumn
    """One row per engagement: exports of members, sorted."""
    member: IntColumn
    """One row per firm: 1 for a member of a covenant of the window; what such a firm reached follows."""
    with_contacts: IntColumn
    with_relation: IntColumn
    with_partnership: IntColumn
    with_contract: IntColumn
    with_presence: IntColumn
    learned_out: IntColumn
    yearly_cents: IntColumn
    """One row per year: exports beyond those of the twin."""


Judge = Callable[[Judged, Twin, Work, Any], None]
"""A rule that writes every outcome into a record with one number per outcome."""


def judged_tables(world: World) -> Judged:
    """Those tables of a world, in whichever form it has them."""
    return Judged(*(getattr(world, name) for name in Judged._fields))


def twin_tables(world: World, *, known: bool) -> Twin:
    """What is read of a twin; of the run itself, as a stand-in that is not read, where there is none."""
    exports = world.engagements.exports_since_window_cents
    return Twin(int(known), exports, world.exports_by_year_cents)


def room_for(world: World) -> Work:
    """Room to judge a run of this size; every judging takes its own, because several go on at once."""
    n_engagements, n_years = world.exports_by_year_cents.shape
    n_clusters, n_firms = (table.key.shape[0] for table in (world.clusters, world.firms))

    def room(rows: int) -> IntColumn:
        return np.empty(rows, dtype=np.int64)

    return Work(
        counted=room(n_clusters),
        cluster_exports_cents=room(n_clusters),
        member_engagement=room(n_engagements),
        ascending_cents=room(n_engagements),
        member=room(n_firms),
        with_contacts=room(n_firms),
        with_relation=room(n_firms),
        with_partnership=room(n_firms),
        with_contract=room(n_firms),
        with_presence=room(n_firms),
        learned_out=room(n_firms),
        yearly_cents=room(n_years),
    )


def judge_source(judge: Judge) -> str:
    """Python source of the compiled judge; it names the columns, because a change of their order changes the code."""
    return "\n".join(
        [
            '"""Generated to judge runs; not meant to be edited."""',
            "",
            "from numba import njit",
            "",
            f"from {judge.__module__} import {judge.__name__} as rule",
            "",
            *(f"# {table.__name__}: {', '.join(table._fields)}" for table in (Judged, Twin, Work)),
            "",
            "",
            '@njit(nogil=True, error_model="numpy", _nrt=False)',
            "def run(world, twin, work, found):",
            "    rule(world, twin, work, found)",
            "",
        ]
    )


_judges: dict[Judge, Compiled] = {}
_lock = threading.Lock()


def fingerprint(judge: Judge) -> str:
    """A short name for all that decides the machine code of the judge."""
    return _identity(judge).digest()


def _identity(judge: Judge) -> CodeIdentity:
    return machine_code.identity_of(judge_source(judge), rule, judge)


def compiled_judge(judge: Judge) -> Compiled:
    """The compiled form of a judge; from memory, from disk, or compiled when it is first called.

    Raises:
        ModelError: the compiler is turned off.
    """
    with _lock:
        if judge not in _judges:
            _judges[judge] = machine_code.load(judge_source(judge), _identity(judge), {})
        return _judges[judge]
