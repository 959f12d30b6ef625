"""The tables of the world: every state variable with its type, unit and meaning.

A world is a ``NamedTuple`` of tables. Indices point to rows of other tables; -1 means none. Quarters count from the
start of the run. Money is held in whole cents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from passaat.model.kernel.columns import Column, FloatColumn, IntColumn
from passaat.model.lever_table import Levers
from passaat.model.parameter_table import Parameters

if TYPE_CHECKING:
    from passaat.model.inputs import RunInputs


class Firms(NamedTuple):
    """One row per firm, company or knowledge institute."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    sector: Annotated[IntColumn, Column("index", "sector, -1 for a firm outside every sector")]
    institute: Annotated[IntColumn, Column("yes/no", "a knowledge institute taking part, not a company")]
    sme: Annotated[IntColumn, Column("yes/no", "fewer than 250 employees")]
    size_class: Annotated[IntColumn, Column("class", "0 micro, 1 small, 2 medium, 3 large")]
    turnover_eur: Annotated[FloatColumn, Column("EUR/year", "yearly turnover")]
    chain_position: Annotated[
        FloatColumn, Column("share", "place along the value chain, 0 upstream to 1 downstream")
    ]
    distinctiveness: Annotated[FloatColumn, Column("share", "how much the offer stands out")]
    development: Annotated[
        FloatColumn, Column("share", "level of market development that the product is made for")
    ]
    sharing: Annotated[FloatColumn, Column("share", "willingness to share knowledge and contacts")]
    experience: Annotated[FloatColumn, Column("share", "experience with foreign markets")]
    capacity: Annotated[FloatColumn, Column("share", "time and money to follow up (slagkracht)")]
    burdens: Annotated[IntColumn, Column("count", "clusters the firm takes part in this quarter")]
    free_capacity: Annotated[FloatColumn, Column("share", "capacity left per engagement this quarter")]
    interrupted_until: Annotated[
        IntColumn, Column("quarter", "quarter until which a change of strategy or team stops all follow-up")
    ]
    strategy_changes: Annotated[IntColumn, Column("count", "changes of strategy or team so far")]
    last_coordinator: Annotated[IntColumn, Column("index", "coordinator the firm last worked with, -1 none")]
    last_cohesion: Annotated[
        FloatColumn, Column("share", "cohesion of the last cluster the firm belonged to")
    ]
    last_end_quarter: Annotated[IntColumn, Column("quarter", "quarter in which that cluster ended")]


