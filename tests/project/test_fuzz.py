"""Files edited at random are read as what they say, or refused in one error with a way out, and never anything else.

Six hundred edits from fixed seeds: scenarios, plans, lists of points and studies get wrong bytes, odd digits, changed
keys, lost and repeated lines, hostile texts. What is accepted must mean what a plain reading of the file means, made
here with Python's own readers. No edit may end in a traceback, or change a file beside the one that is read.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import re
import shutil
import sqlite3
import sys
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from passaat.errors import PassaatError
from passaat.experiments.analyses.compare import compare
from passaat.experiments.analyses.stored import comparison_values, stored_comparison
from passaat.experiments.analyses.studies import list_studies
from passaat.experiments.analyses.sweep import load_table, sweep
from passaat.experiments.analyses.verify import Verification, verify
from passaat.experiments.design.plan import Plan
from passaat.experiments.design.plan_files import read_plan
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.run.crew import Threads
from passaat.experiments.study.study import Study
from passaat.model.parameters import PARAMETERS
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.loading import load_scenario, read_scenario, scenario_from_text
from passaat.scenarios.scenario import Scenario

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parents[1]
if str(HERE / "children") not in sys.path:
    sys.path.append(str(HERE / "children"))
toy_model: Any = importlib.import_module("toy_model")

SCENARIO_EDITS, PLAN_EDITS, LIST_EDITS, STUDY_EDITS = 140, 110, 110, 240

T = TypeVar("T")
R = TypeVar("R")


class Rng:
    """Random choices that are the same ones every time."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def choice(self, of: Sequence[T]) -> T:
        return of[self.below(len(of))]

    def below(self, end: int) -> int:
        return int(self._generator.integers(end))

    def chance(self, share: float) -> bool:
        return bool(self._generator.random() < share)


HOSTILE = (
    "",
    " ",
    "\x00",
    "\x1b[2J\x1b]0;title\x07",
    "[bold red]x[/]",
    "$2,000 to $5,000",
    "=HYPERLINK(1)",
    "x' OR 1=1 --",
    '"; DROP TABLE runs; --',
    "../../etc/passwd",
    "/dev/null",
    "\ud7ff\uffff\U0001f4a9",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "x" * 70_000,
    "NaN",
    "-1",
    "1e999",
    "[]",
    "{}",
    "null",
)
"""Texts that are made to be taken for something else."""

VALUES = (
    *("nan", "inf", "-inf", "-0", "-0.0", "1e999", "-1e-400", "1" + 400 * "0", "9223372036854775808", "0x1F"),
    *(
        "true",
        "false",
        "1",
        "2.0",
        "-1",
        "3.000",
        "200.000",
        "2_0_0",
        "1_000",
        "0.5",
        "1979-05-27",
        "07:32:00",
    ),
    *(
        '""',
        '"1"',
        "'true'",
        '"\\u0000"',
        '"\\u001b[2J"',
        '"all"',
        '"pib"',
        '"nan"',
        '"""two\nlines"""',
        "[]",
        "{}",
    ),
    *(
        "[[]]",
        "[1, 1]",
        "[1, true]",
        "{ low = 1 }",
        "{ 2019 = 1 }",
        "{ 0 = 1 }",
        "{ a.b.c = 1 }",
        "[nan, 1.0]",
    ),
    *(
        "{ low = nan }",
        "{ steps = 2000000000 }",
        "{ low = 1, high = 2, steps = 2 }",
        "1.",
        ".5",
        "+5",
        "0o17",
        "0b1",
    ),
)
"""Values of TOML that are put in the place of others."""

DIGITS = (
    *(
        "\N{ARABIC-INDIC DIGIT THREE}",
        "\N{FULLWIDTH DIGIT SEVEN}",
        "\N{DEVANAGARI DIGIT ONE}",
        "\N{SUPERSCRIPT TWO}",
    ),
    *(
        "\N{MATHEMATICAL BOLD DIGIT ZERO}",
        "\N{CIRCLED DIGIT ONE}",
        "\N{ROMAN NUMERAL FIVE}",
        "O",
        "l",
        "\N{VULGAR FRACTION ONE HALF}",
    ),
)
"""Characters that a reader takes for a digit; Python's float reads the first three as digits, too."""

SEPARATORS = (
    ".",
    ",",
    "_",
    " ",
    "'",
    "\N{NO-BREAK SPACE}",
    "\N{NARROW NO-BREAK SPACE}",
    "e",
    "-",
    "+",
    "\t",
    "%",
    "#",
)

