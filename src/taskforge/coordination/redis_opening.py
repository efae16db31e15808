"""The one way to a Redis: says what is missing instead of a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidSetting

if TYPE_CHECKING:
    from taskforge.coordination.redis_server import RedisServer


def open_redis(url: str, prefix: str) -> RedisServer:
    """A server that is not connected to yet. Raises InvalidSetting: the package is missing, the URL is none."""
    try:
        from taskforge.coordination.redis_server import RedisServer
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            "redis_url: the package redis is not installed",
            field="redis_url",
            hint="pip install 'taskforge-jobs[redis]'",
        ) from error
    try:
        return RedisServer(url, prefix=prefix)
    except ValueError as error:
        raise InvalidSetting(
            f"redis_url: {error}", field="redis_url", hint="redis://user:password@host:6379/0"
        ) from error
