"""What `passaat compare` does once it knows what is asked: run, print, save. `resume` and `extend` do the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passaat.cli.parts import (
    EXIT_INTERRUPTED,
    FOUR_OPTIONS,
    LARGEST_SEED,
    Answer,
    Bar,
    DaskOption,
    DetailsOption,
    JsonOption,
    ListCommand,
    OptionsOption,
    ReportOption,
    ScenarioArgument,
    SetAnOption,
    SetReferenceOption,
    WorkersOption,
    crew_of,
    lever_epilog,
    make_console,
    print_json,
    print_lines,
    reference_and_options,
    say,
    say_workload,
    study_name,
    warm_up,
)
from passaat.errors import StudyError, command
from passaat.shown import shown

if TYPE_CHECKING:
    from passaat.experiments.analyses.compare import Comparison
    from passaat.experiments.analyses.structures import StructureComparison
    from passaat.experiments.design.comparison_plan import ComparisonPlan
    from passaat.experiments.design.simulator import Simulator
    from passaat.experiments.reports.blocks import Report
    from passaat.experiments.run.crew import Crew
    from passaat.scenarios.scenario import Scenario


@dataclass(frozen=True)
class Wishes:
    """How a comparison is to be shown, and whether rival structures are to be compared, too.

    ``changed`` are levers that were moved in the reference by hand; ``to`` is the file for the report.
    """

    all_outcomes: bool = False
    details: bool = False
    decisions: bool = False
    structures: bool = False
    structure_draws: int | None = None
    structure_worlds: int = 4
    as_json: bool = False
    changed: tuple[str, ...] = ()
    to: Path | None = None


def question_in(path: Path | None) -> ComparisonPlan | None:
    """What the comparison in a study file was asked for; None where there is no file, or none that says it.

    Raises:
        StudyError: a study file that is damaged, foreign or of another format.
    """
    from passaat.experiments.study.comparisons import comparison_plan_of
    from passaat.experiments.study.connection import is_study
    from passaat.experiments.study.study import Study

    if path is None or not is_study(path):
        return None
    with Study.read(path) as study:
        try:
            return comparison_plan_of(study)
        except (
            StudyError
        ):  # a sweep, the runs of `replicate`, or another version: whoever goes on says what is wrong
            return None


@dataclass(frozen=True)
class Size:
    """Size and basis of a comparison as they were typed; None where they were left out."""

    draws: int | None
    worlds: int | None
    seed: int | None
    prior: bool

    def of(self, held: ComparisonPlan | None) -> tuple[int, int, int, bool]:
        """Draws, worlds, seed, and whether from prior ranges: what was left out is that of the study, or the usual."""
        from passaat.experiments.design.cells import Design

        usual = held or Design()
        return (
            usual.draws if self.draws is None else self.draws,
            usual.worlds if self.worlds is None else self.worlds,
            usual.seed if self.seed is None else self.seed,
            self.prior or (held is not None and held.prior),
        )

    def taken(self, held: ComparisonPlan) -> list[str]:
        """What of a study stands for something that was left out and would usually be another."""
        mine, usual = self.of(held), self.of(None)
        words = (
            f"{mine[0]} draws",
            f"{mine[1]} worlds",
            f"seed {mine[2]}",
            "parameters from their prior ranges",
        )
        return [word for word, one, other in zip(words, mine, usual, strict=True) if one != other]


def compare_and_show(asked: ComparisonPlan, path: Path, model: Simulator, crew: Crew, wishes: Wishes) -> None:
    """Compare, save study, tables and figures, and print.

    Raises:
        StudyError: as ``experiments.analyses.compare.compare``.
    """
    if model.basis.notice:
        say(model.basis.notice)
    result, rivals = _compare(asked, path, model, crew, wishes)
    _answer(asked, result, rivals, path, wishes).give(path, wishes.to, as_json=wishes.as_json)


def show_forecast(
    asked: ComparisonPlan, path: Path, model: Simulator, workers: int | None, wishes: Wishes
) -> None:
    """Say what a comparison would be drawn from, run, take and write, as the comparison itself will say it."""
    from passaat.experiments.analyses.structures import DEFAULT_DRAWS
    from passaat.experiments.design.comparison_plan import Runs, runs_of_comparison
    from passaat.experiments.run.workload import duration, workload
    from passaat.experiments.study.study import require_same_model
    from passaat.scenarios.rivals import structures_of

    if path.exists():
        require_same_model(path, model)

    base, chosen = asked.reference, asked.options
    runs = runs_of_comparison(asked)
    if wishes.structures:
        rivals = len(structures_of(base)) - 1
        under = replace(
            asked,
            draws=wishes.structure_draws or min(DEFAULT_DRAWS, asked.draws),
            worlds=wishes.structure_worlds,
        )
        more = runs_of_comparison(under).without_parts
        runs = Runs(*(a + rivals * b for a, b in zip(runs.counts, more.counts, strict=True)))
    work = workload(base, runs.expected, workers)
    drawn_from = model.basis.in_words(asked.draws)
    files = files_written(chosen, path, structures=wishes.structures)
    files += [] if wishes.to is None else [str(wishes.to)]
    if wishes.as_json:
        print_json(
            {
                "reference": base.name,
                "options": [one.name for one in chosen],
                "drawn_from": drawn_from,
                "uncalibrated": model.basis.uncalibrated,
                "runs": vars(runs),
                "seconds": float(f"{work.seconds:.2g}"),
                "threads": work.threads,
                "files": files,
            }
        )
        return
    names = ", ".join(one.name for one in chosen)
    lines = [model.basis.notice] if model.basis.notice else []
    equal = f", and about {runs.expected - runs.least:,} more at equal public money" if asked.ways else ""
    lines += [
        f"Would compare {names} with {base.name}: {base.title}.",
        f"Parameters: {drawn_from}.",
        f"Runs: {runs.least - runs.of_parts:,} for the options as they stand, {runs.of_parts:,} for their parts"
        f"{equal}; {runs.most:,} at most. Runs that {path} holds already are not made again.",
        f"Time: some {duration(work.seconds)} on {work.threads} thread{'s' if work.threads > 1 else ''}.",
        f"Files: {', '.join(files)}.",
        "Nothing was run or written.",
    ]
    print_lines(lines)


def files_written(chosen: Sequence[Scenario], path: Path, *, structures: bool) -> list[str]:
    """Names of the files that a comparison leaves: study, tables and figures."""
    places = _Places.of(chosen, path)
    tables = [places.decisions, *([places.structures] if structures else [])]
    return [one.name for one in (path, *tables, *places.figure_files)]


def show_stored(asked: ComparisonPlan, path: Path, wishes: Wishes) -> None:
    """Print a finished comparison from its file, and save tables and figures; nothing is run.

    Raises:
        StudyError: as ``experiments.analyses.stored.stored_comparison``.
    """
    from passaat.experiments.analyses.stored import stored_comparison

    result = stored_comparison(path)
    if result.basis.notice:
        say(result.basis.notice)
    found = _answer(asked, result, None, path, wishes, result.version)
    found.give(path, wishes.to, as_json=wishes.as_json)


def _compare(
    asked: ComparisonPlan, path: Path, model: Simulator, crew: Crew, wishes: Wishes
) -> tuple[Comparison, StructureComparison | None]:
    from passaat.experiments.analyses.compare import compare_as_asked
    from passaat.experiments.analyses.structures import DEFAULT_DRAWS, compare_structures

    rivals: StructureComparison | None = None
    with stoppable(path) as bar:
        result = compare_as_asked(asked, path, model, crew, bar.step)
        if wishes.structures:
            rivals = compare_structures(
                asked.reference,
                asked.options,
                draws=wishes.structure_draws or min(DEFAULT_DRAWS, asked.draws),
                worlds_per_draw=wishes.structure_worlds,
                seed=asked.seed,
                study_path=path,
                progress=bar.step,
                simulator=model,
                crew=crew,
            )
    return result, rivals


@contextmanager
def stoppable(path: Path, *, resumable: bool = True) -> Iterator[Bar]:
    """Progress of what is run into a study; Ctrl-C ends the command, which says what is kept and how to go on."""
    try:
        with Bar() as bar:
            yield bar
    except KeyboardInterrupt:
        by = (
            f"`{command('passaat', 'resume', path)}` or the same command" if resumable else "the same command"
        )
        say(f"Stopped.{f' Finished runs are kept in {path}; {by} goes on.' if path.exists() else ''}")
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _said_before(asked: ComparisonPlan, result: Comparison, wishes: Wishes) -> Iterator[str]:
    """What stands above the report: what it does not rest on, and what is not as it ships."""
    if result.basis.notice:
        yield result.basis.notice
    if wishes.changed:
        changed = ", ".join(wishes.changed)
        moved = {setting.partition("=")[0].strip() for setting in wishes.changed}
        own = [
            f"{one.name} has its own {name}" for one in asked.options for name in one.levers if name in moved
        ]
        under = f"under every option that does not set it ({'; '.join(own)})" if own else "under every option"
        yield f"Changed in the reference, and so {under}: {shown(changed)}"
    if wishes.decisions:
        yield f"Compared with {asked.reference.name}: {shown(asked.reference.title)}"


def _reports(
    result: Comparison,
    rivals: StructureComparison | None,
    wishes: Wishes,
    *,
    details: bool,
    most_options: int | None = None,
) -> list[Report]:
    """What is said of a comparison, in order: the first screen, and with ``details`` every table."""
    from passaat.experiments.reports.comparison import comparison_report
    from passaat.experiments.reports.decisions import decisions_report
    from passaat.experiments.reports.first_screen import first_screen
    from passaat.experiments.reports.structures import structures_report

    found = [decisions_report(result, every_pair=wishes.decisions)] if wishes.decisions or details else []
    if not wishes.decisions:
        found.insert(0, first_screen(result, most_options))
    if not wishes.decisions and details:
        found.insert(1, comparison_report(result, all_outcomes=wishes.all_outcomes, noticed=True))
    if rivals is not None:
        found.append(structures_report(rivals, all_outcomes=wishes.all_outcomes))
    return found


def _answer(
    asked: ComparisonPlan,
    result: Comparison,
    rivals: StructureComparison | None,
    path: Path,
    wishes: Wishes,
    version: str = "",
) -> Answer:
    """What is said of a comparison, with its tables and figures."""
    from passaat.experiments.analyses.decisions import to_csv
    from passaat.experiments.analyses.structures import with_structures
    from passaat.experiments.reports.files import save
    from passaat.experiments.reports.first_screen import MOST_OPTIONS

    places = _Places.of(asked.options, path)

    def tables() -> Iterator[Path]:
        yield save(places.decisions, to_csv(result.decisions))
        if rivals is not None:
            yield save(places.structures, rivals.to_csv())

    def figures() -> tuple[Path, ...]:
        from passaat.experiments.reports.figures import save_figures

        return save_figures(result, places.figures)

    def brief() -> list[Report]:
        most = MOST_OPTIONS if make_console().is_terminal else None
        details = wishes.details or wishes.all_outcomes
        return _reports(result, rivals, wishes, details=details, most_options=most)

    return Answer(
        brief,
        lambda: result.to_json() if rivals is None else with_structures(result, rivals),
        version,
        tables=tables,
        draw=figures,
        stem=places.figures,
        figures=places.figure_files,
        title=f"Compared with {asked.reference.name}: {shown(asked.reference.title)}",
        said_before=tuple(_said_before(asked, result, wishes)),
        in_full=lambda: _reports(result, rivals, wishes, details=True),
    )


@dataclass(frozen=True)
class _Places:
    """Where the files of a comparison go: its tables, and how the names of its figures begin."""

    decisions: Path
    structures: Path
    figures: Path

    @classmethod
    def of(cls, chosen: Sequence[Scenario], path: Path) -> _Places:
        """Beside the study, named by the options unless these are the usual four."""
        from passaat.experiments.reports.files import stem_of, table_path

        part = _options_part(chosen)
        return cls(
            table_path(path, part, "decisions"), table_path(path, part, "structures"), stem_of(path, part)
        )

    @property
    def figure_files(self) -> list[Path]:
        """Its figures, each as PNG and SVG."""
        from passaat.experiments.reports.files import figure_paths, figures_of_comparison

        return [one for stem in figures_of_comparison(self.figures) for one in figure_paths(stem)]


def _options_part(chosen: Sequence[Scenario]) -> str:
    """Options as part of a file name; one that does not ship as it is here carries its fingerprint."""
    from passaat.experiments.reports.files import named
    from passaat.scenarios.loading import load_scenario, shipped_names

    shipped = {name: load_scenario(name).hash for name in FOUR_OPTIONS}
    if [(one.name, one.hash) for one in chosen] == list(shipped.items()):
        return ""
    known = shipped_names()
    return named(
        *(
            one.name
            if one.name in known and load_scenario(one.name).hash == one.hash
            else f"{one.name}-{one.hash[:8]}"
            for one in chosen
        )
    )


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
    details: DetailsOption = False,
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
    pay: Annotated[
        list[str] | None,
        typer.Option(
            "--pay",
            help="How the difference in public money is met: amount (every amount by one factor), none (cost beside"
            " effect), covenants (their number). Default amount and none; give several times, or with commas.",
        ),
    ] = None,
    parts: Annotated[
        bool, typer.Option("--parts", help="Parts of options in every world, not in two of each draw.")
    ] = False,
    dask: DaskOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be run, from what, for how long, and stop.")
    ] = False,
    to: ReportOption = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Overwrite the file behind --to, and tables that rest on more draws."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what options would change against a reference, with intervals; saves the study and figures.

    Name the reference first. With neither --options nor --set four are compared: stricter-selection, go-no-go,
    follow-up, sme-focus; with --study and a comparison that is there, its own. Parameters are drawn from the posterior
    that ships with the program, where one belongs to the reference; elsewhere, and with --prior, from their prior
    ranges, and the answer says that it is uncalibrated.
    """
    from passaat.cli.comparing import Size, Wishes, compare_and_show, question_in, show_forecast, show_stored
    from passaat.experiments.analyses.stored import is_only_to_be_read, rests_on
    from passaat.experiments.design.basis import does_not_belong
    from passaat.experiments.design.comparison_plan import ComparisonPlan, runs_of_comparison, ways_in_order
    from passaat.experiments.design.simulator import the_model
    from passaat.experiments.reports.forms import require_form
    from passaat.experiments.study.comparisons import require_not_answered_from_more
    from passaat.experiments.study.connection import require_writable
    from passaat.experiments.study.study import require_same_model

    if to is not None:
        require_form(to, force=force)
    held = question_in(study)
    base, chosen = reference_and_options(
        reference, options, levers, of_reference, held.options if held else ()
    )
    typed = Size(draws, worlds, seed, prior)
    draws, worlds, seed, prior = typed.of(held)
    usual = held or ComparisonPlan(base, tuple(chosen), draws, worlds, seed, prior)
    ways = ways_in_order([one for text in pay for one in text.split(",")]) if pay else usual.pay
    asked = ComparisonPlan(
        base, tuple(chosen), draws, worlds, seed, prior, ways, parts or usual.parts_in_full
    )

    def is_answered(path: Path) -> bool:
        """Whether all of this can be read from a place where nothing can be written."""
        return not (dry_run or structures) and is_only_to_be_read(path, asked)

    first = study or Path(study_name(base, seed, "prior" if prior or does_not_belong(base) else "posterior"))
    if not is_answered(first):
        if dask is None and not dry_run:
            say_workload(base, runs_of_comparison(asked).expected, workers)
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
        details=details,
        decisions=decisions,
        structures=structures,
        structure_draws=structure_draws,
        structure_worlds=structure_worlds,
        as_json=as_json,
        changed=tuple(of_reference or ()),
        to=to,
    )
    if is_answered(path) and rests_on(path, model):
        show_stored(asked, path, wishes)
        return
    require_writable(path)
    if not force and question_in(path) and _Places.of(chosen, path).decisions.exists():
        require_not_answered_from_more(path, asked)
    if dry_run:
        show_forecast(asked, path, model, workers, wishes)
        return
    with crew_of(workers, dask) as crew:
        compare_and_show(asked, path, model, crew, wishes)


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command(cls=ListCommand, epilog=lever_epilog())(compare)
