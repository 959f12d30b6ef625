"""Compare policy options with a reference on shared worlds: the main job.

Every parameter draw meets several worlds. In each such cell the world without programme, the reference and
every option run with the same parameters and the same luck; only the policy differs. Each option is shown
as it stands, with its cost beside its effect, and at the reference's public money; so is each part of it alone.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from passaat import json_text
from passaat.experiments.analyses.bench import (
    REFERENCE,
    ArmByDraw,
    Bench,
    Held,
    Money,
    Policies,
    Values,
    require_options,
)
from passaat.experiments.analyses.decisions import Decision, Ranked, decide
from passaat.experiments.analyses.equal_money import AMOUNT, WAYS, EqualMoney, Way, as_it_is, equal_money
from passaat.experiments.design.basis import Basis
from passaat.experiments.design.cells import DEFAULT_DRAWS, DEFAULT_WORLDS, PILOT_WORLDS, Design
from passaat.experiments.design.comparison_plan import USUAL_PAY, ComparisonPlan, ways_in_order
from passaat.experiments.design.policies import AMOUNT_LEVERS, Arm
from passaat.experiments.design.simulator import Simulator, the_model
from passaat.experiments.results.outcomes import HEADLINES, PUBLIC_COST, RATIOS, OutcomeInfo
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
from passaat.experiments.study.comparisons import remember, remember_equal_money
from passaat.experiments.study.connection import require_writable
from passaat.experiments.study.records import FailedRun
from passaat.experiments.study.study import Study
from passaat.model.units import YEARS_TO_EVALUATION
from passaat.scenarios.levers import LEVERS

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario


Parts = Literal["none", "some", "all"]
"""Worlds that parts of options meet: none, the first of each draw, or all."""

PART_OUTCOMES: Final = (*HEADLINES, PUBLIC_COST)
"""What is shown of the parts of an option."""

INTERACTION: Final = "together, beyond the sum"

AT_EQUAL_MONEY: Final = "at equal public money"
AT_EQUAL_COVENANTS: Final = "at equal public money through the number of covenants"
MONEY_OF: Final[Mapping[Way, Money]] = {"amount": AT_EQUAL_MONEY, "covenants": AT_EQUAL_COVENANTS}

JSON_DIGITS: Final = 9
"""Significant digits in the JSON output: more than any result means, fewer than differ between machines."""


@dataclass(frozen=True)
class Variant:
    """An option in one money variant: levels, and differences from the reference, by outcome."""

    levels: Mapping[str, Level]
    differences: Mapping[str, Difference]


@dataclass(frozen=True)
class Part:
    """What one part of an option changes by itself, on the worlds that parts have met.

    Attributes:
        name: of the part; ``INTERACTION`` for what the parts do together beyond the sum of each alone.
        levers: what it moves, by their names for people.
        differences: from the reference, of ``PART_OUTCOMES``.
    """

    name: str
    levers: tuple[str, ...]
    differences: Mapping[str, Difference]


@dataclass(frozen=True)
class OptionResult:
    """What one option would change, as it stands and at the reference's public money.

    ``description`` says it in words. ``assumed_levers`` are the levers it moves, or that are moved to pay for it, whose
    effect no data identify, by their names for people. ``parts`` are its parts alone, where it has several, and last
    what they do together. ``sign_turns`` says that the main outcome rises in one way of paying and falls in another.
    """

    name: str
    title: str
    description: str
    assumed_levers: tuple[str, ...]
    as_it_stands: Variant
    equal_money: EqualMoney
    at_equal_money: Variant
    equal_covenants: EqualMoney
    at_equal_covenants: Variant
    parts: tuple[Part, ...]
    sign_turns: bool

    def equal(self, money: Money) -> EqualMoney:
        """How it came to equal public money in a variant other than as it stands."""
        return self.equal_covenants if money == AT_EQUAL_COVENANTS else self.equal_money

    def variant(self, money: Money) -> Variant | None:
        """The option in a money variant; None where that was not asked for or not reached."""
        if money == "as it stands":
            return self.as_it_stands
        at_equal = self.at_equal_covenants if money == AT_EQUAL_COVENANTS else self.at_equal_money
        return at_equal if self.equal(money).reached else None


@dataclass(frozen=True)
class Comparison:
    """The answer: a reference, its levels, and per option what changes, with three uncertainties kept apart.

    Attributes:
        reference: name of the reference scenario.
        reference_title: its title.
        period: years of the decision window and last year of the run, in words.
        evaluation_year: last year that an evaluation like that of PIB would see. last_year: of the run.
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
        pay: ways of meeting the difference in public money that were asked for.
        part_worlds: worlds of each draw that parts of options have met.
    """

    drawn_from: str
    reference: str
    reference_title: str
    period: str
    evaluation_year: int
    last_year: int
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
    pay: tuple[str, ...] = USUAL_PAY
    part_worlds: int = PILOT_WORLDS

    @property
    def monies(self) -> tuple[Money, ...]:
        """Money variants that were asked for."""
        return monies_of(self.pay)

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
    pay: Sequence[str] = USUAL_PAY,
    parts_in_full: bool = False,
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
        pay: ways of meeting the difference in public money, of ``comparison_plan.PAY``.
        parts_in_full: parts of options meet every world, not only the first of each draw.

    Raises:
        StudyError: nothing to compare, an unknown way of paying, an impossible design, an unusable study file, or a
            policy of which no run succeeded. A new study file in which no run at all succeeded is removed again.
    """
    require_options(options)
    pay = ways_in_order(pay)
    design = Design(draws, worlds_per_draw, seed)
    if study_path is not None:
        require_writable(study_path)  # before the model, which may have to be compiled to tell its behaviour
    model = the_model(reference, prior=prior) if simulator is None else simulator
    parameters = model.draw_parameters(draws, seed)
    with Study.open(study_path, model, reference, seed) as study, study.removed_if_empty():
        bench = Bench(study, model, design, parameters, crew or Threads(workers), progress)
        asked_for_prior = model.basis.kind == "prior" and not model.basis.notice
        asked = ComparisonPlan(
            reference, tuple(options), draws, worlds_per_draw, seed, asked_for_prior, pay, parts_in_full
        )
        remember(study, asked)
        study.set_meta("drawn from", model.basis.in_words(draws))
        study.set_meta("basis", json.dumps(plain(model.basis), sort_keys=True))
        comparison, values = compare_on(
            bench, reference, options, pay=pay, parts="all" if parts_in_full else "some"
        )
        remember_equal_money(study, payments_of(comparison))
        study.finish()
    return dataclasses.replace(comparison, decisions=decisions_of(comparison, values, parameters))


