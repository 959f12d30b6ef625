"""Compare policy options with a reference on shared worlds: the main job.

Every parameter draw meets several worlds. In each such cell the world without programme, the reference and
every option run with the same parameters and the same luck; only the policy differs. Each option is shown
as it stands and at the reference's total public money.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from passaat import json_text
from passaat.experiments.analyses.bench import (
    REFERENCE,
    Bench,
    Held,
    Money,
    Policies,
    Values,
    require_options,
)
from passaat.experiments.analyses.decisions import Decision, decide
from passaat.experiments.analyses.equal_money import EqualMoney, equal_money
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.cells import DEFAULT_DRAWS, DEFAULT_WORLDS, Design
from passaat.experiments.design.comparison_plan import ComparisonPlan
from passaat.experiments.design.policies import Arm
from passaat.experiments.design.simulator import Simulator, the_model
from passaat.experiments.results.outcomes import HEADLINES, RATIOS, OutcomeInfo
from passaat.experiments.run.crew import Crew, Threads
from passaat.experiments.run.runner import OnProgress
from passaat.experiments.stats.pairing import (
    Difference,
    Floats,
    Interval,
    Level,
    difference_of,
    level_of,
)
from passaat.experiments.study.comparisons import remember
from passaat.experiments.study.connection import require_writable
from passaat.experiments.study.records import FailedRun
from passaat.experiments.study.study import Study
from passaat.scenarios.levers import LEVERS

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario


JSON_DIGITS: Final = 9
"""Significant digits in the JSON output: more than any result means, fewer than differ between machines."""


@dataclass(frozen=True)
class Variant:
    """An option in one money variant: levels, and differences from the reference, by outcome."""

    amount_factor: float
    levels: Mapping[str, Level]
    differences: Mapping[str, Difference]


@dataclass(frozen=True)
class OptionResult:
    """What one option would change, as it stands and at the reference's total public money.

    ``description`` says it in words. ``assumed_levers`` are the levers it moves whose effect no data identify, by their
    names for people.
    """

    name: str
    title: str
    description: str
    assumed_levers: tuple[str, ...]
    as_it_stands: Variant
    equal_money: EqualMoney
    at_equal_money: Variant


@dataclass(frozen=True)
class Comparison:
    """The answer: a reference, its levels, and per option what changes, with three uncertainties kept apart.

    Attributes:
        reference: name of the reference scenario.
        reference_title: its title.
        period: years of the decision window and last year of the run, in words.
        reference_hash: fingerprint of everything in the reference that acts on a run.
        version: version of the model.
        behaviour: fingerprint of the model's behaviour.
        design: parameter draws, worlds per draw, and seed.
        basis: what the parameter draws rest on: a posterior, or prior ranges.
        outcomes: all outcomes, in the model's order.
        levels: level of each outcome under the reference.
        no_programme: level of each outcome without the programme; nan where it needs that very world to be
            compared with.
        options: one result per option, in the order asked.
        failures: runs that failed and are therefore missing in their pairs.
        drawn_from: the same in words that stand on every table and figure.
        decisions: for the headline outcomes, in what share of draws the order of policies holds; none with one draw.
    """

    drawn_from: str
    reference: str
    reference_title: str
    period: str
    reference_hash: str
    version: str
    behaviour: str
    design: Design
    basis: Basis
    outcomes: tuple[OutcomeInfo, ...]
    levels: Mapping[str, Level]
    no_programme: Mapping[str, Level]
    options: tuple[OptionResult, ...]
    failures: tuple[FailedRun, ...]
    decisions: tuple[Decision, ...] = ()

    def outcome(self, name: str) -> OutcomeInfo:
        """The outcome of this name.

        Raises:
            KeyError: there is none.
        """
        return {outcome.name: outcome for outcome in self.outcomes}[name]

    def to_json(self) -> str:
        """All of it as JSON, the same bytes for the same study; a number that does not exist is null."""
        return json_text.json_text(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data; a number that does not exist is None."""
        result: dict[str, Any] = {"uncalibrated": self.basis.uncalibrated, **plain(self)}
        return result