class Engagements(NamedTuple):
    """One row per firm and market that the firm considers; row = firm x markets_per_firm + place."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    firm: Annotated[IntColumn, Column("index", "the firm")]
    market: Annotated[
        IntColumn, Column("index", "the market, -1 where the firm's sector has too few markets")
    ]
    cluster: Annotated[
        IntColumn, Column("index", "cluster in this market of which the firm is a member, -1 none")
    ]
    membership: Annotated[IntColumn, Column("index", "row of that membership, -1 none")]
    wish: Annotated[IntColumn, Column("index", "cluster the firm offers to join, -1 none")]
    wish_as_filler: Annotated[IntColumn, Column("yes/no", "the firm would join only for single activities")]
    interest: Annotated[
        FloatColumn, Column("log-odds", "interest in the group considered last, the firm's own luck included")
    ]
    knowledge: Annotated[FloatColumn, Column("share", "knowledge of the market")]
    contacts: Annotated[FloatColumn, Column("contacts", "contacts with market parties that are alive")]
    relation: Annotated[
        FloatColumn, Column("share", "bond with parties in the market (bottleneck of route 1)")
    ]
    trust: Annotated[
        FloatColumn, Column("share", "awareness of and trust in this firm (bottleneck of route 2)")
    ]
    permits: Annotated[
        FloatColumn,
        Column("share", "part of the market's barrier that this firm has passed (bottleneck of route 3)"),
    ]
    support: Annotated[
        FloatColumn, Column("share", "help by liaison and embassy that reached the firm this quarter")
    ]
    attention: Annotated[FloatColumn, Column("share", "attention the firm gives this market this quarter")]
    funded_capacity: Annotated[
        FloatColumn, Column("share", "capacity paid by follow-up support this quarter")
    ]
    stage: Annotated[
        IntColumn,
        Column("stage", "0 none, 1 contact, 2 relation, 3 partnership, 4 contract, 5 sustained export"),
    ]
    step_open: Annotated[IntColumn, Column("yes/no", "a next step is under way")]
    best_stage: Annotated[IntColumn, Column("stage", "furthest stage ever reached")]
    steps_full: Annotated[IntColumn, Column("count", "next steps that succeeded")]
    steps_partly: Annotated[IntColumn, Column("count", "next steps that succeeded in part")]
    steps_lapsed: Annotated[IntColumn, Column("count", "next steps that lapsed")]
    stayed_out: Annotated[
        IntColumn,
        Column(
            "class", "1 the firm concluded that the market is not worth it, 2 it did so once and looks again"
        ),
    ]
    presence: Annotated[IntColumn, Column("yes/no", "the firm has a local branch")]
    contracts: Annotated[IntColumn, Column("count", "contracts won")]
    first_contract_quarter: Annotated[IntColumn, Column("quarter", "quarter of the first contract, -1 none")]
    delivery_cents_per_quarter: Annotated[
        IntColumn, Column("cents/quarter", "deliveries under the running contract")
    ]
    delivery_quarters_left: Annotated[IntColumn, Column("quarters", "quarters of delivery still to come")]
    selling_since_quarter: Annotated[
        IntColumn,
        Column("quarter", "quarter in which the latest unbroken sales began, below zero in the past"),
    ]
    exports_cents: Annotated[IntColumn, Column("cents", "exports this quarter")]
    exports_since_window_cents: Annotated[
        IntColumn, Column("cents", "exports since the first year of the window")
    ]


class Markets(NamedTuple):
    """One row per market, a sector in a country."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    sector: Annotated[IntColumn, Column("index", "sector")]
    country: Annotated[IntColumn, Column("index", "country")]
    demand: Annotated[FloatColumn, Column("ratio", "size of demand, 1 for an average market")]
    growth: Annotated[FloatColumn, Column("per year", "trend growth of demand")]
    receptivity: Annotated[FloatColumn, Column("share", "receptivity to the Dutch approach")]
    barrier: Annotated[FloatColumn, Column("share", "incremental trade barrier still in the way")]
    blocking: Annotated[IntColumn, Column("yes/no", "a barrier that cannot fall within a covenant")]
    deal_cycle_quarters: Annotated[
        FloatColumn, Column("quarters", "usual time from first contact to contract")
    ]
    rivalry: Annotated[FloatColumn, Column("share", "strength of competitors from other countries")]
    priority: Annotated[IntColumn, Column("yes/no", "named by the ministry as a priority")]
    ordinary_awareness: Annotated[
        FloatColumn, Column("share", "awareness of Dutch solutions without any cluster")
    ]
    awareness: Annotated[FloatColumn, Column("share", "awareness of Dutch solutions")]
    demand_now: Annotated[FloatColumn, Column("ratio", "demand this quarter, shocks included")]
    bid_winner: Annotated[
        IntColumn, Column("index", "coordinator whose bid for a group was chosen this quarter, -1 none")
    ]
    forming_cluster: Annotated[IntColumn, Column("index", "cluster now forming in this market, -1 none")]
    latest_cluster: Annotated[IntColumn, Column("index", "most recent cluster in this market, -1 none")]
    inviting_cluster: Annotated[
        IntColumn, Column("index", "running cluster that looks for further members this quarter, -1 none")
    ]
    first_engagement: Annotated[
        IntColumn, Column("index", "first place of this market in the list of engagements by market")
    ]
    n_engagements: Annotated[IntColumn, Column("count", "number of firms that consider this market")]


