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
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from passaat import json_text
from passaat.errors import StudyError
from passaat.experiments.basis import Basis
from passaat.experiments.comparison_plan import ComparisonPlan, remember
from passaat.experiments.crew import Crew, Threads
from passaat.experiments.decisions import Decision, decide
from passaat.experiments.design import DEFAULT_DRAWS, DEFAULT_WORLDS, Cell, Design
from passaat.experiments.equal_money import (
    MAX_CORRECTIONS,
    MAX_EVALUATIONS,
    TOLERANCE,
    EqualMoney,
    Search,
    search_factor,
)
from passaat.experiments.pairing import (
    Difference,
    Direction,
    Floats,
    Interval,
    Level,
    difference_of,
    level_of,
    paired_differences,
    ratio_values,
)
from passaat.experiments.runner import OnProgress, run_missing
from passaat.experiments.simulator import Arm, Role, Simulator, amounts_in_window, the_model
from passaat.experiments.store import FailedRun, Study, require_workable, require_writable
from passaat.scenarios.levers import LEVERS

if TYPE_CHECKING:
    from passaat.scenarios.scenario import Scenario

PUBLIC_COST: Final = "public_cost_eur"
HEADLINES: Final = (
    "additional_exports_net_eur",
    "additional_exports_smes_eur",
    "net_exports_per_public_euro",
    "contracts",
    "covenants",
)
"""The handful of outcomes of the main table and figure, and of decisions, most important first."""

RATIOS: Final = {"net_exports_per_public_euro": ("additional_exports_net_eur", PUBLIC_COST)}
"""Outcomes that are compared as a ratio of means over the worlds of a draw: numerator and denominator. The study
file holds the ratio of each single world, whose mean would let worlds that spend little count as much as others.
"""

Money = Literal["as it stands", "at equal public money"]

Values = Mapping[str, Mapping[Money, Mapping[str, Floats]]]
"""Values by policy, money variant and outcome, each (n_draws, n_worlds)."""

REFERENCE: Final = "the reference"
"""Name of the reference among the policies whose values ``compare_on`` gives; no option can be called so."""

JSON_DIGITS: Final = 9
"""Significant digits in the JSON output: more than any result means, fewer than differ between machines."""


@dataclass(frozen=True)
class OutcomeInfo:
    """An outcome as a reader needs it. ``better`` says which direction is favourable, if any."""

    name: str
    unit: str
    meaning: str
    better: Direction


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
        study.register_parameters(parameters)
        asked_for_prior = model.basis.kind == "prior" and not model.basis.notice
        asked = ComparisonPlan(reference, tuple(options), draws, worlds_per_draw, seed, asked_for_prior)
        remember(study, asked)
        study.set_meta("drawn from", model.basis.in_words(draws))
        study.set_meta("basis", json.dumps(plain(model.basis), sort_keys=True))
        bench = Bench(study, model, design, parameters, crew or Threads(workers), progress)
        comparison, values = compare_on(bench, reference, options)
        factors = {option.name: option.equal_money.factor for option in comparison.options}
        study.set_meta("equal money", json.dumps(factors, sort_keys=True))
        study.finish()
    return dataclasses.replace(comparison, decisions=decisions_of(comparison, values, parameters))


def outcome_values(study: Study, arm: Arm, design: Design) -> dict[str, Floats]:
    """Outcomes of an arm by name, each (n_draws, n_worlds); a ratio is one of means over the worlds of a draw."""
    stored = study.values(arm, design)
    require_workable(study.place, stored, study.outcome_names)
    values = dict(zip(study.outcome_names, stored, strict=True))
    return values | _ratios(values)


def _ratios(values: Mapping[str, Floats]) -> dict[str, Floats]:
    parts = {name: pair for name, pair in RATIOS.items() if {name, *pair} <= values.keys()}
    return {name: ratio_values(values[y], values[x]) for name, (y, x) in parts.items()}


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
    return assemble(bench, compared, _equal_money(bench, twin, base, arms))


@dataclass(frozen=True)
class Policies:
    """What is compared, and the arms of it: the world without programme, the reference, each option as it stands."""

    reference: Scenario
    options: tuple[Scenario, ...]
    twin: Arm
    base: Arm
    arms: tuple[Arm, ...]

    @classmethod
    def of(cls, reference: Scenario, options: Sequence[Scenario], structure: str = "") -> Self:
        """Policies and their arms; those under a rival structure have names that say so."""
        named = f" [{structure}]" if structure else ""
        role: Role = "rival-reference" if structure else "reference"
        return cls(
            reference,
            tuple(options),
            Arm.of(reference.without_programme(), "no-programme", f"no programme{named}"),
            Arm.of(reference, role, f"{reference.name}{named}"),
            tuple(Arm.of(reference.with_option(one), "option", f"{one.name}{named}") for one in options),
        )


