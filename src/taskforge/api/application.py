"""The FastAPI application: which resources it serves, and what surrounds them all."""

import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import HTTPException, RequestValidationError
from starlette._utils import get_route_path
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from taskforge.api.backend import ApiOptions, Backend
from taskforge.api.documentation import describe, serve_documentation
from taskforge.api.faults import InvalidRequest, MethodNotAllowed, NoSuchPath, RequestFault
from taskforge.api.finding import Directory, methods_of
from taskforge.api.middleware import Edge, HeadAsGet
from taskforge.api.problems import problem
from taskforge.api.routes import (
    alerts,
    assignments,
    audit,
    auth,
    breakers,
    calendars,
    dead_letters,
    errors,
    events,
    executions,
    exposition,
    health,
    jobs,
    keys,
    metrics,
    operations,
    pauses,
    people,
    queues,
    receivers,
    runs,
    scaling,
    schedules,
    tenants,
    worker_protocol,
    workers,
)
from taskforge.api.routing import ApiRoute, Resource
from taskforge.domain.errors import TaskforgeError
from taskforge.version import VERSION

PREFIX = "/api/v1"
RESOURCES: Sequence[Resource] = (
    queues.queues,
    jobs.jobs,
    jobs.stats,
    executions.executions,
    operations.operations,
    operations.purging,
    operations.redriving,
    dead_letters.dead_letters,
    errors.errors,
    pauses.pauses,
    breakers.breakers,
    runs.runs,
    schedules.schedules,
    calendars.calendars,
    scaling.policies,
    scaling.decisions,
    scaling.autoscaling,
    workers.workers,
    workers.tasks,
    assignments.assignments,
    assignments.of_queues,
    assignments.of_workers,
    metrics.metrics,
    metrics.of_queues,
    metrics.of_workers,
    alerts.alerts,
    receivers.receivers,
    auth.auth,
    tenants.organizations,
    tenants.projects,
    people.users,
    people.roles,
    keys.keys,
    audit.audit,
    health.diagnosis,
    worker_protocol.protocol,
    events.events,
)
"""Everything below `/api/v1`. Add a resource here."""
UNPREFIXED: Sequence[Resource] = (health.health, exposition.exposition)
GZIP_BYTES = 1024

Lifespan = Callable[[], AbstractAsyncContextManager[Backend]]


def create_application(open_backend: Lifespan, options: ApiOptions) -> FastAPI:
    """The application over a backend, which is opened when it starts and closed when it ends."""

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        async with open_backend() as backend:
            application.state.backend = backend
            yield

    application = FastAPI(
        title="TaskForge",
        version=VERSION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    application.state.options = options
    application.router.routes.extend(_routes())
    serve_documentation(application)
    application.add_exception_handler(TaskforgeError, _tell)
    application.add_exception_handler(RequestValidationError, _tell_validation)
    application.add_exception_handler(HTTPException, _tell_http)
    application.add_exception_handler(404, _tell_http)
    application.add_exception_handler(405, _tell_http)
    application.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES, compresslevel=5)
    application.add_middleware(Edge, root_path=options.root_path, origins=options.cors_origins)
    application.add_middleware(HeadAsGet)
    return application


@cache
def _routes() -> Sequence[BaseRoute]:
    """All of them: half a second's work, and nothing of an application is in it, so several share them."""
    router = APIRouter(redirect_slashes=False)
    for prefix, resources in ((PREFIX, RESOURCES), ("", UNPREFIXED)):
        for resource in resources:
            _serve(router, prefix, resource)
    return [Directory([route for route in router.routes if isinstance(route, ApiRoute)]), *router.routes]


def _serve(router: APIRouter, prefix: str, resource: Resource) -> None:
    for operation in resource.operations:
        router.add_api_route(
            prefix + operation.path,
            operation.endpoint,
            methods=[operation.method],
            status_code=operation.status,
            tags=[operation.tag],
            name=operation.name,
            operation_id=operation.name,
            summary=inspect.cleandoc(operation.endpoint.__doc__ or "").partition("\n")[0].rstrip("."),
            description=inspect.cleandoc(operation.endpoint.__doc__ or ""),
            response_model=None,
            response_class=Response,
            route_class_override=ApiRoute,
            deprecated=True if operation.deprecation is not None else None,
            **describe(operation),
        )


async def _tell(request: Request, error: Exception) -> Response:
    if not isinstance(error, TaskforgeError):
        raise error
    return problem(request, error)


async def _tell_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [_fault(fault) for fault in error.errors()[:20]]
    where = found[0][0] if found else ""
    detail = f"{where}: {found[0][2]}" if found else "the request is not valid"
    return problem(request, InvalidRequest(detail, found))


def _fault(fault: Any) -> tuple[str, str, str]:
    location = [str(part).replace("~", "~0").replace("/", "~1") for part in fault["loc"]]
    if location[:1] == ["body"]:
        location = location[1:]
    return "/" + "/".join(location), str(fault["type"]), str(fault["msg"]).removeprefix("Value error, ")


async def _tell_http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 400)
    if status == 404:
        return problem(request, NoSuchPath("nothing is served under this path"))
    if status == 405:
        answer = problem(request, MethodNotAllowed(f"{request.method} is not served under this path"))
        path = get_route_path(request.scope)
        routes = [route for route in request.app.routes if isinstance(route, ApiRoute)]
        answer.headers["Allow"] = ", ".join(sorted(methods_of(path, routes)))
        return answer
    return problem(request, RequestFault("the request is not acceptable"))
