"""An operation of the API as it is declared: what tests and the documentation go by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

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
class Operation:
    """One method of one path. ``answers`` is the type of ``data``; ``is_raw``: it reads its body itself.

    ``makes``: the parameter of paths that the answer's ``id`` fits; the description links them.
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

    @property
    def has_fields(self) -> bool:
        """Whether a caller may say which members of the answer it wants."""
        return self.method == "GET" and self.answers is not None
