"""The observation model: what evaluators would have seen of a run, so that like is compared with like.

A run holds the truth; an evaluation holds reports, interviews and a statistics office's export data. ``read_run``
takes from the final tables of a run what such sources rest on (``Records``); ``observe_records`` looks at the records
as the evaluators did:

* portfolio: covenants that start in the window, their size at the start, the money of the covenant, their length and
  the extensions asked as known at the evaluation (the last cohort is censored);
* export rise: SMEs only, export to the covenant's country only, visible within three years counted from the start year
  (A6), only part of the SMEs in the data (A10), sales through a local branch invisible (SL04), rises summed and falls
  left out;
* turnover growth: written down by coordinators, incomplete (CO08) and rough (MO05), all companies and branches;
* next steps, contract goals and activities as final reports and interviews count them.

What is unknown about the observation itself is a record in ``observation_parameters.toml``.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from passaat.errors import EvidenceError, unknown_name
from passaat.model.inputs import QUARTERS_PER_YEAR, RunInputs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PARAMETER_FILE: Final = Path(__file__).resolve().parent / "observation_parameters.toml"
SHAPES: Final = ("uniform", "loguniform", "switch", "fixed")
YEARS_OF_RISE: Final = 3
"""The export rise is sought in this many years after the start year (A6)."""
MOST_COUNTRIES: Final = 1_000_000
"""Above the number of countries of any world; a pair of firm and country is numbered firm x this + country."""
CENTS_PER_EUR: Final = 100
EUR_PER_MILLION: Final = 1e6

# Purposes of the draws of the observation; those of the model lie below 9,000.
IN_EXPORT_DATA: Final = 9001
SELLS_SERVICES: Final = 9002
WRITES_GROWTH_DOWN: Final = 9003
ROUGHNESS_OF_REPORT: Final = 9004
HAS_CONTRACT_GOAL: Final = 9005


# --- unknowns of the observation -------------------------------------------------------------------------


@dataclass(frozen=True)
class ObservationParameter:
    """One unknown of the observation, with its range and where it comes from."""

    name: str
    value: float
    unit: str
    minimum: float
    maximum: float
    shape: str
    meaning: str
    source: str
    grade: str

    def at(self, luck: float) -> float:
        """The value at quantile ``luck`` (0 to 1) of the range."""
        if self.shape == "fixed":
            return self.value
        if self.shape == "switch":
            return self.minimum if luck < 0.5 else self.maximum
        if self.shape == "loguniform":
            return self.minimum * math.exp(luck * math.log(self.maximum / self.minimum))
        return self.minimum + (self.maximum - self.minimum) * luck


def load_observation_parameters(path: Path = PARAMETER_FILE) -> Mapping[str, ObservationParameter]:
    """Read and check the unknowns of the observation.

    Raises:
        EvidenceError: records with missing, additional or impossible fields; all are listed.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    fields = {"value", "unit", "minimum", "maximum", "shape", "meaning", "source", "grade"}
    problems: list[str] = []
    found: dict[str, ObservationParameter] = {}
    for name, table in tables.items():
        where = f"{path.name}, {name}"
        if set(table) != fields:
            problems.append(f"{where}: must have exactly {', '.join(sorted(fields))}")
            continue
        record = ObservationParameter(name=name, **table)
        found[name] = record
        if record.shape not in SHAPES:
            problems.append(f"{where}: {unknown_name('shape', record.shape, SHAPES)}")
        if not record.minimum <= record.value <= record.maximum:
            problems.append(
                f"{where}: value {record.value:g} lies outside {record.minimum:g} to {record.maximum:g}"
            )
        if record.shape == "loguniform" and record.minimum <= 0:
            problems.append(f"{where}: minimum {record.minimum:g} of a loguniform range must be above 0")
    if problems:
        raise EvidenceError(problems, hint=f"Correct these records in {path.name}.")
    return MappingProxyType(found)


@cache
def observation_parameters() -> Mapping[str, ObservationParameter]:
    """The unknowns of the observation by name, read once."""
    return load_observation_parameters()


