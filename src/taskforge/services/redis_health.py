"""What is to be said of a Redis beside the database: everything goes on without it, so nothing here is a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from taskforge.domain.errors import Unavailable
from taskforge.services.findings import found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.services.findings import Finding

SAFE_POLICY = "noeviction"


class Evicting(Protocol):
    """A server that may run out of memory."""

    async def eviction_policy(self) -> str:
        """What it does then. Raises Unavailable."""
        ...


class Agreeing(Protocol):
    """Ready queues beside the record."""

    async def state(self) -> tuple[int, int]:
        """How many there are, and how many of them do not agree with it. Raises Unavailable."""
        ...


class RedisHealth:
    """Examines what a project has in Redis; None of either: it is not used for that."""

    def __init__(self, redis: Evicting | None, agreement: Agreeing | None) -> None:
        self._redis = redis
        self._agreement = agreement

    async def examine(self, *, named: bool = True) -> Sequence[Finding]:
        """One finding for the server, and one for what it hands out. Where it is stays out unless it is ``named``."""
        if self._redis is None:
            return [found("redis_none")]
        server = await self._server(self._redis, named=named)
        return [server] if self._agreement is None else [server, await self._dispatch(self._agreement)]

    async def _server(self, redis: Evicting, *, named: bool) -> Finding:
        try:
            policy = await redis.eviction_policy()
        except Unavailable as error:
            reason = error.__cause__
            if reason is None or not named:
                return found("redis_rests")
            return found("redis_away", reason=str(reason) or type(reason).__name__)
        if policy != SAFE_POLICY:
            return found("redis_evicts", policy=policy, safe=SAFE_POLICY)
        return found("redis", policy=policy)

    async def _dispatch(self, agreement: Agreeing) -> Finding:
        try:
            served, broken = await agreement.state()
        except Unavailable:
            return found("dispatch_away")
        code = "dispatch_partly" if broken else "dispatch"
        return found(code, agreeing=served - broken, count=served)
