"""The glossary is fresh, and names nothing that the model does not have."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from passaat.scenarios.levers import LEVERS

DOCS = Path(__file__).resolve().parents[2] / "docs"

PATH = """[[terms]]
en = "path"
nl = "pad"
meaning_en = "A way."
meaning_nl = "Een weg."
where = ["lever:assessors"]
"""


@pytest.fixture(scope="module")
def glossary() -> Any:
    """The generator, which lies beside the page it makes and belongs to no package."""
    spec = importlib.util.spec_from_file_location("passaat_docs_glossary", DOCS / "glossary.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def terms(glossary: Any) -> Any:
    return glossary.read_terms((DOCS / "glossary.toml").read_text(encoding="utf-8"))


def test_terms_stand_once_in_the_order_of_the_alphabet(terms: Any) -> None:
    words = [term.en.casefold() for term in terms]
    assert words == sorted(set(words))


def test_the_programmes_own_words_are_there(terms: Any) -> None:
    pairs = {(en, nl) for term in terms for en in (term.en, *term.also_en) for nl in (term.nl, *term.also_nl)}
    assert pairs >= {
        ("covenant", "convenant"),
        ("programme manager", "programma-adviseur"),
        ("steering group", "stuurgroep"),
        ("knowledge institute", "kennisinstelling"),
        ("capacity to follow up", "slagkracht"),
        ("bottleneck", "knelpunt"),
        ("trade barrier", "handelsbelemmering"),
        ("follow-up", "opvolging"),
        ("additionality", "additionaliteit"),
        ("displacement", "verdringing"),
        ("baseline", "nulmeting"),
    }


def test_every_word_of_a_lever_label_that_is_a_term_is_spelled_as_there(terms: Any) -> None:
    labelled = [term for term in terms if term.is_label_of]
    for term in labelled:
        assert LEVERS[term.is_label_of].label_nl.casefold() == term.nl.casefold()


def test_every_lever_label_is_on_the_page(glossary: Any, terms: Any) -> None:
    page = glossary.page_of(terms)
    for name, lever in LEVERS.items():
        assert f"\n| {lever.label_en} | {lever.label_nl} | `{name}` |" in page


def test_a_sound_term_is_read(glossary: Any) -> None:
    (term,) = glossary.read_terms(PATH)
    assert (term.en, term.nl, term.where) == ("path", "pad", ("lever:assessors",))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('nl = "pad"\n', "", "path: field 'nl' is missing"),
        ('nl = "pad"', 'nl = "pad"\ndutch = "pad"', "path: unknown field 'dutch'"),
        ('"A way."', '"A way. Or two."', "path: 'A way. Or two.' is not one sentence"),
        ('"Een weg."', '"Een weg"', "path: 'Een weg' is not one sentence"),
        ("lever:assessors", "lever:asessors", "path: unknown lever 'asessors'; did you mean 'assessors'?"),
        ("lever:assessors", "outcome:contract", "path: unknown outcome 'contract'; did you mean 'contracts'"),
        ("lever:assessors", "column:firms.size", "path: unknown column 'firms.size'; did you mean"),
        ("lever:assessors", "table:firm", "path: unknown table 'firm'; did you mean 'firms'"),
        ("lever:assessors", "parameter:step_succes", "path: unknown parameter 'step_succes'; did you mean"),
        ("lever:assessors", "page:none.md", "path: unknown page 'none.md'"),
        ("lever:assessors", "rule:firm.fly", "path: the model has no rule 'firm.fly'"),
        ("lever:assessors", "rule:moon.fly", "path: the model has no rule 'moon.fly'"),
        ("lever:assessors", "button:assessors", "path: unknown kind of name 'button'"),
        (
            "where",
            'is_label_of = "assessors"\nwhere',
            "path: is said to be the label of 'assessors', which is",
        ),
    ],
)
def test_a_slip_is_named(glossary: Any, old: str, new: str, message: str) -> None:
    assert old in PATH
    with pytest.raises(glossary.GlossaryError) as caught:
        glossary.read_terms(PATH.replace(old, new))
    assert message in str(caught.value)


def test_terms_out_of_order_or_named_twice_are_refused(glossary: Any) -> None:
    with pytest.raises(glossary.GlossaryError, match="path: stands behind path"):
        glossary.read_terms(PATH + PATH)
    with pytest.raises(glossary.GlossaryError, match="path: stands behind road"):
        glossary.read_terms(PATH.replace('"path"', '"road"') + PATH)
