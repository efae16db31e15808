"""Logging in and out: tokens for programs, a cookie for the dashboard."""

from starlette.requests import Request
from starlette.responses import Response

from taskforge.api.backend import Backend  # noqa: TC001 - as in every module of routes
from taskforge.api.call import Calling, encode
from taskforge.api.guard import COOKIE, address_of, check_origin
from taskforge.api.messages import message
from taskforge.api.operation import Openness, Reach
from taskforge.api.pages import MAX_LIMIT, SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.views.access import (
    CallerView,
    CookieView,
    Login,
    Logout,
    ProjectView,
    Refresh,
    SessionView,
    TokensView,
    caller_view_of,
    project_view_of,
    session_view_of,
)
from taskforge.domain.access import Permission, PrincipalKind
from taskforge.services.logins import COOKIE_SECONDS, TokenPair

auth = Resource("/auth", "auth")


@auth.post(
    "/login",
    permission=Openness.PUBLIC,
    name="auth.login",
    answers=TokensView | CookieView,
    problems=(401, 403, 422, 429),
)
async def login(request: Request, body: Login) -> Response:
    """Log in: an access token and a refresh token, or the dashboard's cookie.

    The answer is the same, and takes as long, for an unknown account and for a wrong password. After failures the next
    try has to wait.
    """
    backend: Backend = request.app.state.backend
    logins, address = backend.security.logins(), address_of(request)
    if not body.cookie:
        pair = await logins.login(body.email, body.password, organization=body.organization, address=address)
        return _answer(request, _tokens(pair))
    check_origin(request)
    session = await logins.login_with_cookie(
        body.email, body.password, organization=body.organization, address=address
    )
    answer = _answer(
        request, CookieView(session.csrf_token, session.expires_at, session.session_id, session.user_id)
    )
    answer.set_cookie(
        COOKIE,
        session.cookie,
        max_age=round(COOKIE_SECONDS),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@auth.post(
    "/refresh", permission=Openness.PUBLIC, name="auth.refresh", answers=TokensView, problems=(401, 422)
)
async def refresh(request: Request, body: Refresh) -> Response:
    """The next pair of tokens; the old refresh token is spent. One that was spent before ends its login."""
    backend: Backend = request.app.state.backend
    pair = await backend.security.logins().refresh(body.refresh_token, address=address_of(request))
    return _answer(request, _tokens(pair))


@auth.post("/logout", permission=Openness.AUTHENTICATED, name="auth.logout", status=204, reach=Reach.QUEUE)
async def logout(call: Calling, body: Logout | None = None) -> Response:
    """End this login, or all of the user's."""
    await call.backend.security.logins().logout(everywhere=body is not None and body.everywhere)
    answer = call.done(None)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return answer


@auth.get("/me", permission=Openness.AUTHENTICATED, name="auth.me", answers=CallerView, reach=Reach.QUEUE)
async def who_am_i(call: Calling) -> Response:
    """Who is calling, and what it may do. A page that has the cookie finds its CSRF token here."""
    principal, token = call.principal, None
    if principal.kind is PrincipalKind.USER and principal.credential_id is not None and call.has_cookie:
        token = call.backend.security.logins().csrf_token(principal.credential_id)
    return call.answer(caller_view_of(principal, await _projects(call), token))


@auth.get(
    "/sessions",
    permission=Openness.AUTHENTICATED,
    name="auth.sessions",
    answers=SessionView,
    is_list=True,
    reach=Reach.QUEUE,
)
async def sessions(call: Calling, page: SortedPaging) -> Response:
    """The logins of the user who calls."""
    found = [session_view_of(session) for session in await call.backend.security.logins().sessions()]
    part, meta = page.cut(found)
    return call.answer(part, "listed", meta=meta, count=len(found))


async def _projects(call: Calling) -> list[ProjectView] | None:
    principal = call.principal
    if principal.organization_id is None or principal.queue_ids is not None:
        return None
    if not principal.may(Permission.PROJECT_READ):
        return None
    found = await call.backend.security.projects.list(principal.organization_id)
    return [project_view_of(one) for one in found[:MAX_LIMIT]]


def _tokens(pair: TokenPair) -> TokensView:
    return TokensView(
        pair.access_token, "Bearer", pair.expires_at, pair.refresh_token, pair.session_id, pair.user_id
    )


def _answer(request: Request, data: TokensView | CookieView) -> Response:
    body: dict[str, object] = {
        "status": "success",
        "message": message("done", request.state.language),
        "data": data,
        "meta": {},
    }
    return Response(encode(body), headers={"Cache-Control": "no-store"}, media_type="application/json")
