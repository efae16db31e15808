"""Queues: create, look at, change, pause, resume, delete."""

from typing import Any

from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.etags import check_match, etag_of
from taskforge.api.operation import Reach
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, OneProject, QueueHere
from taskforge.api.views.queues import (
    NewQueue,
    QueueChange,
    QueueStatsView,
    QueueView,
    stats_view_of,
    view_of,
)
from taskforge.domain.access import Permission
from taskforge.domain.errors import InvalidInput
from taskforge.domain.queue import Queue, QueueState

queues = Resource("/queues", "queues")


@queues.get(
    "",
    permission=Permission.QUEUE_READ,
    name="queues.list",
    answers=QueueView,
    is_list=True,
    reach=Reach.QUEUE,
)
async def list_queues(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """All queues by name."""
    found = [queue for services in everywhere for queue in await services.queues.list()]
    seen = sorted((q for q in found if call.principal.reaches_queue(q.id)), key=lambda q: (q.name, q.id))
    part, meta = page.cut(seen)
    return call.answer([view_of(queue) for queue in part], "queues.listed", meta=meta, count=len(seen))


@queues.post(
    "",
    permission=Permission.QUEUE_WRITE,
    name="queues.create",
    makes="queue_id",
    answers=QueueView,
    status=201,
    problems=(404, 409),
)
async def create_queue(call: Calling, project: OneProject, body: NewQueue) -> Response:
    """Make a queue."""
    queue = await project.queues.create(
        body.name,
        description=body.description,
        priority=body.priority,
        state=QueueState.ACTIVE if body.is_active else QueueState.PAUSED,
        settings=body.settings,
    )
    location = f"/api/v1/queues/{queue.id}"
    return call.created(view_of(queue), location, "queues.created", headers=_version(queue))


@queues.get(
    "/{queue_id}", permission=Permission.QUEUE_READ, name="queues.get", answers=QueueView, reach=Reach.QUEUE
)
async def get_queue(call: Calling, here: QueueHere) -> Response:
    """One queue."""
    return call.answer(view_of(here.queue), headers=_version(here.queue))


@queues.patch(
    "/{queue_id}",
    permission=Permission.QUEUE_WRITE,
    name="queues.update",
    answers=QueueView,
    status=204,
    problems=(409, 412),
)
async def update_queue(call: Calling, here: QueueHere, body: QueueChange) -> Response:
    """Change what the body names. With If-Match it changes only the version that was seen."""
    given = body.model_fields_set

    def check(queue: Queue) -> None:
        check_match(call.request, etag_of(queue.updated_at))

    for name in given & {"name", "priority", "settings", "is_active", "state"}:
        if getattr(body, name) is None:
            raise InvalidInput(f"{name} cannot be cleared", field=name)
    changes: dict[str, Any] = {
        "new_name": body.name,
        "priority": body.priority,
        "settings": body.settings,
        "state": _state(body),
        "reason": body.reason,
    }
    if "description" in given:
        changes["description"] = body.description or ""
    queue = await here.services.queues.update(here.queue.id, check=check, by=call.principal.label, **changes)
    return call.done(view_of(queue), "updated", headers=_version(queue))


@queues.delete(
    "/{queue_id}", permission=Permission.QUEUE_WRITE, name="queues.delete", status=204, problems=(409, 412)
)
async def delete_queue(call: Calling, here: QueueHere) -> Response:
    """Remove a queue in which no job waits or runs. With If-Match only the version that was seen."""
    await here.services.queues.delete(
        here.queue.id, check=lambda queue: check_match(call.request, etag_of(queue.updated_at))
    )
    return call.done(None, "deleted")


@queues.get(
    "/{queue_id}/stats",
    permission=Permission.QUEUE_READ,
    name="queues.stats",
    answers=QueueStatsView,
    reach=Reach.QUEUE,
)
async def queue_stats(call: Calling, here: QueueHere) -> Response:
    """Its jobs by status."""
    stats = await here.services.queues.stats(here.queue.id)
    return call.figures(stats_view_of(stats, await here.services.queues.dead_letter_count(here.queue.id)))


@queues.post(
    "/{queue_id}/pause", permission=Permission.QUEUE_WRITE, name="queues.pause", answers=QueueView, status=204
)
async def pause_queue(call: Calling, here: QueueHere) -> Response:
    """Hand out no more jobs, and go on taking them."""
    queue = await here.services.queues.pause(here.queue.id, by=call.principal.label)
    return call.done(view_of(queue), "queues.paused", headers=_version(queue))


@queues.post(
    "/{queue_id}/resume",
    permission=Permission.QUEUE_WRITE,
    name="queues.resume",
    answers=QueueView,
    status=204,
)
async def resume_queue(call: Calling, here: QueueHere) -> Response:
    """Take and hand out jobs again."""
    queue = await here.services.queues.resume(here.queue.id)
    return call.done(view_of(queue), "queues.resumed", headers=_version(queue))


def _state(body: QueueChange) -> QueueState | None:
    if body.is_active is None:
        return body.state
    wanted = QueueState.ACTIVE if body.is_active else QueueState.PAUSED
    if body.state not in (None, wanted):
        raise InvalidInput("state and is_active say different things", field="state")
    return wanted


def _version(queue: Queue) -> dict[str, str]:
    return {"ETag": etag_of(queue.updated_at)}
