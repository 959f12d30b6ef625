"""Plans of sweeps: study files are checked in full, plans are complete in themselves, and can be added to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passaat.errors import StudyError
from passaat.experiments.analyses.sweep import sweep
from passaat.experiments.design.factors import Factor, Setting, counted_factor, factor_of
from passaat.experiments.design.plan import MOST_POINTS, Luck, Method, Plan, describe, n_runs
from passaat.experiments.design.plan_files import MOST_TOLD, SHIPPED, read_plan, shipped_plans
from passaat.experiments.design.simulator import Simulator
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

PIB = load_scenario("pib", "reference")
FOLLOW_UP = load_scenario("follow-up", "option")
GO_NO_GO = load_scenario("go-no-go", "option")

HEAD = 'name = "mine"\nquestion = "What helps?"\nreference = "pib"\n'
SOBOL = '[design]\nmethod = "sobol"\npoints = 8\n'
LEVER = "[levers]\nfollow_up_years = [0, 2]\n"
LIST = HEAD + '[design]\nmethod = "list"\nfile = "points.csv"\n'


def plan_of(
    method: Method = "latin-hypercube",
    size: int = 6,
    *,
    draws: int = 1,
    luck: Luck = "common",
    worlds: int = 3,
    **changes: Any,
) -> Plan:
    """A small plan over two levers and a parameter; a factorial and a list get levels and rows of their own."""
    factors: list[Factor] = [
        factor_of("covenant_amount_eur", {"low": 200_000, "high": 500_000}),
        factor_of("route_guidance"),
        factor_of("support_gain"),
    ]
    factors += [counted_factor("draw", draws)] if draws > 1 else []
    factors += [counted_factor("luck", worlds)] if luck == "factor" else []
    names = [factor.name for factor in factors]
    levels: tuple[tuple[Setting, ...], ...] = ()
    listed: tuple[Mapping[str, Setting], ...] = ()
    if method == "factorial":
        levels = tuple(factor.categories or (factor.low, factor.high) for factor in factors)
        size = int(np.prod([len(one) for one in levels]))
    if method == "list":
        rows = np.random.default_rng(1).random((size, len(factors))).tolist()
        listed = tuple(
            dict(zip(names, [factor.at(u) for factor, u in zip(factors, row, strict=True)], strict=True))
            for row in rows
        )
    fields: dict[str, Any] = {
        "name": "mine",
        "question": "What helps?",
        "reference": PIB,
        "options": (FOLLOW_UP,),
        "factors": tuple(factors),
        "method": method,
        "size": size,
        "block": size,
        "worlds": worlds,
        "luck": luck,
        "rest": "posterior",
        "draws": draws,
        "seed": 7,
        "listed": listed,
        "levels": levels,
    }
    return Plan(**{**fields, **changes})


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Plan]:
    """Function that reads a study file with this text, and a list of points beside it."""

    def read(text: str, points: str | bytes | None = None) -> Plan:
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        if points is not None:
            data = points.encode() if isinstance(points, str) else points
            (tmp_path / "points.csv").write_bytes(data)
        return read_plan(tmp_path / "mine.toml")

    return read


Read = Callable[..., Plan]


def problems_of(read: Read, text: str, points: str | bytes | None = None) -> list[str]:
    """What is said to be wrong, without the name of the file."""
    with pytest.raises(StudyError) as caught:
        read(text, points)
    assert "amount-and-follow-up" in caught.value.hint
    assert all(problem.startswith("mine.toml: ") for problem in caught.value.problems)
    return [problem.removeprefix("mine.toml: ") for problem in caught.value.problems]


# --- a file that is right -----------------------------------------------------------------------------------


def test_a_study_file_reads_as_a_plan(study: Read) -> None:
    plan = study(
        'name = "all-of-it"\nquestion = "What helps?"\nreference = "pib"\noptions = ["go-no-go", "follow-up"]\n'
        '[design]\nmethod = "latin-hypercube"\npoints = 30\nworlds = 2\nluck = "own"\nseed = 5\n'
        'rest = "prior"\ndraws = 4\n'
        "[levers]\ncovenant_amount_eur = { low = 200_000, high = 500_000 }\nfollow_up_years = [4, 0, 2]\n"
        'extension_allowed = "all"\n'
        "[uncertainties]\nsupport_gain = {}\nrelation_fade = { high = 0.05 }\n"
    )
    assert (plan.name, plan.reference.name) == ("all-of-it", "pib")
    assert plan.option_names == ("go-no-go", "follow-up")
    assert plan.policies == ("reference", "go-no-go", "follow-up", "no programme")
    assert [(factor.name, factor.kind) for factor in plan.factors] == [
        ("covenant_amount_eur", "lever"),
        ("follow_up_years", "lever"),
        ("extension_allowed", "lever"),
        ("support_gain", "uncertainty"),
        ("relation_fade", "uncertainty"),
        ("draw", "draw"),
    ]
    assert (plan.size, plan.block, plan.worlds, plan.luck, plan.seed) == (30, 30, 2, "own", 5)
    assert (plan.rest, plan.draws, plan.factor("draw").n_values) == ("prior", 4, 4)
    points = plan.points()
    assert len(points) == plan.n_points == 30
    assert all(list(point) == [factor.name for factor in plan.factors] for point in points)
    assert {point["follow_up_years"] for point in points} == {0, 2, 4}
    assert n_runs(plan) == 30 * 2 * 4


def test_what_is_not_said_has_a_default(study: Read) -> None:
    plan = study(HEAD + SOBOL + LEVER)
    assert (plan.worlds, plan.luck, plan.seed, plan.rest, plan.draws) == (4, "common", 1, "posterior", 1)
    assert plan.options == ()
    assert plan.policies == ("reference", "levers", "no programme")
    assert not plan.second_order


def test_without_levers_and_options_only_the_reference_runs(study: Read) -> None:
    plan = study(HEAD + SOBOL + "[uncertainties]\nsupport_gain = {}\n")
    assert plan.policies == ("reference", "no programme")


def test_a_factorial_crosses_levels_and_draws(study: Read) -> None:
    plan = study(
        HEAD
        + '[design]\nmethod = "factorial"\ndraws = 3\n'
        + "[levers]\ncovenant_amount_eur = { low = 200_000, high = 500_000, steps = 4 }\n"
        + "feedback_rounds = { low = 0, high = 3, steps = 2 }\nfollow_up_years = [0, 6]\n"
        + "[uncertainties]\nrelation_fade = { steps = 3 }\n"
    )
    *first, fades, draws = plan.levels
    assert first == [(200_000.0, 300_000.0, 400_000.0, 500_000.0), (0, 3), (0, 6)]
    assert fades == pytest.approx((0.02, 0.05, 0.08))
    assert draws == (0, 1, 2)
    assert plan.n_points == len(plan.points()) == 4 * 2 * 2 * 3 * 3
    assert plan.unit() is None


def test_luck_as_a_factor_gives_each_point_one_world(study: Read) -> None:
    plan = study(
        HEAD
        + '[design]\nmethod = "factorial"\nluck = "factor"\nworlds = 5\n[levers]\nfeedback_rounds = "all"\n'
    )
    assert plan.n_points == 4 * 5
    assert plan.worlds_per_point == 1
    assert n_runs(plan) == 4 * 5 + 5 * 2
    assert {point["luck"] for point in plan.points()} == {0, 1, 2, 3, 4}


def test_a_list_names_its_factors_by_its_columns(study: Read) -> None:
    plan = study(
        LIST + "draws = 3\n",
        "\ufeffsupport_gain,draw, follow_up_years ,liaison_independent\r\n0.5,0,1,no\r\n\r\n0.7,2,3,true\r\n",
    )
    assert plan.points() == [
        {"follow_up_years": 1, "liaison_independent": False, "support_gain": 0.5, "draw": 0},
        {"follow_up_years": 3, "liaison_independent": True, "support_gain": 0.7, "draw": 2},
    ]
    assert [list(point) for point in plan.points()] == [[factor.name for factor in plan.factors]] * 2
    assert (plan.factor("support_gain").low, plan.factor("support_gain").high) == (0.5, 0.7)
    assert (plan.factor("follow_up_years").low, plan.factor("follow_up_years").high) == (1.0, 3.0)
    assert plan.factor("liaison_independent").categories == (False, True)
    assert plan.factor("draw").n_values == 3


def test_a_column_of_a_list_may_stay_the_same(study: Read) -> None:
    plan = study(LIST, "support_gain,follow_up_years\n0.5,1\n0.5,2\n")
    assert (plan.factor("support_gain").low, plan.factor("support_gain").high) == (0.5, 0.5)


def test_scenarios_of_ones_own_lie_beside_the_study_file(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    (folder / "policies").mkdir(parents=True)
    world = PIB.with_parameters({"relation_fade": 0.04})
    (folder / "world.toml").write_text(world.to_toml(), encoding="utf-8")
    (folder / "policies" / "mine.toml").write_text(GO_NO_GO.to_toml(), encoding="utf-8")
    text = HEAD.replace('"pib"', '"world.toml"') + 'options = ["policies/mine.toml"]\n' + SOBOL + LEVER
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    plan = read_plan(folder / "mine.toml")
    assert plan.reference == world
    assert plan.options == (GO_NO_GO,)


# --- a file that is wrong -----------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_said_at_once(study: Read) -> None:
    problems = problems_of(
        study,
        'name = "Mine!"\nquestion = ""\nreference = "pibb"\noptions = ["follow-up", "follow-up", "pib"]\n'
        'optoins = []\n[design]\nmethod = "sobol"\npionts = 8\nworlds = 0\nluck = "factr"\nseed = -1\n'
        'draws = 2\nrest = "defaults"\nfile = "x.csv"\nsecond_order = true\n'
        "[levers]\ncovenant_amonut_eur = {}\nfollow_up_years = { low = 4, high = 2 }\nassessors = 2\n"
        "[uncertainties]\nsupport_gain = { low = 9 }\n",
    )
    expected = [
        "name = 'Mine!' is not allowed",
        "question is empty",
        "did you mean 'pib'",
        "pib is a reference, where an option is needed",
        "option follow-up is named 2 times",
        "unknown key 'optoins'; did you mean 'options'",
        "unknown key in [design] 'pionts'; did you mean 'points'",
        "[design] points is missing",
        "[design] worlds = 0 is not allowed",
        "[design] luck = 'factr' is not allowed; it must be common, own or factor",
        "[design] seed = -1 is not allowed",
        '[design] draws = 2: with rest = "defaults" all draws are the same',
        "[design] file = 'x.csv': only method list",
        "[design] second_order = true: only method saltelli",
        "[levers] unknown lever 'covenant_amonut_eur'; did you mean 'covenant_amount_eur'",
        "[levers] follow_up_years: low = 4 must be below high = 2",
        "[levers] assessors = 2 does not vary",
        "[uncertainties] support_gain: low = 9 is not allowed; it must be 0.2 to 1.2 ratio",
    ]
    for text in expected:
        assert sum(text in problem for problem in problems) == 1, (text, problems)
    assert len(problems) == len(expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEAD + SOBOL, "nothing varies: name a lever under [levers] or a parameter under [uncertainties]"),
        (HEAD + LEVER, "design is missing: a table [design] with method, points and worlds"),
        (HEAD + "design = 3\n" + LEVER, "design = 3 is of the wrong type; it must be a table"),
        (HEAD + "levers = 3\n" + SOBOL, "levers = 3 is of the wrong type; it must be a table"),
        (
            HEAD + 'options = "follow-up"\n' + SOBOL + LEVER,
            "options = 'follow-up' is of the wrong type; it must be a list",
        ),
        (
            HEAD + "[design]\npoints = 8\n" + LEVER,
            "[design] method is missing: latin-hypercube, factorial, sobol, list, morris or saltelli",
        ),
        (
            HEAD + '[design]\nmethod = "lhs"\npoints = 8\n' + LEVER,
            "[design] method = 'lhs' is not allowed; it must be latin-hypercube, factorial, sobol, list,"
            " morris or saltelli",
        ),
        (
            HEAD + SOBOL.replace("8", "8.0") + LEVER,
            "[design] points = 8.0 is of the wrong type; it must be a whole number",
        ),
        (HEAD + SOBOL.replace("8", "0") + LEVER, "[design] points = 0 is not allowed; at least 1 is needed"),
        (
            HEAD + SOBOL + 'luck = "factor"\nworlds = 1\n' + LEVER,
            '[design] luck = "factor" needs worlds to choose from: worlds = 1 must be 2 or more',
        ),
        (
            HEAD + '[design]\nmethod = "saltelli"\npoints = 16\n' + LEVER,
            "[design] points = 16: method saltelli needs 32 base points, a power of two, or more",
        ),
        (
            HEAD + '[design]\nmethod = "morris"\npoints = 3\n' + LEVER,
            "[design] points = 3: method morris needs 4 trajectories or more",
        ),
        (
            HEAD + '[design]\nmethod = "saltelli"\npoints = 100\n' + LEVER,
            "[design] points = 100: method saltelli needs a power of two, such as 64 or 128",
        ),
        (
            HEAD + '[design]\nmethod = "factorial"\npoints = 8\n' + LEVER,
            "[design] points = 8: method factorial takes its points from the levels of its factors",
        ),
        (
            HEAD + '[design]\nmethod = "factorial"\n[levers]\ncovenant_amount_eur = {}\n',
            "[levers] covenant_amount_eur: a factorial needs levels; add steps, such as steps = 3, or list the"
            " values",
        ),
        (
            HEAD + SOBOL + "[levers]\ncovenant_amount_eur = { steps = 3 }\n",
            "[levers] covenant_amount_eur: steps = 3: only a factorial has steps; take it out",
        ),
        (
            HEAD + SOBOL + "[levers]\nsupport_gain = {}\n",
            "[levers] unknown lever 'support_gain'. It is a parameter: name it under [uncertainties].",
        ),
        (
            HEAD + SOBOL + "[levers]\nprogramme_on = [true]\n",
            "[levers] programme_on = [true] does not vary",
        ),
        (
            HEAD + SOBOL + LEVER + 'options = ["a"]\n',
            "[levers] options = ['a'] does not vary",
        ),
        (
            HEAD + SOBOL + "[uncertainties]\nassessors = [1, 2]\n",
            "It is a lever: name it under [levers].",
        ),
        (
            HEAD + '[design]\nmethod = "list"\n',
            "[design] file is missing: a CSV file with one column for each lever or parameter that varies",
        ),
    ],
)
def test_one_slip_is_one_problem(study: Read, text: str, problem: str) -> None:
    problems = problems_of(study, text)
    if "options = ['a']" in problem:
        assert problems[0].startswith("[levers] unknown lever 'options'")
    else:
        assert len(problems) == 1
        assert problem in problems[0]


def test_a_parameter_that_the_reference_fixes_cannot_vary(tmp_path: Path) -> None:
    world = PIB.with_parameters({"relation_fade": 0.04})
    (tmp_path / "world.toml").write_text(world.to_toml(), encoding="utf-8")
    text = HEAD.replace('"pib"', '"world.toml"') + SOBOL + "[uncertainties]\nrelation_fade = {}\n"
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"relation_fade cannot vary: pib fixes it at 0\.04"):
        read_plan(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    "design",
    [
        'method = "sobol"\npoints = 5_000_001\n',
        'method = "morris"\npoints = 2_500_001\n',
        'method = "saltelli"\npoints = 2_097_152\n',
        'method = "latin-hypercube"\npoints = 1_000_000_000_000_000_000\n',
    ],
)
def test_more_points_than_anyone_runs_are_refused_before_they_are_made(study: Read, design: str) -> None:
    (problem,) = problems_of(study, HEAD + "[design]\n" + design + LEVER)
    assert "points are more than anyone runs; at most 5,000,000 are allowed" in problem


def test_a_factorial_that_explodes_is_refused_before_its_levels_are_made(study: Read) -> None:
    text = (
        HEAD
        + '[design]\nmethod = "factorial"\n[levers]\ncovenant_amount_eur = { steps = 1_000_000_000_000 }\n'
    )
    (problem,) = problems_of(study, text)
    assert problem.startswith(
        "1,000,000,000,000 points are more than anyone runs; at most 5,000,000 are allowed (one run of each"
    )


def test_draws_and_worlds_beyond_reason_are_refused(study: Read) -> None:
    text = HEAD + SOBOL + 'luck = "factor"\nworlds = 1_000_000_000_000\ndraws = 1_000_000_000_000\n' + LEVER
    assert problems_of(study, text) == [
        "[design] worlds = 1000000000000 is not allowed; it must be 1 to 100,000",
        "[design] draws = 1000000000000 is not allowed; it must be 1 to 100,000",
    ]


@pytest.mark.parametrize(
    ("design", "points", "problems"),
    [
        ("", None, ["cannot read"]),
        ("", b"\xff\xfe\x00", ["is not a text file in UTF-8"]),
        ("", 'support_gain\n"0.5', ["is not a CSV file"]),
        ("", "", ["needs a first line"]),
        ("", "support_gain\n", ["needs a first line"]),
        ("", "support_gian\n0.5\n", ["unknown column 'support_gian'; did you mean 'support_gain'"]),
        ("", "support_gain;draw\n0.5;1\n", ["columns are divided by commas"]),
        ("", "support_gain,support_gain\n0.5,0.6\n", ["column 'support_gain' is there 2 times"]),
        ("", "support_gain,\n0.5,0.6\n", ["unknown column ''"]),
        ("", "support_gain\n0.5\n0.5\n", ["nothing varies: the list needs two different points"]),
        (
            "",
            "support_gain,follow_up_years,extension_allowed,route_guidance\n"
            "0.5,1,yes,contacts\n,2,no,contacts\n\n9,2.5,perhaps,nowhere\nnan,1,1,barriers\n0.5,1\n",
            [
                "line 3: support_gain is empty",
                "line 5: support_gain = 9 is not allowed; it must be 0.2 to 1.2 ratio",
                "line 5: follow_up_years = 2.5 is not allowed",
                "line 5: extension_allowed = perhaps is not allowed; it must be true or false",
                "line 5: route_guidance = nowhere is not allowed",
                "line 6: support_gain = nan is not allowed",
                "line 7 has 2 cells, and the first line 4",
            ],
        ),
        ("", "support_gain,draw\n0.5,1\n", ["has a column draw: say under [design] how many draws"]),
        ("", "support_gain,luck\n0.5,1\n", ['has a column luck: say luck = "factor"']),
        (
            "draws = 3\n",
            "support_gain\n0.5\n",
            ["has no column draw, which draws = 3 asks for: one of 0 to 2"],
        ),
        ('luck = "factor"\n', "support_gain\n0.5\n", ['has no column luck, which luck = "factor" asks for']),
        (
            "draws = 3\n",
            "support_gain,draw\n0.5,3\n0.5,-1\n0.5,1.5\n",
            [f"line {2 + row}: draw = {cell} is not allowed" for row, cell in enumerate(("3", "-1", "1.5"))],
        ),
        (
            LEVER,
            "support_gain\n0.5\n0.6\n",
            ["[levers] does not go with method list: the columns of its file say what varies"],
        ),
    ],
)
def test_what_is_wrong_with_a_list_is_said_with_its_line(
    study: Read, design: str, points: str | bytes | None, problems: list[str]
) -> None:
    told = problems_of(study, LIST + design, points)
    assert len(told) == len(problems), told
    for expected, problem in zip(problems, told, strict=True):
        assert expected in problem


def test_of_many_wrong_cells_the_first_are_told_and_the_others_counted(study: Read) -> None:
    told = problems_of(study, LIST, "support_gain\n" + "9\n" * 1000)
    assert len(told) == MOST_TOLD + 1
    assert told[-1] == f"points.csv: and {1000 - MOST_TOLD} more problems like these"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "what-drives-folow-up",
            "unknown plan 'what-drives-folow-up'; did you mean 'what-drives-follow-up'",
        ),
        ("nowhere/mine.toml", "cannot read nowhere/mine.toml"),
    ],
)
def test_a_study_that_does_not_exist(source: str, problem: str) -> None:
    with pytest.raises(StudyError) as caught:
        read_plan(source)
    assert problem in caught.value.problems[0]
    assert "what-drives-follow-up" in str(caught.value)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("name = mine", encoding="utf-8")
    with pytest.raises(StudyError, match="is not valid TOML"):
        read_plan(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StudyError, match="is not a text file in UTF-8"):
        read_plan(path)


# --- a plan made by a program -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"factors": ()}, "nothing varies"),
        ({"size": 0}, "points = 0"),
        ({"size": MOST_POINTS + 1}, "5,000,001 points are more than anyone runs"),
        ({"block": 0}, "block = 0"),
        ({"worlds": 0}, "worlds = 0"),
        ({"seed": 2**63}, "seed = 9223372036854775808"),
        ({"method": "grid"}, "method = 'grid'"),
        ({"rest": "guess"}, "rest = 'guess'"),
        ({"draws": 3}, "need one called draw with 3 values"),
        ({"luck": "factor"}, "need one called luck with 3 values"),
        (
            {"factors": (factor_of("route_guidance"), counted_factor("draw", 4))},
            "draw has nothing to choose from",
        ),
        (
            {"factors": (factor_of("route_guidance"), counted_factor("luck", 4))},
            "luck has nothing to choose from",
        ),
        ({"factors": (factor_of("route_guidance"),) * 2}, "route_guidance is named 2 times"),
        (
            {"factors": (factor_of("support_gain"), factor_of("route_guidance"))},
            "factors come in the order levers, uncertainties",
        ),
        ({"second_order": True}, "second_order belongs to method saltelli"),
        ({"levels": ((1,),)}, "levels belong to method factorial"),
        ({"listed": ({"support_gain": 0.5},)}, "listed points belong to method list"),
        ({"method": "factorial"}, "needs levels of each of its 3 factors"),
        ({"method": "list"}, "size = 6, but 0 points are listed"),
        ({"reference": FOLLOW_UP}, "reference follow-up is an option"),
        ({"options": (PIB,)}, "option pib is a reference"),
        ({"options": (FOLLOW_UP, FOLLOW_UP)}, "option follow-up is named 2 times"),
        ({"reference": PIB.with_parameters({"support_gain": 0.5})}, "support_gain cannot vary: pib fixes it"),
    ],
)
def test_a_plan_that_does_not_hold_together_cannot_be_made(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(StudyError) as caught:
        replace(plan_of(), **changes)
    assert any(problem in told for told in caught.value.problems), caught.value.problems


def test_an_option_cannot_be_called_what_it_is_compared_with() -> None:
    option = Scenario(**{**dict(FOLLOW_UP), "name": "reference"})
    with pytest.raises(StudyError, match="an option cannot be called reference"):
        plan_of(options=(option,))


def test_levels_and_rows_must_fit_the_plan() -> None:
    crossed, listed = plan_of("factorial"), plan_of("list")
    with pytest.raises(StudyError, match="size = 5, but the levels make 16 points"):
        replace(crossed, size=5)
    turned = tuple(dict(reversed(list(row.items()))) for row in listed.listed)
    with pytest.raises(StudyError, match="do not hold the factors"):
        replace(listed, listed=turned)


def test_an_unknown_factor_is_no_factor() -> None:
    with pytest.raises(KeyError):
        plan_of().factor("follow_up_years")


# --- storage ------------------------------------------------------------------------------------------------


METHODS: tuple[Method, ...] = ("latin-hypercube", "factorial", "sobol", "list", "morris", "saltelli")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of every method, with scenarios that were changed, and with or without draw and luck as factors."""
    text = draw(st.text(min_size=1, max_size=20).filter(lambda one: one.strip() == one))
    reference = PIB.with_world({"n_firms": draw(st.integers(10, 3000))}).with_parameters(
        {"relation_fade": draw(st.floats(0.02, 0.08))}
    )
    option = FOLLOW_UP.with_levers({"covenant_amount_eur": draw(st.floats(0.0, 2e6))})
    return plan_of(
        draw(st.sampled_from(METHODS)),
        2 ** draw(st.integers(1, 4)),
        draws=draw(st.integers(1, 3)),
        luck=draw(st.sampled_from(["common", "own", "factor"])),
        worlds=draw(st.integers(2, 4)),
        seed=draw(st.integers(0, 2**63 - 1)),
        question=text,
        reference=reference,
        options=draw(st.sampled_from([(), (option,), (option, GO_NO_GO)])),
        rest=draw(st.sampled_from(["posterior", "prior"])),
    )


