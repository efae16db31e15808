"""What the fixture `taskforge` does, on its default database in memory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from taskforge import Context, Depends, JobFailed, Retry, Snooze, TaskForge
from taskforge.domain.errors import Conflict, InvalidInput, InvalidPayload
from taskforge.testing import Harness, MovableClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

tries: list[int] = []


class Gateway:
    def __init__(self, name: str) -> None:
        self.name = name


def real_gateway() -> Gateway:
    raise AssertionError("never in a test")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[TaskForge]:
    tries.clear()
    app = TaskForge(f"sqlite:///{tmp_path / 'never.db'}", project="shop")
    yield app
    assert not (tmp_path / "never.db").exists()


@pytest.fixture
def tasks(app: TaskForge) -> dict[str, Any]:
    @app.task(name="add")
    def add(a: int, b: int = 3) -> int:
        return a + b

    @app.task(name="flaky", max_attempts=3, retry_base=60)
    async def flaky(ctx: Context) -> str:
        tries.append(ctx.attempt)
        if ctx.attempt < 3:
            raise ValueError("not yet")
        return "at last"

    @app.task(name="doomed", max_attempts=2)
    async def doomed() -> None:
        raise Retry(after=3600)

    @app.task(name="tree", queue="other")
    async def tree(depth: int) -> int:
        if depth:
            await tree.aenqueue(depth - 1)
            await asyncio.to_thread(add.enqueue, depth, 0)
        return depth

    @app.task(name="charge")
    async def charge(when: datetime, gateway: Annotated[Gateway, Depends(real_gateway)]) -> str:
        return f"{gateway.name} {when.year}"

    return {task.name: task for task in app.registry}


def test_jobs_wait_until_they_are_drained(app: TaskForge, tasks: dict[str, Any]) -> None:
    add = tasks["add"]
    with Harness(app) as taskforge:
        handle = add.options(priority=5, tags=["x"], key="k").enqueue(2)
        job = taskforge.assert_enqueued(add, a=2)
        assert (job.id, job.args, job.status) == (handle.id, {"a": 2, "b": 3}, "pending")
        assert (job.priority, list(job.tags), job.key, job.queue) == (5, ["x"], "k", "default")
        taskforge.assert_enqueued("add", b=3)
        taskforge.assert_not_enqueued(add, a=3)
        with pytest.raises(
            AssertionError, match=r"add\(a=4\) was not enqueued\nenqueued were:\n  add\(a=2, b=3\)"
        ):
            taskforge.assert_enqueued(add, a=4)
        with pytest.raises(AssertionError, match="was enqueued"):
            taskforge.assert_not_enqueued(add)
        assert taskforge.drain() == 1
        [done] = taskforge.jobs(add)
        assert (done.status, done.result, done.attempts, handle.result(timeout=1)) == ("succeeded", 5, 1, 5)
        assert taskforge.drain() == 0
    with Harness(app) as taskforge:
        assert taskforge.jobs() == []
        with pytest.raises(AssertionError, match="nothing was enqueued"):
            taskforge.assert_enqueued(add)


def test_arguments_are_checked_as_ever(app: TaskForge, tasks: dict[str, Any]) -> None:
    with Harness(app) as taskforge:
        with pytest.raises(InvalidPayload):
            tasks["add"].enqueue("two")
        moment = datetime(2026, 11, 30, tzinfo=UTC)
        app.dependency_overrides[real_gateway] = lambda: Gateway("fake")
        tasks["charge"].enqueue(when=moment)
        taskforge.assert_enqueued(tasks["charge"], when=moment)
        taskforge.drain()
        assert taskforge.jobs()[0].result == "fake 2026"


def test_what_is_due_later_waits_for_the_clock(app: TaskForge, tasks: dict[str, Any]) -> None:
    with Harness(app) as taskforge:
        tasks["flaky"].enqueue()
        tasks["add"].options(delay="1h").enqueue(1)
        assert taskforge.drain() == 1
        [flaky, add] = taskforge.jobs()
        assert (flaky.status, flaky.attempts, add.status) == ("scheduled", 1, "scheduled")
        assert flaky.error is None
        taskforge.advance(61)
        assert taskforge.drain() == 1
        taskforge.advance(timedelta(hours=1))
        assert taskforge.drain() == 2
        assert [(job.status, job.result) for job in taskforge.jobs()] == [
            ("succeeded", "at last"),
            ("succeeded", 4),
        ]
        assert tries == [1, 2, 3]
        tasks["add"].options(expires=60).enqueue(1)
        assert taskforge.drain() == 1
        tasks["add"].options(expires=60).enqueue(1)
        taskforge.advance("2m")
        assert taskforge.drain() == 0
        assert taskforge.jobs()[-1].status == "failed"


def test_schedules_are_due_by_the_clock(app: TaskForge) -> None:
    @app.task(name="monthly", cron="0 6 1 * *", timezone="Asia/Jakarta")
    def monthly() -> str:
        return "report"

    with Harness(app) as taskforge:
        assert taskforge.drain() == 0
        taskforge.advance("31d")
        assert taskforge.drain() == 1
        assert taskforge.jobs(monthly)[0].result == "report"


def test_jobs_that_make_jobs_are_drained_too(app: TaskForge, tasks: dict[str, Any]) -> None:
    with Harness(app) as taskforge:
        tasks["tree"].enqueue(3)
        assert taskforge.drain() == 7
        assert {job.status for job in taskforge.jobs()} == {"succeeded"}
        tasks["tree"].enqueue(20)
        with pytest.raises(Conflict, match="and there are more"):
            taskforge.drain(most=10)


def test_inline_runs_each_job_before_enqueue_returns(app: TaskForge, tasks: dict[str, Any]) -> None:
    with Harness(app, mode="inline") as taskforge:
        assert tasks["add"].enqueue(2).status().value == "succeeded"
        assert tasks["flaky"].enqueue().result(timeout=1) == "at last"
        assert tries == [1, 2, 3]
        failed = tasks["doomed"].enqueue()
        with pytest.raises(JobFailed):
            failed.result(timeout=1)
        assert taskforge.jobs("doomed")[0].attempts == 2
        assert taskforge.jobs("doomed")[0].error == "Retry: the task asked to be tried again"
        assert [job.status().value for job in app.enqueue_many([tasks["add"].job(i) for i in range(3)])] == [
            "succeeded"
        ] * 3
        tasks["tree"].enqueue(2)
        assert {job.status for job in taskforge.jobs("tree")} == {"succeeded"}
        assert tasks["add"].options(delay=60).enqueue(1).status().value == "scheduled"
    assert "submit" not in vars(app)


def test_a_snoozed_job_waits_even_inline(app: TaskForge) -> None:
    @app.task(name="poll")
    def poll() -> None:
        raise Snooze(60)

    with Harness(app) as taskforge:
        with taskforge.inline():
            assert poll.enqueue().status().value == "scheduled"
        poll.enqueue()
        assert [job.status for job in taskforge.jobs()] == ["scheduled", "pending"]


@pytest.mark.anyio
async def test_asynchronous_tests_drain_on_their_own_loop(app: TaskForge) -> None:
    loops: list[object] = []

    @app.task(name="where")
    async def where() -> None:
        loops.append(asyncio.get_running_loop())

    with Harness(app) as taskforge:
        await where.aenqueue()
        assert await taskforge.adrain() == 1
        await where.aenqueue()
        assert taskforge.drain() == 1
        with taskforge.inline():
            await where.aenqueue()
        assert [job.status for job in taskforge.jobs()] == ["succeeded"] * 3
        here = asyncio.get_running_loop()
        assert [loop is here for loop in loops] == [True, False, True]
        await app.aclose()


def test_the_application_is_as_it_was_afterwards(tmp_path: Path) -> None:
    app = TaskForge(f"sqlite:///{tmp_path / 'own.db'}")

    @app.task(name="note")
    def note() -> None: ...

    outside = note.enqueue()
    with Harness(app) as taskforge:
        assert taskforge.jobs() == []
    assert outside.status().value == "pending"
    app.close()


def test_the_clock_goes_forward_only() -> None:
    clock = MovableClock()
    began = clock.now()
    assert clock.advance("1h30m") >= began + timedelta(hours=1, minutes=30)
    assert clock.move_to(began + timedelta(days=2)) >= began + timedelta(days=2)
    with pytest.raises(InvalidInput):
        clock.advance(-1)
    with pytest.raises(InvalidInput):
        clock.move_to(datetime(2030, 1, 1))  # noqa: DTZ001 - that is what is refused
