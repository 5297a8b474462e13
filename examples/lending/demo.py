#!/usr/bin/env python3
"""Decides 1,000 real applicants, kills the server on the way, and counts what came of it.

    demo.py --tidemill build/release/tidemill [--work DIR] [--keep] [--applicants N]

`./dev demo` builds the server and calls this. Applicants come by three ways: the web site's
database that a sweep reads every second, files of a partner, and calls that wait for the answer.
Half way the server is killed with SIGKILL and started again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))
from demo_parts import account, applicants, feed
from demo_parts.server import Server, Stub

COPIED = ("flows", "sql", "vendors", "schemas", "models", "python", "tools", "tidemill.yaml")
TOKEN_OF_BUREAU = "demo-bureau-token"
STUB_URL = "http://127.0.0.1:8071"
MOST_SECONDS = 180.0


def say(text: str) -> None:
    print(text, flush=True)


def leave_root(work: Path, tidemill: Path) -> bool:
    """Goes on as `nobody` when started as root. False if that user cannot run what is needed."""
    if os.geteuid() != 0:
        return True
    import pwd

    user = pwd.getpwnam("nobody")
    os.chown(work, user.pw_uid, user.pw_gid)
    reads_and_writes = f"import os; os.listdir({str(ROOT)!r}); os.mkdir({str(work / 'try')!r})"
    for command in ([str(tidemill), "version"], ["python3", "-c", "pass"],
                    [sys.executable, "-c", reads_and_writes]):
        try:
            subprocess.run(command, user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            say(f"as root: nobody cannot run {command[0]}, so the server gets --allow-root")
            return False
    (work / "try").rmdir()
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    say("as root: everything that follows runs as the user nobody")
    return True


def make_project(work: Path, stub_address: str) -> tuple[Path, Path]:
    """A copy of the project that knows the stub's port, and an empty data directory."""
    project, data = work / "project", work / "data"
    project.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / name)
    for path in (project / "vendors").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(STUB_URL, f"http://{stub_address}"), encoding="utf-8")
    (project / "inbox").mkdir()
    (project / "out").mkdir()
    applicants.make_database(project / "app.db")
    data.mkdir(mode=0o700)
    (data / "secrets").mkdir(mode=0o700)
    secret = data / "secrets" / "bureau-token"
    secret.write_text(TOKEN_OF_BUREAU)
    secret.chmod(0o600)
    return project, data


