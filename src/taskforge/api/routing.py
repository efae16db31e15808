"""How a route is declared: path, permission, name, and what it answers with. Nothing else makes a route.

    queues = Resource("/queues", "queues")

    @queues.get("/{queue_id}", permission=Permission.QUEUE_READ, name="queues.get", answers=QueueView)
    async def get_queue(call: Calling, here: QueueHere) -> Response: ...

`application.create_application` serves the resources that `application.RESOURCES` lists.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any, TypeAlias, TypeVar

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from taskforge.api.bodies import check_media_type, parse, read_body
from taskforge.api.call import FIELDS
from taskforge.api.faults import InvalidRequest
from taskforge.api.guard import address_of, begin
from taskforge.api.once import once
from taskforge.api.operation import Deprecation, Openness, Operation, Reach
from taskforge.domain.access import Permission
from taskforge.ports.acting import acting
from taskforge.sdk.tracing import carrying, trace_of

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Response]])
OPERATION = "__taskforge_operation__"
MOST_SETS = 100
"""Requests with sets of parameters beyond these are answered a little slower."""
Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(slots=True)
class Resource:
    """The operations on one kind of thing. Paths are below ``prefix``, which is below ``/api/v1``."""

    prefix: str
    tag: str
    operations: list[Operation] = field(default_factory=list)

    def get(self, path: str, **declared: Any) -> Callable[[Endpoint], Endpoint]:
        """A read; it changes nothing."""
        return self._declare("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[Endpoint], Endpoint]:
        """A creation or an action."""
        return self._declare("POST", path, **declared)

    def put(self, path: str, **declared: Any) -> Callable[[Endpoint], Endpoint]:
        """A replacement."""
        return self._declare("PUT", path, **declared)

    def patch(self, path: str, **declared: Any) -> Callable[[Endpoint], Endpoint]:
        """A change of what the body names: null clears, absent keeps."""
        return self._declare("PATCH", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[Endpoint], Endpoint]:
        """A removal."""
        return self._declare("DELETE", path, **declared)

    def _declare(
        self,
        method: str,
        path: str,
        *,
        permission: Permission | Openness,
        name: str,
        answers: Any = None,
        status: int = 200,
        reach: Reach = Reach.PROJECT,
        is_list: bool = False,
        is_raw: bool = False,
        problems: Sequence[int] = (),
        max_bytes: int | None = None,
        extra: dict[str, Any] | None = None,
        makes: str | None = None,
        keeps_identity: bool = False,
        also: Sequence[int] = (),
        shown_once: Sequence[str] = (),
        deprecation: Deprecation | None = None,
    ) -> Callable[[Endpoint], Endpoint]:
        def declare(endpoint: Endpoint) -> Endpoint:
            operation = Operation(
                method=method,
                path=self.prefix + path,
                endpoint=endpoint,
                tag=self.tag,
                permission=permission,
                name=name,
                answers=answers,
                status=status,
                reach=reach,
                is_list=is_list,
                is_raw=is_raw,
                problems=tuple(problems),
                max_bytes=max_bytes,
                extra=extra or {},
                makes=makes,
                keeps_identity=keeps_identity,
                also=tuple(also),
                shown_once=tuple(shown_once),
                deprecation=deprecation,
            )
            setattr(endpoint, OPERATION, operation)
            self.operations.append(operation)
            return endpoint

        return declare


class ApiRoute(APIRoute):
    """Asks who calls and whether it may before anything of the request is read, then reads it with care."""

    def get_route_handler(self) -> Handler:
        """The handler that the application calls."""
        answer = _Answers(self)
        operation = operation_of(self)
        parameters = get_flat_params(self.dependant)
        queries = frozenset(field.alias for field in parameters if isinstance(field.field_info, Query))
        if operation.has_fields:
            queries |= {FIELDS}
        takes_body = self.body_field is not None or operation.is_raw

        async def read(request: Request) -> None:
            _refuse_unknown_queries(request, queries)
            options = request.app.state.options
            if takes_body or "content-length" in request.headers or "transfer-encoding" in request.headers:
                limit = operation.max_bytes or options.max_body_bytes
                body = await read_body(request, limit=limit, seconds=options.body_seconds)
                request._body = body
                if body:
                    check_media_type(request)
                    if not operation.is_raw:
                        request._json = parse(body)
                    if not takes_body and request._json != {}:
                        raise InvalidRequest(
                            "this operation takes no body", [("", "unexpected_body", "remove it")]
                        )

        async def handle(request: Request) -> Response:
            _tell_of_its_end(request, operation)
            if operation.permission is Openness.PUBLIC:
                await read(request)
                return await answer.to(request)(request)
            call = await begin(request, operation)
            who = acting(call.principal, address=address_of(request), request_id=request.state.request_id)
            with who, carrying(trace_of(request.headers)):
                await read(request)
                return await once(call, operation, answer.to(request))

        return handle


class _Answers:
    """The handlers of a route, one for each set of parameters that requests have come with: FastAPI would look for all that
    there are in each request, check the defaults of those that are not there, and take half of a list's time for it."""

    def __init__(self, route: APIRoute) -> None:
        self._route = route
        self._whole = APIRoute.get_route_handler(route)
        self._found: dict[frozenset[str], Handler] = {}

    def to(self, request: Request) -> Handler:
        names = frozenset(request.query_params)
        found = self._found.get(names)
        if found is None:
            if len(self._found) >= MOST_SETS:
                return self._whole
            route = copy(self._route)
            route.dependant = _asked_for(route.dependant, names)
            found = self._found[names] = APIRoute.get_route_handler(route)
        return found


def _asked_for(dependant: Dependant, names: frozenset[str]) -> Dependant:
    """Without the parameters that are not there, where the default is in the signature as well."""
    defaults = signature(dependant.call).parameters if dependant.call is not None else {}
    return replace(
        dependant,
        query_params=[
            given
            for given in dependant.query_params
            if given.alias in names
            or given.field_info.is_required()
            or defaults[given.name].default != given.field_info.default
        ],
        dependencies=[_asked_for(inner, names) for inner in dependant.dependencies],
    )


def operation_of(route: ApiRoute) -> Operation:
    """What a route was declared as."""
    operation: Operation = getattr(route.endpoint, OPERATION)
    return operation


def _tell_of_its_end(request: Request, operation: Operation) -> None:
    if operation.deprecation is not None:
        request.state.deprecation = operation.deprecation.headers


def _refuse_unknown_queries(request: Request, known: frozenset[str]) -> None:
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise InvalidRequest(
            f"there is no parameter {unknown[0]!r:.100}",
            [
                (f"/query/{name}", "unknown_parameter", "this operation does not know it")
                for name in unknown[:10]
            ],
        )
