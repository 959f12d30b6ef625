"""Scenario discovery: where in the space of factors an option beats another policy, or fails.

A question makes every point of a sweep a case or not: "follow-up beats the reference in additional exports", asked of
the mean over the point's worlds. Of the two sides, yes and no, the rarer one is looked for unless told otherwise: a
corner in which the usual answer does not hold is what a decision has to know. Two descriptions are sought: boxes
(``prim``), at most three, each among the points that the ones before do not hold; and a small tree (``tree``).

A method that searches for corners finds one in pure noise, too. So a box is named only where peeling finds as clear a
one in at most ``CLEAR`` of permutations of the cases over the points; its density is also given for points that were
not used to find it; and it is said how often each of its dimensions is restricted in half samples. A point's answer may
be luck where it has few worlds: points within ``SURE`` standard errors of the threshold are counted, and the box is
looked at again without them and in each world by itself.

Sources:
    Bryant and Lempert (2010), Technological Forecasting and Social Change 77, 34-49: scenario discovery.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from passaat.errors import StudyError, unknown_name
from passaat.experiments.analyses.compare import plain
from passaat.experiments.analyses.tree import Condition, Leaf, condition, conditions, grow_tree
from passaat.experiments.design.factors import Factor, Setting
from passaat.experiments.design.plan import REFERENCE, Plan, count_points
from passaat.experiments.results.cells import csv_text
from passaat.experiments.results.numbers import scale_for
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.stats.pairing import NAN, Floats, paired_differences, split_variance
from passaat.experiments.stats.prim import (
    Box,
    Dimension,
    Flags,
    Ground,
    HeldOut,
    chance_of_as_clear,
    held_out,
    inside,
    quasi_p,
    restricted_again,
    suggest,
)
from passaat.json_text import json_text

if TYPE_CHECKING:
    from passaat.experiments.analyses.sweep import SweepTable

CLEAR: Final = 0.01
"""A box is named when at most this share of permutations of the cases gives as clear a one."""

MOST_BOXES: Final = 3
FEWEST: Final = 10
"""With fewer cases, or fewer points that are none, no corner is looked for."""

DESCRIBING: Final = ("lever", "uncertainty")
_DESCRIBED_BY: Final = "Let the plan vary levers or uncertainties; a corner is described by them."
"""Kinds of factors that describe a corner; and the way out where there are none."""

SURE: Final = 2.0
"""A point is sure when its mean lies at least this many standard errors from the threshold."""

HALF_SAMPLES: Final = 20
FOLDS: Final = 5
REPEATS: Final = 4
SEED: Final = 20100101
"""Seed of permutations, folds and half samples: the same sweep gives the same answer."""

Side = Literal["yes", "no"]


# --- questions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A statement that is true or false at a point, asked of the mean over the point's worlds.

    Attributes:
        kind: "beats": the policy is better than ``against`` by more than ``threshold``, which is not negative.
            "fails": the policy's level, or its difference from ``against`` where one is given, is on the
            unfavourable side of ``threshold``: below it where higher is better, above it where lower is.
        policy: name of the policy asked about.
        against: name of the policy that differences are taken from; None where the level itself is asked.
        outcome: the outcome; one of its directions must be favourable.
        threshold: in the outcome's unit.

    Raises:
        StudyError: the outcome has no favourable direction, the threshold is no number, "beats" has nothing to beat or
            a negative threshold, or a policy is compared with itself.
    """

    kind: Literal["beats", "fails"]
    policy: str
    against: str | None
    outcome: OutcomeInfo
    threshold: float = 0.0

    def __post_init__(self) -> None:
        problems = []
        if self.outcome.better == "neither":
            problems.append(
                f"{self.outcome.name}: neither direction is better, so no policy can beat or fail"
            )
        if not math.isfinite(self.threshold):
            problems.append(f"threshold = {self.threshold} is no number")
        if self.kind == "beats" and self.against is None:
            problems.append(f"{self.policy} beats nothing: no policy to compare with")
        if self.kind == "beats" and self.threshold < 0.0:
            problems.append(f"threshold = {self.threshold:g}: to beat by less than nothing is not to beat")
        if self.policy == self.against:
            problems.append(f"{self.policy} is compared with itself")
        if problems:
            raise StudyError(
                problems,
                hint="Ask of an outcome with a favourable direction whether one policy beats another, by how much in"
                " its unit, or whether a policy fails a threshold.",
            )

    @property
    def higher(self) -> bool:
        """Whether more of the outcome is better."""
        return self.outcome.better == "higher"

    def margins(self, policy: Floats, against: Floats | None) -> Floats:
        """By how much the statement is true, world by world; shape (n_points, n_worlds), nan where missing."""
        values = policy if against is None else paired_differences(policy, against)
        favourable = values if self.higher else -values
        if self.kind == "beats":
            return np.asarray(favourable - self.threshold, dtype=np.float64)
        return np.asarray((self.threshold if self.higher else -self.threshold) - favourable, dtype=np.float64)

    def words(self) -> str:
        """The statement as a sentence without its stop."""
        what, amount = self.outcome.label, self._amount()
        if self.kind == "beats":
            by = "" if self.threshold == 0.0 else f" by more than {amount}"
            return f"{self.policy} beats {_named(self.against)} in {_lower(what)}{by}"
        if self.against is not None and self.threshold == 0.0:
            return f"{self.policy} does worse than {_named(self.against)} in {_lower(what)}"
        side = "below" if self.higher else "above"
        if self.against is None:
            return f"under {_named(self.policy)} {_lower(what)} is {side} {amount}"
        return f"the difference of {self.policy} from {_named(self.against)} in {_lower(what)} is {side} {amount}"

    def _amount(self) -> str:
        scale = scale_for(self.outcome.unit, [self.threshold], [])
        shown = f"{self.threshold / scale.divisor:.6g}"
        unit = scale.unit if self.against is None else scale.difference_unit
        return f"{shown} {unit}".rstrip()


