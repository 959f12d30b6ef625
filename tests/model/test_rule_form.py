"""Rules keep to the arithmetic that gives the same bits compiled and interpreted, on every Python and machine.

Found by reading the source, so that a slip is named with its line before any run differs. What is allowed and why is
in CONTRIBUTING.md, under bit identity.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from passaat.model import schedule
from passaat.model.world import Accounts, Agencies

MODEL = Path(__file__).resolve().parents[2] / "model"
# They differ between drivers (signed zeros, order of summation, rounding) or draw from a shared stream.
UNSAFE_CALLS = {"min", "max", "sum", "round", "pow", "divmod", "random", "gamma", "lgamma"}
UNSAFE_MODULES = {"np", "numpy", "random"}
# The standard of floating-point arithmetic fixes them to the last bit; all else of `math` depends on the C library.
SAFE_OF_MATH = {"sqrt", "floor", "fabs", "inf", "nan"}


def rules_in(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions marked ``@rule``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in node.decorator_list]
            if any(isinstance(mark, ast.Name) and mark.id == "rule" for mark in marks):
                yield node


def slips(rule: ast.FunctionDef) -> Iterator[str]:
    """What a rule does that may cost bit identity, with its line."""
    for statement in rule.body:
        for node in ast.walk(statement):
            match node:
                case ast.BinOp(op=ast.Pow()) | ast.AugAssign(op=ast.Pow()):
                    yield f"{node.lineno}: a power"
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in UNSAFE_CALLS:
                    yield f"{node.lineno}: {name}()"
                case ast.Attribute(value=ast.Name(id=name)) if name in UNSAFE_MODULES:
                    yield f"{node.lineno}: {name}.{node.attr}"
                case ast.Attribute(value=ast.Name(id="math")) if node.attr not in SAFE_OF_MATH:
                    yield f"{node.lineno}: math.{node.attr}"
                case (
                    ast.Try()
                    | ast.Raise()
                    | ast.With()
                    | ast.ListComp()
                    | ast.GeneratorExp()
                    | ast.JoinedStr()
                ):
                    yield f"{node.lineno}: {type(node).__name__} allocates or raises"
                case _:
                    pass


def test_no_rule_uses_arithmetic_that_may_differ_between_drivers() -> None:
    found, wrong = 0, []
    for path in sorted(MODEL.rglob("*.py")):
        for rule in rules_in(ast.parse(path.read_text(encoding="utf-8"))):
            found += 1
            wrong += [f"model/{path.name}:{slip} in {rule.name}" for slip in slips(rule)]
    assert found > 20, "the rules were not found: has the decorator another name?"
    assert wrong == []


def test_functions_of_math_are_called_by_their_full_name() -> None:
    """Otherwise ``exp`` in a rule could be that of the C library."""
    for path in sorted(MODEL.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "math", f"model/{path.name}:{node.lineno}"


@pytest.mark.parametrize(
    "line",
    [
        "y = x ** 2",
        "x **= 0.5",
        "y = min(x, 1.0)",
        "y = math.lgamma(x)",
        "y = math.exp(x)",
        "y = math.log(x)",
        "y = math.log1p(x)",
        "y = math.tanh(x)",
        "y = math.hypot(x, x)",
        "f = math.exp",
        "y = np.exp(x)",
        "y = [x for x in z]",
        "raise ValueError",
    ],
)
def test_a_slip_is_found(line: str) -> None:
    (rule,) = rules_in(ast.parse(f"@rule\ndef some_rule(x, z):\n    {line}\n"))
    assert list(slips(rule))


def test_plain_arithmetic_is_no_slip() -> None:
    (rule,) = rules_in(
        ast.parse("@rule\ndef some_rule(x):\n    return math.sqrt(x * x) + larger(exp(x), 1.0)\n")
    )
    assert list(slips(rule)) == []


# --- no number hides in a rule ----------------------------------------------------------------------------------------

PLAIN = {0, 1, 2, 0.5}
"""What a rule may say in figures: nothing, all, halves, and twice; with a sign. All else is a record or a unit."""
NAMED = {"units.py", "status.py"}
"""Where numbers have names: units that are agreed, and codes. (Numeric kernels lie in ``model/kernel/``.)"""


def hidden_numbers(tree: ast.Module) -> Iterator[str]:
    """Numbers that a rule file holds in its rules, or beside them as constants, with their lines."""
    places: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    for rule in rules_in(tree):
        places += rule.body
    for place in places:
        for node in ast.walk(place):
            match node:
                case ast.Constant(value=bool()):
                    pass
                case ast.Constant(value=int() | float() | complex() as number) if number not in PLAIN:
                    yield f"{node.lineno}: {number}"


def test_no_number_hides_in_a_rule() -> None:
    """A coefficient is a record of ``parameters.toml``, seen by screening and sensitivity."""
    wrong, found = [], 0
    for path in sorted(MODEL.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.name not in NAMED and any(rules_in(tree)):
            found += 1
            wrong += [f"model/{path.name}:{number}" for number in hidden_numbers(tree)]
    assert found > 10, "the rule files were not found"
    assert wrong == []


@pytest.mark.parametrize(
    "source",
    [
        "@rule\ndef r(x):\n    return 0.3 + x\n",
        "@rule\ndef r(x):\n    return x > -1.5\n",
        "@rule\ndef r(x):\n    return x if x < 1.0e-9 else 0.0\n",
        "@rule\ndef r(x):\n    for _ in range(3):\n        x += 1\n    return x\n",
        "LIMIT = 20.0\n@rule\ndef r(x):\n    return smaller(x, LIMIT)\n",
        "A, B = 0.1, 0.5\n@rule\ndef r(x):\n    return x\n",
        "LIMIT: Final = 4\n@rule\ndef r(x):\n    return x\n",
    ],
)
def test_a_hidden_number_is_found(source: str) -> None:
    assert list(hidden_numbers(ast.parse(source)))


def test_halves_squares_and_names_hide_nothing() -> None:
    source = "@rule\ndef r(world, x):\n    return -1.0 + 0.5 * x * x + 2.0 * world.parameters.a / QUARTERS_PER_YEAR\n"
    assert list(hidden_numbers(ast.parse(source))) == []


def test_names_for_numbers_are_units_and_codes() -> None:
    """Nothing else finds shelter there: codes are small whole numbers from 0 on, units are few and listed here."""
    from passaat.model import status, units

    codes = {name: value for name, value in vars(status).items() if isinstance(value, int | float)}
    assert all(value == int(value) and 0 <= value <= 12 for value in codes.values())
    assert {name for name, value in vars(units).items() if isinstance(value, int | float)} == {
        "QUARTERS_PER_YEAR",
        "CENTS_PER_EUR",
        "FULL_POINTS",
        "BONUS_POINTS",
        "TERM_YEARS",
        "TERM_QUARTERS",
        "OUTSIDE_BOTTLENECKS",
        "LARGEST_FEW",
        "YEARS_TO_EVALUATION",
    }, "a number that says something about the world is a record of model/parameters.toml"


# --- who writes what, and under which letters -------------------------------------------------------------------------


MONEY = {name for name in (*Accounts._fields, *Agencies._fields) if name.endswith("_cents")}
"""Columns of money of a group or of the agency."""


def money_written(tree: ast.AST) -> Iterator[str]:
    """Columns of money that a piece of code writes."""
    for node in ast.walk(tree):
        targets = [node.target] if isinstance(node, ast.AugAssign) else getattr(node, "targets", [])
        for target in targets:
            for inner in ast.walk(target):
                if isinstance(inner, ast.Attribute) and inner.attr in MONEY:
                    yield inner.attr


def test_the_ledger_alone_writes_money() -> None:
    written = {
        path.stem: set(money_written(ast.parse(path.read_text("utf-8")))) for path in MODEL.rglob("*.py")
    }
    assert written.pop("ledger") == MONEY
    assert {name: columns for name, columns in written.items() if columns} == {}


@pytest.mark.parametrize(
    "line",
    ["world.accounts.fees_cents[c] += 1", "a.fees_cents[c], b = 1, 2", "world.agency.paid_cents[0] = x"],
)
def test_a_booking_elsewhere_is_found(line: str) -> None:
    assert len(list(money_written(ast.parse(line)))) == 1


def test_rows_have_the_letters_of_the_legend() -> None:
    """The letter of each kind of row, from the docstring of the schedule, is what rules of that kind call their row."""
    legend = dict(re.findall(r"^\* ``([a-z])`` ([a-z]+)", schedule.__doc__ or "", re.M))
    letter_of = {kind: letter for letter, kind in legend.items()}
    letter_of |= {"country": letter_of["firm"], "embassy": letter_of["firm"], "desk": letter_of["sector"]}
    letter_of |= {"agency": "_row", "world": "_row"}
    wrong = [
        f"{step.kind}: {step.rule.__name__}({', '.join(inspect.signature(step.rule).parameters)})"
        for step in (*schedule.FOUNDING, *schedule.QUARTER)
        if list(inspect.signature(step.rule).parameters)[1] != letter_of[step.kind]
    ]
    assert wrong == []
    assert set(legend) == set("ceijkmns")
