"""What a sweep costs, stage by stage; each stage is measured in a process of its own (see ``sweep_overhead``).

Most stages run a toy in place of the model: it answers at once with as many outcomes as the model has, so that all
time and memory that is seen is that of the sweep. Plan, policies, parameters and study file are those of a real one.
Time is CPU time of the process, which a busy machine blurs less than time on the wall; both are kept.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.experiments.analyses.sweep import load_table, sweep
from passaat.experiments.design.basis import basis_for
from passaat.experiments.design.plan import Plan
from passaat.experiments.design.plan_files import read_plan
from passaat.experiments.design.simulator import Simulator, the_model
from passaat.experiments.reports.export import export
from passaat.experiments.run.crew import Threads
from passaat.experiments.run.dask import DaskWorkers
from passaat.experiments.run.runner import run_planned
from passaat.experiments.study.study import Study
from passaat.experiments.study.sweeps import register_plan
from passaat.model.engine.build import build_world
from passaat.model.inputs import RunInputs
from passaat.model.outcomes import OUTCOMES

WORLDS: Final = 4
POLICIES: Final = 3
"""The reference, the levers set on it, and no programme."""

SHARE_TO_RESUME: Final = 0.01
"""Share of a study that is missing when the time to resume it is taken."""

TWO_OUTCOMES: Final = ("additional_exports_net_eur", "public_cost_eur")

_STUDY: Final = """
name = "overhead"
question = "What does a sweep cost beside its runs?"
reference = "pib"
[design]
method = "latin-hypercube"
points = {points}
worlds = {worlds}
rest = "posterior"
draws = {draws}
[levers]
covenant_amount_eur = {{ low = 200_000, high = 500_000 }}
follow_up_years = [0, 2, 4]
"""

_UNCERTAINTIES: Final = """[uncertainties]
market_demand_sigma = {}
large_firm_share = {}
step_success = {}
"""


def plan_of(runs: int, worlds: int = WORLDS, *, levers_alone: bool = False) -> Plan:
    """A plan of about so many runs: two levers, three uncertainties and the draw of the rest; or the levers alone, so
    that all points share the reference's runs and every policy meets in the same few worlds.
    """
    points = -(-runs // (worlds * (1 if levers_alone else POLICIES)))
    text = _STUDY.format(points=points, worlds=worlds, draws=1 if levers_alone else 20)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "overhead.toml"
        path.write_text(text + ("" if levers_alone else _UNCERTAINTIES), encoding="utf-8")
        return read_plan(path)


# --- the toy ----------------------------------------------------------------------------------------------------

_COUNTED = itertools.count()
_PATTERN: Final = np.linspace(1.0, 1e6, len(OUTCOMES))


def toy_simulate(inputs: RunInputs, world_seed: int) -> int:
    """A run that costs nothing."""
    return next(_COUNTED)


def toy_outcomes_of(run: int, twin: int | None) -> NDArray[np.float64]:
    """Other numbers for each run, as files of real ones hold: equal numbers would pack too well."""
    return _PATTERN * (1.0 + run / 7.0)


def toy_for(plan: Plan) -> Simulator:
    """The toy, with the model's outcomes and parameter draws."""
    basis, draw = basis_for(plan.reference)
    return Simulator(OUTCOMES, toy_simulate, toy_outcomes_of, draw, "toy", "toy", basis)


# --- measuring --------------------------------------------------------------------------------------------------


@dataclass
class Spent:
    """Seconds that a block took: of all threads together, of the calling thread, and on the wall."""

    cpu_s: float = 0.0
    main_s: float = 0.0
    wall_s: float = 0.0


@contextmanager
def spending() -> Iterator[Spent]:
    """Time a block."""
    spent = Spent()
    begun = time.process_time(), time.thread_time(), time.perf_counter()
    yield spent
    ended = time.process_time(), time.thread_time(), time.perf_counter()
    spent.cpu_s, spent.main_s, spent.wall_s = (b - a for a, b in zip(begun, ended, strict=True))


