"""Pages of other sites (CORS): refused unless named, and then without cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taskforge.domain.errors import InvalidSetting

if TYPE_CHECKING:
    from starlette.requests import Request

METHODS = "GET, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, X-Request-ID"
ANSWER_HEADERS = "ETag, Idempotency-Replayed, Link, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID, X-Total-Count"
PREFLIGHT_SECONDS = 600


def parse_origins(text: str) -> frozenset[str]:
    """The origins of the setting. Raises InvalidSetting for what is none, and for a wildcard."""
    found = frozenset(part.strip() for part in text.split(",") if part.strip())
    for origin in found:
        if not _is_origin(origin):
            raise InvalidSetting(
                f"cors_origins: {origin!r:.100} is no origin",
                field="cors_origins",
                hint="such as https://app.example.org, without a path and without a / at its end",
            )
    return found


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:  # half an IPv6 address
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.netloc)
        and "@" not in parts.netloc
        and f"{parts.scheme}://{parts.netloc}" == text
    )


def origin_headers(request: Request, allowed: frozenset[str]) -> dict[str, str]:
    """What an answer says to the browser of a page of another site; nothing to one that is not named."""
    origin = request.headers.get("origin")
    if origin is None or origin not in allowed:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": ANSWER_HEADERS,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what it may send."""
    return request.method == "OPTIONS" and "access-control-request-method" in request.headers


def preflight_headers(request: Request, allowed: frozenset[str]) -> dict[str, str]:
    """The answer to that; nothing to a page that is not named."""
    named = origin_headers(request, allowed)
    if not named:
        return {}
    return {
        **named,
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
