"""Run until it is known: runs go where the order of policies is open, and stop when its difference is precise enough.

A fixed plan gives every policy the same number of runs, decided beforehand. Here the study looks at its results after
each round of parameter draws. Two policies are *settled* when the interval of their difference lies on one side of zero
(ordered), or reaches no further than the precision asked for (a tie for practical purposes). A policy that is settled
against all others gets no more runs; the next round goes to the others, until nothing is open or the budget ends.

Intervals hold at all looks together (``sequential``): an option's own difference from the reference with 95 %, and so
do those of all pairs at once (5 % divided by their number; Bonferroni). All of it is about the mean over what the
parameters are drawn from, and no number of runs makes that source better. The shipped posterior is a finite
sample: once it is used up, the same parameters come again with other luck.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from passaat.errors import StudyError, unknown_name
from passaat.experiments.analyses.bench import Bench, Policies, parts_of, require_options
from passaat.experiments.analyses.compare import plain
from passaat.experiments.design.cells import Design
from passaat.experiments.design.simulator import OutcomeLike, Simulator, the_model
from passaat.experiments.results.outcomes import HEADLINES, RATIOS, OutcomeInfo
from passaat.experiments.run.crew import Crew, Threads
from passaat.experiments.run.runner import OnProgress
from passaat.experiments.stats.pairing import (
    NAN,
    Floats,
    VarianceSplit,
    paired_differences,
    ratio_values,
    split_variance,
)
from passaat.experiments.stats.sequential import (
    CONFIDENCE,
    DEFAULT_WORLDS,
    FEWEST_DIFFERING,
    FIRST_DRAWS,
    GROWTH,
    MOST_DRAWS,
    Bounds,
    Spread,
    bounds_of,
    cost_of_worlds,
    level_at_each_look,
    looks,
    needed_draws,
    positive,
    spread_of,
)
from passaat.experiments.study.connection import require_writable
from passaat.experiments.study.records import FailedRun
from passaat.experiments.study.study import Study
from passaat.json_text import json_text

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario

BLOCK_DRAWS: Final = 10
"""Later looks add a multiple of this: prior draws are spread evenly in tens."""

DEFAULT_BUDGET: Final = 10_000
"""Runs, the world without programme counted: some four minutes on one core at 25 ms a run."""

CLEAR_LEVEL: Final = 2.0
"""A share of the reference's level can be asked for when that level exceeds its error this many times."""

FARTHEST: Final = 10**9
"""No projection goes beyond so many draws."""

Says = Literal["ordered", "tie", "equal", "open", "unknown"]
Stop = Literal["order settled", "precision met", "budget ended", "last look"]


# --- the answer ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OptionRow:
    """One option against the reference.

    Attributes:
        draws: parameter draws in which both have run.
        mean: mean paired difference, option minus reference, in the outcome's unit.
        error: its Monte Carlo standard error.
        bounds: its 95 % interval by itself, which holds at all looks.
        reach: how far the mean may be off; nan while unknown.
        met: whether that is within the precision.
        stopped: why the option got no more runs.
    """

    name: str
    title: str
    draws: int
    mean: float
    error: float
    bounds: Bounds
    reach: float
    met: bool
    stopped: Stop


@dataclass(frozen=True)
class PairRow:
    """Two policies, the one that is ahead on average first.

    Attributes:
        draws: parameter draws in which both have run.
        mean: how far ahead it is on average, in the outcome's unit and in the favourable direction: not negative.
        error: Monte Carlo standard error of that.
        bounds: its interval; those of all pairs hold together with 95 %, at all looks.
        says: ordered: the interval leaves out zero; tie: it does not, and reaches no further than the precision, so
            that the true difference is at most twice that; equal: no difference in any world; open: neither;
            unknown: too few draws differ to tell.
        more_draws: about how many draws more it would take to settle an open pair; None where it is settled, and where
            that cannot be told.
    """

    ahead: str
    behind: str
    draws: int
    mean: float
    error: float
    bounds: Bounds
    says: Says
    more_draws: int | None