def _named(policy: str | None) -> str:
    return f"the {policy}" if policy == REFERENCE else str(policy)


def _lower(words: str) -> str:
    return words if words[:2].isupper() else words[0].lower() + words[1:]


def question_of(
    table: SweepTable,
    kind: Literal["beats", "fails"],
    policy: str,
    outcome: str,
    *,
    against: str | None = None,
    threshold: float = 0.0,
) -> Question:
    """A question with names as a user writes them; ``against`` nothing means the reference for "beats", the level
    itself for "fails".

    Raises:
        StudyError: an unknown policy or outcome, or what ``Question`` refuses; all unknown names at once.
    """
    known = {one.name: one for one in table.outcomes}
    problems = [
        unknown_name("policy", name, table.policies)
        for name in dict.fromkeys((policy, against))
        if name is not None and name not in table.policies
    ]
    if outcome not in known:
        problems.append(unknown_name("outcome", outcome, tuple(known)))
    if problems:
        raise StudyError(problems, hint="Use names of policies and outcomes of the sweep.")
    if kind == "beats" and against is None:
        against = REFERENCE
    return Question(kind, policy, against, known[outcome], threshold)


# --- what is found ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Restriction:
    """A condition of a box, with how far it can be trusted.

    Attributes:
        condition: what is allowed.
        p: quasi-p of all that is restricted on this factor, the larger of two sides.
        again: share of half samples in whose box the factor is restricted, too.
    """

    condition: Condition
    p: float
    again: float


