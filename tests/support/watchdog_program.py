"""The program behind `tests.support.watchdog`: it outlives a killed test run just long enough to clean up.

It reads one JSON command a line: `{"guard": [kind, what]}` or `{"forget": [kind, what]}`. When its input ends,
because the owner closed it or died in whatever way, it removes what is still guarded and ends.
It imports nothing of ours, so that it starts in a few milliseconds and works from anywhere.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

GRACE_SECONDS = 5.0


def kill_process_group(group: int) -> None:
    """Kill every process of a group at once."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def remove_cluster(folder: Path) -> None:
    """Stop the PostgreSQL server whose data is in `folder/data`, at once, then delete the folder."""
    pid_file = folder / "data" / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError):  # it is not running
        stop_postmaster(int(pid_file.read_text().split("\n", 1)[0]), pid_file)
    shutil.rmtree(folder, ignore_errors=True)


def stop_postmaster(pid: int, pid_file: Path) -> None:
    """Ask for an immediate shutdown, and insist after a grace period. Raises OSError if there is no such process.

    The file tells the end, since a process whose parent does not wait for it stays visible.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    os.kill(pid, signal.SIGQUIT)
    while pid_file.exists():
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return
        os.kill(pid, 0)
        time.sleep(0.01)


def main() -> None:
    """Follow the commands until the input ends, then clean up."""
    guarded: dict[tuple[str, str], None] = {}
    for line in sys.stdin:
        try:
            command = json.loads(line)
        except ValueError:  # the owner died in the middle of a line
            break
        if "guard" in command:
            guarded[tuple(command["guard"])] = None
        else:
            guarded.pop(tuple(command["forget"]), None)
    for kind, what in guarded:
        if kind == "group":
            kill_process_group(int(what))
        elif kind == "cluster":
            remove_cluster(Path(what))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    main()
