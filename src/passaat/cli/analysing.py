"""Commands that analyse: replicate (as many runs as it takes), sensitivity, discover, tradeoffs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passaat.cli.comparing import stoppable
from passaat.cli.parts import (
    Answer,
    Bar,
    Command,
    DaskOption,
    ForceReportOption,
    JsonOption,
    ListCommand,
    OptionsOption,
    ReportOption,
    ScenarioArgument,
    SeedOption,
    SetAnOption,
    SetReferenceOption,
    WorkersOption,
    amount,
    crew_of,
    reference_and_options,
    say,
    say_workload,
    share,
    study_name,
    warm_up,
)
from passaat.cli.studies import StudyOption, run_sweep
from passaat.errors import StudyError, command, unknown_name
from passaat.json_text import json_text, plain

FIRST_DRAWS = 20
WORLDS = 2

if TYPE_CHECKING:
    from passaat.experiments.analyses.stored import StoredValues
    from passaat.experiments.analyses.sweep import SweepTable
    from passaat.experiments.analyses.tradeoffs import Said
    from passaat.experiments.design.plan import Plan
    from passaat.experiments.design.simulator import Simulator
    from passaat.experiments.results.outcomes import OutcomeInfo
    from passaat.experiments.run.crew import Crew
    from passaat.experiments.stats.pairing import Floats
    from passaat.scenarios.scenario import Scenario

SweepArgument = Annotated[
    str, typer.Argument(help="Study file of a sweep (.db), or a plan to run first (shipped, or .toml).")
]
OutcomeOption = Annotated[
    str, typer.Option("--outcome", metavar="NAME", help="Outcome by which policies are judged.")
]

MAIN_OUTCOME = "additional_exports_net_eur"
PUBLIC_COST = "public_cost_eur"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to the program."""
    app.command(cls=ListCommand)(replicate)
    app.command(cls=Command)(sensitivity)
    app.command(cls=Command)(discover)
    app.command(cls=Command)(tradeoffs)


# --- as many runs as it takes -----------------------------------------------------------------------------------


