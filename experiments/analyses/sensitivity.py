"""What the outcomes of a sweep follow: from a table of runs to indices, intervals, verdicts and plain sentences.

Each finding is one outcome of one policy, or of the difference an option makes: what moves exports need not be what
moves the gain in exports. Methods and words are those of ``sensitivity``; which is used follows from the plan's
design.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np

from passaat.errors import StudyError, unknown_name
from passaat.experiments.analyses.compare import plain
from passaat.experiments.design.factors import Factor, Kind, Setting
from passaat.experiments.design.plan import NO_PROGRAMME, REFERENCE, Plan
from passaat.experiments.results.numbers import NOTHING, Scale, scale_for
from passaat.experiments.results.outcomes import HEADLINES, PUBLIC_COST, OutcomeInfo, label
from passaat.experiments.stats.pairing import Direction, paired_differences
from passaat.experiments.stats.sensitivity import (
    BLOCKS,
    CONFIDENCE,
    FEWEST,
    MORRIS_SHARP,
    NAN,
    NOTABLE,
    RESAMPLES,
    UNKNOWN,
    Blocks,
    Convergence,
    Estimate,
    Floats,
    GivenData,
    Indices,
    Method,
    Morris,
    Noise,
    Pair,
    Sobol,
    Swing,
    WorldNoise,
    convergence,
    given_data,
    morris,
    morris_swings,
    ranking,
    sobol,
    swings,
    world_noise,
)
from passaat.json_text import json_text

COLUMNS: Final = (
    "policy",
    "minus",
    "outcome",
    "unit",
    "method",
    "factor",
    "with_factor",
    "kind",
    "measure",
    "value",
    "low",
    "high",
)


class Table(Protocol):
    """What is needed of a sweep's table of runs; ``values`` of a policy are (n_points, n_worlds)."""

    @property
    def plan(self) -> Plan: ...
    @property
    def points(self) -> Sequence[Mapping[str, Setting]]: ...
    @property
    def outcomes(self) -> tuple[OutcomeInfo, ...]: ...
    @property
    def n_failed(self) -> int: ...
    @property
    def n_missing(self) -> int: ...
    @property
    def version(self) -> str: ...
    @property
    def behaviour(self) -> str: ...
    @property
    def drawn_from(self) -> str: ...
    @property
    def uncalibrated(self) -> str: ...
    def levels(self, policy: str, outcome: str) -> Floats:
        """Values of an outcome under a policy, of a ratio such that their mean at a point is a ratio of means; nan
        where a run failed, is missing or has no such outcome.
        """
        ...


@dataclass(frozen=True)
class FactorNote:
    """A factor as a reader needs it.

    Attributes:
        values: what it was varied over, in words.
        unordered: whether its values have no order, so that there is no up or down.
        seen: how many of its values were met, of a list of values; None for others.
    """

    name: str
    label: str
    kind: Kind
    unit: str
    meaning: str
    values: str
    unordered: bool
    seen: int | None


@dataclass(frozen=True)
class Ends:
    """What the low and the high end of a factor are, in words, and what the outcome is there."""

    low_at: str
    high_at: str
    swing: Swing


@dataclass(frozen=True)
class Finding:
    """What one outcome follows.

    Attributes:
        policy: policy whose outcome it is.
        minus: policy that was subtracted point by point in the same worlds; empty for an outcome itself.
        mean: mean over points, which is over everything varied.
        spread: standard deviation over points.
        indices: by factor, in the order of the report's factors; None where they were refused.
        ends: outcome at the low and high end of each factor; None where a factor has none.
        noise: luck in points of several worlds; None with one world per point.
        convergence: whether the sample is large enough; None where too few blocks are there to tell.
        refused: why there are no indices; empty otherwise.
    """

    policy: str
    minus: str
    outcome: str
    unit: str
    meaning: str
    better: Direction
    mean: float
    spread: float
    indices: Indices | None
    ends: tuple[Ends | None, ...]
    noise: Noise | None
    convergence: Convergence | None
    refused: tuple[str, ...]

    @property
    def subject(self) -> str:
        """In words: "Contracts, follow-up minus reference"."""
        return f"{label(self.outcome)}, {self.of_what}"

    @property
    def of_what(self) -> str:
        """In words: "follow-up minus reference" or "under reference"."""
        return f"{self.policy} minus {self.minus}" if self.minus else f"under {self.policy}"

    @property
    def scale(self) -> Scale:
        """How its numbers are written."""
        ends = [e.swing for e in self.ends if e is not None]
        sizes = [abs(self.mean), *(abs(s.change.value) for s in ends)]
        if isinstance(self.indices, Morris):
            sizes += [one.value for one in self.indices.importance]
        errors = [s.change.width / 4.0 for s in ends]
        return scale_for(self.unit, sizes, sorted(errors)[-3:] or [self.spread / 10.0])


