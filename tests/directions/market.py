"""Directions of firms' capacity, routes, shocks, lags and monitoring (claims FC, R1, R2, R3, SH, TI and MO)."""

from __future__ import annotations

from typing import Final

import numpy as np
from tests.directions import plan_people, support
from tests.directions.lab import END, FOCAL, MARKET, START, Life, Situation, outcome
from tests.directions.registry import Direction

from passaat.model.status import CONTACT, PARTNERSHIP, RELATION

GROUP: Final = (0,)
"""Row of the focal covenant."""
HERE: Final = (MARKET,)
"""Row of the focal market; the country of the same number is the focal one."""
LIAISONS: Final = (0, 1, 2)
"""Rows of the liaisons of the focal market."""
PLANNED: Final = START + 1
"""Quarter for edits that are to leave the plan as it is, which is made in quarter ``START``."""
NEVER_AGAIN: Final = 99.0
"""A quarter beyond the end of every run."""
EVERYTHING: Final = 1.0e6
"""More than any plan holds."""

OUTCOMES_FROM: Final = (plan_people, support)
"""Modules whose outcomes are read here too; importing them makes these known."""


# --- what is read -----------------------------------------------------------------------------------------------------


@outcome("members who met someone and never came further")
def _stuck_at_contacts(life: Life) -> float:
    met = life.world.memberships.contacts_gained[life.rows] >= 1.0
    return float((met & (life.world.engagements.best_stage[life.members] <= CONTACT)).mean())


@outcome("exports of members beyond the five best, as a share of all")
def _exports_beyond_five(life: Life) -> float:
    """Zero where nobody exports: then no member beyond five has anything."""
    exports = np.sort(life.world.engagements.exports_since_window_cents[life.members])[::-1]
    return float(exports[5:].sum() / max(int(exports.sum()), 1))


@outcome("contacts gained by members with an even place")
def _contacts_of_even(life: Life) -> float:
    return float(life.world.memberships.contacts_gained[life.rows[0::2]].mean())


@outcome("contacts gained by members with an odd place")
def _contacts_of_odd(life: Life) -> float:
    return float(life.world.memberships.contacts_gained[life.rows[1::2]].mean())


@outcome("members who met someone and have a contract a year later, minus those without")
def _contract_or_not(life: Life) -> float:
    met = life.world.memberships.contacts_gained[life.rows] >= 1.0
    signed = life.at(END + 3).engagements["contracts"][life.members] > 0
    return float(signed[met].sum() - (~signed[met]).sum()) / len(life.rows)


@outcome("knowledge of members two years after the covenant")
def _knowledge_late(life: Life) -> float:
    return float(life.at(END + 7).engagements["knowledge"][life.members].mean())


@outcome("trust in members at the end of the run")
def _trust_late(life: Life) -> float:
    return float(life.world.engagements.trust[life.members].mean())


@outcome("awareness built by the end of the covenant")
def _awareness_built(life: Life) -> float:
    markets = life.at(END - 1).markets
    return float(markets["awareness"][MARKET] - markets["ordinary_awareness"][MARKET])


@outcome("opening of the market for firms without permits at the end of the covenant")
def _opening(life: Life) -> float:
    markets = life.at(END - 1).markets
    if markets["blocking"][MARKET] == 1:
        return float(life.world.parameters.openness_when_blocked)
    return float(1.0 - markets["barrier"][MARKET])


@outcome("missions held face to face")
def _face_to_face(life: Life) -> float:
    return float(life.series("clusters", "physical_now", 0)[START:END].sum())


@outcome("missions held online")
def _online(life: Life) -> float:
    return float(life.series("clusters", "online_now", 0)[START:END].sum())


@outcome("years until members win a first contract after joining")
def _years_to_contract(life: Life) -> float:
    """Members who win none wait until the end of the run, so that the mean is of all members in every world."""
    won = np.diff(life.series("engagements", "contracts", life.members), axis=0, prepend=0)[START:] > 0
    quarters = np.where(won.any(axis=0), won.argmax(axis=0), len(won))
    return float(quarters.mean() / 4.0)


@outcome("contracts won by members in the covenant")
def _contracts_within(life: Life) -> float:
    before, after = life.at(START - 1).engagements, life.at(END - 1).engagements
    return float((after["contracts"][life.members] - before["contracts"][life.members]).sum())


@outcome("next steps of members that end in the covenant, of any result")
def _steps_tried(life: Life) -> float:
    engagements = life.at(END - 1).engagements
    ended = sum(engagements[name][life.members] for name in ("steps_full", "steps_partly", "steps_lapsed"))
    return float(np.mean(ended))


@outcome("progress in the fourth quarter before the end of the covenant")
def _progress_late(life: Life) -> float:
    return float(life.at(END - 4).clusters["progress_true"][0])


@outcome("next steps of others in the market that succeed")
def _steps_of_others(life: Life) -> float:
    engagements, e = life.world.engagements, life.others
    return float((engagements.steps_full[e] + engagements.steps_partly[e]).mean())


# --- situations -------------------------------------------------------------------------------------------------------

PLAIN: Final = support.PLAIN
"""The focal covenant without extension, so that its end is known."""

ALL_MONEY_CENTS: Final = 3.0e7
"""What is committed to the focal covenant."""