TYPOGRAPHY = {
    '"': ("\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}", "'"),
    "=": ("\N{FULLWIDTH EQUALS SIGN}", ":", "=="),
    " ": ("\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}", "\t"),
    "-": ("\N{EN DASH}", "\N{MINUS SIGN}", "--"),
    ".": (",", "\N{FULLWIDTH FULL STOP}", ".."),
    ",": (";", ".", ",,"),
    "\n": ("\r\n", "\r", "\N{LINE SEPARATOR}", "\x0b", "\n\n"),
    "e": ("\N{CYRILLIC SMALL LETTER IE}", "E", "e\N{COMBINING ACUTE ACCENT}"),
    "a": ("\N{CYRILLIC SMALL LETTER A}", "A", "\N{LATIN SMALL LETTER A WITH GRAVE}"),
}


# --- edits of text files ----------------------------------------------------------------------------------------


def place_of(pattern: str, text: str, rng: Rng) -> tuple[int, int]:
    """Where one of the matches of a pattern is; the end of the text where there is none."""
    found = [match.span() for match in re.finditer(pattern, text)]
    return rng.choice(found) if found else (len(text), len(text))


def instead(text: str, place: tuple[int, int], new: str) -> str:
    return text[: place[0]] + new + text[place[1] :]


def other_digit(text: str, rng: Rng) -> str:
    return instead(text, place_of(r"\d", text, rng), rng.choice(DIGITS))


def plain_digit(text: str, rng: Rng) -> str:
    return instead(text, place_of(r"\d", text, rng), str(rng.below(10)))


def separated(text: str, rng: Rng) -> str:
    """A separator within a number, often where thousands are parted."""
    pattern = rng.choice((r"(?<=\d)(?=\d\d\d\b)", r"(?<=\d)(?=\d)", r"(?<=\d)(?=\b)", r"(?<==) ?(?=\d)"))
    return instead(text, place_of(pattern, text, rng), rng.choice(SEPARATORS))


def dutch_thousands(text: str, rng: Rng) -> str:
    """Thousands parted by a point or a comma, as Dutch and English readers write them."""
    return instead(text, place_of(r"(?<=\d)_?(?=\d\d\d\b)", text, rng), rng.choice((".", ".", ",")))


def other_key(text: str, rng: Rng) -> str:
    """A letter of a word lost, doubled, changed or made large."""
    at, _ = place_of(r"[A-Za-z_]", text, rng)
    one = text[at : at + 1]
    return instead(text, (at, at + 1), rng.choice(("", one * 2, "q", one.upper(), f"{one}-", f"{one}.x")))


def unknown_key(text: str, rng: Rng) -> str:
    """A key that nobody knows, at the head of a table."""
    within = rng.chance(0.3) and "{ " in text
    pattern, new = (r"(?<=\{ )", "extra = 1, ") if within else (r"(?<=\]\n)", "extra = 1\n")
    return instead(text, place_of(pattern, text, rng), new)


def other_lines(text: str, rng: Rng) -> str:
    lines = text.split("\n")
    one, other = rng.below(len(lines)), rng.below(len(lines))
    match rng.below(4):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case _:
            lines[one] = f"#{lines[one]}"
    return "\n".join(lines)


def other_value(text: str, rng: Rng) -> str:
    return instead(text, place_of(r"(?<==)[^\n]*(?=\n)", text, rng), f" {rng.choice(VALUES)}")


def hostile_text(text: str, rng: Rng) -> str:
    """A hostile text between quotes, written so that TOML can read it."""
    new = json.dumps(rng.choice(HOSTILE), ensure_ascii=rng.chance(0.5)).replace("\x7f", "\\u007f")
    return instead(text, place_of(r'"[^"\n]*"', text, rng), new)


def typography(text: str, rng: Rng) -> str:
    one = rng.choice([sign for sign in TYPOGRAPHY if sign in text])
    everywhere = rng.chance(0.2)
    new = rng.choice(TYPOGRAPHY[one])
    return text.replace(one, new) if everywhere else instead(text, place_of(re.escape(one), text, rng), new)


def cut(text: str, rng: Rng) -> str:
    at = rng.below(len(text))
    return text[:at] if rng.chance(0.5) else text[at:]


def added(text: str, rng: Rng) -> str:
    """Keys, tables, brackets and characters that do not belong."""
    new = rng.choice(
        (
            *(
                "extra = 1\n",
                "[extra]\nx = 1\n",
                "[[shocks]]\n",
                "[levers]\n",
                "[world.extra]\nx = 1\n",
                "a.b.c = 1\n",
            ),
            *(
                "[" * 3_000,
                "x = " + "[" * 3_000,
                ".".join(["a"] * 3_000) + " = 1\n",
                '"' * 7,
                "\\",
                "\x00",
                "\ufeff",
            ),
            *(
                "'''",
                "x = 1" + "0" * 5_000 + "\n",
                "'' = 1\n",
                '"levers" = {}\n',
                "\n",
                "# \x1b[2J\n",
                "# \N{SNOWMAN}\n",
            ),
        )
    )
    at = rng.choice((0, len(text), place_of(r"(?<=\n)", text, rng)[0]))
    return instead(text, (at, at), new)


