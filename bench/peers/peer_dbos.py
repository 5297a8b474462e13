"""DBOS Transact on SQLite: a library, so the process that calls also runs the flows. Called with
a folder; with `chain FOLDER` or `recover FOLDER` it is what gets killed, or its successor."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dbos import DBOS
from work import (CHAIN, CRASH_SLEEP_S, DONE_BEFORE_CRASH, FAN, Journal, Process, Report, step,
                  version_of)

JOURNAL = ""
IN_FLIGHT = 8


@DBOS.step()
def one_step(run: str, name: str, sleep_s: float) -> int:
    return step(JOURNAL, run, name, sleep_s)


@DBOS.workflow()
def leaf(run: str, name: str) -> int:
    return one_step(run, name, 0.0)


@DBOS.workflow()
def chain(run: str, length: int, sleep_s: float) -> None:
    for name in CHAIN[:length]:
        one_step(run, name, sleep_s)


@DBOS.workflow()
def fan(run: str) -> None:
    one_step(run, "start", 0.0)
    for handle in [DBOS.start_workflow(leaf, run, name) for name in FAN]:
        handle.get_result()
    one_step(run, "join", 0.0)


def launch(folder: Path) -> None:
    global JOURNAL
    JOURNAL = str(folder / "journal")
    DBOS(config={
        "name": "bench",
        "system_database_url": f"sqlite:///{folder}/dbos.sqlite",
        "log_level": "ERROR",
        "application_version": "1",
        "executor_id": "bench",
    })
    DBOS.launch()


def measure_rate(report: Report, settings: dict[str, object]) -> None:
    rates = []
    for number in range(5):
        with ThreadPoolExecutor(IN_FLIGHT) as callers:
            start = time.monotonic()
            list(callers.map(lambda i, n=number: chain(f"r{n}-{i}", 3, 0.0), range(100)))
            rates.append(100 / (time.monotonic() - start))
    report("flow3", "flows_per_s", rates, "1/s", in_flight=IN_FLIGHT, **settings)


def measure(folder: Path, limit_s: float) -> None:
    report = Report("dbos", version_of("dbos"))
    journal = Journal(folder / "journal")
    settings: dict[str, object] = {"store": "SQLite, its defaults", "callers": "threads"}
    launch(folder)
    for number in range(10):
        chain(f"warm{number}", 3, 0.0)
    report.calls(lambda number: chain(f"c{number}", 3, 0.0), rounds=5, count=40, **settings)
    measure_rate(report, settings)
    walls = []
    for number in range(5):
        start = time.monotonic()
        fan(f"fan{number}")
        walls.append(time.monotonic() - start)
    report("fan200", "wall_s", walls, "s", **settings)
    DBOS.destroy()
    own = folder / "crash"
    own.mkdir()
    journal = Journal(own / "journal")
    first = Process([sys.executable, __file__, "chain", str(own)], own / "log").start()
    journal.wait_for_ends("crash", DONE_BEFORE_CRASH, 60)
    first.kill()
    killed_at = time.time()
    second = Process([sys.executable, __file__, "recover", str(own)], own / "log").start()
    report.crash(journal, "crash", killed_at, limit_s, killed="the process", **settings)
    second.stop()


if __name__ == "__main__":
    if sys.argv[1] in ("chain", "recover"):
        launch(Path(sys.argv[2]))
        if sys.argv[1] == "chain":
            chain("crash", len(CHAIN), CRASH_SLEEP_S)
        else:
            time.sleep(120)  # recovery is the library's own
    else:
        measure(Path(sys.argv[1]), float(sys.argv[2]))
