"""The levers as the model reads them: one value per calendar year and lever.

Generated from scenarios/levers.toml by `python -m passaat.scenarios.generate`; do not edit.
Switches are 0 or 1; choices are coded by their place in the list of choices.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from passaat.model.columns import Column, FloatColumn

__all__ = ["LEVER_NAMES", "Levers"]


class Levers(NamedTuple):
    """One row per calendar year of the run; a covenant keeps the row of the year of its application."""

    programme_on: Annotated[FloatColumn, Column("switch", "Programme on")]
    selection_threshold_points: Annotated[FloatColumn, Column("points", "Selection threshold")]
    capacity_screening_weight: Annotated[FloatColumn, Column("share", "Capacity screening")]
    bottleneck_path_required: Annotated[FloatColumn, Column("switch", "A path for every bottleneck")]
    blocked_markets_excluded: Annotated[FloatColumn, Column("switch", "Blocked markets excluded")]
    assessors: Annotated[FloatColumn, Column("persons", "Assessors per application")]
    inception_quarters: Annotated[FloatColumn, Column("quarters", "Inception phase")]
    feedback_rounds: Annotated[FloatColumn, Column("rounds", "Feedback rounds")]
    selection_criteria: Annotated[FloatColumn, Column("criteria", "Number of criteria")]
    minimum_members: Annotated[FloatColumn, Column("participants", "Minimum members")]
    maximum_members: Annotated[FloatColumn, Column("participants", "Maximum members")]
    minimum_sme_share: Annotated[FloatColumn, Column("share", "Minimum SME share")]
    sme_fee_support_share: Annotated[FloatColumn, Column("share", "SME fee support")]
    checkpoint_quarter: Annotated[FloatColumn, Column("quarters after start", "First checkpoint")]
    checkpoint_repeat_quarters: Annotated[FloatColumn, Column("quarters", "Checkpoint repeated every")]
    checkpoint_minimum_progress: Annotated[FloatColumn, Column("share", "Minimum progress at a checkpoint")]
    freed_money_use: Annotated[
        FloatColumn, Column("choice", "Use of freed money: 0 returned, 1 best_performers, 2 follow_up")
    ]
    progress_information_share: Annotated[FloatColumn, Column("share", "Quality of progress information")]
    follow_up_plan_required: Annotated[FloatColumn, Column("switch", "Follow-up plan required")]
    follow_up_years: Annotated[FloatColumn, Column("years", "Follow-up years")]
    follow_up_eur_per_firm_year: Annotated[FloatColumn, Column("EUR/firm/year", "Follow-up amount")]
    follow_up_eligibility: Annotated[
        FloatColumn, Column("choice", "Follow-up for whom: 0 all, 1 traction, 2 sme")
    ]
    follow_up_private_share: Annotated[FloatColumn, Column("share", "Private share of follow-up")]
    liaison_budget_eur_year: Annotated[FloatColumn, Column("EUR/year", "Liaison budget")]
    liaison_independent: Annotated[FloatColumn, Column("switch", "Liaison independent of members")]
    liaison_replacement: Annotated[FloatColumn, Column("switch", "Liaison replaced when unfit")]
    coordinator_public_share: Annotated[FloatColumn, Column("share", "Public share of coordinator")]
    embassy_time_factor: Annotated[FloatColumn, Column("ratio", "Embassy staff time")]
    programme_budget_eur_year: Annotated[FloatColumn, Column("EUR/year", "Programme budget")]
    covenant_amount_eur: Annotated[FloatColumn, Column("EUR", "Amount per covenant")]
    covenant_quarters: Annotated[FloatColumn, Column("quarters", "Covenant duration")]
    extension_allowed: Annotated[FloatColumn, Column("switch", "Extension allowed")]
    extension_quarters: Annotated[FloatColumn, Column("quarters", "Length of an extension")]


LEVER_NAMES: tuple[str, ...] = (
    "programme_on",
    "selection_threshold_points",
    "capacity_screening_weight",
    "bottleneck_path_required",
    "blocked_markets_excluded",
    "assessors",
    "inception_quarters",
    "feedback_rounds",
    "selection_criteria",
    "minimum_members",
    "maximum_members",
    "minimum_sme_share",
    "sme_fee_support_share",
    "checkpoint_quarter",
    "checkpoint_repeat_quarters",
    "checkpoint_minimum_progress",
    "freed_money_use",
    "progress_information_share",
    "follow_up_plan_required",
    "follow_up_years",
    "follow_up_eur_per_firm_year",
    "follow_up_eligibility",
    "follow_up_private_share",
    "liaison_budget_eur_year",
    "liaison_independent",
    "liaison_replacement",
    "coordinator_public_share",
    "embassy_time_factor",
    "programme_budget_eur_year",
    "covenant_amount_eur",
    "covenant_quarters",
    "extension_allowed",
    "extension_quarters",
)
"""Names in the order of the columns."""
