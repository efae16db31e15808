"""A platform in memory: hands out what it is given, records what it is told, fails on demand."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from taskforge.domain.ids import ExecutionId, JobId, QueueId
from taskforge.domain.job import ClaimedJob
from taskforge.domain.worker import Incidents, Usage
from taskforge.ports.link import Attempt, BeatReply, Welcome, Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from taskforge.domain.execution import LogLine
    from taskforge.domain.outcome import Outcome, Report
    from taskforge.domain.worker import Registration
    from taskforge.ports.jobs import Beat, FencedLine
    from taskforge.ports.link import Link

QUEUE = QueueId(uuid.uuid4())


class FakeLink:
    """Both links of a worker. ``errors[verb]`` are raised one after the other by the calls to come."""

    def __init__(self, *, lease: float = 30.0, beat_interval: float = 10.0) -> None:
        self.lease = lease
        self.beat_interval = beat_interval
        self.poll_interval = 60.0
        self.lull_until = 0.0
        self.waiting: deque[Attempt] = deque()
        self.next_due_in: float | None = None
        self.claims: list[tuple[int, int, int]] = []
        self.batches: list[list[Report]] = []
        self.lines: list[tuple[uuid.UUID, LogLine]] = []
        self.beats: list[list[Beat]] = []
        self.verbs: list[str] = []
        self.cancel: set[uuid.UUID] = set()
        self.lost: set[uuid.UUID] = set()
        self.drain = False
        self.capacity: int | None = None
        self.incidents = Incidents()
        self.usages: list[Usage] = []
        self.forgotten: set[uuid.UUID] = set()
        self.registration: Registration | None = None
        self.errors: dict[str, deque[Exception]] = {
            verb: deque() for verb in ("register", "claim", "settle", "beat", "log", "leave", "connect")
        }
        self.settle_gate = asyncio.Event()
        self.settle_gate.set()
        self.claim_gate = asyncio.Event()
        self.claim_gate.set()
        self.is_claiming = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._hints: tuple[Callable[[], None], Callable[[], None]] | None = None

    @property
    def reports(self) -> list[Report]:
        """All reports that were taken, in order."""
        return [report for batch in self.batches for report in batch]

    def outcomes(self) -> dict[uuid.UUID, Outcome]:
        """How executions ended."""
        return {report.execution_id: report.outcome for report in self.reports}

    def add(
        self, task: str, payload: str = "{}", *, timeout: float = 60.0, losses: int = 0, attempt: int = 1
    ) -> uuid.UUID:
        """One more job; answers the id of the execution that it will be."""
        job = ClaimedJob(
            id=JobId(uuid.uuid4()),
            queue_id=QUEUE,
            job_type=task,
            payload=payload,
            priority=0,
            rank=0,
            attempt=attempt,
            max_attempts=3,
            manual_retries=0,
            retry_policy=None,
            timeout_ms=None,
            losses=losses,
            claim_seq=1,
            execution_id=ExecutionId(uuid.uuid4()),
            deadline=None,
            state=None,
            claimed_at=datetime.now(UTC),
        )
        self.waiting.append(Attempt(job, timeout, 3, "default"))
        return job.execution_id

    def worker_end(self) -> Link:
        """The link that the worker is given: this one."""
        return self

    def hint(self) -> None:
        """There may be work."""
        if self._hints is not None:
            self._hints[0]()

    def hint_cancel(self) -> None:
        """A cancel may be waiting."""
        if self._hints is not None:
            self._hints[1]()

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait until something that is recorded here makes the condition true."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def settled(self, count: int) -> None:
        """Wait until so many reports were taken."""
        await self.until(lambda: len(self.reports) >= count)

    def lull(self) -> float:
        return max(0.0, self.lull_until - time.monotonic())

    def stand_by(
        self, suspects: int, take: Callable[[Work | None, float], None]
    ) -> Callable[[], bool] | None:
        return None

    async def register(self, registration: Registration) -> Welcome:
        self._called("register")
        self.registration = registration
        return Welcome(uuid.uuid4(), self.lease, self.beat_interval)

    async def claim(self, free: int, suspects: int) -> Work:
        self.is_claiming.set()
        await asyncio.sleep(0)
        await self.claim_gate.wait()
        self._called("claim")
        taken: list[Attempt] = []
        for attempt in list(self.waiting):
            if len(taken) == free or (attempt.job.losses and not suspects):
                continue
            suspects -= 1 if attempt.job.losses else 0
            self.waiting.remove(attempt)
            taken.append(attempt)
        self.claims.append((free, suspects, len(taken)))
        self._notify()
        return Work(taken, datetime.now(UTC), self.next_due_in)

    async def settle(self, reports: Sequence[Report]) -> frozenset[uuid.UUID]:
        await asyncio.sleep(0)
        await self.settle_gate.wait()
        self._called("settle")
        self.batches.append(list(reports))
        self._notify()
        return frozenset(report.execution_id for report in reports) & self.lost

    async def beat(
        self, beats: Sequence[Beat], incidents: Incidents | None = None, usage: Usage | None = None
    ) -> BeatReply:
        self._called("beat")
        if incidents is not None:
            self.incidents = incidents
        if usage is not None:
            self.usages.append(usage)
        self.beats.append(list(beats))
        self._notify()
        ids = {beat.execution_id for beat in beats}
        return BeatReply(frozenset(self.cancel & ids), frozenset(self.lost & ids), self.drain, self.capacity)

    async def log(self, lines: Sequence[FencedLine]) -> frozenset[uuid.UUID]:
        await asyncio.sleep(0)
        self._called("log")
        self.lines.extend((execution_id, line) for _, _, execution_id, line in lines)
        self._notify()
        return frozenset(execution_id for _, _, execution_id, _ in lines) & self.lost

    def forget(self, execution_ids: Sequence[uuid.UUID]) -> None:
        self.forgotten.update(execution_ids)

    async def leave(self) -> None:
        self._called("leave")

    def on_hint(self, wake: Callable[[], None], cancel: Callable[[], None]) -> Callable[[], None]:
        self._hints = (wake, cancel)

        def forget() -> None:
            self._hints = None

        return forget

    @contextlib.asynccontextmanager
    async def connect(self, worker_id: uuid.UUID) -> AsyncIterator[Any]:
        """The heartbeat's link: this one, called from another thread."""
        self._called("connect")
        yield self

    def _called(self, verb: str) -> None:
        self.verbs.append(verb)
        self._notify()
        if self.errors[verb]:
            raise self.errors[verb].popleft()

    def _notify(self) -> None:
        with contextlib.suppress(RuntimeError):  # the test's event loop has ended
            self._loop.call_soon_threadsafe(self._changed.set)
