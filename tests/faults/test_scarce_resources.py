"""A worker with too few file descriptors, threads or room for temporary files: a clear error, and no job is lost."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from taskforge import JobFailed
from taskforge.domain.job import JobStatus
from tests.faults.yard import Yard, worker_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from taskforge.sdk.handle import JobHandle
    from tests.support.processes import ChildProcess, Processes

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.chaos,
    pytest.mark.skipif(sys.platform != "linux", reason="limits of a running process are set by prlimit"),
]

STACK_KILOBYTES = 1_000_000
"""So much address space every thread takes, so that a limit of it limits their number (root has no other)."""


@pytest.fixture
async def yard(processes: Processes, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Yard]:
    """On one database: it has no part in this."""
    yard = Yard(processes, sqlite_url, tmp_path)
    yield yard
    await yard.app.aclose()


async def is_well(yard: Yard, child: ChildProcess) -> None:
    """It runs jobs of all kinds, and leaves in good order."""
    for task in ("wait", "wait_in_thread"):
        assert await (await yard.app.registry.find(task).aenqueue(seconds=0.05)).aresult(timeout=30)
    await (await yard.app.registry.find("in_process").aenqueue()).aresult(timeout=30)
    child.terminate()
    assert await child.ended(20) == 0, child.output


async def told(yard: Yard, job: JobHandle[int], what: str) -> None:
    """It failed by itself, and says why."""
    with pytest.raises(JobFailed, match=what):
        await job.aresult(timeout=30)
    stored = await (await yard.platform()).insights.job(job.id)
    assert (stored.status, stored.losses, stored.claim_seq) == (JobStatus.FAILED, 0, 1)


async def test_no_more_file_descriptors(yard: Yard) -> None:
    find = yard.app.registry.find
    child = yard.worker("few", lease=2)
    await child.printed("is online")
    await (await find("wait_in_thread").aenqueue(seconds=0)).aresult(timeout=20)
    resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (descriptors_of(child.pid) + 6, 1000))
    hoarder = await find("hoard_files").aenqueue(seconds=4.0)
    await yard.noted(child, "has all there are")
    in_process = await find("in_process").options(max_attempts=1).aenqueue()
    on_loop = await find("wait_silently").aenqueue(seconds=2.5)
    await told(yard, in_process, "Too many open files")
    await on_loop.aresult(timeout=20)
    assert (await (await yard.platform()).insights.job(on_loop.id)).losses == 0, "the lease was kept"
    await told(yard, hoarder, "Too many open files")
    resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (1000, 1000))
    await is_well(yard, child)


async def test_no_more_threads(yard: Yard) -> None:
    find = yard.app.registry.find
    words = [sys.executable, "-m", "taskforge", *worker_arguments("few")]
    child = yard.processes.start(
        "sh",
        "-c",
        f'ulimit -s {STACK_KILOBYTES}; exec "$0" "$@"',
        *words,
        environment=yard.environment(2, 0.3),
    )
    await child.printed("is online")
    await (await find("wait").aenqueue(seconds=0)).aresult(timeout=20)
    room = address_space_of(child.pid) + STACK_KILOBYTES * 1024 * 5 // 2
    resource.prlimit(child.pid, resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    jobs = [await find("wait_in_thread").aenqueue(seconds=0.8) for _ in range(6)]
    in_process = await find("in_process").options(max_attempts=1).aenqueue()
    for job in jobs:
        await job.aresult(timeout=30)
        stored = await (await yard.platform()).insights.job(job.id)
        assert (stored.losses, stored.claim_seq, stored.attempt_count) == (0, 1, 1)
    assert yard.notes(child).count("began") == yard.notes(child).count("ended") == len(jobs) + 1
    assert "can't start new thread" in child.output
    await told(yard, in_process, "can't start new thread for a child process")
    assert not children_of(child.pid), "what could not be watched was ended"
    resource.prlimit(child.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await is_well(yard, child)


def descriptors_of(pid: int) -> int:
    """How many it has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def address_space_of(pid: int) -> int:
    """In bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


def children_of(pid: int) -> list[str]:
    """The processes that it has, and has not reaped."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.fixture
def full_folder(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory without any room."""
    folder = tmp_path / "full"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16k,nr_inodes=4", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only, and not everywhere")
    try:
        with pytest.raises(OSError, match="No space left"):
            (folder / "all").write_bytes(b"x" * 100_000)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("options", [[], ["--processes", "2"]], ids=["one", "supervised"])
async def test_the_temporary_folder_is_full(yard: Yard, full_folder: Path, options: list[str]) -> None:
    child = yard.processes.taskforge(
        *worker_arguments("few"),
        *options,
        environment=yard.environment(2, 0.3) | {"TMPDIR": str(full_folder)},
    )
    fails = await yard.app.registry.find("write_a_temporary_file").aenqueue(folder=str(full_folder))
    await told(yard, fails, "No space left on device")
    await is_well(yard, child)
