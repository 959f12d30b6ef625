"""The judge: paired tests over worlds, in batches, with a stated rate of error.

Each direction is tested in two strata, worlds at default parameters and worlds whose parameters are drawn from their
ranges. In each stratum worlds are added in batches, 40, 160 and 640 in all, until the test decides, or until 160 worlds
have not moved at all. What may be spent of the error rate of one test and stratum, ``ALPHA`` = 0.001, is divided over
the three looks (``SPENT``, which adds up to it), so that looking more than once costs nothing.

- ``raises`` and ``lowers``: a one-sided t-test on paired differences in the direction claimed, and one in the other.
  Fewer than ``LEAST_MOVED`` worlds with any difference decide nothing: the t-test is not to be trusted then.
- ``no effect``: two one-sided tests against a margin in units of the outcome's spread. Contradicted when the effect
  is shown to be larger than the margin.
- ``later``: the effect as a whole is positive, and the part that comes from a quarter on is larger than the part
  before; both one-sided t-tests on a sum over quarters, each at the full level, as both must hold. Contradicted when
  the effect is shown to be negative, or mostly earlier.

A direction *holds* when it holds in both strata, is *contradicted* when it is in either, and is *undecided* otherwise.
Holding by luck has a chance below ``ALPHA``, as it takes both strata; being contradicted by luck one below twice that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import stats
from tests.directions.lab import STRATA, Floats, Lab
from tests.directions.registry import Direction

ALPHA: Final = 0.001
BATCHES: Final = (40, 160, 640)
SPENT: Final = (0.0001, 0.0003, 0.0006)
LEAST_MOVED: Final = 12

HOLDS, CONTRADICTED, UNDECIDED = "holds", "contradicted", "undecided"


@dataclass(frozen=True)
class Judgement:
    """What was found in one stratum.

    Attributes:
        worlds: worlds lived when the test decided, or all of them.
        effect: mean paired difference, changed minus base; of the sum over quarters for ``later``.
        error: its standard error.
        spread: standard deviation of the outcome over the base worlds.
        moved: share of worlds with any difference.
        p: p-value of the direction claimed, the larger of the two where two must hold.
        p_against: p-value of the opposite.
    """

    worlds: int
    effect: float
    error: float
    spread: float
    moved: float
    p: float
    p_against: float
    verdict: str

    def numbers(self) -> dict[str, Any]:
        """As stored: numbers to three digits."""
        names = ("worlds", "effect", "error", "spread", "moved", "p", "p_against", "verdict")
        return {name: _short(getattr(self, name)) for name in names}


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return float(f"{value:.3g}") if math.isfinite(value) else None


def above(values: Floats, bound: float = 0.0) -> tuple[float, float]:
    """P-values of the mean lying above ``bound``, and below it, by Student's t."""
    n, error = len(values), standard_error(values)
    gap = float(values.mean()) - bound
    if error == 0.0:
        return (0.0 if gap > 0.0 else 1.0, 0.0 if gap < 0.0 else 1.0)
    t = gap / error
    return float(stats.t.sf(t, n - 1)), float(stats.t.cdf(t, n - 1))


def standard_error(values: Floats) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def judge_values(direction: Direction, base: Floats, changed: Floats, level: float) -> Judgement:
    """Judge one stratum at one look, from readings of the same worlds in both situations.

    Raises:
        ValueError: readings that are not numbers.
    """
    if not (np.isfinite(base).all() and np.isfinite(changed).all()):
        raise ValueError(f"{direction.name}: {direction.outcome!r} is not a number in some worlds")
    difference, spread = changed - base, float(base.std(ddof=1))
    values = difference.sum(axis=1) if direction.kind == "later" else difference
    moved = float((difference.reshape(len(difference), -1) != 0.0).any(axis=1).mean())
    p_up, p_down = above(values)
    enough = moved * len(values) >= LEAST_MOVED
    if direction.kind == "no effect":
        band = direction.margin * spread
        p = max(above(values, -band)[0], above(values, band)[1])
        p_against = 2.0 * min(above(values, -band)[1], above(values, band)[0])
        enough = True
    elif direction.kind == "later":
        late = difference[:, direction.after :].sum(axis=1) - difference[:, : direction.after].sum(axis=1)
        p_late, p_early = above(late)
        p, p_against = max(p_up, p_late), 2.0 * min(p_down, max(p_up, p_early))
        spread = float(base.sum(axis=1).std(ddof=1))
    elif direction.kind == "raises":
        p, p_against = p_up, p_down
    else:
        p, p_against = p_down, p_up
    verdict = UNDECIDED
    if enough and p < level:
        verdict = HOLDS
    elif enough and p_against < level:
        verdict = CONTRADICTED
    return Judgement(
        worlds=len(values),
        effect=float(values.mean()),
        error=standard_error(values),
        spread=spread,
        moved=moved,
        p=p,
        p_against=p_against,
        verdict=verdict,
    )


def judge_stratum(lab: Lab, direction: Direction, stratum: str) -> Judgement:
    """Add worlds batch by batch until the test decides."""
    lab.expect(direction.base, {direction.outcome})
    lab.expect(direction.changed, {direction.outcome})
    found = None
    for n, level in zip(BATCHES, SPENT, strict=True):
        base = lab.readings(direction.base, stratum, n, direction.outcome)
        changed = lab.readings(direction.changed, stratum, n, direction.outcome)
        found = judge_values(direction, base, changed, level)
        if found.verdict != UNDECIDED or (n == BATCHES[1] and found.moved == 0.0):
            break
    assert found is not None
    return found


def overall(verdicts: Iterable[str]) -> str:
    """Verdict over the strata."""
    said = list(verdicts)
    if CONTRADICTED in said:
        return CONTRADICTED
    return HOLDS if all(verdict == HOLDS for verdict in said) else UNDECIDED


def judge(lab: Lab, direction: Direction) -> dict[str, Any]:
    """Judge one direction, as stored: the weaker of the two strata in front, both in full behind."""
    found = {stratum: judge_stratum(lab, direction, stratum) for stratum in STRATA}
    weakest = max(found.values(), key=lambda judgement: judgement.p)
    return {
        "name": direction.name,
        "claims": list(direction.claims),
        "kind": direction.kind,
        "outcome": direction.outcome,
        "carried_by": direction.carried_by,
        "read_at": direction.read_at,
        "worlds": sum(judgement.worlds for judgement in found.values()),
        "effect": _short(weakest.effect),
        "error": _short(weakest.error),
        "p": _short(weakest.p),
        "verdict": overall(judgement.verdict for judgement in found.values()),
        "strata": {stratum: judgement.numbers() for stratum, judgement in found.items()},
        "definition": direction.definition(),
    }


def judge_all(
    chosen: Iterable[Direction], say: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Judge directions in their order; equal situations share their lives."""
    lab, results = Lab(), []
    todo = list(chosen)
    for direction in todo:
        lab.expect(direction.base, {direction.outcome})
        lab.expect(direction.changed, {direction.outcome})
    for direction in todo:
        result = judge(lab, direction)
        say(line_of(result))
        results.append(result)
    return results


def line_of(result: dict[str, Any]) -> str:
    """One result in one line."""
    strata = ", ".join(
        f"{stratum} {found['effect']:+.3g} ± {found['error']:.2g} "
        f"(sd {found['spread']:.2g}, n {found['worlds']}, {found['verdict']})"
        for stratum, found in result["strata"].items()
    )
    claims = " ".join(result["claims"])
    what = f"{result['kind']} {result['outcome']}: {strata}"
    return f"{result['verdict']:<12} {claims}: {result['name']} [{what}]"
