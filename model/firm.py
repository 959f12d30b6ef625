"""Firms: look at markets, join groups, take part, follow up, trade, and sometimes conclude that it is not worth it."""

from __future__ import annotations

import math

from passaat.model.cluster import at_work, in_covenant
from passaat.model.coordinator import hears_of
from passaat.model.groups import checkpoint_ahead
from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, log_odds, normal, uniform
from passaat.model.kernel.elementary import exp, log
from passaat.model.kernel.rules import (
    between,
    clip,
    larger,
    rule,
    smaller,
    towards_one,
    whole,
    whole_cents,
)
from passaat.model.liaison import help_to_member
from passaat.model.market import openness
from passaat.model.offer import grants, support_expected
from passaat.model.parameter_table import Parameters
from passaat.model.status import (
    CONTACT,
    CONTRACT,
    DISSOLVED,
    FILLING,
    FOLLOW_UP,
    FULL,
    LAPSED,
    LARGE,
    LOOKS_AGAIN,
    MEDIUM,
    MEMBER_FIRM,
    MICRO,
    NO_STAGE,
    PARTLY,
    PARTNERSHIP,
    REJECTED,
    RELATION,
    SMALL,
    STAYS_OUT,
    SUSTAINED,
)
from passaat.model.units import CENTS_PER_EUR, QUARTERS_PER_YEAR, TERM_YEARS
from passaat.model.world import World

# --- founding ---------------------------------------------------------------------------------------------------------


@rule
def found_firm(world: World, i: int) -> None:
    """Firm: draw size, turnover, offer and capacity; larger firms have more time and money (FC08, SL02)."""
    firms, p = world.firms, world.parameters
    key = combine(combine(world.calendar.key[0], purposes.FIRM), i)
    firms.key[i] = key
    isolated = i >= firms.key.shape[0] - world.calendar.isolated_firms[0]
    firms.sector[i] = -1 if isolated else sector_at(world, uniform(key, 0, purposes.FIRM_SECTOR))
    firms.institute[i] = 1 if uniform(key, 0, purposes.FIRM_INSTITUTE) < p.institute_share else 0
    u = uniform(key, 0, purposes.FIRM_SIZE)
    firms.size_class[i] = MICRO
    if u < p.large_firm_share:
        firms.size_class[i] = LARGE
    elif u < p.large_firm_share + p.medium_firm_share:
        firms.size_class[i] = MEDIUM
    elif u < p.large_firm_share + p.medium_firm_share + p.small_firm_share:
        firms.size_class[i] = SMALL
    firms.sme[i] = 1 if firms.size_class[i] < LARGE and firms.institute[i] == 0 else 0
    step = log(p.turnover_step) * firms.size_class[i]
    spread = p.turnover_sigma * normal(key, 0, purposes.FIRM_TURNOVER)
    firms.turnover_eur[i] = p.micro_turnover_eur * exp(step + spread)
    firms.chain_position[i] = uniform(key, 0, purposes.FIRM_POSITION)
    firms.distinctiveness[i] = uniform(key, 0, purposes.FIRM_DISTINCTIVENESS)
    firms.development[i] = uniform(key, 0, purposes.FIRM_DEVELOPMENT)
    firms.sharing[i] = uniform(key, 0, purposes.FIRM_SHARING)
    luck = p.experience_by_luck * uniform(key, 0, purposes.FIRM_EXPERIENCE)
    firms.experience[i] = clip(luck + p.experience_by_size * firms.size_class[i], 0.0, 1.0)
    time = uniform(key, 0, purposes.FIRM_TIME)
    money = uniform(key, 0, purposes.FIRM_MONEY)
    headroom = p.capacity_by_size * firms.size_class[i] / LARGE
    firms.capacity[i] = clip(smaller(time, money) * (1.0 - headroom) + headroom, p.capacity_lowest, 1.0)
    firms.interrupted_until[i] = world.calendar.quarter[0] - 1
    firms.last_coordinator[i] = -1


@rule
def sector_at(world: World, u: float) -> int:
    """The sector at share ``u`` of all firms, by the weights of the scenario."""
    desks = world.desks
    for s in range(desks.key.shape[0]):
        if u < desks.share_up_to[s]:
            return s
    return int(desks.key.shape[0] - 1)


@rule
def consider_markets(world: World, i: int) -> None:
    """Firm: pick the markets it considers, those of most demand in its own eyes; some firms already sell there."""
    engagements, markets, calendar = world.engagements, world.markets, world.calendar
    per_firm = calendar.markets_per_firm[0]
    for place in range(per_firm):
        e = i * per_firm + place
        engagements.firm[e] = i
        engagements.market[e] = -1
        engagements.cluster[e] = -1
        engagements.membership[e] = -1
        engagements.wish[e] = -1
        engagements.first_contract_quarter[e] = -1
        best, best_view = -1, -math.inf
        for m in range(markets.key.shape[0]):
            if markets.sector[m] == world.firms.sector[i] and not _already_considered(world, i, place, m):
                pair = combine(world.firms.key[i], markets.key[m])
                view = log(markets.demand[m]) + log_odds(uniform(pair, 0, purposes.MARKET_CHOICE))
                if view > best_view:
                    best, best_view = m, view
        if best >= 0:
            engagements.market[e] = best
            engagements.key[e] = combine(world.firms.key[i], markets.key[best])
            _start_position(world, i, e)


@rule
def _already_considered(world: World, i: int, places: int, m: int) -> bool:
    for place in range(places):
        if world.engagements.market[i * world.calendar.markets_per_firm[0] + place] == m:
            return True
    return False


@rule
def _start_position(world: World, i: int, e: int) -> None:
    """Firms enter with different positions (CF09, CF15, R107): the experienced more often trade already."""
    engagements, firms, p = world.engagements, world.firms, world.parameters
    u = uniform(engagements.key[e], 0, purposes.ALREADY_ACTIVE)
    chance = p.already_active_share * 2.0 * firms.experience[i]
    if u < chance:
        engagements.contacts[e] = p.contacts_when_active
        engagements.relation[e] = p.relation_when_active
        engagements.trust[e] = p.trust_when_active
        engagements.knowledge[e] = p.knowledge_when_active
        engagements.stage[e] = RELATION
        if u < p.already_selling_share * chance and firms.institute[i] == 0:
            engagements.stage[e] = SUSTAINED
            quarters = whole(p.delivery_quarters)
            value = _contract_value_cents(world, e, purposes.START_DELIVERY)
            engagements.delivery_cents_per_quarter[e] = int(value / quarters)
            left = 1 + int(uniform(engagements.key[e], 1, purposes.START_DELIVERY) * quarters)
            engagements.delivery_quarters_left[e] = left
            engagements.selling_since_quarter[e] = world.calendar.quarter[0]


