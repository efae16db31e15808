"""An application in memory: it keeps calls, and runs them when their result is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from uuid import UUID, uuid4

from taskforge.domain.errors import NotFound
from taskforge.domain.ids import JobId
from taskforge.domain.job import JobStatus, Submitted
from taskforge.sdk.bridge import Bridge
from taskforge.sdk.context import Context, use_context
from taskforge.sdk.decorator import TaskDecorator
from taskforge.sdk.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from taskforge.domain.explanation import Explanation
    from taskforge.domain.job import Job
    from taskforge.domain.log_level import LogLevel
    from taskforge.sdk.backend import TaskCall

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class FakeRecorder:
    """Keeps what a context says."""

    lines: list[tuple[LogLevel, str, dict[str, Any] | None]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    printed: list[tuple[str, str]] = field(default_factory=list)
    beats: int = 0
    cancelled: bool = False

    def line(self, level: LogLevel, message: str, metadata: dict[str, Any] | None) -> None:
        self.lines.append((level, message, metadata))

    def progress(self, text: str) -> None:
        self.shown.append(text)

    def heartbeat(self) -> None:
        self.beats += 1

    def output(self, stream: str, text: str) -> None:
        self.printed.append((stream, text))

    def is_cancelled(self) -> bool:
        return self.cancelled


def a_context(recorder: FakeRecorder | None = None, state: str | None = None) -> Context:
    return Context(
        id=JobId(uuid4()),
        task="tasks.add",
        queue="default",
        attempt=2,
        max_attempts=3,
        deadline=None,
        recorder=recorder or FakeRecorder(),
        state=state,
    )


@dataclass(frozen=True)
class FakeJob:
    status: JobStatus


class FakeBackend:
    """A Backend that runs a job when its result is asked for, as the runtime would."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.task = TaskDecorator(self, self.registry.add)
        self.calls: dict[UUID, TaskCall[Any]] = {}
        self.connections: list[tuple[str, Any]] = []
        self.timeouts: list[float | None] = []
        self.cancelled: set[UUID] = set()
        self.bridge = Bridge()

    async def submit(self, call: TaskCall[Any], /) -> Submitted:
        return (await self.submit_many([call]))[0]

    async def submit_many(self, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        ids = [uuid4() for _ in calls]
        self.calls.update(zip(ids, calls, strict=True))
        return [Submitted(job_id, created=True) for job_id in ids]

    async def submit_in(self, connection: object, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        self.connections.append(("asynchronous", connection))
        return await self.submit_many(calls)

    def submit_in_now(self, connection: object, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        self.connections.append(("synchronous", connection))
        return self.run_sync(self.submit_many, calls)

    async def result(self, job_id: UUID, timeout: float | None, /) -> str | None:
        self.timeouts.append(timeout)
        call = self.calls[job_id]
        task = self.registry.get(call.job_type)
        assert task is not None
        context = a_context()
        args, kwargs = task.prepare(call.payload, context)
        with use_context(context):
            returned = task.function(*args, **kwargs)
            return task.dump_result(await returned if task.is_async else returned)

    async def cancel(self, job_id: UUID, /) -> None:
        self.cancelled.add(job_id)

    async def job(self, job_id: UUID, /) -> Job:
        if job_id not in self.calls:
            raise NotFound(f"no job {job_id}")
        status = JobStatus.CANCELLED if job_id in self.cancelled else JobStatus.PENDING
        return cast("Job", FakeJob(status))

    async def why(self, job_id: UUID, /) -> Explanation:
        raise NotFound(f"nothing is known of {job_id}")

    def run_sync(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return self.bridge.run(function, *args, **kwargs)
