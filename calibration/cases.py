"""From a case study to a world: what the case says is set, what it leaves open every world draws for itself.

A level (low, middle, high) is a draw from the lowest, middle or highest third of what the model itself draws for that
variable at the founding, with the parameters of the run; no level is a fixed number. The draws are keyed to the world's
seed and the variable, so one entry of a case changes nothing else in that world. Everything reaches the run
through ``RunInputs``: a group that exists by assumption, dated edits and dated shocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.calibration.case_files import LEVELS, Case, Event, load_cases, quarters_since_year_0
from passaat.evidence import evidence
from passaat.model.cluster import enrol
from passaat.model.engine import seeding
from passaat.model.engine.build import Store, build_world, check_faults
from passaat.model.engine.compiled import driver_for
from passaat.model.inputs import RunInputs, SeededGroup, Setting, WorldSize
from passaat.model.parameters import PARAMETERS, default_parameters
from passaat.model.shocks import ShockEvent
from passaat.model.status import CONTRACT, EXTENDED, PLANNED, RELATION, RUNNING
from passaat.model.units import QUARTERS_PER_YEAR
from passaat.model.world import TABLES, World
from passaat.scenarios.levers import LEVERS

__all__ = ["Case", "Walk", "case_inputs", "load_cases"]

WARM_UP_YEARS: Final = 3
"""Years before the start: contacts and deliveries that firms have from the founding reach their usual level."""
YEARS_AFTER_START: Final = 8
"""Years after the start, as long as the longest deal cycle (technopolis2023 annex C.5); more where a goal asks more."""
N_FIRMS: Final = 400
N_SECTORS, N_COUNTRIES, N_MARKETS = 2, 3, 6
MARKETS_PER_FIRM: Final = 3
N_COORDINATORS: Final = 2
"""One for each sector: beside the group of the case other groups form, but rarely. Sizes are assumptions."""
LIAISONS_PER_MARKET: Final = 3
CLUSTER_ROWS: Final = 120
SAMPLE: Final = 300
"""Rows of each kind in the world from which the founding distributions are read: a hundred in each third."""
SAMPLE_SEED: Final = 20_230_001
SAMPLE_GROUPS: Final = 15
GROUP, MARKET, COUNTRY, COORDINATOR = 0, 0, 0, 0
"""Rows of the case's own group, market, country and coordinator; the embassy is that of the country."""

PROFESSIONS: Final = ("consultant", "trade_organisation", "member_firm")
"""Coordinators' kinds in the order of their codes in model/coordinator.py."""

COLUMNS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "country.development": (("countries", "development"),),
        "country.state_involvement": (("countries", "state_involvement"),),
        "country.price_level": (("countries", "price_level"),),
        "country.distance": (("countries", "distance"),),
        "market.demand": (("markets", "demand"),),
        "market.growth": (("markets", "growth"),),
        "market.receptivity": (("markets", "receptivity"),),
        "market.barrier": (("markets", "barrier"),),
        "market.rivalry": (("markets", "rivalry"),),
        "market.awareness": (("markets", "ordinary_awareness"), ("markets", "awareness")),
        "coordinator.experience": (("coordinators", "experience"),),
        "coordinator.reach": (("coordinators", "reach"),),
        "embassy.standing": (("embassies", "standing"),),
        "embassy.expertise": (("embassies", "expertise"),),
        "embassy.staff": (("embassies", "capacity_days"),),
    }
)
"""Levels of a case and the columns of row 0 that they set; the first names the distribution."""


