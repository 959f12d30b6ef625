"""Commands on studies: sweep, studies, resume, extend, verify, export."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from passaat import cli
from passaat.cli import parts as cli_parts
from passaat.cli import studies as cli_studies
from passaat.errors import ModelError
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.plan_files import shipped_plans
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.export import runs_csv
from passaat.experiments.study.study import Study
from passaat.model.inputs import RunInputs

COMMANDS = ("sweep", "studies", "resume", "extend", "verify", "export")

PLAN = """
name = "mine"
question = "What do amount and follow-up do?"
reference = "pib"
options = ["go-no-go"]

[design]
method = "latin-hypercube"
points = 8
worlds = 2
draws = 2

[levers]
covenant_amount_eur = { low = 200_000, high = 500_000 }
follow_up_years = [0, 2, 4]
"""
COMPARE = ("compare", "pib", "--options", "follow-up", "--draws", "3", "--worlds", "2", "--study", "cmp.db")


def call(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command, in this process."""
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def done(*arguments: str) -> str:
    """Standard output of a command that ends well."""
    code, out, err = call(*arguments)
    assert code == 0, err
    return out


def refusal(*arguments: str) -> str:
    """The error of a refused command: exit code 2, nothing on standard output, the way out."""
    code, out, err = call(*arguments)
    assert (code, out) == (2, ""), err
    assert "Traceback" not in err
    assert err.startswith("Error: ")
    assert "Way out: " in err
    return err


class Bench:
    """An empty working folder in which the commands run the toy, which counts its runs and can be broken."""

    def __init__(self, toy: Simulator) -> None:
        self.runs = 0
        self.broken_at: float | None = None
        self.toy = replace(toy, simulate=self.simulate)
        self._simulate = toy.simulate

    def simulate(self, inputs: RunInputs, world_seed: int) -> Any:
        self.runs += 1
        years = inputs.levers["follow_up_years"][-1]
        if inputs.levers["programme_on"][-1] and years == self.broken_at:
            raise ModelError("the toy is broken here", "take it to the smith")
        return self._simulate(inputs, world_seed)

    def made_by(self, *arguments: str) -> int:
        """How many runs a command makes that ends well."""
        before = self.runs
        done(*arguments)
        return self.runs - before


