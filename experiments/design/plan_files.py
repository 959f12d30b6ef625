"""Reading plan files: TOML for the plan, and a CSV for a plan that lists its points.

A file is read as far as it goes, whatever is wrong with it, so that all its problems are told at once.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passaat.errors import ScenarioError, StudyError, unknown_name
from passaat.experiments.design.factors import Factor, Setting, counted_factor, factor_of, read_factor
from passaat.experiments.design.plan import (
    COUNTED,
    HINT,
    MOST_POINTS,
    MOST_WORLDS,
    Luck,
    Method,
    Plan,
    Problem,
    Rest,
    count_points,
    factor_problems,
    nothing_varies,
    number_problems,
    one_of,
    scenario_problems,
    too_many,
)
from passaat.model.parameters import PARAMETERS
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.loading import file_called, load_scenario, parameter_quantity
from passaat.scenarios.reading import (
    NumberError,
    Place,
    Quantity,
    harmless,
    read_number,
    read_text,
    shown_name,
    shown_value,
    toml_data,
)
from passaat.scenarios.scenario import Scenario
from passaat.scenarios.stacking import load_option

__all__ = ["SHIPPED", "plan_from_file"]

SHIPPED: Final = Path(__file__).with_name("plans")
"""Where the plan files lie that come with passaat."""

MOST_TOLD: Final = 20
"""Problems of one list of points that are told one by one; of a thousand wrong cells the first say enough."""

LARGEST_LIST_MB: Final = 500
"""A list of points larger than this holds more of them than anyone runs."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class _Design(_Table):
    """[design]: how points are chosen, and in what they run. Numbers are checked by ``number_problems``."""

    method: Method
    points: int | None = None
    worlds: int = 4
    luck: Luck = "common"
    seed: int = 1
    rest: Rest = "posterior"
    draws: int = 1
    second_order: bool = False
    file: Annotated[str, Field(min_length=1)] | None = None


