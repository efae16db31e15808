"""Waiting until an assertion holds, for where no event can be awaited."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

Result = TypeVar("Result")


@overload
async def eventually(
    check: Callable[[], Awaitable[Result]], timeout: float = 10, interval: float = 0.02
) -> Result: ...


@overload
async def eventually(check: Callable[[], Result], timeout: float = 10, interval: float = 0.02) -> Result: ...


async def eventually(
    check: Callable[[], Awaitable[Result] | Result], timeout: float = 10, interval: float = 0.02
) -> Result:
    """Call `check`, sync or async, until it raises no AssertionError; return what it returned.

    Raises its last AssertionError after `timeout` seconds, and anything else at once.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        try:
            outcome = check()
            return await outcome if inspect.isawaitable(outcome) else outcome
        except AssertionError as error:
            if loop.time() >= deadline:
                error.add_note(f"still so after {timeout} s")
                raise
        await asyncio.sleep(interval)
