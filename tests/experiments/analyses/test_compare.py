"""A whole comparison on a toy with a known answer: paired, resumable, and the same whoever computes it."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passaat.errors import StudyError
from passaat.experiments.analyses.compare import INTERACTION, Comparison, compare
from passaat.experiments.analyses.equal_money import AMOUNT, THRESHOLD, Payment
from passaat.experiments.design.cells import world_seed
from passaat.experiments.design.comparison_plan import ComparisonPlan, runs_of_comparison
from passaat.experiments.design.policies import AMOUNT_LEVERS, Arm, in_window
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.export import runs_csv
from passaat.experiments.run.crew import RUNS_PER_CHUNK
from passaat.experiments.run.pump import default_workers
from passaat.experiments.run.runner import Progress
from passaat.experiments.stats.equal_money import MAX_EVALUATIONS, search_value
from passaat.experiments.study.study import Study
from passaat.model.inputs import RunInputs
from passaat.scenarios.scenario import Scenario


def small(
    pib: Scenario,
    options: list[Scenario],
    toy: Simulator,
    path: Path | None = None,
    *,
    workers: int = 1,
    draws: int = 6,
) -> Comparison:
    return compare(
        pib, options, draws=draws, worlds_per_draw=4, workers=workers, study_path=path, simulator=toy
    )


def option_of(**levers: float | bool) -> Scenario:
    """An option that moves these levers and nothing else."""
    why = {name: "For the test." for name in levers}
    return Scenario(name="made", title="made", kind="option", description="-", levers=levers, levers_why=why)


def exported(path: Path, toy: Simulator, pib: Scenario) -> str:
    with Study.open(path, toy, pib, 1) as study:
        return runs_csv(study)


# --- the answer ---------------------------------------------------------------------------------------------


def test_differences_match_runs_made_by_hand(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    """Mean difference and level from the definition, cell by cell, without any of the machinery."""
    result = small(pib, two_options, toy)
    strict, follow_up = (pib.with_option(option) for option in two_options)
    gaps, levels = [], []
    for draw, parameters in enumerate(toy.draw_parameters(6, 1)):
        for world in range(4):
            seed = world_seed(1, draw, world)
            base = toy.simulate(pib.inputs(parameters), seed)
            levels.append(base["contracts"])
            gaps.append(toy.simulate(follow_up.inputs(parameters), seed)["contracts"] - base["contracts"])
    assert strict.name == "pib+stricter-selection"
    found = result.options[1].as_it_stands.differences["contracts"]
    assert found.mean == pytest.approx(np.mean(gaps), rel=1e-12)
    assert found.pairs == 24
    assert result.levels["contracts"].mean == pytest.approx(np.mean(levels), rel=1e-12)


def test_additional_exports_are_against_the_same_world_without_programme(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    result = small(pib, two_options, toy)
    with_programme, without = result.levels["exports_members_eur"], result.no_programme["exports_members_eur"]
    added = result.levels["additional_exports_net_eur"].mean
    assert added == pytest.approx(with_programme.mean - without.mean, rel=1e-9)
    assert math.isnan(result.no_programme["additional_exports_net_eur"].mean)
    assert result.no_programme["public_cost_eur"].mean == 0.0


def test_net_exports_per_public_euro_are_a_ratio_of_means(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    """Per draw mean exports over mean cost, also where worlds spend nothing, and only worlds with both sides."""

    def simulate(inputs: RunInputs, seed: int) -> Any:
        run = toy.simulate(inputs, seed)
        return {**run, "public_cost_eur": run["public_cost_eur"] * (seed % 5 > 0)}

    calls = iter(range(10**6))

    def failing_once(inputs: RunInputs, seed: int) -> Any:
        if next(calls) == 3:  # the second option in the first cell
            raise RuntimeError("full")
        return simulate(inputs, seed)

    result = small(pib, two_options, replace(toy, simulate=failing_once))
    option = pib.with_option(two_options[1])
    without_cost = 0
    ratios: dict[str, list[float]] = {"reference": [], "paired reference": [], "option": []}
    for draw, parameters in enumerate(toy.draw_parameters(6, 1)):
        seeds = [world_seed(1, draw, world) for world in range(4)]
        without_cost += sum(seed % 5 == 0 for seed in seeds)
        for name, policy, worlds in (
            ("reference", pib, seeds),
            ("paired reference", pib, seeds[draw == 0 :]),
            ("option", option, seeds[draw == 0 :]),
        ):
            runs = [simulate(policy.inputs(parameters), seed) for seed in worlds]
            twins = [simulate(pib.without_programme().inputs(parameters), seed) for seed in worlds]
            gain = sum(
                r["exports_members_eur"] - t["exports_members_eur"] for r, t in zip(runs, twins, strict=True)
            )
            ratios[name].append(gain / sum(run["public_cost_eur"] for run in runs))
    name = "net_exports_per_public_euro"
    assert without_cost > 0
    assert result.levels[name].mean == pytest.approx(np.mean(ratios["reference"]))
    found = result.options[1].as_it_stands.differences[name]
    assert found.mean == pytest.approx(np.mean(ratios["option"]) - np.mean(ratios["paired reference"]))
    assert found.pairs == 23
    assert "over mean public_cost_eur" in result.outcome(name).meaning


def test_public_money_is_equal_in_every_draw(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    draws, worlds = 6, 4
    result = small(pib, two_options, toy)
    for option, scenario in zip(result.options, two_options, strict=True):
        equal = option.equal_money
        assert equal.reached
        assert equal.n_reached == draws
        for draw, parameters in enumerate(toy.draw_parameters(draws, 1)):
            seeds = [world_seed(1, draw, world) for world in range(worlds)]

            def cost(policy: Scenario, payment: Payment, of: Any = parameters, at: Any = seeds) -> float:
                inputs = payment.on(Arm.of(policy, "option", "-")).inputs(of)
                return float(sum(toy.simulate(inputs, seed)["public_cost_eur"] for seed in at))

            with_option = pib.with_option(scenario)
            reference = cost(pib, Payment())
            assert abs(cost(with_option, Payment()) / reference - 1.0) > 0.01
            ratio = cost(with_option, equal.payments[draw]) / reference
            assert ratio == pytest.approx(1.0, abs=0.01)
            assert equal.cost_ratios[draw] == pytest.approx(ratio, rel=1e-9)
    saver, spender = (np.array(option.equal_money.values(AMOUNT)) for option in result.options)
    assert (saver > 1.0).all()
    assert (spender < 1.0).all()
    assert len(set(saver)) > 1  # a factor for each draw, not one for all


def test_draws_that_do_not_come_to_equal_money_are_counted_and_left_out(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    """In one draw of twelve the option costs a hundred times as much, whatever it pays."""

    def simulate(inputs: RunInputs, seed: int) -> Any:
        run = toy.simulate(inputs, seed)
        dear = inputs.levers["follow_up_years"][-1] > 0 and inputs.parameters["gain"] == last
        return {**run, "public_cost_eur": 1e12 if dear else run["public_cost_eur"]}

    last = toy.draw_parameters(12, 1)[-1]["gain"]
    result = small(pib, two_options, replace(toy, simulate=simulate), draws=12).options[1]
    assert result.equal_money.reached
    assert (result.equal_money.n_reached, result.equal_money.reached_in[-1]) == (11, False)
    assert result.as_it_stands.differences["contracts"].pairs == 12 * 4
    assert result.at_equal_money.differences["contracts"].pairs == 11 * 4


def test_every_amount_is_scaled_and_no_ceiling(pib: Scenario) -> None:
    option = option_of(
        follow_up_eur_per_firm_year=3000, sme_travel_support_eur_year=500, follow_up_eur_per_cluster_year=100
    )
    arm = Arm.of(pib.with_option(option), "option", "made")
    before, after = arm.inputs({}), arm.at_factor(0.5).inputs({})
    halved = {
        name
        for name, values in after.levers.items()
        if not np.array_equal(values, before.levers[name])
        and np.array_equal(in_window(after, name), 0.5 * in_window(before, name))
    }
    assert halved == set(AMOUNT_LEVERS)
    others = set(before.levers) - halved
    assert all(np.array_equal(after.levers[name], before.levers[name]) for name in others)


def test_money_out_of_reach_is_said(pib: Scenario, toy: Simulator) -> None:
    """An option that selects almost nobody cannot spend the reference's money, whatever it pays them."""
    rare = option_of(selection_threshold_points=99.0, covenant_amount_eur=700_000)
    result = small(pib, [rare], toy).options[0]
    assert not result.equal_money.reached
    assert result.variant("at equal public money") is None
    assert "not reached in 6 of 6 draws through its public amounts" in result.equal_money.note
    assert "cheaper than the reference" in result.equal_money.note
    assert {payment.value for payment in result.equal_money.payments} == {2.8571}  # 2,000,000 of 700,000


