"""What follows from the lever schema, for the model and for readers; `make generated` writes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from passaat.scenarios.levers import LEVERS, Lever

__all__ = ["generated", "lever_page", "lever_table_source", "rules_reading_levers"]

_MODEL = Path(__file__).resolve().parent.parent / "model"
_WIDTH = 110


def lever_table_source(levers: dict[str, Lever]) -> str:
    """Python source of `model/lever_table.py`: one float column per lever, in the order of the file."""
    lines = [
        '"""The levers as the model reads them: one value per calendar year and lever.',
        "",
        "Generated from scenarios/levers.toml by `make generated`; do not edit.",
        "Switches are 0 or 1; choices are coded by their place in the list of choices.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from collections.abc import Mapping",
        "from types import MappingProxyType",
        "from typing import Annotated, NamedTuple",
        "",
        "from passaat.model.kernel.columns import Column, FloatColumn, ValueRange",
        "",
        '__all__ = ["LEVER_NAMES", "LEVER_RANGES", "Levers"]',
        "",
        "",
        "class Levers(NamedTuple):",
        '    """One row per calendar year of the run; a covenant keeps the row of the year of its application."""',
        "",
    ]
    for lever in levers.values():
        meaning = lever.label_en
        if lever.kind == "choice":
            meaning += ": " + ", ".join(f"{code} {choice}" for code, choice in enumerate(lever.choices))
        lines.append(_column_source(lever.name, f'Column("{lever.unit}", "{meaning}")'))
    lines += ["", "", "LEVER_NAMES: tuple[str, ...] = ("]
    lines += [f'    "{name}",' for name in levers]
    lines += [")", '"""Names in the order of the columns."""', ""]
    lines += ["LEVER_RANGES: Mapping[str, ValueRange] = MappingProxyType(", "    {"]
    lines += [f"        {_range_source(lever)}," for lever in levers.values()]
    lines += ["    }", ")", '"""What a value of each lever may be, as the model reads it."""', ""]
    return "\n".join(lines)


def ordinary_levers_source(levers: dict[str, Lever]) -> str:
    """Python source of `model/ordinary_levers.py`: what is ordinary of each lever that a rule counts from."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(_MODEL.glob("*.py")))
    read = {name.lower() for name in re.findall(r"\bORDINARY_([A-Z_]+)\b", text)}
    lines = [
        '"""Ordinary practice, from which rules count what is more and what is less.',
        "",
        "Generated from scenarios/levers.toml by `make generated`; do not edit. Ordinary is the default of a lever; of",
        "one that changed over the years, the highest.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
        "",
    ]
    for lever in levers.values():
        if lever.name in read:
            ordinary = max(lever.code(value) for _, value in lever.default_by_year)
            lines += [
                f"ORDINARY_{lever.name.upper()}: Final = {ordinary!r}",
                f'"""{lever.label_en}, {lever.unit}."""',
            ]
    return "\n".join([*lines, ""])


def _range_source(lever: Lever) -> str:
    """One line of the ranges."""
    whole = ", whole=True" if lever.kind != "number" else ""
    return f'"{lever.name}": ValueRange({lever.minimum!r}, {lever.maximum!r}, "{lever.unit}"{whole})'


def _column_source(name: str, column: str) -> str:
    """One field of the table, broken over lines as the formatter does when it is too long."""
    line = f"    {name}: Annotated[FloatColumn, {column}]"
    if len(line) <= _WIDTH:
        return line
    inner = f"        FloatColumn, {column}"
    if len(inner) > _WIDTH:
        inner = f"        FloatColumn,\n        {column},"
    return f"    {name}: Annotated[\n{inner}\n    ]"


def rules_reading_levers(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """For each lever the rules that read it, as ``file.function``, from the sources of the model by file name."""
    readers: dict[str, list[str]] = {name: [] for name in LEVERS}
    for module, source in sources.items():
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and _is_rule(node):
                for read in sorted({part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}):
                    if read in readers:
                        readers[read].append(f"{module}.{node.name}")
    return readers


def _is_rule(node: ast.FunctionDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "rule" for mark in node.decorator_list)


def _readers_in_words(rules: Sequence[str]) -> str:
    return ", ".join(f"`{rule}`" for rule in rules) or "none"


def lever_page(levers: dict[str, Lever]) -> str:
    """The page docs/levers.md: a table of all levers, then one section each."""
    readers = rules_reading_levers(
        {path.stem: path.read_text(encoding="utf-8") for path in sorted(_MODEL.glob("*.py"))}
    )
    assumed = sum(lever.identified == "assumed" for lever in levers.values())
    lines = [
        "# Levers",
        "",
        "<!-- Generated from scenarios/levers.toml by `make generated`; do not edit. -->",
        "",
        f"What policy can choose: {len(levers)} levers. The default is the practice of each year.",
        "An option's levers count from the first year of the decision window. A group gathers under the rules",
        "of the year in which it meets; those of the year of its application hold for it from then on.",
        f"For {assumed} of the levers the size of the effect is an assumption with a range, because the",
        "evaluation has no control group and observed no case where the lever was varied; that uncertainty",
        "is carried into every comparison. *Read by* names the rules of [model/](../model), file and function,",
        "through which a lever acts; [ODD.md](ODD.md) explains them.",
        "",
        "| lever | label | unit | allowed | default |",
        "| --- | --- | --- | --- | --- |",
    ]
    for lever in levers.values():
        cells = (f"`{lever.name}`", lever.label_en, lever.unit, lever.allowed, lever.default_text)
        lines.append("| " + " | ".join(cells) + " |")
    for lever in levers.values():
        lines += [
            "",
            f"## {lever.name}",
            "",
            f"{lever.label_en} (Dutch: {lever.label_nl}). {lever.meaning}",
            "",
            f"- Allowed: {lever.allowed}",
            f"- Default: {lever.default_text}",
            f"- Effect ({lever.identified}): {lever.effect}",
            f"- Cost: {lever.cost}",
            f"- Read by: {_readers_in_words(readers[lever.name])}",
            f"- Evidence: {'; '.join(str(reference) for reference in lever.evidence)}",
        ]
    return "\n".join([*lines, ""])


def generated() -> dict[str, str]:
    """All of them, by their place in the repository."""
    levers = dict(LEVERS)
    return {
        "model/lever_table.py": lever_table_source(levers),
        "model/ordinary_levers.py": ordinary_levers_source(levers),
        "docs/levers.md": lever_page(levers),
    }
