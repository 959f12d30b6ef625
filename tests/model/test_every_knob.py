"""Nothing is on display that does nothing: every parameter and lever changes a result, every column is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import passaat.model
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.kernel.columns import declared_columns
from passaat.model.lever_table import LEVER_NAMES
from passaat.model.outcomes import OUTCOMES
from passaat.model.parameter_table import Parameters
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import run_hash
from passaat.model.shocks import ShockEvent
from passaat.model.world import TABLES
from passaat.scenarios.levers import LEVERS, LeverSetting
from passaat.scenarios.loading import load_scenario, shipped_names
from passaat.scenarios.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
MODEL = Path(str(passaat.model.__file__)).parent
SEEDS = (1, 2, 3)
RARE = {"travel_stop_rate", "war_rate"}
"""Rates of events that few runs see: looked for in many worlds of few firms."""
GUARDS: dict[str, tuple[dict[str, float], dict[str, LeverSetting]]] = {
    "market_demand_highest": (
        {"market_demand_sigma": 0.9, "market_growth_mean": 0.05, "market_growth_sd": 0.04},
        {},
    ),
    "demand_loss_highest": ({}, {}),
    "distraction_highest_share": ({"distraction_share": 0.3}, {"priority_bonus_points": 30}),
    "progress_elapsed_lowest": ({}, {"covenant_quarters": 32, "checkpoint_quarter": 1}),
    "lesson_of_refusal": ({"reapplication_share": 1.0}, {"selection_threshold_points": 60}),
    "waiting_discount": ({"support_elasticity": 1.0}, {"selection_calls_per_year": 1}),
    "repeat_age_for_half_years": ({"repeat_by_age": 0.8}, {}),
    "repeat_value_for_half_eur": ({"repeat_by_value": 0.8}, {}),
    "repeat_highest": ({"repeat_share": 0.85, "local_presence_share": 0.15}, {}),
}
"""Bounds that nothing shipped comes near, and halves of what is at no effect: what else has to be far out to bind."""
ACT_IN_OUTCOMES_ONLY = {"displacement_share", "discount_rate"}
"""Parameters that no rule reads: they say how the difference between two runs is valued."""


UNUSUAL: dict[str, LeverSetting] = {
    "assessors": 4,
    "activity_public_share_sme": 0.75,
    "selection_stages": 2,
    "sme_travel_support_eur_year": 2000,
    "liaison_fit_screened": True,
    "covenants_per_manager": 20,
    "knowledge_handover_share": 0.8,
    "route_guidance": "awareness",
    "priority_budget_share": 0.5,
    "priority_bonus_points": 10,
    "checkpoint_quarter": 4,
    "embassy_time_factor": 1.5,
    "follow_up_years": 2,
    "follow_up_eur_per_firm_year": 3000,
    "follow_up_plan_required": True,
    "freed_money_use": "follow_up",
    "progress_information_share": 0.8,
}
"""Levers without which some parameters have nothing to act on; some of them no shipped option moves."""


@cache
def shipped(kind: str) -> tuple[Scenario, ...]:
    """Shipped scenarios of a kind."""
    loaded = [load_scenario(name) for name in shipped_names()]
    return tuple(scenario for scenario in loaded if scenario.kind == kind)


@cache
def policies() -> tuple[Scenario, ...]:
    """`pib` as nobody ships it, where most parameters act; then every shipped reference as it is, without programme and
    under every option.
    """
    references, options = shipped("reference"), shipped("option")
    plain = sorted(references, key=lambda reference: reference.name)
    twins = (reference.without_programme() for reference in plain)
    under_options = (reference.with_option(option) for reference in plain for option in options)
    pib = next(reference for reference in plain if reference.name == "pib")
    rival = pib.with_structure(bottlenecks="sum", network="none", selection="random", support="none")
    return (pib.with_levers(UNUSUAL), rival, *plain, *twins, *under_options)


@cache
def usual(policy: int, seed: int) -> str:
    """Hash of the run of a policy as it ships."""
    return run_hash(simulate(policies()[policy].inputs(), seed))


def changes_something(name: str, value: float) -> bool:
    """Whether any column of any shipped policy's run differs with the parameter at another value."""
    return any(
        run_hash(simulate(scenario.inputs({name: value}), seed)) != usual(place, seed)
        for place, scenario in enumerate(policies())
        for seed in SEEDS
    )


def other_values(name: str) -> Iterator[float]:
    """Both ends of a parameter's range, as far as they differ from the default; something else if neither does."""
    record = PARAMETERS[name]
    ends = [end for end in (record.minimum, record.maximum) if end != record.value]
    yield from ends or [1.5 * record.value + 0.1]


def test_parameters_are_those_that_rules_can_read() -> None:
    assert set(PARAMETERS) == set(Parameters._fields)
    assert set(PARAMETERS) >= ACT_IN_OUTCOMES_ONLY


@pytest.mark.parametrize("name", sorted(set(PARAMETERS) - ACT_IN_OUTCOMES_ONLY - RARE - set(GUARDS)))
def test_every_parameter_matters_at_both_ends_of_its_range(name: str) -> None:
    for value in other_values(name):
        assert changes_something(name, value), f"{name} = {value} gives the same as {PARAMETERS[name].value}"


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_every_guard_binds_at_both_ends_of_its_range_when_all_else_is_far_out(name: str) -> None:
    parameters, levers = GUARDS[name]
    far_out = next(scenario for scenario in shipped("reference") if scenario.name == "pib").with_levers(
        levers
    )

    def hashes(value: float) -> list[str]:
        inputs = far_out.inputs({**parameters, name: value})
        if name == "demand_loss_highest":
            last = inputs.size.n_quarters - 1
            inputs = replace(inputs, shocks=(ShockEvent("demand_slump", -1, 0, last, 1.0),))
        return [run_hash(simulate(inputs, seed)) for seed in SEEDS]

    usual_hashes = hashes(PARAMETERS[name].value)
    for value in other_values(name):
        assert hashes(value) != usual_hashes, f"{name} = {value} gives the same as {PARAMETERS[name].value}"


