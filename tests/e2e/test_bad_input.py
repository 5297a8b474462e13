"""What comes from outside and is wrong: a clear error, and nothing else affected."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Iterator

import pytest
from harness import Server

GOOD = "on: call\ntasks:\n  a: { calc: select 1 as x }\n"


class NotJson(BaseHTTPRequestHandler):
    """A vendor that answers 200 with a page."""

    def do_GET(self) -> None:  # noqa: N802 (the library's name)
        body = b"<html>we are closed</html>"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args


@pytest.fixture
def vendor_port() -> Iterator[int]:
    stub = ThreadingHTTPServer(("127.0.0.1", 0), NotJson)
    thread = threading.Thread(target=stub.serve_forever, daemon=True)
    thread.start()
    yield stub.server_address[1]
    stub.shutdown()
    thread.join()


def test_a_vendor_answer_that_is_not_json_fails_the_task_and_is_kept(
        server: Server, vendor_port: int) -> None:
    server.write("vendors/desk.yaml", f"""vendor: desk
base_url: http://127.0.0.1:{vendor_port}
private: true
products:
  report:
    request: {{ method: GET, path: /report }}
    effect: read
    idempotency: natural
    retry: {{ attempts: 1, base: 10ms, cap: 10ms }}
""")
    server.flow("ask", "on: call\ntasks:\n  report: { vendor: desk.report }\n")
    server.flow("good", GOOD)
    server.start()
    answer = server.call("ask").json
    assert answer["state"] == "failed"
    assert "desk.report" in answer["error"]["message"] and "JSON" in answer["error"]["message"]
    run = server.http("GET", f"/api/v1/runs/{answer['run']}").json
    detail = run["tasks"][0]["attempts"][0]["detail"]
    assert detail["class"] == "malformed" and "we are closed" in detail["raw"]
    assert server.call("good").json["state"] == "succeeded"


def test_a_private_address_is_refused_unless_it_is_allowed(
        server: Server, vendor_port: int) -> None:
    url = f"http://127.0.0.1:{vendor_port}/"
    server.flow("inside", f"on: call\ntasks:\n  a: {{ http: {{ url: '{url}', effect: read }} }}\n")
    server.flow("told", "on: call\ntasks:\n"
                        f"  a: {{ http: {{ url: '{url}', effect: read, private: true }} }}\n")
    server.start()
    refused = server.call("inside").json
    assert refused["state"] == "failed" and refused["error"]["code"] == "denied"
    assert server.call("told").json["output"]["a"]["status"] == 200


def test_a_hostile_model_is_refused_by_name(server: Server) -> None:
    server.write("models/bad/model.json", '{"learner": {"gradient_booster": [[[[]]]]}}')
    server.write("models/bad/golden.jsonl", '{"features": {}, "prediction": 0.5}\n')
    server.flow("scored", "on: call\ntasks:\n  s: { model: bad }\n")
    server.flow("good", GOOD)
    server.start()
    messages = [error["message"] for error in server.flow_errors()]
    assert len(messages) == 1 and "model bad" in messages[0]
    assert server.call("good").json["state"] == "succeeded"


def test_calls_over_the_limit_of_a_full_flow_are_refused(server: Server) -> None:
    server.flow("narrow", "on: call\nmax_running: 1\ntasks:\n"
                          "  a: { shell: 'until test -e go; do sleep 0.05; done' }\n")
    server.start()
    body = {"deadline_ms": 0}
    statuses = [server.http("POST", "/api/v1/flows/narrow/call", body).status
                for _ in range(1003)]
    assert statuses[:1001] == [202] * 1001
    refused = server.http("POST", "/api/v1/flows/narrow/call", body)
    assert statuses[1001:] == [429, 429] and refused.json["error"]["code"] == "exhausted"
    assert "narrow" in refused.json["error"]["message"]
