"""The processes of the demonstration: the server and the vendors' stub."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def first_line(process: subprocess.Popen[str], what: str) -> dict[str, Any]:
    """The address that a process announces."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{what} ended at its start with code {process.wait()}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def end(process: subprocess.Popen[str] | None, seconds: float = 10) -> None:
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Stub:
    def __init__(self, script: Path, data: Path, log: Path) -> None:
        self.command = [sys.executable, str(script), "--data", str(data), "--log", str(log)]
        self.address = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.address = first_line(self.process, "the vendors' stub")["address"]
        return self.address

    def stop(self) -> None:
        end(self.process)


class Server:
    def __init__(self, tidemill: Path, project: Path, data: Path, log_path: Path,
                 as_root: bool) -> None:
        self.tidemill = tidemill
        self.project = project
        self.data = data
        self.log_path = log_path
        self.as_root = as_root
        self.address = ""
        self.pid = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        command = [str(self.tidemill), "serve", "--data", str(self.data), "--project",
                   str(self.project), "--listen", "127.0.0.1:0"]
        if self.as_root:
            command.append("--allow-root")
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            announced = first_line(self.process, "tidemill serve")
        except SystemExit as stop:
            raise SystemExit(f"{stop}; see {self.log_path}") from None
        self.address, self.pid = announced["address"], announced["pid"]
        return self.address

    def kill(self) -> float:
        """SIGKILL. When it was sent, by the wall clock."""
        assert self.process is not None
        now = time.time()
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        return now

    def run(self, *arguments: str) -> str:
        answer = subprocess.run([str(self.tidemill), *arguments, "--data", str(self.data)],
                                capture_output=True, check=False, text=True)
        if answer.returncode != 0:
            raise SystemExit(f"tidemill {' '.join(arguments)} ended with {answer.returncode}: "
                             f"{answer.stderr.strip()}")
        return answer.stdout

    def add_token(self, name: str) -> str:
        return self.run("token", "add", name).strip()

    def stop(self) -> None:
        end(self.process)
