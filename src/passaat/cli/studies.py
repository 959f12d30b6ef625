"""Commands on studies: sweep, studies, resume, extend, verify, export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from passaat.cli.comparing import Wishes, compare_and_show, show_stored, stoppable
from passaat.cli.parts import (
    Answer,
    Command,
    DaskOption,
    DetailsOption,
    ForceReportOption,
    JsonOption,
    ListCommand,
    OptionsOption,
    ReportOption,
    WorkersOption,
    crew_of,
    load_options,
    make_table,
    print_json,
    print_lines,
    print_table,
    say,
    say_each,
    say_workload,
    warm_up,
)
from passaat.errors import StudyError, command
from passaat.shown import shown

if TYPE_CHECKING:
    from passaat.experiments.analyses.studies import StudyInfo
    from passaat.experiments.analyses.sweep import SweepTable
    from passaat.experiments.design.comparison_plan import ComparisonPlan
    from passaat.experiments.design.plan import Plan
    from passaat.experiments.design.simulator import Simulator
    from passaat.experiments.run.crew import Crew

EXIT_UNSOUND = 1

StudyArgument = Annotated[Path, typer.Argument(help="Study file, as `passaat studies` lists them.")]
PlanArgument = Annotated[str, typer.Argument(help="Shipped plan, or path of a plan ending in .toml.")]
StudyOption = Annotated[
    Path | None, typer.Option("--study", help="File to keep the study in; default NAME.db in this folder.")
]
ReuseOption = Annotated[
    list[Path] | None,
    typer.Option("--reuse", help="Take over runs that this other study holds already; repeatable."),
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command(cls=Command)(sweep)
    app.command()(studies)
    app.command(cls=Command)(resume)
    app.command(cls=ListCommand)(extend)
    app.command(cls=Command)(verify)
    app.command()(export)


def sweep(
    plan: PlanArgument,
    study: StudyOption = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    reuse: ReuseOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and stop.")] = False,
    to: ReportOption = None,
    force: ForceReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a plan: many points over levers, uncertainties, draws and luck.

    Stopped by Ctrl-C it goes on with the same command or with `passaat resume`. Shipped plans: levers-together,
    amount-and-follow-up, what-drives-follow-up, what-matters, shares-of-variance.
    """
    from passaat.experiments.design.plan import describe, most_runs, n_runs
    from passaat.experiments.design.plan_files import read_plan
    from passaat.experiments.reports.forms import require_form
    from passaat.experiments.study.connection import is_study
    from passaat.scenarios.loading import file_exists

    require_form(to, force=force)
    if is_study(Path(plan)) or (plan.endswith(".db") and file_exists(plan)):
        raise StudyError(
            f"{plan} is a study that was run, not a plan to run",
            f"Go on with it or show it: `{command('passaat', 'resume', Path(plan))}`; make it larger, for example:"
            f" `{command('passaat', 'extend', Path(plan), '--worlds', '16')}`.",
        )
    read = read_plan(plan)
    if dry_run:
        from passaat.experiments.analyses.sweep import simulator_for

        warm_up()
        basis = simulator_for(read).basis
        if as_json:
            forecast = {"points": read.n_points, "runs": n_runs(read), "policies": read.policies}
            drawn = {"drawn_from": basis.in_words(read.draws), "uncalibrated": basis.uncalibrated}
            print_json({**forecast, **drawn})
        else:
            print_lines(
                [*filter(None, [basis.notice]), *describe(read, calibrated=basis.kind == "posterior")]
            )
        return
    path = study or Path(f"{read.name}.db")
    if dask is None:
        say_workload(read.reference, most_runs(read), workers)
    say_each(
        option.description.removesuffix(".") for option in read.options if " overrides " in option.description
    )
    with crew_of(workers, dask) as crew:
        table = run_sweep(read, path, crew, reuse or ())
    _show_sweep(table, path, as_json, to)


def run_sweep(plan: Plan, path: Path, crew: Crew, reuse: Sequence[Path] = ()) -> SweepTable:
    """Run a plan with progress; Ctrl-C says what is kept. A finished study where nothing can be written is read.

    Raises:
        StudyError: as ``experiments.analyses.sweep.sweep``.
    """
    from passaat.experiments.analyses.stored import is_only_to_be_read, rests_on
    from passaat.experiments.analyses.sweep import load_table, simulator_for
    from passaat.experiments.analyses.sweep import sweep as run
    from passaat.experiments.study.connection import require_writable

    answered = is_only_to_be_read(path, plan)
    if not answered:
        require_writable(path)
    warm_up()
    model = simulator_for(plan)
    if model.basis.notice:
        say(model.basis.notice)
    if answered and rests_on(path, model):
        return load_table(path)
    with stoppable(path) as bar:
        return run(plan, study_path=path, crew=crew, simulator=model, reuse=reuse, progress=bar.step)


