"""What ``passaat evidence`` shows: rows that match a filter, and one id explained with its source."""

from __future__ import annotations

from dataclasses import dataclass

from passaat.errors import EvidenceError, unknown_name
from passaat.evidence import (
    USES,
    Claim,
    EvidenceRow,
    Reconciliation,
    Reference,
    all_evidence,
    claims,
    evidence,
    outside_evidence,
)


@dataclass(frozen=True)
class Explanation:
    """One id with all that belongs to it.

    Exactly one of ``row``, ``claim`` and ``reconciliation`` is what was asked; ``reading`` is the
    reconciliation that a row follows, ``rows`` are the ids that follow a reconciliation.
    """

    id: str
    reference: Reference
    row: EvidenceRow | None = None
    claim: Claim | None = None
    reconciliation: Reconciliation | None = None
    reading: Reconciliation | None = None
    rows: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The explanation in plain sentences."""
        said: list[str] = []
        if self.row is not None:
            said += [
                f"{self.id}: {self.row.quantity}",
                f"Value: {value_text(self.row)}, {self.row.period}, {self.row.population}",
                f"Form: {self.row.form}" + ("" if self.row.n is None else f", n = {self.row.n}"),
                f"Use: {self.row.use}"
                + ("; INFERRED by a reader, not reported" if self.row.inferred else ""),
                *([f"Arithmetic: {self.row.arithmetic}"] if self.row.arithmetic else []),
                *([f"Note: {self.row.notes}"] if self.row.notes else []),
            ]
        if self.claim is not None:
            claim = self.claim
            graded = "" if claim.strength is None else f"; strength {claim.strength} of 4, no control group"
            said += [
                f"{self.id} ({claim.kind}): {claim.cause} -> {claim.effect} [{claim.sign}]",
                f"Says: {claim.says_who}{graded}",
            ]
        for title, entry in (("", self.reconciliation), ("Reading used: ", self.reading)):
            if entry is not None:
                said += [
                    f"{title}{entry.id}, {entry.subject} ({entry.verdict})",
                    f"  printed: {entry.printed}",
                    f"  arithmetic: {entry.arithmetic}",
                    f"  reading: {entry.reading}" + (" (INFERRED)" if entry.inferred else ""),
                ]
        if self.rows:
            said.append("Rows that follow it: " + ", ".join(self.rows))
        asked = self.row or self.claim or self.reconciliation
        year = str(self.reference.year) if self.reference.year else "undated"
        place = asked.place if asked is not None else ""
        said.append(f"Source: {self.reference.author} ({year}), {self.reference.title}, {place}")
        return tuple(said)


def value_text(row: EvidenceRow) -> str:
    """The value of a row with its unit and range, as people read it."""
    number = 0.0 if row.value is None else row.value
    written = f"{number:.0f}" if row.unit == "year" else f"{number:,.10g}"
    shown = row.wording if row.value is None else written
    if row.unit not in ("ordinal", "year"):
        shown += f" {row.unit}"
    if row.lower is not None and row.upper is not None:
        shown += f" ({row.lower:,.10g} to {row.upper:,.10g})"
    return shown


def list_evidence(use: str | None = None, text: str | None = None) -> tuple[EvidenceRow, ...]:
    """Rows with the given use whose id, quantity, population or notes contain the text, in any case.

    Raises:
        EvidenceError: a use that does not exist.
    """
    if use is not None and use not in USES:
        raise EvidenceError(
            unknown_name("use", use, USES), hint="Ask for one of the uses listed, or leave it out."
        )
    wanted = (text or "").lower()
    return tuple(
        row
        for row in (*evidence().values(), *outside_evidence().values())
        if (use is None or row.use == use)
        and wanted in " ".join((row.id, row.quantity, row.population, row.notes)).lower()
    )


def list_claims(text: str | None = None) -> tuple[Claim, ...]:
    """Claims whose id, cause or effect contain the text (case does not matter)."""
    wanted = (text or "").lower()
    return tuple(
        claim
        for claim in claims().values()
        if wanted in " ".join((claim.id, claim.cause, claim.effect)).lower()
    )


def explain_row(id: str) -> Explanation:
    """Explain a row, a claim or a reconciliation by its id.

    Raises:
        EvidenceError: an id that does not exist.
    """
    known = all_evidence()
    rows = {**known.rows, **known.outside}
    if id in rows:
        row = rows[id]
        return Explanation(
            id=id,
            reference=known.references[row.source],
            row=row,
            reading=known.reconciliations.get(row.reading),
        )
    if id in known.claims:
        claim = known.claims[id]
        return Explanation(id=id, reference=known.references[claim.source], claim=claim)
    if id in known.reconciliations:
        entry = known.reconciliations[id]
        return Explanation(
            id=id,
            reference=known.references[entry.source],
            reconciliation=entry,
            rows=tuple(row.id for row in rows.values() if row.reading == id),
        )
    names = [*rows, *known.claims, *known.reconciliations]
    raise EvidenceError(
        unknown_name("evidence id", id, names, listing=False),
        hint="'passaat evidence' lists all ids.",
    )


explain = explain_row
