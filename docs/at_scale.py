"""Make the worked examples of the pages on experiments at scale: tables, sentences with numbers, and figures.

`python docs/at_scale.py` runs the shipped studies and writes docs/at-scale.json and the figures. With a folder behind
it, study files are kept there, and a second call goes on from them. `make generated` then writes the blocks between
markers in the pages from docs/at-scale.json. A test demands that the stored results belong to the present model.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from passaat.experiments.analyses.discover import HALF_SAMPLES, Discovery, discover_in, question_of
from passaat.experiments.analyses.replicate import Replication, pilot, replicate
from passaat.experiments.analyses.sensitivity import SensitivityReport, sensitivity
from passaat.experiments.analyses.sweep import SweepTable, sweep
from passaat.experiments.analyses.tradeoffs import (
    Said,
    has_common_worlds,
    of_sweep,
    pareto_front,
    policies_in_words,
    regret_table,
)
from passaat.experiments.design.plan import Plan, describe, n_runs
from passaat.experiments.design.plan_files import read_plan
from passaat.experiments.reports.blocks import Report
from passaat.experiments.reports.discover import discovery_report, front_report, regret_report
from passaat.experiments.reports.discover_figures import corner_figure, front_figure, regret_figure
from passaat.experiments.reports.figures import own_style
from passaat.experiments.reports.replicate import needed_report, replication_report
from passaat.experiments.reports.sensitivity import sensitivity_report
from passaat.experiments.reports.sensitivity_figures import (
    interactions_figure,
    plane_figure,
    shares_figure,
    tornado_figure,
)
from passaat.experiments.reports.terminal import plain_text
from passaat.experiments.stats.pairing import Floats
from passaat.experiments.stats.sequential import looks, runs_needed
from passaat.json_text import json_text
from passaat.model.provenance.golden import behaviour
from passaat.scenarios import load_scenario

HERE: Final = Path(__file__).parent
STORED: Final = HERE / "at-scale.json"
OPTIONS: Final = ("stricter-selection", "go-no-go", "follow-up", "sme-focus")
STRICTER: Final = "stricter-selection"
EXPORTS: Final = "additional_exports_net_eur"
COST: Final = "public_cost_eur"
CONTRACTS: Final = "contracts"
PER_EURO: Final = "net_exports_per_public_euro"
SURVIVAL: Final = "cooperation_survival_share"
PRECISIONS: Final = (80e6, 40e6, 20e6, 10e6)
PRECISION: Final = 40e6
SECONDS_PER_RUN: Final = 0.028
"""Of one core; see docs/performance.md."""


# --- running ----------------------------------------------------------------------------------------------------


def worked(folder: Path) -> dict[str, Any]:
    """All results that the pages show, from study files in ``folder``; figures are written on the way."""
    found = {"behaviour": behaviour(), "outputs": {}, "numbers": {}}
    for part in (_how_many, _morris, _sobol, _corners, _tradeoffs, _study_files):
        outputs, numbers = part(folder)
        found["outputs"] |= outputs
        found["numbers"] |= numbers
    return found


Found = tuple[dict[str, str], dict[str, Any]]
"""Texts as the commands print them, and the numbers that sentences take from results; both by name."""


def _table(plan: Plan, folder: Path, reuse: tuple[Path, ...] = ()) -> SweepTable:
    print(f"{plan.name} ...", flush=True)
    return sweep(plan, study_path=folder / f"{plan.name}.db", reuse=reuse)


def _how_many(folder: Path) -> Found:
    """A pilot, what plans would cost, and a study that stops when it is known."""
    print("replicate ...", flush=True)
    reference, options = load_scenario("pib-next"), [load_scenario(name) for name in OPTIONS]
    study = folder / "pib-next-replicated.db"
    first = pilot(reference, options, study_path=study)
    rows = runs_needed(first.differences, PRECISIONS, seconds_per_run=SECONDS_PER_RUN)
    result = replicate(reference, options, precision=PRECISION, study_path=study)
    # What is new depends on what was kept from an earlier call; after a pilot alone it is this.
    done = first.differences[OPTIONS[0]].size * (len(options) + 2)
    result = replace(result, totals=replace(result.totals, new_runs=result.totals.runs - done))
    numbers: dict[str, Any] = {
        "pilot": {
            "runs": done,
            "rows": [
                {"precision": row.precision, "draws": row.draws, "runs": row.runs, "widest": row.widest}
                for row in rows
            ],
        },
        "looking": _looking(),
        "pairing": _pairing(),
        "compared": _compared(),
        "replicate": _replicated(result),
    }
    return {
        "pilot": plain_text(needed_report(rows, result.outcome, 2)),
        "replicate": plain_text(replication_report(result)),
    }, numbers


def _replicated(result: Replication) -> dict[str, Any]:
    return {
        "draws": dict(result.draws),
        "options": {
            row.name: {"mean": row.mean, "low": row.bounds.low, "high": row.bounds.high}
            for row in result.options
        },
        "order": list(result.order),
        "pairs": len(result.pairs),
        "open": [f"{pair.ahead} > {pair.behind}" for pair in result.open_pairs],
        "ties": [f"{pair.ahead} > {pair.behind}" for pair in result.pairs if pair.says == "tie"],
        "complete": result.complete,
        "runs": result.totals.runs,
        "even_runs": result.totals.even_runs,
        "fixed_runs": result.totals.fixed_runs,
        "saved_to_even": result.totals.saved_to_even,
        "saved_to_fixed": result.totals.saved_to_fixed,
        "worlds_cost": {str(worlds): cost for worlds, cost in result.worlds_cost.items()},
    }


def _pairing() -> dict[str, float]:
    """How many times as many worlds unpaired runs would need, by option, in the comparison that README"
    " shows."""
    stored = json.loads((HERE / "first-result.json").read_text(encoding="utf-8"))["result"]
    return {
        one["name"]: one["as_it_stands"]["differences"][EXPORTS]["variance_reduction"]
        for one in stored["options"]
    }


