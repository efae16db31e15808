"""Hints by PUBLISH, beside those of the database, which are sent instead while Redis does not answer.

A NOTIFY takes a lock of the whole PostgreSQL server at commit; a PUBLISH costs the database nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis.exceptions import RedisError

from taskforge.coordination.hints import CHANNEL, HintOutbox, read, written
from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.coordination.local import Hub
    from taskforge.coordination.redis_server import RedisServer
    from taskforge.ports.signals import Hint, Signals

RECONNECT_FIRST, RECONNECT_LONGEST = 0.2, 5.0
QUIET_SECONDS = 5.0
"""After so long without a message the connection is tried."""
ANSWER_SECONDS = 1.0

logger = logging.getLogger("taskforge.signals")


class RedisSignals:
    """Implements ``Signals`` over ``beside``, whose hints are heard as well: of programs without Redis, of transactions."""

    def __init__(self, hub: Hub, server: RedisServer, beside: Signals) -> None:
        self._hub = hub
        self._server = server
        self._beside = beside
        self._channel = server.channel(CHANNEL)
        self._outbox = HintOutbox(self._send)
        self._origin = uuid4().hex[:12]
        self._keeper: asyncio.Task[None] | None = None
        self._hears = False

    async def start(self) -> None:
        await self._beside.start()

    async def close(self) -> None:
        """Send what is left, and let go."""
        await self._outbox.close()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        self._hears = False
        await self._beside.close()
        await self._server.close()

    @property
    def hears_others(self) -> bool:
        return self._hears or self._beside.hears_others

    def publish(self, hint: Hint, *, elsewhere: bool = True) -> None:
        is_ours = elsewhere and self._server.is_answering
        self._beside.publish(hint, elsewhere=elsewhere and not is_ours)
        if is_ours:
            self._outbox.put(hint)

    def inline(self, hint: Hint) -> str | None:
        return None if self._server.is_answering else self._beside.inline(hint)

    def at_commit(self, hint: Hint) -> str | None:
        return self._beside.at_commit(hint)

    def subscribe(self, callback: Callable[[Hint | None], None]) -> Callable[[], None]:
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.get_running_loop().create_task(self._keep())
        return self._beside.subscribe(callback)

    async def _send(self, hints: Sequence[Hint]) -> None:
        lines = "\n".join(written(hint, self._origin) for hint in hints)
        try:
            await self._server.ask(lambda client: client.publish(self._channel, lines))
        except Unavailable:
            for hint in hints:
                self._beside.publish(hint)

    async def _keep(self) -> None:
        pause = RECONNECT_FIRST
        while True:
            listener = self._server.listener()
            try:
                await listener.subscribe(self._channel)
                self._hears, pause = True, RECONNECT_FIRST
                self._hub.tell(None)  # something may have been missed
                await self._hear(listener)
            except (RedisError, OSError, TimeoutError) as error:
                logger.debug("no hints by Redis for now: %s", error)
            finally:
                self._hears = False
                await listener.aclose()
            await asyncio.sleep(pause)
            pause = min(RECONNECT_LONGEST, pause * 2)

    async def _hear(self, listener: Any) -> None:
        """Pass on what arrives; raises TimeoutError when the server does not answer a ping."""
        is_tried = False
        while True:
            message = await listener.get_message(timeout=ANSWER_SECONDS if is_tried else QUIET_SECONDS)
            if message is None and is_tried:
                raise TimeoutError("no answer")
            is_tried = message is None
            if message is None:
                await listener.ping()
            elif message["type"] == "message":
                for line in str(message["data"]).split("\n"):
                    origin, hint = read(line)
                    if origin != self._origin:
                        self._hub.tell(hint)