def compare_as_asked(
    asked: ComparisonPlan, study_path: Path, simulator: Simulator, crew: Crew, progress: OnProgress
) -> Comparison:
    """``compare`` for what a plan asks.

    Raises:
        StudyError: as ``compare``.
    """
    return compare(
        asked.reference,
        asked.options,
        draws=asked.draws,
        worlds_per_draw=asked.worlds,
        seed=asked.seed,
        study_path=study_path,
        progress=progress,
        simulator=simulator,
        crew=crew,
        pay=asked.pay,
        parts_in_full=asked.parts_in_full,
    )


def decisions_of(
    comparison: Comparison, values: Values, parameters: Sequence[Mapping[str, float]]
) -> tuple[Decision, ...]:
    """Whether the order of policies holds, for each headline outcome that has a favourable direction."""
    if len(parameters) < 2:
        return ()
    known = {outcome.name: outcome for outcome in comparison.outcomes}
    asked = [
        Ranked(name, money, known[name].better, _of(values, money, name))
        for name in HEADLINES
        if name in known and known[name].better != "neither"
        for money in comparison.monies
    ]
    return decide(asked, parameters)


def _of(values: Values, money: Money, outcome: str) -> dict[str, Floats]:
    """Values of one outcome by policy, of those that have this money variant."""
    return {policy: of[money][outcome] for policy, of in values.items() if money in of}