class _StudyFile(_Table):
    """A plan file. What each factor may be follows from its lever or parameter, see ``factors.read_factor``."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+_-]{0,99}$")]
    question: Annotated[str, Field(min_length=1)]
    reference: Annotated[str, Field(min_length=1)]
    options: list[Annotated[str, Field(min_length=1)]] = []
    design: _Design
    levers: dict[str, Any] = {}
    uncertainties: dict[str, Any] = {}


@dataclass
class _Draft:
    """A file as far as it could be read. ``wrong`` names fields with problems of their own, as "design.points"."""

    data: Mapping[str, Any]
    folder: Path
    problems: list[str] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)

    def part(self, name: str, kind: type[Any]) -> Any:
        """A field of the file if it is there and of its kind, otherwise an empty one."""
        value = self.data.get(name)
        return kind() if name in self.wrong or not isinstance(value, kind) else value

    def design(self) -> dict[str, Any]:
        """[design] with defaults for what is missing or wrong; None where there is no default."""
        given = self.part("design", dict)
        fields = _Design.model_fields
        return {
            name: given[name]
            if name in given and f"design.{name}" not in self.wrong
            else (None if info.is_required() else info.default)
            for name, info in fields.items()
        }

    def add(self, found: Iterable[Problem]) -> None:
        """Add problems of [design], except those about fields that are wrong by themselves."""
        for names, text in found:
            if not self.wrong & {f"design.{name}" for name in names}:
                self.problems.append(f"[design] {text}")
                self.wrong |= {f"design.{name}" for name in names}


def plan_from_file(source: str | Path) -> Plan:
    """Read a plan file, a shipped one by name or a user's own by path.

    Raises:
        StudyError: see ``plan.read_plan``.
    """
    path = _path_of(str(source))
    draft = _Draft(_toml(path), path.parent)
    try:
        _StudyFile.model_validate(dict(draft.data))
    except ValidationError as error:
        for found in error.errors(include_url=False):
            draft.wrong.add(".".join(str(part) for part in found["loc"][:2]))
            draft.problems.append(_field_problem(found))
    design = draft.design()
    reference = _scenario(draft, draft.part("reference", str), "reference")
    options = [_scenario(draft, one, "option") for one in draft.part("options", list) if isinstance(one, str)]
    draft.add(_given_problems(design))
    draft.add(number_problems({**_DEFAULT_WORDS, **{k: v for k, v in design.items() if v is not None}}))
    draft.add(_too_few(design))
    draft.problems += scenario_problems(None, [option for option in options if option is not None])
    listed: list[dict[str, Setting]] = []
    steps: dict[str, int] = {}
    if design["method"] == "list":
        factors = _listed_factors(draft, design, listed)
    else:
        factors = _named_factors(draft, design, steps)
    draft.problems += factor_problems(reference, factors)
    counts = [_n_levels(factor, steps) for factor in factors] if design["method"] == "factorial" else []
    size = math.prod(counts) if counts else len(listed) or design["points"] or 1
    if not draft.wrong & {"levers", "uncertainties", "design.file"}:
        draft.problems += nothing_varies(factors, listed)
    if design["method"] is not None:
        # Of a file with wrong factors these are the points of the others: too many of them are too many in all.
        n_points = count_points(design["method"], size, len(factors), second_order=design["second_order"])
        draft.problems += too_many(n_points)
    if draft.problems or reference is None:
        raise StudyError(
            [f"{path.name}: {problem}" for problem in draft.problems],
            f"{HINT} Studies to start from: {', '.join(shipped_plans())}.",
        )
    return Plan(
        name=draft.data["name"],
        question=draft.data["question"],
        reference=reference,
        options=tuple(option for option in options if option is not None),
        factors=tuple(factors),
        method=design["method"],
        size=size,
        block=size,
        worlds=design["worlds"],
        luck=design["luck"],
        rest=design["rest"],
        draws=design["draws"],
        seed=design["seed"],
        listed=tuple(listed),
        levels=tuple(_levels(factor, n) for factor, n in zip(factors, counts, strict=bool(counts))),
        second_order=design["second_order"],
    )


_DEFAULT_WORDS: Final = {"method": "latin-hypercube", "points": None}
"""Stand in for what a wrong file does not say, so that the rest of it can be checked."""


# The file and its fields


def _path_of(text: str) -> Path:
    names = shipped_plans()
    return SHIPPED / f"{text}.toml" if text in names else file_called(text, StudyError, "plan", names)


def _toml(path: Path) -> dict[str, Any]:
    return toml_data(read_text(path, StudyError, "a plan"), str(path), StudyError, _quantity_at)


def _quantity_at(place: Place) -> Quantity | None:
    """What a number at a place of a plan file is for."""
    match place:
        case ("design", "points" | "worlds" | "draws" | "seed") | ("levers" | "uncertainties", _, "steps"):
            return Quantity("count", whole=True)
        case ("levers", name, *_) if name in LEVERS:
            return LEVERS[name].quantity
        case ("uncertainties", name, *_):
            return parameter_quantity(name)
    return None


_EXPLAINED: Final = {
    "name": "a short name for the study, such as more-follow-up",
    "question": "the question that the study answers, in one sentence",
    "reference": 'the world and the policy that options are compared with, such as "pib"',
    "design": "a table [design] with method, points and worlds",
    "design.method": f"{one_of(get_args(Method))}",
}


_TYPES: Final = {
    "int_type": "a whole number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}


def _field_problem(found: Mapping[str, Any]) -> str:
    """One finding of pydantic in our words: place, value, what is allowed."""
    loc = [str(part + 1) if isinstance(part, int) else part for part in found["loc"]]
    place = f"[design] {' '.join(loc[1:])}" if len(loc) > 1 and loc[0] == "design" else " ".join(loc)
    match found["type"]:
        case "extra_forbidden":
            table = _Design if len(loc) > 1 else _StudyFile
            return unknown_name(
                "key" + (" in [design]" if len(loc) > 1 else ""), loc[-1], tuple(table.model_fields)
            )
        case "missing":
            return f"{place} is missing: {_EXPLAINED['.'.join(loc)]}"
        case "literal_error":
            allowed = {"method": Method, "luck": Luck, "rest": Rest}[loc[-1]]
            return f"{place} = {shown_value(found['input'])} is not allowed; it must be {one_of(get_args(allowed))}"
        case "string_pattern_mismatch":
            return (
                f"{place} = {shown_value(found['input'])} is not allowed; use small letters, digits, - and _ only,"
                " starting with a letter or digit"
            )
        case "string_too_short":
            return f"{place} is empty; it must be {_EXPLAINED.get('.'.join(loc), 'a name or path')}"
        case kind:
            wanted = _TYPES.get(kind) or found["msg"].removeprefix("Input should be ")
            return f"{place} = {shown_value(found['input'])} is of the wrong type; it must be {wanted}"


def _scenario(draft: _Draft, name: str, kind: Literal["reference", "option"]) -> Scenario | None:
    """A scenario by name, or by path from where the plan file lies; None, and the problems noted, if it is wrong."""
    if not name:
        return None
    is_path = Path(name).suffix != "" or len(Path(name).parts) > 1
    try:
        if kind == "option":
            return load_option(name, draft.folder)
        return load_scenario(draft.folder / name if is_path else name, kind)
    except ScenarioError as error:
        draft.problems += [f"{kind} {shown_name(name)}: {problem}" for problem in error.problems]
        return None


FEWEST: Final[Mapping[str, int]] = MappingProxyType({"morris": 4, "saltelli": 32})
"""Trajectories or base points below which `passaat sensitivity` can tell nothing of these designs."""


def _too_few(design: Mapping[str, Any]) -> Iterator[Problem]:
    """Whether the points of a design made for sensitivity are too few for it, which is better said before they run."""
    method, points = design["method"], design["points"]
    if method in FEWEST and points is not None and 1 <= points < FEWEST[method]:
        what = "trajectories" if method == "morris" else "base points, a power of two,"
        yield (
            ("points",),
            f"points = {points}: method {method} needs {FEWEST[method]} {what} or more: fewer cannot tell factors"
            " apart",
        )


def _given_problems(design: Mapping[str, Any]) -> Iterator[Problem]:
    """Fields that are said although the method has no use for them, or not said although it needs them."""
    method = design["method"]
    if method is None:
        return
    if method in COUNTED and design["points"] is not None:
        source = "the levels of its factors" if method == "factorial" else "the rows of its file"
        yield (
            ("points", "method"),
            f"points = {design['points']}: method {method} takes its points from {source}",
        )
    if method not in COUNTED and design["points"] is None:
        meaning = {"morris": "number of trajectories", "saltelli": "number of base points, a power of two"}
        yield ("points",), f"points is missing: the {meaning.get(method, 'number of points')}"
    if method == "list" and design["file"] is None:
        yield ("file",), "file is missing: a CSV file with one column for each lever or parameter that varies"
    if method != "list" and design["file"] is not None:
        yield ("file",), f"file = {shown_value(design['file'])}: only method list reads points from a file"
    if method != "saltelli" and design["second_order"]:
        yield (
            ("second_order",),
            "second_order = true: only method saltelli tells which pairs of factors work together",
        )


# Factors named in the file


def _named_factors(draft: _Draft, design: Mapping[str, Any], steps: dict[str, int]) -> list[Factor]:
    """Factors under [levers] and [uncertainties], then draw and luck; ``steps`` gets the levels that are said."""
    factors: list[Factor] = []
    kinds: tuple[tuple[str, Literal["lever", "uncertainty"]], ...] = (
        ("levers", "lever"),
        ("uncertainties", "uncertainty"),
    )
    for table, kind in kinds:
        for name, spec in draft.part(table, dict).items():
            try:
                factor, said = read_factor(kind, name, spec)
            except StudyError as error:
                other = _in_other_table(name, kind)
                draft.problems += [f"[{table}] {other or problem}" for problem in error.problems]
                draft.wrong.add(table)
                continue
            factors.append(factor)
            if said is not None:
                steps[name] = said
            if said is not None and design["method"] not in ("factorial", None):
                draft.problems.append(
                    f"[{table}] {name}: steps = {said}: only a factorial has steps; take it out"
                )
            if said is None and design["method"] == "factorial" and factor.scale == "continuous":
                draft.problems.append(
                    f"[{table}] {name}: a factorial needs levels; add steps, such as steps = 3, or list the values"
                )
    return [*factors, *_draw_and_luck(draft, design)]


def _in_other_table(name: str, kind: Literal["lever", "uncertainty"]) -> str:
    """Say so where a lever stands among the uncertainties, or the other way round."""
    if kind == "uncertainty" and name in LEVERS:
        return f"unknown parameter {name!r}. It is a lever: name it under [levers]."
    if kind == "lever" and name in PARAMETERS:
        return f"unknown lever {name!r}. It is a parameter: name it under [uncertainties]."
    return ""


def _draw_and_luck(draft: _Draft, design: Mapping[str, Any]) -> Iterator[Factor]:
    if "design.draws" not in draft.wrong and design["draws"] > 1:
        yield counted_factor("draw", design["draws"])
    if design["luck"] == "factor" and "design.worlds" not in draft.wrong:
        yield counted_factor("luck", design["worlds"])


def _n_levels(factor: Factor, steps: Mapping[str, int]) -> int:
    """Number of levels in a factorial; 1 for a range of which they are not said."""
    return steps.get(factor.name) or factor.n_values or 1


def _levels(factor: Factor, n: int) -> tuple[Setting, ...]:
    """``n`` levels from the lowest to the highest value, both included."""
    if factor.scale == "categories":
        return factor.categories
    return tuple(factor.level(place / (n - 1)) for place in range(n))


# Points listed in a file


def _listed_factors(
    draft: _Draft, design: Mapping[str, Any], listed: list[dict[str, Setting]]
) -> list[Factor]:
    """Factors that the columns of the list name, in the order of a plan; ``listed`` gets the points."""
    for table in ("levers", "uncertainties"):
        if draft.part(table, dict):
            draft.problems.append(
                f"[{table}] does not go with method list: the columns of its file say what varies; take one out"
            )
    if design["file"] is None:
        draft.wrong.add("design.file")
        return []
    problems: list[str] = []
    header, rows = _csv(draft.folder / design["file"], problems)
    columns = {name: _Column.called(name, design) for name in header if _known(name, problems)}
    problems += _draw_and_luck_columns(design, header)
    points: list[dict[str, Setting]] = []
    if not problems:
        problems += _read_rows(rows, header, columns, points)
    told = problems if len(problems) <= MOST_TOLD else problems[:MOST_TOLD]
    file = shown_name(design["file"])
    draft.problems += [f"{file}: {problem}" for problem in told]
    draft.wrong |= {"design.file"} if problems else set()
    if len(problems) > MOST_TOLD:
        draft.problems.append(f"{file}: and {len(problems) - MOST_TOLD:,} more problems like these")
    if problems:
        return []
    order = ("lever", "uncertainty", "draw", "luck")
    factors = sorted(
        (column.factor([point[name] for point in points]) for name, column in columns.items()),
        key=lambda factor: order.index(factor.kind),
    )
    listed += [{factor.name: point[factor.name] for factor in factors} for point in points]
    return factors


def _csv(path: Path, problems: list[str]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and rows with the number of their line; empty, and the problem noted, if the file cannot be read."""
    rows: list[tuple[int, list[str]]] = []
    try:
        text = read_text(path, StudyError, "a list of points", most_mb=LARGEST_LIST_MB)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        for row in reader:
            if row:
                rows.append((reader.line_num, [cell.strip() for cell in row]))
            if len(rows) > MOST_POINTS + 1:
                problems += too_many(MOST_POINTS + 1)
                return [], []
    except StudyError as error:
        problems += error.problems
    except csv.Error as error:
        problems.append(f"{path} is not a CSV file: {error}")
    if problems:
        return [], []
    if len(rows) < 2:
        problems.append(
            "needs a first line with the names of levers or parameters, and a line for each point"
        )
        return [], []
    header = rows[0][1]
    repeated = sorted({name for name in header if header.count(name) > 1})
    problems += [f"column {name!r} is there {header.count(name)} times" for name in repeated]
    return header, rows[1:]


