"""The model's behaviour as one fingerprint: totals of a fixed set of small runs, and the records of the parameters.

Two versions of the model with the same fingerprint give the same results, whatever changed in their text; a study
belongs to one. The runs differ in policy, calendar of shocks and agents, so that every rule acts in one of them.
``python -m passaat.model.provenance.golden --write tests/golden.json`` stores the fingerprints after a deliberate
change, and ``python -m tests.exact_bits --write`` the hashes of every bit by which tests prove that machines agree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.identity import column_text, fingerprint
from passaat.model.engine.compiled import Run, simulate
from passaat.model.inputs import RunInputs, SeededGroup, Setting, Structure, WorldSize
from passaat.model.parameters import PARAMETERS
from passaat.model.shocks import ShockEvent
from passaat.model.world import TABLES

SMALL_WORLD: Final = WorldSize(
    first_year=2012,
    window_first_year=2014,
    window_last_year=2017,
    last_year=2023,
    n_firms=200,
    n_sectors=4,
    n_countries=6,
    n_markets=12,
    markets_per_firm=3,
    n_coordinators=24,
    liaisons_per_market=2,
    cluster_rows=200,
    sector_weights=(4.0, 3.0, 2.0, 1.0),
)
"""Twelve years of 200 firms: about 25 groups and 15 covenants."""

_SHOCKS: Final = (
    ShockEvent("travel_stop", -1, 12, 16, 0.9),
    ShockEvent("war", 1, 20, 40, 0.95),
    ShockEvent("officials", 2, 8, 20, 0.6),
    ShockEvent("demand_boom", 3, 6, 18, 0.3),
    ShockEvent("demand_slump", 4, 6, 18, 0.3),
    ShockEvent("export_control", 0, 16, 40, 0.5),
    ShockEvent("ministerial_visit", 1, 10, 10, 1.0),
)

_STRICT: Final = {
    "selection_threshold_points": 62.0,
    "capacity_screening_weight": 0.5,
    "bottleneck_path_required": 1.0,
    "blocked_markets_excluded": 1.0,
    "assessors": 4.0,
    "inception_quarters": 4.0,
    "feedback_rounds": 1.0,
    "selection_criteria": 20.0,
}
_CHECKED: Final = {
    "checkpoint_quarter": 4.0,
    "checkpoint_repeat_quarters": 2.0,
    "checkpoint_minimum_progress": 0.7,
    "progress_information_share": 0.9,
}
_FOLLOWED: Final = {
    "follow_up_plan_required": 1.0,
    "follow_up_years": 4.0,
    "follow_up_eur_per_firm_year": 12_000.0,
    "follow_up_eligibility": 1.0,
}
_FORMED: Final = {
    "co_funding_ratio": 1.5,
    "activity_public_share_sme": 0.8,
    "activity_public_share_large": 0.4,
    "activity_public_share_institute": 0.6,
    "activity_degression_share": 0.1,
    "route_guidance": 2.0,
    "follow_up_years": 3.0,
    "follow_up_eur_per_cluster_year": 40_000.0,
    "follow_up_degression_share": 0.3,
    "sme_travel_support_eur_year": 2_000.0,
    "covenants_per_manager": 20.0,
    "knowledge_handover_share": 0.8,
}
_STEERED: Final = {
    "weight_opportunity": 8.0,
    "weight_impact": 0.0,
    "sme_score_weight": 0.2,
    "selection_calls_per_year": 1.0,
    "selection_stages": 2.0,
    "large_firms_role": 1.0,
    "priority_budget_share": 0.6,
    "priority_bonus_points": 10.0,
    "concentration_share": 0.3,
    "checkpoint_quarter": 6.0,
    "checkpoint_minimum_progress": 0.3,
    "checkpoint_measure": 1.0,
    "checkpoint_on_context": 1.0,
    "liaison_budget_indexed": 1.0,
    "liaison_fit_screened": 1.0,
}
_SMES: Final = {
    "minimum_sme_share": 0.6,
    "sme_fee_support_share": 0.5,
    "coordinator_public_share": 0.3,
    "liaison_budget_eur_year": 60_000.0,
    "liaison_independent": 0.0,
}


def small_inputs(
    levers: Mapping[str, float] | None = None,
    parameters: Mapping[str, float] | None = None,
    size: WorldSize = SMALL_WORLD,
    **others: Any,
) -> RunInputs:
    """Inputs of a small run: the practice of each year, with some levers at other values throughout.

    Args:
        levers: values that differ from practice, in every year.
        parameters: values that differ from the defaults.
        size: calendar and sizes.
        others: further fields of ``RunInputs``: shocks, absent, random_agents, structure, settings, groups.

    Raises:
        KeyError: a lever that does not exist.
    """
    from passaat.scenarios.levers import LEVERS

    years = range(size.first_year, size.last_year + 1)
    rows = {name: [lever.code(lever.default_in(year)) for year in years] for name, lever in LEVERS.items()}
    policy = {name: np.array(row, dtype=np.float64) for name, row in rows.items()}
    for name, value in (levers or {}).items():
        policy[name][:] = value
    return RunInputs(size=size, levers=policy, parameters=dict(parameters or {}), **others)


def golden_inputs() -> dict[str, tuple[RunInputs, int]]:
    """Inputs and world seed of each golden run, by name."""
    return {
        "practice": (small_inputs(), 1),
        "practice, another world": (small_inputs(), 2),
        "no programme": (small_inputs({"programme_on": 0.0}), 1),
        "strict selection": (small_inputs(_STRICT), 1),
        "checkpoints, money to the best": (small_inputs({**_CHECKED, "freed_money_use": 1.0}), 1),
        "checkpoints, money to follow-up": (small_inputs({**_CHECKED, "freed_money_use": 2.0}), 1),
        "follow-up": (small_inputs(_FOLLOWED), 1),
        "smes": (small_inputs(_SMES), 1),
        "money and form": (small_inputs(_FORMED), 1),
        "steered portfolio": (small_inputs(_STEERED, shocks=_SHOCKS), 1),
        "rival structures": (small_inputs(structure=Structure("sum", "none", "random", "none")), 1),
        "a given group": (
            small_inputs(
                groups=(SeededGroup(3, 2, 9, 8, n_institutes=1, n_large=1, n_fillers=2),),
                settings=(
                    Setting("countries", "price_level", 1.4),
                    Setting("liaisons", "tied", 1.0, (6, 7), 9),
                ),
            ),
            1,
        ),
        "dated shocks": (small_inputs(shocks=_SHOCKS), 1),
        "random shocks": (small_inputs(size=replace(SMALL_WORLD, random_shocks=True)), 1),
        "agents taken out": (
            small_inputs(absent=(("embassy", 0), ("coordinator", 1), ("liaison", 2))),
            1,
        ),
        "agents at random": (
            small_inputs(random_agents=(("embassy", 0), ("coordinator", 0), ("liaison", 0), ("liaison", 1))),
            1,
        ),
    }


def columns_of(run: Run) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every column of the final tables of a run with its name, ``table.column``; lists and extra tables too."""
    world = run.world
    for table in TABLES:
        columns = getattr(world, table)
        for name in columns._fields:
            yield f"{table}.{name}", getattr(columns, name)
    yield "engagements_by_market", world.engagements_by_market
    yield "exports_by_year_cents", world.exports_by_year_cents
    yield "money_by_year_cents", world.money_by_year_cents
    extra: Any = world.extra
    for name in getattr(extra, "_fields", ()):
        yield f"extra.{name}", getattr(extra, name)


