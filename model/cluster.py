"""Clusters: settle who joins, plan, act, gain visibility, stand before the steering group, end, and live on."""

from __future__ import annotations

import math

from passaat.model.agency import desk_help
from passaat.model.embassy import embassy_help
from passaat.model.groups import checkpoint_due, counted_members, mass
from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, uniform
from passaat.model.kernel.rules import (
    SMALLEST_DIVISOR,
    between,
    clip,
    larger,
    rule,
    smaller,
    towards_one,
    whole,
    whole_cents,
)
from passaat.model.ledger import (
    book_checkpoint,
    book_embassy_days,
    book_fees,
    book_follow_up_plan,
    book_own_time,
    commit,
    covenant_eur,
    make_reusable,
    money_left_cents,
    pay_activities,
    pay_branding,
    pay_follow_up,
    pay_liaison,
    pay_support,
    release,
    release_reserve,
    within_cents,
)
from passaat.model.liaison import knows_too_little, let_go, travel_stop_felt
from passaat.model.parameter_table import Parameters
from passaat.model.plans import plan_more
from passaat.model.status import (
    ACTIVITIES_ONLY,
    BY_BOTTLENECK,
    CLOSED,
    EXCLUDED,
    EXTENDED,
    FILLING,
    FOLLOW_UP,
    FORMING,
    INFORMAL,
    MEMBERS_ONLY,
    NO_DEMONSTRATION,
    ONLY_SMES,
    OPEN,
    PLANNED,
    READY,
    RELATION,
    RUNNING,
    STAYS_OUT,
    STOPPED,
    TO_AWARENESS,
    TO_BARRIERS,
    TO_CONTACTS,
    TRADE_ORGANISATION,
    WITH_TRACTION,
    is_at_work,
    is_covenant,
)
from passaat.model.units import BONUS_POINTS, CENTS_PER_EUR, QUARTERS_PER_YEAR, TERM_QUARTERS
from passaat.model.world import World


@rule
def at_work(world: World, c: int) -> bool:
    """Whether the group acts this quarter: a covenant that runs, or an informal group."""
    status = world.clusters.status[c]
    return is_at_work(status)


@rule
def in_covenant(world: World, c: int) -> bool:
    """Whether a covenant runs, extended or not."""
    status = world.clusters.status[c]
    return is_covenant(status)


@rule
def settle_membership(world: World, c: int) -> None:
    """Cluster: take in the firms that offered to join, SMEs first, the keenest first, up to a maximum.

    The maximum is that of the rules, or what the coordinator can oversee if that is less (CF21, RV14). At the first
    meeting and in the quarter after, firms come by own interest. After that, if short of the minimum, fillers are
    asked (CF06-CF08). Running covenants take in late joiners.
    """
    clusters, status = world.clusters, world.clusters.status[c]
    gathering = status == FORMING or status == FILLING
    if not gathering and not in_covenant(world, c):
        return
    levers, year, m = world.levers, clusters.rule_year[c], clusters.market[c]
    most = smaller(smaller(levers.maximum_members[year], 1.0 * world.calendar.block[0]), clusters.span[c])
    if gathering or world.markets.latest_cluster[m] == c:
        first = world.markets.first_engagement[m]
        last = first + world.markets.n_engagements[m]
        for large_firms in range(2):
            e = _keenest(world, c, first, last, large_firms == 1)
            while e >= 0 and clusters.n_members[c] < most and clusters.n_joined[c] < world.calendar.block[0]:
                enrol(world, c, e)
                e = _keenest(world, c, first, last, large_firms == 1)
    if gathering and world.calendar.quarter[0] > clusters.met_quarter[c]:
        enough = counted_members(world, c) >= levers.minimum_members[year]
        clusters.status[c] = READY if enough else FILLING
        if enough:
            judge_fit(world, c)


@rule
def _keenest(world: World, c: int, first: int, last: int, large_firms: bool) -> int:
    """The firm most interested of those that still wish to join and may, -1 if none."""
    engagements = world.engagements
    best, best_interest = -1, 0.0
    for place in range(first, last):
        e = world.engagements_by_market[place]
        if engagements.wish[e] == c and (best < 0 or engagements.interest[e] > best_interest):
            if _may_join(world, c, e, large_firms):
                best, best_interest = e, engagements.interest[e]
    return best


@rule
def _may_join(world: World, c: int, e: int, large_firms: bool) -> bool:
    """SMEs and institutes are taken in first; then large firms, as far as the minimum share of SMEs leaves room."""
    firms, clusters, i = world.firms, world.clusters, world.engagements.firm[e]
    is_large = firms.sme[i] == 0 and firms.institute[i] == 0
    if is_large != large_firms:
        return False
    if is_large and world.levers.large_firms_role[clusters.rule_year[c]] == EXCLUDED:
        return False
    least = world.levers.minimum_sme_share[clusters.rule_year[c]] * (clusters.n_companies[c] + 1.0)
    return bool(not is_large or clusters.n_smes[c] >= least)


@rule
def enrol(world: World, c: int, e: int) -> None:
    """Write one membership: the firm's row of the block, and the link from the firm."""
    clusters, memberships, engagements = world.clusters, world.memberships, world.engagements
    j = clusters.first_membership[c] + clusters.n_joined[c]
    clusters.n_joined[c] += 1
    clusters.n_members[c] += 1
    clusters.n_companies[c] += 1 - world.firms.institute[engagements.firm[e]]
    clusters.n_smes[c] += world.firms.sme[engagements.firm[e]]
    memberships.cluster[j] = c
    memberships.engagement[j] = e
    memberships.joined_quarter[j] = world.calendar.quarter[0]
    memberships.left_quarter[j] = -1
    memberships.stage_at_joining[j] = engagements.stage[e]
    if engagements.cluster[e] >= 0:  # it was in the follow-up phase of an earlier group, which it leaves
        memberships.left_quarter[engagements.membership[e]] = world.calendar.quarter[0]
        engagements.funded_capacity[e] = 0.0
    memberships.filler[j] = engagements.wish_as_filler[e]
    drawn = uniform(combine(engagements.key[e], clusters.key[c]), 0, purposes.COMMITMENT)
    p = world.parameters
    own = between(drawn, p.commitment_lowest, 1.0)
    memberships.commitment[j] = own * (p.filler_commitment if memberships.filler[j] == 1 else 1.0)
    engagements.cluster[e] = c
    engagements.membership[e] = j
    engagements.wish[e] = -1


