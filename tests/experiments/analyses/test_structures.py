"""Rival structures: what the reported figures say about them, and whether answers hold under them.

Scores and verdicts are worked out by hand; what runs is a toy, or a few worlds of the model. Nothing here rests on
how large the effect of a structure is.
"""

from __future__ import annotations

import csv
import io
import json
import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import binom, poisson

from passaat.calibration import scorecard as scorecard_module
from passaat.calibration.structures import (
    FLOOR,
    THRESHOLD,
    Score,
    StructureCards,
    score_of,
    validate_structures,
    verdict_on,
)
from passaat.calibration.targets import Figure, figures, plausibility
from passaat.errors import EvidenceError, StudyError
from passaat.experiments.analyses.bench import REFERENCE, Values
from passaat.experiments.analyses.compare import compare
from passaat.experiments.analyses.structures import (
    Ranking,
    StructureComparison,
    compare_structures,
    ranking_of,
    with_structures,
)
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.structures import structures_report
from passaat.experiments.reports.terminal import print_report
from passaat.experiments.results.outcomes import OutcomeInfo
from passaat.experiments.run.runner import Progress
from passaat.model.inputs import STRUCTURES, RunInputs
from passaat.scenarios.rivals import MEANINGS, OWN, own_in_words, structures_of
from passaat.scenarios.scenario import Scenario

RIVALS = ["bottlenecks=sum", "network=none", "selection=random", "support=none"]


# --- which structures -----------------------------------------------------------------------------------


def test_each_switch_is_moved_alone_and_the_reference_comes_first(pib: Scenario) -> None:
    found = structures_of(pib)
    assert list(found) == [OWN, *RIVALS]
    assert found[OWN] is pib
    for name in RIVALS:
        switch, _, value = name.partition("=")
        assert found[name].structure.model_dump() == {**pib.structure.model_dump(), switch: value}
    assert len({scenario.hash for scenario in found.values()}) == len(found), "no two share stored runs"


def test_a_reference_with_a_rival_structure_is_the_start_itself(pib: Scenario) -> None:
    other = pib.with_structure(selection="random")
    assert list(structures_of(other)) == [OWN, RIVALS[0], RIVALS[1], "selection=scored", RIVALS[3]]
    assert structures_of(other)["selection=scored"].hash == pib.hash
    assert own_in_words(pib) == "the model's own structure"
    assert own_in_words(other) == "the structure of pib"


def test_every_value_of_every_switch_is_explained() -> None:
    assert set(MEANINGS) == {f"{switch}={value}" for switch, values in STRUCTURES.items() for value in values}


# --- plausibility ---------------------------------------------------------------------------------------


def figure(**changes: Any) -> Figure:
    plain = Figure(
        name="x",
        label="x",
        pattern="P1",
        role="target",
        form="count",
        unit="clusters",
        rows=("clusters_started_2016",),
        reported=10.0,
        low=5.0,
        high=18.0,
        n=0,
        census=True,
        inferred=False,
        set_by=(),
        why="",
    )
    return replace(plain, **changes)


def plausible(of: Figure, *values: float) -> list[float]:
    return [float(value) for value in plausibility(of, np.array(values))]


def test_a_count_is_as_plausible_as_poisson_has_it() -> None:
    found = plausible(figure(), 10.0, 14.0, 0.0, math.nan)
    expected = [poisson.pmf(10, rate) / poisson.pmf(10, 10) for rate in (10.0, 14.0, 0.5)]
    assert found == pytest.approx([*expected, 0.0])
    assert found[0] == 1.0


def test_a_share_is_as_plausible_as_the_binomial_has_it() -> None:
    share = figure(form="binomial", unit="share", reported=0.25, low=0.13, high=0.42, n=32)
    expected = [binom.pmf(8, 32, p) / binom.pmf(8, 32, 0.25) for p in (0.25, 0.4, 0.5 / 32, 31.5 / 32)]
    assert plausible(share, 0.25, 0.4, 0.0, 1.0) == pytest.approx(expected)


def test_a_mean_a_sum_and_a_top_share_fall_off_with_their_interval() -> None:
    """At either end of a 95 % interval around the value, exp(-1.96^2 / 2) of the likelihood at its centre is left."""
    end = math.exp(-(1.959963984540054**2) / 2)
    mean = figure(form="mean", reported=100.0, low=80.0, high=120.0)
    assert plausible(mean, 100.0, 80.0, 120.0) == pytest.approx([1.0, end, end])
    total = figure(form="sum", reported=100.0, low=25.0, high=400.0)
    assert plausible(total, 100.0, 25.0, 400.0, 0.0) == pytest.approx([1.0, end, end, 0.0])
    top = figure(form="top_share", reported=0.7, low=0.6, high=0.8)
    assert plausible(top, 0.7, 0.8) == pytest.approx([1.0, end])


