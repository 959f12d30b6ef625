"""The command line: run, compare, validate, cases, calibrate, levers, evidence, new, check; cli_studies.py adds more.

Each command parses, calls the Python interface that anybody can call, and prints. Heavy parts are imported inside
the command that needs them, so that help and lever tables appear at once. Results go to standard output, messages
and progress to standard error. An error a user can act on ends with exit code 2, Ctrl-C with 130; docs/output.md
has them all.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from passaat import cli_analysis, cli_studies
from passaat.cli_parts import (
    EXIT_INTERRUPTED,
    EXIT_NOT_PRINTED,
    EXIT_OUTPUT_CLOSED,
    EXIT_REFUSED,
    LARGEST_SEED,
    PIPED_WIDTH_OF_RUNS,
    Bar,
    ClusterOption,
    JsonOption,
    ListCommand,
    OptionsOption,
    ScenarioArgument,
    SeedOption,
    SetAnOption,
    SetOption,
    SetReferenceOption,
    WorkersOption,
    crew_of,
    lever_epilog,
    load,
    load_with_levers,
    make_console,
    make_table,
    print_json,
    print_json_text,
    print_lines,
    print_table,
    reference_and_options,
    say,
    say_each,
    say_error,
    say_workload,
    settings_of,
    study_name,
    warm_up,
)
from passaat.errors import PassaatError, ScenarioError, StudyError, command
from passaat.scenarios.levers import LEVERS, Lever, LeverSetting, lever
from passaat.scenarios.reading import character, plain_dashes, shown_name
from passaat.shown import shown
from passaat.writing import write_whole

if TYPE_CHECKING:
    from passaat.calibration.scorecard import Scorecard
    from passaat.calibration.structures import StructureCards
    from passaat.scenarios.scenario import Scenario

__all__ = ["app", "main"]


class _Group(TyperGroup):
    """Turns our own errors and Ctrl-C into one clear message and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Word processors make long dashes of the two hyphens of an option, which then reads as a name."""
        wrong = next((word for word in args if word[:1] != "-" and plain_dashes(word) != word), None)
        if wrong is not None:
            say_error(
                PassaatError(
                    f"{shown_name(wrong)} begins with {character(wrong[0])}, where an option begins with two hyphens",
                    command("passaat", *map(plain_dashes, args)),
                )
            )
            raise typer.Exit(EXIT_REFUSED)
        return super().parse_args(ctx, args)

    def make_context(self, *names: Any, **more: Any) -> Any:
        """Help is printed here, and may meet an output that is closed."""
        try:
            return super().make_context(*names, **more)
        except OSError as error:
            raise typer.Exit(_said_of(error)) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PassaatError as error:
            say_error(error)
            raise typer.Exit(EXIT_REFUSED) from None
        except KeyboardInterrupt:
            say("Stopped by Ctrl-C.")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except OSError as error:
            raise typer.Exit(_said_of(error)) from None


def _said_of(error: OSError) -> int:
    """Say in one line what the system refuses, and give the exit code for it.

    Files that we write name themselves in errors of our own; what has no file name here is the output.
    """
    if error.filename is not None:
        say_error(
            PassaatError(
                f"{error.filename}: {error.strerror}", "Choose another name, or mend what is in its way."
            )
        )
        return EXIT_REFUSED
    if isinstance(error, BrokenPipeError):
        say("The output was closed before all was printed; files are complete.")
        return EXIT_OUTPUT_CLOSED
    say(f"Error: not all was printed ({error.strerror or error}); files are complete.")
    return EXIT_NOT_PRINTED


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


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print version, commit, fingerprints and libraries, for a report of a fault."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --version: print JSON.")] = False,
) -> None:
    """Compare policy options for programmes that help firms enter foreign markets together."""
    if version:
        from passaat import provenance

        made = provenance.here(provenance.fingerprints())
        if as_json:
            print_json(made.to_dict())
        else:
            print_lines(made.lines())
        raise typer.Exit()
    if as_json:
        ctx.fail("--json goes behind a command, or with --version.")
    if ctx.invoked_subcommand is None:
        ctx.fail("Missing command.")


# The main job


@app.command(cls=ListCommand, epilog=lever_epilog())
def compare(
    reference: ScenarioArgument,
    options: OptionsOption = None,
    draws: Annotated[
        int | None,
        typer.Option(
            "--draws", min=2, help="Draws of the uncertain parameters; default 40, or as in --study."
        ),
    ] = None,
    worlds: Annotated[
        int | None,
        typer.Option("--worlds", min=2, help="Worlds (luck) for each draw; default 8, or as in --study."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=LARGEST_SEED,
            help="Seed of worlds and parameter draws; default 1, or as in --study.",
        ),
    ] = None,
    workers: WorkersOption = None,
    levers: SetAnOption = None,
    of_reference: SetReferenceOption = None,
    study: Annotated[
        Path | None,
        typer.Option(
            "--study",
            help="Study file (SQLite); default NAME.db in this folder. One that is there gives what is left out.",
        ),
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
    cluster: ClusterOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be run, from what, for how long, and stop.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what options would change against a reference, with intervals; saves the study and figures.

    Name the reference first. With neither --options nor --set four are compared: stricter-selection, go-no-go,
    follow-up, sme-focus; with --study and a comparison that is there, its own. Parameters are drawn from the posterior
    that ships with the program, where one belongs to the reference; elsewhere, and with --prior, from their prior
    ranges, and the answer says that it is uncalibrated.
    """
    from passaat.cli_compare import Size, Wishes, compare_and_show, question_in, show_forecast, show_stored
    from passaat.experiments.basis import does_not_belong
    from passaat.experiments.comparison_plan import ComparisonPlan, runs_of_comparison
    from passaat.experiments.design import Design
    from passaat.experiments.simulator import the_model
    from passaat.experiments.store import require_same_model, require_writable
    from passaat.experiments.stored import is_only_to_be_read, rests_on

    held = question_in(study)
    base, chosen = reference_and_options(
        reference, options, levers, of_reference, held.options if held else ()
    )
    typed = Size(draws, worlds, seed, prior)
    draws, worlds, seed, prior = typed.of(held)
    asked = ComparisonPlan(base, tuple(chosen), draws, worlds, seed, prior)

    def is_answered(path: Path) -> bool:
        """Whether all of this can be read from a place where nothing can be written."""
        return not (dry_run or structures) and is_only_to_be_read(path, asked)

    design = Design(draws, worlds, seed)
    first = study or Path(study_name(base, seed, "prior" if prior or does_not_belong(base) else "posterior"))
    if not is_answered(first):
        if cluster is None and not dry_run:
            say_workload(base, runs_of_comparison(design, len(chosen)).expected, workers)
        require_writable(first)
    warm_up()
    model = the_model(base, prior=prior)
    path = study or Path(study_name(base, seed, model.basis.kind))
    if held:
        require_same_model(path, model)
        named = () if options or levers else (f"options {', '.join(one.name for one in held.options)}",)
        taken = (*named, *typed.taken(held))
        if taken:
            say(f"Left out, and taken from {path}: {'; '.join(taken)}.")
    wishes = Wishes(
        all_outcomes=all_outcomes,
        decisions=decisions,
        structures=structures,
        structure_draws=structure_draws,
        structure_worlds=structure_worlds,
        as_json=as_json,
        changed=tuple(of_reference or ()),
    )
    if is_answered(path) and rests_on(path, model):
        show_stored(asked, path, wishes)
        return
    require_writable(path)
    if dry_run:
        show_forecast(base, chosen, design, path, model, workers, wishes)
        return
    with crew_of(workers, cluster) as crew:
        compare_and_show(
            base,
            chosen,
            draws=draws,
            worlds=worlds,
            seed=seed,
            path=path,
            model=model,
            crew=crew,
            wishes=wishes,
        )


