"""How near the shares of a comparison come to the truth, and how often a page says something where nothing matters.

    python benchmarks/shares.py            # prints the tables
    python benchmarks/shares.py --write    # and stores them in benchmarks/shares.json, which a test holds fresh

Designs have the default size, 40 draws of 8 worlds. True differences over draws are normal, log-normal with the tail on
either side, a mixture of two groups, or of very different size from draw to draw; in half of the designs one draw in
ten has none at all. Luck is alike in all draws, of different size, or grows with the difference, as it does in the
model. Sizes of luck are those of the four options of `passaat compare pib-next`, whose signs are told to 0.5-0.95 (0.05
for go-no-go, of which no share is freed of luck).

Pages in which nothing matters have the size of the default page: four options and a reference, five outcomes, two ways
of paying, 194 parameters that turn nothing. Outcomes share their luck, as ours do.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

from passaat.experiments.analyses import decisions
from passaat.experiments.stats import pairing, shares, words
from passaat.experiments.stats.pairing import Floats
from passaat.identity import fingerprint_of_text

RESULTS: Final = Path(__file__).with_name("shares.json")
DRAWS: Final = 40
WORLDS: Final = 8
KINDS: Final = ("normal", "log-normal", "log-normal, tail below", "two groups", "different sizes")
LUCK: Final = ("alike", "different", "grows with the difference")
SIGNALS: Final = (0.98, 0.95, 0.85, 0.72)
"""Part of the variance of the draws' means that parameters make."""
TRUTHS: Final = (0.97, 0.8, 0.6)
REPEATS: Final = 30
PAGES: Final = 1000
PAGE_PERMUTATIONS: Final = 199
"""Fewer than on a page: the p of a page in which nothing matters is as likely to be small."""


def digest() -> str:
    """Fingerprint of the code whose claims are stored, as it is written."""
    texts = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in (shares, words, decisions)]
    return fingerprint_of_text("\n".join(texts))


# --- designs with a known truth -----------------------------------------------------------------------------


def true_differences(kind: str, truth: float, size: int, rng: np.random.Generator) -> Floats:
    """True differences of which this share is above zero, with a deviation of about one."""
    z = rng.standard_normal(size)
    if kind == "normal":
        return z + stats.norm.ppf(truth)
    if kind == "log-normal":
        return (np.exp(z) - math.exp(stats.norm.ppf(1.0 - truth))) / 2.16
    if kind == "log-normal, tail below":
        return (math.exp(stats.norm.ppf(truth)) - np.exp(z)) / 2.16
    if kind == "different sizes":
        return np.exp(rng.standard_normal(size)) * (z + stats.norm.ppf(truth)) / 2.0
    far = rng.random(size) < 0.2
    return np.where(far, 2.5 + 0.5 * z, 0.25 + 0.3 * z) - _two_groups_quantile(1.0 - truth)


def _two_groups_quantile(share: float) -> float:
    grid = np.linspace(-2.0, 6.0, 8001)
    reached = 0.2 * stats.norm.cdf(grid, 2.5, 0.5) + 0.8 * stats.norm.cdf(grid, 0.25, 0.3)
    return float(np.interp(share, reached, grid))


