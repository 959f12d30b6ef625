"""Code in the documents runs as it is printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def test_the_code_of_the_python_page_runs(capsys: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "python.md", "exec"), names)
    assert names["run"].world.firms.turnover_eur.mean() > 0
    assert (names["folder"] / "study.db").exists()
    assert names["cluster"].members
    assert "<Firm 3" in capsys.readouterr().out
