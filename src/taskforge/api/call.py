"""One authenticated request, and how it is answered."""

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from taskforge.api.backend import ApiOptions, Backend
from taskforge.api.envelopes import ListMeta
from taskforge.api.etags import etag_of_content, is_unchanged
from taskforge.api.messages import message
from taskforge.api.preferences import Preferences
from taskforge.api.stopping import stopping_of
from taskforge.domain.access import Principal
from taskforge.domain.errors import InvalidInput

T = TypeVar("T")

JSON = "application/json"
FIELDS = "fields"
FIELD_NAMES = re.compile(r"[a-z_]{1,50}(,[a-z_]{1,50}){0,50}")
BUILTIN = (datetime, UUID)
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks for what, and in which form the answer is wanted."""

    request: Request
    backend: Backend
    options: ApiOptions
    principal: Principal
    language: str
    preferences: Preferences
    has_cookie: bool = False

    async def until_stopped(self, waiting: Awaitable[T]) -> T | None:
        """What is awaited, or None as soon as the server is told to stop: nobody's waiting holds it up."""
        task = asyncio.ensure_future(waiting)
        stopping = asyncio.ensure_future(stopping_of(self.request.app).wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for waited in (task, stopping):
                waited.cancel()

    def answer(
        self,
        data: Any,
        key: str = "found",
        *,
        status: int = 200,
        meta: ListMeta | None = None,
        headers: dict[str, str] | None = None,
        **values: object,
    ) -> Response:
        """Data in the envelope, or alone where the caller prefers that."""
        if self.request.method == "GET" and FIELDS in self.request.query_params:
            data = only_fields(data, self.request.query_params[FIELDS])
        sent = dict(headers or {})
        sent["Vary"] = "Prefer, Accept-Language, Authorization, Cookie"
        sent.setdefault("Cache-Control", "no-store")
        if self.preferences.applied:
            sent["Preference-Applied"] = self.preferences.applied
        etag = sent.get("ETag")
        if etag and self.request.method == "GET" and is_unchanged(self.request, etag):
            return Response(None, 304, headers=sent)
        if not self.preferences.envelope:
            return Response(encode(data), status, headers=sent | self._paging(meta), media_type=JSON)
        body = {
            "status": "success",
            "message": message(key, self.language, **values),
            "data": data,
            "meta": {} if meta is None else meta,
        }
        return Response(encode(body), status, headers=sent, media_type=JSON)

    @property
    def root(self) -> str:
        """The path that everything here is served below: of a proxy, or of the application that it is mounted in."""
        return str(self.request.scope.get("root_path", ""))

    def figures(self, data: Any) -> Response:
        """Statistics in the envelope; with If-None-Match 304 while they say the same."""
        content = encode(data)
        told = data if FIELDS in self.request.query_params else msgspec.Raw(content)
        return self.answer(told, headers={"ETag": etag_of_content(content)})

    def created(
        self, data: Any, location: str, key: str = "created", *, headers: dict[str, str] | None = None
    ) -> Response:
        """201 with its address; without a body where the caller prefers that."""
        sent = {"Location": self.root + location, **(headers or {})}
        if self.preferences.representation is False:
            return Response(None, 201, headers=sent | {"Preference-Applied": "return=minimal"})
        return self.answer(data, key, status=201, headers=sent)

    def done(self, data: Any, key: str = "done", *, headers: dict[str, str] | None = None) -> Response:
        """204, or the thing as it is now where the caller prefers that."""
        if not self.preferences.representation:
            return Response(None, 204, headers={"Vary": "Prefer", **(headers or {})})
        return self.answer(data, key, headers=headers)

    def _paging(self, meta: ListMeta | None) -> dict[str, str]:
        """Where there is no envelope, the header tells where the next page is."""
        if meta is None:
            return {}
        found = {} if meta.total_items is None else {"X-Total-Count": str(meta.total_items)}
        url = self.request.url
        if meta.next_cursor is not None:
            following = url.remove_query_params(["page", "offset"]).include_query_params(
                cursor=meta.next_cursor
            )
        elif meta.has_more and meta.page is not None:
            following = url.include_query_params(page=meta.page + 1)
        else:
            return found
        return found | {"Link": f'<{following.path}?{following.query}>; rel="next"'}


def only_fields(data: Any, names: str) -> Any:
    """The named members of a thing, or of each thing of a list. Raises InvalidInput for one that is none."""
    plain = msgspec.to_builtins(data, builtin_types=BUILTIN)
    things = plain if isinstance(plain, list) else [plain]
    if not FIELD_NAMES.fullmatch(names):
        raise InvalidInput("fields are names with commas between them", field=FIELDS)
    wanted = names.split(",")
    for name in wanted:
        if things and not all(isinstance(thing, dict) and name in thing for thing in things):
            raise InvalidInput(f"there is no field {name!r:.100}", field=FIELDS)
    chosen = [{name: thing[name] for name in wanted} for thing in things]
    return chosen if isinstance(plain, list) else chosen[0]


async def current_call(request: Request) -> Call:
    """The call that the route has begun."""
    call: Call = request.state.call
    return call


Calling = Annotated[Call, Depends(current_call)]
