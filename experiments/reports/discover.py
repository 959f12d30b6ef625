"""Scenario discovery and trade-offs as text: where an answer turns, what is worth its cost, what would be regretted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from passaat.experiments.analyses.discover import CLEAR, HALF_SAMPLES, SURE, Corner, Discovery
from passaat.experiments.analyses.tradeoffs import Front, Noise, RegretTable
from passaat.experiments.analyses.tree import shown_limit, shown_unit
from passaat.experiments.design.factors import Factor
from passaat.experiments.reports.blocks import (
    Block,
    Cell,
    Column,
    Gap,
    Group,
    Note,
    Report,
    Row,
    Section,
    Sentence,
    Table,
)
from passaat.experiments.results.numbers import NOTHING, Scale, percent, scale_for

MOST_POLICIES: Final = 20
"""Policies that a table of a sweep over levers prints; JSON and CSV hold all."""

LUCK: Final[dict[Noise, str]] = {
    "removed": "simulation noise removed",
    "shared": "luck removed, except what draws share",
    "resampled": "one draw: shares are over resampled worlds",
    "not told": "one world per draw: regrets are too large",
}
"""What is done about luck, as every table and figure says it; longer ones do not fit below a figure."""


# --- scenario discovery -------------------------------------------------------------------------------------


def discovery_report(found: Discovery) -> Report:
    """The answer in words, each corner with what restricts it, the tree, and how to read it."""
    title = f"Where {found.question}"
    blocks: list[Block] = [Gap(), Section(title), Sentence(sentence(found))]
    for place, corner in enumerate(found.corners, start=1):
        blocks += [Gap(), *_corner(found, corner, place)]
    if not found.corners:
        blocks.append(
            Sentence(f"No corner of the {len(found.factors)} factors stands out: {found.nothing}.", "warning")
        )
    else:
        blocks.append(Note(f"No further corner is named: {found.nothing}."))
    blocks += [Gap(), *_tree(found), Gap(), *_reading(found)]
    return Report(title, tuple(blocks), {"passaat": found.version, "other parameters": found.drawn_from})


def sentence(found: Discovery) -> str:
    """In how many points the statement is true."""
    worlds = f"mean of {found.worlds} worlds each" if found.worlds > 1 else "one world each"
    missing = (
        f"; {found.left_out} more are left out because a run of theirs failed or is missing"
        if found.left_out
        else ""
    )
    return f"This is so in {_percent(found.share)} of {found.points} points ({worlds}{missing})."


def corner_sentence(found: Discovery, corner: Corner) -> str:
    """One corner in words: its conditions, how often the statement is true there, and what it covers."""
    true = corner.density if found.side == "yes" else 1.0 - corner.density
    base = corner.base if found.side == "yes" else 1.0 - corner.base
    only = "" if found.side == "yes" else "only "
    side = "is so" if found.side == "yes" else "is not so"
    return (
        f"Where {corner.words()}, it is so in {only}{_percent(true)} of {corner.points} points, rather than in"
        f" {_percent(base)}; this covers {_percent(corner.coverage)} of the points where it {side}."
    )


def _corner(found: Discovery, corner: Corner, place: int) -> Iterator[Block]:
    def true(share: float) -> str:
        return _percent(share if found.side == "yes" else 1.0 - share)

    yield Sentence(corner_sentence(found, corner), lead=f"Corner {place}. ")
    checks = [f"in points not used to find it {true(corner.held_out.density)}"]
    if found.unsure is not None:
        checks.append(f"in sure points {true(corner.sure_density)}")
    if found.worlds > 1:
        low, high = (true(one) for one in sorted(corner.by_world, reverse=found.side == "no"))
        checks.append(f"world by world {low} to {high}")
    yield Sentence(
        f"So often {', '.join(checks)}. Luck alone gives as clear a corner in"
        f" {'less than 1 %' if corner.corrected_p < 0.01 else _percent(corner.corrected_p)} of trials.",
        inset=True,
    )
    columns = (
        Column("restricted", "left"),
        Column("studied", "left"),
        Column("quasi-p"),
        Column("again"),
        Column("what it is", "left"),
    )
    rows: list[Row] = []
    for one in corner.restrictions:
        factor = one.condition.factor
        rows.append(
            (
                one.condition.words(),
                studied(factor),
                _p(one.p),
                f"{round(one.again * HALF_SAMPLES)} of {HALF_SAMPLES}",
                f"{factor.name}: {factor.meaning}",
            )
        )
    yield Table(columns, (Group(tuple(rows)),), gap=2, inset=True)


def studied(factor: Factor) -> str:
    """The range or the values over which a factor was studied."""
    if factor.scale == "categories":
        return ", ".join(factor.show(value) for value in factor.categories) + shown_unit(factor)
    return f"{shown_limit(factor, factor.low)} to {shown_limit(factor, factor.high)}{shown_unit(factor)}"


def _tree(found: Discovery) -> Iterator[Block]:
    if len(found.leaves) == 1:
        yield Note("As a tree: no question on the factors is worth asking.")
        return
    yield Sentence("As a tree, from where it is so most often:")
    rows = tuple(
        (_percent(leaf.share), f"of {leaf.points} points", f"where {leaf.words()}") for leaf in found.leaves
    )
    yield Table((Column(""), Column("", "left"), Column("", "left")), (Group(rows),), inset=True)


def _reading(found: Discovery) -> Iterator[Block]:
    if found.unsure is None:
        yield Sentence("One world per point: how many answers are luck cannot be told; take more worlds.")
    else:
        yield Sentence(
            f"{found.unsure} of {found.points} points lie within {SURE:g} standard errors of the threshold: with other"
            " luck they might count on the other side. Sure points are the rest."
        )
    yield Note(
        f"A corner is named where luck gives as clear a one in at most {100 * CLEAR:g} % of trials. quasi-p: chance"
        " of as many hits in the corner if that restriction told nothing; small by construction, for comparison only."
        f" again: half samples of {HALF_SAMPLES} in which the factor is restricted, too."
        + (f" Other parameters: {found.drawn_from}." if found.drawn_from else "")
    )


# --- trade-offs ---------------------------------------------------------------------------------------------


def front_report(front: Front) -> Report:
    """Policies by cost and effect, and which of them are worth their cost."""
    cost, effect = front_scales(front)
    columns = (
        Column(""),
        Column("", "left"),
        *(
            Column(outcome.label + (f",\n{scale.unit}" if scale.unit else ""))
            for outcome, scale in ((front.cost, cost), (front.effect, effect))
        ),
        Column("worth its\ncost in"),
        Column("on average dominated by", "left"),
    )
    shown = tuple(enumerate(front.positions, 1))
    if len(shown) > MOST_POLICIES:
        shown = tuple(pair for pair in shown if pair[1].best_by_means)[:MOST_POLICIES]
    rows: list[Row] = []
    for number, one in shown:
        cells = (
            one.policy,
            f"{cost.level(one.cost.mean)} ± {cost.level(one.cost.error)}",
            f"{effect.level(one.effect.mean)} ± {effect.level(one.effect.error)}",
            share_of_draws(one.on_front, front.draws, front.noise),
            ", ".join(f"{by.by} ({_percent(by.share)})" for by in one.dominated_by[:2]),
        )
        told = cells if one.best_by_means else (Cell(cell, "faint") for cell in cells)
        rows.append((Cell(str(number), "faint"), *told))
    title = "Worth its cost?"
    blocks: list[Block] = [Gap(), Section(title), Table(columns, (Group(tuple(rows)),), gap=2)]
    if len(shown) < len(front.positions):
        left = len(front.positions) - len(shown)
        blocks.append(Sentence(f"{left} more policies are not shown; JSON and CSV hold them."))
    if front.named_by:
        blocks.append(Sentence(front.named_by))
    blocks.append(
        Note(
            "A policy is worth its cost where no other costs no more and does no less; in brackets, in what share of"
            " draws the other does both. ± Monte Carlo error."
            f" {_rest_on(front.draws, front.worlds, front.left_out, front.noise)}"
        )
    )
    return Report(title, tuple(blocks), {"passaat": front.version, "parameters": front.drawn_from})


def regret_report(table: RegretTable) -> Report:
    """Regret by policy, and in what share of draws each is best."""
    scale = regret_scale(table)
    labels = ("mean\nregret", "one draw in\nten exceeds", "largest", "best in", "mean regret\nas counted")
    rows = tuple(
        (
            one.policy,
            scale.level(one.regret.mean),
            scale.level(one.regret.high),
            scale.level(one.regret.largest),
            share_of_draws(one.best, table.draws, table.noise),
            scale.level(one.counted.mean),
        )
        for one in table.policies[:MOST_POLICIES]
    )
    title = f"Regret: {table.outcome.label}{f', {scale.unit}' if scale.unit else ''}"
    blocks: list[Block] = [
        Gap(),
        Section(title),
        Table((Column("", "left"), *map(Column, labels)), (Group(rows),), gap=2),
    ]
    if len(table.policies) > MOST_POLICIES:
        left = len(table.policies) - MOST_POLICIES
        blocks.append(Sentence(f"{left} policies of more regret are not shown; JSON and CSV hold them."))
    if table.named_by:
        blocks.append(Sentence(table.named_by))
    blocks += [
        Sentence(f"Smallest largest regret: {table.safest}."),
        Note(
            f"Regret: what the best policy of a draw would have brought more. {_counted(table.noise)}"
            f" {_rest_on(table.draws, table.worlds, table.left_out, table.noise)}"
        ),
    ]
    return Report(title, tuple(blocks), {"passaat": table.version, "parameters": table.drawn_from})


def front_scales(front: Front) -> tuple[Scale, Scale]:
    """Scales of cost and of effect, the same in table and figure."""
    sides = (
        (front.cost, [one.cost for one in front.positions]),
        (front.effect, [one.effect for one in front.positions]),
    )
    cost, effect = (
        scale_for(outcome.unit, [one.mean for one in levels], [one.error for one in levels])
        for outcome, levels in sides
    )
    return cost, effect


def regret_scale(table: RegretTable) -> Scale:
    """Scale of the regrets, the same in table and figure: three digits of the largest."""
    largest = max((one.regret.largest for one in table.policies), default=0.0)
    scale = scale_for(table.outcome.unit, [largest], [])
    shown = largest / scale.divisor
    decimals = max(0, 1 - math.floor(math.log10(shown))) if shown > 0.0 else 0
    return Scale(scale.divisor, scale.difference_unit, min(decimals, 3), scale.difference_unit)


def share_of_draws(share: float, draws: int, noise: Noise) -> str:
    """A share of draws, never surer than their number can show; of one draw's resampled worlds, plain."""
    return percent(share, draws) if draws > 1 else _percent(share) if noise == "resampled" else NOTHING


def _counted(noise: Noise) -> str:
    """What is wrong with regret as counted."""
    if noise == "shared":
        return (
            "Counted from the plain means, what few worlds brought to all draws alike passes for knowledge."
        )
    return "Counted from the plain means of few worlds it is too large, because the best of noisy means is too good."


def _rest_on(draws: int, worlds: int, left_out: int, noise: Noise) -> str:
    missing = f"; {left_out} more are left out because a policy has no value there" if left_out else ""
    return f"{drawn(draws, worlds)}{missing}; {LUCK[noise]}."


def drawn(draws: int, worlds: int) -> str:
    """Numbers of draws and of worlds in each."""
    return f"{draws} draw{'s' if draws != 1 else ''} × {worlds} world{'s' if worlds != 1 else ''}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %" if math.isfinite(share) else NOTHING


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"