@dataclass(frozen=True)
class Totals:
    """What the study cost, and what a fixed plan would have cost.

    Attributes:
        runs: runs of the study, the world without programme counted, whether made now or found in the study file.
        new_runs: of these, runs made by this call.
        even_draws: draws of the policy that needed most.
        even_runs: runs of a plan that gives so many to all policies: what this study would have cost without
            stopping those that were settled.
        fixed_draws: draws of a plan made beforehand that gives all policies so many that every difference is within
            the precision at its only look. Projected from the scatter seen here, which such a plan would have to
            guess; it cannot know which orders will be clear sooner. None where it cannot be told.
        fixed_runs: runs of that plan.
        more_runs: about how many runs more would settle what is open, if it can be told; 0 where nothing is open.
    """

    runs: int
    new_runs: int
    even_draws: int
    even_runs: int
    fixed_draws: int | None
    fixed_runs: int | None
    more_runs: int | None

    @property
    def saved_to_even(self) -> int:
        """Runs saved against as many draws for every policy as the one that needed most."""
        return self.even_runs - self.runs

    @property
    def saved_to_fixed(self) -> int | None:
        """Runs saved against the plan made beforehand; negative where looking on the way cost more than it saved."""
        return None if self.fixed_runs is None else self.fixed_runs - self.runs