# --- each quarter -----------------------------------------------------------------------------------------------------


@rule
def plan_quarter(world: World, i: int) -> None:
    """Firm: see how much capacity is free; a change of strategy, team or owners' mind stops all (FC01, FC02, FC10).

    Groups take capacity, and so do deliveries: who is busy in one market has less time for the others.
    """
    firms, p, quarter = world.firms, world.parameters, world.calendar.quarter[0]
    if uniform(firms.key[i], quarter, purposes.STRATEGY_CHANGE) < p.strategy_change_rate:
        firms.strategy_changes[i] += 1
        firms.interrupted_until[i] = quarter + whole(p.strategy_change_quarters)
    burdens, selling = 0, 0
    per_firm = world.calendar.markets_per_firm[0]
    for e in range(i * per_firm, (i + 1) * per_firm):
        c = world.engagements.cluster[e]
        if c >= 0 and at_work(world, c):
            burdens += 1
        if world.engagements.delivery_quarters_left[e] > 0:
            selling += 1
    firms.burdens[i] = burdens
    free = firms.capacity[i] / (1.0 + p.burden_of_second_cluster * larger(burdens - 1.0, 0.0))
    free = free / (1.0 + p.trade_takes_capacity * selling)
    firms.free_capacity[i] = 0.0 if quarter < firms.interrupted_until[i] else free


@rule
def fade(world: World, e: int) -> None:
    """Engagement: contacts, relation, trust, knowledge and permits fade if not kept up (R204, FU07, FC15).

    A branch or a running contract holds a part of them. All of them have to be nothing before nothing is left to fade.
    """
    engagements, p = world.engagements, world.parameters
    if engagements.contacts[e] == 0.0 and engagements.relation[e] == 0.0 and engagements.trust[e] == 0.0:
        return
    held = p.presence_holds if engagements.presence[e] == 1 or engagements.stage[e] >= CONTRACT else 0.0
    engagements.knowledge[e] = engagements.knowledge[e] * (1.0 - p.knowledge_fade * (1.0 - held))
    engagements.permits[e] = engagements.permits[e] * (1.0 - p.permit_fade * (1.0 - held))
    engagements.contacts[e] = engagements.contacts[e] * (1.0 - p.contact_fade * (1.0 - held))
    engagements.relation[e] = engagements.relation[e] * (1.0 - p.relation_fade * (1.0 - held))
    engagements.trust[e] = engagements.trust[e] * (1.0 - p.trust_fade * (1.0 - held))
    if engagements.contacts[e] < p.contacts_lost_below:
        engagements.contacts[e] = 0.0
        if engagements.stage[e] == CONTACT:
            engagements.stage[e] = NO_STAGE
    fallen = engagements.relation[e] < p.relation_lost_below
    if fallen and (engagements.stage[e] == RELATION or engagements.stage[e] == PARTNERSHIP):
        engagements.stage[e] = CONTACT


@rule
def consider_joining(world: World, e: int) -> None:
    """Engagement: offer to join the group that forms here, if the firm hears of it and thinks it worth while.

    Reads the coordinator's network, market, peers already in, fee, own time and rivals. A firm just short of interest
    may serve as filler when asked (CF06). Firms are Dutch: foreign parties take part as partners
    (``clusters.n_partners``), never as members.
    """
    engagements = world.engagements
    engagements.wish[e] = -1
    c = _group_to_join(world, e)
    if c < 0:
        return
    i, k = engagements.firm[e], world.clusters.coordinator[c]
    if k < 0 or not hears_of(world, k, i, c):
        return
    luck = log_odds(uniform(combine(engagements.key[e], world.clusters.key[c]), 0, purposes.JOINING))
    interest = _appeal(world, c, e, i, k) + luck
    engagements.interest[e] = interest
    engagements.wish_as_filler[e] = 0
    if interest > 0.0:
        engagements.wish[e] = c
    elif world.clusters.status[c] == FILLING and interest > -world.parameters.filler_band:
        engagements.wish[e] = c
        engagements.wish_as_filler[e] = 1


@rule
def _group_to_join(world: World, e: int) -> int:
    """The group that forms in this market, or a covenant that looks for late members; -1 if the firm may join none."""
    engagements, m = world.engagements, world.engagements.market[e]
    if m < 0:
        return -1
    c = world.markets.forming_cluster[m]
    if c < 0:
        c = world.markets.inviting_cluster[m]
    if c < 0 or engagements.stayed_out[e] == STAYS_OUT:
        return -1
    if engagements.cluster[e] >= 0 and world.clusters.status[engagements.cluster[e]] != FOLLOW_UP:
        return -1
    return int(c)


@rule
def _appeal(world: World, c: int, e: int, i: int, k: int) -> float:
    """What speaks for joining, in log-odds, before the firm's own luck: reasons for and against, each a rule below."""
    m, year = world.clusters.market[c], world.clusters.rule_year[c]
    return (
        world.parameters.join_intercept
        + _pull_of_market(world, m)
        + _pull_of_fit(world, i, m)
        + _pull_of_coordinator(world, i, k)
        + _pull_of_peers(world, c, i)
        - _weight_of_fee(world, i, year)
        + _pull_of_access(world, i, m, year)
        - _weight_of_time(world, i, year)
        - _weight_of_rivals(world, c, i, k)
        - _weight_of_connections(world, e, i)
        - _weight_of_paper(world, i, year)
        + _pull_of_support(world, year)
    )


@rule
def _pull_of_market(world: World, m: int) -> float:
    """A large and receptive market speaks for joining (CF02, CF24)."""
    p = world.parameters
    pull = log(p.market_promise_lowest + world.markets.demand_now[m] * world.markets.receptivity[m])
    return p.join_market * pull


