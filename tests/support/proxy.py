"""A TCP proxy before a server that tests cut, stall and resume.

    with Proxy.before(url) as proxy:
        app = make(proxy.url(url))
        proxy.stall()    # packets are dropped: nobody gets an answer, nobody is told
        proxy.cut()      # connections are reset, new ones too
        proxy.resume()   # what was held back goes on its way

It works in a thread of its own, so that it goes on while the caller's event loop is blocked.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

CHUNK = 65_536
_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
LAST_WORDS = b"E" + struct.pack("!i", 4 + len(_FIELDS)) + _FIELDS


class Proxy:
    """Listens on a free port of the loopback and passes everything on to `host`:`port`.

    `attempts` counts the connections that were tried; it goes on counting while the way is cut. Every method
    may be called from any thread and takes effect before it returns.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: set[_Link] = set()
        self._flowing = asyncio.Event()
        self._is_cut = False
        self._trap: bytes | None = None
        self._requests_to_pass = 0
        self._server: asyncio.Server | None = None
        self.attempts = 0
        self.sprung = threading.Event()
        self.port = 0

    @classmethod
    def before(cls, url: str) -> Self:
        """A proxy before the server of a database's address."""
        parts = urlsplit(url)
        return cls(parts.hostname or "127.0.0.1", parts.port or 5432)

    def url(self, url: str) -> str:
        """The same address by way of the proxy."""
        parts = urlsplit(url)
        account = parts.netloc.rpartition("@")[0]
        place = f"127.0.0.1:{self.port}"
        return urlunsplit(parts._replace(netloc=f"{account}@{place}" if account else place))

    @property
    def open_links(self) -> int:
        """How many connections go through it at present."""
        return len(self._links)

    def cut(self) -> None:
        """Reset every connection, and each new one as soon as it is made."""

        def act() -> None:
            self._is_cut = True
            self._reset_all()

        self._do(act)

    def reset(self) -> None:
        """Reset every connection once; new ones pass."""
        self._do(self._reset_all)

    def say_last_words(self) -> None:
        """Tell each client what a PostgreSQL that shuts down says, and nothing more: its connection stays open."""

        def act() -> None:
            for link in self._links:
                link.is_mute = True
                link.writers[0].write(LAST_WORDS)

        self._do(act)

    def lead_to(self, url: str) -> None:
        """Pass on to another server from now on; every connection is reset."""
        parts = urlsplit(url)

        def act() -> None:
            self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
            self._reset_all()

        self._do(act)

    def stall(self) -> None:
        """Hold everything back, in both directions; connections stay, and new ones are accepted."""
        self._do(self._flowing.clear)

    def resume(self) -> None:
        """Let everything pass again, what was held back first."""

        def act() -> None:
            self._is_cut = False
            self._flowing.set()

        self._do(act)

    def reset_answer_of(self, request: bytes, *, later: int = 0) -> None:
        """The next request that has `request` in it reaches the server; instead of its answer comes a reset.

        With `later` so many more requests of the same connection are answered before. `sprung` is set when
        it has happened.
        """

        def act() -> None:
            self.sprung.clear()
            self._trap = request
            self._requests_to_pass = later

        self._do(act)

    def close(self) -> None:
        """End it, with all that goes through it."""

        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _listen(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        self._reset_all()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports to be closed

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts += 1
        if self._is_cut:
            _abort(writer)
            return
        link = _Link()
        link.writers.append(writer)
        link.task = asyncio.current_task()
        self._links.add(link)
        try:
            to_server, from_server = await self._connect(link)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._requests(reader, from_server, link))
                both.create_task(self._answers(to_server, writer, link))
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass
        finally:
            self._links.discard(link)
            link.close()

    async def _connect(self, link: _Link) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await self._flowing.wait()
        reader, writer = await asyncio.open_connection(*self._target)
        link.writers.append(writer)
        return reader, writer

    async def _requests(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, link: _Link
    ) -> None:
        while data := await source.read(CHUNK):
            await self._flowing.wait()
            if self._trap is not None and self._trap in data:
                self._trap = None
                link.requests_to_pass = self._requests_to_pass
            elif link.requests_to_pass is not None:
                link.requests_to_pass -= 1
            target.write(data)
            await target.drain()
        target.close()

    async def _answers(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, link: _Link) -> None:
        while data := await source.read(CHUNK):
            await self._flowing.wait()
            if link.requests_to_pass is not None and link.requests_to_pass <= 0:
                link.reset()
                self.sprung.set()
                return
            if not link.is_mute:
                target.write(data)
                await target.drain()
        target.close()

    def _reset_all(self) -> None:
        for link in tuple(self._links):
            link.reset()

    def _do(self, act: Callable[[], Any]) -> None:
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(10), "the proxy does not answer"


class _Link:
    """The two connections that belong together."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.task: asyncio.Task[None] | None = None
        self.requests_to_pass: int | None = None
        self.is_mute = False

    def close(self) -> None:
        for writer in self.writers:
            _abort(writer)

    def reset(self) -> None:
        self.close()
        if self.task is not None and not self.task.done():
            self.task.cancel()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of a farewell."""
    plug = writer.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
