"""The tables of a study file, and the check that a file holds these and nothing else.

A study may come from anyone, and SQLite runs what a file brings along: views, triggers, rules of columns. So nothing
is read from a file before each of its tables, views and indices is, word for word, the one that is made here. The
names in it are then names of outcomes and factors, and can stand in a query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from passaat.errors import StudyError
from passaat.scenarios.reading import shown_name

NAME: Final = r"[a-z][a-z0-9_]{0,99}"
"""What an outcome or a factor may be called: it becomes a column."""

MOST_NAMED: Final = 5
"""Foreign parts of a file that are named one by one."""

_COLUMNS: Final = "{columns}"
_BASIS: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE outcomes (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,
    better TEXT NOT NULL, meaning TEXT NOT NULL)""",
    "CREATE TABLE parameters (base INTEGER, name TEXT, value REAL NOT NULL, PRIMARY KEY (base, name)) WITHOUT ROWID",
    "CREATE TABLE draws (draw INTEGER PRIMARY KEY, base INTEGER NOT NULL, settings TEXT NOT NULL,"
    " digest TEXT NOT NULL,\n    UNIQUE (base, settings))",
    "CREATE TABLE scenarios (scenario_hash TEXT PRIMARY KEY, scenario TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE arms (arm INTEGER PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL, amount_factor REAL NOT NULL,
    settings TEXT NOT NULL, scenario_hash TEXT NOT NULL REFERENCES scenarios, twin INTEGER REFERENCES arms,
    UNIQUE (scenario_hash, amount_factor, settings))""",
    """CREATE TABLE runs (draw INTEGER NOT NULL REFERENCES draws, world INTEGER NOT NULL,
    arm INTEGER NOT NULL REFERENCES arms, world_seed INTEGER NOT NULL, key TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'planned' CHECK (status IN ('planned', 'done', 'failed')),
    reason TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT ''{columns}, PRIMARY KEY (draw, world, arm))
    WITHOUT ROWID""",
    "CREATE INDEX to_do ON runs (draw, world, arm) WHERE status = 'planned'",
    """CREATE VIEW progress AS SELECT role, name, amount_factor, status, count(*) AS runs
    FROM runs JOIN arms USING (arm) GROUP BY role, name, amount_factor, status""",
)
_POINTS: Final = (
    "CREATE TABLE points (point INTEGER PRIMARY KEY, parameter_set INTEGER NOT NULL, in_world INTEGER,"
    " levers TEXT NOT NULL{columns})"
)
_RUNS: Final = _BASIS[6]


@dataclass(frozen=True)
class Tables:
    """What of a study's tables differs from study to study.

    Attributes:
        outcomes: columns of ``runs``.
        factors: columns of ``points`` with their types; None where the study has no points.
    """

    outcomes: tuple[str, ...]
    factors: tuple[tuple[str, str], ...] | None = None


def basis_statements(outcomes: Sequence[str]) -> tuple[str, ...]:
    """What makes the tables of every study.

    Raises:
        StudyError: names of outcomes that cannot be columns.
    """
    bad = [name for name in outcomes if not re.fullmatch(NAME, name)]
    if bad:
        raise StudyError(
            f"outcome names {bad} cannot be columns; use small letters, digits and _, at most 100 of them"
        )
    columns = "".join(f", {quoted(name)} REAL" for name in outcomes)
    return tuple(statement.replace(_COLUMNS, columns) for statement in _BASIS)


def design_statements(tables: Tables) -> tuple[str, ...]:
    """What makes the tables of a sweep's points, and the view that joins them with runs."""
    columns = tables.factors or ()
    factors = "".join(f"points.{quoted(name)}, " for name, _ in columns)
    outcomes = "".join(f", runs.{quoted(name)}" for name in tables.outcomes)
    return (
        "CREATE TABLE factors (position INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL,"
        " unit TEXT NOT NULL, label TEXT NOT NULL, meaning TEXT NOT NULL)",
        "CREATE TABLE policies (position INTEGER PRIMARY KEY, policy TEXT NOT NULL UNIQUE, scenario_hash TEXT NOT NULL,"
        " takes_levers INTEGER NOT NULL)",
        _POINTS.replace(_COLUMNS, "".join(f", {quoted(name)} {kind}" for name, kind in columns)),
        "CREATE TABLE worlds (world INTEGER PRIMARY KEY)",
        f"CREATE VIEW results AS SELECT points.point, {factors}policies.policy, runs.world, runs.world_seed, runs.key,"
        f" runs.status, runs.reason{outcomes} FROM points CROSS JOIN policies CROSS JOIN arms"
        " ON arms.scenario_hash = policies.scenario_hash AND arms.amount_factor = 1.0"
        " AND arms.settings = CASE WHEN policies.takes_levers THEN points.levers ELSE '{}' END"
        # World by world: each run is then found by its whole key, also where one draw holds every run.
        " CROSS JOIN worlds ON worlds.world BETWEEN coalesce(points.in_world, 0)"
        " AND coalesce(points.in_world, 9223372036854775807)"
        " CROSS JOIN runs ON runs.draw = points.parameter_set AND runs.world = worlds.world AND runs.arm = arms.arm",
    )