@rule
def _pull_of_fit(world: World, i: int, m: int) -> float:
    """A product that fits the country speaks for joining."""
    country = world.markets.country[m]
    fit = product_fit(world.firms.development[i], world.countries.development[country])
    return world.parameters.join_fit * (fit - 0.5)


@rule
def _pull_of_coordinator(world: World, i: int, k: int) -> float:
    """Faith in the coordinator: its skill, and how well an earlier group held together under the same one (CF22)."""
    known = 1.0 if world.firms.last_coordinator[i] == k else 0.0
    faith = world.coordinators.skill[k] + known * world.firms.last_cohesion[i]
    return float(world.parameters.join_faith * (faith - 0.5))


@rule
def _pull_of_peers(world: World, c: int, i: int) -> float:
    """Peers already in speak for joining, the more the first ones; those in linked places more (CF03, CF14)."""
    p, members = world.parameters, world.clusters.n_members[c]
    linked = 0.0
    if members > 0:
        gap = _gap_to_members(world, c, i)
        linked = 1.0 if gap >= p.rival_distance and gap < p.linked_distance else 0.0
    return p.join_peers * (members / (members + p.peers_for_half_pull) + p.linked_peers_pull * linked)


@rule
def _gap_to_members(world: World, c: int, i: int) -> float:
    """Distance along the value chain between a firm and the members so far."""
    return math.fabs(world.firms.chain_position[i] - world.clusters.mean_position[c])


@rule
def _offered(world: World, year: int) -> float:
    """1 where the programme of a year has something to grant, 0 where it has not, or there is none."""
    return 1.0 if grants(world, year) else 0.0


@rule
def _pull_of_support(world: World, year: int) -> float:
    """Support to be had speaks for joining, the more, the surer and the sooner it comes."""
    p = world.parameters
    return float(p.join_support * support_expected(world, year))


@rule
def _weight_of_fee(world: World, i: int, year: int) -> float:
    """What membership costs speaks against it, by its share of turnover: the gain has to be worth it (CF04)."""
    p, fee_eur = world.parameters, _yearly_fee_eur(world, i, year)
    return p.join_fee * fee_burden(fee_eur, world.firms.turnover_eur[i], p.fee_share_felt_half)


@rule
def _yearly_fee_eur(world: World, i: int, year: int) -> float:
    """What membership would cost the firm a year: the fee, less support, and its own part of activities."""
    levers, p = world.levers, world.parameters
    public = _offered(world, year)
    fee_eur = p.member_fee_eur_year * (1.0 - public * levers.coordinator_public_share[year])
    if world.firms.sme[i] == 1:
        fee_eur = fee_eur * (1.0 - public * levers.sme_fee_support_share[year])
    fee_eur += public * own_activity_eur_year(
        levers.covenant_amount_eur[year] / TERM_YEARS, p.usual_members, activity_public_share(world, i, year)
    )
    return float(fee_eur)


@rule
def _pull_of_access(world: World, i: int, m: int, year: int) -> float:
    """A market too hard to enter alone speaks for joining (CF17, CF19); dear fairs count where a programme runs."""
    p, public = world.parameters, _offered(world, year)
    above = world.countries.price_level[world.markets.country[m]] - p.price_level_felt_from
    dear = clip(above, 0.0, 1.0)
    hurdle = hurdle_alone(world.markets.barrier[m], public * dear, world.firms.size_class[i] / LARGE)
    return p.join_access * hurdle


@rule
def _weight_of_time(world: World, i: int, year: int) -> float:
    """Lack of time speaks against joining, the more, the more own contribution the rules ask."""
    levers = world.levers
    own_time = 1.0 + _offered(world, year) * (levers.co_funding_ratio[year] - 1.0)
    return float(world.parameters.join_time * own_time * (1.0 - world.firms.free_capacity[i]))


@rule
def _weight_of_rivals(world: World, c: int, i: int, k: int) -> float:
    """Rivals speak against joining, unless agreements were made; firms willing to share fear them less (CF12, CF13).

    Rivals are members near in the chain and, less so, a coordinator that is a member firm itself.
    """
    clusters, p = world.clusters, world.parameters
    rivals = 0.0
    if clusters.n_members[c] > 0:
        near = _gap_to_members(world, c, i) < p.rival_distance
        rivals = 1.0 - world.firms.sharing[i] if near and clusters.agreement[c] == 0 else 0.0
    if world.coordinators.profession[k] == MEMBER_FIRM and clusters.agreement[c] == 0:
        rivals = larger(rivals, p.rival_coordinator_weight * (1.0 - world.firms.sharing[i]))
    return p.join_rivals * rivals


@rule
def _weight_of_connections(world: World, e: int, i: int) -> float:
    """A firm that is well connected already, as large ones are, needs the group less (CF18)."""
    p, connected = world.parameters, world.engagements.relation[e]
    if world.firms.size_class[i] == LARGE:
        connected = larger(connected, p.connections_of_large_firm)
    return p.join_connected * connected


@rule
def _weight_of_paper(world: World, i: int, year: int) -> float:
    """Paper work speaks against joining where a programme runs: criteria above a harmless number (SE02)."""
    levers, p = world.levers, world.parameters
    criteria = larger(levers.selection_criteria[year] - p.criteria_without_burden, 0.0)
    felt = p.criteria_burden_sme if world.firms.sme[i] == 1 else 1.0
    return float(_offered(world, year) * p.criteria_burden * criteria * felt)


@rule
def fee_burden(fee_eur: float, turnover_eur: float, share_felt_half: float) -> float:
    """How heavily a yearly fee weighs, 0 to 1: half when it is the share ``share_felt_half`` of turnover."""
    felt = fee_eur / (turnover_eur * share_felt_half)
    return felt / (1.0 + felt)


@rule
def hurdle_alone(barrier: float, dear: float, size: float) -> float:
    """How hard a market is to enter alone, 0 to 1: barriers and dear fairs, for small firms more (CF17, CF19).

    ``size`` is 0 for micro firms and 1 for large ones.
    """
    return (0.5 * barrier + 0.5 * dear) * (1.0 - size)


@rule
def own_activity_eur_year(covenant_eur_year: float, members: float, public_share: float) -> float:
    """What a member pays a year for activities itself: its part of a year's amount, as far as not publicly paid."""
    return covenant_eur_year / members * (1.0 - public_share)


