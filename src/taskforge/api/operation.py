"""An operation of the API as it is declared: what tests and the documentation go by."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import format_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from taskforge.domain.access import Permission


class Openness(Enum):
    """What stands in the place of a permission where none is needed."""

    PUBLIC = "public"
    """Anybody may call it: health, login."""
    AUTHENTICATED = "authenticated"
    """Every caller may who is known."""


class Reach(Enum):
    """Whose callers may use an operation. One that can see single queues only is refused wherever its
    bounds are not observed: everywhere but where an operation says ``QUEUE``."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Deprecation:
    """That an operation is not to be used any more: since when, until when it is served, and what says more."""

    since: datetime
    sunset: datetime | None = None
    link: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """`Deprecation` (RFC 9745) and `Sunset` (RFC 8594)."""
        found = {"Deprecation": f"@{int(self.since.timestamp())}"}
        if self.sunset is not None:
            found["Sunset"] = format_datetime(self.sunset, usegmt=True)
        if self.link is not None:
            found["Link"] = f'<{self.link}>; rel="deprecation"; type="text/html"'
        return found


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``answers`` is the type of ``data``; ``is_raw``: it reads its body itself.

    ``also``: other statuses under which it answers the same.
    ``makes``: the parameter of paths that the answer's ``id`` fits; the description links them. Under an
    Idempotency-Key its answer is kept, without the members of ``data`` that are ``shown_once``; or, with
    ``keeps_identity``, only which things it has made.
    """

    method: str
    path: str
    endpoint: Callable[..., Any]
    tag: str
    permission: Permission | Openness
    name: str
    answers: Any
    status: int
    reach: Reach
    is_list: bool
    is_raw: bool
    problems: tuple[int, ...]
    max_bytes: int | None
    extra: dict[str, Any]
    makes: str | None = None
    keeps_identity: bool = False
    also: tuple[int, ...] = ()
    shown_once: tuple[str, ...] = ()
    deprecation: Deprecation | None = None

    @property
    def keeps_answer(self) -> bool:
        """Whether a repeat under the same Idempotency-Key is given the answer of the first."""
        return self.method == "POST" and not self.is_raw and not isinstance(self.permission, Openness)

    @property
    def has_fields(self) -> bool:
        """Whether a caller may say which members of the answer it wants."""
        return self.method == "GET" and self.answers is not None
