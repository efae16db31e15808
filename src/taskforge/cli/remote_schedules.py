"""The schedules of a server, as the commands ask for them: the same answers and errors as beside a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.cli.schedule_work import triggered
from taskforge.services.schedules import full_name

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime

    from taskforge.client import Client
    from taskforge.services.bulk import BulkProgress


class RemoteSchedules:
    """Implements ``ScheduleDesk`` over the HTTP API. ``followed`` tells how far an operation is, and stops it when left."""

    def __init__(
        self, client: Client, followed: Callable[[UUID], AsyncGenerator[BulkProgress, None]]
    ) -> None:
        self._client = client
        self._followed = followed

    async def all(self) -> list[dict[str, Any]]:
        return await self._client.schedules.alist()

    async def whole(self, name: str) -> dict[str, Any]:
        return await self._client.schedules.aget(await self._named(name))

    async def history(
        self, name: str, limit: int, outcome: str | None, success: bool | None
    ) -> list[dict[str, Any]]:
        chosen = {"outcome": outcome, "success": None if success is None else str(success).lower()}
        return await self._client.schedules.ahistory(await self._named(name), limit=limit, **chosen)

    async def enable(self, name: str) -> dict[str, Any]:
        return await self._client.schedules.aenable(await self._named(name))

    async def disable(self, name: str) -> dict[str, Any]:
        return await self._client.schedules.adisable(await self._named(name))

    async def trigger(self, name: str, wait: float | None) -> dict[str, Any]:
        run = await self._client.schedules.atrigger(await self._named(name))
        return await triggered(name, UUID(run["queue_job_id"]), wait, self._output)

    async def backfill(self, name: str, since: datetime, until: datetime) -> dict[str, Any]:
        operation = await self._client.schedules.abackfill(await self._named(name), since, until)
        run = max([progress.done async for progress in self._followed(operation.id)])
        return {"job_id": name, "due": operation.counted, "run": run}

    async def _output(self, job_id: UUID, wait: float) -> str:
        from taskforge.sdk.codec import encode

        return encode(await self._client.jobs.aresult(job_id, wait), where="result")

    async def _named(self, name: str) -> str:
        return full_name(name, [found["job_id"] for found in await self.all()])
