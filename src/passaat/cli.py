"""The command line: run, compare, validate, cases, calibrate, levers, evidence, new, check.

Each command parses, calls the Python interface that anybody can call, and prints. Heavy parts are imported inside
the command that needs them, so that help and lever tables appear at once. Results go to standard output, messages
and progress to standard error. An error a user can act on ends with exit code 2, Ctrl-C with 130.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from passaat.errors import PassaatError, ScenarioError
from passaat.scenarios.levers import LEVER_HINT, LEVERS, Lever, LeverValue, lever

if TYPE_CHECKING:
    from rich.table import Table

    from passaat.calibration.scorecard import Scorecard
    from passaat.calibration.structures import StructureCards
    from passaat.experiments.structures import StructureComparison
    from passaat.scenarios.scenario import Scenario

__all__ = ["app", "main"]

EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130
SIGNIFICANT_DIGITS = 10
PIPED_WIDTH = 120
PIPED_WIDTH_OF_RUNS = 160
LARGEST_SEED = 2**63 - 1


class _Group(TyperGroup):
    """Turns our own errors and Ctrl-C into one clear message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PassaatError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(EXIT_REFUSED) from None
        except KeyboardInterrupt:
            typer.echo("Stopped by Ctrl-C.", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None


class _ListCommand(TyperCommand):
    """Accepts `--options a b c` as well as `--options a --options b --options c`, and says where options belong."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, spread("--options", args))
        if ctx.args:
            named = [*ctx.args, *(ctx.params.get("options") or ())]
            raise ScenarioError(
                f"options go behind --options, and {', '.join(ctx.args)} does not",
                f"passaat {ctx.info_name} {ctx.params['reference' if ctx.info_name == 'compare' else 'name']}"
                f" --options {' '.join(named)}",
            )
        return rest


def spread(flag: str, arguments: Sequence[str]) -> list[str]:
    """Repeat `flag` before each word of the list that follows it.

    >>> spread("--options", ["pib", "--options", "a", "b", "--seed", "2"])
    ['pib', '--options', 'a', '--options', 'b', '--seed', '2']
    """
    result: list[str] = []
    in_list = first = False
    for argument in arguments:
        if argument == flag:
            in_list = first = True
        elif argument.startswith("-"):
            in_list = False
        elif in_list and not first:
            result.append(flag)
        else:
            first = False
        if argument != flag:
            first = False
        result.append(argument)
    return result


def _lever_epilog() -> str:
    """The levers and their ranges, for the end of a help text."""
    width = max(map(len, LEVERS))
    lines = [f"  {name:<{width}}  {entry.allowed}" for name, entry in LEVERS.items()]
    return "\n".join(["\b", "Levers for --set lever=value (`passaat levers NAME` explains one):", *lines])


app = typer.Typer(
    name="passaat",
    cls=_Group,
    help="Compare policy options for programmes that help firms enter foreign markets together.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScenarioArgument = Annotated[str, typer.Argument(help="Shipped name, such as pib, or path of a .toml file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="LEVER=VALUE", help="Move a lever from the decision window on; repeatable."
    ),
]
OptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--options", metavar="NAME...", help="Option scenarios, names or paths, separated by spaces."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON: the same bytes for the same run.")]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of worlds and parameter draws.")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Parallel threads; changes the time, never the result.")
]


def _version(wanted: bool) -> None:
    if wanted:
        from passaat import __version__

        typer.echo(f"passaat {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compare policy options for programmes that help firms enter foreign markets together."""


# The main job


@app.command(cls=_ListCommand, epilog=_lever_epilog())
def compare(
    reference: ScenarioArgument,
    options: OptionsOption = None,
    draws: Annotated[int, typer.Option("--draws", min=2, help="Draws of the uncertain parameters.")] = 40,
    worlds: Annotated[int, typer.Option("--worlds", min=2, help="Worlds (luck) for each draw.")] = 8,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    levers: SetOption = None,
    study: Annotated[
        Path | None, typer.Option("--study", help="Study file (SQLite); default NAME.db in this folder.")
    ] = None,
    all_outcomes: Annotated[
        bool, typer.Option("--all", help="Show every outcome, not only the main ones.")
    ] = False,
    prior: Annotated[
        bool, typer.Option("--prior", help="Draw parameters from their prior ranges, not from the posterior.")
    ] = False,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Show only which rankings hold, pair by pair.")
    ] = False,
    structures: Annotated[
        bool, typer.Option("--structures", help="Also under rival structures of the model: what holds?")
    ] = False,
    structure_draws: Annotated[
        int | None, typer.Option("--structure-draws", min=2, help="Draws for each structure; default 20.")
    ] = None,
    structure_worlds: Annotated[
        int, typer.Option("--structure-worlds", min=2, help="Worlds for each draw under each structure.")
    ] = 4,
    as_json: JsonOption = False,
) -> None:
    """Show what options would change against a reference, with intervals; saves the study and figures.

    Name the reference first. Without --options four are compared: stricter-selection, go-no-go, follow-up,
    sme-focus. Parameters are drawn from the posterior that ships with the program, where it belongs to the reference
    and is up to date; with --prior, and elsewhere, from their prior ranges.
    """
    base = _scenario(reference, levers, "reference")
    chosen = [_load(name, "option") for name in options or _shipped_options()]
    from passaat.experiments.compare import compare as run_comparison
    from passaat.experiments.simulator import the_model
    from passaat.experiments.store import require_writable

    require_writable(study or Path(_study_name(base, seed, "posterior")))
    _warm_up()
    model = the_model(base, prior=prior)
    path = study or Path(_study_name(base, seed, model.basis.kind))
    require_writable(path)
    if model.basis.notice:
        _say(model.basis.notice)
    rivals: StructureComparison | None = None
    try:
        with _Bar() as bar:
            result = run_comparison(
                base,
                chosen,
                draws=draws,
                worlds_per_draw=worlds,
                seed=seed,
                workers=workers,
                study_path=path,
                progress=lambda step: bar.show(step.stage, step.done, step.total),
                simulator=model,
            )
            if structures:
                from passaat.experiments.structures import DEFAULT_DRAWS, compare_structures

                rivals = compare_structures(
                    base,
                    chosen,
                    draws=structure_draws or min(DEFAULT_DRAWS, draws),
                    worlds_per_draw=structure_worlds,
                    seed=seed,
                    workers=workers,
                    study_path=path,
                    progress=lambda step: bar.show(step.stage, step.done, step.total),
                    simulator=model,
                )
    except KeyboardInterrupt:
        kept = f" Finished runs are kept in {path}; the same command goes on." if path.exists() else ""
        _say(f"Stopped by Ctrl-C.{kept}")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if as_json and rivals is not None:
        from passaat.experiments.structures import with_structures

        typer.echo(with_structures(result, rivals), nl=False)
    elif as_json:
        typer.echo(result.to_json(), nl=False)
    else:
        from passaat.experiments.decision_tables import print_decisions
        from passaat.experiments.tables import print_comparison

        if levers:
            changed = ", ".join(levers)
            _console().print(f"Changed in the reference, and so under every option: {changed}", markup=False)
        if decisions:
            _console().print(f"Compared with {base.name}: {base.title}", markup=False, highlight=False)
        else:
            for option in chosen:
                _console().print(f"{option.name}: {option.description}", markup=False, highlight=False)
            print_comparison(result, _console(), all_outcomes=all_outcomes)
        print_decisions(result, _console(), every_pair=decisions)
    if rivals is not None and not as_json:
        from passaat.experiments.structure_tables import print_structures

        print_structures(rivals, _console(), all_outcomes=all_outcomes)
    from passaat.experiments.decisions import save_csv as save_decisions
    from passaat.experiments.figures import save_figures

    figures = save_figures(result, path.with_suffix(""))
    _say(f"Study: {path}")
    _say(f"Table: {save_decisions(result.decisions, path)}")
    if rivals is not None:
        from passaat.experiments.structures import save_csv

        _say(f"Table: {save_csv(rivals, path)}")
    for figure in figures:
        _say(f"Figure: {figure}")


