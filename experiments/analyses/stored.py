"""A comparison read back from its study file, whatever version made it: nothing is run, and no parameter is drawn.

Policies, parameters, outcomes and the factors of equal public money are those of the file; so are the version and the
words for what its draws rest on. What is worked out here is the statistics of its runs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePath
from typing import Any, Protocol, get_args

import numpy as np

from passaat import __version__
from passaat.errors import StudyError, command
from passaat.experiments.analyses.bench import (
    REFERENCE,
    ArmByDraw,
    Held,
    Model,
    Money,
    Policies,
    Values,
    outcome_values,
)
from passaat.experiments.analyses.compare import (
    MONEY_OF,
    Comparison,
    as_compared,
    assemble,
    decisions_of,
    paid_for,
)
from passaat.experiments.analyses.equal_money import AMOUNT, WAYS, EqualMoney, Payment, Way, verdict
from passaat.experiments.design.basis import Basis, BasisKind
from passaat.experiments.design.cells import Design
from passaat.experiments.design.comparison_plan import ComparisonPlan
from passaat.experiments.design.policies import Arm
from passaat.experiments.design.simulator import Simulator
from passaat.experiments.results.outcomes import PUBLIC_COST, OutcomeInfo, outcome_named
from passaat.experiments.results.record import Axis, Record
from passaat.experiments.stats.pairing import Floats
from passaat.experiments.study.comparisons import comparison_plan_of, equal_money_of
from passaat.experiments.study.connection import is_study
from passaat.experiments.study.messages import damaged
from passaat.experiments.study.study import Study, require_same_model
from passaat.model.parameters import default_parameters
from passaat.scenarios.loading import scenario_from_text
from passaat.scenarios.reading import shown_value


def _require_registered(study: Study, design: Design) -> None:
    """Refuse a design that is larger than what has been planned: nothing could be said of the rest.

    Raises:
        StudyError: it is.
    """
    (draws,) = study.row("SELECT count(*) FROM draws")
    (worlds,) = study.row("SELECT coalesce(max(world), -1) + 1 FROM runs WHERE draw = 0")
    if design.draws > draws or design.worlds > worlds:
        raise StudyError(
            f"{study.place} is not finished: {design.draws:,} draws of {design.worlds:,} worlds were asked for, and"
            f" {draws:,} of {worlds:,} are planned",
            f"`{command('passaat', 'resume', PurePath(study.place))}` makes what is missing.",
        )


@dataclass(frozen=True)
class StoredValues:
    """What a comparison holds, policy by policy; ``n_missing`` runs are planned and not there yet.

    ``uncalibrated`` says why they are not calibrated; empty where they are.
    """

    values: Values
    outcomes: tuple[OutcomeInfo, ...]
    version: str
    drawn_from: str
    uncalibrated: str
    n_missing: int

    def outcome(self, name: str) -> OutcomeInfo:
        """The outcome of this name.

        Raises:
            StudyError: there is none.
        """
        return outcome_named(self.outcomes, name)


def comparison_values(study_path: Path) -> StoredValues:
    """Values of the options of a comparison as they stand, from its study file; nothing is run.

    Raises:
        StudyError: no such file, not a comparison, or a policy that has no run yet.
    """
    with Study.read(study_path) as study, study.snapshot():
        asked = comparison_plan_of(study)
        design = Design(asked.draws, asked.worlds, asked.seed)
        compared = _policies(study, asked)
        _require_registered(study, design)
        arms = {REFERENCE: compared.base} | {
            option.name: arm for option, arm in zip(asked.options, compared.arms, strict=True)
        }
        values: dict[str, dict[Money, dict[str, Floats]]] = {
            name: {"as it stands": outcome_values(study, arm, design)} for name, arm in arms.items()
        }
        version, drawn_from = study.meta("model version"), study.meta("drawn from")
        uncalibrated = basis_of(study).uncalibrated
        study.require_as_written()
        return StoredValues(values, _outcomes(study), version, drawn_from, uncalibrated, study.count_to_do())


def record_of(study_path: Path) -> Record:
    """All that a comparison holds, as one record along policy, money, draw and world; nothing is run.

    Values are those that are compared, a ratio being one of means over the worlds of a draw. They are nan where a run
    failed or is missing, and at equal public money where an option does not come to it or the study is not finished.

    Raises:
        StudyError: no such file, not a comparison, or a policy that has no run yet.
    """
    with Study.read(study_path) as study, study.snapshot():
        asked = comparison_plan_of(study)
        design = Design(asked.draws, asked.worlds, asked.seed)
        compared = _policies(study, asked)
        _require_registered(study, design)
        outcomes = tuple(map(as_compared, _outcomes(study)))
        names = (REFERENCE, *(option.name for option in asked.options))
        monies = get_args(Money)
        held = Held(study, _model(study), design, _parameters(study, design.draws))
        arms: list[tuple[str, Money, ArmByDraw]] = [
            (name, "as it stands", arm)
            for name, arm in zip(names, (compared.base, *compared.arms), strict=True)
        ]
        if is_finished(study) and PUBLIC_COST in held.names:
            for way, money in _equal_money(held, compared, asked).items():
                arms.append((REFERENCE, MONEY_OF[way], compared.base))
                arms += [
                    (option.name, MONEY_OF[way], paid_for(arm, equal))
                    for option, arm, equal in zip(asked.options, compared.arms, money, strict=True)
                    if equal.reached
                ]
        values = np.full((len(names), len(monies), *design.shape, len(outcomes)), np.nan)
        for name, variant, arm in arms:
            found = held.values(arm)
            values[names.index(name), monies.index(variant)] = np.stack(
                [found[one.name] for one in outcomes], axis=-1
            )
        study.require_as_written()
        return Record(
            (
                Axis("policy", names),
                Axis("money", monies),
                Axis("draw", tuple(range(design.draws))),
                Axis("world", tuple(range(design.worlds))),
            ),
            outcomes,
            values,
            {
                "passaat": study.meta("model version"),
                "parameters": study.meta("drawn from"),
                "uncalibrated": basis_of(study).uncalibrated,
            },
        )


def stored_comparison(study_path: Path) -> Comparison:
    """A finished comparison, from its study file alone: the same as ``compare`` gave when it was made.

    Raises:
        StudyError: no such file, not a comparison, not finished, or without what a comparison is judged by.
    """
    with Study.read(study_path) as study, study.snapshot():
        asked = comparison_plan_of(study)
        if not is_finished(study):
            raise StudyError(
                f"{study_path} is not finished",
                f"`{command('passaat', 'resume', study_path)}` makes what is missing.",
            )
        design = Design(asked.draws, asked.worlds, asked.seed)
        held = Held(study, _model(study), design, _parameters(study, design.draws))
        if PUBLIC_COST not in held.names:
            raise StudyError(
                f"{study_path} has no outcome {PUBLIC_COST}, which options are held against",
                f"Take its runs out: `{command('passaat', 'export', study_path, '--to', PurePath(_csv(study_path)))}`.",
            )
        compared = _policies(study, asked)
        held.require_some_success([compared.base, *compared.arms])
        money = _equal_money(held, compared, asked)
        comparison, values = assemble(held, compared, money, asked.pay, parts_in_full=asked.parts_in_full)
        study.require_as_written()
    return replace(comparison, decisions=decisions_of(comparison, values, held.parameters))


def _csv(study_path: Path) -> str:
    """Name of a table for the runs of a study."""
    return study_path.with_suffix(".csv").name


def is_finished(study: Study) -> bool:
    """Whether a study holds all that it was asked for, so that it can be shown without a run.

    Raises:
        StudyError: a comparison that does not say what it was asked for.
    """
    if study.meta("state") != "complete" or study.count_to_do():
        return False
    if study.meta("kind") == "sweep":
        return True  # all of a plan is registered at a time
    asked = comparison_plan_of(study)
    design = Design(asked.draws, asked.worlds, asked.seed)
    try:
        compared = _policies(study, asked)
    except StudyError:
        return False
    return all(_covers(study, arm, design) for arm in (compared.twin, compared.base, *compared.arms))


class Asked(Protocol):
    """What a study is asked for: the plan of a sweep or of a comparison."""

    def to_json(self) -> str: ...


def is_only_to_be_read(study_path: Path, asked: Asked) -> bool:
    """Whether a study lies where no run could write, in a file or folder that may only be read, and is finished with
    this very question, so that it can be shown.

    Raises:
        StudyError: the study is damaged.
    """
    if not is_study(study_path) or all(os.access(one, os.W_OK) for one in (study_path, study_path.parent)):
        return False
    with Study.read(study_path) as study, study.snapshot():
        held: Asked | None = None
        if isinstance(asked, ComparisonPlan) and study.meta("kind") == "comparison" and study.meta("plan"):
            held = comparison_plan_of(study)  # studies of 0.1.0 leave out what is usual
        text = study.meta("plan") if held is None else held.to_json()
        return text == asked.to_json() and is_finished(study)


def rests_on(study_path: Path, simulator: Simulator) -> bool:
    """Whether the parameters of a study were drawn from what a simulator draws from.

    Raises:
        StudyError: the study was made by another model.
    """
    require_same_model(study_path, simulator)
    with Study.read(study_path) as study:
        return study.meta("source of parameter draws") == simulator.basis.key


def _parameters(study: Study, draws: int) -> list[dict[str, float]]:
    """Parameters of each draw in the order of the model's table: where two turn a ranking alike, the first is named."""
    order = {name: place for place, name in enumerate(default_parameters())}
    found = [study.parameters(draw) for draw in range(draws)]
    return [dict(sorted(one.items(), key=lambda item: order.get(item[0], len(order)))) for one in found]


