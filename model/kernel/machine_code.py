"""Machine code that is kept between processes: compiled once, and run again only where it can be trusted.

Loading kept machine code is running it. So a file of it is used only if it and its folder belong to this user or to
root and nobody else may write them, if nobody else may exchange the folders above, if it was made from the very text
and code that would be compiled now, and if its digest holds. Anything else is left alone and compiled anew, with a
word.
``SECURITY.md`` names what this guards against and what not.

Each file holds one compiled function for one kind of arguments and one processor, behind its digest. It is written
under another name and moved in one step, so that a reader never sees half of one. Of two processes that start at once,
one compiles and the other waits.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import platformdirs
from numba import njit
from numba.core import serialize, types
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult

from passaat.errors import ModelError
from passaat.model.kernel.code_identity import CodeIdentity

if sys.platform != "win32":  # where two first starts both compile
    import fcntl

# Numba says no types of these.
_dumps: Any = serialize.dumps
_loads: Any = serialize.loads
_rebuild: Any = CompileResult._rebuild
_typeof: Any = numba.typeof

FOLDER: Final = "machine-code"
FORMAT: Final = b"passaat machine code 1"
LONGEST_WAIT_SECONDS: Final = 300.0
"""How long to wait for another process that compiles the same; then this one compiles, too."""

UNUSED: Final = "Kept machine code is not used, because {reason}; it is compiled anew."
NOWHERE: Final = (
    "Compiled code cannot be kept, so that every start takes half a minute: {why}."
    " Set PASSAAT_CACHE_DIR to a folder of your own."
)
ELSEWHERE: Final = "Machine code is taken from {folder}, because {why}."
_told: set[str] = set()
_speaker: ContextVar[Callable[[str], None] | None] = ContextVar("speaker", default=None)
Function = TypeVar("Function", bound=Callable[..., Any])


def cache_folder() -> Path | None:
    """Where machine code is kept first: ``PASSAAT_CACHE_DIR`` if set, else the user's cache folder; None where there
    is neither.
    """
    return next(iter(cache_folders()), None)


def _own_folder() -> Path | None:
    """The user's cache folder; None where neither HOME nor a passwd entry says where the user's files are."""
    try:
        folder = Path(platformdirs.user_cache_dir("passaat", appauthor=False))
    except RuntimeError:
        return None
    return (
        folder if folder.is_absolute() else None
    )  # earlier versions of platformdirs give "~/.cache/passaat"


def cache_folders() -> list[Path]:
    """Folders where machine code may be kept, the first first."""
    chosen = os.environ.get("PASSAAT_CACHE_DIR")
    folders = (Path(chosen).absolute() if chosen else None, _own_folder())
    return list(dict.fromkeys(folder for folder in folders if folder is not None))


@contextmanager
def speaking(say: Callable[[str], None]) -> Iterator[None]:
    """Within this block, what there is to say goes through ``say`` instead of being a warning."""
    token = _speaker.set(say)
    try:
        yield
    finally:
        _speaker.reset(token)


def tell(message: str, about: str = "") -> None:
    """Say something, and of things that are ``about`` the same only the first, once in this process."""
    if (about or message) in _told:
        return
    _told.add(about or message)
    say = _speaker.get()
    if say is None:
        warnings.warn(message, stacklevel=2)
    else:
        say(message)


# --- trust ------------------------------------------------------------------------------------------------------------


def distrust(path: Path) -> str:
    """Why what lies in this folder is not to be run: the first reason, empty where there is none.

    The folder must belong to this user or to root, and nobody else may write it. Folders above must not let others
    exchange it: they too belong to this user or to root, and are written by others only where the sticky bit keeps
    everyone to their own files, as in /tmp. A group that has no other members, by its number, is nobody else.
    Where the folder is not there yet, those above count.
    """
    if not hasattr(os, "geteuid"):
        return ""  # Windows: the user's own folder is closed to others by its access list
    folder = Path(os.path.realpath(path))
    reason = _distrust_of(os.stat(folder), folder) if folder.exists() else ""
    for parent in folder.parents:
        reason = reason or _distrust_above(os.stat(parent), parent)
    return reason


def _distrust_of(found: os.stat_result, path: Path) -> str:
    """Why a file or folder itself is not to be trusted."""
    if found.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to user {found.st_uid}, not to you or root"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write {path}; `chmod go-w` closes it"
    return ""


def _distrust_above(found: os.stat_result, path: Path) -> str:
    me = os.geteuid()
    mine = found.st_uid in (0, me)
    others_write = bool(found.st_mode & stat.S_IWOTH)
    if found.st_mode & stat.S_IWGRP:
        others_write |= found.st_gid not in (0, me)
    if mine and not (others_write and not found.st_mode & stat.S_ISVTX):
        return ""
    # in a container, folders of an outer user show as those of nobody; they do no harm where only their owner writes
    if found.st_uid == _nobody() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return ""
    return f"others may exchange what lies under {path}"


def _nobody() -> int:
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 65534


# --- files ------------------------------------------------------------------------------------------------------------


class Kept(_Cache):
    """Where Numba finds and leaves the machine code of one function.

    Args:
        function: name of the function; names of its files begin with it.
        identity: asked once, when needed, for the identity of the function and of all it calls.
    """

    def __init__(self, function: str, identity: Callable[[], str]) -> None:
        self.function, self._identity = function, identity
        self._lock: int | None = None
        self._at_hand: dict[str, bytes] = {}

    @cached_property
    def name(self) -> str:
        """Name of the function and its identity."""
        return f"{self.function}-{self._identity()}"

    @property
    def cache_path(self) -> str:
        folder = cache_folder()
        return "" if folder is None else str(folder / FOLDER)

    def enable(self) -> None:
        """Part of Numba's interface; it is always on."""

    def disable(self) -> None:
        """Part of Numba's interface; it is always on."""

    def flush(self) -> None:
        """Part of Numba's interface; nothing is held back."""

    def look(self, signature: Any, target: Any) -> tuple[bytes | None, list[str]]:
        """Trusted and undamaged machine code for these arguments, and what was found and is not used."""
        reasons: list[str] = []
        for folder in cache_folders():
            path = folder / FOLDER / self._file_name(signature, target.codegen())
            try:
                reason = distrust(path.parent)
                content, found = (b"", reason) if reason else _read(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                content, found = b"", f"{path} cannot be read: {error.strerror}"
            if not found:
                digest, _, code = content.removeprefix(FORMAT + b"\n").partition(b"\n")
                if content.startswith(FORMAT + b"\n") and digest.decode(errors="replace") == _digest(
                    self.name, code
                ):
                    if reasons:
                        tell(ELSEWHERE.format(folder=path.parent, why="; ".join(reasons)), about=UNUSED)
                    return code, []
                found = f"{path} is damaged"
            reasons.append(found)
        return None, reasons

    def fetch(self, signature: Any, target: Any) -> list[str] | None:
        """Have machine code at hand for the call that follows: None if there is any, else what is not used, and why."""
        code, reasons = self.look(signature, target)
        if code is None:
            return reasons
        self._at_hand[self._file_name(signature, target.codegen())] = code
        return None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for these arguments; None where it has to be compiled now."""
        target_context.refresh()
        code: bytes | None = self._at_hand.pop(self._file_name(sig, target_context.codegen()), None)
        reasons: list[str] = []
        if code is None:
            code, reasons = self.look(sig, target_context)
        if code is None and self._wait_for_the_other():
            code, reasons = self.look(sig, target_context)
        if code is not None:
            try:
                found = _rebuild(target_context, *_loads(code))
            except Exception as error:  # whatever an incompatible file does, compiling mends
                reasons = [
                    f"machine code in {self.cache_path} cannot be used ({type(error).__name__}: {error})"
                ]
            else:
                self.release()
                return found
        for reason in reasons:
            tell(UNUSED.format(reason=reason), about=UNUSED)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, in the first folder that takes it."""
        try:
            if any(not one.can_cache for one in data.lifted) or data.library.has_dynamic_globals:
                tell(NOWHERE.format(why=f"{self.function} reads large arrays of its module"))
                return
            code = _dumps(data._reduce())
            content = b"\n".join([FORMAT, _digest(self.name, code).encode(), code])
            reasons = ["there is no home folder"] if not cache_folders() else []
            for folder in cache_folders():
                reason = _write(folder / FOLDER / self._file_name(sig, data.codegen), content)
                if not reason:
                    return
                reasons.append(reason)
            tell(NOWHERE.format(why="; ".join(reasons)), about=NOWHERE)
        finally:
            self.release()

    def _file_name(self, signature: Any, codegen: Any) -> str:
        """One file for each kind of arguments and each processor."""
        arguments = signature if isinstance(signature, tuple) else (signature.args, signature.return_type)
        text = repr((_in_words(arguments), codegen.magic_tuple(), sys.implementation.cache_tag))
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.code"

    # Two first starts at once

    def _wait_for_the_other(self) -> bool:
        """Take the right to compile; True where another process had it meanwhile, so that it is worth a look."""
        if sys.platform == "win32" or self._lock is not None:
            return False
        for folder in cache_folders():
            place = folder / FOLDER
            try:
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
                if distrust(place):
                    continue
                self._lock = os.open(place / f"{self.name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
            except OSError:
                continue
            return self._waited(self._lock)
        return False

    def _waited(self, lock: int) -> bool:
        begun = time.monotonic()
        while time.monotonic() - begun < LONGEST_WAIT_SECONDS:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tell("Another process compiles the model; waiting for it.")
                time.sleep(0.1)
            except OSError:  # a file system without locks
                return False
            else:
                return True
        return True

    def release(self) -> None:
        """Let others compile; nothing where nothing is held."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _in_words(kind: Any) -> Any:
    """A type of arguments as text. The fields of a named tuple count: code reaches them by place."""
    if isinstance(kind, tuple):
        return [_in_words(one) for one in kind]
    if isinstance(kind, types.BaseNamedTuple):
        fields: Any = kind
        made = fields.instance_class
        return [made.__module__, made.__qualname__, list(made._fields), [_in_words(one) for one in fields]]
    return str(kind)


def _digest(name: str, code: bytes) -> str:
    return hashlib.sha256(name.encode() + b"\0" + code).hexdigest()


def _read(path: Path) -> tuple[bytes, str]:
    """Content of a file, or why it is not trusted; looked at once it is open, so that nobody can exchange it."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        reason = _distrust_of(os.fstat(file.fileno()), path) if hasattr(os, "geteuid") else ""
        return (b"", reason) if reason else (file.read(), "")


def _write(path: Path, content: bytes) -> str:
    """Write a file that only this user may write, in one move; why that cannot be, empty where it could."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        reason = distrust(path.parent)
        if reason:
            return reason
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix="unfinished-")
    except OSError as error:
        return f"{path.parent} cannot be written: {error.strerror}"
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(unfinished, path)
    except OSError as error:
        Path(unfinished).unlink(missing_ok=True)
        return f"{path.parent} cannot be written: {error.strerror}"
    return ""


# --- functions --------------------------------------------------------------------------------------------------------


def identity_of(source: str, *functions: Callable[..., Any]) -> CodeIdentity:
    """Identity of a generated source together with the functions it calls, under this Python and this compiler."""
    identity = CodeIdentity()
    identity.add(*functions)
    versions = (sys.version, numba.__version__, np.__version__, platform.machine())
    identity.add_text(source, repr(versions))
    return identity


class Compiled:
    """A function that is compiled, or whose machine code is loaded, when it is first called.

    Attributes:
        function: Numba's dispatcher.
        kept: where its machine code is kept; None where it cannot be.
    """

    def __init__(self, function: Any, kept: Kept | None) -> None:
        self.function, self.kept = function, kept

    def __call__(self, *given: Any) -> Any:
        try:
            return self.function(*given)
        finally:
            if self.kept is not None:
                self.kept.release()

    def why_not_ready(self, *given: Any) -> list[str] | None:
        """None where machine code for these arguments lies ready; else what was found and is not used, if anything."""
        signature = tuple(_typeof(one) for one in given)
        if signature in self.function.overloads:
            return None
        if self.kept is None:
            return []
        target = self.function.targetctx
        target.refresh()
        return self.kept.fetch(signature, target)


def load(source: str, identity: CodeIdentity, given: Mapping[str, Any], entry: str = "run") -> Compiled:
    """The function ``entry`` of a generated source, compiled when first called, or loaded where it was compiled before.

    The source is never read from a file: what runs is the text given here.

    Args:
        source: Python text that defines ``entry`` under ``@njit``; it may import what a module offers.
        identity: identity of the source and of all it calls (``identity_of``).
        given: functions that the source calls and cannot import.
        entry: name of the function.

    Raises:
        ModelError: the compiler is turned off.
    """
    require_compiler()
    name = identity.digest()
    module: Any = ModuleType(f"passaat_generated_{name}")
    module.__dict__.update(given)
    sys.modules[module.__name__] = module  # kept machine code finds its globals by this name
    exec(compile(source, f"<generated {entry} {name}>", "exec"), module.__dict__)
    function = module.__dict__[entry]
    if identity.unclear:
        tell(NOWHERE.format(why=f"a rule reads what cannot be told apart: {', '.join(identity.unclear)}"))
        return Compiled(function, None)
    kept = Kept(entry, lambda: name)
    function._cache = kept
    return Compiled(function, kept)


def kept_njit(function: Function) -> Function:
    """``numba.njit`` for a function that is needed by interpreted rules, too; its machine code is kept as all is."""
    made: Any = njit(function)
    if not _disabled():
        made._cache = Kept(function.__name__.strip("_"), lambda: identity_of("", function).digest())
    return cast("Function", made)


def _disabled() -> bool:
    return bool(getattr(numba.config, "DISABLE_JIT", False))


def require_compiler() -> None:
    """Refuse to go on without the compiler.

    Raises:
        ModelError: NUMBA_DISABLE_JIT is set.
    """
    if _disabled():
        raise ModelError(
            "NUMBA_DISABLE_JIT is set, which turns the compiler off; runs need it, for their draws also with Mesa",
            hint="Unset it. With the compiler on, passaat.model.engine.programme.Programme(inputs, world_seed).run()"
            " runs rules as plain Python, which a debugger steps through.",
        )
