"""The pipe behind a worker's standard output and error is full: jobs go on, leases are kept, signals are obeyed."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults.yard import Yard, worker_arguments
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.support.processes import ChildProcess, Processes

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]

PIPE_BYTES = 64 * 1024
TO_PIPE = 'exec "$0" "$@" > "$PIPE" 2>&1'


class Reader:
    """Holds the reading end of a named pipe, and reads only when told to."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.text = ""
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def read(self) -> None:
        """All that is there."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.text += os.read(self._descriptor, PIPE_BYTES).decode(errors="replace")

    def close(self) -> None:
        """Go away."""
        os.close(self._descriptor)


@pytest.fixture
async def yard(processes: Processes, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Yard]:
    """On one database: it has no part in this."""
    yard = Yard(processes, sqlite_url, tmp_path)
    yield yard
    await yard.app.aclose()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path / "pipe")
    yield reader
    reader.close()


def start(yard: Yard, reader: Reader, *options: str) -> ChildProcess:
    """A worker whose output goes there."""
    environment = yard.environment(3, 0.3) | {"PIPE": str(reader.path), "TASKFORGE_LOG_LEVEL": "debug"}
    command = [sys.executable, "-m", "taskforge", *worker_arguments("silent"), *options]
    return yard.processes.start("sh", "-c", TO_PIPE, *command, environment=environment)


@pytest.mark.parametrize("options", [[], ["--processes", "2"]], ids=["one", "supervised"])
async def test_a_worker_whose_output_nobody_reads(yard: Yard, reader: Reader, options: list[str]) -> None:
    find = yard.app.registry.find
    child = start(yard, reader, *options)
    talkers = [
        await find(task).aenqueue(lines=2 * PIPE_BYTES // 100)
        for task in ("chatter", "chatter_on_the_loop")
        for _ in range(2)
    ]
    for talker in talkers:
        await talker.aresult(timeout=60)
    job = await find("wait").aenqueue(seconds=4.5)  # one and a half leases
    await job.aresult(timeout=30)
    platform = await yard.platform()
    for handle in [*talkers, job]:
        stored = await platform.insights.job(handle.id)
        assert (stored.losses, stored.claim_seq, stored.attempt_count) == (0, 1, 1)

    def told() -> None:
        reader.read()
        assert "bytes were not written: nobody read]" in reader.text

    await eventually(told, 20)
    assert "is online" in reader.text
    await (await find("chatter").aenqueue(lines=2 * PIPE_BYTES // 100)).aresult(timeout=30)
    child.terminate()
    assert await child.ended(20) == 0


async def test_a_worker_whose_reader_has_gone(yard: Yard, reader: Reader) -> None:
    child = start(yard, reader)
    await eventually(reader.read, 1)
    job = await yard.app.registry.find("wait").aenqueue(seconds=0)
    await job.aresult(timeout=30)
    os.close(reader._descriptor)
    try:
        for task in ("chatter", "chatter_on_the_loop"):
            await (await yard.app.registry.find(task).aenqueue(lines=10)).aresult(timeout=30)
        child.terminate()
        assert await child.ended(20) == 0
    finally:
        reader._descriptor = os.open(os.devnull, os.O_RDONLY)
