"""The Mesa driver: the same rules with agents to hold, inspect, subclass and watch.

``Programme`` is a ``mesa.Model`` whose firms, coordinators, liaisons, embassies, agency and clusters are ``mesa.Agent``
objects; each is one row of its table. It runs the schedule of ``model/schedule.py`` interpreted and gives the same bits
as the compiled driver, which a test proves.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import mesa

from passaat.errors import ModelError, unknown_name
from passaat.model import input_checks, schedule, status
from passaat.model.engine import seeding
from passaat.model.engine.build import build_world, check_faults
from passaat.model.engine.compiled import Run
from passaat.model.inputs import RunInputs
from passaat.model.schedule import Step
from passaat.model.world import TABLES, World


class TableAgent(mesa.Agent):
    """An agent that is one row of a table; every column of the row reads as an attribute.

    Attributes:
        row: the agent's row.
    """

    table: ClassVar[str] = ""
    kind: ClassVar[str] = ""
    model: Programme

    def __init__(self, model: Programme, row: int) -> None:
        super().__init__(model)
        self.row = row

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("model", "row"):
            raise AttributeError(name)
        columns = getattr(self.model.world, self.table)
        if name not in columns._fields:
            known = ", ".join(columns._fields)
            raise AttributeError(f"a {type(self).__name__} has no attribute {name!r}; its state is {known}")
        return getattr(columns, name)[self.row]

    def __setattr__(self, name: str, value: Any) -> None:
        """Setting a column of the agent's row writes to the table; another attribute must be declared.

        It is declared where a class names it or ``__init__`` sets it. Else a slip of the pen would be a new attribute,
        and the column would stay as it was.
        """
        if self.table and name in TABLES[self.table].__annotations__:
            getattr(getattr(self.model.world, self.table), name)[self.row] = value
        elif name.startswith("_") or not vars(self).get("_made") or self._is_declared(name):
            super().__setattr__(name, value)
        else:
            known = list(TABLES[self.table].__annotations__)
            raise AttributeError(
                f"{unknown_name(f'attribute of a {type(self).__name__}', name, known)};"
                " one of your own is named in the class or set in its __init__"
            )

    def _is_declared(self, name: str) -> bool:
        named = (vars(one).get("__annotations__", {}) for one in type(self).__mro__)
        return name in vars(self) or hasattr(type(self), name) or any(name in one for one in named)

    def apply(self, step: Step) -> None:
        """Apply one step of the schedule to this agent's row, or to the rows it owns."""
        for row in self.rows_of(step.kind):
            step.rule(self.model.world, row)

    def rows_of(self, kind: str) -> range:
        """Rows of table ``kind`` on which this agent acts: its own, or those it owns."""
        if kind != self.kind:
            raise ValueError(f"{type(self).__name__} owns no rows of kind {kind!r}")
        return range(self.row, self.row + 1)

    def state(self) -> dict[str, Any]:
        """All columns of this agent's row."""
        columns = getattr(self.model.world, self.table)
        return {name: getattr(columns, name)[self.row] for name in columns._fields}


class Firm(TableAgent):
    """A company or knowledge institute; owns its engagements with markets."""

    table = "firms"
    kind = "firm"

    def rows_of(self, kind: str) -> range:
        """The firm's own row, or its engagements."""
        if kind == "engagement":
            return self.engagement_rows
        return super().rows_of(kind)

    @property
    def engagement_rows(self) -> range:
        """Rows of the firm's engagements."""
        per_firm = self.model.world.calendar.markets_per_firm[0]
        return range(self.row * per_firm, (self.row + 1) * per_firm)

    @property
    def markets(self) -> tuple[int, ...]:
        """Markets that the firm considers."""
        market = self.model.world.engagements.market
        return tuple(market[e] for e in self.engagement_rows if market[e] >= 0)

    @property
    def memberships(self) -> tuple[Cluster, ...]:
        """Clusters to which the firm belongs now."""
        cluster = self.model.world.engagements.cluster
        return tuple(self.model.clusters[cluster[e]] for e in self.engagement_rows if cluster[e] >= 0)

    @property
    def stage_in(self) -> Mapping[int, str]:
        """How far the firm is in each market it considers."""
        engagements = self.model.world.engagements
        rows = [e for e in self.engagement_rows if engagements.market[e] >= 0]
        return MappingProxyType(
            {engagements.market[e]: status.STAGE_NAMES[engagements.stage[e]] for e in rows}
        )

    @property
    def exports_eur(self) -> float:
        """Exports of this quarter in all markets, EUR."""
        return float(sum(self.model.world.engagements.exports_cents[e] for e in self.engagement_rows)) / 100.0

    def __repr__(self) -> str:
        kind = "institute" if self.institute else ("SME" if self.sme else "large firm")
        return f"<Firm {self.row}: {kind} in sector {self.sector}, capacity {self.capacity:.2f}, {dict(self.stage_in)}>"


