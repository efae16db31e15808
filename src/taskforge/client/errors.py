"""Error groups of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.client import views
from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Errors(Resource):
    """``client.errors``: failures that are the same, as the API tells them: docs/observability.md."""

    async def alist(self, /, **filters: Any) -> list[dict[str, Any]]:
        """The groups that failed last. ``filters`` are the API's: status, job_type."""
        return await self._by_number(dict[str, Any], "/errors", **filters)

    async def aget(self, error_id: UUID) -> dict[str, Any]:
        """One, with the traceback of its sample. Raises NotFound."""
        return await self._get(dict[str, Any], f"/errors/{error_id}")

    async def aresolve(self, error_id: UUID) -> dict[str, Any]:
        """It is mended; a later failure brings it back."""
        return await self._do(dict[str, Any], f"/errors/{error_id}/resolve")

    async def amute(self, error_id: UUID, until: datetime | None = None) -> dict[str, Any]:
        """It is known, until then or for good."""
        body = {} if until is None else {"until": until}
        return await self._do(dict[str, Any], f"/errors/{error_id}/mute", body)

    async def areopen(self, error_id: UUID) -> dict[str, Any]:
        """It is new again."""
        return await self._do(dict[str, Any], f"/errors/{error_id}/reopen")

    async def aredrive(self, /, error_id: UUID, **values: Any) -> views.Operation:
        """Begin to retry its failed jobs. ``values`` are the API's: queue_name, per_second."""
        return await self._do(views.Operation, f"/errors/{error_id}/redrive", values)

    list = synchronous(alist)
    get = synchronous(aget)
    resolve = synchronous(aresolve)
    mute = synchronous(amute)
    reopen = synchronous(areopen)
    redrive = synchronous(aredrive)
