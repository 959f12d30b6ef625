"""What each step of the quarter costs in one reference run, by the processor's clock inside the compiled driver."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from passaat.model import schedule
from passaat.model.engine.build import build_world
from passaat.model.engine.compiled import driver_source
from passaat.scenarios import load_scenario


@intrinsic
def cycles(_typing_context: Any) -> Any:
    """The processor's cycle counter; always 0 where the processor does not show one to programs."""

    def read(_context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        signature = ir.FunctionType(ir.IntType(64), [])
        counter = cgutils.get_or_insert_function(builder.module, signature, "llvm.readcyclecounter")  # type: ignore[no-untyped-call]
        return builder.call(counter, [])

    return types.int64(), read


def step_costs(reference: str = "pib", seed: int = 1, repeats: int = 25) -> dict[str, float]:
    """Milliseconds per run by step: for each quarter and step the least of ``repeats`` runs, then summed.

    Empty where the processor shows no cycle counter. ``founding`` is all that comes before the first quarter.
    """
    inputs = load_scenario(reference).inputs({})
    names: dict[str, Any] = {"cycles": cycles}
    exec(driver_source(schedule.QUARTER, clocked=True), names)
    run: Callable[[Any, Any], None] = names["run"]
    names["njit"] = njit
    exec("cycles_now = njit(lambda: cycles())", names)
    least = np.full((inputs.size.n_quarters, len(schedule.QUARTER)), np.iinfo(np.int64).max)
    founding, ms_per_cycle = float("inf"), 0.0
    for repeat in range(repeats + 1):
        ticks = np.zeros((inputs.size.n_quarters, len(schedule.QUARTER) + 1), dtype=np.int64)
        world = build_world(inputs, seed).compiled_world()
        begun = time.perf_counter()
        run(world, ticks)
        took = 1000.0 * (time.perf_counter() - begun)
        if repeat == 0:
            continue  # the first call compiles
        if ticks[-1, -1] == 0:
            return {}
        least = np.minimum(least, np.diff(ticks, axis=1))
        ms_per_cycle = ms_per_cycle or _ms_per_cycle(names["cycles_now"])
        founding = min(founding, took - ms_per_cycle * float(ticks[-1, -1] - ticks[0, 0]))
    costs = least.sum(axis=0) * ms_per_cycle
    by_name = dict(zip((step.name for step in schedule.QUARTER), costs.tolist(), strict=True))
    return {"founding": founding, **by_name}


def _ms_per_cycle(cycles_now: Callable[[], int]) -> float:
    """Pace of the cycle counter, from a tenth of a second."""
    cycles_now()
    begun, first = time.perf_counter(), cycles_now()
    time.sleep(0.1)
    return 1000.0 * (time.perf_counter() - begun) / (cycles_now() - first)


def main() -> None:
    """Print the costs, dearest first."""
    costs = step_costs(sys.argv[1] if len(sys.argv) > 1 else "pib")
    for name, cost in sorted(costs.items(), key=lambda item: -item[1]):
        print(f"{cost:8.3f} ms  {name}")
    print(
        f"{sum(costs.values()):8.3f} ms  all steps"
        if costs
        else "This processor shows no cycle counter to programs."
    )


if __name__ == "__main__":
    main()