@rule
def judge_fit(world: World, c: int) -> None:
    """Cluster: how well members fit together, the trust that follows, and how much of the work concerns each.

    The group also finds its partners now, and members their first picture of progress: half.
    """
    clusters, p = world.clusters, world.parameters
    take_stock(world, c)
    rivals = _share_of_pairs(world, c, 0.0, p.rival_distance)
    unrelated = _share_of_pairs(world, c, p.linked_distance, math.inf)
    clusters.complementarity[c] = _share_of_pairs(world, c, p.rival_distance, p.linked_distance)
    harm = 0.0 if clusters.agreement[c] == 1 else rivals
    clusters.cohesion[c] = cohesion_at_start(
        p, clusters.complementarity[c], clusters.coordinator_quality[c], harm
    )
    clusters.relevance[c] = relevance(p, _mean_distance(world, c), unrelated)
    clusters.progress_told[c] = 0.5  # nobody knows yet
    _find_partners(world, c)


@rule
def _share_of_pairs(world: World, c: int, nearest: float, farthest: float) -> float:
    """Share of pairs of members whose places in the chain are apart by ``nearest`` up to, not with, ``farthest``."""
    clusters, firms, memberships = world.clusters, world.firms, world.memberships
    first, last = clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]
    found, pairs = 0.0, 0.0
    for j in range(first, last):
        a = world.engagements.firm[memberships.engagement[j]]
        for other in range(j + 1, last):
            b = world.engagements.firm[memberships.engagement[other]]
            gap = math.fabs(firms.chain_position[a] - firms.chain_position[b])
            pairs += 1.0
            if gap >= nearest and gap < farthest:
                found += 1.0
    return found / larger(pairs, 1.0)


@rule
def _mean_distance(world: World, c: int) -> float:
    """Mean distance between members' relations in the market: how different the positions are that they start from."""
    clusters, engagements, memberships = world.clusters, world.engagements, world.memberships
    first, last = clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]
    apart, pairs = 0.0, 0.0
    for j in range(first, last):
        for other in range(j + 1, last):
            pairs += 1.0
            apart += math.fabs(
                engagements.relation[memberships.engagement[j]]
                - engagements.relation[memberships.engagement[other]]
            )
    return apart / larger(pairs, 1.0)


@rule
def cohesion_at_start(p: Parameters, complementarity: float, quality: float, harm: float) -> float:
    """Trust within a group that has just formed, 0 to 1.

    Linked places in the chain complement each other (CF03, CF14), close ones are rivals unless they made agreements:
    ``harm`` is their share of all pairs (CF12, CF13).
    """
    cohesion = p.cohesion_base + p.cohesion_by_complementarity * complementarity
    return clip(cohesion + p.cohesion_by_coordination * quality - harm, p.cohesion_lowest, 1.0)


@rule
def _find_partners(world: World, c: int) -> None:
    """Cluster: parties that take part without being member, foreign ones too; skilled coordinators find more (R104)."""
    clusters = world.clusters
    found = 2.0 * world.parameters.partners_mean * world.coordinators.skill[clusters.coordinator[c]]
    clusters.n_partners[c] = whole(2.0 * found * uniform(clusters.key[c], 0, purposes.PARTNERS))


@rule
def relevance(p: Parameters, apart: float, unrelated: float) -> float:
    """Part of a group's activities that concerns a usual member, 0 to 1 (CF09, CF10, CF11).

    Members that start from different positions need different things, and unrelated ones share no customers. ``apart``
    is the mean distance between members' relations in the market at the start, ``unrelated`` the share of pairs without
    common customers.
    """
    broad = clip(apart / p.positions_apart_fully, 0.0, 1.0)
    return (1.0 - p.breadth_harm * broad) * (1.0 - p.unrelated_harm * unrelated)


@rule
def take_stock(world: World, c: int) -> None:
    """Cluster: count members and average what they bring; groups that neither gather nor work are skipped."""
    clusters, firms, memberships = world.clusters, world.firms, world.memberships
    if clusters.status[c] > EXTENDED and clusters.status[c] != INFORMAL:
        return
    members, companies, smes, fillers = 0, 0, 0, 0
    capacity, experience, position, commitment = 0.0, 0.0, 0.0, 0.0
    for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
        if memberships.left_quarter[j] < 0:
            i = world.engagements.firm[memberships.engagement[j]]
            members += 1
            companies += 1 - firms.institute[i]
            smes += firms.sme[i]
            fillers += memberships.filler[j]
            capacity += firms.capacity[i]
            experience += firms.experience[i]
            position += firms.chain_position[i]
            commitment += memberships.commitment[j]
    clusters.n_members[c] = members
    clusters.n_companies[c] = companies
    clusters.n_smes[c] = smes
    clusters.n_fillers[c] = fillers
    size = larger(1.0 * members, 1.0)
    clusters.mean_capacity[c] = capacity / size
    clusters.mean_experience[c] = experience / size
    clusters.mean_position[c] = position / size
    clusters.mean_commitment[c] = commitment / size


