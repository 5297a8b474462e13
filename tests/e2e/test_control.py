"""People change runs and flows: cancel, clear, mark, pause."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Callable

from harness import Server, task_of, wait_until

CHAIN = """on: call
tasks:
  first: { shell: 'echo one >> ran' }
  second: { shell: 'echo two >> ran; test -e fixed', needs: first }
  third: { shell: 'echo three >> ran', needs: second }
"""


def lines(server: Server, name: str) -> list[str]:
    path = server.path(name)
    return path.read_text().split() if path.exists() else []


def test_a_cleared_task_runs_again_with_what_follows(server: Server) -> None:
    server.flow("chain", CHAIN)
    server.start()
    run = server.start_run("chain")
    assert server.finished(run)["state"] == "failed"
    seen = json.loads(server.cli("run", "clear", run, "second", "--dry-run", "--json").stdout)
    assert [task["task"] for task in seen["cleared"]] == ["second", "third"]
    assert server.run(run)["state"] == "failed", "a dry run changes nothing"
    server.write("fixed", "")
    server.cli("run", "rerun", run)
    done = server.finished(run)
    assert done["state"] == "succeeded"
    assert lines(server, "ran") == ["one", "two", "two", "three"]
    assert [row["attempt"] for row in task_of(done, "second")["attempts"]] == [1, 2]
    server.cli("run", "clear", run, "first", "--only")
    assert task_of(server.finished(run), "first")["attempt"] == 2
    assert lines(server, "ran")[-1] == "one"


def test_a_clear_survives_kill_9(server: Server, gate: Callable[[], None]) -> None:
    server.start()
    run = server.start_run("gate")
    wait_until("the task has begun", lambda: lines(server, "begun"))
    server.cli("run", "clear", run)
    server.kill9()
    server.start()
    wait_until("the second attempt has begun", lambda: "2" in lines(server, "begun"))
    gate()
    done = server.finished(run)
    assert done["state"] == "succeeded"
    attempts = task_of(done, "work")["attempts"]
    assert [row["attempt"] for row in attempts] == [1, 2]
    assert attempts[0]["error"]["message"] == "stopped: cleared by local"


def test_a_task_is_marked_and_its_successors_go_on(server: Server) -> None:
    server.flow("chain", CHAIN)
    server.start()
    run = server.start_run("chain")
    server.finished(run)
    said = server.cli("run", "mark", run, "second", "succeeded", "--value", '{"n": 1}').stdout
    assert "task third goes on" in said
    done = server.finished(run)
    assert done["state"] == "succeeded"
    assert task_of(done, "second")["value"] == {"n": 1}
    again = server.http("POST", f"/api/v1/runs/{run}/mark",
                        {"task": "second", "state": "succeeded", "value": {"n": 1}})
    assert again.status == 200 and again.json["released"] == []
    assert task_of(server.run(run), "second")["attempt"] == 2


def test_wrong_orders_say_what_was_expected(server: Server) -> None:
    server.flow("chain", CHAIN)
    server.start()
    run = server.start_run("chain")
    server.finished(run)
    for words, reason in ((("run", "clear", run, "secnd"), "did you mean 'second'"),
                          (("run", "clear", "nope"), "no run 'nope'"),
                          (("run", "mark", run, "second", "succeeded", "--value", "{"), "--value"),
                          (("run", "pause", run), "has ended"),
                          (("flow", "pause", "chian"), "did you mean 'chain'")):
        done = server.cli(*words, check=False)
        assert done.returncode == 1 and reason in done.stderr, (words, done.stderr)
    assert server.cli("run", "mark", run, "second", "done", check=False).returncode == 2
    assert server.http("POST", f"/api/v1/runs/{run}/clear", {"task": "x"}).status == 400


def test_cancelling_a_parent_cancels_its_sub_run(server: Server, gate: Callable[[], None]) -> None:
    server.flow("parent", "on: call\ntasks:\n  child: { flow: gate }\n")
    server.start()
    run = server.start_run("parent")
    wait_until("the sub run works", lambda: lines(server, "begun"))
    server.cli("run", "cancel", run)
    assert server.finished(run)["state"] == "cancelled"
    sub = server.runs("gate")[0]
    assert sub["state"] == "cancelled"
    assert run in sub["error"]["message"]


def test_a_cleared_flow_task_runs_its_flow_again(server: Server) -> None:
    server.flow("child", "on: call\ntasks:\n  work: { shell: 'echo x >> ran' }\n")
    server.flow("parent", "on: call\ntasks:\n  child: { flow: child }\n")
    server.start()
    run = server.start_run("parent")
    assert server.finished(run)["state"] == "succeeded"
    server.cli("run", "clear", run)
    wait_until("it runs again", lambda: len(lines(server, "ran")) == 2)
    assert server.finished(run)["state"] == "succeeded"
    assert len(server.runs("child")) == 1


def test_nothing_new_starts_in_a_paused_run(server: Server) -> None:
    server.flow("steps", """on: call
