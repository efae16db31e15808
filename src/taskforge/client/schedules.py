"""Schedules of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from taskforge.client import views
from taskforge.client.resources import LONGEST_PAGE, Resource, synchronous

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

    async def ahistory(self, /, name: str, *, limit: int = 20, **filters: Any) -> list[dict[str, Any]]:
        """Its due times that have come, the latest first. ``filters`` are the API's: success, outcome."""
        found: list[dict[str, Any]] = []
        size, page, has_more = min(limit, LONGEST_PAGE), 1, True
        while has_more and len(found) < limit:
            path = f"{_schedule(name)}/history"
            part, meta = await self._list(dict[str, Any], path, limit=size, page=page, **filters)
            found += part
            page, has_more = page + 1, meta.has_more
        return found[:limit]

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
    history = synchronous(ahistory)
    trigger = synchronous(atrigger)
    enable = synchronous(aenable)
    disable = synchronous(adisable)
    backfill = synchronous(abackfill)


def _schedule(name: str) -> str:
    return f"/scheduled-jobs/{quote(name, safe='')}"
