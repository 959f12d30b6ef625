"""The lever schema: what policy can choose, read from `levers.toml` and checked once.

A lever value is written as people write it (a number, true/false, or the name of a choice) and handed
to the model as one float: switches as 0 or 1, choices by their place in the list.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from passaat.errors import ScenarioError, unknown_name
from passaat.scenarios.reading import (
    NumberError,
    Quantity,
    harmless,
    number_shown,
    plain,
    read_number,
    shown_value,
    strange_character,
)

__all__ = ["LEVERS", "UNITS", "EvidenceRef", "Lever", "LeverSetting", "LeverValue", "lever", "read_levers"]

LeverValue = bool | int | float | str
LeverSetting = LeverValue | Mapping[int, LeverValue]
"""One value, or values by year: each counts from its year on."""

Kind = Literal["number", "integer", "switch", "choice"]

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "switch": "true or false",
        "choice": "one of the named choices",
        "share": "share of one, 0.25 means 25 %",
        "ratio": "multiple of today's level",
        "points": "points of the assessment: on its scale of 0 to 100, or as the weight of a group of criteria",
        "persons": "number of persons",
        "participants": "number of participants of a cluster",
        "criteria": "number of criteria",
        "rounds": "number of rounds",
        "quarters": "quarters of a year",
        "quarters after start": "quarters of a year, counted from the start of the covenant",
        "years": "years",
        "calls/year": "number of calls for applications a year",
        "stages": "number of stages of selection",
        "covenants": "number of covenants",
        "share/year": "share of one, for each further year",
        "EUR": "euro, constant prices",
        "EUR/year": "euro a year, constant prices",
        "EUR/firm/year": "euro for one firm and one year, constant prices",
        "EUR/SME/year": "euro for one small or medium-sized firm and one year, constant prices",
        "EUR/cluster/year": "euro for one cluster and one year, constant prices",
    }
)
"""The closed list of units a lever may have, with what they mean."""

_FIELDS = (
    "label_en",
    "label_nl",
    "meaning",
    "unit",
    "kind",
    "minimum",
    "maximum",
    "choices",
    "default",
    "cost",
    "evidence",
    "identified",
    "effect",
)
_FIRST_PRACTICE_YEAR = 2012
LEVER_HINT = "`passaat levers` lists every lever with its range and meaning."
_SWITCH_WORDS = {word: True for word in ("true", "on", "yes", "1")} | {
    word: False for word in ("false", "off", "no", "0")
}


@dataclass(frozen=True)
class EvidenceRef:
    """A pointer to one claim or row of the project's evidence: id, source key and place in the source."""

    id: str
    source: str
    place: str

    def __str__(self) -> str:
        return f"{self.id} ({self.source} {self.place})"


