"""The Mesa driver says no to slips of the pen, ends where the run ends, and can be copied and sent on."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import mesa
import numpy as np
import pytest

import passaat
from passaat.errors import ModelError
from passaat.model import firm
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.programme import EQUAL_WORLDS, Agency, Firm, Programme, TableAgent
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.kernel.rules import rule
from passaat.model.provenance.golden import run_hash, small_inputs
from passaat.model.schedule import QUARTER, STEP_KINDS, Step, with_step
from passaat.scenarios.scenario import Scenario

Differing = Callable[[Run, Run], list[str]]
HORIZON = 40
"""Quarters of the tiny world."""


@rule
def rest(world: Any, row: int) -> None:
    """Do nothing."""


@pytest.fixture(scope="module")
def inputs() -> RunInputs:
    size = WorldSize(2012, 2012, 2012, 2012, 12, 1, 1, 1, 1, 2, 1, 10, (1.0,))
    return small_inputs(size=size)


# --- slips of the pen -------------------------------------------------------------------------------------------------


def test_a_step_of_an_unknown_kind_is_refused_when_it_is_made() -> None:
    with pytest.raises(
        ModelError, match="unknown kind of rows in a step 'engagment'; did you mean 'engagement'"
    ):
        Step("engagment", rest)
    for kind in STEP_KINDS:
        Step(kind, rest)


@pytest.mark.parametrize("wrong", [None, "fade", 3, print])
def test_a_rule_that_is_no_function_is_refused(wrong: Any) -> None:
    with pytest.raises(ModelError, match=r"the rule of a step must be a function of \(world, row\), not"):
        Step("firm", wrong)


def own_firm(**methods: Any) -> type[Firm]:
    return type("OwnFirm", (Firm,), methods)


def method(self: Firm) -> None:
    """A method of an agent."""


@pytest.mark.parametrize("name", ["folow_up", "share_time", "found_firm", "step", "advance", "wealth"])
def test_an_override_that_no_rule_of_the_agent_bears_is_refused(inputs: RunInputs, name: str) -> None:
    """Misspelt, of another kind of agent, of the founding, of Mesa and unknown to the schedule."""
    with pytest.raises(ModelError) as caught:
        Programme(inputs, 1, agent_classes={"firm": own_firm(**{name: method})})
    said = str(caught.value)
    assert f"unknown rule of agents of kind firm in OwnFirm {name!r}" in said
    assert "follow_up" in said
    assert "a method for your own use begins with _" in said


def test_an_override_in_a_mixin_is_looked_at_too(inputs: RunInputs) -> None:
    mixin = type("Mixin", (), {"folow_up": method})
    with pytest.raises(ModelError, match="did you mean 'follow_up'"):
        Programme(inputs, 1, agent_classes={"firm": type("Mixed", (mixin, Firm), {})})


def test_overrides_helpers_and_properties_that_are_meant_are_taken(inputs: RunInputs) -> None:
    methods = {
        "follow_up": method,
        "_wealth": method,
        "wealth": property(method),
        "limit": 3,
        "state": method,
    }
    Programme(inputs, 1, agent_classes={"firm": own_firm(**methods)})
    own_step = with_step(Step("firm", rest), after=firm.fade)
    Programme(inputs, 1, agent_classes={"firm": own_firm(rest=method)}, schedule=own_step)


def test_a_rule_overridden_by_something_else_than_a_method_is_refused(inputs: RunInputs) -> None:
    with pytest.raises(
        ModelError, match=r"OwnFirm\.follow_up stands for the rule follow_up, but is no method"
    ):
        Programme(inputs, 1, agent_classes={"firm": own_firm(follow_up=3)})


@pytest.mark.parametrize("wrong", [Agency, mesa.Agent, Firm.apply, None])
def test_a_class_of_another_kind_is_refused(inputs: RunInputs, wrong: Any) -> None:
    with pytest.raises(ModelError, match=r"the class for agents of kind firm, .* is no subclass of Firm"):
        Programme(inputs, 1, agent_classes={"firm": wrong})


def test_a_misspelt_attribute_of_an_agent_is_refused_with_the_one_that_was_meant(tiny: WorldSize) -> None:
    programme = Programme(small_inputs(size=tiny), 5)
    while not programme.clusters:
        programme.step()
    agents: list[TableAgent] = [programme.firms[3], programme.agency, programme.clusters[0]]
    for agent, wrong, meant in zip(
        agents, ("capcity", "paid_cent", "scor"), ("capacity", "paid_cents", "score"), strict=True
    ):
        with pytest.raises(AttributeError, match=f"{wrong}'; did you mean .*{meant}"):
            setattr(agent, wrong, 3)
        assert not hasattr(agent, wrong)
        setattr(agent, meant, 1)
        assert agent.state()[meant] == 1


def test_attributes_of_ones_own_are_declared_in_the_class_or_its_init(inputs: RunInputs) -> None:
    class Patient(Firm):
        named: int
        given = 1

        def __init__(self, model: Programme, row: int) -> None:
            super().__init__(model, row)
            self.made = 2

    one: Any = Programme(inputs, 1, agent_classes={"firm": Patient}).firms[0]
    one.named, one.given, one.made, one._private, one.pos = 1, 2, 3, 4, (0, 0)
    assert (one.named, one.given, one.made, one._private, one.pos) == (1, 2, 3, 4, (0, 0))
    with pytest.raises(AttributeError, match="one of your own is named in the class or set in its __init__"):
        one.maid = 5


# --- the end of the run -----------------------------------------------------------------------------------------------


def test_run_model_ends_at_the_horizon(tiny: WorldSize, differing: Differing) -> None:
    programme = Programme(small_inputs(size=tiny), 5)
    programme.run_model()
    assert (programme.quarter, programme.running) == (HORIZON, False)
    assert differing(simulate(small_inputs(size=tiny), 5), programme.result()) == []


def test_a_step_after_the_end_changes_nothing_and_says_so_once(inputs: RunInputs) -> None:
    programme = Programme(inputs, 1).run()
    before = run_hash(programme.result())
    with pytest.warns(UserWarning, match="the run ended with 2012Q4; further steps change nothing") as said:
        programme.step()
    assert len(said) == 1
    programme.step()
    assert (programme.quarter, programme.running, run_hash(programme.result())) == (4, False, before)


def test_run_for_ends_at_the_horizon(inputs: RunInputs) -> None:
    """Of Mesa 3.5; it knows nothing of ``running`` and goes on asking for steps."""
    programme = Programme(inputs, 1)
    if not hasattr(programme, "run_for"):
        pytest.skip("this Mesa has no run_for")
    programme.run_for(3)
    assert (programme.quarter, programme.running) == (3, True)
    with pytest.warns(UserWarning, match="further steps change nothing"):
        programme.run_for(1000)
    assert (programme.quarter, programme.running) == (4, False)
    assert run_hash(programme.result()) == run_hash(Programme(inputs, 1).run().result())


# --- batches ----------------------------------------------------------------------------------------------------------


def clusters_formed(programme: Programme) -> int:
    return len(programme.clusters)


@pytest.fixture
def batch() -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Mesa's ``batch_run`` without its bar."""

    def run(parameters: dict[str, Any], **others: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = mesa.batch_run(
            Programme, parameters, number_processes=1, display_progress=False, **others
        )
        return found

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="mesa|tests")
        warnings.filterwarnings("ignore", message="The `iterations` keyword argument is deprecated")
        yield run