@dataclass(frozen=True)
class SensitivityReport:
    """What the outcomes of a sweep follow.

    Attributes:
        name, question: of the plan.
        reference, reference_title, period: what options are compared with, and the years, in words.
        method: Morris, Sobol or given data.
        design: of the points, in words.
        points, worlds: number of points, and of worlds at each.
        luck: how luck enters: "common", "own" or "factor".
        seed: of the design; that of the bootstrap is the same.
        factors: what was varied.
        findings: one for each policy or difference, and outcome.
        failed_runs, missing_runs: number of runs that failed, and that are planned and not there yet.
        version, behaviour: of the model.
        drawn_from: where parameters come from that were not varied, in words.
        uncalibrated: why results are not calibrated; empty where they are.
    """

    name: str
    question: str
    reference: str
    reference_title: str
    period: str
    method: Method
    design: str
    points: int
    worlds: int
    luck: str
    seed: int
    factors: tuple[FactorNote, ...]
    findings: tuple[Finding, ...]
    failed_runs: int
    missing_runs: int
    version: str
    behaviour: str
    drawn_from: str
    uncalibrated: str

    def finding(self, outcome: str, policy: str = "", *, minus: bool | None = None) -> Finding:
        """The finding of this outcome; the first one if several policies have it and none is asked for.

        Raises:
            StudyError: there is none.
        """
        for one in self.findings:
            wanted = one.outcome == outcome and policy in ("", one.policy)
            if wanted and (minus is None or minus == bool(one.minus)):
                return one
        known = sorted({one.outcome for one in self.findings})
        asked = f"{outcome}{f' of {policy}' if policy else ''}"
        raise StudyError(f"no finding on {asked}", hint=f"Outcomes in this report: {', '.join(known)}.")

    def summary(self, finding: Finding | None = None) -> tuple[str, ...]:
        """Three to six plain sentences on one finding; by default the first that has indices."""
        return tuple(filter(None, _sentences(self, finding or self.first)))

    @property
    def first(self) -> Finding:
        """The first finding that has indices, or else the first."""
        return next((one for one in self.findings if one.indices and one.indices.varies), self.findings[0])

    @property
    def luck_place(self) -> int | None:
        """Which factor is luck, if any."""
        return _luck_place(self.factors)

    @property
    def own_luck(self) -> bool:
        """Whether points run in different worlds, those of their set of parameters."""
        return self.luck == "own" and any(note.kind in ("uncertainty", "draw") for note in self.factors)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, with the sentences; a number that does not exist is None."""
        data: dict[str, Any] = plain(self)
        for found, one in zip(data["findings"], self.findings, strict=True):
            found["subject"] = one.subject
            found["sentences"] = list(self.summary(one))
            if one.convergence is not None:
                found["convergence"]["enough"] = bool(one.convergence.enough)
        reading = {
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "morris_step": "two thirds of a factor's range; of a list or a few whole numbers, to another one of"
            " them",
        }
        return {"summary": list(self.summary()), "reading": reading, **data}

    def to_json(self) -> str:
        """All of it as JSON, the same bytes for the same runs."""
        return json_text(self.to_dict())

    def to_csv(self) -> str:
        """One row for each number: finding, factor, measure, value and interval."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for finding in self.findings:
            for factor, other, measure, estimate in _numbers(finding):
                one, two = (None if i is None else self.factors[i] for i in (factor, other))
                writer.writerow(
                    [
                        finding.policy,
                        finding.minus,
                        finding.outcome,
                        finding.unit,
                        self.method,
                        one.name if one else "",
                        two.name if two else "",
                        one.kind if one else "",
                        measure,
                        *(_cell(v) for v in (estimate.value, estimate.low, estimate.high)),
                    ]
                )
        return text.getvalue()


