"""What makes docs/ledger.md: every fact with its one role, who uses it, and what is used twice for now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from passaat.calibration.roles import MEANINGS, ROLES, Change, Fact, Ledger, ledger

HEAD: Final = """# The ledger of roles

Made by `make generated` from `calibration/evidence`, `calibration/roles.toml` and the records that cite facts; do not
edit.

A fact that calibration fits says nothing more about the model when the model agrees with it, and a fact after which
somebody set a number by hand has been used up in the same way. So each fact has one role, and the role is stated before
results are looked at. A number that is set by hand may rest on an input or on a fact for tuning, on nothing else.
`passaat evidence ID` explains a fact; `passaat.calibration.roles` refuses a fact in two roles, and names both uses.

Held out means kept from fitting, not unseen: whoever wrote the rules had read the evaluation. In the evidence files and
in stored posteriors the role is still called `validation`; the word changes with the next calibration."""

MARKS: Final = (
    r"\* marks what is a reader's value or reading (INFERRED), not reported; † what is used twice until the next "
    "calibration, see above."
)


def generated() -> dict[str, str]:
    """The page by its place in the repository."""
    return {"docs/ledger.md": page(ledger())}


def page(of: Ledger) -> str:
    """The whole page, in Markdown."""
    twice = {id for one in of.declared.until_next_calibration for id in one.facts}
    parts = [HEAD, counts(of), used_twice(of), changes(of), numbers_without_fact(of)]
    parts += [section(of, role, twice) for role in ROLES]
    return "\n\n".join(parts) + "\n"


def counts(of: Ledger) -> str:
    """How many facts each role has, and how many of them nobody uses yet."""
    rows = []
    for role in ROLES:
        facts = of.of(role)
        idle = sum(not uses(fact) for fact in facts)
        state = f"{idle} not yet" if role != "context" and idle else ""
        if role == "target":
            state = f"{sum(not fact.fitted for fact in facts)} not in the likelihood yet"
        if role == "held out":
            state = f"{sum(not is_compared(fact) for fact in facts)} not predicted yet"
        rows.append([role, MEANINGS[role], str(len(facts)), state])
    return "## Counts\n\n" + table(["role", "what it means", "facts", "in use"], rows)


def used_twice(of: Ledger) -> str:
    """The double uses that stay until the next calibration."""
    entries = of.declared.until_next_calibration
    facts = {id for one in entries for id in one.facts}
    rows = [
        [code(one.user), ", ".join(f"{code(id)} ({of.facts[id].role})" for id in one.facts), one.then]
        for one in entries
    ]
    return (
        "## Used twice, until the next calibration\n\n"
        f"{len(facts)} facts are used by {len(entries)} users in a way that their role does not allow. To put them "
        "right changes the likelihood or a run, so it is done when calibration is made anew; until then agreement with "
        "them is no evidence for the model, and a range set after a target counts that target twice. No other double "
        "use passes, and an entry that no longer holds is refused.\n\n"
        + table(["what was set after them", "facts (role)", "what the next calibration does"], rows)
    )


def changes(of: Ledger) -> str:
    """Roles that are not the first ones, and changes that were not made."""

    def rows(entries: Sequence[Change]) -> list[list[str]]:
        return [
            [", ".join(map(code, one.facts)), one.was if one.was == one.now else f"{one.was} → {one.now}", one.date,
             one.reason]
            for one in entries
        ]  # fmt: skip

    headings = ["facts", "role", "since", "why"]
    return (
        "## Changes of role\n\nThe role in which a fact was entered is kept in `calibration/evidence/first_roles.csv`; "
        "one that differs needs a reason.\n\n"
        + table(headings, rows(of.declared.changed))
        + "\n\nConsidered and not made:\n\n"
        + table(headings, rows(of.declared.kept))
    )


def numbers_without_fact(of: Ledger) -> str:
    """Records that name facts or places of the source without taking a number from them."""
    rows = [[code(user), why] for user, why in of.declared.mentions.items()]
    return (
        "## Named, but set after no row\n\nRecords that cite a fact or a place of the evaluation and take no "
        "number of a row from it. *In no row*: a reader counted the number in the text, so this ledger cannot hold it. "
        "Claims carry no numbers and have [a page of their own](claims.md).\n\n"
        + table(["record", "what it is named for"], rows)
    )


def section(of: Ledger, role: str, twice: set[str]) -> str:
    """All facts in one role."""
    facts = of.of(role)
    headings = ["fact", "quantity", "value", "source"]
    if role != "context":
        headings.append("used by")
    if role == "target":
        headings.append("in the likelihood")
    rows = []
    for fact in facts:
        mark = ("*" if fact.inferred else "") + ("†" if fact.id in twice else "")
        row = [code(fact.id) + mark.replace("*", r"\*"), with_notes(fact), fact.value, fact.source]
        if role != "context":
            row.append(", ".join(map(code, uses(fact))) or "nobody yet")
        if role == "target":
            row.append("yes" if fact.fitted else "not yet")
        rows.append(row)
    head = f"## {sentence(role)}: {len(facts)}\n\n{sentence(MEANINGS[role])}. {MARKS}"
    return f"{head}\n\n{table(headings, rows)}"


def sentence(text: str) -> str:
    """With a capital first letter, and the others as they are."""
    return text[0].upper() + text[1:]


def uses(fact: Fact) -> tuple[str, ...]:
    """Who uses a fact, without the word that nothing compares it yet."""
    return tuple(user for user in fact.users if user != "not compared yet")


def is_compared(fact: Fact) -> bool:
    """Whether something predicts a fact: a figure of the scorecard, or the replay of the cases."""
    return any(user.startswith(("figure ", "passaat ")) for user in fact.users)


def with_notes(fact: Fact) -> str:
    """The quantity, with the doubt about facts from elsewhere, who need it most."""
    return f"{fact.quantity} ({fact.notes})" if fact.id.startswith("base_") and fact.notes else fact.quantity


def code(name: str) -> str:
    """A name as it stands in the files."""
    return f"`{name}`"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    return "\n".join(
        lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    )
