"""Code in the documents runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from passaat.model.status import STATUS_NAMES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_code_of_the_page_on_the_house_runs(capsys: Any) -> None:
    (block,) = re.findall(
        r"```python\n(.*?)```", (DOCS / "architecture.md").read_text(encoding="utf-8"), re.DOTALL
    )
    exec(compile(block, "architecture.md", "exec"), {})
    assert "posterior, calibrated to" in capsys.readouterr().out


def test_the_code_of_the_python_page_runs(capsys: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "python.md", "exec"), names)
    assert names["run"].world.firms.turnover_eur.mean() > 0
    assert (names["folder"] / "study.db").exists()
    assert names["exports"].shape == (2, 3, 2, 2)
    assert names["gain"].shape == (30, 2)
    assert names["report"].finding("contracts").indices.varies
    assert 0.0 < names["answer"].share < 1.0
    assert names["cluster"].members
    assert names["trial"].world.clusters.n_members[0] >= 1
    assert names["trial"].world.clusters.complementarity[0] == 0.9
    assert names["trial"].world.firms.capacity.min() == 0.8
    assert names["rival"].world.structure.bottlenecks[0] == 1
    assert set(names["clusters"]["status"]) <= set(STATUS_NAMES)
    assert [row["world_seed"] for row in names["rows"]] == [0, 1]
    assert names["changed"].basis.kind == "prior"
    assert "<Firm 3" in capsys.readouterr().out