@rule
def activity_public_share(world: World, i: int, year: int) -> float:
    """Part of a member's share in activity costs that the programme pays, by type of firm."""
    levers, firms = world.levers, world.firms
    if firms.institute[i] == 1:
        return float(levers.activity_public_share_institute[year])
    if firms.sme[i] == 1:
        return float(levers.activity_public_share_sme[year])
    return float(levers.activity_public_share_large[year])


@rule
def product_fit(made_for: float, level: float) -> float:
    """Fit of a product with the level of development of a country, 0 to 1 (FC13)."""
    return 1.0 - math.fabs(made_for - level)


@rule
def take_part(world: World, e: int) -> None:
    """Engagement of a member: gain contacts, knowledge, relation and trust from what the group does (step 9).

    Each gain is a rule below: what the group did, times the part the member took in it, times what helps with it.
    """
    engagements = world.engagements
    c = engagements.cluster[e]
    engagements.support[e] = 0.0
    if c < 0 or not at_work(world, c):
        return
    i = engagements.firm[e]
    active = _active_part(world, c, e, i)
    helped = help_to_member(world, c, i)
    engagements.support[e] = clip(0.5 * helped + 0.5 * world.clusters.embassy_support[c], 0.0, 1.0)
    lent = _experience_lent(world, c, i)
    around = _partners_around(world, c)
    _meet_parties(world, c, e, active, helped, lent)
    _learn(world, c, e, active, lent, around)
    _build_relation(world, c, e, active, helped, lent, around)
    _build_trust(world, c, e, active)
    _obtain_permits(world, c, e, helped)
    if engagements.contacts[e] >= 1.0 and engagements.stage[e] == NO_STAGE:
        _reach(world, e, CONTACT)


@rule
def _active_part(world: World, c: int, e: int, i: int) -> float:
    """Part that a member takes in what its group does: commitment, information, capacity, and what concerns it."""
    clusters, p = world.clusters, world.parameters
    return active_part(
        p,
        _commitment_now(world, c, e),
        informed_share(p, clusters.fidelity[c], clusters.coordinator_quality[c]),
        _capacity_to_take_part(world, c, i),
        clusters.relevance[c],
    )


@rule
def _commitment_now(world: World, c: int, e: int) -> float:
    """A member's commitment; a checkpoint ahead makes good a part of what is missing (discipline)."""
    commitment = world.memberships.commitment[world.engagements.membership[e]]
    if in_covenant(world, c) and checkpoint_ahead(world, c):
        commitment = towards_one(commitment, world.parameters.checkpoint_discipline)
    return float(commitment)


@rule
def _experience_lent(world: World, c: int, i: int) -> float:
    """What a newcomer may lean on in its group (CF15)."""
    clusters, p = world.clusters, world.parameters
    return experience_lent(
        clusters.mean_experience[c], world.firms.experience[i], clusters.cohesion[c], p.borrowing
    )


@rule
def experience_lent(of_members: float, own: float, cohesion: float, borrowing: float) -> float:
    """Experience that a newcomer borrows from members who have more, the more they trust each other (CF15)."""
    return larger(of_members - own, 0.0) * cohesion * borrowing


@rule
def _partners_around(world: World, c: int) -> float:
    """What partners of the group add to knowledge and relations: half of all they can with a usual number (R104)."""
    partners, p = world.clusters.n_partners[c], world.parameters
    return p.partner_gain * partners / (partners + p.partners_mean)


@rule
def _moments(world: World, c: int) -> float:
    """Moments of meeting this quarter; one online counts a part of one face to face (R101, R201)."""
    clusters = world.clusters
    return float(clusters.physical_now[c] + world.parameters.online_contact_share * clusters.online_now[c])


@rule
def _meet_parties(world: World, c: int, e: int, active: float, helped: float, lent: float) -> None:
    """Contacts come from meeting people in a receptive market, more with liaison and experience (R101, R109, LI01)."""
    engagements, p = world.engagements, world.parameters
    contacts = (
        active
        * _moments(world, c)
        * p.contacts_per_moment
        * world.markets.receptivity[engagements.market[e]]
        * (1.0 + p.liaison_contact_gain * helped + lent)
    )
    engagements.contacts[e] += contacts
    world.memberships.contacts_gained[engagements.membership[e]] += contacts


@rule
def _learn(world: World, c: int, e: int, active: float, lent: float, around: float) -> None:
    """Knowledge comes from exchange and, less so, from meetings; experience and partners add to it (R102)."""
    engagements, p = world.engagements, world.parameters
    taught = world.clusters.knowledge_now[c] + p.meetings_teach_share * _moments(world, c)
    learned = p.knowledge_gain * active * taught * (1.0 + lent + around)
    engagements.knowledge[e] = towards_one(engagements.knowledge[e], learned)


@rule
def _build_relation(
    world: World, c: int, e: int, active: float, helped: float, lent: float, around: float
) -> None:
    """Relations come from meeting face to face, less in distant countries (R202, R208, FC14).

    Liaison, experienced members, partners and institutes (R205) add to it.
    """
    engagements, clusters, p = world.engagements, world.clusters, world.parameters
    near = 1.0 - p.distance_harm * world.countries.distance[world.markets.country[engagements.market[e]]]
    science = p.institute_gain if clusters.n_members[c] > clusters.n_companies[c] else 0.0
    bond = p.relation_gain * active * clusters.physical_now[c] * near
    bond = bond * (1.0 + helped + lent + around + science)
    engagements.relation[e] = towards_one(engagements.relation[e], bond)


@rule
def _build_trust(world: World, c: int, e: int, active: float) -> None:
    """Trust comes from all that is shown, branding included (AP11), with the embassy's backing where the state matters.

    Large firms pull small ones along.
    """
    engagements, clusters, i = world.engagements, world.clusters, world.engagements.firm[e]
    country = world.markets.country[engagements.market[e]]
    backed = 1.0 + clusters.embassy_support[c] * world.countries.state_involvement[country]
    if world.firms.sme[i] == 1:
        backed = backed * _pulled_along(world, c)
    gained = world.parameters.trust_gain * active * _shown(world, c) * backed
    engagements.trust[e] = towards_one(engagements.trust[e], gained)


