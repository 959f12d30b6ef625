"""The command line: results on standard output, one clear error with the way out, nothing half-written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from passaat import cli
from passaat.cli import parts as cli_parts
from passaat.errors import ModelError, PassaatError
from passaat.experiments.analyses import structures
from passaat.experiments.design import cells
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.simulator import Simulator
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.loading import load_scenario, shipped_names


def call(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command, in this process."""
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def call_outside(*arguments: str, folder: Path, seed: str = "0") -> subprocess.CompletedProcess[str]:
    """One command as a user starts it, in another process."""
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "passaat", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def refusal(*arguments: str) -> str:
    """The error of a refused command: exit code 2, nothing on standard output, no traceback."""
    code, out, err = call(*arguments)
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith("Error: ")
    assert "Way out: " in err
    return err


# Help and lists, generated from the lever schema


def test_every_command_has_help() -> None:
    for command in ("run", "compare", "validate", "cases", "levers", "evidence", "new", "check"):
        code, out, _ = call(command, "--help")
        assert code == 0
        assert "Usage:" in out


def test_help_says_what_an_argument_means_and_that_it_is_needed() -> None:
    """The text of an argument was lost, or its marks came with a backslash, with some pairs of typer and click."""
    _, out, _ = call("compare", "--help")
    arguments = out.split("Arguments:")[1].split("Options:")[0]
    said = " ".join(arguments.split())
    assert said.lower().startswith("reference ")
    assert said.endswith(" Shipped name, such as pib, or path of a .toml file. [required]")


@pytest.mark.parametrize("command", ["run", "compare", "validate"])
def test_help_lists_every_lever_with_its_range(command: str) -> None:
    _, out, _ = call(command, "--help")
    for entry in LEVERS.values():
        assert any(line.split() == [entry.name, *entry.allowed.split()] for line in out.splitlines()), (
            entry.name
        )


def test_help_is_quick_because_heavy_parts_are_not_loaded(tmp_path: Path) -> None:
    check = (
        "import sys; from typer.testing import CliRunner; from passaat.cli import app;"
        "CliRunner().invoke(app, ['compare', '--help']); CliRunner().invoke(app, ['levers', '--json']);"
        "print([name for name in ('numba', 'matplotlib', 'mesa', 'scipy', 'networkx') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_levers_are_listed_and_explained() -> None:
    _, out, _ = call("levers")
    assert all(name in out for name in LEVERS)
    _, out, _ = call("levers", "follow_up_years")
    assert "a whole number from 0 to 6 years" in out
    assert "L12 (technopolis2023 s5.4.2)" in out
    assert "No observed case had follow-up funding" in out


def test_levers_as_json_hold_the_whole_schema() -> None:
    code, out, _ = call("levers", "--json")
    records = json.loads(out)
    assert code == 0
    assert [record["name"] for record in records] == list(LEVERS)
    assert records[list(LEVERS).index("feedback_rounds")]["default_by_year"] == {"2012": 0, "2019": 1}


def test_evidence_is_explained_with_its_source() -> None:
    _, out, _ = call("evidence", "L12")
    assert "s5.4.2" in out
    code, out, _ = call("evidence", "--use", "target", "--json")
    assert code == 0
    assert {row["use"] for row in json.loads(out)} == {"target"}
    assert "unknown evidence id 'L99'" in refusal("evidence", "L99")


def test_version_is_printed() -> None:
    from passaat import __version__

    code, out, _ = call("--version")
    assert code == 0
    assert out.splitlines()[0] == f"passaat {__version__}"
    code, out, _ = call("--version", "--json")
    assert (code, json.loads(out)["version"]) == (0, __version__)


@pytest.mark.parametrize("arguments", [("--json",), ("--json", "levers")])
def test_json_without_a_command_or_before_it_is_refused(arguments: tuple[str, ...]) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert "--json goes behind a command, or with --version" in err


def test_json_is_the_same_bytes_in_another_process_with_another_hash_seed(tmp_path: Path) -> None:
    outputs = {
        (call_outside("check", "go-no-go", "--json", folder=tmp_path, seed=seed).stdout)
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert outputs.pop().startswith("{\n")


# The list after --options


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        (["pib", "--options", "a", "b", "c"], ["pib", "--options", "a", "--options", "b", "--options", "c"]),
        (["pib", "--options", "a", "--json", "x"], ["pib", "--options", "a", "--json", "x"]),
        (["pib", "--options", "a", "--options", "b"], ["pib", "--options", "a", "--options", "b"]),
        (["--seed", "3", "pib"], ["--seed", "3", "pib"]),
    ],
)
def test_options_take_a_list_separated_by_spaces(typed: list[str], understood: list[str]) -> None:
    assert cli_parts.spread("--options", typed) == understood


