"""The schedules of a server, as the commands ask for them: the same answers and errors as beside a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.cli.schedule_work import triggered
from taskforge.domain.calendar import parse_calendar
from taskforge.domain.schedule_fields import checked_fields
from taskforge.services.schedules import full_name

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from datetime import datetime

    from taskforge.client import Client
    from taskforge.domain.worker import TaskDescription
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

    async def create(
        self, name: str, fields: Mapping[str, Any], tasks: Sequence[TaskDescription]
    ) -> dict[str, Any]:
        values = checked_fields(fields)
        made = await self._client.schedules.acreate(name, **values)
        return {member: value for member, value in made.items() if member != "latest_execution"}

    async def edit(self, name: str, fields: Mapping[str, Any], *, reset: bool) -> dict[str, Any]:
        values, whole = checked_fields(fields), await self._named(name)
        changed = await self._client.schedules.areset(whole) if reset else {}
        return await self._client.schedules.aupdate(whole, **values) if values else changed

    async def delete(self, name: str) -> str:
        whole = await self._named(name)
        await self._client.schedules.adelete(whole)
        return whole

    async def rest(self, *, paused: bool) -> int:
        schedules = self._client.schedules
        return await (schedules.apause_all if paused else schedules.aresume_all)()

    async def calendars(self) -> dict[str, dict[str, Any]]:
        return {found["name"]: _days(found) for found in await self._client.schedules.acalendars()}

    async def put_calendar(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        parse_calendar(values)
        return _days(await self._client.schedules.aput_calendar(name, **values))

    async def delete_calendar(self, name: str) -> None:
        await self._client.schedules.adelete_calendar(name)

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


def _days(calendar: dict[str, Any]) -> dict[str, Any]:
    return {"dates": calendar["dates"], "weekdays": calendar["weekdays"]}
