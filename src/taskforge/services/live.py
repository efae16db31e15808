"""What changes, for those who watch: hints, not a log. Whoever has missed some is told to look again.

One for a process. Hints of a moment are folded; the last of them are kept in a ring, which is also all that a slow
reader may fall behind.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from taskforge.ports.signals import Topic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from uuid import UUID

    from taskforge.ports.signals import Hint, Signals

FOLD_SECONDS = 0.1
KEPT = 1000


class Kind(StrEnum):
    """What something happened to."""

    JOB = "job"
    QUEUE = "queue"
    WORKER = "worker"
    SCHEDULE = "schedule"
    BREAKER = "breaker"


class Change(NamedTuple):
    """Something of this kind may have changed. ``project_id`` None: in any project, ``queue_id`` None: in any queue.

    ``topic`` says what is known of it: ready, finished, cancel, queue, worker, schedule, breaker, or any.
    """

    kind: Kind
    topic: str
    project_id: UUID | None = None
    queue_id: UUID | None = None


class LiveEvent(NamedTuple):
    """A change with its place. ``change`` None: what came before cannot be told any more, look at everything."""

    id: str
    change: Change | None


ANYTHING = tuple(Change(kind, "any") for kind in Kind)
KINDS = {
    Topic.READY: Kind.JOB,
    Topic.OFFERED: Kind.JOB,
    Topic.FINISHED: Kind.JOB,
    Topic.CANCEL: Kind.JOB,
    Topic.QUEUE: Kind.QUEUE,
    Topic.WORKER: Kind.WORKER,
    Topic.SCHEDULE: Kind.SCHEDULE,
    Topic.BREAKER: Kind.BREAKER,
}


class LiveEvents:
    """The changes of all projects that this process hears of, from the first time that someone follows."""

    def __init__(self, signals: Signals, *, kept: int = KEPT, fold: float = FOLD_SECONDS) -> None:
        self._signals = signals
        self._fold = fold
        self._epoch = secrets.token_hex(6)
        self._ring: deque[tuple[int, Change]] = deque(maxlen=kept)
        self._last = 0
        self._gathered: dict[Change, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._more = asyncio.Event()

    def close(self) -> None:
        """Stop listening."""
        if self._timer is not None:
            self._timer.cancel()
        if self._unsubscribe is not None:
            self._unsubscribe()

    async def follow(
        self, wants: Callable[[Change], bool], after: str | None = None
    ) -> AsyncGenerator[LiveEvent, None]:
        """The changes that are wanted, going on after the event of this id. Begins with an event that has no change
        when there is nothing to go on from."""
        if self._unsubscribe is None:
            self._unsubscribe = self._signals.subscribe(self._hear)
        seen = self._place(after)
        if seen is None:
            seen = self._last
            yield LiveEvent(self._id(seen), None)
        while True:
            more = self._more
            if self._is_forgotten(seen):
                seen = self._last
                yield LiveEvent(self._id(seen), None)
            for number, change in list(self._ring):
                if number <= seen:
                    continue
                seen = number
                if wants(change):
                    yield LiveEvent(self._id(number), change)
                    if self._is_forgotten(seen):
                        break
            if seen == self._last:
                await more.wait()

    def _hear(self, hint: Hint | None) -> None:
        if hint is None:
            self._gathered |= dict.fromkeys(ANYTHING)
        else:
            topic = Topic.READY if hint.topic is Topic.OFFERED else hint.topic
            change = Change(KINDS[topic], topic.value, hint.project_id, hint.queue_id)
            self._gathered[change] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._fold, self._append)

    def _append(self) -> None:
        self._timer = None
        gathered, self._gathered = self._gathered, {}
        for change in gathered:
            self._last += 1
            self._ring.append((self._last, change))
        more, self._more = self._more, asyncio.Event()
        more.set()

    def _is_forgotten(self, seen: int) -> bool:
        """Whether something after it has fallen out of the ring."""
        return bool(self._ring) and self._ring[0][0] > seen + 1

    def _place(self, after: str | None) -> int | None:
        """The number of an event id, if nothing after it is missing."""
        epoch, _, number = (after or "").partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdecimal() and len(number) < 19):
            return None
        seen = int(number)
        return None if seen > self._last or self._is_forgotten(seen) else seen

    def _id(self, number: int) -> str:
        return f"{self._epoch}-{number}"
