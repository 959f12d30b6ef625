"""What one run of the model is given: sizes, calendar, policy per year, parameters and dated shocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.errors import ModelError
from passaat.model import input_checks
from passaat.model.shocks import ShockEvent
from passaat.model.units import QUARTERS_PER_YEAR

AGENT_KINDS: Final = ("embassy", "coordinator", "liaison")
"""Kinds of agents that a scenario may take out or let decide at random."""

STRUCTURES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "bottlenecks": ("weakest", "sum"),
        "network": ("own", "none"),
        "selection": ("scored", "random"),
        "support": ("people", "none"),
    }
)
"""Rival structures by switch: the model's own first, then its rival (see ``Structure``)."""


@dataclass(frozen=True)
class Structure:
    """Which of two rival structures holds, by switch; the data may not tell them apart.

    Attributes:
        bottlenecks: the chance of a next step follows the ``weakest`` of four bottlenecks, or their mean (``sum``).
        network: coordinators reach firms in their ``own`` network, or every firm of the sector by lot (``none``).
        selection: applications are ``scored`` on their quality, or the score is a lottery ticket (``random``).
        support: liaisons, embassies and coordinators are ``people`` who differ, or all alike and average (``none``).

    Raises:
        ModelError: names each switch with a value that it does not have.
    """

    bottlenecks: str = "weakest"
    network: str = "own"
    selection: str = "scored"
    support: str = "people"

    def __post_init__(self) -> None:
        problems = [
            f"structure {name} = {getattr(self, name)!r} does not exist; it is {' or '.join(values)}"
            for name, values in STRUCTURES.items()
            if getattr(self, name) not in values
        ]
        if problems:
            raise ModelError(problems, hint="Mend these switches; nothing was run.")

    def codes(self) -> dict[str, int]:
        """Place of each switch's value in ``STRUCTURES``: 0 for the model's own structure."""
        return {name: values.index(getattr(self, name)) for name, values in STRUCTURES.items()}


@dataclass(frozen=True)
class Setting:
    """A dated edit of the world: ``column`` of ``table`` becomes ``value`` before the first step of ``quarter``.

    A setting of quarter 0 is made right after the founding. ``rows`` are the rows edited; None means all of them.
    """

    table: str
    column: str
    value: float
    rows: tuple[int, ...] | None = None
    quarter: int = 0


@dataclass(frozen=True)
class SeededGroup:
    """A group that exists by assumption: it skips forming and selection and starts as a covenant in ``quarter``.

    Its members are drawn by lot among the firms that consider the market and belong to no other group there: first
    ``n_institutes`` institutes and ``n_large`` large firms, then SMEs up to ``n_members``; where a market has too few
    of a kind, others take their place. The last ``n_fillers`` are fillers. ``agreement`` says whether rivals made
    agreements beforehand; None leaves it to chance, as for groups that form by themselves.
    """

    market: int
    coordinator: int
    quarter: int
    n_members: int
    n_institutes: int = 0
    n_large: int = 0
    n_fillers: int = 0
    committed_eur: float = 300_000.0
    covenant_quarters: int = 12
    agreement: bool | None = None


@dataclass(frozen=True)
class WorldSize:
    """Calendar and sizes of a world. Years are calendar years, both ends included.

    Raises:
        ModelError: names each number that is no whole one or too small, years out of order, weights that do not fit.
    """

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

    def __post_init__(self) -> None:
        input_checks.require(input_checks.size_problems(self))

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
        structure: which of the rival structures hold.
        settings: dated edits of the world, for cases and controlled trials.
        groups: groups that exist by assumption.
        beyond_range: names of parameters and levers that a trial sets outside their stated range on purpose, to switch
            an effect off or to overdo it. It decides nothing; it only lets them pass.

    Raises:
        ModelError: names each lever, parameter, shock and agent that cannot be, with its value and what it may be.
            Levers left out, parameters that only another simulator knows, settings and groups are the business of the
            model: ``build_world`` refuses those.
    """

    size: WorldSize
    levers: Mapping[str, NDArray[np.float64]]
    parameters: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    shocks: tuple[ShockEvent, ...] = ()
    absent: tuple[tuple[str, int], ...] = ()
    random_agents: tuple[tuple[str, int], ...] = ()
    structure: Structure = Structure()
    settings: tuple[Setting, ...] = ()
    groups: tuple[SeededGroup, ...] = ()
    beyond_range: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        input_checks.require(input_checks.value_problems(self))

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process; read-only mappings do not, so plain ones take their place."""
        return {**vars(self), "levers": dict(self.levers), "parameters": dict(self.parameters)}
