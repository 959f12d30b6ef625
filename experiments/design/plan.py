"""The plan of a sweep: what varies, at which points, in how many worlds, under which policies.

A plan file says it in TOML (``read_plan``), and a plan is complete in itself: it holds its scenarios, so that a stored
plan runs again without any other file. At every point the twin (no programme), the reference as it is and every
option run in the same worlds; the point's levers are set on the options, its uncertainties hold for all.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from passaat.errors import ScenarioError, StudyError
from passaat.experiments.design.cells import LARGEST_SEED
from passaat.experiments.design.factors import Factor, Kind, Setting, counted_factor, is_setting
from passaat.experiments.design.sampling import factorial, unit_points
from passaat.experiments.design.sensitivity_points import morris_points, saltelli_points
from passaat.experiments.stats.pairing import Floats
from passaat.scenarios.loading import scenario_from_text
from passaat.scenarios.reading import shown_value
from passaat.scenarios.scenario import Scenario

__all__ = [
    "LEVERS_OPTION",
    "MOST_POINTS",
    "NO_PROGRAMME",
    "REFERENCE",
    "Luck",
    "Method",
    "Plan",
    "Rest",
    "describe",
    "most_runs",
    "n_runs",
]

Method = Literal["latin-hypercube", "factorial", "sobol", "list", "morris", "saltelli"]
Luck = Literal["common", "own", "factor"]
Rest = Literal["posterior", "prior", "defaults"]

COUNTED: Final = ("factorial", "list")
"""Methods whose number of points follows from levels or rows; the others are asked for a number."""

MOST_POINTS: Final = 5_000_000
"""More points than this are taken for a slip of the pen: they take weeks on two cores."""

SECONDS_PER_RUN: Final = 0.03
"""Of a run of pib on one core, for estimates."""

MOST_WORLDS: Final = 100_000
"""More worlds of a point, or draws of the rest, than this are a slip of the pen, too."""

REFERENCE: Final = "reference"
NO_PROGRAMME: Final = "no programme"
LEVERS_OPTION: Final = "levers"
"""The option of a plan that names none: the reference with the point's levers."""

_FORMAT: Final = 1
"""Of a stored plan; raised when its fields change meaning."""

HINT: Final = "correct the values above; `passaat levers` lists the levers, each with its range."


