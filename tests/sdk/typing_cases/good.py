"""What type checkers must accept and infer. Checked by mypy and pyright, never run."""

# ruff: noqa: TC001, TC003 - as users write it

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any, assert_type
from uuid import UUID

from taskforge.sdk.backend import Backend, TaskCall
from taskforge.sdk.bridge import Bridge
from taskforge.sdk.context import Context
from taskforge.sdk.decorator import TaskDecorator
from taskforge.sdk.dependencies import Depends
from taskforge.sdk.handle import JobHandle
from taskforge.sdk.task import Task


def declare(backend: Backend, task: TaskDecorator) -> None:
    @task
    def add(a: int, b: int = 2) -> int:
        return a + b

    @task(queue="reports", max_attempts=5, timeout="2h", retry_jitter=False, tags=["a"], pool="async")
    async def report(ctx: Context, day: str = "today") -> dict[str, int]:
        return {}

    @task()
    async def plain(n: int) -> None: ...

    @task(name="other")
    def with_context(ctx: Context, *, key: UUID) -> list[str]:
        return []

    assert_type(add.enqueue(2, 3), JobHandle[int])
    assert_type(add.enqueue(2, b=3).result(timeout=10), int)
    assert_type(add.enqueue_in(backend, 2, b=3), JobHandle[int])
    assert_type(add.options(delay=1).enqueue_in(backend, 2).result(), int)
    assert_type(add(2), int)
    assert_type(add.job(1), TaskCall[int])
    assert_type(add.options(delay=60, priority=9, tags=["a"]).enqueue(2).result(), int)
    assert_type(add.options(delay="1h").options(queue="x").job(1, 2), TaskCall[int])
    assert_type(report.enqueue().result(), dict[str, int])
    assert_type(report.enqueue(day="x").result(), dict[str, int])
    coroutine: Coroutine[Any, Any, dict[str, int]] = report("x")
    coroutine.close()
    assert_type(plain.enqueue(1), JobHandle[None])
    assert_type(with_context.enqueue(key=UUID(int=1)).result(), list[str])
    assert_type(with_context(key=UUID(int=1)), list[str])
    kept: Task[[int], None] = plain
    kept.enqueue(1)


class Db: ...


def get_db() -> Db:
    return Db()


def with_dependencies(task: TaskDecorator) -> None:
    @task
    async def charge(ctx: Context, order: int, db: Db = Depends(get_db), *, note: str = "") -> str:
        return note

    @task
    def refund(order: int, db: Annotated[Db, Depends(get_db)]) -> int:
        return order

    assert_type(charge.enqueue(1, note="x"), JobHandle[str])
    assert_type(charge.options(delay=1).job(1), TaskCall[str])
    assert_type(refund(1, db=Db()), int)


async def in_async_code(task: TaskDecorator) -> None:
    @task
    async def fetch(ctx: Context, url: str, retries: int = 3) -> bytes:
        return b""

    connection: object = task
    assert_type(await fetch.aenqueue_in(connection, "x", retries=1), JobHandle[bytes])
    assert_type(await fetch.options(priority=1).aenqueue_in(connection, url="x"), JobHandle[bytes])
    job = await fetch.aenqueue("x", retries=1)
    assert_type(job, JobHandle[bytes])
    assert_type(await job, bytes)
    assert_type(await job.aresult(timeout=1), bytes)
    assert_type(await fetch("x"), bytes)
    assert_type(await fetch.options(priority=1).aenqueue("x"), JobHandle[bytes])


def bridged(bridge: Bridge) -> None:
    async def double(number: int) -> int:
        return number * 2

    assert_type(bridge.run(double, 2), int)
