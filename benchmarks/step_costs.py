"""What each step of the quarter costs in one reference run: every step compiled on its own and timed from outside."""

from __future__ import annotations

import sys
import time
from collections import defaultdict

from numba import njit

from passaat.model import schedule
from passaat.model.build import build_world
from passaat.model.compiled import step_loop_source
from passaat.scenarios import load_scenario


def step_costs(reference: str = "pib", seed: int = 1) -> dict[str, float]:
    """Milliseconds per run by step, calls from Python (some 10 microseconds each) taken off."""
    store = build_world(load_scenario(reference).inputs({}), seed)
    world = store.compiled_world()
    loops = {}
    for step in (*schedule.FOUNDING, *schedule.QUARTER):
        names = {"rule": step.rule}
        exec(step_loop_source(step), names)
        loops[step] = njit(error_model="numpy", _nrt=False)(names["loop"])
    calendar = store.tables["calendar"]
    for step in schedule.FOUNDING:
        loops[step](world)
    spent: dict[str, float] = defaultdict(float)
    for quarter in range(int(calendar["n_quarters"][0])):
        calendar["quarter"], calendar["year"], calendar["quarter_of_year"] = quarter, quarter // 4, quarter % 4
        for step in schedule.QUARTER:
            begun = time.perf_counter()
            loops[step](world)
            took = time.perf_counter() - begun
            if quarter > 0:  # the first call compiles
                spent[step.name] += 1000.0 * took
    return dict(spent)


def main() -> None:
    """Print the costs, dearest first."""
    costs = step_costs(*sys.argv[1:2])
    for name, cost in sorted(costs.items(), key=lambda item: -item[1]):
        print(f"{cost:8.2f} ms  {name}")
    print(f"{sum(costs.values()):8.2f} ms  all steps")


if __name__ == "__main__":
    main()
