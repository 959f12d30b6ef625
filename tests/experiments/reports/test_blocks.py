"""A report is said once, as blocks, and every form of it says the same; nothing that a user wrote becomes markup."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from typer.testing import CliRunner

from passaat import cli
from passaat.errors import StudyError
from passaat.experiments.analyses.compare import Comparison, compare
from passaat.experiments.reports.blocks import (
    Cell,
    Column,
    Figure,
    Group,
    Heading,
    Note,
    Report,
    Section,
    Sentence,
    Stack,
    Table,
    stacked,
    text_of,
)
from passaat.experiments.reports.comparison import comparison_report
from passaat.experiments.reports.data import report_json, table_csv, tables_csv
from passaat.experiments.reports.forms import FORMS, figures_in, joined, require_form, save_report
from passaat.experiments.reports.markdown import markdown
from passaat.experiments.reports.terminal import plain_text

COMPARED = Path(__file__).resolve().parents[2] / "studies" / "compared-0.1.0.study"
HOSTILE = (
    "# Fees",
    "- of",
    "1. 5 %",
    "12) more",
    "> quoted",
    "a|b || c",
    "*bold* __too__ ~~gone~~",
    "`code` \\` \\",
    "<script>alert(1)</script> &amp; &#35;",
    "[text](https://example.org) ![x](y.png) [ref]: z",
    "https://example.org and www.example.org and me@example.org",
    "$x_1^2$ :smile: C#",
    "===",
    "---",
    "    indented",
    "+1 = +2",
    "ends in two blanks  ",
    "{.class} ~~~",
)
PLAIN_TOKENS = {"inline", "text", "paragraph_open", "paragraph_close"}


@pytest.fixture(scope="module")
def comparison(request: pytest.FixtureRequest) -> Comparison:
    toy, pib, options = (request.getfixturevalue(name) for name in ("toy", "pib", "two_options"))
    return compare(pib, options, draws=6, worlds_per_draw=4, workers=1, simulator=toy)


def tokens(text: str) -> Iterator[Token]:
    """What a reader of Markdown with tables makes of a text, all the way down."""
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


def read_tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text, each as rows of what its cells say."""
    tables: list[list[list[str]]] = []
    inside = False
    for token in tokens(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type in ("th_open", "td_open", "th_close", "td_close"):
            inside = token.nesting == 1
            if inside:
                tables[-1][-1].append("")
        elif inside and token.type in ("text", "text_special"):
            tables[-1][-1][-1] += token.content
    return tables


def said(text: str) -> str:
    return " ".join(text.split())


# --- every form says the same -----------------------------------------------------------------------------------


def test_the_tables_of_a_comparison_are_the_same_in_every_form(comparison: Comparison) -> None:
    """Cell by cell: in Markdown, JSON and CSV as in the blocks, and each of them on the terminal."""
    report = comparison_report(comparison, all_outcomes=True)
    blocks = [[text_of(cell) for cell in row] for one in report.tables for g in one.groups for row in g.rows]
    assert (
        len(blocks) == 2 + 2 * 12 * 2 + 2 * 2 * 3
    )  # options, each outcome in two money variants, three lines of parts
    shown = plain_text(report)
    assert all(said(cell) in said(shown) for row in blocks for cell in row)
    in_markdown = [row for table in read_tables(markdown(report)) for row in table[1:]]
    assert in_markdown == blocks
    in_json = [
        row
        for block in json.loads(report_json(report))["blocks"]
        if block["kind"] == "table"
        for group in block["groups"]
        for row in group["rows"]
    ]
    assert in_json == blocks
    in_csv = list(csv.reader(io.StringIO(tables_csv(report))))
    cells = {cell.removeprefix("'") for row in in_csv for cell in row}
    assert {cell for row in blocks for cell in row} <= cells


def test_every_sentence_of_a_comparison_stands_in_its_markdown(comparison: Comparison) -> None:
    report = comparison_report(comparison)
    found = said("".join(t.content for t in tokens(markdown(report)) if t.type in ("text", "text_special")))
    sentences = [block for block in report.blocks if isinstance(block, Sentence | Note)]
    assert len(sentences) > 5
    assert all(said(block.text) in found for block in sentences)
    assert f"passaat: {comparison.version}" in found


def test_a_figure_with_a_blank_in_its_name_is_found() -> None:
    report = Report("a title", (Figure("a figure", ("a b.png", "a b.svg")),))
    assert "![a figure](a%20b.png)" in markdown(report)


def test_a_report_without_blocks_has_a_title_and_no_more() -> None:
    empty = Report("nothing", ())
    assert (plain_text(empty), markdown(empty), tables_csv(empty)) == ("", "# nothing\n", "")
    assert json.loads(report_json(empty)) == {"title": "nothing", "facts": {}, "blocks": []}


def test_a_heading_that_is_the_title_is_said_once() -> None:
    assert markdown(Report("Same", (Heading("Same"), Sentence("Said.")))) == "# Same\n\nSaid.\n"


def test_rows_under_a_heading_are_inset_on_the_terminal_and_named_in_csv() -> None:
    table = Table((Column("", "left"), Column("n")), (Group((("one", "1"),), "Firms", ", share"),))
    assert plain_text(Report("", (table,))) == "      n\nFirms, share\n  one 1\n"
    assert table_csv(table) == ',,n\n"Firms, share",one,1\n'


def test_stacked_columns_lose_no_cell() -> None:
    columns = tuple(map(Column, "abcd"))
    table = Table(
        columns, (Group((("1", Cell("2", "aside"), "3", "4"),)),), stacks=(Stack(0, 5), Stack(2, 7))
    )
    found = stacked(table)
    assert [(column.label, column.least) for column in found.columns] == [("a\nb", 5), ("c\nd", 7)]
    assert found.groups[0].rows == (("1\n2", "3\n4"),)
    assert stacked(replace(table, stacks=())) == replace(table, stacks=())


def test_a_table_of_numbers_is_no_formula_to_a_spreadsheet() -> None:
    table = Table((Column("=1+1"),), (Group((("+12 ± 3",), ("@SUM(A1)",), ("12",))),))
    assert table_csv(table).splitlines() == ["'=1+1", "'+12 ± 3", "'@SUM(A1)", "12"]


# --- nothing that a user wrote becomes markup -------------------------------------------------------------------


def require_plain(text: str) -> None:
    """A text is one paragraph of itself where it stands as a sentence, and itself in a cell and in a title."""
    wanted = said(text)
    found = list(tokens(markdown(Report("t", (Sentence(text),))).split("\n", 2)[2]))
    assert {token.type for token in found} <= {*PLAIN_TOKENS, "text_special"}
    assert said("".join(t.content for t in found if t.type in ("text", "text_special"))) == wanted
    table = Table((Column(text),), (Group(((text,),), text or "g"),))
    ((head,), (cell,)) = read_tables(markdown(Report("t", (table,))))[0]
    assert (said(head), said(cell)) == (wanted, wanted)
    title = list(tokens(markdown(Report(text, ()))))
    assert {token.type for token in title} <= {*PLAIN_TOKENS, "text_special", "heading_open", "heading_close"}
    assert said("".join(t.content for t in title if t.type in ("text", "text_special"))) == wanted


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_user_wrote_reads_in_markdown_as_it_was_written(text: str) -> None:
    require_plain(text)


@given(st.text(alphabet="ab1 #*_-+=.)(>|[]!<&;:@~$`\\{}/\"'", max_size=20))
def test_no_text_at_all_becomes_markup(text: str) -> None:
    require_plain(text)


@pytest.mark.parametrize("address", ["https://example.org", "www.example.org", "WWW.example.org"])
def test_no_address_becomes_a_link(address: str) -> None:
    """Readers that make links of bare addresses look for ``://`` and ``www.``: neither stands there as it is."""
    written = markdown(Report("t", (Sentence(address),)))
    assert not re.search(r"(?<!\\)://", written)
    assert "www." not in written.lower()


def test_what_a_screen_would_obey_is_spelled_out_in_markdown() -> None:
    assert "\x1b" not in markdown(Report("t", (Sentence("a\x1b[2Jb\u202e"),)))


# --- in a file --------------------------------------------------------------------------------------------------


def resumed(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    study = tmp_path / "cmp.db"
    if not study.exists():
        shutil.copy(COMPARED, study)
    result = CliRunner().invoke(cli.app, ["resume", str(study), *arguments])
    return result.exit_code, result.stdout


def test_a_stored_comparison_is_written_as_it_is_printed(tmp_path: Path) -> None:
    """Into another folder: its tables are those of the terminal, and figures are named by the way to them."""
    (tmp_path / "out").mkdir()
    to = tmp_path / "out" / "report.md"
    code, printed = resumed(tmp_path, "--details", "--to", str(to))
    assert code == 0
    text = to.read_text(encoding="utf-8")
    tables = read_tables(text)
    assert len(tables) >= 3
    assert [
        cell for table in tables for row in table for cell in row if said(cell) not in said(printed)
    ] == []
    named = [str(t.attrs["src"]) for t in tokens(text) if t.type == "image"]
    assert len(named) == 2
    assert all((to.parent / unquote(one)).is_file() for one in named)
    assert resumed(tmp_path, "--details")[1] == printed
    again = tmp_path / "out" / "again.md"
    assert resumed(tmp_path, "--to", str(again))[0] == 0
    assert again.read_bytes() == to.read_bytes()


def test_a_report_replaces_a_file_only_when_told(tmp_path: Path) -> None:
    to = tmp_path / "notes.md"
    to.write_text("mine", encoding="utf-8")
    with pytest.raises(StudyError, match=r"notes\.md exists already") as refused:
        require_form(to, force=False)
    assert "--force" in refused.value.hint
    assert resumed(tmp_path, "--to", str(to))[0] == 2
    assert to.read_text(encoding="utf-8") == "mine"
    assert resumed(tmp_path, "--to", str(to), "--force")[0] == 0
    assert to.read_text(encoding="utf-8").startswith("# Compared with")


def test_a_form_that_there_is_not_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"written as \.md, \.json, \.csv, and report\.pdf") as refused:
        require_form(tmp_path / "report.pdf", force=True)
    assert "report.md" in refused.value.hint
    with pytest.raises(StudyError, match="there is no folder"):
        require_form(tmp_path / "nowhere" / "report.md", force=False)


@pytest.mark.parametrize("ending", FORMS)
def test_every_form_is_written_whole(ending: str, tmp_path: Path, comparison: Comparison) -> None:
    report = comparison_report(comparison)
    path = save_report(report, tmp_path / f"report{ending}")
    assert path.read_text(encoding="utf-8") == FORMS[ending](report)


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be written"):
        save_report(Report("t", ()), tmp_path / "nowhere" / "report.md")


def test_joined_reports_keep_their_order_and_rest_on_the_first() -> None:
    one, other = Report("1", (Note("a"),), {"x": "1"}), Report("2", (Note("b"),), {"x": "2"})
    found = joined([one, other], [Note("0")], [Note("c")], "both")
    assert [block.text for block in found.blocks if isinstance(block, Note)] == ["0", "a", "b", "c"]
    assert (found.title, found.facts) == ("both", {"x": "1"})
    assert joined([one, other]).title == "1"


def test_a_figure_that_is_there_is_named_by_the_way_to_it(tmp_path: Path) -> None:
    stem = tmp_path / "pib"
    files = [tmp_path / f"pib-{name}" for name in ("corner-1.png", "corner-1.svg", "gone.png", "gone.svg")]
    files[0].touch()
    figure = Figure("Corner 1", ("pib-corner-1.png", "pib-corner-1.svg"))
    assert figures_in(tmp_path / "r.md", stem, files) == [Section("Figures"), figure]
    away = Figure("Corner 1", ("../pib-corner-1.png", "../pib-corner-1.svg"))
    assert figures_in(tmp_path / "sub" / "r.md", stem, files) == [Section("Figures"), away]
    assert figures_in(tmp_path / "r.md", stem, files[2:]) == []


def test_printing_a_comparison_imports_no_library_of_tables_or_figures() -> None:
    """In a process of its own, because this one has drawn figures."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from passaat.experiments.analyses.stored import stored_comparison\n"
        "from passaat.experiments.reports.comparison import comparison_report\n"
        "from passaat.experiments.reports.terminal import plain_text\n"
        f"print(len(plain_text(comparison_report(stored_comparison(Path({str(COMPARED)!r}))))))\n"
        "print([one for one in ('pandas', 'xarray', 'matplotlib') if one in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    length, heavy = done.stdout.splitlines()
    assert int(length) > 1_000
    assert heavy == "[]"
