"""Files of the project that change, and that are wrong."""

from __future__ import annotations

import json

from harness import Server, wait_until

GOOD = "on: call\ntasks:\n  a: { calc: select 1 as version }\n"


def version(server: Server) -> int:
    return int(server.call("f").json["output"]["a"]["version"])


def test_a_changed_file_is_taken_up_and_a_broken_one_leaves_the_last_good_version(
        server: Server) -> None:
    server.flow("f", GOOD)
    server.start()
    assert version(server) == 1
    server.flow("f", GOOD.replace("1 as", "2 as"))
    wait_until("the second version runs", lambda: version(server) == 2)
    server.flow("f", GOOD.replace("tasks", "taks"))
    errors = wait_until("the mistake is told", server.flow_errors)
    assert {error["file"] for error in errors} == {"flows/f.yaml"}
    unknown = next(error for error in errors if (error["line"], error["column"]) == (3, 1))
    assert "taks" in unknown["message"] and "tasks" in unknown["message"]
    assert version(server) == 2
    server.kill9()
    server.restart()
    assert version(server) == 2
    server.flow("f", GOOD.replace("1 as", "3 as"))
    wait_until("the mended version runs", lambda: version(server) == 3)
    assert server.flow_errors() == []


def test_a_mistake_in_one_flow_is_no_matter_to_others(server: Server) -> None:
    server.flow("f", GOOD)
    server.flow("cycle", "on: call\ntasks:\n  a: { calc: select 1 as x, needs: b }\n"
                         "  b: { calc: select 1 as x, needs: a }\n")
    server.write("flows/binary.yaml", "flow: \x00\x01\n")
    server.flow("injected", 'on: call\nparams: { x: string }\n'
                            'tasks:\n  a: { shell: "echo {{ x }}" }\n')
    server.flow("missing", "on: call\ntasks:\n  a: { calc: select 1 as x, needs: nobody }\n")
    server.start()
    assert version(server) == 1
    files = {error["file"] for error in server.flow_errors()}
    assert files == {f"flows/{name}.yaml" for name in ("cycle", "binary", "injected", "missing")}


def test_check_tells_every_mistake_with_its_place(server: Server) -> None:
    server.flow("f", "on: call\ntasks:\n  a: { shel: 'true' }\n  b: { shell: 'true', needs: c }\n")
    done = server.cli("check", check=False)
    assert done.returncode == 1
    assert "flows/f.yaml:4:8: " in done.stderr and "shell" in done.stderr
    assert "flows/f.yaml:5:" in done.stderr
    told = server.cli("check", "--json", check=False)
    assert told.returncode == 1 and len(json.loads(told.stdout)["errors"]) >= 2
    server.flow("f", GOOD)
    assert server.cli("check").returncode == 0


def test_runs_can_be_read_while_no_server_runs(server: Server) -> None:
    server.flow("f", GOOD)
    server.start()
    run = server.call("f").json["run"]
    server.stop()
    listed = json.loads(server.cli("run", "list", "--json").stdout)["runs"]
    assert [one["run"] for one in listed] == [run]
    assert json.loads(server.cli("run", "show", run, "--json").stdout)["state"] == "succeeded"
    assert server.cli("run", "cancel", run, check=False).returncode == 1


def test_wrong_words_on_the_command_line_end_with_2(server: Server) -> None:
    assert server.cli("run", "lst", check=False).returncode == 2
    assert server.cli("run", "list", "--limit", "none", check=False).returncode == 2
