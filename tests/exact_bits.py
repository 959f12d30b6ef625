"""Hashes of every bit of what the model gives, by which tests prove that all machines agree.

``python -m tests.exact_bits`` prints them, and ``--write`` stores them in tests/exact_bits.json. They are made for
tests only: no study, posterior or page goes by them.

* ``tables``: the final tables of every golden run, small worlds in which every rule acts;
* ``outcomes``: all outcomes of every golden run, judged against the same world without programme;
* ``worlds``: tables and outcomes of full worlds of the reference and of four options under draws of the posterior, some
  eight hundred thousand numbers each: a last bit that differs once in a million arguments shows here;
* ``draws``: forty draws of all parameters that are drawn, from the posterior and from the prior ranges;
* ``new``: columns and outcomes of the golden runs that were not there when all versions were last tested. They stand
  apart, so that all others are seen not to have moved, and what versions gave of those still counts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from passaat.calibration.posterior import posterior_draws
from passaat.experiments.design.basis import prior_draws
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.outcomes import OUTCOME_NAMES
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import columns_of, golden_inputs, without_programme
from passaat.scenarios.loading import load_scenario

STORED: Final = Path(__file__).with_name("exact_bits.json")
OPTIONS: Final = ("stricter-selection", "go-no-go", "follow-up", "sme-focus")
WORLDS: Final = 3
"""Full worlds of the reference and of each option; each has a seed and a draw of its own."""


NEW_COLUMNS: Final = frozenset(
    {
        "engagements.selling_since_quarter",
        "clusters.refusals",
        "clusters.stopped_wrongly",
        "clusters.kept_wrongly",
        "money_by_year_cents",
    }
)
NEW_OUTCOMES: Final = frozenset({"covenants_stopped_wrongly", "covenants_kept_wrongly"})
"""Columns and outcomes that have come since ``make test-all`` last ran; empty both before it runs again."""


def table_hash(run: Run, *, new: bool = False) -> str:
    """Hash of every bit of all final tables of a run, without new columns or of these alone."""
    digest = hashlib.blake2b(digest_size=8)
    for name, column in columns_of(run):
        if (name in NEW_COLUMNS) == new:
            values = np.ascontiguousarray(column)
            digest.update(name.encode() + b"\0" + values.astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def tables() -> dict[str, str]:
    """Of the final tables of every golden run."""
    return {name: table_hash(simulate(inputs, seed)) for name, (inputs, seed) in golden_inputs().items()}


def outcome_hash(outcomes: NDArray[np.float64], *, new: bool = False) -> str:
    """Hash of every bit of the outcomes of a run, without new ones or of these alone."""
    chosen = [place for place, name in enumerate(OUTCOME_NAMES) if (name in NEW_OUTCOMES) == new]
    return hashlib.blake2b(outcomes[chosen].astype("<f8").tobytes(), digest_size=8).hexdigest()


def new() -> dict[str, str]:
    """Of the new columns and outcomes of every golden run."""
    found = {}
    for name, (inputs, seed) in golden_inputs().items():
        run = simulate(inputs, seed)
        judged = outcomes_of(run, simulate(without_programme(inputs), seed))
        found[name] = f"{table_hash(run, new=True)} {outcome_hash(judged, new=True)}"
    return found


def outcomes() -> dict[str, str]:
    """Of the outcomes of every golden run against its twin."""
    return {
        name: outcome_hash(outcomes_of(simulate(inputs, seed), simulate(without_programme(inputs), seed)))
        for name, (inputs, seed) in golden_inputs().items()
    }


def worlds() -> dict[str, str]:
    """Of full worlds, under draws of the posterior."""
    reference = load_scenario("pib")
    policies = {"pib": reference} | {name: reference.with_option(load_scenario(name)) for name in OPTIONS}
    found = {}
    for place, (name, policy) in enumerate(policies.items()):
        for world, parameters in enumerate(posterior_draws(WORLDS, seed=place + 1)):
            run = simulate(policy.inputs(parameters), 10 * place + world)
            twin = simulate(policy.without_programme().inputs(parameters), 10 * place + world)
            found[f"{name}, world {world}"] = f"{table_hash(run)} {outcome_hash(outcomes_of(run, twin))}"
    return found


def draws() -> dict[str, str]:
    """Of parameter draws."""
    found = {}
    for name, draw in (("posterior", posterior_draws), ("prior", prior_draws)):
        text = json.dumps(
            [
                {key: value.hex() for key, value in one.items() if PARAMETERS[key].shape != "fixed"}
                for one in draw(40, 1)
            ],
            sort_keys=True,
        )
        found[name] = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return found


def exact_text() -> str:
    """All of them, as ``exact_bits.json`` holds them."""
    found = {"tables": tables(), "outcomes": outcomes(), "worlds": worlds(), "draws": draws(), "new": new()}
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.exact_bits", description="Hashes of every bit, for tests."
    )
    parser.add_argument("--write", action="store_true", help="store them in tests/exact_bits.json")
    if parser.parse_args().write:
        STORED.write_text(exact_text(), encoding="utf-8", newline="\n")
    else:
        print(exact_text(), end="")
