"""The laboratory: a small world in which one thing at a time can be made otherwise, and what can be read from it.

A ``Situation`` says how a world is; ``live`` lets it run and films every quarter. The focal situation ``FOCAL`` has one
covenant, cluster row 0, in market 0 with coordinator 0, and nobody else gathers groups; ``FORMING`` has no covenant to
begin with and coordinators who gather groups. World ``n`` of the stratum ``defaults`` has the default parameters; world
``n`` of ``ranges`` draws every uncertain parameter from its range. Both have the luck of seed ``n``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.model.engine import compiled, seeding
from passaat.model.engine.build import build_world, check_faults
from passaat.model.inputs import RunInputs, SeededGroup, Setting, Structure, WorldSize
from passaat.model.parameters import draw_parameters
from passaat.model.provenance.golden import small_inputs
from passaat.model.shocks import ShockEvent
from passaat.model.status import PARTNERSHIP, RELATION
from passaat.model.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

START: Final = 4
"""Quarter in which the focal covenant starts."""
TERM: Final = 12
"""Quarters that it lasts."""
END: Final = START + TERM
"""First quarter after it as planned."""
MARKET: Final = 0
COORDINATOR: Final = 0
COUNTRY: Final = 0
"""Market, coordinator and country of the focal covenant; the country's other market is 3, of the other sector."""
OTHER_MARKET: Final = 1
"""The other market of the same sector, in country 1."""

STRATA: Final = ("defaults", "ranges")
"""Worlds at default parameters, and worlds whose parameters are drawn from their ranges."""
MOST_WORLDS: Final = 640
"""Worlds per stratum at most."""
PARAMETER_SEED: Final = 20260

LAB: Final = WorldSize(
    first_year=2016,
    window_first_year=2016,
    window_last_year=2020,
    last_year=2025,
    n_firms=240,
    n_sectors=2,
    n_countries=2,
    n_markets=4,
    markets_per_firm=2,
    n_coordinators=6,
    liaisons_per_market=3,
    cluster_rows=8,
    sector_weights=(1.0, 1.0),
)
"""Ten years, two sectors with a market in each of two countries; each firm considers both markets of its sector."""

OWN_STRUCTURE: Final = Structure()
"""The model's own structure, without rivals."""

NOBODY_ELSE: Final = tuple(("coordinator", k) for k in range(LAB.n_coordinators))
"""Coordinators who gather no groups; the one of a seeded group leads it all the same."""


# --- situations -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edit:
    """A setting whose rows depend on the world: those of members of the focal covenant, or of the others in its market.

    Attributes:
        table: ``firms``, ``engagements`` (in the focal market) or ``memberships`` (of members only).
        values: the first row takes the first value, and so on, round and round.
        who: ``members``, ``others`` (firms that consider the market and are no members), ``first`` or ``rest`` (the
            first member and the other members).
    """

    table: str
    column: str
    values: tuple[float, ...]
    who: str = "members"
    quarter: int = 0


@dataclass(frozen=True)
class Situation:
    """How a world is, apart from its luck and its parameters.

    Levers hold in all years and are those of practice where not named; ``edits`` are made with the settings of their
    quarter. Situations are values: two that are equal share their runs.
    """

    levers: tuple[tuple[str, float], ...] = ()
    groups: tuple[SeededGroup, ...] = ()
    settings: tuple[Setting, ...] = ()
    edits: tuple[Edit, ...] = ()
    shocks: tuple[ShockEvent, ...] = ()
    absent: tuple[tuple[str, int], ...] = ()
    structure: Structure = OWN_STRUCTURE
    size: WorldSize = LAB

    def with_levers(self, **levers: float) -> Situation:
        """The same under other rules."""
        return replace(self, levers=tuple(sorted({**dict(self.levers), **levers}.items())))

    def with_group(self, **changes: Any) -> Situation:
        """The same with the focal group otherwise: n_members, n_large, n_fillers, committed_eur, agreement, ..."""
        return replace(self, groups=(replace(self.groups[0], **changes), *self.groups[1:]))

    def and_group(self, group: SeededGroup) -> Situation:
        """The same with one more group."""
        return replace(self, groups=(*self.groups, group))

    def with_setting(
        self, table: str, column: str, value: float, rows: tuple[int, ...] | None = None, quarter: int = 0
    ) -> Situation:
        """The same with one more dated edit of given rows, of all rows if None."""
        return replace(self, settings=(*self.settings, Setting(table, column, value, rows, quarter)))

    def with_edit(
        self, table: str, column: str, *values: float, who: str = "members", quarter: int = 0
    ) -> Situation:
        """The same with one more dated edit of rows that depend on the world (``Edit``)."""
        return replace(self, edits=(*self.edits, Edit(table, column, values, who, quarter)))

    def with_shock(
        self, kind: str, strength: float, first: int, last: int, country: int = COUNTRY
    ) -> Situation:
        """The same with one more dated event, from quarter ``first`` to ``last``, both included."""
        return replace(self, shocks=(*self.shocks, ShockEvent(kind, country, first, last, strength)))

    def without(self, *agents: tuple[str, int]) -> Situation:
        """The same without these agents: ("embassy", 0), ("liaison", 2), ("coordinator", 1)."""
        return replace(self, absent=(*self.absent, *agents))

    def with_size(self, **sizes: Any) -> Situation:
        """The same in a world of other size or calendar."""
        return replace(self, size=replace(self.size, **sizes))

    def inputs(self, stratum: str, world: int) -> RunInputs:
        """Inputs of a run of this situation in one world."""
        plain = replace(
            _practice(self.levers, self.size),
            parameters=_parameters(stratum, world),
            shocks=self.shocks,
            absent=self.absent,
            structure=self.structure,
            settings=self.settings,
            groups=self.groups,
        )
        if not self.edits:
            return plain
        roster = _roster(plain, world)
        found = [setting for edit in self.edits for setting in _settings_of(edit, roster)]
        return replace(plain, settings=(*self.settings, *found))