def _compared() -> dict[str, Any]:
    """What the comparison in README says of the option whose mean and median are farthest apart."""
    options = json.loads((HERE / "first-result.json").read_text(encoding="utf-8"))["result"]["options"]
    found = {one["name"]: one["as_it_stands"]["differences"][EXPORTS] for one in options}
    name = max(found, key=lambda one: abs(found[one]["mean"] - found[one]["median"]))
    chosen = {part: found[name][part] for part in ("mean", "error", "median")}
    return {"name": name, **chosen, "better": found[name]["shares"]["better"]}


def _looking() -> dict[str, float]:
    """How often an ordinary 95 % interval leaves out the truth at one of so many looks, by simulation."""
    at = np.array([n for n in looks(20, 10) if n <= 1_000], dtype=float)
    steps = np.random.default_rng(1).standard_normal((200_000, len(at))) * np.sqrt(np.diff(at, prepend=0.0))
    means = np.cumsum(steps, axis=1) / np.sqrt(at)
    return {
        "looks": len(at),
        "last": float(at[-1]),
        "ever_outside": float((np.abs(means) > 1.959964).any(axis=1).mean()),
    }


def _morris(folder: Path) -> Found:
    """Which parameters deserve attention: by what follow-up adds, and by the level of exports."""
    table = _table(read_plan("what-matters"), folder)
    report = sensitivity(table, [EXPORTS], levels=True)
    gain, level = report.finding(EXPORTS, "follow-up", minus=True), report.finding(EXPORTS, "reference")
    _save(plane_figure(report, gain), "morris")
    numbers = {
        "morris": {
            "gain": _ranked(report, gain),
            "level": _ranked(report, level),
            "runs": 3 * table.plan.n_points * table.plan.worlds,
        }
    }
    return {"morris": plain_text(sensitivity_report(report, findings=[gain]))}, numbers


def _ranked(report: SensitivityReport, finding: Any) -> list[dict[str, Any]]:
    """Factors by importance, the largest first, with interval."""
    rows = [
        {
            "name": note.name,
            "label": note.label,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            **_details(finding.indices, i),
        }
        for i, (note, one) in enumerate(zip(report.factors, finding.indices.importance, strict=True))
    ]
    return sorted(rows, key=lambda row: -float(row["value"]))


