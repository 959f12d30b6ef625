"""What parameters are drawn from: the shipped posterior where it belongs and is fresh, prior ranges elsewhere."""

from __future__ import annotations

import copy
import math
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passaat.calibration import posterior
from passaat.calibration.priors import priors
from passaat.errors import EvidenceError, StudyError
from passaat.experiments.analyses.compare import compare
from passaat.experiments.design.basis import CALIBRATED, PRIOR, Basis, basis_for, prior_draws
from passaat.experiments.design.simulator import the_model
from passaat.model.parameters import PARAMETERS
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

FRESH = {
    "practice": {"firms": "2000"},
    "figures": {"starts": "14", "money": "9.9"},
    "sample": {"digest": "abc"},
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The description of a posterior that is finished and fresh, whatever the state of the shipped one."""
    found: dict[str, Any] = {
        "reference": "pib",
        "rests_on": copy.deepcopy(FRESH),
        "effective_sample_size": 250.4,
    }
    found["rests_on"]["sample"] |= posterior.description(found)
    monkeypatch.setattr(posterior, "shipped", lambda: found)
    monkeypatch.setattr(posterior, "shipped_grounds", lambda: copy.deepcopy(FRESH))
    monkeypatch.setattr(posterior, "shipped_sample", fake_sample)
    monkeypatch.setattr(posterior, "shipped_digest", lambda: "abc")
    monkeypatch.setattr(posterior, "posterior_draws", lambda n, seed: [{"x": float(i)} for i in range(n)])
    return found


def fake_sample() -> Any:
    class Sample:
        weights = np.full(300, 1.0 / 300)
        values = np.linspace(0.0, 1.0, 300)[:, None]

    return Sample()


@pytest.mark.parametrize("name", CALIBRATED)
def test_the_posterior_is_the_default_of_references_that_share_its_parameters(
    name: str, made: dict[str, Any]
) -> None:
    basis, draw = basis_for(load_scenario(name))
    assert basis.in_words(40) == "posterior, calibrated to PIB 2016-2020, 40 draws, effective sample size 250"
    assert basis.notice == ""
    assert draw(2, 1) == [{"x": 0.0}, {"x": 1.0}]


def test_an_edited_copy_and_other_levers_keep_it(made: dict[str, Any], pib: Scenario) -> None:
    mine = Scenario(
        **{**{f: getattr(pib, f) for f in Scenario.model_fields}, "name": "mine", "based_on": "pib"}
    )
    assert basis_for(mine)[0].kind == "posterior"
    assert basis_for(pib.with_levers({"assessors": 3}))[0].kind == "posterior"


def test_prior_draws_are_taken_when_asked_for_without_a_word(made: dict[str, Any], pib: Scenario) -> None:
    basis, draw = basis_for(pib, prior=True)
    assert basis == PRIOR
    assert basis.in_words(40) == "prior ranges, uncalibrated"
    assert draw(3, 1) == prior_draws(12, 1)[:3]
    assert set(draw(1, 1)[0]) == set(PARAMETERS)


def test_another_reference_or_structure_gets_prior_draws_and_one_sentence(
    made: dict[str, Any], pib: Scenario
) -> None:
    other = Scenario(
        **{**{f: getattr(pib, f) for f in Scenario.model_fields}, "name": "other", "based_on": ""}
    )
    basis, _ = basis_for(other)
    assert basis.kind == "prior"
    assert basis.notice == (
        "Uncalibrated: the shipped posterior belongs to pib and pib-next, not to other; parameters are drawn from their"
        " prior ranges."
    )
    rival, _ = basis_for(pib.with_structure(support="none"))
    assert "not to support = none as in pib" in rival.notice


def test_a_stale_posterior_is_an_error_that_says_what_changed_from_what_to_what_and_the_ways_out(
    made: dict[str, Any], pib: Scenario
) -> None:
    made["rests_on"]["figures"]["money"] = "9.8"
    made["rests_on"]["practice"]["firms"] = "1999"
    with pytest.raises(EvidenceError) as raised:
        basis_for(pib)
    assert raised.value.problems == (
        "the shipped posterior does not belong to what is here: the model under the rules of practice changed: firms "
        "was 1999 and is 2000",
        "the shipped posterior does not belong to what is here: reported figures changed: money was 9.8 and is 9.9",
    )
    assert "--prior" in raised.value.hint
    assert f"passaat calibrate pib --proof --out {posterior.FOLDER}" in raised.value.hint
    basis, draw = basis_for(pib, prior=True)  # the first way out
    assert (basis, draw(2, 1)) == (PRIOR, prior_draws(2, 1))


def test_an_edited_sample_is_an_error(made: dict[str, Any], pib: Scenario) -> None:
    made["rests_on"]["sample"]["digest"] = "abd"
    with pytest.raises(EvidenceError, match="the sample changed: digest was abd and is abc"):
        basis_for(pib)


def test_a_posterior_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch, pib: Scenario) -> None:
    def unreadable() -> Any:
        raise EvidenceError("pib.json: cannot be read (gone)")

    monkeypatch.setattr(posterior, "shipped", unreadable)
    with pytest.raises(
        EvidenceError, match=r"the shipped posterior is damaged: pib\.json: cannot be read \(gone\)"
    ):
        basis_for(pib)
    assert basis_for(pib, prior=True)[0] == PRIOR


def test_a_provisional_posterior_is_never_called_calibrated(made: dict[str, Any], pib: Scenario) -> None:
    made |= {"provisional": True, "status": "provisional: draws from the priors"}
    made["rests_on"]["sample"] |= posterior.description(made)
    words = basis_for(pib)[0].in_words(40)
    assert "provisional: draws from the priors" in words
    assert "calibrated" not in words


def test_studies_of_different_draws_have_different_keys() -> None:
    keys = [
        PRIOR.key,
        Basis("posterior", "PIB", "one", 9.0).key,
        Basis("posterior", "PIB", "two", 9.0).key,
        Basis("prior", notice="why").key,
    ]
    assert keys == ["prior ranges", "posterior one", "posterior two", "prior ranges"]
    assert math.isnan(PRIOR.effective_sample_size)


def test_a_draw_of_the_posterior_does_not_depend_on_how_many_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.array(
        [[float(prior.at(np.array(share))) for prior in priors().all] for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    )
    sample = posterior.Sample(np.full(5, 0.2), np.zeros(5), values, priors())
    monkeypatch.setattr(posterior, "shipped_sample", lambda: sample)
    assert posterior.posterior_draws(25, 1)[:7] == posterior.posterior_draws(7, 1)
    assert posterior.posterior_draws(7, 1) != posterior.posterior_draws(7, 2)


def test_the_model_is_compared_under_both_and_the_two_are_never_mixed(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few worlds of the model itself, with a posterior made fresh by hand of two draws."""
    ranges = prior_draws(2, 99)
    two: dict[str, Any] = {"reference": "pib", "effective_sample_size": 2.0, "rests_on": copy.deepcopy(FRESH)}
    two["rests_on"]["sample"] |= posterior.description(two)
    monkeypatch.setattr(posterior, "shipped", lambda: two)
    monkeypatch.setattr(posterior, "shipped_grounds", lambda: copy.deepcopy(FRESH))
    monkeypatch.setattr(posterior, "shipped_sample", fake_sample)
    monkeypatch.setattr(posterior, "shipped_digest", lambda: "abc")
    monkeypatch.setattr(posterior, "posterior_draws", lambda n, seed: ranges[:n])
    path = tmp_path / "study.db"
    few: dict[str, Any] = {"draws": 2, "worlds_per_draw": 2, "study_path": path}
    found = compare(pib, two_options[1:], **few)
    assert found.drawn_from.startswith("posterior, calibrated to PIB 2016-2020, 2 draws")
    with closing(sqlite3.connect(path)) as db:
        stored = dict(db.execute("SELECT name, value FROM parameters WHERE base = 1"))
        meta = dict(db.execute("SELECT key, value FROM meta"))
    assert stored == ranges[1]
    assert meta["source of parameter draws"] == found.basis.key
    with pytest.raises(
        StudyError, match=r"source of parameter draws of the study is posterior .*prior ranges"
    ):
        compare(pib, two_options[1:], **few, prior=True)
    assert the_model(pib, prior=True).basis == PRIOR


def test_why_there_is_no_posterior_stands_wherever_draws_are_told_of(
    made: dict[str, Any], pib: Scenario
) -> None:
    rival, _ = basis_for(pib.with_structure(support="none"))
    assert rival.uncalibrated == rival.notice
    assert rival.in_words(40).startswith(
        "prior ranges, uncalibrated: the shipped posterior belongs to the model's own"
    )
    assert (PRIOR.uncalibrated, PRIOR.notice) == ("prior ranges were asked for", "")
    assert basis_for(pib)[0].uncalibrated == ""


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"effective_sample_size": 10.0}, "the sample changed: effective_sample_size was 250.4 and is 10"),
        ({"reference": "pib-next"}, 'the sample changed: reference was "pib" and is "pib-next"'),
        ({"provisional": True}, "the sample changed: provisional was null and is true"),
    ],
)
def test_what_is_said_of_a_sample_cannot_be_edited_unnoticed(
    made: dict[str, Any], pib: Scenario, edit: dict[str, Any], said: str
) -> None:
    made |= edit
    with pytest.raises(EvidenceError, match=re.escape(said)):
        basis_for(pib)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "is no table"),
        ('{"rests_on": []}', "rests_on is no table of texts"),
        ('{"rests_on": {"priors": "x"}}', "rests_on is no table of texts"),
        ('{"effective_sample_size": "many"}', "effective_sample_size = 'many' is no number above 0"),
        ('{"effective_sample_size": 0}', "effective_sample_size = 0 is no number above 0"),
        ('{"reference": 3}', "reference = 3 is no name"),
        ("{", "cannot be read"),
    ],
)
def test_a_damaged_description_of_the_posterior_is_one_error_with_both_ways_out(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pib: Scenario
) -> None:
    (tmp_path / "pib.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(posterior, "FOLDER", tmp_path)
    with pytest.raises(
        EvidenceError, match=re.escape(f"the shipped posterior is damaged: pib.json: {said}")
    ) as raised:
        basis_for(pib)
    assert "--prior" in raised.value.hint
    assert f"passaat calibrate pib --proof --out {tmp_path}" in raised.value.hint
