"""Connections to a Redis: the protocol in any pieces, addresses, logins, and what is not a Redis at all."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.coordination.redis_address import RedisAddress, address_of
from taskforge.coordination.redis_lines import Listener, RedisLine, Refused
from taskforge.coordination.redis_server import RedisServer
from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.redis_server import RedisProcess

pytestmark = pytest.mark.anyio
REPLIES = (
    "+OK\r\n-ERR no such thing\r\n:-42\r\n$8\r\na\r\nb é*\r\n$-1\r\n$0\r\n\r\n*0\r\n*-1\r\n"
    "*4\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n-WRONGTYPE y\r\n+z\r\n"
).encode()
SAID = ["OK", "ERR no such thing", -42, "a\r\nb é*", None, "", [], None, [1, ["x", None], "WRONGTYPE y", "z"]]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Refused) else value


async def test_replies_come_in_any_pieces() -> None:
    for cut in range(len(REPLIES) + 1):
        line = RedisLine()
        line.data_received(REPLIES[:cut])
        line.data_received(REPLIES[cut:])
        assert [_plain(await line.read()) for _ in SAID] == SAID
    line = RedisLine()
    for byte in REPLIES:
        line.data_received(bytes([byte]))
    assert [_plain(await line.read()) for _ in SAID] == SAID
    assert line.is_fresh


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", RedisAddress("localhost", 6379, "", "", "", 0, None)),
        ("redis://:p%40ss@h:1/3", RedisAddress("h", 1, "", "", "p@ss", 3, None)),
        ("redis://h?db=2&cluster=false", None),
        ("redis://u:p@[::1]:7?db=2", RedisAddress("::1", 7, "", "u", "p", 2, None)),
        (
            "unix://u:p@/run/redis.sock?db=1",
            RedisAddress("localhost", 6379, "/run/redis.sock", "u", "p", 1, None),
        ),
        (
            "rediss://h/0?ssl_cert_reqs=none&password=x",
            RedisAddress("h", 6379, "", "", "x", 0, {"ssl_cert_reqs": "none"}),
        ),
        ("redis://h?ssl_cert_reqs=none", None),
        ("rediss://h?ssl_cert_reqs=perhaps", None),
        ("redis://h:port", None),
        ("redis://h/first", None),
        ("http://h", None),
    ],
)
def test_addresses(url: str, address: RedisAddress | None) -> None:
    if address is not None:
        assert address_of(url) == address
        return
    with pytest.raises(ValueError, match=r"unknown options|must|port|Port"):
        address_of(url)


def test_encryption_checks_certificates_unless_told_not_to() -> None:
    checked = address_of("rediss://h").encryption()
    unchecked = address_of("rediss://h?ssl_cert_reqs=none").encryption()
    nameless = address_of("rediss://h?ssl_check_hostname=false").encryption()
    assert checked is not None
    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert unchecked is not None
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)
    assert nameless is not None
    assert (nameless.verify_mode, nameless.check_hostname) == (ssl.CERT_REQUIRED, False)
    assert address_of("redis://h").encryption() is None
    with pytest.raises(OSError, match="No such file"):
        address_of("rediss://h?ssl_ca_certs=/none").encryption()


async def _ask_for_a_password(redis: RedisProcess) -> None:
    server = RedisServer(redis.url)
    await server.ask("CONFIG SET", "requirepass", "secret")
    await server.close()


async def test_logins_databases_and_sockets(idle_redis: RedisProcess, tmp_path: Path) -> None:
    idle_redis.start("--unixsocket", str(tmp_path / "r.sock"))
    await _ask_for_a_password(idle_redis)
    base = idle_redis.url.removesuffix("/0")
    with_password = base.replace("redis://", "redis://:secret@")
    one = RedisServer(f"{with_password}/1")
    await one.ask("SET", "a", 5)
    assert await one.ask("GET", "a") == "5"
    zero = RedisServer(f"{base.replace('redis://', 'redis://default:secret@')}/0")
    assert await zero.ask("GET", "a") is None
    by_socket = RedisServer(f"unix://:secret@{tmp_path}/r.sock?db=1")
    assert await by_socket.ask("GET", "a") == "5"
    wrong = RedisServer(base.replace("redis://", "redis://:other@"))
    without = RedisServer(base)
    for server in (wrong, without):
        with pytest.raises(Unavailable, match=r"WRONGPASS|NOAUTH|invalid password"):
            await server.check()
    with pytest.raises(Unavailable, match="value is not"):
        await one.ask("INCR", "a" if await one.ask("SET", "a", "text") else "")
    await one.check()  # a refusal leaves the connection as it is
    for server in (one, zero, by_socket, wrong, without):
        await server.close()


async def test_something_else_answers() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        server = RedisServer(f"redis://127.0.0.1:{port}")
        with pytest.raises(Unavailable, match="this is not Redis"):
            await server.check()
        await server.close()


async def test_a_listener_hears_a_refusal_an_end_and_silence(idle_redis: RedisProcess) -> None:
    idle_redis.start()
    await _ask_for_a_password(idle_redis)
    refused = Listener(address_of(idle_redis.url), 1.0)
    await refused.subscribe("c")
    with pytest.raises(Refused, match="NOAUTH"):
        await refused.hear(5)
    refused.close()
    listener = Listener(address_of(idle_redis.url.replace("//", "//:secret@")), 1.0)
    with pytest.raises(ConnectionError):
        await listener.hear(1)
    await listener.subscribe("c")
    assert await listener.hear(5) == ["subscribe", "c", 1]
    assert await listener.hear(0.01) is None
    listener.ping()
    assert await listener.hear(5) == ["pong", ""]
    idle_redis.kill()
    with pytest.raises(ConnectionError):
        await listener.hear(5)
    listener.close()