def compare_on(
    bench: Bench,
    reference: Scenario,
    options: Sequence[Scenario],
    structure: str = "",
    *,
    pay: Sequence[str] = USUAL_PAY,
    parts: Parts = "some",
) -> tuple[Comparison, Values]:
    """Run and compare on an open study; also the values of each policy by money variant and outcome.

    ``structure`` names a rival structure that holds in ``reference``: its runs are kept beside those of the study's
    own reference, under names that say so. Values are (n_draws, n_worlds), those of the reference the same at any
    money; an option that does not reach equal public money has none there, and one that does has nan in the draws that
    do not.

    Raises:
        StudyError: a policy of which no run succeeded.
    """
    compared = Policies.of(reference, options, structure, taken_apart=parts != "none")
    twin, base, arms = compared.twin, compared.base, compared.arms
    bench.run(twin, [base, *arms], "options as they stand")
    bench.require_some_success([base, *arms])
    alone = [arm for of in compared.parts for arm in of.values()]
    if alone:
        bench.run(twin, alone, "parts of options", pilot=parts == "some")
    money = {way: equal_money(bench, twin, base, arms, way) for way in WAYS if way in pay}
    return assemble(bench, compared, money, pay, parts_in_full=parts == "all")


# --- the answer ---------------------------------------------------------------------------------------------


def assemble(
    held: Held,
    compared: Policies,
    money: Mapping[Way, Sequence[EqualMoney]],
    pay: Sequence[str],
    *,
    parts_in_full: bool,
) -> tuple[Comparison, dict[str, dict[Money, dict[str, Floats]]]]:
    """The answer, and the values of each policy by money variant and outcome, as ``compare_on`` gives them."""
    outcomes = tuple(map(as_compared, held.model.outcomes))
    twin, base, arms = compared.twin, compared.base, compared.arms
    at_base = held.values(base)
    of_parts = held if parts_in_full else held.in_first_worlds(PILOT_WORLDS)
    values: dict[str, dict[Money, dict[str, Floats]]] = {REFERENCE: dict.fromkeys(monies_of(pay), at_base)}
    results = []
    shown: list[Arm] = [base, twin, *arms, *(arm for of in compared.parts for arm in of.values())]

    def variant(arm: ArmByDraw, levels: Mapping[str, Floats]) -> Variant:
        paired, others = held.values(arm, base), held.values(base, arm)
        return Variant(
            levels={o.name: level_of(levels[o.name]) for o in outcomes},
            differences={
                o.name: difference_of(
                    paired[o.name],
                    others[o.name],
                    o.better,
                    dots=o.name in HEADLINES and o.better != "neither",
                )
                for o in outcomes
            },
        )

    for place, (option, arm) in enumerate(zip(compared.options, arms, strict=True)):
        values[option.name] = {"as it stands": held.values(arm)}
        as_it_stands = variant(arm, values[option.name]["as it stands"])
        equal: dict[Way, EqualMoney] = {}
        at_equal: dict[Way, Variant] = {}
        for way in WAYS:
            equal[way] = money[way][place] if way in money else as_it_is(way, held.design.draws)
            at_equal[way] = as_it_stands
            if equal[way].reached:
                paid = paid_for(arm, equal[way])
                values[option.name][MONEY_OF[way]] = held.values(paid)
                at_equal[way] = variant(paid, values[option.name][MONEY_OF[way]])
                shown += dict.fromkeys(one for one in paid if one is not None and one != arm)
        moved = [*option.levers, *(lever for way in WAYS for lever in _balancing(equal[way]))]
        variants = [as_it_stands, *(at_equal[way] for way in WAYS if equal[way].reached)]
        results.append(
            OptionResult(
                name=option.name,
                title=option.title,
                description=option.description,
                assumed_levers=tuple(
                    LEVERS[name].label_en
                    for name in dict.fromkeys(moved)
                    if LEVERS[name].identified == "assumed"
                ),
                as_it_stands=as_it_stands,
                equal_money=equal["amount"],
                at_equal_money=at_equal["amount"],
                equal_covenants=equal["covenants"],
                at_equal_covenants=at_equal["covenants"],
                parts=_parts(of_parts, option, base, arm, compared.parts[place], outcomes),
                sign_turns=_sign_turns(variants),
            )
        )
    size = base.inputs(held.parameters[0]).size
    comparison = Comparison(
        drawn_from=held.model.drawn_from,
        reference=compared.reference.name,
        reference_title=compared.reference.title,
        period=f"starts {size.window_first_year}-{size.window_last_year}, followed to {size.last_year}",
        evaluation_year=min(size.window_last_year + YEARS_TO_EVALUATION, size.last_year),
        last_year=size.last_year,
        reference_hash=base.scenario_hash,
        version=held.model.version,
        behaviour=held.model.behaviour,
        design=held.design,
        basis=held.model.basis,
        outcomes=outcomes,
        levels={name: level_of(of) for name, of in at_base.items()},
        no_programme={name: level_of(of) for name, of in held.values(twin).items()},
        options=tuple(results),
        failures=held.study.failures(dict.fromkeys(shown), held.design),
        pay=tuple(pay),
        part_worlds=of_parts.design.worlds,
    )
    return comparison, values


