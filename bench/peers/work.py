"""The work that every peer does, and how it is judged. Standard library only: each peer imports
this in an environment of its own.

A task appends a line when it begins and one when it ends. Times, doubled and lost tasks are read
from these lines, not from what a peer says of itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Callable, Mapping, Sequence

CHAIN = [f"t{number:02d}" for number in range(40)]
FAN = [f"f{number:03d}" for number in range(200)]
CRASH_SLEEP_S = 0.1
DONE_BEFORE_CRASH = 20


def fibonacci(number: int) -> int:
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


def step(journal: str, run: str, name: str, sleep_s: float = 0.0) -> int:
    descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"S {run} {name} {time.time():.6f}\n".encode())
        if sleep_s:
            time.sleep(sleep_s)
        result = fibonacci(10)
        os.write(descriptor, f"E {run} {name} {time.time():.6f}\n".encode())
    finally:
        os.close(descriptor)
    return result


class Journal:
    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self, kind: str, run: str) -> list[tuple[str, float]]:
        if not self.path.exists():
            return []
        words = [line.split() for line in self.path.read_text().splitlines()]
        return [(w[2], float(w[3])) for w in words if len(w) == 4 and w[:2] == [kind, run]]

    def wait_for_ends(self, run: str, count: int, limit_s: float) -> bool:
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            if len({name for name, _ in self.lines("E", run)}) >= count:
                return True
            time.sleep(0.005)
        return False

    def last_end(self, run: str) -> float:
        return max(at for _, at in self.lines("E", run))


class Report:
    """Prints one JSON line a metric: the median, with the spread in `config`."""

    def __init__(self, peer: str, version: str) -> None:
        self.peer = peer
        self.version = version

    def __call__(self, case: str, metric: str, values: Sequence[float], unit: str,
                 **config: object) -> None:
        line = {
            "case": case,
            "metric": metric,
            "value": round(statistics.median(values), 6),
            "unit": unit,
            "config": {
                "peer": self.peer,
                "version": self.version,
                "rounds": len(values),
                **config,
                "low": round(min(values), 6),
                "high": round(max(values), 6),
            },
        }
        print(json.dumps(line), flush=True)

    def calls(self, call: Callable[[int], object], rounds: int, count: int,
              **config: object) -> None:
        """`flow3`, one call after the other."""
        p50, p95 = [], []
        for round_number in range(rounds):
            taken = []
            for number in range(count):
                start = time.monotonic()
                call(round_number * count + number)
                taken.append((time.monotonic() - start) * 1000)
            taken.sort()
            p50.append(taken[len(taken) // 2])
            p95.append(taken[min(len(taken) - 1, len(taken) * 95 // 100)])
        self("flow3", "p50_ms", p50, "ms", calls=count, in_flight=1, **config)
        self("flow3", "p95_ms", p95, "ms", calls=count, in_flight=1, **config)

    def crash(self, journal: Journal, run: str, killed_at: float, limit_s: float,
              **config: object) -> None:
        """What became of a chain whose engine was killed: waits for its end."""
        if not journal.wait_for_ends(run, len(CHAIN), limit_s):
            say(f"{self.peer}: the chain was not finished {limit_s:.0f} s after the kill")
        time.sleep(0.3)
        starts = Counter(name for name, _ in journal.lines("S", run))
        ends = {name for name, _ in journal.lines("E", run)}
        if len(ends) == len(CHAIN):
            self("crash40", "finished_s", [journal.last_end(run) - killed_at], "s", **config)
        self("crash40", "doubled", [sum(1 for n in starts.values() if n > 1)], "tasks", **config)
        self("crash40", "lost", [len(CHAIN) - len(ends)], "tasks", **config)


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int, limit_s: float) -> None:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port} after {limit_s:.0f} s")


class Process:
    """A program in a process group of its own, which is ended as a whole."""

    def __init__(self, argv: Sequence[str], log: Path,
                 env: Mapping[str, str] | None = None) -> None:
        self.argv = list(argv)
        self.log = log
        self.env = dict(env) if env is not None else None
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> "Process":
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(self.argv, stdout=log, stderr=log,
                                          stdin=subprocess.DEVNULL, env=self.env,
                                          start_new_session=True)
        return self

    def _signal(self, number: int) -> None:
        assert self.child is not None
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            pass

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self.child is not None:
            self.child.wait()

    def stop(self, grace_s: float = 5) -> None:
        if self.child is None:
            return
        self._signal(signal.SIGTERM)
        try:
            self.child.wait(grace_s)
        except subprocess.TimeoutExpired:
            pass
        self.kill()


def version_of(package: str) -> str:
    import importlib.metadata

    return importlib.metadata.version(package)
