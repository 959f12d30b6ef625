"""A posterior rests on what went into it: what did not changes nothing, and what did is named when it changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from passaat.calibration import grounds as the_grounds
from passaat.calibration import posterior
from passaat.calibration.grounds import PARTS, changes, fingerprints, grounds
from passaat.calibration.observation import observation_parameters
from passaat.calibration.priors import priors, priors_of, statement
from passaat.identity import fingerprint_of_text
from passaat.model.parameters import PARAMETERS, Parameter
from passaat.model.provenance import golden
from passaat.scenarios import levers
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

ROOT = Path(__file__).parents[2]


def reference_of(scenario: Scenario) -> dict[str, str]:
    return grounds(scenario)["reference"]


def test_every_part_has_items_and_a_name_for_people(pib: Scenario) -> None:
    found = {**grounds(pib), "sample": {"digest": "x"}}
    assert list(found) == list(PARTS)
    assert all(found.values())
    assert len(set(fingerprints(found).values())) == len(PARTS)
    assert grounds(pib) == grounds(load_scenario("pib"))


def test_a_fixed_parameter_that_is_added_changes_nothing_and_a_drawn_one_does() -> None:
    fixed = Parameter("new", 1.0, 1.0, 1.0, "fixed", "share", "m", "assumed", "none", False, "assumed")
    drawn = replace(fixed, minimum=0.5, maximum=2.0, shape="uniform")
    usual = statement(priors().all)
    assert statement(priors_of({**PARAMETERS, "new": fixed}, observation_parameters()).all) == usual
    added = statement(priors_of({**PARAMETERS, "new": drawn}, observation_parameters()).all)
    assert changes({"priors": usual}, {"priors": added}) == [
        "priors changed: new was not there and is model uniform 0.5 to 2"
    ]


def test_the_default_of_a_parameter_that_is_drawn_is_no_part_of_it() -> None:
    drawn = {name for name, record in PARAMETERS.items() if record.shape != "fixed"}
    for inputs, _ in golden.practice_inputs().values():
        assert set(inputs.parameters) == drawn


def test_a_column_of_zeros_that_is_added_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = golden.practice_runs()["practice"]
    usual, columns = golden.run_figures(run), golden.columns_of

    def with_column(values: Any) -> Any:
        return lambda run: iter([*columns(run), ("firms.new", values)])

    monkeypatch.setattr(golden, "columns_of", with_column(np.zeros(200)))
    assert golden.run_figures(run) == usual
    monkeypatch.setattr(golden, "columns_of", with_column(np.ones(200)))
    assert golden.run_figures(run) == {**usual, "firms.new": "200 20100"}


def test_a_lever_that_practice_leaves_alone_is_no_part_of_the_reference(
    monkeypatch: pytest.MonkeyPatch, pib: Scenario
) -> None:
    usual, inputs = reference_of(pib), pib.inputs()
    new = replace(levers.LEVERS["assessors"], name="new", default_by_year=((2012, 2),))
    monkeypatch.setattr(levers, "LEVERS", {**levers.LEVERS, "new": new})

    def with_lever(value: float) -> Any:
        levers = {**inputs.levers, "new": np.full(inputs.size.n_years, value)}
        given = SimpleNamespace(
            **{**vars(inputs), "levers": levers}
        )  # the model's own inputs know no such lever
        return SimpleNamespace(name="pib", inputs=lambda: given)

    assert grounds(with_lever(2.0))["reference"] == usual
    assert set(grounds(with_lever(3.0))["reference"]) - set(usual) == {"lever new"}


@pytest.mark.parametrize(
    ("edit", "item"),
    [
        (lambda one: one.with_levers({"assessors": 5}), "lever assessors"),
        (lambda one: one.with_world({"n_firms": 1999}), "n_firms"),
        (lambda one: one.with_structure(support="none"), "structure support"),
        (lambda one: one.with_parameters({"step_success": 1.3}), "parameter step_success"),
    ],
)
def test_what_acts_in_the_reference_is_named_when_it_changes(edit: Any, item: str, pib: Scenario) -> None:
    usual, now = reference_of(pib), reference_of(edit(pib))
    assert [name for name in {**usual, **now} if usual.get(name) != now.get(name)] == [item]
    (said,) = changes({"reference": usual}, {"reference": now})
    assert said.startswith(f"the reference changed: {item} was ")


def test_a_long_list_of_changes_is_shown_by_examples() -> None:
    before = {f"x{i}": "1" for i in range(10)}
    (said,) = changes({"practice": before}, {"practice": {name: "2" for name in before}})
    assert said == (
        "the model under the rules of practice changed: x0 was 1 and is 2; x1 was 1 and is 2; x2 was 1 and is 2, "
        "and 7 more"
    )
    assert changes({"practice": before}, {"practice": dict(before)}) == []
    assert changes({}, {"sample": {"digest": "a"}}) == ["the sample changed: digest was not there and is a"]
    assert changes({"sample": {"digest": "a"}}, {}) == ["the sample changed: digest was a and is gone"]


def test_a_sample_edited_by_hand_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = (posterior.FOLDER / "pib.csv").read_text(encoding="utf-8")
    digit = next(i for i in range(len(text) // 2, len(text)) if text[i] == "3")
    (tmp_path / "pib.csv").write_text(text[:digit] + "4" + text[digit + 1 :], encoding="utf-8")
    (tmp_path / "pib.json").write_text(
        (posterior.FOLDER / "pib.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    monkeypatch.setattr(posterior, "FOLDER", tmp_path)
    posterior.shipped_digest.cache_clear()
    try:
        (said,) = posterior.stale(posterior.shipped())
    finally:
        posterior.shipped_digest.cache_clear()
    assert said.startswith("the sample changed: digest was ")
    assert "effective" not in said
    assert posterior.stale({}) == ("it does not say what it rests on",)


INFERENCE = ("calibrate", "emulator", "inference", "likelihood", "screening", "table", "priors")
"""Modules of ``calibration`` that turn figures and runs into a posterior."""


def test_code_of_the_inference_is_that_of_its_version() -> None:
    """When this fails: does the change alter the posterior made of the same runs? If so, raise ``INFERENCE_VERSION`` in
    calibration/grounds.py and calibrate anew; if not, leave the version. In both cases store the present code here:
    ``python -m tests.calibration.test_grounds``.
    """
    stored = json.loads((ROOT / "tests" / "inference_code.json").read_text(encoding="utf-8"))
    assert stored == {"version": the_grounds.INFERENCE_VERSION, "code": inference_code()}


def inference_code() -> dict[str, str]:
    texts = {name: (ROOT / "calibration" / f"{name}.py").read_text(encoding="utf-8") for name in INFERENCE}
    return {name: fingerprint_of_text(text) for name, text in texts.items()}


if __name__ == "__main__":
    made = {"version": the_grounds.INFERENCE_VERSION, "code": inference_code()}
    (ROOT / "tests" / "inference_code.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
