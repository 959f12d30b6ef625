"""What a run leaves behind for evaluators: the records on which every source of an evaluation rests.

``read_run`` takes them from the final tables of a run. The sources look at them each in their own way: statistics in
``export_statistics``, coordinators' reports in ``coordinator_reports``, case studies and talks in ``interviews``, the
agency's administration in ``observation``, which puts them together. Draws of the observation are keyed as those of the
model, by keys that hold the world's seed; so the same run is always seen the same way, and no run is changed by it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from passaat.model.inputs import RunInputs
from passaat.model.units import QUARTERS_PER_YEAR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CENTS_PER_EUR: Final = 100

# Purposes of the draws of the observation; those of the model lie below 9,000.
IN_EXPORT_DATA: Final = 9001
SELLS_SERVICES: Final = 9002
WRITES_GROWTH_DOWN: Final = 9003
ROUGHNESS_OF_REPORT: Final = 9004
HAS_CONTRACT_GOAL: Final = 9005
CONTRACT_HEARD_OF: Final = 9006
CHOSEN_AS_CASE: Final = 9007
SCATTER_OF_ACTIVITY: Final = 9008
REACHED_FOR_TALK: Final = 9009
STEP_TOLD: Final = 9100
"""The first step that an interviewed member tells of; the next ones have the numbers after it."""


class FinishedRun(Protocol):
    """What is read of a run: its inputs and its final tables (``passaat.model.world``)."""

    @property
    def inputs(self) -> RunInputs: ...
    @property
    def world(self) -> Any: ...


@dataclass(frozen=True)
class Records:
    """What reports, interviews and statistics of one run rest on.

    Quarters count from the start of the run, years are calendar years, money is in EUR. Arrays of the first block have
    one entry per covenant that ever started, those of the second one entry per company or institute that was ever
    a member of a covenant started in the window.
    """

    first_year: int
    window_first_year: int
    window_last_year: int
    rejected_in_window: int

    key: Ints
    start_quarter: Ints
    end_quarter: Ints
    """First quarter after the covenant; as planned where it is still open."""
    extension_asked: Bools
    extended_by: Ints
    """Quarters added by an extension, 0 without."""
    minimum_members: Ints
    public_eur: Floats
    private_eur: Floats
    planned: Floats
    """Units of activity planned, shape (n_covenants, 3): promotion, knowledge exchange, diplomacy."""
    done: Floats
    """Units of activity carried out, shape (n_covenants, 3)."""

    covenant: Ints
    """Place of the member's covenant in the arrays above."""
    firm_key: Ints
    firm: Ints
    country: Ints
    company: Bools
    sme: Bools
    at_start: Bools
    """A member when the covenant started."""
    branch: Bools
    contacts: Floats
    steps: Ints
    """Next steps while a member, shape (n_members, 3): succeeded, in part, lapsed."""
    first_contract_quarter: Ints
    """Quarter of the first contract in the market, -1 without."""
    exports_country_eur: Floats
    """Sales to the covenant's country by calendar year, shape (n_members, n_years)."""
    exports_market_eur: Floats
    """Sales in the covenant's market by calendar year, shape (n_members, n_years)."""