# Writing and checking a scenario of one's own


@pytest.mark.parametrize("name", shipped_names())
def test_a_new_file_passes_the_check_and_means_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("new", "my plan.toml", "--from", name)[0] == 0
    code, out, err = call("check", "my plan.toml")
    assert (code, err) == (0, "")
    assert out.startswith(f"my-plan is a valid {load_scenario(name).kind}")
    assert load_scenario("my plan.toml").hash == load_scenario(name).hash
    assert [path.name for path in tmp_path.iterdir()] == ["my plan.toml"]


def test_every_lever_can_be_switched_on_in_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "all.toml"
    call("new", str(path))
    text = path.read_text(encoding="utf-8")
    for name in LEVERS:
        assert f"\n# {name} = " in text
        text = text.replace(f"\n# {name} = ", f"\n{name} = ")
    path.write_text(text, encoding="utf-8")
    assert set(load_scenario(path).levers) == set(LEVERS)


def test_new_does_not_overwrite_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("precious", encoding="utf-8")
    assert f"{path} exists already" in refusal("new", str(path))
    assert path.read_text(encoding="utf-8") == "precious"
    assert call("new", str(path), "--force")[0] == 0
    assert load_scenario(path).name == "my"


def test_new_wants_a_toml_file(tmp_path: Path) -> None:
    assert "does not end in .toml" in refusal("new", str(tmp_path / "my.txt"))


