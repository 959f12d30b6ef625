"""The ledger of roles: every fact in one role, double uses refused or listed, changes told, and the page fresh."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from passaat.calibration import roles
from passaat.calibration.likelihood import terms_of
from passaat.calibration.roles import (
    MEANINGS,
    ROLES,
    Change,
    Declared,
    Exemption,
    Ledger,
    Use,
    build_ledger,
    double_uses,
    facts_of,
    ledger,
    read_declared,
    read_first_roles,
    uses_of,
)
from passaat.calibration.targets import figures, not_compared
from passaat.errors import EvidenceError
from passaat.evidence import EVIDENCE_FOLDER, USES, EvidenceRow, evidence, outside_evidence

ROOT = Path(__file__).parents[2]


def every_row() -> dict[str, EvidenceRow]:
    return {**evidence(), **outside_evidence()}


@pytest.fixture(scope="module")
def declared() -> Declared:
    return read_declared()


def refused(declared: Declared, rows: Mapping[str, EvidenceRow] | None = None) -> str:
    """What the ledger says against these declarations."""
    with pytest.raises(EvidenceError) as caught:
        build_ledger(declared, rows=None if rows is None else rows.values())
    assert "one role" in caught.value.hint
    return "\n".join(caught.value.problems)


def planted(declared: Declared, user: str, *facts: str) -> Declared:
    """The declarations with one more hand-set number."""
    return replace(declared, sets={**declared.sets, user: (*declared.sets.get(user, ()), *facts)})


# --- one role -----------------------------------------------------------------------------------------------


def test_every_fact_has_one_role_and_every_role_has_facts() -> None:
    facts = ledger().facts
    assert set(every_row()) <= set(facts)
    assert len(facts) == len(every_row()) + 8, "eight verdicts"
    assert {fact.role for fact in facts.values()} == set(ROLES) == set(MEANINGS)
    assert set(roles.ROLE_OF_USE) == set(ROLES) | set(USES)
    assert sum(len(ledger().of(role)) for role in ROLES) == len(facts)


def test_every_target_figure_rests_on_targets_and_every_figure_is_a_use() -> None:
    of: Ledger = ledger()
    for figure in figures():
        role = {"validation": "held out"}.get(figure.role, figure.role)
        for id in figure.rows:
            assert of.facts[id].role == role, figure.name
            assert f"figure {figure.name}" in of.facts[id].users


def test_what_is_held_out_is_in_no_likelihood() -> None:
    terms = {term.name for term in terms_of([f for f in figures() if f.role == "target"])}
    in_terms = {id for figure in figures() if figure.name in terms for id in figure.rows}
    assert len(in_terms) > 30
    held_out = {fact.id for fact in ledger().of("held out")}
    assert not held_out & in_terms
    assert not held_out & roles.fitted_rows()
    assert in_terms <= roles.fitted_rows() <= {fact.id for fact in ledger().of("target")}
    assert "case_tables_no" in roles.fitted_rows(), "the rest of two others is fitted with them"


def test_targets_that_are_not_fitted_yet_say_so() -> None:
    later = {fact.id for fact in ledger().of("target") if not fact.fitted}
    assert {"covenants_ended_2020_inferred", "cluster_financing_range", "base_nl_cl2011_entry"} <= later
    assert "pib_financing_range" in later, "ends of a range have no form"
    assert later < {fact.id for fact in ledger().of("target")}
    assert {id for id in later if id in not_compared()} == {
        "covenants_ended_2017_inferred",
        "cluster_financing_range",
    }


def test_a_fact_of_context_is_used_by_nobody() -> None:
    assert [fact.id for fact in ledger().of("context") if fact.users] == []


def test_code_that_reads_evidence_is_known() -> None:
    """Whoever computes with a fact outside these files is no user that the ledger could know of."""
    readers = {"targets.py", "listing.py", "roles.py", "scorecard.py"}  # they compare and show
    readers |= {"effects.py"}  # says in a sentence what a reported ceiling was
    readers |= {"cases.py"}  # "code calibration/cases.py" in roles.toml
    found = {
        file.name
        for folder in ("model", "scenarios", "experiments", "calibration")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"\b(?:outside_)?evidence\(\)", file.read_text(encoding="utf-8"))
    }
    assert found == readers


# --- used twice ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "fact", "said"),
    [
        ("lever assessors", "duration_mean_2016", "it is a target, and lever assessors was set after it"),
        (
            "parameter market_growth_mean",
            "bench_share_dhi",
            "it is held out, and parameter market_growth_mean was",
        ),
        (
            "observation services_share",
            "sme_share",
            "it is a target, and observation services_share was set after",
        ),
        ("scenario pib", "clusters_country_china", "it is held out, and scenario pib was set after it"),
        (
            "figure starts_cohort_1",
            "duration_mean_2016",
            "and the spread of figure starts_cohort_1 was set after it",
        ),
        (
            "code calibration/cases.py",
            "sme_share",
            "it is a target, and calibration/cases.py computes with it",
        ),
        ("lever assessors", "clusters_started_total", "it is a check, and lever assessors was set after it"),
        ("lever assessors", "meta_programme_start", ""),
    ],
)
def test_a_planted_double_use_is_refused_with_both_uses(
    declared: Declared, user: str, fact: str, said: str
) -> None:
    edited = planted(declared, user, fact)
    if not said:
        assert f"{user}" in build_ledger(edited).facts[fact].users
        return
    told = refused(edited)
    assert f"{fact} is used twice" in told
    assert said in told


def test_a_target_that_becomes_an_input_is_refused() -> None:
    rows = every_row()
    rows["clusters_above_20"] = replace(rows["clusters_above_20"], use="input")
    told = refused(read_declared(), rows)
    assert "clusters_above_20 was entered as target and is input now: give the change with its reason" in told
    assert "until_next_calibration, lever maximum_members: clusters_above_20 is no longer used twice" in told


def test_a_fact_computed_from_one_in_another_role_is_used_twice(declared: Declared) -> None:
    facts = facts_of(every_row().values())
    (found,) = double_uses(facts, [], {"meta_cases": ["base_nl_lejour_new"]})
    assert (
        str(found)
        == "base_nl_lejour_new is used twice: it is held out, and meta_cases, an input, says the same"
    )
    assert not double_uses(facts, [], {"meta_cases": ["case_usa_left"]}), "both may set a number"
    assert not double_uses(facts, [], {"meta_cases": ["mous_ordinal"]}), "context acts on nothing"
    assert not double_uses(facts, [Use("sme_share", "figure sme_share", sets=False)], {})


def test_the_list_of_exceptions_is_exact(declared: Declared) -> None:
    facts = facts_of(every_row().values())
    found = double_uses(facts, uses_of(declared), declared.computed_from)
    listed = [(id, one.user) for one in declared.until_next_calibration for id in one.facts]
    assert sorted(listed) == sorted({(one.fact, one.user) for one in found})
    assert len(listed) == len(set(listed))
    assert all(one.then for one in declared.until_next_calibration)


def test_an_unlisted_double_use_and_a_listed_one_that_is_gone_are_refused(declared: Declared) -> None:
    first, *others = declared.until_next_calibration
    told = refused(replace(declared, until_next_calibration=tuple(others)))
    assert f"{first.facts[0]} is used twice" in told
    gone = Exemption("lever assessors", ("sme_share",), "nothing")
    told = refused(replace(declared, until_next_calibration=(*declared.until_next_calibration, gone)))
    assert told.startswith(
        "roles.toml, until_next_calibration, lever assessors: sme_share is no longer used twice"
    )
    assert told.endswith("take the entry out")


def test_what_figures_say_they_set_is_a_use_and_not_repeated(declared: Declared) -> None:
    uses = set(uses_of(declared))
    marked = [figure for figure in figures() if figure.set_by]
    assert len(marked) > 10
    for figure in marked:
        for id in figure.rows:
            assert {Use(id, f"parameter {name}", sets=True) for name in figure.set_by} <= uses
    told = refused(planted(declared, "parameter extension_wish", "extension_requests"))
    assert "set_by of figure extension_request_share says already that extension_requests sets it" in told


# --- names and citations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "facts", "said"),
    [
        ("lever assessor", ["meta_cases"], "unknown lever 'assessor'; did you mean 'assessors'"),
        ("levers assessors", ["meta_cases"], "unknown kind of user 'levers'"),
        ("code calibration/case.py", ["meta_cases"], "no such file"),
        ("figure start_*", ["meta_cases"], "unknown figure 'start_\\*'"),
        ("lever assessors", ["meta_case"], "unknown fact 'meta_case'; did you mean 'meta_cases'"),
    ],
)
def test_unknown_names_are_refused(declared: Declared, user: str, facts: list[str], said: str) -> None:
    assert re.search(said, refused(planted(declared, user, *facts)))


def test_a_citation_that_is_not_sorted_is_refused(declared: Declared) -> None:
    without = {user: ids for user, ids in declared.sets.items() if user != "lever inception_quarters"}
    assert "lever inception_quarters cites inception_phase_length: say in roles.toml" in refused(
        replace(declared, sets=without)
    )
    unnamed = {user: why for user, why in declared.mentions.items() if user != "parameter partners_mean"}
    assert (
        "parameter partners_mean cites a place of figures or a study (technopolis2023 annex C.1-C.8"
        in refused(replace(declared, mentions=unnamed))
    )
    idle = {**declared.mentions, "lever assessors": "nothing"}
    assert "mentions, lever assessors: it names nothing that it is not set after" in refused(
        replace(declared, mentions=idle)
    )


# --- changes of role ---------------------------------------------------------------------------------------


def test_a_changed_role_needs_a_reason(declared: Declared, tmp_path: Path) -> None:
    told = refused(replace(declared, changed=declared.changed[1:]))
    assert "covenants_ended_2020_inferred was entered as context and is target now: give the change" in told
    path = tmp_path / "roles.toml"
    text = roles.ROLES_FILE.read_text(encoding="utf-8")
    path.write_text(re.sub(r'reason = "Nothing was ever fed[^"]*"', 'reason = " "', text), encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"changed, clusters_country_china.*reason is missing"):
        read_declared(path)
    path.write_text(text.replace("[mentions]", "[mention]"), encoding="utf-8")
    with pytest.raises(EvidenceError, match="unknown table 'mention'; did you mean 'mentions'"):
        read_declared(path)


def test_a_change_that_is_not_there_or_is_told_twice_is_refused(declared: Declared) -> None:
    wrong = Change(("sme_share",), "input", "target", "2026-11-27", "x")
    told = refused(replace(declared, changed=(*declared.changed, wrong, wrong)))
    assert "sme_share is told to be target after input, but is target after target" in told
    assert "sme_share changes its role twice" in told


def test_a_new_fact_enters_with_its_first_role() -> None:
    first = read_first_roles()
    assert set(first) == set(ledger().facts)
    with pytest.raises(EvidenceError, match=r"first_roles.csv: sme_share is missing: add .* entered, target"):
        build_ledger(first_roles={id: role for id, role in first.items() if id != "sme_share"})
    with pytest.raises(EvidenceError, match="unknown fact 'gone'"):
        build_ledger(first_roles={**first, "gone": "input"})
    assert {path.name for path in EVIDENCE_FOLDER.glob("*.csv")} >= {"first_roles.csv", "outside.csv"}


# --- the page ------------------------------------------------------------------------------------------------


def test_the_page_shows_every_fact_every_exception_and_every_change(declared: Declared) -> None:
    page = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    lines = page.splitlines()
    for fact in ledger().facts.values():
        assert any(line.startswith(f"| `{fact.id}`") for line in lines), fact.id
    for one in declared.until_next_calibration:
        assert f"| `{one.user}` |" in page
        assert one.then in page
    for change in (*declared.changed, *declared.kept):
        assert change.reason in page
    for role in ROLES:
        assert f"| {role} | {MEANINGS[role]} | {len(ledger().of(role))} |" in page
    assert "nobody yet" in page


def test_the_page_is_linked() -> None:
    assert "docs/ledger.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(ledger.md)" in (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
