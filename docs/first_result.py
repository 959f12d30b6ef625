"""Make the first result that README shows: the table and its sentence, the figures, and what `make demo` prints.

`python docs/first_result.py` runs the command of `make demo` and writes docs/first-result.json,
the figures and the block of README between the markers. `python docs/first_result.py --check STUDY PRINTED` tells
whether a study that `make demo` has made, and what it printed, are those of README, to the character; `.ci/run` asks.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from passaat.experiments.analyses.equal_money import LEAST_REACHED, TOLERANCE
from passaat.experiments.results.numbers import three_shares
from passaat.experiments.stats.shares import Shares
from passaat.model.provenance.golden import behaviour
from passaat.writing import with_part

HERE: Final = Path(__file__).parent
README: Final = HERE.parent / "README.md"
STORED: Final = HERE / "first-result.json"
OPTIONS: Final = ("stricter-selection", "go-no-go", "follow-up", "sme-focus")
BEGIN: Final = "<!-- first-result: made by `python docs/first_result.py`, do not edit -->"
HEADLINE: Final = "additional_exports_net_eur"
UNTIL: Final = "additional_exports_net_until_evaluation_eur"
END: Final = "<!-- end of first-result -->"


def main() -> int:
    """Make the first result, or hold one against it; 1 where they differ."""
    parser = argparse.ArgumentParser(
        prog="python docs/first_result.py", description="The first result of README."
    )
    parser.add_argument(
        "--check",
        nargs=2,
        type=Path,
        metavar=("STUDY", "PRINTED"),
        help="a study, and the text it was printed with",
    )
    check = parser.parse_args().check
    if check is None:
        write()
        return 0
    problems = differences(stored_result(check[0]), check[1].read_text(encoding="utf-8"))
    print("\n".join(problems) if problems else "README shows what `make demo` prints.")
    return 1 if problems else 0


def write() -> None:
    """Run the command of `make demo` and write everything that README shows of it."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "pib-next.db"
        printed = passaat("compare", "pib-next", "--options", *OPTIONS, "--study", str(study))
        result = stored_result(study)
        for made in sorted(Path(folder).glob("*.png")):
            kind = "first-result-funnel" if "funnel" in made.name else "first-result"
            shutil.copyfile(made, HERE / "figures" / f"{kind}.png")
    STORED.write_text(stored_text(result), encoding="utf-8", newline="\n")
    text = with_part(README.read_text(encoding="utf-8"), BEGIN, END, readme_block(result, printed))
    README.write_text(text, encoding="utf-8", newline="\n")


def passaat(*arguments: str) -> str:
    """What a command prints; what it says beside that goes to the terminal."""
    command = [sys.executable, "-m", "passaat", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode("utf-8")


def stored_result(study: Path) -> dict[str, Any]:
    """The comparison that a study holds, as plain data; its numbers have nine significant digits."""
    found: dict[str, Any] = json.loads(passaat("resume", str(study), "--json"))
    return found


def stored_text(result: dict[str, Any]) -> str:
    """What docs/first-result.json holds."""
    return json.dumps({"behaviour": behaviour(), "result": result}, indent=1, sort_keys=True) + "\n"


def differences(result: dict[str, Any], printed: str) -> list[str]:
    """What a comparison and its text have that the stored ones have not, line by line; empty where all is equal."""
    found = []
    block = README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    for name, stored, now in (
        ("README.md", block.strip(), readme_block(result, printed).strip()),
        ("docs/first-result.json", STORED.read_text(encoding="utf-8"), stored_text(result)),
    ):
        lines = list(
            difflib.unified_diff(stored.splitlines(), now.splitlines(), name, "now", lineterm="", n=0)
        )
        found += [*lines[:40], f"... {len(lines) - 40} more lines"] if len(lines) > 40 else lines
    return found


def signed(eur: float) -> str:
    """A difference in whole millions with its sign; a plain zero where it rounds to nothing."""
    text = f"{eur / 1e6:+,.0f}"
    return text if text.strip("+-0") else "0"


def _with_range(found: dict[str, Any]) -> str:
    """A mean difference and its 5-95 % over parameter draws, in M EUR."""
    low, high = found["draws"]["low"], found["draws"]["high"]
    return f"{signed(found['mean'])} ({signed(low)} to {signed(high)})"


def readme_block(result: dict[str, Any], printed: str) -> str:
    """The part of README that shows the result, in Markdown.

    Args:
        result: the comparison as plain data.
        printed: what the command printed.
    """
    cost = result["levels"]["public_cost_eur"]["mean"] / 1e6
    exports = result["levels"][HEADLINE]["mean"] / 1e6
    design, year, last = result["design"], result["evaluation_year"], result["last_year"]
    lines = [
        f"Reference: {cost:.1f} M EUR of public money, {exports:,.0f} M EUR of net additional exports until {last}, on",
        f"average over parameter draws: {result['drawn_from']}. What the four options would change, in M EUR:",
        "",
        f"| option | public cost | net exports until {year} | until {last} (5-95 %) | median |"
        " better / same / worse, % | at equal public money (5-95 %) | better / same / worse, % |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for option in result["options"]:
        stands, equal = (
            option["as_it_stands"]["differences"],
            option["at_equal_money"]["differences"][HEADLINE],
        )
        found = stands[HEADLINE]
        cells = [
            option["title"],
            f"{stands['public_cost_eur']['mean'] / 1e6:+.1f}",
            signed(stands[UNTIL]["mean"]),
            _with_range(found),
            signed(found["median"]),
            three_shares(Shares(**found["shares"])),
        ]
        reached = [
            abs((ratio or math.nan) - 1.0) <= TOLERANCE for ratio in option["equal_money"]["cost_ratios"]
        ]
        if sum(reached) >= LEAST_REACHED * len(reached):
            cells += [_with_range(equal), three_shares(Shares(**equal["shares"]))]
        else:
            cells += ["not reached", "\u2013"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        f"{design['draws']} parameter draws \u00d7 {design['worlds']} worlds; *better / same / worse* are shares of"
        " parameter draws, with the luck of worlds taken out but for those with ~, which are mostly luck.",
        "",
        "![Difference of each option from the reference, with its uncertainties](docs/figures/first-result.png)",
        "",
        "![From contacts to contracts, by option](docs/figures/first-result-funnel.png)",
        "",
        "<details><summary>All that <code>make demo</code> prints</summary>",
        "",
        "```",
        printed.rstrip(),
        "```",
        "",
        "</details>",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
