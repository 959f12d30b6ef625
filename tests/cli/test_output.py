"""What is printed: no number is ever cut, nothing a user wrote is obeyed, and all is saved before anybody reads it."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.text import Text
from rich.table import Table

from passaat import cli
from passaat.cli import analysing as cli_analysis
from passaat.cli import parts as cli_parts
from passaat.cli import studies as cli_studies
from passaat.errors import StudyError
from passaat.experiments.analyses.compare import Comparison, compare
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.reports.figures import (
    FontWarning,
    differences_figure,
    new_figure,
    save_figure,
    save_figures,
)
from passaat.scenarios.loading import load_scenario
from passaat.scenarios.scenario import Scenario
from passaat.screen import Blocks, Screen, Section, Whole
from passaat.shown import json_shown, shown

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = (60, 80, 100, 120)
STYLING = re.compile(r"\x1b\[[0-9;]*m")
NUMBER = re.compile(r"[+-]?\d[\d,.]*\d|\d")
HOSTILE = "Fees [bold]of[/bold] $2,000 to $5,000 [/x] :smile: \x1b[2J \u202e \n \x9b31m"
AS_SHOWN = "Fees [bold]of[/bold] $2,000 to $5,000 [/x] :smile: \\x1b[2J \\u202e \\n \\x9b31m"

PLAN = """
name = "mine"
question = "What do amount and follow-up do?"
reference = "pib"
options = ["go-no-go"]

[design]
method = "METHOD"
POINTS
worlds = 2
draws = 2

