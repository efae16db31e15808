"""What a process does with one project: its services, put together by ``wiring``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidInput, InvalidSetting
from taskforge.services.submission import PATIENCE_SECONDS, Submission, answered_within
from taskforge.storage.codec import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.worker import TaskDescription
    from taskforge.ports.jobs import JobStore
    from taskforge.ports.signals import Signals
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.audit import AuditLog
    from taskforge.services.backfill import Backfill
    from taskforge.services.browsing import Browsing
    from taskforge.services.bulk import Bulk
    from taskforge.services.control import Control
    from taskforge.services.direct_link import DirectLink
    from taskforge.services.directory import QueueDirectory
    from taskforge.services.explaining import Explaining
    from taskforge.services.health import Health
    from taskforge.services.idempotency import Idempotency
    from taskforge.services.insights import Insights
    from taskforge.services.leasing import Leasing
    from taskforge.services.metrics import Metrics
    from taskforge.services.operations import Operations, OperationSteps
    from taskforge.services.pauses import Pauses
    from taskforge.services.payload_schemas import PayloadSchemas
    from taskforge.services.queues import Queues
    from taskforge.services.recording import Recording
    from taskforge.services.recovery import Recovery
    from taskforge.services.remote_workers import RemoteWorkers
    from taskforge.services.results import Results
    from taskforge.services.retention import Pruning
    from taskforge.services.schedules import Schedules
    from taskforge.services.security import Security
    from taskforge.services.ticking import Ticking
    from taskforge.services.transactions import TransactionalSubmission
    from taskforge.services.workers import Workers
    from taskforge.settings import Settings
    from taskforge.storage.engine import Engine


@dataclass(slots=True)
class Platform:
    """The services of one project, on one event loop."""

    project_id: ProjectId
    settings: Settings
    engine: Engine
    signals: Signals
    directory: QueueDirectory
    jobs: JobStore
    workers: WorkerStore
    submission: Submission
    transactions: TransactionalSubmission
    queues: Queues
    pauses: Pauses
    control: Control
    bulk: Bulk
    operations: Operations
    operation_steps: OperationSteps
    backfill: Backfill
    insights: Insights
    results: Results
    recovery: Recovery
    recording: Recording
    metrics: Metrics
    pruning: Pruning
    health: Health
    explaining: Explaining
    audit: AuditLog
    idempotency: Idempotency
    make_link: Callable[..., DirectLink]
    remote_workers: RemoteWorkers
    browsing: Browsing
    worker_fleet: Workers
    payloads: PayloadSchemas
    security: Security
    schedules: Schedules
    ticking: Ticking
    leasing: Leasing
    redis: RedisServer | None
    redis_leasing: Leasing | None
    declared_tasks: int = 0

    def submission_of(self, mint: Callable[[], UUID]) -> Submission:
        """Accepts jobs under ids of the caller's choice: doing it again changes nothing."""
        return Submission(
            self.jobs, self.directory, self.signals, mint=mint, encode=to_json, limits=self.security.limits
        )

    def locks(self, by: str) -> Leasing:
        """Named locks in the ``database`` or in ``redis``. Raises InvalidInput, InvalidSetting (there is none)."""
        if by == "database":
            return self.leasing
        if by != "redis":
            raise InvalidInput(f"a lock cannot be kept in {by!r}", field="by", hint="database or redis")
        if self.redis_leasing is None:
            raise InvalidSetting(
                "a lock in Redis needs the setting redis_url",
                field="redis_url",
                hint="TASKFORGE_REDIS_URL=redis://host:6379/0",
            )
        return self.redis_leasing

    async def declare(self, tasks: Sequence[TaskDescription]) -> None:
        """Make known the tasks of an application that enqueues; what workers said of them stays."""
        async with answered_within(PATIENCE_SECONDS):
            await self.workers.declare(self.project_id, tasks)
        self.declared_tasks = len(tasks)

    def link(self, worker_id: UUID | None = None) -> DirectLink:
        """A link for one worker in this process."""
        return self.make_link(worker_id=worker_id)
