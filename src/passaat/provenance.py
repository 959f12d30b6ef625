"""What made a result: version, commit, fingerprints, libraries, system and processor, for a report of a fault.

`passaat --version` prints it, and every study file stores it. No result depends on it.

The build of a wheel loads this very file by its path, to write the commit into the package. Nothing but the standard
library is imported here before it is needed.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

COMMIT_FILE: Final = "commit.txt"
"""File in the package that a build writes the commit into; a checkout has none."""

COMMIT_DIGITS: Final = 12

CHANGED: Final = "+changes"
"""Follows a commit where tracked files differ from it."""

LIBRARIES: Final = (
    "numpy",
    "numba",
    "llvmlite",
    "scipy",
    "mesa",
    "SALib",
    "scikit-learn",
    "matplotlib",
    "typer",
    "rich",
    "pydantic",
)


_GIT_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Provenance:
    """What made a result.

    Attributes:
        version: of passaat.
        commit: of its source, with ``+changes`` where tracked files differ; "unknown" with the reason where it is not
            known.
        fingerprints: of what decides results, by name.
        libraries: versions of Python, SQLite and the libraries that results or files may hang on, by name.
        system: operating system and machine.
        processor: what the compiler takes the processor for.
    """

    version: str
    commit: str
    fingerprints: Mapping[str, str]
    libraries: Mapping[str, str]
    system: str
    processor: str

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)

    def to_json(self) -> str:
        """All of it as one line, the same text for the same provenance."""
        return json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False)

    def lines(self) -> Iterator[str]:
        """All of it as lines of text, in a fixed order."""
        yield f"passaat {self.version}"
        yield f"commit: {self.commit}"
        yield from (f"{name}: {value}" for name, value in self.fingerprints.items())
        yield from (f"{name} {value}" for name, value in self.libraries.items())
        yield f"system: {self.system}"
        yield f"processor: {self.processor}"


def here(fingerprints: Mapping[str, str]) -> Provenance:
    """What makes results in this very process, with these fingerprints. Nothing is compiled for it."""
    from passaat import __version__

    return Provenance(
        version=__version__,
        commit=commit(),
        fingerprints=dict(fingerprints),
        libraries=libraries(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=processor(),
    )


def or_why_not(work: Callable[[], str]) -> str:
    try:
        return work()
    except Exception as error:  # a broken library, or a broken installation, may be what is reported
        return f"unknown: {type(error).__name__}: {' '.join(str(error).split())}"


# --- libraries and machine --------------------------------------------------------------------------------------


@cache
def libraries() -> Mapping[str, str]:
    """Versions by name, in a fixed order."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    found["sqlite"] = sqlite3.sqlite_version
    return found


@cache
def processor() -> str:
    """The processor that the compiler makes code for, and what was set by hand."""
    by_hand = [
        f"{name}={os.environ[name]}"
        for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
        if os.environ.get(name) is not None
    ]
    return ", ".join([or_why_not(_host), *by_hand])


def _host() -> str:
    from llvmlite import binding

    return str(binding.get_host_cpu_name())


# --- commit -----------------------------------------------------------------------------------------------------


@cache
def commit() -> str:
    """The commit that this package was made from, or "unknown" and why; in a checkout git is asked."""
    package = Path(__file__).resolve().parent
    return stored_commit(package) or commit_of_checkout(package.parent.parent)


def stored_commit(package: Path) -> str:
    """The commit that a build wrote into a package; empty where none did."""
    try:
        return (package / COMMIT_FILE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def commit_of_checkout(root: Path) -> str:
    """The commit of a checkout of passaat, or "unknown" and why. Never fails."""
    if not (root / ".git").exists():
        return "unknown: neither a checkout nor a build that wrote it down"
    git = _git_program()
    if git is None:
        return "unknown: git was not found"
    try:
        number = _ask(git, root, "rev-parse", "--verify", "HEAD")
        changed = _ask(git, root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return f"unknown: git: {' '.join(said.split())}"
    return number.strip()[:COMMIT_DIGITS] + (CHANGED if changed.strip() else "")


def _ask(git: Path, root: Path, *question: str) -> str:
    """What git says of one checkout, and of no other: neither of a folder around it, nor of one that the environment
    names. Nothing is written, and no program that a configuration names is started to watch files.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {
        "GIT_CEILING_DIRECTORIES": str(root.parent),
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    done = subprocess.run(
        [git, "-c", "core.fsmonitor=false", *question],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_GIT_SECONDS,
        check=True,
    )
    return done.stdout


def _git_program() -> Path | None:
    """git as the PATH names it, but never one that lies in the working folder.

    Windows looks there first, and a PATH may name it, as an empty entry or a dot.
    """
    working = Path.cwd()
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        folder = Path(entry)
        if not folder.is_absolute() or folder.resolve() == working:
            continue
        program = folder / ("git.exe" if os.name == "nt" else "git")
        if program.is_file() and os.access(program, os.X_OK):
            return program
    return None