class Progress:
    """One line that is written over on a terminal; elsewhere a line now and then."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.began = time.time()
        self.shown = 0.0

    def show(self, decided: int, note: str) -> None:
        live = sys.stdout.isatty()
        now = time.time()
        if now - self.shown < (0.1 if live else 3.0):
            return
        self.shown = now
        width = 30
        full = decided * width // self.total
        line = (f"[{'#' * full}{'.' * (width - full)}] {decided:5d} of {self.total} decided  "
                f"{now - self.began:5.1f} s  {note}")
        print(f"\r{line:<100}" if live else line, end="" if live else "\n", flush=True)

    def end(self) -> None:
        if sys.stdout.isatty():
            print()


def run_through(server: Server, feeder: feed.Feeder, decisions: Path, total: int) -> float:
    """Lets everything arrive, kills the server half way, waits for the last decision. When it was
    killed, by the wall clock."""
    progress = Progress(total)
    counter = account.LineCounter(decisions)
    killed_at = 0.0
    note = ""
    until = time.time() + MOST_SECONDS
    feeder.start()
    while (decided := counter.count()) < total:
        # In the midst of work: just after a partner's file came, while its applicants are decided.
        if killed_at == 0.0 and decided >= total * 40 // 100 and (
                feeder.file_has_come() or decided >= total * 60 // 100):
            killed_at = server.kill()
            progress.show(decided, "the server is killed (SIGKILL)")
            feeder.moved(server.start())
            note = f"killed at {decided}, serving again after {time.time() - killed_at:.2f} s"
        if time.time() > until:
            progress.end()
            say(f"demo: {total - decided} applicants are not decided after {MOST_SECONDS:.0f} s; "
                f"see {server.log_path}")
            break
        progress.show(decided, note)
        time.sleep(0.01)
    progress.show(counter.count(), note)
    progress.end()
    feeder.finish()
    return killed_at


def tell(result: account.Result, seconds: float, work: Path, server: Server) -> None:
    say("")
    say(f"Decided {result.decided} of {result.total} applicants in {seconds:.1f} s: "
        + ", ".join(f"{n} {outcome}" for outcome, n in sorted(result.outcomes.items())))
    say(f"  by the clock {result.by_clock}, by dependency {result.by_dep}, "
        f"by call {result.by_call}")
    for way, (median, worst) in result.arrival_ms.items():
        say(f"  from application to decision, {way}: median {median:.0f} ms, 99 % {worst:.0f} ms "
            "(vendors and the wait for a sweep included)")
    say(f"Vendors: {result.asked} requests, {result.refused} answered 503, {result.slow} took 3 s, "
        f"{result.replayed} repeated by key and not billed again; billed {result.billed} EUR")
    say(f"Survived: SIGKILL with {result.open_at_kill} runs open; "
        f"{result.lost} lost, {result.doubled} doubled")
    say(f"Scores equal to the trainer's to the last bit: {result.equal_scores} of "
        f"{result.decided}; AUC against what really happened {result.auc:.3f}")
    say("")
    say("Where to look next:")
    say(f"  {work / 'project' / 'out' / 'decisions.jsonl'}   every decision with its reasons")
    say(f"  {work / 'project' / 'out' / 'report.json'}   the report that runs after each sweep")
    say(f"  {work / 'requests.jsonl'}   what the vendors saw and billed")
    say(f"  {server.tidemill} run list --data {server.data}")
    say(f"  {ROOT / 'flows'}   how it is written")
    say(f"  {ROOT / 'crontab.before'}   how it was before")


def play(arguments: argparse.Namespace, work: Path, may_be_root: bool) -> int:
    people = applicants.load(ROOT / "data" / "german_credit.csv", arguments.applicants)
    stub = Stub(ROOT / "stub" / "vendor_stub.py", ROOT / "data" / "german_credit.csv",
                work / "requests.jsonl")
    server: Server | None = None
    try:
        project, data = make_project(work, stub.start())
        server = Server(arguments.tidemill, project, data, work / "server.log", may_be_root)
        began = time.time()
        address = server.start()
        say(f"Tidemill serves on http://{address}, the vendors' stub on http://{stub.address}")
        token = server.add_token("demo")
        feeder = feed.Feeder(people, project, address, token)
        killed_at = run_through(server, feeder, project / "out" / "decisions.jsonl", len(people))
        seconds = time.time() - began
        result = account.count(people, server, project / "out" / "decisions.jsonl",
                               work / "requests.jsonl", feeder.arrived, killed_at,
                               ROOT / "models" / "held_out_scores.csv")
        tell(result, seconds, work, server)
        if arguments.keep:
            say(f"\nServing on http://{server.address} with the token {token}; Ctrl-C ends it.")
            say(result.last_line(killed_at))
            threading.Event().wait()
        else:
            say(result.last_line(killed_at))
        return 0 if result.is_good() else 1
    except KeyboardInterrupt:
        return 0 if arguments.keep else 130
    finally:
        if server is not None:
            server.stop()
        stub.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description="the lending demonstration")
    parser.add_argument("--tidemill", type=Path, required=True, help="the program to be shown")
    parser.add_argument("--work", type=Path, help="an empty folder; by default a new one in /tmp")
    parser.add_argument("--keep", action="store_true", help="serve on when all is decided")
    parser.add_argument("--applicants", type=int, default=1000)
    arguments = parser.parse_args()
    arguments.tidemill = arguments.tidemill.resolve()
    if not arguments.tidemill.exists():
        parser.error(f"there is no {arguments.tidemill}; run ./dev build release")
    if arguments.work is None:
        arguments.work = Path(tempfile.mkdtemp(prefix="tidemill-demo-"))
    arguments.work.mkdir(parents=True, exist_ok=True)
    if any(arguments.work.iterdir()):
        parser.error(f"{arguments.work} is not empty; name another folder")
    work = arguments.work.resolve()
    unprivileged = leave_root(work, arguments.tidemill)
    return play(arguments, work, not unprivileged)


if __name__ == "__main__":
    sys.exit(main())
