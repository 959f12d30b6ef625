"""How figures are judged and written down: aims, numbers of three digits, and the page that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from passaat.writing import with_part

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"

INTRODUCTION = """# Performance

Speed serves the comparison: thousands of paired runs in minutes on a laptop. No mechanism is left out to hold a figure;
the last table says what each one costs. `make bench` measures everything below in one go and rewrites this page.

"""


@dataclass(frozen=True)
class Aim:
    """What a figure should reach."""

    figure: str
    value: float
    bound: float
    unit: str
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    @property
    def verdict(self) -> str:
        """Whether it does."""
        return "reached" if self.reached else "**missed**"

    @property
    def wanted(self) -> str:
        """The bound in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g} {self.unit}"


def aims_table(aims: list[Aim]) -> list[str]:
    """Aims as a Markdown table."""
    lines = ["| figure | measured | aim | |", "| --- | ---: | --- | --- |"]
    lines += [
        f"| {aim.figure} | {figure(aim.value)} {aim.unit} | {aim.wanted} | {aim.verdict} |" for aim in aims
    ]
    return lines


def figure(value: float) -> str:
    """Three digits, thousands with commas."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


def write_page(part: str, text: str, page: Path | None = None) -> None:
    """Replace what stands between the markers of a part of the page; add page and markers where there are none."""
    page = page or PAGE
    begin, end = f"<!-- {part}: begin (written by make bench) -->", f"<!-- {part}: end -->"
    old = page.read_text(encoding="utf-8") if page.exists() else INTRODUCTION
    if begin not in old:
        old = f"{old.rstrip()}\n\n{begin}\n{end}\n"
    page.write_text(with_part(old, begin, end, text), encoding="utf-8")