TEXT_EDITS: tuple[Callable[[str, Rng], str], ...] = (
    *(dutch_thousands, dutch_thousands, unknown_key),
    *(
        other_digit,
        other_digit,
        plain_digit,
        plain_digit,
        separated,
        separated,
        other_key,
        other_lines,
        other_value,
    ),
    *(other_value, other_value, hostile_text, typography, cut, added),
)

ENCODINGS = ("utf-8-sig", "utf-16", "latin-1", "cp1252")


def edited(text: str, rng: Rng) -> tuple[str, bytes]:
    """What was done to a text, and the bytes of the file that it makes."""
    if rng.chance(0.15):
        raw = bytearray(text.encode())
        for _ in range(rng.choice((1, 1, 8))):
            raw[rng.below(len(raw))] = rng.below(256)
        return "bytes", bytes(raw)
    if rng.chance(0.08):
        encoding = rng.choice(ENCODINGS)
        return encoding, (text + "# caf\N{LATIN SMALL LETTER E WITH ACUTE}\n").encode(
            encoding, errors="replace"
        )
    edit = rng.choice(TEXT_EDITS)
    return edit.__name__, edit(text, rng).encode("utf-8", errors="surrogatepass")


# --- what an edit ends in ---------------------------------------------------------------------------------------


class Findings:
    """How edits ended, and what went wrong in some of them."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.wrong: list[str] = []

    def judge(self, edit: str, read: Callable[[], R]) -> R | None:
        """What a reading gives; None where it was refused, as it should be, or went wrong, which is noted."""
        try:
            found = read()
        except PassaatError as error:
            self.ended["refused"] += 1
            if not error.problems or not error.hint or not all(error.problems):
                self.wrong.append(f"{edit}: refused without a way out: {error}")
            if any(
                unicodedata.category(one) in ACTS_ON_A_TERMINAL for one in str(error) if one not in "\n\t"
            ):
                self.wrong.append(f"{edit}: a message acts on the terminal: {str(error)!r}")
            if max(len(problem) for problem in error.problems) > LONGEST_PROBLEM:
                self.wrong.append(f"{edit}: a problem of {max(map(len, error.problems))} characters")
            return None
        except Exception as error:  # whatever else comes out is what this looks for
            self.ended["traceback"] += 1
            self.wrong.append(f"{edit}: {type(error).__name__}: {str(error)[:200]}")
            return None
        self.ended["accepted"] += 1
        return found

    def require(self, edit: str, *problems: str) -> None:
        self.wrong += [f"{edit}: {problem[:300]}" for problem in problems if problem]

    def report(self) -> str:
        return f"{dict(self.ended)}\n" + "\n".join(self.wrong)


ACTS_ON_A_TERMINAL = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Kinds of characters that no message may hold."""

LONGEST_PROBLEM = 4_000
"""Characters of one problem: what is wrong with a value of 70,000 can be said in less."""


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Written(float):
    """A float of a TOML file with its text."""

    text: str

    @classmethod
    def read(cls, text: str) -> Written:
        number = cls(text)
        number.text = text
        return number


def fuzz_file(
    kind: str,
    path: Path,
    texts: Sequence[str],
    edits: int,
    seed: int,
    read: Callable[[], R],
    differs: Callable[[R], Iterator[str]],
    again: Callable[[R], R] | None = None,
) -> Findings:
    """Edit one of the texts at a time, and read it: it must be read as written or refused, and no file may change.

    Args:
        differs: how what was read differs from what is written; again: what was read, after it was stored and read.
    """
    rng, findings = Rng(seed), Findings()
    for number in range(edits):
        how, raw = edited(rng.choice(texts), rng)
        edit = f"{kind} edit {number} ({how})"
        path.write_bytes(raw)
        before = files_of(path.parent)
        found = findings.judge(edit, read)
        if files_of(path.parent) != before:
            findings.require(edit, "reading changed a file")
        if found is None:
            continue
        findings.require(edit, *differs(found))
        if again is not None:
            back = findings.judge(f"{edit}, stored", partial(again, found))
            if back is not None and back != found:
                findings.require(edit, "it does not come back from what is stored of it")
    return findings


def plain_reading(path: Path) -> dict[str, Any]:
    """A TOML file as Python alone reads it."""
    text = path.read_text(encoding="utf-8-sig")
    return tomllib.loads(text, parse_float=Written.read)


MONEY_OR_COUNT = re.compile(r"EUR.*|persons|participants|criteria|rounds|calls/year|stages|covenants")
IN_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")


