"""Whatever a handler returns or raises: the attempt ends, says why, and the worker goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskforge import JobFailed
from tests.conformance.stage import run_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge import TaskForge

pytestmark = pytest.mark.anyio


class RaisingStr(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even that")

    __repr__ = __str__


class ExitingStr(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)

    __repr__ = __str__


class NoText(Exception):
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


class Huge(Exception):
    def __str__(self) -> str:
        return "x" * 100_000_000


def cause_cycle() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    raise first


def long_chain() -> None:
    error: Exception = ValueError(0)
    for number in range(5_000):
        following = ValueError(number)
        following.__cause__ = error
        error = following
    raise error


def throwing(error: Callable[[], BaseException]) -> Callable[[], None]:
    def throw() -> None:
        raise error()

    return throw


def cyclic() -> object:
    value: list[Any] = []
    value.append(value)
    return value


def deep() -> object:
    value: Any = 0
    for _ in range(5_000):
        value = [value]
    return value


RAISED: dict[str, tuple[Callable[[], object], str]] = {
    "__str__ raises": (throwing(RaisingStr), "RaisingStr"),
    "__str__ exits": (throwing(ExitingStr), "ExitingStr"),
    "__str__ is no text": (throwing(NoText), "NoText"),
    "100 MB": (throwing(Huge), "Huge"),
    "NUL and surrogates": (throwing(lambda: ValueError("a\x00\udc80")), "ValueError"),
    "__cause__ cycle": (cause_cycle, "ValueError"),
    "a chain of 5,000 causes": (long_chain, "ValueError"),
    "ExceptionGroup of 10,000": (
        throwing(lambda: ExceptionGroup("many", [ValueError(n) for n in range(10_000)])),
        "ExceptionGroup",
    ),
    "BaseException": (throwing(lambda: BaseException("base")), "BaseException"),
    "SystemExit": (throwing(lambda: SystemExit(3)), "SystemExit"),
    "KeyboardInterrupt": (throwing(KeyboardInterrupt), "KeyboardInterrupt"),
}
RETURNED: dict[str, tuple[Callable[[], object], str]] = {
    "not JSON": (object, "InvalidResult"),
    "cyclic": (cyclic, "InvalidResult"),
    "5,000 deep": (deep, "InvalidResult"),
    "100 MB": (lambda: "x" * 100_000_000, "InvalidResult"),
    "NaN": (lambda: float("nan"), "InvalidResult"),
    "lone surrogate": (lambda: "\udc80", "InvalidResult"),
    "NUL": (lambda: "\x00", "InvalidResult"),
}
CASES = {f"raises: {name}": case for name, case in RAISED.items()} | {
    f"returns: {name}": case for name, case in RETURNED.items()
}


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "thread"])
async def test_every_end_is_told_and_the_worker_goes_on(
    app: TaskForge, database_url: str, is_async: bool
) -> None:
    def sync_task(what: str) -> object:
        return CASES[what][0]()

    async def async_task(what: str) -> object:
        return CASES[what][0]()

    task = app.task(name="bad", max_attempts=1)(async_task if is_async else sync_task)

    @app.task(name="good")
    async def good() -> str:
        return "still here"

    async with app.worker(name="w", concurrency=4):
        jobs = {what: await task.aenqueue(what) for what in CASES}
        for what, job in jobs.items():
            with pytest.raises(JobFailed) as caught:
                await job.aresult(timeout=60)
            assert caught.value.error_type == CASES[what][1], what
            assert len(caught.value.message) < 20_000, what
            assert len(caught.value.traceback or "") < 200_000, what
        assert await (await good.aenqueue()) == "still here"
    unfinished = await run_sql(
        database_url, "SELECT job_type FROM jobs WHERE status NOT IN ('failed', 'succeeded')"
    )
    assert list(unfinished) == []


async def test_a_task_that_nobody_registered_waits_and_says_so(app: TaskForge) -> None:
    @app.task(name="known")
    async def known() -> None: ...

    from taskforge.domain.job_options import JobOptions
    from taskforge.services.submission import JobRequest

    platform = await app.platform()
    submitted = await platform.submission.submit(
        JobRequest("default", "nobody", "{}", JobOptions()), declare=True
    )
    async with app.worker(name="w"):
        await (await known.aenqueue())
    stored = await platform.insights.job(submitted.id)
    assert (stored.status, stored.hold) == ("pending", "no_worker")
