"""Try an option in a few pairs of worlds: does it change anything at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from passaat.errors import ModelError, StudyError
from passaat.experiments.design.cells import LARGEST_SEED, world_seed
from passaat.experiments.design.simulator import Simulator, the_model
from passaat.scenarios.scenario import Scenario

__all__ = ["PAIRS", "Trial", "try_option"]

PAIRS: Final = 8

MOST_FIRMS: Final = 2_000
"""Worlds of a trial have no more firms than this, so that it takes a second or two."""


@dataclass(frozen=True)
class Trial:
    """In how many of the pairs an option changed any outcome.

    Attributes:
        changed: for each pair the names of the outcomes that differ.
        n_firms: firms of the worlds tried; fewer than the reference has where that is large.
        drawn_from: what the parameters of the pairs were drawn from, in words.
    """

    option: str
    reference: str
    changed: tuple[tuple[str, ...], ...]
    n_firms: int
    drawn_from: str

    @property
    def unchanged(self) -> int:
        """Number of pairs in which nothing changed."""
        return sum(not names for names in self.changed)

    def summary(self) -> list[str]:
        """What was tried and found, in two sentences."""
        pairs = len(self.changed)
        found = (
            f"{self.option} changes nothing in {self.unchanged} of {pairs} pairs of worlds"
            if self.unchanged
            else f"{self.option} changes some outcome in all {pairs} pairs of worlds"
        )
        return [
            f"{found}, with and without it, in {self.reference}.",
            f"Each world has {self.n_firms:,} firms and its own draw of parameters: {self.drawn_from}.",
        ]


def try_option(
    reference: Scenario,
    option: Scenario,
    *,
    pairs: int = PAIRS,
    seed: int = 1,
    simulator: Simulator | None = None,
) -> Trial:
    """Run a reference with and without an option, each pair in a world and with a draw of parameters of its own.

    Args:
        simulator: what runs the worlds; by default the model that ships, with its posterior where that applies.

    Raises:
        StudyError: a number of pairs or a seed out of range, or a run that failed; the message says in which world.
        ScenarioError: ``option`` is a reference, or ``reference`` an option.
    """
    if pairs < 1 or not 0 <= seed <= LARGEST_SEED:
        raise StudyError(
            f"pairs = {pairs}, seed = {seed}: at least 1 pair and a seed of 0 to {LARGEST_SEED} are needed",
            f"The defaults are {PAIRS} pairs and seed 1.",
        )
    model = the_model(reference) if simulator is None else simulator
    n_firms = min(reference.the_world.n_firms, MOST_FIRMS)
    small = reference.with_world({"n_firms": n_firms})
    without, policies = small.without_programme(), (small, small.with_option(option))
    changed: list[tuple[str, ...]] = []
    for pair, parameters in enumerate(model.draw_parameters(pairs, seed)):
        world = world_seed(seed, pair, 0)
        try:
            twin = model.simulate(without.inputs(parameters), world)
            before, after = (
                model.outcomes_of(model.simulate(policy.inputs(parameters), world), twin)
                for policy in policies
            )
        except ModelError as error:
            raise StudyError(
                f"the pair {pair + 1} of {pairs} failed: {'; '.join(error.problems)}", error.hint
            ) from None
        same = np.equal(before, after) | (np.isnan(before) & np.isnan(after))
        changed.append(
            tuple(one.name for one, equal in zip(model.outcomes, same.tolist(), strict=True) if not equal)
        )
    return Trial(option.name, reference.name, tuple(changed), n_firms, model.basis.in_words(pairs))
