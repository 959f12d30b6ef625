"""What can change what a function does changes its identity, edited in a file between two processes; nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passaat.model import firm, schedule
from passaat.model.engine.compiled import fingerprint
from passaat.model.kernel.code_identity import CodeIdentity
from passaat.model.kernel.draws import uniform
from passaat.model.kernel.rules import rule

ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from passaat.model.kernel.code_identity import CodeIdentity
from rules import gift
identity = CodeIdentity()
identity.add(gift)
print(identity.digest(), len(identity.unclear))
"""

HELPERS = "def bonus(x):\n    return x + 1\n"


def identity_in(folder: Path, files: dict[str, str], hash_seed: str = "0") -> str:
    """Identity of ``rules.gift`` in a process of its own, after these files were written."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(folder)], capture_output=True, text=True, check=True, env=environment
    )
    digest, unclear = done.stdout.split()
    assert unclear == "0"
    return digest


EDITS = {
    "the rule itself": ("def gift(x):\n    return x + 1\n", ("+ 1", "+ 2"), HELPERS),
    "a helper by name": (
        "from helpers import bonus\ndef gift(x):\n    return bonus(x)\n",
        ("helpers", "+ 1", "+ 2"),
        HELPERS,
    ),
    "a helper through its module": (
        "import helpers\ndef gift(x):\n    return helpers.bonus(x)\n",
        ("helpers", "+ 1", "+ 2"),
        HELPERS,
    ),
    "a helper through a module of that module": (
        "import between\ndef gift(x):\n    return between.helpers.bonus(x)\n",
        ("helpers", "+ 1", "+ 2"),
        HELPERS,
    ),
    "a helper that is imported when it runs": (
        "def gift(x):\n    from helpers import bonus\n    return bonus(x)\n",
        ("helpers", "+ 1", "+ 2"),
        HELPERS,
    ),
    "a helper of a helper": (
        "import between\ndef gift(x):\n    return between.twice(x)\n",
        ("helpers", "+ 1", "+ 2"),
        HELPERS,
    ),
    "a helper in a closure": (
        "from helpers import bonus\ndef made(f):\n    def gift(x):\n        return f(x)\n    return gift\n"
        "gift = made(bonus)\n",
        ("helpers", "+ 1", "+ 2"),
        HELPERS,
    ),
    "a number in a closure": (
        "def made(n):\n    def gift(x):\n        return x + n\n    return gift\ngift = made(1.5)\n",
        ("1.5", "2.5"),
        HELPERS,
    ),
    "a default": ("def gift(x, by=1.5):\n    return x + by\n", ("1.5", "2.5"), HELPERS),
    "a default by name": ("def gift(x, *, by=1.5):\n    return x + by\n", ("1.5", "2.5"), HELPERS),
    "what a wrapper wraps": (
        "import functools\ndef wrap(f):\n    @functools.wraps(f)\n    def g(*a):\n        return 1\n    return g\n"
        "def inner(x):\n    return x + 1.5\ngift = wrap(inner)\n",
        ("1.5", "2.5"),
        HELPERS,
    ),
    "a nested function": (
        "def gift(x):\n    def inner(y):\n        return y + 1.5\n    return inner(x)\n",
        ("1.5", "2.5"),
        HELPERS,
    ),
    "a constant": ("N = 1.5\ndef gift(x):\n    return x + N\n", ("1.5", "2.5"), HELPERS),
    "a constant of a module": (
        "import helpers\ndef gift(x):\n    return x + helpers.N\n",
        ("helpers", "1.5", "2.5"),
        "N = 1.5\n",
    ),
    "an array too long to be shown": (
        "import numpy as np\nA = np.zeros(5000)\nA[2500] = 1.5\ndef gift(x):\n    return A[x]\n",
        ("1.5", "2.5"),
        HELPERS,
    ),
    "an array in a tuple": (
        "import numpy as np\nA = (np.arange(3), np.array([1.5]))\ndef gift(x):\n    return A[1][x]\n",
        ("1.5", "2.5"),
        HELPERS,
    ),
    "a dictionary": ("D = {'a': 1.5}\ndef gift(x):\n    return D['a']\n", ("1.5", "2.5"), HELPERS),
    "an object of a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: float\nc = C(1.5)\n"
        "def gift(x):\n    return c.n\n",
        ("1.5", "2.5"),
        HELPERS,
    ),
    "the order of fields of a decision": (
        "from typing import NamedTuple\nclass D(NamedTuple):\n    a: int\n    b: int\n"
        "def gift(x):\n    return D(1, x)\n",
        ("a: int\n    b", "b: int\n    a"),
        HELPERS,
    ),
    "a method of a class": (
        "class C:\n    @staticmethod\n    def f(x):\n        return x + 1.5\ndef gift(x):\n    return C.f(x)\n",
        ("1.5", "2.5"),
        HELPERS,
    ),
    "a property of a base class": (
        "class B:\n    @property\n    def f(self):\n        return 1.5\nclass C(B):\n    pass\nc = C()\n"
        "def gift(x):\n    return c.f\n",
        ("1.5", "2.5"),
        HELPERS,
    ),
    "a partial": (
        "from functools import partial\nfrom helpers import bonus\ndef gift(x, f=partial(bonus)):\n    return f(x)\n",
        ("helpers", "+ 1", "+ 2"),
        HELPERS,
    ),
    "a number in a set": ("S = {1.5, 7}\ndef gift(x):\n    return x in S\n", ("1.5", "2.5"), HELPERS),
    "an option of the compiler": (
        "from numba import njit\n@njit(fastmath=False)\ndef inner(x):\n    return x\n"
        "def gift(x):\n    return inner(x)\n",
        ("False", "True"),
        HELPERS,
    ),
}
BETWEEN = "import helpers\ndef twice(x):\n    return helpers.bonus(helpers.bonus(x))\n"


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_between_two_processes_changes_the_identity(what: str, tmp_path: Path) -> None:
    rules, edit, helpers = EDITS[what]
    files = {"rules": rules, "helpers": helpers, "between": BETWEEN}
    before = identity_in(tmp_path, files)
    assert identity_in(tmp_path, files, hash_seed="4242") == before, "the same in another process"
    edited, old, new = edit if len(edit) == 3 else ("rules", *edit)
    assert old in files[edited]
    changed = {**files, edited: files[edited].replace(old, new)}
    assert identity_in(tmp_path, changed) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a comment\n", "# another\n\n\n"),
        ('"""What it does."""', '"""What it does, in more words."""'),
        ("unused = 1", "unused = 2"),
        ("def other(x):\n    return 1", "def other(x):\n    return 2"),
    ],
)
def test_what_decides_nothing_does_not_change_it(old: str, new: str, tmp_path: Path) -> None:
    text = (
        "import helpers\n# a comment\nunused = 1\ndef other(x):\n    return 1\n"
        'def gift(x):\n    """What it does."""\n    return helpers.bonus(x)\n'
    )
    assert old in text
    before = identity_in(tmp_path, {"rules": text, "helpers": HELPERS, "between": BETWEEN})
    assert identity_in(tmp_path, {"rules": text.replace(old, new)}) == before


def identity(*functions: Callable[..., Any]) -> CodeIdentity:
    found = CodeIdentity()
    found.add(*functions)
    return found


def test_a_file_edited_after_its_import_does_not_lend_its_name_to_the_old_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs in this process is the old code: its machine code must not be kept under the name of the new."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "edited_later.py"
    path.write_text("def gift(x):\n    return x + 1\n", encoding="utf-8")
    gift = __import__("edited_later").gift
    path.write_text("def gift(x):\n    return x + 2\n", encoding="utf-8")
    found = identity(gift).digest()
    monkeypatch.delitem(sys.modules, "edited_later")
    path.write_text("def gift(x):\n    return x + 2222\n", encoding="utf-8")
    assert identity(__import__("edited_later").gift).digest() != found


def test_what_refers_to_itself_has_an_identity_too() -> None:
    def again(x: int) -> int:
        return 0 if x == 0 else again(x - 1)

    circle: list[Any] = [again]
    circle.append(circle)

    def gift(x: int) -> Any:
        return circle[x]

    assert identity(gift, again).digest() == identity(gift, again).digest()


def test_what_cannot_be_told_apart_is_named() -> None:
    made = object()

    def gift() -> object:
        return made

    found = identity(gift)
    assert len(found.unclear) == 1
    assert found.unclear[0].startswith("<object object")


def test_two_functions_of_one_factory_differ_by_what_they_hold() -> None:
    def factory(n: float) -> Callable[[float], float]:
        def gift(x: float) -> float:
            return x + n

        return gift

    assert identity(factory(1.0)).digest() != identity(factory(2.0)).digest()
    assert identity(factory(1.0)).digest() == identity(factory(1.0)).digest()
    both = identity(factory(1.0), factory(2.0)).digest()
    assert both not in (identity(factory(1.0)).digest(), identity(factory(2.0), factory(2.0)).digest())


def test_negative_zero_and_kinds_of_numbers_differ() -> None:
    values = [0, 0.0, -0.0, False, np.float64(0.0), np.float32(0.0), "0", b"0", None]

    def factory(value: Any) -> Callable[[], Any]:
        return lambda: value

    assert len({identity(factory(value)).digest() for value in values}) == len(values)


def test_a_name_that_stands_for_something_new_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = identity(firm.follow_up)
    assert found.redefined() == ""
    monkeypatch.setattr(firm, "clip", rule(lambda x, low, high: x))
    assert found.redefined() == "passaat.model.firm.clip"


def test_a_profiler_changes_no_identity() -> None:
    """Numba clears flags of the code of what it compiled when it runs under a profiler."""
    usual = identity(uniform).digest()
    sys.setprofile(lambda *_: None)
    try:
        uniform(1, 2, 3)
    finally:
        sys.setprofile(None)
    assert identity(uniform).digest() == usual


def test_kinds_of_functions_differ() -> None:
    """What a flag says of how a function is called counts."""

    def many(*a: Any) -> Any:
        return a

    def named(**a: Any) -> Any:
        return a

    named.__name__, named.__qualname__ = many.__name__, many.__qualname__
    assert identity(many).digest() != identity(named).digest()


def test_the_shipped_rules_are_clear_and_their_identity_is_the_same_in_every_process() -> None:
    found = identity(*(step.rule for step in (*schedule.FOUNDING, *schedule.QUARTER)))
    assert found.unclear == []
    code = (
        "from passaat.model.engine.compiled import fingerprint; from passaat.model.schedule import QUARTER;"
        "print(fingerprint(QUARTER))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    )
    assert done.stdout.strip() == fingerprint(schedule.QUARTER)
