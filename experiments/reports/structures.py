"""The comparison under rival structures as text: differences side by side, and which rankings hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from passaat.experiments.analyses.bench import Money
from passaat.experiments.analyses.structures import CLEAR, MONEY, Holds, Ranking, StructureComparison
from passaat.experiments.reports.blocks import (
    Block,
    Column,
    Gap,
    Group,
    Heading,
    Note,
    Report,
    Section,
    Sentence,
    Table,
)
from passaat.experiments.reports.comparison import facts_of
from passaat.experiments.reports.money import NOT_REACHED, variants_shown
from passaat.experiments.results.numbers import Scale, scale_for
from passaat.experiments.results.outcomes import HEADLINES, label
from passaat.scenarios.rivals import MEANINGS, OWN

_FIRST: Final = 20
_OTHER: Final = 15
"""Column widths: the policy or outcome, and each structure."""

_SHOWN: Final[dict[Holds, str]] = {
    "holds": "holds",
    "less clear": "less clear",
    "flips": "FLIPS",
    "nothing clear": "–",
}


def structures_report(found: StructureComparison, *, all_outcomes: bool = False) -> Report:
    """Differences under each structure, then what holds of the rankings, then how to read it."""
    own = found.comparisons[OWN]
    present = [outcome.name for outcome in own.outcomes]
    names = present if all_outcomes else [name for name in HEADLINES if name in present]
    design = found.design
    title = "Under rival structures of the model"
    blocks: list[Block] = [
        Gap(),
        Heading(title),
        Sentence(
            f"{design.draws * design.worlds} paired worlds for each structure: {design.draws} parameter draws ×"
            f" {design.worlds} worlds, the same for all, seed {design.seed}"
        ),
        *(Note(f"{name}: {MEANINGS[name]}") for name in found.rivals),
        Gap(),
    ]
    for money in MONEY:
        blocks += [*_differences(found, names, money), Gap()]
    blocks += [*_rankings(found, names), Gap(), *_reading(found)]
    return Report(title, tuple(blocks), facts_of(own))


def _differences(found: StructureComparison, names: Sequence[str], money: Money) -> Iterator[Block]:
    yield Section(f"Differences from the reference, {money}")
    yield _table(
        ("", *map(_label, found.comparisons)), (), (_difference_group(found, name, money) for name in names)
    )


def _difference_group(found: StructureComparison, name: str, money: Money) -> Group:
    """An outcome, and one row for each option."""
    scale = _scale(found, name)
    unit = "" if scale.difference_unit in ("", label(name).lower()) else f", {scale.difference_unit}"
    rows = tuple(
        (
            option.name,
            *(_difference(found, structure, place, name, money, scale) for structure in found.comparisons),
        )
        for place, option in enumerate(found.comparisons[OWN].options)
    )
    return Group(rows, label(name), unit)


def _difference(
    found: StructureComparison, structure: str, place: int, name: str, money: Money, scale: Scale
) -> str:
    option = found.comparisons[structure].options[place]
    variant = option.variant(money)
    if variant is None:
        return NOT_REACHED
    difference = variant.differences[name]
    return f"{scale.signed(difference.mean)} ± {scale.level(difference.error)}"


def _scale(found: StructureComparison, name: str) -> Scale:
    """One scale for an outcome under all structures."""
    comparisons = list(found.comparisons.values())
    variants = [v for one in comparisons for option in one.options for v in variants_shown(option)]
    return scale_for(
        comparisons[0].outcome(name).unit,
        [one.levels[name].mean for one in comparisons] + [v.levels[name].mean for v in variants],
        [v.differences[name].error for v in variants],
    )


def _rankings(found: StructureComparison, names: Sequence[str]) -> Iterator[Block]:
    yield Section("Does the ranking of options hold?")
    widths = (27, 9, *(_OTHER for _ in found.rivals))
    shown = sorted(
        (one for one in found.rankings if one.outcome in names), key=lambda one: names.index(one.outcome)
    )
    yield _table(
        ("", "clear\npairs", *map(_label, found.rivals)),
        widths,
        (
            Group(
                tuple(
                    (
                        label(one.outcome),
                        str(len(one.pairs)),
                        *(_held(one, rival) for rival in found.rivals),
                    )
                    for one in shown
                    if one.money == money
                ),
                money,
            )
            for money in MONEY
        ),
    )
    for ranking in shown:
        for rival in ranking.flipped_by:
            yield from _flips(found, ranking, rival)
    flipping = [rival for rival in found.rivals if any(rival in one.flipped_by for one in shown)]
    if flipping:
        yield Sentence(f"Switches that turn a ranking shown round: {', '.join(flipping)}.")
    else:
        yield Sentence("No switch clearly turns a ranking shown round.")


def _held(ranking: Ranking, rival: str) -> str:
    if ranking.holds[rival] in ("holds", "nothing clear"):
        return _SHOWN[ranking.holds[rival]]
    wanted = ("reversed",) if ranking.holds[rival] == "flips" else ("open", "missing")
    number = sum(pair.gains[rival].state in wanted for pair in ranking.pairs)
    return f"{_SHOWN[ranking.holds[rival]]}, {number}"


def _flips(found: StructureComparison, ranking: Ranking, rival: str) -> Iterator[Block]:
    scale = _scale(found, ranking.outcome)
    for pair in ranking.pairs:
        here, own = pair.gains[rival], pair.gains[OWN]
        if here.state == "reversed":
            yield Sentence(
                f"{label(ranking.outcome)}, {ranking.money}: {pair.ahead} is ahead of {pair.behind} by"
                f" {scale.level(own.mean)} ± {scale.level(own.error)} {scale.difference_unit} under {found.own},"
                f" and behind by {scale.level(-here.mean)} ± {scale.level(here.error)} under {rival}.",
                "warning",
            )


def _reading(found: StructureComparison) -> Iterator[Block]:
    yield Sentence(
        f"± Monte Carlo error. A pair of policies, the reference among them, is clear when it differs by more than"
        f" {CLEAR:g} errors under {found.own}. holds: every clear pair is clear in the same order there. less clear:"
        " that many no longer are. FLIPS: that many are clear in the opposite order; with many pairs looked at, a"
        " single one by a narrow margin may be luck: take more worlds. –: no pair is clear to begin with."
    )
    if found.comparisons[OWN].basis.kind == "posterior":
        yield Sentence(
            f"Parameters are drawn from the posterior of {found.own} under every structure: a rival calibrated by"
            " itself might do better."
        )
    yield Sentence(
        "Defaults and ranges were tuned by hand under the model's own structure. `passaat validate --structures`"
        " says what the reported figures say about each rival."
    )
    failed = {name: len(one.failures) for name, one in found.comparisons.items() if one.failures}
    if failed:
        said = ", ".join(f"{number} under {name}" for name, number in failed.items())
        yield Sentence(f"Runs that failed and are left out of their pairs: {said}.", "failure")


def _label(structure: str) -> str:
    return "own\nstructure" if structure == OWN else structure.replace("=", "\n= ")


def _table(labels: Sequence[str], widths: Sequence[int], groups: Iterable[Group]) -> Table:
    wanted = widths or (_FIRST, *(_OTHER for _ in labels[1:]))
    columns = tuple(
        Column(one, "left" if place == 0 else "right", width)
        for place, (one, width) in enumerate(zip(labels, wanted, strict=True))
    )
    return Table(columns, tuple(groups))