def _cell(value: float) -> str:
    return f"{value:.10g}" if math.isfinite(value) else ""


def _numbers(finding: Finding) -> Iterator[tuple[int | None, int | None, str, Estimate]]:
    """Everything that was estimated: factor, second factor, name, number."""
    found = finding.indices
    if isinstance(found, Morris):
        for i, effect in enumerate(found.effects):
            yield i, None, "mean_effect", effect.mean
            yield i, None, "mean_absolute_effect", effect.size
            yield i, None, "sd_of_effects", effect.spread
            yield i, None, "mean_absolute_effect_by_luck", Estimate(effect.by_luck, NAN, NAN)
    elif isinstance(found, Sobol):
        for i, index in enumerate(found.indices):
            yield i, None, "first_order", index.first
            yield i, None, "total_order", index.total
            yield i, None, "first_order_of_expected_outcome", index.expected
        for pair in found.pairs:
            yield pair.one, pair.other, "second_order", pair.share
            yield pair.one, pair.other, "second_order_of_expected_outcome", pair.expected
    elif isinstance(found, GivenData):
        for i, first in enumerate(found.first):
            yield i, None, "first_order", first
        yield None, None, "interactions_and_luck", found.rest
    for i, ends in enumerate(finding.ends):
        if ends is not None:
            yield i, None, "at_low_end", ends.swing.low
            yield i, None, "at_high_end", ends.swing.high
            yield i, None, "change_low_to_high", ends.swing.change


# --- from table to report -----------------------------------------------------------------------------------


def sensitivity(
    table: Table, outcomes: Sequence[str] | None = None, *, levels: bool = False
) -> SensitivityReport:
    """Analyse a sweep.

    Args:
        table: the runs of a sweep.
        outcomes: which outcomes; by default public cost and the headline outcomes that the table has.
        levels: also analyse the outcomes themselves, of the reference and of every option; by default only the
            differences options make (and, without options, the outcomes of the reference).

    Raises:
        StudyError: an unknown outcome; or not one outcome can be analysed, with all reasons.
    """
    plan = table.plan
    names = _outcomes(table, outcomes)
    options = [name for name in plan.option_names if name not in (REFERENCE, NO_PROGRAMME)]
    about = [(option, REFERENCE) for option in options]
    if levels or not options:
        about += [(policy, "") for policy in (REFERENCE, *options)]
    analysis = _Analysis(table)
    known = {outcome.name: outcome for outcome in table.outcomes}
    findings = tuple(
        analysis.finding(policy, minus, known[name]) for policy, minus in about for name in names
    )
    if all(one.indices is None for one in findings):
        reasons: dict[str, list[str]] = {}
        for one in findings:
            reasons.setdefault("; ".join(one.refused), []).append(one.subject)
        raise StudyError(
            [
                f"{subjects[0]}{f' and {len(subjects) - 1} more' if len(subjects) > 1 else ''}: {why}"
                for why, subjects in reasons.items()
            ],
            hint=analysis.hint,
        )
    world = plan.reference.the_world
    return SensitivityReport(
        name=plan.name,
        question=plan.question,
        reference=plan.reference.name,
        reference_title=plan.reference.title,
        period=f"starts {world.window_first_year}-{world.window_last_year}, followed to {world.last_year}",
        method=analysis.method,
        design=_design_words(plan),
        points=plan.n_points,
        worlds=plan.worlds_per_point,
        luck=plan.luck,
        seed=plan.seed,
        factors=analysis.notes,
        findings=findings,
        failed_runs=table.n_failed,
        missing_runs=table.n_missing,
        version=table.version,
        behaviour=table.behaviour,
        drawn_from=table.drawn_from,
        uncalibrated=table.uncalibrated,
    )


