"""The plain view of one run tells what the tables hold, no more and no less."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from passaat.cli import app
from passaat.experiments.reports.markdown import markdown
from passaat.experiments.reports.run import describe_run, run_report
from passaat.experiments.reports.terminal import print_report
from passaat.model.engine.compiled import Run, simulate
from passaat.model.kernel.columns import declared_columns
from passaat.model.world import Accounts
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario
from passaat.screen import Screen


@pytest.fixture(scope="module")
def small() -> Scenario:
    return load_scenario("pib").with_world({"n_firms": 1_000, "n_coordinators": 60, "cluster_rows": 600})


@pytest.fixture(scope="module")
def run(small: Scenario) -> Run:
    return simulate(small.inputs(), 5)


@pytest.fixture(scope="module")
def report(small: Scenario, run: Run) -> dict[str, Any]:
    return describe_run(small, run)


def call(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_every_group_is_there_and_every_public_cent(report: dict[str, Any], run: Run) -> None:
    assert len(report["clusters"]) == int(run.world.calendar.n_clusters[0]) > 0
    shown = sum(round(100 * group["public_eur"]) for group in report["clusters"])
    assert shown == int(run.world.agency.paid_cents[0])


def test_every_private_cent_is_there(report: dict[str, Any], run: Run) -> None:
    """Each purpose that the accounts call private, members' share in activities among them."""
    private = [column for column in declared_columns(Accounts) if column.meaning.startswith("private: ")]
    assert len(private) > 1
    stored = sum(int(getattr(run.world.accounts, column.name).sum()) for column in private)
    shown = sum(round(100 * group["private_eur"]) for group in report["clusters"])
    assert shown == stored > 0


def test_members_contacts_and_contracts_are_those_of_the_memberships(
    report: dict[str, Any], run: Run
) -> None:
    shown = [member for group in report["clusters"] for member in group["members"]]
    assert len(shown) == int(run.world.clusters.n_joined.sum()) > 0
    assert sum(member["contracts"] for member in shown) == int(run.world.memberships.contracts.sum())


def test_totals_are_of_covenants_that_start_in_the_window(report: dict[str, Any]) -> None:
    starts = [
        group["covenant_start"]
        for group in report["clusters"]
        if group["covenant_start"] is not None and "2016Q1" <= group["covenant_start"] <= "2020Q4"
    ]
    assert report["totals"]["covenants"] == len(starts) > 0
    assert sum(report["totals"]["by_status"].values()) == report["totals"]["groups"]


def test_a_firm_in_two_clusters_of_a_market_exports_once(report: dict[str, Any]) -> None:
    covenants = [group for group in report["clusters"] if group["in_window"] and group["covenant_start"]]
    assert report["totals"]["exports_eur"] <= sum(group["exports_eur"] for group in covenants) + 0.01
    assert report["totals"]["firms"] <= report["totals"]["members"]


def under_the_new_rules(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Groups that applied and first met in the window: a group keeps the rules of the year of its first meeting."""
    groups: list[dict[str, Any]] = report["clusters"]
    return [group for group in groups if group["applied"] is not None and group["met"] >= "2016Q1"]


def test_without_programme_no_new_group_applies(small: Scenario, report: dict[str, Any]) -> None:
    twin = small.without_programme()
    assert under_the_new_rules(report) != []
    assert under_the_new_rules(describe_run(twin, simulate(twin.inputs(), 5))) == []


def test_the_command_shows_clusters_and_repeats_itself_to_the_byte(tmp_path: Path, small: Scenario) -> None:
    path = tmp_path / "small.toml"
    path.write_text(small.to_toml(), encoding="utf-8")
    text = call("run", str(path), "--seed", "5")
    assert "covenants with" in text
    assert "seed 5" in text
    first = call("run", str(path), "--seed", "5", "--json")
    assert first == call("run", str(path), "--seed", "5", "--json")
    assert str(tmp_path) not in first
    assert (
        json.loads(first)["totals"] != json.loads(call("run", str(path), "--seed", "6", "--json"))["totals"]
    )


def test_the_command_shows_one_cluster_and_refuses_one_that_is_not_there(
    tmp_path: Path, small: Scenario
) -> None:
    path = tmp_path / "small.toml"
    path.write_text(small.to_toml(), encoding="utf-8")
    assert "Cluster 0:" in call("run", str(path), "--cluster", "0")
    result = CliRunner().invoke(app, ["run", str(path), "--cluster", "9999"])
    assert result.exit_code == 2
    assert "there is no cluster 9999 in this run; clusters run from 0 to" in result.stderr


def test_levers_and_options_change_the_run(tmp_path: Path, small: Scenario) -> None:
    path = tmp_path / "small.toml"
    path.write_text(small.to_toml(), encoding="utf-8")
    nobody = json.loads(call("run", str(path), "--set", "selection_threshold_points=100", "--json"))
    assert under_the_new_rules(nobody) != []
    assert {group["covenant_start"] for group in under_the_new_rules(nobody)} == {None}
    under = json.loads(call("run", str(path), "--options", "go-no-go", "--json"))
    assert under["scenario"] == "pib+go-no-go"


def test_a_run_and_a_cluster_are_written_to_a_file_as_they_are_printed(
    tmp_path: Path, small: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row of the table, with what was changed above it; a file that is there is refused before the run."""
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(small.to_toml(), encoding="utf-8")
    for more in (("--set", "follow_up_years=2"), ("--cluster", "0")):
        printed = call("run", "small.toml", *more, "--to", "report.md", "--force")
        assert printed == call("run", "small.toml", *more)
        text = Path("report.md").read_text(encoding="utf-8")
        rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
        assert len(rows) > 3
        assert {word for row in (rows[0], *rows[2:]) for cell in row for word in cell.split()} <= set(
            printed.split()
        )
        assert ("Changed: " in text) == ("--set" in more)
        assert f"fingerprint {small.hash}" in text or "--set" in more
    refused = CliRunner().invoke(app, ["run", "small.toml", "--to", "report.md"])
    assert refused.exit_code == 2
    assert "report.md exists already" in refused.stderr


def test_columns_that_may_be_missed_leave_a_narrow_screen_and_no_file(report: dict[str, Any]) -> None:
    shown = io.StringIO()
    print_report(run_report(report), Screen(100, shown, plain=True), most=100)
    assert "Not shown in 100 columns: extended" in " ".join(shown.getvalue().split())
    assert "| cluster | sector | country | status | covenant | extended |" in markdown(run_report(report))
