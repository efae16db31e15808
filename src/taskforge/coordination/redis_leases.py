"""Named locks in Redis (``ports.leases``): SET NX PX with a token, compare-and-delete and renewal by script.

They do not fall back to the database: a lock kept in another place is another lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.domain.ids import ProjectId


class RedisLeaseStore:
    """Implements ``LeaseStore``. Every method raises Unavailable while the server does not answer."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._take = server.script("take_lease")
        self._renew = server.script("renew_lease")

    async def acquire(self, project_id: ProjectId, name: str, token: UUID, ttl: float) -> int | None:
        keys = [self._key(project_id, name), self._server.key(project_id, "fence", name)]
        fence = await self._server.run(self._take, keys, [str(token), _milliseconds(ttl)])
        return None if fence is None else int(fence)

    async def renew(self, project_id: ProjectId, name: str, token: UUID, ttl: float) -> bool:
        return await self._hold(project_id, name, token, _milliseconds(ttl))

    async def release(self, project_id: ProjectId, name: str, token: UUID) -> None:
        await self._hold(project_id, name, token, 0)

    async def _hold(self, project_id: ProjectId, name: str, token: UUID, milliseconds: int) -> bool:
        keys, args = [self._key(project_id, name)], [str(token), milliseconds]
        return bool(await self._server.run(self._renew, keys, args))

    def _key(self, project_id: ProjectId, name: str) -> str:
        return self._server.key(project_id, "lease", name)


def _milliseconds(ttl: float) -> int:
    return max(1, round(ttl * 1000))
