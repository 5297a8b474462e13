"""Restate: its server with its defaults (each commit of its log is synced), the flows in a Node
process beside it, called over HTTP through its ingress."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from work import (CHAIN, CRASH_SLEEP_S, DONE_BEFORE_CRASH, Journal, Process, Report, free_port,
                  wait_for_port)

HERE = Path(__file__).resolve().parent
IN_FLIGHT = 8


class Restate:
    def __init__(self, modules: Path, folder: Path) -> None:
        self.ingress, admin, node, service = (free_port() for _ in range(4))
        self.admin = admin
        self.service_port = service
        binary = next((modules / "@restatedev").glob("restate-server-linux-*/bin/restate-server"))
        self.version = subprocess.run([str(binary), "--version"], capture_output=True, text=True,
                                      check=True).stdout.split()[-1]
        env = os.environ | {
            "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{self.ingress}",
            "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
            "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
            "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{node}",
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_NODE_NAME": "bench",
            "RESTATE_DISABLE_TELEMETRY": "true",
            "RESTATE_LOG_FILTER": "error",
        }
        self.server = Process([str(binary), "--base-dir", str(folder / "data"), "--no-logo"],
                              folder / "server.log", env)
        self.service = Process(["node", str(HERE / "restate_service.mjs"), str(service),
                                str(folder / "journal"), str(modules)], folder / "service.log")

    def start(self) -> None:
        self.service.start()
        self.server.start()
        wait_for_port(self.service_port, 30)
        wait_for_port(self.admin, 60)
        until = time.monotonic() + 60
        while True:
            try:
                body = {"uri": f"http://127.0.0.1:{self.service_port}"}
                status, text = post(connect(self.admin), "/deployments", body)
                if status in (200, 201):
                    break
            except OSError as error:
                text = str(error)
            if time.monotonic() > until:
                raise SystemExit(f"restate does not accept the service: {text}")
            time.sleep(0.1)
        wait_for_port(self.ingress, 30)

    def stop(self) -> None:
        self.server.stop()
        self.service.stop()


def connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def post(connection: http.client.HTTPConnection, path: str, body: object) -> tuple[int, str]:
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def call(connection: http.client.HTTPConnection, flow: str, **body: object) -> None:
    status, text = post(connection, f"/flows/{flow}", body)
    if status not in (200, 202):
        raise SystemExit(f"restate answered {status}: {text[:300]}")


def flows_a_second(restate: Restate, number: int) -> float:
    def caller(which: int) -> None:
        connection = connect(restate.ingress)
        for i in range(60):
            call(connection, "chain", run=f"r{number}-{which}-{i}", length=3, sleep_s=0)

    start = time.monotonic()
    with ThreadPoolExecutor(IN_FLIGHT) as callers:
        list(callers.map(caller, range(IN_FLIGHT)))
    return IN_FLIGHT * 60 / (time.monotonic() - start)


def measure(folder: Path, limit_s: float, modules: Path) -> None:
    restate = Restate(modules, folder)
    report = Report("restate", restate.version)
    settings = {"fsync": "of its log, the default", "sdk": "JavaScript"}
    try:
        restate.start()
        connection = connect(restate.ingress)

        def flow3(number: int) -> None:
            call(connection, "chain", run=f"c{number}", length=3, sleep_s=0)

        for number in range(30):
            flow3(-number - 1)
        report.calls(flow3, rounds=5, count=60, **settings)
        rates = [flows_a_second(restate, number) for number in range(5)]
        report("flow3", "flows_per_s", rates, "1/s", in_flight=IN_FLIGHT, **settings)
        walls = []
        for number in range(5):
            start = time.monotonic()
            call(connection, "fan", run=f"fan{number}")
            walls.append(time.monotonic() - start)
        report("fan200", "wall_s", walls, "s", **settings)
        call(connection, "chain/send", run="crash", length=len(CHAIN), sleep_s=CRASH_SLEEP_S)
        journal = Journal(folder / "journal")
        journal.wait_for_ends("crash", DONE_BEFORE_CRASH, 60)
        restate.server.kill()
        killed_at = time.time()
        restate.server.start()
        report.crash(journal, "crash", killed_at, limit_s, killed="the server", **settings)
    finally:
        restate.stop()


if __name__ == "__main__":
    measure(Path(sys.argv[1]), float(sys.argv[2]),
            Path(sys.executable).parent.parent / "node_modules")
