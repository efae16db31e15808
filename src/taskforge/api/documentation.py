"""`openapi.json` and the page that shows it, both served by ourselves."""

from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from taskforge.api.envelopes import Envelope, Listing
from taskforge.api.etags import is_unchanged
from taskforge.api.examples import illustrate
from taskforge.api.once import PARAMETER as IDEMPOTENCY_PARAMETER
from taskforge.api.operation import Openness, Operation
from taskforge.api.raw import components as raw_components
from taskforge.api.routing import ApiRoute, operation_of
from taskforge.api.views import drafts
from taskforge.version import VERSION

DESCRIPTION = """Durable background jobs: queues, jobs, executions, workers.

Every success comes in an envelope (`status`, `message`, `data`, `meta`), every error as `application/problem+json`
with a stable `code`. `Prefer: return=representation` makes changes answer with what they changed,
`Prefer: envelope=none` leaves the envelope out. What belongs to another organization answers as what does not exist.
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TaskForge API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START = """window.ui = SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis]
});
"""
ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}
ALSO = {200: "It was so already", 202: "It goes on"}
ALWAYS = (400, 401, 403, 404, 408, 413, 414, 415, 422, 429, 431, 500, 503)
PROBLEM_WORDS = {
    400: "The body is not JSON",
    401: "No credentials, or such as do not hold",
    403: "The permission is missing",
    404: "There is no such thing, or it belongs to someone else",
    405: "The method is not served here",
    408: "The body came too slowly",
    409: "The present state refuses it",
    412: "It has changed meanwhile",
    413: "The body is too large",
    414: "The address is too long",
    415: "The body is not declared as JSON",
    422: "A value is wrong",
    429: "Too many requests",
    431: "The headers are too large",
    500: "A defect of the server",
    503: "Not available at present",
}
FIELDS_PARAMETER = {
    "name": "fields",
    "in": "query",
    "required": False,
    "description": "Only these members of the answer's data, with commas.",
    "schema": {"type": "string", "pattern": "^[a-z_]{1,50}(,[a-z_]{1,50}){0,50}$"},
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "message", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "message": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "hint": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "type": "urn:taskforge:problem:not_found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "no job has the id 019212d3-87f4-7a2c-8d4e-5f60718293a4",
        "instance": "/api/v1/jobs/019212d3-87f4-7a2c-8d4e-5f60718293a4",
        "code": "not_found",
        "message": "no job has the id 019212d3-87f4-7a2c-8d4e-5f60718293a4",
        "request_id": "5d0c1f6b9a3e4f7281b2c3d4",
    },
}


def describe(operation: Operation) -> dict[str, Any]:
    """What FastAPI has to know to document an operation."""
    responses: dict[int | str, dict[str, Any]] = {}
    if operation.answers is not None:
        model: Any = (Listing if operation.is_list else Envelope)[operation.answers]
        responses[operation.status if operation.status != 204 else 200] = {
            "model": model,
            "description": "The thing as it is now, under `Prefer: return=representation`"
            if operation.status == 204
            else "Success",
        }
        for status in operation.also:
            responses[status] = {"model": model, "description": ALSO[status]}
    if operation.status == 204:
        responses[204] = {"description": "Done"}
    statuses = {
        *operation.problems,
        *((409,) if operation.keeps_answer else ()),
        *((500, 503) if operation.permission is Openness.PUBLIC and operation.method == "GET" else ALWAYS),
    }
    if "{" in operation.path:
        statuses.add(404)
    for status in sorted(statuses):
        responses[status] = {"description": PROBLEM_WORDS[status]}
    extra = dict(operation.extra)
    if operation.has_fields:
        extra["parameters"] = [*extra.get("parameters", ()), FIELDS_PARAMETER]
    if operation.keeps_answer or operation.keeps_identity:
        extra["parameters"] = [*extra.get("parameters", ()), IDEMPOTENCY_PARAMETER]
    extra["x-permission"] = operation.permission.value
    extra["security"] = [] if operation.permission is Openness.PUBLIC else [{"bearer": []}, {"cookie": []}]
    return {"responses": responses, "openapi_extra": extra}


def openapi(application: FastAPI) -> dict[str, Any]:
    """The description of the whole API."""
    schema = get_openapi(
        title="TaskForge",
        version=VERSION,
        description=DESCRIPTION,
        routes=application.routes,
        openapi_version="3.1.0",
    )
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components["schemas"].update(raw_components())
    components["schemas"] |= drafts.schemas()
    components["schemas"].pop("HTTPValidationError", None)
    components["schemas"].pop("ValidationError", None)
    components["responses"] = _problems()
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (`tfk_...`), or the access token of a login.",
        },
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "taskforge_session",
            "description": "The dashboard's session; changes need `X-CSRF-Token` beside it.",
        },
    }
    for methods in schema["paths"].values():
        for described in methods.values():
            if isinstance(described, dict):
                _use_problems(described)
    _link(schema["paths"], application)
    illustrate(components["schemas"])
    schema["components"]["schemas"] = dict(sorted(components["schemas"].items()))
    return schema


def _link(paths: dict[str, Any], application: FastAPI) -> None:
    """From what makes a thing to what is done with it by its id."""
    routes = [route for route in application.routes if isinstance(route, ApiRoute)]
    for route in routes:
        operation = operation_of(route)
        if operation.makes is None:
            continue
        parameters = {operation.makes: "$response.body#/data/id"}
        answer = paths[route.path][operation.method.lower()]["responses"][str(operation.status)]
        answer["links"] = {
            other.name: {"operationId": other.name, "parameters": parameters}
            for other in map(operation_of, routes)
            if other.path == f"{operation.path}/{{{operation.makes}}}"
        }


def _use_problems(described: dict[str, Any]) -> None:
    """Problems are the same everywhere; FastAPI's own form of 422 is never sent."""
    for status in described.get("responses", {}):
        if int(status) >= 400:
            described["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}


def _problems() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        f"Problem{status}": {"description": words, "content": content}
        for status, words in PROBLEM_WORDS.items()
    }


def serve_documentation(application: FastAPI) -> None:
    """Serve the description and its page, without a permission: it tells what is public knowledge."""

    @cache
    def described() -> tuple[bytes, str]:
        import hashlib
        import json

        text = json.dumps(openapi(application), ensure_ascii=False).encode()
        return text, f'"{hashlib.sha256(text).hexdigest()[:32]}"'

    async def serve_openapi(request: Request) -> Response:
        body, etag = described()
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if is_unchanged(request, etag):
            return Response(None, 304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    async def serve_page(request: Request) -> Response:
        return Response(PAGE, media_type="text/html; charset=utf-8")

    async def serve_asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "start.js":
            return Response(START, media_type="text/javascript; charset=utf-8")
        if name not in ASSETS:
            from taskforge.api.faults import NoSuchPath

            raise NoSuchPath("nothing is served under this path")
        content = files("taskforge.api").joinpath("assets", name).read_bytes()
        headers = {"Cache-Control": "public, max-age=86400"}
        return Response(content, headers=headers, media_type=ASSETS[name])

    application.router.add_route("/openapi.json", serve_openapi, methods=["GET"], include_in_schema=False)
    application.router.add_route("/docs", serve_page, methods=["GET"], include_in_schema=False)
    application.router.add_route("/docs/{name}", serve_asset, methods=["GET"], include_in_schema=False)
