"""Directions of plans, coordinators and programme managers (claims AP, CO and PM)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from tests.directions.lab import (
    COORDINATOR,
    COUNTRY,
    END,
    FOCAL,
    FORMING,
    MARKET,
    START,
    Life,
    Situation,
    outcome,
)
from tests.directions.registry import Direction

from passaat.model.engine.build import build_world
from passaat.model.engine.compiled import driver_for
from passaat.model.inputs import RunInputs
from passaat.model.status import CONSULTANT, TO_BARRIERS, TO_CONTACTS, TRADE_ORGANISATION

GROUP: Final = (0,)
"""Row of the focal covenant."""
MODULES: Final = ("promotion", "knowledge", "diplomacy")


# --- what is read -----------------------------------------------------------------------------------------------------


def _done(life: Life, module: str, quarter: int = END - 1) -> float:
    return float(life.at(quarter).clusters[f"done_{module}"][0])


@outcome("missions as a share of missions and knowledge exchange")
def _share_of_missions(life: Life) -> float:
    missions, knowledge = _done(life, "promotion"), _done(life, "knowledge")
    return missions / (missions + knowledge + 1e-9)


@outcome("missions in the covenant")
def _missions(life: Life) -> float:
    return _done(life, "promotion")


@outcome("diplomatic steps in the covenant")
def _diplomacy(life: Life) -> float:
    return _done(life, "diplomacy")


@outcome("share of the plan carried out")
def _carried_out(life: Life) -> float:
    planned = sum(float(life.at(END - 1).clusters[f"plan_{module}"][0]) for module in MODULES)
    return sum(_done(life, module) for module in MODULES) / (planned + 1e-9)


@outcome("coordinators who left the covenant")
def _left(life: Life) -> float:
    return float(life.at(END - 1).clusters["coordinator"][0] < 0)


@outcome("covenant stopped at a checkpoint")
def _stopped(life: Life) -> float:
    return float(life.world.clusters.stopped[0])


@outcome("error of the last report")
def _error_of_report(life: Life) -> float:
    clusters = life.at(END - 2).clusters
    return float(abs(clusters["progress_reported"][0] - clusters["progress_true"][0]))


@outcome("distance between what members are told and the truth")
def _misinformed(life: Life) -> float:
    """Mean over the covenant."""
    told = life.series("clusters", "progress_told")[START:END]
    return float(np.abs(told - life.series("clusters", "progress_true")[START:END]).mean())


@outcome("applications turned down, share")
def _turned_down(life: Life) -> float:
    agency = life.world.agency
    return float(agency.rejections[0] / max(int(agency.applications[0]), 1))


@outcome("promise of the markets in which groups met")
def _promise(life: Life) -> float:
    """Demand times receptivity of the market, compared with all markets of that sector."""
    markets, n = life.world.markets, int(life.world.calendar.n_clusters[0])
    promise = np.log(markets.demand * markets.receptivity)
    of_sector = np.array([promise[markets.sector == sector].mean() for sector in markets.sector])
    chosen = life.world.clusters.market[:n]
    return float((promise - of_sector)[chosen].mean()) if n else 0.0


# --- situations -------------------------------------------------------------------------------------------------------

PLAIN: Final = FOCAL.with_levers(extension_allowed=0.0)
"""The focal covenant without extension, so that its end is known."""


def only_planned(module: str) -> Situation:
    """The focal covenant with eight activities of one kind in its plan, and none of other kinds."""
    situation = PLAIN
    for name in MODULES:
        planned = 8.0 if name == module else 0.0
        situation = situation.with_setting("clusters", f"plan_{name}", planned, GROUP, START + 1)
        situation = situation.with_setting("clusters", f"done_{name}", 0.0, GROUP, START + 1)
    return situation


def fee_expected(eur: float, quarter: int = 0) -> Situation:
    """The coordinator expects this fee; members pay what they pay."""
    return PLAIN.with_setting("coordinators", "expected_fee_eur", eur, (COORDINATOR,), quarter)


@dataclass(frozen=True)
class LedByKind(Situation):
    """Coordinators of one kind, equally skilled and as many in every world; those of other kinds gather no groups.

    Attributes:
        profession: the kind.
        how_many: how many of that kind gather groups.
    """

    profession: int = CONSULTANT
    how_many: int = 8

    def inputs(self, stratum: str, world: int) -> RunInputs:
        """As of any situation, with the first coordinators of the kind, found by founding the world once."""
        plain = super().inputs(stratum, world)
        store = build_world(plain, world)
        store.tables["calendar"]["until"] = 0
        driver_for()(store.compiled_world())
        kinds = store.tables["coordinators"]["profession"]
        chosen = np.flatnonzero(kinds == self.profession)[: self.how_many]
        if len(chosen) < self.how_many:
            raise ValueError(f"world {world} has {len(chosen)} coordinators of kind {self.profession}")
        absent = tuple(("coordinator", int(k)) for k in range(len(kinds)) if k not in chosen)
        return replace(plain, absent=(*plain.absent, *absent))


def _of_kind(profession: int) -> LedByKind:
    size = FORMING.with_size(n_coordinators=100).size
    situation = LedByKind(size=size, profession=profession)
    even = situation.with_setting("coordinators", "skill", 0.5).with_setting(
        "coordinators", "experience", 0.2
    )
    assert isinstance(even, LedByKind)
    return even


def experienced_desks(share: float, situation: Situation, *quarters: int) -> Situation:
    """The same with programme managers of this experience, set anew in these quarters."""
    for quarter in quarters:
        situation = situation.with_setting("desks", "experience", share, None, quarter)
    return situation


STALLED: Final = PLAIN.with_shock("war", 0.9, START + 1, END).with_levers(
    checkpoint_quarter=6.0, checkpoint_minimum_progress=0.5
)
"""War stalls the covenant; half-way, a checkpoint asks for half of the progress."""
NO_TRAVEL: Final = PLAIN.with_shock("travel_stop", 0.9, START + 1, END)
SCREENED: Final = FORMING.with_levers(feedback_rounds=2.0, selection_threshold_points=60.0)
"""Groups form and get feedback before they are judged."""
MANY_MARKETS: Final = FORMING.with_size(n_countries=8, n_markets=16, n_coordinators=24)


def supported(liaison: float, embassy: float, manager: float, situation: Situation = PLAIN) -> Situation:
    """Quality of the people who support the covenant, 0 to 1."""
    for column in ("network", "fit", "effort"):
        situation = situation.with_setting("liaisons", column, liaison)
    situation = situation.with_setting("liaisons", "price_eur_year", 15_000.0)
    situation = situation.with_setting("liaisons", "tied", 0.0)
    for column in ("standing", "expertise"):
        situation = situation.with_setting("embassies", column, embassy)
    return experienced_desks(manager, situation, START)


WEAK_SUPPORT: Final = supported(0.3, 0.3, 0.5)


# --- directions -------------------------------------------------------------------------------------------------------

PLANS: Final = (
    Direction(
        name="Members without relations get a plan of more missions than members whom nobody trusts",
        claims=("AP01",),
        kind="raises",
        base=PLAIN.with_edit("engagements", "relation", 0.8, quarter=START).with_edit(
            "engagements", "trust", 0.0, quarter=START
        ),
        changed=PLAIN.with_edit("engagements", "relation", 0.0, quarter=START).with_edit(
            "engagements", "trust", 0.8, quarter=START
        ),
        outcome="missions as a share of missions and knowledge exchange",
        carried_by="cluster.plan_activities",
        read_at="cluster.act",
    ),
    Direction(
        name="A market with a high barrier gets a plan with more diplomatic steps",
        claims=("AP01",),
        kind="raises",
        base=PLAIN.with_setting("markets", "barrier", 0.05, (MARKET,)),
        changed=PLAIN.with_setting("markets", "barrier", 0.8, (MARKET,)),
        outcome="diplomatic steps in the covenant",
        carried_by="cluster.plan_activities",
        read_at="cluster.act",
    ),
    Direction(
        name="A plan bent towards barriers brings fewer next steps than one made to measure",
        claims=("AP01",),
        kind="lowers",
        base=PLAIN,
        changed=PLAIN.with_levers(route_guidance=TO_BARRIERS),
        outcome="next steps of members that succeed",
        carried_by="cluster.plan_activities",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A plan bent towards contacts brings fewer next steps than one made to measure",
        claims=("AP01",),
        kind="lowers",
        base=PLAIN,
        changed=PLAIN.with_levers(route_guidance=TO_CONTACTS),
        outcome="next steps of members that succeed",
        carried_by="cluster.plan_activities",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Missions are carried out more often than knowledge exchange",
        claims=("AP05", "AP06"),
        kind="raises",
        base=only_planned("knowledge"),
        changed=only_planned("promotion"),
        outcome="share of the plan carried out",
        carried_by="cluster._luck_of_module",
        read_at="cluster.act",
    ),
    Direction(
        name="Missions are carried out more often than diplomatic steps",
        claims=("AP05",),
        kind="raises",
        base=only_planned("diplomacy"),
        changed=only_planned("promotion"),
        outcome="share of the plan carried out",
        carried_by="cluster._luck_of_module",
        read_at="cluster.act",
    ),
    Direction(
        name="Knowledge exchange is carried out less often than diplomatic steps",
        claims=("AP06",),
        kind="lowers",
        base=only_planned("diplomacy"),
        changed=only_planned("knowledge"),
        outcome="share of the plan carried out",
        carried_by="cluster._luck_of_module",
        read_at="cluster.act",
    ),
    Direction(
        name="Branding that is paid for builds trust in members",
        claims=("AP11",),
        kind="raises",
        # twice the money, half of it booked as branding already: the same is left for all else, nothing for branding
        base=PLAIN.with_setting("accounts", "committed_cents", 60_000_000, GROUP, START + 1).with_setting(
            "accounts", "branding_cents", 30_000_000, GROUP, START + 1
        ),
        changed=PLAIN,
        outcome="trust in members at the end of the covenant",
        carried_by="cluster._pay_branding",
        read_at="firm.take_part",
    ),
    Direction(
        name="Branding that is paid for makes more parties in the market aware",
        claims=("AP11",),
        kind="raises",
        base=PLAIN.with_setting("accounts", "committed_cents", 60_000_000, GROUP, START + 1).with_setting(
            "accounts", "branding_cents", 30_000_000, GROUP, START + 1
        ),
        changed=PLAIN,
        outcome="awareness at the end of the covenant",
        carried_by="cluster._pay_branding",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="A low budget in a dear country leaves fewer missions",
        claims=("AP15",),
        kind="lowers",
        base=PLAIN.with_setting("countries", "price_level", 1.0, (COUNTRY,)),
        changed=PLAIN.with_setting("countries", "price_level", 1.5, (COUNTRY,)).with_group(
            committed_eur=150_000.0
        ),
        outcome="missions in the covenant",
        carried_by="cluster.plan_activities",
        read_at="cluster.act",
    ),
    Direction(
        name="A low budget in a dear country leaves members with fewer contacts",
        claims=("AP15",),
        kind="lowers",
        base=PLAIN.with_setting("countries", "price_level", 1.0, (COUNTRY,)),
        changed=PLAIN.with_setting("countries", "price_level", 1.5, (COUNTRY,)).with_group(
            committed_eur=150_000.0
        ),
        outcome="contacts gained per member",
        carried_by="cluster.plan_activities",
        read_at="firm.take_part",
    ),
)

COORDINATORS: Final = (
    Direction(
        name="A coordinator paid by members alone gets less done",
        claims=("CO01",),
        kind="lowers",
        base=PLAIN.with_levers(coordinator_public_share=1.0),
        changed=PLAIN,
        outcome="activities done in the covenant",
        carried_by="coordinator.decide_to_stay",
        read_at="cluster.act",
    ),
    Direction(
        name="Members who pay their coordinator themselves gain fewer contacts",
        claims=("CO01",),
        kind="lowers",
        base=PLAIN.with_levers(coordinator_public_share=1.0),
        changed=PLAIN,
        outcome="contacts gained per member",
        carried_by="coordinator.decide_to_stay",
        read_at="firm.take_part",
    ),
    Direction(
        name="A dispute over pay makes the coordinator leave",
        claims=("CO02",),
        kind="raises",
        base=fee_expected(15_000.0),
        changed=fee_expected(15_000.0).with_setting(
            "coordinators", "expected_fee_eur", 120_000.0, (COORDINATOR,), START + 1
        ),
        outcome="coordinators who left the covenant",
        carried_by="coordinator._underpaid_share",
        read_at="coordinator.decide_to_stay",
    ),
    Direction(
        name="After a dispute over pay fewer visits are made",
        claims=("CO02",),
        kind="lowers",
        base=fee_expected(15_000.0),
        changed=fee_expected(15_000.0).with_setting(
            "coordinators", "expected_fee_eur", 120_000.0, (COORDINATOR,), START + 1
        ),
        outcome="missions in the covenant",
        carried_by="coordinator.decide_to_stay",
        read_at="cluster.act",
    ),
    Direction(
        name="A fee that is not agreed on and comes in partly costs effort",
        claims=("CO03",),
        kind="lowers",
        base=fee_expected(10_000.0),
        changed=fee_expected(35_000.0),
        outcome="activities done in the covenant",
        carried_by="coordinator.towards_pay",
        read_at="cluster.act",
    ),
    Direction(
        name="Trade organisations bring more firms into their groups than consultants do",
        claims=("CO05",),
        kind="raises",
        base=_of_kind(CONSULTANT),
        changed=_of_kind(TRADE_ORGANISATION),
        outcome="firms that joined a group",
        carried_by="coordinator.set_up_practice",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="The less members tell their coordinator, the further the last report is off",
        claims=("CO08",),
        kind="raises",
        base=STALLED.with_levers(checkpoint_quarter=0.0, progress_information_share=0.9),
        changed=STALLED.with_levers(checkpoint_quarter=0.0, progress_information_share=0.2),
        outcome="error of the last report",
        carried_by="coordinator.reported",
        read_at="coordinator.report_progress",
    ),
    Direction(
        name="A coordinator who passes on half of what is known costs members contacts",
        claims=("CO09",),
        kind="lowers",
        base=PLAIN.with_setting("clusters", "fidelity", 1.0, GROUP, START),
        changed=PLAIN.with_setting("clusters", "fidelity", 0.4, GROUP, START),
        outcome="contacts gained per member",
        carried_by="firm.informed_share",
        read_at="firm.take_part",
    ),
    Direction(
        name="A coordinator who passes on half of what is known costs members next steps",
        claims=("CO09",),
        kind="lowers",
        base=PLAIN.with_setting("clusters", "fidelity", 1.0, GROUP, START),
        changed=PLAIN.with_setting("clusters", "fidelity", 0.4, GROUP, START),
        outcome="next steps of members that succeed",
        carried_by="firm.informed_share",
        read_at="firm.follow_up",
    ),
    Direction(
        name="What a coordinator does not pass on leaves members with another picture than the truth",
        claims=("CO09",),
        kind="raises",
        base=PLAIN.with_setting("clusters", "fidelity", 1.0, GROUP, START),
        changed=PLAIN.with_setting("clusters", "fidelity", 0.4, GROUP, START),
        outcome="distance between what members are told and the truth",
        carried_by="coordinator.set_up_practice",
        read_at="coordinator.inform_members",
    ),
    Direction(
        name="Members who are told less of what the group achieves leave it more often",
        claims=("CO09",),
        kind="lowers",
        base=PLAIN.with_setting("clusters", "fidelity", 1.0, GROUP, START),
        changed=PLAIN.with_setting("clusters", "fidelity", 0.4, GROUP, START),
        outcome="share of members that stay to the end of the covenant",
        carried_by="coordinator.inform_members",
        read_at="firm.decide_to_remain",
    ),
    Direction(
        name="Memoranda signed by a trade organisation bring its members next steps",
        claims=("CO06",),
        kind="raises",
        base=PLAIN.with_setting("coordinators", "profession", CONSULTANT, (COORDINATOR,)),
        changed=PLAIN.with_setting("coordinators", "profession", TRADE_ORGANISATION, (COORDINATOR,)),
        outcome="next steps of members that succeed",
        carried_by="cluster.sign_memorandum",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Where all members take part more of the plan is carried out",
        claims=("CO10",),
        kind="raises",
        base=PLAIN.with_edit("memberships", "commitment", 0.4, quarter=START),
        changed=PLAIN.with_edit("memberships", "commitment", 0.9, quarter=START),
        outcome="share of the plan carried out",
        carried_by="cluster.take_stock",
        read_at="cluster.act",
    ),
    Direction(
        name="People who work together and members who all take part bring next steps",
        claims=("CO10",),
        kind="raises",
        base=WEAK_SUPPORT.with_setting("clusters", "coordinator_quality", 0.3, GROUP, START).with_edit(
            "memberships", "commitment", 0.4, quarter=START
        ),
        changed=supported(0.8, 0.8, 0.9)
        .with_setting("clusters", "coordinator_quality", 0.9, GROUP, START)
        .with_edit("memberships", "commitment", 0.9, quarter=START),
        outcome="next steps of members that succeed",
        carried_by="firm.take_part",
        read_at="firm.follow_up",
    ),
)

MANAGERS: Final = (
    Direction(
        name="Feedback by experienced managers lets more plans pass",
        claims=("PM01",),
        kind="lowers",
        base=experienced_desks(0.0, SCREENED, *range(0, 20, 2)),
        changed=experienced_desks(1.0, SCREENED, *range(0, 20, 2)),
        outcome="applications turned down, share",
        carried_by="agency._give_feedback",
        read_at="agency.assess",
    ),
    Direction(
        name="Experienced managers point groups to better markets",
        claims=("PM01",),
        kind="raises",
        base=experienced_desks(0.0, MANY_MARKETS, *range(0, 20, 2)),
        changed=experienced_desks(1.0, MANY_MARKETS, *range(0, 20, 2)),
        outcome="promise of the markets in which groups met",
        carried_by="agency.signal_chance",
        read_at="coordinator.notice_opportunity",
    ),
    Direction(
        name="Where managers leave and hand nothing over, more plans fail",
        claims=("PM02",),
        kind="raises",
        base=experienced_desks(0.9, SCREENED, 0).with_levers(knowledge_handover_share=1.0),
        changed=experienced_desks(0.9, SCREENED, 0).with_levers(knowledge_handover_share=0.0),
        outcome="applications turned down, share",
        carried_by="agency.change_managers",
        read_at="agency.assess",
    ),
    Direction(
        name="Managers with too many covenants let more plans fail",
        claims=("PM05", "PM06"),
        kind="raises",
        base=experienced_desks(0.9, SCREENED, 0).with_levers(covenants_per_manager=5.0),
        changed=experienced_desks(0.9, SCREENED, 0).with_levers(covenants_per_manager=30.0),
        outcome="applications turned down, share",
        carried_by="agency.desk_help",
        read_at="agency.assess",
    ),
    Direction(
        name="Managers with too many covenants keep less going when travel stops",
        claims=("PM05", "PM06"),
        kind="lowers",
        base=experienced_desks(0.9, NO_TRAVEL, START).with_levers(covenants_per_manager=5.0),
        changed=experienced_desks(0.9, NO_TRAVEL, START).with_levers(covenants_per_manager=30.0),
        outcome="share of the plan carried out",
        carried_by="agency.desk_help",
        read_at="cluster.act",
    ),
    Direction(
        name="Without a view of progress a stalled covenant is not stopped",
        claims=("PM03",),
        kind="lowers",
        base=STALLED.with_levers(progress_information_share=1.0),
        changed=STALLED.with_levers(progress_information_share=0.1),
        outcome="covenant stopped at a checkpoint",
        carried_by="coordinator.report_progress",
        read_at="cluster.steer",
    ),
    Direction(
        name="When travel stops, flexible managers keep more of the plan going",
        claims=("PM04",),
        kind="raises",
        base=experienced_desks(0.1, NO_TRAVEL, START),
        changed=experienced_desks(1.0, NO_TRAVEL, START),
        outcome="share of the plan carried out",
        carried_by="cluster._promote",
        read_at="cluster.measure_progress",
    ),
    Direction(
        name="When travel stops, flexible managers keep the group in view",
        claims=("PM04",),
        kind="raises",
        base=experienced_desks(0.1, NO_TRAVEL, START),
        changed=experienced_desks(1.0, NO_TRAVEL, START),
        outcome="awareness at the end of the covenant",
        carried_by="cluster._promote",
        read_at="market.gain_awareness",
    ),
    Direction(
        name="A good liaison, a good embassy and a good manager together bring next steps",
        claims=("PM06",),
        kind="raises",
        base=WEAK_SUPPORT,
        changed=supported(0.8, 0.8, 1.0),
        outcome="next steps of members that succeed",
        carried_by="cluster.receive_support",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A better liaison alone brings next steps",
        claims=("PM06",),
        kind="raises",
        base=WEAK_SUPPORT,
        changed=supported(0.8, 0.3, 0.5),
        outcome="next steps of members that succeed",
        carried_by="cluster.receive_support",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A better embassy alone brings next steps",
        claims=("PM06",),
        kind="raises",
        base=WEAK_SUPPORT,
        changed=supported(0.3, 0.8, 0.5),
        outcome="next steps of members that succeed",
        carried_by="cluster.receive_support",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A better manager alone gets more of a plan carried out in ordinary times",
        claims=("PM06",),
        kind="raises",
        base=experienced_desks(0.0, WEAK_SUPPORT, START, START + 4, START + 8),
        changed=experienced_desks(1.0, WEAK_SUPPORT, START, START + 4, START + 8),
        outcome="activities done in the covenant",
        carried_by="cluster.act",
        read_at="cluster.measure_progress",
    ),
)

DIRECTIONS: Final = (*PLANS, *COORDINATORS, *MANAGERS)
