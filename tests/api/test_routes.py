"""What every route must say of itself, and that the committed description is what is served."""

import json
import re
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from typing import Any
from uuid import uuid4

import httpx2
import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from scripts.generate_openapi import FILE, description
from taskforge.api.application import PREFIX, RESOURCES, UNPREFIXED, _routes, _serve
from taskforge.api.backend import ApiOptions
from taskforge.api.documentation import openapi
from taskforge.api.finding import Directory
from taskforge.api.middleware import Edge
from taskforge.api.operation import Deprecation, Openness, Operation
from taskforge.api.routing import Resource
from taskforge.domain.access import Permission

pytestmark = pytest.mark.anyio

OPERATIONS = [operation for resource in (*RESOURCES, *UNPREFIXED) for operation in resource.operations]
PUBLIC_OPERATIONS = {"health.live", "health.ready", "auth.login", "auth.refresh"}
"""Whoever adds one here opens a door to everybody."""
NO_ROUTES_OF_OURS = {"/openapi.json", "/docs", "/docs/{name}"}


def test_every_route_was_declared_with_a_permission() -> None:
    from contextlib import nullcontext

    from taskforge.api.application import create_application
    from taskforge.api.backend import ApiOptions

    application = create_application(lambda: nullcontext(), ApiOptions(secret=b""))  # type: ignore[arg-type,return-value]
    served = set()
    for route in application.routes:
        if getattr(route, "path", None) in NO_ROUTES_OF_OURS or isinstance(route, Directory):
            continue
        assert isinstance(route, APIRoute)
        operation = getattr(route.endpoint, "__taskforge_operation__", None)
        assert isinstance(operation, Operation), route.path
        served.add(operation.name)
    assert served == {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_only_known_operations_are_open_to_everybody(operation: Operation) -> None:
    if operation.permission is Openness.PUBLIC:
        assert operation.name in PUBLIC_OPERATIONS
    else:
        assert operation.permission is Openness.AUTHENTICATED or operation.permission in Permission
    assert operation.endpoint.__doc__


def test_a_request_is_led_to_the_route_that_was_declared_first() -> None:
    [directory, *routes] = _routes()
    assert isinstance(directory, Directory)
    for route in routes:
        assert isinstance(route, APIRoute)
        path = re.sub(r"{\w+}", "x", route.path)
        for method in route.methods or ():
            scope = {"type": "http", "method": method, "path": path, "headers": []}
            first = next(other for other in routes if other.matches(dict(scope))[0] is Match.FULL)
            match, found = directory.matches(scope)
            assert (match, found["route"]) == (Match.FULL, first), (method, path)
    job = f"/api/v1/jobs/{uuid4()}"
    assert directory.matches({"type": "http", "method": "PUT", "path": job})[0] is Match.NONE


def test_nothing_that_a_route_needs_is_looked_up_in_another_thread() -> None:
    waiting = [route.dependant for route in _routes() if isinstance(route, APIRoute)]
    while waiting:
        dependant = waiting.pop()
        assert iscoroutinefunction(dependant.call), dependant.call
        waiting += dependant.dependencies


def test_names_are_unique() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(names) == len(set(names))


def test_reads_need_no_permission_to_write() -> None:
    for operation in OPERATIONS:
        if operation.method == "GET":
            assert not operation.permission.value.endswith(":write"), operation.name


def test_the_committed_description_is_what_is_served() -> None:
    assert json.loads(FILE.read_text("utf-8")) == json.loads(description()), (
        "run: python -m scripts.generate_openapi"
    )


def test_every_operation_has_its_name_problems_and_examples() -> None:
    document = json.loads(FILE.read_text("utf-8"))
    for operation in OPERATIONS:
        prefix = "" if any(operation in resource.operations for resource in UNPREFIXED) else PREFIX
        described = document["paths"][prefix + operation.path][operation.method.lower()]
        assert described["operationId"] == operation.name
        for status, response in described["responses"].items():
            if int(status) >= 400:
                assert response["$ref"] == f"#/components/responses/Problem{status}"
                continue
            for kind, content in response.get("content", {}).items():
                assert kind != "application/json" or is_shown(content["schema"], document), operation.name
        asked = described.get("requestBody", {}).get("content", {})
        for content in asked.values():
            assert is_shown(content["schema"], document), operation.name


def is_shown(schema: Any, document: Any) -> bool:
    """Whether there is an example of it."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return "example" in schema or "examples" in schema
    if "anyOf" in schema:
        return any(is_shown(choice, document) for choice in schema["anyOf"])
    return all(is_shown(member, document) for member in schema.get("properties", {}).values())


def test_every_example_is_what_its_schema_says() -> None:
    components = json.loads(FILE.read_text("utf-8"))["components"]
    for name, schema in components["schemas"].items():
        for shown in (*schema.get("examples", ()), *([schema["example"]] if "example" in schema else ())):
            where = {"$ref": f"#/components/schemas/{name}", "components": components}
            wrong = jsonschema_rs.Draft202012Validator(where, validate_formats=True).iter_errors(shown)
            assert [fault.message for fault in wrong] == [], name


async def test_what_is_to_go_says_so() -> None:
    old = Resource("/old", "old")
    ending = Deprecation(
        datetime(2026, 1, 2, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC), "https://example.org/new"
    )

    @old.get("", permission=Openness.PUBLIC, name="old.get", deprecation=ending)
    async def get_old(request: Request) -> Response:
        """An operation that was."""
        return Response()

    served = FastAPI()
    served.state.options = ApiOptions(secret=b"")
    _serve(served.router, "", old)
    assert openapi(served)["paths"]["/old"]["get"]["deprecated"] is True
    transport = httpx2.ASGITransport(app=Edge(served))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http:
        answer = await http.get("/old")
    assert answer.headers["deprecation"] == "@1767312000"
    assert answer.headers["sunset"] == "Sat, 02 Jan 2027 00:00:00 GMT"
    assert answer.headers["link"].startswith("<https://example.org/new>")
