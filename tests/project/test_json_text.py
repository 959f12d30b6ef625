"""Results as JSON: one way of writing numbers, for all commands."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest

from passaat.calibration.calibrate import SIGNIFICANT, write_json
from passaat.cli.parts import print_json
from passaat.json_text import json_text, plain


@dataclass(frozen=True)
class Found:
    name: str
    value: float
    rest: tuple[float, ...]


def test_numbers_are_rounded_to_digits_and_what_is_no_number_is_null() -> None:
    found = Found("é", 1 / 3, (math.nan, -math.inf, 2e-300, -0.0))
    assert plain({1: found}, 3) == {"1": {"name": "é", "value": 0.333, "rest": [None, None, 2e-300, 0.0]}}
    assert plain(1 / 3) == 0.3333333333
    assert plain([True, 2**70, None, "1.23456789012"]) == [True, 2**70, None, "1.23456789012"]


def test_what_stands_for_a_value_is_taken_at_every_depth() -> None:
    def before(value: Any) -> Any:
        return 1 / 3 if value == "x" else value

    assert plain({"a": ("x", [2.0, "x"])}, 2, before) == {"a": [0.33, [2.0, 0.33]]}


def test_text_is_the_same_bytes_for_the_same_data() -> None:
    assert json_text({"b": "é", "a": [1.5]}) == '{\n  "b": "é",\n  "a": [\n    1.5\n  ]\n}\n'
    assert json_text({"b": 1, "a": 2}, indent=1, sort_keys=True) == '{\n "a": 2,\n "b": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": math.nan})


def test_commands_and_posteriors_write_numbers_that_way(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    print_json({"b": 1 / 3, "a": math.inf})
    assert capsys.readouterr().out == json_text({"a": None, "b": 0.3333333333})
    write_json({"b": 1 / 3}, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"b": round(1 / 3, SIGNIFICANT)}