@dataclass(frozen=True)
class Replication:
    """Differences known as precisely as asked for, what is open still, and what it cost.

    Attributes:
        drawn_from: what parameter draws rest on, in words; ``uncalibrated``: why that is not calibrated; else empty.
        outcome: what policies are compared by; ``worlds`` per draw; ``seed`` of draws and worlds.
        precision: how far a difference may be off, in the outcome's unit.
        precision_share: the share of the reference's level it was given as; None where given in the unit.
        decide: whether a settled order stopped runs, too.
        level: the reference's mean level of the outcome.
        looks: numbers of draws at which results were looked at.
        options: one row per option, in the order asked.
        pairs: one row per pair of policies, best policies first; none for an outcome that ranks nothing.
        order: policies by pairs won, best first; empty where ``pairs`` is.
        draws: draws of each policy, the reference first.
        worlds_cost: runs for the same precision by worlds per draw, as a multiple of those with one world, for the
            option whose difference scatters most.
        failures: runs that failed and are missing in their pairs.
    """

    reference: str
    reference_title: str
    version: str
    behaviour: str
    drawn_from: str
    uncalibrated: str
    outcome: OutcomeInfo
    worlds: int
    seed: int
    budget_runs: int
    precision: float
    precision_share: float | None
    decide: bool
    level: float
    looks: tuple[int, ...]
    options: tuple[OptionRow, ...]
    pairs: tuple[PairRow, ...]
    order: tuple[str, ...]
    draws: Mapping[str, int]
    worlds_cost: Mapping[int, float]
    totals: Totals
    failures: tuple[FailedRun, ...]

    @property
    def complete(self) -> bool:
        """Whether all that was asked for is known: nothing was stopped by the budget or the last look."""
        return all(row.stopped in ("order settled", "precision met") for row in self.options)

    @property
    def open_pairs(self) -> tuple[PairRow, ...]:
        """Pairs whose order is not settled."""
        return tuple(pair for pair in self.pairs if pair.says in ("open", "unknown"))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data; a number that does not exist is None."""
        result: dict[str, Any] = plain(self)
        totals = {"saved_to_even": self.totals.saved_to_even, "saved_to_fixed": self.totals.saved_to_fixed}
        return {**result, "complete": self.complete, "totals": {**result["totals"], **totals}}

    def to_json(self) -> str:
        """The same as JSON: the same bytes for the same study, but for ``new_runs``."""
        return json_text(self.to_dict())


# --- rounds -------------------------------------------------------------------------------------------------


def replicate(
    reference: Scenario,
    options: Sequence[Scenario],
    *,
    outcome: str = HEADLINES[0],
    precision: float | None = None,
    precision_share: float | None = None,
    decide: bool = True,
    budget_runs: int = DEFAULT_BUDGET,
    worlds_per_draw: int = DEFAULT_WORLDS,
    first_draws: int = FIRST_DRAWS,
    block_draws: int = BLOCK_DRAWS,
    seed: int = 1,
    workers: int | None = None,
    study_path: Path | None = None,
    progress: OnProgress | None = None,
    simulator: Simulator | None = None,
    prior: bool = False,
    crew: Crew | None = None,
) -> Replication:
    """Run rounds of parameter draws for the policies that are open still, until none is or the budget ends.

    Policies are compared as they stand, on cells that ``compare`` would use: either finds the other's runs in a study
    file. The answer depends on the arguments only, not on what the file holds or where an earlier call was stopped.

    Args:
        reference: world and policy to compare with.
        options: option scenarios, applied on top of the reference.
        outcome: what policies are compared by.
        precision: how far a mean difference may be off, in the outcome's unit; what is closer is a tie.
        precision_share: the same as a share of the reference's mean level in the first draws; give one of the two.
        decide: a policy stops when its order with every other policy is settled: clear, or a tie within the
            precision. If not, an option stops when its own difference from the reference is within the precision.
        budget_runs: runs of the whole study at most, those of the world without programme and those that the study
            file holds already counted; a round that does not fit as a whole is not begun.
        worlds_per_draw: worlds per draw, at least two.
        first_draws: draws before the first look, at least 20.
        block_draws: later looks add a multiple of it.
        seed, workers, study_path, progress, simulator, prior, crew: as for ``compare``.

    Raises:
        StudyError: nothing to compare, an impossible precision, budget or design, an unknown outcome, one that ranks
            nothing where a ranking is asked for (all of these are listed), a level of the reference too uncertain to
            take a share of, an unusable study file, or a policy of which no run succeeded in the first round.
    """
    if study_path is not None:
        require_writable(study_path)
    model = the_model(reference, prior=prior) if simulator is None else simulator
    problems = [
        *_design_problems(reference, options, worlds_per_draw, first_draws, block_draws, seed, workers),
        *_precision_problems(precision, precision_share),
        *_outcome_problems(outcome, model.outcomes, decide),
    ]
    first_round = first_draws * worlds_per_draw * (len(options) + 2)
    if budget_runs < first_round:
        problems.append(
            f"budget = {budget_runs} runs: the first round takes {first_round} ({first_draws} draws x"
            f" {worlds_per_draw} worlds x {len(options) + 2} policies, the world without programme counted)"
        )
    if problems:
        raise StudyError(problems, hint=_HINT)

    design = Design(first_draws, worlds_per_draw, seed)
    parameters = model.draw_parameters(first_draws, seed)
    with Study.open(study_path, model, reference, seed) as study, study.removed_if_empty():
        bench = Bench(study, model, design, parameters, crew or Threads(workers), progress)
        runs = _Rounds(bench, Policies.of(reference, options), outcome)
        plan = _Plan(looks(first_draws, block_draws), budget_runs, decide, len(options))
        state = _follow(runs, plan, precision, precision_share)
        runs.finish()
        return _answer(runs, plan, state, reference, options, precision_share)


_HINT: Final = (
    "For example a precision of 2e7 for additional exports in EUR, or a precision share of 0.05 of the reference's"
    " level; 20 first draws of 2 worlds, a budget of 10000 runs."
)


def _design_problems(
    reference: Scenario,
    options: Sequence[Scenario],
    worlds: int,
    first: int,
    block: int,
    seed: int,
    workers: int | None,
) -> Iterator[str]:
    try:
        require_options(options)
    except StudyError as error:
        yield from error.problems
    if reference.name in {option.name for option in options}:
        yield f"option {reference.name} is called as the reference is: answers could not tell them apart"
    try:
        Design(max(first, 1), worlds, seed)
    except StudyError as error:
        yield from error.problems
    if not FIRST_DRAWS <= first <= MOST_DRAWS:
        yield f"first draws = {first}: {FIRST_DRAWS} to {MOST_DRAWS} are possible"
    if not 1 <= block <= MOST_DRAWS:
        yield f"draws per block = {block}: 1 to {MOST_DRAWS} are possible"
    if workers is not None and workers < 1:
        yield f"workers = {workers}: at least 1 is needed"


def _precision_problems(precision: float | None, share: float | None) -> Iterator[str]:
    if precision is None and share is None:
        yield "no precision given: say how far a difference may be off"
    if precision is not None and share is not None:
        yield f"precision = {precision:g} and precision share = {share:g} are both given: only one can hold"
    if precision is not None and not positive(precision):
        yield f"precision = {precision:g}: it must be above 0"
    if share is not None and not 0.0 < share < 1.0:
        yield f"precision share = {share:g}: it must be above 0 and below 1"


def _outcome_problems(name: str, outcomes: Sequence[OutcomeLike], decide: bool) -> Iterator[str]:
    found = {one.name: one for one in outcomes}
    if name not in found:
        yield unknown_name("outcome", name, list(found))
    elif decide and found[name].better == "neither":
        yield (
            f"outcome = {name}: neither direction is better, so that policies cannot be ranked by it;"
            " with decide=False runs go by precision alone"
        )


class _Rounds:
    """The values of one outcome of each policy on a bench, in the draws that the policy was given."""

    def __init__(self, bench: Bench, policies: Policies, outcome: str) -> None:
        self.bench = bench
        self.worlds = bench.design.worlds
        self._twin = policies.twin
        self.arms = [policies.base, *policies.arms]
        self.outcome = {one.name: one for one in bench.model.outcomes}[outcome]
        self._parts = parts_of(outcome, bench.names)
        self.draws = [0] * len(self.arms)
        self.new_runs = 0
        self.core_seconds = 0.0
        self._values: list[Floats] = [np.empty((0, 0, 0))] * len(self.arms)
        self._done: list[NDArray[np.bool_]] = [np.empty((0, 0), dtype=np.bool_)] * len(self.arms)

    @property
    def runs(self) -> int:
        """Runs of all policies so far, and of the world without programme."""
        return self.worlds * (sum(self.draws) + max(self.draws))

    def run(self, which: Sequence[int], upto: int, stage: str) -> None:
        """Bring these policies from the draws they have, all equally many, to ``upto``."""
        (since,) = {self.draws[i] for i in which}
        if upto != self.bench.design.draws:
            self.bench = self.bench.with_draws(upto)
        started = perf_counter()
        arms = [self.arms[i] for i in which]
        self.new_runs += self.bench.run(self._twin, arms, stage, first_draw=since)
        # A crew takes in twice as many chunks as it has workers.
        self.core_seconds += (perf_counter() - started) * max(self.bench.crew.in_flight // 2, 1)
        for i in which:
            self.draws[i] = upto
            stored = self.bench.stored(self.arms[i])
            self._values[i] = stored[self._parts]
            self._done[i] = np.asarray(np.isfinite(stored).any(axis=0), dtype=np.bool_)

    @property
    def core_seconds_per_run(self) -> float:
        """Time that one run took on one core; nan where all were there already."""
        return self.core_seconds / self.new_runs if self.new_runs else NAN

    def require_some_success(self) -> None:
        """Refuse to go on with a policy of which every run failed, or that never has a value.

        Raises:
            StudyError: names each such policy, with the reason of its first failure.
        """
        problems = []
        for i, arm in enumerate(self.arms):
            failed = self.bench.nothing_but_failures([arm])
            problems += failed
            if not failed and not np.isfinite(self._of(i, self.draws[i], None)).any():
                problems.append(f"{self.outcome.name} has no value in any of the first worlds of {arm.name}")
        if problems:
            raise StudyError(
                problems,
                hint="Mend what the reasons name (`passaat check` and `passaat run` try one scenario), or take an"
                " outcome that exists.",
            )

    def finish(self) -> None:
        """Mark the study as complete, unless something else was begun in its file and is planned still."""
        if not self.bench.study.count_to_do():
            self.bench.study.finish()

    def level(self) -> VarianceSplit:
        """Level of the outcome under the reference."""
        return split_variance(self._of(0, self.draws[0], None))

    def differences(self, one: int, other: int) -> Floats:
        """One policy minus another, shape (n_draws, n_worlds), in the draws that both were given."""
        upto = min(self.draws[one], self.draws[other])
        return paired_differences(self._of(one, upto, other), self._of(other, upto, one))

    def _of(self, one: int, upto: int, beside: int | None) -> Floats:
        """Values of a policy; only in worlds in which the one beside it has run, too: a ratio rests on all of them."""
        parts = self._values[one][:, :upto]
        if beside is not None:
            parts = np.where(self._done[beside][:upto], parts, np.nan)
        return ratio_values(parts[0], parts[1]) if len(parts) == 2 else np.asarray(parts[0])

    def failures(self) -> tuple[FailedRun, ...]:
        """Failed runs of every policy in the draws it was given, and of the world without programme."""
        given = [*zip(self.arms, self.draws, strict=True), (self._twin, max(self.draws))]
        return tuple(
            failed
            for arm, draws in given
            for failed in self.bench.study.failures([arm], replace(self.bench.design, draws=draws))
        )


@dataclass(frozen=True)
class _Plan:
    """What is fixed before the first run."""

    looks: tuple[int, ...]
    budget: int
    decide: bool
    options: int

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of policies by place; 0 is the reference."""
        return list(combinations(range(self.options + 1), 2))

    @property
    def own_level(self) -> float:
        """Level of the interval of an option's own difference, at each look."""
        return level_at_each_look(self.looks, 1.0 - CONFIDENCE)

    @property
    def pair_level(self) -> float:
        """Level of the intervals of pairs, at each look."""
        return level_at_each_look(self.looks, (1.0 - CONFIDENCE) / len(self.pairs))


