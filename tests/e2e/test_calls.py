"""Runs that are asked for over HTTP."""

from __future__ import annotations

import json
from typing import Callable

from harness import Server, task_of, wait_until

HELLO = """on: call
params: { name: string }
tasks:
  greet:
    shell: printf '{"text":"hello %s"}' "$NAME" > "$TIDEMILL_OUTPUT"
    env: { NAME: "{{ name }}" }
"""
SUM = """on: call
params: { a: integer, b: integer }
tasks:
  total: { calc: "select a + b as value from params" }
  twice: { calc: "select total.value * 2 as value from total", needs: total }
"""


def test_a_call_answers_with_the_output_of_each_task(server: Server) -> None:
    server.flow("hello", HELLO)
    server.start()
    answer = server.call("hello", {"name": "world"})
    assert answer.status == 200, answer.text
    assert answer.json["state"] == "succeeded"
    assert answer.json["output"]["greet"] == {"text": "hello world"}


def test_calculations_follow_each_other_in_one_call(server: Server) -> None:
    server.flow("sum", SUM)
    server.start()
    answer = server.call("sum", {"a": 40, "b": 2})
    assert answer.status == 200, answer.text
    assert answer.json["output"] == {"total": {"value": 42}, "twice": {"value": 84}}


def test_the_same_key_gives_the_first_result_and_other_params_are_a_conflict(
        server: Server) -> None:
    server.flow("sum", SUM)
    server.start()
    first = server.call("sum", {"a": 1, "b": 2}, key="k1")
    again = server.call("sum", {"a": 1, "b": 2}, key="k1")
    other = server.call("sum", {"a": 1, "b": 3}, key="k1")
    assert first.status == 200 and again.json == first.json
    assert other.status == 409 and other.json["error"]["code"] == "conflict"
    assert len(server.runs("sum")) == 1


def test_a_call_that_outlasts_its_deadline_answers_202_and_goes_on(
        server: Server, gate: Callable[[], None]) -> None:
    server.start()
    answer = server.call("gate", key="k", deadline_ms=1)
    assert answer.status == 202, answer.text
    assert answer.json["state"] == "running"
    gate()
    assert server.finished(answer.json["run"])["state"] == "succeeded"
    again = server.call("gate", key="k")
    assert again.status == 200 and again.json["run"] == answer.json["run"]
    assert again.json["output"]["work"] == {"n": 7}


def test_a_failed_run_answers_200_with_its_error(server: Server) -> None:
    server.flow("bad", "on: call\ntasks:\n  work: { shell: 'echo no >&2; exit 3' }\n")
    server.start()
    answer = server.call("bad")
    assert answer.status == 200 and answer.json["state"] == "failed"
    assert "3" in answer.json["error"]["message"]


def test_without_a_good_token_nothing_is_told(server: Server) -> None:
    server.flow("sum", SUM)
    server.start()
    for token in ("", "wrong"):
        for method, path in (("GET", "/api/v1/flows"), ("GET", "/metrics"), ("GET", "/nowhere"),
                             ("POST", "/api/v1/flows/sum/call"), ("GET", "/api/v1/runs")):
            assert server.http(method, path, token=token).status == 401, (token, path)
    assert server.http("GET", "/healthz", token="").status == 200
    assert server.http("GET", "/readyz", token="").status == 200


def test_tokens_are_made_over_the_socket_only_and_can_be_taken_back(server: Server) -> None:
    server.start()
    assert server.http("POST", "/api/v1/tokens", {"name": "x"}).status == 403
    token = server.cli("token", "add", "second").stdout.strip()
    assert server.http("GET", "/api/v1/version", token=token).status == 200
    assert server.cli("token", "add", "second", check=False).returncode == 1
    server.restart()
    assert server.http("GET", "/api/v1/version", token=token).status == 200
    server.cli("token", "remove", "second")
    assert server.http("GET", "/api/v1/version", token=token).status == 401