@dataclass(frozen=True)
class PathBox:
    """One box of the way of peeling: coverage of all cases, density, phi among the points left, and conditions."""

    points: int
    coverage: float
    density: float
    phi: float
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Corner:
    """A box in which cases are frequent; cases are points on the side that is looked for.

    Attributes:
        restrictions: what it restricts, the one with the smallest quasi-p first.
        points: points in it, without those that an earlier corner holds; cases: those on the side looked for.
        density: cases / points; coverage: cases / all cases; mass: points / all points.
        base: share of cases among the points that earlier corners left.
        corrected_p: chance of as clear a box if the factors told nothing.
        held_out: density and coverage in points not used to find it, by cross-validation.
        sure_density: density in the points of the corner that are sure; nan where none is.
        by_world: density world by world, lowest and highest.
        inside: places of its points among the points used.
        path: the way of peeling; chosen: place of the box that this one came from; patience: share peeled at a time.
    """

    restrictions: tuple[Restriction, ...]
    points: int
    cases: int
    density: float
    coverage: float
    mass: float
    base: float
    corrected_p: float
    held_out: HeldOut
    sure_density: float
    by_world: tuple[float, float]
    inside: tuple[int, ...]
    path: tuple[PathBox, ...]
    chosen: int
    patience: float

    def words(self) -> str:
        """Its conditions joined."""
        return " and ".join(one.condition.words() for one in self.restrictions)


