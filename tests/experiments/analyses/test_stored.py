"""Studies that are there: a finished one is shown from its file alone, also one of another version, which nothing is
mixed into.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import passaat
from passaat import cli
from passaat.errors import StudyError
from passaat.experiments.analyses.compare import Comparison, compare
from passaat.experiments.analyses.equal_money import AMOUNT, Payment
from passaat.experiments.analyses.stored import comparison_values, is_finished, record_of, stored_comparison
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.comparison_plan import ComparisonPlan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.study.comparisons import comparison_plan_of, remember
from passaat.experiments.study.study import Study
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario

STUDIES = Path(__file__).resolve().parents[2] / "studies"
COMPARED, SWEPT, PLAN = "compared-0.1.0.study", "swept-0.1.0.study", "fading.toml"
OLD = "0.1.0"
OLD_BEHAVIOUR = "fb177693661ec933"
NEW_BEHAVIOUR = "0123456789abcdef"
"""Of the model here, which is another one, whatever it is at present."""


# --- a finished comparison is the same from its file ------------------------------------------------------------


def options_of(names: Sequence[str]) -> list[Scenario]:
    return [load_scenario(name, "option") for name in names]


@pytest.mark.parametrize(
    ("names", "draws", "worlds"),
    [
        (["follow-up"], 1, 2),
        (["follow-up"], 3, 2),
        (["stricter-selection", "follow-up"], 4, 3),
        (["go-no-go", "sme-focus", "follow-up", "stricter-selection"], 6, 5),
    ],
)
def test_a_finished_comparison_is_the_same_from_its_file(
    names: list[str], draws: int, worlds: int, tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "study.db"
    made = compare(
        pib, options_of(names), draws=draws, worlds_per_draw=worlds, study_path=path, simulator=toy
    )
    assert stored_comparison(path).to_json() == made.to_json()
    without_words_of_its_own(path)
    found = stored_comparison(path)  # but for equal public money, which it then does not know
    assert [(one.as_it_stands, one.parts) for one in found.options] == [
        (one.as_it_stands, one.parts) for one in made.options
    ]


def without_words_of_its_own(path: Path) -> None:
    """Take out what studies of 0.1.0 do not hold."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        found = db.execute(
            "DELETE FROM meta WHERE key IN ('basis', 'equal money', 'made with', 'digest of the description')"
        )
        assert found.rowcount == 4


