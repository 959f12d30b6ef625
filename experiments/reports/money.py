"""An option's two money variants as they are shown, on one scale."""

from __future__ import annotations

from typing import Final

from passaat.experiments.analyses.compare import Comparison, OptionResult, Variant
from passaat.experiments.results.numbers import Scale, scale_for

NOT_REACHED: Final = "not reached"
"""Shown in place of differences at equal public money, where no amount per covenant gets there."""


def variants_shown(option: OptionResult) -> tuple[Variant, ...]:
    """The option as it stands and, where equal public money was reached, at equal public money."""
    return (
        (option.as_it_stands, option.at_equal_money) if option.equal_money.reached else (option.as_it_stands,)
    )


def scale_of(comparison: Comparison, name: str) -> Scale:
    """Scale of one outcome of a comparison, the same for all options and both money variants."""
    variants = [v for option in comparison.options for v in variants_shown(option)]
    return scale_for(
        comparison.outcome(name).unit,
        [comparison.levels[name].mean, *(variant.levels[name].mean for variant in variants)],
        [variant.differences[name].error for variant in variants],
    )
