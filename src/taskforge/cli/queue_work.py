"""What the commands of `queues` ask the services, and a queue as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.show import print_json, queue_document
from taskforge.cli.tables import print_fields
from taskforge.cli.text import moment
from taskforge.domain.errors import InvalidInput
from taskforge.domain.queue import QueueState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskforge.domain.queue import Queue
    from taskforge.domain.stats import StatusCounts
    from taskforge.platform import Platform


async def all_queues(platform: Platform) -> Sequence[tuple[Queue, StatusCounts]]:
    """All queues by name, with their jobs by status."""
    return [
        (queue, await platform.insights.counts(queue_id=queue.id)) for queue in await platform.queues.list()
    ]


async def whole_queue(platform: Platform, name: str) -> tuple[Queue, StatusCounts, int]:
    """A queue, its jobs by status, and how many dead letters it lists."""
    queue = await platform.queues.get(name)
    stats = await platform.queues.stats(name)
    return queue, stats.counts, await platform.queues.dead_letter_count(name)


async def make_queue(platform: Platform, name: str, values: Mapping[str, Any]) -> Queue:
    """A new queue with these values."""
    own, settings = await parsed(values, platform.queues.get)
    return await platform.queues.create(name, settings=settings, **own)


async def change_queue(platform: Platform, name: str, values: Mapping[str, Any]) -> Queue:
    """The queue with these values changed; None goes back to the default."""
    own, settings = await parsed(values, platform.queues.get)
    return await platform.queues.update(name, settings=settings, **own)


async def redrive_letters(platform: Platform, name: str, target: str | None, limit: int | None) -> int:
    """Retry dead letters; answer how many."""
    queue = await platform.queues.get(name)
    other = None if target is None else await platform.queues.get(target)
    return await platform.control.redrive(queue, target=other, limit=limit)


def print_queue(
    queue: Queue,
    counts: StatusCounts | None = None,
    dead_letters: int | None = None,
    *,
    as_json: bool,
) -> None:
    """All about one queue."""
    if as_json:
        print_json(queue_document(queue, counts, dead_letters))
        return
    print_fields(
        (
            ("name", queue.name),
            ("id", queue.id),
            ("description", queue.description),
            ("state", queue.state.value),
            ("paused since", moment(queue.paused_at)),
            ("paused by", queue.paused_by),
            ("reason", queue.pause_reason),
            ("priority", queue.priority),
            *queue.settings.to_json().items(),
            ("created", moment(queue.created_at)),
            ("updated", moment(queue.updated_at)),
        )
    )
    if counts is not None:
        print()
        print_fields((status.value, counts.shown(status)) for status in counts)
        print_fields([("dead letters", dead_letters)])


async def parsed(
    values: Mapping[str, Any], find: Callable[[str], Awaitable[Queue]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The queue's own fields, and its settings; ``find`` gives the queue of a name."""
    settings = dict(values)
    own: dict[str, Any] = {}
    if "state" in settings:
        own["state"] = _state(settings.pop("state"))
    if "is_active" in settings:
        own["state"] = QueueState.ACTIVE if settings.pop("is_active") else QueueState.PAUSED
    own |= {name: settings.pop(name) for name in ("by", "reason") if name in settings}
    if "priority" in settings:
        own["priority"] = settings.pop("priority") or 0
    if "description" in settings:
        text = settings.pop("description")
        own["description"] = "" if text is None else str(text)
    if "dead_letter_queue" in settings:
        name = settings.pop("dead_letter_queue")
        target = None if name is None else await find(str(name))
        settings["dead_letter_queue_id"] = None if target is None else str(target.id)
    return own, settings


def _state(value: Any) -> QueueState:
    if value not in list(QueueState):
        raise InvalidInput(
            f"there is no state {value!r}", field="state", hint=f"states: {', '.join(QueueState)}"
        )
    return QueueState(value)
