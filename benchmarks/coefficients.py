"""What the coefficients that are not drawn move: each fixed parameter a quarter down and up, on the same worlds.

    python benchmarks/coefficients.py            # prints the table
    python benchmarks/coefficients.py --write    # and stores it in benchmarks/coefficients.json

Worlds are of the reference `pib`, four to each of ten posterior draws, every one run with and without the programme. A
coefficient stays within its stated range; one that stands at zero moves by a quarter of that range. Ratios are of sums
over all worlds, with a standard error over draws (jackknife); exports have heavy tails and are the less certain.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from passaat.calibration.posterior import posterior_draws
from passaat.model.engine.compiled import simulate
from passaat.model.engine.judging import outcomes_of
from passaat.model.outcomes import OUTCOME_NAMES
from passaat.model.parameters import PARAMETERS
from passaat.model.provenance.golden import behaviour
from passaat.scenarios.loading import load_scenario

RESULTS: Final = Path(__file__).with_name("coefficients.json")
DRAWS: Final = 10
WORLDS: Final = 4
QUARTER: Final = 0.25
SHOWN: Final = ("contracts", "additional_exports_net_eur")

Floats = NDArray[np.float64]


def totals(moved: dict[str, float], workers: int) -> Floats:
    """Outcomes ``SHOWN`` of every world with these parameters moved, shape (draws, outcomes), summed over worlds."""
    reference = load_scenario("pib")
    places = [OUTCOME_NAMES.index(name) for name in SHOWN]

    def one(cell: tuple[int, dict[str, float]]) -> Floats:
        seed, parameters = cell
        given = {**parameters, **moved}
        run = simulate(reference.inputs(given), seed)
        twin = simulate(reference.without_programme().inputs(given), seed)
        return np.asarray(outcomes_of(run, twin)[places], dtype=np.float64)

    cells = [
        (DRAWS * world + draw, dict(parameters))
        for draw, parameters in enumerate(posterior_draws(DRAWS, seed=1))
        for world in range(WORLDS)
    ]
    with ThreadPoolExecutor(workers) as pool:
        found = np.array(list(pool.map(one, cells)))
    summed: Floats = found.reshape(DRAWS, WORLDS, len(SHOWN)).sum(axis=1)
    return summed


def change(moved: Floats, usual: Floats) -> tuple[float, float]:
    """Change of a ratio of sums over draws, in shares, with its jackknife standard error."""
    total = moved.sum() / usual.sum() - 1.0
    without = np.array(
        [np.delete(moved, k).sum() / np.delete(usual, k).sum() - 1.0 for k in range(len(usual))]
    )
    n = len(usual)
    return float(total), float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))


def table(names: Sequence[str], workers: int) -> dict[str, Any]:
    """Changes of each outcome by coefficient and end."""
    usual = totals({}, workers)
    found: dict[str, Any] = {}
    for name in names:
        record = PARAMETERS[name]
        step = QUARTER * (abs(record.value) or record.maximum - record.minimum)
        ends = {
            "down": max(record.value - step, record.minimum),
            "up": min(record.value + step, record.maximum),
        }
        found[name] = {}
        for end, value in ends.items():
            moved = totals({name: value}, workers)
            found[name][end] = {"value": float(f"{value:.4g}")} | {
                outcome: [float(f"{one:.4f}") for one in change(moved[:, k], usual[:, k])]
                for k, outcome in enumerate(SHOWN)
            }
    return found


def main() -> None:
    """Print the table, those that move contracts most first, and store it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="store the table beside this script")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    found = table([name for name, record in PARAMETERS.items() if record.shape == "fixed"], asked.workers)

    def largest(name: str) -> float:
        return max(float(abs(end[SHOWN[0]][0])) for end in found[name].values())

    for name in sorted(found, key=largest, reverse=True):
        ends = found[name]
        cells = [
            f"{100 * ends[end][outcome][0]:+6.1f} ± {100 * ends[end][outcome][1]:.1f}"
            for outcome in SHOWN
            for end in ("down", "up")
        ]
        print(f"{name:42} {'  '.join(f'{cell:>14}' for cell in cells)}")
    if asked.write:
        stored = {"behaviour": behaviour(), "draws": DRAWS, "worlds": WORLDS, "moved": found}
        RESULTS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
