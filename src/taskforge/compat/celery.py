"""Celery's names over TaskForge: ``delay``, ``apply_async``, ``self.retry``, for programs that move step by step.

Only what means the same here: no chains, groups or chords, no pickle, no result backends of their own.
"""

from __future__ import annotations

import functools
import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Concatenate, Generic, NoReturn, ParamSpec, TypeVar, cast, overload

from taskforge.domain.errors import InvalidInput, JobCancelled, JobFailed
from taskforge.domain.job import JobStatus
from taskforge.sdk.context import current_job
from taskforge.sdk.outcomes import Dead, Retry, TaskOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.app import TaskForge
    from taskforge.sdk.context import Context
    from taskforge.sdk.handle import JobHandle
    from taskforge.sdk.task import Task

P = ParamSpec("P")
R = TypeVar("R")

MAX_RETRIES = 3
RETRY_DELAY = 180.0
"""Celery's own defaults."""
WITHOUT_MEANING = frozenset(
    {"acks_late", "ignore_result", "reject_on_worker_lost", "track_started", "typing"}
)
"""Options that ask for what is always so here, or for nothing that anybody would notice."""
STATES = {
    JobStatus.PENDING: "PENDING",
    JobStatus.SCHEDULED: "PENDING",
    JobStatus.PROCESSING: "STARTED",
    JobStatus.SUCCEEDED: "SUCCESS",
    JobStatus.FAILED: "FAILURE",
    JobStatus.CANCELLED: "REVOKED",
}


