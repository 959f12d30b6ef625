"""How a broken promise is told."""

from __future__ import annotations


def require(kept: bool, promise: str) -> None:
    """Raise where a promise is not kept.

    Raises:
        AssertionError: names it.
    """
    if not kept:
        raise AssertionError(f"broken: {promise}")
