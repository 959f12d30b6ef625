"""The evidence: closed lists, refusals that name the row, and the reconciliations computed again."""

from __future__ import annotations

import re
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from passaat import evidence as evidence_module
from passaat.calibration.listing import explain_row, list_claims, list_evidence, value_text
from passaat.errors import EvidenceError
from passaat.evidence import (
    EVIDENCE_FOLDER,
    FORMS,
    UNITS,
    USES,
    claims,
    evidence,
    load_evidence,
    outside_evidence,
    reconciliations,
    references,
)


def value(id: str) -> float:
    number = evidence()[id].value
    assert number is not None, id
    return number


def rounds_to(fraction: Fraction | float, printed: float, decimals: int = 0) -> bool:
    """Whether a number lies where it would be printed as ``printed``, half up."""
    half = 0.5 * 10**-decimals
    return bool(printed - half <= float(fraction) < printed + half)


# --- what is there -----------------------------------------------------------------------------------


def test_there_are_reconciliations_and_sources() -> None:
    assert {f"A{number}" for number in range(1, 21)} <= set(reconciliations())
    of_programmes = {"technopolis2023", "rvo2023", "serv2015", "klict", "kplusv2016"}
    assert of_programmes <= set(references())
    assert set(references()) - of_programmes == {row.source for row in outside_evidence().values()}


def test_every_unit_form_and_use_of_the_closed_lists_is_used() -> None:
    rows = [*evidence().values(), *outside_evidence().values()]
    assert {row.unit for row in rows} == set(UNITS)
    assert {row.form for row in rows} == set(FORMS)
    assert {row.use for row in rows} == set(USES)


def test_claims_of_every_group_are_there() -> None:
    groups = {id.rstrip("0123456789") for id in claims()}
    assert {"CF", "SE", "AP", "CO", "LI", "EM", "PM", "FC", "R", "SH", "TI", "FU", "SL", "MO"} <= groups
    assert {"L", "K", "RV", "KL", "KV"} <= groups
    assert all((claim.strength is None) == (claim.kind == "rule") for claim in claims().values())


def test_recommendations_count_as_expectations_not_as_findings() -> None:
    assert {c.strength for c in claims().values() if c.kind == "recommendation"} == {1}


@pytest.mark.parametrize(
    "name", ["BASE Semicon", "WaterwayTech", "WasteBIN", "Gulf Tulip", "Holland B.V.", "IHC"]
)
def test_no_names_of_companies_or_clusters(name: str) -> None:
    for file in EVIDENCE_FOLDER.iterdir():
        assert name.lower() not in file.read_text(encoding="utf-8").lower(), file.name


CLAIM_ID = re.compile(r"\b(?:(?:CF|SE|AP|CO|LI|EM|PM|FC|SH|TI|FU|SL|MO|RV|KL|KV|L|K)\d{2}|R[123]\d{2})\b")
CITED_FROM = ("model", "scenarios", "scenarios/shipped", "experiments", "calibration", "docs", ".")


def test_every_claim_that_the_project_cites_is_here() -> None:
    root = EVIDENCE_FOLDER.parent.parent
    missing, cited = [], set()
    for folder in CITED_FROM:
        for file in sorted((root / folder).glob("*")):
            if file.suffix in (".py", ".toml", ".md"):
                found = set(CLAIM_ID.findall(file.read_text(encoding="utf-8")))
                cited |= found
                missing += [f"{file.relative_to(root)}: {id}" for id in sorted(found - set(claims()))]
    assert len(cited) > 20, "no citations found: the search looks in the wrong place"
    assert not missing


def test_a_deduced_row_is_marked_and_says_how() -> None:
    for row in evidence().values():
        if row.id.endswith("_inferred"):
            assert row.inferred, row.id
        if row.inferred:
            assert row.arithmetic or row.notes or row.reading, row.id


# --- the arithmetic again ---------------------------------------------------------------------------------


