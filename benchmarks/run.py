"""All benchmarks in one process run; writes ``benchmarks/results.json`` and the figures in ``docs/performance.md``.

Call ``make bench``. Figures are costs and ratios on the machine named in the results; a shared machine blurs them, so
cases that are compared take turns and both the least and the median time are kept. Ratios are of least times, with
ratios of medians beside them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import sweep_overhead
from benchmarks.engagement_steps import EngagementSteps, same_bits
from benchmarks.report import PAGE, Aim, aims_table, figure, write_page
from benchmarks.step_costs import step_costs
from benchmarks.timing import Timing, interleaved, machine, once

from passaat.errors import ModelError
from passaat.model.engine.compiled import simulate
from passaat.model.engine.programme import Programme
from passaat.model.engine.ready import warm_up
from passaat.model.inputs import RunInputs
from passaat.scenarios import Scenario, load_scenario

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PART = "figures"

SEED = 1
WINDOW_QUARTERS = 20
WORK_SEEDS = range(1, 11)
WORK_TOLERANCE = 0.1
"""Plain Mesa draws other numbers: its mean work over ten generators may differ from ours by this share."""


def main() -> None:
    """Measure everything, write the results, print the page."""
    say = Say()
    inputs = load_scenario("pib").inputs({})
    say("compiling the model in an empty cache")
    cold_s = cold_start()
    warm_up(say)
    say("starting with a full cache")
    warm_s = [warm_start() for _ in range(3)]
    say("one reference run by both drivers")
    whole = whole_runs(inputs)
    say("follow-up and trade against plain Mesa")
    steps, work = engagement_steps(inputs)
    say("larger worlds")
    sizes = larger_worlds(load_scenario("pib"))
    say("memory and threads")
    memory = memory_of_run(inputs)
    threads = thread_scaling(inputs)
    say("each step")
    costs = step_costs(seed=SEED)
    sweeps = sweep_overhead.measure(say)
    peer = min(steps["plain Mesa, do"].least, steps["plain Mesa, shuffle_do"].least)
    aims = [
        Aim("follow-up and trade: compiled driver against the faster plain Mesa",
            peer / steps["compiled driver"].least, 30.0, "times", at_least=True),
        Aim("one reference run, compiled", whole["compiled driver"].least, 15.0, "ms"),
        Aim("cost per firm at 100,000 firms against 2,000", sizes[-1]["per_firm_ratio"], 2.0, "times"),
        Aim("memory of one run at its peak", memory["peak_mb"], 5.0, "MB"),
        Aim("ready on a full cache: start, import, first run", min(warm_s), 2.0, "s"),
        Aim("ready on an empty cache: compile and first run", cold_s, 60.0, "s"),
    ]  # fmt: skip
    results = {
        "machine": machine(),
        "aims": [{**vars(aim), "reached": aim.reached} for aim in aims],
        "reference_run_ms": timings(whole),
        "engagement_steps_ms": timings(steps),
        "engagement_work": work,
        "sizes": sizes,
        "memory": memory,
        "ready_s": {
            "empty_cache": cold_s,
            "full_cache_least": min(warm_s),
            "full_cache_median": statistics.median(warm_s),
        },
        "threads": threads,
        "step_costs_ms": costs,
        sweep_overhead.PART: sweeps,
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    for part, text in (
        (PART, page(aims, results, whole, steps)),
        (sweep_overhead.PART, sweep_overhead.page(sweeps)),
    ):
        write_page(part, text)
        print(text)
    say(f"written: {RESULTS.relative_to(HERE.parent)}, {PAGE.relative_to(HERE.parent)}")


class Say:
    """Progress on stderr with the seconds since the start."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()

    def __call__(self, line: str) -> None:
        print(f"[{time.perf_counter() - self.begun:5.0f} s] {line}", file=sys.stderr, flush=True)


FIRST_RUN = """
from passaat.model.engine.compiled import simulate
from passaat.scenarios import load_scenario
simulate(load_scenario("pib").inputs({}), 1)
"""


def cold_start() -> float:
    """Seconds from starting Python to the end of a first run, nothing compiled yet."""
    with tempfile.TemporaryDirectory() as folder:
        return _fresh_process({"PASSAAT_CACHE_DIR": folder, "NUMBA_CACHE_DIR": str(Path(folder) / "numba")})


def warm_start() -> float:
    """Seconds from starting Python to the end of a first run, machine code on disk."""
    return _fresh_process({})


