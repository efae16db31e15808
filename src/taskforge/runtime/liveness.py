"""Tells the outside whether a process gets on with its work: a file, a port, the watchdog of systemd.

All of them live on the process's own event loop. When that is blocked they fall silent, and whoever looks sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.runtime.systemd import ALIVE, READY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from taskforge.runtime.systemd import Systemd

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
REQUEST_SECONDS = 5.0
MAX_REQUEST = 8192
_METRICS = re.compile(rb"GET /metrics[ ?]")
_ACCEPT = re.compile(rb"\r\naccept:[ \t]*([^\r\n]{0,1000})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LivenessOptions:
    """Where to tell; ``limit`` is for how many seconds claiming may fail. Port 0 is one that is free.

    At ``metrics_port`` Prometheus is told; both ports answer alike.
    """

    file: Path | None = None
    port: int | None = None
    metrics_port: int | None = None
    host: str = "127.0.0.1"
    limit: float = 60.0


NOWHERE = LivenessOptions()


class Liveness:
    """``async with``: tells until the end. ``stalled`` answers for how many seconds its work has not gone on:
    for a worker, that claiming has not worked.

    The file's time of modification is the last moment at which it did; the file is removed once that is longer
    ago than the limit, and at the end. The port answers any HTTP request with 200 or 503, but one for /metrics with what
    ``expose`` makes of its Accept header. systemd hears that the process is alive while the limit
    holds. Entering raises OSError when file or port cannot be had.
    """

    def __init__(
        self,
        options: LivenessOptions,
        systemd: Systemd,
        stalled: Callable[[], float],
        expose: Callable[[str | None], tuple[bytes, str]] | None = None,
    ) -> None:
        self._options = options
        self._systemd = systemd
        self._stalled = stalled
        self._expose = expose
        self._servers: list[asyncio.Server] = []
        self._telling: asyncio.Task[None] | None = None
        self._is_ready = False

    @property
    def port(self) -> int | None:
        """The first port that it answers on."""
        return int(self._servers[0].sockets[0].getsockname()[1]) if self._servers else None

    async def __aenter__(self) -> Self:
        options = self._options
        for port in dict.fromkeys((options.port, options.metrics_port)):
            if port is not None:
                self._servers.append(
                    await asyncio.start_server(self._answer, options.host, port, limit=MAX_REQUEST)
                )
        if options.file is not None:
            options.file.parent.mkdir(parents=True, exist_ok=True)
        self._tell()
        self._telling = asyncio.create_task(self._go_on_telling(), name="taskforge liveness")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._telling is not None:
            self._telling.cancel()
        for server in self._servers:
            server.close()
        self._remove()

    async def _go_on_telling(self) -> None:
        watchdog = self._systemd.watchdog_seconds
        pause = LOOK_SECONDS if watchdog is None else min(LOOK_SECONDS, watchdog / 3)
        while True:
            await asyncio.sleep(pause)
            try:
                self._tell()
            except Exception:
                logger.exception("cannot tell that this process is alive; trying again")

    def _tell(self) -> None:
        seconds = self._stalled()
        if seconds > self._options.limit:
            self._remove()
            return
        if not self._is_ready and seconds < LOOK_SECONDS:
            self._is_ready = True
            self._systemd.tell(READY)
        if self._systemd.watchdog_seconds is not None:
            self._systemd.tell(ALIVE)
        if self._options.file is not None and self._is_ready:
            self._options.file.touch()
            moment = time.time() - seconds
            os.utime(self._options.file, (moment, moment))

    def _remove(self) -> None:
        if self._options.file is not None:
            self._options.file.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(
            OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._response(request))
                await writer.drain()
        writer.close()

    def _response(self, request: bytes) -> bytes:
        status, media_type = "200 OK", "text/plain"
        if self._expose is not None and _METRICS.match(request):
            accept = _ACCEPT.search(request)
            body, media_type = self._expose(None if accept is None else accept[1].decode("latin-1"))
        else:
            seconds = self._stalled()
            body = b"ok\n"
            if seconds > self._options.limit:
                status = "503 Service Unavailable"
                body = f"claiming has not worked for {seconds:.0f} s\n".encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return head.encode() + body


def last_claim(file: Path) -> float | None:
    """When the worker of this file could last claim, in seconds since 1970; None when it does not say."""
    try:
        return file.stat().st_mtime
    except OSError:
        return None
