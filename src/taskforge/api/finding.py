"""Which route a request is for: looked up by its method, length and resource, not by trying two hundred in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, NoMatchFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from fastapi.routing import APIRoute
    from starlette.types import Receive, Scope, Send

RESOURCE = 3
"""The part of ``/api/v1/jobs/...`` that names the resource; in shorter paths the last one does."""


class Directory(BaseRoute):
    """Stands before the routes themselves, which answer what it does not find: 404, 405."""

    def __init__(self, routes: Sequence[APIRoute]) -> None:
        fixed = {route.path for route in routes if "{" not in route.path}
        self._fixed = {path: methods_of(path, routes) for path in fixed}
        self._routes: dict[tuple[str, int, str], list[APIRoute]] = {}
        for route in routes:
            length, resource = _place(route.path)
            if "{" in resource:
                raise ValueError(f"{route.path} does not begin with the name of a resource")
            for method in route.methods or ():
                self._routes.setdefault((method, length, resource), []).append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first that fits, as it was declared."""
        if scope["type"] == "http":
            methods = self._fixed.get(get_route_path(scope))
            if methods is not None and scope["method"] not in methods:
                return Match.FULL, {"route": None}
            for route in self._routes.get((scope["method"], *_place(get_route_path(scope))), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    return match, found
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: Any) -> NoReturn:
        """Routes tell their own paths."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the route that was found. Raises HTTPException where there is one for other methods only."""
        if scope["route"] is None:
            raise HTTPException(405)
        await scope["route"].handle(scope, receive, send)


def methods_of(path: str, routes: Sequence[APIRoute]) -> frozenset[str]:
    """All methods that a path is served for; HEAD wherever GET is. The last word of a fixed path may be the name of something, but no id."""
    found = [route for route in routes if route.path_regex.match(path)]
    if any(route.path == path for route in found):
        found = [route for route in found if not route.path.endswith("_id}")]
    methods = {method for route in found for method in route.methods or ()}
    return frozenset(methods | {"HEAD"} if "GET" in methods else methods)


def _place(path: str) -> tuple[int, str]:
    parts = path.split("/")
    return len(parts), parts[RESOURCE] if len(parts) > RESOURCE else parts[-1]