def case_inputs(case: Case, world_seed: int, parameters: Mapping[str, float]) -> RunInputs:
    """The inputs of one world of a case.

    Parameters left out are at their default. The edits depend on the world: which firms are members by lot, what a
    coordinator has become when leaving. They are found by walking the same world up to the quarter in question.
    """
    values = {**default_parameters(), **parameters}
    start = WARM_UP_YEARS * QUARTERS_PER_YEAR + quarters_since_year_0(case.start) % QUARTERS_PER_YEAR
    size = _size(case)
    settings = [
        Setting("coordinators", "present", 0, None, 0),
        Setting("coordinators", "present", 1, None, start),
        *_standing(case, world_seed, values, start),
    ]
    if case.members.n_partners is not None:
        settings.append(Setting("clusters", "n_partners", case.members.n_partners, (GROUP,), start))
    if any(goal.kind == "demonstration" for goal in case.goals):
        settings.append(Setting("clusters", "demonstration", PLANNED, (GROUP,), start + 1))
    inputs = RunInputs(
        size=size,
        levers=_practice(case, size),
        parameters=MappingProxyType(values),
        shocks=tuple(_shock(case, place, world_seed) for place in range(len(case.shocks))),
        settings=tuple(settings),
        groups=(_group(case, world_seed, values, start),),
    )
    inputs = _with(inputs, _liaison_settings(case, inputs, world_seed, start))
    inputs = _with(inputs, _member_settings(case, inputs, world_seed, start))
    for event in case.staffing:
        quarter = quarters_since_year_0(event.first) - size.first_year * QUARTERS_PER_YEAR
        if quarter < size.n_quarters:
            inputs = _with(inputs, _staffing(event, inputs, world_seed, quarter))
    return inputs


def start_quarter(inputs: RunInputs) -> int:
    """Quarter of the run in which the group of the case starts."""
    return inputs.groups[0].quarter


class Walk:
    """One world of a case, walked quarter by quarter, with its edits made on their dates."""

    def __init__(self, inputs: RunInputs, world_seed: int) -> None:
        self.inputs = inputs
        self.store: Store = build_world(inputs, world_seed)
        self._driver = driver_for()
        self._world = self.store.compiled_world()
        self._made = -1

    def to(self, quarter: int) -> World:
        """Walk up to the first step of ``quarter``, its edits made; the tables as NumPy columns."""
        calendar = self.store.tables["calendar"]
        for stop in [*(s for s in seeding.stops(self.inputs) if self._made < s < quarter), quarter]:
            calendar["until"] = stop
            self._driver(self._world)
            calendar["quarter"] = stop
            if stop > self._made and stop < self.inputs.size.n_quarters:
                seeding.apply_due(self.store, self.inputs, stop)
                self._made = stop
        check_faults(self.store)
        return self.store.column_world()


def _with(inputs: RunInputs, settings: Iterable[Setting]) -> RunInputs:
    return replace(inputs, settings=(*inputs.settings, *settings))


# --- the world around the group ---------------------------------------------------------------------------------------


def _size(case: Case) -> WorldSize:
    first = case.start_year - WARM_UP_YEARS
    years = [YEARS_AFTER_START, *(goal.within_years or 0 for goal in case.goals)]
    return WorldSize(
        first_year=first,
        window_first_year=case.start_year,
        window_last_year=case.start_year + YEARS_AFTER_START,
        last_year=case.start_year + max(years),
        n_firms=N_FIRMS,
        n_sectors=N_SECTORS,
        n_countries=N_COUNTRIES,
        n_markets=N_MARKETS,
        markets_per_firm=MARKETS_PER_FIRM,
        n_coordinators=N_COORDINATORS,
        liaisons_per_market=LIAISONS_PER_MARKET,
        cluster_rows=CLUSTER_ROWS,
        sector_weights=(1.0,) * N_SECTORS,
    )


def _practice(case: Case, size: WorldSize) -> Mapping[str, NDArray[np.float64]]:
    """The programme's practice of each year; a tied liaison is let in where the case had one."""
    years = range(size.first_year, size.last_year + 1)
    levers = {
        name: np.array([lever.code(lever.default_in(year)) for year in years], dtype=np.float64)
        for name, lever in LEVERS.items()
    }
    if case.liaison.tied:
        levers["liaison_independent"] = np.zeros(len(years))
    return MappingProxyType(levers)


