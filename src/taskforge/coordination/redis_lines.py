"""Connections to a Redis, kept and used one command at a time.

The protocol is RESP2 (redis.io, "Redis serialization protocol specification"). The client library takes longer to import than a
worker to start, and several times the processor time of a command for the way to it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.coordination.redis_address import RedisAddress

END = b"\r\n"
TEXT, ERROR, NUMBER, BULK, ARRAY = b"+-:$*"


class Refused(Exception):
    """The server does not do what a command says."""


class RedisLine(asyncio.Protocol):
    """One connection. Replies come in the order of commands, what a channel tells in between."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._replies: deque[Any] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._end: OSError | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it stands, and nothing in it was not asked for."""
        return self._end is None and not self._replies and not self._unread

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        at = 0
        try:
            while at < len(self._unread):
                reply, at = _reply(self._unread, at)
                self._replies.append(reply)
        except _Unfinished:
            pass
        except ValueError as error:
            self._end = ConnectionError(f"this is not Redis: {error}")
            self.close()
        del self._unread[:at]
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._end = self._end or (
            error if isinstance(error, OSError) else ConnectionError("the connection was closed")
        )
        self._wake()

    def send(self, *words: Any) -> None:
        """A command; the first word may be two, as in ``CONFIG GET``."""
        if self._end is not None or self._transport is None:
            raise self._end or ConnectionError("not connected")
        sent = [str(word).encode() for word in (*words[0].split(), *words[1:])]
        parts = [b"*%d\r\n" % len(sent)]
        for word in sent:
            parts.append(b"$%d\r\n" % len(word))
            parts.append(word)
            parts.append(END)
        self._transport.write(b"".join(parts))

    async def read(self) -> Any:
        """What comes next. Raises OSError: the connection has ended."""
        while not self._replies:
            if self._end is not None:
                raise self._end
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._replies.popleft()

    def close(self) -> None:
        """End it, whatever is on its way."""
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class RedisLines:
    """Made when all others are in use. Nothing here ends by itself: callers bound the time."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._idle: list[RedisLine] = []
        self._is_closed = False

    async def send(self, *words: Any) -> Any:
        """The answer of one command. A connection that was left in the middle is not used again. Raises Refused, OSError."""
        line = self._fresh() or await opened(self._address)
        try:
            line.send(*words)
            answer = await line.read()
        except BaseException:
            line.close()
            raise
        if self._is_closed:
            line.close()
        else:
            self._idle.append(line)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def close(self) -> None:
        """Let go of all; of those in use when they have their answer."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    def _fresh(self) -> RedisLine | None:
        """One that waits for a command; those that the server has ended meanwhile are left."""
        while self._idle:
            line = self._idle.pop()
            if line.is_fresh:
                return line
            line.close()
        return None


class Listener:
    """A line that hears channels."""

    def __init__(self, address: RedisAddress, seconds: float) -> None:
        self._address = address
        self._line: RedisLine | None = None
        self._seconds = seconds

    async def subscribe(self, channel: str) -> None:
        """Hear this channel as well. Raises TimeoutError, Refused and OSError."""
        if self._line is None:
            async with asyncio.timeout(self._seconds):
                self._line = await opened(self._address)
        self._line.send("SUBSCRIBE", channel)

    def ping(self) -> None:
        """Ask for a sign of life."""
        if self._line is not None:
            self._line.send("PING")

    async def hear(self, seconds: float) -> Sequence[str] | None:
        """What comes next: its kind (``subscribe``, ``message``, ``pong``), then the channel and the text. None: nothing did."""
        if self._line is None:
            raise ConnectionError("not connected")
        try:
            async with asyncio.timeout(seconds):
                heard: Sequence[str] | Refused = await self._line.read()
        except TimeoutError:
            return None
        if isinstance(heard, Refused):
            raise heard
        return heard

    def close(self) -> None:
        """Hear no more."""
        if self._line is not None:
            self._line.close()


async def opened(address: RedisAddress) -> RedisLine:
    """A new connection, logged in. Raises Refused, OSError."""
    loop = asyncio.get_running_loop()
    if address.path:
        _, line = await loop.create_unix_connection(RedisLine, address.path)
    else:
        _, line = await loop.create_connection(
            RedisLine, address.host, address.port, ssl=address.encryption()
        )
    try:
        if address.password:
            await _greet(line, "AUTH", *filter(None, (address.username, address.password)))
        if address.database:
            await _greet(line, "SELECT", address.database)
    except BaseException:
        line.close()
        raise
    return line


async def _greet(line: RedisLine, *words: Any) -> None:
    line.send(*words)
    answer = await line.read()
    if isinstance(answer, Refused):
        raise answer


class _Unfinished(Exception):
    """More is to come."""


def _reply(data: bytearray, at: int) -> tuple[Any, int]:
    """The reply that begins there, and where the next one does. Raises _Unfinished, ValueError."""
    end = data.find(END, at)
    if end < 0:
        raise _Unfinished
    kind, rest, after = data[at], data[at + 1 : end], end + 2
    if kind == BULK:
        return _text(data, after, int(rest))
    if kind != ARRAY:
        return _simple(kind, rest), after
    if int(rest) < 0:
        return None, after
    values = []
    for _ in range(int(rest)):
        value, after = _reply(data, after)
        values.append(value)
    return values, after


def _text(data: bytearray, at: int, length: int) -> tuple[str | None, int]:
    if length < 0:
        return None, at
    if len(data) < at + length + len(END):
        raise _Unfinished
    return data[at : at + length].decode(), at + length + len(END)


def _simple(kind: int, text: bytearray) -> Any:
    if kind == NUMBER:
        return int(text)
    if kind == TEXT:
        return text.decode()
    if kind == ERROR:
        return Refused(text.decode())
    raise ValueError(f"a reply begins with {chr(kind)!r}")
