"""Error groups: failures that are the same, judged and run once more together."""

from dataclasses import replace
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from taskforge.api import filters
from taskforge.api.call import Call, Calling
from taskforge.api.pages import SortedPaging
from taskforge.api.routes.operations import begun
from taskforge.api.routing import Resource
from taskforge.api.tenancy import ErrorHere, Everywhere, queue_beside
from taskforge.api.views.errors import Mute, RedriveErrors
from taskforge.api.views.operations import OperationView
from taskforge.domain.access import Permission
from taskforge.domain.error_group import ErrorGroup, ErrorStatus
from taskforge.domain.redaction import REDACTED
from taskforge.services.error_records import ErrorRecord, error_record

errors = Resource("/errors", "errors")

Statuses = Annotated[list[ErrorStatus] | None, Query(description="One or several.", max_length=4)]


@errors.get("", permission=Permission.JOB_READ, name="errors.list", answers=ErrorRecord, is_list=True)
async def list_errors(
    call: Calling,
    everywhere: Everywhere,
    page: SortedPaging,
    status: Statuses = None,
    job_type: filters.Text = None,
) -> Response:
    """Error groups, those that failed last first."""
    found = []
    for services in everywhere:
        names = await services.errors.queue_names()
        groups = await services.errors.list(status, job_type)
        found += [_shown(call, error_record(group, names)) for group in groups]
    found.sort(key=lambda record: (record.last_seen, record.id), reverse=True)
    part, meta = page.cut(found)
    return call.answer(part, "listed", meta=meta, count=len(found))


@errors.get("/{error_id}", permission=Permission.JOB_READ, name="errors.get", answers=ErrorRecord)
async def get_error(call: Calling, here: ErrorHere) -> Response:
    """One error group, with the traceback of its sample."""
    return call.answer(await _record(call, here, here.group))


@errors.post(
    "/{error_id}/resolve",
    permission=Permission.JOB_WRITE,
    name="errors.resolve",
    answers=ErrorRecord,
    status=204,
)
async def resolve_error(call: Calling, here: ErrorHere) -> Response:
    """It is mended. A failure that comes later brings it back as `returned`."""
    return call.done(await _record(call, here, await here.services.errors.resolve(here.group.id)))


@errors.post(
    "/{error_id}/mute", permission=Permission.JOB_WRITE, name="errors.mute", answers=ErrorRecord, status=204
)
async def mute_error(call: Calling, here: ErrorHere, body: Mute | None = None) -> Response:
    """It is known: it counts on, and nobody need hear of it."""
    until = None if body is None else body.until
    return call.done(await _record(call, here, await here.services.errors.mute(here.group.id, until)))


@errors.post(
    "/{error_id}/reopen",
    permission=Permission.JOB_WRITE,
    name="errors.reopen",
    answers=ErrorRecord,
    status=204,
)
async def reopen_error(call: Calling, here: ErrorHere) -> Response:
    """It is new again."""
    return call.done(await _record(call, here, await here.services.errors.reopen(here.group.id)))


@errors.post(
    "/{error_id}/redrive",
    permission=Permission.JOB_WRITE,
    name="errors.redrive",
    answers=OperationView,
    status=202,
    problems=(409,),
)
async def redrive_error(call: Calling, here: ErrorHere, body: RedriveErrors | None = None) -> Response:
    """Retry its failed jobs, dead letters among them, at a rate if one is given. The operation can be stopped."""
    wanted = body or RedriveErrors()
    target = await queue_beside(call, here.services, wanted.queue_id, wanted.queue_name)
    operation = await here.services.errors.redrive(here.group.id, per_second=wanted.per_second, target=target)
    return begun(call, operation)


async def _record(call: Call, here: ErrorHere, group: ErrorGroup) -> ErrorRecord:
    return _shown(call, error_record(group, await here.services.errors.queue_names()))


def _shown(call: Call, record: ErrorRecord) -> ErrorRecord:
    """What of it this caller may see: texts may hold what is in payloads, and a group has those of many jobs."""
    may, hides = call.principal.may, bool(call.principal.redacted)
    return replace(
        record,
        message=(REDACTED if hides else record.message) if may(Permission.PAYLOAD_READ) else None,
        traceback=record.traceback if may(Permission.ERROR_READ) and not hides else None,
    )
