"""Writes the figures of an empty page again and again, until it is killed: `figure_child.py STEM`."""

from __future__ import annotations

import sys
from pathlib import Path

from passaat.experiments.reports.figures import new_figure, own_style, save_figure


def main(stem: Path) -> None:
    with own_style():
        figure = new_figure(3.0)
        for place in range(60):
            figure.text(0.03, place / 60, f"line {place}")
    print("ready", flush=True)
    while True:
        save_figure(figure, stem, "0.0-toy")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
