"""Kinds of tasks that wait: for the world, and for a person."""

from __future__ import annotations

import json

from harness import Server, task_of, wait_until


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