ON_PAPER: Final = PLAIN.with_setting("clusters", "planned_end_quarter", START + 1, GROUP, START).with_setting(
    "accounts", "released_cents", ALL_MONEY_CENTS, GROUP, START
)
"""A covenant without money that ends after its first quarter: the same firms without programme."""

NOTHING_DONE: Final = PLAIN.with_setting("accounts", "released_cents", ALL_MONEY_CENTS, GROUP, PLANNED)
"""After the first quarter all money is gone, so that nothing of the plan is carried out."""

ONLY_BRANDING: Final = (
    PLAIN.with_setting("clusters", "done_promotion", EVERYTHING, GROUP, PLANNED)
    .with_setting("clusters", "done_knowledge", EVERYTHING, GROUP, PLANNED)
    .with_setting("clusters", "done_diplomacy", EVERYTHING, GROUP, PLANNED)
    .with_setting("clusters", "demonstration", 0.0, GROUP, PLANNED)
)
"""After the first quarter no activity is left to be done but branding: campaigns, posts and articles."""

NOT_EVEN_BRANDING: Final = ONLY_BRANDING.with_setting(
    "accounts", "released_cents", ALL_MONEY_CENTS, GROUP, PLANNED
)
"""The same without money for branding; both count the plan as carried out."""

TRAVEL_STOP: Final = PLAIN.with_shock("travel_stop", 1.0, START, END - 1)
"""Nobody travels to the focal country during the covenant."""

ONE_YEAR_OF_TRAVEL: Final = FOCAL.with_shock("travel_stop", 1.0, START + 4, END + 3)
"""A year after the start travel stops for three years."""

WELL_PLACED: Final = (
    FOCAL.with_edit("engagements", "relation", 0.9, quarter=PLANNED)
    .with_edit("engagements", "trust", 0.9, quarter=PLANNED)
    .with_edit("firms", "capacity", 0.9)
    .with_setting("markets", "barrier", 0.0, HERE)
)
"""Members with a bond, trust and capacity, in a market without incremental barrier."""

OPEN_MARKET: Final = FOCAL.with_setting("markets", "blocking", 0.0, HERE)
BLOCKED_MARKET: Final = FOCAL.with_setting("markets", "blocking", 1.0, HERE)

HALF_OPEN: Final = OPEN_MARKET.with_setting("markets", "barrier", 0.6, HERE)
"""A barrier that can fall, and is high enough to be in the way."""

MUTE_EMBASSY: Final = HALF_OPEN.with_setting("embassies", "standing", 0.0, HERE).with_setting(
    "embassies", "expertise", 0.0, HERE
)
STRONG_EMBASSY: Final = HALF_OPEN.with_setting("embassies", "standing", 1.0, HERE).with_setting(
    "embassies", "expertise", 1.0, HERE
)

NO_LIAISON: Final[tuple[tuple[str, int], ...]] = tuple(("liaison", n) for n in LIAISONS)


def with_good_liaisons(situation: Situation) -> Situation:
    """The same with liaisons who are affordable, independent, connected, fitting and eager."""
    for column, value in (
        ("network", 0.9),
        ("fit", 0.9),
        ("effort", 0.9),
        ("price_eur_year", 1000.0),
        ("tied", 0.0),
    ):
        situation = situation.with_setting("liaisons", column, value, LIAISONS)
    return situation


IN_TRAJECTORY: Final = (("stage", float(RELATION)), ("contacts", 4.0), ("relation", 0.5), ("trust", 0.4))
"""How far a firm is that was on its way in the market before any covenant."""


def in_trajectory(situation: Situation) -> Situation:
    """The same with members who were on their way in the market before."""
    for column, value in IN_TRAJECTORY:
        situation = situation.with_edit("engagements", column, value, quarter=START)
    return situation


CHECKED: Final = {
    "checkpoint_quarter": 8.0,
    "checkpoint_minimum_progress": 0.6,
    "progress_information_share": 1.0,
}
"""A checkpoint after two years that sees things as they are."""


# --- directions -------------------------------------------------------------------------------------------------------

