"""Simulated evaluations in bulk: batches of runs, each at its own place in the prior and in its own world, stored.

Everything in calibration that needs runs asks here: the table of prior simulations, the trajectories of the
screening, the runs that correct the posterior. A batch is keyed by all that decides its results (reference,
behaviour, observation, priors, places, world seeds), so a batch that was interrupted goes on where it stopped, one
that is complete is read, and one that belongs to another model is never mixed with it. The store is one SQLite file
in the user's cache folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from passaat.calibration.grounds import Grounds, fingerprints, grounds
from passaat.calibration.observation import observe
from passaat.calibration.priors import Priors, priors
from passaat.calibration.targets import figures
from passaat.errors import ModelError, StudyError
from passaat.experiments.design.cells import world_seed
from passaat.experiments.run.pump import Pool, StoppedError, pump
from passaat.identity import column_text, fingerprint, whole_number

Floats = NDArray[np.float64]
OnProgress = Callable[[str, int, int], None]

CHUNK: Final = 40
"""Runs written in one transaction: about a second of work, which is what an interruption can cost."""
MOST_FAILED: Final = 0.02
"""Largest share of runs that may fail; a batch with more is refused, because what fails is hardly a random part."""


class Reference(Protocol):
    """What is asked of a scenario: its name, and the inputs of a run under given parameters."""

    @property
    def name(self) -> str: ...
    def inputs(self, parameters: Mapping[str, float] | None = None) -> Any: ...


@dataclass(frozen=True)
class Evaluator:
    """How a place in the prior and a world become what evaluators report.

    Attributes:
        key: changes whenever the results may: reference, behaviour, observation, priors.
        names: what is observed, in the order of the result.
        rests_on: what a posterior made of these runs rests on; empty for a toy.
    """

    key: str
    names: tuple[str, ...]
    priors: Priors
    look: Callable[[Floats, int], Mapping[str, float]]
    """(values of all parameters, world seed) -> what is observed; may be called from several threads at once."""
    rests_on: Grounds = field(default_factory=dict)

    @property
    def fingerprints(self) -> dict[str, str]:
        """Sixteen digits for each part of what a posterior rests on."""
        return fingerprints(self.rests_on)


def evaluator_of(reference: Reference) -> Evaluator:
    """The model that ships, under this reference."""
    from passaat.model.engine.compiled import simulate

    known = priors()
    rests_on = grounds(reference, known)

    def look(values: Floats, seed: int) -> Mapping[str, float]:
        model, observation = known.split(values)
        return observe(simulate(reference.inputs(model), seed), observation)

    deciding = {part: rests_on[part] for part in ("practice", "observation", "priors", "reference")}
    key = "/".join([reference.name, fingerprint(deciding)])
    return Evaluator(key, tuple(figure.name for figure in figures()), known, look, rests_on)


@dataclass(frozen=True)
class Batch:
    """Runs to make: ``places`` of shape (n, n_parameters) in the prior, and the seed of the world of each."""

    title: str
    places: Floats
    seeds: NDArray[np.int64]

    def key(self, evaluator: Evaluator) -> str:
        """What the stored runs of this batch go by."""
        places = [column_text(column) for column in self.places.T]
        return fingerprint([evaluator.key, evaluator.names, places, column_text(self.seeds)], 24)


def prior_batch(known: Priors, draws: int, seed: int, title: str = "prior table") -> Batch:
    """A scrambled Sobol design over all parameters at once, one world for each draw."""
    sobol = qmc.Sobol(len(known), scramble=True, rng=np.random.default_rng([seed, 1]))
    places = sobol.random_base2(int(np.ceil(np.log2(draws))))[:draws]
    # A Sobol point may be exactly 0; a place never is.
    return Batch(title, np.clip(places, 1e-6, 1.0 - 1e-6), world_seeds(seed, draws, "table"))


def world_seeds(seed: int, n: int, purpose: str) -> NDArray[np.int64]:
    """Seeds of ``n`` worlds that no other purpose shares."""
    base = whole_number(f"calibration {purpose} {seed}", bits=56)
    return np.array([world_seed(base, draw, 0) for draw in range(n)], dtype=np.int64)


class RunStore:
    """The file in which runs are kept. One writer; a kill costs the chunk in hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as file, file:
                file.execute("PRAGMA journal_mode=WAL")
                file.execute(
                    "CREATE TABLE IF NOT EXISTS runs (batch TEXT, run INTEGER, seen BLOB, reason TEXT, "
                    "PRIMARY KEY (batch, run)) WITHOUT ROWID"
                )
        except (OSError, sqlite3.Error) as error:
            raise StudyError(
                f"{path}: cannot be used as a store of runs ({error})",
                "delete it, or choose another cache folder.",
            ) from None

    def _open(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self.path, timeout=60.0))

    def read(self, batch: str) -> dict[int, Floats | str]:
        """Runs of a batch that are done: what was observed, or why the run failed."""
        with self._open() as file:
            rows = file.execute("SELECT run, seen, reason FROM runs WHERE batch = ?", (batch,)).fetchall()
        return {
            run: reason if seen is None else np.frombuffer(seen, dtype="<f8") for run, seen, reason in rows
        }

    def write(self, batch: str, results: list[tuple[int, Floats | str]]) -> None:
        """Add runs, all of them or none."""
        rows = [
            (batch, run, None, seen)
            if isinstance(seen, str)
            else (batch, run, seen.astype("<f8").tobytes(), None)
            for run, seen in results
        ]
        with self._open() as file, file:
            file.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", rows)


