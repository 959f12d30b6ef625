"""The scorecard: each reported figure beside what evaluators would have seen in simulated worlds.

Two questions are answered figure by figure. *Inside*: does the reported value lie where simulated evaluations lie,
over parameter draws and worlds? *Factor three*: is the mean over worlds at the default parameters within a factor of
three of it? The first is a weak test when ranges are wide, and says so by showing them; the second asks whether the
defaults are in the right place at all. What is fed in is never listed.

Draws come from the shipped posterior where that belongs (``basis_of``), of the world and of its observation together,
and from their stated ranges elsewhere. The posterior was made from the targets, so that targets inside its worlds show
fit and not foresight; what it foresees is told by the figures held back and by the hold-outs (``held_out.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from passaat.calibration.held_out import HeldOut, held_out
from passaat.calibration.observation import default_observation, draw_observation, observe
from passaat.calibration.targets import Figure, figures, not_compared
from passaat.errors import EvidenceError, ModelError
from passaat.evidence import evidence
from passaat.experiments.design.basis import (
    CALIBRATED,
    PRIOR,
    TO_PRIOR,
    UNCALIBRATED,
    Basis,
    basis_for,
    does_not_belong,
)
from passaat.experiments.design.cells import world_seed
from passaat.json_text import json_text, plain
from passaat.screen import Blocks, Cell, Whole

if TYPE_CHECKING:
    from passaat.model.inputs import RunInputs

DEFAULT_DRAWS: Final = 40
DEFAULT_WORLDS: Final = 4
DEFAULT_CENTRAL_WORLDS: Final = 20
"""Worlds at default parameters, for the factor of three: their mean has a Monte Carlo error of a fifth of the luck."""

EVALUATED_WINDOW: Final = (2016, 2020)
"""Years in which the covenants started that the evaluation covers."""
RANGE: Final = (5.0, 95.0)
FACTOR: Final = 3.0
SET_MARK: Final = "="
"""Marks figures from which a default of the model was set."""


class Reference(Protocol):
    """What is asked of a scenario: its name, and the inputs of a run under given parameters (None: the defaults)."""

    @property
    def name(self) -> str: ...
    def inputs(self, parameters: Mapping[str, float] | None = None) -> RunInputs: ...


class World(Protocol):
    """What is asked of a simulator: runs, and draws of its parameters. ``passaat.experiments.Simulator`` is one."""

    @property
    def simulate(self) -> Callable[[RunInputs, int], Any]: ...
    @property
    def draw_parameters(self) -> Callable[[int, int], Sequence[Mapping[str, float]]]: ...


@dataclass(frozen=True)
class _TheModel:
    """The model that ships, compiled."""

    simulate: Callable[[RunInputs, int], Any]
    draw_parameters: Callable[[int, int], Sequence[Mapping[str, float]]]


def _the_model() -> _TheModel:
    # Imported here, so that reading the evidence loads no compiler.
    from passaat.model.engine.compiled import simulate
    from passaat.model.parameters import draw_parameters

    return _TheModel(simulate, draw_parameters)


@dataclass(frozen=True)
class Line:
    """One figure and its simulated counterpart, in the unit of the figure.

    Attributes:
        central: mean over worlds at default parameters.
        low, high: 5 and 95 % over parameter draws and worlds.
        silent: share of those worlds in which evaluators would have had nothing to report.
        inside: whether the reported value lies in the simulated range (census), or its interval meets it (sample); for
            words, whether the range meets the shares that they stand for. None without a simulated value.
        within_factor: whether ``central`` is within a factor of three of the reported value. None likewise.
    """

    figure: Figure
    central: float
    low: float
    high: float
    silent: float
    inside: bool | None
    within_factor: bool | None


@dataclass(frozen=True)
class Scorecard:
    """All figures of one reference, with what was run to get them.

    Attributes:
        basis: what parameters were drawn from.
        held_out: what the posterior predicts of figures kept aside; None with prior draws, of which it says nothing.
    """

    reference: str
    window: tuple[int, int]
    """First and last year in which the reference's covenants start."""
    lines: tuple[Line, ...]
    draws: int
    worlds_per_draw: int
    central_worlds: int
    seed: int
    failures: tuple[str, ...]
    fed_in: tuple[str, ...]
    not_compared: Mapping[str, str]
    basis: Basis = PRIOR
    held_out: HeldOut | None = None

    def summary(self) -> tuple[str, ...]:
        """The score in sentences, targets and validation apart."""
        said = []
        if self.window != EVALUATED_WINDOW:
            said.append(
                f"caution: the figures describe {EVALUATED_WINDOW[0]}-{EVALUATED_WINDOW[1]}, this reference "
                f"starts them in {self.window[0]}-{self.window[1]}: year by year they stand beside each other, no more"
            )
        for role in ("target", "validation", "check"):
            lines = [line for line in self.lines if line.figure.role == role]
            inside = sum(line.inside is True for line in lines)
            near = sum(line.within_factor is True for line in lines)
            said.append(
                f"{role} ({ROLE_MEANINGS[role]}): {inside} of {len(lines)} inside the range of 9 in 10 worlds, "
                f"{near} within a factor of three at best guess"
            )
        free = [line for line in self.lines if line.figure.role == "target" and not line.figure.set_by]
        said.append(
            f"targets from which no default was set (without the mark {SET_MARK}): "
            f"{sum(line.inside is True for line in free)} of {len(free)} inside, "
            f"{sum(line.within_factor is True for line in free)} within a factor of three"
        )
        said.append(
            f"{self.draws} parameter draws from {self._drawn_from()} x {self.worlds_per_draw} worlds, "
            f"and {self.central_worlds} worlds at best guess (default parameters); seed {self.seed}"
        )
        if self.basis.kind == "posterior":
            said.append(
                "caution: the posterior was made from the targets: that they lie inside shows fit, not foresight. "
                "Figures held back were not used. Best guess stays at default parameters, which it leaves alone"
            )
        said += [f"not compared yet: {id} ({reason})" for id, reason in self.not_compared.items()]
        said.append(f"{len(self.fed_in)} reported figures are fed in and so not listed as reproduced")
        said += [f"failed: {failure}" for failure in self.failures]
        return tuple(said)

    def _drawn_from(self) -> str:
        if self.basis.kind == "prior":
            return "their stated ranges (not calibrated)"
        state = self.basis.provisional or f"calibrated to {self.basis.calibrated_to}"
        return f"the posterior ({state}, effective sample size {self.basis.effective_sample_size:,.0f})"

    def table(self) -> RenderableType:
        """The scorecard for people, 104 columns wide."""
        title = f"{self.reference}: what the evaluation reported, and what it would have of simulated worlds"
        headings = (
            "figure",
            "reported",
            "by chance it\ncould have been",
            "model, best\nguess",
            "model, 9 in 10\nworlds",
            "reported\nin there?",
        )
        blocks: list[tuple[RenderableType, list[tuple[Cell, ...]]]] = []
        for pattern, pattern_title in PATTERN_TITLES.items():
            for role, meaning in ROLE_MEANINGS.items():
                asked = (pattern, role)
                rows = [
                    _cells(line) for line in self.lines if (line.figure.pattern, line.figure.role) == asked
                ]
                if rows:
                    heading = Text(f"\n{pattern_title}", style="bold")
                    blocks.append((heading.append(f" - {role}: {meaning}", style="dim not bold"), rows))
        parts: list[RenderableType] = [Text(title, style="bold"), Blocks(grid(_WIDTHS, headings), blocks)]
        caption = (
            "\nbest guess: mean over worlds with every parameter at its default. 9 in 10 worlds: 5-95 % of worlds,\n"
            "over what is not known of parameters and over luck. far: the best guess is more than a factor three off.\n"
            "* the reported value rests on a reader's reading (INFERRED); see passaat evidence\n"
            f"{SET_MARK} a default of the model was set straight from this figure: agreement at defaults is no evidence"
        )
        parts.append(Text(caption, style="dim"))
        if self.held_out is not None:
            parts += _held_out_block(self.held_out)
        return Group(*parts)

    def to_dict(self) -> dict[str, Any]:
        """The scorecard as plain data: no clock times, no paths, nan as None."""
        return {
            "reference": self.reference,
            "window": list(self.window),
            "evaluated_window": list(EVALUATED_WINDOW),
            "basis": self.basis.kind,
            "drawn_from": self.basis.in_words(self.draws),
            "uncalibrated": self.basis.uncalibrated,
            "draws": self.draws,
            "worlds_per_draw": self.worlds_per_draw,
            "central_worlds": self.central_worlds,
            "seed": self.seed,
            "range_percent": list(RANGE),
            "figures": [plain({**asdict(line.figure), **_results(line)}) for line in self.lines],
            "held_out": None if self.held_out is None else self.held_out.to_dict(),
            "not_compared": dict(self.not_compared),
            "fed_in": list(self.fed_in),
            "failures": list(self.failures),
        }

    def to_json(self) -> str:
        """As ``to_dict``, in bytes that are equal for equal runs."""
        return json_text(self.to_dict())