def compare(
    reference: Scenario,
    options: Sequence[Scenario],
    *,
    draws: int = DEFAULT_DRAWS,
    worlds_per_draw: int = DEFAULT_WORLDS,
    seed: int = 1,
    workers: int | None = None,
    study_path: Path | None = None,
    progress: OnProgress | None = None,
    simulator: Simulator | None = None,
    prior: bool = False,
    crew: Crew | None = None,
) -> Comparison:
    """Compare options with a reference on paired worlds; what a study file already holds is not run again.

    Args:
        reference: world and policy to compare with.
        options: option scenarios, applied on top of the reference from its first decision year on.
        draws: number of draws of the uncertain parameters.
        worlds_per_draw: number of worlds per draw, at least two.
        seed: seed of parameters and worlds; not of anything else.
        workers: threads; by default as many as there are cores. It changes nothing but the time.
        study_path: file to keep the study in; without one it is kept in memory and lost.
        progress: called with the stage and the number of runs done.
        simulator: what runs the worlds and draws parameters; by default the compiled model, with the shipped posterior
            where one belongs to the reference, and with prior ranges where none does.
        prior: draw parameters from their prior ranges in any case; only without ``simulator``.
        crew: who carries out the runs; by default threads of this process, ``workers`` of them.

    Raises:
        StudyError: nothing to compare, an impossible design, an unusable study file, or a policy of which no
            run succeeded. A new study file in which no run at all succeeded is removed again.
    """
    require_options(options)
    design = Design(draws, worlds_per_draw, seed)
    if study_path is not None:
        require_writable(study_path)  # before the model, which may have to be compiled to tell its behaviour
    model = the_model(reference, prior=prior) if simulator is None else simulator
    parameters = model.draw_parameters(draws, seed)
    with Study.open(study_path, model, reference, seed) as study, study.removed_if_empty():
        bench = Bench(study, model, design, parameters, crew or Threads(workers), progress)
        asked_for_prior = model.basis.kind == "prior" and not model.basis.notice
        asked = ComparisonPlan(reference, tuple(options), draws, worlds_per_draw, seed, asked_for_prior)
        remember(study, asked)
        study.set_meta("drawn from", model.basis.in_words(draws))
        study.set_meta("basis", json.dumps(plain(model.basis), sort_keys=True))
        comparison, values = compare_on(bench, reference, options)
        factors = {option.name: option.equal_money.factor for option in comparison.options}
        study.set_meta("equal money", json.dumps(factors, sort_keys=True))
        study.finish()
    return dataclasses.replace(comparison, decisions=decisions_of(comparison, values, parameters))


def decisions_of(
    comparison: Comparison, values: Values, parameters: Sequence[Mapping[str, float]]
) -> tuple[Decision, ...]:
    """Whether the order of policies holds, for each headline outcome that has a favourable direction."""
    if len(parameters) < 2:
        return ()
    known = {outcome.name: outcome for outcome in comparison.outcomes}
    variants: tuple[Money, ...] = ("as it stands", "at equal public money")
    return tuple(
        decide(name, money, known[name].better, _of(values, money, name), parameters)
        for name in HEADLINES
        if name in known and known[name].better != "neither"
        for money in variants
    )


def _of(values: Values, money: Money, outcome: str) -> dict[str, Floats]:
    """Values of one outcome by policy, of those that have this money variant."""
    return {policy: of[money][outcome] for policy, of in values.items() if money in of}


def compare_on(
    bench: Bench, reference: Scenario, options: Sequence[Scenario], structure: str = ""
) -> tuple[Comparison, Values]:
    """Run and compare on an open study; also the values of each policy by money variant and outcome.

    ``structure`` names a rival structure that holds in ``reference``: its runs are kept beside those of the study's
    own reference, under names that say so. Values are (n_draws, n_worlds), those of the reference the same at any
    money; an option that does not reach equal public money has none there.

    Raises:
        StudyError: a policy of which no run succeeded.
    """
    compared = Policies.of(reference, options, structure)
    twin, base, arms = compared.twin, compared.base, compared.arms
    bench.run(twin, [base, *arms], "options as they stand")
    bench.require_some_success([base, *arms])
    return assemble(bench, compared, equal_money(bench, twin, base, arms))


# --- equal public money -------------------------------------------------------------------------------------


# --- the answer ---------------------------------------------------------------------------------------------