def _shock(case: Case, place: int, world_seed: int) -> ShockEvent:
    """A dated shock; its strength is a share, so a level is a third of what lies between nothing and all."""
    event = case.shocks[place]
    first = (case.start_year - WARM_UP_YEARS) * QUARTERS_PER_YEAR
    strength = _in_third(event.strength, _luck(world_seed, f"shock {event.kind}", place))
    return ShockEvent(
        event.kind,
        COUNTRY,
        quarters_since_year_0(event.first) - first,
        quarters_since_year_0(str(event.last)) - first,
        strength,
    )


# --- levels as draws --------------------------------------------------------------------------------------------------


def _luck(world_seed: int, name: str, row: int = 0) -> float:
    """A number from 0 to 1 for one decision about one world; keyed, so decisions do not shift each other."""
    return float(np.random.default_rng([world_seed, *name.encode(), row]).random())


def _in_third(level: str | None, u: float) -> float:
    """The share ``u`` of the third that a level names, as a share of the whole; of the whole without a level."""
    return u if level is None else (LEVELS.index(level) + u) / len(LEVELS)


def _ranked(values: NDArray[np.float64], share: float) -> float:
    """The value at ``share`` of all values in order."""
    return float(np.sort(values)[min(int(share * len(values)), len(values) - 1)])


def _founded(values: Mapping[str, float]) -> World:
    """A large world with these parameters as founded: what the model draws for each variable."""
    return _founded_with(tuple(sorted(values.items())))


@lru_cache(maxsize=32)
def _founded_with(values: tuple[tuple[str, float], ...]) -> World:
    size = WorldSize(
        first_year=2012,
        window_first_year=2012,
        window_last_year=2012,
        last_year=2012,
        n_firms=SAMPLE,
        n_sectors=1,
        n_countries=SAMPLE,
        n_markets=SAMPLE,
        markets_per_firm=1,
        n_coordinators=SAMPLE,
        liaisons_per_market=1,
        cluster_rows=1,
        sector_weights=(1.0,),
    )
    levers = {name: np.array([lever.code(lever.default_in(2012))]) for name, lever in LEVERS.items()}
    return Walk(RunInputs(size, levers, dict(values)), SAMPLE_SEED).to(0)


@lru_cache(maxsize=64)
def _cohesion_of_groups(
    values: tuple[tuple[str, float], ...], n_members: int, agreement: bool | None
) -> NDArray[np.float64]:
    """Trust between members at the start, of groups of this size whose members are drawn by lot."""
    size = WorldSize(
        first_year=2012,
        window_first_year=2012,
        window_last_year=2012,
        last_year=2012,
        n_firms=3 * SAMPLE_GROUPS * n_members,
        n_sectors=1,
        n_countries=1,
        n_markets=1,
        markets_per_firm=1,
        n_coordinators=SAMPLE_GROUPS,
        liaisons_per_market=1,
        cluster_rows=SAMPLE_GROUPS,
        sector_weights=(1.0,),
    )
    levers = {name: np.array([lever.code(lever.default_in(2012))]) for name, lever in LEVERS.items()}
    groups = tuple(
        SeededGroup(market=0, coordinator=k, quarter=0, n_members=n_members, agreement=agreement)
        for k in range(SAMPLE_GROUPS)
    )
    world = Walk(RunInputs(size, levers, dict(values), groups=groups), SAMPLE_SEED).to(0)
    return np.array(world.clusters.cohesion, dtype=np.float64)


