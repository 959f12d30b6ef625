"""The observation model on small tables whose answers were worked out by hand."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from passaat.calibration.coordinator_reports import read_off_range
from passaat.calibration.interviews import choose_cases, hold_talks
from passaat.calibration.observation import (
    default_observation,
    draw_observation,
    load_observation_parameters,
    observation_parameters,
    observe,
    observe_records,
)
from passaat.calibration.records import IN_EXPORT_DATA, Records, keyed_uniform, look_at, read_run
from passaat.errors import EvidenceError
from passaat.evidence import claims, evidence, reconciliations, references
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.kernel import draws
from passaat.model.kernel.columns import allocate, column_views
from passaat.model.status import CLOSED, REJECTED
from passaat.model.world import TABLES

PLAIN = {
    "export_data_coverage": 1.0,
    "services_share": 0.0,
    "branch_sales_share": 1.0,
    "visible_rise_eur": 10_000.0,
    "rise_in_third_year_only": 0.0,
    "turnover_report_rate": 1.0,
    "turnover_report_minimum_eur": 300_000.0,
    "turnover_report_noise": 0.0,
    "turnover_range_ratio": 1.0,
    "contract_report_rate": 1.0,
    "contract_goal_share": 1.0,
    "contract_goal_per_company": 0.5,
    "fully_realised_from": 0.85,
    "partly_realised_from": 0.2,
    "activity_scatter": 0.0,
    "coordinator_colour": 0.0,
    "cases_studied": 1_000.0,
    "members_interviewed": 1_000.0,
    "steps_per_member": 1_000.0,
    "steps_told_in_all": 1_000.0,
    "reach_without_results": 1.0,
}
"""An observer who sees everything and makes no errors."""

N_YEARS = 12
"""2014 to 2025; the window is 2016-2017, so the evaluation falls in quarter 26 (2020Q3)."""


def years(**exports: float) -> list[float]:
    """Exports by year, as y2016=..., in EUR."""
    return [exports.get(f"y{year}", 0.0) for year in range(2014, 2014 + N_YEARS)]


def records() -> Records:
    """Three covenants: one of 2015, one of 2016 (closed) and one of 2017 that was extended after the evaluation.

    Covenant 1 (2016Q1-2019Q1): firms 10 to 14 and an institute; firm 14 joined later. Covenant 2 (2017Q3, 12 quarters,
    then 8 more): firms 20 and 21, both large.
    """
    exports = [
        years(y2016=100_000, y2017=90_000, y2018=150_000, y2019=120_000),  # rise of 50,000 in 2018
        years(y2016=50_000, y2017=20_000),  # falls only
        years(y2018=400_000),  # sells through a branch
        years(y2019=700_000),  # large: no SME
        years(y2019=900_000),  # joined after the start
        years(),  # the institute
        years(y2018=2_000_000, y2019=3_000_000, y2022=9_000_000),
        years(y2016=1_000_000, y2017=1_000_000, y2018=1_000_000, y2019=1_000_000, y2020=1_000_000),
    ]
    return Records(
        first_year=2014,
        window_first_year=2016,
        window_last_year=2017,
        rejected_in_window=1,
        key=np.array([1, 2, 3]),
        start_quarter=np.array([4, 8, 14]),
        end_quarter=np.array([12, 20, 34]),
        extension_asked=np.array([True, True, True]),
        extended_by=np.array([0, 0, 8]),
        minimum_members=np.array([5, 5, 5]),
        public_eur=np.array([1.0, 200_000.0, 300_000.0]),
        private_eur=np.array([1.0, 400_000.0, 500_000.0]),
        planned=np.array([[1.0, 1.0, 1.0], [10.0, 10.0, 0.0], [10.0, 10.0, 10.0]]),
        done=np.array([[0.0, 0.0, 0.0], [9.0, 5.0, 0.0], [10.0, 1.0, 9.0]]),
        covenant=np.array([1, 1, 1, 1, 1, 1, 2, 2]),
        firm_key=np.array([110, 111, 112, 113, 114, 115, 120, 121]),
        firm=np.array([10, 11, 12, 13, 14, 15, 20, 21]),
        country=np.array([3, 3, 3, 3, 3, 3, 4, 4]),
        company=np.array([True, True, True, True, True, False, True, True]),
        sme=np.array([True, True, True, False, True, False, False, False]),
        at_start=np.array([True, True, True, True, False, True, True, True]),
        branch=np.array([False, False, True, False, False, False, False, False]),
        contacts=np.array([5.0, 0.5, 2.0, 3.0, 1.0, 9.0, 0.0, 4.0]),
        steps=np.array(
            [[1, 2, 3], [0, 0, 1], [1, 1, 0], [0, 0, 0], [0, 0, 0], [0, 1, 2], [1, 0, 4], [0, 0, 3]]
        ),
        first_contract_quarter=np.array([15, -1, 16, 27, 19, -1, 17, 5]),
        exports_country_eur=np.array(exports),
        exports_market_eur=np.array(exports),
    )


def seen(**changes: float) -> dict[str, float]:
    return observe_records(records(), {**PLAIN, **changes})


# --- portfolio -----------------------------------------------------------------------------------------


def test_starts_count_by_year_of_the_window_only() -> None:
    result = seen()
    assert (result["starts"], result["starts_cohort_1"], result["starts_cohort_2"]) == (2, 1, 1)
    assert result["rejected_share"] == pytest.approx(1 / 3)


def test_the_last_cohort_is_censored_at_the_evaluation() -> None:
    # Covenant 2 ran 2017Q3-2022Q3; its extension, asked in quarter 26, is just known at the evaluation.
    assert seen()["mean_duration_years_cohort_2"] == 5.0
    later = replace(records(), start_quarter=np.array([4, 8, 15]), end_quarter=np.array([12, 20, 35]))
    result = observe_records(later, PLAIN)
    assert result["mean_duration_years_cohort_2"] == 3.0
    assert result["extension_request_share"] == 0.5
    assert result["mean_duration_years"] == 3.0


def test_covenants_running_are_counted_at_the_end_of_the_year() -> None:
    # End of 2016 is quarter 11: covenants 0 (4-11) and 1 (8-19). End of 2017 is quarter 15: covenants 1 and 2.
    result = seen()
    assert (result["covenants_running_year_1"], result["covenants_running_year_2"]) == (2, 2)
    gone = observe_records(replace(records(), end_quarter=np.array([11, 20, 34])), PLAIN)
    assert gone["covenants_running_year_1"] == 1


def test_sizes_count_members_at_the_start() -> None:
    result = seen()
    assert result["mean_participants"] == pytest.approx((5 + 2) / 2)
    assert result["mean_companies"] == pytest.approx((4 + 2) / 2)
    assert result["at_minimum_share"] == 0.5
    assert result["above_twenty_share"] == 0.0
    assert result["sme_share"] == pytest.approx(3 / 6)


def test_money_is_read_by_cohort() -> None:
    result = seen()
    assert result["mean_public_eur"] == 250_000
    assert (result["mean_public_eur_cohort_1"], result["mean_private_eur_cohort_2"]) == (200_000, 500_000)
    assert (result["smallest_public_eur"], result["largest_public_eur"]) == (200_000, 300_000)
    assert result["total_public_eur"] == 500_000


# --- activities, steps, goals -----------------------------------------------------------------------------


def test_activities_are_marked_row_by_row_and_only_where_planned() -> None:
    # Shares done: 0.9, 0.5 and (none planned); 1.0, 0.1, 0.9. A table has four rows of promotion and two of the others.
    result = seen()
    assert result["activities_marked"] == 6 + 8
    assert result["activities_full_share"] == pytest.approx((4 + 4 + 2) / 14)
    assert result["activities_partly_share"] == pytest.approx(2 / 14)
    assert result["activities_not_share"] == pytest.approx(2 / 14)
    assert (result["promotion_full_share"], result["knowledge_full_share"]) == (1.0, 0.0)
    assert result["diplomacy_full_share"] == 1.0
    assert seen(fully_realised_from=0.95)["promotion_full_share"] == 0.5


def test_next_steps_are_shares_of_steps() -> None:
    result = seen()
    assert result["next_steps_full_share"] == pytest.approx(3 / 20)
    assert result["next_steps_partly_share"] == pytest.approx(4 / 20)
    assert result["next_steps_lapsed_share"] == pytest.approx(13 / 20)


def test_contacts_and_trade_are_shares_of_companies() -> None:
    # Contacts of at least one: firms 10, 12, 13, 14, 21 of seven companies. First contracts between the start and the
    # evaluation (quarter 26): firms 10, 12, 14, 20; firm 13 came in quarter 27, firm 21 before the covenant.
    result = seen()
    assert result["firms_with_contacts_share"] == pytest.approx(5 / 7)
    assert result["firms_with_trade_share"] == pytest.approx(4 / 7)


def test_contract_goals_are_judged_where_the_final_report_is_in() -> None:
    # Covenant 1: goal 0.5 x 4 companies = 2, won 3 before its end. Covenant 2 is still running at the evaluation.
    result = seen()
    assert result["contract_goal_met_share"] == 1.0
    assert seen(contract_goal_per_company=1.0)["contract_goal_partly_share"] == 1.0
    none = replace(records(), first_contract_quarter=np.full(8, -1))
    assert observe_records(none, PLAIN)["contract_goal_not_share"] == 1.0
    assert math.isnan(seen(contract_goal_share=0.0)["contract_goal_met_share"])
    second_without = replace(records(), first_contract_quarter=np.array([15, -1, 16, 27, 19, -1, -1, -1]))
    assert observe_records(second_without, PLAIN)["contract_goal_not_share"] == 0.0, (
        "its report is not in yet"
    )


def test_a_contract_that_no_member_told_of_is_not_in_the_final_report() -> None:
    assert seen(contract_report_rate=0.0)["contract_goal_not_share"] == 1.0
    assert seen(contract_report_rate=0.0)["firms_with_trade_share"] == pytest.approx(4 / 7)


# --- case studies and interviews --------------------------------------------------------------------------


def many(n_covenants: int = 40, n_members: int = 6) -> Records:
    """Covenants of 2016 and 2017 in ten countries; every second member has a step that succeeded, others two lapsed."""
    n = n_covenants * n_members
    lucky = np.arange(n) % 2 == 0
    return replace(
        records(),
        key=np.arange(n_covenants) + 77,
        start_quarter=8 + np.arange(n_covenants) % 8,
        end_quarter=np.full(n_covenants, 24),
        extension_asked=np.zeros(n_covenants, dtype=bool),
        extended_by=np.zeros(n_covenants, dtype=np.int64),
        minimum_members=np.full(n_covenants, 5),
        public_eur=np.ones(n_covenants),
        private_eur=np.ones(n_covenants),
        planned=np.ones((n_covenants, 3)),
        done=np.linspace(0.0, 1.2, 3 * n_covenants).reshape(n_covenants, 3),
        covenant=np.repeat(np.arange(n_covenants), n_members),
        firm_key=np.arange(n) + 9_000,
        firm=np.arange(n),
        country=np.repeat(np.arange(n_covenants) % 10, n_members),
        company=np.ones(n, dtype=bool),
        sme=np.ones(n, dtype=bool),
        at_start=np.ones(n, dtype=bool),
        branch=np.zeros(n, dtype=bool),
        contacts=np.where(lucky, 2.0, 0.0),
        steps=np.where(lucky[:, None], [[1, 0, 0]], [[0, 0, 2]]),
        first_contract_quarter=np.full(n, -1),
        exports_country_eur=np.zeros((n, N_YEARS)),
        exports_market_eur=np.zeros((n, N_YEARS)),
    )


def test_cases_are_few_and_differ_in_country() -> None:
    found, look = many(), look_at(many(), 10)
    cases = choose_cases(found, look, 8)
    assert len(set(cases.tolist())) == 8
    assert len(set((cases % 10).tolist())) == 8, "no country twice while others are left"
    assert choose_cases(found, look, 12)[:8].tolist() == cases.tolist(), "more cases come on top"
    assert len(choose_cases(found, look, 99)) == 40
    before = replace(found, start_quarter=np.where(np.arange(40) < 35, 4, 8))
    assert choose_cases(before, look_at(before, 10), 8).min() >= 35, (
        "covenants outside the window are no cases"
    )


def test_talks_are_spread_over_the_cases() -> None:
    found = many()
    talks = hold_talks(found, look_at(found, 10), np.arange(8), default_observation())
    per_case = np.bincount(found.covenant[talks.members])
    assert per_case.tolist() == [2, 2, 2, 2, 2, 1, 1, 1]
    assert not set(talks.members.tolist()) & set(talks.heard_of.tolist())
    assert set(found.covenant[talks.heard_of].tolist()) == set(range(7)), "one coordinator is not spoken with"


def test_members_with_nothing_to_show_are_harder_to_reach() -> None:
    found, everywhere = many(400), np.arange(400)
    look = look_at(found, 10)

    def share_with_results(reach: float) -> float:
        values = {**default_observation(), "members_interviewed": 400.0, "reach_without_results": reach}
        members = hold_talks(found, look, everywhere, values).members
        assert len(members) == 400
        return float((members % 2 == 0).mean())

    # One of six is spoken with, three of each kind: 3 x 1 against 3 x the chance.
    assert share_with_results(1.0) == pytest.approx(1 / 2, abs=0.07)
    assert share_with_results(0.25) == pytest.approx(1 / 1.25, abs=0.07)


def test_no_more_steps_are_told_than_there_is_time_for() -> None:
    plain = {"activity_scatter": 0.0, "reach_without_results": 1.0}
    result = observe_records(many(), plain)
    assert (result["interviews_held"], result["next_steps_told"]) == (13, 39)
    alone = observe_records(many(), {**plain, "coordinators_interviewed": 0.0})
    assert 13 <= alone["next_steps_told"] <= 26, "thirteen members tell of one or two steps each"
    short = observe_records(many(), {**plain, "steps_per_member": 1.0, "coordinators_interviewed": 0.0})
    assert short["next_steps_told"] == 13


def test_what_is_told_of_a_members_steps_is_drawn_without_putting_back() -> None:
    alike = replace(many(2, 1), steps=np.array([[1, 1, 1], [2, 2, 2]]))
    result = observe_records(alike, {"steps_per_member": 5.0, "cases_studied": 2.0})
    # All three steps of the one, five of the six of the other: at least 1 + 1, at most 1 + 2 of each kind.
    assert result["next_steps_told"] == 8
    for kind in ("full", "partly", "lapsed"):
        assert 2 <= 8 * result[f"next_steps_{kind}_share"] <= 3


def test_few_cases_scatter_as_few_do() -> None:
    """The mean over many evaluations is that of all; each of them is off as thirteen members are."""
    found = many(80)
    plain = {"activity_scatter": 0.0, "reach_without_results": 1.0}
    shares = [
        observe_records(replace(found, key=found.key + 500 * i, firm_key=found.firm_key + 5_000 * i), plain)[
            "firms_with_contacts_share"
        ]
        for i in range(300)
    ]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)
    assert np.std(shares) == pytest.approx(math.sqrt(0.25 / 13), rel=0.2)


def test_activities_of_a_kind_scatter_and_coordinators_colour_them() -> None:
    half_done = replace(many(), done=np.full((40, 3), 0.8))
    everything = {**PLAIN, "fully_realised_from": 0.9}
    assert observe_records(half_done, everything)["activities_full_share"] == 0.0
    # Half a standard deviation of 0.2 is 0.1: 31 % lie above, by the normal table.
    scattered = observe_records(half_done, {**everything, "activity_scatter": 0.2})
    assert scattered["activities_full_share"] == pytest.approx(0.309, abs=0.08)
    coloured = {**everything, "coordinator_colour": 0.5, "coordinators_interviewed": 10.0}
    assert observe_records(half_done, coloured)["activities_full_share"] == pytest.approx(10 / 40)


# --- export rise -------------------------------------------------------------------------------------------


def test_the_export_rise_counts_smes_without_branch_sales_and_sums_rises_only() -> None:
    # SMEs at the start: firms 10, 11, 12. Firm 10 rises by 50,000 in 2018; 11 falls; all of 12 goes through its branch.
    result = seen()
    assert result["export_smes_cohort_1"] == 3
    assert result["export_rise_share_cohort_1"] == pytest.approx(1 / 3)
    assert result["export_rise_sum_eur_cohort_1"] == 50_000


def test_a_branch_hides_only_its_part_of_sales() -> None:
    result = seen(branch_sales_share=0.75)
    assert result["export_rise_share_cohort_1"] == pytest.approx(2 / 3)
    assert result["export_rise_sum_eur_cohort_1"] == pytest.approx(50_000 + 100_000)


def test_the_third_year_alone_may_show_less() -> None:
    assert seen(rise_in_third_year_only=1.0)["export_rise_sum_eur_cohort_1"] == 20_000


def test_a_rise_below_the_threshold_is_invisible() -> None:
    assert seen(visible_rise_eur=50_001.0)["export_rise_share_cohort_1"] == 0.0


def test_services_and_firms_outside_the_data_are_not_seen() -> None:
    assert seen(services_share=1.0)["export_rise_share_cohort_1"] == 0.0
    nobody = seen(export_data_coverage=0.0)
    assert nobody["export_smes_cohort_1"] == 0
    assert math.isnan(nobody["export_rise_share_cohort_1"])


def test_a_firm_in_two_covenants_of_a_cohort_counts_once_per_country() -> None:
    twice = replace(records(), firm=np.array([10, 10, 12, 13, 14, 15, 20, 21]))
    assert observe_records(twice, PLAIN)["export_smes_cohort_1"] == 2
    elsewhere = replace(twice, country=np.array([3, 5, 3, 3, 3, 3, 4, 4]))
    assert observe_records(elsewhere, PLAIN)["export_smes_cohort_1"] == 3


def test_a_cohort_without_smes_in_the_data_reports_nothing() -> None:
    assert math.isnan(seen()["export_rise_share_cohort_2"])


# --- turnover growth -----------------------------------------------------------------------------------------


def test_growth_is_summed_over_the_covenant_above_the_year_before() -> None:
    # Covenant 1 counts 2016-2018 above 2015 (nothing): 340,000 + 70,000 + 400,000. Covenant 2 counts 2017 to the
    # evaluation (quarter 25 is 2020) above 2016: firm 20 gives 5 million, firm 21 nothing, its sales stay level.
    result = seen()
    assert result["growth_reported_share"] == 1.0
    assert result["growth_reported_million_eur"] == pytest.approx(0.81 + 5.0)
    assert result["growth_top_five_share"] == 1.0
    assert result["growth_largest_firm_million_eur"] == pytest.approx(5.0)


def test_a_firm_whose_sales_fall_takes_nothing_from_the_growth_of_others() -> None:
    exports = records().exports_market_eur.copy()
    exports[7] = years(y2016=1_000_000)
    result = observe_records(replace(records(), exports_market_eur=exports), PLAIN)
    assert result["growth_reported_million_eur"] == pytest.approx(0.81 + 5.0)


def test_growth_that_is_small_or_not_written_down_is_missing() -> None:
    assert seen(turnover_report_minimum_eur=1_000_000.0)["growth_reported_million_eur"] == pytest.approx(5.0)
    nothing = seen(turnover_report_rate=0.0)
    assert nothing["growth_reported_million_eur"] == 0.0
    assert math.isnan(nothing["growth_top_five_share"])
    assert math.isnan(nothing["growth_largest_firm_million_eur"])


def test_the_top_five_share_of_equal_clusters() -> None:
    n = 10
    base = records()
    exports = np.tile(years(y2017=1_000_000), (n, 1))
    equal = replace(
        base,
        key=np.arange(n),
        start_quarter=np.full(n, 8),
        end_quarter=np.full(n, 20),
        extension_asked=np.zeros(n, dtype=bool),
        extended_by=np.zeros(n, dtype=np.int64),
        minimum_members=np.full(n, 5),
        public_eur=np.ones(n),
        private_eur=np.ones(n),
        planned=np.ones((n, 3)),
        done=np.ones((n, 3)),
        covenant=np.arange(n),
        firm_key=np.arange(n),
        firm=np.arange(n),
        country=np.zeros(n, dtype=np.int64),
        company=np.ones(n, dtype=bool),
        sme=np.ones(n, dtype=bool),
        at_start=np.ones(n, dtype=bool),
        branch=np.zeros(n, dtype=bool),
        contacts=np.ones(n),
        steps=np.zeros((n, 3), dtype=np.int64),
        first_contract_quarter=np.full(n, -1),
        exports_country_eur=exports,
        exports_market_eur=exports,
    )
    result = observe_records(equal, PLAIN)
    assert result["growth_top_five_share"] == pytest.approx(0.5)
    assert result["growth_reported_million_eur"] == pytest.approx(10.0)
    assert math.isnan(result["next_steps_full_share"])
    assert result["starts_cohort_2"] == 0
    assert math.isnan(result["mean_duration_years_cohort_2"])


def test_rough_reports_move_the_sum_but_not_who_reports() -> None:
    rough = seen(turnover_report_noise=0.8)
    assert rough["growth_reported_share"] == 1.0
    assert rough["growth_reported_million_eur"] != pytest.approx(5.81)


def test_a_range_is_read_at_its_middle() -> None:
    # Bounds at 10 million and its powers of five: 0.4, 2, 10, 50 and 250 million.
    told = read_off_range(np.array([0.5e6, 9e6, 10e6, 49e6, 60e6]), 5.0, 0.5)
    assert told == pytest.approx([1.2e6, 6e6, 30e6, 30e6, 150e6])
    assert read_off_range(np.array([12e6]), 5.0, 0.0) == pytest.approx([10e6])
    assert read_off_range(np.array([12e6]), 5.0, 1.0) == pytest.approx([50e6])
    assert read_off_range(np.array([12e6]), 1.0, 0.5).tolist() == [12e6]


def test_growth_is_added_up_from_ranges_but_the_largest_firm_is_known() -> None:
    # 0.81 lies between 0.4 and 2 million, 5.0 between 2 and 10.
    ranges = seen(turnover_range_ratio=5.0)
    assert ranges["growth_reported_million_eur"] == pytest.approx(1.2 + 6.0)
    assert ranges["growth_largest_firm_million_eur"] == pytest.approx(5.0)
    assert ranges["growth_reported_share"] == 1.0


def test_no_covenant_at_all_gives_counts_of_zero_and_no_shares() -> None:
    whole = records()
    cut: dict[str, Any] = {
        name: array[:0] for name, array in vars(whole).items() if isinstance(array, np.ndarray)
    }
    empty = replace(whole, rejected_in_window=0, **cut)
    result = observe_records(empty)
    assert result["starts"] == 0
    assert result["total_public_eur"] == 0
    for name in (
        "rejected_share",
        "mean_participants",
        "sme_share",
        "mean_public_eur",
        "activities_full_share",
    ):
        assert math.isnan(result[name]), name


# --- from the tables of a run -----------------------------------------------------------------------------


@dataclass
class _Run:
    inputs: RunInputs
    world: Any


def small_run() -> _Run:
    """Four firms with two markets each; markets 0 and 1 lie in country 0, market 2 in country 1.

    Cluster 0 never started, cluster 1 is a closed covenant in market 0, cluster 2 was rejected in the window.
    """
    size = WorldSize(
        first_year=2014,
        window_first_year=2016,
        window_last_year=2017,
        last_year=2025,
        n_firms=4,
        n_sectors=1,
        n_countries=2,
        n_markets=3,
        markets_per_firm=2,
        n_coordinators=1,
        liaisons_per_market=0,
        cluster_rows=4,
        sector_weights=(1.0,),
    )
    rows = {
        "firms": 4,
        "engagements": 8,
        "markets": 3,
        "clusters": 4,
        "accounts": 4,
        "memberships": 12,
        "calendar": 1,
    }
    world = SimpleNamespace(
        **{name: column_views(TABLES[name], allocate(TABLES[name], n)) for name, n in rows.items()}
    )
    world.levers = SimpleNamespace(
        extension_quarters=np.full(size.n_years, 6.0), minimum_members=np.full(size.n_years, 5.0)
    )
    world.firms.key[:] = [71, 72, 73, 74]
    world.firms.institute[:] = [0, 0, 0, 1]
    world.firms.sme[:] = [1, 0, 1, 1]
    world.markets.country[:] = [0, 0, 1]
    world.engagements.firm[:] = [0, 0, 1, 1, 2, 2, 3, 3]
    world.engagements.market[:] = [0, 1, 0, 2, 0, -1, 0, 2]
    world.engagements.presence[2] = 1
    world.engagements.first_contract_quarter[:] = [-1, -1, 12, -1, 13, -1, -1, -1]
    world.clusters.key[:] = [500, 501, 502, 503]
    world.clusters.start_quarter[:] = [-1, 9, -1, 99]
    world.clusters.end_quarter[:] = [-1, 27, -1, 99]
    world.clusters.applied_quarter[:] = [-1, 8, 10, 9]
    world.clusters.status[:] = [0, CLOSED, REJECTED, REJECTED]
    world.clusters.turned_down[:] = [0, 0, 1, 1]
    world.clusters.extended[:] = [0, 1, 0, 0]
    world.clusters.extension_asked[:] = [0, 1, 0, 0]
    world.clusters.rule_year[:] = [0, 2, 2, 2]
    world.clusters.plan_promotion[:] = 4.0
    world.clusters.done_knowledge[:] = 3.0
    world.accounts.committed_cents[1] = 12_345_678
    world.accounts.fees_cents[1] = 100
    world.accounts.in_kind_cents[1] = 250
    world.calendar.n_clusters[0] = 3
    world.calendar.markets_per_firm[0] = 2
    world.clusters.first_membership[:] = [0, 3, 8, 8]
    world.clusters.n_joined[:] = [1, 4, 1, 0]
    world.memberships.engagement[:9] = [3, 7, 7, 0, 2, 4, 6, 7, 5]
    world.memberships.joined_quarter[:9] = [7, 7, 7, 7, 7, 12, 7, 7, 7]
    world.memberships.left_quarter[:9] = [-1, -1, -1, -1, 9, -1, 15, -1, -1]
    world.memberships.steps_partly[:9] = [9, 9, 9, 1, 2, 3, 4, 9, 9]
    world.exports_by_year_cents = np.zeros((8, size.n_years), dtype=np.int64)
    world.exports_by_year_cents[0, 3] = 1_000
    world.exports_by_year_cents[1, 3] = 500
    world.exports_by_year_cents[3, 3] = 77_700
    levers = {"minimum_members": np.full(size.n_years, 5.0)}
    return _Run(RunInputs(size=size, levers=levers), world)


def test_the_tables_of_a_run_become_records() -> None:
    taken = read_run(small_run())
    assert taken.key.tolist() == [501]
    assert (taken.start_quarter.tolist(), taken.end_quarter.tolist()) == ([9], [27])
    assert taken.extended_by.tolist() == [6]
    assert taken.rejected_in_window == 1, "row 3 is not in use"
    assert taken.public_eur.tolist() == [123_456.78]
    assert taken.private_eur.tolist() == [3.5]
    assert taken.planned.tolist() == [[4.0, 0.0, 0.0]]
    assert taken.done.tolist() == [[0.0, 3.0, 0.0]]
    assert taken.firm_key.tolist() == [71, 72, 73, 74]
    assert taken.company.tolist() == [True, True, True, False]
    assert taken.sme.tolist() == [True, False, True, False], "an institute is no SME"
    assert taken.at_start.tolist() == [True, False, False, True], "left in quarter 9, joined in quarter 12"
    assert taken.branch.tolist() == [False, True, False, False]
    assert taken.first_contract_quarter.tolist() == [-1, 12, 13, -1]
    assert taken.steps[:, 1].tolist() == [1, 2, 3, 4]
    assert taken.exports_market_eur[:, 3].tolist() == [10.0, 0.0, 0.0, 0.0]
    assert taken.exports_country_eur[:, 3].tolist() == [15.0, 0.0, 0.0, 0.0], "two markets, one country"


def test_a_covenant_still_open_ends_as_planned() -> None:
    run = small_run()
    run.world.clusters.end_quarter[1] = -1
    run.world.clusters.planned_end_quarter[1] = 40
    assert read_run(run).end_quarter.tolist() == [40]


def test_observing_a_run_is_observing_its_records() -> None:
    run = small_run()
    result = observe(run, PLAIN)
    assert result["starts_cohort_1"] == 1
    assert result["next_steps_partly_share"] == 1.0
    np.testing.assert_equal(result, observe_records(read_run(run), PLAIN))


# --- draws and parameters -----------------------------------------------------------------------------------


def test_draws_are_those_of_the_model() -> None:
    keys = np.array([0, 1, -5, 2**62, -(2**63)])
    ticks = np.array([0, 3, 17, 91, 5])
    many = keyed_uniform(keys, ticks, IN_EXPORT_DATA)
    one_by_one = [
        draws.uniform(int(key), int(tick), IN_EXPORT_DATA) for key, tick in zip(keys, ticks, strict=True)
    ]
    assert many.tolist() == one_by_one


def test_coverage_draws_the_share_it_says() -> None:
    luck = keyed_uniform(np.arange(20_000), 4, IN_EXPORT_DATA)
    assert (luck < 0.71).mean() == pytest.approx(0.71, abs=0.01)


def test_parameter_draws_stay_in_range_and_do_not_depend_on_each_other() -> None:
    records_by_name = observation_parameters()
    drawn = [draw_observation(1, draw) for draw in range(200)]
    assert drawn[7] == draw_observation(1, 7) != draw_observation(2, 7)
    for name, record in records_by_name.items():
        values = [draw[name] for draw in drawn]
        assert record.minimum <= min(values) <= max(values) <= record.maximum
        assert (len(set(values)) == 1) == (record.shape == "fixed")
    assert {draw["rise_in_third_year_only"] for draw in drawn} == {0, 1}
    low = [draw["visible_rise_eur"] < 7_071 for draw in drawn]
    assert np.mean(low) == pytest.approx(0.5, abs=0.12), (
        "the middle of a loguniform range is its geometric mean"
    )


FEW = ("reach_without_results", "steps_told_in_all", "steps_per_member", "coordinators_interviewed")
"""Unknowns that only matter where evaluators do not speak with everybody."""


@pytest.mark.parametrize("name", sorted(default_observation()))
def test_every_unknown_of_the_observation_changes_something(name: str) -> None:
    record = observation_parameters()[name]
    if record.shape == "fixed":
        low, high = 0.5 * record.value, 0.0
    else:
        low, high = record.minimum, record.maximum
    world = {**PLAIN, "branch_sales_share": 0.6, "coordinator_colour": 0.2, "turnover_range_ratio": 3.0}
    if name in FEW:
        world |= {"members_interviewed": 2.0, "steps_per_member": 2.0}
    results = []
    for value in (low, high):
        shown = [observe_records(shifted(step), {**world, name: value}) for step in range(20)]
        results.append(np.array([list(one.values()) for one in shown]))
    assert not np.array_equal(results[0], results[1], equal_nan=True)


def shifted(step: int) -> Records:
    """The three covenants with other keys and sums, so that every threshold and chance is met somewhere."""
    base = records()
    return replace(
        base,
        key=base.key + 1_000 * step,
        firm_key=base.firm_key + 1_000 * step,
        done=base.done * (0.4 + 0.03 * step),
        first_contract_quarter=base.first_contract_quarter + step % 5,
        exports_country_eur=base.exports_country_eur * 0.8**step,
        exports_market_eur=base.exports_market_eur * 0.8**step,
    )


def test_every_unknown_cites_evidence_that_exists() -> None:
    known = {*evidence(), *claims(), *reconciliations()}
    for record in observation_parameters().values():
        assert known & set(re.findall(r"\w+", record.source)), record.name
        assert any(key in record.source for key in references()), record.name


def test_an_unknown_parameter_is_refused_with_a_guess() -> None:
    with pytest.raises(EvidenceError, match="did you mean 'services_share'"):
        observe_records(records(), {"service_share": 0.1})


def test_bad_parameter_records_are_refused_all_at_once(tmp_path: Path) -> None:
    path = tmp_path / "observation_parameters.toml"
    whole = 'value = 2\nunit = "share"\nminimum = 0\nmaximum = 1\nshape = "{}"\nmeaning = "m"\nsource = "s"\n'
    path.write_text(
        "[far]\n" + whole.format("loguniform") + 'grade = "assumed"\n[short]\nvalue = 1\n'
        "[odd]\n" + whole.format("normal") + 'grade = "assumed"\n',
        encoding="utf-8",
    )
    with pytest.raises(EvidenceError) as caught:
        load_observation_parameters(path)
    problems = "\n".join(caught.value.problems)
    assert "far: value 2 lies outside 0 to 1" in problems
    assert "far: minimum 0 of a loguniform range must be above 0" in problems
    assert "short: must have exactly" in problems
    assert "odd: unknown shape 'normal'" in problems
