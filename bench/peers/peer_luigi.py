"""Luigi with its scheduler in the process and one worker. A file marks a task as done; nothing is
synced to the disk. Called with a folder; with `chain FOLDER` it is the program that gets killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import luigi
from work import (CHAIN, CRASH_SLEEP_S, DONE_BEFORE_CRASH, FAN, Journal, Process, Report, step,
                  version_of)


class Step(luigi.Task):
    folder = luigi.Parameter()
    run_name = luigi.Parameter()
    name = luigi.Parameter()
    needs = luigi.Parameter(default="")  # "chain": the one before it; "fan": start; "join": all
    sleep_s = luigi.FloatParameter(default=0.0, significant=False)

    def _other(self, name: str, needs: str) -> "Step":
        return Step(self.folder, self.run_name, name, needs, self.sleep_s)

    def requires(self) -> list["Step"]:
        if self.needs == "chain" and self.name != CHAIN[0]:
            return [self._other(CHAIN[CHAIN.index(self.name) - 1], "chain")]
        if self.needs == "fan":
            return [self._other("start", "")]
        if self.needs == "join":
            return [self._other(name, "fan") for name in FAN]
        return []

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"{self.folder}/{self.run_name}/{self.name}")

    def run(self) -> None:
        result = step(f"{self.folder}/journal", self.run_name, self.name, self.sleep_s)
        with self.output().open("w") as out:
            out.write(str(result))


def build(task: Step) -> None:
    if not luigi.build([task], local_scheduler=True, workers=1, log_level="CRITICAL"):
        raise SystemExit("luigi could not build the flow")


def measure(folder: Path, limit_s: float) -> None:
    report = Report("luigi", version_of("luigi"))
    journal = Journal(folder / "journal")
    durability = {"fsync": "none", "scheduler": "in process", "workers": 1}
    report.calls(lambda number: build(Step(str(folder), f"c{number}", CHAIN[2], "chain")),
                 rounds=5, count=40, **durability)
    walls = []
    for number in range(5):
        start = time.monotonic()
        build(Step(str(folder), f"fan{number}", "join", "join"))
        walls.append(time.monotonic() - start)
    report("fan200", "wall_s", walls, "s", **durability)
    chain = Process([sys.executable, __file__, "chain", str(folder)], folder / "chain.log").start()
    journal.wait_for_ends("crash", DONE_BEFORE_CRASH, 60)
    chain.kill()
    killed_at = time.time()
    chain.start()
    report.crash(journal, "crash", killed_at, limit_s, killed="the process", **durability)
    chain.stop()


if __name__ == "__main__":
    if sys.argv[1] == "chain":
        build(Step(sys.argv[2], "crash", CHAIN[-1], "chain", CRASH_SLEEP_S))
    else:
        measure(Path(sys.argv[1]), float(sys.argv[2]))