tasks:
  a: { shell: 'echo a >> ran; until test -e go; do sleep 0.02; done' }
  b: { shell: 'echo b >> ran', needs: a }
""")
    server.start()
    run = server.start_run("steps")
    wait_until("a runs", lambda: lines(server, "ran"))
    server.cli("run", "pause", run)
    server.write("go", "")
    wait_until("a has ended", lambda: task_of(server.run(run), "a")["state"] == "succeeded")
    server.kill9()
    server.start()
    assert server.run(run)["paused"]["by"] == "local"
    assert lines(server, "ran") == ["a"]
    server.cli("run", "resume", run)
    assert server.finished(run)["state"] == "succeeded"
    assert server.run(run)["paused"] is None


def test_a_paused_flow_has_no_ticks_but_runs_by_hand(server: Server) -> None:
    server.flow("beat", "on: [{ every: 1s }]\ntasks:\n  tick: { calc: select 1 as one }\n")
    server.start()
    wait_until("it ticks", lambda: server.runs("beat"))
    server.cli("flow", "pause", "beat")
    before = len(server.runs("beat"))
    server.restart()
    assert "paused by local" in server.cli("flow", "list").stdout
    run = server.start_run("beat")
    assert server.finished(run)["state"] == "succeeded"
    assert len(server.runs("beat")) == before + 1

    def ticked() -> Any:
        return [r for r in server.runs("beat") if r["cause"]["trigger"] == "every"]

    count = len(ticked())
    server.cli("flow", "unpause", "beat")
    wait_until("it ticks again", lambda: len(ticked()) > count)


def test_what_comes_after_starts_nothing_in_a_paused_flow(server: Server) -> None:
    server.flow("first", "on: call\ntasks:\n  a: { calc: select 1 as one }\n")
    server.flow("second", "on: { after: first }\ntasks:\n  a: { calc: select 1 as one }\n")
    server.start()
    server.cli("flow", "pause", "second")
    server.finished(server.start_run("first"))
    assert server.runs("second") == []
    server.cli("flow", "unpause", "second")
    server.finished(server.start_run("first"))
    wait_until("it starts again", lambda: server.runs("second"))


def said(server: Server, *words: str) -> Any:
    return json.loads(server.cli(*words, "--json").stdout)


def test_why_names_what_a_task_waits_for(server: Server, gate: Callable[[], None]) -> None:
    server.flow("two", """on: call
max_running: 1
tasks:
  a: { shell: 'until test -e go; do sleep 0.02; done' }
  b: { shell: 'true', needs: a }
""")
    server.start()
    run = server.start_run("two")
    queued = server.start_run("two")
    wait_until("a runs", lambda: server.run(run)["tasks"])
    text = server.cli("why", run, "b").stdout
    assert "needs a, which is running since" in text
    assert "started by hand, asked by test" in text
    text = server.cli("why", queued).stdout
    assert "max_running" in text and run in text
    assert "max_running: 1 is reached by runs " + run in server.cli("why", "two").stdout
    gate()
    server.finished(queued)
    one = said(server, "why", run, "a")["tasks"][0]
    assert one["state"] == "succeeded" and one["attempts"][0]["attempt"] == 1
    unknown = server.cli("why", "tow", check=False)
    assert unknown.returncode == 1 and "neither a run nor a flow" in unknown.stderr


def test_why_names_the_task_that_failed_first(server: Server) -> None:
    server.flow("chain", CHAIN)
    server.start()
    run = server.start_run("chain")
    server.finished(run)
    assert "task second failed: exited with code 1" in server.cli("why", run, "third").stdout


def test_why_tells_the_mistakes_of_a_broken_file(server: Server) -> None:
    broken = "on: call\ntasks:\n  a: { shel: 'true' }\n"
    server.flow("never", broken)
    server.flow("later", CHAIN)
    server.start()
    text = server.cli("why", "never").stdout
    assert "not loaded" in text and "unknown key 'shel'" in text, text
    assert said(server, "why", "never")["version"] is None
    assert "mistake" not in server.cli("why", "later").stdout
    server.flow("later", broken)
    server.http("POST", "/api/v1/reload")
    text = server.cli("why", "later").stdout
    assert "the version before runs on" in text and "unknown key 'shel'" in text, text


NIGHTLY = """on: [{ cron: '0 0 * * *', id: nightly }]
tasks:
  work: { shell: 'echo $DAY >> ran; test ! -e broken', env: { DAY: '{{ run.scheduled_at }}' } }
