from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from taskforge.domain.durations import parse_duration
from taskforge.domain.errors import InvalidInput, InvalidPayload, NotFound
from taskforge.domain.job import JobStatus
from taskforge.domain.job_options import JobOptions
from taskforge.sdk.context import Context, current_job, use_context
from taskforge.sdk.decorator import TaskMaker
from taskforge.sdk.handle import JobHandle
from taskforge.sdk.task import AsyncTask, SyncTask
from tests.sdk.fakes import FakeBackend, a_context

if TYPE_CHECKING:
    from types import ModuleType


@dataclass
class Point:
    x: int


def add(a: int, b: int) -> int:
    """Adds two
    numbers.

    Slowly.
    """
    return a + b


async def move(ctx: Context, point: Point, by: int = 1) -> Point:
    return Point(point.x + by * ctx.attempt)


def test_a_plain_call_stays_a_plain_call(app: FakeBackend) -> None:
    task = app.task(add)
    assert task(2, 3) == 5
    assert task(a="x", b="y") == "xy"  # type: ignore[arg-type, comparison-overlap]
    assert app.calls == {}


def test_a_plain_call_of_a_task_that_takes_a_context(app: FakeBackend) -> None:
    task = app.task(move)
    context = a_context()

    async def calls() -> list[Point]:
        made_up = await task(Point(1))
        given = await task(context, Point(1))  # type: ignore[arg-type]
        with use_context(context):
            running = await task(Point(1))
        return [made_up, given, running]

    assert asyncio.run(calls()) == [Point(2), Point(3), Point(3)]


def test_what_a_task_knows_of_itself(app: FakeBackend) -> None:
    task = app.task(queue="sums", max_attempts=5, timeout="1h30m", tags=["a"], expires="1d")(add)
    assert isinstance(task, SyncTask)
    assert (task.name, task.queue, task.pool) == ("tests.sdk.test_task.add", "sums", "thread")
    assert task.defaults == JobOptions(
        queue="sums", max_attempts=5, timeout=5400.0, tags=["a"], expires=86400.0
    )
    assert task.description == "Adds two numbers."
    assert task.schema()["required"] == ["a", "b"]
    assert "test_task.py:" in task.place
    assert not task.is_async
    assert task.function is add
    assert task.__doc__ == add.__doc__
    assert app.registry.get(task.name) is task
    asynchronous = app.task(name="moves")(move)
    assert isinstance(asynchronous, AsyncTask)
    assert (asynchronous.name, asynchronous.queue, asynchronous.pool) == ("moves", "default", "async")
    assert asynchronous.description is None


def test_enqueue_and_result(app: FakeBackend) -> None:
    task = app.task(add)
    job = task.enqueue(2, b=3)
    assert job.result(timeout=10) == 5
    assert app.timeouts == [10]
    assert app.calls[job.id].payload == '{"a":2,"b":3}'


def test_the_asynchronous_verbs(app: FakeBackend) -> None:
    task = app.task(move)

    async def verbs() -> tuple[Point, Point, JobStatus, JobStatus]:
        job = await task.aenqueue(Point(1), by=2)
        before = await job.astatus()
        first, second = await job, await job.aresult(timeout=1)
        await job.acancel()
        return first, second, before, await job.astatus()

    assert asyncio.run(verbs()) == (Point(5), Point(5), JobStatus.PENDING, JobStatus.CANCELLED)


def test_the_synchronous_verbs_of_a_handle(app: FakeBackend) -> None:
    job = app.task(add).enqueue(1, 2)
    assert job.status() is JobStatus.PENDING
    job.cancel()
    assert job.status() is JobStatus.CANCELLED
    assert job == JobHandle[int](job.id, app)
    assert hash(job) == hash(JobHandle[int](job.id, app))
    with pytest.raises(NotFound):
        JobHandle[Any](uuid4(), app).status()


def test_parameters_may_have_any_name(app: FakeBackend) -> None:
    @app.task
    def it(self: int, connection: int, function: int, args: int) -> int:
        return self + connection + function + args

    assert it.enqueue(self=1, connection=2, function=3, args=4).result() == 10
    assert it(self=1, connection=2, function=3, args=4) == 10


