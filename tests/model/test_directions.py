"""The model moves the way the claims say: stored verdicts of all directions are fresh, and some are judged anew."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from passaat.model.engine.compiled import simulate
from passaat.model.provenance.claims import read_ledger as ledger_of_claims
from passaat.model.provenance.golden import behaviour, columns_of


def _make_importable() -> None:
    """Let the package beside this file be imported by its name, from whatever folder pytest was started."""
    folder = Path(__file__).parents[1] / "directions"
    spec = importlib.util.spec_from_file_location(
        "tests.directions", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    if spec.name not in sys.modules:
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[spec.name])


_make_importable()

from tests.directions import judge  # noqa: E402  (after its folder is known)
from tests.directions.lab import FOCAL, OUTCOMES, STRATA, Lab, live  # noqa: E402
from tests.directions.registry import Direction, directions  # noqa: E402
from tests.directions.results import COMMAND, findings, stored  # noqa: E402

BY_NAME = {direction.name: direction for direction in directions()}

QUICK = (
    "Members whose offers complement each other exchange more knowledge than members who are alike",
    "Rivals who made agreements beforehand exchange more knowledge",
    "The plan of members who cover the whole chain is rated better",
    "Three fillers on top leave the other members as strong as they were",
    "With the programme more firms come together in groups",
)
"""Directions that the first batch of worlds decides: judged anew in every test run."""


# --- the stored results -----------------------------------------------------------------------------------------------


def test_results_are_of_this_model() -> None:
    assert stored()["model"] == behaviour(), (
        f"the model behaves otherwise now; run `{COMMAND}` and read what it found"
    )


def test_results_are_of_these_directions() -> None:
    known = {result["name"]: result["definition"] for result in stored()["results"]}
    now = {direction.name: direction.definition() for direction in directions()}
    changed = sorted(name for name in known.keys() | now.keys() if known.get(name) != now.get(name))
    assert changed == [], f"these directions are not as they were judged; run `{COMMAND}`"


def test_the_rules_that_directions_name_exist() -> None:
    named = {(d.name, rule) for d in directions() for rule in (d.carried_by, d.read_at)}
    known = ledger_of_claims().functions
    assert sorted((name, rule) for name, rule in named if rule not in known) == []


def test_every_direction_holds_unless_a_finding_says_why_not() -> None:
    known = findings()
    surprising = [
        judge.line_of(result)
        for result in stored()["results"]
        if result["verdict"] != known.get(result["name"], {"verdict": judge.HOLDS})["verdict"]
    ]
    assert surprising == [], "mend the model, or say in tests/directions/findings.toml why it is so"


def test_every_finding_is_of_a_direction_and_has_a_reason() -> None:
    assert sorted(findings().keys() - BY_NAME.keys()) == [], "no such directions"
    for finding in findings().values():
        assert finding["verdict"] in (judge.CONTRADICTED, judge.UNDECIDED)
        assert len(finding["reason"]) > 20


# --- judged anew ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_it_holds_in_the_first_worlds(name: str) -> None:
    found = judge.judge_stratum(Lab(), BY_NAME[name], "ranges")
    assert found.verdict == judge.HOLDS, found
    assert found.worlds == judge.BATCHES[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(BY_NAME))
def test_it_is_as_stored(name: str) -> None:
    kept = {result["name"]: result for result in stored()["results"]}
    assert judge.judge(Lab(), BY_NAME[name]) == kept[name]


# --- the laboratory and the judge themselves --------------------------------------------------------------------------


def test_a_filmed_life_is_the_run_itself() -> None:
    situation = FOCAL.with_edit("firms", "experience", 0.9).with_shock("war", 0.5, 6, 12)
    life, run = live(situation, "ranges", 3), simulate(situation.inputs("ranges", 3), 3)
    mine = dict(columns_of(run))
    for name, column in mine.items():
        table, _, field = name.partition(".")
        filmed = getattr(life.world, table) if not field else getattr(getattr(life.world, table), field)
        assert np.array_equal(filmed, column, equal_nan=True), name


def test_the_lab_reads_the_same_with_fewer_quarters_filmed() -> None:
    lab, names = Lab(), ("contacts gained per member", "relation of members at the end of the covenant")
    for name in (*names, "exports of members by quarter"):
        for world in range(3):
            read = lab.read(FOCAL, "ranges", world, name)
            assert np.array_equal(read, OUTCOMES[name].read(live(FOCAL, "ranges", world))), name


def test_an_edit_reaches_the_members_it_names_and_nobody_else() -> None:
    plain = live(FOCAL, "defaults", 1)
    edited = live(FOCAL.with_edit("firms", "experience", 0.91, 0.12), "defaults", 1)
    assert list(edited.members) == list(plain.members)
    assert list(edited.world.firms.experience[edited.firms]) == [0.91, 0.12] * 4
    others = np.setdiff1d(np.arange(len(plain.world.firms.key)), plain.firms)
    assert np.array_equal(edited.world.firms.experience[others], plain.world.firms.experience[others])


def test_the_focal_covenant_is_row_zero_and_alone() -> None:
    for stratum in STRATA:
        world = live(FOCAL, stratum, 2).world
        assert int(world.calendar.n_clusters[0]) == 1
        assert int(world.clusters.n_joined[0]) == 8


def _readings(kind: str, shift: float, n: int = 160) -> str:
    base = np.random.default_rng(1).normal(size=n)
    changed = base + shift + 0.5 * np.random.default_rng(2).normal(size=n)
    return judge.judge_values(_direction(kind), base, changed, 0.0003).verdict


def _direction(kind: str, after: int = 0) -> Direction:
    per_quarter = kind == "later"
    name = next(o.name for o in OUTCOMES.values() if o.per_quarter == per_quarter)
    changed = FOCAL.with_levers(minimum_members=1.0)
    return Direction("It moves", ("CF01",), kind, FOCAL, changed, name, "a", "b", after=after)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "shift", "verdict"),
    [
        ("raises", 0.5, "holds"),
        ("raises", -0.5, "contradicted"),
        ("raises", 0.0, "undecided"),
        ("lowers", -0.5, "holds"),
        ("lowers", 0.5, "contradicted"),
        ("no effect", 0.0, "holds"),
        ("no effect", 0.5, "contradicted"),
        ("no effect", 0.2, "undecided"),
    ],
)
def test_the_judge_knows_up_from_down_and_from_nothing(kind: str, shift: float, verdict: str) -> None:
    assert _readings(kind, shift) == verdict


def test_the_judge_is_wrong_as_rarely_as_it_says() -> None:
    """Without any effect, 3 in a hundred tests at that level hold, and as many are contradicted: 60 +- 8 of 2000."""
    rng, level, said = np.random.default_rng(3), 0.03, []
    for _ in range(2_000):
        base, noise = rng.normal(size=(2, judge.BATCHES[0]))
        said.append(judge.judge_values(_direction("raises"), base, base + noise, level).verdict)
    assert abs(said.count(judge.HOLDS) - 60) < 32
    assert abs(said.count(judge.CONTRADICTED) - 60) < 32
    assert sum(judge.SPENT) == pytest.approx(judge.ALPHA)


def test_the_judge_knows_late_from_early() -> None:
    noise = np.random.default_rng(4).normal(size=(160, 2, 10))
    early, late = np.zeros(10), np.zeros(10)
    early[2:4] = late[6:8] = 3.0
    for effect, verdict in ((late, "holds"), (early, "contradicted"), (-late, "contradicted")):
        found = judge.judge_values(
            _direction("later", after=5), noise[:, 0], noise[:, 0] + effect + noise[:, 1], 0.0003
        )
        assert found.verdict == verdict


def test_few_worlds_that_move_decide_nothing() -> None:
    base = np.random.default_rng(5).normal(size=640)
    changed = base.copy()
    changed[:11] += 100.0
    assert judge.judge_values(_direction("raises"), base, changed, 0.5).verdict == judge.UNDECIDED


def test_a_reading_that_is_no_number_stops_the_judge() -> None:
    with pytest.raises(ValueError, match="is not a number in some worlds"):
        judge.judge_values(_direction("raises"), np.array([1.0, np.nan]), np.array([1.0, 2.0]), 0.5)


def test_an_impossible_direction_is_refused_with_every_reason() -> None:
    with pytest.raises(
        ValueError, match=r"no outcome 'luck'; nothing is changed; b carries the claim itself"
    ):
        Direction("It moves", ("CF01",), "raises", FOCAL, FOCAL, "luck", "b", "b")