def test_what_does_not_exist_is_404_and_another_method_is_405(server: Server) -> None:
    server.flow("sum", SUM)
    server.start()
    unknown = server.call("sun", {"a": 1, "b": 2})
    assert unknown.status == 404 and "sun" in unknown.json["error"]["message"]
    assert server.http("GET", "/api/v1/flows/sun").status == 404
    assert server.http("GET", "/api/v1/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV").status == 404
    assert server.http("GET", "/api/v2/anything").status == 404
    assert server.http("DELETE", "/api/v1/flows").status == 405


def test_wrong_bodies_are_refused_with_what_was_expected(server: Server) -> None:
    server.flow("sum", SUM)
    server.start()
    path = "/api/v1/flows/sum/call"
    for body, word in ((b"{", "JSON"), (b"[]", "object"), (b'{"parms":{}}', "params"),
                       (b'{"params":{"a":1}}', "b"), (b'{"params":{"a":1,"b":"x"}}', "b"),
                       (b'{"params":{"a":1,"b":2,"c":3}}', "c"), (b"\xff\xfe", ""),
                       (b'{"deadline_ms":-1}', "deadline_ms")):
        answer = server.http("POST", path, body)
        assert answer.status == 400, (body, answer.text)
        assert word in answer.json["error"]["message"], (body, answer.text)
    # Refused by its length alone: nobody has to send it.
    huge = server.http("POST", path, b"{", headers={"Content-Length": str(2 << 20)})
    assert huge.status == 413
    assert server.runs("sum") == []


def test_output_can_be_read_while_the_task_runs(server: Server, gate: Callable[[], None]) -> None:
    server.start()
    run = server.start_run("gate")
    path = f"/api/v1/runs/{run}/tasks/work/log"
    wait_until("the first line is in the log",
               lambda: "attempt 1" in server.http("GET", path).text)
    assert server.run(run)["state"] == "running"
    gate()
    server.finished(run)
    assert server.cli("run", "log", run, "work").stdout == "attempt 1\n"


SUMS = """
def add(a, b):
    print('adding')
    return {'sum': a + b}

def fail():
    raise ValueError('not today')
"""


def test_python_functions_get_positional_arguments(server: Server) -> None:
    server.write("python/sums.py", SUMS)
    server.flow("py", 'on: call\ntasks:\n  sum: { python: "sums:add", args: [2, 3] }\n')
    server.start()
    answer = server.call("py", deadline_ms=60_000)
    assert answer.json["state"] == "succeeded", answer.text
    assert answer.json["output"]["sum"] == {"sum": 5}


def test_python_functions_get_named_arguments_and_give_results(server: Server) -> None:
    server.write("python/sums.py", SUMS)
    server.flow("py", 'on: call\ntasks:\n  sum: { python: "sums:add", with: { a: 2, b: 3 } }\n')
    server.flow("bad", 'on: call\ntasks:\n  sum: { python: "sums:fail" }\n')
    server.start()
    good = server.call("py", deadline_ms=60_000)
    assert good.json["state"] == "succeeded", good.text
    assert good.json["output"]["sum"] == {"sum": 5}
    log = server.http("GET", f"/api/v1/runs/{good.json['run']}/tasks/sum/log")
    assert log.text == "adding\n"
    bad = server.call("bad", deadline_ms=60_000)
    assert bad.json["state"] == "failed" and "not today" in bad.text
    shown = task_of(server.run(bad.json["run"]), "sum")
    assert "ValueError" in shown["error"]["message"]


def test_flow_run_waits_for_the_end_and_tells_it_by_its_exit_status(server: Server) -> None:
    server.flow("good", "on: call\nparams: { n: { type: integer, default: 1 } }\n"
                        "tasks:\n  a: { calc: 'select {{ n }} * 2 as x' }\n")
    server.flow("bad", "on: call\ntasks:\n  a: { shell: 'exit 3' }\n")
    server.start()
    said = server.cli("flow", "run", "good", "--param", "n=21", "--wait", "--json").stdout
    done = json.loads(said)
    assert done["state"] == "succeeded" and task_of(done, "a")["value"] == {"x": 42}
    failed = server.cli("flow", "run", "bad", "--wait", check=False)
    assert failed.returncode == 1 and "exited with code 3" in failed.stdout
