"""A README in every folder, and links of documents that lead somewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tree import Problem, Tree

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
# Data, and packages whose folder is explained one level up.
WITHOUT_README = re.compile(
    r"tests/fuzz/corpus(/.*)?|tests/vectors/[^/]+/.*|examples/[^/]+/(?!models$).*|python/[^/]+")


def check_readmes(tree: Tree) -> list[Problem]:
    with_code = {os.path.dirname(path) for path in tree.files(".cc", ".h", ".py")}
    problems = []
    for folder in tree.folders():
        if WITHOUT_README.fullmatch(folder):
            continue
        is_wanted = folder.count("/") < 2 or folder in with_code
        if is_wanted and not tree.exists(f"{folder}/README.md"):
            problems.append(Problem(f"{folder}/README.md", 1,
                                    "missing: what the folder is for, its key files, its traps"))
    return problems


def anchors(text: str) -> set[str]:
    found = set()
    for line in FENCE.sub("", text).splitlines():
        if line.startswith("#"):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(words.replace(" ", "-"))
    return found


def check_links(tree: Tree) -> list[Problem]:
    problems = []
    for path in tree.files(".md"):
        text = FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), tree.text(path))
        for match in LINK.finditer(text):
            target = match.group(1) or match.group(2)
            if re.match(r"[a-z]+:", target):
                continue
            line = text.count("\n", 0, match.start()) + 1
            name, _, anchor = target.partition("#")
            file = os.path.normpath(Path(path).parent / name) if name else path
            if not tree.exists(file):
                problems.append(Problem(path, line, f"the link leads nowhere: {target}"))
            elif anchor and file.endswith(".md") and anchor not in anchors(tree.text(file)):
                problems.append(Problem(path, line, f"there is no heading '#{anchor}' in {file}"))
    return problems


def check(tree: Tree) -> list[Problem]:
    return check_readmes(tree) + check_links(tree)
