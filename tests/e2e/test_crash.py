"""What is left after a crash of the server, of its spawner, of both."""

from __future__ import annotations

import os
import signal
from typing import Callable

from harness import PATIENCE_SECONDS, Server, is_alive, task_of, wait_until


def lines(server: Server, name: str) -> int:
    path = server.path(name)
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_task_goes_on_while_the_server_is_dead_and_its_result_arrives(
        server: Server, gate: Callable[[], None]) -> None:
    server.start()
    run = server.start_run("gate")
    wait_until("the task has begun", lambda: lines(server, "begun") == 1)
    server.kill9()
    gate()
    server.restart()
    shown = server.finished(run)
    assert shown["state"] == "succeeded"
    assert task_of(shown, "work")["value"] == {"n": 7}
    assert task_of(shown, "work")["attempt"] == 1
    assert lines(server, "begun") == 1


def test_a_task_that_still_runs_is_taken_up_by_the_next_server(
        server: Server, gate: Callable[[], None]) -> None:
    server.start()
    run = server.start_run("gate")
    wait_until("the task has begun", lambda: lines(server, "begun") == 1)
    server.kill9()
    server.restart()
    assert server.run(run)["state"] == "running"
    gate()
    assert server.finished(run)["state"] == "succeeded"
    assert lines(server, "begun") == 1


def lose_both(server: Server) -> None:
    """SIGKILL for the server and its spawner; the task ends with them."""
    assert server.process is not None
    pids = server.spawner_pids()
    assert pids
    server.kill9()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until("the spawner is gone", lambda: not any(is_alive(pid) for pid in pids))


def test_with_server_and_spawner_lost_the_task_fails_as_unknown_by_default(
        server: Server, gate: Callable[[], None]) -> None:
    server.start()
    run = server.start_run("gate")
    wait_until("the task has begun", lambda: lines(server, "begun") == 1)
    lose_both(server)
    server.restart()
    shown = server.finished(run)
    assert shown["state"] == "failed"
    assert task_of(shown, "work")["error"]["code"] == "unknown"
    gate()


def test_with_server_and_spawner_lost_the_task_runs_again_if_it_says_so(server: Server) -> None:
    server.flow("again", """on: call
tasks:
  work:
    shell: |
      echo "$TIDEMILL_ATTEMPT" >> attempts
      if [ "$TIDEMILL_ATTEMPT" = 1 ]; then while true; do sleep 0.05; done; fi
    on_unknown: rerun
""")
    server.start()
    run = server.start_run("again")
    wait_until("the first attempt has begun", lambda: lines(server, "attempts") == 1)
    lose_both(server)
    server.restart()
    assert server.finished(run)["state"] == "succeeded"
    assert server.path("attempts").read_text() == "1\n2\n"


def test_what_was_acknowledged_is_there_after_a_kill(server: Server) -> None:
    server.flow("sum", """on: call
params: { a: integer }
tasks:
  total: { calc: "select a + 1 as value from params" }
""")
    server.start()
    answers = {str(n): server.call("sum", {"a": n}, key=str(n)).json for n in range(20)}
    server.kill9()
    server.restart()
    assert len(server.runs("sum")) == 20
    for key, first in answers.items():
        assert server.call("sum", {"a": int(key)}, key=key).json == first
    assert len(server.runs("sum")) == 20


def test_cancelling_ends_every_process_of_the_tree(server: Server) -> None:
    server.flow("tree", """on: call
tasks:
  work:
    shell: |
      sh -c 'echo $$ >> pids; exec sleep 1000' &
      setsid sh -c 'echo $$ >> pids; exec sleep 1000' &
      echo $$ >> pids
      wait
""")
    server.start()
    run = server.start_run("tree")
    wait_until("three processes", lambda: lines(server, "pids") == 3)
    pids = [int(word) for word in server.path("pids").read_text().split()]
    assert all(is_alive(pid) for pid in pids)
    server.cli("run", "cancel", run)
    assert server.finished(run)["state"] == "cancelled"
    wait_until("they are gone", lambda: not any(is_alive(pid) for pid in pids))


def test_a_second_server_on_the_same_data_directory_is_refused(server: Server) -> None:
    server.flow("sum", "on: call\ntasks:\n  a: { calc: select 1 as one }\n")
    server.start()
    second = server.spawn()
    assert second.wait(PATIENCE_SECONDS) == 1
    assert "in use by process" in server.log()
    assert server.call("sum").json["state"] == "succeeded"
