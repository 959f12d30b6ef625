"""The ledger of roles: every fact in one role, and everybody who uses it.

A fact that is fitted says nothing more about the model when the model agrees with it; a fact by which somebody set a
number has been used up in the same way. So each fact has one role, stated before results are looked at (``MEANINGS``).

Who uses a fact is read where it is said: figures of ``targets.toml`` and their ``set_by``, and ``roles.toml`` for what
sources of parameters, evidence of levers and others say in free words; whatever they cite must be sorted there. A fact
used in two roles is refused. Those that cannot be put right before the next calibration are listed one by one;
nothing else passes, and an entry that no longer holds is refused too.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

import passaat
from passaat.calibration.case_files import load_cases, load_verdicts
from passaat.calibration.likelihood import terms_of
from passaat.calibration.listing import value_text
from passaat.calibration.observation import observation_parameters
from passaat.calibration.targets import figures, not_compared
from passaat.errors import EvidenceError, unknown_name
from passaat.evidence import EVIDENCE_FOLDER, EvidenceRow, claims, evidence, outside_evidence
from passaat.model.parameters import PARAMETERS
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.loading import shipped_names

ROLES: Final = ("input", "tuning", "target", "held out", "check", "context")
ROLE_OF_USE: Final[Mapping[str, str]] = {role: role for role in ROLES} | {"validation": "held out"}
"""Role by the word in the evidence files. There and in stored posteriors, *held out* is still called validation."""
MAY_SET: Final = ("input", "tuning")
"""Roles of facts that a number set by hand may rest on."""
MEANINGS: Final[Mapping[str, str]] = {
    "input": "fed in as reported; agreeing with it is no achievement",
    "tuning": "somebody set a default or a range after it, by hand and without a likelihood",
    "target": "calibration fits it, now or from the next calibration on",
    "held out": "predicted and never fitted",
    "check": "says the same as targets in another way; never fitted, and no independent test",
    "context": "background; no number rests on it",
}
"""What each role means, for people."""
ACTING: Final = ("input", "tuning", "target", "held out")
"""Roles that a fact shares with those that it is computed from; checks repeat targets, and context acts on nothing."""

ROLES_FILE: Final = Path(__file__).resolve().parent / "roles.toml"
FIRST_ROLES_FILE: Final = EVIDENCE_FOLDER / "first_roles.csv"

_PLACE: Final = re.compile(r"\b(?:s\d[\d.]*|Tables? \d+|annex [A-C]\b|C\.\d)")
"""A place of the evaluation, as sources of parameters name it."""


@dataclass(frozen=True)
class Use:
    """Somebody uses a fact. ``sets``: a number was set after it; else a figure compares it."""

    fact: str
    user: str
    sets: bool


@dataclass(frozen=True)
class Fact:
    """One fact in its one role.

    Attributes:
        value: with unit and range, as people read it.
        source: key and place.
        users: those who use it, in words; empty where nobody does yet.
        fitted: the likelihood of the present calibration contains it.
    """

    id: str
    quantity: str
    value: str
    source: str
    role: str
    inferred: bool
    notes: str
    users: tuple[str, ...] = ()
    fitted: bool = False


@dataclass(frozen=True)
class DoubleUse:
    """A fact in a role that its user does not allow."""

    fact: str
    role: str
    user: str
    how: str

    def __str__(self) -> str:
        return f"{self.fact} is used twice: it is {_with_article(self.role)}, and {self.how}"


@dataclass(frozen=True)
class Exemption:
    """Double uses by one user, and what the next calibration does about them."""

    user: str
    facts: tuple[str, ...]
    then: str


@dataclass(frozen=True)
class Change:
    """Facts whose role is not their first one any more, or stays it although a change was proposed."""

    facts: tuple[str, ...]
    was: str
    now: str
    date: str
    reason: str


@dataclass(frozen=True)
class Declared:
    """What ``roles.toml`` declares."""

    sets: Mapping[str, tuple[str, ...]]
    mentions: Mapping[str, str]
    computed_from: Mapping[str, tuple[str, ...]]
    changed: tuple[Change, ...]
    kept: tuple[Change, ...]
    until_next_calibration: tuple[Exemption, ...]


@dataclass(frozen=True)
class Ledger:
    """All facts by id, with the double uses that stay until the next calibration, and all changes of role."""

    facts: Mapping[str, Fact]
    declared: Declared

    def of(self, role: str) -> tuple[Fact, ...]:
        """The facts in one role, in the order of the files."""
        return tuple(fact for fact in self.facts.values() if fact.role == role)


def read_declared(path: Path = ROLES_FILE) -> Declared:
    """Read ``roles.toml``.

    Raises:
        EvidenceError: a table or a field that is unknown or missing, or a reason left out; all are listed.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    needed = ("sets", "mentions", "computed_from", "changed", "kept", "until_next_calibration")
    problems = [
        f"{path.name}: {unknown_name('table', name, needed)}" for name in tables if name not in needed
    ]
    problems += [f"{path.name}: table {name} is missing" for name in needed if name not in tables]
    if not problems:
        problems += _unreasoned(tables, path.name)
    if problems:
        raise EvidenceError(problems, hint=f"Correct {path.name}.")
    return Declared(
        sets={user: tuple(facts) for user, facts in tables["sets"].items()},
        mentions=tables["mentions"],
        computed_from={fact: tuple(facts) for fact, facts in tables["computed_from"].items()},
        changed=tuple(_change(one, one["was"], one["now"]) for one in tables["changed"]),
        kept=tuple(_change(one, one["role"], one["role"]) for one in tables["kept"]),
        until_next_calibration=tuple(
            Exemption(user, tuple(one["facts"]), one["then"])
            for user, one in tables["until_next_calibration"].items()
        ),
    )


