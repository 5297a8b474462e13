"""The flows as DAGs of Airflow. The folder of the measurement is in BENCH_FOLDER."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.environ["BENCH_PEERS"])
from airflow.sdk import dag, task  # noqa: E402
from work import CHAIN, CRASH_SLEEP_S, FAN, step  # noqa: E402

JOURNAL = os.environ["BENCH_FOLDER"] + "/journal"


def work(name: str, sleep_s: float = 0.0):
    @task(task_id=name)
    def one(**context: object) -> int:
        return step(JOURNAL, str(context["run_id"]), name, sleep_s)

    return one()


def chain_of(names: list[str], sleep_s: float = 0.0) -> None:
    before = None
    for name in names:
        this = work(name, sleep_s)
        if before is not None:
            before >> this
        before = this


@dag(schedule=None, catchup=False)
def flow3() -> None:
    chain_of(CHAIN[:3])


@dag(schedule=None, catchup=False)
def crash40() -> None:
    chain_of(CHAIN, CRASH_SLEEP_S)


@dag(schedule=None, catchup=False, max_active_tasks=64)
def fan200() -> None:
    work("start") >> [work(name) for name in FAN] >> work("join")


flow3()
crash40()
fan200()
