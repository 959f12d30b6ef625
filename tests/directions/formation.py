"""Directions of forming a group and of selection (claims CF and SE)."""

from __future__ import annotations

from typing import Final

import numpy as np
from tests.directions.lab import COUNTRY, END, FOCAL, FORMING, MARKET, START, Life, covenants, outcome
from tests.directions.registry import Direction

from passaat.model.status import READY

# --- situations -------------------------------------------------------------------------------------------------------

APPLYING: Final = (
    FOCAL.with_setting("clusters", "status", READY, (0,), START)
    .with_setting("clusters", "start_quarter", -1, (0,), START)
    .with_setting("accounts", "committed_cents", 0, (0,), START)
)
"""The focal group has gathered and writes its application in quarter 4; if granted, it starts in quarter 5."""

ALIKE: Final = FOCAL.with_group(agreement=True).with_edit("firms", "chain_position", 0.0)
"""All members stand in one place of the chain, and agreements took rivalry away: nothing links them."""

LINKED: Final = FOCAL.with_group(agreement=True).with_edit("firms", "chain_position", 0.0, 0.15, 0.3, 0.45)
"""Members stand next to each other in one half of the chain."""

FAR_APART: Final = FOCAL.with_group(agreement=True).with_edit("firms", "chain_position", 0.0, 1.0)
"""Two product groups at the two ends of the chain."""

TWO_GROUPS: Final = FOCAL.with_group(agreement=True).with_edit(
    "firms", "chain_position", 0.0, 0.85, 0.15, 1.0
)
"""Two product groups near the ends of the chain, linked within but not between."""

RIVALS: Final = FOCAL.with_group(agreement=False).with_edit("firms", "chain_position", 0.5)
"""All members offer the same, and nothing was agreed beforehand."""

ONLY_SMES: Final = FOCAL.with_group(n_institutes=0, n_large=0)
"""Only SMEs, so that groups of different size are of one composition."""

NEWCOMERS: Final = FOCAL.with_edit("firms", "experience", 0.1)
"""No member has much experience abroad."""

BOTH_EMBASSIES: Final = (
    FORMING.with_setting("embassies", "expertise", 1.0)
    .with_setting("markets", "demand", 1.0)
    .with_setting("markets", "receptivity", 0.6)
)
ONE_EMBASSY: Final = BOTH_EMBASSIES.without(("embassy", 1))
NO_SIGNALS: Final = ONE_EMBASSY.without(("embassy", COUNTRY))
"""Markets that promise the same, so that coordinators go by taste and by what expert embassies point out."""

SAME_START: Final = FOCAL.with_edit("engagements", "contacts", 2.0, quarter=START).with_edit(
    "engagements", "relation", 0.25, quarter=START
)
MIXED_START: Final = FOCAL.with_edit("engagements", "contacts", 0.0, 4.0, quarter=START).with_edit(
    "engagements", "relation", 0.0, 0.5, quarter=START
)
"""All members begin half way, or one half with nothing and the other twice as far; the mean is the same."""


# --- outcomes ---------------------------------------------------------------------------------------------------------


@outcome("knowledge exchange done in the covenant")
def _knowledge_done(life: Life) -> float:
    return float(life.at(END - 1).clusters["done_knowledge"][0])


@outcome("next steps of the first eight members that succeed")
def _steps_of_eight(life: Life) -> float:
    engagements, e = life.world.engagements, life.members[:8]
    return float((engagements.steps_full[e] + engagements.steps_partly[e]).mean())


@outcome("next steps of the first four members that succeed")
def _steps_of_four(life: Life) -> float:
    engagements, e = life.world.engagements, life.members[:4]
    return float((engagements.steps_full[e] + engagements.steps_partly[e]).mean())


@outcome("knowledge of the first four members at the end of the covenant")
def _knowledge_of_four(life: Life) -> float:
    return float(life.at(END - 1).engagements["knowledge"][life.members[:4]].mean())


@outcome("next steps of every second member that succeed")
def _steps_of_second(life: Life) -> float:
    engagements, e = life.world.engagements, life.members[1::2]
    return float((engagements.steps_full[e] + engagements.steps_partly[e]).mean())


@outcome("contacts of every second member a year after the covenant")
def _contacts_of_second(life: Life) -> float:
    return float(life.at(END + 3).engagements["contacts"][life.members[1::2]].mean())