def _standing(case: Case, world_seed: int, values: Mapping[str, float], start: int) -> list[Setting]:
    """What holds of country, market, coordinator and post: from the founding on, and again at the start."""
    drawn: list[tuple[str, str, float]] = []
    sample = _founded(values)
    for name, columns in COLUMNS.items():
        part, field = name.split(".")
        level = getattr(getattr(case, part), field)
        if level is not None:
            table, column = columns[0]
            value = _ranked(
                getattr(getattr(sample, table), column), _in_third(level, _luck(world_seed, name))
            )
            drawn += [(*where, value) for where in columns]
    if case.market.blocking is not None:
        drawn.append(("markets", "blocking", float(case.market.blocking)))
    if case.market.deal_cycle_years is not None:
        drawn.append(("markets", "deal_cycle_quarters", case.market.deal_cycle_years * QUARTERS_PER_YEAR))
    if case.coordinator.kind is not None:
        code = PROFESSIONS.index(case.coordinator.kind)
        drawn.append(("coordinators", "profession", code))
        if case.coordinator.reach is None:  # the network of that kind, not of the kind that the world drew
            of_kind = sample.coordinators.reach[sample.coordinators.profession == code]
            drawn.append(("coordinators", "reach", _ranked(of_kind, _luck(world_seed, "coordinator.reach"))))
    if case.coordinator.fee_agreed is False:
        # No fee laid down: what the coordinator expects is not tied to what members pay, and is among the highest.
        share = _in_third("high", _luck(world_seed, "coordinator.fee"))
        drawn.append(
            ("coordinators", "expected_fee_eur", _ranked(sample.coordinators.expected_fee_eur, share))
        )
    quarters = (0, start) if start > 0 else (0,)
    return [Setting(table, column, value, (0,), q) for q in quarters for table, column, value in drawn]


# --- the group --------------------------------------------------------------------------------------------------------


def _group(case: Case, world_seed: int, values: Mapping[str, float], start: int) -> SeededGroup:
    members = case.members
    n_institutes, n_large = members.n_institutes, members.n_large
    if n_institutes is None:
        n_institutes = _binomial(
            members.n_members - (n_large or 0), values["institute_share"], world_seed, "n_institutes"
        )
    if n_large is None:
        n_large = _binomial(
            members.n_members - n_institutes, values["large_firm_share"], world_seed, "n_large"
        )
    money = case.public_money_eur
    if money is None:
        money = covenant_money_eur(case.start_year, _luck(world_seed, "public_money_eur"))
    quarters = case.covenant_quarters
    if quarters is None:
        quarters = int(
            LEVERS["covenant_quarters"].code(LEVERS["covenant_quarters"].default_in(case.start_year))
        )
    return SeededGroup(
        market=MARKET,
        coordinator=COORDINATOR,
        quarter=start,
        n_members=members.n_members,
        n_institutes=n_institutes,
        n_large=n_large,
        committed_eur=money,
        covenant_quarters=quarters,
        agreement=members.agreement,
    )


def _binomial(n: int, share: float, world_seed: int, name: str) -> int:
    """How many of ``n`` are of a kind that makes up ``share`` of all firms."""
    return sum(_luck(world_seed, name, i) < share for i in range(n))


def covenant_money_eur(year: int, u: float) -> float:
    """Public money of a covenant at share ``u`` of its distribution, where a case does not state it.

    The evaluation prints the smallest and largest covenant and the mean of each year's starters (technopolis2023
    s2.4.3). Taken is the distribution that supposes least beyond these: on that range, with that mean, of greatest
    entropy (a truncated exponential).
    """
    whole = evidence()["pib_financing_range"]
    years = [y for y in range(2016, 2021) if f"pib_financing_mean_{y}" in evidence()]
    mean = evidence()[f"pib_financing_mean_{min(max(year, years[0]), years[-1])}"].value
    if whole.lower is None or whole.upper is None or mean is None:
        raise ValueError("the evidence rows on covenant money hold no range or no mean")
    tilt = _tilt((mean - whole.lower) / (whole.upper - whole.lower))
    share = u if abs(tilt) < 1e-9 else math.log1p(u * math.expm1(tilt)) / tilt
    return whole.lower + share * (whole.upper - whole.lower)


@lru_cache(maxsize=16)
def _tilt(mean: float) -> float:
    """The k at which the density exp(k x) on 0 to 1 has this mean, by bisection."""
    low, high = -50.0, 50.0
    while high - low > 1e-10:
        k = 0.5 * (low + high)
        at_k = 0.5 if abs(k) < 1e-6 else 1.0 / -math.expm1(-k) - 1.0 / k
        low, high = (k, high) if at_k < mean else (low, k)
    return 0.5 * (low + high)