@pytest.mark.parametrize("name", sorted(RARE))
def test_every_rate_of_random_shocks_matters_at_both_ends_of_its_range(name: str) -> None:
    next_years = next(scenario for scenario in shipped("reference") if scenario.the_world.random_shocks)
    small = next_years.with_world({"n_firms": 60})
    for value in other_values(name):
        assert any(
            run_hash(simulate(small.inputs({name: value}), seed)) != run_hash(simulate(small.inputs(), seed))
            for seed in range(1, 60)
        )


@pytest.mark.parametrize("name", sorted(ACT_IN_OUTCOMES_ONLY))
def test_parameters_of_valuation_change_an_outcome_and_no_run(name: str) -> None:
    reference = shipped("reference")[0]

    def valued(value: float) -> tuple[Run, bytes]:
        run = simulate(reference.inputs({name: value}), 1)
        twin = simulate(reference.without_programme().inputs({name: value}), 1)
        return run, outcomes_of(run, twin).tobytes()

    usual_run, usual_outcomes = valued(PARAMETERS[name].value)
    for value in other_values(name):
        run, outcomes = valued(value)
        assert run_hash(run) == run_hash(usual_run)
        assert outcomes != usual_outcomes


@pytest.mark.parametrize("name", LEVERS)
def test_every_lever_matters_in_some_shipped_policy(name: str) -> None:
    lever = LEVERS[name]
    for place, scenario in enumerate(policies()):
        year = scenario.the_world.window_first_year
        for code in {lever.minimum, lever.maximum} - {lever.code(scenario.lever(name, year))}:
            moved = scenario.with_levers({name: lever.normalise(code)})
            for seed in SEEDS:
                run = simulate(moved.inputs(), seed)
                if run_hash(run) != usual(place, seed):
                    return
    pytest.fail(f"lever {name} changes nothing in any of {len(policies())} policies")


def test_every_outcome_moves_with_some_option_or_world() -> None:
    """No outcome is a constant: over two worlds and all options each takes more than one value."""
    reference = next(scenario for scenario in shipped("reference") if scenario.name == "pib")
    found = []
    for seed in SEEDS:
        twin = simulate(reference.without_programme().inputs(), seed)
        found += [
            outcomes_of(simulate(reference.with_option(option).inputs(), seed), twin)
            for option in shipped("option")
        ]
    constant = [o.name for n, o in enumerate(OUTCOMES) if len({float(values[n]) for values in found}) == 1]
    assert constant == []


# --- columns, by reading the source -----------------------------------------------------------------------------------


def used_in(paths: list[Path]) -> tuple[set[str], set[str]]:
    """Names written and names read as columns in these files."""
    written: set[str] = set()
    read: set[str] = set()
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        stored = {
            id(n.value)
            for n in ast.walk(tree)
            if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("found", "work"):
                pass  # an outcome, not a column, though some bear the same name
            elif isinstance(node, ast.Attribute):
                (written if id(node) in stored else read).add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                read.add(node.value)  # tables["clusters"]["status"] and getattr
    return written, read


DECLARATIONS = {"world.py", "lever_table.py", "parameter_table.py"}


FOR_INSPECTION = {
    "firms.burdens",
    "desks.managers_left",
    "firms.strategy_changes",
    "coordinators.clusters_led",
    "coordinators.resignations",
    "agency.paid_cents",
    "clusters.liaisons_tried",
    "clusters.feedback_given",
    "accounts.unpaid_cents",
    "memberships.funded",
    "history.covenants_running",
    "history.groups_forming",
    "calendar.founded",  # read by the generated driver
}
"""Counters that no rule or outcome reads: what an agent did, for whoever looks at it or collects it with Mesa."""


def columns() -> list[str]:
    return [f"{name}.{column.name}" for name, table in TABLES.items() for column in declared_columns(table)]


def test_every_column_is_written_by_the_model() -> None:
    files = [path for path in MODEL.rglob("*.py") if path.name not in DECLARATIONS]
    written, named = used_in(files)
    set_by_name = named & {"sector", "country", "share_up_to", "present", "at_random"} | named & set(
        [name for table in ("shocks", "calendar", "structure") for name in TABLES[table].__annotations__]
    )
    never = [name for name in columns() if name.partition(".")[2] not in written | set_by_name]
    assert never == []


def test_every_column_is_read_somewhere() -> None:
    """A column that is only written is a number on display: some rule, outcome or view reads it, or it is listed."""
    files = [path for path in MODEL.rglob("*.py") if path.name not in DECLARATIONS]
    files += [*(ROOT / "calibration").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")]
    files += [*(ROOT / "src" / "passaat").rglob("*.py")]
    _, read = used_in(files)
    purposes = {f"{name}_cents" for name in read}
    never = [name for name in columns() if name.partition(".")[2] not in read | purposes]
    assert set(never) <= FOR_INSPECTION


@pytest.mark.parametrize(("names", "what"), [(LEVER_NAMES, "lever"), (Parameters._fields, "parameter")])
def test_every_lever_and_parameter_is_read_by_the_model(names: tuple[str, ...], what: str) -> None:
    files = [path for path in MODEL.rglob("*.py") if path.name not in DECLARATIONS]
    _, read = used_in(files)
    assert [name for name in names if name not in read] == [], f"no rule reads this {what}"
