"""One run by calendar year, and by years since covenants ended: what falls when, and how long it lasts.

``describe_years`` turns a run and its twin into plain data (what ``passaat run --by-year --json`` prints); the report
says that data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from passaat import __version__
from passaat.experiments.reports.blocks import Block, Column, Group, Report, Row, Sentence, Table
from passaat.model.engine.judging import outcomes_by_year
from passaat.model.yearly import OUTCOMES_BY_YEAR
from passaat.shown import shown

if TYPE_CHECKING:
    from passaat.model.engine.compiled import Run
    from passaat.scenarios.scenario import Scenario

__all__ = ["describe_years", "years_report"]

SINCE_END: Final = ("memberships_since_end", "additional_exports_since_end_eur")
"""Outcomes by years since the end of a covenant; the others are by calendar year."""

_COLUMNS: Final = (
    ("covenants_started", "started", 1.0, 0),
    ("covenants_ended", "ended", 1.0, 0),
    ("exports_members_eur", "members' exports M EUR", 1e6, 1),
    ("additional_exports_net_eur", "additional net M EUR", 1e6, 1),
    ("until", "until then M EUR", 1e6, 1),
    ("public_committed_eur", "committed k EUR", 1e3, 0),
    ("public_let_go_eur", "let go k EUR", 1e3, 0),
    ("public_cost_eur", "paid k EUR", 1e3, 0),
    ("public_cost_activities_eur", "activities", 1e3, 0),
    ("public_cost_liaison_eur", "liaisons", 1e3, 0),
    ("public_cost_branding_eur", "branding", 1e3, 0),
    ("public_cost_follow_up_eur", "follow-up", 1e3, 0),
    ("public_cost_administration_eur", "administration", 1e3, 0),
    ("public_cost_support_eur", "support", 1e3, 0),
    ("private_cost_eur", "private k EUR", 1e3, 0),
)
"""Outcome, heading, unit and decimals of each column by calendar year."""

_MISSABLE: Final = ("support", "follow-up", "branding", "liaisons", "administration", "activities", "let go k EUR",
                    "ended", "started", "private k EUR", "until then M EUR")  # fmt: skip


def describe_years(scenario: Scenario, run: Run, twin: Run) -> dict[str, Any]:
    """Everything the view by year shows, as data.

    Parameters
    ----------
    scenario : the reference, or a reference with options, that was run.
    run : its run.
    twin : the run of the same world without programme.
    """
    size = run.inputs.size
    found = {
        outcome.name: values.tolist()
        for outcome, values in zip(OUTCOMES_BY_YEAR, outcomes_by_year(run, twin), strict=True)
    }
    ends = max((year for year, members in enumerate(found[SINCE_END[0]]) if members > 0.0), default=-1)
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "hash": scenario.hash,
        "seed": int(run.seed),
        "window": [size.window_first_year, size.window_last_year],
        "years": list(range(size.first_year, size.last_year + 1)),
        "by_year": {name: values for name, values in found.items() if name not in SINCE_END},
        "by_years_since_end": {name: found[name][: ends + 1] for name in SINCE_END},
        "units": {outcome.name: outcome.unit for outcome in OUTCOMES_BY_YEAR},
    }


def years_report(found: Mapping[str, Any]) -> Report:
    """The two tables, and what they are of."""
    first, last = found["window"]
    blocks: list[Block] = [
        Sentence(shown(f"{found['title']}, by year; world seed {found['seed']}")),
        _by_year(found),
        Sentence(
            f"Money of covenants applied for in {first}-{last}, and of applications of these years that were turned "
            "down or lapsed. Committed is what covenants may spend, in the year in which it was promised; let go is "
            "what of it will not be spent; paid is what was spent, administration included, which nobody commits "
            "beforehand. Additional is this world minus the same world without programme, net of displaced sales; "
            "until then is its sum so far."
        ),
    ]
    if found["by_years_since_end"][SINCE_END[0]]:
        blocks += [
            _since_end(found),
            Sentence(
                "Additional exports of members to the covenant's market, by years since it ended, of those covenants "
                "for which the run has such a year. One run is one throw of the dice."
            ),
        ]
    facts = {
        "passaat": __version__,
        "scenario": f"{found['scenario']}, fingerprint {found['hash']}",
        "world seed": str(found["seed"]),
    }
    return Report(f"One run by year: {shown(found['title'])}", tuple(blocks), facts)


def _by_year(found: Mapping[str, Any]) -> Table:
    first = found["window"][0]
    columns = (Column("year", "left"), *(Column(label) for _, label, _, _ in _COLUMNS))
    rows = tuple(
        row
        for year, row in zip(found["years"], _rows_by_year(found["by_year"]), strict=True)
        if year >= first
    )
    labelled = tuple((str(first + place), *row) for place, row in enumerate(rows))
    return Table(columns, (Group(labelled),), ruled=True, missable=_MISSABLE)


def _rows_by_year(values: Mapping[str, Sequence[float]]) -> Iterator[Row]:
    gains = values["additional_exports_net_eur"]
    series = {**values, "until": [math.fsum(gains[: place + 1]) for place in range(len(gains))]}
    for place in range(len(gains)):
        yield tuple(_figure(series[name][place] / unit, decimals) for name, _, unit, decimals in _COLUMNS)


def _since_end(found: Mapping[str, Any]) -> Table:
    members, gains = (found["by_years_since_end"][name] for name in SINCE_END)
    rows = tuple(
        (str(year), _figure(of, 0), _figure(gain / of / 1e3, 1))
        for year, (of, gain) in enumerate(zip(members, gains, strict=True))
        if of > 0.0
    )
    columns = (
        Column("years since the end", "left"),
        Column("memberships"),
        Column("additional exports of each, k EUR"),
    )
    return Table(columns, (Group(rows),), ruled=True)


def _figure(value: float, decimals: int) -> str:
    """A number with its decimals; a zero has no sign."""
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0.0 else text
