"""Whether a study holds what it was asked for: its design worked out anew and held against what stands in the file.

Runs have keys and digests of their own (``studies``). Here it is what they are taken for: which policy is which, what
an outcome means and which direction is better, where draws and worlds come from, and whether runs are missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_args

from passaat.errors import PassaatError, StudyError
from passaat.experiments.analyses.bench import Policies
from passaat.experiments.analyses.compare import plain
from passaat.experiments.analyses.equal_money import CEILING, THRESHOLD, Payment
from passaat.experiments.analyses.stored import as_stored, basis_of
from passaat.experiments.design.cells import PILOT_WORLDS, world_seed
from passaat.experiments.design.comparison_plan import ComparisonPlan
from passaat.experiments.design.plan import NO_PROGRAMME, REFERENCE, Plan
from passaat.experiments.design.policies import Arm, Role, settings_text
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.study.comparisons import comparison_plan_of, earlier_plans_of, equal_money_of
from passaat.experiments.study.keys import parameters_digest
from passaat.experiments.study.study import MADE_WITH, REGISTERED, SEAL, Study
from passaat.experiments.study.sweeps import arms_of, plan_of, seed_of
from passaat.identity import number_text, text_of
from passaat.scenarios.loading import scenario_from_text
from passaat.scenarios.reading import shown_name, shown_value

MOST_NAMED = 10
"""Wrong runs, points and draws that are named one by one."""


MOST_MISSING = 10_000
"""Missing points that are still told by their numbers."""


@dataclass(frozen=True)
class Asked:
    """What a study was asked for; ``plan`` is None where the file does not hold it, or it cannot be read."""

    plan: Plan | ComparisonPlan | None
    problems: tuple[str, ...] = ()

    def seed_of(self, study: Study, draw: int, world: int) -> int | None:
        """Seed that a world must have; None where that cannot be told."""
        if isinstance(self.plan, Plan):
            return seed_of(self.plan, draw, world)
        seed = _seed(study)
        return None if seed is None or study.meta("kind") == "sweep" else world_seed(seed, draw, world)


def asked_of(study: Study) -> Asked:
    """What a study was asked for, as far as it says."""
    try:
        if study.meta("kind") == "sweep":
            return Asked(plan_of(study) if study.meta("plan") else None)
        return Asked(comparison_plan_of(study) if study.meta("plan") else None)
    except PassaatError as error:
        return Asked(None, error.problems)


def wrong_design(study: Study, asked: Asked, model: Simulator | None) -> Iterator[str]:
    """What is wrong with the design, one sentence each.

    Args:
        model: the model that made the study, with its draws; None where it is not here, so that only what the file says
            at several places is compared.
    """
    yield from asked.problems
    yield from _wrong_seal(study)
    yield from _wrong_description(study, asked)
    yield from _wrong_counts(study)
    yield from _wrong_draws(study, model is not None)
    if isinstance(asked.plan, Plan):
        yield from _wrong_factors(study, asked.plan)
        yield from _wrong_points(study, asked.plan)
        yield from _wrong_policies(study, asked.plan, model is not None)
    else:
        yield from _wrong_arms(study, asked.plan, model is not None)
        if asked.plan is not None:
            yield from _missing_runs(study, asked.plan)
    if model is not None:
        yield from _wrong_outcomes(study, model)
        yield from _wrong_origin(study, asked, model)


def not_checked(study: Study, asked: Asked, model: Simulator | None) -> Iterator[str]:
    """What cannot be checked here, and why; nothing for a study of this model with its plan and draws."""
    if asked.plan is None and not asked.problems:
        yield "the file does not hold what it was asked for: whether runs or policies are missing cannot be told"
    if model is None:
        yield (
            f"the model that made it (passaat {shown_name(study.meta('model version'))}) is not here: what outcomes"
            " mean, in which unit, which direction is better, and the origin of its draws"
        )
    elif model.basis.key != study.meta("source of parameter draws"):
        yield (
            f"its parameters were drawn from {shown_name(study.meta('source of parameter draws'))}; here is"
            f" {model.basis.key}, so their origin cannot be told"
        )


def _seed(study: Study) -> int | None:
    stored = study.meta("seed")
    return int(stored) if stored.isascii() and stored.isdigit() and len(stored) < 20 else None


def wrong_types(study: Study) -> Iterator[str]:
    """Columns that hold what passaat never writes; of those that opening the file has not looked at."""
    yield from study.wrong_types(
        ("parameters", "draws", "runs", "points") if study.has_points else ("parameters", "draws", "runs")
    )


# --- what the file says of itself ---------------------------------------------------------------------------------


def _wrong_seal(study: Study) -> Iterator[str]:
    """What it says in words is as it was written; that includes all that nothing else in the file could contradict."""
    stored = study.meta(SEAL)
    if found := study.broken_seal():
        yield (
            f"what it says of itself was changed after it was written: its {SEAL} is {shown_name(stored)}, and now"
            f" {found}"
        )
    elif not stored and study.meta(MADE_WITH):
        yield f"its {SEAL} is missing"


def _wrong_description(study: Study, asked: Asked) -> Iterator[str]:
    plan = asked.plan
    state, kind = study.meta("state"), study.meta("kind")
    if kind not in ("comparison", "sweep"):
        yield f"it says that it is a {shown_name(kind)}, which is neither a comparison nor a sweep"
    if state not in ("complete", "incomplete"):
        yield f"it says that it is {shown_name(state)}, which is neither complete nor incomplete"
    elif state == "complete" and study.count_to_do():
        yield f"it says that it is complete, and {study.count_to_do():,} of its runs have no result"
    if _seed(study) is None:
        yield f"its seed is {shown_value(study.meta('seed'))}, which is no seed"
    elif plan is not None and str(plan.seed) != study.meta("seed"):
        yield f"it says that its seed is {_seed(study)}; its plan has {plan.seed}"
    if isinstance(plan, ComparisonPlan):
        try:
            earlier_plans_of(study)
        except StudyError as error:
            yield from error.problems
    if plan is not None and plan.reference.name != study.meta("reference"):
        yield f"it says that its reference is {shown_name(study.meta('reference'))}; its plan has {plan.reference.name}"
    hashes = {found for (found,) in study.rows("SELECT scenario_hash FROM arms WHERE role = 'reference'")}
    if hashes - {study.meta("reference hash")}:
        told = ", ".join(map(shown_name, sorted(hashes)))
        yield f"its reference has the fingerprint {told}; it says {shown_name(study.meta('reference hash'))}"


def _wrong_counts(study: Study) -> Iterator[str]:
    """Runs are never taken out: those that were registered are there, and no others."""
    stored = study.meta(REGISTERED)
    (there,) = study.row("SELECT count(*) FROM runs")
    if stored and stored != str(there):
        yield f"{shown_name(stored)} runs were registered, and {there:,} are there"
    (alone,) = study.row(
        "SELECT count(*) FROM runs JOIN arms USING (arm) LEFT JOIN runs AS against ON against.draw = runs.draw"
        " AND against.world = runs.world AND against.arm = arms.twin"
        " WHERE arms.twin IS NOT NULL AND against.arm IS NULL"
    )
    if alone:
        yield f"{alone:,} runs lack the run of the same world without programme"


def _wrong_draws(study: Study, same_model: bool) -> Iterator[str]:
    """Parameter sets whose digest is not theirs, or that are not numbered as a comparison numbers them."""
    digests, numbers, n_draws = list[str](), list[str](), 0
    for draw, base, settings, digest in list(study.rows("SELECT draw, base, settings, digest FROM draws")):
        n_draws += 1
        try:
            right = digest == parameters_digest(study.parameters(draw))
        except (PassaatError, TypeError, ValueError, AttributeError):
            right = False
        if not right:
            digests.append(str(draw))
        if study.meta("kind") == "comparison" and (base, settings) != (draw, "{}"):
            numbers.append(str(draw))
    if digests and (
        same_model or len(digests) < n_draws
    ):  # another version may work out another digest: for all
        yield f"parameter sets whose digest is not theirs: {named(digests)}"
    if numbers:
        yield f"parameter sets that are not the draws of their number: {named(numbers)}"


def named(names: Sequence[str]) -> str:
    """Names, the first of them one by one."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


