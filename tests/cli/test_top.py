"""`taskforge top`: once, as JSON, and on a terminal until it is interrupted."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import ExitStack
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from taskforge.cli.exit_codes import ExitCode
from taskforge.cli.top_view import screen
from tests.support.processes import clean_environment
from tests.support.remote import KEY, served

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine
    from tests.support.processes import Processes

LINES, COLUMNS = 12, 90


def test_once(anywhere: CommandLine) -> None:
    anywhere.ok("run", "add", 1)
    anywhere("run", "fail", "x")
    anywhere.enqueue("add", 2)
    anywhere.enqueue("add", 3, "--delay", "1h")
    anywhere.ok("queues", "create", "another")
    anywhere.ok("queues", "pause", "another")
    found = anywhere.ok("top", "--json").json
    assert [queue["name"] for queue in found["queues"]] == ["default", "another"], "the busiest first"
    busy, idle = found["queues"]
    assert (busy["state"], idle["state"], idle["oldest_ready_seconds"]) == ("active", "paused", None)
    assert busy["oldest_ready_seconds"] >= 0
    figures = (busy["ready"], busy["held"], busy["scheduled"], busy["processing"])
    assert figures == (1, 0, 1, 0)
    assert (busy["done_per_minute"], busy["failed_per_minute"]) == (1.0, 1.0)
    assert found["totals"]["ready"] == 1
    assert found["workers"] == []
    lines = anywhere.ok("top", "--queue", "another").out.splitlines()
    assert "0 ready, 0 held, 0 scheduled, 0 running; 0 done/min" in lines[0]
    assert lines[2].split() == ["another", "paused", *"000000"]
    assert "no worker runs" in lines[-1]


def test_nothing_is_there(shop: CommandLine) -> None:
    assert "no queues yet" in shop.ok("top").out
    assert shop.ok("top", "--json").json["queues"] == []


@pytest.mark.parametrize("interval", ["0.49", "61", "nan", "-1"])
def test_an_interval_out_of_range(shop: CommandLine, interval: str) -> None:
    assert "0.5 to 60 seconds" in shop.refused(ExitCode.USAGE, "top", "--interval", interval)


def test_a_queue_that_is_none(shop: CommandLine) -> None:
    shop.ok("queues", "create", "reports")
    assert "did you mean reports?" in shop.refused(ExitCode.NOT_FOUND, "top", "-q", "reprots")


def test_a_narrow_terminal_has_names_and_no_rates(shop: CommandLine) -> None:
    shop.ok("queues", "create", "reports")
    written = StringIO()
    out = Console(width=40, height=10, file=written)
    out.print(screen(shop.ok("top", "--json").json, out.size, "these figures are old: it is away"))
    shown = written.getvalue().splitlines()
    assert shown[1].split() == ["QUEUE", "STATE", "READY", "HELD", "SCHED", "RUN"]
    assert shown[2].startswith("repor")
    assert shown[-1].startswith("these figures are old")


def test_what_workers_run_now(
    shop: CommandLine, sqlite_url: str, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", sqlite_url)
    for _ in range(2):
        shop.enqueue("forever")
    options = ("--name", "busy", "--grace", "0s", "--database-url", sqlite_url)
    worker = processes.taskforge("worker", *options, folder=shop.folder)
    worker.wait_for("is online")
    with served(sqlite_url) as server:
        for place in ((), ("--server", server, "--key", KEY)):
            deadline = time.monotonic() + 20
            while (found := shop.ok("top", "--json", *place).json)["totals"]["processing"] < 2:
                assert time.monotonic() < deadline
            [shown] = found["workers"]
            assert (shown["name"], shown["runs"]) == ("busy", {"tasks.forever": 2})
            assert "tasks.forever x2" in shop.ok("top", *place).out
    worker.terminate()
    worker.wait()


def test_sigterm_ends_it_in_order(shop: CommandLine) -> None:
    with Terminal(shop) as terminal:
        terminal.wait_for("Ctrl-C ends it")
        shown = terminal.terminate()
    assert "Traceback" not in shown
    assert shown.rstrip().endswith("\x1b[?25h"), "the cursor is there again"


def test_a_terminal_is_drawn_anew_until_ctrl_c(shop: CommandLine) -> None:
    for number in range(20):
        shop.ok("queues", "create", f"queue-{number:02}-with-a-name-that-no-terminal-of-ninety-columns-holds")
    with Terminal(shop) as terminal:
        terminal.wait_for("Ctrl-C ends it", times=3)
        shown = terminal.interrupt()
    assert "Traceback" not in shown
    assert "\x1b[1A" in shown, "it goes up, and draws over what stood there"
    assert shown.rstrip().endswith("\x1b[?25h"), "the cursor is there again"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    first, _, _ = plain.partition("Ctrl-C ends it")
    assert first.count("\n") < LINES
    assert all(len(line.strip("\r")) <= COLUMNS for line in first.split("\n"))
    assert "FAIL/MIN" in first, "names are cut, and not figures"
    assert "more queues" in first


def test_a_server_that_goes_away_is_asked_again(shop: CommandLine, sqlite_url: str) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(served(sqlite_url))
        with Terminal(shop, "--server", server, "--key", KEY) as terminal:
            terminal.wait_for("Ctrl-C ends it")
            stack.close()
            terminal.wait_for("these figures are old", times=2)
            assert "Traceback" not in terminal.interrupt()


class Terminal:
    """`taskforge top` on a terminal of its own."""

    def __init__(self, command: CommandLine, *options: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        inherited = {
            name: value for name, value in clean_environment().items() if name not in ("LINES", "COLUMNS")
        }
        self._child = subprocess.Popen(
            [sys.executable, "-m", "taskforge", "top", "--interval", "0.5", *options],
            stdin=slave, stdout=slave, stderr=slave, cwd=command.folder, env={**inherited, "TERM": "xterm"},
        )  # fmt: skip
        os.close(slave)
        self._shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._master)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until it has shown this so many times. Raises AssertionError if it ends before."""
        while self._shown.count(text) < times:
            assert self._read(), f"it ended: {self._shown}"

    def interrupt(self) -> str:
        """Ctrl-C, and wait for the end: all that it has shown."""
        return self._end(signal.SIGINT, ExitCode.INTERRUPTED)

    def terminate(self) -> str:
        """The same by SIGTERM."""
        return self._end(signal.SIGTERM, ExitCode.OK)

    def _end(self, number: signal.Signals, code: ExitCode) -> str:
        self._child.send_signal(number)
        while self._read():
            pass
        assert self._child.wait() == code
        return self._shown

    def _read(self) -> bool:
        try:
            part = os.read(self._master, 1000).decode(errors="replace")
        except OSError:  # the other side is closed
            return False
        self._shown += part
        return bool(part)