@settings(max_examples=60, deadline=None)
@given(plans())
def test_a_plan_survives_the_trip_through_text(plan: Plan) -> None:
    text = plan.to_json()
    read = Plan.from_json(text)
    assert read == plan
    assert read.to_json() == text
    assert read.reference.hash == plan.reference.hash
    if plan.method not in ("morris", "saltelli"):
        assert repr(read.points()) == repr(plan.points())


def test_a_stored_plan_reads_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    text = plan_of(options=(FOLLOW_UP, GO_NO_GO)).to_json()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    assert Plan.from_json(text).option_names == ("follow-up", "go-no-go")


def _stored(**changes: Any) -> str:
    return json.dumps({**json.loads(plan_of().to_json()), **changes})


def _stored_factor(**changes: Any) -> str:
    first, *others = json.loads(plan_of().to_json())["factors"]
    return _stored(factors=[{**first, **changes}, *others])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not of format 1"),
        (_stored(format=2), "it is not of format 1"),
        (_stored(colour="red"), "fields missing or unknown: colour"),
        (_stored(reference="name = "), "the stored reference is not valid TOML"),
        (
            _stored(options=["kind = 'option'"]),
            "a stored plan cannot be read: scenario without a name: name is missing",
        ),
        (_stored(factors=[{"name": "x"}]), "a factor has the fields"),
        (_stored(factors=3), "a stored plan cannot be read"),
        (_stored(listed=[[1]]), "a stored plan cannot be read"),
        (_stored(size=0), "points = 0 is not allowed"),
        (_stored(name=5, second_order=0), "of the wrong type: name = 5, second_order = 0"),
        (_stored(worlds=True), "of the wrong type: worlds = true"),
        (_stored(worlds=2.5), "of the wrong type: worlds = 2.5"),
        (_stored(block=10**9), "block = 1000000000 is not allowed; it must be 1 to 5,000,000"),
        (_stored(method="\x1b[2J"), "method = '\\x1b[2J' is not allowed"),
        (_stored(factors=["x" * 70_000]), "not those of xxxxxxxxxx…xxx (70,000 characters)"),
        (_stored_factor(low=10**400), "cannot have low = 1000000000…000 (401 digits)"),
        (_stored_factor(low=True, label=None), "cannot have label = None, low = true"),
        (_stored_factor(kind="luxury"), "cannot have kind = 'luxury'"),
        (_stored_factor(categories=[[1]]), "cannot have categories = [[1]]"),
        (_stored(levels=[[None]]), "[None] are no values of factors"),
    ],
)
def test_text_that_is_no_stored_plan_is_refused(text: str, problem: str) -> None:
    with pytest.raises(StudyError) as caught:
        Plan.from_json(text)
    assert any(problem in told for told in caught.value.problems), caught.value.problems
    assert max(map(len, caught.value.problems)) < 1_000
    assert caught.value.hint


