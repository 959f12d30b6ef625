"""What one run of the model is given: sizes, calendar, policy per year, parameters and dated shocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

QUARTERS_PER_YEAR: Final = 4

SHOCK_KINDS: Final = ("travel_stop", "war", "officials", "demand_boom", "demand_slump", "export_control")
"""Kinds of dated events that a scenario may contain; coded by their place in this tuple."""

AGENT_KINDS: Final = ("embassy", "coordinator", "liaison")
"""Kinds of agents that a scenario may take out or let decide at random."""


@dataclass(frozen=True)
class ShockEvent:
    """One dated event. ``country`` is an index, or -1 for all countries; quarters count from the run's start.

    ``strength`` is a share: of travel that stops (travel_stop), of activity that ends (war), of standing with the
    host government that is lost (officials), of demand gained or lost (demand_boom, demand_slump), of sales
    that are forbidden (export_control). The event acts from ``first_quarter`` to ``last_quarter``, both included.
    """

    kind: str
    country: int
    first_quarter: int
    last_quarter: int
    strength: float


@dataclass(frozen=True)
class WorldSize:
    """Calendar and sizes of a world. Years are calendar years, both ends included."""

    first_year: int
    window_first_year: int
    window_last_year: int
    last_year: int
    n_firms: int
    n_sectors: int
    n_countries: int
    n_markets: int
    markets_per_firm: int
    n_coordinators: int
    liaisons_per_market: int
    cluster_rows: int
    sector_weights: tuple[float, ...]
    random_shocks: bool = False
    isolated_firms: int = 0
    """How many of the last firms have no sector, market or network: they exist to test that nobody notices."""

    @property
    def n_years(self) -> int:
        return self.last_year - self.first_year + 1

    @property
    def n_quarters(self) -> int:
        return self.n_years * QUARTERS_PER_YEAR


def allot_markets(size: WorldSize) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sector and country of each market, shape (n_markets,) each.

    Markets are allotted to sectors in proportion to the sector weights (largest remainder, at least one each where
    there are enough), and the markets of one sector lie in different countries as long as there are enough.
    """
    weights = np.asarray(size.sector_weights, dtype=np.float64)
    quota = weights / weights.sum() * size.n_markets
    count = np.floor(quota).astype(np.int64)
    if size.n_markets >= size.n_sectors:
        count = np.maximum(count, 1)
    remainder = quota - np.floor(quota)
    while count.sum() < size.n_markets:
        neediest = int(np.argmax(remainder))
        count[neediest] += 1
        remainder[neediest] -= 1.0
    while count.sum() > size.n_markets:
        count[int(np.argmax(count))] -= 1
    sectors: list[int] = []
    countries: list[int] = []
    for sector in range(size.n_sectors):
        offset = sector if size.n_markets <= size.n_sectors else 3 * sector
        for place in range(int(count[sector])):
            sectors.append(sector)
            countries.append((offset + place) % size.n_countries)
    return np.array(sectors, dtype=np.int64), np.array(countries, dtype=np.int64)


@dataclass(frozen=True)
class RunInputs:
    """All that decides a run, besides the world seed.

    Attributes:
        size: calendar and sizes.
        levers: policy in force by lever name, arrays of shape (n_years,): the rules of each calendar year.
        parameters: value of every parameter by name; those left out take the default of ``model/parameters.toml``.
        shocks: dated events.
        absent: (kind, index) of agents taken out of the world; kinds as in ``AGENT_KINDS``.
        random_agents: (kind, index) of agents whose decisions are replaced by random ones.
    """

    size: WorldSize
    levers: Mapping[str, NDArray[np.float64]]
    parameters: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    shocks: tuple[ShockEvent, ...] = ()
    absent: tuple[tuple[str, int], ...] = ()
    random_agents: tuple[tuple[str, int], ...] = ()