def fewest(plan: Plan) -> int:
    """The smallest ``size`` of a plan, in trajectories, base points or points, from which there are indices."""
    return FEWEST[_method_of(plan)]


def _method_of(plan: Plan) -> Method:
    """How a design is analysed."""
    methods: dict[str, Method] = {"morris": "morris", "saltelli": "sobol"}
    return methods.get(plan.method, "given data")


def _outcomes(table: Table, asked: Sequence[str] | None) -> list[str]:
    present = [outcome.name for outcome in table.outcomes]
    if asked is None:
        return [name for name in (*HEADLINES, PUBLIC_COST) if name in present] or present
    problems = [unknown_name("outcome", name, present) for name in asked if name not in present]
    if not asked:
        problems = ["no outcome was asked for"]
    if problems:
        raise StudyError(problems, hint="Ask for outcomes that the sweep has, each by its name.")
    return list(dict.fromkeys(asked))


def _design_words(plan: Plan) -> str:
    kinds = {
        "morris": f"{plan.size:,} Morris trajectories",
        "saltelli": f"{plan.size:,} base points of a Saltelli design",
        "latin-hypercube": "a Latin hypercube",
        "sobol": "a Sobol sequence",
        "factorial": "a factorial of all levels",
        "list": "a list of points",
    }
    worlds = plan.worlds_per_point
    where = f"one of {plan.worlds} worlds, drawn as a factor" if plan.luck == "factor" else f"{worlds} worlds"
    if worlds == 1 and plan.luck != "factor":
        where = "one world"
    return f"{plan.n_points:,} points ({kinds[plan.method]}), each in {where}"


