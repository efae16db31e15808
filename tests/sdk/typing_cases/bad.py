"""What type checkers must refuse: exactly the lines that say so."""

# ruff: noqa: TC001, F841 - as users write it

from __future__ import annotations

from taskforge.sdk.context import Context
from taskforge.sdk.decorator import TaskDecorator
from taskforge.sdk.dependencies import Depends


def get_db() -> str:
    return ""


async def declare(task: TaskDecorator) -> None:
    @task
    def add(a: int, b: int = 2) -> int:
        return a + b

    @task(queue="reports")
    async def report(ctx: Context, day: str = "today") -> dict[str, int]:
        return {}

    add.enqueue()  # expect-error
    add.enqueue("x")  # expect-error
    add.enqueue(1, 2, 3)  # expect-error
    add.enqueue(1, c=2)  # expect-error
    await add.aenqueue("x", 1)  # expect-error
    add.job(1, "x")  # expect-error
    add.enqueue_in()  # expect-error
    add.enqueue_in(task)  # expect-error
    await add.aenqueue_in(task, "x")  # expect-error
    add.options(prio=1)  # expect-error
    add.options(priority="high")  # expect-error
    add.options(delay=1).enqueue("x")  # expect-error
    add("x", 1)  # expect-error
    report.enqueue(5)  # expect-error
    report.enqueue(None, "x")  # expect-error
    wrong: str = add.enqueue(1).result()  # expect-error
    awaited: list[int] = await report.enqueue("x")  # expect-error

    @task
    async def charge(order: int, db: str = Depends(get_db)) -> None: ...

    charge.enqueue()  # expect-error
    charge.enqueue("x")  # expect-error

    @task(prio=1)  # expect-error
    def misnamed() -> None: ...

    @task(pool="gpu")  # expect-error
    def misplaced() -> None: ...
