#!/usr/bin/env python3
"""Runs bench_engine and then each peer on the same work, and prints the ratios.
JSON lines on standard output; a peer that cannot be installed is said and skipped.

    bench/peers/beside.py --bench BENCH_ENGINE --tidemill TIDEMILL [--peer NAME]... [-- CASES...]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parent.parent / "build" / "peers"
INSTALL_LIMIT_S = 600


@dataclass
class Peer:
    name: str
    packages: list[str]  # of Python
    limit_s: int  # for the whole measurement
    crash_limit_s: int
    node_packages: list[str] = field(default_factory=list)


PEERS = [
    Peer("luigi", ["luigi==3.8.1"], 300, 120),
    Peer("dbos", ["dbos==3.4.0"], 300, 60),
    Peer("restate", [], 300, 60, ["@restatedev/restate-server@1.7.12",
                                  "@restatedev/restate-sdk@1.17.2"]),
    Peer("prefect", ["prefect==3.8.8", "fastapi<0.150"], 420, 60),
    Peer("airflow", ["apache-airflow==3.3.2"], 1800, 600),
]

# Which figure of a peer stands beside which of Tidemill's, and whether more is better.
PAIRS = [
    (("call3_effect", "p50_ms"), ("flow3", "p50_ms"), False),
    (("call3_effect", "p95_ms"), ("flow3", "p95_ms"), False),
    (("call3_effect", "flows_per_s"), ("flow3", "flows_per_s"), True),
    (("fan200_calc", "wall_s"), ("fan200", "wall_s"), False),
    (("crash40", "finished_s"), ("crash40", "finished_s"), False),
]
CASES = sorted({ours[0] for ours, _, _ in PAIRS})

Figures = dict[tuple[str, str], dict[str, object]]


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def run_lines(argv: list[str], limit_s: int | None, env: dict[str, str] | None = None) -> Figures:
    """Passes the JSON lines of a program through and answers them. Ends it after the limit."""
    figures: Figures = {}
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env,
                             start_new_session=True)
    watchdog = None
    if limit_s is not None:
        seconds = str(limit_s)
        script = 'sleep "$0"; kill -TERM -- "-$1"; sleep 10; kill -KILL -- "-$1"'
        watchdog = subprocess.Popen(["sh", "-c", script, seconds, str(child.pid)],
                                    stderr=subprocess.DEVNULL, start_new_session=True)
    assert child.stdout is not None
    for line in child.stdout:
        try:
            figure = json.loads(line)
        except ValueError:
            continue
        print(line.rstrip(), flush=True)
        figures[figure["case"], figure["metric"]] = figure
    code = child.wait()
    if watchdog is not None:
        os.killpg(watchdog.pid, signal.SIGKILL)
        watchdog.wait()
    if code != 0:
        say(f"{Path(argv[-3] if len(argv) > 3 else argv[0]).name}: ended with {code}")
    return figures


def installed(peer: Peer) -> Path | None:
    """The environment of the peer, made if it is not there; None, and why, if it cannot be."""
    folder = ENVIRONMENTS / peer.name
    mark = folder / "installed.json"
    wanted = json.dumps(peer.packages + peer.node_packages)
    if mark.exists() and mark.read_text() == wanted:
        return folder
    if peer.node_packages and not (shutil.which("npm") and shutil.which("node")):
        say(f"{peer.name} is left out: it needs node and npm, which are not installed")
        return None
    say(f"installing {peer.name} into {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    steps = [[sys.executable, "-m", "venv", str(folder)]]
    if peer.packages:
        steps.append([str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check",
                      *peer.packages])
    if peer.node_packages:
        (folder / "package.json").write_text('{"private": true, "type": "module"}\n')
        steps.append(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund",
                      "--loglevel=error", *peer.node_packages])
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, timeout=INSTALL_LIMIT_S,
                                  check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            say(f"{peer.name} is left out: it cannot be installed: {error}")
            return None
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            say(f"{peer.name} is left out: it cannot be installed: {reason}")
            return None
    mark.write_text(wanted)
    return folder


def measure(peer: Peer) -> Figures:
    environment = installed(peer)
    if environment is None:
        return {}
    say(f"measuring {peer.name}, at most {peer.limit_s} s")
    folder = tempfile.mkdtemp(prefix=f"tidemill-peer-{peer.name}-")
    try:
        return run_lines([str(environment / "bin" / "python"), str(HERE / f"peer_{peer.name}.py"),
                          folder, str(peer.crash_limit_s)], peer.limit_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tell_ratios(ours: Figures, peer: Peer, theirs: Figures) -> None:
    for our_key, their_key, more_is_better in PAIRS:
        if our_key not in ours or their_key not in theirs:
            continue
        us, them = float(ours[our_key]["value"]), float(theirs[their_key]["value"])
        if us <= 0 or them <= 0:
            continue
        config = theirs[their_key]["config"]
        assert isinstance(config, dict)
        print(json.dumps({
            "case": our_key[0],
            "metric": f"{our_key[1]}_times_better",
            "value": round(us / them if more_is_better else them / us, 3),
            "unit": "x",
            "config": {"peer": peer.name, "version": config["version"], "tidemill": us,
                       "other": them, "of": their_key[0]},
        }), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--tidemill", required=True)
    parser.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS])
    parser.add_argument("cases", nargs="*", help="what bench_engine is told")
    given = parser.parse_args()
    words = given.cases or [word for case in CASES for word in ("--case", case)]
    ours = run_lines([given.bench, given.tidemill, *words], None)
    for peer in PEERS:
        if given.peer and peer.name not in given.peer:
            continue
        tell_ratios(ours, peer, measure(peer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