_CAPACITY: Final = (
    Direction(
        name="Members short of time and money take fewer next steps",
        claims=("FC01",),
        kind="lowers",
        base=FOCAL.with_edit("firms", "capacity", 0.8),
        changed=FOCAL.with_edit("firms", "capacity", 0.1),
        outcome="next steps of members that succeed",
        carried_by="firm.plan_quarter",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members short of time and money meet people and get no further",
        claims=("FC01",),
        kind="raises",
        base=FOCAL.with_edit("firms", "capacity", 0.8),
        changed=FOCAL.with_edit("firms", "capacity", 0.1),
        outcome="members who met someone and never came further",
        carried_by="firm.plan_quarter",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A change of strategy or team ends the follow-up of members",
        claims=("FC02",),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_edit("firms", "interrupted_until", NEVER_AGAIN, quarter=START + 4),
        outcome="next steps of members that succeed",
        carried_by="firm.plan_quarter",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Partners whose owners shrink from the risk sign fewer contracts",
        claims=("FC10", "FC02"),
        kind="lowers",
        base=FOCAL.with_edit("engagements", "stage", PARTNERSHIP, quarter=PLANNED),
        changed=FOCAL.with_edit("engagements", "stage", PARTNERSHIP, quarter=PLANNED).with_edit(
            "firms", "interrupted_until", NEVER_AGAIN, quarter=START + 4
        ),
        outcome="contracts of members",
        carried_by="firm.plan_quarter",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Members whose next steps worked out export more than members still at contacts",
        claims=("FC03",),
        kind="raises",
        base=FOCAL.with_edit("engagements", "contacts", 4.0, quarter=PLANNED).with_edit(
            "engagements", "stage", CONTACT, quarter=PLANNED
        ),
        changed=FOCAL.with_edit("engagements", "contacts", 4.0, quarter=PLANNED).with_edit(
            "engagements", "stage", PARTNERSHIP, quarter=PLANNED
        ),
        outcome="exports of members",
        carried_by="firm._end_step",
        read_at="firm.trade",
    ),
    Direction(
        name="Members with a good bond in the market win contracts",
        claims=("FC04",),
        kind="raises",
        base=FOCAL.with_edit("engagements", "relation", 0.1, quarter=PLANNED),
        changed=FOCAL.with_edit("engagements", "relation", 0.7, quarter=PLANNED),
        outcome="members with a contract",
        carried_by="firm.step_chance",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Where no barrier blocks, members win contracts",
        claims=("FC05",),
        kind="raises",
        base=BLOCKED_MARKET,
        changed=OPEN_MARKET,
        outcome="members with a contract",
        carried_by="market.openness",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Members of a covenant that carries out its plan export more",
        claims=("FC06",),
        kind="raises",
        base=NOTHING_DONE,
        changed=PLAIN,
        outcome="exports of members",
        carried_by="cluster.act",
        read_at="firm.trade",
    ),
    Direction(
        name="Where few of twenty members convert, the five best have nearly all exports",
        claims=("FC07",),
        kind="lowers",
        base=FOCAL.with_group(n_members=20).with_edit("firms", "capacity", 0.8),
        changed=FOCAL.with_group(n_members=20).with_edit("firms", "capacity", 0.1),
        outcome="exports of members beyond the five best, as a share of all",
        carried_by="firm._sign_contract",
        read_at="firm.trade",
    ),
    Direction(
        name="Large members meet more people than SMEs in the same place",
        claims=("FC08",),
        kind="raises",
        base=FOCAL.with_group(n_members=4, n_institutes=0, n_large=0),
        changed=FOCAL.with_group(n_members=4, n_institutes=0, n_large=4),
        outcome="contacts gained per member",
        carried_by="firm.found_firm",
        read_at="firm.take_part",
    ),
    Direction(
        name="Large members take more next steps than SMEs in the same place",
        claims=("FC08",),
        kind="raises",
        base=FOCAL.with_group(n_members=4, n_institutes=0, n_large=0),
        changed=FOCAL.with_group(n_members=4, n_institutes=0, n_large=4),
        outcome="next steps of members that succeed",
        carried_by="firm.found_firm",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members who put in little effort gain fewer contacts",
        claims=("FC09",),
        kind="lowers",
        base=FOCAL.with_edit("memberships", "commitment", 0.9, quarter=START),
        changed=FOCAL.with_edit("memberships", "commitment", 0.9, 0.1, quarter=START),
        outcome="contacts gained by members with an odd place",
        carried_by="firm.active_part",
        read_at="firm.take_part",
    ),
    Direction(
        name="Members who put in much effort gain fewer contacts where others put in little",
        claims=("FC09",),
        kind="lowers",
        base=FOCAL.with_edit("memberships", "commitment", 0.9, quarter=START),
        changed=FOCAL.with_edit("memberships", "commitment", 0.9, 0.1, quarter=START),
        outcome="contacts gained by members with an even place",
        carried_by="cluster.grip",
        read_at="firm.take_part",
    ),
    Direction(
        name="Members whose product fits the country's development win contracts",
        claims=("FC13",),
        kind="raises",
        base=FOCAL.with_setting("countries", "development", 0.2, HERE).with_edit("firms", "development", 0.9),
        changed=FOCAL.with_setting("countries", "development", 0.2, HERE).with_edit(
            "firms", "development", 0.2
        ),
        outcome="members with a contract",
        carried_by="firm.product_fit",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Members who could be there in person have a relation years later",
        claims=("FC14",),
        kind="raises",
        base=TRAVEL_STOP,
        changed=PLAIN,
        outcome="members with a relation at the end of the run",
        carried_by="firm._build_relation",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members with a local office before the travel stop take more next steps",
        claims=("FC15",),
        kind="raises",
        base=ONE_YEAR_OF_TRAVEL.with_edit("engagements", "presence", 0.0, quarter=START + 3),
        changed=ONE_YEAR_OF_TRAVEL.with_edit("engagements", "presence", 1.0, quarter=START + 3),
        outcome="next steps of members that succeed",
        carried_by="firm.fade",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members leave the group of a market that proves not worth it",
        claims=("FC16",),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_shock("demand_slump", 0.9, START, 60),
        outcome="share of members that stay to the end of the covenant",
        carried_by="firm._end_step",
        read_at="firm.decide_to_remain",
    ),
    Direction(
        name="A blocked market undoes the exports of members who are well placed in all else",
        claims=("FC17", "R311"),
        kind="lowers",
        base=WELL_PLACED.with_setting("markets", "blocking", 0.0, HERE),
        changed=WELL_PLACED.with_setting("markets", "blocking", 1.0, HERE),
        outcome="exports of members",
        carried_by="firm.weakest",
        read_at="firm.trade",
    ),
    Direction(
        name="Lack of capacity undoes the exports of members who are well placed in all else",
        claims=("FC17", "FC01"),
        kind="lowers",
        base=WELL_PLACED.with_setting("markets", "blocking", 0.0, HERE),
        changed=WELL_PLACED.with_setting("markets", "blocking", 0.0, HERE).with_edit(
            "firms", "capacity", 0.05, quarter=1
        ),
        outcome="exports of members",
        carried_by="firm.weakest",
        read_at="firm.trade",
    ),
    Direction(
        name="In a blocked market bond and trust bring members no contracts",
        claims=("FC17", "R311"),
        kind="no effect",
        base=BLOCKED_MARKET.with_edit("engagements", "relation", 0.3, quarter=PLANNED).with_edit(
            "engagements", "trust", 0.3, quarter=PLANNED
        ),
        changed=BLOCKED_MARKET.with_edit("engagements", "relation", 0.9, quarter=PLANNED).with_edit(
            "engagements", "trust", 0.9, quarter=PLANNED
        ),
        outcome="contracts of members",
        carried_by="firm.weakest",
        read_at="firm._sign_contract",
    ),
)

