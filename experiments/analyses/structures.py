"""The comparison under rival structures: does the answer hold if the model is wrong about how the world works?

Every structure is compared on the same parameter draws and worlds, with fewer of them than the main comparison. Under
each, options and reference are ranked by every outcome that has a favourable direction, and every pair of policies that
is clearly ordered under the reference's own structure is looked up under the rival: the order is kept, no longer clear,
or reversed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from passaat.errors import StudyError
from passaat.experiments.analyses.bench import Bench, Money, Values, require_options
from passaat.experiments.analyses.compare import Comparison, compare_on, plain
from passaat.experiments.design.cells import Design
from passaat.experiments.design.simulator import Simulator, the_model
from passaat.experiments.results.cells import csv_text
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.run.crew import Crew, Threads
from passaat.experiments.run.runner import OnProgress, Progress
from passaat.experiments.stats.pairing import Floats, paired_differences, split_variance
from passaat.experiments.study.connection import require_writable
from passaat.experiments.study.study import Study
from passaat.json_text import json_text
from passaat.scenarios.rivals import OWN, own_in_words, structures_of

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario

DEFAULT_DRAWS: Final = 20
DEFAULT_WORLDS: Final = 4
"""A quarter of the worlds of the main comparison for each structure: with five structures its cost once more."""

CLEAR: Final = 2.0
"""A difference is clear when it exceeds its Monte Carlo error this many times."""

MONEY: Final[tuple[Money, ...]] = ("as it stands", "at equal public money")

Holds = Literal["holds", "less clear", "flips", "nothing clear"]
State = Literal["kept", "open", "reversed", "missing"]


@dataclass(frozen=True)
class Gain:
    """How far the policy that is ahead under the own structure is ahead under this one, in the favourable direction.

    ``state`` is missing where one of the two does not reach equal public money, or has no value.
    """

    mean: float
    error: float
    state: State


@dataclass(frozen=True)
class Pair:
    """Two policies that are clearly ordered under the own structure, and their order under each."""

    ahead: str
    behind: str
    gains: Mapping[str, Gain]


@dataclass(frozen=True)
class Ranking:
    """Policies ranked by one outcome, in one money variant, under each structure.

    Attributes:
        orders: policies by mean, the best first, by structure.
        pairs: every pair that is clearly ordered under the own structure.
        holds: whether those orders hold, by rival: ``flips`` when any is clearly reversed, ``less clear`` when none is
            but some are no longer clear or missing, ``nothing clear`` when there is no such pair.
    """

    outcome: str
    money: Money
    orders: Mapping[str, tuple[str, ...]]
    pairs: tuple[Pair, ...]
    holds: Mapping[str, Holds]

    @property
    def flipped_by(self) -> tuple[str, ...]:
        """The rivals under which some order is reversed."""
        return tuple(name for name, says in self.holds.items() if says == "flips")


@dataclass(frozen=True)
class StructureComparison:
    """The comparison under the reference's own structure and under each single rival.

    Attributes:
        own: how the own structure is called in sentences.
        comparisons: by structure, the own first.
        rankings: by outcome and money variant; outcomes without a favourable direction have none.
    """

    own: str
    design: Design
    comparisons: Mapping[str, Comparison]
    rankings: tuple[Ranking, ...]

    @property
    def rivals(self) -> tuple[str, ...]:
        """Names of the rival structures."""
        return tuple(name for name in self.comparisons if name != OWN)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data; a number that does not exist is None."""
        found = {
            "own": self.own,
            "uncalibrated": "no posterior exists for a rival structure: rivals meet the draws of the reference's own",
            "clear_at_errors": CLEAR,
            "design": self.design,
            "rankings": [{**vars(one), "flipped_by": one.flipped_by} for one in self.rankings],
            "comparisons": self.comparisons,
        }
        result: dict[str, Any] = plain(found)
        return result

    def to_csv(self) -> str:
        """One line per structure, money variant, outcome and option; the same bytes for the same study."""
        return csv_text(_COLUMNS, self._rows())

    def _rows(self) -> Iterator[tuple[object, ...]]:
        rankings = {(one.outcome, one.money): one for one in self.rankings}
        for structure, comparison in self.comparisons.items():
            for money in MONEY:
                for outcome in comparison.outcomes:
                    ranking = rankings.get((outcome.name, money))
                    order = () if ranking is None else ranking.orders[structure]
                    holds = "" if ranking is None or structure == OWN else ranking.holds[structure]
                    for option in comparison.options:
                        variant = option.variant(money)
                        if variant is None:
                            continue
                        found = variant.differences[outcome.name]
                        rank = order.index(option.name) + 1 if option.name in order else ""
                        yield (
                            structure, money, outcome.name, outcome.unit, outcome.better, option.name, found.mean,
                            found.error, found.draws.low, found.draws.high,
                            found.shares.better, found.shares.same, found.shares.worse,
                            found.pairs, rank,
                            len(order) or "", holds,
                        )  # fmt: skip