@dataclass(frozen=True)
class Seen:
    """What was observed in a batch.

    Attributes:
        values: shape (n_runs, n_names); nan where there was nothing to report, and all nan in a failed run.
        failed: which runs failed.
    """

    values: Floats
    failed: NDArray[np.bool_]


def run_batch(
    batch: Batch,
    evaluator: Evaluator,
    store: RunStore,
    *,
    workers: int,
    progress: OnProgress | None = None,
) -> Seen:
    """Make the runs of a batch that the store does not hold yet, and read all of them.

    Neither the number of workers nor interruptions change a result: each run has its own place and world.

    Raises:
        ModelError: too large a part of the runs failed; the first reasons are given.
    """
    key, n = batch.key(evaluator), len(batch.seeds)
    done = store.read(key)
    todo = [run for run in range(n) if run not in done]
    values = evaluator.priors.values(batch.places)

    def look(run: int) -> tuple[int, Floats | str]:
        try:
            seen = evaluator.look(values[run], int(batch.seeds[run]))
            return run, np.array([seen[name] for name in evaluator.names], dtype=np.float64)
        except Exception as error:
            return run, f"{type(error).__name__}: {error}"

    finished = _in_chunks(look, todo, workers)
    with closing(finished):
        for results in finished:
            store.write(key, results)
            done.update(results)
            if progress is not None:
                progress(batch.title, len(done), n)

    reasons = [seen for seen in done.values() if isinstance(seen, str)]
    if len(reasons) > MOST_FAILED * n:
        raise ModelError(
            [f"{len(reasons)} of {n} runs of the {batch.title} failed", *sorted(set(reasons))[:5]],
            hint="Run the reference once with 'passaat run' to see where it stops.",
        )
    rows = [done[run] for run in range(n)]
    nothing = np.full(len(evaluator.names), np.nan)
    return Seen(
        np.array([nothing if isinstance(row, str) else row for row in rows]),
        np.array([isinstance(row, str) for row in rows]),
    )


def _in_chunks(
    look: Callable[[int], tuple[int, Floats | str]], todo: list[int], workers: int
) -> Generator[list[tuple[int, Floats | str]], None, None]:
    """Results chunk by chunk, as they are finished. Ctrl-C drops the chunks in hand."""

    def work(runs: list[int], stopped: Callable[[], bool]) -> list[tuple[int, Floats | str]]:
        results = []
        for run in runs:
            if stopped():
                raise StoppedError
            results.append(look(run))
        return results

    pool = Pool(workers)
    chunks = (todo[i : i + CHUNK] for i in range(0, len(todo), CHUNK))
    return pump(chunks, lambda runs: pool.submit(lambda stopped: work(runs, stopped)), pool)


def default_store() -> RunStore:
    """The store in the user's cache folder (``PASSAAT_CACHE_DIR`` if set).

    Raises:
        StudyError: neither that nor HOME says where it could be.
    """
    from passaat.model.engine.compiled import cache_folder

    folder = cache_folder()
    if folder is None:
        raise StudyError(
            "there is no home folder to keep the runs of a calibration in",
            "Set PASSAAT_CACHE_DIR to a folder of your own.",
        )
    return RunStore(folder / "calibration" / "runs.db")
