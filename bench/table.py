#!/usr/bin/env python3
"""bench/table.py FILE.jsonl...: the lines of ./dev bench as tables in Markdown."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

# (case, metric): the bound, and whether the figure must be at most or at least that.
TARGETS: dict[tuple[str, str], tuple[str, float]] = {
    ("call3", "p50_ms"): ("<=", 1),
    ("call3", "p95_ms"): ("<=", 2),
    ("call3", "flows_per_s"): (">=", 3000),
    ("call3_effect", "p50_ms"): ("<=", 2.5),
    ("call3_effect", "p95_ms"): ("<=", 5),
    ("call3_effect", "flows_per_s"): (">=", 1000),
    ("fan200_calc", "wall_s"): ("<=", 0.02),
    ("fan10k_calc", "wall_s"): ("<=", 1),
    ("crash40", "finished_s"): ("<=", 2.3),
    ("crash40", "doubled"): ("<=", 0),
    ("crash40", "lost"): ("<=", 0),
    ("transitions", "per_s"): (">=", 20000),
    ("call3_pending", "p50_ratio"): ("<=", 1.1),
    ("call3_finished", "p50_ratio"): ("<=", 1.1),
    ("tick1000", "all_started_s"): ("<=", 2),
    ("tick1000", "times_faster"): (">=", 4),
    ("tick20", "p50_late_ms"): ("<=", 2),
    ("tick20", "p99_late_ms"): ("<=", 20),
    ("schedules100k", "load_ms"): ("<=", 200),
    ("schedules100k", "rss_mb"): ("<=", 60),
    ("start_1m_runs", "ready_s"): ("<=", 2),
}
HIDDEN = {"low", "high", "rounds", "peer", "version", "tidemill", "other", "of"}


def number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def settings(config: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in config.items() if name not in HIDDEN)


def bound(case: str, metric: str, value: float) -> str:
    target = TARGETS.get((case, metric))
    if target is None:
        return ""
    sign, limit = target
    is_met = value <= limit if sign == "<=" else value >= limit
    return f"{'≤' if sign == '<=' else '≥'} {limit:g}{'' if is_met else ', **missed**'}"


def own_rows(lines: list[dict]) -> list[str]:
    rows = ["| case | metric | median | low – high | aim | settings |", "|---|---|---|---|---|---|"]
    for line in lines:
        config = line["config"]
        if "peer" in config and not line["metric"].endswith("faster"):
            continue
        rows.append(
            f"| `{line['case']}` | `{line['metric']}` | {number(line['value'])} {line['unit']} | "
            f"{number(config['low'])} – {number(config['high'])} | "
            f"{bound(line['case'], line['metric'], line['value'])} | {settings(config)} |")
    return rows


def peer_rows(lines: list[dict]) -> list[str]:
    rows = ["| peer | case | metric | median | low – high | settings |",
            "|---|---|---|---|---|---|"]
    for line in lines:
        config = line["config"]
        if "peer" not in config or "low" not in config or line["unit"] == "x":
            continue
        rows.append(
            f"| {config['peer']} {config.get('version', '')} | `{line['case']}` | "
            f"`{line['metric']}` | {number(line['value'])} {line['unit']} | "
            f"{number(config['low'])} – {number(config['high'])} | {settings(config)} |")
    return rows if len(rows) > 2 else []


def ratio_rows(lines: list[dict]) -> list[str]:
    rows = ["| case | beside | Tidemill | peer | times better |", "|---|---|---|---|---|"]
    for line in lines:
        config = line["config"]
        if "tidemill" not in config:
            continue
        rows.append(f"| `{line['case']}` {line['metric'].removesuffix('_times_better')} | "
                    f"{config['peer']} {config['version']} | {number(config['tidemill'])} | "
                    f"{number(config['other'])} | {number(line['value'])} |")
    return rows if len(rows) > 2 else []


def machine() -> list[str]:
    def first(path: str, start: str) -> str:
        found = [x for x in Path(path).read_text().splitlines() if x.startswith(start)]
        return found[0].split(":", 1)[-1].strip() if found else "unknown"

    memory = round(int(first("/proc/meminfo", "MemTotal").split()[0]) / 1e6)
    cores = sum(1 for x in Path("/proc/cpuinfo").read_text().splitlines()
                if x.startswith("processor"))
    system = first("/etc/os-release", "PRETTY_NAME").split("=")[-1].strip('"')
    date = subprocess.run(["date", "-u", "+%Y-%m-%d"], capture_output=True, text=True,
                          check=True).stdout.strip()
    return [f"{date}: {cores} cores ({first('/proc/cpuinfo', 'model name')}), {memory} GB, "
            f"{system}, kernel {platform.release()}."]


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    lines = []
    for path in sys.argv[1:]:
        for text in Path(path).read_text().splitlines():
            if text.startswith("{"):
                lines.append(json.loads(text))
    blocks = [machine(), own_rows(lines), peer_rows(lines), ratio_rows(lines)]
    print("\n\n".join("\n".join(block) for block in blocks if block))
    return 0


if __name__ == "__main__":
    sys.exit(main())