def _show_sweep(table: SweepTable, path: Path, as_json: bool, to: Path | None) -> None:
    from passaat.experiments.reports.sweep import sweep_json, sweep_report

    found = Answer(lambda: [sweep_report(table)], lambda: sweep_json(table), table.version)
    found.give(path, to, as_json=as_json)
    if not as_json:
        table_file = PurePath(path.with_suffix(".csv").name)
        say(f"Every run as a table: {command('passaat', 'export', path, '--to', table_file)}")


def studies(
    folder: Annotated[Path, typer.Argument(help="Folder to look in, or one study file.")] = Path("."),
    as_json: JsonOption = False,
) -> None:
    """List the study files of a folder, with what they are about and how far they are."""
    from passaat.experiments.analyses.studies import list_studies
    from passaat.experiments.study.connection import is_study

    found = list_studies(folder)
    if as_json:
        print_json([{**vars(info), "path": str(info.path)} for info in found])
        return
    if not found:
        print_lines([f"No study files in {folder}. `passaat compare` and `passaat sweep` make them."])
        return
    table = make_table("file", "kind", "about", "runs", "missing", "failed", "state", "MB", "version")
    for info in found:
        counts = (f"{n:,}" for n in (info.planned + info.done + info.failed, info.planned, info.failed))
        table.add_row(
            shown(str(info.path)),
            shown(info.kind),
            shown(info.title),
            *counts,
            shown(info.state),
            f"{info.megabytes:.1f}",
            shown(info.version),
        )
    print_table(table)
    if is_study(folder):
        for info in (one for one in found if one.version):
            print_lines(_made_lines(info))


def _made_lines(info: StudyInfo) -> Iterator[str]:
    """What made a study, in words."""
    for begun, made in (
        ("made with", info.made_with),
        *(("continued with", one) for one in info.continued_with),
    ):
        if not made:
            yield f"{begun} passaat {info.version}, behaviour {info.behaviour}; it does not say which commit"
            continue
        yield f"{begun} passaat {made['version']}, commit {made['commit']}"
        for kind in ("fingerprints", "libraries"):
            yield "  " + ", ".join(f"{name} {value}" for name, value in made[kind].items())
        yield f"  {made['system']}, {made['processor']}"