@pytest.mark.parametrize(("column", "said"), [("draw", "draws = 0"), ("luck", "worlds = 0")])
def test_a_column_of_draws_or_luck_that_there_are_none_of_is_one_problem(
    column: str, said: str, study: Read
) -> None:
    text = LIST + {"draw": "draws = 0\n", "luck": 'worlds = 0\nluck = "factor"\n'}[column]
    problems = problems_of(study, text, f"follow_up_years,{column}\n0,0\n2,1\n")
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize("name", ["x" * 70_000, "\x00\x1b[2J"])
def test_no_name_of_a_file_in_a_message_is_endless_or_acts_on_a_terminal(name: str, study: Read) -> None:
    told = json.dumps(name)
    for text in (
        HEAD.replace('"pib"', told) + SOBOL + LEVER,
        HEAD + f"options = [{told}]\n" + SOBOL + LEVER,
        LIST.replace('"points.csv"', told),
        HEAD + SOBOL + f"file = {told}\n" + LEVER,
    ):
        for problem in problems_of(study, text):
            assert len(problem) < 1_000
            assert problem.isprintable()


# --- plans that are added to --------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["latin-hypercube", "sobol"]), st.integers(1, 20), st.integers(0, 30), st.integers(1, 3)
)
def test_more_points_leave_the_first_ones_as_they_are(
    method: Literal["latin-hypercube", "sobol"], size: int, more: int, draws: int
) -> None:
    plan = plan_of(method, size, draws=draws)
    larger = plan.extended(size=size + more)
    assert larger.points()[: plan.n_points] == plan.points()
    assert larger.n_points == size + more
    again = larger.extended(size=size + more + 5)
    assert again.points()[: larger.n_points] == larger.points()


