"""What is read of a run to judge it, and the room to count in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from passaat.model.kernel.columns import IntColumn
from passaat.model.parameter_table import Parameters
from passaat.model.world import Accounts, Calendar, Clusters, Engagements, Firms, History, Memberships


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
    money_by_year_cents: NDArray[np.int64]


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
"""A rule that writes every outcome into a record with one number per outcome, or into an array of them by year."""