def _policies(study: Study, asked: ComparisonPlan) -> Policies:
    """What was compared, each arm by the fingerprint that it has in the file.

    Raises:
        StudyError: a policy that has no run yet.
    """
    compared = Policies.of(asked.reference, asked.options)
    return replace(
        compared,
        twin=as_stored(study, compared.twin),
        base=as_stored(study, compared.base),
        arms=tuple(as_stored(study, arm) for arm in compared.arms),
        parts=tuple(_parts_held(study, of) for of in compared.parts),
    )


def _parts_held(study: Study, parts: Mapping[str, Arm]) -> dict[str, Arm]:
    """Parts of an option as the file has them; none where it was made before parts were compared."""
    try:
        return {name: as_stored(study, arm) for name, arm in parts.items()}
    except StudyError:
        return {}


def as_stored(study: Study, arm: Arm) -> Arm:
    """An arm by the fingerprint that it has in the file: another version may have worked it out in another way."""
    if study.has(arm):
        return arm
    rows = study.rows(
        "SELECT name, scenario_hash, scenario FROM arms JOIN scenarios USING (scenario_hash)"
        " WHERE role = ? AND amount_factor = 1.0 AND settings = '{}' ORDER BY arm",
        (arm.role,),
    )
    stored = list(rows)
    same = [
        key for _, key, text in stored if scenario_from_text(text, "a stored scenario").hash == arm.key[0]
    ]
    if not same and study.meta("model version") != __version__:
        same = [key for name, key, _ in stored if name == arm.name]
    if len(same) != 1:
        raise StudyError(
            f"{study.place} has no run of {arm.name} yet",
            f"Finish it first: `{command('passaat', 'resume', PurePath(study.place))}`",
        )
    return replace(arm, scenario_hash=same[0])


