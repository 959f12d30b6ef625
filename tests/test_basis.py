"""What parameters are drawn from: the shipped posterior where it belongs and is fresh, prior ranges elsewhere."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passaat.calibration import posterior
from passaat.calibration.priors import priors
from passaat.errors import EvidenceError, StudyError
from passaat.experiments.basis import CALIBRATED, PRIOR, Basis, basis_for, prior_draws
from passaat.experiments.compare import compare
from passaat.experiments.simulator import the_model
from passaat.model.parameters import PARAMETERS
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

FRESH = {"behaviour": "a", "observation": "b", "priors": "c", "evidence": "d"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The description of a posterior that is finished and fresh, whatever the state of the shipped one."""
    found = {"reference": "pib", "fingerprints": dict(FRESH), "effective_sample_size": 250.4}
    monkeypatch.setattr(posterior, "shipped", lambda: found)
    monkeypatch.setattr(posterior, "fingerprints", lambda: dict(FRESH))
    monkeypatch.setattr(posterior, "shipped_sample", fake_sample)
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
        "The shipped posterior belongs to pib and pib-next, not to other: parameters are drawn from their prior ranges,"
        " uncalibrated."
    )
    rival, _ = basis_for(pib.with_structure(support="none"))
    assert "not to support = none as in pib" in rival.notice


def test_a_stale_posterior_is_not_used_and_the_sentence_names_what_changed_and_the_way_out(
    made: dict[str, Any], pib: Scenario
) -> None:
    made["fingerprints"] |= {"behaviour": "old", "evidence": "old"}
    basis, draw = basis_for(pib)
    assert basis.kind == "prior"
    assert "out of date, because behaviour and evidence changed since it was made" in basis.notice
    assert "`passaat calibrate`" in basis.notice
    assert basis.notice.count(".") == 1
    assert draw(2, 1) == prior_draws(2, 1)


def test_a_posterior_that_cannot_be_read_is_said_and_prior_draws_are_taken(
    monkeypatch: pytest.MonkeyPatch, pib: Scenario
) -> None:
    def unreadable() -> Any:
        raise EvidenceError("pib.json: cannot be read (gone)")

    monkeypatch.setattr(posterior, "shipped", unreadable)
    basis, _ = basis_for(pib)
    assert basis.kind == "prior"
    assert "pib.json: cannot be read (gone)" in basis.notice


def test_a_provisional_posterior_is_never_called_calibrated(made: dict[str, Any], pib: Scenario) -> None:
    made |= {"provisional": True, "status": "provisional: draws from the priors"}
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
    monkeypatch.setattr(posterior, "shipped", lambda: {"reference": "pib", "effective_sample_size": 2.0})
    monkeypatch.setattr(posterior, "fingerprints", dict)
    monkeypatch.setattr(posterior, "shipped_sample", fake_sample)
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