def _known(name: str, problems: list[str]) -> bool:
    """Whether a column is a lever, a parameter, draw or luck; the problem is noted if not."""
    if name in LEVERS or name in PARAMETERS or name in ("draw", "luck"):
        return True
    valid = [*LEVERS, *PARAMETERS, "draw", "luck"]
    advice = "; columns are divided by commas" if ";" in name or "\t" in name else ""
    problems.append(unknown_name("column", name, valid, listing=False) + advice)
    return False


def _draw_and_luck_columns(design: Mapping[str, Any], header: Sequence[str]) -> Iterator[str]:
    """Columns draw and luck go with what [design] says of draws and luck."""
    if not header:
        return
    if "draw" in header and design["draws"] == 1:
        yield "has a column draw: say under [design] how many draws there are, such as draws = 10"
    if "draw" not in header and design["draws"] > 1:
        yield f"has no column draw, which draws = {design['draws']} asks for: one of 0 to {design['draws'] - 1}"
    if "luck" in header and design["luck"] != "factor":
        yield 'has a column luck: say luck = "factor" under [design], and worlds = how many there are'
    if "luck" not in header and design["luck"] == "factor":
        yield f'has no column luck, which luck = "factor" asks for: one of 0 to {design["worlds"] - 1}'


@dataclass(frozen=True)
class _Column:
    """One column of a list: how its cells are read. ``n`` is the number of draws or worlds to choose from."""

    name: str
    n: int = 0

    @classmethod
    def called(cls, name: str, design: Mapping[str, Any]) -> _Column:
        # A number that is wrong has been told; cells are held against the largest that it may be.
        n = {"draw": design["draws"], "luck": design["worlds"]}.get(name, 0)
        return cls(name, n if n > 0 or name not in ("draw", "luck") else MOST_WORLDS)

    def read(self, cell: str) -> Setting:
        """The value that a cell holds.

        Raises:
            ValueError: it holds none that is allowed; the message names both.
        """
        if self.name in LEVERS:
            return LEVERS[self.name].parse(cell, str)
        if self.n:
            if re.fullmatch("[0-9]{1,9}", cell) and int(cell) < self.n:
                return int(cell)
            raise ValueError(
                f"{self.name} = {shown_name(cell)} is not allowed; it must be a whole number, 0 to {self.n - 1}"
            )
        of = parameter_quantity(self.name)
        assert of is not None
        allowed = f"{of.minimum:g} to {of.maximum:g} {of.unit}"
        why = ""
        try:
            value = read_number(cell, of)
        except NumberError as wrong:
            if wrong.corrections:
                raise ValueError(f"{self.name} = {harmless(cell)}: {wrong.advice(str)}") from None
            value, why = math.nan, wrong.why
        if of.allows(value):
            return value
        told = f"{self.name} = {shown_name(cell)} is not allowed; it must be {allowed}"
        raise ValueError(f"{told}; {why}" if why else told)

    def factor(self, values: Sequence[Setting]) -> Factor:
        """The factor that these values are of: its range is what the list spans."""
        if self.n:
            return counted_factor("draw" if self.name == "draw" else "luck", self.n)
        whole = factor_of(self.name)
        if whole.scale == "categories":
            return whole
        numbers = [whole.number(value) for value in values]
        return Factor(**{**whole.__dict__, "low": min(numbers), "high": max(numbers)})


