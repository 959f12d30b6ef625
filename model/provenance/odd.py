"""The parts of docs/ODD.md that follow from the code: state variables, schedule, parameters and outcomes.

``make generated`` writes them between the markers of the page.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from passaat.model import schedule
from passaat.model.kernel.columns import declared_columns
from passaat.model.outcomes import OUTCOMES
from passaat.model.parameters import PARAMETERS, Parameter
from passaat.model.schedule import Step
from passaat.model.world import TABLES
from passaat.writing import with_part

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "ODD.md"

_PREFIXES: Final = "CF|SE|AP|CO|LI|EM|PM|FC|SH|TI|FU|SL|MO|RV|KL|KV|L|K|R"
_CLAIM: Final = re.compile(rf"\b(?:{_PREFIXES})\d{{2,3}}\b(?:-(?:{_PREFIXES})\d{{2,3}}\b)?")
_SECTION: Final = re.compile(r"^    # (\d+) (.+)$")
_PARAMETER_GROUP: Final = re.compile(r"^# --- (.+) ---$")


def page_with_tables(page: str) -> str:
    """The text of the page with every generated part made anew.

    Raises:
        ValueError: a part whose markers are not both there, once and in order.
    """
    for name, make in PARTS.items():
        begin, end = markers(name)
        page = with_part(page, begin, end, "\n".join(make()))
    return page


def markers(name: str) -> tuple[str, str]:
    """The lines between which a generated part stands."""
    return f"<!-- {name}: begin (written by `make generated`, do not edit) -->", f"<!-- {name}: end -->"


def sections_of_quarter() -> list[tuple[int, str, list[Step]]]:
    """Number, title and steps of each section of the quarter, after the numbered comments of ``schedule.py``.

    Raises:
        ValueError: a step that stands under no numbered comment.
    """
    source = inspect.getsource(schedule)
    lines = source[source.index("QUARTER: Final") :].splitlines()
    sections: list[tuple[int, str, list[Step]]] = []
    place = 0
    for line in lines[1 : lines.index(")")]:
        heading = _SECTION.match(line)
        if heading:
            sections.append((int(heading[1]), heading[2], []))
        elif line.startswith("    Step("):
            if not sections:
                raise ValueError("model/schedule.py: the first step of the quarter stands under no section")
            sections[-1][2].append(schedule.QUARTER[place])
            place += 1
    if place != len(schedule.QUARTER):
        raise ValueError(
            f"model/schedule.py: {place} steps were read, but the quarter has {len(schedule.QUARTER)}"
        )
    return sections


def first_sentence(text: str | None) -> str:
    """The first sentence of a docstring, on one line."""
    paragraph = " ".join((text or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", paragraph, maxsplit=1)[0]


def claims_cited(rule: Callable[..., Any]) -> list[str]:
    """Claim ids, or ranges of them, in the docstrings of a rule and of the helpers that it calls, in that order."""
    found: dict[str, None] = {}
    for function in _with_helpers(rule, {}):
        found.update(dict.fromkeys(_CLAIM.findall(function.__doc__ or "")))
    return list(found)


def _with_helpers(function: Any, seen: dict[Any, None]) -> Sequence[Any]:
    """The function and, after it, all functions of the model that it calls, each once."""
    seen[function] = None
    for name in function.__code__.co_names:
        called = function.__globals__.get(name)
        if (
            inspect.isfunction(called)
            and called.__module__.startswith("passaat.model.")
            and called not in seen
        ):
            _with_helpers(called, seen)
    return list(seen)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]


def state_part() -> list[str]:
    """One table per kind of row: every state variable with unit and meaning."""
    total = sum(len(declared_columns(declared)) for declared in TABLES.values())
    lines = [f"{len(TABLES)} tables, {total} state variables."]
    for name, declared in TABLES.items():
        rows = [(f"`{column.name}`", column.unit, column.meaning) for column in declared_columns(declared)]
        lines += ["", f"**{name}**. {first_sentence(declared.__doc__)}", ""]
        lines += table(("variable", "unit", "meaning"), rows)
    return lines


def schedule_part() -> list[str]:
    """What happens once, then the steps of a quarter by section."""
    lines = ["Once, before the first quarter:", ""]
    heads = ("step", "rows", "rule", "claims cited")
    founding = [
        (f"`{step.name}`", step.kind, first_sentence(step.rule.__doc__), ", ".join(claims_cited(step.rule)))
        for step in schedule.FOUNDING
    ]
    lines += table(heads, founding)
    lines += ["", f"Each quarter, {len(schedule.QUARTER)} steps:", ""]
    rows = []
    for number, title, steps in sections_of_quarter():
        for step in steps:
            cited = ", ".join(claims_cited(step.rule))
            rows.append(
                (f"{number} {title}", f"`{step.name}`", step.kind, first_sentence(step.rule.__doc__), cited)
            )
    return lines + table(("section", *heads), rows)


def parameter_part() -> list[str]:
    """Every parameter, by the groups of the file; how many are measured and identified before them."""
    lines = [parameter_count(PARAMETERS)]
    for title, names in parameter_groups().items():
        lines += ["", f"**{title[0].upper()}{title[1:]}**", ""]
        lines += table(
            ("name", "value", "range", "unit", "grade", "direction", "identified", "meaning", "source"),
            [_parameter_row(PARAMETERS[name]) for name in names],
        )
    return lines


def parameter_count(parameters: Mapping[str, Parameter]) -> str:
    """How many parameters there are, by grade, and how many the targets can be expected to move."""
    grades = [parameter.grade for parameter in parameters.values()]
    identified = sum(parameter.identified for parameter in parameters.values())
    fixed = sum(parameter.shape == "fixed" for parameter in parameters.values())
    return (
        f"{len(parameters)} parameters: {grades.count('measured')} measured, {grades.count('inferred')} inferred and "
        f"{grades.count('assumed')} assumed; calibration targets can be expected to move {identified} of them."
        f" {fixed} are fixed: coefficients of rules that are not drawn, with a range to try."
    )


def parameter_groups() -> dict[str, list[str]]:
    """Names of parameters under the headings of ``parameters.toml``."""
    groups: dict[str, list[str]] = {}
    title = "parameters"
    for line in (
        (Path(__file__).resolve().parents[1] / "parameters.toml").read_text(encoding="utf-8").splitlines()
    ):
        heading = _PARAMETER_GROUP.match(line)
        if heading:
            title = heading[1]
        elif line.startswith("["):
            groups.setdefault(title, []).append(line.strip("[]"))
    return groups


def _parameter_row(parameter: Parameter) -> tuple[str, ...]:
    drawn = {"uniform": "", "loguniform": ", log-uniform", "fixed": ", fixed"}[parameter.shape]
    return (
        f"`{parameter.name}`",
        _number(parameter.value),
        f"{_number(parameter.minimum)} to {_number(parameter.maximum)}{drawn}",
        parameter.unit,
        parameter.grade,
        parameter.direction,
        "yes" if parameter.identified else "no",
        parameter.meaning,
        parameter.source,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:g}"


def outcome_part() -> list[str]:
    """Every outcome of a run."""
    rows = [
        (f"`{outcome.name}`", outcome.unit, outcome.meaning, outcome.better, "yes" if outcome.twin else "no")
        for outcome in OUTCOMES
    ]
    return table(("outcome", "unit", "meaning", "better when", "needs the twin"), rows)


PARTS: Final[Mapping[str, Callable[[], list[str]]]] = {
    "state variables": state_part,
    "schedule": schedule_part,
    "outcomes": outcome_part,
    "parameters": parameter_part,
}
"""Generated parts by the name in their markers."""


def generated() -> dict[str, str]:
    """The page, by its place in the repository."""
    return {"docs/ODD.md": page_with_tables(PAGE.read_text(encoding="utf-8"))}