[levers]
covenant_amount_eur = LEVER
follow_up_years = [0, 2, 4]
"""


class Terminal(io.StringIO):
    """Standard output that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Gone(Terminal):
    """Standard output that takes nothing."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def isatty(self) -> bool:
        return False

    def write(self, _: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


def call(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, width: int = 400, out: Terminal | None = None
) -> tuple[int, str, str]:
    """Exit code, standard output without colours, and standard error of a command on a terminal so wide."""
    out, err = out or Terminal(), io.StringIO()
    with monkeypatch.context() as patched:
        patched.setenv("COLUMNS", str(width))
        patched.setenv("TERM", "xterm")
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", err)
        try:
            code = cli.app(list(arguments), standalone_mode=True)
        except SystemExit as ended:
            code = ended.code
    return int(code or 0), STYLING.sub("", out.getvalue()), err.getvalue()


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(toy: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """An empty working folder in which the commands run the toy."""
    posterior = replace(toy, basis=Basis("posterior", "PIB 2016-2020", "abc", 120.0))

    def the_model(_: object, *, prior: bool = False) -> Simulator:
        return toy if prior else posterior

    for module in (
        "analyses.sweep",
        "analyses.verify",
        "design.simulator",
    ):  # the first two take theirs from the last when imported
        monkeypatch.setattr(f"passaat.experiments.{module}.the_model", the_model)
    for commands in (cli.comparing, cli.running, cli.scenarios, cli_studies, cli_analysis):
        monkeypatch.setattr(commands, "warm_up", lambda: None)
    monkeypatch.chdir(tmp_path)
    lever = "{ low = 200_000, high = 500_000 }"
    for name, method, points, values in (
        ("mine.toml", "latin-hypercube", "points = 40", lever),
        ("fact.toml", "factorial", "", "[200_000, 500_000]"),
    ):
        text = PLAN.replace("METHOD", method).replace("POINTS", points).replace("LEVER", values)
        Path(name).write_text(text.replace("mine", name.removesuffix(".toml")), encoding="utf-8")
    return lambda *arguments, **how: call(monkeypatch, *arguments, **how)


COMPARE = ("compare", "pib", "--options", "stricter-selection", "follow-up", "--draws", "3", "--worlds", "2")

REPLICATE = (
    "replicate",
    "pib",
    "--options",
    "follow-up",
    "go-no-go",
    "--precision",
    "2e7",
    "--budget",
    "400",
)

ON_A_TOY = (
    ((), COMPARE),
    ((), (*COMPARE, "--all")),
    ((), (*COMPARE, "--decisions")),
    ((), (*COMPARE, "--structures", "--structure-worlds", "2")),
    ((), ("sweep", "mine.toml", "--dry-run")),
    ((), ("sweep", "mine.toml")),
    (("sweep", "mine.toml"), ("studies",)),
    (("sweep", "mine.toml"), ("resume", "mine.db")),
    (("sweep", "mine.toml"), ("verify", "mine.db")),
    (("sweep", "mine.toml"), ("sensitivity", "mine.db", "--levels")),
    (("sweep", "mine.toml"), ("discover", "mine.db")),
    (("sweep", "fact.toml"), ("tradeoffs", "fact.db")),
    (COMPARE, ("tradeoffs", "pib.db")),
    (REPLICATE, REPLICATE),
)
ON_THE_MODEL = (
    ("run", "pib"),
    ("run", "pib", "--all"),
    ("run", "pib", "--cluster", "80"),
    ("levers",),
    ("levers", "follow_up_years"),
    ("evidence",),
    ("evidence", "--claims"),
    ("evidence", "SH01"),
    ("check", "follow-up"),
)
SLOW = (
    ("validate", "pib-next", "--prior", "--draws", "2", "--worlds", "1"),
    ("validate", "pib-next", "--structures", "--draws", "2", "--worlds", "1"),
    ("cases", "--draws", "2", "--worlds", "1"),
)


def assert_whole(asked: Call, arguments: tuple[str, ...]) -> None:
    """Every width shows the numbers that a very wide terminal shows, each whole; fewer only where it says so."""
    code, wide, err = asked(*arguments)
    assert code == 0, err
    every = Counter(NUMBER.findall(wide))
    assert every
    for width in WIDTHS:
        code, page, err = asked(*arguments, width=width)
        assert code == 0, err
        assert max(map(len, page.splitlines())) <= width
        assert page.count("…") <= wide.count("…")
        page, left_out = re.subn(r"Not shown in \d+ columns: ", "", page)
        numbers = Counter(NUMBER.findall(page))
        labels = set(NUMBER.findall(" ".join(re.findall(r"5-95 %|9 in 10|95 % interval", page))))
        assert set(numbers) <= set(every), width
        assert left_out or not every - numbers, width
        more = numbers - every
        assert set(more) <= labels, width  # headings are told again where cells stand below one another


@pytest.mark.parametrize(("before", "arguments"), ON_A_TOY, ids=lambda words: "-".join(map(str, words))[:40])
def test_no_number_is_cut_on_any_screen(
    before: tuple[str, ...], arguments: tuple[str, ...], bench: Call
) -> None:
    if before:
        assert bench(*before)[0] == 0
    assert_whole(bench, arguments)


@pytest.mark.parametrize("arguments", ON_THE_MODEL, ids=" ".join)
def test_no_number_of_the_model_is_cut_on_any_screen(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_whole(lambda *words, **how: call(monkeypatch, *words, **how), arguments)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", SLOW, ids=lambda words: " ".join(words[:3]))
def test_no_number_of_a_judgement_is_cut_on_any_screen(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_whole(lambda *words, **how: call(monkeypatch, *words, **how), arguments)


def test_every_command_is_looked_at_on_a_narrow_screen() -> None:
    """`calibrate` prints sentences after minutes of work; `extend` what `resume` prints; `new`, `export` one line."""
    looked_at = {words[0] for words in (*(after for _, after in ON_A_TOY), *ON_THE_MODEL, *SLOW)}
    known = {
        command.name or command.callback.__name__
        for command in cli.app.registered_commands
        if command.callback
    }
    assert known - looked_at == {"calibrate", "extend", "new", "export"}


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_shows_every_clusters_exports_and_costs_as_json_has_them(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = call(monkeypatch, "run", "pib", width=width)[1]
    report = json.loads(call(monkeypatch, "run", "pib", "--json")[1])
    below = re.findall(r"^cluster (\d+)\s*\n((?:  .*\n)+)", page, re.MULTILINE)
    entries = dict(below or re.findall(r"^ +(\d+) (.*)$", page, re.MULTILINE))
    for group in report["clusters"]:
        if group["in_window"] and group["covenant_start"] is not None:
            entry = " ".join(entries[str(group["cluster"])].split())
            for number in (
                f"{group['exports_eur'] / 1e6:.2f}",
                f"{group['public_eur'] / 1e3:.0f}",
                f"{group['private_eur'] / 1e3:.0f}",
            ):
                assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", entry)


# --- tables ------------------------------------------------------------------------------------------------------


def printed(view: object, width: int) -> str:
    out = io.StringIO()
    Screen(width, out, plain=True).print(view)
    return out.getvalue()


def a_table(title: str = "") -> Table:
    table = Table(title=title or None, box=None, padding=(0, 1, 0, 0))
    for heading in ("name", "low to high", "cost"):
        table.add_column(heading, justify="left" if heading == "name" else "right")
    table.add_row("the first of all options", "-1,234.5 to +6,789.0", "123,456,789")
    table.add_row("the second", "0.5 to 1.5", "7")
    return table


@pytest.mark.parametrize("width", range(14, 70))
def test_cells_are_whole_at_every_width(width: int) -> None:
    page = printed(Whole(a_table()), width)
    for number in ("-1,234.5", "+6,789.0", "123,456,789", "0.5", "1.5", "7"):
        assert number in page.split() or f"{number};" in page.split()
    assert max(map(len, page.splitlines())) <= width


def test_a_table_that_has_room_is_the_table_of_rich() -> None:
    assert printed(Whole(a_table("A title")), 100) == printed(a_table("A title"), 100)


def test_columns_that_may_be_missed_go_first_and_are_named() -> None:
    page = printed(Whole(a_table(), missable=("low to high",)), 27)
    assert "+6,789.0" not in page
    assert "123,456,789" in page
    assert "Not shown in 27 columns: low to high." in " ".join(page.split())


def test_tables_under_one_heading_line_up_whatever_their_names_are() -> None:
    grid = Table(box=None, padding=(0, 1, 0, 0))
    grid.add_column("")
    grid.add_column("mean", justify="right")
    name = "selection_threshold_points=73"
    page = printed(Blocks(grid, [("one", [("a", "1.5")]), ("two", [(name, "-22.5")])]), 60).splitlines()
    assert {len(line.rstrip()) for line in page if line.split()[-1] in ("mean", "1.5", "-22.5")} == {
        len(name) + len(" -22.5")
    }


def test_a_heading_is_never_cut() -> None:
    title = "Where follow-up beats the reference by more than 1,234,567 EUR"
    assert printed(Section(title), 80).startswith(f"{title} ──")
    assert " ".join(printed(Section(title), 30).split()) == title


def test_a_comparison_with_long_names_and_large_numbers_keeps_them(bench: Call) -> None:
    option = (
        'name = "an-option-with-a-name-that-is-longer-than-any-column-for-names"\ntitle = "T"\n'
        'kind = "option"\ndescription = "D"\n[levers]\nfollow_up_years = 3\n'
        '[levers_why]\nfollow_up_years = "W"\n'
    )
    Path("long.toml").write_text(option, encoding="utf-8")
    assert_whole(bench, (*COMPARE[:3], "long.toml", *COMPARE[5:]))


# --- what users wrote --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain, é 日本 – “quoted”", "plain, é 日本 – “quoted”"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202e\u2066\u200f", "\\u202e\\u2066\\u200f"),
        ("\u2028\x85\x9b", "\\u2028\\x85\\x9b"),
        ("\udcff", "\\udcff"),
        ("क्‍ष", "क्‍ष"),
    ],
)
def test_what_a_screen_would_obey_is_spelled_out(text: str, safe: str) -> None:
    assert shown(text) == safe
    assert json.loads(json_shown(json.dumps(text, ensure_ascii=False))) == text
    assert not re.search(
        "[\x7f-\x9f\u202e\u2066\u2028\ud800-\udfff]", json_shown(json.dumps(text, ensure_ascii=False))
    )


def test_a_screen_spells_out_what_nobody_did_before() -> None:
    assert printed("a\x1b[2Jb [bold]c[/bold] :smile:", 60) == "a\\x1b[2Jb [bold]c[/bold] :smile:\n"


@pytest.fixture
def hostile(bench: Call) -> Call:
    """The bench with a reference and an option whose titles want to be obeyed."""
    text = json.dumps(HOSTILE)
    shipped = (ROOT / "scenarios" / "shipped" / "pib.toml").read_text(encoding="utf-8")
    reference = shipped
    for field, value in (("name", '"ref"'), ("title", text), ("description", text)):
        (line,) = (line for line in shipped.splitlines() if line.startswith(f"{field} = "))
        reference = reference.replace(line, f"{field} = {value}")
    option = f'name = "mine"\ntitle = {text}\nkind = "option"\ndescription = {text}\n[levers]\nfollow_up_years = 3\n'
    option += f"[levers_why]\nfollow_up_years = {text}\n"
    Path("ref.toml").write_text(_toml(reference), encoding="utf-8")
    Path("opt.toml").write_text(_toml(option), encoding="utf-8")
    plan = Path("mine.toml").read_text(encoding="utf-8")
    plan = plan.replace('"What do amount and follow-up do?"', text).replace('"pib"', '"ref.toml"')
    Path("mine.toml").write_text(_toml(plan), encoding="utf-8")
    return bench


def _toml(text: str) -> str:
    """JSON strings as TOML takes them."""
    return text.replace("\x7f", "\\u007f")


HOSTILE_COMPARE = (
    "compare",
    "ref.toml",
    "--options",
    "opt.toml",
    "--draws",
    "2",
    "--worlds",
    "2",
    "--study",
    "h.db",
)


@pytest.mark.parametrize(
    ("before", "arguments"),
    [
        ((), ("check", "opt.toml")),
        ((), HOSTILE_COMPARE),
        ((), (*HOSTILE_COMPARE, "--decisions")),
        ((), ("sweep", "mine.toml", "--dry-run")),
        ((), ("sweep", "mine.toml")),
        (("sweep", "mine.toml"), ("studies",)),
        (("sweep", "mine.toml"), ("sensitivity", "mine.db")),
        ((), ("replicate", "ref.toml", "--options", "opt.toml", "--precision", "2e7", "--budget", "400")),
    ],
    ids=lambda words: "-".join(words)[:40],
)
def test_titles_are_shown_as_they_were_written(
    before: tuple[str, ...], arguments: tuple[str, ...], hostile: Call
) -> None:
    if before:
        assert hostile(*before)[0] == 0
    code, page, err = hostile(*arguments)
    assert code == 0, err
    assert AS_SHOWN in " ".join(page.split())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", page + err)


def test_json_means_what_was_written_and_obeys_nothing(hostile: Call) -> None:
    code, page, err = hostile(*HOSTILE_COMPARE, "--json")
    assert code == 0, err
    assert json.loads(page)["reference_title"] == HOSTILE
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", page)


def test_sectors_are_shown_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = load_scenario("pib", "reference")
    world = replace_sectors(base, {"[bold]dairy": 50.0, "flowers [/b]": 50.0, "machines: $x_{": 1.0})
    monkeypatch.setattr(cli.running, "load", lambda *_: world)
    page = call(monkeypatch, "run", "pib")[1]
    for name in ("[bold]dairy", "flowers [/b]"):
        assert name in page


def replace_sectors(base: Scenario, weights: dict[str, float]) -> Scenario:
    fields = {name: getattr(base, name) for name in Scenario.model_fields}
    world = base.the_world.model_copy(update={"sector_weights": weights})
    return Scenario(**{**fields, "world": world})


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize("command", ["check", "resume", "studies", "tradeoffs", "verify"])
@pytest.mark.parametrize(
    "name", ["a" * 256, "-x y'\"é\nz", "x\udcff"], ids=["long", "odd letters", "not UTF-8"]
)
def test_odd_names_are_one_line_and_exit_code_2(command: str, name: str, bench: Call) -> None:
    for ending in (".toml", ".db"):
        code, page, err = bench(command, "--", name + ending)
        assert (code, page) == (2, "")
        problem, way_out = err.splitlines()
        assert problem.startswith("Error: ")
        assert way_out.startswith("Way out: ")


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize("name", ["a" * 256, "nowhere/x"])
def test_new_with_a_name_that_cannot_be_is_one_line(name: str, bench: Call) -> None:
    code, page, err = bench("new", f"{name}.toml")
    assert (code, page) == (2, "")
    assert len(err.splitlines()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_a_name_with_a_line_end_is_refused_on_one_line(bench: Call) -> None:
    code, page, err = bench("new", "x\nname = 'other'\n.toml")
    assert (code, page) == (2, "")
    problem, way_out = err.splitlines()
    assert problem == "Error: x\\nname = 'other'\\n.toml holds a character that cannot be shown"
    assert way_out.startswith("Way out: ")
    assert not [path for path in Path().iterdir() if path.name.startswith("x")]


# --- figures -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def comparison(request: pytest.FixtureRequest) -> Comparison:
    toy, pib, options = (request.getfixturevalue(name) for name in ("toy", "pib", "two_options"))
    return compare(pib, options, draws=6, worlds_per_draw=4, workers=1, simulator=toy)


def test_figures_are_the_same_bytes_under_any_settings(tmp_path: Path, comparison: Comparison) -> None:
    theirs: Any = {"text.usetex": True, "font.size": 30.0, "savefig.dpi": 10, "font.family": "serif"}
    plain = save_figures(comparison, tmp_path / "plain")
    with mpl.rc_context(theirs):
        styled = save_figures(comparison, tmp_path / "styled")
        assert mpl.rcParams["font.size"] == 30.0
    for one, other in zip(plain, styled, strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("broken", ["backend", "file"])
def test_matplotlib_is_imported_whatever_the_environment_says(broken: str, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    settings = {"MPLBACKEND": "bogus"} if broken == "backend" else {"MATPLOTLIBRC": str(tmp_path / "bad")}
    code = (
        "from passaat.cli.parts import import_matplotlib; import_matplotlib();"
        "from passaat.experiments.reports.figures import new_figure, save_figure; from pathlib import Path;"
        "print(*save_figure(new_figure(1.0), Path('x'), '0'))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    assert ended.stdout.split() == ["x.png", "x.svg"], ended.stderr


def test_a_settings_file_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_bytes(b"\xff\xfe")
    code = (
        "from passaat.cli.parts import import_matplotlib\n"
        "from passaat.errors import StudyError\n"
        "try: import_matplotlib()\n"
        "except StudyError as error: print(error)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ended.stdout.startswith("figures cannot be drawn: matplotlib cannot read its settings")
    assert "Way out: Mend or remove the file matplotlibrc" in ended.stdout


def test_no_text_in_a_figure_is_mathematics(comparison: Comparison) -> None:
    title = "Fees of $2,000 to $5,000"
    figure = differences_figure(replace(comparison, reference_title=title))
    texts = figure.findobj(Text)
    assert any(title in text.get_text() for text in texts)
    assert not any(text.get_parse_math() for text in texts if "$" in text.get_text())


def test_letters_that_the_font_lacks_are_named_once(tmp_path: Path) -> None:
    figure = new_figure(2.0)
    for place in range(3):
        figure.text(0.1, place / 3, "日本 – é\x1b")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        save_figure(figure, tmp_path / "x", "0")
    assert [(warning.category, str(warning.message)) for warning in caught] == [
        (FontWarning, "the font of figures lacks 日 本")
    ]
    assert "\\x1b" in figure.texts[0].get_text()


def test_a_command_names_the_letters_that_the_font_lacks_once(
    bench: Call, comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(*_: object) -> tuple[Path, ...]:
        for _time in range(3):
            warnings.warn("the font of figures lacks 日", FontWarning, stacklevel=2)
        return (Path("a.png"),)

    monkeypatch.setattr("passaat.experiments.reports.figures.save_figures", save)
    err = bench(*COMPARE)[2]
    assert err.count("The font of figures lacks 日; boxes stand for it in the figures.") == 1
    assert "Warning" not in err


# --- saved before it is printed ----------------------------------------------------------------------------------

SAVING: tuple[tuple[tuple[str, ...], tuple[str, ...], int], ...] = (
    ((), COMPARE, 5),
    (("sweep", "mine.toml"), ("sensitivity", "mine.db"), 3),
    (("sweep", "mine.toml"), ("discover", "mine.db"), 1),
    (("sweep", "fact.toml"), ("tradeoffs", "fact.db"), 6),
)


@pytest.mark.parametrize(("before", "arguments", "least"), SAVING, ids=str)
@pytest.mark.parametrize(("number", "code"), [(errno.EPIPE, 141), (errno.ENOSPC, 74)])
def test_all_is_saved_though_nobody_can_read_it(
    number: int, code: int, before: tuple[str, ...], arguments: tuple[str, ...], least: int, bench: Call
) -> None:
    if before:
        assert bench(*before)[0] == 0
    there = set(Path().iterdir())
    ended, _, err = bench(*arguments, out=Gone(number))
    assert ended == code
    written = {path for path in Path().iterdir() if path.suffix in (".csv", ".png", ".svg")} - there
    assert len(written) >= least
    for path in written:
        assert path.stat().st_size > 0
        assert f": {path}" in err
    assert sum(line.startswith(("Error", "The output was closed")) for line in err.splitlines()) == 1
    assert "Traceback" not in err


def test_tables_are_saved_and_shown_where_figures_cannot_be(
    bench: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise StudyError("figures cannot be drawn", "Mend it.")

    monkeypatch.setattr("passaat.cli.parts.import_matplotlib", refuse)
    code, page, err = bench(*COMPARE)
    assert code == 2
    assert "Largest doubt" in page
    assert Path("pib-stricter-selection,follow-up-decisions.csv").stat().st_size > 0
    assert err.splitlines()[-2:] == ["Error: figures cannot be drawn", "Way out: Mend it."]


@pytest.mark.parametrize(
    ("before", "arguments"), [case[:2] for case in SAVING], ids=lambda words: str(words)[:30]
)
@pytest.mark.parametrize(("number", "code"), [(errno.EROFS, 0), (errno.ENOSPC, 2)])
def test_a_study_in_a_place_that_takes_no_files_is_shown_all_the_same(
    number: int,
    code: int,
    before: tuple[str, ...],
    arguments: tuple[str, ...],
    bench: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if before:
        assert bench(*before)[0] == 0

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    whole = bench(*arguments)[1]
    monkeypatch.setattr("passaat.experiments.reports.files.write_whole", refuse)
    ended, page, err = bench(*arguments)
    assert (ended, page) == (code, whole)
    said = err.splitlines()
    if code == 0:
        (line,) = (line for line in said if line.startswith("Tables and figures are not saved"))
        assert line.endswith("may only be read.")
    else:
        assert any("cannot be written (No space left on device)" in line for line in said)


@pytest.mark.parametrize(("before", "study"), [(COMPARE, "pib.db"), (("sweep", "mine.toml"), "mine.db")])
def test_a_finished_study_is_shown_from_a_place_that_may_only_be_read(
    before: tuple[str, ...], study: str, bench: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = bench(*before)[1]
    there = {path: path.read_bytes() for path in Path().iterdir()}

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "access", lambda _path, mode, **_: mode != os.W_OK)
    monkeypatch.setattr("passaat.experiments.reports.files.write_whole", refuse)
    code, again, err = bench("resume", study)
    assert code == 0, err
    whose = "Results of model 0.0-toy, as it computed them."
    assert again.partition(whose)[0] == page.partition(whose)[0]
    assert whose in again
    assert f"Study: {study}" in err
    assert err.count("Tables and figures are not saved") == (study == "pib.db")
    assert {path: path.read_bytes() for path in Path().iterdir()} == there


READ_ONLY_AGAIN = (
    (COMPARE, COMPARE, "pib.db"),
    (COMPARE, ("compare", "pib", "--study", "pib.db"), "pib.db"),
    ((*COMPARE, "--prior"), (*COMPARE, "--prior"), "pib-prior.db"),
    (("sweep", "mine.toml"), ("sweep", "mine.toml"), "mine.db"),
    (
        ("sweep", "mine.toml", "--study", "x.db"),
        ("sweep", "mine.toml", "--study", "x.db", "--json"),
        "x.db",
    ),
)


@pytest.fixture
def protect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the system say that a folder or a file may only be read: root, who may run tests, can write everywhere."""

    def protected(*names: str) -> None:
        def access(place: str | Path, mode: int, **_: Any) -> bool:
            return mode != os.W_OK or str(place) not in names

        def refuse(*_: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(os, "access", access)
        monkeypatch.setattr("passaat.experiments.reports.files.write_whole", refuse)
        monkeypatch.setattr("passaat.experiments.study.study.take_lock", refuse)

    return protected


@pytest.mark.parametrize("folder_too", [True, False])
@pytest.mark.parametrize(("before", "again", "study"), READ_ONLY_AGAIN)
def test_the_same_question_is_read_where_nothing_can_be_written(
    before: tuple[str, ...],
    again: tuple[str, ...],
    study: str,
    folder_too: bool,
    bench: Call,
    protect: Callable[..., None],
) -> None:
    page = bench(*before, *(["--json"] if "--json" in again else []))[1]
    there = {path: path.read_bytes() for path in Path().iterdir()}
    protect(*([".", study] if folder_too else [study]))
    code, shown_again, err = bench(*again)
    assert code == 0, err
    whose = "Results of model 0.0-toy"
    assert shown_again.partition(whose)[0] == page.partition(whose)[0]
    assert f"Study: {study}" in err
    assert {path: path.read_bytes() for path in Path().iterdir()} == there


def test_where_only_the_folder_may_be_read_a_study_is_read_too(
    bench: Call, protect: Callable[..., None]
) -> None:
    page = bench("sweep", "mine.toml", "--json")[1]
    protect(".")
    assert bench("sweep", "mine.toml", "--json")[:2] == (0, page)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no such rights there")
def test_a_folder_that_may_really_only_be_read_will_do(tmp_path: Path) -> None:
    """Without the right of root to write everywhere."""
    powerless: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere")
        rights = "-dac_override,-dac_read_search,-fowner"
        powerless = ["setpriv", "--bounding-set", rights, "--inh-caps", rights]
    program = [*powerless, sys.executable, "-m", "passaat"]

    def called(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*program, *arguments], cwd=tmp_path, capture_output=True, text=True)

    plan = PLAN.replace("METHOD", "factorial").replace("POINTS", "").replace("LEVER", "[200_000, 500_000]")
    (tmp_path / "mine.toml").write_text(plan, encoding="utf-8")
    questions = (("sweep", "mine.toml"), (*COMPARE, "--draws", "2", "--study", "c.db"))
    pages = [called(*words).stdout for words in questions]
    there = {path: path.read_bytes() for path in tmp_path.iterdir()}
    tmp_path.chmod(0o555)
    try:
        assert subprocess.run([*powerless, "touch", "x"], cwd=tmp_path, capture_output=True).returncode != 0
        for words, page in zip(questions, pages, strict=True):
            ended = called(*words)
            assert (ended.returncode, ended.stdout) == (0, page), ended.stderr
        assert called("compare", "pib", "--study", "c.db").stdout == pages[1]
        assert called("compare", "pib", "--study", "c.db", "--draws", "3").returncode == 2
    finally:
        tmp_path.chmod(0o755)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == there