class Coordinator(TableAgent):
    """A consultant, trade organisation or member firm that gathers and leads clusters."""

    table = "coordinators"
    kind = "coordinator"

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Clusters led so far, newest first."""
        found, c = [], self.latest_cluster
        while c >= 0:
            found.append(self.model.clusters[c])
            c = self.model.world.clusters.earlier_of_coordinator[c]
        return tuple(found)

    def __repr__(self) -> str:
        profession = ("consultant", "trade organisation", "member firm")[self.profession]
        what = f"{profession} in sector {self.sector}, skill {self.skill:.2f}"
        return f"<Coordinator {self.row}: {what}, leads {self.load}>"


class Liaison(TableAgent):
    """A local representative paid by the programme."""

    table = "liaisons"
    kind = "liaison"

    @property
    def serves(self) -> Cluster | None:
        """The cluster served now, if any."""
        return self.model.clusters[self.cluster] if self.cluster >= 0 else None

    def __repr__(self) -> str:
        at_work = f"serves cluster {self.cluster}" if self.cluster >= 0 else "free"
        what = f"network {self.network:.2f}, fit {self.fit:.2f}"
        return f"<Liaison {self.row} in market {self.market}: {what}, {at_work}>"


class Embassy(TableAgent):
    """A post in a country, with its attaches."""

    table = "embassies"
    kind = "embassy"

    def __repr__(self) -> str:
        return f"<Embassy in country {self.row}: standing {self.standing:.2f}, serves {self.clusters_served}>"


class Agency(TableAgent):
    """The programme agency; owns the desks of its programme managers, one per sector."""

    table = "agency"
    kind = "agency"

    def rows_of(self, kind: str) -> range:
        """The agency's own row, or its desks."""
        if kind == "desk":
            return range(len(self.model.world.desks.key))
        return super().rows_of(kind)

    def __repr__(self) -> str:
        return f"<Agency: {self.applications} applications, {self.committed_cents / 100:,.0f} EUR committed>"


class Cluster(TableAgent):
    """A group, from first meeting through covenant to after-life."""

    table = "clusters"
    kind = "cluster"

    @property
    def status_name(self) -> str:
        """Status in words."""
        return status.STATUS_NAMES[self.status]

    @property
    def members(self) -> tuple[Firm, ...]:
        """Firms that belong to the group now."""
        memberships, firms = self.model.world.memberships, []
        for j in range(self.first_membership, self.first_membership + self.n_joined):
            if memberships.left_quarter[j] < 0:
                firms.append(self.model.firms[self.model.world.engagements.firm[memberships.engagement[j]]])
        return tuple(firms)

    def __repr__(self) -> str:
        return f"<Cluster {self.row} in market {self.market}: {self.status_name}, {self.n_members} members>"


