"""Jobs, queues and workers of a server. Each verb is written once, asynchronously (``aget``); its synchronous form
(``get``) is made of it.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID, uuid4

import msgspec

from taskforge.client import views
from taskforge.domain.errors import JobCancelled, JobFailed, ResultTimeout
from taskforge.domain.job import JobStatus
from taskforge.wire.codec import read
from taskforge.wire.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
    from datetime import datetime

    from taskforge.client.transport import Transport
    from taskforge.domain.operation import BulkAction
    from taskforge.sdk.bridge import Bridge

S = TypeVar("S", bound="Resource")
P = ParamSpec("P")
T = TypeVar("T")

LONGEST_POLL = 25
LONGEST_PAGE = 200
WHOLE = {"Prefer": "return=representation"}


class Resource:
    """One kind of thing on a server."""

    def __init__(self, transport: Transport, bridge: Bridge) -> None:
        self._transport = transport
        self._bridge = bridge

    async def _get(self, kind: type[T], path: str, **params: Any) -> T:
        return (await self._page(kind, path, **params))[0]

    async def _page(self, kind: type[T], path: str, **params: Any) -> tuple[T, views.ListMeta]:
        answer = await self._transport.ask("GET", path, params=params)
        envelope = read(Envelope, answer.body)
        return read(kind, bytes(envelope.data)), read(views.ListMeta, bytes(envelope.meta))

    async def _list(self, kind: type[T], path: str, **params: Any) -> tuple[list[T], views.ListMeta]:
        found, meta = await self._page(list[msgspec.Raw], path, **params)
        return [read(kind, bytes(thing)) for thing in found], meta

    async def _all(
        self, kind: type[T], path: str, limit: int, place: str = "cursor", **params: Any
    ) -> AsyncIterator[T]:
        """Page after page, up to ``limit``; ``place`` is the parameter that says where the next one begins."""
        while limit > 0:
            size = min(limit, LONGEST_PAGE)
            page, meta = await self._list(kind, path, limit=size, **params)
            for found in page:
                yield found
            limit -= len(page)
            params[place] = meta.next_cursor
            if meta.next_cursor is None or not page:
                return

    async def _by_number(self, kind: type[T], path: str, **params: Any) -> list[T]:
        """All of a list that is not too long for it."""
        found: list[T] = []
        page, has_more = 1, True
        while has_more:
            part, meta = await self._list(kind, path, limit=LONGEST_PAGE, page=page, **params)
            found += part
            page, has_more = page + 1, meta.has_more
        return found

    async def _do(
        self,
        kind: type[T],
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        headers: Mapping[str, str] = WHOLE,
        may_repeat: bool | None = None,
    ) -> T:
        """A change that answers with the thing as it is then.

        Unless ``may_repeat`` says something, a POST goes under an Idempotency-Key, so that it may be sent twice.
        """
        return (await self._done(kind, path, body, method=method, headers=headers, may_repeat=may_repeat))[1]

    async def _done(
        self,
        kind: type[T],
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        headers: Mapping[str, str] = WHOLE,
        may_repeat: bool | None = None,
    ) -> tuple[int, T]:
        """As `_do`, with the status of the answer."""
        if method == "POST" and may_repeat is None:
            headers, may_repeat = {**headers, "Idempotency-Key": str(uuid4())}, True
        data = None if body is None else msgspec.json.encode(body)
        answer = await self._transport.ask(method, path, body=data, headers=headers, may_repeat=may_repeat)
        return answer.status, read(kind, bytes(read(Envelope, answer.body).data))

    async def _make(self, kind: type[T], path: str, body: Any, key: str | None) -> T:
        """`_do` under an Idempotency-Key: however often it has to be sent, it is done once."""
        headers = {**WHOLE, "Idempotency-Key": key or str(uuid4())}
        return await self._do(kind, path, body, headers=headers, may_repeat=True)


def synchronous(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], T]:
    """The synchronous form of a verb, for code without an event loop."""

    @wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._bridge.run(method, self, *args, **kwargs)

    return call


class Jobs(Resource):
    """``client.jobs``."""

    async def acreate(
        self,
        /,
        job_type: str,
        payload: Any = None,
        *,
        queue: str | None = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> views.Job:
        """Make a job. ``options`` are the fields of the API: priority, delay_ms, scheduled_for, max_attempts, tags ...

        Raises InvalidInput, NotFound (the queue), QueueClosed, QueueFull, Unavailable.
        """
        body = _draft(job_type, payload, queue, options)
        return await self._make(views.Job, "/jobs", body, idempotency_key)

    async def asubmit(
        self, /, job_type: str, payload: Any = None, *, queue: str | None = None, **options: Any
    ) -> tuple[views.Job, bool]:
        """`acreate`, and whether the job is new: it is not when a job with its key was there already."""
        headers = {**WHOLE, "Idempotency-Key": str(uuid4())}
        data = msgspec.json.encode(_draft(job_type, payload, queue, options))
        answer = await self._transport.ask("POST", "/jobs", body=data, headers=headers, may_repeat=True)
        return read(views.Job, bytes(read(Envelope, answer.body).data)), answer.status == 201

    async def acreate_many(
        self, jobs: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[views.Submitted]:
        """Make up to 1,000 jobs, all or none; each is given by the fields of the API."""
        body = {"jobs": [*jobs]}
        return await self._make(list[views.Submitted], "/jobs/bulk", body, idempotency_key)

    async def aget(self, job_id: UUID) -> views.Job:
        """One job. Raises NotFound."""
        return await self._get(views.Job, f"/jobs/{job_id}")

    async def alist(self, /, *, limit: int = 20, **filters: Any) -> list[views.Job]:
        """Jobs, newest first. ``filters`` are the API's: status, queue_name, job_type, tag, created_from ..."""
        return [job async for job in self._all(views.Job, "/jobs", limit, **filters)]

    async def apage(self, /, *, limit: int = 20, cursor: str | None = None, **filters: Any) -> views.JobPage:
        """Up to 200 jobs, and where the list goes on."""
        found, meta = await self._list(views.Job, "/jobs", limit=limit, cursor=cursor, **filters)
        return views.JobPage(found, meta.next_cursor)

    async def awhy(self, job_id: UUID) -> views.Explanation:
        """Why a job has not run."""
        return await self._get(views.Explanation, f"/jobs/{job_id}/why")

    async def astats(self, job_id: UUID) -> views.ExecutionStats:
        """What the attempts at a job add up to."""
        return await self._get(views.ExecutionStats, f"/jobs/{job_id}/executions/stats")

    async def acancel(self, job_id: UUID) -> views.Job:
        """Cancel a waiting job at once, ask a running one to stop."""
        return await self._do(views.Job, f"/jobs/{job_id}/cancel")

    async def aretry(self, job_id: UUID, *, queue: str | None = None) -> views.Job:
        """Give a failed or cancelled job its attempts once more."""
        return await self._do(
            views.Job, f"/jobs/{job_id}/retry", {} if queue is None else {"queue_name": queue}
        )

    async def areschedule(self, job_id: UUID, scheduled_for: datetime) -> views.Job:
        """Give a waiting job another due time."""
        return await self._do(
            views.Job, f"/jobs/{job_id}/reschedule", {"scheduled_for": scheduled_for.isoformat()}
        )

    async def adelete(self, job_id: UUID) -> None:
        """Remove a job that does not run, with all that is recorded of it."""
        await self._transport.ask("DELETE", f"/jobs/{job_id}")

    async def aexecutions(self, job_id: UUID) -> list[views.Execution]:
        """The attempts at a job, newest first."""
        path = f"/jobs/{job_id}/executions"
        return [found async for found in self._all(views.Execution, path, 200)]

    async def alogs(self, /, job_id: UUID, *, limit: int = 1000, **filters: Any) -> list[views.LogLine]:
        """The lines of all attempts at a job, oldest first. ``filters`` are the API's: level."""
        path = f"/jobs/{job_id}/logs"
        return [line async for line in self._all(views.LogLine, path, limit, "after", **filters)]

    async def aresult(self, job_id: UUID, timeout: float | None = None) -> Any:
        """Wait for the end of a job; answers what its handler returned.

        ``timeout`` is in seconds, None waits for ever. Raises JobFailed, JobCancelled, ResultTimeout, NotFound.
        """
        import time

        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left = LONGEST_POLL if until is None else until - time.monotonic()
            wait = max(0, min(LONGEST_POLL, int(left + 0.999)))
            found = await self._get(views.JobResult, f"/jobs/{job_id}/result", wait=wait)
            if found.status.is_finished:
                return _output(found)
            if until is not None and time.monotonic() >= until:
                raise ResultTimeout.after(timeout, job_id)

    create = synchronous(acreate)
    submit = synchronous(asubmit)
    create_many = synchronous(acreate_many)
    get = synchronous(aget)
    list = synchronous(alist)
    page = synchronous(apage)
    why = synchronous(awhy)
    stats = synchronous(astats)
    cancel = synchronous(acancel)
    retry = synchronous(aretry)
    reschedule = synchronous(areschedule)
    delete = synchronous(adelete)
    executions = synchronous(aexecutions)
    logs = synchronous(alogs)
    result = synchronous(aresult)


