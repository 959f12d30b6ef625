"""The pages on experiments at scale show what the present model gives, and only commands and plans that exist."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main

from passaat.cli import app
from passaat.experiments.analyses.sweep import simulator_for
from passaat.experiments.design.plan_files import read_plan, shipped_plans
from passaat.experiments.study.study import Study
from passaat.experiments.study.sweeps import register_plan
from passaat.model.provenance.golden import behaviour

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ("how-many-runs.md", "sensitivity.md", "discovery.md", "studies.md")
ANALYSES = ("sweep", "sensitivity", "discover", "tradeoffs")
LARGEST_FIGURE = 200_000


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def script() -> ModuleType:
    """docs/at_scale.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("at_scale", DOCS / "at_scale.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored() -> Any:
    return json.loads(page("at-scale.json"))


# --- what is shown is what the model gives ----------------------------------------------------------------------


def test_the_worked_results_belong_to_the_present_model(stored: Any) -> None:
    assert stored["behaviour"] == behaviour(), (
        "the model behaves differently now: run `python docs/at_scale.py`, then `make generated`"
    )


def test_every_block_has_its_place_in_a_page(stored: Any) -> None:
    made = script()
    blocks = made.blocks(stored)
    shown = {name: made.blocks_in(page(name)) for name in PAGES}
    assert sorted(blocks) == sorted(block for of in shown.values() for block in of)


def test_a_block_that_was_changed_by_hand_is_noticed(stored: Any) -> None:
    made = script()
    text = page(PAGES[0])
    name, shown = next(iter(made.blocks_in(text).items()))
    digit = re.search(r"\d", shown)
    assert digit is not None
    changed = text.replace(shown, shown[: digit.start()] + "x" + shown[digit.end() :])
    assert made.blocks_in(changed)[name] != made.blocks(stored)[name]


def test_figures_are_there_small_and_used() -> None:
    used = {name for one in PAGES for name in re.findall(r"\(figures/(at-scale-[^)]+)\)", page(one))}
    there = {path.name: path.stat().st_size for path in (DOCS / "figures").glob("at-scale-*")}
    assert used == set(there)
    assert max(there.values()) < LARGEST_FIGURE
    assert min(there.values()) > 10_000


# --- what is shown can be typed ---------------------------------------------------------------------------------


def commands() -> list[str]:
    """Every `passaat …` in code of the pages and of README's section, without comment."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Experiments at scale\n")[1].split("\n## ")[0]
    found = []
    for text in (*(page(name) for name in PAGES), section):
        prose = re.sub(r"<!-- at-scale (\S+):.*?<!-- end of at-scale \1 -->", "", text, flags=re.DOTALL)
        lines = [line.strip() for line in prose.splitlines() if line.strip().startswith("passaat ")]
        found += [line.split("  #")[0].split("   ")[0].strip() for line in lines]
        found += [line.replace("\n", " ") for line in re.findall(r"`(passaat [a-z][^`]*)`", prose)]
    return sorted(set(found))


def test_commands_are_found() -> None:
    names = {shlex.split(line)[1] for line in commands()}
    assert {"sweep", "studies", "resume", "extend", "verify", "export", "replicate", *ANALYSES} <= names


@pytest.mark.parametrize("line", commands())
def test_a_shown_command_exists_with_its_options_and_plans(line: str) -> None:
    group = typer.main.get_command(app)
    _, name, *arguments = shlex.split(line)
    command = group.commands[name]  # type: ignore[attr-defined]
    if arguments:  # a bare name in a sentence is no call
        command.make_context(name, list(arguments))  # parses, and refuses what it does not know; runs nothing
    if name in ANALYSES and arguments and Path(arguments[0]).suffix not in (".toml", ".db"):
        assert arguments[0] in shipped_plans()


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    group = typer.main.get_command(app)
    with pytest.raises(Exception, match="--reusing"):
        group.commands["sweep"].make_context("sweep", ["what-matters", "--reusing", "a.db"])  # type: ignore[attr-defined]


def test_every_shipped_plan_is_named_and_every_named_plan_ships() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \|.*passaat", page("studies.md"), re.MULTILINE)
    assert sorted(listed) == sorted(shipped_plans())


def test_links_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    texts = [(DOCS, page(name)) for name in (*PAGES, "python.md")] + [(ROOT, readme)]
    links = [(folder, link) for folder, text in texts for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)]
    assert len(links) > 40
    missing = [link for folder, link in links if "://" not in link and not (folder / link).exists()]
    assert missing == []


# --- the study file and the database of docs/studies.md -----------------------------------------------------------


@pytest.fixture(scope="module")
def shown_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study file that the page shows, registered in a database and not run."""
    folder = tmp_path_factory.mktemp("shown")
    (text,) = re.findall(r"```toml\n(.*?)```", page("studies.md"), re.DOTALL)
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    plan = read_plan(folder / "mine.toml")
    model = simulator_for(plan)
    with Study.open(folder / "mine.db", model, plan.reference, plan.seed, "sweep") as study:
        register_plan(study, plan, model)
    return folder / "mine.db"


def test_the_study_file_on_the_page_is_a_plan_and_shows_every_key() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", page("studies.md"), re.DOTALL)
    for key in (
        "name",
        "question",
        "reference",
        "options",
        "method",
        "points",
        "worlds",
        "luck",
        "seed",
        "rest",
        "draws",
    ):
        assert re.search(rf"^{key} = ", text, re.MULTILINE), key
    for key in ("steps", "second_order", "file"):
        assert f"`{key}" in page("studies.md"), key


def test_sql_on_the_page_is_answered(shown_study: Path) -> None:
    queries = re.findall(r"```sql\n(.*?)```", page("studies.md"), re.DOTALL)
    assert len(queries) == 2
    with Study.read(shown_study) as study:
        by_years = list(study.rows(queries[0]))
        assert [years for years, _, _ in by_years] == [1, 2, 3, 4, 5, 6]
        assert sum(pairs for _, pairs, _ in by_years) == 40 * 2
        assert list(study.rows(queries[1])) == []


def test_tables_named_on_the_page_are_those_of_the_file(shown_study: Path) -> None:
    with Study.read(shown_study) as study:
        there = {
            name for (name,) in study.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        }
    table = page("studies.md").split("| table | holds |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == there


def test_python_on_the_page_can_be_read() -> None:
    blocks = re.findall(r"```python\n(.*?)```", page("studies.md"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        compile(block, "studies.md", "exec")
