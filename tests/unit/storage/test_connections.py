"""A connection is used again only if the server answered on it."""

from __future__ import annotations

from typing import Any, cast

import asyncpg
import pytest

from taskforge.storage.connections import Connections

pytestmark = pytest.mark.anyio


class Wire:
    """A connection that notes how it was left; it does not know yet that the server has gone."""

    def __init__(self) -> None:
        self.is_terminated = False

    async def close(self, timeout: float) -> None:
        self.is_terminated = True

    def terminate(self) -> None:
        self.is_terminated = True

    def is_closed(self) -> bool:
        return self.is_terminated


def said(kind: type[asyncpg.PostgresError], severity: str) -> asyncpg.PostgresError:
    return kind.new({"S": severity, "V": severity, "C": "", "M": "no"})


async def after(error: BaseException) -> bool:
    """Whether the next who asks gets the connection on which this came."""
    made: list[Wire] = []

    async def connect() -> Any:
        made.append(Wire())
        return made[-1]

    connections = Connections(cast("Any", connect), 1)
    with pytest.raises(type(error)):
        async with connections.lend(1):
            raise error
    async with connections.lend(1) as second:
        return cast("object", second) is made[0]


@pytest.mark.parametrize(
    "error",
    [
        said(asyncpg.UniqueViolationError, "ERROR"),
        said(asyncpg.QueryCanceledError, "ERROR"),
        said(asyncpg.DeadlockDetectedError, "ERROR"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_refused_statement_leaves_it_usable(error: asyncpg.PostgresError) -> None:
    assert await after(error)


@pytest.mark.parametrize(
    "error",
    [
        said(asyncpg.AdminShutdownError, "FATAL"),
        said(asyncpg.CrashShutdownError, "FATAL"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        TimeoutError(),
        OSError(),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_after_anything_else_another_one_is_made(error: BaseException) -> None:
    assert not await after(error)


async def test_idle_ones_are_visited_and_those_in_use_are_not() -> None:
    async def connect() -> Any:
        return Wire()

    connections = Connections(cast("Any", connect), 3)
    visited: list[Wire] = []

    async def visit(connection: Any) -> None:
        visited.append(connection)
        if len(visited) == 2:
            raise ConnectionResetError

    async with connections.lend(1):
        async with connections.lend(1), connections.lend(1):
            await connections.visit_idle(visit)
            assert visited == []
        with pytest.raises(ConnectionResetError):
            await connections.visit_idle(visit)
    first, second = visited
    assert first is not second
    async with connections.lend(1) as one, connections.lend(1) as other, connections.lend(1) as third:
        assert cast("object", first) in (one, other, third)
        assert cast("object", second) not in (one, other, third)


async def test_those_who_close_wait_for_what_is_being_ended() -> None:
    async def connect() -> Any:
        return Wire()

    connections = Connections(cast("Any", connect), 1)
    connection = await connections.take(1)
    connections.give_back(connection, TimeoutError())
    assert not connection.is_closed()
    await connections.close()
    assert connection.is_closed()
