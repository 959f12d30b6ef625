"""What a sceptical reader asks of the world: how long effects last, what stands still, what money and checkpoints do.

    python benchmarks/world.py            # prints the table
    python benchmarks/world.py --write    # and stores it in benchmarks/world.json

Worlds are of the reference `pib` under posterior draws, one to each draw, every one run with and without the programme.
Each question is asked of the model as it stands; of a world whose trade is as short-lived as studies of exporters find,
with a past of twelve years; and of that world with the channels of the programme opened to the middle of their ranges.
The last two are not calibrated: they show which way things go, not how far.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from passaat.calibration.posterior import posterior_draws
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.judging import outcomes_by_year, outcomes_of
from passaat.model.outcomes import OUTCOME_NAMES, window_covenants
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import behaviour, without_programme
from passaat.model.yearly import ROW
from passaat.scenarios.levers import LeverSetting
from passaat.scenarios.loading import load_scenario

RESULTS: Final = Path(__file__).with_name("world.json")
DRAWS: Final = 60
FIRST_YEAR: Final = 2012
YEARS_AFTER: Final = (1, 4, 8, 12)

SHORT_TRADE: Final[Mapping[str, float]] = {
    "past_years": 12.0,
    "already_active_share": 0.25,
    "own_contact_rate": 0.12,
    "second_look_share": 1.0,
    "delivery_quarters": 4.0,
    "first_order_share": 0.4,
    "repeat_share": 0.6,
    "repeat_by_age": 0.5,
    "growth_share": 0.1,
    "branch_closes_share": 1.0,
    "relation_fade": 0.08,
    "contact_fade": 0.12,
    "attention_fade": 0.1,
    "knowledge_by_trade": 0.1,
    "knowledge_fade": 0.03,
    "permit_fade": 0.03,
    "barrier_return": 0.02,
    "trade_takes_capacity": 0.3,
}
"""A trial, chosen by hand within the ranges: about a quarter of trade relations end in a year, of new ones a third."""

CHANNELS: Final = (
    *("support_elasticity", "waiting_discount", "join_support", "checkpoint_gaming", "checkpoint_discipline"),
    *("reapplication_share", "lesson_of_refusal", "follow_up_deadweight", "follow_up_dependence"),
    "term_spread_quarters",
)
"""Channels of the programme that stand at no effect."""

STATES: Final = ("as it stands", "short trade", "short trade, channels open")
"""The states of the world that are asked, in the order of the columns."""

Floats = NDArray[np.float64]
Levers = Mapping[str, LeverSetting]


@dataclass
class World:
    """The world in one state, and what it answers; runs are made once.

    Attributes:
        given: parameters that hold in every draw.
        draws: posterior draws.
        workers: threads.
    """

    given: Mapping[str, float]
    draws: int
    workers: int
    _found: dict[str, Floats] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> list[dict[str, float]]:
        return [{**draw, **self.given} for draw in posterior_draws(self.draws, seed=1)]

    def _pair(self, levers: Levers, seed: int) -> tuple[Run, Run]:
        """A draw's run under these levers, and its twin."""
        pib, given = load_scenario("pib"), self.parameters[seed]
        policy = pib.with_levers(dict(levers)) if levers else pib
        twin = simulate(policy.without_programme().inputs(given), seed)
        return simulate(policy.inputs(given), seed), twin

    @cached_property
    def pairs(self) -> list[tuple[Run, Run]]:
        """Runs of the reference and their twins."""
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(lambda seed: self._pair({}, seed), range(self.draws)))

    def outcomes(self, name: str, levers: Levers | None = None) -> Floats:
        """An outcome in each draw, of the reference with these levers moved."""
        key = json.dumps(levers or {}, sort_keys=True)
        if key not in self._found:
            with ThreadPoolExecutor(self.workers) as pool:
                found = pool.map(lambda seed: outcomes_of(*self._pair(levers or {}, seed)), range(self.draws))
                self._found[key] = np.array(list(found))
        values: Floats = self._found[key][:, OUTCOME_NAMES.index(name)]
        return values

    def years(self, name: str) -> Floats:
        """An outcome by year, shape (draws, years)."""
        return np.array([outcomes_by_year(run, twin)[ROW[name]] for run, twin in self.pairs])

    def exports_without(self) -> list[NDArray[np.int64]]:
        """Exports by engagement and year in worlds that never had a programme, where demand has no trend."""
        still = {"market_growth_mean": 0.0}

        def one(seed: int) -> NDArray[np.int64]:
            inputs = load_scenario("pib").inputs({**self.parameters[seed], **still})
            return simulate(without_programme(inputs), seed).world.exports_by_year_cents

        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(one, range(self.draws)))