_CONTACTS: Final = (
    Direction(
        name="Members of a covenant with money for missions gain more contacts",
        claims=("R101",),
        kind="raises",
        base=FOCAL.with_group(committed_eur=60_000.0),
        changed=FOCAL,
        outcome="contacts gained per member",
        carried_by="cluster._promote",
        read_at="firm.take_part",
    ),
    Direction(
        name="Members who meet people on missions come to know the market",
        claims=("R102",),
        kind="raises",
        base=TRAVEL_STOP,
        changed=PLAIN,
        outcome="knowledge of members at the end of the covenant",
        carried_by="cluster._promote",
        read_at="firm.take_part",
    ),
    Direction(
        name="Members with many contacts know the market better two years on",
        claims=("R102",),
        kind="raises",
        base=PLAIN.with_edit("engagements", "contacts", 0.0, quarter=END),
        changed=PLAIN.with_edit("engagements", "contacts", 10.0, quarter=END),
        outcome="knowledge of members two years after the covenant",
        carried_by="firm._learn",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Most members who met someone have no contract a year after the covenant",
        claims=("R103",),
        kind="lowers",
        base=PLAIN.with_shock("war", 1.0, START, END - 1),
        changed=PLAIN,
        outcome="members who met someone and have a contract a year later, minus those without",
        carried_by="firm.enough_contacts",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Contacts alone bring other firms no exports",
        claims=("R103",),
        kind="no effect",
        base=FOCAL.with_edit("engagements", "contacts", 0.0, who="others", quarter=START),
        changed=FOCAL.with_edit("engagements", "contacts", 3.0, who="others", quarter=START),
        outcome="exports of others in the market",
        carried_by="firm.enough_contacts",
        read_at="firm.trade",
    ),
    Direction(
        name="Partners around the covenant help members to contracts",
        claims=("R104",),
        kind="raises",
        base=FOCAL.with_setting("clusters", "n_partners", 0.0, GROUP, START),
        changed=FOCAL.with_setting("clusters", "n_partners", 12.0, GROUP, START),
        outcome="members with a contract",
        carried_by="firm._partners_around",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="A demonstration object brings members more next steps",
        claims=("R105",),
        kind="raises",
        base=FOCAL.with_setting("clusters", "demonstration", 0.0, GROUP, PLANNED),
        changed=FOCAL.with_setting("clusters", "demonstration", 2.0, GROUP, PLANNED),
        outcome="next steps of members that succeed",
        carried_by="cluster.gain_visibility",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Strong competitors from other countries leave members fewer contracts",
        claims=("R106",),
        kind="lowers",
        base=FOCAL.with_setting("markets", "rivalry", 0.1, HERE),
        changed=FOCAL.with_setting("markets", "rivalry", 0.9, HERE),
        outcome="members with a contract",
        carried_by="firm.step_chance",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="For members in an existing trajectory a covenant brings the first contract sooner",
        claims=("R107",),
        kind="lowers",
        base=in_trajectory(ON_PAPER),
        changed=in_trajectory(PLAIN),
        outcome="years until members win a first contract after joining",
        carried_by="firm.take_part",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Firms in an existing trajectory win contracts without covenant too",
        claims=("R107",),
        kind="raises",
        base=ON_PAPER,
        changed=in_trajectory(ON_PAPER),
        outcome="members with a contract",
        carried_by="firm.follow_up",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="More missions and fairs bring the first contract sooner",
        claims=("R109",),
        kind="lowers",
        base=FOCAL.with_group(committed_eur=60_000.0),
        changed=FOCAL,
        outcome="years until members win a first contract after joining",
        carried_by="firm._meet_parties",
        read_at="firm._sign_contract",
    ),
)

