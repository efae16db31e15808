"""The way in: credentials to a principal, the principal's right to the operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.api.call import Call
from taskforge.api.operation import Openness, Reach
from taskforge.api.preferences import preferences_of
from taskforge.domain.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from starlette.requests import Request

    from taskforge.api.backend import Backend
    from taskforge.api.operation import Operation
    from taskforge.domain.access import Principal


async def begin(request: Request, operation: Operation) -> Call:
    """The call, if its caller may make it. Raises Unauthenticated, Forbidden, TooManyRequests."""
    backend: Backend = request.app.state.backend
    principal = await _principal(request, backend)
    check_permission(principal, operation)
    call = request.state.call = Call(
        request,
        backend,
        request.app.state.options,
        principal,
        request.state.language,
        preferences_of(request.headers.getlist("prefer")),
    )
    return call


async def check_again(call: Call) -> None:
    """For answers that last: whether the credential still holds. Raises Unauthenticated."""
    principal = await _principal(call.request, call.backend)
    if principal.permissions != call.principal.permissions or principal.queue_ids != call.principal.queue_ids:
        raise Unauthenticated("what the caller may do has changed", hint="ask again")


async def _principal(request: Request, backend: Backend) -> Principal:
    return await backend.authenticator.authenticate(_token(request), address=address_of(request))


def check_permission(principal: Principal, operation: Operation) -> None:
    """Raises Forbidden where the principal lacks the permission, or may see less than the operation shows."""
    if not isinstance(operation.permission, Openness):
        principal.require(operation.permission)
    if operation.reach is Reach.ORGANIZATION and principal.project_id is not None:
        raise Forbidden("this is for callers of a whole organization, not of one project")
    if operation.reach is not Reach.QUEUE and principal.queue_ids is not None:
        raise Forbidden("this is for callers of a whole project, not of single queues")


def address_of(request: Request) -> str:
    """Where the request comes from; uvicorn puts a trusted proxy's word in its place."""
    return request.client.host if request.client else "local"


def _token(request: Request) -> str:
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise Unauthenticated("several Authorization headers")
    scheme, _, token = (given[0] if given else "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    raise Unauthenticated("no credentials", hint="send Authorization: Bearer and a key or an access token")