def _member_settings(case: Case, inputs: RunInputs, world_seed: int, start: int) -> list[Setting]:
    """What the case says of the members: their place in the chain, experience, trust and fee."""
    world = Walk(inputs, world_seed).to(start)
    engagements = _members_of(world)
    firms = [int(world.engagements.firm[e]) for e in engagements]
    settings: list[Setting] = []
    if case.members.chain is not None:  # from the founding on, so that the group's fit is judged with it
        positions = chain_positions(case.members.chain, len(firms), world_seed)
        settings += [
            Setting("firms", "chain_position", position, (i,), 0)
            for i, position in zip(firms, positions, strict=True)
        ]
    if case.members.experience is not None:
        settings += _experience(case.members.experience, world, engagements, inputs, world_seed, start)
    if case.members.know_each_other is not None:
        group = inputs.groups[0]
        usual = _cohesion_of_groups(
            tuple(sorted(inputs.parameters.items())), group.n_members, group.agreement
        )
        share = _in_third(case.members.know_each_other, _luck(world_seed, "members.know_each_other"))
        settings.append(Setting("clusters", "cohesion", _ranked(usual, share), (GROUP,), start))
    if case.coordinator.fee_agreed:
        # A fee laid down beforehand: the coordinator counts on what these members pay, and no more.
        paid = inputs.parameters["member_fee_eur_year"] * len(firms)
        paid *= float(np.mean(world.memberships.commitment[: len(firms)]))
        settings.append(Setting("coordinators", "expected_fee_eur", paid, (COORDINATOR,), start))
    return settings


def _members_of(world: World) -> list[int]:
    """Engagements of the members of the case's group, in the order in which they joined."""
    first = int(world.clusters.first_membership[GROUP])
    joined = int(world.clusters.n_joined[GROUP])
    return [int(e) for e in world.memberships.engagement[first : first + joined]]


def chain_positions(chain: str, n: int, world_seed: int) -> list[float]:
    """Places along the value chain of ``n`` members whose offers relate as the case says.

    whole: links that follow each other, each linked to all others; linked: by lot within linking distance; similar: by
    lot within the distance of rivals; two_groups: two such halves, too far apart to be linked.
    """
    rival, linked = PARAMETERS["rival_distance"].value, PARAMETERS["linked_distance"].value
    step = 1.2 * rival
    links = 1 + int(linked / step)
    lots = [_luck(world_seed, "members.chain", i) for i in range(n)]
    if chain == "whole":
        first = 0.5 - 0.5 * step * (links - 1)
        return [first + step * (i % links) for i in range(n)]
    if chain == "linked":
        return [0.5 + linked * (u - 0.5) for u in lots]
    if chain == "similar":
        return [0.5 + 0.9 * rival * (u - 0.5) for u in lots]
    width = 0.5 - 0.5 * 1.1 * linked
    return [u * width if i % 2 == 0 else 1.0 - u * width for i, u in enumerate(lots)]


def _experience(
    level: str, world: World, members: Sequence[int], inputs: RunInputs, world_seed: int, start: int
) -> list[Setting]:
    """Members' experience: that of a third of all firms, and the position in this market of a third of its firms.

    The positions are those of the firms that consider the market and do not sell there; a member that sells already
    keeps its own.
    """
    sample, engagements = _founded(inputs.parameters), world.engagements
    others = np.flatnonzero((engagements.market == MARKET) & (engagements.stage < CONTRACT))
    others = others[np.lexsort((engagements.contacts[others], engagements.relation[others]))]
    settings = []
    for place, e in enumerate(members):
        share = _in_third(level, _luck(world_seed, "members.experience", place))
        settings.append(
            Setting(
                "firms", "experience", _ranked(sample.firms.experience, share), (int(engagements.firm[e]),), 0
            )
        )
        if engagements.stage[e] >= CONTRACT:
            continue
        share = _in_third(level, _luck(world_seed, "members.position", place))
        like = others[min(int(share * len(others)), len(others) - 1)]
        for column in ("contacts", "relation", "trust", "knowledge"):
            value = float(getattr(engagements, column)[like])
            settings.append(Setting("engagements", column, value, (e,), start))
        stage = min(int(engagements.stage[like]), RELATION)
        settings.append(Setting("engagements", "stage", stage, (e,), start))
        settings.append(Setting("memberships", "stage_at_joining", stage, (place,), start))
    return settings


