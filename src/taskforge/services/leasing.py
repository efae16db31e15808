"""Holding a named lock while something is done, and noticing when it is lost.

What it promises is what a lock with a time limit can: while its holder and the database answer each other in time,
nobody else holds the name. A holder that stood still for longer than the limit is not alone any more when it wakes;
what it writes elsewhere has to carry the fencing number, which only grows. Ticks of schedules do not depend on locks.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from taskforge.domain.errors import Conflict, InvalidInput, LeaseLost, Unavailable
from taskforge.domain.names import check_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.ports.leases import LeaseStore

SHORTEST_TTL = 1.0
LONGEST_TTL = 86_400.0
LOOK_SECONDS = 0.25
RENEWALS = 3
"""So often within its time limit a lock is renewed."""


class Held:
    """A lock that is held. ``fence`` is greater than that of any holder before."""

    def __init__(self, name: str, fence: int) -> None:
        self.name = name
        self.fence = fence
        self.is_lost = False

    def check(self) -> None:
        """Raises LeaseLost when somebody else may hold it by now."""
        if self.is_lost:
            raise LeaseLost(f"the lock {self.name!r} was lost: it could not be renewed in time")


class Leasing:
    """The locks of one project. ``mint`` gives tokens."""

    def __init__(
        self,
        store: LeaseStore,
        project_id: ProjectId,
        mint: Callable[[], UUID],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._project_id = project_id
        self._mint = mint
        self._monotonic = monotonic

    @contextlib.asynccontextmanager
    async def hold(self, name: str, *, ttl: float = 30.0, wait: float = 0.0) -> AsyncIterator[Held]:
        """Hold the lock within the block, renewed for as long as that takes. ``ttl`` and ``wait`` are seconds.

        Raises Conflict when it is still held by somebody else after ``wait``.
        """
        check_name(name, "lock name")
        if not SHORTEST_TTL <= ttl <= LONGEST_TTL:
            raise InvalidInput(
                f"a lock is held for {SHORTEST_TTL:g} to {LONGEST_TTL:g} seconds at a time, not {ttl!r}",
                field="ttl",
            )
        token = self._mint()
        began = self._monotonic()
        held = Held(name, await self._acquired(name, token, ttl, began + wait))
        renewing = asyncio.create_task(self._renew(held, token, ttl), name=f"lock {name}")
        try:
            yield held
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
            with contextlib.suppress(
                Unavailable
            ):  # it then runs out by itself; what was done under it is done
                await self._store.release(self._project_id, name, token)

    async def _acquired(self, name: str, token: UUID, ttl: float, until: float) -> int:
        while True:
            fence = await self._store.acquire(self._project_id, name, token, ttl)
            if fence is not None:
                return fence
            left = until - self._monotonic()
            if left <= 0:
                raise Conflict(f"the lock {name!r} is held by somebody else")
            await asyncio.sleep(min(LOOK_SECONDS, left))

    async def _renew(self, held: Held, token: UUID, ttl: float) -> None:
        trusted_until = self._monotonic() + ttl
        while not held.is_lost:
            await asyncio.sleep(ttl / RENEWALS)
            asked = self._monotonic()
            try:
                if await self._store.renew(self._project_id, held.name, token, ttl):
                    trusted_until = asked + ttl
                else:
                    held.is_lost = True
            except Unavailable:
                held.is_lost = self._monotonic() >= trusted_until
