"""Directions of liaisons, embassies, follow-up and firms by size (claims LI, EM, FU and SL)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from tests.directions.lab import (
    COORDINATOR,
    COUNTRY,
    END,
    FOCAL,
    MARKET,
    NOBODY_ELSE,
    OTHER_MARKET,
    START,
    TERM,
    Floats,
    Ints,
    Life,
    Situation,
    log_eur,
    outcome,
)
from tests.directions.registry import Direction

from passaat.model.inputs import SeededGroup
from passaat.model.kernel import purposes
from passaat.model.kernel.draws import combine, uniform

GROUP: Final = (0,)
"""Row of the focal covenant."""
LIAISONS: Final = (0, 1, 2)
"""Rows of the liaisons of the focal market."""
EMBASSY: Final = (COUNTRY,)
OFFICIAL: Final = ("embassy", COUNTRY)


# --- what is read -----------------------------------------------------------------------------------------------------


def _success(life: Life, e: Ints, after: int | None = None) -> Floats:
    """Next steps that succeeded, by engagement; from quarter ``after`` on if given."""
    world = life.world.engagements
    steps = world.steps_full[e] + world.steps_partly[e]
    if after is not None:
        before = life.at(after - 1).engagements
        steps = steps - before["steps_full"][e] - before["steps_partly"][e]
    return np.asarray(steps, dtype=np.float64)


@outcome("contacts gained in the first year")
def _early_contacts(life: Life) -> float:
    return float(life.at(START + 3).memberships["contacts_gained"][life.rows].mean())


@outcome("liaisons appointed")
def _appointed(life: Life) -> float:
    return float(life.world.clusters.liaisons_tried[0])


@outcome("barrier passed by members at the end of the covenant")
def _permits(life: Life) -> float:
    return float(life.at(END - 1).engagements["permits"][life.members].mean())


@outcome("barrier passed by members who stay")
def _permits_of_stayers(life: Life) -> float:
    stay = life.at(END - 2).memberships["left_quarter"][life.rows] < 0
    e = life.members[stay] if stay.any() else life.members
    return float(life.at(END - 1).engagements["permits"][e].mean())


def _favoured(life: Life) -> Ints:
    """Place of the member for whom the liaison of the first quarter would work if a member employed that liaison.

    The lot is the same whether or not the liaison is tied, so that the same firm is compared with itself.
    """
    liaison = int(life.at(START).clusters["liaison"][0])
    n = int(life.at(START).clusters["n_members"][0])
    if liaison < 0 or n == 0:
        return np.array([0])
    pair = combine(int(life.world.liaisons.key[liaison]), int(life.world.clusters.key[0]))
    return np.array([int(uniform(pair, 0, purposes.LIAISON_TIE) * n)])


@outcome("contacts gained by the firm that employs the liaison")
def _contacts_of_favoured(life: Life) -> float:
    return float(life.world.memberships.contacts_gained[life.rows[_favoured(life)]].mean())


@outcome("contacts gained by members other than that firm")
def _contacts_of_the_rest(life: Life) -> float:
    rest = np.setdiff1d(life.rows, _favoured(life))
    return float(life.world.memberships.contacts_gained[rest].mean())


@outcome("next steps of the firm that employs the liaison, beyond those of others")
def _lead_of_favoured(life: Life) -> float:
    steps, favoured = _success(life, life.members), _favoured(life)
    return float(steps[favoured].mean() - np.delete(steps, favoured).mean())


@outcome("next steps of members that succeed after the covenant")
def _steps_after(life: Life) -> float:
    return float(_success(life, life.members, END).mean())


@outcome("next steps that end in the three years after quarter END")
def _steps_ended(life: Life) -> float:
    """Of firms that were members from the start, however these steps end."""
    early, late = life.at(END - 1).engagements, life.at(END + 11).engagements
    ended = [
        late[name][life.members] - early[name][life.members]
        for name in ("steps_full", "steps_partly", "steps_lapsed")
    ]
    return float(sum(step.mean() for step in ended))


@outcome("contracts of members after the covenant")
def _contracts_after(life: Life) -> float:
    before = life.at(END - 1).engagements["contracts"][life.members]
    return float((life.world.engagements.contracts[life.members] - before).sum())


@outcome("relation of members five years after the covenant")
def _relation_late(life: Life) -> float:
    return float(life.at(END + 19).engagements["relation"][life.members].mean())


@outcome("former members who meet again in a group for another market")
def _meet_again(life: Life) -> float:
    memberships = life.world.memberships
    taken = np.flatnonzero(memberships.joined_quarter >= END)
    elsewhere = life.world.clusters.market[memberships.cluster[taken]] != MARKET
    later = taken[(memberships.cluster[taken] > 0) & elsewhere]
    firms = life.world.engagements.firm[memberships.engagement[later]]
    return float(np.isin(np.unique(firms), life.firms).sum())


@outcome("later groups of the coordinator")
def _later_groups(life: Life) -> float:
    return float(life.world.calendar.n_clusters[0] - 1)


def _members_of(life: Life, row: int) -> Ints:
    first, n = life.world.clusters.first_membership[row], life.world.clusters.n_joined[row]
    return np.asarray(life.world.memberships.engagement[first : first + n])


@outcome("barrier passed in the state-led country beyond the other")
def _permits_apart(life: Life) -> float:
    permits = life.at(END - 1).engagements["permits"]
    return float(permits[_members_of(life, 0)].mean() - permits[_members_of(life, 1)].mean())


@outcome("trust in members in the state-led country beyond the other")
def _trust_apart(life: Life) -> float:
    trust = life.at(END - 1).engagements["trust"]
    return float(trust[_members_of(life, 0)].mean() - trust[_members_of(life, 1)].mean())


def _is_large(life: Life) -> Any:
    return np.asarray(life.world.firms.size_class[life.firms] == 3)


@outcome("next steps of large members beyond those of SMEs")
def _lead_of_large(life: Life) -> float:
    steps, large = _success(life, life.members), _is_large(life)
    return float(steps[large].mean() - steps[~large].mean()) if large.any() else 0.0


@outcome("exports of large members beyond those of SMEs")
def _exports_of_large(life: Life) -> float:
    large = _is_large(life)
    exports = log_eur(life.world.engagements.exports_since_window_cents[life.members])
    return float(exports[large].mean() - exports[~large].mean()) if large.any() else 0.0


@outcome("exports of large members beyond those of SMEs, in years of turnover")
def _turnover_share_of_large(life: Life) -> float:
    """At most one year of turnover a firm counts, so that no lucky contract decides."""
    large, world = _is_large(life), life.world
    exports = world.engagements.exports_since_window_cents[life.members] / 100.0
    share = np.minimum(exports / world.firms.turnover_eur[life.firms], 1.0)
    return float(share[large].mean() - share[~large].mean()) if large.any() else 0.0


@outcome("next steps of experienced members beyond those of newcomers")
def _lead_of_experienced(life: Life) -> float:
    steps = _success(life, life.members)
    return float(steps[0::2].mean() - steps[1::2].mean())


@outcome("exports of experienced members beyond those of newcomers")
def _exports_of_experienced(life: Life) -> float:
    exports = log_eur(life.world.engagements.exports_since_window_cents[life.members])
    return float(exports[0::2].mean() - exports[1::2].mean())


@outcome("members with a branch at the end of the run")
def _branches(life: Life) -> float:
    return float(life.world.engagements.presence[life.members].mean())


@outcome("trust in SMEs at the end of the covenant")
def _trust_in_smes(life: Life) -> float:
    smes = life.world.firms.sme[life.firms] == 1
    return float(life.at(END - 1).engagements["trust"][life.members[smes]].mean())


@outcome("contacts gained per SME")
def _contacts_of_smes(life: Life) -> float:
    smes = life.world.firms.sme[life.firms] == 1
    return float(life.world.memberships.contacts_gained[life.rows[smes]].mean())


@outcome("next steps of SMEs that succeed")
def _steps_of_smes(life: Life) -> float:
    return float(_success(life, life.members[life.world.firms.sme[life.firms] == 1]).mean())


# --- situations -------------------------------------------------------------------------------------------------------

PLAIN: Final = FOCAL.with_levers(extension_allowed=0.0)
"""The focal covenant without extension, so that its end is known."""


def with_liaisons(situation: Situation = PLAIN, **traits: float) -> Situation:
    """The same with liaisons in the focal market who are good, affordable and independent, apart from ``traits``."""
    good = {"network": 0.8, "fit": 0.8, "effort": 0.9, "price_eur_year": 15_000.0, "tied": 0.0, **traits}
    for column, value in good.items():
        situation = situation.with_setting("liaisons", column, value, LIAISONS)
    return situation


GOOD_LIAISON: Final = with_liaisons()
NO_LIAISON: Final = PLAIN.without(*(("liaison", n) for n in LIAISONS))
FREE_TO_TIE: Final = PLAIN.with_levers(liaison_independent=0.0)

GOOD_POST: Final = PLAIN.with_setting("embassies", "standing", 0.8).with_setting(
    "embassies", "expertise", 0.6
)
"""Embassies of good standing."""
STATE_LED: Final = PLAIN.with_setting("countries", "state_involvement", 1.0)
NO_STATE: Final = PLAIN.with_setting("countries", "state_involvement", 0.0)


def _two_countries(standing: float) -> Situation:
    """Twin groups, the focal one where the state leads and one where it does not, with posts of this standing."""
    twin = SeededGroup(
        OTHER_MARKET,
        1,
        START,
        n_members=8,
        n_institutes=1,
        n_large=1,
        covenant_quarters=TERM,
    )
    return (
        PLAIN.and_group(twin)
        .with_setting("countries", "state_involvement", 1.0, (0,))
        .with_setting("countries", "state_involvement", 0.0, (1,))
        .with_setting("embassies", "standing", standing)
    )


WEAKLY_LED: Final = PLAIN.with_setting("clusters", "coordinator_quality", 0.15, GROUP, START).with_setting(
    "clusters", "fidelity", 0.5, GROUP, START
)
BUSY_POST: Final = PLAIN.with_setting("embassies", "capacity_days", 2.0, EMBASSY).with_setting(
    "embassies", "standing", 0.8, EMBASSY
)
"""A post that has no time for the group."""

TALKS_AT_LAST: Final = (
    GOOD_POST.with_setting("clusters", "plan_diplomacy", 0.0, GROUP, START + 1)
    .with_setting("clusters", "done_diplomacy", 0.0, GROUP, START + 1)
    .with_edit("engagements", "permits", 0.0, quarter=START + 1)
    .with_setting("clusters", "plan_diplomacy", 8.0, GROUP, END - 4)
    .with_setting("accounts", "committed_cents", 40_000_000, GROUP, END - 4)
)
"""A covenant that takes all its diplomatic steps in its last year."""

LEFT_ALONE: Final = PLAIN.without(OFFICIAL, *(("liaison", n) for n in LIAISONS)).with_group(committed_eur=0.0)
"""A covenant that gives nothing but a common task."""
IDLE_AT_LAST: Final = (
    PLAIN.with_setting("clusters", "plan_promotion", 0.0, GROUP, END - 1)
    .with_setting("clusters", "plan_knowledge", 0.0, GROUP, END - 1)
    .with_setting("clusters", "plan_diplomacy", 0.0, GROUP, END - 1)
)
"""A covenant that does nothing in its last quarter, so that trust set then acts only on what comes after."""
MAY_GO_ON: Final = Situation(
    levers=(("extension_allowed", 0.0),),
    groups=PLAIN.groups,
    absent=tuple(agent for agent in NOBODY_ELSE if agent[1] != COORDINATOR),
    size=PLAIN.with_size(window_last_year=2024).size,
)
"""The focal covenant, whose coordinator may gather another group when it is over."""

NEXT_TO_LARGE: Final = PLAIN.with_group(n_members=8, n_institutes=0, n_large=4)
NOTHING: Final = LEFT_ALONE.with_group(covenant_quarters=1)
"""A covenant of one quarter without money or help: its members go their own way from then on."""


def half_experienced(situation: Situation) -> Situation:
    """The same with every other member at home in the market from the start, and the rest new to it."""
    start = {"relation": 0.6, "trust": 0.5, "contacts": 5.0, "knowledge": 0.6, "stage": 2.0}
    for column, value in start.items():
        situation = situation.with_edit("engagements", column, value, 0.0, quarter=START)
    for column in ("delivery_quarters_left", "delivery_cents_per_quarter"):
        situation = situation.with_edit("engagements", column, 0.0, quarter=START)
    return situation


# --- directions -------------------------------------------------------------------------------------------------------

LIAISON: Final = (
    Direction(
        name="An active liaison brings members contacts",
        claims=("LI01",),
        kind="raises",
        base=NO_LIAISON,
        changed=GOOD_LIAISON,
        outcome="contacts gained per member",
        carried_by="liaison.make_matches",
        read_at="firm.take_part",
    ),
    Direction(
        name="A liaison who makes an effort brings more contacts than one who does not",
        claims=("LI01",),
        kind="raises",
        base=with_liaisons(effort=0.1),
        changed=GOOD_LIAISON,
        outcome="contacts gained per member",
        carried_by="liaison.make_matches",
        read_at="firm.take_part",
    ),
    Direction(
        name="An active liaison brings members next steps",
        claims=("LI01",),
        kind="raises",
        base=NO_LIAISON,
        changed=GOOD_LIAISON,
        outcome="next steps of members that succeed",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A liaison employed by a member brings that firm more contacts",
        claims=("LI02",),
        kind="raises",
        base=with_liaisons(FREE_TO_TIE),
        changed=with_liaisons(FREE_TO_TIE, tied=1.0),
        outcome="contacts gained by the firm that employs the liaison",
        carried_by="liaison.tied_help",
        read_at="firm.take_part",
    ),
    Direction(
        name="A liaison employed by a member brings the others fewer contacts",
        claims=("LI02",),
        kind="lowers",
        base=with_liaisons(FREE_TO_TIE),
        changed=with_liaisons(FREE_TO_TIE, tied=1.0),
        outcome="contacts gained by members other than that firm",
        carried_by="liaison.tied_help",
        read_at="firm.take_part",
    ),
    Direction(
        name="A liaison employed by a member gives that firm a lead in results",
        claims=("LI02",),
        kind="raises",
        base=with_liaisons(FREE_TO_TIE),
        changed=with_liaisons(FREE_TO_TIE, tied=1.0),
        outcome="next steps of the firm that employs the liaison, beyond those of others",
        carried_by="liaison.tied_help",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A liaison who does not know the theme makes a poor start",
        claims=("LI03",),
        kind="lowers",
        base=GOOD_LIAISON,
        changed=with_liaisons(fit=0.1),
        outcome="contacts gained in the first year",
        carried_by="liaison.make_matches",
        read_at="firm.take_part",
    ),
    Direction(
        name="A liaison who does not know the theme is replaced",
        claims=("LI03",),
        kind="raises",
        base=GOOD_LIAISON,
        changed=with_liaisons(fit=0.1),
        outcome="liaisons appointed",
        carried_by="cluster.review_liaison",
        read_at="market.settle_liaisons",
    ),
    Direction(
        name="A liaison who knows those who decide brings contacts",
        claims=("LI04",),
        kind="raises",
        base=with_liaisons(network=0.1),
        changed=with_liaisons(network=0.9),
        outcome="contacts gained per member",
        carried_by="liaison.make_matches",
        read_at="firm.take_part",
    ),
    Direction(
        name="A liaison who knows those who decide brings partnerships",
        claims=("LI04",),
        kind="raises",
        base=with_liaisons(network=0.1),
        changed=with_liaisons(network=0.9),
        outcome="members with a partnership",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Where a liaison costs more than the budget nobody is appointed",
        claims=("LI05",),
        kind="lowers",
        base=GOOD_LIAISON,
        changed=with_liaisons(price_eur_year=45_000.0),
        outcome="liaisons appointed",
        carried_by="liaison.offer_service",
        read_at="market.settle_liaisons",
    ),
    Direction(
        name="Where a liaison costs more than the budget contacts are harder to find",
        claims=("LI05",),
        kind="lowers",
        base=GOOD_LIAISON,
        changed=with_liaisons(price_eur_year=45_000.0),
        outcome="contacts gained per member",
        carried_by="market.settle_liaisons",
        read_at="firm.take_part",
    ),
    Direction(
        name="Where a liaison costs more than the budget local knowledge is missing",
        claims=("LI05",),
        kind="lowers",
        base=GOOD_LIAISON,
        changed=with_liaisons(price_eur_year=45_000.0),
        outcome="knowledge of members at the end of the covenant",
        carried_by="market.settle_liaisons",
        read_at="firm.take_part",
    ),
    Direction(
        name="Passive members leave the liaison without use against barriers",
        claims=("LI10",),
        kind="lowers",
        base=GOOD_LIAISON.with_edit("memberships", "commitment", 0.9, quarter=START),
        changed=GOOD_LIAISON.with_edit("memberships", "commitment", 0.2, quarter=START),
        outcome="barrier passed by members who stay",
        carried_by="liaison.make_matches",
        read_at="firm.take_part",
    ),
    Direction(
        name="When travel stops, a liaison keeps more of the plan going",
        claims=("LI11",),
        kind="raises",
        base=NO_LIAISON.with_shock("travel_stop", 0.9, START + 1, END),
        changed=GOOD_LIAISON.with_shock("travel_stop", 0.9, START + 1, END),
        outcome="activities done in the covenant",
        carried_by="cluster.receive_support",
        read_at="cluster.act",
    ),
    Direction(
        name="When travel stops, a liaison keeps the group in view",
        claims=("LI11",),
        kind="raises",
        base=NO_LIAISON.with_shock("travel_stop", 0.9, START + 1, END),
        changed=GOOD_LIAISON.with_shock("travel_stop", 0.9, START + 1, END),
        outcome="awareness at the end of the covenant",
        carried_by="liaison.travel_stop_felt",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="A liaison helps members past rules and permits",
        claims=("LI09",),
        kind="raises",
        base=NO_LIAISON.with_setting("markets", "barrier", 0.7, (MARKET,)),
        changed=GOOD_LIAISON.with_setting("markets", "barrier", 0.7, (MARKET,)),
        outcome="barrier passed by members at the end of the covenant",
        carried_by="liaison.make_matches",
        read_at="firm.take_part",
    ),
)

EMBASSIES: Final = (
    Direction(
        name="An embassy that engages lowers barriers",
        claims=("EM01",),
        kind="lowers",
        base=GOOD_POST.without(OFFICIAL),
        changed=GOOD_POST,
        outcome="barrier at the end of the covenant",
        carried_by="cluster.receive_support",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="An embassy that engages secures cooperation",
        claims=("EM01",),
        kind="raises",
        base=GOOD_POST.without(OFFICIAL),
        changed=GOOD_POST,
        outcome="members with a partnership",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Without an embassy fewer diplomatic steps are taken where the state leads",
        claims=("EM02",),
        kind="lowers",
        base=GOOD_POST.with_setting("countries", "state_involvement", 1.0),
        changed=GOOD_POST.with_setting("countries", "state_involvement", 1.0).without(OFFICIAL),
        outcome="activities done in the covenant",
        carried_by="cluster.receive_support",
        read_at="cluster.act",
    ),
    Direction(
        name="An embassy matters more where the state leads",
        claims=("EM02", "EM06"),
        kind="raises",
        base=_two_countries(0.0),
        changed=_two_countries(0.9),
        outcome="barrier passed in the state-led country beyond the other",
        carried_by="embassy.embassy_help",
        read_at="firm.take_part",
    ),
    Direction(
        name="Where no embassy helps, a group gets less far if the state leads",
        claims=("EM02",),
        kind="lowers",
        base=NO_STATE.without(OFFICIAL),
        changed=STATE_LED.without(OFFICIAL),
        outcome="next steps of members that succeed",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="An ambassador with time for a group brings it relations that last",
        claims=("EM03",),
        kind="raises",
        base=BUSY_POST,
        changed=BUSY_POST.with_setting("embassies", "capacity_days", 40.0, EMBASSY, START),
        outcome="members with a partnership",
        carried_by="embassy.share_time",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A visit opens doors that end in partnerships",
        claims=("EM03",),
        kind="raises",
        base=GOOD_POST,
        changed=GOOD_POST.with_shock("ministerial_visit", 1.0, START + 2, START + 5),
        outcome="members with a partnership",
        carried_by="embassy.embassy_help",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A minister on a mission makes the group seen",
        claims=("EM10",),
        kind="raises",
        base=GOOD_POST,
        changed=GOOD_POST.with_shock("ministerial_visit", 1.0, START + 2, START + 5),
        outcome="awareness at the end of the covenant",
        carried_by="cluster.gain_visibility",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="A minister on a mission gets barriers lowered",
        claims=("EM10",),
        kind="lowers",
        base=GOOD_POST,
        changed=GOOD_POST.with_shock("ministerial_visit", 1.0, START + 2, START + 5),
        outcome="barrier at the end of the covenant",
        carried_by="embassy.embassy_help",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="An embassy with access to strategic talks gets members further early on",
        claims=("EM08",),
        kind="raises",
        base=PLAIN.with_setting("embassies", "standing", 0.05, EMBASSY),
        changed=PLAIN.with_setting("embassies", "standing", 0.95, EMBASSY),
        outcome="next steps of members that succeed in the covenant",
        carried_by="embassy.embassy_help",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Talks with the host government go easier for a group that has been there for years",
        claims=("EM12",),
        kind="raises",
        base=TALKS_AT_LAST.with_shock("war", 0.9, START + 1, END - 5),
        changed=TALKS_AT_LAST,
        outcome="barrier passed by members who stay",
        carried_by="cluster.earn_trust_abroad",
        read_at="firm.take_part",
    ),
    Direction(
        name="An embassy that helps brings next steps to a weakly led group too",
        claims=("EM04",),
        kind="raises",
        base=WEAKLY_LED.without(OFFICIAL),
        changed=WEAKLY_LED.with_setting("embassies", "standing", 0.9, EMBASSY),
        outcome="next steps of members that succeed",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Backing by government makes members trusted more where the state leads",
        claims=("EM06",),
        kind="raises",
        base=_two_countries(0.0),
        changed=_two_countries(0.9),
        outcome="trust in members in the state-led country beyond the other",
        carried_by="cluster.receive_support",
        read_at="firm.take_part",
    ),
    Direction(
        name="Backing by government brings next steps where the state leads",
        claims=("EM06",),
        kind="raises",
        base=STATE_LED.with_setting("embassies", "standing", 0.05, EMBASSY),
        changed=STATE_LED.with_setting("embassies", "standing", 0.95, EMBASSY),
        outcome="next steps of members that succeed",
        carried_by="firm._build_trust",
        read_at="firm.follow_up",
    ),
    Direction(
        name="An embassy that remembers who can do what brings next steps after the covenant",
        claims=("EM13",),
        kind="raises",
        base=GOOD_POST.with_setting("embassies", "memory", 0.0, EMBASSY, END),
        changed=GOOD_POST.with_setting("embassies", "memory", 1.0, EMBASSY, END),
        outcome="next steps of members that succeed after the covenant",
        carried_by="embassy.share_time",
        read_at="firm.follow_up",
    ),
)

FOLLOW_UP: Final = (
    Direction(
        name="Money for follow-up brings next steps after the covenant",
        claims=("FU01",),
        kind="raises",
        base=PLAIN,
        changed=PLAIN.with_levers(follow_up_years=4.0, follow_up_eur_per_firm_year=12_000.0),
        outcome="next steps of members that succeed after the covenant",
        carried_by="cluster._close",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A plan for follow-up alone brings next steps after the covenant",
        claims=("FU01",),
        kind="raises",
        base=PLAIN,
        changed=PLAIN.with_levers(follow_up_plan_required=1.0),
        outcome="next steps of members that succeed after the covenant",
        carried_by="cluster._close",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Follow-up turns into contracts",
        claims=("FU01",),
        kind="raises",
        base=PLAIN,
        changed=PLAIN.with_levers(follow_up_years=4.0, follow_up_eur_per_firm_year=12_000.0),
        outcome="contracts of members after the covenant",
        carried_by="cluster._close",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="When the covenant ends members take fewer steps, even where it gave them nothing but a common task",
        claims=("FU02",),
        kind="lowers",
        base=LEFT_ALONE.with_group(covenant_quarters=TERM + 16),
        changed=LEFT_ALONE,
        outcome="next steps that end in the three years after quarter END",
        carried_by="firm._attention",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members who got along meet again in a group for another market",
        claims=("FU03",),
        kind="raises",
        base=MAY_GO_ON.with_setting("clusters", "cohesion", 0.1, GROUP, END - 1),
        changed=MAY_GO_ON.with_setting("clusters", "cohesion", 0.95, GROUP, END - 1),
        outcome="former members who meet again in a group for another market",
        carried_by="cluster._remember",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="A coordinator whose group got along gathers another one sooner",
        claims=("FU03",),
        kind="raises",
        base=MAY_GO_ON.with_setting("clusters", "cohesion", 0.1, GROUP, END - 1),
        changed=MAY_GO_ON.with_setting("clusters", "cohesion", 0.95, GROUP, END - 1),
        outcome="later groups of the coordinator",
        carried_by="coordinator._wish_to_re_form",
        read_at="groups.open_groups",
    ),
    Direction(
        name="A group that got along keeps its relations for five years without the programme",
        claims=("FU04",),
        kind="raises",
        base=IDLE_AT_LAST.with_setting("clusters", "cohesion", 0.1, GROUP, END - 1),
        changed=IDLE_AT_LAST.with_setting("clusters", "cohesion", 0.95, GROUP, END - 1),
        outcome="relation of members five years after the covenant",
        carried_by="cluster._end_covenant",
        read_at="firm.fade",
    ),
    Direction(
        name="Members who got along keep taking next steps after the covenant",
        claims=("FU03", "FU04"),
        kind="raises",
        base=IDLE_AT_LAST.with_setting("clusters", "cohesion", 0.1, GROUP, END - 1),
        changed=IDLE_AT_LAST.with_setting("clusters", "cohesion", 0.95, GROUP, END - 1),
        outcome="next steps of members that succeed after the covenant",
        carried_by="firm._attention",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Branches of members stay an exception after a covenant",
        claims=("FU06",),
        kind="no effect",
        margin=0.5,
        base=NOTHING,
        changed=PLAIN,
        outcome="members with a branch at the end of the run",
        carried_by="firm._sign_contract",
        read_at="firm._after_delivery",
    ),
    Direction(
        name="Members who lose their contacts and have nobody on the spot end further back",
        claims=("FU07",),
        kind="lowers",
        base=PLAIN.with_edit("engagements", "presence", 1.0, quarter=END),
        changed=PLAIN.with_edit("engagements", "presence", 0.0, quarter=END).with_edit(
            "engagements", "contacts", 0.0, quarter=END
        ),
        outcome="relation of members five years after the covenant",
        carried_by="firm.fade",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members who lose their contacts and have nobody on the spot take fewer steps",
        claims=("FU07",),
        kind="lowers",
        base=PLAIN.with_edit("engagements", "presence", 1.0, quarter=END),
        changed=PLAIN.with_edit("engagements", "presence", 0.0, quarter=END).with_edit(
            "engagements", "contacts", 0.0, quarter=END
        ),
        outcome="next steps of members that succeed after the covenant",
        carried_by="firm.fade",
        read_at="firm.follow_up",
    ),
)

SIZES: Final = (
    Direction(
        name="A covenant adds less to next steps of large members than to those of SMEs",
        claims=("SL01",),
        kind="lowers",
        base=NOTHING.with_group(n_members=8, n_institutes=0, n_large=4),
        changed=NEXT_TO_LARGE,
        outcome="next steps of large members beyond those of SMEs",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A covenant adds less to exports of large members, in logs, than to those of SMEs",
        claims=("SL01",),
        kind="lowers",
        base=NOTHING.with_group(n_members=8, n_institutes=0, n_large=4),
        changed=NEXT_TO_LARGE,
        outcome="exports of large members beyond those of SMEs",
        carried_by="firm.follow_up",
        read_at="firm.trade",
    ),
    Direction(
        name="A covenant adds less to exports of large members, for their turnover, than to those of SMEs",
        claims=("SL01",),
        kind="lowers",
        base=NOTHING.with_group(n_members=8, n_institutes=0, n_large=4),
        changed=NEXT_TO_LARGE,
        outcome="exports of large members beyond those of SMEs, in years of turnover",
        carried_by="firm.follow_up",
        read_at="firm.trade",
    ),
    Direction(
        name="A covenant adds less to next steps of members at home in the market than to those of newcomers",
        claims=("SL01",),
        kind="lowers",
        base=half_experienced(NOTHING),
        changed=half_experienced(PLAIN),
        outcome="next steps of experienced members beyond those of newcomers",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A covenant adds less to exports of members at home in the market, in logs, than to those of newcomers",
        claims=("SL01",),
        kind="lowers",
        base=half_experienced(NOTHING),
        changed=half_experienced(PLAIN),
        outcome="exports of experienced members beyond those of newcomers",
        carried_by="firm.follow_up",
        read_at="firm.trade",
    ),
    Direction(
        name="Large members gain more contacts than SMEs",
        claims=("SL02",),
        kind="raises",
        base=PLAIN.with_group(n_members=6, n_institutes=0, n_large=0),
        changed=PLAIN.with_group(n_members=6, n_institutes=0, n_large=6),
        outcome="contacts gained per member",
        carried_by="firm.found_firm",
        read_at="firm.take_part",
    ),
    Direction(
        name="Large members make more of their chances than SMEs",
        claims=("SL02",),
        kind="raises",
        base=PLAIN.with_group(n_members=6, n_institutes=0, n_large=0),
        changed=PLAIN.with_group(n_members=6, n_institutes=0, n_large=6),
        outcome="next steps of members that succeed",
        carried_by="firm.found_firm",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Money to travel brings SMEs contacts",
        claims=("SL02",),
        kind="raises",
        base=PLAIN,
        changed=PLAIN.with_levers(sme_travel_support_eur_year=8_000.0),
        outcome="contacts gained per SME",
        carried_by="firm._capacity_to_take_part",
        read_at="firm.take_part",
    ),
    Direction(
        name="Large members bring the SMEs in their group contacts",
        claims=("SL03",),
        kind="raises",
        base=PLAIN.with_group(n_members=8, n_institutes=0, n_large=0),
        changed=PLAIN.with_group(n_members=8, n_institutes=0, n_large=3),
        outcome="contacts gained per SME",
        carried_by="cluster.take_stock",
        read_at="firm.take_part",
    ),
    Direction(
        name="Large members make the SMEs in their group trusted",
        claims=("SL03",),
        kind="raises",
        base=PLAIN.with_group(n_members=8, n_institutes=0, n_large=0),
        changed=PLAIN.with_group(n_members=8, n_institutes=0, n_large=3),
        outcome="trust in SMEs at the end of the covenant",
        carried_by="cluster.take_stock",
        read_at="firm.take_part",
    ),
    Direction(
        name="Large members bring the SMEs in their group next steps",
        claims=("SL03",),
        kind="raises",
        base=PLAIN.with_group(n_members=8, n_institutes=0, n_large=0),
        changed=PLAIN.with_group(n_members=8, n_institutes=0, n_large=3),
        outcome="next steps of SMEs that succeed",
        carried_by="firm._pulled_along",
        read_at="firm.follow_up",
    ),
)

DIRECTIONS: Final = (*LIAISON, *EMBASSIES, *FOLLOW_UP, *SIZES)
