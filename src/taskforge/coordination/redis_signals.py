"""Hints by PUBLISH, beside those of the database, which are sent instead while Redis does not answer.

A NOTIFY takes a lock of the whole PostgreSQL server at commit; a PUBLISH costs the database nothing. That jobs have ended is
told on a channel of its own: workers, which tell it, have no use for it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from redis.exceptions import RedisError

from taskforge.coordination.hints import CHANNEL, ENDS_CHANNEL, HintOutbox, read, written
from taskforge.coordination.redis_server import Handed
from taskforge.domain.errors import Unavailable
from taskforge.domain.ids import ProjectId, QueueId
from taskforge.ports.signals import EVERYTHING, Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from taskforge.coordination.local import Hub
    from taskforge.coordination.redis_lines import Listener
    from taskforge.coordination.redis_server import RedisServer
    from taskforge.ports.signals import Signals

RECONNECT_FIRST, RECONNECT_LONGEST = 0.2, 5.0
QUIET_SECONDS = 5.0
"""After so long without a message the connection is tried."""
ANSWER_SECONDS = 1.0
CANCEL_SECONDS = 0.5
HANDED_SECONDS = 0.5
"""After so long a job that was handed to a worker which does not take it is left to all others."""

logger = logging.getLogger("taskforge.signals")


class RedisSignals:
    """Implements ``Signals`` over ``beside``, whose hints are heard as well: of programs without Redis, of transactions."""

    def __init__(self, hub: Hub, server: RedisServer, beside: Signals) -> None:
        self._hub = hub
        self._server = server
        self._beside = beside
        self._channel = server.channel(CHANNEL)
        self._ends_channel = server.channel(ENDS_CHANNEL)
        self._outbox = HintOutbox(self._send)
        self._origin = uuid4().hex[:12]
        server.look_again = lambda job: hub.tell(Hint(Topic.OFFERED, job.project_id, job.queue_id))
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._heard: set[str] = set()

    async def start(self) -> None:
        await self._beside.start()

    async def close(self) -> None:
        """Send what is left, and let go."""
        await self._outbox.close()
        for keeper in self._keepers.values():
            # before Python 3.12 a wait_for that has its answer at that moment swallows a cancel
            while not keeper.done():
                keeper.cancel()
                await asyncio.wait({keeper}, timeout=CANCEL_SECONDS)
        self._keepers = {}
        await self._beside.close()
        await self._server.close()

    @property
    def hears_others(self) -> bool:
        return self._hears or self._beside.hears_others

    @property
    def _hears(self) -> bool:
        """Whether all arrives that somebody here wants."""
        return bool(self._heard) and self._heard == self._keepers.keys()

    def publish(self, hint: Hint, *, elsewhere: bool = True) -> None:
        is_ours = elsewhere and self._server.is_answering
        self._beside.publish(hint, elsewhere=elsewhere and not is_ours)
        if is_ours:
            self._outbox.put(hint)

    def inline(self, hint: Hint) -> str | None:
        return None if self._server.is_answering else self._beside.inline(hint)

    def at_commit(self, hint: Hint) -> str | None:
        return self._beside.at_commit(hint)

    def subscribe(
        self, callback: Callable[[Hint | None], None], topics: Collection[Topic] = EVERYTHING
    ) -> Callable[[], None]:
        for channel in (self._channel, self._ends_channel):
            is_wanted = channel == self._channel or Topic.FINISHED in topics
            if is_wanted and (channel not in self._keepers or self._keepers[channel].done()):
                self._keepers[channel] = asyncio.get_running_loop().create_task(self._keep(channel))
        return self._beside.subscribe(callback, topics)

    async def _send(self, hints: Sequence[Hint]) -> None:
        ends = [hint for hint in hints if hint.topic is Topic.FINISHED]
        others = [hint for hint in hints if hint.topic is not Topic.FINISHED]
        for channel, told in ((self._channel, others), (self._ends_channel, ends)):
            if not told:
                continue
            try:
                await self._server.tell(channel, "\n".join(written(hint, self._origin) for hint in told))
            except Unavailable:
                for hint in told:
                    self._beside.publish(hint)

    async def _keep(self, channel: str) -> None:
        pause = RECONNECT_FIRST
        while True:
            listener = self._server.listener()
            try:
                if channel == self._channel and self._server.inbox:
                    await listener.subscribe(self._server.inbox)
                await listener.subscribe(channel)
                await self._hear(channel, listener)
            except (RedisError, OSError, TimeoutError) as error:
                logger.debug("no hints by Redis for now: %s", error)
                if channel in self._heard:
                    pause = RECONNECT_FIRST
            finally:
                self._heard.discard(channel)
                await listener.aclose()
            await asyncio.sleep(pause)
            pause = min(RECONNECT_LONGEST, pause * 2)

    async def _hear(self, channel: str, listener: Listener) -> None:
        """Pass on what arrives; raises TimeoutError when the server does not answer a ping."""
        is_tried = False
        while True:
            found = await listener.hear(ANSWER_SECONDS if is_tried else QUIET_SECONDS)
            if found is None and is_tried:
                raise TimeoutError("no answer")
            is_tried = found is None
            if found is None:
                await listener.ping()
            elif found[1] == self._server.inbox:
                if found[0] == "message":
                    self._handed(found[2])
            elif found[0] == "subscribe":
                self._heard.add(channel)
                self._hub.tell(None)  # something may have been missed
            elif found[0] == "message":
                for line in found[2].split("\n"):
                    origin, hint = read(line)
                    if origin != self._origin:
                        self._hub.tell(hint)

    def _handed(self, text: str) -> None:
        """A job for a worker here that waits. If none takes it, because it has no room by now or leaves, all are told."""
        project_id, queue_id, job_id, job_type = text.split(" ", 3)
        job = Handed(ProjectId(UUID(project_id)), QueueId(UUID(queue_id)), UUID(job_id), job_type)
        self._server.handed.append(job)
        self._server.look_again(job)
        asyncio.get_running_loop().call_later(HANDED_SECONDS, self._give_up, job)

    def _give_up(self, job: Handed) -> None:
        if job in self._server.handed:
            self._server.handed.remove(job)
            self.publish(Hint(Topic.READY, job.project_id, job.queue_id))