@rule
def plan_activities(world: World, c: int) -> None:
    """Cluster: in its first quarter, divide the money over the three routes by the members' bottlenecks (AP01, A16).

    The amount covers all activities, whoever pays them: where the programme pays a share only, members pay the rest and
    public money is left over.
    """
    clusters, p = world.clusters, world.parameters
    if clusters.status[c] != RUNNING or clusters.start_quarter[c] != world.calendar.quarter[0]:
        return
    m = clusters.market[c]
    weight_1 = p.route_1_share * (p.route_weight_without_lack + _lack_of_relation(world, c))
    weight_2 = p.route_2_share * (p.route_weight_without_lack + _lack_of_trust(world, c))
    weight_3 = p.route_3_share * (p.route_weight_without_lack + world.markets.barrier[m])
    total = weight_1 + weight_2 + weight_3
    money_eur = _activity_money_eur(world, c) * (1.0 - _drift(world, c))
    route = world.levers.route_guidance[clusters.rule_year[c]]
    price = world.countries.price_level[world.markets.country[m]]
    part_1 = guided(weight_1 / total, route == TO_CONTACTS, route, p.guidance_strength)
    part_2 = guided(weight_2 / total, route == TO_AWARENESS, route, p.guidance_strength)
    part_3 = guided(weight_3 / total, route == TO_BARRIERS, route, p.guidance_strength)
    clusters.plan_promotion[c] = money_eur * part_1 / (p.promotion_unit_eur * price)
    clusters.plan_knowledge[c] = money_eur * part_2 / (p.knowledge_unit_eur * price)
    clusters.plan_diplomacy[c] = money_eur * part_3 / p.diplomacy_unit_eur
    _plan_demonstration(world, c)


@rule
def _lack_of_relation(world: World, c: int) -> float:
    """What members lack of a relation in the market, 0 to 1, on average."""
    clusters, memberships = world.clusters, world.memberships
    lack = 0.0
    for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
        if memberships.left_quarter[j] < 0:
            lack += 1.0 - world.engagements.relation[memberships.engagement[j]]
    return lack / larger(1.0 * clusters.n_members[c], 1.0)


@rule
def _lack_of_trust(world: World, c: int) -> float:
    """What members lack of trust in the market, 0 to 1, on average."""
    clusters, memberships = world.clusters, world.memberships
    lack = 0.0
    for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
        if memberships.left_quarter[j] < 0:
            lack += 1.0 - world.engagements.trust[memberships.engagement[j]]
    return lack / larger(1.0 * clusters.n_members[c], 1.0)


@rule
def _plan_demonstration(world: World, c: int) -> None:
    """Some groups plan a demonstration object, those of skilled coordinators more often (R207)."""
    clusters, p = world.clusters, world.parameters
    usual_quality = 0.5 * (p.coordination_quality_lowest + 1.0)
    chance = p.demonstration_share * clusters.coordinator_quality[c] / usual_quality
    planned = uniform(clusters.key[c], 0, purposes.DEMONSTRATION) < chance
    clusters.demonstration[c] = PLANNED if planned else NO_DEMONSTRATION


@rule
def guided(part: float, named: bool, route: float, strength: float) -> float:
    """Part of the plan for one route, 0 to 1: by bottlenecks, or moved to the route that guidance names (L19, L20)."""
    if route == BY_BOTTLENECK:
        return part
    return (1.0 - strength) * part + (strength if named else 0.0)


@rule
def _drift(world: World, c: int) -> float:
    """Part of the money, 0 to 1, that serves the policy behind a bonus and no bottleneck of a member (L22, SE03).

    It is spent all the same: each unit of use to members costs so much more.
    """
    clusters, p = world.clusters, world.parameters
    if world.markets.priority[clusters.market[c]] == 0:
        return 0.0
    points = world.levers.priority_bonus_points[clusters.rule_year[c]]
    return clip(p.distraction_share * points / BONUS_POINTS, 0.0, p.distraction_highest_share)


@rule
def _public_share(world: World, c: int, years_on: float) -> float:
    """Part of activity costs that the programme pays for this group, 0 to 1: by type of member, falling by the year."""
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    members = larger(1.0 * clusters.n_members[c], 1.0)
    institutes = clusters.n_members[c] - clusters.n_companies[c]
    large = clusters.n_companies[c] - clusters.n_smes[c]
    share = (
        clusters.n_smes[c] * levers.activity_public_share_sme[year]
        + large * levers.activity_public_share_large[year]
        + institutes * levers.activity_public_share_institute[year]
    ) / members
    return clip(share * (1.0 - levers.activity_degression_share[year] * years_on), 0.0, 1.0)


@rule
def _activity_money_eur(world: World, c: int) -> float:
    """What the covenant leaves for activities after branding and the liaison's budget, in EUR."""
    clusters, levers, p = world.clusters, world.levers, world.parameters
    year = clusters.rule_year[c]
    committed_eur = world.accounts.committed_cents[c] / CENTS_PER_EUR
    term_years = levers.covenant_quarters[year] / QUARTERS_PER_YEAR
    liaison_eur = smaller(
        levers.liaison_budget_eur_year[year] * term_years, committed_eur * p.liaison_share_highest
    )
    return larger(committed_eur * (1.0 - p.branding_share) - liaison_eur, 0.0)


@rule
def act(world: World, c: int) -> None:
    """Cluster: do what was planned, affordable and possible this quarter, face to face or online (step 7).

    Each unit is paid from the covenant. An informal group meets now and then, when travel allows.
    """
    clusters = world.clusters
    clusters.physical_now[c] = 0.0
    clusters.online_now[c] = 0.0
    clusters.knowledge_now[c] = 0.0
    clusters.diplomacy_now[c] = 0.0
    clusters.branding_now[c] = 0.0
    if clusters.status[c] == INFORMAL:
        possible = 1.0 - _travel_lost(world, c)
        clusters.physical_now[c] = world.parameters.informal_promotion_units * possible
    elif in_covenant(world, c):
        _promote(world, c)
        _exchange_knowledge(world, c)
        _work_on_barriers(world, c)
        _pay_branding(world, c)


