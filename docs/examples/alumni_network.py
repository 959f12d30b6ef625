"""A rule of your own, under both drivers: former members meet once a year and keep their contacts alive.

It shows the three steps of an extension that leaves the package as it is:

1. declare a table of your own columns, a ``NamedTuple`` of arrays; rules read it as ``world.extra``;
2. write a rule with ``@rule``: plain scalar Python, one agent at a time;
3. put it into the schedule, beside the model's rules or in the place of one.

Run it with ``python docs/examples/alumni_network.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np

from passaat.model import firm
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.programme import Programme
from passaat.model.inputs import RunInputs
from passaat.model.kernel.columns import Column, FloatColumn, IntColumn
from passaat.model.kernel.rules import rule
from passaat.model.schedule import Step, with_replaced, with_step
from passaat.scenarios.loading import load_scenario


class Alumni(NamedTuple):
    """The columns of the extension."""

    meetings: Annotated[IntColumn, Column("count", "meetings attended, one row per engagement")]
    contacts_per_meeting: Annotated[
        FloatColumn, Column("contacts", "contacts that a meeting revives, one row")
    ]


def alumni_table(inputs: RunInputs, contacts_per_meeting: float = 0.5) -> Alumni:
    """A fresh table for one run: rows as many as there are engagements."""
    rows = inputs.size.n_firms * inputs.size.markets_per_firm
    return Alumni(np.zeros(rows, dtype=np.int64), np.array([contacts_per_meeting]))


@rule
def meet_alumni(world: Any, e: int) -> None:
    """Engagement of a former member: in the fourth quarter of each year, meet the others."""
    was_member = world.engagements.membership[e] >= 0 and world.engagements.cluster[e] < 0
    if not was_member or world.calendar.quarter_of_year[0] != 3:
        return
    world.extra.meetings[e] += 1
    world.engagements.contacts[e] += world.extra.contacts_per_meeting[0]


@rule
def explore_if_able(world: Any, e: int) -> None:
    """In the place of ``explore_alone``: firms with little free capacity do not go out on their own."""
    if world.firms.free_capacity[world.engagements.firm[e]] >= 0.3:
        firm.explore_alone(world, e)


QUARTER = with_replaced(
    firm.explore_alone, explore_if_able, quarter=with_step(Step("engagement", meet_alumni), after=firm.fade)
)
"""The model's quarter with both rules."""


def simulate_with_alumni(inputs: RunInputs, world_seed: int) -> Run:
    """A compiled run; comparisons and sweeps take this function in the place of ``simulate``."""
    return simulate(inputs, world_seed, quarter=QUARTER, extra=alumni_table(inputs))


def programme_with_alumni(inputs: RunInputs, world_seed: int) -> Programme:
    """The same with Mesa, quarter by quarter."""
    return Programme(inputs, world_seed, schedule=QUARTER, extra=alumni_table(inputs))


if __name__ == "__main__":
    inputs = load_scenario("pib").inputs()
    run = simulate_with_alumni(inputs, world_seed=1)
    meetings: Any = run.world.extra
    print(f"{int(meetings.meetings.sum())} meetings attended by former members")
    print(
        f"{int((run.world.engagements.contacts >= 1).sum())} living contacts at the end, with them and without:"
    )
    print(int((simulate(inputs, 1).world.engagements.contacts >= 1).sum()))
