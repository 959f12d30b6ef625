"""What the commands share: options, loading, progress and printing."""

from __future__ import annotations

import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from passaat.errors import PassaatError, ScenarioError, StudyError, command
from passaat.json_text import json_text, plain
from passaat.scenarios.levers import LEVER_HINT, LEVERS, LeverSetting, lever
from passaat.scenarios.reading import NumberError, Quantity, read_number, shown_name
from passaat.shown import json_shown, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from passaat.experiments.reports.blocks import Report
    from passaat.experiments.run.crew import Crew
    from passaat.experiments.run.runner import Progress
    from passaat.scenarios.scenario import Scenario

EXIT_REFUSED = 2
EXIT_NOT_PRINTED = 74
EXIT_INTERRUPTED = 130
EXIT_OUTPUT_CLOSED = 141
PIPED_WIDTH = 120
PIPED_WIDTH_OF_RUNS = 160
LARGEST_SEED = 2**63 - 1
FOUR_OPTIONS = ("stricter-selection", "go-no-go", "follow-up", "sme-focus")


OLD_OPTIONS: Final = {"--cluster": "--dask"}
"""Options that were renamed, old name first: accepted for a release, with a word."""


class Command(TyperCommand):
    """A command that knows its options by their old names, too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        known = {name for one in self.get_params(ctx) for name in one.opts}
        renamed = {old: new for old, new in OLD_OPTIONS.items() if new in known and old not in known}
        return super().parse_args(ctx, [_by_its_new_name(one, renamed) for one in args])


def _by_its_new_name(argument: str, renamed: Mapping[str, str]) -> str:
    """An argument as it is; of an option that was renamed, its new name and a word on it."""
    option, equals, value = argument.partition("=")
    if option not in renamed:
        return argument
    say(f"{option} is now called {renamed[option]}; the next release no longer knows the old name.")
    return f"{renamed[option]}{equals}{value}"


class ListCommand(Command):
    """Accepts `--options a b c` as well as `--options a --options b --options c`, and says where options belong."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, spread("--options", args))
        if ctx.args:
            named = [*ctx.args, *(ctx.params.get("options") or ())]
            first = next(
                ctx.params[one.name] for one in self.get_params(ctx) if one.param_type_name == "argument"
            )
            raise ScenarioError(
                f"options go behind --options, and {', '.join(ctx.args)} does not",
                command("passaat", ctx.info_name, first, "--options", *named),
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


def lever_epilog() -> str:
    """The levers and their ranges, for the end of a help text."""
    width = max(map(len, LEVERS))
    lines = [f"  {name:<{width}}  {entry.allowed}" for name, entry in LEVERS.items()]
    return "\n".join(["\b", "Levers for --set lever=value (`passaat levers NAME` explains one):", *lines])


ScenarioArgument = Annotated[str, typer.Argument(help="Shipped name, such as pib, or path of a .toml file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="LEVER=VALUE", help="Move a lever from the decision window on; repeatable."
    ),
]
SetAnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="LEVER=VALUE",
        help="Compare an option that moves this lever, VALUE or YEAR:VALUE,YEAR:VALUE; repeatable.",
    ),
]
SetReferenceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set-reference",
        metavar="LEVER=VALUE",
        help="Move a lever in the reference, and so under every option that does not set it; repeatable.",
    ),
]
OptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--options",
        metavar="NAME...",
        help="Option scenarios, names or paths, separated by spaces; a+b is b on top of a.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON: the same bytes for the same run.")]
ReportOption = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Also write the report to this file: .md, .json or .csv."),
]
DetailsOption = Annotated[
    bool, typer.Option("--details", help="Print every table, not only the answer in brief.")
]
ForceReportOption = Annotated[bool, typer.Option("--force", help="Overwrite the file behind --to.")]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of worlds and parameter draws.")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Parallel threads; changes the time, never the result.")
]


DaskOption = Annotated[
    str | None,
    typer.Option("--dask", metavar="ADDRESS", help="Let the workers of Dask run it: tcp://HOST:8786."),
]


@contextmanager
def crew_of(workers: int | None, dask: str | None) -> Iterator[Crew]:
    """Who carries out the runs: threads here, or the workers of Dask.

    Raises:
        StudyError: both asked for, or a scheduler that does not answer.
    """
    from passaat.experiments.run.crew import Threads
    from passaat.experiments.run.dask import DaskWorkers

    if dask is None:
        yield Threads(workers)
        return
    if workers is not None:
        raise StudyError(
            f"--workers {workers} and --dask {dask} were both given",
            "Leave out --workers: Dask has the workers that it has.",
        )
    with DaskWorkers(dask) as crew:
        yield crew


