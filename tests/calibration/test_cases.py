"""The case studies: coded blind, refused when wrong, set in the world as coded, held against verdicts by rank."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passaat.calibration import cases as case_worlds
from passaat.calibration.case_files import (
    CASES_FOLDER,
    VERDICTS,
    Case,
    load_cases,
    load_verdicts,
    quarters_since_year_0,
    read_case,
)
from passaat.calibration.case_goals import (
    GOALS_FILE,
    Course,
    Moment,
    default_yardstick,
    draw_yardstick,
    follow,
    read_thresholds,
    score,
    thresholds,
)
from passaat.calibration.case_study import (
    kendall_tau_b,
    naive_scores,
    order_of,
    run_cases,
    shock_burden,
    spearman_rho,
)
from passaat.calibration.cases import Walk, case_inputs, chain_positions, covenant_money_eur, start_quarter
from passaat.errors import EvidenceError, ModelError, ScenarioError
from passaat.evidence import evidence
from passaat.model.parameters import PARAMETERS, default_parameters
from passaat.model.shocks import ShockEvent
from passaat.model.world import World

DOCS = Path(__file__).parents[2] / "docs"
CASES = load_cases()

BASE: dict[str, Any] = {
    "id": "mine",
    "title_en": "Some sector, some country",
    "title_nl": "Een sector, een land",
    "source": "technopolis2023 annex C.2",
    "start": "2017-Q3",
    "members": {"n_members": 6, "n_institutes": 1, "n_large": 1},
    "goals": ({"text": "A network", "kind": "network"},),
}


def case_with(**changes: Any) -> Case:
    """A small valid case with these fields otherwise."""
    return Case(**{**BASE, **changes})


def at_start(case: Case, seed: int = 3) -> World:
    """The world before the first step of the group's first quarter."""
    inputs = case_inputs(case, seed, {})
    return Walk(inputs, seed).to(start_quarter(inputs))


# --- blindness --------------------------------------------------------------------------------------------------------

