"""The way in: credentials to a principal, the principal's right to the operation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from taskforge.api.call import Call
from taskforge.api.operation import Openness, Reach
from taskforge.api.preferences import preferences_of
from taskforge.domain.errors import CsrfFailed, Forbidden, Unauthenticated

if TYPE_CHECKING:
    from starlette.requests import Request

    from taskforge.api.backend import Backend
    from taskforge.api.operation import Operation
    from taskforge.domain.access import Principal
    from taskforge.services.limits import Allowance


COOKIE = "taskforge_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


async def begin(request: Request, operation: Operation) -> Call:
    """The call, if its caller may make it. Raises Unauthenticated, Forbidden, TooManyRequests."""
    backend: Backend = request.app.state.backend
    principal, has_cookie = await _authenticated(request, backend)
    if principal.organization_id is not None:
        allowance = await backend.security.limits.count_request(principal.organization_id)
        if allowance is not None:
            request.state.allowance = rate_headers(allowance)
            allowance.check()
    check_permission(principal, operation)
    call = request.state.call = Call(
        request,
        backend,
        request.app.state.options,
        principal,
        request.state.language,
        preferences_of(request.headers.getlist("prefer")),
        has_cookie,
    )
    return call


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit`: at most ``q`` in ``w`` seconds; ``r`` are left, all of them in ``t`` seconds."""
    rate, standing = allowance
    return {
        "RateLimit-Policy": f'"requests";q={rate.burst};w={math.ceil(rate.burst * rate.interval)}',
        "RateLimit": f'"requests";r={standing.left};t={math.ceil(standing.full_after)}',
    }


async def check_again(call: Call) -> None:
    """For answers that last: whether the credential still holds. Raises Unauthenticated."""
    principal, _ = await _authenticated(call.request, call.backend)
    if principal.permissions != call.principal.permissions or principal.queue_ids != call.principal.queue_ids:
        raise Unauthenticated("what the caller may do has changed", hint="ask again")


async def _authenticated(request: Request, backend: Backend) -> tuple[Principal, bool]:
    """Who calls, and whether a cookie says so: then a change must come from the dashboard's own pages."""
    cookie = request.cookies.get(COOKIE)
    if cookie is None or "authorization" in request.headers:
        return await backend.authenticator.authenticate(_token(request), address=address_of(request)), False
    principal = await backend.security.access.authenticate_cookie(cookie, address=address_of(request))
    if request.method not in SAFE_METHODS:
        check_origin(request)
        backend.security.logins().check_csrf(principal, request.headers.get("x-csrf-token"))
    return principal, True


def check_origin(request: Request) -> None:
    """Refuse what another site's page makes a browser send. Raises CsrfFailed."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise CsrfFailed("the request comes from another site")
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise CsrfFailed("the request comes from another site")


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
