"""Errors as ``application/problem+json`` (RFC 9457): one table from the error family to status codes."""

from __future__ import annotations

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


def status_of(error: errors.TaskforgeError) -> int:
    """The status code of an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def problem(request: Request, error: errors.TaskforgeError) -> Response:
    """The answer that tells an error to the caller."""
    status = status_of(error)
    if status == 500:
        error = faults.InternalError("something went wrong here; the log has it under the request id")
    language = getattr(request.state, "language", "en")
    title = title_of(error.code, language)
    detail = _safe(error.message)
    body: dict[str, Any] = {
        "type": TYPE_BASE + error.code,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": _safe(request.scope.get("path", "")),
        "code": error.code,
        "message": detail if language == "en" else title,
        "request_id": getattr(request.state, "request_id", None),
    }
    if error.hint:
        body["hint"] = _safe(hint_in(error.hint, language))
    found = _errors(error)
    if found:
        body["errors"] = found
    return Response(msgspec.json.encode(body), status, headers={**_headers(error)}, media_type=MEDIA_TYPE)


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
