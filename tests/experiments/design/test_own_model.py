"""A changed simulator has an identity of its own: studies refuse it, and the shipped posterior is not drawn from."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from passaat.errors import StudyError
from passaat.experiments.analyses.compare import compare
from passaat.experiments.design.basis import DEFAULTS, PRIOR, prior_draws
from passaat.experiments.design.own_model import NOT_FOR_CHANGED
from passaat.experiments.design.simulator import Simulator, behaviour_of_model, the_model
from passaat.model import firm
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.inputs import RunInputs
from passaat.model.outcomes import OUTCOMES
from passaat.model.schedule import QUARTER, Step
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario


@pytest.fixture(scope="module")
def small() -> Scenario:
    return load_scenario("pib", "reference").with_world({"n_firms": 120, "n_coordinators": 16})


@pytest.fixture(scope="module")
def shipped(small: Scenario) -> Simulator:
    return the_model(small)


def simulate_otherwise(inputs: RunInputs, world_seed: int) -> Run:
    return simulate(replace(inputs, parameters={**inputs.parameters, "step_success": 0.95}), world_seed)


def count_otherwise(run: Run, twin: Run | None = None) -> NDArray[np.float64]:
    return 2.0 * outcomes_of(run, twin)


CHANGES: dict[str, dict[str, Any]] = {
    "simulator": {"simulate": simulate_otherwise},
    "schedule": {"simulate": partial(simulate, quarter=QUARTER[:-1])},
    "way of counting": {"outcomes_of": count_otherwise},
    "fewer outcomes": {"outcomes": OUTCOMES[:-1]},
    "a better that is worse": {"outcomes": (replace(OUTCOMES[0], better="lower"), *OUTCOMES[1:])},
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_has_an_identity_of_its_own_and_prior_draws(shipped: Simulator, what: str) -> None:
    assert (shipped.behaviour, shipped.fingerprint) == (behaviour_of_model(), behaviour_of_model)
    changed = replace(shipped, **CHANGES[what])
    others = {replace(shipped, **other).behaviour for name, other in CHANGES.items() if name != what}
    assert changed.behaviour not in {shipped.behaviour, *others}
    assert (changed.basis.kind, changed.basis.key, changed.basis.notice) == (
        "prior",
        PRIOR.key,
        NOT_FOR_CHANGED,
    )
    assert changed.draw_parameters is prior_draws
    assert replace(shipped, **CHANGES[what]).behaviour == changed.behaviour, (
        "the same change, the same identity"
    )
    assert changed.fingerprint is not None
    assert changed.fingerprint() == copy.copy(changed).fingerprint() == changed.behaviour  # type: ignore[misc]


def test_a_copy_that_changes_nothing_of_the_model_keeps_its_identity(shipped: Simulator) -> None:
    assert replace(shipped).behaviour == shipped.behaviour
    at_defaults = replace(shipped, basis=DEFAULTS, draw_parameters=lambda n, seed: [{}] * n)
    assert (at_defaults.behaviour, at_defaults.basis) == (shipped.behaviour, DEFAULTS)


def test_a_change_of_a_change_and_the_way_back(shipped: Simulator) -> None:
    once = replace(shipped, simulate=simulate_otherwise)
    twice = replace(once, outcomes_of=count_otherwise)
    assert len({shipped.behaviour, once.behaviour, twice.behaviour}) == 3
    assert replace(twice, outcomes_of=outcomes_of).behaviour == once.behaviour
    back = replace(once, simulate=simulate)
    assert (back.behaviour, back.fingerprint) == (shipped.behaviour, behaviour_of_model)


def test_what_a_changed_function_calls_and_holds_counts(shipped: Simulator) -> None:
    def mine(success: float, helper: Callable[[float], float]) -> Callable[[RunInputs, int], Run]:
        def run(inputs: RunInputs, world_seed: int) -> Run:
            parameters = {**inputs.parameters, "step_success": helper(success)}
            return simulate(replace(inputs, parameters=parameters), world_seed)

        return run

    def same(x: float) -> float:
        return x

    def half(x: float) -> float:
        return x / 2.0

    made = [replace(shipped, simulate=mine(*given)) for given in ((1.0, same), (0.9, same), (1.0, half))]
    assert len({one.behaviour for one in made}) == 3
    assert replace(shipped, simulate=mine(1.0, same)).behaviour == made[0].behaviour


def test_a_rule_of_ones_own_in_a_schedule_counts(shipped: Simulator) -> None:
    def rest(world: Any, e: int) -> None:
        return

    def grow(world: Any, e: int) -> None:
        world.firms.capacity[e] = 1.0

    behaviours = {
        replace(shipped, simulate=partial(simulate, quarter=(Step("firm", one),))).behaviour
        for one in (rest, grow, firm.plan_quarter)
    }
    assert len(behaviours) == 3


def test_a_name_of_ones_own_is_kept_but_the_posterior_is_not(shipped: Simulator) -> None:
    named = replace(shipped, simulate=simulate_otherwise, behaviour="mine-1", fingerprint=None)
    assert (named.behaviour, named.fingerprint) == ("mine-1", None)
    if shipped.basis.kind == "posterior":
        assert named.basis.notice == NOT_FOR_CHANGED
    borrowed = replace(named, behaviour=shipped.behaviour)
    assert borrowed.behaviour == replace(shipped, simulate=simulate_otherwise).behaviour


def test_what_cannot_be_told_apart_needs_a_name(shipped: Simulator) -> None:
    made = object()

    def run(inputs: RunInputs, world_seed: int) -> Any:
        return made

    with pytest.raises(StudyError, match="it reads <object object") as caught:
        replace(shipped, simulate=run)
    assert 'behaviour="mine-1"' in caught.value.hint
    assert replace(shipped, simulate=run, behaviour="mine-1").behaviour == "mine-1"


def test_toys_of_tests_keep_the_names_they_gave_themselves(toy: Simulator) -> None:
    other = replace(toy, simulate=lambda inputs, seed: {})
    assert (other.behaviour, other.basis) == (toy.behaviour, toy.basis)


def test_a_study_of_the_shipped_model_refuses_a_changed_one(
    small: Scenario, shipped: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "mix.db"
    option = load_scenario("follow-up", "option")
    given: dict[str, Any] = {"draws": 2, "worlds_per_draw": 2}
    plain = compare(small, [option], simulator=shipped, study_path=file, **given)
    changed = replace(shipped, simulate=simulate_otherwise)
    alone = compare(small, [option], simulator=changed, **given)
    assert alone.drawn_from.startswith(
        "prior ranges, uncalibrated: the shipped posterior belongs to the model as it"
    )
    assert alone.behaviour == changed.behaviour != plain.behaviour
    with pytest.raises(StudyError):
        compare(small, [option], simulator=changed, study_path=file, **given)
    again = compare(small, [option], simulator=shipped, study_path=file, **given)
    name = "additional_exports_net_eur"
    found, before = (one.options[0].as_it_stands.differences[name] for one in (again, plain))
    assert repr(found) == repr(before)  # since Python 3.13 what holds a nan does not equal itself
