"""The case studies beside what evaluators concluded: shares of own goals, in many worlds, and the order they give.

Nothing of this is a target. Verdicts are only compared, after the runs; no parameter, threshold or coding is chosen by
them. With eight cases, four of which share one verdict, even a perfect model could show little, so the order is
given with its exact permutation distribution, its spread over draws, and a naive order beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from itertools import permutations
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.stats import rankdata

from passaat.calibration.case_files import LEVELS, Case, load_verdicts, quarters_since_year_0
from passaat.calibration.case_goals import (
    default_yardstick,
    draw_yardstick,
    follow,
    score,
    thresholds,
)
from passaat.calibration.cases import case_inputs, load_cases
from passaat.errors import ModelError
from passaat.experiments.design.cells import world_seed
from passaat.experiments.run.pump import in_threads
from passaat.json_text import json_text, plain
from passaat.model.parameters import default_parameters, draw_parameters
from passaat.model.units import QUARTERS_PER_YEAR

DEFAULT_DRAWS: Final = 40
DEFAULT_WORLDS: Final = 5
RANGE: Final = (5.0, 95.0)
NULL_RANGE: Final = (2.5, 97.5)
LARGEST_PERMUTED: Final = 9
"""9! = 362,880 orders are still quick; more cases would need a sample of orders."""


@dataclass(frozen=True)
class CaseResult:
    """One case: its share of own goals over draws and worlds, beside the verdict.

    Attributes:
        share: mean share of own goals reached; ``low`` and ``high`` 5 and 95 % of single worlds, parameters and luck
            together; ``draws_low`` and ``draws_high`` those of the means over worlds in one draw.
        goals: mean score of each of its goals, by kind, in the order of the case.
        n: worlds behind it.
        members, shocks, naive: members, dated shocks, and the naive score (higher is better).
    """

    case: str
    title: str
    members: int
    shocks: int
    naive: float
    share: float
    low: float
    high: float
    draws_low: float
    draws_high: float
    goals: tuple[tuple[str, float], ...]
    n: int
    verdict: str
    provisional: bool


@dataclass(frozen=True)
class Order:
    """How far one order of the cases agrees with that of the verdicts.

    Attributes:
        tau, rho: Kendall's tau-b and Spearman's rank correlation, ties counted as ties.
        tau_p, rho_p: two-sided p-values over all orders of the cases.
        tau_null, rho_null: 2.5 and 97.5 % over all orders: what chance alone gives.
    """

    tau: float
    rho: float
    tau_p: float
    rho_p: float
    tau_null: tuple[float, float]
    rho_null: tuple[float, float]


@dataclass(frozen=True)
class CaseStudy:
    """All cases, the orders of the model and of the naive score, and how the former varies over draws.

    Attributes:
        scores: score by case; arrays of shape (n_draws, n_worlds, n_goals).
        tau_draws, rho_draws: 5 %, median and 95 % over draws; nan where a draw gives all cases one share.
        beats_naive: share of draws in which the model's tau exceeds that of the naive score.
    """

    cases: tuple[CaseResult, ...]
    order: Order
    naive: Order
    tau_draws: tuple[float, float, float]
    rho_draws: tuple[float, float, float]
    beats_naive: float
    scores: Mapping[str, NDArray[np.float64]]
    draws: int
    worlds_per_draw: int
    seed: int
    parameters: str
    failures: tuple[str, ...]

    def table(self) -> Table:
        """The cases as a table for people."""
        from rich import box

        table = Table(box=box.SIMPLE, pad_edge=False)
        for heading in ("case", "members", "shocks", "own goals reached", "5-95 %", "verdict"):
            table.add_column(heading, justify="left" if heading in ("case", "verdict") else "right")
        for found in self.cases:
            table.add_row(
                found.title,
                str(found.members),
                str(found.shocks),
                f"{found.share:.0%}",
                f"{found.low:.0%} to {found.high:.0%}",
                found.verdict + (" (provisional)" if found.provisional else ""),
            )
        return table

    def summary(self) -> tuple[str, ...]:
        """The order in sentences."""
        low, middle, high = self.tau_draws
        said = [
            f"order by the model: {_order_text(self.order)}",
            f"  over {self.draws} draws: tau-b {low:+.2f} to {high:+.2f} (5-95 %), median {middle:+.2f}",
            f"order by members and shocks alone: {_order_text(self.naive)}",
            f"  the model's tau-b is the higher in {self.beats_naive:.0%} of draws",
            "no value of these is a target; no parameter, threshold or coding was chosen by the verdicts",
            f"{self.draws} draws x {self.worlds_per_draw} worlds for each case, parameters {self.parameters}; "
            f"seed {self.seed}; goals to attract investment are left out: the model cannot show them",
        ]
        return (*said, *(f"failed: {failure}" for failure in self.failures))

    def to_dict(self) -> dict[str, Any]:
        """The study as plain data: no clock times, no paths, nan as None."""
        found = {key: value for key, value in vars(self).items() if key != "scores"}
        found["cases"] = [asdict(case) for case in self.cases]
        found["order"], found["naive"] = asdict(self.order), asdict(self.naive)
        made: dict[str, Any] = plain(found)
        return made

    def to_json(self) -> str:
        """The study as JSON: the same bytes for the same study."""
        return json_text(self.to_dict(), sort_keys=True)


def run_cases(
    worlds: int = DEFAULT_WORLDS,
    parameters: Literal["drawn", "default"] = "drawn",
    *,
    draws: int = DEFAULT_DRAWS,
    seed: int = 1,
    cases: Mapping[str, Case] | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CaseStudy:
    """Run every case in ``draws`` x ``worlds`` worlds and hold the order of the shares against that of the verdicts.

    Every draw is one set of parameters and of thresholds, the same for all cases; with ``parameters="default"`` both
    stay at their defaults and only luck differs.

    Raises:
        ModelError: every run of a case failed; the first reasons are given.
    """
    chosen = load_cases() if cases is None else cases
    sets = draw_parameters(draws, seed) if parameters == "drawn" else [default_parameters()] * draws
    tasks = [(name, draw, world) for name in chosen for draw in range(draws) for world in range(worlds)]

    def run(task: tuple[str, int, int]) -> list[float] | str:
        name, draw, world = task
        drawn = parameters == "drawn"
        yardstick = draw_yardstick(seed, draw) if drawn else default_yardstick()
        luck = world_seed(seed, draw, world)
        try:
            case = chosen[name]
            course = follow(case_inputs(case, luck, sets[draw]), luck)
            return [score(goal, course, yardstick) for goal in case.scored_goals]
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    thresholds()  # read once, before the threads
    results = in_threads(run, tasks, workers, progress)
    scores = {name: np.full((draws, worlds, len(case.scored_goals)), np.nan) for name, case in chosen.items()}
    reasons: list[str] = []
    for (name, draw, world), result in zip(tasks, results, strict=True):
        if isinstance(result, str):
            reasons.append(f"{name}: {result}")
        else:
            scores[name][draw, world] = result
    lost = [name for name, found in scores.items() if np.isnan(found).all()]
    if lost:
        raise ModelError(
            [f"every run of case {name} failed" for name in lost] + sorted(set(reasons))[:5],
            hint="Run it with fewer worlds to see where it stops.",
        )
    failures = [f"{len(reasons)} of {len(tasks)} runs: {'; '.join(sorted(set(reasons))[:5])}"]
    return _study(chosen, scores, seed, parameters, tuple(failures if reasons else ()))


def _study(
    cases: Mapping[str, Case],
    scores: Mapping[str, NDArray[np.float64]],
    seed: int,
    parameters: str,
    failures: tuple[str, ...],
) -> CaseStudy:
    verdicts, naive = load_verdicts(), naive_scores(cases)
    shares = {name: found.mean(axis=2) for name, found in scores.items()}
    results = []
    for name, case in cases.items():
        found, by_draw = shares[name], np.nanmean(shares[name], axis=1)
        seen = found[~np.isnan(found)]
        low, high = np.percentile(seen, RANGE)
        draws_low, draws_high = np.nanpercentile(by_draw, RANGE)
        results.append(
            CaseResult(
                case=name,
                title=case.title_en,
                members=case.members.n_members,
                shocks=len(case.shocks),
                naive=naive[name],
                share=float(seen.mean()),
                low=float(low),
                high=float(high),
                draws_low=float(draws_low),
                draws_high=float(draws_high),
                goals=tuple(
                    (goal.kind, float(mean))
                    for goal, mean in zip(
                        case.scored_goals, np.nanmean(scores[name], axis=(0, 1)), strict=True
                    )
                ),
                n=len(seen),
                verdict=verdicts[name].verdict,
                provisional=verdicts[name].provisional,
            )
        )
    ranks = np.array([verdicts[name].rank for name in cases], dtype=np.float64)
    by_naive = order_of(np.array([naive[name] for name in cases]), ranks)
    by_draws = np.array([np.nanmean(shares[name], axis=1) for name in cases]).T
    taus = np.array([kendall_tau_b(one, ranks) for one in by_draws])
    rhos = np.array([spearman_rho(one, ranks) for one in by_draws])
    n_draws, n_worlds = next(iter(shares.values())).shape
    return CaseStudy(
        cases=tuple(sorted(results, key=lambda found: (-found.share, found.case))),
        order=order_of(np.array([np.nanmean(shares[name]) for name in cases]), ranks),
        naive=by_naive,
        tau_draws=_spread(taus),
        rho_draws=_spread(rhos),
        beats_naive=float(np.mean(taus > by_naive.tau)),
        scores=scores,
        draws=n_draws,
        worlds_per_draw=n_worlds,
        seed=seed,
        parameters="drawn from their stated ranges" if parameters == "drawn" else "at their defaults",
        failures=failures,
    )


def _spread(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """5 %, median and 95 % of the values that exist."""
    seen = values[~np.isnan(values)]
    if not len(seen):
        return math.nan, math.nan, math.nan
    low, middle, high = np.percentile(seen, (RANGE[0], 50.0, RANGE[1]))
    return float(low), float(middle), float(high)


# --- the naive order --------------------------------------------------------------------------------------------------


def naive_scores(cases: Mapping[str, Case]) -> dict[str, float]:
    """A score of members and dated shocks alone, fixed before any case was run.

    More members and fewer shocks are better: rank by number of members minus rank by burden of shocks (ties share the
    mean rank). The burden is the sum over shocks of strength (low 1/6, middle 1/2, high 5/6: the middles of the
    thirds) times the quarters that they last within eight years of the start; a demand boom counts negative.
    """
    members = rankdata([case.members.n_members for case in cases.values()])
    burdens = rankdata([shock_burden(case) for case in cases.values()])
    return {name: float(members[i] - burdens[i]) for i, name in enumerate(cases)}


def shock_burden(case: Case) -> float:
    """Quarters lost to dated shocks in the eight years after the start, weighted by strength."""
    start = quarters_since_year_0(case.start)
    end = start + round(thresholds()[0].value * QUARTERS_PER_YEAR)
    burden = 0.0
    for shock in case.shocks:
        first, last = quarters_since_year_0(shock.first), quarters_since_year_0(str(shock.last))
        quarters = max(min(last + 1, end) - max(first, start), 0)
        sign = -1.0 if shock.kind == "demand_boom" else 1.0
        burden += sign * quarters * (LEVELS.index(str(shock.strength)) + 0.5) / len(LEVELS)
    return burden


# --- rank correlations ------------------------------------------------------------------------------------------------


def kendall_tau_b(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Kendall's tau-b: agreement of pairs, ties in either left out of its scale; nan where one side is all ties."""
    return float(_tau_b(np.asarray(x)[None, :], np.asarray(y))[0])