def read_run(run: FinishedRun) -> Records:
    """Take from the final tables of a run what evaluators' sources rest on."""
    world = run.world
    size = run.inputs.size
    clusters, accounts, members = world.clusters, world.accounts, world.memberships
    engagements, firms = world.engagements, world.firms

    in_use = int(world.calendar.n_clusters[0])
    started = np.flatnonzero(np.asarray(clusters.start_quarter)[:in_use] >= 0)
    start = np.asarray(clusters.start_quarter)[started]
    end = np.asarray(clusters.end_quarter)[started]
    end = np.where(end >= 0, end, np.asarray(clusters.planned_end_quarter)[started])
    rules = np.asarray(clusters.rule_year)[started]
    extended = np.asarray(clusters.extended)[started] > 0
    extension = np.rint(np.asarray(world.levers.extension_quarters)[rules]).astype(np.int64)

    def euros(*columns: Any) -> Floats:
        total = sum(np.asarray(column)[started] for column in columns)
        return np.asarray(total, dtype=np.float64) / CENTS_PER_EUR

    def modules(prefix: str) -> Floats:
        names = (f"{prefix}_promotion", f"{prefix}_knowledge", f"{prefix}_diplomacy")
        return np.stack([np.asarray(getattr(clusters, name))[started] for name in names], axis=1)

    window_start = (size.window_first_year - size.first_year) * QUARTERS_PER_YEAR
    window_end = (size.window_last_year + 1 - size.first_year) * QUARTERS_PER_YEAR
    applied = np.asarray(clusters.applied_quarter)[:in_use]
    rejected = np.asarray(clusters.turned_down)[:in_use] == 1
    rejected_in_window = int(np.count_nonzero(rejected & (applied >= window_start) & (applied < window_end)))

    # Members of covenants that started in the window: each covenant holds a block of membership rows.
    in_window = np.flatnonzero((start >= window_start) & (start < window_end))
    joined_ever = np.asarray(clusters.n_joined)[started[in_window]]
    first_row = np.asarray(clusters.first_membership)[started[in_window]]
    covenant = np.repeat(in_window, joined_ever)
    place_in_block = np.arange(len(covenant)) - np.repeat(np.cumsum(joined_ever) - joined_ever, joined_ever)
    used = np.repeat(first_row, joined_ever) + place_in_block
    joined = np.asarray(members.joined_quarter)[used]
    left = np.asarray(members.left_quarter)[used]
    at_start = (joined <= start[covenant]) & ((left < 0) | (left > start[covenant]))

    engagement = np.asarray(members.engagement)[used]
    firm = np.asarray(engagements.firm)[engagement]
    market = np.asarray(engagements.market)[engagement]
    country_of = np.asarray(world.markets.country)
    country = country_of[market]
    exports = np.asarray(world.exports_by_year_cents)
    per_firm = int(world.calendar.markets_per_firm[0])
    block = firm[:, None] * per_firm + np.arange(per_firm)
    markets_of_firm = np.asarray(engagements.market)[block]
    same_country = (markets_of_firm >= 0) & (country_of[markets_of_firm] == country[:, None])
    to_country = np.einsum("mp,mpy->my", same_country.astype(np.int64), exports[block])
    institute = np.asarray(firms.institute)[firm] > 0

    return Records(
        first_year=size.first_year,
        window_first_year=size.window_first_year,
        window_last_year=size.window_last_year,
        rejected_in_window=rejected_in_window,
        key=np.asarray(clusters.key)[started],
        start_quarter=start,
        end_quarter=end,
        extension_asked=np.asarray(clusters.extension_asked)[started] > 0,
        extended_by=np.where(extended, extension, 0),
        minimum_members=np.rint(np.asarray(world.levers.minimum_members)[rules]).astype(np.int64),
        public_eur=euros(accounts.committed_cents),
        private_eur=euros(accounts.fees_cents, accounts.in_kind_cents, accounts.own_activity_cents),
        planned=modules("plan"),
        done=modules("done"),
        covenant=covenant,
        firm_key=np.asarray(firms.key)[firm],
        firm=firm,
        country=country,
        company=~institute,
        sme=(np.asarray(firms.sme)[firm] > 0) & ~institute,
        at_start=at_start,
        branch=np.asarray(engagements.presence)[engagement] > 0,
        contacts=np.asarray(members.contacts_gained)[used],
        steps=np.stack(
            [
                np.asarray(column)[used]
                for column in (members.steps_full, members.steps_partly, members.steps_lapsed)
            ],
            axis=1,
        ),
        first_contract_quarter=np.asarray(engagements.first_contract_quarter)[engagement],
        exports_country_eur=to_country / CENTS_PER_EUR,
        exports_market_eur=exports[engagement] / CENTS_PER_EUR,
    )


@dataclass(frozen=True)
class Evaluation:
    """When evaluators looked, and what was known by then; one entry per covenant of the records.

    Attributes:
        quarter: of their last look.
        start_year: calendar year in which the covenant started.
        in_window: whether the covenant started in the window.
        extension_known: whether it was known by then if the covenant would be extended.
        end_seen: first quarter after the covenant as known by then; later extensions are not.
    """

    quarter: int
    start_year: Ints
    in_window: Bools
    extension_known: Bools
    end_seen: Ints


def look_at(records: Records, lag_quarters: float) -> Evaluation:
    """What is known so many quarters after the end of the window; the last cohort is censored."""
    start_year = records.first_year + records.start_quarter // QUARTERS_PER_YEAR
    window_end = (records.window_last_year + 1 - records.first_year) * QUARTERS_PER_YEAR
    quarter = window_end + int(lag_quarters)
    before_extension = records.end_quarter - records.extended_by
    known = before_extension <= quarter
    return Evaluation(
        quarter=quarter,
        start_year=start_year,
        in_window=(start_year >= records.window_first_year) & (start_year <= records.window_last_year),
        extension_known=known,
        end_seen=np.where(known, records.end_quarter, before_extension),
    )


def cohorts(records: Records) -> list[tuple[int, int]]:
    """(number of the cohort, its year), from the first year of the window."""
    years = range(records.window_first_year, records.window_last_year + 1)
    return list(enumerate(years, start=1))


def mean(values: NDArray[Any]) -> float:
    """The mean, or nan of nothing (half the time of NumPy's own for short arrays)."""
    return float(np.add.reduce(values, dtype=np.float64)) / len(values) if len(values) else math.nan


_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_A: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B: Final = np.uint64(0x94D049BB133111EB)


def keyed_uniform(keys: Ints, ticks: Ints | int, purpose: int) -> Floats:
    """Keyed draws in (0, 1) for many keys at once: the numbers of ``model.kernel.draws.uniform``, bit by bit."""
    shift_30, shift_27, shift_31 = np.uint64(30), np.uint64(27), np.uint64(31)

    def finalise(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
        z = (z ^ (z >> shift_30)) * _MIX_A
        z = (z ^ (z >> shift_27)) * _MIX_B
        return z ^ (z >> shift_31)

    bits = np.asarray(keys, dtype=np.int64).view(np.uint64)
    tick = np.broadcast_to(np.asarray(ticks, dtype=np.int64), bits.shape).astype(np.uint64)
    when_and_why = (tick << np.uint64(32)) ^ np.uint64(purpose)
    mixed = finalise(bits + _GOLDEN * finalise(when_and_why + _GOLDEN))
    return ((mixed >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