PATTERN_TITLES: Final[Mapping[str, str]] = {
    "P1": "P1 portfolio",
    "P2": "P2 outputs come easily, outcomes do not",
    "P3": "P3 few winners",
}
ROLE_MEANINGS: Final[Mapping[str, str]] = {
    "target": "known while the model was made",
    "validation": "held back beforehand",
    "check": "repeats targets",
}
"""What each role of a figure means, for people."""


def validate(
    reference: Reference,
    *,
    draws: int = DEFAULT_DRAWS,
    worlds_per_draw: int = DEFAULT_WORLDS,
    central_worlds: int = DEFAULT_CENTRAL_WORLDS,
    seed: int = 1,
    workers: int | None = None,
    prior: bool = False,
    simulator: World | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Scorecard:
    """Run a reference and hold it against the reported figures of patterns P1-P3.

    Args:
        draws, worlds_per_draw: parameter draws, and worlds of each, for the simulated range.
        central_worlds: worlds at default parameters, for the factor of three.
        workers: threads; by default as many as the process may use cores. The result does not depend on it.
        prior: draw parameters from their stated ranges, also where the posterior belongs.
        simulator: another model; its own draws are taken, never the posterior.
        progress: told (runs done, runs in all) now and then.

    Raises:
        EvidenceError: counts below one or a negative seed; all are listed.
        ModelError: every run failed; the first reasons are given.
    """
    counts = Counts(draws, worlds_per_draw, central_worlds, seed)
    require_counts(counts, workers)
    basis = PRIOR if simulator is not None else basis_of(reference, prior=prior)
    seen = evaluations(reference, counts, workers, simulator, progress, basis)
    return scorecard_of(reference, seen, counts, basis)


def basis_of(reference: Reference, *, prior: bool = False) -> Basis:
    """What to draw parameters from: the shipped posterior for the references that it belongs to, as they ship.

    Comparisons take it for edited copies too. Not so here: the figures describe the programme as it was, and draws that
    were fitted to them under its levers would flatter or blame an edited one.
    """
    from passaat.scenarios.loading import load_scenario
    from passaat.scenarios.scenario import Scenario

    if prior or not isinstance(reference, Scenario):
        return PRIOR
    if does_not_belong(reference) or (
        reference.name in CALIBRATED and load_scenario(reference.name).hash == reference.hash
    ):
        return basis_for(reference)[0]
    return Basis(
        "prior",
        notice=f"{UNCALIBRATED}the shipped posterior is held against the figures for {' and '.join(CALIBRATED)} as "
        f"they ship, not for {reference.name} as edited; {TO_PRIOR}.",
    )


@dataclass(frozen=True)
class Counts:
    """How many worlds are run: at default parameters, and of each parameter draw; and the seed of all."""

    draws: int = DEFAULT_DRAWS
    worlds_per_draw: int = DEFAULT_WORLDS
    central_worlds: int = DEFAULT_CENTRAL_WORLDS
    seed: int = 1


def require_counts(counts: Counts, workers: int | None, fewest_draws: int = 1) -> None:
    """Refuse impossible counts, before anything is run.

    Raises:
        EvidenceError: counts below their least or a negative seed; all are listed.
    """
    least = {"draws": fewest_draws, "worlds_per_draw": 1, "central_worlds": 1}
    given = vars(counts)
    problems = [
        f"{name} = {given[name]}: at least {n} {'is' if n == 1 else 'are'} needed"
        for name, n in least.items()
        if given[name] < n
    ]
    if workers is not None and workers < 1:
        problems.append(f"workers = {workers}: at least 1 is needed")
    if counts.seed < 0:
        problems.append(f"seed = {counts.seed}: a whole number of at least 0 is needed")
    if problems:
        raise EvidenceError(
            problems, hint=f"The defaults are {DEFAULT_DRAWS} draws of {DEFAULT_WORLDS} worlds, seed 1."
        )


@dataclass(frozen=True)
class Evaluations:
    """What simulated evaluators saw of every world, or the reason why the world failed.

    Attributes:
        central: worlds at default parameters.
        spread: worlds of the parameter draws, draw by draw.
    """

    central: tuple[dict[str, float] | str, ...]
    spread: tuple[dict[str, float] | str, ...]


def evaluations(
    reference: Reference,
    counts: Counts,
    workers: int | None = None,
    simulator: World | None = None,
    progress: Callable[[int, int], None] | None = None,
    basis: Basis = PRIOR,
) -> Evaluations:
    """Run a reference at its defaults and under every draw, and look at each world as evaluators did."""
    from passaat.experiments.run.pump import in_threads

    model = _the_model() if simulator is None else simulator
    seed = counts.seed
    tasks = [
        _Task(None, default_observation(), world_seed(seed, -1, world))
        for world in range(counts.central_worlds)
    ]
    for draw, (parameters, unknowns) in enumerate(_draws(model, counts, basis)):
        tasks += [
            _Task(parameters, unknowns, world_seed(seed, draw, world))
            for world in range(counts.worlds_per_draw)
        ]

    def run(task: _Task) -> dict[str, float] | str:
        try:
            return observe(model.simulate(reference.inputs(task.parameters), task.world_seed), task.unknowns)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    results = in_threads(run, tasks, workers, progress)
    return Evaluations(tuple(results[: counts.central_worlds]), tuple(results[counts.central_worlds :]))


def _draws(
    model: World, counts: Counts, basis: Basis
) -> Sequence[tuple[Mapping[str, float], Mapping[str, float]]]:
    """Parameters and unknowns of the observation, draw by draw; of the posterior both belong to one draw."""
    n, seed = counts.draws, counts.seed
    if basis.kind == "prior":
        return [
            (one, draw_observation(seed, draw)) for draw, one in enumerate(model.draw_parameters(n, seed))
        ]
    from passaat.calibration.posterior import posterior_draws

    return list(zip(posterior_draws(n, seed), posterior_draws(n, seed, "observation"), strict=True))


def scorecard_of(reference: Reference, seen: Evaluations, counts: Counts, basis: Basis = PRIOR) -> Scorecard:
    """Hold what was seen against the reported figures.

    Raises:
        ModelError: every run failed; the first reasons are given.
    """
    results = [*seen.central, *seen.spread]
    reasons = sorted({result for result in results if isinstance(result, str)})
    central = [result for result in seen.central if isinstance(result, dict)]
    spread = [result for result in seen.spread if isinstance(result, dict)]
    if not central or not spread:
        raise ModelError(
            [f"every run of {reference.name} failed", *reasons[:5]],
            hint="Run it once with 'passaat run' to see where it stops.",
        )
    size = reference.inputs().size
    failed = len(results) - len(central) - len(spread)
    failures = tuple([f"{failed} of {len(results)} runs: {'; '.join(reasons[:5])}"] if failed else [])
    return Scorecard(
        reference=reference.name,
        window=(size.window_first_year, size.window_last_year),
        lines=tuple(judge(figure, central, spread) for figure in figures()),
        draws=counts.draws,
        worlds_per_draw=counts.worlds_per_draw,
        central_worlds=counts.central_worlds,
        seed=counts.seed,
        failures=failures,
        fed_in=tuple(row.id for row in evidence().values() if row.use == "input"),
        not_compared=not_compared(),
        basis=basis,
        held_out=held_out() if basis.kind == "posterior" else None,
    )


@dataclass(frozen=True)
class _Task:
    """One world: parameters (None: all at their default), unknowns of the observation, world seed."""

    parameters: Mapping[str, float] | None
    unknowns: Mapping[str, float]
    world_seed: int


def judge(
    figure: Figure, central: Sequence[Mapping[str, float]], spread: Sequence[Mapping[str, float]]
) -> Line:
    """Hold one figure against simulated evaluations: ``central`` at default parameters, ``spread`` over draws."""
    at_defaults = _heard(figure, central)
    over_draws = _heard(figure, spread)
    silent = 1.0 - len(over_draws) / len(spread)
    mean = float(at_defaults.mean()) if len(at_defaults) else math.nan
    low, high = (
        (float(q) for q in np.percentile(over_draws, RANGE)) if len(over_draws) else (math.nan, math.nan)
    )
    inside: bool | None = None
    near: bool | None = None
    if len(over_draws):
        if figure.census and not math.isnan(figure.reported):
            inside = low <= figure.reported <= high
        else:
            inside = low <= figure.high and figure.low <= high
    if len(at_defaults):
        if math.isnan(figure.reported):
            near = figure.low <= mean <= figure.high
        else:
            near = figure.reported <= FACTOR * mean and mean <= FACTOR * figure.reported
    return Line(figure, mean, low, high, silent, inside, near)


def _heard(figure: Figure, seen: Sequence[Mapping[str, float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = np.array([world[figure.name] for world in seen], dtype=np.float64)
    return values[~np.isnan(values)]


def _results(line: Line) -> dict[str, Any]:
    return {
        "central": line.central,
        "simulated_low": line.low,
        "simulated_high": line.high,
        "silent": line.silent,
        "inside": line.inside,
        "within_factor_three": line.within_factor,
    }


def in_unit(value: float, unit: str) -> str:
    """A value as people read it, with its unit; a dash where there is none."""
    return "-" if math.isnan(value) else _with_unit([value], unit)


def label_of(figure: Figure) -> str:
    """The name of a figure for people, with its marks, which no line break cuts off."""
    marks = ("*" if figure.inferred else "", SET_MARK if figure.set_by else "")
    return "\u00a0".join([figure.label, *filter(None, marks)])


def reported_of(figure: Figure) -> str:
    """The reported value for people."""
    return "in words" if evidence()[figure.rows[0]].wording else in_unit(figure.reported, figure.unit)


_WIDTHS: Final = (28, 11, 19, 11, 19, 9)
"""Column widths of the scorecard."""


def grid(widths: Sequence[int], headings: Sequence[str]) -> Table:
    """A table without lines, text in its first column; tables of the same widths line up under one another."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for place, (width, heading) in enumerate(zip(widths, headings, strict=True)):
        table.add_column(
            heading,
            justify="left" if place == 0 else "right",
            min_width=width,
            max_width=width if place == 0 else None,
        )
    return table


def _held_out_block(found: HeldOut) -> list[RenderableType]:
    """Hold-outs for people, as wide as the scorecard."""
    heading = Text("\nHeld out", style="bold")
    heading.append(" - figures that a posterior was not made from, predicted by it", style="dim not bold")
    parts: list[RenderableType] = [heading]
    if found.splits:
        table = grid(
            (48, 10, 12, 28), ("made from, predicting", "inside\n9 in 10", "likelier than\nby prior", "")
        )
        for split in found.splits:
            table.add_row(
                split.title,
                f"{split.inside} of {split.figures}",
                f"{split.likelier} of {split.figures}",
                split.reading,
            )
        parts.append(Whole(table))
    parts += [Text(fill(sentence, 104), style="dim") for sentence in found.sentences()]
    return [*parts, Text("")]


def _cells(line: Line) -> tuple[Cell, ...]:
    figure = line.figure
    return (
        label_of(figure),
        reported_of(figure),
        _span(figure.low, figure.high, figure.unit),
        in_unit(line.central, figure.unit),
        _span(line.low, line.high, figure.unit),
        _verdict(line),
    )


def _span(low: float, high: float, unit: str) -> str:
    return "-" if math.isnan(low) else _with_unit([low, high], unit)


def _with_unit(values: Sequence[float], unit: str) -> str:
    """One value, or a range, in one unit that is written once."""
    if unit == "share":
        divisor, decimals, written = 0.01, 0, " %"
    elif unit == "EUR" and max(map(abs, values)) >= 1e6:
        divisor, decimals, written = 1e6, 1, " M EUR"
    elif unit == "EUR":
        divisor, decimals, written = 1e3, 0, " k EUR"
    else:
        divisor, decimals = 1.0, 2 if unit == "years" else 1
        written = " M EUR" if unit == "EUR million" else ""
    return " to ".join(f"{value / divisor:,.{decimals}f}" for value in values) + written


def _verdict(line: Line) -> Cell:
    """Whether the reported value lies in the simulated range; where it does not, whether it is even near."""
    if line.inside is None:
        return "silent"
    if line.inside:
        return "yes" if line.within_factor is not False else "yes, far"
    return Text("NO" if line.within_factor is not False else "NO, far", style="bold red")
