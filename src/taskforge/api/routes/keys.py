"""API keys: made, shown once, looked at, revoked."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import organization_of
from taskforge.api.values import Flag, Id
from taskforge.api.views.access import KeyView, NewKey, NewKeyView, NewName, key_view_of
from taskforge.domain.access import Permission
from taskforge.domain.ids import ProjectId, QueueId

keys = Resource("/keys", "keys")


@keys.get("", permission=Permission.KEY_READ, name="keys.list", answers=KeyView, is_list=True)
async def list_keys(
    call: Calling,
    page: SortedPaging,
    revoked: Annotated[Flag, Query(description="Also those that were revoked.")] = False,
) -> Response:
    """The keys in the caller's scope, newest first."""
    found = await call.backend.security.keys.list(organization_of(call), revoked=revoked)
    part, meta = page.cut([key_view_of(key) for key in found])
    return call.answer(part, "listed", meta=meta, count=len(found))


@keys.post(
    "",
    permission=Permission.KEY_WRITE,
    name="keys.create",
    answers=NewKeyView,
    shown_once=("key",),
    status=201,
    problems=(404, 409),
)
async def create_key(call: Calling, body: NewKey) -> Response:
    """A new key, which allows nothing that its maker may not do. Its text is shown this once."""
    made, text = await call.backend.security.keys.create(
        organization_of(call),
        body.name,
        role=body.role,
        allowed=body.permissions,
        project_id=None if body.project_id is None else ProjectId(body.project_id),
        queue_ids=None if body.queue_ids is None else [QueueId(queue_id) for queue_id in body.queue_ids],
        expires_at=body.expires_at,
    )
    return call.created(NewKeyView(text, key_view_of(made)), f"/api/v1/keys/{made.id}")


@keys.get("/{key_id}", permission=Permission.KEY_READ, name="keys.get", answers=KeyView)
async def get_key(call: Calling, key_id: Id) -> Response:
    """One key."""
    return call.answer(key_view_of(await call.backend.security.keys.get(organization_of(call), key_id)))


@keys.patch("/{key_id}", permission=Permission.KEY_WRITE, name="keys.update", answers=KeyView, status=204)
async def rename_key(call: Calling, key_id: Id, body: NewName) -> Response:
    """Give a key another name."""
    renamed = await call.backend.security.keys.rename(organization_of(call), key_id, body.name)
    return call.done(key_view_of(renamed), "updated")


@keys.delete("/{key_id}", permission=Permission.KEY_WRITE, name="keys.revoke", status=204)
async def revoke_key(call: Calling, key_id: Id) -> Response:
    """End a key, and all that it made. A second time changes nothing."""
    await call.backend.security.keys.revoke(organization_of(call), key_id)
    return call.done(None, "deleted")
