"""The applicants and the lender's own database."""

from __future__ import annotations

import csv
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Columns of the form, and those of the data file that they come from.
FORM = {"duration": "duration_in_month", "amount": "credit_amount", "purpose": "purpose",
        "property": "property", "housing": "housing", "job": "job", "telephone": "telephone"}
WAYS = ("web", "partner", "call")  # by the clock, by dependency, by call


@dataclass(frozen=True)
class Applicant:
    id: int
    way: str
    form: dict[str, Any]
    defaulted: int


def load(path: Path, most: int) -> list[Applicant]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:most]
    people = []
    for i, row in enumerate(rows):
        form: dict[str, Any] = {name: row[column] for name, column in FORM.items()}
        form["duration"], form["amount"] = int(form["duration"]), int(form["amount"])
        people.append(Applicant(int(row["id"]), WAYS[i % len(WAYS)], form,
                                int(row["default_flag"])))
    return people


def make_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("""
        pragma journal_mode = wal;
        create table applications (
          seq integer primary key autoincrement,
          id integer not null unique,
          channel text not null,
          duration integer not null,
          amount integer not null,
          purpose text not null,
          property text not null,
          housing text not null,
          job text not null,
          telephone text not null);
        create index applications_by_channel on applications (channel, seq);
        create table progress (channel text primary key, done_seq integer not null);
        insert into progress values ('web', 0), ('partner', 0);
    """)
    connection.close()


def insert(connection: sqlite3.Connection, channel: str, people: list[Applicant]) -> None:
    names = list(FORM)
    with connection:
        connection.executemany(
            f"insert into applications (id, channel, {', '.join(names)})"
            f" values (?, ?{', ?' * len(names)})",
            [(p.id, channel, *(p.form[name] for name in names)) for p in people])


def write_file(path: Path, people: list[Applicant]) -> None:
    """A partner's file: complete when it has its name."""
    names = ["id", *FORM]
    new = path.with_suffix(".new")
    with open(new, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([p.id, *(p.form[name] for name in FORM)] for p in people)
    new.rename(path)
