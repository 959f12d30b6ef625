"""Options on top of each other, options set by hand, and what is said of those that move nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from passaat import cli
from passaat.cli import parts as cli_parts
from passaat.errors import ScenarioError
from passaat.experiments.design.plan import describe
from passaat.experiments.design.plan_files import read_plan
from passaat.scenarios.effects import idle_settings, reported_ceilings, same_content, shipped_twin
from passaat.scenarios.levers import LEVERS, Lever
from passaat.scenarios.loading import load_scenario, shipped_names
from passaat.scenarios.scenario import Scenario
from passaat.scenarios.stacking import load_option, option_of_levers, option_parts, overridden, stack

SHIPPED_OPTIONS = [name for name in shipped_names() if load_scenario(name).kind == "option"]


def option(name: str, **levers: Any) -> Scenario:
    return Scenario(
        name=name,
        title=f"title of {name}",
        kind="option",
        description="To test.",
        levers=levers,
        levers_why=dict.fromkeys(levers, "To test."),
    )


def values_of(lever: Lever) -> st.SearchStrategy[Any]:
    if lever.kind == "switch":
        return st.booleans()
    if lever.kind == "choice":
        return st.sampled_from(lever.choices)
    if lever.kind == "integer":
        return st.integers(int(lever.minimum), int(lever.maximum))
    return st.floats(lever.minimum, lever.maximum)


@st.composite
def some_levers(draw: st.DrawFn) -> dict[str, Any]:
    few = ["assessors", "feedback_rounds", "large_firms_role", "co_funding_ratio", "programme_on"]
    names = draw(st.lists(st.sampled_from(few), unique=True, min_size=1))
    years = st.integers(2010, 2050)
    return {
        name: draw(
            values_of(LEVERS[name]) | st.dictionaries(years, values_of(LEVERS[name]), min_size=1, max_size=3)
        )
        for name in names
    }


# Stacking


@settings(max_examples=150, deadline=None)
@given(
    first=some_levers(),
    second=some_levers(),
    third=some_levers(),
    reference=st.sampled_from(["pib", "pib-next"]),
)
def test_a_stack_does_what_its_options_do_one_after_the_other(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any], reference: str
) -> None:
    base = load_scenario(reference)
    options = [option("a", **first), option("b", **second), option("c", **third)]
    one_by_one = base
    for each in options:
        one_by_one = one_by_one.with_option(each)
    assert base.with_option(stack(options)).hash == one_by_one.hash


@settings(max_examples=100, deadline=None)
@given(levers=some_levers())
def test_a_stack_on_nothing_and_with_itself_by_another_name_changes_nothing(levers: dict[str, Any]) -> None:
    alone, copy = option("a", **levers), option("b", **levers)
    assert stack([alone]) is alone
    pib = load_scenario("pib")
    assert pib.with_option(stack([alone, copy])).hash == pib.with_option(alone).hash
    assert overridden([(one.name, one.levers) for one in (alone, copy)]) == []


def test_every_lever_that_is_overridden_is_named_with_both_values() -> None:
    strict = option("strict", selection_threshold_points=60, assessors=3)
    loose = option("loose", selection_threshold_points={2018: 50}, assessors=3, follow_up_years=2)
    told = overridden([(one.name, one.levers) for one in (strict, loose)])
    assert told == ["loose overrides selection_threshold_points of strict: 50 from 2018 instead of 60"]
    both = stack([strict, loose])
    assert both.name == "strict+loose"
    assert told[0] in both.description
    assert [
        load_scenario("pib").with_option(both).lever("selection_threshold_points", y) for y in (2016, 2018)
    ] == [
        60,
        50,
    ]


def test_the_latest_of_three_is_held_against_the_one_below_it() -> None:
    layers = [("a", {"assessors": 1}), ("b", {"assessors": 2}), ("c", {"assessors": 3})]
    assert overridden(layers) == [
        "b overrides assessors of a: 2 instead of 1",
        "c overrides assessors of b: 3 instead of 2",
    ]


def test_options_are_stacked_by_name_and_by_path(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(option("mine", assessors=3).to_toml(), encoding="utf-8")
    (tmp_path / "with+plus.toml").write_text(option("plus", assessors=4).to_toml(), encoding="utf-8")
    assert load_option("follow-up+mine.toml", tmp_path).name == "follow-up+mine"
    assert load_option("with+plus.toml", tmp_path).name == "plus"
    assert [part.name for part in option_parts(f"{tmp_path / 'mine.toml'}+go-no-go")] == ["mine", "go-no-go"]
    with pytest.raises(ScenarioError, match="unknown scenario 'folow-up'"):
        load_option("mine.toml+folow-up", tmp_path)
    with pytest.raises(ScenarioError, match="option follow-up is named 2 times"):
        load_option("follow-up+follow-up")
    with pytest.raises(ScenarioError, match="pib is a reference"):
        load_option("follow-up+pib")
    for text in ("+", "follow-up+", "+follow-up"):
        with pytest.raises(ScenarioError):
            load_option(text)


def test_a_stack_with_a_name_too_long_keeps_names_apart() -> None:
    long = [option("a" * 60, assessors=3), option("b" * 60, assessors=4), option("b" * 61, assessors=4)]
    names = {stack([long[0], other]).name for other in long[1:]}
    assert len(names) == 2
    assert all(len(name) == 100 for name in names)


def test_plans_take_stacked_options_and_describe_what_is_overridden(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(option("mine", follow_up_years=2).to_toml(), encoding="utf-8")
    path = tmp_path / "plan.toml"
    path.write_text(
        'name = "p"\nquestion = "Why?"\nreference = "pib"\noptions = ["follow-up+mine.toml", "go-no-go"]\n'
        '[design]\nmethod = "sobol"\npoints = 4\nworlds = 1\nrest = "defaults"\n[levers]\nassessors = "all"\n',
        encoding="utf-8",
    )
    plan = read_plan(path)
    assert plan.option_names == ("follow-up+mine", "go-no-go")
    assert "mine overrides follow_up_years of follow-up: 2 instead of 6" in "\n".join(describe(plan))


# Options set by hand


def test_an_option_of_levers_is_named_by_them_and_does_what_set_does() -> None:
    levers: dict[str, Any] = {
        "capacity_screening_weight": 0.125,
        "programme_budget_eur_year": {2019: 4_200_000.0},
    }
    made = option_of_levers(levers)
    assert made.name == "capacity_screening_weight=0.125+programme_budget_eur_year=4200000-from-2019"
    pib = load_scenario("pib")
    assert pib.with_option(made).hash == pib.with_levers(levers).hash
    everything = option_of_levers({name: entry.default_in(2016) for name, entry in LEVERS.items()})
    assert len(everything.name) == 100


@pytest.mark.parametrize("name", sorted(LEVERS))
def test_any_lever_makes_an_option_with_a_valid_name(name: str) -> None:
    entry = LEVERS[name]
    value = entry.choices[-1] if entry.kind == "choice" else entry.normalise(entry.maximum)
    assert option_of_levers({name: {2016: value, 2019: value}}).name.startswith(f"{name}=")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said beside the result."""
    said: list[str] = []
    monkeypatch.setattr(cli_parts, "say", said.append)
    return said


