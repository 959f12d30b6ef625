"""Kept machine code is run only where it can be trusted, a damaged file is a miss, and two first starts agree."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core import serialize

from passaat.errors import ModelError
from passaat.model.kernel import machine_code
from passaat.model.kernel.draws import uniform
from passaat.model.kernel.machine_code import FOLDER, Compiled, distrust, identity_of, load
from passaat.model.provenance.golden import small_inputs

SOURCE = """from numba import njit


@njit(nogil=True)
def run(x):
    return x * 3.0 + {n}
"""
PLANTED: Any = serialize.dumps


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The chosen cache folder, with an own one beside it that nothing has been kept in."""
    monkeypatch.setenv("PASSAAT_CACHE_DIR", str(tmp_path / "chosen"))
    monkeypatch.setattr(machine_code, "_own_folder", lambda: tmp_path / "own")
    monkeypatch.setattr(machine_code, "_told", set())
    return tmp_path / "chosen"


def loaded(n: float = 1.0) -> Compiled:
    """The function as a new process has it: nothing compiled yet."""
    source = SOURCE.format(n=n)
    return load(source, identity_of(source), {})


def hits(function: Compiled) -> int:
    return sum(function.function.stats.cache_hits.values())


def kept(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).glob("*.code"))


def run_silently(n: float = 1.0) -> Compiled:
    """Compiled or loaded, called, and right; anything said is an error, as warnings are in these tests."""
    function = loaded(n)
    assert function(2.0) == 6.0 + n
    return function


def run_with_a_word(match: str, n: float = 1.0) -> Compiled:
    function = loaded(n)
    with pytest.warns(UserWarning, match=match) as said:
        assert function(2.0) == 6.0 + n
    assert len(said) == 1
    return function


# --- found again, and by its own text only ----------------------------------------------------------------------------


def test_code_is_found_again_and_only_its_owner_may_write_it(folder: Path) -> None:
    assert loaded().why_not_ready(2.0) == []
    assert hits(run_silently()) == 0
    (file,) = kept(folder)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert loaded().why_not_ready(2.0) is None
    assert hits(run_silently()) == 1
    assert kept(folder) == [file]


def test_another_text_is_another_file(folder: Path) -> None:
    run_silently(1.0)
    assert hits(run_silently(2.0)) == 0
    assert len(kept(folder)) == 2


def test_code_of_another_text_under_this_name_is_not_run(folder: Path) -> None:
    run_silently(1.0)
    (one,) = kept(folder)
    run_silently(2.0)
    (other,) = set(kept(folder)) - {one}
    other.write_bytes(one.read_bytes())
    assert hits(run_with_a_word("is damaged", 2.0)) == 0
    assert hits(run_silently(2.0)) == 1


def test_kinds_of_arguments_have_files_of_their_own(folder: Path) -> None:
    run_silently()
    assert loaded()(2) == 7.0
    assert len(kept(folder)) == 2


def test_the_order_of_fields_of_a_table_counts() -> None:
    """Compiled code reaches fields by their place; the type's own text does not name them."""

    typeof: Any = numba.typeof
    tables: list[Any] = [namedtuple("Table", names) for names in (["a", "b"], ["b", "a"])]
    one, other = (typeof(table(np.zeros(1), np.zeros(1))) for table in tables)
    assert str(one) == str(other)
    assert machine_code._in_words((one,)) != machine_code._in_words((other,))


# --- damage -----------------------------------------------------------------------------------------------------------


def cut(place: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:place]


