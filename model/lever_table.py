"""The levers as the model reads them: one value per calendar year and lever.

Generated from scenarios/levers.toml by `make generated`; do not edit.
Switches are 0 or 1; choices are coded by their place in the list of choices.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, NamedTuple

from passaat.model.kernel.columns import Column, FloatColumn, ValueRange

__all__ = ["LEVER_NAMES", "LEVER_RANGES", "Levers"]


class Levers(NamedTuple):
    """One row per calendar year of the run; a covenant keeps the row of the year of its application."""

    programme_on: Annotated[FloatColumn, Column("switch", "Programme on")]
    selection_threshold_points: Annotated[FloatColumn, Column("points", "Selection threshold")]
    capacity_screening_weight: Annotated[FloatColumn, Column("share", "Capacity screening")]
    weight_opportunity: Annotated[FloatColumn, Column("points", "Weight of opportunity")]
    weight_organisation: Annotated[FloatColumn, Column("points", "Weight of organisation")]
    weight_strategy: Annotated[FloatColumn, Column("points", "Weight of strategy")]
    weight_impact: Annotated[FloatColumn, Column("points", "Weight of impact")]
    sme_score_weight: Annotated[FloatColumn, Column("share", "SME share in the score")]
    bottleneck_path_required: Annotated[FloatColumn, Column("switch", "A path for every bottleneck")]
    blocked_markets_excluded: Annotated[FloatColumn, Column("switch", "Blocked markets excluded")]
    selection_calls_per_year: Annotated[FloatColumn, Column("calls/year", "Calls per year")]
    selection_stages: Annotated[FloatColumn, Column("stages", "Selection stages")]
    assessors: Annotated[FloatColumn, Column("persons", "Assessors per application")]
    inception_quarters: Annotated[FloatColumn, Column("quarters", "Inception phase")]
    feedback_rounds: Annotated[FloatColumn, Column("rounds", "Feedback rounds")]
    selection_criteria: Annotated[FloatColumn, Column("criteria", "Number of criteria")]
    minimum_members: Annotated[FloatColumn, Column("participants", "Minimum members")]
    maximum_members: Annotated[FloatColumn, Column("participants", "Maximum members")]
    minimum_sme_share: Annotated[FloatColumn, Column("share", "Minimum SME share")]
    large_firms_role: Annotated[
        FloatColumn, Column("choice", "Role of large firms: 0 members, 1 locomotives, 2 excluded")
    ]
    sme_fee_support_share: Annotated[FloatColumn, Column("share", "SME fee support")]
    sme_travel_support_eur_year: Annotated[FloatColumn, Column("EUR/SME/year", "SME travel support")]
    checkpoint_quarter: Annotated[FloatColumn, Column("quarters after start", "First checkpoint")]
    checkpoint_repeat_quarters: Annotated[FloatColumn, Column("quarters", "Checkpoint repeated every")]
    checkpoint_minimum_progress: Annotated[FloatColumn, Column("share", "Minimum progress at a checkpoint")]
    checkpoint_measure: Annotated[
        FloatColumn, Column("choice", "What a checkpoint measures: 0 both, 1 activities, 2 members")
    ]
    checkpoint_on_context: Annotated[FloatColumn, Column("switch", "Context counts at a checkpoint")]
    freed_money_use: Annotated[
        FloatColumn, Column("choice", "Use of freed money: 0 returned, 1 best_performers, 2 follow_up")
    ]
    progress_information_share: Annotated[FloatColumn, Column("share", "Quality of progress information")]
    follow_up_plan_required: Annotated[FloatColumn, Column("switch", "Follow-up plan required")]
    follow_up_years: Annotated[FloatColumn, Column("years", "Follow-up years")]
    follow_up_eur_per_firm_year: Annotated[FloatColumn, Column("EUR/firm/year", "Follow-up amount")]
    follow_up_eur_per_cluster_year: Annotated[
        FloatColumn, Column("EUR/cluster/year", "Follow-up amount per cluster")
    ]
    follow_up_degression_share: Annotated[FloatColumn, Column("share/year", "Yearly fall of follow-up")]
    follow_up_eligibility: Annotated[
        FloatColumn, Column("choice", "Follow-up for whom: 0 all, 1 traction, 2 sme")
    ]
    follow_up_private_share: Annotated[FloatColumn, Column("share", "Private share of follow-up")]
    liaison_budget_eur_year: Annotated[FloatColumn, Column("EUR/year", "Liaison budget")]
    liaison_budget_indexed: Annotated[FloatColumn, Column("switch", "Liaison budget follows local prices")]
    liaison_independent: Annotated[FloatColumn, Column("switch", "Liaison independent of members")]
    liaison_fit_screened: Annotated[FloatColumn, Column("switch", "Liaison screened on fit")]
    liaison_replacement: Annotated[FloatColumn, Column("switch", "Liaison replaced when unfit")]
    coordinator_public_share: Annotated[FloatColumn, Column("share", "Public share of coordinator")]
    embassy_time_factor: Annotated[FloatColumn, Column("ratio", "Embassy staff time")]
    covenants_per_manager: Annotated[FloatColumn, Column("covenants", "Covenants per programme manager")]
    knowledge_handover_share: Annotated[FloatColumn, Column("share", "Knowledge handed over")]
    programme_budget_eur_year: Annotated[FloatColumn, Column("EUR/year", "Programme budget")]
    covenant_amount_eur: Annotated[FloatColumn, Column("EUR", "Amount per covenant")]
    co_funding_ratio: Annotated[FloatColumn, Column("ratio", "Own contribution in kind")]
    activity_public_share_sme: Annotated[FloatColumn, Column("share", "Public share of activities, SME")]
    activity_public_share_large: Annotated[
        FloatColumn, Column("share", "Public share of activities, large firm")
    ]
    activity_public_share_institute: Annotated[
        FloatColumn, Column("share", "Public share of activities, institute")
    ]
    activity_degression_share: Annotated[FloatColumn, Column("share/year", "Yearly fall of the public share")]
    covenant_quarters: Annotated[FloatColumn, Column("quarters", "Covenant duration")]
    extension_allowed: Annotated[FloatColumn, Column("switch", "Extension allowed")]
    extension_quarters: Annotated[FloatColumn, Column("quarters", "Length of an extension")]
    route_guidance: Annotated[
        FloatColumn,
        Column("choice", "Guidance on routes: 0 by_bottleneck, 1 contacts, 2 awareness, 3 barriers"),
    ]
    priority_budget_share: Annotated[FloatColumn, Column("share", "Budget for priority markets")]
    priority_bonus_points: Annotated[FloatColumn, Column("points", "Bonus for priority markets")]
    concentration_share: Annotated[FloatColumn, Column("share", "Concentration on the best")]


LEVER_NAMES: tuple[str, ...] = (
    "programme_on",
    "selection_threshold_points",
    "capacity_screening_weight",
    "weight_opportunity",
    "weight_organisation",
    "weight_strategy",
    "weight_impact",
    "sme_score_weight",
    "bottleneck_path_required",
    "blocked_markets_excluded",
    "selection_calls_per_year",
    "selection_stages",
    "assessors",
    "inception_quarters",
    "feedback_rounds",
    "selection_criteria",
    "minimum_members",
    "maximum_members",
    "minimum_sme_share",
    "large_firms_role",
    "sme_fee_support_share",
    "sme_travel_support_eur_year",
    "checkpoint_quarter",
    "checkpoint_repeat_quarters",
    "checkpoint_minimum_progress",
    "checkpoint_measure",
    "checkpoint_on_context",
    "freed_money_use",
    "progress_information_share",
    "follow_up_plan_required",
    "follow_up_years",
    "follow_up_eur_per_firm_year",
    "follow_up_eur_per_cluster_year",
    "follow_up_degression_share",
    "follow_up_eligibility",
    "follow_up_private_share",
    "liaison_budget_eur_year",
    "liaison_budget_indexed",
    "liaison_independent",
    "liaison_fit_screened",
    "liaison_replacement",
    "coordinator_public_share",
    "embassy_time_factor",
    "covenants_per_manager",
    "knowledge_handover_share",
    "programme_budget_eur_year",
    "covenant_amount_eur",
    "co_funding_ratio",
    "activity_public_share_sme",
    "activity_public_share_large",
    "activity_public_share_institute",
    "activity_degression_share",
    "covenant_quarters",
    "extension_allowed",
    "extension_quarters",
    "route_guidance",
    "priority_budget_share",
    "priority_bonus_points",
    "concentration_share",
)
"""Names in the order of the columns."""

LEVER_RANGES: Mapping[str, ValueRange] = MappingProxyType(
    {
        "programme_on": ValueRange(0.0, 1.0, "switch", whole=True),
        "selection_threshold_points": ValueRange(0.0, 101.0, "points"),
        "capacity_screening_weight": ValueRange(0.0, 1.0, "share"),
        "weight_opportunity": ValueRange(0.0, 10.0, "points"),
        "weight_organisation": ValueRange(0.0, 10.0, "points"),
        "weight_strategy": ValueRange(0.0, 10.0, "points"),
        "weight_impact": ValueRange(0.0, 10.0, "points"),
        "sme_score_weight": ValueRange(0.0, 1.0, "share"),
        "bottleneck_path_required": ValueRange(0.0, 1.0, "switch", whole=True),
        "blocked_markets_excluded": ValueRange(0.0, 1.0, "switch", whole=True),
        "selection_calls_per_year": ValueRange(1.0, 4.0, "calls/year", whole=True),
        "selection_stages": ValueRange(1.0, 2.0, "stages", whole=True),
        "assessors": ValueRange(1.0, 6.0, "persons", whole=True),
        "inception_quarters": ValueRange(0.0, 8.0, "quarters", whole=True),
        "feedback_rounds": ValueRange(0.0, 3.0, "rounds", whole=True),
        "selection_criteria": ValueRange(3.0, 30.0, "criteria", whole=True),
        "minimum_members": ValueRange(2.0, 20.0, "participants", whole=True),
        "maximum_members": ValueRange(2.0, 24.0, "participants", whole=True),
        "minimum_sme_share": ValueRange(0.0, 1.0, "share"),
        "large_firms_role": ValueRange(0.0, 2.0, "choice", whole=True),
        "sme_fee_support_share": ValueRange(0.0, 1.0, "share"),
        "sme_travel_support_eur_year": ValueRange(0.0, 10000.0, "EUR/SME/year"),
        "checkpoint_quarter": ValueRange(0.0, 16.0, "quarters after start", whole=True),
        "checkpoint_repeat_quarters": ValueRange(0.0, 8.0, "quarters", whole=True),
        "checkpoint_minimum_progress": ValueRange(0.0, 1.0, "share"),
        "checkpoint_measure": ValueRange(0.0, 2.0, "choice", whole=True),
        "checkpoint_on_context": ValueRange(0.0, 1.0, "switch", whole=True),
        "freed_money_use": ValueRange(0.0, 2.0, "choice", whole=True),
        "progress_information_share": ValueRange(0.0, 1.0, "share"),
        "follow_up_plan_required": ValueRange(0.0, 1.0, "switch", whole=True),
        "follow_up_years": ValueRange(0.0, 6.0, "years", whole=True),
        "follow_up_eur_per_firm_year": ValueRange(0.0, 50000.0, "EUR/firm/year"),
        "follow_up_eur_per_cluster_year": ValueRange(0.0, 200000.0, "EUR/cluster/year"),
        "follow_up_degression_share": ValueRange(0.0, 1.0, "share/year"),
        "follow_up_eligibility": ValueRange(0.0, 2.0, "choice", whole=True),
        "follow_up_private_share": ValueRange(0.0, 1.0, "share"),
        "liaison_budget_eur_year": ValueRange(0.0, 200000.0, "EUR/year"),
        "liaison_budget_indexed": ValueRange(0.0, 1.0, "switch", whole=True),
        "liaison_independent": ValueRange(0.0, 1.0, "switch", whole=True),
        "liaison_fit_screened": ValueRange(0.0, 1.0, "switch", whole=True),
        "liaison_replacement": ValueRange(0.0, 1.0, "switch", whole=True),
        "coordinator_public_share": ValueRange(0.0, 1.0, "share"),
        "embassy_time_factor": ValueRange(0.0, 3.0, "ratio"),
        "covenants_per_manager": ValueRange(2.0, 30.0, "covenants", whole=True),
        "knowledge_handover_share": ValueRange(0.0, 1.0, "share"),
        "programme_budget_eur_year": ValueRange(0.0, 50000000.0, "EUR/year"),
        "covenant_amount_eur": ValueRange(0.0, 2000000.0, "EUR"),
        "co_funding_ratio": ValueRange(0.0, 3.0, "ratio"),
        "activity_public_share_sme": ValueRange(0.0, 1.0, "share"),
        "activity_public_share_large": ValueRange(0.0, 1.0, "share"),
        "activity_public_share_institute": ValueRange(0.0, 1.0, "share"),
        "activity_degression_share": ValueRange(0.0, 0.5, "share/year"),
        "covenant_quarters": ValueRange(4.0, 32.0, "quarters", whole=True),
        "extension_allowed": ValueRange(0.0, 1.0, "switch", whole=True),
        "extension_quarters": ValueRange(0.0, 16.0, "quarters", whole=True),
        "route_guidance": ValueRange(0.0, 3.0, "choice", whole=True),
        "priority_budget_share": ValueRange(0.0, 1.0, "share"),
        "priority_bonus_points": ValueRange(0.0, 30.0, "points"),
        "concentration_share": ValueRange(0.0, 1.0, "share"),
    }
)
"""What a value of each lever may be, as the model reads it."""