@rule
def _shown(world: World, c: int) -> float:
    """What a group shows this quarter, in units; webinars reach far but anchor little trust (R201, R204)."""
    clusters, p = world.clusters, world.parameters
    shown = clusters.knowledge_now[c] + clusters.physical_now[c] + clusters.branding_now[c]
    shown += p.online_trust_share * p.online_visibility * clusters.online_now[c]
    return float(shown)


@rule
def _pulled_along(world: World, c: int) -> float:
    """Factor by which large firms among the companies of a group pull its small ones along (SL03)."""
    return 1.0 + world.parameters.locomotive_gain * _share_of_large_firms(world, c)


@rule
def _obtain_permits(world: World, c: int, e: int, helped: float) -> None:
    """Diplomacy backed by embassy and liaison helps a member past the barrier (LI09, R308), more in a trusted group."""
    engagements, clusters, p = world.engagements, world.clusters, world.parameters
    backing = clusters.embassy_support[c] + p.liaison_permit_weight * helped
    passed = p.permit_gain * clusters.diplomacy_now[c] * backing
    engagements.permits[e] = towards_one(engagements.permits[e], passed * (1.0 + clusters.host_trust[c]))


@rule
def active_part(
    p: Parameters, commitment: float, informed: float, capacity: float, relevance: float
) -> float:
    """Part a member takes in what the group does: some of it needs no capacity, all of it commitment (CF08, FC08).

    ``relevance`` is how much of it concerns a member (CF09, CF10).
    """
    return commitment * informed * between(capacity, p.part_without_capacity, 1.0) * relevance


@rule
def _capacity_to_take_part(world: World, c: int, i: int) -> float:
    """Capacity a member has for the group's activities: its own, for an SME with travel support added (SL02)."""
    own = world.firms.free_capacity[i]
    year = world.clusters.rule_year[c]
    travel_eur = world.levers.sme_travel_support_eur_year[year]
    if travel_eur == 0.0 or world.firms.sme[i] == 0 or not in_covenant(world, c):
        return float(own)
    return towards_one(own, travel_eur / (travel_eur + world.parameters.travel_support_eur_for_half_effect))


@rule
def _share_of_large_firms(world: World, c: int) -> float:
    """Large firms among the companies of a group, 0 to 1."""
    clusters = world.clusters
    return (clusters.n_companies[c] - clusters.n_smes[c]) / larger(1.0 * clusters.n_companies[c], 1.0)


@rule
def informed_share(p: Parameters, fidelity: float, quality: float) -> float:
    """What reaches a member through the coordinator, 0 to 1: all of it only if nothing is lost or delayed (CO09)."""
    passed_on = fidelity * between(quality, p.informed_without_coordination, 1.0)
    return 1.0 - p.information_weight * (1.0 - passed_on)


@rule
def explore_alone(world: World, e: int) -> None:
    """Engagement: find contacts on one's own too, by open missions or awareness others built (CF18, R211, R212)."""
    engagements, p = world.engagements, world.parameters
    drawn = uniform(engagements.key[e], world.calendar.quarter[0], purposes.OWN_CONTACT)
    if engagements.membership[e] < 0 and drawn >= own_contact_rate(
        p, 1.0, 1.0, 1.0
    ):  # spares most firms the rest
        return
    m = engagements.market[e]
    if m < 0 or _stays_out(world, e) or drawn >= _rate_of_own_contacts(world, e):
        return
    country = world.markets.country[m]
    reach = 1.0 - larger(world.countries.travel_stop[country], world.countries.war[country])
    engagements.contacts[e] += p.own_contacts_per_find * reach
    engagements.relation[e] = towards_one(engagements.relation[e], p.own_relation_gain * reach)
    engagements.trust[e] = towards_one(engagements.trust[e], p.own_trust_share * p.own_relation_gain * reach)
    if engagements.contacts[e] >= 1.0 and engagements.stage[e] == NO_STAGE:
        _reach(world, e, CONTACT)


@rule
def _stays_out(world: World, e: int) -> bool:
    """Whether the firm keeps to its view that the market is not worth it; a find may make it look again (FC16)."""
    engagements = world.engagements
    if engagements.stayed_out[e] != STAYS_OUT:
        return False
    drawn = uniform(engagements.key[e], world.calendar.quarter[0], purposes.SECOND_LOOK)
    if drawn >= world.parameters.second_look_share:
        return True
    engagements.stayed_out[e] = LOOKS_AGAIN
    return False


@rule
def _rate_of_own_contacts(world: World, e: int) -> float:
    """Rate at which a firm finds contacts of its own, by capacity, experience and awareness of the market.

    An embassy that remembers what members and former members can do passes later chances on to them (EM13).
    """
    engagements, p, m = world.engagements, world.parameters, world.engagements.market[e]
    i = engagements.firm[e]
    firms = world.firms
    rate = own_contact_rate(p, firms.free_capacity[i], firms.experience[i], world.markets.awareness[m])
    if engagements.membership[e] >= 0:
        rate = rate * (1.0 + p.chances_passed_on * world.embassies.memory[world.markets.country[m]])
    return float(rate)


@rule
def own_contact_rate(p: Parameters, capacity: float, experience: float, awareness: float) -> float:
    """Rate at which a firm outside any group finds contacts of its own; capacity, experience, awareness are 0 to 1."""
    seeks = p.own_contacts_without_experience + experience
    is_known = p.own_contacts_without_awareness + awareness
    return p.own_contact_rate * capacity * seeks * is_known


@rule
def follow_up(world: World, e: int) -> None:
    """Engagement: start a next step when there is time and attention, and see one through (part 10)."""
    if world.engagements.stage[e] == NO_STAGE:
        return
    if world.engagements.step_open[e] == 0:
        _start_step(world, e)
    else:
        _see_step_through(world, e)