# --- liaisons ---------------------------------------------------------------------------------------------------------


def _liaison_settings(case: Case, inputs: RunInputs, world_seed: int, start: int) -> list[Setting]:
    """All local representatives of the market are of the kind that the case describes, at a price that goes with it."""
    rows = range(MARKET * LIAISONS_PER_MARKET, (MARKET + 1) * LIAISONS_PER_MARKET)
    as_drawn = Walk(replace(inputs, settings=(), groups=()), world_seed).to(0)
    sample = _founded(inputs.parameters)
    level_drawn = float(as_drawn.countries.price_level[COUNTRY])
    level = _value_set(inputs.settings, "countries", "price_level", level_drawn)
    unit_prices = sample.liaisons.price_eur_year / sample.countries.price_level
    settings, prices = [], []
    for n in rows:
        unit_price = float(as_drawn.liaisons.price_eur_year[n]) / level_drawn
        for column in ("fit", "network"):
            wanted = getattr(case.liaison, column)
            if wanted is not None:
                share = _in_third(wanted, _luck(world_seed, f"liaison.{column}", n))
                value = _ranked(getattr(sample.liaisons, column), share)
                settings.append(Setting("liaisons", column, value, (n,), start))
                if column == "network":  # the price of the liaison whose network is most like it
                    unit_price = float(unit_prices[np.argmin(np.abs(sample.liaisons.network - value))])
        prices.append(unit_price * level)
        if case.liaison.tied is not None:
            settings.append(Setting("liaisons", "tied", int(case.liaison.tied), (n,), start))
        if case.liaison.engaged is False:
            settings.append(Setting("liaisons", "present", 0, (n,), start))
    if case.liaison.engaged:  # one was found, so one was to be had within the budget
        cheapest = int(np.argmin(prices))
        year = start // QUARTERS_PER_YEAR
        budget = float(inputs.levers["liaison_budget_eur_year"][year]) * min(level, 1.0)
        prices[cheapest] = min(prices[cheapest], budget)
        if case.liaison.tied is None and inputs.levers["liaison_independent"][year] == 1.0:
            settings.append(Setting("liaisons", "tied", 0, (rows[cheapest],), start))
    settings += [
        Setting("liaisons", "price_eur_year", price, (n,), start)
        for n, price in zip(rows, prices, strict=True)
    ]
    return settings


def _value_set(settings: Iterable[Setting], table: str, column: str, otherwise: float) -> float:
    """The value that a column of row 0 is set to, if it is."""
    found = [s.value for s in settings if (s.table, s.column, s.rows) == (table, column, (0,))]
    return found[0] if found else otherwise


# --- staff and members who come and go --------------------------------------------------------------------------------


def _staffing(event: Event, inputs: RunInputs, world_seed: int, quarter: int) -> list[Setting]:
    """A dated change of staff or members, written as the rules of the model write it."""
    walk = Walk(inputs, world_seed)
    before = _copied(walk.to(quarter))
    if before["clusters", "status"][GROUP] not in (RUNNING, EXTENDED):
        return []  # the group has ended: nobody is left to leave
    edits: dict[str, Callable[[World], None]] = {
        "coordinator_leaves": _coordinator_leaves,
        "liaison_replaced": lambda world: _liaison_replaced(world, inputs, world_seed),
        "liaison_missing": _liaison_missing,
        "members_join": lambda world: _members_join(world, event.n or 0, world_seed),
        "members_leave": lambda world: _members_leave(world, event.n or 0),
    }
    edits[event.kind](walk.store.interpreted_world())
    after = walk.store.column_world()
    return [
        Setting(table, column, float(getattr(getattr(after, table), column)[row]), (int(row),), quarter)
        for (table, column), old in before.items()
        for row in np.flatnonzero(getattr(getattr(after, table), column) != old)
    ]