@lru_cache(maxsize=1)
def _draws() -> list[dict[str, float]]:
    return draw_parameters(MOST_WORLDS, PARAMETER_SEED)


@cache
def _practice(levers: tuple[tuple[str, float], ...], size: WorldSize) -> RunInputs:
    return small_inputs(dict(levers), size=size, beyond_range=("maximum_members",))  # 0 lets nobody join


def _parameters(stratum: str, world: int) -> dict[str, float]:
    if stratum not in STRATA:
        raise ValueError(f"no stratum {stratum!r}; there are {', '.join(STRATA)}")
    return _draws()[world] if stratum == "ranges" else {}


def _roster(inputs: RunInputs, seed: int) -> dict[tuple[str, str], Ints]:
    """Rows by table and by who they belong to, right after the focal group was seeded."""
    group = inputs.groups[0]
    life = _live(inputs, seed, (group.quarter,), group.quarter + 1)
    start = life.at(group.quarter)
    rows = np.arange(int(start.clusters["n_joined"][0]))
    member_e = start.memberships["engagement"][rows]
    market_e = np.flatnonzero(start.engagements["market"] == group.market)
    by = {
        "members": member_e,
        "first": member_e[:1],
        "rest": member_e[1:],
        "others": np.setdiff1d(market_e, member_e),
    }
    found = {("engagements", who): e for who, e in by.items()}
    found.update({("firms", who): start.engagements["firm"][e] for who, e in by.items()})
    found.update(
        {("memberships", w): r for w, r in (("members", rows), ("first", rows[:1]), ("rest", rows[1:]))}
    )
    return found


def _settings_of(edit: Edit, roster: dict[tuple[str, str], Ints]) -> list[Setting]:
    if (edit.table, edit.who) not in roster:
        raise ValueError(f"no rows of {edit.table} for {edit.who!r}")
    rows, n = roster[edit.table, edit.who], len(edit.values)
    return [
        Setting(edit.table, edit.column, value, tuple(int(r) for r in rows[place::n]), edit.quarter)
        for place, value in enumerate(edit.values)
    ]


FOCAL: Final = Situation(
    levers=(("maximum_members", 0.0),),
    groups=(
        SeededGroup(
            MARKET, COORDINATOR, START, n_members=8, n_institutes=1, n_large=1, covenant_quarters=TERM
        ),
    ),
    absent=NOBODY_ELSE,
)
"""One covenant of eight: an institute, a large firm and six SMEs, for three years from quarter 4; nobody joins late."""

FORMING: Final = Situation(size=replace(LAB, n_coordinators=12, cluster_rows=60))
"""Twelve coordinators who gather groups by themselves, for five years; no covenant to begin with."""


# --- living -----------------------------------------------------------------------------------------------------------


class ColumnBlock:
    """A copy of a table that is stored column by column, made at one stroke; columns are views on it."""

    def __init__(self, table: Any) -> None:
        self._names = {name: place for place, name in enumerate(table._fields)}
        self._types = [column.dtype for column in table]
        self._block = table[0].base.copy()
        assert self._block.shape == (len(self._names), len(table[0]))

    def __getitem__(self, name: str) -> NDArray[Any]:
        place = self._names[name]
        column: NDArray[Any] = self._block[place].view(self._types[place])
        return column