RESULT_WORDS = (
    r"verdicts?|success(?!or)\w*|succeeded in|fail(ed|ure)?|achieved|goals? (was|were|not) met|goal not|realised|"
    r"outcome|not met|reached its|largely yes|turned out"
)
"""Words by which a file would give away what became of the group (a coordinator "was succeeded" by another)."""


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_case_file_says_nothing_of_what_became_of_the_group(name: str) -> None:
    text = (CASES_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert re.findall(RESULT_WORDS, text, flags=re.IGNORECASE) == []
    assert [verdict for verdict in VERDICTS[1:] if f'"{verdict}"' in text] == []


def test_the_search_for_results_finds_them() -> None:
    for said in ("a success in general", "the goal was met", "export target not met", "it failed"):
        assert re.search(RESULT_WORDS, said)


def capitalised(text: str) -> set[str]:
    """Words with a capital that do not begin a sentence, and words with a capital inside: what a name looks like."""
    inside = set(re.findall(r"\b\w*[a-z][A-Z]\w*", text))
    return inside | set(re.findall(r"(?<=[a-z,] )[A-Z]\w+", text))


COMMON = {
    *(
        "April",
        "China",
        "Chinese",
        "Covid",
        "Dutch",
        "EUR",
        "Emirates",
        "European",
        "Indonesia",
        "INFERRED",
        "Jones",
        "Act",
    ),
    *(
        "Kazakhstan",
        "Netherlands",
        "Oman",
        "Russia",
        "Singapore",
        "States",
        "UPOV",
        "USD",
        "Ukraine",
        "United",
        "Arab",
    ),
    *(
        "Oekraïne",
        "Indonesië",
        "Oman",
        "Kazachstan",
        "Verenigde",
        "Staten",
        "Arabische",
        "Emiraten",
        "English",
        "Q1",
    ),
}
"""Countries, currencies and laws: the capitals that a case file may have inside a sentence."""


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_case_file_names_no_company_or_brand(name: str) -> None:
    text = (CASES_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    names = {word for word in capitalised(text) if not re.fullmatch(r"Q\d|C", word)} - COMMON
    assert names == set()


def test_the_verdicts_name_no_company_or_brand_either() -> None:
    for verdict in load_verdicts().values():
        assert capitalised(verdict.goals_met) == set()


def test_every_case_has_a_verdict_at_the_same_place_of_the_source() -> None:
    verdicts = load_verdicts()
    assert set(verdicts) == set(CASES)
    assert len(CASES) == 8
    for name, case in CASES.items():
        assert case.source == f"{verdicts[name].source} {verdicts[name].place}"


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_bad_case_is_refused_with_every_offender(tmp_path: Path) -> None:
    text = """
title_en = "A"
title_nl = "B"
source = "somewhere"
start = "2018"
colour = "red"
[market]
demnad = "high"
barrier = "enormous"
[members]
n_members = 3
n_institutes = 2
n_large = 2
[liaison]
engaged = "yes"
[[events]]
kind = "war"
first = "2020-Q2"
last = "2019-Q1"
why = "x"
[[events]]
kind = "members_join"
first = "2020-Q2"
strength = "low"
why = "x"
[[goals]]
text = "x"
kind = "turnover"
"""
    (tmp_path / "bad.toml").write_text(text, encoding="utf-8")
    (tmp_path / "worse.toml").write_text("title_en = ", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_cases(tmp_path)
    said = str(caught.value)
    for offender in (
        "case bad: unknown key 'colour'",
        "case bad: unknown key in [market] 'demnad'; did you mean 'demand'",
        "market.barrier = 'enormous' is not allowed; it must be 'low', 'middle' or 'high'",
        "source = 'somewhere' is not allowed; it must read like 'technopolis2023 annex C.2'",
        "start = '2018' is not allowed; it must read like 2018-Q1",
        "liaison.engaged = 'yes' is not allowed",
        "members: 4 institutes and large firms do not fit in 3 members",
        "events.1: a war needs strength",
        "events.1: it ends (2019-Q1) before it starts (2020-Q2)",
        "events.2: members_join has no strength",
        "events.2: members_join needs n",
        "goals.1: a turnover goal needs an amount",
        "case worse: not valid TOML",
    ):
        assert offender in said
    assert "Way out: " in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"goals": ()}, "goals = () is not allowed"),
        ({"goals": ({"text": "x", "kind": "investment"},)}, "which the model cannot show"),
        ({"members": {}}, "members.n_members is missing"),
        ({"members": {"n_members": 25}}, "members.n_members = 25 is not allowed"),
        (
            {"events": ({"kind": "coordinator_leaves", "first": "2016-Q1", "why": "x"},)},
            "it starts (2016-Q1) before the group does (2017-Q3)",
        ),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(said)):
        case_with(**changes)


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="holds no case files"):
        load_cases(tmp_path)


def test_a_case_cannot_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        CASES["wth"].start = "2019-Q1"


def test_a_wrong_verdict_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.csv"
    path.write_text(
        "case,verdict,provisional,goals_set,goals_met,source,place\na,great,maybe,3,x,s,p\n", encoding="utf-8"
    )
    with pytest.raises(EvidenceError) as caught:
        load_verdicts(path)
    assert len(caught.value.problems) == 2


def test_a_wrong_threshold_is_refused() -> None:
    text = GOALS_FILE.read_text(encoding="utf-8")
    broken = text.replace("met = 0.5\n", "met = 5.0\n", 1).replace(
        'measure = "visibility"', 'measure = "glow"'
    )
    with pytest.raises(EvidenceError) as caught:
        read_thresholds(broken.replace("[network]", "[netwrok]"))
    said = str(caught.value)
    for offender in (
        "network has no record",
        "netwrok is no kind",
        "'glow' is none of",
        "5 is outside 0.3 to 0.7",
    ):
        assert offender in said


# --- worlds -----------------------------------------------------------------------------------------------------------


def test_a_level_is_a_draw_from_its_third_of_what_the_model_draws() -> None:
    for table, column, part, field in (
        ("countries", "development", "country", "development"),
        ("markets", "demand", "market", "demand"),
        ("coordinators", "experience", "coordinator", "experience"),
        ("embassies", "capacity_days", "embassy", "staff"),
        ("liaisons", "network", "liaison", "network"),
    ):
        sample = case_worlds._founded(default_parameters())
        bounds = np.quantile(getattr(getattr(sample, table), column), (0.0, 1 / 3, 2 / 3, 1.0))
        seen = {}
        for place, level in enumerate(("low", "middle", "high")):
            case = case_with(**{part: {field: level}})
            drawn = [float(getattr(getattr(at_start(case, seed), table), column)[0]) for seed in range(4)]
            assert all(bounds[place] <= value <= bounds[place + 1] for value in drawn), (column, level)
            assert len(set(drawn)) > 1, "a level is no fixed number"
            seen[level] = np.mean(drawn)
        assert seen["low"] < seen["middle"] < seen["high"]