def mean_and_error(values: Floats) -> list[float]:
    """Mean over draws and its standard error, to four digits."""
    return [rounded(values.mean()), rounded(values.std(ddof=1) / np.sqrt(len(values)))]


def rounded(value: float) -> float:
    """Four digits: what is stored does not hang on last bits."""
    return float(f"{value:.4g}")


# --- what is asked ----------------------------------------------------------------------------------------------------


def time(world: World) -> dict[str, Any]:
    """How long effects last, and what stands still without the programme."""
    net, until = (
        world.outcomes(f"additional_exports_net{part}_eur") / 1e6 for part in ("", "_until_evaluation")
    )
    cost = world.outcomes("public_cost_eur") / 1e6
    gains = world.years("additional_exports_net_eur") / 1e6
    late, early = (
        gains[:, first - FIRST_YEAR : last - FIRST_YEAR] for first, last in ((2030, 2035), (2024, 2028))
    )
    since = world.years("additional_exports_since_end_eur").sum(axis=0)
    members = world.years("memberships_since_end").sum(axis=0)
    each = since / np.maximum(members, 1.0) / 1e3
    by_draw = world.years("additional_exports_since_end_eur") / np.maximum(
        world.years("memberships_since_end"), 1.0
    )
    falls = by_draw[:, 9:12].mean(axis=1) < by_draw[:, 1:4].mean(axis=1)
    still = world.exports_without()
    sellers = np.array([(run > 0).sum(axis=0) for run in still])
    value = np.array([run.sum(axis=0) for run in still]) / 100.0
    ends = np.array([run[:, -5:].mean() / run[:, :5].mean() for run in value[:, None, :]])
    return {
        "net additional exports, M EUR": mean_and_error(net),
        "of which until 2022, M EUR": mean_and_error(until),
        "share until 2022": rounded(until.mean() / net.mean()),
        "net exports per public euro until 2022": rounded(until.mean() / cost.mean()),
        "net exports per public euro until 2034": rounded(net.mean() / cost.mean()),
        "yearly gain 2030-34 over that of 2024-27": rounded(late.mean() / early.mean()),
        **{
            f"gain of a membership {year} years after its covenant ended, k EUR a year": rounded(each[year])
            for year in YEARS_AFTER
        },
        "share of draws in which it does not fall (years 9-11 against 1-3)": rounded(1.0 - falls.mean()),
        "exports without programme, last five years over first five": rounded(
            value[:, -5:].mean() / value[:, :5].mean()
        ),
        "trade relations without programme, last five years over first five": rounded(
            sellers[:, -5:].mean() / sellers[:, :5].mean()
        ),
        "exports without programme, the same, 5 and 95 % of draws": [
            rounded(one) for one in np.quantile(ends, (0.05, 0.95))
        ],
        "trade relations that end in a year without programme, share": rounded(
            np.mean([(run[:, :-1] > 0)[run[:, 1:] == 0].sum() / (run[:, :-1] > 0).sum() for run in still])
        ),
    }


def money(world: World) -> dict[str, Any]:
    """Money and terms: what is granted, to whom, and what asking for nothing does."""
    found: dict[str, Any] = {}
    nothing: dict[str, Levers] = {
        "a threshold above all points": {"selection_threshold_points": 101},
        "an amount of nothing": {"covenant_amount_eur": 0},
        "no budget": {"programme_budget_eur_year": 0},
        "a threshold of 99 points": {"selection_threshold_points": 99},
    }
    for words, levers in nothing.items():
        found[f"net effect of {words}, M EUR"] = mean_and_error(
            world.outcomes("additional_exports_net_eur", levers) / 1e6
        )
    for amount in (100_000, 350_000, 2_000_000):
        found[f"applications at an amount of {amount:,} EUR"] = mean_and_error(
            world.outcomes("applications", {"covenant_amount_eur": amount})
        )
    terms, amounts, private = [], [], []
    for run, _ in world.pairs:
        rows, clusters, accounts = window_covenants(run), run.world.clusters, run.world.accounts
        first = rows[clusters.extended[rows] == 0]
        terms += ((clusters.end_quarter - clusters.start_quarter)[first] / 4.0).tolist()
        amounts += (accounts.committed_cents[first] / 1e5).tolist()
        paid = accounts.fees_cents + accounts.in_kind_cents + accounts.own_activity_cents
        private += (paid[rows] / 1e5).tolist()
    for words, values in (
        ("years of a covenant that was not extended", terms),
        ("public amount of such a covenant, k EUR", amounts),
        ("private input of a covenant, k EUR", private),
    ):
        found[f"{words}: 2, 50 and 98 %"] = [rounded(one) for one in np.quantile(values, (0.02, 0.5, 0.98))]
    return found


