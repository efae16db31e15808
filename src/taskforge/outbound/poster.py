"""One request to a web server of somebody's choice, so that it can do us no harm (``ports.outbound.Poster``).

The host is looked up once, every address that it has is checked, and the connection is made to one of these: a name
that answers otherwise a moment later changes nothing. No proxy of the environment is asked, no redirect followed, no
cookie kept, no compression offered.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import h11

from taskforge.domain.errors import DeliveryFailed, ForbiddenAddress
from taskforge.domain.outbound import check_addresses, parse_target
from taskforge.ports.outbound import Answer
from taskforge.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskforge.domain.outbound import Network, Target

CONNECT_SECONDS = 5.0
MOST_HEADER_BYTES = 16 * 1024
MOST_WAIT_SECONDS = 3600.0
_CHUNK = 16 * 1024


class CheckedPoster:
    """Sends to public addresses, and to those in ``allowed`` networks. ``resolve`` looks up hosts."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Callable[[str, int], Awaitable[Sequence[str]]] | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve or _look_up
        self._trust = trust

    async def check(self, url: str, field: str = "url") -> None:
        target = parse_target(url, field)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                check_addresses(target, await self._resolve(target.host, target.port), self._allowed)
        except (OSError, UnicodeError, TimeoutError):  # it may be found when something is to be told
            return
        except ForbiddenAddress as error:
            error.field = field
            raise

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float = 10.0,
        most_bytes: int = 65536,
    ) -> Answer:
        target = parse_target(url)
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await self._connect(target)
                try:
                    return await _exchange(target, reader, writer, body, headers, most_bytes)
                finally:
                    writer.transport.abort()
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {seconds:g} s") from None
        except (h11.RemoteProtocolError, h11.LocalProtocolError):
            raise DeliveryFailed("the answer is not HTTP as it should be") from None
        except ssl.SSLError as error:
            raise DeliveryFailed(f"no secure connection: {error.reason or 'TLS failed'}") from None
        except OSError as error:
            raise DeliveryFailed(f"no connection: {_why(error)}") from None

    async def _connect(self, target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(CONNECT_SECONDS):
            try:
                found = await self._resolve(target.host, target.port)
            except (OSError, UnicodeError):
                raise DeliveryFailed("the host is not found") from None
            addresses = check_addresses(target, found, self._allowed)
            failure: OSError | None = None
            for address in addresses:
                try:
                    return await asyncio.open_connection(
                        address,
                        target.port,
                        limit=_CHUNK,
                        ssl=self._context() if target.scheme == "https" else None,
                        server_hostname=target.host if target.scheme == "https" else None,
                    )
                except ssl.SSLError:
                    raise
                except OSError as error:
                    failure = error
            raise failure or OSError("the host has no address")

    def _context(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust


async def _exchange(
    target: Target,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    body: bytes,
    headers: Mapping[str, str],
    most_bytes: int,
) -> Answer:
    connection = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=MOST_HEADER_BYTES)
    sent = {
        "host": target.authority,
        "user-agent": f"TaskForge/{VERSION}",
        "accept": "*/*",
        "connection": "close",
        "content-length": str(len(body)),
        **headers,
    }
    request = h11.Request(method="POST", target=target.path, headers=list(sent.items()))
    for part in (request, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(part) or b"")
    with contextlib.suppress(ConnectionError):  # it may answer before it has heard all
        await writer.drain()
    response: h11.Response | None = None
    said = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            said += event.data
        elif isinstance(event, h11.InformationalResponse):
            continue
        else:
            break
        if len(said) >= most_bytes:
            break
    if response is None:
        raise DeliveryFailed("the server closed the connection without an answer")
    return Answer(response.status_code, _wait(dict(response.headers)), said[:most_bytes])


def _wait(headers: Mapping[bytes, bytes]) -> float | None:
    """What ``Retry-After`` says in seconds, an hour at most; dates are not read."""
    text = headers.get(b"retry-after", b"").decode("latin-1").strip()
    return min(float(text), MOST_WAIT_SECONDS) if text.isascii() and text.isdigit() else None


async def _look_up(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()[:100]