@dataclass(frozen=True)
class Still:
    """Tables as they stood at the end of a quarter: structured arrays, read as ``still.clusters["cohesion"][0]``."""

    tables: dict[str, Any]

    def __getattr__(self, table: str) -> Any:
        try:
            return self.tables[table]
        except KeyError:
            raise AttributeError(f"no film of {table}; there is one of {', '.join(self.tables)}") from None


FILMED: Final = (
    "firms",
    "markets",
    "countries",
    "embassies",
    "coordinators",
    "liaisons",
    "desks",
    "agency",
    "clusters",
    "accounts",
    "memberships",
)
"""Tables filmed besides ``engagements``."""


class NotFilmedError(LookupError):
    """A quarter was asked for that was not filmed: live once more with all quarters filmed."""


@dataclass(frozen=True)
class Life:
    """One run with its film.

    Attributes:
        inputs: what it was given.
        world: the final tables, as NumPy columns.
        film: the tables at the end of each quarter that was filmed.
        touched: quarters that were looked at.
    """

    inputs: RunInputs
    world: World
    film: dict[int, Still] = field(repr=False)
    touched: set[int] = field(default_factory=set, repr=False)

    def at(self, quarter: int) -> Still:
        """The tables at the end of a quarter; the last one if the run ended before.

        Raises:
            NotFilmedError: the quarter was not filmed.
        """
        quarter = min(quarter, self.inputs.size.n_quarters - 1)
        self.touched.add(quarter)
        if quarter not in self.film:
            raise NotFilmedError(f"quarter {quarter} was not filmed")
        return self.film[quarter]

    @cached_property
    def rows(self) -> Ints:
        """Membership rows of all who were ever members of the focal covenant."""
        return np.arange(int(self.world.clusters.n_joined[0]))

    @cached_property
    def members(self) -> Ints:
        """Their engagements in the focal market."""
        return self.world.memberships.engagement[self.rows]

    @cached_property
    def firms(self) -> Ints:
        """Their firms."""
        return self.world.engagements.firm[self.members]

    @cached_property
    def in_market(self) -> Ints:
        """Engagements of all firms that consider the focal market."""
        return np.flatnonzero(self.world.engagements.market == MARKET)

    @cached_property
    def others(self) -> Ints:
        """Engagements in the focal market of firms that were never members."""
        return np.setdiff1d(self.in_market, self.members)

    def series(self, table: str, column: str, rows: Any = 0) -> NDArray[Any]:
        """One column over the quarters: shape (quarters,) for one row, (quarters, rows) for more."""
        stills = [self.at(quarter) for quarter in range(self.inputs.size.n_quarters)]
        return np.array([getattr(still, table)[column][rows] for still in stills])


def _live(inputs: RunInputs, seed: int, filmed: Collection[int], until: int) -> Life:
    """Run to quarter ``until``, as ``simulate`` does between edits, and film the quarters named."""
    driver = compiled.driver_for()
    store = build_world(inputs, seed)
    world, calendar = store.compiled_world(), store.tables["calendar"]
    stops = set(seeding.stops(inputs))
    pauses = sorted({0, *stops, *(quarter + 1 for quarter in filmed), until})
    film = {}
    calendar["until"] = 0
    driver(world)
    for quarter, pause in pairwise(pauses):
        if quarter >= until:
            break
        calendar["quarter"] = quarter
        if quarter in stops:
            seeding.apply_due(store, inputs, quarter)
        calendar["until"] = pause
        driver(world)
        if pause - 1 in filmed:
            tables: dict[str, Any] = {name: store.tables[name].copy() for name in FILMED}
            tables["engagements"] = ColumnBlock(store.scanned["engagements"])
            film[pause - 1] = Still(tables)
    check_faults(store)
    return Life(inputs, store.column_world(), film)


def live(situation: Situation, stratum: str, world: int, filmed: Collection[int] | None = None) -> Life:
    """Let a situation run its course in one world and film the quarters named, all by default."""
    inputs = situation.inputs(stratum, world)
    n = inputs.size.n_quarters
    return _live(inputs, world, range(n) if filmed is None else filmed, n)


# --- outcomes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """Something read from a life: one number, or one per quarter if ``per_quarter``."""

    name: str
    read: Callable[[Life], Any]
    per_quarter: bool = False


OUTCOMES: Final[dict[str, Outcome]] = {}
"""Every outcome by name; modules of directions add their own."""


