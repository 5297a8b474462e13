"""Runs one function in this process and leaves its result, or its error, in a file."""

import atexit
import contextlib
import importlib
import json
import math
import os
import sys
import threading
import time
import traceback
from typing import Any, Dict, List, NoReturn, Optional, TextIO

from tidemill_worker import bundle
from tidemill_worker.request import Request, read_request

_CHANNEL = 3
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_MAX_ERROR_BYTES = 60_000  # the spawner reads 64 KiB


class CallError(Exception):
    """The call itself is wrong: its target, its input or its result."""


def main(arguments: List[str]) -> None:
    """Run one call in a fresh interpreter; its description is behind descriptor 3."""
    run_and_exit(read_request(_CHANNEL), arguments[0])


def limit_threads() -> None:
    """Give numerical libraries one thread a process, unless the environment says otherwise."""
    for name in _THREAD_VARIABLES:
        os.environ.setdefault(name, "1")


def run_and_exit(request: Request, cache: str) -> NoReturn:
    """Run the call, then end as an interpreter ends: threads joined, exit handlers run, flushed."""
    code = 1
    try:
        code = _run_and_tidy(request, cache)
    except BaseException:  # the error itself could not be written, on a full disk for instance
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # the function may have closed it
                stream.flush()
        os._exit(code & 0xFF)


def _run_and_tidy(request: Request, cache: str) -> int:
    try:
        _enter(request, cache)
        code = _run(request)
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        return code
    except SystemExit as stop:
        return _exit_code(stop)
    except BaseException as error:
        _leave_error(request, error)
        return 1


def _enter(request: Request, cache: str) -> None:
    if request.cgroup_procs:
        try:
            with open(request.cgroup_procs, "w") as procs:
                procs.write("0")
        except OSError:
            pass  # the marks of the environment are used then
    os.environ.clear()
    os.environ.update(request.env)
    limit_threads()
    time.tzset()
    # New ones: those of a warm interpreter remember what kind of file they were opened on.
    sys.stdout = _line_stream(1)
    sys.stderr = _line_stream(2)
    bundle.enter(request.bundle, cache)
    if request.folder:
        os.chdir(request.folder)


def _line_stream(fd: int) -> TextIO:
    return open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _run(request: Request) -> int:
    try:
        function = _find(request.target)
        arguments = _arguments(request.input_json)
        positional = arguments.pop("*", [])
        text = _result_text(function(*positional, **arguments), request.target)
        _write(request.output_path, text)
    except SystemExit as stop:
        return _exit_code(stop)
    except BaseException as error:
        _leave_error(request, error)
        return 1
    return 0


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    print(stop.code, file=sys.stderr)
    return 1


def _find(target: str) -> Any:
    module_name, colon, path = target.partition(":")
    if not (module_name and colon and path):
        raise CallError(f"target {target!r}: expected module:function")
    found: Any = importlib.import_module(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            known = sorted(n for n in vars(found) if callable(getattr(found, n)) and n[0] != "_")
            raise CallError(
                f"target {target!r}: {module_name} has no {name!r}; it has {', '.join(known[:20])}"
            )
        found = getattr(found, name)
    if not callable(found):
        raise CallError(f"target {target!r} is a {type(found).__name__}, not a function")
    return found


def _arguments(input_json: str) -> Dict[str, Any]:
    if not input_json:
        return {}
    arguments = json.loads(input_json)
    if not isinstance(arguments, dict):
        raise CallError(
            f"the input is a {type(arguments).__name__}; expected an object of arguments"
        )
    return arguments


def _result_text(result: Any, target: str) -> str:
    try:
        return json.dumps(result, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        complaint = _complaint(result, "result", 0) or str(error)
    raise CallError(f"{target}: {complaint}") from None


def _complaint(value: Any, path: str, depth: int) -> Optional[str]:
    """Say which part of a result JSON cannot hold, if there is one."""
    if depth > 100:
        return f"{path} is nested more than 100 deep, or contains itself"
    if value is None or isinstance(value, (str, bool, int)):
        return None
    if isinstance(value, float):
        if math.isfinite(value):
            return None
        return f"{path} is {value}, which JSON cannot hold; return None or a number"
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, (str, int, float, bool, type(None))):
                return f"{path} has a key of type {type(key).__name__}; keys must be text"
            found = _complaint(part, f"{path}[{key!r}]", depth + 1)
            if found:
                return found
        return None
    if isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            found = _complaint(part, f"{path}[{index}]", depth + 1)
            if found:
                return found
        return None
    kind = type(value)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    return (
        f"{path} is of type {name}, which JSON cannot hold; return numbers, text, lists and dicts"
    )


def _write(path: str, text: str) -> None:
    if not path:
        return
    temporary = f"{path}.{os.getpid()}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def _leave_error(request: Request, error: BaseException) -> None:
    if isinstance(error, CallError):
        trace = ""
        print(f"{request.target}: {error}", file=sys.stderr)
    else:
        trace = "".join(traceback.format_exception(type(error), error, _own_part(error)))
        sys.stderr.write(trace)
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", __name__):
        name = f"{kind.__module__}.{name}"
    message = _text_of(error)[:8000]
    text = ""
    limit = 40_000
    while not text or len(text) > _MAX_ERROR_BYTES:
        text = json.dumps({"type": name, "message": message[:limit], "traceback": trace[-limit:]})
        limit //= 2
    if request.output_path:
        _write(request.output_path + ".error", text)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception class may be broken itself
        return "(its text cannot be shown)"


def _own_part(error: BaseException) -> Any:
    """Cut the frames of this file off the traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace
