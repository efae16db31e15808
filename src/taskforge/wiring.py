"""The composition root: the only file that names concrete classes.

An application has one Wiring. Each event loop that uses it gets a Platform of its own (connections are
bound to their loop); the SQLite engine and the hub of hints are shared by all of them.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.coordination.redis_opening import leases_in, open_redis, with_redis
from taskforge.domain.errors import NotFound, SharedFile
from taskforge.domain.ids import ProjectId, Uuid7Source
from taskforge.domain.retention import Retention
from taskforge.platform import Platform
from taskforge.services.audit import AuditLog
from taskforge.services.backfill import Backfill
from taskforge.services.browsing import Browsing
from taskforge.services.bulk import Bulk
from taskforge.services.control import Control
from taskforge.services.direct_link import DirectLink, LinkOptions
from taskforge.services.directory import QueueDirectory
from taskforge.services.explaining import Explaining
from taskforge.services.health import Health
from taskforge.services.idempotency import Idempotency
from taskforge.services.insights import Insights
from taskforge.services.leasing import Leasing
from taskforge.services.metrics import Metrics
from taskforge.services.operations import Operations, OperationSteps
from taskforge.services.partitions import Partitions
from taskforge.services.pauses import Pauses, PauseWork
from taskforge.services.payload_schemas import PayloadSchemas
from taskforge.services.processes import this_process
from taskforge.services.queues import Queues
from taskforge.services.recording import Recording
from taskforge.services.recovery import Recovery
from taskforge.services.remote_workers import RemoteWorkers
from taskforge.services.results import Results
from taskforge.services.retention import Pruning
from taskforge.services.schedules import Schedules
from taskforge.services.security import Security, SecurityStores
from taskforge.services.submission import PATIENCE_SECONDS, Submission, answered_within
from taskforge.services.ticking import FiringPlans, Ticking
from taskforge.services.transactions import TransactionalSubmission
from taskforge.services.workers import Workers
from taskforge.storage.address import Address, parse_address
from taskforge.storage.archives import open_archive
from taskforge.storage.audit import SqlAuditStore
from taskforge.storage.bulk import SqlBulkStore
from taskforge.storage.codec import retry_policy_of, to_json
from taskforge.storage.credentials import SqlCredentialStore, SqlKeyStore
from taskforge.storage.health import SqlHealthStore
from taskforge.storage.history import SqlHistoryStore
from taskforge.storage.jobs import SqlJobStore
from taskforge.storage.leases import SqlLeaseStore
from taskforge.storage.logins import SqlAttemptStore, SqlSessionStore
from taskforge.storage.metrics import SqlMetricsStore
from taskforge.storage.migrate import migrate, schema_state
from taskforge.storage.operations import SqlOperationStore
from taskforge.storage.partitions import SqlPartitionStore
from taskforge.storage.pauses import SqlPauseStore
from taskforge.storage.people import SqlPeopleStore
from taskforge.storage.queues import SqlQueueStore
from taskforge.storage.recording import SqlRecordKeeper
from taskforge.storage.requests import SqlRequestStore
from taskforge.storage.retention import SqlRetentionStore
from taskforge.storage.schedules import SqlScheduleStore
from taskforge.storage.tenants import SqlTenantStore
from taskforge.storage.ticks import SqlTickStore
from taskforge.storage.transactions import SqlTransactionStore
from taskforge.storage.workers import SqlWorkerStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.ports.clock import Clock
    from taskforge.ports.link import Link
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.signals import Signals
    from taskforge.settings import Settings
    from taskforge.storage.engine import Engine
    from taskforge.storage.sqlite.engine import SqliteEngine

_random = random.Random(os.urandom(32))
"""Our own, so that a program that seeds ``random`` does not repeat ids."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(32)))

CALM = 6
"""So many times less often a worker asks where it watches the file itself, which no commit escapes."""

__all__ = ["Platform", "Wiring", "mint"]

