"""A job as the code that enqueued it sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from taskforge.sdk import codec

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from uuid import UUID

    from taskforge.domain.explanation import Explanation
    from taskforge.domain.ids import JobId
    from taskforge.domain.job import Job, JobStatus
    from taskforge.sdk.backend import Backend

R = TypeVar("R")


class JobHandle(Generic[R]):
    """One job. ``result`` waits in synchronous code, ``await handle`` in asynchronous code.

    ``created`` says whether the call that gave this handle made the job, or found it by its key.
    """

    __slots__ = ("_backend", "_load_result", "created", "id")

    def __init__(
        self,
        job_id: UUID,
        backend: Backend,
        load_result: Callable[[str], R] = codec.decode,
        *,
        created: bool = False,
    ) -> None:
        self.id = cast("JobId", job_id)
        self.created = created
        self._backend = backend
        self._load_result = load_result

    async def aresult(self, timeout: float | None = None) -> R:
        """What the task returned, once it has. Raises JobFailed, JobCancelled, ResultTimeout (it goes on)."""
        text = await self._backend.result(self.id, timeout)
        return cast("R", None) if text is None else self._load_result(text)

    async def acancel(self) -> None:
        """Cancel the job if it waits, ask it to stop if it runs. Raises Conflict when it has ended."""
        await self._backend.cancel(self.id)

    async def astatus(self) -> JobStatus:
        """Where the job is in its life."""
        return (await self._backend.job(self.id)).status

    async def ajob(self) -> Job:
        """All that is stored of the job."""
        return await self._backend.job(self.id)

    async def awhy(self) -> Explanation:
        """Why it has not run: ``code``, ``message`` and all ``obstacles``; or that it runs, or has."""
        return await self._backend.why(self.id)

    def result(self, timeout: float | None = None) -> R:
        """`aresult` for synchronous code."""
        return self._backend.run_sync(self.aresult, timeout)

    def cancel(self) -> None:
        """`acancel` for synchronous code."""
        self._backend.run_sync(self.acancel)

    def status(self) -> JobStatus:
        """`astatus` for synchronous code."""
        return self._backend.run_sync(self.astatus)

    def why(self) -> Explanation:
        """`awhy` for synchronous code."""
        return self._backend.run_sync(self.awhy)

    def __await__(self) -> Generator[Any, None, R]:
        return self.aresult().__await__()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobHandle) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<JobHandle {self.id}>"
