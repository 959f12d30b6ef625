"""Simulated reports of coordinators: turnover growth and contracts as they are written down, incomplete and in ranges.

Coordinators write for themselves, about what members let them know. Growth is missing where it is small, too early or
not filled in (CO08), rough (MO05), and told as a range of which a reader takes one value. Final reports miss contracts
of which no member told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.special import ndtri

from passaat.calibration.records import (
    CONTRACT_HEARD_OF,
    HAS_CONTRACT_GOAL,
    ROUGHNESS_OF_REPORT,
    WRITES_GROWTH_DOWN,
    Bools,
    Evaluation,
    Floats,
    Records,
    keyed_uniform,
    mean,
)
from passaat.model.units import QUARTERS_PER_YEAR

EUR_PER_MILLION: Final = 1e6
CLASS_BOUND_EUR: Final = 10e6
"""One bound of the ranges in which growth is told: the range that is known begins there (technopolis2023 s4.2.2)."""
TOP: Final = 5
"""The clusters with the largest growth whose share is reported."""


def turnover_growth(
    records: Records, evaluation: Evaluation, values: Mapping[str, float]
) -> dict[str, float]:
    """Growth summed over the covenant, above the year before it, as added up from coordinators' reports.

    The largest growth of one firm is told as such, rough but not as a range: it is a contract known by its value.
    """
    growth = _growth(records, evaluation)
    of_cluster = np.asarray(np.bincount(records.covenant, growth, len(records.key)), dtype=np.float64)
    writes = (
        keyed_uniform(records.key, records.start_quarter, WRITES_GROWTH_DOWN) < values["turnover_report_rate"]
    )
    luck = keyed_uniform(records.key, records.start_quarter, ROUGHNESS_OF_REPORT)
    roughness = np.exp(values["turnover_report_noise"] * ndtri(luck))
    reports: Bools = evaluation.in_window & writes & (of_cluster >= values["turnover_report_minimum_eur"])
    read = read_off_range(
        np.asarray((of_cluster * roughness)[reports]),
        values["turnover_range_ratio"],
        values["turnover_range_reading"],
    )
    reported = np.sort(read)[::-1] / EUR_PER_MILLION
    of_reporters = (growth * roughness[records.covenant])[reports[records.covenant]]
    total = float(reported.sum())
    return {
        "growth_reported_share": mean(reports[evaluation.in_window]),
        "growth_reported_million_eur": total,
        "growth_top_five_share": float(reported[:TOP].sum() / total) if total > 0 else math.nan,
        "growth_largest_firm_million_eur": (
            float(of_reporters.max() / EUR_PER_MILLION) if len(of_reporters) else math.nan
        ),
    }


def _growth(records: Records, evaluation: Evaluation) -> Floats:
    """True growth of each member company in the market, from the start year to the end or the evaluation."""
    n_years = records.exports_market_eur.shape[1]
    start_place = (evaluation.start_year - records.first_year)[records.covenant]
    last_quarter = np.minimum(evaluation.end_seen, evaluation.quarter)[records.covenant] - 1
    last_place = np.minimum(last_quarter // QUARTERS_PER_YEAR, n_years - 1)
    years = np.arange(n_years)
    counted = (years >= start_place[:, None]) & (years <= last_place[:, None])
    rows = np.arange(len(start_place))
    before = np.where(start_place > 0, records.exports_market_eur[rows, np.maximum(start_place - 1, 0)], 0.0)
    growth = np.where(counted, records.exports_market_eur - before[:, None], 0.0).sum(axis=1)
    return np.where(records.company, np.maximum(growth, 0.0), 0.0)


def read_off_range(amounts_eur: Floats, ratio: float, reading: float) -> Floats:
    """What a reader takes from amounts told as ranges whose upper bound is ``ratio`` times the lower.

    Args:
        amounts_eur: above 0.
        ratio: 1 tells the amounts themselves.
        reading: place in the range that is taken: 0 its lower bound, 0.5 the middle, 1 the upper bound.
    """
    if ratio <= 1.0:
        return amounts_eur
    lower: Floats = CLASS_BOUND_EUR * ratio ** np.floor(
        np.log(amounts_eur / CLASS_BOUND_EUR) / math.log(ratio)
    )
    return lower * (1.0 + reading * (ratio - 1.0))


def contract_goals(records: Records, evaluation: Evaluation, values: Mapping[str, float]) -> dict[str, float]:
    """New customers of member companies by the end of covenants whose final report is in, as the report counts them."""
    n = len(records.key)
    first = records.first_contract_quarter
    start, end = records.start_quarter[records.covenant], evaluation.end_seen[records.covenant]
    companies = np.bincount(records.covenant[records.company & records.at_start], minlength=n)
    heard_of = keyed_uniform(records.firm_key, start, CONTRACT_HEARD_OF) < values["contract_report_rate"]
    counted = records.company & (first >= start) & (first < end) & heard_of
    contracts = np.bincount(records.covenant[counted], minlength=n)
    has_goal = (
        keyed_uniform(records.key, records.start_quarter, HAS_CONTRACT_GOAL) < values["contract_goal_share"]
    )
    judged = has_goal & (companies > 0) & (evaluation.end_seen <= evaluation.quarter)
    goal = np.maximum(np.rint(values["contract_goal_per_company"] * companies), 1.0)
    met, some = contracts >= goal, contracts > 0
    return {
        "contract_goals_judged": float(np.count_nonzero(judged)),
        "contract_goal_met_share": mean(met[judged]),
        "contract_goal_partly_share": mean((some & ~met)[judged]),
        "contract_goal_not_share": mean((~some)[judged]),
    }
