"""Errors a user can act on.

Every error raised on purpose by passaat is a :class:`PassaatError`. It lists *all* problems found, each
with the offending name and value and what is allowed, and ends with the way out. The parts are attributes
as well, so that a dashboard or a test can read them without taking the text apart. The command line prints
the error as one block and ends with exit code 2.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

__all__ = [
    "EvidenceError",
    "ModelError",
    "PassaatError",
    "ScenarioError",
    "StudyError",
    "command",
    "unknown_name",
]


class PassaatError(Exception):
    """Something the user asked for cannot be done.

    Parameters
    ----------
    problems : one sentence, or one sentence per problem; each names the offender, its value and what
        is allowed.
    hint : the way out, one sentence; may be empty.
    """

    problems: tuple[str, ...]
    hint: str

    def __init__(self, problems: str | Iterable[str], hint: str = "") -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        self.hint = hint
        super().__init__(self.problems, hint)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            lines = [self.problems[0]]
        else:
            lines = [f"{len(self.problems)} problems:", *(f"  - {problem}" for problem in self.problems)]
        if self.hint:
            lines.append(f"Way out: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[type[PassaatError], tuple[tuple[str, ...], str]]:
        """Survive the trip between worker processes unchanged."""
        return type(self), (self.problems, self.hint)


class ScenarioError(PassaatError):
    """A scenario, an option or a lever value cannot be used."""


class StudyError(PassaatError):
    """A study file cannot be written, read or continued."""


class EvidenceError(PassaatError):
    """A row of the evidence breaks the schema, or an id does not exist."""


class ModelError(PassaatError):
    """A run cannot go on; for example a table is full, and the message names its bound."""


def unknown_name(what: str, name: str, valid: Sequence[str], *, listing: bool = True) -> str:
    """Say that `name` is no valid `what`, guess what was meant, and with `listing` list the valid names.

    >>> unknown_name("lever", "folow_up_years", ["follow_up_years", "assessors"])
    "unknown lever 'folow_up_years'; did you mean 'follow_up_years'? Valid: assessors, follow_up_years"
    """
    if len(name) > 100:
        name = f"{name[:10]}…{name[-3:]} ({len(name):,} characters)"
    text = f"unknown {what} {name!r}"
    near = difflib.get_close_matches(name.lower(), valid, n=2, cutoff=0.6)
    if not near and not listing:  # where no list follows, what is nearest helps even if it is not very near
        holding = [one for one in valid if len(name) > 2 and name.lower() in one]
        near = holding[:2] or difflib.get_close_matches(name.lower(), valid, n=1, cutoff=0.45)
    if near:
        text += "; did you mean " + " or ".join(repr(guess) for guess in near) + "?"
    else:
        text += "."
    if listing:
        text += " Valid: " + ", ".join(sorted(valid))
    return text


def command(*words: str | PurePath) -> str:
    """A command line that can be pasted into sh, zsh and PowerShell, and means these very words.

    Words of other characters than letters, digits and ``_ . / : = + -`` are quoted; a path that starts with "-" is
    written with "./" before it, so that no program takes it for an option.

    >>> command("passaat", "check", PurePath("my file.toml"))
    "passaat check 'my file.toml'"
    """
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str | PurePath) -> str:
    text = str(word)
    if isinstance(word, PurePath) and text.startswith("-"):
        text = f"./{text}"
    if re.fullmatch(r"[A-Za-z0-9_./:+-]+(=[A-Za-z0-9_./:+-]*)?", text):
        return text
    if "'" not in text:
        return f"'{text}'"
    if not re.search(r'["$`\\!]', text):
        return f'"{text}"'
    return (
        "'" + text.replace("'", "'\\''") + "'"
    )  # one form cannot serve all shells here: this is sh's and zsh's