def run_figures(run: Run) -> dict[str, str]:
    """What a run's behaviour is known by: every column of its final tables as ``column_text``, by name. Columns of
    zeros are left out: a column in which nobody has written says nothing.
    """
    return {name: column_text(column) for name, column in columns_of(run) if np.any(column)}


def run_hash(run: Run) -> str:
    """Hash of every bit of all final tables of a run: for tests, never an identity."""
    digest = hashlib.blake2b(digest_size=8)
    for name, column in columns_of(run):
        values = np.ascontiguousarray(column)
        digest.update(name.encode() + b"\0" + values.astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def golden_figures() -> dict[str, dict[str, str]]:
    """``run_figures`` of each golden run, by name."""
    return {name: run_figures(simulate(inputs, seed)) for name, (inputs, seed) in golden_inputs().items()}


def without_programme(inputs: RunInputs) -> RunInputs:
    """The same inputs with the programme off in every year: those of the twin of a golden run."""
    off = np.zeros_like(inputs.levers["programme_on"])
    return replace(inputs, levers={**inputs.levers, "programme_on": off})


@lru_cache(maxsize=1)
def behaviour() -> str:
    """The model's behaviour: sixteen digits that change when results of any run may change.

    Runs the golden worlds.
    """
    records = {
        name: [record.value]  # no draw rests on its range
        if record.shape == "fixed"
        else [record.value, record.minimum, record.maximum, record.shape]
        for name, record in PARAMETERS.items()
    }
    return fingerprint({"runs": golden_figures(), "parameters": records})


PRACTICE: Final = ("practice", "practice, another world", "dated shocks")
"""Golden runs under the rules of practice: what a reference and its calibration rest on."""


def practice_inputs() -> dict[str, tuple[RunInputs, int]]:
    """Inputs and seed of golden runs under practice, with every parameter that is drawn in the middle of its range.

    Not at its default: a posterior is made of draws and rests on no default of a parameter that is drawn.
    """
    middle = {name: record.at(0.5) for name, record in PARAMETERS.items() if record.shape != "fixed"}
    known = golden_inputs()
    return {name: (replace(known[name][0], parameters=middle), known[name][1]) for name in PRACTICE}


def practice_runs() -> dict[str, Run]:
    """The runs of ``practice_inputs``, by name."""
    return {name: simulate(inputs, seed) for name, (inputs, seed) in practice_inputs().items()}


def golden_text() -> str:
    """What ``tests/golden.json`` holds: the behaviour and the fingerprint of each golden run."""
    runs = {name: fingerprint(figures) for name, figures in golden_figures().items()}
    return json.dumps({"behaviour": behaviour(), "runs": runs}, indent=2) + "\n"


def main() -> None:
    """Print the fingerprints, or write them to a file."""
    parser = argparse.ArgumentParser(
        prog="python -m passaat.model.provenance.golden", description="Fingerprints of the golden runs."
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="file to write, tests/golden.json")
    chosen = parser.parse_args()
    if chosen.write is None:
        print(golden_text(), end="")
    else:
        chosen.write.write_text(golden_text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