# --- sweeps -------------------------------------------------------------------------------------------------------


def _wrong_factors(study: Study, plan: Plan) -> Iterator[str]:
    stored = list(
        study.rows("SELECT position, name, kind, unit, label, meaning FROM factors ORDER BY position")
    )
    for number, factor in enumerate(plan.factors):
        place = (number, factor.name, factor.kind, factor.unit, factor.label, factor.meaning)
        if number >= len(stored) or stored[number] != place:
            yield f"factor {factor.name} is not described as in the plan"


def _row_text(row: Sequence[Any]) -> str:
    """A row of points as fingerprints see it: another version may place a point a last bit away. SQLite knows no truth
    values; settings are JSON, and in a damaged file anything.
    """
    number, base, settings, world, levers, *values = row
    plain = [int(value) if isinstance(value, bool) else _told(value) for value in values]
    return text_of([number, _told(base), _settings_in(settings), _told(world), _settings_in(levers), *plain])


def _told(value: Any) -> Any:
    """A value of the file; bytes, which stand in no study that passaat writes, by how they are written."""
    return value if value is None or isinstance(value, str | int | float) else repr(value)


def _settings_in(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return str(text)


def _wrong_points(study: Study, plan: Plan) -> Iterator[str]:
    """Points that are not those of the plan, each with all its runs."""
    columns = "".join(f', points."{factor.name}"' for factor in plan.factors)
    query = (
        f"SELECT points.point, draws.base, draws.settings, points.in_world, points.levers{columns} FROM points"
        " LEFT JOIN draws ON draws.draw = points.parameter_set ORDER BY points.point"
    )
    (there,) = study.row("SELECT count(*) FROM points")
    if (
        plan.n_points - there > MOST_MISSING
    ):  # said before they are made: a plan that was changed may ask for millions
        yield f"points that are not those of the plan: it has {plan.n_points:,}, and {there:,} are there"
        return
    stored, wrong, number = study.rows(query), list[int](), -1
    for number, point in enumerate(plan.each_point()):
        levers = {f.name: point[f.name] for f in plan.factors if f.kind == "lever"}
        numbers = {f.name: float(point[f.name]) for f in plan.factors if f.kind == "uncertainty"}
        place = (
            number,
            point.get("draw", 0),
            settings_text(numbers),
            point.get("luck"),
            settings_text(levers),
        )
        there = next(stored, None)
        if there is None or _row_text(there) != _row_text((*place, *point.values())):
            wrong.append(number)
    wrong += [number + 1 + more for more, _ in enumerate(stored)]
    if wrong:
        yield f"points that are not those of the plan: {named([str(one) for one in wrong])}"
    worlds = [world for (world,) in study.rows("SELECT world FROM worlds ORDER BY world")]
    if worlds != list(range(plan.worlds)):
        yield f"worlds are {named([str(world) for world in worlds])}; the plan has {plan.worlds}"
    (there,) = study.row("SELECT count(*) FROM results")
    planned = plan.n_points * plan.worlds_per_point * len(plan.policies)
    if there != planned:
        yield f"points, policies and worlds of the plan make {planned:,} results; the file has {there:,}"


def _wrong_policies(study: Study, plan: Plan, same_model: bool) -> Iterator[str]:
    """Policies and arms of a sweep that are not what the plan says."""
    stored = list(study.rows("SELECT policy, scenario_hash, takes_levers FROM policies ORDER BY position"))
    if sorted(policy for policy, *_ in stored) != sorted(plan.policies):
        yield f"policies are {', '.join(shown_name(p) for p, *_ in stored)}; the plan has {', '.join(plan.policies)}"
        return
    planned = {policy: (arm, takes) for policy, arm, takes in arms_of(plan)}
    allowed: dict[str, set[tuple[str, str]]] = {}
    for policy, key, takes in stored:
        arm, takes_levers = planned[policy]
        allowed.setdefault(key, set()).add((arm.role, arm.name))
        if (same_model and key != arm.scenario_hash) or takes != int(takes_levers):
            yield f"policy {policy} is not the one of the plan"
        if policy not in (REFERENCE, NO_PROGRAMME) and plan.options:
            yield from _wrong_name(study, key, policy)
    known = {
        (number, role, key)
        for number, role, key in study.rows("SELECT arm, role, scenario_hash FROM arms WHERE settings = '{}'")
    }
    without = {number for number, role, _ in known if role == "no-programme"}
    wrong = [
        str(number)
        for number, role, name, factor, key, twin in study.rows(
            "SELECT arm, role, name, amount_factor, scenario_hash, twin FROM arms"
        )
        if (role, name) not in allowed.get(key, set())
        or factor != 1.0
        or (twin not in without if role != "no-programme" else twin is not None)
    ]
    if wrong:
        yield f"policies whose name, role or world without programme is not that of the plan: {named(wrong)}"


def _wrong_name(study: Study, scenario_hash: str, name: str) -> Iterator[str]:
    """An option's scenario is named after the reference and the option, whichever version wrote it."""
    row = study.row("SELECT scenario FROM scenarios WHERE scenario_hash = ?", (scenario_hash,))
    try:
        found = "" if row is None else scenario_from_text(row[0], "a stored scenario").name
    except PassaatError:  # told with the scenarios
        return
    if found and not found.endswith(f"+{name}"):
        yield f"option {shown_name(name)} has the runs of {shown_name(found)}"


# --- comparisons --------------------------------------------------------------------------------------------------


def _wrong_arms(study: Study, plan: ComparisonPlan | None, same_model: bool) -> Iterator[str]:
    """Policies of a comparison under the name or role of another one."""
    planned = _arms_of(study, plan) if plan is not None else {}
    rows = list(study.rows("SELECT arm, role, name, scenario_hash, settings, twin FROM arms ORDER BY arm"))
    roles = {number: role for number, role, *_ in rows}
    told: set[str] = set()
    for number, role, name, key, settings, twin in rows:
        problems: list[str] = []
        foreign = settings != "{}" and not (role == "option" and _pays(settings))
        if role not in get_args(Role) or foreign:
            problems.append(f"policy {number} ({shown_name(name)}) is none of a comparison")
        elif twin is not None if role == "no-programme" else roles.get(twin) != "no-programme":
            problems.append(
                f"policy {number} ({shown_name(name)}) is held against no world without programme"
            )
        elif role in ("option", "part"):
            problems += _wrong_name(study, key, name.split(" [")[0])
        if same_model and key in planned and (role, name) not in planned[key]:
            others = {one for known, found in planned.items() if known != key for one in found}
            if (role, name) in others or role not in {known for known, _ in planned[key]}:
                right = " or ".join(f"{known} ({as_role})" for as_role, known in sorted(planned[key]))
                problems.append(
                    f"policy {number} is called {shown_name(name)} ({shown_name(role)}); it is {right}"
                )
        yield from (one for one in problems if one not in told)
        told.update(problems)


def _pays(settings: str) -> bool:
    """Whether settings are those of one lever that brings an option to equal public money."""

    with suppress(ValueError):
        found = json.loads(settings)
        return isinstance(found, dict) and len(found) == 1 and set(found) <= {CEILING, THRESHOLD}
    return False


def _arms_of(study: Study, plan: ComparisonPlan) -> dict[str, set[tuple[str, str]]]:
    """Roles and names that the policies asked for have, by hash."""
    found: dict[str, set[tuple[str, str]]] = {}
    plans = [plan]
    with suppress(StudyError):  # told with the description
        plans += earlier_plans_of(study)
    for one in plans:
        for arm in _compared(one):
            found.setdefault(arm.scenario_hash, set()).add((arm.role, arm.name))
    return found


def _compared(plan: ComparisonPlan) -> Iterator[Arm]:

    compared = Policies.of(plan.reference, plan.options)
    yield from (compared.twin, compared.base, *compared.arms)
    yield from (arm for of in compared.parts for arm in of.values())


def _missing_runs(study: Study, plan: ComparisonPlan) -> Iterator[str]:
    """Runs that a comparison was asked for and, though it says that it is complete, does not hold."""

    if study.meta("state") != "complete":
        return
    try:
        payments = equal_money_of(study)
    except StudyError as error:
        yield from error.problems
        payments = {}
    cells = plan.draws * plan.worlds
    compared = Policies.of(plan.reference, plan.options)
    for arm in (compared.twin, compared.base, *compared.arms):
        wanted = arm
        with suppress(StudyError):
            wanted = as_stored(study, arm)
        there = _runs_of(study, wanted, 0, plan.draws, plan.worlds)
        if there != cells:
            yield f"{arm.name} was asked for in {cells:,} worlds; {there:,} are there"
            continue
        for way, paid in payments.get(arm.name, {}).items():
            found = sum(
                _runs_of(study, Payment(*one).on(wanted), draw, draw + 1, plan.worlds)
                for draw, one in enumerate(paid[: plan.draws])
            )
            if found != cells:
                yield (
                    f"{arm.name} at equal public money through {way} was asked for in {cells:,} worlds; {found:,}"
                    " are there"
                )
    worlds = plan.worlds if plan.parts_in_full else min(PILOT_WORLDS, plan.worlds)
    for arm in (arm for of in compared.parts for arm in of.values() if study.has(arm)):
        there = _runs_of(study, arm, 0, plan.draws, worlds)
        if there != plan.draws * worlds:
            yield f"{arm.name} was asked for in {plan.draws * worlds:,} worlds; {there:,} are there"


def _runs_of(study: Study, arm: Arm, first: int, end: int, worlds: int) -> int:
    """Runs of an arm in the first worlds of these draws."""
    if not study.has(arm):
        return 0
    (there,) = study.row(
        "SELECT count(*) FROM runs WHERE arm = ? AND draw >= ? AND draw < ? AND world < ?",
        (study.number(arm), first, end, worlds),
    )
    return int(there)


# --- against the model --------------------------------------------------------------------------------------------


def _wrong_outcomes(study: Study, model: Simulator) -> Iterator[str]:
    stored = list(study.rows("SELECT name, unit, better, meaning FROM outcomes ORDER BY position"))
    known = {one.name: one for one in model.outcomes}
    names = [name for name, *_ in stored]
    if names != list(known):
        yield f"outcomes are not those of the model, in its order: {named([shown_name(name) for name in names])}"
    for name, unit, better, meaning in stored:
        if name not in known:
            continue
        one = known[name]
        for what, found, right in (
            ("unit", unit, one.unit),
            ("better direction", better, one.better),
            ("meaning", meaning, one.meaning),
        ):
            if found != right:
                yield f"outcome {name}: its {what} is {shown_value(found)}, and in the model {shown_value(right)}"


def _wrong_origin(study: Study, asked: Asked, model: Simulator) -> Iterator[str]:
    """Draws that the model does not make from the seed, and words about them that are not true."""
    seed = _seed(study)
    if model.basis.key != study.meta("source of parameter draws") or seed is None:
        return
    stored: dict[int, dict[str, str]] = {}
    for base, name, value in study.rows("SELECT base, name, value FROM parameters"):
        stored.setdefault(base, {})[name] = number_text(value) if isinstance(value, float) else repr(value)
    if sorted(stored) != list(range(len(stored))):
        yield f"base draws are numbered {named([str(base) for base in sorted(stored)])}, which leaves some out"
        return
    drawn = model.draw_parameters(len(stored), seed)
    wrong = [
        str(base)
        for base, values in enumerate(drawn)
        if stored[base] != {name: number_text(value) for name, value in values.items()}
    ]
    if wrong:
        yield f"base draws that seed {seed} does not make of {model.basis.key}: {named(wrong)}"
    words = study.meta("drawn from")
    if asked.plan is not None and words and words != model.basis.in_words(asked.plan.draws):
        right = model.basis.in_words(asked.plan.draws)
        yield f"its draws are said to be {shown_value(words)}; they are {shown_value(right)}"
    # Another release may call the same draws by other words, for example when a posterior is no longer provisional.
    if asked.plan is not None and study.meta("model version") == model.version:
        yield from _wrong_basis(study, model)


def _wrong_basis(study: Study, model: Simulator) -> Iterator[str]:
    """What the draws rest on, as a comparison says it in full and a sweep in words."""

    if study.meta("kind") == "sweep":
        told = study.meta("uncalibrated")
        if told != model.basis.uncalibrated:
            yield (
                f"why its results are not calibrated is said to be {shown_value(told)}; it is"
                f" {shown_value(model.basis.uncalibrated)}"
            )
        return
    try:
        basis = basis_of(study)
    except StudyError as error:
        yield from error.problems
        return
    if plain(basis) != plain(model.basis):
        told, right = shown_value(plain(basis)), shown_value(plain(model.basis))
        yield f"its draws are said to rest on {told}; they rest on {right}"
