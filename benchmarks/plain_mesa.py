"""The fair peer: follow-up and trade (steps 10 and 11) as a good Mesa user would write them, without tables.

Agents hold their state in attributes, an engagement is a small object of its firm, draws come from the model's own
generator, and what stays the same within a loop is computed before it. The mechanisms, parameters and initial state
are those of ``model/firm.py``; the draws are other ones, so that results agree on average, not bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import mesa

from passaat.model.engine.build import Store
from passaat.model.firm import contract_value_eur, demand_effect, enough_chance, enough_contacts
from passaat.model.kernel.rules import whole, whole_cents
from passaat.model.parameter_table import Parameters
from passaat.model.status import (
    CONTACT,
    CONTRACT,
    EXTENDED,
    FOLLOW_UP,
    INFORMAL,
    NO_STAGE,
    PARTNERSHIP,
    RELATION,
    RUNNING,
    SUSTAINED,
)

STEPS = ("explore_alone", "follow_up", "trade")
IN_COVENANT = frozenset({RUNNING, EXTENDED})
AT_WORK = frozenset({RUNNING, EXTENDED, INFORMAL})


@dataclass(slots=True)
class Country:
    """What the markets of a country share."""

    development: float
    travel_stop: float
    war: float
    sales_ban: float
    embassy_memory: float = field(init=False, default=0.0)


@dataclass(slots=True)
class Market:
    """A sector in a country."""

    demand: float
    demand_now: float
    awareness: float
    barrier: float
    blocking: int
    rivalry: float
    deal_cycle_quarters: float
    place: Country = field(init=False)


@dataclass(slots=True)
class Cluster:
    """As much of a group as its members read when they follow up."""

    status: int
    cohesion: float


@dataclass(slots=True)
class Membership:
    """What a firm reached in one cluster."""

    steps_full: int
    steps_partly: int
    steps_lapsed: int
    contracts: int
    cluster: Cluster = field(init=False)


@dataclass(slots=True)
class Engagement:
    """A firm's dealings with one market."""

    knowledge: float
    contacts: float
    relation: float
    trust: float
    permits: float
    support: float
    attention: float
    funded_capacity: float
    stage: int
    step_open: int
    best_stage: int
    steps_full: int
    steps_partly: int
    steps_lapsed: int
    stayed_out: int
    presence: int
    contracts: int
    first_contract_quarter: int
    delivery_cents_per_quarter: int
    delivery_quarters_left: int
    exports_cents: int
    exports_since_window_cents: int
    market: Market = field(init=False)
    cluster: Cluster | None = field(init=False, default=None)
    membership: Membership | None = field(init=False, default=None)
    exports_by_year_cents: list[int] = field(init=False)

    def reach(self, stage: int) -> None:
        """A new stage, and the best one ever reached."""
        self.stage = stage
        self.best_stage = max(self.best_stage, stage)


