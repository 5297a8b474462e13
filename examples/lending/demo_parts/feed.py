"""How applicants arrive: rows of the web site's database, files of a partner, calls that wait."""

from __future__ import annotations

import http.client
import json
import queue
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from . import applicants
from .applicants import Applicant

SECONDS = 14.0  # over which everybody arrives
CALLERS = 64  # enough that nobody waits for another's answer
FILES = 10
PAUSE_SECONDS = 0.1
FILE_SECONDS = 0.06  # until the applicants of a file that came are being decided


class Feeder:
    """Threads that bring the applicants. `arrived` tells when each came, by the wall clock."""

    def __init__(self, people: list[Applicant], project: Path, address: str, token: str) -> None:
        self.project = project
        self.address = address
        self.token = token
        self.arrived: dict[int, float] = {}
        self.by_way = {way: [p for p in people if p.way == way] for way in applicants.WAYS}
        self.last_file = 0.0  # when the last partner's file was taken in
        self.stopped = threading.Event()
        self.calls: queue.Queue[Applicant | None] = queue.Queue()
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self.web, self.partner, self.take_calls,
                                     *([self.caller] * CALLERS))]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def moved(self, address: str) -> None:
        """The server was started again and listens elsewhere."""
        self.address = address

    def file_has_come(self) -> bool:
        """A partner's file came a moment ago, so its applicants are on their way."""
        return FILE_SECONDS <= time.time() - self.last_file <= 2 * FILE_SECONDS

    def finish(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(timeout=10)

    def wait(self, seconds: float) -> None:
        self.stopped.wait(seconds)

    def web(self) -> None:
        people = self.by_way["web"]
        connection = sqlite3.connect(self.project / "app.db", timeout=30)
        connection.execute("pragma synchronous = normal")
        for person in people:
            applicants.insert(connection, "web", [person])
            self.arrived[person.id] = time.time()
            self.wait(SECONDS / len(people))
        connection.close()

    def partner(self) -> None:
        people = self.by_way["partner"]
        size = -(-len(people) // FILES)
        for number in range(FILES):
            part = people[number * size:(number + 1) * size]
            if not part:
                return
            name = f"inbox/partner-{number}.csv"
            applicants.write_file(self.project / name, part)
            now = time.time()
            self.arrived.update({person.id: now for person in part})
            self.call("arrivals", {"path": name}, f"file-{number}")
            self.last_file = time.time()
            self.wait(SECONDS / FILES)

    def take_calls(self) -> None:
        people = self.by_way["call"]
        connection = sqlite3.connect(self.project / "app.db", timeout=30)
        connection.execute("pragma synchronous = normal")
        for person in people:
            applicants.insert(connection, "call", [person])
            self.arrived[person.id] = time.time()
            self.calls.put(person)
            self.wait(SECONDS / len(people))
        connection.close()
        for _ in range(CALLERS):
            self.calls.put(None)

    def caller(self) -> None:
        while (person := self.calls.get()) is not None:
            self.call("decide", {"applicant_id": person.id}, f"applicant-{person.id}")

    def call(self, flow: str, params: dict[str, Any], key: str) -> None:
        """Asks until there is an answer. The key stays the same, so that asking again is safe:
        while the server is down, or when nobody knows whether the question was heard."""
        failures = 0
        while not self.stopped.is_set():
            # A run that failed is finished; a new key lets it try its failed tasks again.
            suffix = f"-again-{failures}" if failures else ""
            answer = self.post(flow, params, key + suffix)
            if answer is not None:
                if answer.get("state") == "succeeded":
                    return
                if answer.get("state") == "failed":
                    failures += 1
            self.wait(PAUSE_SECONDS)

    def post(self, flow: str, params: dict[str, Any], key: str) -> dict[str, Any] | None:
        """One request; nothing if there was no answer or the server is full."""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request("POST", f"/api/v1/flows/{flow}/call",
                               json.dumps({"params": params, "deadline_ms": 10_000}),
                               {"Authorization": f"Bearer {self.token}",
                                "Content-Type": "application/json", "Idempotency-Key": key})
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if response.status in (200, 202):
            answer: dict[str, Any] = json.loads(body)
            return answer
        if response.status in (429, 503):
            return None
        raise RuntimeError(f"POST {flow}: {response.status} {body[:500]!r}")
