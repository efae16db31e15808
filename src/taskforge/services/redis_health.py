"""What is to be said of a Redis beside the database: everything goes on without it, so nothing here is a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from taskforge.domain.errors import Unavailable
from taskforge.services.health import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    async def examine(self) -> Sequence[Finding]:
        """One finding for the server, and one for what it hands out."""
        if self._redis is None:
            return [Finding("redis", Verdict.OK, "none is set: the database does everything by itself")]
        found = [await self._server(self._redis)]
        return found if self._agreement is None else [*found, await self._dispatch(self._agreement)]

    async def _server(self, redis: Evicting) -> Finding:
        try:
            policy = await redis.eviction_policy()
        except Unavailable as error:
            return Finding(
                "redis",
                Verdict.WARNING,
                error.message,
                "everything goes on without it, by the database; see redis_url",
            )
        if policy != SAFE_POLICY:
            return Finding(
                "redis",
                Verdict.WARNING,
                f"maxmemory-policy is {policy}: when its memory is full, locks and ready queues may vanish",
                f"CONFIG SET maxmemory-policy {SAFE_POLICY}",
            )
        return Finding("redis", Verdict.OK, f"answers; maxmemory-policy is {policy}")

    async def _dispatch(self, agreement: Agreeing) -> Finding:
        try:
            served, broken = await agreement.state()
        except Unavailable as error:
            return Finding(
                "dispatch", Verdict.WARNING, f"the database hands out all jobs: {error.message}", None
            )
        detail = f"Redis says which job is next in {served - broken} of {served} queues without rules"
        if broken:
            return Finding(
                "dispatch",
                Verdict.WARNING,
                f"{detail}; the database hands out the others",
                "a worker or server with dispatch=redis brings them within seconds; is one running?",
            )
        return Finding("dispatch", Verdict.OK, detail)