def replicate(
    reference: ScenarioArgument,
    options: OptionsOption = None,
    outcome: OutcomeOption = MAIN_OUTCOME,
    precision: Annotated[
        float | None,
        typer.Option(
            "--precision",
            parser=amount,
            metavar="NUMBER",
            help="How far a difference may be off, in the outcome's unit (EUR, contracts).",
        ),
    ] = None,
    precision_share: Annotated[
        float | None,
        typer.Option(
            "--precision-share",
            parser=share,
            metavar="SHARE",
            help="The same as a share of the reference's level, such as 0.05.",
        ),
    ] = None,
    budget: Annotated[int, typer.Option("--budget", min=1, help="Runs at most.")] = 10_000,
    worlds: Annotated[int, typer.Option("--worlds", min=2, help="Worlds (luck) for each draw.")] = WORLDS,
    first_draws: Annotated[
        int, typer.Option("--first-draws", min=FIRST_DRAWS, help="Draws before the first look.")
    ] = FIRST_DRAWS,
    differences: Annotated[
        bool,
        typer.Option(
            "--differences", help="Go on until every difference is precise, not only the order clear."
        ),
    ] = False,
    pilot: Annotated[
        bool,
        typer.Option("--pilot", help="Run a few draws and say how many runs which precision would take."),
    ] = False,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    levers: SetAnOption = None,
    of_reference: SetReferenceOption = None,
    study: StudyOption = None,
    prior: Annotated[
        bool, typer.Option("--prior", help="Draw parameters from their prior ranges, not from the posterior.")
    ] = False,
    to: ReportOption = None,
    force: ForceReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run until the order of options is clear or their differences are precise enough, and no longer.

    Runs go to options whose order is still open. Intervals hold although results are looked at on the way; the end
    says how many runs that saved against a fixed plan. `passaat compare --study` on the same file reuses the runs.
    """
    from passaat.experiments.analyses.replicate import replicate as run
    from passaat.experiments.design.simulator import the_model
    from passaat.experiments.reports.forms import require_form
    from passaat.experiments.reports.replicate import replication_report

    require_form(to, force=force)
    base, chosen = reference_and_options(reference, options, levers, of_reference)
    if dask is None:
        say_workload(base, budget, workers)
    warm_up()
    model = the_model(base, prior=prior)
    path = study or Path(study_name(base, seed, model.basis.kind, "replicated"))
    if model.basis.notice:
        say(model.basis.notice)
    with crew_of(workers, dask) as crew, stoppable(path, resumable=False) as bar:
        if pilot:
            found = _pilot(
                base, chosen, outcome, precision, first_draws, worlds, seed, path, model, crew, bar
            )
        else:
            result = run(
                base,
                chosen,
                outcome=outcome,
                precision=precision,
                precision_share=precision_share,
                decide=not differences,
                budget_runs=budget,
                worlds_per_draw=worlds,
                first_draws=first_draws,
                seed=seed,
                study_path=path,
                progress=bar.step,
                simulator=model,
                crew=crew,
            )
            found = Answer(lambda: [replication_report(result)], result.to_json, result.version)
    found.give(path, to, as_json=as_json)


def _pilot(
    base: Scenario,
    chosen: Sequence[Scenario],
    outcome: str,
    precision: float | None,
    draws: int,
    worlds: int,
    seed: int,
    path: Path,
    model: Simulator,
    crew: Crew,
    bar: Bar,
) -> Answer:
    """Run a few draws and say what which precision would take."""
    from passaat.experiments.analyses.replicate import pilot
    from passaat.experiments.reports.replicate import needed_report
    from passaat.experiments.results.outcomes import OutcomeInfo
    from passaat.experiments.stats.sequential import runs_needed

    found = pilot(
        base,
        chosen,
        outcome=outcome,
        draws=draws,
        worlds_per_draw=worlds,
        seed=seed,
        study_path=path,
        progress=bar.step,
        simulator=model,
        crew=crew,
    )
    wanted = [precision] if precision is not None else _precisions(found.differences)
    rows = runs_needed(found.differences, wanted, worlds=worlds, seconds_per_run=found.core_seconds_per_run)
    of = next(one for one in model.outcomes if one.name == outcome)
    about = OutcomeInfo(of.name, of.unit, of.meaning, of.better)
    data = {"outcome": outcome, "unit": of.unit, "worlds": worlds, "seed": seed, "needed": rows}
    return Answer(lambda: [needed_report(rows, about, worlds)], lambda: json_text(plain(data)), model.version)


def _precisions(differences: Mapping[str, Floats]) -> list[float]:
    """Four precisions around what the pilot has already, each half of the one before, the first a round number."""
    from passaat.experiments.stats.pairing import split_variance

    errors = [2.0 * split_variance(one).error for one in differences.values()]
    widest = max((error for error in errors if math.isfinite(error)), default=0.0)
    if widest <= 0.0:
        return [1.0]
    size = 10.0 ** math.floor(math.log10(widest))
    first = math.ceil(widest / size) * size
    return [first / 2**halves for halves in range(4)]


# --- what outcomes follow ---------------------------------------------------------------------------------------


def sensitivity(
    study: SweepArgument,
    outcomes: Annotated[
        list[str] | None,
        typer.Option(
            "--outcome", metavar="NAME", help="Outcome to analyse; repeatable; by default the main ones."
        ),
    ] = None,
    levels: Annotated[
        bool, typer.Option("--levels", help="Also the outcomes themselves, not only what options change.")
    ] = False,
    all_factors: Annotated[
        bool, typer.Option("--all", help="Show every factor, also those of little effect.")
    ] = False,
    keep: StudyOption = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    to: ReportOption = None,
    force: ForceReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say which factors the outcomes, and what options change, follow; with intervals, and luck kept apart.

    The design of the sweep decides the method: morris screens many factors cheaply, saltelli gives Sobol indices, and
    any other design, such as a Latin hypercube, main effects from given data. Shipped: what-matters and
    shares-of-variance.
    """
    from passaat.experiments.analyses.sensitivity import fewest
    from passaat.experiments.analyses.sensitivity import sensitivity as analyse
    from passaat.experiments.reports.files import named, save_beside, stem_of
    from passaat.experiments.reports.forms import require_form
    from passaat.experiments.reports.sensitivity import sensitivity_report

    require_form(to, force=force)
    table, path = _table(study, keep, workers, dask, fewest, outcomes or ())
    report = analyse(table, outcomes, levels=levels)
    part = named(*(outcomes or ()), *(["levels"] if levels else []))

    stem = stem_of(path, part)

    def figures() -> tuple[Path, ...]:
        from passaat.experiments.reports.sensitivity_figures import save_sensitivity_figures

        return save_sensitivity_figures(report, stem)

    Answer(
        lambda: [sensitivity_report(report, all_factors=all_factors)],
        report.to_json,
        report.version,
        tables=lambda: [save_beside(report.to_csv(), path, f"{part}-sensitivity".lstrip("-"))],
        draw=figures,
        stem=stem,
    ).give(path, to, as_json=as_json)


# --- where an option wins, and where it fails -------------------------------------------------------------------


def discover(
    study: SweepArgument,
    option: Annotated[
        str | None, typer.Option("--option", help="Option asked about; not needed where there is one.")
    ] = None,
    against: Annotated[str, typer.Option("--against", help="Policy that it is compared with.")] = "reference",
    outcome: OutcomeOption = MAIN_OUTCOME,
    by: Annotated[
        float,
        typer.Option(
            "--by",
            parser=amount,
            metavar="NUMBER",
            help="It must be better by more than this, in the outcome's unit.",
        ),
    ] = 0.0,
    fails_at: Annotated[
        float | None,
        typer.Option(
            "--fails-at",
            parser=amount,
            metavar="NUMBER",
            help="Ask where its own level is worse than this, instead of comparing.",
        ),
    ] = None,
    keep: StudyOption = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    to: ReportOption = None,
    force: ForceReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find the corner of the uncertainties in which an option beats another policy, or fails (PRIM and a tree)."""
    from passaat.experiments.analyses.discover import discover_in, fewest, question_of, to_csv
    from passaat.experiments.reports.discover import discovery_report
    from passaat.experiments.reports.files import named, save_beside, stem_of
    from passaat.experiments.reports.forms import require_form

    require_form(to, force=force)
    if fails_at is not None and (by != 0.0 or against != "reference"):
        raise StudyError(
            f"--fails-at {fails_at:g} asks for the option's own level, --by and --against for a comparison",
            "Leave out one of the two.",
        )

    def policies(plan: Plan) -> Sequence[str]:
        return option or _the_option(plan), against

    table, path = _table(study, keep, workers, dask, fewest, [outcome], policies)
    policy = option or _the_option(table.plan)
    if fails_at is None:
        question = question_of(table, "beats", policy, outcome, against=against, threshold=by)
    else:
        question = question_of(table, "fails", policy, outcome, threshold=fails_at)
    found = discover_in(table, question)
    if fails_at is None:
        asked = f"{policy}-beats-{against}-{outcome}" + (f"-by-{_in_name(by)}" if by else "")
    else:
        asked = f"{policy}-fails-{outcome}-at-{_in_name(fails_at)}"
    part = named(asked)
    stem = stem_of(path, part)

    def figures() -> tuple[Path, ...]:
        from passaat.experiments.reports.discover_figures import save_discovery

        return save_discovery(found, stem)

    Answer(
        lambda: [discovery_report(found)],
        found.to_json,
        found.version,
        tables=lambda: [save_beside(to_csv([found]), path, f"{part}-discovery")],
        draw=figures,
        stem=stem,
    ).give(path, to, as_json=as_json)


def _in_name(number: float) -> str:
    """A number for a file name, short where it is; other numbers have other names."""
    short = f"{number:.10g}"
    return short if float(short) == number else repr(number)


def _the_option(plan: Plan) -> str:
    """The only option of a sweep.

    Raises:
        StudyError: it has none, or several.
    """
    options = plan.option_names
    if len(options) != 1:
        raise StudyError(
            f"{plan.name} has {len(options) or 'no'} options{': ' if options else ''}{', '.join(options)}",
            "Name the one that is asked about: --option NAME."
            if options
            else "Ask of a study with an option, or of the reference itself: --option reference --fails-at VALUE.",
        )
    return options[0]


# --- cost against effect ----------------------------------------------------------------------------------------


def tradeoffs(
    study: Annotated[
        str, typer.Argument(help="Study file of a comparison or a sweep (.db), or a plan to run first.")
    ],
    outcome: OutcomeOption = MAIN_OUTCOME,
    keep: StudyOption = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    to: ReportOption = None,
    force: ForceReportOption = False,
    as_json: JsonOption = False,
) -> None:
    """Hold cost against effect: which policies are worth their cost (Pareto front), and what choosing wrongly loses.

    Of a comparison the policies are its options as they stand; of a sweep over levers, every setting of the levers.
    """
    from passaat.experiments.analyses.tradeoffs import front_csv, pareto_front, regret_csv, regret_table
    from passaat.experiments.reports.discover import front_report, regret_report
    from passaat.experiments.reports.files import named, save_beside, stem_of
    from passaat.experiments.reports.forms import require_form

    require_form(to, force=force)
    if outcome == PUBLIC_COST:
        raise StudyError(
            f"--outcome {PUBLIC_COST} is the cost that effects are held against",
            "Name an effect, such as contracts.",
        )
    judged, path = _judged(study, outcome, keep, workers, dask)
    front = pareto_front(
        judged.cost,
        judged.effect,
        judged.costs,
        judged.effects,
        common_worlds=judged.common_worlds,
        **judged.said,
    )
    regret = regret_table(judged.effect, judged.effects, common_worlds=judged.common_worlds, **judged.said)
    part = named(outcome)
    stem = stem_of(path, part)

    def tables() -> list[Path]:
        return [
            save_beside(front_csv(front), path, f"{part}-front"),
            save_beside(regret_csv([regret]), path, f"{part}-regret"),
        ]

    def figures() -> tuple[Path, ...]:
        from passaat.experiments.reports.discover_figures import save_tradeoffs

        return save_tradeoffs(front, regret, stem)

    Answer(
        lambda: [front_report(front), regret_report(regret)],
        lambda: json_text({"front": front.to_dict(), "regret": regret.to_dict()}),
        front.version,
        tables=tables,
        draw=figures,
        stem=stem,
    ).give(path, to, as_json=as_json)


@dataclass(frozen=True)
class _Judged:
    """Costs and effects by policy, each of shape (n_draws, n_worlds), and what is told with them.

    ``common_worlds``: whether all draws share their worlds.
    """

    cost: OutcomeInfo
    effect: OutcomeInfo
    costs: Mapping[str, Floats]
    effects: Mapping[str, Floats]
    common_worlds: bool
    said: Said


def _judged(
    study: str, outcome: str, keep: Path | None, workers: int | None, dask: str | None
) -> tuple[_Judged, Path]:
    """What a comparison or a sweep says of cost and effect."""
    from passaat.experiments.analyses.tradeoffs import has_common_worlds, of_sweep, policies_in_words
    from passaat.experiments.study.study import Study

    path = Path(study)
    if _is_study_file(path):
        with Study.read(path) as opened:
            kind = opened.meta("kind")
        if kind == "comparison":
            return _judged_comparison(path, outcome), path
    table, path = _table(study, keep, workers, dask, outcomes=[outcome])
    cost, effect = table.outcome(PUBLIC_COST), table.outcome(outcome)
    costs, effects = of_sweep(table, PUBLIC_COST), of_sweep(table, outcome)
    said = _said(table, named_by=policies_in_words(table))
    return _Judged(cost, effect, costs, effects, has_common_worlds(table), said), path


def _said(found: SweepTable | StoredValues, named_by: str = "") -> Said:
    return {
        "version": found.version,
        "drawn_from": found.drawn_from,
        "uncalibrated": found.uncalibrated,
        "named_by": named_by,
    }


def _judged_comparison(path: Path, outcome: str) -> _Judged:
    """Values of a comparison, read from its file; nothing is run.

    Raises:
        StudyError: no such outcome, or a policy without any run.
    """
    from passaat.experiments.analyses.stored import comparison_values
    from passaat.experiments.analyses.tradeoffs import of_comparison

    found = comparison_values(path)
    _say_missing(found.n_missing, path)
    cost, effect = found.outcome(PUBLIC_COST), found.outcome(outcome)
    costs, effects = of_comparison(found.values, PUBLIC_COST), of_comparison(found.values, outcome)
    return _Judged(cost, effect, costs, effects, False, _said(found))


def _is_study_file(path: Path) -> bool:
    """Whether a study is meant and not a plan: by the file itself, and by its name where there is none."""
    from passaat.experiments.study.connection import is_study

    return path.suffix == ".db" or is_study(path)


def _say_missing(missing: int, path: Path) -> None:
    if missing:
        makes = command("passaat", "resume", path)
        say(f"{missing:,} runs of {path} are missing and left out; `{makes}` makes them.")


def _table(
    study: str,
    keep: Path | None,
    workers: int | None,
    dask: str | None,
    fewest: Callable[[Plan], int] = lambda plan: 1,
    outcomes: Sequence[str] = (),
    policies: Callable[[Plan], Sequence[str]] = lambda plan: (),
) -> tuple[SweepTable, Path]:
    """The table of a study file that exists, or of a plan that is run first; what it cannot answer is not run.

    Args:
        fewest: the smallest ``size`` of a plan that can answer.
        outcomes: names that are asked about; policies: the same, of a plan.

    Raises:
        StudyError: a plan too small, or without an outcome or policy that is asked about.
    """
    from passaat.experiments.analyses.sweep import load_table, simulator_for
    from passaat.experiments.design.plan_files import read_plan

    path = Path(study)
    if _is_study_file(path):
        if keep is not None:
            raise StudyError(
                f"--study {keep}: {path} is a study file already, and is only read",
                "Leave out --study; `passaat extend` makes a study larger.",
            )
        table = load_table(path)
        _say_missing(table.n_missing, path)
        _require_size(table.plan, fewest(table.plan), path)
        return table, path
    plan = read_plan(study)
    path = keep or Path(f"{plan.name}.db")
    known = [one.name for one in simulator_for(plan).outcomes]
    asked = dict.fromkeys(policies(plan))
    problems = [unknown_name("outcome", name, known) for name in outcomes if name not in known]
    problems += [unknown_name("policy", name, plan.policies) for name in asked if name not in plan.policies]
    if problems:
        raise StudyError(problems, "Use names of policies and outcomes of the sweep.")
    _require_size(plan, fewest(plan), path, study)
    with crew_of(workers, dask) as crew:
        return run_sweep(plan, path, crew), path


def _require_size(plan: Plan, fewest: int, path: Path, source: str = "") -> None:
    """Refuse a plan that is too small for a question, before it is run or after.

    Args:
        path: where its study is, or would be; source: the plan file, where there is one.

    Raises:
        StudyError: it is smaller than ``fewest``; with what makes it large enough.
    """
    from passaat.experiments.design.plan import COUNTED
    from passaat.experiments.study.connection import is_study

    if plan.size >= fewest:
        return
    if plan.method in COUNTED:
        more = "more rows to the list" if plan.method == "list" else "more values to its factors"
        way_out = (
            f'Give {more}, or write method = "latin-hypercube" and points = {fewest} under [design], and keep it in a'
            " study file of its own."
        )
    elif is_study(path):
        way_out = f"Make the study larger, and ask it: `{command('passaat', 'extend', path, '--points', str(fewest))}`."
    else:
        way_out = f"Write points = {fewest} under [design] of {source}."
    raise StudyError(
        f"points = {plan.size} of {plan.name} are too few for this question; it needs {fewest} or more",
        way_out,
    )
