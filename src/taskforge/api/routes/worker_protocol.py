"""What remote workers say: they register, claim by long poll, give signs of life, log, settle, leave.

A worker acts under the credential that its registration answered with, which is bound to that incarnation; on an
execution it acts with its fence. `docs/remote-workers.md` tells the protocol as a story.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call, Calling
from taskforge.api.operation import Reach
from taskforge.api.raw import MAX_BYTES, message_of, messages
from taskforge.api.routing import Resource
from taskforge.api.stopping import Stopping, stopping_of
from taskforge.api.streams import EVENT_STREAM, event_stream
from taskforge.api.tenancy import OneProject
from taskforge.api.values import Id
from taskforge.domain.access import Permission, Principal, PrincipalKind
from taskforge.domain.errors import Forbidden, NotFound
from taskforge.domain.ids import WorkerId
from taskforge.ports.jobs import Beat, Fence
from taskforge.services.remote_workers import RemoteWorker
from taskforge.wire import link as wire
from taskforge.wire import values
from taskforge.wire.usage import usage_of

protocol = Resource("/workers", "worker protocol")

_RUN = {"permission": Permission.WORKER_RUN, "is_raw": True, "reach": Reach.QUEUE, "max_bytes": MAX_BYTES}


@protocol.post(
    "",
    name="workers.register",
    status=201,
    problems=(404, 409),
    extra=messages(wire.RegisterRequest, wire.RegisterAnswer, 201),
    **_RUN,
)
async def register(call: Calling, project: OneProject) -> Response:
    """Register a worker: one incarnation, with the credential under which it works. It is told once."""
    if call.principal.kind is PrincipalKind.WORKER:
        raise Forbidden("a worker's credential registers no other worker", hint="use an API key")
    request = await message_of(call.request, wire.RegisterRequest)
    registration = values.registration_of(request)
    await _check_queues(call.principal, project, request.queues)
    replaces = None if request.replaces is None else values.process_of(request.replaces)
    welcome, worker = await project.remote_workers.register(registration, replaces)
    token = await call.backend.worker_token(call.principal, project.project_id, WorkerId(welcome.worker_id))
    hearing, deaf = worker.poll_intervals
    answer = wire.RegisterAnswer(
        worker_id=welcome.worker_id,
        token=token,
        lease_ms=welcome.lease * 1000,
        heartbeat_interval_ms=welcome.beat_interval * 1000,
        poll_interval_ms=hearing * 1000,
        poll_without_hints_ms=deaf * 1000,
    )
    return call.answer(
        answer, "created", status=201, headers={"Location": f"/api/v1/workers/{welcome.worker_id}"}
    )


async def _check_queues(principal: Principal, project: ProjectServices, names: list[str]) -> None:
    """A caller that sees single queues only may serve these, and makes none."""
    if principal.queue_ids is None:
        return
    await project.directory.refresh()
    for name in names:
        queue = project.directory.known(name)
        if queue is None or queue.id not in principal.queue_ids:
            raise NotFound(f"no queue is named {name!r}")


@dataclass(frozen=True, slots=True)
class WorkerAt:
    """The worker that calls."""

    call: Call
    worker: RemoteWorker
    stopping: Stopping

    async def read(self, kind: type[Any]) -> Any:
        """The body. Raises MalformedBody, InvalidInput."""
        return await message_of(self.call.request, kind)


async def _worker_at(worker_id: Id, call: Calling) -> WorkerAt:
    principal = call.principal
    if principal.kind is not PrincipalKind.WORKER or principal.project_id is None:
        raise Forbidden(
            "this is for a worker itself", hint="use the token that its registration answered with"
        )
    if principal.id != worker_id:
        raise NotFound(f"no worker has the id {worker_id}")
    services = await call.backend.project(principal.project_id)
    return WorkerAt(call, await services.remote_workers.get(worker_id), stopping_of(call.request.app))


Here = Annotated[WorkerAt, Depends(_worker_at)]
"""The worker of the path, which is the caller itself."""


@protocol.post(
    "/{worker_id}/claim",
    name="workers.claim",
    extra=messages(wire.ClaimRequest, wire.ClaimAnswer),
    **_RUN,
)
async def claim(here: Here) -> Response:
    """Take jobs, and wait for them up to `wait_ms`. None are handed to a caller that has hung up."""
    request: wire.ClaimRequest = await here.read(wire.ClaimRequest)
    in_hand = None if request.in_hand is None else [values.fence_of(body) for body in request.in_hand]
    async with _gone(here.call.request, here.stopping, waits=request.wait_ms > 0) as gone:
        work = await here.worker.claim(
            request.free,
            request.suspects,
            wait=request.wait_ms / 1000,
            in_hand=in_hand,
            gone=gone,
            traced=request.traced,
        )
    due = work.next_due_in
    return here.call.answer(
        wire.ClaimAnswer(
            now=work.now,
            next_due_in_ms=None if due is None else due * 1000,
            attempts=[values.attempt_body(attempt) for attempt in work.attempts],
            wanted_slots=work.wanted,
        )
    )


@asynccontextmanager
async def _gone(request: Request, stopping: Stopping, *, waits: bool) -> AsyncIterator[asyncio.Event | None]:
    """Set when the caller has hung up, or the server stops."""
    if not waits:
        yield None
        return
    gone = asyncio.Event()

    async def listen() -> None:
        with suppress(Exception):
            while (await request.receive())["type"] != "http.disconnect":
                pass
        gone.set()

    listening = asyncio.create_task(listen())
    with stopping.call(gone.set):
        try:
            yield gone
        finally:
            listening.cancel()


@protocol.post(
    "/{worker_id}/heartbeat",
    name="workers.heartbeat",
    status=204,
    extra=messages(wire.HeartbeatRequest, wire.HeartbeatAnswer),
    **_RUN,
)
async def heartbeat(here: Here) -> Response:
    """Give a sign of life of the worker and of its executions. The answer has the commands, where it is preferred."""
    request: wire.HeartbeatRequest = await here.read(wire.HeartbeatRequest)
    reply = await here.worker.beat(
        [values.beat_of(body) for body in request.executions],
        values.incidents_of(request.incidents),
        usage_of(request.usage),
    )
    return here.call.done(
        wire.HeartbeatAnswer(
            cancel=list(reply.cancel),
            lost=list(reply.lost),
            drain=reply.drain,
            max_concurrent_jobs=reply.capacity,
        )
    )


@protocol.post(
    "/{worker_id}/settle", name="workers.settle", extra=messages(wire.SettleRequest, wire.LostAnswer), **_RUN
)
async def settle(here: Here) -> Response:
    """Report ended attempts in a batch. `lost` are those that were this worker's no longer: nothing changed there."""
    request: wire.SettleRequest = await here.read(wire.SettleRequest)
    now = datetime.now(UTC)
    lost = await here.worker.settle(
        [(values.fence_of(body), values.report_of(body, now)) for body in request.reports]
    )
    return here.call.answer(wire.LostAnswer(lost=list(lost)))


