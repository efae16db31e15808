"""The assignments of a server, as the commands ask for them: the same answers and errors as beside a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.assignment import check_weight, matches
from taskforge.domain.errors import NotFound
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from uuid import UUID

    from taskforge.client import Client
    from taskforge.client.views import Queue


class RemoteAssignments:
    """Implements ``AssignmentDesk`` over the HTTP API; ``queue`` finds a queue by its name."""

    def __init__(self, client: Client, queue: Callable[[str], Awaitable[Queue]]) -> None:
        self._client = client
        self._queue = queue

    async def all(self, queue: str | None, worker: str | None) -> list[dict[str, Any]]:
        queue_id = None if queue is None else (await self._queue(queue)).id
        found = await self._client.assignments.alist(queue_id=queue_id)
        return [a for a in found if worker is None or matches(a["worker_name"], worker)]

    async def create(self, queue: str, worker: str, weight: int, *, is_active: bool) -> dict[str, Any]:
        return await self._client.assignments.acreate(
            queue_id=(await self._queue(queue)).id,
            worker_name=worker,
            weight=check_weight(weight),
            is_active=is_active,
        )

    async def change(self, queue: str, worker: str, values: Mapping[str, Any]) -> dict[str, Any]:
        found = await self._between(queue, worker)
        if "weight" in values:
            check_weight(values["weight"])
        return await self._client.assignments.aupdate(found["id"], **values)

    async def remove(self, queue: str, worker: str) -> dict[str, Any]:
        found = await self._between(queue, worker)
        await self._client.assignments.aremove(found["id"])
        return found

    async def workers_of(self, queue: str) -> list[dict[str, Any]]:
        return await self._client.assignments.aeligible_workers((await self._queue(queue)).id)

    async def queues_of(self, worker: str) -> list[dict[str, Any]]:
        present = await self._client.workers.alist()
        names: dict[str, UUID] = {w.name: w.id for w in present if w.status.is_live}
        if worker not in names:
            raise NotFound(f"no live worker is named {worker!r}", hint=near(worker, sorted(names)))
        return await self._client.assignments.aeligible_queues(names[worker])

    async def matrix(self) -> dict[str, Any]:
        return await self._client.assignments.amatrix()

    async def _between(self, queue: str, worker: str) -> dict[str, Any]:
        for found in await self._client.assignments.alist(queue_id=(await self._queue(queue)).id):
            if found["worker_name"] == worker:
                return found
        raise NotFound(f"queue {queue!r} has no assignment of {worker!r}")
