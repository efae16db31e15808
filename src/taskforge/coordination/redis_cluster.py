"""A cluster, by the client library, which knows which node serves which slot. Needs the extra ``redis``."""

from __future__ import annotations

from typing import Any

from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError, ResponseError

from taskforge.coordination.redis_lines import Refused


class RedisNodes:
    """Commands as `RedisLines` has them; some answers come as the library likes them."""

    def __init__(self, url: str, seconds: float) -> None:
        self._cluster = RedisCluster.from_url(
            url,
            socket_connect_timeout=seconds,
            socket_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )

    async def send(self, *words: Any) -> Any:
        """The answer of one command. Raises Refused, OSError."""
        try:
            return await self._cluster.execute_command(words[0], *map(str, words[1:]))
        except ResponseError as error:
            kind = "NOSCRIPT " if type(error).__name__ == "NoScriptError" else ""
            raise Refused(f"{kind}{error}") from error
        except (RedisError, RedisClusterException) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Let go of all connections."""
        await self._cluster.aclose()
