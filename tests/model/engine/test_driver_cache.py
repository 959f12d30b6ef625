"""Machine code of driver and judge is found again by the next process, and never stale."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from passaat.errors import ModelError
from passaat.model import outcomes, schedule
from passaat.model.engine import compiled, judging, ready
from passaat.model.kernel import machine_code
from passaat.model.schedule import Step

RULE = """
from passaat.model.kernel.rules import rule


@rule
def grow(world, i):
    world.firms.turnover_eur[i] = world.firms.turnover_eur[i] * {growth}
"""


def test_the_next_process_finds_the_compiled_driver_and_judge() -> None:
    ready.warm_up(lambda message: None)
    code = """
        from passaat.model.engine import compiled, judging, ready
        from passaat.model import outcomes
        said = []
        ready.warm_up(said.append)
        made_ready = [compiled.driver_for(), judging.compiled_judge(outcomes.judge)]
        print(len(said), *(sum(made.function.stats.cache_hits.values()) for made in made_ready))
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


def test_a_schedule_of_ones_own_leaves_the_judge_as_it_is() -> None:
    fewer = schedule.QUARTER[:-1]
    assert compiled.fingerprint(fewer) != compiled.fingerprint(schedule.QUARTER)
    before = judging.compiled_judge(outcomes.judge)
    compiled.driver_for(fewer)  # read, not run: nothing is compiled
    assert judging.compiled_judge(outcomes.judge) is before
    assert judging.fingerprint(outcomes.judge) != compiled.fingerprint(fewer)


def test_a_judge_that_has_to_be_compiled_is_announced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(judging.compiled_judge(outcomes.judge), "why_not_ready", lambda *given: [])
    ready.warm_up(said.append)
    assert len(said) == 1


def test_compiling_is_announced_only_when_it_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ready.is_compiled()
    monkeypatch.setenv("PASSAAT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(machine_code, "_own_folder", lambda: tmp_path / "own")
    monkeypatch.setattr(compiled, "_drivers", {})
    assert not ready.is_compiled()
    assert compiled.cache_folder() == tmp_path


EDITED = """
import sys
sys.path.insert(0, sys.argv[1])
import helpers
from myrules import gift
from passaat.model.engine.compiled import simulate
from passaat.model.provenance.golden import run_hash, small_inputs
from passaat.model.inputs import WorldSize
from passaat.model.engine.programme import Programme
from passaat.model.kernel.rules import rule
from passaat.model.schedule import Step


def factory(extra):
    @rule
    def gift(world, e):
        world.engagements.contacts[e] = helpers.bonus(world.engagements.contacts[e]) + extra
    return gift


inputs = small_inputs(size=WorldSize(2012, 2012, 2012, 2012, 30, 1, 2, 2, 2, 2, 1, 10, (1.0,)))
for one in (gift, factory(0.25), factory(float(sys.argv[2]))):
    quarter = (Step("engagement", one),)
    compiled = simulate(inputs, 1, quarter=quarter)
    same = run_hash(compiled) == run_hash(Programme(inputs, 1, schedule=quarter).run().result())
    print(same, float(compiled.world.engagements.contacts.sum()))
"""


@pytest.mark.slow
def test_edited_helpers_and_rules_of_a_factory_give_the_same_bits_under_both_drivers(tmp_path: Path) -> None:
    """Rules that call a helper through its module, or hold a number, before and after the helper is edited."""
    (tmp_path / "myrules.py").write_text(
        "import helpers\nfrom passaat.model.kernel.rules import rule\n\n\n@rule\ndef gift(world, e):\n"
        "    world.engagements.contacts[e] = helpers.bonus(world.engagements.contacts[e])\n",
        encoding="utf-8",
    )
    found = []
    for bonus in ("0.5", "5.0", "0.5"):
        text = (
            f"from passaat.model.kernel.rules import rule\n\n\n@rule\ndef bonus(x):\n    return x + {bonus}\n"
        )
        (tmp_path / "helpers.py").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", EDITED, str(tmp_path), bonus], capture_output=True, text=True, check=True
        )
        lines = [line.split() for line in done.stdout.splitlines()]
        assert [line[0] for line in lines] == ["True"] * 3, done.stdout
        found.append([float(line[1]) for line in lines])
    assert found[0] == found[2]
    # by hand: 60 engagements in 4 quarters, each given the bonus and what the factory adds, on top of the same start
    start = found[0][0] - 60 * 4 * 0.5
    expected = [start + 60 * 4 * gift for gift in (5.0, 5.25, 10.0)]
    assert found[1] == pytest.approx(expected)


def test_a_helper_defined_anew_in_this_process_is_refused_until_its_rule_is_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    text = (
        "import helpers_of_{n}\nfrom passaat.model.kernel.rules import rule\n\n\n@rule\ndef gift(world, e):\n"
    )
    text += "    world.firms.capacity[e] = helpers_of_{n}.bonus(world.firms.capacity[e])\n"
    (tmp_path / "rules_of_7.py").write_text(text.format(n=7), encoding="utf-8")
    helper = "from passaat.model.kernel.rules import rule\n\n\n@rule\ndef bonus(x):\n    return x + 0.5\n"
    (tmp_path / "helpers_of_7.py").write_text(helper, encoding="utf-8")
    rules = importlib.import_module("rules_of_7")
    steps = (Step("firm", rules.gift),)
    before = compiled.driver_for(steps)
    assert compiled.driver_for(steps) is before
    importlib.reload(sys.modules["helpers_of_7"])
    with pytest.raises(
        ModelError, match=r"helpers_of_7\.bonus was defined anew since a rule that uses it"
    ) as caught:
        compiled.driver_for(steps)
    assert "importlib.reload" in caught.value.hint
    importlib.reload(rules)
    assert compiled.driver_for((Step("firm", rules.gift),)) is not before
