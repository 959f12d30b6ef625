"""Processes that export a study and are killed, and processes that start one study at the same moment.

``guard_child.py export STUDY TARGET`` reads orders from standard input, one JSON object a line, and forks a child for
each, so that the child starts without importing anything. The child runs ``passaat export STUDY --to TARGET --force``
and is killed by SIGKILL so many seconds ``after`` it begins, if the order says so. The answer is one line: how it
ended, and how many seconds it took.

``guard_child.py race STUDY SIZE`` forks two children that sweep the toy model into STUDY from the same moment on. The
answer is one line: for both, the error of passaat that ended it, empty where none did.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from passaat import cli
from passaat.errors import PassaatError
from passaat.experiments.analyses.sweep import sweep
from passaat.experiments.run.crew import Threads

toy_model: Any = importlib.import_module("toy_model")
for needed in ("reports.export", "analyses.studies"):  # by the command, which imports them late
    importlib.import_module(f"passaat.experiments.{needed}")


def exported(study: str, target: str, order: dict[str, float]) -> dict[str, float]:
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["passaat", "export", study, "--to", target, "--force"]
        try:
            cli.main()
        except SystemExit as ended:
            os._exit(ended.code if isinstance(ended.code, int) else 1)
        finally:
            os._exit(0)
    if "after" in order:
        time.sleep(order["after"])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return {"ended": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - begun}


def raced(study: Path, size: int) -> list[str]:
    """What two sweeps that begin at one moment say at their end."""
    start = time.monotonic() + 0.2
    answers = []
    for _ in range(2):
        reading, writing = os.pipe()
        if os.fork() == 0:
            said = ""
            try:
                time.sleep(max(0.0, start - time.monotonic()))
                sweep(
                    toy_model.a_plan(size), study_path=study, crew=Threads(1), simulator=toy_model.SIMULATOR
                )
            except PassaatError as error:
                said = str(error)
            except BaseException as error:
                said = f"{type(error).__name__}: {error}"
            finally:
                os.write(writing, said.encode()[:60_000])
                os._exit(0)
        os.close(writing)
        answers.append(reading)
    texts = []
    for reading in answers:
        with os.fdopen(reading, encoding="utf-8") as pipe:
            texts.append(pipe.read())
        os.wait()
    return texts


def main() -> None:
    what, study, third = sys.argv[1:]
    if what == "race":
        print(json.dumps(raced(Path(study), int(third))), flush=True)
        return
    for line in sys.stdin:
        print(json.dumps(exported(study, third, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
