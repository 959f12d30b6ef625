"""The ODD page says what the code does: its tables are fresh, its list of steps and its claims complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from passaat.evidence import claims
from passaat.model import firm, schedule
from passaat.model.lever_table import LEVER_NAMES
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance import claims as ledgers
from passaat.model.provenance import odd
from passaat.model.world import TABLES

ROOT = Path(__file__).resolve().parents[3]
GROUPS = ("CF", "SE", "AP", "CO", "LI", "EM", "PM", "FC", "R1", "R2", "R3", "SH", "TI", "FU", "SL", "MO")


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "ODD.md").read_text(encoding="utf-8")


def part(page: str, title: str) -> str:
    """The text of one section of the page."""
    match = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert match, f"the page has no section {title!r}"
    return match[1]


def test_a_changed_table_is_noticed(page: str) -> None:
    changed = page.replace("`turnover_eur` | EUR/year", "`turnover_eur` | EUR/month")
    assert changed != page
    assert odd.page_with_tables(changed) == page


def test_a_missing_marker_is_named(page: str) -> None:
    begin, end = odd.markers("schedule")
    with pytest.raises(ValueError, match="schedule: end"):
        odd.page_with_tables(page.replace(end, ""))
    with pytest.raises(ValueError, match="schedule: begin"):
        odd.page_with_tables(page.replace(begin, begin + begin))


def test_the_list_of_the_overview_follows_the_schedule(page: str) -> None:
    comments = re.findall(
        r"^    # (\d+) (.+)$", (ROOT / "model" / "schedule.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    overview = part(page, "3. Process overview and scheduling")
    listed = re.findall(r"^(\d+)\. \*\*(.+?)\.\*\*", overview, re.MULTILINE)
    assert len(comments) == 15
    assert [(number, title.lower()) for number, title in listed] == comments


def test_every_step_stands_in_its_section_once(page: str) -> None:
    sections = odd.sections_of_quarter()
    assert [number for number, _, _ in sections] == list(range(1, len(sections) + 1))
    assert [step for _, _, steps in sections for step in steps] == list(schedule.QUARTER)
    for number, title, steps in sections:
        for step in steps:
            assert page.count(f"| {number} {title} | `{step.name}` |") == 1


def test_every_state_variable_parameter_and_rule_is_on_the_page(page: str) -> None:
    for name, table in TABLES.items():
        assert f"\n**{name}**. " in page
        for column in table.__annotations__:
            assert f"\n| `{column}` |" in page, f"{name}.{column}"
    for name in PARAMETERS:
        assert f"\n| `{name}` |" in page, name


def test_every_claim_of_the_sixteen_groups_is_discussed(page: str) -> None:
    discussed = set(
        re.findall(r"\b[A-Z]{1,2}\d{2,3}\b", part(page, "8. What is simplified or left out, and why"))
    )
    wanted = {id for id, claim in claims().items() if claim.kind == "claim" and id[:2] in GROUPS}
    assert len(wanted) > 150
    assert sorted(wanted - discussed) == []


def said_to_be(page: str, kind: str) -> set[str]:
    """Ids that section 8 lists under one heading in italics."""
    text = part(page, "8. What is simplified or left out, and why").split("**1 Forming")[1]
    return set(
        ledgers.ids_in(
            " ".join(re.findall(rf"\*{kind}\*:(.*?)(?=\n\n|\*In the|\*Sim|\*As a|\*Left)", text, re.S))
        )
    )


def test_what_is_left_out_or_a_lever_only_agrees_with_the_ledger(page: str) -> None:
    ledger = ledgers.read_ledger()
    sixteen = {id for id in ledger.wanted if id[:2] in GROUPS}
    assert said_to_be(page, "Left out") == sixteen & set(ledger.left_out)
    only_lever = {id for id in sixteen if id in ledger.levers and id not in ledger.rules}
    assert said_to_be(page, "As a\\s+lever\\s+only") == only_lever
    in_rules = said_to_be(page, "In the model") | said_to_be(page, "Simplified")
    assert in_rules == sixteen & set(ledger.rules)


def test_code_that_the_prose_names_exists(page: str) -> None:
    """Names in code type that look like a parameter, a column, a lever or a rule are one."""
    columns = {column for table in TABLES.values() for column in table.__annotations__}
    rules = {name.partition(".")[2] for name in ledgers.read_ledger().functions}
    known = columns | rules | set(PARAMETERS) | set(LEVER_NAMES)
    prose = re.sub(r"<!-- (.+?): begin.+?<!-- \1: end -->", "", page, flags=re.S)
    named = set(re.findall(r"`(?:[a-z]+\.)?(_?[a-z]+(?:_[a-z]+)+)`", prose))
    assert len(named) > 60
    assert sorted(named - known) == []


def test_links_of_the_page_lead_somewhere_inside(page: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)", page)
    assert targets
    for target in targets:
        path = (ROOT / "docs" / target).resolve()
        assert path.is_relative_to(ROOT), target
        assert path.exists(), target


def test_claims_of_helpers_are_found_too() -> None:
    assert "CF18" in odd.claims_cited(firm.explore_alone)  # its own docstring
    assert {"FC17", "FC13"} <= set(odd.claims_cited(firm.follow_up))  # weakest; step_chance and product_fit


@pytest.mark.parametrize(
    ("docstring", "sentence"),
    [
        ("Firm: act.\n\n    More.", "Firm: act."),
        ("Two\n    lines (technopolis2023 s2.4.1). And more.", "Two lines (technopolis2023 s2.4.1)."),
        (None, ""),
    ],
)
def test_first_sentence(docstring: str | None, sentence: str) -> None:
    assert odd.first_sentence(docstring) == sentence