@pytest.mark.parametrize("method", ["morris", "saltelli"])
@pytest.mark.parametrize("luck", ["common", "factor"])
def test_larger_designs_of_sensitivity_keep_their_first_points(method: Method, luck: Luck) -> None:
    pytest.importorskip("passaat.experiments.stats.sensitivity")
    plan = plan_of(method, 4, luck=luck)
    larger = plan.extended(size=8)
    assert len(plan.points()) == plan.n_points
    assert len(larger.points()) == larger.n_points == 2 * plan.n_points
    assert larger.points()[: plan.n_points] == plan.points()
    if method == "saltelli":
        pairs = replace(plan, second_order=True)
        assert len(pairs.points()) == pairs.n_points > plan.n_points


@given(st.integers(2, 4), st.integers(1, 4))
def test_more_draws_of_a_factorial_leave_the_first_points_as_they_are(draws: int, more: int) -> None:
    plan = plan_of("factorial", draws=draws)
    larger = plan.extended(draws=draws + more)
    assert larger.points()[: plan.n_points] == plan.points()
    assert larger.n_points == plan.n_points // draws * (draws + more)
    assert larger.factor("draw").n_values == draws + more


@pytest.mark.parametrize("method", METHODS)
def test_worlds_and_options_can_be_added_to_any_design(method: Method) -> None:
    plan = plan_of(method, 4)
    larger = plan.extended(worlds=9, options=[GO_NO_GO])
    assert (larger.worlds, larger.option_names) == (9, ("follow-up", "go-no-go"))
    same = ("factors", "size", "block", "listed", "levels", "seed")
    assert [getattr(larger, name) for name in same] == [getattr(plan, name) for name in same]
    assert plan.extended(size=plan.size, worlds=plan.worlds, draws=1) == plan


