"""The stores of one database with a clock that tests move, and short ways to bring jobs into a state."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.attempt_policy import AttemptPolicy
from taskforge.domain.execution import LogLine
from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT, ProjectId, Uuid7Source, WorkerId
from taskforge.domain.job import ClaimedJob, Job, JobStatus, NewJob
from taskforge.domain.keys import ConcurrencyKey, JobKeys
from taskforge.domain.lifecycle import decide
from taskforge.domain.outcome import ErrorReport, Failed
from taskforge.domain.queue import Queue, QueueSettings, QueueState
from taskforge.domain.retry import RetryPolicy
from taskforge.domain.worker import ProcessIdentity, Registration, TaskDescription, WorkerType
from taskforge.ports.jobs import Accepted, Beat, BeatAnswer, ClaimBatch, ClaimRequest, Settlement
from taskforge.services.breaking import Breaking
from taskforge.services.lull import Lull
from taskforge.services.pauses import PauseWork
from taskforge.services.recovery import Recovery
from taskforge.storage.address import parse_address
from taskforge.storage.breakers import SqlBreakerStore
from taskforge.storage.history import SqlHistoryStore
from taskforge.storage.jobs import SqlJobStore
from taskforge.storage.pauses import SqlPauseStore
from taskforge.storage.postgres import PostgresEngine
from taskforge.storage.queues import SqlQueueStore
from taskforge.storage.sqlite.engine import SqliteEngine
from taskforge.storage.workers import SqlWorkerStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

    from taskforge.domain.execution import Execution
    from taskforge.domain.outcome import Outcome
    from taskforge.ports.clock import Clock
    from taskforge.storage.engine import Call, Engine, Rows

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEASE = 30.0
WORKER = WorkerId(UUID(int=0xA1))
OTHER_WORKER = WorkerId(UUID(int=0xA2))
OTHER_PROJECT = ProjectId(UUID("00000000-0000-7000-8000-0000000000b2"))
BOOM = ErrorReport("ValueError", "boom", "Traceback ...")
PROCESS = ProcessIdentity("host", "machine", 4711, "100")


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Stage:
    """One project on one database. Times are the clock's, ids are UUIDv7s of a seeded source."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = MovableClock()
        self.engine = make_engine(url, self.clock)
        self.dialect = self.engine.dialect
        moments = iter(range(1_767_614_400_000, 10**14))
        self.mint = Uuid7Source(lambda: next(moments), Random(7).getrandbits)
        self.project = DEFAULT_PROJECT
        self.jobs = SqlJobStore(self.engine)
        self.queues = SqlQueueStore(self.engine, self.mint)
        self.workers = SqlWorkerStore(self.engine)
        self.pauses = SqlPauseStore(self.engine, self.mint)
        self.breakers = SqlBreakerStore(self.engine, self.mint)
        self.history = SqlHistoryStore(self.engine)
        self.lull = Lull(30.0)
        self._hand = Hand(url)

    async def close(self) -> None:
        await self._hand.close()
        await self.engine.close()

    def recovery(self) -> Recovery:
        """What every process does from time to time; nobody else hears of it."""
        signals = LocalSignals(Hub())
        pauses = PauseWork(self.pauses, self.queues, signals)
        return Recovery(
            jobs=self.jobs,
            queues=self.queues,
            workers=self.workers,
            pauses=pauses,
            breaking=Breaking(self.breakers, pauses, signals),
            signals=signals,
            lease=LEASE,
            lull=self.lull,
        )

    async def queue(
        self,
        name: str = "default",
        *,
        priority: int = 0,
        state: QueueState = QueueState.ACTIVE,
        project: ProjectId | None = None,
        **settings: Any,
    ) -> Queue:
        """A new queue."""
        queue = await self.queues.create(
            project or self.project, name, None, priority, state, QueueSettings(**settings)
        )
        assert queue is not None
        return queue

    async def config_version(self, project: ProjectId | None = None) -> int:
        """The version of a project's configuration."""
        return (await self.queues.configuration(project or self.project)).version

    async def write(self, queue: Queue) -> Queue | None:
        """Store a queue as it is given."""
        return await self.queues.change(queue.project_id, queue.id, lambda _: queue)

    async def know(self, *types: str, project: ProjectId | None = None) -> WorkerId:
        """Put job types into the catalogue, by a worker that registers them."""
        worker_id = WorkerId(self.mint())
        await self.workers.register(
            project or self.project, worker_id, registration(f"w-{worker_id}", *types), round(LEASE * 1e6)
        )
        return worker_id

    def new(self, queue: Queue, job_type: str = "t", **values: Any) -> NewJob:
        """A job to be accepted."""
        return NewJob(self.mint(), queue.id, job_type, values.pop("payload", "{}"), **values)

    async def add(self, queue: Queue, count: int = 1, job_type: str = "t", **values: Any) -> list[UUID]:
        """Accepted jobs, in the order of their ids."""
        jobs = [self.new(queue, job_type, **values) for _ in range(count)]
        await self.jobs.accept_all(queue.project_id, jobs)
        return [job.id for job in jobs]

    async def accept(
        self, *jobs: NewJob, keys: Mapping[UUID, JobKeys] | None = None, queues: Sequence[Queue] = ()
    ) -> Accepted:
        """Accept under rules: with keys by job id, and with the bounds of these queues."""
        bounds = [queue.bound for queue in queues if queue.bound is not None]
        return await self.jobs.accept_ruled(self.project, jobs, keys=keys or {}, bounds=bounds)

    async def add_keyed(self, queue: Queue, keys: JobKeys, job_type: str = "t", **values: Any) -> UUID:
        """A job with keys: its id, or that of the job that has its key."""
        job = self.new(queue, job_type, **values)
        return (await self.accept(job, keys={job.id: keys})).standing[job.id]

    async def claim_batch(
        self,
        *queues: Queue,
        free: int = 10,
        suspects: int = 1,
        types: Sequence[str] = ("t",),
        worker: WorkerId = WORKER,
        lease: float = LEASE,
        project: ProjectId | None = None,
        is_expected: bool = True,
    ) -> ClaimBatch:
        served = sorted(queues, key=lambda queue: (-queue.priority, queue.id))
        return await self.jobs.claim(
            ClaimRequest(
                project or self.project,
                worker,
                [queue.id for queue in served],
                types,
                free,
                suspects,
                round(lease * 1_000_000),
                [queue.id for queue in queues if queue.has_rule],
                is_expected=is_expected,
                fair=[queue.id for queue in queues if queue.settings.is_fair],
            )
        )

    async def claim(self, *queues: Queue, **options: Any) -> list[ClaimedJob]:
        return list((await self.claim_batch(*queues, **options)).jobs)

    async def claim_one(self, queue: Queue, **options: Any) -> ClaimedJob:
        [job] = await self.claim(queue, free=1, **options)
        return job

    async def order(self, *queues: Queue, **options: Any) -> list[UUID]:
        """All that may be claimed, one at a time."""
        found: list[UUID] = []
        while jobs := await self.claim(*queues, free=1, **options):
            found.append(jobs[0].id)
        return found

    async def start(self, queue: Queue, job_type: str = "t", **values: Any) -> ClaimedJob:
        """A job that is being processed."""
        await self.know(job_type)
        [job_id] = await self.add(queue, 1, job_type, **values)
        job = await self.claim_one(queue, types=[job_type])
        assert job.id == job_id
        return job

    async def settle(self, *settlements: Settlement, dead: Sequence[WorkerId] = ()) -> frozenset[UUID]:
        return await self.jobs.settle(settlements, dead_workers=dead)

    async def finish(self, job: ClaimedJob, outcome: Outcome, **options: Any) -> bool:
        """End an attempt; whether it still held its fence."""
        return job.execution_id in await self.settle(settlement(job, outcome, **options))

    async def bury(self, queue: Queue, dead_letters: Queue | None = None, **values: Any) -> UUID:
        """A failed job."""
        job = await self.start(queue, **values)
        policy = plain_policy(1, dead_letters=dead_letters)
        assert await self.finish(job, Failed(BOOM), policy=policy)
        return job.id

    async def beat(self, *beats: Beat, worker: WorkerId = WORKER, lease: float = LEASE) -> BeatAnswer:
        return await self.jobs.beat(worker, beats, round(lease * 1_000_000))

    async def job(self, job_id: UUID) -> Job:
        job = await self.history.job(self.project, job_id)
        assert job is not None
        return job

    async def status(self, job_id: UUID) -> JobStatus:
        return (await self.job(job_id)).status

    async def executions(self, job_id: UUID) -> list[Execution]:
        return list(await self.history.executions(self.project, job_id))

    async def messages(self, job_id: UUID) -> list[str]:
        return [line.message for line in await self.history.logs(self.project, job_id=job_id)]

    async def sql(self, statement: str) -> list[Any]:
        """Run a statement by hand, beside the stores. Raises what the driver raises."""
        return await self._hand.run(statement)

    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What the database is asked from now on, by name; `at the gate` stands for a transaction of several."""
        names: list[str] = []
        engine = type(self.engine)
        call, run = engine.call, engine.run

        async def counted(engine: Any, one: Call) -> Rows:
            names.append(one.name)
            return await call(engine, one)

        async def held(engine: Any, script: Any) -> Any:
            names.append("at the gate")
            return await run(engine, script)

        monkeypatch.setattr(engine, "call", counted)
        monkeypatch.setattr(engine, "run", held)
        return names

    async def other_project(self) -> ProjectId:
        """A second tenant."""
        await self.sql(
            "INSERT INTO projects (id, organization_id, name) "
            f"VALUES ('{OTHER_PROJECT}', '{DEFAULT_ORGANIZATION}', 'other')"
        )
        return OTHER_PROJECT


def make_engine(url: str, clock: Clock | None = None, *, pool_size: int = 10) -> Engine:
    address = parse_address(url)
    if address.kind == "sqlite":
        return SqliteEngine(address.target, clock=clock, busy_timeout=20)
    return PostgresEngine(address.target, clock=clock, pool_size=pool_size)


class Hand:
    """A connection of its own, for statements by hand."""

    def __init__(self, url: str) -> None:
        self._address = parse_address(url)
        self._sqlite: sqlite3.Connection | None = None
        self._postgres: asyncpg.Connection | None = None

    async def run(self, statement: str) -> list[Any]:
        """Run a statement in a transaction of its own. Raises what the driver raises."""
        if self._address.kind == "sqlite":
            if self._sqlite is None:
                self._sqlite = sqlite3.connect(self._address.target, timeout=10)
            with self._sqlite:
                return self._sqlite.execute(statement).fetchall()
        if self._postgres is None:
            self._postgres = await asyncpg.connect(self._address.target)
        rows: list[Any] = await self._postgres.fetch(statement)
        return rows

    async def close(self) -> None:
        if self._sqlite is not None:
            self._sqlite.close()
        if self._postgres is not None:
            await self._postgres.close()


async def run_sql(url: str, statement: str) -> list[Any]:
    """Run one statement by hand."""
    hand = Hand(url)
    try:
        return await hand.run(statement)
    finally:
        await hand.close()


def plain_policy(
    max_attempts: int = 3, *, dead_letters: Queue | None = None, base: float = 1.0
) -> AttemptPolicy:
    """A policy whose delays can be foretold."""
    return AttemptPolicy(
        max_attempts,
        600.0,
        RetryPolicy(base=base, jitter=False),
        None if dead_letters is None else dead_letters.id,
    )


def settlement(
    job: ClaimedJob,
    outcome: Outcome,
    *,
    policy: AttemptPolicy | None = None,
    lines: Sequence[LogLine] = (),
    state: str | None = None,
    lost_only: bool = False,
) -> Settlement:
    """The decided end of an attempt that waited 1 ms and took 2 ms."""
    transition = decide(
        outcome,
        policy or plain_policy(),
        attempt=job.attempt,
        losses=job.losses,
        random=lambda: 0.0,
    )
    key = None if job.concurrency_key is None else ConcurrencyKey(DEFAULT_PROJECT, job.concurrency_key)
    return Settlement(
        job.id,
        job.claim_seq,
        job.execution_id,
        transition,
        1_000,
        2_000,
        lines,
        state,
        lost_only,
        key,
        job_type=job.job_type,
    )


def beat_of(
    job: ClaimedJob,
    *,
    started: bool = False,
    signed: bool = False,
    progress: str | None = None,
    state: str | None = None,
) -> Beat:
    return Beat(job.id, job.claim_seq, job.execution_id, started, signed, progress, state)


def line(seq: int, message: str, level: str = "info", metadata: str | None = None) -> LogLine:
    return LogLine(seq, level, message, metadata, NOON)


def registration(name: str, *types: str, process: ProcessIdentity = PROCESS) -> Registration:
    tasks = [TaskDescription(job_type, "default", {"type": "object"}, "does it") for job_type in types]
    return Registration(name, WorkerType.GENERAL, {"gpu": 1}, 10, ["default"], tasks, process, "0.1")
