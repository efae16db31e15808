"""A worker: a registered process that runs jobs. Its status follows from its row, it is never set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput
from taskforge.domain.job_options import NO_OPTIONS, JobOptions
from taskforge.domain.requirements import check_capabilities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from taskforge.domain.ids import ProjectId, QueueId, WorkerId

MAX_CONCURRENCY = 1000


class WorkerType(StrEnum):
    """What kind of work the process is made for."""

    GENERAL = "general"
    SPECIALIZED_CPU = "specialized_cpu"
    SPECIALIZED_IO = "specialized_io"
    SPECIALIZED_GPU = "specialized_gpu"


class WorkerStatus(StrEnum):
    """Derived: ``draining`` was asked to leave, ``unhealthy`` missed two beats, ``offline`` is gone."""

    ONLINE = "online"
    DRAINING = "draining"
    UNHEALTHY = "unhealthy"
    OFFLINE = "offline"

    @property
    def is_live(self) -> bool:
        """Whether the process may still be there."""
        return self is not WorkerStatus.OFFLINE


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One incarnation of a process. ``machine`` names the booted kernel and its process namespace.

    Two processes of the same machine can tell by pid and start time whether the other still lives;
    an empty machine means that this system does not tell.
    """

    host: str
    machine: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What a worker says of itself when it starts."""

    name: str
    type: WorkerType
    capabilities: Mapping[str, Any]
    max_concurrent_jobs: int
    queues: Sequence[str]
    tasks: Sequence[TaskDescription]
    process: ProcessIdentity
    version: str

    def __post_init__(self) -> None:
        check_capabilities(self.capabilities)
        if not 1 <= self.max_concurrent_jobs <= MAX_CONCURRENCY:
            raise InvalidInput(
                f"a worker runs from 1 to {MAX_CONCURRENCY} jobs at once, not {self.max_concurrent_jobs}",
                field="max_concurrent_jobs",
            )


@dataclass(frozen=True, slots=True)
class TaskDescription:
    """What the catalogue knows of a task: its queue, its parameters' JSON schema, its docstring.

    ``options`` hold for jobs that are made without the task's code, where their maker says nothing else.
    """

    name: str
    queue: str
    schema: Mapping[str, Any] | None = None
    description: str | None = None
    options: JobOptions = NO_OPTIONS


@dataclass(frozen=True, slots=True)
class Incidents:
    """What went wrong in one incarnation of a worker, counted since its start.

    ``leases_lost``: executions that it had to give up, because others took them or because it could not
    renew their leases. ``stale_writes``: reports, log lines and heartbeats that came too late and changed
    nothing. ``loop_blocks``: how often a handler held up the event loop; ``loop_stack`` is where, the last
    time.
    """

    leases_lost: int = 0
    stale_writes: int = 0
    loop_blocks: int = 0
    longest_loop_block_ms: int = 0
    loop_stack: str | None = None


@dataclass(frozen=True, slots=True)
class TaskUsage:
    """What the executions of one job type of a queue have used that ended since the last sample.

    ``executions`` is how many were measured, ``cpu_us`` their processor time together in microseconds, and
    ``most_cpu_us`` that of the one that took most. ``peak_memory_bytes`` is the most that a child process
    occupied; None where none of them ran in a process of its own, whose memory alone can be told apart.
    """

    queue_id: QueueId
    job_type: str
    executions: int
    cpu_us: int
    most_cpu_us: int
    peak_memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a worker uses, with the processes that it started. 100 per cent are one processor, or all memory.

    Memory that processes share is counted with each of them. ``tasks``: what its executions used.
    """

    cpu_percent: float
    memory_bytes: int
    memory_percent: float
    tasks: Sequence[TaskUsage] = ()


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as it is stored: one row an incarnation."""

    id: WorkerId
    project_id: ProjectId
    name: str
    type: WorkerType
    capabilities: Mapping[str, Any]
    max_concurrent_jobs: int
    queues: Sequence[str]
    job_types: Sequence[str]
    process: ProcessIdentity
    version: str
    active_jobs: int
    incidents: Incidents
    drain_requested_at: datetime | None
    stopped_at: datetime | None
    last_heartbeat: datetime
    created_at: datetime
    updated_at: datetime

    def status(self, now: datetime, lease: timedelta) -> WorkerStatus:
        """Online while it beats (every third of a lease), unhealthy after two beats, offline after a lease."""
        return status_of(self.last_heartbeat, self.drain_requested_at, self.stopped_at, now=now, lease=lease)


def status_of(
    last_heartbeat: datetime,
    drain_requested_at: datetime | None,
    stopped_at: datetime | None,
    *,
    now: datetime,
    lease: timedelta,
) -> WorkerStatus:
    """The same of what a row says."""
    silence = now - last_heartbeat
    if stopped_at is not None or silence > lease:
        return WorkerStatus.OFFLINE
    if silence > lease * 2 / 3:
        return WorkerStatus.UNHEALTHY
    return WorkerStatus.DRAINING if drain_requested_at is not None else WorkerStatus.ONLINE
