"""Executions: attempts at jobs, and what they logged."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call, Calling, encode
from taskforge.api.envelopes import ListMeta
from taskforge.api.operation import Reach
from taskforge.api.pages import Paging, SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.stopping import stopping_of
from taskforge.api.streams import EVENT_STREAM, event_stream
from taskforge.api.tenancy import Everywhere, ExecutionHere, JobAt, JobHere, find_job
from taskforge.api.values import Flag
from taskforge.api.views.executions import (
    ExecutionStatsView,
    ExecutionView,
    LogLineView,
    lines_view_of,
    stats_view_of,
    view_of,
)
from taskforge.domain.access import Permission
from taskforge.domain.errors import InvalidInput
from taskforge.domain.execution import Execution, StoredLogLine
from taskforge.domain.ids import ExecutionId, JobId
from taskforge.domain.log_level import LogLevel
from taskforge.domain.redaction import NOTHING, Redaction

TAIL_SECONDS = 0.5
MAX_LINES = 1000

executions = Resource("", "executions")

_READ: dict[str, Any] = {"permission": Permission.JOB_READ, "reach": Reach.QUEUE}
_LOGS: dict[str, Any] = {"permission": Permission.PAYLOAD_READ, "reach": Reach.QUEUE}

Levels = Annotated[list[LogLevel] | None, Query(description="Only lines of these levels.", max_length=5)]
After = Annotated[str | None, Query(max_length=60, description="The `id` of a line: those that follow it.")]
Lines = Annotated[int, Query(ge=1, le=MAX_LINES, description="Lines at most.")]
Together = Annotated[
    Flag,
    Query(
        description="Lines that come at the same moment are one event, `lines`: a list, and the last one's id."
    ),
]


@executions.get("/executions/active", name="executions.active", answers=ExecutionView, is_list=True, **_READ)
async def active_executions(
    call: Calling,
    everywhere: Everywhere,
    page: Paging,
    worker_id: Annotated[UUID | None, Query(description="Only those of this worker.")] = None,
) -> Response:
    """The attempts that run now: all of a worker, or the newest thousand of each project."""
    found = [e for s in everywhere for e in await s.insights.active_executions(worker_id)]
    return await _listed(call, page, found, everywhere)


@executions.get(
    "/executions/timed-out", name="executions.timed_out", answers=ExecutionView, is_list=True, **_READ
)
async def timed_out_executions(
    call: Calling, everywhere: Everywhere, page: Paging, hours: Annotated[int, Query(ge=1, le=24 * 31)] = 24
) -> Response:
    """Attempts that ended by their timeout within so many hours, and running ones that are past theirs."""
    found: list[Execution] = []
    for services in everywhere:
        found += await services.insights.timed_out(await services.health.now(), hours)
    return await _listed(call, page, found, everywhere)


@executions.get("/executions/{execution_id}", name="executions.get", answers=ExecutionView, **_READ)
async def get_execution(call: Calling, here: ExecutionHere) -> Response:
    """One attempt."""
    hidden = await _hidden(call, [here.services], [here.execution])
    return call.answer(view_of(here.execution, call.principal, hidden[here.execution.job_id]))


@executions.get(
    "/executions/{execution_id}/logs", name="executions.logs", answers=LogLineView, is_list=True, **_LOGS
)
async def execution_logs(
    call: Calling, here: ExecutionHere, level: Levels = None, after: After = None, limit: Lines = 100
) -> Response:
    """The log of one attempt, oldest first."""
    job = await find_job(call, here.execution.job_id)
    return await _logs(call, job, here.execution.id, level, after, limit)


@executions.get("/executions/{execution_id}/logs/tail", name="executions.tail", extra=EVENT_STREAM, **_LOGS)
async def tail_execution(
    call: Calling,
    here: ExecutionHere,
    level: Levels = None,
    together: Together = False,
    last_event_id: Annotated[str | None, Header(max_length=60)] = None,
) -> Response:
    """The log of one attempt as it is written, as server-sent events; it ends with the attempt."""
    job = await find_job(call, here.execution.job_id)
    return _tail(call, job, here.execution.id, level, last_event_id, together=together)


@executions.get(
    "/jobs/{job_id}/executions", name="jobs.executions", answers=ExecutionView, is_list=True, **_READ
)
async def job_executions(call: Calling, here: JobHere, page: Paging) -> Response:
    """The attempts at a job, the latest first, with error and traceback."""
    found = await here.services.insights.executions(here.job)
    return await _listed(call, page, found, [here.services])


@executions.get(
    "/jobs/{job_id}/executions/stats", name="jobs.execution_stats", answers=ExecutionStatsView, **_READ
)
async def job_execution_stats(call: Calling, here: JobHere) -> Response:
    """How the attempts at a job went, and how long they took."""
    return call.figures(stats_view_of(await here.services.insights.execution_stats(here.job.id)))


@executions.get("/jobs/{job_id}/logs", name="jobs.logs", answers=LogLineView, is_list=True, **_LOGS)
async def job_logs(
    call: Calling, here: JobHere, level: Levels = None, after: After = None, limit: Lines = 100
) -> Response:
    """The log of all attempts at a job, oldest first."""
    return await _logs(call, here, None, level, after, limit)


@executions.get("/jobs/{job_id}/logs/tail", name="jobs.tail", extra=EVENT_STREAM, **_LOGS)
async def tail_job(
    call: Calling,
    here: JobHere,
    level: Levels = None,
    together: Together = False,
    last_event_id: Annotated[str | None, Header(max_length=60)] = None,
) -> Response:
    """The log of a job as it is written, as server-sent events; it ends with the job."""
    return _tail(call, here, None, level, last_event_id, together=together)


async def _listed(
    call: Call, page: SortedPaging, found: Sequence[Execution], projects: Sequence[ProjectServices]
) -> Response:
    seen = [execution for execution in found if call.principal.reaches_queue(execution.queue_id)]
    part, meta = page.cut(seen)
    hidden = await _hidden(call, projects, part)
    views = [view_of(e, call.principal, hidden[e.job_id]) for e in part]
    return call.answer(views, "listed", meta=meta, count=len(seen))


async def _hidden(
    call: Call, projects: Sequence[ProjectServices], executions: Sequence[Execution]
) -> Mapping[JobId, Redaction]:
    """What of each execution's job the caller may not see. Only for those who may not see all, jobs are looked up."""
    names = call.principal.redacted
    if not names:
        return defaultdict(lambda: NOTHING)
    values: dict[JobId, list[Any]] = defaultdict(list)
    for execution in executions:
        values[execution.job_id].append(execution.output)
    for services in projects:
        for job in await services.insights.jobs_by_ids(list(values)):
            values[job.id] += [job.payload, job.state]
    return {job_id: Redaction.of(names, *known) for job_id, known in values.items()}