def test_options_of_a_call_go_before_the_task(app: FakeBackend) -> None:
    task = app.task(queue="q", priority=3, timeout=10, tags=["t"])(add)
    call = task.options(priority=5, delay=timedelta(seconds=60)).options(queue="other", delay="2m").job(1, 2)
    assert call.queue == "other"
    assert call.options == JobOptions(queue="other", priority=5, delay=120.0, timeout=10, tags=["t"])
    assert task.job(1, 2).queue == "q"
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert task.options(delay=3).options(run_at=moment).job(1, 2).options.run_at == moment
    assert task.options(priority=9).enqueue(1, 2).result() == 3
    assert asyncio.run(task.options(priority=9).aenqueue(1, 2)).result() == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prio": 1}, "no option 'prio'"),
        ({"priority": 10}, "priority must be"),
        ({"timeout": "soon"}, "timeout is not a duration"),
        ({"delay": 1, "run_at": datetime(2026, 1, 1, tzinfo=UTC)}, "delay or run_at"),
        ({"run_at": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_wrong_options(app: FakeBackend, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        app.task(add).options(**fields)


def test_wrong_arguments_are_refused_at_enqueue(app: FakeBackend) -> None:
    task = app.task(add)
    for verb in (task.enqueue, task.job, task.options(delay=1).enqueue):
        with pytest.raises(InvalidPayload, match=r"payload\.b must be int"):
            verb(1, "x")  # type: ignore[arg-type]
    with pytest.raises(InvalidPayload):
        task.check_payload('{"a": 1}')
    task.check_payload('{"a": 1, "b": 2}')


def test_results(app: FakeBackend) -> None:
    @app.task
    def nothing() -> None: ...

    @app.task
    def honest(n: int) -> float:
        return n

    @app.task
    def otherwise() -> Point:
        return {"no": "point"}  # type: ignore[return-value]

    @app.task
    def unwritable() -> object:
        return object()

    assert nothing.enqueue().result() is None
    assert type(honest.enqueue(1).result()) is float
    assert otherwise.enqueue().result() == {"no": "point"}  # type: ignore[comparison-overlap]
    with pytest.raises(InvalidPayload, match="result is of type object"):
        unwritable.enqueue().result()


def test_the_task_runs_with_its_context(app: FakeBackend) -> None:
    @app.task
    async def who() -> str:
        return current_job().task

    assert who.enqueue().result() == "tasks.add"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pool": "async"}, "a plain def runs in pool 'thread' or 'process', not 'async'"),
        ({"memory_limit": "1GiB"}, "memory_limit is for process tasks"),
        ({"pool": "process", "memory_limit": "much"}, "memory_limit is not an amount of memory: 'much'"),
        ({"pool": "process", "memory_limit": "100MB"}, "memory_limit must be at least 128MiB"),
        ({"pool": "fast"}, "pool must be"),
        ({"name": "with space"}, "job type"),
        ({"name": "x" * 101}, "job type"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"colour": 1}, "no option 'colour'"),
    ],
)
def test_what_a_task_cannot_be(app: FakeBackend, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        app.task(**fields)(add)
    assert len(app.registry) == 0


def test_functions_that_cannot_be_tasks(app: FakeBackend) -> None:
    def generator():  # type: ignore[no-untyped-def]
        yield 1

    with pytest.raises(InvalidInput, match="it yields"):
        app.task(generator)
    with pytest.raises(InvalidInput, match="no name of its own"):
        app.task(lambda: None)
    with pytest.raises(InvalidInput, match="async def runs in pool"):
        app.task(pool="thread")(move)


def test_names(app: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    def local() -> None: ...

    assert app.task(local).name == "tests.sdk.test_task.test_names.local"

    def script() -> None: ...

    script.__module__, script.__qualname__ = "__main__", "script"
    main: ModuleType = type(sys)("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert app.task(script).name == "__main__.script"
    main.__file__ = "/somewhere/jobs.py"
    script.__qualname__ = "second"
    assert app.task(script).name == "jobs.second"
    main.__spec__ = type("Spec", (), {"name": "package.__main__"})()
    script.__qualname__ = "third"
    assert app.task(script).name == "package.third"


def test_one_decorator_for_many(app: FakeBackend) -> None:
    reports = app.task(queue="reports")
    assert isinstance(reports, TaskMaker)
    assert reports(add).queue == reports(move).queue == "reports"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1.5 d", 129600),
        ("250ms", 0.25),
        ("1w", 604800),
        ("1M", 60),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "timeout") == seconds


@pytest.mark.parametrize("text", ["", "30", "h", "-1s", "1x", "1h ago", "1,5h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text, "timeout")
    assert caught.value.field == "timeout"
