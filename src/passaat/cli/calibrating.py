"""What holds the model against evidence: validate, cases, calibrate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from passaat.cli.parts import (
    Bar,
    JsonOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    WorkersOption,
    lever_epilog,
    load,
    load_with_levers,
    make_console,
    print_json,
    print_json_text,
    print_lines,
    say,
    say_workload,
    study_name,
    warm_up,
)
from passaat.errors import StudyError
from passaat.shown import shown

if TYPE_CHECKING:
    from passaat.calibration.scorecard import Scorecard
    from passaat.calibration.structures import StructureCards
    from passaat.scenarios.scenario import Scenario


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
    from passaat.experiments.design.cells import Design

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
    from passaat.experiments.design.cells import Design

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


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command(epilog=lever_epilog())(validate)
    app.command()(cases)
    app.command()(calibrate)
