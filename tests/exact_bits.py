"""Hashes of every bit of what the model gives, by which tests prove that all machines agree.

``python -m tests.exact_bits`` prints them, and ``--write`` stores them in tests/exact_bits.json. They are made for
tests only: no study, posterior or page goes by them.

* ``tables``: the final tables of every golden run, small worlds in which every rule acts;
* ``outcomes``: all outcomes of every golden run, judged against the same world without programme;
* ``worlds``: tables and outcomes of full worlds of the reference and of four options under draws of the posterior, some
  eight hundred thousand numbers each: a last bit that differs once in a million arguments shows here;
* ``draws``: forty draws of all parameters that are drawn, from the posterior and from the prior ranges.
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
from passaat.model.engine.compiled import simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import golden_inputs, run_hash, without_programme
from passaat.scenarios.loading import load_scenario

STORED: Final = Path(__file__).with_name("exact_bits.json")
OPTIONS: Final = ("stricter-selection", "go-no-go", "follow-up", "sme-focus")
WORLDS: Final = 3
"""Full worlds of the reference and of each option; each has a seed and a draw of its own."""


def tables() -> dict[str, str]:
    """Of the final tables of every golden run."""
    return {name: run_hash(simulate(inputs, seed)) for name, (inputs, seed) in golden_inputs().items()}


def outcome_hash(outcomes: NDArray[np.float64]) -> str:
    """Hash of every bit of the outcomes of a run."""
    return hashlib.blake2b(outcomes.astype("<f8").tobytes(), digest_size=8).hexdigest()


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
            found[f"{name}, world {world}"] = f"{run_hash(run)} {outcome_hash(outcomes_of(run, twin))}"
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
    found = {"tables": tables(), "outcomes": outcomes(), "worlds": worlds(), "draws": draws()}
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
