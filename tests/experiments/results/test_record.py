"""Results as one record of named axes: shape, units, and the same values as the study holds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from passaat.errors import StudyError
from passaat.experiments.analyses.compare import compare
from passaat.experiments.analyses.stored import comparison_values, record_of
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.results.outcomes import OutcomeInfo, label
from passaat.experiments.results.record import AXES, Axis, Record
from passaat.model.outcomes import OUTCOMES
from passaat.scenarios.scenario import Scenario

NET = OutcomeInfo("additional_exports_net_eur", "EUR", "exports the programme adds, net", "higher")
COST = OutcomeInfo("public_cost_eur", "EUR", "public cost", "lower")
SMALL = Record(
    (Axis("policy", ("the reference", "follow-up")), Axis("world", (0, 1, 2))),
    (NET, COST),
    np.arange(12.0).reshape(2, 3, 2),
    {"passaat": "0.0"},
)


@pytest.fixture
def study(tmp_path: Path, toy: Simulator, pib: Scenario, two_options: list[Scenario]) -> Path:
    path = tmp_path / "cmp.db"
    compare(pib, two_options, draws=3, worlds_per_draw=2, workers=1, simulator=toy, study_path=path)
    return path


def test_a_record_has_the_axes_and_values_of_its_study(study: Path, toy: Simulator) -> None:
    """As options stand, bit by bit those that ``comparison_values`` gives."""
    record, held = record_of(study), comparison_values(study)
    assert [(axis.name, len(axis.labels)) for axis in record.axes] == [
        ("policy", 3), ("money", 3), ("draw", 3), ("world", 2)
    ]  # fmt: skip
    assert record.axes[0].labels == tuple(held.values)
    assert record.values.shape == (3, 3, 3, 2, len(toy.outcomes))
    for place, of in enumerate(held.values.values()):
        for name, values in of["as it stands"].items():
            assert record.of(name)[place, 0].tobytes() == values.tobytes(), name
    assert record.facts["passaat"] == held.version
    assert record.facts["parameters"] == held.drawn_from


def test_at_equal_money_the_reference_is_itself_and_options_cost_about_the_same(study: Path) -> None:
    record = record_of(study)
    exports, cost = record.of("additional_exports_net_eur"), record.of("public_cost_eur")
    assert exports[0, 0].tobytes() == exports[0, 1].tobytes()
    reached = np.isfinite(cost[1:, 1]).all(axis=(1, 2))
    assert reached.any()
    assert not np.array_equal(cost[1:, 0][reached], cost[1:, 1][reached])
    assert cost[1:, 1][reached].mean(axis=(1, 2)) == pytest.approx(cost[0, 1].mean(), rel=0.1)


def test_values_cannot_be_changed_in_a_record_nor_through_the_array_it_was_made_of() -> None:
    values = np.zeros((1, 1))
    record = Record((Axis("world", (0,)),), (NET,), values)
    values[0, 0] = 1.0
    assert record.of(NET.name)[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        record.values[0, 0] = 1.0


def test_a_record_that_does_not_fit_is_refused_with_every_reason() -> None:
    with pytest.raises(StudyError) as refused:
        Record((Axis("worlds", (0,)), Axis("draw", (0,)), Axis("draw", (0,))), (NET,), np.zeros((1, 2)))
    problems = " ".join(refused.value.problems)
    assert len(refused.value.problems) == 3
    assert "worlds" in problems
    assert "axis draw stands 2 times" in problems
    assert "(1, 2)" in problems
    assert "(1, 1, 1, 1)" in problems


def test_an_unknown_outcome_names_the_one_that_was_meant() -> None:
    with pytest.raises(StudyError, match="public_cost_eur"):
        SMALL.of("public_cost")


def test_pandas_gets_a_row_for_each_place_and_a_column_for_each_outcome() -> None:
    pytest.importorskip("pandas")
    frame = SMALL.to_pandas()
    assert list(frame.index.names) == ["policy", "world"]
    assert frame.loc[("follow-up", 2), "public_cost_eur"] == SMALL.of("public_cost_eur")[1, 2] == 11.0
    assert frame.attrs["units"] == {NET.name: "EUR", COST.name: "EUR"}
    assert frame.attrs["labels"][COST.name] == "Public cost"
    frame.iloc[0, 0] = -1.0
    assert SMALL.values[0, 0, 0] == 0.0


def test_xarray_gets_an_array_with_its_unit_for_each_outcome() -> None:
    pytest.importorskip("xarray")
    data = SMALL.to_xarray()
    cost = data["public_cost_eur"]
    assert cost.dims == ("policy", "world")
    assert float(cost.sel(policy="follow-up", world=2)) == 11.0
    assert cost.attrs["units"] == "EUR"
    assert cost.attrs["long_name"] == "Public cost"
    assert data.attrs == {"passaat": "0.0"}


@pytest.mark.parametrize("library", ["pandas", "xarray"])
def test_without_the_library_the_error_says_the_way_out(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(StudyError, match=f"{library} is not installed, and to_{library} needs it") as refused:
        getattr(SMALL, f"to_{library}")()
    assert f"pip install {library}" in refused.value.hint


def test_every_axis_says_what_lies_along_it() -> None:
    assert {axis.name for axis in SMALL.axes} <= AXES.keys()
    assert all(AXES.values())


def test_every_outcome_of_the_model_has_a_name_for_people_of_its_own() -> None:
    labels = [label(outcome.name) for outcome in OUTCOMES]
    assert len(set(labels)) == len(labels)
    assert not any("_" in one or not one[0].isupper() for one in labels)
    assert NET.label == "Additional exports, net"
    assert label("what_nobody_knows_eur") == "What nobody knows"