def _unreasoned(tables: Mapping[str, Any], file: str) -> Iterator[str]:
    """What lacks a field, or says nothing in one."""
    fields = {
        "changed": ("facts", "was", "now", "date", "reason"),
        "kept": ("facts", "role", "date", "reason"),
    }
    entries = [
        (f"{table}, {', '.join(one.get('facts', ['without facts']))}", one, fields[table])
        for table in fields
        for one in tables[table]
    ]
    exceptions = tables["until_next_calibration"].items()
    entries += [(f"until_next_calibration, {user}", one, ("facts", "then")) for user, one in exceptions]
    for where, one, names in entries:
        yield from (
            f"{file}, {where}: {name} is missing" for name in names if not str(one.get(name, "")).strip()
        )
    for user, why in tables["mentions"].items():
        if not why.strip():
            yield f"{file}, mentions, {user}: what it is named for is missing"


def _change(table: Mapping[str, Any], was: str, now: str) -> Change:
    return Change(tuple(table["facts"]), was, now, str(table["date"]), table["reason"])


def read_first_roles(path: Path = FIRST_ROLES_FILE) -> dict[str, str]:
    """The role in which each fact was entered. A line is added with a fact and never edited."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["role"] for row in csv.DictReader(file)}


def facts_of(
    rows: Iterable[EvidenceRow], uses: Sequence[Use] = (), fitted: Iterable[str] = ()
) -> dict[str, Fact]:
    """Evidence rows and verdicts of cases as facts, with those who use them."""
    used_by: dict[str, list[str]] = {}
    for use in uses:
        used_by.setdefault(use.fact, []).append(use.user)
    in_likelihood = set(fitted)
    found = {
        row.id: Fact(
            id=row.id,
            quantity=row.quantity,
            value=value_text(row),
            source=f"{row.source} {row.place}",
            role=ROLE_OF_USE[row.use],
            inferred=row.inferred,
            notes=row.notes,
            users=tuple(dict.fromkeys(used_by.get(row.id, ()))),
            fitted=row.id in in_likelihood,
        )
        for row in rows
    }
    for case, verdict in load_verdicts().items():
        id = f"verdict_{case}"
        quantity = f"What the evaluators concluded of case {case}"
        source = f"{verdict.source} {verdict.place}"
        users = ("passaat cases, after the runs",)
        found[id] = Fact(id, quantity, verdict.verdict, source, "held out", False, "", users)
    return found


def uses_of(declared: Declared) -> tuple[Use, ...]:
    """Every use of a fact: by figures, by numbers that figures say they set, and by what ``roles.toml`` declares."""
    found = [Use(id, f"figure {figure.name}", sets=False) for figure in figures() for id in figure.rows]
    found += [
        Use(id, f"parameter {name}", sets=True)
        for figure in figures()
        for name in figure.set_by
        for id in figure.rows
    ]
    found += [Use(id, user, sets=True) for user, facts in declared.sets.items() for id in facts]
    return tuple(dict.fromkeys(found))


def fitted_rows() -> frozenset[str]:
    """Rows that the likelihood contains: those of targets with a statistical form.

    Of three shares that sum to one, the likelihood takes two; the third is fitted with them and counts.
    """
    targets = [figure for figure in figures() if figure.role == "target"]
    names = {term.name for term in terms_of(targets)}
    return frozenset(
        id for figure in targets if figure.name in names or figure.form == "binomial" for id in figure.rows
    )


def double_uses(
    facts: Mapping[str, Fact], uses: Iterable[Use], computed_from: Mapping[str, Sequence[str]]
) -> tuple[DoubleUse, ...]:
    """Facts in two roles: set something although they may not, or computed from a fact in another role."""
    found = []
    for use in uses:
        role = facts[use.fact].role
        if use.sets and role not in MAY_SET:
            found.append(DoubleUse(use.fact, role, use.user, _how(use.user)))
    for fact, bases in computed_from.items():
        for base in bases:
            one, other = facts[fact].role, facts[base].role
            if one in ACTING and other in ACTING and one != other and not {one, other} <= set(MAY_SET):
                how = f"{fact}, {_with_article(one)}, says the same"
                found.append(DoubleUse(base, other, f"fact {fact}", how))
    return tuple(dict.fromkeys(found))


def _how(user: str) -> str:
    """How a number of this user rests on a fact."""
    kind, _, name = user.partition(" ")
    if kind == "figure":
        return f"the spread of {user} was set after it"
    return f"{name} computes with it" if kind == "code" else f"{user} was set after it"


def problems_of(facts: Mapping[str, Fact], declared: Declared, first_roles: Mapping[str, str]) -> list[str]:
    """All that keeps the ledger from being right: names, double uses, exceptions, changes, unsorted citations."""
    unknown = [*_unknown_facts(facts, declared), *_unknown_users(declared)]
    if unknown:
        return unknown
    uses = uses_of(declared)
    return [
        *_said_twice(declared),
        *_against_exceptions(double_uses(facts, uses, declared.computed_from), declared),
        *_against_first_roles(facts, declared, first_roles),
        *_unsorted(declared, uses),
    ]


def _unknown_facts(facts: Mapping[str, Fact], declared: Declared) -> Iterator[str]:
    named = [(f"sets, {user}", ids) for user, ids in declared.sets.items()]
    named += [(f"computed_from, {fact}", (fact, *bases)) for fact, bases in declared.computed_from.items()]
    named += [("changed", one.facts) for one in declared.changed]
    named += [("kept", one.facts) for one in declared.kept]
    named += [(f"until_next_calibration, {one.user}", one.facts) for one in declared.until_next_calibration]
    for where, ids in named:
        for id in ids:
            if id not in facts:
                yield f"roles.toml, {where}: {unknown_name('fact', id, list(facts), listing=False)}"


def _unknown_users(declared: Declared) -> Iterator[str]:
    known = {
        "parameter": list(PARAMETERS),
        "observation": list(observation_parameters()),
        "lever": list(LEVERS),
        "scenario": list(shipped_names()),
        "case": list(load_cases()),
        "figure": [figure.name for figure in figures()],
    }
    package = Path(passaat.__file__).parent
    for user in (*declared.sets, *declared.mentions):
        kind, _, name = user.partition(" ")
        if kind == "code":
            if not (package / name).is_file():
                yield f"roles.toml, {user}: no such file"
        elif kind not in known:
            yield f"roles.toml, {user}: {unknown_name('kind of user', kind, [*known, 'code'])}"
        elif not any(fnmatchcase(one, name) for one in known[kind]):
            yield f"roles.toml, {user}: {unknown_name(kind, name, known[kind], listing=False)}"


def _said_twice(declared: Declared) -> Iterator[str]:
    """Uses that targets.toml says already."""
    said = {
        (f"parameter {name}", id): figure.name
        for figure in figures()
        for name in figure.set_by
        for id in figure.rows
    }
    for user, ids in declared.sets.items():
        for id in ids:
            if (user, id) in said:
                yield f"roles.toml, sets, {user}: set_by of figure {said[user, id]} says already that {id} sets it"


def _against_exceptions(found: Sequence[DoubleUse], declared: Declared) -> Iterator[str]:
    """Double uses that are not listed, and listed ones that are gone."""
    listed = {(id, one.user) for one in declared.until_next_calibration for id in one.facts}
    present = {(one.fact, one.user) for one in found}
    yield from (str(one) for one in found if (one.fact, one.user) not in listed)
    for id, user in sorted(listed - present):
        yield f"roles.toml, until_next_calibration, {user}: {id} is no longer used twice by it: take the entry out"


def _against_first_roles(
    facts: Mapping[str, Fact], declared: Declared, first_roles: Mapping[str, str]
) -> Iterator[str]:
    """Roles that changed without a reason, and reasons for changes that are not there."""
    told: dict[str, Change] = {}
    for one in (*declared.changed, *declared.kept):
        for id in one.facts:
            if id in told:
                yield f"roles.toml: {id} changes its role twice; tell its first role, its present one and why once"
            told[id] = one
    for id, fact in facts.items():
        first, change = first_roles.get(id), told.get(id)
        if first is None:
            yield f"first_roles.csv: {id} is missing: add the role in which it is entered, {fact.role}"
        elif change is None and first != fact.role:
            yield f"{id} was entered as {first} and is {fact.role} now: give the change with its reason in roles.toml"
        elif change is not None and (change.was, change.now) != (first, fact.role):
            yield (
                f"roles.toml: {id} is told to be {change.now} after {change.was}, but is {fact.role} after {first}"
            )
    for id, role in first_roles.items():
        if id not in facts:
            yield f"first_roles.csv: {unknown_name('fact', id, list(facts), listing=False)}"
        elif role not in ROLES:
            yield f"first_roles.csv, {id}: {unknown_name('role', role, ROLES)}"


def _unsorted(declared: Declared, uses: Sequence[Use]) -> Iterator[str]:
    """Records that cite a fact, a place of figures or an outside study, and are neither set after it nor naming it.

    A place that is cited with a claim rests on the claim, which carries no number (docs/claims.md).
    """
    set_after: dict[str, set[str]] = {}
    for use in uses:
        if use.sets:
            set_after.setdefault(use.user, set()).add(use.fact)
    rows = {**evidence(), **outside_evidence()}
    sources = {f"parameter {name}": record.source for name, record in PARAMETERS.items()}
    sources |= {f"observation {name}": record.source for name, record in observation_parameters().items()}
    cited = {user: _cited(text, rows) for user, text in sources.items()}
    cited |= {
        f"lever {lever.name}": {ref.id for ref in lever.evidence} & set(rows) for lever in LEVERS.values()
    }
    studies = {row.source for row in outside_evidence().values()}
    placed = {user for user, text in sources.items() if _PLACE.search(text) and not _cited(text, claims())}
    placed |= {user for user, text in sources.items() if _cited(text, studies)}
    way_out = "say in roles.toml that it was set after it (sets), or what it names it for (mentions)"
    for user, ids in cited.items():
        left = ids - set_after.get(user, set())
        if user in declared.mentions:
            if not left and user not in placed:
                yield f"roles.toml, mentions, {user}: it names nothing that it is not set after: take the entry out"
        elif left:
            yield f"{user} cites {', '.join(sorted(left))}: {way_out}"
        elif user in placed and not set_after.get(user):
            yield f"{user} cites a place of figures or a study ({sources[user]}): {way_out}"


def _cited(text: str, ids: Iterable[str]) -> set[str]:
    return set(re.findall(r"\w+", text)) & set(ids)


def _with_article(role: str) -> str:
    """The role of one fact as a part of speech."""
    return {"input": "an input", "target": "a target", "check": "a check"}.get(role, role)


def build_ledger(
    declared: Declared | None = None,
    first_roles: Mapping[str, str] | None = None,
    rows: Iterable[EvidenceRow] | None = None,
) -> Ledger:
    """Hold roles and uses against each other; what is not given is read.

    Raises:
        EvidenceError: a fact in two roles that is no stated exception, an exception that no longer holds, a role that
            changed without a reason, a name that does not exist, a citation that is not sorted; all are listed.
    """
    known = read_declared() if declared is None else declared
    every = (*evidence().values(), *outside_evidence().values()) if rows is None else tuple(rows)
    bare = facts_of(every)
    problems = problems_of(bare, known, read_first_roles() if first_roles is None else first_roles)
    if problems:
        raise EvidenceError(
            problems,
            hint="Each fact has one role: choose it (use in calibration/evidence), or let the number rest on another.",
        )
    told = tuple(Use(id, "not compared yet", sets=False) for id in not_compared())
    return Ledger(facts_of(every, (*uses_of(known), *told), fitted_rows()), known)


@cache
def ledger() -> Ledger:
    """The ledger that ships, read once.

    Raises:
        EvidenceError: as ``build_ledger``.
    """
    return build_ledger()