def _fresh_process(environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST_RUN], check=True, env={**os.environ, **environment})
    return time.perf_counter() - begun


def whole_runs(inputs: RunInputs) -> dict[str, Timing]:
    """One reference run by each driver, building the world included."""
    return interleaved(
        {
            "compiled driver": lambda: lambda: simulate(inputs, SEED),
            "Mesa driver": lambda: lambda: Programme(inputs, SEED).run(),
        },
        {"compiled driver": 30, "Mesa driver": 3},
    )


def engagement_steps(inputs: RunInputs) -> tuple[dict[str, Timing], dict[str, Any]]:
    """The three steps by drivers and peers, and how much work each did.

    Raises:
        SystemExit: the peer does other work than the model, so that times cannot be compared.
    """
    bench = EngagementSteps(inputs, SEED, WINDOW_QUARTERS)
    (compiled, run), (interpreted, run_mesa) = bench.compiled(), bench.mesa_driver()
    run()
    run_mesa()
    ours = bench.work_of(compiled)
    peers = []
    for seed in WORK_SEEDS:
        programme, run_plain = bench.plain(shuffle=False, seed=seed)
        run_plain()
        peers.append(bench.work_of_plain(programme))
    work: dict[str, Any] = {
        "quarters": WINDOW_QUARTERS,
        "engagements": len(compiled.scanned["engagements"].key),
        "both_drivers_same_bits": same_bits(compiled, interpreted),
        "contracts_ours": ours.contracts,
        "contracts_plain_mean": statistics.mean(w.contracts for w in peers),
        "contracts_plain_range": [min(w.contracts for w in peers), max(w.contracts for w in peers)],
        "steps_ended_ours": ours.steps_ended,
        "steps_ended_plain_mean": statistics.mean(w.steps_ended for w in peers),
    }
    for what in ("contracts", "steps_ended"):
        share = work[f"{what}_plain_mean"] / work[f"{what}_ours"] - 1.0
        if abs(share) > WORK_TOLERANCE:
            raise SystemExit(
                f"benchmarks/plain_mesa.py no longer does what model/firm.py does: {what} {share:+.0%}"
            )
    times = interleaved(
        {
            "compiled driver": lambda: bench.compiled()[1],
            "plain Mesa, do": lambda: bench.plain(shuffle=False)[1],
            "plain Mesa, shuffle_do": lambda: bench.plain(shuffle=True)[1],
            "Mesa driver": lambda: bench.mesa_driver()[1],
        },
        {"compiled driver": 15, "plain Mesa, do": 15, "plain Mesa, shuffle_do": 15, "Mesa driver": 5},
    )
    return times, work


def larger_worlds(reference: Scenario) -> list[dict[str, float]]:
    """Cost per firm as firms grow in number and markets, coordinators and liaisons stay as they are."""
    rows: list[dict[str, float]] = []
    for n_firms, repeats in ((2_000, 15), (20_000, 7), (100_000, 4)):
        inputs, cluster_rows = _large_enough(reference, n_firms)
        least = min(once(lambda inputs=inputs: lambda: simulate(inputs, SEED)) for _ in range(repeats))  # type: ignore[misc]
        per_firm = 1000.0 * least / n_firms
        ratio = per_firm / rows[0]["us_per_firm"] if rows else 1.0
        mb = simulate(inputs, SEED).store.n_bytes / 1e6
        rows.append(
            {"n_firms": n_firms, "ms": least, "us_per_firm": per_firm, "per_firm_ratio": ratio, "world_mb": mb,
             "cluster_rows": cluster_rows}
        )  # fmt: skip
    return rows


def _large_enough(reference: Scenario, n_firms: int) -> tuple[RunInputs, int]:
    """Inputs with as many rows for clusters as the run needs."""
    cluster_rows = reference.inputs({}).size.cluster_rows
    while True:
        inputs = reference.with_world({"n_firms": n_firms, "cluster_rows": cluster_rows}).inputs({})
        try:
            simulate(inputs, SEED)
        except ModelError:
            cluster_rows *= 2
        else:
            return inputs, cluster_rows