def test_a1_only_21_fits_both_printed_figures_of_2017() -> None:
    fits = [
        k
        for k in range(15, 26)
        if rounds_to(Fraction(100 * k, 65), 32) and rounds_to(Fraction(18_700_000, k), 890_476)
    ]
    assert fits == [21]
    assert not rounds_to(Fraction(100 * 18, 65), 32)
    assert 17 + 18 != 38
    assert 17 + 21 == 38
    assert value("export_increase_n_reconciled_2017") == 21
    assert rounds_to(Fraction(100 * 38, 136), 28)
    assert rounds_to(Fraction(22_000_000, 38), 578_947)
    for period in ("2016", "2017", "2016_2017"):
        total = value(f"export_increase_sum_{period}")
        assert rounds_to(
            total / value(f"export_smes_{period}"), value(f"export_increase_per_supported_{period}")
        )
        successes = evidence()[f"export_increase_per_success_{period}"].n
        assert successes is not None
        assert rounds_to(total / successes, value(f"export_increase_per_success_{period}"))


def test_a2_the_contract_goals_add_up_to_17_and_not_16() -> None:
    parts = [value(f"contract_target_{part}") for part in ("met", "partly", "not")]
    assert sum(parts) == 17
    assert value("clusters_with_contract_indicator") == 16
    assert {evidence()[f"contract_target_{part}"].n for part in ("met", "partly", "not")} == {17}


def test_a3_only_51_clusters_fit_the_share_and_both_means() -> None:
    def attainable(mean: float, n: int) -> bool:
        return any(rounds_to(total / n, mean, 2) for total in range(int(mean * n) - 2, int(mean * n) + 3))

    assert rounds_to(Fraction(1400, 51), 27.5, 1)
    assert not rounds_to(Fraction(1400, 52), 27.5, 1)
    both = [n for n in range(45, 56) if attainable(9.75, n) and attainable(8.57, n)]
    assert both == [51, 53]
    assert not attainable(8.57, 52)


def test_a4_the_2017_total_is_ten_times_the_mean_and_others_agree() -> None:
    for year in range(2016, 2021):
        n = 10 if year == 2017 else value(f"clusters_started_{year}")
        total, mean = value(f"rvo_commitment_total_{year}"), value(f"pib_financing_mean_{year}")
        assert abs(total - n * mean) <= 0.5 * n + 1, year
    assert value("clusters_started_2017") == 11
    totals = [value(f"rvo_commitment_total_{year}") for year in range(2016, 2021)]
    assert sum(totals) == value("rvo_commitment_total_all_inferred")


def test_a5_the_printed_totals_are_unweighted_means_of_years() -> None:
    starts = np.array([value(f"clusters_started_{year}") for year in range(2016, 2021)])
    with_money = starts - np.array([0, 1, 0, 0, 0])
    for kind in ("pib", "cluster"):
        means = np.array([value(f"{kind}_financing_mean_{year}") for year in range(2016, 2021)])
        assert rounds_to(means.mean(), value(f"{kind}_financing_mean_all"))
        weighted = float((means * with_money).sum() / with_money.sum())
        assert rounds_to(weighted, value(f"{kind}_financing_weighted_inferred"))
        assert abs(weighted - means.mean()) > 9_000


def test_a6_the_leverage_follows_from_ten_clusters_in_2017() -> None:
    public = (value("rvo_commitment_total_2016") + value("rvo_commitment_total_2017")) / 1e6
    assert rounds_to(public, value("public_commitment_2016_2017"), 1)
    private = (14 * value("cluster_financing_mean_2016") + 11 * value("cluster_financing_mean_2017")) / 1e6
    assert rounds_to(private, value("private_input_2016_2017"))
    exports = value("export_increase_sum_2016_2017") / 1e6
    assert rounds_to(exports / public, value("leverage_export_public"), 1)
    assert not rounds_to(exports / (public + 0.23), value("leverage_export_public"), 1)
    assert rounds_to(exports / (6.4 + 14), 1.08, 2)


def test_a7_starts_add_up_and_the_mean_duration_is_weighted() -> None:
    starts = np.array([value(f"clusters_started_{year}") for year in range(2016, 2021)])
    durations = np.array([value(f"duration_mean_{year}") for year in range(2016, 2021)])
    assert starts.sum() == value("clusters_started_total") == 52
    assert starts.sum() / 5 == value("clusters_started_per_year_mean")
    low, high = ((starts * (durations + edge)).sum() / 52 for edge in (-0.005, 0.005))
    assert low < 4.105 <= high + 1e-9, "the rounding band of the inputs must reach the band printed as 4.10"
    assert not rounds_to(durations.mean(), 4.10, 2)


def test_a8_rejections_are_about_a_tenth() -> None:
    assert rounds_to(Fraction(600, 58), value("rejection_share_inferred"), 1)


