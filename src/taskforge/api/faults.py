"""What can be wrong with a request before any service hears of it."""

from __future__ import annotations

from taskforge.domain.errors import InvalidInput, TaskforgeError


class RequestFault(TaskforgeError):
    """The request itself is not acceptable, whatever it is about."""

    code = "bad_request"


class MalformedBody(RequestFault):
    """The body is not JSON."""

    code = "malformed_body"


class BodyTooLarge(RequestFault):
    """The body has more bytes than this operation takes."""

    code = "body_too_large"


class BodyTooSlow(RequestFault):
    """The body did not arrive in time."""

    code = "request_timeout"


class UnsupportedMediaType(RequestFault):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"


class AddressTooLong(RequestFault):
    """The path and the query have too many bytes."""

    code = "uri_too_long"


class HeadersTooLarge(RequestFault):
    """The headers have too many bytes."""

    code = "headers_too_large"


class NoSuchPath(RequestFault):
    """Nothing is served under this path."""

    code = "no_such_path"


class MethodNotAllowed(RequestFault):
    """The path is served, but not for this method."""

    code = "method_not_allowed"


class InvalidRequest(InvalidInput):
    """Several values are wrong. ``errors`` are (pointer, code, detail) of each."""

    code = "invalid_request"

    def __init__(self, message: str, errors: list[tuple[str, str, str]]) -> None:
        super().__init__(message, field=errors[0][0] if errors else None)
        self.errors = errors


class InternalError(RequestFault):
    """A defect of ours: nothing of it is told but the id under which the log has it."""

    code = "internal_error"
