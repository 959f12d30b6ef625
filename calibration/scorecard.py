"""The scorecard: each reported figure beside what evaluators would have seen in simulated worlds.

Two questions are answered figure by figure. *Inside*: does the reported value lie where simulated evaluations lie,
over parameter draws (from their stated ranges, until a posterior exists) and worlds? *Factor three*: is the mean over
worlds at the default parameters within a factor of three of it? The first is a weak test when ranges are wide, and
says so by showing them; the second asks whether the defaults are in the right place at all. What is fed in is never
listed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from rich.table import Table

from passaat.calibration.evidence import evidence
from passaat.calibration.observation import default_observation, draw_observation, observe
from passaat.calibration.targets import Figure, figures, not_compared
from passaat.errors import EvidenceError, ModelError
from passaat.experiments.design import world_seed

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
_DIGITS: Final = 10


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
    from passaat.model.compiled import simulate
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
    """All figures of one reference, with what was run to get them."""

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
                f"{role}: {inside} of {len(lines)} inside the simulated 5-95 % range, "
                f"{near} within a factor of three at default parameters"
            )
        free = [line for line in self.lines if line.figure.role == "target" and not line.figure.set_by]
        said.append(
            f"targets from which no default was set (without the mark {SET_MARK}): "
            f"{sum(line.inside is True for line in free)} of {len(free)} inside, "
            f"{sum(line.within_factor is True for line in free)} within a factor of three"
        )
        said.append(
            f"{self.draws} parameter draws from their stated ranges (not calibrated) x {self.worlds_per_draw} worlds, "
            f"and {self.central_worlds} worlds at default parameters; seed {self.seed}"
        )
        said += [f"not compared yet: {id} ({reason})" for id, reason in self.not_compared.items()]
        said.append(f"{len(self.fed_in)} reported figures are fed in and so not listed as reproduced")
        said += [f"failed: {failure}" for failure in self.failures]
        return tuple(said)

    def table(self) -> Table:
        """The scorecard as a table for people."""
        table = Table(
            title=f"{self.reference}: reported figures and simulated evaluations", title_justify="left"
        )
        table.add_column("figure")
        table.add_column("role")
        for heading in ("reported", "by chance (95 %)", "at defaults", "simulated (5-95 %)"):
            table.add_column(heading, justify="right")
        table.add_column("inside")
        table.add_column("factor 3")
        for pattern, title in PATTERN_TITLES.items():
            lines = [line for line in self.lines if line.figure.pattern == pattern]
            table.add_section()
            table.add_row(f"[bold]{title}[/bold]")
            for line in lines:
                figure = line.figure
                words = evidence()[figure.rows[0]].wording
                reported = "in words" if words else _shown(figure.reported, figure.unit)
                table.add_row(
                    figure.label
                    + (" *" if figure.inferred else "")
                    + (f" {SET_MARK}" if figure.set_by else ""),
                    figure.role,
                    reported,
                    _span(figure.low, figure.high, figure.unit),
                    _shown(line.central, figure.unit),
                    _span(line.low, line.high, figure.unit),
                    _verdict(line.inside, "inside", "OUTSIDE"),
                    _verdict(line.within_factor, "yes", "NO"),
                )
        table.caption = (
            "* the reported value rests on a reader's reading (INFERRED); see passaat evidence\n"
            f"{SET_MARK} a default of the model was set straight from this figure: agreement at defaults is no evidence"
        )
        table.caption_justify = "left"
        return table

    def to_dict(self) -> dict[str, Any]:
        """The scorecard as plain data: no clock times, no paths, nan as None."""
        return {
            "reference": self.reference,
            "window": list(self.window),
            "evaluated_window": list(EVALUATED_WINDOW),
            "parameters": "drawn from their stated ranges, not calibrated",
            "draws": self.draws,
            "worlds_per_draw": self.worlds_per_draw,
            "central_worlds": self.central_worlds,
            "seed": self.seed,
            "range_percent": list(RANGE),
            "figures": [_plain({**asdict(line.figure), **_results(line)}) for line in self.lines],
            "not_compared": dict(self.not_compared),
            "fed_in": list(self.fed_in),
            "failures": list(self.failures),
        }

    def to_json(self) -> str:
        """As ``to_dict``, in bytes that are equal for equal runs."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"


PATTERN_TITLES: Final[Mapping[str, str]] = {
    "P1": "P1 portfolio",
    "P2": "P2 outputs come easily, outcomes do not",
    "P3": "P3 few winners",
}