class Countries(NamedTuple):
    """One row per country: what its markets share."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    development: Annotated[FloatColumn, Column("share", "level of development")]
    state_involvement: Annotated[FloatColumn, Column("share", "part of the public sector in market access")]
    price_level: Annotated[FloatColumn, Column("ratio", "price of local services, 1 for an average country")]
    distance: Annotated[FloatColumn, Column("share", "cultural and travel distance")]
    travel_stop: Annotated[FloatColumn, Column("share", "travel that is impossible this quarter")]
    war: Annotated[FloatColumn, Column("share", "activity that war makes impossible this quarter")]
    officials: Annotated[FloatColumn, Column("share", "standing lost by a change of officials this quarter")]
    demand_shift: Annotated[FloatColumn, Column("share", "change of demand by shocks this quarter")]
    sales_ban: Annotated[FloatColumn, Column("share", "sales forbidden by export control this quarter")]
    visit: Annotated[FloatColumn, Column("share", "attention drawn by a minister's visit this quarter")]


class Embassies(NamedTuple):
    """One row per embassy; embassy i is the post in country i."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    present: Annotated[IntColumn, Column("yes/no", "0 when taken out of the world")]
    at_random: Annotated[IntColumn, Column("yes/no", "1 when its decisions are replaced by random ones")]
    capacity_days: Annotated[FloatColumn, Column("days/quarter", "staff time for clusters")]
    standing: Annotated[FloatColumn, Column("share", "standing with the host government")]
    expertise: Annotated[FloatColumn, Column("share", "sector expertise of the attaches")]
    memory: Annotated[FloatColumn, Column("share", "memory of members' expertise")]
    signalled_market: Annotated[IntColumn, Column("index", "market signalled this quarter, -1 none")]
    signal_strength: Annotated[FloatColumn, Column("share", "strength of that signal")]
    clusters_served: Annotated[IntColumn, Column("count", "clusters that ask for time this quarter")]
    time_share: Annotated[FloatColumn, Column("share", "part of the asked time that is given this quarter")]


class Coordinators(NamedTuple):
    """One row per coordinator."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    present: Annotated[IntColumn, Column("yes/no", "0 when taken out of the world")]
    at_random: Annotated[IntColumn, Column("yes/no", "1 when its decisions are replaced by random ones")]
    profession: Annotated[IntColumn, Column("class", "0 consultant, 1 trade organisation, 2 member firm")]
    sector: Annotated[IntColumn, Column("index", "sector")]
    reach: Annotated[FloatColumn, Column("share", "share of the sector's firms in the own network")]
    skill: Annotated[FloatColumn, Column("share", "management skill")]
    experience: Annotated[FloatColumn, Column("share", "experience with earlier clusters")]
    fidelity: Annotated[FloatColumn, Column("share", "part of what is known that is passed on undistorted")]
    expected_fee_eur: Annotated[FloatColumn, Column("EUR/year", "fee expected for one cluster")]
    bid_market: Annotated[
        IntColumn, Column("index", "market for which a group is offered this quarter, -1 none")
    ]
    bid_strength: Annotated[
        FloatColumn, Column("points", "strength of that offer: one, skill and experience")
    ]
    latest_cluster: Annotated[IntColumn, Column("index", "most recent cluster led, -1 none")]
    load: Annotated[IntColumn, Column("count", "clusters led now")]
    clusters_led: Annotated[IntColumn, Column("count", "clusters led so far")]
    resignations: Annotated[IntColumn, Column("count", "clusters left over pay")]


class Liaisons(NamedTuple):
    """One row per possible local representative; several per market."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    present: Annotated[IntColumn, Column("yes/no", "0 when taken out of the world")]
    at_random: Annotated[IntColumn, Column("yes/no", "1 when its decisions are replaced by random ones")]
    market: Annotated[IntColumn, Column("index", "market")]
    network: Annotated[FloatColumn, Column("share", "contacts with decision makers")]
    fit: Annotated[FloatColumn, Column("share", "fit with the theme")]
    effort: Annotated[FloatColumn, Column("share", "effort")]
    price_eur_year: Annotated[FloatColumn, Column("EUR/year", "price asked")]
    tied: Annotated[IntColumn, Column("yes/no", "employed by one of the members")]
    offer: Annotated[IntColumn, Column("yes/no", "offers its service this quarter")]
    cluster: Annotated[IntColumn, Column("index", "cluster served, -1 none")]
    dismissed_by: Annotated[IntColumn, Column("index", "cluster that replaced this liaison, -1 none")]
    matchmaking: Annotated[FloatColumn, Column("share", "strength of matchmaking this quarter")]