def _details(indices: Any, i: int) -> dict[str, Any]:
    if hasattr(indices, "effects"):
        effect = indices.effects[i]
        return {
            "mean": effect.mean.value,
            "spread": effect.spread.value,
            "by_luck": effect.by_luck,
            "beyond_luck": bool(effect.beyond_luck),
        }
    one = indices.indices[i]
    return {"first": one.first.value, "first_low": one.first.low, "first_high": one.first.high}


def _sobol(folder: Path) -> Found:
    """Shares of the variance, luck among the factors; and the same with pairs, which takes over the first"
    " study."""
    plan = read_plan("shares-of-variance")
    table = _table(plan, folder)
    with_pairs = _table(
        replace(plan, name="shares-with-pairs", second_order=True),
        folder,
        reuse=(folder / f"{plan.name}.db",),
    )
    report = sensitivity(table, [CONTRACTS, EXPORTS], levels=True)
    gain = report.finding(CONTRACTS, "follow-up", minus=True)
    level = report.finding(CONTRACTS, "reference")
    exports = report.finding(EXPORTS, "follow-up", minus=True)
    paired = sensitivity(with_pairs, [EXPORTS])
    pairs = paired.finding(EXPORTS, "follow-up", minus=True)
    _save(shares_figure(report, gain), "shares")
    _save(tornado_figure(report, gain), "tornado")
    _save(interactions_figure(paired, pairs), "interactions")
    numbers = {
        "sobol": {
            "gain": _ranked(report, gain),
            "level": _ranked(report, level),
            "exports": _ranked(report, exports),
            "base_points": plan.size,
            "runs": n_runs(plan),
        },
        "pairs": {
            "runs": n_runs(with_pairs.plan),
            "exports": _pairs_of(paired, pairs),
        },
    }
    return {"sobol": plain_text(sensitivity_report(report, findings=[gain]))}, numbers


def _pairs_of(report: SensitivityReport, finding: Any) -> list[dict[str, Any]]:
    """Pairs by what they make together, the largest first."""
    names = [note.label for note in report.factors]
    rows = [
        {
            "one": names[pair.one],
            "other": names[pair.other],
            "value": pair.share.value,
            "low": pair.share.low,
            "high": pair.share.high,
        }
        for pair in finding.indices.pairs
    ]
    return sorted(rows, key=lambda row: -float(row["value"]))


def _corners(folder: Path) -> Found:
    """Where follow-up adds much, and a question to which no corner is the answer."""
    table = _table(read_plan("what-drives-follow-up"), folder)
    found = discover_in(table, question_of(table, "beats", "follow-up", PER_EURO))
    nothing = discover_in(table, question_of(table, "beats", "follow-up", SURVIVAL))
    _save(corner_figure(found), "corner")
    return {"corner": _text(discovery_report(found)), "nothing": _text(discovery_report(nothing))}, {
        "corner": _discovered(found),
        "nothing": _discovered(nothing),
    }


def _text(report: Report) -> str:
    return plain_text(report).strip("\n") + "\n"


def _discovered(found: Discovery) -> dict[str, Any]:
    """Main numbers of an answer; densities are shares of points in which the statement is true."""

    def true(share: float) -> float:
        return share if found.side == "yes" else 1.0 - share

    return {
        "share": found.share,
        "side": found.side,
        "points": found.points,
        "unsure": found.unsure,
        "leaves": [leaf.words() for leaf in found.leaves],
        "chance": None if found.corners or found.chance != found.chance else found.chance,
        "corners": [
            {
                "words": corner.words(),
                "points": corner.points,
                "true": true(corner.density),
                "held_out": true(corner.held_out.density),
                "sure": true(corner.sure_density),
                "base": true(corner.base),
                "coverage": corner.coverage,
                "by_world": sorted(true(one) for one in corner.by_world),
                "factors": [one.condition.factor.name for one in corner.restrictions],
                "again": [round(one.again * HALF_SAMPLES) for one in corner.restrictions],
            }
            for corner in found.corners
        ],
    }


