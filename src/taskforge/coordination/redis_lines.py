"""Connections that are kept and used one command at a time.

The client's own way to a command (its pool, its retries, a task for each write) takes several times the processor time of
the command itself, which shows where a command serves one job.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio.connection import AbstractConnection


class RedisLines:
    """Made by the client's ``pool`` when all others are in use. Nothing here ends by itself: callers bound the time."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._idle: list[AbstractConnection] = []
        self._is_closed = False

    async def send(self, *command: Any) -> Any:
        """The answer of one command. A connection that was left in the middle is not used again."""
        line = await self._line()
        try:
            await line.send_command(*command, check_health=False)
            answer = await line.read_response()
        except ResponseError:
            await self._keep(line)
            raise
        except BaseException:
            await line.disconnect(nowait=True)
            raise
        await self._keep(line)
        return answer

    async def close(self) -> None:
        """Let go of all; of those in use when they have their answer."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().disconnect(nowait=True)

    async def _keep(self, line: AbstractConnection) -> None:
        if self._is_closed:
            await line.disconnect(nowait=True)
        else:
            self._idle.append(line)

    async def _line(self) -> AbstractConnection:
        """One that waits for a command; those that the server has ended meanwhile are left."""
        while self._idle:
            line = self._idle.pop()
            if not await _has_ended(line):
                return line
            await line.disconnect(nowait=True)
        made: AbstractConnection = self._pool.make_connection()
        return made


class Listener:
    """A line that hears channels."""

    def __init__(self, pool: Any, seconds: float) -> None:
        self._line: AbstractConnection = pool.make_connection()
        self._seconds = seconds

    async def subscribe(self, channel: str) -> None:
        """Hear this channel as well. Raises TimeoutError and what a connection raises."""
        async with asyncio.timeout(self._seconds):
            await self._line.send_command("SUBSCRIBE", channel, check_health=False)

    async def ping(self) -> None:
        """Ask for a sign of life."""
        async with asyncio.timeout(self._seconds):
            await self._line.send_command("PING", check_health=False)

    async def hear(self, seconds: float) -> Sequence[str] | None:
        """What comes next: its kind (``subscribe``, ``message``, ``pong``), then the channel and the text. None: nothing did."""
        heard: Sequence[str] | None = await self._line.read_response(timeout=seconds)
        return heard

    async def aclose(self) -> None:
        """Hear no more."""
        await self._line.disconnect(nowait=True)


async def _has_ended(line: Any) -> bool:
    """Whether something stands in a line that was not asked for: mostly, its end."""
    look = getattr(line, "can_read", None) or line.can_read_destructive  # the latter before version 8
    try:
        return bool(await look())
    except (RedisError, OSError):
        return True