_AWARENESS: Final = (
    Direction(
        name="Webinars bring members fewer contacts than missions",
        claims=("R201", "R202"),
        kind="lowers",
        base=PLAIN,
        changed=TRAVEL_STOP,
        outcome="contacts gained per member",
        carried_by="cluster._promote",
        read_at="firm.take_part",
    ),
    Direction(
        name="Webinars alone make the market aware",
        claims=("R201",),
        kind="raises",
        base=NOTHING_DONE.with_shock("travel_stop", 1.0, START, END - 1),
        changed=TRAVEL_STOP,
        outcome="awareness built by the end of the covenant",
        carried_by="cluster.gain_visibility",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="A desk that knows how to move missions online keeps awareness as it would be",
        claims=("R201",),
        kind="no effect",
        base=PLAIN.with_setting("desks", "experience", 1.0, None, START).with_levers(
            knowledge_handover_share=1.0
        ),
        changed=TRAVEL_STOP.with_setting("desks", "experience", 1.0, None, START).with_levers(
            knowledge_handover_share=1.0
        ),
        outcome="awareness built by the end of the covenant",
        carried_by="cluster.gain_visibility",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="Missions bring members a bond that webinars do not",
        claims=("R202",),
        kind="raises",
        base=TRAVEL_STOP,
        changed=PLAIN,
        outcome="relation of members at the end of the covenant",
        carried_by="cluster._promote",
        read_at="firm.take_part",
    ),
    Direction(
        name="Branding alone makes the market aware",
        claims=("R203",),
        kind="raises",
        base=NOT_EVEN_BRANDING,
        changed=ONLY_BRANDING,
        outcome="awareness built by the end of the covenant",
        carried_by="cluster.gain_visibility",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="Branding alone builds no bond",
        claims=("R203",),
        kind="no effect",
        base=NOT_EVEN_BRANDING,
        changed=ONLY_BRANDING,
        outcome="relation of members at the end of the covenant",
        carried_by="cluster._pay_branding",
        read_at="firm.take_part",
    ),
    Direction(
        name="Trust in members who do not follow up does not last",
        claims=("R204",),
        kind="lowers",
        base=PLAIN,
        changed=PLAIN.with_edit("firms", "interrupted_until", NEVER_AGAIN, quarter=END),
        outcome="trust in members at the end of the run",
        carried_by="firm.follow_up",
        read_at="firm.fade",
    ),
    Direction(
        name="Members who do not follow up are left with less",
        claims=("R204",),
        kind="lowers",
        base=PLAIN,
        changed=PLAIN.with_edit("firms", "interrupted_until", NEVER_AGAIN, quarter=END),
        outcome="stage of members at the end of the run",
        carried_by="firm.follow_up",
        read_at="firm.trade",
    ),
    Direction(
        name="An institute among the members helps the SMEs to next steps",
        claims=("R205",),
        kind="raises",
        base=FOCAL.with_group(n_members=7, n_institutes=0),
        changed=FOCAL.with_group(n_members=8, n_institutes=1),
        outcome="next steps of SMEs that succeed",
        carried_by="firm._build_relation",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members who are known and trusted win contracts",
        claims=("R206",),
        kind="raises",
        base=FOCAL.with_edit("engagements", "trust", 0.05, quarter=PLANNED),
        changed=FOCAL.with_edit("engagements", "trust", 0.7, quarter=PLANNED),
        outcome="members with a contract",
        carried_by="firm.weakest",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="A demonstration object makes the market aware",
        claims=("R207",),
        kind="raises",
        base=FOCAL.with_setting("clusters", "demonstration", 0.0, GROUP, PLANNED),
        changed=FOCAL.with_setting("clusters", "demonstration", 2.0, GROUP, PLANNED),
        outcome="awareness at the end of the covenant",
        carried_by="cluster.gain_visibility",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="After webinars members take fewer next steps than after missions",
        claims=("R208",),
        kind="lowers",
        base=PLAIN,
        changed=TRAVEL_STOP,
        outcome="next steps of members that end in the covenant, of any result",
        carried_by="firm._build_relation",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Large firms among the members help the SMEs to next steps",
        claims=("R209",),
        kind="raises",
        base=FOCAL.with_group(n_members=7, n_institutes=1, n_large=0),
        changed=FOCAL.with_group(n_members=9, n_institutes=1, n_large=2),
        outcome="next steps of SMEs that succeed",
        carried_by="firm._pulled_along",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Where the Dutch have a name, members win more contracts",
        claims=("R209",),
        kind="raises",
        base=FOCAL.with_setting("markets", "ordinary_awareness", 0.05, HERE).with_setting(
            "markets", "awareness", 0.05, HERE
        ),
        changed=FOCAL.with_setting("markets", "ordinary_awareness", 0.6, HERE).with_setting(
            "markets", "awareness", 0.6, HERE
        ),
        outcome="members with a contract",
        carried_by="market.drift",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Where the Dutch have a name, a covenant builds awareness more easily",
        claims=("R209",),
        kind="raises",
        base=FOCAL.with_setting("markets", "ordinary_awareness", 0.05, HERE).with_setting(
            "markets", "awareness", 0.05, HERE
        ),
        changed=FOCAL.with_setting("markets", "ordinary_awareness", 0.6, HERE).with_setting(
            "markets", "awareness", 0.6, HERE
        ),
        outcome="awareness built by the end of the covenant",
        carried_by="cluster.gain_visibility",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="A context that fails after the covenant costs the contracts it prepared",
        claims=("R210",),
        kind="lowers",
        base=PLAIN,
        changed=PLAIN.with_shock("demand_slump", 0.9, END, 60),
        outcome="contracts of members after the covenant",
        carried_by="firm.demand_effect",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Campaigns, posts and articles bring members next steps",
        claims=("R211",),
        kind="raises",
        base=NOT_EVEN_BRANDING,
        changed=ONLY_BRANDING,
        outcome="next steps of members that succeed",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A visible covenant draws other firms into the market",
        claims=("R212",),
        kind="raises",
        base=ON_PAPER,
        changed=PLAIN,
        outcome="contacts of others in the market",
        carried_by="market.gain_awareness",
        read_at="firm.explore_alone",
    ),
)