def _tradeoffs(folder: Path) -> Found:
    """Cost against effect, and regret."""
    table = _table(read_plan("amount-and-follow-up"), folder)
    said: Said = {
        "version": table.version,
        "drawn_from": table.drawn_from,
        "named_by": policies_in_words(table),
    }
    shared = has_common_worlds(table)
    costs, effects = of_sweep(table, COST), of_sweep(table, EXPORTS)
    front = pareto_front(
        table.outcome(COST), table.outcome(EXPORTS), costs, effects, common_worlds=shared, **said
    )
    regret = regret_table(table.outcome(EXPORTS), effects, common_worlds=shared, **said)
    per_euro = regret_table(table.outcome(PER_EURO), of_sweep(table, PER_EURO), common_worlds=shared, **said)
    _save(front_figure(front), "front")
    _save(regret_figure(regret), "regret")
    numbers = {
        "steeper": _steeper(costs, effects),
        "front": [
            {
                "policy": one.policy,
                "cost": one.cost.mean,
                "effect": one.effect.mean,
                "error": one.effect.error,
                "on_front": one.on_front,
                "best_by_means": one.best_by_means,
            }
            for one in front.positions
        ],
        "regret": [
            {"policy": one.policy, "mean": one.regret.mean, "largest": one.regret.largest, "best": one.best}
            for one in regret.policies
        ],
        "safest": regret.safest,
        "safest_per_euro": per_euro.safest,
        "draws": front.draws,
    }
    return {"front": _text(front_report(front)), "regret": _text(regret_report(regret))}, {
        "tradeoffs": numbers
    }


CORNERS: Final = ("200,000 \u00b7 0", "500,000 \u00b7 0", "500,000 \u00b7 10,000")
"""Three settings: little for a covenant, much for it, and much for what comes after it, too."""


def _steeper(costs: Mapping[str, Floats], effects: Mapping[str, Floats]) -> int:
    """In how many draws an extra euro brings more on the way from the first to the second setting than on that to the
    third; draws in which the second costs no more than the first are not counted in.
    """
    cost, effect = (np.array([of[name].mean(axis=1) for name in CORNERS]) for of in (costs, effects))
    (dearer, dearest), (more, most) = np.diff(cost, axis=0), np.diff(effect, axis=0)
    return int(((dearer > 0.0) & (dearest > 0.0) & (more * dearest > most * dearer)).sum())


def _study_files(folder: Path) -> Found:
    return {"dry-run": "\n".join(describe(read_plan("what-drives-follow-up"))) + "\n"}, {}


def _save(figure: Figure, name: str) -> None:
    """Write a figure for the pages: PNG alone, 130 dots per inch, without a date."""
    with own_style():
        figure.savefig(HERE / "figures" / f"at-scale-{name}.png", dpi=130, metadata={"Software": "passaat"})


# --- writing ----------------------------------------------------------------------------------------------------

PAGES: Final = ("how-many-runs.md", "sensitivity.md", "discovery.md", "studies.md")
BEGIN: Final = "<!-- at-scale {}: made by `make generated`, do not edit -->"
END: Final = "<!-- end of at-scale {} -->"


def blocks_in(page: str) -> dict[str, str]:
    """Text between the markers of a page, by name."""
    marked = BEGIN.replace("{}", r"(\S+)") + r"\n(.*?)" + END.replace("{}", r"\1")
    return {name: text for name, text in re.findall(marked, page, re.DOTALL)}


def generated() -> dict[str, str]:
    """Every page with the blocks that follow from what is stored, by its place in the repository."""
    made = blocks(json.loads(STORED.read_text(encoding="utf-8")))
    pages = {}
    for name in PAGES:
        page = (HERE / name).read_text(encoding="utf-8")
        for block in blocks_in(page):
            begin, end = BEGIN.format(block), END.format(block)
            before, rest = page.split(begin)
            page = before + begin + "\n" + made[block] + end + rest.split(end)[1]
        pages[f"docs/{name}"] = page
    return pages


