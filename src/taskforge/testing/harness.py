"""An application on a database of its own for one test: what was enqueued, running it, moving the clock."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from taskforge.domain.job import JobStatus
from taskforge.housekeeping import Housekeeping
from taskforge.ports.history import JobFilter
from taskforge.sdk.bridge import Bridge
from taskforge.testing.clock import MovableClock, duration_of
from taskforge.testing.drain import drain
from taskforge.testing.jobs import EnqueuedJob, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType
    from typing import Self

    from taskforge.app import TaskForge
    from taskforge.domain.job import Submitted
    from taskforge.sdk.task import Task

T = TypeVar("T")
Mode: TypeAlias = Literal["manual", "inline"]
IN_MEMORY = "sqlite://:memory:"
MOST = 10_000


class Harness:
    """``with Harness(app) as taskforge:`` Within the block the application uses ``database_url``, and no other process.

    ``mode``: ``manual`` keeps jobs until `drain`; ``inline`` runs each as soon as it is enqueued, with all of its retries,
    through the codec, the checks of arguments and results, and the retry policy, before ``enqueue`` returns.
    """

    def __init__(self, app: TaskForge, *, database_url: str = IN_MEMORY, mode: Mode = "manual") -> None:
        self.app = app
        self.clock = MovableClock()
        self._url = database_url
        self._mode = mode
        self._bridge = _Beside()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(
            self.app.replaced(database_url=self._url, project="default", clock=self.clock)
        )
        self._stack.callback(self._close)
        try:
            if self._mode == "inline":
                self._stack.enter_context(self.inline())
            self._run(self._open)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def jobs(self, task: Task[..., Any] | str | None = None) -> list[EnqueuedJob]:
        """All jobs, or those of a task (or job type), in the order in which they were enqueued."""
        return self._run(lambda: self._jobs(task))

    def assert_enqueued(self, task: Task[..., Any] | str, /, **args: Any) -> EnqueuedJob:
        """The newest job of the task whose arguments have these values; others may have any. Raises AssertionError."""
        __tracebackhide__ = True
        found = [job for job in self.jobs(task) if _fits(job, args)]
        if not found:
            wanted = f"{_name(task)}({', '.join(f'{name}={value!r}' for name, value in args.items())})"
            raise AssertionError(f"{wanted} was not enqueued\n{self._listed()}")
        return found[-1]

    def assert_not_enqueued(self, task: Task[..., Any] | str, /, **args: Any) -> None:
        """No job of the task has these arguments. Raises AssertionError."""
        __tracebackhide__ = True
        found = [job for job in self.jobs(task) if _fits(job, args)]
        if found:
            raise AssertionError(f"{found[0]} was enqueued\n{self._listed()}")

    def drain(self, *, most: int = MOST) -> int:
        """Run all that is due, and what that enqueues, on an event loop of its own; how many attempts that were.

        What is due later (a delay, a retry, a schedule) waits for `advance`. Raises Conflict after ``most`` attempts.
        """
        return self._run(lambda: drain(self.app, most))

    async def adrain(self, *, most: int = MOST) -> int:
        """`drain` on the event loop of an asynchronous test, whose connections and clients the tasks share."""
        return await drain(self.app, most)

    def advance(self, by: float | timedelta | str) -> datetime:
        """Move the clock on: seconds, a timedelta, or ``1h30m``. Answers what it shows.

        On the way each due time of a schedule makes its job, as a scheduler would; no job runs before `drain`.
        """
        span = duration_of(by)
        if self.app.schedules:
            self._run(lambda: self._fire_until(self.clock.now() + span))
            return self.clock.now()
        return self.clock.advance(span)

    @contextmanager
    def inline(self) -> Iterator[None]:
        """Within the block each job runs before its ``enqueue`` returns. Jobs of your own transactions wait for `drain`."""
        submit, submit_many = self.app.submit, self.app.submit_many

        async def submit_inline(call: Any, /) -> Submitted:
            submitted = await submit(call)
            await self._run_inline([submitted])
            return submitted

        async def submit_many_inline(calls: Sequence[Any], /) -> list[Submitted]:
            submitted = await submit_many(calls)
            await self._run_inline(submitted)
            return submitted

        vars(self.app).update(submit=submit_inline, submit_many=submit_many_inline)
        try:
            yield
        finally:
            del self.app.submit, self.app.submit_many

    async def _run_inline(self, submitted: Sequence[Submitted]) -> None:
        """Until none of them is to be tried again; retries do not wait, what the caller has delayed does."""
        platform = await self.app.platform()
        while True:
            await drain(self.app, MOST)
            jobs = await platform.insights.jobs_by_ids([job.id for job in submitted])
            again = [job for job in jobs if job.status is JobStatus.SCHEDULED and job.attempt_count]
            if not again:
                return
            for job in again:
                await platform.control.reschedule(job.id, self.clock.now())

    async def _fire_until(self, end: datetime) -> None:
        ticking = Housekeeping(await self.app.platform()).ticking
        while (due := await ticking.next_due()) is not None and due <= end:
            self.clock.reach(due)
            await ticking.look()
        self.clock.reach(end)

    async def _open(self) -> None:
        await self.app.platform()
        await self.app.declare_schedules()

    async def _jobs(self, task: Task[..., Any] | str | None) -> list[EnqueuedJob]:
        insights = (await self.app.platform()).insights
        found = await insights.jobs(JobFilter(job_type=None if task is None else _name(task), limit=MOST))
        finished = [job for job in found if job.status.is_finished]
        endings = {job.id: await insights.ending(job.id) for job in finished}
        return [shown(job, endings.get(job.id), self.app.registry) for job in reversed(found)]

    def _listed(self) -> str:
        jobs = self.jobs()
        return (
            "\n".join(["enqueued were:", *(f"  {job}" for job in jobs)]) if jobs else "nothing was enqueued"
        )

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._bridge.run(work)

    def _close(self) -> None:
        self._bridge.run(self.app.aclose)
        self._bridge.close()


class _Beside(Bridge):
    """A loop of its own, beside that of an asynchronous test, which may well wait for it."""

    def _check_caller(self, function: object) -> None:
        """A test knows what it does."""


def _name(task: Task[..., Any] | str) -> str:
    return task if isinstance(task, str) else task.name


def _fits(job: EnqueuedJob, args: dict[str, Any]) -> bool:
    return all(name in job.args and job.args[name] == value for name, value in args.items())