mint = Uuid7Source(lambda: time.time_ns() // 1_000_000, _random.getrandbits)


class Wiring:
    """Opens and closes the platforms of one application."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.address: Address = parse_address(settings.database_url)
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        """Nothing is open yet: at the start, and after a fork, where nothing of the parent's is ours."""
        self._hub = Hub()
        self._sqlite: SqliteEngine | None = None
        self._platforms: dict[asyncio.AbstractEventLoop, asyncio.Task[Platform]] = {}
        self._pid = os.getpid()

    async def platform(self) -> Platform:
        """The platform of the running loop. Raises Unavailable, SchemaMismatch, NotFound (the project)."""
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():
            self._begin()
        opening = self._platforms.get(loop)
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception() is not None)):
            opening = self._platforms[loop] = loop.create_task(self._open())
        if opening.done():
            return opening.result()
        if self.address.kind == "sqlite":  # it may have to migrate itself first
            return await asyncio.shield(opening)
        async with answered_within(PATIENCE_SECONDS):
            return await asyncio.shield(opening)

    async def platform_of(self, project_id: ProjectId) -> Platform:
        """The platform of another project, over the connections of the running loop's own one.

        Its results have to be closed by whoever asks.
        """
        platform = await self.platform()
        if project_id == platform.project_id:
            return platform
        return self._assemble(
            platform.engine, platform.signals, project_id, platform.security, redis=platform.redis
        )

    async def platform_of_a_ready_database(self) -> Platform:
        """`platform`, but a SQLite file that lacks its tables is refused: a transaction of the caller may be open.

        Raises SchemaMismatch as well.
        """
        if self.address.kind == "sqlite" and self._sqlite is None and self.address.target != ":memory:":
            (await schema_state(self.settings.database_url)).check()
        return await self.platform()

    @asynccontextmanager
    async def beat_link(self, worker_id: UUID) -> AsyncIterator[Link]:
        """A second link of a worker, with a connection of its own, for the loop of its heartbeats."""
        engine = self._engine(pool_size=1, name="taskforge beat")
        try:
            platform = self._assemble(engine, LocalSignals(self._hub), await self._project(engine))
            yield platform.link(worker_id)
        finally:
            if engine is not self._sqlite:
                await engine.close()

    async def check_schema(self) -> None:
        """Whether the database is still one for this program. Raises SchemaMismatch, Unavailable."""
        if self.address.target != ":memory:":
            (await schema_state(self.settings.database_url)).check()

    async def close(self) -> None:
        """Close what this loop has opened; the last loop closes the database."""
        opening = self._platforms.pop(asyncio.get_running_loop(), None)
        if opening is not None and not opening.cancelled() and not (opening.done() and opening.exception()):
            platform = await opening
            await platform.results.close()
            await platform.audit.seal_own()
            platform.security.close()
            await platform.signals.close()
            if platform.engine is not self._sqlite:
                await platform.engine.close()
        if not self._platforms and self._sqlite is not None:
            engine, self._sqlite = self._sqlite, None
            await engine.close()

    async def _open(self) -> Platform:
        await self._check_schema()
        engine = self._engine(pool_size=self.settings.pool_size, name="taskforge")
        if self.address.kind == "sqlite":
            await self._refuse_other_hosts(engine)
        project_id = await self._project(engine)
        redis = open_redis(self.settings.redis_url, self.settings.redis_prefix)
        signals = with_redis(self._hub, redis, self._signals())
        await signals.start()
        return self._assemble(engine, signals, project_id, redis=redis)

    async def _check_schema(self) -> None:
        """A SQLite file migrates itself; PostgreSQL never does without being told."""
        if self.address.kind == "postgres":
            (await schema_state(self.address.target)).check()
        elif self.address.target != ":memory:":
            Path(self.address.target).parent.mkdir(parents=True, exist_ok=True)
            state = await migrate(self.settings.database_url)
            if state.unknown:
                state.check()

    async def _refuse_other_hosts(self, engine: Engine) -> None:
        """The locks and the shared memory of SQLite end with the machine: two hosts would ruin the file."""
        process = this_process()
        if not process.machine:
            return
        since = datetime.now(UTC) - timedelta(seconds=self.settings.lease_seconds)
        host = await SqlWorkerStore(engine).host_elsewhere(process, since)
        if host is not None:
            raise SharedFile(
                f"a worker on host {host!r} uses {self.address.target}: SQLite cannot be shared by two machines",
                hint=f"use PostgreSQL; if that worker is gone, wait {self.settings.lease_seconds:g} s",
            )

    def _engine(self, *, pool_size: int, name: str) -> Engine:
        if self.address.kind == "postgres":
            from taskforge.storage.postgres import PostgresEngine

            return PostgresEngine(
                self.address.target,
                clock=self._clock,
                pool_size=pool_size,
                statement_cache=self.settings.statement_cache,
                statement_timeout=max(5.0, min(30.0, self.settings.lease_seconds / 2)),
                application_name=name,
            )
        if self._sqlite is None:
            from taskforge.storage.sqlite.engine import SqliteEngine

            self._sqlite = SqliteEngine(self.address.target, clock=self._clock)
            if self._sqlite.in_memory:
                self._sqlite.migrate_memory()
        return self._sqlite

    def _signals(self) -> Signals:
        if self.address.kind == "postgres":
            from taskforge.coordination.postgres import PostgresSignals

            return PostgresSignals(self._hub, self.address.target)
        if self._sqlite is None or self._sqlite.in_memory:
            return LocalSignals(self._hub)
        from taskforge.coordination.wal import WalSignals

        return WalSignals(self._hub, self.address.target, self._sqlite.changed_by_others)

    async def _project(self, engine: Engine) -> ProjectId:
        project_id = await SqlQueueStore(engine, mint).project(self.settings.project)
        if project_id is None:
            raise NotFound(
                f"no project is named {self.settings.project!r}",
                hint=f"it comes from: {self.settings.origins['project']}",
            )
        return project_id

    def _security(self, engine: Engine, queues: QueueStore) -> Security:
        return Security(
            SecurityStores(
                SqlTenantStore(engine, mint),
                SqlPeopleStore(engine, mint),
                SqlKeyStore(engine),
                SqlCredentialStore(engine),
                SqlSessionStore(engine),
                SqlAttemptStore(engine),
                queues,
            ),
            secret=self.settings.secret_key,
            previous_secret=self.settings.previous_secret_key,
            now=self._now,
            mint=mint,
            random=secrets.token_bytes,
        )

    def _now(self) -> datetime:
        moved = None if self._clock is None else self._clock.now()
        return moved or datetime.now(UTC)

    def _assemble(
        self,
        engine: Engine,
        signals: Signals,
        project_id: ProjectId,
        security: Security | None = None,
        *,
        redis: RedisServer | None = None,
    ) -> Platform:
        jobs = SqlJobStore(engine)
        bulk = SqlBulkStore(engine)
        operations = SqlOperationStore(engine)
        queues = SqlQueueStore(engine, mint)
        security = security or self._security(engine, queues)
        history = SqlHistoryStore(engine)
        workers = SqlWorkerStore(engine)
        directory = QueueDirectory(queues, project_id, retry_policy_of)
        pauses = SqlPauseStore(engine, mint)
        pause_work = PauseWork(pauses, queues, signals)
        partitions = SqlPartitionStore(engine) if self.address.kind == "postgres" else None
        ticks = SqlTickStore(engine, jobs, queues, mint)
        health = Health(
            SqlHealthStore(engine),
            workers,
            queues,
            project_id,
            lease=self.settings.lease_seconds,
            interval=self.settings.recovery_interval_seconds,
            ticks=ticks,
            partitions=partitions,
        )
        submission = Submission(jobs, directory, signals, mint=mint, encode=to_json, limits=security.limits)
        payloads = PayloadSchemas(workers, project_id)
        plans = FiringPlans(submission, signals, to_json)
        ticking = Ticking(ticks, plans)
        make_link = partial(
            DirectLink,
            jobs=jobs,
            workers=workers,
            directory=directory,
            signals=signals,
            mint=mint,
            options=LinkOptions(
                self.settings.lease_seconds,
                self.settings.poll_seconds * (CALM if engine.dialect == "sqlite" else 1),
                self.settings.poll_without_hints_seconds,
            ),
        )
        bulk_of = partial(Bulk, bulk, jobs, history, signals)
        schedules = SqlScheduleStore(engine, mint)
        backfill_of = partial(Backfill, schedules, ticks, plans)
        return Platform(
            project_id=project_id,
            settings=self.settings,
            engine=engine,
            signals=signals,
            directory=directory,
            jobs=jobs,
            workers=workers,
            submission=submission,
            transactions=TransactionalSubmission(
                SqlTransactionStore(engine, jobs, queues), submission, directory, signals
            ),
            queues=Queues(queues, history, directory, signals),
            pauses=Pauses(pauses, pause_work, directory),
            control=Control(jobs, bulk, history, directory, signals),
            bulk=bulk_of(project_id),
            operations=Operations(operations, bulk_of(project_id), project_id, mint),
            operation_steps=OperationSteps(operations, queues, bulk_of, backfill_of),
            insights=Insights(history, workers, project_id),
            results=Results(history, signals, project_id),
            recovery=Recovery(
                jobs=jobs,
                queues=queues,
                workers=workers,
                pauses=pause_work,
                signals=signals,
                lease=self.settings.lease_seconds,
            ),
            recording=Recording(SqlRecordKeeper(engine)),
            metrics=Metrics(SqlMetricsStore(engine), queues, project_id),
            pruning=self._pruning(engine, partitions, ticking),
            health=health,
            explaining=Explaining(history, queues, pauses, health, project_id),
            audit=AuditLog(SqlAuditStore(engine)),
            idempotency=Idempotency(SqlRequestStore(engine), mint),
            make_link=make_link,
            remote_workers=RemoteWorkers(project_id, workers, make_link),
            browsing=Browsing(history),
            worker_fleet=Workers(workers, history, health, project_id, lease=self.settings.lease_seconds),
            payloads=payloads,
            security=security,
            schedules=Schedules(
                schedules,
                ticks,
                plans,
                payloads,
                signals,
                project_id,
                timezone=self.settings.timezone,
            ),
            backfill=backfill_of(project_id),
            ticking=ticking,
            leasing=Leasing(SqlLeaseStore(engine), project_id, mint),
            redis=redis,
            redis_leasing=None if redis is None else Leasing(leases_in(redis), project_id, mint),
        )

    def _pruning(self, engine: Engine, partitions: SqlPartitionStore | None, ticking: Ticking) -> Pruning:
        settings = self.settings
        return Pruning(
            SqlRetentionStore(engine),
            Retention(settings.keep_succeeded_days, settings.keep_cancelled_days, settings.keep_failed_days),
            partitions=None if partitions is None else Partitions(partitions),
            archive=None if settings.archive is None else open_archive(settings.archive),
            interval=settings.retention_interval_seconds,
            batch=settings.retention_batch,
            before=ticking.keep,
        )
