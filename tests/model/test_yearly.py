"""Outcomes by year: they add up to the outcomes, in both drivers, and the books by year to the accounts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from passaat.model import status, yearly
from passaat.model.engine import judging
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.judging import outcomes_by_year, outcomes_of
from passaat.model.engine.programme import Programme
from passaat.model.inputs import WorldSize
from passaat.model.outcomes import OUTCOME_NAMES
from passaat.model.provenance.golden import golden_inputs, small_inputs, without_programme
from passaat.model.yearly import OUTCOMES_BY_YEAR, ROW
from passaat.scenarios.scenario import Scenario

SINCE_END = {"memberships_since_end", "additional_exports_since_end_eur"}
ADD_UP = sorted((set(ROW) & set(OUTCOME_NAMES)) - SINCE_END)
"""Outcomes by year that have an outcome of the same name."""

PURPOSES = {
    "activities": status.FOR_ACTIVITIES,
    "liaison": status.FOR_LIAISON,
    "branding": status.FOR_BRANDING,
    "follow_up": status.FOR_FOLLOW_UP,
    "administration": status.FOR_ADMINISTRATION,
    "support": status.FOR_SUPPORT,
    "committed": status.COMMITTED,
    "released": status.LET_GO,
}
"""Columns of the accounts with the kind of entry that they add up."""


def pair(name: str) -> tuple[Run, Run]:
    """A golden run and its twin."""
    inputs, seed = golden_inputs()[name]
    return simulate(inputs, seed), simulate(without_programme(inputs), seed)


def interpreted(run: Run, twin: Run) -> NDArray[np.float64]:
    """Outcomes by year by the same rules without the compiler, on plain Python numbers."""
    tables: Any = run.store.interpreted_world()
    against = judging.twin_tables(twin.store.interpreted_world(), known=True)
    years = np.full((len(OUTCOMES_BY_YEAR), run.inputs.size.n_years), 12345.0)
    yearly.judge_by_year(judging.judged_tables(tables), against, judging.room_for(run.world), years)
    return years


def test_most_outcomes_by_year_have_an_outcome_to_add_up_to() -> None:
    assert len(ADD_UP) >= 11


@pytest.mark.parametrize("name", golden_inputs())
def test_years_add_up_to_the_outcomes(name: str) -> None:
    run, twin = pair(name)
    years = outcomes_by_year(run, twin)
    first = run.inputs.size.window_first_year - run.inputs.size.first_year
    found = dict(zip(OUTCOME_NAMES, outcomes_of(run, twin).tolist(), strict=True))
    for outcome in ADD_UP:
        assert math.fsum(years[ROW[outcome], first:]) == pytest.approx(found[outcome], abs=0.01), outcome
    assert years[ROW["covenants_started"]].sum() == found["covenants"]


@pytest.mark.parametrize("name", ["follow-up", "checkpoints, money to follow-up", "random shocks"])
def test_compiled_and_interpreted_rules_give_the_same_bits_by_year(name: str) -> None:
    run, twin = pair(name)
    assert outcomes_by_year(run, twin).tobytes() == interpreted(run, twin).tobytes()


def test_both_drivers_give_the_same_years(tiny: WorldSize) -> None:
    inputs = small_inputs(size=tiny)
    compiled, plain = simulate(inputs, 5), Programme(inputs, 5).run().result()
    twin = simulate(without_programme(inputs), 5)
    assert outcomes_by_year(compiled, twin)[ROW["public_cost_eur"]].sum() > 0.0, "no money in this world"
    assert outcomes_by_year(compiled, twin).tobytes() == outcomes_by_year(plain, twin).tobytes()


@pytest.mark.parametrize("name", golden_inputs())
def test_the_books_by_year_add_up_to_the_accounts_of_each_group(name: str) -> None:
    run, _ = pair(name)
    accounts, books = run.world.accounts, run.world.money_by_year_cents.sum(axis=2)
    for column, entry in PURPOSES.items():
        assert np.array_equal(books[:, entry], getattr(accounts, f"{column}_cents")), column
    private = accounts.fees_cents + accounts.in_kind_cents + accounts.own_activity_cents
    assert np.array_equal(books[:, status.PRIVATE], private + accounts.private_follow_up_cents)


def test_what_is_committed_is_paid_or_let_go_when_all_covenants_have_ended(pib: Scenario) -> None:
    run = simulate(pib.inputs(), 1)
    years = outcomes_by_year(run)
    paid = years[ROW["public_cost_eur"]] - years[ROW["public_cost_administration_eur"]]
    committed, let_go = (years[ROW[name]].sum() for name in ("public_committed_eur", "public_let_go_eur"))
    assert years[ROW["covenants_ended"]].sum() == years[ROW["covenants_started"]].sum() > 20
    assert committed == pytest.approx(paid.sum() + let_go, abs=0.01)
    so_far = np.cumsum(years[ROW["public_committed_eur"]] - years[ROW["public_let_go_eur"]] - paid)
    assert so_far.min() > -0.01, "money was paid before it was committed"


def test_without_a_twin_nothing_is_said_of_what_was_added() -> None:
    run, _ = pair("practice")
    years = outcomes_by_year(run)
    missing = {outcome.name for outcome in OUTCOMES_BY_YEAR if np.isnan(years[ROW[outcome.name]]).all()}
    assert missing == {outcome.name for outcome in OUTCOMES_BY_YEAR if outcome.twin}
    assert np.isfinite(np.delete(years, [ROW[name] for name in missing], axis=0)).all()


def test_a_world_without_programme_adds_and_spends_nothing() -> None:
    run, twin = pair("no programme")
    years = outcomes_by_year(run, twin)
    with_exports = {"exports_all_eur"}
    assert years[ROW["exports_all_eur"]].min() > 0.0
    assert not np.any(np.delete(years, [ROW[name] for name in with_exports], axis=0))


def test_every_membership_of_a_covenant_that_ended_counts_in_the_year_of_its_end(pib: Scenario) -> None:
    run = simulate(pib.inputs(), 1)
    years = outcomes_by_year(run, simulate(pib.without_programme().inputs(), 1))
    clusters = run.world.clusters
    ended = [c for c in range(int(run.world.calendar.n_clusters[0])) if clusters.end_quarter[c] >= 0]
    counted = [c for c in ended if is_of_the_window(run, c)]
    members = years[ROW["memberships_since_end"]]
    assert members[0] == sum(int(clusters.n_joined[c]) for c in counted)
    assert np.all(np.diff(members) <= 0.0)
    assert members[-1] == 0.0


def is_of_the_window(run: Run, c: int) -> bool:
    """Whether a group is a covenant of the window, by hand."""
    clusters, calendar = run.world.clusters, run.world.calendar
    in_window = clusters.applied_quarter[c] >= calendar.window_first_quarter[0]
    return bool(in_window and clusters.start_quarter[c] >= 0 and clusters.turned_down[c] == 0)