@protocol.post(
    "/{worker_id}/log", name="workers.log", extra=messages(wire.LogRequest, wire.LostAnswer), **_RUN
)
async def log(here: Here) -> Response:
    """Add lines to the logs of running executions in a batch."""
    request: wire.LogRequest = await here.read(wire.LogRequest)
    now = datetime.now(UTC)
    lost = await here.worker.log([values.fenced_line_of(body, now) for body in request.lines])
    return here.call.answer(wire.LostAnswer(lost=list(lost)))


@protocol.post(
    "/{worker_id}/leave", name="workers.leave", status=204, extra=messages(wire.LeaveRequest), **_RUN
)
async def leave(here: Here) -> Response:
    """Say good-bye. With `in_hand`, whatever else was handed out goes back at once."""
    request: wire.LeaveRequest = await here.read(wire.LeaveRequest)
    in_hand = None if request.in_hand is None else [values.fence_of(body) for body in request.in_hand]
    await here.worker.leave(in_hand)
    return here.call.done(None)


@protocol.get(
    "/{worker_id}/hints",
    permission=Permission.WORKER_RUN,
    name="workers.hints",
    reach=Reach.QUEUE,
    extra=EVENT_STREAM,
)
async def hints(here: Here) -> Response:
    """Hear when there may be work (`event: ready`) or a cancel may be waiting (`event: cancel`), as it happens."""

    async def events() -> AsyncIterator[str]:
        async for told in here.worker.hints():
            for name in sorted(told):
                yield f"event: {name}\ndata: {{}}\n\n"

    return event_stream(events(), here.stopping, here.call)


