"""Reading what people write: one reader for numbers, wherever they stand, and one for text files in TOML.

A number that can be read in two ways is refused with the lines that can be meant, and never guessed: 200.000 is two
hundred thousand to a Dutch reader and two hundred to a program. Whether that can happen depends on the unit: money,
persons and other counts are written with separators of thousands, while 0.125 is a plain share.
"""

from __future__ import annotations

import math
import os
import re
import stat
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, Final

from passaat.errors import PassaatError
from passaat.shown import shown

__all__ = [
    "COUNTS",
    "MEASURES",
    "NumberError",
    "Place",
    "Quantity",
    "character",
    "harmless",
    "in_thousands",
    "neighbour",
    "no_file",
    "plain_dashes",
    "read_number",
    "read_text",
    "shown_name",
    "shown_value",
    "strange_character",
    "toml_data",
    "unmistakable",
]

COUNTS: Final = frozenset(
    {
        "persons",
        "participants",
        "criteria",
        "rounds",
        "calls/year",
        "stages",
        "covenants",
        "clusters",
        "contacts",
        "memoranda",
        "parties",
        "steps",
        "count",
    }
)
"""Units of what is counted one by one; with money, the units that people write with separators of thousands."""

MEASURES: Final = frozenset(
    {
        "switch",
        "choice",
        "share",
        "share/year",
        "ratio",
        "points",
        "quarters",
        "quarters after start",
        "years",
        "days/quarter",
        "units/quarter",
        "per quarter",
        "per year",
        "log points",
        "log-odds",
        "weight",
        "power",
        "",
    }
)
"""Units in which 1.250 can only be one and a quarter."""

LARGEST_WHOLE: Final = 2**63 - 1
"""The largest whole number that a TOML file can hold."""

LARGEST_FILE_MB: Final = 1
"""A scenario or plan has a few kilobytes; what is larger than this is another file."""

DEEPEST: Final = 20
"""Tables within tables that are read; scenarios and plans need four."""