@pytest.fixture
def bench(toy: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(toy)
    posterior = Basis("posterior", "PIB 2016-2020", "abc", 120.0)

    def the_model(_: object, *, prior: bool = False) -> Simulator:
        return made.toy if prior else replace(made.toy, basis=posterior)

    for module in (
        "analyses.sweep",
        "analyses.verify",
        "design.simulator",
    ):  # the first two take theirs from the last when imported
        monkeypatch.setattr(f"passaat.experiments.{module}.the_model", the_model)
    for commands in (cli.comparing, cli_studies):
        monkeypatch.setattr(commands, "warm_up", lambda: None)
    monkeypatch.setattr("passaat.experiments.reports.figures.save_figures", lambda *_: [])
    monkeypatch.setattr("passaat.experiments.study.locks.BEING_RUN_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(PLAN, encoding="utf-8")
    return made


def write_plan(name: str, *changes: tuple[str, str]) -> str:
    text = PLAN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    Path(name).write_text(text, encoding="utf-8")
    return name


def change(path: str, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute(statement).rowcount != 0


def runs_of(path: str) -> str:
    with Study.read(Path(path)) as study:
        return runs_csv(study)


def counts_of(path: str) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall())


def stopped(monkeypatch: pytest.MonkeyPatch, after: int, *arguments: str) -> tuple[int, str, str]:
    """What a command says when Ctrl-C comes at its so manieth report of progress."""
    reports = 0

    def interrupt(*_: object) -> None:
        nonlocal reports
        reports += 1
        if reports > after:
            raise KeyboardInterrupt

    with monkeypatch.context() as stopping:
        stopping.setattr(cli_parts.Bar, "show", interrupt)
        return call(*arguments)


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_needs_nothing(command: str) -> None:
    out = done(command, "--help")
    assert "Usage:" in out


def test_help_of_sweep_names_every_shipped_plan() -> None:
    words = re.sub(r"[\s│]+", " ", done("sweep", "--help"))
    assert all(name in words for name in shipped_plans())


# sweep


def test_a_sweep_says_what_it_found_and_where_it_is(bench: Bench) -> None:
    code, out, err = call("sweep", "mine.toml")
    assert code == 0, err
    assert out.startswith("mine: What do amount and follow-up do?")
    assert "What changes against the reference, over all points" in out
    assert max(map(len, out.splitlines())) <= 120
    assert err.splitlines() == [
        "Study: mine.db",
        "Every run as a table: passaat export mine.db --to mine.csv",
    ]
    assert sorted(path.name for path in Path().iterdir()) == ["mine.db", "mine.toml"]


def test_a_dry_run_says_what_would_be_run_and_runs_nothing(bench: Bench) -> None:
    out = done("sweep", "mine.toml", "--dry-run")
    (made,) = re.findall(r"of which ([\d,]+) are made", out)
    assert [path.name for path in Path().iterdir()] == ["mine.toml"]
    assert bench.runs == 0
    done("sweep", "mine.toml")
    assert sum(counts_of("mine.db").values()) == int(made)


@pytest.mark.parametrize("name", shipped_plans())
def test_every_shipped_plan_can_be_looked_at(name: str, bench: Bench) -> None:
    assert done("sweep", name, "--dry-run").startswith(f"{name}: ")


def test_json_is_the_same_bytes_however_it_was_run(bench: Bench) -> None:
    first = done("sweep", "mine.toml", "--json", "--study", "one.db")
    assert done("sweep", "mine.toml", "--json", "--study", "two.db", "--workers", "1") == first
    assert done("sweep", "mine.toml", "--json", "--study", "one.db") == first
    assert done("resume", "one.db", "--json") == first
    assert "one.db" not in first
    assert json.loads(first)["points"] == 8
    assert runs_of("one.db") == runs_of("two.db")


def test_a_sweep_that_is_there_is_shown_without_a_run(bench: Bench) -> None:
    assert bench.made_by("sweep", "mine.toml") > 0
    assert bench.made_by("sweep", "mine.toml") == 0
    assert bench.made_by("resume", "mine.db") == 0


SMALL = ("--options", "go-no-go", "--budget", "200", "--study", "few.db")
TO_A_FILE: dict[str, tuple[str, ...]] = {
    "sweep": ("sweep", "mine.toml"),
    "resume": ("resume", "mine.db"),
    "extend": ("extend", "mine.db", "--worlds", "3"),
    "sensitivity": ("sensitivity", "mine.db", "--all"),
    "discover": (
        "discover",
        "mine.db",
        *["--outcome", "public_cost_eur", "--option", "go-no-go", "--fails-at", "16e6"],
    ),
    "tradeoffs": ("tradeoffs", "cmp.db", "--outcome", "contracts"),
    "compare": (*COMPARE, "--details"),
    "replicate": ("replicate", "pib", "--precision", "2e7", *SMALL),
    "pilot": ("replicate", "pib", "--pilot", *SMALL),
}


def cells_of(markdown: str) -> list[str]:
    rows = [line for line in markdown.splitlines() if line.startswith("| ") and "---" not in line]
    return [re.sub(r"\\(.)", r"\1", cell) for row in rows for cell in row.strip("|").split(" | ")]


@pytest.mark.parametrize("name", TO_A_FILE)
def test_what_a_command_prints_it_also_writes_to_a_file_when_asked(name: str, bench: Bench) -> None:
    """Its tables, and the figures drawn by their names; what is printed stays the same."""
    done("sweep", write_plan("mine.toml", ("points = 8", "points = 60")))
    done(*COMPARE)
    done(*TO_A_FILE[name])
    code, printed, err = call(*TO_A_FILE[name], "--to", "report.md")
    assert code == 0, err
    assert err.count("Report: report.md\n") == 1
    text = Path("report.md").read_text(encoding="utf-8")
    cells = cells_of(text)
    assert len(cells) > 5
    assert {word for cell in cells for word in cell.split()} <= set(printed.split())
    drawn = re.findall(r"!\[.*\]\((.*)\)", text)
    assert drawn == [one for one in re.findall(r"Figure: (.*)", err) if one.endswith(".png")]
    assert all(Path(one).is_file() for one in drawn)
    assert bool(drawn) == (name in ("sensitivity", "discover", "tradeoffs"))
    assert done(*TO_A_FILE[name]) == printed
    runs = bench.runs
    assert "report.md exists already" in refusal(*TO_A_FILE[name], "--to", "report.md")
    assert "ends in none of these" in refusal(*TO_A_FILE[name], "--to", "report.pdf")
    assert bench.runs == runs
    assert call(*TO_A_FILE[name], "--to", "report.md", "--force")[0] == 0
    assert Path("report.md").read_text(encoding="utf-8") == text


def test_json_goes_with_a_report_in_a_file(bench: Bench) -> None:
    done("sweep", write_plan("mine.toml", ("points = 8", "points = 60")))
    done(*COMPARE)
    for name, arguments in TO_A_FILE.items():
        assert json.loads(done(*arguments, "--json", "--to", f"{name}.json"))
        blocks = json.loads(Path(f"{name}.json").read_text(encoding="utf-8"))["blocks"]
        assert "table" in {block["kind"] for block in blocks}


def test_another_plan_does_not_go_into_the_same_file(bench: Bench) -> None:
    done("sweep", "mine.toml")
    before = runs_of("mine.db")
    write_plan("mine.toml", ("high = 500_000", "high = 600_000"))
    said = refusal("sweep", "mine.toml")
    assert "mine.db holds another plan" in said
    assert "Give another file for this plan" in said
    assert runs_of("mine.db") == before
    assert call("verify", "mine.db")[0] == 0


def test_a_plan_that_cannot_be_read_is_refused_with_all_that_is_wrong(bench: Bench) -> None:
    write_plan("bad.toml", ("follow_up_years", "folow_up_years"), ("points = 8", "points = -8"))
    said = refusal("sweep", "bad.toml")
    assert "folow_up_years" in said
    assert "points = -8" in said
    said = refusal("sweep", "level-together")
    assert "levers-together" in said
    assert "gone.toml" in refusal("sweep", "gone.toml")


@pytest.mark.parametrize("command", ["sweep", "resume"])
def test_a_file_of_the_other_sort_is_told_apart(command: str, bench: Bench) -> None:
    done("sweep", "mine.toml")
    if command == "sweep":
        said = refusal("sweep", "mine.db")
        assert "mine.db is a study that was run" in said
        assert "passaat resume mine.db" in said
    else:
        said = refusal("resume", "mine.toml")
        assert "mine.toml is a plan, not a study that was run" in said
        assert "passaat sweep mine.toml" in said


def test_a_path_that_cannot_be_written_is_refused_before_anything_runs(bench: Bench) -> None:
    assert "gone does not exist" in refusal("sweep", "mine.toml", "--study", "gone/mine.db")
    Path("notes.db").write_text("my notes " * 200, encoding="utf-8")
    assert "is not a study file" in refusal("sweep", "mine.toml", "--study", "notes.db")
    assert Path("notes.db").read_text(encoding="utf-8") == "my notes " * 200
    assert bench.runs == 0


def test_a_sweep_of_which_every_run_fails_leaves_no_file(bench: Bench) -> None:
    def broken(inputs: RunInputs, world_seed: int) -> Any:
        raise ModelError("nothing works")

    write_plan("prior.toml", ("draws = 2", 'draws = 2\nrest = "prior"'))
    bench.toy = replace(bench.toy, simulate=broken)
    said = refusal("sweep", "prior.toml")
    assert "runs failed" in said
    assert "nothing works" in said
    assert not Path("mine.db").exists()


# A comparison that is there, and what is left out


TAKEN = "Left out, and taken from cmp.db: "


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "options follow-up; 3 draws; 2 worlds."),
        (("--seed", "5"), "options follow-up; 3 draws; 2 worlds; seed 5."),
        (("--prior",), "options follow-up; 3 draws; 2 worlds; parameters from their prior ranges."),
        (("--set", "assessors=3"), "options follow-up, assessors=3; 3 draws; 2 worlds."),
    ],
)
def test_a_comparison_that_is_there_is_shown_by_its_file_alone(
    more: tuple[str, ...], words: str, bench: Bench
) -> None:
    whole = done(*COMPARE, *more, "--json")
    before, files = bench.runs, sorted(Path().iterdir())
    stored = runs_of("cmp.db")
    code, out, err = call("compare", "pib", "--study", "cmp.db", "--json")
    assert (code, out) == (0, whole), err
    assert bench.runs == before
    assert runs_of("cmp.db") == stored
    assert sorted(Path().iterdir()) == files
    assert err.splitlines()[0] == TAKEN + words