@pytest.mark.parametrize(
    ("plan", "asked", "problem"),
    [
        (plan_of(), {"size": 5}, "points = 5 is fewer than the 6 there are"),
        (plan_of(), {"worlds": 2}, "worlds = 2 is fewer than the 3 there are"),
        (plan_of(draws=3), {"draws": 2}, "draws = 2 is fewer than the 3 there are"),
        (plan_of("factorial"), {"size": 17}, "follow from the levels of its factors"),
        (plan_of("list"), {"size": 17}, "follow from the rows of its file"),
        (plan_of(luck="factor"), {"worlds": 4}, 'with luck = "factor" more worlds change the points'),
        (plan_of(), {"draws": 2}, "with one draw the draw is no factor"),
        (plan_of("factorial"), {"draws": 2}, "with one draw the draw is no factor"),
        (plan_of("sobol", draws=3), {"draws": 4}, "only a factorial can have more draws added"),
        (plan_of(draws=3), {"draws": 4}, "only a factorial can have more draws added"),
        (plan_of("list", draws=3), {"draws": 4}, "only a factorial can have more draws added"),
        (plan_of(options=()), {"options": [GO_NO_GO]}, "with an option that policy would no longer run"),
        (plan_of(), {"options": [FOLLOW_UP]}, "option follow-up is named 2 times"),
        (plan_of("saltelli", 4), {"size": 6}, "method saltelli needs a power of two"),
    ],
)
def test_what_would_change_the_points_there_are_is_refused(
    plan: Plan, asked: dict[str, Any], problem: str
) -> None:
    with pytest.raises(StudyError) as caught:
        plan.extended(**asked)
    assert any(problem in told for told in caught.value.problems), caught.value.problems


