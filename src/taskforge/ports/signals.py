"""Hints between processes. Losing one costs latency, never truth: everyone also polls."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from uuid import UUID


class Topic(StrEnum):
    """What may have changed. The first four are about jobs; the others are for those who watch."""

    READY = "ready"
    OFFERED = "offered"
    """Like ready, and the ready queues beside the record know of it."""
    FINISHED = "finished"
    CANCEL = "cancel"
    QUEUE = "queue"
    """A queue was made, changed or removed."""
    WORKER = "worker"
    """A worker came or left."""
    BREAKER = "breaker"
    """A circuit breaker was made, changed or removed, or has turned."""
    SCHEDULE = "schedule"
    """A schedule was made, changed, removed or run by hand."""


EVERYTHING = frozenset(Topic)


class Hint(NamedTuple):
    """Something of this project may have changed; ``queue_id`` None means any queue."""

    topic: Topic
    project_id: UUID
    queue_id: UUID | None = None


class Signals(Protocol):
    """Publish and hear hints. All methods are called on the event loop that called ``start``."""

    async def start(self) -> None:
        """Begin to hear other processes; hints of this process are heard in any case."""
        ...

    async def close(self) -> None:
        """Stop hearing."""
        ...

    @property
    def hears_others(self) -> bool:
        """Whether hints of other processes arrive at present; if not, poll more often."""
        ...

    def publish(self, hint: Hint, *, elsewhere: bool = True) -> None:
        """Tell everyone, soon; repeated hints are folded. Never waits and never raises.

        Without ``elsewhere`` only this process hears it: the others have been told by the statement itself.
        """
        ...

    def inline(self, hint: Hint) -> str | None:
        """What a storing statement may send itself at its commit, or None: then ``publish`` tells everyone.

        Sooner by a round trip, but such a commit takes a lock of the whole server: not for many in a row.
        """
        ...

    def at_commit(self, hint: Hint) -> str | None:
        """What someone else's transaction may send at its commit, or None where the commit itself is heard."""
        ...

    def subscribe(
        self, callback: Callable[[Hint | None], None], topics: Collection[Topic] = EVERYTHING
    ) -> Callable[[], None]:
        """Call back on every hint of these topics, and on None (anything may have changed); answers the way to unsubscribe."""
        ...