def load(name: str, kind: str | None = None) -> Scenario:
    from passaat.scenarios.loading import load_scenario

    return load_scenario(name, kind)


def load_options(names: Iterable[str]) -> list[Scenario]:
    """Options by name or path; "a+b" is b on top of a, and what b overrides of a is said.

    Raises:
        ScenarioError: as ``scenarios.stacking.load_option``, or two of the same name.
    """
    from passaat.scenarios.stacking import option_parts, overridden, require_once, stack

    chosen = []
    for name in names:
        parts = option_parts(name)
        chosen.append(stack(parts))
        say_each(overridden([(part.name, part.levers) for part in parts]))
    require_once(chosen)
    return chosen


def reference_and_options(
    reference: str,
    names: Sequence[str] | None,
    settings: list[str] | None,
    of_reference: list[str] | None,
    usual: Sequence[Scenario] = (),
) -> tuple[Scenario, list[Scenario]]:
    """What is compared: ``--set`` is an option of its own, ``--set-reference`` moves the reference.

    Without options and without ``--set`` those in ``usual`` are taken, and where there are none the four options of the
    main comparison. What the options say that moves nothing, and what they override, is said on the way.

    Raises:
        ScenarioError: a scenario or a setting that cannot be read.
    """
    from passaat.scenarios.effects import idle_settings, same_content
    from passaat.scenarios.stacking import option_of_levers, overridden

    base = load(reference, "reference")
    by_hand = settings_of(of_reference, "--set-reference")
    base = base.with_levers(by_hand) if by_hand else base
    left_out = not names and not settings
    chosen = list(usual) if left_out and usual else load_options(FOUR_OPTIONS if left_out else names or ())
    levers = settings_of(settings)
    if levers:
        mine = option_of_levers(levers)
        chosen.append(mine)
        say(
            f"New in this release: --set is an option of its own, {mine.name}, beside the reference as it is;"
            " --set-reference moves the reference, as --set did before."
        )
    for option in chosen:
        say_each(overridden([("--set-reference", by_hand), (option.name, option.levers)]))
        say_each(idle_settings(base, option))
    say_each(same_content(base, chosen))
    return base, chosen


def study_name(base: Scenario, seed: int, drawn_from: str, *more: str) -> str:
    """A default file name that differs where the study differs: only a shipped reference as it is, with posterior
    draws, goes by its name alone; one that was edited, or in which levers were set, carries its fingerprint, and
    one with prior draws says so. ``more`` are words at its end.
    """
    from passaat.scenarios.loading import load_scenario, shipped_names

    shipped = base.name in shipped_names() and load_scenario(base.name).hash == base.hash
    parts = [base.name]
    parts += [] if shipped else [base.hash[:8]]
    parts += ["prior"] if drawn_from == "prior" else []
    parts += [f"seed{seed}"] if seed != 1 else []
    return "-".join([*parts, *more]) + ".db"


def load_with_levers(name: str, settings: list[str] | None, kind: str) -> Scenario:
    """The scenario with --set applied."""
    scenario = load(name, kind)
    chosen = settings_of(settings)
    return scenario.with_levers(chosen) if chosen else scenario


def amount(text: str | float) -> float:
    """An amount in the unit of an outcome, EUR or a count, as typed behind an option.

    Raises:
        typer.BadParameter: no number, or one that can be read in two ways.
    """
    return _number(text, Quantity("EUR"))


def share(text: str | float) -> float:
    """A share of one, as typed behind an option.

    Raises:
        typer.BadParameter: no number, or one that can be read in two ways.
    """
    return _number(text, Quantity("share"))


def _number(text: str | float, of: Quantity) -> float:
    try:
        return read_number(str(text), of)  # a default comes as the number that it is
    except NumberError as error:
        raise typer.BadParameter(f"{shown_name(str(text))}: {error.advice(str)}") from None


