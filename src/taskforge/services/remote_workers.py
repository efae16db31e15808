"""The server's side of workers that come over the network: each gets the link that a worker here would have.

What a link remembers of its leases is a cache: a server that was started anew, or another one, looks them up.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from taskforge.domain.errors import LeaseLost, NameTaken, NotFound
from taskforge.domain.ids import WorkerId
from taskforge.domain.outcome import Released, Report
from taskforge.ports.jobs import Beat, Fence

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from uuid import UUID

    from taskforge.domain.execution import LogLine
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.worker import Incidents, ProcessIdentity, Registration, Usage
    from taskforge.ports.jobs import FencedLine
    from taskforge.ports.link import BeatReply, Welcome, Work
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.tracing import TracedLink

REMEMBERED = 10_000
FOLD_SECONDS = 0.005
AFAR = "remote "
"""Before the name of a machine: recovery here cannot see its processes, and a file's host does not matter."""

Answered = tuple[Fence, Report]


class RemoteWorkers:
    """The remote workers of one project. ``make_link`` makes a link, of a new incarnation or of ``worker_id``."""

    def __init__(
        self,
        project_id: ProjectId,
        workers: WorkerStore,
        make_link: Callable[..., TracedLink],
    ) -> None:
        self._project_id = project_id
        self._workers = workers
        self._make_link = make_link
        self._known: OrderedDict[UUID, RemoteWorker] = OrderedDict()

    async def register(
        self, registration: Registration, replaces: ProcessIdentity | None = None
    ) -> tuple[Welcome, RemoteWorker]:
        """A new incarnation. Raises NameTaken when a live worker has the name, unless it is ``replaces``."""
        if replaces is not None:
            await self._give_up(registration.name, replaces)
        link = self._make_link()
        try:
            welcome = await link.register(replace(registration, process=_afar(registration.process)))
        except NameTaken as error:
            if error.process is not None:
                error.process = replace(error.process, machine=error.process.machine.removeprefix(AFAR))
            raise
        worker = RemoteWorker(link)
        self._remember(welcome.worker_id, worker)
        return welcome, worker

    async def get(self, worker_id: UUID) -> RemoteWorker:
        """A worker that has registered and not left. Raises NotFound."""
        worker = self._known.get(worker_id)
        if worker is None or worker.has_left:
            subscription = await self._workers.at_work(self._project_id, WorkerId(worker_id))
            if subscription is None:
                raise NotFound(f"no worker has the id {worker_id}", hint="register anew")
            link = self._make_link(worker_id=worker_id)
            await link.resume(subscription)
            worker = RemoteWorker(link)
        self._remember(worker_id, worker)
        return worker

    async def _give_up(self, name: str, process: ProcessIdentity) -> None:
        """Its machine says that the process is dead; all that it had goes to others at once."""
        present = await self._workers.list(self._project_id)
        dead = [w.id for w in present if w.name == name and w.process in (process, _afar(process))]
        if dead:
            await self._workers.forget(dead, silence_us=10**15)

    def _remember(self, worker_id: UUID, worker: RemoteWorker) -> None:
        self._known[worker_id] = worker
        self._known.move_to_end(worker_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


class RemoteWorker:
    """One incarnation. It can act on leases of its own only; of others it is told that they are lost."""

    def __init__(self, link: TracedLink) -> None:
        self._link = link
        self._claiming = asyncio.Lock()
        self.has_left = False

    @property
    def poll_intervals(self) -> tuple[float, float]:
        """Seconds after which to ask again though no hint came: while hints arrive, and while not."""
        return self._link.poll_intervals

    async def claim(
        self,
        free: int,
        suspects: int,
        *,
        wait: float = 0.0,
        in_hand: Sequence[Fence] | None = None,
        gone: asyncio.Event | None = None,
        traced: bool = False,
    ) -> Work:
        """Take jobs, for which it waits up to ``wait`` seconds.

        ``in_hand``: all executions that the worker knows of; what else it was given goes back first. When
        ``gone`` is set nobody waits for the answer any more: nothing is kept for it.
        """
        async with self._claiming:
            self._link.traced = traced
            if in_hand is None:
                self._link.trust_answers()
            else:
                await self._link.only(in_hand)
            if wait <= 0.0:
                return await self._link.claim(free, suspects)
            wake = asyncio.Event()
            unsubscribe = self._link.on_hint(wake.set, lambda: None)
            leaving = asyncio.create_task(_relay(gone, wake)) if gone is not None else None
            try:
                return await self._claim_within(free, suspects, wait, wake, gone)
            finally:
                unsubscribe()
                if leaving is not None:
                    leaving.cancel()

    async def _claim_within(
        self, free: int, suspects: int, wait: float, wake: asyncio.Event, gone: asyncio.Event | None
    ) -> Work:
        until = time.monotonic() + wait
        while True:
            wake.clear()
            work = await self._link.claim(free, suspects)
            if gone is not None and gone.is_set():
                await self._hand_back(work)
                return work._replace(attempts=())
            left = until - time.monotonic()
            if work.attempts or left <= 0:
                return work
            pause = min(left, self._link.poll_interval)
            if work.next_due_in is not None:
                pause = min(pause, max(0.01, work.next_due_in))
            try:
                async with asyncio.timeout(pause):
                    await wake.wait()
            except TimeoutError:
                pass
            if gone is not None and gone.is_set():
                return work

    async def _hand_back(self, work: Work) -> None:
        reports = [Report(attempt.job.execution_id, Released(), 0, 0) for attempt in work.attempts]
        if reports:
            await self._link.settle(reports)

    async def settle(self, answered: Sequence[Answered]) -> frozenset[UUID]:
        """Report ended attempts; answers the execution ids that were lost before."""
        own = await self._link.adopt([fence for fence, _ in answered])
        reports = [report for fence, report in answered if fence.execution_id in own]
        lost = await self._link.settle(reports)
        return lost | {fence.execution_id for fence, _ in answered if fence.execution_id not in own}

    async def settle_one(self, fence: Fence, report: Report) -> None:
        """Report one ended attempt. Raises LeaseLost."""
        if await self.settle([(fence, report)]):
            raise _lost(fence)

    async def beat(
        self, beats: Sequence[Beat], incidents: Incidents | None = None, usage: Usage | None = None
    ) -> BeatReply:
        """Sign of life of the worker and of its executions."""
        own = await self._link.adopt([Fence(*beat[:3]) for beat in beats])
        reply = await self._link.beat([beat for beat in beats if beat.execution_id in own], incidents, usage)
        lost = reply.lost | {beat.execution_id for beat in beats if beat.execution_id not in own}
        self._link.forget(list(lost))
        return reply._replace(lost=lost)

    async def beat_one(self, beat: Beat) -> BeatReply:
        """Sign of life of one execution. Raises LeaseLost."""
        reply = await self.beat([beat])
        if reply.lost:
            raise _lost(Fence(*beat[:3]))
        return reply

    async def log(self, lines: Sequence[FencedLine]) -> frozenset[UUID]:
        """Lines of running executions; answers the execution ids that were lost before."""
        fences = {line[2]: Fence(*line[:3]) for line in lines}
        own = await self._link.adopt(list(fences.values()))
        lost = await self._link.log([line for line in lines if line[2] in own])
        return lost | (fences.keys() - own)

    async def log_one(self, fence: Fence, line: LogLine) -> None:
        """One line of one execution. Raises LeaseLost."""
        if await self.log([(*fence, line)]):
            raise _lost(fence)

    async def leave(self, in_hand: Sequence[Fence] | None = None) -> None:
        """Good-bye; what it was given and has not heard of goes back."""
        if in_hand is None:
            self._link.trust_answers()
        else:
            await self._link.only(in_hand)
        await self._link.leave()
        self.has_left = True

    async def hints(self) -> AsyncGenerator[frozenset[str], None]:
        """Whenever there may be work (``ready``) or a cancel may be waiting (``cancel``): some of both, folded."""
        heard: set[str] = {"ready", "cancel"}
        news = asyncio.Event()
        news.set()

        def hear(what: str) -> None:
            heard.add(what)
            news.set()

        unsubscribe = self._link.on_hint(lambda: hear("ready"), lambda: hear("cancel"))
        try:
            while True:
                await news.wait()
                news.clear()
                told = frozenset(heard)
                heard.clear()
                yield told
                await asyncio.sleep(FOLD_SECONDS)
        finally:
            unsubscribe()


async def _relay(first: asyncio.Event, second: asyncio.Event) -> None:
    await first.wait()
    second.set()


def _afar(process: ProcessIdentity) -> ProcessIdentity:
    return replace(process, machine=f"{AFAR}{process.machine}" if process.machine else "")


def _lost(fence: Fence) -> LeaseLost:
    return LeaseLost(f"execution {fence.execution_id} is not this worker's: its write changed nothing")
