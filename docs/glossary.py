"""What makes docs/glossary.md of docs/glossary.toml: English and Dutch words, what they mean and where they occur.

A term that names a lever, an outcome, a column or anything else of the model that does not exist is refused.
"""

from __future__ import annotations

import importlib
import itertools
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from passaat.errors import PassaatError, unknown_name
from passaat.model.kernel.columns import declared_columns
from passaat.model.outcomes import OUTCOME_NAMES
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.odd import table
from passaat.model.status import STAGE_NAMES, STATUS_NAMES
from passaat.model.world import TABLES, World
from passaat.scenarios.levers import LEVERS

HERE: Final = Path(__file__).resolve().parent
SOURCE: Final = HERE / "glossary.toml"

_NEEDED: Final = ("en", "nl", "meaning_en", "meaning_nl", "where")
_ALLOWED: Final = (*_NEEDED, "also_en", "also_nl", "is_label_of")


class GlossaryError(PassaatError):
    """The glossary cannot be made; the message names every term at fault."""


@dataclass(frozen=True)
class Term:
    """One word in two languages.

    Attributes:
        where: names in the model or its documents, as ``kind:name``.
        is_label_of: the lever whose label the term is; empty for most.
    """

    en: str
    nl: str
    meaning_en: str
    meaning_nl: str
    where: tuple[str, ...]
    also_en: tuple[str, ...] = ()
    also_nl: tuple[str, ...] = ()
    is_label_of: str = ""


def names_by_kind() -> dict[str, list[str]]:
    """Names that exist, by the kind that stands before the colon; rules are looked up one by one."""
    columns = [
        f"{name}.{column.name}" for name, declared in TABLES.items() for column in declared_columns(declared)
    ]
    return {
        "table": list(World._fields),
        "column": columns,
        "parameter": list(PARAMETERS),
        "lever": list(LEVERS),
        "outcome": list(OUTCOME_NAMES),
        "status": list(STATUS_NAMES),
        "stage": list(STAGE_NAMES),
        "page": sorted(path.name for path in HERE.glob("*.md")),
    }


def read_terms(text: str) -> list[Term]:
    """Read the terms.

    Raises:
        GlossaryError: terms that are incomplete, out of order or named twice, meanings that are not one sentence,
            names that the model does not have, or labels that differ from the lever's.
    """
    records: list[dict[str, Any]] = tomllib.loads(text)["terms"]
    problems = []
    terms = []
    for record in records:
        wrong = [f"field {name!r} is missing" for name in _NEEDED if not record.get(name)]
        wrong += [unknown_name("field", name, _ALLOWED) for name in record if name not in _ALLOWED]
        if wrong:
            problems += [f"{record.get('en', 'a term without en')}: {problem}" for problem in wrong]
            continue
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
        terms.append(Term(**fields))
    names = names_by_kind()
    for term in terms:
        problems += [f"{term.en}: {problem}" for problem in _problems_of(term, names)]
    order = [term.en.casefold() for term in terms]
    problems += [
        f"{later}: stands behind {earlier}, out of the order of the alphabet or twice"
        for earlier, later in itertools.pairwise(order)
        if earlier >= later
    ]
    if problems:
        raise GlossaryError(problems, hint="Mend docs/glossary.toml.")
    return terms


def _problems_of(term: Term, names: Mapping[str, Sequence[str]]) -> list[str]:
    problems = []
    for meaning in (term.meaning_en, term.meaning_nl):
        if not meaning.endswith(".") or ". " in meaning:
            problems.append(f"{meaning!r} is not one sentence")
    for place in term.where:
        kind, _, name = place.partition(":")
        if kind == "rule":
            if not _is_rule(name):
                problems.append(f"the model has no rule {name!r}")
        elif kind not in names:
            problems.append(unknown_name("kind of name", kind, [*names, "rule"]))
        elif name not in names[kind]:
            problems.append(unknown_name(kind, name, names[kind], listing=False))
    if term.is_label_of:
        lever = LEVERS.get(term.is_label_of)
        labels = (lever.label_en.casefold(), lever.label_nl.casefold()) if lever else ("", "")
        if (term.en.casefold(), term.nl.casefold()) != labels:
            problems.append(
                f"is said to be the label of {term.is_label_of!r}, which is {' / '.join(labels)!r}"
            )
    return problems


def _is_rule(name: str) -> bool:
    """Whether ``file.function`` is a function of the model."""
    module, _, function = name.partition(".")
    try:
        return callable(getattr(importlib.import_module(f"passaat.model.{module}"), function, None))
    except ModuleNotFoundError:
        return False


def page_of(terms: Sequence[Term]) -> str:
    """The whole page: the terms, a way in from Dutch, and the levers' labels."""
    lines = [
        "# Glossary / Woordenlijst",
        "",
        "<!-- Generated from docs/glossary.toml and scenarios/levers.toml by `make generated`; do not edit. -->",
        "",
        f"{len(terms)} terms of the model, its outputs and the programme, in English and Dutch, and where each occurs.",
        "",
        f"{len(terms)} termen van het model, zijn uitkomsten en het programma, in Engels en Nederlands, en waar elk",
        "voorkomt.",
        "",
    ]
    rows = [
        (_word(t.en, t.also_en), _word(t.nl, t.also_nl), t.meaning_en, t.meaning_nl, _places(t.where))
        for t in terms
    ]
    lines += table(("English", "Nederlands", "meaning", "betekenis", "where"), rows)
    lines += ["", "## Nederlands - Engels", ""]
    words = [(word, t.en) for t in terms for word in (t.nl, *t.also_nl)]
    lines += table(("Nederlands", "English"), sorted(words, key=lambda pair: (pair[0].casefold(), pair[1])))
    lines += ["", "## Levers / Beleidsknoppen", "", "Explained in [levers.md](levers.md).", ""]
    levers = [(lever.label_en, lever.label_nl, f"`{name}`") for name, lever in LEVERS.items()]
    return "\n".join([*lines, *table(("English", "Nederlands", "lever"), levers), ""])


def _word(word: str, also: Sequence[str]) -> str:
    return f"**{word}**" + (f" ({', '.join(also)})" if also else "")


def _places(where: Sequence[str]) -> str:
    shown: Mapping[str, Callable[[str], str]] = {"page": lambda name: f"[{name}]({name})"}
    parts = [place.partition(":") for place in where]
    return ", ".join(shown[kind](name) if kind in shown else f"{kind} `{name}`" for kind, _, name in parts)


def generated() -> dict[str, str]:
    """The page, by its place in the repository."""
    return {"docs/glossary.md": page_of(read_terms(SOURCE.read_text(encoding="utf-8")))}