def value_differs(raw: object, found: object, unit: str) -> str:
    """Empty where a value means what was written; otherwise what is wrong."""
    if isinstance(raw, Written) and MONEY_OR_COUNT.fullmatch(unit) and IN_THOUSANDS.fullmatch(raw.text):
        return f"{raw.text} {unit} was accepted, which may be thousands"
    if isinstance(raw, Mapping):
        if not isinstance(found, Mapping) or [*map(str, sorted(found))] != sorted(raw):
            return f"{raw!r} was read as {found!r}"
        return next(filter(None, (value_differs(raw[str(key)], found[key], unit) for key in found)), "")
    if isinstance(found, bool) and not isinstance(raw, bool):
        return "" if raw in (0, 1) else f"{raw!r} was read as {found!r}"
    if isinstance(raw, bool) != isinstance(found, bool) or isinstance(raw, str) != isinstance(found, str):
        return f"{raw!r} was read as {found!r}"
    return "" if raw == found else f"{raw!r} was read as {found!r}"


def lever_differs(name: str, raw: object, found: object) -> str:
    """A choice may be written as its place in the list."""
    lever = LEVERS[name]
    if lever.kind == "choice":

        def named(value: object) -> object:
            is_place = isinstance(value, int | float) and not isinstance(value, bool)
            return lever.choices[int(value)] if is_place else value  # type: ignore[call-overload]

        raw = {year: named(value) for year, value in raw.items()} if isinstance(raw, Mapping) else named(raw)
    return value_differs(raw, found, lever.unit)


# --- scenarios --------------------------------------------------------------------------------------------------

FULL_REFERENCE = """
[agents]
absent = ["liaison:3"]
random = ["coordinator:1", "embassy:0"]

[structure]
bottlenecks = "sum"

[parameters]
support_gain = 0.75
contract_turnover_share = 0.05

[levers]
covenant_amount_eur = { 2016 = 350_000, 2018 = 200000.0 }
capacity_screening_weight = 0.125
follow_up_years = 2
route_guidance = "by_bottleneck"
"""


def scenario_texts() -> list[str]:
    """A full reference, and options with every kind of lever."""
    pib = load_scenario("pib", "reference")
    shipped = Path(sys.modules[load_scenario.__module__].__file__ or "").parent / "shipped"
    full = (shipped / "pib.toml").read_text(encoding="utf-8")
    options = [(shipped / f"{name}.toml").read_text(encoding="utf-8") for name in ("follow-up", "go-no-go")]
    moved = load_scenario("sme-focus", "option").with_levers(
        {"covenant_amount_eur": {2017: 300_000.0, 2019: 1_250.5}}
    )
    return [full, full + FULL_REFERENCE, pib.to_toml(), *options, moved.to_toml()]


def scenario_differs(raw: Mapping[str, Any], scenario: Scenario) -> Iterator[str]:
    """In what a scenario is not what the file says, field by field, defaults included."""
    dump = scenario.model_dump(mode="json")
    defaults: dict[str, Any] = {
        "based_on": "",
        "levers": {},
        "levers_why": {},
        "parts": {},
        "parameters": {},
        "world": None,
        "shocks": [],
        "agents": {},
        "structure": {},
    }
    expected = {**defaults, **raw}
    if set(expected) != set(dump):
        yield f"keys {set(expected) ^ set(dump)} are ignored"
        return
    for part in ("name", "title", "kind", "description", "based_on", "levers_why"):
        if expected[part] != dump[part]:
            yield f"{part} = {expected[part]!r} was read as {dump[part]!r}"
    if expected["parts"] != {name: list(levers) for name, levers in dump["parts"].items()}:
        yield f"parts {expected['parts']} were read as {dump['parts']}"
    if set(expected["levers"]) != set(scenario.levers):
        yield f"levers {set(expected['levers']) ^ set(scenario.levers)} are ignored"
    for name, setting in scenario.levers.items():
        yield lever_differs(name, expected["levers"].get(name), setting)
    for name, value in {**expected["parameters"], **scenario.parameters}.items():
        yield value_differs(
            expected["parameters"].get(name), scenario.parameters.get(name), PARAMETERS[name].unit
        )
        del value
    if expected["world"] is not None:
        world = {"random_shocks": False, "isolated_firms": 0, **expected["world"]}
        yield value_differs(world, dump["world"], "")
    if len(expected["shocks"]) != len(dump["shocks"]):
        yield "a shock is ignored"
    for one, other in zip(expected["shocks"], dump["shocks"], strict=False):
        yield value_differs(one, other, "")
    agents = {"absent": [], "random": [], **expected["agents"]}
    if agents != {key: list(value) for key, value in dump["agents"].items()}:
        yield f"agents {agents} were read as {dump['agents']}"
    own = {"bottlenecks": "weakest", "network": "own", "selection": "scored", "support": "people"}
    if {**own, **expected["structure"]} != dump["structure"]:
        yield f"structure {expected['structure']} was read as {dump['structure']}"


# --- plans ------------------------------------------------------------------------------------------------------