def test_an_unwritable_path_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    assert "No such file or directory" in refusal("new", str(tmp_path / "gone" / "my.toml"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "cannot write" in refusal("new", str(tmp_path / "file" / "my.toml"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failure_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    assert "No space left on device" in refusal("new", str(tmp_path / "my.toml"))
    assert list(tmp_path.iterdir()) == []


def test_check_shows_what_moves_against_practice_and_why() -> None:
    _, out, _ = call("check", "follow-up")
    assert "follow_up_years: 6 (practice 0)" in out
    assert "Six years is the evaluators' example (L12" in out


# Bad input


@pytest.mark.parametrize("command", ["run", "compare", "validate", "check"])
def test_an_unknown_scenario_is_refused_with_the_valid_names(command: str) -> None:
    said = refusal(command, "pibb")
    assert "unknown scenario 'pibb'; did you mean 'pib'?" in said
    assert all(name in said for name in shipped_names())


def test_an_unknown_option_is_refused() -> None:
    assert "unknown scenario 'go-no'; did you mean 'go-no-go'?" in refusal(
        "compare", "pib", "--options", "go-no"
    )


def test_a_reference_is_no_option_and_an_option_no_reference() -> None:
    assert "pib-next is a reference, where an option is needed" in refusal(
        "compare", "pib", "--options", "pib-next"
    )
    assert "follow-up is an option, where a reference is needed" in refusal("run", "follow-up")


@pytest.mark.parametrize("command", ["run", "compare", "validate"])
def test_bad_lever_settings_are_refused_all_at_once(command: str) -> None:
    settings = [
        "assessors=9",
        "folow_up_years=3",
        "programme_on",
        "follow_up_years=soon",
        "covenant_amount_eur=-1",
    ]
    said = refusal(command, "pib", *(word for setting in settings for word in ("--set", setting)))
    assert "5 problems" in said
    assert "assessors = 9 is not allowed; it must be a whole number from 1 to 6 persons" in said
    assert "unknown lever 'folow_up_years'; did you mean 'follow_up_years'" in said
    assert "--set programme_on has no value; write --set lever=value" in said
    assert "follow_up_years = soon is not allowed; it must be a whole number from 0 to 6 years" in said
    assert "covenant_amount_eur = -1 is not allowed; it must be 0 to 2000000 EUR" in said


def test_a_lever_set_twice_is_refused() -> None:
    said = refusal("run", "pib", "--set", "assessors=3", "--set", "assessors=4")
    assert "lever assessors is set twice" in said


@pytest.mark.parametrize(
    ("line", "broken", "said"),
    [
        (
            "last_year = 2034",
            "last_year = -3",
            "world.last_year = -3 is not allowed; it must be 2012 to 2160",
        ),
        ("last_year = 2034", "last_year = 99999", "world.last_year = 99999 is not allowed"),
        ("last_year = 2034", "last_year = 2030", "last_year = 2030 is too early"),
        (
            "n_firms = 2000",
            'n_firms = "2000"',
            'world.n_firms = "2000": a number has no quotes; write n_firms = 2000',
        ),
        ("n_firms = 2000", "n_frims = 2000", "unknown key in [world] 'n_frims'; did you mean 'n_firms'"),
        ("n_firms = 2000", "n_firms 2000", "is not valid TOML"),
        ("[world]", "[wrld]", "unknown key 'wrld'; did you mean 'world'"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(line: str, broken: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    call("new", str(path))
    text = path.read_text(encoding="utf-8")
    assert f"\n{line}\n" in text
    path.write_text(text.replace(f"\n{line}\n", f"\n{broken}\n"), encoding="utf-8")
    assert said in refusal("check", str(path))


def test_usage_errors_end_with_code_2() -> None:
    for arguments in (["compare"], ["run", "pib", "--seed", "x"], ["run", "pib", "--seed", "-1"], ["sail"]):
        code, _, err = call(*arguments)
        assert code == 2
        assert err


# Interruption


def test_ctrl_c_is_one_line_and_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.scenarios, "load", interrupt)
    code, out, err = call("check", "pib")
    assert (code, out) == (130, "")
    assert err.count("\n") == 1
    assert err == "Stopped.\n"


# A seed or a world that does not fit


@pytest.mark.parametrize("command", ["run", "compare", "validate"])
def test_a_seed_that_does_not_fit_is_refused(command: str) -> None:
    code, out, err = call(command, "pib", "--seed", str(2**63))
    assert (code, out) == (2, "")
    assert "9223372036854775807" in err
    assert "Traceback" not in err


def test_a_world_too_small_for_its_clusters_is_refused_with_the_setting(tmp_path: Path) -> None:
    call("new", str(tmp_path / "my.toml"))
    text = (tmp_path / "my.toml").read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^cluster_rows = \d+", "cluster_rows = 10", text)
    assert changed != text
    (tmp_path / "my.toml").write_text(changed, encoding="utf-8")
    said = refusal("run", str(tmp_path / "my.toml"))
    assert "more than 10 groups" in said
    assert "Raise cluster_rows in [world]" in said
    said = refusal(
        "compare",
        str(tmp_path / "my.toml"),
        "--draws",
        "2",
        "--worlds",
        "2",
        "--study",
        str(tmp_path / "a.db"),
    )
    assert said.count("cluster_rows") == 1
    assert said.count("Way out") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["my.toml"]


# The errors themselves


def test_an_error_tells_one_problem_on_one_line_and_many_as_a_list() -> None:
    assert str(PassaatError("a is 3", "make it 2")) == "a is 3\nWay out: make it 2"
    assert str(PassaatError(["a is 3", "b is 4"])) == "2 problems:\n  - a is 3\n  - b is 4"


def test_an_error_keeps_its_parts_and_its_kind_when_copied() -> None:
    import copy

    error = copy.copy(ModelError(["table of clusters is full"], "raise cluster_rows"))
    assert type(error) is ModelError
    assert (error.problems, error.hint) == (("table of clusters is full",), "raise cluster_rows")


# The main job, on a toy model: what the command adds to passaat.experiments


def toy_model_of(toy: Simulator) -> Callable[..., Simulator]:
    posterior = replace(toy, basis=Basis("posterior", "PIB 2016-2020", "abc", 120.0))
    return lambda reference, *, prior=False: toy if prior else posterior


@pytest.fixture
def bench(toy: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in which `compare` runs the toy model, with posterior draws unless told otherwise."""
    monkeypatch.setattr("passaat.experiments.design.simulator.the_model", toy_model_of(toy))
    monkeypatch.setattr(cli.comparing, "warm_up", lambda: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMPARE = ("compare", "pib", "--options", "stricter-selection", "follow-up", "--draws", "3", "--worlds", "2")


def test_compare_shows_the_answer_and_says_where_study_and_figures_are(bench: Path) -> None:
    code, out, err = call(*COMPARE)
    assert code == 0
    assert "stricter-selection" in out
    assert "follow-up" in out
    said = [line.partition(": ") for line in err.splitlines()]
    assert said[0] == ("Study", ": ", "pib.db")
    assert {kind for kind, _, _ in said} == {"Study", "Table", "Figure"}
    for _, _, name in said:
        assert (bench / name).stat().st_size > 0


def test_compare_as_json_is_the_same_bytes_again_and_names_no_path(bench: Path) -> None:
    first = call(*COMPARE, "--json", "--study", "one.db")[1]
    second = call(*COMPARE, "--json", "--study", "two.db", "--workers", "1")[1]
    assert first == second
    assert str(bench) not in first
    assert "one.db" not in first
    assert json.loads(first)["reference"] == "pib"


def test_without_options_the_four_shipped_ones_are_compared(bench: Path) -> None:
    _, out, _ = call("compare", "pib", "--draws", "2", "--worlds", "2", "--json")
    names = [option["name"] for option in json.loads(out)["options"]]
    assert names == ["stricter-selection", "go-no-go", "follow-up", "sme-focus"]


def test_another_policy_or_seed_goes_to_another_study(bench: Path) -> None:
    for extra in ((), ("--seed", "2"), ("--set-reference", "assessors=3")):
        assert call(*COMPARE, *extra)[0] == 0
    studies = sorted(path.name for path in bench.glob("*.db"))
    assert len(studies) == 3
    assert {"pib.db", "pib-seed2.db"} < set(studies)


def test_prior_draws_go_to_a_study_of_their_own_and_are_not_mixed_in(bench: Path) -> None:
    assert call(*COMPARE)[0] == 0
    code, out, err = call(*COMPARE, "--prior", "--details")
    assert code == 0, err
    assert "Parameters: prior ranges, uncalibrated." in out
    assert (bench / "pib-prior.db").exists()
    said = refusal(*COMPARE, "--prior", "--study", "pib.db")
    assert "source of parameter draws of the study is posterior abc, now it is prior ranges" in said


def test_the_answer_says_what_parameters_were_drawn_from(bench: Path) -> None:
    words = "posterior, calibrated to PIB 2016-2020, 3 draws, effective sample size 120"
    assert f"Parameters: {words}." in call(*COMPARE, "--details")[1]
    assert json.loads(call(*COMPARE, "--json")[1])["drawn_from"] == words


def test_why_the_posterior_is_not_used_is_said_in_text_and_on_standard_error(
    bench: Path, toy: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "Uncalibrated: the shipped posterior belongs to another reference."
    old = replace(toy, basis=Basis("prior", notice=sentence))
    monkeypatch.setattr("passaat.experiments.design.simulator.the_model", lambda *_, **__: old)
    _, out, err = call(*COMPARE)
    assert out.splitlines()[0] == sentence
    assert err.splitlines()[:2] == [sentence, "Study: pib-prior.db"]


def test_decisions_stand_below_the_tables_or_alone_and_in_a_csv(bench: Path) -> None:
    brief, both, alone = (call(*COMPARE, *more)[1] for more in ((), ("--details",), ("--decisions",)))
    assert both.startswith(brief)
    assert "Public cost ─" not in brief
    assert "Decisions that hold" in both
    assert "Decisions that hold" in alone
    assert "Public cost ─" in both
    assert "Public cost ─" not in alone
    assert max(map(len, both.splitlines())) <= 120
    assert (
        (bench / "pib-stricter-selection,follow-up-decisions.csv")
        .read_text(encoding="utf-8")
        .startswith("outcome,money,ahead,behind")
    )


def test_an_option_without_its_flag_is_told_where_to_go() -> None:
    said = refusal("compare", "pib", "follow-up", "--options", "go-no-go")
    assert "options go behind --options, and follow-up does not" in said
    assert "passaat compare pib --options follow-up go-no-go" in said
    assert "passaat run pib --options follow-up" in refusal("run", "pib", "follow-up")


def test_a_run_by_year_says_when_money_falls_and_how_long_gains_last() -> None:
    code, out, err = call("run", "pib", "--by-year", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["years"][0] == 2012
    paid, committed = (found["by_year"][f"public_{name}_eur"] for name in ("cost", "committed"))
    assert len(paid) == len(found["years"])
    assert sum(paid) > 1e6
    assert (
        sum(committed[: found["years"].index(2020) + 1]) > sum(paid[: found["years"].index(2020) + 1]) / 2.0
    )
    assert found["by_years_since_end"]["memberships_since_end"][0] > 100.0
    assert found["units"]["memberships_since_end"] == "memberships"
    code, out, err = call("run", "pib", "--by-year")
    assert code == 0, err
    assert all(word in out for word in ("2016", "committed", "paid", "years since the end", "2034"))
    assert "2015" not in out


@pytest.mark.parametrize("other", [("--all",), ("--cluster", "3")])
def test_a_run_is_shown_by_year_or_by_group(other: tuple[str, ...]) -> None:
    said = refusal("run", "pib", "--by-year", *other)
    assert f"--by-year and {' '.join(other)} are two views of a run" in said
    assert "`passaat run pib --by-year`" in said


def test_an_edited_reference_goes_to_another_study(bench: Path) -> None:
    """Also when it carries a shipped name; an unchanged copy of a shipped one under that name is the shipped."""
    assert call("new", "my.toml")[0] == 0
    text = Path("my.toml").read_text(encoding="utf-8")
    assert "\nn_firms = 2000\n" in text
    for firms in (2000, 1900, 1800):
        changed = text.replace("\nn_firms = 2000\n", f"\nn_firms = {firms}\n")
        Path("my.toml").write_text(changed, encoding="utf-8")
        code, _, err = call("compare", "my.toml", *COMPARE[2:])
        assert code == 0, err
    assert len({path.name for path in bench.glob("my-*.db")}) == 3
    changed = text.replace('name = "my"', 'name = "pib"').replace("\nn_firms = 2000\n", "\nn_firms = 1700\n")
    Path("my.toml").write_text(changed, encoding="utf-8")
    assert call("compare", "my.toml", *COMPARE[2:])[0] == 0
    assert call(*COMPARE)[0] == 0
    assert len(list(bench.glob("pib*.db"))) == 2


def test_compare_refuses_a_path_it_cannot_write_and_leaves_nothing(bench: Path) -> None:
    said = refusal(*COMPARE, "--study", str(bench / "gone" / "study.db"))
    assert "gone" in said
    assert list(bench.iterdir()) == []


def test_compare_refuses_a_file_that_is_no_study_and_leaves_it_alone(bench: Path) -> None:
    (bench / "notes.db").write_text("my notes, not a study " * 100, encoding="utf-8")
    refusal(*COMPARE, "--study", "notes.db")
    assert (bench / "notes.db").read_text(encoding="utf-8") == "my notes, not a study " * 100


def test_compare_can_be_stopped_and_continued(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    whole = call(*COMPARE, "--json", "--study", "whole.db")[1]
    with monkeypatch.context() as stopping:
        stopping.setattr(cli_parts.Bar, "show", interrupt)
        code, out, err = call(*COMPARE, "--json", "--study", "stopped.db")
    assert (code, out) == (130, "")
    assert err == "Stopped.\n"  # nothing was done yet, so no study is left to speak of
    assert not list(bench.glob("stopped*.db"))
    assert not list(bench.glob("stopped*.png"))
    assert call(*COMPARE, "--json", "--study", "stopped.db")[1] == whole


def test_compare_under_structures_adds_to_text_json_and_files(
    bench: Path,
) -> None:
    code, out, err = call(*COMPARE, "--structures", "--structure-worlds", "2")
    assert code == 0, err
    assert "Under rival structures of the model" in out
    assert "6 paired worlds for each structure" in out
    assert max(map(len, out.splitlines())) <= 120
    assert "Table: pib-stricter-selection,follow-up-structures.csv" in err
    written = bench / "pib-stricter-selection,follow-up-structures.csv"
    assert written.read_text(encoding="utf-8").startswith("structure,money,outcome")
    data = json.loads(call(*COMPARE, "--structures", "--json")[1])
    plain = json.loads(call(*COMPARE, "--json")[1])
    assert {name: value for name, value in data.items() if name != "structures"} == plain


def test_validate_names_what_parameters_were_drawn_from() -> None:
    few = ("validate", "pib", "--draws", "1", "--worlds", "1")
    code, out, err = call(*few, "--prior")
    assert code == 0, err
    assert "not calibrated" in " ".join(out.split())
    assert "Held out" not in out
    code, out, err = call(*few, "--set", "assessors=3", "--json")
    assert code == 0, err
    assert json.loads(out)["basis"] == "prior"
    assert json.loads(out)["uncalibrated"] in err.splitlines()


def test_validate_under_structures_says_what_the_figures_say() -> None:
    few = ("validate", "pib", "--draws", "2", "--worlds", "1", "--structures")
    code, out, err = call(*few)
    assert code == 0, err
    assert "support=none (" in out
    assert "which favours it" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 120
    assert len(json.loads(call(*few, "--json")[1])["structures"]) == 5
    assert "at least 2 are needed" in refusal("validate", "pib", "--draws", "1", "--structures")


def test_separators_of_thousands_are_refused_in_words() -> None:
    for value in ("200.000", "200,000", "1.200.000"):
        found = CliRunner().invoke(cli.app, ["run", "pib", "--set", f"covenant_amount_eur={value}"])
        assert found.exit_code != 0
        assert "without separators of thousands" in str(found.exception) + found.output


def test_check_tells_of_parameters_structure_and_agents(tmp_path: Path) -> None:
    scenario = load_scenario("pib").with_parameters({"step_success": 1.5}).with_structure(bottlenecks="sum")
    path = tmp_path / "rival.toml"
    path.write_text(scenario.with_agents(absent=["liaison:3"]).to_toml(), encoding="utf-8")
    told = CliRunner().invoke(cli.app, ["check", str(path)]).output
    assert "parameter step_success is fixed at 1.5" in told
    assert "rival structure: bottlenecks = sum" in told
    assert "network" not in told
    assert "agents absent: liaison:3" in told


def test_compare_says_what_set_reference_changed_and_decisions_say_with_what(tmp_path: Path) -> None:
    few = ("--draws", "2", "--worlds", "2", "--prior", "--study", str(tmp_path / "s.db"))
    told = CliRunner().invoke(
        cli.app,
        ["compare", "pib", "--options", "follow-up", "--set-reference", "assessors=3", "--decisions", *few],
    )
    assert told.exit_code == 0, told.output
    assert "Changed in the reference, and so under every option: assessors=3" in told.output
    assert "Compared with pib" in told.output
    told = CliRunner().invoke(
        cli.app,
        [
            *("compare", "pib", "--options", "follow-up", "--set-reference", "follow_up_years=3"),
            *("--study", str(tmp_path / "t.db"), *few[:-2]),
        ],
    )
    assert "under every option that does not set it (follow-up has its own follow_up_years)" in told.stdout
    assert "follow-up overrides follow_up_years of --set-reference: 6 instead of 3." in told.stderr


def test_compare_with_set_compares_an_option_named_by_its_levers(tmp_path: Path) -> None:
    few = ("--draws", "2", "--worlds", "2", "--prior", "--json", "--study", str(tmp_path / "s.db"))
    told = CliRunner().invoke(
        cli.app, ["compare", "pib", "--options", "follow-up+go-no-go", "--set", "assessors=2019:3", *few]
    )
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert [one["name"] for one in found["options"]] == ["follow-up+go-no-go", "assessors=3-from-2019"]
    assert found["reference_hash"] == load_scenario("pib").hash
    assert "New in this release: --set is an option of its own" in told.stderr


def test_a_dry_run_says_basis_runs_time_and_files_and_leaves_nothing(bench: Path) -> None:
    code, out, _ = call(*COMPARE, "--dry-run")
    assert code == 0
    assert "Parameters: posterior, calibrated to PIB 2016-2020, 3 draws, effective sample size 120." in out
    assert re.search(
        r"Runs: \d+ for the options as they stand, \d+ for their parts, and about \d+ more at equal public money",
        out,
    )
    assert re.search(r"Time: some \d+ seconds? on \d+ threads?\.", out)
    assert "Nothing was run or written." in out
    assert list(bench.glob("pib*")) == []
    said = json.loads(call(*COMPARE, "--dry-run", "--json")[1])
    assert (said["uncalibrated"], said["drawn_from"].partition(",")[0]) == ("", "posterior")


@pytest.mark.parametrize("more", [(), ("--structures", "--structure-worlds", "2"), ("--set", "assessors=4")])
@pytest.mark.parametrize("options", [(), ("--options", "stricter-selection", "follow-up")])
def test_a_dry_run_names_the_very_files_that_will_be_written(
    options: tuple[str, ...], more: tuple[str, ...], bench: Path
) -> None:
    asked = ("compare", "pib", *options, "--draws", "3", "--worlds", "2", "--study", "own.v2.db", *more)
    said = json.loads(call(*asked, "--dry-run", "--json")[1])
    assert call(*asked)[0] == 0
    assert sorted(said["files"]) == sorted(path.name for path in bench.iterdir())


def test_a_dry_run_says_first_that_results_would_be_uncalibrated_and_why(
    bench: Path, toy: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "Uncalibrated: the shipped posterior belongs to another reference."
    old = replace(toy, basis=Basis("prior", notice=why))
    monkeypatch.setattr("passaat.experiments.design.simulator.the_model", lambda *_, **__: old)
    assert call(*COMPARE, "--dry-run")[1].splitlines()[0] == why
    assert json.loads(call(*COMPARE, "--dry-run", "--json")[1])["uncalibrated"] == why


def test_numbers_that_the_command_line_names_are_those_of_the_code() -> None:
    """It repeats them because a help page must not wait for the parts that have them."""
    options = {option.name: option for option in typer.main.get_command(cli.app).commands["compare"].params}  # type: ignore[attr-defined]
    for name, number in (
        ("draws", cells.DEFAULT_DRAWS),
        ("worlds", cells.DEFAULT_WORLDS),
        ("structure_draws", structures.DEFAULT_DRAWS),
    ):
        assert re.search(rf"default {number}\b", options[name].help)
    assert options["structure_worlds"].default == structures.DEFAULT_WORLDS
    assert cli_parts.LARGEST_SEED == cells.LARGEST_SEED


# Names that are too long, and what stands where a file should be


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "{}.toml"),
        ("new", "{}.toml"),
        ("run", "{}.toml"),
        ("sweep", "{}.toml"),
        ("sweep", "what-matters", "--study", "{}"),
        ("compare", "pib", "--study", "{}.db"),
        ("studies", "{}"),
        ("resume", "{}.db"),
        ("verify", "{}.db"),
        ("export", "none.db", "--to", "{}.csv"),
        ("compare", "pib", "--to", "{}.md"),
        ("discover", "{}.db"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("length", [255, 300])
def test_a_name_that_is_too_long_is_shortened_and_gets_a_way_out_that_helps(
    arguments: tuple[str, ...], length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = refusal(*(word.format("a" * length) for word in arguments))
    problem, _, way_out = told.partition("Way out: ")
    assert "a" * 101 not in problem
    if "too long" in problem:
        assert "shorter name" in way_out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes there")
def test_a_pipe_or_device_is_no_place_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.toml")
    assert "pipe.toml is a pipe" in refusal("new", "pipe.toml")
    assert "pipe.toml is a pipe" in refusal("new", "pipe.toml", "--force")
    assert Path("pipe.toml").is_fifo()
    for place, kind in (("pipe.toml", "a pipe"), ("/dev/null", "a device")):
        told = refusal("sweep", "what-matters", "--study", place)
        assert f"{place} is {kind}\nWay out: Give the name of a file, for example study.db." in told
        assert f"{place} is {kind}, no study" in refusal("resume", place)