def test_all_that_cannot_be_added_is_said_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        plan_of("list", draws=3, luck="factor").extended(size=9, worlds=9, draws=9)
    assert len(caught.value.problems) == 3


# --- runs ---------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(plans().filter(lambda plan: plan.method not in ("morris", "saltelli")))
def test_runs_are_counted_once_however_many_points_share_them(plan: Plan) -> None:
    """Counted here one by one; levers are set on options only."""
    worlds = range(plan.worlds_per_point)
    parameters = ("support_gain", "draw", "luck")
    made = set()
    for point in plan.points():
        circumstances = tuple(point.get(name) for name in parameters)
        for policy in plan.policies:
            levers = tuple(point.items()) if policy in plan.option_names else ()
            made |= {(policy, circumstances, levers, world) for world in worlds}
    assert n_runs(plan) == len(made) <= plan.n_points * plan.worlds_per_point * len(plan.policies)


def test_the_reference_runs_once_where_only_levers_vary() -> None:
    plan = plan_of("sobol", 8, factors=(factor_of("covenant_amount_eur"),), worlds=3)
    assert n_runs(plan) == 8 * 3 + 3 * 2
    assert describe(plan)[-1] == (
        "Runs: 8 points x 3 worlds x 3 policies (reference, follow-up, no programme) = 72, of which 30 are made,"
        " as points share runs."
    )


