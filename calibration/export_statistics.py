"""Simulated statistics: what the statistics office's export data show of the members of covenants.

SMEs only, export to the covenant's country only, visible within three years counted from the start year (A6), only part
of the SMEs in the data (A10), sales through a local branch invisible (SL04), rises summed and falls left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from passaat.calibration.records import (
    IN_EXPORT_DATA,
    SELLS_SERVICES,
    Evaluation,
    Records,
    cohorts,
    keyed_uniform,
)

YEARS_OF_RISE: Final = 3
"""The export rise is sought in this many years after the start year (A6)."""
MOST_COUNTRIES: Final = 1_000_000
"""Above the number of countries of any world; a pair of firm and country is numbered firm x this + country."""


def export_rise(records: Records, evaluation: Evaluation, values: Mapping[str, float]) -> dict[str, float]:
    """The first two cohorts as the statistics office's data show them, each SME and country once."""
    seen = {}
    quarter = records.start_quarter[records.covenant]
    in_data = keyed_uniform(records.firm_key, quarter, IN_EXPORT_DATA) < values["export_data_coverage"]
    services = keyed_uniform(records.firm_key, 0, SELLS_SERVICES) < values["services_share"]
    visible_part = np.where(records.branch, 1.0 - values["branch_sales_share"], 1.0) * ~services
    for number, year in cohorts(records)[:2]:
        who = np.flatnonzero(
            records.sme & records.at_start & in_data & (evaluation.start_year[records.covenant] == year)
        )
        pairs = records.firm[who] * MOST_COUNTRIES + records.country[who]
        _, first = np.unique(pairs, return_index=True)
        who = who[first]
        base_year = year - records.first_year
        exports = records.exports_country_eur[who] * visible_part[who, None]
        later = exports[:, base_year + 1 : base_year + 1 + YEARS_OF_RISE]
        if later.shape[1] < YEARS_OF_RISE or not len(who):
            share, total = math.nan, math.nan
        else:
            reached = later[:, -1] if values["rise_in_third_year_only"] else later.max(axis=1)
            rise = reached - exports[:, base_year]
            visible = rise >= values["visible_rise_eur"]
            share, total = float(visible.mean()), float(rise[visible].sum())
        seen[f"export_smes_cohort_{number}"] = float(len(who))
        seen[f"export_rise_share_cohort_{number}"] = share
        seen[f"export_rise_sum_eur_cohort_{number}"] = total
    return seen
