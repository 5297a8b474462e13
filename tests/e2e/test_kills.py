"""SIGKILL at random moments of a running workload, many times: nothing acknowledged is lost, no
effect is doubled, and every run comes to its end."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable

import pytest
from harness import Server, wait_until

SUM = """on: call
params: { a: integer }
tasks:
  total: { calc: "select a + 1 as value from params" }
  out: { publish: { dataset: sums }, needs: total, on_unknown: rerun }
"""
# One line an attempt that began, by itself: what a doubled effect looks like.
WORK = """on: call
params: { a: integer }
tasks:
  once: { shell: "echo $TIDEMILL_RUN_ID.$TIDEMILL_ATTEMPT >> once; sleep 0.02" }
  again:
    shell: "echo $TIDEMILL_RUN_ID.$TIDEMILL_ATTEMPT >> again; sleep 0.02"
    on_unknown: rerun
  after: { calc: "select 1 as one", needs: [once, again] }
"""
TICK = """on: [{ every: 300ms, id: t, overlap: allow, missed: latest }]
tasks:
  work: { shell: "echo $TIDEMILL_RUN_ID >> ticks" }
"""


@dataclass
class Client:
    """Asks without end, and asks again with the same key when it hears nothing."""

    server: Server
    answers: dict[str, Any] = field(default_factory=dict)
    ends: bool = False
    asked: int = 0

    def ask(self) -> None:
        numbers = iter(range(10**9))
        flow, key, number = "sum", "", 0
        while not self.ends or key:
            if not key:
                number = next(numbers)
                flow = "work" if number % 4 == 0 else "sum"
                key = f"{flow}-{number}"
                self.asked += 1
            try:
                answer = self.server.call(flow, {"a": number}, key=key)
            except (OSError, ValueError, AttributeError):
                time.sleep(0.01)
                continue
            if answer.status == 200:
                self.answers[key] = answer.json
                key = ""
            elif answer.status < 500 and answer.status != 429:
                raise AssertionError(f"{key}: {answer.status} {answer.text}")
            else:
                time.sleep(0.01)


def kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def check_attempts(server: Server) -> None:
    """Each line of `once` and `again` names an attempt; none is there twice."""
    for name in ("once", "again"):
        path = server.path(name)
        lines = path.read_text().split() if path.exists() else []
        assert len(lines) == len(set(lines)), f"{name}: an attempt ran twice"
    once = server.path("once")
    for line in once.read_text().split() if once.exists() else []:
        assert line.endswith(".1"), f"an effect that may not be repeated was: {line}"


def check_lines(server: Server) -> None:
    path = server.data / "datasets" / "sums.jsonl"
    seen = set()
    for text in path.read_text().splitlines() if path.exists() else []:
        line = json.loads(text)
        key = (line["run"], line["task"], line["index"])
        assert key not in seen, f"published twice: {text}"
        seen.add(key)


@pytest.mark.parametrize("what", ["server", "spawner", "both"])
def test_killed_at_random_moments(server: Server, what: str, kills: int,
                                  record: Callable[[str], None]) -> None:
    dice = random.Random(f"{what}{kills}")
    server.flow("sum", SUM)
    server.flow("work", WORK)
    server.flow("tick", TICK)
    server.start()
    client = Client(server)
    thread = threading.Thread(target=client.ask, daemon=True)
    thread.start()
    for _ in range(max(1, kills // 3)):
        time.sleep(dice.uniform(0.0, 0.25))  # a moment of the workload: chance is the point
        spawners = server.spawner_pids() if what != "server" else []
        if what != "spawner":
            server.kill9()
        kill(spawners)
        if what != "spawner":
            server.start()
    client.ends = True
    thread.join(120)
    assert not thread.is_alive(), "a call was never answered"
    server.flow("tick", "tasks:\n  work: { shell: \"true\" }\n")
    server.restart()
    wait_until("every run has ended", lambda: all(
        run["state"] in ("succeeded", "failed", "cancelled")
        for flow in ("sum", "work", "tick") for run in server.runs(flow)))
    for key, first in client.answers.items():
        flow, number = key.split("-")
        again = server.call(flow, {"a": int(number)}, key=key).json
        assert again == first, f"{key}: told {first}, now {again}"
    check_attempts(server)
    check_lines(server)
    ticks = [run["key"] for run in server.runs("tick")]
    assert len(ticks) == len(set(ticks))
    record(f"{what}: {max(1, kills // 3)} kills, {len(client.answers)} of {client.asked} answered")
