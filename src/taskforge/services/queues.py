"""Managing the queues of a project."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskforge.domain.delivery import QUEUE as DELIVERIES
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.ids import QueueId
from taskforge.domain.keys import check_receivers
from taskforge.domain.names import check_name, check_priority
from taskforge.domain.pause import check_words
from taskforge.domain.queue import Queue, QueueSettings, QueueState
from taskforge.domain.receiver import unknown_receiver
from taskforge.domain.stats import QueueStats
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from taskforge.ports.alerts import ReceiverStore
    from taskforge.ports.history import HistoryStore
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.signals import Signals
    from taskforge.services.directory import QueueDirectory


class Queues:
    """Create, look at, change and delete queues, which are named by name or id. Names are unique in a project."""

    def __init__(
        self,
        queues: QueueStore,
        history: HistoryStore,
        directory: QueueDirectory,
        signals: Signals,
        receivers: ReceiverStore,
    ) -> None:
        self._receivers = receivers
        self._queues = queues
        self._history = history
        self._directory = directory
        self._signals = signals
        self.project_id = directory.project_id

    async def create(
        self,
        name: str,
        *,
        description: str | None = None,
        priority: int = 0,
        state: QueueState = QueueState.ACTIVE,
        settings: Mapping[str, Any] | None = None,
    ) -> Queue:
        """A new queue. Raises Conflict when the name is taken, InvalidInput for a wrong value."""
        parsed = QueueSettings.parse(await self._named(name, settings or {}))
        queue = await self._queues.create(
            self.project_id, check_name(name), description, check_priority(priority), state, parsed
        )
        if queue is None:
            raise Conflict(f"a queue named {name!r} exists already")
        await self._changed(queue)
        return queue

    async def _changed(self, queue: Queue) -> None:
        await self._directory.refresh()
        self._signals.publish(Hint(Topic.QUEUE, self.project_id, queue.id))

    async def list(self) -> Sequence[Queue]:
        """All queues by name."""
        return await self._queues.list(self.project_id)

    async def get(self, which: str | UUID) -> Queue:
        """One queue. Raises NotFound, for a name with the nearest ones."""
        if isinstance(which, str):
            await self._directory.refresh()
            return await self._directory.named(which)
        queue = await self.find(which)
        if queue is None:
            raise NotFound(f"no queue has the id {which}")
        return queue

    async def find(self, queue_id: UUID) -> Queue | None:
        """One queue by id, None if there is none."""
        return await self._queues.get(self.project_id, QueueId(queue_id))

    async def update(
        self,
        which: str | UUID,
        *,
        new_name: str | None = None,
        description: str | None = None,
        priority: int | None = None,
        state: QueueState | None = None,
        settings: Mapping[str, Any] | None = None,
        by: str | None = None,
        reason: str | None = None,
        check: Callable[[Queue], None] | None = None,
    ) -> Queue:
        """Change what is given; a setting of None goes back to its default, an empty description is none.

        ``by`` and ``reason`` are kept with a queue that is paused. ``check`` may look at the queue as it stands, and
        refuse the change by an exception.

        A new aging applies to jobs that become pending from now on.
        """
        if new_name is not None:
            check_name(new_name)
        if priority is not None:
            check_priority(priority)
        by, reason = check_words(by, "by"), check_words(reason, "reason")
        queue = await self.get(which)
        if settings is not None:
            settings = await self._named(queue.name, settings)

        def change(queue: Queue) -> Queue:
            if check is not None:
                check(queue)
            changed = replace(
                queue,
                name=queue.name if new_name is None else new_name,
                description=queue.description if description is None else description or None,
                priority=queue.priority if priority is None else priority,
                state=queue.state if state is None else state,
                settings=queue.settings if settings is None else queue.settings.changed(settings),
            )
            if changed.state is not QueueState.PAUSED:
                return replace(changed, paused_by=None, pause_reason=None)
            return changed if state is None else replace(changed, paused_by=by, pause_reason=reason)

        updated = await self._queues.change(self.project_id, queue.id, change)
        if updated is None:
            raise Conflict(f"queue {queue.name!r} was deleted just now")
        await self._changed(updated)
        if updated.is_active:
            self._signals.publish(Hint(Topic.READY, self.project_id, updated.id))
        return updated

    async def _named(self, queue: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings with the ids of receivers that are given by name. Raises InvalidInput for one that is not there."""
        given = settings.get("notify")
        if not given:
            return settings
        if queue == DELIVERIES:
            raise InvalidInput("of what is to be told nobody is told: that would never end", field="notify")
        receivers = await self._receivers.receivers(self.project_id)
        ids = {receiver.name: str(receiver.id) for receiver in receivers}
        for name in (named := check_receivers(given)):
            if name not in ids and name not in ids.values():
                raise unknown_receiver(name, ids)
        return {**settings, "notify": [ids.get(name, name) for name in named]}

    async def pause(self, which: str | UUID, *, by: str | None = None, reason: str | None = None) -> Queue:
        """Hand out no more jobs; go on taking them."""
        return await self.update(which, state=QueueState.PAUSED, by=by, reason=reason)

    async def resume(self, which: str | UUID) -> Queue:
        """Take and hand out jobs again."""
        return await self.update(which, state=QueueState.ACTIVE)

    async def delete(self, which: str | UUID, *, check: Callable[[Queue], None] | None = None) -> None:
        """Remove a queue in which nothing waits or runs. Raises Conflict with the counts.

        ``check`` may look at the queue as it stands, and refuse by an exception.
        """
        queue = await self.get(which)
        unfinished = await self._queues.delete(self.project_id, queue.id, check)
        if unfinished:
            counts = ", ".join(f"{count} {status.value}" for status, count in unfinished.items())
            raise Conflict(
                f"queue {queue.name!r} still has jobs: {counts}",
                hint="let them end, move or cancel them, or `taskforge queues purge`",
            )
        await self._changed(queue)

    async def stats(self, which: str | UUID) -> QueueStats:
        """Its jobs by status."""
        queue = await self.get(which)
        return QueueStats(
            queue.id, await self._history.counts(self.project_id, queue_id=queue.id), queue.state
        )

    async def dead_letter_count(self, which: str | UUID) -> int:
        """How many dead letters it lists."""
        queue = await self.get(which)
        return await self._history.dead_letter_count(self.project_id, queue.id)
