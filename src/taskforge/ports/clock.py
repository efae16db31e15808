"""Time and identities from outside, so that tests can move the one and repeat the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """The deciding clock is the database's; a test's clock takes its place in every statement."""

    def now(self) -> datetime | None:
        """The moment that statements shall take for now, or None for the database's own."""
        ...
