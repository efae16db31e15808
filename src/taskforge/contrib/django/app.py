"""The TaskForge application behind one of ``TASKS``; one for the process, however many threads have a backend."""

from __future__ import annotations

import inspect
import random
import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from taskforge.app import TaskForge
from taskforge.contrib.django.database import in_transaction, url_of
from taskforge.contrib.django.framework import (
    InvalidTask,
    TaskResultDoesNotExist,
    TaskResultStatus,
    normalize_json,
    task_backends,
)
from taskforge.contrib.django.options import ONCE, checked, options_of, priority_of
from taskforge.contrib.django.payload import Call, CallShape
from taskforge.contrib.django.results import changed, fresh_result, result_of, task_named, task_of_call
from taskforge.contrib.django.running import Attempts, handler_of
from taskforge.domain.bounds import check_job_type
from taskforge.domain.errors import TaskforgeError
from taskforge.domain.ids import JobId, Uuid7Source, WorkerId
from taskforge.domain.job_options import JobOptions
from taskforge.domain.names import check_name
from taskforge.sdk.backend import TaskCall
from taskforge.sdk.task import AsyncTask, SyncTask, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from taskforge.sdk.context import Context
    from taskforge.wiring import Wiring
    from taskforge.worker_session import WorkerSession

_applications: OrderedDict[str, DjangoApplication] = OrderedDict()
_lock = Lock()
_mint = Uuid7Source(lambda: time.time_ns() // 1_000_000, random.SystemRandom().getrandbits)


def application_of(alias: str, options: Mapping[str, Any], queues: Iterable[str]) -> DjangoApplication:
    """The application of a backend with these options."""
    key = repr((alias, sorted(options.items()), sorted(queues)))
    with _lock:
        if key not in _applications:
            _applications[key] = DjangoApplication(alias, options, queues)
        return _applications[key]


class DjangoApplication(TaskForge):
    """Its tasks are Django's: they come here when their modules are imported, or when they are enqueued.

    ``options`` are those of ``TASKS``: ``database`` (an alias of ``DATABASES``), ``modules``, ``job_options``, and any setting.
    """

    def __init__(self, alias: str, options: Mapping[str, Any], queues: Iterable[str]) -> None:
        settings = dict(options)
        self.alias = alias
        self.database: str | None = settings.pop("database", None)
        self.modules: Sequence[str] = settings.pop("modules", ())
        self.queues = frozenset(queues)
        self._defaults = checked(settings.pop("job_options", {})).over(ONCE)
        self._attempts = Attempts(lambda: type(task_backends[alias]))
        super().__init__(**settings)
        for event in ("job.succeeded", "job.failed", "job.cancelled"):
            self.hooks.listen(event, self._attempts.finish)
        for event in ("job.retrying", "job.snoozed", "job.released"):
            self.hooks.listen(event, self._attempts.forget)

    @property
    def arguments(self) -> dict[str, Any]:
        """The settings that Django's settings say."""
        said = {name: value for name, value in self._arguments.items() if value is not None}
        if self.database is not None and "database_url" not in said:
            said["database_url"] = url_of(self.database)
        return said

    def know(self, task: Any) -> Task[..., Any]:
        """The task as a worker runs it. Raises InvalidTask when a job of it could not be kept."""
        try:
            name = check_job_type(task.module_path)
            check_name(task.queue_name, field="queue")
            known = self.registry.get(name)
            if known is None or known.function.__wrapped__ is not task.func:  # type: ignore[attr-defined] # set by functools.wraps
                known = self._made(name, task)
                self.registry.add(known)
        except TaskforgeError as error:
            raise InvalidTask(str(error)) from error
        return known

    def submit_task(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Make a job of a call, in the transaction of Django's database if one is open; answers the TaskResult.

        Raises TypeError for arguments that are not JSON, and what `TaskForge.submit` raises.
        """
        made = self.know(task)
        call = Call(normalize_json(args), normalize_json(kwargs), task.priority, task.run_after)
        said = JobOptions(priority=priority_of(task.priority), run_at=_aware(task.run_after))
        wanted: TaskCall[Any] = TaskCall(made.name, task.queue_name, call.to_json(), said.over(made.defaults))
        job_id = in_transaction(
            self.database or "default",
            lambda connection: self.submit_in_now(connection, [wanted])[0].id,
            lambda job_id: self.run_sync(self._submit_alone, wanted, job_id),
            _mint,
        )
        return fresh_result(task, job_id, call, self.alias)

    async def find_result(self, result_id: str) -> Any:
        """How a job stands. Raises TaskResultDoesNotExist."""
        try:
            job_id = UUID(str(result_id))
        except ValueError:
            raise TaskResultDoesNotExist(result_id) from None
        platform = await self.platform()
        job = await platform.insights.find(job_id)
        if job is None:
            raise TaskResultDoesNotExist(result_id)
        attempts = await platform.insights.executions(job)
        names: dict[Any, str] = {}
        for worker_id in {one.worker_id for one in attempts if one.worker_id is not None}:
            worker = await platform.stores.workers.get(platform.project_id, WorkerId(worker_id))
            if worker is not None:
                names[worker_id] = worker.name
        return result_of(task_named(job.job_type), job, attempts, names, self.alias)

    def worker(self, *, queues: Sequence[str] | None = None, **options: Any) -> WorkerSession:
        """As always; without ``queues`` it serves those of ``QUEUES`` as well, into which ``using()`` may put any task."""
        served = queues or sorted(self.queues | {task.queue for task in self.registry})
        return super().worker(queues=served, **options)

    async def _submit_alone(self, wanted: TaskCall[Any], job_id: UUID | None) -> JobId:
        if job_id is None:
            return JobId((await self.submit(wanted)).id)
        submission = (await self._declared()).submission_of(lambda: job_id)
        return JobId((await submission.submit(wanted, declare=True)).id)

    def _made(self, name: str, task: Any) -> Task[..., Any]:
        is_async = inspect.iscoroutinefunction(task.func)

        def begun(context: Context, call: Call) -> Any:
            if context.attempt > 1 and self.settings.server is None:
                return self.run_sync(self.find_result, str(context.id))
            return self._begun(task, context, call)

        async def abegun(context: Context, call: Call) -> Any:
            if context.attempt > 1 and self.settings.server is None:
                return await self.find_result(str(context.id))
            return self._begun(task, context, call)

        own = JobOptions(priority=priority_of(task.priority)).over(options_of(task.func))
        kind: type[Task[..., Any]] = AsyncTask if is_async else SyncTask
        return kind(
            handler_of(task.func, task.takes_context, self._attempts, abegun if is_async else begun),
            name=name,
            queue=task.queue_name,
            pool="async" if is_async else "thread",
            defaults=own.over(self._defaults),
            backend=self,
            shape=CallShape(),
        )

    def _begun(self, task: Any, context: Context, call: Call) -> Any:
        """What is known without a look at the record; a worker of a server has none, and counts attempts as its own."""
        now = timezone.now()
        shown = task_of_call(task, call, context.queue, self.alias)
        result = fresh_result(shown, context.id, call, self.alias)
        workers = [context.worker or ""] * context.attempt
        times = {"started_at": now, "last_attempted_at": now}
        return changed(result, status=TaskResultStatus.RUNNING, worker_ids=workers, **times)

    def _wired(self) -> Wiring:
        if self._wiring is None:
            self._arguments = {**self._arguments, **self.arguments}
        return super()._wired()


def _aware(moment: datetime | None) -> datetime | None:
    """Without USE_TZ Django's times are those of its TIME_ZONE."""
    return timezone.make_aware(moment) if moment is not None and timezone.is_naive(moment) else moment
