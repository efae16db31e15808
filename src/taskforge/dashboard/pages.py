"""Serve the dashboard: one page for all of its addresses, and the files that the page asks for.

It needs no permission: the page holds nothing, and shows what the API answers to whoever logs in.
"""

from __future__ import annotations

import html
import re
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response

from taskforge.domain.errors import NotFound

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from starlette.applications import Starlette
    from starlette.requests import Request

PAGES = (
    "jobs",
    "queues",
    "dead-letters",
    "workers",
    "tasks",
    "schedules",
    "insights",
    "assignments",
    "errors",
    "scaling",
    "alerts",
    "audit",
    "settings",
)
"""The first parts of its addresses; the page itself knows the rest."""
ROOT_FILES = ("early.js",)
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
MOST_OF_ENVIRONMENT = 40
FOR_EVER = "public, max-age=31536000, immutable"
PACKED = ".gz"
"""Beside each file of the build lies what it is when packed."""
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>TaskForge</title></head>
<body>
<h1>The dashboard is not built</h1>
<p>This TaskForge runs from its sources, and its dashboard has not been built yet. In the folder of the sources:</p>
<pre>make dashboard</pre>
<p>Then load this page again. The HTTP API works without it: <a href="{root}/docs">its documentation</a>.</p>
</body>
</html>
"""


def serve_dashboard(application: Starlette, environment: str = "") -> None:
    """Add the dashboard's addresses, below the path that a proxy or another application serves this one under.

    ``environment``: what the installation is, such as staging, for every page to show.
    """
    shown = html.escape(environment.strip()[:MOST_OF_ENVIRONMENT])

    async def page(request: Request) -> Response:
        root = html.escape(request.scope.get("root_path", "").rstrip("/"))
        return Response(
            _page(root, shown), headers={"Cache-Control": "no-cache"}, media_type="text/html; charset=utf-8"
        )

    async def asset(request: Request) -> Response:
        return _asset(request.path_params["name"], request.headers.get("accept-encoding", ""))

    async def root_file(request: Request) -> Response:
        body, kind = _content(_static(), request.url.path.rpartition("/")[2])
        return Response(body, headers={"Cache-Control": "no-cache"}, media_type=kind)

    for path in ("/", *(f"/{name}{rest}" for name in PAGES for rest in ("", "/{rest:path}"))):
        application.add_route(path, page, methods=["GET"], include_in_schema=False)
    application.add_route("/assets/{name}", asset, methods=["GET"], include_in_schema=False)
    for name in ROOT_FILES:
        application.add_route(f"/{name}", root_file, methods=["GET"], include_in_schema=False)


def is_built() -> bool:
    """Whether there is a dashboard to serve."""
    return _static().joinpath("index.html").is_file()


def _static() -> Traversable:
    return files("taskforge.dashboard").joinpath("static")


def _page(root: str, environment: str) -> str:
    """The page, whose addresses are relative to the root when it comes out of the build."""
    if not is_built():
        return NOT_BUILT.format(root=root)
    text = _static().joinpath("index.html").read_text("utf-8")
    text = text.replace('name="taskforge-root" content=""', f'name="taskforge-root" content="{root}"')
    text = text.replace(
        'name="taskforge-environment" content=""', f'name="taskforge-environment" content="{environment}"'
    )
    return text.replace('"./', f'"{root}/')


def _asset(name: str, accepted: str) -> Response:
    """A file of the build whose name says what is in it. Raises NotFound."""
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    packing = PACKED if "gzip" in accepted else ""
    body, kind = _content(_static().joinpath("assets"), name, packing)
    if packing:
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type=kind)


def _content(folder: Traversable, name: str, packing: str = "") -> tuple[bytes, str]:
    """What is in a file, as it is or packed, and its media type. Raises NotFound for anything but a file of the build."""
    found = folder.joinpath(name + packing)
    kind = MEDIA_TYPES.get(name[name.rfind(".") :])
    if not _NAME.fullmatch(name) or kind is None or not found.is_file():
        raise NotFound(f"the dashboard has no file {name!r:.100}")
    return found.read_bytes(), kind
