from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.errors import Conflict, Unavailable
from taskforge.sdk.bridge import Bridge

if TYPE_CHECKING:
    from collections.abc import Iterator

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge()
    yield made
    made.close()


async def double(number: int, *, add: int = 0) -> int:
    await asyncio.sleep(0)
    return number * 2 + add


async def fail() -> None:
    raise KeyError("lost")


async def thread_name() -> str:
    return threading.current_thread().name


async def ever() -> None:
    await asyncio.Event().wait()


def test_results_and_errors_come_back(bridge: Bridge) -> None:
    assert bridge.run(double, 2, add=1) == 5
    with pytest.raises(KeyError, match="lost") as caught:
        bridge.run(fail)
    assert any(entry.name == "fail" for entry in caught.traceback)
    assert bridge.run(double, 3) == 6


def test_one_thread_serves_all(bridge: Bridge) -> None:
    results: list[int] = []

    def call(number: int) -> None:
        results.extend(bridge.run(double, number) for _ in range(50))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(number * 2 for number in range(8) for _ in range(50))
    assert bridge.run(thread_name) == "taskforge-bridge"
    assert sum(thread.name == "taskforge-bridge" for thread in threading.enumerate()) >= 1


def test_context_variables_are_those_of_the_caller(bridge: Bridge) -> None:
    async def read() -> str:
        return variable.get()

    token = variable.set("mine")
    try:
        assert bridge.run(read) == "mine"
    finally:
        variable.reset(token)
    assert bridge.run(read) == "unset"


def test_inside_a_running_loop_it_works_and_warns_once(bridge: Bridge) -> None:
    async def calls() -> int:
        with pytest.warns(RuntimeWarning, match=r"use: await \.\.\.\.double\(\.\.\.\)") as caught:
            first = bridge.run(double, 1)
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return first + bridge.run(double, 2)

    assert asyncio.run(calls()) == 6


def test_on_its_own_loop_it_would_wait_for_itself(bridge: Bridge) -> None:
    async def inner() -> int:
        return bridge.run(double, 1)

    with pytest.raises(Conflict, match="wait for itself"):
        bridge.run(inner)


def test_close_ends_what_is_under_way(bridge: Bridge) -> None:
    closed: list[int] = []
    running = threading.Event()
    failures: list[BaseException] = []

    async def close(number: int) -> None:
        closed.append(number)

    async def wait() -> None:
        running.set()
        await ever()

    def call() -> None:
        try:
            bridge.run(wait)
        except BaseException as error:
            failures.append(error)

    bridge.on_close(lambda: close(1))
    bridge.on_close(lambda: close(2))
    caller = threading.Thread(target=call)
    caller.start()
    running.wait(5)
    bridge.close()
    caller.join(5)
    assert not caller.is_alive()
    assert isinstance(failures[0], Unavailable)
    assert closed == [2, 1]
    assert bridge.run(double, 4) == 8
    bridge.close()
    bridge.close()
    assert closed == [2, 1]


def test_calls_during_close_are_never_lost() -> None:
    bridge = Bridge()
    answers: list[object] = []

    def call() -> None:
        for number in range(200):
            try:
                answers.append(bridge.run(double, number))
            except Unavailable:
                answers.append(None)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        bridge.close()
    for thread in threads:
        thread.join(30)
    bridge.close()
    assert len(answers) == 800


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_gets_a_loop_of_its_own() -> None:
    program = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from taskforge.sdk.bridge import Bridge
import asyncio
async def pid(): await asyncio.sleep(0.01); return os.getpid()
bridge = Bridge()
assert bridge.run(pid) == os.getpid()
child = os.fork()
if child == 0:
    ok = bridge.run(pid) == os.getpid()
    bridge.close()
    sys.exit(0 if ok else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
for _ in range(20):
    assert bridge.run(pid) == os.getpid()
print("fine")
"""
    finished = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "fine\n", "")


def test_a_program_ends_cleanly() -> None:
    program = """
from taskforge.sdk.bridge import Bridge
async def one(): return 1
async def bye(): print("bye")
bridge = Bridge()
bridge.on_close(bye)
print(bridge.run(one))
"""
    finished = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "1\nbye\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_control_c_ends_the_wait_and_the_call() -> None:
    program = """
import asyncio, os, signal, threading, time
from taskforge.sdk.bridge import Bridge
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs us in the background ignores it
stopped = threading.Event()
async def wait():
    try: await asyncio.sleep(60)
    finally: stopped.set()
bridge = Bridge()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try: bridge.run(wait)
except KeyboardInterrupt: print("interrupted", stopped.wait(5))
"""
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (finished.stdout, finished.stderr) == ("interrupted True\n", "")