class Desks(NamedTuple):
    """One row per sector: the agency's programme managers for it."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    share_up_to: Annotated[FloatColumn, Column("share", "share of firms in this and earlier sectors")]
    experience: Annotated[
        FloatColumn, Column("share", "experience with clusters, in the heads of the managers")
    ]
    load: Annotated[IntColumn, Column("count", "covenants looked after now")]
    managers_left: Annotated[IntColumn, Column("count", "programme managers that left so far")]
    signalled_market: Annotated[IntColumn, Column("index", "market signalled this quarter, -1 none")]


class Agencies(NamedTuple):
    """The programme agency, one row."""

    key: Annotated[IntColumn, Column("key", "identity for keyed draws")]
    budget_left_cents: Annotated[IntColumn, Column("cents", "what is left of this year's budget")]
    unreserved_cents: Annotated[
        IntColumn, Column("cents", "part of it that is not kept for markets named as a priority")
    ]
    committed_cents: Annotated[IntColumn, Column("cents", "committed so far")]
    freed_cents: Annotated[
        IntColumn, Column("cents", "money of stopped or lagging covenants that waits for a use")
    ]
    paid_cents: Annotated[IntColumn, Column("cents", "paid so far, all purposes")]
    applications: Annotated[IntColumn, Column("count", "applications assessed")]
    rejections: Annotated[IntColumn, Column("count", "applications rejected")]


class Clusters(NamedTuple):
    """One row per group, from first meeting to after-life; rows are reserved at the start."""

    key: Annotated[IntColumn, Column("key", "identity: coordinator, market and quarter of first meeting")]
    coordinator: Annotated[IntColumn, Column("index", "coordinator, -1 after one left without successor")]
    coordinator_quality: Annotated[FloatColumn, Column("share", "quality of coordination now")]
    fidelity: Annotated[
        FloatColumn, Column("share", "part of the information that reaches members undistorted")
    ]
    span: Annotated[FloatColumn, Column("members", "members that the coordinator can oversee")]
    market: Annotated[IntColumn, Column("index", "market")]
    earlier_of_coordinator: Annotated[
        IntColumn, Column("index", "the coordinator's previous cluster, -1 none")
    ]
    earlier_in_market: Annotated[IntColumn, Column("index", "the previous cluster in this market, -1 none")]
    status: Annotated[IntColumn, Column("class", "see model/status.py")]
    met_quarter: Annotated[IntColumn, Column("quarter", "quarter of first meeting")]
    rule_year: Annotated[
        IntColumn,
        Column("year index", "year whose rules hold: of first meeting, and from then on of application"),
    ]
    applied_quarter: Annotated[IntColumn, Column("quarter", "quarter of application, -1 none")]
    start_quarter: Annotated[IntColumn, Column("quarter", "first quarter of the covenant, -1 none")]
    planned_end_quarter: Annotated[
        IntColumn, Column("quarter", "first quarter after the covenant as planned now")
    ]
    end_quarter: Annotated[
        IntColumn, Column("quarter", "first quarter after the covenant as it came, -1 while open")
    ]
    follow_up_end_quarter: Annotated[
        IntColumn, Column("quarter", "first quarter after the follow-up phase, -1 none")
    ]
    first_membership: Annotated[IntColumn, Column("index", "first row of its memberships")]
    n_joined: Annotated[IntColumn, Column("count", "memberships ever")]
    n_members: Annotated[IntColumn, Column("count", "members now")]
    n_companies: Annotated[IntColumn, Column("count", "companies among them")]
    n_smes: Annotated[IntColumn, Column("count", "SMEs among them")]
    n_fillers: Annotated[IntColumn, Column("count", "fillers among them")]
    mean_commitment: Annotated[FloatColumn, Column("share", "mean part taken by members")]
    mean_capacity: Annotated[FloatColumn, Column("share", "mean capacity of members")]
    mean_experience: Annotated[FloatColumn, Column("share", "mean foreign experience of members")]
    mean_position: Annotated[FloatColumn, Column("share", "mean place in the value chain")]
    complementarity: Annotated[
        FloatColumn, Column("share", "how well the members' offers complement each other")
    ]
    relevance: Annotated[
        FloatColumn, Column("share", "part of the group's activities that concerns a usual member")
    ]
    n_partners: Annotated[
        IntColumn, Column("count", "parties that take part without being member, abroad or at home")
    ]
    agreement: Annotated[IntColumn, Column("yes/no", "rivals made agreements beforehand")]
    cohesion: Annotated[FloatColumn, Column("share", "trust between members")]
    quality: Annotated[FloatColumn, Column("points", "quality of the application as it is, 0-100")]
    score: Annotated[FloatColumn, Column("points", "score given by the assessors, 0-100")]
    path_covered: Annotated[FloatColumn, Column("share", "bottlenecks for which the plan has a path")]
    liaison: Annotated[IntColumn, Column("index", "liaison at work, -1 none")]
    liaisons_tried: Annotated[IntColumn, Column("count", "liaisons appointed so far")]
    favoured_firm: Annotated[IntColumn, Column("index", "member to whom the liaison is tied, -1 none")]
    plan_promotion: Annotated[FloatColumn, Column("units", "promotion planned: missions, fairs, visits")]
    plan_knowledge: Annotated[FloatColumn, Column("units", "knowledge exchange planned")]
    plan_diplomacy: Annotated[FloatColumn, Column("units", "diplomatic steps planned")]
    done_promotion: Annotated[FloatColumn, Column("units", "promotion done")]
    done_knowledge: Annotated[FloatColumn, Column("units", "knowledge exchange done")]
    done_diplomacy: Annotated[FloatColumn, Column("units", "diplomatic steps done")]
    physical_now: Annotated[FloatColumn, Column("units", "promotion this quarter, face to face")]
    online_now: Annotated[FloatColumn, Column("units", "promotion this quarter, online")]
    knowledge_now: Annotated[FloatColumn, Column("units", "knowledge exchange this quarter")]
    diplomacy_now: Annotated[FloatColumn, Column("units", "diplomatic steps this quarter")]
    branding_now: Annotated[FloatColumn, Column("units", "branding this quarter, in campaigns")]
    liaison_support: Annotated[FloatColumn, Column("share", "help by the liaison this quarter")]
    embassy_support: Annotated[FloatColumn, Column("share", "help by the embassy this quarter")]
    visibility: Annotated[FloatColumn, Column("share", "visibility built in the market")]
    host_trust: Annotated[FloatColumn, Column("share", "trust of the host government, built by presence")]
    memoranda: Annotated[IntColumn, Column("count", "memoranda of understanding signed")]
    demonstration: Annotated[IntColumn, Column("class", "demonstration object: 0 none, 1 planned, 2 open")]
    progress_true: Annotated[FloatColumn, Column("share", "progress as it is")]
    progress_tested: Annotated[
        FloatColumn, Column("share", "progress as it is, by the measure that steering looks at")
    ]
    progress_reported: Annotated[
        FloatColumn, Column("share", "progress as the steering group sees it reported")
    ]
    progress_told: Annotated[FloatColumn, Column("share", "progress as members know it from the coordinator")]
    extension_asked: Annotated[IntColumn, Column("yes/no", "an extension was requested")]
    extended: Annotated[IntColumn, Column("yes/no", "an extension was granted")]
    stopped: Annotated[IntColumn, Column("yes/no", "stopped at a checkpoint")]
    turned_down: Annotated[IntColumn, Column("yes/no", "the application was rejected")]
    refusals: Annotated[IntColumn, Column("count", "rejected applications after which it tried again")]
    stopped_wrongly: Annotated[
        IntColumn, Column("yes/no", "stopped at a checkpoint that it would have passed by what was true")
    ]
    kept_wrongly: Annotated[
        IntColumn, Column("count", "checkpoints passed that it would have failed by what was true")
    ]
    feedback_given: Annotated[IntColumn, Column("rounds", "rounds of feedback received")]


class Accounts(NamedTuple):
    """One row per cluster: every cent of the programme and of the members by purpose."""

    committed_cents: Annotated[
        IntColumn, Column("cents", "public money committed in the covenant, top-ups included")
    ]
    activities_cents: Annotated[IntColumn, Column("cents", "public: activities")]
    liaison_cents: Annotated[IntColumn, Column("cents", "public: liaison")]
    branding_cents: Annotated[IntColumn, Column("cents", "public: branding")]
    administration_cents: Annotated[
        IntColumn, Column("cents", "public: administration of covenants and applications")
    ]
    support_cents: Annotated[
        IntColumn, Column("cents", "public: fee support to SMEs and share of the coordinator's fee")
    ]
    follow_up_cents: Annotated[IntColumn, Column("cents", "public: follow-up phase")]
    released_cents: Annotated[IntColumn, Column("cents", "committed money that was not spent and went back")]
    fees_cents: Annotated[IntColumn, Column("cents", "private: members' fees to the coordinator")]
    in_kind_cents: Annotated[IntColumn, Column("cents", "private: members' own time")]
    own_activity_cents: Annotated[IntColumn, Column("cents", "private: members' share in activity costs")]
    private_follow_up_cents: Annotated[IntColumn, Column("cents", "private: members' share of follow-up")]
    unpaid_cents: Annotated[IntColumn, Column("cents", "fee the coordinator expected and did not get")]
    follow_up_reserve_cents: Annotated[
        IntColumn, Column("cents", "money of stopped covenants set aside for this cluster's follow-up")
    ]


class Memberships(NamedTuple):
    """One row per firm and cluster; a block of rows is reserved when a group first meets."""

    cluster: Annotated[IntColumn, Column("index", "cluster")]
    engagement: Annotated[IntColumn, Column("index", "the firm's engagement with the market")]
    joined_quarter: Annotated[IntColumn, Column("quarter", "first quarter")]
    left_quarter: Annotated[IntColumn, Column("quarter", "first quarter after leaving, -1 while a member")]
    stage_at_joining: Annotated[IntColumn, Column("stage", "the firm's stage in the market when it joined")]
    filler: Annotated[IntColumn, Column("yes/no", "joined only for single activities")]
    commitment: Annotated[FloatColumn, Column("share", "part taken in what the cluster does")]
    contacts_gained: Annotated[FloatColumn, Column("contacts", "contacts gained in the cluster")]
    steps_full: Annotated[IntColumn, Column("count", "next steps that succeeded while a member")]
    steps_partly: Annotated[IntColumn, Column("count", "next steps that succeeded in part while a member")]
    steps_lapsed: Annotated[IntColumn, Column("count", "next steps that lapsed while a member")]
    contracts: Annotated[IntColumn, Column("count", "contracts won while a member and after")]
    funded: Annotated[IntColumn, Column("yes/no", "received follow-up money")]


class Shocks(NamedTuple):
    """One row per dated event."""

    kind: Annotated[IntColumn, Column("class", "place in SHOCK_KINDS")]
    country: Annotated[IntColumn, Column("index", "country, -1 all")]
    first_quarter: Annotated[IntColumn, Column("quarter", "first quarter")]
    last_quarter: Annotated[IntColumn, Column("quarter", "last quarter")]
    strength: Annotated[FloatColumn, Column("share", "strength")]


class Calendar(NamedTuple):
    """The clock and the counters of a run, one row."""

    key: Annotated[IntColumn, Column("key", "identity of the world: its seed")]
    quarter: Annotated[IntColumn, Column("quarter", "quarter since the start")]
    year: Annotated[IntColumn, Column("year index", "year since the start")]
    quarter_of_year: Annotated[IntColumn, Column("0-3", "quarter within the year")]
    n_quarters: Annotated[IntColumn, Column("quarters", "length of the run")]
    until: Annotated[IntColumn, Column("quarter", "quarter before which the driver pauses or ends")]
    founded: Annotated[IntColumn, Column("yes/no", "the founding has been done")]
    window_first_quarter: Annotated[IntColumn, Column("quarter", "first quarter of the window under study")]
    window_last_quarter: Annotated[IntColumn, Column("quarter", "last quarter of the window under study")]
    random_shocks: Annotated[IntColumn, Column("yes/no", "shocks are drawn at stated rates")]
    isolated_firms: Annotated[IntColumn, Column("count", "last firms that have no sector")]
    markets_per_firm: Annotated[IntColumn, Column("count", "markets a firm considers")]
    liaisons_per_market: Annotated[IntColumn, Column("count", "liaisons per market")]
    block: Annotated[IntColumn, Column("rows", "memberships reserved per cluster")]
    n_clusters: Annotated[IntColumn, Column("count", "rows of clusters in use")]
    fault: Annotated[IntColumn, Column("code", "0, or which table is full: 1 clusters")]


class Structures(NamedTuple):
    """Which rival structures hold, one row: 0 for the model's own, 1 for its rival (``inputs.STRUCTURES``)."""

    bottlenecks: Annotated[IntColumn, Column("class", "0 the weakest bottleneck decides, 1 their mean")]
    network: Annotated[IntColumn, Column("class", "0 coordinators' own networks, 1 any firm of the sector")]
    selection: Annotated[IntColumn, Column("class", "0 applications are scored, 1 scores are drawn by lot")]
    support: Annotated[IntColumn, Column("class", "0 support people differ, 1 they are all average")]


