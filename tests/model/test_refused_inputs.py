"""What one run refuses: every value out of range, of the wrong type, length or name, and the twin of another world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from passaat.errors import ModelError
from passaat.experiments.design.policies import Arm, InputsOf
from passaat.model import input_checks
from passaat.model.engine import build
from passaat.model.engine.compiled import simulate
from passaat.model.engine.judging import require_same_world
from passaat.model.engine.programme import Programme
from passaat.model.inputs import AGENT_KINDS, RunInputs, Setting, Structure, WorldSize
from passaat.model.kernel.columns import declared_columns
from passaat.model.lever_table import LEVER_NAMES, LEVER_RANGES
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import SMALL_WORLD, small_inputs
from passaat.model.shocks import ShockEvent
from passaat.model.world import TABLES, rows_of_tables
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.scenario import Scenario

YEARS = SMALL_WORLD.n_years


def with_lever(name: str, values: Any) -> RunInputs:
    inputs = small_inputs()
    return replace(inputs, levers={**inputs.levers, name: values})


def refused(make: Callable[..., object], *given: Any, **named: Any) -> str:
    """What is said when this call is refused."""
    with pytest.raises(ModelError) as caught:
        make(*given, **named)
    return str(caught.value)


# --- levers -----------------------------------------------------------------------------------------------------------


def test_the_ranges_the_model_checks_are_those_of_the_lever_file() -> None:
    assert tuple(LEVER_RANGES) == LEVER_NAMES == tuple(LEVERS)
    for name, lever in LEVERS.items():
        whole = lever.kind != "number"
        assert LEVER_RANGES[name] == (lever.minimum, lever.maximum, lever.unit, whole), name


@pytest.mark.parametrize("name", LEVERS)
def test_every_lever_takes_its_range_and_nothing_beside_it(name: str) -> None:
    lever = LEVERS[name]
    for good in (lever.minimum, lever.maximum):
        with_lever(name, np.full(YEARS, good))
    bad = [lever.minimum - 1.0, lever.maximum * 1.001 + 0.001, np.nan, np.inf, -np.inf]
    bad += [lever.minimum + 0.5] if lever.kind != "number" else []
    for value in bad:
        said = refused(with_lever, name, np.full(YEARS, value))
        assert f"lever {name} in 2012 and {YEARS - 1} more = {value:.12g} is not allowed" in said
        assert f"{lever.minimum:.12g} to {lever.maximum:.12g} {lever.unit}" in said


def test_the_year_of_a_bad_lever_value_is_named() -> None:
    values = np.zeros(YEARS)
    values[3] = -5.0
    said = refused(lambda: with_lever("follow_up_years", values))
    assert said.startswith(
        "lever follow_up_years in 2015 = -5 is not allowed; it must be a whole number from 0 to 6 years"
    )
    assert said.endswith("Way out: Mend these inputs; nothing was run.")


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.ones(1), "lever follow_up_years has 1 values; it needs 12, one for each year 2012 to 2023"),
        (np.ones((2, 6)), "lever follow_up_years has the shape (2, 6); it needs 12"),
        ([1.0] * 12, "it must be a NumPy array of numbers"),
        (np.array(["1"] * 12), "it must be a NumPy array of numbers"),
        (np.array([True] * 12), "it must be a NumPy array of numbers"),
        (None, "lever follow_up_years = None is not allowed"),
    ],
)
def test_a_lever_of_the_wrong_length_or_type_is_refused(values: Any, what: str) -> None:
    assert what in refused(lambda: with_lever("follow_up_years", values))


def test_an_unknown_lever_is_refused_with_the_one_that_was_meant() -> None:
    said = refused(lambda: with_lever("folow_up_years", np.ones(YEARS)))
    assert "unknown lever 'folow_up_years'; did you mean 'follow_up_years'" in said
    assert "Valid: activity_degression_share" in said


def test_a_lever_left_out_is_refused_by_the_model() -> None:
    inputs = small_inputs()
    short = replace(inputs, levers={n: v for n, v in inputs.levers.items() if n != "assessors"})
    assert "no value for levers assessors" in refused(lambda: simulate(short, 1))


def test_a_lever_that_changed_after_it_was_given_is_refused_by_both_drivers() -> None:
    inputs = small_inputs()
    inputs.levers["assessors"][2] = 99.0
    for run in (simulate, Programme):
        assert "lever assessors in 2014 = 99 is not allowed" in refused(run, inputs, 1)


# --- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_takes_its_range_and_nothing_beside_it(name: str) -> None:
    record = PARAMETERS[name]
    for good in (record.minimum, record.maximum, record.value, np.float64(record.value)):
        small_inputs(parameters={name: good})
    wide = record.maximum - record.minimum
    for bad in (record.minimum - 0.01 * wide, record.maximum + 0.01 * wide):
        said = refused(small_inputs, parameters={name: bad})
        assert f"parameter {name} = {bad:.12g} is not allowed; it must be {record.minimum:.12g} to" in said
        assert record.unit in said
    for nonsense in (float("nan"), float("inf"), -float("inf"), "0.5", None, True, np.ones(1), 10**400, 1j):
        for beyond in ((), (name,)):
            said = refused(small_inputs, parameters={name: nonsense}, beyond_range=beyond)
            assert f"parameter {name} = {nonsense!r} is not allowed" in said


def test_a_trial_that_says_so_goes_beyond_a_range_but_not_into_nonsense() -> None:
    said = refused(lambda: small_inputs(parameters={"own_contact_rate": 0.0}))
    assert "or the trial says beyond_range=('own_contact_rate',)" in said
    small_inputs(parameters={"own_contact_rate": 0.0}, beyond_range=("own_contact_rate",))
    small_inputs({"covenant_amount_eur": 9e6}, beyond_range=("covenant_amount_eur",))
    for name, value, allowed in (
        ("own_contact_rate", -0.1, "it must be 0 to 1 per quarter"),
        ("own_contact_rate", 1.1, "it must be 0 to 1 per quarter"),
        ("repeat_share", 1.01, "it must be 0 to 1 share"),
        ("step_success", -1.0, "it must be 0 or more ratio"),
    ):
        said = refused(small_inputs, parameters={name: value}, beyond_range=(name,))
        assert f"parameter {name} = {value:g} is not allowed, also beyond the range" in said
        assert allowed in said
        assert "or the trial says" not in said
    for name, value in (
        ("programme_on", 2.0),
        ("large_firms_role", 3.0),
        ("assessors", 7.5),
        ("sme_score_weight", 1.1),
    ):
        assert f"lever {name} in 2012" in refused(small_inputs, {name: value}, beyond_range=(name,))


def test_the_way_out_of_an_out_of_range_parameter_works_as_it_stands() -> None:
    """The words after "the trial says" are Python that lets the same value pass."""
    said = refused(lambda: small_inputs(parameters={"step_success": 50.0}))
    words = said.split("or the trial says ")[1].splitlines()[0]
    assert words == "beyond_range=('step_success',)"
    run = simulate(small_inputs(parameters={"step_success": 50.0}, beyond_range=("step_success",)), 1)
    assert run.world.parameters.step_success == 50.0


def test_names_beyond_range_must_exist_and_come_in_a_tuple() -> None:
    assert "did you mean 'step_success'" in refused(lambda: small_inputs(beyond_range=("step_sucess",)))
    assert "must be a tuple of names" in refused(lambda: small_inputs(beyond_range="step_success"))


def test_going_beyond_a_range_is_a_permission_and_no_input_of_a_run(pib: Scenario) -> None:
    """The same values are the same run in a study, whether or not they needed the permission."""

    class Policy:
        name, title, hash = "one", "One", "h"

        def __init__(self, beyond: tuple[str, ...]) -> None:
            self.beyond = beyond

        def to_toml(self) -> str:
            return ""

        def inputs(self, parameters: Mapping[str, float] | None = None) -> RunInputs:
            return replace(pib.inputs(parameters), beyond_range=self.beyond)

    contents = {
        InputsOf().content(Arm.of(Policy(beyond), "option", "one")) for beyond in ((), ("step_success",))
    }
    assert len(contents) == 1


def test_an_unknown_parameter_is_refused_by_the_model_that_does_not_know_it() -> None:
    inputs = small_inputs(parameters={"gain": 0.5})
    for run in (simulate, Programme):
        said = refused(run, inputs, 1)
        assert "unknown parameter 'gain'" in said
        assert "did you mean 'step_success'" in refused(run, small_inputs(parameters={"step_sucess": 1.0}), 1)


def test_draws_from_the_ranges_pass_at_both_ends() -> None:
    for share in (0.0, 1.0):
        small_inputs(parameters={name: record.at(share) for name, record in PARAMETERS.items()})


@pytest.mark.parametrize("field", ["levers", "parameters"])
def test_levers_and_parameters_must_be_mappings(field: str) -> None:
    assert f"{field} = 3 is not allowed" in refused(replace, small_inputs(), **{field: 3})


# --- seeds, sizes, events, agents -------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [simulate, Programme])
@pytest.mark.parametrize("seed", [1.5, 1.0, "1", None, True, np.float64(2.0)])
def test_a_seed_that_is_no_whole_number_is_refused(run: Callable[..., Any], seed: Any) -> None:
    said = refused(lambda: run(small_inputs(), seed))
    assert f"world seed {seed!r} is no whole number; it must be one from 0 to 2^63 - 1" in said


@pytest.mark.parametrize("run", [simulate, Programme])
@pytest.mark.parametrize("seed", [-1, 2**63, 10**400])
def test_a_seed_outside_its_range_is_refused(run: Callable[..., Any], seed: int) -> None:
    assert "is outside 0 to 2^63 - 1" in refused(lambda: run(small_inputs(), seed))


def test_the_ends_of_the_seeds_and_whole_numbers_of_numpy_are_taken(tiny: WorldSize) -> None:
    inputs = small_inputs(size=tiny)
    for seed in (0, 2**63 - 1, np.int64(7)):
        simulate(inputs, seed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"n_firms": 0}, "n_firms = 0 is not allowed; it must be a whole number, 1 or more"),
        ({"n_firms": 10.0}, "n_firms = 10.0 is not allowed"),
        ({"n_firms": True}, "n_firms = True is not allowed"),
        (
            {"liaisons_per_market": -1},
            "liaisons_per_market = -1 is not allowed; it must be a whole number, 0 or",
        ),
        ({"last_year": 2013}, "the years must be in order: first_year 2012, window_first_year 2014"),
        ({"first_year": 2012.5}, "first_year = 2012.5 is not allowed; it must be a calendar year"),
        ({"sector_weights": (1.0,)}, "sector_weights has 1 numbers; with n_sectors = 4 it needs as many"),
        ({"sector_weights": (1.0, 1.0, 0.0, 1.0)}, "it must be a tuple of numbers above 0"),
        ({"sector_weights": (1.0, 1.0, float("nan"), 1.0)}, "it must be a tuple of numbers above 0"),
        ({"random_shocks": 1}, "random_shocks = 1 is not allowed; it must be True or False"),
        ({"isolated_firms": 201}, "isolated_firms = 201 is more than n_firms = 200"),
    ],
)
def test_sizes_that_cannot_be_are_refused(change: dict[str, Any], what: str) -> None:
    assert what in refused(lambda: replace(SMALL_WORLD, **change))


@pytest.mark.parametrize(
    ("event", "what"),
    [
        (ShockEvent("plague", -1, 1, 2, 0.5), "no shock of kind 'plague'; known are travel_stop, war"),
        (ShockEvent("war", 6, 1, 2, 0.5), "shock war hits country 6; there are 0 to 5, and -1 for all"),
        (ShockEvent("war", 1, 3, 2, 0.5), "shock war lasts from quarter 3 to 2; both must be whole numbers"),
        (ShockEvent("war", 1, 1, 2, 1.5), "shock war has strength 1.5; it must be a share, 0 to 1"),
        (ShockEvent("war", 1, 1, 2, float("nan")), "shock war has strength nan"),
        ("war", "'war' is no ShockEvent"),
    ],
)
def test_events_that_cannot_be_are_refused(event: Any, what: str) -> None:
    assert what in refused(lambda: small_inputs(shocks=(event,)))


@pytest.mark.parametrize("field", ["absent", "random_agents"])
def test_agents_that_do_not_exist_are_refused(field: str) -> None:
    for kind in AGENT_KINDS:
        assert f"{kind} 999 does not exist; there are {kind} 0 to" in refused(
            small_inputs, **{field: ((kind, 999),)}
        )
    assert "no agents of kind 'bank'; known are embassy" in refused(small_inputs, **{field: (("bank", 1),)})
    assert "it must read like" in refused(small_inputs, **{field: ("embassy",)})


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        (
            Setting("firms", "capacity", float("nan")),
            "setting firms.capacity = nan is not allowed; it must be a number",
        ),
        (
            Setting("firms", "capacity", 1.5),
            "setting firms.capacity = 1.5 is not allowed; it must be 0 to 1 (share)",
        ),
        (Setting("liaisons", "tied", 2), "it must be 0 to 1 (yes/no)"),
        (Setting("engagements", "stage", 6), "it must be 0 to 5 (stage)"),
        (Setting("clusters", "n_partners", 2.5), "it must be a whole number (count)"),
        (Setting("engagements", "cluster", 200), "clusters has rows 0 to 199, and -1 is none"),
        (Setting("engagements", "cluster", -2), "clusters has rows 0 to 199, and -1 is none"),
    ],
)
def test_dated_edits_that_cannot_be_are_refused(setting: Setting, what: str) -> None:
    assert what in refused(lambda: small_inputs(settings=(setting,)))


@pytest.mark.parametrize("table", TABLES)
def test_every_column_that_points_to_rows_may_point_to_the_last_and_to_none(table: str) -> None:
    sizes = rows_of_tables(small_inputs())
    for column in declared_columns(TABLES[table]):
        if column.unit == "index":
            last = sizes[input_checks.points_to(column.name)] - 1
            small_inputs(settings=tuple(Setting(table, column.name, row) for row in (-1, last)))
            assert "is not allowed" in refused(
                small_inputs, settings=(Setting(table, column.name, last + 1),)
            )


@pytest.mark.parametrize("value", [None, -5, "x", float("nan")])
@pytest.mark.parametrize(
    "name", ["size", "shocks", "absent", "random_agents", "settings", "groups", "beyond_range"]
)
def test_a_part_of_another_kind_is_refused_by_its_name(name: str, value: Any) -> None:
    changes: dict[str, Any] = {name: value}
    assert f"{name} = {value!r} is not allowed; it must be a " in refused(
        lambda: replace(small_inputs(), **changes)
    )


def test_a_setting_that_is_none_is_refused() -> None:
    wrong: Any = ("firms",)
    assert "setting 'firms' is not allowed; it must be a Setting" in refused(
        lambda: replace(small_inputs(), settings=wrong)
    )


def test_all_problems_are_told_at_once() -> None:
    said = refused(lambda: small_inputs({"assessors": 9.0}, {"step_success": 50.0}, absent=(("embassy", 9),)))
    assert said.startswith("3 problems:")


# --- twins ------------------------------------------------------------------------------------------------------------


def test_a_twin_is_the_same_world_under_another_policy(tiny: WorldSize) -> None:
    inputs = small_inputs(size=tiny)
    run = simulate(inputs, 1)
    require_same_world(run, run)
    require_same_world(run, simulate(small_inputs({"programme_on": 0.0}, size=tiny), 1))
    spelled_out = {"step_success": PARAMETERS["step_success"].value}
    require_same_world(run, simulate(replace(inputs, parameters=MappingProxyType(spelled_out)), 1))


@pytest.mark.parametrize(
    ("change", "seed", "what"),
    [
        ({}, 2, "seed (1 and 2)"),
        (
            {"parameters": {"step_success": 1.0, "repeat_share": 0.5}},
            1,
            "parameter repeat_share, parameter step_success",
        ),
        ({"size": replace(SMALL_WORLD, n_firms=150)}, 1, "size"),
        ({"shocks": (ShockEvent("war", 1, 1, 2, 0.5),)}, 1, "shocks"),
        ({"absent": (("embassy", 0),)}, 1, "absent"),
        ({"random_agents": (("embassy", 0),)}, 1, "random_agents"),
        ({"structure": Structure(network="none")}, 1, "structure"),
    ],
)
def test_a_twin_of_another_world_is_refused(change: dict[str, Any], seed: int, what: str) -> None:
    run, twin = simulate(small_inputs(), 1), simulate(small_inputs(**change), seed)
    said = refused(lambda: require_same_world(run, twin))
    assert "the twin is another world; it differs in " in said
    for part in what.split(", "):
        assert part in said
    assert "Run the twin with the same seed" in said


def test_the_checks_are_those_of_both_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either driver asks ``build.check_inputs`` before anything else."""

    class AskedError(Exception):
        pass

    def ask(inputs: RunInputs, seed: int) -> None:
        raise AskedError

    inputs = small_inputs()
    monkeypatch.setattr(build, "check_inputs", ask)
    for run in (simulate, Programme):
        with pytest.raises(AskedError):
            run(inputs, 1)
