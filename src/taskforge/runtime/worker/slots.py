"""How many handlers run, which attempts are in hand, and whether there is room for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from taskforge.runtime.worker.running import Running

UNSETTLED_FACTOR = 2
"""Attempts in hand, as a multiple of the concurrency: so many that settling overlaps with running."""


class Slots:
    """Handlers that run never take more than ``concurrency`` slots (one each, unless a job says more), beside those
    that are ``stuck``: told to stop, reported, and still there. Attempts in hand are bounded at twice the concurrency.

    ``live`` holds every attempt until it is settled and its handler has ended or is stuck. It may be copied
    by another thread (``tuple(live)``), and is changed by the event loop only.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.running = 0
        self.suspects = 0
        self.live: set[Running] = set()
        self.stuck: set[Running] = set()
        self._wanted = 0
        self._busy_enough = -1
        self._on_room: Callable[[], None] | None = None
        self._on_idle: Callable[[], None] | None = None

    def resize(self, concurrency: int) -> None:
        """So many from now on; those that run beyond it go on."""
        self.concurrency = concurrency
        self._look()

    def room(self) -> int:
        """How many slots are free for attempts that are claimed now."""
        return min(self.concurrency - self.running, self.concurrency * UNSETTLED_FACTOR - len(self.live))

    def call_when(self, wanted: int, callback: Callable[[], None]) -> None:
        """Call back once, as soon as ``wanted`` slots are free."""
        self._wanted = wanted
        self._on_room = callback
        self._busy_enough = max(0, self.concurrency - wanted)
        self._look()

    def call_when_idle(self, callback: Callable[[], None]) -> None:
        """Call back once, as soon as no handler runs."""
        self._on_idle = callback
        self._busy_enough = max(self._busy_enough, 0)
        self._look()

    def take(self, batch: Iterable[Running]) -> None:
        """These were claimed, and their handlers are about to start."""
        for running in batch:
            self.live.add(running)
            self.running += running.attempt.job.slots
            if running.attempt.job.losses:
                self.suspects += 1

    def free(self, running: Running) -> None:
        """The handler of this one has ended."""
        self.running -= running.attempt.job.slots
        if running.attempt.job.losses:
            self.suspects -= 1
        if running.settled:
            self.live.discard(running)
        if self.running <= self._busy_enough:
            self._look()

    def stick(self, running: Running) -> None:
        """This one does not stop: its slot is another's now, up to as many as there are slots."""
        if len(self.stuck) < self.concurrency:
            self.stuck.add(running)
            self.free(running)

    def free_late(self, running: Running) -> None:
        """The handler of this one, which was reported before, has ended after all."""
        if running not in self.stuck:
            self.free(running)
            return
        self.stuck.discard(running)
        if running.settled:
            self.live.discard(running)

    def settle(self, batch: Iterable[Running]) -> None:
        """These are in the record, or lost: nothing is kept for them any more."""
        for running in batch:
            running.settled = True
            if running.ended or running.stuck:
                self.live.discard(running)
        self._look()

    def _look(self) -> None:
        if self._on_room is not None and self.room() >= self._wanted:
            callback, self._on_room = self._on_room, None
            self._busy_enough = -1 if self._on_idle is None else 0
            callback()
        if self._on_idle is not None and not self.running:
            callback, self._on_idle = self._on_idle, None
            callback()