@rule
def _start_step(world: World, e: int) -> None:
    """Start a next step at a rate that grows with attention, capacity and contacts; under a contract, at a fraction.

    Attention falls when the covenant ends, unless a follow-up phase holds it (FU01, FU02).
    """
    engagements, p, quarter = world.engagements, world.parameters, world.calendar.quarter[0]
    drawn = uniform(engagements.key[e], quarter, purposes.STEP_STARTS)
    if drawn >= p.step_start_rate or quarter < world.firms.interrupted_until[engagements.firm[e]]:
        return
    engagements.attention[e] = _attention(world, e)
    able = clip(_capacity(world, e) + p.step_start_without_capacity, 0.0, 1.0)
    start = p.step_start_rate * engagements.attention[e] * able
    room = enough_contacts(engagements.contacts[e])
    if engagements.stage[e] >= CONTRACT:
        room = p.growth_share
    engagements.step_open[e] = 1 if drawn < start * room else 0


@rule
def _see_step_through(world: World, e: int) -> None:
    """See a next step through: what activities have built by the time it ends decides (FC06).

    Steps take their time, in some markets longer than a covenant (TI02, TI03, TI04, TI05, TI08). The chance of success
    follows the weakest of four bottlenecks: relation, awareness and trust, barriers, own capacity.
    """
    engagements, p, quarter = world.engagements, world.parameters, world.calendar.quarter[0]
    cycle = world.markets.deal_cycle_quarters[engagements.market[e]]
    ends = 1.0 / larger(cycle / p.steps_per_deal_cycle, 1.0)
    if uniform(engagements.key[e], quarter, purposes.STEP_ENDS) >= ends:
        return
    chance = _chance_of_step(world, e, _capacity(world, e))
    if quarter < world.firms.interrupted_until[engagements.firm[e]]:
        chance = 0.0
    result = step_result(p, uniform(engagements.key[e], quarter, purposes.STEP_RESULT), chance)
    _end_step(world, e, result, chance)


@rule
def enough_contacts(contacts: float) -> float:
    """How far contacts suffice to start a next step, 0 to 1: half with one contact, nearly all with many (R103)."""
    return contacts / (1.0 + contacts)


@rule
def _attention(world: World, e: int) -> float:
    """Attention for this market, 0 to 1: full in a group at work, held in follow-up, less after it or on one's own.

    Members of a group that held together keep referring each other after it (FU02, FU03, FU04), the less the longer it
    is over. Those whom follow-up money carried may have unlearned to go on without it (dependence).
    """
    p, c, j = world.parameters, world.engagements.cluster[e], world.engagements.membership[e]
    if c >= 0:
        if at_work(world, c):
            return 1.0
        if world.clusters.status[c] == FOLLOW_UP:
            return p.attention_follow_up
    if j < 0:
        return p.attention_alone
    held = p.referral_gain * world.clusters.cohesion[world.memberships.cluster[j]]
    gone = larger(1.0 * world.calendar.quarter[0] - world.memberships.left_quarter[j], 0.0)
    weaned = p.follow_up_dependence if world.memberships.funded[j] == 1 else 0.0
    return attention_since(p, held, gone) * (1.0 - weaned)


@rule
def attention_since(p: Parameters, held: float, quarters: float) -> float:
    """Attention of a former member, 0 to 1, so many quarters after it left: it fades towards that of a firm alone.

    ``held`` is the part of the missing attention that referrals of former fellow members make good.
    """
    kept = exp(-p.attention_fade * quarters)
    return towards_one(p.attention_after_covenant, held) * kept + p.attention_alone * (1.0 - kept)


@rule
def _capacity(world: World, e: int) -> float:
    """Capacity to follow up, 0 to 1: the firm's own, plus the part of the missing one that follow-up money buys."""
    own = world.firms.free_capacity[world.engagements.firm[e]]
    if world.engagements.cluster[e] < 0:
        return own
    return towards_one(own, world.engagements.funded_capacity[e])


@rule
def _chance_of_step(world: World, e: int, capacity: float) -> float:
    """Chance that a next step succeeds in full.

    Reads relation, trust and awareness (R206), what barriers leave open (FC05, R303, R312), capacity, fit with the
    country's development and distinctiveness (FC13), support (FC04), rivals from elsewhere (AP17, R106) and demand.
    """
    engagements, firms, p = world.engagements, world.firms, world.parameters
    m, i = engagements.market[e], engagements.firm[e]
    country = world.markets.country[m]
    trust = towards_one(engagements.trust[e], world.markets.awareness[m])
    opening = openness(world, m, engagements.permits[e])
    link = weakest(engagements.relation[e], trust, opening, capacity)
    if world.structure.bottlenecks[0] == 1:
        link = p.sum_success_ratio * mean_of_four(engagements.relation[e], trust, opening, capacity)
    fit = product_fit(firms.development[i], world.countries.development[country])
    fit = fit * weighed(p.distinctiveness_weight, firms.distinctiveness[i])
    fit = fit * weighed(p.knowledge_weight, engagements.knowledge[e])
    rivalry = world.markets.rivalry[m]
    demand = demand_effect(world.markets.demand_now[m])
    return step_chance(
        link, fit, engagements.support[e], rivalry, demand, p.step_success, p.support_gain, p.rivalry_harm
    )


@rule
def weighed(weight: float, share: float) -> float:
    """Factor of something of which the part ``weight`` hangs on a share: 1 where the share is 1."""
    return 1.0 - weight + weight * share


@rule
def demand_effect(demand: float) -> float:
    """Factor by which demand raises or lowers success: 1 in an average market, never above 2 (SH02, SH07)."""
    return 2.0 * demand / (1.0 + demand)


@rule
def weakest(relation: float, trust: float, opening: float, capacity: float) -> float:
    """The weakest of the four bottlenecks decides: one that is unsolved blocks the effect of the others (FC17)."""
    return smaller(smaller(relation, trust), smaller(opening, capacity))


@rule
def mean_of_four(relation: float, trust: float, opening: float, capacity: float) -> float:
    """Rival structure: what is strong makes up for what is weak; the mean of the four counts (against FC17)."""
    return 0.5 * 0.5 * (relation + trust + opening + capacity)


@rule
def step_chance(
    link: float,
    fit: float,
    support: float,
    rivalry: float,
    demand: float,
    scale: float,
    gain: float,
    harm: float,
) -> float:
    """Chance of full success of a next step, 0 to 1, from the weakest link and what helps or harms it (FC04, FC13)."""
    return clip(scale * link * fit * (1.0 + gain * support) * (1.0 - harm * rivalry) * demand, 0.0, 1.0)


