"""What a thing goes by: every fingerprint of the project is made here, from texts, whole numbers and rounded numbers.

The last bits of a computed number depend on the processor, the system's mathematics and the versions of libraries; an
identity made of them would tell a fresh clone on another machine that its own results are somebody else's. So a real
number enters a fingerprint as a text of nine significant digits. Two numbers that differ by a millionth differ there;
the last place of a double, some seven digits further on, is never seen.

Hashes of exact bits exist as well, in tests alone (``tests/exact_bits.json``): there they prove that the model itself
gives the same bits everywhere.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIGNIFICANT_DIGITS: Final = 9
"""Digits of a number that enter a fingerprint."""

_PAST_THE_MIDDLE: Final = 1.0 + 2e-11
"""Takes a number of ten digits that ends in a five to one side of the middle: far more than its last bits, far less
than the ninth digit."""


def number_text(value: float) -> str:
    """A number as fingerprints see it: nine significant digits, a whole number and minus zero like plain numbers.

    ``1.0``, ``1`` and ``0.9999999999`` are all "1": what is written differently and is the same, is the same. A number
    half-way between two texts, as an amount of ten digits that ends in a five, goes away from zero, and not where its
    last bit lies.
    """
    text = f"{float(value) * _PAST_THE_MIDDLE:.{SIGNIFICANT_DIGITS}g}"
    return "0" if text == "-0" else text


def text_of(value: object) -> str:
    """Plain data as one text: the same for equal data, whatever the order of keys and the last bits of numbers.

    Args:
        value: None, truth values, texts, numbers, and lists, tuples, arrays and dictionaries of these, in any depth.
            Whole numbers keep every digit.

    Raises:
        TypeError: anything else, whose text might change without its meaning changing.
    """
    if value is None or isinstance(value, bool | np.bool_):
        return json.dumps(None if value is None else bool(value))
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return number_text(float(value))
    if isinstance(value, np.ndarray):
        return text_of(value.tolist())
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{text_of(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(text_of, value)) + "]"
    raise TypeError(
        f"{type(value).__name__} has no place in a fingerprint: give texts, numbers, lists or dictionaries"
    )


def column_text(values: NDArray[Any]) -> str:
    """A column of numbers as fingerprints see it: its total, and its total with each row counted as often as its place
    says, so that rows which change places are seen.

    Two numbers instead of thousands: among thousands of numbers some lie, by chance, so near the middle between two
    texts of nine digits that a last bit would move them to the other. Real numbers are added with one rounding at the
    end, so that the order of adding, which libraries choose, plays no part; whole numbers are added as 64 bits.

    Args:
        values: real or whole numbers of any shape, read in the order of their memory.

    Raises:
        OverflowError, ValueError: real numbers that have no total, such as infinities of both signs.
    """
    flat = np.asarray(values).ravel()
    place = np.arange(1, len(flat) + 1)
    if flat.dtype.kind == "f":
        return f"{number_text(math.fsum(flat))} {number_text(math.fsum(flat * place))}"
    return f"{int(flat.sum())} {int((flat * place).sum())}"


def fingerprint(value: object, digits: int = 16) -> str:
    """So many hexadecimal digits that change when plain data do, as ``text_of`` sees them.

    Raises:
        TypeError: as ``text_of``.
    """
    return fingerprint_of_text(text_of(value), digits)


def fingerprint_of_text(text: str, digits: int = 16) -> str:
    """So many hexadecimal digits that change when a text does; line ends count as one kind."""
    plain = text.replace("\r\n", "\n")
    # What is no text of its own, as a name of a file with bytes of another encoding, has one all the same.
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=digits // 2).hexdigest()


def scenario_fingerprint(text: str, digits: int = 16) -> str:
    """As ``fingerprint_of_text``, with the hash function by which scenarios went in 0.1.0, so that studies made then
    are still found to hold the scenarios that they say.
    """
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:digits]


def whole_number(text: str, bits: int = 63) -> int:
    """A whole number in [0, 2^bits) that a text stands for: a seed that depends on what it is for and on nothing
    else.
    """
    n_bytes = -(-bits // 8)
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=n_bytes).digest()
    return int.from_bytes(digest, "big") >> (8 * n_bytes - bits)
