"""Factors: whatever a sweep varies. A lever, an uncertain parameter, the draw of the other parameters, or luck.

A design places points in a unit cube; a factor says what a share of its range means: a number between two ends, a
whole number, or one of a list of values. What a factor may be follows from the lever schema and the parameter
records, and everything that is wrong with one is said at once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passaat.errors import StudyError, unknown_name
from passaat.model.kernel.elementary import exp, log
from passaat.model.parameters import PARAMETERS
from passaat.scenarios.levers import LEVERS
from passaat.scenarios.reading import shown_value

__all__ = [
    "Factor",
    "Kind",
    "Scale",
    "Setting",
    "counted_factor",
    "factor_of",
    "is_setting",
    "parameter_label",
    "read_factor",
]

Scale = Literal["continuous", "integer", "categories"]
Kind = Literal["lever", "uncertainty", "draw", "luck"]
Setting = float | int | bool | str

_NAN: Final = math.nan

_SLACK: Final = 1e-9
"""A share that falls this little short of the next value counts as that value: 1/3 of three values is the second."""

WAYS: Final = '"all", a list of two or more values, or a range { low = …, high = … }'


@dataclass(frozen=True)
class Factor:
    """One thing that a sweep varies, and over what.

    Attributes:
        name: of the lever or parameter; "draw" or "luck" for the other two kinds.
        scale: a number between two ends, a whole number from one end to the other, or one of a list of values.
        low, high: ends of the range, in ``unit``; nan for a list of values.
        shape: how a number is spread over its range; "uniform" for everything else.
        categories: the list of values; empty unless ``scale`` is "categories".
        ordered: whether larger means more: False for names, yes and no, draws and luck.
        meaning: one sentence. label: a short name for figures.

    Raises:
        ValueError: ends that are not in order or, for whole numbers, not whole; a list that is empty or repeats
            a value; ends and a list together.
    """

    name: str
    kind: Kind
    scale: Scale
    low: float
    high: float
    shape: Literal["uniform", "loguniform"]
    categories: tuple[Setting, ...]
    ordered: bool
    unit: str
    meaning: str
    label: str

    def __post_init__(self) -> None:
        if self.scale == "categories":
            if not (math.isnan(self.low) and math.isnan(self.high)):
                raise ValueError(f"{self.name}: a list of values has no ends, got {self.low} to {self.high}")
            if not self.categories or len(set(self.categories)) < len(self.categories):
                raise ValueError(f"{self.name}: needs values, each once, got {self.categories}")
            return
        if self.categories:
            raise ValueError(f"{self.name}: a range has no list of values, got {self.categories}")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"{self.name}: low {self.low} to high {self.high} is no range")
        if self.scale == "integer" and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"{self.name}: ends of whole numbers must be whole: {self.low} to {self.high}")
        if self.shape == "loguniform" and self.low <= 0.0:
            raise ValueError(f"{self.name}: a loguniform range must be positive, but starts at {self.low}")

    def __eq__(self, other: object) -> bool:
        """Equal in every field; nan, which says that there are no ends, is equal to nan here."""
        return isinstance(other, Factor) and self._comparable() == other._comparable()

    def __hash__(self) -> int:
        return hash(self._comparable())

    def _comparable(self) -> tuple[object, ...]:
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(None if value != value else value for value in values)

    @property
    def n_values(self) -> int | None:
        """How many values it can have; None where they cannot be counted."""
        if self.scale == "categories":
            return len(self.categories)
        return int(self.high - self.low) + 1 if self.scale == "integer" else None

    def at(self, u: float) -> Setting:
        """The value at share ``u`` of the range or of the list, 0 the first and 1 the last.

        Raises:
            ValueError: ``u`` is not from 0 to 1.
        """
        if not 0.0 <= u <= 1.0:
            raise ValueError(f"{self.name}: a share of the range is from 0 to 1, not {u}")
        if self.scale == "continuous":
            if self.shape == "loguniform":
                value = self.low * exp(u * log(self.high / self.low))
            else:
                value = self.low + u * (self.high - self.low)
            # Rounding may miss the end, or pass one that is as far as a lever or parameter may go.
            if u == 1.0:
                return self.high
            return min(max(value, self.low), self.high)
        n = len(self.categories) if self.scale == "categories" else int(self.high - self.low) + 1
        place = min(int(u * n + _SLACK), n - 1)
        return self.categories[place] if self.scale == "categories" else int(self.low) + place

    def level(self, share: float) -> Setting:
        """The level at share ``share`` of the way from low to high, for a factorial: ends included, whole rounded."""
        if self.scale == "integer":
            return math.floor(self.low + share * (self.high - self.low) + 0.5)
        return self.at(share)

    def number(self, value: Setting) -> float:
        """Its place as a number, for analysis: the number itself, 0 or 1 for no and yes, the place of a name."""
        return float(self.categories.index(value)) if isinstance(value, str) else float(value)

    def show(self, value: Setting) -> str:
        """A value as people read it, without its unit: "350,000", "0.125", "true", "best_performers"."""
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if float(value).is_integer() or abs(value) >= 1000.0:
            return f"{value:,.0f}"
        return f"{value:.4g}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, from which ``from_dict`` makes the same factor."""
        data = asdict(self)
        ends = {end: None if math.isnan(data[end]) else data[end] for end in ("low", "high")}
        return {**data, **ends, "categories": list(self.categories)}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The factor that ``to_dict`` wrote.

        Raises:
            ValueError: a field is missing, unknown, of another type, or not allowed.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(data, Mapping) or set(data) != names:
            raise ValueError(
                f"a factor has the fields {', '.join(sorted(names))}, not those of {shown_value(data)}"
            )
        wrong = [name for name in ("name", "unit", "meaning", "label") if not isinstance(data[name], str)]
        wrong += [name for name, allowed in _NAMED.items() if data[name] not in allowed]
        wrong += [] if isinstance(data["ordered"], bool) else ["ordered"]
        wrong += [end for end in ("low", "high") if data[end] is not None and not _is_number(data[end])]
        categories = data["categories"]
        if not isinstance(categories, list) or not all(map(is_setting, categories)):
            wrong.append("categories")
        if wrong:
            told = ", ".join(f"{name} = {shown_value(data[name])}" for name in wrong)
            raise ValueError(f"the factor {shown_value(data['name'])} cannot have {told}")
        ends = {end: _NAN if data[end] is None else float(data[end]) for end in ("low", "high")}
        return cls(**{**data, **ends, "categories": tuple(data["categories"])})


