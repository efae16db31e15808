"""Celery's names over TaskForge: what they mean here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge import JobFailed, TaskForge
from taskforge.compat.celery import Celery
from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.testing import Harness

if TYPE_CHECKING:
    from collections.abc import Iterator

celery = Celery(TaskForge())
tries: list[Any] = []


@celery.shared_task
def add(x: int, y: int) -> int:
    return x + y


@celery.task(name="fetch", bind=True, max_retries=2, default_retry_delay=60, queue="net", acks_late=True)
def fetch(self: Any, url: str) -> str:
    tries.append((self.request.retries, self.name))
    if self.request.retries < 2:
        raise self.retry(exc=ConnectionError(url))
    return f"{url} {self.max_retries}"


@celery.task(autoretry_for=(OSError,), max_retries=1, default_retry_delay=5)
def read(kind: str) -> None:
    tries.append(kind)
    raise {"os": OSError, "value": ValueError}[kind]("no")


@pytest.fixture
def taskforge() -> Iterator[Harness]:
    tries.clear()
    with Harness(celery.app) as harness:
        yield harness


def test_delay_and_its_result(taskforge: Harness) -> None:
    result = add.delay(2, y=3)
    assert (result.state, result.ready(), result.result) == ("PENDING", False, None)
    taskforge.drain()
    assert (result.status, result.successful(), result.get(timeout=1), result.result) == (
        "SUCCESS",
        True,
        5,
        5,
    )
    assert celery.AsyncResult(UUID(result.id)).get(timeout=1) == 5
    with pytest.raises(InvalidPayload):
        add.delay("two", 3)  # type: ignore[arg-type]
    assert add(2, 3) == 5
    assert add.name.endswith(".add")


def test_apply_async_with_options(taskforge: Harness) -> None:
    add.apply_async((1, 2), countdown=60, queue="slow", priority=7)
    add.apply_async(kwargs={"x": 1, "y": 2}, eta=taskforge.clock.now() + timedelta(hours=1))
    [first, second] = taskforge.jobs()
    assert (first.queue, first.priority, first.status, second.status) == ("slow", 7, "scheduled", "scheduled")
    taskforge.advance("2h")
    assert taskforge.drain() == 2
    late = add.apply_async((1, 2), expires=10)
    taskforge.advance(60)
    taskforge.drain()
    assert late.failed()


def test_a_bound_task_retries(taskforge: Harness) -> None:
    result = fetch.delay("x")
    for _ in range(3):
        taskforge.drain()
        taskforge.advance(61)
    assert result.get(timeout=1) == "x 2"
    assert tries == [(0, "fetch"), (1, "fetch"), (2, "fetch")]


def test_exceptions_end_a_job_unless_they_are_to_be_retried(taskforge: Harness) -> None:
    value, system = read.delay("value"), read.delay("os")
    taskforge.drain()
    assert (value.state, system.state) == ("FAILURE", "PENDING")
    assert isinstance(value.result, JobFailed)
    assert "ValueError: no" in str(value.result)
    taskforge.advance(6)
    taskforge.drain()
    assert system.failed()
    assert tries.count("os") == 2
    assert tries.count("value") == 1


def test_revoke(taskforge: Harness) -> None:
    result = add.delay(1, 2)
    result.revoke()
    assert (result.state, taskforge.drain()) == ("REVOKED", 0)


@pytest.mark.parametrize("options", [{"serializer": "pickle"}, {"max_retries": None}, {"rate_limit": "10/m"}])
def test_what_has_no_counterpart_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):

        @celery.task(**options)
        def refused() -> None: ...