class _Analysis:
    """A table's design, read once, and findings on it one by one."""

    def __init__(self, table: Table) -> None:
        plan = table.plan
        self.table = table
        self.seed = plan.seed
        self.method = _method_of(plan)
        self.hint = ""
        self._factors = plan.factors
        d = len(plan.factors)
        steps = {"morris": d + 1, "sobol": 2 * d + 2 if plan.second_order else d + 2, "given data": 1}
        self._per_block = steps[self.method]
        self._second_order = plan.second_order
        points = table.points  # as they were run: another version of a library may place them otherwise
        self._coordinates = np.array(
            [[f.number(p[f.name]) for f in plan.factors] for p in points], dtype=float
        )
        unit = plan.unit() if self.method == "morris" else None
        self._unit = self._coordinates if unit is None else unit
        self.notes = tuple(_note(f, self._coordinates[:, i]) for i, f in enumerate(plan.factors))
        self._unordered = [note.unordered for note in self.notes]
        self._luck = _luck_place(self.notes)
        # Designs that are no sequence have an order of their own: any part of them must be drawn by chance.
        self._order = np.arange(len(points))
        if plan.method in ("factorial", "list"):
            self._order = np.random.default_rng((plan.seed, 4)).permutation(len(points))
        # Points with the same parameters share world seeds; None where all do.
        self._owners = plan.parameter_sets(points) if plan.luck == "own" else None

    def finding(self, policy: str, minus: str, outcome: OutcomeInfo) -> Finding:
        """Indices of one outcome, or why there are none."""
        runs = self._runs(policy, minus, outcome.name)
        worlds = world_noise(runs, self._owners)
        # A mean over fewer worlds than others have would be moved by which worlds are missing: such a point is nan.
        means = runs.mean(axis=1)
        valid = means[np.isfinite(means)]
        indices: Indices | None = None
        ends: tuple[Ends | None, ...] = (None,) * len(self.notes)
        growth: Convergence | None = None
        refused: tuple[str, ...] = ()
        try:
            indices = self._indices(means, worlds, runs=runs)
        except StudyError as error:
            refused, self.hint = error.problems, error.hint
        if indices is not None and indices.varies:
            growth = self._growth(means, worlds, indices)
            ends = self._ends(means, indices)
        return Finding(
            policy=policy,
            minus=minus,
            outcome=outcome.name,
            unit=outcome.unit,
            meaning=outcome.meaning,
            better=outcome.better,
            mean=float(valid.mean()) if valid.size else NAN,
            spread=float(valid.std(ddof=1)) if valid.size > 1 else NAN,
            indices=indices,
            ends=ends,
            noise=worlds.as_noise() if worlds is not None else None,
            convergence=growth,
            refused=refused,
        )

    def _runs(self, policy: str, minus: str, outcome: str) -> Floats:
        own = self.table.levels(policy, outcome)
        return paired_differences(own, self.table.levels(minus, outcome)) if minus else own

    def _indices(
        self, values: Floats, worlds: WorldNoise | None, blocks: int | None = None, runs: Floats | None = None
    ) -> Indices:
        """Indices from the first so many blocks, or from all."""
        rows = np.arange(values.size) if blocks is None else np.sort(self._order[: blocks * self._per_block])
        values = values[rows]
        if worlds is not None and worlds.owners is not None:
            worlds = replace(worlds, owners=worlds.owners[rows])
        if self.method == "morris":
            return morris(self._unit[rows], values, runs=runs, seed=self.seed)
        if self.method == "sobol":
            return sobol(
                values,
                len(self.notes),
                second_order=self._second_order,
                luck=self._luck,
                worlds=worlds,
                seed=self.seed,
            )
        return given_data(self._coordinates[rows], values, self._unordered, worlds=worlds, seed=self.seed)

    def _growth(self, values: Floats, worlds: WorldNoise | None, whole: Indices) -> Convergence | None:
        return convergence(
            lambda blocks: self._indices(values, worlds, blocks),
            whole.blocks.total,
            self.method,
            () if self._luck is None else (self._luck,),
        )

    def _ends(self, values: Floats, found: Indices) -> tuple[Ends | None, ...]:
        if isinstance(found, Morris):
            changes = morris_swings(found, self._unordered)
            return tuple(
                None if one is None or note.kind in ("draw", "luck") else Ends("", "one step up", one)
                for one, note in zip(changes, self.notes, strict=True)
            )
        per_block = self._per_block if self.method == "sobol" else 1
        at = swings(self._coordinates, values, self._unordered, per_block=per_block, seed=self.seed)
        return tuple(
            None
            if one is None or f.kind in ("draw", "luck")
            else Ends(_end_words(f, one.low_rows), _end_words(f, one.high_rows), one)
            for one, f in zip(at, self._factors, strict=True)
        )


def _note(factor: Factor, seen: Floats) -> FactorNote:
    count = factor.n_values
    met = None if factor.scale == "continuous" else int(np.unique(seen).size)
    if factor.kind in ("draw", "luck"):
        values = f"{count} {'draws' if factor.kind == 'draw' else 'worlds'}"
    elif factor.scale == "categories":
        values = ", ".join(factor.show(value) for value in factor.categories)
    else:
        values = f"{_show(factor, factor.low)} to {_show(factor, factor.high)}"
    unit = f" {factor.unit}" if factor.unit and factor.kind not in ("draw", "luck") else ""
    # Two values have an up and a down even if they have no order: from the first to the second.
    loose = not factor.ordered and (count is None or count > 2)
    return FactorNote(
        factor.name, factor.label, factor.kind, factor.unit, factor.meaning, values + unit, loose, met
    )


def _show(factor: Factor, number: float) -> str:
    return factor.show(int(number) if factor.scale == "integer" else number)


def _end_words(factor: Factor, rows: tuple[float, float]) -> str:
    """One value, or a range of values, of a factor, in words."""
    low, high = rows
    largest = max(abs(low), abs(high))
    if factor.scale == "categories":
        numbered = {factor.number(value): value for value in factor.categories}
        low_text, high_text = factor.show(numbered[low]), factor.show(numbered[high])
    else:
        low_text, high_text = _short(low, largest), _short(high, largest)
    return low_text if low == high else f"{low_text} to {high_text}"


