"""Fingerprints see what is meant and not the last bits: held over every number that ships and that a fingerprint sees.

A number is moved by one to three units in its last place, which another processor, system or library may do: nothing
changes. It is moved by a millionth, which somebody has done: just the fingerprint of the thing it belongs to changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passaat import identity
from passaat.calibration import grounds, observation, targets
from passaat.calibration.posterior import posterior_draws, shipped_sample
from passaat.calibration.priors import priors, statement
from passaat.calibration.table import Batch, Evaluator, prior_batch
from passaat.experiments.design.basis import prior_draws
from passaat.experiments.design.policies import Arm, InputsOf
from passaat.experiments.study.keys import parameters_digest
from passaat.identity import column_text, fingerprint, fingerprint_of_text, number_text, text_of, whole_number
from passaat.model.engine.compiled import simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.provenance import golden
from passaat.scenarios.loading import load_scenario

MILLIONTH = 1e-6
STEPS = (-3, -2, -1, 1, 2, 3)


def moved_by_ulps(value: float, steps: int) -> float:
    """The number so many representable numbers away."""
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.inf if steps > 0 else -math.inf)
    return value


def unmoved(values: Iterator[float] | list[float]) -> list[float]:
    """Numbers whose text changes when their last place does; there should be none."""
    return [
        value
        for value in values
        if math.isfinite(value)
        and value != 0.0
        and any(number_text(moved_by_ulps(value, steps)) != number_text(value) for steps in STEPS)
    ]


# --- numbers and data as texts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333333"),
        (123456789.4, "123456789"),
        (1e300, "1e+300"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (5e-324, "4.94065646e-324"),
        (47850444.849999994, "47850444.9"),
        (-47850444.85, "-47850444.9"),
    ],
)
def test_a_number_is_a_text_of_nine_digits(value: float, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(min_value=1e-290, max_value=1e300))
def test_a_millionth_is_always_seen(value: float) -> None:
    assert number_text(value * (1 + MILLIONTH)) != number_text(value)
    assert number_text(-value) == "-" + number_text(value)


@given(st.integers(1, 10**10), st.integers(-12, 12))
def test_the_last_place_of_a_number_that_people_write_is_never_seen(digits: int, power: int) -> None:
    """Amounts in cents and shares in per mille lie half-way between two texts more often than computed numbers do."""
    assert unmoved([float(f"{digits}e{power}")]) == []


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none())))
def test_the_order_of_keys_and_the_kind_of_container_change_nothing(data: dict[str, Any]) -> None:
    backwards = dict(reversed(list(data.items())))
    assert fingerprint(backwards) == fingerprint(data)
    assert text_of(tuple(data.values())) == text_of(list(data.values()))


def test_what_differs_in_meaning_differs_in_text() -> None:
    differing: list[object] = [
        None,
        True,
        "true",
        1,
        "1",
        [1],
        [[1]],
        {"1": 1},
        [],
        {},
        "",
        1.5,
        [1, 5],
        "1,5",
    ]
    texts = [text_of(one) for one in differing]
    assert len(set(texts)) == len(texts)
    assert text_of(2**70 + 1) == str(2**70 + 1)  # whole numbers keep every digit


def test_what_has_no_fixed_text_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no place in a fingerprint"):
        text_of({1, 2})
    with pytest.raises(TypeError, match="object has no place"):
        fingerprint([object()])


def test_line_ends_of_two_systems_are_one_text() -> None:
    assert fingerprint_of_text("a\r\nb\n") == fingerprint_of_text("a\nb\n") != fingerprint_of_text("a\n\nb\n")


def test_a_text_stands_for_one_whole_number_of_so_many_bits() -> None:
    numbers = [whole_number(f"{i}") for i in range(1000)]
    assert len(set(numbers)) == 1000
    assert max(numbers) < 2**63
    assert max(numbers) > 2**62
    assert max(whole_number(f"{i}", bits=7) for i in range(1000)) == 127


def test_a_column_is_known_by_its_total_and_by_the_place_of_its_rows() -> None:
    column = np.array([0.1, 0.2, 0.3, 0.4])
    assert column_text(column) == "1 3"
    assert column_text(column[::-1].copy()) == "1 2"
    assert column_text(np.array([1, 2, -3])) == "0 -4"
    assert column_text(np.zeros(0)) == "0 0"
    shuffled = np.random.default_rng(1).permutation(np.linspace(-1e15, 1e15, 10_001))
    assert column_text(shuffled).split()[0] == "0"  # a plain sum would leave some rest


# --- the numbers that ship -------------------------------------------------------------------------------


def test_the_last_place_of_no_bound_of_no_figure_is_seen_and_a_millionth_is() -> None:
    known = targets.figures()
    usual = grounds.figures_statement(known)
    assert len(known) > 40
    for place, figure in enumerate(known):
        for field in ("reported", "low", "high"):
            value = getattr(figure, field)
            if not math.isfinite(value) or value == 0.0:
                continue
            moves = [moved_by_ulps(value, steps) for steps in STEPS]
            for move in [*moves, value * (1 + MILLIONTH)]:
                one = replace(figure, **{field: move})
                now = grounds.figures_statement([*known[:place], one, *known[place + 1 :]])
                differing = [name for name in usual if now[name] != usual[name]]
                assert differing == ([] if move in moves else [figure.name]), (figure.name, field, move)


def test_the_last_place_of_no_prior_is_seen_and_a_millionth_is() -> None:
    known = priors().all
    usual = statement(known)
    assert len(usual) == len(known) > 200
    for prior in known:
        for bound in ("low", "high"):
            value = prior.minimum if bound == "low" else prior.maximum
            moves = [moved_by_ulps(value, steps) for steps in STEPS] if value else []
            for move in [*moves, value * (1 + MILLIONTH) if value else MILLIONTH]:
                one = replace(prior, minimum=move) if bound == "low" else replace(prior, maximum=move)
                now = {**usual, **statement([one])}
                differing = [name for name in usual if now[name] != usual[name]]
                assert differing == ([] if move in moves else [prior.name]), (prior.name, bound, move)


def test_the_last_place_of_no_total_of_no_golden_run_is_seen() -> None:
    runs = {name: simulate(*cell) for name, cell in golden.golden_inputs().items()}
    runs |= {f"{name}, in the middle": run for name, run in golden.practice_runs().items()}
    totals = []
    for run in runs.values():
        for _, column in golden.columns_of(run):
            flat = np.asarray(column).ravel()
            if flat.dtype == np.float64 and flat.any():
                totals += [math.fsum(flat), math.fsum(flat * np.arange(1, len(flat) + 1))]
    assert len(totals) > 1_000
    assert unmoved(totals) == []


def test_a_millionth_in_one_column_changes_just_that_column() -> None:
    run = golden.practice_runs()["practice"]
    usual = golden.run_figures(run)
    turnover = run.world.firms.turnover_eur
    turnover[int(np.argmax(turnover))] *= 1.0 + 1e-4  # one firm in 200: a millionth of the total or more
    now = golden.run_figures(run)
    assert [name for name in usual if now[name] != usual[name]] == ["firms.turnover_eur"]


def test_the_last_place_of_nothing_that_evaluators_see_is_seen() -> None:
    seen = []
    for run in golden.practice_runs().values():
        for luck in grounds.LUCK:
            unknowns = {o.name: o.at(luck) for o in observation.observation_parameters().values()}
            seen += list(observation.observe(run, unknowns).values())
    assert len(seen) > 500
    assert unmoved(seen) == []


def test_the_last_place_of_no_outcome_of_a_golden_run_is_seen() -> None:
    cells = golden.golden_inputs()
    runs = {name: simulate(*cells[name]) for name in ("no programme", "practice", "follow-up")}
    judged = [value for run in runs.values() for value in outcomes_of(run, runs["no programme"]).tolist()]
    assert len(judged) > 100
    assert unmoved(judged) == []


@pytest.mark.parametrize("draw", [posterior_draws, prior_draws])
def test_the_last_place_of_no_parameter_of_a_study_is_seen_and_a_millionth_is(draw: Any) -> None:
    for one in draw(40, 1):
        assert unmoved(list(one.values())) == []
        usual = parameters_digest(one)
        for name in [name for name in one if one[name] != 0.0][::20]:  # a zero is written, never computed
            assert parameters_digest({**one, name: moved_by_ulps(one[name], 2)}) == usual
            assert parameters_digest({**one, name: one[name] * (1 + MILLIONTH) or MILLIONTH}) != usual


@pytest.mark.parametrize("option", ["stricter-selection", "go-no-go", "follow-up", "sme-focus"])
def test_the_last_place_of_no_lever_is_seen_in_what_an_option_goes_by_and_a_millionth_is(option: str) -> None:
    policy = load_scenario("pib").with_option(load_scenario(option))
    arm = Arm.of(policy, "option", option)
    usual = InputsOf().content(arm)
    assert InputsOf().content(arm.at_factor(moved_by_ulps(1.0, 3))) == usual
    assert InputsOf().content(arm.at_factor(1.0 + MILLIONTH)) != usual
    kept = InputsOf()
    assert kept.content(arm) == usual
    moved = kept.content(arm.with_settings({"assessors": 4}))
    assert moved != usual
    assert kept.content(arm) == usual  # what is kept of a policy is not what an arm moved
    assert InputsOf().content(arm.with_settings({"assessors": 4})) == moved
    assert unmoved([v for values in policy.inputs().levers.values() for v in values.tolist() if v]) == []


def test_the_last_place_of_the_places_of_a_calibration_is_not_seen() -> None:
    toy = Evaluator("toy", ("a", "b"), priors(), lambda values, seed: {})
    batch = prior_batch(priors(), 8_192, 1)
    usual = batch.key(toy)
    assert Batch(batch.title, np.nextafter(batch.places, 1.0), batch.seeds).key(toy) == usual
    assert Batch(batch.title, np.nextafter(batch.places, 0.0), batch.seeds).key(toy) == usual
    moved = batch.places.copy()
    moved[:, 17] *= 1 + MILLIONTH
    assert Batch(batch.title, moved, batch.seeds).key(toy) != usual
    assert Batch(batch.title, batch.places, batch.seeds + 1).key(toy) != usual


def test_the_sample_goes_by_its_text() -> None:
    assert unmoved(shipped_sample().values.ravel().tolist()) == []


def test_no_other_module_makes_fingerprints() -> None:
    """Hashes are made in ``identity`` alone; elsewhere only exact hashes for tests, and numbers drawn from names."""
    from pathlib import Path

    root = Path(identity.__file__).resolve().parents[2]
    allowed = {
        "model/provenance/golden.py": "exact hashes, for tests",
        "model/kernel/machine_code.py": "guards a file against damage",
        "calibration/observation.py": "luck drawn from a name",
    }
    found = {
        str(path.relative_to(root))
        for folder in ("model", "scenarios", "calibration", "experiments", "src/passaat")
        for path in (root / folder).rglob("*.py")
        if not path.is_symlink() and "hashlib" in path.read_text(encoding="utf-8")
    }
    assert {name for name in found if name.count("passaat/") < 2} - set(allowed) == {
        "src/passaat/identity.py"
    }
