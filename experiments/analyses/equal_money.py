"""An option at the reference's public money, draw by draw: through the amounts it pays, or through how many it pays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from passaat.experiments.analyses.bench import Bench, Held
from passaat.experiments.design.policies import AMOUNT_LEVERS, Arm, in_window
from passaat.experiments.results.outcomes import PUBLIC_COST
from passaat.experiments.stats.equal_money import MAX_EVALUATIONS, Search, best_of, search_value
from passaat.experiments.stats.pairing import NAN, Floats
from passaat.scenarios.levers import LEVERS

TOLERANCE: Final = 0.01
"""Public money of a draw counts as equal within 1 per cent of the reference's, mean over the draw's worlds."""

LEAST_REACHED: Final = 0.9
"""Nothing is said at equal money where fewer draws than this reach it: those that do are no fair sample of all."""

AMOUNT: Final = "amount factor"
THRESHOLD: Final = "selection_threshold_points"
CEILING: Final = "programme_budget_eur_year"

Way = Literal["amount", "covenants"]
"""How an option is brought to the reference's money: all public amounts by one factor; or the number of covenants,
through a lower selection threshold where it is cheaper than the reference and a lower yearly budget where it is dearer.
"""

WAYS: Final[tuple[Way, ...]] = ("amount", "covenants")

THROUGH: Final[Mapping[Way, str]] = {
    "amount": "its public amounts",
    "covenants": "a lower selection threshold or a lower programme budget",
}

FIXED_PURPOSES: Final = ("public_cost_administration_eur", "public_cost_support_eur")
"""Purposes that do not go with the public amounts; a first guess, which the search corrects."""

_DECIMALS: Final = {AMOUNT: 4, THRESHOLD: 2, CEILING: 0}


@dataclass(frozen=True)
class Payment:
    """What pays for equal money in one draw: a lever, or ``AMOUNT``, and its value. None is moved where ``moves`` is
    empty."""

    moves: str = ""
    value: float = 1.0

    def on(self, arm: Arm) -> Arm:
        """The arm with this payment."""
        if not self.moves:
            return arm
        return (
            arm.at_factor(self.value) if self.moves == AMOUNT else arm.with_settings({self.moves: self.value})
        )


@dataclass(frozen=True)
class EqualMoney:
    """How an option came to the reference's public money, parameter draw by parameter draw.

    Attributes:
        way: what was moved.
        payments: by draw, what it was moved to.
        cost_ratios: by draw, public cost over that of the reference; nan where one of the two spends nothing.
        asked: whether it was asked for; the option stands as it is where not.
    """

    way: Way
    payments: tuple[Payment, ...]
    cost_ratios: tuple[float, ...]
    asked: bool = True

    @property
    def reached_in(self) -> tuple[bool, ...]:
        """By draw, whether public money is within 1 per cent of the reference's."""
        return tuple(abs(ratio - 1.0) <= TOLERANCE for ratio in self.cost_ratios)

    @property
    def n_reached(self) -> int:
        """Draws in which it is."""
        return sum(self.reached_in)

    @property
    def reached(self) -> bool:
        """Whether enough draws came to equal money to speak of it."""
        return self.asked and self.n_reached >= LEAST_REACHED * len(self.payments)

    def values(self, moves: str) -> tuple[float, ...]:
        """What a lever was moved to, in the draws in which it was moved and equal money reached."""
        return tuple(
            payment.value
            for payment, reached in zip(self.payments, self.reached_in, strict=True)
            if reached and payment.moves == moves
        )

    @property
    def note(self) -> str:
        """Why nothing is said at equal money; empty where it is."""
        if self.reached:
            return ""
        if not self.asked:
            return "not asked for"
        if all(math.isnan(ratio) for ratio in self.cost_ratios):
            return "not reached: the reference spends no public money"
        missed = [
            ratio
            for ratio, reached in zip(self.cost_ratios, self.reached_in, strict=True)
            if not reached and math.isfinite(ratio)
        ]
        middle = float(np.median(missed)) if missed else NAN
        more = "dearer" if middle > 1.0 else "cheaper"
        return (
            f"not reached in {len(self.payments) - self.n_reached} of {len(self.payments)} draws through"
            f" {THROUGH[self.way]}: there still {abs(middle - 1.0):.1%} {more} than the reference, median"
        )


def as_it_is(way: Way, draws: int) -> EqualMoney:
    """What stands for a way that was not asked for."""
    return EqualMoney(way, (Payment(),) * draws, (NAN,) * draws, asked=False)


