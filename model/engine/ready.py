"""Driver and judge made ready: loaded, or compiled once per version."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from passaat.model import outcomes, schedule
from passaat.model.engine import judging
from passaat.model.engine.build import build_world
from passaat.model.engine.compiled import Run, driver_for
from passaat.model.inputs import RunInputs, WorldSize
from passaat.model.kernel import machine_code
from passaat.model.lever_table import LEVER_RANGES
from passaat.model.schedule import Step


def is_compiled(quarter: Sequence[Step] = schedule.QUARTER) -> bool:
    """Whether machine code for this schedule, and of the judge, lies ready, so that starting takes no compilation."""
    return _why_not_ready(_smallest_run(), quarter) is None


def _why_not_ready(run: Run, quarter: Sequence[Step]) -> list[str] | None:
    """None where machine code of driver and judge lies ready; else what was found of them and is not used."""
    driver, judge = driver_for(quarter), judging.compiled_judge(outcomes.judge)
    found = [
        driver.why_not_ready(run.store.compiled_world()),
        judge.why_not_ready(*judging.judged_with(run)),
    ]
    missing = [reasons for reasons in found if reasons is not None]
    return list(dict.fromkeys(reason for reasons in missing for reason in reasons)) if missing else None


def warm_up(say: Callable[[str], None], quarter: Sequence[Step] = schedule.QUARTER) -> None:
    """Make driver and judge ready: load their machine code, or compile it after saying so through ``say``."""
    run = _smallest_run()
    reasons = _why_not_ready(run, quarter)
    if reasons is not None:
        for reason in reasons:
            say(machine_code.UNUSED.format(reason=reason))
        say("Compiling the model, once per version; this takes about half a minute.")
    with machine_code.speaking(say):
        driver_for(quarter)(run.store.compiled_world())
        judging.outcomes_of(run)


def _smallest_run() -> Run:
    """A run of two firms and no quarters: enough for the compiler to see all types."""
    size = WorldSize(2000, 2000, 2000, 2000, 2, 1, 1, 1, 1, 1, 1, 1, (1.0,))
    inputs = RunInputs(size, {name: np.array([lever.minimum]) for name, lever in LEVER_RANGES.items()})
    store = build_world(inputs, 0)
    store.tables["calendar"]["until"] = 0
    return Run(inputs, 0, store.column_world(), store)