class History(NamedTuple):
    """One row per quarter: what the record step writes."""

    covenants_running: Annotated[IntColumn, Column("count", "covenants running, inception included")]
    groups_forming: Annotated[IntColumn, Column("count", "groups forming or waiting for a decision")]
    exports_cents: Annotated[IntColumn, Column("cents", "exports of all firms")]
    awareness: Annotated[FloatColumn, Column("share", "mean awareness of Dutch solutions over markets")]


class World(NamedTuple):
    """All tables of one run, plus policy, parameters and three lists."""

    firms: Firms
    engagements: Engagements
    markets: Markets
    countries: Countries
    embassies: Embassies
    coordinators: Coordinators
    liaisons: Liaisons
    desks: Desks
    agency: Agencies
    clusters: Clusters
    accounts: Accounts
    memberships: Memberships
    shocks: Shocks
    calendar: Calendar
    structure: Structures
    history: History
    levers: Levers
    """Policy in force: one row per calendar year."""
    parameters: Parameters
    """Value of every parameter in this run."""
    engagements_by_market: NDArray[np.int64]
    """Engagement rows sorted by market; see ``markets.first_engagement``. Shape (n_engagements,)."""
    exports_by_year_cents: NDArray[np.int64]
    """Exports of each engagement by calendar year. Shape (n_engagements, n_years)."""
    money_by_year_cents: NDArray[np.int64]
    """Money booked to each group, by kind of entry and calendar year; ``status.COMMITTED`` and what follows it name the
    entries. Shape (cluster rows, N_ENTRIES, n_years)."""
    extra: object
    """Tables of an extension (``docs/examples``); ``NoExtra`` without one."""