_COLUMNS: Final = (
    "structure", "money", "outcome", "unit", "better", "option", "difference", "error", "draws_low", "draws_high",
    "share_better", "share_same", "share_worse", "pairs", "rank", "ranked_policies", "ranking",
)  # fmt: skip


def compare_structures(
    reference: Scenario,
    options: Sequence[Scenario],
    *,
    draws: int = DEFAULT_DRAWS,
    worlds_per_draw: int = DEFAULT_WORLDS,
    seed: int = 1,
    workers: int | None = None,
    study_path: Path | None = None,
    progress: OnProgress | None = None,
    simulator: Simulator | None = None,
    prior: bool = False,
    crew: Crew | None = None,
) -> StructureComparison:
    """Compare options with a reference under each structure; runs that the study file holds are not run again.

    Arguments as for ``compare``; parameters are drawn as for the own structure.
    The study file may be the one of the main comparison, whose runs under the own
    structure are then used.

    Raises:
        StudyError: as for ``compare``, under any of the structures; or one draw only, which leaves no error.
    """
    require_options(options)
    if draws < 2:
        raise StudyError(
            f"draws per structure = {draws}: at least 2 are needed to rank options", hint="Take 20 or more."
        )
    design = Design(draws, worlds_per_draw, seed)
    if study_path is not None:
        require_writable(study_path)
    model = the_model(reference, prior=prior) if simulator is None else simulator
    parameters = model.draw_parameters(draws, seed)
    comparisons: dict[str, Comparison] = {}
    values: dict[str, Values] = {}
    with Study.open(study_path, model, reference, seed) as study, study.removed_if_empty():
        name = OWN

        def report(now: Progress) -> None:
            if progress is not None:
                progress(Progress(f"{name}: {now.stage}", now.done, now.total))

        bench = Bench(study, model, design, parameters, crew or Threads(workers), report)
        for name, scenario in structures_of(reference).items():
            comparisons[name], values[name] = compare_on(
                bench, scenario, options, "" if name == OWN else name, parts="none"
            )
        study.finish()
    outcomes = comparisons[OWN].outcomes
    rankings = tuple(
        ranking_of(outcome, money, values)
        for money in MONEY
        for outcome in outcomes
        if outcome.better != "neither"
    )
    return StructureComparison(own_in_words(reference), design, comparisons, rankings)


# --- rankings -----------------------------------------------------------------------------------------------


def ranking_of(outcome: OutcomeInfo, money: Money, values: Mapping[str, Values]) -> Ranking:
    """Rank policies by one outcome under every structure, and see which clear orders of the own one hold."""
    sign = -1.0 if outcome.better == "lower" else 1.0
    present = {
        name: {
            policy: sign * variants[money][outcome.name]
            for policy, variants in by_policy.items()
            if money in variants
        }
        for name, by_policy in values.items()
    }
    own = present[OWN]
    pairs = []
    for one, other in combinations(own, 2):
        gain = _gain(own[one], own[other])
        if gain.state != "open" and gain.state != "missing":
            ahead, behind = (one, other) if gain.state == "kept" else (other, one)
            gains = {
                name: _gain(of[ahead], of[behind])
                if ahead in of and behind in of
                else Gain(math.nan, math.nan, "missing")
                for name, of in present.items()
            }
            pairs.append(Pair(ahead, behind, gains))
    return Ranking(
        outcome=outcome.name,
        money=money,
        orders={name: _order(of) for name, of in present.items()},
        pairs=tuple(pairs),
        holds={name: _holds([pair.gains[name].state for pair in pairs]) for name in values if name != OWN},
    )


def _gain(ahead: Floats, behind: Floats) -> Gain:
    split = split_variance(paired_differences(ahead, behind))
    if not math.isfinite(split.mean):
        return Gain(math.nan, math.nan, "missing")
    if abs(split.mean) <= CLEAR * split.error or not split.mean:
        return Gain(split.mean, split.error, "open")
    return Gain(split.mean, split.error, "kept" if split.mean > 0.0 else "reversed")


def _holds(states: Sequence[State]) -> Holds:
    if not states:
        return "nothing clear"
    if "reversed" in states:
        return "flips"
    return "holds" if all(state == "kept" for state in states) else "less clear"


def _order(of: Mapping[str, Floats]) -> tuple[str, ...]:
    """Policies by mean, the best first; equal ones in the order given, those without a value left out."""
    means = {policy: split_variance(values).mean for policy, values in of.items()}
    return tuple(sorted((p for p in means if math.isfinite(means[p])), key=lambda policy: -means[policy]))


def with_structures(comparison: Comparison, found: StructureComparison) -> str:
    """The JSON of a comparison, with what was found under rival structures under the key ``structures``."""
    return json_text({**comparison.to_dict(), "structures": found.to_dict()})