@rule
def _promote(world: World, c: int) -> None:
    """Carry out this quarter's part of the promotion plan, which comes easily (AP05).

    A travel stop moves what is tried online, the better the more the desk can help (SH01, SH03, PM04).
    """
    clusters, p, m = world.clusters, world.parameters, world.clusters.market[c]
    left = _quarters_left(world, c)
    due = due_now(clusters.plan_promotion[c], clusters.done_promotion[c], left)
    luck = _luck_of_module(world, c, purposes.ACTIVITY_PROMOTION, p.promotion_realisation)
    tried = smaller(due * left, due * _freedom_of_group(world, c) * _grip_of_group(world, c) * luck)
    stop, dearer = _stop_felt_by_group(world, c), _dearer_by_drift(world, c)
    price = world.countries.price_level[world.markets.country[m]]
    physical = _afford(world, c, tried * (1.0 - stop), p.promotion_unit_eur * price * dearer)
    help_to_adapt = desk_help(world, world.markets.sector[m], clusters.rule_year[c])
    moved_online = tried * stop * between(help_to_adapt, p.moved_online_without_help, 1.0)
    online = _afford(world, c, moved_online, p.promotion_unit_eur * p.online_cost_share * dearer)
    clusters.physical_now[c] = physical
    clusters.online_now[c] = online
    clusters.done_promotion[c] += physical + online


@rule
def _exchange_knowledge(world: World, c: int) -> None:
    """Carry out this quarter's part of the plan for knowledge exchange.

    It comes less easily than promotion (AP06), more easily where members trust each other; a travel stop keeps a part
    of it from happening.
    """
    clusters, p = world.clusters, world.parameters
    left = _quarters_left(world, c)
    due = due_now(clusters.plan_knowledge[c], clusters.done_knowledge[c], left)
    luck = _luck_of_module(world, c, purposes.ACTIVITY_KNOWLEDGE, p.knowledge_realisation)
    ease = p.exchange_without_cohesion + clusters.cohesion[c]
    tried = smaller(due * left, due * _freedom_of_group(world, c) * _grip_of_group(world, c) * luck * ease)
    price = world.countries.price_level[world.markets.country[clusters.market[c]]]
    possible = 1.0 - p.exchange_lost_to_travel_stop * _stop_felt_by_group(world, c)
    knowledge = _afford(world, c, tried * possible, p.knowledge_unit_eur * price * _dearer_by_drift(world, c))
    clusters.knowledge_now[c] = knowledge
    clusters.done_knowledge[c] += knowledge


@rule
def _work_on_barriers(world: World, c: int) -> None:
    """Carry out this quarter's part of the diplomacy plan; it takes the embassy's help more than the coordinator's."""
    clusters, p = world.clusters, world.parameters
    left = _quarters_left(world, c)
    due = due_now(clusters.plan_diplomacy[c], clusters.done_diplomacy[c], left)
    luck = _luck_of_module(world, c, purposes.ACTIVITY_DIPLOMACY, p.diplomacy_realisation)
    backed = between(clusters.embassy_support[c], p.diplomacy_without_embassy, 1.0)
    tried = smaller(due * left, due * _freedom_of_group(world, c) * luck * backed)
    diplomacy = _afford(world, c, tried, p.diplomacy_unit_eur * _dearer_by_drift(world, c))
    clusters.diplomacy_now[c] = diplomacy
    clusters.done_diplomacy[c] += diplomacy


@rule
def _quarters_left(world: World, c: int) -> float:
    """Quarters that the term still has, this one included; one at least."""
    return larger(1.0 * (world.clusters.planned_end_quarter[c] - world.calendar.quarter[0]), 1.0)


@rule
def due_now(planned: float, done: float, quarters_left: float) -> float:
    """Units due this quarter: what remains of the plan, spread over what remains of the term."""
    return larger(planned - done, 0.0) / quarters_left


@rule
def _grip_of_group(world: World, c: int) -> float:
    """Part of what is due that this group's coordinator and members get done."""
    clusters = world.clusters
    return grip(world.parameters, clusters.coordinator_quality[c], clusters.mean_commitment[c])


@rule
def grip(p: Parameters, quality: float, commitment: float) -> float:
    """Part of what is due that gets done: a weak coordinator and passive members do less (CO03, CO10, FC09)."""
    by_coordinator = between(quality, p.grip_without_coordination, 1.0)
    return by_coordinator * (1.0 + p.effort_of_all * (commitment - p.usual_commitment))


@rule
def _freedom_of_group(world: World, c: int) -> float:
    """What war and state leave possible in this group's market, 0 to 1."""
    clusters, country = world.clusters, world.markets.country[world.clusters.market[c]]
    backed = clip(clusters.embassy_support[c] + clusters.host_trust[c], 0.0, 1.0)
    state = world.countries.state_involvement[country]
    return freedom_to_act(world.countries.war[country], state, backed, world.parameters.state_gate)


@rule
def freedom_to_act(war: float, state_involvement: float, backed: float, state_gate: float) -> float:
    """What a market leaves possible, 0 to 1: a war ends activities (SH05), a state that leads opens few doors (EM02).

    ``backed`` (0 to 1) is the embassy's backing and trust earned before, which open the state's door.
    """
    return (1.0 - war) * (1.0 - state_gate * state_involvement * (1.0 - backed))


@rule
def _stop_felt_by_group(world: World, c: int) -> float:
    """What a travel stop keeps this group from doing, 0 to 1, when its liaison has done what is possible locally."""
    country = world.markets.country[world.clusters.market[c]]
    support = world.clusters.liaison_support[c]
    return travel_stop_felt(world.countries.travel_stop[country], world.parameters.local_takeover, support)


@rule
def _dearer_by_drift(world: World, c: int) -> float:
    """Factor on the price of a unit of use to members, where a part of the money serves the policy alone (L22)."""
    return 1.0 / (1.0 - _drift(world, c))


@rule
def _luck_of_module(world: World, c: int, module: int, realisation: float) -> float:
    """Part of what is due that is tried this quarter: nothing at all if the module never gets off the ground.

    A module fails for good by chance: the more, the harder its kind is to realise (AP06); a training fell through
    because the best provider was a member and could not be paid (AP13).
    """
    key = world.clusters.key[c]
    if uniform(key, -1, module) < world.parameters.module_failure_share * (1.0 - realisation):
        return 0.0
    return 2.0 * realisation * uniform(key, world.calendar.quarter[0], module)


