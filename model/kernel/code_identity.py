"""What functions do, as one digest: their code, and all that it names, wherever that is defined.

The machine code of a rule, and the results of a changed simulator, are kept under this digest. So it has to change with
whatever can change a result: the code itself, functions it calls (through a module, a closure, a default or a wrapper
too), and constants, arrays and classes that it reads. The compiled form of the code is taken, not its text: what runs
is what counts, also when a file was edited after it was imported, and a comment costs nothing.
"""

from __future__ import annotations

import dataclasses
import dis
import enum
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import numpy as np

from passaat.identity import fingerprint_of_text

VERSIONED: Final = frozenset({*sys.stdlib_module_names, "builtins", "numpy", "numba", "llvmlite"})
"""Packages that are known by their version: what is named of them is not looked into."""

_PLAIN: Final = (type(None), bool, int, float, complex, str, bytes, type(...))
_IMPORT: Final = dis.opmap["IMPORT_NAME"]
_FLAGS_OF_MEANING: Final = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ITERABLE_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)
"""Numba clears other flags of a compiled function's code, for good, when it is first called under a profiler."""


def known_by_version(module: str) -> bool:
    """Whether a module belongs to Python, NumPy or the compiler."""
    return module.partition(".")[0] in VERSIONED


class CodeIdentity:
    """The identity of functions, as far as they were added.

    Args:
        known: tells of a module whether its name says enough, so that it is not looked into; by default those that are
            ``known_by_version``.

    Attributes:
        unclear: what is read and cannot be told apart from another of its kind; a digest that rests on it would not be
            the same in another process.
    """

    def __init__(self, known: Callable[[str], bool] | None = None) -> None:
        self._known = known or known_by_version
        self._parts: set[str] = set()
        self._seen: dict[int, Any] = {}  # what was looked into, kept so that no number is used again
        self._names: list[tuple[dict[str, Any], str, Any]] = []
        self.unclear: list[str] = []

    def add(self, *things: Any) -> None:
        """Add functions, and all that they name; or values."""
        for thing in things:
            self._parts.add(self._value(thing))

    def add_text(self, *texts: str) -> None:
        """Add what else decides: a generated source, versions."""
        self._parts.update(texts)

    def digest(self) -> str:
        """Sixteen digits for all that was added."""
        return fingerprint_of_text("\0".join(sorted(self._parts)))

    def redefined(self) -> str:
        """The first name that now stands for something else than when it was added; empty where none does."""
        for space, name, value in self._names:
            if space.get(name) is not value:
                return f"{space.get('__name__', 'a module')}.{name}"
        return ""

    # Functions

    def _function(self, function: FunctionType) -> str:
        """Look into a function, and give its name."""
        name = f"{function.__module__}.{function.__qualname__}"
        if self._is_versioned(function.__module__):
            return name
        if id(function) in self._seen:
            return str(self._seen[id(function)][1])
        reference = name
        closure = function.__closure__ or ()
        if closure:  # two functions of one factory share a name
            reference = f"{name}#{len(self._seen)}"
        self._seen[id(function)] = (function, reference)
        cells = [self._value(cell.cell_contents) if _filled(cell) else "empty" for cell in closure]
        given = [self._value(value) for value in (function.__defaults__ or ())]
        named = {key: self._value(value) for key, value in (function.__kwdefaults__ or {}).items()}
        wrapped = self._value(vars(function).get("__wrapped__"))
        doc = function.__doc__
        code = self._code(
            function.__code__, function.__globals__, None if doc is None else inspect.cleandoc(doc)
        )
        self._parts.add(f"{reference}: {code} {cells} {given} {sorted(named.items())} {wrapped}")
        return reference

    def _code(self, code: CodeType, space: dict[str, Any], doc: str | None = None) -> str:
        """A code object, and what it names in the globals of its module; its documentation does not count."""
        constants = []
        for place, constant in enumerate(code.co_consts):
            if (
                place == 0
                and doc is not None
                and isinstance(constant, str)
                and inspect.cleandoc(constant) == doc
            ):
                continue
            inner = isinstance(constant, CodeType)
            constants.append(self._code(constant, space) if inner else self._value(constant))
        modules = {}
        for name in code.co_names:
            if name in space:
                value = space[name]
                if isinstance(value, ModuleType):
                    modules[name] = value
                else:
                    self._named(space, name, value)
        for name in _imported_in(code):
            found = _module(name) if not self._is_versioned(name) else None
            if found is not None:
                modules[name] = found
        for module in modules.values():
            self._of_module(module, code.co_names)
        flags = code.co_flags & _FLAGS_OF_MEANING
        shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags)
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        return repr((code.co_code.hex(), code.co_exceptiontable.hex(), shape, names, constants))

    def _of_module(self, module: ModuleType, names: Iterable[str]) -> None:
        """What a code object takes from a module: any of its names that the module has."""
        if self._is_versioned(module.__name__):
            return
        for name in names:
            value = vars(module).get(name)
            if isinstance(value, ModuleType):
                if value is not module:
                    self._of_module(value, [other for other in names if other != name])
            elif name in vars(module):
                self._named(vars(module), name, value)

    def _named(self, space: dict[str, Any], name: str, value: Any) -> None:
        self._names.append((space, name, value))
        self._parts.add(f"{space.get('__name__')}.{name} = {self._value(value)}")

    def _is_versioned(self, module: str | None) -> bool:
        return module is not None and self._known(module)

    # Values

    def _value(self, value: Any) -> str:
        """A value by its content; what it leads to is looked into."""
        if isinstance(value, _PLAIN) and not isinstance(value, enum.Enum):
            return repr(value)
        dispatched = getattr(value, "py_func", None)
        if isinstance(dispatched, FunctionType):
            options = getattr(value, "targetoptions", {})
            return f"compiled {self._function(dispatched)} {sorted((k, repr(v)) for k, v in options.items())}"
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType):
            return f"{self._value(value.__func__)} of {self._value(value.__self__)}"
        if isinstance(value, BuiltinFunctionType | np.ufunc):
            return f"{getattr(value, '__module__', None)}.{value.__name__}"
        if isinstance(value, ModuleType):
            return f"module {value.__name__}"
        if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
            content = fingerprint_of_text(repr(value.tolist()), 32)
            return f"array {value.dtype.descr!r} {value.shape} {content}"
        return self._once(value)

    def _once(self, value: Any) -> str:
        """A value with an inside; one that is met again is named by its place, so that circles end."""
        if id(value) in self._seen:
            return str(self._seen[id(value)][1])
        place = f"<{type(value).__name__} {len(self._seen)}>"
        self._seen[id(value)] = (value, place)
        if isinstance(value, type):
            found = self._class(value)
        elif isinstance(value, enum.Enum):
            found = f"{type(value).__qualname__}.{value.name} {self._value(value.value)}"
        elif isinstance(value, functools.partial):
            found = f"partial {self._value((value.func, value.args, value.keywords))}"
        elif isinstance(value, Mapping):
            found = str(sorted((self._value(key), self._value(one)) for key, one in value.items()))
        elif isinstance(value, set | frozenset):
            found = str(sorted(self._value(one) for one in value))
        elif isinstance(value, tuple | list):
            found = str([self._value(one) for one in value])
        elif dataclasses.is_dataclass(value):
            found = str(
                [(one.name, self._value(getattr(value, one.name))) for one in dataclasses.fields(value)]
            )
        elif type(value).__module__.partition(".")[0] in ("numba", "numpy"):
            found = repr(value)
        elif hasattr(value, "__dict__"):
            found = str(sorted((name, self._value(one)) for name, one in vars(value).items()))
        else:
            found = repr(value) if " at 0x" not in repr(value) else self._unclear(value)
        kind = type(value) if not isinstance(value, type) else type
        found = f"{self._value(kind) if kind not in (type, enum.EnumType) else kind.__name__} {found}"
        del self._seen[id(value)]
        self._seen[id(value)] = (
            value,
            found if len(found) < 200 else fingerprint_of_text(found, 64),
        )
        return str(self._seen[id(value)][1])

    def _class(self, made: type) -> str:
        """A class: its name, its fields and what its methods do."""
        name = f"{made.__module__}.{made.__qualname__}"
        if self._is_versioned(made.__module__):
            return name
        inside = [
            (key, self._value(_plain_function(value)))
            for key, value in sorted(vars(made).items())
            if not (key.startswith("__") and key.endswith("__")) or isinstance(value, FunctionType)
            if not key.startswith("_abc_")
        ]
        bases = [self._value(base) for base in made.__bases__]
        return f"{name} {bases} {inside}"

    def _unclear(self, value: Any) -> str:
        self.unclear.append(f"{value!r}"[:120])
        return "unclear"


def _plain_function(value: Any) -> Any:
    """The function behind a property, a static method or a class method."""
    if isinstance(value, staticmethod | classmethod):
        return value.__func__
    if isinstance(value, property):
        return (value.fget, value.fset)
    return value if not inspect.isdatadescriptor(value) else None


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _imported_in(code: CodeType) -> list[str]:
    """Modules that a function imports when it runs."""
    if _IMPORT not in code.co_code[::2]:
        return []
    return [one.argval for one in dis.get_instructions(code) if one.opname == "IMPORT_NAME"]


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
