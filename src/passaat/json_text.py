"""Results as JSON: the same bytes for the same results, whatever computed them."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["DIGITS", "json_text", "plain"]

DIGITS: Final = 10
"""Significant digits, unless others are asked for: more than any result means."""


def plain(value: Any, digits: int = DIGITS, before: Callable[[Any], Any] | None = None) -> Any:
    """Dataclasses, mappings and sequences as JSON knows them: floats to so many significant digits, nan and infinity as
    None. ``before`` gives what is to stand for a value, however deep, before that is done.

    >>> plain({"a": (1.23456, math.nan)}, 3)
    {'a': [1.23, None]}
    """
    if before is not None:
        value = before(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name), digits, before)
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): plain(item, digits, before) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, digits, before) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    return value


def json_text(data: Any, *, indent: int = 2, sort_keys: bool = False) -> str:
    """Plain data as text with one line end at its end; letters of every alphabet stay as they are.

    Raises:
        ValueError: a number in it is not finite.
    """
    return json.dumps(data, indent=indent, sort_keys=sort_keys, ensure_ascii=False, allow_nan=False) + "\n"
