"""The HTTP server: uvicorn, without its own ideas about signals and logs."""

from __future__ import annotations

import errno
import gc
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from taskforge.api.stopping import stopping_of
from taskforge.domain.errors import Conflict, InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from fastapi import FastAPI

GRACE_SECONDS = 10
OBJECTS_BETWEEN_COLLECTIONS = 10_000
KEEP_ALIVE_SECONDS = 30


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises Conflict when the port is taken, InvalidSetting for an address that is none."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise InvalidSetting(f"there is no address {host!r} to listen on", field="host") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(f"port {port} is taken", hint="another one: --port, or 0 for any") from None
        raise InvalidSetting(f"cannot listen on {host} port {port}: {error.strerror}", field="host") from None
    return listener


def spare_the_collector() -> None:
    """For a process that serves: what it has loaded lasts as long as it does, and no request is to wait until the
    garbage collector has gone through all of it; a request with a thousand jobs is not to call it a dozen times."""
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *older)


class Server:
    """Serves one application until it is told to stop; streams and long polls end then, other requests may go on."""

    def __init__(self, application: FastAPI, listener: socket.socket) -> None:
        self._application = application
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                application,
                http="httptools",
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stop(self) -> None:
        """End soon. To be called on the event loop that serves."""
        stopping_of(self._application).set()
        self._server.should_exit = True

    async def serve(self, on_started: Callable[[], Awaitable[object]]) -> None:
        """Serve until stopped; ``on_started`` is awaited once requests are answered."""
        self._server.on_started = on_started
        await self._server.serve(sockets=[self._listener])


class _Server(uvicorn.Server):
    on_started: Callable[[], Awaitable[object]] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        spare_the_collector()
        if self.started and self.on_started is not None:
            await self.on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