def _covers(study: Study, arm: Arm, design: Design) -> bool:
    """Whether an arm has been run in every cell of a design."""
    (there,) = study.row(
        "SELECT count(*) FROM runs WHERE arm = ? AND status != 'planned' AND draw < ? AND world < ?",
        (study.number(arm), *design.shape),
    )
    return int(there) == design.draws * design.worlds


def _equal_money(held: Held, compared: Policies, asked: ComparisonPlan) -> dict[Way, list[EqualMoney]]:
    """How each option came to equal public money, by way of paying: by what the file names, or, where it names nothing,
    at that factor for all draws, of those it holds in every cell, which comes nearest in the mean.
    """
    named = equal_money_of(held.study)
    found: dict[Way, list[EqualMoney]] = {}
    for way in WAYS:
        if way not in asked.pay:
            continue
        found[way] = []
        for option, arm in zip(compared.options, compared.arms, strict=True):
            stored = named.get(option.name, {}).get(way, ())
            tried = [[Payment(*one) for one in stored]]
            if len(stored) != held.design.draws:
                tried = [[Payment(AMOUNT, one)] * held.design.draws for one in _factors(held, arm)]
            made = [verdict(held, compared.base, arm, way, payments) for payments in tried]
            found[way].append(min(made, key=lambda one: abs(float(np.nanmean(one.cost_ratios)) - 1.0)))
    return found


def _factors(held: Held, arm: Arm) -> list[float]:
    """Factors of the public amounts at which an option has been run in every cell."""
    rows = held.study.rows(
        "SELECT amount_factor FROM arms WHERE scenario_hash = ? AND settings = '{}' ORDER BY arm",
        (arm.scenario_hash,),
    )
    return [factor for (factor,) in list(rows) if _covers(held.study, arm.at_factor(factor), held.design)]


def _model(study: Study) -> Model:
    return Model(
        outcomes=_outcomes(study),
        version=study.meta("model version"),
        behaviour=study.meta("model behaviour"),
        basis=basis_of(study),
        drawn_from=study.meta("drawn from"),
    )


def _outcomes(study: Study) -> tuple[OutcomeInfo, ...]:
    rows = study.rows("SELECT name, unit, meaning, better FROM outcomes ORDER BY position")
    return tuple(OutcomeInfo(*row) for row in rows)


def basis_of(study: Study) -> Basis:
    """What the draws rest on, as the file describes it; studies of 0.1.0 hold its key alone."""
    stored: dict[str, Any] = study.read_json("basis", dict)
    if not stored:
        key = study.meta("source of parameter draws")
        kinds = {"prior ranges": Basis("prior"), "defaults": Basis("defaults")}
        return kinds.get(key) or Basis("posterior", sample=key.removeprefix("posterior "))
    known: dict[str, Any] = {
        field.name: math.nan if stored[field.name] is None else stored[field.name]  # JSON has no nan
        for field in fields(Basis)
        if field.name in stored
    }
    if known.keys() != stored.keys() or known.get("kind") not in get_args(BasisKind):
        raise damaged(study.place, f"its basis is {shown_value(stored)}")
    wrong = [
        name
        for name, value in known.items()
        if not isinstance(value, float | int if name == "effective_sample_size" else str)
    ]
    if wrong:
        raise damaged(
            study.place, f"of its basis, {', '.join(f'{one} is {shown_value(known[one])}' for one in wrong)}"
        )
    return Basis(**known)