@dataclass(frozen=True)
class Model:
    """What a comparison says of the model whose runs it rests on.

    Attributes:
        outcomes: what runs are judged by, in the order of a study's values.
        version, behaviour: of the model.
        basis: what parameter draws rest on. drawn_from: the same in words.
    """

    outcomes: tuple[OutcomeInfo, ...]
    version: str
    behaviour: str
    basis: Basis
    drawn_from: str


class Held:
    """What an open study holds in the cells of a design; nothing is run."""

    def __init__(
        self, study: Study, model: Model, design: Design, parameters: Sequence[Mapping[str, float]]
    ) -> None:
        self.study = study
        self.model = model
        self.design = design
        self.parameters = parameters
        self.names = [outcome.name for outcome in model.outcomes]

    def values(self, arm: Arm, beside: Arm | None = None) -> dict[str, Floats]:
        """Outcomes of an arm by name, each (n_draws, n_worlds); only in cells where ``beside`` has run, too."""
        stored = self._stored(arm)
        if beside is not None:
            done = np.isfinite(self._stored(beside)).any(axis=0)
            stored = np.where(done, stored, np.nan)
        values = dict(zip(self.names, stored, strict=True))
        return values | _ratios(values)

    def _stored(self, arm: Arm) -> Floats:
        values = self.study.values(arm, self.design)
        require_workable(self.study.place, values, self.names)
        return values

    def cost_excess(self, arm: Arm, base: Arm, *, pilot: bool = False) -> float:
        """Mean public cost of an arm over that of the reference, less one, on the cells that both have; nan
        if none.

        On the pilot only the pilot's cells are read, also where the arm has run in all.
        """
        place = self.names.index(PUBLIC_COST)
        cost, reference = (self._stored(one)[place] for one in (arm, base))
        if pilot:
            worlds = len({cell.world for cell in self.design.pilot()})
            cost, reference = cost[:, :worlds], reference[:, :worlds]
        difference = paired_differences(cost, reference)
        valid = np.isfinite(difference)
        total = math.fsum(reference[valid].tolist())
        return math.fsum(difference[valid].tolist()) / total if total else math.nan

    def require_some_success(self, arms: Sequence[Arm]) -> None:
        """Refuse to compare a policy of which every run failed.

        Raises:
            StudyError: names each such policy with the reason of its first failure.
        """
        cells = self.design.draws * self.design.worlds
        failures = [(arm, self.study.failures([arm], self.design)) for arm in arms]
        by_reason: dict[str, list[str]] = {}
        for arm, failed in failures:
            if len(failed) == cells:
                by_reason.setdefault(failed[0].reason, []).append(arm.name)
        problems = [
            f"all {cells} runs of {' and of '.join(names)} failed; the first: {reason}"
            for reason, names in by_reason.items()
        ]
        if problems:
            raise StudyError(
                problems,
                hint="Mend what the reasons name; `passaat check` and `passaat run` try one scenario.",
            )


class Bench(Held):
    """An open study with all that is needed to run arms in its cells, too."""

    def __init__(
        self,
        study: Study,
        simulator: Simulator,
        design: Design,
        parameters: Sequence[Mapping[str, float]],
        crew: Crew,
        progress: OnProgress | None,
    ) -> None:
        basis = simulator.basis
        model = Model(
            outcomes=tuple(OutcomeInfo(o.name, o.unit, o.meaning, o.better) for o in simulator.outcomes),
            version=simulator.version,
            behaviour=simulator.behaviour,
            basis=basis,
            drawn_from=basis.in_words(design.draws),
        )
        super().__init__(study, model, design, parameters)
        self.simulator = simulator
        self._crew = crew
        self._progress = progress

    def run(self, twin: Arm, arms: Sequence[Arm], stage: str, *, pilot: bool = False) -> None:
        """Run what is missing of these arms, in all cells or in the pilot's."""
        cells: Sequence[Cell] = list(self.design.pilot() if pilot else self.design.cells())
        run_missing(
            self.study,
            self.simulator,
            cells,
            twin,
            arms,
            crew=self._crew,
            stage=stage,
            progress=self._progress,
        )


def require_options(options: Sequence[Scenario]) -> None:
    names = [option.name for option in options]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names:
        raise StudyError("no option given to compare with the reference", hint="Name at least one option.")
    if twice:
        raise StudyError(
            [f"option {name} is given {names.count(name)} times" for name in twice],
            hint="Name each option once; give a changed copy a name of its own.",
        )


# --- equal public money -------------------------------------------------------------------------------------