@dataclass(frozen=True)
class Lever:
    """One thing policy can choose. `minimum` and `maximum` are in `unit`; switches run from 0 to 1."""

    name: str
    label_en: str
    label_nl: str
    meaning: str
    unit: str
    kind: Kind
    minimum: float
    maximum: float
    choices: tuple[str, ...]
    default_by_year: tuple[tuple[int, LeverValue], ...]
    cost: str
    evidence: tuple[EvidenceRef, ...]
    identified: Literal["identified", "assumed"]
    effect: str

    @property
    def allowed(self) -> str:
        """What a value may be, in words: "0 to 101 points", "true or false", "all, traction or sme"."""
        if self.kind == "switch":
            return "true or false"
        if self.kind == "choice":
            return ", ".join(self.choices[:-1]) + " or " + self.choices[-1]
        return self.quantity.in_words

    @property
    def quantity(self) -> Quantity:
        """What a number for this lever is for."""
        return Quantity(self.unit, self.minimum, self.maximum, self.kind == "integer")

    @property
    def default_text(self) -> str:
        """The practice as text: "5", or "0; 1 from 2019" where it changed over the years."""
        first, *later = self.default_by_year
        return "; ".join([self.show(first[1]), *(f"{self.show(value)} from {year}" for year, value in later)])

    def default_in(self, year: int) -> LeverValue:
        """Practice of that calendar year."""
        return value_in(self.default_by_year, year)

    def normalise(self, value: object) -> LeverValue:
        """Bring a value to the one way it is written: bool for switches, a name for choices, int or float.

        Raises
        ------
        ValueError : wrong type, not finite, or outside the range; the message names value and range.
        """
        if self.kind == "switch":
            if isinstance(value, bool):
                return value
            if isinstance(value, int | float) and value in (0, 1):
                return bool(value)
        elif self.kind == "choice":
            if isinstance(value, str) and value in self.choices:
                return value
            for place, choice in enumerate(self.choices):
                if isinstance(value, int | float) and not isinstance(value, bool) and value == place:
                    return choice
        elif isinstance(value, int | float) and not isinstance(value, bool) and self.quantity.allows(value):
            return int(value) if self.kind == "integer" else float(value)
        raise ValueError(self._refusal(shown_value(value)))

    def parse(self, text: str, write: Callable[[str], str] | None = None) -> LeverValue:
        """Read a value typed on a command line, or in a cell of a list.

        ``write`` makes a whole setting of a corrected number, for messages.

        Raises
        ------
        ValueError : the text is no value of this lever, or a number that can be read in two ways; the message names
            it, and the range or the corrected settings.
        """
        made = write or (lambda number: f"{self.name} = {number}")
        return self._read([text], lambda numbers: made(numbers[0]))[0]

    def parse_setting(self, text: str, flag: str = "--set") -> LeverSetting:
        """Read what ``--set`` or another ``flag`` says after the name: a value, or values by year such as
        2019:4200000,2021:5000000.

        Raises
        ------
        ValueError : as ``parse``; or a year that is none, has no value, or is named twice; all problems at once.
        """
        asked = f"{flag} {self.name}"
        straight = re.sub(r"(?<!\d)([12]\d{3})\s*=", r"\1:", re.sub(r";(?=\s*[12]\d{3}\s*[:=])", ",", text))
        if straight != text:
            raise ValueError(f"{asked}={harmless(text)} must read like 2019:VALUE; write {asked}={straight}")
        if ":" not in text:
            return self.parse(text, lambda number: f"{asked}={number}")
        dated: list[tuple[str, str]] = []
        problems: list[str] = []
        for part in re.split(r",(?=[^,:]*:)", text):
            year, colon, value = part.partition(":")
            if not re.fullmatch(r"\s*[12]\d{3}\s*", year, re.ASCII) or not colon or not value.strip():
                problems.append(f"{part!r} must read like 2019:VALUE")
            elif any(int(year) == int(before) for before, _ in dated):
                problems.append(f"{int(year)} is named twice")
            elif re.fullmatch(r"\s*\d{4,}(,\s*\d{4,})+\s*", value, re.ASCII):
                problems.append(f"{part!r} has one year for several values; each must read like 2019:VALUE")
            else:
                dated.append((year, value))
        if problems:
            raise ValueError(f"{asked}={harmless(text)}: {'; '.join(problems)}")

        def write(numbers: Sequence[str]) -> str:
            return (
                f"{asked}={','.join(f'{year}:{one}' for (year, _), one in zip(dated, numbers, strict=True))}"
            )

        values = self._read([value for _, value in dated], write)
        return dict(sorted((int(year), value) for (year, _), value in zip(dated, values, strict=True)))

    def _read(self, texts: Sequence[str], write: Callable[[Sequence[str]], str]) -> list[LeverValue]:
        """Values as they were typed; ``write`` makes a whole setting of them, for messages.

        Raises
        ------
        ValueError : what is wrong with each, and the settings that can be meant, all numbers read the same way.
        """
        values: list[LeverValue] = []
        meant: list[tuple[str, ...]] = []
        refused: list[str] = []
        unclear: list[str] = []
        whys: list[str] = []
        for word in map(str.strip, texts):
            value: object = _SWITCH_WORDS.get(word.lower(), word) if self.kind == "switch" else word
            why = strange_character(word)
            numbers: tuple[str, ...] = ()
            try:
                if self.kind in ("integer", "number"):
                    value = read_number(word, self.quantity)
                values.append(self.normalise(value))
                meant.append((word,))
                continue
            except NumberError as wrong:
                why, numbers = wrong.why, wrong.corrections
            except ValueError:
                pass
            shown = harmless(word) if len(word) <= 60 else number_shown(word)
            meant.append(numbers)
            if numbers:
                unclear.append(shown)
                whys.append(why)
            else:
                refused.append("; ".join(filter(None, [self._refusal(shown), why])))
        if not refused and not unclear:
            return values
        if unclear:
            refused.append(f"{self.name} = {' and '.join(unclear)}: {'; '.join(dict.fromkeys(whys))}")
        settings = [
            write([numbers[min(reading, len(numbers) - 1)] for numbers in meant])
            for reading in range(max(map(len, meant)) if all(meant) else 0)
        ]
        raise ValueError("; ".join([*refused, *([f"write {', or '.join(settings)}"] if settings else [])]))

    def _refusal(self, shown: str) -> str:
        return f"{self.name} = {shown} is not allowed; it must be {self.allowed}"

    def code(self, value: LeverValue) -> float:
        """The float the model reads: 0 or 1 for switches, the place in the list for choices."""
        if isinstance(value, str):
            return float(self.choices.index(value))
        return float(value)

    def show(self, value: LeverValue) -> str:
        """A value as people write it, with no rounding: `true`, `best_performers`, `350000`."""
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else plain(value)

    def show_setting(self, setting: LeverSetting) -> str:
        """A setting as people read it: `60`, or `3 from 2016; 4 from 2019`."""
        if isinstance(setting, Mapping):
            return "; ".join(f"{self.show(value)} from {year}" for year, value in setting.items())
        return self.show(setting)


