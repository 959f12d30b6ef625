"""What is there more than once keeps what all of its kind promise; a broken one is found out."""

from __future__ import annotations

import importlib
import io
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from passaat.experiments.design.sampling import unit_points
from passaat.experiments.design.sensitivity_points import morris_points, saltelli_points
from passaat.experiments.design.simulator import Simulator, the_model
from passaat.experiments.reports.blocks import Figure, Heading, Note, Report, Section, Sentence
from passaat.experiments.reports.data import tables_csv
from passaat.experiments.reports.forms import FORMS
from passaat.experiments.reports.markdown import markdown
from passaat.experiments.reports.terminal import plain_text, print_report
from passaat.experiments.run.crew import Threads
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.programme import Programme
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.provenance.golden import small_inputs
from passaat.scenarios.scenario import Scenario
from passaat.screen import Screen
from passaat.testing import check_crew, check_driver, check_form, check_sampler, check_simulator

CHILDREN = Path(__file__).parents[1] / "children"
if str(CHILDREN) not in sys.path:
    sys.path.append(str(CHILDREN))
toy_model: Any = importlib.import_module("toy_model")


def by_mesa(inputs: RunInputs, seed: int) -> Run:
    return Programme(inputs, seed).run().result()


@pytest.mark.parametrize("driver", [simulate, by_mesa])
def test_drivers_keep_their_promises(driver: Callable[[RunInputs, int], Run], tiny: WorldSize) -> None:
    check_driver(driver, small_inputs(size=tiny))


def test_a_driver_of_another_world_is_found_out(tiny: WorldSize) -> None:
    with pytest.raises(AssertionError, match="every driver gives the bits of the compiled one"):
        check_driver(
            lambda inputs, seed: replace(simulate(inputs, seed + 1), seed=seed), small_inputs(size=tiny)
        )


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_crews_of_threads_keep_their_promises(workers: int) -> None:
    check_crew(Threads(workers), toy_model.SIMULATOR, toy_model.a_plan(12, worlds=2))


def test_a_crew_that_changes_results_is_found_out() -> None:
    class Wrong(Threads):
        def submit(self, simulator: Simulator, chunk: Any) -> Any:
            one_world = replace(simulator, simulate=lambda inputs, seed: toy_model.simulate(inputs, 1))
            return super().submit(one_world, chunk)

    with pytest.raises(AssertionError, match="one thread and a crew give the same bits"):
        check_crew(Wrong(1), toy_model.SIMULATOR, toy_model.a_plan(12, worlds=2))


def test_simulators_keep_their_promises(toy: Simulator, pib: Scenario) -> None:
    check_simulator(toy, pib)
    check_simulator(
        the_model(pib), pib.with_world({"n_firms": 200, "n_coordinators": 20, "cluster_rows": 200})
    )


def test_a_simulator_whose_first_draws_hang_on_how_many_is_found_out(toy: Simulator, pib: Scenario) -> None:
    wrong = replace(toy, draw_parameters=lambda n, seed: [{"gain": i / n} for i in range(n)])
    with pytest.raises(AssertionError, match="the first draws do not hang on how many"):
        check_simulator(wrong, pib)


SAMPLERS: dict[str, Callable[[int, int], NDArray[np.float64]]] = {
    "latin-hypercube": lambda n, seed: unit_points("latin-hypercube", 3, n, seed, 4),
    "sobol": lambda n, seed: unit_points("sobol", 3, n, seed, 1),
    "morris": lambda n, seed: morris_points(3, n, seed),
    "saltelli": partial(saltelli_points, 3, second_order=True),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_keep_their_promises(name: str) -> None:
    check_sampler(SAMPLERS[name], 3, closed=name == "morris")


def test_a_sampler_that_spreads_all_points_anew_is_found_out() -> None:
    with pytest.raises(AssertionError, match="more points leave the first as they are"):
        check_sampler(lambda n, seed: unit_points("latin-hypercube", 3, n, seed, n), 3)


# --- forms of reports -------------------------------------------------------------------------------------------


def on_a_screen(width: int, report: Report) -> str:
    out = io.StringIO()
    print_report(report, Screen(width, out, plain=True), most=width)
    return out.getvalue()


@pytest.mark.parametrize("ending", FORMS)
def test_forms_of_files_keep_their_promises(ending: str) -> None:
    if FORMS[ending] is tables_csv:
        check_form(tables_csv, leaves_out=(Heading, Section, Sentence, Note, Figure), bare=True)
    else:
        check_form(FORMS[ending])


@pytest.mark.parametrize("form", [plain_text, *(partial(on_a_screen, width) for width in (30, 60, 120, 400))])
def test_a_screen_of_any_width_keeps_the_promises_of_a_form(form: Callable[[Report], str]) -> None:
    check_form(form, leaves_out=(Figure,), bare=True)


@pytest.mark.parametrize(
    ("wrong", "promise"),
    [
        (lambda report: markdown(report).replace("1000002", "", 1), "no number is lost; these are: 1000002"),
        (lambda report: markdown(report) + markdown(report), "no cell is said twice"),
        (lambda report: markdown(report) + "\n", "a text ends with one line end"),
        (lambda report: markdown(replace(report, blocks=report.blocks[::-1])), "blocks stand in their order"),
        (lambda report: markdown(report).replace("ελληνικά", "?"), "letters of every alphabet"),
        (lambda report: markdown(report).replace("\\x1b", "\x1b"), "nothing that a screen would obey"),
        (lambda report: f"{time.perf_counter_ns()}", "the same report gives the same text"),
    ],
)
def test_a_form_that_breaks_a_promise_is_found_out(wrong: Callable[[Report], str], promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_form(wrong)