@rule
def _travel_lost(world: World, c: int) -> float:
    """Share of travel that stop or war makes impossible for this group."""
    country = world.markets.country[world.clusters.market[c]]
    return larger(world.countries.travel_stop[country], world.countries.war[country])


@rule
def _afford(world: World, c: int, units: float, unit_eur: float) -> float:
    """Units that the money left can pay, of ``units`` wanted; pays them as activities, members their share."""
    years_on = (world.calendar.quarter[0] - world.clusters.start_quarter[c]) / QUARTERS_PER_YEAR
    return pay_activities(world, c, units, unit_eur, _public_share(world, c, years_on))


@rule
def _pay_branding(world: World, c: int) -> None:
    """Branding is spread over the term: a stamp of public approval that builds trust (AP11)."""
    paid_eur = pay_branding(world, c, _quarters_left(world, c))
    world.clusters.branding_now[c] = paid_eur / world.parameters.knowledge_unit_eur


@rule
def pay_people(world: World, c: int) -> None:
    """Cluster: pay liaison and coordinator, and book the members' own time.

    The liaison is paid by the covenant, the coordinator by the members; what the programme adds comes on top of the
    covenant's money, as an addition to what is committed.
    """
    if not in_covenant(world, c):
        return
    n = world.clusters.liaison[c]
    if n >= 0:
        pay_liaison(world, c, world.liaisons.price_eur_year[n])
    _pay_coordinator(world, c)
    _book_own_time(world, c)


@rule
def _pay_coordinator(world: World, c: int) -> None:
    """Members pay the coordinator, more in a larger group (CO12); the programme supports SMEs and the coordinator."""
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    members_pay_eur = _fees_eur(world, c)
    sme_part = clusters.n_smes[c] / larger(1.0 * clusters.n_members[c], 1.0)
    support_eur = members_pay_eur * sme_part * levers.sme_fee_support_share[year]
    coordinator_eur = 0.0
    unpaid_eur = 0.0
    if clusters.coordinator[c] >= 0:
        expected = world.coordinators.expected_fee_eur[clusters.coordinator[c]] / QUARTERS_PER_YEAR
        coordinator_eur = expected * levers.coordinator_public_share[year]
        unpaid_eur = larger(expected - coordinator_eur - members_pay_eur, 0.0)
    travel_eur = levers.sme_travel_support_eur_year[year] / QUARTERS_PER_YEAR * clusters.n_smes[c]
    pay_support(world, c, support_eur + coordinator_eur + travel_eur)
    book_fees(world, c, members_pay_eur - support_eur, unpaid_eur)


@rule
def _fees_eur(world: World, c: int) -> float:
    """What members pay the coordinator this quarter: by number and commitment, less where the programme pays a part."""
    clusters = world.clusters
    public_share = world.levers.coordinator_public_share[clusters.rule_year[c]]
    fee_quarter_eur = world.parameters.member_fee_eur_year / QUARTERS_PER_YEAR * (1.0 - public_share)
    return float(fee_quarter_eur * clusters.n_members[c] * clusters.mean_commitment[c])


@rule
def _book_own_time(world: World, c: int) -> None:
    """Members bring in their own time, as much more as the rules ask of own contribution (RV10, RV11)."""
    clusters, p = world.clusters, world.parameters
    in_kind_eur = p.in_kind_eur_member_quarter * clusters.n_members[c] * clusters.mean_commitment[c]
    book_own_time(world, c, in_kind_eur * world.levers.co_funding_ratio[clusters.rule_year[c]])


@rule
def receive_support(world: World, c: int) -> None:
    """Cluster: take in what embassy and liaison do for it this quarter (step 8, PM06)."""
    clusters = world.clusters
    clusters.liaison_support[c] = 0.0
    clusters.embassy_support[c] = 0.0
    if not at_work(world, c):
        return
    country = world.markets.country[clusters.market[c]]
    state = world.countries.state_involvement[country]
    peace = 1.0 - world.countries.war[country]
    ordinary = world.embassies.time_share[country]
    given = ordinary
    if in_covenant(world, c):
        given = clip(ordinary * world.levers.embassy_time_factor[clusters.rule_year[c]], 0.0, 1.0)
        book_embassy_days(world, c, larger(given - ordinary, 0.0))
    clusters.embassy_support[c] = embassy_help(world, country, state, given) * peace
    if clusters.liaison[c] >= 0:
        clusters.liaison_support[c] = world.liaisons.matchmaking[clusters.liaison[c]] * peace


@rule
def gain_visibility(world: World, c: int) -> None:
    """Cluster: activities make the group visible; webinars reach far but shallow (R201-R203); visibility fades.

    A demonstration object draws attention for as long as the group works (R105, R207), a minister's visit for a quarter
    (EM10); a group with critical mass is seen better (CF05, CF16).
    """
    clusters, p = world.clusters, world.parameters
    if not at_work(world, c):
        return
    clusters.visibility[c] = clusters.visibility[c] * (1.0 - p.visibility_fade)
    seen = clusters.physical_now[c] + p.online_visibility * clusters.online_now[c]
    seen += clusters.knowledge_now[c] + clusters.branding_now[c]
    seen += _demonstrate(world, c)
    seen = seen * (1.0 + p.visit_gain * world.countries.visit[world.markets.country[clusters.market[c]]])
    seen = seen * p.visibility_of_mass * mass(clusters.n_members[c], p.critical_mass_members)
    clusters.visibility[c] = towards_one(clusters.visibility[c], p.visibility_gain * seen)


@rule
def _demonstrate(world: World, c: int) -> float:
    """Visibility of the demonstration object this quarter, in units; it opens once enough knowledge is exchanged."""
    clusters, p = world.clusters, world.parameters
    enough = p.demonstration_opens_at_share * clusters.plan_knowledge[c]
    if clusters.demonstration[c] == PLANNED and clusters.done_knowledge[c] > enough:
        clusters.demonstration[c] = OPEN
    return p.demonstration_units if clusters.demonstration[c] == OPEN else 0.0