_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": get_args(Kind),
    "scale": get_args(Scale),
    "shape": ("uniform", "loguniform"),
}
"""Fields of a factor that are one of these words."""


def _is_number(value: object) -> bool:
    """Whether a value of JSON is a number that a float can hold; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) < 2**63


def is_setting(value: object) -> bool:
    """Whether a value of JSON can be one that a factor takes: a number, yes or no, or a name."""
    return isinstance(value, str | bool) or _is_number(value)


def factor_of(name: str, spec: object = "all") -> Factor:
    """A lever or a parameter over a range, a list of values, or everything that it may be ("all").

    Raises:
        StudyError: no such lever or parameter, or a range or list that it does not allow; all problems at once.
    """
    return read_factor("lever" if name in LEVERS else "uncertainty", name, spec)[0]


def counted_factor(kind: Literal["draw", "luck"], n: int) -> Factor:
    """Which of ``n`` draws supplies the parameters that are not swept, or in which of ``n`` worlds a point runs."""
    meaning, label = {
        "draw": ("which draw supplies the parameters that are not swept", "Draw of the other parameters"),
        "luck": ("which world, that is which luck, a point runs in", "Luck"),
    }[kind]
    return Factor(
        name=kind,
        kind=kind,
        scale="categories",
        low=_NAN,
        high=_NAN,
        shape="uniform",
        categories=tuple(range(n)),
        ordered=False,
        unit="",
        meaning=meaning,
        label=label,
    )


def parameter_label(name: str) -> str:
    """Name of a parameter for people: its own in words, without the unit at its end, which is said where it matters.

    >>> parameter_label("coordinator_fee_expected_eur_year")
    'Coordinator fee expected EUR year'
    """
    return name.removesuffix("_eur").replace("_", " ").capitalize().replace(" eur ", " EUR ")


# What a lever or a parameter allows


@dataclass(frozen=True)
class _Subject:
    """A lever or a parameter, as far as a factor is concerned. ``named`` holds all values where they have names."""

    name: str
    kind: Literal["lever", "uncertainty"]
    low: float
    high: float
    shape: Literal["uniform", "loguniform"]
    whole: bool
    named: tuple[Setting, ...]
    allowed: str
    unit: str
    meaning: str
    label: str
    normalise: Callable[[object], Setting]

    def factor(self, scale: Scale, low: float, high: float, categories: tuple[Setting, ...]) -> Factor:
        return Factor(
            name=self.name,
            kind=self.kind,
            scale=scale,
            low=low,
            high=high,
            shape=self.shape if scale == "continuous" else "uniform",
            categories=categories,
            ordered=not categories or not self.named,
            unit=self.unit,
            meaning=self.meaning,
            label=self.label,
        )


def _lever(name: str) -> _Subject:
    if name not in LEVERS:
        raise StudyError(
            unknown_name("lever", name, list(LEVERS), listing=False),
            "`passaat levers` lists every lever with its range and meaning.",
        )
    lever = LEVERS[name]
    named: tuple[Setting, ...] = (False, True) if lever.kind == "switch" else lever.choices
    return _Subject(
        name=name,
        kind="lever",
        low=lever.minimum,
        high=lever.maximum,
        shape="uniform",
        whole=lever.kind == "integer",
        named=named,
        allowed=lever.allowed,
        unit="" if named else lever.unit,
        meaning=lever.meaning,
        label=lever.label_en,
        normalise=lever.normalise,
    )


def _parameter(name: str) -> _Subject:
    if name not in PARAMETERS:
        raise StudyError(
            unknown_name("parameter", name, list(PARAMETERS), listing=False),
            "docs/ODD.md lists every parameter with its range and meaning.",
        )
    record = PARAMETERS[name]
    allowed = f"{record.minimum:g} to {record.maximum:g} {record.unit}".rstrip()

    def normalise(value: object) -> Setting:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not record.minimum <= value <= record.maximum:  # type: ignore[operator]
            raise ValueError(f"{name} = {shown_value(value)} is not allowed; it must be {allowed}")
        return float(value)  # type: ignore[arg-type]

    return _Subject(
        name=name,
        kind="uncertainty",
        low=record.minimum,
        high=record.maximum,
        shape="loguniform" if record.shape == "loguniform" else "uniform",
        whole=False,
        named=(),
        allowed=allowed,
        unit=record.unit,
        meaning=record.meaning,
        label=parameter_label(name),
        normalise=normalise,
    )


# What a study file says of a factor


class _Range(BaseModel):
    """{ low = …, high = …, steps = … }, each of which may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    low: float | None = None
    high: float | None = None
    steps: Annotated[int, Field(ge=2)] | None = None


