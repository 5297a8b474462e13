"""Kinds of tasks that wait: for the world, and for a person."""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Iterator

from harness import Server, task_of, wait_until


@contextmanager
def answering() -> Iterator[tuple[str, list[str]]]:
    """A server that answers {} to all, and the Authorization headers that it has seen."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    stub = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=stub.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{stub.server_address[1]}", seen
    finally:
        stub.shutdown()
        thread.join()
        stub.server_close()


def test_a_wait_ends_when_the_file_comes_also_after_a_kill(server: Server) -> None:
    server.flow("w", "tasks:\n  a: {wait: {file: in/a.csv, every: 200ms, timeout: 10m}}\n"
                     "  b: {shell: 'echo done', needs: a}\n")
    server.start()
    run = server.start_run("w")
    wait_until("the wait has looked", lambda: "looked" in str(
        [t.get("waiting_for") for t in server.run(run)["tasks"]]))
    server.kill9()
    server.start()
    server.write("in/a.csv", "x\n")
    ended = server.finished(run)
    assert ended["state"] == "succeeded"
    assert task_of(ended, "a")["attempt"] == 1
    assert task_of(ended, "a")["value"]["size"] == 2


def test_an_approval_is_decided_on_the_command_line_after_a_kill(server: Server) -> None:
    server.write("tidemill.yaml", "teams: {desk: {members: [test]}}\n")
    server.flow("a", "params: {amount: number}\ntasks:\n"
                     "  review: {approve: {team: desk, message: 'Loan of {{ amount }}', "
                     "fields: {limit: number}}}\n"
                     "  after: {calc: 'select limit_of * 2 as twice from (select review.limit as "
                     "limit_of from review)', needs: review}\n")
    server.start()
    run = server.start_run("a", {"amount": 5000})
    wait_until("the approval is open", lambda: run in server.cli("approval", "list").stdout)
    assert "waits for the approval of desk" in server.cli("run", "show", run).stdout
    server.kill9()
    server.start()
    listed = wait_until("the approval is open again", lambda: json.loads(
        server.cli("approval", "list", "--json").stdout)["approvals"])
    assert listed[0]["message"] == "Loan of 5000.0" or listed[0]["message"] == "Loan of 5000"
    refused = server.cli("approval", "approve", run, "review", check=False)
    assert refused.returncode == 1 and "'limit' is missing" in refused.stderr
    server.cli("approval", "approve", run, "review", "--field", "limit=21", "--comment", "fine")
    ended = server.finished(run)
    assert ended["state"] == "succeeded"
    review = task_of(ended, "review")
    assert review["attempts"][0]["detail"]["by"] == "local"
    assert review["attempts"][0]["detail"]["comment"] == "fine"
    assert task_of(ended, "after")["value"]["twice"] == 42


def test_a_token_decides_only_for_its_teams(server: Server) -> None:
    server.write("tidemill.yaml", "teams: {desk: {members: [test]}, other: {members: [anna]}}\n")
    server.flow("a", "tasks:\n  mine: {approve: desk}\n  theirs: {approve: other}\n")
    server.start()
    run = server.start_run("a")
    wait_until("both are open", lambda: len(server.http(
        "GET", "/api/v1/approvals").json["approvals"]) == 2)
    path = f"/api/v1/runs/{run}/tasks/%s/decision"
    assert server.http("POST", path % "theirs", {"decision": "approve"}).status == 403
    assert server.http("POST", path % "mine", {"decision": "maybe"}).status == 400
    assert server.http("POST", path % "none", {"decision": "reject"}).status == 404
    answer = server.http("POST", path % "mine", {"decision": "reject", "comment": "too risky"})
    assert answer.status == 200 and answer.json["by"] == "test"
    server.cli("approval", "approve", run, "theirs")
    ended = server.finished(run)
    assert ended["state"] == "failed"
    assert task_of(ended, "mine")["error"]["message"] == "rejected by test: too risky"


def test_the_tests_of_the_lending_example_pass(server: Server) -> None:
    lending = Path(__file__).resolve().parent.parent.parent / "examples" / "lending"
    done = subprocess.run([str(server.tidemill), "test", "--project", str(lending)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed, 0 failed" in done.stdout


def test_the_doctor_says_what_is_unsafe(server: Server) -> None:
    server.write("secrets/token", "x\n").chmod(0o644)
    sick = server.cli("doctor", "--json", "--project", str(server.project), check=False)
    assert sick.returncode == 1
    found = {one["name"]: one for one in json.loads(sick.stdout)["findings"]}
    assert found["secrets"]["state"] == "unsafe" and "chmod 600" in found["secrets"]["advice"]
    assert "ms" in found["fsync"]["found"]


def test_secrets_come_from_a_command(server: Server) -> None:
    server.write("pass.sh", "echo \"secret of $1\"\n")
    server.write("tidemill.yaml", "allow_private: [127.0.0.1]\n"
                                  "secrets: {command: [/bin/sh, pass.sh, '{name}']}\n")
    with answering() as (address, seen):
        server.write("vendors/v.yaml", f"vendor: v\nbase_url: http://{address}\nprivate: true\n"
                                       "auth: {kind: bearer, secret: v-token}\nproducts:\n"
                                       "  p: {request: {method: GET, path: /x}, effect: read}\n")
        server.flow("f", "tasks: {a: {vendor: v.p}}\n")
        server.start()
        assert server.finished(server.start_run("f"))["state"] == "succeeded"
    assert seen == ["Bearer secret of v-token"]
