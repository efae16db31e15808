"""A server, as the commands ask it: the same answers and errors as beside a database."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from taskforge.cli.remote_drafts import draft, written
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.execution import Execution, ExecutionStatus, StoredLogLine
from taskforge.domain.explanation import Explanation, Obstacle, WhyCode
from taskforge.domain.ids import short
from taskforge.domain.job import Job, JobStatus
from taskforge.domain.metrics import TaskFigures
from taskforge.domain.operation import OperationStatus
from taskforge.domain.queue import Queue, QueueSettings
from taskforge.domain.stats import ExecutionStats, StatusCounts
from taskforge.domain.worker import Incidents, ProcessIdentity, Worker, WorkerStatus
from taskforge.services.bulk import BulkProgress, Counted
from taskforge.services.directory import near
from taskforge.services.findings import Finding, Verdict
from taskforge.services.insights import RECENT, SHORTEST_SUFFIX

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

    from _typeshed import DataclassInstance

    from taskforge.cli.access_desk import AccessDesk, OrganizationDesk
    from taskforge.cli.alert_desk import AlertDesk
    from taskforge.cli.desk import (
        AssignmentDesk,
        BreakerDesk,
        BulkWish,
        ErrorDesk,
        ScalingDesk,
    )
    from taskforge.cli.job_reading import JobQuery, WholeJob
    from taskforge.cli.record_desk import AuditDesk, MetricsDesk, PauseDesk
    from taskforge.cli.schedule_desk import ScheduleDesk
    from taskforge.client import Client
    from taskforge.client.views import Queue as QueueView
    from taskforge.domain.job_options import JobOptions

T = TypeVar("T", bound="DataclassInstance")

LOOK_SECONDS = 0.3
MOST_LINES = 1_000_000
MOST_IDS = 1000


class RemoteDesk:
    """Implements ``Desk`` over the HTTP API. Which project is meant, the key says."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def access(self, organization: str | None) -> AccessDesk:
        from taskforge.cli.access_work import RemoteAccess

        return RemoteAccess(self._client, organization)

    @property
    def organizations(self) -> OrganizationDesk:
        from taskforge.cli.organization_work import RemoteOrganizations

        return RemoteOrganizations(self._client)

    def audit(self, organization: str | None) -> AuditDesk:
        from taskforge.cli.audit_work import RemoteAudit

        return RemoteAudit(self._client, organization)

    @property
    def pauses(self) -> PauseDesk:
        from taskforge.cli.pause_work import RemotePauses

        return RemotePauses(self._client)

    @property
    def metrics(self) -> MetricsDesk:
        from taskforge.cli.metrics_work import RemoteMetrics

        return RemoteMetrics(self._client, self._queue)

    @property
    def schedules(self) -> ScheduleDesk:
        from taskforge.cli.remote_schedules import RemoteSchedules

        return RemoteSchedules(self._client, self._followed)

    @property
    def errors(self) -> ErrorDesk:
        from taskforge.cli.error_work import RemoteErrors

        return RemoteErrors(self._client, self._followed)

    @property
    def alerts(self) -> AlertDesk:
        from taskforge.cli.alert_work import RemoteAlerts

        return RemoteAlerts(self._client)

    @property
    def assignments(self) -> AssignmentDesk:
        from taskforge.cli.remote_assignments import RemoteAssignments

        return RemoteAssignments(self._client, self._queue)

    @property
    def breakers(self) -> BreakerDesk:
        from taskforge.cli.breaker_work import RemoteBreakers

        return RemoteBreakers(self._client)

    @property
    def scaling(self) -> ScalingDesk:
        from taskforge.cli.scaling_work import RemoteScaling

        return RemoteScaling(self._client, self._queue)

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Job], str | None]:
        dead_letters = query.dead_letter_queue
        filters = {
            "queue_id": [str((await self._queue(name)).id) for name in query.queues] or None,
            "status": [status.value for status in query.statuses or ()] or None,
            "job_type": query.job_type,
            "tag": query.tag,
            "dead_letter_queue_id": None
            if dead_letters is None
            else str((await self._queue(dead_letters)).id),
            "created_from": written(query.created_from),
            "created_to": written(query.created_to),
            "scheduled_from": written(query.scheduled_from),
            "scheduled_to": written(query.scheduled_to),
        }
        found: list[Job] = []
        cursor = query.cursor
        while len(found) < query.limit:
            size = min(200, query.limit - len(found))
            page = await self._client.jobs.apage(limit=size, cursor=cursor, **filters)
            found += [_made(Job, job) for job in page.jobs]
            cursor = page.next_cursor
            if cursor is None:
                break
        return found, cursor

    async def find_job(self, text: str) -> Job:
        try:
            return _made(Job, await self._client.jobs.aget(UUID(text)))
        except ValueError:
            pass
        suffix = text.lower().replace("-", "")
        if len(suffix) < SHORTEST_SUFFIX or not set(suffix) <= set("0123456789abcdef"):
            raise InvalidInput(
                f"{text!r} is no job id",
                field="job",
                hint="give the id, or at least 4 of its last characters",
            )
        found = await self._client.jobs.alist(limit=20, id_suffix=suffix)
        if not found:
            raise NotFound(f"none of the {RECENT:,} newest jobs has an id that ends with {text!r}")
        if len(found) > 1:
            raise Conflict(
                f"several jobs end with {text!r}: {', '.join(short(job.id) for job in found)}",
                hint="give more characters",
            )
        return _made(Job, found[0])

    async def whole_job(self, text: str) -> WholeJob:
        from taskforge.cli.job_reading import USAGE_HOURS, WholeJob

        job = await self.find_job(text)
        executions = [
            _made(Execution, found, claimed_at=found.created_at)
            for found in await self._client.jobs.aexecutions(job.id)
        ]
        is_done = bool(executions) and executions[0].status is ExecutionStatus.SUCCEEDED
        stats = _made(ExecutionStats, await self._client.jobs.astats(job.id))
        output = executions[0].output if is_done else None
        measured = await self._client.tasks.ametrics(hours=USAGE_HOURS)
        usage = next((found.usage for found in measured if found.job_type == job.job_type), None)
        figures = None if usage is None else _made(TaskFigures, usage)
        return WholeJob(job, executions, stats, output, figures)

    async def why(self, text: str) -> Explanation:
        job = await self.find_job(text)
        found = await self._client.jobs.awhy(job.id)
        obstacles = [Obstacle(WhyCode(said.code), said.message, said.details) for said in found.obstacles]
        return Explanation(found.job_id, found.status, obstacles)

    async def lines(
        self, text: str, *, levels: Sequence[str] | None, follow: bool
    ) -> AsyncIterator[StoredLogLine]:
        job = await self.find_job(text)
        after: str | None = None
        while True:
            is_finished = (await self._client.jobs.aget(job.id)).status.is_finished
            chosen = {"level": levels, "after": after}
            for line in await self._client.jobs.alogs(job.id, limit=MOST_LINES, **chosen):
                yield _made(StoredLogLine, line)
                after = f"{line.execution_id}.{line.seq}"
            if is_finished or not follow:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def cancel(self, job: Job) -> JobStatus:
        return (await self._client.jobs.acancel(job.id)).status

    async def retry(self, job: Job, target: str | None) -> JobStatus:
        return (await self._client.jobs.aretry(job.id, queue=target)).status

    async def delete_job(self, job: Job) -> None:
        await self._client.jobs.adelete(job.id)

    async def count(self, wish: BulkWish) -> Counted:
        chosen, target = await self._chosen(wish)
        counted = await self._client.operations.acount(wish.action, chosen, **target)
        return Counted(counted.counted, counted.counted_or_more)

    async def carry_out(self, wish: BulkWish) -> AsyncGenerator[BulkProgress, None]:
        chosen, target = await self._chosen(wish)
        operation = await self._client.operations.abegin(wish.action, chosen, **target)
        async for progress in self._followed(operation.id):
            yield progress

    async def _followed(self, operation_id: UUID) -> AsyncGenerator[BulkProgress, None]:
        """How far an operation is, until it ends; it is stopped when nobody asks any more."""
        status = OperationStatus.RUNNING
        try:
            while status is OperationStatus.RUNNING:
                found = await self._client.operations.aget(operation_id)
                status = found.status
                yield BulkProgress(found.done, found.skipped)
                if status is OperationStatus.FAILED:
                    raise Conflict(found.failure or "the operation failed")
                if status is OperationStatus.RUNNING:
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            if status is OperationStatus.RUNNING:
                await self._client.operations.acancel(operation_id)

    async def _chosen(self, wish: BulkWish) -> tuple[dict[str, Any], dict[str, Any]]:
        said = {
            "queue_id": [str((await self._queue(name)).id) for name in wish.queues] or None,
            "status": [status.value for status in wish.statuses or ()] or None,
            "job_type": wish.job_type,
            "tag": wish.tag,
            "created_from": written(wish.created_from),
            "created_to": written(wish.created_to),
        }
        target = {} if wish.target is None else {"queue_id": str((await self._queue(wish.target)).id)}
        return {name: value for name, value in said.items() if value is not None}, target

    async def all_queues(self) -> Sequence[tuple[Queue, StatusCounts]]:
        return [
            (_queue_of(found), (await self._stats(found))[0]) for found in await self._client.queues.alist()
        ]

    async def whole_queue(self, name: str) -> tuple[Queue, StatusCounts, int]:
        found = await self._queue(name)
        return (_queue_of(found), *await self._stats(found))

    async def make_queue(self, name: str, values: Mapping[str, Any]) -> Queue:
        own, settings = await self._parsed(values)
        return _queue_of(await self._client.queues.acreate(name, settings=settings, **own))

    async def change_queue(self, name: str, values: Mapping[str, Any]) -> Queue:
        own, settings = await self._parsed(values)
        own.pop("by", None)  # the server knows who
        found = await self._queue(name)
        return _queue_of(await self._client.queues.aupdate(found.id, settings=settings, **own))

    async def _parsed(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        from taskforge.cli.queue_work import parsed

        async def find(name: str) -> Queue:
            return _queue_of(await self._queue(name))

        return await parsed(values, find)

    async def delete_queue(self, name: str) -> None:
        await self._client.queues.adelete((await self._queue(name)).id)

    async def redrive(self, name: str, target: str | None, limit: int | None) -> int:
        queue = await self._queue(name)
        values: dict[str, Any] = {} if target is None else {"target_queue_name": target}
        if limit is not None:
            if limit > MOST_IDS:
                raise InvalidInput(f"through a server at most {MOST_IDS:,} are counted off", field="--limit")
            letters = await self._client.jobs.alist(limit=limit, dead_letter_queue_id=str(queue.id))
            if not letters:
                return 0
            values["ids"] = [str(job.id) for job in letters]
        operation = await self._client.operations.aredrive(queue.id, **values)
        return max([progress.done async for progress in self._followed(operation.id)])

    async def drain(self, worker_id: UUID, *, takes_no_more: bool) -> None:
        workers = self._client.workers
        await (workers.adrain if takes_no_more else workers.aundrain)(worker_id)

    async def deregister(self, worker_id: UUID) -> None:
        await self._client.workers.aderegister(worker_id)

    async def workers(self, *, stopped: bool) -> tuple[datetime, Sequence[tuple[Worker, WorkerStatus]]]:
        found = await self._client.workers.alist(stopped="true" if stopped else None)
        return datetime.now(UTC), [
            (
                _made(
                    Worker,
                    worker,
                    type=worker.worker_type,
                    process=ProcessIdentity(worker.host, "", worker.pid, ""),
                    incidents=_made(Incidents, worker.incidents, loop_stack=None),
                ),
                worker.status,
            )
            for worker in found
        ]

    async def diagnosis(self) -> list[Finding]:
        return [
            Finding(**{**found, "verdict": Verdict(found["verdict"])})
            for found in await self._client.metrics.adiagnosis()
        ]

    async def tasks(self) -> Mapping[str, str]:
        return {task.name: task.queue for task in await self._client.tasks.alist()}

    async def submit(
        self, queue: str, job_type: str, payload: str, options: JobOptions, *, declare: bool
    ) -> tuple[Job, bool]:
        from taskforge.sdk.codec import decode

        known = {found.name for found in await self._client.queues.alist()}
        if queue not in known:
            if not declare:
                raise NotFound(f"no queue is named {queue!r}", hint=near(queue, sorted(known)))
            await self._client.queues.acreate(queue)
        job, is_new = await self._client.jobs.asubmit(
            job_type, decode(payload), queue=queue, **draft(options)
        )
        return _made(Job, job), is_new

    async def result(self, job_id: UUID, timeout: float | None) -> str:
        from taskforge.sdk.codec import encode

        return encode(await self._client.jobs.aresult(job_id, timeout), where="result")

    async def _queue(self, name: str) -> QueueView:
        queues = {found.name: found for found in await self._client.queues.alist()}
        if name not in queues:
            raise NotFound(f"no queue is named {name!r}", hint=near(name, list(queues)))
        return queues[name]

    async def _stats(self, queue: QueueView) -> tuple[StatusCounts, int]:
        found = await self._client.queues.astats(queue.id)
        counts = {status: getattr(found, f"{status.value}_count") for status in JobStatus}
        return StatusCounts(counts, frozenset(found.at_least)), found.dead_letter_count


def _made(kind: type[T], view: Any, **others: Any) -> T:
    """A value of the domain from what the client has read of it."""
    names = {field.name for field in fields(kind)} - others.keys()
    return kind(**{name: getattr(view, name) for name in names}, **others)


def _queue_of(view: QueueView) -> Queue:
    settings = QueueSettings.parse(
        {name: value for name, value in view.settings.items() if value is not None}
    )
    return _made(Queue, view, settings=settings, has_rule=settings.has_rule, plan=None)