@rule
def earn_trust_abroad(world: World, c: int) -> None:
    """Cluster: presence earns the host government's trust over time (EM12); new officials know nobody (R310, SH06)."""
    clusters = world.clusters
    if not at_work(world, c):
        return
    country = world.markets.country[clusters.market[c]]
    present = 1.0 - world.countries.war[country]
    p, new_officials = world.parameters, world.countries.officials[country]
    gained = towards_one(clusters.host_trust[c], p.host_trust_gain * present)
    clusters.host_trust[c] = gained * (1.0 - p.host_trust_lost_with_officials * new_officials)


@rule
def sign_memorandum(world: World, c: int) -> None:
    """Cluster: diplomacy with embassy help may lead to a memorandum, a base on which members can build (CO06, R306)."""
    clusters, memberships, engagements = world.clusters, world.memberships, world.engagements
    at_it = in_covenant(world, c) and clusters.diplomacy_now[c] > 0.0
    if not at_it or clusters.memoranda[c] >= whole(world.parameters.memoranda_highest):
        return
    drawn = uniform(clusters.key[c], world.calendar.quarter[0], purposes.MEMORANDUM)
    if drawn >= _chance_of_memorandum(world, c):
        return
    clusters.memoranda[c] += 1
    gain = world.parameters.memorandum_gain
    for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
        if memberships.left_quarter[j] < 0:
            e = memberships.engagement[j]
            engagements.relation[e] = towards_one(engagements.relation[e], gain)
            engagements.permits[e] = towards_one(engagements.permits[e], gain)


@rule
def _chance_of_memorandum(world: World, c: int) -> float:
    """Chance of a memorandum this quarter, 0 to 1: by the embassy's help and a receptive market.

    Trade organisations speak for a sector and sign more often than other coordinators (CO06).
    """
    clusters, k, p = world.clusters, world.clusters.coordinator[c], world.parameters
    speaks_for_a_sector = k >= 0 and world.coordinators.profession[k] == TRADE_ORGANISATION
    weight = 1.0 if speaks_for_a_sector else p.memorandum_weight_of_others
    return float(
        p.memorandum_rate
        * weight
        * clusters.embassy_support[c]
        * world.markets.receptivity[clusters.market[c]]
    )


@rule
def measure_progress(world: World, c: int) -> None:
    """Cluster: progress as it is, half activities done, half members that got somewhere; and as the rules test it.

    What is told and reported of it is the coordinator's; where one left, the successor's plain report is written here.
    """
    clusters = world.clusters
    if not in_covenant(world, c):
        return
    term = larger(1.0 * (clusters.planned_end_quarter[c] - clusters.start_quarter[c]), 1.0)
    gone_by = (world.calendar.quarter[0] + 1 - clusters.start_quarter[c]) / term
    elapsed = clip(gone_by, world.parameters.progress_elapsed_lowest, 1.0)
    activity, moved = _activity_so_far(world, c, elapsed), _moved_so_far(world, c, elapsed)
    clusters.progress_true[c] = 0.5 * activity + 0.5 * moved
    measure = world.levers.checkpoint_measure[clusters.rule_year[c]]
    clusters.progress_tested[c] = clusters.progress_true[c]
    if measure == ACTIVITIES_ONLY:
        clusters.progress_tested[c] = activity
    elif measure == MEMBERS_ONLY:
        clusters.progress_tested[c] = moved
    if clusters.coordinator[c] < 0:  # a successor reports, without colour of its own
        known = world.levers.progress_information_share[clusters.rule_year[c]]
        hope = world.parameters.report_hope
        clusters.progress_reported[c] = known * clusters.progress_tested[c] + (1.0 - known) * hope


@rule
def _activity_so_far(world: World, c: int, elapsed: float) -> float:
    """Activities done, 0 to 1, of those planned for the part of the term that has gone by."""
    clusters = world.clusters
    planned = clusters.plan_promotion[c] + clusters.plan_knowledge[c] + clusters.plan_diplomacy[c]
    done = clusters.done_promotion[c] + clusters.done_knowledge[c] + clusters.done_diplomacy[c]
    return clip(done / larger(planned * elapsed, SMALLEST_DIVISOR), 0.0, 1.0)


@rule
def _moved_so_far(world: World, c: int, elapsed: float) -> float:
    """Share of members that got somewhere, 0 to 1, against the part of the term that has gone by."""
    clusters, memberships = world.clusters, world.memberships
    on_the_way = 0.0
    for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
        if memberships.left_quarter[j] < 0 and has_moved(world, j):
            on_the_way += 1.0
    return clip(on_the_way / larger(1.0 * clusters.n_members[c], 1.0) / elapsed, 0.0, 1.0)


@rule
def steer(world: World, c: int) -> None:
    """Cluster before the steering group: stop at a checkpoint, lose money, extend, or close (L09, L11, L16-L18).

    The group sees progress as reported, not as it is (PM03, MO05), so that it may stop the wrong ones and keep others.
    """
    clusters, quarter = world.clusters, world.calendar.quarter[0]
    if clusters.status[c] == INFORMAL:
        if quarter + 1 >= clusters.planned_end_quarter[c]:
            _end_covenant(world, c, CLOSED)
        return
    if not in_covenant(world, c):
        return
    if checkpoint_due(world, c):
        book_checkpoint(world, c)
        least = world.levers.checkpoint_minimum_progress[clusters.rule_year[c]]
        out_of_reach, truly_enough = _out_of_reach(world, c), clusters.progress_tested[c] >= least
        if clusters.progress_reported[c] < least or out_of_reach:
            clusters.stopped_wrongly[c] = 1 if truly_enough and not out_of_reach else 0
            _stop(world, c)
            return
        if not truly_enough:
            clusters.kept_wrongly[c] += 1
    _concentrate(world, c)
    if quarter + 1 >= clusters.planned_end_quarter[c]:
        if not _extend(world, c):
            _close(world, c)


