"""Pausing jobs by type or tag, and carrying out what that means for those that wait."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from taskforge.domain.errors import NotFound
from taskforge.domain.job import Hold
from taskforge.domain.pause import Pause, PauseKind, check_pause_value, check_words
from taskforge.ports.signals import Hint, Topic
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from taskforge.ports.pauses import PauseStore, Window
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.signals import Signals
    from taskforge.services.directory import QueueDirectory

WINDOW = 1000
PATIENCE_SECONDS = 1.0


class PauseWork:
    """Brings the holds of waiting jobs in line with a pause. Safe to run by many at once, and again."""

    def __init__(self, pauses: PauseStore, queues: QueueStore, signals: Signals) -> None:
        self._pauses = pauses
        self._queues = queues
        self._signals = signals

    async def carry_out(self, pause: Pause) -> int:
        """Hold, or let go, every job that the pause concerns; answers how many changed.

        Who was storing a job while the pause was made may not have seen it: such writers are waited for, a
        second at most. If one takes longer, the pause stays unfinished and recovery comes back to it.
        """
        unheard = await self._pauses.writers()
        changed = await self._walk(pause)
        if unheard:
            if not await self._have_left(unheard):
                return changed
            changed += await self._walk(pause)
        await self._pauses.confirm(pause)
        return changed

    async def finish_all(self) -> int:
        """Carry out what was begun and not ended, in any project, as soon as the writers of then have left."""
        unfinished = await self._pauses.unfinished()
        if not unfinished or not await self._have_left(await self._pauses.writers()):
            return 0
        changed = 0
        for pause in unfinished:
            changed += await self._walk(pause)
            await self._pauses.confirm(pause)
        return changed

    async def _walk(self, pause: Pause) -> int:
        project = pause.project_id
        if pause.removed_at is not None:
            changed = await self._windows(
                partial(self._pauses.rehold_held, project, Hold.PAUSED, limit=WINDOW)
            )
            self._signals.publish(Hint(Topic.READY, project))
            return changed
        changed = 0
        for queue in await self._queues.list(project):
            changed += await self._windows(
                partial(self._pauses.rehold_ready, project, queue.id, limit=WINDOW)
            )
        for hold in (Hold.KEY, Hold.SUSPECT):
            changed += await self._windows(partial(self._pauses.rehold_held, project, hold, limit=WINDOW))
        return changed

    async def _windows(self, step: Callable[[tuple[int | str, UUID] | None], Awaitable[Window]]) -> int:
        changed, after = await step(None)
        while after is not None:
            more, after = await step(after)
            changed += more
        return changed

    async def _have_left(self, writers: frozenset[str]) -> bool:
        until = time.monotonic() + PATIENCE_SECONDS
        while writers and writers & await self._pauses.writers():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.01)
        return True


class Pauses:
    """Pause and resume jobs of one project by type or tag; queues are paused by ``Queues``."""

    def __init__(self, pauses: PauseStore, work: PauseWork, directory: QueueDirectory) -> None:
        self._pauses = pauses
        self._work = work
        self._directory = directory

    async def create(
        self, kind: PauseKind, value: str, *, reason: str | None = None, by: str | None = None
    ) -> tuple[Pause, bool]:
        """Hand out no more jobs of this type, or with this tag; go on taking them. Running ones go on.

        Answers the pause, and whether it is new: of two for the same thing the first one stands.
        """
        pause, is_new = await self._pauses.create(
            self._directory.project_id,
            kind,
            check_pause_value(kind, value),
            check_words(reason, "reason"),
            check_words(by, "by"),
        )
        if is_new:
            await self._work.carry_out(pause)
        return pause, is_new

    async def remove(self, kind: PauseKind, value: str) -> int:
        """Hand out the jobs again; answers how many were let go. Raises NotFound when it is not paused, InvalidInput."""
        pause = await self._pauses.remove(self._directory.project_id, kind, check_pause_value(kind, value))
        if pause is None:
            known = [found.value for found in await self.list() if found.kind is kind]
            raise NotFound(f"no {kind.value} {value!r} is paused", hint=near(value, known))
        return await self._work.carry_out(pause)

    async def list(self) -> Sequence[Pause]:
        """What is paused, oldest first."""
        return await self._pauses.list(self._directory.project_id)