@outcome("spread of members' waiting times for a first success")
def _spread_of_waits(life: Life) -> float:
    """Standard deviation over members of the quarters until a next step succeeds; never counts as the whole run."""
    steps = life.series("engagements", "steps_full", life.members)
    steps = steps + life.series("engagements", "steps_partly", life.members)
    waits = (steps[START:] == steps[START - 1]).sum(axis=0)
    return float(waits.std())


@outcome("unevenness of members' contacts")
def _unevenness(life: Life) -> float:
    """Variation coefficient of contacts gained, for what each member puts in."""
    memberships = life.world.memberships
    gained = memberships.contacts_gained[life.rows] / memberships.commitment[life.rows]
    return float(gained.std() / gained.mean()) if gained.mean() > 0.0 else 0.0


@outcome("share of next steps taken by the two most successful members")
def _concentration(life: Life) -> float:
    engagements, e = life.world.engagements, life.members
    steps = np.sort(engagements.steps_full[e] + engagements.steps_partly[e])
    return float((steps[-2:].sum() + 0.25) / (steps.sum() + 1.0))


@outcome("score of the application")
def _score(life: Life) -> float:
    return float(life.world.clusters.score[0])


@outcome("application granted")
def _granted(life: Life) -> float:
    return float(life.world.clusters.start_quarter[0] > START)


@outcome("money awarded")
def _awarded(life: Life) -> float:
    return float(life.at(START + 1).accounts["committed_cents"][0] / 1.0e7)


@outcome("fillers among those who joined")
def _fillers(life: Life) -> float:
    joined = life.world.memberships.commitment > 0.0
    return float(life.world.memberships.filler[joined].sum())


@outcome("SMEs that joined a group")
def _smes_joined(life: Life) -> float:
    world = life.world
    joined = world.memberships.commitment > 0.0
    return float(world.firms.sme[world.engagements.firm[world.memberships.engagement[joined]]].sum())


@outcome("firms that joined a group in the focal country")
def _joined_in_country(life: Life) -> float:
    clusters = life.world.clusters
    here = life.world.markets.country[clusters.market] == COUNTRY
    return float(clusters.n_joined[here].sum())


@outcome("firms that joined a group in the focal market")
def _joined_in_market(life: Life) -> float:
    clusters = life.world.clusters
    return float(clusters.n_joined[clusters.market == MARKET].sum())


@outcome("covenants started in blocked markets")
def _in_blocked(life: Life) -> float:
    rows = covenants(life)
    return float(life.world.markets.blocking[life.world.clusters.market[rows]].sum())


@outcome("partnerships of all firms")
def _all_partnerships(life: Life) -> float:
    engagements = life.world.engagements
    return float((engagements.steps_full + engagements.steps_partly).mean())


# --- forming a group --------------------------------------------------------------------------------------------------

