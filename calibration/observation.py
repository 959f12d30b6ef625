"""The observation model: what evaluators would have seen of a run, so that like is compared with like.

A run holds the truth; an evaluation holds what four sources tell of it. ``read_run`` takes from the final tables of
a run what they rest on (``Records``), each source looks at the records in its own way, ``observe`` puts them together:

* the agency's administration, complete: covenants that start in the window, their size at the start, the money of the
  covenant, their length and the extensions asked as known at the evaluation (the last cohort is censored);
* simulated statistics (``export_statistics``): SMEs, one country, three years, part of exports invisible;
* simulated reports of coordinators (``coordinator_reports``): turnover growth and contracts, incomplete and in ranges;
* simulated case studies and interviews (``interviews``): activities, next steps, contacts and trade of few.

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
from typing import Final

import numpy as np

from passaat.calibration.coordinator_reports import contract_goals, turnover_growth
from passaat.calibration.export_statistics import export_rise
from passaat.calibration.interviews import case_studies
from passaat.calibration.records import (
    Bools,
    Evaluation,
    FinishedRun,
    Floats,
    Records,
    cohorts,
    look_at,
    mean,
    read_run,
)
from passaat.errors import EvidenceError, unknown_name
from passaat.model.kernel.elementary import exp, log
from passaat.model.units import QUARTERS_PER_YEAR

PARAMETER_FILE: Final = Path(__file__).resolve().parent / "observation_parameters.toml"
SHAPES: Final = ("uniform", "loguniform", "switch", "fixed")


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
            return self.minimum * exp(luck * log(self.maximum / self.minimum))
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

    evaluation = look_at(records, values["evaluation_lag_quarters"])
    return {
        **_portfolio(records, evaluation),
        **_sizes(records, evaluation.in_window),
        **_money(records, evaluation),
        **case_studies(records, evaluation, values),
        **contract_goals(records, evaluation, values),
        **export_rise(records, evaluation, values),
        **turnover_growth(records, evaluation, values),
    }


# --- the agency's administration ---------------------------------------------------------------------------


def _portfolio(records: Records, evaluation: Evaluation) -> dict[str, float]:
    in_window = evaluation.in_window
    duration = (evaluation.end_seen - records.start_quarter) / QUARTERS_PER_YEAR
    starts = int(in_window.sum())
    decided = records.rejected_in_window + starts
    seen = {
        "starts": float(starts),
        "rejected_share": records.rejected_in_window / decided if decided else math.nan,
        "mean_duration_years": mean(duration[in_window]),
        "extension_request_share": mean((records.extension_asked & evaluation.extension_known)[in_window]),
    }
    for number, year in cohorts(records):
        cohort = evaluation.start_year == year
        last_quarter = (year - records.first_year) * QUARTERS_PER_YEAR + QUARTERS_PER_YEAR - 1
        running = (records.start_quarter <= last_quarter) & (records.end_quarter > last_quarter)
        seen[f"starts_cohort_{number}"] = float(cohort.sum())
        seen[f"mean_duration_years_cohort_{number}"] = mean(duration[cohort])
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
        "mean_participants": mean(participants),
        "mean_companies": mean(companies),
        "at_minimum_share": mean(participants == records.minimum_members[in_window]),
        "above_twenty_share": mean(participants > 20),
        "sme_share": float(per_covenant(records.sme).sum() / all_companies) if all_companies else math.nan,
    }


def _money(records: Records, evaluation: Evaluation) -> dict[str, float]:
    in_window, start_year = evaluation.in_window, evaluation.start_year
    public = records.public_eur[in_window]
    seen = {
        "mean_public_eur": mean(public),
        "smallest_public_eur": float(public.min()) if len(public) else math.nan,
        "largest_public_eur": float(public.max()) if len(public) else math.nan,
        "total_public_eur": float(public.sum()),
        "mean_private_eur": mean(records.private_eur[in_window]),
    }
    for number, year in cohorts(records):
        seen[f"mean_public_eur_cohort_{number}"] = mean(records.public_eur[start_year == year])
        seen[f"mean_private_eur_cohort_{number}"] = mean(records.private_eur[start_year == year])
    return seen