def blocks(stored: dict[str, Any]) -> dict[str, str]:
    """Every block of every page, by name, from what is stored and nothing else."""
    out, numbers = stored["outputs"], stored["numbers"]
    return {
        "pairing": _paragraphs(_pairing_words(numbers["pairing"])),
        "pilot": _paragraphs(_code(out["pilot"]), _pilot_words(numbers["pilot"])),
        "replicate": _paragraphs(_code(out["replicate"]), _replicate_words(numbers["replicate"])),
        "on-average": _paragraphs(_on_average_words(numbers["compared"], numbers["replicate"])),
        "looking": _paragraphs(_looking_words(numbers["looking"])),
        "morris": _paragraphs(
            _figure("Morris plane: size of effects against their spread", "morris"), _code(out["morris"]),
            _morris_words(numbers["morris"]),
        ),
        "levels": _paragraphs(*_levels_words(numbers["morris"])),
        "sobol": _paragraphs(
            _figure("Shares of the variance by factor, luck apart", "shares"), _code(out["sobol"]),
            *_sobol_words(numbers["sobol"]),
        ),
        "pairs": _paragraphs(
            _figure("Map of pairs that act together", "interactions"), *_pairs_words(numbers["pairs"])
        ),
        "tornado": _paragraphs(_figure("Tornado: the outcome at low and high ends of factors", "tornado")),
        "corner": _paragraphs(
            _code(out["corner"]), _figure("The corner: cases, the way of peeling, and restrictions", "corner"),
            _corner_words(numbers["corner"]),
        ),
        "nothing": _paragraphs(_nothing_words(numbers["nothing"]), _code(out["nothing"])),
        "front": _paragraphs(
            _code(out["front"]), _figure("Cost against effect, with the Pareto front", "front"),
            *_front_words(numbers["tradeoffs"]),
        ),
        "regret": _paragraphs(
            _code(out["regret"]), _figure("Regret by policy", "regret"), _regret_words(numbers["tradeoffs"])
        ),
        "dry-run": _paragraphs(_code("$ passaat sweep what-drives-follow-up --dry-run\n" + out["dry-run"])),
    }  # fmt: skip


def _paragraphs(*texts: str) -> str:
    return "\n" + "\n\n".join(text.strip("\n") for text in texts) + "\n\n"


def _code(text: str) -> str:
    return "```\n" + text.strip("\n") + "\n```"


def _figure(words: str, name: str) -> str:
    return f"![{words}](figures/at-scale-{name}.png)"


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def _holds(claim: bool, said: str) -> None:
    """Stop where a sentence of a page would no longer be true.

    Raises:
        AssertionError: the results no longer say so: rewrite the sentence.
    """
    if not claim:
        raise AssertionError(
            f"the pages say that {said}, and the results no longer do: rewrite that sentence"
        )


def _millions(euros: float) -> str:
    return f"{euros / 1e6:,.0f} M EUR"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _pairing_words(pairing: dict[str, float]) -> str:
    by = [f"{factor:.0f} times for {name}" for name, factor in pairing.items()]
    _holds(min(pairing.values()) > 2, "pairing saves much")
    return _wrapped(
        "In the comparison of the [README](../README.md), runs that were not paired would need many times"
        f" as many worlds for the same precision of net additional exports: {_listed(by)} (column *pairing*"
        " there)."
    )


def _pilot_words(numbers: dict[str, Any]) -> str:
    rows = numbers["rows"]
    first, second = rows[1], rows[2]
    ratio = second["runs"] / first["runs"]
    _holds(2.5 < ratio < 5, "half the width takes several times the runs")
    return _wrapped(
        f"The pilot itself is {numbers['runs']} runs. Read it from the right precision down: within"
        f" {_millions(first['precision'])} takes {first['runs']:,} runs, within"
        f" {_millions(second['precision'])} {second['runs']:,}: half the width costs about {ratio:.0f} times as"
        " much, because errors shrink with the square root of the number of draws. The option that scatters"
        f" most, {first['widest']}, sets the price. Minutes are at {1000 * SECONDS_PER_RUN:.0f} ms a run;"
        " the command itself measures them where it runs."
    )


def _replicate_words(numbers: dict[str, Any]) -> str:
    n_open, ties = len(numbers["open"]), len(numbers["ties"])
    clear = numbers["pairs"] - n_open - ties
    _holds(numbers["complete"], "the study ends by itself")
    _holds(numbers["saved_to_even"] > 0, "stopping clear policies saves runs")
    draws = _listed([f"{name} {n}" for name, n in numbers["draws"].items()])
    text = (
        f"Of {numbers['pairs']} pairs {clear} are clear and {ties} tied at this precision. Draws by policy:"
        f" {draws}. It took {numbers['runs']:,} runs, where as many draws for every policy as the one that"
        f" needed most would have been {numbers['even_runs']:,}."
    )
    if numbers["saved_to_fixed"] is not None and numbers["saved_to_fixed"] > 0:
        text += (
            " A plan made beforehand that brings every difference within the precision would have taken"
            f" about {round(numbers['fixed_runs'], -2):,}, and would have had to guess the scatter."
        )
    elif numbers["saved_to_fixed"] is not None:
        text += (
            " A plan made beforehand that brings every difference within the precision would have taken"
            f" about {round(numbers['fixed_runs'], -2):,}: fewer, had its maker known the scatter. Looking"
            " on the way has its price."
        )
    return _wrapped(text)