class Celery:
    """``celery = Celery(TaskForge())``; ``@celery.task`` and ``@celery.shared_task`` make tasks with Celery's names."""

    def __init__(self, app: TaskForge) -> None:
        self.app = app

    @overload
    def task(self, function: Callable[P, R], /) -> CeleryTask[P, R]: ...
    @overload
    def task(
        self, /, *, bind: bool, **options: Any
    ) -> Callable[[Callable[Concatenate[Any, P], R]], CeleryTask[P, R]]: ...
    @overload
    def task(self, /, **options: Any) -> Callable[[Callable[P, R]], CeleryTask[P, R]]: ...
    def task(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """A task of a function. ``name, queue, priority, bind, max_retries, default_retry_delay, autoretry_for, time_limit``.

        As with Celery an exception ends a job at its first attempt, unless it is of ``autoretry_for`` or comes from
        ``self.retry()``. Raises InvalidInput for an option that has no counterpart here.
        """
        if function is None:
            return lambda decorated: self._make(decorated, dict(options))
        return self._make(function, dict(options))

    shared_task = task

    def AsyncResult(self, task_id: UUID) -> AsyncResult[Any]:
        """What became of a task that was sent elsewhere."""
        return AsyncResult(self.app.handle(task_id))

    def _make(self, function: Callable[..., Any], options: dict[str, Any]) -> CeleryTask[..., Any]:
        if inspect.iscoroutinefunction(function):
            raise InvalidInput(
                f"{function.__name__} is an async function, which Celery has not", hint="@app.task"
            )
        for name in WITHOUT_MEANING & options.keys():
            del options[name]
        retries = options.pop("max_retries", MAX_RETRIES)
        policy = _Policy(
            is_bound=bool(options.pop("bind", False)),
            max_retries=retries,
            delay=float(options.pop("default_retry_delay", RETRY_DELAY)),
            retried=tuple(options.pop("autoretry_for", ())),
        )
        limit = options.pop("soft_time_limit", None) or options.pop("time_limit", None)
        options.pop("time_limit", None)
        if limit is not None:
            options["timeout"] = limit
        if options.pop("serializer", "json") != "json":
            raise InvalidInput("arguments are JSON here, never pickle", field="serializer")
        if retries is None:
            raise InvalidInput("a job has a last attempt here", field="max_retries", hint="max_retries=100")
        made: Task[..., Any] = self.app.task(max_attempts=retries + 1, **options)(
            _attempt_of(function, policy)
        )
        return CeleryTask(made, function, policy)


class CeleryTask(Generic[P, R]):
    """A task with Celery's verbs. ``task`` is TaskForge's own."""

    def __init__(self, task: Task[..., Any], function: Callable[..., Any], policy: _Policy) -> None:
        self.task = task
        self._policy = policy
        self.name = task.name
        self.run = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """A plain call of the function; a bound one finds no request in ``self``."""
        given = (BoundTask(self.name, None, self._policy), *args) if self._policy.is_bound else args
        return cast("R", self.run(*given, **kwargs))

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Enqueue it. Raises InvalidPayload when the arguments do not fit."""
        return AsyncResult(self.task.enqueue(*args, **kwargs))

    def apply_async(
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        countdown: float | None = None,
        eta: datetime | None = None,
        expires: datetime | float | None = None,
        queue: str | None = None,
        priority: int | None = None,
    ) -> AsyncResult[R]:
        """Enqueue it with options; ``eta`` needs a time zone, a larger ``priority`` goes first."""
        given = {"delay": countdown, "run_at": eta, "expires": expires, "queue": queue, "priority": priority}
        chosen: Any = {name: value for name, value in given.items() if value is not None}
        return AsyncResult(self.task.options(**chosen).enqueue(*args, **(kwargs or {})))


class AsyncResult(Generic[R]):
    """A job, by Celery's names. ``job`` is TaskForge's own handle."""

    def __init__(self, job: JobHandle[Any]) -> None:
        self.job = job
        self.id = str(job.id)

    @property
    def state(self) -> str:
        """PENDING, STARTED, SUCCESS, FAILURE or REVOKED. An unknown id raises NotFound, it is not PENDING."""
        return STATES[self.job.status()]

    status = state

    def get(self, timeout: float | None = None) -> R:
        """The result. Raises JobFailed, JobCancelled, ResultTimeout."""
        return cast("R", self.job.result(timeout))

    @property
    def result(self) -> Any:
        """The result, the exception of a failure, or None before the end."""
        if not self.ready():
            return None
        try:
            return self.job.result()
        except (JobFailed, JobCancelled) as error:
            return error

    def ready(self) -> bool:
        """Whether it has ended."""
        return self.state in ("SUCCESS", "FAILURE", "REVOKED")

    def successful(self) -> bool:
        """Whether it has succeeded."""
        return self.state == "SUCCESS"

    def failed(self) -> bool:
        """Whether it has failed."""
        return self.state == "FAILURE"

    def revoke(self, *, terminate: bool = True) -> None:
        """Cancel it; one that runs is asked to stop, and stopped (``terminate`` is always so here)."""
        self.job.cancel()


class BoundTask:
    """``self`` of a task with ``bind=True``."""

    def __init__(self, name: str, context: Context | None, policy: _Policy) -> None:
        self.name = name
        self.max_retries = policy.max_retries
        self.request = SimpleNamespace(
            id=None if context is None else str(context.id),
            retries=0 if context is None else context.attempt - 1,
        )
        self._policy = policy

    def retry(self, *, exc: BaseException | None = None, countdown: float | None = None) -> NoReturn:
        """Be called again in ``countdown`` seconds, else the task's ``default_retry_delay``."""
        delay = self._policy.delay if countdown is None else float(countdown)
        if self.request.retries >= self.max_retries and exc is not None:
            raise Dead(f"{type(exc).__name__}: {exc}") from exc
        raise Retry(delay, "" if exc is None else f"{type(exc).__name__}: {exc}") from exc


class _Policy(SimpleNamespace):
    is_bound: bool
    max_retries: int
    delay: float
    retried: tuple[type[BaseException], ...]


def _attempt_of(function: Callable[..., Any], policy: _Policy) -> Callable[..., Any]:
    """The function with Celery's meaning of exceptions; for a bound one, without ``self`` among its parameters."""

    @functools.wraps(function)
    def attempt(*args: Any, **kwargs: Any) -> Any:
        context = current_job()
        given = (BoundTask(context.task, context, policy), *args) if policy.is_bound else args
        try:
            return function(*given, **kwargs)
        except TaskOutcome:
            raise
        except policy.retried as error:
            raise Retry(policy.delay, f"{type(error).__name__}: {error}") from error
        except Exception as error:
            raise Dead(f"{type(error).__name__}: {error}") from error

    if policy.is_bound:
        parameters = list(inspect.signature(function).parameters.values())
        attempt.__signature__ = inspect.signature(function).replace(parameters=parameters[1:])  # type: ignore[attr-defined] # read by inspect
    return attempt
