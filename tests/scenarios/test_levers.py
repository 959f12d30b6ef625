"""The lever schema: complete, sourced, and the only place from which levers are known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from passaat.errors import ScenarioError
from passaat.evidence import claims, evidence
from passaat.model.lever_table import LEVER_NAMES, Levers
from passaat.model.parameters import PARAMETERS
from passaat.scenarios.generate import lever_page, rules_reading_levers
from passaat.scenarios.levers import LEVERS, UNITS, lever, read_levers

ROOT = Path(__file__).resolve().parents[2]

RECORD = """
[{name}]
label_en = "A"
label_nl = "A"
meaning = "A."
unit = "{unit}"
kind = "integer"
minimum = 0
maximum = 6
default = {default}
cost = "None."
evidence = ["L12 technopolis2023 s5.4.2"]
identified = "{identified}"
effect = "None."
"""


def record(name: str = "a", unit: str = "years", default: str = "0", identified: str = "assumed") -> str:
    return RECORD.format(name=name, unit=unit, default=default, identified=identified)


def test_the_schema_holds_every_lever_that_was_promised() -> None:
    promised = (
        "selection_threshold_points",
        "capacity_screening_weight",
        "checkpoint_quarter",
        "checkpoint_minimum_progress",
        "freed_money_use",
        "follow_up_years",
        "follow_up_eur_per_firm_year",
        "follow_up_eligibility",
        "minimum_sme_share",
        "sme_fee_support_share",
        "large_firms_role",
        "covenants_per_manager",
        "activity_public_share_sme",
        "concentration_share",
    )
    assert set(promised) <= set(LEVERS)


def test_every_lever_is_described_in_full() -> None:
    for entry in LEVERS.values():
        assert entry.unit in UNITS
        assert entry.minimum < entry.maximum
        for text in (entry.label_en, entry.label_nl, entry.meaning, entry.cost, entry.effect):
            assert text.strip(), entry.name


def test_parameters_that_the_texts_name_exist() -> None:
    named = set()
    for entry in LEVERS.values():
        for text in (entry.meaning, entry.cost, entry.effect):
            for names in re.findall(r"\(parameters? ([a-z0-9_, ]+?)[),]", text):
                named |= set(re.findall(r"[a-z0-9]+(?:_[a-z0-9]+)+", names))
    assert len(named) > 25
    assert sorted(named - set(PARAMETERS)) == []


def test_the_page_names_the_rules_that_read_each_lever() -> None:
    source = (
        "@rule\ndef act(w, c):\n    return w.levers.assessors[0]\n\ndef no_rule(w):\n    return w.assessors\n"
    )
    assert rules_reading_levers({"m": source})["assessors"] == ["m.act"]
    page = lever_page(dict(LEVERS))
    assert "- Read by: none" not in page
    calls = page[page.index("## selection_calls_per_year") :].split("\n## ")[0]
    assert "- Read by: `agency._awaits_decision`" in calls


def test_every_unit_of_the_closed_list_is_used() -> None:
    assert {entry.unit for entry in LEVERS.values()} == set(UNITS)


def test_no_two_levers_share_a_label() -> None:
    for labels in (
        [entry.label_en for entry in LEVERS.values()],
        [entry.label_nl for entry in LEVERS.values()],
    ):
        assert len(set(labels)) == len(labels)


def test_every_default_is_allowed_by_its_own_range_in_every_year() -> None:
    for entry in LEVERS.values():
        for year in range(2012, 2045):
            value = entry.default_in(year)
            assert entry.normalise(value) == value
            assert entry.minimum <= entry.code(value) <= entry.maximum


def test_every_piece_of_evidence_exists_with_the_same_source_and_place() -> None:
    known = {row.id: (row.source, row.place) for row in evidence().values()}
    known |= {claim.id: (claim.source, claim.place) for claim in claims().values()}
    cited = [reference for entry in LEVERS.values() for reference in entry.evidence]
    assert len(cited) > 60
    wrong = [str(ref) for ref in cited if known.get(ref.id) != (ref.source, ref.place)]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "year", "value"),
    [
        ("feedback_rounds", 2018, 0),
        ("feedback_rounds", 2019, 1),
        ("inception_quarters", 2019, 0),
        ("inception_quarters", 2020, 4),
        ("selection_criteria", 2016, 13),
        ("selection_criteria", 2018, 14),
        ("selection_criteria", 2026, 15),
        ("progress_information_share", 2018, 0.6),
        ("progress_information_share", 2019, 0.5),
        ("liaison_independent", 2017, False),
        ("liaison_independent", 2018, True),
    ],
)
def test_practice_follows_the_rules_of_each_year(name: str, year: int, value: object) -> None:
    assert LEVERS[name].default_in(year) == value


def test_switches_and_choices_reach_the_model_as_numbers() -> None:
    assert LEVERS["programme_on"].code(True) == 1.0
    assert LEVERS["programme_on"].code(False) == 0.0
    assert [
        LEVERS["freed_money_use"].code(name) for name in ("returned", "best_performers", "follow_up")
    ] == [0, 1, 2]
    assert LEVERS["freed_money_use"].normalise(2) == "follow_up"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("programme_on", "off", False),
        ("programme_on", "true", True),
        ("follow_up_years", "6", 6),
        ("covenant_amount_eur", "2e5", 200000.0),
        ("freed_money_use", "best_performers", "best_performers"),
    ],
)
def test_values_are_read_as_people_type_them(name: str, text: str, value: object) -> None:
    read = LEVERS[name].parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("follow_up_years", "7", "a whole number from 0 to 6 years"),
        ("follow_up_years", "2.5", "a whole number from 0 to 6 years"),
        ("covenant_amount_eur", "-1", "0 to 2000000 EUR"),
        ("covenant_amount_eur", "nan", "0 to 2000000 EUR"),
        ("covenant_amount_eur", "inf", "0 to 2000000 EUR"),
        ("covenant_amount_eur", "much", "0 to 2000000 EUR"),
        ("freed_money_use", "treasury", "returned, best_performers or follow_up"),
        ("programme_on", "maybe", "true or false"),
        ("follow_up_private_share", "True", "0 to 1 share"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_the_range(name: str, text: str, allowed: str) -> None:
    with pytest.raises(ValueError, match="is not allowed") as caught:
        LEVERS[name].parse(text)
    assert str(caught.value) == f"{name} = {text} is not allowed; it must be {allowed}"


@pytest.mark.parametrize("value", [True, None, [1], "6", 6.5, float("nan"), 3.0 + 1e-9])
def test_a_number_lever_takes_numbers_only(value: object) -> None:
    with pytest.raises(ValueError, match="follow_up_years = "):
        LEVERS["follow_up_years"].normalise(value)


def test_an_unknown_lever_is_refused_with_a_guess() -> None:
    with pytest.raises(ScenarioError) as caught:
        lever("folow_up_years")
    assert "unknown lever 'folow_up_years'; did you mean 'follow_up_years'" in caught.value.problems[0]
    assert "passaat levers" in caught.value.hint


def test_a_broken_schema_is_refused_with_all_its_problems() -> None:
    text = record("one", unit="leagues") + record("two", default="9") + record("three", identified="guessed")
    with pytest.raises(ScenarioError) as caught:
        read_levers(text)
    said = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert "lever 'one': unknown unit 'leagues'" in said
    assert "two = 9 is not allowed; it must be a whole number from 0 to 6 years" in said
    assert "identified = 'guessed'" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (record() + 'colour = "red"\n', "unknown fields ['colour']"),
        (record().replace('cost = "None."\n', ""), "missing fields ['cost']"),
        (record(default="{ 2016 = 0, 2012 = 1 }"), "the years of the default must rise: [2016, 2012]"),
        (record().replace('"L12 technopolis2023 s5.4.2"', '"L12"'), "must read 'id source place'"),
        (record().replace('"L12 technopolis2023 s5.4.2"', ""), "no evidence is named"),
        (record().replace('"integer"', '"complex"'), "kind = 'complex'"),
    ],
)
def test_each_rule_of_the_schema_has_its_message(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_levers(text)
    assert said in caught.value.problems[0]


def test_the_model_reads_the_levers_in_the_order_of_the_schema() -> None:
    assert tuple(LEVERS) == LEVER_NAMES == Levers._fields