def test_a9_stocks_and_flows_of_covenants() -> None:
    running = {year: value(f"covenants_running_{year}") for year in (2016, 2017, 2019, 2020)}
    started = {year: value(f"clusters_started_{year}") for year in range(2016, 2021)}
    assert running[2016] + started[2017] - running[2017] == value("covenants_ended_2017_inferred")
    assert running[2017] + started[2018] + started[2019] - running[2019] == value(
        "covenants_ended_2018_19_inferred"
    )
    assert running[2019] + started[2020] - running[2020] == value("covenants_ended_2020_inferred")
    assert min(running.values()) > 10.4 * 4.10


def test_a10_smes_cannot_be_more_than_companies() -> None:
    companies = value("cluster_firms_mean") / value("cluster_size_mean")
    assert rounds_to(100 * companies, value("company_share_of_participants"))
    assert value("sme_share") / 100 > companies
    assert rounds_to(136 / 25, value("sme_per_cluster_cbs_inferred"), 2)
    assert rounds_to(100 * 136 / (0.89 * 8.57 * 25), 71)


def test_a11_a12_market_kinds_exclude_each_other_and_sectors_do_not() -> None:
    assert sum(row.value or 0 for id, row in evidence().items() if id.startswith("clusters_market_")) == 52
    assert sum(row.value or 0 for id, row in evidence().items() if id.startswith("clusters_sector_")) == 83


@pytest.mark.parametrize("instrument", ["dhi", "missions", "sib", "bps"])
def test_a13_the_smallest_base_is_the_smallest_that_fits(instrument: str) -> None:
    share = evidence()[f"bench_share_{instrument}"]
    per_firm, per_success = (
        value(f"bench_per_supported_{instrument}"),
        value(f"bench_per_success_{instrument}"),
    )
    assert rounds_to(100 * per_firm / per_success, value(f"bench_share_{instrument}"))

    def fits(n: int, k: int) -> bool:
        total = round(per_firm * n / 1e5) * 1e5
        return rounds_to(total / n, per_firm) and rounds_to(total / k, per_success)

    ratio = per_firm / per_success
    smallest = next(
        (n, k)
        for n in range(1, 3000)
        for k in (int(n * ratio), int(n * ratio) + 1)
        if k and rounds_to(Fraction(100 * k, n), value(f"bench_share_{instrument}")) and fits(n, k)
    )
    assert smallest == (share.n, evidence()[f"bench_per_success_{instrument}"].n)


def test_a14_concentration_and_the_log_normal_that_gives_it() -> None:
    assert rounds_to(160 / 14, value("turnover_growth_mean"), 1)
    rng = np.random.default_rng(1)
    shares = {}
    for sigma in (1.1, 1.2):
        growth = np.sort(np.exp(sigma * rng.standard_normal((20_000, 14))), axis=1)
        shares[sigma] = float((growth[:, -5:].sum(axis=1) / growth.sum(axis=1)).mean())
    assert shares[1.1] == pytest.approx(0.73, abs=0.01)
    assert shares[1.2] == pytest.approx(0.76, abs=0.01)
    assert shares[1.1] < value("turnover_top5_share") / 100 < shares[1.2]


def test_a15_39_is_the_smallest_base_that_gives_15_36_and_49() -> None:
    def fits(n: int) -> bool:
        return any(
            rounds_to(Fraction(100 * full, n), 15)
            and rounds_to(Fraction(100 * partly, n), 36)
            and rounds_to(Fraction(100 * (n - full - partly), n), 49)
            for full in range(n + 1)
            for partly in range(n + 1 - full)
        )

    assert [n for n in range(1, 54) if fits(n)] == [39, 47, 53]
    assert value("next_steps_full") + value("next_steps_partly") + value("next_steps_not") == 100
    assert 13 * 3 == 39


def test_a16_a17_routes_leave_a_rest_and_the_nominal_amount_is_no_cap() -> None:
    assert round(sum(value(f"route{route}_activity_share") for route in (1, 2, 3))) == 93
    assert evidence()["pib_financing_range"].upper == 420_000 > value("pib_value_to_match")
    assert rounds_to(value("case_gulf_cluster_budget") / value("case_gulf_programme_budget"), 0.84, 2)


