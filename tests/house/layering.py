"""Who may include whom: rooms, libraries, banned headers. The rules stand in layering.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tree import Problem, Tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SYSTEM_FOLDERS = ("sys/", "netinet/", "arpa/", "linux/", "net/")
LIBRARIES_WITHOUT_FOLDER = ("sqlite3.h", "xxhash.h", "zstd.h", "sodium.h", "simdjson.h", "lz4.h",
                            "snappy.h", "libpq-fe.h", "rapidcheck.h", "pugixml.hpp")


@dataclass
class Rules:
    rooms: dict[str, list[str]] = field(default_factory=dict)
    libraries: list[tuple[str, list[str]]] = field(default_factory=list)
    banned_everywhere: set[str] = field(default_factory=set)
    banned_in_headers: set[str] = field(default_factory=set)

    def reachable(self, room: str) -> set[str]:
        """The room, what it includes, and what those may include."""
        found: set[str] = set()
        waiting = [room]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(self.rooms.get(one, []))
        return found


def read_rules(path: Path) -> Rules:
    rules = Rules()
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "room":
            rules.rooms[words[1]] = words[2:]
        elif words[0] == "library":
            rules.libraries.append((words[1], words[2:]))
        elif words[:2] == ["banned", "everywhere"]:
            rules.banned_everywhere.update(words[2:])
        elif words[:2] == ["banned", "in-headers"]:
            rules.banned_in_headers.update(words[2:])
        else:
            raise ValueError(f"{path}: cannot read the line: {line}")
    return rules


def is_library(name: str) -> bool:
    if "/" in name:
        return not name.startswith(SYSTEM_FOLDERS)
    return name in LIBRARIES_WITHOUT_FOLDER


def room_of(path: str) -> str | None:
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def check_angle(rules: Rules, path: str, name: str) -> str | None:
    if name in rules.banned_everywhere:
        return f"<{name}> is banned"
    if path.endswith(".h") and name in rules.banned_in_headers:
        return f"<{name}> is banned in headers: it costs every file that includes this one"
    if not is_library(name):
        return None
    for prefix, allowed in rules.libraries:
        if name.startswith(prefix):
            if any(fnmatch(path, pattern) for pattern in allowed):
                return None
            return f"<{name}> belongs in {' '.join(allowed)} only"
    return f"<{name}> is of a library that tests/house/layering.txt does not name"


def check_quoted(rules: Rules, tree: Tree, path: str, name: str) -> str | None:
    room, other = room_of(path), name.split("/")[0]
    if not tree.exists(f"src/{name}"):
        beside = (Path(path).parent / name).as_posix()
        return None if tree.exists(beside) and room is None else f'"{name}" is not in src/'
    if room is None:
        return None
    if room not in rules.rooms:
        return f"the room {room} is not in tests/house/layering.txt"
    if room != "cli" and other not in rules.reachable(room):
        return f'the room {room} may not include "{name}"'
    return None


def check(tree: Tree, rules: Rules) -> list[Problem]:
    problems = []
    for path in tree.files(".h", ".cc"):
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, name = match.groups()
            text = (check_angle(rules, path, name) if kind == "<"
                    else check_quoted(rules, tree, path, name))
            if text:
                problems.append(Problem(path, number, text))
    return problems
