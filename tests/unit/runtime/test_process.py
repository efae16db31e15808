"""A worker process: signals, exit codes, and a SystemExit that does not end it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from taskforge.runtime.process import run_until_complete

ROOT = Path(__file__).parents[3]

PROGRAM = """
import asyncio, contextlib, sys, time
from taskforge.runtime.process import run_worker_process
from tests.unit.runtime.fake_link import FakeLink
from tests.unit.runtime.scene import Scene

@contextlib.asynccontextmanager
async def open_worker():
    link = FakeLink()
    scene = Scene(link)

    @scene.task
    async def job():
        print("started", flush=True)
        {body}

    link.add("job")
    try:
        yield scene.worker(grace={grace}, stop_grace=0.2)
    finally:
        print([type(report.outcome).__name__ for report in link.reports], link.verbs[-1], flush=True)

sys.exit(run_worker_process(open_worker))
"""


def start(body: str, grace: float) -> subprocess.Popen[str]:
    """A process whose one job has begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM).format(body=body, grace=grace)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_with_0(number: int) -> None:
    process = start("await asyncio.sleep(0.3)", grace=10)
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert output == "['Succeeded'] leave\n"
    assert process.returncode == 0


def test_a_job_that_outlasts_the_grace_is_handed_back() -> None:
    process = start("await asyncio.sleep(60)", grace=0.1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert output == "['Released'] leave\n"
    assert process.returncode == 0


def test_a_handler_that_never_stops_does_not_hold_up_the_exit() -> None:
    body = """
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
    """
    process = start(body.strip(), grace=0.1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert output == "['Released'] leave\n"
    assert process.returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_exits_at_once_even_when_the_loop_is_blocked(number: int, code: int) -> None:
    body = "end = time.monotonic() + 60\n        while time.monotonic() < end: time.sleep(0.01)"
    process = start(body, grace=60)
    process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(number)
    assert process.wait(20) == code
    if process.stdout is not None:
        process.stdout.close()


def test_a_system_exit_in_a_task_of_a_handler_does_not_end_the_loop() -> None:
    async def main() -> str:
        async def leave() -> None:
            raise SystemExit(3)

        child = asyncio.create_task(leave())
        await asyncio.wait({child})
        assert isinstance(child.exception(), SystemExit)
        return "still here"

    assert run_until_complete(main()) == "still here"


def test_a_system_exit_of_main_ends_it() -> None:
    async def main() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run_until_complete(main())
