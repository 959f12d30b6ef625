"""Follow-up and trade (steps 10 and 11) from one world in mid run, by each driver and by the plain Mesa peer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from benchmarks.plain_mesa import STEPS, PlainProgramme

from passaat.model.engine.build import Store, build_world
from passaat.model.engine.compiled import driver_for, driver_source
from passaat.model.engine.programme import Programme
from passaat.model.inputs import RunInputs
from passaat.model.schedule import QUARTER
from passaat.model.world import World

CHOSEN = tuple(step for step in QUARTER if step.name in STEPS)


@dataclass(frozen=True)
class Work:
    """What was done in the quarters run: next steps that ended, contracts won, quarters of delivery."""

    steps_ended: int
    contracts: int


class EngagementSteps:
    """The three steps over some quarters, from the state at the start of the scenario's window.

    Args:
        inputs: what a run is given.
        seed: world seed.
        quarters: how many quarters are run.
    """

    def __init__(self, inputs: RunInputs, seed: int, quarters: int) -> None:
        self.inputs, self.seed, self.quarters = inputs, seed, quarters
        self.store = build_world(inputs, seed)
        calendar = self.store.tables["calendar"]
        first = int(calendar["window_first_quarter"][0])
        calendar["until"] = first
        driver_for()(self.store.compiled_world())
        calendar["quarter"], calendar["until"] = first, first + quarters
        names: dict[str, Callable[[World], None]] = {}
        exec(driver_source(CHOSEN, founding=()), names)
        self._driver = names["run"]

    def copy(self) -> Store:
        """The state at the start, in memory of its own."""
        scanned = {name: type(t)(*(c.copy() for c in t)) for name, t in self.store.scanned.items()}
        return replace(
            self.store,
            tables={name: records.copy() for name, records in self.store.tables.items()},
            scanned=scanned,
            exports_by_year_cents=self.store.exports_by_year_cents.copy(),
            money_by_year_cents=self.store.money_by_year_cents.copy(),
        )

    def compiled(self) -> tuple[Store, Callable[[], None]]:
        """A fresh state, and what runs the steps on it with the compiled driver."""
        store = self.copy()
        world = store.compiled_world()
        return store, lambda: self._driver(world)

    def mesa_driver(self) -> tuple[Store, Callable[[], None]]:
        """The same with the Mesa driver."""
        programme = Programme(self.inputs, self.seed, schedule=CHOSEN)
        programme.store = self.copy()
        programme.world = programme.store.interpreted_world()
        programme.steps = int(programme.world.calendar.quarter[0])

        def run() -> None:
            for _ in range(self.quarters):
                programme.step()

        return programme.store, run

    def plain(self, *, shuffle: bool, seed: int = 1) -> tuple[PlainProgramme, Callable[[], None]]:
        """The same with plain Mesa."""
        programme = PlainProgramme(self.store, seed, shuffle=shuffle)

        def run() -> None:
            for _ in range(self.quarters):
                programme.step()

        return programme, run

    def work_of(self, store: Store) -> Work:
        """Work done by a driver of ours since the start."""
        return _difference(_work(store), _work(self.store))

    def work_of_plain(self, programme: PlainProgramme) -> Work:
        """Work done by plain Mesa since the start."""
        engagements = programme.engagements
        ended = sum(e.steps_full + e.steps_partly + e.steps_lapsed for e in engagements)
        return _difference(Work(ended, sum(e.contracts for e in engagements)), _work(self.store))


def same_bits(a: Store, b: Store) -> bool:
    """Whether two worlds agree in every column of engagements, memberships and yearly exports."""
    columns: Iterable[bool] = (
        np.array_equal(x, y)
        for x, y in zip(
            (*a.scanned["engagements"], a.exports_by_year_cents, a.tables["memberships"]),
            (*b.scanned["engagements"], b.exports_by_year_cents, b.tables["memberships"]),
            strict=True,
        )
    )
    return all(columns)


def _work(store: Store) -> Work:
    columns = store.column_world().engagements
    ended = columns.steps_full.sum() + columns.steps_partly.sum() + columns.steps_lapsed.sum()
    return Work(int(ended), int(columns.contracts.sum()))


def _difference(end: Work, start: Work) -> Work:
    return Work(end.steps_ended - start.steps_ended, end.contracts - start.contracts)