def _on_average_words(compared: dict[str, Any], replicated: dict[str, Any]) -> str:
    name = compared["name"]
    now = replicated["options"][name]
    apart = abs(compared["mean"] - compared["median"])
    _holds(apart > compared["error"], "the mean of an option is not its median")
    return _wrapped(
        f"An example is {name}. In the comparison in the README it changes {compared['mean'] / 1e6:+.0f} \u00b1"
        f" {compared['error'] / 1e6:.0f} M EUR on average, {compared['median'] / 1e6:+.0f} in the middle draw, and is"
        f" better in {_percent(compared['better'])} of draws. With {replicated['draws'][name]} draws the average is"
        f" {now['mean'] / 1e6:+.0f} M EUR, {now['low'] / 1e6:+.0f} to {now['high'] / 1e6:+.0f}. That is no"
        " contradiction: a mean counts how much, a share of draws how often, and a few draws with large effects make"
        " much of the mean."
    )


def _looking_words(numbers: dict[str, Any]) -> str:
    wrong = numbers["ever_outside"]
    _holds(wrong > 0.15, "looking often misleads")
    return _wrapped(
        "Suppose two policies are equal. An ordinary 95 % interval leaves out zero in 5 of 100 studies. Now"
        f" somebody looks after 20, 30, 50 and so on up to {numbers['last']:.0f} draws,"
        f" {numbers['looks']:.0f} times in all, and stops as soon as zero lies outside: a difference that is"
        f" not there is found in {100 * wrong:.0f} of 100 studies (simulated with normal draws; Armitage,"
        " McPherson and Rowe 1969 describe it first)."
    )


def _morris_words(numbers: dict[str, Any]) -> str:
    gain = numbers["gain"]
    sure = [row for row in gain if row["beyond_luck"]]
    return _wrapped(
        f"So, from {numbers['runs']:,} runs: what follow-up adds depends most on"
        f" {_listed([r['label'].lower() for r in gain[:2]])}, that is, on how many contracts would have gone"
        f" to other Dutch firms, and on how large a contract is. Of {len(gain)} parameters {len(sure)} can"
        " be told from luck. Intervals are wide, and the output says itself that more trajectories are"
        " needed before the order below the first two may be quoted. The result to take along is the short"
        " list, and not the ranks."
    )


