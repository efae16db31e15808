"""Who works here: a client of the Workforce service.

In production this would speak gRPC; here it is a small interface with a local implementation over the same database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from store import Store


class WorkforceService(Protocol):
    """What the scheduled job needs of the service."""

    async def active_employees(self) -> list[str]:
        """The ids of all active employees."""
        ...


class LocalWorkforce:
    """Implements ``WorkforceService`` by a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def active_employees(self) -> list[str]:
        rows = await self._store.run("SELECT id FROM employees WHERE active = 1 ORDER BY id")
        return [row[0] for row in rows]