def quoted(name: str) -> str:
    """A name as it stands in a query.

    Raises:
        StudyError: it can be no name of an outcome or a factor.
    """
    if not re.fullmatch(NAME, name):
        raise StudyError(f"{shown_name(name)} cannot be the name of a column")
    return f'"{name}"'


Entry = tuple[object, object, object, object]
"""Type, name, table and statement of a part of a database, as ``sqlite_master`` lists them."""


def tables_of(place: str, entries: Iterable[Entry]) -> Tables:
    """What the tables of a study are, if they are all as they are made here.

    Raises:
        StudyError: names what is foreign, changed or missing.
    """
    found = {(str(kind), str(name)): (table, text) for kind, name, table, text in entries}
    runs = found.get(("table", "runs"), ("", ""))[1]
    points = found.get(("table", "points"))
    outcomes = _columns_in(runs, _RUNS, "REAL")
    tables = Tables(
        tuple(name for name, _ in outcomes),
        None if points is None else tuple(_columns_in(points[1], _POINTS, "REAL|TEXT|NUMERIC")),
    )
    problems = list(_differences(found, dict(_expected(tables))))
    if problems:
        more = f" and {len(problems) - MOST_NAMED:,} more" if len(problems) > MOST_NAMED else ""
        raise StudyError(
            f"{place} is no study as passaat writes it, and was not used: {'; '.join(problems[:MOST_NAMED])}{more}",
            "Take a copy that nobody has changed, or repeat the study in another file. Tables, views and indices of"
            " your own belong into a database of their own (ATTACH in SQLite).",
        )
    return tables


def _columns_in(text: object, statement: str, kinds: str) -> list[tuple[str, str]]:
    """Names and types of the columns that a statement adds to those that are always there; none if it is another."""
    begin, end = statement.split(_COLUMNS)
    pattern = f'{re.escape(begin)}((?:, "{NAME}" (?:{kinds}))*){re.escape(end)}'
    found = re.fullmatch(pattern, text) if isinstance(text, str) else None
    return [] if found is None else re.findall(f'"({NAME})" ({kinds})', found[1])


def _expected(tables: Tables) -> Iterator[tuple[tuple[str, str], tuple[str, str | None]]]:
    """Type and name of all that belongs to a study, with table and statement."""
    statements = basis_statements(tables.outcomes)
    unique = ["outcomes", "draws", "arms"]
    if tables.factors is not None:
        statements += design_statements(tables)
        unique.append("policies")
    for statement in statements:
        _, kind, name, *rest = statement.split()
        yield (kind.lower(), name), (rest[1] if kind == "INDEX" else name, statement)
    for name in unique:
        yield ("index", f"sqlite_autoindex_{name}_1"), (name, None)


def _differences(
    found: dict[tuple[str, str], tuple[object, object]],
    expected: dict[tuple[str, str], tuple[str, str | None]],
) -> Iterator[str]:
    for (kind, name), what in found.items():
        if (kind, name) not in expected:
            yield f"{shown_name(kind)} {shown_name(name)} is none of its own"
        elif what != expected[kind, name]:
            yield f"{kind} {name} has been changed"
    yield from (f"{kind} {name} is missing" for kind, name in expected if (kind, name) not in found)