@rule
def _out_of_reach(world: World, c: int) -> bool:
    """Whether war or a blocking barrier puts the goals out of reach, where the rules look at that (L17, L18, SH12)."""
    m = world.clusters.market[c]
    if world.levers.checkpoint_on_context[world.clusters.rule_year[c]] == 0.0:
        return False
    return bool(world.markets.blocking[m] == 1 or world.countries.war[world.markets.country[m]] >= 0.5)


@rule
def _concentrate(world: World, c: int) -> None:
    """Half-way, a covenant that reports less than the mean of those running loses money to the best one (L09)."""
    clusters = world.clusters
    share = world.levers.concentration_share[clusters.rule_year[c]]
    term = clusters.planned_end_quarter[c] - clusters.start_quarter[c]
    half_way = 2 * (world.calendar.quarter[0] + 1 - clusters.start_quarter[c])
    if share == 0.0 or half_way < term or half_way >= term + 2 or clusters.extended[c] == 1:
        return
    if clusters.progress_reported[c] >= _mean_reported(world):
        return
    lost = within_cents(whole_cents(covenant_eur(world, c) * share), money_left_cents(world, c))
    release(world, c, lost)
    make_reusable(world, lost)


@rule
def _mean_reported(world: World) -> float:
    """Mean reported progress of all covenants that ran when this quarter's steering began.

    Those that were ended in it count as well, so that it makes no difference who is steered first.
    """
    clusters, quarter = world.clusters, world.calendar.quarter[0]
    total, running = 0.0, 0.0
    for c in range(world.calendar.n_clusters[0]):
        was_covenant = clusters.applied_quarter[c] >= 0 and clusters.turned_down[c] == 0
        if in_covenant(world, c) or (was_covenant and clusters.end_quarter[c] == quarter + 1):
            total += clusters.progress_reported[c]
            running += 1.0
    return total / larger(running, 1.0)


@rule
def _stop(world: World, c: int) -> None:
    """End a covenant early; the money not spent is freed for the use that the rules name."""
    clusters = world.clusters
    freed = money_left_cents(world, c)
    release(world, c, freed)
    freed += release_reserve(world, c)
    clusters.stopped[c] = 1
    if world.levers.freed_money_use[clusters.rule_year[c]] != 0.0:
        make_reusable(world, freed)
    _end_covenant(world, c, STOPPED)


@rule
def _extend(world: World, c: int) -> bool:
    """Once, a cluster may ask for more time: the more, the further it lags; most are granted, with a smaller sum.

    35 of 52 asked (technopolis2023 s2.4.1); how many were granted is not reported, an assumption.
    """
    clusters, levers, p = world.clusters, world.levers, world.parameters
    year = clusters.rule_year[c]
    if clusters.extension_asked[c] == 1:
        return False
    wish = p.extension_wish * (p.extension_wish_ends_at_progress - clusters.progress_true[c])
    if uniform(clusters.key[c], 0, purposes.EXTENSION_WISH) >= wish:
        return False
    clusters.extension_asked[c] = 1
    quarters = int(levers.extension_quarters[year])
    if levers.extension_allowed[year] == 0.0 or quarters == 0:
        return False
    if uniform(clusters.key[c], 0, purposes.EXTENSION_GRANT) >= p.extension_grant_share:
        return False
    clusters.extended[c] = 1
    clusters.status[c] = EXTENDED
    clusters.planned_end_quarter[c] += quarters
    term_eur = levers.covenant_amount_eur[year] / TERM_QUARTERS * quarters * p.extension_money_share
    extra = whole_cents(
        term_eur * mass(counted_members(world, c), p.members_for_half_amount * levers.co_funding_ratio[year])
    )
    commit(world, c, extra)
    plan_more(world, c, extra / CENTS_PER_EUR)
    return True


@rule
def _close(world: World, c: int) -> None:
    """Close at the end of the term; go on to follow-up where the rules or a reserve foresee it (L12, FU01)."""
    clusters, levers, year = world.clusters, world.levers, world.clusters.rule_year[c]
    release(world, c, money_left_cents(world, c))
    quarters = int(levers.follow_up_years[year] * QUARTERS_PER_YEAR)
    if levers.follow_up_plan_required[year] == 1.0 and quarters == 0:
        quarters = whole(world.parameters.follow_up_plan_quarters)
    if world.accounts.follow_up_reserve_cents[c] > 0 and quarters == 0:
        quarters = whole(world.parameters.follow_up_plan_quarters)
    if quarters > 0:
        plan_eur = world.parameters.plan_cost_eur * levers.follow_up_plan_required[year]
        book_follow_up_plan(world, c, plan_eur)
        clusters.follow_up_end_quarter[c] = world.calendar.quarter[0] + 1 + quarters
        _end_covenant(world, c, FOLLOW_UP)
    else:
        _end_covenant(world, c, CLOSED)


@rule
def _end_covenant(world: World, c: int, status: int) -> None:
    """Write the end: the liaison leaves, members go their way unless a follow-up phase holds them, memories stay."""
    clusters, memberships, engagements = world.clusters, world.memberships, world.engagements
    clusters.status[c] = status
    clusters.end_quarter[c] = world.calendar.quarter[0] + 1
    let_go(world, c)
    for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
        if memberships.left_quarter[j] < 0:
            e = memberships.engagement[j]
            i = engagements.firm[e]
            _remember(world, i, c)
            if status != FOLLOW_UP:
                memberships.left_quarter[j] = world.calendar.quarter[0] + 1
                engagements.cluster[e] = -1


@rule
def _remember(world: World, i: int, c: int) -> None:
    """Firm: remember the latest group; of two that end in one quarter, the one that held together better.

    The better one, and not the later one in the table, so that the order of clusters makes no difference.
    """
    firms, clusters, ended = world.firms, world.clusters, world.calendar.quarter[0] + 1
    same_quarter = firms.last_end_quarter[i] == ended
    worse = clusters.cohesion[c] < firms.last_cohesion[i]
    tied = (
        clusters.cohesion[c] == firms.last_cohesion[i] and clusters.coordinator[c] < firms.last_coordinator[i]
    )
    if same_quarter and (worse or tied):
        return
    firms.last_end_quarter[i] = ended
    firms.last_coordinator[i] = clusters.coordinator[c]
    firms.last_cohesion[i] = clusters.cohesion[c]