@dataclass(frozen=True)
class Discovery:
    """The answer to one question.

    Attributes:
        question: the statement, as a sentence; asked: its parts.
        side: the side looked for: where the statement is true ("yes") or where it is not ("no").
        points: points that have all their worlds; left_out: points that do not, mostly because runs failed.
        worlds: worlds per point.
        true_in: points in which the statement is true.
        unsure: points whose mean is within ``SURE`` standard errors of the threshold; None with one world a point.
        factors: factors looked at; others do not vary or, as draw and luck, have no meaning of their own.
        corners: boxes that stand out, clearest first; none where nothing does.
        nothing: why no further corner is named, in words; chance: p of the box that came next, nan if none was tried.
        leaves: the tree, the leaf with the largest share first; a single leaf where no split is worth it.
        settings: value of each factor, point by point used; cases: whether each is on the side looked for.
        version, drawn_from, seed: what it rests on. uncalibrated: why it is not calibrated; empty where it is.
    """

    question: str
    asked: Question
    side: Side
    points: int
    left_out: int
    worlds: int
    true_in: int
    unsure: int | None
    factors: tuple[Factor, ...]
    corners: tuple[Corner, ...]
    nothing: str
    chance: float
    leaves: tuple[Leaf, ...]
    settings: tuple[tuple[float, ...], ...]
    cases: tuple[bool, ...]
    version: str
    drawn_from: str
    uncalibrated: str
    seed: int

    @property
    def share(self) -> float:
        """Share of points in which the statement is true."""
        return self.true_in / self.points if self.points else NAN

    @property
    def base(self) -> float:
        """Share of points on the side looked for."""
        return self.share if self.side == "yes" else 1.0 - self.share

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data; a number that does not exist, an open side among them, is None."""
        data: dict[str, Any] = plain(self)
        return {**data, "share": plain(self.share), "base": plain(self.base)}

    def to_json(self) -> str:
        """All of it as JSON, the same bytes for the same sweep."""
        return json_text(self.to_dict())


# --- discovery ----------------------------------------------------------------------------------------------


def fewest(plan: Plan) -> int:
    """The smallest ``size`` of a plan of this design in whose points a corner can be looked for.

    Raises:
        StudyError: the plan varies no lever and no parameter.
    """
    if not any(factor.kind in DESCRIBING for factor in plan.factors):
        raise StudyError(f"no lever and no parameter varies in {plan.name}", _DESCRIBED_BY)
    points = count_points(plan.method, 1, len(plan.factors), second_order=plan.second_order)
    return math.ceil(2 * FEWEST / points)


def discover_in(table: SweepTable, question: Question, *, side: Side | None = None) -> Discovery:
    """Answer a question from a sweep's table.

    Raises:
        StudyError: too few points with a value, or no factor that could tell them apart.
    """
    against = None if question.against is None else table.levels(question.against, question.outcome.name)
    margins = question.margins(table.levels(question.policy, question.outcome.name), against)
    return discover(
        question,
        table.plan.factors,
        table.points,
        margins,
        side=side,
        version=table.version,
        drawn_from=table.drawn_from,
        uncalibrated=table.uncalibrated,
    )


def discover(
    question: Question,
    factors: Sequence[Factor],
    settings: Sequence[Mapping[str, Setting]],
    margins: Floats,
    *,
    side: Side | None = None,
    version: str = "",
    drawn_from: str = "",
    uncalibrated: str = "",
    seed: int = SEED,
) -> Discovery:
    """Where a statement is true, or is not.

    Args:
        question: the statement.
        factors: what varies over points; draw and luck are left aside.
        settings: value of every factor at each point.
        margins: by how much the statement is true, see ``Question.margins``; a point that lacks a world is left out.
        side: the side to look for; by default the rarer one.
        version: version of the model; drawn_from: what the other parameters rest on, in words.
        uncalibrated: why results are not calibrated; empty where they are.
        seed: seed of permutations, folds and half samples.

    Raises:
        ValueError: shapes do not fit.
        StudyError: fewer than twice ``FEWEST`` points with a value, or no factor that varies.
    """
    if margins.ndim != 2 or len(margins) != len(settings):
        raise ValueError(f"margins have shape {margins.shape}, not ({len(settings)}, n_worlds)")
    complete = np.isfinite(margins).sum(axis=1) == max(margins.shape[1], 1)
    used = [point for point, ok in zip(settings, complete, strict=True) if ok]
    if len(used) < 2 * FEWEST:
        raise StudyError(
            f"{len(used)} of {len(settings)} points have a value of {question.outcome.name} in all their worlds;"
            f" a corner needs {2 * FEWEST} or more",
            hint="Take more points, let the sweep finish, or ask of an outcome that every run has.",
        )
    looked = tuple(one for one in factors if one.kind in DESCRIBING and len({p[one.name] for p in used}) > 1)
    if not looked:
        raise StudyError(
            "no lever and no parameter varies over the points that have a value",
            hint=_DESCRIBED_BY,
        )
    margins = margins[complete]
    split = split_variance(margins)
    true = margins.mean(axis=1) > 0.0
    seek: Side = side or ("yes" if 2 * int(true.sum()) <= len(true) else "no")
    cases = true if seek == "yes" else ~true
    sure = None if math.isnan(split.within) else np.abs(margins.mean(axis=1)) >= SURE * np.sqrt(split.noise)
    x = np.array([[_place(one, point[one.name]) for one in looked] for point in used])
    worlds = (margins > 0.0) == (seek == "yes")
    corners, nothing, chance = _Search(x, cases, looked, sure, worlds, seed).corners()
    return Discovery(
        question=question.words(),
        asked=question,
        side=seek,
        points=len(used),
        left_out=len(settings) - len(used),
        worlds=margins.shape[1],
        true_in=int(true.sum()),
        unsure=None if sure is None else int((~sure).sum()),
        factors=looked,
        corners=corners,
        nothing=nothing,
        chance=chance,
        leaves=grow_tree(x, true, looked, seed),
        settings=tuple(tuple(row) for row in x.tolist()),
        cases=tuple(cases.tolist()),
        version=version,
        drawn_from=drawn_from,
        uncalibrated=uncalibrated,
        seed=seed,
    )


def _place(factor: Factor, value: Setting) -> float:
    """A number where the factor has an order, else the place of the value in the list."""
    return factor.number(value) if factor.ordered else float(factor.categories.index(value))


def _dimension(factor: Factor) -> Dimension:
    if not factor.ordered:
        return Dimension(factor.name, "categories")
    return Dimension(factor.name, "continuous" if factor.scale == "continuous" else "discrete")


@dataclass(frozen=True)
class _Search:
    """All points, as corners are looked for among them; ``worlds`` says of each world which side it is on."""

    x: Floats
    cases: Flags
    factors: tuple[Factor, ...]
    sure: Flags | None
    worlds: Flags
    seed: int

    def corners(self) -> tuple[tuple[Corner, ...], str, float]:
        """Corners one after the other, why there is no further one, and the p of the one that did not stand out."""
        dimensions = [_dimension(one) for one in self.factors]
        left = np.ones(len(self.cases), dtype=np.bool_)
        found: list[Corner] = []
        while len(found) < MOST_BOXES:
            y = self.cases[left]
            fewer = min(int(y.sum()), int((~y).sum()))
            if fewer < FEWEST:
                which = "on the side looked for" if fewer == int(y.sum()) else "on the other side"
                return tuple(found), f"only {fewer} of {len(y)} points are {which}, fewer than {FEWEST}", NAN
            ground = Ground(self.x[left], dimensions)
            p = chance_of_as_clear(ground, y, self.seed)
            if p > CLEAR:
                return tuple(found), f"luck alone gives as clear a corner in {100 * p:.0f} % of trials", p
            box, corner = self._corner(ground, left, p)
            if not corner.restrictions or not corner.held_out.density > corner.base:
                return tuple(found), "the clearest one is no denser in points not used to find it", p
            found.append(corner)
            left &= ~inside(box, self.x)
        return tuple(found), f"at most {MOST_BOXES} corners are looked for", NAN

    def _corner(self, ground: Ground, left: Flags, p: float) -> tuple[Box, Corner]:
        y, of_side = self.cases[left], int(self.cases.sum())
        suggestion = suggest(ground, y)
        held = held_out(ground, y, self.seed, folds=FOLDS, repeats=REPEATS)
        found = suggestion.found
        box = found.box
        again = restricted_again(ground, y, self.seed, samples=HALF_SAMPLES)
        restrictions = [
            Restriction(
                condition=condition(self.factors[place], box[place], ground.x[:, place]),
                p=max(one for one in (p.low, p.high, p.categories) if not math.isnan(one)),
                again=float(again[place]),
            )
            for place, p in quasi_p(box, ground.x, y).items()
        ]
        hit = left & inside(box, self.x)
        sure = hit & self.sure if self.sure is not None else np.zeros_like(hit)
        by_world = self.worlds[hit].mean(axis=0)
        return box, Corner(
            restrictions=tuple(sorted(restrictions, key=lambda one: (one.p, one.condition.factor.name))),
            points=found.points,
            cases=found.cases,
            density=found.density,
            coverage=found.cases / of_side,
            mass=found.points / len(self.cases),
            base=float(y.mean()),
            corrected_p=p,
            held_out=replace(held, coverage=held.coverage * int(y.sum()) / of_side),
            sure_density=float(self.cases[sure].mean()) if sure.any() else NAN,
            by_world=(float(by_world.min()), float(by_world.max())),
            inside=tuple(np.flatnonzero(hit).tolist()),
            path=tuple(
                PathBox(
                    one.points,
                    one.coverage,
                    one.density,
                    one.phi,
                    conditions(one.box, self.factors, ground.x),
                )
                for one in suggestion.peeled
            ),
            chosen=suggestion.chosen,
            patience=suggestion.alpha,
        )


# --- as a table ---------------------------------------------------------------------------------------------

_COLUMNS: Final = (
    "question", "side", "points", "share_of_points", "corner", "corner_points", "corner_share", "coverage",
    "corrected_p", "held_out_share", "sure_share", "factor", "kind", "unit", "low", "high", "values", "quasi_p",
    "restricted_again",
)  # fmt: skip


def to_csv(discoveries: Sequence[Discovery]) -> str:
    """One line per question, corner and restricted factor; a question without corner has one line. Shares are of
    points on the side looked for.
    """
    return csv_text(_COLUMNS, _rows(discoveries))


def _rows(discoveries: Sequence[Discovery]) -> Iterator[tuple[object, ...]]:
    for one in discoveries:
        start = (one.question, one.side, one.points, one.base)
        if not one.corners:
            yield (*start, *[""] * (len(_COLUMNS) - len(start)))
        for place, corner in enumerate(one.corners, start=1):
            held = corner.held_out.density
            shares = (place, corner.points, corner.density, corner.coverage, corner.corrected_p, held)
            for restriction in corner.restrictions:
                asked = restriction.condition
                factor = asked.factor
                yield (
                    *start, *shares, corner.sure_density, factor.name, factor.kind, factor.unit, asked.low, asked.high,
                    " | ".join(factor.show(value) for value in asked.values), restriction.p, restriction.again,
                )  # fmt: skip
