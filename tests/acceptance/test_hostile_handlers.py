"""Handlers that do their worst, in real workers on each database: never a dead worker, never a false success."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskforge import JobFailed
from taskforge.domain.job import MAX_LOSSES, JobStatus
from tests.acceptance.fleet import ROOT
from tests.support.eventually import eventually
from tests.support.hostile_app import app as tasks
from tests.support.processes import is_running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from taskforge.app import TaskForge
    from tests.support.processes import ChildProcess, Processes

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]


class Yard:
    """A database, workers on it, and their tasks here."""

    def __init__(self, processes: Processes, url: str) -> None:
        self._processes = processes
        self._url = url

    def start(self, *options: str) -> ChildProcess:
        """Workers, on their way."""
        environment = {
            "TASKFORGE_DATABASE_URL": self._url,
            "TASKFORGE_LEASE_SECONDS": "3",
            "TASKFORGE_RECOVERY_INTERVAL_SECONDS": "0.3",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
        }
        words = ["worker", "tests.support.hostile_app:app", "--grace", "0.3s", *options]
        return self._processes.taskforge(*words, environment=environment)

    @property
    def application(self) -> TaskForge:
        """The application, to enqueue with."""
        return tasks

    async def enqueue(self, task: str, **arguments: Any) -> Any:
        """The handle of a new job."""
        return await tasks.registry.find(task).aenqueue(**arguments)

    async def job(self, handle: Any) -> Any:
        """The job as it is stored."""
        return await (await tasks.platform()).insights.job(handle.id)


@pytest.fixture
async def yard(
    database_url: str, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Yard]:
    monkeypatch.setattr(tasks, "_wiring", None)
    tasks.configure(database_url=database_url)
    yield Yard(processes, database_url)
    await tasks.aclose()


async def pids_in(file: Path) -> list[int]:
    """The processes that a handler has written down."""

    def check() -> list[int]:
        assert file.exists()
        assert " " in file.read_text()
        return [int(word) for word in file.read_text().split()]

    return await eventually(check, timeout=30)


async def gone(pids: list[int]) -> None:
    def check() -> None:
        assert not [pid for pid in pids if is_running(pid)]

    await eventually(check)


async def test_what_is_a_failed_attempt(yard: Yard) -> None:
    worker = yard.start("--name", "one")
    expected = {
        ("in_thread", "sys.exit"): "SystemExit",
        ("in_thread", "keyboard"): "KeyboardInterrupt",
        ("on_loop", "sys.exit"): "SystemExit",
        ("on_loop", "keyboard"): "KeyboardInterrupt",
        ("in_process", "sys.exit"): "SystemExit",
        ("in_process", "keyboard"): "KeyboardInterrupt",
        ("in_process", "_exit"): "ProcessDied",
        ("in_process", "segfault"): "ProcessDied",
        ("in_process", "abort"): "ProcessDied",
    }
    handles = {key: await yard.enqueue(key[0], how=key[1]) for key in expected}
    for key, handle in handles.items():
        with pytest.raises(JobFailed) as failed:
            await handle.aresult(timeout=30)
        assert failed.value.error_type == expected[key], key
        job = await yard.job(handle)
        assert (job.status, job.attempt_count, job.losses) == (JobStatus.FAILED, 1, 0)
    for task in ("in_thread", "on_loop", "in_process"):
        assert await (await yard.enqueue(task, how="nothing")).aresult(timeout=30) == "nothing"
    assert worker.returncode is None
    worker.terminate()
    assert await worker.ended() == 0


@pytest.mark.parametrize(("task", "how"), [("in_thread", "segfault"), ("on_loop", "_exit")])
async def test_what_kills_its_worker_is_buried_and_harms_nobody_else(yard: Yard, task: str, how: str) -> None:
    supervisor = yard.start("--processes", "2", "--name", "w")
    deadly = await yard.enqueue(task, how=how)
    with pytest.raises(JobFailed) as failed:
        await deadly.aresult(timeout=60)
    assert failed.value.error_type == "WorkerLost"
    job = await yard.job(deadly)
    assert (job.status, job.attempt_count, job.losses) == (JobStatus.FAILED, 0, MAX_LOSSES)
    assert await (await yard.enqueue(task, how="nothing")).aresult(timeout=30) == "nothing"
    supervisor.terminate()
    assert await supervisor.ended(30) == 0, supervisor.output
    assert supervisor.output.count("died (") >= MAX_LOSSES


async def test_a_killed_worker_takes_its_children_and_their_programs_along(
    yard: Yard, tmp_path: Path
) -> None:
    first = yard.start("--name", "one")
    handle = await yard.enqueue("long", begun=str(tmp_path / "begun"), seconds=300)
    pids = await pids_in(tmp_path / "begun")
    first.kill_alone()
    await gone(pids)
    yard.start("--name", "two")
    assert await handle.aresult(timeout=30) not in (0, pids[0])
    job = await yard.job(handle)
    assert (job.attempt_count, job.losses) == (1, 1)


async def test_sigterm_hands_a_process_task_back(yard: Yard, tmp_path: Path) -> None:
    worker = yard.start("--name", "one")
    handle = await yard.enqueue("long", begun=str(tmp_path / "begun"), seconds=300)
    pids = await pids_in(tmp_path / "begun")
    worker.terminate()
    assert await worker.ended(30) == 0, worker.output
    await gone(pids)
    job = await yard.job(handle)
    assert (job.status, job.attempt_count, job.losses) == (JobStatus.PENDING, 0, 0)


async def test_a_second_sigterm_leaves_no_children(yard: Yard, tmp_path: Path) -> None:
    worker = yard.start("--name", "one", "--grace", "60s")
    await yard.enqueue("long", begun=str(tmp_path / "begun"), seconds=300)
    pids = await pids_in(tmp_path / "begun")
    worker.terminate()
    await worker.printed("draining")
    worker.terminate()
    assert await worker.ended(10) == 143
    await gone(pids)