def equal_money(bench: Bench, twin: Arm, base: Arm, arms: Sequence[Arm], way: Way) -> list[EqualMoney]:
    """Bring every option to the reference's public money in every draw; what was found has run in all worlds.

    All options and draws search side by side, so that they share the world without programme of each cell.
    """
    cost = _costs(bench, base)
    places = [(i, draw) for i in range(len(arms)) for draw in range(bench.design.draws)]
    known: dict[tuple[int, int], dict[float, float]] = {}
    searches: dict[tuple[int, int], Search] = {}
    payments: dict[tuple[int, int], Payment] = {}
    for i, arm in enumerate(arms):
        excess = _excess(_costs(bench, arm), cost)
        fixed = _fixed_share(bench, arm)
        inputs = arm.inputs(bench.parameters[0])
        ranges = {moves: bounds(arm, moves, bench.parameters[0]) for moves in (AMOUNT, THRESHOLD, CEILING)}
        for draw in range(bench.design.draws):
            moves = _moved_by(way, float(excess[draw]))
            there = ranges[moves]
            if not math.isfinite(excess[draw]) or abs(excess[draw]) <= TOLERANCE or there is None:
                payments[i, draw] = Payment()
                continue
            start = 1.0 if moves == AMOUNT else float(in_window(inputs, moves)[0])
            known[i, draw] = {start: float(excess[draw])}
            payments[i, draw] = Payment(moves, start)
            searches[i, draw] = search_value(
                known[i, draw],
                _slope(moves, start, float(excess[draw]), float(fixed[draw])),
                *there,
                _DECIMALS[moves],
            )
    asked = {place: next(search, None) for place, search in searches.items()}
    for evaluation in range(1, MAX_EVALUATIONS + 1):
        trying = {place: value for place, value in asked.items() if value is not None}
        if not trying:
            break
        tried = {
            (i, draw): Payment(payments[i, draw].moves, value).on(arms[i])
            for (i, draw), value in trying.items()
        }
        stage = f"equal public money through {way}, step {evaluation}"
        bench.run_in_draws(twin, [(arm, draw) for (_, draw), arm in tried.items()], stage)
        asked = {}
        for (i, draw), value in trying.items():
            found = float(_excess(_costs(bench, tried[i, draw], draw), cost[draw : draw + 1])[0])
            known[i, draw][value] = found
            try:
                asked[i, draw] = searches[i, draw].send(found)
            except StopIteration:
                asked[i, draw] = None
    for place in searches:
        best, start = best_of(known[place]), payments[place].value
        payments[place] = Payment() if best == start else Payment(payments[place].moves, best)
    return [
        verdict(bench, base, arm, way, [payments[place] for place in places if place[0] == i])
        for i, arm in enumerate(arms)
    ]


def verdict(held: Held, base: Arm, arm: Arm, way: Way, payments: Sequence[Payment]) -> EqualMoney:
    """What public money is, draw by draw, once it has been paid for in this way."""
    cost = _costs(held, base)
    ratios = tuple(
        float(_excess(_costs(held, payment.on(arm), draw), cost[draw : draw + 1])[0]) + 1.0
        for draw, payment in enumerate(payments)
    )
    return EqualMoney(way, tuple(payments), ratios)


def bounds(arm: Arm, moves: str, parameters: Mapping[str, float]) -> tuple[float, float] | None:
    """Values that keep what is moved within the range of its lever; None where there is nothing to move."""
    if moves != AMOUNT:
        return LEVERS[moves].minimum, LEVERS[moves].maximum
    inputs = arm.inputs(parameters)
    amounts = {name: float(in_window(inputs, name).max()) for name in AMOUNT_LEVERS}
    highest = [LEVERS[name].maximum / amount for name, amount in amounts.items() if amount > 0.0]
    return (0.0, math.floor(min(highest) * 1e4) / 1e4) if highest else None


def _moved_by(way: Way, excess: float) -> str:
    if way == "amount":
        return AMOUNT
    return CEILING if excess > 0.0 else THRESHOLD


def _slope(moves: str, start: float, excess: float, fixed: float) -> float:
    """First guess of how relative cost rises with what is moved."""
    if moves == AMOUNT:
        return max(1.0 + excess - fixed, 0.05)
    if moves == CEILING:
        return (1.0 + excess) / start if start > 0.0 else 0.0
    return -(1.0 + excess) / max(LEVERS[THRESHOLD].maximum - start, 1.0)


def _costs(held: Held, arm: Arm, draw: int | None = None) -> Floats:
    """Public cost of an arm in each cell, of all draws or of one."""
    place = held.names.index(PUBLIC_COST)
    stored: Floats = held.stored(arm)[place] if draw is None else held.stored_in(arm, draw)[place][None, :]
    return stored


def _excess(cost: Floats, reference: Floats) -> Floats:
    """Relative excess of mean cost over the reference's, draw by draw, on the worlds that both have."""
    valid = np.isfinite(cost) & np.isfinite(reference)
    above, below = (np.where(valid, one, 0.0).sum(axis=1) for one in (cost - reference, reference))
    excess: Floats = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0.0)
    return excess


def _fixed_share(held: Held, arm: Arm) -> Floats:
    """Cost of an option that does not go with its amounts over its public cost, draw by draw; 0 where not known."""
    stored = held.stored(arm)
    total = np.nansum(stored[held.names.index(PUBLIC_COST)], axis=1)
    fixed = np.zeros_like(total)
    for name in (one for one in FIXED_PURPOSES if one in held.names):
        fixed += np.nansum(stored[held.names.index(name)], axis=1)
    return np.asarray(np.divide(fixed, total, out=np.zeros_like(total), where=total > 0.0), dtype=np.float64)
