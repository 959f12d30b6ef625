"""What makes docs/ledger.md of calibration/evidence/ and calibration/roles.toml: the one role of every fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from passaat.calibration.roles import ROLE_WORDS, Entry, ledger
from passaat.evidence import EvidenceRow

FILE: Final = "docs/ledger.md"
CONTEXT: Final = "context"

_HEAD: Final = """# The ledger of roles

A fact that feeds the model cannot test it, and one that was fitted cannot be predicted. So every fact that the project
cites has one role, written before any rule changes. Made by `make generated` from the rows of
[evidence](../calibration/evidence/pib.csv), those on
[exporters outside the programme](../calibration/evidence/outside.csv) and [roles.toml](../calibration/roles.toml). A
fact that two things use without being listed below is refused. `passaat evidence ID` shows a row with source and place.
"""


def generated() -> dict[str, str]:
    """The page, by its place in the repository."""
    return {FILE: page(ledger())}


def page(entries: Sequence[Entry]) -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD, "\n".join(_counts(entries))]
    parts += ["\n".join(_twice(entries)), "\n".join(_changes(entries)), "\n".join(_wishes(entries))]
    parts += ["\n".join(_role(entries, role)) for role in ROLE_WORDS if role != CONTEXT]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _counts(entries: Sequence[Entry]) -> Iterator[str]:
    yield "| role | facts | meaning |"
    yield "| --- | ---: | --- |"
    for role, words in ROLE_WORDS.items():
        yield f"| {role} | {sum(entry.role == role for entry in entries)} | {words} |"
    targets = [entry for entry in entries if entry.role == "target"]
    waiting = sum(not entry.in_likelihood for entry in targets)
    yield ""
    yield (
        f"Of {len(targets)} targets {len(targets) - waiting} are in the likelihood of the shipped posterior; {waiting}"
        " wait for the next calibration."
    )


def _twice(entries: Sequence[Entry]) -> Iterator[str]:
    twice = [entry for entry in entries if entry.second_uses]
    yield "## Used twice"
    yield ""
    yield (
        f"{len(twice)} targets were also used to set a default. A posterior does not start from defaults, but from"
        " ranges around them; agreement at the defaults is no evidence, and the scorecard counts these figures apart."
        " What will be done about each at the next calibration:"
    )
    yield ""
    yield "| target | also sets | until then |"
    yield "| --- | --- | --- |"
    for entry in twice:
        yield f"| `{entry.row.id}` | {', '.join(f'`{name}`' for name in entry.sets)} | {entry.twice} |"


def _changes(entries: Sequence[Entry]) -> Iterator[str]:
    yield "## Changes of role"
    yield ""
    yield "| fact | was | is | reason |"
    yield "| --- | --- | --- | --- |"
    for entry in entries:
        if entry.was:
            yield f"| `{entry.row.id}` | {entry.was} | {entry.role} | {entry.why} |"


def _wishes(entries: Sequence[Entry]) -> Iterator[str]:
    yield "## Roles that cannot be given"
    yield ""
    yield "| fact | wish | is | reason |"
    yield "| --- | --- | --- | --- |"
    for entry in entries:
        if entry.asked:
            yield f"| `{entry.row.id}` | {entry.asked} | {entry.role} | {entry.why} |"


def _role(entries: Sequence[Entry], role: str) -> Iterator[str]:
    yield f"## {role.capitalize()}"
    yield ""
    yield f"{ROLE_WORDS[role].capitalize()}."
    yield ""
    yield "| fact | quantity | value | source | used by |"
    yield "| --- | --- | --- | --- | --- |"
    for entry in entries:
        if entry.role == role:
            row = entry.row
            cells = (f"`{row.id}`", row.quantity, _value(row), f"{row.source} {row.place}", _users(entry))
            yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _value(row: EvidenceRow) -> str:
    if row.value is None:
        return row.wording
    text = f"{row.value:,g}" if abs(row.value) < 1e6 else f"{row.value:,.0f}"
    if row.unit in ("year", "date"):
        text = f"{row.value:.0f}"
    bounds = f" ({row.lower:,g} to {row.upper:,g})" if row.lower is not None and row.upper is not None else ""
    return f"{text} {row.unit}{bounds}{', a reading' if row.inferred else ''}"


def _users(entry: Entry) -> str:
    if entry.role == "target" and not entry.figures:
        return "not yet in the likelihood"
    users = [f"figure `{name}`" for name in entry.figures] + [f"lever `{name}`" for name in entry.levers]
    return ", ".join(users)