def design_of(
    kind: str, luck: str, signal: float, truth: float, ties: bool, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """True differences of the draws, and the differences of a study, shape (n_draws, n_worlds)."""
    theta = true_differences(kind, truth, DRAWS, rng)
    variance = WORLDS * (1.0 - signal) / signal
    size = {
        "alike": np.ones(DRAWS),
        "different": np.exp(rng.standard_normal(DRAWS)) / math.exp(0.5),
        "grows with the difference": (0.1 + np.square(theta)) / 1.1,
    }[luck]
    found = theta[:, None] + np.sqrt(variance * size)[:, None] * rng.standard_normal((DRAWS, WORLDS))
    if ties:
        same = rng.random(DRAWS) < 0.1
        theta[same], found[same] = 0.0, 0.0
    return theta, found


def _designs(kind: str) -> dict[str, Any]:
    """Errors of the share better over all designs of a kind, in points, and how often intervals hold."""
    rng = np.random.default_rng(KINDS.index(kind))
    cells: dict[tuple[str, float, float], list[tuple[float, float]]] = {}
    holds, told, lucky = [], [], 0
    for luck in LUCK:
        for signal in SIGNALS:
            for truth in TRUTHS:
                for repeat in range(REPEATS):
                    ties = repeat % 2 == 1
                    theta, found = design_of(kind, luck, signal, truth, ties, rng)
                    said = pairing.difference_of(found, np.zeros_like(found), "higher").shares
                    told.append(said.told)
                    holds.append(said.low <= truth * (0.9 if ties else 1.0) <= said.high)
                    if said.mostly_luck:
                        lucky += 1
                        continue
                    above = float((theta > 0.0).mean())
                    raw = float((found.mean(axis=1) > 0.0).mean())
                    cells.setdefault((luck, signal, truth), []).append((said.better - above, raw - above))
    errors = np.array([one for cell in cells.values() for one in cell])
    worst = max((np.mean(cell, axis=0)[0] for cell in cells.values() if len(cell) >= REPEATS // 2), key=abs)
    return {
        "designs": len(errors),
        "mean error, points": round(100.0 * float(errors[:, 0].mean()), 2),
        "spread, points": round(100.0 * float(errors[:, 0].std()), 2),
        "worst mean of a cell, points": round(100.0 * float(worst), 2),
        "mean error of plain counts, points": round(100.0 * float(errors[:, 1].mean()), 2),
        "intervals that hold": round(float(np.mean(holds)), 3),
        "signs told, median": round(float(np.median(told)), 2),
        "mostly luck, not freed": lucky,
    }


# --- pages in which nothing matters -------------------------------------------------------------------------

OUTCOMES: Final = 5
WAYS: Final = 2
OPTIONS: Final = 4
PARAMETERS: Final = 194
SHARED: Final = 0.7
"""Part of the variance of an outcome's luck that all outcomes of a policy share."""


def page(seed: int) -> dict[str, bool]:
    """Whether a page in which nothing matters says a word, a pair, what turns one, or what to learn."""
    rng = np.random.default_rng(seed)
    shape = (DRAWS, WORLDS)
    size = np.exp(rng.standard_normal(DRAWS))[:, None]
    everyone = {"the reference": np.zeros((OUTCOMES * WAYS, *shape))}
    for option in range(OPTIONS):
        common = rng.standard_normal(shape)
        own = rng.standard_normal((OUTCOMES * WAYS, *shape))
        everyone[f"option {option}"] = size * (math.sqrt(SHARED) * common + math.sqrt(1.0 - SHARED) * own)
    asked = [
        decisions.Ranked(f"outcome {k}", "-", "higher", {name: of[k] for name, of in everyone.items()})
        for k in range(OUTCOMES * WAYS)
    ]
    drawn = rng.random((DRAWS, PARAMETERS))
    parameters = [{f"p{k}": float(row[k]) for k in range(PARAMETERS)} for row in drawn]
    kept, decisions.PERMUTATIONS = decisions.PERMUTATIONS, PAGE_PERMUTATIONS  # type: ignore[misc]
    found = decisions.decide(asked, parameters)
    decisions.PERMUTATIONS = kept  # type: ignore[misc]
    pairs = [pair for one in found for pair in one.pairs]
    return {
        "a word or pair": any(pair.holds for pair in pairs),
        "an order": any(one.ordered for one in found),
        "turns on": any(pair.turns_on is not None and pair.turns_on.stands_out for pair in pairs),
        "learn": any(one.learn is not None and one.learn.stands_out for one in found),
    }


def results() -> Iterator[tuple[str, Any]]:
    """All that is stored, part by part."""
    yield "code", digest()
    with ProcessPoolExecutor() as pool:
        yield "shares", dict(zip(KINDS, pool.map(_designs, KINDS), strict=True))
        said = list(pool.map(page, range(PAGES), chunksize=10))
    parts = {name: round(float(np.mean([one[name] for one in said])), 4) for name in said[0]}
    yield (
        "pages",
        {"pages": PAGES, **parts, "anything": round(float(np.mean([any(o.values()) for o in said])), 4)},
    )


def main() -> None:
    """Print, and with ``--write`` store, the results."""
    parser = argparse.ArgumentParser(
        description="Shares against the truth, and pages in which nothing matters."
    )
    parser.add_argument("--write", action="store_true", help=f"store the results in {RESULTS.name}")
    arguments = parser.parse_args()
    found = dict(results())
    text = json.dumps(found, indent=2) + "\n"
    print(text, end="")
    if arguments.write:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