def _shipped_options() -> list[str]:
    return ["stricter-selection", "go-no-go", "follow-up", "sme-focus"]


def _study_name(base: Scenario, seed: int, drawn_from: str) -> str:
    """A default file name that differs where the study differs: only a shipped reference as it is, with posterior
    draws, goes by its name alone; one that was edited, or in which levers were set, carries its fingerprint, and
    one with prior draws says so.
    """
    from passaat.scenarios.loading import load_scenario, shipped_names

    shipped = base.name in shipped_names() and load_scenario(base.name).hash == base.hash
    parts = [base.name]
    parts += [] if shipped else [base.hash[:8]]
    parts += ["prior"] if drawn_from == "prior" else []
    parts += [f"seed{seed}"] if seed != 1 else []
    return "-".join(parts) + ".db"


@app.command(cls=_ListCommand, epilog=_lever_epilog())
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
    base = _load(name, "reference")
    for option in options or ():
        base = base.with_option(_load(option, "option"))
    base = base.with_levers(_settings(levers)) if levers else base
    from passaat.run_view import describe_run, print_cluster, print_run, require_cluster

    _warm_up()
    from passaat.model.compiled import simulate

    report = describe_run(base, simulate(base.inputs(), seed))
    if cluster is not None:
        require_cluster(report, cluster)
    if as_json:
        _print_json(report if cluster is None else report["clusters"][cluster])
    elif cluster is not None:
        print_cluster(report, cluster, _console(PIPED_WIDTH_OF_RUNS))
    else:
        if options or levers:
            _console().print("Changed: " + ", ".join([*(options or ()), *(levers or ())]), markup=False)
        print_run(report, _console(PIPED_WIDTH_OF_RUNS), everything=everything)