def test_what_a_case_leaves_out_stays_as_the_world_drew_it() -> None:
    plain, coded = at_start(case_with()), at_start(case_with(country={"development": "high"}))
    assert coded.countries.development[0] != plain.countries.development[0]
    for table, columns in {
        "countries": ("state_involvement", "distance", "price_level"),
        "markets": ("demand", "rivalry", "barrier"),
        "embassies": ("standing",),
        "liaisons": ("fit", "network"),
    }.items():
        for column in columns:
            one, other = getattr(getattr(plain, table), column), getattr(getattr(coded, table), column)
            assert one.tolist() == other.tolist(), column
    assert coded.countries.development[1:].tolist() == plain.countries.development[1:].tolist()


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_group_starts_as_coded(name: str) -> None:
    case = CASES[name]
    inputs = case_inputs(case, 3, {})
    start = start_quarter(inputs)
    walk = Walk(inputs, 3)
    world = walk.to(start)
    clusters = world.clusters
    assert clusters.n_members[0] == case.members.n_members
    assert clusters.start_quarter[0] == start
    assert world.calendar.n_clusters[0] == 1
    if case.covenant_quarters:
        assert clusters.planned_end_quarter[0] == start + case.covenant_quarters
    if case.public_money_eur:
        assert world.accounts.committed_cents[0] == round(case.public_money_eur * 100)
    firms = world.engagements.firm[world.memberships.engagement[: case.members.n_members]]
    if case.members.n_institutes is not None:
        assert world.firms.institute[firms].sum() == case.members.n_institutes
    if case.members.agreement is not None:
        assert clusters.agreement[0] == int(case.members.agreement)
    if case.market.blocking is not None:
        assert world.markets.blocking[0] == int(case.market.blocking)
    if case.coordinator.kind is not None:
        assert world.coordinators.profession[0] == case_worlds.PROFESSIONS.index(case.coordinator.kind)
    later = walk.to(start + 1)
    assert later.clusters.n_members[0] <= case.members.n_members + 2, (
        "a covenant does not gather members anew"
    )
    if case.liaison.engaged:
        assert later.clusters.liaisons_tried[0] == 1, "one was found, even if the group thought better of it"
        if case.liaison.tied and later.clusters.liaison[0] >= 0:
            assert later.clusters.favoured_firm[0] in firms


def test_shocks_come_on_their_dates_and_in_their_country_only() -> None:
    inputs = case_inputs(CASES["wth"], 3, {})
    first_of = {event.kind: event.first_quarter for event in inputs.shocks}
    start = start_quarter(inputs)
    assert first_of == {"officials": start + 4, "travel_stop": start + 9, "war": start + 16}
    walk = Walk(inputs, 3)
    assert walk.to(start + 16).countries.war[0] == 0.0
    world = walk.to(start + 17)
    assert 2 / 3 <= world.countries.war[0] <= 1.0
    assert world.countries.war[1:].tolist() == [0.0, 0.0]


def test_a_coordinator_who_leaves_is_gone_from_that_quarter_on() -> None:
    case = CASES["wth"]
    inputs, left = case_inputs(case, 3, {}), case_inputs(case.model_copy(update={"events": ()}), 3, {})
    quarter = start_quarter(inputs) + 2
    with_event, without = Walk(inputs, 3).to(quarter), Walk(left, 3).to(quarter)
    assert (with_event.clusters.coordinator[0], without.clusters.coordinator[0]) == (-1, 0)
    kept = with_event.clusters.coordinator_quality[0] / without.clusters.coordinator_quality[0]
    assert kept == pytest.approx(default_parameters()["successor_quality"])


