"""What the fixed coefficients move is stored for this model, and for each of them (benchmarks/coefficients.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import behaviour

STORED = Path(__file__).resolve().parents[2] / "benchmarks" / "coefficients.json"
REMEDY = "python benchmarks/coefficients.py --write"


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return found


def test_the_table_belongs_to_this_model(stored: dict[str, Any]) -> None:
    assert stored["behaviour"] == behaviour(), REMEDY
    fixed = {name for name, record in PARAMETERS.items() if record.shape == "fixed"}
    assert stored["moved"].keys() == fixed, REMEDY


def test_coefficients_were_moved_within_their_ranges(stored: dict[str, Any]) -> None:
    for name, ends in stored["moved"].items():
        record = PARAMETERS[name]
        assert (
            record.minimum <= ends["down"]["value"] <= record.value <= ends["up"]["value"] <= record.maximum
        )
        assert ends["down"]["value"] < ends["up"]["value"]
