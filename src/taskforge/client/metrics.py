"""What a server says of its queues, job types and workers, and of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from uuid import UUID


class Metrics(Resource):
    """``client.metrics``: attempts, durations and waits of the last ``hours``, as the API tells them: docs/metrics.md."""

    async def aproject(self, *, hours: float = 24.0) -> dict[str, Any]:
        """All queues of the project together."""
        return await self._get(dict[str, Any], "/metrics", hours=hours)

    async def aqueues(self, *, hours: float = 24.0) -> list[dict[str, Any]]:
        """Every queue."""
        return await self._by_number(dict[str, Any], "/metrics/queues", hours=hours)

    async def aqueue(self, queue_id: UUID, *, hours: float = 24.0) -> dict[str, Any]:
        """One queue. Raises NotFound."""
        return await self._get(dict[str, Any], f"/queues/{queue_id}/metrics", hours=hours)

    async def ajob_types(
        self, *, hours: float = 24.0, queue_id: UUID | None = None, project_id: UUID | None = None
    ) -> list[dict[str, Any]]:
        """Every job type that ended an attempt, in one queue (of that project) or in all."""
        where = {"queue_id": queue_id, "project_id": project_id}
        return await self._by_number(dict[str, Any], "/metrics/job-types", hours=hours, **where)

    async def aworkers(self, *, hours: float = 24.0) -> list[dict[str, Any]]:
        """Every worker that lived then, with its restarts."""
        return await self._by_number(dict[str, Any], "/metrics/workers", hours=hours)

    async def adepths(self, *, project_id: UUID | None = None) -> list[dict[str, Any]]:
        """What each queue holds now; one that is missing holds nothing."""
        return await self._get(list[dict[str, Any]], "/metrics/depths", project_id=project_id)

    async def adiagnosis(self) -> list[dict[str, Any]]:
        """What ``taskforge doctor`` finds there: ``check``, ``verdict``, ``detail``, ``hint``, ``code``, ``details``."""
        return await self._get(list[dict[str, Any]], "/diagnosis")

    project = synchronous(aproject)
    queues = synchronous(aqueues)
    queue = synchronous(aqueue)
    job_types = synchronous(ajob_types)
    workers = synchronous(aworkers)
    depths = synchronous(adepths)
    diagnosis = synchronous(adiagnosis)
