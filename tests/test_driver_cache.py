"""Machine code of the driver is found again by the next process, and never stale."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from passaat.model import compiled, schedule
from passaat.model.schedule import Step

RULE = """
from passaat.model.rules import rule


@rule
def grow(world, i):
    world.firms.turnover_eur[i] = world.firms.turnover_eur[i] * {growth}
"""


def test_the_next_process_finds_the_compiled_driver() -> None:
    compiled.warm_up(lambda message: None)
    code = """
        from passaat.model import compiled
        said = []
        compiled.warm_up(said.append)
        hits = compiled.driver_for().stats.cache_hits
        print(len(said), sum(hits.values()))
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["0", "1"], found.stderr


def test_a_changed_rule_in_another_file_changes_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    names = set()
    for growth in ("1.01", "1.02"):
        module = f"growing_{growth.replace('.', '_')}"
        (tmp_path / f"{module}.py").write_text(RULE.format(growth=growth), encoding="utf-8")
        imported = __import__(module)
        names.add(compiled.fingerprint((*schedule.QUARTER, Step("firm", imported.grow))))
    assert len(names) == 2
    assert compiled.fingerprint(schedule.QUARTER) not in names


def test_the_last_digit_of_a_constant_table_changes_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    names = set()
    for place, entry in enumerate(("1.1", "1.1000000000000003")):
        module = f"growing_by_table_{place}"
        source = RULE.format(growth="TABLE[0]").replace(
            "\n\n\n@rule", f"\nTABLE = np.array([{entry}])\n\n\n@rule"
        )
        (tmp_path / f"{module}.py").write_text("import numpy as np\n" + source, encoding="utf-8")
        constants: set[str] = set()
        compiled._collect_sources(__import__(module).grow, set(), constants)
        names.add(next(part for part in constants if "TABLE = " in part).partition(".")[2])
    assert names == {"TABLE = [1.1]", "TABLE = [1.1000000000000003]"}


def test_compiling_is_announced_only_when_it_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled.is_compiled()
    monkeypatch.setenv("PASSAAT_CACHE_DIR", str(tmp_path))
    assert not compiled.is_compiled()
    assert compiled.cache_folder() == tmp_path
