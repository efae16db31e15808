"""A database, as the commands ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.ports.history import JobFilter
from taskforge.services.bulk import BulkOrder
from taskforge.services.submission import JobRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

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
    from taskforge.domain.execution import StoredLogLine
    from taskforge.domain.explanation import Explanation
    from taskforge.domain.job import Job, JobStatus
    from taskforge.domain.job_options import JobOptions
    from taskforge.domain.queue import Queue
    from taskforge.domain.stats import StatusCounts
    from taskforge.domain.worker import Worker, WorkerStatus
    from taskforge.platform import Platform
    from taskforge.services.bulk import BulkProgress, Counted
    from taskforge.services.findings import Finding


class LocalDesk:
    """Implements ``Desk`` over the services of a project."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def access(self, organization: str | None) -> AccessDesk:
        from taskforge.cli.access_work import LocalAccess

        return LocalAccess(self._platform, organization)

    @property
    def organizations(self) -> OrganizationDesk:
        from taskforge.cli.organization_work import LocalOrganizations

        return LocalOrganizations(self._platform)

    def audit(self, organization: str | None) -> AuditDesk:
        from taskforge.cli.audit_work import LocalAudit

        return LocalAudit(self._platform, organization)

    @property
    def pauses(self) -> PauseDesk:
        from taskforge.cli.pause_work import LocalPauses

        return LocalPauses(self._platform)

    @property
    def metrics(self) -> MetricsDesk:
        from taskforge.cli.metrics_work import LocalMetrics

        return LocalMetrics(self._platform)

    @property
    def schedules(self) -> ScheduleDesk:
        from taskforge.cli.schedule_work import LocalSchedules

        return LocalSchedules(self._platform)

    @property
    def errors(self) -> ErrorDesk:
        from taskforge.cli.error_work import LocalErrors

        return LocalErrors(self._platform)

    @property
    def alerts(self) -> AlertDesk:
        from taskforge.cli.alert_work import LocalAlerts

        return LocalAlerts(self._platform)

    @property
    def assignments(self) -> AssignmentDesk:
        from taskforge.cli.assignment_work import LocalAssignments

        return LocalAssignments(self._platform)

    @property
    def breakers(self) -> BreakerDesk:
        from taskforge.cli.breaker_work import LocalBreakers

        return LocalBreakers(self._platform)

    @property
    def scaling(self) -> ScalingDesk:
        from taskforge.cli.scaling_work import LocalScaling

        return LocalScaling(self._platform)

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Job], str | None]:
        from taskforge.cli.job_reading import page_of_jobs

        return await page_of_jobs(self._platform, query)

    async def find_job(self, text: str) -> Job:
        return await self._platform.insights.find_job(text)

    async def whole_job(self, text: str) -> WholeJob:
        from taskforge.cli.job_reading import whole_job

        return await whole_job(self._platform, text)

    async def why(self, text: str) -> Explanation:
        job = await self.find_job(text)
        return await self._platform.explaining.why(job.id)

    def lines(self, text: str, *, levels: Sequence[str] | None, follow: bool) -> AsyncIterator[StoredLogLine]:
        from taskforge.cli.job_reading import lines_of_job

        return lines_of_job(self._platform, text, levels=levels, follow=follow)

    async def cancel(self, job: Job) -> JobStatus:
        return await self._platform.control.cancel(job.id)

    async def retry(self, job: Job, target: str | None) -> JobStatus:
        queue = None if target is None else await self._platform.queues.get(target)
        return await self._platform.control.retry(job.id, queue=queue)

    async def delete_job(self, job: Job) -> None:
        await self._platform.control.delete(job.id)

    async def count(self, wish: BulkWish) -> Counted:
        return await self._platform.bulk.count(await self._order(wish))

    async def carry_out(self, wish: BulkWish) -> AsyncGenerator[BulkProgress, None]:
        async for progress in self._platform.bulk.run(await self._order(wish)):
            yield progress

    async def _order(self, wish: BulkWish) -> BulkOrder:
        queues = self._platform.queues
        chosen = JobFilter(
            queue_ids=[(await queues.get(name)).id for name in wish.queues] or None,
            statuses=wish.statuses,
            job_type=wish.job_type,
            tag=wish.tag,
            created_from=wish.created_from,
            created_to=wish.created_to,
        )
        return BulkOrder(wish.action, chosen, None if wish.target is None else await queues.get(wish.target))

    async def all_queues(self) -> Sequence[tuple[Queue, StatusCounts]]:
        from taskforge.cli.queue_work import all_queues

        return await all_queues(self._platform)

    async def whole_queue(self, name: str) -> tuple[Queue, StatusCounts, int]:
        from taskforge.cli.queue_work import whole_queue

        return await whole_queue(self._platform, name)

    async def make_queue(self, name: str, values: Mapping[str, Any]) -> Queue:
        from taskforge.cli.queue_work import make_queue

        return await make_queue(self._platform, name, values)

    async def change_queue(self, name: str, values: Mapping[str, Any]) -> Queue:
        from taskforge.cli.queue_work import change_queue

        return await change_queue(self._platform, name, values)

    async def delete_queue(self, name: str) -> None:
        await self._platform.queues.delete(name)

    async def redrive(self, name: str, target: str | None, limit: int | None) -> int:
        from taskforge.cli.queue_work import redrive_letters

        return await redrive_letters(self._platform, name, target, limit)

    async def workers(self, *, stopped: bool) -> tuple[datetime, Sequence[tuple[Worker, WorkerStatus]]]:
        present = await self._platform.health.workers(stopped=stopped)
        return await self._platform.health.now(), list(present)

    async def drain(self, worker_id: UUID, *, takes_no_more: bool) -> None:
        fleet = self._platform.worker_fleet
        await (fleet.drain if takes_no_more else fleet.undrain)(worker_id)

    async def deregister(self, worker_id: UUID) -> None:
        await self._platform.worker_fleet.deregister(worker_id)

    async def diagnosis(self) -> list[Finding]:
        return [*await self._platform.health.examine(), *await self._platform.redis_health.examine()]

    async def tasks(self) -> Mapping[str, str]:
        return {task.name: task.queue for task in await self._platform.insights.tasks()}

    async def submit(
        self, queue: str, job_type: str, payload: str, options: JobOptions, *, declare: bool
    ) -> tuple[Job, bool]:
        await self._platform.payloads.refresh()
        request = JobRequest(queue, job_type, payload, self._platform.payloads.options_of(job_type, options))
        job_id, created = await self._platform.submission.submit(request, declare=declare)
        return await self._platform.insights.job(job_id), created

    async def result(self, job_id: UUID, timeout: float | None) -> str:
        return await self._platform.results.wait(job_id, timeout) or "null"