def test_batch_parameters_vary_worlds_and_runs_end_at_the_horizon(
    batch: Callable[..., list[dict[str, Any]]], tiny: WorldSize
) -> None:
    given = small_inputs(size=tiny)
    reporters = {"clusters": clusters_formed}
    found = batch(passaat.batch_parameters(given, seeds=range(5, 8), model_reporters=reporters))
    expected = {seed: len(Programme(given, seed).run().clusters) for seed in range(5, 8)}
    assert {row["world_seed"]: row["clusters"] for row in found} == expected
    assert len(set(expected.values())) > 1
    assert {row["quarter"] for row in found} == {HORIZON}


def test_each_policy_meets_each_world(inputs: RunInputs, batch: Callable[..., list[dict[str, Any]]]) -> None:
    two = [inputs, small_inputs({"programme_on": 0.0}, size=inputs.size)]
    found = batch(passaat.batch_parameters(two, seeds=[3, 4], schedule=QUARTER[:5]))
    assert sorted((two.index(row["inputs"]), row["world_seed"]) for row in found) == [
        (0, 3),
        (0, 4),
        (1, 3),
        (1, 4),
    ]


def test_a_batch_that_repeats_a_world_is_warned_of(
    inputs: RunInputs, batch: Callable[..., list[dict[str, Any]]]
) -> None:
    parameters = {"inputs": inputs, "world_seed": 3}
    assert len(batch(parameters)) == 1, "one run repeats nothing"
    with pytest.warns(UserWarning, match="batch_run repeats the very same world") as said:
        batch(parameters, iterations=3)
    assert [str(one.message) for one in said if one.category is UserWarning] == [EQUAL_WORLDS] * 2
    with pytest.warns(UserWarning, match="seeds 4 stand more than once"):
        passaat.batch_parameters(inputs, seeds=[3, 4, 4])
    with pytest.warns(UserWarning, match="only world_seed does"):
        Programme(inputs, 1, rng=7)