def settings_of(texts: Iterable[str] | None, flag: str = "--set") -> dict[str, LeverSetting]:
    """Read `lever=value` texts; a value may have years, as in `lever=2019:4200000,2021:5000000`.

    Raises
    ------
    ScenarioError : no "=", an unknown lever, a lever set twice, a value of the wrong type or out of range, or a
        number that can be read in two ways.
    """
    chosen: dict[str, LeverSetting] = {}
    problems: list[str] = []
    for text in texts or ():
        name, equals, value = text.partition("=")
        try:
            if not equals:
                raise ValueError(f"{flag} {text} has no value; write {flag} lever=value")
            if name.strip() in chosen:
                raise ValueError(f"lever {name.strip()} is set twice")
            entry = lever(name.strip())
            chosen[entry.name] = entry.parse_setting(value, flag)
        except ValueError as error:
            problems.append(str(error))
        except ScenarioError as error:
            problems.extend(error.problems)
    if problems:
        raise ScenarioError(problems, LEVER_HINT)
    return chosen


def print_json(value: Any) -> None:
    print_json_text(json_text(plain(value), sort_keys=True))


def print_json_text(text: str) -> None:
    """Print JSON, which may hold what users wrote; nothing in it moves the cursor of a terminal."""
    typer.echo(json_shown(text), nl=False)


def print_lines(lines: Iterable[str]) -> None:
    """Print sentences on standard output: broken between words on a terminal, as they are when piped."""
    if sys.stdout is None or not sys.stdout.isatty():
        for line in lines:
            typer.echo(shown(line))
        return
    console = make_console()
    for line in lines:
        console.print(shown(line))


def make_console(piped_width: int = PIPED_WIDTH) -> Console:
    """A rich console on standard output; plain and of a fixed width when piped."""
    from passaat.screen import Screen

    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    return Screen(width=None if on_terminal else piped_width)


def make_table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def print_table(table: Table) -> None:
    """Print a table, of which no cell is ever cut."""
    from passaat.screen import Whole

    make_console().print(Whole(table))


def say(message: str) -> None:
    """One line beside the result: on standard error; where that is closed or full, nobody is to be told."""
    with suppress(OSError):
        typer.echo(shown(message), err=True)


def say_error(error: PassaatError) -> None:
    """One line for each problem and the way out, whatever the names in them hold and however long they are."""
    short = [re.sub(r"[^\s/\\]{101,}", lambda name: shown_name(name[0]), one) for one in error.problems]
    plain = PassaatError([shown(problem) for problem in short], shown(error.hint))
    for line in f"Error: {plain}".split("\n"):
        say(line)


Saving = tuple[str, Callable[[], Iterable[Path]]]
"""What is written, such as "Table", and how."""


@dataclass(frozen=True)
class Answer:
    """What a command found, and what of it goes where.

    Attributes:
        reports: what is printed, in order, and what is written to the file behind --to.
        to_json: what is printed with --json.
        version: of the model that made the results, which is said where it is another one; empty where it is this one.
        tables: writes the tables beside the study.
        draw: writes the figures beside the study, each as PNG and SVG.
        stem: how the names of the figures begin; figures: their files, where these are known beforehand.
        title: of the file behind --to, where it is not that of the first report.
        said_before: lines above the reports.
        in_full: what is written to the file behind --to, where it is more than what is printed.
    """

    reports: Callable[[], Sequence[Report]]
    to_json: Callable[[], str]
    version: str = ""
    tables: Callable[[], Iterable[Path]] | None = None
    draw: Callable[[], Sequence[Path]] | None = None
    stem: Path = Path()
    figures: Sequence[Path] = ()
    title: str = ""
    said_before: Sequence[str] = ()
    in_full: Callable[[], Sequence[Report]] | None = None

    def give(
        self, study: Path | None, to: Path | None, *, as_json: bool = False, columns: int | None = None
    ) -> None:
        """Write and print it: ``save_and_show``; ``columns`` are those of a wide report.

        Raises:
            StudyError: as ``save_and_show``.
        """
        drawn: list[Path] = []

        def figures(draw: Callable[[], Sequence[Path]]) -> list[Path]:
            import_matplotlib()
            drawn.extend(draw())
            return drawn

        def report(path: Path) -> list[Path]:
            from passaat.experiments.reports.blocks import Sentence
            from passaat.experiments.reports.forms import figures_in, joined, save_report

            before = tuple(map(Sentence, self.said_before))
            after = figures_in(path, self.stem, drawn or self.figures)
            return [save_report(joined((self.in_full or self.reports)(), before, after, self.title), path)]

        def show() -> None:
            if as_json:
                print_json_text(self.to_json())
                return
            from passaat.experiments.reports.terminal import PLAIN_WIDTH, print_report

            console = make_console(columns or PIPED_WIDTH)
            for line in self.said_before:
                console.print(line)
            for one in self.reports():
                print_report(one, console, most=console.width if columns else PLAIN_WIDTH)
            if self.version:
                print_version(self.version)

        files: list[Saving] = []
        if self.tables is not None:
            files.append(("Table", self.tables))
        if self.draw is not None:
            files.append(("Figure", partial(figures, self.draw)))
        if to is not None:  # last, so that it names the figures that are there
            files.append(("Report", partial(report, to)))
        save_and_show(study, files, show)