class Programme(mesa.Model):
    """A world that runs quarter by quarter, agents and all.

    Args:
        inputs: sizes, policy, parameters and shocks; ``Scenario.inputs()`` makes them.
        world_seed: the world's luck.
        schedule: the steps of a quarter; a researcher's may add or replace some.
        extra: tables of an extension that added rules read as ``world.extra``.
        agent_classes: own subclasses by kind, e.g. ``{"firm": MyFirm}``; a method of a subclass that bears the name of
            a rule is called instead of that rule, once per quarter and agent.
        shuffle: activate agents in random order inside each step; results are the same, which a test proves.
        model_reporters: what Mesa's ``DataCollector`` notes after each quarter by name, besides the number of quarters;
            ``batch_run`` returns it.
        rng: for ``batch_run`` of Mesa 3.5, which hands it over; the world seed alone decides a world.

    Raises:
        ModelError: inputs or a seed that cannot be; kinds of agents that do not exist, and classes of agents with a
            method that is no rule of theirs.
    """

    KINDS: ClassVar[Mapping[str, type[TableAgent]]] = MappingProxyType(
        {
            "firm": Firm,
            "coordinator": Coordinator,
            "liaison": Liaison,
            "embassy": Embassy,
            "agency": Agency,
            "cluster": Cluster,
        }
    )

    OWNERS: ClassVar[Mapping[str, str]] = MappingProxyType({"engagement": "firm", "desk": "agency"})
    """Kinds of rows that belong to an agent of another kind."""

    def __init__(
        self,
        inputs: RunInputs,
        world_seed: int,
        *,
        schedule: Sequence[Step] = schedule.QUARTER,
        extra: Any = None,
        agent_classes: Mapping[str, type[TableAgent]] | None = None,
        shuffle: bool = False,
        model_reporters: Mapping[str, str | Callable[[Programme], Any]] | None = None,
        rng: object = None,
    ) -> None:
        input_checks.require_seed(world_seed)
        super().__init__(rng=int(world_seed) % 2**32)
        if rng is not None or _repeated_by_batch_run():
            warnings.warn(EQUAL_WORLDS, stacklevel=2)
        input_checks.require(_class_problems(agent_classes or {}, schedule))
        self.inputs = inputs
        self.world_seed = world_seed
        self.schedule = tuple(schedule)
        self.shuffle = shuffle
        self.store = build_world(inputs, world_seed, extra)
        self.world: World = self.store.interpreted_world()
        self._classes = {**self.KINDS, **(agent_classes or {})}
        self._overrides = {
            kind: frozenset(name for name in _rules_of(kind, self.schedule) if hasattr(made, name))
            for kind, made in self._classes.items()
        }
        self._said_that_it_ended = False
        self.clusters: list[Cluster] = []
        self._found()
        self.firms: list[Firm] = self._make("firm", range(len(self.world.firms.key)))
        self.coordinators: list[Coordinator] = self._make(
            "coordinator", range(len(self.world.coordinators.key))
        )
        self.liaisons: list[Liaison] = self._make("liaison", range(len(self.world.liaisons.key)))
        self.embassies: list[Embassy] = self._make("embassy", range(len(self.world.embassies.key)))
        self.agency: Agency = self._make("agency", range(1))[0]
        self._live_the_past()
        self.datacollector = mesa.DataCollector({"quarter": "quarter", **(model_reporters or {})})

    def _make(self, kind: str, rows: range) -> list[Any]:
        agents = [self._classes[kind](self, row) for row in rows]
        for agent in agents:
            agent._made = True
        return agents

    def _found(self) -> None:
        self.world.calendar.founded[0] = 1
        for step in schedule.FOUNDING:
            for row in range(self._row_count(step.kind)):
                step.rule(self.world, row)

    def _live_the_past(self) -> None:
        calendar = self.world.calendar
        for quarter in range(int(calendar.quarter[0]), 0):
            calendar.quarter[0], calendar.quarter_of_year[0] = quarter, quarter % 4
            for step in self.schedule:
                if step.in_the_past:
                    self._do(step)
        calendar.quarter[0] = 0

    def _row_count(self, kind: str) -> int:
        if kind == "cluster":
            return int(self.world.calendar.n_clusters[0])
        table = schedule.TABLE_OF_KIND.get(kind)
        return len(getattr(self.world, table).key) if table else 1

    @property
    def quarter(self) -> int:
        """Quarters run so far."""
        return int(self.steps)

    def step(self) -> None:
        """One quarter: every step of the schedule, in order.

        After the last quarter ``running`` is False, which ends Mesa's ``run_model`` and ``batch_run``; a further step
        changes nothing and says so once.
        """
        calendar = self.world.calendar
        horizon = int(calendar.n_quarters[0])
        if int(self.steps) > horizon:
            self.steps: int = horizon
            if not self._said_that_it_ended:
                self._said_that_it_ended = True
                last = self.inputs.size.last_year
                warnings.warn(f"the run ended with {last}Q4; further steps change nothing", stacklevel=2)
            return
        quarter = calendar.quarter[0] = int(self.steps) - 1
        calendar.year[0], calendar.quarter_of_year[0] = quarter // 4, quarter % 4
        seeding.apply_due(self.store, self.inputs, quarter)
        self._welcome_clusters()
        for step in self.schedule:
            self._do(step)
            self._welcome_clusters()
        check_faults(self.store)
        self.running = self.steps < horizon
        self.datacollector.collect(self)

    def _do(self, step: Step) -> None:
        owner = self.OWNERS.get(step.kind, step.kind)
        if owner in self._classes:
            for agent in self._in_order(self._agents_of(owner)):
                if step.name in self._overrides[owner]:
                    getattr(agent, step.name)()
                else:
                    agent.apply(step)
        else:
            for row in self._in_order(range(self._row_count(step.kind))):
                step.rule(self.world, row)

    def _agents_of(self, kind: str) -> Sequence[TableAgent]:
        agents: Mapping[str, Sequence[TableAgent]] = {
            "firm": self.firms,
            "coordinator": self.coordinators,
            "liaison": self.liaisons,
            "embassy": self.embassies,
            "agency": [self.agency],
            "cluster": self.clusters,
        }
        return agents[kind]

    def _in_order(self, rows: Sequence[Any]) -> Iterator[Any]:
        if not self.shuffle:
            return iter(rows)
        order = list(rows)
        self.random.shuffle(order)
        return iter(order)

    def _welcome_clusters(self) -> None:
        self.clusters += self._make("cluster", range(len(self.clusters), self._row_count("cluster")))

    def run(self) -> Self:
        """Run to the end of the horizon."""
        while self.running:
            self.step()
        return self

    def result(self) -> Run:
        """What this run left, in the form that the compiled driver returns."""
        return Run(self.inputs, self.world_seed, self.store.column_world(), self.store)

    def __getstate__(self) -> dict[str, Any]:
        """What is copied, or travels to another process: the memory, not the views on it."""
        return {name: value for name, value in vars(self).items() if name != "world"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, world=state["store"].interpreted_world())

    def __copy__(self) -> Self:
        """A world of its own: one that shared its agents with the original would live half of each life."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        return f"<Programme: quarter {self.quarter}, {len(self.firms)} firms, {len(self.clusters)} clusters>"


EQUAL_WORLDS = (
    "batch_run repeats the very same world: neither iterations nor rng changes it, only world_seed does;"
    " vary worlds with passaat.batch_parameters(inputs, seeds=range(20))"
)


def batch_parameters(
    inputs: RunInputs | Sequence[RunInputs], *, seeds: Iterable[int], **others: Any
) -> dict[str, list[Any]]:
    """Parameters for Mesa's ``batch_run(Programme, ...)``: one run for each of these inputs in each of these worlds.

    Args:
        inputs: inputs of a run, or several of them, for example with and without an option.
        seeds: world seeds, for example ``range(20)``.
        others: further arguments of ``Programme``, the same in every run: ``schedule``, ``model_reporters`` and so on.

    Raises:
        ModelError: no seeds, or one that is no whole number from 0 to 2^63 - 1.
    """
    worlds = list(seeds)
    if not worlds:
        raise ModelError("no seeds are given", hint="Give one for each world, for example seeds=range(20).")
    for seed in worlds:
        input_checks.require_seed(seed)
    if len(set(worlds)) < len(worlds):
        twice = ", ".join(str(seed) for seed in sorted(set(worlds)) if worlds.count(seed) > 1)
        warnings.warn(f"equal worlds: seeds {twice} stand more than once in the list", stacklevel=2)
    given = [inputs] if isinstance(inputs, RunInputs) else list(inputs)
    return {"inputs": given, "world_seed": worlds, **{name: [value] for name, value in others.items()}}


def _repeated_by_batch_run() -> bool:
    """Whether Mesa's ``batch_run`` makes this model for the second time or later.

    Mesa tells a model nothing of its iterations (3.3.1), or hands over an empty ``rng`` (3.5); its own frame on the
    stack knows. Where a later Mesa names things otherwise, nothing is said.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "mesa.batchrunner":
            return bool(frame.f_locals.get("iteration", 0))
        frame = frame.f_back
    return False


