"""The proxy does to connections what the tests of faults ask of it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture
async def echo(anyio_backend: str) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers what it hears; its port and what it has heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1000):
                heard.append(data)
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], heard
    server.close()


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes, seconds: float
) -> bytes:
    writer.write(text)
    async with asyncio.timeout(seconds):
        return await reader.read(1000)


async def test_it_passes_stalls_cuts_and_resumes(echo: tuple[int, list[bytes]]) -> None:
    port, heard = echo
    with Proxy("127.0.0.1", port) as proxy:
        link = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await ask(*link, b"one", 5) == b"one"
        proxy.stall()
        with pytest.raises(TimeoutError):
            await ask(*link, b"two", 0.2)
        assert heard == [b"one"]
        proxy.resume()
        assert await ask(*link, b"", 5) == b"two", "what was held back goes on its way"
        proxy.cut()
        with pytest.raises(ConnectionError):
            await ask(*link, b"three", 5)
        with pytest.raises(ConnectionError):
            await ask(*await asyncio.open_connection("127.0.0.1", proxy.port), b"four", 5)
        assert (proxy.attempts, proxy.open_links) == (2, 0)
        proxy.resume()
        again = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await ask(*again, b"five", 5) == b"five"
        again[1].close()
    assert heard == [b"one", b"two", b"five"]


async def test_an_answer_is_replaced_by_a_reset(echo: tuple[int, list[bytes]]) -> None:
    port, heard = echo
    with Proxy("127.0.0.1", port) as proxy:
        link = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.reset_answer_of(b"COMMIT")
        assert await ask(*link, b"BEGIN", 5) == b"BEGIN"
        with pytest.raises(ConnectionError):
            await ask(*link, b"COMMIT", 5)
        assert proxy.sprung.wait(5)
    assert heard == [b"BEGIN", b"COMMIT"]


def test_an_address_is_led_through_it() -> None:
    proxy = Proxy.before("postgresql://me:secret@127.0.0.1:5433/jobs?sslmode=disable")
    proxy.port = 7000
    assert proxy.url("postgresql://me:secret@127.0.0.1:5433/jobs?sslmode=disable") == (
        "postgresql://me:secret@127.0.0.1:7000/jobs?sslmode=disable"
    )
    proxy._loop.close()