def spearman_rho(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Spearman's rank correlation: Pearson's of mid-ranks; nan where one side is all ties."""
    return float(_rho(np.asarray(x)[None, :], np.asarray(y))[0])


def order_of(x: NDArray[np.float64], y: NDArray[np.float64]) -> Order:
    """Both rank correlations with their exact permutation distribution.

    Raises:
        ValueError: more than nine cases, or another number of verdicts than of scores.
    """
    if len(x) != len(y) or len(x) > LARGEST_PERMUTED:
        raise ValueError(
            f"{len(x)} scores and {len(y)} verdicts: give equally many, at most {LARGEST_PERMUTED}"
        )
    orders = np.asarray(x)[_permutations(len(x))]
    tau, rho = kendall_tau_b(x, y), spearman_rho(x, y)
    taus, rhos = _tau_b(orders, np.asarray(y)), _rho(orders, np.asarray(y))
    return Order(tau, rho, _p(taus, tau), _p(rhos, rho), _null(taus), _null(rhos))


@cache
def _permutations(n: int) -> NDArray[np.int64]:
    return np.array(list(permutations(range(n))), dtype=np.int64)


def _p(null: NDArray[np.float64], found: float) -> float:
    """Share of all orders that agree, or disagree, at least as much as the one found."""
    if math.isnan(found):
        return math.nan
    return float(np.mean(np.abs(null) >= abs(found) - 1e-12))


def _null(null: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(null, NULL_RANGE)
    return float(low), float(high)


def _tau_b(rows: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tau-b of each row with ``y``; shape (n_rows,)."""
    a, b = np.triu_indices(len(y), 1)
    signs, wanted = np.sign(rows[:, a] - rows[:, b]), np.sign(y[a] - y[b])
    scale = np.sqrt((signs != 0).sum(axis=1) * float((wanted != 0).sum()))
    found: NDArray[np.float64] = np.full(len(rows), np.nan)
    np.divide(signs @ wanted, scale, out=found, where=scale > 0.0)
    return found


def _rho(rows: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's rho of each row with ``y``; shape (n_rows,)."""
    x, z = rankdata(rows, axis=1), rankdata(y)
    x, z = x - x.mean(axis=1, keepdims=True), z - z.mean()
    scale = np.sqrt((x * x).sum(axis=1) * float((z * z).sum()))
    found: NDArray[np.float64] = np.full(len(rows), np.nan)
    np.divide(x @ z, scale, out=found, where=scale > 0.0)
    return found


def _order_text(order: Order) -> str:
    low, high = order.tau_null
    return (
        f"Kendall tau-b {order.tau:+.2f} (p {order.tau_p:.2f}; by chance {low:+.2f} to {high:+.2f}), "
        f"Spearman {order.rho:+.2f} (p {order.rho_p:.2f})"
    )