def memory_of_run(inputs: RunInputs) -> dict[str, float]:
    """Megabytes of one run: its tables, and the most that Python and NumPy held for it at any moment."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    run = simulate(inputs, SEED)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"world_mb": run.store.n_bytes / 1e6, "peak_mb": (peak - before) / 1e6}


def thread_scaling(inputs: RunInputs, runs: int = 16) -> dict[str, float]:
    """How much faster two threads finish a batch of runs than one."""

    def batch(workers: int) -> Callable[[], Callable[[], object]]:
        def timed() -> list[object]:
            with ThreadPoolExecutor(workers) as pool:
                return list(pool.map(lambda seed: simulate(inputs, seed).seed, range(runs)))

        return lambda: timed

    times = interleaved({"one": batch(1), "two": batch(2)}, {"one": 4, "two": 4})
    return {
        "runs": runs,
        "one_thread_ms": times["one"].least,
        "two_threads_ms": times["two"].least,
        "speed_up": times["one"].least / times["two"].least,
    }


def timings(times: dict[str, Timing]) -> dict[str, dict[str, float]]:
    """Timings as plain data."""
    return {name: vars(timing) for name, timing in times.items()}


def page(aims: list[Aim], results: dict[str, Any], whole: dict[str, Timing], steps: dict[str, Timing]) -> str:
    """The figures as Markdown."""
    lines = ["## Aims", "", *aims_table(aims)]
    facts = results["machine"]
    versions = ", ".join(
        f"{name} {facts[name]}" for name in ("python", "mesa", "numba", "llvmlite", "numpy", "passaat")
    )
    lines += ["", f"Machine: {facts['processor']}, {facts['cores']} cores, {facts['system']}; {versions}."]
    lines += ["", "## One reference run", "", *table(whole)]
    work = results["engagement_work"]
    low, high = work["contracts_plain_range"]
    same = "the same bits" if work["both_drivers_same_bits"] else "DIFFERENT BITS"
    lines += ["", "## Follow-up and trade against plain Mesa", "", *table(steps)]
    lines += [
        "",
        f"Steps 10 and 11 (`explore_alone`, `follow_up`, `trade`) for {work['quarters']} quarters of "
        f"{work['engagements']:,} engagements, from the state at the start of the window, the world around them "
        f"standing still. Work done: {work['steps_ended_ours']:,} next steps ended and {work['contracts_ours']:,} "
        f"contracts in ours (both drivers: {same}); {work['steps_ended_plain_mean']:,.0f} and "
        f"{work['contracts_plain_mean']:,.0f} on average in plain Mesa, with other draws ({low:,} to {high:,} "
        "contracts).",
        "",
        "## Larger worlds",
        "",
        "| firms | one run, ms | per firm, microseconds | against 2,000 | tables, MB |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['n_firms']:,} | {figure(row['ms'])} | {figure(row['us_per_firm'])} | "
        f"{figure(row['per_firm_ratio'])} | {figure(row['world_mb'])} |"
        for row in results["sizes"]
    ]
    memory, ready, threads = results["memory"], results["ready_s"], results["threads"]
    lines += [
        "",
        "## Memory, start and threads",
        "",
        f"- Tables of one reference run: {figure(memory['world_mb'])} MB; most held at any moment: "
        f"{figure(memory['peak_mb'])} MB.",
        f"- From starting Python to the end of a first run: {figure(ready['full_cache_least'])} s with machine code on "
        f"disk (median {figure(ready['full_cache_median'])} s), {figure(ready['empty_cache'])} s when it is compiled "
        "first.",
        f"- {threads['runs']} runs on one thread {figure(threads['one_thread_ms'])} ms, on two "
        f"{figure(threads['two_threads_ms'])} ms: {figure(threads['speed_up'])} times as fast.",
        "",
        "## What each step costs",
        "",
    ]
    costs: dict[str, float] = results["step_costs_ms"]
    if not costs:
        return "\n".join([*lines, "This processor shows no cycle counter to programs."])
    total = sum(costs.values())
    lines += ["| step | ms per run | share |", "| --- | ---: | ---: |"]
    shown = sorted(costs.items(), key=lambda item: -item[1])
    lines += [f"| `{name}` | {cost:.3f} | {cost / total:.1%} |" for name, cost in shown]
    lines += [f"| all | {total:.3f} | 100% |"]
    return "\n".join(lines)


def table(times: dict[str, Timing]) -> list[str]:
    """A table of timings against the first row."""
    first = next(iter(times.values()))
    lines = ["| driver | least, ms | median, ms | repeats | against the first, least (median) |"]
    lines += ["| --- | ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {name} | {figure(t.least)} | {figure(t.median)} | {t.repeats} | "
        f"{figure(t.least / first.least)} ({figure(t.median / first.median)}) |"
        for name, t in times.items()
    ]
    return lines


if __name__ == "__main__":
    main()
