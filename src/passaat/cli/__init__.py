"""The command line: one module for each group of commands, and what they share in ``parts``.

Each command parses, calls the Python interface that anybody can call, and prints. Heavy parts are imported inside
the command that needs them, so that help and lever tables appear at once. Results go to standard output, messages
and progress to standard error. An error a user can act on ends with exit code 2, Ctrl-C with 130; docs/output.md
has them all.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from passaat.cli import analysing, calibrating, comparing, evidence, levers, running, scenarios, studies
from passaat.cli.parts import (
    EXIT_INTERRUPTED,
    EXIT_NOT_PRINTED,
    EXIT_OUTPUT_CLOSED,
    EXIT_REFUSED,
    print_json,
    print_lines,
    say,
    say_error,
)
from passaat.errors import PassaatError, command
from passaat.scenarios.reading import character, plain_dashes, shown_name

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
            say("Stopped.")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except OSError as error:
            raise typer.Exit(_said_of(error)) from None


def _said_of(error: OSError) -> int:
    """Say in one line what the system refuses, and give the exit code for it.

    Files that we write name themselves in errors of our own; what has no file name here is the output.
    """
    if error.filename is not None:
        too_long = error.errno == errno.ENAMETOOLONG
        way_out = "Choose a shorter name." if too_long else "Choose another name, or mend what is in its way."
        say_error(PassaatError(f"{error.filename}: {error.strerror}", way_out))
        return EXIT_REFUSED
    if isinstance(error, BrokenPipeError):
        say("The output was closed before all was printed.")
        return EXIT_OUTPUT_CLOSED
    say(f"Error: not all was printed ({error.strerror or error}).")
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
        from passaat.cli.version import fingerprints

        made = provenance.here(fingerprints())
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


# Looking things up


# A user's own scenario


for _room in (comparing, running, calibrating, levers, evidence, scenarios, studies, analysing):
    _room.add_commands(app)


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
        say("Stopped.")
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
