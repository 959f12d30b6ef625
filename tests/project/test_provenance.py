"""What made a result: commit, libraries, machine; printed, and stored in every study. It never fails."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import passaat
from passaat import provenance
from passaat.cli.version import fingerprints
from passaat.errors import StudyError
from passaat.experiments.analyses.compare import compare
from passaat.experiments.analyses.studies import study_info
from passaat.experiments.design.cells import Design
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.export import runs_csv
from passaat.experiments.study.study import Study
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

FOLLOW_UP = load_scenario("follow-up", "option")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")


def git(folder: Path, *arguments: str) -> str:
    """What git answers, without anybody's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {
        f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    command = ["git", "-c", "commit.gpgsign=false", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file and one commit, inside a folder."""
    folder = tmp_path / "around" / "checkout"
    folder.mkdir(parents=True)
    (folder / "rule.py").write_text("rule = 1\n", encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", "rule.py")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


# The commit


@needs_git
def test_a_checkout_says_its_commit_and_whether_tracked_files_are_changed(checkout: Path) -> None:
    number = git(checkout, "rev-parse", "HEAD")[:12]
    assert provenance.commit_of_checkout(checkout) == number
    (checkout / "notes.txt").write_text("not tracked", encoding="utf-8")
    assert provenance.commit_of_checkout(checkout) == number
    (checkout / "rule.py").write_text("rule = 2\n", encoding="utf-8")
    assert provenance.commit_of_checkout(checkout) == f"{number}+changes"
    git(checkout, "add", "rule.py")
    assert provenance.commit_of_checkout(checkout) == f"{number}+changes"
    git(checkout, "commit", "--quiet", "-m", "second")
    assert re.fullmatch(r"[0-9a-f]{12}", provenance.commit_of_checkout(checkout))
    assert provenance.commit_of_checkout(checkout) != number


@needs_git
def test_asking_writes_nothing_into_the_checkout(checkout: Path) -> None:
    os.utime(checkout / "rule.py", (1, 1))  # git would note this in its index, if it were allowed to
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    provenance.commit_of_checkout(checkout)
    assert {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()} == before


@needs_git
def test_the_commit_is_not_that_of_another_checkout(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of a folder around it, nor of the one that a hook of git sets in the environment."""
    inside = checkout / "site-packages"
    inside.mkdir()
    assert provenance.commit_of_checkout(inside).startswith("unknown: neither a checkout nor a build")
    (inside / ".git").mkdir()
    assert provenance.commit_of_checkout(inside).startswith("unknown: git: ")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert re.fullmatch(r"[0-9a-f]{12}", provenance.commit_of_checkout(checkout))


@needs_git
def test_a_checkout_without_a_commit_is_unknown(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert provenance.commit_of_checkout(tmp_path).startswith("unknown: git: fatal: ")


def a_program(folder: Path, script: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
@pytest.mark.parametrize("entries", [("", "."), ("{here}",), ("bin",)])
def test_no_program_of_the_working_folder_is_run(
    entries: tuple[str, ...], checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "working"
    for folder in (here, here / "bin"):
        a_program(folder, f"touch {tmp_path / 'was-run'}")
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", os.pathsep.join(entry.format(here=here) for entry in entries))
    assert provenance.commit_of_checkout(checkout) == "unknown: git was not found"
    assert not (tmp_path / "was-run").exists()


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'it is broken' >&2; exit 3", "unknown: git: it is broken"),
        ("sleep 60", "unknown: git: .* timed out after"),
        ("printf '\\377\\376'", "unknown: git: .* can't decode byte"),
    ],
)
def test_a_git_that_fails_is_told_and_fails_nothing(
    script: str, says: str, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_program(tmp_path / "broken", script)
    monkeypatch.setattr(provenance, "_GIT_SECONDS", 0.5)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "broken"), os.environ["PATH"]]))
    assert re.match(says, provenance.commit_of_checkout(checkout))


def test_a_built_package_says_what_the_build_wrote(tmp_path: Path) -> None:
    assert provenance.stored_commit(tmp_path) == ""
    (tmp_path / provenance.COMMIT_FILE).write_text("0123456789ab\n", encoding="utf-8")
    assert provenance.stored_commit(tmp_path) == "0123456789ab"
    (tmp_path / provenance.COMMIT_FILE).write_bytes(b"\xff\xfe")
    assert provenance.stored_commit(tmp_path) == ""


# In print


def test_it_is_printed_in_a_fixed_order() -> None:
    lines = list(provenance.here({"behaviour": "0123"}).lines())
    assert lines[0] == f"passaat {passaat.__version__}"
    names = [line.split(" ")[0] for line in lines[1:]]
    libraries = (
        "python numpy numba llvmlite scipy mesa SALib scikit-learn matplotlib typer rich pydantic sqlite"
    )
    assert names == ["commit:", "behaviour:", *libraries.split(), "system:", "processor:"]
    assert f"python {sys.version.split()[0]}" in lines
    assert all(" unknown" not in line for line in lines[2:])


def test_a_library_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "LIBRARIES", ("numpy", "no-such-library"))
    assert provenance.libraries.__wrapped__()["no-such-library"] == "not installed"


def test_what_is_set_by_hand_for_the_compiler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert provenance.processor.__wrapped__().endswith(", NUMBA_CPU_NAME=generic")