@dataclass(frozen=True)
class Plan:
    """A sweep, said in full.

    Attributes:
        factors: what varies: levers, uncertainties, then draw and luck if they vary.
        size: points of a Latin hypercube or Sobol sequence, trajectories of morris, base points of saltelli;
            for a factorial and a list the number of points.
        block: points of a Latin hypercube that are spread evenly together: the size of the first plan.
        worlds: worlds of each point; with ``luck`` "factor" the worlds of which each point has one.
        luck: whether world w has the same seed at all points ("common") or one of its own for each set of parameters
            ("own"), or is itself a factor.
        rest, draws: where parameters come from that are not swept, and in how many draws; above one, the draw is a
            factor.
        listed: the points of a list, each with a value for every factor; empty for other methods.
        levels: the levels of each factor in a factorial; empty for other methods.
        second_order: whether saltelli also tells which pairs of factors work together, for twice the points.

    Raises:
        StudyError: numbers out of range, nothing that varies, a factor that the reference fixes, scenarios of the
            wrong kind, names used twice, more points than anyone runs; all problems at once.
    """

    name: str
    question: str
    reference: Scenario
    options: tuple[Scenario, ...]
    factors: tuple[Factor, ...]
    method: Method
    size: int
    block: int
    worlds: int
    luck: Luck
    rest: Rest
    draws: int
    seed: int
    listed: tuple[Mapping[str, Setting], ...] = ()
    levels: tuple[tuple[Setting, ...], ...] = ()
    second_order: bool = False

    def __post_init__(self) -> None:
        problems = [text for _, text in number_problems(self.__dict__ | {"points": self.size})]
        problems += scenario_problems(self.reference, self.options)
        problems += factor_problems(self.reference, self.factors)
        problems += _shape_problems(self)
        if not problems:
            problems += too_many(self.n_points)
        if problems:
            raise StudyError([f"plan {self.name}: {problem}" for problem in problems], HINT)

    # What is in it

    @property
    def n_points(self) -> int:
        """Number of points, known without making them."""
        return count_points(self.method, self.size, len(self.factors), second_order=self.second_order)

    @property
    def worlds_per_point(self) -> int:
        """Number of worlds in which each point runs: one where luck is a factor."""
        return 1 if self.luck == "factor" else self.worlds

    @property
    def option_names(self) -> tuple[str, ...]:
        """Names of the options; "levers" where none is named but levers vary."""
        if self.options:
            return tuple(option.name for option in self.options)
        return (LEVERS_OPTION,) if any(factor.kind == "lever" for factor in self.factors) else ()

    @property
    def policies(self) -> tuple[str, ...]:
        """Every policy that runs at a point: the reference, the options, and no programme."""
        return (REFERENCE, *self.option_names, NO_PROGRAMME)

    def factor(self, name: str) -> Factor:
        """The factor called ``name``.

        Raises:
            KeyError: no factor of this plan has that name.
        """
        found = {factor.name: factor for factor in self.factors}
        return found[name]

    # Points

    def unit(self) -> Floats | None:
        """The points in the unit cube, shape (n_points, n_factors); None for a factorial and a list."""
        n_factors = len(self.factors)
        if self.method in ("latin-hypercube", "sobol"):
            return unit_points(self.method, n_factors, self.size, self.seed, self.block)
        if self.method == "morris":
            named = [f.n_values if f.scale == "categories" and not f.ordered else None for f in self.factors]
            return morris_points(n_factors, self.size, self.seed, named)
        if self.method == "saltelli":
            return saltelli_points(n_factors, self.size, self.seed, self.second_order)
        return None

    def points(self) -> list[dict[str, Setting]]:
        """A value of every factor for each point, with keys in the order of ``factors``."""
        return list(self.each_point())

    def each_point(self) -> Iterator[dict[str, Setting]]:
        """The points one by one, so that a million of them need not be kept as settings."""
        if self.method == "factorial":
            yield from factorial(self.factors, self.levels)
        elif self.method == "list":
            yield from (dict(row) for row in self.listed)
        else:
            rows = self.unit()
            assert rows is not None
            for row in rows:
                yield {f.name: f.at(u) for f, u in zip(self.factors, row.tolist(), strict=True)}

    def parameter_sets(self, points: Iterable[Mapping[str, Setting]]) -> NDArray[np.int64]:
        """Number of the parameter set of each point, shape (n_points,): draw and swept uncertainties together.

        Sets are numbered in the order in which points mention them first, as in a study file; with ``luck`` "own" each
        set has worlds of its own.

        Args:
            points: those of this plan, in order.
        """
        names = [factor.name for factor in self.factors if factor.kind == "uncertainty"]
        seen: dict[tuple[int | str, ...], int] = {}
        numbers = [
            seen.setdefault((int(p.get("draw", 0)), *(float(p[name]).hex() for name in names)), len(seen))
            for p in points
        ]
        return np.array(numbers, dtype=np.int64)

    def extended(
        self,
        *,
        size: int | None = None,
        worlds: int | None = None,
        draws: int | None = None,
        options: Sequence[Scenario] = (),
    ) -> Plan:
        """The same plan with more points, worlds, draws or options; the points it has stay the first ones.

        Raises:
            StudyError: fewer than there are, or more of something that would change the points there are; all
                problems at once.
        """
        problems = list(self._refused(size, worlds, draws, options))
        if problems:
            raise StudyError(
                [f"plan {self.name}: {problem}" for problem in problems],
                "what is there stays; start a study of its own for another design.",
            )
        more = {"size": size, "worlds": worlds, "draws": draws}
        changes: dict[str, Any] = {name: value for name, value in more.items() if value is not None}
        if draws is not None and draws > self.draws:
            place = [factor.kind for factor in self.factors].index("draw")
            factors, levels = list(self.factors), list(self.levels)
            factors[place], levels[place] = counted_factor("draw", draws), tuple(range(draws))
            changes |= {"factors": tuple(factors), "levels": tuple(levels)}
            changes["size"] = self.size // self.draws * draws
        return replace(self, **changes, options=(*self.options, *options))

    def _refused(
        self, size: int | None, worlds: int | None, draws: int | None, options: Sequence[Scenario]
    ) -> Iterator[str]:
        asked = (("points", size, self.size), ("worlds", worlds, self.worlds), ("draws", draws, self.draws))
        for name, value, now in asked:
            if value is not None and value < now:
                yield f"{name} = {value} is fewer than the {now} there are"
        if size is not None and size > self.size and self.method in COUNTED:
            what = "levels of its factors" if self.method == "factorial" else "rows of its file"
            yield f"points = {size}: the points of a {self.method} follow from the {what}"
        if worlds is not None and worlds > self.worlds and self.luck == "factor":
            yield f'worlds = {worlds}: with luck = "factor" more worlds change the points there are'
        if draws is not None and draws > self.draws:
            if self.draws == 1:
                yield f"draws = {draws}: with one draw the draw is no factor, and becoming one changes all points"
            elif self.method != "factorial":
                yield (
                    f"draws = {draws}: the draw is a factor of this {self.method}, and more draws change the"
                    " points there are; only a factorial can have more draws added"
                )
        if options and not self.options and self.option_names:
            yield (
                f"options = {', '.join(option.name for option in options)}: the study names no option and sets"
                " its levers on the reference; with an option that policy would no longer run"
            )

    # Storage

    def to_json(self) -> str:
        """The plan as text, from which ``from_json`` makes the same plan; scenarios are in it as files are written."""
        names = [factor.name for factor in self.factors]
        data: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        data["reference"] = self.reference.to_toml()
        data["options"] = [option.to_toml() for option in self.options]
        data["factors"] = [factor.to_dict() for factor in self.factors]
        data["listed"] = [[row[name] for name in names] for row in self.listed]
        return json.dumps({"format": _FORMAT, **data}, indent=1, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plan that ``to_json`` wrote; no file is read.

        Raises:
            StudyError: the text is no stored plan, or one of another format, or holds what is not allowed.
        """
        hint = "a stored plan is written by Plan.to_json, and read by the same version of passaat or a later one."
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise StudyError(f"a stored plan cannot be read: it is not JSON ({error})", hint) from None
        names = {field.name for field in fields(cls)}
        if not isinstance(data, dict) or data.get("format") != _FORMAT:
            raise StudyError(f"a stored plan cannot be read: it is not of format {_FORMAT}", hint)
        del data["format"]
        if set(data) != names:
            wrong = ", ".join(sorted(set(data) ^ names))
            raise StudyError(f"a stored plan cannot be read: fields missing or unknown: {wrong}", hint)
        mistyped = [name for name, kind in _STORED_AS.items() if type(data[name]) is not kind]
        if mistyped:
            told = ", ".join(f"{name} = {shown_value(data[name])}" for name in mistyped)
            raise StudyError(f"a stored plan cannot be read: of the wrong type: {told}", hint)
        try:
            factors = tuple(Factor.from_dict(factor) for factor in data["factors"])
            parts = {
                "reference": scenario_from_text(data["reference"], "the stored reference"),
                "options": tuple(scenario_from_text(one, "a stored option") for one in data["options"]),
                "factors": factors,
                "listed": tuple(
                    {factor.name: value for factor, value in zip(factors, _settings(row), strict=True)}
                    for row in data["listed"]
                ),
                "levels": tuple(tuple(_settings(levels)) for levels in data["levels"]),
            }
            return cls(**{**data, **parts})
        except ScenarioError as error:
            problems = [f"a stored plan cannot be read: {problem}" for problem in error.problems]
            raise StudyError(problems, hint) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise StudyError(f"a stored plan cannot be read: {error}", hint) from None


_STORED_AS: Final[Mapping[str, type]] = {
    **dict.fromkeys(("name", "question", "reference", "method", "luck", "rest"), str),
    **dict.fromkeys(("size", "block", "worlds", "draws", "seed"), int),
    **dict.fromkeys(("options", "factors", "listed", "levels"), list),
    "second_order": bool,
}
"""Fields of a stored plan, with the type that JSON gives them."""


def _settings(row: object) -> list[Setting]:
    """A row of a stored plan: values of factors.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(row, list) or not all(map(is_setting, row)):
        raise ValueError(f"{shown_value(row)} are no values of factors")
    return row


def most_runs(plan: Plan) -> int:
    """No more runs than this, known without making the points: every policy in every world of every point."""
    return plan.n_points * plan.worlds_per_point * len(plan.policies)


def n_runs(plan: Plan) -> int:
    """How many runs the plan takes: every policy in every world of every point, what points share made once.

    The reference and the world without programme do not depend on the levers of a point, so that points with the same
    parameters and luck share them.
    """
    levers = [factor for factor in plan.factors if factor.kind == "lever"]
    numbers = [
        factor for factor in plan.factors if factor.kind == "uncertainty" and factor.scale == "continuous"
    ]
    if plan.method == "factorial":
        different = plan.size
        shared = different // math.prod(
            len(values) for factor, values in zip(plan.factors, plan.levels, strict=True) if factor in levers
        )
    elif plan.method in ("latin-hypercube", "sobol") and numbers:
        different = shared = plan.size
    else:
        settings, circumstances = set(), set()
        names = [factor.name for factor in plan.factors if factor.kind != "lever"]
        for point in plan.each_point():
            settings.add(tuple(point.values()))
            circumstances.add(tuple(point[name] for name in names))
        different, shared = len(settings), len(circumstances)
    return plan.worlds_per_point * (different * len(plan.option_names) + shared * 2)