def test_set_is_an_option_of_its_own_beside_the_untouched_reference(asked: list[str]) -> None:
    base, chosen = cli_parts.reference_and_options(
        "pib-next", ["stricter-selection"], ["selection_threshold_points=73"], None
    )
    assert base == load_scenario("pib-next")
    assert [one.name for one in chosen] == ["stricter-selection", "selection_threshold_points=73"]
    assert any("--set is an option of its own, selection_threshold_points=73" in text for text in asked)
    assert any("--set-reference" in text for text in asked)


def test_set_alone_compares_that_option_alone_and_nothing_compares_four(asked: list[str]) -> None:
    assert [one.name for one in cli_parts.reference_and_options("pib", None, ["assessors=3"], None)[1]] == [
        "assessors=3"
    ]
    asked.clear()
    names = [one.name for one in cli_parts.reference_and_options("pib", None, None, None)[1]]
    assert names == list(cli_parts.FOUR_OPTIONS)
    assert asked == []


def test_set_reference_moves_the_reference_and_names_what_options_override(asked: list[str]) -> None:
    base, chosen = cli_parts.reference_and_options("pib", None, None, ["selection_threshold_points=73"])
    assert base.hash == load_scenario("pib").with_levers({"selection_threshold_points": 73}).hash
    assert len(chosen) == 4
    own = load_scenario("stricter-selection").levers["selection_threshold_points"]
    assert asked == [
        "stricter-selection overrides selection_threshold_points of --set-reference:"
        f" {LEVERS['selection_threshold_points'].show_setting(own)} instead of 73."
    ]


def test_set_reference_is_named_in_its_own_messages() -> None:
    with pytest.raises(ScenarioError, match="write --set-reference covenant_amount_eur=200000"):
        cli_parts.settings_of(["covenant_amount_eur=200.000"], "--set-reference")


def test_run_names_what_options_and_set_override() -> None:
    result = CliRunner().invoke(
        cli.app,
        [
            *("run", "pib", "--options", "stricter-selection", "follow-up", "--set", "follow_up_years=3"),
            *("--set", "selection_threshold_points=50", "--json"),
        ],
    )
    assert result.exit_code == 0, result.stderr
    assert "--set overrides follow_up_years of follow-up: 3 instead of 6." in result.stderr
    assert "--set overrides selection_threshold_points of stricter-selection: 50 instead of" in result.stderr
    stacked = CliRunner().invoke(
        cli.app,
        [
            *("run", "pib", "--options", "stricter-selection+follow-up", "--set", "follow_up_years=3"),
            *("--set", "selection_threshold_points=50", "--json"),
        ],
    )
    assert stacked.stdout == result.stdout


# What moves nothing


@pytest.mark.parametrize("name", SHIPPED_OPTIONS)
@pytest.mark.parametrize("reference", ["pib", "pib-next"])
def test_nothing_is_idle_in_what_ships(name: str, reference: str) -> None:
    assert idle_settings(load_scenario(reference), load_scenario(name)) == []