_BARRIERS: Final = (
    Direction(
        name="An embassy that is heard lowers the barrier",
        claims=("R301",),
        kind="lowers",
        base=MUTE_EMBASSY,
        changed=STRONG_EMBASSY,
        outcome="barrier at the end of the covenant",
        carried_by="embassy.embassy_help",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="Within the covenant even an embassy that is heard hardly opens the market",
        claims=("R301", "TI07"),
        kind="no effect",
        base=OPEN_MARKET.with_setting("embassies", "standing", 0.0, HERE).with_setting(
            "embassies", "expertise", 0.0, HERE
        ),
        changed=OPEN_MARKET.with_setting("embassies", "standing", 1.0, HERE).with_setting(
            "embassies", "expertise", 1.0, HERE
        ),
        outcome="opening of the market for firms without permits at the end of the covenant",
        carried_by="embassy.embassy_help",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="Where the host government does not listen, the market stays closed",
        claims=("R302",),
        kind="lowers",
        base=HALF_OPEN.with_setting("markets", "receptivity", 0.95, HERE),
        changed=HALF_OPEN.with_setting("markets", "receptivity", 0.3, HERE),
        outcome="opening of the market for firms without permits at the end of the covenant",
        carried_by="market.gain_awareness",
        read_at="market.openness",
    ),
    Direction(
        name="Heavy regulation keeps partners from contracts",
        claims=("R303",),
        kind="lowers",
        base=OPEN_MARKET.with_setting("markets", "barrier", 0.2, HERE).with_edit(
            "engagements", "stage", PARTNERSHIP, quarter=PLANNED
        ),
        changed=OPEN_MARKET.with_setting("markets", "barrier", 0.9, HERE).with_edit(
            "engagements", "stage", PARTNERSHIP, quarter=PLANNED
        ),
        outcome="contracts of members",
        carried_by="market.openness",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="An embassy that is heard does not open a blocked market to other firms",
        claims=("R304", "R311"),
        kind="no effect",
        base=MUTE_EMBASSY.with_setting("markets", "blocking", 1.0, HERE),
        changed=STRONG_EMBASSY.with_setting("markets", "blocking", 1.0, HERE),
        outcome="next steps of others in the market that succeed",
        carried_by="market.gain_awareness",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Memoranda bring members next steps",
        claims=("R306",),
        kind="raises",
        base=FOCAL.with_setting("coordinators", "profession", 1.0, GROUP).with_setting(
            "clusters", "memoranda", 4.0, GROUP, START
        ),
        changed=FOCAL.with_setting("coordinators", "profession", 1.0, GROUP),
        outcome="next steps of members that succeed",
        carried_by="cluster.sign_memorandum",
        read_at="firm.follow_up",
    ),
    Direction(
        name="With good local support members pass more of the barrier",
        claims=("R308",),
        kind="raises",
        base=with_good_liaisons(HALF_OPEN).without(*NO_LIAISON),
        changed=with_good_liaisons(HALF_OPEN),
        outcome="barrier passed by members at the end of the covenant",
        carried_by="liaison.make_matches",
        read_at="firm.take_part",
    ),
    Direction(
        name="A barrier that is gone lets other firms in the market export more",
        claims=("R309",),
        kind="raises",
        base=OPEN_MARKET.with_setting("markets", "barrier", 0.8, HERE),
        changed=OPEN_MARKET.with_setting("markets", "barrier", 0.0, HERE),
        outcome="exports of others in the market",
        carried_by="market.openness",
        read_at="firm.trade",
    ),
    Direction(
        name="A turnover of officials keeps the market closed for longer",
        claims=("R310",),
        kind="lowers",
        base=HALF_OPEN,
        changed=HALF_OPEN.with_shock("officials", 0.9, START, END - 1),
        outcome="opening of the market for firms without permits at the end of the covenant",
        carried_by="embassy.embassy_help",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="Three times the money does not open a blocked market",
        claims=("R311",),
        kind="no effect",
        base=BLOCKED_MARKET,
        changed=BLOCKED_MARKET.with_group(committed_eur=900_000.0),
        outcome="contracts of members",
        carried_by="market.openness",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Where host rules are rigid, members pass less of the barrier",
        claims=("R312",),
        kind="lowers",
        base=HALF_OPEN.with_setting("markets", "receptivity", 0.95, HERE),
        changed=HALF_OPEN.with_setting("markets", "receptivity", 0.3, HERE),
        outcome="barrier passed by members at the end of the covenant",
        carried_by="cluster.sign_memorandum",
        read_at="firm.take_part",
    ),
)

