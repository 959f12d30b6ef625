"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

Usage: ``python .ci/lowest.py > constraints.txt``. Only what passaat needs to run is held down; what that needs in turn,
the extras and the tools of developers stay at their newest. There are no exceptions for one Python: where a bound's
version cannot be had for it, pyproject.toml has a second bound with a marker.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOUND = re.compile(r"(?P<name>[\w.-]+)>=(?P<lowest>[\d.]+),<[\d.]+(?P<marker> ; .+)?")


def lowest(needs: list[str]) -> list[str]:
    """Each need, such as ``numpy>=2.0,<3 ; python_version < "3.13"``, with its lowest version alone; markers stay."""
    found = []
    for need in needs:
        bound = BOUND.fullmatch(need)
        if bound is None:
            raise SystemExit(f"pyproject.toml: {need!r} is not written as NAME>=LOWEST,<ABOVE ; MARKER")
        found.append(f"{bound['name']}=={bound['lowest']}{bound['marker'] or ''}")
    return found


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print("\n".join(lowest(project["dependencies"])))
