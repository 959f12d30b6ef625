"""A process that runs a sweep of the toy model: ``sweep_child.py STUDY SIZE [LARGEST_FILE]``.

It prints one line when the first runs are in the file. With LARGEST_FILE no file may grow beyond so many bytes. An
error of passaat is printed as its problem and way out, and the exit code is 2.
"""

from __future__ import annotations

import importlib
import signal
import sys
from pathlib import Path
from typing import Any

from passaat.errors import PassaatError
from passaat.experiments.analyses.sweep import sweep
from passaat.experiments.run.crew import Threads
from passaat.experiments.run.runner import Progress

toy_model: Any = importlib.import_module("toy_model")


def main() -> int:
    # Started from a job in the background, a process would be deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path, size = Path(sys.argv[1]), int(sys.argv[2])
    if len(sys.argv) > 3:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    said = False

    def on_progress(state: Progress) -> None:
        nonlocal said
        if state.done and not said:
            said = True
            print("running", flush=True)

    try:
        sweep(
            toy_model.a_plan(size),
            study_path=path,
            crew=Threads(2),
            progress=on_progress,
            simulator=toy_model.SIMULATOR,
        )
    except PassaatError as error:
        print(error, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
