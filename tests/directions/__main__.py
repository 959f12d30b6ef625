"""Judge all directions and write ``results.json``; see the package's docstring."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from tests.directions.judge import CONTRADICTED, judge_all, line_of
from tests.directions.registry import Direction, directions
from tests.directions.results import COMMAND, RESULTS, results_text, stored

from passaat.model.provenance.golden import behaviour


def judge_share(share: tuple[str, ...]) -> list[dict[str, Any]]:
    """Judge the directions of these names, in a process of its own."""
    return judge_all([direction for direction in directions() if direction.name in share])


def judge_chosen(names: list[str], workers: int) -> list[dict[str, Any]]:
    """Judge directions by name, divided over processes; directions that share a base stay together."""
    if workers < 2:
        return judge_all(
            [d for d in directions() if d.name in names], partial(print, file=sys.stderr, flush=True)
        )
    chosen = [direction for direction in directions() if direction.name in names]
    size = -(-len(chosen) // (12 * workers))
    shares = [tuple(d.name for d in chosen[place : place + size]) for place in range(0, len(chosen), size)]
    results = []
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(judge_share, shares):
            for result in found:
                print(line_of(result), file=sys.stderr, flush=True)
            results.extend(found)
    return results


def still_good(model: str) -> dict[str, dict[str, Any]]:
    """Stored results by name that are of this model and of directions as they are now."""
    if not RESULTS.exists() or stored()["model"] != model:
        return {}
    now = {direction.name: direction.definition() for direction in directions()}
    return {r["name"]: r for r in stored()["results"] if now.get(r["name"]) == r["definition"]}


def _meant(direction: Direction, word: str | None) -> bool:
    """Whether a direction is asked for: by a word of its name, by a claim or the letters of a group of claims."""
    if word is None or word in direction.name:
        return True
    return any(claim.startswith(word) for claim in direction.claims)


def main() -> int:
    """Judge all directions and store what was found, or some of them and only show it."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument(
        "--only",
        metavar="WORD",
        help="only those with WORD in the name, or claims that start with it; nothing is written",
    )
    parser.add_argument(
        "--all", action="store_true", help="also those judged before, as they are, for this model"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    chosen = parser.parse_args()
    wanted = [direction.name for direction in directions() if _meant(direction, chosen.only)]
    model = (
        behaviour()
    )  # before the judging, so that it is of the model that is judged, and compiled once for all
    kept = {} if chosen.all or chosen.only is not None else still_good(model)
    judged = judge_chosen([name for name in wanted if name not in kept], chosen.workers)
    found = {**kept, **{result["name"]: result for result in judged}}
    results = [found[name] for name in wanted]
    if chosen.only is None:
        RESULTS.write_text(results_text(results, model), encoding="utf-8", newline="\n")
    counts = [
        f"{sum(r['verdict'] == v for r in results)} {v}" for v in ("holds", "contradicted", "undecided")
    ]
    print(f"{len(results)} directions: {', '.join(counts)}", file=sys.stderr)
    return 1 if any(result["verdict"] == CONTRADICTED for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
