"""The scorecard under rival structures: do the reported figures tell the model's own structure from its rivals?

Every structure meets the same parameter draws and the same worlds, so that a difference between two structures is a
difference of rules and not of luck. The draws are those of the stated ranges, for all structures, also where a
posterior ships: it was fitted to these very figures under the model's own structure and would favour that.

The score of a structure is the mean over target figures of

    log( mean over simulated worlds of the plausibility of the reported value ),    at least log(``FLOOR``),

with ``plausibility`` the likelihood in the figure's own statistical form, relative to a world that shows just the
reported value (``targets.py``): a logarithmic score (Gneiting and Raftery 2007, Journal of the American Statistical
Association 102, 359-378) of which 0 is the best. The floor keeps one missed figure from deciding alone. Observed values
hold the chance of few cases already and the form adds it once more, so the score is blunter than an exact likelihood;
for all structures alike. Targets come from one evaluation of the same covenants and are not independent: the score is a
mean and not a sum, no Bayes factor, and is not read as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from passaat.calibration.scorecard import (
    DEFAULT_CENTRAL_WORLDS,
    DEFAULT_DRAWS,
    DEFAULT_WORLDS,
    PATTERN_TITLES,
    SET_MARK,
    Counts,
    Evaluations,
    Line,
    Scorecard,
    World,
    evaluations,
    grid,
    in_unit,
    label_of,
    reported_of,
    require_counts,
    scorecard_of,
)
from passaat.calibration.targets import Figure, figures, plausibility
from passaat.json_text import json_text, plain
from passaat.scenarios.rivals import MEANINGS, OWN, own_in_words, structures_of
from passaat.screen import Blocks, Cell

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario

Floats = NDArray[np.float64]

FLOOR: Final = 0.001
"""Least plausibility that a figure counts with: an assumption."""
THRESHOLD: Final = 0.1
"""Least difference of two scores that says anything: reported figures 10 % less likely on average. An assumption."""
TIMES_ERROR: Final = 2.0
"""A difference must exceed its errors this many times."""

Says = Literal["favour", "speak against", "cannot tell apart"]


@dataclass(frozen=True)
class Score:
    """How well the reported figures of one role fit the worlds of one structure, and against the own structure.

    Attributes:
        mean: mean log plausibility per figure; 0 is the best.
        error: its Monte Carlo standard error (jackknife over parameter draws).
        behind: mean of the own structure minus this one's: above 0 this structure fits worse. 0 for the own itself.
        behind_error: Monte Carlo standard error of ``behind``, from the same draws and worlds on both sides.
        behind_scatter: standard error of ``behind`` over figures: how much it hangs on which figures were reported.
        figures: number of figures that count.
    """

    mean: float
    error: float
    behind: float
    behind_error: float
    behind_scatter: float
    figures: int


@dataclass(frozen=True)
class Verdict:
    """What the target figures say about one rival, and why no more."""

    says: Says
    reason: str


@dataclass(frozen=True)
class StructureCards:
    """One scorecard, score and verdict per structure, the reference's own first.

    Attributes:
        own: how the reference's own structure is called in sentences.
        cards: scorecard by structure.
        targets, held_back: scores by structure, of the targets and of the figures held back for validation.
        verdicts: what the targets say, by rival.
    """

    reference: str
    own: str
    cards: Mapping[str, Scorecard]
    targets: Mapping[str, Score]
    held_back: Mapping[str, Score]
    verdicts: Mapping[str, Verdict]

    def table(self) -> RenderableType:
        """Figure by figure, structures side by side, for people; 104 columns wide."""
        title = f"{self.reference}: reported figures, and the model's best guess under rival structures"
        widths = (26, 11, *(12 for _ in self.cards))
        headings = ("figure", "reported", *map(_heading, self.cards))
        blocks: list[tuple[RenderableType, list[tuple[Cell, ...]]]] = []
        cards = list(self.cards.values())
        for pattern, pattern_title in PATTERN_TITLES.items():
            rows = []
            for lines in zip(*(card.lines for card in cards), strict=True):
                figure = lines[0].figure
                if figure.pattern == pattern:
                    rows.append((label_of(figure), reported_of(figure), *map(_cell, lines)))
            blocks.append((Text(f"\n{pattern_title}", style="bold"), rows))
        blocks.append((Text("\nAll figures", style="bold"), self._totals()))
        caption = (
            "\n! the reported value lies outside 5-95 % of the simulated worlds (parameter draws and luck).\n"
            "* the reported value rests on a reader's reading (INFERRED); see passaat evidence\n"
            f"{SET_MARK} a default of the model was set straight from this figure, under the own structure\n"
        )
        return Group(
            Text(title, style="bold"), Blocks(grid(widths, headings), blocks), Text(caption, style="dim")
        )

    def _totals(self) -> list[tuple[Cell, ...]]:
        rows: list[tuple[Cell, ...]] = []
        for role, words in (("target", "Targets inside"), ("validation", "Held back, inside")):
            of_role = [
                [line for line in card.lines if line.figure.role == role] for card in self.cards.values()
            ]
            inside = (str(sum(line.inside is True for line in lines)) for lines in of_role)
            rows.append((words, f"of {len(of_role[0])}", *inside))
        scores = [self.targets[name] for name in self.cards]
        rows.append(("Score on targets", "0 is best", *(f"{s.mean:.2f} ± {s.error:.2f}" for s in scores)))
        behind = (f"{s.behind:+.2f} ± {s.behind_error:.2f}" for s in scores[1:])
        rows.append(("Behind own structure by", "", "", *behind))
        return rows

    def summary(self) -> tuple[str, ...]:
        """What the figures say about each rival, the rule, and what to be careful about."""
        card, score = self.cards[OWN], self.targets[OWN]
        said = [self.sentence(name) for name in self.verdicts]
        said += [
            f"score: mean over {score.figures} target figures of the log of how plausible the reported value is in "
            "simulated worlds, 0 where every world shows just that value; ends of ranges have no statistical form "
            "and do not count",
            f"rule: the data speak only if scores differ by more than {TIMES_ERROR:g} Monte Carlo errors, by more than "
            f"{THRESHOLD:g} (reported figures {-math.expm1(-THRESHOLD):.0%} less likely on average) and by more than "
            f"{TIMES_ERROR:g} times their scatter over figures; else they cannot tell structures apart",
            "caution: defaults were tuned by hand under the model's own structure, which favours it; a rival with "
            "parameters tuned for it might fit better than is shown here. The figures come from one evaluation and "
            "are not independent",
            f"each structure: {card.draws} parameter draws from their stated ranges (not calibrated) x "
            f"{card.worlds_per_draw} worlds, and {card.central_worlds} worlds at best guess (default parameters); the "
            f"same draws and luck for all; seed {card.seed}. The posterior is not used here, because it was made from "
            "these figures under the model's own structure alone and would favour it",
        ]
        said += [f"failed under {name}: {f}" for name, one in self.cards.items() for f in one.failures]
        return tuple(said)

    def sentence(self, name: str) -> str:
        """One sentence on a rival."""
        verdict, score, held = self.verdicts[name], self.targets[name], self.held_back[name]
        finding = {
            "favour": f"these data favour it over {self.own}",
            "speak against": "these data speak against it",
            "cannot tell apart": f"these data cannot tell it from {self.own}",
        }[verdict.says]
        return (
            f"{name} ({MEANINGS[name]}): {finding}: {verdict.reason}. Behind by {score.behind:+.2f} ± "
            f"{score.behind_error:.2f} on targets, {held.behind:+.2f} ± {held.behind_error:.2f} on "
            f"{held.figures} figures held back"
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data: no clock times, no paths, nan as None."""
        return {
            "reference": self.reference,
            "own": self.own,
            "rule": {"floor": FLOOR, "threshold": THRESHOLD, "times_error": TIMES_ERROR},
            "sentences": list(self.summary()),
            "structures": {
                name: {
                    "score_targets": plain(vars(self.targets[name])),
                    "score_held_back": plain(vars(self.held_back[name])),
                    "verdict": None if name == OWN else vars(self.verdicts[name]),
                    "scorecard": card.to_dict(),
                }
                for name, card in self.cards.items()
            },
        }

    def to_json(self) -> str:
        """As ``to_dict``, in bytes that are equal for equal runs."""
        return json_text(self.to_dict())