def test_a_liaison_who_is_replaced_does_not_return_and_one_who_is_missing_is_missed() -> None:
    events = {"first": "2018-Q3", "why": "x"}
    base = case_with(liaison={"engaged": True, "fit": "low"})
    inputs = case_inputs(base, 3, {})
    quarter = start_quarter(inputs) + 4
    gone = int(Walk(inputs, 3).to(quarter).clusters.liaison[0])
    assert gone >= 0
    for kind in ("liaison_replaced", "liaison_missing"):
        walk = Walk(
            case_inputs(case_with(liaison=base.liaison, events=({"kind": kind, **events},)), 3, {}), 3
        )
        assert walk.to(quarter).clusters.liaison[0] == -1
        after = int(walk.to(quarter + 1).clusters.liaison[0])
        assert after != gone
        assert kind == "liaison_replaced" or after == -1


def test_members_join_and_leave_on_their_dates() -> None:
    def members_after(*events: dict[str, Any]) -> int:
        inputs = case_inputs(case_with(events=events), 3, {})
        return int(Walk(inputs, 3).to(start_quarter(inputs) + 3).clusters.n_members[0])

    when = {"first": "2018-Q1", "why": "x"}
    as_is = members_after()
    walked = members_after({"kind": "members_join", "n": 3, **when})
    assert walked >= as_is + 2
    assert members_after({"kind": "members_leave", "n": 2, **when}) <= as_is - 1


def test_chains_relate_as_they_are_called() -> None:
    rival, linked_up_to = PARAMETERS["rival_distance"].value, PARAMETERS["linked_distance"].value

    def pairs(chain: str) -> tuple[float, float]:
        places = np.array(chain_positions(chain, 8, 1))
        assert ((places >= 0.0) & (places <= 1.0)).all()
        a, b = np.triu_indices(8, 1)
        gaps = np.abs(places[a] - places[b])
        linked = (gaps >= rival) & (gaps < linked_up_to)
        return float(linked.mean()), float((gaps < rival).mean())

    assert pairs("whole")[0] > 0.8
    assert pairs("similar") == (0.0, 1.0)
    assert sum(pairs("linked")) == 1.0
    halves = np.array(chain_positions("two_groups", 8, 1))
    assert halves[1::2].min() - halves[::2].max() > linked_up_to


def test_fees_and_earlier_work_act_through_the_models_own_state() -> None:
    agreed, open_fee = (
        at_start(case_with(coordinator={"fee_agreed": fee})).coordinators.expected_fee_eur[0]
        for fee in (True, False)
    )
    assert agreed < open_fee
    strangers, friends = (
        at_start(case_with(members={**BASE["members"], "know_each_other": level})).clusters.cohesion[0]
        for level in ("low", "high")
    )
    assert strangers < friends
    novices, experts = (
        at_start(case_with(members={**BASE["members"], "experience": level})) for level in ("low", "high")
    )
    assert _mean_experience(novices) < _mean_experience(experts)


def _mean_experience(world: World) -> float:
    of = world.memberships.engagement[:6]
    return float(
        world.firms.experience[world.engagements.firm[of]].mean() + world.engagements.relation[of].mean()
    )


def test_money_not_stated_has_the_range_of_all_and_the_mean_of_its_year() -> None:
    shares = (np.arange(2000) + 0.5) / 2000
    for year in (2016, 2019, 2020):
        money = [covenant_money_eur(year, float(u)) for u in shares]
        assert 40_000 <= min(money) < max(money) <= 420_000
        assert np.mean(money) == pytest.approx(evidence()[f"pib_financing_mean_{year}"].value, rel=1e-3)


def test_the_same_world_is_the_same_again() -> None:
    case = CASES["waste"]
    assert follow(case_inputs(case, 9, {}), 9) == follow(case_inputs(case, 9, {}), 9)
    assert case_inputs(case, 9, {}).settings != case_inputs(case, 10, {}).settings


# --- goals ------------------------------------------------------------------------------------------------------------

NOTHING = Moment(8, 0, 0, 0.0, 0, 0.0, 0.4, 0.0, 0.0, 0.0)


def course_of(*, turnover: tuple[float, ...] = (0.0,) * 9, **last: Any) -> Course:
    """A course in which nothing happens until the third year, and then this."""
    return Course((*[NOTHING] * 8, *[replace(NOTHING, **last)] * 24), turnover)