def _short(number: float, largest: float) -> str:
    """A number at the end of a range of sampled values: three digits of the larger end, thousands separated."""
    if largest == 0.0:
        return "0"
    places = 2 - math.floor(math.log10(largest))
    text = f"{round(number, places):,.{max(places, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _luck_place(notes: Sequence[FactorNote]) -> int | None:
    return next((i for i, note in enumerate(notes) if note.kind == "luck"), None)


# --- plain sentences ----------------------------------------------------------------------------------------


def share(value: float) -> str:
    """A share of the variance in whole per cent; a dash where there is none."""
    if not math.isfinite(value):
        return NOTHING
    if 0.0 < value < 0.005:
        return "<1 %"
    return f"{max(100.0 * value, 0.0):.0f} %"


def share_between(estimate: Estimate) -> str:
    """An interval of a share."""
    low, high = (min(max(v, 0.0), 1.0) for v in (estimate.low, estimate.high))
    return f"{100.0 * low:.0f} to {100.0 * high:.0f} %" if math.isfinite(estimate.low) else NOTHING


def _sentences(report: SensitivityReport, finding: Finding) -> Iterator[str]:
    """What is said of a finding; empty where there is nothing to say."""
    found = finding.indices
    if found is None:
        yield f"{finding.subject}: no indices. {_capital('; '.join(finding.refused))}."
        return
    if not found.varies:
        yield (
            f"{finding.subject} does not vary: it is {_level(finding)} at every point, so that no factor"
            " matters for it."
        )
        return
    order = [i for i in ranking(found.importance) if i != report.luck_place]
    yield _what_matters(report, finding, found, order)
    yield _how_sure(report, found, order)
    yield _luck_sentence(report, finding, found)
    yield _interplay(report, found, order)
    yield _dropped(report, found.blocks)
    yield _large_enough(report, finding, found.blocks)


def _what_matters(report: SensitivityReport, finding: Finding, found: Indices, order: Sequence[int]) -> str:
    if not order:
        return f"{finding.subject}: nothing but luck was varied."
    importance = found.importance
    largest = importance[order[0]].value
    unit = largest if isinstance(found, Morris) else 1.0
    if not largest > 0.0:
        return f"{finding.subject}: no factor shows an effect of its own."
    shown = [i for i in order[:3] if importance[i].value >= NOTABLE * unit] or list(order[:1])
    parts = []
    scale = finding.scale
    for i in shown:
        one = importance[i]
        if isinstance(found, Morris):
            number = f"{scale.level(one.value)} {scale.difference_unit}".rstrip()
            between = f"{scale.level(one.low)} to {scale.level(one.high)}"
        else:
            number, between = share(one.value), share_between(one)
        parts.append(f"{report.factors[i].label} ({number}; {between})")
    how = {
        "morris": "by the mean change when it moves by one step, two thirds of a range or to another value of a list;"
        " in brackets also the 95 % interval",
        "sobol": "by its share of the variance, interactions included; in brackets also the 95 % interval",
        "given data": "by its share of the variance on its own; in brackets also the 95 % interval",
    }[report.method]
    if not any(_speaks(found, order, i) for i in order):
        return (
            f"For {_small(finding.subject)} no factor can be told from {_than(report, found)}; the largest seems"
            f" {parts[0]}, {how}."
        )
    rest = ", then " + " and ".join(parts[1:]) if len(parts) > 1 else ""
    return f"What matters most for {_small(finding.subject)} is {parts[0]}{rest}; {how}."


def _how_sure(report: SensitivityReport, found: Indices, order: Sequence[int]) -> str:
    importance = found.importance
    tail = [i for i in order if math.isfinite(importance[i].value) and not _speaks(found, order, i)]
    few = f"{len(tail)} of {len(order)} factors cannot be told from {_than(report, found)}"
    none = "every factor has an effect to speak of"
    if len(order) < 2 or not math.isfinite(importance[order[1]].value):
        return f"There is no second factor to rank; {few if tail else none}."
    first, second = (importance[i] for i in order[:2])
    names = [report.factors[i].label for i in order[:2]]
    if first.low > second.high:
        sure = f"{names[0]} is surely ahead of {names[1]}"
    else:
        sure = f"Which of {names[0]} and {names[1]} is the larger is open: their intervals overlap"
    return f"{_capital(sure)}; {few if tail else none}."


