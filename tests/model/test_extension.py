"""What a researcher adds from outside: an agent of one's own, a rule of one's own, Mesa's own collector."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import mesa
import numpy as np
import pytest

from passaat.errors import ModelError
from passaat.model import firm
from passaat.model.engine.compiled import Run, simulate
from passaat.model.engine.programme import Agency, Cluster, Firm, Programme, TableAgent
from passaat.model.inputs import WorldSize
from passaat.model.kernel.draws import uniform
from passaat.model.kernel.rules import rule
from passaat.model.provenance.golden import small_inputs
from passaat.model.schedule import QUARTER, Step, with_replaced, with_step

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
Differing = Callable[[Run, Run], list[str]]


def example(name: str) -> ModuleType:
    """An example of the documentation, imported from its file."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


# --- an agent of one's own --------------------------------------------------------------------------------------------


class SameFirm(Firm):
    """Overrides a rule with the rule itself."""

    def follow_up(self) -> None:
        for e in self.engagement_rows:
            firm.follow_up(self.model.world, e)


class HomelyFirm(Firm):
    """Never looks for contacts abroad on its own."""

    def explore_alone(self) -> None:
        pass


class HomelyInFirstSector(Firm):
    """As above, in one sector; elsewhere as the rule says."""

    def explore_alone(self) -> None:
        if self.sector != 0:
            for e in self.engagement_rows:
                firm.explore_alone(self.model.world, e)


def test_an_override_that_does_the_same_changes_nothing(tiny: WorldSize, differing: Differing) -> None:
    inputs = small_inputs(size=tiny)
    own = Programme(inputs, 5, agent_classes={"firm": SameFirm}).run()
    assert all(type(agent) is SameFirm for agent in own.firms)
    assert differing(simulate(inputs, 5), own.result()) == []


def test_an_override_in_plain_python_does_what_it_says(tiny: WorldSize, differing: Differing) -> None:
    """Firms that never explore give exactly the run in which exploring has no chance."""
    own = Programme(small_inputs(size=tiny), 5, agent_classes={"firm": HomelyFirm}).run().result()
    assert differing(simulate(small_inputs(size=tiny), 5), own) != []
    never = small_inputs(parameters={"own_contact_rate": 0.0}, size=tiny, beyond_range=("own_contact_rate",))
    without = simulate(never, 5)
    assert differing(without, own) == []


def test_an_override_changes_only_those_it_concerns() -> None:
    """Two sectors with nothing in common: what firms of one decide leaves the other as it was."""
    size = WorldSize(2012, 2014, 2017, 2021, 80, 2, 6, 4, 2, 12, 1, 100, (1.0, 1.0))
    inputs = small_inputs({"programme_budget_eur_year": 50_000_000.0}, size=size)
    plain = simulate(inputs, 3).world
    own = Programme(inputs, 3, agent_classes={"firm": HomelyInFirstSector}).run().result().world
    sector = plain.firms.sector[plain.engagements.firm]
    for name in ("contacts", "relation", "trust", "stage", "contracts", "exports_since_window_cents"):
        mine, theirs = getattr(plain.engagements, name), getattr(own.engagements, name)
        assert np.array_equal(mine[sector == 1], theirs[sector == 1]), name
    assert not np.array_equal(plain.engagements.contacts[sector == 0], own.engagements.contacts[sector == 0])


def test_the_example_of_an_own_firm_runs(tiny: WorldSize) -> None:
    own_firm = example("own_firm")
    inputs = small_inputs(size=tiny)
    patient = Programme(inputs, 5, agent_classes={"firm": own_firm.PatientFirm}).run()
    usual = simulate(inputs, 5).world.engagements
    opened = patient.result().world.engagements
    assert opened.steps_full.sum() < usual.steps_full.sum()


def test_an_unknown_kind_of_agent_is_refused(tiny: WorldSize) -> None:
    with pytest.raises(ModelError, match="no agents of kind bank; kinds are firm, coordinator"):
        Programme(small_inputs(size=tiny), 1, agent_classes={"bank": Firm})


# --- a rule of one's own ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_an_added_and_a_replaced_rule_give_the_same_bits_under_both_drivers(
    seed: int, differing: Differing
) -> None:
    alumni, inputs = example("alumni_network"), small_inputs()
    compiled: Run = alumni.simulate_with_alumni(inputs, seed)
    with_mesa: Run = alumni.programme_with_alumni(inputs, seed).run().result()
    assert differing(compiled, with_mesa) == []
    extra: Any = compiled.world.extra
    assert extra.meetings.sum() > 0
    plain = simulate(inputs, seed).world.engagements
    assert not np.array_equal(compiled.world.engagements.contacts, plain.contacts)


def test_each_run_of_an_extension_starts_from_a_fresh_table(differing: Differing) -> None:
    alumni, inputs = example("alumni_network"), small_inputs()
    first, second = alumni.simulate_with_alumni(inputs, 1), alumni.simulate_with_alumni(inputs, 1)
    assert differing(first, second) == []


@rule
def draw_for_nothing(world: Any, e: int) -> None:
    """Draws numbers of purposes old and new, and uses none."""
    uniform(world.engagements.key[e], world.calendar.quarter[0], 252)
    uniform(world.engagements.key[e], world.calendar.quarter[0], 77_777)


def test_an_added_draw_that_nobody_uses_changes_nothing(tiny: WorldSize, differing: Differing) -> None:
    inputs = small_inputs(size=tiny)
    drawn = Programme(
        inputs, 5, schedule=with_step(Step("engagement", draw_for_nothing), after=firm.fade)
    ).run()
    assert differing(simulate(inputs, 5), drawn.result()) == []