@app.command(epilog=_lever_epilog())
def validate(
    name: ScenarioArgument,
    draws: Annotated[int, typer.Option("--draws", min=1, help="Draws of the uncertain parameters.")] = 40,
    worlds: Annotated[int, typer.Option("--worlds", min=1, help="Worlds (luck) for each draw.")] = 4,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    levers: SetOption = None,
    structures: Annotated[
        bool,
        typer.Option(
            "--structures",
            help="Also under rival structures of the model, side by side; with prior draws for all.",
        ),
    ] = False,
    prior: Annotated[
        bool, typer.Option("--prior", help="Draw parameters from their prior ranges, not from the posterior.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold a reference against the reported figures, one by one: inside or outside.

    Parameters are drawn from the shipped posterior for pib and pib-next as they ship, while it is up to date; with
    --prior, and elsewhere, from their prior ranges. With --structures every structure has prior draws: the posterior
    was made under the model's own structure and would favour it.
    """
    base = _scenario(name, levers, "reference")
    from passaat.calibration.scorecard import validate as score

    _warm_up()
    if structures:
        from passaat.calibration.structures import validate_structures

        with _Bar() as bar:
            cards = validate_structures(
                base,
                draws=draws,
                worlds_per_draw=worlds,
                seed=seed,
                workers=workers,
                progress=lambda structure, done, total: bar.show(f"validating, {structure}", done, total),
            )
        _print_card(cards, as_json)
        return
    with _Bar() as bar:
        card = score(
            base,
            draws=draws,
            worlds_per_draw=worlds,
            seed=seed,
            workers=workers,
            prior=prior,
            progress=lambda done, total: bar.show("validating", done, total),
        )
    if card.basis.notice:
        _say(card.basis.notice)
    _print_card(card, as_json)


def _print_card(card: Scorecard | StructureCards, as_json: bool) -> None:
    if as_json:
        typer.echo(card.to_json(), nl=False)
        return
    console = _console()
    console.print(card.table())
    for said in card.summary():
        console.print(said, markup=False)


@app.command()
def cases(
    draws: Annotated[int, typer.Option("--draws", min=1, help="Draws of the uncertain parameters.")] = 40,
    worlds: Annotated[int, typer.Option("--worlds", min=1, help="Worlds (luck) for each draw.")] = 5,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Leave parameters and thresholds at their defaults.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Replay the eight case studies and hold their order against the evaluators' verdicts.

    Shows, for each case, which share of its own goals the group reaches in simulated worlds. No result of it is used
    to choose anything in the model.
    """
    from passaat.calibration.case_study import run_cases

    _warm_up()
    with _Bar() as bar:
        study = run_cases(
            worlds,
            "default" if defaults else "drawn",
            draws=draws,
            seed=seed,
            workers=workers,
            progress=lambda done, total: bar.show("replaying cases", done, total),
        )
    if as_json:
        typer.echo(study.to_json(), nl=False)
    else:
        _console().print(study.table())
        typer.echo("\n".join(study.summary()))


@app.command()
def calibrate(
    reference: Annotated[str, typer.Argument(help="Reference: shipped name or path.")] = "pib",
    quick: Annotated[
        bool, typer.Option("--quick", help="A tenth of the runs: for a first look, not for use.")
    ] = False,
    seed: SeedOption = 1,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; default posterior/ in this folder.")
    ] = None,
    proof: Annotated[
        bool, typer.Option("--proof", help="Also check it: known truths, a second method, held-out figures.")
    ] = False,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Narrow the uncertain parameters by what was really reported; writes a posterior sample.

    Interrupted, it goes on where it stopped: runs are kept in the cache folder. docs/calibration.md explains it.
    """
    base = _scenario(reference, None, "reference")
    from passaat.calibration.calibrate import FULL, QUICK
    from passaat.calibration.calibrate import calibrate as run_calibration

    folder = Path("posterior") if out is None else out
    _warm_up()
    with _Bar() as bar:
        found = run_calibration(
            base, budget=QUICK if quick else FULL, seed=seed, workers=workers, progress=bar.show
        )
        paths = found.write(folder, base.name)
        if proof:
            from passaat.calibration.proof import prove, write_proof

            options = {"follow-up": base.with_option(_load("follow-up", "option"))}
            paths += write_proof(prove(found, base, options, quick=quick, progress=bar.show), folder)
    if as_json:
        _print_json(dict(found.metadata))
    else:
        typer.echo("\n".join(found.summary()))
        typer.echo(f"Wrote {', '.join(path.name for path in paths)} to {folder}")


# Looking things up


@app.command()
def levers(
    name: Annotated[str | None, typer.Argument(help="Explain this lever; without it, list all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what policy can choose, with range, practice and evidence."""
    if as_json:
        chosen = [lever(name)] if name else list(LEVERS.values())
        _print_json([_lever_record(entry) for entry in chosen])
    elif name:
        typer.echo("\n".join(_lever_lines(lever(name))))
    else:
        table = _table("lever", "label", "allowed", "practice", "effect")
        for entry in LEVERS.values():
            table.add_row(entry.name, entry.label_en, entry.allowed, entry.default_text, entry.identified)
        _console().print(table)
        typer.echo("`passaat levers NAME` explains one; move it with --set NAME=VALUE.")


def _lever_lines(entry: Lever) -> list[str]:
    return [
        f"{entry.name}: {entry.label_en} (Dutch: {entry.label_nl})",
        f"  meaning   {entry.meaning}",
        f"  allowed   {entry.allowed}",
        f"  practice  {entry.default_text}",
        f"  effect    {entry.effect} ({entry.identified})",
        f"  cost      {entry.cost}",
        f"  evidence  {'; '.join(str(reference) for reference in entry.evidence)}",
    ]


def _lever_record(entry: Lever) -> dict[str, Any]:
    record = dict(vars(entry))
    record["default_by_year"] = {str(year): value for year, value in entry.default_by_year}
    record["evidence"] = [vars(reference) for reference in entry.evidence]
    record["allowed"] = entry.allowed
    return record


@app.command()
def evidence(
    id: Annotated[str | None, typer.Argument(help="Explain this row, claim or reconciliation.")] = None,
    use: Annotated[
        str | None, typer.Option("--use", help="Only rows with this use, such as target or input.")
    ] = None,
    find: Annotated[str | None, typer.Option("--find", help="Only what contains this text.")] = None,
    claims: Annotated[bool, typer.Option("--claims", help="List causal claims instead of figures.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the evidence the model rests on: every figure and claim with source and place."""
    from dataclasses import asdict

    from passaat.calibration.listing import explain_row, list_claims, list_evidence, value_text

    if id is not None:
        explanation = explain_row(id)
        if as_json:
            _print_json(asdict(explanation))
        else:
            typer.echo("\n".join(explanation.lines))
    elif claims:
        found = list_claims(find)
        if as_json:
            _print_json([asdict(claim) for claim in found])
        else:
            table = _table("id", "cause", "effect", "sign", "source")
            for claim in found:
                table.add_row(
                    claim.id, claim.cause, claim.effect, claim.sign, f"{claim.source} {claim.place}"
                )
            _console().print(table)
    else:
        rows = list_evidence(use, find)
        if as_json:
            _print_json([asdict(row) for row in rows])
        else:
            table = _table("id", "quantity", "value", "use", "source")
            for row in rows:
                table.add_row(row.id, row.quantity, value_text(row), row.use, f"{row.source} {row.place}")
            _console().print(table)
            typer.echo(
                f"{len(rows)} rows; `passaat evidence ID` explains one, --claims lists the causal claims."
            )


# A user's own scenario


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="File to write, ending in .toml.")],
    source: Annotated[str, typer.Option("--from", help="Shipped name or path to start from.")] = "pib",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented scenario file to edit."""
    from passaat.scenarios.scenario import Scenario
    from passaat.scenarios.writing import scenario_text

    start = _load(source)
    if path.suffix != ".toml":
        raise ScenarioError(f"{path} does not end in .toml", "name the file like my.toml.")
    if path.exists() and not force:
        raise ScenarioError(f"{path} exists already", "choose another name, or overwrite it with --force.")
    slug = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_") or "my-scenario"
    fields = {name: getattr(start, name) for name in Scenario.model_fields}
    mine = Scenario(**{**fields, "name": slug, "based_on": start.name})
    head = [
        f"# A {start.kind} to edit, started from {start.name}. When done:",
        f"#   passaat check {path.name}",
        f"#   passaat run {path.name}"
        if start.kind == "reference"
        else f"#   passaat compare pib --options {path.name}",
        "",
        "",
    ]
    _write("\n".join(head) + scenario_text(mine, guide=True), path)
    typer.echo(f"Wrote {path}. Edit it, then: passaat check {path}")


def _write(text: str, path: Path) -> None:
    """Write a file in one move, so that a failure leaves nothing half-written.

    Raises
    ------
    ScenarioError : the folder or file cannot be written.
    """
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".passaat-", suffix=".toml")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ScenarioError(
            f"cannot write {path}: {error.strerror or error}",
            "choose a folder that exists and that you may write to.",
        ) from None


@app.command()
def check(
    path: Annotated[str, typer.Argument(help="Scenario file, or shipped name.")],
    as_json: JsonOption = False,
) -> None:
    """Check a scenario file and say what it does."""
    scenario = _load(path)
    moved = {name: _moved_text(scenario, name) for name in scenario.levers}
    if as_json:
        _print_json({"name": scenario.name, "kind": scenario.kind, "hash": scenario.hash, "levers": moved})
        return
    typer.echo(f"{scenario.name} is a valid {scenario.kind}: {scenario.title}")
    if scenario.world is not None:
        world = scenario.world
        typer.echo(
            f"  {world.n_firms} firms, {world.n_markets} markets in {world.n_countries} countries; covenants start "
            f"in {world.window_first_year}-{world.window_last_year}, the run ends in {world.last_year}"
        )
    for name, text in moved.items():
        typer.echo(f"  {name}: {text}")
        if name in scenario.levers_why:
            typer.echo(f"      {scenario.levers_why[name]}")
    if not moved:
        typer.echo("  all levers follow the practice of each year")
    for name, value in scenario.parameters.items():
        typer.echo(f"  parameter {name} is fixed at {value:g}")
    for name, value in scenario.structure.model_dump().items():
        if value != type(scenario.structure).model_fields[name].default:
            typer.echo(f"  rival structure: {name} = {value}")
    for kind, agents in scenario.agents.model_dump().items():
        if agents:
            typer.echo(f"  agents {kind}: {', '.join(agents)}")


def _moved_text(scenario: Scenario, name: str) -> str:
    entry, setting = LEVERS[name], scenario.levers[name]
    if isinstance(setting, bool | int | float | str):
        shown = entry.show(setting)
    else:
        shown = "; ".join(f"{entry.show(value)} from {year}" for year, value in setting.items())
    return f"{shown} (practice {entry.default_text})"


# Shared parts


def _load(name: str, kind: str | None = None) -> Scenario:
    from passaat.scenarios.loading import load_scenario

    return load_scenario(name, kind)


def _scenario(name: str, settings: list[str] | None, kind: str) -> Scenario:
    """The scenario with --set applied."""
    scenario = _load(name, kind)
    chosen = _settings(settings)
    return scenario.with_levers(chosen) if chosen else scenario


def _settings(texts: Iterable[str] | None) -> dict[str, LeverValue]:
    """Read `lever=value` texts.

    Raises
    ------
    ScenarioError : no "=", an unknown lever, a lever set twice, a value of the wrong type or out of range.
    """
    chosen: dict[str, LeverValue] = {}
    problems: list[str] = []
    for text in texts or ():
        name, equals, value = text.partition("=")
        try:
            if not equals:
                raise ValueError(f"--set {text} has no value; write --set lever=value")
            if re.fullmatch(r"\s*\d{1,3}([.,]\d{3})+\s*", value):
                raise ValueError(
                    f"--set {text}: write the number without separators of thousands, and a share as 0.25"
                )
            if name.strip() in chosen:
                raise ValueError(f"lever {name.strip()} is set twice")
            entry = lever(name.strip())
            chosen[entry.name] = entry.parse(value)
        except ValueError as error:
            problems.append(str(error))
        except ScenarioError as error:
            problems.extend(error.problems)
    if problems:
        raise ScenarioError(problems, LEVER_HINT)
    return chosen


def _rounded(value: Any) -> Any:
    """Plain data whose floats have ten significant digits; what is not a finite number becomes null."""
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        finite = value - value == 0
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if finite else None
    return value


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(_rounded(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False))


def _console(piped_width: int = PIPED_WIDTH) -> Any:
    """A rich console on standard output; plain and of a fixed width when piped."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else piped_width, highlight=False, soft_wrap=False)


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place == 0)  # names stay whole, for searching
    return table


def _say(message: str) -> None:
    """A message beside the result: on standard error."""
    typer.echo(message, err=True)


def _warm_up() -> None:
    """Load the compiled model, saying so on a terminal when it has to be compiled first."""
    from passaat.model.compiled import warm_up

    say: Callable[[str], None] = _say if sys.stderr.isatty() else _be_silent
    warm_up(say)


def _be_silent(message: str) -> None:
    """For output that is piped: progress stays quiet."""


class _Bar:
    """A progress bar on standard error: only on a terminal, and only once a job has taken a second."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, stage: str, done: int, total: int) -> None:
        """Show how many runs of a stage are done."""
        if not sys.stderr.isatty() or time.monotonic() - self._start < 1:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total)
        self._bar.update(self._tasks[stage], completed=done, total=total)


def main() -> None:
    """Entry point of the `passaat` command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and not stream.isatty():
            stream.reconfigure(encoding="utf-8", newline="\n")
    try:
        app()
    except KeyboardInterrupt:
        typer.echo("Stopped by Ctrl-C.", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None


if __name__ == "__main__":
    main()