def read_factor(kind: Literal["lever", "uncertainty"], name: str, spec: object) -> tuple[Factor, int | None]:
    """What a study file says of one lever or parameter.

    Args:
        spec: "all" or an empty table for everything that is allowed, a list of two or more values, or a table with
            any of ``low``, ``high`` and ``steps``.

    Returns:
        The factor, and the number of levels in a factorial where ``steps`` says it.

    Raises:
        StudyError: an unknown name, or a value or range that is not allowed; all problems at once.
    """
    subject = _lever(name) if kind == "lever" else _parameter(name)
    if spec == "all":
        spec = {}
    if isinstance(spec, Mapping):
        found, problems = _from_range(subject, spec)
    elif isinstance(spec, Sequence) and not isinstance(spec, str):
        found, problems = _from_list(subject, spec)
    else:
        found, problems = None, [f"{name} = {shown_value(spec)} does not vary; write {WAYS}"]
    if found is None:
        raise StudyError(problems, f"{name} may be {subject.allowed}.")
    return found


_Found = tuple[tuple[Factor, int | None] | None, list[str]]


def _from_list(subject: _Subject, values: Sequence[object]) -> _Found:
    problems: list[str] = []
    settings: list[Setting] = []
    for value in values:
        try:
            settings.append(subject.normalise(value))
        except ValueError as error:
            problems.append(str(error))
    problems += [
        f"{subject.name}: {shown_value(value)} is listed {times} times; list each value once"
        for value, times in Counter(settings).items()
        if times > 1
    ]
    if len(values) < 2:
        problems.append(f"{subject.name} = {shown_value(list(values))} does not vary; write {WAYS}")
    if problems:
        return None, problems
    # In the order of size, so that a larger share of the list is a larger value; names stay as they are listed.
    ordered = settings if isinstance(settings[0], str) else sorted(settings, key=float)
    return (subject.factor("categories", _NAN, _NAN, tuple(ordered)), None), []


def _from_range(subject: _Subject, spec: Mapping[str, object]) -> _Found:
    if subject.named:
        if spec:
            return None, [f"{subject.name} has no range; it may be {subject.allowed}: write a list or 'all'"]
        return (subject.factor("categories", _NAN, _NAN, subject.named), None), []
    problems: list[str] = []
    try:
        asked = _Range.model_validate(dict(spec))
    except ValidationError as error:
        problems += _range_problems(subject, error)
        wrong = {found["loc"][0] for found in error.errors(include_url=False)}
        asked = _Range.model_validate({key: value for key, value in spec.items() if key not in wrong})
    ends = {"low": subject.low, "high": subject.high}
    for end, value in (("low", asked.low), ("high", asked.high)):
        if value is not None:
            try:
                subject.normalise(value)
                ends[end] = float(value)
            except ValueError:
                problems.append(
                    f"{subject.name}: {end} = {value:,.10g} is not allowed; it must be {subject.allowed}"
                )
    low, high = ends["low"], ends["high"]
    if not problems and low >= high:
        problems.append(f"{subject.name}: low = {low:,.10g} must be below high = {high:,.10g}")
    if not problems and subject.whole and asked.steps is not None and asked.steps > high - low + 1:
        problems.append(
            f"{subject.name}: steps = {asked.steps} is more than the {high - low + 1:,.10g} whole numbers from"
            f" {low:,.10g} to {high:,.10g}"
        )
    if problems:
        return None, problems
    return (subject.factor("integer" if subject.whole else "continuous", low, high, ()), asked.steps), []


def _range_problems(subject: _Subject, error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False):
        key, value = str(found["loc"][0]), found["input"]
        if found["type"] == "extra_forbidden":
            yield f"{subject.name}: {unknown_name('key', key, tuple(_Range.model_fields))}"
        elif key == "steps":
            yield f"{subject.name}: steps = {shown_value(value)} is not allowed; it must be a whole number from 2 on"
        else:
            yield f"{subject.name}: {key} = {shown_value(value)} is not allowed; it must be {subject.allowed}"