_SHOCKS: Final = (
    Direction(
        name="In a pandemic less of the plan is carried out",
        claims=("SH01",),
        kind="lowers",
        base=PLAIN,
        changed=TRAVEL_STOP,
        outcome="activities done in the covenant",
        carried_by="shocks.meet_shocks",
        read_at="cluster.act",
    ),
    Direction(
        name="In a pandemic missions move online",
        claims=("SH01",),
        kind="raises",
        base=PLAIN,
        changed=TRAVEL_STOP,
        outcome="missions held online",
        carried_by="shocks.meet_shocks",
        read_at="cluster.act",
    ),
    Direction(
        name="A crisis that raises demand brings members more exports",
        claims=("SH02",),
        kind="raises",
        base=FOCAL,
        changed=FOCAL.with_shock("demand_boom", 0.5, START, 60),
        outcome="exports of members",
        carried_by="market.drift",
        read_at="firm.trade",
    ),
    Direction(
        name="A travel stop puts off the first contract",
        claims=("SH03",),
        kind="raises",
        base=PLAIN,
        changed=TRAVEL_STOP,
        outcome="years until members win a first contract after joining",
        carried_by="cluster.act",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="With a travel stop members learn less",
        claims=("SH03",),
        kind="lowers",
        base=PLAIN,
        changed=TRAVEL_STOP,
        outcome="knowledge of members at the end of the covenant",
        carried_by="cluster.act",
        read_at="firm.take_part",
    ),
    Direction(
        name="In a travel stop local parties hold the missions that visitors cannot",
        claims=("SH04",),
        kind="raises",
        base=with_good_liaisons(TRAVEL_STOP).without(*NO_LIAISON),
        changed=with_good_liaisons(TRAVEL_STOP),
        outcome="missions held face to face",
        carried_by="liaison.make_matches",
        read_at="cluster.act",
    ),
    Direction(
        name="In a war hardly any activity is left",
        claims=("SH05",),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_shock("war", 0.95, START, 60),
        outcome="activities done in the covenant",
        carried_by="shocks.meet_shocks",
        read_at="cluster.act",
    ),
    Direction(
        name="In a war less is done than by a covenant with a fifth of the money",
        claims=("SH05",),
        kind="lowers",
        base=FOCAL.with_group(committed_eur=60_000.0),
        changed=FOCAL.with_shock("war", 0.95, START, 60),
        outcome="activities done in the covenant",
        carried_by="shocks.meet_shocks",
        read_at="cluster.act",
    ),
    Direction(
        name="War stops the exports of members",
        claims=("SH05", "SH12"),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_shock("war", 0.95, START, 60),
        outcome="exports of members",
        carried_by="cluster.freedom_to_act",
        read_at="firm.trade",
    ),
    Direction(
        name="A change of ruler costs members the doors that were open",
        claims=("SH06",),
        kind="lowers",
        base=HALF_OPEN,
        changed=HALF_OPEN.with_shock("officials", 0.9, START + 4, END - 1),
        outcome="barrier passed by members at the end of the covenant",
        carried_by="cluster.earn_trust_abroad",
        read_at="firm.take_part",
    ),
    Direction(
        name="A change of ruler costs members contracts",
        claims=("SH06",),
        kind="lowers",
        base=HALF_OPEN,
        changed=HALF_OPEN.with_shock("officials", 0.9, START + 4, END - 1),
        outcome="members with a contract",
        carried_by="embassy.embassy_help",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Where the host sector hardly invests, members win fewer contracts",
        claims=("SH07",),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_shock("demand_slump", 0.7, START, 60),
        outcome="members with a contract",
        carried_by="market.drift",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Export control makes sales harder",
        claims=("SH08",),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_shock("export_control", 0.3, START, 60),
        outcome="exports of members",
        carried_by="shocks.meet_shocks",
        read_at="firm.trade",
    ),
    Direction(
        name="Export control leaves sales possible",
        claims=("SH08",),
        kind="no effect",
        base=FOCAL,
        changed=FOCAL.with_shock("export_control", 0.3, START, 60),
        outcome="members with a contract",
        carried_by="shocks.meet_shocks",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Economic uncertainty puts off the first contract",
        claims=("SH09",),
        kind="raises",
        base=PLAIN,
        changed=PLAIN.with_shock("demand_slump", 0.7, START, END - 1),
        outcome="years until members win a first contract after joining",
        carried_by="market.drift",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Contracts put off by economic uncertainty come when it is over",
        claims=("SH09",),
        kind="raises",
        base=PLAIN,
        changed=PLAIN.with_shock("demand_slump", 0.7, START, END - 1),
        outcome="contracts of members after the covenant",
        carried_by="market.drift",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="A fall of demand by trade blocks or frost costs all firms in the market exports",
        claims=("SH10",),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_shock("demand_slump", 0.7, START, END + 7),
        outcome="exports of others in the market",
        carried_by="market.drift",
        read_at="firm.trade",
    ),
    Direction(
        name="A context that is upset puts the goals of a covenant out of reach",
        claims=("SH12",),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_shock("war", 0.95, START + 4, 60),
        outcome="progress in the fourth quarter before the end of the covenant",
        carried_by="cluster.freedom_to_act",
        read_at="cluster.measure_progress",
    ),
    Direction(
        name="A checkpoint that looks at the context ends covenants in a war",
        claims=("SH12",),
        kind="raises",
        base=FOCAL.with_levers(checkpoint_quarter=8.0, checkpoint_on_context=1.0),
        changed=FOCAL.with_levers(checkpoint_quarter=8.0, checkpoint_on_context=1.0).with_shock(
            "war", 0.95, START + 4, 60
        ),
        outcome="covenant stopped at a checkpoint",
        carried_by="shocks.meet_shocks",
        read_at="cluster.steer",
    ),
)