"""


def ended(server: Server, backfill: str) -> Any:
    def ask() -> Any:
        row = said(server, "backfill", "show", backfill)
        return row if row["state"] == "done" else None
    return wait_until("the backfill is done", ask)


def test_a_backfill_runs_each_tick_once_under_its_own_key(server: Server) -> None:
    server.flow("nightly", NIGHTLY)
    server.start()
    spell = ("backfill", "create", "nightly", "--from", "2026-01-01", "--to", "2026-01-06")
    plan = said(server, *spell, "--dry-run")
    assert plan["total"] == 5 and plan["planned"][0]["key"] == "cron:nightly/2026-01-01T00:00/0"
    assert server.runs("nightly") == []
    first = ended(server, said(server, *spell)["backfill"])
    assert (first["started"], first["succeeded"], first["there"]) == (5, 5, 0)
    assert len(lines(server, "ran")) == 10  # a date and a time each
    again = ended(server, said(server, *spell, "--order", "newest")["backfill"])
    assert (again["started"], again["there"]) == (0, 5)
    third = ended(server, said(server, *spell, "--reprocess", "all")["backfill"])
    assert third["started"] == 5 and len(server.runs("nightly")) == 5
    assert len(lines(server, "ran")) == 20


def test_a_backfill_survives_kill_9_and_keeps_its_limit(server: Server) -> None:
    server.flow("nightly", """on: [{ cron: '0 0 * * *', id: nightly }]
tasks:
  work: { shell: 'echo x >> ran; until test -e go; do sleep 0.02; done' }
""")
    server.start()
    made = said(server, "backfill", "create", "nightly", "--from", "2026-01-01", "--to",
                "2026-01-09", "--max-running", "2")
    wait_until("two run", lambda: len(lines(server, "ran")) == 2)
    server.kill9()
    server.start()
    assert len(server.runs("nightly")) == 2
    assert len(said(server, "backfill", "show", made["backfill"])["open"]) == 2
    server.cli("backfill", "pause", made["backfill"])
    server.write("go", "")
    wait_until("both have ended",
               lambda: said(server, "backfill", "show", made["backfill"])["succeeded"] == 2)
    assert len(server.runs("nightly")) == 2
    server.cli("backfill", "resume", made["backfill"])
    assert ended(server, made["backfill"])["succeeded"] == 8
    assert len(lines(server, "ran")) == 8


def test_a_backfill_over_keys_and_a_cancelled_one(server: Server) -> None:
    server.flow("score", """on: call
key: "{{ id }}"
params: { id: integer }
tasks:
  work: { calc: 'select id * 2 as twice from params' }
""")
    server.start()
    keys = server.write("keys.txt", "1\n2\n3\n2\n")
    made = said(server, "backfill", "create", "score", "--keys", str(keys), "--max-running", "5")
    done = ended(server, made["backfill"])
    assert (done["total"], done["succeeded"]) == (3, 3)
    assert sorted(run["key"] for run in server.runs("score")) == ["1", "2", "3"]
    for words, reason in ((("score",), "either 'from' and 'to', or 'keys'"),
                          (("score", "--from", "2026-01-01", "--to", "2026-01-02"),
                           "no clock trigger"),
                          (("scor", "--from", "2026-01-01", "--to", "2026-01-02"),
                           "did you mean 'score'")):
        wrong = server.cli("backfill", "create", *words, check=False)
        assert wrong.returncode == 1 and reason in wrong.stderr, (words, wrong.stderr)
    assert server.cli("backfill", "cancel", made["backfill"], check=False).returncode == 1
    assert "done" in server.cli("backfill", "list").stdout


def test_the_shell_completes_commands_flows_and_runs(server: Server) -> None:
    server.flow("chain", CHAIN)
    server.start()
    run = server.start_run("chain")
    server.finished(run)

    def offered(*words: str) -> list[str]:
        done = subprocess.run([str(server.tidemill), "complete", *words], capture_output=True,
                              text=True, check=True)
        return done.stdout.split()

    data = ("--data", str(server.data))
    printed = subprocess.run([str(server.tidemill), "completion", "bash"], capture_output=True,
                             text=True, check=True)
    assert printed.stdout.startswith("_tidemill()")
    assert offered("run", "cle") == ["clear"]
    assert "--dry-run" in offered("run", "clear", "--d")
    assert offered("flow", "show", *data, "") == ["chain"]
    assert offered("run", "clear", *data, "") == [run]
    assert offered("run", "clear", *data, run, "s") == ["second"]
    assert offered("run", "mark", *data, run, "second", "f") == ["failed"]
    assert offered("flow", "show", "--data", "/nowhere", "") == []
