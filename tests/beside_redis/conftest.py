"""A Redis to be killed and frozen, and our side of one. The one that tests share is in `tests/conftest.py`."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from taskforge.coordination.redis_server import RedisServer
from tests.support.redis_server import HOW_TO_GET, RedisProcess, find_program


@pytest.fixture
def idle_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A server that nobody else uses, not started yet."""
    program = find_program()
    if program is None:
        pytest.skip(f"no Redis: {HOW_TO_GET}")
    process = RedisProcess(program, tmp_path)
    yield process
    process.kill()


@pytest.fixture
def private_redis(idle_redis: RedisProcess) -> RedisProcess:
    """A server that nobody else uses."""
    idle_redis.start()
    return idle_redis


@pytest.fixture
def another_redis(private_redis: RedisProcess, tmp_path: Path) -> Iterator[RedisProcess]:
    """A second one, not started yet."""
    process = private_redis.another(tmp_path)
    yield process
    process.kill()


@pytest.fixture
async def server(redis_url: str, anyio_backend: str) -> AsyncIterator[RedisServer]:
    """Our side of it."""
    server = RedisServer(redis_url)
    yield server
    await server.close()