def test_a_year_after_the_run_moves_nothing() -> None:
    told = idle_settings(load_scenario("pib"), option("late", covenant_amount_eur={2040: 0}))
    assert told == [
        "covenant_amount_eur: 0 from 2040 moves nothing in pib: 2040 lies after its last year, 2034",
        "late moves nothing in pib: it is the same policy in every year",
    ]


def test_one_year_of_two_after_the_run_is_named_alone() -> None:
    told = idle_settings(load_scenario("pib"), option("late", covenant_amount_eur={2018: 0, 2040: 9}))
    assert told == [
        "covenant_amount_eur: 9 from 2040 moves nothing in pib: 2040 lies after its last year, 2034"
    ]


def test_years_before_the_window_say_when_they_count() -> None:
    told = idle_settings(load_scenario("pib"), option("early", assessors={2010: 3, 2013: 4}))
    assert "3 from 2010 is replaced by then: 2010 lies before the first year" in told[0]
    assert (
        "4 from 2013 counts from 2016 on: 2013 lies before the first year in which options count in pib, 2016"
        in (told[1])
    )
    assert len(told) == 2


def test_repeating_what_holds_moves_nothing() -> None:
    told = idle_settings(load_scenario("pib"), option("same", feedback_rounds={2020: 1}, assessors=3))
    assert told == [
        "feedback_rounds = 1 from 2020 moves nothing in pib: that is what holds there in these years anyway"
    ]
    assert idle_settings(load_scenario("pib"), option("same", assessors=2))[-1] == (
        "same moves nothing in pib: it is the same policy in every year"
    )


@settings(max_examples=80, deadline=None)
@given(levers=some_levers(), reference=st.sampled_from(["pib", "pib-next"]))
def test_an_option_is_said_to_move_nothing_exactly_where_the_hash_stays(
    levers: dict[str, Any], reference: str
) -> None:
    base, trial = load_scenario(reference), option("trial", **levers)
    told = idle_settings(base, trial)
    whole = f"trial moves nothing in {reference}: it is the same policy in every year"
    assert (whole in told) == (base.with_option(trial).hash == base.hash)


def test_a_budget_above_all_that_was_committed_is_said_not_to_bind() -> None:
    pib = load_scenario("pib")
    cut = option("cut", programme_budget_eur_year={2016: 6_000_000, 2019: 4_200_000})
    told = reported_ceilings(pib, cut)
    assert told == [
        "programme_budget_eur_year is a ceiling that would not have bound in 2016-2020: reported was at most"
        " 4,082,000 EUR, in 2016 (rvo_commitment_total_2016)"
    ]
    # 1,574,000 EUR were committed in 2019: one euro less would have bound.
    assert reported_ceilings(pib, option("cut", programme_budget_eur_year={2019: 1_574_000})) != []
    assert reported_ceilings(pib, option("cut", programme_budget_eur_year={2019: 1_573_999})) == []
    assert reported_ceilings(load_scenario("pib-next"), cut) == []  # no history is reported of it
    assert reported_ceilings(pib, option("other", assessors=3)) == []


def test_equal_content_is_named_however_it_is_written() -> None:
    pib = load_scenario("pib")
    one, two = option("one", assessors=3), option("two", assessors={2016: 3, 2020: 3})
    assert same_content(pib, [one, option("three", assessors=4), two]) == [
        "one and two are the same policy in pib"
    ]
    copy = Scenario(
        **{**{f: getattr(pib, f) for f in Scenario.model_fields}, "name": "mine", "title": "My own"}
    )
    assert shipped_twin(copy) == "pib"
    assert shipped_twin(pib) == ""
    assert shipped_twin(one) == ""


@pytest.mark.parametrize(
    ("name", "why", "instead"),
    [
        ("reference", "which is what it is compared with", "my-reference"),
        ("a+b", r"as a\+b is b on top of a", "a-b"),
        ("assessors=3", "lever=value a lever set by hand", "assessors-3"),
    ],
)
def test_an_option_file_has_no_name_that_means_something_else(
    name: str, why: str, instead: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    mine = option("mine", assessors=3).to_toml()
    path.write_text(mine.replace('name = "mine"', f'name = "{name}"'), encoding="utf-8")
    with pytest.raises(ScenarioError, match=why) as caught:
        load_scenario(path)
    assert f'such as name = "{instead}"' in caught.value.hint
    path.write_text(mine.replace('name = "mine"', f'name = "{instead}"'), encoding="utf-8")
    assert load_scenario(path).name == instead


@pytest.mark.parametrize(
    "named", [("go-no-go", "go-no-go"), ("go-no-go+go-no-go",), ("go-no-go", "mine.toml")]
)
@pytest.mark.parametrize("command", ["compare", "run", "replicate"])
def test_an_option_named_twice_is_refused_in_the_same_words(
    command: str, named: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(option("go-no-go", assessors=3).to_toml(), encoding="utf-8")
    found = CliRunner().invoke(cli.app, [command, "pib", "--options", *named])
    assert found.exit_code == 2
    assert found.stderr == (
        "Error: option go-no-go is named 2 times\nWay out: name each option once, like follow-up+go-no-go.\n"
    )
