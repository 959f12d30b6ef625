"""The compiled judge: what is judged of a run as one compiled function of tables, for ensembles.

The judge is loaded as the driver is, under an identity of its own: a schedule or an
extension of one's own leaves it as it is. It knows tables and numbers only, so that another target can take it over.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from passaat.errors import ModelError
from passaat.model import input_checks
from passaat.model.judged import Judge, Judged, Twin, Work
from passaat.model.kernel import machine_code
from passaat.model.kernel.code_identity import CodeIdentity
from passaat.model.kernel.columns import IntColumn
from passaat.model.kernel.machine_code import Compiled
from passaat.model.kernel.rules import rule
from passaat.model.outcomes import OUTCOME_NAMES, Found, judge
from passaat.model.world import World
from passaat.model.yearly import OUTCOMES_BY_YEAR, judge_by_year

if TYPE_CHECKING:
    from passaat.model.engine.compiled import Run


def judged_tables(world: World) -> Judged:
    """Those tables of a world, in whichever form it has them."""
    return Judged(*(getattr(world, name) for name in Judged._fields))


def twin_tables(world: World, *, known: bool) -> Twin:
    """What is read of a twin; of the run itself, as a stand-in that is not read, where there is none."""
    exports = world.engagements.exports_since_window_cents
    return Twin(int(known), exports, world.exports_by_year_cents)


def room_for(world: World) -> Work:
    """Room to judge a run of this size; every judging takes its own, because several go on at once."""
    n_engagements, n_years = world.exports_by_year_cents.shape
    n_clusters, n_firms = (table.key.shape[0] for table in (world.clusters, world.firms))

    def room(rows: int) -> IntColumn:
        return np.empty(rows, dtype=np.int64)

    return Work(
        counted=room(n_clusters),
        cluster_exports_cents=room(n_clusters),
        member_engagement=room(n_engagements),
        ascending_cents=room(n_engagements),
        member=room(n_firms),
        with_contacts=room(n_firms),
        with_relation=room(n_firms),
        with_partnership=room(n_firms),
        with_contract=room(n_firms),
        with_presence=room(n_firms),
        learned_out=room(n_firms),
        yearly_cents=room(n_years),
    )


def judge_source(judge: Judge) -> str:
    """Python source of the compiled judge; it names the columns, because a change of their order changes the code."""
    return "\n".join(
        [
            '"""Generated to judge runs; not meant to be edited."""',
            "",
            "from numba import njit",
            "",
            f"from {judge.__module__} import {judge.__name__} as rule",
            "",
            *(f"# {table.__name__}: {', '.join(table._fields)}" for table in (Judged, Twin, Work)),
            "",
            "",
            '@njit(nogil=True, error_model="numpy", _nrt=False)',
            "def run(world, twin, work, found):",
            "    rule(world, twin, work, found)",
            "",
        ]
    )


_judges: dict[Judge, Compiled] = {}
_lock = threading.Lock()


def fingerprint(judge: Judge) -> str:
    """A short name for all that decides the machine code of the judge."""
    return _identity(judge).digest()


def _identity(judge: Judge) -> CodeIdentity:
    return machine_code.identity_of(judge_source(judge), rule, judge)


def compiled_judge(judge: Judge) -> Compiled:
    """The compiled form of a judge; from memory, from disk, or compiled when it is first called.

    Raises:
        ModelError: the compiler is turned off.
    """
    with _lock:
        if judge not in _judges:
            _judges[judge] = machine_code.load(judge_source(judge), _identity(judge), {})
        return _judges[judge]


_FOUND_TYPE: Final = np.dtype([(name, np.float64) for name in OUTCOME_NAMES])


def outcomes_of(run: Run, twin: Run | None = None) -> NDArray[np.float64]:
    """All outcomes of one run, aligned with ``OUTCOMES``; those that need a twin are nan without one.

    Args:
        run: the run.
        twin: the run of the same world without programme.

    Raises:
        ModelError: a twin of another world.
    """
    if twin is not None:
        require_same_world(run, twin)
    world, against, work, found = judged_with(run, twin)
    compiled_judge(judge)(world, against, work, found)
    return np.array([found]).view(np.float64)


def outcomes_by_year(run: Run, twin: Run | None = None) -> NDArray[np.float64]:
    """All outcomes by year of one run; those that need a twin are nan without one.

    Returns:
        One row per outcome of ``OUTCOMES_BY_YEAR``, one column per calendar year of the run; in the last two rows a
        column is the number of years since the end of a covenant.

    Args:
        run: the run.
        twin: the run of the same world without programme.

    Raises:
        ModelError: a twin of another world.
    """
    if twin is not None:
        require_same_world(run, twin)
    world, against, work, _ = judged_with(run, twin)
    years = np.zeros((len(OUTCOMES_BY_YEAR), run.inputs.size.n_years))
    compiled_judge(judge_by_year)(world, against, work, years)
    return years


def judged_with(run: Run, twin: Run | None = None) -> tuple[Judged, Twin, Work, Found]:
    """What the judge of a run is given: tables, those of the twin, room to count in and a record for what is found."""
    world = run.store.compiled_world()
    against = twin_tables(world if twin is None else twin.store.compiled_world(), known=twin is not None)
    return judged_tables(world), against, room_for(run.world), np.zeros(1, dtype=_FOUND_TYPE)[0]


def require_same_world(run: Run, twin: Run) -> None:
    """Refuse a twin that is not the same world under another policy: their difference would mean nothing.

    Raises:
        ModelError: names what differs: seed, sizes, shocks, agents, structure or parameters.
    """
    differing = [f"seed ({run.seed} and {twin.seed})"] if run.seed != twin.seed else []
    differing += input_checks.differing(run.inputs, twin.inputs)
    if differing:
        raise ModelError(
            f"the twin is another world; it differs in {', '.join(differing)}",
            hint="Run the twin with the same seed, on the same inputs with other levers.",
        )