def _rules_of(kind: str, quarter: Sequence[Step]) -> list[str]:
    """Names of the rules that agents of this kind apply."""
    return list(
        dict.fromkeys(step.name for step in quarter if Programme.OWNERS.get(step.kind, step.kind) == kind)
    )


def _class_problems(classes: Mapping[str, Any], quarter: Sequence[Step]) -> Iterator[str]:
    """What is wrong with own classes of agents, one sentence each."""
    for kind, made in classes.items():
        if kind not in Programme.KINDS:
            yield f"no agents of kind {kind}; kinds are {', '.join(Programme.KINDS)}"
            continue
        own, rules = Programme.KINDS[kind], _rules_of(kind, quarter)
        if not (inspect.isclass(made) and issubclass(made, own)):
            yield f"the class for agents of kind {kind}, {made!r}, is no subclass of {own.__name__}"
            continue
        for name, value in _added_to(own, made).items():
            if name in rules and not inspect.isfunction(value):
                yield f"{made.__name__}.{name} stands for the rule {name}, but is no method"
            elif name not in rules and inspect.isfunction(value):
                what = f"rule of agents of kind {kind} in {made.__name__}"
                yield f"{unknown_name(what, name, rules)}; a method for your own use begins with _"


def _added_to(own: type, made: type) -> dict[str, Any]:
    """What a subclass and its mixins add to the public names of an agent, and what they put in the place of steps."""
    added: dict[str, Any] = {}
    for one in reversed(made.__mro__):
        if one not in own.__mro__:
            added.update(vars(one))
    inert = ("step", "advance")  # Mesa's own; nothing here calls them
    return {
        name: value
        for name, value in added.items()
        if not name.startswith("_") and (name in inert or not hasattr(own, name))
    }
