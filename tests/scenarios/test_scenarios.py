"""Scenarios: shipped files say what they should, round-trip, stay frozen, and refuse what cannot be meant."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passaat.errors import ScenarioError
from passaat.evidence import claims, evidence
from passaat.model.inputs import AGENT_KINDS
from passaat.model.parameters import PARAMETERS
from passaat.model.shocks import SHOCK_KINDS as MODEL_SHOCK_KINDS
from passaat.scenarios import parts
from passaat.scenarios import scenario as scenario_module
from passaat.scenarios.levers import LEVERS, Lever
from passaat.scenarios.loading import load_scenario, read_scenario, shipped_names
from passaat.scenarios.parts import SHOCK_KINDS, Shock
from passaat.scenarios.scenario import Scenario
from passaat.scenarios.stacking import stack
from passaat.scenarios.writing import scenario_text

REFERENCES = ("pib", "pib-next")
OPTIONS = (
    "stricter-selection",
    "simpler-criteria",
    "go-no-go",
    "follow-up",
    "sme-focus",
    "support-quality",
    "stop-and-follow-up",
)


@pytest.fixture
def pib() -> Scenario:
    return load_scenario("pib")


def reread(text: str, folder: Path) -> Scenario:
    path = folder / "again.toml"
    path.write_text(text, encoding="utf-8")
    return read_scenario(path)


# What ships


def test_two_references_and_seven_options_ship() -> None:
    assert shipped_names() == tuple(sorted(REFERENCES + OPTIONS))
    assert all(load_scenario(name).kind == "reference" for name in REFERENCES)
    assert all(load_scenario(name).kind == "option" for name in OPTIONS)


def test_file_names_and_scenario_names_agree() -> None:
    assert [load_scenario(name).name for name in shipped_names()] == list(shipped_names())


@pytest.mark.parametrize("name", OPTIONS)
def test_every_moved_lever_is_really_moved_and_explained_with_existing_claims(name: str) -> None:
    option = load_scenario(name)
    assert set(option.levers) == set(option.levers_why)
    for moved, why in option.levers_why.items():
        assert option.lever(moved, 2016) != LEVERS[moved].default_in(2016), moved
        cited = re.findall(r"\b(?:[A-Z]{2}\d{2}|[A-Z]\d{2,3})\b", why)
        assert cited, f"{moved} cites no claim"
        assert set(cited) <= set(claims()), moved


def test_sme_focus_says_that_no_recommendation_is_behind_it() -> None:
    text = (Path(scenario_module.__file__).parent / "shipped" / "sme-focus.toml").read_text(encoding="utf-8")
    assert "No recommendation" in load_scenario("sme-focus").description
    assert all(claim in text for claim in ("SL01", "SL02", "SL03", "SL04", "SL05"))


def test_the_follow_up_option_lasts_six_years() -> None:
    assert load_scenario("follow-up").levers["follow_up_years"] == 6


def test_sectors_carry_the_reported_number_of_clusters() -> None:
    for name in REFERENCES:
        for sector, weight in load_scenario(name).the_world.sector_weights.items():
            assert evidence()[f"clusters_sector_{sector}"].value == weight


def test_every_dated_shock_names_an_existing_claim(pib: Scenario) -> None:
    for shock in pib.shocks:
        assert shock.source.split()[0] in claims()


def test_the_pandemic_and_the_war_are_on_their_dates(pib: Scenario) -> None:
    by_kind = {shock.kind: shock for shock in pib.shocks}
    assert (by_kind["travel_stop"].country, by_kind["travel_stop"].start, by_kind["travel_stop"].end) == (
        "all",
        "2020Q2",
        "2022Q1",
    )
    assert by_kind["war"].start == "2022Q1"
    assert isinstance(by_kind["war"].country, int)


def test_pib_next_has_random_shocks_and_no_calendar() -> None:
    world = load_scenario("pib-next").the_world
    assert load_scenario("pib-next").shocks == ()
    assert world.random_shocks
    assert (world.first_year, world.window_first_year, world.window_last_year, world.last_year) == (
        2022,
        2026,
        2030,
        2044,
    )


def test_kinds_are_those_the_model_knows() -> None:
    assert tuple(SHOCK_KINDS) == MODEL_SHOCK_KINDS
    assert parts.AGENT_KINDS == AGENT_KINDS


# Files


@pytest.mark.parametrize("name", REFERENCES + OPTIONS)
@pytest.mark.parametrize("guide", [False, True])
def test_shipped_scenarios_round_trip_through_their_file(name: str, guide: bool, tmp_path: Path) -> None:
    scenario = load_scenario(name)
    text = scenario_text(scenario, guide=guide)
    again = reread(text, tmp_path)
    assert again == scenario
    assert again.hash == scenario.hash
    assert scenario_text(again, guide=guide) == text
    assert scenario.to_toml().count("#") >= 3


def values_of(lever: Lever) -> st.SearchStrategy[Any]:
    if lever.kind == "switch":
        return st.booleans()
    if lever.kind == "choice":
        return st.sampled_from(lever.choices)
    if lever.kind == "integer":
        return st.integers(int(lever.minimum), int(lever.maximum))
    return st.floats(lever.minimum, lever.maximum)


@st.composite
def lever_settings(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(sorted(LEVERS)), unique=True, min_size=1, max_size=6))
    years = st.integers(2012, 2034)
    return {
        name: draw(
            values_of(LEVERS[name]) | st.dictionaries(years, values_of(LEVERS[name]), min_size=1, max_size=3)
        )
        for name in names
    }


sentences = st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip()))


@settings(max_examples=60, deadline=None)
@given(levers=lever_settings(), text=sentences, firms=st.integers(10, 1_000_000), strength=st.floats(0, 1))
def test_any_scenario_round_trips_through_its_file(
    tmp_path_factory: pytest.TempPathFactory, levers: dict[str, Any], text: str, firms: int, strength: float
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    shock = Shock(
        kind="war", country=3, start="2019Q1", end="2020Q4", strength=strength, note=text, source=text
    )
    pib = load_scenario("pib").with_world({"n_firms": firms}).with_levers(levers).with_shocks([shock])
    pib = pib.with_agents(absent=["liaison:3"], random=["embassy:0"])
    assert reread(pib.to_toml(), folder) == pib
    option = Scenario(
        name="mine",
        title=text,
        kind="option",
        description=text,
        levers=levers,
        levers_why=dict.fromkeys(levers, text),
    )
    assert reread(option.to_toml(), folder) == option


def test_scenarios_can_be_copied_and_hashed(pib: Scenario) -> None:
    combined = pib.with_option(load_scenario("go-no-go"))
    assert copy.deepcopy(combined) == combined
    assert len({combined, copy.deepcopy(combined), pib}) == 2


# Frozen


def test_a_scenario_is_frozen_all_the_way_down(pib: Scenario) -> None:
    changed = pib.with_levers({"assessors": 3})
    with pytest.raises(ValueError, match="frozen"):
        pib.name = "other"
    with pytest.raises(ValueError, match="frozen"):
        pib.the_world.n_firms = 1
    with pytest.raises(TypeError, match="frozen"):
        changed.levers["assessors"] = 2  # type: ignore[index]
    with pytest.raises(TypeError, match="frozen"):
        changed.levers["assessors"][2016] = 2  # type: ignore[index]
    with pytest.raises(TypeError, match="frozen"):
        pib.the_world.sector_weights.update({"agri_food": 1.0})  # type: ignore[attr-defined]


# What is in force, and changed copies


def test_an_options_levers_count_from_the_window_on_and_the_warm_up_stays(pib: Scenario) -> None:
    combined = pib.with_option(load_scenario("go-no-go"))
    assert combined.name == "pib+go-no-go"
    for year in range(2012, 2016):
        assert combined.levers_in(year) == pib.levers_in(year)
    assert combined.lever("checkpoint_quarter", 2016) == 6
    assert combined.lever("progress_information_share", 2015) == 0.6
    assert combined.lever("progress_information_share", 2020) == 0.75
    assert combined.lever("feedback_rounds", 2019) == 1


def test_an_option_applies_on_top_of_the_other_reference_too() -> None:
    combined = load_scenario("pib-next").with_option(load_scenario("follow-up"))
    assert combined.lever("follow_up_years", 2025) == 0
    assert combined.lever("follow_up_years", 2026) == 6


def test_an_option_that_says_when_counts_no_earlier_than_the_window(pib: Scenario) -> None:
    option = Scenario(
        name="dated",
        title="dated",
        kind="option",
        description="A lever that moves twice.",
        levers={"assessors": {2010: 3, 2018: 5}},
        levers_why={"assessors": "To test."},
    )
    combined = pib.with_option(option)
    assert [combined.lever("assessors", year) for year in (2012, 2015, 2016, 2017, 2018, 2034)] == [
        2,
        2,
        3,
        3,
        5,
        5,
    ]
    later = Scenario(**{**option.model_dump(), "levers": {"assessors": {2019: 4}}})
    assert [pib.with_option(later).lever("assessors", year) for year in (2016, 2018, 2019)] == [2, 2, 4]


def test_a_value_in_a_reference_file_counts_in_every_year() -> None:
    data = tomllib.loads(load_scenario("pib-next").to_toml())
    scenario = Scenario(**{**data, "levers": {"assessors": 3, "feedback_rounds": {"2028": 2}}})
    assert scenario.lever("assessors", 2022) == 3
    assert [scenario.lever("feedback_rounds", year) for year in (2022, 2027, 2028, 2044)] == [1, 1, 2, 2]


def test_setting_a_lever_to_its_practice_changes_nothing(pib: Scenario) -> None:
    for name, entry in LEVERS.items():
        by_year = {year: entry.default_in(year) for year in range(2016, 2035)}
        assert pib.with_levers({name: by_year}).hash == pib.hash, name


CHANGING = sorted(name for name, entry in LEVERS.items() if len(entry.default_by_year) > 1)


def test_there_are_levers_whose_practice_changed() -> None:
    assert {"feedback_rounds", "inception_quarters", "liaison_independent"} <= set(CHANGING)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), reference=st.sampled_from(REFERENCES), name=st.sampled_from(sorted(LEVERS)))
def test_years_before_the_first_that_an_option_sets_stay_as_they_were(
    data: st.DataObject, reference: str, name: str
) -> None:
    base = load_scenario(reference)
    # Levers whose practice changed are where this went wrong; let every second example be one of them.
    name = data.draw(st.sampled_from([name, *CHANGING]))
    if data.draw(st.booleans()):  # a reference that has a history of its own, too
        base = base.with_levers({name: {2017: data.draw(values_of(LEVERS[name]))}})
    years = st.integers(2012, 2050)
    setting = data.draw(st.dictionaries(years, values_of(LEVERS[name]), min_size=1, max_size=3))
    moved = base.with_levers({name: setting})
    since = max(base.the_world.window_first_year, min(setting))
    for year in base.the_world.years:
        if year < since:
            assert moved.lever(name, year) == base.lever(name, year), year
        else:
            said = max(first for first in setting if first <= year)
            assert moved.lever(name, year) == LEVERS[name].normalise(setting[said]), year


@settings(max_examples=80, deadline=None)
@given(name=st.sampled_from(CHANGING), first=st.integers(2012, 2034), reference=st.sampled_from(REFERENCES))
def test_repeating_what_is_in_force_from_any_year_on_changes_no_hash(
    name: str, first: int, reference: str
) -> None:
    base = load_scenario(reference)
    changes = {year: LEVERS[name].default_in(year) for year in (first, *range(first, 2035))}
    assert base.with_levers({name: changes}).hash == base.hash
    last_change = LEVERS[name].default_by_year[-1]
    if first >= last_change[0]:
        assert base.with_levers({name: {first: last_change[1]}}).hash == base.hash


def test_every_lever_changes_the_hash_and_no_text_does(pib: Scenario) -> None:
    hashes = {pib.hash}
    for entry in LEVERS.values():
        high = entry.choices[-1] if entry.kind == "choice" else entry.normalise(entry.maximum)
        low = entry.choices[0] if entry.kind == "choice" else entry.normalise(entry.minimum)
        other = low if entry.default_in(2016) == high else high
        hashes.add(pib.with_levers({entry.name: other}).hash)
    assert len(hashes) == 1 + len(LEVERS)
    words = {
        **{name: getattr(pib, name) for name in Scenario.model_fields},
        "name": "x",
        "description": "Other.",
    }
    assert Scenario(**words).hash == pib.hash


def test_without_programme_only_switches_it_off_from_the_window_on(pib: Scenario) -> None:
    twin = pib.without_programme()
    assert twin.lever("programme_on", 2015) is True
    assert twin.lever("programme_on", 2016) is False
    assert {name for name in LEVERS if twin.lever(name, 2018) != pib.lever(name, 2018)} == {"programme_on"}


def test_a_parameter_the_scenario_fixes_wins_over_the_draw(pib: Scenario, tmp_path: Path) -> None:
    lowest = PARAMETERS["war_rate"].minimum
    fixed = pib.with_parameters({"war_rate": lowest})
    drawn = fixed.inputs({"war_rate": 2 * lowest, "feedback_gain": 0.1}).parameters
    assert (drawn["war_rate"], drawn["feedback_gain"]) == (lowest, 0.1)
    assert fixed.hash != pib.hash
    assert reread(fixed.to_toml(), tmp_path) == fixed


def test_parameters_are_refused_all_at_once_with_range_and_guess() -> None:
    said = "\n".join(problems_of({"parameters": {"war_rat": 0.1, "war_rate": -1, "feedback_gain": "much"}}))
    assert "unknown parameter 'war_rat'; did you mean 'war_rate'" in said
    assert f"parameter war_rate = -1 is not allowed; it must be {PARAMETERS['war_rate'].minimum:g} to" in said
    assert "parameter feedback_gain = 'much' is not allowed" in said


def test_inputs_hold_sizes_levers_shocks_and_agents(pib: Scenario) -> None:
    inputs = pib.with_agents(absent=["liaison:3"], random=["embassy:0"]).inputs({})
    assert inputs.size.n_firms == 2000
    assert inputs.size.n_sectors == 10
    assert inputs.size.sector_weights[0] == 14.0
    assert tuple(inputs.levers) == tuple(LEVERS)
    assert inputs.levers["feedback_rounds"].tolist() == [0] * 7 + [1] * 16
    travel_stop = next(shock for shock in inputs.shocks if shock.kind == "travel_stop")
    # 2012Q1 is quarter 0, so 2020Q2 is quarter 8 * 4 + 1 = 33 and 2022Q1 is 10 * 4 = 40.
    assert (travel_stop.country, travel_stop.first_quarter, travel_stop.last_quarter) == (-1, 33, 40)
    assert inputs.absent == (("liaison", 3),)
    assert inputs.random_agents == (("embassy", 0),)


# Refusals


def problems_of(change: dict[str, Any], scenario: str = "pib") -> list[str]:
    base = load_scenario(scenario)
    data = {name: getattr(base, name) for name in Scenario.model_fields}
    with pytest.raises(ScenarioError) as caught:
        Scenario(**{**data, **change})
    return list(caught.value.problems)


def world_problems(**change: Any) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("pib").with_world(change)
    return list(caught.value.problems)


def test_a_run_that_ends_too_early_is_refused_with_the_year_it_needs() -> None:
    assert world_problems(last_year=2033) == [
        "scenario pib: last_year = 2033 is too early: with window_last_year = 2020 it must be 2034 or later, so that "
        "the longest follow-up (6 years) and the longest deal cycle (8 years) fit"
    ]


@pytest.mark.parametrize("last_year", [-5, 0, 1900, 3000])
def test_a_negative_or_absurd_horizon_is_refused_with_the_range(last_year: int) -> None:
    said = world_problems(last_year=last_year)
    assert f"scenario pib: world.last_year = {last_year} is not allowed; it must be 2012 to 2160" in said


def test_a_run_of_a_hundred_years_is_refused() -> None:
    assert "is a run of 109 years; at most 60 are allowed" in world_problems(last_year=2120)[0]


def test_years_out_of_order_are_refused() -> None:
    said = world_problems(window_first_year=2021)
    assert (
        "the years must be in order: first_year 2012, window_first_year 2021, window_last_year 2020"
        in said[0]
    )


def test_all_problems_are_told_at_once() -> None:
    said = "\n".join(
        world_problems(n_firms="many", n_frms=3, n_markets=300, last_year=2030, markets_per_firm=0)
    )
    assert "world.n_firms = 'many' is of the wrong type; it must be a whole number, 10 to 1 000 000" in said
    assert "unknown key in [world] 'n_frms'; did you mean 'n_firms'?" in said
    assert "n_markets = 300 is too many: 10 sectors in 20 countries allow at most 200" in said
    assert "last_year = 2030 is too early" in said
    assert "world.markets_per_firm = 0 is not allowed; it must be 1 to 20" in said


def test_a_world_size_is_never_rounded_or_taken_from_text() -> None:
    assert "of the wrong type" in world_problems(n_firms=2000.0)[0]
    assert "of the wrong type" in world_problems(n_firms=True)[0]


def test_levers_are_refused_all_at_once_with_a_guess(pib: Scenario) -> None:
    with pytest.raises(ScenarioError) as caught:
        pib.with_levers({"folow_up_years": 3, "assessors": 2.5, "freed_money_use": "treasury"})
    assert caught.value.problems == (
        "unknown lever 'folow_up_years'; did you mean 'follow_up_years' or 'follow_up_private_share'?",
        "lever assessors = 2.5 is not allowed; it must be a whole number from 1 to 6 persons",
        "lever freed_money_use = 'treasury' is not allowed; it must be returned, best_performers or follow_up",
    )
    assert "passaat levers" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"levers": {"assessors": {"soon": 3}}}, "'soon' is not a calendar year such as 2019"),
        ({"levers": {"assessors": {}}}, "the table of years is empty"),
        ({"levers": [1]}, "[levers] must be a table of lever = value"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"kind": "policy"}, "kind = 'policy' is not allowed; it must be 'reference' or 'option'"),
        ({"name": "My Scenario"}, "use small letters, digits, - and _ only"),
        ({"world": None}, "a reference needs a [world] with sizes and calendar"),
        ({"levers_why": {"assessors": "Because."}}, "explains assessors, which does not move under [levers]"),
        (
            {"agents": {"absent": ("liaison:120",)}},
            "'liaison:120' does not exist; liaison runs from 0 to 119",
        ),
        ({"agents": {"random": ("minister:1",)}}, 'must read like "liaison:3"'),
        ({"agents": {"absent": 1.5}}, "agents.absent = 1.5 is of the wrong type"),
        ({"agents": {"random": "liaison:3"}}, "agents.random = 'liaison:3' is of the wrong type"),
    ],
)
def test_each_rule_for_references_has_its_message(change: dict[str, Any], said: str) -> None:
    assert said in "\n".join(problems_of(change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"levers_why": {}}, "lever minimum_sme_share moves without a reason; add it under [levers_why]"),
        ({"levers": {}, "levers_why": {}}, "an option must move at least one lever"),
        ({"parameters": {"x": 1}}, "an option moves levers only; [parameters] belongs in a reference"),
        ({"world": {"n_firms": 5}}, "an option moves levers only; [world] belongs in a reference"),
    ],
)
def test_each_rule_for_options_has_its_message(change: dict[str, Any], said: str) -> None:
    assert said in "\n".join(problems_of(change, "sme-focus"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"country": 20}, 'shock 1: country = 20; it must be "all" or 0 to 19'),
        (
            {"country": True},
            'shocks.1.country = true is not allowed; it must be "all" or the number of a country',
        ),
        ({"country": "four"}, "shocks.1.country = 'four' is not allowed"),
        ({"country": 1.5}, "shocks.1.country = 1.5 is not allowed"),
        ({"start": "2040Q1", "end": "2040Q2"}, "shock 1 starts (2040Q1) outside the run, 2012Q1 to 2034Q4"),
        ({"start": "2021Q1", "end": "2020Q1"}, "shock 1 ends (2020Q1) before it starts (2021Q1)"),
        ({"start": "spring"}, "it must read like 2020Q2"),
        ({"kind": "flood"}, "shocks.1.kind = 'flood' is not allowed; it must be 'travel_stop', 'war'"),
        ({"strength": 1.5}, "shocks.1.strength = 1.5 is not allowed; it must be 0 to 1"),
    ],
)
def test_each_rule_for_shocks_has_its_message(change: dict[str, Any], said: str) -> None:
    shock = {
        "kind": "war",
        "country": 1,
        "start": "2019Q1",
        "end": "2019Q2",
        "strength": 0.5,
        "note": "n",
        "source": "s",
    }
    assert said in "\n".join(problems_of({"shocks": ({**shock, **change},)}))


LONG_TEXT = "x" * 70_000
CONTROL = "\x00\x1b[2J"


@pytest.mark.parametrize("text", [LONG_TEXT, CONTROL])
@pytest.mark.parametrize(
    "place",
    [
        lambda text: {"name": text},
        lambda text: {"agents": {"absent": (text,)}},
        lambda text: {"levers": {text: 1}, "kind": "option", "world": None},
        lambda text: {"levers_why": {text: "So."}},
        lambda text: {"levers_why": {text: ""}},
        lambda text: {"parameters": {text: 1.0}},
        lambda text: {"world": {"sector_weights": {text: -1.0}}},
    ],
)
def test_no_name_in_a_message_is_endless_or_acts_on_a_terminal(
    text: str, place: Callable[[str], dict[str, Any]]
) -> None:
    for problem in problems_of(place(text)):
        assert len(problem) < 1_500
        assert problem.isprintable()


def test_references_and_options_are_not_confused(pib: Scenario) -> None:
    option = load_scenario("go-no-go")
    with pytest.raises(ScenarioError, match="pib is a reference, not an option"):
        pib.with_option(pib)
    with pytest.raises(
        ScenarioError, match="go-no-go is an option: it moves levers and has no world of its own"
    ):
        option.inputs()
    with pytest.raises(ScenarioError, match="go-no-go is an option, where a reference is needed"):
        load_scenario("go-no-go", "reference")


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("pibb")
    assert caught.value.problems[0].startswith(
        "unknown scenario 'pibb'; did you mean 'pib'? Valid: follow-up, go-no-go"
    )
    assert "passaat new my.toml --from pib" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name = pib\n", "is not valid TOML"),
        (b"\xff\xfe\x00", "is not a text file in UTF-8"),
        (b"", "kind is missing"),
        (b'kind = "reference"\n[[world]]\nfirst_year = 1\n', "world"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"cannot read .*gone\.toml"):
        load_scenario(tmp_path / "gone.toml")
    with pytest.raises(ScenarioError, match="cannot read"):
        load_scenario(tmp_path)


def test_a_lever_more_leaves_hashes_as_they_were_until_it_moves(
    pib: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Studies of earlier versions hold hashes, and must still be found sound when the model has a lever more."""
    before = pib.hash
    later = replace(LEVERS["concentration_share"], name="later_share")
    monkeypatch.setattr(scenario_module, "LEVERS", {**LEVERS, "later_share": later})
    assert pib.hash == before
    moved = pib.model_copy(update={"levers": {**pib.levers, "later_share": 0.5}})
    assert moved.hash != before