@pytest.mark.parametrize(
    ("before", "again"),
    [
        (COMPARE, (*COMPARE, "--draws", "4")),
        (COMPARE, (*COMPARE, "--set", "assessors=3")),
        (COMPARE, (*COMPARE, "--structures", "--structure-worlds", "2")),
        (COMPARE, (*COMPARE, "--study", "new.db")),
        (COMPARE, (*COMPARE, "--prior", "--study", "pib.db")),
        (("sweep", "mine.toml"), ("sweep", "fact.toml", "--study", "mine.db")),
        (("sweep", "mine.toml"), (*COMPARE, "--study", "mine.db")),
    ],
)
def test_another_question_is_refused_where_nothing_can_be_written(
    before: tuple[str, ...], again: tuple[str, ...], bench: Call, protect: Callable[..., None]
) -> None:
    assert bench(*before)[0] == 0
    protect(".", "pib.db", "mine.db")
    code, page, err = bench(*again)
    assert (code, page) == (2, "")
    assert "cannot be written: no permission" in err


def test_a_study_that_is_not_finished_or_rests_on_other_draws_is_refused_where_nothing_can_be_written(
    toy: Simulator, bench: Call, protect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench(*COMPARE)[0] == 0
    assert bench("sweep", "mine.toml")[0] == 0
    with closing(sqlite3.connect("mine.db", isolation_level=None)) as db:
        db.execute("UPDATE meta SET value = 'incomplete' WHERE key = 'state'")
    protect(".", "pib.db", "mine.db")
    assert "cannot be written: no permission" in bench("sweep", "mine.toml")[2]
    other = replace(toy, basis=Basis("posterior", "PIB 2016-2020", "another", 120.0))
    monkeypatch.setattr("passaat.experiments.design.simulator.the_model", lambda *_, prior=False: other)
    assert bench(*COMPARE)[0] == 2
    assert "cannot be written: no permission" in bench(*COMPARE)[2]
    newer = replace(other, version="0.1-toy")
    monkeypatch.setattr("passaat.experiments.design.simulator.the_model", lambda *_, prior=False: newer)
    assert "0.1-toy" in bench(*COMPARE)[2]


# --- names of files ----------------------------------------------------------------------------------------------


def test_a_second_question_leaves_the_files_of_the_first_alone(bench: Call) -> None:
    assert bench("sweep", "mine.toml")[0] == 0
    assert bench("sweep", "fact.toml")[0] == 0
    assert bench(*COMPARE)[0] == 0
    asked = (
        ("tradeoffs", "fact.db"),
        ("tradeoffs", "fact.db", "--outcome", "contracts"),
        ("sensitivity", "mine.db"),
        ("sensitivity", "mine.db", "--levels"),
        ("sensitivity", "mine.db", "--outcome", "contracts"),
        ("discover", "mine.db"),
        ("discover", "mine.db", "--by", "1000"),
        ("discover", "mine.db", "--by", "1000.0000001"),
        ("discover", "mine.db", "--outcome", "contracts"),
        ("discover", "mine.db", "--fails-at", "1e6"),
        ("discover", "mine.db", "--fails-at", "1e6", "--option", "reference"),
        ("discover", "mine.db", "--option", "reference", "--against", "go-no-go"),
        ("compare", "pib", "--options", "follow-up", "--draws", "3", "--worlds", "2"),
        ("compare", "pib", "--draws", "3", "--worlds", "2"),
    )
    for arguments in asked:
        before = {
            path: path.read_bytes() for path in Path().iterdir() if path.suffix in (".csv", ".png", ".svg")
        }
        code, _, err = bench(*arguments)
        assert code == 0, err
        tables = [line for line in err.splitlines() if line.startswith("Table: ")]
        assert tables
        assert all(Path(line.removeprefix("Table: ")) not in before for line in tables), arguments
        assert all(path.read_bytes() == content for path, content in before.items()), arguments


@pytest.mark.parametrize(
    "first",
    [(*COMPARE, "--json"), (*REPLICATE, "--json"), (*REPLICATE, "--pilot")],
    ids=lambda words: words[0],
)
def test_another_seed_basis_or_reference_is_another_study(first: tuple[str, ...], bench: Call) -> None:
    text = load_scenario("pib").to_toml().replace('name = "pib"', 'name = "pib"\nbased_on = "pib"')
    Path("pib.toml").write_text(text.replace("n_firms = 2000", "n_firms = 1999"), encoding="utf-8")
    assert load_scenario("pib.toml").hash != load_scenario("pib").hash
    edited = (first[0], "pib.toml", *first[2:])
    for arguments in (
        first,
        (*first, "--seed", "2"),
        (*first, "--prior"),
        (*first, "--set-reference", "assessors=3"),
        edited,
    ):
        before = {path: path.read_bytes() for path in Path().iterdir()}
        code, _, err = bench(*arguments)
        assert code == 0, err
        assert any(path.suffix == ".db" for path in set(Path().iterdir()) - set(before)), arguments
        assert all(path.read_bytes() == content for path, content in before.items()), arguments
        there = set(Path().iterdir())
        assert bench(*arguments)[0] == 0
        assert set(Path().iterdir()) == there


def test_more_draws_of_the_same_question_replace_its_answer(bench: Call) -> None:
    assert bench(*COMPARE)[0] == 0
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert bench("extend", "pib.db", "--draws", "5")[0] == 0
    assert set(Path().iterdir()) == set(before)
    table = Path("pib-stricter-selection,follow-up-decisions.csv")
    assert table.read_bytes() != before[table]


def test_a_calibration_leaves_another_one_alone_unless_told_to(
    bench: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Found:
        metadata: Mapping[str, Any] = {}

        def write(self, folder: Path, name: str) -> tuple[Path, ...]:
            return ()

        def summary(self) -> tuple[str, ...]:
            return ()

    monkeypatch.setattr("passaat.calibration.calibrate.calibrate", lambda *_, **__: Found())
    shipped = json.loads((ROOT / "calibration" / "posterior" / "pib.json").read_text(encoding="utf-8"))
    Path("here").mkdir()
    (Path("here") / "pib.json").write_text(json.dumps(shipped), encoding="utf-8")
    (Path("here") / "sbc.json").write_text("[1]", encoding="utf-8")
    assert bench("calibrate", "pib", "--out", "here")[0] == 0
    for other in (("pib", "--quick"), ("pib", "--seed", "2"), ("pib-next",)):
        code, page, err = bench("calibrate", *other, "--out", "here")
        assert (code, page) == (2, "")
        assert "here holds the posterior of another calibration: pib with seed 1" in err
        assert "--force" in err
        assert bench("calibrate", *other, "--out", "here", "--force")[0] == 0
        assert bench("calibrate", *other, "--out", "elsewhere")[0] == 0


def test_an_option_edited_under_its_name_is_another_question(bench: Call) -> None:
    text = 'name = "mine"\ntitle = "T"\nkind = "option"\ndescription = "D"\n[levers_why]\nfollow_up_years = "W"\n'
    text += "[levers]\nfollow_up_years = "
    tables = set()
    for years in (2, 3):
        Path("mine-option.toml").write_text(f"{text}{years}\n", encoding="utf-8")
        err = bench("compare", "pib", "--options", "mine-option.toml", "--draws", "2", "--worlds", "2")[2]
        tables |= {line for line in err.splitlines() if line.startswith("Table: ")}
    assert len(tables) == 2


def test_a_first_look_at_a_posterior_replaces_none_that_is_for_use() -> None:
    pib, other = load_scenario("pib"), load_scenario("pib-next")
    asked = [(pib, False, 1), (pib, True, 1), (pib, False, 2), (other, False, 1), (other, True, 2)]
    folders = [cli.calibrating._posterior_folder(base, quick=quick, seed=seed) for base, quick, seed in asked]
    assert folders[0] == Path("posterior")
    assert len(set(folders)) == len(folders)


def test_calibrate_refuses_a_folder_it_cannot_write_to_before_it_runs(bench: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    code, page, err = bench("calibrate", "--quick", "--out", "file")
    assert (code, page) == (2, "")
    assert "file cannot be written to" in err
    assert "--out FOLDER" in err


# --- exit codes --------------------------------------------------------------------------------------------------


def test_the_page_tells_every_exit_code_there_is() -> None:
    constants = {
        value
        for module in (cli_parts, cli_studies)
        for name, value in vars(module).items()
        if name.startswith("EXIT_")
    }
    page = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
    told = [int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)]
    assert told == sorted({0, *constants})


@pytest.mark.skipif(sys.platform == "win32", reason="no such shell there")
@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        (
            "--help >/dev/full",
            74,
            "Error: not all was printed (No space left on device).",
        ),
        (">/dev/null", 0, ""),
        (">/dev/full", 74, "Error: not all was printed (No space left on device)."),
        (">&-", 141, "The output was closed before all was printed."),
        (">/dev/null 2>/dev/full", 0, ""),
        (">/dev/null 2>&-", 0, ""),
        (
            "--json >/dev/full",
            74,
            "Error: not all was printed (No space left on device).",
        ),
    ],
)
def test_full_and_closed_output_is_one_line_and_an_exit_code(redirected: str, code: int, said: str) -> None:
    if "/dev/full" in redirected and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = f'"{sys.executable}" -m passaat levers {redirected}'
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert ended.returncode == code
    assert ended.stderr.strip() == said


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
@pytest.mark.parametrize(
    "arguments", ["--help", "-h", "--version", "--version --json", "compare --help", "levers"]
)
def test_a_reader_who_has_gone_away_is_one_line_and_its_exit_code(arguments: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "passaat", *arguments.split()],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(writing)
    said = "The output was closed before all was printed."
    assert (ended.returncode, ended.stderr.strip()) == (141, said)