PLANS = (
    """name = "first"
question = "Which amount?"
reference = "pib"
options = ["follow-up", "mine.toml"]

[design]
method = "factorial"
worlds = 4
rest = "posterior"
draws = 3
seed = 12

[levers]
covenant_amount_eur = { low = 200_000, high = 500000, steps = 4 }
follow_up_eur_per_firm_year = [0, 1_000, 3000.0]
route_guidance = "all"

[uncertainties]
support_gain = { low = 0.25, high = 1.0, steps = 2 }
""",
    """name = "second"
question = "What drives it?"
reference = "reference.toml"

[design]
method = "latin-hypercube"
points = 20
worlds = 8
luck = "factor"
rest = "defaults"

[levers]
selection_threshold_points = { low = 45, high = 75.5 }
programme_on = [true, false]
feedback_rounds = "all"

[uncertainties]
relation_fade = {}
contract_turnover_share = [0.03, 0.08, 0.125]
""",
    """name = "third"
question = "What share?"
reference = "pib-next"
options = ["go-no-go+follow-up"]

[design]
method = "saltelli"
points = 64
worlds = 2
second_order = true
rest = "prior"

[levers]
covenant_quarters = { low = 8, high = 16 }

[uncertainties]
support_gain = {}
""",
)


def plan_differs(raw: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    """In what a plan is not what the file says."""
    known = {"name", "question", "reference", "options", "design", "levers", "uncertainties"}
    if not set(raw) <= known:
        yield f"keys {set(raw) - known} are ignored"
    for part in ("name", "question"):
        if raw[part] != getattr(plan, part):
            yield f"{part} = {raw[part]!r} was read as {getattr(plan, part)!r}"
    if len(raw.get("options", [])) != len(plan.options):
        yield "an option is ignored"
    own = {"worlds": 4, "luck": "common", "seed": 1, "rest": "posterior", "draws": 1, "second_order": False}
    design = {**own, **raw["design"]}
    if not set(design) <= {*own, "method", "points", "file"}:
        yield f"[design] {set(design)} was read without some of its keys"
    for part in (*own, "method"):
        yield value_differs(design[part], getattr(plan, part), "")
    if "points" in design:
        yield value_differs(design["points"], plan.size, "")
    by_name = {factor.name: factor for factor in plan.factors}
    named = {*raw.get("levers", {}), *raw.get("uncertainties", {})}
    named |= {"draw"} if design["draws"] > 1 else set()
    named |= {"luck"} if design["luck"] == "factor" else set()
    if set(by_name) != named:
        yield f"factors {set(by_name) ^ named} differ"
        return
    for place, (name, spec) in enumerate({**raw.get("levers", {}), **raw.get("uncertainties", {})}.items()):
        factor = by_name[name]
        unit = LEVERS[name].unit if name in LEVERS else PARAMETERS[name].unit
        if isinstance(spec, list):
            values = (
                [
                    LEVERS[name].choices[int(one)]
                    if factor.unit == "" and isinstance(one, int | float) and LEVERS[name].kind == "choice"
                    else one
                    for one in spec
                ]
                if name in LEVERS
                else spec
            )
            written = values if any(isinstance(one, str) for one in values) else sorted(values)
            found = (
                [*factor.categories]
                if any(isinstance(one, str) for one in values)
                else sorted(factor.categories, key=float)
            )
            if len(written) != len(found):
                yield f"{name} = {spec} was read as {factor.categories}"
            for one, other in zip(written, found, strict=False):
                yield value_differs(one, other, unit)
        elif spec not in ("all", {}):
            if not set(spec) <= {"low", "high", "steps"}:
                yield f"{name} = {spec} was read without some of its keys"
            for end in ("low", "high"):
                if end in spec:
                    yield value_differs(spec[end], getattr(factor, end), unit)
            if "steps" in spec and (
                spec["steps"] != len(plan.levels[place]) or isinstance(spec["steps"], bool)
            ):
                yield f"{name} = {spec} has {len(plan.levels[place])} levels"
        else:
            subject = LEVERS[name] if name in LEVERS else PARAMETERS[name]
            ends = (factor.low, factor.high)
            if not factor.categories and ends != (subject.minimum, subject.maximum):
                yield f"{name} = {spec} was read as {ends}"


# --- lists of points --------------------------------------------------------------------------------------------

LIST_PLAN = """name = "listed"
question = "Which of these?"
reference = "pib"
options = ["follow-up"]

[design]
method = "list"
file = "points.csv"
worlds = 3
draws = 4
"""

LISTS = (
    "covenant_amount_eur,follow_up_years,programme_on,route_guidance,support_gain,draw\n"
    "200000,2,true,by_bottleneck,0.25,0\n350_000,0,off,contacts,0.5,1\n425000.50,6,yes,awareness,1.0,3\n1e5,3,0,barriers,6e-1,2\n",
    "draw,selection_threshold_points,capacity_screening_weight,minimum_members\n"
    '0,45,0.125,3\n1,"60.5",.5,4\n2,72,1,+5\n3,55,0,6\n',
)

CELL = re.compile(r"[+-]?(\d+(_\d{3})*\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""A number in a cell, by a rule of this test's own."""

WORDS = {
    **dict.fromkeys(("true", "on", "yes", "1"), True),
    **dict.fromkeys(("false", "off", "no", "0"), False),
}


def cell_differs(name: str, cell: str, found: object) -> str:
    word = cell.strip()
    if name in LEVERS and LEVERS[name].kind == "switch":
        return "" if WORDS.get(word.lower()) is found else f"{name} {cell!r} was read as {found!r}"
    if name in LEVERS and LEVERS[name].kind == "choice":
        return "" if word == found else f"{name} {cell!r} was read as {found!r}"
    unit = "" if name == "draw" else LEVERS[name].unit if name in LEVERS else PARAMETERS[name].unit
    if not CELL.fullmatch(word):
        return f"{name} {cell!r} is no number, and was read as {found!r}"
    if MONEY_OR_COUNT.fullmatch(unit) and IN_THOUSANDS.fullmatch(word):
        return f"{name} {cell!r} was accepted, which may be thousands"
    return "" if float(Decimal(word.replace("_", ""))) == found else f"{name} {cell!r} was read as {found!r}"


def list_differs(text: str, plan: Plan) -> Iterator[str]:
    """In what the points of a plan are not those of a list."""
    header, *rows = [row for row in csv.reader(io.StringIO(text)) if row]
    names = [name.strip() for name in header]
    if {factor.name for factor in plan.factors} != set(names):
        yield f"columns {names} were read as {[factor.name for factor in plan.factors]}"
        return
    if len(rows) != len(plan.listed):
        yield f"{len(rows)} rows were read as {len(plan.listed)}"
    for row, point in zip(rows, plan.listed, strict=False):
        for name, cell in zip(names, row, strict=True):
            yield cell_differs(name, cell, point[name])


# --- studies ----------------------------------------------------------------------------------------------------

OLD = ("compared-0.1.0.study", "swept-0.1.0.study")

TO_NINE_DIGITS = ("parameters", "points")
"""Tables of drawn numbers, which libraries and processors place a last bit apart: equal digits are the same number."""

Content = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True)
class StudyCase:
    """A sound study, what is in it, and the simulator that made it."""

    path: Path
    simulator: Simulator
    content: Content
    table: str
    is_old: bool


def content_of(path: Path) -> Content:
    """All rows of all tables, and the schema, as SQLite alone reads them.

    Raises:
        sqlite3.Error: it cannot read them.
    """
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        db.text_factory = lambda raw: raw.decode(errors="backslashreplace")
        schema = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        found: Content = {"schema": schema, "header": db.execute("PRAGMA application_id").fetchall()}
        for kind, name, _ in schema:
            if kind == "table":
                quoted = name.replace('"', '""')
                rows = db.execute(f'SELECT * FROM "{quoted}"').fetchall()
                if name in TO_NINE_DIGITS:
                    rows = [tuple(map(to_nine_digits, row)) for row in rows]
                found[name] = sorted(rows, key=repr)
        return found


def study_cases(folder: Path, toy: Simulator) -> list[StudyCase]:
    """A sweep and a comparison of toy models, and those of an earlier version."""
    folder.mkdir()
    sweep(
        toy_model.a_plan(5, draws=2, worlds=2),
        study_path=folder / "swept.db",
        crew=Threads(1),
        simulator=toy_model.SIMULATOR,
    )
    pib, option = load_scenario("pib", "reference"), load_scenario("follow-up", "option")
    compare(pib, [option], draws=2, worlds_per_draw=2, study_path=folder / "compared.db", simulator=toy)
    for name in OLD:
        shutil.copy(HERE / "studies" / name, folder / name)
    simulators = {"swept.db": toy_model.SIMULATOR, "compared.db": toy, OLD[0]: toy, OLD[1]: toy}
    cases = []
    for name, simulator in simulators.items():
        path = folder / name
        cases.append(StudyCase(path, simulator, content_of(path), shown_of(path), name in OLD))
        if name not in OLD:
            assert verify(path, sample=3, crew=Threads(1), simulator=simulator).sound
    return cases


def shown_of(path: Path) -> str:
    """What a study says, as far as it is shown to people."""
    with Study.read(path) as study:
        kind = study.meta("kind")
    if kind == "comparison":
        return stored_comparison(path).to_json()
    table = load_table(path)
    points = [[*map(to_nine_digits, point.values())] for point in table.points]
    return repr((table.policies, table.outcomes, points, table.values.tolist(), table.failures))


def to_nine_digits(value: object) -> object:
    return f"{value:.9g}" if isinstance(value, float) else value


def overwritten(path: Path, rng: Rng) -> str:
    raw = bytearray(path.read_bytes())
    length = rng.choice((1, 1, 8, 64, 2_000))
    at = rng.below(len(raw) - length)
    raw[at : at + length] = bytes(rng.below(256) for _ in range(length))
    path.write_bytes(raw)
    return f"{length} bytes at {at}"


def cut_off(path: Path, rng: Rng) -> str:
    raw = path.read_bytes()
    at = rng.below(len(raw))
    path.write_bytes(raw[:at] if rng.chance(0.7) else raw + raw[:at])
    return f"cut or added to at {at}"


def other_cell(db: sqlite3.Connection, rng: Rng) -> str:
    table, columns, rows = some_table(db, rng)
    row, place = rng.choice(rows), rng.below(len(columns))
    old = row[place]
    new: object
    if isinstance(old, str) and old.startswith(("[", "{")) and rng.chance(0.5):
        new = other_json(old, rng)
    elif isinstance(old, str) and rng.chance(0.4):
        at = rng.below(len(old) + 1)
        new = old[:at] + rng.choice(("x", "9", " ", "\x00", "\N{FULLWIDTH DIGIT SEVEN}")) + old[at + 1 :]
    elif isinstance(old, int | float) and rng.chance(0.4):
        new = rng.choice((old + 1, -old, old * (1 + 1e-15), 0, 10 * old, str(old)))
    else:
        new = rng.choice((*HOSTILE, None, -1, 3.5, 2**62, 1e308, float("inf"), b"\x00\xff", "nan"))
    update(db, table, columns, row, place, new)
    return f"{table}.{columns[place]} {old!r:.60} to {new!r:.60}"


def swapped_cells(db: sqlite3.Connection, rng: Rng) -> str:
    table, columns, rows = some_table(db, rng)
    one, other, place = rng.choice(rows), rng.choice(rows), rng.below(len(columns))
    update(db, table, columns, one, place, other[place])
    update(db, table, columns, other, place, one[place])
    return f"{table}.{columns[place]} {one[place]!r:.60} and {other[place]!r:.60} swapped"


def lost_row(db: sqlite3.Connection, rng: Rng) -> str:
    table, columns, rows = some_table(db, rng)
    row = rng.choice(rows)
    db.execute(f'DELETE FROM "{table}" WHERE {same_row(columns)}', row)
    return f"{table} lost {row!r:.80}"


def added_row(db: sqlite3.Connection, rng: Rng) -> str:
    table, columns, rows = some_table(db, rng)
    row = list(rng.choice(rows))
    place = rng.below(len(columns))
    row[place] = rng.choice((99, "added", -1))
    db.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)
    return f"{table} got {row!r:.80}"


