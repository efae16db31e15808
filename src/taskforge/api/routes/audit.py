"""The audit log: who did what to what, when and from where."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import Response, StreamingResponse

from taskforge.api import filters
from taskforge.api.call import Call, Calling
from taskforge.api.operation import Reach
from taskforge.api.pages import Paging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import organization_of
from taskforge.api.values import Id
from taskforge.domain.access import Permission
from taskforge.domain.audit import AuditEntry, Head
from taskforge.domain.ids import ProjectId
from taskforge.domain.redaction import redact
from taskforge.ports.audit import AuditFilter

audit = Resource("/audit", "audit")

EXPORT: dict[str, Any] = {
    "responses": {
        "200": {
            "description": "One entry a line",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    }
}


@dataclass(frozen=True, slots=True)
class AuditEntryView:
    """An entry. `seq` and `hash` are null until it is sealed, within a second."""

    id: UUID
    organization_id: UUID
    project_id: UUID | None
    actor: dict[str, Any]
    address: str | None
    request_id: str | None
    action: str
    resource: dict[str, Any]
    before: Any
    after: Any
    happened_at: datetime
    seq: int | None
    previous_hash: str | None
    hash: str | None


@dataclass(frozen=True, slots=True)
class EndView:
    """The last entry of the chain. Kept elsewhere, `expect=SEQ:HASH` shows later that nothing up to there was exchanged."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class VerificationView:
    """Whether the chain of hashes holds, where it ends, and what was found where it does not hold."""

    organization_id: UUID
    holds: bool
    checked: int
    end: EndView
    faults: list[str]


@audit.get("", permission=Permission.AUDIT_READ, name="audit.list", answers=AuditEntryView, is_list=True)
async def list_entries(
    call: Calling,
    page: Paging,
    action: filters.Text = None,
    resource_kind: filters.Text = None,
    resource_id: filters.Text = None,
    actor_id: Annotated[Id | None, Query()] = None,
    project_id: Annotated[Id | None, Query()] = None,
    since: filters.Time = None,
    until: filters.Time = None,
) -> Response:
    """Entries, newest first; `action` may end with `*`. Deeper than the first page: by cursor."""
    bound = call.principal.project_id
    if bound is not None and project_id not in (None, bound):
        return call.answer([], "listed", meta=page.meta(has_more=False), count=0)
    chosen = AuditFilter(
        project_id=bound or (None if project_id is None else ProjectId(project_id)),
        actor_id=actor_id,
        action=action,
        resource_kind=resource_kind,
        resource_id=resource_id,
        since=since,
        until=until,
        before=page.after,
        limit=page.wanted,
    )
    read = await call.backend.audit.list(organization_of(call), chosen)
    part, meta = page.newest(read, lambda entry: entry.id)
    return call.answer([_told(call, entry) for entry in part], "listed", meta=meta, count=len(part))


@audit.get(
    "/export",
    permission=Permission.AUDIT_READ,
    name="audit.export",
    reach=Reach.ORGANIZATION,
    extra=EXPORT,
)
async def export(call: Calling, after: Annotated[int, Query(ge=0, le=2**53)] = 0) -> Response:
    """The whole chain from number `after` + 1, one entry a line (NDJSON)."""

    async def lines() -> AsyncIterator[str]:
        async for entry in call.backend.audit.export(organization_of(call), after=after):
            yield json.dumps(_told(call, entry)) + "\n"

    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), headers=headers, media_type="application/x-ndjson")


@audit.get(
    "/verification",
    permission=Permission.AUDIT_READ,
    name="audit.verify",
    answers=VerificationView,
    reach=Reach.ORGANIZATION,
)
async def verify(call: Calling, expect: Annotated[str | None, Query(max_length=100)] = None) -> Response:
    """Walk the chain from its beginning, and say whether it holds; and whether it still passes the end `expect`."""
    kept = None if expect is None else Head.parse(expect, "expect")
    found = await call.backend.audit.verify(organization_of(call), expected=kept)
    view = VerificationView(
        found.organization_id,
        found.holds,
        found.checked,
        EndView(found.end.seq, found.end.hash),
        [str(fault) for fault in found.faults],
    )
    return call.answer(view)


@audit.get(
    "/{entry_id}",
    permission=Permission.AUDIT_READ,
    name="audit.get",
    answers=AuditEntryView,
    reach=Reach.ORGANIZATION,
)
async def get_entry(call: Calling, entry_id: Id) -> Response:
    """One entry."""
    entry = await call.backend.audit.get(organization_of(call), entry_id)
    return call.answer(_told(call, entry))


def _told(call: Call, entry: AuditEntry) -> dict[str, Any]:
    """An entry as this caller may see it; with something redacted its hash cannot be computed from it."""
    document, hidden = entry.document(), call.principal.redacted
    return {
        **document,
        "before": redact(document["before"], hidden),
        "after": redact(document["after"], hidden),
    }
