"""What a run may be given: every value, its range, and what is refused whatever anyone says.

Ranges of levers and parameters are those of their records. A trial that wants a parameter outside its stated range, to
switch an effect off or to overdo it, names it in ``RunInputs.beyond_range``; what makes no sense (nan, a share above
one, the wrong sign, half a switch) is refused also then. ``Any`` stands where a value may turn out to be of any type.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.errors import ModelError, unknown_name
from passaat.model.kernel.columns import ValueRange, declared_columns
from passaat.model.lever_table import LEVER_NAMES, LEVER_RANGES
from passaat.model.parameters import PARAMETERS, default_parameters
from passaat.model.status import STAGE_NAMES
from passaat.model.world import TABLES

if TYPE_CHECKING:
    from passaat.model.inputs import RunInputs, WorldSize

HINT: Final = "Mend these inputs; nothing was run."
LARGEST_SEED: Final = 2**63 - 1
AT_MOST_ONE: Final = frozenset({"share", "share/year", "weight", "per quarter"})
"""Units of which no value can be above one: parts of a whole, and chances."""

_CODED: Final = frozenset({"switch", "choice"})
"""Units of which every value is a code; there is nothing beyond them."""

_PARAMETER_RANGES: Final = {
    name: ValueRange(record.minimum, record.maximum, record.unit) for name, record in PARAMETERS.items()
}
_LARGEST: Final = float(np.finfo(np.float64).max)

ROUNDING: Final = 1e-9
"""How far beyond a range, relative to its end, a value may lie: amounts are multiplied on their way here."""

_SMALLEST: Final[Mapping[str, int]] = MappingProxyType(
    {
        "n_firms": 1,
        "n_sectors": 1,
        "n_countries": 1,
        "n_markets": 1,
        "markets_per_firm": 1,
        "n_coordinators": 1,
        "liaisons_per_market": 0,
        "cluster_rows": 1,
        "isolated_firms": 0,
    }
)
_LISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "shocks": "ShockEvent",
        "absent": 'agents such as ("liaison", 3)',
        "random_agents": 'agents such as ("liaison", 3)',
        "settings": "Setting",
        "groups": "SeededGroup",
        "beyond_range": "names",
    }
)
"""Parts of the inputs that are lists, and of what."""

_CALENDAR: Final = ("first_year", "window_first_year", "window_last_year", "last_year")


def whole(value: object) -> bool:
    """Whether this is a whole number: 3 or ``np.int64(3)``, not 3.0, "3" or True."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def real(value: Any) -> bool:
    """Whether this is a number that is finite; True is none."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and _finite(value)


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):  # a complex number of NumPy, and a whole number beyond any float
        return False


def require_seed(world_seed: object) -> None:
    """Refuse what is no world seed.

    Raises:
        ModelError: no whole number, or outside 0 to 2^63 - 1.
    """
    if not whole(world_seed):
        raise ModelError(
            f"world seed {world_seed!r} is no whole number; it must be one from 0 to 2^63 - 1", hint=HINT
        )
    if not 0 <= world_seed <= LARGEST_SEED:  # type: ignore[operator]
        raise ModelError(f"world seed {world_seed} is outside 0 to 2^63 - 1", hint=HINT)


def size_problems(size: Any) -> list[str]:
    """What is wrong with the calendar and the sizes of a world, one sentence each."""
    problems = [
        f"{name} = {getattr(size, name)!r} is not allowed; it must be a whole number, {least} or more"
        for name, least in _SMALLEST.items()
        if not whole(getattr(size, name)) or getattr(size, name) < least
    ]
    years = {name: getattr(size, name) for name in _CALENDAR}
    problems += [
        f"{name} = {year!r} is not allowed; it must be a calendar year such as 2016"
        for name, year in years.items()
        if not whole(year)
    ]
    if all(whole(year) for year in years.values()) and list(years.values()) != sorted(years.values()):
        told = ", ".join(f"{name} {year}" for name, year in years.items())
        problems.append(f"the years must be in order: {told}")
    problems += _weight_problems(size)
    if not isinstance(size.random_shocks, bool):
        problems.append(f"random_shocks = {size.random_shocks!r} is not allowed; it must be True or False")
    if not problems and size.isolated_firms > size.n_firms:
        problems.append(f"isolated_firms = {size.isolated_firms} is more than n_firms = {size.n_firms}")
    return problems


def _weight_problems(size: Any) -> list[str]:
    weights = size.sector_weights
    if not isinstance(weights, tuple) or not all(real(weight) and weight > 0 for weight in weights):
        return [f"sector_weights = {weights!r} is not allowed; it must be a tuple of numbers above 0"]
    if whole(size.n_sectors) and len(weights) != size.n_sectors:
        return [
            f"sector_weights has {len(weights)} numbers; with n_sectors = {size.n_sectors} it needs as many"
        ]
    return []


def value_problems(inputs: RunInputs) -> list[str]:
    """What is wrong with the values of a run, one sentence each: levers, parameters, events, agents.

    Levers that are left out, and parameters of other simulators, are the business of the model that reads them.
    """
    mistyped = list(_type_problems(inputs))
    if mistyped:
        return mistyped
    return [
        *_name_problems(inputs.beyond_range),
        *lever_problems(inputs.levers, inputs.size, inputs.beyond_range),
        *parameter_problems(inputs.parameters, inputs.beyond_range),
        *_event_problems(inputs),
        *_agent_problems(inputs),
        *_setting_problems(inputs),
    ]


def _type_problems(inputs: Any) -> Iterator[str]:
    """Parts of the inputs that are nothing of their kind, of which no value can be looked at."""
    if not hasattr(inputs.size, "n_years"):
        yield f"size = {inputs.size!r} is not allowed; it must be a WorldSize"
    for name, kind in _LISTS.items():
        value = getattr(inputs, name)
        if not isinstance(value, tuple | list):
            yield f"{name} = {value!r} is not allowed; it must be a tuple of {kind}"
    for setting in inputs.settings if isinstance(inputs.settings, tuple | list) else ():
        if not hasattr(setting, "column"):
            yield f"setting {setting!r} is not allowed; it must be a Setting"


def _name_problems(beyond_range: Any) -> Iterator[str]:
    if not isinstance(beyond_range, tuple):
        yield f"beyond_range = {beyond_range!r} is not allowed; it must be a tuple of names"
        return
    for name in beyond_range:
        if name not in PARAMETERS and name not in LEVER_RANGES:
            yield unknown_name("lever or parameter in beyond_range", str(name), [*LEVER_NAMES, *PARAMETERS])


def lever_problems(levers: Any, size: WorldSize, beyond_range: Sequence[str] = ()) -> list[str]:
    """What is wrong with the levers that are given, one sentence each."""
    if not isinstance(levers, Mapping):
        return [f"levers = {levers!r} is not allowed; it must be a mapping of lever to values by year"]
    problems, fitting = [], []
    for name, values in levers.items():
        if name not in LEVER_RANGES:
            problems.append(unknown_name("lever", str(name), LEVER_NAMES))
        elif not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
            problems.append(f"lever {name} = {values!r} is not allowed; it must be a NumPy array of numbers")
        elif values.shape != (size.n_years,):
            have = f"{values.size} values" if values.ndim == 1 else f"the shape {values.shape}"
            years = f"{size.first_year} to {size.last_year}"
            problems.append(f"lever {name} has {have}; it needs {size.n_years}, one for each year {years}")
        else:
            fitting.append(name)
    return problems + _range_problems(levers, fitting, size, beyond_range)


def _range_problems(
    levers: Mapping[str, NDArray[np.float64]], names: list[str], size: WorldSize, beyond_range: Sequence[str]
) -> list[str]:
    """Levers of the right length with values that are not allowed. All are compared at once: a sweep asks for every
    run.
    """
    if not names:
        return []
    allowed = [_allowed(LEVER_RANGES[name], True) if name in beyond_range else _USUAL[name] for name in names]
    low, high = (np.array(ends)[:, None] for ends in zip(*allowed, strict=True))
    in_ones = np.array([LEVER_RANGES[name].whole for name in names])[:, None]
    values = np.array([levers[name] for name in names], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        fine = (values >= low) & (values <= high) & (~in_ones | (values == np.floor(values)))
    if fine.all():
        return []
    problems = []
    for place in np.flatnonzero(~fine.all(axis=1)):
        bad = np.flatnonzero(~fine[place])
        more = "" if len(bad) == 1 else f" and {len(bad) - 1} more"
        what = f"lever {names[place]} in {size.first_year + int(bad[0])}{more}"
        value = float(values[place, bad[0]])
        record = LEVER_RANGES[names[place]]
        problems.append(_refusal(what, names[place], value, record, names[place] in beyond_range))
    return problems


def parameter_problems(parameters: Any, beyond_range: Sequence[str] = ()) -> list[str]:
    """What is wrong with the parameters that are given, one sentence each; names of other models pass."""
    if not isinstance(parameters, Mapping):
        return [f"parameters = {parameters!r} is not allowed; it must be a mapping of parameter to number"]
    problems = []
    for name, value in parameters.items():
        if type(value) is float and name in _USUAL and _USUAL[name][0] <= value <= _USUAL[name][1]:
            continue  # as nearly always; the rest of the loop takes ten times as long
        record, beyond = _PARAMETER_RANGES.get(name), name in beyond_range
        if record is None:
            if not real(value):
                problems.append(f"parameter {name} = {value!r} is not allowed; it must be a number")
            continue
        low, high = _allowed(record, beyond)
        if not real(value) or not low <= value <= high:
            problems.append(_refusal(f"parameter {name}", name, value, record, beyond))
    return problems


def _allowed(record: ValueRange, beyond: bool) -> tuple[float, float]:
    """Smallest and largest value that is let through: of the stated range, or of what makes any sense."""
    if not beyond or record.unit in _CODED:
        slack = ROUNDING * max(abs(record.minimum), abs(record.maximum))
        return record.minimum - (slack if record.minimum else 0.0), record.maximum + slack
    return 0.0 if record.minimum >= 0.0 else -_LARGEST, 1.0 if record.unit in AT_MOST_ONE else _LARGEST


_ENDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"share": (0, 1), "yes/no": (0, 1), "stage": (0, len(STAGE_NAMES) - 1)}
)
"""Ends of the values of a column of the world, by unit."""

_POINTS_TO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bid_winner": "coordinators",
        "dismissed_by": "clusters",
        "earlier_in_market": "clusters",
        "earlier_of_coordinator": "clusters",
        "sector": "desks",
        "wish": "clusters",
    }
)
"""Tables that index columns point to, where their name does not say so."""

_USUAL: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {name: _allowed(record, False) for name, record in {**LEVER_RANGES, **_PARAMETER_RANGES}.items()}
)
"""The ends of every stated range, with the slack for rounding."""


def _refusal(what: str, name: str, value: object, record: ValueRange, beyond: bool) -> str:
    """The sentence on a value that is not allowed; where a trial may mean it, with what the trial has to say."""
    number = f"{value:.12g}" if real(value) else repr(value)
    stated = "a whole number from " if record.whole else ""
    stated += f"{record.minimum:.12g} to {record.maximum:.12g} {record.unit}"
    if beyond and record.unit not in _CODED:
        low, high = _allowed(record, beyond)
        least = "a number" if low < 0.0 else "0 or more"
        widest = f"0 to 1 {record.unit}" if high == 1.0 else f"{least} {record.unit}"
        return f"{what} = {number} is not allowed, also beyond the range {stated}; it must be {widest}"
    text = f"{what} = {number} is not allowed; it must be {stated}"
    low, high = _allowed(record, True)
    if real(value) and low <= value <= high and record.unit not in _CODED:  # type: ignore[operator]
        text += f", or the trial says beyond_range=({name!r},)"
    return text


def unread_problems(inputs: RunInputs) -> list[str]:
    """Levers that the model needs and does not get, and parameters that it does not have."""
    missing = [name for name in LEVER_NAMES if name not in inputs.levers]
    problems = [f"no value for levers {', '.join(missing)}"] if missing else []
    problems += [
        unknown_name("parameter", str(name), list(PARAMETERS))
        for name in inputs.parameters
        if name not in PARAMETERS
    ]
    return problems


def _event_problems(inputs: Any) -> Iterator[str]:
    from passaat.model.shocks import SHOCK_KINDS, ShockEvent

    last = inputs.size.n_countries - 1
    for event in inputs.shocks:
        if not isinstance(event, ShockEvent):
            yield f"{event!r} is no ShockEvent"
            continue
        if event.kind not in SHOCK_KINDS:
            yield f"no shock of kind {event.kind!r}; known are {', '.join(SHOCK_KINDS)}"
        if not whole(event.country) or not -1 <= event.country <= last:
            yield f"shock {event.kind} hits country {event.country!r}; there are 0 to {last}, and -1 for all"
        quarters = (event.first_quarter, event.last_quarter)
        if not all(whole(quarter) for quarter in quarters) or quarters[0] > quarters[1]:
            yield (
                f"shock {event.kind} lasts from quarter {quarters[0]!r} to {quarters[1]!r};"
                " both must be whole numbers, the first not after the last"
            )
        if not real(event.strength) or not 0.0 <= event.strength <= 1.0:
            yield f"shock {event.kind} has strength {event.strength!r}; it must be a share, 0 to 1"


def _agent_problems(inputs: Any) -> Iterator[str]:
    size = inputs.size
    counts = {
        "embassy": size.n_countries,
        "coordinator": size.n_coordinators,
        "liaison": size.n_markets * size.liaisons_per_market,
    }
    for agent in (*inputs.absent, *inputs.random_agents):
        if not isinstance(agent, tuple) or len(agent) != 2:
            yield f'agent {agent!r} is not allowed; it must read like ("liaison", 3)'
            continue
        kind, index = agent
        if kind not in counts:
            yield f"no agents of kind {kind!r}; known are {', '.join(counts)}"
        elif not whole(index) or not 0 <= index < counts[kind]:
            yield f"{kind} {index!r} does not exist; there are {kind} 0 to {counts[kind] - 1}"


def _setting_problems(inputs: Any) -> Iterator[str]:
    """What is wrong with the values of dated edits; whether table, column and rows exist is asked by the model.

    What points to a row of another table must point to one that exists: compiled rules follow it without looking.
    """
    from passaat.model.world import rows_of_tables

    for setting in inputs.settings:
        columns = (
            {c.name: c for c in declared_columns(TABLES[setting.table])} if setting.table in TABLES else {}
        )
        column = columns.get(setting.column)
        if column is None:
            continue
        where = f"setting {setting.table}.{setting.column} = {setting.value!r}"
        if not real(setting.value):
            yield f"{where} is not allowed; it must be a number"
        elif column.dtype == np.int64 and setting.value != math.floor(setting.value):
            yield f"{where} is not allowed; it must be a whole number ({column.unit})"
        elif column.unit == "index":
            rows = rows_of_tables(inputs)[points_to(setting.column)]
            if not -1 <= setting.value < rows:
                yield f"{where} is not allowed; {points_to(setting.column)} has rows 0 to {rows - 1}, and -1 is none"
        elif column.unit in _ENDS and not _ENDS[column.unit][0] <= setting.value <= _ENDS[column.unit][1]:
            low, high = _ENDS[column.unit]
            yield f"{where} is not allowed; it must be {low} to {high} ({column.unit})"


def points_to(column: str) -> str:
    """The table to whose rows an index column points: ``favoured_firm`` to firms."""
    word = column.rpartition("_")[2]
    return _POINTS_TO.get(column, {"country": "countries"}.get(word, f"{word}s"))


def require(problems: Iterable[str]) -> None:
    """Refuse what has problems.

    Raises:
        ModelError: names them all.
    """
    found = tuple(problems)
    if found:
        raise ModelError(found, hint=HINT)


def differing(inputs: RunInputs, other: RunInputs) -> list[str]:
    """What makes two runs of one seed different worlds: all but policy, and groups and settings that stand for it."""
    names = ("size", "shocks", "absent", "random_agents", "structure")
    found = [name for name in names if getattr(inputs, name) != getattr(other, name)]
    one, two = (_full(given.parameters) for given in (inputs, other))
    return found + [f"parameter {name}" for name in PARAMETERS if one[name] != two[name]]


def _full(parameters: Mapping[str, float]) -> dict[str, float]:
    return {**default_parameters(), **parameters}