def monies_of(pay: Sequence[str]) -> tuple[Money, ...]:
    """Money variants of these ways of paying; an option as it stands is always among them."""
    return ("as it stands", *(MONEY_OF[way] for way in WAYS if way in pay))


def paid_for(arm: Arm, equal: EqualMoney) -> list[Arm | None]:
    """An option in each draw as it is paid for; none where it does not come to equal public money."""
    return [
        payment.on(arm) if reached else None
        for payment, reached in zip(equal.payments, equal.reached_in, strict=True)
    ]


def payments_of(comparison: Comparison) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """What each option was brought to equal public money by, draw by draw, as a study keeps it."""
    return {
        option.name: {
            equal.way: [(payment.moves, payment.value) for payment in equal.payments]
            for equal in (option.equal_money, option.equal_covenants)
            if equal.asked
        }
        for option in comparison.options
    }


def _balancing(equal: EqualMoney) -> tuple[str, ...]:
    """Levers that are moved to come to equal public money."""
    moved = dict.fromkeys(payment.moves for payment in equal.payments if payment.moves)
    return tuple(lever for one in moved for lever in (AMOUNT_LEVERS[:1] if one == AMOUNT else (one,)))


def _sign_turns(variants: Sequence[Variant]) -> bool:
    """Whether the main outcome rises in one way of paying and falls in another, in the mean."""
    means = [one.differences[HEADLINES[0]].mean for one in variants if HEADLINES[0] in one.differences]
    return min(means, default=0.0) < 0.0 < max(means, default=0.0)


def _parts(
    held: Held,
    option: Scenario,
    base: Arm,
    whole: Arm,
    parts: Mapping[str, Arm],
    outcomes: Sequence[OutcomeInfo],
) -> tuple[Part, ...]:
    """Each part of an option alone, and what they do together beyond their sum, in the worlds of ``held``."""
    if not parts:
        return ()
    asked = [one for one in outcomes if one.name in PART_OUTCOMES]
    at_base, at_whole = held.values(base), held.values(whole)
    alone = {name: held.values(arm) for name, arm in parts.items()}

    def against(found: Mapping[str, Floats], other: Mapping[str, Floats]) -> dict[str, Difference]:
        return {one.name: difference_of(found[one.name], other[one.name], one.better) for one in asked}

    summed = {
        one.name: sum((of[one.name] - at_base[one.name] for of in alone.values()), start=at_base[one.name])
        for one in asked
    }
    return (
        *(
            Part(
                name,
                tuple(LEVERS[lever].label_en for lever in option.all_parts[name]),
                against(of, at_base),
            )
            for name, of in alone.items()
        ),
        Part(INTERACTION, (), against(at_whole, summed)),
    )


def as_compared(outcome: OutcomeInfo) -> OutcomeInfo:
    """An outcome as it is compared: a ratio of means says so, whatever it is in a single world."""
    if outcome.name not in RATIOS:
        return outcome
    above, below = RATIOS[outcome.name]
    meaning = f"mean {above} over mean {below} of the worlds of a parameter draw, mean over draws"
    return dataclasses.replace(outcome, meaning=meaning)


def without_residue(found: Any) -> Any:
    """A level or difference with its mean, error, median and ranges to nine digits of the largest; others as they are.

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
    if isinstance(found, Difference):
        found = dataclasses.replace(found, dots=tuple(map(rounded, found.dots)))
    return dataclasses.replace(
        found,
        mean=rounded(found.mean),
        error=rounded(found.error),
        median=rounded(found.median),
        draws=draws,
        worlds=worlds,
    )


def plain(value: Any) -> Any:
    """Dataclasses, mappings and sequences as JSON knows them; floats rounded, nan and infinity as None."""
    return json_text.plain(value, JSON_DIGITS, without_residue)
