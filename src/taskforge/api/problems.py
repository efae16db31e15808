"""Errors as ``application/problem+json`` (RFC 9457): one table from the error family to status codes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from taskforge.api import faults
from taskforge.api.hints import hint_in
from taskforge.api.messages import title_of
from taskforge.domain import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

logger = logging.getLogger("taskforge.api")

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "urn:taskforge:problem:"

STATUSES: tuple[tuple[type[errors.TaskforgeError], int], ...] = (
    (faults.MalformedBody, 400),
    (faults.BodyTooLarge, 413),
    (faults.BodyTooSlow, 408),
    (faults.UnsupportedMediaType, 415),
    (faults.AddressTooLong, 414),
    (faults.HeadersTooLarge, 431),
    (faults.NoSuchPath, 404),
    (faults.MethodNotAllowed, 405),
    (faults.InternalError, 500),
    (faults.RequestFault, 400),
    (errors.PreconditionFailed, 412),
    (errors.InvalidInput, 422),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.TooManyRequests, 429),
    (errors.LimitExceeded, 409),
    (errors.LeaseLost, 409),
    (errors.Conflict, 409),
    (errors.JobFailed, 409),
    (errors.JobCancelled, 409),
    (errors.ResultTimeout, 408),
    (errors.SchemaMismatch, 503),
    (errors.Unavailable, 503),
)
"""The first that fits decides; what is not listed is a defect of ours."""

SHOWN_CHARACTERS = 1000
KEPT_BACK: dict[int, str] = {
    500: "something went wrong here; the log has it under the request id",
    503: "the server cannot do this at present; its log has the reason under the request id",
}
"""Said in place of what is about the server, not about the request: it may name files, hosts and accounts."""


def status_of(error: errors.TaskforgeError) -> int:
    """The status code of an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def problem(request: Request, error: errors.TaskforgeError) -> Response:
    """The answer that tells an error to the caller."""
    status = status_of(error)
    if status in KEPT_BACK:
        _note(request, status, error)
    code = error.code if status != 500 else faults.InternalError.code
    hint = error.hint if status not in KEPT_BACK else None
    language = getattr(request.state, "language", "en")
    title = title_of(code, language)
    detail = KEPT_BACK.get(status) or _safe(error.message)
    body: dict[str, Any] = {
        "type": TYPE_BASE + code,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": _safe(request.scope.get("path", "")),
        "code": code,
        "message": detail if language == "en" else title,
        "request_id": getattr(request.state, "request_id", None),
    }
    if hint:
        body["hint"] = _safe(hint_in(hint, language))
    found = _errors(error)
    if found:
        body["errors"] = found
    return Response(msgspec.json.encode(body), status, headers={**_headers(error)}, media_type=MEDIA_TYPE)


def _note(request: Request, status: int, error: errors.TaskforgeError) -> None:
    """What the answer does not say, for who has the server. A defect that came as another error is noted already."""
    if isinstance(error, faults.InternalError):
        return
    logger.warning(
        "request %s was answered with %d: %s %r: %s: %s",
        getattr(request.state, "request_id", None),
        status,
        request.scope.get("method", ""),
        request.scope.get("path", ""),
        error.code,
        _safe(f"{error.message} ({error.hint})" if error.hint else error.message),
    )


def _errors(error: errors.TaskforgeError) -> list[dict[str, str]]:
    if isinstance(error, faults.InvalidRequest):
        return [
            {"pointer": _safe(pointer), "code": code, "detail": _safe(detail)}
            for pointer, code, detail in error.errors
        ]
    if isinstance(error, errors.InvalidInput) and error.field:
        pointer = "/" + _safe(error.field).replace(".", "/")
        return [{"pointer": pointer, "code": error.code, "detail": _safe(error.message)}]
    return []


def _headers(error: errors.TaskforgeError) -> Mapping[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="taskforge"'
    if isinstance(error, errors.TooManyRequests | errors.RequestInProgress):
        headers["Retry-After"] = str(max(1, round(error.retry_after + 0.5)))
    elif status_of(error) == 503:
        headers["Retry-After"] = "1"
    if isinstance(error, faults.BodyTooLarge | faults.BodyTooSlow):
        headers["Connection"] = "close"  # the rest of the body is not read
    return headers


def _safe(text: str) -> str:
    """Text that any reader can decode and show: no lone surrogates, no control characters, no end of lines."""
    shown = text[:SHOWN_CHARACTERS].encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown.replace("\n", " "))
