"""What is generated: written where it is out of date, or only compared; and what else is made from code, and how.

`make generated` (`python .ci/generated.py`)                   write what follows from code and tables in seconds
`make generated CHECK=1` (`python .ci/generated.py --check`)   write nothing, fail when a file is out of date

A generator is a module with a function `generated`, which returns the texts of its files. Files that take long runs, a
measurement or a decision are not touched; `make generated` lists them, each with its command and with the test that
fails while it is out of date.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from passaat.errors import PassaatError
from passaat.writing import write_whole

ROOT: Final = Path(__file__).resolve().parents[1]

QUICK: Final = {
    "passaat.model.kernel.elementary_tables_source": "decimal arithmetic",
    "passaat.model.parameters": "model/parameters.toml",
    "passaat.scenarios.generate": "scenarios/levers.toml and the rules",
    "passaat.model.provenance.odd": "the rules and their tables",
    "passaat.model.provenance.claims": "the rules, scenarios/levers.toml and model/left_out.toml",
    "glossary": "docs/glossary.toml and scenarios/levers.toml",
    "calibration": "calibration/posterior",
    "ledger": "calibration/evidence, calibration/roles.toml and what cites facts",
    "at_scale": "docs/at-scale.json",
}
"""Generators that take seconds, and what each reads. What the others import stands first."""


@dataclass(frozen=True)
class NotRemade:
    """Files that `make generated` leaves as they are.

    Attributes:
        test: the test file that fails while they are out of date; empty where none can tell.
        why: what remaking takes.
    """

    files: tuple[str, ...]
    command: str
    test: str
    why: str


NOT_REMADE: Final = (
    NotRemade(("tests/golden.json",), "python -m passaat.model.provenance.golden --write tests/golden.json",
              "test_drivers.py", "a decision: results change"),
    NotRemade(("tests/exact_bits.json",), "python -m tests.exact_bits --write",
              "test_drivers.py", "a decision: results change"),
    NotRemade(("tests/inference_code.json",), "python -m tests.calibration.test_grounds",
              "test_grounds.py", "a decision: does the posterior change?"),
    NotRemade(("README.md", "docs/first-result.json"), "python docs/first_result.py",
              "test_first_result.py", "runs the model"),
    NotRemade(("docs/cases.md", "docs/cases.json"), "python docs/cases.py", "test_cases.py", "runs the model"),
    NotRemade(("docs/at-scale.json", "docs/figures"), "python docs/at_scale.py", "test_at_scale.py", "runs the model"),
    NotRemade(("tests/directions/results.json",), "python -m tests.directions",
              "test_directions.py", "runs the model"),
    NotRemade(("calibration/posterior",), "passaat calibrate", "test_calibration.py", "runs the model"),
    NotRemade(("docs/tested-versions.json",), "make test-all", "test_tested_versions.py", "tests all versions"),
    NotRemade(("requirements.lock",), "make lock", "test_packaging.py", "after make test-all"),
    NotRemade(("docs/performance.md", "benchmarks/results.json"), "make bench", "", "a quiet machine"),
)  # fmt: skip
"""Files that take long runs, a measurement, or a decision of somebody."""


def main(arguments: list[str]) -> int:
    """Write what is out of date, or only compare; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python .ci/generated.py", description="What is made from the code."
    )
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is out of date")
    check = parser.parse_args(arguments).check
    sys.path.insert(0, str(ROOT / "docs"))
    problems: list[str] = []
    for name in QUICK:
        try:
            module = importlib.import_module(name)
            stale = stale_files(module.generated())
            problems += getattr(module, "undecided", list)()
        except (AssertionError, PassaatError, ValueError) as error:
            problems.append(str(error))
            continue
        if check:
            problems += [f"{file} is out of date: run `make generated`" for file in stale]
            continue
        for file, text in stale.items():
            write_whole(ROOT / file, text)
            print(f"wrote {file}")
        if any(file.endswith(".py") for file in stale):
            # What was imported here is of before: a new process goes on.
            return subprocess.run([sys.executable, __file__], check=False).returncode
    if not check:
        print("\n".join(["", "Not made anew by this command:", *map(in_words, NOT_REMADE)]))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def stale_files(generated: dict[str, str]) -> dict[str, str]:
    """Those files whose text is not the one that was generated, with that text."""
    return {
        file: text
        for file, text in generated.items()
        if not (ROOT / file).is_file() or (ROOT / file).read_text(encoding="utf-8") != text
    }


def in_words(kept: NotRemade) -> str:
    """Files, command and test on one line."""
    told = f"; {kept.test} fails while out of date" if kept.test else ""
    return f"  {', '.join(kept.files)}: {kept.command} ({kept.why}{told})"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
