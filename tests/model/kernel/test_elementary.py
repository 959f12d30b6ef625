"""``exp`` and ``log``: at most one unit in the last place off, the same bits everywhere, and no other function left.

The truth comes from mpmath, which computes with as many digits as it is asked for. A unit is counted between the
result and the double nearest to the truth: neighbours are one apart, also among subnormal numbers and at infinity.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from mpmath import libmp
from numba import njit
from numpy.typing import NDArray

from passaat.calibration.priors import priors
from passaat.model import outcomes, schedule
from passaat.model.engine import compiled, judging, ready
from passaat.model.kernel import elementary_tables
from passaat.model.kernel.elementary import exp, exp_of_each, log, log_of_each
from passaat.model.parameters import PARAMETERS

Floats = NDArray[np.float64]

LARGEST: Final = sys.float_info.max
SMALLEST: Final = 5e-324
SMALLEST_NORMAL: Final = sys.float_info.min
EXP_OVERFLOWS: Final = 709.782712893384
"""The largest number whose power is finite."""
EXP_VANISHES: Final = -745.1332191019411
"""The smallest number whose power is above zero."""

OF_EACH: Final = {"exp": exp_of_each, "log": log_of_each}
ONE: Final = {"exp": exp, "log": log}
TRUE: Final[dict[str, Callable[..., Any]]] = {"exp": libmp.mpf_exp, "log": libmp.mpf_log}


@njit(cache=False)
def _exp_compiled(values: Floats) -> Floats:
    return np.array([exp(x) for x in values])


@njit(cache=False)
def _log_compiled(values: Floats) -> Floats:
    return np.array([log(x) for x in values])


COMPILED: Final = {"exp": _exp_compiled, "log": _log_compiled}


def nearest(name: str, values: Floats) -> Floats:
    """The doubles nearest to the true results, for finite arguments (positive ones of the logarithm)."""
    function = TRUE[name]
    # 150 binary digits, then 53: the results that lie closest to the middle between two doubles need about 120.
    return np.array([_as_float(function(libmp.from_float(x), 150, "n")) for x in values.tolist()])


def _as_float(number: Any) -> float:
    """The nearest double of a number of mpmath, subnormal numbers and infinity included."""
    sign, digits, power, _ = number
    if not digits:
        return 0.0
    whole = int(digits)
    beyond = max(whole.bit_length() - 53, -1074 - power)
    if beyond > 0:
        kept, rest = whole >> beyond, whole & ((1 << beyond) - 1)
        half = 1 << (beyond - 1)
        whole, power = kept + (rest > half or (rest == half and kept & 1)), power + beyond
    size = math.inf if whole.bit_length() + power > 1024 else math.ldexp(float(whole), power)
    return -size if sign else size


def places(values: Floats) -> NDArray[np.int64]:
    """Where each double stands in the row of all doubles, zero at 0."""
    bits = values.view(np.int64)
    return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)


def units_off(name: str, values: Floats) -> NDArray[np.int64]:
    """How many doubles each result lies from the one nearest to the truth."""
    apart: NDArray[np.int64] = np.abs(places(OF_EACH[name](values)) - places(nearest(name, values)))
    return apart


def arguments(name: str, n: int, seed: int) -> Iterator[Floats]:
    """Random arguments, ``n`` in all: over the whole range, where rules work, and where the method changes."""
    draws, part = np.random.default_rng(seed), n // 5
    if name == "exp":
        yield draws.uniform(EXP_VANISHES, EXP_OVERFLOWS, part)
        yield draws.uniform(-1.0, 1.0, part)
        yield draws.normal(0.0, 5.0, part)
        yield draws.uniform(EXP_VANISHES, -708.0, part)
        yield 2.0 ** draws.uniform(-60.0, 9.0, part) * draws.choice([-1.0, 1.0], part)
    else:
        yield draws.integers(1, np.float64(LARGEST).view(np.int64), part).view(np.float64)
        yield draws.uniform(0.0, 3.0, part)
        yield draws.uniform(0.93, 1.07, part)
        yield 1.0 + 2.0 ** draws.uniform(-53.0, -1.0, part) * draws.choice([-1.0, 1.0], part)
        yield draws.integers(1, np.float64(SMALLEST_NORMAL).view(np.int64), part).view(np.float64)


def neighbours(values: list[float], each: int = 40) -> Floats:
    """Each value with the doubles next to it, so many on either side."""
    around = np.arange(-each, each + 1)
    found = [np.float64(abs(x)).view(np.int64) + around for x in values]
    return np.concatenate(
        [np.copysign(np.maximum(row, 0).view(np.float64), x) for row, x in zip(found, values, strict=True)]
    )


def joints(name: str) -> Floats:
    """Where the method goes from one table row, or one branch, to the next, and the ends of the range."""
    if name == "exp":
        steps = [(j + 0.5) * math.log(2.0) / 32.0 for j in range(-70, 70)]
        steps += [m * math.log(2.0) for m in (-1074, -1073, -1023, -1022, -1021, 1022, 1023, 1024)]
        ends = [EXP_OVERFLOWS, EXP_VANISHES, -708.3964185322641, SMALLEST, -SMALLEST, 2.0**-53, -(2.0**-54)]
        found = neighbours([*steps, *ends])
        return found[(found <= EXP_OVERFLOWS) & (found >= EXP_VANISHES)]
    steps = [(1.0 + (j + 0.5) / 128.0) * 2.0**m for j in range(128) for m in (-1, 0, 1)]
    ends = [0.5, 1.0 - 0.0625, 1.0, 1.0 + 0.0625, 2.0, SMALLEST, SMALLEST_NORMAL, LARGEST]
    found = neighbours([*steps, *ends])
    return found[(found > 0.0) & (found <= LARGEST)]


# --- accuracy -------------------------------------------------------------------------------------------------


def test_rounding_to_doubles_is_right_where_it_is_known() -> None:
    """The yardstick itself: powers of two, halves between two doubles, subnormal numbers, infinity."""
    for x in (1.0, -2.5, SMALLEST, 3 * SMALLEST, SMALLEST_NORMAL, LARGEST, 0.1):
        assert _as_float(libmp.from_float(x)) == x
    exact = libmp.from_int(2**53 + 1), libmp.from_int(2**53 + 3), libmp.from_man_exp(3, -1075)
    assert [_as_float(x) for x in exact] == [2.0**53, 2.0**53 + 4.0, 2 * SMALLEST]
    assert _as_float(libmp.from_man_exp(1, -1075)) == 0.0
    assert _as_float(libmp.from_int(2**1024 - 2**970)) == math.inf
    assert places(np.array([0.0, SMALLEST, -SMALLEST])).tolist() == [0, 1, -1]


@pytest.mark.parametrize("name", ["exp", "log"])
def test_results_are_at_most_one_unit_off(name: str) -> None:
    for values in arguments(name, 100_000, seed=1):
        assert units_off(name, values).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exp", "log"])
def test_a_million_results_are_at_most_one_unit_off(name: str) -> None:
    off = np.concatenate([units_off(name, values) for values in arguments(name, 1_000_000, seed=2)])
    assert len(off) == 1_000_000
    assert off.max() <= 1
    # Rounding to nearest is the rule: a method that loses a digit would still be one off at most, but often.
    assert (off == 1).mean() < 0.01


@pytest.mark.parametrize("name", ["exp", "log"])
def test_results_are_at_most_one_unit_off_where_the_method_changes(name: str) -> None:
    assert units_off(name, joints(name)).max() <= 1


@pytest.mark.parametrize("name", ["exp", "log"])
def test_results_never_fall_where_the_method_changes(name: str) -> None:
    values = np.unique(joints(name))
    assert (np.diff(OF_EACH[name](values)) >= 0.0).all()


def test_logarithms_of_powers_of_two_are_the_nearest_doubles() -> None:
    values = 2.0 ** np.arange(-1022.0, 1024.0)
    assert (units_off("log", values) == 0).all()


# --- edges ----------------------------------------------------------------------------------------------------


EDGES: Final = [
    ("exp", 0.0, 1.0),
    ("exp", -0.0, 1.0),
    ("exp", SMALLEST, 1.0),
    ("exp", -SMALLEST, 1.0),
    ("exp", 1.0, math.e),
    ("exp", math.inf, math.inf),
    ("exp", -math.inf, 0.0),
    ("exp", math.nan, math.nan),
    ("exp", EXP_OVERFLOWS, 1.7976931348622732e308),
    ("exp", 709.79, math.inf),
    ("exp", 710.0, math.inf),
    ("exp", math.nextafter(710.0, math.inf), math.inf),
    ("exp", LARGEST, math.inf),
    ("exp", EXP_VANISHES, SMALLEST),
    ("exp", -745.14, 0.0),
    ("exp", -746.0, 0.0),
    ("exp", math.nextafter(-746.0, -math.inf), 0.0),
    ("exp", -LARGEST, 0.0),
    ("log", 1.0, 0.0),
    ("log", 0.0, -math.inf),
    ("log", -0.0, -math.inf),
    ("log", -SMALLEST, math.nan),
    ("log", -1.0, math.nan),
    ("log", -math.inf, math.nan),
    ("log", math.inf, math.inf),
    ("log", math.nan, math.nan),
    ("log", SMALLEST, -744.4400719213812),
    ("log", SMALLEST_NORMAL, -708.3964185322641),
    ("log", LARGEST, 709.782712893384),
    ("log", 2.0, 0.6931471805599453),
    ("log", math.nextafter(1.0, 0.0), -1.1102230246251565e-16),
    ("log", math.nextafter(1.0, 2.0), 2.2204460492503128e-16),
]


@pytest.mark.parametrize(("name", "x", "expected"), EDGES)
def test_edges(name: str, x: float, expected: float) -> None:
    """Known values, as compiled, interpreted and over arrays; nothing is raised, and no zero is negative."""
    for found in (ONE[name](x), COMPILED[name](np.array([x]))[0], OF_EACH[name](np.array([x]))[0]):
        assert struct.pack("<d", found) == struct.pack("<d", expected)


def test_whole_numbers_are_taken_as_numbers() -> None:
    whole = [1, 2, 7, 700]
    for name in ("exp", "log"):
        assert [ONE[name](x) for x in whole] == OF_EACH[name](whole).tolist()
        assert np.array_equal(COMPILED[name](np.array(whole)), OF_EACH[name](whole))


# --- the same bits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exp", "log"])
def test_compiled_interpreted_and_array_forms_give_the_same_bits(name: str) -> None:
    """Also a guard against machine code that is older than the tables, which Numba would not notice."""
    values = np.concatenate([*arguments(name, 20_000, seed=3), joints(name)])
    one_by_one = np.array([ONE[name](x) for x in values.tolist()])
    assert one_by_one.tobytes() == COMPILED[name](values).tobytes() == OF_EACH[name](values).tobytes()


def test_numbers_of_numpy_give_the_bits_of_numbers_of_python() -> None:
    """Interpreted rules read NumPy numbers from the columns."""
    for x in (0.3, -4.0, 709.785, 1e-310):
        assert exp(np.float64(x)) == exp(x)
        assert log(np.float64(abs(x))) == log(abs(x))
        assert type(exp(np.float64(x))) is type(log(np.float64(abs(x)))) is float


def test_arrays_keep_their_shape_and_are_not_changed() -> None:
    values = np.arange(1.0, 13.0).reshape(3, 4)
    for function in (exp_of_each, log_of_each):
        across = function(values.T)
        assert across.shape == (4, 3)
        assert np.array_equal(across.T, function(values))
        assert function(np.zeros((0, 2))).shape == (0, 2)
        assert function(np.float64(1.0)).shape == ()
    assert np.array_equal(values, np.arange(1.0, 13.0).reshape(3, 4))


def test_priors_and_parameters_give_the_same_bits() -> None:
    """A draw of a parameter is the same number whether one is made or a table of them."""
    places_tried = np.linspace(0.0, 1.0, 101)
    of_model = [prior for prior in priors().all if prior.part == "model" and prior.shape == "loguniform"]
    assert of_model
    for prior in of_model:
        one_by_one = [PARAMETERS[prior.name].at(float(u)) for u in places_tried]
        assert prior.at(places_tried).tolist() == one_by_one


# --- tables -------------------------------------------------------------------------------------------------------


def test_tables_hold_the_true_numbers() -> None:
    """By mpmath, not by the decimal arithmetic of the script: the high part and the rest together, to 2^-90."""
    ln2 = libmp.mpf_ln2(200)
    pairs = [
        (elementary_tables.LN2_HIGH, elementary_tables.LN2_LOW, ln2),
        (elementary_tables.EXP_STEP_HIGH, elementary_tables.EXP_STEP_LOW, libmp.mpf_shift(ln2, -5)),
    ]
    for j, (high, low) in enumerate(elementary_tables.POWERS):
        power = libmp.mpf_mul(ln2, libmp.from_rational(j, 32, 200, "n"))
        pairs.append((high, low, libmp.mpf_exp(power, 200)))
    for j, (one_over, high, low) in enumerate(elementary_tables.LOGARITHMS):
        assert one_over == 128 / (128 + j)
        pairs.append((high, low, libmp.mpf_log(libmp.from_rational(128 + j, 128, 200, "n"), 200)))
    assert len(pairs) == 2 + 32 + 129
    for high, low, true in pairs:
        both = libmp.mpf_add(libmp.from_float(high), libmp.from_float(low))
        assert abs(libmp.to_float(libmp.mpf_sub(both, true))) < 2.0**-90


def test_products_and_sums_of_high_parts_are_exact() -> None:
    """The high parts end in enough zeros for every whole number the methods multiply them with."""
    for n in (1, -34_000, 2**16 - 1):
        assert float(n * elementary_tables.EXP_STEP_HIGH).as_integer_ratio() == _times(
            elementary_tables.EXP_STEP_HIGH, n
        )
    high_parts = [high for _, high, _ in elementary_tables.LOGARITHMS]
    for high in (elementary_tables.LN2_HIGH, *high_parts):
        assert (high * 2.0**42).is_integer()
    assert 1077 * elementary_tables.LN2_HIGH + max(high_parts) < 2.0 ** (53 - 42)


def _times(x: float, n: int) -> tuple[int, int]:
    """The exact product, as a fraction in lowest terms."""
    above, below = x.as_integer_ratio()
    shared = math.gcd(above * n, below)
    return above * n // shared, below // shared


# --- no function of a C library is left ---------------------------------------------------------------------------

EXACT: Final = {"sqrt", "floor", "fabs"}
"""Fixed to the last bit by the standard; a processor without an instruction for one calls a function instead."""
OF_MEMORY: Final = {"memset", "memcpy", "memmove"}
OF_WHOLE_NUMBERS: Final = {"__divti3", "__udivti3", "__modti3", "__umodti3", "__multi3"}
OF_WRAPPERS: Final = {"numba_adapt_ndarray", "numba_extract_record_data", "numba_release_buffer"}
"""What the wrapper that Python calls needs to unpack its arguments, besides functions of Python itself."""
OF_LINKER: Final = {"_GLOBAL_OFFSET_TABLE_"}


@dataclass(frozen=True)
class ObjectCode:
    """What an ELF64 object takes from elsewhere.

    Attributes:
        undefined: every symbol that is not defined in it.
        used_by: for each function in it, the undefined symbols its code refers to.
    """

    undefined: frozenset[str]
    used_by: dict[str, frozenset[str]]


def read_object(data: bytes) -> ObjectCode:
    """Read symbols and relocations of a little-endian ELF64 object."""
    assert data[:6] == b"\x7fELF\x02\x01", "no little-endian ELF64 object"
    (at,) = struct.unpack_from("<Q", data, 0x28)
    size, number = struct.unpack_from("<HH", data, 0x3A)
    # Name, type, flags, address, offset, size, link, info, alignment, size of an entry.
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, at + size * n) for n in range(number)]
    (table,) = (section for section in sections if section[1] == 2)
    names = sections[table[6]][4]
    symbols = []
    for offset in range(table[4], table[4] + table[5], 24):
        name, info, _, section, value, length = struct.unpack_from("<IBBHQQ", data, offset)
        text = data[names + name : data.index(b"\0", names + name)].decode()
        symbols.append((text, info & 15, section, value, length))
    undefined = frozenset(text for text, _, section, *_ in symbols if section == 0 and text)
    functions = {
        text: (section, value, value + length) for text, kind, section, value, length in symbols if kind == 2
    }
    used: dict[str, set[str]] = {name: set() for name in functions}
    for _, kind, _, _, start, length, _, target, _, entry in sections:
        if kind != 4:
            continue
        for offset in range(start, start + length, entry):
            place, info = struct.unpack_from("<QQ", data, offset)
            text = symbols[info >> 32][0]
            for name, (section, first, end) in functions.items():
                if section == target and first <= place < end and text in undefined:
                    used[name].add(text)
    return ObjectCode(undefined, {name: frozenset(texts) for name, texts in used.items()})


@pytest.fixture(scope="module", params=["driver", "judge"])
def driver_objects(request: pytest.FixtureRequest) -> list[ObjectCode]:
    """The object code of driver or judge as it lies on disk: one for each processor setting it was compiled for."""
    ready.warm_up(lambda message: None)
    judge = judging.compiled_judge(outcomes.judge)
    kept = (compiled.driver_for(schedule.QUARTER) if request.param == "driver" else judge).kept
    assert kept is not None
    files = sorted(Path(kept.cache_path).glob(f"{kept.name}-*.code"))
    if not files:
        pytest.skip("no folder to keep compiled drivers in")
    stored = [path.read_bytes() for path in files]
    starts = [data.find(b"\x7fELF\x02\x01") for data in stored]
    if min(starts) < 0:
        pytest.skip("object code here is no little-endian ELF64")
    return [read_object(data[start:]) for data, start in zip(stored, starts, strict=True)]


def test_the_rules_call_no_function_of_a_c_library_that_rounds(driver_objects: list[ObjectCode]) -> None:
    """The compiled run itself, without the wrappers around it, may use exact functions and helpers only."""
    for found in driver_objects:
        own = {n: used for n, used in found.used_by.items() if not n.startswith(("_ZN7cpython", "cfunc."))}
        assert [name for name in own if "passaat_generated" in name and "run" in name]
        for name, used in own.items():
            assert used <= EXACT | OF_MEMORY | OF_WHOLE_NUMBERS | OF_LINKER, name


def test_the_driver_takes_nothing_else_from_elsewhere_than_its_wrappers_need(
    driver_objects: list[ObjectCode],
) -> None:
    for found in driver_objects:
        python = {name for name in found.undefined if name.startswith(("Py", "_Py"))}
        allowed = EXACT | OF_MEMORY | OF_WHOLE_NUMBERS | OF_WRAPPERS | OF_LINKER
        assert found.undefined - python <= allowed
        assert python, "the wrapper for Python was not found: is this the whole object?"


def test_a_function_of_the_c_library_would_be_found() -> None:
    @njit("float64(float64)", cache=False)
    def uses_sine(x: float) -> float:
        return math.sin(x)

    compilations: list[Any] = list(uses_sine.overloads.values())
    data = compilations[0].library._get_compiled_object()
    if data[:6] != b"\x7fELF\x02\x01":
        pytest.skip("object code here is no little-endian ELF64")
    found = read_object(data)
    assert "sin" in found.undefined
    assert [name for name, used in found.used_by.items() if "sin" in used and not name.startswith("cfunc.")]