def _than(report: SensitivityReport, found: Indices) -> str:
    """What a factor that does not speak cannot be told from."""
    if not isinstance(found, Morris):
        return "making no share of the variance to speak of"
    return (
        "luck, or from having no effect to speak of" if report.worlds > 1 else "having no effect to speak of"
    )


def _speaks(found: Indices, order: Sequence[int], i: int) -> bool:
    """Whether a factor surely has an effect to speak of: above one per cent of the variance or of the largest effect,
    and with Morris more than luck makes.
    """
    one = found.importance[i]
    if not isinstance(found, Morris):
        return one.low > 0.01
    return one.low > 0.01 * found.importance[order[0]].value and found.effects[i].beyond_luck


def _luck_sentence(report: SensitivityReport, finding: Finding, found: Indices) -> str:
    place = report.luck_place
    if place is not None and isinstance(found, Sobol):
        luck = found.indices[place]
        return (
            f"Luck makes {share(luck.first.value)} of the variance of single runs on its own and"
            f" {share(luck.total.value)} ({share_between(luck.total)}) together with the factors;"
            " averaging over worlds would take that part away."
        )
    if place is not None and isinstance(found, GivenData):
        first = found.first[place]
        return f"Luck makes {share(first.value)} ({share_between(first)}) of the variance of single runs on its own."
    if place is not None and isinstance(found, Morris):
        luck_effect, scale = found.effects[place].size, finding.scale
        return (
            f"Another world, all else the same, changes it by {scale.level(luck_effect.value)}"
            f" {scale.difference_unit} on average ({scale.level(luck_effect.low)} to {scale.level(luck_effect.high)})."
        )
    noise = finding.noise
    if noise is None and report.own_luck:
        return (
            "Every set of parameters ran in one world of its own: how much is luck cannot be told, and it passes for"
            " effects of parameters."
        )
    if noise is None:
        return (
            "Every point ran in one world, the same for all: how much is luck cannot be told, and another world"
            " might rank factors otherwise."
        )
    text = f"Luck makes {share(noise.of_one_run)} of the variance of single runs"
    text += f"; of the means over {noise.worlds} worlds analysed here it makes {share(noise.of_mean)}"
    if noise.corrected and not isinstance(found, Morris):
        return f"{text}, which is taken out of the shares."
    if noise.own:
        return (
            f"{text}, and passes for effects of parameters, as each set of these has worlds of its own: more worlds"
            " for each point would lessen it."
        )
    return f"{text}, as points share their worlds and what these do to all points alike cancels."


def _interplay(report: SensitivityReport, found: Indices, order: Sequence[int]) -> str:
    names = [note.label for note in report.factors]
    if isinstance(found, Morris):
        if not any(_speaks(found, order, i) for i in order):
            return ""
        uneven = [
            names[i]
            for i in order[:5]
            if found.effects[i].spread.low
            > 0.5 * found.effects[i].size.value
            > NOTABLE / 2 * _top(found, order)
        ]
        if not uneven:
            return "The large effects are about the same wherever the others stand: little interplay, few curves."
        return (
            f"The effect of {_list(uneven)} differs much from place to place: it is curved or depends on other factors,"
            " which Morris cannot tell apart."
        )
    if isinstance(found, GivenData):
        return (
            f"{share(found.rest.value)} ({share_between(found.rest)}) of the variance is of no factor alone:"
            " interactions, and what classes of values cannot show; a factor that acts only through others is not seen"
            " by this method."
        )
    luck = report.luck_place
    alone = math.fsum(index.first.value for index in found.indices)
    text = (
        f"Factors acting each on its own make {share(min(alone, 1.0))} of the variance, interactions the rest"
    )
    pair = largest_pair(found)
    if pair is None:
        return f"{text}{'; no single pair stands out' if found.pairs else ''}."
    with_luck = " (luck acts more strongly at some of its values)" if luck in (pair.one, pair.other) else ""
    return (
        f"{text}; the pair that makes most together is {names[pair.one]} and {names[pair.other]} with"
        f" {share(pair.share.value)} ({share_between(pair.share)}){with_luck}."
    )