def value_in(by_year: Sequence[tuple[int, LeverValue]], year: int) -> LeverValue:
    """The value in force in `year`: the latest entry not after it; before the first entry, the first one."""
    current = by_year[0][1]
    for start, value in by_year:
        if start <= year:
            current = value
    return current


def lever(name: str) -> Lever:
    """The lever called `name`.

    Raises
    ------
    ScenarioError : there is no such lever; the message guesses the name that was meant.
    """
    if name not in LEVERS:
        raise ScenarioError(unknown_name("lever", name, list(LEVERS)), LEVER_HINT)
    return LEVERS[name]


def read_levers(text: str) -> dict[str, Lever]:
    """Read and check a lever file (TOML), keeping its order.

    Raises
    ------
    ScenarioError : a record misses a field, has one too many, or holds a value its own range refuses;
        all problems at once.
    """
    problems: list[str] = []
    levers: dict[str, Lever] = {}
    for name, record in tomllib.loads(text).items():
        try:
            levers[name] = _read_record(name, record)
        except ValueError as error:
            problems.append(f"lever {name!r}: {error}")
    if problems:
        raise ScenarioError(problems, "correct the record in levers.toml; its head explains every field.")
    return levers


def _read_record(name: str, record: Mapping[str, Any]) -> Lever:
    kind = record.get("kind")
    if kind not in ("number", "integer", "switch", "choice"):
        raise ValueError(f"kind = {kind!r}; it must be number, integer, switch or choice")
    expected = set(_FIELDS) - ({"minimum", "maximum"} if kind in ("switch", "choice") else set())
    expected -= set() if kind == "choice" else {"choices"}
    if set(record) != expected:
        missing, extra = sorted(expected - set(record)), sorted(set(record) - expected)
        raise ValueError(f"missing fields {missing}, unknown fields {extra}")
    if record["unit"] not in UNITS:
        raise ValueError(unknown_name("unit", str(record["unit"]), list(UNITS)))
    if record["identified"] not in ("identified", "assumed"):
        raise ValueError(f"identified = {record['identified']!r}; it must be identified or assumed")
    choices = tuple(record.get("choices", ()))
    evidence = []
    for text in record["evidence"]:
        parts = text.split(" ", 2)
        if len(parts) != 3:
            raise ValueError(f"evidence {text!r} must read 'id source place'")
        evidence.append(EvidenceRef(*parts))
    if not evidence:
        raise ValueError("no evidence is named")
    draft = Lever(
        name=name,
        label_en=record["label_en"],
        label_nl=record["label_nl"],
        meaning=record["meaning"],
        unit=record["unit"],
        kind=kind,
        minimum=float(record.get("minimum", 0)),
        maximum=float(record.get("maximum", max(1, len(choices) - 1))),
        choices=choices,
        default_by_year=(),
        cost=record["cost"],
        evidence=tuple(evidence),
        identified=record["identified"],
        effect=record["effect"],
    )
    default = record["default"]
    table = default if isinstance(default, dict) else {str(_FIRST_PRACTICE_YEAR): default}
    years = [int(year) for year in table]
    if years != sorted(set(years)):
        raise ValueError(f"the years of the default must rise: {years}")
    by_year = tuple((int(year), draft.normalise(value)) for year, value in table.items())
    return Lever(**{**draft.__dict__, "default_by_year": by_year})


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Lever]:
    text = Path(__file__).with_name("levers.toml").read_text(encoding="utf-8")
    return MappingProxyType(read_levers(text))


LEVERS: Mapping[str, Lever] = _shipped()
"""Every lever by name, in the order of the file, which is the order of the model's columns."""