@rule
def enough_chance(p: Parameters, chance: float) -> float:
    """How far part success is possible, 0 to 1: none where full success is out of the question."""
    return chance / (chance + p.partly_half_at_chance)


@rule
def step_result(p: Parameters, u: float, chance: float) -> int:
    """Fully taken with ``chance``; of the others up to ``partly_share`` are taken in part; the rest lapses.

    What leaves no chance of full success leaves little of part success either: the share falls to zero with it.
    """
    if u < chance:
        return FULL
    if u < chance + (1.0 - chance) * p.partly_share * enough_chance(p, chance):
        return PARTLY
    return LAPSED


@rule
def _reach(world: World, e: int, stage: int) -> None:
    """Write a new stage, and the best one ever reached."""
    world.engagements.stage[e] = stage
    if stage > world.engagements.best_stage[e]:
        world.engagements.best_stage[e] = stage


@rule
def _end_step(world: World, e: int, result: int, chance: float) -> None:
    """Write how a next step ended.

    The rungs: success in part leads from contact to relation and from there to partnership; full success leads from
    contact to partnership, and from relation or partnership to a contract. A lapsed step leaves the firm where it was,
    or makes it quit the market.
    """
    world.engagements.step_open[e] = 0
    if result == FULL:
        _succeed(world, e)
    elif result == PARTLY:
        _succeed_partly(world, e)
    else:
        _lapse(world, e, chance)


@rule
def _in_covenant_now(world: World, e: int) -> bool:
    """Whether the firm is a member of a running covenant in this market, so that a step counts for its membership."""
    c = world.engagements.cluster[e]
    return bool(c >= 0 and in_covenant(world, c))


@rule
def _succeed(world: World, e: int) -> None:
    """A step fully taken leads to a contract once there is a relation (FC03); institutes sell nothing."""
    engagements = world.engagements
    engagements.steps_full[e] += 1
    if _in_covenant_now(world, e):
        world.memberships.steps_full[engagements.membership[e]] += 1
    engagements.relation[e] = towards_one(engagements.relation[e], world.parameters.step_relation_gain)
    if engagements.stage[e] >= RELATION and world.firms.institute[engagements.firm[e]] == 0:
        _sign_contract(world, e)
    else:
        _reach(world, e, PARTNERSHIP)


@rule
def _succeed_partly(world: World, e: int) -> None:
    """A step taken in part leads one rung up, to partnership at most."""
    engagements = world.engagements
    engagements.steps_partly[e] += 1
    if _in_covenant_now(world, e):
        world.memberships.steps_partly[engagements.membership[e]] += 1
    gain = world.parameters.partly_relation_share * world.parameters.step_relation_gain
    engagements.relation[e] = towards_one(engagements.relation[e], gain)
    if engagements.stage[e] < PARTNERSHIP:
        _reach(world, e, engagements.stage[e] + 1)


@rule
def _lapse(world: World, e: int, chance: float) -> None:
    """A lapsed step now and then leads to the conclusion that the market is not worth it (FC16)."""
    engagements, p = world.engagements, world.parameters
    engagements.steps_lapsed[e] += 1
    if _in_covenant_now(world, e):
        world.memberships.steps_lapsed[engagements.membership[e]] += 1
    quits = p.staying_out_share * (1.0 - chance) if engagements.stage[e] < CONTRACT else 0.0
    if uniform(engagements.key[e], world.calendar.quarter[0], purposes.STAYING_OUT) < quits:
        engagements.stayed_out[e] = STAYS_OUT
        engagements.stage[e] = NO_STAGE


@rule
def _sign_contract(world: World, e: int) -> None:
    """A contract: its value and what is still due are spread over the quarters of delivery (heavy tails: FC07, A14)."""
    engagements, quarter = world.engagements, world.calendar.quarter[0]
    quarters = _quarters_of_delivery(world, e)
    value = _contract_value_cents(world, e, purposes.CONTRACT_VALUE)
    if engagements.delivery_quarters_left[e] == 0:
        engagements.selling_since_quarter[e] = quarter
    still_due = engagements.delivery_cents_per_quarter[e] * engagements.delivery_quarters_left[e]
    engagements.delivery_cents_per_quarter[e] = _within_reach(world, e, int((value + still_due) / quarters))
    engagements.delivery_quarters_left[e] = quarters
    if engagements.stage[e] < CONTRACT:
        _reach(world, e, CONTRACT)
    engagements.contracts[e] += 1
    if engagements.membership[e] >= 0:
        world.memberships.contracts[engagements.membership[e]] += 1
    if engagements.first_contract_quarter[e] < 0:
        engagements.first_contract_quarter[e] = quarter


@rule
def _quarters_of_delivery(world: World, e: int) -> int:
    """How long a new contract is delivered: first orders in a market may be short ones, on trial."""
    p = world.parameters
    if world.engagements.delivery_quarters_left[e] > 0:
        return whole(p.delivery_quarters)
    quarters = whole(p.delivery_quarters * p.first_order_share)
    return quarters if quarters > 1 else 1


@rule
def _within_reach(world: World, e: int, cents_per_quarter: int) -> int:
    """Deliveries per quarter, at most those of one contract of the largest size that the firm can carry."""
    p, turnover = world.parameters, world.firms.turnover_eur[world.engagements.firm[e]]
    limit = whole_cents(p.contract_limit_turnovers * turnover / whole(p.delivery_quarters))
    return cents_per_quarter if cents_per_quarter < limit else limit


@rule
def _contract_value_cents(world: World, e: int, purpose: int) -> int:
    """Value of one contract in cents: a share of turnover, times demand, times a heavy-tailed draw, with a bound."""
    firms, p = world.firms, world.parameters
    i, m = world.engagements.firm[e], world.engagements.market[e]
    z = normal(world.engagements.key[e], world.calendar.quarter[0], purpose)
    turnover = firms.turnover_eur[i]
    value = contract_value_eur(p, turnover, world.markets.demand[m], z)
    return whole_cents(smaller(value, p.contract_limit_turnovers * turnover))


