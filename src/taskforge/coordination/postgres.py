"""Hints by LISTEN and NOTIFY: sent after commit on a connection of their own, folded, never awaited.

A NOTIFY takes a lock of the whole server at commit; so it is kept off the statements that matter, but for those that
accept single jobs, of which one in 2 ms carries a hint (`inline`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg

from taskforge.coordination.hints import HintOutbox, read, written
from taskforge.coordination.local import Hub, LocalSignals
from taskforge.ports.signals import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from taskforge.ports.signals import Hint, Topic

CHANNEL = "taskforge"
RECONNECT_FIRST, RECONNECT_LONGEST = 0.2, 5.0
HEARING_SECONDS = 2.0
CONNECT_SECONDS = 5.0
FAULTS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

logger = logging.getLogger("taskforge.signals")


class PostgresSignals(LocalSignals):
    """One connection a process and loop, opened at the first hint sent or awaited.

    It listens from the first subscriber on: who only enqueues would be woken by its own hints, and its server process, too.

    ``watched`` has the kernel notice that the other side is gone: nothing is asked over a connection that only listens.
    """

    def __init__(
        self,
        hub: Hub,
        url: str,
        *,
        watched: Callable[[asyncpg.Connection[Any]], None] = lambda _: None,
        application_name: str = "taskforge signals",
    ) -> None:
        super().__init__(hub)
        self._url = url
        self._watched = watched
        self._application_name = application_name
        self._connection: asyncpg.Connection[Any] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._stirred = asyncio.Event()
        self._outbox = HintOutbox(self._send)
        self._connected = asyncio.Event()
        self._speaking = asyncio.Lock()
        self._is_wanted = False
        self._hears = asyncio.Event()
        self._origin = uuid4().hex[:12]
        self._call = f"{self._origin} hearing"
        self._closed = False

    @property
    def hears_others(self) -> bool:
        return self._hears.is_set()

    async def close(self) -> None:
        """Send what is left, and let go. A connection in the making is awaited, not cancelled."""
        await self._outbox.close()
        self._closed = True
        self._end()
        self._hears.set()
        if self._keeper is not None:
            await asyncio.wait({self._keeper}, timeout=CONNECT_SECONDS)
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close(timeout=2)

    def publish(self, hint: Hint, *, elsewhere: bool = True) -> None:
        super().publish(hint)
        if elsewhere:
            self._outbox.put(hint)

    def inline(self, hint: Hint) -> str | None:
        return written(hint, self._origin) if self._outbox.carried(hint) else None

    def at_commit(self, hint: Hint) -> str | None:
        return written(hint, "transaction")  # not ours: this process has to hear it as well

    def subscribe(
        self, callback: Callable[[Hint | None], None], topics: Collection[Topic] = EVERYTHING
    ) -> Callable[[], None]:
        self._is_wanted = True
        self._stirred.set()
        self._keep_connected()
        return super().subscribe(callback, topics)

    def _keep_connected(self) -> None:
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        pause = RECONNECT_FIRST
        while not self._closed:
            try:
                await self._connect()
                pause = RECONNECT_FIRST
                await self._stay()
            except FAULTS as error:
                logger.debug("no signals for now: %s", error)
            self._connected.clear()
            self._hears.clear()
            if self._closed:
                break
            if self._connection is not None:
                self._connection.terminate()
            await asyncio.sleep(pause)
            pause = min(RECONNECT_LONGEST, pause * 2)

    async def _connect(self) -> None:
        self._lost.clear()
        self._connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            command_timeout=CONNECT_SECONDS,
            statement_cache_size=0,
            server_settings={"application_name": self._application_name},
        )
        self._watched(self._connection)
        self._connection.add_termination_listener(lambda _: self._end())
        self._connected.set()

    def _end(self) -> None:
        self._lost.set()
        self._stirred.set()

    async def _stay(self) -> None:
        """Until the connection is lost."""
        listens = False
        while not self._lost.is_set() and not self._closed and self._connection is not None:
            self._stirred.clear()
            if self._is_wanted and not listens:
                async with self._speaking:
                    await self._connection.add_listener(CHANNEL, self._heard)
                listens = True
                await self._try_hearing()
                self._hub.tell(None)
                continue
            await self._stirred.wait()

    async def _try_hearing(self) -> None:
        """Call ourselves over another connection: behind a transaction pooler nothing arrives from others."""
        if self._closed:
            return
        caller = await asyncpg.connect(self._url, timeout=5, command_timeout=5, statement_cache_size=0)
        try:
            await caller.execute(f"NOTIFY {CHANNEL}, '{self._call}'")
        finally:
            await caller.close(timeout=2)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARING_SECONDS):
                await self._hears.wait()
        if not self._hears.is_set() and not self._closed:
            logger.warning("hints of other processes do not arrive (a transaction pooler?); polling instead")

    def _heard(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        if payload == self._call:
            self._hears.set()
        for line in str(payload).split("\n"):
            origin, hint = read(line)
            if origin != self._origin:
                self._hub.tell(hint)

    async def _send(self, hints: Sequence[Hint]) -> None:
        self._keep_connected()
        await self._connected.wait()
        payload = "\n".join(written(hint, self._origin) for hint in hints)
        async with self._speaking:
            if self._connection is not None:
                try:
                    await self._connection.execute(f"NOTIFY {CHANNEL}, '{payload}'")  # no quote can be in it
                except (
                    asyncpg.InternalClientError
                ):  # the server said its last words there, and was slow to close it
                    self._connection.terminate()
                except FAULTS as error:
                    logger.debug("hints were not sent: %s", error)
