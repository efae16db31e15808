"""Rates of requests counted in Redis, for all server processes together; in each alone while Redis does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.domain.rates import Rate, Standing
    from taskforge.ports.rates import RequestRates


class RedisRates:
    """Implements ``RequestRates`` over ``alone``, which counts when Redis cannot."""

    def __init__(self, server: RedisServer, alone: RequestRates) -> None:
        self._server = server
        self._alone = alone
        self._script = server.script("ask_rate")

    async def ask(self, tenant_id: UUID, rate: Rate) -> Standing:
        keys = [self._server.key(tenant_id, "rate", "requests")]
        args = [round(rate.interval * 1e6), round(rate.burst * rate.interval * 1e6)]
        try:
            wait, ahead = await self._server.run(self._script, keys, args)
        except Unavailable:
            return await self._alone.ask(tenant_id, rate)
        return rate.standing(int(wait) / 1e6, int(ahead) / 1e6)
