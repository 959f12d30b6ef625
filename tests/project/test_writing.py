"""Files are written whole or not at all, through no link, under names that say what they hold."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from passaat.calibration.calibrate import write_json
from passaat.calibration.proof import write_proof
from passaat.errors import StudyError
from passaat.experiments.reports import files
from passaat.experiments.reports.files import ReadOnlyPlaceError, named, save, stem_of
from passaat.writing import LEFT_OVER_SECONDS, with_part, write_whole

CHILD = Path(__file__).parents[1] / "children" / "figure_child.py"


def test_a_file_is_written_with_the_letters_and_line_ends_it_has(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.csv", "één\nzwei\r\n")
    assert (tmp_path / "a.csv").read_bytes() == "één\nzwei\r\n".encode()
    write_whole(tmp_path / "a.csv", b"\x89PNG")
    assert (tmp_path / "a.csv").read_bytes() == b"\x89PNG"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_a_part_of_a_page_is_replaced_between_its_markers() -> None:
    assert with_part("a <1>old\n<2> z", "<1>", "<2>", "new") == "a <1>\n\nnew\n\n<2> z"


@pytest.mark.parametrize("page", ["<1> alone", "<2> before <1>", "<1> <2> <1>", "<1> <2> <2>", ""])
def test_a_part_without_its_two_markers_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="must hold once, in this order: <1> and <2>"):
        with_part(page, "<1>", "<2>", "new")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_is_replaced_and_what_it_points_to_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("keep", encoding="utf-8")
    (tmp_path / "a.csv").symlink_to(theirs)
    write_whole(tmp_path / "a.csv", "ours")
    assert theirs.read_text(encoding="utf-8") == "keep"
    assert not (tmp_path / "a.csv").is_symlink()
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "ours"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_at_the_temporary_name_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("keep", encoding="utf-8")
    monkeypatch.setattr("passaat.writing.secrets.token_hex", lambda _: "guessed")
    (tmp_path / ".passaat-guessed.tmp").symlink_to(theirs)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a.csv", "ours")
    assert theirs.read_text(encoding="utf-8") == "keep"


def test_temporary_names_cannot_be_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def refuse(source: Path, _: Path) -> None:
        seen.append(source.name)
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr("passaat.writing.os.replace", refuse)
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            write_whole(tmp_path / "a.csv", "ours")
    assert len(set(seen)) == 2
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ended_by", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    ended_by: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ended_by

    write_whole(tmp_path / "a.csv", "old")
    monkeypatch.setattr("passaat.writing.os.replace", fail)
    with pytest.raises(type(ended_by)):
        write_whole(tmp_path / "a.csv", "new")
    assert os.listdir(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "old"


def test_the_longest_name_that_a_folder_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 255)
    write_whole(path, "x")
    assert path.read_text(encoding="utf-8") == "x"


def test_a_posterior_is_written_by_the_same_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "the one writer")

    monkeypatch.setattr("passaat.writing.os.replace", refuse)
    with pytest.raises(OSError, match="the one writer"):
        write_json({"a": 1.0}, tmp_path / "pib.json")
    assert os.listdir(tmp_path) == []


def test_the_folder_of_a_posterior_is_made(tmp_path: Path) -> None:
    (path,) = write_proof({"sbc": {"a": 1.0}}, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "sbc.json"
    assert path.read_bytes() == b'{\n "a": 1.0\n}\n'


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_what_a_killed_writer_left_is_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "elsewhere" / f".passaat-{'e' * 16}.tmp"
    theirs.parent.mkdir()
    theirs.write_text("keep", encoding="utf-8")
    names = {
        "old": f".passaat-{'a' * 16}.tmp",
        "young": f".passaat-{'b' * 16}.tmp",
        "link": f".passaat-{'c' * 16}.tmp",
        "folder": f".passaat-{'d' * 16}.tmp",
        "another name": ".passaat-mine.tmp",
        "visible": "a.tmp",
    }
    for what in ("old", "young", "another name", "visible"):
        (tmp_path / names[what]).write_text(what, encoding="utf-8")
    (tmp_path / names["link"]).symlink_to(theirs)
    (tmp_path / names["folder"]).mkdir()
    long_ago = time.time() - 2 * LEFT_OVER_SECONDS
    for path in (theirs, *(tmp_path / name for what, name in names.items() if what != "young")):
        os.utime(path, (long_ago, long_ago), follow_symlinks=False)
    there = set(os.listdir(tmp_path))
    with monkeypatch.context() as somebody:
        somebody.setattr("passaat.writing.os.geteuid", lambda: os.getuid() + 1)
        write_whole(tmp_path / "a.csv", "x")
    assert set(os.listdir(tmp_path)) == there | {"a.csv"}
    write_whole(tmp_path / "a.csv", "x")
    assert set(os.listdir(tmp_path)) == (there | {"a.csv"}) - {names["old"]}
    assert theirs.read_text(encoding="utf-8") == "keep"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EROFS, ReadOnlyPlaceError),
        (errno.EACCES, ReadOnlyPlaceError),
        (errno.ENOSPC, StudyError),
    ],
)
def test_a_file_that_cannot_be_written_is_told_with_its_name(
    number: int, kind: type[StudyError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no way")

    monkeypatch.setattr(files, "write_whole", refuse)
    with pytest.raises(StudyError, match=r"a\.csv cannot be written \(no way\)") as caught:
        save(tmp_path / "a.csv", "x")
    assert type(caught.value) is kind
    assert caught.value.hint


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("study", "stem"),
    [("pib.db", "pib"), ("pib.v2.db", "pib.v2"), ("my.study", "my.study"), ("other.study", "other.study")],
)
def test_files_bear_the_whole_name_of_their_study(study: str, stem: str) -> None:
    assert stem_of(Path("results") / study) == Path("results") / stem
    assert stem_of(Path("results") / study, "", "front").name == f"{stem}-front"


def test_names_in_file_names_differ_where_what_is_named_does() -> None:
    many = [f"an-option-with-a-long-name-{place}" for place in range(6)]
    asked = [
        ("a",),
        ("b",),
        ("a", "b"),
        ("b", "a"),
        ("a+b",),
        ("a/b",),
        ("a:b",),
        tuple(many),
        tuple(many[:5]),
    ]
    written = [named(*names) for names in asked]
    assert len(set(written)) == len(asked)
    assert all(len(name) < 100 and "/" not in name for name in written)
    assert named("é" * 200) != named("é" * 201)
    assert named() == ""


# --- kills ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_figures_are_whole_or_absent_however_often_their_writer_is_killed(tmp_path: Path) -> None:
    found = 0
    for attempt in range(12):
        stem = tmp_path / f"{attempt}" / "study"
        stem.parent.mkdir()
        child = subprocess.Popen([sys.executable, str(CHILD), str(stem)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.05 + 0.08 * attempt)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
        if png.exists():
            found += 1
            content = png.read_bytes()
            assert content.startswith(b"\x89PNG")
            assert content.endswith(b"IEND\xaeB`\x82")
        if svg.exists():
            assert ElementTree.fromstring(svg.read_text(encoding="utf-8")).tag.endswith("svg")
        assert {path.name for path in stem.parent.iterdir()} - {png.name, svg.name} <= {
            path.name for path in stem.parent.glob(".passaat-*.tmp")
        }
    assert found  # some were killed after they had written
