"""Prefect: its server on SQLite, the flows called in a process that reports to it. Called with a
folder; with `chain FOLDER` it is the program whose server gets killed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from work import (CHAIN, CRASH_SLEEP_S, DONE_BEFORE_CRASH, FAN, Journal, Process, Report, free_port,
                  step, version_of, wait_for_port)


def environment(folder: Path, port: int) -> dict[str, str]:
    return os.environ | {
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "DO_NOT_TRACK": "1",
    }


def flows(folder: Path) -> tuple[object, object]:
    from prefect import flow, task

    @task
    def one(run: str, name: str, sleep_s: float, before: object = None) -> int:
        return step(str(folder / "journal"), run, name, sleep_s)

    @flow
    def chain(run: str, length: int, sleep_s: float) -> None:
        for name in CHAIN[:length]:
            one(run, name, sleep_s)

    @flow
    def fan(run: str) -> None:
        first = one(run, "start", 0.0)
        futures = [one.submit(run, name, 0.0, first) for name in FAN]
        one(run, "join", 0.0, [future.result() for future in futures])

    return chain, fan


def measure(folder: Path, limit_s: float) -> None:
    report = Report("prefect", version_of("prefect"))
    settings = {"store": "SQLite, its defaults", "started": "called in a process"}
    port = free_port()
    env = environment(folder, port)
    server = Process([str(Path(sys.executable).parent / "prefect"), "server", "start", "--host",
                      "127.0.0.1", "--port", str(port)], folder / "server.log", env).start()
    try:
        wait_for_port(port, 120)
        os.environ.update(env)
        chain, fan = flows(folder)
        chain("warm", 3, 0.0)
        report.calls(lambda number: chain(f"c{number}", 3, 0.0), rounds=5, count=5, **settings)
        walls = []
        for number in range(5):
            start = time.monotonic()
            fan(f"fan{number}")
            walls.append(time.monotonic() - start)
        report("fan200", "wall_s", walls, "s", **settings)
        worker = Process([sys.executable, __file__, "chain", str(folder)], folder / "chain.log",
                         env).start()
        journal = Journal(folder / "journal")
        journal.wait_for_ends("crash", DONE_BEFORE_CRASH, 60)
        server.kill()
        killed_at = time.time()
        server.start()
        report.crash(journal, "crash", killed_at, limit_s,
                     killed="the server; the flow's process stays", **settings)
        worker.stop()
    finally:
        server.stop()


if __name__ == "__main__":
    if sys.argv[1] == "chain":
        flows(Path(sys.argv[2]))[0]("crash", len(CHAIN), CRASH_SLEEP_S)
    else:
        measure(Path(sys.argv[1]), float(sys.argv[2]))
