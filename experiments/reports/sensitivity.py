"""What outcomes follow, as tables for a terminal or a text file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from passaat.experiments.analyses.sensitivity import (
    Ends,
    Finding,
    SensitivityReport,
    by_rank,
    share,
    share_between,
)
from passaat.experiments.reports.blocks import (
    Block,
    Cell,
    Column,
    Gap,
    Group,
    Heading,
    Note,
    Report,
    Row,
    Section,
    Sentence,
    Table,
)
from passaat.experiments.results.numbers import NOTHING, Scale
from passaat.experiments.stats.sensitivity import (
    END,
    Estimate,
    GivenData,
    Morris,
    Sobol,
    SobolIndex,
)
from passaat.shown import shown

MOST_ROWS: Final = 12
"""Factors shown of each finding, largest first; all of them are in JSON and CSV."""

MOST_PAIRS: Final = 5


def sensitivity_report(
    report: SensitivityReport, *, findings: Sequence[Finding] = (), all_factors: bool = False
) -> Report:
    """Heading, then for each finding a table and its sentences, then how to read them."""
    title = f"What results follow: {report.name}"
    blocks: list[Block] = [Heading(title), *_heading(report), Gap()]
    for finding in findings or report.findings:
        blocks += [*_finding(report, finding, all_factors), Gap()]
    facts = {"passaat": report.version, "parameters that were not varied": report.drawn_from}
    return Report(title, (*blocks, *_reading(report)), facts)


def _heading(report: SensitivityReport) -> Iterator[Block]:
    if report.question:
        yield Sentence(shown(report.question))
    yield Sentence(f"Reference {report.reference}: {shown(report.reference_title)}; {report.period}")
    yield Sentence(f"{report.design}; seed {report.seed}; {len(report.factors)} factors varied")
    yield Sentence(f"Parameters that were not varied: {report.drawn_from}.")


def _finding(report: SensitivityReport, finding: Finding, all_factors: bool) -> Iterator[Block]:
    yield Section(finding.subject)
    scale = finding.scale
    if math.isfinite(finding.mean):
        write = scale.signed if finding.minus else scale.level
        unit = scale.difference_unit if finding.minus else scale.unit
        spread = scale.level(finding.spread)
        yield Sentence(
            f"mean over all points {write(finding.mean)}, standard deviation {spread} {unit}".rstrip()
        )
    found = finding.indices
    if found is not None and found.varies:
        order, luck = by_rank(report, finding)
        most = len(order) if all_factors else MOST_ROWS
        listed = order[:most] + ([] if luck is None else [luck])
        yield _table(report, finding, listed, scale)
        if len(order) > most:
            yield Note(f"and {len(order) - most} factors with smaller effects; --all shows them")
        if isinstance(found, Sobol):
            yield from _pairs(report, found)
        elif isinstance(found, GivenData):
            yield Note(
                f"of no factor alone (interactions, and what classes cannot show): {_share(found.rest)}"
            )
    for sentence in report.summary(finding):
        yield Sentence(sentence, "warning" if found is None else "plain", item=True)


def _table(report: SensitivityReport, finding: Finding, listed: Sequence[int], scale: Scale) -> Table:
    found = finding.indices
    unit = f", {scale.difference_unit}" if scale.difference_unit else ""
    heads: tuple[str, ...]
    if isinstance(found, Morris):
        heads = (f"mean size{unit}", "mean, upwards", "spread", "by luck")
    elif isinstance(found, Sobol):
        heads = ("total", "alone", "luck averaged out", f"low to high{unit}")
        if found.luck is None:
            heads = ("total", "alone", f"low to high{unit}")
    else:
        heads = ("alone", f"low to high{unit}", "from", "to")
    columns = (
        Column("factor", "left", least=20, most=34),
        *(Column(head, "left" if head in ("from", "to") else "right") for head in heads),
    )
    rows: list[Row] = []
    for i in listed:
        name = Cell(report.factors[i].label, "aside" if i == report.luck_place else "plain")
        rows.append((name, *_cells(report, finding, i, scale)))
    return Table(columns, (Group(tuple(rows)),))


def _cells(report: SensitivityReport, finding: Finding, i: int, scale: Scale) -> tuple[str, ...]:
    found, ends = finding.indices, finding.ends[i]
    if isinstance(found, Morris):
        effect = found.effects[i]
        upwards = NOTHING if report.factors[i].unordered else _signed(scale, effect.mean)
        return _size(scale, effect.size), upwards, _size(scale, effect.spread), scale.level(effect.by_luck)
    change = NOTHING if ends is None else _signed(scale, ends.swing.change)
    if isinstance(found, Sobol):
        index: SobolIndex = found.indices[i]
        expected = () if found.luck is None else (_share(index.expected),)
        return (_share(index.total), _share(index.first), *expected, change)
    if isinstance(found, GivenData):
        return (_share(found.first[i]), change, *_places(ends))
    return ()


def _places(ends: Ends | None) -> tuple[str, str]:
    return (NOTHING, NOTHING) if ends is None else (ends.low_at, ends.high_at)


def _pairs(report: SensitivityReport, found: Sobol) -> Iterator[Block]:
    pairs = sorted(
        (pair for pair in found.pairs if pair.share.low > 0.0), key=lambda pair: -pair.share.value
    )[:MOST_PAIRS]
    names = [note.label for note in report.factors]
    for pair in pairs:
        yield Sentence(
            f"together, above what each does alone: {names[pair.one]} × {names[pair.other]} {_share(pair.share)}"
        )


def _share(estimate: Estimate) -> str:
    """ "31 % (25 to 37 %)"."""
    if not math.isfinite(estimate.value):
        return NOTHING
    return f"{share(estimate.value)} ({share_between(estimate)})"


def _signed(scale: Scale, estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return NOTHING
    return f"{scale.signed(estimate.value)} ({scale.signed(estimate.low)} to {scale.signed(estimate.high)})"


def _size(scale: Scale, estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return NOTHING
    return f"{scale.level(estimate.value)} ({scale.level(estimate.low)} to {scale.level(estimate.high)})"


def _reading(report: SensitivityReport) -> Iterator[Block]:
    ends = (
        f"low to high: mean at the highest {100 * END:.0f} % of a factor's range less mean at the lowest; of categories"
        " without an order, best less worst, which chance makes a little too large"
    )
    text = {
        "morris": "mean size: how far the outcome moves, up or down, when a factor moves by one step: two thirds of a"
        " range, or to another value of a list or of a few whole numbers. mean, upwards: the same with its sign."
        " spread: standard deviation of these moves; large where the effect is curved or depends on other factors."
        " by luck: mean size of moves that only deal luck anew; a factor that does not exceed it, and whose mean"
        " upwards may be zero, may have no effect of its own.",
        "sobol": "Shares of the variance. alone: first order. total: with all interactions. luck averaged out: share in"
        f" the variance of the mean over worlds, first order over one less luck's total. {ends}.",
        "given data": f"alone: share of the variance that the factor makes on its own, first order. {ends}.",
    }[report.method]
    yield Note(f"{text} In brackets 95 % intervals by bootstrap. passaat {report.version}.")
    if report.failed_runs:
        yield Sentence(f"{report.failed_runs} runs failed and are left out.", "failure")
    if report.missing_runs:
        yield Sentence(f"{report.missing_runs} runs are planned and not there yet.", "warning")