@pytest.mark.parametrize("luck", ["common", "own", "factor"])
@pytest.mark.parametrize("method", METHODS)
def test_a_sweep_makes_as_many_runs_as_its_plan_says(
    method: Method, luck: Luck, toy: Simulator, tmp_path: Path
) -> None:
    plan = plan_of(method, 4, luck=luck, draws=2, options=(FOLLOW_UP, GO_NO_GO))
    sweep(plan, study_path=tmp_path / "study.db", simulator=toy, workers=1)
    with closing(sqlite3.connect(tmp_path / "study.db")) as database:
        ((made,),) = database.execute("SELECT count(*) FROM runs WHERE status = 'done'")
    assert made == n_runs(plan)


# --- in words -----------------------------------------------------------------------------------------------


def test_a_plan_is_described_in_plain_words() -> None:
    plan = plan_of("sobol", 100, draws=20)
    assert describe(plan) == [
        "mine: What helps?",
        "World: PIB 2016-2020 (pib).",
        "Option follow-up: follow-up for six years.",
        "4 factors vary:",
        "  lever covenant_amount_eur: 200,000 to 500,000 EUR",
        "  lever route_guidance: by_bottleneck, contacts, awareness, barriers",
        "  uncertainty support_gain: 0.2 to 1.2 ratio",
        "  draw: 20 draws of the parameters that are not varied",
        "Parameters that are not varied come from 20 draws from the calibrated posterior.",
        "Sobol sequence: 100 points, spread evenly over all factors; 128, a power of two, are spread more evenly.",
        "Each point runs in 3 worlds, the same at all points.",
        "Runs: 100 points x 3 worlds x 3 policies (reference, follow-up, no programme) = 900.",
    ]


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (plan_of(options=()), "Option levers: the reference with the levers of the point."),
        (
            plan_of(options=(), factors=(factor_of("support_gain"),)),
            "No option: only the reference runs, beside the world without the programme.",
        ),
        (plan_of(factors=(factor_of("route_guidance"),)), "1 factor varies:"),
        (plan_of(rest="defaults"), "Parameters that are not varied are at their defaults."),
        (
            plan_of(rest="prior"),
            "Parameters that are not varied are the first draw from their prior ranges, the same at all points.",
        ),
        (plan_of(luck="own"), "Each point runs in 3 worlds, others for each set of parameters."),
        (plan_of(luck="factor"), "Each point runs in the one world that its luck says."),
        (plan_of(luck="factor"), "  luck: one of 3 worlds"),
        (plan_of("factorial", draws=2), "Factorial: all 32 points, 2 x 4 x 2 x 2 levels."),
        (plan_of("factorial"), "  lever covenant_amount_eur: 200,000 to 500,000 EUR, at 200,000, 500,000"),
        (plan_of("list"), "List: 6 points."),
        (plan_of(), "Latin hypercube: 6 points, spread evenly over all factors."),
        (plan_of("sobol", 8), "Sobol sequence: 8 points, spread evenly over all factors."),
        (plan_of("morris", 5), "Morris: 20 points in 5 trajectories."),
        (plan_of("saltelli", 8), "Saltelli: 40 points from 8 base points, without pairs of factors."),
        (
            plan_of("saltelli", 8, second_order=True),
            "Saltelli: 64 points from 8 base points, with pairs of factors.",
        ),
    ],
)
def test_every_kind_of_plan_has_its_words(plan: Plan, line: str) -> None:
    assert line in describe(plan)