@dataclass
class _State:
    """How far a study is: what was asked of it, and what ended it."""

    precision: float
    used: list[int]
    open: list[int]
    ended: Literal["", "budget ended", "last look"]


def _follow(runs: _Rounds, plan: _Plan, precision: float | None, share: float | None) -> _State:
    """Look after every round, and give the next one to what is open."""
    state = _State(precision or NAN, [], list(range(plan.options + 1)), "")
    for number, upto in enumerate(plan.looks, 1):
        cost = runs.worlds * (upto - max(runs.draws)) * (len(state.open) + 1)
        if runs.runs + cost > plan.budget:
            state.ended = "budget ended"
            return state
        runs.run(state.open, upto, f"round {number}, to {upto} draws, {len(state.open)} policies open")
        state.used.append(upto)
        if number == 1:
            runs.require_some_success()
            if share is not None:
                state.precision = share * abs(_clear_level(runs, share))
        state.open = _open(runs, plan, state.precision)
        if not state.open:
            return state
    state.ended = "last look"
    return state


def _clear_level(runs: _Rounds, share: float) -> float:
    level = runs.level()
    if not abs(level.mean) > CLEAR_LEVEL * level.error:
        raise StudyError(
            f"precision share = {share:g} of the reference's {runs.outcome.name}: that is"
            f" {level.mean:.4g} ± {level.error:.4g} in the first draws, too uncertain to take a share of",
            hint="Give the precision in the outcome's own unit, or more first draws.",
        )
    return level.mean