ASK_EARLY = """
import sys
from passaat import provenance
from passaat.cli.version import fingerprints
made = provenance.here({})
assert made.libraries["numba"] and made.commit
print([name for name in ("numba", "scipy", "mesa") if name in sys.modules])
"""


def test_version_commit_and_libraries_need_no_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", ASK_EARLY], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_before_the_model_is_compiled_it_says_how_to_get_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passaat.model.engine.ready.is_compiled", lambda: False)
    found = fingerprints()
    assert re.fullmatch(r"[0-9a-f]{16}", found["driver"])
    assert {found[name] for name in ("behaviour", "posterior", "posterior rests on")} == {
        "not compiled yet: `passaat run pib` compiles the model, then ask again"
    }


def test_a_fault_is_told_in_place_of_a_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise OSError("no such\nthing")

    monkeypatch.setattr("passaat.model.engine.compiled.fingerprint", broken)
    monkeypatch.setattr("passaat.model.engine.ready.is_compiled", lambda: True)
    monkeypatch.setattr("passaat.experiments.design.simulator.behaviour_of_model", broken)
    monkeypatch.setattr("passaat.calibration.posterior.shipped_grounds", broken)
    monkeypatch.setattr("passaat.experiments.design.basis.basis_for", broken)
    assert set(fingerprints().values()) == {"unknown: OSError: no such thing"}


# In a study


def a_study(path: Path, toy: Simulator, pib: Scenario, draws: int = 3) -> None:
    compare(pib, [FOLLOW_UP], draws=draws, worlds_per_draw=2, study_path=path, simulator=toy)


@pytest.fixture
def made_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets what is made from now on be made by another commit."""

    def by(commit: str) -> None:
        monkeypatch.setattr(provenance, "commit", lambda: commit)

    return by


def test_a_study_stores_what_made_it(
    tmp_path: Path, toy: Simulator, pib: Scenario, made_by: Callable[[str], None]
) -> None:
    made_by("aaa")
    a_study(tmp_path / "one.db", toy, pib)
    with Study.read(tmp_path / "one.db") as study:
        stored = study.meta("made with")
        assert study.made_with() == json.loads(stored)
        assert study.continued_with() == []
    found = json.loads(stored)
    assert stored == json.dumps(found, sort_keys=True)
    assert list(found) == sorted(field.name for field in dataclasses.fields(provenance.Provenance))
    assert (found["version"], found["commit"]) == (passaat.__version__, "aaa")
    assert found["fingerprints"] == {"behaviour": "toy", "source of parameter draws": "prior ranges"}
    assert found["libraries"] == provenance.libraries()
    info = study_info(tmp_path / "one.db")
    assert info is not None
    assert (info.version, info.commit, info.made_with) == ("0.0-toy", "aaa", found)


def commits(path: Path) -> list[str]:
    """What made a study, and what went on with it."""
    with Study.read(path) as study:
        return [one["commit"] for one in (study.made_with(), *study.continued_with())]


def test_only_who_adds_runs_is_added_and_only_once(
    tmp_path: Path, toy: Simulator, pib: Scenario, made_by: Callable[[str], None]
) -> None:
    path = tmp_path / "one.db"
    for commit, draws, expected in (
        ("aaa", 2, ["aaa"]),
        ("aaa", 3, ["aaa"]),
        ("bbb", 3, ["aaa"]),  # nothing was missing
        ("bbb", 4, ["aaa", "bbb"]),
        ("ccc", 5, ["aaa", "bbb", "ccc"]),
        ("bbb", 6, ["aaa", "bbb", "ccc"]),
        ("aaa", 7, ["aaa", "bbb", "ccc"]),
    ):
        made_by(commit)
        a_study(path, toy, pib, draws)
        assert commits(path) == expected


def test_results_do_not_depend_on_what_made_them(
    tmp_path: Path, toy: Simulator, pib: Scenario, made_by: Callable[[str], None]
) -> None:
    texts = set()
    for commit in ("aaa", "bbb+changes"):
        made_by(commit)
        path = tmp_path / f"{commit}.db"
        a_study(path, toy, pib)
        with Study.read(path) as study:
            texts.add(runs_csv(study))
    assert len(texts) == 1
    assert "aaa" not in texts.pop()


def test_runs_that_were_taken_over_bring_what_made_them(
    tmp_path: Path, toy: Simulator, pib: Scenario, made_by: Callable[[str], None]
) -> None:
    made_by("aaa")
    a_study(tmp_path / "old.db", toy, pib)
    made_by("bbb")
    with Study.open(tmp_path / "new.db", toy, pib, 1) as study:
        with Study.read(tmp_path / "old.db") as old:
            study.register_parameters([old.parameters(draw) for draw in range(3)])
            twin, base = (old.arm(number)[0] for number in (1, 2))
        study.register([twin, base], list(Design(3, 2).cells()), twin)
        assert study.take_over(tmp_path / "old.db") > 0
    assert commits(tmp_path / "new.db") == ["bbb", "aaa"]


@pytest.mark.parametrize("key", ["made with", "continued with"])
@pytest.mark.parametrize("text", ["{", "3"])
def test_what_cannot_be_read_is_said(
    key: str, text: str, tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    a_study(tmp_path / "one.db", toy, pib)
    with Study.edit(tmp_path / "one.db") as study:
        study.set_meta(key, text)
        with pytest.raises(StudyError, match=f"is damaged: what it was {key} cannot be read"):
            _ = study.made_with(), study.continued_with()
