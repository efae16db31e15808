"""What every route must say of itself, and that the committed description is what is served."""

import json

import pytest
from fastapi.routing import APIRoute

from scripts.generate_openapi import FILE, description
from taskforge.api.application import PREFIX, RESOURCES, UNPREFIXED
from taskforge.api.operation import Openness, Operation
from taskforge.domain.access import Permission

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
        if getattr(route, "path", None) in NO_ROUTES_OF_OURS:
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


def test_every_operation_documents_its_problems() -> None:
    described = json.loads(FILE.read_text("utf-8"))["paths"]
    for operation in OPERATIONS:
        prefix = "" if any(operation in resource.operations for resource in UNPREFIXED) else PREFIX
        responses = described[prefix + operation.path][operation.method.lower()]["responses"]
        for status, response in responses.items():
            if int(status) >= 400:
                assert response["$ref"] == f"#/components/responses/Problem{status}"