def options(world: World) -> dict[str, Any]:
    """Checkpoints, follow-up, selection and focus."""
    usual = world.outcomes("additional_exports_net_eur") / 1e6

    def against(levers: Levers) -> list[float]:
        return mean_and_error(world.outcomes("additional_exports_net_eur", levers) / 1e6 - usual)

    harmless: Levers = {"checkpoint_quarter": 8, "checkpoint_minimum_progress": 0.0}
    strict: Levers = {"checkpoint_quarter": 6, "checkpoint_minimum_progress": 0.5}
    scores, gains = [], []
    for run, twin in world.pairs:
        extra = run.world.exports_by_year_cents.sum(axis=1) - twin.world.exports_by_year_cents.sum(axis=1)
        clusters, memberships = run.world.clusters, run.world.memberships
        for c in window_covenants(run):
            first = clusters.first_membership[c]
            members = memberships.engagement[first : first + clusters.n_joined[c]]
            scores.append(clusters.score[c])
            gains.append(extra[members].sum())
    six_years = {"follow_up_years": 6}
    return {
        "checkpoints that stop no one, against the reference, M EUR": against(harmless),
        "covenants stopped at a threshold of one half": mean_and_error(
            world.outcomes("covenants_stopped", strict)
        ),
        "of which wrongly": mean_and_error(world.outcomes("covenants_stopped_wrongly", strict)),
        "kept wrongly": mean_and_error(world.outcomes("covenants_kept_wrongly", strict)),
        "six years of follow-up without money, against the reference, M EUR": against(six_years),
        "the same with 3,000 EUR a firm and year, M EUR": against(
            {**six_years, "follow_up_eur_per_firm_year": 3000}
        ),
        "rank correlation of score and additional exports of a covenant": rounded(
            spearmanr(scores, gains).statistic
        ),
        "SMEs only, against the reference, M EUR": against({"large_firms_role": "excluded"}),
    }


QUESTIONS: Final[Mapping[str, Callable[[World], dict[str, Any]]]] = {
    "Time": time,
    "Money and terms": money,
    "Checkpoints, follow-up, selection and focus": options,
}


def middle(name: str) -> float:
    """The middle of a parameter's range."""
    return (PARAMETERS[name].minimum + PARAMETERS[name].maximum) / 2.0


def answers(given: Mapping[str, float], draws: int, workers: int) -> dict[str, dict[str, Any]]:
    """All questions, asked of the world with these parameters."""
    world = World(given, draws, workers)
    return {title: ask(world) for title, ask in QUESTIONS.items()}


def shown(value: float | list[float]) -> str:
    """A number, a mean with its error, or quantiles."""
    return " ".join(f"{one:g}" for one in value) if isinstance(value, list) else f"{value:g}"


def states() -> dict[str, dict[str, float]]:
    """What is given in each state of the world."""
    opened = {**SHORT_TRADE, **{name: middle(name) for name in CHANNELS}}
    return dict(zip(STATES, ({}, dict(SHORT_TRADE), opened), strict=True))


def main() -> None:
    """Print what was found, and store it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="store the table beside this script")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    found = {state: answers(given, asked.draws, asked.workers) for state, given in states().items()}
    for title in QUESTIONS:
        print(f"\n{title}")
        for question in found[STATES[0]][title]:
            cells = (shown(found[state][title][question]) for state in STATES)
            print(f"  {question:78} {''.join(f'{cell:>22}' for cell in cells)}")
    if asked.write:
        stored = {"behaviour": behaviour(), "draws": asked.draws, "states": found}
        RESULTS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
