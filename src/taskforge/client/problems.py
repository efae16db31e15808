"""Problem documents of a server as the errors that the same call would raise here."""

from collections.abc import Mapping
from functools import cache

import msgspec

from taskforge.domain import errors
from taskforge.domain.errors import TaskforgeError
from taskforge.wire.link import Process
from taskforge.wire.values import process_of

BY_STATUS: Mapping[int, type[TaskforgeError]] = {
    400: errors.InvalidInput,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    408: errors.Unavailable,
    409: errors.Conflict,
    412: errors.Conflict,
    422: errors.InvalidInput,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}
"""What an answer means whose code is unknown to this version, or that a proxy gave."""


NOT_OURS = "TaskForge answers otherwise: is the address that of `taskforge serve`, without /api/v1, or does a proxy answer?"


class Fault(msgspec.Struct, frozen=True):
    """One wrong value."""

    pointer: str = ""
    detail: str = ""


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457, as far as it is read here. ``extra`` fields are those of single errors."""

    code: str = ""
    detail: str = ""
    title: str = ""
    hint: str | None = None
    errors: list[Fault] = msgspec.field(default_factory=list)
    error_type: str | None = None
    traceback: str | None = None
    process: Process | None = None


def error_of(status: int, body: bytes, headers: Mapping[str, str]) -> TaskforgeError:
    """The error that an answer tells of."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.DecodeError:
        problem = Problem()
    if not problem.code:
        problem = msgspec.structs.replace(problem, hint=NOT_OURS)
    kind = by_code().get(problem.code) or BY_STATUS.get(status, _unknown(status))
    message = problem.detail or problem.title or f"the server answered {status}"
    return _made(kind, message, problem, headers)


@cache
def by_code() -> Mapping[str, type[TaskforgeError]]:
    """The errors of our family by their stable code."""
    found: dict[str, type[TaskforgeError]] = {}
    waiting: list[type[TaskforgeError]] = [TaskforgeError]
    while waiting:
        kind = waiting.pop()
        if kind.__module__ == errors.__name__:
            found[kind.code] = kind
        waiting.extend(kind.__subclasses__())
    return found


def _unknown(status: int) -> type[TaskforgeError]:
    return errors.InvalidInput if 400 <= status < 500 else TaskforgeError


def _made(
    kind: type[TaskforgeError], message: str, problem: Problem, headers: Mapping[str, str]
) -> TaskforgeError:
    """An error without its own constructor's fields, which are those of the place where it was raised."""
    error = kind.__new__(kind, message)
    TaskforgeError.__init__(error, message, hint=problem.hint)
    if isinstance(error, errors.InvalidInput):
        error.field = (
            ", ".join(fault.pointer.strip("/").replace("/", ".") for fault in problem.errors) or None
        )
        if len(problem.errors) > 1 or problem.code == "invalid_request":
            details = [f"{fault.pointer.strip('/')}: {fault.detail}" for fault in problem.errors]
            error.message = "; ".join([message, *details])
    elif isinstance(error, errors.JobFailed):
        error.error_type, error.traceback = problem.error_type, problem.traceback
    elif isinstance(error, errors.TooManyRequests | errors.RequestInProgress):
        error.retry_after = seconds_of(headers)
    elif isinstance(error, errors.NameTaken):
        error.process = None if problem.process is None else process_of(problem.process)
    return error


def seconds_of(headers: Mapping[str, str], default: float = 1.0) -> float:
    """How long the server asks to wait."""
    try:
        return min(60.0, max(0.0, float(headers.get("retry-after", ""))))
    except ValueError:
        return default