def outcome(
    name: str, *, per_quarter: bool = False
) -> Callable[[Callable[[Life], Any]], Callable[[Life], Any]]:
    """Register a function of a life as the outcome ``name``."""

    def register(read: Callable[[Life], Any]) -> Callable[[Life], Any]:
        if name in OUTCOMES:
            raise ValueError(f"there are two outcomes {name!r}")
        OUTCOMES[name] = Outcome(name, read, per_quarter)
        return read

    return register


class Lab:
    """Lives that are lived once: readings of every outcome asked for, by situation, stratum and world.

    Filming costs more than living, so quarters that no outcome looked at the first time are not filmed again; where one
    looks elsewhere after all, the life is lived once more with every quarter filmed.
    """

    def __init__(self) -> None:
        self._readings: dict[tuple[Situation, str, int], dict[str, Any]] = {}
        self._asked: dict[Situation, set[str]] = {}
        self._looked_at: dict[str, set[int]] = {}

    def expect(self, situation: Situation, names: set[str]) -> None:
        """Say beforehand which outcomes will be read of a situation, so that its lives are lived once for all."""
        self._asked.setdefault(situation, set()).update(names)

    def read(self, situation: Situation, stratum: str, world: int, name: str) -> Any:
        """One outcome of one life."""
        found = self._readings.setdefault((situation, stratum, world), {})
        if name not in found:
            wanted = sorted(self._asked.get(situation, set()) | {name})
            filmed: set[int] | None = None
            if all(each in self._looked_at for each in wanted):
                filmed = set().union(*(self._looked_at[each] for each in wanted))
            try:
                found.update(self._read_all(live(situation, stratum, world, filmed), wanted))
            except NotFilmedError:
                found.update(self._read_all(live(situation, stratum, world), wanted))
        return found[name]

    def _read_all(self, life: Life, wanted: Sequence[str]) -> dict[str, Any]:
        found = {}
        for name in wanted:
            life.touched.clear()
            found[name] = np.asarray(OUTCOMES[name].read(life), dtype=np.float64)
            self._looked_at.setdefault(name, set()).update(life.touched)
        return found

    def readings(self, situation: Situation, stratum: str, n: int, name: str) -> Floats:
        """One outcome of the first ``n`` worlds: shape (n,), or (n, quarters)."""
        return np.array([self.read(situation, stratum, world, name) for world in range(n)])


# What any module may read. Money is read as log(1 + EUR), because contract values have heavy tails and a single lucky
# contract would drown every effect on their mean.


def log_eur(cents: Any) -> Any:
    """Cents as log(1 + EUR)."""
    return np.log1p(np.asarray(cents, dtype=np.float64) / 100.0)


@outcome("contacts gained by members")
def _contacts_gained(life: Life) -> float:
    return float(life.world.memberships.contacts_gained[life.rows].sum())


@outcome("contacts gained per member")
def _contacts_per_member(life: Life) -> float:
    return float(life.world.memberships.contacts_gained[life.rows].mean())


@outcome("contacts of members at the end of the covenant")
def _contacts_at_end(life: Life) -> float:
    return float(life.at(END - 1).engagements["contacts"][life.members].mean())


@outcome("relation of members at the end of the covenant")
def _relation_at_end(life: Life) -> float:
    return float(life.at(END - 1).engagements["relation"][life.members].mean())


@outcome("trust in members at the end of the covenant")
def _trust_at_end(life: Life) -> float:
    return float(life.at(END - 1).engagements["trust"][life.members].mean())


@outcome("knowledge of members at the end of the covenant")
def _knowledge_at_end(life: Life) -> float:
    return float(life.at(END - 1).engagements["knowledge"][life.members].mean())


@outcome("next steps of members that succeed")
def _steps(life: Life) -> float:
    engagements, e = life.world.engagements, life.members
    return float((engagements.steps_full[e] + engagements.steps_partly[e]).mean())


@outcome("next steps of members that succeed in the covenant")
def _steps_in_covenant(life: Life) -> float:
    engagements, e = life.at(END - 1).engagements, life.members
    return float((engagements["steps_full"][e] + engagements["steps_partly"][e]).mean())


@outcome("stage of members at the end of the run")
def _stage(life: Life) -> float:
    return float(life.world.engagements.stage[life.members].mean())


@outcome("best stage of members")
def _best_stage(life: Life) -> float:
    return float(life.world.engagements.best_stage[life.members].mean())