_LAGS: Final = (
    Direction(
        name="Most exports that a covenant brings come after it",
        claims=("TI02",),
        kind="later",
        base=ON_PAPER,
        changed=PLAIN,
        outcome="exports of members by quarter",
        carried_by="firm._see_step_through",
        read_at="firm.trade",
        after=END,
    ),
    Direction(
        name="In a market with a project cycle of seven years members win few contracts within the covenant",
        claims=("TI04",),
        kind="lowers",
        base=FOCAL.with_setting("markets", "deal_cycle_quarters", 6.0, HERE),
        changed=FOCAL.with_setting("markets", "deal_cycle_quarters", 30.0, HERE),
        outcome="contracts won by members in the covenant",
        carried_by="firm._see_step_through",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="In a market with a project cycle of seven years most contracts a covenant brings come after it",
        claims=("TI03", "TI04"),
        kind="later",
        base=ON_PAPER.with_setting("markets", "deal_cycle_quarters", 30.0, HERE),
        changed=PLAIN.with_setting("markets", "deal_cycle_quarters", 30.0, HERE),
        outcome="contracts of members by quarter",
        carried_by="firm._see_step_through",
        read_at="firm._sign_contract",
        after=END,
    ),
    Direction(
        name="Firms that have yet to build a relation wait longer for their first contract",
        claims=("TI05",),
        kind="raises",
        base=in_trajectory(FOCAL),
        changed=FOCAL.with_edit("engagements", "stage", CONTACT, quarter=START)
        .with_edit("engagements", "contacts", 4.0, quarter=START)
        .with_edit("engagements", "relation", 0.0, quarter=START)
        .with_edit("engagements", "trust", 0.4, quarter=START),
        outcome="years until members win a first contract after joining",
        carried_by="firm.follow_up",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="In a distant country the first contract takes longer",
        claims=("TI05",),
        kind="raises",
        base=FOCAL.with_setting("countries", "distance", 0.0, HERE),
        changed=FOCAL.with_setting("countries", "distance", 1.0, HERE),
        outcome="years until members win a first contract after joining",
        carried_by="firm._build_relation",
        read_at="firm._sign_contract",
    ),
    Direction(
        name="Missions bring contacts in the first year",
        claims=("TI08",),
        kind="raises",
        base=ON_PAPER,
        changed=PLAIN,
        outcome="contacts gained in the first year",
        carried_by="cluster._promote",
        read_at="firm.take_part",
    ),
    Direction(
        name="The contracts that a covenant brings come after its first year",
        claims=("TI08",),
        kind="later",
        base=ON_PAPER,
        changed=PLAIN,
        outcome="contracts of members by quarter",
        carried_by="firm._see_step_through",
        read_at="firm._sign_contract",
        after=START + 4,
    ),
)

_MONITORING: Final = (
    Direction(
        name="Better information makes reports more accurate",
        claims=("MO04",),
        kind="lowers",
        base=FOCAL.with_levers(progress_information_share=0.2),
        changed=FOCAL.with_levers(progress_information_share=0.9),
        outcome="error of the last report",
        carried_by="coordinator.reported",
        read_at="coordinator.report_progress",
    ),
    Direction(
        name="Coordinators who report for themselves let stalled covenants pass a checkpoint",
        claims=("MO05",),
        kind="lowers",
        base=FOCAL.with_levers(**CHECKED).with_shock("war", 0.95, START, 60),
        changed=FOCAL.with_levers(**{**CHECKED, "progress_information_share": 0.2}).with_shock(
            "war", 0.95, START, 60
        ),
        outcome="covenant stopped at a checkpoint",
        carried_by="coordinator.report_progress",
        read_at="cluster.steer",
    ),
    Direction(
        name="A checkpoint that follows members and not only activities ends covenants in blocked markets",
        claims=("MO07",),
        kind="raises",
        base=BLOCKED_MARKET.with_levers(**CHECKED, checkpoint_measure=1.0),
        changed=BLOCKED_MARKET.with_levers(**CHECKED, checkpoint_measure=2.0),
        outcome="covenant stopped at a checkpoint",
        carried_by="cluster.measure_progress",
        read_at="cluster.steer",
    ),
)

DIRECTIONS: Final = (*_CAPACITY, *_CONTACTS, *_AWARENESS, *_BARRIERS, *_SHOCKS, *_LAGS, *_MONITORING)
"""Every direction of this module."""