# --- the studies that ship ----------------------------------------------------------------------------------


RUNS = {
    # Points x worlds of the option; draws x worlds of the reference and of no programme.
    "amount-and-follow-up": 4 * 4 * 20 * 4 + 20 * 4 * 2,
    "levers-together": 256 * 4 + 16 * 4 * 2,
    # Of each base point two points change a lever only, and share parameters and luck with the first. A few more share
    # runs: whole years and worlds sometimes change to what they were.
    "shares-of-variance": 256 * (7 + 2) + 256 * (7 + 2 - 2) * 2,
    "what-drives-follow-up": 250 * 4 * 3,
    "what-matters": 20 * (15 + 1) * 2 * 3,
}
"""Runs of each, by hand. At 30 ms a run on two cores, 8,000 runs take two minutes."""


def test_the_shipped_studies_are_these() -> None:
    assert set(shipped_plans()) == set(RUNS)
    assert {path.stem for path in SHIPPED.iterdir()} == set(RUNS)


@pytest.mark.parametrize("name", sorted(RUNS))
def test_each_shipped_study_reads_and_takes_minutes(name: str) -> None:
    plan = read_plan(name)
    assert plan.name == name
    runs = n_runs(plan)
    if plan.method == "saltelli":
        assert 0.98 * RUNS[name] < runs <= RUNS[name]
    else:
        assert runs == RUNS[name]
    assert runs < 10_000
    assert Plan.from_json(plan.to_json()) == plan
    assert f" {runs:,}" in describe(plan)[-1]


@pytest.mark.parametrize("name", sorted(RUNS))
def test_every_point_of_a_shipped_study_is_a_policy_and_a_draw_that_the_model_takes(name: str) -> None:
    plan = read_plan(name)
    if plan.method in ("morris", "saltelli"):
        pytest.importorskip("passaat.experiments.stats.sensitivity")
    points = plan.points()
    levers = {factor.name for factor in plan.factors if factor.kind == "lever"}
    parameters = {factor.name for factor in plan.factors if factor.kind == "uncertainty"}
    for point in points[:: max(1, len(points) // 20)]:
        moved = plan.reference.with_levers({key: point[key] for key in levers})
        moved.with_parameters({key: float(point[key]) for key in parameters})


def test_the_fewest_points_of_a_plan_are_those_that_sensitivity_asks_for() -> None:
    from passaat.experiments.design import plan_files
    from passaat.experiments.stats import sensitivity

    assert {
        "morris": sensitivity.FEWEST["morris"],
        "saltelli": sensitivity.FEWEST["sobol"],
    } == plan_files.FEWEST
