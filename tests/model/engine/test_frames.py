"""Tables of a run for people: used rows, words and dates; held against the tables they come from."""

from __future__ import annotations

import re

import numpy as np
import pytest

from passaat.errors import ModelError
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.frames import WORDS, Frame
from passaat.model.engine.programme import Programme
from passaat.model.provenance.golden import small_inputs
from passaat.model.shocks import ShockEvent
from passaat.model.status import STAGE_NAMES
from passaat.model.world import TABLES

SECTORS = ("water", "energy", "food", "health")


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(small_inputs(shocks=(ShockEvent("war", 1, 6, 9, 0.5),)), 1)


@pytest.fixture(scope="module")
def frames(run: Run) -> dict[str, Frame]:
    return run.frames(SECTORS)


def test_every_table_and_column_is_there_once_with_equal_lengths(frames: dict[str, Frame]) -> None:
    assert set(frames) == {*TABLES, "levers"}
    for name, table in TABLES.items():
        own = ["quarter"] if name == "history" else []
        assert list(frames[name]) == [*own, "row", *table.__annotations__], name
        assert len({len(column) for column in frames[name].values()}) == 1, name


def test_only_used_rows_are_shown_and_they_point_to_their_own(run: Run, frames: dict[str, Frame]) -> None:
    n = int(run.world.calendar.n_clusters[0])
    assert 0 < n < len(run.world.clusters.status), "there are rows that nothing uses"
    assert len(frames["clusters"]["row"]) == len(frames["accounts"]["row"]) == n
    assert len(frames["memberships"]["row"]) == run.world.clusters.n_joined[:n].sum()
    # by hand: the memberships of each cluster lie from first_membership on
    for c in range(n):
        first = int(run.world.clusters.first_membership[c])
        mine = frames["memberships"]["row"][frames["memberships"]["cluster"] == c]
        assert mine.tolist() == list(range(first, first + int(run.world.clusters.n_joined[c])))
    assert (frames["engagements"]["market"] >= 0).all()
    assert len(frames["history"]["row"]) == run.inputs.size.n_quarters
    for name, frame in frames.items():
        if name not in ("levers", "structure"):
            numbers = [column for column in frame if frame[column].dtype.kind == "f"]
            for column in numbers:
                raw = getattr(getattr(run.world, name), column)
                assert np.array_equal(frame[column], raw[frame["row"]]), (name, column)


def test_codes_are_words_and_quarters_are_dates(run: Run, frames: dict[str, Frame]) -> None:
    clusters = run.world.clusters
    assert set(frames["clusters"]["status"]) <= set(WORDS["clusters", "status"])
    started = np.flatnonzero(clusters.start_quarter[: len(frames["clusters"]["row"])] >= 0)
    c = int(started[0])
    quarter = int(clusters.start_quarter[c])
    assert frames["clusters"]["start_quarter"][c] == f"{2012 + quarter // 4}Q{quarter % 4 + 1}"
    assert (
        frames["clusters"]["start_quarter"][np.flatnonzero(clusters.start_quarter[: c + 1] < 0)].tolist()
        == [""] * c
    )
    assert frames["shocks"]["kind"].tolist() == ["war"]
    assert frames["shocks"]["first_quarter"].tolist() == ["2013Q3"]
    assert frames["history"]["quarter"][[0, 5, -1]].tolist() == ["2012Q1", "2013Q2", "2023Q4"]
    assert frames["levers"]["year"].tolist() == list(range(2012, 2024))
    assert frames["structure"]["bottlenecks"].tolist() == ["weakest"]
    assert frames["firms"]["sme"].dtype == bool
    stages = np.array(STAGE_NAMES)[run.world.engagements.stage[frames["engagements"]["row"]]]
    assert frames["engagements"]["stage"].tolist() == stages.tolist()


@pytest.mark.parametrize(("table", "column"), [key for key in WORDS if key[0] in ("firms", "coordinators")])
def test_words_of_codes_are_those_of_their_declaration(table: str, column: str) -> None:
    """The declaration says "0 micro, 1 small"."""
    meaning = str(TABLES[table].__annotations__[column])
    assert dict(re.findall(r"(\d) ([a-z ]+)", meaning)) == {
        str(code): word for code, word in enumerate(WORDS[table, column])
    }


def test_sectors_have_names_where_they_are_given(run: Run, frames: dict[str, Frame]) -> None:
    expected = [SECTORS[sector] for sector in run.world.firms.sector]
    assert frames["firms"]["sector"].tolist() == expected
    assert run.frames()["firms"]["sector"].tolist() == run.world.firms.sector.tolist()
    with pytest.raises(ModelError, match="2 sector_names; the run has 4 sectors"):
        run.frames(("water", "energy"))


def test_what_is_shown_can_be_changed_without_changing_the_run(run: Run) -> None:
    shown = run.frames()
    for frame in shown.values():
        for column in frame.values():
            column[:] = np.zeros(1, dtype=column.dtype)[0]
    assert run.frames()["firms"]["capacity"].sum() > 0


def test_a_run_in_mid_life_shows_the_quarters_that_were(run: Run) -> None:
    programme = Programme(run.inputs, 1)
    for _ in range(5):
        programme.step()
    shown = programme.result().frames()
    assert shown["history"]["quarter"].tolist() == ["2012Q1", "2012Q2", "2012Q3", "2012Q4", "2013Q1"]
