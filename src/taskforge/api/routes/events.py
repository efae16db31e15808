"""What happens in the caller's projects, as it does: one stream a client, of hints and not of facts."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import Header, Query
from starlette.responses import Response

from taskforge.api.call import Call, Calling
from taskforge.api.operation import Openness, Reach
from taskforge.api.routing import Resource
from taskforge.api.stopping import stopping_of
from taskforge.api.streams import EVENT_STREAM, event_stream
from taskforge.api.tenancy import ProjectChoice, reachable
from taskforge.domain.access import Permission
from taskforge.domain.errors import Forbidden
from taskforge.domain.ids import ProjectId, QueueId
from taskforge.services.live import Change, Kind, LiveEvent
from taskforge.wire.codec import text

events = Resource("/events", "events")

NEEDS = {
    Kind.JOB: Permission.JOB_READ,
    Kind.QUEUE: Permission.QUEUE_READ,
    Kind.WORKER: Permission.WORKER_READ,
    Kind.SCHEDULE: Permission.SCHEDULE_READ,
    Kind.BREAKER: Permission.QUEUE_READ,
}

Kinds = Annotated[
    list[Literal["job", "queue", "worker", "schedule", "breaker"]] | None,
    Query(alias="type", description="Only of these."),
]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)]


@events.get(
    "", permission=Openness.AUTHENTICATED, name="events.stream", reach=Reach.QUEUE, extra=EVENT_STREAM
)
async def stream(
    call: Calling, project_id: ProjectChoice = None, kinds: Kinds = None, last_event_id: LastEventId = None
) -> Response:
    """Hear of changes of jobs, queues, workers, schedules and breakers: `event: job`, and which queue it was.

    `event: reset` means that something was missed: look at everything again. `Last-Event-ID` goes on where a stream
    ended. An event is a hint: what is true is what the other operations answer.
    """
    allowed = [kind for kind in Kind if call.principal.may(NEEDS[kind])]
    if not allowed:
        raise Forbidden("this needs the permission to read jobs, queues, workers or schedules")
    projects = await reachable(call, project_id)
    wanted = frozenset(kind for kind in allowed if kinds is None or kind.value in kinds)

    def wants(change: Change) -> bool:
        return change.kind in wanted and _concerns(call, projects, change)

    async def texts() -> AsyncIterator[str]:
        async for event in call.backend.live.follow(wants, last_event_id):
            yield _written(event)

    return event_stream(texts(), stopping_of(call.request.app), call)


def _concerns(call: Call, projects: list[ProjectId], change: Change) -> bool:
    if change.project_id is not None and change.project_id not in projects:
        return False
    if call.principal.queue_ids is None or change.topic == "any":
        return True
    return change.queue_id is not None and call.principal.reaches_queue(QueueId(change.queue_id))


def _written(event: LiveEvent) -> str:
    change = event.change
    if change is None:
        return f"id: {event.id}\nevent: reset\ndata: {{}}\n\n"
    data = {"topic": change.topic, "project_id": change.project_id, "queue_id": change.queue_id}
    return f"id: {event.id}\nevent: {change.kind.value}\ndata: {text(data)}\n\n"
