"""`passaat check` and `passaat new`: what is said of a file without running anything, and what eight pairs show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from passaat import cli
from passaat.errors import ModelError, ScenarioError, StudyError
from passaat.experiments.analyses.trial import Trial, try_option
from passaat.experiments.design.basis import PRIOR
from passaat.experiments.design.simulator import Simulator
from passaat.model.inputs import RunInputs
from passaat.model.outcomes import OUTCOMES
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario


def call(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def option(**levers: Any) -> Scenario:
    return Scenario(
        name="trial",
        title="a trial",
        kind="option",
        description="To test.",
        levers=levers,
        levers_why=dict.fromkeys(levers, "To test."),
    )


def written(folder: Path, scenario: Scenario) -> str:
    path = folder / "trial.toml"
    path.write_text(scenario.to_toml(), encoding="utf-8")
    return str(path)


# Without running anything


def test_check_says_what_moves_nothing_and_what_would_not_have_bound(tmp_path: Path) -> None:
    late = option(covenant_amount_eur={2040: 0}, programme_budget_eur_year={2016: 6_000_000, 2019: 4_200_000})
    code, out, err = call("check", written(tmp_path, late))
    assert code == 0, err
    assert "0 from 2040 moves nothing in pib: 2040 lies after its last year, 2034" in out
    assert "would not have bound in 2016-2020" in out
    assert f"fingerprint {late.hash}" in out


def test_check_holds_an_option_against_what_it_is_based_on_or_what_is_asked(tmp_path: Path) -> None:
    data = {name: getattr(option(assessors=2), name) for name in Scenario.model_fields}
    for based_on, reference in (
        ("pib-next", "pib-next"),
        ("follow-up", "pib"),
        ("", "pib"),
        ("nothing", "pib"),
    ):
        path = written(tmp_path, Scenario(**{**data, "based_on": based_on}))
        assert f"trial moves nothing in {reference}" in call("check", path)[1]
    path = written(tmp_path, option(assessors=2))
    assert "trial moves nothing in pib-next" in call("check", path, "--reference", "pib-next")[1]
    assert call("check", path, "--reference", "follow-up")[0] == 2


def test_check_names_what_has_the_same_content(tmp_path: Path) -> None:
    data = {name: getattr(load_scenario("go-no-go"), name) for name in Scenario.model_fields}
    path = written(tmp_path, Scenario(**{**data, "name": "mine"}))
    assert "the same content as go-no-go, under another name" in call("check", path)[1]
    assert "the same content" not in call("check", "go-no-go")[1]


def test_check_takes_a_stack_and_names_what_is_overridden(tmp_path: Path) -> None:
    path = written(tmp_path, option(follow_up_years=2))
    code, out, err = call("check", f"follow-up+{path}")
    assert code == 0, err
    assert "follow-up+trial is a valid option" in out
    assert "trial overrides follow_up_years of follow-up: 2 instead of 6." in err


def test_check_loads_nothing_heavy(tmp_path: Path) -> None:
    path = written(tmp_path, option(programme_budget_eur_year=5_000_000))
    code = (
        "import sys; from typer.testing import CliRunner; from passaat.cli import app;"
        f"print(CliRunner().invoke(app, ['check', {path!r}]).exit_code);"
        "print([name for name in ('numba', 'matplotlib', 'mesa', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["0", "[]"]


def test_check_gives_json(tmp_path: Path) -> None:
    found = json.loads(call("check", written(tmp_path, option(assessors=2)), "--json")[1])
    assert found["reference"] == "pib"
    assert found["notes"][-1] == "trial moves nothing in pib: it is the same policy in every year"
    assert found["pairs_unchanged"] is None
    assert json.loads(call("check", "pib", "--json")[1])["notes"] == []


def test_a_reference_is_not_tried() -> None:
    for extra in ("--try", "--reference=pib-next"):
        code, out, err = call("check", "pib", extra)
        assert (code, out) == (2, "")
        assert "pib is a reference" in err
        assert "passaat run pib" in err


# Eight pairs


def toy(*, failing: int = -1) -> Simulator:
    """A model in which assessors matter in worlds with an even seed, and nothing else does anywhere."""
    calls = {"n": 0}

    def simulate(inputs: RunInputs, world: int) -> float:
        calls["n"] += 1
        if calls["n"] == failing:
            raise ModelError("the table is full", "Raise cluster_rows.")
        return float(world % 1000) + (inputs.levers["assessors"][-1] if world % 2 == 0 else 0.0)

    def outcomes_of(run: float, twin: float) -> NDArray[np.float64]:
        return np.array([run, np.nan, 1.0])

    return Simulator(
        outcomes=OUTCOMES[:3],
        simulate=simulate,
        outcomes_of=outcomes_of,
        draw_parameters=lambda n, seed: [{} for _ in range(n)],
        version="toy",
        behaviour="toy",
        basis=PRIOR,
    )


def test_pairs_are_counted_in_which_nothing_changes() -> None:
    from passaat.experiments.design.cells import world_seed

    even = sum(world_seed(3, pair, 0) % 2 == 0 for pair in range(40))
    assert 0 < even < 40
    found = try_option(load_scenario("pib"), option(assessors=5), pairs=40, seed=3, simulator=toy())
    assert found.unchanged == 40 - even
    assert {names for names in found.changed} == {(), (OUTCOMES[0].name,)}
    assert found.summary()[0].startswith(f"trial changes nothing in {40 - even} of 40 pairs")
    nothing = try_option(load_scenario("pib"), option(follow_up_years=5), simulator=toy())
    assert nothing.unchanged == 8
    assert "changes nothing in 8 of 8 pairs" in nothing.summary()[0]


def test_all_pairs_changed_is_said_in_other_words() -> None:
    trial = Trial("trial", "pib", (("contracts",), ("contracts",)), 300, "prior")
    assert (
        trial.summary()[0]
        == "trial changes some outcome in all 2 pairs of worlds, with and without it, in pib."
    )


def test_large_worlds_are_tried_small() -> None:
    large = load_scenario("pib").with_world({"n_firms": 100_000})
    assert try_option(large, option(assessors=5), simulator=toy()).n_firms == 2_000
    small = load_scenario("pib").with_world({"n_firms": 300})
    assert try_option(small, option(assessors=5), simulator=toy()).n_firms == 300


def test_a_run_that_fails_and_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(StudyError, match="the pair 2 of 8 failed: the table is full"):
        try_option(load_scenario("pib"), option(assessors=5), simulator=toy(failing=5))
    with pytest.raises(StudyError, match="at least 1 pair"):
        try_option(load_scenario("pib"), option(assessors=5), pairs=0, simulator=toy())
    with pytest.raises(ScenarioError):
        try_option(load_scenario("pib"), load_scenario("pib-next"), simulator=toy())


def test_a_budget_that_never_binds_changes_nothing_in_eight_pairs(tmp_path: Path) -> None:
    small = load_scenario("pib").with_world({"n_firms": 300})
    reference = tmp_path / "small.toml"
    reference.write_text(small.to_toml(), encoding="utf-8")
    path = written(tmp_path, option(programme_budget_eur_year=50_000_000))
    code, out, err = call("check", path, "--try", "--reference", str(reference))
    assert code == 0, err
    assert "trial changes nothing in 8 of 8 pairs of worlds, with and without it, in pib." in out
    assert "Each world has 300 firms" in out
    path = written(tmp_path, option(programme_budget_eur_year=0))
    found = json.loads(call("check", path, "--try", "--reference", str(reference), "--json")[1])
    assert found["pairs_unchanged"] < 8


# A new file


@pytest.mark.parametrize("length", [256, 5000])
def test_a_name_too_long_for_a_file_is_one_line(length: int, tmp_path: Path) -> None:
    for name in ("n" * length, "n" * length + ".toml"):
        code, out, err = call("new", str(tmp_path / name))
        assert (code, out) == (2, "")
        assert err.startswith("Error: ")
        assert "Traceback" not in err
        assert len(err.splitlines()) == 2
        assert max(map(len, err.splitlines())) < 300
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_that_a_file_can_have_makes_a_valid_scenario(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 200 + ".toml")
    assert call("new", str(path))[0] == 0
    assert call("check", str(path))[0] == 0


def test_a_name_with_a_line_break_is_refused(tmp_path: Path) -> None:
    code, _, err = call("new", str(tmp_path / "a\nprogramme_on = false\n.toml"))
    assert code == 2
    assert len(err.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []
