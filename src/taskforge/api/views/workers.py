"""Workers and the tasks they know, in bodies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from taskforge.api.values import Body
from taskforge.domain.job_options import declared
from taskforge.domain.worker import (
    MAX_CONCURRENCY,
    Incidents,
    TaskDescription,
    Worker,
    WorkerStatus,
    WorkerType,
)


@dataclass(frozen=True, slots=True)
class IncidentsView:
    """What went wrong in one incarnation of a worker, counted since its start."""

    leases_lost: int
    stale_writes: int
    loop_blocks: int
    longest_loop_block_ms: int


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker: one incarnation of a process. Its status follows from its heartbeats."""

    id: UUID
    project_id: UUID
    name: str
    worker_type: WorkerType
    status: WorkerStatus
    capabilities: dict[str, Any]
    max_concurrent_jobs: int
    active_jobs: int
    queues: list[str]
    job_types: list[str]
    host: str
    pid: int
    version: str
    drain_mode: bool
    drain_requested_at: datetime | None
    incidents: IncidentsView
    last_heartbeat: datetime
    registered_at: datetime
    stopped_at: datetime | None
    created_at: datetime
    updated_at: datetime


class WorkerChange(Body):
    """What is to be changed; the process hears of it with its next heartbeat."""

    max_concurrent_jobs: int = Field(ge=1, le=MAX_CONCURRENCY, examples=[20])


@dataclass(frozen=True, slots=True)
class WorkerStatsView:
    """What a worker does and has done; ended ones are counted among its newest 100,000 attempts."""

    worker_id: UUID
    active_jobs: int
    completed_jobs: int
    failed_jobs: int
    status: WorkerStatus
    last_heartbeat: datetime


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task that workers or programs have named: its queue, the JSON schema of its parameters, its docstring.

    `options` hold for its jobs where whoever makes them says nothing else; times are seconds.
    """

    name: str
    queue: str
    description: str | None
    schema: dict[str, Any] | None
    options: dict[str, Any]


def view_of(worker: Worker, status: WorkerStatus) -> WorkerView:
    """A worker as it is shown."""
    return WorkerView(
        id=worker.id,
        project_id=worker.project_id,
        name=worker.name,
        worker_type=worker.type,
        status=status,
        capabilities=dict(worker.capabilities),
        max_concurrent_jobs=worker.max_concurrent_jobs,
        active_jobs=worker.active_jobs,
        queues=list(worker.queues),
        job_types=list(worker.job_types),
        host=worker.process.host,
        pid=worker.process.pid,
        version=worker.version,
        drain_mode=worker.drain_requested_at is not None,
        drain_requested_at=worker.drain_requested_at,
        incidents=_incidents_of(worker.incidents),
        last_heartbeat=worker.last_heartbeat,
        registered_at=worker.created_at,
        stopped_at=worker.stopped_at,
        created_at=worker.created_at,
        updated_at=worker.updated_at,
    )


def _incidents_of(incidents: Incidents) -> IncidentsView:
    return IncidentsView(
        incidents.leases_lost,
        incidents.stale_writes,
        incidents.loop_blocks,
        incidents.longest_loop_block_ms,
    )


def task_view_of(task: TaskDescription) -> TaskView:
    """A task as it is shown."""
    schema = None if task.schema is None else dict(task.schema)
    return TaskView(task.name, task.queue, task.description, schema, declared(task.options))
