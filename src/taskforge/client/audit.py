"""The audit log of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Audit(Resource):
    """``client.audit``: who did what to what in the organization. Entries are as the API tells them: docs/audit.md."""

    async def alist(self, /, *, limit: int = 50, **filters: Any) -> list[dict[str, Any]]:
        """The entries, the newest first. ``filters`` are the API's: action, resource_id, actor_id, since, until ..."""
        return [found async for found in self._all(dict[str, Any], "/audit", limit, **filters)]

    async def averify(self, *, expect: str | None = None) -> dict[str, Any]:
        """Walk the chain of hashes; ``expect``: ``SEQ:HASH`` of an end that was kept elsewhere."""
        return await self._get(dict[str, Any], "/audit/verification", expect=expect)

    async def export(self, *, after: int = 0) -> AsyncIterator[dict[str, Any]]:
        """The whole chain from number ``after`` + 1, sealed, the oldest first. Asynchronous only."""
        headers = {"Accept": "application/x-ndjson"}
        async with self._transport.lines(
            "/audit/export", params={"after": after}, headers=headers
        ) as entries:
            async for entry in entries:
                yield msgspec.json.decode(entry)

    list = synchronous(alist)
    verify = synchronous(averify)
