"""What came of it, counted from the store, the published lines and the vendors' log."""

from __future__ import annotations

import json
import struct
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from .applicants import Applicant
from .server import Server

SLOW_MS = 2_900


class LineCounter:
    """Counts the applicants of a growing file of published decisions, each once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.rest = b""
        self.seen: set[int] = set()

    def count(self) -> int:
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                part = file.read()
        except FileNotFoundError:
            return 0
        self.offset += len(part)
        *lines, self.rest = (self.rest + part).split(b"\n")
        for line in lines:
            self.seen.add(json.loads(line)["value"]["applicant_id"])
        return len(self.seen)


@dataclass
class Run:
    applicant: int
    state: str
    way: str  # clock, dep or call: what created it
    created: float
    ended: float


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


# What created a run, by the trigger of the outermost run that led to it.
WAYS = {"cron": "clock", "every": "clock", "after": "dep", "dataset": "dep", "call": "call"}
PAGE = 5_000


def read_runs(server: Server) -> list[Run]:
    """The runs of the flow `decide`, from the store."""
    runs: list[Run] = []
    after: list[str] = []
    while True:
        page = json.loads(server.run("run", "list", "--flow", "decide", "--limit", str(PAGE),
                                     "--json", *after))["runs"]
        for run in page:
            ended = run.get("finished")
            runs.append(Run(int(run["params"]["applicant_id"]), run["state"],
                            WAYS.get(run["cause"].get("origin", ""), "other"),
                            seconds_of(run["created"]), seconds_of(ended) if ended else 0.0))
        if len(page) < PAGE:
            return runs
        after = ["--after", page[-1]["run"]]


def read_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@dataclass
class Vendors:
    """What the stub's log says."""

    asked: int = 0
    refused: int = 0
    slow: int = 0
    replayed: int = 0
    billed: Decimal = Decimal(0)
    billed_twice: set[str] = field(default_factory=set)  # applicants
    span: dict[int, float] = field(default_factory=dict)  # seconds with a vendor, of an applicant


def read_vendors(path: Path) -> Vendors:
    result = Vendors()
    bills: Counter[tuple[str, str]] = Counter()
    by_key: Counter[str] = Counter()
    first: dict[int, float] = {}
    last: dict[int, float] = defaultdict(float)
    for line in read_lines(path):
        result.asked += 1
        result.refused += line["status"] == 503
        result.slow += line["took_ms"] > SLOW_MS
        result.replayed += line["replay"]
        result.billed += Decimal(line["bill"])
        if Decimal(line["bill"]) > 0:
            bills[(line["vendor"], line["applicant"])] += 1
            by_key[line["vendor"] + "/" + line["key"]] += 1
            if by_key[line["vendor"] + "/" + line["key"]] > 1 or (
                    bills[(line["vendor"], line["applicant"])] > 1):
                result.billed_twice.add(line["applicant"])
        if line["applicant"]:
            applicant = int(line["applicant"])
            first[applicant] = min(first.get(applicant, line["began"]), line["began"])
            last[applicant] = max(last[applicant], line["began"] + line["took_ms"] / 1000)
    result.span = {applicant: last[applicant] - first[applicant] for applicant in first}
    return result


def percentile(values: list[float], share: float) -> float:
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def auc_of(scored: list[tuple[float, int]]) -> float:
    """The chance that one who defaulted has a higher score than one who did not."""
    ordered = sorted(scored)
    ranks: dict[float, list[int]] = defaultdict(list)
    for rank, (score, _) in enumerate(ordered, start=1):
        ranks[score].append(rank)
    positive = sum(defaulted for _, defaulted in scored)
    negative = len(scored) - positive
    if positive == 0 or negative == 0:
        return 0.0
    total = sum(sum(ranks[score]) / len(ranks[score]) for score, defaulted in scored if defaulted)
    return (total - positive * (positive + 1) / 2) / (positive * negative)


def single(number: float) -> bytes:
    """A float32's bytes: scores are compared to the last bit."""
    return struct.pack("<f", number)


@dataclass
class Result:
    total: int = 0
    decided: int = 0
    lost: int = 0
    doubled: int = 0
    by_clock: int = 0
    by_dep: int = 0
    by_call: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    open_at_kill: int = 0
    auc: float = 0.0
    equal_scores: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    arrival_ms: dict[str, tuple[float, float]] = field(default_factory=dict)
    asked: int = 0
    refused: int = 0
    slow: int = 0
    replayed: int = 0
    billed: Decimal = Decimal(0)

    def is_good(self) -> bool:
        return self.decided == self.total and self.lost == 0 and self.doubled == 0

    def last_line(self, killed_at: float) -> str:
        return (f"demo: decided={self.decided} lost={self.lost} doubled={self.doubled} "
                f"killed={1 if killed_at else 0} by_clock={self.by_clock} by_dep={self.by_dep} "
                f"by_call={self.by_call} p50_ms={self.p50_ms:.1f} p99_ms={self.p99_ms:.1f} "
                f"open_at_kill={self.open_at_kill} auc={self.auc:.3f}")


def count(people: list[Applicant], server: Server, decisions: Path, requests: Path,
          arrived: dict[int, float], killed_at: float, held_out: Path) -> Result:
    runs = read_runs(server)
    lines = read_lines(decisions)
    vendors = read_vendors(requests)
    by_applicant: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        by_applicant[run.applicant].append(run)
    published = Counter(line["value"]["applicant_id"] for line in lines)
    succeeded = {a: rs[0] for a, rs in by_applicant.items() if rs[0].state == "succeeded"}
    decided = {p.id for p in people if p.id in succeeded and published[p.id] >= 1}

    result = Result(total=len(people), decided=len(decided))
    result.lost = len(people) - len(decided)
    doubled = {a for a, n in published.items() if n > 1}
    doubled |= {a for a, rs in by_applicant.items() if len(rs) > 1}
    doubled |= {int(a) for a in vendors.billed_twice}
    result.doubled = len(doubled)
    ways = Counter(succeeded[a].way for a in decided)
    result.by_clock, result.by_dep, result.by_call = ways["clock"], ways["dep"], ways["call"]

    open_then = {r.applicant for r in runs
                 if killed_at and r.created <= killed_at and (r.ended == 0 or r.ended > killed_at)}
    result.open_at_kill = len(open_then)
    own_ms = [max(0.0, succeeded[a].ended - succeeded[a].created - vendors.span.get(a, 0.0)) * 1000
              for a in decided - open_then]
    result.p50_ms, result.p99_ms = percentile(own_ms, 0.5), percentile(own_ms, 0.99)
    for way in ("web", "partner", "call"):
        waits = [(succeeded[p.id].ended - arrived[p.id]) * 1000 for p in people
                 if p.way == way and p.id in decided - open_then and p.id in arrived]
        result.arrival_ms[way] = (percentile(waits, 0.5), percentile(waits, 0.99))

    values = {line["value"]["applicant_id"]: line["value"] for line in lines}
    result.outcomes = dict(Counter(v["outcome"] for v in values.values()))
    result.auc = auc_of([(values[p.id]["score"], p.defaulted) for p in people if p.id in values])
    trained = dict(line.split(",") for line in held_out.read_text().split())
    result.equal_scores = sum(
        single(values[a]["score"]) == single(float(trained[str(a)])) for a in decided)
    result.asked, result.refused, result.slow = vendors.asked, vendors.refused, vendors.slow
    result.replayed, result.billed = vendors.replayed, vendors.billed
    return result
