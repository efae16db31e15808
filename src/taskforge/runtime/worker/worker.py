"""The worker: registers, runs its parts, drains, leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.sentences import counted
from taskforge.domain.worker import Registration, TaskDescription
from taskforge.runtime.wakeup import Wakeup
from taskforge.runtime.worker.announcer import Announcer
from taskforge.runtime.worker.claimer import Claimer
from taskforge.runtime.worker.executor import Executor
from taskforge.runtime.worker.failure import said
from taskforge.runtime.worker.heartbeat import Heartbeat, News
from taskforge.runtime.worker.log_capture import LogCapture
from taskforge.runtime.worker.loop_watch import LoopWatch
from taskforge.runtime.worker.meter import Gauges
from taskforge.runtime.worker.print_capture import PrintCapture
from taskforge.runtime.worker.reporter import Reporter
from taskforge.runtime.worker.running import Stop
from taskforge.runtime.worker.slots import Slots
from taskforge.runtime.worker.tally import Tally
from taskforge.runtime.worker.watchdog import Watchdog, trusted_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from taskforge.ports.link import Link, Welcome, Work
    from taskforge.runtime.worker.heartbeat import BeatLink
    from taskforge.runtime.worker.options import WorkerOptions
    from taskforge.runtime.worker.running import Running
    from taskforge.sdk.registry import Registry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    worker_id: UUID
    lease: float
    claimer: Claimer
    executor: Executor
    reporter: Reporter
    heartbeat: Heartbeat
    announcer: Announcer
    claiming: asyncio.Task[None]
    reporting: asyncio.Task[None]


class Worker:
    """Runs the tasks of ``registry`` that its link hands out.

    ``async with worker: await worker.run_until_stopped()``. ``beat_link`` opens a second link, for the
    worker id it is given, inside the heartbeat's own thread and event loop. Starting raises what
    ``register`` raises (Conflict: a live worker has the name); later no error of the link ends it.
    """

    def __init__(self, link: Link, beat_link: BeatLink, registry: Registry, options: WorkerOptions) -> None:
        self.options = options
        self._link = link
        self._beat_link = beat_link
        self._registry = registry
        self._slots = Slots(options.concurrency)
        self._cleanup = contextlib.ExitStack()
        self._drain_asked = asyncio.Event()
        self._is_spent = False
        self._parts: _Parts | None = None

    @property
    def id(self) -> UUID | None:
        """The identity of this incarnation while it is registered."""
        return None if self._parts is None else self._parts.worker_id

    @property
    def running(self) -> int:
        """How many handlers run at present, those that do not stop included."""
        return self._slots.running + len(self._slots.stuck)

    @property
    def is_spent(self) -> bool:
        """Whether a handler did not stop when told to: the process should be started anew."""
        return self._is_spent

    @property
    def in_hand(self) -> int:
        """How many attempts were claimed and are not both settled and ended."""
        return len(self._slots.live)

    def stalled(self) -> float:
        """For how many seconds claiming has not worked; 0 when it does, or none is wanted."""
        return 0.0 if self._parts is None else self._parts.claimer.stalled()

    async def start(self) -> None:
        """Register, and begin to claim."""
        welcome = await self._link.register(self._registration())
        if self.options.capture_level is not None:
            self._cleanup.enter_context(LogCapture(self.options.capture_level))
        if self.options.capture_output:
            self._cleanup.enter_context(PrintCapture())
        self._parts = parts = self._build(welcome)
        parts.heartbeat.start()
        self._cleanup.callback(self._link.on_hint(parts.claimer.wake, parts.heartbeat.ask))
        logger.info("worker %s is online as %s", self.options.name, welcome.worker_id)

    def request_drain(self) -> None:
        """Claim no more, and have ``run_until_stopped`` drain the worker and return."""
        self._drain_asked.set()
        if self._parts is not None:
            self._parts.claimer.close()

    def _stuck(self) -> None:
        if not self._drain_asked.is_set():
            self._is_spent = True
            self._drain_asked.set()

    async def run_until_stopped(self) -> None:
        """Return when a drain was asked for, here or by the platform, and is done."""
        parts = self._parts
        if parts is None:
            raise RuntimeError("the worker is not started")
        asked = asyncio.create_task(self._drain_asked.wait())
        try:
            await asyncio.wait({asked, parts.claiming, parts.reporting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
        if not self._drain_asked.is_set():
            for part in (parts.claiming, parts.reporting):
                if part.done():
                    await part
        await self.drain()

    async def drain(self, grace: float | None = None) -> None:
        """Claim no more, let handlers end within ``grace`` seconds, hand the rest back, settle, leave."""
        parts, self._parts = self._parts, None
        if parts is None:
            return
        grace = self.options.grace if grace is None else grace
        if self._slots.running:
            some = counted(self._slots.running, "running job has", "running jobs have")
            logger.info("draining: %s %g s to end", some, grace)
        parts.claimer.close()
        parts.executor.refuse()
        try:
            if not await self._idle(grace):
                some = counted(self._slots.running, "job that still runs", "jobs that still run")
                logger.info("handing back %s", some)
                parts.executor.release_all()
                if not await self._idle(self.options.stop_grace):
                    some = counted(self._slots.running, "handler that does", "handlers that do")
                    logger.warning("leaving behind %s not stop", some)
                    parts.executor.abandon_all()
            await _end(parts.claiming, self.options.stop_grace, "a claim")
            parts.reporter.close()
            await _end(parts.reporting, parts.lease, "the last report")
            await parts.announcer.close(self.options.stop_grace)
        finally:
            await self._leave(parts)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain(None if error is None else 0.0)

    def _build(self, welcome: Welcome) -> _Parts:
        options, slots = self.options, self._slots

        def settled(leaves_work: bool) -> None:
            if leaves_work:
                claimer.wake()

        def start(work: Work, sent: float, came: float) -> None:
            trusted = sent + welcome.trust
            executor.start(work, came, trusted)
            leases.watch(trusted)
            reporter.watch_logs()

        def lost(found: Sequence[Running]) -> None:
            self._lose(executor, found)

        def apply(news: News) -> None:
            self._apply(executor, tally, news)

        def distrust(running: Running, now: float) -> None:
            tally.lost(running, "no heartbeat was answered in time, so its handler is stopped")
            executor.stop(running, Stop.RELEASE)

        tally = Tally()
        leases = Watchdog(slots.live, distrust, trusted_until)
        self._cleanup.callback(leases.close)
        loop_watch = LoopWatch(slots.live, tally)
        announcer = Announcer(options.hooks)
        meter = options.meter

        def ended(batch: Sequence[Running], lost: frozenset[UUID]) -> None:
            announcer.take(batch, lost)
            if meter is not None:
                meter.take(batch, lost)

        if meter is not None:
            meter.gauges = lambda: self._gauges(tally)
        reporter = Reporter(self._link, slots, tally, settled, lost, ended, options.spans)
        executor = Executor(self._registry, slots, reporter.add, options, on_stuck=self._stuck)
        claimer = Claimer(self._link, slots, start)
        return _Parts(
            worker_id=welcome.worker_id,
            lease=welcome.lease,
            claimer=claimer,
            executor=executor,
            reporter=reporter,
            heartbeat=Heartbeat(
                welcome,
                self._beat_link,
                slots,
                tally,
                loop_watch,
                _from_any_thread(apply),
                tasks=executor.usage,
            ),
            announcer=announcer,
            claiming=asyncio.create_task(claimer.run(), name="taskforge claimer"),
            reporting=asyncio.create_task(reporter.run(), name="taskforge reporter"),
        )

    def _gauges(self, tally: Tally) -> Gauges:
        return Gauges(self.running, self._slots.concurrency, self.in_hand, self.stalled(), tally.incidents())

    def _apply(self, executor: Executor, tally: Tally, news: News) -> None:
        """What a heartbeat has brought."""
        for running in news.lost:
            if not running.reported:
                tally.refused(running, "its heartbeat")
        self._lose(executor, news.lost)
        for running in news.cancel:
            executor.stop(running, Stop.CANCEL)
        if news.capacity is not None:
            logger.info("%d jobs at once from now on, instead of %d", news.capacity, self._slots.concurrency)
            executor.allow(news.capacity - self._slots.concurrency)
            self._slots.resize(news.capacity)
            if self._parts is not None:
                self._parts.claimer.wake()  # what stands by was for the slots that there were
        if news.drain:
            self.request_drain()

    def _lose(self, executor: Executor, found: Sequence[Running]) -> None:
        """These are no longer ours: stop their handlers, report nothing."""
        ours = [running for running in found if not running.reported]
        for running in ours:
            executor.stop(running, Stop.LOST)
        self._link.forget([running.attempt.job.execution_id for running in ours])

    async def _idle(self, seconds: float) -> bool:
        idle = Wakeup()
        self._slots.call_when_idle(idle.set)
        return await idle.wait(seconds)

    async def _leave(self, parts: _Parts) -> None:
        parts.claiming.cancel()
        parts.reporting.cancel()
        await parts.executor.close()
        self._cleanup.close()
        await parts.heartbeat.stop()
        try:
            async with asyncio.timeout(self.options.stop_grace):
                await self._link.leave()
        except Exception as error:
            logger.warning("could not say good-bye: %s", said(error))
        logger.info("worker %s has left", self.options.name)

    def _registration(self) -> Registration:
        options = self.options
        return Registration(
            name=options.name,
            type=options.type,
            capabilities=options.capabilities,
            max_concurrent_jobs=options.concurrency,
            queues=options.queues,
            tasks=[
                TaskDescription(task.name, task.queue, task.schema(), task.description, task.defaults)
                for task in self._registry
            ],
            process=options.process,
            version=options.version,
        )


def _from_any_thread(callback: Callable[..., None]) -> Callable[..., None]:
    """The callback, to be called on this event loop when it is called in any thread."""
    loop = asyncio.get_running_loop()

    def call(*arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the worker with it
            loop.call_soon_threadsafe(callback, *arguments)

    return call


async def _end(task: asyncio.Task[None], seconds: float, what: str) -> None:
    """Wait for the end of a part; give up after ``seconds``."""
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        logger.error("%s did not come through within %g s; the lease of its jobs will run out", what, seconds)