def peak_mb() -> float:
    """Most memory that this process has held.

    ``ru_maxrss`` of a fresh Linux process starts at what its parent held, so that the kernel's own mark of this very
    program is taken where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def start_mb() -> float:
    """Forget what importing took at its peak, where the system can, and return the memory held now."""
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5", encoding="ascii")
    return peak_mb()


def bytes_of(path: Path) -> int:
    """Size of a study file, with what SQLite keeps beside it."""
    return sum(p.stat().st_size for p in path.parent.glob(f"{path.name}*"))


# --- stages with the toy ----------------------------------------------------------------------------------------


def study(path: Path, runs: int, worlds: int = WORLDS, *, levers_alone: bool = False) -> dict[str, float]:
    """Register and run a study of toy runs."""
    plan = plan_of(runs, worlds, levers_alone=levers_alone)
    model = toy_for(plan)
    _tiny(path)
    before = start_mb()
    with Study.open(path, model, plan.reference, plan.seed, "sweep") as opened:
        with spending() as registering:
            register_plan(opened, plan, model)
        registered_mb = peak_mb()
        made = opened.count_to_do()
        with spending() as running:
            run_planned(opened, model, Threads(1), stage=plan.name)
        opened.finish()
    with spending() as bare:
        for _ in range(made):
            toy_outcomes_of(toy_simulate(None, 0), None)  # type: ignore[arg-type]
    return {
        "runs": made,
        "points": plan.n_points,
        "worlds": worlds,
        "register_cpu_s": registering.cpu_s,
        "register_wall_s": registering.wall_s,
        "run_cpu_s": running.cpu_s - bare.cpu_s,
        "run_wall_s": running.wall_s - bare.wall_s,
        "overhead_ms_per_run": 1000.0 * (registering.cpu_s + running.cpu_s - bare.cpu_s) / made,
        "file_bytes_per_run": bytes_of(path) / made,
        "start_mb": before,
        "registered_mb": registered_mb,
        "peak_mb": peak_mb(),
    }


def levers(path: Path, runs: int) -> dict[str, float]:
    """A study of toy runs that sweeps levers alone, and reading its table."""
    return {**study(path, runs, levers_alone=True), "read_cpu_s": read(path, None)["cpu_s"]}


def resume(path: Path, runs: int) -> dict[str, float]:
    """Go on with a study of which the last points are missing: the time until its first run begins."""
    plan = plan_of(runs)
    with closing(sqlite3.connect(path)) as db, db:
        (last,) = db.execute("SELECT max(draw) FROM runs").fetchone()
        missing = db.execute(
            "UPDATE runs SET status = 'planned' WHERE draw > ?", (int(last * (1.0 - SHARE_TO_RESUME)),)
        ).rowcount
        db.execute("UPDATE meta SET value = 'incomplete' WHERE key = 'state'")
    first: list[float] = []

    def simulate(inputs: RunInputs, world_seed: int) -> int:
        first.append(time.perf_counter())
        return toy_simulate(inputs, world_seed)

    model = replace(toy_for(plan), simulate=simulate)
    _tiny(path)
    before = start_mb()
    begun = time.perf_counter()
    with spending() as spent, Study.open(path, model, plan.reference, plan.seed, "sweep") as opened:
        register_plan(opened, plan, model)
        run_planned(opened, model, Threads(1), stage=plan.name)
        opened.finish()
    return {
        "missing": missing,
        "until_first_run_s": first[0] - begun,
        "cpu_s": spent.cpu_s,
        "start_mb": before,
        "peak_mb": peak_mb(),
    }


def read(path: Path, outcomes: list[str] | None) -> dict[str, float]:
    """Read the table of a study."""
    load_table(_tiny(path))
    before = start_mb()
    with spending() as spent:
        table = load_table(path, outcomes)
    return {
        "outcomes": len(table.outcomes),
        "values_mb": table.values.nbytes / 1e6,
        "cpu_s": spent.cpu_s,
        "wall_s": spent.wall_s,
        "start_mb": before,
        "peak_mb": peak_mb(),
    }


def export_to(path: Path, ending: str) -> dict[str, float]:
    """Take the results of a study out of its file."""
    target = path.with_name(f"out{ending}")
    export(_tiny(path), target)
    before = start_mb()
    with spending() as spent:
        rows = export(path, target)
    size = target.stat().st_size
    target.unlink()
    return {
        "rows": rows,
        "bytes_per_row": size / rows,
        "cpu_s": spent.cpu_s,
        "wall_s": spent.wall_s,
        "start_mb": before,
        "peak_mb": peak_mb(),
    }


def _tiny(beside: Path) -> Path:
    """A study of one point, run or read before memory is looked at, so that all is imported by then."""
    tiny = beside.with_name("tiny.db")
    plan = plan_of(1)
    sweep(plan, study_path=tiny, simulator=toy_for(plan), workers=1)
    return tiny


def cluster(path: Path, runs: int) -> dict[str, float]:
    """What the process in the middle spends on runs that workers on this machine carry out."""
    import distributed

    plan = plan_of(runs)
    model = toy_for(plan)
    start: Any = distributed.LocalCluster  # carries no types
    with (
        start(n_workers=2, threads_per_worker=1, dashboard_address=None) as workers,
        DaskWorkers(workers.scheduler_address) as crew,
    ):
        sweep(plan_of(1), simulator=model, crew=crew)
        with spending() as spent, Study.open(path, model, plan.reference, plan.seed, "sweep") as opened:
            register_plan(opened, plan, model)
            made = opened.count_to_do()
            run_planned(opened, model, crew, stage=plan.name)
            opened.finish()
    return {
        "runs": made,
        "middle_ms_per_run": 1000.0 * spent.cpu_s / made,
        "runs_per_second": made / spent.wall_s,
        "peak_mb": peak_mb(),
    }


# --- the model itself -------------------------------------------------------------------------------------------


@dataclass
class Script:
    """Every call that a sweep makes of its simulator, in order, to be made again without the sweep."""

    calls: list[tuple[RunInputs, int]] = field(default_factory=list)
    judged: list[tuple[int, int | None]] = field(default_factory=list)

    def simulate(self, inputs: RunInputs, world_seed: int) -> int:
        """Note a run; it goes by its place."""
        self.calls.append((inputs, world_seed))
        return len(self.calls) - 1

    def outcomes_of(self, run: int, twin: int | None) -> NDArray[np.float64]:
        """Note which run was judged against which."""
        self.judged.append((run, twin))
        return _PATTERN

    def play(self, model: Simulator) -> None:
        """The same calls, bare. One twin is kept, as a worker does."""
        kept: tuple[int, Any] = (-1, None)
        for run, twin in self.judged:
            made = model.simulate(*self.calls[run])
            if twin is None:
                kept = run, made
            elif twin != kept[0]:
                raise SystemExit("the sweep no longer judges each policy right after its twin")
            model.outcomes_of(made, None if twin is None else kept[1])


class Clocked:
    """A model that notes how much of its threads' time its calls take, and how long its threads were ready to run and
    had to wait for a core.
    """

    def __init__(self, model: Simulator) -> None:
        self._spent: list[float] = []
        self._queued: dict[int, float] = {}
        self.model = replace(
            model, simulate=self._clocked(model.simulate), outcomes_of=self._clocked(model.outcomes_of)
        )

    def _clocked(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: object) -> Any:
            begun = time.thread_time()
            result = call(*arguments)
            self._spent.append(time.thread_time() - begun)
            self._queued[threading.get_native_id()] = _queued_s()
            return result

        return timed

    @property
    def queued_s(self) -> float:
        """Time that a thread waited for a core, on average; other programs, and more threads than cores, cause it."""
        return sum(self._queued.values()) / len(self._queued)

    @property
    def cpu_s(self) -> float:
        return sum(self._spent)


def _queued_s() -> float:
    """Time since its start that the calling thread was ready and no core was free; 0 where the system does not tell."""
    told = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
    return int(told.read_text(encoding="ascii").split()[1]) / 1e9 if told.exists() else 0.0


def real(path: Path, runs: int, repeats: int) -> dict[str, float]:
    """The model by itself, in a sweep of one worker and in one of two, in turns; the least of each is kept."""
    plan = plan_of(runs)
    model = the_model(plan.reference)
    script = Script()
    sweep(
        plan,
        simulator=replace(model, simulate=script.simulate, outcomes_of=script.outcomes_of),
        workers=1,
    )
    made = len(script.calls)
    rows: list[dict[str, float]] = []
    for _ in range(repeats):
        with spending() as bare:
            script.play(model)
        row = {"bare_cpu_ms": bare.cpu_s, "bare_wall_ms": bare.wall_s}
        for workers, name in ((1, "one"), (2, "two")):
            clocked = Clocked(model)
            with spending() as spent:
                sweep(plan, study_path=path, simulator=clocked.model, workers=workers)
            path.unlink()
            row |= {
                f"{name}_cpu_ms": spent.cpu_s,
                f"{name}_wall_ms": spent.wall_s,
                f"{name}_beside_ms": spent.cpu_s - clocked.cpu_s,
                f"{name}_main_thread_ms": spent.main_s,
                f"{name}_unhindered_ms": spent.wall_s - clocked.queued_s,
            }
        rows.append({key: 1000.0 * value / made for key, value in row.items()})
    with spending() as building:
        for call in script.calls[:100]:
            build_world(*call)
    whole = model.simulate(*script.calls[0])
    with spending() as judging:
        for _ in range(100):
            model.outcomes_of(whole, whole)
    return {
        "runs": made,
        "repeats": repeats,
        "load_before": os.getloadavg()[0],
        **{key: min(row[key] for row in rows) for key in rows[0]},
        "build_ms": 1000.0 * building.cpu_s / min(100, made),
        "outcomes_ms": 10.0 * judging.cpu_s,
        "peak_mb": peak_mb(),
    }


STAGES: Final[dict[str, Callable[..., dict[str, float]]]] = {
    "study": study,
    "levers": levers,
    "resume": resume,
    "read": read,
    "export": export_to,
    "cluster": cluster,
    "real": real,
}

if __name__ == "__main__":
    name, place, *arguments = sys.argv[1:]
    print(json.dumps(STAGES[name](Path(place), *map(json.loads, arguments))))
