"""Requests to a server: the key, the timeouts, what is tried again, and errors as ours."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import random
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import httpx2

from taskforge.client.problems import error_of
from taskforge.domain.errors import InvalidSetting, RequestInProgress, TooManyRequests, Unavailable
from taskforge.sdk.tracing import headers_of_now
from taskforge.version import VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

PREFIX = "/api/v1"
KEEP_ALIVE_SECONDS = 4.0
"""Less than a server keeps an idle connection: one that it is closing is not used."""
CONNECT_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class Answer(NamedTuple):
    """What a server answered with."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotSent(Unavailable):
    """The server was not reached at all, so that any request may be sent again."""


class Transport:
    """Speaks with one server under one key, on any event loop: each gets connections of its own.

    ``timeout`` is seconds for an answer, ``tries`` how often a request is sent that may be sent twice.
    """

    def __init__(self, server: str, key: str, *, timeout: float = 30.0, tries: int = 4) -> None:
        self.server = checked_server(server)
        self._key = key
        self._timeout = timeout
        self._tries = tries
        self._clients: dict[asyncio.AbstractEventLoop, httpx2.AsyncClient] = {}
        self._pid = os.getpid()

    def __repr__(self) -> str:
        return f"Transport({self.server!r})"  # without the key

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Send it once. Raises the error that the server tells of, Unavailable when there is no answer."""
        sent = {**headers_of_now(), **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        wait = self._timeout if timeout is None else timeout
        try:
            response = await self._client().request(
                method,
                self.server + PREFIX + path,
                content=body,
                params=None if params is None else {n: v for n, v in params.items() if v is not None},
                headers=sent,
                timeout=httpx2.Timeout(wait, connect=min(wait, CONNECT_SECONDS)),
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise NotSent(
                f"{self.server} cannot be reached: {error or type(error).__name__}",
                hint="is the address right, and does the server run?",
            ) from error
        except httpx2.TimeoutException as error:
            raise Unavailable(f"{self.server} has not answered: {type(error).__name__}") from error
        except httpx2.HTTPError as error:
            raise Unavailable(f"{self.server} cannot be reached: {error or type(error).__name__}") from error
        if response.status_code >= 300:
            raise error_of(response.status_code, response.content, response.headers)
        return Answer(response.status_code, response.headers, response.content)

    async def ask(self, method: str, path: str, *, may_repeat: bool | None = None, **request: Any) -> Answer:
        """`send`, tried again where the server is away or asks to wait, if it may be sent twice.

        Unless ``may_repeat`` says otherwise, that is so of reads and of what is addressed by its id. Any request is
        sent again that has not been sent, or was refused because there were too many.
        """
        repeatable = method in IDEMPOTENT if may_repeat is None else may_repeat
        pause = FIRST_PAUSE
        for left in range(self._tries - 1, -1, -1):
            try:
                return await self.send(method, path, **request)
            except (TooManyRequests, RequestInProgress) as error:
                if not left:
                    raise
                pause = max(pause, error.retry_after)
            except Unavailable as error:
                if not left or not (repeatable or isinstance(error, NotSent)):
                    raise
            await asyncio.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 - so that not all come back at once
            pause = min(LONGEST_PAUSE, pause * 3)
        raise Unavailable(f"{self.server} cannot be reached")

    @contextlib.asynccontextmanager
    async def lines(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        silence: float = 45.0,
    ) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of an event stream, from when the server has accepted it. Raises as `send` does.

        ``silence``: seconds without a byte after which the server counts as gone.
        """
        sent = {"Accept": "text/event-stream", **(headers or {})}
        timeout = httpx2.Timeout(silence, connect=CONNECT_SECONDS)
        try:
            async with self._client().stream(
                "GET", self.server + PREFIX + path, params=params, headers=sent, timeout=timeout
            ) as response:
                if response.status_code >= 300:
                    raise error_of(response.status_code, await response.aread(), response.headers)
                yield response.aiter_lines()
        except httpx2.HTTPError as error:
            raise Unavailable(f"{self.server} broke off: {error or type(error).__name__}") from error

    async def close(self) -> None:
        """Let go of this event loop's connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _client(self) -> httpx2.AsyncClient:
        if self._pid != os.getpid():  # connections of a parent process are not ours
            self._clients, self._pid = {}, os.getpid()
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = httpx2.AsyncClient(
                headers={"Authorization": f"Bearer {self._key}", "User-Agent": f"taskforge/{VERSION}"},
                limits=httpx2.Limits(max_connections=100, keepalive_expiry=KEEP_ALIVE_SECONDS),
                trust_env=not _is_loopback(self.server),
            )
        return client


def checked_server(url: str) -> str:
    """The address without its last slash. Raises InvalidSetting when it is none of a server."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidSetting(
            f"{url!r:.200} is no address of a server", field="server", hint="such as https://jobs.example.org"
        )
    if parts.username or parts.password:
        raise InvalidSetting("the address of a server holds no password", field="server", hint="use --key")
    return url.rstrip("/").removesuffix(PREFIX)


def _is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
