"""Imports from a bundle: its folder is first on sys.path, its compiled files are kept elsewhere.

A bundle's folder is named by the hash of its content and must not change; compiling it anew for
each call would cost more than the call.
"""

import os
import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import CodeType
from typing import Optional


def enter(folder: str, cache: str) -> None:
    """Put `folder` first on sys.path; compiled files of it go below `cache`."""
    if sys.path and sys.path[0] == folder:
        return

    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> Optional[CodeType]:
            before = sys.pycache_prefix
            sys.pycache_prefix = cache
            try:
                return super().get_code(fullname)
            finally:
                sys.pycache_prefix = before

    def hook(path: str) -> FileFinder:
        if path != folder and not path.startswith(folder + os.sep):
            raise ImportError(path)
        return FileFinder(
            path,
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (Loader, SOURCE_SUFFIXES),
            (SourcelessFileLoader, BYTECODE_SUFFIXES),
        )

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.pop(folder, None)
    sys.path.insert(0, folder)