def test_b_modules_add_up_to_the_overview_and_cases_to_the_case_tables() -> None:
    modules = ["economic_diplomacy", "promotion_and_matchmaking", "knowledge_exchange_and_networks"]
    rows = [evidence()[f"t16_sum_{module}_yes_share"] for module in modules]
    yes = [round((row.value or 0) / 100 * (row.n or 0)) for row in rows]
    assert yes == [9, 23, 6]
    assert sum(row.n or 0 for row in rows) == evidence()["t16_sum_all_yes_share"].n == 55
    cases = [row for id, row in evidence().items() if id.startswith("case_") and id.endswith("_activities")]
    assert len(cases) == 8
    assert sum(row.n or 0 for row in cases) == 64
    fully_or_largely = value("case_tables_yes") + value("case_tables_largely")
    assert sum(row.value or 0 for row in cases) == fully_or_largely == 45


# --- refusals -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EVIDENCE_FOLDER, tmp_path / "evidence"))


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} must occur once in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8", newline="")


def test_an_unchanged_copy_is_accepted(folder: Path) -> None:
    assert dict(load_evidence(folder).rows) == dict(evidence())


def test_all_bad_rows_are_named_at_once_with_row_id_value_and_way_out(folder: Path) -> None:
    edit(
        folder,
        "pib.csv",
        "clusters_started_2016,Clusters that started in 2016,14,clusters",
        "clusters_started_2016,X,14,cluster",
    )
    edit(
        folder,
        "pib.csv",
        "extension_requests,Clusters that asked to be extended,35,clusters,,,52",
        "extension_requests,X,35,clusters,,,0",
    )
    edit(folder, "pib.csv", "turnover_single_deal,Largest single contract,50", "turnover_single_deal,X,many")
    edit(folder, "claims.csv", "CF07,claim,", "CF07,rumour,")
    with pytest.raises(EvidenceError) as caught:
        load_evidence(folder)
    problems = "\n".join(caught.value.problems)
    assert len(caught.value.problems) >= 4
    assert "pib.csv row 5, clusters_started_2016: unknown unit 'cluster'; did you mean 'clusters'" in problems
    assert "extension_requests: n = '0': a whole number of at least 1 is needed" in problems
    assert "turnover_single_deal: value = 'many' is not a number" in problems
    assert "claims.csv row 8, CF07: unknown kind 'rumour'" in problems
    assert "Correct these rows" in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("technopolis2023,s1.1,,,input,no,", ",s1.1,,,input,no,", "unknown source ''"),
        ("technopolis2023,s1.1,,,input,no,", "technopolis2023,,,,input,no,", "place is missing"),
        ("technopolis2023,s1.1,,,input,no,", "technopolis2023,s1.1,A99,,input,no,", "unknown reading 'A99'"),
        ("technopolis2023,s1.1,,,input,no,", "technopolis2023,s1.1,,,fact,no,", "unknown use 'fact'"),
        (
            "technopolis2023,s1.1,,,input,no,",
            "technopolis2023,s1.1,,,input,perhaps,",
            "unknown inferred 'perhaps'",
        ),
        (
            "programme,date,technopolis2023,s1.1",
            "programme,binomial,technopolis2023,s1.1",
            "form binomial needs n",
        ),
        (
            "programme,date,technopolis2023,s1.1",
            "programme,range,technopolis2023,s1.1",
            "form range needs lower and upper",
        ),
        ("Year the programme began,2012,", "Year the programme began,nan,", "is not a finite number"),
        ("Year the programme began,2012,", "Year the programme began,,", "value is missing"),
        (
            "Year the programme began,2012,year,,",
            "Year the programme began,2012,year,3,2",
            "lower 3 lies above upper 2",
        ),
        (
            "Year the programme began,2012,year,,",
            "Year the programme began,2012,year,3,4",
            "value 2012 lies outside 3 to 4",
        ),
        ("meta_programme_start,Year", "meta_cases,Year", "id is used before, in row 2"),
        ("extended,35,clusters", "extended,53,clusters", "value 53 of n = 52 cases is no count"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason(folder: Path, old: str, new: str, reason: str) -> None:
    edit(folder, "pib.csv", old, new)
    with pytest.raises(EvidenceError, match=r"pib\.csv row") as caught:
        load_evidence(folder)
    assert any(reason in problem for problem in caught.value.problems), caught.value.problems


def test_an_outside_row_with_an_id_of_the_programme_is_refused(folder: Path) -> None:
    edit(folder, "outside.csv", "base_nl_lejour_new,", "meta_cases,")
    with pytest.raises(EvidenceError, match=r"outside\.csv, meta_cases: id is used in pib\.csv"):
        load_evidence(folder)


def test_outside_growth_follows_from_its_levels() -> None:
    rows = outside_evidence()
    assert rounds_to(100 * ((496 / 371.5) ** (1 / 8) - 1), rows["base_nl_exports2010_18"].value or 0, 1)
    level = 686.6 / (1 - 0.059)
    assert rounds_to(100 * ((level / 371.5) ** (1 / 12) - 1), rows["base_nl_exports2022"].value or 0, 1)
    for ending in ("", "_value"):
        classes = (
            rows[f"base_nl_cbs2019_{c}{ending}"].value or 0 for c in ("everyyear", "years", "flicker", "once")
        )
        assert round(sum(classes), 1) == 100


def test_outside_rows_are_found_and_explained() -> None:
    assert "base_es_median" in [row.id for row in list_evidence(use="tuning")]
    assert "Esteve-Perez" in "\n".join(explain_row("base_es_median").lines)


def test_a_line_with_too_few_values_and_a_wrong_header_are_refused(folder: Path) -> None:
    with (folder / "pib.csv").open("a", encoding="utf-8") as file:
        file.write("alone,here\n")
    edit(folder, "reconciliations.csv", "id,subject,verdict", "id,verdict,subject")
    with pytest.raises(EvidenceError) as caught:
        load_evidence(folder)
    assert any("2 values where 17 are needed" in problem for problem in caught.value.problems)
    assert any(
        "reconciliations.csv: first line must be id,subject" in problem for problem in caught.value.problems
    )


def test_missing_files_broken_toml_and_incomplete_sources_are_refused(folder: Path) -> None:
    (folder / "claims.csv").unlink()
    edit(folder, "references.toml", 'language = "nl"\nwhat = "four tips', 'what = "four tips')
    with pytest.raises(EvidenceError) as caught:
        load_evidence(folder)
    assert any("claims.csv: cannot be read" in problem for problem in caught.value.problems)
    assert any(
        "references.toml, kplusv2016: must have exactly" in problem for problem in caught.value.problems
    )
    (folder / "references.toml").write_text("[broken", encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"references.toml: cannot be read"):
        load_evidence(folder)


def test_an_empty_file_is_refused(folder: Path) -> None:
    header = (folder / "claims.csv").read_text(encoding="utf-8").splitlines()[0]
    (folder / "claims.csv").write_text(header + "\n", encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"claims.csv: no rows"):
        load_evidence(folder)


# --- listing and explaining ------------------------------------------------------------------------------


def test_listing_filters_by_use_and_text() -> None:
    assert [row.id for row in list_evidence(text="TOP5_SHARE")] == ["turnover_top5_share"]
    assert {row.use for row in list_evidence(use="validation")} == {"validation"}
    assert list_evidence(use="target", text="no such thing") == ()
    assert [claim.id for claim in list_claims("filler members")] == ["CF06", "CF07"]
    with pytest.raises(EvidenceError, match="unknown use 'goal'"):
        list_evidence(use="goal")


def test_an_explanation_shows_the_reading_and_marks_what_is_deduced() -> None:
    lines = "\n".join(explain_row("export_increase_n_reconciled_2017").lines)
    assert "INFERRED by a reader, not reported" in lines
    assert "misprint" in lines
    assert "Technopolis (2023)" in lines
    assert "no control group" in "\n".join(explain_row("CF06").lines)
    assert "export_increase_n_printed_2016" in explain_row("A1").rows
    assert "undated" in "\n".join(explain_row("KL01").lines)


def test_an_unknown_id_gets_a_guess_and_a_way_out() -> None:
    with pytest.raises(EvidenceError, match="did you mean 'turnover_top5_share'") as caught:
        explain_row("turnover_top5_shares")
    assert "passaat evidence" in caught.value.hint


def test_values_are_written_as_people_read_them() -> None:
    assert value_text(evidence()["pib_financing_mean_2016"]) == "291,571 EUR"
    assert value_text(evidence()["meta_programme_start"]) == "2012"
    assert value_text(evidence()["web_fee_range"]) == "3,500 EUR per firm per year (2,000 to 5,000)"
    assert value_text(evidence()["mous_ordinal"]) == "only a few"


def test_evidence_is_read_once() -> None:
    assert evidence_module.all_evidence() is evidence_module.all_evidence()
