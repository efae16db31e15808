"""The one shape of every success: status, message, data, meta (the scheduler seed's)."""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListMeta:
    """Where in a list the page is. With ``total_capped`` there may be more than ``total_items``.

    A page that was asked for by cursor or offset has no number of its own (``page``), and no totals by cursor.
    """

    limit: int
    has_more: bool
    page: int | None = None
    offset: int | None = None
    total_items: int | None = None
    total_pages: int | None = None
    total_capped: bool = False
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope(Generic[T]):
    """One thing."""

    status: Literal["success"]
    message: str
    data: T
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A page of things."""

    status: Literal["success"]
    message: str
    data: list[T]
    meta: ListMeta
