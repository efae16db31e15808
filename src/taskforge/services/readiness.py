"""Whether a process can serve: the database answers, its schema is ours, recovery goes on, and nothing due is forgotten."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

SCHEMA_SECONDS = 10.0
"""So often the schema is looked at again."""
DEGRADED = "degraded"
LATE_SECONDS = 60.0
"""A tick that is overdue for so long is told: no scheduler runs, or it does not get on."""


class Readiness:
    """``late`` tells how many seconds the next tick is overdue, ``check_schema`` raises SchemaMismatch.

    ``patience``: seconds after which a recovery that did not get through counts as stuck. ``beside`` are things that a server
    can do without, by name: each raises Unavailable when it is away.
    """

    def __init__(
        self,
        late: Callable[[], Awaitable[float]],
        check_schema: Callable[[], Awaitable[None]],
        *,
        patience: float,
        beside: Mapping[str, Callable[[], Awaitable[object]]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._late = late
        self._check_schema = check_schema
        self._patience = patience
        self._beside = beside or {}
        self._monotonic = monotonic
        self._swept_at = monotonic()
        self._schema_until = float("-inf")

    def noting(self, sweep: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        """The same sweep; that it got through is noted here."""

        async def noted() -> None:
            await sweep()
            self._swept_at = self._monotonic()

        return noted

    async def check(self) -> Mapping[str, str]:
        """What was looked at, and how it is. Raises Unavailable, SchemaMismatch: this process cannot serve."""
        late = await self._late()
        now = self._monotonic()
        if now >= self._schema_until:
            await self._check_schema()
            self._schema_until = now + SCHEMA_SECONDS
        age = now - self._swept_at
        if age > self._patience:
            raise Unavailable(f"recovery has not got through for {age:.0f} s")
        scheduler = f"late by {late:.0f} s" if late > LATE_SECONDS else "ok"
        found = {"database": "ok", "schema": "ok", "recovery": "ok", "scheduler": scheduler}
        return found | {name: await _said_of(look) for name, look in self._beside.items()}


async def _said_of(look: Callable[[], Awaitable[object]]) -> str:
    try:
        await look()
    except Unavailable:  # why may name a server, and anybody may read this
        return DEGRADED
    return "ok"
