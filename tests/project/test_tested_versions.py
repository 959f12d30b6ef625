"""The stored result of ``make test-all``: every setting is there, passed, and belongs to what is there now."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    """A script of .ci, which is no part of the package."""
    spec = importlib.util.spec_from_file_location(f"passaat_ci_{name}", ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tested = script("tested")
lowest = script("lowest")
NEEDS: list[str] = tested.project()["dependencies"]


def stale(results: dict[str, Any]) -> dict[str, str]:
    """Settings whose stored result cannot be relied on, and why."""
    why = {}
    for setting in tested.SETTINGS:
        found = results.get(setting)
        if found is None:
            why[setting] = "is not there"
        elif found["tests"]["failed"]:
            why[setting] = f"has {found['tests']['failed']} failed tests"
        elif found["depends_on"] != tested.depends_on():
            why[setting] = "was made with other bounds or another behaviour of the model"
    return why


def pins(lines: list[str], python: str) -> dict[str, str]:
    """Exact versions that constraints give for one Python, by name."""
    needs = [Requirement(line) for line in lines if not line.startswith("#")]
    here = [need for need in needs if need.marker is None or need.marker.evaluate({"python_version": python})]
    return {canonicalize_name(need.name): str(need.specifier).removeprefix("==") for need in here}


def test_every_setting_has_passed_with_the_present_bounds_and_model() -> None:
    why = stale(tested.stored())
    said = "; ".join(f"{setting} {reason}" for setting, reason in why.items())
    assert not why, f'docs/tested-versions.json: {said}. Way out: make test-all SETTINGS="{" ".join(why)}"'


def test_a_stored_result_cannot_hide_that_it_is_missing_failed_or_old() -> None:
    good = {"tests": {"passed": 9, "failed": 0, "skipped": 1}, "depends_on": tested.depends_on()}
    results: dict[str, Any] = dict.fromkeys(tested.SETTINGS, good)
    assert stale(results) == {}
    del results["3.11-lowest"]
    results["3.12-newest"] = {**good, "tests": {"passed": 8, "failed": 2, "skipped": 0}}
    results["3.13-newest"] = {**good, "depends_on": "before"}
    assert stale(results) == {
        "3.11-lowest": "is not there",
        "3.12-newest": "has 2 failed tests",
        "3.13-newest": "was made with other bounds or another behaviour of the model",
    }


@pytest.mark.parametrize("setting", tested.SETTINGS)
def test_each_setting_had_the_versions_that_its_name_says(setting: str) -> None:
    """The lowest are the bounds themselves; the newest are those of requirements.lock."""
    found = tested.stored().get(setting)
    assert found is not None, f"docs/tested-versions.json has no {setting}: make test-all SETTINGS={setting}"
    python, end = setting.split("-")
    assert found["python"].startswith(f"{python}.")
    assert found["tests"]["passed"] > 1000
    had: dict[str, Version] = {
        canonicalize_name(name): Version(version) for name, version in found["packages"].items()
    }
    if end == "lowest":
        wanted = pins(lowest.lowest(NEEDS), python)
    else:
        locked = pins((ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines(), python)
        wanted = {name: locked[name] for name in had}
    differing = [name for name, version in wanted.items() if had[name] != Version(version)]
    way_out = f'make test-all SETTINGS="{setting}"' if end == "lowest" else "make test-all, then make lock"
    assert differing == [], f"{setting} was tested with other versions. Way out: {way_out}"


@pytest.mark.parametrize("python", tested.PYTHONS)
def test_the_lowest_versions_are_the_bounds_of_every_package_needed_to_run(python: str) -> None:
    found = pins(lowest.lowest(NEEDS), python)
    needs = [Requirement(need) for need in NEEDS]
    here = [need for need in needs if need.marker is None or need.marker.evaluate({"python_version": python})]
    assert sorted(found) == sorted({canonicalize_name(need.name) for need in needs})
    assert len(here) == len(found), f"two bounds for one package on Python {python}"
    for need in here:
        assert f">={found[canonicalize_name(need.name)]}" in str(need.specifier).split(",")


def test_a_bound_that_cannot_be_read_is_said() -> None:
    with pytest.raises(SystemExit, match=re.escape("'numpy' is not written as NAME>=LOWEST,<ABOVE")):
        lowest.lowest(["numba>=0.61,<1", "numpy"])


REPORT = """<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="20">
</testsuite></testsuites>"""


def test_recording_one_setting_keeps_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report, file = tmp_path / "result.xml", tmp_path / "tested.json"
    report.write_text(REPORT, encoding="utf-8")
    monkeypatch.setattr(tested, "STORED", file)
    tested.record("3.13-newest", report)
    tested.record("3.11-lowest", report)
    text = file.read_text(encoding="utf-8")
    stored = json.loads(text)
    assert list(stored) == ["3.11-lowest", "3.13-newest"]
    assert stored["3.11-lowest"]["tests"] == {"passed": 14, "failed": 3, "skipped": 3}
    assert {"numpy", "mesa", "SALib", "distributed", "duckdb"} <= set(stored["3.11-lowest"]["packages"])
    tested.record("3.11-lowest", report)
    assert file.read_text(encoding="utf-8") == text
    tested.record("3.11-lowest", None)
    assert list(json.loads(file.read_text(encoding="utf-8"))) == ["3.13-newest"]
    with pytest.raises(SystemExit, match=r"'3\.14' is no setting; there are 3\.11-lowest"):
        tested.record("3.14", report)


def test_what_results_depend_on_follows_every_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tested.depends_on()
    table = tested.project()
    changed = {**table, "dependencies": [*table["dependencies"][:-1], "emcee>=3.1.5,<4"]}
    monkeypatch.setattr(tested, "project", lambda: {**table})
    assert tested.depends_on() == before
    monkeypatch.setattr(tested, "project", lambda: changed)
    assert tested.depends_on() != before
