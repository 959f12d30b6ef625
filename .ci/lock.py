"""Write requirements.lock: exact versions, with environment markers where the supported Pythons differ.

Usage: ``python .ci/lock.py .venv-3.11-newest .venv-3.12-newest .venv-3.13-newest`` (made by ``make test-all``).
Only what passaat and its `dev` extra need is written, not what happens to be installed beside them.
"""

import json
import subprocess
import sys
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
ROOT = Path(__file__).resolve().parent.parent

# Runs inside each environment: follow the requirements of passaat[dev] through the installed packages.
CLOSURE = """
import json, sys
from importlib.metadata import PackageNotFoundError, distribution
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
versions, todo, seen = {}, [("passaat", "dev"), ("passaat", "")], set()
while todo:
    name, extra = todo.pop()
    if (name, extra) in seen:
        continue
    seen.add((name, extra))
    try:
        found = distribution(name)
    except PackageNotFoundError:
        raise SystemExit(f"{name} is required but not installed in {sys.prefix}")
    if name != "passaat":
        versions[name] = found.version
    for line in found.requires or []:
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"extra": extra}):
            todo += [(canonicalize_name(need.name), e) for e in ("", *need.extras)]
print(json.dumps([".".join(map(str, sys.version_info[:2])), versions]))
"""

HEADER = """\
# The versions passaat was last tested with: constraints, not requirements.
#   pip install -c requirements.lock .
# Written by .ci/lock.py; versions and environment markers only.
"""


def versions_in(environment: Path) -> tuple[str, dict[str, str]]:
    """Python version and the packages (name to version) that passaat[dev] needs in one environment."""
    answer = subprocess.run(
        [environment / "bin" / "python", "-c", CLOSURE], check=True, capture_output=True, text=True
    )
    python, versions = json.loads(answer.stdout)
    return python, versions


def marker(pythons: list[str]) -> str:
    """The environment marker that holds for exactly these of the supported Pythons."""
    if pythons == list(PYTHONS):
        return ""
    if pythons == list(PYTHONS[: len(pythons)]):
        return f' ; python_version < "{PYTHONS[len(pythons)]}"'
    if pythons == list(PYTHONS[-len(pythons) :]):
        return f' ; python_version >= "{pythons[0]}"'
    return " ; " + " or ".join(f'python_version == "{python}"' for python in pythons)


def main(environments: list[str]) -> None:
    """Merge the environments and write the file."""
    found = dict(versions_in(Path(environment)) for environment in environments)
    if sorted(found) != sorted(PYTHONS):
        raise SystemExit(f"one environment per Python {', '.join(PYTHONS)} is needed; got {', '.join(found)}")
    lines = []
    for name in sorted({name for versions in found.values() for name in versions}):
        by_version: dict[str, list[str]] = {}
        for python in PYTHONS:
            if name in found[python]:
                by_version.setdefault(found[python][name], []).append(python)
        lines += [f"{name}=={version}{marker(pythons)}" for version, pythons in by_version.items()]
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
