"""The evidence that the project cites: rows, causal claims, reconciliations and sources, loaded and checked.

The files lie in ``calibration/evidence/``. Every row says what is reported, where, in what statistical form
and what the
project uses it for; where a source contradicts itself the row names the reading chosen (a reconciliation)
and its
arithmetic. ``inferred`` marks what a reader deduced: it is never shown as reported. The lists of units,
forms and uses
are closed, so that a slip of the pen is refused and does not become a new unit.
"""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from passaat.errors import EvidenceError, unknown_name

EVIDENCE_FOLDER: Final = Path(__file__).resolve().parent / "calibration" / "evidence"

UNITS: Final = (
    "EUR",
    "EUR million",
    "EUR per cluster-year",
    "EUR per day",
    "EUR per firm per year",
    "SMEs",
    "activities",
    "activities per year",
    "applications",
    "cases",
    "clusters",
    "clusters per year",
    "companies",
    "contracts",
    "covenants",
    "criteria",
    "entries",
    "goals",
    "grade 1 to 10",
    "memoranda",
    "mentions",
    "ordinal",
    "participants",
    "percent",
    "percent per year",
    "percentage points",
    "persons",
    "ratio",
    "rounds",
    "sd of ln",
    "year",
    "years",
    "yes or no",
)
FORMS: Final = (
    "binomial",
    "categorical",
    "count",
    "date",
    "difference",
    "max",
    "mean",
    "min",
    "multinomial",
    "ordinal",
    "range",
    "ratio",
    "share",
    "sum",
)
USES: Final = ("input", "tuning", "target", "validation", "check", "context")
"""``input`` feeds the model and is never shown as reproduced; by ``tuning`` somebody set a default or a range by hand;
``target`` is for calibration; ``validation`` is held out; ``check`` repeats a target from another table of the same
source; ``context`` is background. One for each row: ``passaat.calibration.roles`` holds who uses it against it."""
SIGNS: Final = ("+", "-", "0", "+/-", "lag", "measurement", "rule")
CLAIM_KINDS: Final = ("claim", "recommendation", "rule")
VERDICTS: Final = ("ERROR", "CLASH", "DEFINITION", "OK")
NEEDS_A_BASE: Final = ("binomial", "multinomial")
"""Forms that mean nothing without the number of cases behind them."""


@dataclass(frozen=True)
class EvidenceRow:
    """One reported (or deduced) quantity.

    ``value`` is a number, except for the forms ordinal and categorical, where ``wording`` may say it in
    words.
    ``lower`` and ``upper`` are the ends of a reported range, ``n`` the number of cases behind the value.
    """

    id: str
    quantity: str
    value: float | None
    wording: str
    unit: str
    lower: float | None
    upper: float | None
    n: int | None
    period: str
    population: str
    form: str
    source: str
    place: str
    reading: str
    arithmetic: str
    use: str
    inferred: bool
    notes: str


@dataclass(frozen=True)
class Claim:
    """One causal claim, recommendation or rule of a source.

    ``strength``: 4 counted or measured, 3 synthesis of several sources, 2 one or two cases or one group of
    sources,
    1 single view or expectation, None for a rule. Strength is graded by the reader; no claim rests on a
    control group.
    """

    id: str
    kind: str
    cause: str
    effect: str
    sign: str
    says_who: str
    strength: int | None
    source: str
    place: str


@dataclass(frozen=True)
class Reconciliation:
    """One place where printed figures were added up again: what they say, what they give, and the reading
    used."""

    id: str
    subject: str
    verdict: str
    source: str
    place: str
    printed: str
    arithmetic: str
    reading: str
    inferred: bool


@dataclass(frozen=True)
class Reference:
    """One source. ``year`` is 0 for an undated one."""

    key: str
    title: str
    author: str
    year: int
    language: str
    what: str


class _Row:
    """One line of a file while it is read: gives typed values and notes what is wrong with them."""

    def __init__(self, cells: Mapping[str, str], where: str, problems: list[str]) -> None:
        self._cells = cells
        self._where = f"{where}, {cells.get('id') or 'without id'}"
        self._problems = problems

    def refuse(self, reason: str) -> None:
        self._problems.append(f"{self._where}: {reason}")

    def text(self, name: str, *, needed: bool = False) -> str:
        value = self._cells[name].strip()
        if needed and not value:
            self.refuse(f"{name} is missing")
        return value

    def one_of(self, name: str, valid: Sequence[str]) -> str:
        value = self.text(name)
        if value not in valid:
            self.refuse(unknown_name(name, value, valid))
        return value

    def number(self, name: str) -> float | None:
        value = self.text(name)
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            self.refuse(f"{name} = {value!r} is not a number")
            return None
        if not math.isfinite(number):
            self.refuse(f"{name} = {value!r} is not a finite number")
            return None
        return number

    def count(self, name: str, lowest: int) -> int | None:
        value = self.text(name)
        if not value:
            return None
        if not value.isdecimal() or int(value) < lowest:
            self.refuse(f"{name} = {value!r}: a whole number of at least {lowest} is needed")
            return None
        return int(value)

    def yes_no(self, name: str) -> bool:
        return self.one_of(name, ("yes", "no")) == "yes"


