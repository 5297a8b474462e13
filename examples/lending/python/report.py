"""What was decided so far."""

import json
import os
from typing import Any


def make(decisions: str, report: str) -> dict[str, Any]:
    """Counts the published decisions by outcome and by main reason, and writes them as JSON."""
    outcomes: dict[str, int] = {}
    reasons: dict[str, int] = {}
    offered = 0.0
    if os.path.exists(decisions):
        with open(decisions, encoding="utf-8") as file:
            for line in file:
                if not line.endswith("\n"):
                    break  # a line that is being written
                value = json.loads(line)["value"]
                outcomes[value["outcome"]] = outcomes.get(value["outcome"], 0) + 1
                offered += value["offered_amount"]
                if value["reason_1"]:
                    reasons[value["reason_1"]] = reasons.get(value["reason_1"], 0) + 1
    result = {"decided": sum(outcomes.values()), "outcomes": outcomes,
              "offered_amount": offered, "main_reasons": reasons}
    with open(report + ".new", "w", encoding="utf-8") as file:
        json.dump(result, file, indent=2)
    os.replace(report + ".new", report)
    return result
