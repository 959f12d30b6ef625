"""The figures with which a simulated evaluation is compared: reported value, chance behind it, and what it is used for.

Reported values are never written here: they are computed from evidence rows, so the evidence stays the one place of
each fact. A figure whose row is an input is refused: what is fed in is not reproduced.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import chi2

from passaat.errors import EvidenceError, unknown_name
from passaat.evidence import EvidenceRow, evidence

TARGETS_FILE: Final = Path(__file__).resolve().parent / "targets.toml"
PATTERNS: Final = ("P1", "P2", "P3")
ROLES: Final = ("target", "validation", "check")
FORMS: Final = ("count", "binomial", "mean", "sum", "top_share", "range_end", "ordinal")
TOP: Final = 5
_NORMAL_95: Final = 1.959963984540054
_REQUIRED: Final = {"label", "pattern", "rows", "role", "form", "seen"}
_BY_FORM: Final[Mapping[str, set[str]]] = {
    "count": set(),
    "binomial": set(),
    "mean": {"spread", "why"},
    "sum": {"sigma", "why"},
    "top_share": {"sigma", "why"},
    "range_end": {"end"},
    "ordinal": {"lower", "upper", "why"},
}


@dataclass(frozen=True)
class Figure:
    """One reported figure.

    Attributes:
        name: what is observed of a run under this name.
        unit: of ``reported``, ``low`` and ``high``; a share is 0 to 1.
        reported: the value; nan where the source says it in words.
        low, high: 95 % interval of what could have been reported by chance, or the share that words stand for; nan
            where the form gives none.
        n: cases behind it, 0 when not reported.
        census: the source counts all covenants of the window, not a sample of cases.
        inferred: a reader's reading is part of the value.
        set_by: model parameters whose default was set straight from this figure.
    """

    name: str
    label: str
    pattern: str
    role: str
    form: str
    unit: str
    rows: tuple[str, ...]
    reported: float
    low: float
    high: float
    n: int
    census: bool
    inferred: bool
    set_by: tuple[str, ...]
    why: str


def wilson(k: float, n: float) -> tuple[float, float]:
    """The 95 % Wilson interval of a share of ``k`` in ``n`` cases."""
    z, share = _NORMAL_95, k / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def poisson(k: float) -> tuple[float, float]:
    """The exact 95 % interval of the mean of a Poisson count ``k``."""
    low = float(chi2.ppf(0.025, 2 * k) / 2) if k else 0.0
    return low, float(chi2.ppf(0.975, 2 * k + 2) / 2)


def log_normal_sum(total: float, n: int, sigma: float) -> tuple[float, float]:
    """About the 95 % interval of a sum of ``n`` log-normal cases: its logarithm is taken as normal."""
    spread = math.sqrt(math.log1p(math.expm1(sigma * sigma) / n))
    return total * math.exp(-_NORMAL_95 * spread), total * math.exp(_NORMAL_95 * spread)


def top_share(n: int, sigma: float) -> tuple[float, float]:
    """The 95 % range of the share of the top five among ``n`` log-normal cases, by simulation with a fixed seed."""
    cases = np.sort(np.exp(sigma * np.random.default_rng(1).standard_normal((4_000, n))), axis=1)
    low, high = np.quantile(cases[:, -TOP:].sum(axis=1) / cases.sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def plausibility(figure: Figure, simulated: NDArray[np.float64]) -> NDArray[np.float64]:
    """How plausible the reported value is, world by world: 1 where a world shows just that value, 0 where it cannot be.

    The likelihood of the reported value, given that the truth is what the world shows, over the likelihood had the
    world shown the reported value itself, in the statistical form of the figure: Poisson (count), binomial, normal
    (mean and top_share) or log-normal (sum), with the spread of its 95 % interval. Words are plausible (1) or not (0).
    A count of zero or a share of 0 or 1 is moved by half a case inwards, as one world cannot show that something
    never happens. A world in which evaluators had nothing to report (nan) makes any report implausible.

    Returns nan for ends of a range, which have no statistical form.
    """
    if figure.form == "range_end":
        return np.full(simulated.shape, math.nan)
    silent = np.isnan(simulated)
    value, y = np.where(silent, 0.0, simulated), figure.reported
    if figure.form == "ordinal":
        log_ratio = np.where((figure.low <= value) & (value <= figure.high), 0.0, -math.inf)
    elif figure.form == "count":
        rate = np.maximum(value, 0.5)
        log_ratio = xlogy(y, rate) - rate - (xlogy(y, y) - y)
    elif figure.form == "binomial":
        half = 0.5 / figure.n
        share = np.clip(value, half, 1.0 - half)
        log_ratio = figure.n * (
            xlogy(y, share) + xlogy(1.0 - y, 1.0 - share) - xlogy(y, y) - xlogy(1.0 - y, 1.0 - y)
        )
    elif figure.form == "sum":
        spread = math.log(figure.high / figure.low) / (2.0 * _NORMAL_95)
        with np.errstate(divide="ignore"):
            log_ratio = -0.5 * np.square((np.log(np.maximum(value, 0.0)) - math.log(y)) / spread)
    else:
        spread = (figure.high - figure.low) / (2.0 * _NORMAL_95)
        log_ratio = -0.5 * np.square((value - y) / spread)
    plausible: NDArray[np.float64] = np.where(silent, 0.0, np.exp(np.minimum(log_ratio, 0.0)))
    return plausible


def load_figures(
    path: Path = TARGETS_FILE, rows: Mapping[str, EvidenceRow] | None = None
) -> tuple[Figure, ...]:
    """Read and check the figures.

    Raises:
        EvidenceError: unknown names, missing fields, a role that differs from the use of its rows, a binomial figure
            without n; all are listed.
    """
    known = evidence() if rows is None else rows
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    tables.pop("not_compared", None)
    problems: list[str] = []
    figures = []
    for name, table in tables.items():
        found = _problems_of(table, known)
        problems += [f"{path.name}, {name}: {problem}" for problem in found]
        if not found:
            figures.append(_figure(name, table, [known[id] for id in table["rows"]]))
    if problems:
        raise EvidenceError(problems, hint=f"Correct these records in {path.name}.")
    return tuple(figures)


def _problems_of(table: Mapping[str, object], known: Mapping[str, EvidenceRow]) -> list[str]:
    form = str(table.get("form"))
    needed = _REQUIRED | _BY_FORM.get(form, set())
    problems = [f"{field} is missing" for field in sorted(needed - set(table))]
    problems += [f"{field} is not used by form {form}" for field in sorted(set(table) - needed - {"set_by"})]
    for field, valid in (
        ("form", FORMS),
        ("pattern", PATTERNS),
        ("role", ROLES),
        ("seen", ("census", "sample")),
        ("end", ("lower", "upper", "value")),
    ):
        if field in table and table[field] not in valid:
            problems.append(unknown_name(field, str(table[field]), valid))
    if not _is_names(table.get("set_by", [])):
        problems.append("set_by must be a list of parameter names")
    ids = table.get("rows")
    if not isinstance(ids, list) or not ids:
        return [*problems, "rows must list at least one evidence row"]
    for id in ids:
        if id not in known:
            problems.append(unknown_name("evidence row", str(id), list(known), listing=False))
        elif known[id].use != table.get("role"):
            problems.append(f"role is {table.get('role')}, but the use of row {id} is {known[id].use}")
        elif form in ("binomial", "mean", "sum", "top_share") and not known[id].n:
            problems.append(f"form {form} needs n, which row {id} does not have")
        elif form != "ordinal" and known[id].value is None:
            problems.append(f"form {form} needs a number, which row {id} does not have")
    return problems


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _figure(name: str, table: Mapping[str, Any], rows: list[EvidenceRow]) -> Figure:
    first, form = rows[0], str(table["form"])
    n = first.n or 0
    percent = first.unit == "percent"
    reported = math.nan if form == "ordinal" else math.fsum(row.value or 0.0 for row in rows)
    if percent:
        reported /= 100.0
    elif form == "binomial":
        reported /= n
    low, high = math.nan, math.nan

    if form == "count":
        low, high = poisson(reported)
    elif form == "binomial":
        low, high = wilson(reported * n, n)
    elif form == "mean":
        half = _NORMAL_95 * float(table["spread"]) * reported / math.sqrt(n)
        low, high = reported - half, reported + half
    elif form == "sum":
        low, high = log_normal_sum(reported, n, float(table["sigma"]))
    elif form == "top_share":
        low, high = top_share(n, float(table["sigma"]))
    elif form == "ordinal":
        low, high = float(table["lower"]), float(table["upper"])
    elif table["end"] != "value":
        end = first.lower if table["end"] == "lower" else first.upper
        reported = math.nan if end is None else end
    share = percent or form in ("binomial", "ordinal")
    return Figure(
        name=name,
        label=str(table["label"]),
        pattern=str(table["pattern"]),
        role=str(table["role"]),
        form=form,
        unit="share" if share else first.unit,
        rows=tuple(row.id for row in rows),
        reported=reported,
        low=low,
        high=high,
        n=n,
        census=table["seen"] == "census",
        inferred=any(row.inferred for row in rows),
        set_by=tuple(table.get("set_by", ())),
        why=str(table.get("why", "")),
    )


@cache
def figures() -> tuple[Figure, ...]:
    """All figures of the patterns, in the order of the file, read once."""
    return load_figures()


@cache
def not_compared() -> Mapping[str, str]:
    """Evidence rows held back for validation that the model cannot be compared with yet, each with the reason."""
    table: dict[str, str] = tomllib.loads(TARGETS_FILE.read_text(encoding="utf-8"))["not_compared"]
    return table
