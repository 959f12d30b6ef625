"""What a sweep costs beside its runs, and what a study of a million runs would take.

``python -m benchmarks.sweep_overhead`` measures it and rewrites its part of ``benchmarks/results.json`` and of
``docs/performance.md``; so does ``make bench``. Sizes can be given: ``--runs`` for the largest study of toy runs,
``--real-runs`` for the sweep of the model itself.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.report import Aim, aims_table, figure, write_page
from benchmarks.sweep_stages import SHARE_TO_RESUME, TWO_OUTCOMES

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = Path(__file__).parent / "results.json"
PART: Final = "sweeps"

RUNS: Final = 100_000
REAL_RUNS: Final = 108
"""As many chunks for either of two workers: what one waits for the other at the end fades in a longer sweep."""

REPEATS: Final = 3
CLUSTER_RUNS: Final = 10_000
LEVER_RUNS: Final = 20_000
MILLION: Final = 1_000_000

ADDED_AT_MOST_PERCENT: Final = 10.0
TWO_WORKERS_AT_LEAST: Final = 1.8
GROWTH_AT_MOST_MB: Final = 25.0

Figures = dict[str, Any]


def main() -> None:
    """Measure, and rewrite the part of the results and the page that is about sweeps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"largest study of toy runs ({RUNS:,})")
    parser.add_argument("--real-runs", type=int, default=REAL_RUNS, help=f"runs of the model ({REAL_RUNS})")
    asked = parser.parse_args()
    figures = measure(lambda line: print(line, file=sys.stderr, flush=True), asked.runs, asked.real_runs)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[PART] = figures
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    text = page(figures)
    write_page(PART, text)
    print(text)