def save_and_show(study: Path | None, files: Sequence[Saving], show: Callable[[], None]) -> None:
    """Write tables and figures first, then show the result, then say where everything is.

    What was written is kept and said also where the reader of the output has gone away. Where a study is read from a
    place in which nothing can be written, that is one line, and the result is shown.

    Raises:
        StudyError: files cannot be written for another reason; the result was shown before.
    """
    from passaat.experiments.reports.files import ReadOnlyPlaceError

    said = [] if study is None else [f"Study: {study}"]
    failed: list[StudyError] = []
    for kind, write in files:
        try:
            with _warnings_as_messages() as messages:
                for path in write():
                    said.append(f"{kind}: {path}")
            said += messages
        except StudyError as error:
            failed.append(error)
    try:
        show()
    except OSError:
        said += [] if failed else ["These files are complete."]
        raise
    finally:
        for line in said:
            say(line)
    if failed and all(isinstance(error, ReadOnlyPlaceError) for error in failed):
        say(f"Tables and figures are not saved: the folder of {study} may only be read.")
    elif failed:
        raise StudyError([problem for error in failed for problem in error.problems], failed[0].hint)


@contextmanager
def _warnings_as_messages() -> Iterator[list[str]]:
    """What figures warn of, each once, as sentences; other warnings go their way."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    for warning in caught:
        if type(warning.message).__name__ == "FontWarning":
            text = f"{str(warning.message).capitalize()}; boxes stand for it in the figures."
            if text not in messages:
                messages.append(text)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def import_matplotlib() -> None:
    """Import matplotlib without the settings that its user has for other programs, over which it could stumble.

    Raises:
        StudyError: a settings file that it reads in any case cannot be read.
    """
    for name in ("MPLBACKEND", "MATPLOTLIBRC"):  # this process draws no other figures
        os.environ.pop(name, None)
    try:
        import matplotlib  # noqa: F401 - to see whether it can be
    except (OSError, ValueError) as error:
        raise StudyError(
            f"figures cannot be drawn: matplotlib cannot read its settings ({error})",
            "Mend or remove the file matplotlibrc in this folder or among your settings.",
        ) from None


def say_each(messages: Iterable[str]) -> None:
    """Sentences beside the result, one a line, each with its full stop."""
    for message in messages:
        say(f"{shown(message)}.")


def say_workload(reference: Scenario, runs: int, workers: int | None = None) -> None:
    """Say what long or large work takes, before it starts.

    Raises:
        StudyError: it cannot fit into this machine's memory.
    """
    from passaat.experiments.run.workload import workload

    work = workload(reference, runs, workers)
    work.require_memory()
    if work.is_large:
        say(work.in_words())


def print_version(version: str) -> None:
    """Print, below the results of another version, whose they are; nothing below one's own."""
    from passaat import __version__

    if version != __version__:
        print_lines(
            [f"Results of model {version}, as it computed them. This is {__version__}: its own may differ."]
        )


def warm_up() -> None:
    """Load the compiled model, saying so on a terminal when it has to be compiled first."""
    from passaat.model.engine.ready import warm_up as make_ready

    make_ready(say if sys.stderr.isatty() else be_silent)


def be_silent(message: str) -> None:
    """For output that is piped: progress stays quiet."""


class Bar:
    """A progress bar on standard error: only on a terminal, and only once a job has taken a second."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, now: Progress) -> None:
        """Show how far a study is."""
        self.show(now.stage, now.done, now.total)

    def show(self, stage: str, done: int, total: int) -> None:
        """Show how many runs of a stage are done."""
        if not sys.stderr.isatty() or time.monotonic() - self._start < 1:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(shown(stage), total=total)
        self._bar.update(self._tasks[stage], completed=done, total=total)