def test_words_are_plausible_or_not_and_ends_of_ranges_have_no_chance() -> None:
    words = figure(form="ordinal", reported=math.nan, low=0.5, high=1.0)
    assert plausible(words, 0.5, 0.7, 0.4, math.nan) == [1.0, 1.0, 0.0, 0.0]
    assert np.isnan(plausible(figure(form="range_end", low=math.nan, high=math.nan), 3.0)).all()


@pytest.mark.parametrize("of", figures(), ids=lambda one: one.name)
def test_every_reported_figure_is_most_plausible_where_it_is_met(of: Figure) -> None:
    if of.form == "range_end":
        return
    met = (of.low + of.high) / 2 if math.isnan(of.reported) else of.reported
    found = plausible(of, met, 0.5 * met, 0.0, math.nan)
    assert found[0] == pytest.approx(1.0, abs=1e-9)
    assert all(0.0 <= value <= 1.0 for value in found)
    assert found[-1] == 0.0


# --- scores and verdicts --------------------------------------------------------------------------------


def test_the_score_is_the_mean_over_figures_of_the_log_of_the_mean_over_worlds() -> None:
    own = np.array([[[1.0, 0.5], [0.5, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    rival = np.array([[[0.5, 0.5], [0.5, 0.5]], [[1.0, 1.0], [math.nan, 1.0]]])
    score = score_of(rival, own)
    assert score.mean == pytest.approx((math.log(0.5) + 0.0) / 2)
    assert score.behind == pytest.approx((0.0 + math.log(FLOOR)) / 2)
    assert score.figures == 2
    left_out = [(math.log(0.25) + math.log(FLOOR)) / 2, (math.log(0.75) + math.log(FLOOR)) / 2]
    middle = sum(left_out) / 2
    by_hand = math.sqrt(0.5 * sum((value - middle) ** 2 for value in left_out))
    assert score_of(own, own).error == pytest.approx(by_hand)
    assert score_of(own, own).behind == score_of(own, own).behind_error == 0.0


def test_the_error_of_a_score_is_about_how_far_scores_of_other_draws_lie() -> None:
    generator = np.random.default_rng(3)
    studies = generator.uniform(0.0, 1.0, (400, 3, 30, 2)) * generator.uniform(0.2, 1.0, (400, 1, 30, 1))
    scores = [score_of(one, one) for one in studies]
    assert np.mean([s.error for s in scores]) == pytest.approx(np.std([s.mean for s in scores]), rel=0.15)


@pytest.mark.parametrize(
    ("behind", "error", "scatter", "says"),
    [
        (0.0, 0.0, 0.0, "cannot tell apart"),
        (0.5, 0.1, 0.1, "speak against"),
        (-0.5, 0.1, 0.1, "favour"),
        (0.5, 0.3, 0.1, "cannot tell apart"),
        (0.5, 0.1, 0.3, "cannot tell apart"),
        (0.9 * THRESHOLD, 0.0, 0.0, "cannot tell apart"),
        (-0.9 * THRESHOLD, 0.0, 0.0, "cannot tell apart"),
    ],
)
def test_the_verdict_follows_the_rule(behind: float, error: float, scatter: float, says: str) -> None:
    assert verdict_on(Score(-1.0, 0.1, behind, error, scatter, 42)).says == says


# --- the scorecard under structures ---------------------------------------------------------------------


@dataclass(frozen=True)
class ToyWorld:
    """A run is what is known of it; the observation, replaced below, makes figures of it."""

    def simulate(self, inputs: RunInputs, seed: int) -> Any:
        return inputs, seed

    def draw_parameters(self, n: int, seed: int) -> Sequence[Mapping[str, float]]:
        return [{"step_success": 0.7 + (draw + 0.5) / n} for draw in range(n)]


Observer = Callable[[Callable[[RunInputs], float]], ToyWorld]


@pytest.fixture
def observer(monkeypatch: pytest.MonkeyPatch) -> Observer:
    """Every figure is observed as reported x a factor of the inputs' choosing x some luck."""

    def of(factor: Callable[[RunInputs], float]) -> ToyWorld:
        def observe(run: tuple[RunInputs, int], unknowns: Mapping[str, float]) -> dict[str, float]:
            inputs, seed = run
            size = factor(inputs) * (1.0 + (seed % 1000 - 500) / 10_000)
            met = {
                f.name: 0.5 * (f.low + f.high) if math.isnan(f.reported) else f.reported for f in figures()
            }
            return {name: value * size for name, value in met.items()}

        monkeypatch.setattr(scorecard_module, "observe", observe)
        return ToyWorld()

    return of


def cards(pib: Scenario, toy: ToyWorld, **changes: Any) -> StructureCards:
    settings = {"draws": 4, "worlds_per_draw": 2, "central_worlds": 2, "simulator": toy, **changes}
    return validate_structures(pib, **settings)


def test_figures_speak_against_a_rival_that_misses_them_and_for_one_that_meets_them(
    pib: Scenario, observer: Observer
) -> None:
    def factor(inputs: RunInputs) -> float:
        return 0.5 if inputs.structure.support == "none" else 1.0

    found = cards(pib, observer(factor))
    assert {name: verdict.says for name, verdict in found.verdicts.items()} == {
        **dict.fromkeys(RIVALS[:3], "cannot tell apart"),
        "support=none": "speak against",
    }
    turned = cards(pib, observer(lambda inputs: 1.5 - factor(inputs)))
    assert turned.verdicts["support=none"].says == "favour"
    sentence = turned.sentence("support=none")
    assert "these data favour it over the model's own structure" in sentence


def test_structures_meet_the_same_worlds_so_equal_rules_give_equal_scores(
    pib: Scenario, observer: Observer
) -> None:
    found = cards(pib, observer(lambda inputs: 0.8))
    for name in RIVALS:
        assert found.cards[name].lines == found.cards[OWN].lines
        assert (found.targets[name].behind, found.targets[name].behind_error) == (0.0, 0.0)
        assert found.verdicts[name].reason == "every score is the same"


def test_the_text_shows_structures_side_by_side_with_rule_and_caution(
    pib: Scenario, observer: Observer
) -> None:
    found = cards(pib, observer(lambda inputs: 0.4))
    out = io.StringIO()
    Console(file=out, width=170, no_color=True).print(found.table())
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 104
    assert " !" in text
    for words in ("own", "bottlenecks", "= random", "Score on targets", "Targets inside"):
        assert words in text
    summary = "\n".join(found.summary())
    for words in (
        "tuned by hand under the model's own structure, which favours it",
        "rule: the data speak only if",
        "from their stated ranges (not calibrated)",
        "The posterior is not used here",
    ):
        assert words in summary
    for name in RIVALS:
        assert sum(line.startswith(f"{name} (") for line in found.summary()) == 1


def test_the_json_is_strict_and_holds_every_scorecard(pib: Scenario, observer: Observer) -> None:
    found = cards(pib, observer(lambda inputs: 0.8))
    data = json.loads(found.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert list(data["structures"]) == [OWN, *RIVALS]
    for name, card in found.cards.items():
        assert data["structures"][name]["scorecard"] == json.loads(card.to_json())
    assert data["structures"][OWN]["verdict"] is None
    assert found.to_json() == cards(pib, observer(lambda inputs: 0.8), workers=1).to_json()


def test_progress_names_the_structure(pib: Scenario, observer: Observer) -> None:
    told: list[tuple[str, int, int]] = []
    cards(pib, observer(lambda inputs: 1.0), progress=lambda *step: told.append(step))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == [OWN, *RIVALS]
    assert [done for _, done, total in told if done == total] == [10] * 5


def test_one_draw_gives_no_error_and_is_refused(pib: Scenario, observer: Observer) -> None:
    with pytest.raises(EvidenceError, match="draws = 1: at least 2 are needed"):
        cards(pib, observer(lambda inputs: 1.0), draws=1)


def test_a_few_worlds_of_the_model_are_scored_under_every_structure(pib: Scenario) -> None:
    found = validate_structures(pib, draws=2, worlds_per_draw=1, central_worlds=1)
    assert all(card.failures == () for card in found.cards.values())
    assert all(math.isfinite(score.mean) and score.mean < 0.0 for score in found.targets.values())
    assert set(found.verdicts) == set(RIVALS)


# --- the comparison under structures --------------------------------------------------------------------


def ranking(
    better: Any = "higher", money: Any = "as it stands", **values: Mapping[str, Sequence[float]]
) -> Ranking:
    """The ranking of policies whose values, one world of luck around each, are given by structure."""
    luck = np.array([[-1.0, 1.0], [1.0, -1.0], [0.5, -0.5]])
    scatter = np.array([[-0.1], [0.0], [0.1]])
    arrays: dict[str, Values] = {
        structure.replace("__", "="): {
            policy: {"as it stands": {"x": one[0] + luck + (place * one[1]) * scatter}}
            for place, (policy, one) in enumerate(policies.items())
        }
        for structure, policies in values.items()
    }
    return ranking_of(OutcomeInfo("x", "", "x", better), money, arrays)


BASE = {REFERENCE: (0.0, 1.0), "a": (5.0, 1.0), "b": (2.0, 1.0)}


def test_clear_orders_are_kept_reversed_or_no_longer_clear() -> None:
    found = ranking(
        own=BASE,
        kept={**BASE, "a": (50.0, 1.0)},
        turned={**BASE, "a": (1.0, 1.0)},
        blurred={**BASE, "b": (2.0, 900.0)},
        gone={REFERENCE: (0.0, 1.0), "a": (5.0, 1.0)},
    )
    assert found.orders["own"] == ("a", "b", REFERENCE)
    assert found.orders["turned"] == ("b", "a", REFERENCE)
    assert {(pair.ahead, pair.behind) for pair in found.pairs} == {
        ("a", REFERENCE),
        ("b", REFERENCE),
        ("a", "b"),
    }
    assert found.holds == {
        "kept": "holds",
        "turned": "flips",
        "blurred": "less clear",
        "gone": "less clear",
    }
    assert found.flipped_by == ("turned",)
    (turned,) = [pair for pair in found.pairs if pair.gains["turned"].state == "reversed"]
    assert (turned.ahead, turned.behind) == ("a", "b")
    assert turned.gains["own"].mean == pytest.approx(3.0, abs=0.5)
    assert turned.gains["turned"].mean == pytest.approx(-1.0, abs=0.5)


def test_lower_is_better_where_it_is() -> None:
    found = ranking("lower", own=BASE, same=BASE)
    assert found.orders["own"] == (REFERENCE, "b", "a")
    assert {(pair.ahead, pair.behind) for pair in found.pairs} >= {(REFERENCE, "a"), ("b", "a")}
    assert found.holds == {"same": "holds"}


def test_equal_policies_are_no_pair_and_leave_nothing_to_hold() -> None:
    same = {REFERENCE: (0.0, 0.0), "a": (0.0, 0.0)}
    found = ranking(own=same, other=BASE)
    assert found.pairs == ()
    assert found.holds == {"other": "nothing clear"}


def turning(toy: Simulator) -> Simulator:
    """The toy, in which follow-up does harm where support is none and much good elsewhere."""

    def simulate(inputs: RunInputs, seed: int) -> Any:
        run = toy.simulate(inputs, seed)
        year = inputs.size.window_first_year - inputs.size.first_year
        helped = inputs.levers["follow_up_years"][year] > 0
        if inputs.structure.support == "none" and helped:
            return {**run, "contracts": 0.5 * run["contracts"]}
        if helped:
            return {**run, "contracts": 2.0 * run["contracts"]}
        return run

    return replace(toy, simulate=simulate)


def under(
    pib: Scenario, options: list[Scenario], simulator: Simulator, path: Path | None = None, **changes: Any
) -> StructureComparison:
    settings = {"draws": 6, "worlds_per_draw": 4, "workers": 1, "study_path": path, "simulator": simulator}
    return compare_structures(pib, options, **{**settings, **changes})


def test_the_own_structure_gives_the_main_comparison_and_equal_rules_equal_answers(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    main = compare(pib, two_options, draws=6, worlds_per_draw=4, workers=1, simulator=toy)
    found = under(pib, two_options, toy)
    assert list(found.comparisons) == [OWN, *RIVALS]
    whole = tuple(replace(option, parts=()) for option in main.options)
    assert found.comparisons[OWN].to_json() == replace(main, decisions=(), options=whole).to_json()
    for rival in RIVALS:
        # As text, every digit of it: since Python 3.13 a dataclass with a nan in it does not equal itself.
        assert repr(found.comparisons[rival].options) == repr(whole)
        assert found.comparisons[rival].reference_hash != main.reference_hash
    assert all(says in ("holds", "nothing clear") for one in found.rankings for says in one.holds.values())
    assert {one.outcome for one in found.rankings} == {o.name for o in main.outcomes if o.better != "neither"}


def test_a_switch_that_turns_a_ranking_is_named(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    found = under(pib, two_options, turning(toy))
    (contracts,) = [r for r in found.rankings if (r.outcome, r.money) == ("contracts", "as it stands")]
    assert contracts.flipped_by == ("support=none",)
    assert contracts.orders[OWN][0] == "follow-up"
    assert contracts.orders["support=none"][-1] == "follow-up"
    out = io.StringIO()
    print_report(structures_report(found), Console(file=out, width=170, no_color=True))
    text = " ".join(out.getvalue().split())
    assert max(map(len, out.getvalue().splitlines())) <= 104
    assert "FLIPS" in text
    assert "Contracts, as it stands: follow-up is ahead of the reference by" in text
    assert "Switches that turn a ranking shown round: support=none." in text


def test_runs_of_all_structures_are_kept_in_the_study_and_used_again(
    tmp_path: Path, pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    calls: list[int] = []

    def simulate(inputs: RunInputs, seed: int) -> Any:
        calls.append(seed)
        return toy.simulate(inputs, seed)

    counting = replace(toy, simulate=simulate)
    path = tmp_path / "study.db"
    compare(pib, two_options, draws=6, worlds_per_draw=4, workers=1, study_path=path, simulator=counting)
    main = len(calls)
    first = under(pib, two_options, counting, path)
    each = main - 5 * 6 * 2  # parts, four with the world without programme, run under the own structure alone
    assert len(calls) == main + 4 * each, "four rivals; the own structure was there already"
    again = under(pib, two_options, counting, path)
    assert len(calls) == main + 4 * each
    assert again.to_csv() == first.to_csv()
    with closing(sqlite3.connect(path)) as db:
        roles = dict(db.execute("SELECT role, count(*) FROM arms GROUP BY role"))
        names = {name for (name,) in db.execute("SELECT name FROM arms")}
        hashes = [row for row in db.execute("SELECT DISTINCT scenario_hash FROM arms")]
    assert (roles["reference"], roles["rival-reference"], roles["no-programme"]) == (1, 4, 5)
    assert {"follow-up", "follow-up [support=none]", "pib [network=none]"} <= names
    assert len(hashes) == 5 * 4 + 4


def test_the_csv_and_the_json_hold_every_structure(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    found = under(pib, two_options, turning(toy))
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert {row["structure"] for row in rows} == {OWN, *RIVALS}
    chosen = {
        (row["structure"], row["option"]): row
        for row in rows
        if (row["outcome"], row["money"]) == ("contracts", "as it stands")
    }
    assert len(chosen) == 5 * 2
    assert chosen["support=none", "follow-up"]["ranking"] == "flips"
    assert (chosen[OWN, "follow-up"]["rank"], chosen[OWN, "follow-up"]["ranked_policies"]) == ("1", "3")
    expected = found.comparisons[OWN].options[1].as_it_stands.differences["contracts"].mean
    assert float(chosen[OWN, "follow-up"]["difference"]) == pytest.approx(expected)
    text = with_structures(found.comparisons[OWN], found)
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert data["reference"] == "pib"
    assert list(data["structures"]["comparisons"]) == [OWN, *RIVALS]
    assert ["support=none"] in [one["flipped_by"] for one in data["structures"]["rankings"]]


def test_progress_of_a_comparison_names_the_structure(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    seen: list[Progress] = []
    under(pib, two_options, toy, progress=seen.append)
    assert list(dict.fromkeys(step.stage.partition(":")[0] for step in seen)) == [OWN, *RIVALS]


def test_one_draw_cannot_rank_and_nothing_to_compare_is_refused(
    pib: Scenario, two_options: list[Scenario], toy: Simulator
) -> None:
    with pytest.raises(StudyError, match="draws per structure = 1: at least 2"):
        under(pib, two_options, toy, draws=1)
    with pytest.raises(StudyError, match="no option given"):
        under(pib, [], toy)


def test_the_model_is_compared_under_every_structure(pib: Scenario, two_options: list[Scenario]) -> None:
    found = compare_structures(pib, two_options[:1], draws=2, worlds_per_draw=2)
    assert not any(one.failures for one in found.comparisons.values())
    assert len({one.reference_hash for one in found.comparisons.values()}) == 5