def test_a_step_stands_where_it_was_put() -> None:
    step = Step("engagement", draw_for_nothing)
    longer = with_step(step, after=firm.fade)
    place = longer.index(step)
    assert longer[place - 1].rule is firm.fade
    assert (*longer[:place], *longer[place + 1 :]) == QUARTER
    replaced = with_replaced(firm.fade, draw_for_nothing)
    assert len(replaced) == len(QUARTER)
    assert replaced[place - 1].rule is draw_for_nothing
    assert replaced[place - 1].in_the_past, "what stands in for a step happens when that step did"


def test_a_place_that_is_not_in_the_schedule_is_refused() -> None:
    step = Step("engagement", draw_for_nothing)
    with pytest.raises(
        ValueError,
        match=r"draw_for_nothing is not in the schedule; its rules are begin_to_count, meet_shocks, drift",
    ):
        with_step(step, after=draw_for_nothing)
    with pytest.raises(ValueError, match="found_firm is not in the schedule"):
        with_replaced(firm.found_firm, draw_for_nothing)


# --- holding, looking, collecting -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived() -> Programme:
    """A programme in mid life, with covenants running."""
    programme = Programme(small_inputs(), 1)
    while programme.quarter < 14:
        programme.step()
    return programme


def test_mesas_own_data_collector_works_unchanged(tiny: WorldSize) -> None:
    programme = Programme(small_inputs(size=tiny), 5)
    collector = mesa.DataCollector(
        model_reporters={
            "clusters": lambda model: len(model.clusters),
            "paid": lambda model: model.agency.paid_cents,
        },
        agenttype_reporters={Firm: {"burdens": "burdens", "exports": lambda one: one.exports_eur}},
    )
    for _ in range(12):
        programme.step()
        collector.collect(programme)
    totals = collector.get_model_vars_dataframe()
    assert list(totals["clusters"]) == sorted(totals["clusters"])
    assert totals["paid"].iloc[-1] == programme.agency.paid_cents
    firms = collector.get_agenttype_vars_dataframe(Firm)
    assert len(firms) == 12 * tiny.n_firms
    last = firms.xs(12, level="Step")
    assert list(last["burdens"]) == [one.burdens for one in programme.firms]


def test_agents_are_in_mesas_agent_sets(lived: Programme) -> None:
    firms = lived.agents_by_type[Firm]
    assert len(firms) == len(lived.firms)
    large = firms.select(lambda one: one.size_class == 3)
    assert 0 < len(large) < len(firms)
    assert firms.agg("capacity", max) <= 1.0


def test_agents_read_as_one_would_say_it(lived: Programme) -> None:
    led = [one for one in lived.clusters if one.coordinator >= 0]
    cluster = next(one for one in led if one.status_name in ("running", "extended"))
    assert len(cluster.members) == cluster.n_members
    member = cluster.members[0]
    assert cluster in member.memberships
    assert cluster.market in member.markets
    assert set(member.stage_in) == set(member.markets)
    assert lived.firms[3].capacity == lived.world.firms.capacity[3]
    leader = lived.coordinators[cluster.coordinator]
    assert cluster in leader.clusters
    served = [liaison for liaison in lived.liaisons if liaison.serves is not None]
    assert all(liaison.serves.liaison == liaison.row for liaison in served if liaison.serves is not None)
    assert member.state()["capacity"] == member.capacity


def test_every_kind_of_agent_tells_what_it_is(lived: Programme) -> None:
    cluster = next(one for one in lived.clusters if one.status_name == "running")
    assert (
        repr(cluster)
        == f"<Cluster {cluster.row} in market {cluster.market}: running, {cluster.n_members} members>"
    )
    assert repr(lived.firms[0]).startswith("<Firm 0: ")
    assert any(kind in repr(lived.firms[0]) for kind in ("SME", "large firm", "institute"))
    assert "leads" in repr(lived.coordinators[0])
    assert "market" in repr(lived.liaisons[0])
    assert repr(lived.embassies[0]).startswith("<Embassy in country 0")
    assert "applications" in repr(lived.agency)
    assert f"quarter {lived.quarter}" in repr(lived)


@pytest.mark.parametrize("kind", [Firm, Cluster, Agency])
def test_an_attribute_that_does_not_exist_is_named_with_those_that_do(
    lived: Programme, kind: type[TableAgent]
) -> None:
    agent = {Firm: lived.firms[0], Cluster: lived.clusters[0], Agency: lived.agency}[kind]
    with pytest.raises(
        AttributeError, match=rf"a {kind.__name__} has no attribute 'turnover'; its state is key, "
    ):
        _ = agent.turnover
    assert not hasattr(agent, "turnover")


def test_an_agent_acts_only_on_rows_that_are_its_own(lived: Programme) -> None:
    with pytest.raises(ValueError, match="Firm owns no rows of kind 'cluster'"):
        lived.firms[0].rows_of("cluster")
    assert list(lived.firms[2].rows_of("engagement")) == [6, 7, 8]


def test_two_programmes_do_not_share_state(tiny: WorldSize, differing: Differing) -> None:
    inputs = small_inputs(size=tiny)
    one, other = Programme(inputs, 5), Programme(replace(inputs), 5)
    for _ in range(8):
        one.step()
    other.run()
    assert differing(one.run().result(), other.result()) == []


def test_setting_state_of_an_agent_writes_to_its_table() -> None:
    programme = Programme(small_inputs(), 3)
    firm = programme.firms[2]
    firm.capacity = 0.95
    assert programme.world.firms.capacity[2] == 0.95
    assert firm.state()["capacity"] == 0.95
    firm._nickname = "exporter"
    assert firm._nickname == "exporter"