def _levels_words(numbers: dict[str, Any]) -> tuple[str, str]:
    gain = {row["name"]: (place, row) for place, row in enumerate(numbers["gain"], 1)}
    level = {row["name"]: (place, row) for place, row in enumerate(numbers["level"], 1)}
    names = [row["name"] for row in numbers["level"][:6]]
    names += [name for name in ("support_gain", "follow_up_eur_for_half_effect") if name not in names]
    lines = [
        "| factor | moves exports of the reference by, M EUR | rank | moves what follow-up adds by, M EUR |"
        " rank |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in names:
        (rank, of_level), (rank_gain, of_gain) = level[name], gain[name]
        lines.append(
            f"| {of_level['label']} | {of_level['value'] / 1e6:.0f} | {rank} | {of_gain['value'] / 1e6:.0f}"
            f" | {rank_gain} |"
        )
    half, join = "follow_up_eur_for_half_effect", "join_intercept"
    _holds(
        level[half][1]["value"] == 0.0 < gain[half][1]["value"],
        "a parameter of follow-up moves only follow-up",
    )
    _holds(level[join][0] <= 3 < gain[join][0], "readiness to join moves the level and hardly the difference")
    return "\n".join(lines), _wrapped(
        f"How readily firms join (*{level[join][1]['label']}*) moves the exports of the reference by"
        f" {_millions(level[join][1]['value'])} on average, rank {level[join][0]}. What follow-up adds it"
        f" moves by {_millions(gain[join][1]['value'])}, where luck alone would make"
        f" {_millions(gain[join][1]['by_luck'])}: in the difference most of it drops out. The other way"
        f" round, *{gain[half][1]['label']}* is about follow-up money only: it cannot move the reference,"
        " and a study of levels under the reference would have thrown it out."
    )


def _sobol_words(numbers: dict[str, Any]) -> tuple[str, ...]:
    gain, level, exports = (
        {row["name"]: row for row in numbers[one]} for one in ("gain", "level", "exports")
    )
    amount, years, step = (gain[name] for name in ("covenant_amount_eur", "follow_up_years", "step_success"))
    _holds(amount["low"] > max(years["high"], step["high"]), "the amount is surely ahead")
    _holds(gain["displacement_share"]["high"] < 0.005, "displacement does not touch contracts")
    _holds(level["step_success"]["low"] > level["luck"]["high"], "step success rules the level of contracts")
    _holds(level["covenant_amount_eur"]["value"] == 0.0, "levers do not touch the reference")
    alone = sum(row["first"] for row in exports.values())
    _holds(
        exports["luck"]["value"] > 3 * exports["luck"]["first"], "luck acts on exports together with factors"
    )

    def both(row: dict[str, Any]) -> str:
        return f"{_percent(row['value'])} ({_percent(row['low'])} to {_percent(row['high'])})"

    rows = [
        "| total share of the variance of | " + " | ".join(SHOWN.values()) + " |",
        "| --- |" + " ---: |" * len(SHOWN),
    ]
    for words, found in (
        ("contracts that the option adds", gain),
        ("contracts of the reference", level),
        ("net exports that the option adds", exports),
    ):
        rows.append(f"| {words} | " + " | ".join(_percent(found[name]["value"]) for name in SHOWN) + " |")
    return (
        _wrapped(
            "Levers act on the option alone, so the difference here is *follow-up with another amount per"
            " covenant and other years* against practice. Most of its variance is the amount:"
            f" {both(amount)}, interactions included. Years of follow-up make {both(years)}, and of the"
            f" uncertain parameters only step success counts, {both(step)}. Of that variance policy"
            f" therefore makes the larger part. That single runs differ by luck, {both(gain['luck'])},"
            " matters less here than for most outcomes. Displacement does not touch contracts, and its"
            " total is zero: as it should be."
        ),
        "The same study, asked otherwise:",
        "\n".join(rows),
        _wrapped(
            "The level of contracts follows step success and luck; no lever can move the reference. And"
            " exports, a few large contracts, are another matter than contracts: luck takes part in"
            f" {both(exports['luck'])} of the variance, mostly together with other factors, since alone it"
            f" makes {_percent(exports['luck']['first'])}. All factors on their own make {_percent(alone)}"
            f" of it. With {numbers['base_points']} base points ({numbers['runs']:,} runs) most intervals of"
            " exports are wide, and the output says how many points would do."
        ),
    )


SHOWN: Final = {
    "covenant_amount_eur": "amount",
    "follow_up_years": "years",
    "step_success": "step success",
    "contract_turnover_share": "contract size",
    "displacement_share": "displacement",
    "luck": "luck",
}


def _pairs_words(numbers: dict[str, Any]) -> tuple[str, ...]:
    pairs = numbers["exports"]
    _holds(all(pair["low"] <= 0.0 for pair in pairs), "no pair stands out")
    first = pairs[0]
    return (
        _wrapped(
            "A result that teaches modesty: more than half of this variance is interactions, and yet none"
            f" of {len(pairs)} pairs can be told from zero with {numbers['runs']:,} runs. The largest,"
            f" {first['one'].lower()} and {first['other'].lower()}, is {_percent(first['value'])} with an"
            f" interval from zero to {_percent(first['high'])}. Pairs need many times the runs that totals"
            " need. Ask for them where totals are long, single shares short, and runs cheap."
        ),
    )


def _corner_words(numbers: dict[str, Any]) -> str:
    (corner,) = numbers["corners"]
    _holds(
        numbers["side"] == "yes" and corner["factors"] == ["attention_after_covenant"], "attention decides"
    )
    _holds(corner["again"][0] >= 18, "the restriction is found again")
    _holds(
        corner["words"] in numbers["leaves"] and len(numbers["leaves"]) == 2,
        "the tree cuts at the same place",
    )
    _holds(corner["sure"] < corner["held_out"], "sure points are fewer")
    return _wrapped(
        "In words: money for follow-up earns more per euro than the rest of the programme in"
        f" {_percent(numbers['share'])} of the points tried. Where members would lose their attention"
        f" without it, it does so in {_percent(corner['held_out'])} of points (the figure for points that"
        f" were not used), and {_percent(corner['coverage'])} of all points where it pays lie there. One"
        f" parameter does it, it is found again in {corner['again'][0]} of {HALF_SAMPLES} half samples, and"
        f" the tree cuts at the same place. But {numbers['unsure']} of {numbers['points']} points are too"
        " close to the threshold to be sure of, with four worlds each, and among sure points of the corner"
        f" it is {_percent(corner['sure'])}. So the corner says where follow-up has an even chance or better"
        " to earn its money, and where it hardly has one; it is no guarantee. Whether members keep their"
        " attention is something that can be found out. That makes it a useful answer."
    )


def _nothing_words(numbers: dict[str, Any]) -> str:
    _holds(not numbers["corners"] and numbers["chance"] is not None, "nothing stands out")
    return _wrapped(
        "*Where does follow-up raise the share of cooperations that last?* `passaat discover"
        f" what-drives-follow-up --outcome {SURVIVAL}` finds that it does so in {_percent(numbers['share'])}"
        f" of points, and no corner: noise alone gives one as clear in {_percent(numbers['chance'])} of"
        " trials."
    )


def _front_words(numbers: dict[str, Any]) -> tuple[str, str]:
    front = {row["policy"]: row for row in numbers["front"]}
    small, large, most = (front[name] for name in CORNERS)
    amount = (large["effect"] - small["effect"]) / (large["cost"] - small["cost"])
    follow = (most["effect"] - large["effect"]) / (most["cost"] - large["cost"])
    steeper, draws = numbers["steeper"], numbers["draws"]
    dominated = [row["policy"] for row in numbers["front"] if not row["best_by_means"]]
    _holds(amount > 2 * follow, "a larger covenant brings more per euro than follow-up")
    _holds("200,000 \u00b7 10,000" in dominated, "much follow-up after a small covenant is dominated")
    return _wrapped(
        "A policy is written *amount per covenant \u00b7 yearly follow-up per firm*, in EUR."
        f" {len(front) - len(dominated)} of {len(front)} policies are on the front by their means. Not on"
        f" it: {'; '.join(dominated)}. Much follow-up after a small covenant costs as much as a larger"
        " covenant, and brings less."
    ), _wrapped(
        "Slopes say it shortest: from 200,000 to 500,000 EUR per covenant, without money for follow-up, an"
        f" extra public euro brings {amount:.0f} EUR of net exports; from no such money to 10,000 EUR, at"
        f" 500,000 per covenant, {follow:.0f}. Both are ratios of means over draws; the first is the larger"
        f" in {steeper} of {draws} draws, counted as they are, luck included. Both rest on what the model"
        " assumes that money for a covenant and money afterwards do, which no evaluation has measured"
        " ([what passaat is not for](not-for.md)). The \u00b1 of a level is large because it is common to"
        " all policies; *worth its cost in* compares within draws, where it drops out."
    )


def _regret_words(numbers: dict[str, Any]) -> str:
    first = numbers["regret"][0]
    _holds(
        first["policy"] == numbers["safest"] == numbers["front"][-1]["policy"], "the dearest has least regret"
    )
    _holds(numbers["safest_per_euro"] != numbers["safest"], "per euro another policy has least regret")
    return _wrapped(
        f"Judged by effect alone the dearest policy, {numbers['safest']}, has least regret, as it must when"
        " more money does more. Judged by net exports per public euro, the policy whose largest regret is"
        f" smallest is another one: {numbers['safest_per_euro']}. So regret needs an outcome in which cost"
        " is counted, or policies of equal cost."
    )


def main(arguments: list[str]) -> None:
    """Run what is missing, store results, and write figures."""
    with tempfile.TemporaryDirectory() as folder:
        stored = worked(Path(arguments[0]) if arguments else Path(folder))
    STORED.write_text(json_text(stored), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
