"""A real server on a temporary project. Nothing here sleeps for a fixed time: it polls."""

from __future__ import annotations

import http.client
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 60.0


def wait_until(what: str, ask: Callable[[], Optional[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds:.0f} s still not: {what}")
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """False also for a zombie: it has ended, only nobody has asked yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in ("Z", "X")


@dataclass(frozen=True)
class Identity:
    """As whom servers run."""

    uid: Optional[int] = None  # None: as whoever runs the tests
    allow_root: bool = False


def find_identity(tidemill: Path) -> tuple[Identity, str]:
    """An unprivileged user if the tests run as root and it can run the program."""
    if os.geteuid() != 0:
        return Identity(), "as the user who runs the tests"
    uid = pwd.getpwnam("nobody").pw_uid
    try:
        subprocess.run([str(tidemill), "version"], user=uid, group=uid, extra_groups=[], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return Identity(allow_root=True), "as root with --allow-root: nobody cannot run the program"
    return Identity(uid=uid), "as the user nobody"


@dataclass
class Answer:
    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Server:
    def __init__(self, tidemill: Path, identity: Identity) -> None:
        self.tidemill = tidemill
        self.identity = identity
        # Short: the path of a Unix socket has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="tm-"))
        self.project = self.folder / "project"
        self.data = self.folder / "data"
        (self.project / "flows").mkdir(parents=True)
        self.data.mkdir(mode=0o700)
        for path in (self.folder, self.project, self.project / "flows", self.data):
            self._give(path)
        self.process: Optional[subprocess.Popen[str]] = None
        self.address = ""
        self.token = ""

    def _give(self, path: Path) -> None:
        if self.identity.uid is not None:
            os.chown(path, self.identity.uid, self.identity.uid)

    def _as_identity(self) -> dict[str, Any]:
        uid = self.identity.uid
        return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}

    # Files of the project.

    def write(self, name: str, text: str) -> Path:
        """Writes a file of the project as a whole, as an editor does."""
        path = self.project / name
        for folder in reversed(path.relative_to(self.project).parents):
            if not (self.project / folder).exists():
                (self.project / folder).mkdir()
                self._give(self.project / folder)
        beside = path.with_name(path.name + ".part")
        beside.write_text(text, encoding="utf-8")
        self._give(beside)
        beside.rename(path)
        return path

    def flow(self, name: str, body: str) -> None:
        self.write(f"flows/{name}.yaml", f"flow: {name}\n{body}")

    def path(self, name: str) -> Path:
        return self.project / name

    # The process.

    def start(self) -> "Server":
        self.process = self.spawn()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait(PATIENCE_SECONDS)
            raise AssertionError(f"the server ended at its start with {code}:\n{self.log()}")
        first = json.loads(line)
        assert first["pid"] == self.process.pid
        self.address = first["address"]
        if not self.token:
            self.token = self.cli("token", "add", "test").stdout.strip()
        return self

    def spawn(self) -> subprocess.Popen[str]:
        """`tidemill serve` on this data directory."""
        command = [str(self.tidemill), "serve", "--project", str(self.project), "--data",
                   str(self.data), "--listen", "127.0.0.1:0"]
        if self.identity.allow_root:
            command.append("--allow-root")
        with open(self.folder / "server.log", "a", encoding="utf-8") as log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True,
                                    cwd=self.folder, **self._as_identity())

    def log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def kill9(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self) -> "Server":
        if self.process is not None and self.process.poll() is None:
            self.stop()
        return self.start()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(PATIENCE_SECONDS)
        assert code == 0, f"the server ended with {code}:\n{self.log()}"

    def spawner_pids(self) -> list[int]:
        wanted = f"spawner\0--data\0{self.data}\0".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if wanted in command and is_alive(int(entry.name)):
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        try:
            if self.process is not None and self.process.poll() is None:
                self.stop()
        finally:
            self._end_spawners()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _end_spawners(self) -> None:
        """TERM, so that their tasks end with them; SIGKILL for one that hangs."""
        for pid in self.spawner_pids():
            os.kill(pid, signal.SIGTERM)
        try:
            wait_until("the spawner has ended", lambda: not self.spawner_pids())
        finally:
            for pid in self.spawner_pids():
                os.kill(pid, signal.SIGKILL)

    # The doors.

    def http(self, method: str, path: str, body: Any = None, token: Optional[str] = None,
             headers: Optional[dict[str, str]] = None) -> Answer:
        """One request. `token` "" sends none; None sends the server's own."""
        sent = dict(headers or {})
        token = self.token if token is None else token
        if token:
            sent["Authorization"] = f"Bearer {token}"
        payload = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, payload, sent)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()

    def call(self, flow: str, params: Any = None, key: str = "",
             deadline_ms: Optional[int] = None) -> Answer:
        body: dict[str, Any] = {"params": params or {}}
        if deadline_ms is not None:
            body["deadline_ms"] = deadline_ms
        headers = {"Idempotency-Key": key} if key else {}
        return self.http("POST", f"/api/v1/flows/{flow}/call", body, headers=headers)

    def start_run(self, flow: str, params: Any = None) -> str:
        answer = self.http("POST", f"/api/v1/flows/{flow}/runs", {"params": params or {}})
        assert answer.status == 201, answer.text
        return str(answer.json["run"])

    def run(self, run: str) -> Any:
        answer = self.http("GET", f"/api/v1/runs/{run}")
        assert answer.status == 200, answer.text
        return answer.json

    def runs(self, flow: str) -> list[Any]:
        return list(self.http("GET", f"/api/v1/runs?flow={flow}&limit=1000").json["runs"])

    def finished(self, run: str) -> Any:
        """The run, once it has ended."""
        def ask() -> Any:
            shown = self.run(run)
            return shown if shown["state"] in ("succeeded", "failed", "cancelled") else None
        return wait_until(f"run {run} has ended", ask)

    def flow_errors(self) -> list[Any]:
        return list(self.http("GET", "/api/v1/flows").json["errors"])

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command on this server's data directory."""
        done = subprocess.run([str(self.tidemill), *arguments, "--data", str(self.data)],
                              capture_output=True, text=True, check=False, cwd=self.project,
                              timeout=PATIENCE_SECONDS, **self._as_identity())
        if check:
            assert done.returncode == 0, f"{arguments}: {done.returncode}: {done.stderr}"
        return done


def task_of(run: Any, name: str) -> Any:
    return next(task for task in run["tasks"] if task["task"] == name and "item" not in task)