@app.command(cls=ListCommand, epilog=lever_epilog())
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
    from passaat.run_view import describe_run, print_cluster, print_run, require_cluster

    say_workload(base, 1)
    warm_up()
    from passaat.model.compiled import simulate

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
    from passaat.scenarios.stacking import option_of_levers, option_parts, overridden

    options = [part for name in names for part in option_parts(name)]
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


@app.command(epilog=lever_epilog())
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

    Parameters are drawn from the shipped posterior for pib and pib-next as they ship; with --prior, and elsewhere, from
    their prior ranges. With --structures every structure has prior draws: the posterior
    was made under the model's own structure and would favour it.
    """
    base = load_with_levers(name, levers, "reference")
    from passaat.calibration.scorecard import validate as score
    from passaat.experiments.design import Design

    Design(draws, max(2, worlds), seed)  # refuses numbers that nobody runs
    say_workload(base, 2 * draws * worlds * (5 if structures else 1), workers)
    warm_up()
    if structures:
        from passaat.calibration.structures import validate_structures

        with Bar() as bar:
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
    with Bar() as bar:
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
        if as_json:
            say(card.basis.notice)
        else:
            print_lines([card.basis.notice])
    _print_card(card, as_json)


def _print_card(card: Scorecard | StructureCards, as_json: bool) -> None:
    if as_json:
        print_json_text(card.to_json())
        return
    console = make_console()
    console.print(card.table())
    for said in card.summary():
        console.print(said)


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
    from passaat.experiments.design import Design

    Design(draws, max(2, worlds), seed)  # refuses numbers that nobody runs
    warm_up()
    with Bar() as bar:
        study = run_cases(
            worlds,
            "default" if defaults else "drawn",
            draws=draws,
            seed=seed,
            workers=workers,
            progress=lambda done, total: bar.show("replaying cases", done, total),
        )
    if as_json:
        print_json_text(study.to_json())
    else:
        from passaat.screen import Whole

        make_console().print(Whole(study.table()))
        print_lines(study.summary())


@app.command()
def calibrate(
    reference: Annotated[str, typer.Argument(help="Reference: shipped name or path.")] = "pib",
    quick: Annotated[
        bool, typer.Option("--quick", help="A tenth of the runs: for a first look, not for use.")
    ] = False,
    seed: SeedOption = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write to; default posterior/ here, or posterior-quick/."),
    ] = None,
    proof: Annotated[
        bool, typer.Option("--proof", help="Also check it: known truths, a second method, held-out figures.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite what another calibration wrote to --out.")
    ] = False,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Narrow the uncertain parameters by what was really reported; writes a posterior sample.

    Interrupted, it goes on where it stopped: runs are kept in the cache folder. docs/calibration.md explains it.
    """
    base = load_with_levers(reference, None, "reference")
    from dataclasses import asdict

    from passaat.calibration.calibrate import FULL, QUICK
    from passaat.calibration.calibrate import calibrate as run_calibration

    folder = _posterior_folder(base, quick=quick, seed=seed) if out is None else out
    budget = QUICK if quick else FULL
    if not force:
        _require_no_other_posterior(folder, base.name, seed, asdict(budget))
    _require_folder(folder)
    warm_up()
    with Bar() as bar:
        found = run_calibration(base, budget=budget, seed=seed, workers=workers, progress=bar.show)
        paths = found.write(folder, base.name)
        if proof:
            from passaat.calibration.proof import prove, write_proof

            options = {"follow-up": base.with_option(load("follow-up", "option"))}
            paths += write_proof(prove(found, base, options, quick=quick, progress=bar.show), folder)
    if as_json:
        print_json(dict(found.metadata))
    else:
        print_lines([*found.summary(), f"Wrote {', '.join(path.name for path in paths)} to {folder}"])


