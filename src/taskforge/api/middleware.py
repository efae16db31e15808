"""What holds for every request, before and after its route: ids, limits, headers, and no exception gets out."""

from __future__ import annotations

import logging
import re
import secrets
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from taskforge.api.faults import AddressTooLong, HeadersTooLarge, InternalError
from taskforge.api.messages import language_of
from taskforge.api.origins import is_preflight, origin_headers, preflight_headers
from taskforge.api.problems import problem
from taskforge.domain.access import NOBODY
from taskforge.domain.errors import TaskforgeError
from taskforge.ports.acting import acting

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("taskforge.api")

MAX_ADDRESS_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
NOTHING: dict[str, str] = {}


class HeadAsGet:
    """The outermost layer of the application: HEAD is GET whose body nobody sees. A stream ends as it begins."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})

        await self._app({**scope, "method": "GET"}, receive, send_head)


class Edge:
    """What surrounds every request. ``root_path``: what a proxy may leave before each path."""

    def __init__(self, app: ASGIApp, root_path: str = "", origins: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._root_path = root_path.rstrip("/")
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._root_path:
            scope["root_path"] = self._root_path
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request.state.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)
        request.state.language = language_of(request.headers.get("accept-language"))
        is_begun = False

        async def send_on(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                self._dress(request, MutableHeaders(scope=message))
            await send(message)

        try:
            _check_size(scope)
            if self._origins and is_preflight(request):
                headers = preflight_headers(request, self._origins)
                await Response(None, 204, headers=headers)(scope, receive, send_on)
                return
            with acting(NOBODY):  # until the route knows who asks
                await self._app(scope, receive, send_on)
        except TaskforgeError as error:
            if is_begun:
                raise
            await problem(request, error)(scope, receive, send_on)
        except Exception:
            logger.exception(
                "request %s failed: %s %r", request.state.request_id, scope["method"], scope["path"]
            )
            if is_begun:
                raise
            await problem(request, InternalError(""))(scope, receive, send_on)

    def _dress(self, request: Request, headers: MutableHeaders) -> None:
        headers["X-Request-ID"] = request.state.request_id
        for name in ("deprecation", "allowance"):
            headers.update(getattr(request.state, name, NOTHING))
        if self._origins:
            headers.add_vary_header("Origin")
            headers.update(origin_headers(request, self._origins))
        named = {name for name, _ in headers.raw}
        headers.raw.extend(pair for pair in SECURITY if pair[0] not in named)


def _check_size(scope: Scope) -> None:
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_ADDRESS_BYTES:
        raise AddressTooLong(f"path and query have more than {MAX_ADDRESS_BYTES:,} bytes")
    if sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        raise HeadersTooLarge(f"the headers have more than {MAX_HEADER_BYTES:,} bytes")
