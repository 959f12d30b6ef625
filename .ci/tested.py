"""Keep docs/tested-versions.json: with which Pythons and versions of packages the quick tests last passed.

Usage, inside the environment of a setting: ``python .ci/tested.py 3.11-lowest result.xml`` (the JUnit report of its
tests); without a report, the setting's result is removed. ``make test-all`` calls it; test_tested_versions.py
demands that every setting is there, passed, and depends on what is there now.
"""

import hashlib
import json
import platform
import sys
import tomllib
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "tested-versions.json"
PYTHONS = ("3.11", "3.12", "3.13")
SETTINGS = tuple(f"{python}-{end}" for python in PYTHONS for end in ("lowest", "newest"))


def project() -> dict[str, Any]:
    """The table [project] of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def bounds() -> list[str]:
    """What passaat asks for, to run and in the extras of users, as pyproject.toml writes it."""
    table = project()
    extras = table["optional-dependencies"]
    return [*table["dependencies"], *(need for extra in extras if extra != "dev" for need in extras[extra])]


def depends_on() -> str:
    """Digest of all that makes a stored result stale when it changes: the bounds, and the bits that the model gives.

    Columns and outcomes that are new since do not: they stand apart until the next ``make test-all``.
    """
    bits = json.loads((ROOT / "tests" / "exact_bits.json").read_text(encoding="utf-8"))
    parts = {
        "python": project()["requires-python"],
        "bounds": bounds(),
        "bits": {part: hashes for part, hashes in bits.items() if part != "new"},
    }
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=12).hexdigest()


def counts(report: Path) -> dict[str, int]:
    """How many tests passed, failed (errors too) and were skipped, from a JUnit report."""
    suites = ET.parse(report).getroot().iter("testsuite")
    total = failed = skipped = 0
    for suite in suites:
        total += int(suite.attrib["tests"])
        failed += int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        skipped += int(suite.attrib["skipped"])
    return {"passed": total - failed - skipped, "failed": failed, "skipped": skipped}


def stored() -> dict[str, Any]:
    """The results that are stored, by setting."""
    if not STORED.exists():
        return {}
    results: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return results


def record(setting: str, report: Path | None) -> None:
    """Store the result of one setting, tested by this interpreter; those of the others stay as they are.

    Without a report there is no result: what was stored before is removed.
    """
    if setting not in SETTINGS:
        raise SystemExit(f"{setting!r} is no setting; there are {', '.join(SETTINGS)}")
    results = stored()
    results.pop(setting, None)
    if report is not None:
        results[setting] = {
            "python": platform.python_version(),
            "packages": {name: version(name) for name in {need.split(">=")[0] for need in bounds()}},
            "tests": counts(report),
            "depends_on": depends_on(),
        }
    STORED.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