def largest_pair(found: Sobol) -> Pair | None:
    """The pair with the largest second-order share, if its interval lies above zero."""
    real = [pair for pair in found.pairs if pair.share.low > 0.0 and pair.share.value >= 0.01]
    return max(real, key=lambda pair: pair.share.value, default=None)


def _top(found: Morris, order: Sequence[int]) -> float:
    return found.effects[order[0]].size.value if order else NAN


def _dropped(report: SensitivityReport, blocks: Blocks) -> str:
    unseen = [
        note
        for note, here in zip(report.factors, _listed(report), strict=True)
        if here is not None and note.seen is not None and note.seen < here
    ]
    parts = []
    if blocks.dropped:
        parts.append(
            f"{blocks.dropped} of {blocks.total} {blocks.kind} were dropped, because a run in them failed, is missing"
            " or has no such outcome"
        )
    parts += [
        f"of {note.label} only {note.seen} of {note.values} were met, so that its part may be misjudged"
        for note in unseen
    ]
    return f"{_capital('; '.join(parts))}." if parts else ""


def _listed(report: SensitivityReport) -> list[int | None]:
    """How many draws or worlds a factor has; None for others, of which a part may be meant."""
    return [int(note.values.split()[0]) if note.kind in ("draw", "luck") else None for note in report.factors]


def _large_enough(report: SensitivityReport, finding: Finding, blocks: Blocks) -> str:
    kind = BLOCKS[report.method]
    growth = finding.convergence
    if growth is None:
        return f"{blocks.kept} {kind} are too few to tell whether the sample is large enough."
    if report.method == "morris":
        wide = f"{100 * growth.widest:.0f} % of the largest effect"
        limit = f"{100 * MORRIS_SHARP:.0f} %"
    else:
        wide, limit = f"{100 * growth.widest:.0f} percentage points", f"{100 * growth.limit:.0f}"
    ranks = (
        "half of it ranks the largest factors alike" if growth.stable else "half of it ranks them otherwise"
    )
    if growth.enough:
        return f"The sample is large enough: {ranks}, and the widest of their intervals is {wide} (limit {limit})."
    if growth.widest >= growth.limit:
        wanted = blocks.total * (growth.widest / growth.limit) ** 2
        advice = f"about {_round_up(wanted, report.method):,} {kind} would do"
    else:
        advice = f"take {_round_up(2.0 * blocks.total, report.method):,} {kind} to see"
    return (
        f"The sample is not yet large enough: {ranks}, and the widest of their intervals is {wide} (limit {limit});"
        f" {advice}."
    )


def _round_up(wanted: float, method: Method) -> int:
    """A number of blocks that can be asked for: a power of two for Sobol, else two digits."""
    if method == "sobol":
        return 1 << math.ceil(math.log2(max(wanted, 2.0)))
    size: int = 10 ** max(math.floor(math.log10(max(wanted, 1.0))) - 1, 0)
    return math.ceil(wanted / size) * size


def _level(finding: Finding) -> str:
    scale = finding.scale
    return f"{scale.level(finding.mean)} {scale.unit}".rstrip()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(text: str) -> str:
    """A heading inside a sentence; short forms such as SMEs keep their capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def by_rank(report: SensitivityReport, finding: Finding) -> tuple[list[int], int | None]:
    """Factors, the largest first and without luck, and the place of luck, which is shown apart."""
    luck = report.luck_place
    importance: Sequence[Estimate] = (
        finding.indices.importance if finding.indices is not None else (UNKNOWN,) * len(report.factors)
    )
    return [i for i in ranking(importance) if i != luck], luck
