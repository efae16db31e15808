"""The figures of a database or of a server, as the commands `metrics` ask for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from taskforge.cli.show import plain
from taskforge.domain.errors import NotFound
from taskforge.domain.metrics import DepthPoint, check_hours

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskforge.client import Client
    from taskforge.client.views import Queue
    from taskforge.platform import Platform

Document = dict[str, Any]


class LocalMetrics:
    """Implements ``MetricsDesk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        self._queues = platform.queues
        self._metrics = platform.metrics

    async def queue(self, name: str, hours: float) -> Document:
        queue = await self._queues.get(name)
        period = await self._metrics.last(hours)
        return {
            **plain(await self._metrics.queue(queue.id, period)),
            "depth": plain(await self._metrics.depth(queue.id)),
            "job_types": plain(await self._metrics.job_types(period, queue_id=queue.id)),
        }

    async def queues(self, hours: float) -> list[Document]:
        return _documents(await self._metrics.queues(await self._metrics.last(hours)))

    async def depths(self) -> list[Document]:
        found = await self._metrics.depths_now()
        return [
            {**plain(found[queue.id]), "queue_id": str(queue.id), "state": queue.state.value}
            for queue in await self._queues.list()
            if queue.id in found
        ]

    async def job_types(self, queue: str | None, hours: float) -> list[Document]:
        chosen = None if queue is None else (await self._queues.get(queue)).id
        period = await self._metrics.last(hours)
        return _documents(await self._metrics.job_types(period, queue_id=chosen))

    async def worker(self, name: str, hours: float) -> Document:
        period = await self._metrics.last(hours)
        return _documents([await self._metrics.worker_named(name, period)])[0]

    async def workers(self, hours: float) -> list[Document]:
        return _documents(await self._metrics.workers(await self._metrics.last(hours)))


class RemoteMetrics:
    """Implements ``MetricsDesk`` over the HTTP API; ``queue`` finds a queue by its name."""

    def __init__(self, client: Client, queue: Callable[[str], Awaitable[Queue]]) -> None:
        self._metrics = client.metrics
        self._queues = client.queues
        self._queue = queue

    async def queue(self, name: str, hours: float) -> Document:
        queue = await self._queue(name)
        types = await self._metrics.ajob_types(
            hours=check_hours(hours), queue_id=queue.id, project_id=queue.project_id
        )
        depths = await self._metrics.adepths(project_id=queue.project_id)
        nothing = plain(DepthPoint(datetime.now(UTC), 0, 0, 0, 0, 0.0))
        depth = next((found for found in depths if found["queue_id"] == str(queue.id)), nothing)
        return {
            **await self._metrics.aqueue(queue.id, hours=hours),
            "depth": {member: depth[member] for member in nothing},
            "job_types": types,
        }

    async def queues(self, hours: float) -> list[Document]:
        return await self._metrics.aqueues(hours=check_hours(hours))

    async def depths(self) -> list[Document]:
        states = {str(queue.id): queue.state.value for queue in await self._queues.alist()}
        return [
            {**depth, "state": states[depth["queue_id"]]}
            for depth in await self._metrics.adepths()
            if depth["queue_id"] in states
        ]

    async def job_types(self, queue: str | None, hours: float) -> list[Document]:
        if queue is None:
            return await self._metrics.ajob_types(hours=check_hours(hours))
        found = await self._queue(queue)
        return await self._metrics.ajob_types(
            hours=check_hours(hours), queue_id=found.id, project_id=found.project_id
        )

    async def worker(self, name: str, hours: float) -> Document:
        for found in await self.workers(hours):
            if found["worker_name"] == name:
                return found
        raise NotFound(f"no worker named {name!r} lived then", hint="taskforge workers list --all")

    async def workers(self, hours: float) -> list[Document]:
        return await self._metrics.aworkers(hours=check_hours(hours))


def _documents(found: Any) -> list[Document]:
    documents: list[Document] = plain(found)
    return documents