TABLES: dict[str, type] = {
    "firms": Firms,
    "engagements": Engagements,
    "markets": Markets,
    "countries": Countries,
    "embassies": Embassies,
    "coordinators": Coordinators,
    "liaisons": Liaisons,
    "desks": Desks,
    "agency": Agencies,
    "clusters": Clusters,
    "accounts": Accounts,
    "memberships": Memberships,
    "shocks": Shocks,
    "calendar": Calendar,
    "structure": Structures,
    "history": History,
}
"""Table classes by the name under which the world holds them; levers, parameters and lists not included."""


MEMBERS_PER_CLUSTER: Final = 24
"""Rows reserved for the members of one group, past and present; the largest of 52 clusters had between 20 and 24
participants (technopolis2023 s2.4.2: one above 20)."""


def rows_of_tables(inputs: RunInputs) -> dict[str, int]:
    """Number of rows of each table of a world."""
    size = inputs.size
    return {
        "firms": size.n_firms,
        "engagements": size.n_firms * size.markets_per_firm,
        "markets": size.n_markets,
        "countries": size.n_countries,
        "embassies": size.n_countries,
        "coordinators": size.n_coordinators,
        "liaisons": size.n_markets * size.liaisons_per_market,
        "desks": size.n_sectors,
        "agency": 1,
        "clusters": size.cluster_rows,
        "accounts": size.cluster_rows,
        "memberships": size.cluster_rows * MEMBERS_PER_CLUSTER,
        "shocks": len(inputs.shocks),
        "calendar": 1,
        "structure": 1,
        "history": size.n_quarters,
    }
