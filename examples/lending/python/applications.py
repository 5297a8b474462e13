"""Applications that partners send as files."""

import csv
import sqlite3
from typing import Any

FORM = ("id", "duration", "amount", "purpose", "property", "housing", "job", "telephone")


def load(path: str) -> dict[str, Any]:
    """The rows of a partner's CSV file become applications; those known stay as they are."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [tuple(row[name] for name in FORM) for row in csv.DictReader(file)]
    connection = sqlite3.connect("app.db", timeout=10)
    with connection:
        before = connection.total_changes
        connection.executemany(
            f"insert or ignore into applications (channel, {', '.join(FORM)})"
            " values ('partner', ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        added = connection.total_changes - before
    connection.close()
    print(f"{path}: {len(rows)} applications, {added} of them new")
    return {"path": path, "rows": len(rows), "new": added}
