"""From an id of the path to a thing of the caller's own projects, or 404 as for any unknown id.

Routes get their things here and nowhere else.
"""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call, Calling
from taskforge.api.values import Id
from taskforge.domain.errors import NotFound
from taskforge.domain.ids import ProjectId, QueueId
from taskforge.domain.queue import Queue

ProjectChoice = Annotated[
    Id | None, Query(description="One project of the organization; for callers that are not bound to one.")
]


async def _reachable(call: Call, project_id: UUID | None) -> list[ProjectId]:
    """The projects that the caller may see, or the one it names among them."""
    bound = call.principal.project_id
    own = [ProjectId(bound)] if bound else await call.backend.projects_of(call.principal.organization_id)
    if project_id is None:
        return list(own)
    if project_id not in own:
        raise NotFound(f"no project has the id {project_id}")
    return [ProjectId(project_id)]


async def _everywhere(call: Calling, project_id: ProjectChoice = None) -> list[ProjectServices]:
    return [await call.backend.project(found) for found in await _reachable(call, project_id)]


async def _one_project(call: Calling, project_id: ProjectChoice = None) -> ProjectServices:
    reachable = await _reachable(call, project_id)
    if not reachable:
        raise NotFound("the organization has no project")
    return await call.backend.project(reachable[0])


Everywhere = Annotated[list[ProjectServices], Depends(_everywhere)]
"""All projects that the caller may see, or the one that the query names: for lists."""
OneProject = Annotated[ProjectServices, Depends(_one_project)]
"""The project that the query names, the caller's own, or the default one: for creations."""


@dataclass(frozen=True, slots=True)
class QueueAt:
    """A queue, and the services of its project."""

    services: ProjectServices
    queue: Queue


async def _queue_at(queue_id: Id, call: Calling) -> QueueAt:
    if call.principal.reaches_queue(QueueId(queue_id)):
        for project_id in await _reachable(call, None):
            services = await call.backend.project(project_id)
            queue = await services.queues.find(queue_id)
            if queue is not None:
                return QueueAt(services, queue)
    raise NotFound(f"no queue has the id {queue_id}")


QueueHere = Annotated[QueueAt, Depends(_queue_at)]
"""The queue of the path."""
