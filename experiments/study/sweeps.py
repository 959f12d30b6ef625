"""A sweep in its study file: its plan, policies and points, registered before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import PurePath

from passaat.errors import StudyError, command
from passaat.experiments.design.cells import Cell, world_seed
from passaat.experiments.design.factors import Factor, Setting
from passaat.experiments.design.plan import NO_PROGRAMME, REFERENCE, Plan
from passaat.experiments.design.policies import Arm, settings_text
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.study.messages import damaged
from passaat.experiments.study.study import Study
from passaat.identity import text_of
from passaat.scenarios.levers import LeverValue
from passaat.scenarios.reading import shown_name


def plan_of(study: Study) -> Plan:
    """The plan that a study file holds.

    Raises:
        StudyError: the study is not a sweep.
    """
    if study.meta("kind") == "sweep" and not study.meta("plan"):
        raise StudyError(
            f"{study.place} holds no plan yet: it was stopped before its design was written",
            "Repeat the command that began it.",
        )
    if study.meta("kind") != "sweep":
        raise StudyError(
            f"{study.place} is a {shown_name(study.meta('kind'))}, not a sweep",
            "`passaat sweep` and `passaat sensitivity` make sweeps; `passaat compare` reads comparisons.",
        )
    plan = Plan.from_json(study.meta("plan"))
    if not study.has_points or study.factor_names != tuple(factor.name for factor in plan.factors):
        raise damaged(study.place, "its points are not those of its plan: other factors vary")
    return plan


def register_plan(study: Study, plan: Plan, simulator: Simulator) -> None:
    """Plan every run of every point, in one transaction; what a study holds already stays.

    Raises:
        StudyError: the study has another plan, of which this one is no extension.
    """
    text = plan.to_json()
    if study.meta("plan") == text:  # written in the transaction that plans all of it
        return
    if study.meta("plan"):
        _require_extension(study, plan_of(study), plan)
    study.register_bases(simulator.draw_parameters(plan.draws, plan.seed))
    with study.registering():
        _create_design_tables(study, plan)
        _add_policies(study, plan)
        _add_points(study, plan)
        (known,) = study.row("SELECT count(*) FROM worlds")
        study.add_rows("worlds", ((world,) for world in range(known, plan.worlds)))
        study.put_meta("plan", text)
        study.put_meta("drawn from", simulator.basis.in_words(plan.draws))
        study.put_meta("uncalibrated", simulator.basis.uncalibrated)
        study.put_meta("libraries", libraries())


def libraries() -> str:
    """Versions of the libraries that place points, which another version may place otherwise."""
    return ", ".join(f"{name} {version(name)}" for name in ("SALib", "scipy", "numpy"))


def _require_extension(study: Study, stored: Plan, plan: Plan) -> None:
    """Refuse a plan that changes what a study has been made for."""
    pairs = [
        ("method", stored.method, plan.method),
        ("luck", stored.luck, plan.luck),
        ("rest", stored.rest, plan.rest),
        ("factors", [one.name for one in stored.factors], [one.name for one in plan.factors]),
        ("first options", stored.option_names, plan.option_names[: len(stored.option_names)]),
        ("options' levers", _hashes(stored), _hashes(plan)[: len(stored.options)]),
    ]
    problems = [f"{what} of the study: {was}, now: {now}" for what, was, now in pairs if was != now]
    for what, was, now in (
        ("points", stored.n_points, plan.n_points),
        ("worlds", stored.worlds, plan.worlds),
        ("draws", stored.draws, plan.draws),
    ):
        if now < was:
            problems.append(f"{what} of the study: {was}, now only {now}")
    if not problems:
        moved = first_moved(study, plan)
        problems += [] if moved is None else [_moved_words(study, moved)]
    if problems:
        raise StudyError(
            [f"{study.place} holds another plan: {problem}" for problem in problems],
            "Give another file for this plan, or bring the plan to the size of the study."
            f" `{command('passaat', 'resume', PurePath(study.place))}` shows the study; `passaat extend` adds points,"
            " worlds, draws or options.",
        )


def stored_points(study: Study, plan: Plan) -> Iterator[dict[str, Setting]]:
    """The points as they were run, in order."""
    columns = ", ".join(f'"{factor.name}"' for factor in plan.factors)
    for row in study.rows(f"SELECT {columns} FROM points ORDER BY point"):
        try:
            yield {f.name: _read_back(f, value) for f, value in zip(plan.factors, row, strict=True)}
        except (TypeError, ValueError, OverflowError):
            raise damaged(study.place, f"a point holds {row!r:.200}") from None


def _read_back(factor: Factor, value: float | int | str) -> Setting:
    """A stored value as it was: SQLite keeps yes and no as numbers, and whole numbers as it likes."""
    if factor.scale == "categories":
        return next((one for one in factor.categories if one == value), value)
    return int(value) if factor.scale == "integer" else float(value)


def first_moved(study: Study, plan: Plan) -> int | None:
    """Number of the first point of the study that the plan places elsewhere here and now; None where none is."""
    pairs = zip(stored_points(study, plan), plan.each_point(), strict=False)
    return next((number for number, (was, now) in enumerate(pairs) if text_of(was) != text_of(now)), None)


def _moved_words(study: Study, moved: int) -> str:
    return (
        f"point {moved} of the study is another one now; it was placed with {study.meta('libraries')}, here are"
        f" {libraries()}"
    )


def _hashes(plan: Plan) -> list[str]:
    return [option.hash for option in plan.options]


def _create_design_tables(study: Study, plan: Plan) -> None:
    """Tables of what varies, what is compared, and the design; and the view that joins it all."""
    if study.has_points:
        return
    study.create_points([(factor.name, _column_type(factor)) for factor in plan.factors])
    study.add_rows(
        "factors", ((i, f.name, f.kind, f.unit, f.label, f.meaning) for i, f in enumerate(plan.factors))
    )


def _column_type(factor: Factor) -> str:
    named = any(isinstance(value, str) for value in factor.categories)
    return "TEXT" if named else "REAL" if factor.scale == "continuous" else "NUMERIC"


def arms_of(plan: Plan) -> list[tuple[str, Arm, bool]]:
    """(policy, arm, whether a point's levers are set on it), in the order of the plan's policies."""
    reference = Arm.of(plan.reference, "reference", plan.reference.name)
    options = [
        (option.name, Arm.of(plan.reference.with_option(option), "option", option.name), True)
        for option in plan.options
    ]
    if not plan.options:
        options = [(name, replace(reference, role="option", name=name), True) for name in plan.option_names]
    twin = Arm.of(plan.reference.without_programme(), "no-programme", NO_PROGRAMME)
    return [(REFERENCE, reference, False), *options, (NO_PROGRAMME, twin, False)]


def _add_policies(study: Study, plan: Plan) -> None:
    known = {name for (name,) in study.rows("SELECT policy FROM policies")}
    new = [(name, arm.scenario_hash, takes) for name, arm, takes in arms_of(plan) if name not in known]
    study.add_rows("policies", ((len(known) + i, *row) for i, row in enumerate(new)))


def _add_points(study: Study, plan: Plan) -> None:
    arms = arms_of(plan)
    twin = arms[-1][1]
    known = int(study.row("SELECT count(*) FROM points")[0])
    for number, point in enumerate(plan.each_point()):
        settings = {f.name: point[f.name] for f in plan.factors if f.kind == "uncertainty"}
        levers: dict[str, LeverValue] = {f.name: point[f.name] for f in plan.factors if f.kind == "lever"}
        draw = study.add_draw(int(point.get("draw", 0)), {name: float(v) for name, v in settings.items()})
        in_world = int(point["luck"]) if "luck" in point else None
        worlds = range(plan.worlds) if in_world is None else (in_world,)
        cells = [Cell(draw, world, seed_of(plan, draw, world)) for world in worlds]
        if number >= known:
            row = (
                number,
                draw,
                in_world,
                settings_text(levers),
                *(_plain(value) for value in point.values()),
            )
            study.add_rows("points", [row])
        for _, arm, takes_levers in arms:
            study.add_runs(arm.with_settings(levers) if takes_levers else arm, cells, twin)


def seed_of(plan: Plan, draw: int, world: int) -> int:
    """Worlds are the same at every point, or others for each parameter set."""
    return world_seed(plan.seed, draw if plan.luck == "own" else 0, world)


def _plain(value: Setting) -> float | int | str:
    return int(value) if isinstance(value, bool) else value
