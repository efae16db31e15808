"""What tasks and handles need of the application that carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar

from taskforge.sdk import codec
from taskforge.sdk.handle import JobHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from uuid import UUID

    from taskforge.domain.explanation import Explanation
    from taskforge.domain.job import Job, Submitted
    from taskforge.domain.job_options import JobOptions

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class TaskCall(NamedTuple, Generic[R]):
    """A task with its arguments, ready to become a job. ``options`` are the call's over the task's."""

    job_type: str
    queue: str
    payload: str
    options: JobOptions
    load_result: Callable[[str], R] = codec.decode

    def handle(self, job: Submitted, backend: Backend) -> JobHandle[R]:
        """The handle of the job that this call has become."""
        return JobHandle(job.id, backend, self.load_result, created=job.created)


class Backend(Protocol):
    """The application's side: takes calls, knows jobs, bridges synchronous code to its loop."""

    async def submit(self, call: TaskCall[Any], /) -> Submitted:
        """Accept one job. Raises QueueClosed, QueueFull, NotFound, Unavailable."""
        ...

    async def submit_many(self, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        """Accept all jobs in one round trip, or none; answers in the order of the calls."""
        ...

    async def submit_in(self, connection: object, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        """Accept all jobs, or none, in the transaction of a caller's connection; answers in the order of the calls.

        Raises ForeignConnection, NoTransaction, QueueClosed, QueueFull, NotFound, and what the connection's driver raises.
        """
        ...

    def submit_in_now(self, connection: object, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        """`submit_in` over a synchronous connection, in the caller's thread."""
        ...

    async def result(self, job_id: UUID, timeout: float | None, /) -> str | None:
        """The result's JSON text once the job succeeded. Raises JobFailed, JobCancelled, ResultTimeout."""
        ...

    async def cancel(self, job_id: UUID, /) -> None:
        """Cancel a waiting job, or ask a running one to stop. Raises NotFound, Conflict."""
        ...

    async def job(self, job_id: UUID, /) -> Job:
        """The job as it is stored. Raises NotFound."""
        ...

    async def why(self, job_id: UUID, /) -> Explanation:
        """What keeps the job from running. Raises NotFound."""
        ...

    def run_sync(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a coroutine function on the application's own loop and wait: ``Bridge.run``."""
        ...
