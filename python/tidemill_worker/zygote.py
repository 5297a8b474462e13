"""The warm interpreter: imports the preload list, then keeps forked children ready for calls.

The spares wait on the same socket. Each takes one call, says so with its process number, and leaves
the socket to the others. They are forked twice, so that their parent is the spawner, which learns
their exit status and resources from the kernel.
"""

import contextlib
import gc
import importlib
import os
import select
import socket
import struct
import sys
import traceback
from typing import List, NoReturn, Optional

from tidemill_worker import bundle, call
from tidemill_worker.request import Request, read_request

_CHANNEL = 3
_FEW_SPARES = 1
_SPARES_AT_ONCE = 3
_MARKER = b"TIDEMILL_PROCESS_ID="
_ENV_START, _ENV_END = 47, 48  # of /proc/self/stat, counted behind the program's name


def main(arguments: List[str]) -> None:
    """Serve until the spawner closes the channel, or until forking would not be safe."""
    channel = socket.socket(fileno=_CHANNEL)
    call.limit_threads()
    cache, folder = arguments[:2]
    bundle.enter(folder, cache)
    for module in arguments[2:]:
        try:
            importlib.import_module(module)
        except BaseException as error:  # what a module raises must not end the zygote unexplained
            traceback.print_exc()
            _refuse(channel, f"preload of {module} failed: {type(error).__name__}: {error}")
            return
    gc.collect()
    gc.freeze()
    _keep_spares(channel, cache)


def _keep_spares(channel: socket.socket, cache: str) -> None:
    """Fork spares as they are used up, until the channel ends or forking is no longer safe."""
    taken, tell_taken = os.pipe()
    poll = select.poll()
    poll.register(channel, 0)  # only its end is of interest
    poll.register(taken, select.POLLIN)
    ready = 0
    while True:
        if ready <= _FEW_SPARES:
            threads = len(os.listdir("/proc/self/task"))
            if threads > 1:
                _refuse(
                    channel,
                    f"the preload list started threads ({threads} are running), and a process "
                    "with threads cannot be forked safely",
                )
                return
            _fork_spares(channel, tell_taken, cache)
            ready += _SPARES_AT_ONCE
        for fd, _ in poll.poll():
            if fd != taken:
                return
            ready -= len(os.read(taken, 64))


def _refuse(channel: socket.socket, why: str) -> None:
    with contextlib.suppress(OSError):  # the spawner may be gone
        channel.send(b"X" + why.encode("utf-8", "replace")[:2000])


def _fork_spares(channel: socket.socket, tell_taken: int, cache: str) -> None:
    """Fork a process that forks the spares and ends, which makes them children of the spawner."""
    middle = os.fork()
    if middle != 0:
        os.waitpid(middle, 0)
        return
    try:
        middle = os.getpid()
        for _ in range(_SPARES_AT_ONCE):
            if os.fork() == 0:
                _be_spare(channel, tell_taken, cache, middle)
    finally:
        os._exit(0)


def _be_spare(channel: socket.socket, tell_taken: int, cache: str, middle: int) -> NoReturn:
    try:
        while os.getppid() == middle:  # a call must find the spawner as its parent
            os.sched_yield()
        request = _take(channel, tell_taken)
        if request is None:
            os._exit(0)
        _mark(request.process_id)
        call.run_and_exit(request, cache)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)  # in no case back into the zygote's loop


def _take(channel: socket.socket, tell_taken: int) -> Optional[Request]:
    data, fds, _, _ = socket.recv_fds(channel, 16, 2)
    if len(data) != 8 or len(fds) != 2:
        return None
    (number,) = struct.unpack("<Q", data)
    os.setsid()
    channel.send(struct.pack("<BIQ", ord("T"), os.getpid(), number))
    channel.close()
    os.write(tell_taken, b"1")
    os.close(tell_taken)
    request_fd, output_fd = fds
    os.dup2(output_fd, 1)
    os.dup2(output_fd, 2)
    os.close(output_fd)
    return read_request(request_fd)


def _mark(process_id: str) -> None:
    """Write the id over the zygote's own in this process's initial environment.

    That memory is what /proc/<pid>/environ shows, by which the spawner finds stray children.
    """
    try:
        with open("/proc/self/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        start, end = int(fields[_ENV_START]), int(fields[_ENV_END])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            environment = memory.read(end - start)
            at = environment.index(_MARKER) + len(_MARKER)
            room = environment.index(b"\0", at) - at
            # The first byte last: until then the spawner sees a zygote's mark, never half an id.
            mark = process_id.encode("utf-8", "surrogateescape")[:room].ljust(room, b"\0")
            memory.seek(start + at + 1)
            memory.write(mark[1:])
            memory.seek(start + at)
            memory.write(mark[:1])
    except (OSError, ValueError) as error:
        print(f"[tidemill] this process could not be marked: {error}", file=sys.stderr)