async def _logs(
    call: Call,
    here: JobAt,
    execution_id: ExecutionId | None,
    levels: list[LogLevel] | None,
    after: str | None,
    limit: int,
) -> Response:
    found = await _read(here, execution_id, levels, _place(after), limit + 1)
    hidden = _of_job(call, here)
    part = lines_view_of(found[:limit], hidden)
    has_more = len(found) > limit
    meta = ListMeta(limit=limit, has_more=has_more, next_cursor=part[-1].id if has_more else None)
    return call.answer(part, "listed", meta=meta, count=len(part))


def _of_job(call: Call, here: JobAt) -> Redaction:
    return Redaction.of(call.principal.redacted, here.job.payload, here.job.state)


async def _read(
    here: JobAt,
    execution_id: ExecutionId | None,
    levels: list[LogLevel] | None,
    after: tuple[UUID, int] | None,
    limit: int,
) -> Sequence[StoredLogLine]:
    return await here.services.insights.logs(
        here.job.id, execution_id=execution_id, after=after, levels=levels or None, limit=limit
    )


def _tail(
    call: Call,
    here: JobAt,
    execution_id: ExecutionId | None,
    levels: list[LogLevel] | None,
    last_event_id: str | None,
    *,
    together: bool,
) -> Response:
    place = _place(last_event_id)
    hidden = _of_job(call, here)

    async def events() -> AsyncIterator[str]:
        after = place
        while True:
            ended = await _has_ended(here, execution_id)  # before the look, so that no last line is missed
            lines = await _read(here, execution_id, levels, after, MAX_LINES)
            if lines:
                after = (lines[-1].execution_id, lines[-1].seq)
                shown = lines_view_of(lines, hidden)
                # one by one, sending costs most
                yield _events(shown) if together else "".join(map(_event, shown))
            if ended and len(lines) < MAX_LINES:
                yield "event: end\ndata: {}\n\n"
                return
            if len(lines) < MAX_LINES:
                await asyncio.sleep(TAIL_SECONDS)

    return event_stream(events(), stopping_of(call.request.app), call)


def _event(line: LogLineView) -> str:
    return f"id: {line.id}\nevent: line\ndata: {encode(line).decode()}\n\n"


def _events(lines: list[LogLineView]) -> str:
    return f"id: {lines[-1].id}\nevent: lines\ndata: {encode(lines).decode()}\n\n"


async def _has_ended(here: JobAt, execution_id: ExecutionId | None) -> bool:
    if execution_id is None:
        job = await here.services.insights.find(here.job.id)
        return job is None or job.status.is_finished
    execution = await here.services.insights.execution(execution_id)
    return execution is None or execution.finished_at is not None


def _place(text: str | None) -> tuple[UUID, int] | None:
    if text is None:
        return None
    identity, _, number = text.partition(".")
    try:
        if len(identity) == 36 and number.isascii() and number.isdecimal() and int(number) < 2**31:
            return UUID(identity), int(number)
    except ValueError:
        pass
    raise InvalidInput("this is not the id of a log line", field="after")
