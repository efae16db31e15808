"""Scheduled jobs as classes: when, and what to do."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from taskforge.domain.bounds import check_job_type
from taskforge.domain.errors import Conflict, InvalidInput
from taskforge.sdk.options import job_options
from taskforge.sdk.schedule import declared_schedule
from taskforge.sdk.task import make_task

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from taskforge.sdk.backend import Backend
    from taskforge.sdk.fields import ScheduleFields
    from taskforge.sdk.task import Task


class ReportedFailure(Exception):
    """A scheduled job answered ``{"success": False, "message": ...}``: its attempt has failed."""


class BaseScheduledJob(ABC):
    """Subclass it, set ``job_id`` and ``cron`` or ``interval_seconds``, register an instance: ``app.register(MyJob())``.

    ``lock = "database"`` (or ``"redis"``): `execute` holds a lock of the job's name, which it renews; while somebody else holds it, even
    outside of TaskForge's jobs, the run is skipped. ``max_retries`` N means N+1 attempts, ``retry_delay_seconds`` apart. What ``schedule`` holds are further fields
    of a schedule: ``{"missed": "all"}``.
    """

    job_id: ClassVar[str]
    description: ClassVar[str] = ""
    cron: ClassVar[str | None] = None
    interval_seconds: ClassVar[float | None] = None
    timezone: ClassVar[str | None] = None
    enabled: ClassVar[bool] = True
    max_retries: ClassVar[int] = 3
    retry_delay_seconds: ClassVar[float] = 60
    timeout_seconds: ClassVar[float | None] = None
    lock: ClassVar[str | None] = None
    lock_seconds: ClassVar[float] = 60
    schedule: ClassVar[ScheduleFields] = {}

    @abstractmethod
    async def execute(self) -> Any:
        """Do the work; answer None, any JSON value, or ``{"success": ..., "message": ..., "data": ...}``."""


class Lock(Protocol):
    """Holds a named lock within a block; raises Conflict when somebody else does."""

    def __call__(self, name: str, /, *, ttl: float, by: str) -> AbstractAsyncContextManager[object]: ...


def task_of_scheduled_job(
    job: BaseScheduledJob, backend: Backend, *, queue: str, lock: Lock
) -> Task[..., Any]:
    """A task named by the job's id, with its schedule. Raises InvalidInput when the class is not whole."""
    kind = type(job).__qualname__
    name = getattr(job, "job_id", None)
    if name is None:
        raise InvalidInput(f"{kind} has no job_id", field="job_id", hint='job_id = "daily_report"')
    if not inspect.iscoroutinefunction(job.execute):
        raise InvalidInput(f"{kind}.execute must be an async def", field="execute")
    if job.lock not in (None, "database", "redis"):
        raise InvalidInput(
            f"{kind}.lock cannot be {job.lock!r}", field="lock", hint="database, redis, or None"
        )
    if job.max_retries < 0:
        raise InvalidInput(f"{kind}.max_retries cannot be less than 0", field="max_retries")

    async def run() -> Any:
        if job.lock is None:
            return _judged(await job.execute(), name)
        async with AsyncExitStack() as stack:
            try:
                held = lock(f"scheduled_job {name}"[:100], ttl=job.lock_seconds, by=job.lock)
                await stack.enter_async_context(held)
            except Conflict as refusal:
                return {"success": True, "message": f"skipped: {refusal.message}", "data": None}
            return _judged(await job.execute(), name)

    run.__doc__ = job.description or type(job).__doc__
    run.__module__ = type(job).__module__
    delay = float(job.retry_delay_seconds)
    options = {
        "max_attempts": job.max_retries + 1,
        "retry_base": delay,
        "retry_multiplier": 1.0,
        "retry_cap": delay,
        "retry_jitter": False,
    }
    if job.timeout_seconds is not None:
        options["timeout"] = job.timeout_seconds
    task = make_task(
        run, name=check_job_type(name), queue=queue, pool=None, options=job_options(options), backend=backend
    )
    given = {
        "cron": job.cron,
        "every": job.interval_seconds,
        "timezone": job.timezone,
        "enabled": job.enabled,
        **job.schedule,
    }
    task.schedule = declared_schedule(name, task.job(), given, job.description or task.description)
    return task


def _judged(answer: Any, name: str) -> Any:
    if isinstance(answer, dict) and answer.get("success") is False:
        raise ReportedFailure(str(answer.get("message") or f"{name} reported a failure"))
    return answer
