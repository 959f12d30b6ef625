"""Writes the commit into the package while a wheel or a source archive is built; an editable install asks git."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = {"wheel": "passaat", "sdist": "src/passaat"}
"""Where the package lies in what is built."""


class CommitHook(BuildHookInterface[Any]):
    """Adds one small file to what is built; nothing is written into the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a target is built: work out the commit, and have it packed."""
        if version == "editable":
            return
        root = Path(self.root)
        provenance = _provenance(root)
        # A build from a source archive passes on what is written there.
        commit = provenance.stored_commit(root / "src" / "passaat") or provenance.commit_of_checkout(root)
        self._folder = tempfile.TemporaryDirectory()
        made = Path(self._folder.name) / provenance.COMMIT_FILE
        made.write_text(f"{commit}\n", encoding="utf-8", newline="\n")
        place = f"{PACKAGE[self.target_name]}/{provenance.COMMIT_FILE}"
        build_data["force_include"][str(made)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After it is built."""
        if version != "editable":
            self._folder.cleanup()


def _provenance(root: Path) -> ModuleType:
    """The module that knows how to ask for a commit, without the package around it, which is not installed here."""
    name = "passaat_provenance"
    spec = importlib.util.spec_from_file_location(name, root / "src" / "passaat" / "provenance.py")
    if spec is None or spec.loader is None:
        raise ImportError("src/passaat/provenance.py cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where its dataclass looks for what its annotations name
    spec.loader.exec_module(module)
    return module
