"""Airflow with LocalExecutor on SQLite, which is what it does when nothing is set: scheduler, API
server and DAG processor. Runs are triggered over its API and timed by the journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from work import (DONE_BEFORE_CRASH, FAN, Journal, Process, Report, free_port, say,
                  version_of, wait_for_port)

HERE = Path(__file__).resolve().parent


def environment(folder: Path, port: int) -> dict[str, str]:
    dags = folder / "dags"
    dags.mkdir(parents=True)
    (dags / "flows.py").write_text((HERE / "airflow_flows.py").read_text())
    return os.environ | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of-this-measurement-alone-" * 4,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "BENCH_FOLDER": str(folder),
        "BENCH_PEERS": str(HERE),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


class Airflow:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.env = environment(folder, self.port)
        program = str(Path(sys.executable).parent / "airflow")
        subprocess.run([program, "db", "migrate"], env=self.env, check=True, capture_output=True)
        parts = {"api-server": ["--port", str(self.port), "--host", "127.0.0.1"],
                 "scheduler": ["--skip-serve-logs"], "dag-processor": []}
        self.parts = {name: Process([program, name, *more], folder / f"{name}.log", self.env)
                      for name, more in parts.items()}
        self.token = ""

    def start(self) -> None:
        for part in self.parts.values():
            part.start()
        wait_for_port(self.port, 180)

    def stop(self) -> None:
        for part in self.parts.values():
            part.stop()

    def ask(self, method: str, path: str, body: object = None) -> dict[str, object]:
        if not self.token:
            with urllib.request.urlopen(f"{self.base}/auth/token", timeout=30) as answer:
                self.token = json.load(answer)["access_token"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.base}/api/v2{path}", data, method=method,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))

    def keep_asking(self, method: str, path: str, body: object, limit_s: float) -> None:
        until = time.monotonic() + limit_s
        while True:
            try:
                self.ask(method, path, body)
                return
            except (OSError, urllib.error.URLError, ValueError) as error:
                if time.monotonic() > until:
                    raise SystemExit(f"airflow: {path}: {error}") from error
                time.sleep(0.5)

    def trigger(self, dag: str, run: str) -> None:
        self.keep_asking("POST", f"/dags/{dag}/dagRuns", {"dag_run_id": run, "logical_date": None},
                         60)


def one_run(airflow: Airflow, journal: Journal, dag: str, run: str, count: int,
            limit_s: float) -> float:
    start = time.time()
    airflow.trigger(dag, run)
    if not journal.wait_for_ends(run, count, limit_s):
        raise SystemExit(f"airflow: {dag} was not finished after {limit_s:.0f} s")
    return journal.last_end(run) - start


def measure(folder: Path, limit_s: float) -> None:
    report = Report("airflow", version_of("apache-airflow"))
    settings = {"store": "SQLite, its defaults", "executor": "LocalExecutor"}
    journal = Journal(folder / "journal")
    airflow = Airflow(folder)
    try:
        airflow.start()
        for dag in ("flow3", "fan200", "crash40"):
            airflow.keep_asking("PATCH", f"/dags/{dag}", {"is_paused": False}, 180)
        one_run(airflow, journal, "flow3", "warm", 3, 120)
        taken = [one_run(airflow, journal, "flow3", f"c{number}", 3, 120) * 1000
                 for number in range(5)]
        report("flow3", "p50_ms", taken, "ms", in_flight=1, **settings)
        wall = one_run(airflow, journal, "fan200", "fan", len(FAN) + 2, 600)
        report("fan200", "wall_s", [wall], "s", **settings)
        airflow.trigger("crash40", "crash")
        if not journal.wait_for_ends("crash", DONE_BEFORE_CRASH, 300):
            say("airflow: the chain did not come to its middle")
            return
        for part in airflow.parts.values():
            part.kill()
        killed_at = time.time()
        airflow.start()
        report.crash(journal, "crash", killed_at, limit_s, killed="all its processes", **settings)
    finally:
        airflow.stop()


if __name__ == "__main__":
    measure(Path(sys.argv[1]), float(sys.argv[2]))
