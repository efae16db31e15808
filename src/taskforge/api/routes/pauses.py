"""Pauses: jobs of a type, with a tag or of a key that are not handed out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, OneProject
from taskforge.api.values import Body
from taskforge.domain.access import Permission
from taskforge.domain.pause import Pause, PauseKind

pauses = Resource("/pauses", "pauses")


@dataclass(frozen=True, slots=True)
class PauseView:
    """What is paused, by whose word, why, and since when."""

    id: UUID
    project_id: UUID
    kind: PauseKind
    value: str
    reason: str | None
    paused_by: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ResumedView:
    """What is handed out again, and how many waiting jobs that let go."""

    kind: PauseKind
    value: str
    released: int


class NewPause(Body):
    """What is to be paused. Queues are paused by their own operation."""

    kind: PauseKind = Field(strict=False)
    value: str = Field(min_length=1, max_length=200, examples=["reports.monthly"])
    reason: str | None = Field(None, max_length=1000)


@pauses.get("", permission=Permission.QUEUE_READ, name="pauses.list", answers=PauseView, is_list=True)
async def list_pauses(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """What is paused, oldest first."""
    found = [_view_of(pause) for services in everywhere for pause in await services.pauses.list()]
    part, meta = page.cut(found)
    return call.answer(part, "listed", meta=meta, count=len(found))


@pauses.post(
    "",
    permission=Permission.QUEUE_WRITE,
    name="pauses.create",
    answers=PauseView,
    status=201,
    also=(200,),
    problems=(404,),
)
async def create_pause(call: Calling, project: OneProject, body: NewPause) -> Response:
    """Hand out no more of these jobs, and go on taking them. Where they are paused already, the answer is 200."""
    pause, is_new = await project.pauses.create(
        body.kind, body.value, reason=body.reason, by=call.principal.label
    )
    if not is_new:
        return call.answer(_view_of(pause))
    return call.created(_view_of(pause), f"/api/v1/pauses?project_id={project.project_id}")


@pauses.delete(
    "",
    permission=Permission.QUEUE_WRITE,
    name="pauses.delete",
    answers=ResumedView,
    status=204,
    problems=(404,),
)
async def delete_pause(
    call: Calling,
    project: OneProject,
    kind: PauseKind,
    value: Annotated[str, Query(min_length=1, max_length=200)],
) -> Response:
    """Hand these jobs out again."""
    released = await project.pauses.remove(kind, value)
    return call.done(ResumedView(kind, value, released), "deleted")


def _view_of(pause: Pause) -> PauseView:
    return PauseView(
        pause.id,
        pause.project_id,
        pause.kind,
        pause.value,
        pause.reason,
        pause.by,
        pause.created_at,
        pause.removed_at or pause.applied_at or pause.created_at,
    )
