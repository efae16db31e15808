"""The one way to a Redis: says what is missing instead of a traceback, and imports nothing where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taskforge.domain.errors import InvalidSetting

if TYPE_CHECKING:
    from taskforge.coordination.local import Hub
    from taskforge.coordination.redis_server import RedisServer
    from taskforge.ports.dispatch import ReadyQueues
    from taskforge.ports.leases import LeaseStore
    from taskforge.ports.rates import RequestRates
    from taskforge.ports.signals import Signals


SCHEMES = ("redis", "rediss", "unix")
_HINT = "redis://user:password@host:6379/0, rediss://... (TLS) or unix:///path/of/socket"


def check_address(url: str) -> None:
    """Raises InvalidSetting for what is no address, without repeating it: a password may be in it."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in SCHEMES and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise InvalidSetting("redis_url is no address of a Redis", field="redis_url", hint=_HINT)


def open_redis(url: str | None, prefix: str) -> RedisServer | None:
    """A server that is not connected to yet; None without a URL.

    Raises InvalidSetting: the package is missing, the URL is none.
    """
    if url is None:
        return None
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
        raise InvalidSetting(f"redis_url: {error}", field="redis_url", hint=_HINT) from error


def with_redis(hub: Hub, redis: RedisServer | None, beside: Signals) -> Signals:
    """The signals of the database, or Redis before them."""
    if redis is None:
        return beside
    from taskforge.coordination.redis_signals import RedisSignals

    return RedisSignals(hub, redis, beside)


def leases_in(redis: RedisServer) -> LeaseStore:
    """Named locks in Redis."""
    from taskforge.coordination.redis_leases import RedisLeaseStore

    return RedisLeaseStore(redis)


def rates_in(redis: RedisServer, alone: RequestRates) -> RequestRates:
    """Rates counted in Redis; by ``alone`` while it does not answer."""
    from taskforge.coordination.redis_rates import RedisRates

    return RedisRates(redis, alone)


def ready_queues_in(redis: RedisServer) -> ReadyQueues:
    """Ready queues in Redis."""
    from taskforge.coordination.redis_queues import RedisReadyQueues

    return RedisReadyQueues(redis)


def check_dispatch(dispatch: str, url: str | None) -> None:
    """Raises InvalidSetting: Redis shall say which job is next, and there is none."""
    if dispatch == "redis" and url is None:
        raise InvalidSetting(
            "dispatch by redis needs the setting redis_url",
            field="redis_url",
            hint="TASKFORGE_REDIS_URL=redis://host:6379/0",
        )
