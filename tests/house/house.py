#!/usr/bin/env python3
"""Is the house in order? Each problem is a line "file:line: what"; exit code 0 if there is none.

    house.py rules|headers|docs [--build FOLDER] [--root FOLDER]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import commands
import headers
import layering
import papers
import selftest
import sizes
from tree import Problem, Tree

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description="the order of the house")
    parser.add_argument("part", choices=["rules", "headers", "docs"])
    parser.add_argument("--build", type=Path, default=HERE.parent.parent / "build" / "check")
    parser.add_argument("--root", type=Path, default=HERE.parent.parent)
    arguments = parser.parse_args()
    tree = Tree(arguments.root.resolve())
    rules = layering.read_rules(HERE / "layering.txt")
    problems: list[Problem] = []
    if arguments.part == "rules":
        selftest.run(rules)
        problems = layering.check(tree, rules) + sizes.check(tree) + papers.check(tree)
    elif arguments.part == "headers":
        problems = headers.check(tree, arguments.build / "house-headers")
    else:
        problems = commands.check(tree, (arguments.build / "tidemill").resolve())
    for problem in problems:
        print(problem)
    print(f"house {arguments.part}: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