def _open(runs: _Rounds, plan: _Plan, precision: float) -> list[int]:
    """Policies that need more runs, by place."""
    if plan.decide:
        unsettled = [
            pair
            for pair in plan.pairs
            if _says(*_look(runs, *pair, plan.pair_level), precision) in _UNSETTLED
        ]
        return sorted({place for pair in unsettled for place in pair})
    wide = [
        place
        for place in range(1, plan.options + 1)
        if not _met(*_look(runs, place, 0, plan.own_level), precision)
    ]
    return [0, *wide] if wide else []


_UNSETTLED: Final[tuple[Says, ...]] = ("open", "unknown")


def _look(runs: _Rounds, one: int, other: int, level: float) -> tuple[Spread, Bounds]:
    spread = spread_of(split_variance(runs.differences(one, other)).draw_means)
    return spread, bounds_of(spread, level)


def _says(spread: Spread, bounds: Bounds, precision: float) -> Says:
    if not bounds.known:
        return "unknown"
    if bounds.one_side:
        return "ordered"
    if spread.differing == 0:
        return "equal"
    return "tie" if _met(spread, bounds, precision) else "open"


def _met(spread: Spread, bounds: Bounds, precision: float) -> bool:
    return bounds.reach(spread.mean) <= precision


# --- what came out ------------------------------------------------------------------------------------------