def test_only_what_is_left_out_is_taken_from_the_file(bench: Bench) -> None:
    done(*COMPARE, "--seed", "5")
    code, out, err = call("compare", "pib", "--options", "go-no-go", "--study", "cmp.db", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert [one["name"] for one in found["options"]] == ["go-no-go"]
    assert found["design"] == {"draws": 3, "worlds": 2, "seed": 5}
    assert err.splitlines()[0] == TAKEN + "3 draws; 2 worlds; seed 5."
    code, out, err = call("compare", "pib", "--draws", "4", "--study", "cmp.db", "--json")
    found = json.loads(out)
    assert [one["name"] for one in found["options"]] == ["go-no-go"]  # what it was asked last
    assert found["design"] == {"draws": 4, "worlds": 2, "seed": 5}
    assert err.splitlines()[0] == TAKEN + "options go-no-go; 2 worlds; seed 5."
    code, out, err = call("compare", "pib", "--study", "cmp.db", "--seed", "6")
    assert (code, out) == (2, "")
    assert "seed" in err.splitlines()[1]


def test_nothing_is_taken_from_a_new_file_from_one_that_was_not_named_or_where_all_was_said(
    bench: Bench,
) -> None:
    asked = (*COMPARE[:-2], "--seed", "1")
    done(*asked)
    for again in (asked, (*COMPARE, "--seed", "1"), ("compare", "pib", "--dry-run")):
        code, _, err = call(*again)
        assert code == 0, err
        assert "taken from" not in err
    out = done("compare", "pib", "--dry-run", "--json")
    assert len(json.loads(out)["options"]) == 4


def test_what_a_file_does_not_say_is_as_usual(bench: Bench) -> None:
    """A sweep and a changed reference are refused as ever; runs of `replicate` have no question of their own."""
    done("sweep", "mine.toml")
    assert "kind of the study is sweep" in refusal("compare", "pib", "--study", "mine.db")
    done(*COMPARE)
    before = runs_of("cmp.db")
    code, out, err = call("compare", "pib", "--study", "cmp.db", "--set-reference", "assessors=3")
    assert (code, out) == (2, "")
    assert "reference hash of the study is" in err
    assert runs_of("cmp.db") == before
    change("cmp.db", "UPDATE meta SET value = '' WHERE key = 'plan'")
    done("compare", "pib", "--draws", "2", "--worlds", "2", "--study", "cmp.db")
    with Study.read(Path("cmp.db")) as study:
        assert len(json.loads(study.meta("plan"))["options"]) == 4


# Stopping and going on


def test_a_sweep_stopped_by_ctrl_c_goes_on_as_if_undisturbed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = done("sweep", "mine.toml", "--json", "--study", "whole.db")
    code, out, err = stopped(
        monkeypatch, 1, "sweep", "mine.toml", "--json", "--study", "cut.db", "--workers", "1"
    )
    assert (code, out) == (130, "")
    assert err == (
        "Stopped. Finished runs are kept in cut.db; `passaat resume cut.db` or the same command goes on.\n"
    )
    there = counts_of("cut.db")
    assert there["done"] > 0
    assert there["planned"] > 0
    states = {info["path"]: info["state"] for info in json.loads(done("studies", "--json"))}
    assert states == {"cut.db": "incomplete", "whole.db": "complete"}
    assert call("verify", "cut.db")[0] == 0
    assert bench.made_by("resume", "cut.db") <= 2 * there["planned"]
    assert done("resume", "cut.db", "--json") == whole
    assert runs_of("cut.db") == runs_of("whole.db")


def test_a_sweep_stopped_before_its_first_run_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stopped(monkeypatch, 0, "sweep", "mine.toml") == (130, "", "Stopped.\n")
    assert [path.name for path in Path().iterdir()] == ["mine.toml"]


@pytest.mark.parametrize(
    "more", [(), ("--prior",), ("--set", "assessors=3"), ("--set-reference", "assessors=3")]
)
def test_a_comparison_stopped_by_ctrl_c_goes_on_from_its_file_alone(
    more: tuple[str, ...], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one with prior draws, and one whose reference was changed by hand."""
    whole = done(*COMPARE[:-1], "whole.db", "--json", *more)
    code, out, err = stopped(monkeypatch, 1, *COMPARE, *more, "--json", "--workers", "1")
    assert (code, out) == (130, "")
    assert "`passaat resume cmp.db`" in err
    assert 0 < counts_of("cmp.db")["done"] < counts_of("whole.db")["done"]
    assert [info["state"] for info in json.loads(done("studies", "--json"))] == ["incomplete", "complete"]
    assert done("resume", "cmp.db", "--json") == whole
    assert runs_of("cmp.db") == runs_of("whole.db")


def test_why_the_posterior_was_not_used_is_said_again_when_a_comparison_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "Uncalibrated: the shipped posterior belongs to another reference."
    old = replace(bench.toy, basis=Basis("prior", notice=why))
    monkeypatch.setattr("passaat.experiments.design.basis.does_not_belong", lambda reference: why)
    monkeypatch.setattr(
        "passaat.experiments.design.simulator.the_model", lambda *_, prior=False: bench.toy if prior else old
    )
    first = done(*COMPARE, "--json")
    assert json.loads(first)["uncalibrated"] == why
    assert done("resume", "cmp.db", "--json") == first


def test_a_failed_run_is_made_again_only_when_asked_for(bench: Bench) -> None:
    whole = done("sweep", "mine.toml", "--json", "--study", "whole.db")
    bench.broken_at = 4.0
    out = done("sweep", "mine.toml")
    assert "failed" in out
    assert "the toy is broken here (take it to the smith)" in " ".join(out.split())
    failed = counts_of("mine.db")["failed"]
    bench.broken_at = None
    assert bench.made_by("resume", "mine.db") == 0
    code, out, err = call("resume", "mine.db", "--retry", "--json")
    assert (code, out) == (0, whole)
    assert err.startswith(f"{failed} failed runs are planned again.")
    assert runs_of("mine.db") == runs_of("whole.db")


def test_a_refused_resume_changes_nothing(bench: Bench) -> None:
    bench.broken_at = 4.0
    done("sweep", "mine.toml")
    before = Path("mine.db").read_bytes()
    refusal("resume", "mine.db", "--retry", "--workers", "2", "--dask", "tcp://nowhere:8786")
    assert Path("mine.db").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("sweep", "mine.toml"),
        ("resume", "mine.db"),
        ("extend", "mine.db", "--worlds", "3"),
        ("verify", "mine.db"),
    ],
)
def test_threads_and_dask_are_not_asked_for_together(arguments: tuple[str, ...], bench: Bench) -> None:
    done("sweep", "mine.toml")
    said = refusal(*arguments, "--workers", "2", "--dask", "tcp://nowhere:8786")
    assert "--workers 2 and --dask tcp://nowhere:8786 were both given" in said


@pytest.mark.parametrize("old", [("--cluster", "nonsense"), ("--cluster=nonsense",)])
@pytest.mark.parametrize(
    "command",
    [
        ("sweep", "mine.toml"),
        ("resume", "mine.db"),
        ("extend", "mine.db", "--worlds", "3"),
        ("verify", "mine.db", "--sample", "1"),
        ("replicate", "pib", "--options", "follow-up", "--precision", "2e7"),
        ("compare", "pib", "--options", "follow-up", "--study", "cmp.db"),
        ("sensitivity", "large.toml", "--study", "other.db"),
        ("discover", "large.toml", "--study", "other.db"),
        ("tradeoffs", "mine.toml", "--study", "other.db"),
    ],
)
def test_the_old_name_of_dask_is_accepted_with_a_word(
    command: tuple[str, ...], old: tuple[str, ...], bench: Bench
) -> None:
    done("sweep", "mine.toml")
    write_plan("large.toml", ("points = 8", "points = 40"))
    code, out, err = call(*command, *old)
    assert (code, out) == (2, "")
    assert err.startswith("--cluster is now called --dask; the next release no longer knows the old name.\n")
    assert "Error: 'nonsense' is no address of a Dask scheduler" in err


def test_clusters_of_firms_keep_their_option() -> None:
    assert "is now called" not in call("run", "pib", "--cluster", "nonsense")[2]


# Making larger


@pytest.mark.parametrize(
    ("asked", "line", "larger"),
    [
        (("--worlds", "4"), "worlds = 2", "worlds = 4"),
        (("--options", "follow-up"), 'options = ["go-no-go"]', 'options = ["go-no-go", "follow-up"]'),
    ],
)
def test_an_extended_sweep_is_the_larger_one_made_at_once(
    asked: tuple[str, ...], line: str, larger: str, bench: Bench
) -> None:
    small = bench.made_by("sweep", "mine.toml")
    write_plan("larger.toml", (line, larger))
    before = bench.runs
    at_once = done("sweep", "larger.toml", "--study", "larger.db", "--json")
    both = bench.runs - before
    more = bench.made_by("extend", "mine.db", *asked)
    assert done("resume", "mine.db", "--json") == at_once
    assert runs_of("mine.db") == runs_of("larger.db")
    assert both - small <= more < both


def test_a_sweep_can_have_more_points_and_keeps_its_first(bench: Bench) -> None:
    done("sweep", "mine.toml")
    done("export", "mine.db", "--to", "before.csv")
    done("extend", "mine.db", "--points", "12")
    done("export", "mine.db", "--to", "after.csv")
    with open("before.csv", newline="") as old, open("after.csv", newline="") as new:
        before, after = list(csv.DictReader(old)), list(csv.DictReader(new))
    assert [row for row in after if int(row["point"]) < 8] == before
    assert {int(row["point"]) for row in after} == set(range(12))
    assert call("verify", "mine.db")[0] == 0


def test_an_extended_comparison_is_the_larger_one_made_at_once(bench: Bench) -> None:
    done(*COMPARE)
    done("extend", "cmp.db", "--draws", "4", "--worlds", "3", "--options", "go-no-go")
    again = done("resume", "cmp.db", "--json")
    larger = ("--options", "follow-up", "go-no-go", "--draws", "4", "--worlds", "3", "--study", "larger.db")
    assert json.loads(done("compare", "pib", *larger, "--json")) == json.loads(again)


def test_less_or_nothing_is_no_extension(bench: Bench) -> None:
    done("sweep", "mine.toml")
    done(*COMPARE)
    for path in ("mine.db", "cmp.db"):
        before = Path(path).read_bytes()
        assert "nothing to extend by" in refusal("extend", path)
        assert "worlds = 1" in refusal("extend", path, "--worlds", "1")
        assert "unknown scenario 'nobody'" in refusal("extend", path, "--options", "nobody")
        assert Path(path).read_bytes() == before
    assert "points = 4 is fewer than the 8 there are" in refusal("extend", "mine.db", "--points", "4")
    assert "which has draws and worlds but no points" in refusal("extend", "cmp.db", "--points", "40")
    assert "option follow-up is in the study already" in refusal("extend", "cmp.db", "--options", "follow-up")


def test_an_option_without_its_flag_is_told_where_to_go(bench: Bench) -> None:
    done("sweep", "mine.toml")
    said = refusal("extend", "mine.db", "follow-up")
    assert "options go behind --options, and follow-up does not" in said
    assert "passaat extend mine.db --options follow-up" in said


# Runs of other studies


def test_runs_of_another_study_are_not_made_again(bench: Bench) -> None:
    all_of_it = bench.made_by("sweep", "mine.toml", "--study", "alone.db")
    write_plan("larger.toml", ('options = ["go-no-go"]', 'options = ["go-no-go", "follow-up"]'))
    larger = bench.made_by("sweep", "larger.toml", "--study", "larger-alone.db")
    helped = bench.made_by("sweep", "larger.toml", "--study", "larger.db", "--reuse", "alone.db")
    assert runs_of("larger.db") == runs_of("larger-alone.db")
    assert helped < larger
    assert helped >= larger - all_of_it
    assert bench.made_by("sweep", "mine.toml", "--study", "again.db", "--reuse", "larger.db") == 0


def test_a_reuse_that_cannot_be_is_refused_and_leaves_no_file(bench: Bench) -> None:
    Path("notes.db").write_text("my notes " * 200, encoding="utf-8")
    assert "there is no study gone.db" in refusal("sweep", "mine.toml", "--reuse", "gone.db")
    assert "notes.db is not a study" in refusal("sweep", "mine.toml", "--reuse", "notes.db")
    assert not Path("mine.db").exists()
    done("sweep", "mine.toml", "--study", "old.db")
    change("old.db", "UPDATE meta SET value = 'other' WHERE key = 'model behaviour'")
    said = refusal("sweep", "mine.toml", "--reuse", "old.db")
    assert "(behaviour other), and this is passaat 0.0-toy (behaviour toy)" in said
    assert "Leave it out of --reuse" in said
    assert not Path("mine.db").exists()


# Comparisons and sweeps in each other's place


def test_a_comparison_is_no_sweep_and_a_sweep_no_comparison(bench: Bench) -> None:
    done("sweep", "mine.toml")
    done(*COMPARE)
    said = refusal("sweep", "mine.toml", "--study", "cmp.db")
    assert "kind of the study is comparison, now it is sweep" in said
    said = refusal(*COMPARE[:-1], "mine.db")
    assert "kind of the study is sweep, now it is comparison" in said
    said = refusal("export", "cmp.db", "--to", "x.csv", "--table", "results")
    assert "has no points" in said
    assert "--table runs" in said


# studies


def test_an_empty_folder_says_how_studies_are_made(bench: Bench) -> None:
    out = done("studies")
    assert out.startswith("No study files in .")
    assert "passaat sweep" in out
    assert done("studies", "--json") == "[]\n"
    assert "there is no folder gone" in refusal("studies", "gone")


def test_studies_are_listed_with_their_state(bench: Bench) -> None:
    done("sweep", "mine.toml")
    done(*COMPARE)
    Path("notes.db").write_text("my notes " * 200, encoding="utf-8")
    bad = bytearray(Path("mine.db").read_bytes())
    bad[100:] = b"\x07" * (len(bad) - 100)
    Path("broken.db").write_bytes(bad)
    out = done("studies")
    lines = {line.split()[0]: " ".join(line.split()) for line in out.splitlines() if ".db" in line}
    assert "comparison follow-up" in lines["cmp.db"]
    assert "sweep mine: What do amount" in lines["mine.db"]
    assert "complete" in lines["mine.db"]
    assert "not readable" in " ".join(out.split())
    assert "notes.db" not in lines
    assert max(map(len, out.splitlines())) <= 120
    assert done("studies", "--json") == done("studies", "--json")
    assert [info["path"] for info in json.loads(done("studies", "--json"))] == [
        "broken.db",
        "cmp.db",
        "mine.db",
    ]


def test_a_study_being_run_is_listed_and_not_run_twice(bench: Bench) -> None:
    done("sweep", "mine.toml")
    with Study.edit(Path("mine.db")):
        (info,) = json.loads(done("studies", "--json"))
        assert info["state"] == "being run"
        for command in (("sweep", "mine.toml"), ("resume", "mine.db", "--retry")):
            assert "is being run by another process" in refusal(*command)
        done("resume", "mine.db")  # nothing is missing, and it is only read
        assert call("verify", "mine.db")[0] == 0
        done("export", "mine.db", "--to", "now.csv")


# Files that are no studies


@pytest.mark.parametrize(
    "arguments",
    [
        ("resume", "{}"),
        ("extend", "{}", "--worlds", "9"),
        ("verify", "{}"),
        ("export", "{}", "--to", "x.csv"),
    ],
)
def test_what_is_no_study_is_refused_in_words_and_left_alone(
    arguments: tuple[str, ...], bench: Bench
) -> None:
    Path("notes.db").write_text("my notes " * 200, encoding="utf-8")
    Path("empty.db").touch()
    Path("folder").mkdir()
    change("foreign.db", "CREATE TABLE mine (x)")
    done("sweep", "mine.toml", "--study", "old.db")
    change("old.db", "UPDATE meta SET value = '1' WHERE key = 'format'")
    before = {path.name: path.read_bytes() for path in Path().glob("*.db")}
    for name, words in {
        "gone.db": "there is no study gone.db",
        "folder": "folder is a folder, no study",
        "notes.db": "notes.db is not a study",
        "empty.db": "empty.db is empty: it holds no study yet",
        "foreign.db": "foreign.db is a database, but not a study",
        "old.db": "old.db has format 1, and this version reads format 2",
    }.items():
        assert words in refusal(*(word.replace("{}", name) for word in arguments))
    assert {path.name: path.read_bytes() for path in Path().glob("*.db")} == before


def test_a_study_of_an_older_format_is_not_run_into(bench: Bench) -> None:
    done("sweep", "mine.toml")
    change("mine.db", "UPDATE meta SET value = '1' WHERE key = 'format'")
    before = Path("mine.db").read_bytes()
    assert "mine.db has format 1, and this version reads format 2" in refusal("sweep", "mine.toml")
    assert Path("mine.db").read_bytes() == before


# verify


def test_a_sound_study_is_said_to_be_sound(bench: Bench) -> None:
    done("sweep", "mine.toml")
    out = done("verify", "mine.db", "--sample", "5")
    assert "5 runs made again: 5 equal in every bit." in out
    assert out.endswith("The study is sound.\n")
    data = json.loads(done("verify", "mine.db", "--sample", "5", "--json"))
    assert (data["sound"], data["repeated"], data["problems"]) == (True, 5, [])


def test_a_changed_study_ends_with_exit_code_1_and_names_the_run(bench: Bench) -> None:
    done("sweep", "mine.toml")
    change("mine.db", "UPDATE runs SET contracts = contracts + 1 WHERE draw = 1 AND world = 0 AND arm = 1")
    code, out, err = call("verify", "mine.db", "--sample", "0")
    assert (code, err) == (1, "")
    assert "results that were changed after they were written: " in out
    assert "(draw 1, world 0, arm 1)" in out
    assert out.endswith("The study is NOT sound.\n")
    code, out, _ = call("verify", "mine.db", "--json")
    assert code == 1
    assert json.loads(out)["sound"] is False


def test_a_study_of_another_version_is_not_called_wrong(bench: Bench) -> None:
    done("sweep", "mine.toml")
    bench.toy = replace(bench.toy, version="9.9", behaviour="other")
    out = done("verify", "mine.db")
    assert (
        "No run was made again: the study was made by version 0.0-toy with behaviour toy; this is 9.9" in out
    )
    assert "was not tried" in out


# export


def test_a_study_goes_out_once_unless_told(bench: Bench) -> None:
    done("sweep", "mine.toml")
    assert done("export", "mine.db", "--to", "out.csv") == "Wrote 48 rows to out.csv\n"
    first = Path("out.csv").read_bytes()
    Path("out.csv").write_text("precious", encoding="utf-8")
    said = refusal("export", "mine.db", "--to", "out.csv")
    assert "out.csv exists already" in said
    assert "--force" in said
    assert Path("out.csv").read_text(encoding="utf-8") == "precious"
    done("export", "mine.db", "--to", "out.csv", "--force")
    assert Path("out.csv").read_bytes() == first
    done("export", "mine.db", "--to", "runs.csv", "--table", "runs")
    assert len(Path("runs.csv").read_text().splitlines()) == sum(counts_of("mine.db").values()) + 1


def test_an_export_that_cannot_be_is_refused_and_leaves_nothing(bench: Bench) -> None:
    done("sweep", "mine.toml")
    before = sorted(path.name for path in Path().iterdir())
    assert "out.xlsx ends in '.xlsx'" in refusal("export", "mine.db", "--to", "out.xlsx")
    assert "there is no table 'points'" in refusal(
        "export", "mine.db", "--to", "out.csv", "--table", "points"
    )
    assert "cannot be written" in refusal("export", "mine.db", "--to", "gone/out.csv")
    assert sorted(path.name for path in Path().iterdir()) == before


def test_a_usage_error_ends_with_code_2() -> None:
    for arguments in (("sweep",), ("export", "x.db"), ("extend", "x.db", "--worlds", "0"), ("verify",)):
        assert call(*arguments)[0] == 2


# A comparison from less than there is


@pytest.mark.parametrize("less", [("--draws", "2"), ("--worlds", "2"), ("--draws", "2", "--worlds", "2")])
def test_tables_are_not_replaced_by_those_of_fewer_draws_or_worlds(
    less: tuple[str, ...], bench: Bench
) -> None:
    large = (*COMPARE, "--worlds", "3")
    done(*large)
    table = next(Path().glob("cmp-*decisions.csv"))
    before = table.read_bytes()
    for more in ((), ("--dry-run",)):
        told = refusal(*large, *less, *more)
        assert "cmp.db holds this comparison from 3 draws of 3 worlds" in told
        assert "Way out: Ask with --draws 3 --worlds 3 for what is there;" in told
    assert table.read_bytes() == before
    done(*large)
    assert table.read_bytes() == before
    done(*large, *less, "--study", "less.db")
    done(*large, *less, "--force")
    assert table.read_bytes() != before
    done(*large, *less)


def test_another_question_to_a_study_may_be_smaller(bench: Bench) -> None:
    done(*COMPARE)
    done(*COMPARE, "--options", "go-no-go", "--draws", "2")
    assert "holds this comparison from 3 draws of 2 worlds" in refusal(*COMPARE, "--draws", "2")
    done(*COMPARE, "--draws", "4")


def test_runs_without_tables_are_nothing_to_be_replaced(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stopped(monkeypatch, 2, *COMPARE)[0] == 130
    done(*COMPARE, "--draws", "2")


# Names and ways out


def test_a_line_end_in_the_name_of_a_study_forges_no_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "a\nError: b.db"
    _, _, err = call("sweep", "mine.toml", "--study", name)
    assert "Study: a\\nError: b.db\n" in err
    assert stopped(monkeypatch, 1, "sweep", "mine.toml", "--study", f"{name}2")[2].count("\n") == 1
    for told in (err, refusal("extend", name, "--worlds", "1"), refusal("resume", "a\nb.db")):
        assert "\nError" not in told
        assert "a\nb.db" not in told


@pytest.mark.parametrize(
    "arguments",
    [("extend", "mine.db", "--worlds", "200000"), ("extend", "mine.db", "--options", "go-no-go")],
)
def test_what_is_wrong_with_a_plan_names_no_file_of_the_model(
    arguments: tuple[str, ...], bench: Bench
) -> None:
    done("sweep", "mine.toml")
    wrong = write_plan("wrong.toml", ("follow_up_years = [0, 2, 4]", "follow_up_years = [0, 99]"))
    for told in (refusal(*arguments), refusal("sweep", wrong)):
        assert "parameters.toml" not in told
        assert "`passaat levers`" in told


# What a plan is too small for


@pytest.mark.parametrize(
    ("question", "needed"),
    [(("sensitivity",), 30), (("discover",), 20), (("discover", "--fails-at", "0"), 20)],
    ids=["sensitivity", "discover", "fails"],
)
def test_a_plan_too_small_for_a_question_is_refused_before_it_runs(
    question: tuple[str, ...], needed: int, bench: Bench
) -> None:
    name, *more = question
    told = refusal(name, "mine.toml", *more)
    assert f"points = 8 of mine are too few for this question; it needs {needed} or more" in told
    assert f"Way out: Write points = {needed} under [design] of mine.toml." in told
    assert bench.runs == 0
    assert not Path("mine.db").exists()
    write_plan("mine.toml", ("points = 8", f"points = {needed}"))
    done(name, "mine.toml", *more)


@pytest.mark.parametrize(("question", "needed"), [("sensitivity", 30), ("discover", 20)])
@pytest.mark.parametrize("named", ["mine.db", "mine.toml"])
def test_a_study_too_small_for_a_question_says_what_makes_it_larger(
    question: str, needed: int, named: str, bench: Bench
) -> None:
    done("sweep", "mine.toml")
    before = bench.runs
    told = refusal(question, named)
    way_out = f"passaat extend mine.db --points {needed}"
    assert f"`{way_out}`" in told
    assert "Mend" not in told
    assert bench.runs == before
    done(*way_out.split()[1:])
    done(question, "mine.db")


def test_a_factorial_too_small_for_a_question_is_told_what_gives_it_points(bench: Bench) -> None:
    plan = write_plan(
        "small.toml",
        ('"latin-hypercube"', '"factorial"'),
        ("points = 8\n", ""),
        ("{ low = 200_000, high = 500_000 }", "[200_000, 500_000]"),
    )
    told = refusal("sensitivity", plan)
    assert "points = 12 of mine are too few" in told
    assert 'Give more values to its factors, or write method = "latin-hypercube" and points = 30' in told
    assert bench.runs == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sensitivity", "large.toml", "--outcome", "contract"), "unknown outcome 'contract'; did you mean"),
        (("tradeoffs", "large.toml", "--outcome", "contract"), "unknown outcome 'contract'; did you mean"),
        (("discover", "large.toml", "--outcome", "contract"), "unknown outcome 'contract'; did you mean"),
        (("discover", "large.toml", "--option", "go-no"), "unknown policy 'go-no'; did you mean 'go-no-go'"),
        (("discover", "large.toml", "--against", "none"), "unknown policy 'none'"),
    ],
)
def test_a_question_about_what_a_plan_lacks_is_refused_before_it_runs(
    arguments: tuple[str, ...], told: str, bench: Bench
) -> None:
    write_plan("large.toml", ("points = 8", "points = 40"))
    assert told in refusal(*arguments)
    assert bench.runs == 0


def test_no_corner_is_looked_for_where_only_draws_vary(bench: Bench) -> None:
    head = PLAN.split("[levers]")[0].replace("points = 8", "points = 40")
    Path("draws.toml").write_text(head, encoding="utf-8")
    assert "no lever and no parameter varies in mine" in refusal("discover", "draws.toml")
    assert bench.runs == 0