_PLAIN = re.compile(r"[+-]?(([1-9]\d{0,2}(_\d{3})+|0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""A number as TOML has it; 350_000 can be meant in one way only, while 2_0_0 is a slip of the pen."""


_FLOAT = re.compile(r"[+-]?(\d[\d_]*(\.\d[\d_]*)?([eE][+-]?\d[\d_]*)?|inf|nan)", re.ASCII)
_WHOLE = re.compile(r"[+-]?[\d_]+", re.ASCII)
_IN_THOUSANDS = re.compile(r"[+-]?[1-9](\d{0,2}|[\d_]*_\d{3})(\.\d{3})+([eE][+-]?\d+)?", re.ASCII)
_GROUPS = {sign: re.compile(rf"[1-9]\d{{0,2}}({re.escape(sign)}\d{{3}})+", re.ASCII) for sign in ".,"}
_MONEY = re.compile(r"^(?:€|EUR|euro)\s*|\s*(?:€|EUR|euro)$|(?<=\d)[.,]-+$", re.IGNORECASE)
"""Signs of money before and after an amount, and the Dutch dash that stands for no cents: € 200,-"""

_LARGE: Final = {
    **dict.fromkeys(("k", "thousand", "duizend"), 1e3),
    **dict.fromkeys(("m", "mn", "mln", "mio", "million", "miljoen"), 1e6),
}
"""Words behind an amount of money or a count, in small letters, with what they multiply it by: 200k, 0.2 M."""

_NO_SEPARATORS: Final = "write numbers without separators of thousands"
_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}`\N{ACUTE ACCENT}"

_ASCII_FOR: Final = {
    **dict.fromkeys("\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}", '"'),
    **dict.fromkeys("\N{DOUBLE LOW-9 QUOTATION MARK}\N{DOUBLE HIGH-REVERSED-9 QUOTATION MARK}", '"'),
    **dict.fromkeys("\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}", '"'),
    **dict.fromkeys("\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}\N{FULLWIDTH QUOTATION MARK}", '"'),
    **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", "'"),
    **dict.fromkeys("\N{SINGLE LOW-9 QUOTATION MARK}\N{PRIME}", "'"),
    **dict.fromkeys("\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}", "-"),
    **dict.fromkeys("\N{HORIZONTAL BAR}\N{MINUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}", "-"),
    **dict.fromkeys("\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}\N{WORD JOINER}\N{SOFT HYPHEN}", ""),
    **dict.fromkeys("\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ZERO WIDTH JOINER}", ""),
    "\N{LINE SEPARATOR}": " ",
    "\N{HORIZONTAL ELLIPSIS}": "...",
}
"""Characters that word processors put in the place of plain ones, with the plain ones."""


# --- showing what was written ----------------------------------------------------------------------------------


def character(one: str) -> str:
    """A character with its name, for a message: ``“ (LEFT DOUBLE QUOTATION MARK, U+201C)``."""
    name = unicodedata.name(one, "a control character")
    seen = one if one.isprintable() and not one.isspace() else "the character"
    return f"{seen} ({name}, U+{ord(one):04X})"


def shown_value(value: object) -> str:
    """A value as a message shows it: a huge number or a long text is shortened, with its length.

    >>> shown_value(10**399)
    '1000000000…000 (400 digits)'
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**30:
        if value.bit_length() > 10_000:  # writing it out would take long, and Python refuses
            return f"a whole number of {int(value.bit_length() * math.log10(2)):,} digits"
        return _shortened(str(value), "digits")
    text = value if isinstance(value, str) else _as_in_toml(value)
    if len(text) <= 200:
        return repr(value) if isinstance(value, str) else text
    return _shortened(text, "characters")


def _as_in_toml(value: object) -> str:
    """A value that is no text as a TOML file has it: true, 2019-01-01, { low = 1 }."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {shown_value(item)}' for key, item in value.items())} }}"
    return repr(value)


def plain_dashes(word: str) -> str:
    """A word of a command line with plain hyphens at its start, where it has typographic dashes: --set for –set."""
    rest = word.lstrip("".join(one for one, plain_one in _ASCII_FOR.items() if plain_one == "-") + "-")
    typographic = len(rest) < len(word) and not word.isascii() and _ASCII_FOR.get(word[0]) == "-"
    return f"--{rest}" if typographic and rest[:1].isalpha() else word


def shown_name(name: str) -> str:
    """A name as a message shows it: one that is far too long is shortened, and nothing in it acts on a terminal."""
    text = shown(name)
    return text if len(text) <= 100 else _shortened(text, "characters")


def _shortened(text: str, what: str) -> str:
    return text if len(text) <= 30 else f"{shown(text[:10])}…{shown(text[-3:])} ({len(text):,} {what})"


def harmless(text: str) -> str:
    """The text with what acts on a terminal written out, such as \\x1b; blanks of any kind stay."""
    return "".join(one if one == "\t" or unicodedata.category(one) == "Zs" else shown(one) for one in text)


def number_shown(text: str) -> str:
    """A number as a message shows it, however it was typed: one that is far too long is shortened, with its length."""
    return _shortened(harmless(text), "digits" if text.lstrip("+-").isdigit() else "characters")


# --- numbers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quantity:
    """What a number is for: its unit, and the smallest and largest value that make sense."""

    unit: str
    minimum: float = -math.inf
    maximum: float = math.inf
    whole: bool = False

    @property
    def in_words(self) -> str:
        """What a value may be, in words: "a whole number from 1 to 6 persons"."""
        whole = "a whole number from " if self.whole else ""
        return f"{whole}{plain(self.minimum)} to {plain(self.maximum)} {self.unit}"

    def allows(self, value: float) -> bool:
        """Whether the value is within the range, and whole where it must be."""
        return self.minimum <= value <= self.maximum and (not self.whole or float(value).is_integer())


class NumberError(ValueError):
    """A number that cannot be read with certainty.

    Attributes:
        why: what is wrong with how it is written, half a sentence; empty where it is simply no number.
        corrections: how it should be written, for each thing that can be meant and is allowed; may be empty.
    """

    def __init__(self, why: str, corrections: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.why = why
        self.corrections = corrections

    def advice(self, write: Callable[[str], str]) -> str:
        """Why, with what to write instead; ``write`` makes a whole setting of a corrected number."""
        meant = ", or ".join(write(number) for number in self.corrections)
        return f"{self.why}; write {meant}" if meant else self.why or "it is no number"


def strange_character(text: str) -> str:
    """The first character of a text that is not ASCII, as a remark for a message; empty if there is none."""
    strange = next((one for one in text if not one.isascii() and one != "€"), "")
    return f"it holds {character(strange)}" if strange else ""


def in_thousands(unit: str) -> bool:
    """Whether people write numbers of this unit with separators of thousands: money, persons and other counts."""
    return unit.startswith("EUR") or unit in COUNTS


def read_number(text: str, of: Quantity) -> float:
    """The number that a text says, if it can be read in one way only.

    A point is the decimal point, and 350_000 is the one way to part thousands, as in TOML. Other separators, decimal
    commas, units and other digits than 0 to 9 are refused. A number like 200.000 is accepted where people do not write
    the unit in thousands.

    Raises:
        NumberError: it is no number, or could be meant otherwise; with the corrected numbers that are allowed.
    """
    word = text.strip()
    if _PLAIN.fullmatch(word) and not (in_thousands(of.unit) and _IN_THOUSANDS.fullmatch(word)):
        value = float(word)
        if math.isinf(value):
            raise NumberError(f"{number_shown(word)} is larger than any number that can be worked with")
        return value
    why, readings = _readings(word, of.unit)
    write = unmistakable if in_thousands(of.unit) else plain
    meant = tuple(dict.fromkeys(write(number) for number in readings if of.allows(number)))
    raise NumberError(why, meant)


def _numbers_meant(text: str, of: Quantity) -> tuple[str, ...]:
    """The numbers that a text says or can mean, as they should be written; empty where it is none that is allowed."""
    try:
        number = read_number(text, of)
    except NumberError as wrong:
        return wrong.corrections
    return (plain(number),) if of.allows(number) else ()


def plain(number: float) -> str:
    """A number without needless decimals: 350000, 0.5."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(float(number))


def unmistakable(number: float) -> str:
    """A number that reads back exactly, whatever its unit: 1.125 gets a fourth decimal, as it could be 1125."""
    text = plain(number)
    return re.sub(r"(?=e|$)", "0", text, count=1) if _IN_THOUSANDS.fullmatch(text) else text


def _readings(word: str, unit: str) -> tuple[str, list[float]]:
    """What is wrong with a number, and the numbers that can be meant, the likeliest first."""
    whys = list(filter(None, [strange_character(word)]))
    text = "".join(_ASCII_FOR.get(one, one) if one not in _APOSTROPHES else "'" for one in word)
    text = unicodedata.normalize("NFKC", text).strip()
    text = "".join(str(unicodedata.digit(one)) if one.isdigit() else one for one in text)
    bare = _MONEY.sub("", text)
    if bare != text:
        whys.append("write the number alone, its unit is known")
    divisor = 1.0
    if bare.endswith("%"):
        bare, divisor = bare.removesuffix("%").strip(), 100.0 if unit.startswith("share") else math.nan
        whys.append("write a share of one, 0.25 for 25 %" if divisor == 100.0 else "a number has no %")
    word_behind = re.fullmatch(r"(.*[\d.,])\s*([A-Za-z]+)", bare)
    if word_behind and in_thousands(unit) and word_behind[2].lower() in _LARGE:
        bare, divisor = word_behind[1], 1.0 / _LARGE[word_behind[2].lower()]
        whys.append("write the number in full")
    joined = re.sub(r"(?<=\d)[\s'_](?=\d)", "", bare)
    sign, digits = (joined[0], joined[1:]) if joined[:1] in ("+", "-") else ("", joined)
    scientific = re.fullmatch(r"([\d.,]+)[eE]([+-]?\d{1,2})", digits, re.ASCII)
    if scientific and in_thousands(unit):
        digits, divisor = scientific[1], divisor / 10.0 ** int(scientific[2])
    if re.match(r"0+\d", digits):
        digits = re.sub(r"^0+(?=\d)", "", digits)
        whys.append("a number does not begin with a zero")
    found = _decimals(digits, unit, parted="_" in bare)
    grouped = any(group.fullmatch(digits) for group in _GROUPS.values())
    if joined != bare or len(found) > 1 or grouped or (found and len(re.findall("[.,]", digits)) > 1):
        whys.append(_NO_SEPARATORS)
    if "," in digits and found:
        whys.append("the decimal sign is a point")
    numbers = [round((-1.0 if sign == "-" else 1.0) * number / divisor, 9) for number in found]
    return "; ".join(whys), [number for number in numbers if math.isfinite(number)]


def _decimals(digits: str, unit: str, *, parted: bool = False) -> list[float]:
    """The numbers that digits with points and commas can mean; ``parted`` are those whose thousands were parted by
    another sign, too.
    """
    if not re.fullmatch(r"[\d.,]+", digits, re.ASCII) or not re.search(r"\d", digits):
        return []
    points, commas = digits.count("."), digits.count(",")
    found: list[float] = []
    if points and commas:
        decimal, thousands = (",", ".") if digits.rindex(",") > digits.rindex(".") else (".", ",")
        whole, _, rest = digits.rpartition(decimal)
        if decimal not in whole and _GROUPS[thousands].fullmatch(whole):
            found.append(float(f"{whole.replace(thousands, '')}.{rest or 0}"))
        return found
    sign = "," if commas else "."
    whole, _, rest = digits.rpartition(sign)
    in_groups = _GROUPS[sign].fullmatch(digits) or (parted and re.fullmatch(r"\d{4,}([.,]\d{3})+", digits))
    if in_groups and (points + commas > 1 or in_thousands(unit)):
        found.append(float(digits.replace(sign, "")))
    if points + commas > 1 and _GROUPS[sign].fullmatch(whole) and len(rest) < 3:  # 350.000.0
        found.append(float(f"{whole.replace(sign, '')}.{rest or 0}"))
    # Of 200000,300000 the comma parts two amounts.
    two = in_thousands(unit) and commas and len(whole) > 3 and len(rest) > 2
    if points + commas <= 1 and digits not in (".", ",") and not two:
        found.append(float(digits.replace(",", ".")))
    return found


# --- text files ------------------------------------------------------------------------------------------------

Place = tuple[str, ...]
"""Where a value stands in a file: names of tables and keys."""

UnitOf = Callable[[Place], Quantity | None]
"""What a number at a place of a file is for; None where it is unknown."""


def neighbour(path: Path) -> Path | None:
    """A file that is there under a name near this one: with .toml or .csv added, with .txt as Notepad adds it, or with
    .txt instead.
    """
    if not path.name:
        return None
    endings = (".toml", ".csv", ".txt")
    for name in (*(path.name + ending for ending in endings), f"{path.stem}.txt"):
        near = path.with_name(name)
        try:
            if near.is_file():
                return near
        except (OSError, ValueError):  # a name that no file can have
            return None
    return None


def no_file(path: Path) -> str:
    """What stands at a path instead of a file, such as "a folder" or "a pipe"; empty where a file or nothing does."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    kinds = (
        (stat.S_ISREG, ""),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def _opened_at_once(name: str, flags: int) -> int:
    """Open a file to be read; a pipe to which nobody writes is empty, and not waited for."""
    descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    return descriptor


def read_text(path: Path, error: type[PassaatError], what: str, most_mb: float = LARGEST_FILE_MB) -> str:
    """The text of a file in UTF-8, with or without the mark that Notepad puts at its start.

    Args:
        error: the kind of error to raise.
        what: what the file is, for the way out, such as "a scenario".
        most_mb: megabytes that are read at most.

    Raises:
        PassaatError: of the kind ``error``: the file cannot be read, is far too large, or is in another encoding.
    """
    try:
        if path.stat().st_size > most_mb * 1e6:
            raise error(
                f"{path} has {path.stat().st_size / 1e6:,.0f} MB; of {what} at most {most_mb:g} MB are read",
                f"check that it is {what}.",
            )
        with open(path, "rb", opener=_opened_at_once) as file:  # a pipe has no size
            strange = no_file(path)
            if strange == "a device" and not file.isatty():
                raise error(f"{path} is a device, not {what}", f"name a file that holds {what}.")
            raw = file.read(int(most_mb * 1e6) + 1)
        if strange and not raw:
            raise error(f"{path} is {strange} to which nobody writes", f"name a file that holds {what}.")
        if len(raw) > most_mb * 1e6:
            raise error(
                f"{path} goes on after {most_mb:g} MB, of {what} no more is read", f"check that it is {what}."
            )
    except OSError as problem:
        near = neighbour(path) if isinstance(problem, FileNotFoundError) else None
        raise error(
            f"cannot read {shown_name(str(path))}: {problem.strerror or problem}",
            f"{shown_name(str(near))} is there: name it, or rename it." if near else "check the path.",
        ) from None
    except ValueError:  # a name with a null character in it
        raise error(
            f"cannot read {shown_name(str(path))}: no file can have that name", "check the path."
        ) from None
    return decoded(raw, path, error, what)


def decoded(raw: bytes, path: Path, error: type[PassaatError], what: str) -> str:
    """Bytes of a file as text, with line ends as Python has them.

    Raises:
        PassaatError: of the kind ``error``: the bytes are no UTF-8; the message says which and where.
    """
    way_out = f"{what} is a text file: save it with encoding UTF-8 (in Notepad: Save as, Encoding UTF-8)."
    if raw.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise error(f"{path} is not a text file in UTF-8, but in UTF-32", way_out)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise error(f"{path} is not a text file in UTF-8, but in UTF-16 ('Unicode' in Windows)", way_out)
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise error(f"{path} is not a text file in UTF-8, but a file of an office program", way_out)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = raw[: problem.start]
        line = before.count(b"\n") + 1
        raise error(
            f"{path} is not a text file in UTF-8: line {line} holds the byte 0x{raw[problem.start]:02X}",
            way_out,
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class _Token:
    """A piece of TOML text, no blank and no comment: a string, a word or number, or a single character."""

    text: str
    line: int
    column: int


_PIECE = re.compile(
    r'[ \t]+|"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|\#[^\n]*|[A-Za-z0-9_.+:\-]+|.',
    re.DOTALL,
)


def _tokens(text: str) -> Iterator[_Token]:
    line, start = 1, 0
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece[0] not in "# \t":
            yield _Token(piece, line, match.start() - start + 1)
        if "\n" in piece:
            line += piece.count("\n")
            start = match.start() + piece.rindex("\n") + 1


class _Written(float):
    """A float that knows how it was written, and as which float of the file; only while a file is read."""

    text: str
    place: int


def toml_data(
    text: str, place: str, error: type[PassaatError], unit_of: UnitOf | None = None
) -> dict[str, Any]:
    """The data of a TOML text.

    Args:
        place: the file, for messages.
        unit_of: what the numbers are for; without it, numbers count as written by a program and are not questioned.

    Raises:
        PassaatError: of the kind ``error``: the text is no TOML, or holds numbers that are too large or that can be
            read in more than one way; with line and, where it can be told, the corrected line.
    """

    def quantity_at(path: Place) -> Quantity:
        return (None if unit_of is None else unit_of(path)) or Quantity("")

    tokens = list(_tokens(text))
    lines = text.split("\n")
    problems = [*_too_deep(tokens), *_too_large(tokens)]
    if problems:
        raise error(
            [harmless(f"{place}, {problem}") for problem in problems[:20]], "correct the lines above."
        )
    written: list[_Written] = []

    def keep(digits: str) -> _Written:
        number = _Written(digits)
        number.text, number.place = digits, len(written)
        written.append(number)
        return number

    try:
        data = tomllib.loads(text, parse_float=keep)
    except tomllib.TOMLDecodeError as problem:
        told, way_out = _not_toml(problem, tokens, lines, quantity_at)
        raise error([f"{place} is not valid TOML: {harmless(one)}" for one in told], way_out) from None
    places = [token for token in _value_tokens(tokens) if _is_float(token.text)]
    known = [token.text for token in places] == [number.text for number in written]
    problems = [] if unit_of is None else list(_underscored(tokens, lines))
    wrong: list[_WrongNumber] = []

    def checked(value: Any, path: Place) -> Any:
        if isinstance(value, dict):
            return {key: checked(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [checked(item, path) for item in value]
        if isinstance(value, str):
            of = quantity_at(path)
            meant = () if of.unit in ("", "switch", "choice") else _numbers_meant(value, of)
            if meant:
                quoted = [token for token in tokens if token.text in (f'"{value}"', f"'{value}'")]
                at = quoted[0] if len(quoted) == 1 else None
                error = NumberError("a number has no quotes", meant)
                wrong.append(_WrongNumber(".".join(path), f'"{value}"', at, error, of))
            return value
        if not isinstance(value, _Written):
            return value
        # inf and nan are refused by what reads the value, and odd underscores with their line.
        if not _PLAIN.fullmatch(value.text):
            return float(value)
        try:
            return read_number(value.text, quantity_at(path))
        except NumberError as error:
            at = places[value.place] if known else None
            wrong.append(_WrongNumber(".".join(path), value.text, at, error, quantity_at(path)))
            return float(value)

    found = {key: checked(value, (key,)) for key, value in data.items()}
    problems += _by_line(wrong, lines)
    if problems:
        raise error([harmless(f"{place}, {problem}") for problem in problems], "correct the lines above.")
    return found


@dataclass(frozen=True)
class _WrongNumber:
    """A float of a file that cannot be read with certainty; ``at`` is None where its place could not be found."""

    name: str
    text: str
    at: _Token | None
    error: NumberError
    of: Quantity


def _by_line(wrong: Sequence[_WrongNumber], lines: list[str]) -> Iterator[str]:
    """A problem for each line with wrong numbers, with the line as it can be meant: all numbers read the same way."""
    by_line: dict[int, list[_WrongNumber]] = {}
    for one in wrong:
        if one.at is None:
            advice = one.error.advice(str) if one.error.corrections else _why(one.error, one.of)
            yield f"{one.name} = {number_shown(one.text)}: {advice}"
        else:
            by_line.setdefault(one.at.line, []).append(one)
    for number, found in by_line.items():
        told = ", ".join(f"{one.name} = {number_shown(one.text)}" for one in found)
        why = "; ".join(dict.fromkeys(_why(one.error, one.of) for one in found))
        meant: list[str] = []
        if all(one.error.corrections for one in found):
            for reading in range(max(len(one.error.corrections) for one in found)):
                new = lines
                for one in sorted(found, key=lambda one: one.at.column if one.at else 0, reverse=True):
                    assert one.at is not None
                    corrected = one.error.corrections[min(reading, len(one.error.corrections) - 1)]
                    new = [*new[: number - 1], _with(new, one.at, corrected), *new[number:]]
                meant.append(new[number - 1].strip())
        yield f"line {number}: {told}: {why}" + (f"; write {', or '.join(meant)}" if meant else "")


def _why(error: NumberError, of: Quantity) -> str:
    """What is wrong with a number, and what it may be where that cannot be told from what was written."""
    allowed = "" if error.corrections or math.isinf(of.maximum) else f"it must be {of.in_words}"
    return "; ".join(filter(None, [error.why, allowed])) or "it is no number"


def _with(lines: list[str], token: _Token, number: str) -> str:
    """The line of a number with another number in its place."""
    old = lines[token.line - 1]
    return old[: token.column - 1] + number + old[token.column - 1 + len(token.text) :]


def _value_tokens(tokens: list[_Token]) -> Iterator[_Token]:
    """Words and numbers that are no keys, which are followed by "="."""
    for place, token in enumerate(tokens, start=1):
        after = tokens[place].text if place < len(tokens) else ""
        if after != "=" and re.fullmatch(r"[A-Za-z0-9_.+:\-]+", token.text):
            yield token


def _is_float(word: str) -> bool:
    """Whether TOML reads a word as a float: a number with a point or an exponent, inf or nan."""
    return _FLOAT.fullmatch(word) is not None and not _WHOLE.fullmatch(word)


def _too_deep(tokens: list[_Token]) -> Iterator[str]:
    depth = 0
    for token in tokens:
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.text, 0)
        if depth > DEEPEST or (token.text.count(".") > DEEPEST and token.text[:1] not in "\"'"):
            yield (
                f"line {token.line}, column {token.column}: tables or lists within each other, more than {DEEPEST}"
                " deep"
            )
            return


def _too_large(tokens: list[_Token]) -> Iterator[str]:
    """Whole numbers of more than 64 bits, which TOML does not know, and of which Python refuses very long ones."""
    for token in tokens:
        is_whole = re.fullmatch(r"[+-]?(\d[\d_]*|0[xob][0-9a-fA-F_]+)", token.text, re.ASCII)
        if not is_whole or len(token.text) < len(str(LARGEST_WHOLE)):
            continue
        try:
            large = len(token.text) > 400 or abs(int(token.text, 0)) > LARGEST_WHOLE
        except ValueError:
            continue  # no number after all; TOML tells why
        if large:
            yield (
                f"line {token.line}, column {token.column}: {number_shown(token.text)} is larger than any number"
                " that can be worked with"
            )


def _underscored(tokens: list[_Token], lines: list[str]) -> Iterator[str]:
    """TOML reads 2_0_0 as 200; here, what parts anything but thousands is taken for a slip of the pen."""
    for token in _value_tokens(tokens):
        if (
            "_" in token.text
            and not _PLAIN.fullmatch(token.text)
            and re.fullmatch(r"[+-]?\d[\d_]*(\.[\d_]+)?([eE][+-]?[\d_]+)?", token.text, re.ASCII)
        ):
            new = _with(lines, token, token.text.replace("_", "")).strip()
            yield f"line {token.line}: {number_shown(token.text)}: {_NO_SEPARATORS}; write {new}"


# --- TOML that cannot be read ----------------------------------------------------------------------------------

_TOML_HINT: Final = "correct that line; text needs quotes, tables look like [levers], values like name = 1."

_SETTING = re.compile(r"([A-Za-z0-9_-]+)\s*=\s*([^={}\[\]#\"]*?)\s*(?=,\s*[A-Za-z0-9_-]+\s*=|[}\]#]|$)")
"""A key and the text of its value, which ends before the next key or where a table or list ends."""


MOST_TOLD: Final = 20
"""Lines of a file that are told one by one; of a thousand wrong ones the first say enough."""


def _not_toml(
    problem: tomllib.TOMLDecodeError,
    tokens: list[_Token],
    lines: list[str],
    quantity_at: Callable[[Place], Quantity],
) -> tuple[list[str], str]:
    """Why a text is no TOML, in our words where we know the cause, line by line; and the way out."""
    strange: dict[int, _Token] = {}
    for token in tokens:
        one = token.text[:1]
        quoted = one in ('"', "'") and len(token.text) > 1
        if not quoted and not (one.isascii() and (one.isprintable() or one in "\n\t")):
            strange.setdefault(token.line, token)
    told = []
    typographic = False
    for number, token in list(strange.items())[:MOST_TOLD]:
        where = f"line {number}, column {token.column}"
        of_numbers = _numbers_of_line(lines[number - 1], _table_at(lines, number), quantity_at)
        new = None if of_numbers else _straightened(lines[number - 1])
        typographic |= new is not None
        stands = f"{character(token.text[:1])} stands outside quotes" + (
            "" if new is None else f"; write {new}"
        )
        told.append(f"{where}: {of_numbers or stands}")
    if told:
        those = "that line" if len(told) == 1 else "those lines"
        cause = "; word processors change quotes, blanks and dashes." if typographic else "."
        return told, f"correct {those}{cause}"
    at = re.search(r"\(at line (\d+), column \d+\)", str(problem))
    if at is None:
        return [str(problem)], _TOML_HINT
    number = int(at.group(1))
    line = lines[number - 1]
    of_numbers = _numbers_of_line(line, _table_at(lines, number), quantity_at)
    if of_numbers:
        return [f"line {number}: {of_numbers}"], "correct that line."
    shown_line = line.strip() if len(line) <= 100 else _shortened(line.strip(), "characters")
    return [f"{problem}: {shown_line}"], _TOML_HINT


def _straightened(line: str) -> str | None:
    """The line with plain characters in place of typographic ones, if that makes it TOML."""
    new = "".join(_ASCII_FOR.get(one, " " if one.isspace() else one) for one in line).strip()
    try:
        tomllib.loads(new)
    except (tomllib.TOMLDecodeError, ValueError):
        return None
    return new


def _table_at(lines: list[str], number: int) -> str:
    """Name of the table in which a line stands; empty at the top."""
    heads = [re.match(r"\s*\[+\s*([^\]\s]+)\s*\]", line) for line in lines[:number]]
    return next((head.group(1) for head in reversed(heads) if head), "")


def _numbers_of_line(line: str, table: str, quantity_at: Callable[[Place], Quantity]) -> str:
    """What is wrong with the numbers of one line, and the corrected line; empty if that is not what is wrong."""
    whys: list[str] = []
    found: list[tuple[int, int, tuple[str, ...]]] = []
    outer = re.match(r"\s*([A-Za-z0-9_-]+)\s*=", line)
    for setting in _SETTING.finditer(line):
        value = setting.group(2)
        if not re.match(r"[-+€\N{MINUS SIGN}.,]*\s*\d|EUR|€", value) or _PLAIN.fullmatch(value):
            continue
        path: Place = (*table.split("."), outer.group(1) if outer else setting.group(1))
        path = path if path[-1] == setting.group(1) else (*path, setting.group(1))
        try:
            read_number(value, quantity_at(path))
        except NumberError as wrong:
            whys.append(f"{setting.group(1)} = {number_shown(value)}: {_why(wrong, quantity_at(path))}")
            found.append((setting.start(2), setting.end(2), wrong.corrections or (value,)))
    meant: list[str] = []
    for reading in range(max((len(numbers) for *_, numbers in found), default=0)):
        new = line
        for start, end, numbers in reversed(found):
            new = new[:start] + numbers[min(reading, len(numbers) - 1)] + new[end:]
        try:
            tomllib.loads(new)
        except tomllib.TOMLDecodeError:
            break
        meant.append(new.strip())
    return "; ".join([*whys, *([f"write {', or '.join(meant)}"] if meant else [])])