# What may be wrong. A plan file names its fields as these do, so that it is told the same.

Problem = tuple[tuple[str, ...], str]
"""The fields of [design] that a problem is about, and the problem."""


def number_problems(design: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with method, points, worlds, luck, seed, rest and draws, alone and together.

    Args:
        design: these by name; ``points`` is None where it is not known.
    """
    method, points, worlds, draws = (design[name] for name in ("method", "points", "worlds", "draws"))
    seed, luck, rest = design["seed"], design["luck"], design["rest"]
    for field, value, allowed in (
        ("method", method, get_args(Method)),
        ("luck", luck, get_args(Luck)),
        ("rest", rest, get_args(Rest)),
    ):
        if value not in allowed:
            yield (field,), f"{field} = {shown_value(value)} is not allowed; it must be {one_of(allowed)}"
    if points is not None and points < 1:
        yield ("points",), f"points = {points} is not allowed; at least 1 is needed"
    elif points is not None and method == "saltelli" and points & (points - 1):
        above = 1 << points.bit_length()
        yield (
            ("points", "method"),
            f"points = {points}: method saltelli needs a power of two, such as {above // 2} or {above}",
        )
    for field, value in (("worlds", worlds), ("draws", draws)):
        if not 1 <= value <= MOST_WORLDS:
            yield (field,), f"{field} = {value} is not allowed; it must be 1 to {MOST_WORLDS:,}"
    if luck == "factor" and worlds == 1:
        yield ("luck", "worlds"), 'luck = "factor" needs worlds to choose from: worlds = 1 must be 2 or more'
    if draws > 1 and rest == "defaults":
        yield (
            ("draws", "rest"),
            f'draws = {draws}: with rest = "defaults" all draws are the same; take draws out or draw the'
            ' rest from "posterior" or "prior"',
        )
    if not 0 <= seed <= LARGEST_SEED:
        yield ("seed",), f"seed = {seed} is not allowed; it must be 0 to {LARGEST_SEED}"


def scenario_problems(reference: Scenario | None, options: Sequence[Scenario]) -> Iterator[str]:
    """What is wrong with the policies: kinds, and names used twice."""
    if reference is not None and reference.kind != "reference":
        yield f"reference {reference.name} is an option; a sweep needs a reference, with a world"
    for option in options:
        if option.kind != "option":
            yield f"option {option.name} is a reference; an option only moves levers"
        if option.name == REFERENCE:
            yield f"an option cannot be called {option.name}, which is what it is compared with"
    for name, times in Counter(option.name for option in options).items():
        if times > 1:
            yield f"option {name} is named {times} times; each option needs a name of its own"


def factor_problems(reference: Scenario | None, factors: Sequence[Factor]) -> Iterator[str]:
    """What is wrong with the factors together, or with one under this reference."""
    for name, times in Counter(factor.name for factor in factors).items():
        if times > 1:
            yield f"{name} is named {times} times; a factor varies once"
    if reference is not None:
        for factor in factors:
            if factor.kind == "uncertainty" and factor.name in reference.parameters:
                yield (
                    f"{factor.name} cannot vary: {reference.name} fixes it at"
                    f" {reference.parameters[factor.name]:g} under [parameters], which would win at every point;"
                    " take it out there or here"
                )


def nothing_varies(factors: Sequence[Factor], listed: Sequence[Mapping[str, Setting]]) -> Iterator[str]:
    """Whether all points would be the same."""
    if not factors:
        yield "nothing varies: name a lever under [levers] or a parameter under [uncertainties]"
    elif listed and all(row == listed[0] for row in listed):
        yield f"nothing varies: the list needs two different points, and has {len(listed)} that are the same"


def too_many(points: int) -> Iterator[str]:
    """Whether there are more points than anyone runs."""
    if points > MOST_POINTS:
        days = points * SECONDS_PER_RUN / 86_400
        yield (
            f"{points:,} points are more than anyone runs; at most {MOST_POINTS:,} are allowed (one run of each"
            f" takes a core some {days:,.0f} days)"
        )


def count_points(method: Method, size: int, n_factors: int, *, second_order: bool) -> int:
    """Number of points of a design of ``size``, without making it.

    A trajectory of morris starts somewhere and moves each factor once; saltelli takes each base point and a second one,
    and mixes them by one factor at a time (Saltelli 2002, Computer Physics Communications 145, 280-297).
    """
    if method == "morris":
        return size * (n_factors + 1)
    if method == "saltelli":
        return size * (2 * n_factors + 2 if second_order else n_factors + 2)
    return size


def _shape_problems(plan: Plan) -> Iterator[str]:
    """Parts of a plan that do not belong together; a plan file cannot get these wrong, a program can."""
    yield from nothing_varies(plan.factors, plan.listed)
    kinds = [factor.kind for factor in plan.factors]
    for kind, needed, n in (
        ("draw", plan.draws > 1, plan.draws),
        ("luck", plan.luck == "factor", plan.worlds),
    ):
        found = [factor for factor in plan.factors if factor.kind == kind]
        if needed and [factor.n_values for factor in found] != [n]:
            yield f"the factors need one called {kind} with {n} values"
        if found and not needed:
            yield f"the factor {kind} has nothing to choose from: " + (
                f"draws = {plan.draws}" if kind == "draw" else f'luck = "{plan.luck}"'
            )
    if kinds != sorted(kinds, key=get_args(Kind).index):
        yield f"factors come in the order levers, uncertainties, draw, luck, not {', '.join(kinds)}"
    if plan.second_order and plan.method != "saltelli":
        yield f"second_order belongs to method saltelli, not to {plan.method}"
    if not 1 <= plan.block <= MOST_POINTS:
        yield f"block = {plan.block} is not allowed; it must be 1 to {MOST_POINTS:,}"
    yield from _levels_problems(plan)
    yield from _listed_problems(plan)


def _levels_problems(plan: Plan) -> Iterator[str]:
    if plan.method != "factorial":
        if plan.levels:
            yield f"levels belong to method factorial, not to {plan.method}"
    elif len(plan.levels) != len(plan.factors) or not all(plan.levels):
        yield f"a factorial needs levels of each of its {len(plan.factors)} factors, not {len(plan.levels)}"
    elif plan.size != math.prod(map(len, plan.levels)):
        yield f"size = {plan.size}, but the levels make {math.prod(map(len, plan.levels))} points"


def _listed_problems(plan: Plan) -> Iterator[str]:
    if plan.method != "list":
        if plan.listed:
            yield f"listed points belong to method list, not to {plan.method}"
        return
    names = [factor.name for factor in plan.factors]
    if plan.size != len(plan.listed):
        yield f"size = {plan.size}, but {len(plan.listed)} points are listed"
    wrong = [number for number, row in enumerate(plan.listed, start=1) if list(row) != names]
    if wrong:
        yield f"listed points {wrong[:5]} do not hold the factors {', '.join(names)}, in this order"


def one_of(words: Sequence[str]) -> str:
    """Words as a choice: "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


# In words


def describe(plan: Plan, *, calibrated: bool = True) -> list[str]:
    """What will be run, in plain words, one sentence or factor a line; ``calibrated`` says whether there is a posterior
    to draw from where the plan asks for it.
    """
    lines = [f"{plan.name}: {plan.question}", f"World: {plan.reference.title} ({plan.reference.name})."]
    for option in plan.options:
        stacked = f" {option.description}" if "+" in option.name else ""  # says what overrides what
        lines.append(f"Option {option.name}: {option.title}.{stacked}")
    if not plan.options and plan.option_names:
        lines.append("Option levers: the reference with the levers of the point.")
    elif not plan.options:
        lines.append("No option: only the reference runs, beside the world without the programme.")
    varied = [factor for factor in plan.factors if factor.kind in ("lever", "uncertainty")]
    lines.append(f"{_counted(len(plan.factors), 'factor')} {'varies' if len(plan.factors) == 1 else 'vary'}:")
    levels = dict(zip((factor.name for factor in plan.factors), plan.levels, strict=bool(plan.levels)))
    lines += [f"  {factor.kind} {factor.name}: {_over(factor, levels.get(factor.name))}" for factor in varied]
    if plan.draws > 1:
        lines.append(f"  draw: {plan.draws} draws of the parameters that are not varied")
    if plan.luck == "factor":
        lines.append(f"  luck: one of {plan.worlds} worlds")
    return [
        *lines,
        _rest_in_words(plan, calibrated),
        _points_in_words(plan),
        *_worlds_in_words(plan),
        _runs_in_words(plan),
    ]


def _over(factor: Factor, levels: Sequence[Setting] | None) -> str:
    unit = f" {factor.unit}" if factor.unit else ""
    if factor.scale == "categories":
        return ", ".join(factor.show(value) for value in factor.categories) + unit
    span = f"{factor.show(factor.low)} to {factor.show(factor.high)}{unit}"
    if levels is not None:
        return f"{span}, at {', '.join(factor.show(value) for value in levels)}"
    if factor.scale == "integer":
        return f"{span}, whole numbers"
    return f"{span}, evenly in its logarithm" if factor.shape == "loguniform" else span


def _rest_in_words(plan: Plan, calibrated: bool) -> str:
    if plan.rest == "defaults":
        return "Parameters that are not varied are at their defaults."
    source = "the calibrated posterior" if plan.rest == "posterior" and calibrated else "their prior ranges"
    if plan.draws == 1:
        return f"Parameters that are not varied are the first draw from {source}, the same at all points."
    return f"Parameters that are not varied come from {plan.draws} draws from {source}."


def _points_in_words(plan: Plan) -> str:
    points = _counted(plan.n_points, "point")
    match plan.method:
        case "factorial":
            return (
                f"Factorial: all {points}, {' x '.join(str(len(levels)) for levels in plan.levels)} levels."
            )
        case "list":
            return f"List: {points}."
        case "latin-hypercube":
            return f"Latin hypercube: {points}, spread evenly over all factors."
        case "sobol":
            odd = plan.size & (plan.size - 1)
            tip = f"; {1 << plan.size.bit_length()}, a power of two, are spread more evenly" if odd else ""
            return f"Sobol sequence: {points}, spread evenly over all factors{tip}."
        case "morris":
            return f"Morris: {points} in {_counted(plan.size, 'trajectory', 'trajectories')}."
        case "saltelli":
            order = "with" if plan.second_order else "without"
            return f"Saltelli: {points} from {plan.size:,} base points, {order} pairs of factors."


def _worlds_in_words(plan: Plan) -> list[str]:
    if plan.luck == "factor":
        return ["Each point runs in the one world that its luck says."]
    same = "the same at all points" if plan.luck == "common" else "others for each set of parameters"
    return [f"Each point runs in {_counted(plan.worlds, 'world')}, {same}."]


def _runs_in_words(plan: Plan) -> str:
    policies = f"{len(plan.policies)} policies ({', '.join(plan.policies)})"
    factors = f"{_counted(plan.n_points, 'point')} x {_counted(plan.worlds_per_point, 'world')} x {policies}"
    asked, made = most_runs(plan), n_runs(plan)
    once = f", of which {made:,} are made, as points share runs" if made < asked else ""
    return f"Runs: {factors} = {asked:,}{once}."


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
