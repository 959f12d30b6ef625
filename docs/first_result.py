"""Make the first result that README shows: the table, the figures, and the sentence that reads them.

`python docs/first_result.py` runs the main job (one to two minutes) and writes docs/first-result.json, the figures and
the block of README between the markers. A test demands that the stored result belongs to the present model.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Final

from passaat.experiments.compare import Comparison, compare
from passaat.experiments.decision_tables import decisions_text
from passaat.experiments.figures import save_figures
from passaat.experiments.numbers import percent
from passaat.experiments.tables import comparison_text
from passaat.model.golden import behaviour
from passaat.scenarios import load_scenario

HERE: Final = Path(__file__).parent
README: Final = HERE.parent / "README.md"
STORED: Final = HERE / "first-result.json"
OPTIONS: Final = ("stricter-selection", "go-no-go", "follow-up", "sme-focus")
BEGIN: Final = "<!-- first-result: made by `python docs/first_result.py`, do not edit -->"
HEADLINE: Final = "additional_exports_net_eur"
END: Final = "<!-- end of first-result -->"


def main() -> None:
    """Run the main job and write everything that README shows of it."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "first-result.db"
        result = compare(load_scenario("pib"), [load_scenario(name) for name in OPTIONS], study_path=study)
        for made in save_figures(result, study.with_suffix("")):
            name = made.name.replace("first-result-differences", "first-result")
            if made.suffix == ".png":
                shutil.copyfile(made, HERE / "figures" / name)
    stored = {"behaviour": behaviour(), "result": json.loads(result.to_json())}
    STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    README.write_text(before + BEGIN + "\n\n" + readme_block(result) + "\n" + END + after, encoding="utf-8")


def readme_block(result: Comparison) -> str:
    """The part of README that shows the result, in Markdown."""
    cost = result.levels["public_cost_eur"].mean / 1e6
    exports = result.levels[HEADLINE].mean / 1e6
    lines = [
        f"Reference: {cost:.1f} M EUR of public money, {exports:,.0f} M EUR of net additional exports until the end",
        f"of the run, on average over parameter draws: {result.drawn_from}. What the four options would change:",
        "",
        "| option | public cost, M EUR | net additional exports, M EUR | over parameter draws (5-95 %) | better | "
        "at equal public money | better |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for option in result.options:
        stands = option.as_it_stands.differences
        found, money = stands[HEADLINE], stands["public_cost_eur"]
        cells = [
            option.title,
            f"{money.mean / 1e6:+.1f}",
            f"{found.mean / 1e6:+,.0f} \u00b1 {found.error / 1e6:,.0f}",
            f"{found.draws.low / 1e6:+,.0f} to {found.draws.high / 1e6:+,.0f}",
            percent(found.chance_better, result.design.draws),
        ]
        equal = option.at_equal_money.differences[HEADLINE]
        if option.equal_money.reached:
            cells += [f"{equal.mean / 1e6:+,.0f} \u00b1 {equal.error / 1e6:,.0f}"]
            cells += [percent(equal.chance_better, result.design.draws)]
        else:
            cells += ["not reached", "\u2013"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        f"\u00b1 is the Monte Carlo error of {result.design.draws * result.design.worlds} paired worlds; "
        "*better* is the share of parameter draws with a favourable mean difference.",
        "",
        "![Difference of each option from the reference, with its uncertainties](docs/figures/first-result.png)",
        "",
        "![From contacts to contracts, by option](docs/figures/first-result-funnel.png)",
        "",
        "<details><summary>All that <code>make demo</code> prints</summary>",
        "",
        "```",
        (comparison_text(result) + decisions_text(result)).rstrip(),
        "```",
        "",
        "</details>",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
