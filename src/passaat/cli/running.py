"""One run in plain words: passaat run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from passaat.cli.parts import (
    PIPED_WIDTH_OF_RUNS,
    JsonOption,
    ListCommand,
    OptionsOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    lever_epilog,
    load,
    make_console,
    print_json,
    print_lines,
    say_each,
    say_workload,
    settings_of,
    warm_up,
)
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
    as_json: JsonOption = False,
) -> None:
    """Show one run plainly: which clusters formed, with whom, and what became of them."""
    base = _under_options(load(name, "reference"), options or (), settings_of(levers))
    from passaat.experiments.reports.run import describe_run, print_cluster, print_run, require_cluster

    say_workload(base, 1)
    warm_up()
    from passaat.model.engine.compiled import simulate

    report = describe_run(base, simulate(base.inputs(), seed))
    if cluster is not None:
        require_cluster(report, cluster)
    if as_json:
        print_json(report if cluster is None else report["clusters"][cluster])
    elif cluster is not None:
        print_cluster(report, cluster, make_console(PIPED_WIDTH_OF_RUNS))
    else:
        if options or levers:
            print_lines(["Changed: " + ", ".join(map(shown, [*(options or ()), *(levers or ())]))])
        print_run(report, make_console(PIPED_WIDTH_OF_RUNS), everything=everything)


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
