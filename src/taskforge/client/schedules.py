"""Schedules of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from taskforge.client import views
from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from datetime import datetime


class Schedules(Resource):
    """``client.schedules``, by name. They and their runs are as the API tells them: docs/schedules.md."""

    async def alist(self) -> list[dict[str, Any]]:
        """All schedules by name."""
        return await self._by_number(dict[str, Any], "/scheduled-jobs")

    async def aget(self, name: str) -> dict[str, Any]:
        """One schedule, with its latest run. Raises NotFound."""
        return await self._get(dict[str, Any], _schedule(name))

    async def acreate(self, /, name: str, task: str, **values: Any) -> dict[str, Any]:
        """Make a schedule. ``values`` are the API's: cron, interval_seconds or run_at, timezone, arguments ..."""
        return await self._do(dict[str, Any], "/scheduled-jobs", {"job_id": name, "task": task, **values})

    async def aupdate(self, /, name: str, **values: Any) -> dict[str, Any]:
        """Change what is given; None goes back to what code says, or to the default."""
        return await self._do(dict[str, Any], _schedule(name), values, method="PATCH")

    async def areset(self, name: str) -> dict[str, Any]:
        """Go back to what code says. Raises Conflict where none declares it."""
        return await self._do(dict[str, Any], f"{_schedule(name)}/reset")

    async def adelete(self, name: str) -> None:
        """Remove it."""
        await self._transport.ask("DELETE", _schedule(name))

    async def apause_all(self) -> int:
        """Let all schedules rest; answers how many that changed."""
        return int((await self._do(dict[str, Any], "/scheduled-jobs/pause"))["changed"])

    async def aresume_all(self) -> int:
        """Let all schedules go on; answers how many that changed."""
        return int((await self._do(dict[str, Any], "/scheduled-jobs/resume"))["changed"])

    async def acalendars(self) -> list[dict[str, Any]]:
        """The calendars by name, with their ``dates`` and ``weekdays``."""
        return await self._get(list[dict[str, Any]], "/calendars")

    async def aput_calendar(self, /, name: str, **values: Any) -> dict[str, Any]:
        """Make or replace a calendar: ``dates``, ``weekdays``."""
        return await self._do(dict[str, Any], _calendar(name), values, method="PUT")

    async def adelete_calendar(self, name: str) -> None:
        """Remove a calendar that no schedule names. Raises Conflict, NotFound."""
        await self._transport.ask("DELETE", _calendar(name))

    async def ahistory(self, /, name: str, *, limit: int = 20, **filters: Any) -> list[dict[str, Any]]:
        """Its due times that have come, the latest first. ``filters`` are the API's: success, outcome."""
        path = f"{_schedule(name)}/history"
        return [found async for found in self._all(dict[str, Any], path, limit, **filters)]

    async def atrigger(self, name: str, *, wait: float = 0.0) -> dict[str, Any]:
        """Run it now, also a disabled one; its job is ``queue_job_id``. ``wait``: seconds for its end, less than ``timeout``."""
        path = f"{_schedule(name)}/trigger?wait={wait:g}"
        return await self._do(dict[str, Any], path)

    async def aenable(self, name: str) -> dict[str, Any]:
        """Let it be due again, from now on."""
        return await self._do(dict[str, Any], f"{_schedule(name)}/enable")

    async def adisable(self, name: str) -> dict[str, Any]:
        """Let it be due no more until it is enabled."""
        return await self._do(dict[str, Any], f"{_schedule(name)}/disable")

    async def abackfill(self, name: str, since: datetime, until: datetime) -> views.Operation:
        """Begin to run the due times of a past span that have not run."""
        return await self._do(
            views.Operation, f"{_schedule(name)}/backfill", {"since": since, "until": until}
        )

    list = synchronous(alist)
    get = synchronous(aget)
    create = synchronous(acreate)
    update = synchronous(aupdate)
    reset = synchronous(areset)
    delete = synchronous(adelete)
    pause_all = synchronous(apause_all)
    resume_all = synchronous(aresume_all)
    calendars = synchronous(acalendars)
    put_calendar = synchronous(aput_calendar)
    delete_calendar = synchronous(adelete_calendar)
    history = synchronous(ahistory)
    trigger = synchronous(atrigger)
    enable = synchronous(aenable)
    disable = synchronous(adisable)
    backfill = synchronous(abackfill)


def _schedule(name: str) -> str:
    return f"/scheduled-jobs/{quote(name, safe='')}"


def _calendar(name: str) -> str:
    return f"/calendars/{quote(name, safe='')}"
