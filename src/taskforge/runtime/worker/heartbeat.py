"""Keeps the leases, from a thread of its own, so that a handler that blocks the event loop keeps its job."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING

from taskforge.ports.jobs import Beat
from taskforge.runtime.backoff import Backoff
from taskforge.runtime.event_loop import new_event_loop
from taskforge.runtime.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias
    from uuid import UUID

    from taskforge.ports.link import BeatReply, Link, Welcome
    from taskforge.runtime.worker.recorder import Signs
    from taskforge.runtime.worker.running import Running
    from taskforge.runtime.worker.slots import Slots

    BeatLink: TypeAlias = Callable[[UUID], AbstractAsyncContextManager[Link]]

logger = logging.getLogger(__name__)

EARLY_INTERVAL = 1.0
TRUST = 0.9
"""The part of a lease after which, without an answer, the worker no longer trusts in it."""


class News:
    """What a beat brought, for the event loop: attempts by what they shall be told, and whether to drain."""

    __slots__ = ("cancel", "drain", "expired", "lost")

    def __init__(
        self,
        cancel: Sequence[Running] = (),
        lost: Sequence[Running] = (),
        expired: Sequence[Running] = (),
        drain: bool = False,
    ) -> None:
        self.cancel = cancel
        self.lost = lost
        self.expired = expired
        self.drain = drain


class Heartbeat:
    """Beats for the worker and all it has in hand every ``beat_interval``, in one call.

    In between it beats, once a second at most, for executions that began a second ago, made progress or
    changed their checkpoint; and for all when asked (a cancel may be waiting). It opens its own link in
    its thread and opens it again when that fails. ``on_news`` is called in that thread.
    """

    def __init__(
        self,
        welcome: Welcome,
        beat_link: BeatLink,
        slots: Slots,
        on_news: Callable[[News], None],
        early_interval: float = EARLY_INTERVAL,
    ) -> None:
        self._welcome = welcome
        self._beat_link = beat_link
        self._slots = slots
        self._on_news = on_news
        self._early_interval = min(early_interval, welcome.beat_interval)
        self._backoff = Backoff(min(0.2, welcome.beat_interval), welcome.beat_interval)
        self._next_full = time.monotonic() + welcome.beat_interval
        self._is_asked = False
        self._stopping = False
        self._wakeup = Wakeup()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._main, name="taskforge-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def ask(self) -> None:
        """Beat now, for all: a cancel may be waiting. From any thread."""
        self._is_asked = True
        self._wake()

    async def stop(self, deadline: float = 5.0) -> None:
        """End the thread; one that hangs in a call is left behind."""
        self._stopping = True
        self._wake()
        await asyncio.to_thread(self._thread.join, deadline)
        if self._thread.is_alive():
            logger.warning("the heartbeat hangs in a call and is left behind")

    def _wake(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wakeup.set)

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            self._loop = runner.get_loop()
            runner.run(self._run())

    async def _run(self) -> None:
        while not self._stopping:
            try:
                async with self._beat_link(self._welcome.worker_id) as link:
                    while not self._stopping:
                        await self._rest()
                        await self._beat(link)
            except Exception:
                logger.exception("the heartbeat's connection failed; opening another one")
                self._distrust()
                await self._wakeup.wait(self._backoff.delay())

    async def _rest(self) -> None:
        if not self._is_asked and not self._stopping:
            left = max(0.0, self._next_full - time.monotonic())
            await self._wakeup.wait(min(left, self._early_interval))

    async def _beat(self, link: Link) -> None:
        """One beat, if one is due."""
        now = time.monotonic()
        is_full = self._is_asked or now >= self._next_full
        self._is_asked = False
        in_hand = [running for running in tuple(self._slots.live) if not running.settled]
        chosen = in_hand if is_full else [running for running in in_hand if self._has_news(running, now)]
        if self._stopping or not (is_full or chosen):
            return
        pairs = [(running, running.recorder.take_signs()) for running in chosen]
        try:
            async with asyncio.timeout(max(1.0, self._welcome.beat_interval)):
                reply = await link.beat([_beat(running, signs) for running, signs in pairs])
        except Exception as error:
            for running, signs in pairs:
                running.recorder.give_back_signs(signs)
            pause = self._backoff.delay()
            self._next_full = time.monotonic() + pause
            logger.warning("cannot send a heartbeat, trying again in %.1f s: %s", pause, error or type(error))
            self._distrust()
            await self._wakeup.wait(pause)
            return
        self._backoff.reset()
        if is_full:
            self._next_full = now + self._welcome.beat_interval
        self._apply(chosen, reply, now)

    def _has_news(self, running: Running, now: float) -> bool:
        if running.ended:
            return False
        try:
            if running.context is not None:
                running.recorder.save(running.context)
        except Exception:
            logger.debug("the checkpoint of a running job is not JSON now", exc_info=True)
        if not running.told_started and running.started <= now - self._early_interval:
            return True
        return running.recorder.changed

    def _apply(self, chosen: Sequence[Running], reply: BeatReply, sent: float) -> None:
        for running in chosen:
            running.lease_until = sent + self._welcome.lease
            running.told_started = running.has_started
        if not (reply.cancel or reply.lost or reply.drain):
            return
        by_id: dict[UUID, Running] = {running.attempt.job.execution_id: running for running in chosen}
        news = News(
            cancel=[by_id[found] for found in reply.cancel if found in by_id],
            lost=[by_id[found] for found in reply.lost if found in by_id and not by_id[found].reported],
            drain=reply.drain,
        )
        for running in (*news.cancel, *news.lost):
            running.recorder.cancelled = True
        self._on_news(news)

    def _distrust(self) -> None:
        """Without an answer for most of a lease, someone else may soon own these."""
        limit = time.monotonic() + self._welcome.lease * (1 - TRUST)
        expired = [
            running
            for running in tuple(self._slots.live)
            if not running.reported and running.stop is None and running.lease_until <= limit
        ]
        if expired:
            self._on_news(News(expired=expired))


def _beat(running: Running, signs: Signs) -> Beat:
    job = running.attempt.job
    return Beat(
        job.id,
        job.claim_seq,
        job.execution_id,
        running.has_started,
        signs.signed,
        signs.progress,
        signs.state,
    )
