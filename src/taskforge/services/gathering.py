"""Single jobs that come at the same time share statements.

One that comes while none is under way is stored at once, by the task of its caller. Those that come meanwhile gather. A
group sets out once it is at least half as large as all that is under way, for a statement for a few jobs costs nearly
as much as one for many; so groups grow with the load. Many that wait go in two halves where the database has more than
one writer: while it stores one, the callers of the other have their answers and come again. Where it has one, storing may
be done without letting go of the event loop; whoever is alone lets the others come before its answer then, or one caller
that goes on and on would keep them all waiting while each of its jobs is committed alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from uuid import UUID

    from taskforge.domain.errors import TaskforgeError
    from taskforge.domain.job import NewJob

    Store: TypeAlias = Callable[[list[NewJob]], Awaitable[Mapping[UUID, TaskforgeError]]]
    Waiting: TypeAlias = tuple[NewJob, asyncio.Future[None]]

GROUP = 500
IN_FLIGHT = 4
WORTH_HALVING = 40
LONGEST_WAIT_SECONDS = 0.005
"""Then a group sets out, however small: what is under way may have to wait for a lock."""


class Gathering:
    """``store`` stores jobs in one statement, and answers why some were refused."""

    def __init__(self, store: Store, *, one_writer: bool) -> None:
        self._store = store
        self._one_writer = one_writer
        self._waiting: list[Waiting] = []
        self._groups: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._was_alone = False
        self._hurry: asyncio.TimerHandle | None = None

    def store(self, job: NewJob) -> Awaitable[None]:
        """Done once the job is stored. Raises what it was refused with."""
        if self._was_alone and not self._under_way and not self._waiting:
            return self._store_alone(job)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._set_out)  # with all that come in this turn of the loop
        self._waiting.append((job, answer))
        return answer

    async def _store_alone(self, job: NewJob) -> None:
        """In the caller's own task, which saves one."""
        self._under_way = 1
        try:
            refused = await self._store([job])
            if self._one_writer:
                await asyncio.sleep(0)
        finally:
            self._arrived(1)
        if refused:
            raise refused[job.id]

    def _set_out(self, *, late: bool = False) -> None:
        while self._waiting and len(self._groups) < IN_FLIGHT:
            size = len(self._waiting)
            if not self._under_way:
                if not self._one_writer and size >= WORTH_HALVING:
                    size = (size + 1) // 2
            elif size * 2 < self._under_way and not late:
                if self._hurry is None:
                    loop = asyncio.get_running_loop()
                    self._hurry = loop.call_later(LONGEST_WAIT_SECONDS, self._set_out_late)
                return
            self._store_group(min(size, GROUP))
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _set_out_late(self) -> None:
        self._hurry = None
        self._set_out(late=True)

    def _store_group(self, size: int) -> None:
        group, self._waiting = self._waiting[:size], self._waiting[size:]
        self._was_alone = size == 1 and not self._under_way
        self._under_way += size
        task = asyncio.get_running_loop().create_task(self._answer(group))
        self._groups.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        """Those who have their answers have come again by now."""
        self._groups.discard(task)
        if self._waiting:
            self._set_out()

    def _arrived(self, size: int) -> None:
        self._under_way -= size
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._set_out)

    async def _answer(self, group: list[Waiting]) -> None:
        try:
            refused = await self._store([job for job, _ in group])
        except BaseException as error:
            for _, answer in group:
                if not answer.done():
                    answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        finally:
            self._under_way -= len(group)
        for job, answer in group:
            if answer.done():
                continue
            if refused and job.id in refused:
                answer.set_exception(refused[job.id])
            else:
                answer.set_result(None)
