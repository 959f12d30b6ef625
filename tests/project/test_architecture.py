"""The page on where things live names the rooms that are there, in the order that is held."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def layers() -> list[str]:
    """First name of each layer of the house, from above."""
    config: Any = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (rooms,) = (one for one in config["tool"]["importlinter"]["contracts"] if one["id"] == "rooms")
    return [layer for layer in rooms["layers"] if " : " not in layer]


def test_the_page_names_every_layer_in_its_order() -> None:
    assert re.findall(r"^\| `([\w.]+)`", PAGE, flags=re.MULTILINE) == layers()


def test_every_room_says_what_is_in_it() -> None:
    folders = sorted(
        path.parent for top in ("model", "experiments") for path in (ROOT / top).glob("*/__init__.py")
    )
    assert {f"passaat.{folder.parent.name}.{folder.name}" for folder in folders} < set(layers())
    for folder in folders:
        assert import_module(f"passaat.{folder.parent.name}.{folder.name}").__doc__


def test_files_that_the_page_names_are_there() -> None:
    places = (ROOT, ROOT / "src" / "passaat", ROOT / "experiments")
    named = re.findall(r"`([\w/]+\.(?:py|toml))`", PAGE)
    assert len(named) > 8
    assert [name for name in named if not any((place / name).is_file() for place in places)] == []
