"""What makes the figures of docs/calibration.md: the stored posterior and its checks, in words and tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from passaat.calibration.posterior import FOLDER, read_metadata, shipped
from passaat.writing import with_part

PAGE: Final = Path(__file__).parent / "calibration.md"
BEGIN: Final = "<!-- figures: made by `make generated`, do not edit -->"
END: Final = "<!-- end of figures -->"


def generated() -> dict[str, str]:
    """The page with its figures made anew, by its place in the repository."""
    text = PAGE.read_text(encoding="utf-8")
    return {"docs/calibration.md": with_part(text, BEGIN, END, figures())}


def figures() -> str:
    """All figures, in Markdown."""
    said = shipped()
    parts = [
        budget(said),
        parameters(said),
        reports(said),
        known_truths(),
        second(),
        held_out(),
        still_open(),
    ]
    return "\n\n".join(parts)


def number(value: float | None) -> str:
    """Three significant digits, large numbers in full."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def span(ends: list[float | None]) -> str:
    """From the first to the last of some percentiles."""
    return f"{number(ends[0])} to {number(ends[-1])}"


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers."""
    lines = ["| " + " | ".join(headings) + " |", "| --- |" + " ---: |" * (len(headings) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def budget(said: Mapping[str, Any]) -> str:
    """What was spent, and how well the approximations did."""
    spent, emulator, correction = said["budget"], said["emulator"], said["correction"]
    error = read_metadata(FOLDER / "emulator.json")
    kinds = error["error_in_reporting_sd"]
    other = "networks" if emulator["taken"] == "ridge" else "ridge"
    discrepancy = said["discrepancy"]["corrected"]
    return "\n".join(
        [
            "### Budget and approximations",
            "",
            f"- {spent['runs']:,} runs: {spent['trajectories']} screening trajectories over "
            f"{said['parameters_in_all']} parameters, {spent['table']:,} prior simulations, {spent['proposals']} "
            f"draws in {spent['worlds']} worlds each. Seed {said['seed']}.",
            f"- The calibrated {len(said['chosen'])} carry {said['strength_kept']:.0%} of the summed squared strength.",
            f"- Emulator taken: {emulator['taken']}. Log predictive density of a run kept aside: "
            f"{emulator['score'][emulator['taken']]:.2f}, {other} {emulator['score'][other]:.2f} "
            f"({emulator['test_runs']:,} runs). Error of the emulated mean: ridge {kinds['ridge']:.2f}, networks "
            f"{kinds['networks']:.2f} reporting sd (learnt from four fifths; taken and learnt from all "
            f"{kinds['taken']:.2f}; {error['places']} places x {error['worlds_each']} worlds). Its 90 % intervals hold "
            f"{emulator['coverage_of_90']:.1%} of runs kept aside.",
            f"- Sampler: acceptance {said['sampler']['acceptance']:.2f}, longest autocorrelation "
            f"{said['sampler']['longest_autocorrelation']:.0f} steps of {spent['effort']['steps']:,}, "
            f"{spent['effort']['walkers']} walkers.",
            f"- Correction by real runs: log weights vary by {correction['log_weight_sd']:.1f} (sd); parameters "
            f"explain {correction['explained_in_draws_left_out']:.0%} of that in draws left out. Effective sample size "
            f"{said['effective_sample_size']:.0f} of {correction['draws']}; were the noise believed "
            f"{correction['effective_if_noise_is_believed']:.0f}, in exact forms "
            f"{correction['effective_if_exact_forms_are_believed']:.0f}.",
            f"- Model discrepancy: {discrepancy[1]:.2f} reporting sd "
            f"(90 %: {discrepancy[0]:.2f} to {discrepancy[2]:.2f}).",
            f"- A contraction within ± {2 * said['contraction_error']:.2f} of nothing is no news.",
        ]
    )


def parameters(said: Mapping[str, Any]) -> str:
    """The calibrated parameters, and how many others moved."""
    rows = []
    for name in said["chosen"]:
        one = said["parameters"][name]
        rows.append(
            [
                f"{name} ({one['part']})",
                "yes" if one["identified"] else "no",
                f"{one['strength']:.1f}",
                span(one["prior"]),
                span(one["posterior"]),
                f"{one['contraction_emulated']:.2f}",
                f"{one['contraction']:.2f}",
            ]
        )
    others = [one["contraction"] for one in said["parameters"].values() if not one["calibrated"]]
    limit = 2 * said["contraction_error"]
    moved = sum(one > limit for one in others)
    widened = sum(one < -limit for one in others)
    headings = [
        "parameter", "expected to be", "strength", "prior, 90 %", "posterior, 90 %", "contraction, emulated",
        "contraction",
    ]  # fmt: skip
    return (
        "### The calibrated parameters\n\n"
        + table(headings, rows)
        + f"\n\nOf the {len(others)} others, {moved} are narrowed by more than {limit:.2f} and {widened} widened by as "
        f"much; {len(others) / 44:.0f} each would be by chance. Largest contraction {max(others):.2f}, mean "
        f"{sum(others) / len(others):.3f}."
    )


def reports(said: Mapping[str, Any]) -> str:
    """Every figure with a form: reported, prior, posterior."""
    rows = []
    for name, one in said["figures"].items():
        if "posterior_report" in one:
            use = (
                "used"
                if one["used"]
                else one["role"]
                if one["role"] != "target"
                else "the rest of two others"
            )
            rows.append(
                [
                    name,
                    use,
                    number(one["reported"]),
                    span(one["prior_report"]),
                    span(one["posterior_report"]),
                    f"{one['reported_at']:.2f}",
                ]
            )
    return "### Reported and predicted reports\n\n" + table(
        ["figure", "use", "reported", "prior, 90 %", "posterior, 90 %", "reported lies at"], rows
    )


def known_truths() -> str:
    """Simulation-based calibration."""
    said = read_metadata(FOLDER / "sbc.json")
    rows = []
    for name, one in said["parameters"].items():
        covered = one["coverage"]
        rows.append(
            [
                name,
                *(f"{covered[level]:.2f}" for level in ("0.5", "0.8", "0.95")),
                f"{one['uniform_p']:.2f}",
                f"{one['contraction_mean']:.2f}" if "contraction_mean" in one else "–",
                " ".join(map(str, one["histogram"])),
            ]
        )
    for title, key in (("all calibrated together", "all_calibrated"), ("all others together", "all_others")):
        covered = said[key]["coverage"]
        rows.append([title, *(f"{covered[level]:.3f}" for level in ("0.5", "0.8", "0.95")), "–", "–", ""])
    error = said["coverage_error"]
    return (
        f"### Known truths: {said['reports']} synthetic reports\n\n"
        + table(
            ["parameter", "50 %", "80 %", "95 %", "p, uniform", "mean contraction", "ranks in tenths"], rows
        )
        + f"\n\nMonte Carlo error of one coverage: ± {error['0.5']:.3f}, {error['0.8']:.3f}, {error['0.95']:.3f}."
    )


def second() -> str:
    """The second method."""
    said = read_metadata(FOLDER / "second.json")
    rows = [
        [
            name,
            f"{one['mean_place_emulated']:.2f}",
            f"{one['mean_place_corrected']:.2f}",
            f"{one['mean_place']:.2f}",
            f"{one['difference_in_prior_sd_emulated']:+.2f}",
            f"{one['difference_in_prior_sd']:+.2f}",
            f"{one['contraction']:.2f}",
        ]
        for name, one in said["parameters"].items()
    ]
    covered = said["all_calibrated"]["coverage"]
    return (
        f"### A second method: {said['method']}\n\n"
        + table(
            [
                "parameter",
                "mean place, emulated",
                "corrected",
                "second",
                "second less emulated, prior sd",
                "second less corrected, prior sd",
                "contraction, second",
            ],
            rows,
        )
        + f"\n\nMean difference from the shipped posterior {said['mean_difference_in_prior_sd']:.2f} prior sd, largest "
        f"{said['largest_difference_in_prior_sd']:.2f}. On {said['reports_for_coverage']} known truths its own "
        f"intervals of 50, 80 and 95 % hold {covered['0.5']:.2f}, {covered['0.8']:.2f} and {covered['0.95']:.2f}."
    )


def held_out() -> str:
    """Hold-outs, and the figures of the 2017 cohort."""
    said = read_metadata(FOLDER / "hold_out.json")
    rows = [
        [
            title,
            str(len(one["fitted"])),
            f"{one['inside']} of {one['of']}",
            f"{one['better_than_prior']} of {one['of']}",
            f"{one['log_score_gain']:+.2f}",
        ]
        for title, one in said["splits"].items()
    ]
    first = next(iter(said["splits"].values()))
    lines = [
        [name, number(one["reported"]), span(one["prior"]), span(one["predicted"])]
        for name, one in first["figures"].items()
    ]
    return (
        "### Held-out figures\n\n"
        + table(
            ["fitted, predicting", "fitted", "inside 90 %", "likelier than by prior", "log score gained"],
            rows,
        )
        + "\n\nThe 2017 cohort, predicted from the 2016 cohort alone:\n\n"
        + table(["figure", "reported", "prior, 90 %", "predicted, 90 %"], lines)
    )


def still_open() -> str:
    """What the figures cannot tell."""
    said = read_metadata(FOLDER / "open.json")
    rows = []
    for title in ("prior", "posterior"):
        one = said["outcomes"][title]
        for name, width in (
            ("additional exports", one["additional_exports_net_eur"]),
            *one["effects"].items(),
        ):
            low, middle, high = (f"{width[key] / 1e6:+,.0f}" for key in ("low", "median", "high"))
            rows.append([f"{name}, {title}", low, middle, high, f"{width['share_above_zero']:.0%}"])
    kept = ", ".join(f"{name} {one['contraction']:+.2f}" for name, one in said["never_seen"].items())
    return (
        "### What stays open\n\n"
        + table(["net additional exports, M EUR", "5 %", "median", "95 %", "above nothing"], rows)
        + f"\n\n{said['draws']} draws in one world each. Contraction of the parameters behind it (error ± "
        f"{said['contraction_error']:.2f}): {kept}."
    )