@pytest.mark.parametrize(
    "damage",
    [
        cut(0),
        cut(10),
        cut(30),
        cut(200),
        cut(-1),
        lambda content: content[:-50] + bytes([content[-50] ^ 1]) + content[-49:],
        lambda content: content + b"\n",
        lambda content: bytes(len(content)),
        lambda content: b"\xff" * len(content),
        lambda content: content.replace(b"machine code 1", b"machine code 0", 1),
    ],
)
def test_a_damaged_file_is_compiled_anew_with_a_word(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    run_silently()
    (file,) = kept(folder)
    good = file.read_bytes()
    file.write_bytes(damage(good))
    assert loaded().why_not_ready(2.0) == [f"{file} is damaged"]
    assert hits(run_with_a_word(f"Kept machine code is not used, because {file} is damaged")) == 0
    assert hits(run_silently()) == 1, "it was mended"


def test_sound_code_that_this_compiler_cannot_take_is_compiled_anew(folder: Path) -> None:
    run_silently()
    (file,) = kept(folder)
    name = loaded().kept.name  # type: ignore[union-attr]
    code = PLANTED((1, 2, 3))
    file.write_bytes(b"\n".join([machine_code.FORMAT, machine_code._digest(name, code).encode(), code]))
    assert hits(run_with_a_word("cannot be used")) == 0
    assert hits(run_silently()) == 1


# --- trust ------------------------------------------------------------------------------------------------------------


class Bomb:
    """Makes a folder when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def plant(folder: Path, mark: Path) -> Path:
    """A file that would run foreign code, with a right digest, under the right name."""
    run_silently()
    (file,) = kept(folder)
    name = loaded().kept.name  # type: ignore[union-attr]
    code = PLANTED(Bomb(mark))
    file.write_bytes(b"\n".join([machine_code.FORMAT, machine_code._digest(name, code).encode(), code]))
    return file


def open_file(file: Path) -> None:
    file.chmod(0o606)


def open_file_to_group(file: Path) -> None:
    file.chmod(0o660)


def open_folder(file: Path) -> None:
    file.parent.chmod(0o777)


def open_folder_to_group(file: Path) -> None:
    file.parent.chmod(0o770)


def open_folder_above(file: Path) -> None:
    file.parent.parent.chmod(0o777)


def open_folder_above_to_a_group(file: Path) -> None:
    os.chown(file.parent.parent, -1, 4321)
    file.parent.parent.chmod(0o775)


def give_file_away(file: Path) -> None:
    os.chown(file, 4321, -1)


def give_folder_away(file: Path) -> None:
    os.chown(file.parent, 4321, -1)


def give_folder_above_away(file: Path) -> None:
    os.chown(file.parent.parent, 4321, -1)


needs_root = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a file to someone else"
)
OPENINGS = [
    open_file,
    open_file_to_group,
    open_folder,
    open_folder_to_group,
    open_folder_above,
    *(
        pytest.param(one, marks=needs_root)
        for one in (open_folder_above_to_a_group, give_file_away, give_folder_away, give_folder_above_away)
    ),
]


def test_a_planted_file_would_run_where_it_is_trusted(folder: Path, tmp_path: Path) -> None:
    """So that the tests below can fail: a user who plants a file in an own folder runs it."""
    plant(folder, tmp_path / "ran")
    run_with_a_word("cannot be used")
    assert (tmp_path / "ran").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes and owners are those of Unix")
@pytest.mark.parametrize("opened", OPENINGS)
def test_what_others_may_write_is_never_run(
    folder: Path, tmp_path: Path, opened: Callable[[Path], None]
) -> None:
    file = plant(folder, tmp_path / "ran")
    content = file.read_bytes()
    opened(file)
    run_with_a_word("Kept machine code is not used, because .*(others may|belongs to user 4321)")
    assert not (tmp_path / "ran").exists()
    assert file.read_bytes() == content or opened in (open_file, open_file_to_group, give_file_away)
    assert hits(run_silently()) == 1, "it is kept in a folder that is trusted"
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes and owners are those of Unix")
@pytest.mark.parametrize("mode", [0o777, pytest.param(0o775, marks=needs_root)])
def test_an_empty_folder_that_others_may_write_is_left_with_a_word(
    folder: Path, tmp_path: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unset:
        unset.delenv("PASSAAT_CACHE_DIR")
        run_silently()
    folder.mkdir()
    if mode == 0o775:
        os.chown(folder, -1, 4321)
    folder.chmod(mode)
    own = tmp_path / "own"
    said = f"taken from {own / FOLDER}, because others may exchange what lies under {folder}"
    assert hits(run_with_a_word(said)) == 1
    assert kept(folder) == []
    assert len(kept(own)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="modes and owners are those of Unix")
def test_folders_above_may_be_shared_where_the_sticky_bit_keeps_files_apart(folder: Path) -> None:
    run_silently()
    folder.chmod(0o1777)
    assert distrust(folder / FOLDER) == ""
    folder.chmod(0o777)
    assert distrust(folder / FOLDER) == f"others may exchange what lies under {folder}"


@needs_root
def test_a_private_group_of_the_user_is_nobody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a umask of 002, as many systems have it, folders are open to a group that has the user's number."""
    run_silently()
    for path in (folder, folder / FOLDER, *kept(folder)):
        os.chown(path, 1234, 1234)
    folder.chmod(0o775)
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert distrust(folder / FOLDER) == ""
    os.chown(folder, 1234, 4321)
    assert distrust(folder / FOLDER) != ""


@needs_root
def test_code_of_root_is_used_by_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_silently()
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert hits(run_silently()) == 1


def test_a_link_leads_to_what_is_looked_at(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(folder, tmp_path / "ran")
    folder.chmod(0o777)
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.setenv("PASSAAT_CACHE_DIR", str(tmp_path / "link"))
    run_with_a_word("others may exchange")
    assert not (tmp_path / "ran").exists()


# --- places that cannot be written, or are not there ------------------------------------------------------------------


def refuse(*_: Any, **__: Any) -> Any:
    raise PermissionError(13, "Permission denied")


def test_a_folder_that_may_only_be_read_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_silently()
    for path in (*kept(folder), folder / FOLDER, folder):
        path.chmod(0o500 if path.is_dir() else 0o400)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert loaded().why_not_ready(2.0) is None
    assert hits(run_silently()) == 1


def test_a_copy_of_a_folder_is_used_whatever_its_times(folder: Path) -> None:
    run_silently()
    for path in kept(folder):
        os.utime(path, (1, 1))
    assert hits(run_silently()) == 1


def test_where_the_chosen_folder_cannot_be_written_the_own_one_is(folder: Path, tmp_path: Path) -> None:
    folder.write_text("a file where a folder should be", encoding="utf-8")
    run_silently()
    assert len(kept(tmp_path / "own")) == 1
    assert hits(run_silently()) == 1


def test_where_no_folder_can_be_written_it_is_said_and_all_works(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (folder, tmp_path / "own"):
        path.write_text("a file where a folder should be", encoding="utf-8")
    run_with_a_word("Compiled code cannot be kept.*Set PASSAAT_CACHE_DIR to a folder of your own")
    run_silently()


NO_HOME = """
import pwd

def unknown(user):
    raise KeyError(f"getpwuid(): uid not found: {user}")

pwd.getpwuid = unknown
from passaat.model.kernel.draws import uniform
from passaat.model.kernel.machine_code import cache_folders, speaking

with speaking(lambda message: print("said", message)):
    print("folders", cache_folders())
    print("drawn", 0.0 <= uniform(1, 2, 3) < 1.0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no passwd")
def test_without_a_home_nothing_is_kept_and_it_is_said(tmp_path: Path) -> None:
    """A process without HOME, whose user has no line in passwd, as in a container with a made-up user number."""
    settings = ("HOME", "XDG_CACHE_HOME", "PASSAAT_CACHE_DIR")
    done = subprocess.run(
        [sys.executable, "-c", NO_HOME],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name not in settings},
    )
    folders, said, drawn = done.stdout.splitlines()
    assert folders == "folders []"
    assert said.startswith("said Compiled code cannot be kept")
    assert "there is no home folder" in said
    assert drawn == "drawn True"
    assert (done.stderr, list(tmp_path.iterdir())) == ("", [])


def test_a_relative_folder_is_taken_from_where_one_stands(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PASSAAT_CACHE_DIR", "here")
    run_silently()
    assert len(kept(tmp_path / "here")) == 1


def test_what_cannot_be_told_apart_is_not_kept(folder: Path) -> None:
    made = object()

    def helper(x: float) -> object:
        return made

    with pytest.warns(UserWarning, match="a rule reads what cannot be told apart: <object object"):
        function = load(SOURCE.format(n=1.0), identity_of("", helper), {})
    assert function(2.0) == 7.0
    assert kept(folder) == []


@pytest.mark.parametrize(
    "code",
    [
        "from passaat.model.engine.compiled import simulate; simulate(inputs, 1)",
        "from passaat.model.engine.ready import warm_up; warm_up(print)",
        "from passaat.model.engine.programme import Programme; Programme(inputs, 1)",
    ],
)
def test_with_the_compiler_turned_off_one_line_says_so(code: str) -> None:
    script = (
        "from passaat.errors import ModelError\nfrom passaat.model.provenance.golden import small_inputs\n"
    )
    script += f"inputs = small_inputs()\ntry:\n    {code}\nexcept ModelError as error:\n    print(error.problems[0])\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    assert done.stdout.splitlines()[-1].startswith("NUMBA_DISABLE_JIT is set, which turns the compiler off")


def test_what_that_line_advises_steps_through_rules_as_plain_python() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(numba.config, "DISABLE_JIT", True)
        with pytest.raises(ModelError) as caught:
            machine_code.require_compiler()
    told = re.search(r"(passaat\.[\w.]+)\.(\w+)\(inputs, world_seed\)\.run\(\)", caught.value.hint)
    assert told is not None
    module, name = told.groups()
    run = getattr(importlib.import_module(module), name)(small_inputs(), 1).run
    stepped: set[str] = set()
    sys.setprofile(lambda frame, event, _: stepped.add(Path(frame.f_code.co_filename).name))
    try:
        run()
    finally:
        sys.setprofile(None)
    assert {"firm.py", "coordinator.py", "embassy.py"} <= stepped


def test_draws_are_kept_the_same_way(folder: Path) -> None:
    assert Path(uniform.stats.cache_path) == folder / FOLDER  # type: ignore[attr-defined]


# --- two first starts at once -----------------------------------------------------------------------------------------


@pytest.fixture
def other(folder: Path) -> int:
    """Another process that compiles the same: it holds the lock."""
    fcntl = pytest.importorskip("fcntl")
    (folder / FOLDER).mkdir(parents=True, mode=0o700)
    handle = os.open(folder / FOLDER / f"{loaded().kept.name}.lock", os.O_CREAT | os.O_RDWR)  # type: ignore[union-attr]
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def test_the_second_waits_and_takes_what_the_first_made(
    folder: Path, other: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    done = threading.Event()
    waiting = loaded()

    def wait() -> None:
        with machine_code.speaking(said.append):
            assert waiting(2.0) == 7.0
        done.set()

    thread = threading.Thread(target=wait)
    # what the first makes lies ready in another folder until the second has begun to wait
    monkeypatch.setenv("PASSAAT_CACHE_DIR", str(tmp_path / "first"))
    run_silently()
    monkeypatch.setenv("PASSAAT_CACHE_DIR", str(folder))
    thread.start()
    while not said:
        assert not done.wait(0.01)
    assert said == ["Another process compiles the model; waiting for it."]
    (made,) = kept(tmp_path / "first")
    made.rename(folder / FOLDER / made.name)
    os.close(other)
    thread.join(60)
    assert done.is_set()
    assert hits(waiting) == 1


def test_who_waits_too_long_compiles_too(folder: Path, other: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "LONGEST_WAIT_SECONDS", 0.0)
    assert hits(run_silently()) == 0
    os.close(other)


def test_code_that_does_not_compile_keeps_nobody_waiting(folder: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    source = SOURCE.format(n="x.nothing")
    function = load(source, identity_of(source), {})
    with pytest.raises(numba.core.errors.TypingError):
        function(2.0)
    (lock,) = (folder / FOLDER).glob("*.lock")
    with lock.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_nothing_is_left_of_a_file_that_could_not_be_finished(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: the file is not there under its name, nor under another."""

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    run_with_a_word("No space left on device")
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_no_module_of_the_package_leaves_code_to_numba() -> None:
    """Numba would keep it beside the source, under rules of its own."""
    import passaat.model

    sources = Path(passaat.model.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if "cache=True" in path.read_text(encoding="utf-8")] == []
