"""Build the empty tables of a world from the inputs of a run; rules of the founding steps then fill them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from passaat.errors import ModelError
from passaat.model import input_checks, world
from passaat.model.engine import seeding
from passaat.model.inputs import RunInputs, allot_markets
from passaat.model.kernel import columns, machine_code
from passaat.model.lever_table import LEVER_NAMES, Levers
from passaat.model.parameter_table import Parameters
from passaat.model.parameters import default_parameters
from passaat.model.shocks import SHOCK_KINDS
from passaat.model.status import N_ENTRIES
from passaat.model.world import MEMBERS_PER_CLUSTER, rows_of_tables

SCANNED_TABLES = ("engagements",)
"""Tables stored column by column, because most steps pass over all their rows and read two or three columns."""

FAULTS = {1: "clusters"}
"""Tables that can run full during a run, by the code that rules write."""


class NoExtra(NamedTuple):
    """The extra tables of a world without extension."""


@dataclass(frozen=True)
class Store:
    """The memory of one world: structured arrays by table name, and the lists."""

    tables: dict[str, NDArray[Any]]
    scanned: dict[str, Any]
    engagements_by_market: NDArray[np.int64]
    exports_by_year_cents: NDArray[np.int64]
    money_by_year_cents: NDArray[np.int64]
    levers: NDArray[Any]
    parameters: NDArray[Any]
    extra: Any

    def compiled_world(self) -> world.World:
        """The world as compiled rules read it."""
        return self._world({**self.tables, **self.scanned}, self.levers, self.parameters[0], self.extra)

    def column_world(self) -> world.World:
        """The world as analysts read it: NumPy columns."""
        tables = {n: columns.column_views(world.TABLES[n], records) for n, records in self.tables.items()}
        tables.update(self.scanned)
        levers = columns.column_views(Levers, self.levers)
        return self._world(tables, levers, self._plain_parameters(), self.extra)

    def interpreted_world(self) -> world.World:
        """The world as interpreted rules read it: plain Python numbers."""
        tables = {n: columns.memory_views(world.TABLES[n], records) for n, records in self.tables.items()}
        tables.update({n: type(t)(*(memoryview(column) for column in t)) for n, t in self.scanned.items()})
        levers = columns.memory_views(Levers, self.levers)
        extra = self.extra
        if hasattr(extra, "_fields"):
            extra = type(extra)(*(memoryview(column) for column in extra))
        return world.World(
            **tables,
            levers=levers,
            parameters=self._plain_parameters(),
            engagements_by_market=memoryview(self.engagements_by_market),  # type: ignore[arg-type]
            exports_by_year_cents=memoryview(self.exports_by_year_cents),  # type: ignore[arg-type]
            money_by_year_cents=memoryview(self.money_by_year_cents),  # type: ignore[arg-type]
            extra=extra,
        )

    def _plain_parameters(self) -> Parameters:
        return Parameters(*(float(value) for value in self.parameters[0]))

    def _world(self, tables: dict[str, Any], levers: Any, parameters: Any, extra: Any) -> world.World:
        return world.World(
            **tables,
            levers=levers,
            parameters=parameters,
            engagements_by_market=self.engagements_by_market,
            exports_by_year_cents=self.exports_by_year_cents,
            money_by_year_cents=self.money_by_year_cents,
            extra=extra,
        )

    @property
    def n_bytes(self) -> int:
        """Memory of the world, in bytes."""
        arrays = [*self.tables.values(), self.engagements_by_market]
        arrays += [self.exports_by_year_cents, self.money_by_year_cents]
        arrays += [column for table in self.scanned.values() for column in table]
        return sum(array.nbytes for array in arrays)


_PARAMETER_TYPE = np.dtype([(name, np.float64) for name in Parameters._fields])


def build_world(inputs: RunInputs, world_seed: int, extra: Any = None) -> Store:
    """Allocate all tables of a run and write its inputs into them.

    Args:
        inputs: sizes, policy, parameters and shocks.
        world_seed: the world's luck, a whole number of at most 63 bits.
        extra: tables of an extension, a ``NamedTuple`` of arrays; none by default.

    Raises:
        ModelError: a seed that is no whole number from 0 to 2^63 - 1, or inputs that this model cannot run: values that
            are not allowed, levers left out, parameters, settings and groups that do not exist.
    """
    check_inputs(inputs, world_seed)
    size = inputs.size
    rows = rows_of_tables(inputs)
    tables = {n: columns.allocate(t, rows[n]) for n, t in world.TABLES.items() if n not in SCANNED_TABLES}
    n_engagements = rows["engagements"]
    levers = np.zeros(size.n_years, dtype=[(name, np.float64) for name in LEVER_NAMES])
    for name in LEVER_NAMES:
        levers[name] = inputs.levers[name]
    parameters = np.zeros(1, dtype=_PARAMETER_TYPE)
    for name, value in {**default_parameters(), **inputs.parameters}.items():
        parameters[name] = value
    sectors, countries = allot_markets(size)
    tables["markets"]["sector"], tables["markets"]["country"] = sectors, countries
    weights = np.asarray(size.sector_weights, dtype=np.float64)
    tables["desks"]["share_up_to"] = np.cumsum(weights) / weights.sum()
    for kind, name in (("embassy", "embassies"), ("coordinator", "coordinators"), ("liaison", "liaisons")):
        tables[name]["present"] = 1
        for _, index in (agent for agent in inputs.absent if agent[0] == kind):
            tables[name]["present"][index] = 0
        for _, index in (agent for agent in inputs.random_agents if agent[0] == kind):
            tables[name]["at_random"][index] = 1
    for row, event in zip(tables["shocks"], inputs.shocks, strict=True):
        row["kind"], row["country"] = SHOCK_KINDS.index(event.kind), event.country
        row["first_quarter"], row["last_quarter"] = event.first_quarter, event.last_quarter
        row["strength"] = event.strength
    for name, code in inputs.structure.codes().items():
        tables["structure"][name] = code
    _set_calendar(tables["calendar"][0], inputs, world_seed)
    return Store(
        tables=tables,
        scanned={name: columns.contiguous_columns(world.TABLES[name], rows[name]) for name in SCANNED_TABLES},
        engagements_by_market=np.zeros(n_engagements, dtype=np.int64),
        exports_by_year_cents=np.zeros((n_engagements, size.n_years), dtype=np.int64),
        money_by_year_cents=np.zeros((rows["clusters"], N_ENTRIES, size.n_years), dtype=np.int64),
        levers=levers,
        parameters=parameters,
        extra=NoExtra() if extra is None else extra,
    )


def _set_calendar(calendar: Any, inputs: RunInputs, world_seed: int) -> None:
    size = inputs.size
    calendar["key"] = world_seed
    calendar["n_quarters"] = calendar["until"] = size.n_quarters
    calendar["window_first_quarter"] = (size.window_first_year - size.first_year) * 4
    calendar["window_last_quarter"] = (size.window_last_year - size.first_year) * 4 + 3
    calendar["random_shocks"] = int(size.random_shocks)
    calendar["isolated_firms"] = size.isolated_firms
    calendar["markets_per_firm"] = size.markets_per_firm
    calendar["liaisons_per_market"] = size.liaisons_per_market
    calendar["block"] = MEMBERS_PER_CLUSTER


def check_inputs(inputs: RunInputs, world_seed: int) -> None:
    """Refuse what this model cannot run, and any run without the compiler.

    Values are checked again, because an array may have changed since it was given.

    Raises:
        ModelError: as ``build_world``.
    """
    machine_code.require_compiler()
    input_checks.require_seed(world_seed)
    problems = [*input_checks.value_problems(inputs), *input_checks.unread_problems(inputs)]
    input_checks.require(problems or seeding.problems_of(inputs))


def check_faults(store: Store) -> None:
    """Stop when a table ran full during the run.

    Raises:
        ModelError: names the table, its bound and the setting that raises it.
    """
    code = int(store.tables["calendar"]["fault"][0])
    if code:
        bound = len(store.tables["clusters"])
        raise ModelError(
            f"the table of {FAULTS[code]} is full: more than {bound} groups were formed",
            hint="Raise cluster_rows in [world] of the scenario.",
        )