def validate_structures(
    reference: Scenario,
    *,
    draws: int = DEFAULT_DRAWS,
    worlds_per_draw: int = DEFAULT_WORLDS,
    central_worlds: int = DEFAULT_CENTRAL_WORLDS,
    seed: int = 1,
    workers: int | None = None,
    simulator: World | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> StructureCards:
    """Hold a reference against the reported figures under its own structure and under each single rival.

    Args:
        draws: parameter draws, at least two, so that scores have an error.
        worlds_per_draw, central_worlds, seed, workers: as for ``validate``.
        progress: told the structure, its runs done, and its runs in all, now and then.

    Raises:
        EvidenceError: impossible counts; all are listed.
        ModelError: every run under a structure failed.
    """
    counts = Counts(draws, worlds_per_draw, central_worlds, seed)
    require_counts(counts, workers, fewest_draws=2)
    cards: dict[str, Scorecard] = {}
    seen: dict[str, Evaluations] = {}
    for name, scenario in structures_of(reference).items():

        def report(done: int, total: int, name: str = name) -> None:
            if progress is not None:
                progress(name, done, total)

        seen[name] = evaluations(scenario, counts, workers, simulator, report)
        cards[name] = scorecard_of(scenario, seen[name], counts)
    targets = _scores(seen, counts, "target")
    own = own_in_words(reference)
    return StructureCards(
        reference=reference.name,
        own=own,
        cards=cards,
        targets=targets,
        held_back=_scores(seen, counts, "validation"),
        verdicts={name: verdict_on(score) for name, score in targets.items() if name != OWN},
    )


def verdict_on(score: Score) -> Verdict:
    """What a score says about a rival, by the rule of this module."""
    size = abs(score.behind)
    if score.behind == 0.0 and score.behind_error == 0.0:
        return Verdict("cannot tell apart", "every score is the same")
    if size <= TIMES_ERROR * score.behind_error:
        return Verdict("cannot tell apart", "the difference lies within its Monte Carlo error")
    if size <= THRESHOLD:
        return Verdict("cannot tell apart", f"the difference is no larger than {THRESHOLD:g}")
    if size <= TIMES_ERROR * score.behind_scatter:
        return Verdict(
            "cannot tell apart", "the difference hangs on a few figures and others point elsewhere"
        )
    if score.behind > 0.0:
        return Verdict("speak against", "the reported figures are less plausible under it")
    return Verdict("favour", "the reported figures are more plausible under it")


# --- scores -------------------------------------------------------------------------------------------------


def _scores(seen: Mapping[str, Evaluations], counts: Counts, role: str) -> dict[str, Score]:
    counting = [figure for figure in figures() if figure.role == role and figure.form != "range_end"]
    plausible = {name: _plausible(one, counts, counting) for name, one in seen.items()}
    return {name: score_of(values, plausible[OWN]) for name, values in plausible.items()}


def _plausible(seen: Evaluations, counts: Counts, counting: list[Figure]) -> Floats:
    """Plausibility of every figure in every world, shape (n_figures, n_draws, n_worlds); nan where a run failed."""
    values = np.full((len(counting), len(seen.spread)), math.nan)
    valid = [place for place, world in enumerate(seen.spread) if not isinstance(world, str)]
    worlds = [world for world in seen.spread if not isinstance(world, str)]
    for row, figure in enumerate(counting):
        simulated = np.array([world[figure.name] for world in worlds], dtype=np.float64)
        values[row, valid] = plausibility(figure, simulated)
    return values.reshape(len(counting), counts.draws, counts.worlds_per_draw)


def score_of(plausible: Floats, own: Floats) -> Score:
    """Score of a structure and of how far it is behind the own one, both of shape (n_figures, n_draws, n_worlds)."""
    mine, theirs = _logs(plausible), _logs(own)
    behind = theirs - mine
    mine_left, theirs_left = _logs_without_each_draw(plausible), _logs_without_each_draw(own)
    n_figures = len(behind)
    scatter = float(behind.std(ddof=1)) / math.sqrt(n_figures) if n_figures > 1 else math.nan
    return Score(
        mean=float(mine.mean()),
        error=_jackknife(mine_left.mean(axis=1)),
        behind=float(behind.mean()),
        behind_error=_jackknife((theirs_left - mine_left).mean(axis=1)),
        behind_scatter=scatter,
        figures=n_figures,
    )


def _logs(plausible: Floats) -> Floats:
    """Log of the mean plausibility of each figure over all worlds that did not fail."""
    return _floored(np.nansum(plausible, axis=(1, 2)), np.isfinite(plausible).sum(axis=(1, 2)))


def _logs_without_each_draw(plausible: Floats) -> Floats:
    """The same with one draw left out, for each draw: shape (n_draws, n_figures)."""
    totals, numbers = np.nansum(plausible, axis=2), np.isfinite(plausible).sum(axis=2)
    return _floored(
        totals.sum(axis=1, keepdims=True) - totals, numbers.sum(axis=1, keepdims=True) - numbers
    ).T


def _floored(total: Floats, number: NDArray[np.int64]) -> Floats:
    found: Floats = np.log(np.maximum(total / np.maximum(number, 1), FLOOR))
    return found


def _jackknife(left_out: Floats) -> float:
    """Standard error from the values with one draw left out each."""
    n = len(left_out)
    return math.sqrt((n - 1) / n * float(np.square(left_out - left_out.mean()).sum()))


# --- for people ---------------------------------------------------------------------------------------------


def _heading(name: str) -> str:
    return "own\nstructure" if name == OWN else name.replace("=", "\n= ")


def _cell(line: Line) -> Cell:
    value = in_unit(line.central, line.figure.unit)
    if line.inside is None:
        return "silent"
    return value if line.inside else Text("!", style="bold red").append(value, style="not bold default")
