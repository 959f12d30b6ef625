"""What takes hours or gigabytes is said, or refused, before work starts."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from passaat import cli
from passaat.errors import StudyError
from passaat.experiments.design.cells import MOST_CELLS, Design
from passaat.experiments.design.plan import most_runs
from passaat.experiments.design.plan_files import read_plan
from passaat.experiments.run import workload as workload_module
from passaat.experiments.run.workload import Workload, duration, tables_mb, workload
from passaat.model.engine.build import build_world
from passaat.scenarios.loading import load_scenario

PIB = load_scenario("pib")


def call(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def bytes_of(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(bytes_of, value.values()))
    return sum(map(bytes_of, value)) if isinstance(value, tuple) else 0


@pytest.mark.parametrize("sizes", [{}, {"n_firms": 5000, "markets_per_firm": 7}, {"cluster_rows": 2000}])
def test_the_memory_of_a_run_is_that_of_its_tables(sizes: dict[str, int]) -> None:
    reference = PIB.with_world(sizes)
    store = build_world(reference.inputs(), 1)
    held = sum(bytes_of(getattr(store, field.name)) for field in fields(store))
    assert tables_mb(reference) == pytest.approx(held / 1e6, rel=0.01)  # levers and parameters are left out


def test_work_grows_with_runs_firms_and_years_and_shrinks_with_threads() -> None:
    one = workload(PIB, 1_000, 1)
    assert workload(PIB, 2_000, 1).seconds == pytest.approx(2 * one.seconds)
    assert workload(PIB.with_world({"n_firms": 4_000}), 1_000, 1).seconds == pytest.approx(2 * one.seconds)
    assert workload(PIB, 1_000, 4).seconds == pytest.approx(one.seconds / 4)
    assert workload(PIB, 1_000, 4).memory_mb == pytest.approx(4 * one.memory_mb)
    assert workload(PIB, 1, 4).threads == 1  # one run does not go on in four threads


def test_small_work_is_not_worth_a_word() -> None:
    assert not workload(PIB, 1_000, 1).is_large
    assert workload(PIB, 1_000_000, 1).is_large
    assert Workload(1, 1, 1.0, 1_500.0).is_large


def test_work_is_told_in_one_sentence() -> None:
    assert Workload(48_000, 2, 660.0, 9.0).in_words() == (
        "About 48,000 runs: some 11 minutes and 9 MB of memory on 2 threads."
    )
    assert Workload(1, 1, 90.0, 1_500.0).in_words() == (
        "About 1 run: some 90 seconds and 1.5 GB of memory on 1 thread."
    )
    assert [duration(s) for s in (0.1, 1.4, 1.6, 119, 120, 7_199, 7_200, 172_799, 172_800)] == [
        "1 second",
        "1 second",
        "2 seconds",
        "119 seconds",
        "2 minutes",
        "120 minutes",
        "2 hours",
        "48 hours",
        "2 days",
    ]


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In an empty folder, where compiling the model, the first step of any work, fails the test."""

    def started(*_: object) -> None:
        raise AssertionError("work has started")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("passaat.model.engine.ready.warm_up", started)


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("command", ["compare", "validate", "cases"])
def test_draws_that_nobody_runs_are_refused_before_work_starts(command: str) -> None:
    named = ("pib",) if command != "cases" else ()
    code, out, err = call(command, *named, "--draws", "10000000")
    assert (code, out) == (2, "")
    assert "draws = 10,000,000" in err
    assert "more than anyone runs; at most 5,000,000 are allowed" in err
    assert "days" in err
    assert list(Path().iterdir()) == []


def test_the_most_cells_are_allowed_and_one_more_is_not() -> None:
    assert Design(MOST_CELLS // 8, 8).draws == 625_000
    with pytest.raises(StudyError, match="more than anyone runs"):
        Design(MOST_CELLS // 8 + 1, 8)


@pytest.mark.usefixtures("nothing_runs")
def test_a_plan_of_a_hundred_million_points_is_refused_with_its_days() -> None:
    Path("plan.toml").write_text(
        'name = "p"\nquestion = "Why?"\nreference = "pib"\n'
        '[design]\nmethod = "latin-hypercube"\npoints = 100_000_000\nworlds = 1\nrest = "defaults"\n'
        '[levers]\nassessors = "all"\n',
        encoding="utf-8",
    )
    for more in ((), ("--dry-run",)):
        code, _, err = call("sweep", "plan.toml", *more)
        assert code == 2
        # 100 million runs of 30 ms are 3 million seconds, and a day has 86,400.
        assert "100,000,000 points are more than anyone runs" in err
        assert "some 35 days" in err


def huge(folder: Path) -> Path:
    world = {"n_firms": 1_000_000, "markets_per_firm": 20}
    path = folder / "huge.toml"
    path.write_text(PIB.with_world(world).to_toml(), encoding="utf-8")
    return path


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("command", ["run", "compare", "validate", "replicate"])
def test_a_world_that_does_not_fit_into_memory_is_refused_before_work_starts(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = huge(tmp_path)
    monkeypatch.setattr(workload_module, "machine_memory_mb", lambda: 4_000.0)
    code, out, err = call(command, str(path))
    assert (code, out) == (2, "")
    assert "GB of memory, and this machine has 4.0 GB" in err
    assert "Make n_firms" in err


def test_a_thousand_million_firms_are_refused_by_their_range(tmp_path: Path) -> None:
    path = tmp_path / "firms.toml"
    path.write_text(PIB.to_toml().replace("n_firms = 2000", "n_firms = 1000000000"), encoding="utf-8")
    code, _, err = call("run", str(path))
    assert code == 2
    assert "world.n_firms = 1000000000 is not allowed; it must be 10 to 1 000 000" in err


def test_where_the_system_does_not_tell_its_memory_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workload_module, "machine_memory_mb", lambda: None)
    Workload(1, 1, 1.0, 1e9).require_memory()


def test_no_more_runs_than_said_are_made() -> None:
    from passaat.experiments.design.plan import n_runs
    from passaat.experiments.design.plan_files import shipped_plans

    for name in shipped_plans():
        plan = read_plan(name)
        assert n_runs(plan) <= most_runs(plan)


def test_long_work_is_said_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("passaat.cli.parts.say", said.append)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("passaat.model.engine.ready.warm_up", stop)
    monkeypatch.chdir(tmp_path)
    assert call("compare", "pib", "--draws", "10000", "--workers", "1")[0] == 130
    # 80,000 cells of 14 runs, two for each of four options at equal public money; six parts of options in 20,000 of
    # them; 27.7 ms each: 34,348 s.
    assert len(said) == 1
    assert said[0].startswith("About 1,240,000 runs: some 10 hours and ")