@pytest.mark.parametrize(
    ("kind", "fields", "course", "expected"),
    [
        ("turnover", {"amount": 4e6, "within_years": 2}, course_of(turnover=(1e6, 3e6, 3e6, 9e6)), 1.0),
        ("turnover", {"amount": 8e6, "within_years": 2}, course_of(turnover=(1e6, 3e6, 3e6, 9e6)), 0.5),
        ("turnover", {"amount": 9e6, "within_years": 2}, course_of(turnover=(1e6, 3e6, 3e6, 9e6)), 0.0),
        ("contracts", {"amount": 5.0}, course_of(contracts=5), 1.0),
        ("contracts", {"amount": 5.0}, course_of(contracts=2), 0.0),
        ("relations", {}, course_of(moved=4), 1.0),
        ("relations", {"within_years": 1}, course_of(moved=4), 0.0),
        ("relations", {"amount": 30.0}, course_of(contacts=30.0), 1.0),
        ("relations", {"amount": 30.0}, course_of(contacts=15.0), 0.5),
        ("network", {}, course_of(contacts=32.0), 1.0),
        ("awareness", {}, course_of(visibility=0.3), 0.5),
        ("presence", {}, course_of(present=1), 0.5),
        ("barrier", {}, course_of(barrier=0.2), 1.0),
        ("knowledge", {}, course_of(knowledge_done=0.2), 0.0),
        ("memorandum", {}, course_of(memoranda=2.0), 1.0),
        ("memorandum", {}, course_of(knowledge_done=1.0), 0.0),
        ("demonstration", {}, course_of(demonstrations=1.0), 1.0),
    ],
)
def test_a_goal_is_scored_by_hand(kind: str, fields: dict[str, Any], course: Course, expected: float) -> None:
    (goal,) = case_with(goals=({"text": "x", "kind": kind, **fields},)).goals
    assert score(goal, course, default_yardstick()) == expected


def test_thresholds_are_drawn_from_their_ranges_and_the_same_again() -> None:
    years, kinds = thresholds()
    drawn = [draw_yardstick(1, draw) for draw in range(20)]
    for name, kind in kinds.items():
        values = [one.met[name] for one in drawn]
        assert kind.minimum <= min(values) <= max(values) <= kind.maximum
        assert len(set(values)) == 1 if kind.minimum == kind.maximum else len(set(values)) > 10
    assert len({one.judged_quarters for one in drawn}) > 3
    assert max(one.judged_quarters for one in drawn) <= 4 * years.maximum
    assert draw_yardstick(1, 3) == drawn[3]


# --- metamorphic ------------------------------------------------------------------------------------------------------


def mean_scores(case: Case, change: Callable[[Any], Any] = lambda inputs: inputs) -> float:
    """Mean share of goals over some worlds, after a change of the inputs."""
    yardstick = default_yardstick()
    shares = []
    for seed in range(8):
        course = follow(change(case_inputs(case, seed, {})), seed)
        shares.append(np.mean([score(goal, course, yardstick) for goal in case.scored_goals]))
    return float(np.mean(shares))


@pytest.mark.parametrize("name", ["base", "sgp", "kaz"])
def test_a_war_from_the_start_makes_shares_smaller(name: str) -> None:
    def war(inputs: Any) -> Any:
        event = ShockEvent("war", 0, start_quarter(inputs), inputs.size.n_quarters - 1, 1.0)
        return replace(inputs, shocks=(*inputs.shocks, event))

    assert mean_scores(CASES[name], war) < mean_scores(CASES[name])


def test_a_barrier_that_cannot_fall_reaches_no_goal_to_lower_it() -> None:
    goal = ({"text": "x", "kind": "barrier"},)
    assert mean_scores(case_with(market={"blocking": True}, goals=goal)) == 0.0


# --- ranks ------------------------------------------------------------------------------------------------------------


def test_ranks_and_their_permutation_p_values_by_hand() -> None:
    """Four cases, two tied in the verdict: of the 24 orders of 1 to 4, counted by hand.

    y = (0, 0, 1, 2): five pairs differ in y. x = (1, 2, 3, 4) agrees in all five: tau-b = 5 / sqrt(6 x 5). Only the two
    orders that swap the tied pair agree as much, and their two reversals disagree as much: p = 4 / 24.
    """
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.0, 1.0, 2.0])
    found = order_of(x, y)
    assert found.tau == pytest.approx(5 / np.sqrt(30))
    assert found.tau_p == pytest.approx(4 / 24)
    # Mid-ranks of y: 1.5, 1.5, 3, 4. Deviations from 2.5: sum of products 4.5, squares 5 and 4.5.
    assert found.rho == pytest.approx(4.5 / np.sqrt(5.0 * 4.5))
    assert found.rho_p == pytest.approx(4 / 24)