@rule
def review_liaison(world: World, c: int) -> None:
    """Cluster: replace a liaison whose knowledge does not fit the theme, where the rules allow (LI03, L02)."""
    clusters, liaisons, p = world.clusters, world.liaisons, world.parameters
    n = clusters.liaison[c]
    if n < 0 or world.levers.liaison_replacement[clusters.rule_year[c]] == 0.0 or not in_covenant(world, c):
        return
    if not knows_too_little(liaisons.fit[n], p.liaison_fit_wanted):
        return
    if uniform(clusters.key[c], world.calendar.quarter[0], purposes.LIAISON_REVIEW) < p.liaison_review_rate:
        let_go(world, c)
        liaisons.dismissed_by[n] = c
        clusters.favoured_firm[c] = -1


@rule
def run_follow_up(world: World, c: int) -> None:
    """Cluster in its follow-up phase: members keep attention; eligible ones are paid to go on (step 14; L12)."""
    clusters, memberships, engagements = world.clusters, world.memberships, world.engagements
    if clusters.status[c] != FOLLOW_UP:
        return
    over = world.calendar.quarter[0] + 1 >= clusters.follow_up_end_quarter[c]
    rate_eur = _follow_up_rate_eur(world, c)
    for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
        if memberships.left_quarter[j] < 0:
            e = memberships.engagement[j]
            engagements.funded_capacity[e] = 0.0
            leaves = over or engagements.stayed_out[e] == STAYS_OUT
            if not leaves and _eligible_for_follow_up(world, c, j):
                _fund_member(world, c, j, e, rate_eur)
            if leaves:
                memberships.left_quarter[j] = world.calendar.quarter[0] + 1
                engagements.cluster[e] = -1
    if over:
        clusters.status[c] = CLOSED
        release_reserve(world, c)


@rule
def _follow_up_rate_eur(world: World, c: int) -> float:
    """Yearly follow-up amount per eligible member, its part of the group's included; less each year where it falls."""
    clusters, memberships, levers, year = (
        world.clusters,
        world.memberships,
        world.levers,
        world.clusters.rule_year[c],
    )
    rate_eur = levers.follow_up_eur_per_firm_year[year]
    if levers.follow_up_eur_per_cluster_year[year] > 0.0:
        eligible = 0.0
        for j in range(clusters.first_membership[c], clusters.first_membership[c] + clusters.n_joined[c]):
            if memberships.left_quarter[j] < 0 and _eligible_for_follow_up(world, c, j):
                eligible += 1.0
        rate_eur += levers.follow_up_eur_per_cluster_year[year] / larger(eligible, 1.0)
    years_on = (world.calendar.quarter[0] + 1 - clusters.end_quarter[c]) // QUARTERS_PER_YEAR
    return float(rate_eur * clip(1.0 - levers.follow_up_degression_share[year] * years_on, 0.0, 1.0))


@rule
def _eligible_for_follow_up(world: World, c: int, j: int) -> bool:
    """Who may receive follow-up money under the rules of this covenant."""
    who = world.levers.follow_up_eligibility[world.clusters.rule_year[c]]
    if who == WITH_TRACTION:
        return has_moved(world, j)
    if who == ONLY_SMES:
        return bool(world.firms.sme[world.engagements.firm[world.memberships.engagement[j]]] == 1)
    return True


@rule
def has_moved(world: World, j: int) -> bool:
    """Whether a member got somewhere since joining (traction): a next step taken in the covenant, or a higher stage."""
    memberships = world.memberships
    stage = world.engagements.stage[memberships.engagement[j]]
    taken = memberships.steps_full[j] + memberships.steps_partly[j] > 0
    return bool(taken or (stage >= RELATION and stage > memberships.stage_at_joining[j]))


@rule
def _fund_member(world: World, c: int, j: int, e: int, budget_eur: float) -> None:
    """Pay one member for a quarter of follow-up: from the follow-up budget, or from a reserve of freed money."""
    p, from_budget = world.parameters, budget_eur != 0.0
    rate_eur = budget_eur
    if not from_budget and world.accounts.follow_up_reserve_cents[c] > 0:
        rate_eur = p.follow_up_reserve_eur_per_firm_year
    private_share = world.levers.follow_up_private_share[world.clusters.rule_year[c]]
    if pay_follow_up(world, c, rate_eur, private_share, from_budget):
        world.memberships.funded[j] = 1
        own = world.firms.free_capacity[world.engagements.firm[e]]
        bought = capacity_bought(rate_eur, p.follow_up_eur_for_half_effect)
        world.engagements.funded_capacity[e] = beyond_own_effort(p, bought, own)


@rule
def capacity_bought(eur_per_year: float, eur_for_half: float) -> float:
    """Share of the firm's missing capacity that follow-up money buys; half at ``eur_for_half``, never all."""
    return eur_per_year / (eur_per_year + eur_for_half)


@rule
def beyond_own_effort(p: Parameters, bought: float, own: float) -> float:
    """What is left of capacity bought where money pays for what an able firm would have done anyway (deadweight)."""
    return bought * (1.0 - p.follow_up_deadweight * own)


@rule
def warm_up_cohesion(world: World, c: int) -> None:
    """Cluster: working together builds trust, idleness and fillers wear it down (FU03, FU04, CF08)."""
    clusters, p = world.clusters, world.parameters
    if not in_covenant(world, c):
        return
    doing = clusters.physical_now[c] + clusters.knowledge_now[c]
    clusters.cohesion[c] = towards_one(clusters.cohesion[c], p.cohesion_gain * doing)
    fillers = clusters.n_fillers[c] / larger(1.0 * clusters.n_members[c], 1.0)
    clusters.cohesion[c] = clusters.cohesion[c] * (1.0 - p.cohesion_wear * fillers)