@rule
def contract_value_eur(p: Parameters, turnover_eur: float, demand: float, z: float) -> float:
    """Median contract: a share of the turnover of a small firm; grows less than turnover and demand; log-normal.

    Values scale with the square root of turnover around that of a small firm, so that large firms win larger contracts,
    yet a smaller share of what they are; ``contract_size_tilt`` adds to that power, or takes from it.
    """
    tilt = exp(p.contract_size_tilt * log(turnover_eur / p.contract_reference_turnover_eur))
    scale_eur = math.sqrt(turnover_eur * p.contract_reference_turnover_eur) * tilt
    return p.contract_turnover_share * scale_eur * math.sqrt(demand) * exp(p.contract_sigma * z)


@rule
def trade(world: World, e: int) -> None:
    """Engagement: deliver under a contract; at its end, repeat orders depend on relation and presence (step 11).

    War and export control hold deliveries back, whatever demand was created (SH05, SH08, R210).
    """
    engagements = world.engagements
    left = engagements.delivery_quarters_left[e]
    if left == 0:
        engagements.exports_cents[e] = 0
        return
    calendar, p, m = world.calendar, world.parameters, engagements.market[e]
    country = world.markets.country[m]
    open_share = (1.0 - world.countries.war[country]) * (1.0 - world.countries.sales_ban[country])
    exports = int(engagements.delivery_cents_per_quarter[e] * open_share)
    engagements.exports_cents[e] = exports
    world.exports_by_year_cents[e, calendar.year[0]] += exports
    if calendar.quarter[0] >= calendar.window_first_quarter[0]:
        engagements.exports_since_window_cents[e] += exports
    engagements.delivery_quarters_left[e] = left - 1
    engagements.knowledge[e] = towards_one(engagements.knowledge[e], p.knowledge_by_trade)
    if left == 1:
        _after_delivery(world, e, open_share, p.repeat_share)


@rule
def _after_delivery(world: World, e: int, open_share: float, repeat_share: float) -> None:
    """When deliveries end: repeat and sustain, now and then open a branch (FU06), or fall back to a relation."""
    engagements, p, quarter = world.engagements, world.parameters, world.calendar.quarter[0]
    chance = _chance_of_repeat(world, e, repeat_share) * open_share
    if uniform(engagements.key[e], quarter, purposes.REPEAT_ORDER) < chance:
        _reach(world, e, SUSTAINED)
        engagements.delivery_quarters_left[e] = whole(p.delivery_quarters)
        sigma = p.repeat_order_sigma
        change = exp(sigma * normal(engagements.key[e], quarter, purposes.REPEAT_VALUE) - 0.5 * sigma * sigma)
        change = change * (1.0 + p.survivor_growth / (1.0 + _years_selling(world, e)))
        repeated = int(engagements.delivery_cents_per_quarter[e] * change)
        engagements.delivery_cents_per_quarter[e] = _within_reach(world, e, repeated)
        if uniform(engagements.key[e], quarter, purposes.LOCAL_PRESENCE) < p.local_presence_share:
            engagements.presence[e] = 1
    else:
        engagements.stage[e] = RELATION
        engagements.delivery_cents_per_quarter[e] = 0
        if uniform(engagements.key[e], quarter, purposes.BRANCH_CLOSES) < p.branch_closes_share:
            engagements.presence[e] = 0


@rule
def _years_selling(world: World, e: int) -> float:
    """Years of unbroken sales in the market so far."""
    quarters = world.calendar.quarter[0] - world.engagements.selling_since_quarter[e] + 1
    return float(1.0 * quarters / QUARTERS_PER_YEAR)


@rule
def _chance_of_repeat(world: World, e: int, repeat_share: float) -> float:
    """Chance that an order follows: by relation and branch, and more for old and for large trade relations."""
    engagements, p = world.engagements, world.parameters
    present = p.repeat_by_presence if engagements.presence[e] == 1 else 0.0
    drawn_to = weighed(p.repeat_by_relation, engagements.relation[e]) + present
    chance = clip(repeat_share * drawn_to, 0.0, p.repeat_highest)
    yearly_eur = engagements.delivery_cents_per_quarter[e] * QUARTERS_PER_YEAR / CENTS_PER_EUR
    return lasting(p, chance, _years_selling(world, e), yearly_eur)


@rule
def lasting(p: Parameters, chance: float, years: float, yearly_eur: float) -> float:
    """Chance that a trade relation goes on, from what a new and small one has: the old and the large ones last.

    ``years`` is how long it has lasted, ``yearly_eur`` its deliveries in a year; each closes a part of the gap to the
    highest chance, half of that part at ``repeat_age_for_half_years`` and at ``repeat_value_for_half_eur``.
    """
    by_age = p.repeat_by_age * years / (years + p.repeat_age_for_half_years)
    by_value = p.repeat_by_value * yearly_eur / (yearly_eur + p.repeat_value_for_half_eur)
    left = (1.0 - by_age) * (1.0 - by_value)
    gap = larger(p.repeat_highest - chance, 0.0)
    return chance + (1.0 - left) * gap


@rule
def decide_to_remain(world: World, e: int) -> None:
    """Engagement of a member: leave a group that brings the firm little (CF04, CF08), or a market not worth it (FC16).

    What it brings is judged by what the coordinator lets members know, not by what is true or reported (CO09). A group
    that was turned down or fell apart frees its members, for another group and from its burden.
    """
    engagements, c = world.engagements, world.engagements.cluster[e]
    failed = c >= 0 and (world.clusters.status[c] == REJECTED or world.clusters.status[c] == DISSOLVED)
    if c < 0 or not (failed or at_work(world, c)):
        return
    memberships, p, j = world.memberships, world.parameters, engagements.membership[e]
    hopeless = 1.0 + p.dropout_by_belief * (0.5 - world.clusters.progress_told[c])
    passive = p.dropout_ends_at_commitment - memberships.commitment[j]
    leaves = p.dropout_rate * passive * (p.dropout_ends_at_cohesion - world.clusters.cohesion[c]) * hopeless
    pair = combine(engagements.key[e], world.clusters.key[c])
    drawn = uniform(pair, world.calendar.quarter[0], purposes.DROPPING_OUT)
    if failed or drawn < leaves or engagements.stayed_out[e] == STAYS_OUT:
        memberships.left_quarter[j] = world.calendar.quarter[0] + 1
        engagements.cluster[e] = -1
    if failed:
        engagements.membership[e] = -1
