"""The ledger of roles: what each fact is used for, once, and who uses it.

A fact that feeds the model cannot test it, and one that was fitted cannot be predicted. So every row of evidence has
one role: input, target, tuning, validation (held out), check or context. The ledger finds facts that two things use all
the same: a target by which a default was set as well. Those that are known are listed in ``roles.toml`` with what will
be done about them; any other is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from passaat.calibration.targets import Figure, figures
from passaat.errors import EvidenceError
from passaat.evidence import USES, EvidenceRow, evidence
from passaat.scenarios.levers import LEVERS

ROLES_FILE: Final = Path(__file__).with_name("roles.toml")

ROLE_WORDS: Final = MappingProxyType(
    {
        "input": "feeds the model; never shown as reproduced",
        "target": "for calibration",
        "tuning": "a default or a range was chosen by it, by hand",
        "validation": "held out: predicted, never fitted",
        "check": "repeats a target from another table of the same source",
        "context": "background; nothing rests on it",
    }
)
"""Every role and what it means."""


@dataclass(frozen=True)
class Entry:
    """One fact in the ledger.

    Attributes:
        row: the row of evidence.
        figures: names of figures of targets.toml that are made of it.
        sets: parameters whose default was set straight from it.
        levers: levers that cite it.
        was: its role before, if that changed.
        why: the reason of the change, or why a role that was asked for cannot be given.
        asked: that role.
        twice: what will be done about a second use, if it has one.
    """

    row: EvidenceRow
    figures: tuple[str, ...]
    sets: tuple[str, ...]
    levers: tuple[str, ...]
    was: str = ""
    why: str = ""
    asked: str = ""
    twice: str = ""

    @property
    def role(self) -> str:
        """Its one role."""
        return self.row.use

    @property
    def in_likelihood(self) -> bool:
        """Whether a posterior is made from it: a target that a figure is made of."""
        return self.role == "target" and bool(self.figures)

    @property
    def second_uses(self) -> tuple[str, ...]:
        """What else uses a fact that is fitted or held out: parameters set by it."""
        if self.role not in ("target", "validation"):
            return ()
        return tuple(f"sets the default of {name}" for name in self.sets)


def ledger() -> tuple[Entry, ...]:
    """Every fact with its role and its users, in the order of roles and of the files.

    Raises:
        EvidenceError: facts that two things use without being listed, or listed ones that nothing uses twice, or
            unknown ids in roles.toml; all of them are named.
    """
    return checked(evidence(), figures(), known())


@cache
def known() -> Mapping[str, Any]:
    """What roles.toml says."""
    return tomllib.loads(ROLES_FILE.read_text(encoding="utf-8"))


def checked(
    rows: Mapping[str, EvidenceRow], observed: Sequence[Figure], said: Mapping[str, Any]
) -> tuple[Entry, ...]:
    """The ledger of these rows and figures.

    Raises:
        EvidenceError: as ``ledger``.
    """
    entries = tuple(_entries(rows, observed, said))
    problems = [*_unknown(rows, said), *_double(entries, said)]
    if problems:
        raise EvidenceError(
            problems,
            hint="Give the fact one role in calibration/evidence/, or list it in calibration/roles.toml under [twice]"
            " with what will be done about it.",
        )
    return tuple(sorted(entries, key=lambda entry: USES.index(entry.role)))


def _entries(
    rows: Mapping[str, EvidenceRow], observed: Sequence[Figure], said: Mapping[str, Any]
) -> Iterator[Entry]:
    for key, row in rows.items():
        made_of_it = [figure for figure in observed if key in figure.rows]
        changed, asked = (said.get(part, {}).get(key, {}) for part in ("changed", "asked"))
        yield Entry(
            row=row,
            figures=tuple(figure.name for figure in made_of_it),
            sets=tuple(dict.fromkeys(name for figure in made_of_it for name in figure.set_by)),
            levers=tuple(
                name for name, lever in LEVERS.items() if any(cited.id == key for cited in lever.evidence)
            ),
            was=changed.get("was", ""),
            why=changed.get("why", "") or asked.get("why", ""),
            asked=asked.get("role", ""),
            twice=said.get("twice", {}).get(key, {}).get("until", ""),
        )


def _unknown(rows: Mapping[str, EvidenceRow], said: Mapping[str, Any]) -> Iterator[str]:
    for part, facts in said.items():
        for key, about in facts.items():
            if key not in rows:
                yield f"roles.toml, [{part}.{key}]: there is no such row of evidence"
            elif part == "changed" and (about["was"] == rows[key].use or not about["why"].strip()):
                yield f"roles.toml, [changed.{key}]: no reason, or the role {rows[key].use} before as now"
            elif part == "asked" and about["role"] == rows[key].use:
                yield f"roles.toml, [asked.{key}]: {key} has the role {about['role']} that was asked for"


def _double(entries: Sequence[Entry], said: Mapping[str, Any]) -> Iterator[str]:
    listed = said.get("twice", {})
    for entry in entries:
        if entry.second_uses and entry.row.id not in listed:
            yield f"{entry.row.id} is a {entry.role} and {', '.join(entry.second_uses)}"
        if entry.row.id in listed and not entry.second_uses:
            yield f"roles.toml, [twice.{entry.row.id}]: nothing uses it twice"
