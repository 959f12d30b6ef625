"""What `passaat compare` does once it knows what is asked: run, print, save. `resume` and `extend` do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from passaat.cli_parts import (
    EXIT_INTERRUPTED,
    FOUR_OPTIONS,
    Bar,
    Saving,
    import_matplotlib,
    make_console,
    print_json_text,
    save_and_show,
    say,
)
from passaat.shown import shown

if TYPE_CHECKING:
    from passaat.experiments.compare import Comparison
    from passaat.experiments.crew import Crew
    from passaat.experiments.simulator import Simulator
    from passaat.experiments.structures import StructureComparison
    from passaat.scenarios.scenario import Scenario


@dataclass(frozen=True)
class Wishes:
    """How a comparison is to be shown, and whether rival structures are to be compared, too.

    ``changed`` are levers that were moved in the reference by hand.
    """

    all_outcomes: bool = False
    decisions: bool = False
    structures: bool = False
    structure_draws: int | None = None
    structure_worlds: int = 4
    as_json: bool = False
    changed: tuple[str, ...] = ()


def compare_and_show(
    base: Scenario,
    chosen: Sequence[Scenario],
    *,
    draws: int,
    worlds: int,
    seed: int,
    path: Path,
    model: Simulator,
    crew: Crew,
    wishes: Wishes,
    called: Path | None = None,
) -> None:
    """Compare, save study, tables and figures, and print.

    ``called`` is the study that ``path`` is a copy of, if it is one; files are saved beside it.

    Raises:
        StudyError: as ``experiments.compare.compare``.
    """
    if model.basis.notice:
        say(model.basis.notice)
    result, rivals = _compare(base, chosen, draws, worlds, seed, path, model, crew, wishes)
    study = called or path
    save_and_show(
        study, _files(chosen, result, rivals, study), lambda: _show(base, chosen, result, rivals, wishes)
    )


def _compare(
    base: Scenario,
    chosen: Sequence[Scenario],
    draws: int,
    worlds: int,
    seed: int,
    path: Path,
    model: Simulator,
    crew: Crew,
    wishes: Wishes,
) -> tuple[Comparison, StructureComparison | None]:
    from passaat.experiments.compare import compare
    from passaat.experiments.structures import DEFAULT_DRAWS, compare_structures

    rivals: StructureComparison | None = None
    try:
        with Bar() as bar:
            result = compare(
                base,
                chosen,
                draws=draws,
                worlds_per_draw=worlds,
                seed=seed,
                study_path=path,
                progress=lambda step: bar.show(step.stage, step.done, step.total),
                simulator=model,
                crew=crew,
            )
            if wishes.structures:
                rivals = compare_structures(
                    base,
                    chosen,
                    draws=wishes.structure_draws or min(DEFAULT_DRAWS, draws),
                    worlds_per_draw=wishes.structure_worlds,
                    seed=seed,
                    study_path=path,
                    progress=lambda step: bar.show(step.stage, step.done, step.total),
                    simulator=model,
                    crew=crew,
                )
    except KeyboardInterrupt:
        say_stopped(path)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return result, rivals


def say_stopped(path: Path, *, resumable: bool = True) -> None:
    """Say after Ctrl-C what is kept, and how to go on."""
    by = f"`passaat resume {path}` or the same command" if resumable else "the same command"
    say(f"Stopped by Ctrl-C.{f' Finished runs are kept in {path}; {by} goes on.' if path.exists() else ''}")


def _show(
    base: Scenario,
    chosen: Sequence[Scenario],
    result: Comparison,
    rivals: StructureComparison | None,
    wishes: Wishes,
) -> None:
    from passaat.experiments.decision_tables import print_decisions
    from passaat.experiments.structure_tables import print_structures
    from passaat.experiments.structures import with_structures
    from passaat.experiments.tables import print_comparison

    if wishes.as_json:
        print_json_text(result.to_json() if rivals is None else with_structures(result, rivals))
        return
    console = make_console()
    if wishes.changed:
        changed = ", ".join(wishes.changed)
        console.print(f"Changed in the reference, and so under every option: {changed}")
    if wishes.decisions:
        console.print(f"Compared with {base.name}: {shown(base.title)}")
    else:
        for option in chosen:
            console.print(f"{option.name}: {shown(option.description)}")
        print_comparison(result, console, all_outcomes=wishes.all_outcomes)
    print_decisions(result, console, every_pair=wishes.decisions)
    if rivals is not None:
        print_structures(rivals, console, all_outcomes=wishes.all_outcomes)


def _files(
    chosen: Sequence[Scenario], result: Comparison, rivals: StructureComparison | None, path: Path
) -> list[Saving]:
    """Tables and figures of a comparison: beside the study, named by the options unless these are the usual four."""
    from passaat.experiments.decisions import to_csv
    from passaat.experiments.files import save_beside, stem_of

    part = _options_part(chosen)
    decisions, structures = (f"{part}-{name}".lstrip("-") for name in ("decisions", "structures"))
    files: list[Saving] = [("Table", lambda: [save_beside(to_csv(result.decisions), path, decisions)])]
    if rivals is not None:
        files.append(("Table", lambda: [save_beside(rivals.to_csv(), path, structures)]))

    def figures() -> tuple[Path, ...]:
        import_matplotlib()
        from passaat.experiments.figures import save_figures

        return save_figures(result, stem_of(path, part))

    return [*files, ("Figure", figures)]


def _options_part(chosen: Sequence[Scenario]) -> str:
    """Options as part of a file name; one that does not ship as it is here carries its fingerprint."""
    from passaat.experiments.files import named
    from passaat.scenarios.loading import load_scenario, shipped_names

    shipped = {name: load_scenario(name).hash for name in FOUR_OPTIONS}
    if [(one.name, one.hash) for one in chosen] == list(shipped.items()):
        return ""
    known = shipped_names()
    return named(
        *(
            one.name
            if one.name in known and load_scenario(one.name).hash == one.hash
            else f"{one.name}-{one.hash[:8]}"
            for one in chosen
        )
    )