SCHEMA_EDITS = (
    'ALTER TABLE "{table}" ADD COLUMN extra',
    'ALTER TABLE "{table}" RENAME TO other',
    'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "x y"',
    'DROP TABLE "{table}"',
    'CREATE TABLE "x""; y" (a)',
    "CREATE VIEW extra AS SELECT * FROM runs",
    "CREATE TRIGGER t AFTER UPDATE ON runs BEGIN DELETE FROM meta; END",
    "PRAGMA application_id = 7",
    "DROP VIEW progress",
    "DROP VIEW IF EXISTS results",
)


def other_schema(db: sqlite3.Connection, rng: Rng) -> str:
    table, columns, _ = some_table(db, rng)
    statement = rng.choice(SCHEMA_EDITS).format(table=table, column=rng.choice(columns))
    db.execute(statement)
    return statement


def some_table(db: sqlite3.Connection, rng: Rng) -> tuple[str, list[str], list[Any]]:
    """A table with rows, the names of its columns, and its rows; small tables as often as large ones."""
    names = [
        name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ]
    while True:
        table = rng.choice(names)
        rows = db.execute(f'SELECT * FROM "{table}"').fetchall()
        if rows:
            return (
                table,
                [name for _, name, *_ in db.execute(f'PRAGMA table_info("{table}")')],
                sorted(rows, key=repr),
            )


