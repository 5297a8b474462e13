"""Every header compiles alone. What compiled once is not compiled again until it changes."""

from __future__ import annotations

import hashlib
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tree import Problem, Tree

# What the build defines for tests is defined here too, for headers that only tests include.
COMPILER = ["g++-12", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++",
            '-DTIDEMILL_SOURCE_DIR=""', '-DTIDEMILL_BINARY_DIR=""']
QUOTED = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def closure(tree: Tree, path: str, known: dict[str, set[str]]) -> set[str]:
    """The header and every header of the project that it includes, at any depth."""
    if path not in known:
        known[path] = {path}
        for name in QUOTED.findall(tree.text(path)):
            if tree.exists(f"src/{name}"):
                known[path] |= closure(tree, f"src/{name}", known)
    return known[path]


def fingerprint(tree: Tree, paths: set[str]) -> str:
    digest = hashlib.sha256(" ".join(COMPILER).encode())
    for path in sorted(paths):
        digest.update(path.encode() + b"\0" + tree.text(path).encode() + b"\0")
    return digest.hexdigest()


def compile_alone(tree: Tree, path: str) -> Problem | None:
    done = subprocess.run([*COMPILER, f"-I{tree.root}/src", f"-I{tree.root}", "-"],
                          input=f'#include "{path}"\n', capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr]
    return Problem(path, 1, f"does not compile alone: {errors[0]}")


def check(tree: Tree, cache: Path) -> list[Problem]:
    cache.mkdir(parents=True, exist_ok=True)
    known: dict[str, set[str]] = {}
    waiting = []
    for path in tree.files(".h"):
        if not path.startswith(("src/", "bench/", "tests/")):
            continue
        mark = cache / fingerprint(tree, closure(tree, path, known))
        if not mark.exists():
            waiting.append((path, mark))

    def one(job: tuple[str, Path]) -> Problem | None:
        problem = compile_alone(tree, job[0])
        if problem is None:
            job[1].touch()
        return problem

    with ThreadPoolExecutor(2) as pool:
        return [problem for problem in pool.map(one, waiting) if problem]
