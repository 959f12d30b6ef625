"""What a sceptical reader asked of the world is stored for this model (benchmarks/world.py)."""

from __future__ import annotations

import json
from pathlib import Path

from passaat.model.provenance.golden import behaviour

STORED = Path(__file__).resolve().parents[2] / "benchmarks" / "world.json"


def test_the_answers_belong_to_this_model() -> None:
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    assert stored["behaviour"] == behaviour(), "python benchmarks/world.py --write"


def test_a_programme_that_grants_nothing_had_no_effect_in_any_state_of_the_world() -> None:
    states = json.loads(STORED.read_text(encoding="utf-8"))["states"]
    assert len(states) == 3
    for found in states.values():
        money = found["Money and terms"]
        for words in ("a threshold above all points", "an amount of nothing", "no budget"):
            assert money[f"net effect of {words}, M EUR"] == [0.0, 0.0]