def _equal_money(bench: Bench, twin: Arm, base: Arm, arms: Sequence[Arm]) -> list[EqualMoney]:
    """Bring every option to the reference's public money; all cells have run at the factors returned.

    All options search side by side, so that they share the world without programme of each cell: first on
    the pilot, aiming off by what the pilot misses at factor 1; then, where all cells still disagree, step
    by step on all cells.
    """
    pilot = [{1.0: bench.cost_excess(arm, base, pilot=True)} for arm in arms]
    full = [{1.0: bench.cost_excess(arm, base)} for arm in arms]
    bounds = [factor_bounds(arm, bench.parameters[0]) for arm in arms]

    def unequal() -> dict[int, tuple[float, float]]:
        """Options that are not there yet and have an amount to scale, with the bounds of their factor."""
        return {
            i: bound
            for i, bound in enumerate(bounds)
            if bound is not None and not any(abs(excess) <= TOLERANCE for excess in full[i].values())
        }

    searches = {
        i: search_factor(pilot[i], low, high, aim=pilot[i][1.0] - full[i][1.0])
        for i, (low, high) in unequal().items()
    }
    proposals = _search_side_by_side(bench, twin, base, arms, pilot, searches)
    for correction in range(1 + MAX_CORRECTIONS):
        fresh = {i: factor for i, factor in proposals.items() if factor not in full[i]}
        if not fresh:
            break
        stage = "equal public money" + (f", correction {correction}" if correction else "")
        bench.run(twin, [arms[i].at_factor(factor) for i, factor in fresh.items()], stage)
        for i, factor in fresh.items():
            full[i][factor] = bench.cost_excess(arms[i].at_factor(factor), base)
        proposals = {
            i: next(search_factor(full[i], low, high), 1.0)
            for i, (low, high) in unequal().items()
            if i in fresh
        }
    return [verdict(full[i], bounds[i]) for i in range(len(arms))]


def _search_side_by_side(
    bench: Bench,
    twin: Arm,
    base: Arm,
    arms: Sequence[Arm],
    pilot: Sequence[dict[float, float]],
    searches: Mapping[int, Search],
) -> dict[int, float]:
    """Advance all searches together on the pilot; returns the factor each has found and adds to ``pilot``."""
    found: dict[int, float] = {}
    asked: dict[int, float] = {}
    for i, search in searches.items():
        try:
            asked[i] = next(search)
        except StopIteration as end:
            found[i] = end.value
    for step in range(1, MAX_EVALUATIONS + 1):
        if not asked:
            break
        wanted = [arms[i].at_factor(factor) for i, factor in asked.items()]
        bench.run(twin, wanted, f"searching equal public money, step {step}", pilot=True)
        answers = dict(asked)
        asked = {}
        for i, factor in answers.items():
            pilot[i][factor] = bench.cost_excess(arms[i].at_factor(factor), base, pilot=True)
            try:
                asked[i] = searches[i].send(pilot[i][factor])
            except StopIteration as end:
                found[i] = end.value
    return found


def factor_bounds(arm: Arm, parameters: Mapping[str, float]) -> tuple[float, float] | None:
    """Factors that keep the amount per covenant within the lever's range; None where there is no amount to
    scale.
    """
    amounts = amounts_in_window(arm.inputs(parameters))
    lever = LEVERS["covenant_amount_eur"]
    largest, smallest = float(amounts.max()), float(amounts.min())
    return None if smallest <= 0.0 else (lever.minimum / smallest, lever.maximum / largest)


def verdict(full: Mapping[float, float], bounds: tuple[float, float] | None) -> EqualMoney:
    """The factor whose cost over all cells is nearest to the reference's, and whether that is near enough."""
    if not any(math.isfinite(value) for value in full.values()):
        return EqualMoney(1.0, math.nan, False, "not reached: the reference spends no public money")
    factor = min(full, key=lambda f: (abs(full[f]) if math.isfinite(full[f]) else math.inf, abs(f - 1.0)))
    excess = full[factor]
    if abs(excess) <= TOLERANCE:
        return EqualMoney(factor, 1.0 + excess, True, "")
    if bounds is None:
        note = "not reached: the option pays no amount per covenant that could be scaled"
    else:
        more = "dearer" if excess > 0 else "cheaper"
        note = (
            f"not reached with amounts per covenant of {bounds[0]:.2f} to {bounds[1]:.2f} times"
            f" the option's: still {abs(excess):.1%} {more} than the reference at {factor:.4g} times"
        )
    return EqualMoney(factor, 1.0 + excess, False, note)


# --- the answer ---------------------------------------------------------------------------------------------


def assemble(
    held: Held, compared: Policies, money: Sequence[EqualMoney]
) -> tuple[Comparison, dict[str, dict[Money, dict[str, Floats]]]]:
    """The answer, and the values of each policy by money variant and outcome, as ``compare_on`` gives them."""
    outcomes = tuple(map(_as_compared, held.model.outcomes))
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


def _as_compared(outcome: OutcomeInfo) -> OutcomeInfo:
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
