"""What is refused before it becomes a job: each by a named error that says what and where, and nothing is stored."""

from __future__ import annotations

import asyncio
import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.errors import InvalidInput, InvalidPayload, NotFound, QueueClosed
from taskforge.domain.job_options import JobOptions
from taskforge.domain.queue import QueueState
from taskforge.services.submission import JobRequest
from tests.conformance.stage import run_sql

if TYPE_CHECKING:
    from taskforge import TaskForge

pytestmark = pytest.mark.anyio


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


PAYLOADS: dict[str, tuple[Any, str, str]] = {
    "NaN": ({"price": math.nan}, "value.price", "is NaN"),
    "Infinity": ([1, math.inf], "value[1]", "is infinite"),
    "1e400": (float("1e400"), "value", "is infinite"),
    "lone surrogate": (["\udc80"], "value[0]", "lone surrogate"),
    "NUL": ({"name": "a\x00b"}, "value.name", "NUL character"),
    "depth 5,000": (nested(5_000), "payload", "nested more than 64 levels"),
    "over the size limit": ("x" * 300_000, "payload", "the limit is 262,144"),
    "no JSON": (object(), "value", "which is not JSON"),
}


@pytest.mark.parametrize("what", PAYLOADS)
async def test_payload(app: TaskForge, database_url: str, what: str) -> None:
    value, field, message = PAYLOADS[what]

    @app.task(name="t")
    async def task(value: Any) -> None: ...

    with pytest.raises(InvalidPayload) as caught:
        await task.aenqueue(value)
    assert message in caught.value.message
    assert field in str(caught.value.field)
    assert await run_sql(database_url, "SELECT count(*) FROM jobs") in ([(0,)], [[0]])


async def test_2_to_the_70_stays_exact(app: TaskForge) -> None:
    @app.task(name="t")
    async def task(value: Any) -> int:
        assert value == 2**70
        return 2**70

    async with app.worker(name="w"):
        assert await (await task.aenqueue(2**70)) == 2**70


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "negative priority": ({"priority": -1}, "priority"),
    "huge priority": ({"priority": 10**30}, "priority"),
    "priority that is no number": ({"priority": "9"}, "priority"),
    "no attempts": ({"max_attempts": 0}, "max_attempts"),
    "negative attempts": ({"max_attempts": -3}, "max_attempts"),
    "huge attempts": ({"max_attempts": 10**30}, "max_attempts"),
    "negative delay": ({"delay": -1}, "delay"),
    "huge delay": ({"delay": 1e300}, "delay"),
    "delay of NaN": ({"delay": math.nan}, "delay"),
    "infinite delay": ({"delay": math.inf}, "delay"),
    "no timeout": ({"timeout": 0}, "timeout"),
    "naive run_at": ({"run_at": datetime(2027, 1, 1)}, "run_at"),  # noqa: DTZ001
    "naive deadline": ({"deadline": datetime(2027, 1, 1)}, "deadline"),  # noqa: DTZ001
    "naive expires": ({"expires": datetime(2027, 1, 1)}, "expires"),  # noqa: DTZ001
    "tags with NUL": ({"tags": ["a\x00"]}, "tags"),
    "tags with a lone surrogate": ({"tags": ["\udc80"]}, "tags"),
    "too many tags": ({"tags": ["x"] * 21}, "tags"),
    "queue name with NUL": ({"queue": "a\x00"}, "queue"),
    "queue name with a lone surrogate": ({"queue": "\udc80"}, "queue"),
    "queue name too long": ({"queue": "q" * 101}, "queue"),
    "queue name empty": ({"queue": ""}, "queue"),
}


@pytest.mark.parametrize("what", OPTIONS)
async def test_option(app: TaskForge, database_url: str, what: str) -> None:
    fields, field = OPTIONS[what]

    @app.task(name="t")
    async def task() -> None: ...

    with pytest.raises(InvalidInput) as caught:
        await task.options(**fields).aenqueue()
    assert caught.value.field == field
    assert await run_sql(database_url, "SELECT count(*) FROM jobs") in ([(0,)], [[0]])


async def test_an_unknown_queue_by_name_alone(app: TaskForge) -> None:
    platform = await app.platform()
    await platform.queues.create("reports")
    with pytest.raises(NotFound, match="no queue is named 'report'") as caught:
        await platform.submission.submit(JobRequest("report", "t", "{}", JobOptions()), declare=False)
    assert caught.value.hint == "did you mean reports?"


async def test_a_closed_queue_and_its_neighbours_of_the_same_moment(app: TaskForge) -> None:
    """Enqueues of the same moment share a statement; each has its own outcome."""
    platform = await app.platform()
    await platform.queues.create("shut", state=QueueState.CLOSED)

    @app.task(name="t")
    async def task(number: int) -> int:
        return number

    results = await asyncio.gather(
        *(
            task.options(queue="shut" if number % 3 == 0 else "default").aenqueue(number)
            for number in range(30)
        ),
        return_exceptions=True,
    )
    assert [isinstance(result, QueueClosed) for result in results] == [n % 3 == 0 for n in range(30)]
    async with app.worker(name="w", queues=["default"]):
        for number, result in enumerate(results):
            if number % 3:
                assert await result.aresult(timeout=20) == number  # type: ignore[union-attr]


async def test_a_row_that_the_database_refuses_does_not_sink_its_neighbours(
    app: TaskForge, database_url: str
) -> None:
    """As if a check were in the database that the program does not know of."""
    platform = await app.platform()
    await platform.directory.declared(["default"])
    if platform.foundation.engine.dialect == "sqlite":
        await run_sql(
            database_url,
            "CREATE TRIGGER no BEFORE INSERT ON jobs WHEN new.job_type = 'bad' "
            "BEGIN SELECT raise(ABORT, 'refused'); END",
        )
    else:
        await run_sql(database_url, "ALTER TABLE jobs ADD CHECK (job_type <> 'bad')")
    requests = [
        JobRequest("default", "bad" if number == 7 else "good", json.dumps({"n": number}), JobOptions())
        for number in range(20)
    ]
    outcomes = await asyncio.gather(
        *(platform.submission.submit(request, declare=True) for request in requests), return_exceptions=True
    )
    failed = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]
    assert failed == [7]
    [count] = await run_sql(database_url, "SELECT count(*) FROM jobs")
    assert count[0] == 19