class Firm(mesa.Agent):
    """A company or institute with its engagements."""

    model: PlainProgramme

    def __init__(self, model: PlainProgramme, columns: Any, row: int) -> None:
        super().__init__(model)
        self.turnover_eur = float(columns.turnover_eur[row])
        self.distinctiveness = float(columns.distinctiveness[row])
        self.development = float(columns.development[row])
        self.experience = float(columns.experience[row])
        self.free_capacity = float(columns.free_capacity[row])
        self.interrupted_until = int(columns.interrupted_until[row])
        self.institute = bool(columns.institute[row])
        self.engagements: list[Engagement] = []

    def explore_alone(self) -> None:
        """Find contacts on the firm's own; an embassy passes chances on to former members that it remembers."""
        p, draw = self.model.parameters, self.model.random.random
        rate = p.own_contact_rate * self.free_capacity * (0.2 + self.experience)
        highest = 1.5 * rate * (1.0 + p.chances_passed_on)  # awareness and memory are at most 1
        for engagement in self.engagements:
            drawn = draw()
            if drawn >= highest or engagement.stayed_out:
                continue
            market = engagement.market
            country = market.place
            chance = rate * (0.5 + market.awareness)
            if engagement.membership is not None:
                chance *= 1.0 + p.chances_passed_on * country.embassy_memory
            if drawn >= chance:
                continue
            reach = 1.0 - max(country.travel_stop, country.war)
            engagement.contacts += 2.0 * reach
            engagement.relation += p.own_relation_gain * reach * (1.0 - engagement.relation)
            engagement.trust += 0.5 * p.own_relation_gain * reach * (1.0 - engagement.trust)
            if engagement.contacts >= 1.0 and engagement.stage == NO_STAGE:
                engagement.reach(CONTACT)

    def follow_up(self) -> None:
        """Start next steps where there is time and attention, and see those under way through."""
        model = self.model
        p, draw = model.parameters, model.random.random
        interrupted = model.quarter < self.interrupted_until
        for engagement in self.engagements:
            if engagement.stage == NO_STAGE:
                continue
            if engagement.step_open:
                market = engagement.market
                cycle = market.deal_cycle_quarters / p.steps_per_deal_cycle
                if cycle <= 1.0 or draw() * cycle < 1.0:
                    self.end_step(engagement, 0.0 if interrupted else self.step_chance(engagement, market))
            elif not interrupted:
                drawn = draw()
                if drawn < p.step_start_rate:
                    engagement.attention = self.attention(engagement)
                    effort = engagement.attention * min(self.capacity_for(engagement) + 0.2, 1.0)
                    if engagement.stage >= CONTRACT:
                        effort *= p.growth_share
                    else:
                        effort *= enough_contacts(engagement.contacts)
                    if drawn < p.step_start_rate * effort:
                        engagement.step_open = 1

    def attention(self, engagement: Engagement) -> float:
        """Attention for a market, 0 to 1; members of a group that held together keep referring each other."""
        p, cluster, membership = self.model.parameters, engagement.cluster, engagement.membership
        if cluster is not None:
            if cluster.status in AT_WORK:
                return 1.0
            if cluster.status == FOLLOW_UP:
                return p.attention_follow_up
        if membership is None:
            return p.attention_alone
        held = min(p.referral_gain * membership.cluster.cohesion, 1.0)
        return p.attention_after_covenant + held * (1.0 - p.attention_after_covenant)

    def capacity_for(self, engagement: Engagement) -> float:
        """Capacity to follow up, funded part included, 0 to 1."""
        own = self.free_capacity
        return own if engagement.cluster is None else own + engagement.funded_capacity * (1.0 - own)

    def step_chance(self, engagement: Engagement, market: Market) -> float:
        """Chance that a next step succeeds in full: the weakest of four bottlenecks decides, or their mean."""
        p, capacity = self.model.parameters, self.capacity_for(engagement)
        trust = engagement.trust + market.awareness * (1.0 - engagement.trust)
        if market.blocking:
            opening = p.openness_when_blocked
        else:
            opening = max(1.0 - market.barrier * (1.0 - engagement.permits), 0.0)
        if self.model.mean_of_bottlenecks:
            link = p.sum_success_ratio * 0.25 * (engagement.relation + trust + opening + capacity)
        else:
            link = min(engagement.relation, trust, opening, capacity)
        fit = 1.0 - abs(self.development - market.place.development)
        fit *= (0.5 + 0.5 * self.distinctiveness) * (0.7 + 0.3 * engagement.knowledge)
        helped = 1.0 + p.support_gain * engagement.support
        harmed = 1.0 - p.rivalry_harm * market.rivalry
        demand = demand_effect(market.demand_now)
        return min(max(p.step_success * link * fit * helped * harmed * demand, 0.0), 1.0)

    def end_step(self, engagement: Engagement, chance: float) -> None:
        """A next step is taken fully, partly or not; institutes sell nothing."""
        model, membership = self.model, engagement.membership
        p, u = model.parameters, model.random.random()
        engagement.step_open = 0
        if engagement.cluster is None or engagement.cluster.status not in IN_COVENANT:
            membership = None
        if u < chance:
            engagement.steps_full += 1
            if membership is not None:
                membership.steps_full += 1
            engagement.relation += p.step_relation_gain * (1.0 - engagement.relation)
            if engagement.stage >= RELATION and not self.institute:
                self.sign_contract(engagement)
            else:
                engagement.reach(PARTNERSHIP)
        elif u < chance + (1.0 - chance) * p.partly_share * enough_chance(p, chance):
            engagement.steps_partly += 1
            if membership is not None:
                membership.steps_partly += 1
            engagement.relation += 0.5 * p.step_relation_gain * (1.0 - engagement.relation)
            if engagement.stage < PARTNERSHIP:
                engagement.reach(engagement.stage + 1)
        else:
            engagement.steps_lapsed += 1
            if membership is not None:
                membership.steps_lapsed += 1
            trading = engagement.stage >= CONTRACT
            if not trading and model.random.random() < p.staying_out_share * (1.0 - chance):
                engagement.stayed_out = 1
                engagement.stage = NO_STAGE

    def sign_contract(self, engagement: Engagement) -> None:
        """A contract: its value and what is still due are spread over the quarters of delivery, within a bound."""
        model = self.model
        p = model.parameters
        value = contract_value_eur(
            p, self.turnover_eur, engagement.market.demand, model.random.gauss(0.0, 1.0)
        )
        cents = whole_cents(min(value, p.contract_limit_turnovers * self.turnover_eur))
        cents += engagement.delivery_cents_per_quarter * engagement.delivery_quarters_left
        engagement.delivery_cents_per_quarter = self.within_reach(cents // model.delivery_quarters)
        engagement.delivery_quarters_left = model.delivery_quarters
        if engagement.stage < CONTRACT:
            engagement.reach(CONTRACT)
        engagement.contracts += 1
        if engagement.membership is not None:
            engagement.membership.contracts += 1
        if engagement.first_contract_quarter < 0:
            engagement.first_contract_quarter = model.quarter

    def within_reach(self, cents_per_quarter: int) -> int:
        """Deliveries per quarter, at most those of one contract of the largest size that the firm can carry."""
        p = self.model.parameters
        limit = whole_cents(p.contract_limit_turnovers * self.turnover_eur / p.delivery_quarters)
        return min(cents_per_quarter, limit)

    def trade(self) -> None:
        """Deliver under contracts; at the end of one, a repeat order or back to a relation."""
        model = self.model
        for engagement in self.engagements:
            if not engagement.delivery_quarters_left:
                engagement.exports_cents = 0
                continue
            country = engagement.market.place
            open_share = (1.0 - country.war) * (1.0 - country.sales_ban)
            exports = int(engagement.delivery_cents_per_quarter * open_share)
            engagement.exports_cents = exports
            engagement.exports_by_year_cents[model.quarter // 4] += exports
            if model.quarter >= model.window_first_quarter:
                engagement.exports_since_window_cents += exports
            engagement.delivery_quarters_left -= 1
            if not engagement.delivery_quarters_left:
                self.after_delivery(engagement, open_share)

    def after_delivery(self, engagement: Engagement, open_share: float) -> None:
        """Repeat and sustain, perhaps open a branch, or fall back to a relation."""
        p, generator = self.model.parameters, self.model.random
        present = 0.5 if engagement.presence else 0.0
        chance = min(p.repeat_share * (0.8 + 0.2 * engagement.relation + present), 0.98) * open_share
        if generator.random() < chance:
            engagement.reach(SUSTAINED)
            engagement.delivery_quarters_left = self.model.delivery_quarters
            sigma = p.repeat_order_sigma
            change = math.exp(sigma * generator.gauss(0.0, 1.0) - 0.5 * sigma * sigma)
            repeated = int(engagement.delivery_cents_per_quarter * change)
            engagement.delivery_cents_per_quarter = self.within_reach(repeated)
            if generator.random() < p.local_presence_share:
                engagement.presence = 1
        else:
            engagement.stage = RELATION
            engagement.delivery_cents_per_quarter = 0


class PlainProgramme(mesa.Model):
    """Firms that follow up and trade for some quarters, in a world that stands still around them.

    Args:
        store: the world in mid run from which the state is copied.
        seed: seed of the model's generator.
        shuffle: activate firms in random order; order does not matter here, so a good user leaves it off.
    """

    def __init__(self, store: Store, seed: int, *, shuffle: bool) -> None:
        super().__init__(seed=seed)
        world = store.column_world()
        self.shuffle = shuffle
        self.parameters: Parameters = world.parameters
        self.mean_of_bottlenecks = bool(world.structure.bottlenecks[0])
        self.delivery_quarters = whole(self.parameters.delivery_quarters)
        self.quarter = int(world.calendar.quarter[0]) - 1
        self.window_first_quarter = int(world.calendar.window_first_quarter[0])
        countries = _copies(Country, world.countries)
        for country, memory in zip(countries, world.embassies.memory.tolist(), strict=True):
            country.embassy_memory = memory
        markets = _copies(Market, world.markets)
        for market, place in zip(markets, world.markets.country.tolist(), strict=True):
            market.place = countries[place]
        clusters = _copies(Cluster, world.clusters)
        memberships = _copies(Membership, world.memberships)
        for membership, group in zip(memberships, world.memberships.cluster.tolist(), strict=True):
            membership.cluster = clusters[group]
        firms = [Firm(self, world.firms, row) for row in range(len(world.firms.key))]
        columns = world.engagements
        exports = world.exports_by_year_cents.tolist()
        for row, engagement in enumerate(_copies(Engagement, columns)):
            if columns.market[row] < 0:
                continue
            engagement.market = markets[columns.market[row]]
            if columns.cluster[row] >= 0:
                engagement.cluster = clusters[columns.cluster[row]]
            if columns.membership[row] >= 0:
                engagement.membership = memberships[columns.membership[row]]
            engagement.exports_by_year_cents = exports[row]
            firms[columns.firm[row]].engagements.append(engagement)

    def step(self) -> None:
        """One quarter of the three steps."""
        self.quarter += 1
        firms = self.agents_by_type[Firm]
        for name in STEPS:
            if self.shuffle:
                firms.shuffle_do(name)
            else:
                firms.do(name)

    @property
    def engagements(self) -> list[Engagement]:
        """All engagements of all firms."""
        return [engagement for firm in self.agents_by_type[Firm] for engagement in firm.engagements]


Copied = TypeVar("Copied", Country, Market, Cluster, Membership, Engagement)


def _copies(kind: type[Copied], columns: Any) -> list[Copied]:
    """One object per row, of the columns that the class names, as plain Python numbers."""
    names = [f.name for f in fields(kind) if f.init]
    return [kind(*row) for row in zip(*(getattr(columns, name).tolist() for name in names), strict=True)]
