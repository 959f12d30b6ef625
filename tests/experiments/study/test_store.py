"""The study file: registered first, readable while it grows, complete or honest about what is missing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from passaat.errors import StudyError
from passaat.experiments.design.cells import Cell, Design, world_seed
from passaat.experiments.design.policies import Arm
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.study.connection import require_writable
from passaat.experiments.study.records import RunRecord
from passaat.experiments.study.study import Study
from passaat.scenarios.scenario import Scenario


def test_design_is_registered_before_anything_runs(tmp_path: Path, toy: Simulator, pib: Scenario) -> None:
    path = tmp_path / "study.db"
    with Study.open(path, toy, pib, 1) as study:
        arm = Arm.of(pib, "reference", "pib")
        study.register_parameters(toy.draw_parameters(3, 1))
        study.register([arm], list(Design(3, 4).cells()))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
            assert reader.execute("SELECT status, runs FROM progress").fetchall() == [("planned", 12)]
            assert reader.execute("SELECT count(DISTINCT world_seed) FROM runs").fetchone() == (12,)
            assert reader.execute("SELECT count(*) FROM parameters").fetchone() == (3,)
            assert reader.execute("SELECT value FROM meta WHERE key = 'state'").fetchone() == ("incomplete",)
            text = reader.execute("SELECT scenario FROM scenarios").fetchone()[0]
        assert 'name = "pib"' in text


def test_file_is_readable_in_wal_mode_while_written_and_leaves_no_side_files(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "study.db"
    contracts = [outcome.name for outcome in toy.outcomes].index("contracts")
    with Study.open(path, toy, pib, 1) as study:
        arm, cell = Arm.of(pib, "reference", "pib"), Cell(0, 0, world_seed(1, 0, 0))
        study.register([arm], [cell])
        with closing(sqlite3.connect(path)) as reader:
            assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            before = reader.execute("SELECT status FROM runs").fetchone()
            study.record([RunRecord(0, 0, 1, "done", values=np.arange(float(len(toy.outcomes))))])
            after = reader.execute("SELECT status, contracts FROM runs").fetchone()
        assert (before, after) == (("planned",), ("done", float(contracts)))
    assert [entry.name for entry in tmp_path.iterdir()] == ["study.db"]


def test_values_survive_the_file_bit_for_bit_and_missing_stays_missing(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    values = np.array([np.nan, 0.1 + 0.2, 1e300, -0.0, np.inf, 5e-324, 1 / 3, 7.0, 8.0, 9.0, 10.0, np.nan])
    arm, cells = Arm.of(pib, "reference", "pib"), list(Design(1, 2).cells())
    with Study.open(tmp_path / "study.db", toy, pib, 1) as study:
        study.register([arm], cells)
        study.record([RunRecord(0, 0, 1, "done", values=values)])
        study.record([RunRecord(0, 1, 1, "failed", "ModelError: the table of clusters is full")])
    with Study.open(tmp_path / "study.db", toy, pib, 1) as study:
        back = study.values(arm, Design(1, 2))
        assert np.array_equal(back[:, 0, 0], values, equal_nan=True)
        assert np.isnan(back[:, 0, 1]).all()
        (failed,) = study.failures([arm], Design(1, 2))
        assert failed.reason == "ModelError: the table of clusters is full"
        assert (failed.draw, failed.world, failed.world_seed) == (0, 1, cells[1].world_seed)
        assert study.planned(arm) == set()


def test_an_interrupted_chunk_leaves_nothing_behind(tmp_path: Path, toy: Simulator, pib: Scenario) -> None:
    arm, cells = Arm.of(pib, "reference", "pib"), list(Design(1, 2).cells())

    def interrupted() -> object:
        yield RunRecord(0, 0, 1, "done", values=np.arange(float(len(toy.outcomes))))
        raise KeyboardInterrupt

    with Study.open(tmp_path / "study.db", toy, pib, 1) as study:
        study.register([arm], cells)
        with pytest.raises(KeyboardInterrupt):
            study.record(interrupted())  # type: ignore[arg-type]
        assert study.planned(arm) == {(0, 0), (0, 1)}


def test_a_study_belongs_to_one_model_one_reference_and_one_seed(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "study.db"
    Study.open(path, toy, pib, 1).close()
    with pytest.raises(StudyError) as caught:
        Study.open(path, toy, pib.with_levers({"assessors": 3}), 2)
    text = str(caught.value)
    for part in ("reference hash", "seed of the study is 1, now it is 2", "another file"):
        assert part in text
    for other in (
        replace(toy, version="9.9"),
        replace(toy, behaviour="other"),
        replace(toy, version="9.9", behaviour="other"),
    ):
        with pytest.raises(StudyError) as caught:
            Study.open(path, other, pib, 1)
        assert caught.value.problems == (
            f"{path} was made by passaat 0.0-toy (behaviour toy), and this is passaat {other.version} (behaviour"
            f" {other.behaviour}): runs of two models are never mixed",
        )
        assert "give another file" in caught.value.hint
        assert "passaat 0.0-toy goes on with it" in caught.value.hint
    Study.open(path, toy, pib, 1).close()


def test_other_parameters_are_not_mixed_in(tmp_path: Path, toy: Simulator, pib: Scenario) -> None:
    with Study.open(tmp_path / "study.db", toy, pib, 1) as study:
        study.register_parameters([{"gain": 1.0}, {"gain": 2.0}])
        study.register_parameters([{"gain": 1.0}, {"gain": 2.0}, {"gain": 3.0}])
        with pytest.raises(StudyError, match="draw 1"):
            study.register_parameters([{"gain": 1.0}, {"gain": 2.5}])


def test_unusable_paths_are_refused_in_words(tmp_path: Path, toy: Simulator, pib: Scenario) -> None:
    text_file = tmp_path / "notes.txt"
    text_file.write_text("not a database, but someone's notes, long enough to be looked at\n" * 20)
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE mine (x)")
    cases = {
        tmp_path: "is a folder",
        tmp_path / "no" / "such" / "study.db": "does not exist",
        text_file: "is not a study file",
        foreign: "not a study",
    }
    for path, words in cases.items():
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(StudyError, match=words) as caught:
            Study.open(path, toy, pib, 1)
        assert caught.value.hint
        if before is not None:
            assert path.read_bytes() == before


@pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write everywhere"
)
def test_a_folder_without_permission_is_refused(tmp_path: Path, toy: Simulator, pib: Scenario) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StudyError, match="cannot be written"):
        Study.open(tmp_path / "study.db", toy, pib, 1)


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passaat.experiments.study.study.os.access", lambda path, mode: False)
    with pytest.raises(StudyError, match="no permission"):
        require_writable(tmp_path / "study.db")


def test_a_locked_file_is_said_to_be_locked(
    tmp_path: Path, toy: Simulator, pib: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "study.db"
    Study.open(path, toy, pib, 1).close()
    monkeypatch.setattr("passaat.experiments.study.connection.LOCK_WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StudyError, match="another process"):
            Study.open(path, toy, pib, 1)


def test_world_seeds_are_named_not_counted() -> None:
    """More draws or worlds leave every seed as it was; seeds fit SQLite's integers and do not collide."""
    small, large = ({(c.draw, c.world): c.world_seed for c in Design(*s).cells()} for s in ((3, 2), (50, 20)))
    assert all(large[place] == seed for place, seed in small.items())
    assert len(set(large.values())) == 1000
    assert all(0 <= seed < 2**63 for seed in large.values())
    assert world_seed(1, 2, 3) == 7688522049049054762
    assert Design(3, 4, seed=2).cells().__next__().world_seed != world_seed(1, 0, 0)


def test_impossible_designs_are_refused_with_all_reasons() -> None:
    with pytest.raises(StudyError) as caught:
        Design(0, 1, -1)
    assert len(caught.value.problems) == 3