def assemble(
    held: Held, compared: Policies, money: Sequence[EqualMoney]
) -> tuple[Comparison, dict[str, dict[Money, dict[str, Floats]]]]:
    """The answer, and the values of each policy by money variant and outcome, as ``compare_on`` gives them."""
    outcomes = tuple(map(as_compared, held.model.outcomes))
    twin, base, arms = compared.twin, compared.base, compared.arms
    at_base = held.values(base)
    values: dict[str, dict[Money, dict[str, Floats]]] = {
        REFERENCE: {"as it stands": at_base, "at equal public money": at_base}
    }
    for option, arm, equal in zip(compared.options, arms, money, strict=True):
        values[option.name] = {"as it stands": held.values(arm)}
        if equal.reached:
            values[option.name]["at equal public money"] = held.values(arm.at_factor(equal.factor))

    def variant(arm: Arm) -> Variant:
        levels, paired, others = held.values(arm), held.values(arm, base), held.values(base, arm)
        return Variant(
            amount_factor=arm.amount_factor,
            levels={o.name: level_of(levels[o.name]) for o in outcomes},
            differences={o.name: difference_of(paired[o.name], others[o.name], o.better) for o in outcomes},
        )

    results = tuple(
        OptionResult(
            name=option.name,
            title=option.title,
            description=option.description,
            assumed_levers=tuple(
                LEVERS[name].label_en for name in option.levers if LEVERS[name].identified == "assumed"
            ),
            as_it_stands=variant(arm),
            equal_money=equal,
            at_equal_money=variant(arm.at_factor(equal.factor)),
        )
        for option, arm, equal in zip(compared.options, arms, money, strict=True)
    )
    size = base.inputs(held.parameters[0]).size
    shown = [base, twin, *arms]
    shown += [a.at_factor(m.factor) for a, m in zip(arms, money, strict=True) if m.factor != 1.0]
    comparison = Comparison(
        drawn_from=held.model.drawn_from,
        reference=compared.reference.name,
        reference_title=compared.reference.title,
        period=f"starts {size.window_first_year}-{size.window_last_year}, followed to {size.last_year}",
        reference_hash=base.scenario_hash,
        version=held.model.version,
        behaviour=held.model.behaviour,
        design=held.design,
        basis=held.model.basis,
        outcomes=outcomes,
        levels={name: level_of(of) for name, of in at_base.items()},
        no_programme={name: level_of(of) for name, of in held.values(twin).items()},
        options=results,
        failures=held.study.failures(shown, held.design),
    )
    return comparison, values


def as_compared(outcome: OutcomeInfo) -> OutcomeInfo:
    """An outcome as it is compared: a ratio of means says so, whatever it is in a single world."""
    if outcome.name not in RATIOS:
        return outcome
    above, below = RATIOS[outcome.name]
    meaning = f"mean {above} over mean {below} of the worlds of a parameter draw, mean over draws"
    return dataclasses.replace(outcome, meaning=meaning)


def without_residue(found: Any) -> Any:
    """A level or difference with its mean, error and ranges to nine digits of the largest of them; others as they are.

    What is left where large numbers cancel, a bound of 5e-19 beside one of 5e-6, is no result but the residue of
    rounding, in which processors differ.
    """
    if not isinstance(found, Level | Difference):
        return found
    ends = (found.draws.low, found.draws.high, found.worlds.low, found.worlds.high)
    largest = max((abs(one) for one in (found.mean, found.error, *ends) if math.isfinite(one)), default=0.0)
    if largest == 0.0:
        return found
    digits = JSON_DIGITS - 1 - int(f"{largest:e}".partition("e")[2])

    def rounded(number: float) -> float:
        return round(number, digits) + 0.0 if math.isfinite(number) else number

    draws, worlds = (Interval(rounded(one.low), rounded(one.high)) for one in (found.draws, found.worlds))
    return dataclasses.replace(
        found, mean=rounded(found.mean), error=rounded(found.error), draws=draws, worlds=worlds
    )


def plain(value: Any) -> Any:
    """Dataclasses, mappings and sequences as JSON knows them; floats rounded, nan and infinity as None."""
    return json_text.plain(value, JSON_DIGITS, without_residue)
