"""What the posterior predicts of figures that it was not made from: the stored hold-outs, read for people.

``posterior/hold_out.json`` holds what ``passaat calibrate --proof`` found: one cohort predicted from the one before it,
and each group of figures from all others, with real runs, each beside what prior ranges predict of the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from passaat.calibration import posterior
from passaat.calibration.targets import figures
from passaat.errors import EvidenceError

TELLING: Final = 0.1
"""Least mean gain in log score per figure that counts: reported figures 10 % likelier. An assumption."""
FILE: Final = "hold_out.json"


@dataclass(frozen=True)
class Split:
    """Figures that were kept aside, and how well the others predict them.

    Attributes:
        title: what was fitted and what it had to predict.
        inside: number of reported values within the 90 % that were predicted.
        likelier: number of figures that are likelier than by the prior.
        figures: number of figures kept aside.
        gain: log score gained on the prior, mean per figure; 0 is no better than the prior.
        missed: labels of the figures whose reported value lies outside.
    """

    title: str
    inside: int
    likelier: int
    figures: int
    gain: float
    missed: tuple[str, ...]

    @property
    def reading(self) -> str:
        """What the gain says, in words."""
        if self.gain > TELLING:
            return "better than the prior"
        if self.gain > 0.0:
            return "hardly better than the prior"
        return "no better than the prior" if self.gain >= -TELLING else "worse than the prior"

    def to_dict(self) -> dict[str, Any]:
        """The split as plain data, with its reading."""
        return {
            "title": self.title,
            "inside": self.inside,
            "likelier_than_by_prior": self.likelier,
            "of": self.figures,
            "log_score_gain_per_figure": float(f"{self.gain:.5g}"),
            "reading": self.reading,
            "missed": list(self.missed),
        }


@dataclass(frozen=True)
class HeldOut:
    """All stored hold-outs, or why there are none to show."""

    splits: tuple[Split, ...] = ()
    notice: str = ""

    def sentences(self) -> tuple[str, ...]:
        """How to read them."""
        if not self.splits:
            return (self.notice,)
        weak = [split for split in self.splits if split.gain <= TELLING]
        missed = list(dict.fromkeys(label for split in self.splits for label in split.missed))
        said = [
            f"In {len(weak)} of {len(self.splits)} tests the posterior predicts hardly or no better than the prior: "
            "there the other figures say little about those kept aside."
        ]
        if missed:
            said.append(f"Outside 9 in 10 predicted reports: {'; '.join(missed)}.")
        said.append(
            f"Better: reported figures more than {100 * TELLING:.0f} % likelier on average. All figures come from one "
            "programme and one evaluation: no test in other circumstances."
        )
        return tuple(said)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for programs."""
        return {
            "tests": [split.to_dict() for split in self.splits],
            "reading": list(self.sentences()),
        }


def held_out() -> HeldOut:
    """The hold-outs that ship with the posterior; a notice where they cannot be read or belong to another one."""
    try:
        stored = posterior.read_metadata(posterior.FOLDER / FILE)
        fresh = stored.get("fingerprints") == posterior.shipped().get("fingerprints")
    except EvidenceError as error:
        return HeldOut(notice=f"No hold-outs are shown: {'; '.join(error.problems)}.")
    if not fresh:
        return HeldOut(notice="No hold-outs are shown: those stored belong to another posterior.")
    labels = {figure.name: figure.label for figure in figures()}
    return HeldOut(tuple(_split(title, one, labels) for title, one in stored["splits"].items()))


def _split(title: str, stored: Mapping[str, Any], labels: Mapping[str, str]) -> Split:
    return Split(
        title=title,
        inside=stored["inside"],
        likelier=stored["better_than_prior"],
        figures=stored["of"],
        gain=stored["log_score_gain"] / stored["of"],
        missed=tuple(labels.get(name, name) for name, one in stored["figures"].items() if not one["inside"]),
    )
