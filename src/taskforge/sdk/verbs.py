"""The verbs that tasks share with tasks that carry options. The asynchronous form holds the logic."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from taskforge.sdk.backend import Backend, TaskCall
    from taskforge.sdk.handle import JobHandle

P = ParamSpec("P")
R = TypeVar("R")


class Enqueuing(Generic[P, R]):
    """What can become a job. A method's own parameters are positional-only: a task may use their names."""

    __slots__ = ()

    @property
    @abstractmethod
    def backend(self) -> Backend:
        """The application that takes the jobs."""

    @abstractmethod
    def job(self, /, *args: P.args, **kwargs: P.kwargs) -> TaskCall[R]:
        """A call that is ready to be enqueued, alone or with many. Raises InvalidPayload."""

    async def aenqueue(self, /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Make a job of this call, or find the one that has its key (``created`` of the handle says which).

        Raises InvalidPayload when the arguments do not fit the task, QueueClosed and QueueFull.
        """
        call = self.job(*args, **kwargs)
        return call.handle(await self.backend.submit(call), self.backend)

    def enqueue(self, /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """`aenqueue` for synchronous code."""
        return self.backend.run_sync(self.aenqueue, *args, **kwargs)