def measure(say: Callable[[str], None], runs: int = RUNS, real_runs: int = REAL_RUNS) -> Figures:
    """All figures; every stage in a process of its own, so that none sees another's memory."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        say("sweeps: the model in sweeps of one and of two workers")
        real = _stage("real", place / "real.db", real_runs, REPEATS)
        studies = []
        for size in dict.fromkeys((1_000, 10_000, runs)):
            say(f"sweeps: a study of {size:,} toy runs")
            studies.append(_stage("study", place / f"study-{size}.db", size))
        say(f"sweeps: a study of {LEVER_RUNS:,} toy runs over levers alone")
        levers = _stage("levers", place / "levers.db", LEVER_RUNS)
        largest = place / f"study-{runs}.db"
        say("sweeps: reading back, exporting, resuming")
        reading = {
            "all outcomes": _stage("read", largest, None),
            "two outcomes": _stage("read", largest, list(TWO_OUTCOMES)),
        }
        endings = [".csv", *([".parquet"] if _installed("duckdb") else [])]
        exports = {ending: _stage("export", largest, ending) for ending in endings}
        resuming = _stage("resume", largest, runs)
        cluster = None
        if _installed("distributed"):
            say("sweeps: a cluster of two workers")
            cluster = _stage("cluster", place / "cluster.db", CLUSTER_RUNS)
    figures: Figures = {
        "real": real,
        "studies": studies,
        "levers": levers,
        "reading": reading,
        "exports": exports,
        "resuming": resuming,
        "cluster": cluster,
    }
    figures["million"] = million(figures)
    figures["aims"] = [{**vars(aim), "reached": aim.reached} for aim in aims(figures)]
    return figures


def _stage(name: str, place: Path, *arguments: object) -> dict[str, float]:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.sweep_stages", name, str(place), *map(json.dumps, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    figures: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return figures


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


# --- what follows from the figures ------------------------------------------------------------------------------


def model_ms(figures: Figures) -> float:
    """CPU time of one run of the model and its outcomes, in a sweep of one worker."""
    real = figures["real"]
    return float(real["one_cpu_ms"] - real["one_beside_ms"])


def held_ms(figures: Figures) -> float:
    """At most so much of a run needs Python's interpreter, of which a process has one: building the world, judging
    the run, and all that the sweep does.
    """
    real = figures["real"]
    return float(real["build_ms"] + real["outcomes_ms"] + real["one_beside_ms"])


def two_against_one(real: Figures) -> float:
    """How many times as fast two workers are, apart from the time that other programs had the cores."""
    return float(real["one_unhindered_ms"] / real["two_unhindered_ms"])


def growth_mb(stage: Figures) -> float:
    """Memory that a stage took on top of what it started with."""
    return float(stage["peak_mb"] - stage["start_mb"])


def aims(figures: Figures) -> list[Aim]:
    """What the figures should reach."""
    real, largest = figures["real"], figures["studies"][-1]
    of_model = 100.0 / model_ms(figures)
    return [
        Aim("what a sweep adds to a run of the model, CPU time", real["one_beside_ms"] * of_model,
            ADDED_AT_MOST_PERCENT, "%"),
        Aim(f"registering and recording {largest['runs']:,} toy runs, against as many of the model",
            largest["overhead_ms_per_run"] * of_model, ADDED_AT_MOST_PERCENT, "%"),
        Aim(f"the same for {figures['levers']['runs']:,} toy runs over levers alone",
            figures["levers"]["overhead_ms_per_run"] * of_model, ADDED_AT_MOST_PERCENT, "%"),
        Aim("a sweep by two workers against one, without waiting for a core",
            two_against_one(real), TWO_WORKERS_AT_LEAST, "times as fast", at_least=True),
        Aim(f"memory that registering and running {largest['runs']:,} runs takes", growth_mb(largest),
            GROWTH_AT_MOST_MB, "MB"),
    ]  # fmt: skip


def million(figures: Figures) -> Figures:
    """A study of a million runs, worked out from the figures.

    Time that grows with runs is multiplied; memory that grew with runs is, too. Cores are taken to be as fast as the
    one measured with two workers at work, and evenly loaded.
    """
    real, largest = figures["real"], figures["studies"][-1]
    times_larger = MILLION / largest["runs"]
    busy_ms = real["two_cpu_ms"]
    middle_ms = figures["cluster"]["middle_ms_per_run"] if figures["cluster"] else None
    hours = MILLION / 3_600_000.0
    cores = []
    for n in (1, 2, 16, 64):
        per_run = busy_ms / n if n > 1 else real["one_cpu_ms"]
        cores.append(
            {
                "cores": n,
                "threads_h": hours * max(per_run, held_ms(figures)),
                "cluster_h": None if middle_ms is None or n == 1 else hours * max(per_run, middle_ms),
            }
        )
    return {
        "cores": cores,
        "most_threads": busy_ms / held_ms(figures),
        "most_cluster_cores": None if middle_ms is None else busy_ms / middle_ms,
        "file_mb": largest["file_bytes_per_run"] * MILLION / 1e6,
        "register_min": largest["register_wall_s"] * times_larger / 60.0,
        "resume_min": figures["resuming"]["until_first_run_s"] * times_larger / 60.0,
        "study_mb": largest["start_mb"] + growth_mb(largest) * times_larger,
        "resume_mb": _grown(figures["resuming"], times_larger),
        "reading": {
            what: {"min": one["wall_s"] * times_larger / 60.0, "mb": _grown(one, times_larger)}
            for what, one in figures["reading"].items()
        },
        "exports": {
            ending: {
                "min": one["wall_s"] * times_larger / 60.0,
                "mb": _grown(one, times_larger),
                "file_mb": one["bytes_per_row"] * MILLION / 1e6,
            }
            for ending, one in figures["exports"].items()
        },
    }


def _grown(stage: Figures, times_larger: float) -> float:
    return float(stage["start_mb"] + growth_mb(stage) * times_larger)


# --- the page ---------------------------------------------------------------------------------------------------


def page(figures: Figures) -> str:
    """The figures about sweeps as Markdown."""
    real, largest = figures["real"], figures["studies"][-1]
    lines = ["## Sweeps", "", *aims_table(aims(figures)), "", *_real_lines(real, model_ms(figures)), ""]
    lines += [
        "A toy that answers at once, with as many outcomes as the model, shows what a study costs by itself "
        f"({largest['worlds']} worlds at each point, reference, levers and no programme; every stage in a process of "
        "its own):",
        "",
        "| runs | registering, s CPU (wall) | running and recording, s CPU (wall) | per run, ms CPU | "
        "file, bytes per run | memory at start, MB | more at the peak, MB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one['runs']:,} | {figure(one['register_cpu_s'])} ({figure(one['register_wall_s'])}) | "
        f"{figure(one['run_cpu_s'])} ({figure(one['run_wall_s'])}) | {one['overhead_ms_per_run']:.3f} | "
        f"{figure(one['file_bytes_per_run'])} | {figure(one['start_mb'])} | {growth_mb(one):.1f} |"
        for one in figures["studies"]
    ]
    lines += [
        "",
        f"A sweep of levers alone, in which {figures['levers']['points']:,} policies meet in "
        f"{figures['levers']['worlds']} worlds: {figures['levers']['overhead_ms_per_run']:.3f} ms CPU per run, "
        f"{growth_mb(figures['levers']):.1f} MB more at the peak, {figure(figures['levers']['read_cpu_s'])} s CPU to "
        "read the table.",
        "",
        f"With the study of {largest['runs']:,} runs:",
        "",
        "| what | s CPU | s wall | memory at start, MB | more at the peak, MB | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for what, one in figures["reading"].items():
        lines.append(_row(f"read the table, {what}", one, f"{figure(one['values_mb'])} MB of values"))
    for ending, one in figures["exports"].items():
        lines.append(
            _row(f"export the results to `{ending}`", one, f"{figure(one['bytes_per_row'])} bytes per row")
        )
    resuming = figures["resuming"]
    resumed = {**resuming, "wall_s": resuming["until_first_run_s"]}
    share = f"{SHARE_TO_RESUME:.0%} missing; s wall until the first run"
    lines.append(_row("resume", resumed, share))
    if figures["cluster"]:
        one = figures["cluster"]
        lines += [
            "",
            f"On a Dask cluster of two workers the process in the middle, scheduler included, spends "
            f"{figure(one['middle_ms_per_run'])} ms CPU on each of {one['runs']:,} toy runs.",
        ]
    return "\n".join([*lines, "", *_million_lines(figures)])


def _real_lines(real: Figures, of_model: float) -> list[str]:
    return [
        f"The model in a sweep of {real['runs']:,} runs, the least of {real['repeats']} turns (load of the machine "
        f"before: {figure(real['load_before'])}):",
        "",
        "| ms per run | CPU | wall | wall without waiting for a core | CPU beside simulating and judging "
        "| CPU of the thread that writes |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        f"| the same calls, bare | {figure(real['bare_cpu_ms'])} | {figure(real['bare_wall_ms'])} | | | |",
        *(
            f"| sweep, {name} worker{'s' if name == 'two' else ''} | {figure(real[f'{name}_cpu_ms'])} | "
            f"{figure(real[f'{name}_wall_ms'])} | {figure(real[f'{name}_unhindered_ms'])} | "
            f"{figure(real[f'{name}_beside_ms'])} | {figure(real[f'{name}_main_thread_ms'])} |"
            for name in ("one", "two")
        ),
        "",
        f"Simulating and judging take {figure(of_model)} ms CPU of a run. Of that, building the world "
        f"({figure(real['build_ms'])} ms) and judging ({figure(real['outcomes_ms'])} ms) need the interpreter; the "
        "rest runs beside other threads. What a sweep adds is the CPU time of the whole process, opening the file and "
        "reading the table included, less that of these calls: the difference to the bare calls would show it too, but "
        "other work of the machine blurs that more. Waiting for a core is time in which a worker was ready to run and "
        "other programs had the cores, which on a shared machine hides what two workers can do: two against one are "
        f"{figure(real['one_wall_ms'] / real['two_wall_ms'])} times as fast on the wall, and "
        f"{figure(two_against_one(real))} times without it. "
        f"Most memory held: {figure(real['peak_mb'])} MB.",
    ]


def _row(what: str, one: Figures, remark: str) -> str:
    return (
        f"| {what} | {figure(one['cpu_s'])} | {figure(one['wall_s'])} | {figure(one['start_mb'])} | "
        f"{growth_mb(one):.1f} | {remark} |"
    )


def _million_lines(figures: Figures) -> list[str]:
    told = figures["million"]
    lines = [
        "### A million runs, on paper",
        "",
        f"Worked out from the figures above, those of {figures['studies'][-1]['runs']:,} runs multiplied, which "
        "puts memory at its highest; cores are taken to be as fast as those of this machine with both at work.",
        "",
        "| cores | threads of one process, hours | cluster, a process for each core, hours |",
        "| ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['cores']} | {figure(row['threads_h'])} | "
        f"{'' if row['cluster_h'] is None else figure(row['cluster_h'])} |"
        for row in told["cores"]
    ]
    lines += [
        "",
        f"- Threads share one interpreter, which a run needs for {figure(held_ms(figures))} ms at most: from about "
        f"{told['most_threads']:.0f} cores on, more of them in one process bring nothing. Use a cluster of processes "
        "then, also on a single machine.",
    ]
    if told["most_cluster_cores"] is not None:
        lines.append(
            f"- The process in the middle of a cluster keeps about {told['most_cluster_cores']:.0f} cores busy, "
            "more where the scheduler is a process of its own; the file is written by this one process."
        )
    lines += [
        f"- Study file: {figure(told['file_mb'])} MB. Registering takes {figure(told['register_min'])} minutes, "
        f"resuming {figure(told['resume_min'])} minutes until the first run.",
        f"- Memory: {figure(told['study_mb'])} MB to register and run, {figure(told['resume_mb'])} MB to resume; "
        "to read the table "
        + ", ".join(
            f"{figure(one['mb'])} MB with {what} ({figure(one['min'])} minutes)"
            for what, one in told["reading"].items()
        )
        + ".",
        *(
            f"- Export to `{ending}`: {figure(one['file_mb'])} MB in {figure(one['min'])} minutes, "
            f"{figure(one['mb'])} MB of memory."
            for ending, one in told["exports"].items()
        ),
    ]
    return lines


if __name__ == "__main__":
    main()
