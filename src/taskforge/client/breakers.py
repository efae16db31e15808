"""Circuit breakers of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.client.resources import Resource, synchronous

if TYPE_CHECKING:
    from uuid import UUID


class Breakers(Resource):
    """``client.breakers``: types whose jobs wait while too many of them fail. All is as the API tells it: docs/breakers.md."""

    async def alist(self) -> list[dict[str, Any]]:
        """The breakers by their types, how they stand, and what they judge by now."""
        return await self._by_number(dict[str, Any], "/breakers")

    async def acreate(self, /, job_type: str, **values: Any) -> dict[str, Any]:
        """Give a type a breaker: failure_rate, minimum_attempts, ... Raises InvalidInput, Conflict."""
        return await self._do(dict[str, Any], "/breakers", {"job_type": job_type, **values})

    async def aget(self, breaker_id: UUID) -> dict[str, Any]:
        """One of them. Raises NotFound."""
        return await self._get(dict[str, Any], f"/breakers/{breaker_id}")

    async def aupdate(self, /, breaker_id: UUID, **values: Any) -> dict[str, Any]:
        """Change what is given; None goes back to the default."""
        return await self._do(dict[str, Any], f"/breakers/{breaker_id}", values, method="PATCH")

    async def adelete(self, breaker_id: UUID) -> None:
        """Remove it; the jobs that it held are handed out."""
        await self._transport.ask("DELETE", f"/breakers/{breaker_id}")

    async def aopen(
        self, /, breaker_id: UUID, *, reason: str | None = None, seconds: int | None = None
    ) -> dict[str, Any]:
        """Hand out no more jobs of the type: until it is closed, or for so many seconds."""
        told = {"reason": reason, "seconds": seconds}
        return await self._do(dict[str, Any], f"/breakers/{breaker_id}/open", told)

    async def aclose(self, /, breaker_id: UUID, *, reason: str | None = None) -> dict[str, Any]:
        """Hand out its jobs again."""
        return await self._do(dict[str, Any], f"/breakers/{breaker_id}/close", {"reason": reason})

    list = synchronous(alist)
    create = synchronous(acreate)
    get = synchronous(aget)
    update = synchronous(aupdate)
    delete = synchronous(adelete)
    open = synchronous(aopen)
    close = synchronous(aclose)
