"""A Redis for each test process, emptied before each test; and one to be killed and frozen."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis as redis_package

from taskforge.coordination.redis_server import RedisServer
from tests.support.redis_server import HOW_TO_GET, RedisProcess, find_program, given_url


def _start(folder: Path) -> RedisProcess:
    program = find_program()
    if program is None:
        pytest.skip(f"no Redis: {HOW_TO_GET}")
    process = RedisProcess(program, folder)
    process.start()
    return process


@pytest.fixture(scope="session")
def shared_redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for many tests."""
    given = given_url()
    if given is not None:
        yield given
        return
    process = _start(tmp_path_factory.mktemp("redis"))
    yield process.url
    process.kill()


@pytest.fixture
def redis_url(shared_redis_url: str) -> str:
    """A server with nothing in it."""
    with redis_package.Redis.from_url(shared_redis_url) as client:
        client.flushall()
    return shared_redis_url


@pytest.fixture
def private_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A server that nobody else uses."""
    process = _start(tmp_path)
    yield process
    process.kill()


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