def test_batch_parameters_refuse_seeds_that_cannot_be(inputs: RunInputs) -> None:
    with pytest.raises(ModelError, match="no seeds are given"):
        passaat.batch_parameters(inputs, seeds=[])
    with pytest.raises(ModelError, match=r"world seed 1\.5 is no whole number"):
        passaat.batch_parameters(inputs, seeds=[1, 1.5])  # type: ignore[list-item]


# --- copies, and the trip to another process --------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_inputs_and_of_a_run_is_the_same_and_apart(
    pib: Scenario, copied: Callable[[Any], Any], differing: Differing
) -> None:
    inputs = pib.with_world({"n_firms": 100, "n_coordinators": 10}).inputs({"step_success": 1.0})
    again = copied(inputs)
    assert again.levers.keys() == inputs.levers.keys()
    assert differing(simulate(inputs, 3), simulate(again, 3)) == []
    run = simulate(inputs, 3)
    other = copied(run)
    assert differing(run, other) == []
    other.world.clusters.score[:] = -1.0
    assert (other.store.tables["clusters"]["score"] == -1.0).all(), "the world is a view on the store"
    if copied is copy.deepcopy:
        assert (run.world.clusters.score >= 0.0).all()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_programme_in_mid_life_can_be_copied_and_both_live_on(
    tiny: WorldSize, differing: Differing, copied: Callable[[Any], Any]
) -> None:
    inputs = small_inputs(size=tiny)
    programme = Programme(inputs, 5)
    for _ in range(14):
        programme.step()
    again = copied(programme)
    assert (again.quarter, len(again.firms), len(again.clusters)) == (
        14,
        tiny.n_firms,
        len(programme.clusters),
    )
    again.firms[3].capacity = 0.111
    assert again.world.firms.capacity[3] == again.firms[3].capacity == 0.111
    assert programme.firms[3].capacity != 0.111, "the copy stands on its own memory"
    again.firms[3].capacity = programme.firms[3].capacity
    whole = simulate(inputs, 5)
    assert differing(whole, again.run().result()) == []
    assert programme.quarter == 14, "the original waited"
    assert differing(whole, programme.run().result()) == []


def test_inputs_runs_and_programmes_survive_the_trip_to_another_process(
    pib: Scenario, tiny: WorldSize, differing: Differing
) -> None:
    inputs = pib.with_world({"n_firms": 60, "n_coordinators": 8}).inputs()
    programme = Programme(small_inputs(size=tiny), 5)
    for _ in range(6):
        programme.step()
    there_and_back = copy.copy
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        back, run = pool.submit(there_and_back, inputs), pool.submit(there_and_back, simulate(inputs, 3))
        lived = pool.submit(there_and_back, programme)
        assert differing(simulate(inputs, 3), simulate(back.result(), 3)) == []
        assert differing(simulate(inputs, 3), run.result()) == []
        assert np.shares_memory(run.result().world.clusters.score, run.result().store.tables["clusters"])
        assert differing(simulate(small_inputs(size=tiny), 5), lived.result().run().result()) == []
