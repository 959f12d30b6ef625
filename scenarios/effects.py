"""What can be said of an option without running anything: what of it changes nothing in a reference, and why.

It reads levers year by year and reported figures; whether a change of levers shows in results, only runs can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from passaat.scenarios.levers import LEVERS
from passaat.scenarios.loading import load_scenario, shipped_names
from passaat.scenarios.scenario import Scenario

__all__ = ["idle_settings", "reported_ceilings", "same_content", "shipped_twin"]

_CEILINGS: Final[Mapping[str, Mapping[int, str]]] = MappingProxyType(
    {
        "programme_budget_eur_year": MappingProxyType(
            {year: f"rvo_commitment_total_{year}" for year in range(2016, 2021)}
        ),
    }
)
"""Levers that are ceilings: for each year the id of the reported figure that the ceiling limits."""

_HISTORY: Final = "pib"
"""The reference whose history is reported."""


def idle_settings(reference: Scenario, option: Scenario) -> list[str]:
    """A sentence for whatever an option says that moves nothing in a reference: years that lie outside, and values
    that are what the reference has anyway. The last one says so where the whole option moves nothing.
    """
    combined = reference.with_option(option)
    told = [text for name in option.levers for text in _idle_lever(reference, combined, option, name)]
    if combined.hash == reference.hash:
        told.append(f"{option.name} moves nothing in {reference.name}: it is the same policy in every year")
    return told


def _idle_lever(reference: Scenario, combined: Scenario, option: Scenario, name: str) -> Iterator[str]:
    world, setting, entry = reference.the_world, option.levers[name], LEVERS[name]
    start, end = world.window_first_year, world.last_year
    if isinstance(setting, Mapping):
        for year in setting:
            if year > end:
                yield (
                    f"{name}: {entry.show(setting[year])} from {year} moves nothing in {reference.name}: {year}"
                    f" lies after its last year, {end}"
                )
            elif year < start:
                later = any(year < other <= start for other in setting)
                says = "is replaced by then" if later else f"counts from {start} on"
                yield (
                    f"{name}: {entry.show(setting[year])} from {year} {says}: {year} lies before the first year in"
                    f" which options count in {reference.name}, {start}"
                )
        if min(setting) > end:
            return
    if all(combined.lever(name, year) == reference.lever(name, year) for year in world.years):
        yield (
            f"{name} = {entry.show_setting(setting)} moves nothing in {reference.name}: that is what holds there"
            " in these years anyway"
        )


def reported_ceilings(reference: Scenario, option: Scenario) -> list[str]:
    """A sentence for every ceiling of the option that, by the reported figures, would not have been reached.

    Only where the reference is the one with a reported history, or was started from it, and its decision window
    has years in common with the figures.
    """
    if _HISTORY not in (reference.name, reference.based_on):
        return []
    from passaat.evidence import evidence

    world, told = reference.the_world, []
    combined = reference.with_option(option)
    for name, figures in _CEILINGS.items():
        years = [year for year in figures if world.window_first_year <= year <= world.window_last_year]
        rows = {year: evidence()[figures[year]] for year in years}
        if name not in option.levers or not years:
            continue
        used = {year: row.value for year, row in rows.items() if row.value is not None}
        if all(float(combined.lever(name, year)) >= value for year, value in used.items()):
            most = max(used, key=lambda year: used[year])
            told.append(
                f"{name} is a ceiling that would not have bound in {min(used)}-{max(used)}: reported was at most"
                f" {used[most]:,.0f} {rows[most].unit}, in {most} ({figures[most]})"
            )
    return told


def same_content(reference: Scenario, options: Sequence[Scenario]) -> list[str]:
    """A sentence for options that are the same policy in a reference, however they are written."""
    by_content: dict[str, list[str]] = {}
    for option in options:
        by_content.setdefault(reference.with_option(option).hash, []).append(option.name)
    return [
        f"{' and '.join(names)} are the same policy in {reference.name}"
        for names in by_content.values()
        if len(names) > 1
    ]


def shipped_twin(scenario: Scenario) -> str:
    """Name of the shipped scenario with the same content under another name; empty if there is none."""
    for name in shipped_names():
        other = load_scenario(name)
        if other.kind == scenario.kind and other.hash == scenario.hash and name != scenario.name:
            return name
    return ""
