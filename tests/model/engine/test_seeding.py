"""Dated edits of the world and groups that exist by assumption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from passaat.errors import ModelError
from passaat.model import shocks
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.programme import Programme
from passaat.model.inputs import STRUCTURES, SeededGroup, Setting, Structure
from passaat.model.provenance.golden import SMALL_WORLD, run_hash, small_inputs
from passaat.model.shocks import SHOCK_KINDS
from passaat.model.status import RUNNING

GROUP = SeededGroup(3, 2, 9, 8, n_institutes=1, n_large=1, n_fillers=2, committed_eur=250_000.0)


def row_of(run: Run, group: SeededGroup) -> int:
    """Row of the group seeded in a run."""
    clusters = run.world.clusters
    here = (clusters.market == group.market) & (clusters.met_quarter == group.quarter)
    rows = np.flatnonzero(here & (clusters.start_quarter == group.quarter))
    assert len(rows) == 1
    return int(rows[0])


def until(inputs: object, quarters: int, seed: int = 1) -> Run:
    """The world after so many quarters, by the Mesa driver."""
    programme = Programme(inputs, seed)  # type: ignore[arg-type]
    for _ in range(quarters):
        programme.step()
    return programme.result()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seeded_group_starts_as_asked(seed: int) -> None:
    run = until(small_inputs(groups=(GROUP,)), GROUP.quarter + 1, seed)
    world, c = run.world, row_of(run, GROUP)
    assert world.clusters.status[c] == RUNNING
    assert world.clusters.coordinator[c] == GROUP.coordinator
    assert world.clusters.n_joined[c] == GROUP.n_members
    assert world.accounts.committed_cents[c] == 25_000_000
    assert world.clusters.planned_end_quarter[c] == GROUP.quarter + GROUP.covenant_quarters
    rows = np.flatnonzero(
        (world.memberships.cluster == c) & (world.memberships.joined_quarter == GROUP.quarter)
    )
    firms = world.engagements.firm[world.memberships.engagement[rows]]
    assert len(set(firms)) == GROUP.n_members
    assert world.memberships.filler[rows].sum() == GROUP.n_fillers
    assert world.firms.institute[firms].sum() == GROUP.n_institutes
    large = (world.firms.size_class[firms] == 3) & (world.firms.institute[firms] == 0)
    assert large.sum() == GROUP.n_large


def test_where_a_kind_runs_short_others_take_its_place() -> None:
    only_large = replace(GROUP, n_institutes=0, n_large=8)
    run = until(small_inputs(groups=(only_large,)), GROUP.quarter + 1)
    assert run.world.clusters.n_joined[row_of(run, only_large)] == 8


def test_both_drivers_make_the_same_edits() -> None:
    settings = (
        Setting("countries", "price_level", 1.4),
        Setting("clusters", "cohesion", 0.9, (0,), 12),
        Setting("liaisons", "tied", 1.0, (6, 7), 9),
    )
    inputs = small_inputs(groups=(GROUP,), settings=settings)
    assert run_hash(simulate(inputs, 4)) == run_hash(Programme(inputs, 4).run().result())


def test_an_edit_acts_from_its_quarter_on_and_not_before() -> None:
    edited = small_inputs(settings=(Setting("embassies", "standing", 1.0, quarter=10),))
    assert run_hash(until(edited, 10)) == run_hash(until(small_inputs(), 10))
    assert np.all(until(edited, 11).world.embassies.standing == 1.0)


def test_edits_that_change_nothing_leave_the_run_alone() -> None:
    usual = simulate(small_inputs(), 6)
    tied = int(usual.world.liaisons.tied[0])
    assert run_hash(usual) == run_hash(
        simulate(small_inputs(settings=(Setting("liaisons", "tied", tied, (0,)),)), 6)
    )


def test_bad_edits_are_refused_with_every_offender() -> None:
    inputs = small_inputs(
        settings=(
            Setting("clubs", "cohesion", 1.0),
            Setting("clusters", "cohesian", 1.0),
            Setting("clusters", "cohesion", 1.0, quarter=900),
            Setting("clusters", "cohesion", 1.0, rows=(100_000,)),
        ),
        groups=(
            replace(GROUP, market=99),
            replace(GROUP, coordinator=-1),
            replace(GROUP, n_members=40),
            replace(GROUP, n_members=2, n_large=3),
            replace(GROUP, covenant_quarters=0),
        ),
    )
    with pytest.raises(ModelError) as refused:
        simulate(inputs, 1)
    told = str(refused.value)
    for part in (
        "clubs",
        "cohesian",
        "900",
        "100000",
        "99",
        "-1",
        "40 members",
        "do not fit in 2",
        "0 quarters",
    ):
        assert part in told, part
    assert f"0 to {SMALL_WORLD.n_markets - 1}" in told


def test_codes_of_shocks_are_their_places_in_the_list() -> None:
    assert [getattr(shocks, kind.upper()) for kind in SHOCK_KINDS] == list(range(len(SHOCK_KINDS)))


def test_an_unknown_structure_is_refused() -> None:
    with pytest.raises(ModelError, match=r"bottlenecks = 'product'.*weakest or sum"):
        Structure(bottlenecks="product")


@pytest.mark.parametrize("switch", STRUCTURES)
def test_each_rival_structure_makes_another_world(switch: str) -> None:
    own, rival = STRUCTURES[switch]
    usual = run_hash(simulate(small_inputs(), 1))
    assert run_hash(simulate(small_inputs(structure=Structure(**{switch: rival})), 1)) != usual
    assert run_hash(simulate(small_inputs(structure=Structure(**{switch: own})), 1)) == usual


def test_in_the_structure_without_support_people_they_are_all_alike() -> None:
    run = simulate(small_inputs(structure=Structure(support="none")), 1)
    for column in (run.world.liaisons.network, run.world.embassies.standing, run.world.coordinators.skill):
        assert len(set(column.tolist())) == 1
    assert run.world.coordinators.resignations.sum() == 0


def test_by_lot_the_score_says_nothing_about_the_plan() -> None:
    by_lot = small_inputs(structure=Structure(selection="random"))
    scores, plans = [], []
    for seed in range(60):
        clusters = simulate(by_lot, seed).world.clusters
        asked = clusters.score > 0.0
        scores += clusters.score[asked].tolist()
        plans += clusters.quality[asked].tolist()
    assert len(scores) > 500
    # with 500 and more independent pairs chance alone gives more than 0.16 less than once in 3,000 times
    assert abs(np.corrcoef(scores, plans)[0, 1]) < 0.16