def default_observation() -> dict[str, float]:
    """Every unknown of the observation at its default."""
    return {name: record.value for name, record in observation_parameters().items()}


def draw_observation(seed: int, draw: int) -> dict[str, float]:
    """Draw number ``draw`` of the unknowns of the observation; the same whatever other draws or records there are."""
    values = {}
    for name, record in observation_parameters().items():
        key = f"passaat observation {seed} {draw} {name}".encode("ascii")
        luck = (int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") + 0.5) / 2.0**64
        values[name] = record.at(luck)
    return values


# --- what a run leaves behind ----------------------------------------------------------------------------


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


# --- what evaluators see ---------------------------------------------------------------------------------


def observe(run: FinishedRun, parameters: Mapping[str, float] | None = None) -> dict[str, float]:
    """What evaluators would have reported of a run; nan where they would have had nothing to report.

    Cohort 1 is the first year of the window. Shares are 0 to 1.

    Args:
        parameters: unknowns of the observation; those left out are at their default.

    Raises:
        EvidenceError: a parameter that does not exist.
    """
    return observe_records(read_run(run), parameters)


def observe_records(records: Records, parameters: Mapping[str, float] | None = None) -> dict[str, float]:
    """As ``observe``, from the records of a run."""
    values = default_observation()
    unknown = [name for name in parameters or {} if name not in values]
    if unknown:
        raise EvidenceError(
            [unknown_name("observation parameter", name, list(values)) for name in unknown],
            hint="The names are those of calibration/observation_parameters.toml.",
        )
    values.update(parameters or {})

    start_year = records.first_year + records.start_quarter // QUARTERS_PER_YEAR
    in_window = (start_year >= records.window_first_year) & (start_year <= records.window_last_year)
    evaluation = (records.window_last_year + 1 - records.first_year) * QUARTERS_PER_YEAR + int(
        values["evaluation_lag_quarters"]
    )
    end_before_extension = records.end_quarter - records.extended_by
    extension_known = end_before_extension <= evaluation
    end_seen = np.where(extension_known, records.end_quarter, end_before_extension)

    seen: dict[str, float] = {}
    seen.update(_portfolio(records, start_year, in_window, end_seen, extension_known))
    seen.update(_sizes(records, in_window))
    seen.update(_money(records, start_year, in_window))
    seen.update(_activities(records, in_window, values))
    seen.update(_steps_and_goals(records, end_seen, evaluation, values))
    seen.update(_export_rise(records, start_year, values))
    seen.update(_turnover(records, start_year, in_window, end_seen, evaluation, values))
    return seen


def _cohorts(records: Records) -> list[tuple[int, int]]:
    """(number of the cohort, its year), from the first year of the window."""
    years = range(records.window_first_year, records.window_last_year + 1)
    return list(enumerate(years, start=1))


def _portfolio(
    records: Records, start_year: Ints, in_window: Bools, end_seen: Ints, extension_known: Bools
) -> dict[str, float]:
    duration = (end_seen - records.start_quarter) / QUARTERS_PER_YEAR
    starts = int(in_window.sum())
    decided = records.rejected_in_window + starts
    seen = {
        "starts": float(starts),
        "rejected_share": records.rejected_in_window / decided if decided else math.nan,
        "mean_duration_years": _mean(duration[in_window]),
        "extension_request_share": _mean((records.extension_asked & extension_known)[in_window]),
    }
    for number, year in _cohorts(records):
        cohort = start_year == year
        last_quarter = (year - records.first_year) * QUARTERS_PER_YEAR + QUARTERS_PER_YEAR - 1
        running = (records.start_quarter <= last_quarter) & (records.end_quarter > last_quarter)
        seen[f"starts_cohort_{number}"] = float(cohort.sum())
        seen[f"mean_duration_years_cohort_{number}"] = _mean(duration[cohort])
        seen[f"covenants_running_year_{number}"] = float(running.sum())
    return seen


def _sizes(records: Records, in_window: Bools) -> dict[str, float]:
    n = len(records.key)

    def per_covenant(who: Bools) -> Floats:
        return np.bincount(records.covenant[who & records.at_start], minlength=n)[in_window].astype(
            np.float64
        )

    everyone = np.ones(len(records.covenant), dtype=np.bool_)
    participants, companies = per_covenant(everyone), per_covenant(records.company)
    all_companies = companies.sum()
    return {
        "mean_participants": _mean(participants),
        "mean_companies": _mean(companies),
        "at_minimum_share": _mean(participants == records.minimum_members[in_window]),
        "above_twenty_share": _mean(participants > 20),
        "sme_share": float(per_covenant(records.sme).sum() / all_companies) if all_companies else math.nan,
    }


def _money(records: Records, start_year: Ints, in_window: Bools) -> dict[str, float]:
    public = records.public_eur[in_window]
    seen = {
        "mean_public_eur": _mean(public),
        "smallest_public_eur": float(public.min()) if len(public) else math.nan,
        "largest_public_eur": float(public.max()) if len(public) else math.nan,
        "total_public_eur": float(public.sum()),
        "mean_private_eur": _mean(records.private_eur[in_window]),
    }
    for number, year in _cohorts(records):
        seen[f"mean_public_eur_cohort_{number}"] = _mean(records.public_eur[start_year == year])
        seen[f"mean_private_eur_cohort_{number}"] = _mean(records.private_eur[start_year == year])
    return seen


def _activities(records: Records, in_window: Bools, values: Mapping[str, float]) -> dict[str, float]:
    planned, done = records.planned[in_window], records.done[in_window]
    exists = planned > 0.0
    realised = np.divide(done, planned, out=np.zeros_like(planned), where=exists)
    full = realised >= values["fully_realised_from"]
    partly = ~full & (realised >= values["partly_realised_from"])
    seen = {
        "activities_full_share": _mean(full[exists]),
        "activities_partly_share": _mean(partly[exists]),
        "activities_not_share": _mean(~(full | partly)[exists]),
    }
    for place, module in enumerate(("promotion", "knowledge", "diplomacy")):
        seen[f"{module}_full_share"] = _mean(full[exists[:, place], place])
    return seen


def _steps_and_goals(
    records: Records, end_seen: Ints, evaluation: int, values: Mapping[str, float]
) -> dict[str, float]:
    steps = records.steps.sum(axis=0)
    taken = int(steps.sum())
    first = records.first_contract_quarter
    start, end = records.start_quarter[records.covenant], end_seen[records.covenant]
    traded = records.company & (first >= start) & (first <= evaluation)
    seen = {
        f"next_steps_{name}_share": float(steps[place] / taken) if taken else math.nan
        for place, name in enumerate(("full", "partly", "lapsed"))
    }
    seen["firms_with_contacts_share"] = _mean((records.contacts >= 1.0)[records.company])
    seen["firms_with_trade_share"] = _mean(traded[records.company])

    # Contract goals: new customers of member companies by the end of covenants whose final report is in.
    n = len(records.key)
    companies = np.bincount(records.covenant[records.company & records.at_start], minlength=n)
    won = records.company & (first >= start) & (first < end)
    contracts = np.bincount(records.covenant[won], minlength=n)
    has_goal = (
        keyed_uniform(records.key, records.start_quarter, HAS_CONTRACT_GOAL) < values["contract_goal_share"]
    )
    counted = has_goal & (companies > 0) & (end_seen <= evaluation)
    goal = np.maximum(np.rint(values["contract_goal_per_company"] * companies), 1.0)
    met, some = contracts >= goal, contracts > 0
    seen["contract_goal_met_share"] = _mean(met[counted])
    seen["contract_goal_partly_share"] = _mean((some & ~met)[counted])
    seen["contract_goal_not_share"] = _mean((~some)[counted])
    return seen


def _export_rise(records: Records, start_year: Ints, values: Mapping[str, float]) -> dict[str, float]:
    """The first two cohorts as the statistics office's data show them, each SME and country once."""
    seen = {}
    quarter = records.start_quarter[records.covenant]
    in_data = keyed_uniform(records.firm_key, quarter, IN_EXPORT_DATA) < values["export_data_coverage"]
    services = keyed_uniform(records.firm_key, 0, SELLS_SERVICES) < values["services_share"]
    visible_part = np.where(records.branch, 1.0 - values["branch_sales_share"], 1.0) * ~services
    for number, year in _cohorts(records)[:2]:
        who = np.flatnonzero(
            records.sme & records.at_start & in_data & (start_year[records.covenant] == year)
        )
        pairs = records.firm[who] * MOST_COUNTRIES + records.country[who]
        _, first = np.unique(pairs, return_index=True)
        who = who[first]
        base_year = year - records.first_year
        exports = records.exports_country_eur[who] * visible_part[who, None]
        later = exports[:, base_year + 1 : base_year + 1 + YEARS_OF_RISE]
        if later.shape[1] < YEARS_OF_RISE or not len(who):
            share, total = math.nan, math.nan
        else:
            reached = later[:, -1] if values["rise_in_third_year_only"] else later.max(axis=1)
            rise = reached - exports[:, base_year]
            visible = rise >= values["visible_rise_eur"]
            share, total = float(visible.mean()), float(rise[visible].sum())
        seen[f"export_smes_cohort_{number}"] = float(len(who))
        seen[f"export_rise_share_cohort_{number}"] = share
        seen[f"export_rise_sum_eur_cohort_{number}"] = total
    return seen


def _turnover(
    records: Records,
    start_year: Ints,
    in_window: Bools,
    end_seen: Ints,
    evaluation: int,
    values: Mapping[str, float],
) -> dict[str, float]:
    """Growth summed over the covenant, above the year before it, as coordinators write it down."""
    n_years = records.exports_market_eur.shape[1]
    start_place = (start_year - records.first_year)[records.covenant]
    last_quarter = np.minimum(end_seen, evaluation)[records.covenant] - 1
    last_place = np.minimum(last_quarter // QUARTERS_PER_YEAR, n_years - 1)
    years = np.arange(n_years)
    counted = (years >= start_place[:, None]) & (years <= last_place[:, None])
    rows = np.arange(len(start_place))
    before = np.where(start_place > 0, records.exports_market_eur[rows, np.maximum(start_place - 1, 0)], 0.0)
    growth = np.where(counted, records.exports_market_eur - before[:, None], 0.0).sum(axis=1)
    growth = np.where(records.company, np.maximum(growth, 0.0), 0.0)

    n = len(records.key)
    of_cluster = np.bincount(records.covenant, weights=growth, minlength=n)
    writes = (
        keyed_uniform(records.key, records.start_quarter, WRITES_GROWTH_DOWN) < values["turnover_report_rate"]
    )
    luck = keyed_uniform(records.key, records.start_quarter, ROUGHNESS_OF_REPORT)
    roughness = np.exp(values["turnover_report_noise"] * ndtri(luck))
    reports = in_window & writes & (of_cluster >= values["turnover_report_minimum_eur"])
    reported = np.sort((of_cluster * roughness)[reports])[::-1] / EUR_PER_MILLION
    of_reporters = (growth * roughness[records.covenant])[reports[records.covenant]]
    total = float(reported.sum())
    return {
        "growth_reported_share": _mean(reports[in_window]),
        "growth_reported_million_eur": total,
        "growth_top_five_share": float(reported[:5].sum() / total) if total > 0 else math.nan,
        "growth_largest_firm_million_eur": (
            float(of_reporters.max() / EUR_PER_MILLION) if len(of_reporters) else math.nan
        ),
    }


def _mean(values: NDArray[Any]) -> float:
    """The mean, or nan of nothing (half the time of NumPy's own for short arrays)."""
    return float(np.add.reduce(values, dtype=np.float64)) / len(values) if len(values) else math.nan


_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_A: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B: Final = np.uint64(0x94D049BB133111EB)


def keyed_uniform(keys: Ints, ticks: Ints | int, purpose: int) -> Floats:
    """Keyed draws in (0, 1) for many keys at once: the numbers of ``passaat.model.draws.uniform``, bit by bit."""
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
