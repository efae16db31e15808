"""Versions of resources: `ETag`, `If-None-Match`, `If-Match`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidInput, PreconditionFailed

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request


def etag_of(updated_at: datetime) -> str:
    """The version of a row: the moment of its last change, in microseconds."""
    return f'"v{round(updated_at.timestamp() * 1_000_000)}"'


def etag_of_content(content: bytes) -> str:
    """A version of what has no row of its own: statistics that say the same are the same."""
    return f'"c{hashlib.sha256(content).hexdigest()[:32]}"'


def is_unchanged(request: Request, etag: str) -> bool:
    """Whether the caller has this version already."""
    given = request.headers.get("if-none-match")
    return given is not None and _matches(given, etag, weak=True)


def check_match(request: Request, etag: str) -> None:
    """Refuse a change of another version than the caller saw. Raises PreconditionFailed."""
    given = request.headers.get("if-match")
    if given is not None and not _matches(given, etag, weak=False):
        raise PreconditionFailed(
            f"it is at version {etag} by now", hint="read it again, then repeat with its ETag as If-Match"
        )


def _matches(given: str, etag: str, *, weak: bool) -> bool:
    if len(given) > 1000:
        raise InvalidInput("the list of versions is too long", field="if-match")
    if given.strip() == "*":
        return True
    tags = [tag.strip() for tag in given.split(",")]
    return etag in ([tag.removeprefix("W/") for tag in tags] if weak else tags)
