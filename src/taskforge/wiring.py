"""The composition root: opens the database and what lies beside it; `platform` puts the services together.

An application has one Wiring. Each event loop that uses it gets a Platform of its own (connections are
bound to their loop); the SQLite engine and the hub of hints are shared by all of them.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.coordination.redis_opening import check_dispatch, open_redis, with_redis
from taskforge.domain.errors import NotFound, SharedFile
from taskforge.domain.ids import ProjectId, Uuid7Source
from taskforge.foundation import Foundation
from taskforge.platform import Platform
from taskforge.services.lookout import Lookout
from taskforge.services.patience import PATIENCE_SECONDS, answered_within
from taskforge.services.processes import this_process
from taskforge.storage.address import Address, parse_address
from taskforge.storage.migrate import migrate, schema_state
from taskforge.storage.queues import SqlQueueStore
from taskforge.storage.workers import SqlWorkerStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.ports.clock import Clock
    from taskforge.ports.link import Link
    from taskforge.ports.signals import Signals
    from taskforge.settings import Settings
    from taskforge.storage.engine import Engine
    from taskforge.storage.sqlite.engine import SqliteEngine

_random = random.Random(os.urandom(32))
"""Our own, so that a program that seeds ``random`` does not repeat ids."""
_forks = 0
"""What was opened before a fork is the parent's. Counted here: asking for the process id is a system call."""


def _after_fork() -> None:
    global _forks
    _forks += 1
    _random.seed(os.urandom(32))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

__all__ = ["Platform", "Wiring", "mint"]

mint = Uuid7Source(lambda: time.time_ns() // 1_000_000, _random.getrandbits)


class Wiring:
    """Opens and closes the platforms of one application."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.address: Address = parse_address(settings.database_url, settings.origins.get("database_url"))
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        """Nothing is open yet: at the start, and after a fork, where nothing of the parent's is ours."""
        self._hub = Hub()
        self._lookout = Lookout() if self.address.kind == "postgres" else None
        self._sqlite: SqliteEngine | None = None
        self._opening = threading.Lock()
        self._platforms: dict[asyncio.AbstractEventLoop, asyncio.Task[Platform]] = {}
        self._forks = _forks
        self._project_id: ProjectId | None = None

    async def platform(self) -> Platform:
        """The platform of the running loop. Raises Unavailable, SchemaMismatch, NotFound (the project)."""
        at_hand = self.platform_at_hand()
        if at_hand is not None:
            return at_hand
        loop = asyncio.get_running_loop()
        if self._forks != _forks:
            self._begin()
        opening = self._platforms.get(loop)
        if opening is None or opening.done():
            opening = self._platforms[loop] = loop.create_task(self._open())
        if self.address.kind == "sqlite":  # it may have to migrate itself first
            return await asyncio.shield(opening)
        with answered_within(PATIENCE_SECONDS):
            return await asyncio.shield(opening)

    def platform_at_hand(self) -> Platform | None:
        """The platform of the running loop if it is open already."""
        opening = self._platforms.get(asyncio.get_running_loop())
        if opening is None or not opening.done() or self._forks != _forks:
            return None
        try:
            return opening.result()
        except (Exception, asyncio.CancelledError):
            return None

    async def platform_of(self, project_id: ProjectId) -> Platform:
        """The platform of another project, on the foundation of the running loop's own one.

        It has to be closed by whoever asks.
        """
        platform = await self.platform()
        return platform if project_id == platform.project_id else Platform(project_id, platform.foundation)

    async def platform_of_a_ready_database(self) -> Platform:
        """`platform`, but a SQLite file that lacks its tables is refused: a transaction of the caller may be open.

        Raises SchemaMismatch as well.
        """
        if self.address.kind == "sqlite" and self._sqlite is None and self.address.target != ":memory:":
            (await schema_state(self.settings.database_url)).check()
        return await self.platform()

    @asynccontextmanager
    async def beat_link(self, worker_id: UUID) -> AsyncIterator[Link]:
        """A second link of a worker, with a connection of its own from its first beat on, for the loop of its heartbeats."""
        engine = self._engine(pool_size=1, name="taskforge beat")
        try:
            project_id = self._project_id or await self._project(engine)
            foundation = self._foundation(engine, LocalSignals(self._hub))
            yield Platform(project_id, foundation).link(worker_id)
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
            foundation = platform.foundation
            await platform.close()
            await foundation.close()
            if foundation.engine is not self._sqlite:
                await foundation.engine.close()
        if not self._platforms and self._sqlite is not None:
            engine, self._sqlite = self._sqlite, None
            await engine.close()

    async def _open(self) -> Platform:
        await self._check_schema()
        engine = self._engine(pool_size=self.settings.pool_size, name="taskforge")
        if self.address.kind == "sqlite":
            await self._refuse_other_hosts(engine)
        project_id = self._project_id = await self._project(engine)
        check_dispatch(self.settings.dispatch, self.settings.redis_url)
        redis = open_redis(self.settings.redis_url, self.settings.redis_prefix)
        signals = with_redis(self._hub, redis, self._signals())
        await signals.start()
        return Platform(project_id, self._foundation(engine, signals, redis))

    async def _check_schema(self) -> None:
        """A SQLite file migrates itself; PostgreSQL never does without being told."""
        if self.address.kind == "postgres":
            (await schema_state(self.address.target)).check()
        elif self.address.target != ":memory:":
            self.address.make_folder()
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
        from taskforge.storage.sqlite.engine import SqliteEngine

        with self._opening:
            if self._sqlite is None:
                engine = SqliteEngine(self.address.target, clock=self._clock)
                if engine.in_memory:
                    engine.migrate_memory()
                self._sqlite = engine
            return self._sqlite

    def _signals(self) -> Signals:
        if self.address.kind == "postgres":
            from taskforge.coordination.postgres import PostgresSignals
            from taskforge.storage.postgres import give_up_when_unanswered

            return PostgresSignals(self._hub, self.address.target, watched=give_up_when_unanswered)
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

    def _foundation(self, engine: Engine, signals: Signals, redis: RedisServer | None = None) -> Foundation:
        return Foundation(
            self.settings, engine, signals, mint, clock=self._clock, redis=redis, lookout=self._lookout
        )