# Parts


def with_parts(**parts: object) -> Scenario:
    """The shipped option of stricter selection under other parts."""
    return Scenario(**{**dict(load_scenario("stricter-selection")), "parts": parts})


def test_parts_cover_every_lever_once() -> None:
    for name in OPTIONS:
        option = load_scenario(name)
        covered = [lever for levers in option.all_parts.values() for lever in levers]
        assert sorted(covered) == sorted(option.levers)
    alone = with_parts(bar=["selection_threshold_points"])
    assert list(alone.all_parts) == [
        "bar", "Capacity screening", "A path for every bottleneck", "Blocked markets excluded"
    ]  # fmt: skip


def test_parts_change_no_hash_and_survive_writing(tmp_path: Path) -> None:
    option = load_scenario("follow-up")
    assert with_parts().hash == load_scenario("stricter-selection").hash
    assert reread(option.to_toml(), tmp_path) == option


def test_a_part_is_an_option_that_moves_its_levers_alone() -> None:
    option = load_scenario("follow-up")
    part = option.part("money")
    assert part.name == "follow-up.money"
    assert part.levers == {name: option.levers[name] for name in option.parts["money"]}
    assert part.all_parts.keys().isdisjoint({"plan"})


def test_wrong_parts_are_all_told() -> None:
    with pytest.raises(ScenarioError) as refused:
        with_parts(
            bar=["selection_threshold_points", "assessors"], other=["selection_threshold_points"], none=[]
        )
    told = "\n".join(refused.value.problems)
    assert "part bar has assessors, which does not move under [levers]" in told
    assert "lever selection_threshold_points stands in more than one part" in told
    assert "part none must be a list of levers" in told
    with pytest.raises(ScenarioError, match="belongs in an option"):
        Scenario(**{**dict(load_scenario("pib")), "parts": {"all": ("assessors",)}})


def test_the_options_of_a_stack_are_its_parts() -> None:
    stacked = stack([load_scenario("go-no-go"), load_scenario("stop-and-follow-up")])
    assert stacked.all_parts["stop-and-follow-up"] == tuple(load_scenario("stop-and-follow-up").levers)
    assert "go-no-go" not in stacked.all_parts  # all of its levers are overridden
