"""One process of many does what needs no second one: whoever holds a lock with a time limit.

A leader that stood still may not be alone when it wakes; what it does has to be guarded by what it writes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.ports.leases import LeaseStore

RENEWALS = 3
"""So often within its time limit the lock is renewed."""


class Leadership:
    """A named lock in each project that is asked about. ``ttl`` is seconds."""

    def __init__(
        self,
        store: LeaseStore,
        name: str,
        token: UUID,
        *,
        ttl: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._name = name
        self._token = token
        self._ttl = ttl
        self._monotonic = monotonic
        self._led: dict[ProjectId, float] = {}

    async def holds(self, project_id: ProjectId) -> bool:
        """Whether this process leads there; it takes the lead where nobody has it. Raises Unavailable."""
        now = self._monotonic()
        renewed = self._led.get(project_id)
        if renewed is not None:
            if now - renewed < self._ttl / RENEWALS:
                return True
            if await self._store.renew(project_id, self._name, self._token, self._ttl):
                self._led[project_id] = now
                return True
            del self._led[project_id]
        if await self._store.acquire(project_id, self._name, self._token, self._ttl) is None:
            return False
        self._led[project_id] = now
        return True

    async def resign(self) -> None:
        """Let others lead at once."""
        led, self._led = list(self._led), {}
        for project_id in led:
            await self._store.release(project_id, self._name, self._token)