_ONE = "/{worker_id}/executions/{execution_id}"


async def _settle_one(
    here: WorkerAt, execution_id: UUID, lease: wire.Lease, outcome: wire.OutcomeBody
) -> Response:
    body = wire.ReportBody(
        job_id=lease.job_id, claim_seq=lease.claim_seq, execution_id=execution_id, outcome=outcome
    )
    await here.worker.settle_one(values.fence_of(body), values.report_of(body, datetime.now(UTC)))
    return here.call.done(None)


@protocol.post(
    _ONE + "/complete",
    name="workers.complete",
    status=204,
    problems=(409,),
    extra=messages(wire.Complete),
    **_RUN,
)
async def complete(here: Here, execution_id: Id) -> Response:
    """End one execution as succeeded, with its output."""
    request: wire.Complete = await here.read(wire.Complete)
    return await _settle_one(here, execution_id, request, wire.SucceededBody(output=request.output))


@protocol.post(
    _ONE + "/fail", name="workers.fail", status=204, problems=(409,), extra=messages(wire.Fail), **_RUN
)
async def fail(here: Here, execution_id: Id) -> Response:
    """End one execution as failed. Its job is retried while attempts are left, unless it is `final`."""
    request: wire.Fail = await here.read(wire.Fail)
    outcome = wire.FailedBody(error=request.error, retry_after_ms=request.retry_after_ms, final=request.final)
    return await _settle_one(here, execution_id, request, outcome)


@protocol.post(
    _ONE + "/snooze", name="workers.snooze", status=204, problems=(409,), extra=messages(wire.Snooze), **_RUN
)
async def snooze(here: Here, execution_id: Id) -> Response:
    """Have the job run again later; no attempt is spent."""
    request: wire.Snooze = await here.read(wire.Snooze)
    return await _settle_one(here, execution_id, request, wire.SnoozedBody(delay_ms=request.delay_ms))


@protocol.post(
    _ONE + "/cancel", name="workers.cancel", status=204, problems=(409,), extra=messages(wire.Cancel), **_RUN
)
async def cancel(here: Here, execution_id: Id) -> Response:
    """End one execution, and its job, as cancelled: somebody asked for it, or the handler decided so."""
    request: wire.Cancel = await here.read(wire.Cancel)
    return await _settle_one(here, execution_id, request, wire.CancelledBody(reason=request.reason))


@protocol.post(
    _ONE + "/release", name="workers.release", status=204, problems=(409,), extra=messages(wire.Lease), **_RUN
)
async def release(here: Here, execution_id: Id) -> Response:
    """Hand one job back unfinished; no attempt is spent."""
    request: wire.Lease = await here.read(wire.Lease)
    return await _settle_one(here, execution_id, request, wire.ReleasedBody())


@protocol.post(
    _ONE + "/progress",
    name="workers.progress",
    status=204,
    problems=(409,),
    extra=messages(wire.Progress, wire.ExecutionCommands),
    **_RUN,
)
async def progress(here: Here, execution_id: Id) -> Response:
    """Tell how far one execution is, and keep its lease. The answer has the commands, where it is preferred."""
    request: wire.Progress = await here.read(wire.Progress)
    text = values.progress_text(request)
    beat = Beat(request.job_id, request.claim_seq, execution_id, True, True, text, None)
    reply = await here.worker.beat_one(beat)
    return here.call.done(wire.ExecutionCommands(cancel=bool(reply.cancel), drain=reply.drain))


@protocol.post(
    _ONE + "/log", name="workers.log_line", status=204, problems=(409,), extra=messages(wire.LogLine), **_RUN
)
async def log_line(here: Here, execution_id: Id) -> Response:
    """Add one line to the log of one execution."""
    request: wire.LogLine = await here.read(wire.LogLine)
    line = wire.Line(seq=request.seq, level=request.level, message=request.message, metadata=request.metadata)
    fence = Fence(request.job_id, request.claim_seq, execution_id)
    await here.worker.log_one(fence, values.line_of(line, datetime.now(UTC)))
    return here.call.done(None)