class Queues(Resource):
    """``client.queues``."""

    async def acreate(self, /, name: str, **values: Any) -> views.Queue:
        """Make a queue. ``values`` are the fields of the API: description, priority, settings ..."""
        return await self._do(views.Queue, "/queues", {"name": name, **values})

    async def aget(self, queue_id: UUID) -> views.Queue:
        """One queue. Raises NotFound."""
        return await self._get(views.Queue, f"/queues/{queue_id}")

    async def alist(self) -> list[views.Queue]:
        """All queues by name."""
        return await self._by_number(views.Queue, "/queues")

    async def aupdate(self, /, queue_id: UUID, **values: Any) -> views.Queue:
        """Change what is given."""
        return await self._do(views.Queue, f"/queues/{queue_id}", values, method="PATCH")

    async def astats(self, queue_id: UUID) -> views.QueueStats:
        """Its jobs by status."""
        return await self._get(views.QueueStats, f"/queues/{queue_id}/stats")

    async def apurge(self, queue_id: UUID) -> views.Operation:
        """Begin to delete all that waits in it."""
        return await self._do(views.Operation, f"/queues/{queue_id}/purge")

    async def apause(self, queue_id: UUID) -> views.Queue:
        """Hand out no more jobs, and go on taking them."""
        return await self._do(views.Queue, f"/queues/{queue_id}/pause")

    async def aresume(self, queue_id: UUID) -> views.Queue:
        """Hand out jobs again."""
        return await self._do(views.Queue, f"/queues/{queue_id}/resume")

    async def adelete(self, queue_id: UUID) -> None:
        """Remove a queue in which no job waits or runs. Raises Conflict."""
        await self._transport.ask("DELETE", f"/queues/{queue_id}")

    create = synchronous(acreate)
    get = synchronous(aget)
    list = synchronous(alist)
    update = synchronous(aupdate)
    stats = synchronous(astats)
    purge = synchronous(apurge)
    pause = synchronous(apause)
    resume = synchronous(aresume)
    delete = synchronous(adelete)