# --- keys of the JSON --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rest", "more", "why"),
    [
        ("posterior", (), ""),
        ("prior", ("--prior",), "prior ranges were asked for"),
    ],
)
def test_every_answer_for_programs_says_whether_it_is_calibrated(
    rest: str, more: tuple[str, ...], why: str, bench: Call
) -> None:
    """The keys beside every ``drawn_from``, however deep; a file read back says what was said when it was made."""
    for name in ("mine", "fact"):
        text = (
            Path(f"{name}.toml")
            .read_text(encoding="utf-8")
            .replace("draws = 2", f'rest = "{rest}"\ndraws = 2')
        )
        Path(f"{name}.toml").write_text(text, encoding="utf-8")
    sweeps = [
        ("sweep", "mine.toml"),
        ("sensitivity", "mine.db"),
        ("discover", "mine.db"),
        ("tradeoffs", "fact.toml"),
    ]
    compared = "pib-prior.db" if more else "pib.db"
    comparisons = [(*COMPARE, *more), ("tradeoffs", compared), ("resume", compared), (*REPLICATE, *more)]
    for arguments in [*sweeps, *comparisons]:
        code, page, err = bench(*arguments, "--json")
        assert code == 0, err
        said = list(beside_drawn_from(json.loads(page)))
        assert said
        assert all(one == why for one in said), arguments


def beside_drawn_from(data: Any) -> Iterator[Any]:
    """What stands under ``uncalibrated`` beside every ``drawn_from``."""
    if isinstance(data, dict):
        if "drawn_from" in data:
            yield data["uncalibrated"]
        data = list(data.values())
    for one in data if isinstance(data, list) else ():
        yield from beside_drawn_from(one)