_FORMING = (
    Direction(
        name="With the programme more firms come together in groups",
        claims=("CF01",),
        kind="raises",
        base=FORMING.with_levers(programme_on=0.0),
        changed=FORMING,
        outcome="firms that joined a group",
        carried_by="coordinator.notice_opportunity",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="With the programme firms take steps that they would not take alone",
        claims=("CF01",),
        kind="raises",
        base=FORMING.with_levers(programme_on=0.0),
        changed=FORMING,
        outcome="partnerships of all firms",
        carried_by="coordinator.notice_opportunity",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Where markets have room for every member, more firms put a shared interest first and join",
        claims=("CF02",),
        kind="raises",
        base=FORMING.with_setting("markets", "demand", 0.4),
        changed=FORMING.with_setting("markets", "demand", 2.5),
        outcome="firms that joined a group",
        carried_by="firm._pull_of_market",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="Members whose offers complement each other exchange more knowledge than members who are alike",
        claims=("CF03",),
        kind="raises",
        base=ALIKE,
        changed=LINKED,
        outcome="knowledge of members at the end of the covenant",
        carried_by="cluster.cohesion_at_start",
        read_at="firm.take_part",
    ),
    Direction(
        name="Members whose offers complement each other stay together longer than members who are alike",
        claims=("CF03",),
        kind="raises",
        base=ALIKE,
        changed=LINKED,
        outcome="share of members that stay to the end of the covenant",
        carried_by="cluster.cohesion_at_start",
        read_at="firm.decide_to_remain",
    ),
    Direction(
        name="Members who pursue their own interest leave their coordinator badly paid, and coordination slips",
        claims=("CF04",),
        kind="lowers",
        base=FOCAL.with_edit("memberships", "commitment", 0.9, quarter=START),
        changed=FOCAL.with_edit("memberships", "commitment", 0.3, quarter=START),
        outcome="quality of coordination at the end of the covenant",
        carried_by="cluster.take_stock",
        read_at="coordinator.decide_to_stay",
    ),
    Direction(
        name="Firms that keep to themselves join groups less",
        claims=("CF04",),
        kind="lowers",
        base=FORMING.with_setting("firms", "sharing", 1.0),
        changed=FORMING.with_setting("firms", "sharing", 0.0),
        outcome="firms that joined a group",
        carried_by="firm._weight_of_rivals",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="Where half of the members go their own way, successes end up with few",
        claims=("CF04",),
        kind="raises",
        base=FOCAL.with_edit("memberships", "commitment", 0.55, quarter=START),
        changed=FOCAL.with_edit("memberships", "commitment", 0.95, 0.15, quarter=START),
        outcome="share of next steps taken by the two most successful members",
        carried_by="firm.active_part",
        read_at="firm.follow_up",
    ),
    Direction(
        name="The same four members get further in a group of twelve, for the same money",
        claims=("CF05",),
        kind="raises",
        base=ONLY_SMES.with_group(n_members=4),
        changed=ONLY_SMES.with_group(n_members=12),
        outcome="next steps of the first four members that succeed",
        carried_by="coordinator.decide_to_stay",
        read_at="firm.follow_up",
    ),
    Direction(
        name="The same four members get further when twelve apply than when four do",
        claims=("CF05",),
        kind="raises",
        base=APPLYING.with_group(n_members=4, n_institutes=0, n_large=0),
        changed=APPLYING.with_group(n_members=12, n_institutes=0, n_large=0),
        outcome="next steps of the first four members that succeed",
        carried_by="coordinator.write_application",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A higher minimum of members brings in more fillers",
        claims=("CF06",),
        kind="raises",
        base=FORMING.with_levers(minimum_members=4.0),
        changed=FORMING.with_levers(minimum_members=9.0),
        outcome="fillers among those who joined",
        carried_by="firm.consider_joining",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="Three fillers on top leave the other members as strong as they were",
        claims=("CF07",),
        kind="no effect",
        base=FOCAL,
        changed=FOCAL.with_group(n_members=11, n_fillers=3),
        outcome="next steps of the first eight members that succeed",
        carried_by="cluster.settle_membership",
        read_at="firm.follow_up",
        margin=0.2,
    ),
    Direction(
        name="Fillers in the place of members cost the others part of the shared work",
        claims=("CF08",),
        kind="lowers",
        base=FOCAL,
        changed=FOCAL.with_group(n_fillers=4),
        outcome="knowledge of the first four members at the end of the covenant",
        carried_by="cluster.warm_up_cohesion",
        read_at="firm.take_part",
    ),
    Direction(
        name="Members with little commitment drop out more",
        claims=("CF08",),
        kind="lowers",
        base=FOCAL.with_edit("memberships", "commitment", 0.9, quarter=START),
        changed=FOCAL.with_edit("memberships", "commitment", 0.3, quarter=START),
        outcome="members at the end of the covenant",
        carried_by="firm.decide_to_remain",
        read_at="cluster.take_stock",
    ),
    Direction(
        name="Members that start from unequal positions have diverging lead times",
        claims=("CF09",),
        kind="raises",
        base=SAME_START,
        changed=MIXED_START,
        outcome="spread of members' waiting times for a first success",
        carried_by="firm._start_position",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members that start from unequal positions get less far together, for the same mean start",
        claims=("CF09",),
        kind="lowers",
        base=SAME_START,
        changed=MIXED_START,
        outcome="next steps of members that succeed in the covenant",
        carried_by="firm._start_position",
        read_at="firm.follow_up",
    ),
    Direction(
        name="A group spread over the whole chain exchanges less knowledge than one in half of the chain",
        claims=("CF09",),
        kind="lowers",
        base=LINKED,
        changed=FOCAL.with_group(agreement=True).with_edit("firms", "chain_position", 0.0, 0.33, 0.67, 1.0),
        outcome="knowledge of members at the end of the covenant",
        carried_by="cluster.relevance",
        read_at="firm.take_part",
    ),
    Direction(
        name="Two product groups in one cluster act together less than one product group",
        claims=("CF10",),
        kind="lowers",
        base=LINKED,
        changed=TWO_GROUPS,
        outcome="knowledge exchange done in the covenant",
        carried_by="cluster.relevance",
        read_at="cluster.act",
    ),
    Direction(
        name="Events of two product groups in one cluster concern only some, so members get less far",
        claims=("CF10",),
        kind="lowers",
        base=LINKED,
        changed=TWO_GROUPS,
        outcome="next steps of members that succeed",
        carried_by="cluster.relevance",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Members without a common link take less from the experience of others, without any rivalry",
        claims=("CF11",),
        kind="lowers",
        base=LINKED.with_edit("firms", "experience", 0.9, 0.1),
        changed=FAR_APART.with_edit("firms", "experience", 0.9, 0.1),
        outcome="contacts of every second member a year after the covenant",
        carried_by="cluster.judge_fit",
        read_at="firm.fade",
    ),
    Direction(
        name="Rivals who made agreements beforehand exchange more knowledge",
        claims=("CF13",),
        kind="raises",
        base=RIVALS,
        changed=RIVALS.with_group(agreement=True),
        outcome="knowledge of members at the end of the covenant",
        carried_by="cluster.cohesion_at_start",
        read_at="firm.take_part",
    ),
    Direction(
        name="Rivals who made agreements beforehand stay together",
        claims=("CF13",),
        kind="raises",
        base=RIVALS,
        changed=RIVALS.with_group(agreement=True),
        outcome="share of members that stay to the end of the covenant",
        carried_by="cluster.cohesion_at_start",
        read_at="firm.decide_to_remain",
    ),
    Direction(
        name="The plan of members who cover the whole chain is rated better",
        claims=("CF14",),
        kind="raises",
        base=APPLYING.with_group(agreement=True).with_edit("firms", "chain_position", 0.5),
        changed=APPLYING.with_group(agreement=True).with_edit(
            "firms", "chain_position", 0.0, 0.14, 0.29, 0.43, 0.57, 0.71, 0.86, 1.0
        ),
        outcome="score of the application",
        carried_by="cluster.judge_fit",
        read_at="agency.assess",
    ),
    Direction(
        name="Newcomers beside experienced members keep more contacts",
        claims=("CF15",),
        kind="raises",
        base=NEWCOMERS,
        changed=NEWCOMERS.with_edit("firms", "experience", 0.9, 0.1),
        outcome="contacts of every second member a year after the covenant",
        carried_by="firm.experience_lent",
        read_at="firm.fade",
    ),
    Direction(
        name="Newcomers beside experienced members take more next steps",
        claims=("CF15",),
        kind="raises",
        base=NEWCOMERS,
        changed=NEWCOMERS.with_edit("firms", "experience", 0.9, 0.1),
        outcome="next steps of every second member that succeed",
        carried_by="firm.experience_lent",
        read_at="firm.follow_up",
    ),
    Direction(
        name="Assessors rate the application of four members lower than that of ten",
        claims=("CF16",),
        kind="lowers",
        base=APPLYING.with_group(n_members=10, n_institutes=0, n_large=0),
        changed=APPLYING.with_group(n_members=4, n_institutes=0, n_large=0),
        outcome="score of the application",
        carried_by="cluster.judge_fit",
        read_at="agency.assess",
    ),
    Direction(
        name="Four members are awarded less money than ten",
        claims=("CF16",),
        kind="lowers",
        base=APPLYING.with_group(n_members=10, n_institutes=0, n_large=0),
        changed=APPLYING.with_group(n_members=4, n_institutes=0, n_large=0),
        outcome="money awarded",
        carried_by="coordinator.write_application",
        read_at="agency.assess",
    ),
    Direction(
        name="Where entry is costly and barriers are high, more SMEs join groups",
        claims=("CF17",),
        kind="raises",
        base=FORMING.with_setting("countries", "price_level", 0.7).with_setting("markets", "barrier", 0.1),
        changed=FORMING.with_setting("countries", "price_level", 1.4).with_setting("markets", "barrier", 0.7),
        outcome="SMEs that joined a group",
        carried_by="firm._pull_of_access",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="Where fairs are dear, more SMEs join groups that share them",
        claims=("CF19",),
        kind="raises",
        base=FORMING.with_setting("countries", "price_level", 0.6),
        changed=FORMING.with_setting("countries", "price_level", 1.4),
        outcome="SMEs that joined a group",
        carried_by="firm._pull_of_access",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="Where the host country wants what members offer, more firms come together",
        claims=("CF24",),
        kind="raises",
        base=FORMING.with_setting("markets", "receptivity", 0.4),
        changed=FORMING.with_setting("markets", "receptivity", 0.9),
        outcome="firms that joined a group",
        carried_by="firm._pull_of_market",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="Where the host country wants what members offer, more groups make it to a covenant",
        claims=("CF24",),
        kind="raises",
        base=FORMING.with_setting("markets", "receptivity", 0.4),
        changed=FORMING.with_setting("markets", "receptivity", 0.9),
        outcome="covenants started",
        carried_by="firm._pull_of_market",
        read_at="agency.assess",
    ),
    Direction(
        name="More firms come together in a country with an embassy that points out chances",
        claims=("CF20",),
        kind="raises",
        base=NO_SIGNALS,
        changed=ONE_EMBASSY,
        outcome="firms that joined a group in the focal country",
        carried_by="embassy.signal_opportunity",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="More firms come together where embassies point out chances than where none does",
        claims=("CF20",),
        kind="raises",
        base=NO_SIGNALS,
        changed=BOTH_EMBASSIES,
        outcome="firms that joined a group",
        carried_by="embassy.signal_opportunity",
        read_at="cluster.settle_membership",
    ),
)

