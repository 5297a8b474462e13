"""Runs that nobody asks for: by the clock, and after others."""

from __future__ import annotations

import json
from typing import Optional

from harness import Server, wait_until


def test_every_second_makes_a_run_with_a_key_of_its_own(server: Server) -> None:
    server.flow("beat", "on: [{ every: 1s }]\ntasks:\n  tick: { calc: select 1 as one }\n")
    server.start()

    def three() -> Optional[list[str]]:
        keys = [str(run["key"]) for run in server.runs("beat")]
        return keys if len(keys) >= 3 else None

    keys = wait_until("three runs", three)
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("every:") for key in keys)


def test_a_flow_runs_after_another_and_after_a_dataset(server: Server) -> None:
    server.write("tidemill.yaml", "datasets: { lines: { path: lines.jsonl } }\n")
    server.flow("first", """on: call
tasks:
  say: { calc: select 5 as five }
  put: { publish: { dataset: lines }, needs: say, writes: lines }
""")
    server.flow("second", "on: [{ after: first }]\ntasks:\n  a: { calc: select 1 as one }\n")
    server.flow("third", "on: [{ after: { dataset: lines } }]\n"
                         "tasks:\n  a: { calc: select 1 as one }\n")
    server.start()
    answer = server.call("first")
    assert answer.json["state"] == "succeeded", answer.text
    for flow in ("second", "third"):
        run = wait_until(f"{flow} has run", lambda flow=flow: server.runs(flow))[0]
        assert server.finished(run["run"])["state"] == "succeeded"
    assert server.runs("second")[0]["key"] == f"after:{answer.json['run']}"
    lines = [json.loads(line) for line in server.path("lines.jsonl").read_text().splitlines()]
    assert len(lines) == 1 and lines[0]["run"] == answer.json["run"]


def test_one_run_for_each_row_and_one_key_joins_them(server: Server) -> None:
    server.flow("one", """on: call
key: "{{ id }}"
params: { id: integer }
tasks:
  square: { calc: "select id * id as value from params" }
""")
    server.flow("many", """on: call
tasks:
  each:
    flow: one
    for_each: "[1, 2, 3, 2]"
    with: { id: "{{ item }}" }
""")
    server.start()
    answer = server.call("many", deadline_ms=60_000)
    assert answer.json["state"] == "succeeded", answer.text
    assert sorted(run["key"] for run in server.runs("one")) == ["1", "2", "3"]
    values = [value["square"]["value"] for value in answer.json["output"]["each"]]
    assert values == [1, 4, 9, 4]
