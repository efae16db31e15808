"""A worker of an application in this process: the worker itself and the loops that every process has."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput, InvalidSetting
from taskforge.domain.worker import WorkerType
from taskforge.runtime.loops.recover import recovery_loop
from taskforge.runtime.loops.seal import seal_loop
from taskforge.runtime.worker.options import WorkerOptions
from taskforge.runtime.worker.processes.options import ProcessOptions
from taskforge.runtime.worker.worker import Worker
from taskforge.services.processes import this_process
from taskforge.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from taskforge.runtime.loop import Loop
    from taskforge.sdk.registry import Registry
    from taskforge.wiring import Wiring


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
    ) -> None:
        if not len(registry):
            raise InvalidInput("the application has no tasks", hint="write one: @app.task above a function")
        if any(task.pool == "process" for task in registry):
            from taskforge.runtime.worker.processes.pool import check_process_tasks

            check_process_tasks(registry)
        settings = wiring.settings
        process = this_process()
        self._wiring = wiring
        self._registry = registry
        self._interval = settings.recovery_interval_seconds
        self._options = WorkerOptions(
            name=name or f"{socket.gethostname()}-{process.pid}",
            queues=list(queues) if queues else sorted({task.queue for task in registry}),
            process=process,
            concurrency=settings.concurrency if concurrency is None else concurrency,
            type=type,
            capabilities=capabilities or {},
            version=VERSION,
            grace=settings.grace_seconds if grace is None else grace,
            capture_level=capture_level(settings.capture_level),
            capture_output=is_on(settings.capture_output, "capture_output"),
            processes=ProcessOptions(
                max_jobs=settings.process_max_jobs,
                max_rss=settings.process_max_mebibytes * 1024 * 1024,
                settings=settings_of_children or {},
            ),
        )
        self._worker: Worker | None = None
        self._loops: list[Loop] = []

    async def open(self) -> Worker:
        """The worker, not yet started."""
        platform = await self._wiring.platform()
        self._worker = Worker(platform.link(), self._wiring.beat_link, self._registry, self._options)
        self._loops = [
            recovery_loop(platform.recovery.sweep, self._interval),
            seal_loop(platform.audit.seal_due),
        ]
        for loop in self._loops:
            loop.start()
        return self._worker

    async def close(self) -> None:
        """End the loops; the worker is drained by then."""
        for loop in self._loops:
            await loop.stop()

    async def __aenter__(self) -> Self:
        worker = await self.open()
        await worker.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._worker is not None:
            await self._worker.drain()
        await self.close()


def is_on(value: str, name: str) -> bool:
    """Whether a setting that is ``on`` or ``off`` is on."""
    if value not in ("on", "off"):
        raise InvalidSetting(f"{name} must be on or off, not {value!r}", field=name)
    return value == "on"


def capture_level(name: str) -> int | None:
    """The number of a logging level by name; None for off."""
    levels = {
        "trace": 5,
        "debug": logging.DEBUG,
        "info": logging.INFO,
        "warn": logging.WARNING,
        "error": logging.ERROR,
    }
    if name == "off":
        return None
    if name not in levels:
        raise InvalidSetting(
            f"capture_level must be one of {', '.join(levels)} or off, not {name!r}", field="capture_level"
        )
    return levels[name]