def validate(
    reference: Reference,
    *,
    draws: int = DEFAULT_DRAWS,
    worlds_per_draw: int = DEFAULT_WORLDS,
    central_worlds: int = DEFAULT_CENTRAL_WORLDS,
    seed: int = 1,
    workers: int | None = None,
    simulator: World | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Scorecard:
    """Run a reference and hold it against the reported figures of patterns P1-P3.

    Args:
        draws, worlds_per_draw: parameter draws, and worlds of each, for the simulated range.
        central_worlds: worlds at default parameters, for the factor of three.
        workers: threads; by default as many as the process may use cores. The result does not depend on it.
        progress: told (runs done, runs in all) now and then.

    Raises:
        EvidenceError: counts below one or a negative seed; all are listed.
        ModelError: every run failed; the first reasons are given.
    """
    counts = {"draws": draws, "worlds_per_draw": worlds_per_draw, "central_worlds": central_worlds}
    problems = [f"{name} = {value}: at least 1 is needed" for name, value in counts.items() if value < 1]
    if workers is not None and workers < 1:
        problems.append(f"workers = {workers}: at least 1 is needed")
    if seed < 0:
        problems.append(f"seed = {seed}: a whole number of at least 0 is needed")
    if problems:
        raise EvidenceError(
            problems, hint=f"The defaults are {DEFAULT_DRAWS} draws of {DEFAULT_WORLDS} worlds, seed 1."
        )
    from passaat.experiments.runner import default_workers

    model = _the_model() if simulator is None else simulator
    tasks = [
        _Task(None, default_observation(), world_seed(seed, -1, world)) for world in range(central_worlds)
    ]
    for draw, parameters in enumerate(model.draw_parameters(draws, seed)):
        unknowns = draw_observation(seed, draw)
        tasks += [
            _Task(parameters, unknowns, world_seed(seed, draw, world)) for world in range(worlds_per_draw)
        ]

    def run(task: _Task) -> dict[str, float] | str:
        try:
            return observe(model.simulate(reference.inputs(task.parameters), task.world_seed), task.unknowns)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    results = _in_threads(run, tasks, workers or default_workers(), progress)
    reasons = sorted({result for result in results if isinstance(result, str)})
    central = [result for result in results[:central_worlds] if isinstance(result, dict)]
    spread = [result for result in results[central_worlds:] if isinstance(result, dict)]
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
        draws=draws,
        worlds_per_draw=worlds_per_draw,
        central_worlds=central_worlds,
        seed=seed,
        failures=failures,
        fed_in=tuple(row.id for row in evidence().values() if row.use == "input"),
        not_compared=not_compared(),
    )


@dataclass(frozen=True)
class _Task:
    """One world: parameters (None: all at their default), unknowns of the observation, world seed."""

    parameters: Mapping[str, float] | None
    unknowns: Mapping[str, float]
    world_seed: int


def _in_threads(
    run: Callable[[_Task], dict[str, float] | str],
    tasks: Sequence[_Task],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[dict[str, float] | str]:
    """The result of every task, in order. Ctrl-C drops what has not begun."""
    results: list[dict[str, float] | str] = [""] * len(tasks)
    waiting = iter(enumerate(tasks))
    done = 0
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="passaat")
    try:
        pending: dict[Future[dict[str, float] | str], int] = {
            pool.submit(run, task): place for place, task in islice(waiting, 2 * workers)
        }
        while pending:
            finished, _ = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in finished:
                results[pending.pop(future)] = future.result()
            pending |= {pool.submit(run, task): place for place, task in islice(waiting, len(finished))}
            done += len(finished)
            if finished and progress is not None:
                progress(done, len(tasks))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return results


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


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers to ten digits, nan as None, tuples as lists."""
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, float):
            plain[name] = None if math.isnan(value) else float(f"{value:.{_DIGITS}g}")
        else:
            plain[name] = list(value) if isinstance(value, tuple) else value
    return plain


def _shown(value: float, unit: str) -> str:
    if math.isnan(value):
        return "-"
    if unit == "share":
        return f"{100 * value:.0f} %"
    if unit == "EUR":
        return f"{value / 1e6:,.1f} M EUR" if abs(value) >= 1e6 else f"{value / 1e3:,.0f} k EUR"
    if unit == "EUR million":
        return f"{value:,.1f} M EUR"
    return f"{value:,.2f}" if unit == "years" else f"{value:,.1f}"


def _span(low: float, high: float, unit: str) -> str:
    return "-" if math.isnan(low) else f"{_shown(low, unit)} to {_shown(high, unit)}"


def _verdict(value: bool | None, yes: str, no: str) -> str:
    return "silent" if value is None else yes if value else f"[bold red]{no}[/bold red]"
