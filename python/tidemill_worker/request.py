"""One call as the spawner describes it: length-prefixed texts in a memory file."""

import os
import struct
from dataclasses import dataclass
from typing import Dict, List


@dataclass(frozen=True)
class Request:
    """What to call, with what, and where the result goes."""

    process_id: str
    bundle: str
    target: str
    folder: str
    input_json: str
    output_path: str
    cgroup_procs: str
    env: Dict[str, str]


def read_request(fd: int) -> Request:
    """Read the memory file behind `fd` from its beginning, and close it."""
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        content = file.read()
    texts: List[str] = []
    at = 0
    while at < len(content):
        (size,) = struct.unpack_from("<I", content, at)
        at += 4
        texts.append(content[at : at + size].decode("utf-8", "surrogateescape"))
        at += size
    process_id, bundle, target, folder, input_json, output_path, cgroup_procs = texts[:7]
    env = dict(zip(texts[7::2], texts[8::2]))
    return Request(process_id, bundle, target, folder, input_json, output_path, cgroup_procs, env)
