"""The project's files, and how a check tells what it found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

SKIPPED_FOLDERS = {"build", "__pycache__", "node_modules"}


@dataclass(frozen=True)
class Problem:
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass
class Tree:
    """A folder that holds a project. Checks see it only through this."""

    root: Path

    def files(self, *endings: str) -> Iterator[str]:
        """Paths below the root with these endings, in order."""
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and f[0] != ".")
            for name in sorted(names):
                if name.endswith(endings):
                    yield (Path(folder) / name).relative_to(self.root).as_posix()

    def folders(self) -> Iterator[str]:
        """Folders that hold at least one file at any depth."""
        seen = set()
        for path in self.files(""):
            for parent in Path(path).parents:
                if parent != Path("."):
                    seen.add(parent.as_posix())
        yield from sorted(seen)

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()
