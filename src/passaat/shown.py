"""Text that users wrote, as it may be shown: what a screen would obey or hide is spelled out.

A title or a file name may hold an escape sequence that repaints the window, a line end that forges a message, or a
mark that turns the reading direction round. Wherever text goes to a screen or into a figure, these are shown as
Python writes them, such as ``\\x1b``; everything else is shown as it was written.
"""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["json_shown", "shown"]

_OBEYED: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode: control, format (bidi marks, zero width), half a pair, ends of lines and paragraphs."""

_JOINERS: Final = "\u200c\u200d\u00ad"
"""Format characters that words in some scripts, and hyphenation, cannot do without."""


def shown(text: str, *, lines: bool = False) -> str:
    r"""Text without what a screen would obey; with ``lines`` its line ends stay.

    >>> shown("Fees\x1b[2J of 5 %\n")
    'Fees\\x1b[2J of 5 %\\n'
    """
    if text.isprintable():
        return text
    return "".join(_spelled(letter) if _is_obeyed(letter, lines) else letter for letter in text)


def json_shown(text: str) -> str:
    """JSON that means the same, with what a screen would obey written as JSON escapes."""
    if text.isascii():
        return text
    return "".join(
        letter if letter.isascii() or not _is_obeyed(letter, lines=True) else _json_escape(letter)
        for letter in text
    )


def _is_obeyed(letter: str, lines: bool) -> bool:
    if letter in _JOINERS or (lines and letter == "\n"):
        return False
    return unicodedata.category(letter) in _OBEYED


def _spelled(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def _json_escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
