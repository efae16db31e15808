"""A proxy in front of PostgreSQL that counts the statements a client sends.

It reads the frontend side of the wire protocol (version 3): a simple query (`Q`), an execution of a
prepared statement (`E`) and a function call (`F`) are one statement each, BEGIN and COMMIT included.
So the count is exact for any client and needs no right on the server. TLS is refused to the client.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_STATEMENTS = frozenset(b"QEF")
_DEFAULT_PORT = 5432


class StatementProxy:
    """Counts in `statements`; `database_url` is what the client must be given."""

    def __init__(self, upstream_url: str) -> None:
        self.statements = 0
        self.database_url = ""
        self._upstream_url = upstream_url
        self._writers: set[asyncio.StreamWriter] = set()

    def bind(self, port: int) -> None:
        """Write the address of the proxy into the URL of the server."""
        parts = urlsplit(self._upstream_url)
        credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        others = [(key, value) for key, value in parse_qsl(parts.query) if key not in ("host", "port")]
        query = f"?{urlencode(others)}" if others else ""
        self.database_url = f"{parts.scheme}://{credentials}127.0.0.1:{port}{parts.path}{query}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one client's connection in both directions until either side ends it."""
        self._writers.add(writer)
        server: asyncio.StreamWriter | None = None
        try:
            answers, server = await self._connect()
            back = asyncio.create_task(_copy(answers, writer))
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._forward(reader, writer, server)
            back.cancel()
        finally:
            self._writers.discard(writer)
            writer.close()
            if server is not None:
                server.close()

    def close(self) -> None:
        """Cut every connection."""
        for writer in list(self._writers):
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._upstream_url)
        query = dict(parse_qsl(parts.query))
        host = query.get("host") or parts.hostname or "127.0.0.1"
        port = int(query.get("port") or parts.port or _DEFAULT_PORT)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(str(Path(host) / f".s.PGSQL.{port}"))
        return await asyncio.open_connection(host, port)

    async def _forward(
        self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, server: asyncio.StreamWriter
    ) -> None:
        while True:  # the opening packets have no type byte
            length, code = struct.unpack("!ii", await reader.readexactly(8))
            rest = await reader.readexactly(length - 8)
            if code not in (_SSL_REQUEST, _GSS_REQUEST):
                server.write(struct.pack("!ii", length, code) + rest)
                break
            client.write(b"N")
        while True:
            head = await reader.readexactly(5)
            (length,) = struct.unpack("!i", head[1:])
            self.statements += head[0] in _STATEMENTS
            server.write(head + await reader.readexactly(length - 4))
            await server.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def counting_statements(upstream_url: str) -> AsyncIterator[StatementProxy]:
    """A proxy on a free port of this machine for as long as the block lasts."""
    proxy = StatementProxy(upstream_url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.bind(server.sockets[0].getsockname()[1])
    try:
        yield proxy
    finally:
        server.close()
        proxy.close()
