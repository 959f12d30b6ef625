"""What a user edits: the levers of policy, the scenario files, their loading and validation.

The names below are imported on first use, so that asking for the levers does not load the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passaat.scenarios.levers import LEVERS, Lever
    from passaat.scenarios.loading import load_scenario, shipped_names
    from passaat.scenarios.parts import Shock, World
    from passaat.scenarios.scenario import Scenario

__all__ = ["LEVERS", "Lever", "Scenario", "Shock", "World", "load_scenario", "shipped_names"]

_HOME = {
    "LEVERS": "levers",
    "Lever": "levers",
    "Scenario": "scenario",
    "Shock": "scenario",
    "World": "scenario",
    "load_scenario": "loading",
    "shipped_names": "loading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
