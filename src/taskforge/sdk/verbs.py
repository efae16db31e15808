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
        call, backend = self.job(*args, **kwargs), self.backend
        return call.handle(await backend.submit(call), backend)

    def enqueue(self, /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """`aenqueue` for synchronous code."""
        return self.backend.run_sync(self.aenqueue, *args, **kwargs)

    async def aenqueue_in(self, connection: object, /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Make a job of this call in the transaction of ``connection``: it exists once that commits.

        ``connection`` is one of asyncpg, psycopg, sqlite3 or aiosqlite, or a session or connection of SQLAlchemy,
        to the application's database. Raises ForeignConnection, NoTransaction, InvalidPayload, QueueClosed,
        QueueFull; errors of the driver come as they are.
        """
        call = self.job(*args, **kwargs)
        [job] = await self.backend.submit_in(connection, [call])
        return call.handle(job, self.backend)

    def enqueue_in(self, connection: object, /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """`aenqueue_in` over a synchronous connection, in synchronous code."""
        call = self.job(*args, **kwargs)
        [job] = self.backend.submit_in_now(connection, [call])
        return call.handle(job, self.backend)
