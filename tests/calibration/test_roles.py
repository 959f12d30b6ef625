"""Every fact has one role: what is fed in or fitted is never held up as a test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from passaat.calibration.roles import ROLE_WORDS, checked, known, ledger
from passaat.calibration.targets import figures, not_compared
from passaat.errors import EvidenceError
from passaat.evidence import USES, evidence


def test_every_row_of_evidence_stands_in_the_ledger_once_with_a_known_role() -> None:
    assert sorted(entry.row.id for entry in ledger()) == sorted(evidence())
    assert tuple(ROLE_WORDS) == USES
    assert {entry.role for entry in ledger()} == set(USES)


def test_figures_are_made_of_rows_of_their_own_role() -> None:
    by_id = {entry.row.id: entry for entry in ledger()}
    for figure in figures():
        assert {by_id[row].role for row in figure.rows} == {figure.role}, figure.name


def test_nothing_that_is_held_out_or_fed_in_is_fitted() -> None:
    fitted = {row for figure in figures() if figure.role == "target" for row in figure.rows}
    assert fitted == {entry.row.id for entry in ledger() if entry.in_likelihood}
    assert not fitted & {entry.row.id for entry in ledger() if entry.role != "target"}
    assert set(not_compared()) <= {entry.row.id for entry in ledger() if entry.role == "validation"}


def test_facts_on_trade_without_the_programme_are_there_and_wait_for_the_likelihood() -> None:
    outside = {entry.row.id: entry for entry in ledger() if entry.row.id.startswith("base_")}
    assert len(outside) >= 25
    roles = {entry.role for entry in outside.values()}
    assert roles >= {"input", "target", "tuning", "validation", "context"}
    assert not any(entry.in_likelihood for entry in outside.values())


def said_with(**parts: dict[str, Any]) -> dict[str, Any]:
    """What roles.toml says, and more."""
    return {part: {**facts, **parts.get(part, {})} for part, facts in known().items()}


def test_a_fact_that_two_things_use_is_refused_with_both_uses() -> None:
    planted = [
        replace(figure, set_by=("step_success",)) if figure.name == "starts_cohort_1" else figure
        for figure in figures()
    ]
    with pytest.raises(EvidenceError) as caught:
        checked(evidence(), planted, known())
    assert caught.value.problems == (
        "clusters_started_2016 is a target and sets the default of step_success",
    )
    assert "roles.toml" in caught.value.hint


def test_every_offender_is_named_at_once() -> None:
    said = said_with(
        changed={
            "clusters_started_2017": {"was": "target", "why": "none"},
            "no_such_row": {"was": "input", "why": "x"},
        },
        asked={"clusters_started_2018": {"role": "target", "why": "x"}},
        twice={"clusters_started_2019": {"until": "x"}},
    )
    with pytest.raises(EvidenceError) as caught:
        checked(evidence(), figures(), said)
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    for name in ("clusters_started_2017", "no_such_row", "clusters_started_2018", "clusters_started_2019"):
        assert name in text


def test_a_change_of_role_has_a_reason() -> None:
    changed = [entry for entry in ledger() if entry.was]
    assert len(changed) == len(known()["changed"])
    assert all(entry.why and entry.was != entry.role for entry in changed)
    said = said_with(changed={"clusters_started_2017": {"was": "context", "why": " "}})
    with pytest.raises(EvidenceError, match="clusters_started_2017"):
        checked(evidence(), figures(), said)


def test_what_will_be_done_about_a_second_use_is_said() -> None:
    twice = [entry for entry in ledger() if entry.second_uses]
    assert {entry.row.id for entry in twice} == set(known()["twice"])
    assert all(len(entry.twice) > 20 for entry in twice)