def _read_rows(
    rows: Sequence[tuple[int, list[str]]],
    header: Sequence[str],
    columns: Mapping[str, _Column],
    points: list[dict[str, Setting]],
) -> Iterator[str]:
    """Problems of the rows; ``points`` gets those that are right."""
    for line, row in rows:
        if len(row) != len(header):
            comma = "; a decimal comma? Write 0.5, not 0,5" if len(row) > len(header) else ""
            yield f"line {line} has {len(row)} cells, and the first line {len(header)}{comma}"
            continue
        point: dict[str, Setting] = {}
        for name, cell in zip(header, row, strict=True):
            if not cell:
                yield f"line {line}: {name} is empty"
                continue
            try:
                point[name] = columns[name].read(cell)
            except ValueError as error:
                yield f"line {line}: {error}"
        points.append(point)


def read_plan(source: str | Path) -> Plan:
    """Read a plan file: a shipped one by name, or a user's own by path.

    Raises:
        StudyError: no such name or file, not TOML, or anything in it that is unknown, missing or not allowed; all
            problems at once.
    """
    from passaat.experiments.design.plan_files import plan_from_file

    return plan_from_file(source)


def shipped_plans() -> tuple[str, ...]:
    """Names of the plan files that come with passaat, in alphabetical order."""
    from passaat.experiments.design.plan_files import SHIPPED

    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))