def _copied(world: World) -> dict[tuple[str, str], NDArray[Any]]:
    """All columns of a world, keys of agents left out (they never change, and do not fit a real number)."""
    return {
        (table, column): np.array(getattr(getattr(world, table), column))
        for table, declared in TABLES.items()
        for column in declared.__annotations__
        if column != "key"
    }


def _coordinator_leaves(world: World) -> None:
    """A successor takes over with less grip, as in ``coordinator.decide_to_stay``; the one who left is gone."""
    clusters = world.clusters
    if clusters.coordinator[GROUP] >= 0:
        world.coordinators.resignations[clusters.coordinator[GROUP]] += 1
        world.coordinators.present[clusters.coordinator[GROUP]] = 0
        clusters.coordinator[GROUP] = -1
        clusters.coordinator_quality[GROUP] *= world.parameters.successor_quality


def _liaison_goes(world: World) -> int:
    """The group is without liaison, as after ``cluster.review_liaison``; the row of the one who went, -1 none."""
    n = int(world.clusters.liaison[GROUP])
    if n >= 0:
        world.liaisons.cluster[n] = -1
        world.liaisons.dismissed_by[n] = GROUP
        world.clusters.liaison[GROUP] = -1
        world.clusters.favoured_firm[GROUP] = -1
    return n


def _liaison_replaced(world: World, inputs: RunInputs, world_seed: int) -> None:
    """The liaison goes. What the case says held at the start: the others are again as the world drew them."""
    gone = _liaison_goes(world)
    drawn = Walk(replace(inputs, settings=(), groups=()), world_seed).to(0).liaisons
    for n in range(MARKET * LIAISONS_PER_MARKET, (MARKET + 1) * LIAISONS_PER_MARKET):
        if n != gone:
            world.liaisons.fit[n] = float(drawn.fit[n])
            world.liaisons.network[n] = float(drawn.network[n])
            world.liaisons.tied[n] = int(drawn.tied[n])
            world.liaisons.present[n] = 1


def _liaison_missing(world: World) -> None:
    """The liaison goes and nobody else is to be had."""
    _liaison_goes(world)
    for n in range(MARKET * LIAISONS_PER_MARKET, (MARKET + 1) * LIAISONS_PER_MARKET):
        world.liaisons.present[n] = 0


def _members_join(world: World, n: int, world_seed: int) -> None:
    """SMEs that consider the market and belong to no group there join, by lot, as far as the group has room."""
    free = [
        e
        for e in range(len(world.engagements.market))
        if world.engagements.market[e] == MARKET
        and world.engagements.cluster[e] < 0
        and world.firms.sme[world.engagements.firm[e]] == 1
    ]
    room = world.calendar.block[0] - world.clusters.n_joined[GROUP]
    lots = sorted(free, key=lambda e: _luck(world_seed, "members_join", e))
    for e in lots[: min(n, room)]:
        world.engagements.wish_as_filler[e] = 0
        enrol(world, GROUP, e)


def _members_leave(world: World, n: int) -> None:
    """The least committed leave, as in ``firm.decide_to_remain``."""
    first, memberships = world.clusters.first_membership[GROUP], world.memberships
    here = [
        j for j in range(first, first + world.clusters.n_joined[GROUP]) if memberships.left_quarter[j] < 0
    ]
    for j in sorted(here, key=lambda j: memberships.commitment[j])[:n]:
        memberships.left_quarter[j] = world.calendar.quarter[0]
        world.engagements.cluster[memberships.engagement[j]] = -1
        world.clusters.n_members[GROUP] -= 1
