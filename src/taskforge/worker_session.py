"""A worker of an application in this process, and where it gets its jobs from: a database, or a server.

Beside a database run the loops that every process has; a server has its own.
"""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from taskforge.domain.errors import InvalidInput, InvalidSetting
from taskforge.domain.worker import WorkerType
from taskforge.housekeeping import Housekeeping
from taskforge.runtime.worker.options import WorkerOptions
from taskforge.runtime.worker.processes.options import ProcessOptions
from taskforge.runtime.worker.worker import Worker
from taskforge.sdk.hooks import Hooks
from taskforge.sdk.tracing import tracing_api
from taskforge.services.processes import this_process
from taskforge.settings import LOG_LEVELS
from taskforge.upkeep import upkeep
from taskforge.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from taskforge.ports.link import Link
    from taskforge.runtime.loop import Loop
    from taskforge.runtime.worker.meter import Meter
    from taskforge.runtime.worker.spans import Spans
    from taskforge.sdk.context import Locking
    from taskforge.sdk.lifespan import SharedLifespan
    from taskforge.sdk.registry import Registry
    from taskforge.settings import Settings
    from taskforge.wiring import Wiring


class WorkSource(Protocol):
    """Where a worker gets its links from."""

    async def open(self) -> Link:
        """The link of the worker, not yet registered."""
        ...

    def beat_link(self, worker_id: UUID, /) -> AbstractAsyncContextManager[Link]:
        """A second link of the registered worker, for the event loop of its heartbeats."""
        ...

    async def close(self) -> None:
        """The worker is drained, and needs nothing more."""
        ...


class DatabaseSource:
    """The database of an application. While it is open, the loops run that every process has."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._loops: list[Loop] = []
        self.beat_link = wiring.beat_link

    async def open(self) -> Link:
        """A link to the database."""
        platform = await self._wiring.platform()
        self._loops = upkeep(Housekeeping(platform))
        for loop in self._loops:
            loop.start()
        return platform.link()

    async def close(self) -> None:
        """End the loops; connections are the application's."""
        for loop in self._loops:
            await loop.stop()


def source_of(wiring: Wiring) -> WorkSource:
    """The server that the settings name, else the database. Raises InvalidSetting: a server without a key."""
    settings = wiring.settings
    if settings.server is None:
        return DatabaseSource(wiring)
    from taskforge.client.link import ServerSource

    return ServerSource(settings.server, key_of(settings))


def key_of(settings: Settings) -> str:
    """The key for the server. Raises InvalidSetting when there is none."""
    if settings.key is None:
        raise InvalidSetting(
            f"the server {settings.server} needs a key", field="key", hint="give --key, or set TASKFORGE_KEY"
        )
    return settings.key


class WorkerSession:
    """``async with``: started on entry, drained on exit."""

    def __init__(
        self,
        wiring: Wiring,
        registry: Registry,
        *,
        queues: Sequence[str] | None,
        concurrency: int | None,
        name: str | None,
        type: WorkerType = WorkerType.GENERAL,
        capabilities: dict[str, Any] | None = None,
        grace: float | None = None,
        settings_of_children: Mapping[str, Any] | None = None,
        locking: Locking | None = None,
        hooks: Hooks | None = None,
        resources: SharedLifespan | None = None,
    ) -> None:
        if not len(registry):
            raise InvalidInput("the application has no tasks", hint="write one: @app.task above a function")
        if any(task.pool == "process" for task in registry):
            from taskforge.runtime.worker.processes.pool import check_process_tasks

            check_process_tasks(registry)
        settings = wiring.settings
        process = this_process()
        self._source = source_of(wiring)
        self._registry = registry
        self._options = WorkerOptions(
            name=name or f"{socket.gethostname()}-{process.pid}",
            queues=list(queues) if queues else sorted({task.queue for task in registry}),
            process=process,
            concurrency=settings.concurrency if concurrency is None else concurrency,
            type=type,
            capabilities=capabilities or {},
            version=VERSION,
            grace=settings.grace_seconds if grace is None else grace,
            capture_level=LOG_LEVELS.get(settings.capture_level),
            capture_output=settings.capture_output == "on",
            result_bytes=settings.result_kibibytes * 1024,
            processes=ProcessOptions(
                max_jobs=settings.process_max_jobs,
                max_rss=settings.process_max_mebibytes * 1024 * 1024,
                settings=settings_of_children or {},
            ),
            locking=locking if settings.server is None else None,
            hooks=hooks or Hooks(),
            meter=_meter() if settings.metrics_port else None,
        )
        self._options = replace(self._options, spans=_spans(self._options.name))
        self._resources = resources
        self._worker: Worker | None = None
        self._stack = AsyncExitStack()

    async def open(self) -> Worker:
        """The worker, not yet started. Raises what the application's own lifespan raises."""
        if self._resources is not None:
            await self._stack.enter_async_context(self._resources)
        self._stack.push_async_callback(self._source.close)
        try:
            link = await self._source.open()
        except BaseException:
            await self.close()
            raise
        self._worker = Worker(link, self._source.beat_link, self._registry, self._options)
        return self._worker

    async def close(self) -> None:
        """Let go of where the jobs came from, and of what the application shares; the worker is drained by then."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        worker = await self.open()
        try:
            await worker.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._worker is not None:
            await self._worker.drain()
        await self.close()


def _spans(worker: str) -> Spans | None:
    if tracing_api() is None:
        return None
    from taskforge.runtime.worker.spans import spans_of

    return spans_of(worker)


def _meter() -> Meter:
    from taskforge.runtime.worker.meter import Meter

    return Meter()
