"""How likely a report is, given what a simulated evaluation shows: each figure in its own statistical form.

A run shows each figure with the luck of one world. A report is then one more draw from the figure's form around what
the world shows, blurred by a discrepancy between any model and the real programme:

* count: Poisson; binomial: of n cases (two shares of three that sum to one become one share and, of the rest, another,
  so that nothing counts twice); mean of n, sum and top share: normal on the scale below, with the spread of the record;
* words: the report says "most" or "few" when the share lies beyond a half, give or take a tenth;
* discrepancy: before the form acts, what the world shows is shifted on the variance-stabilised scale by a normal
  amount of ``discrepancy`` reporting standard deviations. Its size is not known and is inferred with the parameters.

The scale on which a figure's chance is about the same everywhere: square root of a count, arcsine of the root of
a share, logarithm of a mean or a sum, a top share as it is. A figure from few cases has a wide form and weighs little.

For figures that count the whole programme (census) the form is not a sampling error of the source: it says that a world
need not show the reported figure closer than a second programme of the same kind would have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_ndtr, xlogy

from passaat.calibration.targets import Figure
from passaat.errors import EvidenceError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NORMAL_95: Final = 1.959963984540054
WORDS_BLUR: Final = 0.1
"""How far from a half a share may lie and still be told as the other side of it: one in six at a tenth."""
SMALLEST_PART: Final = 1e-3
"""A mean or sum below this part of the reported one counts as this part: its logarithm has to be finite."""
SILENT: Final = -50.0
"""Log likelihood of a report in a world that gives nothing to report: as good as impossible, and finite."""
NODES: Final = 15

_TRIPLES: Final = {
    "activities_partly_share": ("activities_full_share", "activities_not_share"),
    "next_steps_partly_share": ("next_steps_full_share", "next_steps_lapsed_share"),
    "contract_goal_partly_share": ("contract_goal_met_share", "contract_goal_not_share"),
}
"""Middle share of three that sum to one: (first, last). The last carries nothing new and is left out."""


@dataclass(frozen=True)
class Term:
    """One independent piece of a report.

    Attributes:
        name: of the figure; of a middle share it stands for that share among what is not the first.
        form: count, binomial, normal or words.
        cases: n of a binomial.
        reported: the value in natural units (a count, a share, euros, years).
        blur: standard deviation of the report on the variance-stabilised scale.
        scale: root, arcsine, log or plain.
        first: name of the share that is taken off before (middle shares only).
        floor: smallest value that the scale takes.
        low: whether words say "less than half" (words only).
    """

    name: str
    form: str
    cases: float
    reported: float
    blur: float
    scale: str
    first: str = ""
    floor: float = 0.0
    low: bool = False

    def stabilised(self, value: Floats) -> Floats:
        """Natural values on the variance-stabilised scale; nan stays."""
        if self.scale == "root":
            return np.sqrt(np.maximum(value, self.floor))
        if self.scale == "arcsine":
            return np.arcsin(np.sqrt(np.clip(value, self.floor, 1.0 - self.floor)))
        if self.scale == "log":
            return np.log(np.maximum(value, self.floor))
        return np.asarray(value, dtype=np.float64)

    def natural(self, scaled: Floats) -> Floats:
        """The way back."""
        if self.scale == "root":
            return np.square(np.maximum(scaled, math.sqrt(self.floor)))
        if self.scale == "arcsine":
            edge = math.asin(math.sqrt(self.floor))
            return np.square(np.sin(np.clip(scaled, edge, math.pi / 2 - edge)))
        return np.exp(scaled) if self.scale == "log" else scaled

    def simulated(self, values: Floats, names: Sequence[str]) -> Floats:
        """What runs show of this term, on the stabilised scale; ``values`` of shape (n_runs, n_names)."""
        shown = values[:, names.index(self.name)]
        if self.first:
            rest = 1.0 - values[:, names.index(self.first)]
            with np.errstate(divide="ignore", invalid="ignore"):
                shown = np.where(rest > 1e-9, np.clip(shown / rest, 0.0, 1.0), np.nan)
        return self.stabilised(shown)

    def log_form(self, scaled: Floats, reported: Floats | float) -> Floats:
        """Log probability (or density, on the stabilised scale) of a report in natural units around ``scaled``."""
        if self.form == "count":
            rate = self.natural(scaled)
            return np.asarray(xlogy(reported, rate) - rate - gammaln(np.asarray(reported) + 1.0))
        if self.form == "binomial":
            share, k = self.natural(scaled), np.asarray(reported) * self.cases
            choose = gammaln(self.cases + 1.0) - gammaln(k + 1.0) - gammaln(self.cases - k + 1.0)
            return np.asarray(choose + xlogy(k, share) + xlogy(self.cases - k, 1.0 - share))
        if self.form == "words":
            side = np.where(np.asarray(reported) < 0.5, 0.5 - scaled, scaled - 0.5)
            return np.asarray(log_ndtr(side / self.blur))
        gap = (self.stabilised(np.asarray(reported, dtype=np.float64)) - scaled) / self.blur
        return -0.5 * np.square(gap) - math.log(self.blur * math.sqrt(2.0 * math.pi))

    def log_likelihood(
        self, scaled: Floats, discrepancy: Floats | float, reported: float | None = None
    ) -> Floats:
        """Exact log likelihood of the report given what runs show, the discrepancy averaged over.

        Args:
            scaled: what runs show, stabilised; nan where there is nothing to report.
            discrepancy: in reporting standard deviations, of the shape of ``scaled`` or one number.
            reported: another report than the real one.
        """
        y = self.reported if reported is None else reported
        silent = np.isnan(scaled)
        shown = np.where(silent, self.stabilised(np.array([y]))[0], scaled)
        wide = np.asarray(discrepancy) * self.blur
        if self.form == "words":
            side = np.where(y < 0.5, 0.5 - shown, shown - 0.5)
            found = np.asarray(log_ndtr(side / np.hypot(self.blur, wide)))
        elif self.form == "normal":
            sd = np.hypot(self.blur, wide)
            gap = (self.stabilised(np.array([y]))[0] - shown) / sd
            found = -0.5 * np.square(gap) - np.log(sd * math.sqrt(2.0 * math.pi))
        else:
            nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
            shifted = shown[..., None] + np.broadcast_to(wide, shown.shape)[..., None] * nodes
            logs = self.log_form(shifted, y) + np.log(weights / weights.sum())
            top = logs.max(axis=-1, keepdims=True)
            found = (top + np.log(np.exp(logs - top).sum(axis=-1, keepdims=True)))[..., 0]
        return np.where(silent, SILENT, found)

    def report(self, scaled: Floats, discrepancy: Floats | float, luck: np.random.Generator) -> Floats:
        """Reports drawn around what runs show, in natural units; nan where there is nothing to report."""
        shifted = scaled + np.asarray(discrepancy) * self.blur * luck.standard_normal(scaled.shape)
        silent = np.isnan(scaled)
        shifted = np.where(silent, 0.0, shifted)
        if self.form == "count":
            drawn = luck.poisson(self.natural(shifted)).astype(np.float64)
        elif self.form == "binomial":
            drawn = luck.binomial(round(self.cases), self.natural(shifted)) / round(self.cases)
        elif self.form == "words":
            told = shifted + self.blur * luck.standard_normal(scaled.shape)
            drawn = np.where(told < 0.5, 0.25, 0.75)
        else:
            drawn = self.natural(shifted + self.blur * luck.standard_normal(scaled.shape))
        return np.where(silent, np.nan, drawn)


def terms_of(figures: Sequence[Figure]) -> tuple[Term, ...]:
    """The independent terms of these figures; ends of a range have no statistical form and give none.

    Raises:
        EvidenceError: a figure whose form needs cases and has none, or that has no spread; all are listed, with row.
    """
    known: Mapping[str, Figure] = {figure.name: figure for figure in figures}
    last = {last for middle, (_, last) in _TRIPLES.items() if middle in known}
    terms, problems = [], []
    for figure in figures:
        if figure.form == "range_end" or figure.name in last:
            continue
        problem = _problem_of(figure)
        if problem:
            problems.append(f"{figure.name} (row {', '.join(figure.rows)}): {problem}")
            continue
        first = _TRIPLES[figure.name][0] if figure.name in _TRIPLES else ""
        terms.append(_term(figure, known.get(first)))
    if problems:
        raise EvidenceError(
            problems, hint="Correct these rows in calibration/evidence/pib.csv or calibration/targets.toml."
        )
    return tuple(terms)


def _problem_of(figure: Figure) -> str:
    if figure.form in ("binomial", "mean", "sum", "top_share") and figure.n < 1:
        return f"form {figure.form} needs n, the number of cases, of at least 1, not {figure.n}"
    if figure.form in ("mean", "sum", "top_share") and not figure.low < figure.reported < figure.high:
        return f"its interval {figure.low:g} to {figure.high:g} has no width around {figure.reported:g}"
    if figure.form in ("mean", "sum") and figure.low <= 0:
        return f"its interval starts at {figure.low:g}, and a {figure.form} must be above 0"
    if figure.form == "binomial" and not 0.0 <= figure.reported <= 1.0:
        return f"a share of {figure.reported:g} lies outside 0 to 1"
    return ""


def _term(figure: Figure, first: Figure | None) -> Term:
    name, y = figure.name, figure.reported
    if figure.form == "count":
        return Term(name, "count", 0.0, float(round(y)), 0.5, "root", floor=0.5)
    if figure.form == "binomial":
        cases = float(figure.n)
        if first is not None:
            rest = round((1.0 - first.reported) * figure.n)
            middle = min(round(y * figure.n), rest)
            return Term(
                name,
                "binomial",
                float(rest),
                middle / rest,
                0.5 / math.sqrt(rest),
                "arcsine",
                first=first.name,
                floor=0.5 / rest,
            )
        share = round(y * cases) / cases
        return Term(name, "binomial", cases, share, 0.5 / math.sqrt(cases), "arcsine", floor=0.5 / cases)
    if figure.form == "ordinal":
        few = figure.low < 0.25
        return Term(name, "words", 0.0, 0.25 if few else 0.75, WORDS_BLUR, "plain", low=few)
    if figure.form == "top_share":
        return Term(name, "normal", 0.0, y, (figure.high - figure.low) / (2.0 * NORMAL_95), "plain")
    blur = math.log(figure.high / figure.low) / (2.0 * NORMAL_95)
    return Term(name, "normal", 0.0, y, blur, "log", floor=SMALLEST_PART * y)


def shown_by(terms: Sequence[Term], values: Floats, names: Sequence[str]) -> Floats:
    """What runs show of all terms, stabilised; shape (n_runs, n_terms)."""
    return np.stack([term.simulated(values, names) for term in terms], axis=1)


def log_likelihood(
    terms: Sequence[Term], scaled: Floats, discrepancy: Floats, reported: Floats | None = None
) -> Floats:
    """Exact log likelihood of whole reports, shape (n_runs,); ``scaled`` as ``shown_by`` gives it."""
    total = np.zeros(len(scaled))
    for i, term in enumerate(terms):
        total += term.log_likelihood(
            scaled[:, i], discrepancy, None if reported is None else float(reported[i])
        )
    return total