def resume(
    study: StudyArgument,
    retry: Annotated[bool, typer.Option("--retry", help="Also make runs again that failed.")] = False,
    details: DetailsOption = False,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    to: ReportOption = None,
    force: ForceReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go on with a study that was stopped, from its file alone; one that is finished is shown, from any place.

    Whatever version made a finished study, its own results are shown and nothing is run. Only the version that made it
    goes on with one that is not.
    """
    from passaat.experiments.design.plan import Plan
    from passaat.experiments.reports.forms import require_form

    require_form(to, force=force)
    asked, wishes = _plan_in(study), Wishes(details=details, as_json=as_json, to=to)
    with crew_of(workers, dask) as crew:
        if not retry and _is_finished(study):
            _show_finished(asked, study, wishes)
            return
        if retry:
            _plan_failed_again(study, asked)
        if isinstance(asked, Plan):
            _show_sweep(run_sweep(asked, study, crew), study, as_json, to)
        else:
            _finish_earlier(study, crew)
            _run_comparison(asked, study, crew, wishes)


def extend(
    study: StudyArgument,
    points: Annotated[
        int | None, typer.Option("--points", min=1, help="Points of a sweep, as in its plan.")
    ] = None,
    draws: Annotated[int | None, typer.Option("--draws", min=1, help="Draws of parameters.")] = None,
    worlds: Annotated[
        int | None, typer.Option("--worlds", min=1, help="Worlds for each draw or point.")
    ] = None,
    options: OptionsOption = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    to: ReportOption = None,
    force: ForceReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a study larger: more points, draws, worlds or options. What it holds already is kept and not run again."""
    from passaat.experiments.design.plan import Plan
    from passaat.experiments.reports.forms import require_form

    require_form(to, force=force)
    if points is None and draws is None and worlds is None and not options:
        raise StudyError("nothing to extend by", "Give --points, --draws, --worlds or --options.")
    asked = _plan_in(study)
    more = load_options(options or ())
    if isinstance(asked, Plan):
        larger = asked.extended(size=points, worlds=worlds, draws=draws, options=more)
        with crew_of(workers, dask) as crew:
            _show_sweep(run_sweep(larger, study, crew), study, as_json, to)
        return
    if points is not None:
        raise StudyError(
            f"--points {points}: {study} is a comparison, which has draws and worlds but no points",
            "Give --draws, --worlds or --options.",
        )
    comparison = asked.extended(draws=draws, worlds=worlds, options=more)
    with crew_of(workers, dask) as crew:
        _run_comparison(comparison, study, crew, Wishes(as_json=as_json, to=to))


def _plan_in(path: Path) -> Plan | ComparisonPlan:
    """What a study file was asked for.

    Raises:
        StudyError: no study, or one that was stopped before it held its plan.
    """
    from passaat.experiments.study.comparisons import comparison_plan_of
    from passaat.experiments.study.study import Study
    from passaat.experiments.study.sweeps import plan_of

    if path.suffix == ".toml" and path.is_file():
        raise StudyError(
            f"{path} is a plan, not a study that was run",
            f"Run it first: `{command('passaat', 'sweep', path)}`; `passaat studies` lists the studies of this folder.",
        )
    with Study.read(path) as study:
        return plan_of(study) if study.meta("kind") == "sweep" else comparison_plan_of(study)


def _is_finished(path: Path) -> bool:
    from passaat.experiments.analyses.stored import is_finished
    from passaat.experiments.study.study import Study

    with Study.read(path) as study, study.snapshot():
        return is_finished(study)


def _show_finished(asked: Plan | ComparisonPlan, path: Path, wishes: Wishes) -> None:
    """Show a study from its file alone."""
    from passaat.experiments.analyses.sweep import load_table
    from passaat.experiments.design.plan import Plan

    if isinstance(asked, Plan):
        _show_sweep(load_table(path), path, wishes.as_json, wishes.to)
    else:
        show_stored(asked, path, wishes)


def _plan_failed_again(path: Path, asked: Plan | ComparisonPlan) -> None:
    from passaat.experiments.design.simulator import the_model
    from passaat.experiments.study.study import Study, require_same_model

    warm_up()
    require_same_model(path, the_model(asked.reference, prior=True))
    with Study.edit(path) as study:
        again = study.plan_failed_again()
    say(f"{again:,} failed runs are planned again.")


def _finish_earlier(path: Path, crew: Crew) -> None:
    """Run what a comparison was asked for before its last plan, without showing it."""
    from passaat.experiments.analyses.compare import compare_as_asked
    from passaat.experiments.study.comparisons import earlier_plans_of
    from passaat.experiments.study.study import Study

    with Study.read(path) as study:
        earlier = earlier_plans_of(study) if study.count_to_do() else []
    with stoppable(path) as bar:
        for asked in earlier:
            compare_as_asked(
                asked,
                path,
                _model_for(asked),
                crew,
                lambda step: bar.show(f"earlier: {step.stage}", step.done, step.total),
            )


def _model_for(asked: ComparisonPlan) -> Simulator:
    from passaat.experiments.design.simulator import the_model

    warm_up()
    return the_model(asked.reference, prior=asked.prior)


def _run_comparison(asked: ComparisonPlan, path: Path, crew: Crew, wishes: Wishes) -> None:
    compare_and_show(asked, path, _model_for(asked), crew, wishes)


def verify(
    study: StudyArgument,
    sample: Annotated[int, typer.Option("--sample", min=0, help="Runs to make again.")] = 20,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a study: the file, every key and digest, and a sample of runs made again, which must be equal in every bit.

    Ends with exit code 1 where anything is wrong. Runs of another version of the model are not made again, which is
    said and is no fault of the file.
    """
    from passaat.experiments.analyses.verify import verify as check

    warm_up()
    with crew_of(workers, dask) as crew:
        found = check(study, sample=sample, crew=crew)
    if as_json:
        record: dict[str, Any] = {**vars(found), "sound": found.sound}
        print_json(record)
    else:
        print_lines(found.summary())
    if not found.sound:
        raise typer.Exit(EXIT_UNSOUND)


def export(
    study: StudyArgument,
    to: Annotated[Path, typer.Option("--to", help="File to write: .csv, .parquet or .duckdb.")],
    table: Annotated[
        str | None, typer.Option("--table", help="runs, or results (of a sweep); DuckDB files hold all.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a study as CSV, Parquet or DuckDB, for other programs."""
    from passaat.experiments.analyses.studies import study_info
    from passaat.experiments.reports.export import export as write

    if to.exists() and not force:
        raise StudyError(f"{to} exists already", "Choose another name, or overwrite it with --force.")
    rows = write(study, to, table)
    print_lines([f"Wrote {rows:,} rows to {to}"])
    info = study_info(study)
    if info is not None and info.planned:
        say(
            f"{info.planned:,} runs of {study} are missing and have no results;"
            f" `{command('passaat', 'resume', study)}` makes them."
        )
