"""Assignments of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from uuid import UUID


class Assignments(Resource):
    """``client.assignments``: which workers serve which queues. They are as the API tells them: docs/assignments.md."""

    async def acreate(self, /, **values: Any) -> dict[str, Any]:
        """Let workers serve a queue. ``values``: queue_id or queue_name, worker_id or worker_name, weight, is_active.

        Raises Conflict, NotFound, InvalidInput.
        """
        return await self._do(dict[str, Any], "/assignments", _plain(values))

    async def alist(self, /, **filters: Any) -> list[dict[str, Any]]:
        """All of them. ``filters`` are the API's: queue_id, worker_id, is_active."""
        return await self._by_number(dict[str, Any], "/assignments", **_plain(filters))

    async def aget(self, assignment_id: UUID) -> dict[str, Any]:
        """One assignment. Raises NotFound."""
        return await self._get(dict[str, Any], f"/assignments/{assignment_id}")

    async def aupdate(self, /, assignment_id: UUID, **values: Any) -> dict[str, Any]:
        """Change its weight, or whether it is active (``is_active``)."""
        return await self._do(dict[str, Any], f"/assignments/{assignment_id}", values, method="PATCH")

    async def aactivate(self, assignment_id: UUID) -> dict[str, Any]:
        """Let its workers serve the queue again."""
        return await self._do(dict[str, Any], f"/assignments/{assignment_id}/activate")

    async def adeactivate(self, assignment_id: UUID) -> dict[str, Any]:
        """Let its workers take no more jobs of the queue."""
        return await self._do(dict[str, Any], f"/assignments/{assignment_id}/deactivate")

    async def aremove(self, assignment_id: UUID) -> None:
        """Remove it; a queue without any is served by every worker that subscribes to it."""
        await self._transport.ask("DELETE", f"/assignments/{assignment_id}")

    async def aeligible_workers(self, queue_id: UUID) -> list[dict[str, Any]]:
        """The workers that serve a queue, those with the least load first."""
        return await self._get(list[dict[str, Any]], f"/queues/{queue_id}/eligible-workers")

    async def aeligible_queues(self, worker_id: UUID) -> list[dict[str, Any]]:
        """The queues that a worker serves."""
        return await self._get(list[dict[str, Any]], f"/workers/{worker_id}/eligible-queues")

    async def amatrix(self) -> dict[str, Any]:
        """All queues and workers, the assignments between them, and who serves what."""
        return await self._get(dict[str, Any], "/assignments/matrix")

    create = synchronous(acreate)
    list = synchronous(alist)
    get = synchronous(aget)
    update = synchronous(aupdate)
    activate = synchronous(aactivate)
    deactivate = synchronous(adeactivate)
    remove = synchronous(aremove)
    eligible_workers = synchronous(aeligible_workers)
    eligible_queues = synchronous(aeligible_queues)
    matrix = synchronous(amatrix)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    from uuid import UUID

    given = {name: value for name, value in values.items() if value is not None}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in given.items()}
