"""What the commands ask and order, of a database or of a server alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.cli.access_desk import AccessDesk, OrganizationDesk
    from taskforge.cli.alert_desk import AlertDesk
    from taskforge.cli.job_reading import JobQuery, WholeJob
    from taskforge.cli.record_desk import AuditDesk, MetricsDesk, PauseDesk
    from taskforge.cli.schedule_desk import ScheduleDesk
    from taskforge.domain.error_group import ErrorStatus
    from taskforge.domain.execution import StoredLogLine
    from taskforge.domain.explanation import Explanation
    from taskforge.domain.job import Job, JobStatus
    from taskforge.domain.job_options import JobOptions
    from taskforge.domain.operation import BulkAction
    from taskforge.domain.queue import Queue
    from taskforge.domain.stats import StatusCounts
    from taskforge.domain.worker import Worker, WorkerStatus
    from taskforge.services.bulk import BulkProgress, Counted
    from taskforge.services.findings import Finding


class BulkWish(NamedTuple):
    """What is to be done to all jobs of a filter; queues by name."""

    action: BulkAction
    queues: Sequence[str]
    statuses: Sequence[JobStatus] | None
    job_type: str | None = None
    tag: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    target: str | None = None


class RedriveProgress(NamedTuple):
    """How far an operation is."""

    operation_id: UUID
    counted: int
    done: int
    skipped: int


class ErrorDesk(Protocol):
    """Error groups by id or the end of it; documents are those of the API."""

    async def all(self, statuses: Sequence[ErrorStatus] | None, job_type: str | None) -> list[dict[str, Any]]:
        """The groups that failed last."""
        ...

    async def whole(self, text: str) -> dict[str, Any]:
        """One, with the traceback of its sample."""
        ...

    async def judge(self, text: str, status: ErrorStatus, until: datetime | None = None) -> dict[str, Any]:
        """Resolve, mute or reopen it."""
        ...

    def redrive(
        self, text: str, target: str | None, per_second: int | None
    ) -> AsyncGenerator[RedriveProgress, None]:
        """Retry its failed jobs; whoever stops asking has stopped it."""
        ...


class AssignmentDesk(Protocol):
    """Assignments by the names of queue and worker; documents are those of the API."""

    async def all(self, queue: str | None, worker: str | None) -> list[dict[str, Any]]:
        """All of them, those of one queue, those that name one worker."""
        ...

    async def create(self, queue: str, worker: str, weight: int, *, is_active: bool) -> dict[str, Any]:
        """A new one."""
        ...

    async def change(self, queue: str, worker: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """One with another weight, or switched on or off."""
        ...

    async def remove(self, queue: str, worker: str) -> dict[str, Any]:
        """Remove one; answers what it was."""
        ...

    async def workers_of(self, queue: str) -> list[dict[str, Any]]:
        """Who serves a queue, the least loaded first."""
        ...

    async def queues_of(self, worker: str) -> list[dict[str, Any]]:
        """What a live worker serves."""
        ...

    async def matrix(self) -> dict[str, Any]:
        """Everything at once."""
        ...


class ScalingDesk(Protocol):
    """Scaling policies by the names of their queues; documents are those of the API."""

    async def all(self) -> list[dict[str, Any]]:
        """All policies."""
        ...

    async def put(self, queue: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """A new one, or one with something changed; None goes back to the default."""
        ...

    async def remove(self, queue: str) -> None:
        """Remove one."""
        ...

    async def evaluate(self, queue: str | None) -> list[dict[str, Any]]:
        """What is recommended, for one queue or all."""
        ...

    async def execute(self, queue: str) -> dict[str, Any]:
        """Carry it out."""
        ...

    async def history(self, queue: str | None, limit: int) -> list[dict[str, Any]]:
        """What was decided, the latest first."""
        ...


class BreakerDesk(Protocol):
    """Circuit breakers by their job types; documents are those of the API."""

    async def all(self) -> list[dict[str, Any]]:
        """All breakers."""
        ...

    async def show(self, job_type: str) -> dict[str, Any]:
        """One of them."""
        ...

    async def put(self, job_type: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """A new one, or one with something changed; None goes back to the default."""
        ...

    async def open(self, job_type: str, reason: str | None, seconds: int | None) -> dict[str, Any]:
        """Open it, for so many seconds or until it is closed."""
        ...

    async def close(self, job_type: str, reason: str | None) -> dict[str, Any]:
        """Close it."""
        ...

    async def remove(self, job_type: str) -> None:
        """Remove one."""
        ...


class Desk(Protocol):
    """Jobs are named by their id or the end of it, queues by name. Raises the errors of ``domain.errors``."""

    def access(self, organization: str | None) -> AccessDesk:
        """An organization by name; None is the one that is meant without saying so."""
        ...

    @property
    def organizations(self) -> OrganizationDesk:
        """The organizations that the caller may see."""
        ...

    def audit(self, organization: str | None) -> AuditDesk:
        """The audit log of an organization by name; None is the one that is meant without saying so."""
        ...

    @property
    def pauses(self) -> PauseDesk:
        """What is paused in the project."""
        ...

    @property
    def metrics(self) -> MetricsDesk:
        """The figures of the project."""
        ...

    @property
    def schedules(self) -> ScheduleDesk:
        """The schedules of the project."""
        ...

    @property
    def errors(self) -> ErrorDesk:
        """The error groups of the project."""
        ...

    @property
    def assignments(self) -> AssignmentDesk:
        """The assignments of the project."""
        ...

    @property
    def scaling(self) -> ScalingDesk:
        """The scaling policies of the project."""
        ...

    @property
    def breakers(self) -> BreakerDesk:
        """The circuit breakers of the project."""
        ...

    @property
    def alerts(self) -> AlertDesk:
        """The alerts of the project."""
        ...

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Job], str | None]:
        """A page, and the cursor to go on with."""
        ...

    async def find_job(self, text: str) -> Job:
        """One job."""
        ...

    async def whole_job(self, text: str) -> WholeJob:
        """One job with its attempts."""
        ...

    async def why(self, text: str) -> Explanation:
        """Why it has not run."""
        ...

    def lines(self, text: str, *, levels: Sequence[str] | None, follow: bool) -> AsyncIterator[StoredLogLine]:
        """The lines of its log, oldest first; with ``follow`` until it has ended."""
        ...

    async def cancel(self, job: Job) -> JobStatus:
        """Cancel it, or ask it to stop."""
        ...

    async def retry(self, job: Job, target: str | None) -> JobStatus:
        """Once more, in its own queue or another."""
        ...

    async def delete_job(self, job: Job) -> None:
        """Remove it."""
        ...

    async def count(self, wish: BulkWish) -> Counted:
        """How many jobs it would meet."""
        ...

    def carry_out(self, wish: BulkWish) -> AsyncGenerator[BulkProgress, None]:
        """Do it; whoever stops asking has stopped it."""
        ...

    async def all_queues(self) -> Sequence[tuple[Queue, StatusCounts]]:
        """All queues by name, with their jobs by status."""
        ...

    async def whole_queue(self, name: str) -> tuple[Queue, StatusCounts, int]:
        """A queue, its jobs by status, and how many dead letters it lists."""
        ...

    async def make_queue(self, name: str, values: Mapping[str, Any]) -> Queue:
        """A new one."""
        ...

    async def change_queue(self, name: str, values: Mapping[str, Any]) -> Queue:
        """One with something changed; None goes back to the default."""
        ...

    async def delete_queue(self, name: str) -> None:
        """Remove it."""
        ...

    async def redrive(self, name: str, target: str | None, limit: int | None) -> int:
        """Retry dead letters; answers how many."""
        ...

    async def workers(self, *, stopped: bool) -> tuple[datetime, Sequence[tuple[Worker, WorkerStatus]]]:
        """The time, and the workers with their status."""
        ...

    async def drain(self, worker_id: UUID, *, takes_no_more: bool) -> None:
        """Have a worker leave, or take that back. Raises Conflict, NotFound."""
        ...

    async def deregister(self, worker_id: UUID) -> None:
        """Forget a worker that runs nothing. Raises Conflict, NotFound."""
        ...

    async def diagnosis(self) -> list[Finding]:
        """What is examined of the database and the project."""
        ...

    async def tasks(self) -> Mapping[str, str]:
        """The catalogue: each task's queue by its name."""
        ...

    async def submit(
        self, queue: str, job_type: str, payload: str, options: JobOptions, *, declare: bool
    ) -> tuple[Job, bool]:
        """Make a job of a payload in JSON; whether it is new. With ``declare`` an unknown queue is made."""
        ...

    async def result(self, job_id: UUID, timeout: float | None) -> str:
        """Wait for the end of a job; its result as JSON text."""
        ...