# --- selection --------------------------------------------------------------------------------------------------------

_SELECTION = (
    Direction(
        name="Of plans made with the agency fewer are rejected",
        claims=("SE01",),
        kind="raises",
        base=APPLYING.with_levers(feedback_rounds=0.0),
        changed=APPLYING.with_levers(feedback_rounds=3.0),
        outcome="application granted",
        carried_by="agency._give_feedback",
        read_at="agency.assess",
    ),
    Direction(
        name="More criteria keep SMEs out",
        claims=("SE02",),
        kind="lowers",
        base=FORMING.with_levers(selection_criteria=8.0),
        changed=FORMING.with_levers(selection_criteria=25.0),
        outcome="SMEs that joined a group",
        carried_by="firm._weight_of_paper",
        read_at="cluster.settle_membership",
    ),
    Direction(
        name="Points for a theme of policy draw activities away from members' bottlenecks",
        claims=("SE03",),
        kind="lowers",
        base=FOCAL.with_setting("markets", "priority", 1.0, (MARKET,)).with_levers(priority_bonus_points=0.0),
        changed=FOCAL.with_setting("markets", "priority", 1.0, (MARKET,)).with_levers(
            priority_bonus_points=10.0
        ),
        outcome="contacts gained per member",
        carried_by="cluster.plan_activities",
        read_at="firm.take_part",
    ),
    Direction(
        name="Where a path for every bottleneck need not be shown, more covenants start in markets that block",
        claims=("SE05",),
        kind="raises",
        base=FORMING.with_setting("markets", "blocking", 1.0, (0, 2)).with_levers(
            bottleneck_path_required=1.0
        ),
        changed=FORMING.with_setting("markets", "blocking", 1.0, (0, 2)).with_levers(
            bottleneck_path_required=0.0
        ),
        outcome="covenants started in blocked markets",
        carried_by="coordinator.write_application",
        read_at="agency.assess",
    ),
    Direction(
        name="Where liaisons employed by a member are barred, contacts are spread more evenly",
        claims=("SE06",),
        kind="lowers",
        base=FOCAL.with_setting("liaisons", "tied", 1.0, (0, 1))
        .with_setting("liaisons", "tied", 0.0, (2,))
        .with_levers(liaison_independent=0.0),
        changed=FOCAL.with_setting("liaisons", "tied", 1.0, (0, 1))
        .with_setting("liaisons", "tied", 0.0, (2,))
        .with_levers(liaison_independent=1.0),
        outcome="unevenness of members' contacts",
        carried_by="market._may_take",
        read_at="firm.take_part",
    ),
    Direction(
        name="In a growing market the application is rated better",
        claims=("SE08",),
        kind="raises",
        base=APPLYING,
        changed=APPLYING.with_shock("demand_boom", 0.5, 2, 8),
        outcome="score of the application",
        carried_by="coordinator.write_application",
        read_at="agency.assess",
    ),
)

DIRECTIONS: Final = (*_FORMING, *_SELECTION)
