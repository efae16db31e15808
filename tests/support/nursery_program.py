"""The server of `tests.support.nursery`: it has imported what our programs need, and forks one for each connection.

A request is one JSON line with the descriptor of the output beside it: `arguments` as after `python`, `folder`,
`environment`. The answers are the child's pid (said by itself, once its group stands) and, when it has ended, its exit
code (minus a signal's number), each a line. The server ends when its standard input does. A child runs its program as
`python` would, and ends with its threads joined and its exit functions called.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
import types
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

OTHERS = ("asyncpg", "rich.console", "rich.table", "tomllib", "typer._adapters", "uvicorn")
NOT_NEEDED = tuple(
    f"taskforge.{name}"
    for name in ("__main__", "bench", "compat", "contrib", "demo", "provisioning", "testing")
)


def prepare() -> None:
    """Import what a program of ours may need, and read the statements."""
    taskforge = importlib.import_module("taskforge")
    ours = [found.name for found in walk_packages(taskforge.__path__, "taskforge.")]
    for name in (*OTHERS, *(name for name in ours if not name.startswith(NOT_NEEDED))):
        importlib.import_module(name)
    statements = importlib.import_module("taskforge.storage.statements")
    for dialect in statements.DIALECTS:
        statements.catalog(dialect)
    gc.collect()
    gc.freeze()  # so that a collection in a child does not copy what it shares with us


def serve(address: str) -> dict[str, Any]:
    """Fork a child for each request; in the child, answer its request."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(listener, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj == 0:
                os._exit(0)  # what still runs is ended by the watchdog of who asked for it
            if key.fileobj is listener:
                connection, _ = listener.accept()
                request, output = _received(connection)
                pid = os.fork()
                if pid == 0:
                    selector.close()
                    listener.close()
                    _put_on(output)
                    connection.sendall(f"{os.getpid()}\n".encode())  # only now its group can be signalled
                    connection.close()
                    return request
                os.close(output)
                child = os.pidfd_open(pid)
                selector.register(child, selectors.EVENT_READ, (pid, connection))
            else:
                pid, connection = key.data
                selector.unregister(key.fileobj)
                os.close(key.fd)
                _, status = os.waitpid(pid, 0)
                with contextlib.suppress(OSError):  # nobody waits for it any more
                    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
                connection.close()


def _received(connection: socket.socket) -> tuple[dict[str, Any], int]:
    data, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 1)
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 20)
    return json.loads(data), descriptors[0]


def _put_on(output: int) -> None:
    """A session of its own, and the output that was asked for."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for theirs, ours in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(theirs, ours)
    os.close(nothing)
    os.close(output)


def be(request: dict[str, Any]) -> None:
    """Run the program, as `python` with these arguments would."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    first, *rest = request["arguments"]
    if first == "-m":
        sys.argv[:] = [rest[0], *rest[1:]]
        sys.path[0] = str(Path.cwd())
        _add_paths()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv[:] = ["-c", *rest[1:]]
        sys.path[0] = ""
        _add_paths()
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), vars(main))  # noqa: S102 - as `python -c`
    else:
        sys.argv[:] = [first, *rest]
        sys.path[0] = str(Path(first).absolute().parent)
        _add_paths()
        runpy.run_path(first, run_name="__main__")


def _add_paths() -> None:
    """Of PYTHONPATH, behind the folder of the program."""
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[1:1] = [path for path in named if path and path not in sys.path]


def leave(asked: dict[str, Any]) -> int:
    """Run the program to its end, and do what `python` does then, save for taking everything apart; its exit code."""
    code = 0
    try:
        be(asked)
    except SystemExit as end:
        code = _code(end)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined] # joins the threads that are to be waited for
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    return code


def _code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    prepare()
    asked = serve(sys.argv[1])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os._exit(leave(asked))
