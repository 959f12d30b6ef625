"""What README shows must come from the model as it is."""

from __future__ import annotations

import json
from pathlib import Path

from passaat.model.provenance.golden import behaviour

ROOT = Path(__file__).parents[2]


def test_the_first_result_belongs_to_the_present_model() -> None:
    stored = json.loads((ROOT / "docs" / "first-result.json").read_text(encoding="utf-8"))
    assert stored["behaviour"] == behaviour(), (
        "the model behaves differently now: run `python docs/first_result.py`"
    )


def test_readme_shows_the_stored_result() -> None:
    stored = json.loads((ROOT / "docs" / "first-result.json").read_text(encoding="utf-8"))["result"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{stored['design']['draws']} parameter draws × {stored['design']['worlds']} worlds" in readme
    assert (ROOT / "docs" / "figures" / "first-result.png").stat().st_size > 10_000
