"""Machine code of driver and judge is found again by the next process, and never stale."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from passaat.model import compiled, judging, outcomes, schedule, world
from passaat.model.schedule import Step

RULE = """
from passaat.model.rules import rule


@rule
def grow(world, i):
    world.firms.turnover_eur[i] = world.firms.turnover_eur[i] * {growth}
"""


def test_the_next_process_finds_the_compiled_driver_and_judge() -> None:
    compiled.warm_up(lambda message: None)
    code = """
        from passaat.model import compiled, judging, outcomes
        said = []
        compiled.warm_up(said.append)
        ready = [compiled.driver_for(), judging.compiled_judge(outcomes.judge)]
        print(len(said), *(sum(made.stats.cache_hits.values()) for made in ready))
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["0", "1", "1"], found.stderr


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


def test_a_changed_order_of_columns_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns of one type would change places without any other trace: the compiler knows a table by its name."""
    before = compiled.fingerprint(schedule.QUARTER)
    columns = list(world.Engagements.__annotations__.items())
    turned = NamedTuple("Engagements", columns[::-1])  # type: ignore[misc]
    monkeypatch.setitem(world.TABLES, "engagements", turned)
    assert compiled.fingerprint(schedule.QUARTER) != before


def test_a_schedule_of_ones_own_leaves_the_judge_as_it_is() -> None:
    fewer = schedule.QUARTER[:-1]
    assert compiled.fingerprint(fewer) != compiled.fingerprint(schedule.QUARTER)
    before = judging.compiled_judge(outcomes.judge)
    compiled.driver_for(fewer)  # read, not run: nothing is compiled
    assert judging.compiled_judge(outcomes.judge) is before
    assert judging.fingerprint(outcomes.judge) != compiled.fingerprint(fewer)


def test_a_judge_that_has_to_be_compiled_is_announced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(judging, "is_compiled", lambda judge: False)
    compiled.warm_up(said.append)
    assert len(said) == 1


def test_compiling_is_announced_only_when_it_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled.is_compiled()
    monkeypatch.setenv("PASSAAT_CACHE_DIR", str(tmp_path))
    assert not compiled.is_compiled()
    assert compiled.cache_folder() == tmp_path
