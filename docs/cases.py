"""Make the figures of docs/cases.md: `python docs/cases.py` replays the cases and rewrites the block between the marks.

The whole result goes to docs/cases.json, with the fingerprint of the model that made it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from passaat.calibration.case_study import CaseStudy, run_cases
from passaat.model.provenance.golden import behaviour
from passaat.writing import with_part

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "cases.md"
STORED: Final = HERE / "cases.json"
BEGIN: Final = "<!-- figures: made by `python docs/cases.py`, do not edit -->"
END: Final = "<!-- end of figures -->"


def main() -> None:
    """Replay the cases as `passaat cases` does, and write page and result."""
    study = run_cases()
    stored = {"behaviour": behaviour(), "result": study.to_dict()}
    STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_part(page, BEGIN, END, figures(study)), encoding="utf-8")


def figures(study: CaseStudy) -> str:
    """The figures in Markdown."""
    lines = [
        "| case | members | shocks | own goals reached | 5-95 % of worlds | 5-95 % of draws | verdict |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for case in study.cases:
        cells = [
            case.title,
            str(case.members),
            str(case.shocks),
            f"{case.share:.0%}",
            f"{case.low:.0%} to {case.high:.0%}",
            f"{case.draws_low:.0%} to {case.draws_high:.0%}",
            case.verdict + (" (provisional)" if case.provisional else ""),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "```", *study.summary(), "```", "", "Mean score of each goal:", ""]
    for case in study.cases:
        goals = ", ".join(f"{kind} {mean:.2f}" for kind, mean in case.goals)
        lines.append(f"- {case.title}: {goals}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
