"""A request to a server of somebody's choice: whatever the server does, it is bounded, and goes nowhere else."""

import asyncio
import ssl
from collections.abc import Sequence

import pytest

from taskforge.domain.errors import DeliveryFailed, ForbiddenAddress, InvalidInput
from taskforge.domain.outbound import parse_networks
from taskforge.outbound.poster import CheckedPoster
from tests.support.receivers import Answering, listening, receiver

pytestmark = pytest.mark.anyio
LOOPBACK = parse_networks("127.0.0.0/8", "outbound_networks")


async def test_it_brings_body_and_headers_and_answers_with_the_status() -> None:
    async with receiver(status=202) as there:
        answer = await CheckedPoster(LOOPBACK).post(there.url + "?a=1", b'{"x": 1}', {"webhook-id": "m"})
    assert answer.is_good
    [request] = there.requests
    assert (request.path, request.body) == ("/hook?a=1", b'{"x": 1}')
    assert request.headers["webhook-id"] == "m"
    assert request.headers["host"].startswith("127.0.0.1:")


async def test_loopback_is_refused_unless_it_is_allowed() -> None:
    async with receiver() as there:
        for url in (there.url, there.url.replace("127.0.0.1", "localhost")):
            with pytest.raises(ForbiddenAddress):
                await CheckedPoster().post(url, b"", {})
            with pytest.raises(ForbiddenAddress) as refused:
                await CheckedPoster().check(url, "settings.url")
            assert refused.value.field == "settings.url"
    assert not there.requests


async def test_the_address_that_was_checked_is_the_one_that_is_spoken_with() -> None:
    """A name that leads elsewhere a moment later: it is looked up once."""
    asked = 0

    async def flips(host: str, port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return ["127.0.0.1"] if asked == 1 else ["169.254.169.254"]

    async with receiver() as there:
        poster = CheckedPoster(LOOPBACK, resolve=flips)
        url = there.url.replace("127.0.0.1", "rebinding.example")
        assert (await poster.post(url, b"", {})).is_good
        assert asked == 1
        with pytest.raises(ForbiddenAddress):
            await poster.post(url, b"", {})
    assert len(there.requests) == 1


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with receiver() as inside, receiver(status=307, location=inside.url) as there:
        answer = await CheckedPoster(LOOPBACK).post(there.url, b"", {})
    assert (answer.status, answer.is_good) == (307, False)
    assert not inside.requests


async def test_how_long_it_asks_us_to_wait() -> None:
    for said, wait in (("30", 30.0), ("999999", 3600.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None)):
        async with receiver(status=503, retry_after=said) as there:
            assert (await CheckedPoster(LOOPBACK).post(there.url, b"", {})).retry_after == wait


async def _stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        writer.write(b"a")
        await asyncio.sleep(0.02)


async def _floods_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: " + b"a" * 1000 + b"\r\n")
        await writer.drain()


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)


async def _speaks_otherwise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


@pytest.mark.parametrize("server", [_stalls, _drips, _floods_headers, _hangs_up, _speaks_otherwise])
async def test_a_server_that_does_not_answer_as_it_should(server: Answering) -> None:
    async with listening(server) as port:
        with pytest.raises(DeliveryFailed):
            await CheckedPoster(LOOPBACK).post(f"http://127.0.0.1:{port}/", b"{}", {}, seconds=0.2)


async def test_an_answer_without_end_is_cut_off() -> None:
    sent = 0

    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"a" * 65536)
            await writer.drain()
            sent += 65536

    async with listening(floods) as port:
        answer = await CheckedPoster(LOOPBACK).post(f"http://127.0.0.1:{port}/", b"{}", {}, most_bytes=1000)
    assert (answer.status, len(answer.body)) == (200, 1000)
    assert sent < 64 * 1024 * 1024


async def test_nobody_listens_there() -> None:
    async with listening(_stalls) as port:
        pass
    with pytest.raises(DeliveryFailed):
        await CheckedPoster(LOOPBACK).post(f"http://127.0.0.1:{port}/", b"{}", {})


async def test_tls_that_proves_nothing() -> None:
    """Whoever answers https without a certificate that we trust gets nothing."""
    async with receiver() as there:
        poster = CheckedPoster(LOOPBACK, trust=ssl.create_default_context())
        with pytest.raises(DeliveryFailed):
            await poster.post(there.url.replace("http:", "https:"), b"secret", {}, seconds=5)
    assert not there.requests


async def test_a_host_that_is_not_found() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    poster = CheckedPoster(resolve=unknown)
    await poster.check("https://later.example/")
    with pytest.raises(DeliveryFailed):
        await poster.post("https://later.example/", b"", {})
    with pytest.raises(InvalidInput):
        await poster.check("gopher://later.example/")
