"""Parameters as records: value, range, unit, meaning, source and grade, read from ``parameters.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np

from passaat.model.kernel.elementary import exp, log

SHAPES: Final = ("uniform", "loguniform", "fixed")
GRADES: Final = ("measured", "inferred", "assumed")
DIRECTIONS: Final = (*GRADES, "none")
_FIELDS: Final = {
    "value",
    "minimum",
    "maximum",
    "shape",
    "unit",
    "meaning",
    "grade",
    "direction",
    "identified",
    "source",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of the model.

    Attributes:
        value: default, in ``unit``; minimum, maximum: range from which it is drawn while no posterior exists.
        shape: uniform or loguniform over the range; or fixed: it is not drawn, and moves only where somebody moves it.
        grade: of the size: measured (reported), inferred (computed from reports) or assumed.
        direction: grade of the direction in which it acts: inferred where a source says which way; none where it has
            none, as a spread.
        identified: whether calibration targets can be expected to move it.
    """

    name: str
    value: float
    minimum: float
    maximum: float
    shape: Literal["uniform", "loguniform", "fixed"]
    unit: str
    meaning: str
    grade: Literal["measured", "inferred", "assumed"]
    direction: Literal["measured", "inferred", "assumed", "none"]
    identified: bool
    source: str

    def at(self, u: float) -> float:
        """The value at share ``u`` of the range, by its shape."""
        if self.shape == "fixed":
            return self.value
        if self.shape == "loguniform":
            return self.minimum * exp(u * log(self.maximum / self.minimum))
        return self.minimum + u * (self.maximum - self.minimum)


def read_parameters(text: str) -> Mapping[str, Parameter]:
    """Read parameter records from TOML.

    Raises:
        ValueError: a record with missing or unknown fields, an unknown shape or grade, or a value outside its range;
            the message names every offender.
    """
    records: dict[str, dict[str, Any]] = tomllib.loads(text)
    problems = [problem for name, record in records.items() for problem in _problems_of(name, record)]
    if problems:
        raise ValueError("parameters cannot be read:\n  " + "\n  ".join(problems))
    return MappingProxyType({name: Parameter(name=name, **record) for name, record in records.items()})


def _problems_of(name: str, record: dict[str, Any]) -> list[str]:
    missing, unknown = sorted(_FIELDS - set(record)), sorted(set(record) - _FIELDS)
    problems = [f"{name}: field {field!r} is missing" for field in missing]
    problems += [
        f"{name}: field {field!r} is unknown; known are {', '.join(sorted(_FIELDS))}" for field in unknown
    ]
    if missing:
        return problems
    if record["shape"] not in SHAPES:
        problems.append(f"{name}: shape {record['shape']!r} is none of {', '.join(SHAPES)}")
    if record["grade"] not in GRADES:
        problems.append(f"{name}: grade {record['grade']!r} is none of {', '.join(GRADES)}")
    if record["direction"] not in DIRECTIONS:
        problems.append(f"{name}: direction {record['direction']!r} is none of {', '.join(DIRECTIONS)}")
    if not record["minimum"] <= record["value"] <= record["maximum"]:
        problems.append(
            f"{name}: value {record['value']} is outside {record['minimum']} to {record['maximum']}"
        )
    if record["shape"] == "loguniform" and record["minimum"] <= 0:
        problems.append(f"{name}: a loguniform range must be positive, but starts at {record['minimum']}")
    return problems


PARAMETERS: Final = read_parameters((files("passaat.model") / "parameters.toml").read_text(encoding="utf-8"))
"""Every parameter by name, in the order of the file."""


def default_parameters() -> dict[str, float]:
    """Every parameter at its default value."""
    return {name: parameter.value for name, parameter in PARAMETERS.items()}


def draw_parameters(n: int, seed: int, names: Iterable[str] | None = None) -> list[dict[str, float]]:
    """Draw ``n`` sets of parameters from their stated ranges; those not in ``names`` keep their default.

    Each parameter is stratified over the draws (a Latin hypercube), so that few draws cover each range evenly. A
    parameter's values depend on its name, ``n`` and ``seed`` alone: adding a parameter leaves the others' draws.

    Raises:
        KeyError: a name that is no parameter.
        ValueError: ``n`` below one.
    """
    if n < 1:
        raise ValueError(f"at least one draw is needed, got {n}")
    chosen = list(PARAMETERS) if names is None else list(names)
    unknown = [name for name in chosen if name not in PARAMETERS]
    if unknown:
        raise KeyError(f"no such parameters: {', '.join(unknown)}")
    draws = [default_parameters() for _ in range(n)]
    for name in chosen:
        generator = np.random.default_rng([seed, *name.encode()])
        shares = (generator.permutation(n) + generator.random(n)) / n
        for draw, share in zip(draws, shares, strict=True):
            draw[name] = PARAMETERS[name].at(float(share))
    return draws


def generated() -> dict[str, str]:
    """The declaration of parameters, by its place in the repository."""
    return {"model/parameter_table.py": parameter_table_source()}


def parameter_table_source() -> str:
    """Source of ``parameter_table.py``: the declaration that lets type checkers catch a misspelt parameter."""
    lines = [
        '"""Parameters as the rules see them. Made from parameters.toml by ``make generated``."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import NamedTuple",
        "",
        "",
        "class Parameters(NamedTuple):",
        '    """Value of every parameter in one run; ranges, meanings and sources are in parameters.toml."""',
        "",
    ]
    lines += [f"    {name}: float" for name in PARAMETERS]
    return "\n".join(lines) + "\n"