def _answer(
    runs: _Rounds,
    plan: _Plan,
    state: _State,
    reference: Scenario,
    options: Sequence[Scenario],
    share: float | None,
) -> Replication:
    outcome = runs.outcome
    meaning = outcome.meaning
    if outcome.name in RATIOS:
        above, below = RATIOS[outcome.name]
        meaning = f"mean {above} over mean {below} of the worlds of a parameter draw, mean over draws"
    ranked = outcome.better != "neither"
    pairs = [_pair_row(runs, plan, state.precision, *pair) for pair in plan.pairs] if ranked else []
    order = _order(runs, pairs)
    place = {name: i for i, name in enumerate(order)}
    pairs.sort(key=lambda pair: sorted((place[pair.ahead], place[pair.behind])))
    rows = tuple(
        _option_row(runs, plan, state, pairs, number, option) for number, option in enumerate(options, 1)
    )
    widest = max(range(1, plan.options + 1), key=lambda i: _deviation(runs, i))
    return Replication(
        reference=reference.name,
        reference_title=reference.title,
        version=runs.bench.model.version,
        behaviour=runs.bench.model.behaviour,
        drawn_from=runs.bench.model.drawn_from,
        uncalibrated=runs.bench.model.basis.uncalibrated,
        outcome=OutcomeInfo(outcome.name, outcome.unit, meaning, outcome.better),
        worlds=runs.worlds,
        seed=runs.bench.design.seed,
        budget_runs=plan.budget,
        precision=state.precision,
        precision_share=share,
        decide=plan.decide,
        level=runs.level().mean,
        looks=tuple(state.used),
        options=rows,
        pairs=tuple(pairs),
        order=order,
        draws={arm.name: n for arm, n in zip(runs.arms, runs.draws, strict=True)},
        worlds_cost=cost_of_worlds(split_variance(runs.differences(widest, 0))),
        totals=_totals(runs, plan, state),
        failures=runs.failures(),
    )


def _deviation(runs: _Rounds, option: int) -> float:
    found = spread_of(split_variance(runs.differences(option, 0)).draw_means).deviation
    return found if np.isfinite(found) else -1.0


def _option_row(
    runs: _Rounds, plan: _Plan, state: _State, pairs: Sequence[PairRow], place: int, option: Scenario
) -> OptionRow:
    spread, bounds = _look(runs, place, 0, plan.own_level)
    stopped: Stop = "precision met"
    if place in state.open and state.ended:
        stopped = state.ended
    elif plan.decide and all(
        pair.says == "ordered" for pair in pairs if option.name in (pair.ahead, pair.behind)
    ):
        stopped = "order settled"
    return OptionRow(
        name=option.name,
        title=option.title,
        draws=min(runs.draws[place], runs.draws[0]),
        mean=spread.mean,
        error=spread.error,
        bounds=bounds,
        reach=bounds.reach(spread.mean),
        met=_met(spread, bounds, state.precision),
        stopped=stopped,
    )


def _pair_row(runs: _Rounds, plan: _Plan, precision: float, one: int, other: int) -> PairRow:
    spread, bounds = _look(runs, one, other, plan.pair_level)
    sign = -1.0 if runs.outcome.better == "lower" else 1.0
    if sign * spread.mean < 0.0:
        one, other = other, one
        spread, bounds = _look(runs, one, other, plan.pair_level)
    says = _says(spread, bounds, precision)
    upto = min(runs.draws[one], runs.draws[other])
    then = _settled_after(plan, spread, plan.pair_level, precision, upto) if says in _UNSETTLED else None
    return PairRow(
        ahead=runs.arms[one].name,
        behind=runs.arms[other].name,
        draws=upto,
        mean=abs(spread.mean),
        error=spread.error,
        bounds=bounds if sign > 0.0 else Bounds(0.0 - bounds.high, 0.0 - bounds.low),
        says=says,
        more_draws=None if then is None else then - upto,
    )


def _settled_after(
    plan: _Plan, spread: Spread, level: float, precision: float, upto: int, *, order: bool = True
) -> int | None:
    """The look at which this would be settled if mean and scatter stayed as they are; None where they are unknown."""
    if spread.draws < 2:
        return None
    for n in _looks_after(plan.looks, upto):
        draws, differing = (round(one * n / upto) for one in (spread.draws, spread.differing))
        then = Spread(spread.mean, spread.deviation, spread.skewness, draws, differing)
        bounds = bounds_of(then, level)
        if _met(then, bounds, precision) or (order and bounds.one_side):
            return n
    return None


def _looks_after(at: Sequence[int], upto: int) -> Iterator[int]:
    """The looks to come, and beyond the last one as many as a projection may need."""
    yield from (n for n in at if n > upto)
    n = at[-1]
    while n < FARTHEST:
        n += round(GROWTH * n)
        yield n


def _order(runs: _Rounds, pairs: Sequence[PairRow]) -> tuple[str, ...]:
    """Policies by pairs won on average; equal ones in the order given."""
    if not pairs:
        return ()
    won = {arm.name: sum(pair.ahead == arm.name for pair in pairs) for arm in runs.arms}
    return tuple(sorted(won, key=lambda name: -won[name]))


