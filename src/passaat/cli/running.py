"""One run in plain words: passaat run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from passaat import __version__
from passaat.cli.parts import (
    PIPED_WIDTH_OF_RUNS,
    Answer,
    ForceReportOption,
    JsonOption,
    ListCommand,
    OptionsOption,
    ReportOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    lever_epilog,
    load,
    say_each,
    say_workload,
    settings_of,
    warm_up,
)
from passaat.errors import PassaatError
from passaat.json_text import json_text, plain
from passaat.scenarios.levers import LeverSetting
from passaat.shown import shown

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario


def run(
    name: ScenarioArgument,
    options: OptionsOption = None,
    seed: SeedOption = 1,
    levers: SetOption = None,
    cluster: Annotated[
        int | None, typer.Option("--cluster", min=0, help="Show the members of this cluster.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every group, also from before the decision window.")
    ] = False,
    by_year: Annotated[
        bool,
        typer.Option("--by-year", help="Show exports and money by year, and gains since covenants ended."),
    ] = False,
    to: ReportOption = None,
    force: ForceReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show one run plainly: which clusters formed, with whom, and what became of them."""
    from passaat.experiments.reports.forms import require_form

    require_form(to, force=force)
    if by_year and (everything or cluster is not None):
        other = "--all" if everything else f"--cluster {cluster}"
        raise PassaatError(
            f"--by-year and {other} are two views of a run; one is shown at a time",
            f"`passaat run {shown(name)} --by-year` shows the years, `passaat run {shown(name)} {other}` the groups.",
        )
    base = _under_options(load(name, "reference"), options or (), settings_of(levers))
    from passaat.experiments.reports.run import cluster_report, describe_run, run_report

    say_workload(base, 2 if by_year else 1)
    warm_up()
    from passaat.model.engine.compiled import simulate

    one = simulate(base.inputs(), seed)
    changed = ", ".join(map(shown, [*(options or ()), *(levers or ())]))
    if by_year:
        from passaat.experiments.reports.by_year import describe_years, years_report

        data = describe_years(base, one, simulate(base.without_programme().inputs(), seed))
        report = years_report(data)
    else:
        data = describe_run(base, one)
        report = run_report(data, everything=everything)
    if cluster is not None:
        report, data = cluster_report(data, cluster), data["clusters"][cluster]
    Answer(
        lambda: [report],
        lambda: json_text(plain(data), sort_keys=True),
        __version__,
        said_before=[f"Changed: {changed}"] if changed and cluster is None else [],
    ).give(None, to, as_json=as_json, columns=PIPED_WIDTH_OF_RUNS)


def _under_options(base: Scenario, names: Sequence[str], levers: Mapping[str, LeverSetting]) -> Scenario:
    """The reference with options on top, then the levers set by hand; says what overrides what, and what is idle."""
    from passaat.scenarios.effects import idle_settings
    from passaat.scenarios.stacking import option_of_levers, option_parts, overridden, require_once

    options = [part for name in names for part in option_parts(name)]
    require_once(options)
    options += [option_of_levers(levers)] if levers else []
    layers = [(option.name, option.levers) for option in options]
    if levers:
        layers[-1] = ("--set", levers)
    say_each(overridden(layers))
    for place, option in enumerate(options):
        say_each(idle_settings(base, option))
        by_hand = bool(levers) and place == len(options) - 1  # does not go into the name
        base = base.with_levers(levers) if by_hand else base.with_option(option)
    return base


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command(cls=ListCommand, epilog=lever_epilog())(run)