def test_the_number_of_covenants_can_pay(pib: Scenario, two_options: list[Scenario], toy: Simulator) -> None:
    """A cheaper option lowers its threshold until money is equal; the toy knows no budget that could be cut."""
    result = compare(
        pib, two_options, draws=6, worlds_per_draw=8, simulator=toy, pay=("none", "covenants"), workers=1
    )
    saver, spender = result.options
    assert saver.equal_covenants.n_reached >= 5
    assert all(value < 60.0 for value in saver.equal_covenants.values(THRESHOLD))
    assert not spender.equal_covenants.reached
    assert "lower programme budget" in spender.equal_covenants.note
    assert saver.equal_money.note == spender.equal_money.note == "not asked for"
    assert result.monies == ("as it stands", "at equal public money through the number of covenants")
    assert "Selection threshold" in saver.assumed_levers


def test_cost_beside_effect_takes_no_search(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    path = tmp_path / "study.db"
    result = compare(pib, two_options, draws=3, simulator=toy, study_path=path, pay=["none"], workers=1)
    assert result.monies == ("as it stands",)
    assert {one.money for one in result.decisions} == {"as it stands"}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM arms WHERE amount_factor != 1.0").fetchone() == (0,)
    usual = small(pib, two_options, toy, draws=3)
    assert [one.as_it_stands.levels.keys() for one in result.options] == [
        one.as_it_stands.levels.keys() for one in usual.options
    ]


def test_an_unknown_way_of_paying_is_refused(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    with pytest.raises(StudyError, match="there is no way of paying called lottery") as refused:
        compare(pib, two_options, draws=3, simulator=toy, pay=["lottery"])
    assert "amount, none, covenants" in refused.value.hint
    with pytest.raises(StudyError, match="no way of paying"):
        compare(pib, two_options, draws=3, simulator=toy, pay=[])


def test_a_sign_that_turns_with_the_way_of_paying_is_flagged(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    result = small(pib, two_options, toy)
    for option in result.options:
        means = [
            variant.differences["additional_exports_net_eur"].mean
            for variant in (option.as_it_stands, option.at_equal_money)
        ]
        assert option.sign_turns == (min(means) < 0.0 < max(means))
    assert any(option.sign_turns for option in result.options)


# --- parts ----------------------------------------------------------------------------------------------------


def test_parts_alone_and_together_make_the_whole(pib: Scenario, toy: Simulator) -> None:
    """What each part changes alone, and what they do together, add up to what the option changes."""
    option = option_of(selection_threshold_points=65.0, covenant_amount_eur=500_000, follow_up_years=4)
    whole = Scenario(**{**dict(option), "parts": {"money": ("covenant_amount_eur", "follow_up_years")}})
    result = compare(
        pib, [whole], draws=5, worlds_per_draw=3, simulator=toy, parts_in_full=True, workers=1
    ).options[0]
    assert [part.name for part in result.parts] == ["money", "Selection threshold", INTERACTION]
    assert result.parts[0].levers == ("Amount per covenant", "Follow-up years")
    for name in ("contracts", "public_cost_eur"):
        summed = sum(part.differences[name].mean for part in result.parts)
        assert summed == pytest.approx(result.as_it_stands.differences[name].mean, rel=1e-9)
    alone = compare(pib, [whole.part("money")], draws=5, worlds_per_draw=3, simulator=toy, workers=1)
    found = alone.options[0].as_it_stands.differences["contracts"]
    assert result.parts[0].differences["contracts"] == replace(found, dots=())


def test_parts_meet_two_worlds_of_each_draw_unless_more_are_asked_for(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    path = tmp_path / "study.db"
    for in_full, worlds in ((False, 2), (True, 4)):
        result = compare(
            pib,
            two_options,
            draws=3,
            worlds_per_draw=4,
            simulator=toy,
            study_path=path,
            parts_in_full=in_full,
        )
        assert result.part_worlds == worlds
        assert all(part.differences["contracts"].pairs == 3 * worlds for part in result.options[0].parts)
        with closing(sqlite3.connect(path)) as db:
            (made,) = db.execute(
                "SELECT count(*) FROM runs JOIN arms USING (arm)"
                " WHERE role = 'part' AND name LIKE 'stricter-selection.%'"
            ).fetchone()
        assert made == 2 * 3 * worlds


def test_a_ratio_of_a_part_is_one_of_the_worlds_that_it_has_met(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    """On two worlds of eight both sides are means over the two."""
    eight = compare(pib, two_options, draws=5, worlds_per_draw=8, simulator=toy, workers=1)
    two = compare(pib, two_options, draws=5, worlds_per_draw=2, simulator=toy, workers=1)
    for one, other in zip(eight.options, two.options, strict=True):
        assert one.parts == other.parts
        assert "net_exports_per_public_euro" in one.parts[0].differences


def test_an_option_of_one_part_is_not_taken_apart(pib: Scenario, toy: Simulator) -> None:
    assert small(pib, [option_of(selection_threshold_points=60.0)], toy).options[0].parts == ()


def test_no_programme_costs_nothing_to_equalise(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    result = small(pib.without_programme(), two_options, toy)
    assert "spends no public money" in result.options[0].equal_money.note


def test_an_option_that_changes_nothing_differs_by_nothing(pib: Scenario, toy: Simulator) -> None:
    idle = option_of(liaison_replacement=True)
    found = small(pib, [idle], toy).options[0].as_it_stands.differences["contracts"]
    assert (found.mean, found.error, found.draws.low, found.worlds.high) == (0.0, 0.0, 0.0, 0.0)
    assert found.shares.same == 1.0


# --- who computes, and in what order, changes nothing -------------------------------------------------------


def test_workers_change_nothing(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    one = small(pib, two_options, toy, tmp_path / "one.db", workers=1)
    four = small(pib, two_options, toy, tmp_path / "four.db", workers=4)
    assert one.to_json() == four.to_json()
    assert exported(tmp_path / "one.db", toy, pib) == exported(tmp_path / "four.db", toy, pib)


def test_file_or_memory_changes_nothing(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    first = small(pib, two_options, toy, tmp_path / "study.db").to_json()
    assert small(pib, two_options, toy).to_json() == first


def test_json_holds_no_path_and_no_time(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    text = small(pib, two_options, toy, tmp_path / "study.db").to_json()
    assert str(tmp_path) not in text
    assert "study.db" not in text
    content = json.loads(text)
    assert content["reference"] == "pib"
    assert content["drawn_from"] == "prior ranges, uncalibrated"
    assert content["design"] == {"draws": 6, "worlds": 4, "seed": 1}
    assert [option["name"] for option in content["options"]] == ["stricter-selection", "follow-up"]
    assert content["no_programme"]["additional_exports_net_eur"]["mean"] is None


def test_the_model_itself_is_compared_the_same_by_one_worker_and_by_two(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario]
) -> None:
    """The real thing, small: equal bytes, real parameters in the file, and the stored run is the run
    itself.
    """
    from passaat.model.engine import compiled
    from passaat.model.engine.judging import outcomes_of
    from passaat.model.outcomes import OUTCOMES

    texts, files = [], []
    drawn: dict[str, float] = {}
    row: tuple[float, ...] = ()
    for workers in (1, 2):
        path = tmp_path / f"{workers}.db"
        found = compare(pib, two_options[1:], draws=2, worlds_per_draw=2, workers=workers, study_path=path)
        texts.append(found.to_json())
        with closing(sqlite3.connect(path)) as db:
            files.append(db.execute("SELECT * FROM runs ORDER BY arm, draw, world").fetchall())
            drawn = dict(db.execute("SELECT name, value FROM parameters WHERE base = 1"))
            row = db.execute(
                "SELECT world_seed, contracts, additional_exports_net_eur FROM runs JOIN arms USING (arm)"
                " WHERE role = 'reference' AND draw = 1 AND world = 0"
            ).fetchone()
    assert texts[0] == texts[1]
    assert files[0] == files[1]
    run = compiled.simulate(pib.inputs(drawn), int(row[0]))
    twin = compiled.simulate(pib.without_programme().inputs(drawn), int(row[0]))
    names = [outcome.name for outcome in OUTCOMES]
    again = dict(zip(names, outcomes_of(run, twin).tolist(), strict=True))
    assert row[1:] == (again["contracts"], again["additional_exports_net_eur"])


# --- interruption and resumption ----------------------------------------------------------------------------


def counting(toy: Simulator, stop_after: int | None = None) -> tuple[Simulator, list[int]]:
    """A simulator that counts its runs, and that Ctrl-C hits after some of them."""
    runs: list[int] = []

    def simulate(inputs: RunInputs, seed: int) -> Any:
        runs.append(seed)
        if stop_after is not None and len(runs) > stop_after:
            raise KeyboardInterrupt
        return toy.simulate(inputs, seed)

    return replace(toy, simulate=simulate), runs


@pytest.mark.parametrize("stop_after", [1, 30, 75, 130, 200])
def test_interrupted_and_resumed_is_the_same_study(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator, stop_after: int
) -> None:
    whole, resumed = tmp_path / "whole.db", tmp_path / "resumed.db"
    expected = small(pib, two_options, toy, whole).to_json()

    broken, _ = counting(toy, stop_after)
    with pytest.raises(KeyboardInterrupt):
        small(pib, two_options, broken, resumed)
    if (
        not resumed.exists()
    ):  # no chunk was finished, so nothing is left; how many runs that takes, threads decide
        assert stop_after < RUNS_PER_CHUNK * (default_workers() + 1)
        return
    assert stop_after > 1
    with closing(sqlite3.connect(resumed)) as db:
        state = db.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
        done = db.execute("SELECT count(*) FROM runs WHERE status = 'done'").fetchone()[0]
    assert state == ("incomplete",)
    assert done < stop_after

    assert small(pib, two_options, toy, resumed).to_json() == expected
    assert exported(resumed, toy, pib) == exported(whole, toy, pib)


def test_ctrl_c_in_the_waiting_thread_stops_at_once(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    simulator, runs = counting(toy)

    def interrupt(progress: Progress) -> None:
        if progress.done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(
            pib, two_options, draws=60, worlds_per_draw=8, workers=2, study_path=tmp_path / "s.db",
            simulator=simulator, progress=interrupt,
        )  # fmt: skip
    assert len(runs) < 480


def test_repeating_runs_nothing_again(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    path = tmp_path / "study.db"
    first = small(pib, two_options, toy, path).to_json()
    simulator, runs = counting(toy)
    assert small(pib, two_options, simulator, path).to_json() == first
    assert runs == []


def test_an_option_draws_or_worlds_can_be_added_later(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    path = tmp_path / "study.db"
    small(pib, two_options[:1], toy, path, draws=4)
    assert small(pib, two_options, toy, path).to_json() == small(pib, two_options, toy).to_json()


def test_more_draws_leave_the_first_ones_as_they_are() -> None:
    """The model's parameters, drawn evenly in blocks: 7 of 25 are the first 7 of 12, and a block covers
    each range.
    """
    from passaat.experiments.design.basis import in_blocks
    from passaat.model.parameters import PARAMETERS, draw_parameters

    draws = in_blocks(draw_parameters)
    assert draws(25, 1)[:7] == draws(12, 1)[:7]
    assert len(draws(25, 1)) == 25
    assert draws(10, 1) != draws(10, 2)
    name = next(n for n, p in PARAMETERS.items() if p.shape == "uniform")
    low, high = PARAMETERS[name].minimum, PARAMETERS[name].maximum
    strata = {int(10 * (one[name] - low) / (high - low)) for one in draws(20, 1)[10:]}
    assert strata == set(range(10))


# --- failures -----------------------------------------------------------------------------------------------


def failing(toy: Simulator, which: Iterator[bool]) -> Simulator:
    def simulate(inputs: RunInputs, seed: int) -> Any:
        if next(which):
            raise RuntimeError("the table of clusters is full")
        return toy.simulate(inputs, seed)

    return replace(toy, simulate=simulate)


def test_a_failed_run_is_a_record_and_its_pair_drops_out(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    """The third run of the first cell is the first option's: one pair fewer there, none fewer in the other
    option.
    """
    path = tmp_path / "study.db"
    result = small(pib, two_options, failing(toy, (i == 2 for i in range(10**6))), path)
    (failure,) = [f for f in result.failures if f.amount_factor == 1.0]
    assert (failure.option, failure.draw, failure.world) == ("stricter-selection", 0, 0)
    assert failure.reason == "RuntimeError: the table of clusters is full"
    assert result.options[0].as_it_stands.differences["contracts"].pairs == 23
    assert result.options[1].as_it_stands.differences["contracts"].pairs == 24


def test_a_failed_twin_fails_its_cell_with_its_reason(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    result = small(pib, two_options, failing(toy, (i == 0 for i in range(10**6))))
    reasons = {f.reason for f in result.failures if f.option in ("pib", "follow-up")}
    assert reasons == {"its world without programme failed: RuntimeError: the table of clusters is full"}


def test_a_policy_whose_runs_all_fail_is_refused(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    with pytest.raises(
        StudyError,
        match=r"all 24 runs of pib and of stricter-selection and of follow-up failed; the first: .*of clusters is full",
    ):
        small(pib, two_options, failing(toy, (True for _ in iter(int, 1))))


def test_a_new_study_without_any_result_is_removed_again_and_an_old_one_stays(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    broken = failing(toy, (True for _ in iter(int, 1)))
    with pytest.raises(StudyError, match="all 24 runs"):
        small(pib, two_options, broken, tmp_path / "study.db")
    assert list(tmp_path.iterdir()) == []
    small(pib, two_options[:1], toy, tmp_path / "study.db")
    before = exported(tmp_path / "study.db", toy, pib)
    with pytest.raises(StudyError, match="all 24 runs of follow-up failed"):
        small(pib, two_options, broken, tmp_path / "study.db")
    assert exported(tmp_path / "study.db", toy, pib).splitlines()[1] in before.splitlines()


def test_a_study_stopped_before_its_first_result_is_removed_again(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(pib, two_options, draws=2, study_path=tmp_path / "a.db", simulator=toy, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_seed_that_does_not_fit_is_refused() -> None:
    from passaat.experiments.design.cells import Design

    assert Design(seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(
        StudyError, match="seed = 9223372036854775808: a whole number from 0 to 9223372036854775807"
    ):
        Design(seed=2**63)


def test_nothing_to_compare_and_twice_the_same_are_refused(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    with pytest.raises(StudyError, match="no option given"):
        small(pib, [], toy)
    with pytest.raises(StudyError, match="option follow-up is given 2 times"):
        small(pib, [two_options[1], two_options[1]], toy)


def test_an_unwritable_path_is_refused_before_any_run(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    simulator, runs = counting(toy)
    with pytest.raises(StudyError, match="does not exist"):
        small(pib, two_options, simulator, tmp_path / "nowhere" / "study.db")
    assert runs == []


def test_an_unwritable_path_is_refused_before_the_model_is_compiled(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiling(*_: object, **__: object) -> Simulator:
        raise AssertionError("the model was asked for first")

    monkeypatch.setattr("passaat.experiments.analyses.compare.the_model", compiling)
    with pytest.raises(StudyError, match="does not exist"):
        compare(pib, two_options, study_path=tmp_path / "nowhere" / "study.db")


def test_a_study_belongs_to_how_outcomes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fingerprint changes when the same runs are judged otherwise."""
    from passaat.experiments.design.simulator import behaviour_of_model
    from passaat.model.engine import judging

    before, counted = behaviour_of_model(), judging.outcomes_of
    monkeypatch.setattr(judging, "outcomes_of", lambda run, twin: 1.01 * counted(run, twin))
    assert behaviour_of_model() != before


def test_progress_counts_every_run(pib: Scenario, two_options: list[Scenario], toy: Simulator) -> None:
    seen: list[Progress] = []
    compare(pib, two_options, draws=6, worlds_per_draw=4, workers=2, simulator=toy, progress=seen.append)
    stages = list(dict.fromkeys(p.stage for p in seen))
    assert stages[0] == "options as they stand"
    for stage in stages:
        steps = [p for p in seen if p.stage == stage]
        assert steps[0].done == 0
        assert steps[-1].done == steps[-1].total
    assert seen[0].total == 4 * 24


# --- the search for equal money -----------------------------------------------------------------------------


def search(cost: Any, low: float, high: float, slope: float = 1.0) -> tuple[float, int]:
    """Value found and evaluations used, for a cost relative to the reference as a function of the value."""
    steps, used = search_value({1.0: cost(1.0) - 1.0}, slope, low, high, 4), 0
    try:
        value = next(steps)
        while True:
            used += 1
            value = steps.send(cost(value) - 1.0)
    except StopIteration as end:
        return float(end.value), used


@pytest.mark.parametrize(
    ("cost", "truth", "most"),
    [
        (lambda k: 0.5 * k, 2.0, 2),
        (lambda k: 0.6 + 0.8 * k, 0.5, 2),
        (lambda k: 1.7 * k * k, math.sqrt(1 / 1.7), 5),
        (lambda k: 0.2 + 0.9 * math.sqrt(k), (0.8 / 0.9) ** 2, 4),
        (lambda k: 1.0, 1.0, 0),
    ],
)
def test_search_finds_a_known_value(cost: Any, truth: float, most: int) -> None:
    value, used = search(cost, 0.0, 5.0)
    assert cost(value) == pytest.approx(1.0, abs=0.002)
    assert value == pytest.approx(truth, rel=0.02)
    assert used <= most


def test_search_finds_a_value_that_makes_dearer_by_falling() -> None:
    value, used = search(lambda k: 1.8 - k, 0.0, 5.0, slope=-0.5)
    assert value == pytest.approx(0.8, abs=0.002)
    assert used <= 3


def test_search_stops_at_the_bound_it_cannot_pass() -> None:
    assert search(lambda k: 0.1 * k, 0.0, 4.0)[0] == 4.0
    value, used = search(lambda k: 2.0 + 0.1 * k, 0.0, 4.0)
    assert value == 0.0
    assert used <= MAX_EVALUATIONS


def test_search_copes_with_a_cost_that_jumps() -> None:
    """Whole covenants: cost moves in steps of 5 per cent; the best step is found and the search ends."""
    value, used = search(lambda k: math.floor(20 * 0.7 * k) / 20, 0.0, 5.0)
    assert math.floor(14 * value) == 20
    assert used <= MAX_EVALUATIONS


def test_the_queries_in_the_documentation_work(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    path = tmp_path / "study.db"
    result = small(pib, two_options, toy, path)
    page = (Path(__file__).parents[3] / "docs" / "comparisons.md").read_text(encoding="utf-8")
    queries = page.split("```sql")[1].split("```")[0].split(";")[:-1]
    assert len(queries) == 4
    with closing(sqlite3.connect(path)) as db:
        *_, by_draw = [db.execute(query).fetchall() for query in queries]
    mean = sum(difference for _, difference in by_draw) / len(by_draw)
    assert mean == pytest.approx(result.options[1].as_it_stands.differences["contracts"].mean)


def test_the_documentation_states_the_default_size() -> None:
    from passaat.experiments.design.cells import DEFAULT_DRAWS, DEFAULT_WORLDS

    page = (Path(__file__).parents[3] / "docs" / "comparisons.md").read_text(encoding="utf-8")
    assert f"{DEFAULT_DRAWS} × {DEFAULT_WORLDS} = {DEFAULT_DRAWS * DEFAULT_WORLDS} paired worlds" in page


def test_the_number_of_runs_is_foretold_between_its_least_and_its_most(
    tmp_path: Path, toy: Simulator, pib: Scenario, two_options: list[Scenario]
) -> None:
    asked = ComparisonPlan(pib, tuple(two_options), 4, 3, 1, False)
    foretold = runs_of_comparison(asked)
    assert foretold.of_parts == 4 * 2 * 4
    assert foretold.least == 4 * 3 * (2 + 2) + foretold.of_parts
    assert foretold.least < foretold.expected < foretold.most
    path = tmp_path / "study.db"
    compare(pib, two_options, draws=4, worlds_per_draw=3, study_path=path, simulator=toy)
    with closing(sqlite3.connect(path)) as db:
        (made,) = db.execute("SELECT count(*) FROM runs").fetchone()
    assert foretold.least <= made <= foretold.most
    assert runs_of_comparison(replace(asked, options=())).most == 4 * 3 * 2
    alone = runs_of_comparison(replace(asked, pay=("none",), parts_in_full=True))
    assert alone.least == alone.most == 4 * 3 * (2 + 2 + 4)
    assert set(alone.without_parts.counts) == {4 * 3 * (2 + 2), 0}