def same_row(columns: Sequence[str]) -> str:
    return " AND ".join(f'"{column}" IS ?' for column in columns)


def update(
    db: sqlite3.Connection, table: str, columns: Sequence[str], row: Sequence[object], place: int, new: object
) -> None:
    db.execute(f'UPDATE "{table}" SET "{columns[place]}" = ? WHERE {same_row(columns)}', (new, *row))


def other_json(text: str, rng: Rng) -> str:
    """A JSON text with one value in it replaced."""
    data = json.loads(text)
    at: Any = data
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return "[[]]"
        key = rng.choice(keys)
        if isinstance(at[key], dict | list) and at[key] and rng.chance(0.8):
            at = at[key]
            continue
        at[key] = rng.choice((*HOSTILE, None, True, -1, 1.5, 10**9, 10**40, 1e300, [], {}, [None]))
        return json.dumps(data)


ROW_EDITS = (other_cell, other_cell, other_cell, other_cell, swapped_cells, lost_row, added_row, other_schema)


def edit_study(path: Path, rng: Rng) -> str:
    """Edit a study in place; what was done."""
    if rng.chance(0.2):
        return overwritten(path, rng)
    if rng.chance(0.08):
        return cut_off(path, rng)
    for _ in range(50):
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA ignore_check_constraints = ON")
            try:
                return rng.choice(ROW_EDITS)(db, rng)
            except (sqlite3.Error, OverflowError):  # the schema does not allow this one
                continue
    raise AssertionError("no edit could be made")