def test_the_posterior_of_a_study_is_read_and_not_drawn_again(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "study.db"
    basis = Basis("posterior", "PIB 2016-2020", "abc", 123.4567890123, "provisional, for a test")
    made = compare(
        pib, options_of(["follow-up"]), draws=3, study_path=path, simulator=replace(toy, basis=basis)
    )
    assert stored_comparison(path).to_json() == made.to_json()
    without_words_of_its_own(path)
    found = stored_comparison(path)
    assert found.drawn_from == made.drawn_from
    assert (found.basis.kind, found.basis.sample) == ("posterior", "abc")
    assert replace(found, basis=basis).to_json() == made.to_json()


def test_a_comparison_made_smaller_afterwards_is_shown_as_it_was_asked_for_last(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    """Its file holds factors of equal public money of the larger one, too."""
    path = tmp_path / "study.db"
    options = options_of(["stricter-selection", "follow-up"])
    for draws, worlds in ((6, 4), (3, 3), (2, 2), (6, 4)):
        made = compare(pib, options, draws=draws, worlds_per_draw=worlds, study_path=path, simulator=toy)
        assert stored_comparison(path).to_json() == made.to_json()


def test_a_factor_that_comes_nearer_but_was_not_taken_is_not_taken_from_the_file(
    tmp_path: Path, toy: Simulator, pib: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option that costs 0.8 % more is near enough as it stands, though a stricter search left another factor."""
    path = tmp_path / "study.db"
    options = [load_scenario("go-no-go", "option").with_levers({"covenant_amount_eur": 352_800})]
    with monkeypatch.context() as strict:
        for name in ("analyses.equal_money.TOLERANCE", "stats.equal_money.NEAR_ENOUGH"):
            strict.setattr(f"passaat.experiments.{name}", 1e-4)
        nearer = compare(pib, options, draws=3, study_path=path, simulator=toy)
    taken = compare(pib, options, draws=3, study_path=path, simulator=toy)
    assert nearer.options[0].equal_money.payments == (Payment(AMOUNT, 0.9921),) * 3
    assert taken.options[0].equal_money.payments == (Payment(),) * 3
    assert stored_comparison(path).to_json() == taken.to_json()
    with Study.edit(path) as opened:  # what was found belongs to what was asked
        remember(opened, replace(comparison_plan_of(opened), draws=2))
        assert opened.meta("equal money") == ""


def test_an_option_that_never_reaches_equal_public_money_says_so_again(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "study.db"
    dear = load_scenario("follow-up", "option").with_levers({"covenant_amount_eur": 0})
    made = compare(pib, [dear], draws=3, study_path=path, simulator=toy)
    assert not made.options[0].equal_money.reached
    assert stored_comparison(path).to_json() == made.to_json()
    without_words_of_its_own(path)
    assert not stored_comparison(path).options[0].equal_money.reached


def test_options_that_are_the_same_policy_share_their_runs(
    tmp_path: Path, toy: Simulator, pib: Scenario
) -> None:
    path = tmp_path / "study.db"
    (one,) = options_of(["follow-up"])
    twice = [one, one.model_copy(update={"name": "the-same"})]
    made = compare(pib, twice, draws=3, study_path=path, simulator=toy)
    assert stored_comparison(path).to_json() == made.to_json()


# --- what is not finished is not shown as if it were ------------------------------------------------------------


@pytest.fixture
def study(tmp_path: Path, toy: Simulator, pib: Scenario) -> Path:
    """The file of a finished comparison of this version."""
    path = tmp_path / "study.db"
    own = replace(toy, version=passaat.__version__)
    compare(pib, options_of(["follow-up"]), draws=3, worlds_per_draw=2, study_path=path, simulator=own)
    return path


def finished(path: Path) -> bool:
    with Study.read(path) as opened:
        return is_finished(opened)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            assert db.execute(statement).rowcount != 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meta SET value = 'incomplete' WHERE key = 'state'",
        "UPDATE runs SET status = 'planned' WHERE draw = 2 AND world = 1 AND arm = 3",
        "DELETE FROM runs WHERE draw = 2 AND world = 1 AND arm = 1",
    ],
)
def test_what_lacks_a_run_is_not_finished(statement: str, study: Path) -> None:
    assert finished(study)
    change(study, statement)
    assert not finished(study)
    with pytest.raises(StudyError, match="is not finished") as caught:
        stored_comparison(study)
    assert caught.value.hint == f"`passaat resume {study}` makes what is missing."


@pytest.mark.parametrize("more", ["draws", "worlds", "options", "another option of that name"])
def test_a_larger_plan_of_which_nothing_is_registered_yet_is_not_finished(more: str, study: Path) -> None:
    """As if killed between writing down the plan and registering its runs."""
    with Study.edit(study) as opened:
        asked = comparison_plan_of(opened)
        larger: dict[str, ComparisonPlan] = {
            "draws": replace(asked, draws=4),
            "worlds": replace(asked, worlds=3),
            "options": replace(asked, options=(*asked.options, *options_of(["go-no-go"]))),
            "another option of that name": replace(
                asked, options=(asked.options[0].with_levers({"assessors": 3}),)
            ),
        }
        remember(opened, larger[more])
    assert not finished(study)
    if more == "another option of that name":
        with pytest.raises(StudyError, match="has no run of follow-up yet"):
            comparison_values(study)


def test_a_study_without_public_cost_says_what_can_be_done(study: Path) -> None:
    change(
        study,
        "ALTER TABLE runs RENAME COLUMN public_cost_eur TO cost",
        "UPDATE outcomes SET name = 'cost' WHERE name = 'public_cost_eur'",
        "UPDATE meta SET value = replace(value, 'public_cost_eur', 'cost') WHERE key = 'outcomes'",
    )
    with pytest.raises(StudyError, match="has no outcome public_cost_eur") as caught:
        stored_comparison(study)
    assert f"passaat export {study} --to study.csv" in caught.value.hint


@pytest.mark.parametrize("key", ["basis", "equal money"])
def test_an_entry_that_cannot_be_read_is_damage(key: str, study: Path) -> None:
    change(study, f"UPDATE meta SET value = '[1' WHERE key = '{key}'")
    with pytest.raises(StudyError, match=f"is damaged: its {key} cannot be read"):
        stored_comparison(study)


# --- another version may read scenarios and make hashes in another way -------------------------------------------


def rehash(path: Path) -> None:
    """Every scenario by another hash, as if another version had worked it out."""
    change(
        path,
        "PRAGMA foreign_keys = OFF",
        "UPDATE arms SET scenario_hash = 'x' || scenario_hash",
        "UPDATE scenarios SET scenario_hash = 'x' || scenario_hash",
        "DELETE FROM meta WHERE key = 'digest of the description'",
    )


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        ("UPDATE arms SET name = name || '-2' WHERE role = 'reference'", "what it says of itself"),
        ("UPDATE outcomes SET better = 'lower' WHERE name = 'contracts'", "what it says of itself"),
        ("UPDATE runs SET contracts = 1e12 WHERE draw = 0 AND world = 0 AND arm = 1", "1 of its results"),
        ("UPDATE runs SET digest = ''", "of its results"),
    ],
)
def test_a_changed_study_is_not_shown_as_if_it_were_as_written(edit: str, what: str, study: Path) -> None:
    for read in (stored_comparison, comparison_values, record_of):
        read(study)
    change(study, edit)
    for read in (stored_comparison, comparison_values, record_of):
        with pytest.raises(StudyError, match=f"was changed after it was written: .*{what}") as refused:
            read(study)
        assert f"passaat verify {study}" in refused.value.hint


@pytest.mark.parametrize(
    "basis",
    [
        '{"follow-up": "much"}',
        '{"kind": [], "notice": "x"}',
        '{"kind": "prior", "notice": 3}',
        '{"kind": "posterior", "effective_sample_size": "many"}',
    ],
)
def test_a_basis_of_another_kind_is_damage(basis: str, study: Path) -> None:
    with closing(sqlite3.connect(study, isolation_level=None)) as db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'basis'", (basis,))
    for read in (stored_comparison, comparison_values):
        with pytest.raises(StudyError, match=r"damaged: (its basis is|of its basis, )"):
            read(study)


def test_policies_are_found_where_hashes_are_made_in_another_way(study: Path) -> None:
    before = stored_comparison(study)
    rehash(study)
    after = stored_comparison(study)
    assert after.reference_hash == f"x{before.reference_hash}"
    assert replace(after, reference_hash=before.reference_hash).to_json() == before.to_json()


def test_an_option_that_is_applied_in_another_way_is_found_by_name_in_another_version(study: Path) -> None:
    """What `with_option` makes of an option may change; the runs are those of what the file holds."""
    before = stored_comparison(study)
    rehash(study)
    change(
        study,
        "UPDATE scenarios SET scenario = replace(scenario, '2016 = 6 }', '2016 = 5 }')",
    )
    with pytest.raises(StudyError, match="is not finished"):
        stored_comparison(study)
    change(study, "UPDATE meta SET value = '0.0.9' WHERE key = 'model version'")
    # by its text: since Python 3.13 what holds a nan does not equal itself
    assert repr(stored_comparison(study).options) == repr(before.options)


# --- studies of 0.1.0 -------------------------------------------------------------------------------------------


def call(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command, in this process."""
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def bytes_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with copies of both studies and of the plan, and a model of another behaviour."""
    for name in (COMPARED, SWEPT, PLAN):
        shutil.copyfile(STUDIES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("passaat.experiments.design.simulator.behaviour_of_model", lambda: NEW_BEHAVIOUR)
    monkeypatch.setattr("passaat.experiments.study.locks.BEING_RUN_SECONDS", 0.0)
    return tmp_path


@pytest.fixture
def nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the model nor a draw of parameters can be asked for."""

    def forbidden(*_: object, **__: object) -> Any:
        raise AssertionError("a finished study was to be read only")

    for name in (
        "passaat.model.engine.compiled.simulate",
        "passaat.model.engine.ready.warm_up",
        "passaat.experiments.design.basis.prior_draws",
        "passaat.calibration.posterior.posterior_draws",
        "passaat.experiments.design.simulator.behaviour_of_model",
    ):
        monkeypatch.setattr(name, forbidden)


def test_the_stored_studies_are_those_of_the_version_that_they_say() -> None:
    for name in (COMPARED, SWEPT):
        assert (STUDIES / name).stat().st_size < 300_000
        with Study.read(STUDIES / name) as opened:
            assert (opened.meta("model version"), opened.meta("model behaviour")) == (OLD, OLD_BEHAVIOUR)
            assert opened.made_with() == {}
    assert passaat.__version__ != OLD


def test_an_old_comparison_has_the_numbers_that_were_printed_then(here: Path, nothing_is_run: None) -> None:
    printed = json.loads((STUDIES / "compared-0.1.0.json").read_text(encoding="utf-8"))
    found = stored_comparison(here / COMPARED)
    assert (
        (found.version, found.behaviour) == (printed["version"], printed["behaviour"]) == (OLD, OLD_BEHAVIOUR)
    )
    assert (found.drawn_from, found.reference_hash) == (printed["drawn_from"], printed["reference_hash"])
    assert numbers_of(found.levels) == close_to(printed["levels"])
    assert [option.name for option in found.options] == list(printed["options"])
    for option in found.options:
        then = printed["options"][option.name]
        # 0.1.0 made money equal on the mean over draws alone, which is not said any more
        assert set(option.equal_money.payments) == {Payment(AMOUNT, then["factor"])}
        assert not option.equal_money.reached
        assert numbers_of(option.as_it_stands.differences) == close_to(then["as_it_stands"])
    # Not in which order: luck is taken out of shares in another way now, and ties count half.
    as_they_stand = [one for one in found.decisions if one.money == "as it stands"]
    assert [[one.outcome, one.money, sorted(one.order)] for one in as_they_stand] == [
        [outcome, money, sorted(order)]
        for outcome, money, order, _ in printed["orders"]
        if money == "as it stands"
    ]


def numbers_of(found: Any) -> dict[str, list[float]]:
    return {name: [one.mean, one.error] for name, one in found.items()}


def close_to(printed: dict[str, list[float | None]]) -> dict[str, Any]:
    """JSON has ten digits, and null for what does not exist."""
    nan = float("nan")
    return {
        name: pytest.approx([nan if one is None else one for one in pair], rel=1e-9, abs=1e-7, nan_ok=True)
        for name, pair in printed.items()
    }


READ_ONLY = [
    ("studies",),
    ("studies", COMPARED),
    ("studies", SWEPT),
    ("resume", COMPARED),
    ("resume", SWEPT),
    ("tradeoffs", COMPARED),
    ("tradeoffs", SWEPT),
    ("discover", SWEPT, "--by", "20e6"),
    ("sensitivity", SWEPT),
    ("export", COMPARED, "--to", "out.csv"),
    ("export", SWEPT, "--to", "out.csv"),
]


@pytest.mark.parametrize("command", READ_ONLY, ids=" ".join)
def test_an_old_study_is_read_by_its_own_numbers_and_left_as_it_was(
    command: tuple[str, ...], here: Path, nothing_is_run: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passaat.experiments.reports.figures.save_figure", lambda *_: ())
    before = {name: bytes_of(here / name) for name in (COMPARED, SWEPT)}
    code, out, err = call(*command)
    assert code == 0, err
    if command[0] == "export":
        assert (
            len(Path("out.csv").read_text(encoding="utf-8").splitlines())
            == 1 + {COMPARED: 88, SWEPT: 240}[command[1]]
        )
    elif command[0] == "studies":
        assert OLD in out
        assert passaat.__version__ not in out
    else:
        assert f"Results of model {OLD}, as it computed them. This is {passaat.__version__}" in out
    assert {name: bytes_of(here / name) for name in before} == before
    assert no_side_files(here)


@pytest.mark.parametrize("command", [one for one in READ_ONLY if one[0] not in ("export",)], ids=" ".join)
def test_json_of_an_old_study_says_its_version(
    command: tuple[str, ...], here: Path, nothing_is_run: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passaat.experiments.reports.figures.save_figure", lambda *_: ())
    code, out, err = call(*command, "--json")
    assert code == 0, err
    found = json.loads(out)
    first = found[0] if command[0] == "studies" else found.get("front", found)
    assert first["version"] == OLD
    assert passaat.__version__ not in out


def no_side_files(folder: Path) -> bool:
    return not [
        path for path in folder.iterdir() if path.name.endswith(("-wal", "-shm", "-journal", "-running"))
    ]


def test_an_old_study_is_listed_with_version_and_without_a_commit(here: Path) -> None:
    found = json.loads(call("studies", "--json")[1])
    assert [(one["path"], one["version"], one["commit"], one["state"]) for one in found] == [
        (COMPARED, OLD, "", "complete"),
        (SWEPT, OLD, "", "complete"),
    ]
    out = call("studies", COMPARED)[1]
    assert f"made with passaat {OLD}, behaviour {OLD_BEHAVIOUR}; it does not say which commit" in out


@pytest.mark.parametrize("name", [COMPARED, SWEPT])
def test_an_old_study_is_verified_as_far_as_that_goes(name: str, here: Path) -> None:
    before = bytes_of(here / name)
    code, out, err = call("verify", name)
    assert code == 0, out + err
    assert f"made by version {OLD} with behaviour {OLD_BEHAVIOUR}; this is {passaat.__version__}" in out
    assert f"with {NEW_BEHAVIOUR}" in out
    assert "No run was made again" in out
    assert "Problem" not in out
    assert bytes_of(here / name) == before
    assert no_side_files(here)
    change(here / name, "UPDATE runs SET contracts = contracts + 1 WHERE draw = 1 AND world = 1 AND arm = 2")
    code, out, _ = call("verify", name)
    assert code == 1
    assert "results that were changed after they were written" in out
    assert "(draw 1, world 1, arm 2)" in out


def interrupted(name: str) -> None:
    """Take back some runs, as if the study had been stopped before them."""
    change(
        Path(name),
        "UPDATE runs SET status = 'planned', digest = '' WHERE draw = 3 AND arm = 2",
        "UPDATE meta SET value = 'incomplete' WHERE key = 'state'",
    )


def in_wal_mode(name: str) -> None:
    """As a study is while it is run, or after it was killed."""
    with closing(sqlite3.connect(name, isolation_level=None)) as db:
        assert db.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)


OPTIONS = ("--options", "stricter-selection", "follow-up", "--draws", "4", "--worlds", "3")
WOULD_RUN: list[tuple[Callable[[str], None] | None, str, tuple[str, ...]]] = [
    (None, COMPARED, ("compare", "pib", *OPTIONS, "--study", COMPARED)),
    (None, COMPARED, ("compare", "pib", "--structures", "--study", COMPARED)),
    (None, COMPARED, ("compare", "pib", "--prior", "--seed", "2", "--study", COMPARED)),
    (None, COMPARED, ("extend", COMPARED, "--draws", "6")),
    (None, COMPARED, ("extend", COMPARED, "--options", "go-no-go")),
    (None, COMPARED, ("resume", COMPARED, "--retry")),
    (None, COMPARED, ("replicate", "pib", "--precision", "2e7", "--study", COMPARED)),
    (None, COMPARED, ("replicate", "pib", "--pilot", "--study", COMPARED)),
    (None, SWEPT, ("sweep", PLAN, "--study", SWEPT)),
    (None, SWEPT, ("sensitivity", PLAN, "--study", SWEPT)),
    (None, SWEPT, ("extend", SWEPT, "--points", "80")),
    (None, SWEPT, ("extend", SWEPT, "--worlds", "3")),
    (None, SWEPT, ("resume", SWEPT, "--retry")),
    (interrupted, COMPARED, ("resume", COMPARED)),
    (interrupted, COMPARED, ("resume", COMPARED, "--retry")),
    (interrupted, COMPARED, ("compare", "pib", *OPTIONS, "--study", COMPARED)),
    (interrupted, SWEPT, ("resume", SWEPT)),
    (interrupted, SWEPT, ("resume", SWEPT, "--retry")),
    (interrupted, SWEPT, ("sweep", PLAN, "--study", SWEPT)),
    (in_wal_mode, SWEPT, ("sweep", PLAN, "--study", SWEPT)),
    (in_wal_mode, COMPARED, ("compare", "pib", *OPTIONS, "--study", COMPARED)),
]


@pytest.mark.parametrize(
    ("before", "name", "command"),
    WOULD_RUN,
    ids=[f"{one.__name__ if one else ''} {' '.join(command)}" for one, _, command in WOULD_RUN],
)
def test_nothing_is_mixed_into_an_old_study(
    before: Callable[[str], None] | None, name: str, command: tuple[str, ...], here: Path
) -> None:
    if before is not None:
        before(name)
    found = bytes_of(here / name)
    files = sorted(path.name for path in here.iterdir())
    code, out, err = call(*command)
    assert (code, out) == (2, ""), err
    assert err.startswith(
        f"Error: {name} was made by passaat {OLD} (behaviour {OLD_BEHAVIOUR}), and this is passaat"
        f" {passaat.__version__} (behaviour {NEW_BEHAVIOUR}): runs of two models are never mixed\n"
        "Way out: To run it anew, give another file."
    )
    assert f"`passaat studies {name}`" in err
    assert err.endswith(f"passaat {OLD} goes on with it.\n")
    assert bytes_of(here / name) == found
    assert sorted(path.name for path in here.iterdir()) == files


def test_runs_of_an_old_study_are_not_taken_over(here: Path) -> None:
    before = bytes_of(here / SWEPT)
    files = sorted(path.name for path in here.iterdir())
    code, out, err = call("sweep", PLAN, "--study", "new.db", "--reuse", SWEPT)
    assert (code, out) == (2, "")
    assert f"{SWEPT} was made by passaat {OLD} (behaviour {OLD_BEHAVIOUR})" in err
    assert f"this is passaat {passaat.__version__} (behaviour {NEW_BEHAVIOUR})" in err
    assert "Leave it out of --reuse" in err
    assert bytes_of(here / SWEPT) == before
    assert sorted(path.name for path in here.iterdir()) == files


def test_a_study_of_whatever_name_is_not_taken_for_a_plan(here: Path) -> None:
    code, out, err = call("sweep", SWEPT)
    assert (code, out) == (2, "")
    assert f"{SWEPT} is a study that was run, not a plan to run" in err


def test_one_s_own_results_are_not_said_to_be_another_s(
    tmp_path: Path, toy: Simulator, pib: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("passaat.experiments.reports.figures.save_figure", lambda *_: ())
    own = replace(toy, version=passaat.__version__)
    made: Comparison = compare(
        pib, options_of(["follow-up"]), draws=3, study_path=Path("own.db"), simulator=own
    )
    code, out, _ = call("resume", "own.db")
    assert code == 0
    assert f"passaat {made.version}." in " ".join(out.split())
    assert "Results of model" not in out