def _totals(runs: _Rounds, plan: _Plan, state: _State) -> Totals:
    everyone = plan.options + 2
    most = max(runs.draws)
    fixed = _fixed_draws(runs, plan, state.precision)
    return Totals(
        runs=runs.runs,
        new_runs=runs.new_runs,
        even_draws=most,
        even_runs=most * runs.worlds * everyone,
        fixed_draws=fixed,
        fixed_runs=None if fixed is None else fixed * runs.worlds * everyone,
        more_runs=_more_runs(runs, plan, state),
    )


def _fixed_draws(runs: _Rounds, plan: _Plan, precision: float) -> int | None:
    """Draws with which every difference that is asked about is within the precision at a single look.

    Those are all pairs together where an order is asked for, which a plan made beforehand cannot know to be clear;
    options against the reference where it is not.
    """
    asked = plan.pairs if plan.decide else [(i, 0) for i in range(1, plan.options + 1)]
    level = (1.0 - CONFIDENCE) / (len(asked) if plan.decide else 1)
    seen = [spread_of(split_variance(runs.differences(*pair)).draw_means) for pair in asked]
    if any(0 < one.differing < FEWEST_DIFFERING or one.draws < 2 for one in seen):
        return None
    return max(needed_draws(one, precision, level) for one in seen)


def _more_runs(runs: _Rounds, plan: _Plan, state: _State) -> int | None:
    """Runs that would settle what is open, if means and scatter stay as they are."""
    if not state.open:
        return 0
    asked = plan.pairs if plan.decide else [(i, 0) for i in state.open if i]
    level = plan.pair_level if plan.decide else plan.own_level
    until = list(runs.draws)
    for one, other in asked:
        spread, bounds = _look(runs, one, other, level)
        if plan.decide and _says(spread, bounds, state.precision) not in _UNSETTLED:
            continue
        upto = min(runs.draws[one], runs.draws[other])
        then = _settled_after(plan, spread, level, state.precision, upto, order=plan.decide)
        if then is None:
            return None
        until[one], until[other] = max(until[one], then), max(until[other], then)
    return runs.worlds * (sum(until) - sum(runs.draws) + max(until) - max(runs.draws))


# --- a pilot ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pilot:
    """A few draws, to plan on.

    Attributes:
        differences: by option, option minus reference, shape (n_draws, n_worlds).
        core_seconds_per_run: time that a run took on one core; nan where all were in the study file already.
    """

    outcome: str
    differences: Mapping[str, Floats]
    core_seconds_per_run: float


def pilot(
    reference: Scenario,
    options: Sequence[Scenario],
    *,
    outcome: str = HEADLINES[0],
    draws: int = FIRST_DRAWS,
    worlds_per_draw: int = DEFAULT_WORLDS,
    seed: int = 1,
    workers: int | None = None,
    study_path: Path | None = None,
    progress: OnProgress | None = None,
    simulator: Simulator | None = None,
    prior: bool = False,
    crew: Crew | None = None,
) -> Pilot:
    """Run a few draws of every policy, for ``runs_needed``; a study file keeps them for what comes after.

    Raises:
        StudyError: nothing to compare, an impossible design or an unknown outcome (all listed), an unusable
            study file, or a policy of which no run succeeded.
    """
    if study_path is not None:
        require_writable(study_path)
    model = the_model(reference, prior=prior) if simulator is None else simulator
    problems = [
        *_design_problems(reference, options, worlds_per_draw, draws, BLOCK_DRAWS, seed, workers),
        *_outcome_problems(outcome, model.outcomes, decide=False),
    ]
    if problems:
        raise StudyError(
            problems, hint="For example 20 draws of 2 worlds, outcome additional_exports_net_eur."
        )
    design = Design(draws, worlds_per_draw, seed)
    parameters = model.draw_parameters(draws, seed)
    with Study.open(study_path, model, reference, seed) as study, study.removed_if_empty():
        bench = Bench(study, model, design, parameters, crew or Threads(workers), progress)
        runs = _Rounds(bench, Policies.of(reference, options), outcome)
        runs.run(range(len(runs.arms)), draws, "pilot")
        runs.require_some_success()
        runs.finish()
    found = {option.name: runs.differences(i, 0) for i, option in enumerate(options, 1)}
    return Pilot(outcome, found, runs.core_seconds_per_run)
