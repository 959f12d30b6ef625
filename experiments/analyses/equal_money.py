"""An option at the reference's total public money."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from passaat.experiments.analyses.bench import Bench
from passaat.experiments.design.policies import Arm, amounts_in_window
from passaat.experiments.stats.equal_money import MAX_CORRECTIONS, MAX_EVALUATIONS, Search, search_factor
from passaat.scenarios.levers import LEVERS

TOLERANCE: Final = 0.01
"""Public money counts as equal within 1 per cent of the reference's, on the mean over all cells."""


@dataclass(frozen=True)
class EqualMoney:
    """How an option came to the reference's public money.

    Attributes:
        factor: multiplier of the amount per covenant.
        cost_ratio: mean public cost at that factor over that of the reference.
        reached: whether the ratio is within 1 per cent of one.
        note: why not, when it is not; otherwise empty.
    """

    factor: float
    cost_ratio: float
    reached: bool
    note: str


def equal_money(bench: Bench, twin: Arm, base: Arm, arms: Sequence[Arm]) -> list[EqualMoney]:
    """Bring every option to the reference's public money; all cells have run at the factors returned.

    All options search side by side, so that they share the world without programme of each cell: first on
    the pilot, aiming off by what the pilot misses at factor 1; then, where all cells still disagree, step
    by step on all cells.
    """
    pilot = [{1.0: bench.cost_excess(arm, base, pilot=True)} for arm in arms]
    full = [{1.0: bench.cost_excess(arm, base)} for arm in arms]
    bounds = [factor_bounds(arm, bench.parameters[0]) for arm in arms]

    def unequal() -> dict[int, tuple[float, float]]:
        """Options that are not there yet and have an amount to scale, with the bounds of their factor."""
        return {
            i: bound
            for i, bound in enumerate(bounds)
            if bound is not None and not any(abs(excess) <= TOLERANCE for excess in full[i].values())
        }

    searches = {
        i: search_factor(pilot[i], low, high, aim=pilot[i][1.0] - full[i][1.0])
        for i, (low, high) in unequal().items()
    }
    proposals = _search_side_by_side(bench, twin, base, arms, pilot, searches)
    for correction in range(1 + MAX_CORRECTIONS):
        fresh = {i: factor for i, factor in proposals.items() if factor not in full[i]}
        if not fresh:
            break
        stage = "equal public money" + (f", correction {correction}" if correction else "")
        bench.run(twin, [arms[i].at_factor(factor) for i, factor in fresh.items()], stage)
        for i, factor in fresh.items():
            full[i][factor] = bench.cost_excess(arms[i].at_factor(factor), base)
        proposals = {
            i: next(search_factor(full[i], low, high), 1.0)
            for i, (low, high) in unequal().items()
            if i in fresh
        }
    return [verdict(full[i], bounds[i]) for i in range(len(arms))]


def _search_side_by_side(
    bench: Bench,
    twin: Arm,
    base: Arm,
    arms: Sequence[Arm],
    pilot: Sequence[dict[float, float]],
    searches: Mapping[int, Search],
) -> dict[int, float]:
    """Advance all searches together on the pilot; returns the factor each has found and adds to ``pilot``."""
    found: dict[int, float] = {}
    asked: dict[int, float] = {}
    for i, search in searches.items():
        try:
            asked[i] = next(search)
        except StopIteration as end:
            found[i] = end.value
    for evaluation in range(1, MAX_EVALUATIONS + 1):
        if not asked:
            break
        wanted = [arms[i].at_factor(factor) for i, factor in asked.items()]
        bench.run(twin, wanted, f"searching equal public money, evaluation {evaluation}", pilot=True)
        answers = dict(asked)
        asked = {}
        for i, factor in answers.items():
            pilot[i][factor] = bench.cost_excess(arms[i].at_factor(factor), base, pilot=True)
            try:
                asked[i] = searches[i].send(pilot[i][factor])
            except StopIteration as end:
                found[i] = end.value
    return found


def factor_bounds(arm: Arm, parameters: Mapping[str, float]) -> tuple[float, float] | None:
    """Factors that keep the amount per covenant within the lever's range; None where there is no amount to
    scale.
    """
    amounts = amounts_in_window(arm.inputs(parameters))
    lever = LEVERS["covenant_amount_eur"]
    largest, smallest = float(amounts.max()), float(amounts.min())
    return None if smallest <= 0.0 else (lever.minimum / smallest, lever.maximum / largest)


def verdict(full: Mapping[float, float], bounds: tuple[float, float] | None) -> EqualMoney:
    """The factor whose cost over all cells is nearest to the reference's, and whether that is near enough."""
    if not any(math.isfinite(value) for value in full.values()):
        return EqualMoney(1.0, math.nan, False, "not reached: the reference spends no public money")
    factor = min(full, key=lambda f: (abs(full[f]) if math.isfinite(full[f]) else math.inf, abs(f - 1.0)))
    excess = full[factor]
    if abs(excess) <= TOLERANCE:
        return EqualMoney(factor, 1.0 + excess, True, "")
    if bounds is None:
        note = "not reached: the option pays no amount per covenant that could be scaled"
    else:
        more = "dearer" if excess > 0 else "cheaper"
        note = (
            f"not reached with amounts per covenant of {bounds[0]:.2f} to {bounds[1]:.2f} times"
            f" the option's: still {abs(excess):.1%} {more} than the reference at {factor:.4g} times"
        )
    return EqualMoney(factor, 1.0 + excess, False, note)
