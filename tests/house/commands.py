"""The commands of the documents are run: blocks marked ```console, against a running server.

A line that begins with "$ " is a command, lines that begin with "> " go on with it, all others are
what it may print and are not compared. All blocks of one document share one shell, a fresh copy of
examples/hello as working folder, and a server on it. Blocks that are not to be run are ```text.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tree import Problem, Tree

BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
DEFAULT_ADDRESS = "127.0.0.1:7070"
MOST_SECONDS = 120


@dataclass(frozen=True)
class Command:
    line: int
    text: str


def commands(text: str) -> list[Command]:
    found: list[Command] = []
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        for offset, line in enumerate(block.group(1).splitlines()):
            if line.startswith("$ "):
                found.append(Command(first + offset, line[2:]))
            elif line.startswith("> ") and found:
                found[-1] = Command(found[-1].line, found[-1].text + "\n" + line[2:])
    return found


class Shop:
    """A temporary copy of the example with a server, and a PATH that has the program."""

    def __init__(self, example: Path, program: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tidemill-docs-"))
        self.project = self.folder / "hello"
        shutil.copytree(example, self.project)
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "tidemill").symlink_to(program)
        command = [str(program), "serve", "--project", str(self.project), "--listen", "127.0.0.1:0"]
        if os.geteuid() == 0:
            print("docs: as root, the server gets --allow-root", flush=True)
            command.append("--allow-root")
        self.log = self.folder / "server.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.server.stdout is not None
        line = self.server.stdout.readline()
        if not line:
            said = self.log.read_text()
            self.close()
            raise SystemExit(f"docs: the server does not start: {said}")
        self.address = json.loads(line)["address"]

    def run(self, path: str, listed: list[Command]) -> Problem | None:
        """The first command that does not end with 0."""
        script = ["set -euo pipefail"]
        for command in listed:
            script.append(f"echo {command.line} > {self.folder}/line")
            script.append(command.text.replace(DEFAULT_ADDRESS, self.address))
        environment = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        try:
            done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=self.project,
                                  env=environment, capture_output=True, text=True, check=False,
                                  timeout=MOST_SECONDS, stdin=subprocess.DEVNULL)
            ended, said = done.returncode, done.stderr[-2000:] + done.stdout[-500:]
        except subprocess.TimeoutExpired:
            ended, said = -1, f"not finished after {MOST_SECONDS} s"
        if ended == 0:
            return None
        line = int((self.folder / "line").read_text())
        return Problem(path, line, f"the command ended with {ended}: {said.strip()}")

    def close(self) -> None:
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        for pid in self.spawners():
            os.kill(pid, signal.SIGTERM)
        shutil.rmtree(self.folder, ignore_errors=True)

    def spawners(self) -> list[int]:
        """Spawners of this copy that a server has left, as a crashed one does."""
        wanted = f"spawner\0--data\0{self.project}/.tidemill\0".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and wanted in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue  # it has ended meanwhile
        return found


def documents(tree: Tree) -> list[str]:
    return ["README.md", *(p for p in tree.files(".md") if p.startswith("docs/"))]


def check(tree: Tree, program: Path) -> list[Problem]:
    problems = []
    for path in documents(tree):
        listed = commands(tree.text(path))
        if not listed:
            continue
        shop = Shop(tree.root / "examples" / "hello", program)
        try:
            problem = shop.run(path, listed)
        finally:
            shop.close()
        if problem:
            problems.append(problem)
        print(f"docs: {path}: {len(listed)} commands", flush=True)
    return problems