def _require_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written to before anything is run.

    Raises
    ------
    StudyError : it cannot be made, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StudyError(
            f"{folder} cannot be written to ({error.strerror or error})",
            "Name a folder that you may write to: --out FOLDER.",
        ) from None


def _require_no_other_posterior(folder: Path, reference: str, seed: int, budget: Mapping[str, Any]) -> None:
    """Refuse to replace the answer to another question: another reference, seed or number of runs.

    Raises
    ------
    StudyError : the folder holds such a posterior.
    """
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            there = (said["reference"], said["seed"], said["budget"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no description of a posterior
        of, with_seed, spent = there
        same_budget = isinstance(spent, dict) and {**spent, **budget} == spent
        if (of, with_seed, same_budget) != (reference, seed, True):
            less = "" if same_budget else ", of another number of runs"
            raise StudyError(
                f"{folder} holds the posterior of another calibration: {shown(str(of))} with seed"
                f" {shown(str(with_seed))}{less}",
                "Name another folder behind --out, or overwrite it with --force.",
            )


def _posterior_folder(base: Scenario, *, quick: bool, seed: int) -> Path:
    """A folder that differs where the posterior does, so that a first look never replaces what is for use."""
    study = study_name(base, seed, "posterior").removesuffix(".db")
    parts = ["posterior", *([study] if study != "pib" else []), *(["quick"] if quick else [])]
    return Path("-".join(parts))


# Looking things up


@app.command()
def levers(
    name: Annotated[str | None, typer.Argument(help="Explain this lever; without it, list all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what policy can choose, with range, practice and evidence."""
    if as_json:
        chosen = [lever(name)] if name else list(LEVERS.values())
        print_json([_lever_record(entry) for entry in chosen])
    elif name:
        print_lines(_lever_lines(lever(name)))
    else:
        table = make_table("lever", "label", "allowed", "practice", "effect")
        for entry in LEVERS.values():
            table.add_row(entry.name, entry.label_en, entry.allowed, entry.default_text, entry.identified)
        print_table(table)
        print_lines(["`passaat levers NAME` explains one; move it with --set NAME=VALUE."])


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
            print_json(asdict(explanation))
        else:
            print_lines(explanation.lines)
    elif claims:
        found = list_claims(find)
        if as_json:
            print_json([asdict(claim) for claim in found])
        else:
            table = make_table("id", "cause", "effect", "sign", "source")
            for claim in found:
                table.add_row(
                    claim.id, claim.cause, claim.effect, claim.sign, f"{claim.source} {claim.place}"
                )
            print_table(table)
    else:
        rows = list_evidence(use, find)
        if as_json:
            print_json([asdict(row) for row in rows])
        else:
            table = make_table("id", "quantity", "value", "use", "source")
            for row in rows:
                table.add_row(row.id, row.quantity, value_text(row), row.use, f"{row.source} {row.place}")
            print_table(table)
            print_lines(
                [f"{len(rows)} rows; `passaat evidence ID` explains one, --claims lists the causal claims."]
            )


# A user's own scenario


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="File to write, ending in .toml.")],
    source: Annotated[str, typer.Option("--from", help="Shipped name or path to start from.")] = "pib",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented scenario file to edit."""
    from passaat.scenarios.loading import file_exists
    from passaat.scenarios.scenario import Scenario
    from passaat.scenarios.stacking import LONGEST_NAME
    from passaat.scenarios.writing import scenario_text

    start = load(source)
    if path.suffix.lower() != ".toml":
        raise ScenarioError(f"{shown_name(str(path))} does not end in .toml", "name the file like my.toml.")
    if not path.name.isprintable():
        raise ScenarioError(
            f"{shown_name(str(path))} holds a character that cannot be shown", "name the file like my.toml."
        )
    if file_exists(path) and not force:
        raise ScenarioError(f"{path} exists already", "choose another name, or overwrite it with --force.")
    slug = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")[:LONGEST_NAME] or "my-scenario"
    fields = {name: getattr(start, name) for name in Scenario.model_fields}
    mine = Scenario(**{**fields, "name": slug, "based_on": start.name})
    name = PurePath(path.name)
    then = (
        ("passaat", "run", name)
        if start.kind == "reference"
        else ("passaat", "compare", "pib", "--options", name)
    )
    head = [
        f"# {'A' if start.kind == 'reference' else 'An'} {start.kind} to edit, started from {start.name}. When done:",
        f"#   {command('passaat', 'check', name)}",
        f"#   {command(*then)}",
        "",
        "",
    ]
    _write("\n".join(head) + scenario_text(mine, guide=True), path)
    print_lines([f"Wrote {path}. Edit it, then: {command('passaat', 'check', path)}"])


def _write(text: str, path: Path) -> None:
    """Write a scenario in one move.

    Raises
    ------
    ScenarioError : the folder or file cannot be written.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        raise ScenarioError(
            f"cannot write {shown_name(str(path))}: {error.strerror or error}",
            "choose a shorter name, or a folder that exists and that you may write to.",
        ) from None


@app.command()
def check(
    path: Annotated[str, typer.Argument(help="Scenario file, or shipped name; a+b is option b on top of a.")],
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="Reference to hold an option against; default what it is based on."),
    ] = None,
    attempt: Annotated[
        bool, typer.Option("--try", help="Also run an option in eight pairs of small worlds.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a scenario file and say what it does; without --try nothing is run."""
    from passaat.scenarios.effects import idle_settings, reported_ceilings, shipped_twin
    from passaat.scenarios.loading import file_exists
    from passaat.scenarios.stacking import option_parts, overridden, stack

    if "+" in path and not file_exists(path):
        parts = option_parts(path)
        say_each(overridden([(part.name, part.levers) for part in parts]))
        scenario = stack(parts)
    else:
        scenario = load(path)
    base = None if scenario.kind == "reference" else load(reference or _based_on(scenario), "reference")
    if base is None and (attempt or reference is not None):
        raise ScenarioError(
            f"{scenario.name} is a reference: it is not held against another one",
            f"show one run of it: {command('passaat', 'run', PurePath(path))}",
        )
    notes = [] if base is None else [*idle_settings(base, scenario), *reported_ceilings(base, scenario)]
    twin = shipped_twin(scenario)
    trial = None
    if attempt and base is not None:
        from passaat.experiments.trial import try_option

        warm_up()
        trial = try_option(base, scenario)
    if as_json:
        moved = {name: _moved_text(scenario, name) for name in scenario.levers}
        print_json(
            {
                **{"name": scenario.name, "kind": scenario.kind, "hash": scenario.hash, "levers": moved},
                **{"reference": base.name if base else None, "notes": notes, "same_as": twin or None},
                "pairs_unchanged": None if trial is None else trial.unchanged,
            }
        )
        return
    lines = _scenario_lines(scenario)
    if twin:
        lines.append(f"  the same content as {twin}, under another name")
    if base is not None:
        lines.append(f"Held against {base.name} (--reference chooses another):")
        lines += [f"  {note}" for note in notes] or ["  every lever changes in some year of the run"]
    if trial is not None:
        lines += trial.summary()
    print_lines(lines)


def _based_on(option: Scenario) -> str:
    """The shipped reference that an option goes back to; pib where it names none."""
    from passaat.scenarios.loading import shipped_names

    name = option.based_on
    while name in shipped_names():
        start = load(name)
        if start.kind == "reference":
            return name
        name = start.based_on if start.based_on != name else ""
    return "pib"


def _scenario_lines(scenario: Scenario) -> list[str]:
    """What a scenario says, a fact a line."""
    lines = [f"{scenario.name} is a valid {scenario.kind}: {scenario.title}"]
    if scenario.world is not None:
        world = scenario.world
        lines.append(
            f"  {world.n_firms} firms, {world.n_markets} markets in {world.n_countries} countries; covenants start "
            f"in {world.window_first_year}-{world.window_last_year}, the run ends in {world.last_year}"
        )
    for name in scenario.levers:
        lines.append(f"  {name}: {_moved_text(scenario, name)}")
        if name in scenario.levers_why:
            lines.append(f"      {scenario.levers_why[name]}")
    if not scenario.levers:
        lines.append("  all levers follow the practice of each year")
    lines += [f"  parameter {name} is fixed at {value:g}" for name, value in scenario.parameters.items()]
    for name, value in scenario.structure.model_dump().items():
        if value != type(scenario.structure).model_fields[name].default:
            lines.append(f"  rival structure: {name} = {value}")
    for kind, agents in scenario.agents.model_dump().items():
        if agents:
            lines.append(f"  agents {kind}: {', '.join(agents)}")
    return [*lines, f"  hash {scenario.hash}"]


def _moved_text(scenario: Scenario, name: str) -> str:
    entry = LEVERS[name]
    return f"{entry.show_setting(scenario.levers[name])} (practice {entry.default_text})"


cli_studies.add_commands(app)
cli_analysis.add_commands(app)


def _end_like_ctrl_c() -> None:
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does: what is finished is kept, and said. A hang-up that is
    ignored, as under nohup, stays ignored.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        # Not by print: the signal may come in the middle of one.
        os.write(2, f"{signal.Signals(number).name}: stopping as after Ctrl-C.\n".encode())
        signal.default_int_handler(number, frame)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, stop)


def main() -> None:
    """Entry point of the `passaat` command."""
    _end_like_ctrl_c()
    raise SystemExit(_carried_out(output_open=_open_streams()))


def _carried_out(*, output_open: bool) -> int | str | None:
    """Carry out the command line; gives the exit code, after everything that can be printed was."""
    code: int | str | None = 0
    try:
        app()
    except SystemExit as ended:
        code = ended.code
    except KeyboardInterrupt:
        say("Stopped by Ctrl-C.")
        code = EXIT_INTERRUPTED
    except OSError as error:  # while saying how a command is used
        code = _said_of(error)
    if not output_open and not code:
        code = _said_of(BrokenPipeError())
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # the interpreter tries once more at its end, and would complain
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code


def _open_streams() -> bool:
    """Make output that is closed, or of a narrow character set, harmless; piped output is UTF-8 on every system.

    Gives whether standard output was open.
    """
    output_open = sys.stdout is not None
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:  # closed by `>&-`: the next file that is opened would be taken for it
            while (opened := os.open(os.devnull, os.O_WRONLY)) < descriptor:
                pass
            stream = os.fdopen(opened, "w", encoding="utf-8", errors="backslashreplace")
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        elif hasattr(stream, "reconfigure"):
            if stream.isatty():
                stream.reconfigure(errors="backslashreplace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return output_open


if __name__ == "__main__":
    main()
