"""What the last full run found, and which of its findings are known and explained."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Final

from tests.directions.judge import ALPHA

FOLDER: Final = Path(__file__).parent
RESULTS: Final = FOLDER / "results.json"
FINDINGS: Final = FOLDER / "findings.toml"
COMMAND: Final = "python -m tests.directions"


def results_text(results: list[dict[str, Any]], model: str) -> str:
    """What ``results.json`` holds; ``model`` is the behaviour of the model that was judged."""
    return json.dumps({"model": model, "alpha": ALPHA, "results": results}, indent=1) + "\n"


def stored() -> dict[str, Any]:
    """The results of the last full run."""
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def findings() -> dict[str, dict[str, str]]:
    """Directions that are known not to hold, by name: ``verdict`` and ``reason``."""
    found: dict[str, dict[str, str]] = tomllib.loads(FINDINGS.read_text(encoding="utf-8"))
    return found