def test_ranks_agree_with_another_implementation_also_with_ties() -> None:
    from scipy.stats import kendalltau, spearmanr

    y = np.array([load_verdicts()[name].rank for name in CASES], dtype=float)
    generator = np.random.default_rng(4)
    for _ in range(5):
        x = generator.integers(0, 5, 8).astype(float)
        assert kendall_tau_b(x, y) == pytest.approx(kendalltau(x, y).statistic)
        assert spearman_rho(x, y) == pytest.approx(spearmanr(x, y).statistic)
    orders = np.array([kendall_tau_b(np.array(p, dtype=float), y[:4]) for p in permutations(range(4))])
    x = np.arange(4.0)
    exact = np.mean(np.abs(orders) >= abs(kendall_tau_b(x, y[:4])) - 1e-12)
    assert order_of(x, y[:4]).tau_p == pytest.approx(exact)


def test_scores_that_are_all_alike_give_no_rank_correlation() -> None:
    found = order_of(np.ones(4), np.arange(4.0))
    assert np.isnan([found.tau, found.rho, found.tau_p, found.rho_p]).all()
    with pytest.raises(ValueError, match="give equally many"):
        order_of(np.ones(3), np.ones(4))


def test_the_naive_score_knows_members_and_shocks_only() -> None:
    calm, struck = (
        case_with(events=events)
        for events in (
            (),
            ({"kind": "war", "first": "2018-Q1", "last": "2018-Q4", "strength": "high", "why": "x"},),
        )
    )
    large = case_with(members={"n_members": 9})
    assert shock_burden(struck) == pytest.approx(4 * 5 / 6)
    assert naive_scores({"a": calm, "b": struck, "c": large}) == {"a": 0.0, "b": -1.5, "c": 1.5}


# --- the study --------------------------------------------------------------------------------------------------------


def test_a_small_study_is_the_same_with_any_number_of_threads() -> None:
    chosen = {name: CASES[name] for name in ("base", "wth", "sgp")}
    one, two = (run_cases(2, draws=2, cases=chosen, workers=n) for n in (1, 2))
    assert one.to_json() == two.to_json()
    found = {case.case: case for case in one.cases}
    assert set(found) == set(chosen)
    for case in one.cases:
        assert 0.0 <= case.low <= case.share <= case.high <= 1.0
        assert case.n == 4
        assert case.share == pytest.approx(np.mean([mean for _, mean in case.goals]))
    assert [kind for kind, _ in found["base"].goals] == [g.kind for g in CASES["base"].scored_goals]
    assert "investment" not in dict(found["base"].goals)
    assert "tau-b" in "\n".join(one.summary())


def test_a_case_whose_runs_all_fail_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ModelError("no world today")

    monkeypatch.setattr("passaat.calibration.case_study.case_inputs", broken)
    with pytest.raises(ModelError, match="every run of case wth failed"):
        run_cases(1, draws=1, cases={"wth": CASES["wth"]})


def stored() -> Mapping[str, Any]:
    """What docs/cases.md shows."""
    read: Mapping[str, Any] = json.loads((DOCS / "cases.json").read_text(encoding="utf-8"))
    return read


def test_the_page_shows_the_stored_figures() -> None:
    page = (DOCS / "cases.md").read_text(encoding="utf-8")
    result = stored()["result"]
    assert f"Kendall tau-b {result['order']['tau']:+.2f} (p {result['order']['tau_p']:.2f}" in page
    for case in result["cases"]:
        assert f"| {case['title']} | {case['members']} | {case['shocks']} | {case['share']:.0%} |" in page


def test_the_stored_figures_belong_to_the_present_model() -> None:
    from passaat.model.provenance.golden import behaviour

    assert stored()["behaviour"] == behaviour(), (
        "the model behaves differently now: run `python docs/cases.py`"
    )


def test_the_code_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "cases.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, "cases.md", "exec"), {})
    assert 0.0 <= float(capsys.readouterr().out) <= 1.0


def test_a_quarter_is_counted_from_year_0() -> None:
    assert quarters_since_year_0("2018-Q3") == 4 * 2018 + 2
    assert read_case(CASES_FOLDER / "wth.toml") == CASES["wth"]
