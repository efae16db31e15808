"""An operation of the API as it is declared: what tests and the documentation go by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PUBLIC = "public"
"""The permission of operations that anybody may call: health, login."""
ANYONE = "authenticated"
"""The permission of operations that every caller has who is known."""


class Reach(Enum):
    """Whose callers may use an operation. One that can see single queues only is refused wherever its
    bounds are not observed: everywhere but where an operation says ``QUEUE``."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``answers`` is the type of ``data``; ``is_raw``: it reads its body itself."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    tag: str
    permission: str
    name: str
    answers: Any
    status: int
    reach: Reach
    is_list: bool
    is_raw: bool
    problems: tuple[int, ...]
    max_bytes: int | None
    extra: dict[str, Any]