class Workers(Resource):
    """``client.workers``."""

    async def aget(self, worker_id: UUID) -> views.Worker:
        """One worker. Raises NotFound."""
        return await self._get(views.Worker, f"/workers/{worker_id}")

    async def alist(self, /, **filters: Any) -> list[views.Worker]:
        """The workers, newest first. ``filters`` are the API's: worker_type, status, stopped."""
        return await self._by_number(views.Worker, "/workers", **filters)

    async def adrain(self, worker_id: UUID) -> views.Worker:
        """Ask a worker to take no more jobs, and to leave when it has ended those it has."""
        return await self._do(views.Worker, f"/workers/{worker_id}/drain")

    async def aundrain(self, worker_id: UUID) -> views.Worker:
        """Take a drain back; a process that has heard of it leaves all the same."""
        return await self._do(views.Worker, f"/workers/{worker_id}/drain", method="DELETE")

    async def aderegister(self, worker_id: UUID) -> None:
        """Forget a worker that runs nothing; if its process lives, it leaves. Raises Conflict while it runs jobs."""
        await self._transport.ask("DELETE", f"/workers/{worker_id}")

    get = synchronous(aget)
    list = synchronous(alist)
    drain = synchronous(adrain)
    undrain = synchronous(aundrain)
    deregister = synchronous(aderegister)


class Tasks(Resource):
    """``client.tasks``."""

    async def alist(self) -> list[views.Task]:
        """The catalogue of tasks by name."""
        return await self._by_number(views.Task, "/tasks")

    async def ametrics(self, /, *, hours: int = 24) -> list[views.TaskMetrics]:
        """What executions of each task used, in so many hours."""
        return await self._by_number(views.TaskMetrics, "/metrics/job-types", hours=hours)

    list = synchronous(alist)
    metrics = synchronous(ametrics)


class Operations(Resource):
    """``client.operations``: the same done to all jobs that a filter chooses."""

    async def acount(self, /, action: BulkAction, chosen: Mapping[str, Any], **values: Any) -> views.Counted:
        """How many jobs it would meet. ``chosen`` is the API's `filter`."""
        body = {"action": action, "filter": chosen, "dry_run": True, **values}
        return await self._do(views.Counted, "/operations", body, may_repeat=True)

    async def abegin(
        self, /, action: BulkAction, chosen: Mapping[str, Any], **values: Any
    ) -> views.Operation:
        """Begin: cancel, retry, delete or move. ``values`` are the API's: queue_name, per_second."""
        body = {"action": action, "filter": chosen, **values}
        return await self._do(views.Operation, "/operations", body)

    async def aredrive(self, /, queue_id: UUID, **values: Any) -> views.Operation:
        """Begin to retry dead letters of a queue. ``values`` are the API's: ids, error, target_queue_name, per_second."""
        body = {"queue_id": queue_id, **values}
        return await self._do(views.Operation, "/dead-letters/redrive", body)

    async def aget(self, operation_id: UUID) -> views.Operation:
        """How far it is. Raises NotFound."""
        return await self._get(views.Operation, f"/operations/{operation_id}")

    async def acancel(self, operation_id: UUID) -> views.Operation:
        """Stop it where it is."""
        return await self._do(views.Operation, f"/operations/{operation_id}/cancel")

    count = synchronous(acount)
    begin = synchronous(abegin)
    redrive = synchronous(aredrive)
    get = synchronous(aget)
    cancel = synchronous(acancel)


def _draft(job_type: str, payload: Any, queue: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    draft = {"job_type": job_type, "payload": {} if payload is None else payload, **options}
    return draft if queue is None else {**draft, "queue_name": queue}


def _output(found: views.JobResult) -> Any:
    detail = f": {found.error_message}" if found.error_message else ""
    if found.status is JobStatus.SUCCEEDED:
        return found.output
    if found.status is JobStatus.CANCELLED:
        raise JobCancelled(f"job {found.job_id} was cancelled{detail}")
    raise JobFailed(
        f"job {found.job_id} failed: {found.error_type}{detail}",
        error_type=found.error_type,
        traceback=found.traceback,
    )
