"""The table of contents of the model: who does what, in which order, each quarter.

Inside a step every agent reads what earlier steps left and writes its own row, or whole numbers into a sum, so that
the order of agents inside a step cannot matter. Two-sided matters (groups, liaisons, covenants) run as offer, then
settle: agents write offers, one rule of the meeting place settles them (bids by strength, members by interest,
liaisons by impression, applications by score).

Rules name the row of a table by one letter, everywhere the same:

* ``c`` cluster: a group, from its first meeting to its after-life
* ``e`` engagement: one firm in one market that it considers
* ``i`` firm; in ``shocks.py`` and ``embassy.py`` a country, which is its embassy's row as well
* ``j`` membership: one firm in one cluster
* ``k`` coordinator
* ``m`` market: one sector in one country
* ``n`` liaison
* ``s`` sector, which is its desk's row as well

``_row`` stands where there is one row only, ``p`` for ``world.parameters``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from passaat.errors import ModelError, unknown_name
from passaat.model import (
    agency,
    cluster,
    coordinator,
    embassy,
    firm,
    groups,
    ledger,
    liaison,
    market,
    record,
    shocks,
)

Rule = Callable[[Any, int], None]

TABLE_OF_KIND: Final = MappingProxyType(
    {
        "firm": "firms",
        "engagement": "engagements",
        "market": "markets",
        "country": "countries",
        "embassy": "embassies",
        "coordinator": "coordinators",
        "liaison": "liaisons",
        "desk": "desks",
    }
)
"""Kinds of rows that rules act on, with their table. Besides these: the agency and the world, one row each, and
clusters, where a step covers the rows in use. Firms own engagements, the agency owns desks; markets, countries and
world are environment."""


STEP_KINDS: Final = (*TABLE_OF_KIND, "agency", "cluster", "world")
"""Kinds of rows that a step may name."""


@dataclass(frozen=True)
class Step:
    """One step of the schedule: all rows of a kind apply one rule.

    Raises:
        ModelError: a kind of rows that does not exist, or a rule that is no function.
    """

    kind: str
    rule: Rule
    in_the_past: bool = False
    """Whether it happens in the years before the first as well, when there is no programme and no group yet."""

    def __post_init__(self) -> None:
        if self.kind not in STEP_KINDS:
            raise ModelError(
                unknown_name("kind of rows in a step", str(self.kind), STEP_KINDS),
                hint="A step names the rows that apply its rule, for example Step('engagement', my_rule).",
            )
        if not inspect.isfunction(self.rule):
            raise ModelError(
                f"the rule of a step must be a function of (world, row), not {self.rule!r}",
                hint="Write it as a function marked with @rule from passaat.model.kernel.rules.",
            )

    @property
    def name(self) -> str:
        return self.rule.__name__


FOUNDING: Final[tuple[Step, ...]] = (
    Step("world", record.go_back_in_time),
    Step("country", shocks.found_country),
    Step("market", market.found_market),
    Step("market", agency.name_priority),
    Step("embassy", embassy.open_post),
    Step("desk", agency.open_desk),
    Step("agency", agency.open_agency),
    Step("coordinator", coordinator.set_up_practice),
    Step("liaison", liaison.set_up_as_liaison),
    Step("firm", firm.found_firm),
    Step("firm", firm.consider_markets),
    Step("world", market.index_engagements),
)
"""What happens once, before the first quarter and before the past."""

QUARTER: Final[tuple[Step, ...]] = (
    # 1 context
    Step("world", record.begin_to_count),
    Step("country", shocks.meet_shocks),
    Step("market", market.drift, in_the_past=True),
    Step("agency", ledger.open_budget_year),
    Step("firm", firm.plan_quarter, in_the_past=True),
    Step("engagement", firm.fade, in_the_past=True),
    # 2 signals and openings
    Step("embassy", embassy.signal_opportunity),
    Step("desk", agency.signal_chance),
    Step("coordinator", coordinator.notice_opportunity),
    Step("market", market.settle_bids),
    Step("world", groups.open_groups),
    # 3 groups form
    Step("market", market.invite_late_members),
    Step("engagement", firm.consider_joining),
    Step("cluster", cluster.settle_membership),
    Step("coordinator", coordinator.give_up),
    Step("market", market.release_forming),
    # 4 applications
    Step("coordinator", coordinator.write_application),
    # 5 selection
    Step("agency", agency.assess),
    # 6 covenants start
    Step("cluster", cluster.plan_activities),
    Step("liaison", liaison.offer_service),
    Step("market", market.settle_liaisons),
    # 7 activities
    Step("cluster", cluster.act),
    Step("cluster", cluster.pay_people),
    Step("agency", agency.look_after),
    # 8 embassies and liaisons work
    Step("embassy", embassy.share_time),
    Step("liaison", liaison.make_matches),
    Step("cluster", cluster.receive_support),
    Step("cluster", cluster.sign_memorandum),
    # 9 members take part
    Step("engagement", firm.take_part),
    Step("cluster", cluster.gain_visibility),
    Step("cluster", cluster.warm_up_cohesion),
    Step("cluster", cluster.earn_trust_abroad),
    Step("market", market.gain_awareness),
    # 10 follow-up
    Step("engagement", firm.explore_alone, in_the_past=True),
    Step("engagement", firm.follow_up, in_the_past=True),
    # 11 trade
    Step("engagement", firm.trade, in_the_past=True),
    # 12 steering
    Step("cluster", cluster.measure_progress),
    Step("coordinator", coordinator.inform_members),
    Step("coordinator", coordinator.report_progress),
    Step("cluster", cluster.steer),
    Step("agency", agency.reuse_freed_money),
    # 13 people
    Step("desk", agency.change_managers),
    Step("coordinator", coordinator.decide_to_stay),
    Step("cluster", cluster.review_liaison),
    Step("engagement", firm.decide_to_remain),
    Step("cluster", cluster.take_stock),
    # 14 follow-up phase
    Step("cluster", cluster.run_follow_up),
    # 15 record
    Step("world", record.record_quarter),
)
"""What happens in each quarter, in order; ``docs/ODD.md`` follows the same numbers.

In the years before the first only the steps marked ``in_the_past`` happen: firms find, win and lose customers abroad on
their own, so that the first year starts from what the rules themselves bring about.
"""


def with_step(step: Step, *, after: Rule, quarter: Sequence[Step] = QUARTER) -> tuple[Step, ...]:
    """A schedule with a step of your own behind the one that applies the rule ``after``.

    Raises:
        ValueError: ``after`` is not in the schedule.
    """
    place = _place_of(after, quarter)
    return (*quarter[: place + 1], step, *quarter[place + 1 :])


def with_replaced(old: Rule, new: Rule, *, quarter: Sequence[Step] = QUARTER) -> tuple[Step, ...]:
    """A schedule in which the rule ``new`` stands in the place of ``old``.

    Raises:
        ValueError: ``old`` is not in the schedule.
    """
    place = _place_of(old, quarter)
    return (*quarter[:place], replace(quarter[place], rule=new), *quarter[place + 1 :])


def _place_of(rule: Rule, quarter: Sequence[Step]) -> int:
    for place, step in enumerate(quarter):
        if step.rule is rule:
            return place
    known = ", ".join(step.name for step in quarter)
    raise ValueError(f"{rule.__name__} is not in the schedule; its rules are {known}")