R = TypeVar("R", EvidenceRow, Claim, Reconciliation)


def _read(
    path: Path, columns: Sequence[str], make: Callable[[_Row], R], problems: list[str]
) -> tuple[R, ...]:
    """Read one file; ``make`` turns a line into a record. Problems are added to ``problems``, with file and
    row."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(f"{path.name}: cannot be read ({error})")
        return ()
    if not lines or tuple(lines[0]) != tuple(columns):
        problems.append(f"{path.name}: first line must be {','.join(columns)}")
        return ()
    records: list[R] = []
    seen: dict[str, int] = {}
    for number, cells in enumerate(lines[1:], start=2):
        where = f"{path.name} row {number}"
        if len(cells) != len(columns):
            problems.append(f"{where}: {len(cells)} values where {len(columns)} are needed")
            continue
        row = _Row(dict(zip(columns, cells, strict=True)), where, problems)
        record = make(row)
        records.append(record)
        if record.id in seen:
            row.refuse(f"id is used before, in row {seen[record.id]}")
        seen.setdefault(record.id, number)
    if not records:
        problems.append(f"{path.name}: no rows")
    return tuple(records)


def _evidence_row(row: _Row, sources: Sequence[str], readings: Sequence[str]) -> EvidenceRow:
    form = row.one_of("form", FORMS)
    unit = row.one_of("unit", UNITS)
    in_words = form in ("ordinal", "categorical")
    written = row.text("value", needed=True)
    value = None if in_words and not _is_number(written) else row.number("value")
    lower, upper, n = row.number("lower"), row.number("upper"), row.count("n", lowest=1)
    if form in NEEDS_A_BASE and n is None and not row.text("n"):
        row.refuse(f"form {form} needs n, the number of cases")
    if form == "range" and (lower is None or upper is None):
        row.refuse("form range needs lower and upper")
    if lower is not None and upper is not None and value is not None:
        if lower > upper:
            row.refuse(f"lower {lower:g} lies above upper {upper:g}")
        elif not lower <= value <= upper:
            row.refuse(f"value {value:g} lies outside {lower:g} to {upper:g}")
    if (
        value is not None
        and form == "binomial"
        and n is not None
        and unit != "percent"
        and not 0 <= value <= n
    ):
        row.refuse(f"value {value:g} of n = {n} cases is no count")
    if (
        value is not None
        and unit == "percent"
        and form in ("binomial", "multinomial")
        and not 0 <= value <= 100
    ):
        row.refuse(f"value {value:g} percent lies outside 0 to 100")
    reading = row.text("reading")
    if reading and reading not in readings:
        row.refuse(unknown_name("reading", reading, readings))
    return EvidenceRow(
        id=row.text("id", needed=True),
        quantity=row.text("quantity", needed=True),
        value=value,
        wording=written if value is None else "",
        unit=unit,
        lower=lower,
        upper=upper,
        n=n,
        period=row.text("period", needed=True),
        population=row.text("population", needed=True),
        form=form,
        source=row.one_of("source", sources),
        place=row.text("place", needed=True),
        reading=reading,
        arithmetic=row.text("arithmetic"),
        use=row.one_of("use", USES),
        inferred=row.yes_no("inferred"),
        notes=row.text("notes"),
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _claim(row: _Row, sources: Sequence[str]) -> Claim:
    kind = row.one_of("kind", CLAIM_KINDS)
    strength = row.count("strength", lowest=1)
    if (strength is None) != (kind == "rule") or (strength or 1) > 4:
        row.refuse(f"strength = {row.text('strength')!r}: a grade from 1 to 4, and none for a rule")
    return Claim(
        id=row.text("id", needed=True),
        kind=kind,
        cause=row.text("cause", needed=True),
        effect=row.text("effect", needed=True),
        sign=row.one_of("sign", SIGNS),
        says_who=row.text("says_who", needed=True),
        strength=strength,
        source=row.one_of("source", sources),
        place=row.text("place", needed=True),
    )


def _reconciliation(row: _Row, sources: Sequence[str]) -> Reconciliation:
    return Reconciliation(
        id=row.text("id", needed=True),
        subject=row.text("subject", needed=True),
        verdict=row.one_of("verdict", VERDICTS),
        source=row.one_of("source", sources),
        place=row.text("place", needed=True),
        printed=row.text("printed", needed=True),
        arithmetic=row.text("arithmetic", needed=True),
        reading=row.text("reading", needed=True),
        inferred=row.yes_no("inferred"),
    )


def _references(path: Path, problems: list[str]) -> tuple[Reference, ...]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path.name}: cannot be read ({error})")
        return ()
    expected = {"title": str, "author": str, "year": int, "language": str, "what": str}
    found = []
    for key, table in tables.items():
        if not isinstance(table, dict) or set(table) != set(expected):
            problems.append(f"{path.name}, {key}: must have exactly {', '.join(expected)}")
            continue
        wrong = [name for name, kind in expected.items() if not isinstance(table[name], kind)]
        if wrong:
            problems.append(f"{path.name}, {key}: {', '.join(wrong)} of the wrong type")
            continue
        found.append(Reference(key=key, **table))
    return tuple(found)


@dataclass(frozen=True)
class Evidence:
    """All that is known, by id.

    Attributes:
        rows: figures of the programme.
        outside: figures of other studies, of firms without the programme; no id is in both.
    """

    rows: Mapping[str, EvidenceRow]
    outside: Mapping[str, EvidenceRow]
    claims: Mapping[str, Claim]
    reconciliations: Mapping[str, Reconciliation]
    references: Mapping[str, Reference]


def load_evidence(folder: Path = EVIDENCE_FOLDER) -> Evidence:
    """Read and check the five files of a folder.

    Raises:
        EvidenceError: any bad row; all of them are listed, each with file, row, id, value and reason.
    """
    problems: list[str] = []
    references = _references(folder / "references.toml", problems)
    sources = [reference.key for reference in references]
    reconciliations = _read(
        folder / "reconciliations.csv",
        ("id", "subject", "verdict", "source", "place", "printed", "arithmetic", "reading", "inferred"),
        lambda row: _reconciliation(row, sources),
        problems,
    )
    readings = [entry.id for entry in reconciliations]
    claims = _read(
        folder / "claims.csv",
        ("id", "kind", "cause", "effect", "sign", "says_who", "strength", "source", "place"),
        lambda row: _claim(row, sources),
        problems,
    )
    rows, outside = (
        _read(
            folder / file,
            (
                *("id", "quantity", "value", "unit", "lower", "upper", "n", "period", "population", "form"),
                *("source", "place", "reading", "arithmetic", "use", "inferred", "notes"),
            ),
            lambda row: _evidence_row(row, sources, readings),
            problems,
        )
        for file in ("pib.csv", "outside.csv")
    )
    twice = {row.id for row in rows} & {row.id for row in outside}
    problems += [f"outside.csv, {id}: id is used in pib.csv" for id in sorted(twice)]
    if problems:
        raise EvidenceError(
            problems, hint=f"Correct these rows in {folder.name}/; nothing was read until all rows are right."
        )
    return Evidence(
        rows=MappingProxyType({row.id: row for row in rows}),
        outside=MappingProxyType({row.id: row for row in outside}),
        claims=MappingProxyType({claim.id: claim for claim in claims}),
        reconciliations=MappingProxyType({entry.id: entry for entry in reconciliations}),
        references=MappingProxyType({reference.key: reference for reference in references}),
    )


@cache
def all_evidence() -> Evidence:
    """The evidence that ships with the project, read once.

    Raises:
        EvidenceError: as ``load_evidence``.
    """
    return load_evidence()


def evidence() -> Mapping[str, EvidenceRow]:
    """All rows of the programme by id, in the order of the file."""
    return all_evidence().rows


def outside_evidence() -> Mapping[str, EvidenceRow]:
    """All rows of other studies by id, in the order of the file."""
    return all_evidence().outside


def claims() -> Mapping[str, Claim]:
    """All causal claims, recommendations and rules by id."""
    return all_evidence().claims


def reconciliations() -> Mapping[str, Reconciliation]:
    """All reconciliations by id."""
    return all_evidence().reconciliations


def references() -> Mapping[str, Reference]:
    """All sources by key."""
    return all_evidence().references