@outcome("members with a partnership")
def _partnerships(life: Life) -> float:
    return float((life.world.engagements.best_stage[life.members] >= PARTNERSHIP).mean())


@outcome("members with a relation at the end of the run")
def _relations(life: Life) -> float:
    return float((life.world.engagements.stage[life.members] >= RELATION).mean())


@outcome("members with a contract")
def _with_contract(life: Life) -> float:
    return float((life.world.memberships.contracts[life.rows] > 0).mean())


@outcome("contracts of members")
def _contracts(life: Life) -> float:
    return float(life.world.memberships.contracts[life.rows].sum())


@outcome("exports of members")
def _exports(life: Life) -> float:
    return float(log_eur(life.world.engagements.exports_since_window_cents[life.members]).mean())


@outcome("exports of others in the market")
def _exports_of_others(life: Life) -> float:
    return float(log_eur(life.world.engagements.exports_since_window_cents[life.others]).mean())


@outcome("contacts of others in the market")
def _contacts_of_others(life: Life) -> float:
    return float(life.at(END - 1).engagements["contacts"][life.others].mean())


@outcome("awareness at the end of the covenant")
def _awareness(life: Life) -> float:
    return float(life.at(END - 1).markets["awareness"][MARKET])


@outcome("awareness at the end of the run")
def _awareness_late(life: Life) -> float:
    return float(life.world.markets.awareness[MARKET])


@outcome("barrier at the end of the covenant")
def _barrier(life: Life) -> float:
    return float(life.at(END - 1).markets["barrier"][MARKET])


@outcome("activities done in the covenant")
def _done(life: Life) -> float:
    clusters = life.at(END - 1).clusters
    return float(sum(clusters[f"done_{module}"][0] for module in ("promotion", "knowledge", "diplomacy")))


@outcome("progress at the end of the covenant")
def _progress(life: Life) -> float:
    return float(life.at(END - 2).clusters["progress_true"][0])


@outcome("cohesion at the end of the covenant")
def _cohesion(life: Life) -> float:
    return float(life.at(END - 2).clusters["cohesion"][0])


@outcome("members at the end of the covenant")
def _members_left(life: Life) -> float:
    return float(life.at(END - 2).clusters["n_members"][0])


@outcome("share of members that stay to the end of the covenant")
def _members_stay(life: Life) -> float:
    at_end = life.at(END - 2).memberships["left_quarter"][life.rows]
    joined = life.world.memberships.joined_quarter[life.rows] == START
    return float((at_end[joined] < 0).mean())


@outcome("quality of coordination at the end of the covenant")
def _coordination(life: Life) -> float:
    return float(life.at(END - 2).clusters["coordinator_quality"][0])


@outcome("exports of members by quarter", per_quarter=True)
def _exports_by_quarter(life: Life) -> Floats:
    return np.asarray(log_eur(life.series("engagements", "exports_cents", life.members)).mean(axis=1))


@outcome("contacts of members by quarter", per_quarter=True)
def _contacts_by_quarter(life: Life) -> Floats:
    return np.asarray(life.series("engagements", "contacts", life.members).mean(axis=1))


@outcome("contracts of members by quarter", per_quarter=True)
def _contracts_by_quarter(life: Life) -> Floats:
    signed = life.series("engagements", "contracts", life.members).sum(axis=1)
    return np.asarray(np.diff(signed, prepend=0), dtype=np.float64)


def covenants(life: Life) -> Ints:
    """Rows of all covenants that started."""
    clusters = life.world.clusters
    n = int(life.world.calendar.n_clusters[0])
    return np.flatnonzero((clusters.start_quarter[:n] >= 0) & (clusters.turned_down[:n] == 0))


@outcome("groups that met")
def _groups(life: Life) -> float:
    return float(life.world.calendar.n_clusters[0])


@outcome("covenants started")
def _covenants(life: Life) -> float:
    return float(len(covenants(life)))


@outcome("firms that joined a group")
def _joined(life: Life) -> float:
    return float(life.world.clusters.n_joined.sum())


@outcome("exports of all firms")
def _all_exports(life: Life) -> float:
    return float(log_eur(life.world.engagements.exports_since_window_cents).mean())


__all__ = [
    "COORDINATOR",
    "COUNTRY",
    "END",
    "FOCAL",
    "FORMING",
    "LAB",
    "MARKET",
    "NOBODY_ELSE",
    "OTHER_MARKET",
    "OUTCOMES",
    "START",
    "STRATA",
    "TERM",
    "Edit",
    "Lab",
    "Life",
    "Situation",
    "covenants",
    "live",
    "log_eur",
    "outcome",
]
