"""What is generated is fresh; one command writes it, says what it leaves alone, and comparing writes nothing."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from passaat.model.provenance import claims

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generated() -> Iterator[Any]:
    """.ci/generated.py, which is no part of the package."""
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location("passaat_ci_generated", ROOT / ".ci" / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path
    for name in (spec.name, *module.QUICK):
        if not name.startswith("passaat."):
            sys.modules.pop(name, None)  # other tests load the scripts of docs under names of their own


def test_all_that_is_generated_is_fresh(generated: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert generated.main(["--check"]) == 0, capsys.readouterr().err
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def trial(generated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The texts of one generator, which writes into a folder of its own."""
    texts = {"docs/page.md": "one\n"}
    module = ModuleType("a_generator_on_trial")
    module.generated = lambda: texts  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(generated, "QUICK", {module.__name__: "texts"})
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    return texts


def test_a_file_that_is_missing_or_stale_is_named_and_then_written(
    generated: Any, trial: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("one\n", "two\n"):
        trial["docs/page.md"] = text
        assert generated.main(["--check"]) == 1
        assert capsys.readouterr() == ("", "docs/page.md is out of date: run `make generated`\n")
        assert generated.main([]) == 0
        assert capsys.readouterr().out.startswith("wrote docs/page.md\n")
        assert (tmp_path / "docs" / "page.md").read_bytes() == text.encode()
        assert generated.main(["--check"]) == 0


def test_what_is_fresh_is_not_written_again(
    generated: Any, trial: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs" / "page.md"
    page.write_text(trial["docs/page.md"], encoding="utf-8")
    before = page.stat().st_ino
    assert generated.main([]) == 0
    assert "wrote" not in capsys.readouterr().out
    assert page.stat().st_ino == before


@pytest.mark.usefixtures("trial")
def test_what_cannot_be_made_is_told(
    generated: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> dict[str, str]:
        raise ValueError("glossary.toml: path stands behind road")

    monkeypatch.setattr(sys.modules["a_generator_on_trial"], "generated", broken)
    for arguments in ([], ["--check"]):
        assert generated.main(arguments) == 1
        assert capsys.readouterr().err == "glossary.toml: path stands behind road\n"


@pytest.mark.usefixtures("trial")
def test_a_lost_claim_fails_although_the_page_is_written(
    generated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = claims.read_ledger()
    lost = next(iter(ledger.left_out))
    less = {id: why for id, why in ledger.left_out.items() if id != lost}
    monkeypatch.setattr(claims, "read_ledger", lambda: replace(ledger, left_out=less))
    monkeypatch.setattr(generated, "QUICK", {claims.__name__: "the rules"})
    assert generated.main([]) == 1
    assert f"not in model/left_out.toml (1): {lost}" in capsys.readouterr().err
    assert f"| {lost} |" in (tmp_path / "docs" / "claims.md").read_text(encoding="utf-8")


def test_what_is_left_alone_exists_with_the_test_that_watches_it(generated: Any) -> None:
    for kept in generated.NOT_REMADE:
        assert all((ROOT / file).exists() for file in kept.files), kept
        assert not kept.test or list((ROOT / "tests").rglob(kept.test)), kept


def test_files_that_say_they_are_generated_are(generated: Any) -> None:
    """A file says so near its beginning, or in the marker of a part."""
    says = re.compile(r"(?:Generated|Made|made|written)\b[^\n]* by `+make generated`")
    found = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("model/**/*.py", "docs/*.md")
        for path in ROOT.glob(pattern)
        if any(says.search(line) for line in path.read_text(encoding="utf-8").splitlines())
    }
    sys.path.insert(0, str(ROOT / "docs"))
    made = {file for name in generated.QUICK for file in importlib.import_module(name).generated()}
    sources = {"model/kernel/elementary_tables_source.py", "model/parameters.py", "model/provenance/odd.py",
               "model/provenance/claims.py"}  # fmt: skip
    assert found - sources == made
