"""A process that runs a sweep of the toy model again and again, and is killed again and again.

It reads orders from standard input, one JSON object a line, and forks a child for each, so that the child starts
without importing anything. The order says when the child dies by SIGKILL: so many seconds ``after`` its start; when it
begins SQL statement number ``statement``; or ``inside`` seconds after it begins COMMIT number ``commit``. An order
without any of these lets it finish; with ``real`` the model that ships runs; with ``reuse`` runs are taken over from
the study of that name. The answer is one line: how it ended.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from passaat.experiments.analyses.sweep import simulator_for, sweep
from passaat.experiments.run.crew import Threads

store: Any = importlib.import_module("passaat.experiments.study.study")
toy_model: Any = importlib.import_module("toy_model")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watch(order: dict[str, Any]) -> None:
    """Make every connection of the store count what it does, and die when the order says so."""
    connect: Callable[..., sqlite3.Connection] = store.connect
    statements, commits = itertools.count(1), itertools.count(1)

    def on_statement(text: str) -> None:
        if next(statements) == order.get("statement"):
            die()
        if text == "COMMIT" and next(commits) == order.get("commit"):
            threading.Timer(order["inside"], die).start()

    def connect_watched(place: str, *, read_only: bool = False) -> sqlite3.Connection:
        connection = connect(place, read_only=read_only)
        connection.set_trace_callback(on_statement)
        return connection

    store.connect = connect_watched


def work(path: Path, order: dict[str, Any]) -> None:
    watch(order)
    plan = toy_model.a_plan(order["size"], block=order.get("block"))
    simulator = simulator_for(plan) if order.get("real") else toy_model.SIMULATOR
    reuse = [Path(order["reuse"])] if "reuse" in order else []
    sweep(plan, study_path=path, crew=Threads(2), simulator=simulator, reuse=reuse)


def main() -> None:
    path = Path(sys.argv[1])
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                work(path, order)
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        if "after" in order:
            time.sleep(order["after"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"ended": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
