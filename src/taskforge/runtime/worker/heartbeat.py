"""Keeps the leases, from a thread of its own, so that a handler that blocks the event loop keeps its job."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING

from taskforge.domain.log_level import LogLevel
from taskforge.domain.worker import Incidents
from taskforge.ports.jobs import Beat
from taskforge.runtime.backoff import Backoff
from taskforge.runtime.event_loop import new_event_loop
from taskforge.runtime.wakeup import Wakeup
from taskforge.runtime.worker.failure import said
from taskforge.runtime.worker.usage import SAMPLE_INTERVAL, UsageMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias
    from uuid import UUID

    from taskforge.ports.link import BeatReply, Link, Welcome
    from taskforge.runtime.worker.loop_watch import Block, LoopWatch
    from taskforge.runtime.worker.recorder import Signs
    from taskforge.runtime.worker.running import Running
    from taskforge.runtime.worker.slots import Slots
    from taskforge.runtime.worker.tally import Tally
    from taskforge.runtime.worker.task_usage import TaskMeter

    BeatLink: TypeAlias = Callable[[UUID], AbstractAsyncContextManager[Link]]

logger = logging.getLogger(__name__)

EARLY_INTERVAL = 1.0
FRESH_PART = 0.1
"""A lease that is younger than this part of the interval waits for the next beat."""
AFTER_A_FALL = 1.0


class News:
    """What a beat brought, for the event loop: attempts by what they shall be told, whether to drain, how many slots."""

    __slots__ = ("cancel", "capacity", "drain", "lost")

    def __init__(
        self,
        cancel: Sequence[Running] = (),
        lost: Sequence[Running] = (),
        drain: bool = False,
        capacity: int | None = None,
    ) -> None:
        self.cancel = cancel
        self.lost = lost
        self.drain = drain
        self.capacity = capacity


class Heartbeat:
    """Beats for the worker and all it has in hand every ``beat_interval``, in one call, but for leases that are fresh.

    In between it beats, once a second at most, for executions that began a second ago, made progress or
    changed their checkpoint; and for all that run when asked (a cancel may be waiting). It opens its own link in
    its thread and opens it again when that fails. ``on_news`` is called in that thread. Beside that it
    watches the worker's event loop, and logs for an execution that it blocks it, while it does.
    """

    def __init__(
        self,
        welcome: Welcome,
        beat_link: BeatLink,
        slots: Slots,
        tally: Tally,
        loop_watch: LoopWatch,
        on_news: Callable[[News], None],
        early_interval: float = EARLY_INTERVAL,
        usage_interval: float = SAMPLE_INTERVAL,
        tasks: TaskMeter | None = None,
    ) -> None:
        self._welcome = welcome
        self._beat_link = beat_link
        self._slots = slots
        self._tally = tally
        self._told = Incidents()
        self._loop_watch = loop_watch
        self._on_news = on_news
        self._early_interval = min(early_interval, welcome.beat_interval)
        self._meter = UsageMeter(usage_interval, tasks=tasks)
        self._backoff = Backoff(min(0.2, welcome.beat_interval), welcome.beat_interval / 4)
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
        """Whatever happens in here, while the worker lives it beats."""
        while not self._stopping:
            try:
                with asyncio.Runner(loop_factory=new_event_loop) as runner:
                    self._loop = runner.get_loop()
                    runner.run(self._run())
            except BaseException:
                logger.exception("the heartbeat fell over; it gets up again")
                time.sleep(AFTER_A_FALL)

    async def _run(self) -> None:
        while not self._stopping:
            try:
                async with self._beat_link(self._welcome.worker_id) as link:
                    while not self._stopping:
                        await self._rest()
                        await self._watch_loop(link)
                        await self._beat(link)
                    await self._tell_the_last(link)
            except Exception as error:
                pause = self._backoff.delay()
                logger.warning("the heartbeat cannot connect, trying again in %.1f s: %s", pause, said(error))
                logger.debug("the heartbeat's error", exc_info=True)
                await self._wakeup.wait(pause)

    async def _rest(self) -> None:
        if not self._is_asked and not self._stopping:
            left = max(0.0, self._next_full - time.monotonic())
            await self._wakeup.wait(min(left, self._early_interval))

    async def _watch_loop(self, link: Link) -> None:
        block = self._loop_watch.look(time.monotonic())
        if block is None:
            return
        lines = [
            (running, running.recorder.numbered(LogLevel.WARN, _told(block))) for running in block.suspects
        ]
        fenced = []
        for running, line in lines:
            job = running.attempt.job
            fenced.append((job.id, job.claim_seq, job.execution_id, line))
        try:
            async with asyncio.timeout(self._patience):
                await link.log(fenced)
        except Exception as error:
            logger.warning("cannot send what blocks the event loop: %s", said(error))
            for running, line in lines:
                running.recorder.give_back_lines((line,))

    @property
    def _patience(self) -> float:
        """Seconds to wait for an answer: two tries fit between two beats."""
        return max(1.0, self._welcome.beat_interval / 2)

    async def _beat(self, link: Link) -> None:
        """One beat, if one is due."""
        now = time.monotonic()
        is_asked, self._is_asked = self._is_asked, False
        is_full = is_asked or now >= self._next_full
        in_hand = [running for running in tuple(self._slots.live) if not running.settled]
        news = [running for running in in_hand if self._has_news(running, now)]
        chosen = [running for running in in_hand if self._is_due(running, now, is_asked)] if is_full else news
        incidents = self._tally.incidents()
        if self._stopping or not (is_full or chosen or incidents != self._told):
            return
        pairs = [(running, running.recorder.take_signs()) for running in chosen]
        try:
            async with asyncio.timeout(self._patience):
                reply = await link.beat(
                    [_beat(running, signs) for running, signs in pairs],
                    None if incidents == self._told else incidents,
                    self._meter.take() if is_full else None,
                )
        except Exception as error:
            for running, signs in pairs:
                running.recorder.give_back_signs(signs)
            pause = self._backoff.delay()
            self._next_full = time.monotonic() + pause
            logger.warning("cannot send a heartbeat, trying again in %.1f s: %s", pause, said(error))
            await self._wakeup.wait(pause)
            return
        self._backoff.reset()
        self._told = incidents
        if is_full:
            self._next_full = now + self._welcome.beat_interval
        self._apply(chosen, reply, now)

    async def _tell_the_last(self, link: Link) -> None:
        incidents, usage = self._tally.incidents(), self._meter.take(is_last=True)
        if incidents != self._told or usage is not None:
            async with asyncio.timeout(self._patience):
                await link.beat([], incidents, usage)

    def _is_due(self, running: Running, now: float, is_asked: bool) -> bool:
        """Short jobs are settled before their lease matters, and what is being settled is dear to renew."""
        age = now - (running.lease_until - self._welcome.trust)
        is_fresh = age < self._welcome.beat_interval * FRESH_PART
        return not is_fresh or (is_asked and not running.ended)

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
            running.lease_until = sent + self._welcome.trust
            running.told_started = running.has_started
        capacity = None if reply.capacity == self._slots.concurrency else reply.capacity
        if not (reply.cancel or reply.lost or reply.drain or capacity):
            return
        by_id: dict[UUID, Running] = {running.attempt.job.execution_id: running for running in chosen}
        news = News(
            cancel=[by_id[found] for found in reply.cancel if found in by_id],
            lost=[by_id[found] for found in reply.lost if found in by_id and not by_id[found].reported],
            drain=reply.drain,
            capacity=capacity,
        )
        for running in (*news.cancel, *news.lost):
            running.recorder.cancelled = True
        self._on_news(news)


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


def _told(block: Block) -> str:
    return (
        f"loop_blocked: the event loop of this worker has not answered for {block.seconds:.1f} s, so its other "
        f"async jobs stand still; await, or make it a thread task (def). It stands here:\n{block.stack}"
    )
