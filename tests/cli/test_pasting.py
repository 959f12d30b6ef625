"""Way outs that are commands mean what they say when they are pasted into a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path, PurePath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from passaat import cli
from passaat.errors import command
from passaat.scenarios.loading import load_scenario

SHELLS = [shell for shell in ("sh", "bash", "zsh", "dash") if shutil.which(shell)]
POWERSHELL = shutil.which("pwsh")

STUB = '#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done\n'
"""Stands in for a program: says which words it was given."""

COMMAND = re.compile(r"`((?:passaat|mv) [^`\n]+)`|(?:: |#   )((?:passaat|mv) [^`\n]+)$", re.MULTILINE)
"""A command in a message: in backticks, or after a colon up to the end of the line."""


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stubs")
    for name in ("passaat", "mv"):
        (folder / name).write_text(STUB, encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def words_of(line: str, stubs: Path, shell: str = "sh") -> list[str]:
    """The words that a program is given when a line is pasted into a shell."""
    environment = {**os.environ, "PATH": f"{stubs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([shell, "-c", line], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


def commands_in(message: str) -> list[str]:
    return [quoted or bare for quoted, bare in COMMAND.findall(message)]


ODD_NAMES = (
    "my file",
    "it's",
    "a$HOME",
    "a;b",
    "a&b",
    "-x",
    "x=y",
    "=x",
    "~x",
    "*",
    "#x",
    "(1)",
    "a,b",
    "100%",
    "!x",
    "[a]",
    "{a,b}",
    '"',
    "a|b",
    "a>b",
    "a\\b",
    "@x",
    "naïve 木",
    "'\"$",
)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_line_means_its_very_words_in_every_shell(shell: str, stubs: Path) -> None:
    line = command("passaat", "check", *ODD_NAMES)
    assert words_of(line, stubs, shell) == ["check", *ODD_NAMES]


@pytest.mark.skipif(POWERSHELL is None, reason="no PowerShell on this machine")
def test_a_command_line_means_its_very_words_in_powershell(stubs: Path) -> None:
    names = [name for name in ODD_NAMES if name != "'\"$"]  # no quoting serves all shells there
    assert words_of(command("passaat", "check", *names), stubs, "pwsh") == ["check", *names]


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8), max_size=4)
)
@example(words=["", "a\nb", "`id`", "$(id)"])
def test_any_words_survive_the_shell(words: list[str], stubs: Path) -> None:
    assert words_of(command("passaat", *words), stubs) == words


@pytest.mark.parametrize(
    ("words", "line"),
    [
        # What PowerShell parts or expands, and sh does not: a comma makes a list, @ splats, % and ~ stand for others.
        (["--set", "budget=2019:1,2021:2"], "--set 'budget=2019:1,2021:2'"),
        (["@x", "100%", "~x"], "'@x' '100%' '~x'"),
        ([PurePath("-x.toml")], "./-x.toml"),
        ([PurePath("folder/my.toml"), "follow-up+go-no-go"], "folder/my.toml follow-up+go-no-go"),
        (["it's"], '"it\'s"'),
    ],
)
def test_words_are_quoted_for_powershell_too(words: list[str | PurePath], line: str) -> None:
    assert command("passaat", *words) == f"passaat {line}"


def said(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.stdout + result.stderr


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name != "*"])
def test_commands_in_messages_name_the_file_they_are_about(
    name: str, stubs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = load_scenario("pib").to_toml()
    file, study, wrong = f"./{name}.toml", f"./{name}.db", f"./{name}.txt"
    Path(file).write_text(text, encoding="utf-8")
    Path(study).write_bytes(b"")
    Path(wrong).write_text(text, encoding="utf-8")
    messages = {
        "new": said("new", file, "--force"),
        "head": Path(file).read_text(encoding="utf-8").partition("\n\n")[0],
        "try": said("check", file, "--try"),
        "ending": said("check", wrong),
        "study": said("check", study),
        "resume a plan": said("resume", file),
        "sweep a study": said("sweep", study),
        "no options flag": said("compare", "pib", file),
    }
    for place, message in messages.items():
        found = commands_in(message)
        assert found, place
        for line in found:
            names = [Path(word).name for word in words_of(line, stubs)]
            if line != "passaat studies":
                assert {Path(file).name, Path(study).name, Path(wrong).name} & set(names), (place, line)


def test_the_file_with_another_ending_is_renamed_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-my option.txt").write_text(load_scenario("follow-up").to_toml(), encoding="utf-8")
    (line,) = commands_in(said("check", "./-my option.txt"))
    subprocess.run(["sh", "-c", line], check=True)
    assert "is a valid option" in said("check", "./-my option.toml")


def test_an_option_with_a_long_dash_is_named_and_mended(stubs: Path) -> None:
    for dash in ("\N{EN DASH}", "\N{EM DASH}", "\N{EN DASH}-", "\N{MINUS SIGN}\N{MINUS SIGN}"):
        message = said("run", "pib", f"{dash}set", "assessors=3")
        assert f"begins with {dash[0]} (" in message
        assert "Way out: passaat run pib --set assessors=3\n" in message
        assert words_of(message.partition("Way out: ")[2], stubs) == ["run", "pib", "--set", "assessors=3"]


def test_a_file_whose_name_begins_with_a_hyphen_is_no_option_in_the_way_out(
    stubs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-x.toml").write_text(load_scenario("pib").to_toml(), encoding="utf-8")
    (line,) = commands_in(said("check", "--try", "--", "-x.toml"))
    assert words_of(line, stubs) == ["run", "./-x.toml"]