def fuzz_studies(folder: Path, edits: int, seed: int, toy: Simulator) -> Findings:
    rng, findings = Rng(seed), Findings()
    cases = study_cases(folder / "sound", toy)
    place = folder / "edited"
    place.mkdir()
    for number in range(edits):
        case = rng.choice(cases)
        path = place / "mine.db"
        shutil.copy(case.path, path)
        edit = f"study edit {number} of {case.path.name}: {edit_study(path, rng)}"
        judge_study(edit, path, case, findings)
        for one in place.iterdir():
            one.unlink()
    return findings


def judge_study(edit: str, path: Path, case: StudyCase, findings: Findings) -> None:
    """Read an edited study in every way there is; it must be refused, found unsound, or be what it was."""
    before = files_of(path.parent)
    findings.judge(f"{edit}; read", lambda: read_through(path))
    listed = findings.judge(f"{edit}; listed", lambda: list_studies(path.parent))
    if isinstance(listed, list):
        texts = [text for one in listed for text in vars(one).values() if isinstance(text, str)]
        findings.require(edit, *[f"a listing acts on the terminal: {text!r}" for text in texts if acts(text)])
    shown = findings.judge(f"{edit}; shown", lambda: shown_of(path))
    found = findings.judge(
        f"{edit}; verified", lambda: verify(path, sample=3, crew=Threads(1), simulator=case.simulator)
    )
    if files_of(path.parent) != before:
        findings.require(edit, f"reading changed a file: {sorted(files_of(path.parent))}")
    if isinstance(found, Verification):
        findings.require(
            edit, *[f"verify acts on the terminal: {line!r}" for line in found.summary() if acts(line)]
        )
    if isinstance(found, Verification) and found.sound:
        if shown is not None and shown != case.table and not case.is_old:
            findings.require(edit, "verified as sound, and says something else")
        elif content_of(path) != case.content and not case.is_old:
            findings.require(edit, "verified as sound, and holds something else")


def acts(text: str) -> bool:
    return any(unicodedata.category(one) in ACTS_ON_A_TERMINAL for one in text)


def read_through(path: Path) -> None:
    """Everything that a reader of a study may ask of it."""
    with Study.read(path) as study:
        study.made_with()
        study.continued_with()
        for (number,) in study.rows("SELECT arm FROM arms"):
            study.arm(number)
        for (number,) in study.rows("SELECT draw FROM draws"):
            study.parameters(number)
        kind = study.meta("kind")
    if kind == "comparison":
        comparison_values(path)


# --- the guards -------------------------------------------------------------------------------------------------


def require_sound(findings: Findings, *, refused: int, accepted: int) -> None:
    assert not findings.wrong, findings.report()
    assert findings.ended["refused"] >= refused, "hardly any edit met anything"
    assert findings.ended["accepted"] >= accepted, "hardly any edit left anything to read"


def test_scenarios_edited_at_random_are_read_as_written_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    findings = fuzz_file(
        "scenario",
        path,
        scenario_texts(),
        SCENARIO_EDITS,
        11,
        lambda: read_scenario(path),
        lambda found: scenario_differs(plain_reading(path), found),
        lambda found: scenario_from_text(found.to_toml(), "written"),
    )
    require_sound(findings, refused=40, accepted=40)


def test_plans_edited_at_random_are_read_as_written_or_refused(tmp_path: Path) -> None:
    for name, scenario in (("mine", "sme-focus"), ("reference", "pib")):
        (tmp_path / f"{name}.toml").write_text(load_scenario(scenario).to_toml(), encoding="utf-8")
    path = tmp_path / "plan.toml"
    findings = fuzz_file(
        "plan",
        path,
        PLANS,
        PLAN_EDITS,
        12,
        lambda: read_plan(path),
        lambda found: plan_differs(plain_reading(path), found),
        lambda found: Plan.from_json(found.to_json()),
    )
    require_sound(findings, refused=40, accepted=20)


def test_lists_edited_at_random_are_read_as_written_or_refused(tmp_path: Path) -> None:
    plan, path = tmp_path / "plan.toml", tmp_path / "points.csv"
    plan.write_text(LIST_PLAN, encoding="utf-8")
    findings = fuzz_file(
        "list",
        path,
        LISTS,
        LIST_EDITS,
        13,
        lambda: read_plan(plan),
        lambda found: list_differs(path.read_text(encoding="utf-8-sig"), found),
    )
    require_sound(findings, refused=40, accepted=5)


def test_studies_edited_at_random_are_refused_or_found_unsound(tmp_path: Path, toy: Simulator) -> None:
    require_sound(fuzz_studies(tmp_path, STUDY_EDITS, 14, toy), refused=100, accepted=100)
