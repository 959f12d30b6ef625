"""An option's money variants as they are shown, on one scale."""

from __future__ import annotations

from typing import Final, get_args

from passaat.experiments.analyses.bench import Money
from passaat.experiments.analyses.compare import Comparison, OptionResult, Variant
from passaat.experiments.results.numbers import Scale, scale_for

NOT_REACHED: Final = "not reached"
"""Shown in place of differences at equal public money, where no payment gets there in enough draws."""


def variants_shown(option: OptionResult) -> tuple[Variant, ...]:
    """The option as it stands and, where equal public money was asked for and reached, at that."""
    found = (option.variant(money) for money in get_args(Money))
    return tuple(one for one in found if one is not None)


def scale_of(comparison: Comparison, name: str) -> Scale:
    """Scale of one outcome of a comparison, the same for all options and both money variants."""
    variants = [v for option in comparison.options for v in variants_shown(option)]
    return scale_for(
        comparison.outcome(name).unit,
        [comparison.levels[name].mean, *(variant.levels[name].mean for variant in variants)],
        [variant.differences[name].error for variant in variants],
    )
