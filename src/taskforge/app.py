"""The application: what a user's module makes, registers tasks on, and enqueues through."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from taskforge.domain.errors import Conflict
from taskforge.sdk.bridge import Bridge
from taskforge.sdk.decorator import TaskDecorator
from taskforge.sdk.hooks import Hooked
from taskforge.sdk.lifespan import SharedLifespan
from taskforge.sdk.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Self, Unpack
    from uuid import UUID

    from fastapi import FastAPI
    from starlette.applications import Starlette

    from taskforge.autoscaler_session import AutoscalerSession
    from taskforge.domain.explanation import Explanation
    from taskforge.domain.job import Job, Submitted
    from taskforge.platform import Platform
    from taskforge.ports.clock import Clock
    from taskforge.scheduler_session import SchedulerSession
    from taskforge.sdk.backend import TaskCall
    from taskforge.sdk.fields import ScheduleFields
    from taskforge.sdk.handle import JobHandle
    from taskforge.sdk.handler import JobHandler
    from taskforge.sdk.schedule import DeclaredSchedule
    from taskforge.sdk.scheduled_job import BaseScheduledJob
    from taskforge.services.leasing import Held
    from taskforge.services.transactions import TransactionalSubmission
    from taskforge.settings import Settings
    from taskforge.wiring import Wiring
    from taskforge.worker_session import WorkerSession

P = ParamSpec("P")
T = TypeVar("T")


class TaskForge(Hooked):
    """``app = TaskForge()``; ``@app.task`` makes tasks of functions.

    ``database_url``, ``project`` and any other setting (see docs/settings.md) may be given by name; what is
    not given comes from the environment, a file or the default. Nothing is opened before it is needed.
    ``queue`` is where tasks go that name none. ``lifespan`` is an asynchronous context manager around whatever works
    here (a worker, `lifespan` of a web application); what it shares it puts into `state`.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        project: str | None = None,
        queue: str = "default",
        lifespan: Callable[[TaskForge], AbstractAsyncContextManager[object]] | None = None,
        clock: Clock | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.queue = queue
        self.registry = Registry()
        self.task = TaskDecorator(self, self.registry.add, queue)
        self.state = SimpleNamespace()
        self._resources = SharedLifespan(self, lifespan)
        self._arguments = {"database_url": database_url, "project": project, **settings}
        self._clock = clock
        self._bridge = Bridge()
        self._schedules: list[DeclaredSchedule] = []
        self._api: FastAPI | None = None
        self._wiring: Wiring | None = None
        self._wiring_lock = Lock()

    @property
    def settings(self) -> Settings:
        """The effective settings. Raises InvalidSetting."""
        return self._wired().settings

    def configure(self, **settings: Any) -> None:
        """Settings that go before what the code says, as those of a command line do.

        Raises Conflict when something has been opened already.
        """
        if settings and self._wiring is not None:
            raise Conflict("the application has been used already: its settings stand")
        self._arguments |= settings

    @contextmanager
    def replaced(self, *, clock: Clock | None = None, **settings: Any) -> Iterator[None]:
        """Within the block the application has other settings and opens everything anew, as tests need it."""
        kept = {name: vars(self)[name] for name in ("_arguments", "_clock", "_bridge", "_wiring", "_api")}
        fresh = {"_arguments": self._arguments | settings, "_clock": clock, "_bridge": Bridge()}
        vars(self).update(fresh, _wiring=None, _api=None)
        try:
            yield
        finally:
            self.close()
            vars(self).update(kept)

    def redact(self, *values: str) -> None:
        """Never write these values to a log, an error or a job's progress: ``app.redact(os.environ["GATEWAY_KEY"])``.

        They hold for the whole process, and for child processes when the application's module says them. At least four
        characters each. Raises InvalidInput.
        """
        from taskforge.sdk.secrets import SECRETS

        SECRETS.add(*values)

    def register(self, handler: JobHandler | BaseScheduledJob, *, queue: str | None = None) -> None:
        """Register an instance: its job type (of a scheduled job its id) becomes a task of this application."""
        from taskforge.sdk.handler import JobHandler, task_of_handler
        from taskforge.sdk.scheduled_job import task_of_scheduled_job

        if isinstance(handler, JobHandler):
            self.registry.add(task_of_handler(handler, self, queue=queue or self.queue))
        else:
            self.registry.add(task_of_scheduled_job(handler, self, queue=queue or self.queue, lock=self.lock))

    def schedule(self, name: str, call: TaskCall[Any], **fields: Unpack[ScheduleFields]) -> None:
        """Make a call of a task by a schedule: ``app.schedule("nightly", report.job("all"), cron="0 2 * * *")``.

        It is declared when a scheduler or a worker of this application starts. Raises InvalidInput, Conflict.
        """
        from taskforge.sdk.schedule import declared_schedule

        if name in {declared.name for declared in self.schedules}:
            raise Conflict(f"two schedules are named {name!r}")
        task = self.registry.get(call.job_type)
        self._schedules.append(declared_schedule(name, call, fields, task.description if task else None))

    def maintain(self, cron: str = "0 3 * * 0", *, days: float = 30.0, timezone: str | None = None) -> None:
        """Schedule the stock task ``cleanup_old_logs``: it forgets runs of schedules older than ``days``; failures stay longer.

        Without it history is kept as each schedule says.
        """

        async def cleanup_old_logs(days: float = 30.0) -> dict[str, Any]:
            """Forget old runs of schedules."""
            removed = await (await self.platform()).schedules.forget(days)
            return {"success": True, "message": f"{removed} runs are forgotten", "data": {"removed": removed}}

        task = self.task(name="cleanup_old_logs")(cleanup_old_logs)
        fields: ScheduleFields = {"cron": cron} if timezone is None else {"cron": cron, "timezone": timezone}
        self.schedule("cleanup_old_logs", task.job(days), **fields)

    @property
    def schedules(self) -> list[DeclaredSchedule]:
        """The schedules that the code of this application names."""
        return [*(task.schedule for task in self.registry if task.schedule is not None), *self._schedules]

    async def declare_schedules(self) -> None:
        """Make them known to the database; what operators changed of them stays."""
        if self.schedules:
            platform = await self._declared()
            for declared in self.schedules:
                await platform.schedules.declare(declared.name, declared.fields)

    def scheduler(self, *, alone: bool = True) -> SchedulerSession:
        """A scheduler in this process: ``async with app.scheduler(): ...``; any number may run at once.

        ``alone``: no worker of this application is in the process, and the scheduler does what every process does.
        """
        from taskforge.scheduler_session import SchedulerSession

        return SchedulerSession(self._wired(), self.declare_schedules, alone=alone)

    def autoscaler(
        self, command: Callable[[str, str], Sequence[str]], *, alone: bool = True
    ) -> AutoscalerSession:
        """An autoscaler in this process: ``async with app.autoscaler(command): ...`` starts and stops workers of this
        host as scaling policies with the provisioner ``local`` say. ``command`` gives the command line of a worker of a
        name for a queue; ``alone``: no worker of this application is in the process.
        """
        from taskforge.autoscaler_session import AutoscalerSession

        return AutoscalerSession(self._wired(), command, alone=alone)

    def api(self) -> FastAPI:
        """The HTTP API and the dashboard, as an application of its own: see `mount`. Raises WeakSecret without a `secret_key`."""
        if self._api is None:
            from taskforge.api_session import api_application
            from taskforge.services.secret_key import check_secret_key

            check_secret_key(self.settings.secret_key)
            self._api = api_application(self._wired())
        return self._api

    def mount(self, web: Starlette, path: str = "/taskforge") -> None:
        """Serve the HTTP API and the dashboard below a path of a web application whose lifespan is `lifespan`.

        Whoever may use it logs in there or has a key, as always. Raises WeakSecret without a `secret_key`.
        """
        web.mount(path, self.api(), name="taskforge")

    @asynccontextmanager
    async def lock(
        self, name: str, *, ttl: float = 30.0, wait: float = 0.0, by: str = "database"
    ) -> AsyncIterator[Held]:
        """Hold a named lock of the project within the block: ``async with app.lock("import", ttl=30) as held: ...``

        It is renewed while the block runs, and runs out ``ttl`` seconds after its holder died. ``wait``: seconds to wait
        for another holder. ``held.fence`` only grows; ``held.check()`` raises LeaseLost when it is held no more.
        ``by="redis"`` keeps it in Redis: another lock than the one of that name in the database.
        Raises Conflict when somebody else holds it, Unavailable, InvalidSetting (no ``redis_url``).
        """
        platform = await self.platform()
        async with platform.locks(by).hold(name, ttl=ttl, wait=wait) as held:
            yield held

    @overload
    def lifespan(self, application: object, /) -> AbstractAsyncContextManager[None]: ...
    @overload
    def lifespan(
        self, /, *, worker: bool = False, scheduler: bool = False
    ) -> Callable[[object], AbstractAsyncContextManager[None]]: ...
    def lifespan(
        self, application: object = None, /, *, worker: bool = False, scheduler: bool = False
    ) -> Any:
        """For ``FastAPI(lifespan=app.lifespan)``: what the web application needs of this one, and its end.

        ``app.lifespan(worker=True, scheduler=True)`` runs a worker of its tasks and a scheduler beside the web
        application; any number of web processes may.
        """
        if application is None:
            return lambda _: self._beside(worker=worker, scheduler=scheduler)
        return self._beside(worker=worker, scheduler=scheduler)

    @asynccontextmanager
    async def _beside(self, *, worker: bool, scheduler: bool) -> AsyncIterator[None]:
        worker = worker and len(self.registry) > 0
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self._resources)
                if self._api is not None:
                    await stack.enter_async_context(self._api.router.lifespan_context(self._api))
                if self._wired().address.kind == "sqlite":  # no request's transaction could make its tables
                    await self.platform()
                if worker:
                    await stack.enter_async_context(self.worker())
                if scheduler:
                    await stack.enter_async_context(self.scheduler(alone=not worker))
                yield
        finally:
            await self.aclose()

    async def aenqueue_many(self, calls: Sequence[TaskCall[T]]) -> list[JobHandle[T]]:
        """Make a job of each call, in one round trip, all or none: ``[add.job(i, i) for i in ...]``."""
        jobs = await self.submit_many(calls)
        return [call.handle(job, self) for call, job in zip(calls, jobs, strict=True)]

    def enqueue_many(self, calls: Sequence[TaskCall[T]]) -> list[JobHandle[T]]:
        """`aenqueue_many` for synchronous code."""
        return self.run_sync(self.aenqueue_many, calls)

    async def aenqueue_many_in(self, connection: object, calls: Sequence[TaskCall[T]]) -> list[JobHandle[T]]:
        """Make a job of each call in the transaction of ``connection``, all or none: see `aenqueue_in`."""
        submitted = await self.submit_in(connection, calls)
        return [call.handle(job, self) for call, job in zip(calls, submitted, strict=True)]

    def enqueue_many_in(self, connection: object, calls: Sequence[TaskCall[T]]) -> list[JobHandle[T]]:
        """`aenqueue_many_in` over a synchronous connection, in synchronous code."""
        submitted = self.submit_in_now(connection, calls)
        return [call.handle(job, self) for call, job in zip(calls, submitted, strict=True)]

    def handle(self, job_id: UUID) -> JobHandle[Any]:
        """The handle of a job that was enqueued elsewhere."""
        from taskforge.sdk.handle import JobHandle

        return JobHandle(job_id, self)

    def worker(
        self,
        *,
        queues: Sequence[str] | None = None,
        concurrency: int | None = None,
        name: str | None = None,
        only: Sequence[str] | None = None,
        **options: Any,
    ) -> WorkerSession:
        """A worker in this process, with recovery: ``async with app.worker(): ...`` drains at the end.

        Without ``queues`` it serves those of the registered tasks; ``only`` names the tasks that it runs.
        """
        from taskforge.worker_session import WorkerSession

        registry = self.registry if only is None else self.registry.subset(only)
        given = {name: value for name, value in self._arguments.items() if value is not None}
        return WorkerSession(
            self._wired(),
            registry,
            queues=queues,
            concurrency=concurrency,
            name=name,
            settings_of_children=given,
            locking=self.lock,
            hooks=self.hooks,
            resources=self._resources,
            **options,
        )

    async def platform(self) -> Platform:
        """The services behind this application, for the running event loop: queues, control, insights ..."""
        return await self._wired().platform()

    async def aclose(self) -> None:
        """Close what the running event loop has opened."""
        if self._wiring is not None:
            await self._wiring.close()

    def close(self) -> None:
        """Close what synchronous calls have opened."""
        self._bridge.close()

    async def __aenter__(self) -> Self:
        await self.platform()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # What tasks and handles need of their application (sdk.backend.Backend).

    def submit(self, call: TaskCall[Any], /) -> Coroutine[Any, Any, Submitted]:
        platform = None if self._wiring is None else self._wiring.platform_at_hand()
        if platform is None or platform.declared_tasks != len(self.registry):
            return self._submit_first(call)
        return platform.submission.submit(call, declare=True)

    async def submit_many(self, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        platform = await self._declared()
        return await platform.submission.submit_many(calls, declare=True)

    async def submit_in(self, connection: object, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        transactions = await self._beside_a_transaction()
        return await transactions.submit(connection, calls)

    def submit_in_now(self, connection: object, calls: Sequence[TaskCall[Any]], /) -> list[Submitted]:
        async def aenqueue_in(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
            return await work()  # under the name that a warning advises

        transactions = self.run_sync(aenqueue_in, self._beside_a_transaction)
        return transactions.submit_now(connection, calls, lambda work: self.run_sync(aenqueue_in, work))

    async def result(self, job_id: UUID, timeout: float | None, /) -> str | None:
        return await (await self.platform()).results.wait(job_id, timeout)

    async def cancel(self, job_id: UUID, /) -> None:
        await (await self.platform()).control.cancel(job_id)

    async def job(self, job_id: UUID, /) -> Job:
        return await (await self.platform()).insights.job(job_id)

    async def why(self, job_id: UUID, /) -> Explanation:
        return await (await self.platform()).explaining.why(job_id)

    def run_sync(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return self._bridge.run(function, *args, **kwargs)

    async def _submit_first(self, call: TaskCall[Any]) -> Submitted:
        return await (await self._declared()).submission.submit(call, declare=True)

    async def _declared(self) -> Platform:
        """The platform, after it has been told of the tasks of this application (once, and of new ones)."""
        platform = await self.platform()
        if len(self.registry) != platform.declared_tasks:
            from taskforge.domain.worker import TaskDescription

            tasks = [TaskDescription(task.name, task.queue, options=task.defaults) for task in self.registry]
            await platform.declare(tasks)
        return platform

    async def _beside_a_transaction(self) -> TransactionalSubmission:
        """Writes nothing that would have to wait for the caller's transaction, and so for ever."""
        platform = await self._wired().platform_of_a_ready_database()
        if not platform.transactions.writes_alone:
            await self._declared()
        return platform.transactions

    def _wired(self) -> Wiring:
        with self._wiring_lock:  # event loops and threads may come at the same moment
            if self._wiring is None:
                from taskforge.settings import load_settings
                from taskforge.wiring import Wiring

                self._wiring = Wiring(load_settings(self._arguments), clock=self._clock)
                self._bridge.on_close(self._wiring.close)
            return self._wiring
